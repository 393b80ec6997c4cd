//! Login, its use, and logout, against a server of our own and a home directory of our own.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use clap::Parser;
use tempfile::TempDir;

use super::*;
use crate::args::{Cli, Command};
use crate::stub::{LOGIN, PASSWORD, Stub};

/// A user of the program: a home, and variables.
struct User {
    home: TempDir,
    password: &'static str,
}

impl User {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            password: PASSWORD,
        }
    }

    /// What `stagedoor …` prints.
    async fn run(&self, words: &[&str]) -> Result<String, String> {
        let variable = |name: &str| match name {
            "HOME" => Some(OsString::from(self.home.path())),
            "STAGEDOOR_PASSWORD" => Some(OsString::from(self.password)),
            _ => None,
        };
        let env = Environment::new(&variable);
        let mut out = Vec::new();
        let done = match Cli::try_parse_from(["stagedoor"].iter().chain(words))
            .unwrap()
            .command
        {
            Command::Login(args) => login(&args, env, &mut out).await,
            Command::Logout(args) => logout(&args, env, &mut out).await,
            Command::Whoami(args) => whoami(&args, env, &mut out).await,
            _ => unreachable!("only these are run here"),
        };
        let printed = String::from_utf8(out).unwrap();
        assert!(!printed.contains("token-"), "{printed}");
        done.map(|()| printed).map_err(|error| {
            let error = format!("{error:#}");
            assert!(
                !error.contains("token-") && !error.contains(PASSWORD),
                "{error}"
            );
            error
        })
    }

    fn file(&self) -> PathBuf {
        self.home.path().join(".config/stagedoor/tokens.json")
    }
}

#[tokio::test]
async fn a_login_is_kept_used_and_forgotten() {
    let (server, user) = (Stub::start(None).await, User::new());
    let url = server.url();
    let words = ["login", "--url", &url, "--user", LOGIN, "--label", "tests"];
    assert_eq!(
        user.run(&words).await.unwrap(),
        format!("logged in to {url} as acme:ann, in role analyst, until 2026-11-25 00:00:00 UTC\n")
    );
    assert_eq!(server.labels(), ["tests"]);
    assert_eq!(server.live_tokens(), ["token-1"]);
    assert!(fs::read_to_string(user.file()).unwrap().contains("token-1"));

    // The password is no longer looked at.
    let user = User {
        password: "",
        ..user
    };
    assert_eq!(
        user.run(&["whoami", "--url", &url]).await.unwrap(),
        "acme:ann, in role analyst; may act in analyst, public\n"
    );
    assert_eq!(
        user.run(&["whoami", "--url", &url, "-o", "json"])
            .await
            .unwrap(),
        "{\"account\":\"acme\",\"role\":\"analyst\",\"roles\":[\"analyst\",\"public\"],\"user\":\"ann\"}\n"
    );

    let said = user.run(&["logout", "--url", &url]).await.unwrap();
    assert_eq!(
        said,
        format!("logged out of {url}, where acme:ann was logged in\n")
    );
    assert!(server.live_tokens().is_empty());
    assert!(!fs::read_to_string(user.file()).unwrap().contains("token-1"));
    let said = user.run(&["logout", "--url", &url]).await.unwrap();
    assert_eq!(said, format!("no login is kept for {url}\n"));
    let refusal = user.run(&["whoami", "--url", &url]).await.unwrap_err();
    assert!(
        refusal.contains("log in once: stagedoor login --url"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_second_login_revokes_the_first() {
    let (server, user) = (Stub::start(None).await, User::new());
    let url = server.url();
    let words = ["login", "--url", &url, "--user", LOGIN];
    user.run(&words).await.unwrap();
    user.run(&words).await.unwrap();
    assert_eq!(server.live_tokens(), ["token-2"]);
}

#[tokio::test]
async fn a_wrong_password_keeps_nothing() {
    let (server, user) = (Stub::start(None).await, User::new());
    let user = User {
        password: "wrong",
        ..user
    };
    let words = ["login", "--url", &server.url(), "--user", LOGIN];
    let refusal = user.run(&words).await.unwrap_err();
    assert_eq!(refusal, "ERROR 1045 (28000): access denied");
    assert!(!user.file().exists());
}

#[tokio::test]
async fn a_token_that_cannot_be_kept_is_revoked() {
    let (server, user) = (Stub::start(None).await, User::new());
    // A link to nowhere, where the directory should be.
    let config = user.home.path().join(".config");
    fs::create_dir(&config).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", config.join("stagedoor")).unwrap();
    let words = ["login", "--url", &server.url(), "--user", LOGIN];
    let error = user.run(&words).await.unwrap_err();
    assert!(error.contains("cannot keep logins in"), "{error}");
    assert_eq!(server.labels().len(), 1);
    assert!(server.live_tokens().is_empty());
}

#[tokio::test]
async fn a_revoked_token_is_told_of() {
    let (server, user) = (Stub::start(None).await, User::new());
    let url = server.url();
    user.run(&["login", "--url", &url, "--user", LOGIN])
        .await
        .unwrap();
    server.revoke_all();
    let refusal = user.run(&["whoami", "--url", &url]).await.unwrap_err();
    assert!(
        refusal.contains("has expired or was revoked; log in again"),
        "{refusal}"
    );
    // Another login of the command line comes before it.
    let words = ["whoami", "--url", &url, "--user", LOGIN];
    assert!(user.run(&words).await.is_ok());
    assert!(user.run(&["logout", "--url", &url]).await.is_ok());
}

#[tokio::test]
async fn a_login_is_forgotten_though_the_server_is_gone() {
    let (server, user) = (Stub::start(None).await, User::new());
    let gone = "http://127.0.0.1:1";
    user.run(&["login", "--url", &server.url(), "--user", LOGIN])
        .await
        .unwrap();
    let text = fs::read_to_string(user.file()).unwrap();
    fs::write(user.file(), text.replace(&server.url(), gone)).unwrap();
    assert!(user.run(&["logout", "--url", gone]).await.is_ok());
    assert!(!fs::read_to_string(user.file()).unwrap().contains("token-1"));
}

#[tokio::test]
async fn a_kept_token_does_not_go_out_in_plain_text() {
    let (server, user) = (Stub::start(None).await, User::new());
    user.run(&["login", "--url", &server.url(), "--user", LOGIN])
        .await
        .unwrap();
    let text = fs::read_to_string(user.file()).unwrap();
    fs::write(user.file(), text.replace(&server.url(), "http://192.0.2.1")).unwrap();
    let refusal = user
        .run(&["whoami", "--url", "http://192.0.2.1"])
        .await
        .unwrap_err();
    assert!(refusal.contains("in plain text"), "{refusal}");
}

#[tokio::test]
async fn somebody_must_log_in() {
    let refusal = User::new().run(&["login"]).await.unwrap_err();
    assert!(refusal.contains("give --user"), "{refusal}");
}
