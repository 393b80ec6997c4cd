//! Tables that real PostgreSQL and MariaDB servers have: their types and values, what goes to the server, what is
//! exported, who may connect, and servers that end midway.

mod expressions;
mod oracle;

use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use test_servers::{MariaDb, Postgres};

use super::server;
use crate::harness::{TestServer, files};

/// Longer than anything here takes on a machine under load.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// `CREATE EXTERNAL TABLE … FROM POSTGRES` of a table of the server on this port.
fn postgres(table: &str, columns: &str, port: u16, of: &str, more: &str) -> String {
    format!(
        "CREATE EXTERNAL TABLE {table} {columns} FROM POSTGRES {{'host' = '127.0.0.1', 'port' = '{port}', 'user' = '{}', \
         'password' = '{}', 'database' = '{}', 'table' = '{of}'{more}}}",
        Postgres::USER,
        Postgres::PASSWORD.replace('\'', "''"),
        Postgres::DATABASE
    )
}

fn mariadb(table: &str, columns: &str, port: u16, of: &str, more: &str) -> String {
    format!(
        "CREATE EXTERNAL TABLE {table} {columns} FROM MYSQL {{'host' = '127.0.0.1', 'port' = '{port}', 'user' = '{}', \
         'password' = '{}', 'database' = '{}', 'table' = '{of}'{more}}}",
        MariaDb::USER,
        MariaDb::PASSWORD.replace('\'', "''"),
        MariaDb::DATABASE
    )
}

const PLAIN: &str = ", 'sslmode' = 'disable'";

