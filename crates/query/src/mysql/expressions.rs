//! Operators, CAST, INTERVAL, literals: MySQL's forms to DataFusion's, one rule each.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, CharacterLength, DataType, ExactNumberInfo, Expr, UnaryOperator,
    Value,
};

use super::build::{binary, call, cast, not, number, string, take};
use super::intervals::add_interval;
use crate::error::Error;

/// Rewrites one expression whose children are rewritten already.
pub(super) fn rewrite(expr: &mut Expr) -> Result<(), Error> {
    match expr {
        Expr::BinaryOp { .. } => binary_op(expr),
        Expr::UnaryOp {
            op: UnaryOperator::BangNot | UnaryOperator::Not,
            expr: inner,
        } => {
            make_condition(inner);
            *expr = not(take(inner));
            Ok(())
        }
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr: inner,
        } => {
            // A number keeps its sign: the least bigint is no negated number.
            if !matches!(inner.as_ref(), Expr::Value(value) if matches!(value.value, Value::Number(..)))
            {
                *expr = call("mysql_negate", vec![take(inner)]);
            }
            Ok(())
        }
        // It changes nothing, of whatever type.
        Expr::UnaryOp {
            op: UnaryOperator::Plus,
            expr: inner,
        } => {
            *expr = take(inner);
            Ok(())
        }
        Expr::UnaryOp {
            op: UnaryOperator::BitwiseNot,
            expr: inner,
        } => {
            *expr = call("mysql_bit_not", vec![take(inner)]);
            Ok(())
        }
        Expr::RLike {
            negated,
            expr: text,
            pattern,
            ..
        } => {
            let op = if *negated {
                BinaryOperator::PGRegexNotMatch
            } else {
                BinaryOperator::PGRegexMatch
            };
            *expr = binary(take(text), op, take(pattern));
            Ok(())
        }
        Expr::Like {
            expr: value,
            pattern,
            escape_char,
            ..
        } => {
            // What is no text becomes one, where its type is known; the planner wants a text here.
            **value = text(take(value));
            **pattern = match escape_char.take() {
                None => text(take(pattern)),
                Some(escape) => call(
                    "mysql_like_pattern",
                    vec![take(pattern), Expr::Value(escape)],
                ),
            };
            Ok(())
        }
        Expr::InList {
            expr: value,
            list,
            negated,
        } if matches!(value.as_ref(), Expr::Tuple(_)) => {
            *expr = super::rows::in_list(value, list, *negated)?;
            Ok(())
        }
        Expr::InSubquery {
            expr: value,
            subquery,
            negated,
        } if matches!(value.as_ref(), Expr::Tuple(_)) => {
            *expr = super::rows::in_subquery(value, subquery, *negated)?;
            Ok(())
        }
        Expr::Case {
            operand: None,
            conditions,
            ..
        } => {
            conditions
                .iter_mut()
                .for_each(|when| make_condition(&mut when.condition));
            Ok(())
        }
        // Of whatever type: a truth value is unknown where it is NULL.
        Expr::IsUnknown(inner) => {
            *expr = Expr::IsNull(Box::new(take(inner)));
            Ok(())
        }
        Expr::IsNotUnknown(inner) => {
            *expr = Expr::IsNotNull(Box::new(take(inner)));
            Ok(())
        }
        Expr::IsTrue(inner)
        | Expr::IsNotTrue(inner)
        | Expr::IsFalse(inner)
        | Expr::IsNotFalse(inner) => {
            make_condition(inner);
            Ok(())
        }
        Expr::Cast {
            kind: CastKind::Cast,
            expr: value,
            data_type,
            ..
        } => {
            *expr = cast_to(take(value), data_type)?;
            Ok(())
        }
        Expr::Convert {
            expr: value,
            data_type,
            charset,
            ..
        } => {
            *expr = match (data_type, charset) {
                (Some(data_type), _) => cast_to(take(value), data_type)?,
                // All text is UTF-8 here.
                (None, _) => call("mysql_text", vec![take(value)]),
            };
            Ok(())
        }
        Expr::Collate {
            expr: value,
            collation,
        } => {
            let name = collation.to_string().to_lowercase();
            if !name.ends_with("_bin") && name != "binary" {
                return Err(Error::unsupported(format!(
                    "COLLATE {name} is not supported: text compares by its bytes (utf8mb4_bin); use LOWER(…) to ignore case"
                )));
            }
            *expr = take(value);
            Ok(())
        }
        Expr::TypedString(typed) if matches!(typed.data_type, DataType::Time(..)) => {
            if let Value::SingleQuotedString(written) | Value::DoubleQuotedString(written) =
                &typed.value.value
            {
                *expr = call("mysql_time", vec![string(written.clone())]);
            }
            Ok(())
        }
        Expr::Prefixed { prefix, value }
            if prefix.value.starts_with("_utf8")
                || prefix.value.eq_ignore_ascii_case("_binary") =>
        {
            *expr = take(value);
            Ok(())
        }
        Expr::Prefixed { prefix, .. } => Err(Error::unsupported(format!(
            "the character set {} is not supported",
            prefix.value
        ))),
        Expr::Interval(_) => Ok(()),
        Expr::MatchAgainst { .. } => Err(Error::unsupported("MATCH … AGAINST is not supported")),
        Expr::Extract {
            field, expr: value, ..
        } => {
            let field = field.to_string().to_lowercase();
            *expr = super::date_calls::extract(&field, take(value))?;
            Ok(())
        }
        Expr::Ceil { expr: value, .. } => {
            *expr = call("mysql_ceil", vec![take(value)]);
            Ok(())
        }
        Expr::Floor { expr: value, .. } => {
            *expr = call("mysql_floor", vec![take(value)]);
            Ok(())
        }
        Expr::Position { expr: needle, r#in } => {
            *expr = call("mysql_locate", vec![text(take(needle)), text(take(r#in))]);
            Ok(())
        }
        Expr::Substring {
            expr: value,
            substring_from,
            substring_for,
            ..
        } => {
            let mut args = vec![text(take(value))];
            args.push(
                substring_from
                    .as_mut()
                    .map_or_else(|| number(1), |from| take(from)),
            );
            args.extend(substring_for.as_mut().map(|length| take(length)));
            *expr = call("mysql_substring", args);
            Ok(())
        }
        Expr::Value(value) => {
            match &value.value {
                Value::Number(digits, _) if digits.contains(['e', 'E']) => {
                    *expr = cast(
                        string(digits.clone()),
                        DataType::Double(ExactNumberInfo::None),
                    );
                }
                // MySQL's bit literals are numbers; as texts nobody uses them.
                Value::SingleQuotedByteStringLiteral(bits)
                | Value::DoubleQuotedByteStringLiteral(bits) => {
                    let value = match bits.as_str() {
                        "" => Some(0),
                        bits => u64::from_str_radix(bits, 2).ok(),
                    };
                    match value {
                        Some(value) => *expr = number(value),
                        None => {
                            return Err(Error::invalid(format!(
                                "b'{bits}' is no bit literal: it has 0 and 1 only, 64 at most"
                            )));
                        }
                    }
                }
                Value::NationalStringLiteral(text) => *expr = string(text.clone()),
                Value::Placeholder(_) => {
                    return Err(Error::unsupported(
                        "placeholders ('?') must be bound before the query is planned",
                    ));
                }
                _ => {}
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn binary_op(expr: &mut Expr) -> Result<(), Error> {
    let Expr::BinaryOp { left, op, right } = expr else {
        return Ok(());
    };
    match op {
        BinaryOperator::And | BinaryOperator::Or => {
            make_condition(left);
            make_condition(right);
        }
        BinaryOperator::Xor => {
            make_condition(left);
            make_condition(right);
        }
        BinaryOperator::Plus | BinaryOperator::Minus => {
            let negative = *op == BinaryOperator::Minus;
            if let Expr::Interval(interval) = right.as_ref() {
                *expr = add_interval(take(left), interval.clone(), negative)?;
            } else if let (Expr::Interval(interval), false) = (left.as_ref(), negative) {
                *expr = add_interval(take(right), interval.clone(), false)?;
            }
        }
        BinaryOperator::Assignment => {
            return Err(Error::unsupported("user variables are not supported"));
        }
        BinaryOperator::Eq | BinaryOperator::NotEq | BinaryOperator::Spaceship => {
            if matches!(left.as_ref(), Expr::Tuple(_)) {
                *expr = super::rows::compared(left, op.clone(), right)?;
            }
        }
        BinaryOperator::Lt | BinaryOperator::LtEq | BinaryOperator::Gt | BinaryOperator::GtEq
            if matches!(left.as_ref(), Expr::Tuple(_)) =>
        {
            *expr = super::rows::ordered(left, op.clone(), right)?;
        }
        // What they mean depends on types: `meaning` plans them.
        _ => {}
    }
    Ok(())
}

/// Makes a condition of an expression that need not be a truth value.
pub(super) fn make_condition(expr: &mut Expr) {
    if !is_condition(expr) {
        let inner = take(expr);
        *expr = call("mysql_truth", vec![inner]);
    }
}

fn is_condition(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_condition(inner),
        Expr::UnaryOp { op, .. } => *op == UnaryOperator::Not,
        Expr::BinaryOp { op, .. } => matches!(
            op,
            BinaryOperator::And
                | BinaryOperator::Or
                | BinaryOperator::Eq
                | BinaryOperator::NotEq
                | BinaryOperator::Lt
                | BinaryOperator::LtEq
                | BinaryOperator::Gt
                | BinaryOperator::GtEq
                | BinaryOperator::Spaceship
                | BinaryOperator::PGRegexMatch
                | BinaryOperator::PGRegexNotMatch
                | BinaryOperator::Xor
        ),
        Expr::Value(value) => matches!(value.value, Value::Boolean(_)),
        Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::Between { .. }
        | Expr::Like { .. }
        | Expr::ILike { .. }
        | Expr::AnyOp { .. }
        | Expr::AllOp { .. }
        | Expr::Exists { .. } => true,
        Expr::Function(function) => function.name.to_string() == "mysql_truth",
        _ => false,
    }
}

pub(super) fn text(expr: Expr) -> Expr {
    call("mysql_text", vec![expr])
}

/// `CAST(value AS …)` by MySQL's type names.
pub(super) fn cast_to(value: Expr, data_type: &DataType) -> Result<Expr, Error> {
    let of_seconds = |name: &str, value, digits: Option<u64>| match digits.unwrap_or(0) {
        digits @ 0..=6 => Ok(call(name, vec![value, number(digits)])),
        digits => Err(Error::invalid(format!(
            "too many digits of a second, {digits}, in CAST: 6 are possible"
        ))),
    };
    let decimal = |value, info: &ExactNumberInfo| {
        let (precision, scale) = match info {
            ExactNumberInfo::None => (10, 0),
            ExactNumberInfo::Precision(precision) => (*precision, 0),
            ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
        };
        if !(1..=65).contains(&precision)
            || !(0..=30).contains(&scale)
            || scale.unsigned_abs() > precision
        {
            return Err(Error::invalid(format!(
                "CAST to decimal({precision},{scale}): a decimal has 1 to 65 digits, and a scale of at most 30 and at most its digits"
            )));
        }
        Ok(call(
            "mysql_decimal",
            vec![value, number(precision), number(scale)],
        ))
    };
    let double = |value, data_type| cast(call("mysql_number", vec![value]), data_type);
    Ok(match data_type {
        DataType::Signed
        | DataType::SignedInteger
        | DataType::Int(_)
        | DataType::Integer(_)
        | DataType::BigInt(_) => call("mysql_signed", vec![value]),
        DataType::Unsigned | DataType::UnsignedInteger | DataType::BigIntUnsigned(_) => {
            call("mysql_unsigned", vec![value])
        }
        DataType::Char(length)
        | DataType::Varchar(length)
        | DataType::Nvarchar(length)
        | DataType::Character(length) => match length {
            Some(CharacterLength::IntegerLength { length, .. }) => {
                call("mysql_left", vec![value, number(length)])
            }
            _ => text(value),
        },
        DataType::Text | DataType::String(_) => text(value),
        DataType::Datetime(digits) | DataType::Timestamp(digits, _) => {
            of_seconds("mysql_cast_datetime", value, *digits)?
        }
        DataType::Date => cast(call("mysql_datetime", vec![value]), DataType::Date),
        DataType::Decimal(info) | DataType::Dec(info) | DataType::Numeric(info) => {
            decimal(value, info)?
        }
        DataType::Float(_) => double(value, DataType::Real),
        DataType::Binary(None) | DataType::Varbinary(None) => cast(text(value), DataType::Bytea),
        DataType::JSON => call("mysql_json_extract", vec![value, string("$")]),
        DataType::Double(_) | DataType::DoublePrecision | DataType::Real => {
            double(value, data_type.clone())
        }
        DataType::Boolean => cast(value, data_type.clone()),
        DataType::Time(digits, _) => of_seconds("mysql_cast_time", value, *digits)?,
        other => {
            return Err(Error::unsupported(format!(
                "CAST to {other} is not supported"
            )));
        }
    })
}
