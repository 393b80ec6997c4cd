//! The audit: every change, export, login and refusal, with who, from where, of which request, and how it ended.

use proto::v1;
use tonic::Request;

use super::{Caller, Door};

const COLUMNS: &str = "SELECT operation, `user`, role, target, outcome, stage_version, statement, request_id, client FROM stagedoor.audit";

/// A call with an id of its own; gives the id that comes back.
async fn run_as(caller: &Caller, id: &str, statement: &str) -> Option<String> {
    let mut request: Request<v1::ExecuteRequest> = caller.request(v1::ExecuteRequest {
        statement: statement.to_owned(),
        ..Default::default()
    });
    request
        .metadata_mut()
        .insert("x-request-id", id.parse().unwrap());
    let metadata = match caller.sql().execute(request).await {
        Ok(answer) => {
            let metadata = answer.metadata().clone();
            let mut parts = answer.into_inner();
            while parts.message().await.unwrap().is_some() {}
            metadata
        }
        Err(status) => status.metadata().clone(),
    };
    let id = metadata.get("x-request-id")?;
    Some(id.to_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_on_record() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    let dir = door.dir("t1").display().to_string();
    let create = format!(
        "CREATE STAGE lake URL = 'file://{dir}' CREDENTIALS = {{'AWS_KEY_ID' = 'planted-key', 'AWS_SECRET_KEY' = 'planted-secret'}}"
    );
    let created = admin.run(&create).await;
    // Credentials mean nothing to a folder; a server may refuse them, and has to mask them either way.
    let plain = format!("CREATE STAGE IF NOT EXISTS lake URL = 'file://{dir}'");
    for (id, statement) in [
        ("req-1", plain.as_str()),
        ("req-2", "ALTER STAGE lake SET COMMENT = 'x'"),
        ("req-3", "REVOKE READ, WRITE ON STAGE lake FROM public"),
        ("req-4", "CREATE USER u IDENTIFIED BY 'planted-password'"),
        ("req-5", "SELECT 1 AS a INTO OUTFILE 'stage://lake/a.csv'"),
    ] {
        assert_eq!(
            run_as(&admin, id, statement).await.as_deref(),
            Some(id),
            "{statement}"
        );
    }
    let user = door.login("t1#u", "planted-password").await;
    let wrong = door.login("t1#u", "planted-guess").await;
    for (caller, id, statement) in [
        (
            &user,
            "req-6",
            "SELECT 1 AS a INTO OUTFILE 'stage://lake/b.csv'",
        ),
        (&user, "req-7", "DROP STAGE lake"),
        (&user, "req-8", "SELECT * FROM stagedoor.audit"),
        (&wrong, "req-9", "SELECT 1"),
    ] {
        assert_eq!(
            run_as(caller, id, statement).await.as_deref(),
            Some(id),
            "{statement}"
        );
    }

    let exports = admin
        .rows("SELECT export_id, stage_name, stage_version FROM stagedoor.exports")
        .await;
    assert_eq!(exports.len(), 1, "{exports:?}");
    assert_eq!(
        (exports[0][1].as_str(), exports[0][2].as_str()),
        ("lake", "2")
    );
    let export = exports[0][0].clone();
    let rows = admin.rows(COLUMNS).await;
    let text = format!("{rows:?}");
    assert!(!text.contains("planted"), "{text}");
    let mut missing = Vec::new();
    let version = if created.is_ok() { None } else { Some("1") };
    for (id, operation, who, role, target, outcome, version) in [
        (
            "req-1",
            "CREATE STAGE",
            "admin",
            "accountadmin",
            "lake",
            "done",
            version,
        ),
        (
            "req-2",
            "ALTER STAGE",
            "admin",
            "accountadmin",
            "lake",
            "done",
            Some("2"),
        ),
        ("req-3", "REVOKE", "admin", "accountadmin", "", "done", None),
        (
            "req-4",
            "CREATE USER",
            "admin",
            "accountadmin",
            "u",
            "done",
            None,
        ),
        (
            "req-5",
            "ADMIT EXPORT",
            "admin",
            "accountadmin",
            "stage://lake/a.csv",
            "done",
            Some("2"),
        ),
        (
            "req-5",
            "COMMIT EXPORT",
            "admin",
            "accountadmin",
            "stage://lake/a.csv",
            "done",
            Some("2"),
        ),
        ("req-6", "EXPORT", "u", "public", "lake", "refused", None),
        ("req-6", "LOGIN", "u", "", "t1:u", "done", None),
        (
            "req-7",
            "DROP STAGE",
            "u",
            "public",
            "lake",
            "refused",
            None,
        ),
        (
            "req-8",
            "READ AUDIT",
            "u",
            "public",
            "stagedoor.audit",
            "refused",
            None,
        ),
        ("req-9", "LOGIN", "u", "", "t1:u", "refused", None),
    ] {
        if id == "req-1" && version.is_none() {
            continue;
        }
        let found = rows.iter().any(|row| {
            row[7] == id
                && row[0].contains(operation)
                && row[1] == who
                && row[2] == role
                && row[3].contains(target)
                && row[4] == outcome
                && version.is_none_or(|version| row[5] == version)
                && row[8].starts_with("127.0.0.1:")
        });
        if !found {
            let of: Vec<_> = rows.iter().filter(|row| row[7] == id).collect();
            missing.push(format!(
                "{id} {operation} {who} {role} {target} {outcome}: {of:?}"
            ));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    // Which export it was, and whose, is in the reason.
    let reasons = admin
        .rows("SELECT reason FROM stagedoor.audit WHERE operation = 'COMMIT EXPORT'")
        .await;
    assert!(
        reasons[0][0].starts_with(&format!("export {export} of admin: 1 rows, ")),
        "{reasons:?}"
    );
    let masked = rows.iter().find(|row| row[7] == "req-4").unwrap();
    assert!(
        masked[6].starts_with("CREATE USER u IDENTIFIED BY '***"),
        "{masked:?}"
    );

    // Taken out only where a stage lets it, and only by the administrator.
    let taken = "SELECT * FROM stagedoor.audit INTO OUTFILE 'stage://lake/audit.csv'";
    admin.ok("GRANT WRITE ON STAGE lake TO public").await;
    let error = user.error(taken).await;
    assert_eq!(error, format!("PERMISSION_DENIED: {}", super::REFUSED));
    let error = user
        .error("SELECT count(*) FROM (SELECT operation FROM stagedoor.audit) x")
        .await;
    assert_eq!(error, format!("PERMISSION_DENIED: {}", super::REFUSED));
    assert!(!door.dir("t1").join("audit.csv").exists());
    admin.ok(taken).await;
    let file = std::fs::read_to_string(door.dir("t1").join("audit.csv")).unwrap();
    assert!(
        file.contains("req-7") && !file.contains("planted"),
        "{file}"
    );

    // A call without an id gets one.
    let request = admin.request(v1::ListStagesRequest::default());
    let answer = admin.stages().list_stages(request).await.unwrap();
    assert!(answer.metadata().get("x-request-id").is_some());

    let root = door.root().await;
    let request = root.request(v1::VerifyAuditRequest {});
    let checked = root.administration().verify_audit(request).await.unwrap();
    let checked = checked.into_inner();
    assert_eq!((checked.bad, checked.why.as_str()), (0, ""));
    assert!(checked.last >= rows.len() as u64, "{checked:?}");
    assert_eq!(checked.head.len(), 64, "{checked:?}");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_policy_refuses_is_on_record_too() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    let outside = door.dir("t2").display().to_string();
    let data = door.dir("data").display().to_string();
    // Also beside the data directory the server has files of its own.
    let root = door.root().await;
    let above = door.dir("");
    root.ok(&format!(
        "CREATE STAGE above URL = 'file://{}'",
        above.display()
    ))
    .await;
    for own in ["password", "password.new"] {
        let error = root
            .error(&format!("SELECT load_file('stage://above/{own}') AS p"))
            .await;
        assert!(error.contains("one of the server's own files"), "{error}");
        let error = root
            .error(&format!("SELECT 1 AS a INTO OUTFILE 'stage://above/{own}'"))
            .await;
        assert!(error.contains("one of the server's own files"), "{error}");
    }
    let listed = root
        .rows("SELECT file FROM stage_list('stage://above/*') AS f")
        .await;
    assert!(!format!("{listed:?}").contains("password"), "{listed:?}");
    let refused = [
        (
            "CREATE STAGE",
            format!("CREATE STAGE a URL = 'file://{outside}'"),
        ),
        (
            "CREATE STAGE",
            format!("CREATE STAGE b URL = 'file://{data}'"),
        ),
        (
            "CREATE STAGE",
            "CREATE STAGE c URL = 's3://b/' CREDENTIALS = {'endpoint' = 'https://169.254.169.254'}"
                .to_owned(),
        ),
        (
            "CREATE STAGE",
            "CREATE STAGE d URL = 's3://b/' CREDENTIALS = {'secret_access_key' = 'env:HOME'}"
                .to_owned(),
        ),
        (
            "CREATE TABLE",
            "CREATE TABLE stagedoor.t (a int)".to_owned(),
        ),
        ("DROP TABLE", "DROP TABLE stagedoor.exports".to_owned()),
        ("DROP DATABASE", "DROP DATABASE stagedoor".to_owned()),
        (
            "EXPORT TO PATH",
            format!("SELECT 1 INTO OUTFILE '{outside}/x.csv'"),
        ),
    ];
    for (at, (_, statement)) in refused.iter().enumerate() {
        let id = run_as(&admin, &format!("refused-{at}"), statement).await;
        assert_eq!(id, Some(format!("refused-{at}")), "{statement}");
    }
    let rows = admin
        .rows("SELECT request_id, operation, outcome FROM stagedoor.audit WHERE request_id LIKE 'refused-%' AND operation <> 'LOGIN' ORDER BY number")
        .await;
    let expected: Vec<Vec<String>> = refused
        .iter()
        .enumerate()
        .map(|(at, (operation, _))| {
            vec![
                format!("refused-{at}"),
                (*operation).to_owned(),
                "refused".to_owned(),
            ]
        })
        .collect();
    assert_eq!(rows, expected, "each once");

    std::fs::write(door.dir("t2").join("in-the-way"), "").unwrap();
    for (id, directory) in [("backup-1", &outside), ("backup-2", &data)] {
        let mut request = root.request(v1::BackupRequest {
            directory: directory.clone(),
        });
        request
            .metadata_mut()
            .insert("x-request-id", id.parse().unwrap());
        assert!(root.administration().backup(request).await.is_err(), "{id}");
    }
    let backups = root
        .rows("SELECT request_id, target, outcome FROM stagedoor.audit WHERE operation = 'BACKUP'")
        .await;
    assert_eq!(backups.len(), 2, "{backups:?}");
    assert!(backups.iter().all(|row| row[2] == "failed"), "{backups:?}");
    door.close().await;
}

/// Who comes in with nothing, and who has come in and no longer may.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_sent_away_is_on_record() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    for statement in [
        "CREATE ROLE r",
        "CREATE USER u IDENTIFIED BY 'pw' DEFAULT ROLE r",
    ] {
        admin.ok(statement).await;
    }
    admin.ok("GRANT r TO USER u").await;
    let session = door.login("t1#u", "pw").await.in_session().await;
    session.ok("SELECT 1").await;
    admin.ok("REVOKE r FROM USER u").await;
    let error = session.error("SELECT 1").await;
    assert!(error.starts_with("ROLE_NOT_GRANTED: "), "{error}");
    let rows = admin
        .rows("SELECT operation, user, reason FROM stagedoor.audit WHERE outcome = 'refused'")
        .await;
    assert_eq!(
        rows,
        [["LOGIN", "u", "role 'r' is not granted to user 't1:u'"]]
    );

    for authorization in [None, Some("Basic !".to_owned()), Some("Hello".to_owned())] {
        let stranger = door.call_as(authorization).await;
        let error = stranger.error("SELECT 1").await;
        assert!(error.starts_with("UNAUTHENTICATED: "), "{error}");
    }
    let link = format!("http://{}/files/x.y/z", links_of(&door).await);
    assert_eq!(test_servers::fetch("GET", &link, &[], b"").status, 403);
    let root = door.root().await;
    let rows = root
        .rows("SELECT target, reason FROM stagedoor.audit WHERE operation = 'LOGIN' AND outcome = 'refused' ORDER BY number")
        .await;
    // The first of each kind; the others are counted when their minute is over.
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(rows[0][0], "a call without a login");
    assert!(rows[0][1].contains("log in: "), "{rows:?}");
    assert_eq!(rows[1][0], "a download link");
    door.close().await;
}

/// Where download links begin.
async fn links_of(door: &Door) -> String {
    let admin = door.admin("t1").await;
    admin
        .ok(&format!(
            "CREATE STAGE linked URL = 'file://{}'",
            door.dir("t1").display()
        ))
        .await;
    std::fs::write(door.dir("t1").join("f"), "f").unwrap();
    let url = admin.rows("PRESIGN 'stage://linked/f'").await[0][1].clone();
    let rest = url.strip_prefix("http://").unwrap();
    rest.split('/').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_sees_who_changed_its_administrator_and_what_was_inserted() {
    let door = Door::with_tenants().await;
    let root = door.root().await;
    root.ok("ALTER ACCOUNT t1 ADMIN_NAME 'admin' IDENTIFIED BY 'planted-new'")
        .await;
    root.ok("ALTER ACCOUNT t1 SUSPEND").await;
    root.ok("ALTER ACCOUNT t1 OPEN").await;
    // Nothing is changed by it.
    root.ok("ALTER ACCOUNT t1 OPEN").await;
    let admin = door.login("t1#admin", "planted-new").await;
    for statement in [
        "CREATE DATABASE d",
        "CREATE TABLE d.t (a int)",
        "INSERT INTO d.t VALUES (1)",
    ] {
        admin.ok(statement).await;
    }
    let rows = admin
        .rows("SELECT `user`, role, operation, target FROM stagedoor.audit WHERE operation IN ('ALTER ACCOUNT', 'INSERT') ORDER BY number")
        .await;
    let by_root = ["sys:root", "moadmin", "ALTER ACCOUNT", "t1"];
    let inserted = ["admin", "accountadmin", "INSERT", "d.t"];
    assert_eq!(rows, [by_root, by_root, by_root, inserted]);
    let stolen = Caller {
        session: admin.in_session().await.session,
        ..root.clone()
    };
    assert!(stolen.run("SELECT 1").await.is_err());
    let entered = root
        .rows("SELECT target, outcome FROM stagedoor.audit WHERE operation = 'ENTER SESSION'")
        .await;
    assert_eq!(entered, [[stolen.session.as_str(), "refused"]]);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_the_audit_is_there_and_any_part_of_it() {
    // More than is read of it at a time.
    const REFUSALS: usize = 1_100;
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    admin.ok("CREATE USER u IDENTIFIED BY 'pw'").await;
    let user = door.login("t1#u", "pw").await;
    let other = door.admin("t2").await;
    for n in 0..REFUSALS {
        user.error("DROP STAGE nothing").await;
        if n % 100 == 0 {
            other.ok(&format!("CREATE DATABASE d{n}")).await;
        }
    }
    let all = "SELECT number, time, operation, account FROM stagedoor.audit ORDER BY number";
    let rows = admin.rows(all).await;
    let refused = rows.iter().filter(|row| row[2].contains("DROP STAGE"));
    assert_eq!(refused.count(), REFUSALS);
    assert!(rows.iter().all(|row| row[3] == "t1"));
    let numbers: Vec<u64> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b));

    let (first, last) = (numbers[40], numbers[1_060]);
    let within = format!("number BETWEEN {first} AND {last}");
    let of = |what: &str, condition: &str| {
        format!("SELECT {what} FROM stagedoor.audit WHERE {condition}")
    };
    for (condition, count) in [
        (within.clone(), 1_021),
        (format!("number = {first}"), 1),
        (format!("number > {first} AND number < {}", numbers[42]), 1),
        (format!("{within} AND time <= '{}'", rows[1_060][1]), 1_021),
        (format!("{within} AND time < '{}'", rows[40][1]), 0),
        (format!("{within} AND outcome <> 'refused'"), 0),
    ] {
        let counted = admin.rows(&of("COUNT(*)", &condition)).await;
        assert_eq!(counted[0][0], count.to_string(), "{condition}");
    }
    // Only so many are asked for, of these.
    let limited = format!("{} LIMIT 1005", of("number", &format!("number <= {last}")));
    assert_eq!(admin.rows(&limited).await.len(), 1_005);
    let latest = "SELECT number FROM stagedoor.audit ORDER BY number DESC LIMIT 2";
    let latest = admin.rows(latest).await;
    assert!(latest[0][0].parse::<u64>().unwrap() >= numbers[numbers.len() - 1]);
    door.close().await;
}
