//! Who changes a table's segments: one statement at a time, for each writes anew what it has read; and the merging of
//! small segments in the background, so that many small INSERTs leave a table that is fast to read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use catalog::{RowChange, Segment, TableRecord, TableSource};
use query::{Context, SessionValues, Source, TableDefinition};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, Semaphore};

use crate::error::Result;
use crate::gate::system_actor;
use crate::instance::Instance;
use crate::segments;
use crate::session::Numbers;

/// Bytes below which a segment is small.
const SMALL_BYTES: u64 = 16 << 20;
/// Small segments that are worth merging.
const SMALL_MIN: usize = 32;
/// Bytes of small segments that are merged into one.
const MERGED_BYTES_MAX: u64 = 64 << 20;
/// Tables that are merged at the same time.
const MERGES_MAX: usize = 1;

/// The account and the table's id.
type TableKey = (String, u64);

/// The locks of tables that are being changed, by account and table id.
#[derive(Debug)]
pub(crate) struct TableChanges {
    locks: Mutex<HashMap<TableKey, Weak<AsyncMutex<()>>>>,
    merges: Arc<Semaphore>,
}

impl Default for TableChanges {
    fn default() -> Self {
        Self {
            locks: Mutex::default(),
            merges: Arc::new(Semaphore::new(MERGES_MAX)),
        }
    }
}

impl TableChanges {
    /// Waits until nobody else changes the table. INSERTs, which only add, wait for nobody.
    pub(crate) async fn lock(&self, account: &str, table: u64) -> OwnedMutexGuard<()> {
        self.of(account, table).lock_owned().await
    }

    fn of(&self, account: &str, table: u64) -> Arc<AsyncMutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (account.to_owned(), table);
        if let Some(lock) = locks.get(&key).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::new(AsyncMutex::new(()));
        locks.insert(key, Arc::downgrade(&lock));
        lock
    }
}

/// Merges small segments in the background, if the segment that was just added is one of enough.
pub(crate) fn after_insert(
    instance: &Arc<Instance>,
    account: &str,
    table: &TableRecord,
    added: &Segment,
) {
    // Ids count up: looking at every n-th is looking often enough.
    if !added.id.is_multiple_of(SMALL_MIN as u64) {
        return;
    }
    let instance = Arc::clone(instance);
    let (account, table) = (account.to_owned(), table.clone());
    tokio::spawn(async move {
        let name = format!("{}.{}", table.database, table.name);
        match merge(&instance, &account, &table).await {
            Ok(0) => {}
            Ok(merged) => tracing::debug!(
                account,
                table = name,
                segments = merged,
                "merged small segments"
            ),
            // The rows are where they were; the next INSERTs lead here again.
            Err(error) => {
                tracing::warn!(
                    account,
                    table = name,
                    error = error.message(),
                    "failed to merge small segments"
                );
            }
        }
    });
}

/// Merges a table's small segments; gives how many.
async fn merge(instance: &Arc<Instance>, account: &str, table: &TableRecord) -> Result<usize> {
    let Ok(_merging) = Arc::clone(&instance.changes.merges).acquire_owned().await else {
        return Ok(0);
    };
    let _changing = instance.changes.lock(account, table.id).await;
    let pin = instance.internal.pin();
    let (owner, database, name, id) = (
        account.to_owned(),
        table.database.clone(),
        table.name.clone(),
        table.id,
    );
    let found = instance
        .blocking(move |instance| Ok(instance.catalog.table(&owner, &database, &name)?))
        .await?;
    let Some(table) = found.filter(|table| table.id == id) else {
        return Ok(0);
    };
    let mut merged = 0;
    for group in small_groups(&table) {
        merged += merge_group(instance, account, &table, group).await?;
    }
    drop(pin);
    Ok(merged)
}

/// Small segments by the number that goes into one.
fn small_groups(table: &TableRecord) -> Vec<Vec<Segment>> {
    let small = table
        .segments()
        .iter()
        .filter(|segment| segment.bytes < SMALL_BYTES);
    let mut groups: Vec<(u64, Vec<Segment>)> = Vec::new();
    for segment in small {
        match groups.last_mut() {
            Some((bytes, group)) if *bytes + segment.bytes <= MERGED_BYTES_MAX => {
                *bytes += segment.bytes;
                group.push(segment.clone());
            }
            _ => groups.push((segment.bytes, vec![segment.clone()])),
        }
    }
    let groups = groups.into_iter().map(|(_, group)| group);
    groups.filter(|group| group.len() >= SMALL_MIN).collect()
}

