//! `stagedoor admin` on a data directory that no server has open: backup and restore, check, rebuild, and the
//! rotation of the server key, with the real binary.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use crate::harness::{Serving, command, files, sql, tear, text, written_of};
use crate::serve_process::ServeProcess;

const SETUP: &str = "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2); \
    CREATE STAGE s URL = 's3://bucket/x' CREDENTIALS = {'AWS_KEY_ID' = 'AKIAPLANTED', 'AWS_SECRET_KEY' = 'PLANTEDSECRET'}";

/// `stagedoor admin WORDS… --data-dir DIR`
fn admin(words: &[&str], data_dir: &Path) -> Output {
    command()
        .arg("admin")
        .args(words)
        .arg("--data-dir")
        .arg(data_dir)
        .output()
        .unwrap()
}

/// The exit status, and all that was printed.
fn said(output: &Output) -> (i32, String) {
    let all = text(&output.stdout) + &text(&output.stderr);
    assert!(
        !all.contains("PLANTED") && !all.contains("sdkey1:"),
        "{all}"
    );
    (output.status.code().unwrap(), all)
}

/// Asserts the status and what is said.
fn expect(output: &Output, status: i32, part: &str) {
    let (found, all) = said(output);
    assert_eq!(found, status, "{all}");
    assert!(all.contains(part), "no {part:?} in {all}");
}

/// A data directory with a table and a stage with a secret.
fn data_dir(folder: &Path) -> PathBuf {
    let data = folder.join("data");
    let output = sql(&data, &[], SETUP);
    assert!(output.status.success(), "{}", text(&output.stderr));
    data
}

/// The rows of the table, and the fingerprints of the stage's secrets.
fn contents(data: &Path) -> String {
    let script = "SELECT a FROM t ORDER BY a; DESCRIBE STAGE s";
    let output = sql(data, &["--format", "csv"], script);
    let (status, all) = said(&output);
    assert_eq!(status, 0, "{all}");
    let all = text(&output.stdout);
    assert!(
        all.contains("fingerprint") && all.contains("1\r\n2\r\n"),
        "{all}"
    );
    all
}

fn backed_up(folder: &Path) -> (PathBuf, PathBuf) {
    let (data, backup) = (data_dir(folder), folder.join("backup"));
    let directory = backup.to_str().unwrap();
    expect(&admin(&["backup", directory], &data), 0, "backed up to");
    (data, backup)
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    // Of what is written: a journal ends with zeros.
    let at = written_of(path) as usize / 2;
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_backup_comes_back_with_its_data_and_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let (data, backup) = backed_up(folder.path());
    let restored = folder.path().join("restored");
    let from = backup.to_str().unwrap();
    expect(
        &admin(&["restore", from], &restored),
        0,
        "put the server's key back",
    );
    let output = sql(&restored, &["-e", "SELECT 1"], "");
    expect(
        &output,
        1,
        "the file is missing, and the data directory is not new",
    );
    fs::copy(data.join("server.key"), restored.join("server.key")).unwrap();
    assert_eq!(contents(&restored), contents(&data));
    expect(&admin(&["check"], &restored), 0, "No damage was found.");
    expect(
        &admin(&["verify-audit"], &restored),
        0,
        "complete and unchanged",
    );
    expect(&admin(&["restore", from], &restored), 1, "it is not empty");
}

#[test]
fn a_running_server_is_backed_up_by_its_administrator_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_dir(folder.path());
    let before = contents(&data);
    let password = folder.path().join("password");
    fs::write(&password, "correct horse battery").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let file = password.to_str().unwrap();
    let mut server = ServeProcess::start("", folder.path(), &["--root-password-file", file]);
    let url = format!("http://{}", server.address());
    let backup = folder.path().join("backup");
    let ask = |login: &[&str]| {
        command()
            .args(["admin", "backup", backup.to_str().unwrap(), "--url", &url])
            .args(login)
            .env("XDG_CONFIG_HOME", folder.path())
            .output()
            .unwrap()
    };
    let (status, all) = said(&ask(&[]));
    assert!(status == 1 && !backup.exists(), "{all}");
    let login = ["--user", "sys:root", "--password-file", file];
    expect(&ask(&login), 0, "backed up to");
    drop(server);
    let restored = folder.path().join("restored");
    let from = backup.to_str().unwrap();
    expect(&admin(&["restore", from], &restored), 0, "restored to");
    fs::copy(data.join("server.key"), restored.join("server.key")).unwrap();
    assert_eq!(contents(&restored), before);
}

