//! The binary as users run it: formats, exit statuses, a remote server, signals, a second process.

mod terminal;

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::harness::{Serving, command, files, signal, sql, text};

#[test]
fn formats_and_null() {
    let folder = tempfile::tempdir().unwrap();
    let query = "SELECT 1 AS a, NULL AS b, '' AS c, 'x,\"y\"' AS d";
    let run = |format: &str| {
        let output = sql(folder.path(), &["--format", format, "-e", query], "");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert_eq!(run("csv"), "a,b,c,d\r\n1,,\"\",\"x,\"\"y\"\"\"\r\n");
    let json: serde_json::Value = serde_json::from_str(run("json").trim()).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"a": 1, "b": null, "c": "", "d": "x,\"y\""})
    );
    let table = run("table");
    assert!(table.contains("| a | b    | c | d     |"), "{table}");
    assert!(table.contains("NULL"), "{table}");
}

#[test]
fn a_failing_statement_ends_the_script_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let script = "CREATE TABLE t (a int);\nSELECT * FROM nope;\nCREATE TABLE u (a int);\n";
    let output = sql(folder.path(), &[], script);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "ERROR 1146 (42S02): Table 'main.nope' doesn't exist\n"
    );
    let output = sql(
        folder.path(),
        &["--force"],
        "SELECT * FROM nope;\nCREATE TABLE u (a int);\nSHOW TABLES",
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("| u "),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn a_second_process_on_the_same_data_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path());
    let output = sql(folder.path(), &["-e", "SELECT 1"], "");
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains("in use by another process") || stderr.contains("another process"),
        "{stderr}"
    );
    let remote = serving
        .sql_command()
        .args(["--format", "csv", "-e", "SELECT 2 AS n"])
        .output()
        .unwrap();
    assert_eq!(
        text(&remote.stdout),
        "n\r\n2\r\n",
        "{}",
        text(&remote.stderr)
    );
}

#[test]
fn an_unreachable_server_is_named() {
    let output = command()
        .args(["sql", "--url", "http://127.0.0.1:1", "-e", "SELECT 1"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).starts_with("ERROR 2003 (HY000): cannot reach http://127.0.0.1:1"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn sigterm_drains_and_the_next_start_finds_everything() {
    let folder = tempfile::tempdir().unwrap();
    let mut serving = Serving::start(folder.path());
    let create = serving
        .sql_command()
        .args(["-e", "CREATE STAGE s URL = '/tmp'"])
        .output()
        .unwrap();
    assert!(create.status.success(), "{}", text(&create.stderr));
    signal(&serving.child, "TERM");
    let status = serving.child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    let output = sql(folder.path(), &["--format", "csv", "-e", "SHOW STAGES"], "");
    assert!(
        text(&output.stdout).contains("s,/tmp,ENABLED"),
        "{}",
        text(&output.stdout)
    );
}

/// The server of `sql --data-dir` has settings like any other.
#[test]
fn the_settings_of_an_embedded_server_come_from_a_file_and_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let create = "CREATE OR REPLACE STAGE s URL = 's3://b/p/' CREDENTIALS = {'access_key_id' = 'k', 'secret_access_key' = 's', 'endpoint' = 'https://127.0.0.1:9'}";
    let run = |arguments: &[&str], allow: Option<&str>| {
        let mut command = command();
        command
            .args(["sql", "-e", create, "--data-dir"])
            .arg(&data)
            .args(arguments);
        if let Some(allow) = allow {
            command.env("STAGEDOOR_ENDPOINTS_ALLOW", allow);
        }
        command.output().unwrap()
    };
    let refused = run(&[], None);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("endpoints.allow"));
    let by_environment = run(&[], Some("127.0.0.1"));
    assert!(by_environment.status.success(), "{by_environment:?}");
    let file = folder.path().join("stagedoor.toml");
    let settings = "version = 1\ndata_dir = \"/nowhere\"\n[endpoints]\nallow = [\"127.0.0.1\"]\n";
    std::fs::write(&file, settings).unwrap();
    let file = file.to_str().unwrap();
    let by_file = run(&["-c", file], None);
    assert!(by_file.status.success(), "{by_file:?}");
    // The environment is above the file.
    let other = run(&["-c", file], Some("192.0.2.1"));
    assert_eq!(other.status.code(), Some(1));
    std::fs::write(file, "version = 1\nlisen = \"127.0.0.1:1\"\n").unwrap();
    let misspelt = run(&["-c", file], None);
    assert!(text(&misspelt.stderr).contains("lisen"), "{misspelt:?}");
}

#[test]
fn ctrl_c_cancels_an_export_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("data"), folder.path().join("out"));
    std::fs::create_dir(&out).unwrap();
    let values: Vec<String> = (0..2000).map(|n| format!("({n})")).collect();
    let setup = format!(
        "CREATE TABLE t (a int); INSERT INTO t VALUES {}; CREATE STAGE s URL = '{}'",
        values.join(","),
        out.display()
    );
    assert!(sql(&data, &[], &setup).status.success());
    let mut child = command()
        .args([
            "sql",
            "-e",
            "SELECT x.a FROM t x CROSS JOIN t y CROSS JOIN t z INTO OUTFILE 'stage://s/x.csv'",
            "--data-dir",
        ])
        .arg(&data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The draft appears once the export writes.
    let began = Instant::now();
    while files(&out).is_empty() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "the export never began"
        );
        assert!(child.try_wait().unwrap().is_none(), "the export ended");
        std::thread::sleep(Duration::from_millis(10));
    }
    signal(&child, "INT");
    let status = child.wait().unwrap();
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("ERROR 1317 (70100)"), "{stderr}");
    assert_eq!(files(&out), Vec::<String>::new());
    let output = sql(
        &data,
        &[
            "--format",
            "csv",
            "-e",
            "SELECT state FROM stagedoor.exports",
        ],
        "",
    );
    assert_eq!(text(&output.stdout), "state\r\nCANCELLED\r\n");
}

