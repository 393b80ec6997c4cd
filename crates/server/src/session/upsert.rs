//! Rows whose keys are there already: INSERT IGNORE leaves them out, REPLACE gives them the others' place, ON DUPLICATE KEY
//! UPDATE changes the others. The new rows are set aside first, with a number each, for these statements mean them one
//! after another; what becomes of them is then asked of the engine, in as few queries as their keys allow. The catalog
//! takes the outcome in one change, as it does of UPDATE.

mod contention;
mod queries;
mod rounds;
mod rows;
mod warned;

use catalog::{RowChange, Segment, TableRecord};
use parser::{Insert, OnDuplicate};
use query::{InsertId, PlannedInsert};

use crate::error::Result;
use crate::gate::{Operation, Permit};
use crate::segments::Unlisted;
use crate::table_changes;

use super::Session;
use super::assembled::Assembled;
use super::change_rows::Changed;
use super::queries::texts;
use super::result::Done;
use super::tables::table_object;
use queries::Texts;
use rounds::Update;
use rows::{NewRows, RowSet};

/// What a statement changes: everything or nothing of it.
#[derive(Default)]
struct Changes {
    /// Segments that go.
    old: Vec<Segment>,
    /// Their rows that stay, written anew.
    anew: Vec<Unlisted>,
    /// New rows and changed ones.
    added: Vec<Unlisted>,
    warnings: Vec<String>,
}

impl From<Changes> for Changed {
    fn from(changes: Changes) -> Self {
        Self {
            old: changes.old,
            new: changes.anew.into_iter().chain(changes.added).collect(),
            ..Self::default()
        }
    }
}

/// What the audit, and the answer, call such a statement.
pub(super) fn change_of(on_duplicate: &OnDuplicate) -> RowChange {
    match on_duplicate {
        OnDuplicate::Replace => RowChange::Replace,
        OnDuplicate::Refuse | OnDuplicate::Ignore | OnDuplicate::Update { .. } => RowChange::Insert,
    }
}

impl Session {
    /// That the principal may do to the rows that are there what the statement does to them.
    pub(super) async fn allow_on_duplicate(&self, statement: &Insert, id: u64) -> Result<()> {
        let operations: &[Operation] = match &statement.on_duplicate {
            OnDuplicate::Refuse | OnDuplicate::Ignore => &[],
            OnDuplicate::Replace => &[Operation::Delete],
            // Which rows are changed, and to what, tells of what stands in them.
            OnDuplicate::Update { .. } => &[Operation::Update, Operation::Select],
        };
        let (database, name) = self.resolve(&statement.table);
        for &operation in operations {
            let object = table_object(&database, &name);
            self.act(operation, object.clone(), move |acting, _| {
                acting.allow_table_found(operation, &object, id)
            })
            .await?;
        }
        Ok(())
    }

    /// Adds rows to a table that has keys, and does with those whose keys are there what the statement says. `named` are
    /// the columns that the rows were given in.
    pub(super) async fn add_or_change(
        &self,
        permit: Permit,
        table: TableRecord,
        planned: &PlannedInsert,
        on_duplicate: OnDuplicate,
        named: &[String],
    ) -> Result<Done> {
        let change = change_of(&on_duplicate);
        let update = match on_duplicate {
            OnDuplicate::Update { new, assignments } => {
                Some(Update::new(&table, named, new.as_ref(), assignments)?)
            }
            OnDuplicate::Refuse | OnDuplicate::Ignore | OnDuplicate::Replace => None,
        };
        let mut done = Done {
            verb: change.as_str(),
            ..Done::default()
        };
        let new = self.set_aside(&table, planned).await?;
        done.warnings = texts(planned.warnings());
        let Some(new) = new else {
            return Ok(done);
        };
        let mut changes = Changes::default();
        done.affected_rows = match &update {
            Some(update) => {
                self.update_or_add(&table, &new, update, &mut changes)
                    .await?
            }
            None if change == RowChange::Replace => {
                self.replace_rows(&table, &new, &mut changes).await?
            }
            None => self.add_others(&table, &new, &mut changes).await?,
        };
        drop(new);
        for warning in std::mem::take(&mut changes.warnings) {
            if !done.warnings.contains(&warning) {
                done.warnings.push(warning);
            }
        }
        self.check_changes(&table, &changes).await?;
        if changes.old.is_empty() && changes.added.is_empty() {
            return Ok(done);
        }
        if done.affected_rows > 0 {
            let added = changes.added.iter().filter_map(Unlisted::segment);
            let added: Vec<Segment> = added.cloned().collect();
            done.insert_id = match change {
                // Each of its rows was added, if only to give way to one behind it.
                RowChange::Replace => planned.insert_id(),
                RowChange::Insert
                | RowChange::Load
                | RowChange::Update
                | RowChange::Delete
                | RowChange::Compact => self.added_id(&table, planned.insert_id(), &added).await?,
            };
        }
        let account = self.account().to_owned();
        let next_number = Some(planned.next_auto_increment()).filter(|next| *next > 0);
        let listed = self.list_changed(permit, table, change, changes.into(), next_number);
        let (table, listed) = listed.await?;
        for segment in &listed {
            table_changes::after_insert(&self.instance, &account, &table, segment);
        }
        Ok(done)
    }

