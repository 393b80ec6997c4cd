//! Views read by the rights of whoever reads them: one gives nobody what he may not read.

use super::{Door, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn a_view_gives_nobody_what_he_may_not_read() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    for statement in [
        "CREATE DATABASE d",
        "CREATE TABLE d.secret (a int, b int)",
        "INSERT INTO d.secret VALUES (1, 2)",
        "CREATE VIEW d.v AS SELECT a FROM d.secret",
        "CREATE ROLE reader, both",
        "GRANT SELECT ON TABLE d.v TO reader",
        "GRANT SELECT ON TABLE d.v TO both",
        "GRANT SELECT ON TABLE d.secret TO both",
        "CREATE USER r IDENTIFIED BY 'pw' DEFAULT ROLE reader",
        "CREATE USER b IDENTIFIED BY 'pw' DEFAULT ROLE both",
    ] {
        admin.ok(statement).await;
    }
    let reader = door.login("t1#r", "pw").await;
    let both = door.login("t1#b", "pw").await;
    assert_eq!(both.rows("SELECT * FROM d.v").await, [["1"]]);
    let refused = reader.run("SELECT * FROM d.v").await.unwrap_err();
    assert_eq!(
        refusal(&refused),
        "PERMISSION_DENIED: view 'd.v': SELECT command denied to user 't1:r' for table 'd.secret'"
    );
    let refused = "SELECT operation, target FROM stagedoor.audit WHERE target IN ('d.v', 'd.secret') AND outcome = 'refused'";
    assert_eq!(admin.rows(refused).await, [["SELECT", "d.secret"]]);
    // Nor does who may read one make or change one, by which others would be misled.
    for statement in [
        "CREATE VIEW d.mine AS SELECT * FROM d.secret",
        "CREATE OR REPLACE VIEW d.v AS SELECT 1 AS a",
        "ALTER VIEW d.v AS SELECT 1 AS a",
        "DROP VIEW d.v",
    ] {
        let refused = both.run(statement).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::PermissionDenied, "{statement}");
    }
    // Who makes one has to be able to read what stands in it.
    admin.ok("GRANT CREATE TABLE ON DATABASE d TO reader").await;
    let refused = reader
        .run("CREATE VIEW d.mine AS SELECT * FROM d.secret")
        .await
        .unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    // It belongs to who made it, and he may change it.
    reader.ok("CREATE VIEW d.mine AS SELECT 1 AS a").await;
    reader.ok("ALTER VIEW d.mine AS SELECT 2 AS a").await;
    assert_eq!(reader.rows("SELECT * FROM d.mine").await, [["2"]]);
    reader.ok("DROP VIEW d.mine").await;
    // A changed view keeps its grants.
    admin
        .ok("CREATE OR REPLACE VIEW d.v (x) AS SELECT b FROM d.secret")
        .await;
    assert_eq!(both.rows("SELECT x FROM d.v").await, [["2"]]);
    let done = "SELECT operation, target FROM stagedoor.audit WHERE operation LIKE '% VIEW' AND outcome = 'done' ORDER BY number";
    assert_eq!(
        admin.rows(done).await,
        [
            ["CREATE VIEW", "d.v"],
            ["CREATE VIEW", "d.mine"],
            ["ALTER VIEW", "d.mine"],
            ["DROP VIEW", "d.mine"],
            ["ALTER VIEW", "d.v"],
        ]
    );
    door.close().await;
}
