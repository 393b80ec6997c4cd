//! Comparisons of values of different kinds (MySQL 8.4 manual, "Type Conversion in Expression Evaluation"):
//! each pair of kinds has one that both are compared as.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{ExprSchema, Result, ScalarValue, plan_err};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, binary_expr, cast, lit};

use super::classes::Class;
use super::constants;
use crate::functions::call;

/// What times are compared as.
const CLOCK: DataType = DataType::Time64(TimeUnit::Microsecond);

/// `left op right`.
pub(super) fn comparison(
    left: Expr,
    op: Operator,
    right: Expr,
    schema: &dyn ExprSchema,
) -> Result<Expr> {
    let (left, right) = alike(left, right, schema)?;
    Ok(binary_expr(left, op, right))
}

/// Both sides as what they are compared as.
pub(super) fn alike(left: Expr, right: Expr, schema: &dyn ExprSchema) -> Result<(Expr, Expr)> {
    let right = whole_year(right, &left, schema)?;
    let left = whole_year(left, &right, schema)?;
    let (left_class, right_class) = (
        Class::of_expr(&left, schema)?,
        Class::of_expr(&right, schema)?,
    );
    let (left, right) = (json_text(left, left_class)?, json_text(right, right_class)?);
    if left_class == Class::Clock && right_class == Class::Clock {
        // Of one unit.
        return Ok((cast(left, CLOCK), cast(right, CLOCK)));
    }
    if left_class.compares_with(right_class) {
        return Ok((left, right));
    }
    let (left, right) = (
        as_compared(left.clone(), left_class, &right, right_class, schema)?,
        as_compared(right, right_class, &left, left_class, schema)?,
    );
    as_doubles(left, right, schema)
}

/// Two numbers of which just one is floating, both as doubles.
pub(super) fn as_doubles(left: Expr, right: Expr, schema: &dyn ExprSchema) -> Result<(Expr, Expr)> {
    let (left_type, right_type) = (left.get_type(schema)?, right.get_type(schema)?);
    let (left_class, right_class) = (Class::of(&left_type), Class::of(&right_type));
    if left_class == right_class || !left_class.is_number() || !right_class.is_number() {
        return Ok((left, right));
    }
    Ok((double(left, &left_type)?, double(right, &right_type)?))
}

/// A number of this type as a double; a constant as the double next to what is written.
pub(super) fn double(expr: Expr, data_type: &DataType) -> Result<Expr> {
    if data_type == &DataType::Float64 {
        return Ok(expr);
    }
    if let Expr::Literal(value, _) = unaliased(&expr)
        && !data_type.is_floating()
        && let ScalarValue::Utf8(Some(text)) = value.cast_to(&DataType::Utf8)?
        && let Ok(number) = text.parse::<f64>()
    {
        return Ok(lit(number));
    }
    Ok(cast(expr, DataType::Float64))
}

/// A scalar of a document compares as what it is, not as it is quoted.
fn json_text(expr: Expr, class: Class) -> Result<Expr> {
    if class == Class::Text && crate::functions::is_call(&expr, "mysql_json_extract") {
        return call("mysql_json_unquote", vec![expr]);
    }
    Ok(expr)
}

/// One side, as it is compared with the other.
fn as_compared(
    expr: Expr,
    class: Class,
    other: &Expr,
    other_class: Class,
    schema: &dyn ExprSchema,
) -> Result<Expr> {
    use Class::{Bytes, Clock, Date, Double, Moment, Null, Number, Other, Text, Truth};
    match (class, other_class) {
        (Null | Other, _) | (_, Null | Other) => Ok(expr),
        // Truth values count as 0 and 1.
        (Truth, _) => truth_number(expr),
        (Number | Double, _) if !is_temporal(other_class) => Ok(expr),
        (Text | Bytes, Number | Double | Truth) => number(expr, class, schema),
        (Text, Bytes) => Ok(cast(expr, DataType::Binary)),
        (Bytes, Text) => Ok(expr),
        // A constant is a date, another number makes numbers of both.
        (Number | Double, _) => Ok(constant_of(&expr, other, schema)?.unwrap_or(expr)),
        (Date | Moment | Clock, Number | Double) => {
            let as_date = constant_of(other, &expr, schema)?.is_some();
            if as_date {
                Ok(expr)
            } else {
                call("mysql_number", vec![expr])
            }
        }
        (Date | Moment | Clock, Truth) => call("mysql_number", vec![expr]),
        (Date | Moment | Clock, Text | Bytes) => Ok(expr),
        (Text | Bytes, Date | Moment) => match constant_of(&expr, other, schema)? {
            Some(constant) => Ok(constant),
            None => call("mysql_datetime", vec![expr]),
        },
        (Text | Bytes, Clock) => match constant_of(&expr, other, schema)? {
            Some(constant) => Ok(constant),
            None => call("mysql_time", vec![expr]),
        },
        (Clock, Date | Moment) | (Date | Moment, Clock) => plan_err!(
            "a time cannot be compared with a date: write TIME(…) of the date, or DATE(…) with a date"
        ),
        // Alike by now.
        (Text, Text) | (Bytes, Bytes) | (Date | Moment, Date | Moment) | (Clock, Clock) => Ok(expr),
    }
}

