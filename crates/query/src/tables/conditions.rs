//! What a query's filters say of a table's rows, in words that other crates can turn into their own.

use arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// What rows must fulfil. It may say less than the filter that it comes from, never more.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// A column compared with a value that is not NULL.
    Compare {
        /// The column's place in the schema.
        column: usize,
        /// How.
        comparison: Comparison,
        /// With what.
        operand: Operand,
    },
    /// A column that is one of these values, none of them NULL.
    In {
        /// The column's place in the schema.
        column: usize,
        /// At least one.
        operands: Vec<Operand>,
    },
    /// A column that is NULL, or is not.
    Null {
        /// The column's place in the schema.
        column: usize,
        /// Whether it is to be NULL.
        is_null: bool,
    },
    /// All of them.
    All(Vec<Condition>),
    /// One of them.
    Any(Vec<Condition>),
}

/// How a column compares with a value. Text compares by its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
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

/// A value that a column is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
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
    /// Days since 1970.
    Date(i32),
    /// Microseconds since 1970, without a zone.
    Stamp(i64),
    /// Microseconds since 1970 UTC.
    Moment(i64),
    /// A UUID.
    Uuid([u8; 16]),
}

impl Comparison {
    fn of(operator: Operator) -> Option<Self> {
        Some(match operator {
            Operator::Eq => Self::Equal,
            Operator::NotEq => Self::NotEqual,
            Operator::Lt => Self::Less,
            Operator::LtEq => Self::LessOrEqual,
            Operator::Gt => Self::Greater,
            Operator::GtEq => Self::GreaterOrEqual,
            _ => return None,
        })
    }
}

impl Condition {
    /// What a filter says, as far as it can be said here.
    pub(super) fn of(filter: &Expr, schema: &Schema) -> Option<Self> {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
                Operator::And => {
                    let parts = [left, right].map(|part| Self::of(part, schema));
                    let said: Vec<Self> = parts.into_iter().flatten().collect();
                    (!said.is_empty()).then_some(Self::All(said))
                }
                Operator::Or => {
                    // Neither may be left out.
                    let parts = [Self::of(left, schema)?, Self::of(right, schema)?];
                    Some(Self::Any(parts.into()))
                }
                op => compared(left, *op, right, schema),
            },
            Expr::Between(between) if !between.negated => {
                let least = compared(&between.expr, Operator::GtEq, &between.low, schema);
                let most = compared(&between.expr, Operator::LtEq, &between.high, schema);
                let said: Vec<Self> = [least, most].into_iter().flatten().collect();
                (!said.is_empty()).then_some(Self::All(said))
            }
            Expr::InList(list) if !list.negated && !list.list.is_empty() => {
                let column = column(&list.expr, schema)?;
                let operands: Option<Vec<Operand>> = list.list.iter().map(operand).collect();
                Some(Self::In {
                    column,
                    operands: operands?,
                })
            }
            Expr::IsNull(of) => Some(Self::Null {
                column: column(of, schema)?,
                is_null: true,
            }),
            Expr::IsNotNull(of) => Some(Self::Null {
                column: column(of, schema)?,
                is_null: false,
            }),
            Expr::Column(_) => {
                let column = column(filter, schema)?;
                let is_truth = schema.field(column).data_type() == &DataType::Boolean;
                is_truth.then_some(Self::Compare {
                    column,
                    comparison: Comparison::Equal,
                    operand: Operand::Bool(true),
                })
            }
            _ => None,
        }
    }
}

fn compared(left: &Expr, op: Operator, right: &Expr, schema: &Schema) -> Option<Condition> {
    let (of, op, value) = match (column(left, schema), column(right, schema)) {
        (Some(of), None) => (of, op, right),
        (None, Some(of)) => (of, op.swap()?, left),
        _ => return None,
    };
    Some(Condition::Compare {
        column: of,
        comparison: Comparison::of(op)?,
        operand: operand(value)?,
    })
}

fn column(expr: &Expr, schema: &Schema) -> Option<usize> {
    match expr {
        Expr::Column(column) => schema.index_of(&column.name).ok(),
        _ => None,
    }
}

