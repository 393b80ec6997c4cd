//! ListStages with a filter, an order and the dropped ones; UpdateStage with all of a stage.

use proto::v1;
use tonic::Code;

use crate::harness::TestServer;

/// The names of all pages.
async fn listed(server: &TestServer, request: v1::ListStagesRequest) -> Vec<String> {
    let mut names = Vec::new();
    let mut request = v1::ListStagesRequest {
        page_size: 2,
        ..request
    };
    loop {
        let page = server.stages().list_stages(request.clone()).await.unwrap();
        let page = page.into_inner();
        assert!(page.stages.len() <= 2);
        names.extend(page.stages.into_iter().map(|stage| {
            let dropped = if stage.delete_time.is_some() { "-" } else { "" };
            format!("{dropped}{}", stage.name.trim_start_matches("stages/"))
        }));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return names;
        }
    }
}

#[tokio::test]
async fn a_list_has_those_that_are_wanted_in_order() {
    let server = TestServer::start().await;
    for statement in [
        "CREATE STAGE b URL = 'file:///tmp/b' ENABLE = TRUE COMMENT = 'of the day'",
        "CREATE STAGE a URL = 'file:///tmp/a' ENABLE = FALSE",
        "CREATE STAGE internal COMMENT = 'own'",
        "CREATE STAGE c URL = 'file:///tmp/c' ENABLE = TRUE",
        "CREATE STAGE gone URL = 'file:///tmp/gone' ENABLE = TRUE",
        "DROP STAGE gone",
        "CREATE STAGE gone URL = 'file:///tmp/again' ENABLE = FALSE",
        "DROP STAGE gone",
        "ALTER STAGE b SET ENABLE = FALSE",
    ] {
        server.ok(statement).await;
    }
    let filtered = |filter: &str| v1::ListStagesRequest {
        filter: filter.to_owned(),
        ..Default::default()
    };
    for (filter, expected) in [
        ("", vec!["a", "b", "c", "internal"]),
        ("enabled = true AND url = \"/tmp*\"", vec![]),
        ("enabled=true AND url = \"file:///tmp/*\"", vec!["c"]),
        ("enabled = false AND url != \"\"", vec!["a", "b"]),
        ("comment:day", vec!["b"]),
        ("name = \"*tern*\"", vec!["internal"]),
        ("name >= stages/b AND name < stages/d", vec!["b", "c"]),
        (
            "create_time > \"2001-01-01T00:00:00Z\"",
            vec!["a", "b", "c", "internal"],
        ),
        ("update_time < \"2001-01-01T00:00:00+02:00\"", vec![]),
    ] {
        assert_eq!(
            listed(&server, filtered(filter)).await,
            expected,
            "{filter}"
        );
    }
    let ordered = |order_by: &str, show_deleted| v1::ListStagesRequest {
        order_by: order_by.to_owned(),
        show_deleted,
        ..Default::default()
    };
    for (order, dropped, expected) in [
        ("name desc", false, vec!["internal", "c", "b", "a"]),
        ("create_time", false, vec!["b", "a", "internal", "c"]),
        ("update_time desc", false, vec!["b", "c", "internal", "a"]),
        ("", true, vec!["a", "b", "c", "-gone", "-gone", "internal"]),
    ] {
        assert_eq!(
            listed(&server, ordered(order, dropped)).await,
            expected,
            "{order}"
        );
    }
    let only = v1::ListStagesRequest {
        filter: "name = stages/gone AND enabled = true".to_owned(),
        show_deleted: true,
        ..Default::default()
    };
    assert_eq!(listed(&server, only).await, ["-gone"]);

    // What is wrong is said, and a token is of its list alone.
    let wrong = server
        .stages()
        .list_stages(filtered("enabled = maybe"))
        .await;
    let wrong = wrong.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    assert!(wrong.message().contains("at byte 10"), "{wrong:?}");
    let first = v1::ListStagesRequest {
        page_size: 1,
        ..ordered("name desc", false)
    };
    let page = server
        .stages()
        .list_stages(first)
        .await
        .unwrap()
        .into_inner();
    let other = v1::ListStagesRequest {
        page_token: page.next_page_token,
        ..ordered("create_time", false)
    };
    let refused = server.stages().list_stages(other).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
}

/// A stage that was got and is sent back whole loses nothing of what a get cannot show.
#[tokio::test]
async fn a_whole_update_keeps_the_credentials() {
    let server = TestServer::start().await;
    server
        .ok("CREATE STAGE s URL = 's3://bucket/x' CREDENTIALS = {'access_key_id' = 'AKID', 'secret_access_key' = 'one', 'region' = 'eu-west-1'} COMMENT = 'one'")
        .await;
    let get = || async {
        let name = "stages/s".to_owned();
        let request = v1::GetStageRequest { name, version: 0 };
        let got = server.stages().get_stage(request).await.unwrap();
        got.into_inner().stage.unwrap()
    };
    let got = get().await;
    assert_eq!(got.credential_info.len(), 3, "{:?}", got.credential_info);
    let update = |stage: v1::Stage, path: &str| v1::UpdateStageRequest {
        stage: Some(stage),
        update_mask: Some(prost_types::FieldMask {
            paths: vec![path.to_owned()],
        }),
        ..Default::default()
    };
    let whole = v1::Stage {
        comment: String::new(),
        ..got.clone()
    };
    server
        .stages()
        .update_stage(update(whole, "*"))
        .await
        .unwrap();
    let kept = get().await;
    assert_eq!(kept.credential_info, got.credential_info);
    assert_eq!((kept.comment.as_str(), &kept.url), ("", &got.url));
    // Who names them says what they are to be.
    let named = v1::Stage {
        credentials: Default::default(),
        ..kept
    };
    server
        .stages()
        .update_stage(update(named, "credentials"))
        .await
        .unwrap();
    assert!(get().await.credential_info.is_empty());
}
