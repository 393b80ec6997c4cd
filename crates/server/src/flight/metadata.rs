//! What clients ask of the catalog: Flight SQL's commands, answered by what the account's user may see. The account is
//! the one catalog; databases are its schemas, and the stages stand as tables in a schema of their own.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::sql::metadata::{GetCatalogsBuilder, GetDbSchemasBuilder, GetTablesBuilder};
use arrow_flight::sql::{Command, CommandGetDbSchemas, CommandGetPrimaryKeys, CommandGetTables};
use catalog::{PRIMARY, TableRecord, TableSource};
use parser::TableName;

use crate::error::{Error, Result};
use crate::session::{Session, ShownTable, fields, table_keys};

use super::sql_info;

/// The schema whose tables are the stages.
const STAGES: &str = "stages";

/// The types that tables have.
const TABLE_TYPES: [&str; 5] = [EXTERNAL_TABLE, STAGE, SYSTEM_TABLE, TABLE, VIEW];
const TABLE: &str = "TABLE";
const EXTERNAL_TABLE: &str = "EXTERNAL TABLE";
const VIEW: &str = "VIEW";
const SYSTEM_TABLE: &str = "SYSTEM TABLE";
const STAGE: &str = "STAGE";

/// The columns of the answer; `None` for a command that asks for something else.
pub(super) fn schema(command: &Command) -> Option<Result<SchemaRef>> {
    Some(Ok(match command {
        Command::CommandGetCatalogs(_) => GetCatalogsBuilder::new().schema(),
        Command::CommandGetDbSchemas(command) => command.clone().into_builder().schema(),
        Command::CommandGetTables(command) => command.clone().into_builder().schema(),
        Command::CommandGetTableTypes(_) => table_types_schema(),
        Command::CommandGetPrimaryKeys(_) => primary_keys_schema(),
        Command::CommandGetExportedKeys(_)
        | Command::CommandGetImportedKeys(_)
        | Command::CommandGetCrossReference(_) => foreign_keys_schema(),
        Command::CommandGetSqlInfo(command) => {
            return Some(sql_info::answer(command).map(|batch| batch.schema()));
        }
        Command::CommandGetXdbcTypeInfo(command) => {
            return Some(sql_info::types(command).map(|batch| batch.schema()));
        }
        _ => return None,
    }))
}

/// The answer; `None` for a command that asks for something else.
pub(super) async fn answer(session: &Session, command: Command) -> Option<Result<RecordBatch>> {
    Some(match command {
        Command::CommandGetCatalogs(_) => {
            let mut catalogs = GetCatalogsBuilder::new();
            catalogs.append(session.principal().account());
            catalogs.build().map_err(failed)
        }
        Command::CommandGetDbSchemas(command) => schemas(session, command).await,
        Command::CommandGetTables(command) => tables(session, command).await,
        Command::CommandGetTableTypes(_) => {
            let types = StringArray::from(TABLE_TYPES.to_vec());
            RecordBatch::try_new(table_types_schema(), vec![Arc::new(types)]).map_err(defect)
        }
        Command::CommandGetPrimaryKeys(command) => primary_keys(session, command).await,
        Command::CommandGetExportedKeys(_)
        | Command::CommandGetImportedKeys(_)
        | Command::CommandGetCrossReference(_) => Ok(RecordBatch::new_empty(foreign_keys_schema())),
        Command::CommandGetSqlInfo(command) => sql_info::answer(&command),
        Command::CommandGetXdbcTypeInfo(command) => sql_info::types(&command),
        _ => return None,
    })
}

/// As statements fold names, and patterns of them: JDBC's clients write them as their users do.
fn folded(name: &str) -> String {
    name.to_lowercase()
}

async fn schemas(session: &Session, command: CommandGetDbSchemas) -> Result<RecordBatch> {
    let command = CommandGetDbSchemas {
        catalog: command.catalog.as_deref().map(folded),
        db_schema_filter_pattern: command.db_schema_filter_pattern.as_deref().map(folded),
    };
    let account = session.principal().account().to_owned();
    let mut builder: GetDbSchemasBuilder = command.into_builder();
    let names = session.database_names().await?;
    if !names.iter().any(|name| name == STAGES) {
        builder.append(&account, STAGES);
    }
    for name in names {
        builder.append(&account, name);
    }
    builder.build().map_err(failed)
}

async fn tables(session: &Session, command: CommandGetTables) -> Result<RecordBatch> {
    let command = CommandGetTables {
        catalog: command.catalog.as_deref().map(folded),
        db_schema_filter_pattern: command.db_schema_filter_pattern.as_deref().map(folded),
        table_name_filter_pattern: command.table_name_filter_pattern.as_deref().map(folded),
        ..command
    };
    let account = session.principal().account().to_owned();
    let wanted = Wanted::of(&command, &account);
    let mut builder: GetTablesBuilder = command.into_builder();
    if wanted.types(&[TABLE, EXTERNAL_TABLE, SYSTEM_TABLE, VIEW]) {
        for database in session.database_names().await? {
            if !wanted.schema(&database) {
                continue;
            }
            for (name, table) in session.tables(database.clone()).await? {
                let (kind, schema) = match &table {
                    ShownTable::System(schema) => (SYSTEM_TABLE, schema.as_ref().clone()),
                    ShownTable::Stored(record) => (kind(record), Schema::new(fields(record)?)),
                };
                builder
                    .append(&account, &database, name, kind, &schema)
                    .map_err(failed)?;
            }
        }
    }
    if wanted.types(&[STAGE]) && wanted.schema(STAGES) {
        let columns = stage_columns();
        for stage in session.stages(String::new(), |_| true).await? {
            builder
                .append(&account, STAGES, stage.name, STAGE, &columns)
                .map_err(failed)?;
        }
    }
    builder.build().map_err(failed)
}

