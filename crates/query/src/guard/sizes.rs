//! How many bytes values take: of text and binary their length, of lists what is in them
//! and a word for each element.

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, OffsetSizeTrait};
use arrow::datatypes::{
    ArrowNativeType, BinaryType, BinaryViewType, ByteArrayType, ByteViewType, DataType,
    LargeBinaryType, LargeUtf8Type, StringViewType, Utf8Type,
};
use datafusion::common::ScalarValue;

/// What an element of a list takes beside its value.
const ELEMENT_BYTES: u64 = 8;

/// Bytes of the values of the rows from `from` to before `to`.
pub(super) fn bytes(array: &dyn Array, from: usize, to: usize) -> u64 {
    let rows = to.saturating_sub(from) as u64;
    match array.data_type() {
        DataType::Null => 0,
        DataType::Boolean => rows,
        DataType::Utf8 => text::<Utf8Type>(array, from, to),
        DataType::LargeUtf8 => text::<LargeUtf8Type>(array, from, to),
        DataType::Binary => text::<BinaryType>(array, from, to),
        DataType::LargeBinary => text::<LargeBinaryType>(array, from, to),
        DataType::Utf8View => views::<StringViewType>(array, from, to),
        DataType::BinaryView => views::<BinaryViewType>(array, from, to),
        DataType::List(_) => list::<i32>(array, from, to),
        DataType::LargeList(_) => list::<i64>(array, from, to),
        DataType::FixedSizeList(..) => {
            let (list, from, to) = fixed_range(array.as_fixed_size_list(), from, to);
            elements_bytes(list.values(), from, to)
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let offsets = map.value_offsets();
            let (from, to) = (offsets[from] as usize, offsets[to] as usize);
            elements_bytes(
                &(std::sync::Arc::new(map.entries().clone()) as ArrayRef),
                from,
                to,
            )
        }
        DataType::Struct(_) => array
            .as_struct()
            .columns()
            .iter()
            .map(|column| bytes(column.as_ref(), from, to))
            .fold(0, u64::saturating_add),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = dictionary.values();
            if values.is_empty() {
                return 0;
            }
            let keys = dictionary.normalized_keys();
            (from..to)
                .filter(|row| !array.is_null(*row))
                .map(|row| bytes(values.as_ref(), keys[row], keys[row] + 1))
                .fold(0, u64::saturating_add)
        }
        fixed => match fixed.primitive_width() {
            Some(width) => rows.saturating_mul(width as u64),
            None => match fixed {
                DataType::FixedSizeBinary(width) => {
                    rows.saturating_mul(u64::from(width.unsigned_abs()))
                }
                // Rare forms of the above: each row as if it were all of them.
                _ => rows.saturating_mul(array.get_array_memory_size() as u64),
            },
        },
    }
}

/// Elements of the list in `row`; 1 for what is no list.
pub(super) fn elements(array: &dyn Array, row: usize) -> u64 {
    let (from, to) = match array.data_type() {
        DataType::List(_) => {
            let offsets = array.as_list::<i32>().value_offsets();
            (offsets[row] as usize, offsets[row + 1] as usize)
        }
        DataType::LargeList(_) => {
            let offsets = array.as_list::<i64>().value_offsets();
            (offsets[row] as usize, offsets[row + 1] as usize)
        }
        DataType::FixedSizeList(_, size) => return u64::from(size.unsigned_abs()),
        _ => return 1,
    };
    to.saturating_sub(from) as u64
}

/// Bytes of a constant.
pub(super) fn scalar_bytes(value: &ScalarValue) -> u64 {
    match value {
        ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => {
            text.as_ref().map_or(0, |text| text.len() as u64)
        }
        ScalarValue::Binary(bytes)
        | ScalarValue::LargeBinary(bytes)
        | ScalarValue::BinaryView(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
        other => other.size() as u64,
    }
}

fn text<T: ByteArrayType>(array: &dyn Array, from: usize, to: usize) -> u64 {
    let offsets = array.as_bytes::<T>().value_offsets();
    offsets[to]
        .as_usize()
        .saturating_sub(offsets[from].as_usize()) as u64
}

fn views<T: ByteViewType>(array: &dyn Array, from: usize, to: usize) -> u64 {
    array
        .as_byte_view::<T>()
        .views()
        .get(from..to)
        .unwrap_or_default()
        .iter()
        // The low half of a view's first word is its length.
        .map(|view| u64::from(*view as u32))
        .sum()
}

fn list<O: OffsetSizeTrait>(array: &dyn Array, from: usize, to: usize) -> u64 {
    let list = array.as_list::<O>();
    let offsets = list.value_offsets();
    elements_bytes(
        list.values(),
        offsets[from].as_usize(),
        offsets[to].as_usize(),
    )
}

fn fixed_range(
    list: &FixedSizeListArray,
    from: usize,
    to: usize,
) -> (&FixedSizeListArray, usize, usize) {
    let size = usize::try_from(list.value_length()).unwrap_or(0);
    (list, from.saturating_mul(size), to.saturating_mul(size))
}

fn elements_bytes(values: &ArrayRef, from: usize, to: usize) -> u64 {
    bytes(values.as_ref(), from, to)
        .saturating_add(ELEMENT_BYTES.saturating_mul(to.saturating_sub(from) as u64))
}
