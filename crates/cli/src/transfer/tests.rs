//! Paths of stages, as the command line takes them.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn a_path_in_a_stage_is_taken_apart() {
    for (text, parent, path) in [
        ("stage://s/a/b.csv", "stages/s", "a/b.csv"),
        ("STAGE://Daily", "stages/daily", ""),
        ("stage://s/", "stages/s", ""),
    ] {
        let at = stage_path(text).unwrap();
        assert_eq!((at.parent.as_str(), at.path.as_str()), (parent, path));
    }
    for wrong in ["", "s/a", "stage:///a", "file:///a", "stage://"] {
        assert_eq!(stage_path(wrong), None, "{wrong}");
    }
}

#[test]
fn what_was_carried_is_printed_as_rows() {
    let carried = [Carried {
        source: "stage://s/a.csv".to_owned(),
        target: "./a.csv".to_owned(),
        bytes: 3,
        sha256: "00".to_owned(),
    }];
    let mut out = Vec::new();
    report(&mut out, Format::Json, &carried).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"source\":\"stage://s/a.csv\",\"target\":\"./a.csv\",\"size\":3,\"sha256\":\"00\"}\n"
    );
}

#[test]
fn a_server_gets_no_file_that_the_statement_does_not_name() {
    let wanted = |direction: FileTransferDirection, local: &str| FileTransfer {
        direction: direction.into(),
        parent: "stages/s".to_owned(),
        local_path: local.to_owned(),
        ..Default::default()
    };
    let get = wanted(FileTransferDirection::Get, "/tmp/here");
    assert!(of_statement("get 'stage://s/a' 'file:///tmp/here'", &get).is_ok());
    for statement in [
        "SELECT 1",
        "GET 'stage://s/a' 'file:///tmp'",
        "PUT 'file:///tmp/here' 'stage://s/'",
    ] {
        assert!(of_statement(statement, &get).is_err(), "{statement}");
    }
    let put = wanted(FileTransferDirection::Put, "/etc/passwd");
    for statement in [
        "SELECT 1",
        "PUT 'file:///etc/motd' 'stage://s/'",
        "GET 'stage://s/a' 'file:///etc/passwd'",
    ] {
        assert!(of_statement(statement, &put).is_err(), "{statement}");
    }
}
