//! Trying a place leaves it as it was, and says what was seen.

use stagedoor_storage::{Capability, Check, Outcome, Probe, Validation};

use super::{folder_store, memory_store, names};

#[track_caller]
fn assert_fine(found: &Validation) {
    for finding in &found.findings {
        assert_eq!(finding.outcome, Outcome::Ok, "{finding:?}");
        assert!(finding.advice.is_empty(), "{finding:?}");
    }
    for capability in [
        Capability::Write,
        Capability::Read,
        Capability::List,
        Capability::ConsistentList,
        Capability::ConditionalCreate,
        Capability::Overwrite,
        Capability::Delete,
    ] {
        assert_eq!(found.capabilities.get(capability), Some(true), "{found:?}");
    }
}

#[tokio::test]
async fn a_folder_is_left_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    let store = folder_store(root.path()).await;
    std::fs::write(root.path().join("theirs.csv"), "1").unwrap();
    let found = store.validate(&Probe::new("1").unwrap()).await.unwrap();
    assert_fine(&found);
    assert_eq!(names(root.path()), ["theirs.csv"]);
}

#[tokio::test]
async fn memory_is_left_as_it_was() {
    let store = memory_store().await;
    let found = store.validate(&Probe::new("2").unwrap()).await.unwrap();
    assert_fine(&found);
    let left = store.glob("**/*").await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_folder_that_is_gone_is_told() {
    let root = tempfile::tempdir().unwrap();
    let store = folder_store(root.path()).await;
    let path = root.path().to_owned();
    drop(root);
    let found = store.validate(&Probe::new("3").unwrap()).await.unwrap();
    let outcome = |check| {
        let of = found.findings.iter().find(|finding| finding.check == check);
        of.map(|finding| finding.outcome)
    };
    assert_eq!(outcome(Check::Write), Some(Outcome::Failed), "{found:#?}");
    assert_eq!(outcome(Check::Read), Some(Outcome::Skipped), "{found:#?}");
    assert!(!path.exists());
}
