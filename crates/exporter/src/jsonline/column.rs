//! One column of JSON lines: which writer its type gets, decided once per schema, and how a block of it is filled.
//! The opening quote of a cell belongs to the key before it, so that a NULL can do without.

use arrow::array::{Array, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, Float16Type, Float32Type, Float64Type,
};

use super::text::{JsonText, compact_json};
use crate::cells::context::{Context, SQL_TYPE_KEY, Unsupported};
use crate::cells::input::{Input, each_null};
use crate::cells::leaf::{self, Leaf};
use crate::cells::nested::{self, Json, Style};
use crate::cells::packed;
use crate::cells::slot::{Lane, Slot, Tail};
use crate::cells::text::{self, CellError};
use crate::error::EncodeError;

#[derive(Debug, Clone)]
enum Kind {
    /// Numbers, booleans and NULL, bare.
    Bare(Leaf),
    /// Numbers of which some have no form in JSON.
    Float(Leaf),
    /// Dates, times and the like, as strings.
    Quoted(Leaf),
    /// Strings.
    Text,
    /// Bytes, in base64.
    Binary,
    /// Text that is JSON by its declared type, as it is but for the space in it.
    Json,
    /// Lists, structs and maps.
    Nested(Json),
}

/// A column's writer.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The label as JSON.
    pub(crate) key: String,
    pub(crate) data_type: DataType,
    kind: Kind,
    tail: Tail,
}

impl Column {
    pub(crate) fn new(field: &Field, context: &Context<'_>) -> Result<Self, EncodeError> {
        let kind = Kind::of(field, context)
            .map_err(|Unsupported(reason)| EncodeError::unsupported(field.name(), reason))?;
        Ok(Self {
            name: field.name().clone(),
            key: nested::quoted(field.name()),
            data_type: field.data_type().clone(),
            tail: Tail::new(kind.quote().as_bytes().to_vec()),
            kind,
        })
    }

    /// What stands before and behind a value.
    pub(crate) fn quote(&self) -> &'static str {
        self.kind.quote()
    }

    /// Fills a block's slots from row `at` of an unpacked array.
    pub(crate) fn fill<'b>(
        &self,
        input: &'b Input,
        at: usize,
        slots: &mut [Slot],
        spill: &mut Vec<u8>,
        borrowed: &mut Vec<&'b [u8]>,
    ) -> Result<(), CellError> {
        let array = input.array.as_ref();
        let rows = slots.len();
        let nulls = input.nulls(at, rows);
        let is_valid = |row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        if (0..rows).any(is_valid) {
            match &self.kind {
                Kind::Bare(leaf) | Kind::Float(leaf) | Kind::Quoted(leaf) => {
                    if let Kind::Float(_) = &self.kind {
                        check_finite(array, at, rows, nulls.as_ref())?;
                    }
                    let mut lane = Lane {
                        slots,
                        spill,
                        borrowed,
                        tail: &self.tail,
                    };
                    leaf::fill(leaf, array, at, &mut lane);
                    if let Kind::Float(_) = &self.kind {
                        mark_negative_zeros(array, at, lane.slots);
                    }
                }
                Kind::Text => {
                    let mut lane = Lane {
                        slots,
                        spill,
                        borrowed,
                        tail: &self.tail,
                    };
                    text::fill(&JsonText, array, at, &mut lane)?;
                }
                Kind::Binary => self.each(slots, spill, is_valid, |row, out| {
                    nested::write_base64(nested::bytes(array, at + row), out);
                    Ok(())
                })?,
                Kind::Json => self.each(slots, spill, is_valid, |row, out| {
                    compact_json(nested::bytes(array, at + row), out)
                })?,
                Kind::Nested(json) => self.each(slots, spill, is_valid, |row, out| {
                    json.write(Style::Compact, array, at + row, out)
                })?,
            }
        }
        if let Some(nulls) = nulls {
            each_null(&nulls, slots, Slot::set_null);
        }
        Ok(())
    }

    /// Writes each value that is there into the spill.
    fn each(
        &self,
        slots: &mut [Slot],
        spill: &mut Vec<u8>,
        is_valid: impl Fn(usize) -> bool,
        write: impl Fn(usize, &mut Vec<u8>) -> Result<(), String>,
    ) -> Result<(), CellError> {
        for (row, slot) in slots.iter_mut().enumerate() {
            if is_valid(row) {
                let mark = spill.len();
                write(row, spill).map_err(|reason| (row, reason))?;
                spill.extend_from_slice(self.quote().as_bytes());
                slot.set_spilled(mark, spill.len());
            }
        }
        Ok(())
    }
}

impl Kind {
    fn of(field: &Field, context: &Context<'_>) -> Result<Self, Unsupported> {
        let plain = packed::plain_type(field.data_type());
        if let Some(alphabet) = leaf::alphabet(plain, context.is_uuid(field)) {
            let leaf = context.column_leaf(field, plain)?;
            return Ok(if plain.is_floating() {
                Self::Float(leaf)
            } else if alphabet.is_empty() || plain.is_numeric() || *plain == DataType::Boolean {
                Self::Bare(leaf)
            } else {
                Self::Quoted(leaf)
            });
        }
        let declared = field.metadata().get(SQL_TYPE_KEY);
        let is_json = declared.is_some_and(|sql| sql.eq_ignore_ascii_case("json"));
        Ok(match plain {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View if is_json => Self::Json,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            plain if text::is_text(plain) => Self::Binary,
            plain => {
                let field = field.clone().with_data_type(plain.clone());
                Self::Nested(Json::plan(&field, context)?)
            }
        })
    }

    fn quote(&self) -> &'static str {
        match self {
            Self::Quoted(_) | Self::Text | Self::Binary => "\"",
            Self::Bare(_) | Self::Float(_) | Self::Json | Self::Nested(_) => "",
        }
    }
}

/// Many readers take `-0` for an integer, which has no such zero.
fn mark_negative_zeros(array: &dyn Array, at: usize, slots: &mut [Slot]) {
    macro_rules! mark {
        ($type:ty, $zero:expr) => {
            let values = &array.as_primitive::<$type>().values()[at..];
            for (slot, value) in slots.iter_mut().zip(values) {
                if value.to_bits() == $zero {
                    let len = slot.put_text(b"-0.0");
                    slot.set_len(len);
                }
            }
        };
    }
    match array.data_type() {
        DataType::Float16 => {
            mark!(Float16Type, 0x8000);
        }
        DataType::Float32 => {
            mark!(Float32Type, 0x8000_0000);
        }
        _ => {
            mark!(Float64Type, 0x8000_0000_0000_0000);
        }
    }
}

/// That every float has a form in JSON.
fn check_finite(
    array: &dyn Array,
    at: usize,
    rows: usize,
    nulls: Option<&NullBuffer>,
) -> Result<(), CellError> {
    macro_rules! find {
        ($type:ty, $is_finite:expr) => {
            array.as_primitive::<$type>().values()[at..at + rows]
                .iter()
                .enumerate()
                .find(|(row, value)| {
                    !$is_finite(**value) && nulls.is_none_or(|nulls| nulls.is_valid(*row))
                })
                .map(|(row, value)| (row, value.to_string()))
        };
    }
    let found = match array.data_type() {
        DataType::Float16 => find!(
            Float16Type,
            |value: <Float16Type as ArrowPrimitiveType>::Native| value.is_finite()
        ),
        DataType::Float32 => find!(Float32Type, f32::is_finite),
        _ => find!(Float64Type, f64::is_finite),
    };
    match found {
        Some((row, value)) => Err((row, nested::no_json(&value))),
        None => Ok(()),
    }
}
