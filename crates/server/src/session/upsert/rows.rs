//! Sets of rows that a statement has set aside: segments that no table lists, whose rows have a number behind the table's
//! columns.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{Field, Int64Type, Schema, SchemaRef};
use catalog::{Segment, TableRecord};
use futures::StreamExt;
use futures::channel::mpsc::channel;
use parser::QueryText;
use query::{BatchStream, PlannedInsert, TableDefinition};

use crate::error::{Error, Reason, Result};
use crate::segments::{self, Unlisted};
use crate::session::Session;
use crate::session::change_rows::{groups, parting};
use crate::session::insert::{Numbers, insert_target};
use crate::session::queries::fields;
use crate::table_changes;

use super::Changes;
use super::queries::Texts;

/// Batches between what makes rows and what writes them.
const BATCHES_QUEUED_MAX: usize = 2;

/// Bytes of rows of a query that are held at once.
const HELD_BYTES_MAX: usize = 64 << 20;

/// What a column of the server's own is called; no column of the table is.
pub(super) fn own_column(table: &TableRecord, name: &str) -> String {
    let mut own = format!("stage:{name}");
    while table.columns.iter().any(|column| column.name == own) {
        own.push('_');
    }
    own
}

/// The new rows of a statement, numbered from 0 in their order.
pub(super) struct NewRows {
    pub(super) rows: RowSet,
    pub(super) count: u64,
}

/// Rows in segments, as a table of the engine.
pub(super) struct RowSet {
    name: &'static str,
    schema: SchemaRef,
    segments: Vec<Segment>,
    /// What keeps the segments.
    _owned: Vec<Unlisted>,
}

impl RowSet {
    /// The rows that are in the table.
    pub(super) fn of_table(table: &TableRecord) -> TableRows<'_> {
        TableRows(table)
    }

    /// Rows that were set aside.
    pub(super) fn numbered(
        name: &'static str,
        table: &TableRecord,
        owned: Vec<Unlisted>,
    ) -> Result<Self> {
        Ok(Self {
            name,
            schema: numbered_schema(table)?,
            segments: owned
                .iter()
                .filter_map(Unlisted::segment)
                .cloned()
                .collect(),
            _owned: owned,
        })
    }

    pub(super) fn definition(&self) -> Result<TableDefinition> {
        table_changes::rows_as(self.name, Arc::clone(&self.schema), &self.segments)
    }

    pub(super) fn count(&self) -> u64 {
        self.segments.iter().map(|segment| segment.rows).sum()
    }
}

/// The rows of a table, as they are before the statement.
pub(super) struct TableRows<'a>(&'a TableRecord);

impl TableRows<'_> {
    pub(super) fn definition(&self) -> Result<TableDefinition> {
        let schema = Arc::new(Schema::new(fields(self.0)?));
        table_changes::rows_as(super::queries::OLD, schema, self.0.segments())
    }
}

/// The table's columns, and the number.
pub(super) fn numbered_schema(table: &TableRecord) -> Result<SchemaRef> {
    let mut fields = fields(table)?;
    fields.push(number_field(table)?);
    Ok(Arc::new(Schema::new(fields)))
}

fn number_field(table: &TableRecord) -> Result<Field> {
    Ok(query::arrow_field(
        &own_column(table, "row"),
        "bigint",
        false,
    )?)
}

/// Rows with a number each, which goes on counting in `next`.
pub(super) fn numbered(
    table: &TableRecord,
    rows: BatchStream,
    next: Arc<AtomicU64>,
) -> Result<BatchStream> {
    let number = number_field(table)?;
    let numbered = rows.map(move |batch| {
        let batch = batch?;
        let count = batch.num_rows() as u64;
        let first = next.fetch_add(count, Ordering::SeqCst);
        let numbers: Int64Array = (first..first + count)
            .map(|at| i64::try_from(at).unwrap_or(i64::MAX))
            .collect();
        let mut fields: Vec<Field> = batch
            .schema()
            .fields()
            .iter()
            .map(|field| field.as_ref().clone())
            .collect();
        fields.push(number.clone());
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        columns.push(Arc::new(numbers));
        let schema = Arc::new(Schema::new(fields));
        // The columns are as long as the batch: this does not fail.
        Ok(RecordBatch::try_new(schema, columns).unwrap_or(batch))
    });
    Ok(numbered.boxed())
}

/// The first cell of the first row, a count.
fn first_number(batches: &[RecordBatch]) -> Result<i64> {
    let batch = batches.iter().find(|batch| batch.num_rows() > 0);
    batch
        .and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>())
        .map(|numbers| numbers.value(0))
        .ok_or_else(|| Error::defect("a count of rows gave none"))
}