/// The lines of an export of a query.
async fn exported(server: &TestServer, name: &str, query: &str) -> Vec<String> {
    let folder = server.stage(&format!("out_{name}")).await;
    server
        .ok(&format!(
            "{query} INTO OUTFILE 'stage://out_{name}/{name}.csv'"
        ))
        .await;
    let text = std::fs::read_to_string(folder.join(format!("{name}.csv"))).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Waits until `is_so`.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < WAIT_MAX, "not so in time: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_postgresql_come_as_they_are() {
    let source = Postgres::shared();
    source.run(
        r#"CREATE SCHEMA kinds; CREATE DOMAIN kinds.amount AS numeric(9,3); CREATE TYPE kinds.mood AS ENUM ('sad', 'ok');
        CREATE TABLE kinds.everything (
            "Id" int PRIMARY KEY, small smallint, big bigint, ok boolean, price numeric(10,2), wide numeric(60,20), any_number numeric,
            part kinds.amount, single real, twice float8, name varchar(20), fixed char(5), note text, raw bytea, day date,
            at time(3), made timestamp, seen timestamptz, key uuid, doc jsonb, mood kinds.mood, list int[], span interval);
        INSERT INTO kinds.everything VALUES
            (1, -32768, 9223372036854775807, true, -12345678.90, 1234567890123456789012345678901234567890.12345678901234567890,
             123456789012345678901234567890.000000000000000000000000000001, 0.125, 1.5, 0.1, 'größe', 'ab', E'it''s\n"x"',
             '\xff00fe', '2024-02-29', '23:59:59.123', '1999-12-31 23:59:59.999999', '2024-03-31 02:30:00+02',
             '00112233-4455-6677-8899-aabbccddeeff', '{"a": [1, null]}', 'ok', '{1,NULL,3}', '1 day 02:03:04'),
            (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"#,
    );
    let server = server().await;
    server
        .ok(&postgres("e", "", source.port(), "kinds.everything", PLAIN))
        .await;
    let types: Vec<String> = server
        .ok("DESCRIBE e")
        .await
        .rows()
        .into_iter()
        .map(|row| format!("{} {} {}", row[0], row[1], row[2]))
        .collect();
    assert_eq!(
        types.join(", "),
        "id int NO, small smallint YES, big bigint YES, ok bool YES, price decimal(10,2) YES, wide decimal(60,20) YES, \
         any_number longtext YES, part decimal(9,3) YES, single float YES, twice double YES, name varchar(20) YES, \
         fixed char(5) YES, note longtext YES, raw longblob YES, day date YES, at time(3) YES, made datetime(6) YES, \
         seen timestamp(6) YES, key uuid YES, doc json YES, mood longtext YES, list longtext YES, span longtext YES"
    );
    let query = "SELECT id, small, big, ok, price, wide, any_number, part, single, twice, name, fixed, note, HEX(raw) AS raw, day, at, made, \
                 seen, `key`, doc, mood, list, span FROM e ORDER BY id";
    let lines = exported(&server, "everything", query).await;
    assert_eq!(
        lines[1..].join("\n"),
        "1,-32768,9223372036854775807,true,-12345678.90,1234567890123456789012345678901234567890.12345678901234567890,\
         \"123456789012345678901234567890.000000000000000000000000000001\",0.125,1.5,0.1,\"größe\",\"ab\",\"it's\n\"\"x\"\"\",\
         \"FF00FE\",2024-02-29,23:59:59.123,1999-12-31 23:59:59.999999,2024-03-31 00:30:00.000000,\
         00112233-4455-6677-8899-aabbccddeeff,\"{\"\"a\"\": [1, null]}\",\"ok\",\"{1,NULL,3}\",\"1 day 02:03:04\"\n\
         2,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N"
    );

    // What has no date here is an error that names the column, unless it is wanted as a text.
    source.run(
        "CREATE TABLE kinds.days (id int, d date, n numeric); INSERT INTO kinds.days VALUES (1, 'infinity', 'NaN'), (2, '2024-01-01', 12.50)",
    );
    server
        .ok(&postgres("days", "", source.port(), "kinds.days", PLAIN))
        .await;
    let error = server.error("SELECT * FROM days").await;
    assert!(
        error.contains("column 'd' has the value 'infinity'"),
        "{error}"
    );
    let columns = "(n varchar(10), id bigint, d varchar(20))";
    server
        .ok(&postgres(
            "texts",
            columns,
            source.port(),
            "kinds.days",
            PLAIN,
        ))
        .await;
    let rows = server
        .ok("SELECT n, id, d FROM texts ORDER BY id")
        .await
        .rows();
    assert_eq!(
        rows,
        [["NaN", "1", "infinity"], ["12.50", "2", "2024-01-01"]]
    );
    let columns = "(n decimal(6,1))";
    server
        .ok(&postgres(
            "narrow",
            columns,
            source.port(),
            "kinds.days",
            PLAIN,
        ))
        .await;
    let error = server.error("SELECT * FROM narrow").await;
    assert!(error.contains("'NaN'") && error.contains("'n'"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_mariadb_come_as_they_are() {
    let source = MariaDb::shared();
    source.run(
        r#"SET time_zone = '+00:00';
        CREATE TABLE shop.everything (Id int(11) PRIMARY KEY, t tinyint unsigned, s smallint, m mediumint unsigned, b bigint unsigned,
            price decimal(10,2), wide decimal(60,20), single float, twice double(8,2), bits bit(10), name varchar(20), fixed char(5),
            latin varchar(10) CHARACTER SET latin1, note mediumtext, raw varbinary(5), day date, at time(3), made datetime(6),
            seen timestamp NULL, year year, mood enum('sad','Ok'), tags set('a','b'), doc json);
        INSERT INTO shop.everything VALUES (1, 255, -32768, 16777215, 18446744073709551615, -12345678.90,
            1234567890123456789012345678901234567890.12345678901234567890, 1.5, 0.25, b'1000000001', 'größe', 'ab  ', 'größe', 'it''s',
            x'ff00fe', '2024-02-29', '-838:59:58.123', '1999-12-31 23:59:59.999999', '2024-03-31 00:30:00', 2024, 'Ok', 'a,b', '{"a": [1, null]}'),
            (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"#,
    );
    let server = server().await;
    server
        .ok(&mariadb("e", "", source.port(), "everything", PLAIN))
        .await;
    let types: Vec<String> = server
        .ok("DESCRIBE e")
        .await
        .rows()
        .into_iter()
        .map(|row| format!("{} {}", row[0], row[1]))
        .collect();
    assert_eq!(
        types.join(", "),
        "id int, t tinyint unsigned, s smallint, m mediumint unsigned, b bigint unsigned, price decimal(10,2), wide decimal(60,20), \
         single float, twice double, bits bit(10), name varchar(20), fixed char(5), latin varchar(10), note mediumtext, \
         raw varbinary(5), day date, at time(3), made datetime(6), seen timestamp(0), year year, mood enum('sad','Ok'), \
         tags set('a','b'), doc longtext"
    );
    let query = "SELECT id, t, s, m, b, price, wide, single, twice, bits + 0 AS bits, name, fixed, latin, note, HEX(raw) AS raw, day, at, \
                 made, seen, year, mood, tags, doc FROM e ORDER BY id";
    let lines = exported(&server, "everything", query).await;
    assert_eq!(
        lines[1..].join("\n"),
        "1,255,-32768,16777215,18446744073709551615,-12345678.90,1234567890123456789012345678901234567890.12345678901234567890,\
         1.5,0.25,513,\"größe\",\"ab\",\"größe\",\"it's\",\"FF00FE\",2024-02-29,-838:59:58.123,1999-12-31 23:59:59.999999,\
         2024-03-31 00:30:00,2024,\"Ok\",\"a,b\",\"{\"\"a\"\": [1, null]}\"\n\
         2,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N"
    );

    source.run(
        "SET sql_mode = ''; CREATE TABLE shop.days (d date, n int); INSERT INTO shop.days VALUES ('0000-00-00', 1), ('2024-00-00', 2)",
    );
    server
        .ok(&mariadb("days", "", source.port(), "days", PLAIN))
        .await;
    let error = server.error("SELECT * FROM days").await;
    assert!(
        error.contains("column 'd' has the date '0000-00-00'"),
        "{error}"
    );
    let columns = "(n int, d varchar(26))";
    server
        .ok(&mariadb("texts", columns, source.port(), "days", PLAIN))
        .await;
    let rows = server.ok("SELECT d FROM texts ORDER BY n").await.rows();
    assert_eq!(rows, [["0000-00-00"], ["2024-00-00"]]);
}

/// A table of 1,000 numbers with names in both cases, and what is asked of it.
const QUESTIONS: [(&str, &str); 9] = [
    ("SELECT COUNT(*) FROM n WHERE id > 990", "10"),
    ("SELECT COUNT(*) FROM n WHERE name = 'name 7'", "1"),
    ("SELECT COUNT(*) FROM n WHERE name < 'name 11'", "13"),
    (
        "SELECT COUNT(*) FROM n WHERE price >= 12.50 AND price < 13",
        "1",
    ),
    (
        "SELECT COUNT(*) FROM n WHERE id IN (1, 2, 3000) OR day IS NULL",
        "3",
    ),
    (
        "SELECT COUNT(*) FROM n WHERE day BETWEEN '2024-01-05' AND '2024-01-10'",
        "6",
    ),
    (
        "SELECT COUNT(*) FROM n WHERE made = '2024-01-01 00:00:05'",
        "1",
    ),
    ("SELECT COUNT(*) FROM n WHERE id + 0 = 5", "1"),
    (
        "SELECT COUNT(*) FROM n WHERE name LIKE 'NAME%' OR name = 'it''s \\\\ \"x\"'",
        "1",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_wanted_is_asked_of_postgresql() {
    let source = Postgres::shared();
    source.run(
        r#"CREATE SCHEMA asked; CREATE TABLE asked.n AS SELECT id, 'name ' || id AS name, (id + 0.5)::numeric(10,2) AS price,
            date '2023-12-31' + CASE WHEN id = 999 THEN NULL ELSE id END AS day, timestamp '2024-01-01' + id * interval '1 s' AS made
        FROM generate_series(1, 999) AS id;
        INSERT INTO asked.n VALUES (1000, E'it''s \\ "x"', 0, '1999-01-01', '1999-01-01')"#,
    );
    let server = server().await;
    server
        .ok(&postgres("n", "", source.port(), "asked.n", PLAIN))
        .await;
    for (question, answer) in QUESTIONS {
        assert_eq!(server.ok(question).await.cell(), answer, "{question}");
    }
    let rows = server.ok("SELECT name FROM n LIMIT 2").await.rows();
    assert_eq!(rows.len(), 2);
    let log = std::fs::read_to_string(source.folder().join("log")).unwrap();
    for statement in [
        r#"COPY (SELECT "id" FROM "asked"."n" WHERE ("id" > (990))) TO STDOUT"#,
        r#""name" = 'name 7'"#,
        r#""name" COLLATE "C" < 'name 11'"#,
        r#"'2024-01-05'::pg_catalog.date"#,
        r#""made" = '2024-01-01 00:00:05.000000'::pg_catalog.timestamp"#,
        r#"(("id" = (1) OR "id" = (2)) OR "id" = (3000)) OR "day" IS NULL"#,
        r#"("price" >= (12.50) AND "price" < (13.00))"#,
        r#"COPY (SELECT "name" FROM "asked"."n" LIMIT 2) TO STDOUT"#,
    ] {
        assert!(log.contains(statement), "{statement} is not in\n{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_wanted_is_asked_of_mariadb() {
    let source = MariaDb::shared();
    source.run(
        r#"USE shop; CREATE TABLE shop.n AS SELECT seq AS id, CONCAT('name ', seq) AS name, CAST(seq + 0.5 AS decimal(10,2)) AS price,
            IF(seq = 999, NULL, DATE '2023-12-31' + INTERVAL seq DAY) AS day, TIMESTAMP '2024-01-01 00:00:00' + INTERVAL seq SECOND AS made
        FROM seq_1_to_999;
        INSERT INTO shop.n VALUES (1000, 'it''s \\ "x"', 0, '1999-01-01', '1999-01-01')"#,
    );
    let server = server().await;
    server
        .ok(&mariadb("n", "", source.port(), "n", PLAIN))
        .await;
    for (question, answer) in QUESTIONS {
        assert_eq!(server.ok(question).await.cell(), answer, "{question}");
    }
    let rows = server.ok("SELECT name FROM n LIMIT 2").await.rows();
    assert_eq!(rows.len(), 2);
    let log = std::fs::read_to_string(source.statements()).unwrap();
    for statement in [
        "SELECT `id` FROM `shop`.`n` WHERE (`id` > (990))",
        "(`price` >= (12.50) AND `price` < (13.00))",
        "`name` = 'name 7'",
        "DATE'2024-01-05'",
        "`made` = TIMESTAMP'2024-01-01 00:00:05.000000'",
        "SELECT `name` FROM `shop`.`n` LIMIT 2",
    ] {
        assert!(log.contains(statement), "{statement} is not in\n{log}");
    }
    // Another order than here.
    assert!(!log.contains("`name` <"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_leaves_ends_the_servers_work() {
    let (first, second) = (Postgres::shared(), MariaDb::shared());
    first.run("CREATE VIEW public.endless AS SELECT generate_series(1, 2000000000) AS id, repeat('x', 500) AS pad");
    second.run("USE shop; CREATE VIEW shop.endless AS SELECT seq AS id, REPEAT('x', 500) AS pad FROM seq_1_to_2000000000");
    let server = server().await;
    server
        .ok(&postgres("p", "", first.port(), "endless", PLAIN))
        .await;
    server
        .ok(&mariadb("m", "", second.port(), "endless", PLAIN))
        .await;
    for table in ["p", "m"] {
        // A condition that only this side knows, so that the server is not told of the limit.
        let query = format!("SELECT id FROM {table} WHERE id % 2 = 0 LIMIT 3");
        assert_eq!(server.ok(&query).await.rows(), [["2"], ["4"], ["6"]]);
    }
    until("PostgreSQL copies no more", || {
        let busy = "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND query LIKE 'COPY%endless%'";
        first.run(busy).trim() == "0"
    })
    .await;
    until("MariaDB sends no more", || {
        let busy = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'reader' AND info LIKE '%endless%'";
        second.run(busy).trim() == "0"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_exported_when_postgresql_ends_midway() {
    let source = Postgres::start(None);
    source.run("CREATE VIEW public.endless AS SELECT generate_series(1, 2000000000) AS id, repeat('x', 500) AS pad");
    let server = server().await;
    server
        .ok(&postgres("t", "", source.port(), "endless", PLAIN))
        .await;
    let folder = server.stage("s").await;
    let exporting = server.error("SELECT * FROM t INTO OUTFILE 'stage://s/t.csv'");
    let crashing = async {
        until("rows are copied", || {
            let copied =
                "SELECT count(*) FROM pg_stat_progress_copy WHERE tuples_processed > 20000";
            source.run(copied).trim() == "1"
        })
        .await;
        source.crash();
    };
    let (error, ()) = tokio::join!(exporting, crashing);
    failed_midway(&server, &error).await;
    assert_eq!(files(&folder), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_exported_when_mariadb_ends_midway() {
    let source = MariaDb::start(None);
    source.run("USE shop; CREATE VIEW shop.endless AS SELECT seq AS id, REPEAT('x', 500) AS pad FROM seq_1_to_2000000000");
    let server = server().await;
    server
        .ok(&mariadb("t", "", source.port(), "endless", PLAIN))
        .await;
    let folder = server.stage("s").await;
    let exporting = server.error("SELECT * FROM t INTO OUTFILE 'stage://s/t.csv'");
    let crashing = async {
        until("rows are sent", || {
            let sent = "SELECT variable_value > 10000000 FROM information_schema.global_status WHERE variable_name = 'BYTES_SENT'";
            source.run(sent).trim() == "1"
        })
        .await;
        source.crash();
    };
    let (error, ()) = tokio::join!(exporting, crashing);
    failed_midway(&server, &error).await;
    assert_eq!(files(&folder), Vec::<String>::new());
}

async fn failed_midway(server: &TestServer, error: &str) {
    assert!(error.contains(".t: "), "{error}");
    assert!(
        error.contains("the connection to") && error.contains("ended")
            || error.contains("answers:"),
        "{error}"
    );
    let states = server.ok("SELECT state FROM stagedoor.exports").await;
    assert_eq!(states.rows(), [["FAILED"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_sealed_and_never_shown() {
    let source = Postgres::shared();
    source.run("CREATE SCHEMA hidden; CREATE TABLE hidden.t AS SELECT 1 AS a");
    let server = server().await;
    server
        .ok(&postgres("t", "", source.port(), "hidden.t", PLAIN))
        .await;
    assert_eq!(server.ok("SELECT a FROM t").await.cell(), "1");
    let shown = server.ok("SHOW CREATE TABLE t").await.rows();
    let statement = &shown[0][1];
    assert!(
        statement.contains("'password'='******'") && statement.contains("'user'='postgres'"),
        "{statement}"
    );
    let wrong =
        postgres("w", "", source.port(), "hidden.t", PLAIN).replace("secret 123'", "secret 124'");
    let error = server.error(&wrong).await;
    assert!(error.contains("password authentication failed"), "{error}");
    let audit = server
        .ok("SELECT statement FROM stagedoor.audit WHERE statement IS NOT NULL")
        .await;
    let told = format!("{shown:?} {error} {:?}", audit.rows());
    assert!(!told.contains("secret 12"), "{told}");
    // Nor does it stand in any file.
    for file in files(server.folder.path()) {
        let bytes = std::fs::read(server.folder.path().join(&file)).unwrap();
        let found = memchr::memmem::find(&bytes, b"secret 12");
        assert!(found.is_none(), "{file}");
    }
    // Another server's table is read only.
    let error = server.error("INSERT INTO t VALUES (2)").await;
    assert!(error.contains("external table"), "{error}");
    server.ok("DROP TABLE t").await;
    assert_eq!(source.run("SELECT count(*) FROM hidden.t").trim(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_under_the_endpoint_policy() {
    let closed = TestServer::start_with(|settings| settings.endpoints.http = true).await;
    for statement in [
        postgres("t", "", 5432, "t", PLAIN),
        mariadb("t", "", 3306, "t", ""),
    ] {
        let error = closed.error(&statement).await;
        assert!(error.contains("endpoints.allow"), "{error}");
    }
    let secured = TestServer::start_with(|settings| {
        settings.endpoints.allow = vec!["127.0.0.1".to_owned()];
        settings.endpoints.http = false;
    })
    .await;
    let error = secured
        .error(&postgres("t", "", Postgres::shared().port(), "t", PLAIN))
        .await;
    assert!(error.contains("endpoints.http"), "{error}");
    // Without a word TLS is asked for, which this server does not have.
    for statement in [
        postgres("t", "", Postgres::shared().port(), "t", ""),
        mariadb("t", "", MariaDb::shared().port(), "n", ""),
    ] {
        let error = secured.error(&statement).await;
        assert!(
            error.contains("no trusted connection") && error.contains("does not"),
            "{error}"
        );
    }
    for (more, told) in [
        (", 'sslmode' = 'prefer'", "would fall back to plain text"),
        (", 'sslmode' = 'verify-ca'", "needs 'sslrootcert'"),
        (", 'port' = '0'", "'port' is given twice"),
        (", 'sslmode' = 'maybe'", "'sslmode' must be"),
    ] {
        let error = secured.error(&postgres("t", "", 1, "t", more)).await;
        assert!(error.contains(told), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_checked() {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "databases");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let issue = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &root).unwrap();
        (certificate.pem(), key.serialize_pem())
    };
    let trusted = format!(", 'sslrootcert' = '{}'", root.pem());
    let (right, other) = (issue("127.0.0.1"), issue("db.example"));
    let server = server().await;

    let first = Postgres::start(Some((&right.0, &right.1)));
    first.run("CREATE TABLE t AS SELECT 1 AS a");
    let error = server
        .error(&postgres("p", "", first.port(), "t", ""))
        .await;
    assert!(error.contains("no trusted connection"), "{error}");
    server
        .ok(&postgres("p", "", first.port(), "t", &trusted))
        .await;
    assert_eq!(server.ok("SELECT a FROM p").await.cell(), "1");
    let second = MariaDb::start(Some((&right.0, &right.1)));
    second.run("CREATE TABLE shop.t AS SELECT 1 AS a");
    let error = server
        .error(&mariadb("m", "", second.port(), "t", ""))
        .await;
    assert!(error.contains("no trusted connection"), "{error}");
    server
        .ok(&mariadb("m", "", second.port(), "t", &trusted))
        .await;
    assert_eq!(server.ok("SELECT a FROM m").await.cell(), "1");

    // Of another host: the issuer alone is right.
    let third = Postgres::start(Some((&other.0, &other.1)));
    third.run("CREATE TABLE t AS SELECT 1 AS a");
    let statement = postgres("q", "", third.port(), "t", &trusted);
    let error = server.error(&statement).await;
    assert!(error.contains("no trusted connection"), "{error}");
    let issuer_only = format!("{trusted}, 'sslmode' = 'verify-ca'");
    server
        .ok(&postgres("q", "", third.port(), "t", &issuer_only))
        .await;
    assert_eq!(server.ok("SELECT a FROM q").await.cell(), "1");
    let fourth = MariaDb::start(Some((&other.0, &other.1)));
    fourth.run("CREATE TABLE shop.t AS SELECT 1 AS a");
    let error = server
        .error(&mariadb("r", "", fourth.port(), "t", &trusted))
        .await;
    assert!(error.contains("no trusted connection"), "{error}");
    let error = server
        .error(&mariadb("r", "", fourth.port(), "t", &issuer_only))
        .await;
    assert!(error.contains("MYSQL has no 'sslmode'"), "{error}");
}
