//! The process is killed at random moments: every change that was acknowledged is there, and at most
//! the one in flight besides.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use stagedoor_catalog::{Catalog, Expected, OnExists};

use crate::fixture::{at, open, options, root, set_comment};

const DIRECTORY: &str = "STAGEDOOR_CATALOG_TEST_DIRECTORY";

/// Changes one stage after another until it is killed, and tells of each change once it is answered.
#[test]
#[ignore = "the child process of the test below"]
fn child() {
    let dir = std::env::var_os(DIRECTORY).unwrap();
    // Compaction again and again, so that some kills happen in it.
    let options = stagedoor_catalog::Options {
        compact_bytes_min: 20_000,
        compact_ratio_min: 1,
        ..options()
    };
    let catalog = Catalog::open(Path::new(&dir), options).unwrap();
    let mut out = std::io::stdout().lock();
    for number in 0_u64.. {
        let name = format!("s{}", number % 7);
        let record = match catalog.stage("sys", &name).unwrap() {
            None => {
                catalog
                    .create_stage(&root(), &name, at("/tmp"), OnExists::Error, Expected::Any)
                    .unwrap()
                    .record
            }
            Some(stage) if stage.version % 11 == 10 => {
                catalog
                    .drop_stage(&root(), &name, Expected::Version(stage.version), false)
                    .unwrap();
                catalog.undrop_stage(&root(), &name, Expected::Any).unwrap()
            }
            Some(stage) => {
                let change = set_comment(format!("version {}", stage.version + 1));
                catalog
                    .alter_stage(&root(), &name, change, Expected::Version(stage.version))
                    .unwrap()
                    .record
            }
        };
        writeln!(
            out,
            "\nacknowledged {} {} {}",
            record.name,
            record.version,
            catalog.last_seq()
        )
        .unwrap();
        out.flush().unwrap();
    }
}

/// One acknowledged change: stage, version, journal number.
type Acknowledged = (String, u64, u64);

/// When a child is killed.
enum Kill {
    /// So long after its start: in its opening, mostly.
    AfterStart(Duration),
    /// So long after so many changes.
    AfterChanges(usize, Duration),
}

fn parse(line: &str) -> Option<Acknowledged> {
    match line.split(' ').collect::<Vec<_>>()[..] {
        ["acknowledged", name, version, seq] => {
            Some((name.to_owned(), version.parse().ok()?, seq.parse().ok()?))
        }
        _ => None,
    }
}

fn killed_child(dir: &Path, kill: &Kill) -> Vec<Acknowledged> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "crash::child",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIRECTORY, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (sender, receiver) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut line = String::new();
        // A line that the kill has cut short has no end, and is not taken for a number.
        while out.read_line(&mut line).is_ok_and(|bytes| bytes > 0) && line.ends_with('\n') {
            if let Some(acknowledged) = parse(line.trim_end()) {
                sender.send(acknowledged).unwrap();
            }
            line.clear();
        }
    });
    let mut acknowledged = Vec::new();
    let delay = match *kill {
        Kill::AfterStart(delay) => delay,
        Kill::AfterChanges(count, delay) => {
            for _ in 0..count {
                acknowledged.push(receiver.recv_timeout(Duration::from_secs(60)).unwrap());
            }
            delay
        }
    };
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    acknowledged.extend(receiver);
    acknowledged
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0_u32..30 {
        let kill = match round % 3 {
            0 => Kill::AfterStart(Duration::from_millis(u64::from(round) * 3)),
            _ => Kill::AfterChanges(
                (round * 7 % 40) as usize,
                Duration::from_micros(u64::from(round) * 131 % 3000),
            ),
        };
        let acknowledged = killed_child(dir.path(), &kill);
        let catalog = open(dir.path());
        assert_eq!(catalog.recovery().ahead, 0, "round {round}");
        let last_seq = acknowledged
            .iter()
            .map(|(_, _, seq)| *seq)
            .max()
            .unwrap_or(0);
        assert!(catalog.last_seq() >= last_seq, "round {round}");
        // A stage can be dropped at the kill, and then the next child makes another of its name; so
        // versions are looked for by name right after the kill only.
        for (name, version, _) in &acknowledged {
            let record = catalog.stage_at("sys", name, *version).unwrap();
            assert!(
                record.is_some(),
                "round {round}: version {version} of {name} is gone"
            );
        }
        for stage in catalog.stages("sys").unwrap() {
            let history = catalog.stage_history("sys", &stage.name).unwrap();
            let versions: Vec<u64> = history.iter().map(|r| r.version).collect();
            assert_eq!(
                versions,
                (1..=stage.version).collect::<Vec<_>>(),
                "round {round}"
            );
            assert_eq!(history.last(), Some(&stage));
        }
    }
}
