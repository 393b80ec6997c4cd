//! The table of growths against DataFusion's registry, and every function against extreme arguments:
//! no panic leaves a function, none makes more than was measured.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, IntervalMonthDayNano};
use datafusion::common::ScalarValue;
use datafusion::config::ConfigOptions;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};

use super::growth::{self, Growth};
use super::*;
use crate::memory::SharedPool;

const VALUE_BYTES_MAX: u64 = 1 << 20;

fn guard() -> Arc<Guard> {
    let memory: Arc<dyn MemoryPool> = Arc::new(SharedPool::new(64 << 20));
    let guard = Guard::new(memory, VALUE_BYTES_MAX, Arc::new(Stop::never()));
    guard.planned();
    Arc::new(guard)
}

fn registered() -> Vec<Arc<ScalarUDF>> {
    SessionStateDefaults::default_scalar_functions()
        .into_iter()
        .chain(crate::functions::all())
        .collect()
}

#[test]
fn every_registered_function_is_in_the_table_and_nothing_else() {
    let functions = registered();
    let missing: Vec<&str> = functions
        .iter()
        .map(|function| function.name())
        .filter(|name| growth::of(name).is_none())
        .collect();
    assert!(missing.is_empty(), "of unknown growth: {missing:?}");
    let mut unknown = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for name in growth::names() {
        assert!(seen.insert(name), "{name} is listed twice");
        if !functions.iter().any(|function| function.name() == name) {
            unknown.push(name);
        }
    }
    assert!(unknown.is_empty(), "no functions: {unknown:?}");
    let offered = guard_functions(functions.clone(), &guard());
    assert_eq!(offered.len(), functions.len());
}

fn list(values: Vec<ScalarValue>, kind: &DataType) -> ScalarValue {
    ScalarValue::List(ScalarValue::new_list_nullable(&values, kind))
}

fn text(text: &str) -> ScalarValue {
    ScalarValue::Utf8(Some(text.to_owned()))
}

/// Short lists first: the more arguments, the fewer of these are tried.
fn extremes() -> Vec<ScalarValue> {
    let int = |value| ScalarValue::Int64(Some(value));
    vec![
        int(i64::MIN),
        text("a,b (č) %Y"),
        int(i64::MAX),
        ScalarValue::Utf8(None),
        text(""),
        list(vec![int(i64::MIN), int(1)], &DataType::Int64),
        int(70_000),
        text(&"xy, ".repeat(100)),
        int(-1),
        text("%c %+ %A"),
        ScalarValue::Float64(Some(f64::NEG_INFINITY)),
        text("2024-02-29 12:34:56"),
        int(0),
        list(
            vec![text("xyz"), text(&"long".repeat(100))],
            &DataType::Utf8,
        ),
        text("day"),
        text("hex"),
        text("$0\\0\\1"),
        text("(.*?)"),
        int(1),
        int(3),
        ScalarValue::Null,
        ScalarValue::Boolean(Some(true)),
        ScalarValue::UInt64(Some(u64::MAX)),
        ScalarValue::Float64(Some(f64::NAN)),
        ScalarValue::Float64(Some(1e300)),
        ScalarValue::Decimal128(Some(10_i128.pow(38) - 1), 38, 0),
        ScalarValue::Date32(Some(i32::MIN)),
        ScalarValue::Date32(Some(i32::MAX)),
        ScalarValue::TimestampNanosecond(Some(i64::MIN), None),
        ScalarValue::TimestampNanosecond(Some(i64::MAX), None),
        ScalarValue::TimestampSecond(Some(i64::MAX), None),
        ScalarValue::TimestampMicrosecond(Some(i64::MIN), None),
        ScalarValue::Time64Nanosecond(Some(i64::MAX)),
        ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::MIN)),
        ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(0, 1, 0))),
        ScalarValue::Binary(Some(vec![0, 255, 128])),
        list(Vec::new(), &DataType::Int64),
    ]
}

