//! What rows must fulfil, in no server's words.

use chrono::{DateTime, Duration, NaiveDate};

/// A condition on rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// A column compared with a value that is not NULL.
    Compare {
        /// The column, by its name in any case.
        column: String,
        /// How.
        operator: Operator,
        /// With what.
        value: Value,
    },
    /// A column that is one of these values, none of them NULL.
    In {
        /// The column, by its name in any case.
        column: String,
        /// The values, at least one.
        values: Vec<Value>,
    },
    /// A column that is NULL, or is not.
    Null {
        /// The column, by its name in any case.
        column: String,
        /// Whether it is to be NULL.
        is_null: bool,
    },
    /// All of them.
    All(Vec<Condition>),
    /// One of them.
    Any(Vec<Condition>),
}

/// How a column compares with a value. Text compares by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Operator {
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// A value that a column is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// A decimal in plain digits, such as `-12.50`.
    Decimal(String),
    /// A double.
    Float(f64),
    /// Text.
    Text(String),
    /// A date, in days since 1970.
    Date(i32),
    /// A date and time without a zone, in microseconds since 1970.
    Stamp(i64),
    /// A moment, in microseconds since 1970 UTC.
    Moment(i64),
    /// A UUID.
    Uuid([u8; 16]),
}

/// A condition in a server's words, as far as it can be said there; `None` where it cannot. What is said is never
/// narrower than what was asked.
pub(crate) fn render(
    condition: &Condition,
    atom: &mut impl FnMut(&Condition) -> Option<String>,
) -> Option<String> {
    match condition {
        Condition::Compare { .. } | Condition::In { .. } | Condition::Null { .. } => {
            atom(condition)
        }
        Condition::All(parts) => {
            let said: Vec<String> = parts.iter().filter_map(|part| render(part, atom)).collect();
            (!said.is_empty()).then(|| format!("({})", said.join(" AND ")))
        }
        Condition::Any(parts) => {
            // One that cannot be said may be the one that a row fulfils.
            let said: Option<Vec<String>> = parts.iter().map(|part| render(part, atom)).collect();
            said.filter(|said| !said.is_empty())
                .map(|said| format!("({})", said.join(" OR ")))
        }
    }
}

/// `2024-02-29`, for the years 1 to 9999.
pub(crate) fn date_text(days: i32) -> Option<String> {
    let date = NaiveDate::from_ymd_opt(1970, 1, 1)?
        .checked_add_signed(Duration::try_days(days.into())?)?;
    in_years(date).then(|| date.format("%Y-%m-%d").to_string())
}

/// `2024-02-29 12:00:00.000000`, for the years 1 to 9999.
pub(crate) fn stamp_text(micros: i64) -> Option<String> {
    let stamp = DateTime::from_timestamp_micros(micros)?.naive_utc();
    in_years(stamp.date()).then(|| stamp.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
}

fn in_years(date: NaiveDate) -> bool {
    use chrono::Datelike;
    (1..=9999).contains(&date.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atoms(condition: &Condition) -> Option<String> {
        render(condition, &mut |atom| match atom {
            Condition::Null { column, .. } if column == "unknown" => None,
            Condition::Null { column, .. } => Some(column.clone()),
            _ => None,
        })
    }

    fn null(column: &str) -> Condition {
        Condition::Null {
            column: column.to_owned(),
            is_null: true,
        }
    }

    #[test]
    fn what_cannot_be_said_is_left_out_of_all_but_never_of_any() {
        let parts = vec![null("a"), null("unknown"), null("b")];
        assert_eq!(
            atoms(&Condition::All(parts.clone())).as_deref(),
            Some("(a AND b)")
        );
        assert_eq!(atoms(&Condition::Any(parts)), None);
        let any = Condition::Any(vec![null("a"), null("b")]);
        assert_eq!(atoms(&any).as_deref(), Some("(a OR b)"));
        assert_eq!(atoms(&Condition::All(vec![null("unknown")])), None);
    }

    #[test]
    fn dates_are_written_within_the_years_that_servers_read() {
        assert_eq!(date_text(0).as_deref(), Some("1970-01-01"));
        assert_eq!(date_text(i32::MAX), None);
        assert_eq!(
            stamp_text(-1).as_deref(),
            Some("1969-12-31 23:59:59.999999")
        );
        assert_eq!(stamp_text(i64::MAX), None);
    }
}
