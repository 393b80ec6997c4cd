//! The real binary, killed with SIGKILL while it exports to buckets: in the middle of parts, and of publication.
//! Afterwards every acknowledged export is there whole, every other one whole or absent, and no upload is open.
//! `STAGEDOOR_CRASH_ROUNDS` says how often; without it a few times, for each round starts a server.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proto::v1;
use sha2::{Digest, Sha256};

use super::{Place, endpoints};
use crate::harness::{Wire, execute};
use crate::internal_stages::{as_root, client};
use crate::serve_process::{LONG, ServeProcess};

const ROUNDS: u64 = 3;

fn rounds() -> u64 {
    std::env::var("STAGEDOOR_CRASH_ROUNDS")
        .ok()
        .map_or(ROUNDS, |rounds| {
            rounds.parse().expect("STAGEDOOR_CRASH_ROUNDS is a number")
        })
}

on_both!(a_kill_leaves_an_export_whole_or_nothing, killed);

type Client = proto::v1::sql_service_client::SqlServiceClient<Wire>;

async fn rows(client: &mut Client, statement: &str) -> Vec<Vec<String>> {
    let request = v1::ExecuteRequest {
        statement: statement.to_owned(),
        ..Default::default()
    };
    let answer = execute(client, request).await;
    answer
        .unwrap_or_else(|status| panic!("{statement}: {}", status.message()))
        .rows()
}

/// Exports until the server dies: files of one part, and of several. Gives those that were acknowledged.
async fn export(mut client: Client, round: u64, writer: u64) -> Vec<String> {
    let mut done = Vec::new();
    for n in 0_u64.. {
        let count = if n % 2 == writer { 300 } else { 120_000 };
        let name = format!("{round}_{writer}_{n}.csv");
        let statement = format!(
            "SELECT value, REPEAT('x', 100) AS x FROM generate_series(1, {count}) INTO OUTFILE 'stage://s/{name}' MANIFEST 'true'"
        );
        let request = v1::ExecuteRequest {
            statement,
            ..Default::default()
        };
        if execute(&mut client, request).await.is_err() {
            break;
        }
        done.push(name);
    }
    done
}

async fn killed(place: Place, folder: &str) {
    let data = tempfile::tempdir().unwrap();
    let settings = format!("version = 1\n{}", endpoints());
    let mut server = ServeProcess::start(&settings, data.path(), &[]);
    let mut address = server.address();
    let mut root = client(&address, as_root()).await;
    rows(&mut root, &place.create("s", folder)).await;
    let mut random = 0x5DEE_CE66_u64;
    let (mut acknowledged, mut hit) = (0, 0);
    for round in 0..rounds() {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // Until it is at work, and then for a while of its own.
        let writers: Vec<_> = [0, 1]
            .map(|writer| {
                let address = address.clone();
                tokio::spawn(async move {
                    export(client(&address, as_root()).await, round, writer).await
                })
            })
            .into();
        let deadline = Instant::now() + LONG;
        let begun = format!(
            "SELECT COUNT(*) FROM stagedoor.exports WHERE target LIKE 'stage://s/{round}\\_%'"
        );
        while rows(&mut root, &begun).await[0][0] == "0" {
            assert!(Instant::now() < deadline, "no export begins");
        }
        tokio::time::sleep(Duration::from_millis((random >> 33) % 700)).await;
        server.signal("KILL");
        server.wait();
        let mut done = BTreeSet::new();
        for writer in writers {
            done.extend(writer.await.unwrap());
        }
        server = ServeProcess::start(&settings, data.path(), &[]);
        address = server.address();
        root = client(&address, as_root()).await;
        settled(&mut root).await;
        let of_round = format!(
            "SELECT f.path, f.sha256, e.state FROM stagedoor.exports e LEFT JOIN stagedoor.export_files f ON f.export_id = e.export_id WHERE e.target LIKE 'stage://s/{round}\\_%'"
        );
        let records = rows(&mut root, &of_round).await;
        let committed: BTreeMap<&str, &str> = records
            .iter()
            .filter(|row| row[2] == "COMMITTED")
            .map(|row| (row[0].as_str(), row[1].as_str()))
            .collect();
        for name in &done {
            assert!(
                committed.contains_key(name.as_str()),
                "{name} was acknowledged and is {records:?}"
            );
        }
        let expected: BTreeSet<String> = committed
            .keys()
            .flat_map(|name| [(*name).to_owned(), format!("{name}.manifest.json")])
            .collect();
        let there: BTreeSet<String> = place.objects(folder).await.into_iter().collect();
        assert_eq!(there, expected, "round {round}");
        for (name, sha256) in &committed {
            let digest: String = Sha256::digest(place.read(folder, name).await)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(digest, *sha256, "{name}");
        }
        assert_eq!(
            place.open_uploads(folder).await,
            Vec::<String>::new(),
            "round {round}"
        );
        acknowledged += done.len();
        hit += records.iter().filter(|row| row[2] != "COMMITTED").count();
        rows(
            &mut root,
            "REMOVE FILES FROM STAGE IF EXISTS 'stage://s/**'",
        )
        .await;
    }
    println!(
        "{} rounds: {acknowledged} exports acknowledged, {hit} killed and rolled back",
        rounds()
    );
    if rounds() >= 50 {
        assert!(
            acknowledged > 0 && hit > 0,
            "no export was hit, or none finished"
        );
    }
}

/// Waits until recovery is through with every export.
async fn settled(root: &mut Client) {
    let open =
        "SELECT COUNT(*) FROM stagedoor.exports WHERE state IN ('ADMITTED', 'RUNNING', 'PREPARED')";
    let deadline = Instant::now() + 2 * LONG;
    while rows(root, open).await[0][0] != "0" {
        assert!(Instant::now() < deadline, "recovery does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