async fn merge_group(
    instance: &Arc<Instance>,
    account: &str,
    table: &TableRecord,
    group: Vec<Segment>,
) -> Result<usize> {
    let (context, from) = rows_of(instance, table, &group)?;
    let target = crate::session::insert_target(table, None, Numbers::Kept)?;
    let text = format!("SELECT * FROM {from}");
    let planned = instance.engine.plan_insert(&text, target, context).await?;
    let schema = planned.schema();
    let folder = table.id.to_string();
    let Some(written) = segments::write(instance, &folder, planned.stream()?, schema).await? else {
        return Ok(0);
    };
    let (account, table) = (account.to_owned(), table.clone());
    instance
        .blocking(move |instance| {
            let Some(segment) = written.into_segment() else {
                return Ok(0);
            };
            let ids: Vec<u64> = group.iter().map(|segment| segment.id).collect();
            let file = segment.file.clone();
            let listed = instance.catalog.replace_segments(
                &system_actor(&account),
                RowChange::Compact,
                (&table.database, &table.name),
                table.id,
                &ids,
                vec![segment],
                None,
            );
            match listed {
                Ok(_) => {
                    let files = group.into_iter().map(|segment| segment.file);
                    instance.internal.remove_segments(files);
                    Ok(ids.len())
                }
                // Dropped or truncated meanwhile: the rows are gone, and so is their copy.
                Err(error) if error.kind() == catalog::ErrorKind::Conflict => {
                    instance.internal.remove_segments([file]);
                    Ok(0)
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
}

/// The database that a part of a table stands in within one query; no user can name it, for `:` is in no name.
const PARTS: &str = "stage:parts";

/// Some of a table's segments as a table, alone in a query's context, and how the query names it.
pub(crate) fn rows_of(
    instance: &Instance,
    table: &TableRecord,
    group: &[Segment],
) -> Result<(Context, String)> {
    let store = crate::session::internal_store()?;
    let definition = part(table, group, store.clone())?;
    let context = Context {
        tables: vec![definition],
        stores: vec![(store, instance.internal.tables.object_store())],
        values: SessionValues::default(),
        time_max: None,
        time_spent: std::time::Duration::ZERO,
        time_setting: "",
    };
    Ok((context, part_name(&table.name)))
}

/// Which of a table's rows a part has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Those that a statement has written and no table lists yet.
    New,
    /// Those that stay as they are.
    Kept,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Kept => "kept",
        }
    }
}

/// How a query names [`part_as`].
pub(crate) fn part_as_name(part: Part) -> String {
    format!("`{PARTS}`.`{}`", part.name())
}

/// Some segments of a table as a table of their own, beside other parts of it in one query.
pub(crate) fn part_as(
    table: &TableRecord,
    which: Part,
    group: &[Segment],
) -> Result<TableDefinition> {
    let definition = part(table, group, crate::session::internal_store()?)?;
    Ok(TableDefinition {
        name: which.name().to_owned(),
        ..definition
    })
}

/// How a query names [`rows_as`].
pub(crate) fn rows_name(name: &str) -> String {
    format!("`{PARTS}`.`{name}`")
}

/// Rows that a statement has set aside, or those of a table, under a name of the server's own.
pub(crate) fn rows_as(name: &str, schema: SchemaRef, rows: &[Segment]) -> Result<TableDefinition> {
    Ok(TableDefinition {
        database: PARTS.to_owned(),
        name: name.to_owned(),
        schema: Some(schema),
        source: Source::Segments {
            store: crate::session::internal_store()?,
            files: rows.iter().map(segments::file_ref).collect(),
        },
    })
}

/// A few rows in memory, under a name of the server's own.
pub(crate) fn rows_in_memory(name: &str, schema: SchemaRef, rows: RecordBatch) -> TableDefinition {
    TableDefinition {
        database: PARTS.to_owned(),
        name: name.to_owned(),
        schema: Some(schema),
        source: Source::Batches(vec![rows]),
    }
}

/// How a query names [`part`], which its expressions call `alias`.
pub(crate) fn part_name(alias: &str) -> String {
    part_name_as(&alias.replace('`', "``"))
}

/// How a query names [`part`] by an alias, which stands in backquotes.
pub(crate) fn part_name_as(alias: &str) -> String {
    format!("`{PARTS}`.`part` AS `{alias}`")
}

/// Some of a table's segments as a table of their own.
pub(crate) fn part(
    table: &TableRecord,
    group: &[Segment],
    store: url::Url,
) -> Result<TableDefinition> {
    let schema = arrow::datatypes::Schema::new(table_fields(table)?);
    Ok(TableDefinition {
        database: PARTS.to_owned(),
        name: "part".to_owned(),
        schema: Some(Arc::new(schema)),
        source: Source::Segments {
            store,
            files: group.iter().map(segments::file_ref).collect(),
        },
    })
}

/// Whether a database is [`part`]'s.
pub(crate) fn is_part(database: &str) -> bool {
    database == PARTS
}

fn table_fields(table: &TableRecord) -> Result<Vec<arrow::datatypes::Field>> {
    debug_assert!(matches!(table.source, TableSource::Segments(_)));
    crate::session::fields(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(sizes: &[u64]) -> TableRecord {
        let segment = |(at, bytes): (usize, &u64)| Segment {
            id: at as u64 + 1,
            file: format!("{at}"),
            rows: 1,
            bytes: *bytes,
            sha256: String::new(),
            checksums: catalog::Checksums::default(),
        };
        TableRecord {
            id: 1,
            database: "d".to_owned(),
            name: "t".to_owned(),
            version: 1,
            columns: Vec::new(),
            source: TableSource::Segments(sizes.iter().enumerate().map(segment).collect()),
            created_us: 0,
            changed_us: 0,
            next_segment: 1,
            keys: Vec::new(),
            next_number: 1,
            comment: String::new(),
        }
    }

    #[test]
    fn only_enough_small_segments_are_merged() {
        let lengths = |sizes: &[u64]| -> Vec<usize> {
            small_groups(&table(sizes)).iter().map(Vec::len).collect()
        };
        assert!(lengths(&[10; SMALL_MIN - 1]).is_empty());
        assert_eq!(lengths(&[10; SMALL_MIN]), [SMALL_MIN]);
        let mut with_large = vec![SMALL_BYTES; 3];
        with_large.extend([10; SMALL_MIN]);
        assert_eq!(lengths(&with_large), [SMALL_MIN]);
        // 32 of 2 MiB fill one, the rest is too few.
        assert_eq!(lengths(&[2 << 20; SMALL_MIN + 5]), [SMALL_MIN]);
    }
}
