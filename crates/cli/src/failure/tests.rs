//! How failures read, and what they advise.

use std::collections::HashMap;

use tonic_types::ErrorDetails;

use super::*;

fn target(asker: Asker) -> Target {
    Target::new("http://h:1", asker)
}

fn with_info(domain: &str) -> Status {
    let metadata = HashMap::from([
        ("code".to_owned(), "20101".to_owned()),
        ("sqlstate".to_owned(), "HY000".to_owned()),
    ]);
    Status::with_error_details(
        Code::FailedPrecondition,
        "internal error: stage exists, please try to check and use a stage instead",
        ErrorDetails::with_error_info("STAGE_REQUIRED", domain, metadata),
    )
}

#[test]
fn the_servers_error_reads_as_mysql_prints_it() {
    assert_eq!(
        Failure::from_status(&with_info("stagedoor"), &target(Asker::Password)).to_string(),
        "ERROR 20101 (HY000): internal error: stage exists, please try to check and use a stage instead"
    );
}

#[test]
fn another_services_error_info_is_not_ours() {
    let text =
        Failure::from_status(&with_info("googleapis.com"), &target(Asker::Password)).to_string();
    assert!(
        text.starts_with("ERROR 1105 (HY000): FailedPrecondition: "),
        "{text}"
    );
}

#[test]
fn an_unreachable_server_is_named() {
    let status = Status::unavailable("tcp connect error");
    assert_eq!(
        Failure::from_status(&status, &target(Asker::Password)).to_string(),
        "ERROR 2003 (HY000): cannot reach http://h:1: tcp connect error"
    );
}

#[test]
fn who_is_not_known_is_told_to_log_in() {
    let text = |asker| {
        let status = Status::unauthenticated("access denied");
        Failure::from_status(&status, &target(asker)).to_string()
    };
    let refusal = "ERROR 1045 (28000): access denied";
    assert_eq!(text(Asker::Password), refusal);
    for (asker, advice) in [
        (Asker::Nobody, "give --user"),
        (Asker::Token, "has expired or was revoked; log in again"),
    ] {
        let text = text(asker);
        assert!(text.starts_with(&format!("{refusal}\n  ")), "{text}");
        assert!(text.contains(advice), "{text}");
        assert!(
            text.contains("stagedoor login --url http://h:1 --user"),
            "{text}"
        );
    }
}

#[test]
fn the_servers_own_text_of_a_refused_login_is_kept() {
    let metadata = HashMap::from([("code".to_owned(), "1045".to_owned())]);
    let details = ErrorDetails::with_error_info("LOGIN", DOMAIN, metadata);
    let status = Status::with_error_details(Code::Unauthenticated, "no", details);
    let text = Failure::from_status(&status, &target(Asker::Token)).to_string();
    assert!(
        text.starts_with("ERROR 1045 (HY000): no\n  the login kept"),
        "{text}"
    );
}

#[test]
fn a_missing_privilege_reads_as_mysql_has_it() {
    let status = Status::permission_denied("no");
    assert_eq!(
        Failure::from_status(&status, &target(Asker::Token)).to_string(),
        "ERROR 1227 (42000): no"
    );
}
