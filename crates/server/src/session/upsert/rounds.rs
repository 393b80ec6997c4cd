//! ON DUPLICATE KEY UPDATE. The rows of the table that have a key of a new row are set aside; then the new rows come in
//! rounds, in each of which no two have anything in common, so that one set of queries does for all of them: most
//! statements have one round. Each round writes the rows set aside anew, and the last one's are the table's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::or;
use arrow::error::ArrowError;
use catalog::TableRecord;
use futures::channel::mpsc::channel;
use futures::{SinkExt, StreamExt};
use parser::{ColumnAssignment, NewRow, QueryText};
use query::{InsertColumn, InsertTarget, PlannedInsert, TableDefinition};

use crate::error::{Error, Reason, Result};
use crate::segments::{self, Unlisted};
use crate::session::Session;
use crate::session::assembled::Assembled;
use crate::session::change_rows::{add_warnings, check_assigned, parting::Batches};
use crate::session::insert::{Numbers, insert_target};

use super::Changes;
use super::contention::{Shared, keyed, numbers, ranks, ranks_table, shared};
use super::queries::{Texts, WORKING};
use super::rows::{NewRows, RowSet, numbered, numbered_schema, own_column};

/// Batches between what makes rows and what writes them.
const BATCHES_QUEUED_MAX: usize = 2;
/// Rounds of a statement: new rows with the same key, or all new rows where keys are changed.
const ROUNDS_MAX: u64 = 1000;

/// What is done to a row that is there already.
pub(super) struct Update {
    /// What stands behind each `=`, the new row's columns by names of the server's own.
    assignments: Vec<ColumnAssignment>,
    /// Whether a column of a key gets a value.
    touches_keys: bool,
}

impl Update {
    pub(super) fn new(
        table: &TableRecord,
        named: &[String],
        new: Option<&NewRow>,
        assignments: Vec<ColumnAssignment>,
    ) -> Result<Self> {
        check_assigned(table, &assignments)?;
        let touches_keys = assignments.iter().any(|assignment| {
            let name = &assignment.column.value;
            table.keys.iter().any(|key| key.columns.contains(name))
        });
        let position = |name: &str| table.columns.iter().position(|column| column.name == name);
        let joined = own_column(table, "joined");
        let column = |name: &str| {
            let own = own_column(table, &format!("new{}", position(name)?));
            Some(format!("`{joined}`.`{own}`"))
        };
        let translated = assignments.into_iter().map(|assignment| {
            let is_own = |name: &str| position(name).is_some();
            let value = assignment.value.with_new_row(new, named, is_own, &column);
            let value = value.map_err(|name| {
                Error::new(
                    Reason::ColumnNotFound,
                    1054,
                    "42S22",
                    format!("Unknown column '{name}' in 'field list'"),
                )
            })?;
            Ok(ColumnAssignment {
                value,
                ..assignment
            })
        });
        Ok(Self {
            assignments: translated.collect::<Result<_>>()?,
            touches_keys,
        })
    }

    /// The rows that a round changes: as they are then, and behind that as they were. A column that gets its default is
    /// left out.
    fn changed(
        &self,
        table: &TableRecord,
        texts: &Texts<'_>,
        round: u64,
    ) -> Result<(QueryText, InsertTarget)> {
        let mut target = insert_target(table, None, Numbers::Kept)?;
        let mut named = Vec::new();
        let mut query = Assembled::default().text("SELECT ");
        let alias = table.name.replace('`', "``");
        for column in &table.columns {
            let mut assigned = self.assignments.iter();
            let assigned = assigned.find(|assignment| assignment.column.value == column.name);
            if assigned.is_some_and(ColumnAssignment::is_default) {
                continue;
            }
            query = query.text(if named.is_empty() { "" } else { ", " });
            query = match assigned {
                Some(assigned) => query.part(&assigned.value),
                None => query.text(&format!("`{alias}`.")).name(&column.name),
            };
            named.push(column.name.clone());
        }
        if named.is_empty() {
            // The old columns begin with a comma.
            let placeholder = own_column(table, "none");
            query = query.text("1");
            target.columns.push(own(&placeholder, "bigint", false)?);
            named.push(placeholder);
        }
        for (at, column) in table.columns.iter().enumerate() {
            let name = own_column(table, &format!("old{at}"));
            target
                .columns
                .push(own(&name, &column.data_type, column.nullable)?);
            named.push(name);
        }
        target.named = Some(named);
        Ok((texts.changed(round, query), target))
    }
}

