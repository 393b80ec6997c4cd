//! Where logins and passwords come from, in which order, and that errors hold none.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::ffi::OsString;
use std::fs;

use secrecy::ExposeSecret;

use super::*;

fn parsed(text: &str) -> Option<String> {
    LoginName::parse(text).ok().map(|login| login.to_string())
}

#[test]
fn a_login_name_has_three_forms() {
    assert_eq!(parsed("ann").as_deref(), Some("sys:ann"));
    assert_eq!(parsed("acme:ann").as_deref(), Some("acme:ann"));
    assert_eq!(
        parsed("acme:ann:analyst").as_deref(),
        Some("acme:ann:analyst")
    );
    for wrong in ["", ":", "acme:", ":ann", "acme:ann:", "a:b:c:hush"] {
        let refusal = LoginName::parse(wrong).unwrap_err().to_string();
        assert!(refusal.contains("without a password"), "{refusal}");
        assert!(!refusal.contains("hush"), "{refusal}");
    }
}

fn options(user: Option<&str>, password_file: Option<&Path>) -> LoginOptions {
    LoginOptions {
        user: user.map(str::to_owned),
        password_file: password_file.map(Path::to_owned),
        password: None,
    }
}

#[test]
fn the_option_comes_before_the_environment() {
    let env = |name: &str| (name == "STAGEDOOR_USER").then(|| OsString::from("acme:env"));
    let env = Environment::new(&env);
    let name = |user| login_name(&options(user, None), env).unwrap().unwrap();
    assert_eq!(name(None).to_string(), "acme:env");
    assert_eq!(name(Some("opt")).to_string(), "sys:opt");
}

#[test]
fn a_password_needs_somebody() {
    let env = |_: &str| None;
    let env = Environment::new(&env);
    let refusal = login_name(&options(None, Some(Path::new("f"))), env).unwrap_err();
    assert!(refusal.to_string().contains("needs --user"), "{refusal}");
    assert_eq!(login_name(&options(None, None), env).unwrap(), None);
}

/// The password that is found with `file`, STAGEDOOR_PASSWORD and a prompt that answers `asked`.
fn found(file: Option<&Path>, variable: Option<&str>) -> anyhow::Result<String> {
    let env = |name: &str| {
        assert_eq!(name, "STAGEDOOR_PASSWORD");
        variable.map(OsString::from)
    };
    let login = LoginName::parse("ann").unwrap();
    let secret = password(&login, file, Environment::new(&env), |_| Ok("asked".into()))?;
    Ok(secret.expose_secret().to_owned())
}

#[test]
fn the_file_comes_first_then_the_environment_then_the_prompt() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    fs::write(&file, "from file\n").unwrap();
    assert_eq!(found(Some(&file), Some("variable")).unwrap(), "from file");
    assert_eq!(found(None, Some("variable")).unwrap(), "variable");
    assert_eq!(found(None, Some("")).unwrap(), "asked");
    assert_eq!(found(None, None).unwrap(), "asked");
}

#[test]
fn one_newline_is_cut_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    for (text, password) in [
        ("a b ", "a b "),
        ("a\n", "a"),
        ("a\r\n", "a"),
        ("a\n\n", "a\n"),
    ] {
        fs::write(&file, text).unwrap();
        assert_eq!(found(Some(&file), None).unwrap(), password);
    }
}

#[test]
fn a_file_without_a_password_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    let refusal = |file: &Path| format!("{:#}", found(Some(file), None).unwrap_err());
    assert!(refusal(&file).contains("cannot read the password file"));
    fs::write(&file, "\n").unwrap();
    assert!(refusal(&file).contains("is empty"));
    fs::write(&file, "hush".repeat(1025)).unwrap();
    assert!(refusal(&file).contains("longer than a password"));
    assert!(!refusal(&file).contains("hush"));
    fs::write(&file, b"hush\xff").unwrap();
    assert!(!refusal(&file).contains("hush"));
}

#[test]
fn a_file_that_others_can_read_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("password");
    fs::write(&path, "hush").unwrap();
    let mode = |mode| {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        open_to_others(&File::open(&path).unwrap())
    };
    assert_eq!(mode(0o600), None);
    assert_eq!(mode(0o400), None);
    assert_eq!(mode(0o640), Some(0o640));
    assert_eq!(mode(0o604), Some(0o604));
    assert_eq!(open_to_others(&File::open("/dev/null").unwrap()), None);
}
