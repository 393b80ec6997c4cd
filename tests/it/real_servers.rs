//! Stages on object storages, through SQL: SeaweedFS for Amazon S3, and the double of Aliyun OSS.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use server::Settings;
use storage::{Bucket, BucketCredentials, EndpointPolicy, Location, Retry, Transport};
use test_servers::{BUCKET, KEY, Oss, OssSettings, Proxy, SECRET, Weed};
use tonic::Code;
use tonic_types::StatusExt;

use crate::harness::TestServer;
use crate::internal_stages::{FORGETFUL, as_root, client, ok};
use crate::serve_process::{LONG, ServeProcess};

/// A store, and how a stage on it is written.
pub(crate) struct Place {
    pub(crate) scheme: &'static str,
    pub(crate) endpoint: String,
    region: Option<&'static str>,
    /// Kept while the test runs.
    _oss: Option<Oss>,
}

impl Place {
    pub(crate) fn s3() -> Self {
        Self {
            scheme: "s3",
            endpoint: Weed::shared().endpoint(),
            region: None,
            _oss: None,
        }
    }

    /// As Aliyun is: the bucket before the host, signature V4.
    pub(crate) fn oss() -> Self {
        Self::oss_with(&OssSettings::default())
    }

    pub(crate) fn oss_with(settings: &OssSettings) -> Self {
        let oss = Oss::start(settings);
        Self {
            scheme: "oss",
            endpoint: oss.virtual_endpoint(),
            region: Some(Oss::REGION),
            _oss: Some(oss),
        }
    }

    /// A double that the test keeps, and breaks.
    pub(crate) fn of(oss: &Oss) -> Self {
        Self {
            scheme: "oss",
            endpoint: oss.virtual_endpoint(),
            region: Some(Oss::REGION),
            _oss: None,
        }
    }

    pub(crate) fn credentials(&self, secret: &str) -> String {
        let region = self
            .region
            .map_or_else(String::new, |region| format!(", 'region' = '{region}'"));
        format!(
            "{{'access_key_id' = '{KEY}', 'secret_access_key' = '{secret}', 'endpoint' = '{}'{region}}}",
            self.endpoint
        )
    }

    pub(crate) fn url(&self, folder: &str) -> String {
        format!("{}://{BUCKET}/{folder}", self.scheme)
    }

    pub(crate) fn create(&self, name: &str, folder: &str) -> String {
        format!(
            "CREATE STAGE {name} URL = '{}' CREDENTIALS = {}",
            self.url(folder),
            self.credentials(SECRET)
        )
    }

