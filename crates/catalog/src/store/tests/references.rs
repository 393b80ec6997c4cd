//! A check of a closed catalog with a record that refers to nothing: each is named.

use super::{create, new};
use crate::format::{self, Counter, Mark, Stored};
use crate::grants::{Grant, Privilege, PrivilegeSet, Securable};
use crate::index::Operation;
use crate::tokens::TokenRecord;
use crate::users::UserRecord;
use crate::{Catalog, ProblemPlace, keys};

fn found(operations: Vec<Operation>) -> Vec<String> {
    let (dir, _disk, catalog) = new();
    create(&catalog, "s").unwrap();
    // Through the journal, so that nothing else is wrong.
    catalog
        .store
        .write(
            &super::root(),
            || crate::store::What::step("forge"),
            |draft| {
                for (key, value) in &operations {
                    match value {
                        Some(value) => draft.put_bytes(key.clone(), value.clone()),
                        None => draft.delete(key.clone()),
                    }
                }
                Ok(())
            },
        )
        .unwrap();
    drop(catalog);
    let report = Catalog::check(dir.path()).unwrap();
    assert!(
        report
            .problems
            .iter()
            .all(|p| p.place == ProblemPlace::References)
    );
    report.problems.into_iter().map(|p| p.what).collect()
}

fn mark(key: &str) -> Operation {
    (key.to_owned(), Some(format::encode(&Mark).into()))
}

#[test]
fn every_dangling_reference_is_named() {
    assert_eq!(found(Vec::new()), Vec::<String>::new());
    assert_eq!(
        found(vec![mark("sys/stage-enabled/other")]),
        ["sys/stage-enabled/other marks sys/stage/other, which does not exist"]
    );
    assert_eq!(
        found(vec![("sys/stage-enabled/s".to_owned(), None)]),
        ["sys/stage/s and sys/stage-enabled/s do not agree"]
    );
    let counter = format::encode(&Counter(0)).into();
    assert_eq!(
        found(vec![("sys/counter/stage".to_owned(), Some(counter))]),
        ["sys/counter/stage is at 0 where the id 1 exists"]
    );
    let version = "sys/stage-version/0000000000000001/0000000000000001";
    assert_eq!(
        found(vec![(version.to_owned(), None)]),
        [format!("sys/stage/s is not the version {version}")]
    );
    assert_eq!(
        found(vec![mark("sys/segment/0000000000000009/0000000000000001")]),
        ["sys/segment/0000000000000009/0000000000000001 is of a table that does not exist"]
    );
    assert_eq!(
        found(vec![
            mark("sys/export-open/e"),
            mark("sys/export-pin/1/e"),
            mark("sys/export-of/root/e")
        ]),
        [
            "sys/export-open/e marks an export that does not exist",
            "sys/export-pin/1/e is of an export that does not exist",
            "sys/export-of/root/e is of an export that does not exist"
        ]
    );
}

fn record<R: Stored>(key: String, record: &R) -> Operation {
    (key, Some(format::encode(record).into()))
}

fn grant(role_id: u64, on: Securable) -> Operation {
    let grant = Grant {
        role_id,
        on,
        privileges: PrivilegeSet::of(&[Privilege::Ownership]),
        granted_by: String::new(),
        granted_us: 0,
    };
    record(grant.key("sys"), &grant)
}

#[test]
fn identities_that_refer_to_nothing_are_named() {
    let user = UserRecord {
        id: 3,
        name: "u".into(),
        version: 1,
        password: None,
        password_epoch: 1,
        default_role: Some(9),
        locked: false,
        comment: String::new(),
        created_us: 0,
        changed_us: 0,
    };
    assert_eq!(
        found(vec![record(keys::user("sys", "u"), &user)]),
        [
            "sys/user/u has a default role that does not exist",
            "sys/counter/user is at 0 where the id 3 exists"
        ]
    );
    let mark_of_role = keys::user_role("sys", 3, 4);
    assert_eq!(
        found(vec![mark(&mark_of_role)]),
        [format!(
            "{mark_of_role} is of a user or a role that does not exist"
        )]
    );
    let on_what = |id| {
        [
            Securable::Database(id),
            Securable::TablesOf(id),
            Securable::Table(id),
            Securable::Stage(id),
        ]
    };
    for on in on_what(7) {
        let operation = grant(4, on);
        let key = operation.0.clone();
        let expected = [
            format!("{key} is on something that does not exist"),
            format!("{key} is of a role that does not exist"),
        ];
        assert_eq!(found(vec![operation]), expected);
    }
    // The stage that there is.
    let operation = grant(4, Securable::Stage(1));
    let expected = [format!("{} is of a role that does not exist", operation.0)];
    assert_eq!(found(vec![operation]), expected);
    let token = TokenRecord {
        id: "t".into(),
        hash: [1; 32],
        account: "sys".into(),
        user_id: 3,
        user: "u".into(),
        password_epoch: 1,
        role: None,
        label: String::new(),
        created_us: 0,
        expires_us: 0,
    };
    let mark_of_token = keys::user_token("sys", 3, "t", "11");
    assert_eq!(
        found(vec![mark(&mark_of_token)]),
        [format!("{mark_of_token} marks a token that does not exist")]
    );
    assert_eq!(
        found(vec![
            mark(&mark_of_token),
            record(keys::token("11"), &token)
        ]),
        [format!("{mark_of_token} marks a token of another user")]
    );
    assert_eq!(
        found(vec![record(keys::token("11"), &token)]),
        ["#token/11 has no mark under its user"]
    );
    let time = keys::request_time("sys", 5, "a/b");
    assert_eq!(
        found(vec![mark(&time)]),
        [format!("{time} marks a request that does not exist")]
    );
    let request = crate::requests::RequestRecord {
        operation: crate::requests::Operation::CreateStage,
        arguments: [0; 32],
        records: Vec::new(),
        outcome: crate::requests::Outcome::Changed,
        count: 0,
        time_us: 6,
    };
    assert_eq!(
        found(vec![record(keys::request("sys", "a/b"), &request)]),
        ["sys/request/a/b has no mark of its time"]
    );
}
