//! LOAD DATA: files of a stage become rows of a table, all of them or none.
//! The files are read as an external table of the columns that the statement lists, and then inserted from.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use catalog::{RowChange, TableRecord};
use parser::{
    ColumnAssignment, Duplicates, Export, ExportOptions, Format, LoadColumn, LoadData, OnError,
    Plan, QueryText, Target,
};
use query::{Charset, InsertId, LeftOut, Source, TableDefinition};

use crate::error::{Error, Reason, Result};
use crate::external::ExternalOptions;
use crate::gate::Operation;
use crate::internal::ReceivedFile;
use crate::sql::Secrets;
use crate::turns::{Turn, Work};

use super::assembled::Assembled;
use super::bounds::Bounds;
use super::exports::ExportRows;
use super::insert::{Changes, Listed, Numbers, insert_id, insert_target};
use super::insert_files::is_of_files;
use super::queries::{STAGED_FILES, Sources, fields, texts, warnings_of};
use super::result::Done;
use super::{Outcome, Session};

impl Session {
    /// The file of the client's machine that a statement is to load, once it is known that the caller may load it, and
    /// the turn among files that are on their way.
    ///
    /// # Errors
    /// Those of parsing; those of the gate; [`Reason::TableNotFound`].
    pub(crate) async fn local_file(&mut self, text: &str) -> Result<Option<(String, Turn)>> {
        let began = std::time::Instant::now();
        let plan = self.parse(text, Secrets::default()).await?;
        // For the audit of a refusal.
        let (verb, shown) = (plan.verb(), plan.to_string());
        let Plan::LoadData(load) = plan else {
            return Ok(None);
        };
        if !load.local {
            return Ok(None);
        }
        self.context.statement = shown;
        match self.may_load(&load).await {
            Ok(turn) => Ok(Some((load.files.path.value, turn))),
            // The statement itself is never run.
            Err(error) => Err(self.never_ran(verb, began, error)),
        }
    }

    async fn may_load(&mut self, load: &LoadData) -> Result<Turn> {
        check(load)?;
        self.changeable_of(Operation::Insert, &load.table, Changes::RowsOrFiles)
            .await?;
        self.take_turn(Work::Transfer).await
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
        let name = &statement.table;
        let (permit, table, _turn) = self.changing_also(Operation::Insert, name).await?;
        let skips = statement
            .skip_loaded
            .as_ref()
            .is_some_and(|skip| skip.value);
        let (permit, table, _numbering) = match skips && !is_of_files(&table) {
            // Or another one could load the same file meanwhile, and this one would be told only when all is done.
            true => self.alone(table, name).await?,
            false => self.numbering(permit, table, name).await?,
        };
        let charset = check(&statement)?;
        let mut options = ExternalOptions::from_load(&statement)?;
        options.csv.charset = charset;
        let report = report_of(&statement)?;
        if is_of_files(&table) && (skips || report.is_some()) {
            return Err(Error::not_supported(
                "SKIP_LOADED, and REPORT behind ON_ERROR, into an external table: they go with tables whose rows are here",
            ));
        }
        if let Some(report) = &report {
            self.may_export(report).await?;
        }
        if is_of_files(&table) {
            self.may_append_file(&table).await?;
        }
        let pin = self.instance.internal.pin();
        let mut sources = Sources::new(&self.instance)?;
        let mut source = match (&self.received, statement.local) {
            (Some(file), true) => sources.received(&self.instance, file, &options)?,
            (None, true) => return Err(no_local_file()),
            (_, false) => sources.files(self.acting(), &options).await?,
        };
        let mut warnings = Vec::new();
        let mut listed = Listed::Rows(RowChange::Load);
        if skips {
            let local = statement.local.then_some(statement.files.path.as_str());
            let found = self
                .leave_out_loaded(&table, &mut source, &sources.stores, local)
                .await?;
            warnings.extend(found.warnings);
            if found.files.is_empty() {
                return Ok(loaded(0, InsertId::None, warnings));
            }
            listed = Listed::Files(found.files);
        }
        let engine = &self.instance.engine;
        let left_out = match statement.on_error.as_ref().map(|on_error| &on_error.value) {
            Some(OnError::Skip { most, report: None }) => Some(LeftOut::new(*most)),
            Some(OnError::Skip {
                most,
                report: Some(_),
            }) => Some(engine.keep_left_out(*most)?),
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
        let planned = engine.plan_insert(&text, target, context).await?;
        let rows = match is_of_files(&table) {
            true => self.append_file(&table, &planned).await?,
            false => {
                let written = self.write_segment(&table, &planned).await?;
                let reported = self.report_left_out(left_out.as_ref(), report.as_ref());
                let reported = reported.await?;
                if written.is_none() && listed.is_of_rows() {
                    0
                } else {
                    let rows = self.list_segment(permit, table, &planned, written, listed);
                    rows.await.map_err(|error| report_stays(error, reported))?
                }
            }
        };
        drop(pin);
        if let Some(left_out) = &left_out {
            warnings.extend(told(left_out, report.as_ref()));
        }
        warnings.extend(texts(planned.warnings()));
        Ok(loaded(rows, insert_id(&planned, rows), warnings))
    }

    /// Writes the lines that were left out, if there are any, where the statement wants them: in the order of the files
    /// and lines. Gives where they are.
    async fn report_left_out<'r>(
        &self,
        left_out: Option<&LeftOut>,
        report: Option<&'r Export>,
    ) -> Result<Option<&'r Target>> {
        let (Some(left_out), Some(report)) = (left_out, report) else {
            return Ok(None);
        };
        let rows = left_out.rows().filter(|_| left_out.count() > 0);
        let Some(rows) = rows else {
            return Ok(None);
        };
        let pin = self.instance.internal.pin();
        let definition = TableDefinition {
            database: STAGED_FILES.to_owned(),
            name: LEFT_OUT.to_owned(),
            schema: Some(rows.schema()),
            source: Source::Rows(rows),
        };
        let query = Assembled::default()
            .text("SELECT * FROM ")
            .name(STAGED_FILES);
        let query = query
            .text(".")
            .name(LEFT_OUT)
            .text(" ORDER BY ")
            .name("file");
        let query = query.text(", ").name("line").finish();
        let (_, statement, context) = self.query_context(&query, vec![definition]).await?;
        let engine = &self.instance.engine;
        let planned = engine.plan_statement(statement, context).await?;
        let rows = ExportRows {
            schema: planned.schema(),
            batches: planned.stream()?,
            rows_estimated: Some(left_out.count()),
            warnings: warnings_of(planned),
            pin,
        };
        let written = self.export_rows(report, rows).await;
        written
            .map(|_| Some(&report.target.value))
            .map_err(|error| error.within("the report of lines that were left out"))
    }
}

