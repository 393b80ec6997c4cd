//! Exports of every shape, killed with SIGKILL again and again: in the middle of writing, and of publication. Afterwards
//! each is there whole, with the digests on record, or not at all, and nothing else is there. What is there, somebody
//! else says, who knows nothing of the server.
//! `STAGEDOOR_CRASH_ROUNDS` says how often; without it a few times, for each round starts a server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use proto::v1;
use proto::v1::sql_service_client::SqlServiceClient;
use sha2::{Digest, Sha256};
use tonic::Code;

use crate::harness::{Wire, execute, files};
use crate::internal_stages::{as_root, client};
use crate::serve_process::{LONG, ServeProcess};

const ROUNDS: u64 = 4;
/// A full run, of which it is demanded that kills have hit what they aim at.
const FULL: u64 = 50;

/// The recipient that age's own documentation has as its example.
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

type Shape = (&'static str, u32, &'static str, &'static str);

/// What an export is called, how many rows it has, what stands behind its name in the target, and its options.
const SHAPES: [Shape; 7] = [
    ("small", 300, ".csv", ""),
    // More than a part of an upload holds.
    ("long", 120_000, ".csv", ""),
    ("split", 30_000, "/x_%03d.csv", "SPLITSIZE '300K'"),
    ("partitioned", 30_000, "/x.csv", "PARTITION BY (p)"),
    ("compressed", 60_000, ".csv.gz", "COMPRESSION 'gzip'"),
    ("encrypted", 90_000, ".csv.age", "ENCRYPT TO"),
    (
        "all",
        30_000,
        "/x_%d.csv.zst.age",
        "PARTITION BY (p) SPLITSIZE '100K' ENCRYPT TO",
    ),
];

fn rounds() -> u64 {
    std::env::var("STAGEDOOR_CRASH_ROUNDS")
        .ok()
        .map_or(ROUNDS, |rounds| {
            rounds.parse().expect("STAGEDOOR_CRASH_ROUNDS is a number")
        })
}

/// What is in a place, as somebody else sees it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Every file's SHA-256 by its path.
    pub(crate) sha256: BTreeMap<String, String>,
    /// The texts of those that are manifests.
    pub(crate) manifests: BTreeMap<String, String>,
    /// What exports must not leave: drafts, open uploads.
    pub(crate) left: Vec<String>,
}

pub(crate) fn is_manifest(path: &str) -> bool {
    path.ends_with("manifest.json")
}

/// A place that exports go to.
pub(crate) trait Place {
    /// Settings of a server that may use it.
    fn settings(&self) -> String;
    /// Creates the stage `s` on it.
    fn create(&self) -> String;
    /// What is there, looked at past the server.
    fn seen(&self) -> Seen;
}

struct Folder(PathBuf);

impl Place for Folder {
    fn settings(&self) -> String {
        String::new()
    }

    fn create(&self) -> String {
        format!("CREATE STAGE s URL = '{}'", self.0.display())
    }

