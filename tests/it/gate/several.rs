//! Statements of several users and roles: all of them or none, each told in the audit.

use super::{Caller, Door};

/// What the account has, and how long its audit of changes is.
async fn state(admin: &Caller) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for statement in [
        "SELECT count(*) FROM stagedoor.audit WHERE outcome = 'done' AND operation <> 'LOGIN'",
        "SHOW USERS",
        "SHOW ROLES",
        "SHOW GRANTS FOR ROLE r",
        "SHOW GRANTS FOR ROLE s",
    ] {
        all.extend(admin.rows(statement).await);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_leaves_nothing_of_the_others() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    for statement in [
        "CREATE USER a IDENTIFIED BY 'pw', b IDENTIFIED BY 'pw'",
        "CREATE ROLE r, s COMMENT 'both'",
        "CREATE STAGE st",
        "GRANT READ ON STAGE st TO s",
        "GRANT s TO USER b",
    ] {
        admin.ok(statement).await;
    }
    let roles = admin.rows("SHOW ROLES LIKE '_'").await;
    let comments: Vec<_> = roles.iter().map(|row| row[3].as_str()).collect();
    assert_eq!(comments, ["both", "both"]);
    let before = state(&admin).await;
    for (statement, expected) in [
        (
            "CREATE USER x1 IDENTIFIED BY 'pw', a IDENTIFIED BY 'pw'",
            "USER_EXISTS: internal error: the user a exists",
        ),
        (
            "CREATE ROLE x1, r",
            "ROLE_EXISTS: internal error: the role r exists",
        ),
        (
            "DROP USER a, nosuch",
            "USER_NOT_FOUND: internal error: the user nosuch not exists",
        ),
        ("DROP USER a, admin", "OPTION_INVALID"),
        (
            "DROP ROLE r, nosuch",
            "ROLE_NOT_FOUND: internal error: the role nosuch not exists",
        ),
        ("DROP ROLE IF EXISTS r, nosuch, public", "OPTION_INVALID"),
        (
            "GRANT READ ON STAGE st TO r, nosuch",
            "ROLE_NOT_FOUND: internal error: the role nosuch not exists",
        ),
        (
            "REVOKE READ ON STAGE st FROM s, nosuch",
            "ROLE_NOT_FOUND: internal error: the role nosuch not exists",
        ),
        (
            "GRANT r, s TO USER a, nosuch",
            "USER_NOT_FOUND: internal error: the user nosuch not exists",
        ),
        (
            "REVOKE s FROM USER b, nosuch",
            "USER_NOT_FOUND: internal error: the user nosuch not exists",
        ),
        (
            "GRANT r, nosuch TO USER a",
            "ROLE_NOT_FOUND: internal error: the role nosuch not exists",
        ),
    ] {
        let error = admin.error(statement).await;
        assert!(error.starts_with(expected), "{statement}: {error}");
    }
    assert_eq!(state(&admin).await, before);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_them_is_on_record() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    admin.ok("CREATE STAGE st").await;
    for (statement, warnings) in [
        (
            "CREATE USER a IDENTIFIED BY 'pw', b IDENTIFIED BY 'pw'",
            vec![],
        ),
        (
            "CREATE USER IF NOT EXISTS b IDENTIFIED BY 'pw', c IDENTIFIED BY 'pw'",
            vec!["3163: the user b exists; nothing was changed"],
        ),
        ("CREATE ROLE r, s", vec![]),
        ("GRANT READ ON STAGE st TO r, s", vec![]),
        ("GRANT r TO USER a, b", vec![]),
        (
            "GRANT r, s TO USER b",
            vec!["role r, user b: nothing was changed"],
        ),
        (
            "REVOKE WRITE ON STAGE st FROM r, public",
            vec!["role r was not granted this here; nothing was changed"],
        ),
        (
            "DROP ROLE IF EXISTS r, nosuch",
            vec!["3162: nosuch not exists; nothing was changed"],
        ),
        (
            "DROP USER IF EXISTS nosuch, a, b",
            vec!["3162: nosuch not exists; nothing was changed"],
        ),
    ] {
        let result = admin.ok(statement).await.result;
        let told: Vec<_> = result.warnings.iter().map(String::as_str).collect();
        assert_eq!(told, warnings, "{statement}");
    }
    // The last one's password counts as well as the first one's.
    door.login("t1#c", "pw").await.ok("SELECT 1").await;
    let rows = admin
        .rows(
            "SELECT operation, target FROM stagedoor.audit \
             WHERE outcome = 'done' AND operation <> 'LOGIN' AND `user` = 'admin' ORDER BY number",
        )
        .await;
    let told: Vec<String> = rows.iter().map(|row| row.join(" ")).collect();
    let expected = [
        "CREATE STAGE st",
        "CREATE USER a",
        "CREATE USER b",
        "CREATE USER c",
        "CREATE ROLE r",
        "CREATE ROLE s",
        "GRANT READ on the stage st to role r",
        "GRANT READ on the stage st to role s",
        "GRANT ROLE r to user a",
        "GRANT ROLE r to user b",
        "GRANT ROLE s to user b",
        "REVOKE WRITE on the stage st from role public",
        "DROP ROLE r",
        "DROP USER a",
        "DROP USER b",
    ];
    assert_eq!(told, expected);
    door.close().await;
}
