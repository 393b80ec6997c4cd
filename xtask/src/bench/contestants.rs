//! Who exports, and with which command; the peers' programs are in `xtask/bench`.
//! Every contestant gets the same file, and a target that does not exist yet, whose suffix says the format.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::cases::{Case, Format};

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
    pub(super) fn target(&self, contestant: &Contestant, case: &Case) -> PathBuf {
        let suffix = case.format.suffix();
        self.out.join(format!("{}.{suffix}", contestant.name))
    }
}

/// One way to export the table.
pub(super) struct Contestant {
    /// In the table, and of its file.
    pub(super) name: &'static str,
    /// What it runs, for the document; of CSV.
    pub(super) what: &'static str,
    /// What NULL is in its CSV.
    null: &'static str,
    /// The formats that it has.
    formats: &'static [Format],
    kind: Kind,
}

enum Kind {
    Stagedoor(PathBuf),
    Peer {
        script: &'static str,
        further: &'static [&'static str],
    },
}

const ALL_FORMATS: [Format; 5] = [
    Format::Csv,
    Format::CsvGzip,
    Format::CsvZstd,
    Format::Jsonline,
    Format::Parquet,
];

/// The binary under test; the whole process counts: start, catalog, statements, export, exit.
pub(super) fn stagedoor(program: PathBuf) -> Contestant {
    Contestant {
        name: "stagedoor",
        what: "SELECT * FROM source INTO OUTFILE 'stage://out/stagedoor.csv'",
        null: "\\N",
        formats: &ALL_FORMATS,
        kind: Kind::Stagedoor(program),
    }
}

/// All peers, as `7-performance` of the design lists them.
pub(super) fn peers() -> Vec<Contestant> {
    let peer = |name, what, script, further| Contestant {
        name,
        what,
        null: "",
        formats: &ALL_FORMATS,
        kind: Kind::Peer { script, further },
    };
    vec![
        peer("polars", "scan_parquet().sink_csv()", "peer_polars.py", &[]),
        Contestant {
            null: "\\N",
            ..peer(
                "clickhouse",
                "SELECT … INTO OUTFILE … FORMAT CSVWithNames (chdb)",
                "peer_chdb.py",
                &[],
            )
        },
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

    /// Whether it can make this.
    pub(super) fn makes(&self, case: &Case) -> bool {
        self.formats.contains(&case.format)
    }

    /// The escape character of its CSV, and what NULL is there.
    pub(super) fn reading(&self, case: &Case) -> (&'static str, &'static str) {
        match &self.kind {
            Kind::Stagedoor(_) if case.options.is_empty() => ("\\", self.null),
            Kind::Stagedoor(_) => ("\"", ""),
            Kind::Peer { .. } => ("\"", self.null),
        }
    }

    /// The command of one run, its files in place.
    pub(super) fn prepare(&self, place: &Place, case: &Case) -> Result<Vec<OsString>> {
        match &self.kind {
            Kind::Stagedoor(program) => stagedoor_command(program, place, case),
            Kind::Peer { script, further } => {
                let mut command = vec![
                    place.python.clone().into(),
                    place.scripts.join(script).into(),
                    place.parquet.clone().into(),
                    place.target(self, case).into(),
                    place.threads.to_string().into(),
                ];
                command.extend(further.iter().map(OsString::from));
                Ok(command)
            }
        }
    }
}

/// A new data directory each time, and a script that makes the stages, the table and the export.
fn stagedoor_command(program: &Path, place: &Place, case: &Case) -> Result<Vec<OsString>> {
    if place.work.exists() {
        fs::remove_dir_all(&place.work)?;
    }
    fs::create_dir_all(&place.work)?;
    let script = place.work.join("script.sql");
    fs::write(&script, stagedoor_script(place, case)?)?;
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

fn stagedoor_script(place: &Place, case: &Case) -> Result<String> {
    let source = place
        .parquet
        .parent()
        .context("the Parquet file has no folder")?;
    Ok(format!(
        "CREATE STAGE tables URL = '{}';\n\
         CREATE STAGE out URL = '{}';\n\
         CREATE EXTERNAL TABLE source INFILE {{'filepath'='stage://tables/{}.parquet','format'='parquet'}};\n\
         SELECT * FROM source INTO OUTFILE 'stage://out/stagedoor.{}'{};\n",
        source.display(),
        place.out.display(),
        case.table,
        case.format.suffix(),
        case.options,
    ))
}
