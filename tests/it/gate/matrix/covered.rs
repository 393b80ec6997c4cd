//! That every operation of docs/privileges.md, which is printed from the server's own table, is tried by a row of the
//! matrix, or says which test does it instead and why.

use std::collections::BTreeSet;
use std::path::Path;

use super::{calls, statements};

enum By {
    /// What the row is called.
    Row(&'static str),
    /// A test of its own, and why it is no row.
    Test(&'static str),
}

use By::{Row, Test};

const COVERED: [(&str, By); 78] = [
    ("CREATE STAGE", Row("CREATE STAGE {o}")),
    ("ALTER STAGE", Row("ALTER STAGE {o} SET COMMENT = 'x'")),
    ("RENAME STAGE", Row("ALTER STAGE {o} RENAME TO {o}_new")),
    (
        "ROLLBACK STAGE",
        Row("ALTER STAGE {o} ROLLBACK TO VERSION 1"),
    ),
    ("DROP STAGE", Row("DROP STAGE {o}")),
    ("UNDROP STAGE", Row("UNDROP STAGE {o}")),
    ("SHOW STAGES", Row("SHOW STAGES")),
    ("DESCRIBE STAGE", Row("DESC STAGE {o}")),
    ("SHOW STAGE HISTORY", Row("SHOW STAGE HISTORY {o}")),
    ("VALIDATE STAGE", Row("VALIDATE STAGE {o}")),
    ("EXPORT TO STAGE", Row("start_export")),
    (
        "EXPORT TO TEMPORARY STAGE",
        Test("temporary_stages::one_is_its_sessions_own: another's cannot even be named"),
    ),
    (
        "EXPORT TO PATH",
        Test(
            "gate/others.rs: no role is asked for, but that no stage is enabled, which the matrix needs",
        ),
    ),
    ("READ STAGE", Row("SELECT load_file('stage://{o}/{o}.csv')")),
    ("LIST FILES", Row("list_files")),
    ("READ DIRECTORY", Row("SELECT * FROM DIRECTORY('{o}')")),
    ("REFRESH STAGE", Row("ALTER STAGE {o} REFRESH")),
    ("REMOVE FILES", Row("remove_files")),
    ("PRESIGN DOWNLOAD", Row("presign_file")),
    ("PRESIGN UPLOAD", Row("presign_file for an upload")),
    ("DOWNLOAD FILE", Row("download_file")),
    ("UPLOAD FILE", Row("upload_file")),
    ("SHOW EXPORTS", Row("SHOW EXPORTS")),
    (
        "GET EXPORT",
        Test("gate/others.rs: an export has an id and no name"),
    ),
    ("CANCEL EXPORT", Test("gate/others.rs")),
    ("RESUME EXPORT", Test("gate/others.rs")),
    ("VERIFY EXPORT", Test("gate/others.rs")),
    ("QUERY", Row("SELECT 1")),
    ("SELECT", Row("SELECT * FROM d.{o}")),
    ("READ SYSTEM TABLE", Row("SELECT * FROM stagedoor.stages")),
    ("READ AUDIT", Row("SELECT * FROM stagedoor.audit")),
    ("INSERT", Row("INSERT INTO d.{o} VALUES (1)")),
    ("UPDATE", Row("UPDATE d.{o} SET a = 1")),
    ("DELETE", Row("DELETE FROM d.{o}")),
    ("TRUNCATE TABLE", Row("TRUNCATE TABLE d.{o}")),
    ("CREATE TABLE", Row("CREATE TABLE d.{o} (a int)")),
    ("DROP TABLE", Row("DROP TABLE d.{o}")),
    ("CREATE VIEW", Row("CREATE VIEW d.{o} AS SELECT 1 AS a")),
    ("ALTER VIEW", Row("ALTER VIEW d.{o} AS SELECT 2 AS b")),
    ("DROP VIEW", Row("DROP VIEW d.{o}")),
    ("DESCRIBE TABLE", Row("DESC d.{o}")),
    ("SHOW TABLES", Row("SHOW TABLES FROM d")),
    ("CREATE DATABASE", Row("CREATE DATABASE {o}")),
    ("DROP DATABASE", Row("DROP DATABASE {o}")),
    ("USE", Row("USE d")),
    ("SHOW DATABASES", Row("SHOW DATABASES")),
    ("CREATE ACCOUNT", Row("create_account")),
    ("ALTER ACCOUNT", Row("update_account")),
    ("DROP ACCOUNT", Row("delete_account")),
    ("SHOW ACCOUNTS", Row("list_accounts")),
    ("CREATE USER", Row("create_user")),
    ("ALTER USER", Row("update_user")),
    (
        "SET PASSWORD",
        Test("gate/others.rs: a row would take the password that the others log in by"),
    ),
    ("DROP USER", Row("delete_user")),
    ("SHOW USERS", Row("SHOW USERS")),
    ("CREATE ROLE", Row("create_role")),
    ("ALTER ROLE", Row("update_role")),
    ("DROP ROLE", Row("delete_role")),
    ("SHOW ROLES", Row("get_role")),
    ("SET ROLE", Row("SET ROLE public")),
    ("GRANT", Row("GRANT SELECT ON *.* TO {o}")),
    ("REVOKE", Row("REVOKE SELECT ON *.* FROM {o}")),
    (
        "CHANGE ADMINISTRATOR",
        Test("gate/others.rs: it is what is changed that makes another operation one"),
    ),
    ("SHOW GRANTS", Row("SHOW GRANTS FOR ROLE {o}")),
    ("SHOW OWN GRANTS", Row("SHOW GRANTS")),
    ("CREATE TOKEN", Row("CREATE TOKEN 'mine'")),
    ("CREATE TOKEN FOR USER", Row("create_token")),
    (
        "REVOKE TOKEN",
        Test("gate/others.rs: a token has an id that its maker alone knows"),
    ),
    ("REVOKE TOKEN OF USER", Row("revoke_token")),
    ("SHOW TOKENS", Row("SHOW TOKENS")),
    ("SHOW TOKENS FOR USER", Row("SHOW TOKENS FOR USER {o}")),
    ("SET", Row("SET max_execution_time = 60000")),
    ("SHOW SESSIONS", Row("SHOW SESSIONS")),
    (
        "ENTER SESSION",
        Test("gate/others.rs: a session has an id that its opener alone knows"),
    ),
    ("KILL", Test("gate/others.rs")),
    ("SERVER STATUS", Row("get_status")),
    ("BACKUP", Row("backup")),
    ("VERIFY AUDIT", Row("verify_audit")),
];

#[test]
fn every_operation_has_a_row_or_a_reason() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/privileges.md");
    let page = std::fs::read_to_string(path).unwrap();
    let table = page.lines().skip_while(|line| *line != "|---|---|").skip(1);
    let operations: BTreeSet<&str> = table
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').nth(1).unwrap().trim())
        .collect();
    assert!(operations.len() > 50, "{operations:?}");
    let covered: BTreeSet<&str> = COVERED.iter().map(|(operation, _)| *operation).collect();
    assert_eq!(operations, covered);
    let rows: BTreeSet<&str> = calls::all()
        .iter()
        .chain(&statements::all())
        .map(|row| row.what)
        .collect();
    for (operation, by) in COVERED {
        match by {
            Row(what) => assert!(rows.contains(what), "{operation}: there is no row {what}"),
            Test(why) => assert!(
                why.contains("::") || why.starts_with("gate/"),
                "{operation}"
            ),
        }
    }
}
