//! Clients that take or send nothing any more in the middle: what they hold is bounded, and given back.

use std::time::{Duration, Instant};

use super::is_quiet;
use super::raw::Raw;
use crate::harness::{ROOT_PASSWORD, files};
use crate::serve_process::{LONG, ServeProcess};
use crate::wires::{Told, Wires};

/// What a reader that stops may cost at the most. The result below has forty thousand times that.
const STALLED_BYTES_MAX: u64 = 256 << 20;

/// A process's memory, in bytes, and the time that it has run, in ticks.
fn used(process: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name before may hold anything but a closing bracket.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| fields[at].parse::<u64>().unwrap();
    (kib.parse::<u64>().unwrap() << 10, ticks(11) + ticks(12))
}

#[test]
fn a_reader_that_stops_holds_little_and_others_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--mysql-listen", "127.0.0.1:0"];
    let mut server = ServeProcess::start("", folder.path(), &args);
    let line = server.wait_for("for clients of MySQL, on ");
    let mysql = line.rsplit(' ').next().unwrap().trim().parse().unwrap();
    let mut other = Raw::login(mysql, "root", ROOT_PASSWORD);
    let select = [&[3][..], b"SELECT 1"].concat();
    assert_eq!(other.rows(&select).len(), 1);
    let (before, _) = used(server.id());

    // 10^10 rows of a kilobyte.
    let endless = "SELECT repeat('x', 1000) FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b";
    let mut slow = Raw::login(mysql, "root", ROOT_PASSWORD);
    slow.send(&[&[3][..], endless.as_bytes()].concat());
    // Its columns and first rows are here: it runs. No more of it is read.
    for _ in 0..4 {
        slow.packet().expect("a packet");
    }
    // Until it has come to rest, or takes too much.
    let deadline = Instant::now() + LONG;
    let (mut ticks_before, mut at_rest) = (0, 0);
    let held = loop {
        std::thread::sleep(Duration::from_millis(100));
        let (bytes, ticks) = used(server.id());
        let held = bytes.saturating_sub(before);
        at_rest = match ticks == ticks_before {
            true => at_rest + 1,
            false => 0,
        };
        if at_rest == 5 || held > STALLED_BYTES_MAX || Instant::now() > deadline {
            break held;
        }
        assert_eq!(other.rows(&select).len(), 1);
        ticks_before = used(server.id()).1;
    };
    assert!(held <= STALLED_BYTES_MAX, "{held} bytes are held for it");
    assert_eq!(other.rows(&select).len(), 1);
    drop(slow);
    server.signal("TERM");
    assert!(server.wait().success(), "{}", server.read.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stalls_with_its_file_is_sent_away() {
    let wires = Wires::open(|settings| {
        settings.mysql.local_file_stall_s = 5;
        settings.limits.concurrent_transfers_max = 1;
        settings.limits.concurrent_transfers_account_max = 1;
    })
    .await;
    let mut client = wires.grpc().await;
    client.ok("CREATE TABLE t (i INT)").await;
    let received = wires.folder.path().join("data/received");
    let address = wires.mysql;
    let load = [&[3][..], b"LOAD DATA LOCAL INFILE 'x.csv' INTO TABLE t"].concat();
    let asked = load.clone();
    let stalled = tokio::task::spawn_blocking(move || {
        let mut raw = Raw::login(address, "root", ROOT_PASSWORD);
        raw.send(&asked);
        assert_eq!(
            raw.packet().unwrap(),
            b"\xfbx.csv",
            "it is asked for the file"
        );
        raw.put(b"1\n2\n");
        // And nothing more.
        assert_eq!(raw.told(), (1159, "08S01".to_owned()));
        assert!(raw.is_closed());
    });
    stalled.await.unwrap();
    is_quiet(&mut client, 1).await;
    assert_eq!(files(&received), [] as [&str; 0]);

    // Its turn is free, and of its file there is nothing.
    let loaded = tokio::task::spawn_blocking(move || {
        let mut raw = Raw::login(address, "root", ROOT_PASSWORD);
        raw.send(&load);
        assert_eq!(raw.packet().unwrap()[0], 0xfb);
        raw.put(b"3\n");
        raw.put(b"");
        let answer = raw.packet().expect("an answer");
        assert_eq!(answer[..2], [0, 1], "one row: {answer:?}");
    });
    loaded.await.unwrap();
    let Told::Rows(table) = client.ok("SELECT i FROM t").await else {
        panic!("no rows");
    };
    assert_eq!(table.rows, [["3"]]);
    drop(client);
    wires.close().await;
}
