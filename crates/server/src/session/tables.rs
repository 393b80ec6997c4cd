//! CREATE and DROP DATABASE, CREATE, DROP and TRUNCATE TABLE, CREATE EXTERNAL TABLE.
//! Tables are lists of Parquet segments in internal storage; external tables are a location and options.

use catalog::{Column, CreateOutcome, NewTable, OnExists, TableRecord, TableSource};
use parser::{
    ColumnDef, CreateDatabase, CreateExternalTable, CreateTable, DropDatabase, DropTable, Literal,
    TableKey, TableName,
};

use crate::error::{Error, Reason, Result};
use crate::external::ExternalOptions;
use crate::system_tables;

use super::{Outcome, Session};

impl Session {
    pub(super) async fn create_database(&self, statement: CreateDatabase) -> Result<Outcome> {
        let name = statement.name.value;
        let exists = || {
            Error::new(
                Reason::DatabaseExists,
                1007,
                "HY000",
                format!("Can't create database '{name}'; database exists"),
            )
        };
        if self.existing_database(&name).is_ok() {
            if statement.if_not_exists {
                return Ok(Outcome::done_with_warnings(
                    "CREATE DATABASE",
                    vec![format!("database {name} exists; nothing was changed")],
                ));
            }
            return Err(exists());
        }
        let (created, taken) = (name.clone(), exists());
        self.blocking(move |instance, actor| {
            let made = instance
                .catalog
                .create_database(actor, &created, OnExists::Error);
            made.map_err(|error| match error.kind() {
                catalog::ErrorKind::AlreadyExists => taken,
                catalog::ErrorKind::Invalid => Error::invalid_input(Reason::QueryInvalid, &error),
                _ => error.into(),
            })
        })
        .await?;
        Ok(Outcome::done("CREATE DATABASE"))
    }

    pub(super) async fn drop_database(&mut self, statement: DropDatabase) -> Result<Outcome> {
        let name = statement.name.value;
        refuse_system(&name)?;
        let missing = |name: &str| {
            Error::new(
                Reason::DatabaseNotFound,
                1008,
                "HY000",
                format!("Can't drop database '{name}'; database doesn't exist"),
            )
        };
        if self
            .instance
            .catalog
            .database(self.account(), &name)?
            .is_none()
        {
            if statement.if_exists {
                return Ok(Outcome::done_with_warnings(
                    "DROP DATABASE",
                    vec![format!(
                        "database {name} does not exist; nothing was changed"
                    )],
                ));
            }
            return Err(missing(&name));
        }
        self.blocking(move |instance, actor| {
            let dropped = match instance.catalog.drop_database(actor, &name) {
                Ok(dropped) => dropped,
                // Dropped by another session just now.
                Err(error) if error.kind() == catalog::ErrorKind::NotFound => {
                    return if statement.if_exists {
                        Ok(())
                    } else {
                        Err(missing(&name))
                    };
                }
                Err(error) => return Err(error.into()),
            };
            let files = dropped
                .tables
                .iter()
                .flat_map(|table| table.segments())
                .map(|segment| segment.file.clone());
            instance.internal.remove_segments(files);
            Ok(())
        })
        .await?;
        Ok(Outcome::done("DROP DATABASE"))
    }

