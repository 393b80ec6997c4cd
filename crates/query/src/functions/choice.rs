//! COALESCE and IFNULL of values of several kinds: among texts all are texts, among numbers truth values are numbers.
//! And the one value of a subquery's rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::compute::{cast, is_not_null, kernels::zip::zip, take};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::functions::core::coalesce;
use datafusion::logical_expr::{Expr, cast as cast_expr};

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
    let counted: Vec<DataType> = plain
        .into_iter()
        .map(|t| match t {
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
