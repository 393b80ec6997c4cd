//! The statements of the matrix.

use super::Who::{Admin, Everyone, Granted, Root};
use super::{Act, ROLE, Row, STAGE, TABLE, USER, VIEW, Who, check};

fn row(
    statement: &'static str,
    who: Who,
    before: &'static [&'static str],
    elsewhere: &'static str,
) -> Row {
    Row {
        what: statement,
        act: Act::Sql(statement),
        who,
        before,
        done: "ok",
        elsewhere,
    }
}

const REVOKED: &str = "REVOKE READ, WRITE ON STAGE {o} FROM public";
const WRITTEN: &str = "SELECT 1 AS a INTO OUTFILE 'stage://{o}/{o}.csv'";

fn stages_and_exports_rows() -> Vec<Row> {
    let gone = "STAGE_NOT_FOUND";
    vec![
        row(STAGE, Admin, &[], "ok"),
        row(
            "CREATE STAGE IF NOT EXISTS {o} URL = 'file://{dir}'",
            Admin,
            &[],
            "ok",
        ),
        row("CREATE STAGE {o}", Admin, &[], "ok"),
        row("ALTER STAGE {o} SET COMMENT = 'x'", Admin, &[STAGE], gone),
        row("ALTER STAGE {o} SET ENABLE = FALSE", Admin, &[STAGE], gone),
        row(
            "ALTER STAGE {o} SET URL = 'file://{dir}/x'",
            Admin,
            &[STAGE],
            gone,
        ),
        row("ALTER STAGE {o} RENAME TO {o}_new", Admin, &[STAGE], gone),
        row(
            "ALTER STAGE {o} ROLLBACK TO VERSION 1",
            Admin,
            &[STAGE, "ALTER STAGE {o} SET COMMENT = 'x'"],
            gone,
        ),
        row("DROP STAGE {o}", Admin, &[STAGE], gone),
        row("DROP STAGE IF EXISTS {o}", Admin, &[STAGE], "ok"),
        row("UNDROP STAGE {o}", Admin, &[STAGE, "DROP STAGE {o}"], gone),
        row("SHOW STAGES", Everyone, &[], "ok"),
        row("DESC STAGE {o}", Everyone, &[STAGE], gone),
        row("SHOW STAGE HISTORY {o}", Admin, &[STAGE], gone),
        row("VALIDATE STAGE {o}", Admin, &[STAGE], gone),
        row("ALTER STAGE {o} REFRESH", Admin, &[STAGE], gone),
        row("ALTER STAGE IF EXISTS {o} REFRESH", Admin, &[STAGE], "ok"),
        row("SELECT * FROM mo_catalog.mo_stages", Everyone, &[], "ok"),
        row("SELECT * FROM stagedoor.stages", Everyone, &[], "ok"),
        row("SELECT * FROM stagedoor.stage_versions", Admin, &[], "ok"),
        row("SELECT * FROM stagedoor.audit", Admin, &[], "ok"),
        row("SELECT * FROM stagedoor.exports", Everyone, &[], "ok"),
        row("SELECT * FROM stagedoor.export_files", Everyone, &[], "ok"),
        row("SHOW EXPORTS", Everyone, &[], "ok"),
        row(
            "SELECT 1 AS a INTO OUTFILE 'stage://{o}/{o}.csv'",
            Granted,
            &[STAGE, "REVOKE READ, WRITE ON STAGE {o} FROM public"],
            gone,
        ),
        // Each needs its own privilege: `bystander` and `public` have none on the stage.
        row("LIST 'stage://{o}/'", Granted, &[STAGE, REVOKED], gone),
        row(
            "SELECT * FROM stage_list('stage://{o}/')",
            Granted,
            &[STAGE, REVOKED],
            gone,
        ),
        row(
            "SELECT * FROM DIRECTORY('{o}')",
            Granted,
            &[STAGE, REVOKED],
            gone,
        ),
        row(
            "SELECT load_file('stage://{o}/{o}.csv')",
            Granted,
            &[STAGE, WRITTEN, REVOKED],
            gone,
        ),
        row(
            "PRESIGN DOWNLOAD 'stage://{o}/{o}.csv'",
            Granted,
            &[STAGE, WRITTEN, REVOKED],
            gone,
        ),
        row(
            "REMOVE FILES FROM STAGE 'stage://{o}/{o}.csv'",
            Granted,
            // READ and WRITE, which `public` has, are not enough.
            &[STAGE, WRITTEN],
            gone,
        ),
        row(
            "REMOVE FILES FROM STAGE IF EXISTS 'stage://{o}/{o}.csv'",
            Granted,
            &[STAGE],
            gone,
        ),
        // As MatrixOne's users have it.
        row("DESC stagedoor.stages", Everyone, &[], "ok"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_and_exports() {
    check(stages_and_exports_rows()).await;
}

fn databases_and_tables_rows() -> Vec<Row> {
    let gone = "TABLE_NOT_FOUND";
    vec![
        row("SELECT 1", Everyone, &[], "ok"),
        row("SET max_execution_time = 60000", Everyone, &[], "ok"),
        row("SELECT * FROM d.{o}", Granted, &[TABLE], gone),
        row(
            "SELECT (SELECT count(*) FROM d.{o})",
            Granted,
            &[TABLE],
            gone,
        ),
        row(
            "SELECT 1 UNION ALL SELECT a FROM d.{o}",
            Granted,
            &[TABLE],
            gone,
        ),
        row("INSERT INTO d.{o} VALUES (1)", Granted, &[TABLE], gone),
        row(
            "INSERT INTO d.{o} SELECT a FROM d.{o}",
            Granted,
            &[TABLE],
            gone,
        ),
        row("UPDATE d.{o} SET a = 1", Granted, &[TABLE], gone),
        row("DELETE FROM d.{o} WHERE a = 1", Granted, &[TABLE], gone),
        row("DELETE FROM d.{o}", Granted, &[TABLE], gone),
        row(
            "CREATE TABLE d.{o}_copy AS SELECT a FROM d.{o}",
            Granted,
            &[TABLE],
            gone,
        ),
        row("TRUNCATE TABLE d.{o}", Granted, &[TABLE], gone),
        row("DESC d.{o}", Granted, &[TABLE], gone),
        row("SHOW COLUMNS FROM d.{o}", Granted, &[TABLE], gone),
        row("SHOW CREATE TABLE d.{o}", Granted, &[TABLE], gone),
        row(TABLE, Granted, &[], "ok"),
        row("DROP TABLE d.{o}", Granted, &[TABLE], gone),
        row("DROP TABLE IF EXISTS d.{o}", Granted, &[TABLE], "ok"),
        row(VIEW, Granted, &[], "ok"),
        row("SELECT * FROM d.{o}", Granted, &[VIEW], gone),
        row("SHOW CREATE VIEW d.{o}", Granted, &[VIEW], gone),
        row(
            "CREATE OR REPLACE VIEW d.{o} AS SELECT 2 AS b",
            Granted,
            &[VIEW],
            "ok",
        ),
        row("ALTER VIEW d.{o} AS SELECT 2 AS b", Granted, &[VIEW], gone),
        row("DROP VIEW d.{o}", Granted, &[VIEW], gone),
        row("DROP VIEW IF EXISTS d.{o}", Granted, &[VIEW], "ok"),
        row("CREATE DATABASE {o}", Granted, &[], "ok"),
        row(
            "DROP DATABASE {o}",
            Granted,
            &["CREATE DATABASE {o}"],
            "DATABASE_NOT_FOUND",
        ),
        row("SHOW DATABASES", Everyone, &[], "ok"),
        row("SHOW TABLES FROM d", Everyone, &[], "ok"),
        row("USE d", Everyone, &[], "ok"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_and_tables() {
    check(databases_and_tables_rows()).await;
}

fn identities_rows() -> Vec<Row> {
    let (no_user, no_role) = ("USER_NOT_FOUND", "ROLE_NOT_FOUND");
    vec![
        row(USER, Granted, &[], "ok"),
        row("ALTER USER {o} COMMENT 'x'", Granted, &[USER], no_user),
        row("ALTER USER {o} LOCK", Granted, &[USER], no_user),
        row(
            "ALTER USER {o} IDENTIFIED BY 'new'",
            Granted,
            &[USER],
            no_user,
        ),
        row("DROP USER {o}", Granted, &[USER], no_user),
        row("SHOW USERS", Granted, &[], "ok"),
        row(ROLE, Granted, &[], "ok"),
        row("DROP ROLE {o}", Granted, &[ROLE], no_role),
        row("SHOW ROLES", Everyone, &[], "ok"),
        row("SET ROLE public", Everyone, &[], "ok"),
        row("SET ROLE DEFAULT", Everyone, &[], "ok"),
        row("GRANT {o} TO USER public_only", Granted, &[ROLE], no_role),
        row(
            "REVOKE {o} FROM USER public_only",
            Granted,
            &[ROLE],
            no_role,
        ),
        row("GRANT SELECT ON *.* TO {o}", Granted, &[ROLE], no_role),
        row("REVOKE SELECT ON *.* FROM {o}", Granted, &[ROLE], no_role),
        row("SHOW GRANTS", Everyone, &[], "ok"),
        row("SHOW GRANTS FOR ROLE {o}", Granted, &[ROLE], no_role),
        row("SHOW GRANTS FOR USER {o}", Granted, &[USER], no_user),
        row("CREATE TOKEN 'mine'", Everyone, &[], "ok"),
        row(
            "CREATE TOKEN 'theirs' FOR USER {o}",
            Granted,
            &[USER],
            no_user,
        ),
        row("SHOW TOKENS", Everyone, &[], "ok"),
        row("SHOW TOKENS FOR USER {o}", Granted, &[USER], no_user),
        row("SHOW SESSIONS", Everyone, &[], "ok"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn identities() {
    check(identities_rows()).await;
}

fn accounts_rows() -> Vec<Row> {
    const ACCOUNT: &str = "CREATE ACCOUNT {o} ADMIN_NAME 'a' IDENTIFIED BY 'pw'";
    vec![
        row(ACCOUNT, Root, &[], ""),
        row(
            "CREATE ACCOUNT IF NOT EXISTS {o} ADMIN_NAME 'a' IDENTIFIED BY 'pw'",
            Root,
            &[],
            "",
        ),
        row("ALTER ACCOUNT {o} COMMENT 'x'", Root, &[ACCOUNT], ""),
        row("ALTER ACCOUNT {o} SUSPEND", Root, &[ACCOUNT], ""),
        row("DROP ACCOUNT {o}", Root, &[ACCOUNT], ""),
        row("DROP ACCOUNT IF EXISTS {o}", Root, &[ACCOUNT], ""),
        row("SHOW ACCOUNTS", Root, &[], ""),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts() {
    check(accounts_rows()).await;
}

/// The rows of all tests here.
pub(super) fn all() -> Vec<Row> {
    [
        stages_and_exports_rows(),
        databases_and_tables_rows(),
        identities_rows(),
        accounts_rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