#[test]
fn the_demo_runs_and_checks_itself() {
    let output = command()
        .args(["demo", "--scale", "0.01"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    for part in [
        "1,\"weder\",\"man\"",
        "stage exists, please try to check and use a stage instead",
        "lineitem",
        "sha256",
    ] {
        assert!(
            stdout.contains(part) || stderr.contains(part),
            "no {part:?} in\n{stdout}\n{stderr}"
        );
    }
}

#[test]
fn a_full_disk_fails_the_export_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("data"), folder.path().join("out"));
    std::fs::create_dir(&out).unwrap();
    let values: Vec<String> = (0..2000).map(|n| format!("({n})")).collect();
    let setup = format!(
        "CREATE TABLE t (a int); INSERT INTO t VALUES {}; CREATE STAGE s URL = '{}'",
        values.join(","),
        out.display()
    );
    assert!(sql(&data, &[], &setup).status.success());
    // A file may not grow beyond 8 MiB: what the file system answers is what a full disk answers, but for the errno.
    let script = format!(
        "ulimit -f 8192; trap '' XFSZ; exec '{}' sql --data-dir '{}' -e \"SELECT x.a, y.a AS b FROM t x CROSS JOIN t y INTO OUTFILE 'stage://s/x.csv'\"",
        crate::harness::binary().display(),
        data.display()
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    assert!(
        text(&output.stderr)
            .starts_with("ERROR 1021 (HY000): stage 's': failed to write the export"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(files(&out), Vec::<String>::new());
    let output = sql(
        &data,
        &[
            "--format",
            "csv",
            "-e",
            "SELECT count(*) AS n FROM t; SELECT state FROM stagedoor.exports",
        ],
        "",
    );
    assert_eq!(
        text(&output.stdout)
            .replace("\r\n", "\n")
            .split_whitespace()
            .collect::<Vec<_>>(),
        ["n", "2000", "state", "FAILED"]
    );
}
