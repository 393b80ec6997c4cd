//! VALIDATE STAGE by SQL and by StageService, what is kept of it, and that publication chooses by it.

use std::collections::BTreeMap;

use proto::v1;
use test_servers::{Bare, KEY, SECRET};

use crate::harness::TestServer;

/// Result and detail of each check.
pub(crate) async fn found(server: &TestServer, stage: &str) -> BTreeMap<String, (String, String)> {
    let answer = server.ok(&format!("VALIDATE STAGE {stage}")).await;
    let rows = answer.rows().into_iter();
    rows.map(|row| (row[0].clone(), (row[1].clone(), row[2].clone())))
        .collect()
}

/// The results of some checks.
#[track_caller]
pub(crate) fn assert_results(
    found: &BTreeMap<String, (String, String)>,
    result: &str,
    checks: &[&str],
) {
    for check in checks {
        let of = found
            .get(*check)
            .unwrap_or_else(|| panic!("no {check}: {found:#?}"));
        assert_eq!(of.0, result, "{check}: {found:#?}");
    }
}

async fn described(server: &TestServer, stage: &str, property: &str) -> Option<String> {
    let rows = server.ok(&format!("DESCRIBE STAGE {stage}")).await.rows();
    let of = rows.into_iter().find(|row| row[0] == property);
    of.map(|row| row[1].clone())
}

fn entries(dir: &std::path::Path) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_tried_and_left_as_it_was() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let all = found(&server, "s").await;
    let fine = [
        "open",
        "free_space",
        "write",
        "read",
        "list",
        "conditional_create",
        "overwrite",
        "delete",
        "unnamed_file",
        "rename_no_replace",
        "cleanup",
    ];
    assert_results(&all, "ok", &fine);
    assert_eq!(all.len(), fine.len());
    assert_eq!(entries(&dir), 0);

    // Folders that are not there yet are made by exports, and taken away again here.
    server
        .ok("CREATE STAGE sub URL = 'stage://s/not/there/'")
        .await;
    assert_results(&found(&server, "sub").await, "ok", &fine);
    assert_eq!(entries(&dir), 0);

    server.ok("CREATE STAGE own").await;
    assert_results(&found(&server, "own").await, "ok", &fine);
}