    fn seen(&self) -> Seen {
        let mut seen = Seen::default();
        for path in files(&self.0) {
            if path.starts_with(".stagedoor") {
                seen.left.push(path);
                continue;
            }
            let bytes = std::fs::read(self.0.join(&path)).unwrap();
            let digest = Sha256::digest(&bytes);
            let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            if is_manifest(&path) {
                let text = String::from_utf8(bytes).unwrap();
                seen.manifests.insert(path.clone(), text);
            }
            seen.sha256.insert(path, digest);
        }
        if self.0.join(".stagedoor").exists() {
            seen.left.push(".stagedoor".to_owned());
        }
        seen
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_leaves_an_export_whole_or_nothing() {
    let out = tempfile::tempdir().unwrap();
    killed(&Folder(out.path().to_owned())).await;
}

type Client = SqlServiceClient<Wire>;

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

/// Exports one shape after the other until the server dies. Gives the targets that were acknowledged.
async fn export(mut client: Client, shapes: Vec<Shape>, round: u64, writer: u64) -> Vec<String> {
    let mut done = Vec::new();
    for n in 0_u64.. {
        let at = (round + 3 * writer + n) % shapes.len() as u64;
        let (shape, count, suffix, options) = shapes[usize::try_from(at).unwrap()];
        let target = format!("stage://s/{round}-{writer}-{n}-{shape}{suffix}");
        let options = options.replace("ENCRYPT TO", &format!("ENCRYPT TO '{RECIPIENT}'"));
        // Texts that no compression makes short.
        let statement = format!(
            "SELECT value, MOD(value, 5) AS p, CONCAT(MD5(value), MD5(value + 1), MD5(value + 2)) AS x \
             FROM generate_series(1, {count}) INTO OUTFILE '{target}' MANIFEST 'true' {options}"
        );
        let request = v1::ExecuteRequest {
            statement: statement.clone(),
            ..Default::default()
        };
        match execute(&mut client, request).await {
            Ok(_) => done.push(target),
            Err(status) => {
                // The server is gone; a refusal would be a mistake of this test.
                let refused = [
                    Code::InvalidArgument,
                    Code::FailedPrecondition,
                    Code::AlreadyExists,
                    Code::Unimplemented,
                ];
                assert!(!refused.contains(&status.code()), "{statement}: {status:?}");
                break;
            }
        }
    }
    done
}

/// Waits until something is true of the exports of the round, or for so long.
async fn until(root: &mut Client, round: u64, condition: &str, longest: Duration) -> bool {
    let deadline = Instant::now() + longest;
    let asked = format!(
        "SELECT COUNT(*) FROM stagedoor.exports WHERE target LIKE 'stage://s/{round}-%' AND {condition}"
    );
    while rows(root, &asked).await[0][0] == "0" {
        if Instant::now() > deadline {
            return false;
        }
    }
    true
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

/// What became of the exports that a kill met: of each shape how many.
#[derive(Default)]
struct Tally {
    acknowledged: u32,
    /// Committed, and nobody was told.
    forward: u32,
    /// Neither committed nor there.
    back: u32,
}

/// The rounds, on any place.
pub(crate) async fn killed(place: &impl Place) {
    let data = tempfile::tempdir().unwrap();
    let settings = format!("version = 1\n{}", place.settings());
    let mut server = ServeProcess::start(&settings, data.path(), &[]);
    let mut address = server.address();
    let mut root = client(&address, as_root()).await;
    rows(&mut root, &place.create()).await;
    let mut random = 0x5DEE_CE66_u64;
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let shapes = SHAPES.to_vec();
    for round in 0..rounds() {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let writers: Vec<_> = [0, 1]
            .map(|writer| {
                let (address, shapes) = (address.clone(), shapes.clone());
                tokio::spawn(async move {
                    export(client(&address, as_root()).await, shapes, round, writer).await
                })
            })
            .into();
        assert!(
            until(&mut root, round, "true", LONG).await,
            "no export begins"
        );
        // In turns anywhere, and while something is published; there too for a while of its own.
        let within_ms = match round % 2 {
            0 => 700,
            _ => {
                until(&mut root, round, "state = 'PREPARED'", LONG).await;
                12
            }
        };
        tokio::time::sleep(Duration::from_millis((random >> 33) % within_ms)).await;
        server.signal("KILL");
        server.wait();
        let mut acknowledged = BTreeSet::new();
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
        server = ServeProcess::start(&settings, data.path(), &[]);
        address = server.address();
        root = client(&address, as_root()).await;
        settled(&mut root).await;
        check(&mut root, place, round, &acknowledged, &mut tallies).await;
        let all = "REMOVE FILES FROM STAGE IF EXISTS 'stage://s/**'";
        rows(&mut root, all).await;
    }
    report(&tallies);
}

/// That the place has the committed exports of the round, all of each, and nothing else.
async fn check(
    root: &mut Client,
    place: &impl Place,
    round: u64,
    acknowledged: &BTreeSet<String>,
    tallies: &mut BTreeMap<&'static str, Tally>,
) {
    let of_round = format!("e.target LIKE 'stage://s/{round}-%'");
    let exports =
        format!("SELECT e.export_id, e.target, e.state FROM stagedoor.exports e WHERE {of_round}");
    let mut committed = BTreeSet::new();
    for row in rows(root, &exports).await {
        let (id, target, state) = (&row[0], &row[1], &row[2]);
        let (shape, ..) = SHAPES
            .into_iter()
            .find(|(shape, ..)| target.contains(&format!("-{shape}")))
            .unwrap();
        let tally = tallies.entry(shape).or_default();
        match (state == "COMMITTED", acknowledged.contains(target)) {
            (true, true) => tally.acknowledged += 1,
            (true, false) => tally.forward += 1,
            (false, true) => panic!("round {round}: {target} was acknowledged and is {state}"),
            (false, false) => tally.back += 1,
        }
        if state == "COMMITTED" {
            committed.insert(id.clone());
            let verified = rows(root, &format!("VERIFY EXPORT '{id}'")).await;
            assert!(
                !verified.is_empty() && verified.iter().all(|row| row[3] == "OK"),
                "round {round}: {verified:?}"
            );
        }
    }
    let query = format!(
        "SELECT f.path, f.sha256 FROM stagedoor.export_files f JOIN stagedoor.exports e \
         ON f.export_id = e.export_id WHERE e.state = 'COMMITTED' AND {of_round}"
    );
    let recorded = rows(root, &query).await.into_iter();
    let recorded: BTreeMap<String, String> = recorded
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let mut seen = place.seen();
    assert_eq!(seen.left, Vec::<String>::new(), "round {round}");
    seen.sha256.retain(|path, _| !is_manifest(path));
    assert_eq!(seen.sha256, recorded, "round {round}");
    let mut told: Vec<String> = seen
        .manifests
        .values()
        .map(|text| {
            let manifest: serde_json::Value = serde_json::from_str(text).unwrap();
            manifest["export_id"].as_str().unwrap().to_owned()
        })
        .collect();
    told.sort();
    assert!(
        told.iter().eq(&committed),
        "round {round}: {told:?} {committed:?}"
    );
}

fn report(tallies: &BTreeMap<&str, Tally>) {
    let sum = |of: fn(&Tally) -> u32| tallies.values().map(of).sum::<u32>();
    let line = |what: &str, done: u32, forward: u32, back: u32| {
        println!(
            "{what:<12} {done:5} acknowledged {forward:5} rolled forward {back:5} rolled back"
        );
    };
    println!("{} kills", rounds());
    for (shape, tally) in tallies {
        line(shape, tally.acknowledged, tally.forward, tally.back);
    }
    let (done, forward, back) = (
        sum(|tally| tally.acknowledged),
        sum(|tally| tally.forward),
        sum(|tally| tally.back),
    );
    line("together", done, forward, back);
    if rounds() >= FULL {
        assert!(
            done > 0 && forward > 0 && back > 0,
            "no export ended, or none was hit while it was written, or none while it was published"
        );
    }
}
