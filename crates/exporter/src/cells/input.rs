//! A column of a batch, checked against the schema and unpacked; and the filling of the slots of its NULLs.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;

use super::packed;
use super::slot::Slot;
use crate::error::EncodeError;

/// A column of a batch, unpacked.
pub(crate) struct Input {
    pub(crate) array: ArrayRef,
    nulls: Option<NullBuffer>,
}

impl Input {
    pub(crate) fn new(
        name: &str,
        data_type: &DataType,
        array: &ArrayRef,
    ) -> Result<Self, EncodeError> {
        if array.data_type() != data_type {
            return Err(EncodeError::mismatch(format!(
                "column '{name}' is of type {} in the batch, expected {data_type}",
                array.data_type(),
            )));
        }
        let array = packed::unpack(array)
            .map_err(|error| EncodeError::mismatch(format!("column '{name}': {error}")))?;
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        Ok(Self { array, nulls })
    }

    /// The NULLs of a block, if the column has any.
    pub(crate) fn nulls(&self, at: usize, rows: usize) -> Option<NullBuffer> {
        self.nulls.as_ref().map(|nulls| nulls.slice(at, rows))
    }
}

/// That a batch has the schema's number of columns.
///
/// # Errors
/// One that has not.
pub(crate) fn check_width(batch: &RecordBatch, columns: usize) -> Result<(), EncodeError> {
    if batch.num_columns() == columns {
        return Ok(());
    }
    let found = batch.num_columns();
    Err(EncodeError::mismatch(format!(
        "a batch has {found} columns, expected {columns}"
    )))
}

/// Calls `put` for the slot of each NULL, found a word of 64 rows at a time.
#[inline(always)]
pub(crate) fn each_null(nulls: &NullBuffer, slots: &mut [Slot], mut put: impl FnMut(&mut Slot)) {
    let words = nulls.inner().bit_chunks();
    for (word, slots) in words.iter_padded().zip(slots.chunks_mut(64)) {
        let mut missing = !word;
        if slots.len() < 64 {
            missing &= (1 << slots.len()) - 1;
        }
        while missing != 0 {
            let slot = &mut slots[missing.trailing_zeros() as usize];
            missing &= missing - 1;
            put(slot);
        }
    }
}
