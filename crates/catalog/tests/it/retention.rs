//! Retention, pages of exports, and manifests that are kept once.

use stagedoor_catalog::{Catalog, ErrorKind, Expected, ExportState, NewExport, Remains, Securable};

use crate::fixture::{create, new, open, root, set_comment, with_acme};

fn id(number: u64) -> String {
    format!("0192f0c1-2345-7abc-8def-{number:012x}")
}

fn start(catalog: &Catalog, number: u64, stage: Option<(&str, u64)>) {
    let export = NewExport {
        id: id(number),
        database: None,
        statement: String::new(),
        stage: stage.map(|(name, version)| (name.into(), version)),
        stage_parents: Vec::new(),
        target: String::new(),
        key: None,
    };
    catalog.create_export(&root(), export).unwrap();
}

fn step(catalog: &Catalog, number: u64, state: ExportState) {
    catalog
        .update_export(&root(), &id(number), |export| export.state = state)
        .unwrap();
}

fn ids(catalog: &Catalog) -> Vec<String> {
    let all = catalog.exports("sys", usize::MAX).unwrap();
    all.into_iter().rev().map(|export| export.id).collect()
}

#[test]
fn a_manifest_is_kept_once_and_beside() {
    let (dir, catalog) = new();
    start(&catalog, 1, None);
    step(&catalog, 1, ExportState::Running);
    let json = "m".repeat(10_000);
    let prepared = catalog
        .update_export(&root(), &id(1), |export| {
            export.state = ExportState::Prepared;
            export.manifest_json = Some(json.clone());
        })
        .unwrap();
    assert_eq!(prepared.manifest_json.as_ref(), Some(&json));
    let before = catalog.journal_bytes();
    step(&catalog, 1, ExportState::Committed);
    assert!(
        catalog.journal_bytes() - before < 2_000,
        "it is not written again"
    );
    drop(catalog);
    let catalog = open(dir.path());
    assert_eq!(
        catalog.manifest("sys", &id(1)).unwrap().as_ref(),
        Some(&json)
    );
    assert_eq!(
        catalog
            .export("sys", &id(1))
            .unwrap()
            .unwrap()
            .manifest_json,
        Some(json)
    );
    // Listings are without.
    assert_eq!(catalog.exports("sys", 9).unwrap()[0].manifest_json, None);
    assert_eq!(catalog.manifest("sys", &id(2)).unwrap(), None);
    // A manifest that is taken back is gone.
    start(&catalog, 2, None);
    for manifest in [Some("x".to_owned()), None] {
        catalog
            .update_export(&root(), &id(2), |export| {
                export.manifest_json = manifest.clone()
            })
            .unwrap();
        assert_eq!(catalog.manifest("sys", &id(2)).unwrap(), manifest);
    }
}

#[test]
fn pages_of_exports_hang_together() {
    let (_dir, catalog) = new();
    for number in 1..=7 {
        start(&catalog, number, None);
    }
    let mut seen = Vec::new();
    let mut before: Option<String> = None;
    loop {
        let page = catalog.exports_page("sys", before.as_deref(), 3).unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id.clone());
        seen.extend(page.into_iter().map(|export| export.id));
    }
    assert_eq!(seen, (1..=7).rev().map(id).collect::<Vec<_>>());
    assert_eq!(catalog.exports_page("other", None, 3).unwrap(), []);
}

#[test]
fn old_exports_go_and_unfinished_and_newest_stay() {
    let (dir, catalog) = new();
    for number in 0..1200 {
        start(&catalog, number, None);
        if number != 5 {
            catalog
                .update_export(&root(), &id(number), |export| {
                    export.state = ExportState::Failed;
                    export.manifest_json = Some("{}".into());
                })
                .unwrap();
        }
    }
    // More are to be kept than there are; then none is old enough.
    assert_eq!(
        catalog
            .prune_exports(&root(), 5000, u64::MAX)
            .unwrap()
            .removed,
        0
    );
    assert_eq!(catalog.prune_exports(&root(), 0, 1000).unwrap().removed, 0);
    let pruned = catalog.prune_exports(&root(), 10, u64::MAX).unwrap();
    assert_eq!(pruned.removed, 1189);
    let expected: Vec<String> = [5].into_iter().chain(1190..1200).map(id).collect();
    assert_eq!(ids(&catalog), expected);
    assert_eq!(catalog.manifest("sys", &id(1)).unwrap(), None);
    assert_eq!(
        catalog.manifest("sys", &id(1195)).unwrap(),
        Some("{}".into())
    );
    let last = &catalog.audit_last("sys", 3).unwrap();
    let told: Vec<(&str, &str)> = last
        .iter()
        .map(|r| (r.operation.as_str(), r.target.as_str()))
        .collect();
    assert_eq!(told[2], ("PRUNE EXPORTS", "499 exports"));
    catalog.compact().unwrap();
    drop(catalog);
    assert_eq!(ids(&open(dir.path())), expected);
}

