//! What changes with a table's data: segments come and go. The bytes written for one segment do not
//! depend on how many the table has.

use std::collections::BTreeSet;

use super::{RowChange, Segment, TableRecord, not_exists};
use crate::error::Error;
use crate::format::StoredTable;
use crate::options::Actor;
use crate::store::{Draft, What};
use crate::{Catalog, keys};

impl Catalog {
    /// Adds one segment, and gives the whole table, which reads all its segments; where many are
    /// added, [`Catalog::add_segments`] is the cheaper one. Errors as there.
    pub fn add_segment(
        &self,
        actor: &Actor,
        database: &str,
        name: &str,
        table_id: u64,
        segment: Segment,
    ) -> Result<TableRecord, Error> {
        self.add_segments(actor, database, name, table_id, vec![segment])?;
        self.table(&actor.account, database, name)?
            .ok_or_else(|| not_exists(database, name))
    }

    /// Adds segments, all or none, and gives them with their ids.
    ///
    /// Errors: `Conflict` when the table of that name is gone or no longer the one of `table_id`
    /// (dropped and made again meanwhile); `Invalid` for an external table.
    pub fn add_segments(
        &self,
        actor: &Actor,
        database: &str,
        name: &str,
        table_id: u64,
        segments: Vec<Segment>,
    ) -> Result<Vec<Segment>, Error> {
        let change = RowChange::Insert;
        let names = (database, name);
        self.replace_segments(actor, change, names, table_id, &[], segments, None)
    }

    /// Takes out the segments with these ids of the table `(database, name)` and adds others, in one change, which the
    /// audit calls `change`; gives the added ones. `next_number` is what AUTO_INCREMENT gives next, once these rows are in.
    ///
    /// Errors as of [`Catalog::add_segments`], and `Conflict` when a segment to take out is not there.
    #[expect(
        clippy::too_many_arguments,
        reason = "each says one thing of one change"
    )]
    pub fn replace_segments(
        &self,
        actor: &Actor,
        change: RowChange,
        (database, name): (&str, &str),
        table_id: u64,
        remove: &[u64],
        add: Vec<Segment>,
        next_number: Option<u64>,
    ) -> Result<Vec<Segment>, Error> {
        let what = || What::change(change.as_str(), format!("{database}.{name}"));
        self.store.write(actor, what, |draft| {
            let names = (database, name);
            exchange(
                draft,
                &actor.account,
                names,
                table_id,
                remove,
                add,
                next_number,
            )
        })
    }

    /// Takes out all segments and gives them; their files are the caller's to delete. With an id of the table with this
    /// id alone.
    /// Errors: `NotFound`; `Invalid` for an external table.
    pub fn truncate_table(
        &self,
        actor: &Actor,
        database: &str,
        name: &str,
        id: Option<u64>,
    ) -> Result<Vec<Segment>, Error> {
        self.store.write(
            actor,
            || What::change("TRUNCATE TABLE", format!("{database}.{name}")),
            |draft| {
                let account = &actor.account;
                let key = keys::table(account, database, name);
                let table = draft
                    .view()
                    .get::<StoredTable>(&key)?
                    .filter(|table| id.is_none_or(|id| id == table.id))
                    .ok_or_else(|| not_exists(database, name))?;
                refuse_external(&table)?;
                super::loaded::forget(draft, account, table.id)?;
                let removed: Vec<Segment> =
                    draft.view().list(&keys::segments(account, table.id))?;
                if !removed.is_empty() {
                    for segment in &removed {
                        draft.delete(keys::segment(account, table.id, segment.id));
                    }
                    let mut table = table;
                    table.next_number = 1;
                    put_next_version(draft, key, table);
                }
                Ok(removed)
            },
        )
    }

    /// The file names of all segments of all tables: what internal storage must keep.
    pub fn all_segment_files(&self, account: &str) -> Result<BTreeSet<String>, Error> {
        let segments: Vec<Segment> = self
            .store
            .read(|view| view.list(&keys::all_segments(account)))?;
        Ok(segments.into_iter().map(|segment| segment.file).collect())
    }
}

/// Takes out some segments of a table and adds others, as [`Catalog::replace_segments`] says.
pub(super) fn exchange(
    draft: &mut Draft<'_>,
    account: &str,
    (database, name): (&str, &str),
    table_id: u64,
    remove: &[u64],
    add: Vec<Segment>,
    next_number: Option<u64>,
) -> Result<Vec<Segment>, Error> {
    let key = keys::table(account, database, name);
    let mut table = draft
        .view()
        .get::<StoredTable>(&key)?
        .filter(|table| table.id == table_id)
        .ok_or_else(|| {
            Error::conflict(format!(
                "the table {database}.{name} with id {table_id} was dropped or replaced meanwhile"
            ))
        })?;
    refuse_external(&table)?;
    for &id in remove {
        let segment = keys::segment(account, table_id, id);
        if draft.view().get::<Segment>(&segment)?.is_none() {
            return Err(Error::conflict(format!(
                "the table {database}.{name} has no segment {id} any more"
            )));
        }
        draft.delete(segment);
    }
    let added = put(draft, account, &mut table, add);
    // Numbers are given once, also where two INSERTs end in another order than they began.
    table.next_number = table.next_number.max(next_number.unwrap_or(0));
    if !remove.is_empty() || !added.is_empty() {
        put_next_version(draft, key, table);
    }
    Ok(added)
}

/// Numbers new segments and puts each under its own key; the caller puts the table.
pub(super) fn put(
    draft: &mut Draft<'_>,
    account: &str,
    table: &mut StoredTable,
    mut new: Vec<Segment>,
) -> Vec<Segment> {
    for segment in &mut new {
        segment.id = table.next_segment;
        table.next_segment += 1;
        draft.put(keys::segment(account, table.id, segment.id), segment);
    }
    new
}

fn put_next_version(draft: &mut Draft<'_>, key: String, mut table: StoredTable) {
    table.version += 1;
    table.changed_us = draft.now_us();
    draft.put(key, &table);
}

fn refuse_external(table: &StoredTable) -> Result<(), Error> {
    let what = match (&table.external, &table.view) {
        (None, None) => return Ok(()),
        (Some(_), _) => "is external",
        (None, Some(_)) => "is a view",
    };
    Err(Error::invalid(format!(
        "the table {}.{} {what}, its rows cannot be changed here",
        table.database, table.name
    )))
}
