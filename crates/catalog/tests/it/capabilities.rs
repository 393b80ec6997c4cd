//! What a validation has found out is kept with the version, holds as long as the place is the same, and goes with it.

use stagedoor_catalog::{Catalog, ErrorKind, Expected, StageCapabilities, StageRecord};

use crate::fixture::{create, new, open, root, set_comment};

fn found(stage: &StageRecord, there: bool) -> StageCapabilities {
    StageCapabilities {
        stage_id: stage.id,
        version: stage.version,
        parents: vec![(9, 2)],
        facts: vec![("conditional_create".to_owned(), there)],
        checked_us: 0,
        checked_by: String::new(),
        program: "0.1.0".to_owned(),
    }
}

fn put(catalog: &Catalog, found: StageCapabilities) -> Option<StageCapabilities> {
    let summary = "1 ok".to_owned();
    catalog
        .put_stage_capabilities(&root(), "s", found, summary)
        .unwrap()
}

fn known(catalog: &Catalog) -> Option<StageCapabilities> {
    let stage = catalog.stage("sys", "s").unwrap().unwrap();
    catalog.stage_capabilities("sys", &stage).unwrap()
}

#[test]
fn they_hold_as_long_as_the_place_is_the_same() {
    let (dir, catalog) = new();
    create(&catalog, "s", "/tmp/a");
    let first = catalog.stage("sys", "s").unwrap().unwrap();
    assert_eq!(known(&catalog), None);
    let kept = put(&catalog, found(&first, true)).unwrap();
    assert_eq!(kept.checked_by, root().to_string());
    assert!(kept.checked_us > 0);
    // Without a fact nothing is put over what was known.
    let nothing = StageCapabilities {
        facts: Vec::new(),
        ..found(&first, true)
    };
    assert_eq!(put(&catalog, nothing), None);
    drop(catalog);
    let catalog = open(dir.path());
    assert_eq!(known(&catalog), Some(kept.clone()));
    catalog
        .alter_stage(&root(), "s", set_comment("c"), Expected::Any)
        .unwrap();
    assert_eq!(known(&catalog), Some(kept));
    let elsewhere = stagedoor_catalog::StageChanges {
        url: Some(Some("/tmp/b".to_owned())),
        ..Default::default()
    };
    catalog
        .alter_stage(&root(), "s", elsewhere, Expected::Any)
        .unwrap();
    assert_eq!(known(&catalog), None);
    let third = catalog.stage("sys", "s").unwrap().unwrap();
    put(&catalog, found(&third, false));
    assert!(!known(&catalog).unwrap().facts[0].1);
    // They go with their versions.
    catalog.prune_stage_versions(&root(), 1).unwrap();
    let error = catalog
        .put_stage_capabilities(&root(), "s", found(&first, true), String::new())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    drop(catalog);
    let report = Catalog::check(dir.path()).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
}
