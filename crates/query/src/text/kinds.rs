//! The types of undeclared columns: the narrowest that keeps every text of the first rows exactly, and the rule that
//! a later text which it does not keep is an error. Nothing is rounded that nobody asked to round.

use std::borrow::Cow;

use arrow::datatypes::{DataType, Field};

use super::delimited::parsed;
use super::scan::push_cell;
use crate::convert::numbers::is_exact;
use crate::convert::temporal::parse_datetime;
use crate::convert::types::{field_sql_type, is_binary, is_text};
use crate::convert::{Cell, ColumnWriter, shown};
use crate::error::{Error, Violation};

/// Digits of a column of decimals. Only those behind the point are taken from the rows looked at: later numbers may
/// be larger.
const DECIMAL_DIGITS: usize = 38;
/// The most of them behind the point.
const DECIMAL_SCALE_MAX: usize = 30;
/// Digits that a double always keeps.
const DOUBLE_DIGITS: usize = 15;

/// What the texts of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number(Number),
    Boolean,
    Date,
    Datetime,
    Json,
    Text,
}

impl Kind {
    pub(super) fn of(text: &str) -> Self {
        match text {
            "true" | "false" => Self::Boolean,
            _ => match Number::of(text) {
                Some(number) => Self::Number(number),
                None => point(text).unwrap_or(Self::Text),
            },
        }
    }

    /// What a value of JSON is; of null nothing is known.
    pub(super) fn of_json(value: &str) -> Option<Self> {
        match value.as_bytes().first()? {
            b'n' => None,
            b't' | b'f' => Some(Self::Boolean),
            b'{' | b'[' => Some(Self::Json),
            b'"' => Some(point(value.trim_matches('"')).unwrap_or(Self::Text)),
            _ => Some(Number::of(value).map_or(Self::Text, Self::Number)),
        }
    }

    /// What the texts of both are.
    pub(super) fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => Self::Number(one.with(other)),
            (one, other) if one == other => one,
            (Self::Date, Self::Datetime) | (Self::Datetime, Self::Date) => Self::Datetime,
            _ => Self::Text,
        }
    }

    pub(super) fn sql_type(self) -> Cow<'static, str> {
        match self {
            Self::Number(number) => number.sql_type(),
            Self::Boolean => "boolean".into(),
            Self::Date => "date".into(),
            Self::Datetime => "datetime(6)".into(),
            Self::Json => "json".into(),
            Self::Text => "longtext".into(),
        }
    }
}

/// A date, or a date and time, of four digits of year (`10-11-12` and `1.2.3` may be anything) and no more than six of
/// a second's fraction.
fn point(text: &str) -> Option<Kind> {
    let (year, rest) = text.as_bytes().split_at_checked(4)?;
    if !year.iter().all(u8::is_ascii_digit) || !matches!(rest.first(), Some(b'-' | b'/')) {
        return None;
    }
    let fraction = text.rsplit_once('.').map_or("", |(_, fraction)| fraction);
    let mut finer = fraction.bytes().take_while(u8::is_ascii_digit).skip(6);
    if finer.any(|digit| digit != b'0') {
        return None;
    }
    parse_datetime(text).map(|(_, has_time)| match has_time {
        true => Kind::Datetime,
        false => Kind::Date,
    })
}

/// What the numbers of a column need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    /// Digits before the point, and behind it.
    whole: usize,
    scale: usize,
    /// All are whole numbers of 64 bits.
    is_bigint: bool,
    /// One is written with an exponent.
    has_exponent: bool,
    /// A double gives the digits of each back.
    is_double: bool,
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Written {
    whole: usize,
    scale: usize,
    has_exponent: bool,
}

impl Written {
    /// `None` for what is no number, and for what would not be the same text as one: `007` and `+7` are names.
    fn of(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (unsigned, None),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_number =
            all_digits(whole) && all_digits(fraction) && whole.len() + fraction.len() > 0;
        let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
        let has_power = exponent.is_none_or(|exponent| {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !digits.is_empty() && all_digits(digits)
        });
        (is_number && !has_leading_zero && has_power).then_some(Self {
            whole: whole.len(),
            scale: fraction.len(),
            has_exponent: exponent.is_some(),
        })
    }
}

impl Number {
    fn of(text: &str) -> Option<Self> {
        let Written {
            whole,
            scale,
            has_exponent,
        } = Written::of(text)?;
        let is_bigint = !has_exponent
            && scale == 0
            && text
                .strip_suffix('.')
                .unwrap_or(text)
                .parse::<i64>()
                .is_ok();
        Some(Self {
            whole,
            scale,
            is_bigint,
            has_exponent,
            is_double: is_double(text),
        })
    }

    fn with(self, other: Self) -> Self {
        Self {
            whole: self.whole.max(other.whole),
            scale: self.scale.max(other.scale),
            is_bigint: self.is_bigint && other.is_bigint,
            has_exponent: self.has_exponent || other.has_exponent,
            is_double: self.is_double && other.is_double,
        }
    }

