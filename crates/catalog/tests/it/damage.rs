//! Damaged files: a damaged index is made anew, a torn journal is cut, a damaged one is refused.

use std::fs;
use std::path::{Path, PathBuf};

use stagedoor_catalog::{Catalog, ErrorKind, Expected, Options, StageRecord};

use crate::fixture::{bootstrapped, create, open, options, root, set_comment};

/// A closed catalog of a few stages with some history, and their histories.
fn sample() -> (tempfile::TempDir, Vec<Vec<StageRecord>>) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(dir.path());
    for number in 0..10 {
        let name = format!("s{number}");
        create(&catalog, &name, "/tmp");
        for step in 0..5 {
            let comment = format!("{step} {}", "x".repeat(300));
            catalog
                .alter_stage(&root(), &name, set_comment(comment), Expected::Any)
                .unwrap();
        }
    }
    let histories = histories(&catalog);
    (dir, histories)
}

fn histories(catalog: &Catalog) -> Vec<Vec<StageRecord>> {
    catalog
        .stages("sys")
        .unwrap()
        .iter()
        .map(|s| catalog.stage_history("sys", &s.name).unwrap())
        .collect()
}

fn files_under(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn a_damaged_index_is_never_served() {
    let (dir, before) = sample();
    let index = dir.path().join("index");
    let pristine: Vec<(PathBuf, Vec<u8>)> = files_under(&index)
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    assert!(!pristine.is_empty());
    let mut rebuilt = 0;
    let mut cases = 0;
    let mut check = |path: &Path, bytes: &[u8]| {
        let _ = fs::remove_dir_all(&index);
        for (path, bytes) in &pristine {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        fs::write(path, bytes).unwrap();
        let catalog = open(dir.path());
        assert_eq!(
            histories(&catalog),
            before,
            "{} of {} bytes",
            path.display(),
            bytes.len()
        );
        rebuilt += u32::from(catalog.recovery().rebuilt.is_some());
        cases += 1;
    };
    for (path, bytes) in &pristine {
        // What sled has written, without the empty rest of its segment.
        let used = bytes
            .iter()
            .rposition(|&b| b != 0)
            .map_or(0, |last| last + 1);
        for part in 0..8 {
            check(path, &bytes[..used * part / 8]);
            let mut flipped = bytes.clone();
            if let Some(byte) = flipped.get_mut(used * part / 8) {
                *byte ^= 0x10;
            }
            check(path, &flipped);
            let mut garbled = bytes.clone();
            let end = used.min(used * part / 8 + 64);
            garbled[used * part / 8..end].fill(0xa5);
            check(path, &garbled);
        }
    }
    assert!(
        rebuilt > cases / 4,
        "of {cases} damages only {rebuilt} were noticed"
    );
}

#[test]
fn unfinished_snapshots_of_the_index_are_removed() {
    let (dir, before) = sample();
    let left = dir.path().join("index/snap.FFFFFFFFFFFFFFFF.generating");
    fs::write(&left, b"short").unwrap();
    let catalog = open(dir.path());
    assert_eq!(catalog.recovery().rebuilt, None);
    assert!(!left.exists());
    assert_eq!(histories(&catalog), before);
}

#[test]
fn a_torn_journal_is_cut_and_goes_on() {
    let (dir, before) = sample();
    let journal = dir.path().join("journal");
    let whole = fs::read(&journal).unwrap();
    // The last frames hold one version of the last stage each.
    for cut in [1, 5, 27, 28, 29, 200, 400, 700, 900] {
        fs::write(&journal, &whole[..whole.len() - cut]).unwrap();
        fs::remove_dir_all(dir.path().join("index")).unwrap();
        let catalog = open(dir.path());
        let after = histories(&catalog);
        assert_eq!(after[..9], before[..9]);
        let versions = after[9].len();
        assert_eq!(after[9], before[9][..versions]);
        assert!(versions < before[9].len());
        assert_eq!(catalog.last_seq() as usize, 9 * 6 + versions);
        assert!(catalog.recovery().torn_bytes > 0, "{cut}");
        create(&catalog, "more", "/tmp");
        drop(catalog);
        assert_eq!(open(dir.path()).recovery().torn_bytes, 0);
    }
}

/// Whichever byte it is, of a record alone or of one of several that were appended at once: what the index has and the
/// journal has no more is never passed over, and never rebuilt away unasked.
#[test]
fn damage_at_the_end_of_the_journal_is_never_passed_over() {
    let (dir, catalog) = bootstrapped();
    std::thread::scope(|scope| {
        for client in 0..8 {
            let catalog = &catalog;
            scope.spawn(move || {
                for number in 0..4 {
                    create(catalog, &format!("s{client}_{number}"), "/tmp");
                }
            });
        }
    });
    drop(catalog);
    // Brings the index up to the journal.
    drop(open(dir.path()));
    let journal = dir.path().join("journal");
    let whole = fs::read(&journal).unwrap();
    for at in (whole.len() - 3000..whole.len()).step_by(61) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&journal, &damaged).unwrap();
        match Catalog::open(dir.path(), options()) {
            Ok(catalog) => assert!(catalog.read_only_reason().is_some(), "byte {at}"),
            Err(e) => assert!(
                matches!(e.kind(), ErrorKind::Behind | ErrorKind::Corrupt),
                "byte {at}: {e}"
            ),
        }
        let error = Catalog::rebuild(dir.path(), options()).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Behind | ErrorKind::Corrupt),
            "byte {at}: {error}"
        );
        let report = Catalog::check(dir.path()).unwrap();
        assert!(!report.problems.is_empty(), "byte {at}");
        assert_eq!(fs::read(&journal).unwrap(), damaged, "byte {at}");
    }
    fs::write(&journal, &whole).unwrap();
    assert_eq!(open(dir.path()).stages("sys").unwrap().len(), 32);
}

