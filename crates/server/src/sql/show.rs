//! SHOW and DESCRIBE of databases and tables, and what every SHOW shares.

use catalog::{
    Credentials, ExportState, PRIMARY, StageChangeKind, TableRecord, TableSource, ViewQuery,
};
use parser::{ShowFilter, ShowTables, TableName};

use super::filter::shown;
use crate::error::{Error, Result};
use crate::live::LiveOptions;
use crate::session::{Outcome, Session, ShownTable};
use crate::sessions::SessionState;

use super::passing::COLLATION;

pub(super) async fn databases(session: &Session, filter: Option<ShowFilter>) -> Result<Outcome> {
    let names = session.database_names().await?;
    names_outcome(session, "SHOW DATABASES", "Database", names, filter).await
}

pub(super) async fn tables(session: &Session, statement: ShowTables) -> Result<Outcome> {
    let database = statement
        .database
        .map_or_else(|| session.database().to_owned(), |name| name.value);
    let column = format!("Tables_in_{database}");
    let (verb, filter) = ("SHOW TABLES", statement.filter);
    if !statement.full {
        let names = session.table_names(database).await?;
        return names_outcome(session, verb, &column, names, filter).await;
    }
    let rows = session
        .tables(database)
        .await?
        .into_iter()
        .map(|(name, table)| vec![Some(name), Some(table_type(&table).to_owned())])
        .collect();
    shown(session, verb, &[&column, "Table_type"], rows, filter).await
}

fn table_type(table: &ShownTable) -> &'static str {
    match table {
        ShownTable::System(_) => "SYSTEM VIEW",
        ShownTable::Stored(record) => match record.view() {
            Some(_) => "VIEW",
            None => "BASE TABLE",
        },
    }
}

pub(super) async fn columns(
    session: &Session,
    verb: &'static str,
    name: TableName,
    full: bool,
    filter: Option<ShowFilter>,
) -> Result<Outcome> {
    let rows: Vec<Vec<Option<String>>> = match session.table(&name).await? {
        ShownTable::System(schema) => schema
            .fields()
            .iter()
            .map(|field| {
                vec![
                    Some(field.name().clone()),
                    Some(query::sql_type(field.data_type())),
                    yes(field.is_nullable()),
                    Some(String::new()),
                    None,
                    Some(String::new()),
                    Some(String::new()),
                ]
            })
            .collect(),
        ShownTable::Stored(record) => {
            let unique: Vec<String> = record
                .keys
                .iter()
                .filter(|key| key.columns.len() == 1)
                .flat_map(|key| key.columns.clone())
                .collect();
            let row = |column: catalog::Column| {
                let key = match (column.primary_key, unique.contains(&column.name)) {
                    (true, _) => "PRI",
                    (false, true) => "UNI",
                    (false, false) => "",
                };
                vec![
                    Some(column.name),
                    Some(column.data_type),
                    yes(column.nullable),
                    Some(key.to_owned()),
                    column.default,
                    Some(
                        if column.auto_increment {
                            "auto_increment"
                        } else {
                            ""
                        }
                        .to_owned(),
                    ),
                    Some(column.comment),
                ]
            };
            record.columns.into_iter().map(row).collect()
        }
    };
    let columns = [
        "Field", "Type", "Null", "Key", "Default", "Extra", "Comment",
    ];
    let width = if full { 7 } else { 6 };
    let cut = |mut row: Vec<_>| {
        row.truncate(width);
        row
    };
    let rows = rows.into_iter().map(cut).collect();
    shown(session, verb, &columns[..width], rows, filter).await
}

pub(super) async fn create_table(session: &Session, name: TableName) -> Result<Outcome> {
    let record = session.stored_table(&name).await?;
    if let Some(view) = record.view() {
        return shown_view("SHOW CREATE TABLE", &record, view);
    }
    let row = vec![Some(record.name.clone()), Some(create_statement(&record))];
    Outcome::text_rows("SHOW CREATE TABLE", &["Table", "Create Table"], vec![row])
}

pub(super) async fn create_view(session: &Session, name: TableName) -> Result<Outcome> {
    let record = session.stored_view(&name).await?;
    match record.view() {
        Some(view) => shown_view("SHOW CREATE VIEW", &record, view),
        None => Err(Error::defect("a view without a query")),
    }
}

