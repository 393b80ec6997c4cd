//! New rows that have a key in common. Such a statement means its rows one after another, so what becomes of the later
//! ones hangs on what became of the earlier: they are looked at here, in their order.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use arrow::row::{RowConverter, SortField};
use catalog::TableRecord;
use query::TableDefinition;

use crate::error::{Error, Result};
use crate::session::Session;
use crate::table_changes;

use super::queries::{LEFT_OUT, RANKS, Texts};
use super::rows::own_column;

/// A new row, by its number, and its keys: their values as bytes, `None` for one that is like no other.
pub(super) struct Keyed {
    pub(super) row: i64,
    pub(super) keys: Vec<Option<Box<[u8]>>>,
}

/// What rows have in common.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Shared {
    /// The values of the key with this number.
    Key(usize, Box<[u8]>),
    /// The row of the table that they change.
    Old(i64),
}

impl Session {
    /// Numbers of the new rows that INSERT IGNORE leaves out for the sake of other new rows, as a table of the engine.
    pub(super) async fn left_out(
        &self,
        table: &TableRecord,
        tables: Vec<TableDefinition>,
    ) -> Result<TableDefinition> {
        let query = Texts::new(table).contended(true);
        let rows = keyed(table, &self.few_rows(&query, tables).await?)?;
        let left_out = left_out(rows);
        let key = own_column(table, "key");
        pairs(table, LEFT_OUT, &key, left_out.into_iter())
    }
}

/// Rows as the query of contended rows gives them: a number, then the columns of each key.
pub(super) fn keyed(table: &TableRecord, batches: &[RecordBatch]) -> Result<Vec<Keyed>> {
    let mut rows: Vec<Keyed> = Vec::new();
    for batch in batches {
        let first = rows.len();
        rows.extend(numbers(batch, 0)?.iter().map(|row| Keyed {
            row: row.unwrap_or_default(),
            keys: Vec::with_capacity(table.keys.len()),
        }));
        let mut at = 1;
        for key in &table.keys {
            let columns = &batch.columns()[at..at + key.columns.len()];
            at += key.columns.len();
            let fields = columns
                .iter()
                .map(|column| SortField::new(column.data_type().clone()));
            let converter = RowConverter::new(fields.collect()).map_err(defect)?;
            let values = converter.convert_columns(columns).map_err(defect)?;
            for (index, row) in rows.iter_mut().skip(first).enumerate() {
                let is_key = columns.iter().all(|column| !column.is_null(index));
                row.keys
                    .push(is_key.then(|| values.row(index).as_ref().into()));
            }
        }
    }
    Ok(rows)
}

/// Of rows in their order those that have a key of one that is not left out, with the number of the first such key.
fn left_out(rows: Vec<Keyed>) -> Vec<(i64, i64)> {
    let mut taken: HashSet<Shared> = HashSet::new();
    let mut left_out = Vec::new();
    for row in rows {
        let keys: Vec<Shared> = shared(row.keys).collect();
        match keys.iter().find(|key| taken.contains(*key)) {
            Some(Shared::Key(at, _)) => left_out.push((row.row, i64::try_from(*at).unwrap_or(0))),
            Some(Shared::Old(_)) | None => taken.extend(keys),
        }
    }
    left_out
}

/// The keys of a row that others can have.
pub(super) fn shared(keys: Vec<Option<Box<[u8]>>>) -> impl Iterator<Item = Shared> {
    let keys = keys.into_iter().enumerate();
    keys.filter_map(|(at, key)| key.map(|key| Shared::Key(at, key)))
}

/// The round, from 1, that each row waits for: behind all rows before it with which it hangs together. Two that have
/// nothing in common may still meet one row, which a third has added that has one thing in common with each.
pub(super) fn ranks(rows: BTreeMap<i64, Vec<Shared>>) -> Vec<(i64, i64)> {
    let mut groups = Groups::default();
    let mut first_with: HashMap<Shared, usize> = HashMap::new();
    let mut numbers = Vec::with_capacity(rows.len());
    for (row, things) in rows {
        let group = groups.add();
        numbers.push(row);
        for thing in things {
            let first = *first_with.entry(thing).or_insert(group);
            groups.join(first, group);
        }
    }
    let mut rounds: HashMap<usize, i64> = HashMap::new();
    let mut ranks = Vec::with_capacity(numbers.len());
    for (at, row) in numbers.into_iter().enumerate() {
        let round = rounds.entry(groups.of(at)).or_default();
        *round += 1;
        ranks.push((row, *round));
    }
    ranks
}

