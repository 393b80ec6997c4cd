//! INTO OUTFILE: the governance rule, the bytes, what is refused, and what a refusal leaves behind.

use crate::harness::{TestServer, files};

#[tokio::test(flavor = "multi_thread")]
async fn only_stages_once_one_is_enabled() {
    let server = TestServer::start().await;
    let raw = server.dir("raw");
    let target = |name: &str| format!("SELECT 1 AS a INTO OUTFILE '{}/{name}'", raw.display());
    // No stage: a local path is free.
    server.ok(&target("a.csv")).await;
    assert_eq!(
        std::fs::read_to_string(raw.join("a.csv")).unwrap(),
        "a\n1\n"
    );
    let out = server.dir("out");
    server
        .ok(&format!(
            "CREATE STAGE s URL = 'file://{}' ENABLE = FALSE",
            out.display()
        ))
        .await;
    assert_eq!(
        server
            .error("SELECT 1 INTO OUTFILE 'stage://s/x.csv'")
            .await,
        "ERROR 20101 (HY000): internal error: stage 's' is invalid, please check"
    );
    // A disabled stage governs nothing.
    server.ok(&target("b.csv")).await;
    server.ok("ALTER STAGE s SET ENABLE = TRUE").await;
    let refused = "ERROR 20101 (HY000): internal error: stage exists, please try to check and use a stage instead";
    for path in [
        format!("{}/c.csv", raw.display()),
        "~/tmp/x.csv".to_owned(),
        "x.csv".to_owned(),
        "s3://bucket/x.csv".to_owned(),
        format!("file://{}/c.csv", raw.display()),
    ] {
        assert_eq!(
            server
                .error(&format!("SELECT 1 INTO OUTFILE '{path}'"))
                .await,
            refused,
            "{path}"
        );
    }
    assert_eq!(
        server.error("SELECT 1 INTO OUTFILE 'nope:/x.csv'").await,
        "ERROR 20101 (HY000): internal error: stage 'nope' is not exists, please check"
    );
    server.ok("DROP STAGE s").await;
    server.ok(&target("d.csv")).await;
    assert_eq!(files(&raw), ["a.csv", "b.csv", "d.csv"]);
    let needs = server
        .error("SELECT 1 INTO OUTFILE 's3://bucket/x.csv'")
        .await;
    assert!(needs.contains("needs CREDENTIALS"), "{needs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_would_leave_the_stage_are_refused() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let outside = server.dir("outside");
    std::os::unix::fs::symlink(&outside, dir.join("link")).unwrap();
    for path in [
        "../x.csv",
        "a/../../x.csv",
        "./x.csv",
        "%2e%2e/x.csv",
        "a\\\\b.csv",
        "a\\0b.csv",
        ".stagedoor/x",
        "",
        "dir/",
        "link/x.csv",
    ] {
        let error = server
            .error(&format!("SELECT 1 INTO OUTFILE 'stage://s/{path}'"))
            .await;
        assert!(
            error.starts_with("ERROR 20411 (HY000): invalid file path: ")
                || error.contains("ERROR 1064"),
            "{path}: {error}"
        );
    }
    assert_eq!(files(&outside), Vec::<String>::new());
    assert_eq!(
        server
            .ok("SELECT count(*) FROM stagedoor.exports")
            .await
            .cell(),
        "0"
    );
    // Double slashes are forgiven, as in MatrixOne, and stay in the stage.
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://s//abs//x.csv'")
        .await;
    assert_eq!(
        std::fs::read_to_string(dir.join("abs/x.csv")).unwrap(),
        "a\n1\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_exists_is_refused_before_the_query_and_replaced_on_request() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://s/x.csv'")
        .await;
    assert_eq!(
        server
            .error("SELECT 2 AS a INTO OUTFILE 'stage://s/x.csv'")
            .await,
        "ERROR 20406 (HY000): file x.csv already exists"
    );
    assert_eq!(
        std::fs::read_to_string(dir.join("x.csv")).unwrap(),
        "a\n1\n"
    );
    server
        .ok("SELECT 3 AS a INTO OUTFILE 'stage://s/x.csv' OVERWRITE 'true'")
        .await;
    assert_eq!(
        std::fs::read_to_string(dir.join("x.csv")).unwrap(),
        "a\n3\n"
    );
    // The manifest beside a replaced file is replaced with it.
    let manifest = || -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(dir.join("m.csv.manifest.json")).unwrap()).unwrap()
    };
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://s/m.csv' MANIFEST 'true'")
        .await;
    assert_eq!(manifest()["bytes"], 4);
    server
        .ok("SELECT 10 AS a INTO OUTFILE 'stage://s/m.csv' OVERWRITE 'true'")
        .await;
    assert_eq!(manifest()["bytes"], 5);
    std::fs::remove_file(dir.join("m.csv")).unwrap();
    std::fs::remove_file(dir.join("m.csv.manifest.json")).unwrap();
    std::fs::write(dir.join("y.csv.manifest.json"), "mine").unwrap();
    assert_eq!(
        server
            .error("SELECT 1 INTO OUTFILE 'stage://s/y.csv' MANIFEST 'true'")
            .await,
        "ERROR 20406 (HY000): file y.csv.manifest.json already exists"
    );
    assert_eq!(files(&dir), ["x.csv", "y.csv.manifest.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_a_table_is_written_exactly() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("CREATE TABLE t (i int, u bigint unsigned, d decimal(20,4), f double, b bool, s varchar(50), dt datetime(3), da date, ti time)")
        .await;
    server
        .ok("INSERT INTO t VALUES (-2147483648, 18446744073709551615, 1234567890123456.7890, 0.1, TRUE, 'it''s \"q\" \\\\ back', '2026-01-02 03:04:05.678', '2026-02-28', '12:34:56'), \
             (NULL, 0, -0.0001, 1e20, FALSE, '', '1999-12-31 23:59:59', '0001-01-01', '00:00:00'), \
             (0, NULL, NULL, NULL, NULL, '\\\\N', NULL, NULL, NULL), \
             (1, 1, 1, -1.5e-7, TRUE, NULL, NULL, NULL, NULL), \
             (2, 1, 1, 3, TRUE, 'a,b\nc', NULL, NULL, NULL)")
        .await;
    server
        .ok("SELECT * FROM t INTO OUTFILE 'stage://s/t.csv'")
        .await;
    let want = concat!(
        "i,u,d,f,b,s,dt,da,ti\n",
        "-2147483648,18446744073709551615,1234567890123456.7890,0.1,true,\"it's \"\"q\"\" \\\\ back\",2026-01-02 03:04:05.678,2026-02-28,12:34:56\n",
        "\\N,0,-0.0001,100000000000000000000,false,\"\",1999-12-31 23:59:59.000,0001-01-01,00:00:00\n",
        "0,\\N,\\N,\\N,\\N,\"\\\\N\",\\N,\\N,\\N\n",
        "1,1,1.0000,-0.00000015,true,\\N,\\N,\\N,\\N\n",
        "2,1,1.0000,3,true,\"a,b\nc\",\\N,\\N,\\N\n",
    );
    assert_eq!(std::fs::read_to_string(dir.join("t.csv")).unwrap(), want);
    server.ok("SELECT s, i FROM t WHERE i > 0 ORDER BY i INTO OUTFILE 'stage://s/r.csv' DIALECT 'rfc4180'").await;
    assert_eq!(
        std::fs::read_to_string(dir.join("r.csv")).unwrap(),
        "s,i\r\n,1\r\n\"a,b\nc\",2\r\n"
    );
    server.ok("SELECT i, s FROM t WHERE i = 2 INTO OUTFILE 'stage://s/o.txt' FIELDS TERMINATED BY '||' ENCLOSED BY '' LINES TERMINATED BY '#\\n' HEADER 'false'").await;
    assert_eq!(
        std::fs::read_to_string(dir.join("o.txt")).unwrap(),
        "2||a,b\\\nc#\n"
    );
    server.ok("SELECT i, s FROM t WHERE i = 1 INTO OUTFILE 'stage://s/f.csv' HEADER 'false' FORCE_QUOTE (i)").await;
    assert_eq!(
        std::fs::read_to_string(dir.join("f.csv")).unwrap(),
        "\"1\",\\N\n"
    );
    server
        .ok("SELECT i FROM t WHERE false INTO OUTFILE 'stage://s/empty.csv'")
        .await;
    assert_eq!(
        std::fs::read_to_string(dir.join("empty.csv")).unwrap(),
        "i\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_export_reads_back_value_for_value() {
    let server = TestServer::start().await;
    server.stage("s").await;
    server
        .ok("CREATE TABLE t (a int, s text, d decimal(12,2))")
        .await;
    server.ok("INSERT INTO t VALUES (1, 'x', 1.50), (2, '', NULL), (NULL, NULL, -3.25), (4, '\\\\N', 0), (5, 'a\nb,\"c\"\\\\', 9)").await;
    server
        .ok("SELECT * FROM t INTO OUTFILE 'stage://s/t.csv'")
        .await;
    server.ok("CREATE EXTERNAL TABLE e (a int, s text, d decimal(12,2)) INFILE 'stage://s/t.csv' IGNORE 1 LINES").await;
    assert_eq!(
        server.ok("SELECT * FROM e").await.rows(),
        server.ok("SELECT * FROM t").await.rows()
    );
    let direct = server
        .ok("SELECT count(*), count(s), sum(a) FROM 'stage://s/t.csv' (FORMAT 'csv')")
        .await
        .rows();
    assert_eq!(direct, [["5", "4", "12"]]);
    server.ok("ALTER STAGE s SET ENABLE = FALSE").await;
    let disabled = server.error("SELECT * FROM e").await;
    assert!(
        disabled.contains("stage 's' is invalid, please check"),
        "{disabled}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_option_that_is_not_built_or_makes_no_sense_is_refused_before_anything_is_written() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server.ok("CREATE TABLE t (a int)").await;
    for (options, want) in [
        (
            "x.csv' FORMAT 'jsonline'",
            "ERROR 20101 (HY000): internal error: format 'jsonline' does not match file suffix '.csv'",
        ),
        (
            "x.jsonl.gz' FORMAT 'csv'",
            "ERROR 20101 (HY000): internal error: format 'csv' does not match file suffix '.jsonl'",
        ),
        (
            "x.parquet.gz'",
            "ERROR 20101 (HY000): internal error: format 'parquet' is compressed inside its file, so the file suffix '.gz' does not match it",
        ),
        (
            "x.csv.gz' COMPRESSION 'zstd'",
            "ERROR 20101 (HY000): internal error: compression 'zstd' does not match file suffix '.gz'",
        ),
        (
            "x.csv.zst' COMPRESSION 'none'",
            "ERROR 20101 (HY000): internal error: compression 'none' does not match file suffix '.zst'",
        ),
        (
            "x.csv' COMPRESSION 'snappy'",
            "ERROR 20101 (HY000): internal error: format 'csv' has no compression 'snappy', but 'none', 'gzip', 'zstd'",
        ),
        (
            "x.parquet' COMPRESSION 'gzip'",
            "ERROR 20101 (HY000): internal error: format 'parquet' has no compression 'gzip', but 'none', 'snappy', 'zstd'",
        ),
        (
            "x.csv' COMPRESSION 'gzip' COMPRESSION_LEVEL 13",
            "ERROR 20101 (HY000): internal error: gzip has the compression levels 1 to 12, not 13",
        ),
        (
            "x.parquet' COMPRESSION_LEVEL 0",
            "ERROR 20101 (HY000): internal error: zstd has the compression levels 1 to 22, not 0",
        ),
        (
            "x.csv' COMPRESSION_LEVEL 3",
            "ERROR 20101 (HY000): internal error: COMPRESSION_LEVEL goes with COMPRESSION 'gzip' or 'zstd'",
        ),
        (
            "x.csv' COMPRESSION 'zstd' SINGLE_MEMBER 'true'",
            "ERROR 20101 (HY000): internal error: SINGLE_MEMBER goes with COMPRESSION 'gzip'",
        ),
        (
            "x.jsonl' HEADER 'false'",
            "ERROR 20101 (HY000): internal error: HEADER goes with format 'csv', not with 'jsonline'",
        ),
        (
            "x.parquet' FIELDS TERMINATED BY ';'",
            "ERROR 20101 (HY000): internal error: FIELDS goes with format 'csv', not with 'parquet'",
        ),
        (
            "x.csv' SPLITSIZE '2'",
            "ERROR 20101 (HY000): internal error: the header line size is over the maxFileSize/splitSize",
        ),
        (
            "x.csv' MAX_FILE_SIZE 18446744073709551615",
            "ERROR 20101 (HY000): internal error: MAX_FILE_SIZE 18446744073709551615 KiB is out of range",
        ),
        (
            "x.csv' PARTITION BY (a)",
            "ERROR 20101 (HY000): internal error: a column has to be left besides those that partition the rows",
        ),
        (
            "x.csv' PARTITION BY (b)",
            "ERROR 20101 (HY000): internal error: PARTITION BY names column 'b', which the query does not give; its columns are a",
        ),
    ] {
        assert_eq!(
            server
                .error(&format!(
                    "SELECT * FROM t INTO OUTFILE 'stage://s/{options}"
                ))
                .await,
            want
        );
    }
    for options in [
        "FORCE_QUOTE (nope)",
        "FIELDS TERMINATED BY ''",
        "FIELDS TERMINATED BY '\"'",
        "HEADER 'maybe'",
        "FORMAT 'xml'",
        "COMPRESSION 'lzw'",
        "NOPE 'x'",
        "HEADER 'true' HEADER 'true'",
    ] {
        let error = server
            .error(&format!(
                "SELECT * FROM t INTO OUTFILE 'stage://s/x.csv' {options}"
            ))
            .await;
        assert!(
            error.starts_with("ERROR 1064") || error.starts_with("ERROR 20101"),
            "{options}: {error}"
        );
    }
    assert_eq!(files(&dir), Vec::<String>::new());
    assert_eq!(
        server
            .ok("SELECT count(*) FROM stagedoor.exports")
            .await
            .cell(),
        "0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_query_leaves_no_file_and_a_failed_record() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server.ok("CREATE TABLE t (a bigint, s text)").await;
    let values: Vec<String> = (0..50_000).map(|n| format!("({n},'{n}')")).collect();
    server
        .ok(&format!("INSERT INTO t VALUES {}", values.join(",")))
        .await;
    server.ok("INSERT INTO t VALUES (-1, 'x,y')").await;
    // Fails at the last row, when much has been written.
    let error = server
        .error("SELECT s FROM t INTO OUTFILE 'stage://s/t.csv' FIELDS ENCLOSED BY '' ESCAPED BY ''")
        .await;
    assert!(error.contains("row 50001"), "{error}");
    assert_eq!(files(&dir), Vec::<String>::new());
    // A value that cannot be told apart names its row and column.
    let error = server
        .error(
            "SELECT 'a,b' AS v INTO OUTFILE 'stage://s/u.csv' FIELDS ENCLOSED BY '' ESCAPED BY ''",
        )
        .await;
    assert!(error.contains("row 1") && error.contains('v'), "{error}");
    assert!(!dir.join("u.csv").exists() && !dir.join(".stagedoor").exists());
    let failed = server
        .ok("SELECT state, error FROM stagedoor.exports WHERE target = 'stage://s/u.csv'")
        .await
        .rows();
    assert_eq!(failed[0][0], "FAILED");
    assert!(failed[0][1].contains("row 1"), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_missing_or_not_writable_says_so() {
    let server = TestServer::start().await;
    let missing = server.folder.path().join("missing");
    server
        .ok(&format!("CREATE STAGE m URL = '{}'", missing.display()))
        .await;
    let error = server
        .error("SELECT 1 INTO OUTFILE 'stage://m/x.csv'")
        .await;
    assert!(
        error.contains("missing': no such file or directory"),
        "{error}"
    );
    std::fs::create_dir(&missing).unwrap();
    server.ok("SELECT 1 INTO OUTFILE 'stage://m/x.csv'").await;
    let file = server.folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    server
        .ok(&format!("CREATE STAGE f URL = '{}'", file.display()))
        .await;
    let error = server
        .error("SELECT 1 INTO OUTFILE 'stage://f/x.csv'")
        .await;
    assert!(error.contains("is not a folder"), "{error}");
    // Not writable for anyone, root included: the place of drafts is taken by a file.
    let blocked = server.dir("blocked");
    std::fs::write(blocked.join(".stagedoor"), "").unwrap();
    server
        .ok(&format!("CREATE STAGE b URL = '{}'", blocked.display()))
        .await;
    let error = server
        .error("SELECT 1 INTO OUTFILE 'stage://b/x.csv'")
        .await;
    assert!(error.contains(".stagedoor"), "{error}");
    assert_eq!(files(&blocked), [".stagedoor"]);
    // The server's own files are out of reach, also for a stage above them.
    let data = server.folder.path().join("data");
    let error = server
        .error(&format!("CREATE STAGE d URL = '{}'", data.display()))
        .await;
    assert!(error.contains("not permitted"), "{error}");
    server
        .ok(&format!(
            "CREATE STAGE above URL = '{}'",
            server.folder.path().display()
        ))
        .await;
    for statement in [
        "SELECT 1 INTO OUTFILE 'stage://above/data/x.csv'",
        "SELECT * FROM 'stage://above/data/catalog/LOCK' (FORMAT 'csv')",
    ] {
        let error = server.error(statement).await;
        assert!(
            error.contains("not permitted") || error.contains("the server keeps"),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_keep_the_order_of_files_and_segments() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server.ok("CREATE TABLE t (a bigint)").await;
    for part in 0..4 {
        let values: Vec<String> = (0..30_000)
            .map(|n| format!("({})", part * 30_000 + n))
            .collect();
        server
            .ok(&format!("INSERT INTO t VALUES {}", values.join(",")))
            .await;
    }
    server
        .ok("SELECT a FROM t WHERE a % 2 = 0 INTO OUTFILE 'stage://s/t.csv' HEADER 'false'")
        .await;
    let got = std::fs::read_to_string(dir.join("t.csv")).unwrap();
    let want: String = (0..120_000)
        .filter(|n| n % 2 == 0)
        .map(|n| format!("{n}\n"))
        .collect();
    assert!(got == want, "rows out of order or missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_cannot_be_written_is_a_warning() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    // A folder cannot be replaced by a file.
    std::fs::create_dir(dir.join("x.csv.manifest.json")).unwrap();
    let answer = server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://s/x.csv' MANIFEST 'true' OVERWRITE 'true'")
        .await;
    assert_eq!(
        std::fs::read_to_string(dir.join("x.csv")).unwrap(),
        "a\n1\n"
    );
    let [warning] = &answer.result.warnings[..] else {
        panic!("{answer:?}");
    };
    assert!(
        warning.starts_with("the manifest was not written to 'x.csv.manifest.json'"),
        "{warning}"
    );
    let export = answer.result.export.as_ref().unwrap();
    assert_eq!(export.warnings, answer.result.warnings);
    let kept = server
        .ok("SELECT state, warnings, manifest IS NULL FROM stagedoor.exports")
        .await;
    assert_eq!(kept.rows(), [["COMMITTED", warning, "false"]]);
    assert_eq!(files(&dir), ["x.csv"]);
}

/// A stage may lie within another one: the drafts of the inner one are nobody's to write, read or list through
/// the outer one, or they could be swapped between their digest and their publication.
#[tokio::test(flavor = "multi_thread")]
async fn drafts_cannot_be_reached_through_an_enclosing_stage() {
    let server = TestServer::start().await;
    let whole = server.stage("whole").await;
    let draft = whole.join("inner/.stagedoor/0198c1d0-0000-7000-8000-000000000000/0.csv");
    std::fs::create_dir_all(draft.parent().unwrap()).unwrap();
    std::fs::write(&draft, "a\n1\n").unwrap();
    std::fs::write(whole.join("inner/seen.csv"), "a\n2\n").unwrap();
    let inside = "inner/.stagedoor/0198c1d0-0000-7000-8000-000000000000/0.csv";
    for path in [
        inside.to_owned(),
        inside.replace(".stagedoor", ".StageDoor"),
    ] {
        for statement in [
            format!("SELECT 'evil' INTO OUTFILE 'stage://whole/{path}' OVERWRITE 'true'"),
            format!("SELECT * FROM 'stage://whole/{path}'"),
            format!(
                "CREATE STAGE below URL = 'file://{}/{path}'",
                whole.display()
            ),
            format!("CREATE STAGE below URL = 'stage://whole/{path}'"),
        ] {
            let error = server.error(&statement).await;
            assert!(
                error.contains("'.stagedoor' is reserved"),
                "{statement}: {error}"
            );
        }
    }
    assert_eq!(std::fs::read_to_string(&draft).unwrap(), "a\n1\n");
    // Nor by its path on the machine, while no stage governs exports.
    server.ok("ALTER STAGE whole SET ENABLE = FALSE").await;
    let raw = format!("SELECT 'evil' INTO OUTFILE '{}'", draft.display());
    let error = server.error(&format!("{raw} OVERWRITE 'true'")).await;
    assert!(error.contains("'.stagedoor' is reserved"), "{error}");
    server.ok("ALTER STAGE whole SET ENABLE = TRUE").await;
    assert_eq!(std::fs::read_to_string(&draft).unwrap(), "a\n1\n");
    let all = server.ok("SELECT * FROM 'stage://whole/**/*.csv'").await;
    assert_eq!(all.rows(), [["2"]]);
}

/// What governs an export is what leads to its place, to the last moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_stage_on_the_way_that_is_disabled_stops_an_export() {
    let server = TestServer::start().await;
    let dir = server.stage("p").await;
    server.ok("CREATE STAGE sub URL = 'stage://p/x/'").await;
    let exporting = server.run("SELECT SLEEP(5) AS a INTO OUTFILE 'stage://sub/a.csv'");
    let begun = std::time::Instant::now();
    let disabling = async {
        loop {
            assert!(
                begun.elapsed() < std::time::Duration::from_secs(60),
                "it does not begin"
            );
            let exports = server.ok("SHOW EXPORTS").await;
            if exports.rows().iter().any(|row| row[1] == "RUNNING") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        server.ok("ALTER STAGE p SET ENABLE = FALSE").await;
    };
    let (exported, ()) = tokio::join!(exporting, disabling);
    let error = crate::harness::error_line(&exported.unwrap_err());
    assert!(
        error.contains("stage 'p', through which 'sub' leads, is invalid"),
        "{error}"
    );
    assert_eq!(files(&dir), [""; 0]);
}
