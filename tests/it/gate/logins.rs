//! Logging in: what fails says the same whatever exists, is slowed down, and what was taken away stops working
//! at once, open sessions included.

use std::time::{Duration, Instant};

use proto::v1;
use tonic_types::StatusExt;

use super::{Caller, Door, reason, refusal};

async fn token_of(caller: &Caller, lifetime_s: Option<i64>) -> v1::LoginResponse {
    let request = v1::LoginRequest {
        label: "test".to_owned(),
        lifetime: lifetime_s.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
    };
    let answer = caller.accounts().login(caller.request(request)).await;
    answer.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_login_says_the_same_whatever_exists() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    admin.ok("CREATE USER locked IDENTIFIED BY 'pw'").await;
    admin.ok("ALTER USER locked LOCK").await;
    let said = async |account: &str, user: &str, password: &str| {
        let caller = door.login(&format!("{account}#{user}"), password).await;
        caller
            .error("SELECT 1")
            .await
            .replace(&format!("'{account}:{user}'"), "'…'")
    };
    let expected = "UNAUTHENTICATED: Access denied for user '…'";
    assert_eq!(said("t1", "admin", "wrong").await, expected);
    assert_eq!(said("t1", "nosuch", "pw-t1").await, expected);
    assert_eq!(said("nosuch", "admin", "pw-t1").await, expected);
    assert_eq!(said("t2", "admin", "pw-t1").await, expected);
    assert_eq!(said("t1", "locked", "pw").await, expected);
    assert_eq!(said("t1", "admin", "").await, expected);
    // A role is looked at only once the password was right.
    assert_eq!(
        door.login("t1#locked#accountadmin", "wrong")
            .await
            .error("SELECT 1")
            .await,
        "UNAUTHENTICATED: Access denied for user 't1:locked'"
    );
    admin.ok("ALTER USER locked UNLOCK").await;
    for role in ["accountadmin", "nosuch", "moadmin"] {
        assert_eq!(
            door.login(&format!("t1#locked#{role}"), "pw")
                .await
                .error("SELECT 1")
                .await,
            format!("ROLE_NOT_GRANTED: role '{role}' is not granted to user 't1:locked'")
        );
    }
    let root = door.root().await;
    root.ok("ALTER ACCOUNT t1 SUSPEND").await;
    assert_eq!(said("t1", "admin", "pw-t1").await, expected);
    root.ok("ALTER ACCOUNT t1 OPEN").await;
    admin.ok("SELECT 1").await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_slow_logins_down() {
    let door = Door::open(|settings| settings.limits.login_attempts_max = 2).await;
    let guesser = door.login("root", "wrong").await;
    let mut wait = Duration::ZERO;
    let began = Instant::now();
    let mut free = 0;
    // The delay doubles; once it is longer than a check takes, an attempt falls into it.
    while wait < Duration::from_secs(2) {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "never slowed down"
        );
        let status = guesser.run("SELECT 1").await.unwrap_err();
        match reason(&status).as_str() {
            "UNAUTHENTICATED" => free += 1,
            "LOGIN_THROTTLED" => {
                assert_eq!(status.code(), tonic::Code::ResourceExhausted);
                wait = status
                    .get_details_retry_info()
                    .and_then(|info| info.retry_delay)
                    .expect("RetryInfo");
            }
            other => panic!("{other}"),
        }
    }
    assert!(free > 2, "{free}");
    // Whoever knows the password waits, too: else the answer would tell that it was right.
    let known = door.root().await;
    let error = known.error("SELECT 1").await;
    assert!(error.starts_with("LOGIN_THROTTLED: "), "{error}");
    assert!(
        error.contains("limits.login_attempts_max is 2, limits.login_attempts_window_s 900"),
        "{error}"
    );
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_when_it_should() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    let set_up = async |user: &str| {
        admin
            .ok(&format!("CREATE USER {user} IDENTIFIED BY 'pw'"))
            .await;
        let login = door.login(&format!("t1#{user}"), "pw").await;
        let token = token_of(&login, None).await;
        let bearer = door.bearer(&token.token).await;
        bearer.ok("SELECT 1").await;
        (bearer, token.name["tokens/".len()..].to_owned())
    };
    let dead = "UNAUTHENTICATED: Access denied: the token is no longer valid; log in again";

    let (bearer, id) = set_up("revoked").await;
    bearer.ok(&format!("REVOKE TOKEN '{id}'")).await;
    assert_eq!(
        bearer.error("SELECT 1").await,
        dead_or_unknown(dead, &bearer).await
    );

    let (bearer, id) = set_up("revoked_by_admin").await;
    admin.ok(&format!("REVOKE TOKEN '{id}'")).await;
    assert_eq!(
        bearer.error("SELECT 1").await,
        dead_or_unknown(dead, &bearer).await
    );

    let (bearer, _) = set_up("logs_out").await;
    bearer
        .accounts()
        .logout(bearer.request(v1::LogoutRequest {}))
        .await
        .unwrap();
    assert_eq!(
        bearer.error("SELECT 1").await,
        dead_or_unknown(dead, &bearer).await
    );

    let (bearer, _) = set_up("own_password").await;
    bearer.ok("SET PASSWORD = 'new'").await;
    assert_eq!(bearer.error("SELECT 1").await, dead);
    door.login("t1#own_password", "new")
        .await
        .ok("SELECT 1")
        .await;
    let old = door.login("t1#own_password", "pw").await;
    assert!(old.error("SELECT 1").await.starts_with("UNAUTHENTICATED: "));

    let (bearer, _) = set_up("others_password").await;
    admin
        .ok("ALTER USER others_password IDENTIFIED BY 'new'")
        .await;
    assert_eq!(bearer.error("SELECT 1").await, dead);

    let (bearer, _) = set_up("locked").await;
    let in_session = bearer.in_session().await;
    admin.ok("ALTER USER locked LOCK").await;
    assert_eq!(bearer.error("SELECT 1").await, dead);
    assert_eq!(in_session.error("SELECT 1").await, dead);

    let (bearer, _) = set_up("dropped").await;
    let in_session = bearer.in_session().await;
    let by_password = door.login("t1#dropped", "pw").await.in_session().await;
    admin.ok("DROP USER dropped").await;
    for caller in [&bearer, &in_session, &by_password] {
        let error = caller.error("SELECT 1").await;
        assert!(error.starts_with("UNAUTHENTICATED: "), "{error}");
    }
    // The same name again is somebody else.
    admin.ok("CREATE USER dropped IDENTIFIED BY 'pw'").await;
    for caller in [&bearer, &in_session] {
        let error = caller.error("SELECT 1").await;
        assert!(error.starts_with("UNAUTHENTICATED: "), "{error}");
    }
    let error = by_password.error("SELECT 1").await;
    assert!(error.starts_with("SESSION_NOT_FOUND: "), "{error}");

    let (bearer, _) = set_up("suspended").await;
    let root = door.root().await;
    root.ok("ALTER ACCOUNT t1 SUSPEND").await;
    assert_eq!(bearer.error("SELECT 1").await, dead);
    let error = admin.error("SELECT 1").await;
    assert!(error.starts_with("UNAUTHENTICATED: "), "{error}");
    root.ok("ALTER ACCOUNT t1 OPEN").await;

    let never = door.bearer("sdt_0000").await.error("SELECT 1").await;
    assert_eq!(
        never,
        "UNAUTHENTICATED: Access denied: the token is not valid; log in again"
    );
    door.close().await;
}