#[test]
fn a_damaged_backup_is_refused_and_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (_, backup) = backed_up(folder.path());
    let restored = folder.path().join("restored");
    let from = backup.to_str().unwrap();
    let all = files(&backup);
    assert!(all.len() >= 4, "{all:?}");
    for file in all {
        let path = backup.join(&file);
        let whole = fs::read(&path).unwrap();
        flip(&path);
        // The backup's own list is no list any more; what it lists is damaged.
        expect(&admin(&["restore", from], &restored), 3, &file);
        assert!(!restored.exists(), "something was written");
        fs::write(&path, whole).unwrap();
    }
    fs::remove_file(backup.join("stagedoor-backup.json")).unwrap();
    expect(
        &admin(&["restore", from], &restored),
        1,
        "is no finished backup",
    );
}

#[test]
fn a_check_finds_damage_and_a_missing_segment() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_dir(folder.path());
    expect(&admin(&["check"], &data), 0, "1 file there");
    let segment = files(&data.join("tables")).remove(0);
    let (path, aside) = (data.join("tables").join(&segment), data.join("aside"));
    fs::rename(&path, &aside).unwrap();
    expect(
        &admin(&["check"], &data),
        3,
        &format!("tables/{segment} of the table main.t of account sys is missing"),
    );
    let bytes = fs::read(&aside).unwrap();
    fs::write(&path, &bytes[1..]).unwrap();
    expect(&admin(&["check"], &data), 3, "bytes instead of");
    fs::write(&path, &bytes).unwrap();
    fs::write(path.with_file_name("stray.parquet"), "").unwrap();
    expect(
        &admin(&["check"], &data),
        0,
        "stray.parquet is listed by no table",
    );
    flip(&data.join("catalog/journal"));
    let output = admin(&["check", "-o", "json"], &data);
    assert_eq!(output.status.code(), Some(3));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["damage"][0]["place"], "journal", "{found}");
}

#[test]
fn a_check_changes_nothing_and_tells_what_the_next_start_does() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_dir(folder.path());
    let (journal, index) = (data.join("catalog/journal"), data.join("catalog/index"));
    tear(&journal, b"half of a change");
    let before = fs::read(&journal).unwrap();
    expect(
        &admin(&["check"], &data),
        0,
        "bytes of a change that was never acknowledged",
    );
    fs::remove_dir_all(&index).unwrap();
    let output = admin(&["check"], &data);
    expect(&output, 0, "are no whole change");
    expect(&output, 0, "makes the index anew");
    assert_eq!(fs::read(&journal).unwrap(), before);
    assert!(!index.exists());
    // Whoever opens it says what that took.
    let output = sql(&data, &["-e", "SELECT 1"], "");
    expect(&output, 0, "bytes from the journal's end");
    expect(&output, 0, "made the index anew");
    let output = admin(&["check"], &data);
    expect(&output, 0, "1 file there");
    expect(&output, 0, "which is here");
    fs::remove_file(data.join("server.key")).unwrap();
    expect(&admin(&["check"], &data), 0, "before the next start");
    let before = folder.path().join("journal");
    fs::rename(&journal, &before).unwrap();
    expect(
        &admin(&["check"], &data),
        3,
        "is missing although its index exists",
    );
}

#[test]
fn nothing_is_acknowledged_behind_damage_and_the_way_out_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_dir(folder.path());
    let before = contents(&data);
    // Opening is what brings an index up to its journal, but for what the opening itself adds.
    let lacks = || {
        let output = admin(&["check", "-o", "json"], &data);
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        found["index_lacks"].as_u64().unwrap()
    };
    let began = Instant::now();
    while lacks() > 0 {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "the index lags behind"
        );
        expect(&admin(&["verify-audit"], &data), 0, "complete");
    }
    flip(&data.join("catalog/journal"));
    let output = sql(&data, &["-e", "CREATE STAGE q"], "");
    expect(&output, 1, "is damaged at byte");
    assert!(
        text(&output.stderr).contains("read-only"),
        "{}",
        text(&output.stderr)
    );
    // It can still be read.
    expect(&sql(&data, &["-e", "SHOW STAGES LIKE 's'"], ""), 0, "s3://");
    expect(&admin(&["verify-audit"], &data), 3, "is damaged at byte");
    let output = admin(&["check"], &data);
    expect(&output, 3, "write a backup of this data directory as it is");
    expect(&output, 3, "1 file there");

    let (backup, restored) = (folder.path().join("backup"), folder.path().join("restored"));
    let directory = backup.to_str().unwrap();
    expect(&admin(&["backup", directory], &data), 0, "backed up to");
    expect(&admin(&["restore", directory], &restored), 0, "restored to");
    fs::copy(data.join("server.key"), restored.join("server.key")).unwrap();
    assert_eq!(contents(&restored), before);
    expect(&admin(&["check"], &restored), 0, "No damage was found.");
}

