//! The audit: what is recorded, that the chain shows what was changed in it, and that it stays provable
//! when its beginning is pruned.

use stagedoor_catalog::{
    AccountChange, Actor, AuditEvent, AuditOutcome, AuditRecord, Catalog, ErrorKind, Expected,
    ExportState, NewExport, OnExists, Request,
};

use crate::fixture::{at, bootstrapped, create, new, new_account, open, root, set_enabled};

fn asked() -> Actor {
    root().with_request(Request {
        id: "r-1".into(),
        client: "127.0.0.1:4000".into(),
        statement: "CREATE STAGE s URL='/tmp'".into(),
        ..Request::default()
    })
}

fn event(account: &str, outcome: AuditOutcome, reason: &str) -> AuditEvent {
    AuditEvent {
        actor: Actor::new(account, "mallory", ""),
        operation: "CREATE STAGE".into(),
        target: "s".into(),
        stage_version: None,
        outcome,
        reason: reason.into(),
    }
}

/// What an administrator looks at, in one tuple.
type Told<'a> = (u64, &'a str, &'a str, Option<u64>, AuditOutcome, &'a str);

fn told(records: &[AuditRecord]) -> Vec<Told<'_>> {
    let mut told = Vec::new();
    for record in records {
        told.push((
            record.number,
            record.operation.as_str(),
            record.target.as_str(),
            record.stage_version,
            record.outcome,
            record.reason.as_str(),
        ));
    }
    told
}

#[test]
fn changes_refusals_and_exports_are_told() {
    let (dir, catalog) = new();
    catalog
        .create_stage(&asked(), "s", at("/tmp"), OnExists::Error, Expected::Any)
        .unwrap();
    // What changes nothing, and what is refused by the catalog itself, is the caller's to record.
    catalog
        .create_stage(&asked(), "s", at("/tmp"), OnExists::Keep, Expected::Any)
        .unwrap();
    catalog
        .create_stage(&asked(), "s", at("/tmp"), OnExists::Error, Expected::Any)
        .unwrap_err();
    catalog
        .alter_stage(&root(), "s", set_enabled(false), Expected::Any)
        .unwrap();
    catalog
        .record(event("sys", AuditOutcome::Refused, "no privilege"))
        .unwrap();
    let id = "0192f0c1-2345-7abc-8def-0123456789ab";
    let export = NewExport {
        id: id.into(),
        database: None,
        statement: String::new(),
        stage: Some(("s".into(), 2)),
        stage_parents: Vec::new(),
        target: "stage://s/a.csv".into(),
        key: None,
    };
    catalog.create_export(&root(), export).unwrap();
    for state in [
        ExportState::Running,
        ExportState::Running,
        ExportState::Prepared,
        ExportState::Committed,
    ] {
        catalog
            .update_export(&root(), id, |export| {
                export.state = state;
                export.rows = 3;
                export.bytes = 12;
            })
            .unwrap();
    }
    let records = catalog.audit_page("sys", 0, 100).unwrap();
    use AuditOutcome::{Done, Refused};
    let target = "stage://s/a.csv";
    let admitted = format!("export {id} of root");
    let committed = format!("{admitted}: 3 rows, 12 bytes");
    assert_eq!(
        told(&records),
        [
            (1, "CREATE STAGE", "s", Some(1), Done, ""),
            (2, "ALTER STAGE", "s", Some(2), Done, ""),
            (3, "CREATE STAGE", "s", None, Refused, "no privilege"),
            (4, "ADMIT EXPORT", target, Some(2), Done, admitted.as_str()),
            (
                5,
                "COMMIT EXPORT",
                target,
                Some(2),
                Done,
                committed.as_str()
            ),
        ]
    );
    let first = &records[0];
    assert_eq!(
        (
            first.user.as_str(),
            first.role.as_str(),
            first.client.as_str()
        ),
        ("root", "moadmin", "127.0.0.1:4000")
    );
    assert_eq!(
        (first.request_id.as_str(), first.statement.as_str()),
        ("r-1", "CREATE STAGE s URL='/tmp'")
    );
    assert_eq!(records[1].previous, first.hash);
    drop(catalog);
    let catalog = open(dir.path());
    assert_eq!(catalog.audit_page("sys", 0, 100).unwrap(), records);
    let check = catalog.verify_audit().unwrap();
    assert_eq!((check.first, check.last, check.bad), (1, 5, None));
    assert_eq!(check.head_hash, records[4].hash);
}

