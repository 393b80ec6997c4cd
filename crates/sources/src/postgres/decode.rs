//! COPY's binary format: a head, rows of fields with their lengths, an end that says that it is one.

use arrow::datatypes::i256;
use bytes::{Buf, BytesMut};

use super::columns::{ServerColumn, Wire};
use crate::batch::{Batch, Slot};
use crate::error::{Error, ErrorKind};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// From 1970 to 2000, where PostgreSQL's time begins.
const DAYS: i32 = 10_957;
const MICROS: i64 = 946_684_800_000_000;
/// The years 1 to 9999, in days since 1970.
const FIRST_DAY: i32 = -719_162;
const LAST_DAY: i32 = 2_932_896;
const DAY_MICROS: i64 = 86_400_000_000;

/// Bytes that have come and are no whole row yet.
#[derive(Default)]
pub(super) struct Decoder {
    bytes: BytesMut,
    has_head: bool,
    has_end: bool,
}

impl Decoder {
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
    }

    /// Whether the end has come, and nothing behind it.
    pub(super) fn is_at_end(&self) -> bool {
        self.has_end && self.bytes.is_empty()
    }

    /// Adds the next row to `batch`; false where there is no whole one yet.
    pub(super) fn row(
        &mut self,
        columns: &[ServerColumn],
        batch: &mut Batch,
    ) -> Result<bool, Error> {
        if !self.has_head && !self.head()? {
            return Ok(false);
        }
        let Some(length) = self.whole(columns.len())? else {
            return Ok(false);
        };
        let row = self.bytes.split_to(length).freeze();
        let mut rest = &row[2..];
        for (column, slot) in columns.iter().zip(&mut batch.slots) {
            let length = rest.get_i32();
            let Ok(length) = usize::try_from(length) else {
                slot.null();
                continue;
            };
            let (field, behind) = rest.split_at(length);
            rest = behind;
            put(column, field, slot)?;
        }
        batch.end_row(length);
        Ok(true)
    }

    fn head(&mut self) -> Result<bool, Error> {
        let fixed = SIGNATURE.len() + 8;
        if self.bytes.len() < fixed {
            return Ok(false);
        }
        if !self.bytes.starts_with(SIGNATURE) {
            return Err(unreadable());
        }
        let mut lengths = &self.bytes[SIGNATURE.len()..];
        let _flags = lengths.get_u32();
        let more = lengths.get_u32() as usize;
        if self.bytes.len() < fixed + more {
            return Ok(false);
        }
        self.bytes.advance(fixed + more);
        self.has_head = true;
        Ok(true)
    }

    /// The length of the row that the bytes begin with, if all of it is there.
    fn whole(&mut self, columns: usize) -> Result<Option<usize>, Error> {
        let mut rest = &self.bytes[..];
        if rest.len() < 2 {
            return Ok(None);
        }
        match rest.get_i16() {
            -1 => {
                self.bytes.advance(2);
                self.has_end = true;
                return Ok(None);
            }
            fields if usize::try_from(fields) == Ok(columns) && !self.has_end => {}
            _ => return Err(unreadable()),
        }
        for _ in 0..columns {
            if rest.len() < 4 {
                return Ok(None);
            }
            let length = rest.get_i32();
            match usize::try_from(length) {
                Ok(length) if rest.len() < length => return Ok(None),
                Ok(length) => rest.advance(length),
                Err(_) if length == -1 => {}
                Err(_) => return Err(unreadable()),
            }
        }
        Ok(Some(self.bytes.len() - rest.len()))
    }
}

fn unreadable() -> Error {
    Error::new(
        ErrorKind::Lost,
        "the server sends rows that are not in the binary format of COPY",
    )
}

