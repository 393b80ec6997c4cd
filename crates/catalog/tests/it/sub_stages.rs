//! Sub-stages: a parent must exist, cycles are refused, and what has sub-stages stays.

use stagedoor_catalog::{ErrorKind, Expected, OnExists, StageChange};

use crate::fixture::{at, create, new, refused, root};

#[test]
fn a_parent_must_exist() {
    let (_dir, catalog) = new();
    let orphan = catalog.create_stage(&root(), "s", at("stage://p/x/"), OnExists::Error);
    refused(orphan, ErrorKind::NotFound, "the stage p not exists");
    let nameless = catalog
        .create_stage(&root(), "s", at("stage:///x/"), OnExists::Error)
        .unwrap_err();
    assert_eq!(nameless.kind(), ErrorKind::Invalid);
    create(&catalog, "s", "/tmp");
    let altered = catalog.alter_stage(
        &root(),
        "s",
        StageChange::Url(Some("STAGE://p".into())),
        Expected::Any,
    );
    refused(altered, ErrorKind::NotFound, "the stage p not exists");
}

#[test]
fn cycles_are_refused() {
    let (_dir, catalog) = new();
    let itself = catalog.create_stage(&root(), "a", at("stage://a/x"), OnExists::Error);
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
        StageChange::Url(Some("stage://c/".into())),
        Expected::Any,
    );
    refused(altered, ErrorKind::Invalid, message);
    let replaced = catalog.create_stage(&root(), "a", at("stage://c/"), OnExists::Replace);
    refused(replaced, ErrorKind::Invalid, message);
}

#[test]
fn a_rollback_or_undrop_can_be_a_cycle_too() {
    let (_dir, catalog) = new();
    create(&catalog, "a", "/a");
    create(&catalog, "b", "stage://a/b");
    let set = |name, url: &str| {
        catalog.alter_stage(
            &root(),
            name,
            StageChange::Url(Some(url.into())),
            Expected::Any,
        )
    };
    set("b", "/b").unwrap();
    set("a", "stage://b/").unwrap();
    let back = catalog.rollback_stage(&root(), "b", 1, Expected::Any);
    refused(
        back,
        ErrorKind::Invalid,
        "the stage b would be within itself: b -> a -> b",
    );

    catalog.drop_stage(&root(), "a", Expected::Any).unwrap();
    catalog.drop_stage(&root(), "b", Expected::Any).unwrap();
    refused(
        catalog.undrop_stage(&root(), "a"),
        ErrorKind::NotFound,
        "the stage b not exists",
    );
    catalog.undrop_stage(&root(), "b").unwrap();
    catalog.undrop_stage(&root(), "a").unwrap();
}

#[test]
fn a_parent_is_neither_dropped_nor_renamed() {
    let (_dir, catalog) = new();
    create(&catalog, "p", "/tmp");
    create(&catalog, "x", "stage://p/x");
    create(&catalog, "y", "stage://p");
    let message = "the stage p has sub-stages: x, y";
    refused(
        catalog.drop_stage(&root(), "p", Expected::Any),
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
        catalog.drop_stage(&root(), "p", Expected::Any),
        ErrorKind::InUse,
        message,
    );
    catalog.drop_stage(&root(), "y", Expected::Any).unwrap();
    catalog
        .alter_stage(&root(), "z", StageChange::Url(None), Expected::Any)
        .unwrap();
    catalog.drop_stage(&root(), "p", Expected::Any).unwrap();
}