fn is_temporal(class: Class) -> bool {
    matches!(class, Class::Date | Class::Moment | Class::Clock)
}

/// A constant as a date or time to be compared with `other`.
fn constant_of(expr: &Expr, other: &Expr, schema: &dyn ExprSchema) -> Result<Option<Expr>> {
    let Expr::Literal(value, _) = unaliased(expr) else {
        return Ok(None);
    };
    Ok(constants::temporal(value, &other.get_type(schema)?)?.map(lit))
}

fn unaliased(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}

pub(super) fn truth_number(expr: Expr) -> Result<Expr> {
    Ok(match expr {
        Expr::Literal(ScalarValue::Boolean(value), _) => {
            lit(ScalarValue::Int64(value.map(i64::from)))
        }
        other => cast(other, DataType::Int64),
    })
}

/// A text or bytes as a number: a constant exactly, others as doubles.
fn number(expr: Expr, class: Class, schema: &dyn ExprSchema) -> Result<Expr> {
    if let Some(place) = place(&expr, schema)? {
        return Ok(place);
    }
    if let Expr::Literal(value, _) = unaliased(&expr) {
        if let Some(Some(text)) = value.try_as_str() {
            return constants::number_of_text(text).map(lit);
        }
        if class == Class::Bytes
            && let ScalarValue::Binary(Some(bytes))
            | ScalarValue::LargeBinary(Some(bytes))
            | ScalarValue::BinaryView(Some(bytes)) = value
        {
            return Ok(lit(constants::number_of_binary(bytes)));
        }
    }
    call("mysql_number", vec![expr])
}

/// A constant that is compared with a column of type YEAR: one or two digits are 1970 to 2069, but for the number 0
/// (MySQL 8.4 manual, "2-Digit Years in Dates").
pub(super) fn whole_year(expr: Expr, other: &Expr, schema: &dyn ExprSchema) -> Result<Expr> {
    let (Expr::Column(column), Expr::Literal(value, _)) = (unaliased(other), unaliased(&expr))
    else {
        return Ok(expr);
    };
    let field = schema.field_from_column(column)?;
    if field
        .metadata()
        .get(crate::types::SQL_TYPE_KEY)
        .map(String::as_str)
        != Some("year")
    {
        return Ok(expr);
    }
    let year = match value {
        ScalarValue::Int64(Some(number)) => Some(*number).filter(|number| *number != 0),
        value => value
            .try_as_str()
            .flatten()
            .filter(|text| text.trim().len() <= 2)
            .and_then(|text| text.trim().parse().ok()),
    };
    Ok(match year {
        Some(year @ 0..=99) => lit(crate::temporal::whole_year(year, 2)),
        Some(_) | None => expr,
    })
}

/// A column of ENUM or SET in a number's place: the place of its member, or the sum of its members' bits
/// (MySQL 8.4 manual, "The ENUM Type", "The SET Type").
pub(super) fn place(expr: &Expr, schema: &dyn ExprSchema) -> Result<Option<Expr>> {
    let Expr::Column(column) = unaliased(expr) else {
        return Ok(None);
    };
    let field = schema.field_from_column(column)?;
    match field.metadata().get(crate::types::SQL_TYPE_KEY) {
        Some(declared) if declared.starts_with("enum(") || declared.starts_with("set(") => {
            call("mysql_place", vec![expr.clone(), lit(declared.as_str())]).map(Some)
        }
        _ => Ok(None),
    }
}
