//! What a table's columns are on the server, and what they become here.

use arrow::array::{
    BinaryBuilder, BooleanBuilder, Date32Builder, FixedSizeBinaryBuilder, Float32Builder,
    Float64Builder, Int16Builder, Int32Builder, Int64Builder, StringBuilder,
    Time64MicrosecondBuilder,
};

use super::session::Session;
use crate::Column;
use crate::batch::Slot;
use crate::error::{Error, ErrorKind};
use crate::place::Place;

/// Domains are what they are made of.
const COLUMNS: &str = "SELECT a.attname, \
        (CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE a.atttypid END)::int8, \
        CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, \
        a.attnotnull OR t.typnotnull \
    FROM pg_catalog.pg_attribute a \
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
    WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'v', 'm', 'f', 'p') \
        AND a.attnum > 0 AND NOT a.attisdropped \
    ORDER BY a.attnum";

/// Characters that MySQL's VARCHAR holds at four bytes each.
const VARCHAR_MAX: i32 = 16_383;
/// Digits of MySQL's DECIMAL, and those behind the point.
const DECIMAL_DIGITS_MAX: i32 = 65;
const DECIMAL_SCALE_MAX: i32 = 30;

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
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric {
        precision: u8,
        scale: i8,
    },
    /// A text whose bytes are the column's own.
    Text,
    Bytes,
    Date,
    Time,
    Stamp,
    Moment,
    Uuid,
    /// A type of PostgreSQL's own, which it gives as text.
    AsText,
}

impl ServerColumn {
    fn new(name: String, oid: i64, modifier: i32, not_null: bool) -> Self {
        let (wire, sql_type) = Wire::of(oid, modifier);
        Self {
            name,
            wire,
            sql_type,
            nullable: !not_null,
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
    /// By the type's number and its modifier, which is -1 where there is none.
    fn of(oid: i64, modifier: i32) -> (Self, String) {
        let plain = |wire: Self, name: &str| (wire, name.to_owned());
        let length = modifier - 4;
        let digits = if (0..=6).contains(&modifier) {
            modifier
        } else {
            6
        };
        match oid {
            16 => plain(Self::Bool, "bool"),
            21 => plain(Self::Int2, "smallint"),
            23 => plain(Self::Int4, "int"),
            20 => plain(Self::Int8, "bigint"),
            700 => plain(Self::Float4, "float"),
            701 => plain(Self::Float8, "double"),
            1700 => Self::numeric(modifier),
            25 | 19 => plain(Self::Text, "longtext"),
            1043 if (1..=VARCHAR_MAX).contains(&length) => {
                (Self::Text, format!("varchar({length})"))
            }
            1043 => plain(Self::Text, "longtext"),
            // As text it has no padding, which means nothing.
            1042 if (1..=255).contains(&length) => (Self::AsText, format!("char({length})")),
            17 => plain(Self::Bytes, "longblob"),
            1082 => plain(Self::Date, "date"),
            1083 => (Self::Time, format!("time({digits})")),
            1114 => (Self::Stamp, format!("datetime({digits})")),
            1184 => (Self::Moment, format!("timestamp({digits})")),
            2950 => plain(Self::Uuid, "uuid"),
            114 | 3802 => plain(Self::AsText, "json"),
            _ => plain(Self::AsText, "longtext"),
        }
    }

    /// A number of unlimited digits, or of more than a decimal has, comes as text: none of them is lost.
    fn numeric(modifier: i32) -> (Self, String) {
        let (precision, scale) = ((modifier - 4) >> 16, (modifier - 4) & 0x7ff);
        // Eleven bits with a sign.
        let scale = if scale >= 1024 { scale - 2048 } else { scale };
        let fits = modifier >= 4
            && (1..=DECIMAL_DIGITS_MAX).contains(&precision)
            && (0..=DECIMAL_SCALE_MAX.min(precision)).contains(&scale);
        match (u8::try_from(precision), i8::try_from(scale)) {
            (Ok(precision), Ok(scale)) if fits => (
                Self::Numeric { precision, scale },
                format!("decimal({precision},{scale})"),
            ),
            _ => (Self::AsText, "longtext".to_owned()),
        }
    }

    pub(super) fn slot(self) -> Result<Slot, Error> {
        Ok(match self {
            Self::Bool => Slot::Bool(BooleanBuilder::new()),
            Self::Int2 => Slot::I16(Int16Builder::new()),
            Self::Int4 => Slot::I32(Int32Builder::new()),
            Self::Int8 => Slot::I64(Int64Builder::new()),
            Self::Float4 => Slot::F32(Float32Builder::new()),
            Self::Float8 => Slot::F64(Float64Builder::new()),
            Self::Numeric { precision, scale } => Slot::decimal(precision, scale)?,
            Self::Text | Self::AsText => Slot::Text(StringBuilder::new()),
            Self::Bytes => Slot::Bytes(BinaryBuilder::new()),
            Self::Date => Slot::Date(Date32Builder::new()),
            Self::Time => Slot::Time(Time64MicrosecondBuilder::new()),
            Self::Stamp => Slot::stamp(false),
            Self::Moment => Slot::stamp(true),
            Self::Uuid => Slot::Uuid(FixedSizeBinaryBuilder::new(16)),
        })
    }
}

pub(super) async fn of_table(session: &Session, place: &Place) -> Result<Vec<ServerColumn>, Error> {
    let rows = session
        .query(COLUMNS, &[&place.schema, &place.table])
        .await?;
    if rows.is_empty() {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!(
                "database '{}' at '{}' has no table or view {}",
                place.database,
                place.server(),
                place.shown()
            ),
        ));
    }
    rows.iter()
        .map(|row| {
            Ok(ServerColumn::new(
                row.try_get(0)?,
                row.try_get(1)?,
                row.try_get(2)?,
                row.try_get(3)?,
            ))
        })
        .collect::<Result<_, tokio_postgres::Error>>()
        .map_err(|error| session.error(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modifier(precision: i32, scale: i32) -> i32 {
        ((precision << 16) | (scale & 0x7ff)) + 4
    }

    #[test]
    fn numbers_are_decimals_where_a_decimal_has_their_digits_and_text_elsewhere() {
        let of = |modifier| Wire::of(1700, modifier).1;
        assert_eq!(of(modifier(10, 2)), "decimal(10,2)");
        assert_eq!(of(modifier(65, 30)), "decimal(65,30)");
        assert_eq!(of(modifier(38, 0)), "decimal(38,0)");
        for text in [
            -1,
            modifier(66, 2),
            modifier(65, 31),
            modifier(3, 5),
            modifier(5, -2),
            modifier(1000, 10),
        ] {
            assert_eq!(of(text), "longtext", "{text}");
        }
    }

    #[test]
    fn lengths_and_fractions_are_the_servers() {
        assert_eq!(Wire::of(1043, 24).1, "varchar(20)");
        assert_eq!(Wire::of(1043, -1).1, "longtext");
        assert_eq!(Wire::of(1043, 20_004).1, "longtext");
        assert_eq!(Wire::of(1042, 9), (Wire::AsText, "char(5)".to_owned()));
        assert_eq!(Wire::of(1114, -1).1, "datetime(6)");
        assert_eq!(Wire::of(1184, 0).1, "timestamp(0)");
        assert_eq!(Wire::of(600, -1), (Wire::AsText, "longtext".to_owned()));
    }
}
