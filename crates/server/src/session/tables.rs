//! CREATE and DROP DATABASE, CREATE, DROP and TRUNCATE TABLE, CREATE EXTERNAL TABLE.
//! Tables are lists of Parquet segments in internal storage; external tables are a location and options.

use catalog::{Column, CreateOutcome, NewTable, OnExists, TableKey, TableRecord, TableSource};
use parser::{
    CreateDatabase, CreateExternalTable, CreateTable, DropDatabase, DropTable, TableName,
};

use crate::error::{Error, Reason, Result};
use crate::external::ExternalOptions;
use crate::gate::{Acting, Object, Operation, Permit};
use crate::system_tables;

use super::table_columns::{check_numbered, columns_of, keys_of};
use super::{Outcome, Session};

/// What DESCRIBE tells of.
pub(crate) enum ShownTable {
    /// One of the server's own.
    System(arrow::datatypes::SchemaRef),
    Stored(Box<TableRecord>),
}

/// What only a table of CREATE TABLE has.
struct Numbering {
    keys: Vec<TableKey>,
    /// The number that AUTO_INCREMENT gives first.
    first: u64,
}

impl Session {
    pub(crate) async fn create_database(&self, statement: CreateDatabase) -> Result<Outcome> {
        let verb = "CREATE DATABASE";
        let name = statement.name.value;
        let object = Object::Database(name.clone());
        self.act(Operation::CreateDatabase, object, move |acting, permit| {
            let kept = || {
                Outcome::done_with_warnings(
                    verb,
                    vec![format!("1007: database {name} exists; nothing was changed")],
                )
            };
            let exists = || {
                Error::new(
                    Reason::DatabaseExists,
                    1007,
                    "HY000",
                    format!("Can't create database '{name}'; database exists"),
                )
            };
            if acting.has_database(permit, &name)? {
                return if statement.if_not_exists {
                    Ok(kept())
                } else {
                    Err(exists())
                };
            }
            let on_exists = if statement.if_not_exists {
                OnExists::Keep
            } else {
                OnExists::Error
            };
            let made = acting
                .instance
                .catalog
                .create_database(permit.actor(), &name, on_exists);
            match made {
                Ok(created) => Ok(match created.outcome {
                    CreateOutcome::Kept => kept(),
                    CreateOutcome::Created | CreateOutcome::Replaced => Outcome::done(verb),
                }),
                Err(error) => Err(match error.kind() {
                    catalog::ErrorKind::AlreadyExists => exists(),
                    catalog::ErrorKind::Invalid => {
                        Error::invalid_input(Reason::QueryInvalid, &error)
                    }
                    _ => error.into(),
                }),
            }
        })
        .await
    }

    pub(crate) async fn drop_database(&self, statement: DropDatabase) -> Result<Outcome> {
        let verb = "DROP DATABASE";
        let name = statement.name.value;
        let object = Object::Database(name.clone());
        self.act(Operation::DropDatabase, object, move |acting, permit| {
            refuse_system(&name)?;
            if name == acting.instance.settings.default_database {
                return Err(Error::new(
                    Reason::PermissionDenied,
                    1044,
                    "42000",
                    format!(
                        "database '{name}' is the default database (setting default_database), in which sessions begin; it cannot be dropped"
                    ),
                ));
            }
            let dropped = match acting.instance.catalog.drop_database(permit.actor(), &name) {
                Ok(dropped) => dropped,
                Err(error) if error.kind() == catalog::ErrorKind::NotFound => {
                    return if statement.if_exists {
                        Ok(Outcome::done_with_warnings(
                            verb,
                            vec![format!(
                                "1008: database {name} does not exist; nothing was changed"
                            )],
                        ))
                    } else {
                        Err(Error::new(
                            Reason::DatabaseNotFound,
                            1008,
                            "HY000",
                            format!("Can't drop database '{name}'; database doesn't exist"),
                        ))
                    };
                }
                Err(error) => return Err(error.into()),
            };
            let files = dropped
                .tables
                .iter()
                .flat_map(|table| table.segments())
                .map(|segment| segment.file.clone());
            acting.instance.internal.remove_segments(files);
            Ok(Outcome::done(verb))
        })
        .await
    }

