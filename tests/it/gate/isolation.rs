//! Two accounts with the same names of everything: nothing of one shows in the other, nor to `sys`.

use proto::v1;

use super::{Caller, Door, refusal};

/// What an administrator can list.
const LISTINGS: [&str; 23] = [
    "SHOW STAGES",
    "DESC STAGE s",
    "SHOW STAGE HISTORY s",
    "SELECT * FROM mo_catalog.mo_stages",
    "SELECT * FROM stagedoor.stages",
    "SELECT * FROM stagedoor.stage_versions",
    "SELECT * FROM stagedoor.exports",
    "SELECT * FROM DIRECTORY('s')",
    "SELECT * FROM stagedoor.export_files",
    "SELECT * FROM stagedoor.audit",
    "SHOW EXPORTS",
    "SHOW USERS",
    "SHOW ROLES",
    "SHOW GRANTS FOR ROLE r",
    "SHOW GRANTS FOR USER u",
    "SHOW DATABASES",
    "SHOW TABLES FROM d",
    "SHOW CREATE TABLE d.t",
    "SELECT * FROM d.t",
    "SHOW TOKENS",
    "SELECT * FROM information_schema.schemata",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM information_schema.columns",
];

async fn fill(door: &Door, caller: &Caller, account: &str) {
    let dir = door.dir(account);
    for statement in [
        "CREATE DATABASE d".to_owned(),
        format!("CREATE DATABASE d_only_{account}"),
        format!("CREATE TABLE d.t (a varchar(40) COMMENT 'only_{account}')"),
        format!("CREATE TABLE d.t_only_{account} (a int)"),
        format!("INSERT INTO d.t VALUES ('only_{account}')"),
        format!(
            "CREATE STAGE s URL = 'file://{}' COMMENT = 'only_{account}'",
            dir.display()
        ),
        format!("ALTER STAGE s SET COMMENT = 'again only_{account}'"),
        format!("CREATE STAGE s_only_{account}"),
        "CREATE ROLE r".to_owned(),
        format!("CREATE ROLE r_only_{account}"),
        format!("GRANT WRITE ON STAGE s_only_{account} TO r"),
        format!("GRANT READ ON STAGE s_only_{account} TO public"),
        format!("CREATE USER u IDENTIFIED BY 'pw' DEFAULT ROLE r COMMENT 'only_{account}'"),
        format!("CREATE TOKEN 'only_{account}'"),
        format!("SELECT a AS only_{account} FROM d.t INTO OUTFILE 'stage://s/only_{account}.csv'"),
    ] {
        caller.ok(&statement).await;
    }
}

