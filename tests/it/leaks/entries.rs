//! Every way in that a secret can take, with a secret in each.

use std::path::Path;

use proto::v1;
use tonic::metadata::MetadataValue;

use super::{Caller, PUBLIC};
use crate::harness::Login;
use tonic::service::interceptor::InterceptedService;

/// Credentials of stages and of one export: as literals, by parameter, over StageService.
pub(super) async fn stages(caller: &mut Caller, out: &Path) {
    let (id, key) = (caller.plant("create-id"), caller.plant("create-key"));
    caller
        .done(
            &format!(
                "CREATE STAGE literal URL = 's3://bucket/{PUBLIC}/' CREDENTIALS = {{'AWS_KEY_ID'='{id}','AWS_SECRET_KEY'='{key}','region'='eu-west-1'}} COMMENT = '{PUBLIC}'"
            ),
            &[],
        )
        .await;
    let (id, key) = (caller.plant("alter-id"), caller.plant("alter-key"));
    caller
        .done(
            &format!("ALTER STAGE literal SET CREDENTIALS = {{'access_key_id'='{id}','secret_access_key'='{key}'}}"),
            &[],
        )
        .await;
    let (one, two) = (caller.plant("position"), caller.plant("name"));
    caller
        .done(
            "CREATE STAGE parameters URL = 's3://bucket/p/' CREDENTIALS = {'AWS_KEY_ID'=?,'AWS_SECRET_KEY'=?}",
            &[("1", &one), ("2", &two)],
        )
        .await;
    let (one, two) = (caller.plant("service-id"), caller.plant("service-key"));
    let mut stage = v1::Stage {
        url: format!("s3://bucket/{PUBLIC}/"),
        comment: PUBLIC.to_owned(),
        credentials: [("aws_key_id", one), ("aws_secret_key", two)]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        ..Default::default()
    };
    let request = v1::CreateStageRequest {
        stage_id: "service".to_owned(),
        stage: Some(stage.clone()),
        request_id: uuid(1),
        ..Default::default()
    };
    let created = caller.stages().create_stage(request).await;
    assert!(created.is_ok(), "{created:?}");
    caller.called("CreateStage", created);
    let (one, two) = (caller.plant("update-id"), caller.plant("update-key"));
    stage.name = "stages/service".to_owned();
    stage.credentials = [("access_key_id", one), ("secret_access_key", two)]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
    let request = v1::UpdateStageRequest {
        stage: Some(stage.clone()),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["credentials".to_owned()],
        }),
        request_id: uuid(2),
        ..Default::default()
    };
    let updated = caller.stages().update_stage(request).await;
    assert!(updated.is_ok(), "{updated:?}");
    caller.called("UpdateStage", updated);
    // Name and value mistaken for one another.
    let swapped = caller.plant("swapped");
    stage.credentials = [(swapped, "aws_secret_key".to_owned())].into();
    let request = v1::CreateStageRequest {
        stage_id: "swapped".to_owned(),
        stage: Some(stage.clone()),
        ..Default::default()
    };
    let created = caller.stages().create_stage(request).await;
    assert!(created.is_err(), "{created:?}");
    caller.called("CreateStage with name and value swapped", created);
    let in_url = caller.plant("service-url");
    stage.credentials.clear();
    stage.url = format!("s3://KEY:{in_url}@bucket/p/");
    let request = v1::CreateStageRequest {
        stage_id: "in_url".to_owned(),
        stage: Some(stage),
        ..Default::default()
    };
    let created = caller.stages().create_stage(request).await;
    assert!(created.is_err(), "{created:?}");
    caller.called("CreateStage with user-info", created);

    // Refused for what is missing, and then because nobody listens there.
    let key = caller.plant("export");
    caller
        .fails(&format!(
            "SELECT 1 INTO OUTFILE 's3://bucket/k.csv' CREDENTIALS = {{'secret_access_key'='{key}'}}"
        ))
        .await;
    let (id, key) = (caller.plant("raw-id"), caller.plant("raw-key"));
    caller
        .fails(&format!(
            "SELECT 1 INTO OUTFILE 's3://bucket/k.csv' CREDENTIALS = {{'access_key_id'='{id}','secret_access_key'='{key}','endpoint'='https://169.254.169.254'}}"
        ))
        .await;
    caller
        .done(
            &format!(
                "CREATE STAGE folder URL = '{}' COMMENT = '{PUBLIC}'",
                out.display()
            ),
            &[],
        )
        .await;
    caller
        .done(
            &format!("SELECT 1 AS one INTO OUTFILE 'stage://folder/{PUBLIC}.csv' MANIFEST 'true'"),
            &[],
        )
        .await;
    caller
        .done("CREATE TABLE t (id bigint, name text)", &[])
        .await;
    caller.done("INSERT INTO t VALUES (1, 'a')", &[]).await;
}

