//! LOAD DATA: files of a stage become rows of a table, all of them or none.
//! The files are read as an external table of the columns that the statement lists, and then inserted from.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use catalog::{RowChange, TableRecord};
use parser::{
    ColumnAssignment, Duplicates, Format, LoadColumn, LoadData, OnError, Plan, QueryText,
};
use query::{LeftOut, TableDefinition};

use crate::error::{Error, Reason, Result};
use crate::external::ExternalOptions;
use crate::gate::Operation;
use crate::internal::ReceivedFile;
use crate::sql::Secrets;
use crate::turns::{Turn, Work};

use super::assembled::Assembled;
use super::bounds::Bounds;
use super::insert::{Numbers, insert_target};
use super::queries::{STAGED_FILES, Sources, fields, texts};
use super::result::Done;
use super::{Outcome, Session};

/// Names of UTF-8, of which ASCII is a part.
const CHARACTER_SETS: &[&str] = &[
    "utf8", "utf8mb3", "utf8mb4", "utf_8", "utf-8", "ascii", "binary",
];

impl Session {
    /// The file of the client's machine that a statement is to load, once it is known that the caller may load it, and
    /// the turn among files that are on their way.
    ///
    /// # Errors
    /// Those of parsing; those of the gate; [`Reason::TableNotFound`].
    pub(crate) async fn local_file(&mut self, text: &str) -> Result<Option<(String, Turn)>> {
        let plan = parser::parse_with(text, &self.parser_limits())?;
        // For the audit of a refusal.
        let shown = plan.to_string();
        let Plan::LoadData(load) = plan else {
            return Ok(None);
        };
        if !load.local {
            return Ok(None);
        }
        self.context.statement = shown;
        check(&load)?;
        self.changeable(Operation::Insert, &load.table).await?;
        let turn = self.take_turn(Work::Transfer).await?;
        Ok(Some((load.files.path.value, turn)))
    }

    /// Runs the statement that a file has come for.
    ///
    /// # Errors
    /// Those of [`Session::execute`].
    pub(crate) async fn execute_with_file(
        &mut self,
        text: &str,
        file: ReceivedFile,
    ) -> Result<(Outcome, Bounds)> {
        self.received = Some(Arc::new(file));
        let outcome = self.execute_with(text, Secrets::default()).await;
        self.received = None;
        outcome
    }

    pub(crate) async fn load(&mut self, statement: LoadData) -> Result<Outcome> {
        let (permit, table, _turn) = self.changing(Operation::Insert, &statement.table).await?;
        let (permit, table, _numbering) = self.numbering(permit, table, &statement.table).await?;
        check(&statement)?;
        let options = ExternalOptions::from_load(&statement)?;
        let pin = self.instance.internal.pin();
        let mut sources = Sources::new(&self.instance)?;
        let source = match (&self.received, statement.local) {
            (Some(file), true) => sources.received(&self.instance, file, &options)?,
            (None, true) => return Err(no_local_file()),
            (_, false) => sources.files(self.acting(), &options).await?,
        };
        let left_out = match statement.on_error.as_ref().map(|on_error| on_error.value) {
            Some(OnError::Skip { most }) => Some(LeftOut::new(most)),
            Some(OnError::Abort) | None => None,
        };
        let source = match &left_out {
            Some(left_out) => source.leaving_out(left_out)?,
            None => source,
        };
        let plan = LoadPlan::new(&statement, &table, &options)?;
        let files = TableDefinition {
            database: STAGED_FILES.to_owned(),
            name: FILES.to_owned(),
            schema: Some(Arc::new(Schema::new(plan.fields))),
            source,
        };
        let (text, _, context) = self
            .query_context_in(&plan.query, &mut sources, vec![files])
            .await?;
        let target = insert_target(&table, Some(plan.named), Numbers::Given)?;
        let engine = &self.instance.engine;
        let planned = engine.plan_insert(&text, target, context).await?;
        let rows = self
            .add_rows(permit, table, &planned, RowChange::Load)
            .await?;
        drop(pin);
        Ok(Outcome::Done(Done {
            verb: "LOAD DATA",
            affected_rows: rows,
            warnings: left_out
                .map_or_else(Vec::new, |left_out| told(&left_out))
                .into_iter()
                .chain(texts(planned.warnings()))
                .collect(),
        }))
    }
}

/// What is said of lines that were left out: how many, and what was wrong with the first.
fn told(left_out: &LeftOut) -> Vec<String> {
    match left_out.count() {
        0 => Vec::new(),
        count => {
            let (lines, were) = match count {
                1 => ("line", "was"),
                _ => ("lines", "were"),
            };
            let mut told = vec![format!("{count} {lines} {were} left out (ON_ERROR 'skip')")];
            told.extend(left_out.told());
            told
        }
    }
}

