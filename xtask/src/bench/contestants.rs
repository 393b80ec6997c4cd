//! Who exports, and with which command; the peers' programs are in `xtask/bench`.
//! Every contestant gets the same file, and a CSV path that does not exist yet.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Where things are, the same for all.
pub(super) struct Place {
    pub(super) scripts: PathBuf,
    pub(super) python: PathBuf,
    pub(super) parquet: PathBuf,
    pub(super) out: PathBuf,
    pub(super) work: PathBuf,
    pub(super) threads: usize,
}

impl Place {
    /// Where a contestant writes.
    pub(super) fn csv(&self, contestant: &Contestant) -> PathBuf {
        self.out.join(format!("{}.csv", contestant.name))
    }
}

/// One way to export the table.
pub(super) struct Contestant {
    /// In the table, and of its file.
    pub(super) name: &'static str,
    /// What it runs, for the document.
    pub(super) what: &'static str,
    kind: Kind,
}

enum Kind {
    Stagedoor(PathBuf),
    Peer {
        script: &'static str,
        further: &'static [&'static str],
    },
}

/// The binary under test; the whole process counts: start, catalog, statements, export, exit.
pub(super) fn stagedoor(program: PathBuf) -> Contestant {
    Contestant {
        name: "stagedoor",
        what: "SELECT * FROM lineitem INTO OUTFILE 'stage://out/stagedoor.csv'",
        kind: Kind::Stagedoor(program),
    }
}

/// All peers, as `7-performance` of the design lists them.
pub(super) fn peers() -> Vec<Contestant> {
    let peer = |name, what, script, further| Contestant {
        name,
        what,
        kind: Kind::Peer { script, further },
    };
    vec![
        peer("polars", "scan_parquet().sink_csv()", "peer_polars.py", &[]),
        peer(
            "clickhouse",
            "SELECT … INTO OUTFILE … FORMAT CSVWithNames (chdb)",
            "peer_chdb.py",
            &[],
        ),
        peer(
            "duckdb",
            "COPY … TO (FORMAT csv), insertion order kept",
            "peer_duckdb.py",
            &[],
        ),
        peer(
            "duckdb_unordered",
            "COPY … TO (FORMAT csv), insertion order not kept",
            "peer_duckdb.py",
            &["unordered"],
        ),
        peer(
            "datafusion",
            "COPY … TO STORED AS CSV",
            "peer_datafusion.py",
            &[],
        ),
    ]
}

impl Contestant {
    pub(super) fn is_stagedoor(&self) -> bool {
        matches!(self.kind, Kind::Stagedoor(_))
    }

    /// The command of one run, its files in place.
    pub(super) fn prepare(&self, place: &Place) -> Result<Vec<OsString>> {
        match &self.kind {
            Kind::Stagedoor(program) => stagedoor_command(program, place),
            Kind::Peer { script, further } => {
                let mut command = vec![
                    place.python.clone().into(),
                    place.scripts.join(script).into(),
                    place.parquet.clone().into(),
                    place.csv(self).into(),
                    place.threads.to_string().into(),
                ];
                command.extend(further.iter().map(OsString::from));
                Ok(command)
            }
        }
    }
}

/// A new data directory each time, and a script that makes the stages, the table and the export.
fn stagedoor_command(program: &Path, place: &Place) -> Result<Vec<OsString>> {
    if place.work.exists() {
        fs::remove_dir_all(&place.work)?;
    }
    fs::create_dir_all(&place.work)?;
    let script = place.work.join("script.sql");
    fs::write(&script, stagedoor_script(place)?)?;
    Ok(vec![
        program.into(),
        "sql".into(),
        "--data-dir".into(),
        place.work.join("data").into(),
        "--format".into(),
        "json".into(),
        "-f".into(),
        script.into(),
    ])
}

fn stagedoor_script(place: &Place) -> Result<String> {
    let source = place
        .parquet
        .parent()
        .context("lineitem.parquet has no folder")?;
    Ok(format!(
        "CREATE STAGE tpch URL = '{}';\n\
         CREATE STAGE out URL = '{}';\n\
         CREATE EXTERNAL TABLE lineitem INFILE {{'filepath'='stage://tpch/lineitem.parquet','format'='parquet'}};\n\
         SELECT * FROM lineitem INTO OUTFILE 'stage://out/stagedoor.csv';\n",
        source.display(),
        place.out.display()
    ))
}