/// Everything that a caller can list, by statement or by call, as text.
async fn listed(caller: &Caller) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for statement in LISTINGS {
        let rows = caller.rows(statement).await;
        all.push((statement.to_owned(), format!("{rows:?}")));
    }
    macro_rules! list {
        ($client:ident.$method:ident($request:expr), |$answer:ident| $text:expr) => {
            let asked = caller.request($request);
            let $answer = caller.$client().$method(asked).await.unwrap().into_inner();
            all.push((stringify!($method).to_owned(), $text));
        };
    }
    let shown = |stages: &[v1::Stage]| {
        let texts = stages
            .iter()
            .map(|stage| format!("{} {} {}", stage.name, stage.url, stage.comment));
        texts.collect::<Vec<_>>().join("; ")
    };
    let name = "stages/s".to_owned();
    list!(
        stages.list_stages(v1::ListStagesRequest::default()),
        |answer| shown(&answer.stages)
    );
    let request = v1::GetStageRequest {
        name: name.clone(),
        version: 0,
    };
    list!(stages.get_stage(request), |answer| shown(
        &answer.stage.into_iter().collect::<Vec<_>>()
    ));
    let request = v1::ListStageVersionsRequest {
        name,
        ..Default::default()
    };
    list!(stages.list_stage_versions(request), |answer| shown(
        &answer.versions
    ));
    list!(
        exports.list_exports(v1::ListExportsRequest::default()),
        |answer| {
            let texts = answer
                .exports
                .iter()
                .map(|export| format!("{} {}", export.statement, export.target));
            texts.collect::<Vec<_>>().join("; ")
        }
    );
    list!(
        accounts.list_users(v1::ListUsersRequest::default()),
        |answer| format!("{answer:?}")
    );
    list!(
        accounts.list_roles(v1::ListRolesRequest::default()),
        |answer| format!("{answer:?}")
    );
    list!(
        accounts.list_tokens(v1::ListTokensRequest::default()),
        |answer| format!("{answer:?}")
    );
    let request = v1::GetUserRequest {
        name: "users/u".to_owned(),
    };
    list!(accounts.get_user(request), |answer| format!("{answer:?}"));
    let request = v1::ListGrantsRequest {
        of: "roles/r".to_owned(),
        ..Default::default()
    };
    list!(accounts.list_grants(request), |answer| format!(
        "{answer:?}"
    ));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_show_what_is_the_accounts_own() {
    let door = Door::with_tenants().await;
    let callers = [
        ("t1", door.admin("t1").await),
        ("t2", door.admin("t2").await),
        ("sys", door.root().await),
    ];
    for (account, caller) in &callers {
        fill(&door, caller, account).await;
    }
    for (account, caller) in &callers {
        for (what, text) in listed(caller).await {
            assert!(
                text.contains(&format!("only_{account}")),
                "{what} of {account} misses its own: {text}"
            );
            for (other, _) in callers.iter().filter(|(other, _)| other != account) {
                for mark in [
                    format!("only_{other}"),
                    door.dir(other).display().to_string(),
                ] {
                    assert!(!text.contains(&mark), "{what} of {account}: {text}");
                }
            }
        }
    }
    // The administrators' sessions: a tenant sees its own, sys all.
    let sessions: Vec<Caller> = vec![
        callers[0].1.in_session().await,
        callers[1].1.in_session().await,
    ];
    for (account, caller) in &callers {
        let rows = caller.rows("SHOW SESSIONS").await;
        let open: Vec<&String> = rows.iter().map(|row| &row[0]).collect();
        let sees = |session: &Caller| open.contains(&&session.session);
        let expected = (*account != "t2", *account != "t1");
        assert_eq!(
            (sees(&sessions[0]), sees(&sessions[1])),
            expected,
            "{account}"
        );
    }
    // What runs in them is the account's own affair.
    let statement = "SELECT 'only_t1', SLEEP(60)";
    let running = {
        let tenant = sessions[0].clone();
        tokio::spawn(async move { tenant.run(statement).await })
    };
    let text = |rows: Vec<Vec<String>>| {
        let mut rows = rows.into_iter();
        let row = rows.find(|row| row[0] == sessions[0].session)?;
        Some((row[6].clone(), row[8].clone()))
    };
    let runs = |(state, _): &(String, String)| state != "idle";
    let begun = std::time::Instant::now();
    loop {
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(60),
            "it does not begin"
        );
        let own = text(callers[0].1.rows("SHOW SESSIONS").await).unwrap();
        if runs(&own) {
            assert!(own.1.contains("only_t1"), "{own:?}");
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let seen = text(callers[2].1.rows("SHOW SESSIONS").await).unwrap();
    assert!(runs(&seen) && seen.1.is_empty(), "{seen:?}");
    let root = &callers[2].1;
    let listed = root.request(v1::ListSessionsRequest::default());
    let listed = root.administration().list_sessions(listed).await.unwrap();
    let listed = format!("{:?}", listed.into_inner());
    assert!(!listed.contains("only_t1"), "{listed}");
    root.ok(&format!("KILL '{}'", sessions[0].session)).await;
    assert!(running.await.unwrap().is_err());
    for account in ["t1", "t2"] {
        let text = std::fs::read_to_string(door.dir(account).join(format!("only_{account}.csv")));
        assert!(text.unwrap().contains(&format!("only_{account}")));
    }
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_and_names_of_another_account_are_as_good_as_made_up() {
    const NO_EXPORT: &str = "01900000-0000-7000-8000-000000000000";
    let door = Door::with_tenants().await;
    let owner = door.admin("t1").await;
    fill(&door, &owner, "t1").await;
    let export = owner.rows("SHOW EXPORTS").await[0][0].clone();
    let token = owner.rows("SHOW TOKENS").await[0][0].clone();
    let session = owner.in_session().await.session;
    for caller in [door.admin("t2").await, door.root().await] {
        // By statement.
        for (template, theirs, made_up, reason) in [
            (
                "CANCEL EXPORT '{}'",
                export.as_str(),
                NO_EXPORT,
                "EXPORT_NOT_FOUND",
            ),
            ("REVOKE TOKEN '{}'", &token, "nosuch", "TOKEN_NOT_FOUND"),
            ("DESC STAGE {}", "s_only_t1", "nosuch", "STAGE_NOT_FOUND"),
            (
                "SELECT 1 AS a INTO OUTFILE 'stage://{}/x.csv'",
                "s_only_t1",
                "nosuch",
                "STAGE_NOT_FOUND",
            ),
            (
                "CREATE STAGE sub URL = 'stage://{}/x'",
                "s_only_t1",
                "nosuch",
                "STAGE_NOT_FOUND",
            ),
            (
                "GRANT READ ON STAGE {} TO public",
                "s_only_t1",
                "nosuch",
                "STAGE_NOT_FOUND",
            ),
            ("GRANT {} TO admin", "r_only_t1", "nosuch", "ROLE_NOT_FOUND"),
            ("SET ROLE {}", "r_only_t1", "nosuch", "ROLE_NOT_GRANTED"),
            ("ALTER USER {} LOCK", "u", "nosuch", "USER_NOT_FOUND"),
            ("USE {}", "d_only_t1", "nosuch", "DATABASE_NOT_FOUND"),
            (
                "SELECT * FROM d_only_t1.{}",
                "t",
                "nosuch",
                "DATABASE_NOT_FOUND",
            ),
            (
                "CREATE EXTERNAL TABLE e INFILE 'stage://{}/x.csv'",
                "s_only_t1",
                "nosuch",
                "STAGE_NOT_FOUND",
            ),
        ] {
            let found = caller.error(&template.replace("{}", theirs)).await;
            let missing = caller.error(&template.replace("{}", made_up)).await;
            assert_eq!(found, missing.replace(made_up, theirs), "{template}");
            assert!(
                found.starts_with(&format!("{reason}: ")),
                "{template}: {found}"
            );
        }
        // By call.
        macro_rules! refused {
            ($client:ident.$method:ident($message:ident, $theirs:expr, $made_up:expr)) => {
                let ask = |name: &str| {
                    let request = caller.request(v1::$message {
                        name: name.to_owned(),
                    });
                    let mut client = caller.$client();
                    async move {
                        match client.$method(request).await {
                            Ok(answer) => {
                                panic!("{}: {:?}", stringify!($method), answer.get_ref().said())
                            }
                            Err(status) => refusal(&status),
                        }
                    }
                };
                let (theirs, made_up) = ($theirs, $made_up);
                let found = ask(&theirs).await;
                assert_eq!(
                    found.replace(&theirs[8..], ""),
                    ask(&made_up).await.replace(&made_up[8..], ""),
                    stringify!($method)
                );
                assert!(found.contains("_NOT_FOUND"), "{found}");
            };
        }
        let of = |id: &str| format!("exports/{id}");
        refused!(exports.get_export(GetExportRequest, of(&export), of(NO_EXPORT)));
        refused!(exports.watch_export(WatchExportRequest, of(&export), of(NO_EXPORT)));
        refused!(exports.cancel_export(CancelExportRequest, of(&export), of(NO_EXPORT)));
        refused!(exports.get_manifest(GetManifestRequest, of(&export), of(NO_EXPORT)));

        let stolen = Caller {
            session: session.clone(),
            ..caller.clone()
        };
        let made_up = Caller {
            session: NO_EXPORT.to_owned(),
            ..caller.clone()
        };
        let found = stolen.error("SELECT 1").await;
        assert_eq!(found, made_up.error("SELECT 1").await);
        assert!(found.starts_with("SESSION_NOT_FOUND: "), "{found}");
    }
    let tenant = door.admin("t2").await;
    assert!(
        tenant
            .error(&format!("KILL '{session}'"))
            .await
            .starts_with("SESSION_NOT_FOUND: ")
    );
    // All of it is as it was.
    let owner_in_session = Caller { session, ..owner };
    owner_in_session.ok("SELECT * FROM d.t").await;
    door.close().await;
}

/// Answers of calls, as far as a test's message needs them.
trait Said {
    fn said(&self) -> String;
}

impl<T> Said for T {
    fn said(&self) -> String {
        std::any::type_name::<T>().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_reaches_only_the_folders_listed_for_it() {
    let door = Door::with_tenants().await;
    let root = door.root().await;
    root.ok("CREATE ACCOUNT t3 ADMIN_NAME 'admin' IDENTIFIED BY 'pw-t3'")
        .await;
    let (theirs, own) = (door.dir("t1"), door.dir("t2"));
    let tenant = door.admin("t2").await;
    // No stage is enabled: local paths are the governance rule's to allow, and the folder's.
    tenant
        .ok(&format!(
            "SELECT 1 AS a INTO OUTFILE '{}/own.csv'",
            own.display()
        ))
        .await;
    for place in [
        format!("{}/x", theirs.display()),
        door.folder.path().join("data").display().to_string(),
        format!("{}/../t1", own.display()),
        "/etc".to_owned(),
    ] {
        let raw = tenant
            .error(&format!("SELECT 1 AS a INTO OUTFILE '{place}/x.csv'"))
            .await;
        assert!(
            raw.starts_with("PERMISSION_DENIED: ") || raw.starts_with("TARGET_INVALID: "),
            "{raw}"
        );
        let stage = tenant
            .error(&format!("CREATE STAGE x URL = 'file://{place}'"))
            .await;
        assert!(
            stage.starts_with("PERMISSION_DENIED: ") || stage.starts_with("STAGE_INVALID: "),
            "{stage}"
        );
    }
    // What is there and what is not is refused in the same words.
    for statement in [
        "SELECT 1 AS a INTO OUTFILE '{}/x.csv'",
        "CREATE STAGE x URL = 'file://{}'",
    ] {
        let there = theirs.display().to_string();
        let nowhere = format!("{there}/nosuch");
        let found = tenant.error(&statement.replace("{}", &there)).await;
        let missing = tenant.error(&statement.replace("{}", &nowhere)).await;
        assert_eq!(found, missing.replace(&nowhere, &there));
        assert!(found.starts_with("PERMISSION_DENIED: "), "{found}");
    }
    std::os::unix::fs::symlink(&theirs, own.join("link")).unwrap();
    let through = tenant
        .run(&format!(
            "SELECT 1 AS a INTO OUTFILE '{}/link/x.csv'",
            own.display()
        ))
        .await;
    assert!(through.is_err(), "{through:?}");
    assert_eq!(std::fs::read_dir(&theirs).unwrap().count(), 0);

    let unlisted = door.admin("t3").await;
    let refused = unlisted
        .error(&format!("CREATE STAGE x URL = 'file://{}'", own.display()))
        .await;
    assert!(refused.starts_with("PERMISSION_DENIED: "), "{refused}");
    unlisted.ok("CREATE STAGE internal").await;
    unlisted
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://internal/x.csv'")
        .await;
    door.close().await;
}
