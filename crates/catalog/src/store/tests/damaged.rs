//! A damaged index: one record harms itself alone, and a scrub finds what no read would.

use super::{create, names, new, open, root};
use crate::index::tests::{as_layout_1, former_index};
use crate::{Catalog, ErrorKind, Expected, StageChanges};

#[test]
fn a_damaged_record_harms_itself_alone() {
    let (_dir, _disk, catalog) = new();
    for name in ["a", "b"] {
        create(&catalog, name).unwrap();
    }
    let key = "sys/stage/a";
    let mut bytes = catalog.store.index.get(key).unwrap().unwrap().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let damage = vec![(key.to_owned(), Some(bytes.into()))];
    catalog.store.index.forge(damage);

    let error = catalog.stage("sys", "a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains(key), "{error}");
    let change = || StageChanges {
        comment: Some("c".into()),
        ..StageChanges::default()
    };
    catalog
        .alter_stage(&root(), "a", change(), Expected::Any)
        .unwrap_err();
    assert_eq!(catalog.read_only_reason(), None);
    catalog
        .alter_stage(&root(), "b", change(), Expected::Any)
        .unwrap();

    let why = catalog.scrub().unwrap().index_damage.unwrap();
    assert!(why.contains(key) && why.contains("rebuild"), "{why}");
    assert_eq!(catalog.read_only_reason(), Some(why));
}

#[test]
fn a_lost_record_is_found_by_the_scrub_and_never_becomes_the_journal() {
    let (dir, disk, catalog) = new();
    for name in ["a", "b"] {
        create(&catalog, name).unwrap();
    }
    assert_eq!(catalog.scrub().unwrap().index_damage, None);
    let lost = vec![("sys/stage/a".to_owned(), None)];
    catalog.store.index.forge(lost);
    assert_eq!(names(&catalog), ["b"]);

    let journal = std::fs::read(dir.path().join("journal")).unwrap();
    let error = catalog.compact().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(std::fs::read(dir.path().join("journal")).unwrap(), journal);
    assert!(catalog.scrub().unwrap().index_damage.is_some());
    assert_eq!(
        create(&catalog, "c").unwrap_err().kind(),
        ErrorKind::ReadOnly
    );
    drop(catalog);
    let catalog = open(&disk, dir.path()).unwrap();
    assert!(catalog.recovery().rebuilt.is_some());
    assert_eq!(names(&catalog), ["a", "b"]);
}

#[test]
fn an_index_of_the_former_layout_is_made_anew_and_says_so() {
    let (dir, disk, catalog) = new();
    for name in ["a", "b"] {
        create(&catalog, name).unwrap();
    }
    let last_seq = catalog.last_seq();
    drop(catalog);
    as_layout_1(dir.path());
    let problems = Catalog::check(dir.path()).unwrap().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0]
            .what
            .starts_with("the index is of another layout")
    );
    let catalog = open(&disk, dir.path()).unwrap();
    assert_eq!(
        catalog.recovery().rebuilt.as_deref(),
        Some("the index was of another layout")
    );
    assert_eq!(
        (names(&catalog), catalog.last_seq()),
        (vec!["a".into(), "b".into()], last_seq)
    );
    drop(catalog);
    let catalog = open(&disk, dir.path()).unwrap();
    assert_eq!(catalog.recovery().rebuilt, None);
}

#[test]
fn an_index_of_the_former_layout_still_tells_that_the_journal_was_cut() {
    let (dir, disk, catalog) = new();
    create(&catalog, "a").unwrap();
    let cut = std::fs::read(dir.path().join("journal")).unwrap();
    create(&catalog, "b").unwrap();
    drop(catalog);
    as_layout_1(dir.path());
    std::fs::write(dir.path().join("journal"), cut).unwrap();
    let error = open(&disk, dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Behind, "{error}");
    assert!(
        error.message().contains("1 acknowledged change is missing"),
        "{error}"
    );
    // Refusing changed nothing: it is still there to be looked at.
    assert_eq!(former_index(dir.path()).applied_seq, 2);
}
