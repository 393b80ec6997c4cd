//! MySQL's type names and Arrow's types: which column type is stored as what,
//! and how a result column is called. The whole type text travels as field metadata.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, TimeUnit};

use crate::error::Error;

/// Field metadata key under which the canonical SQL type text is kept.
pub const SQL_TYPE_KEY: &str = "stagedoor:sql_type";

/// The Arrow field of a column declared as `sql_type`, such as `varchar(255)`, `int(11) unsigned`
/// or `decimal(15,2)`; the canonical type text is its metadata under [`SQL_TYPE_KEY`].
///
/// Display widths are dropped, except `tinyint(1)`'s none is special: it stays a small integer;
/// only `bool` and `boolean` are Boolean. `datetime` and `timestamp` without digits keep whole seconds.
///
/// # Errors
/// Invalid for an unknown type, or digits out of MySQL's bounds.
pub fn arrow_field(name: &str, sql_type: &str, nullable: bool) -> Result<Field, Error> {
    let parsed = SqlType::parse(sql_type).map_err(|reason| {
        Error::invalid(format!(
            "column '{name}' has the type '{sql_type}': {reason}"
        ))
    })?;
    let mut metadata = HashMap::from([(SQL_TYPE_KEY.to_owned(), parsed.canonical)]);
    if matches!(parsed.arrow, DataType::FixedSizeBinary(16)) {
        metadata.insert("ARROW:extension:name".to_owned(), "arrow.uuid".to_owned());
    }
    Ok(Field::new(name, parsed.arrow, nullable).with_metadata(metadata))
}

