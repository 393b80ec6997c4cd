//! Exports: their states, and that they hold their stage.

use stagedoor_catalog::{
    Actor, Admission, Catalog, Error, ErrorKind, Expected, ExportFile, ExportKey, ExportRecord,
    ExportState, FileRole, NewExport, PlannedFile,
};

use crate::fixture::{create, new, open, refused, root, set_enabled};
use ExportState::{Admitted, Cancelled, Committed, Failed, Prepared, Running};

const STATES: [ExportState; 6] = [Admitted, Running, Prepared, Committed, Failed, Cancelled];

fn id(number: u64) -> String {
    format!("0192f0c1-2345-7abc-8def-{number:012x}")
}

fn export(number: u64, stage: Option<(&str, u64)>) -> NewExport {
    NewExport {
        id: id(number),
        database: None,
        statement: "SELECT 1 INTO OUTFILE …".into(),
        stage: stage.map(|(name, version)| (name.to_owned(), version)),
        stage_parents: Vec::new(),
        target: "stage://s/a.csv".into(),
        key: None,
    }
}

fn step(
    catalog: &Catalog,
    number: u64,
    state: ExportState,
    error: Option<&str>,
) -> Result<ExportRecord, Error> {
    catalog.update_export(&root(), &id(number), |record| {
        record.state = state;
        record.error = error.map(str::to_owned);
    })
}

#[test]
fn the_whole_way() {
    let (dir, catalog) = new();
    create(&catalog, "s", "/tmp");
    let record = catalog
        .create_export(&root(), export(1, Some(("s", 1))))
        .unwrap();
    assert_eq!(
        (record.state, record.user.as_str(), record.created_us),
        (Admitted, "root", 1001)
    );
    assert_eq!(record.stage_id, Some(1));
    step(&catalog, 1, Running, None).unwrap();
    let file = ExportFile {
        path: "a.csv".into(),
        rows: 3,
        bytes: 30,
        digest: "ab".into(),
    };
    let prepared = catalog
        .update_export(&root(), &id(1), |record| {
            record.state = Prepared;
            record.files.push(file);
            record.rows = 3;
            record.bytes = 30;
        })
        .unwrap();
    assert_eq!(prepared.finished_us, None);
    assert_eq!(catalog.unfinished_exports().unwrap(), [prepared]);
    let committed = catalog
        .update_export(&root(), &id(1), |record| {
            record.state = Committed;
            record.manifest_json = Some("{}".into());
        })
        .unwrap();
    assert_eq!(
        (committed.changed_us, committed.finished_us),
        (1004, Some(1004))
    );
    assert!(catalog.unfinished_exports().unwrap().is_empty());
    drop(catalog);
    assert_eq!(
        open(dir.path()).export("sys", &id(1)).unwrap(),
        Some(committed)
    );
}

