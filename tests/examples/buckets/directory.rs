//! A directory table of many entries: a refresh that brings them in, a page at any place, a single one, and memory.

use std::path::Path;
use std::time::Instant;

use mysql_async::prelude::Queryable;

use crate::process::Stagedoor;
use crate::{Arguments, Result};

const IN_A_FOLDER: u32 = 1_000;
/// So many rows is a page, as the server's own calls have it.
const PAGE: usize = 1_000;
const PAGES: u32 = 20;

fn path(number: u32) -> String {
    format!(
        "{:05}/{:03}.csv",
        number / IN_A_FOLDER,
        number % IN_A_FOLDER
    )
}

/// Files of no bytes: what is measured is the catalog's.
fn make(folder: &Path, entries: u32) -> Result<()> {
    for number in 0..entries {
        let path = folder.join(path(number));
        if number % IN_A_FOLDER == 0 {
            std::fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        }
        std::fs::File::create(path)?;
    }
    Ok(())
}

pub(crate) async fn measure(arguments: &Arguments) -> Result<()> {
    let entries = arguments.entries;
    let folder = arguments.folder.join("entries");
    make(&folder, entries)?;
    let server = Stagedoor::start(&arguments.folder.join("directory")).await?;
    let mut connection = server.connect().await?;
    let stage = format!(
        "CREATE STAGE d URL = '{}' DIRECTORY = (ENABLE = TRUE)",
        folder.canonicalize()?.display()
    );
    connection.query_drop(stage).await?;
    let resident = server.resident_mib()?;
    server.reset_peak()?;
    let began = Instant::now();
    connection.query_drop("ALTER STAGE d REFRESH").await?;
    println!(
        "a directory table: {entries} entries refreshed in {:.1} s, memory {resident} MiB before, {} MiB at most",
        began.elapsed().as_secs_f64(),
        server.peak_mib()?
    );
    server.reset_peak()?;
    let (mut worst, mut worst_one) = (0.0_f64, 0.0_f64);
    for page in 0..PAGES {
        // All over the table, its end and its beginning too.
        let after = path((entries - 1) / (PAGES - 1) * page);
        let began = Instant::now();
        let rows: Vec<(String, u64)> = connection
            .query(format!(
                "SELECT relative_path, size FROM DIRECTORY('d') WHERE relative_path >= '{after}' ORDER BY relative_path LIMIT {PAGE}"
            ))
            .await?;
        worst = worst.max(began.elapsed().as_secs_f64());
        let first = rows.first().map(|(path, _)| path.as_str());
        if first != Some(after.as_str()) {
            return Err(format!("the page from {after} on begins with {first:?}").into());
        }
        let began = Instant::now();
        let one: Option<u64> = connection
            .query_first(format!(
                "SELECT size FROM DIRECTORY('d') WHERE relative_path = '{after}'"
            ))
            .await?;
        worst_one = worst_one.max(began.elapsed().as_secs_f64());
        if one != Some(0) {
            return Err(format!("{after} is {one:?}").into());
        }
    }
    println!(
        "  a page of {PAGE} anywhere in it: {:.1} ms at worst of {PAGES}; one entry {:.1} ms; memory {} MiB at most",
        worst * 1e3,
        worst_one * 1e3,
        server.peak_mib()?
    );
    server.reset_peak()?;
    let began = Instant::now();
    let all: Option<u32> = connection
        .query_first("SELECT COUNT(*) FROM DIRECTORY('d')")
        .await?;
    if all != Some(entries) {
        return Err(format!("{all:?} entries of {entries}").into());
    }
    println!(
        "  all of it counted in {:.2} s, memory {} MiB at most",
        began.elapsed().as_secs_f64(),
        server.peak_mib()?
    );
    connection.disconnect().await?;
    drop(server);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
