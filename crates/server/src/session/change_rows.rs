//! UPDATE and DELETE: segments with rows that change are written anew, the others stay; the catalog then takes the old
//! ones out and the new ones in, in one change. Readers that began before keep what they read.

pub(super) mod parting;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use catalog::{RowChange, Segment, TableRecord};
use futures::channel::mpsc::channel;
use futures::{SinkExt, StreamExt, TryStreamExt};
use parser::{ColumnAssignment, Delete, QueryText, TableName, Update};
use query::{InsertTarget, PlannedInsert};

use crate::error::{Error, Reason, Result};
use crate::gate::{Operation, Permit};
use crate::segments::{self, Unlisted};
use crate::table_changes;

use super::assembled::Assembled;
use super::insert::{Numbers, insert_target};
use super::queries::texts;
use super::result::Done;
use super::tables::no_such_table;
use super::{Outcome, Session};
use parting::Batches;

/// Batches between what makes rows and what writes them.
const BATCHES_QUEUED_MAX: usize = 2;
/// Bytes of segments that are read and written together, and how many.
const GROUP_BYTES_MAX: u64 = 64 << 20;
const GROUP_SEGMENTS_MAX: usize = 256;

impl Session {
    pub(crate) async fn update(&mut self, statement: Update) -> Result<Outcome> {
        let change = Change {
            operation: Operation::Update,
            as_told: RowChange::Update,
            assignments: statement.assignments,
            condition: statement.condition,
            alias: statement.alias.map(|alias| alias.value),
        };
        self.change_rows(&statement.table, change).await
    }

    pub(crate) async fn delete(&mut self, statement: Delete) -> Result<Outcome> {
        let change = Change {
            operation: Operation::Delete,
            as_told: RowChange::Delete,
            assignments: Vec::new(),
            condition: statement.condition,
            alias: statement.alias.map(|alias| alias.value),
        };
        self.change_rows(&statement.table, change).await
    }

    async fn change_rows(&mut self, name: &TableName, change: Change) -> Result<Outcome> {
        let (_, table, _turn) = self.changing(change.operation, name).await?;
        let account = self.account().to_owned();
        let _changing = self.instance.changes.lock(&account, table.id).await;
        // The table as it is now that nobody else changes it.
        let pin = self.instance.internal.pin();
        let (permit, table) = self.changeable(change.operation, name).await?;
        if !change.takes_all() {
            // What a statement reads it tells of, by which rows it changes.
            let (database, name) = self.resolve(name);
            let object = super::tables::table_object(&database, &name);
            self.allow(Operation::Select, object).await?;
        }
        let target = change.target(&table)?;
        let mut changed = Changed::default();
        if change.takes_all() {
            changed.rows = table.segments().iter().map(|segment| segment.rows).sum();
            changed.old = table.segments().to_vec();
        } else {
            for group in groups(table.segments()) {
                self.change_group(&table, group, &change, &target, &mut changed)
                    .await?;
            }
        }
        if change.touches_keys(&table) {
            let is_old = |segment: &&Segment| changed.old.iter().any(|old| old.id == segment.id);
            let kept: Vec<Segment> = table
                .segments()
                .iter()
                .filter(|segment| !is_old(segment))
                .cloned()
                .collect();
            let new = changed.new.iter().filter_map(Unlisted::segment);
            let new: Vec<Segment> = new.cloned().collect();
            self.check_keys(&table, &kept, &new).await?;
        }
        let (rows, warnings) = (changed.rows, std::mem::take(&mut changed.warnings));
        if !changed.old.is_empty() {
            self.list_changed(permit, table, change.as_told, changed, None)
                .await?;
        }
        drop(pin);
        Ok(Outcome::Done(Done {
            verb: change.as_told.as_str(),
            affected_rows: rows,
            warnings,
            ..Done::default()
        }))
    }

    /// Writes the rows of some segments anew, if any of them changes: those that stay as they are first.
    async fn change_group(
        &self,
        table: &TableRecord,
        group: &[Segment],
        change: &Change,
        target: &InsertTarget,
        changed: &mut Changed,
    ) -> Result<()> {
        let from = change.rows_name(table);
        let count = Assembled::default().text(&format!("SELECT COUNT(*) FROM {from}"));
        let count = change.add_where(count).finish();
        if self.count(&count, table, group).await? == 0 {
            return Ok(());
        }
        let (mut batches, rows) = channel(BATCHES_QUEUED_MAX);
        let folder = table.id.to_string();
        let writing = segments::write(&self.instance, &folder, rows.boxed(), target.schema());
        let warnings = &mut changed.warnings;
        // Whatever way it ends, the writer learns that nothing more comes.
        let filling = async move {
            self.fill_group(table, group, change, &mut batches, warnings)
                .await
        };
        let (written, hits) = tokio::join!(writing, filling);
        // A writer that has failed ends what fills it.
        let (hits, written) = (hits?, written?);
        let hits = hits.ok_or_else(|| Error::defect("nobody read the rows of a change"))?;
        if hits > 0 {
            changed.rows += hits;
            changed.old.extend(group.iter().cloned());
            changed.new.extend(written);
        }
        Ok(())
    }

