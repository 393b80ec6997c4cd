//! Stages on object storages, through SQL: SeaweedFS for Amazon S3, and the double of Aliyun OSS.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use proto::v1;
use storage::{Bucket, BucketCredentials, EndpointPolicy, Location, Retry, Transport};
use test_servers::{BUCKET, KEY, Oss, OssSettings, SECRET, Weed, fetch};

use crate::files::{begin_upload, bytes, client, download, header, sha256, upload};
use crate::harness::TestServer;

/// A store, and how a stage on it is written.
struct Place {
    scheme: &'static str,
    endpoint: String,
    region: Option<&'static str>,
    /// Kept while the test runs.
    _oss: Option<Oss>,
}

impl Place {
    fn s3() -> Self {
        Self {
            scheme: "s3",
            endpoint: Weed::shared().endpoint(),
            region: None,
            _oss: None,
        }
    }

    /// As Aliyun is: the bucket before the host, signature V4.
    fn oss() -> Self {
        let oss = Oss::start(&OssSettings::default());
        Self {
            scheme: "oss",
            endpoint: oss.virtual_endpoint(),
            region: Some(Oss::REGION),
            _oss: Some(oss),
        }
    }

    fn credentials(&self, secret: &str) -> String {
        let region = self
            .region
            .map_or_else(String::new, |region| format!(", 'region' = '{region}'"));
        format!(
            "{{'access_key_id' = '{KEY}', 'secret_access_key' = '{secret}', 'endpoint' = '{}'{region}}}",
            self.endpoint
        )
    }

    fn url(&self, folder: &str) -> String {
        format!("{}://{BUCKET}/{folder}", self.scheme)
    }

    fn create(&self, name: &str, folder: &str) -> String {
        format!(
            "CREATE STAGE {name} URL = '{}' CREDENTIALS = {}",
            self.url(folder),
            self.credentials(SECRET)
        )
    }

    /// The bucket as another client opens it.
    async fn outside(&self, folder: &str) -> Bucket {
        let mut pairs = vec![
            ("access_key_id", KEY.to_owned()),
            ("secret_access_key", SECRET.to_owned()),
            ("endpoint", self.endpoint.clone()),
        ];
        pairs.extend(self.region.map(|region| ("region", region.to_owned())));
        let pairs = pairs.into_iter().map(|(key, value)| (key, value.into()));
        let options = storage::TransportOptions {
            hosts: hosts()
                .into_iter()
                .map(|(name, to)| {
                    (
                        name,
                        to.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect(),
                    )
                })
                .collect(),
            ..Default::default()
        };
        let mut policy = EndpointPolicy::default().allow_http(true);
        policy = policy.allow_only(allowed().iter().map(|rule| rule.parse().unwrap()).collect());
        Bucket::open(
            &Location::parse(&self.url(folder)).unwrap(),
            &BucketCredentials::from_pairs(pairs).unwrap(),
            &Transport::new(policy, options).unwrap(),
            Retry::default(),
        )
        .await
        .unwrap()
    }

    async fn open_uploads(&self, folder: &str) -> Vec<String> {
        let bucket = self.outside(folder).await;
        let open: Vec<_> = bucket.uploads().list("").try_collect().await.unwrap();
        open.into_iter().map(|upload| upload.key).collect()
    }

    /// Every object of the folder, sorted.
    async fn objects(&self, folder: &str) -> Vec<String> {
        let bucket = self.outside(folder).await;
        let listed = bucket.operator().list_with("").recursive(true).await;
        let mut names: Vec<String> = listed
            .unwrap()
            .into_iter()
            .filter(|entry| entry.metadata().is_file())
            .map(|entry| entry.path().to_owned())
            .collect();
        names.sort();
        names
    }

    async fn read(&self, folder: &str, path: &str) -> String {
        let bucket = self.outside(folder).await;
        let body = bucket.operator().read(path).await.unwrap().to_vec();
        String::from_utf8(body).unwrap()
    }
}

/// The names that OSS puts before its host, which no resolver here knows.
fn hosts() -> Vec<(String, Vec<IpAddr>)> {
    let here = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    vec![(format!("{BUCKET}.{}", Oss::HOST), here)]
}

fn allowed() -> Vec<String> {
    vec![
        "127.0.0.1".to_owned(),
        format!("{BUCKET}.{}", Oss::HOST),
        Oss::HOST.to_owned(),
    ]
}

async fn server() -> TestServer {
    TestServer::start_with(|settings| {
        settings.endpoints.allow = allowed();
        settings.endpoints.http = true;
        settings.endpoints.hosts = hosts().into_iter().collect();
    })
    .await
}

/// Runs a test's body on both stores.
macro_rules! on_both {
    ($name:ident, $body:ident) => {
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn s3() {
                super::$body(super::Place::s3(), stringify!($name)).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn oss() {
                super::$body(super::Place::oss(), stringify!($name)).await;
            }
        }
    };
}

