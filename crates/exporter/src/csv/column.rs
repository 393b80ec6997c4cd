//! One column of the file: which writer its type gets, decided once per schema, and how a block of it
//! is filled, NULLs included.

use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field};

use super::options::{CsvOptions, QuotePolicy};
use super::quote::TextRule;
use crate::cells::context::{Context, Unsupported};
use crate::cells::input::{Input, each_null};
use crate::cells::leaf::{self, Leaf};
use crate::cells::nested::{Json, Style};
use crate::cells::packed;
use crate::cells::slot::{Lane, Slot, TEXT_MAX, Tail};
use crate::cells::text::{self, CellError};
use crate::error::EncodeError;

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
        let context = Context {
            time_zone: options.time_zone.as_deref(),
            zone_offset: options.zone_offset,
        };
        let unsupported = |Unsupported(reason)| EncodeError::unsupported(field.name(), reason);
        let plain = packed::plain_type(field.data_type());
        // A dictionary of strings is a string; the uuid mark belongs to an unpacked column only.
        let uuid = context.is_uuid(field);
        let (kind, rule) = if let Some(alphabet) = leaf::alphabet(plain, uuid) {
            let leaf = context.column_leaf(field, plain).map_err(unsupported)?;
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
            let enclose = force_quote || options.quote != QuotePolicy::Needed;
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
        let nulls = input.nulls(at, rows);
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
                    self.rule.fill(
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
                            json.write(Style::Spaced, array, at + row, &mut value)
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

    /// Overwrites the slots of NULLs.
    fn fill_nulls(&self, nulls: &NullBuffer, slots: &mut [Slot], spill: &mut Vec<u8>) {
        if self.null.len() <= TEXT_MAX {
            let mut null = Slot::EMPTY;
            let len = null.put_text(&self.null);
            null.set_len(len);
            each_null(nulls, slots, |slot| *slot = null);
        } else {
            each_null(nulls, slots, |slot| {
                let mark = spill.len();
                spill.extend_from_slice(&self.null);
                slot.set_spilled(mark, spill.len());
            });
        }
    }
}