    fn sql_type(self) -> Cow<'static, str> {
        let is_decimal =
            self.scale <= DECIMAL_SCALE_MAX && self.whole + self.scale <= DECIMAL_DIGITS;
        if self.is_bigint {
            "bigint".into()
        } else if self.has_exponent && self.is_double {
            "double".into()
        } else if !self.has_exponent && is_decimal {
            format!("decimal({DECIMAL_DIGITS},{})", self.scale).into()
        } else {
            "longtext".into()
        }
    }
}

/// Whether a double gives a number's digits back.
fn is_double(text: &str) -> bool {
    let has_exponent = text.contains(['e', 'E']);
    if !has_exponent && text.len() <= DOUBLE_DIGITS {
        return true;
    }
    text.parse::<f64>().is_ok_and(|number| {
        number.is_finite() && significant(text) == significant(&format!("{number:e}"))
    })
}

/// A number's digits without the zeros around them, and the place of its point before or behind the first of them.
fn significant(text: &str) -> (Vec<u8>, i64) {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: Vec<u8> = whole
        .bytes()
        .chain(fraction.bytes())
        .skip_while(|digit| *digit == b'0')
        .collect();
    let zeros = whole.len() + fraction.len() - digits.len();
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    if digits.is_empty() {
        return (digits, 0);
    }
    // One that is no number of 64 bits is none of a double's.
    let exponent: i64 = exponent.parse().unwrap_or(i64::from(i32::MAX));
    let point = exponent.saturating_add(whole.len() as i64 - zeros as i64);
    (digits, point)
}

/// Whether a column of a type that [`Kind::sql_type`] gives keeps a text exactly.
fn keeps(data_type: &DataType, text: &str) -> bool {
    // Blanks around a number are none of its digits.
    let text = text.trim();
    match data_type {
        DataType::Int64 => Written::of(text).is_some() && is_exact(text, 0),
        DataType::Decimal128(_, scale) => Written::of(text).is_some() && is_exact(text, *scale),
        DataType::Float64 => Written::of(text).is_some() && is_double(text),
        DataType::Boolean => matches!(text, "true" | "false"),
        DataType::Date32 => point(text) == Some(Kind::Date),
        DataType::Timestamp(..) => point(text).is_some(),
        // Text and JSON.
        _ => true,
    }
}

/// Adds a value to a column that nobody declared.
///
/// # Errors
/// Those of adding it, and Invalid for one that the column does not keep exactly: both say what would help.
pub(super) fn push_exactly(
    writer: &mut ColumnWriter,
    field: &Field,
    cell: Cell<'_>,
    row: u64,
) -> Result<(), Error> {
    let kept = match cell {
        Cell::Null | Cell::Bytes(_) | Cell::Double(_) => true,
        Cell::Bool(_) => field.data_type() == &DataType::Boolean,
        Cell::Number(text) | Cell::Text(text) => keeps(field.data_type(), text),
    };
    let name = field.name();
    let help = || {
        format!(
            "; that type comes from the first rows of the files, for nobody declared the columns: CREATE EXTERNAL TABLE with a type for '{name}' does"
        )
    };
    let sql_type = || field_sql_type(field);
    push_cell(writer, cell, row)
        .map_err(|error| error.with_detail(&format!(", which is {}{}", sql_type(), help())))?;
    if kept {
        return Ok(());
    }
    let error = Error::violation_of(
        Violation::IncorrectValue,
        format!(
            "'{}' for column '{name}' at row {row} is not exactly a {}{}",
            shown(cell),
            sql_type(),
            help()
        ),
    );
    Err(error.of_column(name))
}

/// The narrowest type that keeps every one of these texts exactly.
pub(crate) fn type_of<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let kinds = texts.map(Kind::of).reduce(Kind::with);
    kinds.unwrap_or(Kind::Text).sql_type().into_owned()
}

