//! The real binary, killed while two writers load, insert, update and delete rows of one table: each statement is there
//! whole or not at all, and what was acknowledged is there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tonic_types::StatusExt;

use super::run;
use crate::harness::{Serving, Wire};

/// Rows of a batch: of one LOAD DATA, or one INSERT.
const ROWS: u64 = 400;
const WRITERS: u64 = 2;
/// Kills of a run of the suite; `STAGEDOOR_CRASH_ROUNDS` says another number.
const ROUNDS: u64 = 12;
/// Acknowledged statements before a kill, at most.
const STATEMENTS_MAX: u64 = 12;

/// What is known of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Batch {
    version: u64,
    /// The statement that nothing was heard of.
    doubtful: Option<Change>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Added,
    Updated,
    Deleted,
}

/// Every batch that a statement was about, but those that are deleted for sure.
type Batches = BTreeMap<u64, Batch>;

/// Adds a batch, changes it, and takes out the one before the last, again and again until the server dies.
async fn write(channel: Wire, first: u64, writer: u64, acknowledged: Arc<AtomicU64>) -> Batches {
    let mut batches = Batches::new();
    for n in 0.. {
        let batch = first + n * WRITERS + writer;
        let add = match writer {
            0 => format!(
                "LOAD DATA INFILE 'stage://input/parts.csv' INTO TABLE t FIELDS TERMINATED BY ',' (part) SET batch = {batch}, version = 0"
            ),
            _ => {
                let rows: Vec<String> = (0..ROWS)
                    .map(|part| format!("({batch},{part},0)"))
                    .collect();
                format!("INSERT INTO t VALUES {}", rows.join(","))
            }
        };
        let steps = [
            (Change::Added, batch, add),
            (
                Change::Updated,
                batch,
                format!("UPDATE t SET version = version + 1 WHERE batch = {batch}"),
            ),
        ];
        let deletion = (n > 1).then(|| {
            let old = batch - 2 * WRITERS;
            let text = format!("DELETE FROM t WHERE batch = {old}");
            (Change::Deleted, old, text)
        });
        for (change, batch, statement) in steps.into_iter().chain(deletion) {
            let known = batches.entry(batch).or_insert(Batch {
                version: 0,
                doubtful: None,
            });
            known.doubtful = Some(change);
            match run(channel.clone(), &statement).await {
                Ok(_) => {}
                Err(status) => {
                    // Its death alone may end this, and no answer of the server.
                    assert!(
                        status.get_details_error_info().is_none(),
                        "{statement}: {status}"
                    );
                    return batches;
                }
            }
            acknowledged.fetch_add(1, Ordering::SeqCst);
            known.doubtful = None;
            match change {
                Change::Added => {}
                Change::Updated => known.version += 1,
                Change::Deleted => {
                    batches.remove(&batch);
                }
            }
        }
    }
    batches
}

/// Compares the table with what is known, which is certain afterwards.
async fn check(channel: Wire, batches: &mut Batches) {
    let query = "SELECT batch, COUNT(*), COUNT(DISTINCT part), MIN(version), MAX(version) FROM t GROUP BY batch";
    let mut found = BTreeMap::new();
    for row in run(channel, query).await.unwrap().rows() {
        let numbers: Vec<u64> = row.iter().map(|cell| cell.parse().unwrap()).collect();
        assert_eq!(
            (numbers[1], numbers[2]),
            (ROWS, ROWS),
            "a batch is not whole: {row:?}"
        );
        assert_eq!(numbers[3], numbers[4], "an UPDATE is not whole: {row:?}");
        found.insert(numbers[0], numbers[3]);
    }
    for (batch, known) in batches.iter() {
        let there = found.get(batch).copied();
        let is = |versions: &[Option<u64>]| versions.contains(&there);
        let version = Some(known.version);
        let holds = match known.doubtful {
            None => is(&[version]),
            Some(Change::Added | Change::Deleted) => is(&[version, None]),
            Some(Change::Updated) => is(&[version, Some(known.version + 1)]),
        };
        assert!(
            holds,
            "batch {batch} has version {there:?} and should be {known:?}"
        );
    }
    for batch in found.keys() {
        assert!(
            batches.contains_key(batch),
            "batch {batch} was taken out and is there"
        );
    }
    *batches = found
        .into_iter()
        .map(|(batch, version)| {
            let certain = Batch {
                version,
                doubtful: None,
            };
            (batch, certain)
        })
        .collect();
}

fn write_parts(folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    let parts: String = (0..ROWS).map(|part| format!("{part}\n")).collect();
    std::fs::write(folder.join("parts.csv"), parts).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_rows_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (data, input) = (folder.path().join("data"), folder.path().join("input"));
    write_parts(&input);
    let mut serving = Serving::start(&data);
    for statement in [
        format!("CREATE STAGE input URL = '{}'", input.display()),
        "CREATE TABLE t (batch bigint, part bigint, version bigint)".to_owned(),
    ] {
        run(serving.connect().await, &statement).await.unwrap();
    }
    let rounds = match std::env::var_os("STAGEDOOR_CRASH_ROUNDS") {
        Some(_) => super::rounds(),
        None => ROUNDS,
    };
    let mut batches = Batches::new();
    let mut random = 0x0DDB_1A5E_5BAD_5EED_u64;
    let mut all = 0;
    for round in 0..rounds {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let statements = 1 + (random >> 40) % STATEMENTS_MAX;
        let acknowledged = Arc::new(AtomicU64::new(0));
        let mut writers = Vec::new();
        for writer in 0..WRITERS {
            let channel = serving.connect().await;
            let first = (round + 1) * 1_000_000;
            let acknowledged = Arc::clone(&acknowledged);
            writers.push(tokio::spawn(write(channel, first, writer, acknowledged)));
        }
        // Both have begun by then, and one of them at least is within a statement.
        while acknowledged.load(Ordering::SeqCst) < statements
            && !writers.iter().any(tokio::task::JoinHandle::is_finished)
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis((random >> 33) % 20)).await;
        serving.kill();
        for writer in writers {
            batches.extend(writer.await.unwrap());
        }
        all += acknowledged.load(Ordering::SeqCst);
        serving = Serving::start(&data);
        check(serving.connect().await, &mut batches).await;
    }
    assert!(all >= rounds, "{all} statements in {rounds} rounds");
}
