//! What goes wrong between the server and a store: each export is there whole and once, or not at all, and it leaves
//! nothing else, neither an upload nor a part nor a file.

use std::path::Path;
use std::time::{Duration, Instant};

use proto::v1;
use test_servers::{BUCKET, Fault, Oss, OssSettings, Proxy, SECRET};

use super::{Place, endpoints, server};
use crate::harness::{TestServer, execute, files};
use crate::internal_stages::{as_root, client, ok};
use crate::serve_process::{LONG, ServeProcess};

/// A step of an export, and what its request's head has.
const STEPS: [(&str, &str); 3] = [
    ("create", "?uploads"),
    ("part", "partNumber=1"),
    ("complete", "?uploadId="),
];

const SLOW_DOWN: &str = "HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: 42\r\nConnection: close\r\n\r\n<Error><Code>SlowDown</Code>      </Error>";

const FAILED: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/xml\r\nContent-Length: 41\r\nConnection: close\r\n\r\n<Error><Code>InternalError</Code></Error>";

/// What S3 says, and OSS reads too.
const EXPIRED: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/xml\r\nContent-Length: 40\r\nConnection: close\r\n\r\n<Error><Code>ExpiredToken</Code></Error>";

/// A hundred thousand bytes.
const ROWS: &str = "SELECT value, REPEAT('x', 100) AS x FROM generate_series(1, 1000)";

on_both!(a_fault_once_is_repaired_at_every_step, once);
on_both!(
    a_token_that_ends_fails_the_export_and_a_new_one_helps,
    expired
);
on_both!(a_connection_is_cut_at_any_byte, cut_anywhere);
on_both!(a_storm_ends_in_an_error_and_leaves_nothing, storm);
on_both!(cancelling_does_not_wait_for_a_store_that_hangs, hanging);
on_both!(an_export_given_up_in_an_outage_leaves_no_upload, given_up);
on_both!(what_never_began_is_not_looked_for, never_began);

/// A server with a stage `s` behind a proxy.
async fn behind(place: &Place, folder: &str) -> (TestServer, Proxy) {
    let proxy = Proxy::start(place.upstream());
    let server = server().await;
    server.ok(&place.behind(&proxy).create("s", folder)).await;
    (server, proxy)
}

async fn nothing_is_open(place: &Place, folder: &str) {
    assert_eq!(place.open_uploads(folder).await, Vec::<String>::new());
}

/// That one file is there, whole.
async fn is_whole(place: &Place, folder: &str, name: &str) {
    let body = place.read(folder, name).await;
    assert_eq!(body.lines().count(), 1001, "{name}");
    assert!(body.ends_with('\n'), "{name}");
}

async fn once(place: Place, folder: &str) {
    let (server, proxy) = behind(&place, folder).await;
    let mut names = Vec::new();
    for (step, needle) in STEPS {
        for (what, fault, times) in [
            ("before", Fault::CutBefore, 1),
            ("request", Fault::CutRequest, 1),
            ("answer", Fault::CutAnswer, 1),
            ("in_answer", Fault::CutInAnswer, 1),
            ("slow_down", Fault::Answer(SLOW_DOWN), 2),
        ] {
            let name = format!("{step}_{what}.csv");
            let before = proxy.fired();
            proxy.arm(needle, fault, times);
            server
                .ok(&format!("{ROWS} INTO OUTFILE 'stage://s/{name}'"))
                .await;
            assert_eq!(proxy.fired(), before + times, "{name}");
            proxy.disarm();
            is_whole(&place, folder, &name).await;
            names.push(name);
        }
    }
    names.sort();
    assert_eq!(place.objects(folder).await, names);
    let committed = server
        .ok("SELECT COUNT(*) FROM stagedoor.exports WHERE state = 'COMMITTED'")
        .await;
    assert_eq!(committed.cell(), names.len().to_string());
    // An answer to the beginning that is lost leaves an upload that nobody knows: it was looked for.
    nothing_is_open(&place, folder).await;
}