fn shown_view(verb: &'static str, record: &TableRecord, view: &ViewQuery) -> Result<Outcome> {
    const COLUMNS: [&str; 5] = [
        "View",
        "Create View",
        "character_set_client",
        "collation_connection",
        // In which names of its query without a database are looked up.
        "Database",
    ];
    let row = vec![
        Some(record.name.clone()),
        Some(view_statement(record, view)),
        Some("utf8mb4".to_owned()),
        Some(COLLATION.0.to_owned()),
        Some(view.database.clone()),
    ];
    Outcome::text_rows(verb, &COLUMNS, vec![row])
}

/// The statement that makes the view, where its query's database is the current one.
fn view_statement(record: &TableRecord, view: &ViewQuery) -> String {
    let mut name = backquoted(&record.name);
    if record.database != view.database {
        name = format!("{}.{name}", backquoted(&record.database));
    }
    let columns: Vec<String> = record
        .columns
        .iter()
        .filter(|_| view.names_columns)
        .map(|column| backquoted(&column.name))
        .collect();
    let columns = match columns.is_empty() {
        true => String::new(),
        false => format!(" ({})", columns.join(",")),
    };
    format!(
        "CREATE SQL SECURITY INVOKER VIEW {name}{columns} AS {}",
        view.query
    )
}

/// An export's state as rows show it.
pub(crate) fn export_state(state: ExportState) -> &'static str {
    match state {
        ExportState::Admitted => "ADMITTED",
        ExportState::Running => "RUNNING",
        ExportState::Prepared => "PREPARED",
        ExportState::Committed => "COMMITTED",
        ExportState::Failed => "FAILED",
        ExportState::Cancelled => "CANCELLED",
    }
}

/// What an open session does, as rows show it.
pub(super) fn session_state(state: SessionState) -> &'static str {
    match state {
        SessionState::Idle => "idle",
        SessionState::Waiting => "waiting",
        SessionState::Running => "running",
    }
}

/// What made a stage's version, as rows show it.
pub(crate) fn stage_change(change: StageChangeKind) -> &'static str {
    match change {
        StageChangeKind::Created => "CREATED",
        StageChangeKind::Altered => "ALTERED",
        StageChangeKind::Renamed => "RENAMED",
        StageChangeKind::RolledBack => "ROLLED_BACK",
        StageChangeKind::Replaced => "REPLACED",
        StageChangeKind::Dropped => "DROPPED",
        StageChangeKind::Undropped => "UNDROPPED",
    }
}

async fn names_outcome(
    session: &Session,
    verb: &'static str,
    column: &str,
    names: Vec<String>,
    filter: Option<ShowFilter>,
) -> Result<Outcome> {
    let rows = names.into_iter().map(|name| vec![Some(name)]).collect();
    shown(session, verb, &[column], rows, filter).await
}

fn yes(nullable: bool) -> Option<String> {
    Some(if nullable { "YES" } else { "NO" }.to_owned())
}

fn create_statement(table: &TableRecord) -> String {
    let mut lines: Vec<String> = table.columns.iter().map(column_line).collect();
    let keys: Vec<String> = table
        .columns
        .iter()
        .filter(|column| column.primary_key)
        .map(|column| backquoted(&column.name))
        .collect();
    let backquoted_all = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| backquoted(name)).collect();
        names.join(",")
    };
    match table.keys.iter().find(|key| key.name == PRIMARY) {
        Some(key) => lines.push(format!("  PRIMARY KEY ({})", backquoted_all(&key.columns))),
        // Of a table from before keys were kept.
        None if !keys.is_empty() => lines.push(format!("  PRIMARY KEY ({})", keys.join(","))),
        None => {}
    }
    for key in table.keys.iter().filter(|key| key.name != PRIMARY) {
        let columns = backquoted_all(&key.columns);
        lines.push(format!(
            "  UNIQUE KEY {} ({columns})",
            backquoted(&key.name)
        ));
    }
    let body = lines.join(",\n");
    match &table.source {
        TableSource::External {
            location,
            options,
            credentials,
        } => {
            let rows = match LiveOptions::from_record(location, options) {
                Some(Ok(live)) => live_place(live.server(), options, credentials),
                Some(Err(_)) | None => external_files(location, options),
            };
            let name = backquoted(&table.name);
            format!("CREATE EXTERNAL TABLE {name} (\n{body}\n) {rows}")
        }
        TableSource::View(view) => view_statement(table, view),
        TableSource::Segments(_) => {
            let comment = match table.comment.as_str() {
                "" => String::new(),
                comment => format!(" COMMENT={}", quoted(comment)),
            };
            let name = backquoted(&table.name);
            format!("CREATE TABLE {name} (\n{body}\n){comment}")
        }
    }
}

