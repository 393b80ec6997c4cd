//! INSERT, and LOAD DATA's last step: the rows become one Parquet segment, durable before the catalog lists it; the
//! listing is the moment at which they exist. A crash before it leaves a file that the next start removes.

use catalog::{LoadedFile, RowChange, TableRecord, TableSource};
use parser::{Insert, OnDuplicate, TableName};
use query::{InsertColumn, InsertId, InsertTarget, PlannedInsert};
use tokio::sync::OwnedMutexGuard;

use crate::error::{Error, Reason, Result};
use crate::gate::{Operation, Permit};
use crate::segments::{self, Unlisted};
use crate::system_tables;
use crate::table_changes;
use crate::turns::{Turn, Work};

use super::insert_files::{is_of_files, takes_files};
use super::queries::{fields, texts};
use super::result::Done;
use super::tables::{missing_table, table_object};
use super::upsert::change_of;
use super::{Outcome, Session};

impl Session {
    pub(crate) async fn insert(&mut self, mut statement: Insert) -> Result<Outcome> {
        let name = &statement.table;
        let (permit, table, _turn) = self.changing_also(Operation::Insert, name).await?;
        let (permit, table, _numbering) = self.numbering(permit, table, name).await?;
        // Of the table that was found in the end.
        self.allow_on_duplicate(&statement, table.id).await?;
        let pin = self.instance.internal.pin();
        let named = statement.columns.iter().map(|name| name.value.clone());
        let named = Some(named.collect::<Vec<_>>()).filter(|named| !named.is_empty());
        let given = match &named {
            Some(named) => named.clone(),
            None => table
                .columns
                .iter()
                .map(|column| column.name.clone())
                .collect(),
        };
        let target = insert_target(&table, named, Numbers::Given)?;
        if is_of_files(&table) {
            self.may_append_file(&table).await?;
        }
        let (source, _, context) = self.query_context(&statement.source, Vec::new()).await?;
        let engine = &self.instance.engine;
        let planned = engine.plan_insert(&source, target, context).await?;
        let on_duplicate = std::mem::take(&mut statement.on_duplicate);
        if on_duplicate != OnDuplicate::Refuse && is_of_files(&table) {
            return Err(Error::not_supported(
                "INSERT IGNORE, REPLACE and ON DUPLICATE KEY UPDATE into an external table, which has no keys; INSERT adds a file to it",
            ));
        }
        if on_duplicate != OnDuplicate::Refuse && !table.keys.is_empty() {
            let done = self.add_or_change(permit, table, &planned, on_duplicate, &given);
            let done = done.await?;
            drop(pin);
            return Ok(Outcome::Done(done));
        }
        // Where there are no keys, no row is there already.
        let change = change_of(&on_duplicate);
        let rows = match is_of_files(&table) {
            true => self.append_file(&table, &planned).await?,
            false => self.add_rows(permit, table, &planned, change).await?,
        };
        drop(pin);
        Ok(Outcome::Done(Done {
            verb: change.as_str(),
            affected_rows: rows,
            insert_id: insert_id(&planned, rows),
            warnings: texts(planned.warnings()),
        }))
    }

    /// The table, once the principal may change its rows, and a turn to do so.
    pub(super) async fn changing(
        &mut self,
        operation: Operation,
        name: &TableName,
    ) -> Result<(Permit, TableRecord, Turn)> {
        self.changing_of(operation, name, Changes::Rows).await
    }

    /// [`Session::changing`], also of an external table that takes new files.
    pub(super) async fn changing_also(
        &mut self,
        operation: Operation,
        name: &TableName,
    ) -> Result<(Permit, TableRecord, Turn)> {
        self.changing_of(operation, name, Changes::RowsOrFiles)
            .await
    }

    async fn changing_of(
        &mut self,
        operation: Operation,
        name: &TableName,
        changes: Changes,
    ) -> Result<(Permit, TableRecord, Turn)> {
        let (permit, table) = self.changeable_of(operation, name, changes).await?;
        if let Some(turn) = self.free_turn(Work::Insert)? {
            return Ok((permit, table, turn));
        }
        let turn = self.take_turn(Work::Insert).await?;
        // What was permitted and found before the wait may not be so behind it.
        let (permit, table) = self.changeable_of(operation, name, changes).await?;
        Ok((permit, table, turn))
    }

    /// The table, once the principal may change its rows.
    pub(super) async fn changeable(
        &self,
        operation: Operation,
        name: &TableName,
    ) -> Result<(Permit, TableRecord)> {
        self.changeable_of(operation, name, Changes::Rows).await
    }

    /// [`Session::changeable`] of what `changes` says.
    pub(super) async fn changeable_of(
        &self,
        operation: Operation,
        name: &TableName,
        changes: Changes,
    ) -> Result<(Permit, TableRecord)> {
        let (database, name) = self.resolve(name);
        let object = table_object(&database, &name);
        self.act(operation, object, move |acting, permit| {
            if system_tables::is_system_database(&database) {
                return Err(Error::new(
                    Reason::PermissionDenied,
                    1044,
                    "42000",
                    format!("database '{database}' is the server's own and read-only"),
                ));
            }
            let table = acting.existing_table(operation, permit, &database, &name)?;
            match table.source {
                TableSource::Segments(_) => Ok((permit.clone(), table)),
                TableSource::External { .. }
                    if changes == Changes::RowsOrFiles && takes_files(&table) =>
                {
                    Ok((permit.clone(), table))
                }
                TableSource::External { .. } => Err(Error::invalid_input(
                    Reason::QueryInvalid,
                    "cannot insert/update/delete from external table",
                )),
                TableSource::View(_) => Err(super::views::not_writable(operation, &name)),
            }
        })
        .await
    }

