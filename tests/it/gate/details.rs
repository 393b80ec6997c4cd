//! What a caller may say beside the statement or the change: secrets, what must be so before, what is changed,
//! and that nothing is.

use proto::v1;

use super::{Caller, Door, reason, refusal};

fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    })
}

async fn create(
    caller: &Caller,
    request: v1::CreateStageRequest,
) -> Result<v1::Stage, tonic::Status> {
    let answer = caller
        .stages()
        .create_stage(caller.request(request))
        .await?;
    Ok(answer.into_inner().stage.unwrap())
}

async fn update(
    caller: &Caller,
    request: v1::UpdateStageRequest,
) -> Result<v1::Stage, tonic::Status> {
    let answer = caller
        .stages()
        .update_stage(caller.request(request))
        .await?;
    Ok(answer.into_inner().stage.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_come_beside_the_statement() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    admin
        .run_with("CREATE USER a IDENTIFIED BY ?", &[("1", "by position")])
        .await
        .unwrap();
    admin
        .run_with("CREATE USER b IDENTIFIED BY :pw", &[("pw", "by name")])
        .await
        .unwrap();
    door.login("t1#a", "by position").await.ok("SELECT 1").await;
    door.login("t1#b", "by name").await.ok("SELECT 1").await;
    for (statement, secrets) in [
        ("CREATE USER c IDENTIFIED BY ?", vec![]),
        (
            "CREATE USER c IDENTIFIED BY :pw",
            vec![("other", "planted")],
        ),
        ("CREATE USER c IDENTIFIED BY ?", vec![("2", "planted")]),
    ] {
        let status = admin.run_with(statement, &secrets).await.unwrap_err();
        assert_eq!(reason(&status), "OPTION_INVALID", "{statement}");
        assert!(!status.message().contains("planted"), "{statement}");
    }
    assert_eq!(admin.rows("SHOW USERS").await.len(), 3);
    // A secret is never a piece of SQL.
    admin
        .run_with(
            "CREATE USER d IDENTIFIED BY ?",
            &[("1", "x' DEFAULT ROLE accountadmin COMMENT '")],
        )
        .await
        .unwrap();
    let grants = admin.rows("SHOW USERS LIKE 'd'").await;
    assert_eq!(grants[0][1], "public", "{grants:?}");
    door.login("t1#d", "x' DEFAULT ROLE accountadmin COMMENT '")
        .await
        .ok("SELECT 1")
        .await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_without_enabled_is_as_in_sql() {
    for default_state in [
        server::settings::DefaultState::Enabled,
        server::settings::DefaultState::Disabled,
    ] {
        let door = Door::open(|settings| settings.stages.default_state = default_state).await;
        let root = door.root().await;
        root.ok("CREATE STAGE by_sql").await;
        let request = v1::CreateStageRequest {
            stage_id: "by_call".to_owned(),
            stage: Some(v1::Stage::default()),
            ..Default::default()
        };
        let made = create(&root, request).await.unwrap();
        let request = v1::GetStageRequest {
            name: "stages/by_sql".to_owned(),
            version: 0,
        };
        let by_sql = root
            .stages()
            .get_stage(root.request(request))
            .await
            .unwrap()
            .into_inner()
            .stage
            .unwrap();
        let expected = default_state == server::settings::DefaultState::Enabled;
        assert_eq!(
            (made.enabled, by_sql.enabled),
            (Some(expected), Some(expected))
        );
        assert_eq!(made.directory, by_sql.directory);
        for enabled in [true, false] {
            let request = v1::CreateStageRequest {
                stage_id: format!("said_{enabled}"),
                stage: Some(v1::Stage {
                    enabled: Some(enabled),
                    ..Default::default()
                }),
                ..Default::default()
            };
            let made = create(&root, request).await.unwrap();
            assert_eq!(made.enabled, Some(enabled));
        }
        door.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_can_be_tried_repeated_and_guarded() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    let dir = format!("file://{}", door.dir("t1").display());
    let new = |validate_only: bool, request_id: &str| v1::CreateStageRequest {
        stage_id: "s".to_owned(),
        stage: Some(v1::Stage {
            url: dir.clone(),
            comment: "first".to_owned(),
            ..Default::default()
        }),
        validate_only,
        request_id: request_id.to_owned(),
    };
    // Tried: answered as it would be, and nothing is there.
    let tried = create(&admin, new(true, "")).await.unwrap();
    assert_eq!(tried.comment, "first");
    let error = admin.error("DESC STAGE s").await;
    assert!(error.starts_with("STAGE_NOT_FOUND: "), "{error}");

    // Repeated: one stage, the same answer.
    let made = create(&admin, new(false, "once")).await.unwrap();
    let again = create(&admin, new(false, "once")).await.unwrap();
    assert_eq!(made, again);
    let status = create(&admin, new(false, "")).await.unwrap_err();
    assert_eq!(reason(&status), "STAGE_EXISTS");
    // An id is its user's own: it opens nothing to another.
    admin.ok("CREATE USER u IDENTIFIED BY 'pw'").await;
    let user = door.login("t1#u", "pw").await;
    let status = create(&user, new(false, "once")).await.unwrap_err();
    assert_eq!(reason(&status), "PERMISSION_DENIED");
    let status = create(&user, new(true, "")).await.unwrap_err();
    assert_eq!(reason(&status), "PERMISSION_DENIED");
    let other = door.admin("t2").await;
    let theirs = v1::CreateStageRequest {
        stage_id: "s".to_owned(),
        stage: Some(v1::Stage {
            comment: "theirs".to_owned(),
            ..Default::default()
        }),
        request_id: "once".to_owned(),
        ..Default::default()
    };
    let theirs = create(&other, theirs).await.unwrap();
    assert_eq!(
        (theirs.comment.as_str(), theirs.url.as_str()),
        ("theirs", "")
    );

    // Several properties at once are one version.
    let change = |etag: &str, comment: &str, paths: &[&str]| v1::UpdateStageRequest {
        stage: Some(v1::Stage {
            name: "stages/s".to_owned(),
            comment: comment.to_owned(),
            enabled: Some(false),
            url: "file:///ignored".to_owned(),
            etag: etag.to_owned(),
            ..Default::default()
        }),
        update_mask: mask(paths),
        ..Default::default()
    };
    let changed = update(
        &admin,
        change(&made.etag, "second", &["comment", "enabled"]),
    )
    .await
    .unwrap();
    assert_eq!(changed.version, made.version + 1);
    assert_eq!(
        (changed.comment.as_str(), changed.enabled),
        ("second", Some(false))
    );
    assert_eq!(changed.url, made.url);
    // Guarded: what was read before is no longer so.
    let status = update(&admin, change(&made.etag, "third", &["comment"]))
        .await
        .unwrap_err();
    assert_eq!(reason(&status), "STAGE_VERSION_CONFLICT");
    let status = update(&admin, change("", "third", &["nosuch"]))
        .await
        .unwrap_err();
    assert_eq!(reason(&status), "OPTION_INVALID");
    let status = update(&admin, change("", "third", &[])).await.unwrap_err();
    assert_eq!(reason(&status), "STAGE_OPTION_COUNT");
    let tried = v1::UpdateStageRequest {
        validate_only: true,
        ..change(&changed.etag, "tried", &["comment"])
    };
    assert_eq!(update(&admin, tried).await.unwrap().comment, "tried");
    for (etag, validate_only, expected) in [
        (made.etag.clone(), false, "STAGE_VERSION_CONFLICT"),
        (changed.etag.clone(), true, "ok"),
        (changed.etag.clone(), false, "ok"),
    ] {
        let before = admin.rows("SHOW STAGES").await;
        assert!(format!("{before:?}").contains("second"), "{before:?}");
        let request = v1::DeleteStageRequest {
            name: "stages/s".to_owned(),
            etag,
            validate_only,
            ..Default::default()
        };
        let deleted = admin.stages().delete_stage(admin.request(request)).await;
        let outcome = deleted.map_or_else(|status| reason(&status), |_| "ok".to_owned());
        assert_eq!(outcome, expected);
    }
    assert!(admin.rows("SHOW STAGES").await.is_empty());
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_accounts_have_masks_and_etags() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    for statement in [
        "CREATE ROLE r",
        "CREATE USER u IDENTIFIED BY 'pw'",
        "GRANT r TO USER u",
    ] {
        admin.ok(statement).await;
    }
    let change = |etag: &str, paths: &[&str]| v1::UpdateUserRequest {
        user: Some(v1::User {
            name: "users/u".to_owned(),
            comment: "both".to_owned(),
            default_role: "r".to_owned(),
            etag: etag.to_owned(),
            ..Default::default()
        }),
        update_mask: mask(paths),
        ..Default::default()
    };
    let get = async || {
        let request = v1::GetUserRequest {
            name: "users/u".to_owned(),
        };
        let answer = admin.accounts().get_user(admin.request(request)).await;
        answer.unwrap().into_inner().user.unwrap()
    };
    let before = get().await;
    let update = async |request| admin.accounts().update_user(admin.request(request)).await;
    for (paths, expected) in [
        (
            &[][..],
            "OPTION_INVALID: invalid input: update_mask is required: some of locked, comment, default_role, password, or *",
        ),
        (
            &["comment", "roles"],
            "OPTION_INVALID: invalid input: update_mask 'roles' is not one of locked, comment, default_role, password, *",
        ),
    ] {
        let status = update(change(&before.etag, paths)).await.unwrap_err();
        assert_eq!(refusal(&status), expected);
    }
    // What is wrong in one of them is in the way of all.
    let mut wrong = change(&before.etag, &["comment", "default_role"]);
    wrong.user.as_mut().unwrap().default_role = "nosuch".to_owned();
    assert!(update(wrong).await.is_err());
    assert_eq!(get().await, before);
    let tried = v1::UpdateUserRequest {
        validate_only: true,
        ..change(&before.etag, &["*"])
    };
    let tried = update(tried).await.unwrap().into_inner().user.unwrap();
    assert_eq!(get().await, before);
    let changed = update(change(&before.etag, &["comment", "default_role"]))
        .await
        .unwrap();
    let changed = changed.into_inner().user.unwrap();
    assert_eq!(
        (changed.comment.as_str(), changed.default_role.as_str()),
        ("both", "r")
    );
    // One version of both, as it was said before.
    assert_eq!(changed.etag, tried.etag);
    assert_ne!(changed.etag, before.etag);
    // `*` leaves a password that is not given.
    door.login("t1#u", "pw").await.ok("SELECT 1").await;
    let status = update(change(&before.etag, &["comment"]))
        .await
        .unwrap_err();
    assert_eq!(reason(&status), "IDENTITY_VERSION_CONFLICT");
    let request = v1::DeleteUserRequest {
        name: "users/u".to_owned(),
        etag: before.etag,
        ..Default::default()
    };
    let stale = admin.accounts().delete_user(admin.request(request)).await;
    assert_eq!(reason(&stale.unwrap_err()), "IDENTITY_VERSION_CONFLICT");
    assert_eq!(get().await, changed);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_updated_by_a_mask_and_what_is_only_tried_leaves_nothing() {
    let door = Door::with_tenants().await;
    let root = door.root().await;
    let update = async |paths: &[&str], validate_only: bool| {
        let request = v1::UpdateAccountRequest {
            account: Some(v1::Account {
                name: "accounts/t1".to_owned(),
                admin_name: "second".to_owned(),
                comment: "both".to_owned(),
                ..Default::default()
            }),
            update_mask: mask(paths),
            admin_password: "pw-second".to_owned(),
            validate_only,
            ..Default::default()
        };
        let answer = root.accounts().update_account(root.request(request)).await;
        answer.map(|answer| answer.into_inner().account.unwrap())
    };
    let get = async || {
        let request = v1::GetAccountRequest {
            name: "accounts/t1".to_owned(),
        };
        let answer = root.accounts().get_account(root.request(request)).await;
        answer.unwrap().into_inner().account.unwrap()
    };
    let before = get().await;
    let tried = update(&["*"], true).await.unwrap();
    assert_eq!(get().await, before);
    let second = door.login("t1#second", "pw-second").await;
    assert!(second.run("SELECT 1").await.is_err());
    let status = update(&["comment", "etag"], false).await.unwrap_err();
    assert_eq!(reason(&status), "OPTION_INVALID");
    let changed = update(&["*"], false).await.unwrap();
    assert_eq!(
        (changed.comment.as_str(), changed.admin_name.as_str()),
        ("both", "second")
    );
    assert_eq!(changed.etag, tried.etag);
    second.ok("SELECT 1").await;

    // Nothing of what is tried stays, and its data least of all.
    let admin = door.admin("t1").await;
    admin.ok("CREATE DATABASE d").await;
    admin.ok("CREATE TABLE d.t (a int)").await;
    admin.ok("INSERT INTO d.t VALUES (1)").await;
    let request = v1::DeleteAccountRequest {
        name: "accounts/t1".to_owned(),
        validate_only: true,
        ..Default::default()
    };
    let tried = root.accounts().delete_account(root.request(request)).await;
    tried.unwrap();
    assert_eq!(admin.rows("SELECT a FROM d.t").await, [["1"]]);
    let request = v1::CreateRoleRequest {
        role_id: "r".to_owned(),
        validate_only: true,
        ..Default::default()
    };
    let tried = admin.accounts().create_role(admin.request(request)).await;
    assert_eq!(tried.unwrap().into_inner().role.unwrap().name, "roles/r");
    let error = admin.error("DROP ROLE r").await;
    assert!(error.starts_with("ROLE_NOT_FOUND"), "{error}");
    let alters = admin
        .rows("SELECT operation FROM stagedoor.audit WHERE operation = 'ALTER ACCOUNT'")
        .await;
    assert_eq!(alters.len(), 1, "{alters:?}");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_who_may_do_what_can_be_repeated() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    let create = async |password: &str, request_id: &str| {
        let request = v1::CreateUserRequest {
            user_id: "bob".to_owned(),
            password: password.to_owned(),
            request_id: request_id.to_owned(),
            ..Default::default()
        };
        let answer = admin.accounts().create_user(admin.request(request)).await;
        answer.map(|answer| answer.into_inner().user.unwrap())
    };
    let made = create("first", "once").await.unwrap();
    assert_eq!(create("first", "once").await.unwrap(), made);
    let status = create("first", "").await.unwrap_err();
    assert_eq!(reason(&status), "USER_EXISTS");
    // The same id does not set another password, and does not say that it did.
    let status = create("second", "once").await.unwrap_err();
    assert_eq!(reason(&status), "IDENTITY_VERSION_CONFLICT");
    assert!(!status.message().contains("second"), "{status}");
    door.login("t1#bob", "first").await.ok("SELECT 1").await;

    let update = async |etag: &str, request_id: &str| {
        let request = v1::UpdateUserRequest {
            user: Some(v1::User {
                name: "users/bob".to_owned(),
                etag: etag.to_owned(),
                ..Default::default()
            }),
            update_mask: mask(&["password"]),
            password: "third".to_owned(),
            request_id: request_id.to_owned(),
            ..Default::default()
        };
        let answer = admin.accounts().update_user(admin.request(request)).await;
        answer.map(|answer| answer.into_inner().user.unwrap())
    };
    let updated = update(&made.etag, "change").await.unwrap();
    assert_ne!(updated.etag, made.etag);
    assert_eq!(update(&made.etag, "change").await.unwrap(), updated);
    for etag in [made.etag.as_str(), "nonsense"] {
        let status = update(etag, "").await.unwrap_err();
        assert_eq!(reason(&status), "IDENTITY_VERSION_CONFLICT", "{etag}");
    }
    let bob = door.login("t1#bob", "third").await;

    // One's own token: gone, and told so again, but to another nothing.
    let token = bob.rows("CREATE TOKEN").await.remove(0).remove(0);
    admin.ok("CREATE USER other IDENTIFIED BY 'pw'").await;
    let other = door.login("t1#other", "pw").await;
    let revoke = async |caller: &Caller, request_id: &str| {
        let request = v1::RevokeTokenRequest {
            name: format!("tokens/{token}"),
            request_id: request_id.to_owned(),
            ..Default::default()
        };
        let answer = caller
            .accounts()
            .revoke_token(caller.request(request))
            .await;
        answer.map(|answer| answer.into_inner().revoked)
    };
    let status = revoke(&other, "mine").await.unwrap_err();
    assert_eq!(reason(&status), "TOKEN_NOT_FOUND");
    assert_eq!(revoke(&bob, "his").await.unwrap(), 1);
    assert_eq!(revoke(&bob, "his").await.unwrap(), 1);
    let status = revoke(&bob, "").await.unwrap_err();
    assert_eq!(reason(&status), "TOKEN_NOT_FOUND");

    let drop = async |request_id: &str| {
        let request = v1::DeleteUserRequest {
            name: "users/bob".to_owned(),
            etag: updated.etag.clone(),
            request_id: request_id.to_owned(),
            ..Default::default()
        };
        admin.accounts().delete_user(admin.request(request)).await
    };
    drop("gone").await.unwrap();
    drop("gone").await.unwrap();
    let status = drop("").await.unwrap_err();
    assert_eq!(reason(&status), "USER_NOT_FOUND");
    door.close().await;
}
