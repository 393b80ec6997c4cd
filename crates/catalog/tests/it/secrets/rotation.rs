//! Rotating the server key: complete, resumable after a crash at any step, readable throughout.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use stagedoor_catalog::{
    Actor, Catalog, Error, ErrorKind, Expected, KeyRing, OnExists, RotationReport, RotationState,
    StageDefinition,
};

use super::{
    alter, create_secret, credentials, definition, key, new_with_key, open_with, opened, opened_in,
    with_keys,
};
use crate::fixture::{refused, root, set_comment, set_credentials};

const STAGES: u64 = 150;

fn acme() -> Actor {
    Actor::new("acme", "ann", "accountadmin")
}

/// Two accounts, several versions, a dropped stage. Answers how many secrets of versions there are.
fn fill(catalog: &Catalog) -> u64 {
    for n in 0..STAGES {
        create_secret(catalog, &format!("s{n}"), &format!("secret {n}"));
        alter(catalog, &format!("s{n}"), set_comment("c"));
    }
    create_secret(catalog, "gone", "secret gone");
    catalog
        .drop_stage(&root(), "gone", Expected::Any, false)
        .unwrap();
    create_secret(catalog, "changed", "secret before");
    let after = set_credentials(credentials("secret after"));
    alter(catalog, "changed", after);
    catalog
        .create_stage(
            &acme(),
            "s0",
            definition("secret of acme"),
            OnExists::Error,
            Expected::Any,
        )
        .unwrap();
    2 * STAGES + 5
}

/// Every secret of every version opens, and is what it was.
#[track_caller]
fn all_open(catalog: &Catalog) {
    for n in 0..STAGES {
        let name = format!("s{n}");
        let live = catalog.stage("sys", &name).unwrap().unwrap();
        assert_eq!(opened(catalog, &live), format!("secret {n}"));
        let history = catalog.stage_history("sys", &name).unwrap();
        assert_eq!(history.last(), Some(&live));
        for record in &history {
            assert_eq!(opened(catalog, record), format!("secret {n}"));
        }
    }
    for record in catalog.stage_history("sys", "gone").unwrap() {
        assert_eq!(opened(catalog, &record), "secret gone");
    }
    let history = catalog.stage_history("sys", "changed").unwrap();
    let secrets: Vec<String> = history.iter().map(|r| opened(catalog, r)).collect();
    assert_eq!(secrets, ["secret before", "secret after"]);
    let acme = catalog.stage("acme", "s0").unwrap().unwrap();
    assert_eq!(opened_in(catalog, "acme", &acme).unwrap(), "secret of acme");
}

fn open_ring(dir: &Path, ring: KeyRing) -> Result<Catalog, Error> {
    Catalog::open(dir, with_keys(ring))
}

fn both() -> KeyRing {
    KeyRing::new(key(2)).with_previous(key(1))
}

#[test]
fn after_a_rotation_the_new_key_is_enough_and_the_old_one_useless() {
    let (dir, catalog) = new_with_key();
    let total = fill(&catalog);
    assert_eq!(catalog.rotation_state().unwrap(), None);
    let before = catalog.stage("sys", "s1").unwrap().unwrap();
    let fingerprints = |catalog: &Catalog| -> BTreeSet<String> {
        let stages = catalog.stages("sys").unwrap();
        let credentials = stages.iter().flat_map(|s| s.definition.credentials.iter());
        credentials
            .filter_map(|c| Some(c.fingerprint()?.to_string()))
            .collect()
    };
    let shown = fingerprints(&catalog);
    let mut steps = Vec::new();
    let report = catalog
        .rotate_key(&root(), key(2), |done, all| steps.push((done, all)))
        .unwrap();
    let (from, to) = (key(1).id(), key(2).id());
    let expected = RotationReport {
        from: Some(from),
        to,
        secrets: total,
    };
    assert_eq!(report, expected);
    assert!(steps.len() > 2 && steps.is_sorted(), "{steps:?}");
    assert_eq!(steps.last(), Some(&(total, total)));
    assert_eq!(catalog.rotation_state().unwrap(), None);
    all_open(&catalog);
    // Values are not sealed anew, and a record read before still opens.
    assert_eq!(catalog.stage("sys", "s1").unwrap().unwrap(), before);
    assert_eq!(opened(&catalog, &before), "secret 1");
    assert_eq!(fingerprints(&catalog), shown);
    // Again there is nothing to do.
    let seq = catalog.last_seq();
    let again = catalog.rotate_key(&root(), key(2), |_, _| ()).unwrap();
    assert_eq!((again.from, again.secrets), (None, 0));
    assert_eq!(catalog.last_seq(), seq);
    drop(catalog);

    let catalog = open_with(dir.path(), 2);
    all_open(&catalog);
    // The fingerprint key moved, too: an equal secret is still known as equal.
    let same = catalog.create_stage(
        &root(),
        "changed",
        definition("secret after"),
        OnExists::Replace,
        Expected::Any,
    );
    assert_eq!(
        same.unwrap().outcome,
        stagedoor_catalog::CreateOutcome::Kept
    );
    drop(catalog);
    let old = open_ring(dir.path(), KeyRing::new(key(1))).unwrap_err();
    assert_eq!(old.kind(), ErrorKind::KeyMissing);
    assert!(
        old.message()
            .contains(&format!("sealed by the server key {to}")),
        "{old}"
    );
}

