//! A disk that takes no more (a limit on file size stands for it): a clear error, then read-only, and
//! what was acknowledged before is intact.

use std::path::Path;
use std::process::Command;

use stagedoor_catalog::{Catalog, Error, ErrorKind, Expected, NewExport, StageRecord};

use crate::fixture::{create, open, options, root, set_comment};

const DIRECTORY: &str = "STAGEDOOR_CATALOG_TEST_DIRECTORY";

fn alter(catalog: &Catalog, comment: String) -> Result<StageRecord, Error> {
    let altered = catalog.alter_stage(&root(), "s", set_comment(comment), Expected::Any)?;
    Ok(altered.record)
}

/// Fills the disk, and writes down the last acknowledged version and the errors.
#[test]
#[ignore = "the child process of the test below"]
fn child() {
    let dir = std::env::var_os(DIRECTORY).unwrap();
    let dir = Path::new(&dir);
    let catalog = Catalog::open(dir, options()).unwrap();
    let mut version = 0;
    let first = loop {
        // Another text each time, for the same one again would be no change.
        match alter(&catalog, format!("{version:x>10000}")) {
            Ok(record) => version = record.version,
            Err(error) => break error,
        }
    };
    let second = alter(&catalog, String::new()).unwrap_err();
    let read = catalog
        .stage("sys", "s")
        .map(|stage| stage.map(|s| s.version))
        .map_err(|e| e.kind());
    let report = format!(
        "{version}\n{:?} {first}\n{:?} {second}\n{}\n{:?}",
        first.kind(),
        second.kind(),
        catalog.read_only_reason().is_some(),
        read
    );
    // Small enough to be written below the limit.
    std::fs::write(dir.join("report"), report).unwrap();
}

/// Runs the child under a limit of so many blocks of 512 bytes for each file; gives its report.
fn run_child(dir: &Path, blocks: u64) -> String {
    // A child that ignores SIGXFSZ gets errors from write.
    let out = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""
        ))
        .arg(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "full_disk::child",
            "--test-threads=1",
        ])
        .env(DIRECTORY, dir)
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stdout)
    );
    std::fs::read_to_string(dir.join("report")).unwrap()
}

#[test]
fn a_full_disk_is_a_clear_error_and_loses_nothing() {
    for blocks in [1500, 3000, 6001] {
        let dir = tempfile::tempdir().unwrap();
        create(&open(dir.path()), "s", "/tmp");
        let report = run_child(dir.path(), blocks);
        let lines: Vec<&str> = report.lines().collect();
        let [version, first, second, read_only, read] = lines[..] else {
            panic!("{report}")
        };
        let version: u64 = version.parse().unwrap();
        assert!(version > 10, "{report}");
        assert!(
            first.starts_with(&format!("{:?} ", ErrorKind::Io)),
            "{report}"
        );
        assert!(
            second.starts_with(&format!(
                "{:?} the catalog is read-only",
                ErrorKind::ReadOnly
            )),
            "{report}"
        );
        assert_eq!(read_only, "true", "{report}");
        // The index may have taken the refused change before it failed, or read nothing any more.
        let seen = [
            format!("Ok(Some({version}))"),
            format!("Ok(Some({}))", version + 1),
            "Err(Io)".to_owned(),
        ];
        assert!(seen.iter().any(|seen| seen == read), "{report}");

        let catalog = open(dir.path());
        let history = catalog.stage_history("sys", "s").unwrap();
        let last = history.last().unwrap().version;
        // The refused change may have reached the journal, nothing after it.
        assert!(
            last == version || last == version + 1,
            "{last} after {report}"
        );
        assert_eq!(history.len() as u64, last);
        assert!(
            history[1..version as usize]
                .iter()
                .all(|r| r.definition.comment.len() == 10_000)
        );
        alter(&catalog, "goes on".into()).unwrap();
    }
}

#[test]
fn a_full_journal_is_named_in_the_error() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(dir.path());
    create(&catalog, "s", "/tmp");
    let id = "0192f0c1-2345-7abc-8def-0123456789ab";
    let export = NewExport {
        id: id.into(),
        database: None,
        statement: "x".repeat(20_000),
        stage: None,
        stage_parents: Vec::new(),
        target: String::new(),
        key: None,
    };
    catalog.create_export(&root(), export).unwrap();
    // An export is rewritten in place, so the journal grows faster than the index.
    for rows in 0..400 {
        catalog
            .update_export(&root(), id, |export| export.rows = rows)
            .unwrap();
    }
    let blocks = catalog.journal_bytes() / 512 + 300;
    drop(catalog);
    let report = run_child(dir.path(), blocks);
    assert!(
        report.contains("failed to append to the journal"),
        "{report}"
    );
    assert!(open(dir.path()).recovery().torn_bytes > 0);
}
