//! Several changes as one: all or none, each on those before it, each in the audit.

use stagedoor_catalog::{
    Actor, Catalog, CreateOutcome, Error, ErrorKind, Expected, NewUser, OnExists, PasswordHash,
    Privilege, PrivilegeSet, Request, Securable, Transaction,
};

use crate::fixture::{
    ann, at, create, create_role, create_user, new_role, open, refused, root, set_comment,
    set_enabled, with_acme,
};

fn new_user(name: &str) -> NewUser {
    NewUser {
        name: name.into(),
        password: Some(PasswordHash::new("hash")),
        default_role: None,
        comment: String::new(),
    }
}

fn users(catalog: &Catalog) -> Vec<String> {
    let users = catalog.users("acme").unwrap();
    users.into_iter().map(|user| user.name).collect()
}

/// What the audit of `acme` has beyond its first `skip` records.
fn audited(catalog: &Catalog, skip: usize) -> Vec<String> {
    let records = catalog.audit_page("acme", 0, 100).unwrap();
    let told =
        |record: &stagedoor_catalog::AuditRecord| format!("{} {}", record.operation, record.target);
    records.iter().skip(skip).map(told).collect()
}

#[test]
fn all_are_made_in_one_record_of_the_journal() {
    let (dir, catalog) = with_acme();
    let (seq, before) = (catalog.last_seq(), audited(&catalog, 0).len());
    let made = catalog
        .transaction(&ann(), |all| {
            let bob = all.create_user(new_user("bob"), OnExists::Error)?.record;
            let eve = all.create_user(new_user("eve"), OnExists::Error)?.record;
            all.create_role(new_role("r"), OnExists::Error)?;
            // What was made just before is there.
            assert!(all.grant_role("r", "eve")?);
            let kept = all.create_user(new_user("bob"), OnExists::Keep)?;
            assert_eq!((kept.outcome, &kept.record), (CreateOutcome::Kept, &bob));
            all.drop_user(
                "bob",
                Expected::Record {
                    id: bob.id,
                    version: 1,
                },
            )?;
            Ok::<_, Error>((bob.id, eve.id))
        })
        .unwrap();
    assert_eq!(made.1, made.0 + 1);
    assert_eq!(catalog.last_seq(), seq + 1);
    let expected = [
        "CREATE USER bob",
        "CREATE USER eve",
        "CREATE ROLE r",
        "GRANT ROLE r to user eve",
        "DROP USER bob",
    ];
    assert_eq!(audited(&catalog, before), expected);
    let check = |catalog: &Catalog| {
        assert_eq!(users(catalog), ["ann", "eve"]);
        let roles = catalog.roles_of("acme", "eve").unwrap();
        let roles: Vec<_> = roles.iter().map(|role| role.name.as_str()).collect();
        assert_eq!(roles, ["public", "r"]);
        assert_eq!(catalog.verify_audit().unwrap().bad, None);
    };
    check(&catalog);
    // The same from the journal alone.
    drop(catalog);
    std::fs::remove_dir_all(dir.path().join("index")).unwrap();
    check(&open(dir.path()));
}

