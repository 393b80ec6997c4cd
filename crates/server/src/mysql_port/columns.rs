//! What a result's column is in MySQL's terms, and its values as MySQL writes them.

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use mysql::{BINARY, Column, ColumnFlags, ColumnType, UTF8};

use crate::error::{Error, Result};
use crate::session::{KeyPart, Origin};

/// Bytes of a character.
const CHARACTER_BYTES: u32 = 4;
/// Decimals of a number that has as many as it needs.
const AS_NEEDED: u8 = 31;

/// A result's columns, of which some are tables'.
pub(super) fn columns(schema: &Schema, origins: &[Option<Origin>]) -> Vec<Column> {
    let fields = schema.fields().iter().enumerate();
    fields
        .map(|(at, field)| column(field, origins.get(at).and_then(Option::as_ref)))
        .collect()
}

/// A field as a column.
fn column(field: &Field, origin: Option<&Origin>) -> Column {
    let declared = query::field_sql_type(field);
    let (base, arguments) = match declared.split_once('(') {
        Some((base, rest)) => (base, rest.trim_end_matches(')')),
        None => (declared.as_str(), ""),
    };
    let mut numbers = arguments
        .split(',')
        .map(|number| number.trim().parse::<u32>().ok());
    let (first, second) = (numbers.next().flatten(), numbers.next().flatten());
    let shape = shape(base, first, second);
    let mut flags = shape.flags;
    if !field.is_nullable() {
        flags |= ColumnFlags::NOT_NULL_FLAG;
    }
    let column = Column {
        kind: shape.kind,
        charset: shape.charset,
        length: shape.length,
        flags,
        decimals: shape.decimals,
        ..Column::text(field.name(), 0)
    };
    match origin {
        None => column,
        Some(origin) => of_table(column, origin),
    }
}

/// The same as one of a table.
fn of_table(column: Column, origin: &Origin) -> Column {
    let mut flags = column.flags;
    flags |= match origin.key {
        KeyPart::None => ColumnFlags::empty(),
        KeyPart::Primary => ColumnFlags::PRI_KEY_FLAG | ColumnFlags::PART_KEY_FLAG,
        KeyPart::Unique => ColumnFlags::UNIQUE_KEY_FLAG | ColumnFlags::PART_KEY_FLAG,
        KeyPart::First => ColumnFlags::MULTIPLE_KEY_FLAG | ColumnFlags::PART_KEY_FLAG,
        KeyPart::Later => ColumnFlags::PART_KEY_FLAG,
    };
    if origin.auto_increment {
        flags |= ColumnFlags::AUTO_INCREMENT_FLAG;
    }
    if origin.no_default {
        flags |= ColumnFlags::NO_DEFAULT_VALUE_FLAG;
    }
    Column {
        schema: origin.database.clone(),
        table: origin.alias.clone(),
        original_table: origin.table.clone(),
        original_name: origin.column.clone(),
        flags,
        ..column
    }
}

struct Shape {
    kind: ColumnType,
    charset: u16,
    length: u32,
    decimals: u8,
    flags: ColumnFlags,
}

