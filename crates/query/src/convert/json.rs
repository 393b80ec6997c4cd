//! Lists, structs and maps as JSON on one line, `{"k": 1, "l": [1, 2]}`, in the form that an export has:
//! numbers exact, dates and times strings, binary base64. NaN and the infinities have no JSON and are errors.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datafusion::common::{Result, exec_err};

use super::text::to_text;
use super::types::is_binary;

/// Each value of a nested array as JSON; NULL stays NULL.
pub(super) fn to_json(array: &ArrayRef) -> Result<ArrayRef> {
    let node = Node::of(array)?;
    let mut texts = StringBuilder::new();
    let mut text = String::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            texts.append_null();
            continue;
        }
        text.clear();
        node.write(row, &mut text);
        texts.append_value(&text);
    }
    Ok(Arc::new(texts.finish()))
}

/// An array whose values are ready to be written.
enum Node {
    /// Numbers and truth values.
    Bare(StringArray),
    Quoted(StringArray),
    List(ArrayRef, Box<Node>),
    Struct(ArrayRef, Vec<(String, Node)>),
    /// Keys and values; keys become strings.
    Map(ArrayRef, Box<Node>, Box<Node>),
}

impl Node {
    fn of(array: &ArrayRef) -> Result<Self> {
        let child = |values: &ArrayRef| Self::of(values).map(Box::new);
        let own = || Arc::clone(array);
        Ok(match array.data_type() {
            DataType::List(_) => Self::List(own(), child(array.as_list::<i32>().values())?),
            DataType::LargeList(_) => Self::List(own(), child(array.as_list::<i64>().values())?),
            DataType::FixedSizeList(..) => {
                Self::List(own(), child(array.as_fixed_size_list().values())?)
            }
            DataType::ListView(_) => {
                Self::List(own(), child(array.as_list_view::<i32>().values())?)
            }
            DataType::LargeListView(_) => {
                Self::List(own(), child(array.as_list_view::<i64>().values())?)
            }
            DataType::Struct(fields) => {
                let columns = array.as_struct().columns().iter();
                let nodes = fields
                    .iter()
                    .zip(columns)
                    .map(|(field, column)| Ok((quoted(field.name()), Self::of(column)?)));
                Self::Struct(own(), nodes.collect::<Result<_>>()?)
            }
            DataType::Map(..) => {
                let map = array.as_map();
                Self::Map(own(), child(map.keys())?, child(map.values())?)
            }
            DataType::Dictionary(_, value) => Self::of(&cast(array, value)?)?,
            DataType::RunEndEncoded(_, values) => Self::of(&cast(array, values.data_type())?)?,
            DataType::Union(..) => {
                return exec_err!("a value of type {} has no JSON", array.data_type());
            }
            // MySQL's text of a truth value is 1 or 0.
            DataType::Boolean => {
                let values = array.as_boolean().iter();
                Self::Bare(
                    values
                        .map(|value| value.map(|value| value.to_string()))
                        .collect(),
                )
            }
            data_type if data_type.is_floating() => {
                let floats = cast(array, &DataType::Float64)?;
                let floats = floats.as_primitive::<arrow::datatypes::Float64Type>();
                if floats.iter().flatten().any(|value| !value.is_finite()) {
                    return exec_err!("NaN and the infinities have no JSON");
                }
                Self::Bare(texts(array)?)
            }
            data_type if data_type.is_numeric() || data_type.is_null() => Self::Bare(texts(array)?),
            data_type
                if is_binary(data_type)
                    || matches!(data_type, DataType::FixedSizeBinary(width) if *width != 16) =>
            {
                let bytes = cast(array, &DataType::Binary)?;
                let bytes = bytes.as_binary::<i32>().iter();
                Self::Quoted(
                    bytes
                        .map(|bytes| bytes.map(|bytes| STANDARD.encode(bytes)))
                        .collect(),
                )
            }
            _ => Self::Quoted(texts(array)?),
        })
    }

    fn write(&self, row: usize, out: &mut String) {
        match self {
            Self::Bare(texts) if texts.is_valid(row) => out.push_str(texts.value(row)),
            Self::Quoted(texts) if texts.is_valid(row) => out.push_str(&quoted(texts.value(row))),
            Self::List(array, items) if array.is_valid(row) => {
                out.push('[');
                for (number, item) in items_of(array, row).enumerate() {
                    separate(number, out);
                    items.write(item, out);
                }
                out.push(']');
            }
            Self::Struct(array, fields) if array.is_valid(row) => {
                out.push('{');
                for (number, (name, field)) in fields.iter().enumerate() {
                    separate(number, out);
                    out.push_str(name);
                    out.push_str(": ");
                    field.write(row, out);
                }
                out.push('}');
            }
            Self::Map(array, keys, values) if array.is_valid(row) => {
                out.push('{');
                for (number, item) in items_of(array, row).enumerate() {
                    separate(number, out);
                    keys.write_key(item, out);
                    out.push_str(": ");
                    values.write(item, out);
                }
                out.push('}');
            }
            Self::Bare(_) | Self::Quoted(_) | Self::List(..) | Self::Struct(..) | Self::Map(..) => {
                out.push_str("null");
            }
        }
    }

    fn write_key(&self, row: usize, out: &mut String) {
        if let Self::Quoted(_) = self {
            return self.write(row, out);
        }
        let mut key = String::new();
        self.write(row, &mut key);
        out.push_str(&quoted(&key));
    }
}

fn texts(array: &ArrayRef) -> Result<StringArray> {
    Ok(to_text(array)?.as_string::<i32>().clone())
}

/// Where a list's or map's items are among all items.
fn items_of(array: &ArrayRef, row: usize) -> std::ops::Range<usize> {
    let (start, length) = match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            (
                list.value_offsets()[row] as usize,
                list.value_length(row) as usize,
            )
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            (
                list.value_offsets()[row] as usize,
                list.value_length(row) as usize,
            )
        }
        DataType::FixedSizeList(_, length) => (
            array.as_fixed_size_list().value_offset(row) as usize,
            *length as usize,
        ),
        DataType::ListView(_) => {
            let list = array.as_list_view::<i32>();
            (
                list.value_offset(row) as usize,
                list.value_size(row) as usize,
            )
        }
        DataType::LargeListView(_) => {
            let list = array.as_list_view::<i64>();
            (
                list.value_offset(row) as usize,
                list.value_size(row) as usize,
            )
        }
        _ => {
            let map = array.as_map();
            (
                map.value_offsets()[row] as usize,
                map.value_length(row) as usize,
            )
        }
    };
    start..start + length
}

fn separate(number: usize, out: &mut String) {
    if number > 0 {
        out.push_str(", ");
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