/// What of all tables an answer can have in it; the builder filters by the rest.
struct Wanted {
    /// Whether the catalog is ours.
    catalog: bool,
    schema_pattern: Option<String>,
    types: Vec<String>,
}

impl Wanted {
    fn of(command: &CommandGetTables, account: &str) -> Self {
        let catalog = command.catalog.as_ref();
        Self {
            catalog: catalog.is_none_or(|name| name == account || name.is_empty()),
            schema_pattern: command.db_schema_filter_pattern.clone(),
            types: command.table_types.clone(),
        }
    }

    fn types(&self, types: &[&str]) -> bool {
        let wanted = |kind: &&str| self.types.iter().any(|wanted| wanted == kind);
        self.catalog && (self.types.is_empty() || types.iter().any(wanted))
    }

    /// Whether a schema may be one of those; a pattern is left to the builder.
    fn schema(&self, name: &str) -> bool {
        match &self.schema_pattern {
            Some(pattern) if !pattern.contains(['%', '_', '\\']) => pattern == name,
            Some(_) | None => true,
        }
    }
}

fn kind(table: &TableRecord) -> &'static str {
    match table.source {
        TableSource::Segments(_) => TABLE,
        TableSource::External { .. } => EXTERNAL_TABLE,
        TableSource::View(_) => VIEW,
    }
}

/// What `stage_list('stage://…')` tells of each of its files.
fn stage_columns() -> Schema {
    crate::stage_files::schema().as_ref().clone()
}

async fn primary_keys(session: &Session, command: CommandGetPrimaryKeys) -> Result<RecordBatch> {
    let account = session.principal().account().to_owned();
    let name = TableName {
        database: command
            .db_schema
            .filter(|name| !name.is_empty())
            .map(|name| folded(&name).into()),
        table: folded(&command.table).into(),
    };
    let is_here = command
        .catalog
        .is_none_or(|name| folded(&name) == account || name.is_empty());
    let is_stage = name
        .database
        .as_ref()
        .is_some_and(|name| name.value == STAGES);
    let record = match is_here && !is_stage {
        true => match session.table(&name).await? {
            ShownTable::Stored(record) => Some(record),
            ShownTable::System(_) => None,
        },
        false => None,
    };
    let keys = record.iter().flat_map(|record| {
        let keys = table_keys(record).into_iter();
        let columns = keys
            .filter(|key| key.name == PRIMARY)
            .flat_map(|key| key.columns);
        columns.enumerate()
    });
    let (sequence, columns): (Vec<i32>, Vec<String>) =
        keys.map(|(at, column)| (at as i32 + 1, column)).unzip();
    let database = record.as_ref().map(|record| record.database.clone());
    let table = record.as_ref().map(|record| record.name.clone());
    let all = |text: Option<String>| {
        let texts = columns.iter().map(|_| text.clone());
        Arc::new(texts.collect::<StringArray>()) as ArrayRef
    };
    let arrays = vec![
        all(Some(account)),
        all(database),
        all(table),
        Arc::new(StringArray::from(columns.clone())) as ArrayRef,
        Arc::new(Int32Array::from(sequence)) as ArrayRef,
        all(Some(PRIMARY.to_owned())),
    ];
    RecordBatch::try_new(primary_keys_schema(), arrays).map_err(defect)
}

fn table_types_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new(
        "table_type",
        DataType::Utf8,
        false,
    )]))
}

fn primary_keys_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("catalog_name", DataType::Utf8, true),
        Field::new("db_schema_name", DataType::Utf8, true),
        Field::new("table_name", DataType::Utf8, false),
        Field::new("column_name", DataType::Utf8, false),
        Field::new("key_sequence", DataType::Int32, false),
        Field::new("key_name", DataType::Utf8, true),
    ]))
}

/// There are no foreign keys.
fn foreign_keys_schema() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    Arc::new(Schema::new(vec![
        text("pk_catalog_name", true),
        text("pk_db_schema_name", true),
        text("pk_table_name", false),
        text("pk_column_name", false),
        text("fk_catalog_name", true),
        text("fk_db_schema_name", true),
        text("fk_table_name", false),
        text("fk_column_name", false),
        Field::new("key_sequence", DataType::Int32, false),
        text("fk_key_name", true),
        text("pk_key_name", true),
        Field::new("update_rule", DataType::UInt8, false),
        Field::new("delete_rule", DataType::UInt8, false),
    ]))
}

fn failed(error: arrow_flight::error::FlightError) -> Error {
    Error::defect("failed to build an answer").with_source(error)
}

fn defect(error: arrow::error::ArrowError) -> Error {
    Error::defect("failed to build an answer").with_source(error)
}
