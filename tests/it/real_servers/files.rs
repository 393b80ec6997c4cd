//! The files of stages on object storages: sent, fetched, removed, and reached by anyone with a presigned URL.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proto::v1;
use test_servers::fetch;

use super::{Place, server};
use crate::files::{begin_upload, bytes, client, download, header, sha256, upload};

on_both!(files_go_in_and_out_and_away, files);
on_both!(an_upload_that_ends_early_leaves_no_part, broken_off);
on_both!(presigned_urls_are_for_anyone, presigned);

pub(super) async fn files(place: Place, folder: &str) {
    let server = server().await;
    server.ok(&place.create("s", folder)).await;
    let body = bytes(11_000_003);
    for (name, body) in [("in/a b+.bin", &body[..]), ("in/empty", b"")] {
        let sent = v1::UploadFileHeader {
            sha256: sha256(body),
            ..header("s", name)
        };
        let stored = upload(&server.channel, sent.clone(), body).await.unwrap();
        let etag = stored.file.unwrap().etag;
        let whole = download(&server.channel, "s", name, 0, "").await.unwrap();
        assert!(whole.bytes == body, "{name}");
        assert_eq!((whole.sha256, &whole.file.etag), (sha256(body), &etag));
        let again = upload(&server.channel, sent, body).await.unwrap_err();
        assert!(again.message().contains("already exists"), "{again}");
    }
    let listed = server.ok("LIST 'stage://s/in'").await;
    let etag = listed.rows()[0][3].clone();
    let rest = download(&server.channel, "s", "in/a b+.bin", 11_000_000, &etag);
    assert_eq!(rest.await.unwrap().bytes, body[11_000_000..]);
    let wrong = v1::UploadFileHeader {
        sha256: sha256(b"other"),
        ..header("s", "in/wrong")
    };
    let refused = upload(&server.channel, wrong, &body).await.unwrap_err();
    assert!(refused.message().contains("SHA-256"), "{refused}");
    assert_eq!(place.objects(folder).await, ["in/a b+.bin", "in/empty"]);

    // Pages, from behind the last file on.
    for n in 0..5 {
        server
            .ok(&format!(
                "SELECT {n} AS n INTO OUTFILE 'stage://s/many/{n}.csv'"
            ))
            .await;
    }
    let mut request = v1::ListFilesRequest {
        parent: "stages/s".to_owned(),
        page_size: 2,
        ..Default::default()
    };
    let mut paths = Vec::new();
    loop {
        let page = client(&server.channel).list_files(request.clone()).await;
        let page = page.unwrap().into_inner();
        paths.extend(page.files.into_iter().map(|file| file.path));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    paths.sort();
    assert_eq!(paths, place.objects(folder).await);
    let sum = server
        .ok("SELECT COUNT(*) FROM stage_list('stage://s/many/*.csv') WHERE size = 4")
        .await;
    assert_eq!(sum.cell(), "5");
    let text = server
        .ok("SELECT CAST(load_file('stage://s/many/3.csv?offset=2') AS CHAR) AS t")
        .await;
    assert_eq!(text.cell(), "3\n");

    let removed = server
        .ok("REMOVE FILES FROM STAGE 'stage://s/many/*'")
        .await;
    assert_eq!(removed.result.affected_rows, 5);
    server
        .ok("REMOVE FILES FROM STAGE 'stage://s/in/a b+.bin'")
        .await;
    assert_eq!(place.objects(folder).await, ["in/empty"]);
    let error = server
        .error("REMOVE FILES FROM STAGE 'stage://s/many/*'")
        .await;
    assert_eq!(error, "ERROR 20405 (HY000): file many/* is not found");
    assert_eq!(place.open_uploads(folder).await, Vec::<String>::new());
}

async fn broken_off(place: Place, folder: &str) {
    let server = server().await;
    server.ok(&place.create("s", folder)).await;
    let uploads = server.folder.path().join("data/uploads");
    let on_record = || crate::harness::files(&uploads).len();
    let sending = begin_upload(&server.channel, header("s", "cut.bin"), bytes(20_000_000)).await;
    let begun = Instant::now();
    while place.open_uploads(folder).await.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing arrives");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(on_record() > 0);
    drop(sending);
    while on_record() > 0 || !place.open_uploads(folder).await.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(place.objects(folder).await, Vec::<String>::new());
}

async fn presigned(place: Place, folder: &str) {
    let server = server().await;
    server.ok(&place.create("s", folder)).await;
    let urls = async |statement: &str| {
        let rows = server.ok(statement).await.rows();
        let headers: BTreeMap<String, String> = serde_json::from_str(&rows[0][2]).unwrap();
        let headers: Vec<_> = headers.into_iter().collect();
        (rows[0][0].clone(), rows[0][1].clone(), headers)
    };
    let (method, url, headers) = urls("PRESIGN UPLOAD 'stage://s/d/a b.csv' EXPIRE = 60").await;
    assert_eq!(method, "PUT");
    assert_eq!(fetch(&method, &url, &headers, b"by anyone").status, 200);
    assert_eq!(place.read(folder, "d/a b.csv").await, "by anyone");
    let (method, url, headers) = urls("PRESIGN 'stage://s/d/a b.csv'").await;
    assert_eq!(method, "GET");
    let got = fetch(&method, &url, &headers, b"");
    assert_eq!((got.status, &got.body[..]), (200, &b"by anyone"[..]));
    assert_eq!(fetch("PUT", &url, &headers, b"x").status, 403);
    let error = server.error("PRESIGN 'stage://s/none'").await;
    assert_eq!(error, "ERROR 20405 (HY000): file none is not found");
    let record = server
        .ok("SELECT reason FROM stagedoor.audit WHERE operation = 'PRESIGN UPLOAD'")
        .await;
    assert_eq!(record.cell(), "good for 60 s");
    // A URL keeps no policy: what it cannot keep gives none.
    for (policy, wanted) in [
        ("'max_bytes' = '1K'", "policy max_bytes"),
        ("'formats' = 'parquet'", "policy formats"),
        ("'require_manifest' = 'true'", "policy require_manifest"),
        ("'expires' = '2020-01-01'", "policy expires"),
    ] {
        server
            .ok(&format!("ALTER STAGE s SET POLICY = {{{policy}}}"))
            .await;
        let refused = server.error("PRESIGN UPLOAD 'stage://s/x.csv'").await;
        assert!(refused.contains(wanted), "{policy}: {refused}");
    }
    let audited = server
        .ok("SELECT count(*) FROM stagedoor.audit WHERE outcome = 'refused' AND reason LIKE '%(policy %'")
        .await;
    assert_eq!(audited.cell(), "4");
}
