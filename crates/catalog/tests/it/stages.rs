//! Stages: create, alter, rename, drop, undrop, roll back, read.

use std::sync::{Arc, Barrier};

use stagedoor_catalog::{
    Actor, Catalog, CreateOutcome, ErrorKind, Expected, OnExists, StageChangeKind, StageChanges,
    StageDefinition,
};

use crate::fixture::{
    at, create, new, open, refused, root, set_comment, set_directory, set_enabled, set_url,
};

fn kinds(catalog: &Catalog, name: &str) -> Vec<StageChangeKind> {
    catalog
        .stage_history("sys", name)
        .unwrap()
        .iter()
        .map(|r| r.change)
        .collect()
}

#[test]
fn a_stage_is_created_once() {
    let (_dir, catalog) = new();
    let created = catalog
        .create_stage(&root(), "s", at("/tmp"), OnExists::Error, Expected::Any)
        .unwrap();
    assert_eq!(
        (created.outcome, created.replaced),
        (CreateOutcome::Created, None)
    );
    let record = created.record;
    assert_eq!(
        (
            record.id,
            record.version,
            record.created_us,
            record.changed_us
        ),
        (1, 1, 1000, 1000)
    );
    assert_eq!(
        (record.changed_by.as_str(), record.change),
        ("sys:root:moadmin", StageChangeKind::Created)
    );
    assert_eq!(catalog.stage("sys", "s").unwrap(), Some(record.clone()));
    assert_eq!(catalog.stage("sys", "t").unwrap(), None);

    let again = catalog.create_stage(&root(), "s", at("/other"), OnExists::Error, Expected::Any);
    refused(again, ErrorKind::AlreadyExists, "the stage s exists");
    // IF NOT EXISTS is decided before the definition is looked at.
    let kept = catalog
        .create_stage(
            &root(),
            "s",
            at("stage://none/"),
            OnExists::Keep,
            Expected::Any,
        )
        .unwrap();
    assert_eq!((kept.outcome, kept.record), (CreateOutcome::Kept, record));
    assert_eq!(catalog.last_seq(), 1);
}

#[test]
fn replace_makes_a_version_only_when_something_differs() {
    let (_dir, catalog) = new();
    let before = create(&catalog, "s", "/tmp");
    let same = catalog
        .create_stage(&root(), "s", at("/tmp"), OnExists::Replace, Expected::Any)
        .unwrap();
    assert_eq!(
        (same.outcome, same.record.version),
        (CreateOutcome::Kept, 1)
    );
    let other = catalog
        .create_stage(&root(), "s", at("/other"), OnExists::Replace, Expected::Any)
        .unwrap();
    assert_eq!(
        (other.outcome, other.replaced),
        (CreateOutcome::Replaced, Some(before.clone()))
    );
    assert_eq!((other.record.id, other.record.version), (before.id, 2));
    assert_eq!(
        kinds(&catalog, "s"),
        [StageChangeKind::Created, StageChangeKind::Replaced]
    );
}

#[test]
fn alter_sets_one_property_and_checks_the_version() {
    let (dir, catalog) = new();
    create(&catalog, "s", "/tmp");
    let alter = |change, expected| catalog.alter_stage(&root(), "s", change, expected);
    alter(set_enabled(false), Expected::Version(1)).unwrap();
    alter(set_directory(true), Expected::Any).unwrap();
    alter(set_comment("c"), Expected::Any).unwrap();
    let record = alter(set_url(None), Expected::Version(4)).unwrap().record;
    let expected = StageDefinition {
        url: None,
        enabled: false,
        directory: true,
        comment: "c".into(),
        ..StageDefinition::default()
    };
    assert_eq!((record.version, &record.definition), (5, &expected));
    refused(
        alter(set_enabled(true), Expected::Version(4)),
        ErrorKind::Conflict,
        "the stage s is at version 5, not at the expected version 4",
    );
    let missing = catalog.alter_stage(&root(), "t", set_enabled(true), Expected::Any);
    refused(missing, ErrorKind::NotFound, "the stage t not exists");
    drop(catalog);
    assert_eq!(open(dir.path()).stage("sys", "s").unwrap(), Some(record));
}

