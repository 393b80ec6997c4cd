//! What an administrator reads.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn printed(print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    print(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn time() -> Option<Timestamp> {
    Some(Timestamp {
        seconds: 1_795_564_800,
        nanos: 0,
    })
}

fn healthy() -> GetStatusResponse {
    GetStatusResponse {
        server_version: "0.1.0".to_owned(),
        start_time: time(),
        catalog_changes: 1,
        journal_bytes: 4096,
        sessions: 2,
        running_exports: 1,
        ..Default::default()
    }
}

#[test]
fn a_healthy_server_says_so() {
    assert_eq!(
        printed(|out| status(out, Answer::Text, &healthy())),
        "stagedoor 0.1.0, running since 2026-11-25 00:00:00 UTC\n\
         It takes changes.\n\
         2 sessions, 1 running export\n\
         catalog: 1 change, journal of 4096 bytes\n\
         Opening the data directory repaired nothing.\n"
    );
    assert_eq!(
        printed(|out| status(out, Answer::Json, &healthy())),
        "{\"catalog_changes\":1,\"journal_bytes\":4096,\"read_only_reason\":\"\",\"recovery\":[],\"running_exports\":1,\"server_version\":\"0.1.0\",\"sessions\":2,\"start_time\":\"2026-11-25T00:00:00Z\"}\n"
    );
}

#[test]
fn an_ill_server_says_why() {
    let ill = GetStatusResponse {
        read_only_reason: "the disk is full".to_owned(),
        recovery: vec!["30 bytes\u{1b} cut".to_owned()],
        ..healthy()
    };
    let text = printed(|out| status(out, Answer::Text, &ill));
    assert!(
        text.contains("It is read-only: the disk is full. Mend"),
        "{text}"
    );
    assert!(
        text.contains("repaired:\n  30 bytes\\u{1b} cut\n"),
        "{text}"
    );
}

#[test]
fn a_backup_says_where_and_what() {
    let done = BackupResponse {
        files: 1,
        bytes: 2,
        catalog_changes: 3,
        audit_head: "ab".to_owned(),
    };
    let text = printed(|out| backup(out, Answer::Text, "/b", &done));
    assert!(
        text.starts_with("backed up to /b on the server's machine: 1 file, 2 bytes, the catalog with 3 changes\nlast audit record: sha256 ab\n"),
        "{text}"
    );
    assert_eq!(
        printed(|out| backup(out, Answer::Json, "/b", &done)),
        "{\"audit_head\":\"ab\",\"bytes\":2,\"catalog_changes\":3,\"directory\":\"/b\",\"files\":1}\n"
    );
}

#[test]
fn an_audit_is_whole_or_names_its_first_bad_record() {
    let whole = VerifyAuditResponse {
        first: 1,
        last: 9,
        head: "ab".to_owned(),
        ..Default::default()
    };
    let text = printed(|out| audit(out, Answer::Text, &whole));
    assert!(
        text.starts_with(
            "audit records 1 to 9 are complete and unchanged\nlast record: sha256 ab;"
        ),
        "{text}"
    );
    assert_eq!(
        printed(|out| audit(out, Answer::Json, &whole)),
        "{\"bad\":null,\"first\":1,\"head\":\"ab\",\"last\":9,\"why\":\"\"}\n"
    );
    let bad = VerifyAuditResponse {
        bad: 4,
        why: "its hash is wrong".to_owned(),
        ..whole
    };
    let text = printed(|out| audit(out, Answer::Text, &bad));
    assert!(
        text.starts_with("DAMAGED: audit record 4: its hash is wrong\n"),
        "{text}"
    );
    let text = printed(|out| audit(out, Answer::Json, &bad));
    assert!(text.contains("\"bad\":4"), "{text}");
}

#[test]
fn sessions_are_a_table_or_lines() {
    assert_eq!(
        printed(|out| sessions(out, Answer::Text, &[])),
        "no session is open\n"
    );
    assert_eq!(printed(|out| sessions(out, Answer::Json, &[])), "");
    let open = [ServerSession {
        name: "sessions/7".to_owned(),
        account: "acme".to_owned(),
        user: "ann".to_owned(),
        role: "r".to_owned(),
        client: "[::1]:5".to_owned(),
        open_time: time(),
        statement: "SELECT 1".to_owned(),
        idle_ms: 12,
        state: SessionState::Running.into(),
    }];
    let text = printed(|out| sessions(out, Answer::Text, &open));
    assert!(
        text.contains("| 7  | acme    | ann  | r    | [::1]:5 | 2026-11-25 00:00:00 UTC | running |      12 | SELECT 1  |\n"),
        "{text}"
    );
    assert_eq!(
        printed(|out| sessions(out, Answer::Json, &open)),
        "{\"id\":\"7\",\"account\":\"acme\",\"user\":\"ann\",\"role\":\"r\",\"client\":\"[::1]:5\",\"open_time\":\"2026-11-25T00:00:00Z\",\"state\":\"running\",\"idle_ms\":12,\"statement\":\"SELECT 1\"}\n"
    );
}

#[test]
fn a_closed_session_is_named() {
    assert_eq!(
        printed(|out| killed(out, Answer::Text, "7")),
        "session 7 is closed\n"
    );
    assert_eq!(
        printed(|out| killed(out, Answer::Json, "7")),
        "{\"closed\":true,\"id\":\"7\"}\n"
    );
}