/// Passwords of accounts and users, as literals, by parameter and over AccountService.
pub(super) async fn passwords(caller: &mut Caller) {
    let account = caller.plant("create-account");
    caller
        .done(
            &format!("CREATE ACCOUNT tenant ADMIN_NAME 'root' IDENTIFIED BY '{account}'"),
            &[],
        )
        .await;
    let altered = caller.plant("alter-account");
    caller
        .done(
            &format!("ALTER ACCOUNT tenant ADMIN_NAME 'root' IDENTIFIED BY '{altered}'"),
            &[],
        )
        .await;
    let created = caller.plant("create-user");
    caller
        .done(&format!("CREATE USER u IDENTIFIED BY '{created}'"), &[])
        .await;
    let parameter = caller.plant("user-by-parameter");
    caller
        .done("CREATE USER v IDENTIFIED BY ?", &[("1", &parameter)])
        .await;
    let altered = caller.plant("alter-user");
    caller
        .done(&format!("ALTER USER u IDENTIFIED BY '{altered}'"), &[])
        .await;
    let own = caller.plant("set-password");
    let user = caller.logged_in("u", &altered);
    let statement = format!("SET PASSWORD = '{own}'");
    let set = caller.run(&user, &statement, &[]).await;
    assert!(set.is_ok(), "{set:?}");
    let admin_password = caller.plant("service-account");
    let wire = caller.wire.clone();
    let made = caller
        .accounts(&wire)
        .create_account(v1::CreateAccountRequest {
            account_id: "served".to_owned(),
            account: Some(v1::Account {
                admin_name: "root".to_owned(),
                ..Default::default()
            }),
            admin_password,
            ..Default::default()
        })
        .await;
    assert!(made.is_ok(), "{made:?}");
    caller.called("CreateAccount", made);
    let password = caller.plant("service-user");
    let made = caller
        .accounts(&wire)
        .create_user(v1::CreateUserRequest {
            user_id: "w".to_owned(),
            user: Some(v1::User::default()),
            password,
            ..Default::default()
        })
        .await;
    assert!(made.is_ok(), "{made:?}");
    caller.called("CreateUser", made);
    let password = caller.plant("service-user-update");
    let made = caller
        .accounts(&wire)
        .update_user(v1::UpdateUserRequest {
            user: Some(v1::User {
                name: "users/w".to_owned(),
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["password".to_owned()],
            }),
            password,
            ..Default::default()
        })
        .await;
    assert!(made.is_ok(), "{made:?}");
    caller.called("UpdateUser", made);
}

/// Right and wrong passwords and tokens in `authorization`, and headers that are none.
pub(super) async fn logins(caller: &mut Caller) {
    let wrong = caller.plant("wrong-password");
    let wire = caller.logged_in("u", &wrong);
    let refused = caller.run(&wire, "SELECT 1", &[]).await.unwrap_err();
    caller.refused("a wrong password", &refused);
    let nobody = caller.plant("password-of-nobody");
    let wire = caller.logged_in("nowhere#nobody", &nobody);
    let refused = caller.run(&wire, "SELECT 1", &[]).await.unwrap_err();
    caller.refused("an unknown user", &refused);

    let wire = caller.wire.clone();
    let login = v1::LoginRequest {
        label: PUBLIC.to_owned(),
        ..Default::default()
    };
    // Its own answer is the one that may have the token.
    let login = caller.accounts(&wire).login(login).await.unwrap();
    let token = login.into_inner().token;
    caller.note("Login's token", &token);
    let sql = "CREATE TOKEN 'made' EXPIRES IN 1 HOUR";
    let made = caller.run(&wire, sql, &[]).await.unwrap();
    let made = made.rows()[0][1].clone();
    caller.note("CREATE TOKEN's token", &made);
    let foreign = caller.plant("token-of-nobody");
    for (what, header, works) in [
        ("a token", format!("Bearer {token}"), true),
        ("another token", format!("Bearer {made}"), true),
        ("an unknown token", format!("Bearer {foreign}"), false),
        ("no scheme", foreign.clone(), false),
        ("another scheme", format!("Digest {foreign}"), false),
        ("no base64", format!("Basic {foreign}"), false),
    ] {
        let value: MetadataValue<_> = header.parse().unwrap();
        let wire = InterceptedService::new(caller.channel.clone(), Login::header(value));
        match caller.run(&wire, "SELECT 1", &[]).await {
            Ok(_) => assert!(works, "{what}"),
            Err(status) => {
                assert!(!works, "{what}: {status:?}");
                caller.refused(what, &status);
            }
        }
    }
}

