//! Keys: that no two rows of a table have the same values in the columns of its PRIMARY KEY or of a UNIQUE key. Looked
//! at by queries over the segments that a statement has written, before the catalog lists them: so in bounded memory,
//! all or nothing, and under the lock that whoever changes such a table holds.

use arrow::array::AsArray;
use catalog::{PRIMARY, Segment, TableKey, TableRecord};
use futures::TryStreamExt;
use parser::QueryText;

use crate::error::{Error, Reason, Result};
use crate::table_changes::{self, Part};

use super::Session;
use super::assembled::Assembled;

/// Characters of a duplicate's values in the message, as in MySQL.
const ENTRY_CHARS_MAX: usize = 64;

/// A table's keys, of one from before keys were kept, too: its primary key, if it has one, first.
pub(crate) fn table_keys(table: &TableRecord) -> Vec<TableKey> {
    let is_primary = |key: &&TableKey| key.name == PRIMARY;
    let primary = table.keys.iter().find(is_primary).cloned();
    let primary = primary.unwrap_or_else(|| TableKey {
        name: PRIMARY.to_owned(),
        columns: table
            .columns
            .iter()
            .filter(|column| column.primary_key)
            .map(|column| column.name.clone())
            .collect(),
    });
    let others = table.keys.iter().filter(|key| !is_primary(key)).cloned();
    std::iter::once(primary)
        .filter(|key| !key.columns.is_empty())
        .chain(others)
        .collect()
}

impl Session {
    /// That the rows of `new`, which no table lists yet, have keys that neither each other nor the rows of `kept` have.
    ///
    /// # Errors
    /// `Duplicate entry 'x' for key 't.k'` (1062).
    pub(super) async fn check_keys(
        &self,
        table: &TableRecord,
        kept: &[Segment],
        new: &[Segment],
    ) -> Result<()> {
        let rows: u64 = new.iter().map(|segment| segment.rows).sum();
        for key in &table.keys {
            let mut found = None;
            if rows > 1 {
                let parts = vec![table_changes::part_as(table, Part::New, new)?];
                found = self.first_duplicate(&among_new(table, key), parts).await?;
            }
            if found.is_none() && rows > 0 && !kept.is_empty() {
                let parts = vec![
                    table_changes::part_as(table, Part::New, new)?,
                    table_changes::part_as(table, Part::Kept, kept)?,
                ];
                found = self.first_duplicate(&among_kept(table, key), parts).await?;
            }
            if let Some(entry) = found {
                return Err(Error::new(
                    Reason::ValueInvalid,
                    1062,
                    "23000",
                    duplicate_entry(table, key, &entry),
                ));
            }
        }
        Ok(())
    }

    /// The one cell that a query gives, if it gives a row.
    async fn first_duplicate(
        &self,
        query: &QueryText,
        parts: Vec<query::TableDefinition>,
    ) -> Result<Option<String>> {
        let (_, statement, context) = self.query_context(query, parts).await?;
        let engine = &self.instance.engine;
        let planned = engine.plan_statement(statement, context).await?;
        let batches: Vec<_> = planned.stream()?.try_collect().await?;
        let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else {
            return Ok(None);
        };
        let texts = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8)
            .map_err(|error| Error::defect("a key's values make no text").with_source(error))?;
        let entry = texts.as_string::<i32>().value(0);
        Ok(Some(entry.to_owned()))
    }
}

/// As MySQL tells of a row whose key is there already.
pub(super) fn duplicate_entry(table: &TableRecord, key: &TableKey, entry: &str) -> String {
    let entry: String = entry.chars().take(ENTRY_CHARS_MAX).collect();
    format!(
        "Duplicate entry '{entry}' for key '{}.{}'",
        table.name, key.name
    )
}

/// Two rows of the new ones with the same key.
fn among_new(table: &TableRecord, key: &TableKey) -> QueryText {
    let from = table_changes::part_as_name(Part::New);
    let query = Assembled::default().text("SELECT ");
    let mut query = entry(query, table, key, "").text(&format!(" FROM {from} WHERE "));
    for (at, name) in key.columns.iter().enumerate() {
        query = query.text(if at > 0 { " AND " } else { "" }).name(name);
        // A key that is NULL in a column is like no other.
        query = query.text(" IS NOT NULL");
    }
    query = query.text(" GROUP BY ");
    for (at, name) in key.columns.iter().enumerate() {
        query = query.text(if at > 0 { ", " } else { "" }).name(name);
    }
    query.text(" HAVING COUNT(*) > 1 LIMIT 1").finish()
}

/// A new row whose key is there already.
fn among_kept(table: &TableRecord, key: &TableKey) -> QueryText {
    let (new, kept) = (
        table_changes::part_as_name(Part::New),
        table_changes::part_as_name(Part::Kept),
    );
    let query = Assembled::default().text("SELECT ");
    let query = entry(query, table, key, "n.");
    let mut query = query.text(&format!(" FROM {new} AS n JOIN {kept} AS k ON "));
    for (at, name) in key.columns.iter().enumerate() {
        let and = if at > 0 { " AND n." } else { "n." };
        query = query.text(and).name(name).text(" = k.").name(name);
    }
    query.text(" LIMIT 1").finish()
}

/// The values of a key as one text, as the message has them.
pub(super) fn entry(
    mut query: Assembled,
    table: &TableRecord,
    key: &TableKey,
    of: &str,
) -> Assembled {
    query = query.text("CONCAT_WS('-'");
    for name in &key.columns {
        let column = table.columns.iter().find(|column| column.name == *name);
        let is_bytes = column.is_some_and(|column| {
            let data_type = column.data_type.to_lowercase();
            data_type.contains("blob") || data_type.contains("binary")
        });
        let (before, after) = match is_bytes {
            true => ("HEX(", ")"),
            false => ("CAST(", " AS CHAR)"),
        };
        query = query
            .text(&format!(", {before}{of}"))
            .name(name)
            .text(after);
    }
    query.text(")")
}