/// Where another server's table is, as its statement says it, but for the secrets.
fn live_place(server: &str, options: &[(String, String)], credentials: &Credentials) -> String {
    let mut pairs: Vec<String> = options
        .iter()
        .map(|(key, value)| format!("'{key}'={}", quoted(value)))
        .collect();
    let hidden = credentials.iter();
    pairs.extend(hidden.map(|credential| format!("'{}'='******'", credential.name)));
    format!("FROM {server} {{{}}}", pairs.join(","))
}

/// An external table's files and how they are read, as its statement says it.
fn external_files(location: &str, options: &[(String, String)]) -> String {
    let get = |wanted: &str| {
        let found = options.iter().find(|(key, _)| key == wanted);
        found.map(|(_, value)| value.as_str())
    };
    let mut pairs = vec![format!("'FILEPATH'={}", quoted(location))];
    for key in [
        "format",
        "compression",
        "header",
        "null",
        "hive_partitioning",
        "write_file_pattern",
    ] {
        pairs.extend(get(key).map(|value| format!("'{}'={}", key.to_uppercase(), quoted(value))));
    }
    let mut text = format!("INFILE{{{}}}", pairs.join(","));
    let mut clause = |head: &str, clauses: &[(&str, &str)]| {
        let given: Vec<String> = clauses
            .iter()
            .filter_map(|(key, words)| Some(format!("{words} {}", quoted(get(key)?))))
            .collect();
        if !given.is_empty() {
            text.push_str(&format!(" {head} {}", given.join(" ")));
        }
    };
    clause(
        "FIELDS",
        &[
            ("fields_terminated", "TERMINATED BY"),
            ("enclosed", "ENCLOSED BY"),
            ("escaped", "ESCAPED BY"),
        ],
    );
    clause(
        "LINES",
        &[
            ("lines_starting", "STARTING BY"),
            ("lines_terminated", "TERMINATED BY"),
        ],
    );
    match get("ignore_lines") {
        None | Some("0") => {}
        Some(lines) => text.push_str(&format!(" IGNORE {lines} LINES")),
    }
    text
}

fn column_line(column: &catalog::Column) -> String {
    let null = if column.nullable { "" } else { " NOT NULL" };
    let default = match &column.default {
        Some(default) => format!(" DEFAULT {default}"),
        None if column.nullable => " DEFAULT NULL".to_owned(),
        None => String::new(),
    };
    let comment = if column.comment.is_empty() {
        String::new()
    } else {
        format!(" COMMENT {}", quoted(&column.comment))
    };
    let numbered = if column.auto_increment {
        " AUTO_INCREMENT"
    } else {
        ""
    };
    format!(
        "  {} {}{null}{default}{numbered}{comment}",
        backquoted(&column.name),
        column.data_type
    )
}

pub(super) fn backquoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// On one line, whatever is in it.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('\'', "''")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
        .replace('\t', "\\t");
    format!("'{escaped}'")
}

/// What of a statement SHOW PROCESSLIST has without FULL, in characters, as MySQL.
const INFO_CHARACTERS_MAX: usize = 100;

pub(super) async fn processes(session: &Session, full: bool) -> Result<Outcome> {
    let cut = |text: String| match full {
        true => text,
        false => text.chars().take(INFO_CHARACTERS_MAX).collect(),
    };
    let rows = session.processes().await?.into_iter().map(|process| {
        vec![
            Some(process.id.to_string()),
            Some(process.user),
            Some(process.host),
            Some(process.database),
            Some(process.command.to_owned()),
            Some(process.seconds.to_string()),
            Some(process.state.to_owned()),
            process.statement.map(cut),
        ]
    });
    Outcome::text_rows(
        "SHOW PROCESSLIST",
        &[
            "Id", "User", "Host", "db", "Command", "Time", "State", "Info",
        ],
        rows.collect(),
    )
}
