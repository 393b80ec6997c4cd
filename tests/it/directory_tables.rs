//! Directory tables, through SQL: kept by exports and removals, refreshed, and read like a table.

use proto::v1;

use crate::harness::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn exports_and_removals_keep_a_directory_table() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server.ok("CREATE STAGE sub URL = 'stage://s/below/'").await;
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://sub/x.csv' MANIFEST 'true'")
        .await;
    server
        .ok("SELECT 2 AS a INTO OUTFILE 'stage://s/y.csv'")
        .await;
    let rows = server
        .ok("SELECT d.relative_path, d.size, e.state FROM DIRECTORY('s') d JOIN stagedoor.exports e ON e.export_id = d.export_id ORDER BY 1")
        .await
        .rows();
    assert_eq!(
        rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(),
        ["below/x.csv", "below/x.csv.manifest.json", "y.csv"]
    );
    assert_eq!(rows[0][1..], ["4", "COMMITTED"]);
    // The digest is the one that sha256sum gives.
    let sha256 = server
        .ok("SELECT sha256 FROM DIRECTORY('S') WHERE relative_path = 'y.csv'")
        .await
        .cell();
    let body = std::fs::read(dir.join("y.csv")).unwrap();
    use sha2::Digest;
    let expected: String = sha2::Sha256::digest(&body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(sha256, expected);
    server
        .ok("REMOVE FILES FROM STAGE 'stage://s/below/*.json'")
        .await;
    let rows = server
        .ok("SELECT relative_path FROM DIRECTORY('sub')")
        .await
        .rows();
    assert_eq!(rows, [["x.csv"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_finds_what_others_did() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://s/ours.csv'")
        .await;
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://s/gone.csv'")
        .await;
    std::fs::create_dir(dir.join("theirs")).unwrap();
    std::fs::write(dir.join("theirs/1.csv"), "a\n1\n").unwrap();
    std::fs::write(dir.join("theirs/2.csv"), "a\n2\n").unwrap();
    std::fs::remove_file(dir.join("gone.csv")).unwrap();
    // Over gRPC, and again by a statement: nothing is new then.
    let mut calls = crate::files::client(&server.channel);
    let refresh = v1::RefreshDirectoryRequest {
        parent: "stages/s".to_owned(),
        path: "theirs".to_owned(),
    };
    let found = calls
        .refresh_directory(refresh.clone())
        .await
        .unwrap()
        .into_inner();
    let want = v1::RefreshDirectoryResponse {
        added_files: 2,
        files: 2,
        ..Default::default()
    };
    assert_eq!(found, want);
    let nowhere = v1::RefreshDirectoryRequest {
        parent: "stages/nowhere".to_owned(),
        ..refresh
    };
    let missing = calls.refresh_directory(nowhere).await.unwrap_err();
    assert_eq!(missing.code(), tonic::Code::NotFound);
    let refreshed = server
        .ok("ALTER STAGE s REFRESH SUBPATH = 'theirs/'")
        .await
        .rows();
    // As numbers: added, changed, removed, files.
    assert_eq!(refreshed, [["0", "0", "0", "2"]]);
    let refreshed = server.ok("ALTER STAGE s REFRESH").await.rows();
    assert_eq!(refreshed, [["0", "0", "1", "3"]]);
    std::fs::write(dir.join("theirs/2.csv"), "a\n22\n").unwrap();
    let refreshed = server.ok("ALTER STAGE s REFRESH").await.rows();
    assert_eq!(refreshed, [["0", "1", "0", "3"]]);
    let rows = server
        .ok("SELECT relative_path, size, sha256 IS NULL, etag IS NULL FROM DIRECTORY('s') WHERE relative_path >= 'theirs/' ORDER BY 1")
        .await
        .rows();
    assert_eq!(
        rows,
        [
            ["theirs/1.csv", "4", "true", "false"],
            ["theirs/2.csv", "5", "true", "false"]
        ]
    );
    let ours = server
        .ok("SELECT COUNT(*) FROM DIRECTORY('s') WHERE sha256 IS NOT NULL AND etag IS NOT NULL")
        .await;
    assert_eq!(ours.cell(), "1");

    server
        .ok("ALTER STAGE s SET DIRECTORY = (ENABLE = FALSE)")
        .await;
    let error = server.error("SELECT * FROM DIRECTORY('s')").await;
    assert!(
        error.contains("stage 's' has no directory table"),
        "{error}"
    );
    let error = server.error("ALTER STAGE s REFRESH").await;
    assert!(error.contains("no directory table"), "{error}");
    server
        .ok("ALTER STAGE s SET DIRECTORY = (ENABLE = TRUE)")
        .await;
    assert_eq!(
        server
            .ok("SELECT COUNT(*) FROM DIRECTORY('s')")
            .await
            .cell(),
        "0"
    );
    let error = server.error("SELECT * FROM DIRECTORY('nope')").await;
    assert!(error.contains("stage 'nope' is not exists"), "{error}");
    server.ok("ALTER STAGE IF EXISTS nope REFRESH").await;
}
