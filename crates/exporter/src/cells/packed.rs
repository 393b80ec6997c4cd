//! Dictionary and run-end encoded arrays, unpacked once per batch to plain ones of their values.
//! Strings become views first, so that unpacking moves sixteen bytes per row and no text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RunArray, UInt64Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Int16Type, Int32Type, Int64Type, RunEndIndexType};
use arrow::error::ArrowError;

/// The type behind all dictionaries and runs.
pub(crate) fn plain_type(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, value) => plain_type(value),
        DataType::RunEndEncoded(_, values) => plain_type(values.data_type()),
        plain => plain,
    }
}

/// The array without dictionaries and runs; a plain array as it is.
pub(crate) fn unpack(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let unpacked = match array.data_type() {
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            take(&views(dictionary.values())?, dictionary.keys(), None)?
        }
        DataType::RunEndEncoded(ends, _) => match ends.data_type() {
            DataType::Int16 => unpack_runs::<Int16Type>(array.as_ref())?,
            DataType::Int32 => unpack_runs::<Int32Type>(array.as_ref())?,
            _ => unpack_runs::<Int64Type>(array.as_ref())?,
        },
        _ => return Ok(Arc::clone(array)),
    };
    unpack(&unpacked)
}

fn unpack_runs<T: RunEndIndexType>(array: &dyn Array) -> Result<ArrayRef, ArrowError> {
    let runs: &RunArray<T> = array.as_run_opt().ok_or_else(|| {
        ArrowError::CastError("run-end encoded array of another type than it says".to_owned())
    })?;
    let indices = (0..runs.len()).map(|row| runs.get_physical_index(row) as u64);
    take(
        &views(runs.values())?,
        &UInt64Array::from_iter_values(indices),
        None,
    )
}

fn views(values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match values.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => cast(values, &DataType::Utf8View),
        DataType::Binary | DataType::LargeBinary => cast(values, &DataType::BinaryView),
        _ => Ok(Arc::clone(values)),
    }
}
