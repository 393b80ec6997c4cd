//! What a call asks for: the audit says which fields it sets and to what, but for what is secret.

use proto::v1;
use proto::v1::securable::Object;

use super::{Caller, Door, reason};

fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    })
}

/// Operation, target and statement of the changes in the audit, the service's name left out.
async fn told(admin: &Caller) -> Vec<String> {
    let rows = admin
        .rows(
            "SELECT operation, target, statement FROM stagedoor.audit \
             WHERE statement LIKE 'stagedoor.v1.%' AND operation <> 'LOGIN' ORDER BY number",
        )
        .await;
    rows.iter()
        .map(|row| row.join(" | ").replace("stagedoor.v1.", ""))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_tells_what_was_set() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    let mut accounts = admin.accounts();
    let request = admin.request(v1::CreateUserRequest {
        user_id: "u".to_owned(),
        user: Some(v1::User {
            comment: "it's".to_owned(),
            ..Default::default()
        }),
        password: "planted-first".to_owned(),
        ..Default::default()
    });
    accounts.create_user(request).await.unwrap();
    for (locked, path, password) in [
        (true, "locked", ""),
        (false, "locked", ""),
        (false, "password", "planted-second"),
    ] {
        let request = admin.request(v1::UpdateUserRequest {
            user: Some(v1::User {
                name: "users/u".to_owned(),
                locked,
                ..Default::default()
            }),
            update_mask: mask(&[path]),
            password: password.to_owned(),
            ..Default::default()
        });
        accounts.update_user(request).await.unwrap();
    }
    admin.ok("CREATE ROLE r").await;
    let mut stages = admin.stages();
    let request = admin.request(v1::CreateStageRequest {
        stage_id: "lake".to_owned(),
        stage: Some(v1::Stage {
            url: "s3://bucket/x/".to_owned(),
            enabled: Some(true),
            credentials: [
                ("region", "eu-central-1"),
                ("access_key_id", "planted-id"),
                ("secret_access_key", "planted-key"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
            ..Default::default()
        }),
        ..Default::default()
    });
    stages.create_stage(request).await.unwrap();
    let request = admin.request(v1::UpdateStageRequest {
        stage: Some(v1::Stage {
            name: "stages/lake".to_owned(),
            comment: "wet".to_owned(),
            ..Default::default()
        }),
        update_mask: mask(&["comment"]),
        ..Default::default()
    });
    stages.update_stage(request).await.unwrap();
    let grant = v1::Grant {
        role: "roles/r".to_owned(),
        on: Some(v1::Securable {
            object: Some(Object::Stage("lake".to_owned())),
        }),
        privileges: vec!["READ".to_owned(), "WRITE".to_owned()],
        ..Default::default()
    };
    let request = admin.request(v1::GrantPrivilegesRequest {
        grant: Some(grant),
        ..Default::default()
    });
    accounts.grant_privileges(request).await.unwrap();
    let request = admin.request(v1::GrantRoleRequest {
        role: "roles/r".to_owned(),
        user: "users/u".to_owned(),
        ..Default::default()
    });
    accounts.grant_role(request).await.unwrap();
    // A refusal says what was asked for, too.
    let plain = door.login("t1#u", "planted-second").await;
    let request = plain.request(v1::DeleteStageRequest {
        name: "stages/lake".to_owned(),
        ..Default::default()
    });
    let refused = plain.stages().delete_stage(request).await.unwrap_err();
    assert_eq!(reason(&refused), "PERMISSION_DENIED");

    let all = told(&admin).await;
    assert!(!format!("{all:?}").contains("planted"), "{all:#?}");
    let expected = [
        "CREATE USER | u | AccountService/CreateUser u: comment = 'it''s', password = '******'",
        "ALTER USER | u | AccountService/UpdateUser users/u: locked = true",
        "ALTER USER | u | AccountService/UpdateUser users/u: locked = false",
        "ALTER USER | u | AccountService/UpdateUser users/u: password = '******'",
        "CREATE STAGE | lake | StageService/CreateStage lake: url = 's3://bucket/x/', enabled = true, credentials = 3, access_key_id = '******', region = '******', secret_access_key = '******'",
        "ALTER STAGE | lake | StageService/UpdateStage stages/lake: comment = 'wet'",
        "GRANT | READ, WRITE on the stage lake to role r | AccountService/GrantPrivileges roles/r: privileges = 'READ, WRITE', on stage = 'lake'",
        "GRANT ROLE | r to user u | AccountService/GrantRole roles/r: user = 'users/u'",
        "DROP STAGE | lake | StageService/DeleteStage stages/lake: cascade = false",
    ];
    assert_eq!(all, expected);
    door.close().await;
}