/// Copies the journal at every step, as a crash there would leave it, and goes on from each copy.
#[test]
fn a_rotation_stopped_at_any_step_goes_on() {
    let (dir, catalog) = new_with_key();
    let total = fill(&catalog);
    let copies = tempfile::tempdir().unwrap();
    let mut stops = Vec::new();
    catalog
        .rotate_key(&root(), key(2), |done, _| {
            let copy = copies.path().join(stops.len().to_string());
            fs::create_dir(&copy).unwrap();
            fs::copy(dir.path().join("journal"), copy.join("journal")).unwrap();
            stops.push((copy, done));
        })
        .unwrap();
    assert!(stops.len() > 2);
    let (from, to) = (key(1).id(), key(2).id());
    for (copy, done) in stops {
        for missing in [1, 2] {
            let alone = open_ring(&copy, KeyRing::new(key(missing))).unwrap_err();
            assert_eq!(alone.kind(), ErrorKind::KeyMissing);
            let ids = format!(
                "the rotation from the server key {from} to {to} is not finished ({} secrets of versions are left) and needs both",
                total - done
            );
            assert!(alone.message().ends_with(&ids), "{alone}");
        }
        let catalog = open_ring(&copy, both()).unwrap();
        all_open(&catalog);
        let state = RotationState {
            from,
            to,
            started: true,
            left: total - done,
        };
        assert_eq!(catalog.rotation_state().unwrap(), Some(state));
        // Another key must wait.
        refused(
            catalog.rotate_key(&root(), key(3), |_, _| ()),
            ErrorKind::Conflict,
            &format!(
                "a rotation from the server key {from} to {to} is not finished; finish it before one to {}",
                key(3).id()
            ),
        );
        // What is set meanwhile is under the new key already; what is carried on is not.
        alter(&catalog, "s149", set_comment("late"));
        create_secret(&catalog, "new", "secret new");
        let report = catalog.rotate_key(&root(), key(2), |_, _| ()).unwrap();
        let carried = u64::from(done < total);
        assert_eq!(report.secrets, total - done + carried, "{done}");
        drop(catalog);
        let catalog = open_with(&copy, 2);
        all_open(&catalog);
        let new = catalog.stage("sys", "new").unwrap().unwrap();
        assert_eq!(opened(&catalog, &new), "secret new");
    }
}

#[test]
fn changes_between_two_steps_are_not_missed() {
    let (dir, catalog) = new_with_key();
    let total = fill(&catalog);
    let mut steps = 0;
    // Carries on what is not moved yet, sets new secrets, and reads, between any two steps.
    let report = catalog
        .rotate_key(&root(), key(2), |_, _| {
            steps += 1;
            let late = format!("s{}", STAGES - 1);
            alter(&catalog, &late, set_comment(steps.to_string()));
            create_secret(&catalog, &format!("new{steps}"), "secret new");
            all_open(&catalog);
        })
        .unwrap();
    assert!(steps > 2 && report.secrets > total, "{steps} {report:?}");
    assert_eq!(catalog.rotation_state().unwrap(), None);
    drop(catalog);
    all_open(&open_with(dir.path(), 2));
}

#[test]
fn a_version_made_behind_the_rotation_is_moved_by_another_round() {
    let (dir, catalog) = new_with_key();
    // So long that it is a step of its own, with the other two read already.
    let long = StageDefinition {
        comment: "c".repeat(1 << 20),
        ..definition("one")
    };
    catalog
        .create_stage(&root(), "long", long, OnExists::Error, Expected::Any)
        .unwrap();
    create_secret(&catalog, "s", "two");
    create_secret(&catalog, "t", "three");
    let mut behind = None;
    let report = catalog
        .rotate_key(&root(), key(2), |_, _| {
            behind.get_or_insert_with(|| alter(&catalog, "s", set_comment("c")));
        })
        .unwrap();
    assert_eq!(report.secrets, 4);
    drop(catalog);
    let catalog = open_with(dir.path(), 2);
    assert_eq!(
        opened(&catalog, &catalog.stage("sys", "s").unwrap().unwrap()),
        "two"
    );
    let history = catalog.stage_history("sys", "s").unwrap();
    assert_eq!(history.len(), 2);
    assert!(
        history
            .iter()
            .all(|record| opened(&catalog, record) == "two")
    );
}

#[test]
fn a_newer_key_in_the_ring_waits_for_its_rotation() {
    let (dir, catalog) = new_with_key();
    create_secret(&catalog, "s", "one");
    drop(catalog);
    let catalog = open_ring(dir.path(), both()).unwrap();
    let state = RotationState {
        from: key(1).id(),
        to: key(2).id(),
        started: false,
        left: 1,
    };
    assert_eq!(catalog.rotation_state().unwrap(), Some(state));
    // Until then the key in force seals.
    create_secret(&catalog, "t", "two");
    drop(catalog);
    let catalog = open_with(dir.path(), 1);
    let record = catalog.stage("sys", "t").unwrap().unwrap();
    assert_eq!(opened(&catalog, &record), "two");
    // Without the key in force no rotation begins.
    drop(catalog);
    let catalog = crate::fixture::open(dir.path());
    let refused = catalog.rotate_key(&root(), key(2), |_, _| ()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::KeyMissing);
    assert_eq!(catalog.rotation_state().unwrap(), None);
}

#[test]
fn a_catalog_without_secrets_takes_the_new_key_at_once() {
    let (dir, catalog) = new_with_key();
    let report = catalog.rotate_key(&root(), key(2), |_, _| ()).unwrap();
    assert_eq!((report.from, report.secrets), (None, 0));
    assert_eq!(catalog.last_seq(), 0);
    let record = create_secret(&catalog, "s", "one");
    drop(catalog);
    assert_eq!(opened(&open_with(dir.path(), 2), &record), "one");
}
