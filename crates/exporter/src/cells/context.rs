//! What the writers of all columns of a text format share: zones, declared digits, types without a text.

use arrow::array::timezone::Tz;
use arrow::datatypes::{DataType, Field, TimeUnit};

use super::leaf::Leaf;
use super::temporal::Zone;

/// Why a type cannot be written.
pub(crate) struct Unsupported(pub(crate) String);

impl Unsupported {
    pub(crate) fn new(data_type: &DataType) -> Self {
        Self(format!("type {data_type} has no text form"))
    }
}

/// How timestamps are told.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Context<'a> {
    /// The zone in which timestamps with a zone are written; without it each column's own.
    pub(crate) time_zone: Option<&'a str>,
    /// Whether timestamps with a zone end in their UTC offset.
    pub(crate) zone_offset: bool,
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
        let name = self.time_zone.unwrap_or(own);
        let zone = parse_zone(name, self.zone_offset).map_err(Unsupported)?;
        Ok(Leaf {
            zone: Some(zone),
            ..Leaf::default()
        })
    }

    /// The same for a column, which may declare fewer digits than its unit has.
    pub(crate) fn column_leaf(&self, field: &Field, plain: &DataType) -> Result<Leaf, Unsupported> {
        let mut leaf = self.leaf(plain)?;
        // An offset would stand behind the fraction.
        if !leaf.zone.is_some_and(|zone| zone.with_offset) {
            leaf.undeclared = undeclared(field, plain);
        }
        Ok(leaf)
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
