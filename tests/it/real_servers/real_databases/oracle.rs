//! MariaDB as the oracle of what queries mean: the analysts' queries of `tests/oracle/queries.sql` and expressions made from
//! a seed, each run there and here, the values compared. What differs stands in `tests/oracle/differences.txt` under its
//! reason, and what stands there must differ.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Row, Value};
use test_servers::MariaDb;

use super::expressions::Expressions;
use crate::harness::ROOT_PASSWORD;
use crate::wires::Wires;

/// What the expressions are made from.
const SEED: u64 = 20_240_229;
/// How many are made.
const EXPRESSIONS: usize = 480;
/// How many of them one query has.
const TOGETHER: usize = 8;
/// Connections to each server.
const CONNECTIONS: usize = 2;
/// How much less than itself two doubles may be apart: each server rounds its steps in its own order.
const DOUBLE: f64 = 1e-12;

const DATABASE: &str = "oracle";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle")
}

/// The lines of a file that are neither empty nor comments.
fn lines(name: &str, comment: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    let lines = text.lines().map(str::trim_end);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with(comment))
        .map(str::to_owned)
        .collect()
}

/// What a server says of a query.
#[derive(Debug, Clone)]
enum Answer {
    Rows {
        kinds: Vec<ColumnType>,
        rows: Vec<Vec<Option<String>>>,
    },
    Error(String),
}

async fn ask(connection: &mut Conn, query: &str) -> Answer {
    let failed = |error: mysql_async::Error| match error {
        mysql_async::Error::Server(error) => Answer::Error(error.to_string()),
        other => panic!("{query}: {other}"),
    };
    let mut result = match connection.query_iter(query).await {
        Ok(result) => result,
        Err(error) => return failed(error),
    };
    let columns = result.columns();
    let columns = columns.as_deref().unwrap_or_default();
    let kinds = columns.iter().map(mysql_async::Column::column_type);
    let kinds = kinds.collect();
    match result.collect::<Row>().await {
        Ok(rows) => Answer::Rows {
            kinds,
            rows: rows.into_iter().map(texts).collect(),
        },
        Err(error) => failed(error),
    }
}

fn texts(row: Row) -> Vec<Option<String>> {
    let text = |value| match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        other => panic!("text rows have texts: {other:?}"),
    };
    row.unwrap().into_iter().map(text).collect()
}

/// The columns of a query's answer that a difference is in, from the left, each with what MariaDB and what Stagedoor says.
fn differences(query: &str, theirs: &Answer, ours: &Answer) -> BTreeMap<usize, String> {
    let told = |theirs: &dyn std::fmt::Debug, ours: &dyn std::fmt::Debug| {
        format!("MariaDB: {theirs:?}\n   here: {ours:?}")
    };
    let (their_rows, our_rows, kinds) = match (theirs, ours) {
        (Answer::Error(_), Answer::Error(_)) => return BTreeMap::new(),
        (
            Answer::Rows { rows, kinds },
            Answer::Rows {
                rows: our_rows,
                kinds: our_kinds,
            },
        ) => (
            in_order(query, rows),
            in_order(query, our_rows),
            kinds.iter().zip(our_kinds),
        ),
        (Answer::Error(theirs), Answer::Rows { rows, .. }) => {
            return BTreeMap::from([(0, told(theirs, rows))]);
        }
        (Answer::Rows { rows, .. }, Answer::Error(ours)) => {
            return BTreeMap::from([(0, told(rows, ours))]);
        }
    };
    if their_rows.len() != our_rows.len() {
        return BTreeMap::from([(0, told(&their_rows, &our_rows))]);
    }
    let mut found = BTreeMap::new();
    for (column, (their_kind, our_kind)) in kinds.enumerate() {
        let pairs = their_rows.iter().zip(&our_rows);
        let mut pairs = pairs.map(|(theirs, ours)| (&theirs[column], &ours[column]));
        let differs = pairs.find(|(theirs, ours)| {
            !same(theirs.as_deref(), ours.as_deref(), *their_kind, *our_kind)
        });
        if let Some((theirs, ours)) = differs {
            found.insert(column, told(theirs, ours));
        }
    }
    found
}