#[test]
fn nothing_is_made_when_one_fails() {
    let (_dir, catalog) = with_acme();
    create_user(&catalog, &ann(), "bob");
    create_role(&catalog, &ann(), "r");
    let (seq, before) = (catalog.last_seq(), audited(&catalog, 0));
    let privileges = PrivilegeSet::of(&[Privilege::Read]);
    type Change = fn(&mut Transaction<'_>, PrivilegeSet) -> Result<(), Error>;
    let cases: [(Change, ErrorKind, &str); 4] = [
        (
            |all, _| {
                all.create_user(new_user("x"), OnExists::Error)?;
                all.create_user(new_user("bob"), OnExists::Error)?;
                Ok(())
            },
            ErrorKind::AlreadyExists,
            "the user bob exists",
        ),
        (
            |all, _| {
                all.create_role(new_role("x"), OnExists::Error)?;
                all.create_role(new_role("x"), OnExists::Error)?;
                Ok(())
            },
            ErrorKind::AlreadyExists,
            "the role x exists",
        ),
        (
            |all, _| {
                all.drop_user("bob", Expected::Any)?;
                all.drop_user("bob", Expected::Any)?;
                Ok(())
            },
            ErrorKind::NotFound,
            "the user bob not exists",
        ),
        (
            |all, privileges| {
                all.grant("r", Securable::Stages, privileges)?;
                all.grant("nosuch", Securable::Stages, privileges)?;
                Ok(())
            },
            ErrorKind::NotFound,
            "the role nosuch not exists",
        ),
    ];
    for (change, kind, message) in cases {
        let result = catalog.transaction(&ann(), |all| change(all, privileges));
        refused(result, kind, message);
    }
    assert_eq!((catalog.last_seq(), audited(&catalog, 0)), (seq, before));
    assert_eq!(users(&catalog), ["ann", "bob"]);
    assert!(catalog.grants_of_role("acme", "r").unwrap().is_empty());
    // One that fails may be passed over; it leaves nothing behind.
    catalog
        .transaction(&ann(), |all| {
            let missing = all.drop_user("nosuch", Expected::Any).unwrap_err();
            assert_eq!(missing.kind(), ErrorKind::NotFound);
            all.drop_user("bob", Expected::Any)
        })
        .unwrap();
    assert_eq!(
        (catalog.last_seq(), users(&catalog)),
        (seq + 1, vec!["ann".to_owned()])
    );
}

#[test]
fn stages_are_changed_as_one() {
    let (_dir, catalog) = with_acme();
    let a = create(&catalog, "a", "/tmp/a");
    create(&catalog, "b", "/tmp/b");
    let seq = catalog.last_seq();
    let (renamed, above) = catalog
        .transaction(&root(), |all| {
            all.alter_stage(
                "a",
                set_enabled(false),
                Expected::Record {
                    id: a.id,
                    version: 1,
                },
            )?;
            all.alter_stage("a", set_comment("c"), Expected::Version(2))?;
            all.drop_stage("b", Expected::Any, false)?;
            let renamed = all.rename_stage("a", "b", Expected::Version(3))?;
            let sub = all.create_stage("s", at("stage://b/x"), OnExists::Error, Expected::Any)?;
            Ok::<_, Error>((renamed, sub.record))
        })
        .unwrap();
    assert_eq!((renamed.id, renamed.version), (a.id, 4));
    assert_eq!(catalog.last_seq(), seq + 1);
    let names: Vec<_> = catalog
        .stages("sys")
        .unwrap()
        .into_iter()
        .map(|stage| (stage.name, stage.id, stage.version))
        .collect();
    assert_eq!(
        names,
        [("b".to_owned(), a.id, 4), ("s".to_owned(), above.id, 1)]
    );
    // Every version between is kept.
    assert_eq!(catalog.stage_history("sys", "b").unwrap().len(), 4);
    // A sub-stage holds its parent, also one that was made just before.
    let result = catalog.transaction(&root(), |all| {
        all.create_stage("t", at("stage://s/y"), OnExists::Error, Expected::Any)?;
        all.drop_stage("s", Expected::Any, false)
    });
    assert_eq!(result.unwrap_err().kind(), ErrorKind::InUse);
    assert_eq!(catalog.stage("sys", "t").unwrap(), None);
}

#[test]
fn a_transaction_given_again_changes_nothing() {
    let (_dir, catalog) = with_acme();
    let keyed = ann().with_request(Request {
        idempotency_key: Some("k".to_owned()),
        ..Request::default()
    });
    let make = |actor: &Actor, second: &str| {
        catalog.transaction(actor, |all| {
            let first = all.create_role(new_role("r1"), OnExists::Error)?.record;
            let second = all.create_role(new_role(second), OnExists::Error)?.record;
            Ok::<_, Error>([first, second].map(|role| (role.id, role.name)))
        })
    };
    let made = make(&keyed, "r2").unwrap();
    let seq = catalog.last_seq();
    assert_eq!(
        make(&keyed, "r2").unwrap().map(|(id, _)| id),
        made.map(|(id, _)| id)
    );
    assert_eq!(catalog.last_seq(), seq);
    assert_eq!(make(&keyed, "r3").unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(
        make(&ann(), "r3").unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    assert_eq!(catalog.last_seq(), seq);
    // One that is only tried answers the same, and writes nothing.
    let trial = ann().with_request(Request {
        validate_only: true,
        ..Request::default()
    });
    let tried = catalog.transaction(&trial, |all| {
        all.create_role(new_role("r4"), OnExists::Error)?;
        all.drop_role("r4", Expected::Any)
    });
    assert_eq!(tried.unwrap().unwrap().name, "r4");
    assert_eq!(catalog.last_seq(), seq);
}

#[test]
fn the_catalog_itself_is_refused_within() {
    let (dir, catalog) = with_acme();
    let other = tempfile::tempdir().unwrap();
    let other = open(other.path());
    catalog
        .transaction(&ann(), |all| {
            let read = catalog.users("acme").unwrap_err();
            let written = catalog.create_role(&ann(), new_role("x"), OnExists::Error);
            let nested = catalog.transaction(&ann(), |all| all.drop_role("x", Expected::Any));
            for error in [read, written.unwrap_err(), nested.unwrap_err()] {
                assert_eq!(error.kind(), ErrorKind::Invalid);
                assert!(
                    error.to_string().contains("would wait for itself"),
                    "{error}"
                );
            }
            // Another one is not.
            create(&other, "s", "/tmp");
            all.create_role(new_role("r"), OnExists::Error)
        })
        .unwrap();
    // And afterwards it is not, either, be it that the transaction fails.
    let failed = catalog.transaction(&ann(), |_| Err::<(), _>(catalog.users("acme").unwrap_err()));
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Invalid);
    assert!(catalog.role("acme", "r").unwrap().is_some());
    drop(dir);
}