/// That each of several validations at once finds what one alone does, and that nothing is left.
async fn at_once(server: &TestServer, stage: &str) {
    let results = |all: BTreeMap<String, (String, String)>| -> Vec<(String, String)> {
        let of = all.into_iter().map(|(check, (result, _))| (check, result));
        of.collect()
    };
    let alone = results(found(server, stage).await);
    let all = futures::future::join_all([(); 4].map(|()| found(server, stage))).await;
    for one in all {
        let told = format!("{one:#?}");
        assert_eq!(results(one), alone, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn validations_at_once_do_not_disturb_each_other() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    at_once(&server, "s").await;
    assert_eq!(entries(&dir), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_a_finding() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server.ok("CREATE STAGE sub URL = 'stage://s/x/'").await;
    server.ok("ALTER STAGE s SET ENABLE = FALSE").await;
    let all = found(&server, "sub").await;
    assert_results(&all, "warning", &["open"]);
    assert!(all["open"].1.contains("stage 's' is disabled"), "{all:#?}");
    assert_results(&all, "ok", &["write", "cleanup"]);

    std::fs::remove_dir(&dir).unwrap();
    let all = found(&server, "s").await;
    assert_results(&all, "failed", &["open"]);
    server.ok("CREATE STAGE bare URL = 's3://bucket/p/'").await;
    let all = found(&server, "bare").await;
    assert_results(&all, "failed", &["open"]);
    assert!(all["open"].1.contains("without credentials"), "{all:#?}");
    assert_eq!(
        server.error("VALIDATE STAGE nope").await,
        "ERROR 20101 (HY000): internal error: the stage nope not exists"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_goes_with_the_place_and_not_with_its_name() {
    let server = TestServer::start().await;
    server.stage("s").await;
    assert_eq!(described(&server, "s", "capabilities").await, None);
    found(&server, "s").await;
    let known = described(&server, "s", "capabilities").await.unwrap();
    assert!(known.contains("conditional_create yes"), "{known}");
    assert_eq!(
        described(&server, "s", "validated_version")
            .await
            .as_deref(),
        Some("1")
    );
    server.ok("ALTER STAGE s SET COMMENT = 'x'").await;
    server.ok("ALTER STAGE s RENAME TO t").await;
    assert_eq!(described(&server, "t", "capabilities").await, Some(known));
    // Another place, of which nothing is known.
    let other = server.dir("other");
    server
        .ok(&format!("ALTER STAGE t SET URL = '{}'", other.display()))
        .await;
    assert_eq!(described(&server, "t", "capabilities").await, None);
    server.ok("ALTER STAGE t ROLLBACK TO VERSION 1").await;
    found(&server, "t").await;
    let audit = server
        .ok("SELECT outcome, reason FROM stagedoor.audit WHERE operation = 'VALIDATE STAGE'")
        .await
        .rows();
    assert_eq!(audit.len(), 2, "{audit:?}");
    assert!(audit[0][1].contains("0 failed"), "{audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stage_service_tells_the_same() {
    let server = TestServer::start().await;
    server.stage("s").await;
    let name = "stages/s".to_owned();
    let request = v1::ValidateStageRequest { name: name.clone() };
    let answer = server.stages().validate_stage(request).await.unwrap();
    let answer = answer.into_inner();
    let write = answer
        .findings
        .iter()
        .find(|finding| finding.check == "write");
    assert_eq!(write.unwrap().result(), v1::FindingResult::Ok);
    let request = v1::GetStageRequest { name, version: 0 };
    let stage = server.stages().get_stage(request).await.unwrap();
    let stage = stage.into_inner().stage.unwrap();
    assert_eq!(stage.capabilities, answer.capabilities);
    let known = stage.capabilities.unwrap();
    assert_eq!(known.facts.get("conditional_create"), Some(&true));
    assert_eq!(known.stage_version, 1);
    assert_eq!(known.checked_by, "sys:root:moadmin");
}

/// A server that may connect to this machine, without transport security.
pub(crate) async fn local_server() -> TestServer {
    TestServer::start_with(|settings| {
        settings.endpoints.allow = vec!["127.0.0.1".to_owned()];
        settings.endpoints.http = true;
    })
    .await
}

fn of_bare(name: &str, bare: &Bare) -> String {
    format!(
        "CREATE STAGE {name} URL = 's3://b/p/' CREDENTIALS = {{'access_key_id' = '{KEY}', 'secret_access_key' = '{SECRET}', 'endpoint' = '{}'}}",
        bare.endpoint()
    )
}

/// Also where nobody knows yet that the store replaces what it was told not to.
#[tokio::test(flavor = "multi_thread")]
async fn of_exports_to_one_name_at_once_one_is_there() {
    let server = local_server().await;
    let bare = Bare::start();
    server.ok(&of_bare("s", &bare)).await;
    for round in 0..8 {
        let statements: Vec<String> = (0..4)
            .map(|at| format!("SELECT {at} AS a INTO OUTFILE 'stage://s/{round}.csv'"))
            .collect();
        let all = statements.iter().map(|statement| server.run(statement));
        let all = futures::future::join_all(all).await;
        let done: Vec<usize> = (0..4).filter(|at| all[*at].is_ok()).collect();
        assert_eq!(done.len(), 1, "{round}: {all:?}");
        for error in all.into_iter().filter_map(Result::err) {
            assert!(error.message().contains("exists"), "{error:?}");
        }
        let read = format!("SELECT a FROM 'stage://s/{round}.csv'");
        assert_eq!(server.ok(&read).await.cell(), done[0].to_string());
    }
}

/// With keys of its own and no word of an endpoint it would otherwise lead to Amazon's bucket of that name, whoever has it.
#[tokio::test(flavor = "multi_thread")]
async fn a_sub_stages_own_keys_are_used_where_its_bucket_is() {
    let server = local_server().await;
    let bare = Bare::start();
    server.ok(&of_bare("s", &bare)).await;
    server
        .ok("CREATE STAGE own URL = 'stage://s/sub/' CREDENTIALS = {'access_key_id' = 'another', 'secret_access_key' = 'k'}")
        .await;
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://own/a.csv'")
        .await;
    let heads = bare.heads();
    let by_it = heads
        .iter()
        .filter(|head| head.contains("Credential=another/"));
    assert!(by_it.count() > 1, "{heads:?}");
    assert_eq!(
        server
            .ok("SELECT a FROM 'stage://s/sub/a.csv'")
            .await
            .cell(),
        "1"
    );
    server
        .ok("CREATE STAGE astray URL = 'stage://s/sub/' CREDENTIALS = {'access_key_id' = 'another', 'secret_access_key' = 'k', 'endpoint' = 'http://127.0.0.1:1'}")
        .await;
    let error = server
        .error("SELECT 1 INTO OUTFILE 'stage://astray/a.csv'")
        .await;
    assert!(
        error.contains("stage 'astray' says another 'endpoint' than stage 's'"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_conditions_is_looked_at_before_publication() {
    let server = local_server().await;
    let bare = Bare::start();
    server
        .ok(&format!(
            "CREATE STAGE s URL = 's3://b/p/' CREDENTIALS = {{'access_key_id' = '{KEY}', 'secret_access_key' = '{SECRET}', 'endpoint' = '{}'}}",
            bare.endpoint()
        ))
        .await;
    let condition = |bare: &Bare| {
        bare.heads()
            .iter()
            .filter(|head| head.to_lowercase().contains("if-none-match"))
            .count()
    };
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://s/unknown.csv'")
        .await;
    assert_eq!(condition(&bare), 1);

    let all = found(&server, "s").await;
    assert_results(
        &all,
        "warning",
        &["tls", "conditional_create", "conditional_write"],
    );
    assert_results(
        &all,
        "ok",
        &[
            "open",
            "connection",
            "credentials",
            "expiry",
            "addressing",
            "write",
            "read",
            "list",
            "multipart",
            "overwrite",
            "abort",
            "delete",
            "cleanup",
        ],
    );
    assert_results(&all, "skipped", &["clock"]);
    assert_eq!(
        bare.objects().into_keys().collect::<Vec<_>>(),
        ["b/p/unknown.csv"]
    );
    assert_eq!(bare.open_uploads(), Vec::<String>::new());

    let before = condition(&bare);
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://s/known.csv' MANIFEST 'true'")
        .await;
    assert_eq!(condition(&bare), before, "a condition was sent");
    let manifest = bare.objects()["b/p/known.csv.manifest.json"].clone();
    assert!(
        manifest.contains("\"publication\": \"checked\""),
        "{manifest}"
    );
    let warnings = server
        .ok("SELECT warnings FROM stagedoor.exports WHERE target LIKE '%known.csv' AND target NOT LIKE '%unknown%'")
        .await;
    assert!(
        warnings.cell().contains("looked at just before"),
        "{warnings:?}"
    );
    let again = server
        .error("SELECT 2 AS a INTO OUTFILE 'stage://s/known.csv'")
        .await;
    assert_eq!(again, "ERROR 20406 (HY000): file known.csv already exists");
    assert_eq!(bare.objects()["b/p/known.csv"], "a\n1\n");
    // A stage within it is in the same store.
    server.ok("CREATE STAGE sub URL = 'stage://s/sub/'").await;
    let before = condition(&bare);
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://sub/x.csv'")
        .await;
    assert_eq!(condition(&bare), before, "a condition was sent");
}

mod real_servers {
    //! Against SeaweedFS and the double of OSS.

    use test_servers::{OssSettings, SECRET};

    use super::{assert_results, at_once, found};
    use crate::real_servers::{Place, server};

    #[tokio::test(flavor = "multi_thread")]
    async fn of_s3() {
        tried(Place::s3(), "validated-s3").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_oss() {
        tried(Place::oss(), "validated-oss").await;
    }

    async fn tried(place: Place, folder: &str) {
        let server = server().await;
        server.ok(&place.create("s", folder)).await;
        let all = found(&server, "s").await;
        assert_results(
            &all,
            "ok",
            &[
                "open",
                "connection",
                "clock",
                "credentials",
                "expiry",
                "addressing",
                "write",
                "read",
                "list",
                "conditional_write",
                "multipart",
                "conditional_create",
                "overwrite",
                "abort",
                "delete",
                "cleanup",
            ],
        );
        // Plain http, in a test.
        assert_results(&all, "warning", &["tls"]);
        at_once(&server, "s").await;
        assert_eq!(place.objects(folder).await, Vec::<String>::new());
        assert_eq!(place.open_uploads(folder).await, Vec::<String>::new());

        let wrong = format!(
            "CREATE STAGE wrong URL = '{}' CREDENTIALS = {}",
            place.url(folder),
            place.credentials("planted-wrong-secret")
        );
        server.ok(&wrong).await;
        let all = found(&server, "wrong").await;
        assert_results(&all, "ok", &["connection"]);
        assert_results(&all, "failed", &["credentials"]);
        assert_results(&all, "skipped", &["write", "multipart", "cleanup"]);
        assert!(!format!("{all:?}").contains("planted"), "{all:#?}");

        let nowhere = place
            .credentials(SECRET)
            .replace(&place.endpoint, "http://127.0.0.1:1");
        server
            .ok(&format!(
                "CREATE STAGE nowhere URL = '{}' CREDENTIALS = {nowhere}",
                place.url(folder).replace("oss://", "s3://")
            ))
            .await;
        let all = found(&server, "nowhere").await;
        assert_results(&all, "failed", &["connection"]);
        assert_results(&all, "skipped", &["clock", "write", "cleanup"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_clock_that_is_off_is_found() {
        let place = Place::oss_with(&OssSettings {
            clock_ahead: 20 * 60,
            ..OssSettings::default()
        });
        let server = server().await;
        server.ok(&place.create("s", "skewed")).await;
        let all = found(&server, "s").await;
        assert_results(&all, "failed", &["credentials"]);
        assert!(
            all["credentials"].1.contains("clock") || all["clock"].0 == "failed",
            "{all:#?}"
        );
    }
}