/// Adds a value that stands in the name of a folder, by INSERT's rules; of a column that is `undeclared` exactly.
///
/// # Errors
/// Those of adding it; Invalid for one that an undeclared column does not keep exactly.
pub(crate) fn push_named(
    writer: &mut ColumnWriter,
    field: &Field,
    text: Option<&str>,
    undeclared: bool,
) -> Result<(), Error> {
    let cell = match text {
        None => Cell::Null,
        Some(text) if is_text(field.data_type()) => Cell::Text(text),
        Some(text) if is_binary(field.data_type()) => Cell::Bytes(text.as_bytes()),
        Some(text) if text.trim().is_empty() => Cell::Null,
        Some(text) => parsed(text, field.data_type()),
    };
    push_cell(writer, cell, 0)?;
    match cell {
        Cell::Number(text) | Cell::Text(text) if undeclared && !keeps(field.data_type(), text) => {
            Err(Error::violation_of(
                Violation::IncorrectValue,
                format!(
                    "'{text}' for column '{}' is not exactly a {}, which the folders had when their columns were found; CREATE EXTERNAL TABLE with a type for it declares another",
                    field.name(),
                    field_sql_type(field)
                ),
            ))
        }
        Cell::Null
        | Cell::Number(_)
        | Cell::Double(_)
        | Cell::Text(_)
        | Cell::Bytes(_)
        | Cell::Bool(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, is_double, keeps};
    use crate::convert::types::arrow_field;

    /// The type that some texts give.
    fn found(texts: &[&str]) -> String {
        let kinds = texts.iter().map(|text| Kind::of(text));
        let all = kinds.reduce(Kind::with).unwrap_or(Kind::Text);
        all.sql_type().into_owned()
    }

    #[test]
    fn a_type_keeps_every_text() {
        for (texts, wanted) in [
            (&["1", "-2", "0"][..], "bigint"),
            (&["9223372036854775807"], "bigint"),
            (&["9223372036854775808"], "decimal(38,0)"),
            (&["19.90", "3"], "decimal(38,2)"),
            (
                &["1000000000000000000000000000.0000000000"],
                "decimal(38,10)",
            ),
            (&["9007199254740993", "1.5"], "decimal(38,1)"),
            (&["12345678901234567.89"], "decimal(38,2)"),
            (&[".5", "5."], "decimal(38,1)"),
            // Together more than 38 digits, or more behind the point than a decimal has.
            (
                &["123456789012345678901234567890", "0.1234567890"],
                "longtext",
            ),
            (&["0.0000000000000000000000000000000000001"], "longtext"),
            (&["123456789012345678901234567890123456789"], "longtext"),
            (&["1e3"], "double"),
            (&["1e3", "0.30000000000000004", "7"], "double"),
            (&["1e3", "9007199254740993"], "longtext"),
            (&["1.2345678901234567890123e5"], "longtext"),
            (&["1e999"], "longtext"),
            (&["1e-999"], "longtext"),
            (&["0e-999"], "double"),
            (&["007"], "longtext"),
            (&["1", "007"], "longtext"),
            (&["+7"], "longtext"),
            (&["1", "abc"], "longtext"),
            (&["-"], "longtext"),
            (&["."], "longtext"),
            (&["1e"], "longtext"),
            (&["1e+5"], "double"),
            (&["true", "false"], "boolean"),
            (&["true", "1"], "longtext"),
            (&["2024-01-01"], "date"),
            (&["2024-01-01", "2024-01-01 10:00:00.123456"], "datetime(6)"),
            (&["2024-01-01 10:00:00.1234567"], "longtext"),
            (&["2024-01-01 10:00:00.1234560"], "datetime(6)"),
            (&["10-11-12"], "longtext"),
            (&["1.2.3"], "longtext"),
            (&["2024-13-01"], "longtext"),
        ] {
            assert_eq!(found(texts), wanted, "{texts:?}");
        }
    }

    #[test]
    fn json_values_are_what_they_stand_for() {
        for (value, wanted) in [
            ("12345678901234567890", "decimal(38,0)"),
            ("123456789012345678901234567890123456789.5", "longtext"),
            ("1.50", "decimal(38,2)"),
            ("1E-5", "double"),
            ("\"5\"", "longtext"),
            ("\"2024-01-01\"", "date"),
            ("true", "boolean"),
            ("{}", "json"),
        ] {
            let kind = Kind::of_json(value).map(Kind::sql_type);
            assert_eq!(kind.as_deref(), Some(wanted), "{value}");
        }
        assert_eq!(Kind::of_json("null"), None);
    }

    #[test]
    fn doubles_give_their_digits_back() {
        for (text, is_one) in [
            ("9007199254740992", true),
            ("9007199254740993", false),
            ("0.1", true),
            ("-1.7976931348623157e308", true),
            ("1.7976931348623157081e308", false),
            ("100000000000000000000", true),
            ("5e-324", true),
        ] {
            assert_eq!(is_double(text), is_one, "{text}");
        }
    }

    #[test]
    fn later_texts_are_kept_or_not() {
        for (sql_type, text, kept) in [
            ("bigint", "12", true),
            ("bigint", " 12 ", true),
            ("bigint", "12.0", true),
            ("bigint", "12.75", false),
            ("bigint", "012", false),
            ("bigint", "+12", false),
            ("bigint", "true", false),
            ("decimal(38,2)", "123456.78", true),
            ("decimal(38,2)", "1.005", false),
            ("double", "0.1", true),
            ("double", "9007199254740993", false),
            ("boolean", "true", true),
            ("boolean", "1", false),
            ("date", "2024-06-30", true),
            ("date", "2024-06-30 18:45:00", false),
            ("date", "20240630", false),
            ("datetime(6)", "2024-06-30", true),
            ("datetime(6)", "2024-06-30 18:45:00.123456", true),
            ("datetime(6)", "2024-06-30 18:45:00.1234567", false),
            ("longtext", "anything", true),
        ] {
            let field = arrow_field("c", sql_type, true);
            let is_kept = field.is_ok_and(|field| keeps(field.data_type(), text));
            assert_eq!(is_kept, kept, "{text} as {sql_type}");
        }
    }
}