    /// What was put into the column with AUTO_INCREMENT of the rows that were added, where others were left out or changed
    /// what was there: the first number that a row kept.
    async fn added_id(
        &self,
        table: &TableRecord,
        planned: InsertId,
        added: &[Segment],
    ) -> Result<InsertId> {
        let InsertId::Given(first) = planned else {
            return Ok(planned);
        };
        let mut columns = table.columns.iter().filter(|column| column.auto_increment);
        let Some(column) = columns.next().filter(|_| !added.is_empty()) else {
            return Ok(InsertId::None);
        };
        // The rows that were there have numbers before it.
        let query = Assembled::default()
            .text("SELECT COALESCE(CAST(MIN(")
            .name(&column.name)
            .text(&format!(
                ") AS SIGNED), 0) FROM {} WHERE ",
                table_changes::part_name(&table.name)
            ))
            .name(&column.name)
            .text(&format!(" >= {first}"))
            .finish();
        Ok(match self.count(&query, table, added).await? {
            0 => InsertId::None,
            number => InsertId::Given(number),
        })
    }

    /// That no two rows have the same key once the changes are made: the queries above see to it, and this to them.
    async fn check_changes(&self, table: &TableRecord, changes: &Changes) -> Result<()> {
        let is_old = |segment: &&Segment| changes.old.iter().any(|old| old.id == segment.id);
        let kept = table.segments().iter().filter(|segment| !is_old(segment));
        let anew = changes.anew.iter().filter_map(Unlisted::segment);
        let kept: Vec<Segment> = kept.chain(anew).cloned().collect();
        let added = changes.added.iter().filter_map(Unlisted::segment);
        let added: Vec<Segment> = added.cloned().collect();
        self.check_keys(table, &kept, &added).await
    }

    /// INSERT IGNORE: the new rows whose keys no row before them has. Gives how many; of the others it warns.
    async fn add_others(
        &self,
        table: &TableRecord,
        new: &NewRows,
        changes: &mut Changes,
    ) -> Result<u64> {
        let texts = Texts::new(table);
        let tables = vec![
            new.rows.definition()?,
            RowSet::of_table(table).definition()?,
        ];
        let left_out = match table.keys.len() {
            // The first of those that have the same key.
            1 => None,
            // A row that is left out keeps none of its keys from those behind it.
            _ => Some(self.left_out(table, tables.clone()).await?),
        };
        let is_known = left_out.is_some();
        let tables: Vec<_> = tables.into_iter().chain(left_out).collect();
        let query = texts.others(is_known);
        let written = self.write_rows(table, &query, tables.clone()).await?;
        let rows = written.as_ref().map_or(0, Unlisted::rows);
        if rows < new.count {
            let warned = self.warned(table, &texts, is_known, tables, new.count - rows);
            changes.warnings.extend(warned.await?);
        }
        changes.added.extend(written);
        Ok(rows)
    }

    /// REPLACE: the last of the new rows with a key, in the place of all that have it. Gives how many rows were added and
    /// taken out.
    async fn replace_rows(
        &self,
        table: &TableRecord,
        new: &NewRows,
        changes: &mut Changes,
    ) -> Result<u64> {
        let texts = Texts::new(table);
        let (taken, _) = self.take_out(table, new, &texts, false, changes).await?;
        let last = texts.last_of_each();
        let written = self
            .write_rows(table, &last, vec![new.rows.definition()?])
            .await?;
        let rows = written.as_ref().map_or(0, Unlisted::rows);
        changes.added.extend(written);
        Ok(new.count + taken + (new.count - rows))
    }
}
