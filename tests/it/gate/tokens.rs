//! Tokens: the role that one is bound to, and what cannot be done with it.

use proto::v1;

use super::{Caller, Door, reason, refusal};

async fn log_in(caller: &Caller, lifetime_s: Option<i64>) -> v1::LoginResponse {
    let request = v1::LoginRequest {
        label: "test".to_owned(),
        lifetime: lifetime_s.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
    };
    let answer = caller.accounts().login(caller.request(request)).await;
    answer.unwrap().into_inner()
}

async fn role_of(caller: &Caller) -> (String, Vec<String>) {
    let request = caller.request(v1::GetCallerRequest {});
    let answer = caller.accounts().get_caller(request).await.unwrap();
    let caller = answer.into_inner().caller.unwrap();
    (caller.role, caller.roles)
}

/// The id of a token, as refusals name it.
fn id_of(login: &v1::LoginResponse) -> &str {
    &login.name["tokens/".len()..]
}

/// User `u` of t1 with roles `low` (its default), which may change users, and `high`.
async fn door_with_user() -> (Door, Caller) {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    for statement in [
        "CREATE ROLE low, high",
        "GRANT ALTER USER ON ACCOUNT * TO low",
        "CREATE USER u IDENTIFIED BY 'pw' DEFAULT ROLE low",
        "GRANT high TO USER u",
        "CREATE USER other IDENTIFIED BY 'pw'",
        "CREATE USER peer IDENTIFIED BY 'pw' DEFAULT ROLE low",
    ] {
        admin.ok(statement).await;
    }
    (door, admin)
}

