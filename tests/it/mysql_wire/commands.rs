//! What clients send besides statements, and what they are told beside the answers.

use mysql_async::prelude::Queryable;
use mysql_async::{Row, Value};

use super::connect;
use super::raw::Raw;
use crate::harness::ROOT_PASSWORD;
use crate::wires::Wires;

/// `ok` of a packet that answers COM_INIT_DB to a client that follows the session's state: what stands behind the counts.
const SCHEMA_CHANGED: u16 = 0x4000;

#[tokio::test(flavor = "multi_thread")]
async fn commands_do_what_their_parameters_say() {
    let wires = Wires::open(|settings| settings.mysql.statements_bytes_max = 4 << 10).await;
    let mut client = connect(&wires).await;
    client
        .query_drop("CREATE TABLE t (id INT, name VARCHAR(20), names INT)")
        .await
        .unwrap();
    let address = wires.mysql;
    let told = tokio::task::spawn_blocking(move || {
        // Session state is followed (1 << 23).
        let mut raw = Raw::login_as(address, "root", ROOT_PASSWORD, 1 << 23, 45);
        for _ in 0..2 {
            raw.send(&[&[2][..], b"main"].concat());
            let ok = raw.packet().expect("an answer");
            let status = u16::from_le_bytes([ok[3], ok[4]]);
            assert_eq!((ok[0], status & SCHEMA_CHANGED), (0, SCHEMA_CHANGED));
            // No text, then the change of the schema to `main`.
            assert_eq!(ok[7..], [&[0, 7, 1, 5, 4][..], b"main"].concat(), "{ok:?}");
        }
        let fields = |raw: &mut Raw, wildcard: &str| {
            raw.send(&[&[4][..], b"t\0", wildcard.as_bytes()].concat());
            let mut columns = 0;
            while raw.packet().expect("a column, or the end")[0] != 0xfe {
                columns += 1;
            }
            columns
        };
        assert_eq!(fields(&mut raw, ""), 3);
        assert_eq!(fields(&mut raw, "name%"), 2);
        assert_eq!(fields(&mut raw, "NAME"), 1);
        assert_eq!(fields(&mut raw, "x%"), 0);

        // As many bytes of prepared statements as the operator lets a connection have.
        let long = format!("SELECT ? /*{}*/", "x".repeat(2 << 10));
        let first = raw.prepare(&long);
        raw.send(&[&[0x16][..], long.as_bytes()].concat());
        let (code, text) = raw.told_text();
        assert_eq!(code, 1461);
        assert!(text.contains("mysql.statements_bytes_max"), "{text}");
        raw.send(&[&[0x19][..], &first.to_le_bytes()].concat());
        raw.prepare(&long);
    });
    told.await.unwrap();
    client.disconnect().await.unwrap();
    wires.close().await;
}

/// Many clients ask for latin1 because nobody told them otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_character_set_that_is_not_had_is_told_and_not_refused() {
    let wires = Wires::open(|_| {}).await;
    let address = wires.mysql;
    let told = tokio::task::spawn_blocking(move || {
        let warnings = [&[3][..], b"SHOW WARNINGS"].concat();
        for (collation, notes) in [(8, 1), (0, 0), (33, 0), (45, 0), (63, 0), (255, 0)] {
            let mut raw = Raw::login_as(address, "root", ROOT_PASSWORD, 0, collation);
            let said = raw.rows(&warnings);
            assert_eq!(said.len(), notes, "{collation}");
            if let Some(note) = said.first() {
                let note = String::from_utf8_lossy(note);
                assert!(note.contains("utf8mb4") && note.contains("Note"), "{note}");
            }
        }
    });
    told.await.unwrap();
    wires.close().await;
}

#[tokio::test]
async fn sessions_are_processes_to_clients_of_mysql() {
    let wires = Wires::open(|_| {}).await;
    let mut client = connect(&wires).await;
    let mut idle = connect(&wires).await;
    idle.query_drop("USE information_schema").await.unwrap();
    let number = u64::from(idle.id());
    let long = format!("SHOW PROCESSLIST /* {} */", "é".repeat(200));
    let rows: Vec<Row> = client.query(long).await.unwrap();
    let names = rows[0].columns_ref().iter();
    let names: Vec<_> = names.map(|column| column.name_str().into_owned()).collect();
    let wanted = [
        "Id", "User", "Host", "db", "Command", "Time", "State", "Info",
    ];
    assert_eq!(names, wanted);
    let text = |row: &Row, at: usize| row.get::<Option<String>, _>(at).unwrap();
    let row = |id: u64| {
        let mut rows = rows.iter();
        let found = rows.find(|row| text(row, 0) == Some(id.to_string()));
        found.expect("the session")
    };
    let mine = row(client.id().into());
    assert_eq!(text(mine, 4).as_deref(), Some("Query"));
    assert_eq!(text(mine, 7).as_deref(), Some("SHOW PROCESSLIST"));
    let other = row(number);
    assert_eq!(text(other, 1).as_deref(), Some("root"));
    assert_eq!(text(other, 3).as_deref(), Some("information_schema"));
    assert_eq!(text(other, 4).as_deref(), Some("Sleep"));
    assert_eq!(text(other, 7), None);
    // A query's text is cut, without FULL.
    let asked = format!(
        "SELECT info FROM information_schema.processlist WHERE id = CONNECTION_ID() AND '{}' <> ''",
        "x".repeat(200)
    );
    let info: Option<String> = client.query_first(&*asked).await.unwrap();
    assert_eq!(info.as_deref(), Some(&*asked));
    client.query_drop(format!("KILL {number}")).await.unwrap();
    idle.query_drop("SELECT 1").await.unwrap_err();
    let left: Option<Value> = client
        .query_first(format!(
            "SELECT 1 FROM information_schema.processlist WHERE id = {number}"
        ))
        .await
        .unwrap();
    assert_eq!(left, None);
    client.disconnect().await.unwrap();
    wires.close().await;
}

/// What cannot be read, or looked at, is told by its own request's id, and counted.
#[tokio::test]
async fn a_text_that_is_no_statement_is_known_by_its_own_id() {
    let wires = Wires::open(|_| {}).await;
    let mut client = connect(&wires).await;
    let last = "SELECT @@last_request_id";
    let mut seen = std::collections::BTreeSet::new();
    client.query_drop("CREATE DATABASE d").await.unwrap();
    let before: Option<String> = client.query_first(last).await.unwrap();
    seen.insert(before.unwrap());
    for text in [
        "SELEC 1",
        "SELECT ? FROM",
        "SELECT * FROM nothing WHERE a = ?",
    ] {
        client.prep(text).await.unwrap_err();
        let of: Option<String> = client.query_first(last).await.unwrap();
        assert!(seen.insert(of.unwrap()), "{text}");
    }
    client.query_drop("SELEC 2").await.unwrap_err();
    let of: Option<String> = client.query_first(last).await.unwrap();
    assert!(seen.insert(of.unwrap()));
    client.disconnect().await.unwrap();
    wires.close().await;
}
