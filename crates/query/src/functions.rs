//! Scalar functions with MySQL's meaning that DataFusion lacks or gives another one.
//! The rewriter in `mysql` and the rules in `meaning` put them into the query; users may not write their names.

mod arithmetic;
mod bits;
mod calendar;
mod choice;
mod convert;
mod date_add;
mod date_format;
mod dates;
mod digits;
mod encode;
mod extremes;
mod json;
mod lists;
mod math;
mod regex;
mod round;
mod rounding;
mod rowwise;
mod spans;
mod str_to_date;
mod strings;
mod text;
mod truth;
mod waiting;

use std::any::type_name_of_val;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

pub(crate) use arithmetic::{DIVISION_DIGITS, RoundTo, SCALE_MAX, exact_argument, is_division};
pub(crate) use convert::{number_of_bytes, time_of_text};
pub(crate) use extremes::extreme;
pub(crate) use str_to_date::parts_of;
pub(crate) use waiting::SLEEP;

/// Prefix of every name here.
pub(crate) const PREFIX: &str = "mysql_";

/// All functions of this module.
pub(crate) fn all() -> Vec<Arc<ScalarUDF>> {
    ALL.values().map(Arc::clone).collect()
}

/// The function of this name.
pub(crate) fn named(name: &str) -> Result<Arc<ScalarUDF>> {
    match ALL.get(name) {
        Some(function) => Ok(Arc::clone(function)),
        None => plan_err!("Invalid function '{name}'"),
    }
}

/// A call of the function of this name.
pub(crate) fn call(name: &str, args: Vec<Expr>) -> Result<Expr> {
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(
        named(name)?,
        args,
    )))
}

/// Whether an expression is a call of the function of this name, also under a guard.
pub(crate) fn is_call(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if call.func.name() == name)
}

static ALL: LazyLock<BTreeMap<&'static str, Arc<ScalarUDF>>> = LazyLock::new(|| {
    fn each<F: ScalarUDFImpl + 'static>(
        functions: impl IntoIterator<Item = F>,
        name: fn(&F) -> &'static str,
    ) -> Vec<(&'static str, Arc<ScalarUDF>)> {
        functions
            .into_iter()
            .map(|function| {
                let name = name(&function);
                (name, Arc::new(ScalarUDF::new_from_impl(function)))
            })
            .collect()
    }
    let ours = arithmetic::functions()
        .into_iter()
        .chain([
            truth::function(),
            date_format::function(),
            watched_function(),
            nullable_function(),
            wide_function(),
            choice::function(),
            choice::only_function(),
            choice::null_if_function(),
            encode::hex_function(),
            lists::field_function(),
            lists::place_function(),
        ])
        .chain(lists::case_functions())
        .chain(date_add::functions())
        .chain(extremes::functions())
        .chain(text::functions())
        .chain(strings::functions())
        .chain(rounding::functions())
        .chain(dates::functions())
        .chain(spans::functions());
    let by_row = bits::functions()
        .into_iter()
        .chain(encode::functions())
        .chain(lists::functions())
        .chain(math::functions())
        .chain(calendar::functions())
        .chain(regex::functions())
        .chain(spans::by_row())
        .chain(str_to_date::functions());
    each(ours, |function| function.name)
        .into_iter()
        .chain(each(by_row, |function| function.name))
        .chain(each(json::functions(), |function| function.name))
        .chain(each(round::functions(), |function| function.name))
        .chain(each(digits::functions(), |function| function.name))
        .chain(each([waiting::Sleep::new()], |_| SLEEP))
        // One of them, for the table of what functions can give.
        .chain(each([RoundTo::new(DataType::Decimal128(38, 0))], |_| {
            RoundTo::NAME
        }))
        .collect()
});

/// A truth value as it is: under a query's guard, the place where a long computation is stopped.
fn watched_function() -> Function {
    Function::new(
        "mysql_watched",
        |t| Ok(t.to_vec()),
        |_| Ok(DataType::Boolean),
        |a, _| Ok(Arc::clone(&a[0])),
    )
}

