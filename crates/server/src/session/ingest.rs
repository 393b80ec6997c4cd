//! Rows that a client sends: an INSERT whose rows come in its messages and not in its text, into a table that is there
//! or is made of them. All of them are there in the end, or none.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use catalog::{CreateOutcome, OnExists, RowChange};
use futures::StreamExt;
use parser::TableName;
use query::{LiveBatches, LiveError, LiveTable, LiveWanted, Source, TableDefinition};

use crate::error::{Error, Reason, Result};
use crate::gate::Operation;
use crate::stall::Stall;
use crate::turns::Work;

use super::Session;
use super::assembled::Assembled;
use super::insert::{Numbers, insert_id, insert_target};
use super::queries::{STAGED_FILES, Sources, texts};
use super::result::Done;
use super::tables::table_object;

const VERB: &str = "INGEST";

/// The name of the rows within the query, and in messages.
const ROWS: &str = "ingest";

/// Rows for a table.
pub(crate) struct Ingested {
    pub(crate) table: TableName,
    pub(crate) if_missing: IfMissing,
    pub(crate) if_there: IfThere,
    /// The columns of the rows, found in the table by their names.
    pub(crate) schema: SchemaRef,
    pub(crate) batches: LiveBatches,
    /// Of the client that sends them.
    pub(crate) stall: Stall,
}

/// What becomes of rows whose table is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfMissing {
    /// The table is made, with the columns of the rows.
    Create,
    /// They are refused.
    Fail,
}

/// What becomes of rows whose table is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfThere {
    /// They are refused.
    Fail,
    /// They are added.
    Append,
    /// The table is made anew, with the columns of the rows.
    Replace,
}

impl Session {
    /// Adds rows to a table, as INSERT does, or makes the table of them, as CREATE TABLE … AS does.
    ///
    /// # Errors
    /// [`Reason::TableNotFound`], [`Reason::TableExists`], [`Reason::ColumnNotFound`]; those of INSERT.
    pub(crate) async fn ingest(&mut self, rows: Ingested) -> Result<Done> {
        let (database, table) = self.resolve(&rows.table);
        self.context.statement = format!(
            "{VERB} INTO `{}`.`{}`",
            database.replace('`', "``"),
            table.replace('`', "``")
        );
        let began = std::time::Instant::now();
        let traced = self.begin_trace(VERB);
        let mut bounds = self.begin();
        let stall = rows.stall.clone();
        let work = async {
            let turn = bounds.within(self.take_turn(Work::Statement)).await??;
            let done = bounds.within(self.ingested(rows)).await.flatten();
            drop(turn);
            done
        };
        let result = match work.await.map_err(|error| stall.or(error)) {
            Err(error) if error.is_unaudited_refusal() => Err(self.refused(VERB, error).await),
            result => result,
        };
        if let Ok(done) = &result {
            self.remember(done.insert_id);
        }
        self.end_trace(traced, &result);
        self.ended(VERB, began, &result);
        result
    }

    async fn ingested(&mut self, rows: Ingested) -> Result<Done> {
        let is_there = match self.changeable(Operation::Insert, &rows.table).await {
            Ok(_) => true,
            Err(error) if error.reason() == Reason::TableNotFound => match rows.if_missing {
                IfMissing::Create => false,
                IfMissing::Fail => return Err(error),
            },
            // Who may make tables need not be one who may add rows to this one, if it is there.
            Err(error) => match (rows.if_missing, rows.if_there) {
                (IfMissing::Create, IfThere::Fail | IfThere::Replace) => false,
                (IfMissing::Create, IfThere::Append) | (IfMissing::Fail, _) => return Err(error),
            },
        };
        match (is_there, rows.if_there) {
            (true, IfThere::Append) => self.append(rows).await,
            (true, IfThere::Fail) => {
                let (_, name) = self.resolve(&rows.table);
                self.allow_create(&rows.table).await?;
                Err(super::tables::table_exists(&name))
            }
            (_, IfThere::Replace) => {
                let (database, name) = self.resolve(&rows.table);
                self.allow(Operation::DropTable, table_object(&database, &name))
                    .await?;
                self.create_of(rows, OnExists::Replace).await
            }
            (false, IfThere::Fail | IfThere::Append) => self.create_of(rows, OnExists::Error).await,
        }
    }