#[test]
fn every_step_between_states() {
    let (_dir, catalog) = new();
    let ways: [(ExportState, &[ExportState]); 6] = [
        (Admitted, &[]),
        (Running, &[Running]),
        (Prepared, &[Running, Prepared]),
        (Committed, &[Running, Prepared, Committed]),
        (Failed, &[Failed]),
        (Cancelled, &[Running, Cancelled]),
    ];
    let mut number = 0;
    for (from, way) in ways {
        for to in STATES {
            number += 1;
            catalog
                .create_export(&root(), export(number, None))
                .unwrap();
            for state in way {
                step(&catalog, number, *state, None).unwrap();
            }
            let allowed = match (from, to) {
                (Admitted, Running | Failed | Cancelled) => true,
                (Running, Prepared | Failed | Cancelled) => true,
                (Prepared, Committed) => true,
                (Admitted | Running | Prepared, _) => from == to,
                _ => false,
            };
            let before = catalog.export("sys", &id(number)).unwrap();
            match step(&catalog, number, to, None) {
                Ok(record) => assert!(allowed && record.state == to, "{from:?} to {to:?}"),
                Err(error) => {
                    assert!(!allowed, "{from:?} to {to:?}: {error}");
                    assert_eq!(error.kind(), ErrorKind::Conflict);
                    assert_eq!(catalog.export("sys", &id(number)).unwrap(), before);
                }
            }
        }
    }
    // A prepared export fails only for a reason.
    catalog.create_export(&root(), export(99, None)).unwrap();
    step(&catalog, 99, Running, None).unwrap();
    step(&catalog, 99, Prepared, None).unwrap();
    assert_eq!(
        step(&catalog, 99, Failed, None).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    step(
        &catalog,
        99,
        Failed,
        Some("not published: the target exists"),
    )
    .unwrap();
}

fn planned(index: u32, role: FileRole) -> PlannedFile {
    PlannedFile {
        index,
        role,
        target: format!("{index}.csv"),
        replaces: index > 0,
        rows: 0,
        bytes: 0,
        digest: String::new(),
        token: vec![u8::try_from(index).unwrap()],
    }
}

/// Each file is durable from the moment at which it is begun; the plan is whole when the export is prepared, and
/// gone when it has ended.
#[test]
fn the_plan_of_an_export() {
    let (dir, catalog) = new();
    let number = 1;
    catalog
        .create_export(&root(), export(number, None))
        .unwrap();
    let begin = |catalog: &Catalog, index| {
        catalog.begin_export_file(&root(), &id(number), planned(index, FileRole::Data))
    };
    assert_eq!(begin(&catalog, 0).unwrap_err().kind(), ErrorKind::Conflict);
    step(&catalog, number, Running, None).unwrap();
    begin(&catalog, 0).unwrap();
    let about_to_begin = PlannedFile {
        token: Vec::new(),
        ..planned(1, FileRole::Data)
    };
    let begin_1 = |file: PlannedFile| catalog.begin_export_file(&root(), &id(number), file);
    begin_1(about_to_begin.clone()).unwrap();
    let elsewhere = PlannedFile {
        target: "another.csv".to_owned(),
        ..planned(1, FileRole::Data)
    };
    assert_eq!(
        begin_1(elsewhere).unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    begin(&catalog, 1).unwrap();
    assert_eq!(
        begin_1(about_to_begin).unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    assert_eq!(
        begin(&catalog, 1).unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    assert_eq!(
        catalog
            .begin_export_file(&root(), &id(7), planned(0, FileRole::Data))
            .unwrap_err()
            .kind(),
        ErrorKind::NotFound
    );
    drop(catalog);
    let catalog = open(dir.path());
    let begun = vec![planned(0, FileRole::Data), planned(1, FileRole::Data)];
    assert_eq!(catalog.unfinished_exports().unwrap()[0].plan, begun);
    assert!(catalog.exports("sys", 10).unwrap()[0].plan.is_empty());

    let mut finished = begun;
    finished[0].digest = "ab".into();
    finished[1] = planned(2, FileRole::Manifest);
    let plan = finished.clone();
    catalog
        .update_export(&root(), &id(number), move |record| {
            record.state = Prepared;
            record.plan = plan;
        })
        .unwrap();
    assert_eq!(begin(&catalog, 9).unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(
        catalog.export("sys", &id(number)).unwrap().unwrap().plan,
        finished
    );
    drop(catalog);
    assert!(Catalog::check(dir.path()).unwrap().problems.is_empty());
    let catalog = open(dir.path());
    let committed = step(&catalog, number, Committed, None).unwrap();
    assert!(committed.plan.is_empty());
    drop(catalog);
    assert!(Catalog::check(dir.path()).unwrap().problems.is_empty());
    let catalog = open(dir.path());
    assert!(
        catalog
            .export("sys", &id(number))
            .unwrap()
            .unwrap()
            .plan
            .is_empty()
    );
}

#[test]
fn a_stage_written_to_is_not_dropped() {
    let (_dir, catalog) = new();
    create(&catalog, "s", "/tmp");
    for number in [1, 2] {
        catalog
            .create_export(&root(), export(number, Some(("s", 1))))
            .unwrap();
    }
    // It may be renamed; the exports still hold it.
    catalog
        .rename_stage(&root(), "s", "t", Expected::Any)
        .unwrap();
    let message = format!("the stage t is written to by exports: {}, {}", id(1), id(2));
    refused(
        catalog.drop_stage(&root(), "t", Expected::Any, false),
        ErrorKind::InUse,
        &message,
    );
    step(&catalog, 1, Cancelled, None).unwrap();
    let message = format!("the stage t is written to by exports: {}", id(2));
    refused(
        catalog.drop_stage(&root(), "t", Expected::Any, false),
        ErrorKind::InUse,
        &message,
    );
    step(&catalog, 2, Failed, Some("e")).unwrap();
    catalog
        .drop_stage(&root(), "t", Expected::Any, false)
        .unwrap();
}

#[test]
fn admission_pins_the_current_version() {
    let (_dir, catalog) = new();
    let none = catalog.create_export(&root(), export(1, Some(("s", 1))));
    refused(none, ErrorKind::NotFound, "the stage s not exists");
    create(&catalog, "s", "/tmp");
    catalog
        .alter_stage(&root(), "s", set_enabled(false), Expected::Any)
        .unwrap();
    let stale = catalog.create_export(&root(), export(1, Some(("s", 1))));
    refused(
        stale,
        ErrorKind::Conflict,
        "the stage s is at version 2, not at the expected version 1",
    );
    catalog
        .create_export(&root(), export(1, Some(("s", 2))))
        .unwrap();
    let again = catalog.create_export(&root(), export(1, None));
    refused(
        again,
        ErrorKind::AlreadyExists,
        &format!("the export {} exists", id(1)),
    );
    for bad in [
        "",
        "x",
        &id(1).to_uppercase(),
        "0192f0c1-2345-4abc-8def-0123456789ab",
        &id(1).replace('-', ""),
    ] {
        let error = catalog
            .create_export(
                &root(),
                NewExport {
                    id: bad.into(),
                    ..export(1, None)
                },
            )
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{bad}");
    }
}

#[test]
fn what_identifies_an_export_stays() {
    let (_dir, catalog) = new();
    let record = catalog.create_export(&root(), export(1, None)).unwrap();
    let changes: [fn(&mut ExportRecord); 8] = [
        |r| r.id.push('x'),
        |r| r.account.push('x'),
        |r| r.user.push('x'),
        |r| r.statement.push('x'),
        |r| r.target.push('x'),
        |r| r.stage = Some(("s".into(), 1)),
        |r| r.stage_id = Some(1),
        |r| r.created_us += 1,
    ];
    for change in changes {
        let error = catalog.update_export(&root(), &id(1), change).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    assert_eq!(catalog.export("sys", &id(1)).unwrap(), Some(record));
    let missing = catalog.update_export(&root(), &id(2), |_| {});
    refused(
        missing,
        ErrorKind::NotFound,
        &format!("the export {} not exists", id(2)),
    );
}

#[test]
fn lists() {
    let (_dir, catalog) = new();
    let tenant = Actor::new("acme", "ann", "");
    for number in [3, 1, 2] {
        catalog
            .create_export(&root(), export(number, None))
            .unwrap();
    }
    catalog.create_export(&tenant, export(4, None)).unwrap();
    let ids =
        |records: Vec<ExportRecord>| -> Vec<String> { records.into_iter().map(|r| r.id).collect() };
    assert_eq!(ids(catalog.exports("sys", 2).unwrap()), [id(3), id(2)]);
    assert_eq!(ids(catalog.exports("acme", 9).unwrap()), [id(4)]);
    assert_eq!(
        ids(catalog.unfinished_exports().unwrap()),
        [id(4), id(1), id(2), id(3)]
    );
}

/// Sealed for this export alone, moved to another server key, and gone when it has ended.
#[test]
fn credentials_of_its_own_go_with_its_end() {
    use crate::secrets::{credentials, key, new_with_key, open_with};
    use stagedoor_catalog::OpenValue;

    let (dir, catalog) = new_with_key();
    let secret = |catalog: &Catalog, record: &ExportRecord| {
        let opened = catalog.export_credentials(record).unwrap();
        opened.into_iter().find_map(|(name, value)| match value {
            OpenValue::Secret(secret) if name == "secret_access_key" => {
                use secrecy::ExposeSecret;
                Some(secret.expose_secret().to_owned())
            }
            OpenValue::Secret(_) | OpenValue::Plain(_) | OpenValue::Reference(_) => None,
        })
    };
    let given = credentials("of an export");
    let admitted = catalog
        .create_export_with(&root(), export(1, None), given.clone())
        .unwrap();
    let Admission::New(record) = admitted else {
        panic!("it is the first of its id");
    };
    assert_eq!(secret(&catalog, &record).as_deref(), Some("of an export"));
    // Of another export they do not open.
    let other = ExportRecord {
        id: id(2),
        ..record.clone()
    };
    let error = catalog.export_credentials(&other).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let error = catalog.update_export(&root(), &id(1), |record| {
        record.credentials = given.clone();
    });
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid);

    step(&catalog, 1, Running, None).unwrap();
    let report = catalog.rotate_key(&root(), key(2), |_, _| {}).unwrap();
    assert_eq!(report.secrets, 1);
    assert_eq!(catalog.rotation_state().unwrap(), None);
    drop(catalog);
    let catalog = open_with(dir.path(), 2);
    let moved = catalog.export("sys", &id(1)).unwrap().unwrap();
    assert_eq!(secret(&catalog, &moved).as_deref(), Some("of an export"));
    let ended = step(&catalog, 1, Failed, Some("e")).unwrap();
    assert!(ended.credentials.is_empty());
    let ended = catalog.export("sys", &id(1)).unwrap().unwrap();
    assert_eq!(catalog.export_credentials(&ended).unwrap().len(), 0);
}

#[test]
fn a_key_is_one_export() {
    let (dir, catalog) = new();
    let key = |key: &str, scope: &str| ExportKey {
        key: key.into(),
        scope: scope.into(),
    };
    let keyed = |number, statement: &str| NewExport {
        key: Some(key("nightly/1", "main")),
        statement: statement.into(),
        ..export(number, None)
    };
    let admit = |catalog: &Catalog, actor: &Actor, new| {
        catalog.create_export_with(actor, new, Default::default())
    };
    let Admission::New(first) = admit(&catalog, &root(), keyed(1, "a")).unwrap() else {
        panic!("nothing has the key");
    };
    assert_eq!(
        admit(&catalog, &root(), keyed(2, "a")).unwrap(),
        Admission::Before(first.clone())
    );
    let refused = admit(&catalog, &root(), keyed(2, "b")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert!(refused.to_string().contains(&first.id), "{refused}");
    let elsewhere = NewExport {
        key: Some(key("nightly/1", "other")),
        ..keyed(2, "a")
    };
    let refused = admit(&catalog, &root(), elsewhere).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    // Another user's key is another key.
    let other = Actor::new("sys", "ann", "public");
    assert!(matches!(
        admit(&catalog, &other, keyed(3, "b")).unwrap(),
        Admission::New(_)
    ));
    // What failed may be asked for again, by another statement, too.
    step(&catalog, 1, Failed, Some("disk full")).unwrap();
    assert!(matches!(
        admit(&catalog, &root(), keyed(4, "b")).unwrap(),
        Admission::New(_)
    ));
    let found = |catalog: &Catalog| {
        let found = catalog.keyed_export("sys", "root", &key("nightly/1", "main"), "b");
        found.unwrap().map(|record| record.id)
    };
    assert_eq!(found(&catalog), Some(id(4)));
    for bad in ["", "a\nb", &"x".repeat(129)] {
        let new = NewExport {
            key: Some(key(bad, "main")),
            ..export(9, None)
        };
        let refused = admit(&catalog, &root(), new).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{bad:?}");
    }
    // It is durable, and gone with the record.
    for state in [Running, Prepared, Committed] {
        step(&catalog, 4, state, None).unwrap();
    }
    drop(catalog);
    let catalog = open(dir.path());
    assert_eq!(found(&catalog), Some(id(4)));
    catalog.prune_exports(&root(), 0, u64::MAX).unwrap();
    assert_eq!(found(&catalog), None);
}