fn shape(base: &str, first: Option<u32>, second: Option<u32>) -> Shape {
    let number = |kind, length, decimals, flags| Shape {
        kind,
        charset: BINARY,
        length,
        decimals,
        flags: flags | ColumnFlags::BINARY_FLAG | ColumnFlags::NUM_FLAG,
    };
    let (signed, unsigned) = (ColumnFlags::empty(), ColumnFlags::UNSIGNED_FLAG);
    let moment = |kind, length: u32, flags| {
        let digits = first.unwrap_or(0).min(6);
        Shape {
            kind,
            charset: BINARY,
            length: length + if digits > 0 { digits + 1 } else { 0 },
            decimals: digits as u8,
            flags: flags | ColumnFlags::BINARY_FLAG,
        }
    };
    let text = |kind, length, flags| Shape {
        kind,
        charset: UTF8,
        length,
        decimals: 0,
        flags,
    };
    let bytes = |kind, length, flags| Shape {
        kind,
        charset: BINARY,
        length,
        decimals: 0,
        flags: flags | ColumnFlags::BINARY_FLAG,
    };
    let characters = first.unwrap_or(65_535).saturating_mul(CHARACTER_BYTES);
    let blob = ColumnFlags::BLOB_FLAG;
    let decimals = second.map_or(AS_NEEDED, |scale| scale.min(30) as u8);
    use ColumnType as T;
    match base {
        "null" => bytes(T::MYSQL_TYPE_NULL, 0, signed),
        "boolean" => number(T::MYSQL_TYPE_TINY, 1, 0, signed),
        "tinyint" => number(T::MYSQL_TYPE_TINY, 4, 0, signed),
        "tinyint unsigned" => number(T::MYSQL_TYPE_TINY, 3, 0, unsigned),
        "smallint" => number(T::MYSQL_TYPE_SHORT, 6, 0, signed),
        "smallint unsigned" => number(T::MYSQL_TYPE_SHORT, 5, 0, unsigned),
        "mediumint" => number(T::MYSQL_TYPE_INT24, 9, 0, signed),
        "mediumint unsigned" => number(T::MYSQL_TYPE_INT24, 8, 0, unsigned),
        "int" => number(T::MYSQL_TYPE_LONG, 11, 0, signed),
        "int unsigned" => number(T::MYSQL_TYPE_LONG, 10, 0, unsigned),
        "bigint" => number(T::MYSQL_TYPE_LONGLONG, 20, 0, signed),
        // Bits are shown as the number that they are.
        "bigint unsigned" | "bit" => number(T::MYSQL_TYPE_LONGLONG, 20, 0, unsigned),
        "year" => number(T::MYSQL_TYPE_YEAR, 4, 0, unsigned),
        "float" => number(T::MYSQL_TYPE_FLOAT, first.unwrap_or(12), decimals, signed),
        "double" => number(T::MYSQL_TYPE_DOUBLE, first.unwrap_or(22), decimals, signed),
        "decimal" => {
            let (digits, scale) = (first.unwrap_or(10), second.unwrap_or(0));
            let length = digits + 1 + u32::from(scale > 0);
            number(
                T::MYSQL_TYPE_NEWDECIMAL,
                length,
                scale.min(30) as u8,
                signed,
            )
        }
        "date" => bytes(T::MYSQL_TYPE_DATE, 10, signed),
        "time" => moment(T::MYSQL_TYPE_TIME, 10, signed),
        "datetime" => moment(T::MYSQL_TYPE_DATETIME, 19, signed),
        "timestamp" => moment(T::MYSQL_TYPE_TIMESTAMP, 19, ColumnFlags::TIMESTAMP_FLAG),
        "char" => text(T::MYSQL_TYPE_STRING, characters, signed),
        "uuid" => text(T::MYSQL_TYPE_STRING, 36 * CHARACTER_BYTES, signed),
        "enum" => text(
            T::MYSQL_TYPE_STRING,
            255 * CHARACTER_BYTES,
            ColumnFlags::ENUM_FLAG,
        ),
        "set" => text(
            T::MYSQL_TYPE_STRING,
            255 * CHARACTER_BYTES,
            ColumnFlags::SET_FLAG,
        ),
        "json" => text(T::MYSQL_TYPE_JSON, u32::MAX, blob),
        "tinytext" => text(T::MYSQL_TYPE_BLOB, 255 * CHARACTER_BYTES, blob),
        "text" => text(T::MYSQL_TYPE_BLOB, 65_535 * CHARACTER_BYTES, blob),
        "mediumtext" => text(T::MYSQL_TYPE_BLOB, 16_777_215 * CHARACTER_BYTES, blob),
        "longtext" => text(T::MYSQL_TYPE_BLOB, u32::MAX, blob),
        "binary" => bytes(T::MYSQL_TYPE_STRING, first.unwrap_or(1), signed),
        "varbinary" => bytes(T::MYSQL_TYPE_VAR_STRING, first.unwrap_or(65_535), signed),
        "tinyblob" => bytes(T::MYSQL_TYPE_BLOB, 255, blob),
        "blob" => bytes(T::MYSQL_TYPE_BLOB, 65_535, blob),
        "mediumblob" => bytes(T::MYSQL_TYPE_BLOB, 16_777_215, blob),
        "longblob" => bytes(T::MYSQL_TYPE_BLOB, u32::MAX, blob),
        _ => text(T::MYSQL_TYPE_VAR_STRING, characters, signed),
    }
}

/// A column's values as they go to the client.
pub(super) enum Cells {
    Texts(StringArray),
    Bytes(BinaryArray),
}

impl Cells {
    /// # Errors
    /// A value that has no text: a defect.
    pub(super) fn of(array: &ArrayRef, field: &Field) -> Result<Self> {
        let is_bytes = match array.data_type() {
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => true,
            DataType::FixedSizeBinary(width) => *width != 16,
            _ => false,
        };
        if is_bytes {
            let failed = |e| Error::defect("failed to write bytes").with_source(e);
            let bytes = cast(array, &DataType::Binary).map_err(failed)?;
            return Ok(Self::Bytes(bytes.as_binary::<i32>().clone()));
        }
        Ok(Self::Texts(query::column_texts(array, field)?))
    }

    /// `None` for NULL.
    pub(super) fn get(&self, row: usize) -> Option<&[u8]> {
        match self {
            Self::Texts(texts) => texts.is_valid(row).then(|| texts.value(row).as_bytes()),
            Self::Bytes(bytes) => bytes.is_valid(row).then(|| bytes.value(row)),
        }
    }
}