fn no_local_file() -> Error {
    Error::not_supported(
        "LOAD DATA LOCAL here: the file is the client's, and only a client of MySQL that sends files can do this, in a statement that is not prepared; or put the file on a stage and load it from there",
    )
}

/// The name of the files within the query.
const FILES: &str = "load";

/// Refuses what would be ignored.
fn check(statement: &LoadData) -> Result<()> {
    if let Some(duplicates) = &statement.duplicates {
        let word = match duplicates.value {
            Duplicates::Ignore => "IGNORE",
            Duplicates::Replace => "REPLACE",
        };
        return Err(Error::not_supported(format_args!(
            "LOAD DATA … {word}: a row whose key is there already is an error, and nothing is loaded"
        )));
    }
    if let Some(charset) = &statement.character_set
        && !CHARACTER_SETS.contains(&charset.to_lowercase().as_str())
    {
        return Err(Error::not_supported(format_args!(
            "CHARACTER SET {}: files are read as utf8mb4",
            charset.value
        )));
    }
    Ok(())
}

/// What is read from the files, and what becomes of it.
struct LoadPlan {
    /// The files' columns.
    fields: Vec<Field>,
    query: QueryText,
    /// The table's columns that the query gives.
    named: Vec<String>,
}

impl LoadPlan {
    fn new(statement: &LoadData, table: &TableRecord, options: &ExternalOptions) -> Result<Self> {
        let all = fields(table)?;
        let find = |name: &str| {
            all.iter()
                .find(|field| field.name() == name)
                .ok_or_else(|| {
                    Error::new(
                        Reason::ColumnNotFound,
                        1054,
                        "42S22",
                        format!("Unknown column '{name}' in 'field list'"),
                    )
                })
        };
        let by_name = match options.format {
            Format::Csv => options.csv.header,
            Format::JsonLine | Format::Parquet | Format::Arrow => true,
        };
        let assigned = |name: &str| {
            let assignments = statement.assignments.iter();
            assignments
                .rev()
                .find(|assignment| assignment.column.value == name)
        };
        for assignment in &statement.assignments {
            find(&assignment.column.value)?;
        }
        let listed: Vec<LoadColumn> = if statement.columns.is_empty() {
            let names = all.iter().map(|field| field.name().clone());
            // Found by name, what SET gives need not be in the files.
            let names = names.filter(|name| !by_name || assigned(name).is_none());
            names.map(|name| LoadColumn::Column(name.into())).collect()
        } else {
            statement.columns.clone()
        };
        let mut read: Vec<Field> = Vec::with_capacity(listed.len());
        let mut variables: Vec<(String, String)> = Vec::new();
        for column in &listed {
            let field = match column {
                LoadColumn::Column(name) => find(name)?.clone(),
                LoadColumn::Variable(name) => {
                    let column = match by_name {
                        true => name.value.clone(),
                        false => format!("@{}", name.value),
                    };
                    variables.push((name.value.clone(), column.clone()));
                    query::arrow_field(&column, "longtext", true)?
                }
            };
            if read.iter().any(|known| known.name() == field.name()) {
                return Err(Error::new(
                    Reason::ValueInvalid,
                    1110,
                    "42000",
                    format!("Column '{}' specified twice", field.name()),
                ));
            }
            read.push(field);
        }
        let mut query = Assembled::default().text("SELECT ");
        let mut named: Vec<String> = Vec::new();
        for field in &all {
            let from_files = listed.iter().any(|column| match column {
                LoadColumn::Column(name) => name.value == *field.name(),
                LoadColumn::Variable(_) => false,
            });
            let assignment = assigned(field.name());
            let gives = match assignment {
                Some(assignment) => !assignment.is_default(),
                None => from_files,
            };
            if !gives {
                continue;
            }
            if !named.is_empty() {
                query = query.text(", ");
            }
            query = match assignment {
                Some(assignment) => query.part(&with_variables(assignment, &variables)?),
                None => query.name(field.name()),
            };
            named.push(field.name().clone());
        }
        let query = query
            .text(if named.is_empty() { "1" } else { "" })
            .text(" FROM ")
            .name(STAGED_FILES)
            .text(".")
            .name(FILES);
        Ok(Self {
            fields: read,
            query: query.finish(),
            named,
        })
    }
}

/// An expression with the files' columns in the place of its variables.
fn with_variables(
    assignment: &ColumnAssignment,
    variables: &[(String, String)],
) -> Result<QueryText> {
    assignment
        .value
        .with_variables(|name| {
            let known = variables.iter().find(|(variable, _)| variable == name);
            known.map(|(_, column)| format!("`{}`", column.replace('`', "``")))
        })
        .map_err(|name| {
            Error::invalid_input(
                Reason::QueryInvalid,
                format_args!("SET uses @{name}, which is not in the list of columns"),
            )
        })
}
