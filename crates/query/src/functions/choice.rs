//! COALESCE and IFNULL of values of several kinds: among texts all are texts, among numbers truth values are numbers.
//! NULLIF. And the one value of a subquery's rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, UInt64Array};
use arrow::compute::kernels::{cmp::eq, zip::zip};
use arrow::compute::{cast, is_not_null, nullif, take};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::Result;
use datafusion::functions::core::coalesce;
use datafusion::logical_expr::{Expr, cast as cast_expr};

use super::rowwise::Kind;
use super::text::to_text;
use super::{Function, convert, is_text};

pub(super) fn function() -> Function {
    Function::new("mysql_coalesce", coerce, returns, run).simplified(simplify)
}

/// The only value of a list, which is what a subquery gave; NULL if it has none.
pub(super) fn only_function() -> Function {
    Function::new(
        "mysql_only",
        |t| Ok(t.to_vec()),
        |t| match &t[0] {
            DataType::List(field) => Ok(field.data_type().clone()),
            other => datafusion::common::plan_err!("a list is wanted, not {other}"),
        },
        |a, to| {
            let lists = a[0].as_list::<i32>();
            let mut places = Vec::with_capacity(lists.len());
            for (row, length) in lists.offsets().lengths().enumerate() {
                places.push(match (lists.is_null(row), length) {
                    (true, _) | (_, 0) => None,
                    (false, 1) => Some(u64::try_from(lists.value_offsets()[row]).unwrap_or(0)),
                    _ => {
                        return datafusion::common::exec_err!(
                            "a subquery gives more than one row where one value is wanted"
                        );
                    }
                });
            }
            let values = take(lists.values(), &UInt64Array::from(places), None)?;
            Ok(cast(&values, to)?)
        },
    )
}

/// NULLIF: the first value, or NULL if the second equals it, as `=` compares them.
pub(super) fn null_if_function() -> Function {
    Function::new(
        "mysql_nullif",
        |t| {
            super::arguments("NULLIF", t, 2, 2)?;
            Ok(t.iter().map(convert::plainest).collect())
        },
        |t| Ok(t[0].clone()),
        |a, _| {
            let (left, right) = compared(&a[0], &a[1])?;
            let (left, right) = (one_zero(left), one_zero(right));
            Ok(nullif(&a[0], &eq(&left, &right)?)?)
        },
    )
}

/// Doubles without the zero below zero, which Arrow tells from the other.
fn one_zero(array: ArrayRef) -> ArrayRef {
    match array.as_primitive_opt::<Float64Type>() {
        Some(doubles) => {
            let doubles: Float64Array = doubles.unary(|double| double + 0.0);
            Arc::new(doubles)
        }
        None => array,
    }
}

/// Two values as what they are compared as.
fn compared(left: &ArrayRef, right: &ArrayRef) -> Result<(ArrayRef, ArrayRef)> {
    let kinds = |kind| {
        Ok((
            convert::to_kind(left, kind)?,
            convert::to_kind(right, kind)?,
        ))
    };
    let types = [left.data_type(), right.data_type()];
    let any = |is: fn(&DataType) -> bool| types.iter().any(|data_type| is(data_type));
    let all = |is: fn(&DataType) -> bool| types.iter().all(|data_type| is(data_type));
    let is_day = |t: &DataType| {
        matches!(
            t,
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)
        )
    };
    if types[0] == types[1] {
        Ok((Arc::clone(left), Arc::clone(right)))
    } else if any(is_day) {
        kinds(Kind::Moment)
    } else if any(DataType::is_temporal) {
        kinds(Kind::Clock)
    } else if any(DataType::is_floating) || any(is_text) && any(is_counted) {
        kinds(Kind::Double)
    } else if all(is_counted) {
        let scale = types.iter().map(|data_type| match data_type {
            DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale,
            _ => 0,
        });
        let exact = DataType::Decimal256(76, scale.max().unwrap_or(0));
        let number = |array: &ArrayRef| -> Result<ArrayRef> {
            Ok(match array.data_type() {
                DataType::Boolean => cast(&cast(array, &DataType::Int64)?, &exact)?,
                _ => cast(array, &exact)?,
            })
        };
        Ok((number(left)?, number(right)?))
    } else {
        kinds(Kind::Bytes)
    }
}

/// Numbers and truth values.
fn is_counted(data_type: &DataType) -> bool {
    data_type.is_numeric() || data_type == &DataType::Boolean
}

/// Whether there are texts and others.
fn is_mixed(types: &[DataType]) -> bool {
    let texts = types.iter().filter(|t| is_text(t)).count();
    texts > 0 && types.iter().any(|t| !is_text(t) && !t.is_null())
}

fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
    super::arguments("COALESCE and IFNULL", types, 1, usize::MAX)?;
    let plain: Vec<DataType> = types
        .iter()
        .map(|t| {
            if t.is_null() {
                DataType::Null
            } else {
                convert::plainest(t)
            }
        })
        .collect();
    if is_mixed(&plain) {
        return Ok(plain
            .into_iter()
            .map(|t| if t.is_null() { DataType::Utf8 } else { t })
            .collect());
    }
    let numbers = plain.iter().any(DataType::is_numeric);
    // DataFusion would make decimals of doubles among decimals.
    let doubles = plain.iter().any(DataType::is_floating)
        && !plain.iter().all(|t| t.is_floating() || t.is_null());
    let counted: Vec<DataType> = plain
        .into_iter()
        .map(|t| match t {
            number if doubles && is_counted(&number) => DataType::Float64,
            DataType::Boolean if numbers => DataType::Int64,
            other => other,
        })
        .collect();
    coalesce().coerce_types(&counted).or_else(|_| {
        let names: Vec<String> = counted.iter().map(crate::types::sql_type).collect();
        datafusion::common::plan_err!(
            "COALESCE and IFNULL cannot give values of {} alike: write CAST(… AS …)",
            names.join(" and ")
        )
    })
}

fn returns(types: &[DataType]) -> Result<DataType> {
    Ok(if is_mixed(types) {
        DataType::Utf8
    } else {
        types[0].clone()
    })
}

/// DataFusion's own looks at the arguments one after the other, only as far as it must.
fn simplify(args: &[Expr], types: &[DataType]) -> Option<Expr> {
    let mixed = is_mixed(types);
    let args = args
        .iter()
        .zip(types)
        .map(|(arg, data_type)| {
            Some(if !mixed {
                arg.clone()
            } else if is_text(data_type) {
                cast_expr(arg.clone(), DataType::Utf8)
            } else {
                super::call("mysql_text", vec![arg.clone()]).ok()?
            })
        })
        .collect::<Option<Vec<_>>>()?;
    Some(coalesce().call(args))
}

fn run(args: &[ArrayRef], to: &DataType) -> Result<ArrayRef> {
    let mut result: Option<ArrayRef> = None;
    for arg in args {
        let arg = if to == &DataType::Utf8 {
            to_text(arg)?
        } else {
            cast(arg, to)?
        };
        result = Some(match result {
            None => arg,
            Some(before) if before.null_count() == 0 => before,
            Some(before) => {
                let known = is_not_null(&before)?;
                Arc::clone(&zip(&known, &before, &arg)?)
            }
        });
    }
    match result {
        Some(result) => Ok(result),
        None => datafusion::common::exec_err!("COALESCE takes 1 or more arguments"),
    }
}
