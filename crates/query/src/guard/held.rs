//! Arrays that hold their reservation: the memory counts as taken until the last reader
//! of the last buffer has dropped it, wherever the array has gone.

use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, make_array};
use arrow::buffer::Buffer;
use datafusion::common::Result;
use datafusion::execution::memory_pool::MemoryReservation;

/// A buffer and the reservation that it is part of.
struct Held {
    buffer: Buffer,
    _reservation: Arc<MemoryReservation>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        self.buffer.as_slice()
    }
}

/// The same array, whose buffers give the reservation back as the last of them is dropped.
pub(super) fn hold(array: &ArrayRef, reservation: MemoryReservation) -> Result<ArrayRef> {
    let reservation = Arc::new(reservation);
    Ok(make_array(held(array.to_data(), &reservation)?))
}

fn held(data: ArrayData, reservation: &Arc<MemoryReservation>) -> Result<ArrayData> {
    let buffers = data
        .buffers()
        .iter()
        .map(|buffer| {
            Buffer::from(bytes::Bytes::from_owner(Held {
                buffer: buffer.clone(),
                _reservation: Arc::clone(reservation),
            }))
        })
        .collect();
    let children = data
        .child_data()
        .iter()
        .map(|child| held(child.clone(), reservation))
        .collect::<Result<Vec<_>>>()?;
    Ok(data
        .into_builder()
        .buffers(buffers)
        .child_data(children)
        .build()?)
}
