//! Killed while it replaces an export of several files by another of more, or fewer: afterwards the folder has the
//! files of the last committed export, all of them and no others, with a manifest and digests that prove them.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use super::{rounds, run};
use crate::harness::{Serving, Wire, files, write_parquet};

const ROWS: usize = 200_000;
const MANIFEST: &str = "d/_manifest.json";
const SUMS: &str = "d/SHA256SUMS";

#[tokio::test(flavor = "multi_thread")]
async fn files_of_two_exports_are_never_left_together() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out, input) = (
        folder.path().join("data"),
        folder.path().join("out"),
        folder.path().join("input"),
    );
    std::fs::create_dir(&out).unwrap();
    std::fs::create_dir(&input).unwrap();
    write_parquet(&input.join("big.parquet"), 0..ROWS as i64);
    let mut serving = Serving::start(&data);
    for statement in [
        format!("CREATE STAGE out URL = '{}'", out.display()),
        format!("CREATE STAGE input URL = '{}'", input.display()),
    ] {
        run(serving.connect().await, &statement).await.unwrap();
    }
    let mut random = 0x0BAD_5EED_u64;
    let (mut committed, mut interrupted) = (0, 0);
    for round in 0..rounds().div_ceil(5) {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let until_kill = Duration::from_millis(20 + (random >> 33) % 400);
        let exporting = tokio::spawn(export(serving.connect().await, round));
        tokio::time::sleep(until_kill).await;
        serving.kill();
        let acknowledged = exporting.await.unwrap();
        committed += acknowledged;
        interrupted += u64::from(out.join(".stagedoor").exists());
        serving = Serving::start(&data);
        let channel = serving.connect().await;
        let last = run(
            channel.clone(),
            "SELECT max(export_id) FROM stagedoor.exports WHERE state = 'COMMITTED'",
        )
        .await
        .unwrap()
        .cell();
        let found: BTreeSet<String> = files(&out).into_iter().collect();
        if last == "NULL" {
            assert_eq!((acknowledged, found), (0, BTreeSet::new()));
            continue;
        }
        let query = format!("SELECT path FROM stagedoor.export_files WHERE export_id = '{last}'");
        let rows = run(channel.clone(), &query).await.unwrap().rows();
        let mut wanted: BTreeSet<String> = rows.into_iter().map(|row| row[0].clone()).collect();
        assert!(wanted.len() > 2, "round {round}: {wanted:?}");
        wanted.extend([MANIFEST.to_owned(), SUMS.to_owned()]);
        assert_eq!(found, wanted, "round {round}");
        let manifest: serde_json::Value =
            serde_json::from_slice(&std::fs::read(out.join(MANIFEST)).unwrap()).unwrap();
        assert_eq!(manifest["export_id"], last, "round {round}");
        let checked = Command::new("sha256sum")
            .args(["--strict", "-c", "SHA256SUMS"])
            .current_dir(out.join("d"))
            .output()
            .unwrap();
        assert!(checked.status.success(), "round {round}: {checked:?}");
        let verified = run(channel, &format!("VERIFY EXPORT '{last}'")).await;
        let verified = verified.unwrap().rows();
        assert!(
            verified.iter().all(|row| row[3] == "OK"),
            "round {round}: {verified:?}"
        );
    }
    println!("{committed} exports acknowledged; {interrupted} kills hit a running export");
    // In a full run kills must have hit what they aim at; in a short one, on a slow machine, none may have.
    if rounds() > 100 {
        assert!(
            committed > 0 && interrupted > 0,
            "no export was hit, or none finished"
        );
    }
}

/// Exports to one target until the server dies, now more files, now fewer; gives how many were acknowledged.
async fn export(channel: Wire, round: u64) -> u64 {
    for n in 0.. {
        let rows = match (round + n) % 2 {
            0 => ROWS,
            _ => ROWS / 3,
        };
        let statement = format!(
            "SELECT * FROM 'stage://input/big.parquet' LIMIT {rows} INTO OUTFILE 'stage://out/d/x_%03d.csv.gz' \
             SPLITSIZE '60K' OVERWRITE 'true' SHA256SUMS 'true'"
        );
        if run(channel.clone(), &statement).await.is_err() {
            return n;
        }
    }
    0
}
