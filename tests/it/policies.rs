//! Policies of stages: what a stage permits is exported, what it does not leaves nothing, and says which rule and whose.

use crate::harness::{TestServer, files};

async fn rows(server: &TestServer, count: usize) {
    server
        .ok("CREATE TABLE t (id bigint, name varchar(40))")
        .await;
    let values: Vec<String> = (0..count)
        .map(|n| format!("({n},'name number {n}')"))
        .collect();
    server
        .ok(&format!("INSERT INTO t VALUES {}", values.join(",")))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rule_is_kept_and_named() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    rows(&server, 1000).await;
    let export = |query: &str, name: &str| format!("{query} INTO OUTFILE 'stage://s/{name}'");
    for (policy, query, name, rule) in [
        (
            "'formats' = 'parquet, jsonline'",
            "SELECT 1 AS a",
            "a.csv",
            "its files are jsonline or parquet, not csv (policy formats)",
        ),
        (
            "'max_rows' = 999",
            "SELECT * FROM t",
            "b.csv",
            "at most 999 rows (policy max_rows)",
        ),
        (
            "'max_bytes' = '4K'",
            "SELECT * FROM t",
            "c.csv",
            "at most 4096 bytes (policy max_bytes)",
        ),
        (
            "'expires' = '2020-01-01'",
            "SELECT 1 AS a",
            "d.csv",
            "since 2020-01-01 00:00:00 UTC (policy expires)",
        ),
        (
            "'require_manifest' = 'true'",
            "SELECT 1 AS a",
            "e.csv' MANIFEST 'false",
            "(policy require_manifest)",
        ),
    ] {
        server
            .ok(&format!("ALTER STAGE s SET POLICY = {{{policy}}}"))
            .await;
        let error = server.error(&export(query, name)).await;
        assert!(
            error
                .starts_with("ERROR 20101 (HY000): internal error: stage 's' does not permit it: ")
                && error.contains(rule),
            "{policy}: {error}"
        );
        assert_eq!(files(&dir), Vec::<String>::new(), "{policy}");
    }
    // What is permitted goes; the manifest comes by itself.
    server
        .ok("ALTER STAGE s SET POLICY = {'formats' = 'csv', 'max_rows' = 1000, 'max_bytes' = '1M', 'expires' = '2999-12-31 23:59:59', 'require_manifest' = TRUE}")
        .await;
    server.ok(&export("SELECT * FROM t", "x.csv")).await;
    assert_eq!(files(&dir), ["x.csv", "x.csv.manifest.json"]);
    let described = server.ok("DESCRIBE STAGE s").await.rows();
    let policy: Vec<_> = described
        .iter()
        .filter(|row| row[0].starts_with("policy "))
        .map(|row| (row[0].as_str(), row[1].as_str()))
        .collect();
    assert_eq!(
        policy,
        [
            ("policy formats", "csv"),
            ("policy max_bytes", "1048576"),
            ("policy max_rows", "1000"),
            ("policy require_manifest", "true"),
            ("policy expires", "2999-12-31 23:59:59"),
        ]
    );
    // The refusals are on record, and so are the failures of what had begun.
    let refused = server
        .ok("SELECT count(*) FROM stagedoor.audit WHERE outcome = 'refused' AND reason LIKE '%(policy %'")
        .await;
    assert_eq!(refused.cell(), "3");
    let failed = server
        .ok("SELECT count(*) FROM stagedoor.audit WHERE outcome = 'failed' AND reason LIKE '%(policy %'")
        .await;
    assert_eq!(failed.cell(), "2");
    // A policy is a part of the version, and goes with it.
    server.ok("ALTER STAGE s ROLLBACK TO VERSION 1").await;
    server
        .ok(&export("SELECT 1 AS a", "y.csv' MANIFEST 'false"))
        .await;
    let versions = server
        .ok("SELECT policy FROM stagedoor.stage_versions WHERE stage_name = 's' ORDER BY version")
        .await
        .rows();
    assert_eq!(versions[0], ["NULL"]);
    assert_eq!(versions[1], ["{'formats' = 'jsonline,parquet'}"]);
    assert_eq!(versions.last().unwrap(), &["NULL"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_stage_is_no_way_around_a_policy() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    rows(&server, 10).await;
    server
        .ok("CREATE STAGE below URL = 'stage://s/below/' POLICY = {'formats' = 'csv'}")
        .await;
    server
        .ok("ALTER STAGE s SET POLICY = {'max_rows' = '5'}")
        .await;
    let error = server
        .error("SELECT * FROM t INTO OUTFILE 'stage://below/x.csv'")
        .await;
    assert!(error.contains("stage 's' does not permit it"), "{error}");
    let error = server
        .error("SELECT 1 AS a INTO OUTFILE 'stage://below/x.jsonl'")
        .await;
    assert!(
        error.contains("stage 'below' does not permit it"),
        "{error}"
    );
    assert_eq!(files(&dir), Vec::<String>::new());
    server
        .ok("SELECT * FROM t LIMIT 5 INTO OUTFILE 'stage://below/x.csv'")
        .await;
    assert_eq!(files(&dir), ["below/x.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_a_day_are_counted_together() {
    let server = TestServer::start().await;
    server.stage("s").await;
    rows(&server, 100).await;
    let export = |name: &str| format!("SELECT * FROM t INTO OUTFILE 'stage://s/{name}'");
    // Before there was a limit; it counts.
    server.ok(&export("a.csv")).await;
    let bytes = server
        .ok("SELECT bytes FROM stagedoor.exports WHERE target LIKE '%a.csv'")
        .await
        .cell()
        .parse::<u64>()
        .unwrap();
    server
        .ok(&format!(
            "ALTER STAGE s SET POLICY = {{'daily_bytes' = '{}'}}",
            bytes * 5 / 2
        ))
        .await;
    server.ok(&export("b.csv")).await;
    // The third does not fit, gives back what it had taken, and a smaller one fits.
    let error = server.error(&export("c.csv")).await;
    assert!(
        error.contains(&format!(
            "at most {} bytes (policy daily_bytes)",
            bytes * 5 / 2
        )),
        "{error}"
    );
    let error = server.error(&export("c.csv")).await;
    assert!(error.contains("policy daily_bytes"), "{error}");
    server
        .ok("SELECT * FROM t LIMIT 10 INTO OUTFILE 'stage://s/c.csv'")
        .await;
    server
        .ok(&format!(
            "ALTER STAGE s SET POLICY = {{'daily_bytes' = '{}'}}",
            bytes * 2
        ))
        .await;
    let error = server
        .error("SELECT 1 AS a INTO OUTFILE 'stage://s/d.csv'")
        .await;
    assert!(error.contains("policy daily_bytes"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn formulas_are_guarded_in_every_dialect() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("ALTER STAGE s SET POLICY = {'formula_guard' = 'true'}")
        .await;
    server
        .ok("SELECT '=1+1' AS a, -1 AS b INTO OUTFILE 'stage://s/x.csv' DIALECT 'rfc4180'")
        .await;
    let guarded = std::fs::read_to_string(dir.join("x.csv")).unwrap();
    assert!(
        guarded.contains("'=1+1") && guarded.contains(",-1"),
        "{guarded}"
    );
    let error = server
        .error("SELECT '=1' AS a INTO OUTFILE 'stage://s/y.csv' FIELDS ENCLOSED BY ''")
        .await;
    assert!(
        error.contains("the formula guard needs an ENCLOSED BY character"),
        "{error}"
    );
    let error = server
        .error("SELECT NULL AS a INTO OUTFILE 'stage://s/y.csv' NULL AS '=1'")
        .await;
    assert!(error.contains("NULL AS begins with none of"), "{error}");
    server.ok("ALTER STAGE s SET POLICY = {}").await;
    server
        .ok("SELECT '=1+1' AS a INTO OUTFILE 'stage://s/z.csv'")
        .await;
    assert_eq!(
        std::fs::read_to_string(dir.join("z.csv")).unwrap(),
        "a\n\"=1+1\"\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_policy_can_be_is_refused() {
    let server = TestServer::start().await;
    server.stage("s").await;
    for (policy, wanted) in [
        (
            "'colour' = 'red'",
            "unknown rule in POLICY; a rule is formats, max_bytes, max_rows",
        ),
        (
            "'max_rows' = 1, 'MAX_ROWS' = 2",
            "'max_rows' is given twice in POLICY",
        ),
        (
            "'formats' = 'xlsx'",
            "policy formats: 'xlsx' is not 'csv', 'jsonline', 'parquet' or 'arrow'",
        ),
        (
            "'max_bytes' = '10X'",
            "policy max_bytes: '10X' is not a number of bytes from 1 on, as '10G'",
        ),
        (
            "'expires' = 'soon'",
            "policy expires: 'soon' is not a day or a time in UTC",
        ),
        (
            "'require_manifest' = 'maybe'",
            "policy require_manifest: 'maybe' is not 'true' or 'false'",
        ),
    ] {
        let error = server
            .error(&format!("ALTER STAGE s SET POLICY = {{{policy}}}"))
            .await;
        assert!(error.contains(wanted), "{policy}: {error}");
    }
    let error = server
        .error("ALTER STAGE s SET POLICY = {'max_rows' = 1} COMMENT = 'two'")
        .await;
    assert!(error.contains("at most one option at a time"), "{error}");
    let error = server
        .error("CREATE TEMPORARY STAGE tmp POLICY = {'max_rows' = 1}")
        .await;
    assert!(
        error.contains("a temporary stage takes no POLICY"),
        "{error}"
    );
}

/// Files nobody else can read, whose names would say what is in them.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_encrypted_is_not_partitioned() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    // The recipient that age's own documentation has as its example.
    let to = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let policy = format!("ALTER STAGE s SET POLICY = {{'encrypt_to' = '{to}'}}");
    server.ok(&policy).await;
    let error = server
        .error("SELECT 1 AS a, 'secret' AS b INTO OUTFILE 'stage://s/x.csv' PARTITION BY (b)")
        .await;
    assert!(
        error.contains("does not permit it") && error.contains("PARTITION BY"),
        "{error}"
    );
    assert_eq!(files(&dir), Vec::<String>::new());
}