/// MySQL's name for a result of this Arrow type.
#[must_use]
pub fn sql_type(arrow: &DataType) -> String {
    match arrow {
        DataType::Null => "null".into(),
        DataType::Boolean => "boolean".into(),
        DataType::Int8 => "tinyint".into(),
        DataType::Int16 => "smallint".into(),
        DataType::Int32 => "int".into(),
        DataType::Int64 => "bigint".into(),
        DataType::UInt8 => "tinyint unsigned".into(),
        DataType::UInt16 => "smallint unsigned".into(),
        DataType::UInt32 => "int unsigned".into(),
        DataType::UInt64 => "bigint unsigned".into(),
        DataType::Float16 | DataType::Float32 => "float".into(),
        DataType::Float64 => "double".into(),
        DataType::Decimal32(p, s)
        | DataType::Decimal64(p, s)
        | DataType::Decimal128(p, s)
        | DataType::Decimal256(p, s) => {
            format!("decimal({p},{s})")
        }
        DataType::Date32 | DataType::Date64 => "date".into(),
        DataType::Timestamp(unit, zone) => {
            format!(
                "{}{}",
                if zone.is_some() {
                    "timestamp"
                } else {
                    "datetime"
                },
                digits(*unit)
            )
        }
        DataType::Time32(unit) | DataType::Time64(unit) | DataType::Duration(unit) => {
            format!("time{}", digits(*unit))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar".into(),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "varbinary".into(),
        DataType::Dictionary(_, value) => sql_type(value),
        DataType::RunEndEncoded(_, value) => sql_type(value.data_type()),
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::Struct(_)
        | DataType::Map(..) => "json".into(),
        other => other.to_string().to_lowercase(),
    }
}

/// The declared type of a column that takes every value of an Arrow type, for columns found in files.
///
/// # Errors
/// Unsupported for a type that no column can hold.
pub fn declared_type(field: &Field) -> Result<String, Error> {
    if let Some(declared) = field.metadata().get(SQL_TYPE_KEY) {
        return Ok(declared.clone());
    }
    if field.extension_type_name() == Some("arrow.uuid") {
        return Ok("uuid".to_owned());
    }
    Ok(match field.data_type() {
        // Of a column without a value nothing is known; text takes whatever comes later.
        DataType::Null => "longtext".to_owned(),
        DataType::Decimal32(p, s)
        | DataType::Decimal64(p, s)
        | DataType::Decimal128(p, s)
        | DataType::Decimal256(p, s) => {
            let (precision, scale) = (i16::from(*p) + i16::from((-*s).max(0)), (*s).max(0));
            if precision <= 65 && scale <= 30 {
                format!("decimal({precision},{scale})")
            } else {
                // More digits than a decimal has: as text every one of them stays.
                "longtext".to_owned()
            }
        }
        DataType::Timestamp(TimeUnit::Nanosecond, None) => "datetime(6)".to_owned(),
        DataType::Timestamp(TimeUnit::Nanosecond, Some(_)) => "timestamp(6)".to_owned(),
        DataType::Time64(TimeUnit::Nanosecond) | DataType::Duration(_) => "time(6)".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Interval(_) => {
            "longtext".to_owned()
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "longblob".to_owned(),
        DataType::FixedSizeBinary(width @ 0..=255) => format!("binary({width})"),
        DataType::FixedSizeBinary(_) => "longblob".to_owned(),
        DataType::Dictionary(_, value) => {
            declared_type(&Field::new(field.name(), value.as_ref().clone(), true))?
        }
        DataType::RunEndEncoded(_, values) => declared_type(values)?,
        DataType::Union(..) => {
            return Err(Error::unsupported(format!(
                "column '{}' has the type {}, which no column can have",
                field.name(),
                field.data_type()
            )));
        }
        other => sql_type(other),
    })
}

/// The SQL type of a field: the declared text if the field carries it, else [`sql_type`].
#[must_use]
pub fn field_sql_type(field: &Field) -> String {
    field
        .metadata()
        .get(SQL_TYPE_KEY)
        .cloned()
        .unwrap_or_else(|| sql_type(field.data_type()))
}

/// Whether a field has the Arrow type of the declared type that it carries, if it carries one.
pub(crate) fn is_as_declared(field: &Field) -> bool {
    let declared = field.metadata().get(SQL_TYPE_KEY);
    let Some(Ok(declared)) = declared.map(|declared| SqlType::parse(declared)) else {
        return true;
    };
    let is = |kind: fn(&DataType) -> bool| kind(&declared.arrow) && kind(field.data_type());
    if is(is_text) || is(is_binary) {
        return true;
    }
    match (&declared.arrow, field.data_type()) {
        (DataType::Timestamp(declared, zone), DataType::Timestamp(unit, other)) => {
            declared == unit && zone.is_some() == other.is_some()
        }
        (declared, DataType::Dictionary(_, value)) => declared == value.as_ref() || is_text(value),
        (declared, data_type) => declared == data_type,
    }
}

/// A declared type's canonical text, taken apart.
pub(crate) struct Declared {
    /// The whole text.
    pub(crate) text: String,
    /// What stands before the bracket, such as `varchar` or `int unsigned`.
    pub(crate) base: String,
    /// The first number in the bracket.
    pub(crate) argument: Option<u64>,
}

impl Declared {
    pub(crate) fn of(field: &Field) -> Self {
        let text = field_sql_type(field);
        let (base, argument) = match text.split_once('(') {
            Some((base, rest)) => {
                let number = rest.split([',', ')']).next();
                let number = number.and_then(|digits| digits.trim().parse().ok());
                (base.to_owned(), number)
            }
            None => (text.clone(), None),
        };
        Self {
            text,
            base,
            argument,
        }
    }

    /// The most characters (char kinds) or bytes (binary and text kinds) that a value may have.
    pub(crate) fn length_max(&self) -> Option<Length> {
        let argument = self.argument.and_then(|most| usize::try_from(most).ok());
        Some(match self.base.as_str() {
            "char" | "varchar" => Length::Chars(argument?),
            "binary" | "varbinary" => Length::Bytes(argument?),
            "tinytext" | "tinyblob" => Length::Bytes(255),
            "text" | "blob" => Length::Bytes(65_535),
            "mediumtext" | "mediumblob" => Length::Bytes(16_777_215),
            _ => return None,
        })
    }

    /// Of FLOAT(M,D) and DOUBLE(M,D) the digits, and those of them behind the point.
    pub(crate) fn float_digits(&self) -> Option<(i32, i32)> {
        let digits = self.text.strip_prefix("float(");
        let digits = digits.or_else(|| self.text.strip_prefix("double("))?;
        let (digits, scale) = digits.strip_suffix(')')?.split_once(',')?;
        Some((digits.parse().ok()?, scale.parse().ok()?))
    }

    /// The fractional digits of a second that are kept; without a declaration those of Arrow's unit.
    pub(crate) fn fraction_digits(&self, unit: TimeUnit) -> u8 {
        let declared = matches!(self.base.as_str(), "time" | "datetime" | "timestamp");
        match self.argument {
            Some(digits) => digits.min(6) as u8,
            None if declared => 0,
            None => match unit {
                TimeUnit::Second => 0,
                TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond | TimeUnit::Nanosecond => 6,
            },
        }
    }
}

/// A length limit and its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// Characters.
    Chars(usize),
    /// Bytes.
    Bytes(usize),
}

fn digits(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "",
        TimeUnit::Millisecond => "(3)",
        TimeUnit::Microsecond => "(6)",
        TimeUnit::Nanosecond => "(9)",
    }
}

