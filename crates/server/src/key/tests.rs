//! The server key from each place: what is taken, what is refused, and that no error repeats it.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

const TEXT: &str = "sdkey1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn bytes() -> [u8; KEY_BYTES] {
    std::array::from_fn(|i| i as u8)
}

fn settings(folder: &Path) -> Settings {
    Settings::embedded(folder)
}

/// As if a server had been here before.
fn make_used(folder: &Path) {
    fs::create_dir(folder.join("catalog")).unwrap();
}

fn key_file(folder: &Path, text: &str, mode: u32) -> PathBuf {
    let path = folder.join(FILE_NAME);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn refusal(settings: &Settings) -> String {
    let error = load_or_create(settings).unwrap_err().to_string();
    assert!(!error.contains("AAECAwQF"), "{error}");
    error
}

#[test]
fn the_first_start_makes_a_file_that_later_ones_read() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let made = load_or_create(&settings).unwrap();
    let path = folder.path().join(FILE_NAME);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    make_used(folder.path());
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("sdkey1:") && text.ends_with("=\n") && text.len() == 52);
    assert_eq!(load_or_create(&settings).unwrap().expose(), made.expose());
    assert_eq!(format!("{made:?}"), "***");
    // Another directory gets another one.
    let other = tempfile::tempdir().unwrap();
    let other = load_or_create(&Settings::embedded(other.path())).unwrap();
    assert_ne!(other.expose(), made.expose());
}

#[test]
fn the_text_form_is_frozen() {
    let folder = tempfile::tempdir().unwrap();
    key_file(folder.path(), TEXT, 0o600);
    let key = load_or_create(&settings(folder.path())).unwrap();
    assert_eq!(key.expose(), &bytes());
    assert_eq!(*key.to_line(), format!("{TEXT}\n"));
}

#[test]
fn a_missing_file_is_made_in_a_new_data_directory_only() {
    let folder = tempfile::tempdir().unwrap();
    make_used(folder.path());
    let error = refusal(&settings(folder.path()));
    assert!(
        error.contains("is missing, and the data directory is not new: restore it"),
        "{error}"
    );
    assert!(!folder.path().join(FILE_NAME).exists());
}

#[test]
fn a_file_elsewhere_is_used_and_made() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut settings = settings(folder.path());
    let path = elsewhere.path().join("k");
    settings.secrets.key_file = Some(path.clone());
    let made = load_or_create(&settings).unwrap();
    assert!(path.exists() && !folder.path().join(FILE_NAME).exists());
    // A link to it is as good.
    let link = elsewhere.path().join("link");
    symlink(&path, &link).unwrap();
    settings.secrets.key_file = Some(link);
    assert_eq!(load_or_create(&settings).unwrap().expose(), made.expose());
    settings.secrets.key_file = Some(elsewhere.path().join("none/k"));
    assert!(refusal(&settings).contains("cannot be made: No such file or directory"));
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o640, 0o604, 0o660, 0o622] {
        let path = key_file(folder.path(), TEXT, mode);
        let error = refusal(&settings(folder.path()));
        let expected = format!(
            "(mode {mode:o}), so it is refused: chmod 600 '{}'",
            path.display()
        );
        assert!(error.contains(&expected), "{error}");
    }
}

#[test]
fn other_contents_are_refused_without_repeating_them() {
    let folder = tempfile::tempdir().unwrap();
    for (text, expected) in [
        (
            "",
            "it is empty; a server key is one line: sdkey1: and 44 characters of base64",
        ),
        (
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "it does not begin with sdkey1:",
        ),
        (
            "sdkey1:AAECAwQFBgc=",
            "there are 12 characters after sdkey1:",
        ),
        (
            "sdkey1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8h",
            "is no base64 of 32 bytes",
        ),
        (
            "sdkey1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH!8=",
            "is no base64 of 32 bytes",
        ),
    ] {
        key_file(folder.path(), text, 0o600);
        let error = refusal(&settings(folder.path()));
        assert!(error.contains(expected), "{error}");
    }
    key_file(folder.path(), &"AAECAwQF".repeat(1000), 0o600);
    assert!(refusal(&settings(folder.path())).contains("it has 8000 bytes and is no key"));
    fs::remove_file(folder.path().join(FILE_NAME)).unwrap();
    fs::create_dir(folder.path().join(FILE_NAME)).unwrap();
    assert!(refusal(&settings(folder.path())).contains("it is no regular file"));
}

#[test]
fn a_variable_holds_the_key() {
    let key = from_environment("K", Some(format!(" {TEXT}\n").into())).unwrap();
    assert_eq!(key.expose(), &bytes());
    let missing = from_environment("K", None).unwrap_err();
    assert_eq!(
        missing,
        "secrets.key_env names K, but there is no such environment variable"
    );
    let wrong = from_environment("K", Some("AAECAwQF".into())).unwrap_err();
    assert!(wrong.contains("K (secrets.key_env) is no server key: it does not begin with"));
    assert!(!wrong.contains("AAECAwQF"));
}

fn command(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

#[test]
fn a_program_gives_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    // Its arguments pass no shell.
    settings.secrets.key_command = Some(command(&["printf", "%s\n", TEXT]));
    assert_eq!(load_or_create(&settings).unwrap().expose(), &bytes());
    assert!(!folder.path().join(FILE_NAME).exists());
    settings.secrets.key_command = Some(command(&["echo", "$AAECAwQF"]));
    assert!(refusal(&settings).contains("the output of secrets.key_command is no server key"));
    settings.secrets.key_command =
        Some(command(&["sh", "-c", "echo no \x1b such key >&2; exit 3"]));
    let error = refusal(&settings);
    assert!(
        error.contains("'sh' failed (exit status: 3): no   such key"),
        "{error}"
    );
    settings.secrets.key_command = Some(command(&["/nonexistent/program"]));
    assert!(refusal(&settings).contains("'/nonexistent/program' cannot be started"));
}

#[test]
fn a_program_that_does_not_end_is_ended() {
    for forever in [
        &["sleep", "1000"][..],
        // It has given everything, and lives on.
        &["sh", "-c", "exec >&-; exec sleep 1000"],
    ] {
        let error =
            command::output_within(&command(forever), Duration::from_millis(100)).unwrap_err();
        assert!(error.contains("did not end within 0 s"), "{error}");
    }
}
