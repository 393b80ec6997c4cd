//! Views: CREATE, ALTER and DROP VIEW, and what a query finds in the place of one. A view is a name for a query, kept as
//! text; who reads it reads what stands in it by rights of his own, so it gives nobody anything.

use std::sync::Arc;

use arrow::datatypes::Schema;
use catalog::{Column, NewTable, OnExists, TableRecord, TableSource};
use futures::future::BoxFuture;
use parser::{CreateView, DropView, Plan, QueryText, TableName, Target, ViewDefinition};
use query::{Source, TableDefinition};

use crate::error::{Error, Reason, Result};
use crate::gate::{Acting, Object, Operation};
use crate::temporary_stages::TemporaryStages;

use super::create_as::columns_of;
use super::queries::{Sources, as_written};
use super::tables::{
    missing_table, no_such_table, refuse_system, table_exists, table_object, unknown_table,
};
use super::{Outcome, Session};

/// Views that may stand within each other.
const NESTED_MAX: usize = 8;
/// Most views that a statement reads, each as often as it is named.
const READ_MAX: usize = 1_000;

impl Session {
    pub(crate) async fn create_view(&self, statement: CreateView) -> Result<Outcome> {
        let verb = "CREATE VIEW";
        let definition = statement.definition;
        let (database, name) = self.resolve(&definition.view);
        let found = self.of_that_name(&database, &name).await?;
        match found {
            Some(_) if !statement.or_replace => return Err(table_exists(&name)),
            Some(record) if record.view().is_none() => return Err(not_a_view(&database, &name)),
            Some(_) => {
                self.change_view(definition).await?;
                return Ok(Outcome::done(verb));
            }
            None => {}
        }
        let (columns, view) = self.view_of(&definition).await?;
        let object = Object::Database(database.clone());
        self.act(Operation::CreateView, object, move |acting, permit| {
            let new = NewTable {
                database,
                name: name.clone(),
                columns,
                source: TableSource::View(view),
                keys: Vec::new(),
                next_number: 1,
                comment: String::new(),
            };
            let catalog = &acting.instance.catalog;
            let made = catalog.create_table(permit.actor(), new, OnExists::Error);
            made.map_err(|error| match error.kind() {
                catalog::ErrorKind::AlreadyExists => table_exists(&name),
                catalog::ErrorKind::Invalid => Error::invalid_input(Reason::QueryInvalid, &error),
                _ => error.into(),
            })?;
            Ok(Outcome::done(verb))
        })
        .await
    }

    pub(crate) async fn alter_view(&self, definition: ViewDefinition) -> Result<Outcome> {
        self.change_view(definition).await?;
        Ok(Outcome::done("ALTER VIEW"))
    }

    pub(crate) async fn drop_view(&self, statement: DropView) -> Result<Outcome> {
        let views: Vec<(String, String)> = statement
            .views
            .iter()
            .map(|view| self.resolve(view))
            .collect();
        let mut permits = Vec::with_capacity(views.len());
        for (database, name) in &views {
            let object = table_object(database, name);
            permits.push(self.allow(Operation::DropView, object).await?);
        }
        let acting = self.acting();
        self.instance
            .blocking(move |instance| {
                let mut found = Vec::with_capacity(views.len());
                let mut warnings = Vec::new();
                // All names are looked at first, so that a wrong one drops nothing.
                for ((database, name), permit) in views.into_iter().zip(permits) {
                    refuse_system(&database)?;
                    match instance.catalog.table(permit.account(), &database, &name)? {
                        Some(record) => {
                            let object = table_object(&database, &name);
                            acting.allow_table_found(Operation::DropView, &object, record.id)?;
                            if record.view().is_none() {
                                return Err(not_a_view(&database, &name));
                            }
                            found.push((database, name, record.id, permit));
                        }
                        None if statement.if_exists => {
                            warnings.push(format!("1051: view {database}.{name} does not exist"));
                        }
                        None => return Err(unknown_table(&database, &name)),
                    }
                }
                for (database, name, id, permit) in found {
                    instance
                        .catalog
                        .drop_view(permit.actor(), (&database, &name), id)
                        .map_err(|error| missing_table(error, &database, &name))?;
                }
                Ok(Outcome::done_with_warnings("DROP VIEW", warnings))
            })
            .await
    }