    /// The names of the account's databases, and of the server's own.
    pub(crate) async fn database_names(&self) -> Result<Vec<String>> {
        self.act(
            Operation::ShowDatabases,
            Object::Account,
            move |acting, permit| {
                let databases = acting.instance.catalog.databases(permit.account())?;
                let mut names: Vec<String> = databases
                    .into_iter()
                    .map(|database| database.name)
                    .chain(system_tables::SYSTEM_DATABASES.map(str::to_owned))
                    .collect();
                names.sort();
                Ok(names)
            },
        )
        .await
    }

    /// The names of a database's tables: with SHOW TABLES on it all of them, without it those the principal has
    /// some privilege on.
    pub(crate) async fn table_names(&self, database: String) -> Result<Vec<String>> {
        let tables = self.tables(database).await?;
        Ok(tables.into_iter().map(|(name, _)| name).collect())
    }

    /// The same tables, with what they look like.
    pub(crate) async fn tables(&self, database: String) -> Result<Vec<(String, ShownTable)>> {
        let object = Object::Database(database.clone());
        self.act(Operation::UseDatabase, object, move |acting, permit| {
            acting.existing_database(permit, &database)?;
            if let Some(names) = system_tables::table_names(&database) {
                let shown = |name: &str| {
                    let columns = system_tables::columns(&database, name)?;
                    Some((name.to_owned(), ShownTable::System(columns)))
                };
                return Ok(names.into_iter().filter_map(shown).collect());
            }
            let catalog = &acting.instance.catalog;
            let tables = catalog.tables(permit.account(), &database)?;
            let all = acting.may(Operation::ShowTables, &Object::Database(database.clone()))?;
            let mut shown = Vec::with_capacity(tables.len());
            for table in tables {
                let object = table_object(&database, &table.name);
                if all || acting.may(Operation::DescribeTable, &object)? {
                    shown.push((table.name.clone(), ShownTable::Stored(Box::new(table))));
                }
            }
            Ok(shown)
        })
        .await
    }

    /// What a table looks like.
    pub(crate) async fn table(&self, name: &TableName) -> Result<ShownTable> {
        let (database, table) = self.resolve(name);
        if system_tables::is_system_database(&database) {
            let operation = system_tables::operation(&database, &table);
            let object = table_object(&database, &table);
            return self
                .act(operation, object, move |_, _| {
                    system_tables::columns(&database, &table)
                        .map(ShownTable::System)
                        .ok_or_else(|| no_such_table(&database, &table))
                })
                .await;
        }
        let record = self.stored_table(name).await?;
        Ok(ShownTable::Stored(Box::new(record)))
    }

    /// The record of a table that is not the server's own.
    pub(crate) async fn stored_table(&self, name: &TableName) -> Result<TableRecord> {
        let (database, table) = self.resolve(name);
        let object = table_object(&database, &table);
        self.act(Operation::DescribeTable, object, move |acting, permit| {
            acting.existing_table(Operation::DescribeTable, permit, &database, &table)
        })
        .await
    }

    pub(crate) async fn create_table(&self, statement: CreateTable) -> Result<Outcome> {
        self.allow_create(&statement.table).await?;
        let mut columns = columns_of(&statement.columns)?;
        let keys = keys_of(&mut columns, &statement)?;
        let comment = statement
            .comment
            .as_ref()
            .map(|comment| comment.value.clone())
            .unwrap_or_default();
        check_numbered(&columns, &statement)?;
        let first = statement
            .options
            .iter()
            .find(|(name, _)| name == "AUTO_INCREMENT")
            .and_then(|(_, value)| value.parse().ok());
        let if_not_exists = statement.if_not_exists;
        let source = || TableSource::Segments(Vec::new());
        let first = first.unwrap_or(1).max(1);
        let created = self
            .add_numbered_table(
                &statement.table,
                columns,
                comment,
                kept_if(if_not_exists),
                Numbering { keys, first },
                source,
            )
            .await?;
        self.made_table("CREATE TABLE", &statement.table, created, Vec::new())
    }