    /// Sends all rows of some segments as they are afterwards; gives how many the change is of. `None` when nobody
    /// reads them.
    async fn fill_group(
        &self,
        table: &TableRecord,
        group: &[Segment],
        change: &Change,
        batches: &mut Batches,
        warnings: &mut Vec<String>,
    ) -> Result<Option<u64>> {
        let all: u64 = group.iter().map(|segment| segment.rows).sum();
        let Some(condition) = &change.condition else {
            return self
                .send_changed(table, group, all, change, batches, warnings)
                .await;
        };
        let from = change.rows_name(table);
        let (query, target) = parting::marked(table, condition, &from)?;
        let marked = self.plan_part(&query, target, table, group).await?;
        let (parted, hits) = if change.assignments.is_empty() {
            (parting::part(marked.stream()?, batches, None).await?, None)
        } else {
            let (hits, rows) = channel(BATCHES_QUEUED_MAX);
            let folder = table.id.to_string();
            let schema = insert_target(table, None, Numbers::Kept)?.schema();
            let setting_aside = segments::write(&self.instance, &folder, rows.boxed(), schema);
            let parting = parting::part(marked.stream()?, batches, Some(hits));
            let (hits, parted) = tokio::join!(setting_aside, parting);
            // As above: an error of the parting is why less was set aside, one of the writer why parting ended.
            let parted = parted?;
            (parted, hits?)
        };
        add_warnings(warnings, &marked);
        let Some(parted) = parted else {
            return Ok(None);
        };
        if parted.kept + parted.hits != all {
            return Err(Error::defect(format_args!(
                "{} of {all} rows were read of a table's segments",
                parted.kept + parted.hits
            )));
        }
        match hits.as_ref().and_then(Unlisted::segment) {
            // Set aside until this is done.
            Some(segment) => {
                let group = std::slice::from_ref(segment);
                self.send_changed(table, group, parted.hits, change, batches, warnings)
                    .await
            }
            None => Ok(Some(parted.hits)),
        }
    }

    /// Sends the rows of some segments, all of which the statement changes, as they are afterwards.
    async fn send_changed(
        &self,
        table: &TableRecord,
        group: &[Segment],
        rows: u64,
        change: &Change,
        batches: &mut Batches,
        warnings: &mut Vec<String>,
    ) -> Result<Option<u64>> {
        let (query, target) = change.changed_rows(table)?;
        let planned = self.plan_part(&query, target, table, group).await?;
        let mut stream = planned.stream()?;
        let mut sent = 0;
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            sent += batch.num_rows() as u64;
            if batches.send(Ok(batch)).await.is_err() {
                return Ok(None);
            }
        }
        add_warnings(warnings, &planned);
        if sent != rows {
            return Err(Error::defect(format_args!(
                "{rows} rows to be changed became {sent}"
            )));
        }
        Ok(Some(rows))
    }

    async fn plan_part(
        &self,
        query: &QueryText,
        target: InsertTarget,
        table: &TableRecord,
        group: &[Segment],
    ) -> Result<PlannedInsert> {
        let part = table_changes::part(table, group, super::internal_store()?)?;
        let (text, _, context) = self.query_context(query, vec![part]).await?;
        let engine = &self.instance.engine;
        Ok(engine.plan_insert(&text, target, context).await?)
    }

    /// The number that a query of some of a table's rows gives.
    pub(super) async fn count(
        &self,
        query: &QueryText,
        table: &TableRecord,
        group: &[Segment],
    ) -> Result<u64> {
        let part = table_changes::part(table, group, super::internal_store()?)?;
        let (_, statement, context) = self.query_context(query, vec![part]).await?;
        let engine = &self.instance.engine;
        let planned = engine.plan_statement(statement, context).await?;
        let batches: Vec<_> = planned.stream()?.try_collect().await?;
        let count = batches
            .iter()
            .find(|batch| batch.num_rows() == 1)
            .and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>())
            .map(|counts| counts.value(0));
        count
            .and_then(|count| u64::try_from(count).ok())
            .ok_or_else(|| Error::defect("a count of rows gave none"))
    }

    /// Lists the new segments and takes the old ones out, in one change; gives those that it has added.
    pub(super) async fn list_changed(
        &self,
        permit: Permit,
        table: TableRecord,
        as_told: RowChange,
        changed: Changed,
        next_number: Option<u64>,
    ) -> Result<(TableRecord, Vec<Segment>)> {
        self.instance
            .blocking(move |instance| {
                let new: Vec<Segment> = changed
                    .new
                    .into_iter()
                    .filter_map(Unlisted::into_segment)
                    .collect();
                let new_files: Vec<String> =
                    new.iter().map(|segment| segment.file.clone()).collect();
                let ids: Vec<u64> = changed.old.iter().map(|segment| segment.id).collect();
                let names = (table.database.as_str(), table.name.as_str());
                let listed = instance.catalog.replace_segments(
                    permit.actor(),
                    as_told,
                    names,
                    table.id,
                    &ids,
                    new,
                    next_number,
                );
                match listed {
                    Ok(added) => {
                        let files = changed.old.into_iter().map(|segment| segment.file);
                        instance.internal.remove_segments(files);
                        Ok((table, added))
                    }
                    // Dropped or truncated meanwhile.
                    Err(error) if error.kind() == catalog::ErrorKind::Conflict => {
                        instance.internal.remove_segments(new_files);
                        Err(no_such_table(names.0, names.1).with_source(error))
                    }
                    Err(error) => Err(error.into()),
                }
            })
            .await
    }
}

