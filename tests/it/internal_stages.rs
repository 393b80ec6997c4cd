//! Internal stages: where their files are, sub-stages of them, and that what is dropped leaves nothing.

use proto::v1;
use proto::v1::sql_service_client::SqlServiceClient;
use tonic::service::interceptor::InterceptedService;

use crate::harness::{Login, ROOT_PASSWORD, Wire, execute, files};
use crate::serve_process::{ServeProcess, connect};

/// Forgets dropped stages at once.
pub(crate) const FORGETFUL: &str = "[retention]\ndropped_stages_days = 0\n";

pub(crate) async fn client(address: &str, login: Login) -> SqlServiceClient<Wire> {
    SqlServiceClient::new(InterceptedService::new(connect(address).await, login))
}

pub(crate) fn as_root() -> Login {
    Login::password("root", ROOT_PASSWORD)
}

/// The answer's first cell, if it has one.
pub(crate) async fn ok(client: &mut SqlServiceClient<Wire>, statement: &str) -> Option<String> {
    let request = v1::ExecuteRequest {
        statement: statement.to_owned(),
        ..Default::default()
    };
    let answer = execute(client, request).await;
    let answer = answer.unwrap_or_else(|status| panic!("{statement}: {}", status.message()));
    answer.rows().into_iter().flatten().next()
}

#[tokio::test(flavor = "multi_thread")]
async fn sub_stages_of_internal_stages_and_what_a_dropped_one_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = ServeProcess::start("version = 1\n", folder.path(), &[]);
    let address = server.address();
    let mut root = client(&address, as_root()).await;
    for statement in [
        "CREATE STAGE inside",
        "CREATE STAGE other",
        "CREATE STAGE sub URL = 'stage://inside/a/b/'",
        "CREATE STAGE deeper URL = 'stage://sub/c'",
        "SELECT 1 AS a INTO OUTFILE 'stage://deeper/x.csv'",
        "SELECT 2 AS a INTO OUTFILE 'stage://inside/a/y.csv'",
        "SELECT 3 AS a INTO OUTFILE 'stage://other/z.csv'",
        "CREATE ACCOUNT acme ADMIN_NAME 'ann' IDENTIFIED BY 'ann''s own'",
    ] {
        ok(&mut root, statement).await;
    }
    let mut ann = client(&address, Login::password("acme#ann", "ann's own")).await;
    ok(&mut ann, "CREATE STAGE inside").await;
    ok(
        &mut ann,
        "SELECT 4 AS a INTO OUTFILE 'stage://inside/w.csv'",
    )
    .await;
    let read = ok(&mut root, "SELECT a FROM 'stage://inside/a/b/c/x.csv'").await;
    assert_eq!(read.as_deref(), Some("1"));
    let stages = folder.path().join("data/stages");
    let all = files(&stages);
    assert_eq!(all[..3], ["1/a/b/c/x.csv", "1/a/y.csv", "2/z.csv"]);
    assert!(
        all[3].starts_with("account-") && all[3].ends_with("/w.csv"),
        "{all:?}"
    );

    // Within the days of grace nothing goes.
    ok(&mut root, "DROP STAGE inside CASCADE").await;
    ok(&mut root, "UNDROP STAGE inside").await;
    let read = ok(&mut root, "SELECT a FROM 'stage://inside/a/y.csv'").await;
    assert_eq!(read.as_deref(), Some("2"));
    ok(&mut root, "DROP STAGE inside").await;
    // An account is gone at once.
    ok(&mut root, "DROP ACCOUNT acme").await;
    server.wait_for("removed the files of dropped internal stages");
    assert_eq!(files(&stages), ["1/a/b/c/x.csv", "1/a/y.csv", "2/z.csv"]);
    server.signal("TERM");
    assert!(server.wait().success());

    let settings = format!("version = 1\n{FORGETFUL}");
    let mut server = ServeProcess::start(&settings, folder.path(), &[]);
    let mut root = client(&server.address(), as_root()).await;
    server.wait_for("removed the files of dropped internal stages");
    assert_eq!(files(&stages), ["2/z.csv"]);
    let undropped = execute(
        &mut root,
        v1::ExecuteRequest {
            statement: "UNDROP STAGE inside".to_owned(),
            ..Default::default()
        },
    )
    .await;
    let error = undropped.unwrap_err();
    assert!(
        error.message().ends_with("the stage inside not exists"),
        "{error}"
    );
}
