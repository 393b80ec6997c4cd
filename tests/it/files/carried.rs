//! Downloads and uploads: whole or not at all, verified, and nothing left of what broke off.

use std::time::{Duration, Instant};

use proto::v1;

use super::{begin_upload, bytes, download, header, sha256, upload};
use crate::harness::{Serving, TestServer, error_line, files};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_in_and_comes_out_as_it_is() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server.ok("CREATE STAGE own").await;
    server.ok("CREATE STAGE sub URL = 'stage://s/sub/'").await;
    let body = bytes(5_000_001);
    for stage in ["s", "own", "sub"] {
        for (name, body) in [("d/file.bin", &body[..]), ("empty", b"")] {
            let sent = v1::UploadFileHeader {
                size_bytes: Some(body.len() as u64),
                sha256: sha256(body).to_uppercase(),
                ..header(stage, name)
            };
            let stored = upload(&server.channel, sent, body).await.unwrap();
            assert_eq!(stored.sha256, sha256(body));
            let file = stored.file.unwrap();
            assert_eq!(
                (file.path.as_str(), file.size_bytes),
                (name, body.len() as u64)
            );
            let whole = download(&server.channel, stage, name, 0, "").await.unwrap();
            assert!(whole.bytes == body, "{stage}/{name}");
            assert_eq!(whole.sha256, sha256(body));
            assert_eq!(whole.file.etag, file.etag);
            assert!(!file.etag.is_empty());
        }
        // What is there already is not sent again; the checksum is the whole file's.
        let listed = download(&server.channel, stage, "d/file.bin", 0, "")
            .await
            .unwrap();
        for offset in [1, 2_500_000, 5_000_000, 5_000_001] {
            let rest = download(
                &server.channel,
                stage,
                "d/file.bin",
                offset,
                &listed.file.etag,
            )
            .await
            .unwrap();
            assert!(rest.bytes == body[offset as usize..], "from {offset}");
            assert_eq!(rest.sha256, sha256(&body));
        }
    }
    assert_eq!(
        files(&dir),
        ["d/file.bin", "empty", "sub/d/file.bin", "sub/empty"]
    );
    // Nothing is on record as unfinished.
    assert_eq!(files(&server.folder.path().join("data/uploads")), [""; 0]);
    let audit = server
        .ok("SELECT COUNT(*) FROM stagedoor.audit WHERE operation IN ('UPLOAD FILE', 'DOWNLOAD FILE') AND outcome = 'done'")
        .await;
    assert_eq!(audit.cell(), "27");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_downloads_are_refused() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    std::fs::write(dir.join("a"), "first").unwrap();
    let first = download(&server.channel, "s", "a", 0, "").await.unwrap();
    std::fs::write(dir.join("a"), "second").unwrap();
    std::fs::create_dir(dir.join("d")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.join("link")).unwrap();
    for (path, offset, etag, error) in [
        ("a", 2, first.file.etag.as_str(), "is not the file any more"),
        ("a", 7, "", "behind the end"),
        ("none", 0, "", "file none is not found"),
        ("d", 0, "", "not a file"),
        ("link", 0, "", "symbolic link"),
        ("../s/a", 0, "", "'..'"),
        ("", 0, "", "empty"),
        ("*", 0, "", "is not found"),
    ] {
        let refused = download(&server.channel, "s", path, offset, etag).await;
        let found = error_line(&refused.expect_err(path));
        assert!(found.contains(error), "{path}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_uploads_leave_nothing() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    std::fs::write(dir.join("old"), "old").unwrap();
    std::fs::create_dir(dir.join("d")).unwrap();
    let wrong_sum = v1::UploadFileHeader {
        sha256: sha256(b"other"),
        ..header("s", "new")
    };
    let wrong_size = v1::UploadFileHeader {
        size_bytes: Some(5),
        ..header("s", "new")
    };
    let over = v1::UploadFileHeader {
        overwrite: true,
        sha256: sha256(b"other"),
        ..header("s", "old")
    };
    let over_folder = v1::UploadFileHeader {
        overwrite: true,
        ..header("s", "d")
    };
    for (sent, error) in [
        (wrong_sum, "was to have SHA-256"),
        (wrong_size, "was to have 5 bytes, and 4 were received"),
        (over, "was to have SHA-256"),
        (
            header("s", "old"),
            "ERROR 20406 (HY000): file old already exists",
        ),
        (header("s", "d"), "file d already exists"),
        (over_folder, "not a file"),
        (header("s", "../x"), "'..'"),
        (header("s", "/etc/x/../y"), "'..'"),
        (header("s", ".stagedoor/x"), "reserved"),
        (header("s", ""), "empty"),
        (
            header("none", "x"),
            "stage 'none' is not exists, please check",
        ),
    ] {
        let refused = upload(&server.channel, sent.clone(), b"body").await;
        let found = error_line(&refused.expect_err(&sent.path));
        assert!(found.contains(error), "{}: {found}", sent.path);
    }
    assert_eq!(files(&dir), ["old"]);
    assert_eq!(std::fs::read(dir.join("old")).unwrap(), b"old");
    let over = v1::UploadFileHeader {
        overwrite: true,
        ..header("s", "old")
    };
    upload(&server.channel, over, b"new").await.unwrap();
    assert_eq!(std::fs::read(dir.join("old")).unwrap(), b"new");
}

/// Waits until a condition holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(120), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_ends_early_leaves_nothing() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let sending = begin_upload(&server.channel, header("s", "cut.bin"), bytes(3_000_000)).await;
    until("nothing arrives", || !files(&dir).is_empty()).await;
    assert_eq!(files(&server.folder.path().join("data/uploads")).len(), 1);
    drop(sending);
    until("the draft stays", || files(&dir).is_empty()).await;
    let uploads = server.folder.path().join("data/uploads");
    until("the record stays", || files(&uploads).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_removes_what_is_left_of_uploads() {
    let folder = tempfile::tempdir().unwrap();
    let (data, dir) = (folder.path().join("data"), folder.path().join("s"));
    std::fs::create_dir(&dir).unwrap();
    let mut serving = Serving::start(&data);
    let wire = serving.connect().await;
    let create = v1::CreateStageRequest {
        stage_id: "s".to_owned(),
        stage: Some(v1::Stage {
            url: format!("file://{}", dir.display()),
            ..Default::default()
        }),
        ..Default::default()
    };
    v1::stage_service_client::StageServiceClient::new(wire.clone())
        .create_stage(create)
        .await
        .unwrap();
    let sending = begin_upload(&wire, header("s", "cut.bin"), bytes(3_000_000)).await;
    until("nothing arrives", || !files(&dir).is_empty()).await;
    serving.kill();
    drop(sending);
    assert!(!files(&dir).is_empty());
    let serving = Serving::start(&data);
    serving.connect().await;
    until("the draft stays", || files(&dir).is_empty()).await;
    until("the record stays", || {
        files(&data.join("uploads")).is_empty()
    })
    .await;
}

/// Rights and rules are those of the stage that a file goes to, and of no other of its name.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_does_not_end_in_a_stage_that_is_no_more() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let (more, parts) = futures::channel::mpsc::unbounded();
    more.unbounded_send(super::part(super::Part::Header(header("s", "a.csv"))))
        .unwrap();
    more.unbounded_send(super::part(super::Part::Chunk(b"a\n".to_vec())))
        .unwrap();
    let mut client = super::client(&server.channel);
    let sending = tokio::spawn(async move { client.upload_file(parts).await });
    until("nothing arrives", || !files(&dir).is_empty()).await;
    server.ok("DROP STAGE s").await;
    let other = server.dir("other");
    server
        .ok(&format!(
            "CREATE STAGE s URL = 'file://{}'",
            other.display()
        ))
        .await;
    drop(more);
    let error = error_line(&sending.await.unwrap().unwrap_err());
    assert!(error.contains("stage 's' is another one now"), "{error}");
    until("the draft stays", || files(&dir).is_empty()).await;
    assert_eq!(files(&other), [""; 0]);
    // What nobody counts may not come.
    server
        .ok("ALTER STAGE s SET POLICY = {'max_rows' = 1}")
        .await;
    let error = upload(&server.channel, header("s", "a.csv"), b"a\n").await;
    let error = error_line(&error.unwrap_err());
    assert!(
        error.contains("by INTO OUTFILE alone (policy max_rows)"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn get_and_put_are_the_clients() {
    let server = TestServer::start().await;
    server.stage("s").await;
    for (statement, command) in [
        ("GET 'stage://s/a' 'file:///tmp'", "stagedoor file get"),
        ("PUT 'file:///tmp/a' 'stage://s/'", "stagedoor file put"),
    ] {
        let error = server.error(statement).await;
        assert!(error.contains("carried out by the client"), "{error}");
        assert!(error.contains(command), "{error}");
    }
    let request = v1::ExecuteRequest {
        statement: "PUT 'file:///tmp/a*' 'stage://S/in' OVERWRITE TRUE".to_owned(),
        carries_files: true,
        ..Default::default()
    };
    let answer = crate::harness::execute(&mut server.sql(), request)
        .await
        .unwrap();
    let transfer = answer.result.transfer.unwrap();
    assert_eq!(transfer.direction(), v1::FileTransferDirection::Put);
    assert_eq!(
        (
            transfer.parent.as_str(),
            transfer.path.as_str(),
            transfer.local_path.as_str()
        ),
        ("stages/s", "in", "/tmp/a*")
    );
    assert!(transfer.overwrite);
}