    pub(super) async fn create_table(&self, statement: CreateTable) -> Result<Outcome> {
        let mut warnings = Vec::new();
        let mut columns = columns_of(&statement.columns)?;
        for key in &statement.keys {
            match key {
                TableKey::Primary(names) => {
                    for name in names {
                        let column = columns.iter_mut().find(|column| column.name == name.value);
                        let column = column.ok_or_else(|| {
                            Error::new(
                                Reason::ColumnNotFound,
                                1072,
                                "42000",
                                format!("Key column '{}' doesn't exist in table", name.value),
                            )
                        })?;
                        column.primary_key = true;
                        column.nullable = false;
                    }
                }
                TableKey::Unique { .. } => {
                    warnings.push("UNIQUE is noted nowhere and not enforced".to_owned())
                }
                TableKey::Index { .. } => {}
            }
        }
        if columns.iter().any(|column| column.primary_key) {
            warnings.push(
                "PRIMARY KEY makes its columns NOT NULL; uniqueness is not enforced".to_owned(),
            );
        }
        if statement.columns.iter().any(|column| column.unique) {
            warnings.push("UNIQUE is noted nowhere and not enforced".to_owned());
        }
        let comment = statement
            .comment
            .map(|comment| comment.value)
            .unwrap_or_default();
        let outcome = self
            .add_table(
                "CREATE TABLE",
                &statement.table,
                columns,
                TableSource::Segments(Vec::new()),
                comment,
                statement.if_not_exists,
            )
            .await?;
        Ok(match outcome {
            Outcome::Done(done) if done.warnings.is_empty() => {
                Outcome::done_with_warnings("CREATE TABLE", warnings)
            }
            other => other,
        })
    }

    pub(super) async fn create_external_table(
        &self,
        statement: CreateExternalTable,
    ) -> Result<Outcome> {
        let options = ExternalOptions::from_statement(&statement)?;
        let columns = if statement.columns.is_empty() {
            self.inferred_columns(&options).await?
        } else {
            columns_of(&statement.columns)?
        };
        let source = TableSource::External {
            location: options.location.clone(),
            options: options.to_pairs(),
        };
        self.add_table(
            "CREATE EXTERNAL TABLE",
            &statement.table,
            columns,
            source,
            String::new(),
            statement.if_not_exists,
        )
        .await
    }

    async fn add_table(
        &self,
        verb: &'static str,
        name: &TableName,
        columns: Vec<Column>,
        source: TableSource,
        comment: String,
        if_not_exists: bool,
    ) -> Result<Outcome> {
        let (database, name) = self.resolve(name)?;
        refuse_system(&database)?;
        self.existing_database(&database)?;
        let on_exists = if if_not_exists {
            OnExists::Keep
        } else {
            OnExists::Error
        };
        let table = NewTable {
            database,
            name: name.clone(),
            columns,
            source,
            comment,
        };
        let created = self
            .blocking(move |instance, actor| {
                let name = table.name.clone();
                instance
                    .catalog
                    .create_table(actor, table, on_exists)
                    .map_err(|error| match error.kind() {
                        catalog::ErrorKind::AlreadyExists => Error::new(
                            Reason::TableExists,
                            1050,
                            "42S01",
                            format!("Table '{name}' already exists"),
                        ),
                        catalog::ErrorKind::Invalid => {
                            Error::invalid_input(Reason::QueryInvalid, &error)
                        }
                        _ => error.into(),
                    })
            })
            .await?;
        Ok(match created.outcome {
            CreateOutcome::Kept => Outcome::done_with_warnings(
                verb,
                vec![format!("table {name} exists; nothing was changed")],
            ),
            _ => Outcome::done(verb),
        })
    }

    pub(super) async fn drop_table(&self, statement: DropTable) -> Result<Outcome> {
        let mut names = Vec::with_capacity(statement.tables.len());
        let mut warnings = Vec::new();
        // All names are looked at first, so that a wrong one drops nothing.
        for table in &statement.tables {
            let (database, name) = self.resolve(table)?;
            refuse_system(&database)?;
            match self
                .instance
                .catalog
                .table(self.account(), &database, &name)?
            {
                Some(_) => names.push((database, name)),
                None if statement.if_exists => {
                    warnings.push(format!("table {database}.{name} does not exist"))
                }
                None => {
                    return Err(Error::new(
                        Reason::TableNotFound,
                        1051,
                        "42S02",
                        format!("Unknown table '{database}.{name}'"),
                    ));
                }
            }
        }
        self.blocking(move |instance, actor| {
            for (database, name) in names {
                let dropped = instance
                    .catalog
                    .drop_table(actor, &database, &name)
                    .map_err(|e| missing_table(e, &database, &name))?;
                instance.internal.remove_segments(
                    dropped
                        .segments()
                        .iter()
                        .map(|segment| segment.file.clone()),
                );
            }
            Ok(())
        })
        .await?;
        Ok(Outcome::done_with_warnings("DROP TABLE", warnings))
    }

