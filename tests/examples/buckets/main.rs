//! Measures buckets against a SeaweedFS of its own on this machine: an export, and reading it back, beside OpenDAL
//! (and boto3, where it is installed) with the same bytes; the first entry of a long list; publishing many prepared
//! files. `buckets DIRECTORY [--parquet FILE] [--rows N] [--runs N] [--objects N] [--files N]`; ratios count.
#![expect(clippy::print_stdout, reason = "its figures are its output")]

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use server::{Outcome, Server, Session, Settings};
use sha2::{Digest, Sha256};
use storage::{
    Bucket, BucketCredentials, EndpointPolicy, Location, ObjectOptions, ObjectPath, OnExisting,
    PlannedFile, Policy, Retry, Store, Transport, TransportOptions,
};
use test_servers::{BUCKET, KEY, SECRET, Weed};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What OpenDAL sends at a time, and how many at once; as many as exports do.
const CHUNK_BYTES: usize = 8 << 20;
const CHUNKS_AT_ONCE: usize = 4;
/// How many files an export publishes at a time.
const PUBLISHED_AT_ONCE: usize = 16;
/// How many objects are made at a time, to be listed.
const MADE_AT_ONCE: usize = 32;

struct Arguments {
    folder: PathBuf,
    parquet: Option<PathBuf>,
    rows: u64,
    runs: u32,
    objects: u32,
    files: u32,
}

impl Arguments {
    fn read() -> Result<Self> {
        let mut given = std::env::args().skip(1);
        let mut arguments = Self {
            folder: given.next().ok_or("usage: buckets DIRECTORY […]")?.into(),
            parquet: None,
            rows: 1_000_000,
            runs: 3,
            objects: 100_000,
            files: 1_000,
        };
        while let Some(name) = given.next() {
            let value = given.next().ok_or("an option lacks its value")?;
            match name.as_str() {
                "--parquet" => arguments.parquet = Some(value.into()),
                "--rows" => arguments.rows = value.parse()?,
                "--runs" => arguments.runs = value.parse()?,
                "--objects" => arguments.objects = value.parse()?,
                "--files" => arguments.files = value.parse()?,
                _ => return Err(format!("unknown option {name}").into()),
            }
        }
        Ok(arguments)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::read()?;
    std::fs::create_dir_all(&arguments.folder)?;
    let place = Place::start()?;
    exports(&arguments, &place).await?;
    lists(&arguments, &place).await?;
    publications(&arguments, &place).await
}

/// The store, and what opens it.
struct Place {
    endpoint: String,
    transport: Transport,
}

impl Place {
    fn start() -> Result<Self> {
        let endpoint = Weed::shared().endpoint();
        let policy = EndpointPolicy::default()
            .allow_http(true)
            .allow_only(vec!["127.0.0.1".parse()?]);
        let transport = Transport::new(policy, TransportOptions::default())?;
        Ok(Self {
            endpoint,
            transport,
        })
    }

    fn credentials(&self) -> Result<BucketCredentials> {
        let pairs = [
            ("access_key_id", KEY.to_owned()),
            ("secret_access_key", SECRET.to_owned()),
            ("endpoint", self.endpoint.clone()),
        ];
        let pairs = pairs.into_iter().map(|(key, value)| (key, value.into()));
        Ok(BucketCredentials::from_pairs(pairs)?)
    }

    async fn bucket(&self, folder: &str) -> Result<Bucket> {
        let location = Location::parse(&format!("s3://{BUCKET}/{folder}"))?;
        let retry = Retry::default();
        Ok(Bucket::open(&location, &self.credentials()?, &self.transport, retry).await?)
    }

