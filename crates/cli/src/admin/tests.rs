//! Exit statuses and names, against a server of our own.
#![expect(clippy::unwrap_used, reason = "tests")]

use clap::Parser;

use super::*;
use crate::args::{Cli, Command};
use crate::stub::Stub;

/// The exit status of `stagedoor admin …`, and what it prints.
async fn admin(words: &[&str]) -> anyhow::Result<(u8, String)> {
    let words = ["stagedoor", "admin"].iter().chain(words);
    let args = match Cli::try_parse_from(words).unwrap().command {
        Command::Admin(args) => args,
        _ => unreachable!("admin was asked for"),
    };
    let mut out = Vec::new();
    let status = run(args, Environment::new(&|_| None), &mut out).await?;
    Ok((status, String::from_utf8(out).unwrap()))
}

#[tokio::test]
async fn damage_has_a_status_of_its_own() {
    let server = Stub::start(None).await;
    let words = ["verify-audit", "--url", &server.url()];
    let (status, printed) = admin(&words).await.unwrap();
    assert_eq!(status, 3);
    assert!(printed.contains("audit record 4"), "{printed}");
}

#[tokio::test]
async fn a_session_may_be_named_with_or_without_its_kind() {
    let server = Stub::start(None).await;
    let url = server.url();
    for id in ["7", "sessions/7"] {
        let (status, printed) = admin(&["kill", id, "--url", &url]).await.unwrap();
        assert_eq!((status, printed.as_str()), (0, "session 7 is closed\n"));
    }
    assert_eq!(server.killed(), ["sessions/7", "sessions/7"]);
}

#[tokio::test]
async fn a_refusal_is_the_servers() {
    let server = Stub::start(None).await;
    let error = admin(&["status", "--url", &server.url()])
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "ERROR 1227 (42000): only moadmin may");
}

#[tokio::test]
async fn a_relative_directory_is_a_wrong_command_line() {
    let error = admin(&["backup", "here"]).await.unwrap_err();
    assert!(error.downcast_ref::<Usage>().is_some(), "{error}");
    assert!(
        error.to_string().contains("not an absolute path"),
        "{error}"
    );
}
