//! GROUP_CONCAT by way of an array: DataFusion's STRING_AGG cannot sort by what it does not join,
//! nor leave out NULLs of several parts. JSON_ARRAYAGG and JSON_OBJECTAGG go the same way.

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, Value,
};

use super::build::{call, function, string};
use super::expressions::text;
use crate::error::Error;

/// `GROUP_CONCAT([DISTINCT] a, b [ORDER BY …] [SEPARATOR 's'])` as an array, NULLs left out, joined.
pub(super) fn group_concat(concat: &mut Function) -> Result<Expr, Error> {
    let FunctionArguments::List(list) = &mut concat.args else {
        return Err(Error::invalid("GROUP_CONCAT() takes an expression"));
    };
    let mut separator = ",".to_owned();
    let mut clauses = Vec::new();
    for clause in list.clauses.drain(..) {
        match clause {
            FunctionArgumentClause::Separator(value) => match value.value {
                Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => {
                    separator = text
                }
                _ => return Err(Error::invalid("SEPARATOR takes a string")),
            },
            order @ FunctionArgumentClause::OrderBy(_) => clauses.push(order),
            _ => {
                return Err(Error::unsupported(
                    "this clause of GROUP_CONCAT() is not supported",
                ));
            }
        }
    }
    let distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
    let mut parts = Vec::new();
    for arg in list.args.drain(..) {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => parts.push(expr),
            _ => return Err(Error::invalid("GROUP_CONCAT() takes expressions")),
        }
    }
    let several = parts.len() > 1;
    let mut parts: Vec<Expr> = parts
        .into_iter()
        .map(|part| {
            if several || !distinct {
                text(part)
            } else {
                part
            }
        })
        .collect();
    let value = match (several, parts.pop()) {
        (false, Some(only)) => only,
        (true, Some(last)) => {
            parts.push(last);
            call("mysql_concat", parts)
        }
        (_, None) => return Err(Error::invalid("GROUP_CONCAT() takes an expression")),
    };
    let mut collected = function("array_agg", vec![value.clone()]);
    if let FunctionArguments::List(new) = &mut collected.args {
        new.duplicate_treatment = distinct.then_some(DuplicateTreatment::Distinct);
        new.clauses = clauses;
    }
    collected.filter = Some(Box::new(Expr::IsNotNull(Box::new(value))));
    Ok(call(
        "array_to_string",
        vec![Expr::Function(collected), string(separator)],
    ))
}

/// `JSON_ARRAYAGG(value)` and `JSON_OBJECTAGG(key, value)`: each value as JSON, joined, and read as the document that this is.
pub(super) fn json_aggregate(name: &str, aggregate: &mut Function) -> Result<Expr, Error> {
    let (part, wanted, open, close) = match name {
        "json_arrayagg" => ("mysql_json_element", 1, "[", "]"),
        _ => ("mysql_json_member", 2, "{", "}"),
    };
    let shown = name.to_uppercase();
    let FunctionArguments::List(list) = &mut aggregate.args else {
        return Err(Error::invalid(format!("{shown}() takes an expression")));
    };
    if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return Err(Error::unsupported(format!(
            "DISTINCT and clauses in {shown}() are not supported"
        )));
    }
    let mut args = Vec::new();
    for arg in list.args.drain(..) {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => args.push(expr),
            _ => return Err(Error::invalid(format!("{shown}() takes expressions"))),
        }
    }
    if args.len() != wanted {
        return Err(Error::invalid(format!(
            "{shown}() takes {wanted} expressions, not {}",
            args.len()
        )));
    }
    let parts = call("array_agg", vec![call(part, args)]);
    let joined = call("array_to_string", vec![parts, string(", ")]);
    let document = call("mysql_concat", vec![string(open), joined, string(close)]);
    Ok(call("mysql_json_extract", vec![document, string("$")]))
}