/// Rows without an order of their own are compared sorted.
fn in_order(query: &str, rows: &[Vec<Option<String>>]) -> Vec<Vec<Option<String>>> {
    let mut rows = rows.to_vec();
    if !query.contains("ORDER BY") {
        rows.sort();
    }
    rows
}

fn same(
    theirs: Option<&str>,
    ours: Option<&str>,
    their_kind: ColumnType,
    our_kind: ColumnType,
) -> bool {
    let (Some(theirs), Some(ours)) = (theirs, ours) else {
        return theirs == ours;
    };
    let is = |kinds: &[ColumnType]| kinds.contains(&their_kind) || kinds.contains(&our_kind);
    if theirs == ours {
        return true;
    }
    if is(&[ColumnType::MYSQL_TYPE_DOUBLE, ColumnType::MYSQL_TYPE_FLOAT]) {
        return match (theirs.parse::<f64>(), ours.parse::<f64>()) {
            (Ok(theirs), Ok(ours)) => {
                (theirs - ours).abs() <= DOUBLE * theirs.abs().max(ours.abs())
            }
            _ => false,
        };
    }
    // Digits of a second at the end that are all zeros say nothing.
    let without_zeros = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    is(&[
        ColumnType::MYSQL_TYPE_TIME,
        ColumnType::MYSQL_TYPE_DATETIME,
        ColumnType::MYSQL_TYPE_TIMESTAMP,
    ]) && without_zeros(theirs) == without_zeros(ours)
}

/// Connections to both.
struct Both {
    theirs: Conn,
    ours: Conn,
}

impl Both {
    async fn connect(wires: &Wires) -> Self {
        let of = |port: u16, user: &str, password: &str| {
            OptsBuilder::default()
                .ip_or_hostname("127.0.0.1")
                .tcp_port(port)
                .user(Some(user.to_owned()))
                .pass(Some(password.to_owned()))
                .db_name(Some(DATABASE))
                .prefer_socket(false)
        };
        let theirs = of(MariaDb::shared().port(), MariaDb::USER, MariaDb::PASSWORD).init(vec![
            "SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin",
            "SET time_zone = '+00:00'",
            "SET sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE'",
        ]);
        let ours = of(wires.mysql.port(), "root", ROOT_PASSWORD);
        Self {
            theirs: Conn::new(theirs).await.unwrap(),
            ours: Conn::new(ours).await.unwrap(),
        }
    }

    async fn differences(&mut self, query: &str) -> (BTreeMap<usize, String>, bool) {
        let theirs = ask(&mut self.theirs, query).await;
        let ours = ask(&mut self.ours, query).await;
        let is_answered = matches!((&theirs, &ours), (Answer::Rows { .. }, Answer::Rows { .. }));
        (differences(query, &theirs, &ours), is_answered)
    }
}

/// The tables, in both.
async fn fill(wires: &Wires) {
    let statements = lines("tables.sql", "-- ");
    let maria = MariaDb::shared();
    maria.run(&format!(
        "CREATE OR REPLACE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin; \
         GRANT SELECT ON {DATABASE}.* TO '{}'@'127.0.0.1'; USE {DATABASE}; {}",
        MariaDb::USER,
        statements.join(";\n")
    ));
    let mut ours = wires.mysql("root", ROOT_PASSWORD).await.unwrap();
    ours.ok(&format!("CREATE DATABASE {DATABASE}")).await;
    ours.ok(&format!("USE {DATABASE}")).await;
    for statement in statements {
        ours.ok(&statement).await;
    }
}

/// What is compared, some at a time: a query alone, or the expressions of one query.
#[derive(Debug, Clone)]
enum Asked {
    Query(String),
    Expressions(Vec<String>),
}

fn query_of(expressions: &[String]) -> String {
    format!("SELECT {} FROM kinds ORDER BY id", expressions.join(", "))
}

/// What was found by one pair of connections.
#[derive(Default)]
struct Found {
    differing: BTreeMap<String, String>,
    answered: usize,
}