#[test]
fn alter_sets_several_properties_as_one_version() {
    let (_dir, catalog) = new();
    create(&catalog, "s", "/tmp");
    let changes = StageChanges {
        url: Some(Some("/other".into())),
        enabled: Some(false),
        directory: None,
        comment: Some("c".into()),
        ..StageChanges::default()
    };
    let altered = catalog
        .alter_stage(&root(), "s", changes.clone(), Expected::Any)
        .unwrap();
    let expected = StageDefinition {
        enabled: false,
        comment: "c".into(),
        ..at("/other")
    };
    assert!(altered.changed);
    assert_eq!(
        (altered.record.version, &altered.record.definition),
        (2, &expected)
    );

    let seq = catalog.last_seq();
    for nothing in [changes, StageChanges::default(), set_directory(false)] {
        let same = catalog
            .alter_stage(&root(), "s", nothing, Expected::Version(2))
            .unwrap();
        assert_eq!((same.changed, &same.record), (false, &altered.record));
    }
    assert_eq!(catalog.last_seq(), seq);
    // Also what changes nothing is refused when the stage is not what the caller thinks.
    let stale = catalog.alter_stage(&root(), "s", StageChanges::default(), Expected::Version(1));
    assert_eq!(stale.unwrap_err().kind(), ErrorKind::Conflict);
    let half = StageChanges {
        url: Some(Some("stage://none/".into())),
        ..set_comment("d")
    };
    let refused = catalog.alter_stage(&root(), "s", half, Expected::Any);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(catalog.stage("sys", "s").unwrap(), Some(altered.record));
}

#[test]
fn replace_takes_the_place_of_the_expected_version_only() {
    let (_dir, catalog) = new();
    let replace =
        |url, expected| catalog.create_stage(&root(), "s", at(url), OnExists::Replace, expected);
    refused(
        replace("/a", Expected::Version(1)),
        ErrorKind::NotFound,
        "the stage s not exists",
    );
    replace("/a", Expected::Any).unwrap();
    replace("/b", Expected::Version(1)).unwrap();
    let message = "the stage s is at version 2, not at the expected version 1";
    refused(
        replace("/c", Expected::Version(1)),
        ErrorKind::Conflict,
        message,
    );
    refused(
        replace("/b", Expected::Version(1)),
        ErrorKind::Conflict,
        message,
    );
    assert_eq!(catalog.stage_history("sys", "s").unwrap().len(), 2);
}

#[test]
fn rename_keeps_the_id_and_the_history() {
    let (_dir, catalog) = new();
    let id = create(&catalog, "a", "/a").id;
    create(&catalog, "b", "/b");
    let taken = catalog.rename_stage(&root(), "a", "b", Expected::Any);
    refused(taken, ErrorKind::AlreadyExists, "the stage b exists");
    let conflict = catalog
        .rename_stage(&root(), "a", "c", Expected::Version(9))
        .unwrap_err();
    assert_eq!(conflict.kind(), ErrorKind::Conflict);
    assert_eq!(
        catalog
            .rename_stage(&root(), "a", "a/b", Expected::Any)
            .unwrap_err()
            .kind(),
        ErrorKind::Invalid
    );
    let renamed = catalog
        .rename_stage(&root(), "a", "c", Expected::Version(1))
        .unwrap();
    assert_eq!(
        (renamed.id, renamed.version, renamed.name.as_str()),
        (id, 2, "c")
    );
    assert_eq!(catalog.stage("sys", "a").unwrap(), None);
    assert!(catalog.stage_history("sys", "a").unwrap().is_empty());
    let names: Vec<_> = catalog
        .stage_history("sys", "c")
        .unwrap()
        .into_iter()
        .map(|r| r.name)
        .collect();
    assert_eq!(names, ["a", "c"]);
    refused(
        catalog.drop_stage(&root(), "a", Expected::Any, false),
        ErrorKind::NotFound,
        "the stage a not exists",
    );
}