/// A token that was revoked is either remembered as such or forgotten; both are refused.
async fn dead_or_unknown(dead: &str, bearer: &Caller) -> String {
    let said = bearer.error("SELECT 1").await;
    if said == dead {
        return said;
    }
    assert_eq!(
        said,
        "UNAUTHENTICATED: Access denied: the token is not valid; log in again"
    );
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_expires() {
    let door = Door::open(|settings| settings.auth.token_s_max = 60).await;
    let root = door.root().await;
    let bearer = door.bearer(&token_of(&root, Some(1)).await.token).await;
    let began = Instant::now();
    let said = loop {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "it never expired"
        );
        match bearer.run("SELECT 1").await {
            Ok(_) => tokio::task::yield_now().await,
            Err(status) => break refusal(&status),
        }
    };
    assert_eq!(
        said,
        "UNAUTHENTICATED: Access denied: the token has expired; log in again"
    );
    let request = v1::LoginRequest {
        lifetime: Some(prost_types::Duration {
            seconds: 61,
            nanos: 0,
        }),
        ..Default::default()
    };
    let too_long = root.accounts().login(root.request(request)).await;
    let said = refusal(&too_long.unwrap_err());
    assert!(said.contains("auth.token_s_max"), "{said}");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_taken_away_is_gone_between_two_calls_of_a_session() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    for statement in [
        "CREATE DATABASE d",
        "CREATE TABLE d.t (a int)",
        "CREATE STAGE s",
        "REVOKE READ, WRITE ON STAGE s FROM public",
        "CREATE ROLE r",
        "GRANT SELECT ON TABLE d.t TO r",
        "GRANT WRITE ON STAGE s TO r",
        "CREATE USER u IDENTIFIED BY 'pw' DEFAULT ROLE r",
    ] {
        admin.ok(statement).await;
    }
    let session = door.login("t1#u", "pw").await.in_session().await;
    let bearer = {
        let login = door.login("t1#u#r", "pw").await;
        door.bearer(&token_of(&login, None).await.token).await
    };
    let unbound = {
        let login = door.login("t1#u", "pw").await;
        door.bearer(&token_of(&login, None).await.token).await
    };
    let export = "SELECT a FROM d.t INTO OUTFILE 'stage://s/x.csv'";
    session.ok("SELECT * FROM d.t").await;
    session.ok(export).await;
    bearer.ok("SELECT * FROM d.t").await;

    // A privilege taken from the role counts at the next statement.
    admin.ok("REVOKE WRITE ON STAGE s FROM r").await;
    assert_eq!(
        session.error(export).await,
        "PERMISSION_DENIED: internal error: do not have privilege to execute the statement: WRITE on stage 's' is not granted to role 'r'"
    );
    admin.ok("REVOKE SELECT ON TABLE d.t FROM r").await;
    let error = session.error("SELECT * FROM d.t").await;
    assert_eq!(
        error,
        "PERMISSION_DENIED: SELECT command denied to user 't1:u' for table 'd.t'"
    );

    admin.ok("GRANT SELECT ON TABLE d.t TO r").await;
    session.ok("SELECT * FROM d.t").await;
    admin.ok("REVOKE r FROM USER u").await;
    let error = session.error("SELECT * FROM d.t").await;
    assert_eq!(
        error,
        "ROLE_NOT_GRANTED: role 'r' is not granted to user 't1:u'"
    );
    let error = bearer.error("SELECT * FROM d.t").await;
    assert!(error.starts_with("UNAUTHENTICATED: "), "{error}");
    let error = unbound.error("SELECT * FROM d.t").await;
    assert!(error.starts_with("PERMISSION_DENIED: "), "{error}");
    // Without it the user still is somebody.
    let fresh = door.login("t1#u", "pw").await;
    fresh.ok("SELECT 1").await;
    let error = fresh.error("SET ROLE r").await;
    assert!(error.starts_with("ROLE_NOT_GRANTED: "), "{error}");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_its_users_alone() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    admin.ok("CREATE USER a IDENTIFIED BY 'pw'").await;
    admin.ok("CREATE USER b IDENTIFIED BY 'pw'").await;
    let a = door.login("t1#a", "pw").await.in_session().await;
    for other in [
        door.login("t1#b", "pw").await,
        admin.clone(),
        door.root().await,
    ] {
        let stolen = Caller {
            session: a.session.clone(),
            ..other.clone()
        };
        let made_up = Caller {
            session: "nosuch".to_owned(),
            ..other.clone()
        };
        let error = stolen.error("SELECT 1").await;
        assert_eq!(error, made_up.error("SELECT 1").await);
        assert!(error.starts_with("SESSION_NOT_FOUND: "), "{error}");
        // Closing it answers as for one that is not there, and leaves it open.
        let request = v1::CloseSessionRequest {
            session_id: a.session.clone(),
        };
        other
            .sql()
            .close_session(other.request(request))
            .await
            .unwrap();
    }
    let b = door.login("t1#b", "pw").await;
    let error = b.error(&format!("KILL '{}'", a.session)).await;
    assert!(error.starts_with("SESSION_NOT_FOUND: "), "{error}");
    a.ok("SELECT 1").await;
    admin.ok(&format!("KILL '{}'", a.session)).await;
    let error = a.error("SELECT 1").await;
    assert!(error.starts_with("SESSION_NOT_FOUND: "), "{error}");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn privileges_do_not_grow_into_the_admin_role() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    for statement in [
        "CREATE ROLE staff, secret_reader",
        "CREATE DATABASE d",
        "CREATE TABLE d.t (a int)",
        "GRANT SELECT ON TABLE d.t TO secret_reader",
        "GRANT ALL ON ACCOUNT * TO staff",
        "CREATE USER u IDENTIFIED BY 'pw' DEFAULT ROLE staff",
        "CREATE ROLE hr",
        "GRANT CREATE USER, ALTER USER, DROP USER ON ACCOUNT * TO hr",
        "CREATE USER h IDENTIFIED BY 'pw' DEFAULT ROLE hr",
    ] {
        admin.ok(statement).await;
    }
    let exact = "PERMISSION_DENIED: internal error: do not have privilege to execute the statement";
    let staff = door.login("t1#u", "pw").await;
    for statement in [
        "GRANT accountadmin TO USER u",
        "REVOKE accountadmin FROM USER admin",
        "CREATE USER v IDENTIFIED BY 'pw' DEFAULT ROLE accountadmin",
        "ALTER USER admin IDENTIFIED BY 'mine'",
        "ALTER USER admin LOCK",
        "DROP USER admin",
        "CREATE TOKEN 'mine' FOR USER admin",
        "CREATE STAGE s",
    ] {
        assert_eq!(staff.error(statement).await, exact, "{statement}");
    }
    // Who may make users may not by that way give out roles.
    let hr = door.login("t1#h", "pw").await;
    hr.ok("CREATE USER w IDENTIFIED BY 'pw'").await;
    assert_eq!(
        hr.error("CREATE USER x IDENTIFIED BY 'pw' DEFAULT ROLE secret_reader")
            .await,
        exact
    );
    admin.ok("SELECT 1").await;
    door.close().await;
}