    /// The record of a view.
    ///
    /// # Errors
    /// 1347 for a table; those of a table that is not there.
    pub(crate) async fn stored_view(&self, name: &TableName) -> Result<TableRecord> {
        let record = self.stored_table(name).await?;
        match record.view() {
            Some(_) => Ok(record),
            None => Err(not_a_view(&record.database, &record.name)),
        }
    }

    /// The table or view of a name that is to be a view's, if there is one.
    async fn of_that_name(&self, database: &str, name: &str) -> Result<Option<TableRecord>> {
        let (database, name) = (database.to_owned(), name.to_owned());
        let object = Object::Database(database.clone());
        self.act(Operation::CreateView, object, move |acting, permit| {
            refuse_system(&database)?;
            acting.existing_database(permit, &database)?;
            let catalog = &acting.instance.catalog;
            Ok(catalog.table(permit.account(), &database, &name)?)
        })
        .await
    }

    /// Gives a view that is there another query.
    async fn change_view(&self, definition: ViewDefinition) -> Result<()> {
        let (database, name) = self.resolve(&definition.view);
        let id = self.existing_view(&database, &name).await?;
        let (columns, view) = self.view_of(&definition).await?;
        let object = table_object(&database, &name);
        self.act(Operation::AlterView, object, move |acting, permit| {
            let found = acting.view_to_change(permit, &database, &name)?;
            if found != id {
                return Err(no_such_table(&database, &name));
            }
            acting
                .instance
                .catalog
                .alter_view(permit.actor(), (&database, &name), id, columns, view)
                .map_err(|error| match error.kind() {
                    catalog::ErrorKind::Invalid => {
                        Error::invalid_input(Reason::QueryInvalid, &error)
                    }
                    _ => missing_table(error, &database, &name),
                })?;
            Ok(())
        })
        .await
    }

    async fn existing_view(&self, database: &str, name: &str) -> Result<u64> {
        let (database, name) = (database.to_owned(), name.to_owned());
        let object = table_object(&database, &name);
        self.act(Operation::AlterView, object, move |acting, permit| {
            acting.view_to_change(permit, &database, &name)
        })
        .await
    }

    /// The columns of a view that is to be, and what is kept of it. Its query is planned by the rights of who makes it.
    async fn view_of(
        &self,
        definition: &ViewDefinition,
    ) -> Result<(Vec<Column>, catalog::ViewQuery)> {
        let query = &definition.query;
        self.refuse_temporary_in(query)?;
        let mut sources = Sources::new(&self.instance)?;
        // It must not stand in its own query, also through another view.
        sources.views.push(self.resolve(&definition.view));
        let (_, statement, context) = self
            .query_context_in(query, &mut sources, Vec::new())
            .await?;
        let planned = self
            .instance
            .engine
            .plan_statement(statement, context)
            .await?;
        let schema = planned.schema();
        let labels: Vec<String> = schema
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let mut written = as_written(query, schema);
        if !definition.columns.is_empty() {
            if definition.columns.len() != labels.len() {
                return Err(Error::new(
                    Reason::QueryInvalid,
                    1353,
                    "HY000",
                    format!(
                        "In definition of view, derived table or common table expression, SELECT list and column names list have different column counts: {} columns and {} names",
                        labels.len(),
                        definition.columns.len()
                    ),
                ));
            }
            let named = written.fields().iter().zip(&definition.columns);
            let named = named.map(|(field, name)| field.as_ref().clone().with_name(&name.value));
            written = Arc::new(Schema::new(named.collect::<Vec<_>>()));
        }
        let columns = columns_of(&written)?;
        let view = catalog::ViewQuery {
            query: query.text.clone(),
            database: self.database().to_owned(),
            labels,
            names_columns: !definition.columns.is_empty(),
        };
        Ok((columns, view))
    }

    /// A view is there for everyone; a temporary stage is not.
    fn refuse_temporary_in(&self, query: &QueryText) -> Result<()> {
        let files = query.staged_files.iter().map(|file| &file.target);
        let calls = query.stage_functions.iter().map(|call| &call.argument);
        for place in files.chain(calls) {
            self.refuse_temporary(&stage_of(place), "view, which outlives it")?;
        }
        Ok(())
    }

