//! A rotation of the server key, killed with SIGKILL between two of its steps: nothing is lost meanwhile, and
//! the next one finishes it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};

use crate::harness::{command, sql, text};

/// Enough for several steps, each of them durable.
const VERSIONS: usize = 800;
/// A rotation that ends before the kill is none to be finished, so another one is tried.
const TRIES: usize = 20;
const KILLS: usize = 3;

fn rotate(data: &Path) -> std::process::Command {
    let mut rotate = command();
    rotate.args(["admin", "rotate-key", "--output", "json", "--data-dir"]);
    rotate.arg(data);
    rotate
}

fn done(output: Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// What the stage and its versions are, fingerprints of the secrets included.
fn shown(data: &Path) -> String {
    let script = "DESCRIBE STAGE s; SHOW STAGE HISTORY s";
    done(sql(data, &["--format", "csv"], script))
}

/// Kills a rotation once it has told of so many steps; gives whether it was not at its end yet.
fn killed_after(steps: usize, data: &Path) -> bool {
    let mut child = rotate(data)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    for _ in 0..steps {
        let line = lines.next().expect("it ended before its steps").unwrap();
        assert!(line.contains("moved "), "{line}");
    }
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

#[test]
fn a_rotation_killed_between_its_steps_is_finished_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let credentials =
        |n| format!("CREDENTIALS = {{'access_key_id'='i{n}','secret_access_key'='k{n}'}}");
    let mut script = format!("CREATE STAGE s URL = 's3://bucket/p/' {};", credentials(0));
    for n in 1..VERSIONS {
        script += &format!("ALTER STAGE s SET {};", credentials(n));
    }
    done(sql(&data, &[], &script));
    let before = shown(&data);
    assert!(before.contains("fingerprint"), "{before}");
    let mut hit = 0;
    for round in 0..TRIES {
        // The one after a kill goes on where that was, with what is left.
        if killed_after(1 + round % 2, &data) {
            hit += 1;
            assert_eq!(shown(&data), before, "round {round}: both keys are used");
            let finished = done(rotate(&data).output().unwrap());
            assert!(finished.contains(r#""resumed":true"#), "{finished}");
        }
        assert_eq!(shown(&data), before, "round {round}");
        let keys = std::fs::read_dir(&data).unwrap();
        let names = keys.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names: Vec<String> = names
            .filter(|name| name.starts_with("server.key"))
            .collect();
        assert_eq!(names, ["server.key"], "round {round}");
        if hit == KILLS {
            break;
        }
    }
    assert_eq!(hit, KILLS, "of {TRIES} rotations only {hit} were hit");
    let mut check = command();
    check.args(["admin", "check", "--data-dir"]).arg(&data);
    done(check.output().unwrap());
}
