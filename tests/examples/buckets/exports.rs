//! An export to a bucket, and reading it back, beside OpenDAL (and boto3, where it is installed) with the same bytes;
//! and what the server's memory is at that, however long the export.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::TryStreamExt;
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use sha2::{Digest, Sha256};
use storage::ObjectPath;
use test_servers::{BUCKET, KEY, SECRET};

use crate::process::Stagedoor;
use crate::{Arguments, Place, Result};

/// What OpenDAL sends at a time, and how many at once; as many as exports do.
const CHUNK_BYTES: usize = 8 << 20;
const CHUNKS_AT_ONCE: usize = 4;

/// Makes the stages that an export needs, and gives its query.
async fn prepared(
    connection: &mut Conn,
    place: &Place,
    parquet: Option<&Path>,
    rows: u64,
) -> Result<String> {
    connection.query_drop(place.stage("lake", "bench")).await?;
    let Some(parquet) = parquet else {
        return Ok(format!(
            "SELECT value, value * 3 AS three, CONCAT('line ', value) AS line, REPEAT('x', 60) AS x FROM generate_series(1, {rows})"
        ));
    };
    let folder = parquet.parent().unwrap_or(Path::new("."));
    let source = format!(
        "CREATE OR REPLACE STAGE source URL = '{}'",
        folder.canonicalize()?.display()
    );
    connection.query_drop(source).await?;
    let name = parquet.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!(
        "SELECT * FROM 'stage://source/{name}' (FORMAT 'parquet')"
    ))
}

pub(crate) async fn measure(arguments: &Arguments) -> Result<()> {
    let place = Place::start()?;
    let server = Stagedoor::start(&arguments.folder.join("exports")).await?;
    let mut connection = server.connect().await?;
    let parquet = arguments.parquet.as_deref();
    let query = prepared(&mut connection, &place, parquet, arguments.rows).await?;
    let bucket = place.bucket("bench").await?;
    let operator = bucket.operator();
    let mut times = Times::default();
    let mut length = 0;
    for _ in 0..arguments.runs {
        let name = "ours.csv";
        let export = format!("{query} INTO OUTFILE 'stage://lake/{name}' OVERWRITE 'true'");
        let ours = async { Ok(connection.query_drop(&export).await?) };
        times.ours.push(timed(ours).await?);
        // The very same bytes, by the others.
        let body = Bytes::from(operator.read(name).await?.to_vec());
        length = body.len();
        let opendals = async {
            let writer = operator.writer_with("opendal.csv").chunk(CHUNK_BYTES);
            let mut writer = writer.concurrent(CHUNKS_AT_ONCE).await?;
            writer.write(body.clone()).await?;
            writer.close().await?;
            Ok(())
        };
        times.opendal.push(timed(opendals).await?);
        let file = arguments.folder.join("body.csv");
        std::fs::write(&file, &body)?;
        drop(body);
        times.boto3.extend(boto3(&place, &file)?);
        std::fs::remove_file(&file)?;

        let store = place.store("bench").await?;
        let path = ObjectPath::parse(name)?;
        let ours = async {
            store.sha256(&path).await?;
            Ok(())
        };
        times.our_reading.push(timed(ours).await?);
        let opendals = async {
            let reader = operator.reader(name).await?;
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
        let select = "SELECT COUNT(*) FROM 'stage://lake/ours.csv'";
        let ours = async { Ok(connection.query_drop(select).await?) };
        times.counting.push(timed(ours).await?);
    }
    times.print(length);
    println!("memory of the server: {} MiB at most", server.peak_mib()?);
    connection.disconnect().await?;
    Ok(())
}

/// The memory of a server of its own that exports once, and reads that once, for each of the files.
pub(crate) async fn memory(arguments: &Arguments) -> Result<()> {
    for (number, parquet) in arguments.memory.iter().enumerate() {
        // A store of its own, too: what it holds goes with it, for such exports fill disks.
        let place = Place::start()?;
        let folder = arguments.folder.join(format!("memory-{number}"));
        let server = Stagedoor::start(&folder).await?;
        let mut connection = server.connect().await?;
        let query = prepared(&mut connection, &place, Some(parquet), 0).await?;
        let export = format!("{query} INTO OUTFILE 'stage://lake/ours.csv'");
        let took = timed(async { Ok(connection.query_drop(&export).await?) }).await?;
        let exported = server.peak_mib()?;
        server.reset_peak()?;
        let select = "SELECT COUNT(*) FROM 'stage://lake/ours.csv'";
        connection.query_drop(select).await?;
        let head = place
            .bucket("bench")
            .await?
            .uploads()
            .head("ours.csv")
            .await?;
        println!(
            "memory of the server at an export of {:.0} MiB in {:.1} s: {exported} MiB at most; at reading it {} MiB",
            mib(head.bytes),
            took.as_secs_f64(),
            server.peak_mib()?
        );
        connection.disconnect().await?;
    }
    Ok(())
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The best of the runs each.
#[derive(Default)]
struct Times {
    ours: Vec<Duration>,
    opendal: Vec<Duration>,
    boto3: Vec<Duration>,
    our_reading: Vec<Duration>,
    counting: Vec<Duration>,
    opendal_reading: Vec<Duration>,
}

impl Times {
    fn print(&self, length: usize) {
        let mib = mib(length as u64);
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
        line(
            "its rows counted by a SELECT",
            &self.counting,
            &self.counting,
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
        .args(["-c", SCRIPT, &place.endpoint(), KEY, SECRET, BUCKET])
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
