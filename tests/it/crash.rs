//! The real binary, killed with SIGKILL at random moments while it inserts, creates stages and exports.
//! Afterwards every acknowledged row and stage is there, every INSERT is whole or absent, and no stage
//! folder holds a partial file.

mod identity;
mod rotation;
mod rows;
pub(crate) mod shapes;
mod split;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use proto::v1;
use proto::v1::sql_service_client::SqlServiceClient;

use crate::harness::{Answer, Serving, Wire, execute, files, write_parquet};

const ROWS_PER_INSERT: u64 = 7;
/// About ten megabytes: long enough to be written by a thread of its own while it grows.
const EXPORTED_ROWS: usize = 300_000;

fn rounds() -> u64 {
    std::env::var("STAGEDOOR_CRASH_ROUNDS")
        .ok()
        .map_or(100, |rounds| {
            rounds.parse().expect("STAGEDOOR_CRASH_ROUNDS is a number")
        })
}

/// What the server acknowledged over all rounds.
#[derive(Default)]
struct Acknowledged {
    inserts: BTreeSet<u64>,
    stages: BTreeSet<String>,
    exports: BTreeSet<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_partial_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out, input) = (
        folder.path().join("data"),
        folder.path().join("out"),
        folder.path().join("input"),
    );
    std::fs::create_dir(&out).unwrap();
    std::fs::create_dir(&input).unwrap();
    write_parquet(&input.join("big.parquet"), 0..EXPORTED_ROWS as i64);
    let mut serving = Serving::start(&data);
    for statement in [
        format!("CREATE STAGE out URL = '{}'", out.display()),
        format!("CREATE STAGE input URL = '{}'", input.display()),
        "CREATE TABLE t (batch bigint, row_number bigint)".to_owned(),
        "CREATE EXTERNAL TABLE big INFILE {'filepath'='stage://input/big.parquet','format'='parquet'}".to_owned(),
    ] {
        run(serving.connect().await, &statement).await.unwrap();
    }
    let mut acknowledged = Acknowledged::default();
    // Deterministic per round, different in each: a linear congruential generator.
    let mut random = 0x5DEE_CE66_u64;
    let mut interrupted = 0_u64;
    let mut exports_done = 0;
    for round in 0..rounds() {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let until_kill = Duration::from_millis(5 + (random >> 33) % 250);
        let work = (
            insert(serving.connect().await, round),
            create_stages(serving.connect().await, round),
            export(serving.connect().await, round),
        );
        let (inserts, stages, exports) = {
            let inserting = tokio::spawn(work.0);
            let creating = tokio::spawn(work.1);
            let exporting = tokio::spawn(work.2);
            tokio::time::sleep(until_kill).await;
            serving.kill();
            (
                inserting.await.unwrap(),
                creating.await.unwrap(),
                exporting.await.unwrap(),
            )
        };
        acknowledged.inserts.extend(inserts);
        acknowledged.stages.extend(stages);
        acknowledged.exports.extend(exports);
        // Seen before recovery: no final name is ever partial, whatever drafts there are.
        check_files(&out, &acknowledged);
        interrupted += u64::from(out.join(".stagedoor").exists());
        serving = Serving::start(&data);
        check(serving.connect().await, &acknowledged).await;
        assert!(
            !out.join(".stagedoor").exists(),
            "round {round}: recovery left drafts: {:?}",
            files(&out)
        );
        check_files(&out, &acknowledged);
        check_digests(serving.connect().await, &out, round).await;
        for name in files(&out) {
            std::fs::remove_file(out.join(name)).unwrap();
        }
        exports_done += acknowledged.exports.len();
        acknowledged.exports.clear();
    }
    println!(
        "{} rounds: {} inserts, {} stages, {} exports acknowledged; {interrupted} kills hit a running export",
        rounds(),
        acknowledged.inserts.len(),
        acknowledged.stages.len(),
        exports_done
    );
    assert!(!acknowledged.inserts.is_empty() && !acknowledged.stages.is_empty());
    // With the rounds of a full run, kills must have hit what they aim at, or the test proves nothing.
    if rounds() >= 50 {
        assert!(
            exports_done > 0 && interrupted > 0,
            "no export was hit, or none finished"
        );
    }
}

async fn run(channel: Wire, statement: &str) -> Result<Answer, tonic::Status> {
    let mut client = SqlServiceClient::new(channel);
    execute(
        &mut client,
        v1::ExecuteRequest {
            session_id: String::new(),
            statement: statement.to_owned(),
            ..Default::default()
        },
    )
    .await
}

