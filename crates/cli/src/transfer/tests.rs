//! Paths of stages, as the command line takes them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::Path;

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
fn a_server_gets_what_the_statement_says_and_nothing_else() {
    let wanted = |direction: FileTransferDirection, path: &str, local: &str| FileTransfer {
        direction: direction.into(),
        parent: "stages/s".to_owned(),
        path: path.to_owned(),
        local_path: local.to_owned(),
        overwrite: false,
    };
    let statement = "/* '/tmp/other' */ get 'stage://S/a' 'file:///tmp/here'";
    let get = wanted(FileTransferDirection::Get, "a", "/tmp/here");
    let (transfer, overwrite) = of_statement(statement, &get).unwrap();
    let Transfer::Get { from, folder } = transfer else {
        panic!("{transfer:?}");
    };
    assert_eq!(
        (from.parent.as_str(), from.path.as_str()),
        ("stages/s", "a")
    );
    assert_eq!(
        (folder.as_path(), overwrite),
        (Path::new("/tmp/here"), false)
    );
    for other in [
        wanted(FileTransferDirection::Put, "a", "/tmp/here"),
        // What is named begins with it.
        wanted(FileTransferDirection::Get, "a", "/tmp"),
        wanted(FileTransferDirection::Get, "a", "/"),
        wanted(FileTransferDirection::Get, "a", "/tmp/other"),
        wanted(FileTransferDirection::Get, "b", "/tmp/here"),
        FileTransfer {
            parent: "stages/t".to_owned(),
            ..get.clone()
        },
        FileTransfer {
            overwrite: true,
            ..get.clone()
        },
    ] {
        assert!(of_statement(statement, &other).is_err(), "{other:?}");
    }
    for statement in [
        "SELECT 1",
        "GET 'stage://s/a' 'file:///tmp'",
        "no statement",
    ] {
        assert!(of_statement(statement, &get).is_err(), "{statement}");
    }
    let put = "PUT 'file:///etc/motd' 'stage://s/' OVERWRITE 'true'";
    for local in ["/etc/passwd", "/etc/*", "/etc/mot"] {
        let wanted = FileTransfer {
            overwrite: true,
            ..wanted(FileTransferDirection::Put, "", local)
        };
        assert!(of_statement(put, &wanted).is_err(), "{local}");
    }
}
