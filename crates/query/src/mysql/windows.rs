//! Window functions (MySQL 8.4 manual, "Window Function Descriptions"): what LAG, LEAD, NTH_VALUE and NTILE count with,
//! and the default of LAG and LEAD.

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
    NullTreatment, Value,
};

use super::build::{case, number, take};
use crate::error::Error;

/// Checks a call with OVER and gives what it is here.
///
/// # Errors
/// Invalid for a count that is none.
pub(super) fn rewrite(name: &str, expr: &mut Expr) -> Result<(), Error> {
    let Expr::Function(function) = expr else {
        return Ok(());
    };
    let (at, least) = match name {
        "lag" | "lead" => (1, 0),
        "nth_value" => (1, 1),
        "ntile" => (0, 1),
        _ => return Ok(()),
    };
    let ignores = |function: &Function| {
        let within = match &function.args {
            FunctionArguments::List(list) => list.clauses.as_slice(),
            FunctionArguments::None | FunctionArguments::Subquery(_) => &[],
        };
        matches!(function.null_treatment, Some(NullTreatment::IgnoreNulls))
            || within.iter().any(|clause| {
                matches!(
                    clause,
                    FunctionArgumentClause::IgnoreOrRespectNulls(NullTreatment::IgnoreNulls)
                )
            })
    };
    let ignores = ignores(function);
    let FunctionArguments::List(list) = &mut function.args else {
        return Ok(());
    };
    if let Some(count) = list.args.get(at)
        && !is_count(count, least)
    {
        return Err(Error::invalid(format!(
            "Incorrect arguments to {name}: a whole number from {least} is wanted, not {count}"
        )));
    }
    // With IGNORE NULLS, which MySQL has not, a row that is not there is another one.
    if !matches!(name, "lag" | "lead") || list.args.len() != 3 || ignores {
        return Ok(());
    }
    let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(default))) = list.args.pop() else {
        return Ok(());
    };
    // The default may be of any row and type: it stands where there is no such row.
    let mut there = function.clone();
    if let FunctionArguments::List(list) = &mut there.args
        && let Some(first) = list.args.first_mut()
    {
        *first = FunctionArg::Unnamed(FunctionArgExpr::Expr(number(1)));
    }
    let absent = Expr::IsNull(Box::new(Expr::Function(there)));
    *expr = case(absent, default, Some(take(expr)));
    Ok(())
}

fn is_count(arg: &FunctionArg, least: u64) -> bool {
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) = arg else {
        return false;
    };
    match &value.value {
        Value::Number(text, _) => text
            .to_string()
            .parse()
            .is_ok_and(|number: u64| number >= least && i64::try_from(number).is_ok()),
        _ => false,
    }
}
