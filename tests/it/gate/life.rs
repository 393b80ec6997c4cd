//! The life of a statement: it waits for its turn, runs, and is read. All the while it can be killed and its time can
//! end, and who had to wait is looked at again.

use std::time::{Duration, Instant};

use proto::v1;
use tonic::{Status, Streaming};

use super::{Caller, Door, REFUSED, refusal};

/// More rows than anybody reads.
const LARGE: &str =
    "SELECT x.a FROM d.t x CROSS JOIN d.t y CROSS JOIN d.t z CROSS JOIN d.t v CROSS JOIN d.t w";

const KILLED: &str = "STATEMENT_KILLED: Query execution was interrupted: the statement was killed";

/// With one turn for the statements of an account, and `d.t` with 1000 rows in `t1`.
async fn with_one_turn(change: impl FnOnce(&mut server::Settings)) -> (Door, Caller) {
    let door = Door::open(|settings| {
        settings.limits.concurrent_statements_account_max = 1;
        change(settings);
    })
    .await;
    let root = door.root().await;
    root.ok("CREATE ACCOUNT t1 ADMIN_NAME 'admin' IDENTIFIED BY 'pw-t1'")
        .await;
    let admin = door.admin("t1").await;
    let numbers: Vec<String> = (0..1000).map(|n| format!("({n})")).collect();
    for statement in [
        "CREATE DATABASE d".to_owned(),
        "CREATE TABLE d.t (a bigint)".to_owned(),
        format!("INSERT INTO d.t VALUES {}", numbers.join(",")),
    ] {
        admin.ok(&statement).await;
    }
    (door, admin)
}

/// Asks for a result and reads nothing of it.
async fn unread(caller: &Caller) -> Streaming<v1::ExecuteResponse> {
    let request = caller.request(v1::ExecuteRequest {
        session_id: caller.session.clone(),
        statement: LARGE.to_owned(),
        ..Default::default()
    });
    caller.sql().execute(request).await.unwrap().into_inner()
}

/// Reads on, to the error at the end.
async fn end_of(mut unread: Streaming<v1::ExecuteResponse>) -> String {
    loop {
        match unread.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("as if the result were complete"),
            Err(status) => return refusal(&status),
        }
    }
}

/// The state of each of the sessions, as SHOW SESSIONS has it.
async fn states(watcher: &Caller, sessions: &[&Caller]) -> Vec<String> {
    let rows = watcher.rows("SHOW SESSIONS").await;
    let state = |caller: &&Caller| {
        let row = rows.iter().find(|row| row[0] == caller.session);
        row.map_or_else(|| "gone".to_owned(), |row| row[6].clone())
    };
    sessions.iter().map(state).collect()
}

/// Waits until all of the sessions are in that state; in vain for a minute at most.
async fn until(watcher: &Caller, sessions: &[&Caller], wanted: &str) {
    let began = Instant::now();
    loop {
        let states = states(watcher, sessions).await;
        if states.iter().all(|state| state == wanted) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{states:?}");
        tokio::task::yield_now().await;
    }
}