    pub(crate) async fn create_external_table(
        &self,
        statement: CreateExternalTable,
    ) -> Result<Outcome> {
        self.allow_create(&statement.table).await?;
        let options = ExternalOptions::from_statement(&statement)?;
        self.refuse_temporary(
            &options.stage_path()?.0,
            "external table, which outlives it",
        )?;
        let columns = if statement.columns.is_empty() {
            self.inferred_columns(&options).await?
        } else {
            columns_of(&statement.columns)?
        };
        if options.write.is_some() && columns.iter().any(|column| column.auto_increment) {
            return Err(Error::invalid_configuration(
                Reason::OptionInvalid,
                "WRITE_FILE_PATTERN: it does not go with AUTO_INCREMENT, whose numbers an external table does not keep",
            ));
        }
        let source = TableSource::External {
            location: options.location.clone(),
            options: options.to_pairs(),
            credentials: catalog::Credentials::default(),
        };
        let warnings: Vec<String> = options.unread_files()?.into_iter().collect();
        let verb = "CREATE EXTERNAL TABLE";
        let if_not_exists = statement.if_not_exists;
        let created = self
            .add_table(
                &statement.table,
                columns,
                String::new(),
                kept_if(if_not_exists),
                || source,
            )
            .await?;
        self.made_table(verb, &statement.table, created, warnings)
    }

    pub(super) fn made_table(
        &self,
        verb: &'static str,
        name: &TableName,
        created: CreateOutcome,
        warnings: Vec<String>,
    ) -> Result<Outcome> {
        match created {
            CreateOutcome::Kept => self.table_exists(verb, &self.resolve(name).1, true),
            CreateOutcome::Created | CreateOutcome::Replaced => {
                Ok(Outcome::done_with_warnings(verb, warnings))
            }
        }
    }

    /// The answer for a table that is there already.
    pub(super) fn table_exists(
        &self,
        verb: &'static str,
        name: &str,
        if_not_exists: bool,
    ) -> Result<Outcome> {
        if if_not_exists {
            let warning = format!("1050: table {name} exists; nothing was changed");
            return Ok(Outcome::done_with_warnings(verb, vec![warning]));
        }
        Err(table_exists(name))
    }

    pub(super) async fn allow_create(&self, name: &TableName) -> Result<()> {
        let (database, _) = self.resolve(name);
        self.allow(Operation::CreateTable, Object::Database(database))
            .await?;
        Ok(())
    }

    /// Makes a table; `source` is asked for where nothing can stop the change any more.
    pub(super) async fn add_table(
        &self,
        name: &TableName,
        columns: Vec<Column>,
        comment: String,
        on_exists: OnExists,
        source: impl FnOnce() -> TableSource + Send + 'static,
    ) -> Result<CreateOutcome> {
        let plain = Numbering {
            keys: Vec::new(),
            first: 1,
        };
        self.add_numbered_table(name, columns, comment, on_exists, plain, source)
            .await
    }

    /// [`Session::add_table`], with keys and where AUTO_INCREMENT begins.
    async fn add_numbered_table(
        &self,
        name: &TableName,
        columns: Vec<Column>,
        comment: String,
        on_exists: OnExists,
        numbering: Numbering,
        source: impl FnOnce() -> TableSource + Send + 'static,
    ) -> Result<CreateOutcome> {
        let (database, name) = self.resolve(name);
        let object = Object::Database(database.clone());
        self.act(Operation::CreateTable, object, move |acting, permit| {
            refuse_system(&database)?;
            acting.existing_database(permit, &database)?;
            let table = NewTable {
                database,
                name: name.clone(),
                columns,
                source: source(),
                keys: numbering.keys,
                next_number: numbering.first.max(1),
                comment,
            };
            let created = acting
                .instance
                .catalog
                .create_table(permit.actor(), table, on_exists)
                .map_err(|error| match error.kind() {
                    catalog::ErrorKind::AlreadyExists => table_exists(&name),
                    catalog::ErrorKind::Invalid => {
                        Error::invalid_input(Reason::QueryInvalid, &error)
                    }
                    _ => error.into(),
                })?;
            let replaced = created.replaced.iter().flat_map(TableRecord::segments);
            let files = replaced.map(|segment| segment.file.clone());
            acting.instance.internal.remove_segments(files);
            Ok(created.outcome)
        })
        .await
    }