/// Links, whose URL is a key: made, followed, changed and followed.
pub(super) async fn links(caller: &mut Caller, out: &Path) {
    std::fs::write(out.join("linked.csv"), PUBLIC).unwrap();
    let create = format!("CREATE STAGE linked URL = '{}'", out.display());
    caller.done(&create, &[]).await;
    let wire = caller.wire.clone();
    // Its own answer is the one that may have the link.
    let sql = "PRESIGN 'stage://linked/linked.csv'";
    let made = caller.run(&wire, sql, &[]).await.unwrap();
    let url = made.rows()[0][1].clone();
    let signed = url.split('/').nth(4).unwrap();
    let (_, signature) = signed.split_once('.').unwrap();
    caller.note("a link's signature", signature);
    let got = test_servers::fetch("GET", &url, &[], b"");
    assert_eq!((got.status, got.body), (200, PUBLIC.as_bytes().to_vec()));
    for wrong in [
        url.replace("/files/", "/files/x"),
        url.replace("/files/", "/others/"),
    ] {
        let refused = test_servers::fetch("GET", &wrong, &[], b"");
        assert_ne!(refused.status, 200);
        caller.answered("a changed link", &String::from_utf8_lossy(&refused.body));
    }
}

/// Statements that do not parse, or fail when they run; the secret in each is another one.
pub(super) async fn mistakes(caller: &mut Caller) {
    for (what, statement) in [
        (
            "unknown-key",
            "CREATE STAGE x URL='s3://b' CREDENTIALS={'NO_KEY'='@'}",
        ),
        (
            "misspelt",
            "CREATE STAGE x URL='s3://b' CREDENTAILS={'AWS_SECRET_KEY'='@'}",
        ),
        (
            "unclosed",
            "CREATE STAGE x URL='s3://b' CREDENTIALS={'AWS_SECRET_KEY'='@}",
        ),
        (
            "swapped-in-sql",
            "CREATE STAGE x URL='s3://b' CREDENTIALS={'@'='AWS_SECRET_KEY'}",
        ),
        ("user-info", "CREATE STAGE x URL='s3://KEY:@@bucket/p/'"),
        (
            "user-info-https",
            "CREATE STAGE x URL='https://KEY:@@bucket/p/'",
        ),
        (
            "user-info-target",
            "SELECT 1 INTO OUTFILE 's3://KEY:@@bucket/k.csv'",
        ),
        (
            "user-info-table",
            "CREATE EXTERNAL TABLE x INFILE {'filepath'='s3://KEY:@@bucket/p'}",
        ),
        ("identified", "CREATE USER x IDENTIFIED '@'"),
        ("user-exists", "CREATE USER u IDENTIFIED BY '@'"),
        (
            "stage-exists",
            "CREATE STAGE literal URL='s3://b/p/' CREDENTIALS={'AWS_KEY_ID'='@','AWS_SECRET_KEY'='@'}",
        ),
        (
            "stage-missing",
            "ALTER STAGE nosuch SET CREDENTIALS={'AWS_KEY_ID'='@','AWS_SECRET_KEY'='@'}",
        ),
        (
            "one-option",
            "ALTER STAGE literal SET COMMENT='c' CREDENTIALS={'AWS_KEY_ID'='@'}",
        ),
        ("password-for", "SET PASSWORD FOR u = '@'"),
        ("unknown-variable", "SET aws_secret_key = '@'"),
        ("unknown-user-variable", "SET @pasword = '@'"),
        ("wrong-value", "SET max_execution_time = '@'"),
        (
            "account-exists",
            "CREATE ACCOUNT tenant ADMIN_NAME 'root' IDENTIFIED BY '@'",
        ),
    ] {
        let secret = caller.plant(what);
        caller.fails(&with_secret(statement, &secret)).await;
    }
    let bare = "Pl4ntedBarePassword";
    caller.note("a password without quotes", bare);
    caller
        .fails(&format!("ALTER USER u IDENTIFIED BY {bare}"))
        .await;
    let long = caller.plant("too-long");
    let padding = "x".repeat(20_000);
    caller
        .fails(&format!(
            "CREATE USER x IDENTIFIED BY '{long}' COMMENT '{padding}'"
        ))
        .await;
    let long = caller.plant("too-long-password");
    let padding = "x".repeat(2_000);
    caller
        .fails(&format!("CREATE USER x IDENTIFIED BY '{long}{padding}'"))
        .await;
    // The same words in what is public: the search finds them in a refusal.
    caller
        .fails(&format!("CREATE STAGE `{PUBLIC}` URL = '{PUBLIC}://x'"))
        .await;
}

/// The statement with the secret for `@` where that is not MySQL's sign of a variable or of user-info.
fn with_secret(statement: &str, secret: &str) -> String {
    let with = statement.replace("KEY:@@", &format!("KEY:{secret}@"));
    with.replace("'@", &format!("'{secret}"))
}

fn uuid(last: u8) -> String {
    format!("018f0000-0000-7000-8000-0000000000{last:02}")
}