struct SqlType {
    canonical: String,
    arrow: DataType,
}

impl SqlType {
    fn parse(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_lowercase();
        let (head, rest) = match lower.find('(') {
            Some(open) => {
                let close = lower.rfind(')').ok_or("the bracket is not closed")?;
                (
                    format!(
                        "{} {}",
                        &lower[..open],
                        lower.get(close + 1..).unwrap_or("")
                    ),
                    Some(&text.trim()[open + 1..close]),
                )
            }
            None => (lower, None),
        };
        let mut unsigned = false;
        let mut words = Vec::new();
        for word in head.split_whitespace() {
            match word {
                "unsigned" => unsigned = true,
                "signed" | "zerofill" => {}
                word => words.push(word),
            }
        }
        let base = words.join(" ");
        if matches!(base.as_str(), "enum" | "set") {
            let values = rest.ok_or_else(|| format!("{base} needs its values in brackets"))?;
            return Ok(Self {
                canonical: format!("{base}({values})"),
                arrow: DataType::Utf8,
            });
        }
        let numbers = match rest {
            None => Vec::new(),
            Some(list) => list
                .split(',')
                .map(|number| {
                    number
                        .trim()
                        .parse::<u64>()
                        .map_err(|_| format!("'{}' is not a whole number", number.trim()))
                })
                .collect::<Result<Vec<_>, _>>()?,
        };
        Self::build(&base, unsigned, &numbers)
    }