#[test]
fn drop_and_undrop() {
    let (_dir, catalog) = new();
    let first = create(&catalog, "s", "/first");
    let dropped = catalog
        .drop_stage(&root(), "s", Expected::Version(1), false)
        .unwrap()
        .remove(0);
    assert_eq!(
        (
            dropped.version,
            dropped.dropped,
            dropped.definition.url.as_deref()
        ),
        (2, true, Some("/first"))
    );
    assert_eq!(catalog.stage("sys", "s").unwrap(), None);
    assert_eq!(catalog.dropped_stages("sys").unwrap(), [dropped]);

    let second = create(&catalog, "s", "/second");
    assert_eq!((second.id, second.version), (2, 1));
    refused(
        catalog.undrop_stage(&root(), "s", Expected::Any),
        ErrorKind::AlreadyExists,
        "the stage s exists",
    );
    assert_eq!(catalog.stage_history("sys", "s").unwrap(), [second]);
    catalog
        .drop_stage(&root(), "s", Expected::Any, false)
        .unwrap();
    assert_eq!(catalog.dropped_stages("sys").unwrap().len(), 2);
    assert_eq!(
        catalog
            .stage_at("sys", "s", 1)
            .unwrap()
            .unwrap()
            .definition
            .url
            .as_deref(),
        Some("/second")
    );

    // The newest one comes back; when it has moved away, the one before it can.
    let back = catalog.undrop_stage(&root(), "s", Expected::Any).unwrap();
    assert_eq!((back.id, back.version, back.dropped), (2, 3, false));
    catalog
        .rename_stage(&root(), "s", "t", Expected::Any)
        .unwrap();
    assert_eq!(
        catalog
            .undrop_stage(&root(), "s", Expected::Any)
            .unwrap()
            .id,
        first.id
    );
    assert!(catalog.dropped_stages("sys").unwrap().is_empty());
    refused(
        catalog.undrop_stage(&root(), "u", Expected::Any),
        ErrorKind::NotFound,
        "the stage u not exists",
    );
    assert_eq!(catalog.stage_history_by_id("sys", 1).unwrap().len(), 3);
}

#[test]
fn rollback_copies_an_old_definition() {
    let (_dir, catalog) = new();
    create(&catalog, "s", "/one");
    catalog
        .alter_stage(&root(), "s", set_url(Some("/two".into())), Expected::Any)
        .unwrap();
    let back = catalog
        .rollback_stage(&root(), "s", 1, Expected::Version(2))
        .unwrap();
    assert_eq!((back.version, back.definition), (3, at("/one")));
    let none = catalog.rollback_stage(&root(), "s", 4, Expected::Any);
    refused(
        none,
        ErrorKind::NotFound,
        "the stage s has no version 4, it has versions 1 to 3",
    );
    let stale = catalog
        .rollback_stage(&root(), "s", 1, Expected::Version(2))
        .unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::Conflict);
    assert_eq!(
        kinds(&catalog, "s").last(),
        Some(&StageChangeKind::RolledBack)
    );
    assert_eq!(
        catalog.stage_at("sys", "s", 2).unwrap().unwrap().definition,
        at("/two")
    );
}

#[test]
fn lists_are_sorted_and_paged() {
    let (_dir, catalog) = new();
    for name in ["b", "a", "a1", "a-", "ü", "c"] {
        create(&catalog, name, "/");
    }
    let names = |records: Vec<stagedoor_catalog::StageRecord>| -> Vec<String> {
        records.into_iter().map(|r| r.name).collect()
    };
    let all = names(catalog.stages("sys").unwrap());
    assert_eq!(all, ["a", "a-", "a1", "b", "c", "ü"]);
    let mut paged = Vec::new();
    while let page @ [_, ..] = &names(
        catalog
            .stages_page("sys", paged.last().map(String::as_str), 2)
            .unwrap(),
    )[..]
    {
        assert!(page.len() <= 2);
        paged.extend_from_slice(page);
    }
    assert_eq!(paged, all);
    assert!(catalog.stages_page("sys", None, 0).unwrap().is_empty());
}