/// The call with arguments coerced as the planner would, if it takes them.
fn call(function: &ScalarUDF, values: &[&ScalarValue], rows: usize) -> Option<ScalarFunctionArgs> {
    let fields: Vec<FieldRef> = values
        .iter()
        .map(|value| Arc::new(Field::new("a", value.data_type(), true)))
        .collect();
    let coerced = fields_with_udf(&fields, function).ok()?;
    let cast: Vec<ScalarValue> = values
        .iter()
        .zip(&coerced)
        .map(|(value, field)| value.cast_to(field.data_type()).ok())
        .collect::<Option<_>>()?;
    let scalars: Vec<Option<&ScalarValue>> = cast.iter().map(Some).collect();
    let return_field = function
        .return_field_from_args(ReturnFieldArgs {
            arg_fields: &coerced,
            scalar_arguments: &scalars,
        })
        .ok()?;
    let args = cast
        .into_iter()
        .enumerate()
        .map(|(index, value)| {
            // With several rows, the first argument comes from a column.
            if rows > 1 && index == 0 {
                ColumnarValue::Array(value.to_array_of_size(rows).unwrap())
            } else {
                ColumnarValue::Scalar(value)
            }
        })
        .collect();
    Some(ScalarFunctionArgs {
        args,
        arg_fields: coerced,
        number_rows: rows,
        return_field,
        config_options: Arc::new(ConfigOptions::default()),
    })
}

/// Every sequence of up to `places` of the values.
fn sequences(values: &[ScalarValue], places: usize) -> Vec<Vec<&ScalarValue>> {
    (0..places).fold(vec![Vec::new()], |sequences, _| {
        sequences
            .iter()
            .flat_map(|sequence| {
                values.iter().map(|value| {
                    let mut longer = sequence.clone();
                    longer.push(value);
                    longer
                })
            })
            .collect()
    })
}

#[test]
fn no_function_panics_or_makes_more_than_was_measured() {
    let values = extremes();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let (mut wrong, mut caught, mut calls) = (Vec::new(), std::collections::BTreeSet::new(), 0);
    let guard = guard();
    for raw in registered() {
        let growth = growth::of(raw.name()).unwrap();
        // It would wait as long as it is told.
        if matches!(growth, Growth::Waits) {
            continue;
        }
        let function = guard_functions([Arc::clone(&raw)], &guard).remove(0);
        let tried = [
            sequences(&values, 1),
            sequences(&values, 2),
            sequences(&values[..12], 3),
            sequences(&values[..5], 4),
        ];
        for arguments in tried.iter().flatten() {
            for rows in [1, 3] {
                let run = catch_unwind(AssertUnwindSafe(|| {
                    let call = call(&function, arguments, rows)?;
                    Some((function.invoke_with_args(call.clone()), call))
                }));
                let shown = || {
                    let mut text = format!("{}{arguments:?} in {rows} rows", raw.name());
                    text.truncate(200);
                    text
                };
                let (result, call) = match run {
                    Err(_) => {
                        wrong.push(format!("{} panicked", shown()));
                        continue;
                    }
                    Ok(None) => continue,
                    Ok(Some(run)) => run,
                };
                calls += 1;
                match result {
                    Err(error) => {
                        let error = error.to_string();
                        if error.contains("defect") {
                            caught.insert(raw.name().to_owned());
                        }
                    }
                    Ok(result) => {
                        let measured = wrapped::measured(&raw, growth, &guard, &call);
                        let array = result.into_array(rows).unwrap();
                        let made = sizes::bytes(array.as_ref(), 0, array.len());
                        let fixed = rows as u64 * 128;
                        let most = match growth {
                            Growth::Untouched => fixed + argument_bytes(&call),
                            _ => fixed + measured,
                        };
                        if made > most {
                            wrong.push(format!("{} made {made}, measured {most}", shown()));
                        }
                    }
                }
            }
        }
    }
    std::panic::set_hook(hook);
    assert!(calls > 20_000, "only {calls} calls were made");
    wrong.dedup_by_key(|text| text.split('[').next().unwrap_or_default().to_owned());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let ours: Vec<&String> = caught
        .iter()
        .filter(|name| name.starts_with(crate::functions::PREFIX))
        .collect();
    assert!(ours.is_empty(), "functions of ours panicked: {ours:?}");
}

fn argument_bytes(call: &ScalarFunctionArgs) -> u64 {
    call.args
        .iter()
        .map(|arg| {
            let array = arg.clone().into_array(call.number_rows).unwrap();
            sizes::bytes(array.as_ref(), 0, array.len())
        })
        .sum()
}
