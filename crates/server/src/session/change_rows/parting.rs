//! Parts rows by a statement's condition, which is decided once for each row: a condition may be of chance, of the time,
//! or of other tables, and who decided it twice could lose a row, or have it twice.

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use arrow::datatypes::Int64Type;
use catalog::TableRecord;
use futures::channel::mpsc::Sender;
use futures::{SinkExt, StreamExt};
use parser::QueryText;
use query::{BatchStream, InsertColumn, InsertTarget};

use crate::error::{Error, Result};
use crate::session::assembled::Assembled;
use crate::session::insert::{Numbers, insert_target};

/// Where batches go; what is sent to a writer that has failed is lost, and the writer says why.
pub(in crate::session) type Batches = Sender<std::result::Result<RecordBatch, query::Error>>;

/// How many rows went where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::session) struct Parted {
    pub(in crate::session) kept: u64,
    pub(in crate::session) hits: u64,
}

/// A query for all rows of a table's part, each marked behind its columns with whether the condition holds; and the
/// target that takes these rows as they are.
pub(super) fn marked(
    table: &TableRecord,
    condition: &QueryText,
    from: &str,
) -> Result<(QueryText, InsertTarget)> {
    let query = Assembled::default().text("SELECT *, IF(");
    // NULL is no reason to change a row.
    let query = query.part(condition).text(", 1, 0) FROM ").text(from);
    Ok((query.finish(), marked_target(table)?))
}

/// A table's columns, and the mark behind them.
pub(in crate::session) fn marked_target(table: &TableRecord) -> Result<InsertTarget> {
    let mut target = insert_target(table, None, Numbers::Kept)?;
    target.columns.push(InsertColumn {
        field: query::arrow_field("condition", "bigint", false)?,
        default: None,
        auto_increment: None,
    });
    Ok(target)
}

/// Sends marked rows on, without their mark: those that the condition holds for to `hits`, if anyone wants them, the
/// others to `kept`. `None` if a reader is gone, which has failed and says so itself.
///
/// # Errors
/// Those of `rows`.
pub(in crate::session) async fn part(
    mut rows: BatchStream,
    kept: &mut Batches,
    mut hits: Option<Batches>,
) -> Result<Option<Parted>> {
    let mut parted = Parted::default();
    while let Some(batch) = rows.next().await {
        let (batch, is_hit) = unmarked(&batch?)?;
        parted.hits += is_hit.true_count() as u64;
        parted.kept += (is_hit.len() - is_hit.true_count()) as u64;
        let rest = filter_record_batch(&batch, &not(&is_hit).map_err(defect)?).map_err(defect)?;
        if rest.num_rows() > 0 && kept.send(Ok(rest)).await.is_err() {
            return Ok(None);
        }
        if let Some(hits) = &mut hits {
            let own = filter_record_batch(&batch, &is_hit).map_err(defect)?;
            if own.num_rows() > 0 && hits.send(Ok(own)).await.is_err() {
                return Ok(None);
            }
        }
    }
    Ok(Some(parted))
}

/// A batch without its mark, which is the last column, and whether each row is a hit.
fn unmarked(batch: &RecordBatch) -> Result<(RecordBatch, BooleanArray)> {
    let last = batch.num_columns().saturating_sub(1);
    let marks = batch
        .columns()
        .get(last)
        .and_then(|marks| marks.as_primitive_opt::<Int64Type>())
        .ok_or_else(|| Error::defect("rows came without their mark"))?;
    let is_hit = marks.iter().map(|mark| Some(mark == Some(1))).collect();
    let columns: Vec<usize> = (0..last).collect();
    Ok((batch.project(&columns).map_err(defect)?, is_hit))
}

fn defect(error: arrow::error::ArrowError) -> Error {
    Error::defect(format_args!("failed to part rows: {error}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};
    use futures::channel::mpsc::channel;

    use super::*;

    fn rows(marks: &[i64]) -> BatchStream {
        let ids = Int64Array::from_iter_values(0..marks.len() as i64);
        let marks = Int64Array::from(marks.to_vec());
        let columns: Vec<(&str, ArrayRef)> = vec![("id", Arc::new(ids)), ("m", Arc::new(marks))];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        futures::stream::iter([Ok(batch)]).boxed()
    }

    #[tokio::test]
    async fn each_row_goes_one_way() {
        let (mut kept, kept_rows) = channel(2);
        let (hits, hit_rows) = channel(2);
        let parted = part(rows(&[1, 0, 0, 1, 0]), &mut kept, Some(hits))
            .await
            .unwrap();
        assert_eq!(parted, Some(Parted { kept: 3, hits: 2 }));
        drop(kept);
        for (rows, want) in [(kept_rows, vec![1, 2, 4]), (hit_rows, vec![0, 3])] {
            let batches: Vec<_> = rows.map(std::result::Result::unwrap).collect().await;
            let [batch] = batches.as_slice() else {
                panic!("{batches:?}");
            };
            assert_eq!(batch.num_columns(), 1);
            assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &want);
        }
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_ends_it() {
        let (mut kept, gone) = channel(2);
        drop(gone);
        assert_eq!(part(rows(&[0]), &mut kept, None).await.unwrap(), None);
    }
}
