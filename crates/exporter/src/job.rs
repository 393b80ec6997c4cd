//! Cuts batches into jobs of about two megabytes of text: tiny batches are put together, big ones sliced,
//! so that memory is bounded by bytes whatever the batches and the widths of the rows are.

use std::mem;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;

/// Text bytes a value without a length of its own is taken to have.
const PLAIN_BYTES: u64 = 9;
/// Rows are measured in steps of this many.
const STEP_ROWS: usize = 1024;

/// Slices that one worker encodes into one buffer.
#[derive(Debug)]
pub(crate) struct Job {
    /// Its place in the output, from 0.
    pub(crate) number: u64,
    /// Rows before it.
    pub(crate) first_row: u64,
    /// The folder of its rows, where they are partitioned.
    pub(crate) partition: Option<Arc<str>>,
    pub(crate) slices: Vec<RecordBatch>,
}

/// Collects slices until a job is full.
#[derive(Debug)]
pub(crate) struct JobCutter {
    chunk_bytes: u64,
    /// Text that every row has besides its values, such as keys.
    row_bytes: u64,
    next: Job,
    next_bytes: u64,
    next_rows: u64,
}

impl JobCutter {
    pub(crate) fn new(chunk_bytes: u64, row_bytes: u64) -> Self {
        let next = Job {
            number: 0,
            first_row: 0,
            partition: None,
            slices: Vec::new(),
        };
        Self {
            chunk_bytes,
            row_bytes,
            next,
            next_bytes: 0,
            next_rows: 0,
        }
    }

    /// Takes rows off the front of `batch`, and gives a job if they fill one. To be called until it gives none.
    pub(crate) fn push(&mut self, batch: &mut RecordBatch) -> Option<Job> {
        let mut rows = 0;
        while rows < batch.num_rows() && self.next_bytes < self.chunk_bytes {
            let mut step = STEP_ROWS.min(batch.num_rows() - rows);
            let mut bytes = self.text_bytes(batch, rows, step);
            // Rows as long as a chunk go alone.
            while step > 1 && self.next_bytes + bytes > 2 * self.chunk_bytes {
                step /= 2;
                bytes = self.text_bytes(batch, rows, step);
            }
            rows += step;
            self.next_bytes += bytes;
        }
        if rows > 0 {
            self.next.slices.push(batch.slice(0, rows));
            self.next_rows += rows as u64;
            *batch = batch.slice(rows, batch.num_rows() - rows);
        }
        (self.next_bytes >= self.chunk_bytes).then(|| self.cut())
    }

    /// About how many bytes of text the rows make.
    fn text_bytes(&self, batch: &RecordBatch, at: usize, rows: usize) -> u64 {
        let columns = batch.columns().iter();
        let values: u64 = columns
            .map(|column| column_bytes(column.as_ref(), at, rows))
            .sum();
        values + self.row_bytes * rows as u64
    }

    /// Begins rows of a partition; gives the job of the rows before, if they are of another.
    pub(crate) fn enter(&mut self, partition: &Arc<str>) -> Option<Job> {
        if self.next.partition.as_ref() == Some(partition) {
            return None;
        }
        let before = self.finish();
        self.next.partition = Some(Arc::clone(partition));
        before
    }

    /// The last job, if there are rows left.
    pub(crate) fn finish(&mut self) -> Option<Job> {
        (self.next_rows > 0).then(|| self.cut())
    }

    fn cut(&mut self) -> Job {
        let next = Job {
            number: self.next.number + 1,
            first_row: self.next.first_row + self.next_rows,
            partition: self.next.partition.clone(),
            slices: Vec::new(),
        };
        self.next_bytes = 0;
        self.next_rows = 0;
        mem::replace(&mut self.next, next)
    }
}

