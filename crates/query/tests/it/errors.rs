//! Positions of syntax errors, table references, labels of what cannot be planned.

use stagedoor_query::{ErrorKind, Position, TableRef, table_references};

use crate::support::{World, context};

#[tokio::test]
async fn a_syntax_error_has_line_and_column() {
    let error = World::new()
        .engine
        .plan("SELECT id\nFROM people WHERE", context())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Syntax);
    let error = World::new()
        .engine
        .plan("SELECT id\nFROM people WHERE )", context())
        .await
        .unwrap_err();
    assert_eq!(
        error.position(),
        Some(Position {
            line: 2,
            column: 19
        })
    );
}

#[test]
fn table_references_are_those_of_the_text() {
    let names = |sql: &str| -> Vec<String> {
        table_references(sql)
            .unwrap()
            .into_iter()
            .map(|TableRef { database, table }| {
                database.map_or(table.clone(), |database| format!("{database}.{table}"))
            })
            .collect()
    };
    assert_eq!(names("SELECT 1"), Vec::<String>::new());
    assert_eq!(names("SELECT * FROM B.`T` JOIN a USING (x)"), ["a", "b.t"]);
    assert_eq!(
        names(
            "WITH c AS (SELECT * FROM a), D AS (SELECT * FROM c) SELECT * FROM d, e WHERE x IN (SELECT y FROM f)"
        ),
        ["a", "e", "f"]
    );
    assert_eq!(names("WITH a AS (SELECT * FROM a) SELECT * FROM a"), ["a"]);
    assert_eq!(names("SELECT 1 FROM dual"), Vec::<String>::new());
    assert_eq!(
        names("SELECT * FROM generate_series(1, 3)"),
        Vec::<String>::new()
    );
    assert_eq!(
        names("SELECT (SELECT MAX(x) FROM t1) FROM t2 UNION SELECT 1 FROM t3"),
        ["t1", "t2", "t3"]
    );
    assert_eq!(
        table_references("DROP TABLE x").unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    assert_eq!(table_references("").unwrap_err().kind(), ErrorKind::Syntax);
}

#[tokio::test]
async fn no_database_is_a_clear_error() {
    let mut without = context();
    without.values.database = None;
    let error = World::new()
        .engine
        .plan("SELECT * FROM people", without.clone())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no database is selected; write the table as database.people"
    );
    let text = World::new()
        .text_in("SELECT id FROM db.people LIMIT 1", without)
        .await
        .unwrap();
    assert_eq!(text, "id\n1");
}