/// Inserts until the server dies; gives the batches that were acknowledged.
async fn insert(channel: Wire, round: u64) -> Vec<u64> {
    let mut done = Vec::new();
    for n in 0.. {
        let batch = round * 1_000_000 + n;
        let rows: Vec<String> = (0..ROWS_PER_INSERT)
            .map(|row| format!("({batch},{row})"))
            .collect();
        match run(
            channel.clone(),
            &format!("INSERT INTO t VALUES {}", rows.join(",")),
        )
        .await
        {
            Ok(_) => done.push(batch),
            Err(_) => break,
        }
    }
    done
}

async fn create_stages(channel: Wire, round: u64) -> Vec<String> {
    let mut done = Vec::new();
    for n in 0.. {
        let name = format!("s_{round}_{n}");
        match run(
            channel.clone(),
            &format!("CREATE STAGE {name} URL = '/tmp'"),
        )
        .await
        {
            Ok(_) => done.push(name),
            Err(_) => break,
        }
    }
    done
}

async fn export(channel: Wire, round: u64) -> Vec<String> {
    let mut done = Vec::new();
    for n in 0.. {
        let name = format!("{round}_{n}.csv");
        match run(
            channel.clone(),
            &format!("SELECT * FROM big INTO OUTFILE 'stage://out/{name}' MANIFEST 'true'"),
        )
        .await
        {
            Ok(_) => done.push(name),
            Err(_) => break,
        }
    }
    done
}

async fn check(channel: Wire, acknowledged: &Acknowledged) {
    let per_batch = run(
        channel.clone(),
        "SELECT batch, count(*) AS n, count(DISTINCT row_number) AS d FROM t GROUP BY batch",
    )
    .await
    .unwrap()
    .rows();
    let mut present = BTreeSet::new();
    for row in per_batch {
        assert_eq!(
            (row[1].as_str(), row[2].as_str()),
            ("7", "7"),
            "an INSERT is not whole: {row:?}"
        );
        present.insert(row[0].parse::<u64>().unwrap());
    }
    let lost: Vec<_> = acknowledged.inserts.difference(&present).collect();
    assert!(lost.is_empty(), "acknowledged inserts are gone: {lost:?}");
    let stages: BTreeSet<String> = run(channel.clone(), "SHOW STAGES")
        .await
        .unwrap()
        .rows()
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    let lost: Vec<_> = acknowledged.stages.difference(&stages).collect();
    assert!(lost.is_empty(), "acknowledged stages are gone: {lost:?}");
    let unfinished = run(
        channel.clone(),
        "SELECT count(*) FROM stagedoor.exports WHERE state IN ('ADMITTED', 'RUNNING', 'PREPARED')",
    )
    .await
    .unwrap();
    assert_eq!(unfinished.cell(), "0");
    let committed: BTreeSet<String> = run(
        channel,
        "SELECT target FROM stagedoor.exports WHERE state = 'COMMITTED'",
    )
    .await
    .unwrap()
    .rows()
    .into_iter()
    .map(|row| row[0].replace("stage://out/", ""))
    .collect();
    let lost: Vec<_> = acknowledged.exports.difference(&committed).collect();
    assert!(
        lost.is_empty(),
        "acknowledged exports are not committed: {lost:?}"
    );
}

/// Every export of this round that is COMMITTED has its file, with the recorded digest.
async fn check_digests(channel: Wire, out: &Path, round: u64) {
    use sha2::{Digest, Sha256};
    let query = format!(
        "SELECT f.path, f.sha256 FROM stagedoor.export_files f JOIN stagedoor.exports e ON f.export_id = e.export_id \
         WHERE e.state = 'COMMITTED' AND e.target LIKE 'stage://out/{round}\\_%'"
    );
    for row in run(channel, &query).await.unwrap().rows() {
        let bytes = std::fs::read(out.join(&row[0]))
            .unwrap_or_else(|e| panic!("{} is COMMITTED and gone: {e}", row[0]));
        let digest: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(digest, row[1], "{}", row[0]);
    }
}

/// Every file under a final name is complete, and every acknowledged one is there. The folder is emptied
/// after each round, so that a hundred stay quick.
fn check_files(out: &Path, acknowledged: &Acknowledged) {
    let present: BTreeSet<String> = files(out)
        .into_iter()
        .filter(|name| !name.starts_with(".stagedoor"))
        .collect();
    for name in &acknowledged.exports {
        assert!(
            present.contains(name),
            "{name} was acknowledged and is gone"
        );
    }
    for name in &present {
        let path = out.join(name);
        if name.ends_with(".manifest.json") {
            let manifest: serde_json::Value =
                serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!(manifest["rows"], EXPORTED_ROWS);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(
            (lines, bytes.last()),
            (EXPORTED_ROWS + 1, Some(&b'\n')),
            "{name} is partial"
        );
    }
}