#[test]
fn pages_and_the_last_ones_are_of_one_account() {
    let (_dir, catalog) = new();
    for number in 0..10 {
        let account = ["a", "b", "!c"][number % 3];
        let reason = number.to_string();
        catalog
            .record(event(account, AuditOutcome::Refused, &reason))
            .unwrap();
    }
    let numbers = |records: Vec<AuditRecord>| -> Vec<u64> {
        records.iter().map(|record| record.number).collect()
    };
    assert_eq!(numbers(catalog.audit_page("a", 0, 2).unwrap()), [1, 4]);
    assert_eq!(numbers(catalog.audit_page("a", 4, 9).unwrap()), [7, 10]);
    assert_eq!(numbers(catalog.audit_last("b", 2).unwrap()), [8, 5]);
    assert!(catalog.audit_last("other", 2).unwrap().is_empty());
    let check = catalog.verify_audit().unwrap();
    assert_eq!((check.first, check.last, check.bad), (1, 10, None));
    // The audit makes nobody an account.
    assert_eq!(catalog.unfinished_exports().unwrap(), []);
    let error = catalog
        .record(event("#audit", AuditOutcome::Done, ""))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn long_texts_are_cut_and_say_so() {
    let (_dir, catalog) = new();
    let long = "ü".repeat(100_000);
    catalog
        .record(event("sys", AuditOutcome::Failed, &long))
        .unwrap();
    let record = &catalog.audit_last("sys", 1).unwrap()[0];
    assert!(record.reason.len() < stagedoor_catalog::AUDIT_TEXT_BYTES_MAX + 100);
    assert!(record.reason.ends_with(" … (cut, 200000 bytes in all)"));
    assert_eq!(catalog.verify_audit().unwrap().bad, None);
}

#[test]
fn pruning_leaves_a_chain_that_is_proved() {
    let (dir, catalog) = new();
    // The clock gives 1000, 1001, …
    for number in 0..2500 {
        let account = ["a", "b"][number % 2];
        catalog
            .record(event(account, AuditOutcome::Refused, ""))
            .unwrap();
    }
    create(&catalog, "s", "/tmp");
    assert_eq!(catalog.prune_audit(&root(), 1000).unwrap().removed, 0);
    let pruned = catalog.prune_audit(&root(), 1000 + 2200).unwrap();
    assert_eq!((pruned.removed, pruned.last), (2200, 2200));
    let check = catalog.verify_audit().unwrap();
    // Three changes of at most 1,000 each are recorded themselves.
    assert_eq!((check.first, check.last, check.pruned), (2201, 2504, 2200));
    assert_eq!(check.bad, None);
    let last = &catalog.audit_last("sys", 1).unwrap()[0];
    assert_eq!(last.operation, "PRUNE AUDIT");
    assert_eq!(last.reason, "200 records removed, up to record 2200");
    // All of it, but for the record of the pruning.
    let pruned = catalog.prune_audit(&root(), u64::MAX).unwrap();
    assert_eq!((pruned.removed, pruned.last), (304, 2504));
    drop(catalog);
    let catalog: Catalog = open(dir.path());
    let check = catalog.verify_audit().unwrap();
    assert_eq!((check.first, check.last, check.pruned), (2505, 2505, 2504));
    assert_eq!(check.bad, None);
}

/// Their administrators see no other account's audit. It is one record with the change, so one is not there without the
/// other, whatever happens.
#[test]
fn what_is_done_to_an_account_is_in_its_own_audit_too() {
    let (_dir, catalog) = bootstrapped();
    catalog
        .create_account(&root(), new_account("acme"), OnExists::Error)
        .unwrap();
    let suspend = |by: &Actor| {
        catalog
            .alter_account(by, "acme", [AccountChange::Suspended(true)], Expected::Any)
            .unwrap()
    };
    assert!(suspend(&asked()).changed);
    let of = |account: &str| catalog.audit_last(account, 1).unwrap().remove(0);
    let (ours, theirs) = (of("sys"), of("acme"));
    assert_eq!(
        told(&[ours.clone(), theirs.clone()]),
        [
            (
                ours.number,
                "ALTER ACCOUNT",
                "acme",
                None,
                AuditOutcome::Done,
                ""
            ),
            (
                ours.number + 1,
                "ALTER ACCOUNT",
                "acme",
                None,
                AuditOutcome::Done,
                ""
            ),
        ]
    );
    assert_eq!(theirs.user, format!("{}:{}", ours.account, ours.user));
    assert_eq!(theirs.role, ours.role);
    assert_eq!(theirs.statement, ours.statement);
    assert!(catalog.verify_audit().unwrap().bad.is_none());
    // Their own administrator does it once, to one audit.
    let own = [AccountChange::Comment("of their own".to_owned())];
    let ann = Actor::new("acme", "ann", "accountadmin");
    catalog
        .alter_account(&ann, "acme", own, Expected::Any)
        .unwrap();
    assert_eq!(of("sys").number, ours.number);
    assert_eq!(of("acme").number, theirs.number + 1);
}