/// Adds a field to its column.
fn put(column: &ServerColumn, field: &[u8], slot: &mut Slot) -> Result<(), Error> {
    let value = |text: &str| {
        Error::invalid(format!(
            "column '{}' has the value {text}, which its type here cannot hold; declare it as a text to read it",
            column.name
        ))
    };
    match (column.wire, slot) {
        (Wire::Bool, Slot::Bool(values)) => values.append_value(fixed::<1>(field)? != [0]),
        (Wire::Int2, Slot::I16(values)) => values.append_value(i16::from_be_bytes(fixed(field)?)),
        (Wire::Int4, Slot::I32(values)) => values.append_value(i32::from_be_bytes(fixed(field)?)),
        (Wire::Int8, Slot::I64(values)) => values.append_value(i64::from_be_bytes(fixed(field)?)),
        (Wire::Float4, Slot::F32(values)) => {
            values.append_value(f32::from_be_bytes(fixed(field)?));
        }
        (Wire::Float8, Slot::F64(values)) => {
            values.append_value(f64::from_be_bytes(fixed(field)?));
        }
        (Wire::Numeric { .. }, Slot::Decimal(values, scale)) => {
            let unscaled = numeric(field, *scale).map_err(|text| value(&text))?;
            values.append_value(
                unscaled
                    .to_i128()
                    .ok_or_else(|| value("of too many digits"))?,
            );
        }
        (Wire::Numeric { .. }, Slot::WideDecimal(values, scale)) => {
            values.append_value(numeric(field, *scale).map_err(|text| value(&text))?);
        }
        (Wire::Text | Wire::AsText, Slot::Text(values)) => {
            let text = std::str::from_utf8(field).map_err(|_| {
                Error::invalid(format!(
                    "column '{}' has a text that is not UTF-8",
                    column.name
                ))
            })?;
            values.append_value(text);
        }
        (Wire::Bytes, Slot::Bytes(values)) => values.append_value(field),
        (Wire::Date, Slot::Date(values)) => {
            let days = i32::from_be_bytes(fixed(field)?);
            let since = match days {
                i32::MAX => return Err(value("'infinity'")),
                i32::MIN => return Err(value("'-infinity'")),
                days => days.checked_add(DAYS),
            };
            let within = since.filter(|days| (FIRST_DAY..=LAST_DAY).contains(days));
            values.append_value(within.ok_or_else(|| value("of a year beyond 1 to 9999"))?);
        }
        (Wire::Time, Slot::Time(values)) => values.append_value(i64::from_be_bytes(fixed(field)?)),
        (Wire::Stamp | Wire::Moment, Slot::Stamp(values)) => {
            let micros = i64::from_be_bytes(fixed(field)?);
            let since = match micros {
                i64::MAX => return Err(value("'infinity'")),
                i64::MIN => return Err(value("'-infinity'")),
                micros => micros.checked_add(MICROS),
            };
            let years = i64::from(FIRST_DAY) * DAY_MICROS..(i64::from(LAST_DAY) + 1) * DAY_MICROS;
            let within = since.filter(|micros| years.contains(micros));
            values.append_value(within.ok_or_else(|| value("of a year beyond 1 to 9999"))?);
        }
        (Wire::Uuid, Slot::Uuid(values)) => {
            values
                .append_value(fixed::<16>(field)?)
                .map_err(|_| unreadable())?;
        }
        _ => return Err(unreadable()),
    }
    Ok(())
}

fn fixed<const N: usize>(field: &[u8]) -> Result<[u8; N], Error> {
    field.try_into().map_err(|_| unreadable())
}

