//! Rows on their way into a record batch: a typed builder for each column, and when a batch is full.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Decimal256Builder,
    FixedSizeBinaryBuilder, Float32Builder, Float64Builder, Int8Builder, Int16Builder,
    Int32Builder, Int64Builder, RecordBatch, RecordBatchOptions, StringBuilder,
    Time64MicrosecondBuilder, TimestampMicrosecondBuilder, UInt8Builder, UInt16Builder,
    UInt32Builder, UInt64Builder,
};
use arrow::datatypes::{Field, Schema};

use crate::error::Error;

/// Rows of a batch.
const ROWS_MAX: usize = 8192;
/// About how many bytes a batch has, unless a single row has more.
const BYTES_MAX: usize = 4 << 20;
/// Digits that an `i128` always holds.
pub(crate) const DIGITS_128_MAX: u8 = 38;

/// A column being filled.
pub(crate) enum Slot {
    Bool(BooleanBuilder),
    I8(Int8Builder),
    I16(Int16Builder),
    I32(Int32Builder),
    I64(Int64Builder),
    U8(UInt8Builder),
    U16(UInt16Builder),
    U32(UInt32Builder),
    U64(UInt64Builder),
    F32(Float32Builder),
    F64(Float64Builder),
    Decimal(Decimal128Builder, i8),
    WideDecimal(Decimal256Builder, i8),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Stamp(TimestampMicrosecondBuilder),
    Uuid(FixedSizeBinaryBuilder),
}

impl Slot {
    /// # Errors
    /// Invalid for digits that no decimal has.
    pub(crate) fn decimal(precision: u8, scale: i8) -> Result<Self, Error> {
        let wrong = |error| Error::invalid(format!("decimal({precision},{scale}): {error}"));
        Ok(if precision <= DIGITS_128_MAX {
            let builder = Decimal128Builder::new()
                .with_precision_and_scale(precision, scale)
                .map_err(wrong)?;
            Self::Decimal(builder, scale)
        } else {
            let builder = Decimal256Builder::new()
                .with_precision_and_scale(precision, scale)
                .map_err(wrong)?;
            Self::WideDecimal(builder, scale)
        })
    }

    /// Dates with times; `moment` for those that are in UTC.
    pub(crate) fn stamp(moment: bool) -> Self {
        let builder = TimestampMicrosecondBuilder::new();
        Self::Stamp(match moment {
            true => builder.with_timezone("+00:00"),
            false => builder,
        })
    }

    pub(crate) fn null(&mut self) {
        match self {
            Self::Bool(values) => values.append_null(),
            Self::I8(values) => values.append_null(),
            Self::I16(values) => values.append_null(),
            Self::I32(values) => values.append_null(),
            Self::I64(values) => values.append_null(),
            Self::U8(values) => values.append_null(),
            Self::U16(values) => values.append_null(),
            Self::U32(values) => values.append_null(),
            Self::U64(values) => values.append_null(),
            Self::F32(values) => values.append_null(),
            Self::F64(values) => values.append_null(),
            Self::Decimal(values, _) => values.append_null(),
            Self::WideDecimal(values, _) => values.append_null(),
            Self::Text(values) => values.append_null(),
            Self::Bytes(values) => values.append_null(),
            Self::Date(values) => values.append_null(),
            Self::Time(values) => values.append_null(),
            Self::Stamp(values) => values.append_null(),
            Self::Uuid(values) => values.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bool(values) => Arc::new(values.finish()),
            Self::I8(values) => Arc::new(values.finish()),
            Self::I16(values) => Arc::new(values.finish()),
            Self::I32(values) => Arc::new(values.finish()),
            Self::I64(values) => Arc::new(values.finish()),
            Self::U8(values) => Arc::new(values.finish()),
            Self::U16(values) => Arc::new(values.finish()),
            Self::U32(values) => Arc::new(values.finish()),
            Self::U64(values) => Arc::new(values.finish()),
            Self::F32(values) => Arc::new(values.finish()),
            Self::F64(values) => Arc::new(values.finish()),
            Self::Decimal(values, _) => Arc::new(values.finish()),
            Self::WideDecimal(values, _) => Arc::new(values.finish()),
            Self::Text(values) => Arc::new(values.finish()),
            Self::Bytes(values) => Arc::new(values.finish()),
            Self::Date(values) => Arc::new(values.finish()),
            Self::Time(values) => Arc::new(values.finish()),
            Self::Stamp(values) => Arc::new(values.finish()),
            Self::Uuid(values) => Arc::new(values.finish()),
        }
    }
}

/// A batch being filled.
pub(crate) struct Batch {
    names: Vec<String>,
    pub(crate) slots: Vec<Slot>,
    rows: usize,
    bytes: usize,
}

impl Batch {
    pub(crate) fn new(names: Vec<String>, slots: Vec<Slot>) -> Self {
        Self {
            names,
            slots,
            rows: 0,
            bytes: 0,
        }
    }

    /// Counts a row, of about so many bytes, whose values are in the slots.
    pub(crate) fn end_row(&mut self, bytes: usize) {
        self.rows += 1;
        self.bytes += bytes;
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows >= ROWS_MAX || self.bytes >= BYTES_MAX
    }

    /// The rows so far, if there are any; the next ones begin a new batch.
    ///
    /// # Errors
    /// Invalid for values that make no column, which is a defect.
    pub(crate) fn take(&mut self) -> Result<Option<RecordBatch>, Error> {
        if self.rows == 0 {
            return Ok(None);
        }
        let columns: Vec<ArrayRef> = self.slots.iter_mut().map(Slot::finish).collect();
        let fields: Vec<Field> = self
            .names
            .iter()
            .zip(&columns)
            .map(|(name, column)| Field::new(name, column.data_type().clone(), true))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        (self.rows, self.bytes) = (0, 0);
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
            .map(Some)
            .map_err(|error| Error::invalid(format!("rows make no batch: {error}")))
    }
}

/// Where the server has a column: under the very name, else under the name in another case.
///
/// # Errors
/// NotFound, listing the columns there are; Invalid where it stands there several times.
pub(crate) fn place_of(name: &str, names: &[&str], table: &str) -> Result<usize, Error> {
    if let Some(at) = names.iter().position(|known| *known == name) {
        return Ok(at);
    }
    let mut alike = names
        .iter()
        .enumerate()
        .filter(|(_, known)| known.to_lowercase() == name.to_lowercase());
    match (alike.next(), alike.next()) {
        (Some((at, _)), None) => Ok(at),
        (Some(_), Some(_)) => Err(Error::invalid(format!(
            "{table} has several columns called '{name}', in different cases"
        ))),
        (None, _) => Err(Error::new(
            crate::ErrorKind::NotFound,
            format!(
                "{table} has no column '{name}' (any more); its columns are {}",
                names.join(", ")
            ),
        )),
    }
}