fn own(name: &str, data_type: &str, nullable: bool) -> Result<InsertColumn> {
    Ok(InsertColumn {
        field: query::arrow_field(name, data_type, nullable)?,
        default: None,
        auto_increment: None,
    })
}

/// How many rows a round has left, changed and added.
#[derive(Default)]
struct Counts {
    unchanged: u64,
    /// Rows that a new row has the key of.
    met: u64,
    /// Those of them that are others now.
    changed: u64,
    added: u64,
}

impl Session {
    /// Gives MySQL's count: 1 for each row that was added, 2 for each time that one was changed.
    pub(super) async fn update_or_add(
        &self,
        table: &TableRecord,
        new: &NewRows,
        update: &Update,
        changes: &mut Changes,
    ) -> Result<u64> {
        let texts = Texts::new(table);
        let (_, hits) = self.take_out(table, new, &texts, true, changes).await?;
        let mut working = RowSet::numbered(WORKING, table, hits)?;
        let ranks = self.ranks(table, new, &working, update, &texts).await?;
        let rounds = ranks.iter().map(|(_, rank)| *rank).max().unwrap_or(1);
        let rounds = u64::try_from(rounds).unwrap_or(u64::MAX);
        if rounds > ROUNDS_MAX {
            return Err(too_many(rounds));
        }
        let ranks = ranks_table(table, &ranks)?;
        let (mut affected, mut seen) = (0, 0);
        for round in 1..=rounds {
            let tables = vec![new.rows.definition()?, working.definition()?, ranks.clone()];
            let is_last = round == rounds;
            let (counts, written) = self
                .round(table, &texts, update, (round, is_last), tables, changes)
                .await?;
            if counts.unchanged + counts.met != working.count() {
                return Err(Error::defect(format_args!(
                    "{} rows that were set aside became {}",
                    working.count(),
                    counts.unchanged + counts.met
                )));
            }
            affected += counts.added + 2 * counts.changed;
            seen += counts.added + counts.met;
            match is_last {
                true => changes.added.extend(written),
                false => working = RowSet::numbered(WORKING, table, written.into_iter().collect())?,
            }
        }
        if seen != new.count {
            return Err(Error::defect(format_args!(
                "{} new rows became {seen}",
                new.count
            )));
        }
        Ok(affected)
    }

    /// Which round each new row waits for; those that are not named are in the first.
    async fn ranks(
        &self,
        table: &TableRecord,
        new: &NewRows,
        working: &RowSet,
        update: &Update,
        texts: &Texts<'_>,
    ) -> Result<Vec<(i64, i64)>> {
        if update.touches_keys {
            // Which row a new one meets hangs on all before it.
            if new.count > ROUNDS_MAX {
                return Err(too_many(new.count));
            }
            let rows = 0..i64::try_from(new.count).unwrap_or_default();
            return Ok(rows.map(|row| (row, row + 1)).collect());
        }
        let mut things: BTreeMap<i64, Vec<Shared>> = BTreeMap::new();
        let tables = vec![new.rows.definition()?];
        let contended = self.few_rows(&texts.contended(false), tables).await?;
        for row in keyed(table, &contended)? {
            things.insert(row.row, shared(row.keys).collect());
        }
        if table.keys.len() > 1 {
            let tables = vec![
                new.rows.definition()?,
                working.definition()?,
                ranks_table(table, &[])?,
            ];
            for batch in self.few_rows(&texts.changing_the_same(), tables).await? {
                let (rows, old) = (numbers(&batch, 0)?, numbers(&batch, 1)?);
                for (row, old) in rows.iter().zip(old.iter()) {
                    if let (Some(row), Some(old)) = (row, old) {
                        things.entry(row).or_default().push(Shared::Old(old));
                    }
                }
            }
        }
        Ok(ranks(things))
    }