#[test]
fn a_backup_does_not_go_where_a_stage_leads() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_dir(folder.path());
    let open = folder.path().join("open");
    fs::create_dir(&open).unwrap();
    let script = format!("CREATE STAGE o URL = 'file://{}'", open.display());
    expect(&sql(&data, &[], &script), 0, "");
    let inside = open.join("backups/1");
    expect(
        &admin(&["backup", inside.to_str().unwrap()], &data),
        1,
        "the stage o of account sys opens that directory",
    );
    assert!(!inside.exists());
}

/// What was written first is no way round that.
#[test]
fn no_stage_leads_to_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_dir(folder.path());
    let backup = folder.path().join("backups/1");
    let directory = backup.to_str().unwrap();
    expect(&admin(&["backup", directory], &data), 0, "backed up to");
    for there in [backup.clone(), backup.join("catalog")] {
        let script = format!("CREATE STAGE b URL = 'file://{}'", there.display());
        expect(&sql(&data, &[], &script), 1, "keeps");
    }
    // A stage above it has all but the backup.
    let script = format!(
        "CREATE STAGE above URL = 'file://{}'; SELECT file FROM stage_list('stage://above/**') AS f",
        folder.path().display()
    );
    let output = sql(&data, &[], &script);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        !text(&output.stdout).contains("backups/1/"),
        "{}",
        text(&output.stdout)
    );
    let manifest = "SELECT load_file('stage://above/backups/1/stagedoor-backup.json') AS f";
    expect(&sql(&data, &["-e", manifest], ""), 1, "not permitted");
}

#[test]
fn a_cut_journal_is_refused_until_the_loss_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_dir(folder.path());
    let (journal, before) = (data.join("catalog/journal"), folder.path().join("before"));
    fs::copy(&journal, &before).unwrap();
    let output = sql(&data, &["-e", "CREATE DATABASE lost"], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    // An index that lags behind cannot tell; this opening brings it up.
    expect(
        &admin(&["verify-audit"], &data),
        0,
        "complete and unchanged",
    );
    fs::copy(&before, &journal).unwrap();
    let way_out = "--accept-lost-changes";
    expect(&sql(&data, &["-e", "SELECT 1"], ""), 1, way_out);
    expect(&admin(&["rebuild"], &data), 3, way_out);
    expect(&admin(&["check"], &data), 3, "bring back the right journal");
    let output = admin(&["rebuild", way_out], &data);
    expect(&output, 0, "changes that had been acknowledged");
    assert!(data.join("catalog/index.ahead").exists());
    contents(&data);
    let server = command()
        .args(["sql", "--log", "warn", "-e", "SELECT 1", "--data-dir"])
        .arg(&data)
        .output()
        .unwrap();
    expect(&server, 0, "acknowledged changes that a cut journal lost");
    expect(&admin(&["rebuild"], &data), 0, "made the index anew");
}

#[test]
fn rows_of_a_change_that_was_given_up_are_kept_with_its_index() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_dir(folder.path());
    let script = "CREATE TABLE kept (a INT); INSERT INTO kept VALUES (1)";
    expect(&sql(&data, &["-e", script], ""), 0, "");
    let (journal, before) = (data.join("catalog/journal"), folder.path().join("before"));
    fs::copy(&journal, &before).unwrap();
    let insert = ["-e", "INSERT INTO kept VALUES (2)"];
    expect(&sql(&data, &insert, ""), 0, "");
    // An index that lags behind cannot tell; this opening brings it up.
    expect(&admin(&["verify-audit"], &data), 0, "complete");
    let segments = || {
        let files = files(&data).into_iter();
        files.filter(|name| name.ends_with(".parquet")).count()
    };
    let all = segments();
    fs::copy(&before, &journal).unwrap();
    let output = admin(&["rebuild", "--accept-lost-changes"], &data);
    expect(&output, 0, "acknowledged");
    let count = ["--log", "warn", "-e", "SELECT COUNT(*) FROM kept"];
    expect(&sql(&data, &count, ""), 0, "catalog/index.ahead may list");
    assert_eq!(segments(), all);
    // Nobody needs it any more.
    fs::remove_dir_all(data.join("catalog/index.ahead")).unwrap();
    expect(&sql(&data, &count, ""), 0, "1");
    assert_eq!(segments(), all - 1);
}

