//! LIST, `stage_list`, `load_file`, ListFiles, and REMOVE FILES.

use proto::v1;

use super::{client, download, presign};
use crate::harness::{TestServer, error_line, files};

/// A stage with some files in it.
async fn filled() -> (TestServer, std::path::PathBuf) {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    for (name, body) in [
        ("a.csv", "x"),
        ("b/1.csv", "one"),
        ("b/2.csv", "two!!"),
        ("b/c/3.txt", "three"),
    ] {
        std::fs::create_dir_all(dir.join(name).parent().unwrap()).unwrap();
        std::fs::write(dir.join(name), body).unwrap();
    }
    (server, dir)
}

async fn names(server: &TestServer, statement: &str) -> Vec<String> {
    let rows = server.ok(statement).await.rows();
    rows.into_iter().map(|row| row[0].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_listed_by_statement_by_table_and_by_call() {
    let (server, dir) = filled().await;
    let all = ["a.csv", "b/1.csv", "b/2.csv", "b/c/3.txt"];
    for (path, found) in [
        ("", &all[..]),
        ("b", &all[1..]),
        ("b/", &all[1..]),
        ("b//1.csv", &all[1..2]),
        ("*.csv", &all[..1]),
        ("b/?.csv", &all[1..3]),
        ("**/*.csv", &all[..3]),
        ("none", &[]),
        ("b/*.none", &[]),
    ] {
        assert_eq!(
            names(&server, &format!("LIST 'stage://s/{path}'")).await,
            found
        );
        let table = format!("SELECT f.file FROM stage_list('stage://s/{path}') AS f");
        assert_eq!(names(&server, &table).await, found);
        let request = v1::ListFilesRequest {
            parent: "stages/s".to_owned(),
            path: path.to_owned(),
            ..Default::default()
        };
        let listed = client(&server.channel).list_files(request).await.unwrap();
        let paths: Vec<_> = listed
            .into_inner()
            .files
            .into_iter()
            .map(|f| f.path)
            .collect();
        assert_eq!(paths, found, "{path}");
    }
    let answer = server.ok("LIST 'stage://s/b/2.csv'").await;
    let fields: Vec<_> = answer.batches[0]
        .schema()
        .fields()
        .iter()
        .map(|f| f.name().clone())
        .collect();
    assert_eq!(fields, ["file", "size", "last_modified", "etag"]);
    assert_eq!(answer.rows()[0][1], "5");
    // As a table it is one like others.
    let sums = server
        .ok("SELECT COUNT(*), SUM(size) FROM stage_list('stage://s/b') WHERE last_modified > '2020-01-01' AND etag IS NOT NULL")
        .await;
    assert_eq!(sums.rows(), [["3", "13"]]);
    let top = server
        .ok("SELECT file FROM stage_list('stage://s/') ORDER BY size DESC, file LIMIT 1")
        .await;
    assert_eq!(top.cell(), "b/2.csv");
    // A sub-stage has its part, and an export's files are files.
    server.ok("CREATE STAGE sub URL = 'stage://s/b/'").await;
    assert_eq!(
        names(&server, "LIST 'stage://sub/'").await,
        ["1.csv", "2.csv", "c/3.txt"]
    );
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://sub/out.csv'")
        .await;
    assert!(dir.join("b/out.csv").exists());
    assert_eq!(names(&server, "LIST 'stage://sub/out*'").await, ["out.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_give_each_file_once() {
    let (server, _) = filled().await;
    let mut request = v1::ListFilesRequest {
        parent: "stages/s".to_owned(),
        page_size: 3,
        ..Default::default()
    };
    let mut paths = Vec::new();
    for pages in 1.. {
        let page = client(&server.channel)
            .list_files(request.clone())
            .await
            .unwrap()
            .into_inner();
        paths.extend(page.files.into_iter().map(|file| file.path));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            assert_eq!(pages, 2);
            break;
        }
    }
    assert_eq!(paths, ["a.csv", "b/1.csv", "b/2.csv", "b/c/3.txt"]);
    request.page_token = "../x".to_owned();
    let status = client(&server.channel)
        .list_files(request)
        .await
        .unwrap_err();
    assert!(error_line(&status).contains("page_token"), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_loaded_as_a_value() {
    let (server, dir) = filled().await;
    let load = async |call: &str| {
        server
            .ok(&format!("SELECT CAST({call} AS CHAR) AS v"))
            .await
            .cell()
    };
    assert_eq!(load("load_file('stage://s/b/2.csv')").await, "two!!");
    assert_eq!(
        load("load_file('stage://s/b/2.csv?offset=1&size=2')").await,
        "wo"
    );
    assert_eq!(load("load_file('stage://s/b/2.csv?offset=3')").await, "!!");
    assert_eq!(
        load("load_file('stage://s/b/2.csv?offset=9&size=1')").await,
        "NULL"
    );
    assert_eq!(
        server
            .ok("SELECT LENGTH(load_file('stage://s/b/1.csv')) AS n")
            .await
            .cell(),
        "3"
    );
    // The label is the call as it is written, also where it is exported.
    let call = "load_file('stage://s/b/1.csv')";
    let answer = server.ok(&format!("SELECT {call}")).await;
    assert_eq!(answer.batches[0].schema().field(0).name(), call);
    server
        .ok(&format!(
            "SELECT CAST({call} AS CHAR) INTO OUTFILE 'stage://s/loaded.csv'"
        ))
        .await;
    assert_eq!(
        std::fs::read_to_string(dir.join("loaded.csv")).unwrap(),
        "CAST(load_file('stage://s/b/1.csv') AS CHAR)\n\"one\"\n"
    );
    for (call, error) in [
        ("load_file('stage://s/none')", "file none is not found"),
        (
            "load_file('stage://s/b/2.csv?offset=9')",
            "offset exceeds file size",
        ),
        (
            "load_file('stage://s/b/2.csv?offset=-1')",
            "offset cannot be negative",
        ),
        (
            "load_file('stage://s/b/2.csv?size=-2')",
            "size cannot be less than -1",
        ),
        (
            "load_file('/etc/passwd')",
            "URL protocol only supports stage://",
        ),
        ("load_file('stage://s/../x')", "'..'"),
    ] {
        let found = server.error(&format!("SELECT {call}")).await;
        assert!(found.contains(error), "{call}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_removed_and_that_is_on_record() {
    let (server, dir) = filled().await;
    let removed = server
        .ok("REMOVE FILES FROM STAGE 'stage://s/b/*.csv'")
        .await;
    assert_eq!(removed.result.affected_rows, 2);
    assert_eq!(files(&dir), ["a.csv", "b/c/3.txt"]);
    for (path, error) in [
        ("b/*.csv", "ERROR 20405 (HY000): file b/*.csv is not found"),
        ("b/1.csv", "ERROR 20405 (HY000): file 1.csv is not found"),
        (
            "",
            "ERROR 20301 (HY000): invalid input: stage file path is empty",
        ),
        ("b/c", "is not a file"),
        ("../s/a.csv", "ERROR 20411"),
        (".stagedoor/x", "reserved"),
        ("b/[", "malformed"),
    ] {
        let statement = format!("REMOVE FILES FROM STAGE 'stage://s/{path}'");
        let found = server.error(&statement).await;
        assert!(found.contains(error), "{path}: {found}");
    }
    let nothing = server
        .ok("REMOVE FILES FROM STAGE IF EXISTS 'stage://s/b/*.csv'")
        .await;
    assert_eq!(nothing.result.affected_rows, 0);
    assert_eq!(nothing.result.warnings.len(), 1);
    assert_eq!(
        server.error("REMOVE FILES FROM STAGE '/tmp/x'").await,
        "ERROR 20300 (HY000): invalid configuration: URL protocol only supports stage://"
    );
    assert!(
        server
            .error("REMOVE FILES FROM STAGE 'stage://nosuch/x'")
            .await
            .contains("stage 'nosuch' is not exists, please check")
    );
    // What an export has proved may be removed, too: that is what it is for.
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://s/e.csv' MANIFEST 'true'")
        .await;
    server
        .ok("REMOVE FILES FROM STAGE 'stage://s/e.csv*'")
        .await;
    assert_eq!(files(&dir), ["a.csv", "b/c/3.txt"]);
    let audit = server
        .ok("SELECT target, outcome, reason, stage_version FROM stagedoor.audit WHERE operation = 'REMOVE FILES' AND outcome = 'done' ORDER BY number")
        .await;
    assert_eq!(
        audit.rows()[0],
        [
            "stage://s/b/*.csv",
            "done",
            "removed 2 files, 8 bytes: b/1.csv, b/2.csv",
            "1"
        ]
    );
    let request = v1::RemoveFilesRequest {
        parent: "stages/s".to_owned(),
        path: "**".to_owned(),
        allow_missing: false,
        ..Default::default()
    };
    let removed = client(&server.channel).remove_files(request).await.unwrap();
    assert_eq!(removed.into_inner().removed_files, 2);
    assert_eq!(files(&dir), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_stage_gives_takes_and_shows_no_file() {
    let (server, dir) = filled().await;
    server.ok("ALTER STAGE s SET ENABLE = FALSE").await;
    let exact = "ERROR 20101 (HY000): internal error: stage 's' is invalid, please check";
    for statement in [
        "LIST 'stage://s/'",
        "SELECT * FROM stage_list('stage://s/')",
        "SELECT load_file('stage://s/a.csv')",
        "REMOVE FILES FROM STAGE 'stage://s/a.csv'",
        "REMOVE FILES FROM STAGE IF EXISTS 'stage://s/a.csv'",
        "PRESIGN 'stage://s/a.csv'",
        "PRESIGN UPLOAD 'stage://s/a.csv'",
        "GET 'stage://s/a.csv' 'file:///tmp'",
        "PUT 'file:///tmp/x' 'stage://s/'",
    ] {
        assert_eq!(server.error(statement).await, exact, "{statement}");
    }
    let refused = download(&server.channel, "s", "a.csv", 0, "")
        .await
        .unwrap_err();
    assert_eq!(error_line(&refused), exact);
    let refused = super::upload(&server.channel, super::header("s", "new"), b"x").await;
    assert_eq!(error_line(&refused.unwrap_err()), exact);
    assert_eq!(files(&dir).len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_url_leads_to_a_folder_without_a_port_for_it() {
    let (server, _) = filled().await;
    let error = server.error("PRESIGN 'stage://s/a.csv'").await;
    assert!(error.contains("http.listen"), "{error}");
    let error = server.error("PRESIGN UPLOAD 'stage://s/a.csv'").await;
    assert!(error.contains("PUT"), "{error}");
    for (statement, wrong) in [
        ("PRESIGN 'stage://s/none'", "file none is not found"),
        ("PRESIGN 'stage://s/../a'", "'..'"),
        (
            "PRESIGN 'stage://s/a.csv' EXPIRE = 0",
            "EXPIRE must be from 1 to 604800",
        ),
        (
            "PRESIGN 'stage://s/a.csv' EXPIRE = 604801",
            "EXPIRE must be from 1 to 604800",
        ),
    ] {
        let error = server.error(statement).await;
        assert!(error.contains(wrong), "{statement}: {error}");
    }
    let request = presign("s", "a.csv", v1::PresignedAccess::Unspecified);
    let status = client(&server.channel)
        .presign_file(request)
        .await
        .unwrap_err();
    assert!(
        error_line(&status).contains("access is required"),
        "{status:?}"
    );
}