/// A value as it is, which may be NULL: of a subquery that may have no row. It is not computed while planning, after
/// which a constant could not be NULL.
fn nullable_function() -> Function {
    let function = Function::new(
        "mysql_nullable",
        |t| Ok(t.to_vec()),
        |t| Ok(t[0].clone()),
        |a, _| Ok(Arc::clone(&a[0])),
    );
    Function {
        signature: Signature::user_defined(Volatility::Volatile),
        ..function
    }
}

/// A whole number in the widest type of its kind, any other as it is.
fn wide_function() -> Function {
    Function::new(
        "mysql_wide",
        |t| {
            arguments("ABS", t, 1, 1)?;
            Ok(vec![match plain_type(&t[0]) {
                DataType::Int8 | DataType::Int16 | DataType::Int32 => DataType::Int64,
                DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => DataType::UInt64,
                other => other.clone(),
            }])
        },
        |t| Ok(t[0].clone()),
        |a, _| Ok(Arc::clone(&a[0])),
    )
}

/// A plainer expression for arguments of these types, if there is one.
type Simplify = fn(&[Expr], &[DataType]) -> Option<Expr>;

/// One function: what it takes, what it gives, how it is computed on whole arrays.
pub(crate) struct Function {
    name: &'static str,
    signature: Signature,
    /// Argument types after coercion; an error names what does not fit.
    coerce: fn(&[DataType]) -> Result<Vec<DataType>>,
    /// Result type for coerced argument types.
    returns: fn(&[DataType]) -> Result<DataType>,
    run: fn(&[ArrayRef], &DataType) -> Result<ArrayRef>,
    /// A plainer expression that means the same for these argument types.
    simplify: Option<Simplify>,
    /// Whether dates and times among the arguments are texts by the time it runs, with the digits of their columns.
    prints: bool,
}

impl Function {
    fn new(
        name: &'static str,
        coerce: fn(&[DataType]) -> Result<Vec<DataType>>,
        returns: fn(&[DataType]) -> Result<DataType>,
        run: fn(&[ArrayRef], &DataType) -> Result<ArrayRef>,
    ) -> Self {
        Self {
            name,
            signature: Signature::user_defined(Volatility::Immutable),
            coerce,
            returns,
            run,
            simplify: None,
            prints: false,
        }
    }

    fn printing(mut self) -> Self {
        self.prints = true;
        self
    }

    fn simplified(mut self, simplify: Simplify) -> Self {
        self.simplify = Some(simplify);
        self
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", type_name_of_val(self), self.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        (self.coerce)(arg_types)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        (self.returns)(arg_types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let arrays = args
            .args
            .into_iter()
            .zip(&args.arg_fields)
            .map(|(arg, field)| {
                let array = arg.into_array(rows)?;
                if self.prints && array.data_type().is_temporal() {
                    return crate::convert::to_text_of(&array, field);
                }
                Ok(array)
            })
            .collect::<Result<Vec<_>>>()?;
        let result = (self.run)(&arrays, args.return_field.data_type())?;
        Ok(if scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let Some(simplify) = self.simplify else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let types = args
            .iter()
            .map(|arg| info.get_data_type(arg))
            .collect::<Result<Vec<_>>>()?;
        Ok(match simplify(&args, &types) {
            Some(expr) => ExprSimplifyResult::Simplified(expr),
            None => ExprSimplifyResult::Original(args),
        })
    }
}

/// A function's name as users write it.
pub(crate) fn user_name(name: &str) -> String {
    name.strip_prefix(PREFIX).unwrap_or(name).to_uppercase()
}

/// How many arguments there must be, said in the user's name of the function.
fn arguments(name: &str, types: &[DataType], least: usize, most: usize) -> Result<()> {
    if (least..=most).contains(&types.len()) {
        return Ok(());
    }
    let wanted = if least == most {
        least.to_string()
    } else if most == usize::MAX {
        format!("{least} or more")
    } else {
        format!("{least} to {most}")
    };
    let noun = if most == 1 { "argument" } else { "arguments" };
    plan_err!("{name} takes {wanted} {noun}, not {}", types.len())
}

/// The type under dictionary and run-end encodings.
fn plain_type(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, value) => plain_type(value),
        DataType::RunEndEncoded(_, value) => plain_type(value.data_type()),
        other => other,
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(
        plain_type(data_type),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}