/// What a statement does to which rows.
struct Change {
    operation: Operation,
    as_told: RowChange,
    /// None is taking the rows out.
    assignments: Vec<ColumnAssignment>,
    condition: Option<QueryText>,
    /// What its expressions call the table, if not by its name.
    alias: Option<String>,
}

/// What has been written so far.
#[derive(Default)]
pub(super) struct Changed {
    pub(super) rows: u64,
    /// Segments that go.
    pub(super) old: Vec<Segment>,
    /// Segments that come.
    pub(super) new: Vec<Unlisted>,
    pub(super) warnings: Vec<String>,
}

impl Change {
    /// Whether it is a DELETE of every row, which reads none.
    fn takes_all(&self) -> bool {
        self.assignments.is_empty() && self.condition.is_none()
    }

    /// How its queries name the rows, which its expressions call by the alias or the table's name.
    fn rows_name(&self, table: &TableRecord) -> String {
        table_changes::part_name(self.alias.as_deref().unwrap_or(&table.name))
    }

    /// Whether it gives a value to a column of a key.
    fn touches_keys(&self, table: &TableRecord) -> bool {
        self.assignments.iter().any(|assignment| {
            let name = &assignment.column.value;
            table.keys.iter().any(|key| key.columns.contains(name))
        })
    }

    /// All of the table's columns; the assigned ones are checked.
    fn target(&self, table: &TableRecord) -> Result<InsertTarget> {
        check_assigned(table, &self.assignments)?;
        insert_target(table, None, Numbers::Kept)
    }

    fn add_where(&self, query: Assembled) -> Assembled {
        match &self.condition {
            Some(condition) => query.text(" WHERE ").part(condition),
            None => query,
        }
    }

    /// The rows as they are afterwards. A column that gets its default is left out.
    fn changed_rows(&self, table: &TableRecord) -> Result<(QueryText, InsertTarget)> {
        let mut query = Assembled::default().text("SELECT ");
        let mut named = Vec::new();
        for column in &table.columns {
            let assigned = self
                .assignments
                .iter()
                .find(|assignment| assignment.column.value == column.name);
            if assigned.is_some_and(|assigned| assigned.is_default()) {
                continue;
            }
            if !named.is_empty() {
                query = query.text(", ");
            }
            query = match assigned {
                Some(assigned) => query.part(&assigned.value),
                None => query.name(&column.name),
            };
            named.push(column.name.clone());
        }
        if named.is_empty() {
            query = query.text("1");
        }
        let from = self.rows_name(table);
        let query = query.text(&format!(" FROM {from}")).finish();
        Ok((query, insert_target(table, Some(named), Numbers::Kept)?))
    }
}

/// That a table has the columns that get a value, each once.
///
/// # Errors
/// 1054 for a column that it has not, 1110 for one that is assigned twice.
pub(super) fn check_assigned(table: &TableRecord, assignments: &[ColumnAssignment]) -> Result<()> {
    let mut seen: Vec<&str> = Vec::new();
    for assignment in assignments {
        let name = assignment.column.value.as_str();
        if !table.columns.iter().any(|column| column.name == name) {
            return Err(Error::new(
                Reason::ColumnNotFound,
                1054,
                "42S22",
                format!("Unknown column '{name}' in 'field list'"),
            ));
        }
        if seen.contains(&name) {
            return Err(Error::new(
                Reason::ValueInvalid,
                1110,
                "42000",
                format!("Column '{name}' specified twice"),
            ));
        }
        seen.push(name);
    }
    Ok(())
}

pub(super) fn add_warnings(warnings: &mut Vec<String>, planned: &PlannedInsert) {
    for warning in texts(planned.warnings()) {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
}

/// Neighbouring segments that are written together.
pub(super) fn groups(segments: &[Segment]) -> Vec<&[Segment]> {
    let mut groups = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, segment) in segments.iter().enumerate() {
        let full = bytes + segment.bytes > GROUP_BYTES_MAX || at - start >= GROUP_SEGMENTS_MAX;
        if full && at > start {
            groups.push(&segments[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += segment.bytes;
    }
    if start < segments.len() {
        groups.push(&segments[start..]);
    }
    groups
}