on_both!(an_export_appears_whole_and_once, exports);
on_both!(nothing_is_left_of_an_export_that_fails, failures);
on_both!(a_bucket_that_refuses_says_why, refusals);
on_both!(files_go_in_and_out_and_away, files);
on_both!(an_upload_that_ends_early_leaves_no_part, broken_off);
on_both!(presigned_urls_are_for_anyone, presigned);

async fn exports(place: Place, folder: &str) {
    let server = server().await;
    server.ok(&place.create("s", folder)).await;
    server
        .ok("SELECT 1 AS id, 'weder' AS name INTO OUTFILE 'stage://s/2026/user.csv' MANIFEST 'true'")
        .await;
    assert_eq!(
        place.read(folder, "2026/user.csv").await,
        "id,name\n1,\"weder\"\n"
    );
    assert_eq!(
        place.objects(folder).await,
        ["2026/user.csv", "2026/user.csv.manifest.json"]
    );
    // Read where it is, and found by a pattern.
    let read = server
        .ok("SELECT name FROM 'stage://s/2026/user.csv'")
        .await;
    assert_eq!(read.rows(), [["weder"]]);
    let read = server.ok("SELECT COUNT(*) FROM 'stage://s/**/*.csv'").await;
    assert_eq!(read.rows(), [["1"]]);

    let again = "SELECT 2 AS id INTO OUTFILE 'stage://s/2026/user.csv'";
    assert_eq!(
        server.error(again).await,
        "ERROR 20406 (HY000): file user.csv already exists"
    );
    server.ok(&format!("{again} OVERWRITE 'true'")).await;
    assert_eq!(place.read(folder, "2026/user.csv").await, "id\n2\n");

    // A stage within the stage, and a file of several parts; and an empty one.
    server.ok("CREATE STAGE sub URL = 'stage://s/sub/'").await;
    server
        .ok("SELECT value, REPEAT('x', 100) AS x FROM generate_series(1, 200000) INTO OUTFILE 'stage://sub/long.csv'")
        .await;
    let long = place.read(folder, "sub/long.csv").await;
    assert_eq!(long.lines().count(), 200_001);
    assert!(long.len() > 20_000_000 && long.ends_with('\n'));
    server
        .ok("SELECT 1 AS a WHERE false INTO OUTFILE 'stage://sub/empty.csv' HEADER 'false'")
        .await;
    assert_eq!(place.read(folder, "sub/empty.csv").await, "");
    assert_eq!(place.open_uploads(folder).await, Vec::<String>::new());
}

async fn failures(place: Place, folder: &str) {
    let server = server().await;
    server.ok(&place.create("s", folder)).await;
    // After some parts have been sent.
    let error = server
        .error("SELECT IF(value = 200000, 'x,y', REPEAT('x', 100)) AS s FROM generate_series(1, 200000) INTO OUTFILE 'stage://s/failed.csv' FIELDS ENCLOSED BY '' ESCAPED BY ''")
        .await;
    assert!(error.contains("row 200000"), "{error}");
    let started = server
        .run("SELECT a.value FROM generate_series(1, 100000) a, generate_series(1, 100000) b INTO OUTFILE 'stage://s/long.csv' MANIFEST 'true'");
    // A client that leaves does not end its export; CANCEL does.
    let left = tokio::time::timeout(Duration::from_secs(2), started).await;
    assert!(left.is_err());
    let running = server
        .ok("SELECT export_id FROM stagedoor.exports WHERE state = 'RUNNING'")
        .await;
    for row in running.rows() {
        server.ok(&format!("CANCEL EXPORT '{}'", row[0])).await;
    }
    assert_eq!(place.objects(folder).await, Vec::<String>::new());
    assert_eq!(place.open_uploads(folder).await, Vec::<String>::new());
}

async fn files(place: Place, folder: &str) {
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
}

async fn refusals(place: Place, folder: &str) {
    let server = server().await;
    let wrong = format!(
        "CREATE STAGE wrong URL = '{}' CREDENTIALS = {}",
        place.url(folder),
        place.credentials("planted-wrong-secret")
    );
    server.ok(&wrong).await;
    for statement in [
        "SELECT 1 INTO OUTFILE 'stage://wrong/a.csv'",
        "SELECT * FROM 'stage://wrong/a.csv'",
    ] {
        let error = server.error(statement).await;
        assert!(
            error.contains("stage 'wrong'") || error.contains("a.csv"),
            "{error}"
        );
        assert!(!error.contains("planted"), "{error}");
    }
    let missing = format!(
        "CREATE STAGE missing URL = '{}://no-such-bucket/p' CREDENTIALS = {}",
        place.scheme,
        place.credentials(SECRET)
    );
    server.ok(&missing).await;
    let error = server
        .error("SELECT 1 INTO OUTFILE 'stage://missing/a.csv'")
        .await;
    assert!(
        error.contains("bucket") || error.contains("no-such-bucket"),
        "{error}"
    );
    server
        .ok(&format!("CREATE STAGE bare URL = '{}'", place.url(folder)))
        .await;
    let error = server
        .error("SELECT 1 INTO OUTFILE 'stage://bare/a.csv'")
        .await;
    assert!(error.contains("without credentials"), "{error}");
}
