//! The token file: its bytes, its modes, and what is refused.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// Version 1, as it was first written. Never to be changed.
const FROZEN: &str = r#"{
  "version": 1,
  "logins": {
    "http://127.0.0.1:7550": {
      "token": "hush",
      "name": "tokens/1",
      "account": "sys",
      "user": "root",
      "role": "moadmin",
      "expires_s": 1795564800
    }
  }
}
"#;

fn login(token: &str) -> KeptLogin {
    KeptLogin {
        token: token.into(),
        name: "tokens/1".to_owned(),
        account: "sys".to_owned(),
        user: "root".to_owned(),
        role: "moadmin".to_owned(),
        expires_s: 1_795_564_800,
    }
}

fn url(text: &str) -> ServerUrl {
    ServerUrl::parse(text).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn found(file: &TokenFile, at: &str) -> Option<String> {
    let login = file.find(&url(at)).unwrap()?;
    Some(login.token.expose_secret().to_owned())
}

/// A file below a directory that does not exist yet.
fn fresh(home: &tempfile::TempDir) -> TokenFile {
    let variable = |name: &str| (name == "HOME").then(|| OsString::from(home.path()));
    TokenFile::of_user(Environment::new(&variable)).unwrap()
}

#[test]
fn the_format_is_frozen() {
    let home = tempfile::tempdir().unwrap();
    let file = fresh(&home);
    file.keep(&url("http://127.0.0.1:7550/"), login("hush"))
        .unwrap();
    assert_eq!(fs::read_to_string(&file.path).unwrap(), FROZEN);
    assert_eq!(
        found(&file, "HTTP://127.0.0.1:7550").as_deref(),
        Some("hush")
    );
}

#[test]
fn logins_are_kept_by_server() {
    let home = tempfile::tempdir().unwrap();
    let file = fresh(&home);
    assert_eq!(found(&file, "http://a"), None);
    assert!(file.keep(&url("http://a"), login("1")).unwrap().is_none());
    assert!(file.keep(&url("https://a"), login("2")).unwrap().is_none());
    let replaced = file.keep(&url("http://a:80"), login("3")).unwrap().unwrap();
    assert_eq!(replaced.token.expose_secret(), "1");
    assert_eq!(found(&file, "http://a").as_deref(), Some("3"));
    assert_eq!(
        file.forget(&url("http://a"))
            .unwrap()
            .unwrap()
            .token
            .expose_secret(),
        "3"
    );
    assert!(file.forget(&url("http://a")).unwrap().is_none());
    assert_eq!(found(&file, "http://a"), None);
    assert_eq!(found(&file, "https://a").as_deref(), Some("2"));
}

#[test]
fn nobody_else_can_read_it() {
    let home = tempfile::tempdir().unwrap();
    let file = fresh(&home);
    let dir = home.path().join(".config/stagedoor");
    fs::create_dir_all(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    file.keep(&url("http://a"), login("1")).unwrap();
    assert_eq!(file.path, dir.join("tokens.json"));
    assert_eq!(mode(&file.path), 0o600);
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(
        fs::read_dir(&dir).unwrap().count(),
        1,
        "no temporary file is left"
    );
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_way_out() {
    let home = tempfile::tempdir().unwrap();
    let file = fresh(&home);
    file.keep(&url("http://a"), login("1")).unwrap();
    fs::set_permissions(&file.path, fs::Permissions::from_mode(0o640)).unwrap();
    let refusals = [
        file.find(&url("http://a")).err(),
        file.keep(&url("http://b"), login("2")).err(),
        file.forget(&url("http://a")).err(),
    ];
    for refusal in refusals {
        let refusal = refusal.unwrap().to_string();
        let chmod = format!("run `chmod 600 {}`", file.path.display());
        assert!(refusal.contains(&chmod), "{refusal}");
    }
    fs::set_permissions(&file.path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(found(&file, "http://a").as_deref(), Some("1"));
    assert_eq!(found(&file, "http://b"), None);
}

#[test]
fn another_text_is_refused_and_not_repeated() {
    let home = tempfile::tempdir().unwrap();
    let file = fresh(&home);
    file.keep(&url("http://a"), login("1")).unwrap();
    for (text, words) in [
        (
            FROZEN.replace("\"version\": 1", "\"version\": 2"),
            "version 2",
        ),
        (
            FROZEN.replace("\"token\": \"hush\"", "\"hush\": 1"),
            "line 5 is not",
        ),
        (FROZEN.replace("1795564800", "\"hush\""), "line 10 is not"),
        ("hush".to_owned(), "line 1 is not"),
        (String::new(), "is not"),
    ] {
        fs::write(&file.path, text).unwrap();
        let refusal = format!("{:#}", file.find(&url("http://a")).err().unwrap());
        assert!(refusal.contains(words), "{refusal}");
        assert!(refusal.contains("tokens.json"), "{refusal}");
        assert!(!refusal.contains("hush"), "{refusal}");
    }
}