    async fn store(&self, folder: &str) -> Result<Store> {
        let location = Location::parse(&format!("s3://{BUCKET}/{folder}"))?;
        let policy = Policy::default().buckets(self.transport.clone());
        Ok(Store::open(&location, Some(&self.credentials()?), &policy).await?)
    }
}

/// Runs a statement to its end.
async fn run(session: &mut Session, statement: &str) -> Result<()> {
    match session.execute(statement).await? {
        Outcome::Export(handle) => {
            handle.wait().await?;
        }
        Outcome::Rows(rows) => {
            rows.batches.try_collect::<Vec<_>>().await?;
        }
        Outcome::Done(_) | Outcome::Transfer(_) => {}
    }
    Ok(())
}

async fn exports(arguments: &Arguments, place: &Place) -> Result<()> {
    let data = arguments.folder.join("data");
    let mut settings = Settings::embedded(&data);
    settings.endpoints.allow = vec!["127.0.0.1".to_owned()];
    settings.endpoints.http = true;
    let server = Server::open(settings).await?;
    let mut session = server.session()?;
    let stage = format!(
        "CREATE OR REPLACE STAGE lake URL = 's3://{BUCKET}/bench/' CREDENTIALS = {{'access_key_id' = '{KEY}', 'secret_access_key' = '{SECRET}', 'endpoint' = '{}'}}",
        place.endpoint
    );
    run(&mut session, &stage).await?;
    let query = match &arguments.parquet {
        Some(parquet) => {
            let folder = parquet.parent().unwrap_or(Path::new("."));
            let source = format!(
                "CREATE OR REPLACE STAGE source URL = '{}'",
                folder.canonicalize()?.display()
            );
            run(&mut session, &source).await?;
            let name = parquet.file_name().unwrap_or_default().to_string_lossy();
            format!("SELECT * FROM 'stage://source/{name}' (FORMAT 'parquet')")
        }
        None => format!(
            "SELECT value, value * 3 AS three, CONCAT('line ', value) AS line, REPEAT('x', 60) AS x FROM generate_series(1, {})",
            arguments.rows
        ),
    };
    let bucket = place.bucket("bench").await?;
    let operator = bucket.operator();
    let mut times = Times::default();
    let mut length = 0;
    for round in 0..arguments.runs {
        let name = format!("ours-{round}.csv");
        let export = format!("{query} INTO OUTFILE 'stage://lake/{name}' OVERWRITE 'true'");
        times.ours.push(timed(run(&mut session, &export)).await?);
        // The very same bytes, by the others.
        let body = operator.read(&name).await?;
        length = body.len();
        let opendals = async {
            let name = format!("opendal-{round}.csv");
            let writer = operator.writer_with(&name).chunk(CHUNK_BYTES);
            let mut writer = writer.concurrent(CHUNKS_AT_ONCE).await?;
            writer.write(body.clone()).await?;
            writer.close().await?;
            Ok(())
        };
        times.opendal.push(timed(opendals).await?);
        let file = arguments.folder.join("body.csv");
        std::fs::write(&file, body.to_vec())?;
        times.boto3.extend(boto3(place, &file)?);

        let store = place.store("bench").await?;
        let path = ObjectPath::parse(&name)?;
        let ours = async {
            store.sha256(&path).await?;
            Ok(())
        };
        times.our_reading.push(timed(ours).await?);
        let opendals = async {
            let reader = operator.reader(&name).await?;
            let mut pieces = reader.into_stream(..).await?;
            let mut digest = Sha256::new();
            while let Some(piece) = pieces.try_next().await? {
                for chunk in piece {
                    digest.update(&chunk);
                }
            }
            digest.finalize();
            Ok(())
        };
        times.opendal_reading.push(timed(opendals).await?);
    }
    times.print(length);
    Ok(())
}

/// The best of the runs each.
#[derive(Default)]
struct Times {
    ours: Vec<Duration>,
    opendal: Vec<Duration>,
    boto3: Vec<Duration>,
    our_reading: Vec<Duration>,
    opendal_reading: Vec<Duration>,
}

impl Times {
    fn print(&self, length: usize) {
        let mib = length as f64 / f64::from(1 << 20);
        println!(
            "{mib:.1} MiB, best of {} runs; a ratio above 1 means that Stagedoor is faster",
            self.ours.len()
        );
        let line = |what: &str, times: &[Duration], ours: &[Duration]| {
            let (Some(best), Some(ours)) = (times.iter().min(), ours.iter().min()) else {
                println!("{what:<28} not run");
                return;
            };
            println!(
                "{what:<28} {:8.3} s {:8.1} MiB/s   {:5.2}",
                best.as_secs_f64(),
                mib / best.as_secs_f64(),
                best.as_secs_f64() / ours.as_secs_f64()
            );
        };
        line("export by Stagedoor", &self.ours, &self.ours);
        line("the same bytes by OpenDAL", &self.opendal, &self.ours);
        line("the same bytes by boto3", &self.boto3, &self.ours);
        line("reading by Stagedoor", &self.our_reading, &self.our_reading);
        line(
            "reading by OpenDAL",
            &self.opendal_reading,
            &self.our_reading,
        );
    }
}

async fn timed(work: impl Future<Output = Result<()>>) -> Result<Duration> {
    let began = Instant::now();
    work.await?;
    Ok(began.elapsed())
}

/// The time that boto3 takes for a file, by its own clock; none where it is not installed.
fn boto3(place: &Place, file: &Path) -> Result<Option<Duration>> {
    const SCRIPT: &str = "
import sys, time
try:
    import boto3
except ImportError:
    sys.exit(3)
endpoint, key, secret, bucket, path = sys.argv[1:]
client = boto3.client('s3', endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret, region_name='us-east-1')
began = time.monotonic()
client.upload_file(path, bucket, 'bench/boto3.csv')
print(time.monotonic() - began)
";
    let Some(python) = std::env::var_os("STAGEDOOR_PYTHON") else {
        return Ok(None);
    };
    let output = Command::new(python)
        .args(["-c", SCRIPT, &place.endpoint, KEY, SECRET, BUCKET])
        .arg(file)
        .output()?;
    match output.status.code() {
        Some(0) => {
            let seconds: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
            Ok(Some(Duration::from_secs_f64(seconds)))
        }
        Some(3) => Ok(None),
        _ => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}

async fn lists(arguments: &Arguments, place: &Place) -> Result<()> {
    let bucket = place.bucket("listed").await?;
    let options = ObjectOptions::default();
    let (bucket, options) = (&bucket, &options);
    stream::iter(0..arguments.objects)
        .map(|number| async move {
            let key = format!("{:03}/{number:06}.csv", number % 100);
            let put =
                bucket
                    .uploads()
                    .put(&key, Bytes::from_static(b"1"), options, OnExisting::Replace);
            put.await.map(drop)
        })
        .buffer_unordered(MADE_AT_ONCE)
        .try_collect::<()>()
        .await?;
    let store = place.store("listed").await?;
    let began = Instant::now();
    let mut listed = store.list(None);
    let mut count = u32::from(listed.try_next().await?.is_some());
    let first = began.elapsed();
    while listed.try_next().await?.is_some() {
        count += 1;
    }
    println!(
        "a list of {count} objects: first row after {:.1} ms, all after {:.2} s",
        first.as_secs_f64() * 1e3,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

async fn publications(arguments: &Arguments, place: &Place) -> Result<()> {
    let store = place.store("published").await?;
    let body = b"a\n1\n";
    let sha256 = Sha256::digest(body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    let mut plan = Vec::new();
    for number in 0..arguments.files {
        let target = ObjectPath::parse(&format!("{}/{number}.csv", std::process::id()))?;
        let mut draft = store.draft("bench", number, &target).await?;
        let finished = tokio::task::spawn_blocking(move || {
            draft.write_all(body)?;
            Ok::<_, Box<dyn Error + Send + Sync>>(draft.finish()?)
        });
        let finished = finished.await??;
        plan.push(PlannedFile {
            token: finished.token,
            target,
            on_existing: OnExisting::Refuse,
            bytes: finished.bytes,
            digest: sha256.clone(),
        });
    }
    let began = Instant::now();
    let store = &store;
    stream::iter(&plan)
        .map(|file| async move { store.publish(file).await.map(drop) })
        .buffer_unordered(PUBLISHED_AT_ONCE)
        .try_collect::<()>()
        .await?;
    println!(
        "{} prepared files published, {PUBLISHED_AT_ONCE} at a time, in {:.2} s",
        plan.len(),
        began.elapsed().as_secs_f64()
    );
    Ok(())
}