#[test]
fn any_enabled_follows_every_change() {
    let (_dir, catalog) = new();
    let any = || catalog.any_stage_enabled("sys").unwrap();
    let disabled = || StageDefinition {
        enabled: false,
        ..at("/tmp")
    };
    assert!(!any());
    catalog
        .create_stage(&root(), "s", disabled(), OnExists::Error, Expected::Any)
        .unwrap();
    assert!(!any());
    catalog
        .alter_stage(&root(), "s", set_enabled(true), Expected::Any)
        .unwrap();
    assert!(any());
    catalog
        .rollback_stage(&root(), "s", 1, Expected::Any)
        .unwrap();
    assert!(!any());
    catalog
        .create_stage(&root(), "s", at("/tmp"), OnExists::Replace, Expected::Any)
        .unwrap();
    assert!(any());
    catalog
        .rename_stage(&root(), "s", "t", Expected::Any)
        .unwrap();
    assert!(any());
    catalog
        .drop_stage(&root(), "t", Expected::Any, false)
        .unwrap();
    assert!(!any());
    catalog.undrop_stage(&root(), "t", Expected::Any).unwrap();
    assert!(any());
    assert!(!catalog.any_stage_enabled("other").unwrap());
}

#[test]
fn accounts_do_not_see_each_other() {
    let (_dir, catalog) = new();
    let tenant = Actor::new("acme", "ann", "");
    create(&catalog, "s", "/sys");
    let record = catalog
        .create_stage(&tenant, "s", at("/acme"), OnExists::Error, Expected::Any)
        .unwrap()
        .record;
    assert_eq!((record.id, record.changed_by.as_str()), (1, "acme:ann"));
    catalog
        .drop_stage(&tenant, "s", Expected::Any, false)
        .unwrap();
    assert_eq!(catalog.stages("sys").unwrap().len(), 1);
    assert!(catalog.stages("acme").unwrap().is_empty());
    // A prefix of an account is another account.
    assert!(catalog.stages("sy").unwrap().is_empty());
}

#[test]
fn bad_names_are_refused() {
    let (_dir, catalog) = new();
    for name in ["", "a b", "a/b", "a'b", "\n", &"x".repeat(65)] {
        let error = catalog
            .create_stage(&root(), name, at("/"), OnExists::Error, Expected::Any)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?}");
    }
    let actor = Actor::new("a/b", "u", "");
    let error = catalog
        .create_stage(&actor, "s", at("/"), OnExists::Error, Expected::Any)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(catalog.last_seq(), 0);
}

#[test]
fn of_eight_threads_exactly_one_creates() {
    let (_dir, catalog) = new();
    let catalog = Arc::new(catalog);
    for round in 0..20 {
        let barrier = Arc::new(Barrier::new(8));
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let (catalog, barrier) = (catalog.clone(), barrier.clone());
                std::thread::spawn(move || {
                    barrier.wait();
                    let name = format!("s{round}");
                    catalog.create_stage(
                        &root(),
                        &name,
                        at(&format!("/{number}")),
                        OnExists::Error,
                        Expected::Any,
                    )
                })
            })
            .collect();
        let answers: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        let winners: Vec<_> = answers.iter().flatten().collect();
        assert_eq!(winners.len(), 1, "round {round}");
        for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        }
        let record = catalog.stage("sys", &format!("s{round}")).unwrap().unwrap();
        assert_eq!(record, winners[0].record);
    }
}

#[test]
fn expected_versions_serialise_writers() {
    let (_dir, catalog) = new();
    let catalog = Arc::new(catalog);
    create(&catalog, "s", "/0");
    let threads: Vec<_> = (0..8)
        .map(|number| {
            let catalog = catalog.clone();
            std::thread::spawn(move || {
                for step in 0..10 {
                    loop {
                        let version = catalog.stage("sys", "s").unwrap().unwrap().version;
                        let change = set_comment(format!("{number}-{step}"));
                        match catalog.alter_stage(&root(), "s", change, Expected::Version(version))
                        {
                            Ok(_) => break,
                            Err(e) => assert_eq!(e.kind(), ErrorKind::Conflict),
                        }
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let history = catalog.stage_history("sys", "s").unwrap();
    assert_eq!(
        history.iter().map(|r| r.version).collect::<Vec<_>>(),
        (1..=81).collect::<Vec<_>>()
    );
}
