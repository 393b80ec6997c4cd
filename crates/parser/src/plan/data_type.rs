//! [`DataType`]: the MySQL types a column can have, and their canonical text.

use std::fmt;

use crate::text::quote;

/// A column's type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataType {
    /// `BOOL`, `BOOLEAN`.
    Bool,
    /// `BIT(width)`, width 1 to 64.
    Bit(u8),
    /// `TINYINT` to `BIGINT`.
    Integer {
        /// Its size.
        kind: IntegerKind,
        /// The display width, which says nothing about the values.
        width: Option<u8>,
        /// `UNSIGNED`.
        unsigned: bool,
    },
    /// `FLOAT`, 32 bits.
    Float {
        /// `(digits, scale)` of the older notation.
        digits: Option<(u8, u8)>,
        /// `UNSIGNED`.
        unsigned: bool,
    },
    /// `DOUBLE [PRECISION]`, `REAL`, 64 bits.
    Double {
        /// `(digits, scale)` of the older notation.
        digits: Option<(u8, u8)>,
        /// `UNSIGNED`.
        unsigned: bool,
    },
    /// `DECIMAL`, `NUMERIC`, `DEC`; (10, 0) where not given.
    Decimal {
        /// All digits, 1 to 65.
        precision: u8,
        /// Digits behind the point, at most 30 and at most the precision.
        scale: u8,
        /// `UNSIGNED`.
        unsigned: bool,
    },
    /// `DATE`.
    Date,
    /// `TIME[(digits)]`, fractional digits 0 to 6.
    Time(u8),
    /// `DATETIME[(digits)]`.
    DateTime(u8),
    /// `TIMESTAMP[(digits)]`.
    Timestamp(u8),
    /// `YEAR`.
    Year,
    /// `CHAR[(n)]`, in characters, at most 255; 1 where not given.
    Char(u8),
    /// `VARCHAR(n)`, in characters, at most 65535.
    VarChar(u16),
    /// `TINYTEXT`, `TEXT`, `MEDIUMTEXT`, `LONGTEXT`.
    Text(LobSize),
    /// `BINARY[(n)]`, in bytes, at most 255; 1 where not given.
    Binary(u8),
    /// `VARBINARY(n)`, in bytes, at most 65535.
    VarBinary(u16),
    /// `TINYBLOB`, `BLOB`, `MEDIUMBLOB`, `LONGBLOB`.
    Blob(LobSize),
    /// `JSON`.
    Json,
    /// `UUID`.
    Uuid,
    /// `ENUM('a', 'b', …)`.
    Enum(Vec<String>),
    /// `SET('a', 'b', …)`, at most 64, none with a comma.
    Set(Vec<String>),
}

/// The size of an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntegerKind {
    /// 8 bits.
    Tiny,
    /// 16 bits.
    Small,
    /// 24 bits.
    Medium,
    /// 32 bits.
    Int,
    /// 64 bits.
    Big,
}

/// The size of a text or a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LobSize {
    /// Up to 255 bytes.
    Tiny,
    /// Up to 64 KiB.
    Normal,
    /// Up to 16 MiB.
    Medium,
    /// Up to 4 GiB.
    Long,
}

impl DataType {
    /// Every type's name, in the order in which messages list them.
    pub const NAMES: &[&str] = &[
        "bool",
        "bit",
        "tinyint",
        "smallint",
        "mediumint",
        "int",
        "bigint",
        "float",
        "double",
        "decimal",
        "date",
        "time",
        "datetime",
        "timestamp",
        "year",
        "char",
        "varchar",
        "tinytext",
        "text",
        "mediumtext",
        "longtext",
        "binary",
        "varbinary",
        "tinyblob",
        "blob",
        "mediumblob",
        "longblob",
        "json",
        "uuid",
        "enum",
        "set",
    ];
}

/// The canonical text, in lower case, which [`DataType::parse`] reads back.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Bit(width) => write!(f, "bit({width})"),
            Self::Integer {
                kind,
                width,
                unsigned,
            } => {
                f.write_str(kind.as_str())?;
                if let Some(width) = width {
                    write!(f, "({width})")?;
                }
                write_unsigned(f, *unsigned)
            }
            Self::Float { digits, unsigned } => write_floating(f, "float", *digits, *unsigned),
            Self::Double { digits, unsigned } => write_floating(f, "double", *digits, *unsigned),
            Self::Decimal {
                precision,
                scale,
                unsigned,
            } => {
                write!(f, "decimal({precision},{scale})")?;
                write_unsigned(f, *unsigned)
            }
            Self::Date => f.write_str("date"),
            Self::Time(digits) => write_time(f, "time", *digits),
            Self::DateTime(digits) => write_time(f, "datetime", *digits),
            Self::Timestamp(digits) => write_time(f, "timestamp", *digits),
            Self::Year => f.write_str("year"),
            Self::Char(n) => write!(f, "char({n})"),
            Self::VarChar(n) => write!(f, "varchar({n})"),
            Self::Text(size) => write!(f, "{}text", size.prefix()),
            Self::Binary(n) => write!(f, "binary({n})"),
            Self::VarBinary(n) => write!(f, "varbinary({n})"),
            Self::Blob(size) => write!(f, "{}blob", size.prefix()),
            Self::Json => f.write_str("json"),
            Self::Uuid => f.write_str("uuid"),
            Self::Enum(values) => write_members(f, "enum", values),
            Self::Set(values) => write_members(f, "set", values),
        }
    }
}

impl IntegerKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Tiny => "tinyint",
            Self::Small => "smallint",
            Self::Medium => "mediumint",
            Self::Int => "int",
            Self::Big => "bigint",
        }
    }
}

impl LobSize {
    fn prefix(self) -> &'static str {
        match self {
            Self::Tiny => "tiny",
            Self::Normal => "",
            Self::Medium => "medium",
            Self::Long => "long",
        }
    }
}

fn write_unsigned(f: &mut fmt::Formatter<'_>, unsigned: bool) -> fmt::Result {
    if unsigned {
        f.write_str(" unsigned")
    } else {
        Ok(())
    }
}

fn write_floating(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    digits: Option<(u8, u8)>,
    unsigned: bool,
) -> fmt::Result {
    f.write_str(name)?;
    if let Some((digits, scale)) = digits {
        write!(f, "({digits},{scale})")?;
    }
    write_unsigned(f, unsigned)
}

fn write_members(f: &mut fmt::Formatter<'_>, name: &str, values: &[String]) -> fmt::Result {
    let values: Vec<String> = values.iter().map(|value| quote(value)).collect();
    write!(f, "{name}({})", values.join(","))
}

fn write_time(f: &mut fmt::Formatter<'_>, name: &str, digits: u8) -> fmt::Result {
    f.write_str(name)?;
    if digits > 0 {
        write!(f, "({digits})")
    } else {
        Ok(())
    }
}