/// Runs a statement in a task of its own.
fn start(
    caller: &Caller,
    statement: &'static str,
) -> tokio::task::JoinHandle<Result<crate::harness::Answer, Status>> {
    let caller = caller.clone();
    tokio::spawn(async move { caller.run(statement).await })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_no_more_gives_its_turn_back() {
    let (door, admin) = with_one_turn(|_| {}).await;
    let reader = admin.in_session().await;
    let stalled = unread(&reader).await;
    let waiting = start(&admin, "SELECT 1");
    assert_eq!(states(&admin, &[&reader]).await, ["running"]);
    admin.ok(&format!("KILL QUERY '{}'", reader.session)).await;
    assert_eq!(waiting.await.unwrap().unwrap().cell(), "1");
    assert_eq!(end_of(stalled).await, KILLED);

    // The session goes on, and its time ends a statement as well.
    reader.ok("SET max_execution_time = 5000").await;
    let stalled = unread(&reader).await;
    let waiting = start(&admin, "SELECT 1");
    assert_eq!(waiting.await.unwrap().unwrap().cell(), "1");
    let error = end_of(stalled).await;
    assert!(error.starts_with("STATEMENT_TIMEOUT: "), "{error}");
    assert!(
        error.ends_with("(5000 ms: SET max_execution_time)"),
        "{error}"
    );
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_turn_is_shown_killed_timed_out_and_forgotten() {
    let (door, admin) = with_one_turn(|_| {}).await;
    let holder = admin.in_session().await;
    let short = admin.in_session().await;
    short.ok("SET max_execution_time = 50").await;
    let others = [
        admin.in_session().await,
        admin.in_session().await,
        admin.in_session().await,
    ];
    let [query, whole, leaving] = &others;
    let held = unread(&holder).await;

    let error = short.error("SELECT 1").await;
    assert!(error.starts_with("STATEMENT_TIMEOUT: "), "{error}");
    assert!(
        error.ends_with("(50 ms: SET max_execution_time)"),
        "{error}"
    );

    let tasks = others.each_ref().map(|other| start(other, "SELECT 2"));
    until(&admin, &[query, whole, leaving], "waiting").await;
    let rows = admin.rows("SHOW SESSIONS").await;
    assert!(
        rows.iter()
            .any(|row| row[0] == query.session && row[8] == "SELECT 2"),
        "{rows:?}"
    );
    let root = door.root().await;
    let request = root.request(v1::ListSessionsRequest {});
    let listed = root.administration().list_sessions(request).await;
    let waiting = listed
        .unwrap()
        .into_inner()
        .sessions
        .into_iter()
        .filter(|session| session.state() == v1::SessionState::Waiting);
    assert_eq!(waiting.count(), 3);
    let [first, second, third] = tasks;
    admin.ok(&format!("KILL QUERY '{}'", query.session)).await;
    assert_eq!(refusal(&first.await.unwrap().unwrap_err()), KILLED);
    admin.ok(&format!("KILL '{}'", whole.session)).await;
    assert_eq!(refusal(&second.await.unwrap().unwrap_err()), KILLED);
    assert_eq!(states(&admin, &[query, whole]).await, ["idle", "gone"]);
    // A client that leaves leaves the queue.
    third.abort();
    until(&admin, &[leaving], "idle").await;
    drop(held);
    query.ok("SELECT 1").await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_had_to_wait_is_looked_at_again() {
    let (door, admin) = with_one_turn(|_| {}).await;
    let mut users = Vec::new();
    admin.ok("CREATE ROLE r").await;
    for user in ["dropped", "roleless", "tokenless", "same"] {
        admin
            .ok(&format!(
                "CREATE USER {user} IDENTIFIED BY 'pw' DEFAULT ROLE r"
            ))
            .await;
        let login = door.login(&format!("t1#{user}"), "pw").await;
        let login = match user {
            "tokenless" => {
                let mut accounts = login.accounts();
                let made = accounts.login(login.request(v1::LoginRequest::default()));
                let made = made.await.unwrap().into_inner();
                users.push(Caller {
                    session: made.name,
                    ..login.clone()
                });
                door.bearer(&made.token).await
            }
            _ => login,
        };
        users.push(login.in_session().await);
    }
    let token = users.remove(2).session;
    let held = unread(&admin).await;
    let waiting: Vec<_> = users.iter().map(|user| start(user, "SELECT 1")).collect();
    until(&admin, &users.iter().collect::<Vec<_>>(), "waiting").await;
    // Calls that are no statements need no turn.
    let mut accounts = admin.accounts();
    let delete = v1::DeleteUserRequest {
        name: "users/dropped".to_owned(),
        ..Default::default()
    };
    accounts.delete_user(admin.request(delete)).await.unwrap();
    let revoke = v1::RevokeRoleRequest {
        role: "roles/r".to_owned(),
        user: "users/roleless".to_owned(),
        ..Default::default()
    };
    accounts.revoke_role(admin.request(revoke)).await.unwrap();
    let revoke = v1::RevokeTokenRequest {
        name: token,
        ..Default::default()
    };
    accounts.revoke_token(admin.request(revoke)).await.unwrap();
    drop(held);
    let mut ends = Vec::new();
    for task in waiting {
        ends.push(match task.await.unwrap() {
            Ok(answer) => answer.cell(),
            Err(status) => refusal(&status),
        });
    }
    assert_eq!(
        ends,
        [
            "UNAUTHENTICATED: Access denied for user 't1:dropped'",
            "ROLE_NOT_GRANTED: role 'r' is not granted to user 't1:roleless'",
            "UNAUTHENTICATED: Access denied: the token is no longer valid; log in again",
            "1",
        ]
    );
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_or_insert_that_had_to_wait_is_asked_for_anew() {
    let door = Door::open(|settings| {
        settings.limits.concurrent_exports_account_max = 1;
        settings.limits.concurrent_inserts_account_max = 1;
    })
    .await;
    let root = door.root().await;
    root.ok("CREATE ACCOUNT t1 ADMIN_NAME 'admin' IDENTIFIED BY 'pw-t1'")
        .await;
    let admin = door.admin("t1").await;
    let numbers: Vec<String> = (0..1000).map(|n| format!("({n})")).collect();
    for statement in [
        "CREATE DATABASE d".to_owned(),
        "CREATE TABLE d.t (a bigint)".to_owned(),
        "CREATE TABLE d.copy (a bigint)".to_owned(),
        format!("INSERT INTO d.t VALUES {}", numbers.join(",")),
        format!("CREATE STAGE s URL = '{}'", door.dir("t1").display()),
        "CREATE ROLE r".to_owned(),
        "GRANT SELECT, INSERT ON TABLE d.* TO r".to_owned(),
        "CREATE USER u IDENTIFIED BY 'pw' DEFAULT ROLE r".to_owned(),
    ] {
        admin.ok(&statement).await;
    }
    let u = door.login("t1#u", "pw").await;
    let (exporter, inserter) = (u.in_session().await, u.in_session().await);
    let holder = admin.in_session().await;
    let request = v1::StartExportRequest {
        statement: format!("{LARGE} INTO OUTFILE 'stage://s/held.csv'"),
        ..Default::default()
    };
    let held = admin.exports().start_export(admin.request(request)).await;
    let held = held.unwrap().into_inner().export.unwrap();
    let inserting = start(
        &holder,
        "INSERT INTO d.copy SELECT x.a FROM d.t x CROSS JOIN d.t y CROSS JOIN d.t z CROSS JOIN d.t v",
    );
    // It has its turn once another one waits.
    until(&admin, &[&holder], "running").await;
    let exporting = start(&exporter, "SELECT 1 INTO OUTFILE 'stage://s/waited.csv'");
    until(&admin, &[&exporter], "waiting").await;
    let also_inserting = start(&inserter, "INSERT INTO d.t VALUES (1)");
    until(&admin, &[&inserter], "waiting").await;
    admin.ok("REVOKE WRITE ON STAGE s FROM public").await;
    admin.ok("REVOKE INSERT ON TABLE d.* FROM r").await;
    let id = held.name.strip_prefix("exports/").unwrap();
    admin.ok(&format!("CANCEL EXPORT '{id}'")).await;
    admin.ok(&format!("KILL QUERY '{}'", holder.session)).await;
    let error = refusal(&exporting.await.unwrap().unwrap_err());
    assert!(
        error.starts_with(&format!("PERMISSION_DENIED: {REFUSED}")),
        "{error}"
    );
    let error = refusal(&also_inserting.await.unwrap().unwrap_err());
    assert!(
        error.starts_with("PERMISSION_DENIED: INSERT command denied"),
        "{error}"
    );
    assert_eq!(refusal(&inserting.await.unwrap().unwrap_err()), KILLED);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_ends_an_export_that_is_followed() {
    let (door, admin) = with_one_turn(|_| {}).await;
    admin
        .ok(&format!(
            "CREATE STAGE s URL = '{}'",
            door.dir("t1").display()
        ))
        .await;
    let exporter = admin.in_session().await;
    let following = start(
        &exporter,
        "SELECT x.a FROM d.t x CROSS JOIN d.t y CROSS JOIN d.t z CROSS JOIN d.t v INTO OUTFILE 'stage://s/x.csv'",
    );
    let exports = async || admin.rows("SHOW EXPORTS").await;
    while exports().await.is_empty() {}
    admin
        .ok(&format!("KILL QUERY '{}'", exporter.session))
        .await;
    let error = refusal(&following.await.unwrap().unwrap_err());
    assert!(error.starts_with("EXPORT_CANCELLED: "), "{error}");
    assert_eq!(exports().await[0][1], "CANCELLED");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_an_export_must_still_be_somebody() {
    let (door, admin) = with_one_turn(|_| {}).await;
    admin
        .ok(&format!(
            "CREATE STAGE s URL = '{}'",
            door.dir("t1").display()
        ))
        .await;
    admin
        .ok("CREATE USER second IDENTIFIED BY 'pw' DEFAULT ROLE accountadmin")
        .await;
    let request = v1::StartExportRequest {
        statement: format!("{LARGE} INTO OUTFILE 'stage://s/x.csv'"),
        ..Default::default()
    };
    let started = admin.exports().start_export(admin.request(request)).await;
    let name = started.unwrap().into_inner().export.unwrap().name;
    let second = door.login("t1#second", "pw").await;
    let request = v1::WatchExportRequest { name: name.clone() };
    let watch = second.exports().watch_export(second.request(request)).await;
    let mut watch = watch.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    admin.ok("DROP USER second").await;
    let error = loop {
        match watch.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("as if the export had ended"),
            Err(status) => break refusal(&status),
        }
    };
    assert_eq!(error, "UNAUTHENTICATED: Access denied for user 't1:second'");
    let request = v1::CancelExportRequest { name };
    let cancelled = admin.exports().cancel_export(admin.request(request)).await;
    cancelled.unwrap();
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_says_how_long_a_session_may_ask_for() {
    let (door, admin) = with_one_turn(|settings| {
        settings.limits.statement_timeout_s = 0;
        settings.limits.statement_timeout_max_s = 1;
    })
    .await;
    let session = admin.in_session().await;
    let refused = "OPTION_INVALID: Variable 'max_execution_time' can't be set to more than 1000 ms, the limit of limits.statement_timeout_max_s";
    assert_eq!(
        session.error("SET max_execution_time = 1001").await,
        refused
    );
    session.ok("SET max_execution_time = 1000").await;
    let endless = "SELECT sum(x.a + y.a + z.a) FROM d.t x CROSS JOIN d.t y CROSS JOIN d.t z CROSS JOIN d.t v CROSS JOIN d.t w";
    // In whose words it ends, the engine's or the session's, is as good as chance; the limit is named by both.
    let ended = |error: String, setting: &str| {
        assert!(error.starts_with("STATEMENT_TIMEOUT: "), "{error}");
        assert!(error.contains(setting), "{error}");
    };
    let error = session.error(endless).await;
    ended(error, "SET max_execution_time");
    // No limit of one's own is the longest that there is, for the default, too.
    for set in ["0", "DEFAULT"] {
        session.ok(&format!("SET max_execution_time = {set}")).await;
        let error = session.error(endless).await;
        ended(error, "limits.statement_timeout_max_s");
    }
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_says_how_long_a_recursion_may_go_on() {
    let (door, admin) = with_one_turn(|_| {}).await;
    let session = admin.in_session().await;
    let to = |last: u32| {
        format!(
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < {last}) SELECT MAX(n) FROM r"
        )
    };
    session.ok(&to(1000)).await;
    let aborted = |round: u32| {
        format!(
            "LIMIT_EXCEEDED: Recursive query aborted after {round} iterations. Try increasing @@cte_max_recursion_depth to a larger value."
        )
    };
    assert_eq!(session.error(&to(1001)).await, aborted(1001));
    session.ok("SET cte_max_recursion_depth = 5000").await;
    session.ok(&to(5000)).await;
    session.ok("SET cte_max_recursion_depth = 3").await;
    assert_eq!(session.error(&to(4)).await, aborted(4));
    for wrong in ["-1", "4294967296", "'x'", "NULL"] {
        let error = session
            .error(&format!("SET cte_max_recursion_depth = {wrong}"))
            .await;
        assert!(
            error.contains("cte_max_recursion_depth"),
            "{wrong}: {error}"
        );
    }
    session.ok("SET cte_max_recursion_depth = DEFAULT").await;
    assert_eq!(session.error(&to(1001)).await, aborted(1001));
    door.close().await;
}