    pub(super) async fn truncate_table(&self, name: TableName) -> Result<Outcome> {
        let (database, name) = self.resolve(&name)?;
        let table = self.existing_table(&database, &name)?;
        if matches!(table.source, TableSource::External { .. }) {
            return Err(Error::not_supported(format_args!(
                "truncate external table '{name}'; its files are not managed by the table"
            )));
        }
        self.blocking(move |instance, actor| {
            let removed = instance
                .catalog
                .truncate_table(actor, &database, &name)
                .map_err(|e| missing_table(e, &database, &name))?;
            instance
                .internal
                .remove_segments(removed.into_iter().map(|segment| segment.file));
            Ok(())
        })
        .await?;
        Ok(Outcome::done("TRUNCATE TABLE"))
    }

    /// Database and table that a name means in this session.
    pub(super) fn resolve(&self, name: &TableName) -> Result<(String, String)> {
        let database = name.database.as_ref().map_or_else(
            || self.database().to_owned(),
            |database| database.value.clone(),
        );
        Ok((database, name.table.value.clone()))
    }

    /// The record of a table, or MySQL's error.
    pub(super) fn existing_table(&self, database: &str, name: &str) -> Result<TableRecord> {
        self.existing_database(database)?;
        self.instance
            .catalog
            .table(self.account(), database, name)?
            .ok_or_else(|| no_such_table(database, name))
    }
}

/// The catalog's columns, types checked by the engine that will have to store them.
fn columns_of(definitions: &[ColumnDef]) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::with_capacity(definitions.len());
    for definition in definitions {
        let name = definition.name.value.clone();
        if columns.iter().any(|column| column.name == name) {
            return Err(Error::new(
                Reason::QueryInvalid,
                1060,
                "42S21",
                format!("Duplicate column name '{name}'"),
            ));
        }
        if definition.auto_increment {
            return Err(Error::not_implemented(format_args!(
                "AUTO_INCREMENT (column '{name}')"
            )));
        }
        let nullable = definition.nullable.unwrap_or(true) && !definition.primary_key;
        let data_type = definition.data_type.value.to_string();
        query::arrow_field(&name, &data_type, nullable)?;
        columns.push(Column {
            name,
            data_type,
            nullable,
            default: definition
                .default
                .as_ref()
                .map(|default| default_text(&default.value)),
            primary_key: definition.primary_key,
            comment: definition
                .comment
                .as_ref()
                .map(|comment| comment.value.clone())
                .unwrap_or_default(),
        });
    }
    Ok(columns)
}

/// A default as SQL text, so that it can be evaluated where it is needed.
fn default_text(default: &Literal) -> String {
    match default {
        Literal::Null => "NULL".to_owned(),
        Literal::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        Literal::Number(text) => text.clone(),
        Literal::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
        Literal::CurrentTimestamp(_) => "CURRENT_TIMESTAMP".to_owned(),
    }
}

fn refuse_system(database: &str) -> Result<()> {
    if system_tables::is_system_database(database) {
        return Err(Error::new(
            Reason::PermissionDenied,
            1044,
            "42000",
            format!("database '{database}' is the server's own and read-only"),
        ));
    }
    Ok(())
}

pub(super) fn no_such_table(database: &str, name: &str) -> Error {
    Error::new(
        Reason::TableNotFound,
        1146,
        "42S02",
        format!("Table '{database}.{name}' doesn't exist"),
    )
}

/// For a table that was dropped between our look and our change.
pub(super) fn missing_table(error: catalog::Error, database: &str, name: &str) -> Error {
    match error.kind() {
        // Dropped, or dropped and made anew, since it was looked up.
        catalog::ErrorKind::NotFound | catalog::ErrorKind::Conflict => {
            no_such_table(database, name)
        }
        _ => error.into(),
    }
}
