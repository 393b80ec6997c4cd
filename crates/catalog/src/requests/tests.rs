//! What is remembered of requests goes again, some with each change.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::KEPT_US;
use crate::{
    Actor, Catalog, Expected, OnExists, Options, Request, StageChanges, StageDefinition, keys,
};

fn actor(key: Option<String>) -> Actor {
    Actor::new("sys", "root", "moadmin").with_request(Request {
        idempotency_key: key,
        ..Request::default()
    })
}

fn alter(catalog: &Catalog, actor: &Actor, comment: usize) {
    let changes = StageChanges {
        comment: Some(comment.to_string()),
        ..StageChanges::default()
    };
    catalog
        .alter_stage(actor, "s", changes, Expected::Any)
        .unwrap();
}

/// How many requests are remembered, and how many marks of times there are.
fn remembered(catalog: &Catalog) -> (usize, usize) {
    let count = |prefix: &str| catalog.store.read(|view| view.keys(prefix)).unwrap().len();
    (
        count(&keys::requests("sys")),
        count(&keys::request_times("sys")),
    )
}

#[test]
fn each_change_forgets_some_of_those_that_are_past() {
    let dir = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicU64::new(1));
    let clock = Arc::clone(&now);
    let options = Options {
        clock: Arc::new(move || clock.load(Ordering::Relaxed)),
        ..Options::default()
    };
    let catalog = Catalog::open(dir.path(), options).unwrap();
    let definition = StageDefinition::default();
    catalog
        .create_stage(
            &actor(None),
            "s",
            definition,
            OnExists::Error,
            Expected::Any,
        )
        .unwrap();
    for n in 0..30 {
        now.store(1 + n as u64, Ordering::Relaxed);
        alter(&catalog, &actor(Some(format!("a/{n}"))), n);
    }
    assert_eq!(remembered(&catalog), (30, 30));
    // All but the last three are past.
    now.store(KEPT_US + 27, Ordering::Relaxed);
    alter(&catalog, &actor(None), 100);
    assert_eq!(remembered(&catalog), (22, 22));
    // What changes nothing forgets nothing.
    alter(&catalog, &actor(None), 100);
    assert_eq!(remembered(&catalog), (22, 22));
    // One with a key of its own; then one that takes the key of one that is past.
    alter(&catalog, &actor(Some("b".to_owned())), 101);
    assert_eq!(remembered(&catalog), (15, 15));
    alter(&catalog, &actor(Some("a/26".to_owned())), 102);
    assert_eq!(remembered(&catalog), (7, 7));
    alter(&catalog, &actor(None), 103);
    assert_eq!(remembered(&catalog), (5, 5));
    alter(&catalog, &actor(None), 104);
    assert_eq!(remembered(&catalog), (5, 5));
}
