//! What is seen and owned: stages that one has no privilege on are not there, and who makes something owns it.

use proto::v1;

use super::{Caller, Door, REFUSED, reason, refusal};

async fn first_cells(caller: &Caller, statement: &str) -> Vec<String> {
    let rows = caller.rows(statement).await;
    rows.into_iter().map(|row| row[0].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_without_any_privilege_on_it_is_not_there() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    for statement in [
        "CREATE STAGE a",
        "CREATE STAGE b",
        "CREATE STAGE c",
        "CREATE STAGE d",
        "REVOKE READ, WRITE ON STAGE b FROM public",
        "REVOKE READ, WRITE ON STAGE c FROM public",
        "REVOKE WRITE ON STAGE d FROM public",
        "CREATE ROLE r, everywhere",
        "GRANT WRITE ON STAGE c TO r",
        "GRANT READ ON STAGE * TO everywhere",
        "CREATE USER u IDENTIFIED BY 'pw' DEFAULT ROLE r",
        "GRANT everywhere TO USER u",
    ] {
        admin.ok(statement).await;
    }
    let lists = [
        "SHOW STAGES",
        "SELECT stage_name FROM stagedoor.stages ORDER BY stage_name",
        "SELECT stage_name FROM mo_catalog.mo_stages ORDER BY stage_name",
    ];
    let user = door.login("t1#u", "pw").await;
    let public = door.login("t1#u#public", "pw").await;
    let everywhere = door.login("t1#u#everywhere", "pw").await;
    for (caller, expected) in [
        (&admin, &["a", "b", "c", "d"][..]),
        (&everywhere, &["a", "b", "c", "d"]),
        (&user, &["a", "c", "d"]),
        (&public, &["a", "d"]),
    ] {
        for list in lists {
            assert_eq!(first_cells(caller, list).await, expected, "{list}");
        }
        // What is not seen makes no page shorter, and no page more.
        let mut paged = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = v1::ListStagesRequest {
                page_size: 1,
                page_token,
                ..Default::default()
            };
            let answer = caller.stages().list_stages(caller.request(request)).await;
            let answer = answer.unwrap().into_inner();
            assert_eq!(answer.stages.len(), 1);
            paged.extend(answer.stages.into_iter().map(|stage| stage.name));
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let expected: Vec<_> = expected
            .iter()
            .map(|name| format!("stages/{name}"))
            .collect();
        assert_eq!(paged, expected);
    }
    for stage in ["b", "nosuch"] {
        let gone = format!("STAGE_NOT_FOUND: internal error: the stage {stage} not exists");
        assert_eq!(user.error(&format!("DESCRIBE STAGE {stage}")).await, gone);
        let request = v1::GetStageRequest {
            name: format!("stages/{stage}"),
            version: 0,
        };
        let answer = user.stages().get_stage(user.request(request)).await;
        assert_eq!(refusal(&answer.unwrap_err()), gone);
    }
    user.ok("DESCRIBE STAGE c").await;
    public.ok("DESCRIBE STAGE d").await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_makes_a_database_owns_it_and_what_public_makes_is_everyones() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    for statement in [
        "CREATE ROLE maker",
        "GRANT CREATE DATABASE ON ACCOUNT * TO maker",
        "CREATE DATABASE others",
        "CREATE USER u IDENTIFIED BY 'pw' DEFAULT ROLE maker",
        "CREATE USER v IDENTIFIED BY 'pw'",
    ] {
        admin.ok(statement).await;
    }
    let (maker, plain) = (
        door.login("t1#u", "pw").await,
        door.login("t1#v", "pw").await,
    );
    maker.ok("CREATE DATABASE own").await;
    for (caller, database) in [(&maker, "others"), (&plain, "own"), (&maker, "nosuch")] {
        let refused = caller.error(&format!("DROP DATABASE {database}")).await;
        assert_eq!(refused, format!("PERMISSION_DENIED: {REFUSED}"));
    }
    maker.ok("DROP DATABASE own").await;

    // As in MatrixOne what is made belongs to the role in force, and everyone has this one.
    admin
        .ok("GRANT CREATE DATABASE ON ACCOUNT * TO public")
        .await;
    plain.ok("CREATE DATABASE common").await;
    door.login("t1#u#public", "pw")
        .await
        .ok("DROP DATABASE common")
        .await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tables_columns_are_known_by_a_privilege_on_its_database() {
    let door = Door::with_tenants().await;
    let admin = door.admin("t1").await;
    for statement in [
        "CREATE DATABASE d",
        "CREATE TABLE d.t (a int)",
        "CREATE ROLE lister, stranger",
        "GRANT SHOW TABLES ON DATABASE d TO lister",
        "CREATE USER u IDENTIFIED BY 'pw' DEFAULT ROLE lister",
        "CREATE USER v IDENTIFIED BY 'pw' DEFAULT ROLE stranger",
    ] {
        admin.ok(statement).await;
    }
    let (lister, stranger) = (
        door.login("t1#u", "pw").await,
        door.login("t1#v", "pw").await,
    );
    for statement in [
        "DESCRIBE d.t",
        "SHOW CREATE TABLE d.t",
        "SHOW COLUMNS FROM d.t",
    ] {
        lister.ok(statement).await;
        let refused = stranger.run(statement).await.unwrap_err();
        assert_eq!(reason(&refused), "PERMISSION_DENIED", "{statement}");
    }
    assert_eq!(first_cells(&lister, "SHOW TABLES FROM d").await, ["t"]);
    assert_eq!(
        first_cells(&stranger, "SHOW TABLES FROM d").await,
        Vec::<String>::new()
    );
    for (table, caller, seen) in [
        ("tables", &lister, &["t"][..]),
        ("columns", &lister, &["t"]),
        ("tables", &stranger, &[]),
        ("columns", &stranger, &[]),
    ] {
        let query =
            format!("SELECT table_name FROM information_schema.{table} WHERE table_schema = 'd'");
        assert_eq!(first_cells(caller, &query).await, seen, "{query}");
    }
    assert!(lister.run("SELECT * FROM d.t").await.is_err());
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_does_not_get_into_the_data_directory_by_a_link() {
    let door = Door::open(|_| {}).await;
    let root = door.root().await;
    let data = door.dir("data");
    std::os::unix::fs::symlink(&data, door.dir("link")).unwrap();
    std::os::unix::fs::symlink(data.join("later"), door.dir("dangling")).unwrap();
    for directory in [
        data.join("b"),
        door.dir("link/b"),
        door.dir("dangling"),
        door.dir("sys/../data/b"),
        door.dir("nosuch/../data/b"),
    ] {
        let request = root.request(v1::BackupRequest {
            directory: directory.display().to_string(),
        });
        let refused = root.administration().backup(request).await;
        assert!(refused.is_err(), "{}", directory.display());
        assert!(!data.join("b").exists() && !data.join("later").exists());
    }
    let request = root.request(v1::BackupRequest {
        directory: door.dir("sys/new/b").display().to_string(),
    });
    root.administration().backup(request).await.unwrap();
    door.close().await;
}