fn operand(expr: &Expr) -> Option<Operand> {
    let Expr::Literal(literal, _) = expr else {
        return None;
    };
    let point = |micros: Option<i64>, moment: bool| {
        Some(match moment {
            true => Operand::Moment(micros?),
            false => Operand::Stamp(micros?),
        })
    };
    match literal {
        ScalarValue::Boolean(Some(value)) => Some(Operand::Bool(*value)),
        ScalarValue::Int8(Some(number)) => Some(Operand::Integer((*number).into())),
        ScalarValue::Int16(Some(number)) => Some(Operand::Integer((*number).into())),
        ScalarValue::Int32(Some(number)) => Some(Operand::Integer((*number).into())),
        ScalarValue::Int64(Some(number)) => Some(Operand::Integer((*number).into())),
        ScalarValue::UInt8(Some(number)) => Some(Operand::Integer((*number).into())),
        ScalarValue::UInt16(Some(number)) => Some(Operand::Integer((*number).into())),
        ScalarValue::UInt32(Some(number)) => Some(Operand::Integer((*number).into())),
        ScalarValue::UInt64(Some(number)) => Some(Operand::Integer((*number).into())),
        ScalarValue::Decimal128(Some(number), _, scale) => digits(number.to_string(), *scale),
        ScalarValue::Decimal256(Some(number), _, scale) => digits(number.to_string(), *scale),
        ScalarValue::Float32(Some(number)) => Some(Operand::Float((*number).into())),
        ScalarValue::Float64(Some(number)) => Some(Operand::Float(*number)),
        ScalarValue::Utf8(Some(text))
        | ScalarValue::LargeUtf8(Some(text))
        | ScalarValue::Utf8View(Some(text)) => Some(Operand::Text(text.clone())),
        ScalarValue::Date32(Some(days)) => Some(Operand::Date(*days)),
        ScalarValue::TimestampSecond(Some(seconds), zone) => {
            point(seconds.checked_mul(1_000_000), zone.is_some())
        }
        ScalarValue::TimestampMillisecond(Some(millis), zone) => {
            point(millis.checked_mul(1000), zone.is_some())
        }
        ScalarValue::TimestampMicrosecond(Some(micros), zone) => {
            point(Some(*micros), zone.is_some())
        }
        ScalarValue::FixedSizeBinary(16, Some(bytes)) => {
            Some(Operand::Uuid(bytes.as_slice().try_into().ok()?))
        }
        _ => None,
    }
}

/// A decimal's digits with the point in its place.
fn digits(unscaled: String, scale: i8) -> Option<Operand> {
    let scale = usize::try_from(scale).ok()?;
    let (sign, digits) = match unscaled.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", unscaled.as_str()),
    };
    if scale == 0 {
        return Some(Operand::Decimal(unscaled));
    }
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, behind) = padded.split_at(padded.len() - scale);
    Some(Operand::Decimal(format!("{sign}{whole}.{behind}")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use arrow::datatypes::Field;
    use datafusion::logical_expr::{col, lit};

    use super::*;

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("a", DataType::Int32, true),
            Field::new("ok", DataType::Boolean, true),
        ])
    }

    fn greater(column: usize, number: i128) -> Condition {
        Condition::Compare {
            column,
            comparison: Comparison::Greater,
            operand: Operand::Integer(number),
        }
    }

    #[test]
    fn a_part_that_cannot_be_said_is_left_out_of_and_but_not_of_or() {
        let schema = schema();
        let sayable = col("a").gt(lit(1));
        let not = (col("a") + lit(1)).gt(lit(1));
        let both = Condition::of(&sayable.clone().and(not.clone()), &schema).unwrap();
        assert_eq!(both, Condition::All(vec![greater(0, 1)]));
        assert_eq!(Condition::of(&sayable.clone().or(not), &schema), None);
        let either = Condition::of(&sayable.or(col("ok")), &schema).unwrap();
        let truth = Condition::Compare {
            column: 1,
            comparison: Comparison::Equal,
            operand: Operand::Bool(true),
        };
        assert_eq!(either, Condition::Any(vec![greater(0, 1), truth]));
        let swapped = Condition::of(&lit(5).lt(col("a")), &schema);
        assert_eq!(swapped, Some(greater(0, 5)));
    }

    #[test]
    fn nothing_is_said_of_null() {
        let schema = schema();
        let null = Expr::Literal(ScalarValue::Int32(None), None);
        assert_eq!(Condition::of(&col("a").eq(null.clone()), &schema), None);
        assert_eq!(
            Condition::of(&col("a").in_list(vec![lit(1), null], false), &schema),
            None
        );
    }

    #[test]
    fn decimals_keep_their_digits() {
        let text = |number: &str, scale| match digits(number.to_owned(), scale).unwrap() {
            Operand::Decimal(text) => text,
            other => format!("{other:?}"),
        };
        assert_eq!(text("-5", 2), "-0.05");
        assert_eq!(text("1250", 2), "12.50");
        assert_eq!(text("7", 0), "7");
    }
}
