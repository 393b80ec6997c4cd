//! The first entry of a long list and all of it: by the store alone, and by the server's LIST.

use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use mysql_async::Row;
use mysql_async::prelude::Queryable;
use storage::{ObjectOptions, OnExisting};

use crate::process::Stagedoor;
use crate::{Arguments, Place, Result};

/// How many objects are made at a time, to be listed.
const MADE_AT_ONCE: usize = 32;

pub(crate) async fn measure(arguments: &Arguments) -> Result<()> {
    let place = Place::start()?;
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
        "a list of {count} objects, the store's: first after {:.1} ms, all after {:.2} s",
        first.as_secs_f64() * 1e3,
        began.elapsed().as_secs_f64()
    );

    let server = Stagedoor::start(&arguments.folder.join("lists")).await?;
    let mut connection = server.connect().await?;
    connection
        .query_drop(place.stage("listed", "listed"))
        .await?;
    let resident = server.resident_mib()?;
    server.reset_peak()?;
    let began = Instant::now();
    let mut rows = connection.query_iter("LIST 'stage://listed/'").await?;
    let mut of_server = u32::from(rows.next().await?.is_some());
    let first = began.elapsed();
    while rows.next().await?.is_some() {
        of_server += 1;
    }
    let all = began.elapsed();
    rows.drop_result().await?;
    if of_server != count {
        return Err(format!("LIST has {of_server} rows of {count}").into());
    }
    println!(
        "  the statement LIST: first row after {:.1} ms, all after {:.2} s; memory {resident} MiB before, {} MiB at most",
        first.as_secs_f64() * 1e3,
        all.as_secs_f64(),
        server.peak_mib()?
    );
    let _: Vec<Row> = connection.query("SELECT 1").await?;
    connection.disconnect().await?;
    Ok(())
}
