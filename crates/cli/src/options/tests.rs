//! Which of options and environment counts, and which of them do not go together.
#![expect(clippy::unwrap_used, reason = "tests")]

use clap::Parser;

use super::*;
use crate::args::{Cli, Command, SqlArgs};

fn sql_args(options: &[&str]) -> SqlArgs {
    let words = ["stagedoor", "sql"].iter().chain(options);
    match Cli::try_parse_from(words).unwrap().command {
        Command::Sql(args) => args,
        _ => unreachable!("sql was asked for"),
    }
}

/// What `stagedoor sql` with `options` in this environment uses: `DIR`, or `URL as WHOM`.
fn used(options: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<String> {
    let variable = |name: &str| {
        environment
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| OsString::from(value))
    };
    let place = place(&sql_args(options).place, Environment::new(&variable))?;
    Ok(match place {
        #[cfg(feature = "embedded")]
        Place::DataDir(settings) => settings.data_dir.display().to_string(),
        Place::Server(address, credential) => {
            let whom = match credential {
                Credential::Nobody => "nobody".to_owned(),
                Credential::Password { login, .. } => login.to_string(),
                Credential::Token { login, .. } => format!("{login} by token"),
            };
            format!("{} as {whom}", address.url)
        }
    })
}

fn refusal(options: &[&str], environment: &[(&str, &str)]) -> String {
    let error = used(options, environment).unwrap_err();
    assert!(error.downcast_ref::<Usage>().is_some(), "{error}");
    error.to_string()
}

const PASSWORD: (&str, &str) = ("STAGEDOOR_PASSWORD", "hush");

#[test]
fn an_option_comes_before_the_environment() {
    let variables = [
        ("STAGEDOOR_URL", "http://127.0.0.1:1"),
        ("STAGEDOOR_USER", "acme:env"),
        PASSWORD,
    ];
    assert_eq!(
        used(&[], &variables).unwrap(),
        "http://127.0.0.1:1 as acme:env"
    );
    assert_eq!(
        used(
            &["--url", "http://127.0.0.1:2", "--user", "ann"],
            &variables
        )
        .unwrap(),
        "http://127.0.0.1:2 as sys:ann"
    );
}

#[cfg(feature = "embedded")]
#[test]
fn a_data_directory_is_used_unless_a_server_is_named() {
    let home = ("HOME", "/home/ann");
    let dir = ("STAGEDOOR_DATA_DIR", "/env");
    let url = ("STAGEDOOR_URL", "http://127.0.0.1:1");
    assert_eq!(
        used(&[], &[home]).unwrap(),
        "/home/ann/.local/share/stagedoor"
    );
    assert_eq!(used(&[], &[home, dir]).unwrap(), "/env");
    assert_eq!(used(&["--data-dir", "/opt"], &[dir, url]).unwrap(), "/opt");
    assert_eq!(
        used(&["--url", url.1], &[dir]).unwrap(),
        "http://127.0.0.1:1 as nobody"
    );
    assert!(refusal(&[], &[dir, url]).contains("are both set"));
    assert!(refusal(&[], &[]).contains("no home directory"));
}

#[cfg(feature = "embedded")]
#[test]
fn a_data_directory_has_no_login() {
    for option in [
        ["--user", "ann"],
        ["--ca-file", "f"],
        ["--client-cert", "f"],
        ["--client-key", "f"],
    ] {
        let refusal = refusal(&["--data-dir", "d", option[0], option[1]], &[]);
        assert!(refusal.starts_with(option[0]), "{refusal}");
        assert!(refusal.contains("owns it"), "{refusal}");
    }
    // The environment is for whichever command needs it.
    let user = ("STAGEDOOR_USER", "ann");
    assert_eq!(used(&["--data-dir", "d"], &[user]).unwrap(), "d");
}

#[test]
fn secrets_go_in_plain_text_only_within_the_machine() {
    let url = ["--url", "http://10.0.0.1:1", "--user", "ann"];
    let refused = refusal(&url, &[PASSWORD]);
    assert!(refused.contains("--insecure"), "{refused}");
    let with_insecure = [url.as_slice(), &["--insecure"]].concat();
    assert_eq!(
        used(&with_insecure, &[PASSWORD]).unwrap(),
        "http://10.0.0.1:1 as sys:ann"
    );
    // Without a secret there is none to protect.
    assert_eq!(
        used(&url[..2], &[PASSWORD]).unwrap(),
        "http://10.0.0.1:1 as nobody"
    );
    let tls = ["--url", "https://10.0.0.1:1", "--user", "ann"];
    assert_eq!(
        used(&tls, &[PASSWORD]).unwrap(),
        "https://10.0.0.1:1 as sys:ann"
    );
}

#[test]
fn no_password_is_taken_from_the_command_line() {
    for options in [
        ["--url", "http://127.0.0.1:1", "--password", "hush"].as_slice(),
        &["--url", "http://127.0.0.1:1", "--password=hush"],
        &["--url", "http://127.0.0.1:1", "--password"],
        &["--password", "hush", "--user", "ann"],
    ] {
        let refusal = refusal(options, &[]);
        assert!(refusal.contains("use --password-file"), "{refusal}");
        assert!(!refusal.contains("hush"), "{refusal}");
        assert!(!format!("{:?}", sql_args(options)).contains("hush"));
    }
}

fn tls(options: &[&str], environment: &[(&str, &str)]) -> Result<TlsFiles, Usage> {
    let variable = |name: &str| {
        environment
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| OsString::from(value))
    };
    let args = sql_args(options).place;
    address(
        args.url.as_deref(),
        &args.transport,
        Environment::new(&variable),
    )
    .map(|address| address.tls)
}

#[test]
fn tls_files_come_from_options_and_environment() {
    let variables = [
        ("STAGEDOOR_CA_FILE", "ca"),
        ("STAGEDOOR_CLIENT_CERT", "cert"),
        ("STAGEDOOR_CLIENT_KEY", "key"),
    ];
    let https = ["--url", "https://h"];
    let files = tls(&https, &variables).unwrap();
    assert_eq!(files.ca, Some("ca".into()));
    assert_eq!(files.client, Some(("cert".into(), "key".into())));
    let files = tls(&["--url", "https://h", "--ca-file", "other"], &variables).unwrap();
    assert_eq!(files.ca, Some("other".into()));
    assert_eq!(
        tls(&["--url", "http://h"], &variables).unwrap(),
        TlsFiles::default()
    );
    let half = tls(&https, &variables[..2]).unwrap_err().to_string();
    assert!(half.contains("go together"), "{half}");
    let plain = tls(&["--url", "http://h", "--ca-file", "ca"], &[]).unwrap_err();
    assert!(
        plain.to_string().contains("is for an https:// server"),
        "{plain}"
    );
}