    pub(crate) async fn drop_table(&self, statement: DropTable) -> Result<Outcome> {
        let tables: Vec<(String, String)> = statement
            .tables
            .iter()
            .map(|table| self.resolve(table))
            .collect();
        let mut permits = Vec::with_capacity(tables.len());
        for (database, name) in &tables {
            permits.push(
                self.allow(Operation::DropTable, table_object(database, name))
                    .await?,
            );
        }
        let acting = self.acting();
        self.instance
            .blocking(move |instance| {
                let mut found = Vec::with_capacity(tables.len());
                let mut warnings = Vec::new();
                // All names are looked at first, so that a wrong one drops nothing.
                for ((database, name), permit) in tables.into_iter().zip(permits) {
                    refuse_system(&database)?;
                    match instance.catalog.table(permit.account(), &database, &name)? {
                        Some(table) if table.view().is_some() => {
                            let what =
                                format!("{database}.{name} is a view, which DROP VIEW drops");
                            if !statement.if_exists {
                                return Err(unknown_table(&database, &name).within(what));
                            }
                            warnings.push(format!("1051: {what}"));
                        }
                        Some(table) => {
                            let object = table_object(&database, &name);
                            acting.allow_table_found(Operation::DropTable, &object, table.id)?;
                            found.push((database, name, table.id, permit));
                        }
                        None if statement.if_exists => {
                            warnings.push(format!("1051: table {database}.{name} does not exist"))
                        }
                        None => {
                            return Err(unknown_table(&database, &name));
                        }
                    }
                }
                for (database, name, id, permit) in found {
                    let dropped = instance
                        .catalog
                        .drop_table(permit.actor(), &database, &name, Some(id))
                        .map_err(|e| missing_table(e, &database, &name))?;
                    instance.internal.remove_segments(
                        dropped
                            .segments()
                            .iter()
                            .map(|segment| segment.file.clone()),
                    );
                }
                Ok(Outcome::done_with_warnings("DROP TABLE", warnings))
            })
            .await
    }

    pub(crate) async fn truncate_table(&self, name: TableName) -> Result<Outcome> {
        let (database, name) = self.resolve(&name);
        let object = table_object(&database, &name);
        self.act(Operation::Truncate, object, move |acting, permit| {
            let table = acting.existing_table(Operation::Truncate, permit, &database, &name)?;
            match &table.source {
                TableSource::Segments(_) => {}
                TableSource::External { .. } => {
                    return Err(Error::not_supported(format_args!(
                        "truncate external table '{name}'; its files are not managed by the table"
                    )));
                }
                TableSource::View(_) => {
                    return Err(Error::not_supported(format_args!(
                        "truncate view '{name}'; it has no rows of its own"
                    )));
                }
            }
            let removed = acting
                .instance
                .catalog
                .truncate_table(permit.actor(), &database, &name, Some(table.id))
                .map_err(|e| missing_table(e, &database, &name))?;
            acting
                .instance
                .internal
                .remove_segments(removed.into_iter().map(|segment| segment.file));
            Ok(Outcome::done("TRUNCATE TABLE"))
        })
        .await
    }

    /// Database and table that a name means in this session.
    pub(crate) fn resolve(&self, name: &TableName) -> (String, String) {
        let database = name.database.as_ref().map_or_else(
            || self.database().to_owned(),
            |database| database.value.clone(),
        );
        (database, name.table.value.clone())
    }
}

impl Acting {
    /// The record of a table, on which this very operation is allowed, or MySQL's error.
    pub(super) fn existing_table(
        &self,
        operation: Operation,
        permit: &Permit,
        database: &str,
        name: &str,
    ) -> Result<TableRecord> {
        self.existing_database(permit, database)?;
        let found = self
            .instance
            .catalog
            .table(permit.account(), database, name)?;
        let table = found.ok_or_else(|| no_such_table(database, name))?;
        self.allow_table_found(operation, &table_object(database, name), table.id)?;
        Ok(table)
    }
}

/// What IF NOT EXISTS says of a table that is there.
pub(super) fn kept_if(if_not_exists: bool) -> OnExists {
    match if_not_exists {
        true => OnExists::Keep,
        false => OnExists::Error,
    }
}

/// A table as an operation's object.
pub(super) fn table_object(database: &str, name: &str) -> Object {
    Object::Table {
        database: database.to_owned(),
        name: name.to_owned(),
    }
}

pub(super) fn refuse_system(database: &str) -> Result<()> {
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

pub(super) fn table_exists(name: &str) -> Error {
    Error::new(
        Reason::TableExists,
        1050,
        "42S01",
        format!("Table '{name}' already exists"),
    )
}

/// As DROP says that a table or view is not there.
pub(super) fn unknown_table(database: &str, name: &str) -> Error {
    Error::new(
        Reason::TableNotFound,
        1051,
        "42S02",
        format!("Unknown table '{database}.{name}'"),
    )
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
