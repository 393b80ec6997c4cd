//! What is one user's own, by an id that nothing but its maker knows: another user of the account finds nothing there,
//! an administrator does, and one of another account does not.

use proto::v1;
use tonic::Status;

use super::{Caller, Door, reason};

fn outcome<T>(result: Result<T, Status>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(status) => reason(&status),
    }
}

/// Users `maker`, `other` and `helper` of t1, the last with MANAGE GRANTS and ALTER USER, and a stage for all.
async fn door_with_users() -> Door {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    let dir = door.dir("t1").display().to_string();
    for statement in [
        format!("CREATE STAGE s URL = 'file://{dir}'"),
        "CREATE ROLE helping".to_owned(),
        "GRANT MANAGE GRANTS, ALTER USER ON ACCOUNT * TO helping".to_owned(),
        "CREATE USER maker IDENTIFIED BY 'pw', other IDENTIFIED BY 'pw'".to_owned(),
        "CREATE USER helper IDENTIFIED BY 'pw' DEFAULT ROLE helping".to_owned(),
    ] {
        admin.ok(&statement).await;
    }
    door
}

/// Each call and statement about an export, by its name and outcome.
async fn tried_on_export(caller: &Caller, name: &str) -> Vec<(&'static str, String)> {
    let mut exports = caller.exports();
    let mut outcomes = Vec::new();
    macro_rules! tried {
        ($call:ident, $request:ident) => {
            let request = caller.request(v1::$request {
                name: name.to_owned(),
            });
            outcomes.push((stringify!($call), outcome(exports.$call(request).await)));
        };
    }
    tried!(get_export, GetExportRequest);
    tried!(get_manifest, GetManifestRequest);
    tried!(cancel_export, CancelExportRequest);
    // Streams, which are refused with their first message at the latest.
    macro_rules! tried_stream {
        ($call:ident, $request:ident) => {
            let request = caller.request(v1::$request {
                name: name.to_owned(),
            });
            let tried = match exports.$call(request).await {
                Ok(stream) => outcome(stream.into_inner().message().await),
                Err(status) => reason(&status),
            };
            outcomes.push((stringify!($call), tried));
        };
    }
    tried_stream!(watch_export, WatchExportRequest);
    tried_stream!(verify_export, VerifyExportRequest);
    let request = caller.request(v1::ResumeExportRequest {
        name: name.to_owned(),
        ..Default::default()
    });
    outcomes.push((
        "resume_export",
        outcome(exports.resume_export(request).await),
    ));
    let id = name.strip_prefix("exports/").unwrap();
    for verb in ["VERIFY", "CANCEL", "RESUME"] {
        let result = caller.run(&format!("{verb} EXPORT '{id}'")).await;
        outcomes.push((verb, outcome(result)));
    }
    let shown = caller.rows("SHOW EXPORTS").await.len();
    let listed = caller.rows("SELECT * FROM stagedoor.exports").await.len();
    assert_eq!(shown, listed);
    outcomes.push(("seen", shown.to_string()));
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export() {
    let door = door_with_users().await;
    let maker = door.login("t1#maker", "pw").await;
    let made = maker
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://s/a.csv' MANIFEST 'true'")
        .await;
    let name = made.result.export.unwrap().name;
    let by_maker = tried_on_export(&maker, &name).await;
    // It has ended, so that there is nothing to cancel or to resume.
    for (what, outcome) in &by_maker {
        let expected = match *what {
            "get_export" | "get_manifest" | "verify_export" | "watch_export" | "VERIFY" => "ok",
            "seen" => "1",
            _ => "EXPORT_STATE",
        };
        assert_eq!(outcome, expected, "{what}: {by_maker:?}");
    }
    let admin = door.admin("t1").await;
    assert_eq!(tried_on_export(&admin, &name).await, by_maker);
    for login in ["t1#other", "t1#helper"] {
        let other = door.login(login, "pw").await;
        for (what, outcome) in tried_on_export(&other, &name).await {
            let expected = if what == "seen" {
                "0"
            } else {
                "EXPORT_NOT_FOUND"
            };
            assert_eq!(outcome, expected, "{login}: {what}");
        }
    }
    let elsewhere = door.admin("t2").await;
    for (what, outcome) in tried_on_export(&elsewhere, &name).await {
        let expected = if what == "seen" {
            "0"
        } else {
            "EXPORT_NOT_FOUND"
        };
        assert_eq!(outcome, expected, "the administrator of t2: {what}");
    }
    // What a stranger is told is what anyone is told of an export that never was.
    let other = door.login("t1#other", "pw").await;
    let missing = "exports/018f0000-0000-7000-8000-000000000001";
    let missing = tried_on_export(&other, missing).await;
    assert_eq!(tried_on_export(&other, &name).await, missing);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_and_a_token() {
    let door = door_with_users().await;
    let maker = door.login("t1#maker", "pw").await.in_session().await;
    let other = door.login("t1#other", "pw").await;
    let elsewhere = door.admin("t2").await;
    let admin = door.admin("t1").await;
    let kill = async |caller: &Caller| {
        let request = caller.request(v1::KillSessionRequest {
            name: format!("sessions/{}", maker.session),
        });
        outcome(caller.administration().kill_session(request).await)
    };
    let kill_by_sql = format!("KILL '{}'", maker.session);
    for caller in [&other, &elsewhere] {
        assert_eq!(outcome(caller.run(&kill_by_sql).await), "SESSION_NOT_FOUND");
        assert_eq!(kill(caller).await, "SESSION_NOT_FOUND");
    }
    // Nobody but the same user enters it, not even an administrator.
    for caller in [&other, &elsewhere, &admin] {
        let inside = Caller {
            session: maker.session.clone(),
            ..caller.clone()
        };
        assert_eq!(outcome(inside.run("SELECT 1").await), "SESSION_NOT_FOUND");
    }
    maker.ok("SELECT 1").await;

    let made = maker.rows("CREATE TOKEN 'mine'").await;
    let (id, token) = (made[0][0].clone(), made[0][1].clone());
    for caller in [&other, &elsewhere] {
        let revoke = format!("REVOKE TOKEN '{id}'");
        assert_eq!(outcome(caller.run(&revoke).await), "TOKEN_NOT_FOUND");
    }
    let shown = other.run("SHOW TOKENS FOR USER maker").await;
    assert_eq!(outcome(shown), "PERMISSION_DENIED");
    // Logout ends the token that it comes with, and no other.
    let log_out = async |caller: &Caller| {
        let request = caller.request(v1::LogoutRequest {});
        outcome(caller.accounts().logout(request).await)
    };
    assert_eq!(log_out(&other).await, "OPTION_INVALID");
    let second = maker.rows("CREATE TOKEN 'second'").await[0][1].clone();
    let (first, second) = (door.bearer(&token).await, door.bearer(&second).await);
    assert_eq!(log_out(&first).await, "ok");
    assert_eq!(outcome(first.run("SELECT 1").await), "UNAUTHENTICATED");
    second.ok("SELECT 1").await;

    assert_eq!(kill(&admin).await, "ok");
    assert_eq!(outcome(maker.run("SELECT 1").await), "SESSION_NOT_FOUND");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_and_an_administrator() {
    let door = door_with_users().await;
    let other = door.login("t1#other", "pw").await;
    other.ok("SET PASSWORD = 'new'").await;
    door.login("t1#other", "new").await.ok("SELECT 1").await;
    let old = door.login("t1#other", "pw").await;
    assert_eq!(outcome(old.run("SELECT 1").await), "UNAUTHENTICATED");
    door.login("t1#maker", "pw").await.ok("SELECT 1").await;
    // Whoever has ALTER USER and MANAGE GRANTS changes neither an administrator nor who is one.
    let helper = door.login("t1#helper", "pw").await;
    helper.ok("ALTER USER maker COMMENT 'x'").await;
    for statement in [
        "ALTER USER admin IDENTIFIED BY 'taken'",
        "ALTER USER admin LOCK",
        "GRANT accountadmin TO USER helper",
        "REVOKE accountadmin FROM USER admin",
        "CREATE TOKEN 'taken' FOR USER admin",
        "SHOW TOKENS FOR USER admin",
    ] {
        let refused = outcome(helper.run(statement).await);
        assert_eq!(refused, "PERMISSION_DENIED", "{statement}");
    }
    door.admin("t1").await.ok("SELECT 1").await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_without_a_stage() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    admin.ok("CREATE USER u IDENTIFIED BY 'pw'").await;
    let user = door.login("t1#u", "pw").await;
    let target = |account: &str, name: &str| {
        let dir = door.dir(account);
        format!("SELECT 1 AS a INTO OUTFILE '{}/{name}.csv'", dir.display())
    };
    // Any login may, below the folders of its own account.
    user.ok(&target("t1", "by_user")).await;
    assert_ne!(outcome(user.run(&target("t2", "by_user")).await), "ok");
    let elsewhere = door.admin("t2").await;
    assert_ne!(outcome(elsewhere.run(&target("t1", "by_t2")).await), "ok");
    // With a stage that is enabled nobody may, whatever the role.
    admin.ok("CREATE STAGE s ENABLE = TRUE").await;
    for (name, caller) in [("u", &user), ("admin", &admin)] {
        assert_ne!(
            outcome(caller.run(&target("t1", name)).await),
            "ok",
            "{name}"
        );
        assert!(!door.dir("t1").join(format!("{name}.csv")).exists());
    }
    // Another account's stages say nothing.
    elsewhere.ok(&target("t2", "by_t2")).await;
    door.close().await;
}