impl Session {
    /// Writes the rows of a statement, numbered; `None` if it has none.
    pub(super) async fn set_aside(
        &self,
        table: &TableRecord,
        planned: &PlannedInsert,
    ) -> Result<Option<NewRows>> {
        let rows = numbered(table, planned.stream()?, Arc::default())?;
        let folder = table.id.to_string();
        let schema = numbered_schema(table)?;
        let written = segments::write(&self.instance, &folder, rows, schema).await?;
        let Some(written) = written else {
            return Ok(None);
        };
        let count = written.rows();
        let rows = RowSet::numbered(super::queries::NEW, table, vec![written])?;
        Ok(Some(NewRows { rows, count }))
    }

    /// Writes what a query gives as rows of the table.
    pub(super) async fn write_rows(
        &self,
        table: &TableRecord,
        query: &QueryText,
        tables: Vec<TableDefinition>,
    ) -> Result<Option<Unlisted>> {
        let target = insert_target(table, None, Numbers::Kept)?;
        let (text, _, context) = self.query_context(query, tables).await?;
        let planned = self
            .instance
            .engine
            .plan_insert(&text, target, context)
            .await?;
        let folder = table.id.to_string();
        segments::write(&self.instance, &folder, planned.stream()?, planned.schema()).await
    }

    /// The rows that a query gives, held in memory.
    ///
    /// # Errors
    /// LimitExceeded when they take too much of it.
    pub(super) async fn few_rows(
        &self,
        query: &QueryText,
        tables: Vec<TableDefinition>,
    ) -> Result<Vec<RecordBatch>> {
        let (_, statement, context) = self.query_context(query, tables).await?;
        let engine = &self.instance.engine;
        let planned = engine.plan_statement(statement, context).await?;
        let mut rows = planned.stream()?;
        let (mut batches, mut bytes) = (Vec::new(), 0);
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            bytes += batch.get_array_memory_size();
            if bytes > HELD_BYTES_MAX {
                return Err(Error::new(
                    Reason::LimitExceeded,
                    1038,
                    "HY001",
                    format!(
                        "the new rows that have a key in common take more than {HELD_BYTES_MAX} bytes of memory to put in order; insert fewer rows at a time"
                    ),
                ));
            }
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Writes the segments anew that have rows with a key of a new row, without these rows; gives how many there are,
    /// and if they are wanted they themselves, numbered.
    pub(super) async fn take_out(
        &self,
        table: &TableRecord,
        new: &NewRows,
        texts: &Texts<'_>,
        wanted: bool,
        changes: &mut Changes,
    ) -> Result<(u64, Vec<Unlisted>)> {
        let (mut taken, mut hits) = (0, Vec::new());
        let next = Arc::new(AtomicU64::new(0));
        for group in groups(table.segments()) {
            let tables = vec![
                new.rows.definition()?,
                table_changes::part(table, group, crate::session::internal_store()?)?,
            ];
            let found = self
                .few_rows(&texts.count_matching(), tables.clone())
                .await?;
            if first_number(&found)? == 0 {
                continue;
            }
            let all: u64 = group.iter().map(|segment| segment.rows).sum();
            let (query, target) = texts.marked()?;
            let (text, _, context) = self.query_context(&query, tables).await?;
            let engine = &self.instance.engine;
            let marked = engine.plan_insert(&text, target, context).await?;
            let (mut kept, kept_rows) = channel(BATCHES_QUEUED_MAX);
            let (hit, hit_rows) = channel(BATCHES_QUEUED_MAX);
            let (hit, hit_rows) = match wanted {
                true => (Some(hit), Some(hit_rows)),
                false => (None, None),
            };
            let folder = table.id.to_string();
            let schema = insert_target(table, None, Numbers::Kept)?.schema();
            let writing = segments::write(&self.instance, &folder, kept_rows.boxed(), schema);
            let setting_aside = async {
                let Some(rows) = hit_rows else {
                    return Ok(None);
                };
                let rows = numbered(table, rows.boxed(), Arc::clone(&next))?;
                let schema = numbered_schema(table)?;
                segments::write(&self.instance, &folder, rows, schema).await
            };
            let rows = marked.stream()?;
            // Whatever way it ends, the writers learn that nothing more comes.
            let parting = async move { parting::part(rows, &mut kept, hit).await };
            let (written, aside, parted) = tokio::join!(writing, setting_aside, parting);
            // An error of the parting is why less was written; a writer that has failed is why parting ended.
            let parted = parted?;
            let (written, aside) = (written?, aside?);
            let parted = parted.ok_or_else(|| Error::defect("nobody read the rows that stay"))?;
            if parted.kept + parted.hits != all {
                return Err(Error::defect(format_args!(
                    "{} of {all} rows were read of a table's segments",
                    parted.kept + parted.hits
                )));
            }
            taken += parted.hits;
            hits.extend(aside);
            changes.old.extend(group.iter().cloned());
            changes.anew.extend(written);
        }
        Ok((taken, hits))
    }
}
