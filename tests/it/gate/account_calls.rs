//! AccountService beyond what SQL says: roles as resources with etags, tokens for other users, and pages.

use proto::v1;

use super::{Caller, Door, reason, refusal};

async fn get_role(caller: &Caller, name: &str) -> v1::Role {
    let request = caller.request(v1::GetRoleRequest {
        name: name.to_owned(),
    });
    let answer = caller.accounts().get_role(request).await.unwrap();
    answer.into_inner().role.unwrap()
}

async fn update_role(
    caller: &Caller,
    role: v1::Role,
    change: impl FnOnce(&mut v1::UpdateRoleRequest),
) -> Result<v1::Role, tonic::Status> {
    let mut request = v1::UpdateRoleRequest {
        role: Some(role),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["comment".to_owned()],
        }),
        ..Default::default()
    };
    change(&mut request);
    let answer = caller
        .accounts()
        .update_role(caller.request(request))
        .await?;
    Ok(answer.into_inner().role.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_has_an_etag_that_guards_its_changes() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    admin.ok("CREATE ROLE r COMMENT 'first'").await;
    let first = get_role(&admin, "roles/R").await;
    assert_eq!(
        (first.name.as_str(), first.comment.as_str()),
        ("roles/r", "first")
    );
    let commented = |comment: &str, etag: &str| v1::Role {
        name: "roles/r".to_owned(),
        comment: comment.to_owned(),
        etag: etag.to_owned(),
        ..Default::default()
    };
    let tried = update_role(&admin, commented("tried", &first.etag), |request| {
        request.validate_only = true;
    });
    assert_eq!(tried.await.unwrap().comment, "tried");
    assert_eq!(get_role(&admin, "roles/r").await, first);
    let keyed = |request: &mut v1::UpdateRoleRequest| request.request_id = "k".to_owned();
    let second = update_role(&admin, commented("second", &first.etag), keyed)
        .await
        .unwrap();
    assert_ne!(second.etag, first.etag);
    // The same request again changes nothing, and is no conflict.
    let again = update_role(&admin, commented("second", &first.etag), keyed).await;
    assert_eq!(again.unwrap(), second);
    for (role, expected) in [
        (commented("third", &first.etag), "IDENTITY_VERSION_CONFLICT"),
        (commented("third", "nonsense"), "IDENTITY_VERSION_CONFLICT"),
        (
            v1::Role {
                name: "roles/nosuch".to_owned(),
                ..Default::default()
            },
            "ROLE_NOT_FOUND",
        ),
    ] {
        let refused = update_role(&admin, role, |_| {}).await.unwrap_err();
        assert_eq!(reason(&refused), expected, "{}", refusal(&refused));
    }
    let delete = async |etag: &str| {
        let request = admin.request(v1::DeleteRoleRequest {
            name: "roles/r".to_owned(),
            etag: etag.to_owned(),
            ..Default::default()
        });
        admin.accounts().delete_role(request).await
    };
    let refused = delete(&first.etag).await.unwrap_err();
    assert_eq!(reason(&refused), "IDENTITY_VERSION_CONFLICT");
    delete(&second.etag).await.unwrap();
    // Another role of the name has another etag.
    admin.ok("CREATE ROLE r").await;
    let refused = delete(&second.etag).await.unwrap_err();
    assert_eq!(reason(&refused), "IDENTITY_VERSION_CONFLICT");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_another_user() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    admin.ok("CREATE USER u IDENTIFIED BY 'pw'").await;
    let create = async |caller: &Caller, user: &str, validate_only| {
        let request = caller.request(v1::CreateTokenRequest {
            user: user.to_owned(),
            label: "job".to_owned(),
            lifetime: Some(prost_types::Duration {
                seconds: 60,
                nanos: 0,
            }),
            validate_only,
        });
        let answer = caller.accounts().create_token(request).await;
        answer.map(tonic::Response::into_inner)
    };
    assert_eq!(
        create(&admin, "users/u", true).await.unwrap().token,
        String::new()
    );
    assert!(admin.rows("SHOW TOKENS FOR USER u").await.is_empty());
    let made = create(&admin, "users/u", false).await.unwrap();
    assert!(!format!("{made:?}").contains(&made.token));
    let created = made.created.unwrap();
    assert_eq!(
        (created.user.as_str(), created.label.as_str()),
        ("users/u", "job")
    );
    let user = door.bearer(&made.token).await;
    assert_eq!(user.rows("SELECT CURRENT_USER()").await.len(), 1);
    // One's own needs no privilege, another's does; an administrator's is an administrator's.
    create(&user, "", false).await.unwrap();
    let refused = create(&user, "users/admin", false).await.unwrap_err();
    assert_eq!(reason(&refused), "PERMISSION_DENIED");
    admin.ok("CREATE ROLE helper").await;
    admin.ok("GRANT ALTER USER ON ACCOUNT * TO helper").await;
    admin.ok("GRANT helper TO USER u").await;
    let helper = door.login("t1#u#helper", "pw").await;
    let refused = create(&helper, "users/admin", false).await.unwrap_err();
    assert_eq!(reason(&refused), "PERMISSION_DENIED");
    let missing = create(&helper, "users/nosuch", false).await.unwrap_err();
    assert_eq!(reason(&missing), "USER_NOT_FOUND");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_and_tokens_come_in_pages() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    admin.ok("CREATE ROLE r").await;
    for number in 0..5 {
        admin.ok(&format!("CREATE STAGE s{number}")).await;
        admin
            .ok(&format!("GRANT READ ON STAGE s{number} TO r"))
            .await;
        admin.ok("CREATE TOKEN 't'").await;
    }
    let grants = async |page_size, page_token: &str| {
        let request = admin.request(v1::ListGrantsRequest {
            of: "roles/r".to_owned(),
            page_size,
            page_token: page_token.to_owned(),
        });
        let answer = admin.accounts().list_grants(request).await;
        answer.map(tonic::Response::into_inner)
    };
    let tokens = async |page_size, page_token: &str| {
        let request = admin.request(v1::ListTokensRequest {
            user: String::new(),
            page_size,
            page_token: page_token.to_owned(),
        });
        let answer = admin.accounts().list_tokens(request).await;
        answer.map(tonic::Response::into_inner)
    };
    let all = grants(0, "").await.unwrap();
    assert_eq!((all.grants.len(), all.next_page_token.as_str()), (5, ""));
    let all_tokens = tokens(0, "").await.unwrap().tokens;
    assert_eq!(all_tokens.len(), 5);
    let (mut paged, mut paged_tokens) = (Vec::new(), Vec::new());
    let (mut next, mut next_token) = (String::new(), String::new());
    for _ in 0..3 {
        let page = grants(2, &next).await.unwrap();
        paged.extend(page.grants);
        next = page.next_page_token;
        let page = tokens(2, &next_token).await.unwrap();
        paged_tokens.extend(page.tokens);
        next_token = page.next_page_token;
    }
    assert_eq!((next.as_str(), next_token.as_str()), ("", ""));
    assert_eq!((paged, paged_tokens), (all.grants, all_tokens));
    // The token of one list is none of another.
    let other = grants(2, "").await.unwrap().next_page_token;
    let refused = tokens(2, &other).await.unwrap_err();
    assert_eq!(reason(&refused), "OPTION_INVALID");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_is_brought_back_as_it_was_dropped() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    let mut stages = admin.stages();
    let versions = async || {
        let request = admin.request(v1::ListStageVersionsRequest {
            name: "stages/s".to_owned(),
            ..Default::default()
        });
        let answer = admin.stages().list_stage_versions(request).await.unwrap();
        answer.into_inner().versions
    };
    for statement in ["CREATE STAGE s", "DROP STAGE s"] {
        admin.ok(statement).await;
    }
    let first = versions().await[0].etag.clone();
    for statement in ["CREATE STAGE s", "DROP STAGE s"] {
        admin.ok(statement).await;
    }
    let second = versions().await[0].etag.clone();
    assert_ne!(first, second);
    let mut undelete = async |etag: &str| {
        let request = admin.request(v1::UndeleteStageRequest {
            name: "stages/s".to_owned(),
            etag: etag.to_owned(),
            ..Default::default()
        });
        stages.undelete_stage(request).await
    };
    for etag in [first.as_str(), "nonsense"] {
        let refused = undelete(etag).await.unwrap_err();
        assert_eq!(reason(&refused), "STAGE_VERSION_CONFLICT", "{etag}");
    }
    undelete(&second).await.unwrap();
    door.close().await;
}
