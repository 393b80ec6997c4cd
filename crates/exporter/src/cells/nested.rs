//! Lists, structs and maps as JSON on one line: `{"k": 1, "l": [1, 2]}`, or without the spaces. Integers and decimals are exact,
//! dates and times are strings, binary is base64; NaN and the infinities have no JSON and are errors.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::context::{Context, Unsupported};
use super::leaf::{self, Leaf};
use super::packed;
use super::slot::{Lane, Slot, Tail};
use super::text;

/// What stands between the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// A space behind commas and colons, as MySQL writes JSON.
    Spaced,
    /// Nothing.
    Compact,
}

impl Style {
    fn comma(self) -> &'static [u8] {
        match self {
            Self::Spaced => b", ",
            Self::Compact => b",",
        }
    }

    fn colon(self) -> &'static [u8] {
        match self {
            Self::Spaced => b": ",
            Self::Compact => b":",
        }
    }
}

/// How one type's values become JSON.
#[derive(Debug, Clone)]
pub(crate) enum Json {
    /// A leaf type, as a JSON string or bare.
    Leaf {
        leaf: Leaf,
        quoted: bool,
        float: bool,
    },
    /// A string.
    String,
    /// Bytes, as base64.
    Binary,
    /// Any of the list types.
    List(Box<Json>),
    /// A struct: the keys, already JSON, and the values.
    Struct(Vec<(String, Json)>),
    /// A map, whose keys become strings.
    Map(Box<Json>, Box<Json>),
    /// Dictionary or run-end encoded values.
    Packed(Box<Json>),
}

impl Json {
    pub(crate) fn plan(field: &Field, context: &Context<'_>) -> Result<Self, Unsupported> {
        let data_type = field.data_type();
        let uuid = context.is_uuid(field);
        if let Some(alphabet) = leaf::alphabet(data_type, uuid) {
            let float = data_type.is_floating();
            let bare = float
                || alphabet.is_empty()
                || data_type.is_numeric()
                || *data_type == DataType::Boolean;
            return Ok(Self::Leaf {
                leaf: context.leaf(data_type)?,
                quoted: !bare,
                float,
            });
        }
        let child = |field: &Field| Self::plan(field, context).map(Box::new);
        Ok(match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::String,
            data_type if text::is_text(data_type) => Self::Binary,
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::FixedSizeList(item, _)
            | DataType::ListView(item)
            | DataType::LargeListView(item) => Self::List(child(item)?),
            DataType::Struct(fields) => {
                let plans = fields
                    .iter()
                    .map(|field| Ok((quoted(field.name()), Self::plan(field, context)?)));
                Self::Struct(plans.collect::<Result<_, Unsupported>>()?)
            }
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) if fields.len() == 2 => {
                    Self::Map(child(&fields[0])?, child(&fields[1])?)
                }
                _ => return Err(Unsupported::new(data_type)),
            },
            DataType::Dictionary(_, value) => Self::Packed(child(&Field::new(
                field.name(),
                value.as_ref().clone(),
                true,
            ))?),
            DataType::RunEndEncoded(_, values) => Self::Packed(child(values)?),
            _ => return Err(Unsupported::new(data_type)),
        })
    }

    /// The same for a column, which may declare fewer digits than its unit has.
    pub(crate) fn plan_column(field: &Field, context: &Context<'_>) -> Result<Self, Unsupported> {
        Ok(match Self::plan(field, context)? {
            Self::Leaf { quoted, float, .. } => Self::Leaf {
                leaf: context.column_leaf(field, field.data_type())?,
                quoted,
                float,
            },
            nested => nested,
        })
    }

    /// Appends the value of a row.
    ///
    /// # Errors
    /// The reason, for a value that has no JSON.
    pub(crate) fn write(
        &self,
        style: Style,
        array: &dyn Array,
        row: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        if array.is_null(row) || *array.data_type() == DataType::Null {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        match self {
            Self::Leaf {
                leaf,
                quoted,
                float,
            } => write_leaf(leaf, *quoted, *float, array, row, out),
            Self::String => {
                let text = match array.data_type() {
                    DataType::Utf8 => array.as_string::<i32>().value(row),
                    DataType::LargeUtf8 => array.as_string::<i64>().value(row),
                    _ => array.as_string_view().value(row),
                };
                out.extend_from_slice(quoted(text).as_bytes());
                Ok(())
            }
            Self::Binary => {
                out.push(b'"');
                write_base64(bytes(array, row), out);
                out.push(b'"');
                Ok(())
            }
            Self::List(item) => {
                let items = match array.data_type() {
                    DataType::List(_) => array.as_list::<i32>().value(row),
                    DataType::LargeList(_) => array.as_list::<i64>().value(row),
                    DataType::ListView(_) => array.as_list_view::<i32>().value(row),
                    DataType::LargeListView(_) => array.as_list_view::<i64>().value(row),
                    _ => array.as_fixed_size_list().value(row),
                };
                joined(style, b'[', b']', items.len(), out, |at, out| {
                    item.write(style, &items, at, out)
                })
            }
            Self::Struct(plans) => {
                let columns = array.as_struct().columns();
                joined(style, b'{', b'}', plans.len(), out, |at, out| {
                    let (key, plan) = &plans[at];
                    out.extend_from_slice(key.as_bytes());
                    out.extend_from_slice(style.colon());
                    plan.write(style, &columns[at], row, out)
                })
            }
            Self::Map(key, value) => {
                let entries = array.as_map().value(row);
                let (keys, values) = (entries.column(0), entries.column(1));
                joined(style, b'{', b'}', entries.len(), out, |at, out| {
                    let mark = out.len();
                    key.write(style, keys, at, out)?;
                    if out.get(mark) != Some(&b'"') {
                        let text = String::from_utf8_lossy(&out[mark..]).into_owned();
                        out.truncate(mark);
                        out.extend_from_slice(quoted(&text).as_bytes());
                    }
                    out.extend_from_slice(style.colon());
                    value.write(style, values, at, out)
                })
            }
            Self::Packed(plan) => {
                let plain =
                    packed::unpack(&array.slice(row, 1)).map_err(|error| error.to_string())?;
                plan.write(style, &plain, 0, out)
            }
        }
    }
}

