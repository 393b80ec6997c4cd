//! Measures buckets against a SeaweedFS of its own on this machine: an export, and reading it back, beside OpenDAL
//! (and boto3, where it is installed) with the same bytes, and the server's memory; a long list; publishing many prepared
//! files; a directory table of many entries. `buckets DIRECTORY [--parquet FILE] [--rows N] [--runs N] [--memory FILE]…
//! [--objects N] [--files N] [--entries N]`; ratios count.
#![expect(clippy::print_stdout, reason = "its figures are its output")]

mod directory;
mod exports;
mod lists;
mod process;

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use futures::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};
use storage::{
    Bucket, BucketCredentials, EndpointPolicy, Location, ObjectPath, OnExisting, PlannedFile,
    Policy, Retry, Store, Transport, TransportOptions,
};
use test_servers::{BUCKET, KEY, SECRET, Weed};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How many files an export publishes at a time.
const PUBLISHED_AT_ONCE: usize = 16;
struct Arguments {
    folder: PathBuf,
    parquet: Option<PathBuf>,
    rows: u64,
    runs: u32,
    objects: u32,
    files: u32,
    entries: u32,
    /// Files of Parquet, each for an export whose memory is told.
    memory: Vec<PathBuf>,
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
            entries: 1_000_000,
            memory: Vec::new(),
        };
        while let Some(name) = given.next() {
            let value = given.next().ok_or("an option lacks its value")?;
            match name.as_str() {
                "--parquet" => arguments.parquet = Some(value.into()),
                "--rows" => arguments.rows = value.parse()?,
                "--runs" => arguments.runs = value.parse()?,
                "--objects" => arguments.objects = value.parse()?,
                "--files" => arguments.files = value.parse()?,
                "--entries" => arguments.entries = value.parse()?,
                "--memory" => arguments.memory.push(value.into()),
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
    exports::measure(&arguments).await?;
    exports::memory(&arguments).await?;
    lists::measure(&arguments).await?;
    publications(&arguments).await?;
    directory::measure(&arguments).await
}

/// A store of one's own, and what opens it.
struct Place {
    weed: Weed,
    transport: Transport,
}

impl Place {
    fn start() -> Result<Self> {
        let policy = EndpointPolicy::default()
            .allow_http(true)
            .allow_only(vec!["127.0.0.1".parse()?]);
        let transport = Transport::new(policy, TransportOptions::default())?;
        Ok(Self {
            weed: Weed::start(),
            transport,
        })
    }

    fn endpoint(&self) -> String {
        self.weed.endpoint()
    }

    /// Creates a stage on a folder of the bucket.
    fn stage(&self, name: &str, folder: &str) -> String {
        format!(
            "CREATE OR REPLACE STAGE {name} URL = 's3://{BUCKET}/{folder}/' CREDENTIALS = {{'access_key_id' = '{KEY}', 'secret_access_key' = '{SECRET}', 'endpoint' = '{}'}}",
            self.endpoint()
        )
    }

    fn credentials(&self) -> Result<BucketCredentials> {
        let pairs = [
            ("access_key_id", KEY.to_owned()),
            ("secret_access_key", SECRET.to_owned()),
            ("endpoint", self.endpoint()),
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

async fn publications(arguments: &Arguments) -> Result<()> {
    let place = Place::start()?;
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