    async fn append(&mut self, rows: Ingested) -> Result<Done> {
        let name = rows.table.clone();
        let (permit, table, _turn) = self.changing(Operation::Insert, &name).await?;
        let (permit, table, _numbering) = self.numbering(permit, table, &name).await?;
        let pin = self.instance.internal.pin();
        let named: Vec<String> = column_names(&rows.schema);
        let target = insert_target(&table, Some(named), Numbers::Given)?;
        let (query, definition) = read_once(rows)?;
        let mut sources = Sources::new(&self.instance)?;
        let (text, _, context) = self
            .query_context_in(&query, &mut sources, vec![definition])
            .await?;
        let engine = &self.instance.engine;
        let planned = engine.plan_insert(&text, target, context).await?;
        let count = self
            .add_rows(permit, table, &planned, RowChange::Insert)
            .await?;
        drop(pin);
        Ok(Done {
            verb: VERB,
            affected_rows: count,
            insert_id: insert_id(&planned, count),
            warnings: texts(planned.warnings()),
        })
    }

    async fn create_of(&mut self, rows: Ingested, on_exists: OnExists) -> Result<Done> {
        let name = rows.table.clone();
        self.allow_create(&name).await?;
        let _turn = self.take_turn(Work::Insert).await?;
        let pin = self.instance.internal.pin();
        let (query, definition) = read_once(rows)?;
        let mut sources = Sources::new(&self.instance)?;
        let (_, statement, context) = self
            .query_context_in(&query, &mut sources, vec![definition])
            .await?;
        let engine = &self.instance.engine;
        let planned = engine.plan_statement(statement, context).await?;
        match self.make_table_of(&name, planned, pin, on_exists).await? {
            (CreateOutcome::Created | CreateOutcome::Replaced, done) => {
                Ok(Done { verb: VERB, ..done })
            }
            (CreateOutcome::Kept, _) => Err(Error::defect("a table was kept that was to be made")),
        }
    }
}

/// Names fold as they do in statements.
fn column_names(schema: &Schema) -> Vec<String> {
    let fields = schema.fields().iter();
    fields.map(|field| field.name().to_lowercase()).collect()
}

/// The rows as a table of the engine, with a query that reads all of it.
fn read_once(rows: Ingested) -> Result<(parser::QueryText, TableDefinition)> {
    let names = column_names(&rows.schema);
    if names.is_empty() {
        return Err(Error::invalid_input(
            Reason::ValueInvalid,
            "the rows have no columns",
        ));
    }
    let mut query = Assembled::default().text("SELECT ");
    let mut fields = Vec::with_capacity(names.len());
    for (at, (name, field)) in names.iter().zip(rows.schema.fields()).enumerate() {
        if names.iter().take(at).any(|before| before == name) {
            return Err(Error::new(
                Reason::ValueInvalid,
                1110,
                "42000",
                format!("Column '{name}' specified twice"),
            ));
        }
        let declared = query::declared_type(field)?;
        fields.push(query::arrow_field(name, &declared, field.is_nullable())?);
        query = query.text(if at > 0 { ", " } else { "" }).name(name);
    }
    let query = query.text(" FROM ").name(STAGED_FILES).text(".").name(ROWS);
    let definition = TableDefinition {
        database: STAGED_FILES.to_owned(),
        name: ROWS.to_owned(),
        schema: Some(Arc::new(Schema::new(fields))),
        source: Source::Live(Arc::new(ReadOnce(Mutex::new(Some(rows.batches))))),
    };
    Ok((query.finish(), definition))
}

/// Rows that come once.
struct ReadOnce(Mutex<Option<LiveBatches>>);

impl fmt::Debug for ReadOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadOnce")
    }
}

impl LiveTable for ReadOnce {
    fn read(&self, wanted: LiveWanted) -> LiveBatches {
        let batches = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match batches {
            Some(batches) => batches
                .map(move |batch| project(&batch?, &wanted.columns))
                .boxed(),
            None => futures::stream::iter([Err(LiveError {
                message: "the rows that a client sends can be read once".to_owned(),
                is_temporary: false,
            })])
            .boxed(),
        }
    }
}

fn project(batch: &RecordBatch, columns: &[usize]) -> std::result::Result<RecordBatch, LiveError> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let projected = batch.schema().project(columns).and_then(|schema| {
        let arrays = columns.iter().map(|at| Arc::clone(batch.column(*at)));
        RecordBatch::try_new_with_options(Arc::new(schema), arrays.collect(), &options)
    });
    projected.map_err(|error| LiveError {
        message: error.to_string(),
        is_temporary: false,
    })
}