#[test]
fn damage_in_the_middle_of_the_journal_is_found() {
    let (dir, before) = sample();
    let journal = dir.path().join("journal");
    let index = dir.path().join("index");
    let whole = fs::read(&journal).unwrap();
    for at in (16..whole.len() - 2000).step_by(1997) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&journal, &damaged).unwrap();
        // Opening reads only what the index lacks of a long journal; the scrub reads the rest. A short one it reads.
        for check_journal_bytes_max in [0, u64::MAX] {
            let options = Options {
                check_journal_bytes_max,
                ..options()
            };
            let catalog = Catalog::open(dir.path(), options).unwrap();
            assert_eq!(histories(&catalog), before);
            assert_eq!(
                catalog.read_only_reason().is_some(),
                check_journal_bytes_max > 0
            );
            let scrubbed = catalog.scrub().unwrap();
            assert_eq!(scrubbed.index_damage, None);
            let why = scrubbed.journal_damage.unwrap();
            assert!(why.contains(&journal.display().to_string()), "{why}");
            assert_eq!(catalog.read_only_reason(), Some(why));
        }
        let catalog = open(dir.path());
        let change = set_comment("");
        let error = catalog
            .alter_stage(&root(), "s1", change, Expected::Any)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly);
        drop(catalog);

        // Where all of it is needed, it is refused.
        fs::rename(&index, dir.path().join("aside")).unwrap();
        let error = Catalog::open(dir.path(), options()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
        assert!(
            error.message().contains(&journal.display().to_string()),
            "{error}"
        );
        assert_eq!(fs::read(&journal).unwrap(), damaged, "nothing is changed");
        let _ = fs::remove_dir_all(&index);
        fs::rename(dir.path().join("aside"), &index).unwrap();
    }
    fs::write(&journal, &whole).unwrap();
    let catalog = open(dir.path());
    assert_eq!(histories(&catalog), before);
    let scrubbed = catalog.scrub().unwrap();
    assert_eq!(
        (scrubbed.journal_damage, scrubbed.index_damage),
        (None, None)
    );
    assert_eq!(scrubbed.journal_records, catalog.last_seq());
}