fn column_bytes(array: &dyn Array, at: usize, rows: usize) -> u64 {
    let ends = at + rows;
    let data: u64 = match array.data_type() {
        DataType::Utf8 => span(array.as_string::<i32>().value_offsets(), at, ends),
        DataType::Binary => span(array.as_binary::<i32>().value_offsets(), at, ends),
        DataType::LargeUtf8 => span(array.as_string::<i64>().value_offsets(), at, ends),
        DataType::LargeBinary => span(array.as_binary::<i64>().value_offsets(), at, ends),
        DataType::Utf8View => views_bytes(&array.as_string_view().views()[at..ends]),
        DataType::BinaryView => views_bytes(&array.as_binary_view().views()[at..ends]),
        DataType::FixedSizeBinary(width) => rows as u64 * u64::from(width.unsigned_abs()),
        DataType::Dictionary(..) | DataType::RunEndEncoded(..) => packed_bytes(array, at, rows),
        // A slice of a list keeps the values of all: what counts is where its own begin and end.
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            items_bytes(list.values(), list.value_offsets(), at, ends)
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            items_bytes(list.values(), list.value_offsets(), at, ends)
        }
        DataType::Map(..) => {
            let map = array.as_map();
            items_bytes(map.entries(), map.value_offsets(), at, ends)
        }
        DataType::FixedSizeList(_, size) => {
            let (list, size) = (array.as_fixed_size_list(), size.unsigned_abs() as usize);
            column_bytes(list.values().as_ref(), at * size, rows * size)
        }
        DataType::Struct(_) => array
            .as_struct()
            .columns()
            .iter()
            .map(|column| column_bytes(column.as_ref(), at, rows))
            .sum(),
        data_type if data_type.is_nested() => {
            let slice = array.slice(at, rows);
            2 * slice.to_data().get_slice_memory_size().unwrap_or(0) as u64
        }
        _ => rows as u64 * PLAIN_BYTES,
    };
    data + rows as u64
}

fn span<T: Copy + Into<i64>>(offsets: &[T], start: usize, end: usize) -> u64 {
    let (start, end): (i64, i64) = (offsets[start].into(), offsets[end].into());
    start.abs_diff(end)
}

/// The items of a list's rows.
fn items_bytes<T: Copy + TryInto<usize>>(
    values: &dyn Array,
    offsets: &[T],
    at: usize,
    ends: usize,
) -> u64 {
    let place = |offset: T| offset.try_into().unwrap_or(0);
    let (start, end) = (place(offsets[at]), place(offsets[ends]));
    column_bytes(values, start, end.saturating_sub(start))
}

fn views_bytes(views: &[u128]) -> u64 {
    views.iter().map(|view| u64::from(*view as u32)).sum()
}

/// The values the rows of a dictionary or of runs stand for.
fn packed_bytes(array: &dyn Array, at: usize, rows: usize) -> u64 {
    let slice = array.slice(at, rows);
    match slice.as_any_dictionary_opt() {
        Some(dictionary) if !dictionary.values().is_empty() => {
            let values = dictionary.values().as_ref();
            dictionary
                .normalized_keys()
                .iter()
                .map(|key| column_bytes(values, *key, 1))
                .sum()
        }
        _ => {
            2 * slice.to_data().get_slice_memory_size().unwrap_or(0) as u64
                + rows as u64 * PLAIN_BYTES
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use arrow::array::{ArrayRef, FixedSizeListArray, ListArray};
    use arrow::datatypes::Float32Type;

    use super::*;

    /// A list is as long as its own items, however many the lists beside it have.
    #[test]
    fn lists_are_measured_by_their_own_items() {
        let lists = (0..512).map(|_| Some(vec![Some(1.0); 768]));
        let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(
            lists.clone(),
        ));
        let fixed: ArrayRef =
            Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(lists, 768));
        let row = 768 * (PLAIN_BYTES + 1) + 1;
        for array in [list, fixed] {
            assert_eq!(column_bytes(array.as_ref(), 3, 1), row);
            assert_eq!(column_bytes(array.slice(100, 200).as_ref(), 7, 2), 2 * row);
        }
        let batch = RecordBatch::try_from_iter([(
            "l",
            Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(
                (0..512).map(|_| Some(vec![Some(1.0); 768])),
            )) as ArrayRef,
        )])
        .unwrap();
        let mut cutter = JobCutter::new(1 << 20, 0);
        let mut rest = batch;
        let job = cutter.push(&mut rest).unwrap();
        let rows = job.slices[0].num_rows();
        assert!((100..=300).contains(&rows), "{rows}");
    }
}