    /// The table as it is now, and the lock of its numbers and keys, if a column of it has AUTO_INCREMENT or it has keys:
    /// whoever gives numbers waits until those before are given, whoever looks for a key until all rows are there.
    pub(super) async fn numbering(
        &self,
        permit: Permit,
        table: TableRecord,
        name: &TableName,
    ) -> Result<(Permit, TableRecord, Option<OwnedMutexGuard<()>>)> {
        let is_numbered = table.columns.iter().any(|column| column.auto_increment);
        if !is_numbered && table.keys.is_empty() {
            return Ok((permit, table, None));
        }
        self.alone(table, name).await
    }

    /// The table as it is once nobody else gives it numbers, looks for its keys or notes its files, and the lock that keeps
    /// it so.
    pub(super) async fn alone(
        &self,
        table: TableRecord,
        name: &TableName,
    ) -> Result<(Permit, TableRecord, Option<OwnedMutexGuard<()>>)> {
        let lock = self.instance.changes.lock(self.account(), table.id).await;
        let (permit, table) = self.changeable(Operation::Insert, name).await?;
        Ok((permit, table, Some(lock)))
    }

    /// Writes rows as a new segment of the table, and lists it. No rows: no segment.
    pub(super) async fn add_rows(
        &self,
        permit: Permit,
        table: TableRecord,
        rows: &PlannedInsert,
        change: RowChange,
    ) -> Result<u64> {
        let written = self.write_segment(&table, rows).await?;
        if written.is_none() {
            return Ok(0);
        }
        self.list_segment(permit, table, rows, written, Listed::Rows(change))
            .await
    }

    /// Writes rows as a new segment, which the table does not have yet: no key of it is there already. No rows: no
    /// segment.
    pub(super) async fn write_segment(
        &self,
        table: &TableRecord,
        rows: &PlannedInsert,
    ) -> Result<Option<Unlisted>> {
        let folder = table.id.to_string();
        let written = segments::write(&self.instance, &folder, rows.stream()?, rows.schema());
        let written = written.await?;
        if let Some(segment) = written.as_ref().and_then(Unlisted::segment) {
            self.check_keys(table, table.segments(), std::slice::from_ref(segment))
                .await?;
        }
        Ok(written)
    }

    /// Lists what [`Session::write_segment`] has written: from then on the rows are there.
    pub(super) async fn list_segment(
        &self,
        permit: Permit,
        table: TableRecord,
        rows: &PlannedInsert,
        written: Option<Unlisted>,
        listed: Listed,
    ) -> Result<u64> {
        let next_number = Some(rows.next_auto_increment()).filter(|next| *next > 0);
        let rows = written.as_ref().map_or(0, Unlisted::rows);
        let account = self.account().to_owned();
        let listed = self.instance.blocking(move |instance| {
            let segment = written.and_then(Unlisted::into_segment);
            let file = segment.as_ref().map(|segment| segment.file.clone());
            let new = segment.into_iter().collect();
            let names = (table.database.as_str(), table.name.as_str());
            let (catalog, actor) = (&instance.catalog, permit.actor());
            let listed = match listed {
                Listed::Rows(change) => {
                    catalog.replace_segments(actor, change, names, table.id, &[], new, next_number)
                }
                Listed::Files(files) => {
                    catalog.load_segments(actor, names, table.id, new, next_number, files)
                }
            };
            match listed {
                Ok(added) => Ok((table, added)),
                Err(error) => {
                    // Decided, and against it. Of another error nobody knows whether the listing was written.
                    if matches!(
                        error.kind(),
                        catalog::ErrorKind::Conflict | catalog::ErrorKind::AlreadyExists
                    ) {
                        instance.internal.remove_segments(file);
                    }
                    if error.kind() == catalog::ErrorKind::AlreadyExists {
                        return Err(Error::invalid_input(Reason::ValueInvalid, &error)
                            .with_source(error)
                            .retryable(true));
                    }
                    Err(missing_table(error, &table.database, &table.name))
                }
            }
        });
        let (table, added) = listed.await?;
        for segment in &added {
            table_changes::after_insert(&self.instance, &account, &table, segment);
        }
        Ok(rows)
    }
}

/// What AUTO_INCREMENT gave to rows, or was given; nothing where there were none.
pub(super) fn insert_id(planned: &PlannedInsert, rows: u64) -> InsertId {
    match rows {
        0 => InsertId::None,
        _ => planned.insert_id(),
    }
}

/// What of a table a statement changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changes {
    /// Rows that this server has.
    Rows,
    /// And files on a stage, to which it may add some.
    RowsOrFiles,
}

/// As what new rows are listed.
pub(super) enum Listed {
    /// As rows of a statement.
    Rows(RowChange),
    /// As those of files, which are not to be loaded again.
    Files(Vec<LoadedFile>),
}

impl Listed {
    /// Whether there is nothing to list where there are no rows.
    pub(super) fn is_of_rows(&self) -> bool {
        match self {
            Self::Rows(_) => true,
            Self::Files(_) => false,
        }
    }
}

/// Whether AUTO_INCREMENT gives numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// To new rows.
    Given,
    /// Rows that are there already keep theirs, also 0.
    Kept,
}

/// A table as rows go into it; `named` are the columns that the rows have, none is all of them.
pub(crate) fn insert_target(
    table: &TableRecord,
    named: Option<Vec<String>>,
    numbers: Numbers,
) -> Result<InsertTarget> {
    let columns = fields(table)?
        .into_iter()
        .zip(&table.columns)
        .map(|(field, column)| InsertColumn {
            field,
            default: column.default.clone(),
            auto_increment: (column.auto_increment && numbers == Numbers::Given)
                .then_some(table.next_number),
        });
    Ok(InsertTarget {
        columns: columns.collect(),
        named,
    })
}