async fn cut_anywhere(place: Place, folder: &str) {
    let (server, proxy) = behind(&place, folder).await;
    let mut names = Vec::new();
    for at in [1, 7, 64, 333, 700, 1_500, 9_999, 64 << 10, 100_000] {
        let name = format!("at_{at}.csv");
        proxy.arm("partNumber=1", Fault::CutAt(at), 1);
        server
            .ok(&format!("{ROWS} INTO OUTFILE 'stage://s/{name}'"))
            .await;
        proxy.disarm();
        is_whole(&place, folder, &name).await;
        names.push(name);
    }
    assert!(proxy.fired() >= 9, "{} cuts", proxy.fired());
    for at in [1, 100, 400] {
        let name = format!("complete_at_{at}.csv");
        proxy.arm("?uploadId=", Fault::CutAt(at), 1);
        server
            .ok(&format!("{ROWS} INTO OUTFILE 'stage://s/{name}'"))
            .await;
        proxy.disarm();
        is_whole(&place, folder, &name).await;
        names.push(name);
    }
    names.sort();
    assert_eq!(place.objects(folder).await, names);
    nothing_is_open(&place, folder).await;
}

/// In the middle of an export the store takes its keys no more.
async fn expired(place: Place, folder: &str) {
    let (server, proxy) = behind(&place, folder).await;
    let before = proxy.fired();
    // The first part is there already.
    proxy.arm("partNumber=2", Fault::Answer(EXPIRED), 1000);
    let error = server
        .error("SELECT value, REPEAT('x', 1000) AS x FROM generate_series(1, 12000) INTO OUTFILE 'stage://s/a.csv' MANIFEST 'true'")
        .await;
    assert!(
        error.contains("stage 's': ") && error.contains("'aws_token' in the stage's CREDENTIALS"),
        "{error}"
    );
    assert!(!error.contains(SECRET), "{error}");
    // Asking again does not help, so it was not.
    assert_eq!(proxy.fired(), before + 1);
    proxy.disarm();
    assert_eq!(place.objects(folder).await, Vec::<String>::new());
    nothing_is_open(&place, folder).await;
    let state = server.ok("SELECT state FROM stagedoor.exports").await;
    assert_eq!(state.cell(), "FAILED");
    let renewed = format!(
        "ALTER STAGE s SET CREDENTIALS = {}",
        place.behind(&proxy).credentials(SECRET)
    );
    server.ok(&renewed).await;
    server
        .ok(&format!("{ROWS} INTO OUTFILE 'stage://s/a.csv'"))
        .await;
    is_whole(&place, folder, "a.csv").await;
    nothing_is_open(&place, folder).await;
}

async fn storm(place: Place, folder: &str) {
    let (server, proxy) = behind(&place, folder).await;
    for (step, needle) in &STEPS[..2] {
        proxy.arm(needle, Fault::Answer(SLOW_DOWN), 1000);
        let error = server
            .error(&format!("{ROWS} INTO OUTFILE 'stage://s/{step}.csv'"))
            .await;
        proxy.disarm();
        assert!(error.contains("too much to do; try later"), "{error}");
        nothing_is_open(&place, folder).await;
    }
    assert_eq!(place.objects(folder).await, Vec::<String>::new());
    let states = server
        .ok("SELECT DISTINCT state FROM stagedoor.exports")
        .await;
    assert_eq!(states.cell(), "FAILED");
    // When it is over, so is the trouble.
    server
        .ok(&format!("{ROWS} INTO OUTFILE 'stage://s/create.csv'"))
        .await;
    is_whole(&place, folder, "create.csv").await;
}

