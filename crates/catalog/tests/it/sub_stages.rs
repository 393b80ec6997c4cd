//! Sub-stages: a parent must exist, cycles are refused, and what has sub-stages stays.

use stagedoor_catalog::{ErrorKind, Expected, ExportState, NewExport, OnExists};

use crate::fixture::{at, create, new, refused, root, set_url};

#[test]
fn a_parent_must_exist() {
    let (_dir, catalog) = new();
    let orphan = catalog.create_stage(
        &root(),
        "s",
        at("stage://p/x/"),
        OnExists::Error,
        Expected::Any,
    );
    refused(orphan, ErrorKind::NotFound, "the stage p not exists");
    let nameless = catalog
        .create_stage(
            &root(),
            "s",
            at("stage:///x/"),
            OnExists::Error,
            Expected::Any,
        )
        .unwrap_err();
    assert_eq!(nameless.kind(), ErrorKind::Invalid);
    create(&catalog, "s", "/tmp");
    let altered = catalog.alter_stage(
        &root(),
        "s",
        set_url(Some("STAGE://p".into())),
        Expected::Any,
    );
    refused(altered, ErrorKind::NotFound, "the stage p not exists");
}

#[test]
fn cycles_are_refused() {
    let (_dir, catalog) = new();
    let itself = catalog.create_stage(
        &root(),
        "a",
        at("stage://a/x"),
        OnExists::Error,
        Expected::Any,
    );
    refused(
        itself,
        ErrorKind::Invalid,
        "the stage a would be within itself: a -> a",
    );
    create(&catalog, "a", "/tmp");
    create(&catalog, "b", "stage://a/b");
    create(&catalog, "c", "stage://b/c");
    let message = "the stage a would be within itself: a -> c -> b -> a";
    let altered = catalog.alter_stage(
        &root(),
        "a",
        set_url(Some("stage://c/".into())),
        Expected::Any,
    );
    refused(altered, ErrorKind::Invalid, message);
    let replaced = catalog.create_stage(
        &root(),
        "a",
        at("stage://c/"),
        OnExists::Replace,
        Expected::Any,
    );
    refused(replaced, ErrorKind::Invalid, message);
}

#[test]
fn a_rollback_or_undrop_can_be_a_cycle_too() {
    let (_dir, catalog) = new();
    create(&catalog, "a", "/a");
    create(&catalog, "b", "stage://a/b");
    let set = |name, url: &str| {
        catalog.alter_stage(&root(), name, set_url(Some(url.into())), Expected::Any)
    };
    set("b", "/b").unwrap();
    set("a", "stage://b/").unwrap();
    let back = catalog.rollback_stage(&root(), "b", 1, Expected::Any);
    refused(
        back,
        ErrorKind::Invalid,
        "the stage b would be within itself: b -> a -> b",
    );

    catalog
        .drop_stage(&root(), "a", Expected::Any, false)
        .unwrap();
    catalog
        .drop_stage(&root(), "b", Expected::Any, false)
        .unwrap();
    refused(
        catalog.undrop_stage(&root(), "a", Expected::Any),
        ErrorKind::NotFound,
        "the stage b not exists",
    );
    catalog.undrop_stage(&root(), "b", Expected::Any).unwrap();
    catalog.undrop_stage(&root(), "a", Expected::Any).unwrap();
}

#[test]
fn a_parent_is_neither_dropped_nor_renamed() {
    let (_dir, catalog) = new();
    create(&catalog, "p", "/tmp");
    create(&catalog, "x", "stage://p/x");
    create(&catalog, "y", "stage://p");
    let message = "the stage p has sub-stages: x, y";
    refused(
        catalog.drop_stage(&root(), "p", Expected::Any, false),
        ErrorKind::InUse,
        message,
    );
    refused(
        catalog.rename_stage(&root(), "p", "q", Expected::Any),
        ErrorKind::InUse,
        message,
    );
    catalog
        .rename_stage(&root(), "x", "z", Expected::Any)
        .unwrap();
    let message = "the stage p has sub-stages: y, z";
    refused(
        catalog.drop_stage(&root(), "p", Expected::Any, false),
        ErrorKind::InUse,
        message,
    );
    catalog
        .drop_stage(&root(), "y", Expected::Any, false)
        .unwrap();
    catalog
        .alter_stage(&root(), "z", set_url(None), Expected::Any)
        .unwrap();
    catalog
        .drop_stage(&root(), "p", Expected::Any, false)
        .unwrap();
}

#[test]
fn cascade_drops_all_that_lies_within_the_innermost_first() {
    let (_dir, catalog) = new();
    create(&catalog, "p", "/tmp");
    create(&catalog, "x", "stage://p/x");
    create(&catalog, "y", "stage://p");
    create(&catalog, "deep", "stage://x/deep");
    create(&catalog, "other", "/other");
    let stale = catalog.drop_stage(&root(), "p", Expected::Version(2), true);
    assert_eq!(stale.unwrap_err().kind(), ErrorKind::Conflict);
    let export = NewExport {
        id: "0192f0c1-2345-7abc-8def-0123456789ab".into(),
        database: None,
        statement: String::new(),
        stage: Some(("deep".into(), 1)),
        stage_parents: Vec::new(),
        target: String::new(),
        key: None,
    };
    let export = catalog.create_export(&root(), export).unwrap();
    refused(
        catalog.drop_stage(&root(), "p", Expected::Any, true),
        ErrorKind::InUse,
        &format!("the stage deep is written to by exports: {}", export.id),
    );
    assert_eq!(catalog.stages("sys").unwrap().len(), 5);
    catalog
        .update_export(&root(), &export.id, |e| e.state = ExportState::Failed)
        .unwrap();

    let seq = catalog.last_seq();
    let dropped = catalog
        .drop_stage(&root(), "p", Expected::Version(1), true)
        .unwrap();
    assert_eq!(catalog.last_seq(), seq + 1, "one change");
    let names: Vec<_> = dropped.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names.len(), 4);
    assert_eq!(names.last(), Some(&"p"));
    let place = |name| names.iter().position(|&n| n == name).unwrap();
    assert!(place("deep") < place("x"));
    assert!(dropped.iter().all(|r| r.dropped && r.version == 2));
    assert_eq!(catalog.stages("sys").unwrap().len(), 1);
    for name in ["p", "x", "deep", "y"] {
        catalog.undrop_stage(&root(), name, Expected::Any).unwrap();
    }
    // Each drop had its own number, so the next ones are still told apart.
    create(&catalog, "z", "/z");
    catalog
        .drop_stage(&root(), "z", Expected::Any, false)
        .unwrap();
    assert_eq!(catalog.dropped_stages("sys").unwrap().len(), 1);
}
