//! What clients of MySQL say in passing. Each statement commits by itself, and the answers say so.

use parser::{ShowFilter, ShowIndex, ShowServer, ShowTables, Topic, Transaction};

use super::filter::shown;
use crate::error::Result;
use crate::session::{Outcome, Session, ShownTable, table_keys};

/// The one collation, by the name and number that clients know it by.
pub(super) const COLLATION: (&str, &str) = ("utf8mb4_bin", "46");

/// BEGIN, COMMIT, ROLLBACK: taken, and of no effect, which BEGIN and ROLLBACK warn of.
pub(super) async fn transaction(session: &Session, transaction: Transaction) -> Result<Outcome> {
    session.pass().await?;
    let warning = match transaction {
        Transaction::Begin => {
            Some("1105: there are no transactions: each statement is committed by itself")
        }
        // MySQL's own words for it.
        Transaction::Rollback => {
            Some("1196: Some non-transactional changed tables couldn't be rolled back")
        }
        Transaction::Commit | Transaction::Characteristics => None,
    };
    let warnings = warning.into_iter().map(str::to_owned).collect();
    Ok(Outcome::done_with_warnings(transaction.verb(), warnings))
}

/// SHOW VARIABLES and its like.
pub(super) async fn server(session: &Session, statement: ShowServer) -> Result<Outcome> {
    session.pass().await?;
    let ShowServer { topic, filter } = statement;
    let (columns, rows): (&[&str], Vec<Vec<String>>) = match topic {
        Topic::Variables => {
            let variables = session.variables_shown();
            let rows = variables.into_iter().map(|(name, value)| vec![name, value]);
            (&["Variable_name", "Value"], rows.collect())
        }
        Topic::Status => {
            let status = session.status_shown();
            let rows = status
                .into_iter()
                .map(|(name, value)| vec![name.to_owned(), value.to_string()]);
            (&["Variable_name", "Value"], rows.collect())
        }
        Topic::Engines => (
            &[
                "Engine",
                "Support",
                "Comment",
                "Transactions",
                "XA",
                "Savepoints",
            ],
            vec![texts(&[
                "Stagedoor",
                "DEFAULT",
                "Parquet segments and external files",
                "NO",
                "NO",
                "NO",
            ])],
        ),
        Topic::Plugins => (
            &["Name", "Status", "Type", "Library", "License"],
            vec![texts(&[
                "caching_sha2_password",
                "ACTIVE",
                "AUTHENTICATION",
                "",
                "Apache-2.0",
            ])],
        ),
        Topic::Collation => (
            &[
                "Collation",
                "Charset",
                "Id",
                "Default",
                "Compiled",
                "Sortlen",
                "Pad_attribute",
            ],
            vec![texts(&[
                COLLATION.0,
                "utf8mb4",
                COLLATION.1,
                "Yes",
                "Yes",
                "1",
                "NO PAD",
            ])],
        ),
        Topic::CharacterSet => (
            &["Charset", "Description", "Default collation", "Maxlen"],
            vec![texts(&["utf8mb4", "UTF-8 Unicode", COLLATION.0, "4"])],
        ),
    };
    let rows = rows
        .into_iter()
        .map(|row| row.into_iter().map(Some).collect())
        .collect();
    shown(session, topic.verb(), columns, rows, filter).await
}

/// SHOW INDEX: a row for each column of each key.
pub(super) async fn index(session: &Session, statement: ShowIndex) -> Result<Outcome> {
    const COLUMNS: [&str; 13] = [
        "Table",
        "Non_unique",
        "Key_name",
        "Seq_in_index",
        "Column_name",
        "Collation",
        "Cardinality",
        "Sub_part",
        "Packed",
        "Null",
        "Index_type",
        "Comment",
        "Index_comment",
    ];
    let mut rows = Vec::new();
    if let ShownTable::Stored(record) = session.table(&statement.table).await? {
        for catalog::TableKey { name: key, columns } in table_keys(&record) {
            for (index, column) in columns.into_iter().enumerate() {
                let nullable = record
                    .columns
                    .iter()
                    .any(|known| known.name == column && known.nullable);
                rows.push(vec![
                    Some(record.name.clone()),
                    Some("0".to_owned()),
                    Some(key.clone()),
                    Some((index + 1).to_string()),
                    Some(column),
                    None,
                    None,
                    None,
                    None,
                    Some(if nullable { "YES" } else { "" }.to_owned()),
                    Some(String::new()),
                    Some(String::new()),
                    Some(String::new()),
                ]);
            }
        }
    }
    let filter = statement.condition.map(ShowFilter::Where);
    shown(session, "SHOW INDEX", &COLUMNS, rows, filter).await
}

/// SHOW TABLE STATUS: the tables; what is not counted is NULL.
pub(super) async fn table_status(session: &Session, statement: ShowTables) -> Result<Outcome> {
    const COLUMNS: [&str; 18] = [
        "Name",
        "Engine",
        "Version",
        "Row_format",
        "Rows",
        "Avg_row_length",
        "Data_length",
        "Max_data_length",
        "Index_length",
        "Data_free",
        "Auto_increment",
        "Create_time",
        "Update_time",
        "Check_time",
        "Collation",
        "Checksum",
        "Create_options",
        "Comment",
    ];
    let database = statement
        .database
        .map_or_else(|| session.database().to_owned(), |name| name.value);
    let tables = session.tables(database).await?;
    let rows = tables
        .into_iter()
        .map(|(name, table)| {
            let is_view = matches!(&table, ShownTable::Stored(record) if record.view().is_some());
            let row = COLUMNS.iter().map(|column| match *column {
                "Name" => Some(name.clone()),
                "Comment" if is_view => Some("VIEW".to_owned()),
                _ if is_view => None,
                "Engine" => Some("Stagedoor".to_owned()),
                "Collation" => Some(COLLATION.0.to_owned()),
                "Create_options" | "Comment" => Some(String::new()),
                _ => None,
            });
            row.collect()
        })
        .collect();
    shown(
        session,
        "SHOW TABLE STATUS",
        &COLUMNS,
        rows,
        statement.filter,
    )
    .await
}

fn texts(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}