    fn build(base: &str, unsigned: bool, numbers: &[u64]) -> Result<Self, String> {
        let integer = |name: &str, signed: DataType, wide: DataType| {
            let (arrow, suffix) = if unsigned {
                (wide, " unsigned")
            } else {
                (signed, "")
            };
            Ok(Self {
                canonical: format!("{name}{suffix}"),
                arrow,
            })
        };
        let one = |canonical: &str, arrow: DataType| {
            Ok(Self {
                canonical: canonical.to_owned(),
                arrow,
            })
        };
        let sized = |name: &str, default: u64, max: u64, arrow: DataType| match numbers
            .first()
            .copied()
            .unwrap_or(default)
        {
            length if length <= max => Ok(Self {
                canonical: format!("{name}({length})"),
                arrow,
            }),
            length => Err(format!("the length {length} is over {max}")),
        };
        match base {
            "tinyint" | "int1" => integer("tinyint", DataType::Int8, DataType::UInt8),
            "smallint" | "int2" => integer("smallint", DataType::Int16, DataType::UInt16),
            "mediumint" | "int3" => integer("mediumint", DataType::Int32, DataType::UInt32),
            "int" | "integer" | "int4" => integer("int", DataType::Int32, DataType::UInt32),
            "bigint" | "int8" => integer("bigint", DataType::Int64, DataType::UInt64),
            "bool" | "boolean" => one("boolean", DataType::Boolean),
            "float" if numbers.len() == 1 && numbers[0] > 24 => one("double", DataType::Float64),
            "float" | "float4" => Self::float("float", numbers, DataType::Float32),
            "double" | "double precision" | "real" | "float8" => {
                Self::float("double", numbers, DataType::Float64)
            }
            "decimal" | "numeric" | "dec" | "fixed" => Self::decimal(numbers),
            "date" => one("date", DataType::Date32),
            "datetime" => Self::fraction("datetime", numbers, |unit| DataType::Timestamp(unit, None)),
            "timestamp" => Self::fraction("timestamp", numbers, |unit| DataType::Timestamp(unit, Some("+00:00".into()))),
            "time" => {
                let time = Self::fraction("time", numbers, |unit| DataType::Timestamp(unit, None))?;
                Ok(Self { arrow: DataType::Time64(TimeUnit::Microsecond), ..time })
            }
            "year" => one("year", DataType::UInt16),
            "char" | "character" | "nchar" => sized("char", 1, 255, DataType::Utf8),
            "varchar" | "character varying" | "nvarchar" | "varchar2" if !numbers.is_empty() => {
                sized("varchar", 0, 65_535, DataType::Utf8)
            }
            "varchar" | "character varying" | "nvarchar" => one("varchar(65535)", DataType::Utf8),
            "text" | "tinytext" | "mediumtext" | "longtext" => one(base, DataType::Utf8),
            "datalink" => one("datalink", DataType::Utf8),
            "json" => one("json", DataType::Utf8),
            "binary" => sized("binary", 1, 255, DataType::Binary),
            "varbinary" => sized("varbinary", 65_535, 65_535, DataType::Binary),
            "blob" | "tinyblob" | "mediumblob" | "longblob" => one(base, DataType::Binary),
            "uuid" => one("uuid", DataType::FixedSizeBinary(16)),
            "bit" => match numbers.first().copied().unwrap_or(1) {
                bits @ 1..=64 => Ok(Self { canonical: format!("bit({bits})"), arrow: DataType::UInt64 }),
                bits => Err(format!("bit has 1 to 64 bits, not {bits}")),
            },
            _ => Err("unknown type; types are tinyint, smallint, mediumint, int, bigint (also unsigned), boolean, float, double, \
                      decimal, date, time, datetime, timestamp, year, char, varchar, text kinds, binary, varbinary, blob kinds, \
                      enum, set, json, uuid, bit"
                .to_owned()),
        }
    }

    /// With `(M,D)` it takes no more than D digits behind the point, of M in all.
    fn float(name: &str, numbers: &[u64], arrow: DataType) -> Result<Self, String> {
        let canonical = match numbers {
            [digits, scale] if *digits > 255 || *scale > 30 || scale > digits => {
                return Err(format!(
                    "{name}({digits},{scale}) has too many digits; at most 255, and at most 30 and no more than these behind the point"
                ));
            }
            [digits, scale] => format!("{name}({digits},{scale})"),
            _ => name.to_owned(),
        };
        Ok(Self { canonical, arrow })
    }

    fn decimal(numbers: &[u64]) -> Result<Self, String> {
        let precision = numbers.first().copied().unwrap_or(10);
        let scale = numbers.get(1).copied().unwrap_or(0);
        if precision == 0 || precision > 65 {
            return Err(format!("a decimal has 1 to 65 digits, not {precision}"));
        }
        if scale > 30 || scale > precision {
            return Err(format!(
                "a decimal's scale is at most 30 and at most its digits, not {scale}"
            ));
        }
        let (p, s) = (precision as u8, scale as i8);
        let arrow = if p <= 38 {
            DataType::Decimal128(p, s)
        } else {
            DataType::Decimal256(p, s)
        };
        Ok(Self {
            canonical: format!("decimal({p},{s})"),
            arrow,
        })
    }

    fn fraction(
        name: &str,
        numbers: &[u64],
        arrow: fn(TimeUnit) -> DataType,
    ) -> Result<Self, String> {
        let unit = match numbers.first().copied().unwrap_or(0) {
            0 => TimeUnit::Second,
            1..=3 => TimeUnit::Millisecond,
            4..=6 => TimeUnit::Microsecond,
            more => return Err(format!("{name} has 0 to 6 fractional digits, not {more}")),
        };
        let canonical = match numbers.first() {
            None | Some(0) => name.to_owned(),
            Some(digits) => format!("{name}({digits})"),
        };
        Ok(Self {
            canonical,
            arrow: arrow(unit),
        })
    }
}

pub(crate) fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

pub(crate) fn is_binary(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView
    )
}

#[cfg(test)]
mod tests;