    /// Where the store listens.
    fn upstream(&self) -> SocketAddr {
        let (_, port) = self.endpoint.rsplit_once(':').unwrap();
        SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().unwrap()))
    }

    /// The same store, reached through a proxy.
    pub(crate) fn behind(&self, proxy: &Proxy) -> Self {
        Self {
            scheme: self.scheme,
            endpoint: proxy.endpoint(),
            region: self.region,
            _oss: None,
        }
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

    pub(crate) async fn open_uploads(&self, folder: &str) -> Vec<String> {
        let bucket = self.outside(folder).await;
        let open: Vec<_> = bucket.uploads().list("").try_collect().await.unwrap();
        open.into_iter().map(|upload| upload.key).collect()
    }

    /// Every object of the folder, sorted.
    pub(crate) async fn objects(&self, folder: &str) -> Vec<String> {
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

    pub(crate) async fn read(&self, folder: &str, path: &str) -> String {
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

pub(crate) async fn server() -> TestServer {
    TestServer::start_with(reaching_buckets).await
}

fn reaching_buckets(settings: &mut Settings) {
    settings.endpoints.allow = allowed();
    settings.endpoints.http = true;
    settings.endpoints.hosts = hosts().into_iter().collect();
}

/// The same as a file of settings.
fn endpoints() -> String {
    format!(
        "[endpoints]\nhttp = true\nallow = {:?}\n[endpoints.hosts]\n{:?} = ['127.0.0.1']\n",
        allowed(),
        hosts()[0].0,
    )
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

// Behind the macro that they use.
mod crash;
mod faults;
mod files;
mod flight_clients;
mod flight_sql;
mod mysql;
mod reads;
mod real_ceph;
mod real_databases;
mod tour;

on_both!(an_export_appears_whole_and_once, exports);
on_both!(nothing_is_left_of_an_export_that_fails, failures);
on_both!(a_bucket_that_refuses_says_why, refusals);
on_both!(internal_stages_are_where_the_operator_places_them, internal);

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
    let running = async {
        loop {
            let running = server
                .ok("SELECT export_id FROM stagedoor.exports WHERE state = 'RUNNING'")
                .await;
            if let [row] = running.rows().as_slice() {
                return row[0].clone();
            }
        }
    };
    let id = tokio::select! {
        id = running => id,
        ended = started => panic!("it ended: {ended:?}"),
    };
    server.ok(&format!("CANCEL EXPORT '{id}'")).await;
    assert_eq!(place.objects(folder).await, Vec::<String>::new());
    // Who cancels does not wait for a store that takes its time.
    let deadline = Instant::now() + LONG;
    while !place.open_uploads(folder).await.is_empty() {
        assert!(Instant::now() < deadline, "an upload stays open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn internal(place: Place, folder: &str) {
    let data = tempfile::tempdir().unwrap();
    let region = place
        .region
        .map_or_else(String::new, |region| format!("region = '{region}'\n"));
    let settings = format!(
        "version = 1\n{FORGETFUL}[internal]\nstages = '{}/'\n[internal.credentials]\n\
         access_key_id = 'env:INTERNAL_ID'\nsecret_access_key = 'env:INTERNAL_KEY'\nendpoint = '{}'\n{region}{}",
        place.url(folder),
        place.endpoint,
        endpoints(),
    );
    let keys = format!("export INTERNAL_ID='{KEY}' INTERNAL_KEY='{SECRET}'");
    let start = || ServeProcess::start_after(&keys, &settings, data.path(), &[]);
    let mut server = start();
    let mut root = client(&server.address(), as_root()).await;
    for statement in [
        "CREATE STAGE a",
        "CREATE STAGE b",
        "CREATE STAGE below URL = 'stage://a/deep/'",
        "SELECT 1 AS x INTO OUTFILE 'stage://a/one.csv'",
        "SELECT 2 AS x INTO OUTFILE 'stage://below/two.csv'",
        "SELECT 3 AS x INTO OUTFILE 'stage://b/three.csv'",
    ] {
        ok(&mut root, statement).await;
    }
    assert_eq!(
        place.objects(folder).await,
        ["1/deep/two.csv", "1/one.csv", "2/three.csv"]
    );
    let read = ok(&mut root, "SELECT SUM(x) FROM 'stage://a/**/*.csv'").await;
    assert_eq!(read.as_deref(), Some("3"));
    ok(&mut root, "DROP STAGE a CASCADE").await;
    server.signal("TERM");
    assert!(server.wait().success());
    let mut server = start();
    server.wait_for("removed the files of dropped internal stages");
    assert_eq!(place.objects(folder).await, ["2/three.csv"]);
    assert!(!server.read.join("\n").contains(SECRET));
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
        let refused = server.run(statement).await.unwrap_err();
        let reason = refused.get_details_error_info().unwrap().reason;
        assert_eq!(
            (refused.code(), reason.as_str()),
            (Code::FailedPrecondition, "STORE_REFUSED"),
            "{refused:?}"
        );
        let error = refused.message();
        assert!(
            error.contains("stage 'wrong': ") && error.contains("CREDENTIALS"),
            "{error}"
        );
        assert!(!error.contains("planted"), "{error}");
    }
    // The store's refusal is none of the gate's.
    let refusals = server
        .ok("SELECT COUNT(*) FROM stagedoor.audit WHERE outcome = 'refused'")
        .await;
    assert_eq!(refusals.cell(), "0");
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
