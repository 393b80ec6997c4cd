//! One column of the file: which writer its type gets, decided once per schema, and how a block of it
//! is filled, NULLs included.

use arrow::array::timezone::Tz;
use arrow::array::{Array, ArrayRef};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, TimeUnit};

use super::leaf::{self, Leaf};
use super::nested::Json;
use super::options::CsvOptions;
use super::packed;
use super::quote::TextRule;
use super::slot::{Lane, Slot, Tail};
use super::temporal::Zone;
use super::text::{self, CellError};
use crate::error::EncodeError;

/// Why a type cannot be written.
pub(crate) struct Unsupported(String);

impl Unsupported {
    pub(crate) fn new(data_type: &DataType) -> Self {
        Self(format!("type {data_type} has no text form"))
    }
}

/// What the writers of all columns share.
pub(crate) struct Context<'a> {
    pub(crate) options: &'a CsvOptions,
}

impl Context<'_> {
    /// Whether the field carries Arrow's canonical `arrow.uuid` extension type.
    pub(crate) fn is_uuid(&self, field: &Field) -> bool {
        field.extension_type_name() == Some("arrow.uuid")
    }

    pub(crate) fn leaf(&self, data_type: &DataType) -> Result<Leaf, Unsupported> {
        let DataType::Timestamp(_, Some(own)) = data_type else {
            return Ok(Leaf::default());
        };
        let name = self.options.time_zone.as_deref().unwrap_or(own);
        let zone = parse_zone(name, self.options.zone_offset).map_err(Unsupported)?;
        Ok(Leaf {
            zone: Some(zone),
            ..Leaf::default()
        })
    }
}

/// The field metadata that holds a column's declared SQL type, such as `time` or `datetime(3)`. Arrow's
/// units know 0, 3, 6 or 9 fractional digits only.
pub(crate) const SQL_TYPE_KEY: &str = "stagedoor:sql_type";

/// How many bytes of the unit's fraction lie beyond the digits the column declares.
fn undeclared(field: &Field, plain: &DataType) -> usize {
    let (word, unit) = match plain {
        DataType::Time32(unit) | DataType::Time64(unit) => ("time", unit),
        DataType::Timestamp(unit, None) => ("datetime", unit),
        DataType::Timestamp(unit, Some(_)) => ("timestamp", unit),
        _ => return 0,
    };
    let digits = match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    let Some(rest) = field
        .metadata()
        .get(SQL_TYPE_KEY)
        .and_then(|sql| sql.strip_prefix(word))
    else {
        return 0;
    };
    let declared = match rest
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
    {
        Some(declared) => declared.parse().unwrap_or(digits),
        None if rest.is_empty() => 0,
        None => digits,
    };
    match declared {
        _ if declared >= digits => 0,
        0 => digits + 1,
        _ => digits - declared,
    }
}

/// A zone by its name or offset.
pub(crate) fn parse_zone(name: &str, with_offset: bool) -> Result<Zone, String> {
    let tz: Tz = name.parse().map_err(|_error| {
        format!("unknown time zone '{name}', expected a name such as 'Europe/Berlin' or an offset such as '+02:00'")
    })?;
    let is_fixed = name.starts_with(['+', '-']) || name.eq_ignore_ascii_case("utc");
    Ok(Zone::new(tz, is_fixed, with_offset))
}

#[derive(Debug, Clone)]
enum Kind {
    /// Short text that can stand as it is.
    Leaf(Leaf),
    /// Short text that goes through the rule: `FORCE_QUOTE`, or a separator such as `-`.
    RuledLeaf(Leaf),
    /// Strings and binary.
    Text,
    /// Nested values.
    Json(Json),
}

/// A column's writer.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    kind: Kind,
    rule: TextRule,
    tail: Tail,
    no_tail: Tail,
    null: Vec<u8>,
}

