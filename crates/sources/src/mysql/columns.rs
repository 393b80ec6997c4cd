//! What a table's columns are on the server, and what they become here.

use arrow::array::{
    BinaryBuilder, Date32Builder, Float32Builder, Float64Builder, Int8Builder, Int16Builder,
    Int32Builder, Int64Builder, StringBuilder, Time64MicrosecondBuilder, UInt8Builder,
    UInt16Builder, UInt32Builder, UInt64Builder,
};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use super::session::Login;
use crate::Column;
use crate::batch::Slot;
use crate::error::{Error, ErrorKind};
use crate::place::Place;

const COLUMNS: &str = "SELECT CAST(column_name AS CHAR), CAST(column_type AS CHAR), CAST(is_nullable AS CHAR) \
    FROM information_schema.columns WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position";

#[derive(Debug, Clone, PartialEq)]
pub(super) struct ServerColumn {
    pub(super) name: String,
    pub(super) wire: Wire,
    sql_type: String,
    nullable: bool,
}

/// How a column's values come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Tiny {
        unsigned: bool,
    },
    Small {
        unsigned: bool,
    },
    /// Of three or four bytes.
    Int {
        unsigned: bool,
    },
    Big {
        unsigned: bool,
    },
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: i8,
    },
    Text,
    Bytes,
    Date,
    Time,
    Stamp,
    Moment,
    Year,
    Bit,
    /// A type of the server's own, which it gives as text.
    AsText,
}

impl ServerColumn {
    pub(super) fn new(name: String, column_type: &str, nullable: bool) -> Self {
        let (wire, sql_type) = Wire::of(column_type);
        Self {
            name,
            wire,
            sql_type,
            nullable,
        }
    }

    /// The column, its values as text where that is asked for.
    pub(super) fn wanted(&self, as_text: bool) -> Self {
        let mut column = self.clone();
        if as_text && column.wire != Wire::Text {
            column.wire = Wire::AsText;
        }
        column
    }

    pub(super) fn declared(&self) -> Column {
        Column {
            name: self.name.clone(),
            sql_type: self.sql_type.clone(),
            nullable: self.nullable,
        }
    }
}

impl Wire {
    /// By the type as the server's SHOW COLUMNS has it.
    fn of(column_type: &str) -> (Self, String) {
        let lower = column_type.to_lowercase();
        let unsigned = lower.contains(" unsigned");
        let suffix = if unsigned { " unsigned" } else { "" };
        let base = lower
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default();
        let numbers: Vec<u32> = match (lower.find('('), lower.find(')')) {
            (Some(open), Some(close)) if open < close => lower[open + 1..close]
                .split(',')
                .filter_map(|number| number.trim().parse().ok())
                .collect(),
            _ => Vec::new(),
        };
        let digits = numbers.first().copied().unwrap_or(0).min(6);
        let integer = |wire: Self| (wire, format!("{base}{suffix}"));
        match base {
            "tinyint" => integer(Self::Tiny { unsigned }),
            "smallint" => integer(Self::Small { unsigned }),
            "mediumint" | "int" => integer(Self::Int { unsigned }),
            "bigint" => integer(Self::Big { unsigned }),
            "float" => (Self::Float, "float".to_owned()),
            "double" => (Self::Double, "double".to_owned()),
            "decimal" => {
                let precision = numbers.first().copied().unwrap_or(10);
                let scale = numbers.get(1).copied().unwrap_or(0);
                match (u8::try_from(precision), i8::try_from(scale)) {
                    (Ok(precision @ 1..=65), Ok(scale @ 0..=38)) if scale <= 30 => (
                        Self::Decimal { precision, scale },
                        format!("decimal({precision},{scale})"),
                    ),
                    // MariaDB has decimals with more digits behind the point.
                    _ => (Self::AsText, "longtext".to_owned()),
                }
            }
            "date" => (Self::Date, "date".to_owned()),
            "datetime" => (Self::Stamp, format!("datetime({digits})")),
            "timestamp" => (Self::Moment, format!("timestamp({digits})")),
            "time" => (Self::Time, format!("time({digits})")),
            "year" => (Self::Year, "year".to_owned()),
            "bit" => (Self::Bit, lower),
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => {
                (Self::Text, lower)
            }
            // Its values' case counts.
            "enum" | "set" => (Self::Text, column_type.to_owned()),
            "json" => (Self::Text, "json".to_owned()),
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => {
                (Self::Bytes, lower)
            }
            "uuid" => (Self::AsText, "uuid".to_owned()),
            "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
            | "multipolygon" | "geometrycollection" | "geomcollection" | "vector" => {
                (Self::Bytes, "longblob".to_owned())
            }
            _ => (Self::AsText, "longtext".to_owned()),
        }
    }

    pub(super) fn slot(self) -> Result<Slot, Error> {
        Ok(match self {
            Self::Tiny { unsigned: false } => Slot::I8(Int8Builder::new()),
            Self::Tiny { unsigned: true } => Slot::U8(UInt8Builder::new()),
            Self::Small { unsigned: false } => Slot::I16(Int16Builder::new()),
            Self::Small { unsigned: true } => Slot::U16(UInt16Builder::new()),
            Self::Int { unsigned: false } => Slot::I32(Int32Builder::new()),
            Self::Int { unsigned: true } => Slot::U32(UInt32Builder::new()),
            Self::Big { unsigned: false } => Slot::I64(Int64Builder::new()),
            Self::Big { unsigned: true } | Self::Bit => Slot::U64(UInt64Builder::new()),
            Self::Float => Slot::F32(Float32Builder::new()),
            Self::Double => Slot::F64(Float64Builder::new()),
            Self::Decimal { precision, scale } => Slot::decimal(precision, scale)?,
            Self::Text | Self::AsText => Slot::Text(StringBuilder::new()),
            Self::Bytes => Slot::Bytes(BinaryBuilder::new()),
            Self::Date => Slot::Date(Date32Builder::new()),
            Self::Time => Slot::Time(Time64MicrosecondBuilder::new()),
            Self::Stamp => Slot::stamp(false),
            Self::Moment => Slot::stamp(true),
            Self::Year => Slot::U16(UInt16Builder::new()),
        })
    }
}

pub(super) async fn of_table(
    connection: &mut Conn,
    place: &Place,
    login: &Login,
) -> Result<Vec<ServerColumn>, Error> {
    let found: Vec<(String, String, String)> = connection
        .exec(COLUMNS, (&place.database, &place.table))
        .await
        .map_err(|error| login.error(&error))?;
    if found.is_empty() {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!(
                "MySQL at '{}' has no table or view {}, or none that user '{}' may read",
                place.server(),
                place.shown(),
                place.user
            ),
        ));
    }
    Ok(found
        .into_iter()
        .map(|(name, column_type, nullable)| {
            ServerColumn::new(name, &column_type, nullable.eq_ignore_ascii_case("yes"))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_the_servers_without_what_means_nothing() {
        let of = |text: &str| Wire::of(text).1;
        assert_eq!(of("int(10) unsigned zerofill"), "int unsigned");
        assert_eq!(of("decimal(10,2) unsigned"), "decimal(10,2)");
        assert_eq!(of("double(8,2)"), "double");
        assert_eq!(of("datetime"), "datetime(0)");
        assert_eq!(of("timestamp(3)"), "timestamp(3)");
        assert_eq!(of("enum('A','b (c)')"), "enum('A','b (c)')");
        assert_eq!(of("year(4)"), "year");
        assert_eq!(of("bit(3)"), "bit(3)");
        assert_eq!(of("inet6"), "longtext");
        assert_eq!(of("decimal(40,38)"), "longtext");
    }
}
