//! Stages by SQL and by StageService: versions, history, exact messages, optimistic locking.

use proto::v1;
use tonic::Code;
use tonic_types::StatusExt;

use crate::harness::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn ddl_answers_with_the_documented_texts() {
    let server = TestServer::start().await;
    let dir = server.dir("out");
    let url = dir.display();
    server
        .ok(&format!("CREATE STAGE S1 URL = '{url}' COMMENT = 'it''s'"))
        .await;
    for (statement, error) in [
        (
            format!("CREATE STAGE s1 URL = '{url}'"),
            "ERROR 20101 (HY000): internal error: the stage s1 exists",
        ),
        (
            "ALTER STAGE nope SET ENABLE = TRUE".to_owned(),
            "ERROR 20101 (HY000): internal error: the stage nope not exists",
        ),
        (
            "DROP STAGE nope".to_owned(),
            "ERROR 20101 (HY000): internal error: the stage nope not exists",
        ),
        (
            "ALTER STAGE s1 SET ENABLE = TRUE COMMENT = 'x'".to_owned(),
            "ERROR 20101 (HY000): internal error: at most one option at a time",
        ),
        (
            "ALTER STAGE s1 SET".to_owned(),
            "ERROR 20101 (HY000): internal error: at least one option at a time",
        ),
        (
            "DESCRIBE STAGE nope".to_owned(),
            "ERROR 20101 (HY000): internal error: the stage nope not exists",
        ),
    ] {
        assert_eq!(server.error(&statement).await, error, "{statement}");
    }
    let bad = server.error("CREATE STAGE s2 URL = 'http://x/y'").await;
    assert!(
        bad.starts_with(
            "ERROR 20300 (HY000): invalid configuration: URL protocol only supports stage://, s3://"
        ),
        "{bad}"
    );
    // Existence is decided before the URL is looked at.
    server
        .ok("CREATE STAGE IF NOT EXISTS s1 URL = 'http://x/y'")
        .await;
    server.ok("DROP STAGE IF EXISTS nope").await;
    let rows = server.ok("SHOW STAGES LIKE 's%'").await.rows();
    assert_eq!(rows, [["s1", &url.to_string(), "ENABLED", "it's"]]);
    assert_eq!(server.ok("SHOW STAGES LIKE 'x%'").await.rows().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sees_that_a_key_was_changed() {
    let server = TestServer::start().await;
    let create = "CREATE STAGE s URL = 's3://bucket/x' CREDENTIALS = {'access_key_id' = 'AKID', 'secret_access_key' = 'one', 'region' = 'eu-west-1'}";
    server.ok(create).await;
    let alter = "ALTER STAGE s SET CREDENTIALS = {'access_key_id' = 'AKID', 'secret_access_key' = 'two', 'region' = 'eu-west-1'}";
    server.ok(alter).await;
    for statement in [
        "SHOW STAGE HISTORY s",
        "SELECT version, credentials FROM stagedoor.stage_versions ORDER BY version",
    ] {
        let shown: Vec<String> = server
            .ok(statement)
            .await
            .rows()
            .into_iter()
            .map(|row| row.last().unwrap().clone())
            .collect();
        assert_ne!(shown[0], shown[1], "{statement}");
        for shown in shown {
            assert!(shown.contains("region=eu-west-1"), "{shown}");
            assert!(shown.contains("=*** (fingerprint "), "{shown}");
        }
    }
    let live = server.ok("SELECT credentials FROM stagedoor.stages").await;
    assert!(live.cell().contains("fingerprint"), "{}", live.cell());
}

#[tokio::test(flavor = "multi_thread")]
async fn like_chooses_stages_as_sql_does() {
    let server = TestServer::start().await;
    for name in ["abc", "abd", "a_c", "zabc"] {
        server.stage(name).await;
    }
    for (pattern, names) in [
        ("ab%", vec!["abc", "abd"]),
        ("AB_", vec!["abc", "abd"]),
        ("%bc", vec!["abc", "zabc"]),
        ("a_c", vec!["a_c", "abc"]),
        (r"a\\_c", vec!["a_c"]),
        ("none", vec![]),
    ] {
        let rows = server
            .ok(&format!("SHOW STAGES LIKE '{pattern}'"))
            .await
            .rows();
        let shown: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(shown, names, "{pattern}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_is_kept_and_can_come_back() {
    let server = TestServer::start().await;
    server.stage("s").await;
    server.ok("ALTER STAGE s SET COMMENT = 'two'").await;
    server.ok("ALTER STAGE s SET ENABLE = FALSE").await;
    server.ok("ALTER STAGE s ROLLBACK TO VERSION 2").await;
    let history: Vec<(String, String, String)> = server
        .ok("SHOW STAGE HISTORY s")
        .await
        .rows()
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone(), row[5].clone()))
        .collect();
    let versions: Vec<&str> = history
        .iter()
        .map(|(version, _, _)| version.as_str())
        .collect();
    assert!(
        versions == ["1", "2", "3", "4"] || versions == ["4", "3", "2", "1"],
        "{history:?}"
    );
    assert_eq!(
        server.ok("SHOW STAGES").await.rows()[0][2..],
        ["ENABLED", "two"]
    );
    server.ok("DROP STAGE s").await;
    assert_eq!(server.ok("SHOW STAGES").await.rows().len(), 0);
    server.ok("UNDROP STAGE s").await;
    server.ok("ALTER STAGE s RENAME TO s9").await;
    assert_eq!(server.ok("SHOW STAGES").await.rows()[0][0], "s9");
    assert_eq!(
        server
            .ok("SELECT max(version) FROM stagedoor.stage_versions")
            .await
            .cell(),
        "7"
    );
    assert_eq!(
        server
            .ok("SELECT stage_status FROM mo_catalog.mo_stages")
            .await
            .cell(),
        "enabled"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sub_stages_are_followed_and_protected() {
    let server = TestServer::start().await;
    let dir = server.stage("parent").await;
    server
        .ok("CREATE STAGE sub URL = 'stage://parent/below/'")
        .await;
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://sub/x.csv'")
        .await;
    assert_eq!(
        std::fs::read_to_string(dir.join("below/x.csv")).unwrap(),
        "a\n1\n"
    );
    let error = server.error("DROP STAGE parent").await;
    assert!(error.contains("sub"), "{error}");
    let error = server
        .error("ALTER STAGE parent SET URL = 'stage://sub/'")
        .await;
    assert!(error.contains("parent") && error.contains("sub"), "{error}");
    server.ok("ALTER STAGE parent SET ENABLE = FALSE").await;
    assert_eq!(
        server
            .error("SELECT 1 INTO OUTFILE 'stage://sub/y.csv'")
            .await,
        "ERROR 20101 (HY000): internal error: stage 'parent' is invalid, please check"
    );
}

/// As it was given, but for the name of a parent stage, which is folded as every stage's is.
#[tokio::test(flavor = "multi_thread")]
async fn a_url_is_shown_as_it_was_given() {
    let server = TestServer::start().await;
    let dir = server.dir("out");
    let dir = dir.display();
    for (name, given, shown) in [
        ("a", format!("file://{dir}/"), format!("file://{dir}/")),
        ("b", format!("{dir}//"), format!("{dir}//")),
        (
            "c",
            "stage://A/Below/".to_owned(),
            "stage://a/Below/".to_owned(),
        ),
        ("d", "stage://A".to_owned(), "stage://a".to_owned()),
    ] {
        server
            .ok(&format!("CREATE STAGE {name} URL = '{given}'"))
            .await;
        let rows = server
            .ok(&format!("SHOW STAGES LIKE '{name}'"))
            .await
            .rows();
        assert_eq!(rows[0][1], shown);
        server
            .ok(&format!(
                "SELECT 1 AS a INTO OUTFILE 'stage://{name}/{name}.csv'"
            ))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_round_through_proc_is_refused() {
    let server = TestServer::start().await;
    let dir = server.dir("out");
    for url in [
        format!("/proc/self/root{}", dir.display()),
        "file:///proc/self/cwd".to_owned(),
    ] {
        let error = server.error(&format!("CREATE STAGE p URL = '{url}'")).await;
        assert!(error.contains("is not permitted"), "{error}");
    }
}

/// An endpoint that nobody wrote is under the operator's rule, too, and before the stage is used.
#[tokio::test(flavor = "multi_thread")]
async fn the_endpoint_of_a_region_is_permitted_or_refused_at_once() {
    let server = TestServer::start_with(|settings| {
        settings.endpoints.allow = vec!["*.s3.eu-west-1.amazonaws.com".to_owned()];
    })
    .await;
    let create = |url: &str, region: &str| {
        format!(
            "CREATE STAGE d URL = '{url}' CREDENTIALS = {{'access_key_id' = 'k', 'secret_access_key' = 's', 'region' = '{region}'}}"
        )
    };
    for (url, region, host) in [
        ("s3://b/p/", "us-west-2", "b.s3.us-west-2.amazonaws.com"),
        (
            "oss://b/p/",
            "cn-hangzhou",
            "b.oss-cn-hangzhou.aliyuncs.com",
        ),
    ] {
        let refused = server.error(&create(url, region)).await;
        let is_told = refused.contains(host) && refused.contains("endpoints.allow");
        assert!(is_told, "{refused}");
    }
    server.ok(&create("s3://b/p/", "eu-west-1")).await;
    let refused = server
        .error("ALTER STAGE d SET CREDENTIALS = {'access_key_id' = 'k', 'secret_access_key' = 's', 'region' = 'us-west-2'}")
        .await;
    assert!(refused.contains("endpoints.allow"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_kept_sealed() {
    let server = TestServer::start().await;
    for statement in [
        "CREATE STAGE a URL = 's3://bucket/x' CREDENTIALS = {'aws_key_id' = 'AKIAPLANTED', 'aws_secret_key' = 'PLANTEDSECRET', 'region' = 'eu'}",
        "CREATE STAGE b URL = \"endpoint\"='s3.us-west-2.amazonaws.com/b/p' CREDENTIALS = {\"access_key_id\"='AKIAPLANTED', \"secret_access_key\"='PLANTEDSECRET'}",
        "CREATE STAGE c URL = \"endpoint\"='oss-cn-hangzhou.aliyuncs.com/b'",
    ] {
        server.ok(statement).await;
    }
    let shown = server.ok("DESCRIBE STAGE a").await.rows();
    let value = |name: &str| {
        let row = shown.iter().find(|row| row[0] == name).unwrap();
        row[1].clone()
    };
    assert_eq!(value("credential region"), "eu");
    let fingerprint = value("credential secret_access_key");
    assert!(
        fingerprint.starts_with("*** (fingerprint "),
        "{fingerprint}"
    );
    server
        .ok("ALTER STAGE a SET CREDENTIALS = {'aws_key_id' = 'AKIAPLANTED', 'aws_secret_key' = 'PLANTEDOTHER'}")
        .await;
    let other = server.ok("DESCRIBE STAGE a").await.rows();
    assert!(!other.iter().any(|row| row[1] == fingerprint), "{other:?}");
    assert_eq!(
        server.ok("SHOW STAGES LIKE 'b'").await.rows()[0][1],
        "s3.us-west-2.amazonaws.com/b/p"
    );
    let error = server
        .error("SELECT 1 INTO OUTFILE 'stage://c/f.csv'")
        .await;
    assert!(error.contains("without credentials"), "{error}");
    // Both keys, or none: the server's own are never used.
    let error = server
        .error("ALTER STAGE a SET CREDENTIALS = {'aws_secret_key' = 'PLANTEDOTHER'}")
        .await;
    assert!(error.contains("'access_key_id' is missing"), "{error}");
    let refused = server
        .error("CREATE STAGE d URL = \"endpoint\"='169.254.169.254/b' CREDENTIALS = {'provider' = 'minio', 'aws_secret_key' = 'PLANTEDSECRET'}")
        .await;
    assert!(refused.contains("endpoints.allow"), "{refused}");
    let error = server.error("CREATE STAGE s URL = 's3://b/x' CREDENTIALS = {'aws_secret_key' = 'PLANTEDSECRET', 'nope' = 'PLANTED2'}").await;
    assert!(
        error.contains("1064") && !error.contains("PLANTED"),
        "{error}"
    );
    for file in crate::harness::files(server.folder.path()) {
        let bytes = std::fs::read(server.folder.path().join(&file)).unwrap();
        assert!(
            !bytes.windows(7).any(|window| window == b"PLANTED"),
            "{file}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stage_service_does_what_the_statements_do() {
    let server = TestServer::start().await;
    let mut stages = server.stages();
    let url = format!("file://{}", server.dir("out").display());
    let stage = v1::Stage {
        url: url.clone(),
        enabled: Some(true),
        comment: "one".to_owned(),
        ..Default::default()
    };
    let create = v1::CreateStageRequest {
        stage_id: "s".to_owned(),
        stage: Some(stage),
        ..Default::default()
    };
    let created = stages
        .create_stage(create.clone())
        .await
        .unwrap()
        .into_inner()
        .stage
        .unwrap();
    assert_eq!(
        (created.name.as_str(), created.version, created.url.as_str()),
        ("stages/s", 1, url.as_str())
    );
    let exists = stages.create_stage(create).await.unwrap_err();
    assert_eq!(
        (
            exists.code(),
            exists.get_details_error_info().unwrap().reason.as_str()
        ),
        (Code::AlreadyExists, "STAGE_EXISTS")
    );

    let update = |etag: &str, comment: &str| v1::UpdateStageRequest {
        stage: Some(v1::Stage {
            name: "stages/s".to_owned(),
            etag: etag.to_owned(),
            comment: comment.to_owned(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["comment".to_owned()],
        }),
        ..Default::default()
    };
    let changed = stages
        .update_stage(update(&created.etag, "two"))
        .await
        .unwrap()
        .into_inner()
        .stage
        .unwrap();
    assert_eq!((changed.version, changed.comment.as_str()), (2, "two"));
    let stale = stages
        .update_stage(update(&created.etag, "three"))
        .await
        .unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    let get = v1::GetStageRequest {
        name: "stages/s".to_owned(),
        version: 1,
    };
    assert_eq!(
        stages
            .get_stage(get)
            .await
            .unwrap()
            .into_inner()
            .stage
            .unwrap()
            .comment,
        "one"
    );
    let rollback = v1::RollbackStageRequest {
        name: "stages/s".to_owned(),
        version: 1,
        etag: changed.etag,
        ..Default::default()
    };
    assert_eq!(
        stages
            .rollback_stage(rollback)
            .await
            .unwrap()
            .into_inner()
            .stage
            .unwrap()
            .version,
        3
    );
    stages
        .delete_stage(v1::DeleteStageRequest {
            name: "stages/s".to_owned(),
            etag: String::new(),
            ..Default::default()
        })
        .await
        .unwrap();
    let missing = stages
        .get_stage(v1::GetStageRequest {
            name: "stages/s".to_owned(),
            version: 0,
        })
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    stages
        .undelete_stage(v1::UndeleteStageRequest {
            name: "stages/s".to_owned(),
            ..Default::default()
        })
        .await
        .unwrap();
    let versions = stages
        .list_stage_versions(v1::ListStageVersionsRequest {
            name: "stages/s".to_owned(),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner()
        .versions;
    assert_eq!(
        versions
            .iter()
            .map(|version| version.version)
            .collect::<Vec<_>>(),
        [5, 4, 3, 2, 1]
    );

    for n in 0..5 {
        server.ok(&format!("CREATE STAGE p{n} URL = '/tmp'")).await;
    }
    let mut names = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = stages
            .list_stages(v1::ListStagesRequest {
                page_size: 2,
                page_token,
                ..Default::default()
            })
            .await
            .unwrap()
            .into_inner();
        assert!(page.stages.len() <= 2);
        names.extend(page.stages.into_iter().map(|stage| stage.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(
        names,
        [
            "stages/p0",
            "stages/p1",
            "stages/p2",
            "stages/p3",
            "stages/p4",
            "stages/s"
        ]
    );
    let bad = stages
        .get_stage(v1::GetStageRequest {
            name: "s".to_owned(),
            version: 0,
        })
        .await
        .unwrap_err();
    assert_eq!(bad.code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_creation_has_one_winner() {
    let server = TestServer::start().await;
    let attempts = (0..8).map(|_| {
        let mut sql = server.sql();
        let request = v1::ExecuteRequest {
            session_id: String::new(),
            statement: "CREATE STAGE s URL = '/tmp'".to_owned(),
            ..Default::default()
        };
        async move { crate::harness::execute(&mut sql, request).await.is_ok() }
    });
    let won = futures::future::join_all(attempts)
        .await
        .into_iter()
        .filter(|won| *won)
        .count();
    assert_eq!(won, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_could_open_nothing_are_refused_at_once() {
    let server = TestServer::start().await;
    for (url, credentials, expected) in [
        (
            "s3://b/p/",
            "'access_key_id' = 'k'",
            "'secret_access_key' is missing",
        ),
        (
            "s3://b/p/",
            "'aws_secret_key' = 's'",
            "'access_key_id' is missing",
        ),
        (
            "s3://b/p/",
            "'region' = 'eu-west-1'",
            "'access_key_id' and 'secret_access_key' are missing",
        ),
        (
            "oss://b/p/",
            "'access_key_id' = 'k', 'secret_access_key' = 's'",
            "needs its 'region'",
        ),
        (
            "s3://b/p/",
            "'access_key_id' = 'k', 'secret_access_key' = 's', 'provider' = 'aliyun'",
            "contradicts the stage's URL",
        ),
        (
            "s3://b/p/",
            "'access_key_id' = 'k', 'secret_access_key' = 's', 'external_id' = 'e'",
            "'external_id' goes with 'aws_role'",
        ),
        (
            "s3://b/p/",
            "'access_key_id' = 'k', 'secret_access_key' = 's', 'sse' = 'rot13'",
            "'sse' is",
        ),
        (
            "s3://b/p/",
            "'access_key_id' = 'k', 'secret_access_key' = 's', 'region' = 'eu-west-1', 'endpoint' = 's3.eu-west-3.amazonaws.com'",
            "leave one of them out",
        ),
    ] {
        let error = server
            .error(&format!(
                "CREATE STAGE s URL = '{url}' CREDENTIALS = {{{credentials}}}"
            ))
            .await;
        assert!(error.starts_with("ERROR 20300"), "{error}");
        assert!(error.contains(expected), "{error}");
    }
    server
        .ok("CREATE STAGE s URL = 's3://b/p/' CREDENTIALS = {'access_key_id' = 'k', 'secret_access_key' = 's'}")
        .await;
    // Keys that stay must fit the URL that comes.
    let error = server.error("ALTER STAGE s SET URL = 'oss://b/p/'").await;
    assert!(error.contains("needs its 'region'"), "{error}");
    let error = server
        .error("ALTER STAGE s SET CREDENTIALS = {'access_key_id' = 'k'}")
        .await;
    assert!(error.contains("'secret_access_key' is missing"), "{error}");
    server.ok("ALTER STAGE s SET URL = 's3://other/p/'").await;
    // None at all: stages within it may have their own.
    server.ok("CREATE STAGE none URL = 's3://b/p/'").await;
    server
        .error("CREATE STAGE sub URL = 'stage://none/x/' CREDENTIALS = {'access_key_id' = 'k'}")
        .await;
    server
        .ok("CREATE STAGE sub URL = 'stage://none/x/' CREDENTIALS = {'access_key_id' = 'k', 'secret_access_key' = 's'}")
        .await;
}
