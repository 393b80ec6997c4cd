//! The same for who may: accounts with their admins, users, roles, grants and stages' credentials, changed one after another
//! until the server is killed. What was acknowledged is there, and the audit is whole.

use std::time::Duration;

use proto::v1;
use proto::v1::admin_service_client::AdminServiceClient;
use tokio::sync::mpsc;

use super::run;
use crate::harness::{Login, Serving, Wire};

/// Which sets of statements were acknowledged; of each, `told` is told as well.
async fn change(wire: Wire, round: u64, told: mpsc::UnboundedSender<u64>) -> Vec<u64> {
    let mut done = Vec::new();
    for n in 0.. {
        let id = format!("{round}_{n}");
        for statement in [
            format!("CREATE ACCOUNT a_{id} ADMIN_NAME 'ann' IDENTIFIED BY 'a password'"),
            format!("CREATE USER u_{id} IDENTIFIED BY 'a password'"),
            format!("CREATE ROLE r_{id}"),
            format!("GRANT READ ON STAGE kept TO r_{id}"),
            format!("GRANT r_{id} TO u_{id}"),
            format!(
                "ALTER STAGE kept SET CREDENTIALS = {{'access_key_id'='i{id}','secret_access_key'='k{id}'}}"
            ),
        ] {
            match run(wire.clone(), &statement).await {
                Ok(_) => {}
                // The server is gone; a refusal would be a mistake of this test.
                Err(status) if status.code() != tonic::Code::InvalidArgument => return done,
                Err(status) => panic!("{statement}\n{status:?}"),
            }
        }
        done.push(n);
        let _ = told.send(n);
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_user_grant_or_credential_is_lost() {
    let rounds: u64 = std::env::var("STAGEDOOR_CRASH_ROUNDS")
        .map_or(3, |rounds| rounds.parse().expect("a number"));
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut serving = Serving::start(&data);
    let first = "CREATE STAGE kept URL = 's3://bucket/p/' CREDENTIALS = {'access_key_id'='i','secret_access_key'='k'}";
    run(serving.connect().await, first).await.unwrap();
    let mut acknowledged = 0;
    for round in 0..rounds {
        let (told, mut tells) = mpsc::unbounded_channel();
        let changing = tokio::spawn(change(serving.connect().await, round, told));
        // Somewhere behind the first set, however long that takes.
        tells.recv().await.expect("no set was acknowledged");
        tokio::time::sleep(Duration::from_millis(round * 37 % 400)).await;
        serving.kill();
        let done = changing.await.unwrap();
        serving = Serving::start(&data);
        let wire = serving.connect().await;
        let users = run(wire.clone(), "SHOW USERS").await.unwrap().rows();
        let accounts = run(wire.clone(), "SHOW ACCOUNTS").await.unwrap().rows();
        let versions = run(wire.clone(), "SHOW STAGE HISTORY kept").await.unwrap();
        acknowledged += done.len();
        assert!(
            versions.rows().len() > acknowledged,
            "a version of the stage is gone"
        );
        for n in done {
            let account = format!("a_{round}_{n}");
            assert!(
                accounts.iter().any(|row| row.contains(&account)),
                "{account} is gone"
            );
            let admin = Login::password(&format!("{account}#ann"), "a password");
            let admin = serving.connect_as(admin).await;
            let own = run(admin, "SHOW USERS").await.unwrap().rows();
            assert!(
                own.iter().any(|row| row.contains(&"ann".to_owned())),
                "the admin of {account} is none: {own:?}"
            );
            let user = format!("u_{round}_{n}");
            assert!(
                users.iter().any(|row| row.contains(&user)),
                "{user} is gone"
            );
            let grants = run(wire.clone(), &format!("SHOW GRANTS FOR ROLE r_{round}_{n}"))
                .await
                .unwrap();
            assert!(
                !grants.rows().is_empty(),
                "the grant of r_{round}_{n} is gone"
            );
        }
        let check = AdminServiceClient::new(wire)
            .verify_audit(v1::VerifyAuditRequest {})
            .await
            .unwrap()
            .into_inner();
        assert_eq!((check.bad, check.why.as_str()), (0, ""), "{check:?}");
    }
    println!(
        "{rounds} rounds: {acknowledged} sets of user, role, grants and credentials acknowledged"
    );
    assert!(acknowledged > 0);
}