    /// What a query reads in the place of a view: the view's query, with the tables that it names, each through the gate
    /// by the rights of this session.
    pub(super) fn view_source<'a>(
        &'a self,
        record: &'a TableRecord,
        view: &'a catalog::ViewQuery,
        sources: &'a mut Sources,
    ) -> BoxFuture<'a, Result<Source>> {
        Box::pin(async move {
            let here = (record.database.clone(), record.name.clone());
            let shown = format!("{}.{}", record.database, record.name);
            if sources.views.contains(&here) {
                return Err(invalid_view(&shown, "it reads itself"));
            }
            if sources.views.len() >= NESTED_MAX {
                let what = format!("more than {NESTED_MAX} views stand within each other");
                return Err(invalid_view(&shown, &what));
            }
            sources.views_read += 1;
            if sources.views_read > READ_MAX {
                let what = format!("the statement reads more than {READ_MAX} views");
                return Err(invalid_view(&shown, &what));
            }
            sources.views.push(here);
            let found = self.view_parts(view, sources).await;
            sources.views.pop();
            let (statement, tables) = found.map_err(|error| match error.reason() {
                Reason::TableNotFound | Reason::DatabaseNotFound => {
                    invalid_view(&shown, error.message()).with_source(error)
                }
                _ => error.within(format_args!("view '{shown}'")),
            })?;
            Ok(Source::View(Arc::new(query::ViewQuery {
                statement,
                database: view.database.clone(),
                tables,
                labels: view.labels.clone(),
                columns: record
                    .columns
                    .iter()
                    .map(|column| column.name.clone())
                    .collect(),
            })))
        })
    }

    async fn view_parts(
        &self,
        view: &catalog::ViewQuery,
        sources: &mut Sources,
    ) -> Result<(query::Statement, Vec<TableDefinition>)> {
        let plan = parser::parse_with(&view.query, &self.parser_limits())?;
        let Plan::Query(query) = plan else {
            return Err(Error::defect("a view's text is no query"));
        };
        // It was made over permanent stages, whatever the session has of their names.
        let inside = Self {
            database: view.database.clone(),
            temporary: TemporaryStages::none(),
            ..self.clone()
        };
        let (_, statement, tables) = inside.resolved(&query, sources, Vec::new()).await?;
        Ok((statement, tables))
    }
}

impl Acting {
    /// The id of a view that this principal may change.
    fn view_to_change(
        &self,
        permit: &crate::gate::Permit,
        database: &str,
        name: &str,
    ) -> Result<u64> {
        refuse_system(database)?;
        let record = self.existing_table(Operation::AlterView, permit, database, name)?;
        match record.view() {
            Some(_) => Ok(record.id),
            None => Err(not_a_view(database, name)),
        }
    }
}

/// The stage of a staged file, or of the argument of a function on stages.
fn stage_of(place: &str) -> String {
    match Target::parse(place) {
        Target::Stage { name, .. } => name,
        Target::Raw(_) | Target::Url { .. } => place.to_lowercase(),
    }
}

/// As MySQL says that a view cannot be read, with the reason.
fn invalid_view(shown: &str, why: &str) -> Error {
    Error::new(
        Reason::QueryInvalid,
        1356,
        "HY000",
        format!("View '{shown}' references invalid table(s) or column(s): {why}"),
    )
}

fn not_a_view(database: &str, name: &str) -> Error {
    Error::new(
        Reason::QueryInvalid,
        1347,
        "HY000",
        format!("'{database}.{name}' is not VIEW"),
    )
}

/// That nothing is written into a view, as MySQL says it.
pub(super) fn not_writable(operation: Operation, name: &str) -> Error {
    let (code, what) = match operation == Operation::Insert {
        true => (1471, "insertable-into"),
        false => (1288, "updatable"),
    };
    Error::new(
        Reason::QueryInvalid,
        code,
        "HY000",
        format!(
            "The target table {name} of the {} is not {what}: it is a view, which is only read",
            operation.name()
        ),
    )
}
