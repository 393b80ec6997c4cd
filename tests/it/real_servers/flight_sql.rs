//! Arrow Flight SQL as ADBC's driver speaks it, from Python.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::ROOT_PASSWORD;
use crate::serve_process::ServeProcess;

const SCRIPT: &str = include_str!("flight_sql.py");

/// Runs one function of the script against a server of its own.
fn run(name: &str) {
    let python = std::env::var("STAGEDOOR_PYTHON").expect(
        "STAGEDOOR_PYTHON names a Python with adbc-driver-flightsql: run `cargo xtask test`",
    );
    let folder = tempfile::tempdir().unwrap();
    let stage = folder.path().join("stage");
    std::fs::create_dir(&stage).unwrap();
    let mut server = ServeProcess::start("", folder.path(), &[]);
    let address = server.address();
    let script = folder.path().join("flight_sql.py");
    std::fs::write(&script, SCRIPT).unwrap();
    let output = python_with(&python, &script, name, &address, &stage);
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success() && stdout.ends_with("ok\n"),
        "{stdout}{stderr}"
    );
}

fn python_with(
    python: &str,
    script: &Path,
    name: &str,
    address: &str,
    stage: &Path,
) -> std::process::Output {
    Command::new(python)
        .arg(script)
        .args([name, address, ROOT_PASSWORD])
        .arg(stage)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn queries_give_rows_of_every_type_and_use_stays_in_its_connection() {
    run("queries");
}

#[test]
fn parameters_are_bound_and_many_rows_of_them_executed() {
    run("parameters");
}

#[test]
fn rows_are_ingested_all_or_none() {
    run("ingest");
}

#[test]
fn metadata_has_databases_tables_and_stages() {
    run("metadata");
}

#[test]
fn errors_say_what_is_wrong_and_the_connection_goes_on() {
    run("errors");
}

#[test]
fn a_running_query_is_cancelled_and_killed() {
    run("cancel");
}

#[test]
fn an_export_gives_its_report_and_its_rows() {
    run("exports");
}