    async fn round(
        &self,
        table: &TableRecord,
        texts: &Texts<'_>,
        update: &Update,
        (round, is_last): (u64, bool),
        tables: Vec<TableDefinition>,
        changes: &mut Changes,
    ) -> Result<(Counts, Option<Unlisted>)> {
        let target = insert_target(table, None, Numbers::Kept)?;
        let plan = |query, target| self.planned_rows(query, target, tables.clone());
        let unchanged = plan(texts.unchanged(round), target.clone()).await?;
        let (query, target_of_changed) = update.changed(table, texts, round)?;
        let changed = plan(query, target_of_changed).await?;
        let added = plan(texts.added(round), target.clone()).await?;
        let (mut batches, rows) = channel(BATCHES_QUEUED_MAX);
        let (rows, schema) = match is_last {
            true => (rows.boxed(), target.schema()),
            false => (
                numbered(table, rows.boxed(), Arc::new(AtomicU64::new(0)))?,
                numbered_schema(table)?,
            ),
        };
        let folder = table.id.to_string();
        let writing = segments::write(&self.instance, &folder, rows, schema);
        let width = table.columns.len();
        let parts = [&unchanged, &changed, &added];
        // Whatever way it ends, the writer learns that nothing more comes.
        let filling = async move { fill(parts, width, &mut batches).await };
        let (written, counts) = tokio::join!(writing, filling);
        // A writer that has failed ends what fills it.
        let (counts, written) = (counts?, written?);
        let counts = counts.ok_or_else(|| Error::defect("nobody read the rows of a round"))?;
        for planned in [&unchanged, &changed, &added] {
            add_warnings(&mut changes.warnings, planned);
        }
        Ok((counts, written))
    }

    async fn planned_rows(
        &self,
        query: QueryText,
        target: InsertTarget,
        tables: Vec<TableDefinition>,
    ) -> Result<PlannedInsert> {
        let (text, _, context) = self.query_context(&query, tables).await?;
        let engine = &self.instance.engine;
        Ok(engine.plan_insert(&text, target, context).await?)
    }
}

/// Sends the rows of a round; `None` when nobody reads them.
async fn fill(
    [unchanged, changed, added]: [&PlannedInsert; 3],
    width: usize,
    batches: &mut Batches,
) -> Result<Option<Counts>> {
    let mut counts = Counts::default();
    let mut rows = unchanged.stream()?;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        counts.unchanged += batch.num_rows() as u64;
        if batches.send(Ok(batch)).await.is_err() {
            return Ok(None);
        }
    }
    let mut rows = changed.stream()?;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        counts.met += batch.num_rows() as u64;
        counts.changed += differing(&batch, width).map_err(defect)?;
        let columns: Vec<usize> = (0..width).collect();
        let batch = batch.project(&columns).map_err(defect)?;
        if batches.send(Ok(batch)).await.is_err() {
            return Ok(None);
        }
    }
    let mut rows = added.stream()?;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        counts.added += batch.num_rows() as u64;
        if batches.send(Ok(batch)).await.is_err() {
            return Ok(None);
        }
    }
    Ok(Some(counts))
}

/// Rows whose first columns are not what the last ones, which are as many, say that they were.
fn differing(batch: &RecordBatch, width: usize) -> std::result::Result<u64, ArrowError> {
    let old = batch.num_columns() - width;
    let mut differ: Option<BooleanArray> = None;
    for at in 0..width {
        let here = distinct(batch.column(at), batch.column(old + at))?;
        differ = Some(match differ {
            Some(before) => or(&before, &here)?,
            None => here,
        });
    }
    Ok(differ.map_or(0, |differ| differ.true_count() as u64))
}

fn too_many(rounds: u64) -> Error {
    Error::new(
        Reason::LimitExceeded,
        1038,
        "HY001",
        format!(
            "ON DUPLICATE KEY UPDATE changes the same row, or a key, {rounds} times in one statement; {ROUNDS_MAX} are possible: insert fewer rows at a time, or GROUP BY the key first"
        ),
    )
}

fn defect(error: ArrowError) -> Error {
    Error::defect(format_args!("failed to compare rows: {error}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    #[test]
    fn rows_that_stay_what_they_were_are_not_counted() {
        let numbers =
            |values: [Option<i64>; 4]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
        let texts = |values: [&str; 4]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("a", numbers([Some(1), None, Some(3), None])),
            ("b", texts(["x", "y", "z", "w"])),
            ("old a", numbers([Some(1), None, None, None])),
            ("old b", texts(["x", "y", "z", "W"])),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        assert_eq!(differing(&batch, 2).unwrap(), 2);
    }
}