/// Which members hang together.
#[derive(Default)]
struct Groups {
    /// Of each member another of its group, or itself.
    parents: Vec<usize>,
}

impl Groups {
    /// A new member, alone.
    fn add(&mut self) -> usize {
        self.parents.push(self.parents.len());
        self.parents.len() - 1
    }

    /// The member that stands for the group.
    fn of(&mut self, mut member: usize) -> usize {
        while self.parents[member] != member {
            self.parents[member] = self.parents[self.parents[member]];
            member = self.parents[member];
        }
        member
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.of(one), self.of(other));
        self.parents[one.max(other)] = one.min(other);
    }
}

/// Rounds as a table of the engine.
pub(super) fn ranks_table(table: &TableRecord, ranks: &[(i64, i64)]) -> Result<TableDefinition> {
    let rank = own_column(table, "rank");
    pairs(table, RANKS, &rank, ranks.iter().copied())
}

/// Numbers of new rows, each with another number, as a table of the engine.
fn pairs(
    table: &TableRecord,
    name: &'static str,
    second: &str,
    pairs: impl Iterator<Item = (i64, i64)>,
) -> Result<TableDefinition> {
    let (rows, others): (Vec<i64>, Vec<i64>) = pairs.unzip();
    let schema = Arc::new(Schema::new(vec![
        Field::new(own_column(table, "row"), DataType::Int64, false),
        Field::new(second, DataType::Int64, false),
    ]));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(rows)),
        Arc::new(Int64Array::from(others)),
    ];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(defect)?;
    Ok(table_changes::rows_in_memory(name, schema, batch))
}

/// A column of numbers.
pub(super) fn numbers(batch: &RecordBatch, at: usize) -> Result<Int64Array> {
    let column = batch
        .columns()
        .get(at)
        .ok_or_else(|| Error::defect("a column of numbers is not there"))?;
    let numbers = cast(column, &DataType::Int64).map_err(defect)?;
    Ok(numbers.as_primitive::<Int64Type>().clone())
}

fn defect(error: arrow::error::ArrowError) -> Error {
    Error::defect(format_args!("failed to compare keys: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyed(row: i64, keys: &[Option<u8>]) -> Keyed {
        let key = |key: &Option<u8>| key.map(|key| [key].into());
        Keyed {
            row,
            keys: keys.iter().map(key).collect(),
        }
    }

    #[test]
    fn a_row_that_is_left_out_leaves_its_other_keys_to_the_next() {
        let rows = vec![
            keyed(0, &[Some(1), Some(1)]),
            // Its first key is there, so its second one is not taken.
            keyed(1, &[Some(1), Some(2)]),
            keyed(2, &[Some(3), Some(2)]),
            keyed(3, &[None, Some(2)]),
            keyed(4, &[None, None]),
            keyed(5, &[None, None]),
        ];
        assert_eq!(left_out(rows), [(1, 0), (3, 1)]);
    }

    #[test]
    fn rows_wait_for_those_they_have_something_in_common_with() {
        let key = |at, value: u8| Shared::Key(at, [value].into());
        let rows = BTreeMap::from([
            (0, vec![key(0, 1), key(1, 1)]),
            (1, vec![key(0, 1), key(1, 2)]),
            (2, vec![key(0, 3), key(1, 2)]),
            // The same bytes of another key are another thing.
            (3, vec![key(0, 2), Shared::Old(7)]),
            (4, vec![Shared::Old(7)]),
        ]);
        assert_eq!(ranks(rows), [(0, 1), (1, 2), (2, 3), (3, 1), (4, 2)]);
        // The second and the third meet the first, which the one changes by its first key and the other by its second.
        let rows = BTreeMap::from([
            (0, vec![key(0, 1), key(1, 1)]),
            (1, vec![key(0, 1), key(1, 2)]),
            (2, vec![key(0, 3), key(1, 1)]),
        ]);
        assert_eq!(ranks(rows), [(0, 1), (1, 2), (2, 3)]);
    }
}