async fn hanging(place: Place, folder: &str) {
    let proxy = Proxy::start(place.upstream());
    let data = tempfile::tempdir().unwrap();
    let settings = format!("version = 1\n{}", endpoints());
    let mut server = ServeProcess::start(&settings, data.path(), &[]);
    let address = server.address();
    let mut root = client(&address, as_root()).await;
    ok(&mut root, &place.behind(&proxy).create("s", folder)).await;
    for (step, needle) in [("create", "?uploads"), ("part", "partNumber=")] {
        proxy.arm(needle, Fault::Hang, 1000);
        // Giving up the upload hangs, too.
        proxy.arm("?uploadId=", Fault::Hang, 1000);
        let before = proxy.fired();
        let mut exporter = client(&address, as_root()).await;
        let running = tokio::spawn(async move {
            let request = v1::ExecuteRequest {
                statement: format!(
                    "SELECT value, REPEAT('x', 1000) AS x FROM generate_series(1, 100000) INTO OUTFILE 'stage://s/{step}.csv'"
                ),
                ..Default::default()
            };
            execute(&mut exporter, request).await
        });
        // Until it waits for the store.
        let deadline = Instant::now() + LONG;
        while proxy.fired() == before {
            assert!(Instant::now() < deadline, "{step}: the store is not asked");
            assert!(!running.is_finished(), "{step}: it ended by itself");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let id = ok(
            &mut root,
            "SELECT export_id FROM stagedoor.exports WHERE state = 'RUNNING'",
        )
        .await
        .unwrap();
        let asked = Instant::now();
        ok(&mut root, &format!("CANCEL EXPORT '{id}'")).await;
        // A store is waited for a minute and more.
        assert!(asked.elapsed() < Duration::from_secs(20), "{step}");
        println!("{step}: cancelled in {:?}", asked.elapsed());
        let error = running.await.unwrap().unwrap_err();
        assert!(error.message().contains("was cancelled"), "{error:?}");
        let state = format!("SELECT state FROM stagedoor.exports WHERE export_id = '{id}'");
        assert_eq!(ok(&mut root, &state).await.as_deref(), Some("CANCELLED"));
        proxy.disarm();
    }
    assert_eq!(place.objects(folder).await, Vec::<String>::new());
    // What could not be removed then is removed by the next server, however this one ends.
    assert!(!files(&data.path().join("data/uploads")).is_empty());
    server.signal("KILL");
    server.wait();
    let mut server = ServeProcess::start(&settings, data.path(), &[]);
    server.address();
    nothing_is_left(&place, folder, data.path()).await;
}

/// Whether it is published nobody can tell; who gives it up is told so, and the upload goes when the store is back.
async fn given_up(place: Place, folder: &str) {
    let proxy = Proxy::start(place.upstream());
    let data = tempfile::tempdir().unwrap();
    let settings = format!("version = 1\n{}", endpoints());
    let mut server = ServeProcess::start(&settings, data.path(), &[]);
    let mut root = client(&server.address(), as_root()).await;
    ok(&mut root, &place.behind(&proxy).create("s", folder)).await;
    proxy.arm("?uploadId=", Fault::Answer(FAILED), 1000);
    let request = v1::ExecuteRequest {
        statement: format!("{ROWS} INTO OUTFILE 'stage://s/a.csv'"),
        ..Default::default()
    };
    let error = execute(&mut root, request).await.unwrap_err();
    assert!(error.message().contains("may have been done"), "{error:?}");
    proxy.disarm();
    proxy.arm("HTTP/1.1", Fault::CutBefore, 100_000);
    let prepared = "SELECT export_id FROM stagedoor.exports WHERE state = 'PREPARED'";
    let id = ok(&mut root, prepared).await.unwrap();
    let why = "SELECT error FROM stagedoor.exports WHERE state = 'PREPARED'";
    let why = ok(&mut root, why).await.unwrap();
    assert!(why.starts_with("waits, and is tried again: "), "{why}");
    // Recovery may just be at it.
    let deadline = Instant::now() + LONG;
    loop {
        let request = v1::ExecuteRequest {
            statement: format!("CANCEL EXPORT '{id}'"),
            ..Default::default()
        };
        match execute(&mut root, request).await {
            Ok(_) => break,
            Err(error) => assert!(
                error.message().contains("just being settled") && Instant::now() < deadline,
                "{error:?}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let state = ok(&mut root, "SELECT state FROM stagedoor.exports").await;
    assert_eq!(state.as_deref(), Some("FAILED"));
    assert!(!files(&data.path().join("data/uploads")).is_empty());
    assert_eq!(place.open_uploads(folder).await.len(), 1);
    proxy.disarm();
    server.signal("KILL");
    server.wait();
    let mut server = ServeProcess::start(&settings, data.path(), &[]);
    server.address();
    nothing_is_left(&place, folder, data.path()).await;
    assert_eq!(place.objects(folder).await, Vec::<String>::new());
}

/// Waits until no upload is open, and none on record: what the start does not get done goes on while the server runs.
async fn nothing_is_left(place: &Place, folder: &str, data: &Path) {
    let deadline = Instant::now() + LONG;
    loop {
        let (open, on_record) = (
            place.open_uploads(folder).await,
            files(&data.join("data/uploads")),
        );
        if open.is_empty() && on_record.is_empty() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "open: {open:?}, on record: {on_record:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The store says that there is no such bucket: nothing can be left there.
async fn never_began(place: Place, folder: &str) {
    let server = server().await;
    let create = place.create("s", folder);
    assert!(create.contains(BUCKET), "{create}");
    server
        .ok(&create.replace(BUCKET, "a-bucket-of-nobody"))
        .await;
    server
        .error(&format!("{ROWS} INTO OUTFILE 'stage://s/a.csv'"))
        .await;
    let left = files(&server.folder.path().join("data/uploads"));
    assert_eq!(left, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_not_what_was_sent_does_not_stay() {
    let folder = "corrupt";
    let oss = Oss::start(&OssSettings::default());
    let place = Place::of(&oss);
    let server = server().await;
    server.ok(&place.create("s", folder)).await;
    oss.corrupt();
    let error = server
        .error(&format!("{ROWS} INTO OUTFILE 'stage://s/a.csv'"))
        .await;
    assert!(
        error.contains(
            "an object 'a.csv' whose checksum is not that of the bytes sent; it was removed again"
        ),
        "{error}"
    );
    assert_eq!(place.objects(folder).await, Vec::<String>::new());
    nothing_is_open(&place, folder).await;
    let recorded = server
        .ok("SELECT state, error FROM stagedoor.exports")
        .await;
    let rows = recorded.rows();
    assert_eq!(rows[0][0], "FAILED");
    assert!(rows[0][1].contains("it was removed again"), "{rows:?}");

    // Who may not remove it is told that it is there.
    oss.corrupt();
    oss.fail("DeleteObject", 403, "AccessDenied", 1);
    let error = server
        .error(&format!("{ROWS} INTO OUTFILE 'stage://s/b.csv'"))
        .await;
    assert!(
        error.contains("'b.csv' whose checksum is not that of the bytes sent; it is there and could not be removed"),
        "{error}"
    );
    assert_eq!(place.objects(folder).await, ["b.csv"]);
    nothing_is_open(&place, folder).await;
}

/// The double completes it and says nothing; the server looks, and finds its own work.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_complete_is_no_second_file() {
    let folder = "lost_complete";
    let oss = Oss::start(&OssSettings::default());
    let place = Place::of(&oss);
    let server = server().await;
    server.ok(&place.create("s", folder)).await;
    oss.lose_answer("CompleteMultipartUpload", 1);
    server
        .ok(&format!("{ROWS} INTO OUTFILE 'stage://s/a.csv'"))
        .await;
    oss.fail("UploadPart", 503, "ServiceUnavailable", 2);
    server
        .ok(&format!("{ROWS} INTO OUTFILE 'stage://s/b.csv'"))
        .await;
    oss.fail("CompleteMultipartUpload", 409, "OperationAborted", 1);
    let error = server
        .error(&format!("{ROWS} INTO OUTFILE 'stage://s/c.csv'"))
        .await;
    assert!(error.contains("another write"), "{error}");
    assert_eq!(place.objects(folder).await, ["a.csv", "b.csv"]);
    for name in ["a.csv", "b.csv"] {
        is_whole(&place, folder, name).await;
    }
    nothing_is_open(&place, folder).await;
}