fn key_files(data: &Path) -> Vec<String> {
    let mut names = files(data);
    names.retain(|name| name.starts_with("server.key"));
    names
}

#[test]
fn the_key_is_rotated_and_the_old_one_removed() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_dir(folder.path());
    let (before, old) = (contents(&data), fs::read(data.join("server.key")).unwrap());
    let journal = fs::read(data.join("catalog/journal")).unwrap();
    expect(
        &admin(&["rotate-key"], &data),
        0,
        "2 secrets were moved to it",
    );
    assert_eq!(key_files(&data), ["server.key"]);
    assert_ne!(fs::read(data.join("server.key")).unwrap(), old);
    // What the journal was, which the old key opens, is not the beginning of what it is.
    let now = fs::read(data.join("catalog/journal")).unwrap();
    assert!(!now.starts_with(&journal));
    assert_eq!(contents(&data), before);
    // The old one opens nothing any more.
    fs::write(data.join("server.key"), &old).unwrap();
    expect(
        &sql(&data, &["-e", "SELECT 1"], ""),
        1,
        "are sealed by the server key",
    );
}

/// The files of each moment at which a rotation can be killed between two changes of a name.
#[test]
fn a_rotation_that_was_killed_is_finished_by_the_next() {
    for moment in ["half a key", "not begun", "all moved", "linked", "in place"] {
        let folder = tempfile::tempdir().unwrap();
        let data = data_dir(folder.path());
        let before = contents(&data);
        let key = data.join("server.key");
        let with = |ending: &str| data.join(format!("server.key.{ending}"));
        let private = |path: &Path, bytes: &[u8]| {
            fs::write(path, bytes).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        };
        let old = fs::read(&key).unwrap();
        let new = b"sdkey1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
        let given = folder.path().join("new");
        private(&given, new);
        let moved = || {
            let words = ["rotate-key", "--new-key-file", given.to_str().unwrap()];
            expect(&admin(&words, &data), 0, "secrets were moved");
        };
        match moment {
            "half a key" => private(&with("new.part"), &new[..20]),
            "not begun" => private(&with("new"), new),
            "all moved" | "linked" => {
                moved();
                private(&key, &old);
                private(&with("new"), new);
                if moment == "linked" {
                    private(&with("old-0123456789abcdef"), &old);
                }
            }
            _ => {
                moved();
                private(&with("old-0123456789abcdef"), &old);
            }
        }
        assert_eq!(contents(&data), before, "{moment}: a server uses both");
        expect(&admin(&["rotate-key"], &data), 0, "the server key is now");
        assert_eq!(key_files(&data), ["server.key"], "{moment}");
        assert_eq!(
            fs::read(&key).unwrap() == new,
            moment != "half a key",
            "{moment}"
        );
        assert_eq!(contents(&data), before, "{moment}");
    }
}

#[test]
fn keys_that_will_not_do_are_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_dir(folder.path());
    let key = data.join("server.key");
    let given = key.to_str().unwrap();
    let words = ["rotate-key", "--new-key-file", given];
    expect(&admin(&words, &data), 1, "is the one in force already");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    expect(&admin(&["rotate-key"], &data), 1, "chmod 600");
    fs::remove_file(&key).unwrap();
    expect(&admin(&["rotate-key"], &data), 1, "it cannot be opened");
    let output = command()
        .args(["admin", "rotate-key", "--data-dir"])
        .arg(&data)
        .env("STAGEDOOR_SECRETS_KEY_ENV", "SOME_KEY")
        .output()
        .unwrap();
    expect(&output, 1, "give it with --new-key-file");
}

#[test]
fn a_running_server_and_what_is_no_data_directory_are_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_dir(folder.path());
    let serving = Serving::start(&data);
    for words in [
        &["check"][..],
        &["rebuild"],
        &["rotate-key"],
        &["verify-audit"],
    ] {
        expect(&admin(words, &data), 1, "stop the server first");
    }
    assert_eq!(key_files(&data), ["server.key"]);
    drop(serving);
    for words in [
        &["check"][..],
        &["rebuild"],
        &["rotate-key"],
        &["verify-audit"],
    ] {
        let nowhere = folder.path().join("nowhere");
        expect(&admin(words, &nowhere), 1, "is no data directory");
        assert!(!nowhere.exists());
    }
    let read_only = sql(Path::new("/proc/self"), &["-e", "SELECT 1"], "");
    expect(&read_only, 1, "is not writable for this process");
    expect(
        &admin(&["verify-audit", "--user", "x"], &data),
        2,
        "cannot be used with",
    );
}