#[test]
fn old_versions_go_and_pinned_and_newest_stay() {
    let (_dir, catalog) = new();
    let alter = |name: &str, times: u32| {
        for number in 0..times {
            let change = set_comment(number.to_string());
            catalog
                .alter_stage(&root(), name, change, Expected::Any)
                .unwrap();
        }
    };
    for name in ["s", "gone"] {
        create(&catalog, name, "/tmp");
    }
    alter("s", 2);
    start(&catalog, 1, Some(("s", 3)));
    alter("s", 700);
    alter("gone", 4);
    catalog
        .drop_stage(&root(), "gone", Expected::Any, false)
        .unwrap();
    create(&catalog, "young", "/tmp");
    let versions = |name: &str| -> Vec<u64> {
        let history = catalog.stage_history("sys", name).unwrap();
        history.iter().map(|record| record.version).collect()
    };
    // 703 of one and 6 of the other.
    assert_eq!(
        catalog.prune_stage_versions(&root(), 4).unwrap().removed,
        698 + 2
    );
    assert_eq!(versions("s"), [3, 700, 701, 702, 703]);
    assert_eq!(versions("gone"), [3, 4, 5, 6]);
    assert_eq!(versions("young"), [1]);
    step(&catalog, 1, ExportState::Cancelled);
    assert_eq!(
        catalog.prune_stage_versions(&root(), 0).unwrap().removed,
        4 + 3
    );
    assert_eq!((versions("s"), versions("gone")), (vec![703], vec![6]));
    assert_eq!(catalog.stage("sys", "s").unwrap().unwrap().version, 703);
    let error = catalog
        .rollback_stage(&root(), "s", 2, Expected::Any)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.message(),
        "the stage s has no version 2, it has versions 703 to 703"
    );
    catalog
        .undrop_stage(&root(), "gone", Expected::Any)
        .unwrap();
    assert_eq!(versions("gone"), [6, 7]);
}

#[test]
fn dropped_stages_are_forgotten_and_what_is_left_of_their_files_stays_on_record() {
    let (dir, catalog) = with_acme();
    for name in ["kept", "old", "young", "back"] {
        create(&catalog, name, "/tmp");
    }
    let drop = |name: &str| {
        let dropped = catalog.drop_stage(&root(), name, Expected::Any, false);
        dropped.unwrap().pop().unwrap()
    };
    catalog
        .alter_stage(&root(), "old", set_comment("a"), Expected::Any)
        .unwrap();
    let back = drop("back");
    catalog
        .undrop_stage(&root(), "back", Expected::Any)
        .unwrap();
    let old = drop("old");
    let young = drop("young");
    assert!(back.changed_us < old.changed_us && old.changed_us < young.changed_us);

    let forget = |before| {
        catalog
            .forget_dropped_stages(&root(), before)
            .unwrap()
            .removed
    };
    assert_eq!(forget(old.changed_us), 0);
    assert_eq!(forget(young.changed_us), 1);
    assert_eq!(forget(young.changed_us), 0);
    assert!(catalog.stage_history("sys", "old").unwrap().is_empty());
    let grants = catalog.grants_on("sys", Securable::Stage(old.id)).unwrap();
    assert!(grants.is_empty(), "{grants:?}");
    let error = catalog
        .undrop_stage(&root(), "old", Expected::Any)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    catalog
        .undrop_stage(&root(), "young", Expected::Any)
        .unwrap();
    for name in ["kept", "back", "young"] {
        assert!(catalog.stage("sys", name).unwrap().is_some(), "{name}");
    }

    let account_id = |name: &str| catalog.account(name).unwrap().unwrap().id;
    let acme = account_id("acme");
    catalog
        .drop_account(&root(), "acme", Expected::Any)
        .unwrap();
    let left = [
        Remains::Account { account_id: acme },
        Remains::Stage {
            account_id: account_id("sys"),
            stage_id: old.id,
        },
    ];
    assert_eq!(catalog.remains(10).unwrap(), left);
    assert_eq!(catalog.remains(1).unwrap(), left[..1]);
    std::mem::drop(catalog);
    let catalog = open(dir.path());
    assert_eq!(catalog.remains(10).unwrap(), left);
    catalog.remains_removed(&root(), &left[1..]).unwrap();
    assert_eq!(catalog.remains(10).unwrap(), left[..1]);
    std::mem::drop(catalog);
    let report = Catalog::check(dir.path()).unwrap();
    assert_eq!(report.problems, []);
}