fn joined(
    style: Style,
    open: u8,
    close: u8,
    count: usize,
    out: &mut Vec<u8>,
    mut write: impl FnMut(usize, &mut Vec<u8>) -> Result<(), String>,
) -> Result<(), String> {
    out.push(open);
    for at in 0..count {
        if at > 0 {
            out.extend_from_slice(style.comma());
        }
        write(at, out)?;
    }
    out.push(close);
    Ok(())
}

fn write_leaf(
    leaf: &Leaf,
    quoted: bool,
    float: bool,
    array: &dyn Array,
    row: usize,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let (mut slots, mut spill, tail) = ([Slot::EMPTY], Vec::new(), Tail::default());
    let mut lane = Lane {
        slots: &mut slots,
        spill: &mut spill,
        borrowed: &mut Vec::new(),
        tail: &tail,
    };
    leaf::fill(leaf, array, row, &mut lane);
    let text = slots[0].text(&spill);
    if float && text.iter().any(|byte| matches!(byte, b'N' | b'I')) {
        return Err(no_json(&String::from_utf8_lossy(text)));
    }
    // As at the top level: many readers take `-0` for an integer, which has no such zero.
    let text: &[u8] = if float && text == b"-0" {
        b"-0.0"
    } else {
        text
    };
    let quote: &[u8] = if quoted { b"\"" } else { b"" };
    out.extend([quote, text, quote].iter().flat_map(|piece| piece.iter()));
    Ok(())
}

/// Why NaN and the infinities cannot be written.
pub(crate) fn no_json(number: &str) -> String {
    format!("{number} has no form in JSON")
}

/// A string as JSON, its quotes included.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The bytes of a value of a text type.
pub(crate) fn bytes(array: &dyn Array, row: usize) -> &[u8] {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).as_bytes(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).as_bytes(),
        DataType::Utf8View => array.as_string_view().value(row).as_bytes(),
        DataType::Binary => array.as_binary::<i32>().value(row),
        DataType::LargeBinary => array.as_binary::<i64>().value(row),
        DataType::BinaryView => array.as_binary_view().value(row),
        _ => array.as_fixed_size_binary().value(row),
    }
}

/// Appends base64, with its padding and without quotes.
pub(crate) fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let begin = out.len();
    out.resize(begin + bytes.len().div_ceil(3) * 4, 0);
    // The room is exact, so this writes all of it.
    let written = STANDARD.encode_slice(bytes, &mut out[begin..]).unwrap_or(0);
    out.truncate(begin + written);
}
