//! `information_schema` as clients read it: names and types as MySQL 8 has them, and nothing that the user may not see.

use crate::harness::TestServer;

async fn server() -> TestServer {
    let server = TestServer::start().await;
    for statement in [
        "CREATE DATABASE shop",
        "USE shop",
        "CREATE TABLE orders (
            id bigint unsigned AUTO_INCREMENT PRIMARY KEY COMMENT 'number',
            code varchar(20) NOT NULL DEFAULT 'it''s',
            line int, part int, price decimal(10,2) DEFAULT 1.50, paid boolean, at datetime(3), note text,
            UNIQUE KEY of_code (code), UNIQUE KEY of_line (line, part)
        ) COMMENT 'what was bought'",
        "INSERT INTO orders (code) VALUES ('a'), ('b')",
        "CREATE TABLE plain (a int)",
    ] {
        server.ok(statement).await;
    }
    server
}

async fn table(server: &TestServer, query: &str) -> Vec<String> {
    let rows = server.ok(query).await.rows();
    rows.into_iter().map(|row| row.join(" ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_told_in_their_parts() {
    let server = server().await;
    let told = table(
        &server,
        "SELECT COLUMN_NAME, ORDINAL_POSITION, COLUMN_DEFAULT, IS_NULLABLE, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH,
                NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION, COLUMN_TYPE, COLUMN_KEY, EXTRA
         FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'orders'
         ORDER BY ORDINAL_POSITION",
    )
    .await;
    assert_eq!(
        told,
        [
            "id 1 NULL NO bigint NULL 20 0 NULL bigint unsigned PRI auto_increment",
            "code 2 it's NO varchar 20 NULL NULL NULL varchar(20) UNI ",
            "line 3 NULL YES int NULL 10 0 NULL int MUL ",
            "part 4 NULL YES int NULL 10 0 NULL int  ",
            "price 5 1.50 YES decimal NULL 10 2 NULL decimal(10,2)  ",
            "paid 6 NULL YES tinyint NULL 3 0 NULL tinyint(1)  ",
            "at 7 NULL YES datetime NULL NULL NULL 3 datetime(3)  ",
            "note 8 NULL YES text 65535 NULL NULL NULL text  ",
        ]
    );
    // Those of the tables that tell it are there, too.
    let own = "SELECT COUNT(*) > 20 FROM information_schema.columns
               WHERE table_schema = 'information_schema' AND table_name = 'columns'";
    assert_eq!(server.ok(own).await.cell(), "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_schemata_and_keys_are_listed() {
    let server = server().await;
    let schemata = table(
        &server,
        "SELECT schema_name FROM information_schema.schemata ORDER BY 1",
    );
    assert_eq!(
        schemata.await,
        [
            "information_schema",
            "main",
            "mo_catalog",
            "shop",
            "stagedoor"
        ]
    );
    let tables = table(
        &server,
        "SELECT table_name, table_type, table_rows, auto_increment, table_comment FROM information_schema.tables
         WHERE table_schema LIKE 'sh%' ORDER BY table_name",
    );
    assert_eq!(
        tables.await,
        [
            "orders BASE TABLE 2 3 what was bought",
            "plain BASE TABLE 0 NULL "
        ]
    );
    let keys = table(
        &server,
        "SELECT index_name, seq_in_index, column_name, non_unique, nullable FROM information_schema.statistics
         WHERE table_schema = 'shop' AND table_name = 'orders' ORDER BY index_name, seq_in_index",
    );
    assert_eq!(
        keys.await,
        [
            "PRIMARY 1 id 0 ",
            "of_code 1 code 0 ",
            "of_line 1 line 0 YES",
            "of_line 2 part 0 YES"
        ]
    );
    let constraints = table(
        &server,
        "SELECT c.constraint_name, c.constraint_type, k.column_name
         FROM information_schema.table_constraints c
         JOIN information_schema.key_column_usage k
           ON k.constraint_name = c.constraint_name AND k.table_name = c.table_name AND k.table_schema = c.table_schema
         WHERE c.table_schema = 'shop' ORDER BY 1, k.ordinal_position",
    );
    assert_eq!(
        constraints.await,
        [
            "PRIMARY PRIMARY KEY id",
            "of_code UNIQUE code",
            "of_line UNIQUE line",
            "of_line UNIQUE part"
        ]
    );
    let columns = server.ok("SELECT * FROM information_schema.engines").await;
    let schema = columns.batches[0].schema();
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(
        names,
        [
            "ENGINE",
            "SUPPORT",
            "COMMENT",
            "TRANSACTIONS",
            "XA",
            "SAVEPOINTS"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_its_tables_can_be_read_and_none_changed() {
    let server = server().await;
    let names = table(&server, "SHOW TABLES FROM information_schema").await;
    assert!(names.len() > 15, "{names:?}");
    for name in &names {
        server
            .ok(&format!("SELECT * FROM information_schema.{name}"))
            .await;
        server
            .ok(&format!("DESCRIBE information_schema.{name}"))
            .await;
    }
    for statement in [
        "INSERT INTO information_schema.tables (table_name) VALUES ('x')",
        "CREATE TABLE information_schema.x (a int)",
        "DROP DATABASE information_schema",
    ] {
        let error = server.error(statement).await;
        assert!(error.contains("information_schema"), "{error}");
    }
}