fn loaded(rows: u64, insert_id: InsertId, warnings: Vec<String>) -> Outcome {
    Outcome::Done(Done {
        verb: "LOAD DATA",
        affected_rows: rows,
        insert_id,
        warnings,
    })
}

/// What is wrong, of a statement whose report is there already: the same statement would find it in its way.
fn report_stays(error: Error, report: Option<&Target>) -> Error {
    match report {
        Some(report) => error.within(format_args!(
            "the report of the lines that were left out is there already, '{report}'; remove it before the statement is repeated"
        )),
        None => error,
    }
}

/// What is said of lines that were left out: how many, where they are, and what was wrong with the first.
fn told(left_out: &LeftOut, report: Option<&Export>) -> Vec<String> {
    match left_out.count() {
        0 => Vec::new(),
        count => {
            let (lines, were) = match count {
                1 => ("line", "was"),
                _ => ("lines", "were"),
            };
            let place = report.map_or_else(String::new, |report| {
                format!(", and written to '{}'", report.target.value)
            });
            let mut told = vec![format!(
                "{count} {lines} {were} left out (ON_ERROR 'skip'){place}"
            )];
            told.extend(left_out.told());
            told
        }
    }
}

/// Where the lines go that are left out, as an export.
fn report_of(statement: &LoadData) -> Result<Option<Export>> {
    let report = match statement.on_error.as_ref().map(|on_error| &on_error.value) {
        Some(OnError::Skip { report, .. }) => report.as_ref(),
        Some(OnError::Abort) | None => None,
    };
    let Some(report) = report else {
        return Ok(None);
    };
    let target = Target::parse(report);
    match &target {
        Target::Stage { .. } => Ok(Some(Export {
            query: QueryText::default(),
            target: target.into(),
            options: ExportOptions::default(),
        })),
        Target::Raw(_) | Target::Url { .. } => Err(Error::invalid_input(
            Reason::OptionInvalid,
            format_args!(
                "REPORT takes a file of a stage, 'stage://stage/file.csv', not '{}'",
                report.escape_default()
            ),
        )),
    }
}

fn no_local_file() -> Error {
    Error::not_supported(
        "LOAD DATA LOCAL here: the file is the client's, and only a client of MySQL that sends files can do this, in a statement that is not prepared; or put the file on a stage and load it from there",
    )
}

/// The name of the files within the query.
const FILES: &str = "load";
/// That of the lines that were left out, within the query that is their report.
const LEFT_OUT: &str = "left_out";

/// Refuses what would be ignored, and gives the files' character set.
fn check(statement: &LoadData) -> Result<Charset> {
    if let Some(duplicates) = &statement.duplicates {
        let word = match duplicates.value {
            Duplicates::Ignore => "IGNORE",
            Duplicates::Replace => "REPLACE",
        };
        return Err(Error::not_supported(format_args!(
            "LOAD DATA … {word}: a row whose key is there already is an error, and nothing is loaded"
        )));
    }
    let Some(name) = &statement.character_set else {
        return Ok(Charset::default());
    };
    let charset = Charset::named(name).ok_or_else(|| {
        Error::new(
            Reason::OptionInvalid,
            1115,
            "42000",
            format!(
                "Unknown character set: '{}'; files are read in {}",
                name.escape_default(),
                Charset::names().join(", ")
            ),
        )
    })?;
    let format = statement.files.format.as_ref().map(|format| format.value);
    let (suffix, _) = crate::exports::file_format(&statement.files.path.value);
    match format.or(suffix) {
        Some(Format::Parquet | Format::Arrow) if !charset.is_utf8() => Err(Error::invalid_input(
            Reason::OptionInvalid,
            "CHARACTER SET goes with files of text: those of parquet say themselves what their texts are",
        )),
        Some(Format::Csv | Format::JsonLine | Format::Parquet | Format::Arrow) | None => {
            Ok(charset)
        }
    }
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
                LoadColumn::Column(name) => {
                    let field = find(name)?.clone();
                    // NULL in a column with AUTO_INCREMENT asks for the next number.
                    let numbered = table
                        .columns
                        .iter()
                        .any(|column| column.auto_increment && column.name == *field.name());
                    let nullable = field.is_nullable() || numbered;
                    field.with_nullable(nullable)
                }
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