/// Nor what a session of its user has that is in another role.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_a_role_reaches_no_session_of_another() {
    let (door, admin) = door_with_user().await;
    admin.ok("GRANT accountadmin TO USER u").await;
    let session = door.login("t1#u", "pw").await.in_session().await;
    session.ok("SET ROLE accountadmin").await;
    session.ok("CREATE TEMPORARY STAGE tmp").await;
    session
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://tmp/a.csv'")
        .await;
    let list = |caller: &Caller| {
        let request = caller.request(v1::ListFilesRequest {
            parent: "stages/tmp".to_owned(),
            session_id: session.session.clone(),
            ..Default::default()
        });
        let mut files = caller.files();
        async move { files.list_files(request).await }
    };
    let low = log_in(&door.login("t1#u#low", "pw").await, None).await;
    let low = door.bearer(&low.token).await;
    let status = list(&low).await.unwrap_err();
    let refused = refusal(&status);
    assert!(
        refused.starts_with("PERMISSION_DENIED: ")
            && refused.contains("is bound to role 'low', not to 'accountadmin'"),
        "{refused}"
    );
    let rows = admin
        .rows("SELECT operation, outcome FROM stagedoor.audit WHERE operation = 'ENTER SESSION'")
        .await;
    assert_eq!(rows, [["ENTER SESSION", "refused"]]);
    let high = log_in(&door.login("t1#u#accountadmin", "pw").await, None).await;
    let high = door.bearer(&high.token).await;
    assert_eq!(list(&high).await.unwrap().into_inner().files.len(), 1);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_a_role_gives_no_other() {
    let (door, admin) = door_with_user().await;
    let login = log_in(&door.login("t1#u#low", "pw").await, None).await;
    let bound = door.bearer(&login.token).await;
    let id = id_of(&login);
    assert_eq!(
        role_of(&bound).await,
        ("low".to_owned(), vec!["low".to_owned()])
    );
    let session = bound.in_session().await;
    session.ok("SET ROLE low").await;
    session.ok("SET ROLE DEFAULT").await;
    let elsewhere = |role: &str| {
        format!(
            "PERMISSION_DENIED: internal error: the token {id} is bound to role 'low', not to '{role}'; a login that names no role may change roles"
        )
    };
    for (statement, role) in [
        ("SET ROLE high", "high"),
        ("SET ROLE public", "public"),
        ("SET ROLE NONE", "public"),
    ] {
        assert_eq!(session.error(statement).await, elsewhere(role));
        assert_eq!(bound.error(statement).await, elsewhere(role));
    }

    // Nor by a session that a password opened, whatever its role is by now.
    let password = door.login("t1#u", "pw").await.in_session().await;
    let entered = Caller {
        session: password.session.clone(),
        ..bound.clone()
    };
    entered.ok("SELECT 1").await;
    assert_eq!(entered.error("SET ROLE high").await, elsewhere("high"));
    password.ok("SET ROLE high").await;
    assert_eq!(entered.error("SELECT 1").await, elsewhere("high"));
    password.ok("SELECT 1").await;

    // Nor by who its user is.
    let own = |what: &str| {
        format!(
            "PERMISSION_DENIED: internal error: {what} of one's own user is not for the token {id}, which is bound to role 'low'; log in without a role"
        )
    };
    for (statement, what) in [
        ("SET PASSWORD = 'mine'", "SET PASSWORD"),
        ("ALTER USER u IDENTIFIED BY 'mine'", "ALTER USER"),
        ("ALTER USER u DEFAULT ROLE high", "ALTER USER"),
    ] {
        assert_eq!(session.error(statement).await, own(what), "{statement}");
    }
    let request = v1::UpdateUserRequest {
        user: Some(v1::User {
            name: "users/u".to_owned(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["password".to_owned()],
        }),
        password: "mine".to_owned(),
        ..Default::default()
    };
    let refused = bound.accounts().update_user(bound.request(request)).await;
    assert_eq!(refusal(&refused.unwrap_err()), own("SET PASSWORD"));
    session.ok("ALTER USER other COMMENT 'changed'").await;
    door.login("t1#u", "pw").await.ok("SELECT 1").await;

    let refused = admin
        .rows("SELECT operation FROM stagedoor.audit WHERE `user` = 'u' AND outcome = 'refused'")
        .await;
    let refused: Vec<&str> = refused.iter().map(|row| row[0].as_str()).collect();
    for operation in ["SET ROLE", "ENTER SESSION", "SET PASSWORD", "ALTER USER"] {
        assert!(refused.contains(&operation), "{operation}: {refused:?}");
    }
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bound_token_makes_is_bound_as_it_is() {
    let (door, _) = door_with_user().await;
    let login = log_in(&door.login("t1#u#low", "pw").await, Some(3600)).await;
    let bound = door.bearer(&login.token).await;
    let error = bound.error("CREATE TOKEN EXPIRES IN 2 HOUR").await;
    assert!(
        error.starts_with(
            "OPTION_INVALID: invalid input: a token that a bound token makes ends with it"
        ),
        "{error}"
    );
    // Nothing said: the server's default would be longer than what is left.
    let made = bound.rows("CREATE TOKEN 'child'").await;
    let child = door.bearer(&made[0][1]).await;
    assert_eq!(role_of(&child).await.0, "low");
    let error = child.error("SET ROLE high").await;
    assert!(error.contains("is bound to role 'low'"), "{error}");
    let tokens = bound.rows("SHOW TOKENS").await;
    let expires = |label: &str| {
        let found = tokens.iter().find(|row| row[3] == label).unwrap();
        (found[2].clone(), found[5].clone())
    };
    let ((role, child_ends), (_, parent_ends)) = (expires("child"), expires("test"));
    assert_eq!(role, "low");
    assert!(child_ends <= parent_ends, "{child_ends} {parent_ends}");

    // Within a session that a password opened it is the token that counts.
    let password = door.login("t1#u", "pw").await.in_session().await;
    let entered = Caller {
        session: password.session.clone(),
        ..bound.clone()
    };
    let made = entered.rows("CREATE TOKEN 'in session'").await;
    let child = door.bearer(&made[0][1]).await;
    assert!(child.run("SET ROLE high").await.is_err());

    // For another user it is for the same role, which the other must have.
    let made = bound.rows("CREATE TOKEN FOR USER peer").await;
    let of_peer = door.bearer(&made[0][1]).await;
    assert_eq!(role_of(&of_peer).await.1, vec!["low".to_owned()]);
    let refused = bound.run("CREATE TOKEN FOR USER other").await.unwrap_err();
    assert_eq!(reason(&refused), "OPTION_INVALID");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_names_no_role_may_change_it() {
    let (door, _) = door_with_user().await;
    let login = log_in(&door.login("t1#u", "pw").await, None).await;
    let free = door.bearer(&login.token).await.in_session().await;
    assert_eq!(role_of(&free).await.0, "low");
    let tokens = free.rows("SHOW TOKENS").await;
    assert_eq!(tokens[0][2], "NULL", "{tokens:?}");
    free.ok("SET ROLE high").await;
    // Who has chosen a role makes tokens for it.
    let made = free.rows("CREATE TOKEN").await;
    let bound = door.bearer(&made[0][1]).await;
    assert_eq!(role_of(&bound).await.0, "high");
    let error = bound.error("SET ROLE low").await;
    assert!(error.contains("is bound to role 'high'"), "{error}");
    free.ok("SET PASSWORD = 'new'").await;
    door.login("t1#u", "new").await.ok("SELECT 1").await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_no_more_tokens_than_the_setting_says() {
    let door = Door::open(|settings| settings.limits.tokens_user_max = 2).await;
    let root = door.root().await;
    root.ok("CREATE TOKEN").await;
    let id = root.rows("CREATE TOKEN").await[0][0].clone();
    let error = root.error("CREATE TOKEN").await;
    assert_eq!(
        error,
        "LIMIT_EXCEEDED: internal error: limits.tokens_user_max: the user root has 2 tokens that have not expired, and may have 2; revoke one first"
    );
    root.ok(&format!("REVOKE TOKEN '{id}'")).await;
    root.ok("CREATE TOKEN").await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_change_users_sees_and_revokes_their_tokens_but_not_administrators() {
    let (door, admin) = door_with_user().await;
    let hr = door.login("t1#peer", "pw").await;
    let of_u = door.login("t1#u", "pw").await;
    let of_admin = admin.rows("CREATE TOKEN 'mine'").await;
    let first = of_u.rows("CREATE TOKEN 'first'").await;
    of_u.rows("CREATE TOKEN 'second'").await;
    let labels = async |caller: &Caller, statement: &str| {
        let rows = caller.rows(statement).await;
        let mut labels: Vec<_> = rows.into_iter().map(|row| row[3].clone()).collect();
        labels.sort();
        labels
    };
    for caller in [&admin, &hr] {
        let seen = labels(caller, "SHOW TOKENS FOR USER u").await;
        assert_eq!(seen, ["first", "second"]);
    }
    assert_eq!(
        labels(&of_u, "SHOW TOKENS FOR u").await,
        ["first", "second"]
    );
    let refused = hr.run("SHOW TOKENS FOR admin").await.unwrap_err();
    assert_eq!(reason(&refused), "PERMISSION_DENIED");
    let plain = door.login("t1#other", "pw").await;
    let refused = plain.run("SHOW TOKENS FOR u").await.unwrap_err();
    assert_eq!(reason(&refused), "PERMISSION_DENIED");
    let statement = format!("REVOKE TOKEN '{}'", first[0][0]);
    let hidden = plain.error(&statement).await;
    assert!(hidden.starts_with("TOKEN_NOT_FOUND"), "{hidden}");
    let statement = format!("REVOKE TOKEN '{}'", of_admin[0][0]);
    let hidden = hr.error(&statement).await;
    assert!(hidden.starts_with("TOKEN_NOT_FOUND"), "{hidden}");
    door.bearer(&of_admin[0][1]).await.ok("SELECT 1").await;

    hr.ok(&format!("REVOKE TOKEN '{}'", first[0][0])).await;
    assert!(
        door.bearer(&first[0][1])
            .await
            .run("SELECT 1")
            .await
            .is_err()
    );
    let revoke = async |name: &str, user: &str, validate_only: bool| {
        let request = v1::RevokeTokenRequest {
            name: name.to_owned(),
            user: user.to_owned(),
            validate_only,
            ..Default::default()
        };
        let answer = hr.accounts().revoke_token(hr.request(request)).await;
        answer.map(|answer| answer.into_inner().revoked)
    };
    assert_eq!(revoke("tokens/-", "users/u", true).await.unwrap(), 1);
    assert_eq!(labels(&hr, "SHOW TOKENS FOR u").await, ["second"]);
    assert_eq!(revoke("tokens/-", "users/u", false).await.unwrap(), 1);
    assert_eq!(labels(&hr, "SHOW TOKENS FOR u").await, Vec::<String>::new());
    let refused = revoke("tokens/-", "users/admin", false).await.unwrap_err();
    assert_eq!(reason(&refused), "PERMISSION_DENIED");
    for (name, user) in [("tokens/-", ""), ("tokens/x", "users/u")] {
        let refused = revoke(name, user, false).await.unwrap_err();
        assert_eq!(reason(&refused), "OPTION_INVALID", "{name} {user}");
    }
    door.close().await;
}
