//! INTO OUTFILE to a bucket that the statement names itself, where no stage is enabled: with its own credentials,
//! which are on record, sealed, until the export has ended.

use std::time::{Duration, Instant};

use proto::v1;
use proto::v1::sql_service_client::SqlServiceClient;
use test_servers::{Bare, KEY, SECRET};

use crate::harness::{Answer, execute, files};
use crate::serve_process::{LONG, ServeProcess, as_root, connect};
use crate::validation::local_server;

fn credentials(bare: &Bare, secret: &str) -> String {
    format!(
        "CREDENTIALS = {{'access_key_id' = '{KEY}', 'secret_access_key' = '{secret}', 'endpoint' = '{}'}}",
        bare.endpoint()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_exported_to_with_the_statements_own_credentials() {
    let server = local_server().await;
    let bare = Bare::start();
    let with = credentials(&bare, SECRET);
    server
        .ok(&format!(
            "SELECT 1 AS a INTO OUTFILE 's3://b/d/x_%03d.csv' MANIFEST 'true' {with}"
        ))
        .await;
    let objects = bare.objects();
    assert_eq!(
        objects.keys().collect::<Vec<_>>(),
        ["b/d/x_000.csv", "b/d/x_000.csv.manifest.json"]
    );
    assert_eq!(objects["b/d/x_000.csv"], "a\n1\n");
    assert_eq!(bare.open_uploads(), Vec::<String>::new());
    let again = server
        .error(&format!(
            "SELECT 1 AS a INTO OUTFILE 's3://b/d/x_%03d.csv' {with}"
        ))
        .await;
    assert_eq!(again, "ERROR 20406 (HY000): file x_000.csv already exists");
    let shown = server
        .ok("SELECT statement, target FROM stagedoor.exports")
        .await
        .rows();
    assert_eq!(shown.len(), 1);
    assert!(!shown[0][0].contains(SECRET), "{shown:?}");
    assert_eq!(shown[0][1], "s3://b/d/x_000.csv");

    // Endpoints that the operator does not list, no file, incomplete keys, the stage's own.
    for (target, with, expected) in [
        ("s3://b/x.csv", "CREDENTIALS = {'access_key_id' = 'k', 'secret_access_key' = 's', 'endpoint' = 'http://169.254.169.254'}".to_owned(), "169.254.169.254"),
        ("s3://b", with.clone(), "names no file"),
        ("s3://b/d/", with.clone(), "names no file"),
        ("s3://b/x.csv", "CREDENTIALS = {'access_key_id' = 'k'}".to_owned(), "'secret_access_key' is missing"),
        ("s3://b/x.csv", "CREDENTIALS = {'access_key_id' = 'env:HOME', 'secret_access_key' = 's'}".to_owned(), "secrets.references"),
        ("/tmp/x.csv", with.clone(), "CREDENTIALS go with"),
        ("s3://b/../x.csv", with.clone(), ".."),
    ] {
        let error = server
            .error(&format!("SELECT 1 AS a INTO OUTFILE '{target}' {with}"))
            .await;
        assert!(error.contains(expected), "{target}: {error}");
    }
    // With an enabled stage only stage paths are taken.
    server.stage("s").await;
    let error = server
        .error(&format!("SELECT 1 AS a INTO OUTFILE 's3://b/y.csv' {with}"))
        .await;
    assert!(
        error.contains("stage exists, please try to check"),
        "{error}"
    );
    let error = server
        .error(&format!(
            "SELECT 1 AS a INTO OUTFILE 'stage://s/y.csv' {with}"
        ))
        .await;
    assert!(error.contains("CREDENTIALS go with"), "{error}");
}

const SETTINGS: &str = "[endpoints]\nallow = ['127.0.0.1']\nhttp = true\n";

async fn run(process: &mut ServeProcess, statement: &str) -> Result<Answer, tonic::Status> {
    let mut sql = SqlServiceClient::new(as_root(connect(&process.address()).await));
    let session = sql.open_session(v1::OpenSessionRequest::default()).await?;
    let request = v1::ExecuteRequest {
        session_id: session.into_inner().session_id,
        statement: statement.to_owned(),
        ..Default::default()
    };
    execute(&mut sql, request).await
}

/// Killed in the middle, its upload is found and given up by the next start, with the credentials on record.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_exports_uploads_are_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let bare = Bare::start();
    let mut server = ServeProcess::start(SETTINGS, folder.path(), &[]);
    let statement = format!(
        "SELECT a.value FROM generate_series(1, 100000) a, generate_series(1, 100000) b INTO OUTFILE 's3://b/d/long.csv' {}",
        credentials(&bare, "Pl4nted-raw-secret")
    );
    let exporting = run(&mut server, &statement);
    let begun = async {
        let deadline = Instant::now() + LONG;
        while bare.open_uploads().is_empty() {
            assert!(Instant::now() < deadline, "no upload begins");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        ended = exporting => panic!("it ended: {ended:?}"),
        () = begun => {}
    }
    server.signal("KILL");
    server.wait();
    assert_eq!(bare.open_uploads(), ["b/d/long.csv"]);
    let planted = b"Pl4nted-raw-secret";
    for file in files(folder.path()) {
        let bytes = std::fs::read(folder.path().join(&file)).unwrap();
        assert!(memchr::memmem::find(&bytes, planted).is_none(), "{file}");
    }

    let mut server = ServeProcess::start(SETTINGS, folder.path(), &[]);
    let states = run(&mut server, "SELECT state FROM stagedoor.exports").await;
    assert_eq!(states.unwrap().rows(), [["FAILED"]]);
    assert_eq!(bare.open_uploads(), Vec::<String>::new());
    assert!(bare.objects().is_empty());
    server.signal("TERM");
    assert!(server.wait().success());
    assert!(!server.read.join("\n").contains("Pl4nted"));
}

mod real_servers {
    //! Against SeaweedFS and the double of OSS.

    use test_servers::SECRET;

    use crate::real_servers::{Place, server};

    #[tokio::test(flavor = "multi_thread")]
    async fn to_s3() {
        exported(Place::s3(), "raw-s3").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn to_oss() {
        exported(Place::oss(), "raw-oss").await;
    }

    async fn exported(place: Place, folder: &str) {
        let server = server().await;
        let into = |name: &str, secret: &str| {
            format!(
                "SELECT 1 AS a INTO OUTFILE '{}/{name}' CREDENTIALS = {}",
                place.url(folder),
                place.credentials(secret)
            )
        };
        server.ok(&into("d/x.csv", SECRET)).await;
        assert_eq!(place.read(folder, "d/x.csv").await, "a\n1\n");
        let error = server.error(&into("d/x.csv", SECRET)).await;
        assert_eq!(error, "ERROR 20406 (HY000): file x.csv already exists");
        let error = server.error(&into("y.csv", "planted-wrong")).await;
        assert!(!error.contains("planted"), "{error}");
        assert_eq!(place.objects(folder).await, ["d/x.csv"]);
        assert_eq!(place.open_uploads(folder).await, Vec::<String>::new());
    }
}