impl Found {
    async fn ask(&mut self, both: &mut Both, asked: Asked) {
        match asked {
            Asked::Query(query) => {
                let (differing, is_answered) = both.differences(&query).await;
                self.answered += usize::from(is_answered);
                if let Some((_, told)) = differing.into_iter().next() {
                    self.differing.insert(query, told);
                }
            }
            Asked::Expressions(expressions) => {
                let (differing, is_answered) = both.differences(&query_of(&expressions)).await;
                if is_answered {
                    self.answered += expressions.len();
                    let told = differing.into_iter();
                    let told = told.map(|(column, told)| (expressions[column].clone(), told));
                    self.differing.extend(told);
                    return;
                }
                // One of them is an error: each alone.
                for expression in expressions {
                    let query = query_of(std::slice::from_ref(&expression));
                    let (differing, is_answered) = both.differences(&query).await;
                    self.answered += usize::from(is_answered);
                    if let Some((_, told)) = differing.into_iter().next() {
                        self.differing.insert(expression, told);
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_mean_what_mariadb_says_or_stand_in_the_list() {
    let queries = lines("queries.sql", "-- ");
    let listed: BTreeSet<String> = lines("differences.txt", "# ").into_iter().collect();
    let mut made = Expressions::new(SEED);
    let expressions: BTreeSet<String> = (0..EXPRESSIONS).map(|_| made.next()).collect();
    let expressions: Vec<String> = expressions.into_iter().collect();
    assert!(queries.len() > 300 && expressions.len() > EXPRESSIONS / 2);
    let all = queries.len() + expressions.len();
    let known: BTreeSet<&String> = queries.iter().chain(&expressions).collect();
    let strangers: Vec<&String> = listed.iter().filter(|line| !known.contains(line)).collect();
    assert!(
        strangers.is_empty(),
        "differences.txt has what is asked nowhere: {strangers:#?}"
    );

    let wires = Wires::open(|_| {}).await;
    fill(&wires).await;
    let asked = queries.iter().cloned().map(Asked::Query);
    // Those with a known difference go alone, so that their errors do not part the others.
    let (alone, together): (Vec<String>, Vec<String>) = expressions
        .iter()
        .cloned()
        .partition(|expression| listed.contains(expression));
    let alone = alone.into_iter().map(|one| Asked::Expressions(vec![one]));
    let together = together.chunks(TOGETHER);
    let together = together.map(|some| Asked::Expressions(some.to_vec()));
    let asked: Vec<Asked> = asked.chain(alone).chain(together).collect();
    let mut parts = Vec::new();
    for part in 0..CONNECTIONS {
        let mut both = Both::connect(&wires).await;
        let asked: Vec<Asked> = asked
            .iter()
            .skip(part)
            .step_by(CONNECTIONS)
            .cloned()
            .collect();
        parts.push(tokio::spawn(async move {
            let mut found = Found::default();
            for asked in asked {
                found.ask(&mut both, asked).await;
            }
            both.theirs.disconnect().await.unwrap();
            both.ours.disconnect().await.unwrap();
            found
        }));
    }
    let mut found = Found::default();
    for part in parts {
        let part = part.await.unwrap();
        found.differing.extend(part.differing);
        found.answered += part.answered;
    }
    wires.close().await;

    let mended: Vec<&String> = listed
        .iter()
        .filter(|line| !found.differing.contains_key(*line))
        .collect();
    found.differing.retain(|asked, _| !listed.contains(asked));
    let told: Vec<String> = found
        .differing
        .iter()
        .map(|(asked, told)| format!("{asked}\n{told}\n"))
        .collect();
    assert!(
        told.is_empty() && mended.is_empty(),
        "{} of {all} differ and are not in differences.txt:\n{}\nin differences.txt, but alike now: {mended:#?}",
        told.len(),
        told.join("\n"),
    );
    assert!(
        found.answered + listed.len() >= all * 95 / 100,
        "only {} of {all} were answered by both",
        found.answered
    );
}
