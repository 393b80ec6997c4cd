//! What cannot be dropped, and what is left of what was dropped: nothing.

use std::time::{Duration, Instant};

use super::{Caller, Door, refusal};
use crate::harness::files;

/// Runs until it is cancelled.
const ENDLESS: &str = "SELECT x.a FROM d.t x CROSS JOIN d.t y CROSS JOIN d.t z CROSS JOIN d.t v CROSS JOIN d.t w INTO OUTFILE 'stage://s/endless.csv'";

#[tokio::test(flavor = "multi_thread")]
async fn somebody_can_always_administer() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    let (yourself, last) = (
        admin.error("DROP USER admin").await,
        admin.error("ALTER USER admin LOCK").await,
    );
    assert!(yourself.starts_with("OPTION_INVALID: "), "{yourself}");
    assert!(last.starts_with("IDENTITY_IN_USE: "), "{last}");
    assert!(
        last.contains("grant the role to another user first"),
        "{last}"
    );
    let role = admin.error("REVOKE accountadmin FROM USER admin").await;
    assert!(role.starts_with("IDENTITY_IN_USE: "), "{role}");
    for statement in ["DROP ROLE accountadmin", "DROP ROLE public"] {
        let error = admin.error(statement).await;
        assert!(error.starts_with("OPTION_INVALID: "), "{error}");
    }
    // With another one the first may go.
    admin
        .ok("CREATE USER second IDENTIFIED BY 'pw' DEFAULT ROLE accountadmin")
        .await;
    let second = door.login("t1#second", "pw").await;
    second.ok("DROP USER admin").await;
    let error = second.error("DROP USER second").await;
    assert!(error.starts_with("OPTION_INVALID: "), "{error}");
    assert_eq!(second.rows("SHOW USERS").await.len(), 1);

    let root = door.root().await;
    for statement in ["DROP ACCOUNT sys", "DROP USER root", "DROP ROLE moadmin"] {
        let error = root.error(statement).await;
        assert!(
            error.starts_with("OPTION_INVALID: ") || error.starts_with("IDENTITY_IN_USE: "),
            "{statement}: {error}"
        );
    }
    door.close().await;
}

async fn fill(admin: &Caller) {
    for statement in [
        "CREATE DATABASE d",
        "CREATE TABLE d.t (a int)",
        "INSERT INTO d.t VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9),(10)",
        "CREATE STAGE s",
    ] {
        admin.ok(statement).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_running_export_stays() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    fill(&admin).await;
    for _ in 0..3 {
        admin
            .ok("INSERT INTO d.t SELECT x.a FROM d.t x CROSS JOIN (SELECT a FROM d.t LIMIT 9) y")
            .await;
    }
    let request = proto::v1::StartExportRequest {
        statement: ENDLESS.to_owned(),
        ..Default::default()
    };
    let started = admin
        .exports()
        .start_export(admin.request(request))
        .await
        .unwrap()
        .into_inner();
    let name = started.export.unwrap().name;
    let id = &name["exports/".len()..];
    let root = door.root().await;
    let error = root.error("DROP ACCOUNT t1").await;
    assert!(error.starts_with("IDENTITY_IN_USE: "), "{error}");
    assert!(error.contains(id), "{error}");
    admin.ok("SELECT 1").await;
    // Another account's administrator does not even learn of it; the cluster's can stop it.
    let other = door.admin("t2").await;
    let error = other.error(&format!("CANCEL EXPORT '{id}'")).await;
    assert!(error.starts_with("EXPORT_NOT_FOUND: "), "{error}");
    root.ok("ALTER ACCOUNT t1 SUSPEND").await;
    root.ok(&format!("CANCEL EXPORT '{id}'")).await;
    let seen = "SELECT account FROM stagedoor.audit WHERE operation = 'CANCEL EXPORT'";
    assert_eq!(root.rows(seen).await, [["sys"]]);
    root.ok("DROP ACCOUNT t1").await;
    let error = admin.error("SELECT 1").await;
    assert!(error.starts_with("UNAUTHENTICATED: "), "{error}");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_made_anew_has_nothing_of_the_old_one() {
    let door = Door::with_tenants().await;
    let root = door.root().await;
    let admin = door.admin("t1").await;
    fill(&admin).await;
    admin
        .ok("SELECT 'old secret' AS a INTO OUTFILE 'stage://s/old.csv'")
        .await;
    admin.ok("CREATE USER u IDENTIFIED BY 'pw'").await;
    admin.ok("CREATE ROLE r").await;
    let old_session = admin.in_session().await;
    let token = {
        let answer = admin
            .accounts()
            .login(admin.request(proto::v1::LoginRequest::default()))
            .await;
        answer.unwrap().into_inner().token
    };
    let bearer = door.bearer(&token).await;
    let data = door.folder.path().join("data");
    let holds_secret = || {
        files(&data).into_iter().any(|file| {
            file.ends_with("old.csv")
                // It may go between being listed and being read.
                && std::fs::read(data.join(file)).is_ok_and(|bytes| {
                    bytes.windows(10).any(|bytes| bytes == b"old secret")
                })
        })
    };
    assert!(holds_secret());

    root.ok("DROP ACCOUNT t1").await;
    // Files may be removed behind the statement's back.
    let began = Instant::now();
    while holds_secret() {
        assert!(began.elapsed() < Duration::from_secs(120), "its files stay");
        tokio::task::yield_now().await;
    }
    for caller in [&admin, &old_session, &bearer] {
        let error = caller.error("SELECT 1").await;
        assert!(error.starts_with("UNAUTHENTICATED: "), "{error}");
    }

    root.ok("CREATE ACCOUNT t1 ADMIN_NAME 'admin' IDENTIFIED BY 'pw-t1'")
        .await;
    let error = bearer.error("SELECT 1").await;
    assert!(error.starts_with("UNAUTHENTICATED: "), "{error}");
    let error = old_session.error("SELECT 1").await;
    assert!(error.starts_with("SESSION_NOT_FOUND: "), "{error}");
    let anew = door.admin("t1").await;
    for listing in ["SHOW STAGES", "SHOW EXPORTS", "SHOW TOKENS"] {
        assert_eq!(
            anew.rows(listing).await,
            Vec::<Vec<String>>::new(),
            "{listing}"
        );
    }
    assert_eq!(anew.rows("SHOW USERS").await.len(), 1);
    assert_eq!(anew.rows("SHOW ROLES").await.len(), 2);
    let databases = format!("{:?}", anew.rows("SHOW DATABASES").await);
    assert!(!databases.contains("\"d\""), "{databases}");
    let audit = format!("{:?}", anew.rows("SELECT * FROM stagedoor.audit").await);
    assert!(!audit.contains("old"), "{audit}");
    anew.ok("CREATE STAGE s").await;
    anew.ok("CREATE DATABASE d").await;
    let read = anew
        .run("CREATE EXTERNAL TABLE d.e (a varchar(20)) INFILE 'stage://s/old.csv'")
        .await;
    let error = match read {
        Ok(_) => anew.error("SELECT * FROM d.e").await,
        Err(status) => refusal(&status),
    };
    assert!(error.starts_with("FILE_INVALID: "), "{error}");
    door.close().await;
}