/// A number's digits as one whole number, `scale` of them behind the point; else what the number is.
fn numeric(field: &[u8], scale: i8) -> Result<i256, String> {
    let mut rest = field;
    if rest.len() < 8 {
        return Err("that is unreadable".to_owned());
    }
    let groups = i32::from(rest.get_i16());
    let weight = i32::from(rest.get_i16());
    let sign = rest.get_u16();
    let _shown_scale = rest.get_u16();
    let negative = match sign {
        0 => false,
        0x4000 => true,
        0xC000 => return Err("NaN".to_owned()),
        0xD000 => return Err("Infinity".to_owned()),
        0xF000 => return Err("-Infinity".to_owned()),
        _ => return Err("that is unreadable".to_owned()),
    };
    if usize::try_from(groups * 2) != Ok(rest.len()) {
        return Err("that is unreadable".to_owned());
    }
    let many = || "of too many digits".to_owned();
    // Four digits each; most numbers are short.
    let mut short = Some(0_i128);
    let mut long = i256::ZERO;
    for _ in 0..groups {
        let group = i128::from(rest.get_i16());
        match short.and_then(|sum| sum.checked_mul(10_000)?.checked_add(group)) {
            Some(sum) => short = Some(sum),
            None => {
                if let Some(sum) = short.take() {
                    long = i256::from_i128(sum);
                }
                long = long
                    .checked_mul(i256::from_i128(10_000))
                    .and_then(|sum| sum.checked_add(i256::from_i128(group)))
                    .ok_or_else(many)?;
            }
        }
    }
    let mut sum = short.map_or(long, i256::from_i128);
    if groups > 0 {
        // The last group's place, and how far it is from the last digit that is kept.
        let power = 4 * (weight - (groups - 1)) + i32::from(scale);
        let factor = i256::from_i128(10)
            .checked_pow(power.unsigned_abs())
            .ok_or_else(many)?;
        sum = if power >= 0 {
            sum.checked_mul(factor).ok_or_else(many)?
        } else {
            let (whole, rest) = (sum.checked_div(factor), sum.checked_rem(factor));
            match (whole, rest) {
                (Some(whole), Some(rest)) if rest == i256::ZERO => whole,
                _ => return Err("with more digits behind the point".to_owned()),
            }
        };
    }
    Ok(if negative { sum.wrapping_neg() } else { sum })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn bytes(weight: i16, sign: u16, groups: &[i16]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((groups.len() as i16).to_be_bytes());
        bytes.extend(weight.to_be_bytes());
        bytes.extend(sign.to_be_bytes());
        bytes.extend(0_u16.to_be_bytes());
        for group in groups {
            bytes.extend(group.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn numbers_are_exact() {
        let of = |weight, sign, groups: &[i16], scale| {
            numeric(&bytes(weight, sign, groups), scale).map(|number| number.to_string())
        };
        assert_eq!(of(0, 0, &[], 2).unwrap(), "0");
        // 12345.67
        assert_eq!(of(1, 0, &[1, 2345, 6700], 2).unwrap(), "1234567");
        // -0.05
        assert_eq!(of(-1, 0x4000, &[500], 2).unwrap(), "-5");
        // 10000 as one group
        assert_eq!(of(1, 0, &[1], 2).unwrap(), "1000000");
        assert_eq!(
            of(-1, 0, &[1234], 2).unwrap_err(),
            "with more digits behind the point"
        );
        assert_eq!(of(0, 0xC000, &[], 2).unwrap_err(), "NaN");
        let long = of(15, 0, &[9999; 16], 0).unwrap();
        assert_eq!(long, "9".repeat(64));
        assert!(of(i16::MAX, 0, &[1], 0).is_err());
    }

    #[test]
    fn an_end_before_its_time_is_no_end() {
        let mut decoder = Decoder::default();
        let mut batch = Batch::new(Vec::new(), Vec::new());
        let mut all = SIGNATURE.to_vec();
        all.extend([0; 8]);
        all.extend([0, 0]);
        all.extend([0xff, 0xff]);
        for (at, byte) in all.iter().enumerate() {
            assert!(!decoder.is_at_end(), "{at}");
            decoder.push(&[*byte]);
            while decoder.row(&[], &mut batch).unwrap() {}
        }
        assert!(decoder.is_at_end());
        assert_eq!(batch.take().unwrap().unwrap().num_rows(), 1);
    }
}