/// With users `u` and `v` of t1, restarted with a throttle that hardly forgives.
async fn strict(door: Door) -> Door {
    let mut door = door;
    door.settings.limits.login_attempts_max = 1;
    door.settings.auth.login_delay_ms_max = 3_600_000;
    door.restart().await
}

async fn with_two_users() -> Door {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    admin.ok("CREATE USER u IDENTIFIED BY 'pw'").await;
    admin.ok("CREATE USER v IDENTIFIED BY 'pw'").await;
    door
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_known_at_an_address_is_not_locked_out_by_its_neighbours() {
    let door = with_two_users().await;
    let token = token_of(&door.login("t1#v", "pw").await, None).await;
    let door = strict(door).await;
    let known = door.login("t1#u", "pw").await;
    known.ok("SELECT 1").await;
    // Each name has a failure of its own for nothing, the address has four; then delays double.
    let mut wait = Duration::ZERO;
    let began = Instant::now();
    for guessed in 0.. {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "never slowed down"
        );
        let guesser = door.login(&format!("t1#made_up_{guessed}"), "wrong").await;
        let status = guesser.run("SELECT 1").await.unwrap_err();
        if reason(&status) != "LOGIN_THROTTLED" {
            continue;
        }
        let info = status.get_details_retry_info().unwrap();
        wait = wait.max(info.retry_delay.unwrap());
        if wait > Duration::from_secs(2) {
            break;
        }
    }
    let stranger = door.login("t1#v", "pw").await;
    let status = stranger.run("SELECT 1").await.unwrap_err();
    assert_eq!(reason(&status), "LOGIN_THROTTLED");
    known.ok("SELECT 1").await;
    // Nobody guesses a token.
    door.bearer(&token.token).await.ok("SELECT 1").await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_costs_nothing_is_recorded_once_and_then_counted() {
    let door = with_two_users().await;
    let u = door.login("t1#u", "pw").await;
    for _ in 0..5 {
        u.ok("SELECT 1").await;
    }
    let token = token_of(&u, None).await;
    u.ok("SET PASSWORD = 'new'").await;
    for _ in 0..3 {
        let dead = door.bearer(&token.token).await;
        assert!(dead.run("SELECT 1").await.is_err());
        let unknown = door.bearer("sdt_0000").await;
        assert!(unknown.run("SELECT 1").await.is_err());
    }
    let door = strict(door).await;
    let mut slowed = 0;
    while slowed < 4 {
        let guesser = door.login("t1#v", "wrong").await;
        let status = guesser.run("SELECT 1").await.unwrap_err();
        slowed += u32::from(reason(&status) == "LOGIN_THROTTLED");
    }
    let door = door.restart().await;
    let logins = async |caller: &Caller, target: &str| {
        let statement = format!(
            "SELECT outcome, reason FROM stagedoor.audit WHERE operation = 'LOGIN' AND target = '{target}' ORDER BY number"
        );
        let rows = caller.rows(&statement).await;
        let said = rows.iter().map(|row| format!("{}: {}", row[0], row[1]));
        said.collect::<Vec<_>>()
    };
    let admin = door.admin("t1").await;
    let dead = "refused: Access denied: the token is no longer valid; log in again";
    // Seven calls, of which the first was checked.
    let mut of_u = logins(&admin, "t1:u").await;
    of_u.sort();
    assert_eq!(
        of_u,
        [
            "done: ".to_owned(),
            "done: 6 more of these".to_owned(),
            dead.to_owned(),
            format!("{dead}; 2 more of these"),
        ]
    );
    let of_v = logins(&admin, "t1:v").await;
    let slow = of_v.iter().filter(|said| said.contains("too many"));
    let slow: Vec<_> = slow.collect();
    assert_eq!(slow.len(), 2, "{of_v:?}");
    assert!(slow[1].ends_with("; 3 more of these"), "{of_v:?}");
    let unknown = "refused: Access denied: the token is not valid; log in again";
    assert_eq!(
        logins(&door.root().await, "an unknown token").await,
        [unknown.to_owned(), format!("{unknown}; 2 more of these")]
    );
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_beyond_the_limit_is_refused_by_the_name_of_its_setting() {
    let door = Door::open(|_| {}).await;
    let root = door.root().await;
    let request = v1::ExecuteRequest {
        session_id: "x".repeat(65 << 20),
        ..v1::ExecuteRequest::default()
    };
    let mut client = root.sql().max_encoding_message_size(usize::MAX);
    let status = client.execute(root.request(request)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    assert_eq!(reason(&status), "LIMIT_EXCEEDED");
    assert!(
        status
            .message()
            .contains("67108864 bytes: limits.message_bytes_max"),
        "{status:?}"
    );
    root.ok("SELECT 1").await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_see_what_credentials_are_called() {
    let door = Door::open(|_| {}).await;
    let root = door.root().await;
    root.ok("CREATE STAGE s URL = 's3://bucket/x' CREDENTIALS = {'access_key_id' = 'AKID', 'secret_access_key' = 'one', 'region' = 'eu-west-1'}")
        .await;
    root.ok("CREATE USER other IDENTIFIED BY 'pw'").await;
    let other = door.login("other", "pw").await;
    let statement = "SELECT stage_name, credentials FROM stagedoor.stages";
    assert_eq!(other.rows(statement).await, [["s", "NULL"]]);
    assert!(root.rows(statement).await[0][1].contains("fingerprint"));
    door.close().await;
}