impl Column {
    pub(crate) fn new(
        field: &Field,
        force_quote: bool,
        tail: &[u8],
        options: &CsvOptions,
    ) -> Result<Self, EncodeError> {
        let context = Context { options };
        let unsupported = |Unsupported(reason)| EncodeError::unsupported(field.name(), reason);
        let plain = packed::plain_type(field.data_type());
        // A dictionary of strings is a string; the uuid mark belongs to an unpacked column only.
        let uuid = context.is_uuid(field);
        let (kind, rule) = if let Some(alphabet) = leaf::alphabet(plain, uuid) {
            let mut leaf = context.leaf(plain).map_err(unsupported)?;
            // An offset would stand behind the fraction.
            if !leaf.zone.is_some_and(|zone| zone.with_offset) {
                leaf.undeclared = undeclared(field, plain);
            }
            let rule = TextRule::new(options, force_quote, false, tail);
            let kind = if rule.leaves_alone(alphabet) {
                Kind::Leaf(leaf)
            } else {
                Kind::RuledLeaf(leaf)
            };
            (kind, rule)
        } else {
            let kind = if text::is_text(plain) {
                Kind::Text
            } else {
                let plain = field.clone().with_data_type(plain.clone());
                Kind::Json(Json::plan(&plain, &context).map_err(unsupported)?)
            };
            let enclose = force_quote || options.quote != super::options::QuotePolicy::Needed;
            let rule = TextRule::new(options, enclose, matches!(kind, Kind::Text), tail);
            (kind, rule)
        };
        Ok(Self {
            name: field.name().clone(),
            data_type: field.data_type().clone(),
            kind,
            rule,
            tail: Tail::new(tail.to_vec()),
            no_tail: Tail::default(),
            null: [options.null.as_bytes(), tail].concat(),
        })
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
        let nulls = input.nulls.as_ref().map(|nulls| nulls.slice(at, rows));
        if nulls.as_ref().is_none_or(|nulls| nulls.null_count() < rows) {
            match &self.kind {
                Kind::Leaf(leaf) => {
                    leaf::fill(
                        leaf,
                        array,
                        at,
                        &mut Lane {
                            slots,
                            spill,
                            borrowed,
                            tail: &self.tail,
                        },
                    );
                }
                Kind::RuledLeaf(leaf) => {
                    leaf::fill(
                        leaf,
                        array,
                        at,
                        &mut Lane {
                            slots,
                            spill,
                            borrowed,
                            tail: &self.no_tail,
                        },
                    );
                    let mut value = Vec::new();
                    for (row, slot) in slots.iter_mut().enumerate() {
                        if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                            value.clear();
                            value.extend_from_slice(slot.text(spill));
                            text::put_ruled(&self.rule, &value, slot, spill)
                                .map_err(|reason| (row, reason))?;
                        }
                    }
                }
                Kind::Text => {
                    text::fill(
                        &self.rule,
                        array,
                        at,
                        &mut Lane {
                            slots,
                            spill,
                            borrowed,
                            tail: &self.tail,
                        },
                    )?;
                }
                Kind::Json(json) => {
                    let mut value = Vec::new();
                    for (row, slot) in slots.iter_mut().enumerate() {
                        if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                            value.clear();
                            json.write(array, at + row, &mut value)
                                .and_then(|()| text::put_ruled(&self.rule, &value, slot, spill))
                                .map_err(|reason| (row, reason))?;
                        }
                    }
                }
            }
        }
        if let Some(nulls) = nulls {
            self.fill_nulls(&nulls, slots, spill);
        }
        Ok(())
    }

    /// Overwrites the slots of NULLs, found a word of 64 rows at a time.
    fn fill_nulls(&self, nulls: &NullBuffer, slots: &mut [Slot], spill: &mut Vec<u8>) {
        let mut null = Slot::EMPTY;
        let is_short = self.null.len() <= super::slot::TEXT_MAX;
        if is_short {
            let len = null.put_text(&self.null);
            null.set_len(len);
        }
        let words = nulls.inner().bit_chunks();
        for (word, slots) in words.iter_padded().zip(slots.chunks_mut(64)) {
            let mut missing = !word;
            if slots.len() < 64 {
                missing &= (1 << slots.len()) - 1;
            }
            while missing != 0 {
                let slot = &mut slots[missing.trailing_zeros() as usize];
                missing &= missing - 1;
                if is_short {
                    *slot = null;
                } else {
                    let mark = spill.len();
                    spill.extend_from_slice(&self.null);
                    slot.set_spilled(mark, spill.len());
                }
            }
        }
    }
}

/// A column of a batch, unpacked.
pub(crate) struct Input {
    array: ArrayRef,
    nulls: Option<NullBuffer>,
}

impl Input {
    pub(crate) fn new(column: &Column, array: &ArrayRef) -> Result<Self, EncodeError> {
        if *array.data_type() != column.data_type {
            return Err(EncodeError::mismatch(format!(
                "column '{}' is of type {} in the batch, expected {}",
                column.name,
                array.data_type(),
                column.data_type
            )));
        }
        let array = packed::unpack(array)
            .map_err(|error| EncodeError::mismatch(format!("column '{}': {error}", column.name)))?;
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        Ok(Self { array, nulls })
    }
}
