//! MySQL's functions by name: which are another of DataFusion's, which are rewritten,
//! which are literals of the session, which are refused.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, DataType, DateTimeField, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, Ident, Interval, ObjectName, Value,
};

use super::build::{binary, call, case, cast, not, null, number, string, take};
use super::date_calls::{date_part, dated, difference, in_zone};
use super::expressions::{add_interval, make_condition, text};
use super::group_concat::group_concat;
use super::session::SessionValues;
use crate::error::Error;

/// Another name for the same.
const SAME: [(&str, &str); 23] = [
    ("lcase", "lower"),
    ("ucase", "upper"),
    ("char_length", "character_length"),
    ("ifnull", "coalesce"),
    ("nvl", "coalesce"),
    ("ceiling", "mysql_ceil"),
    ("pow", "power"),
    ("sign", "signum"),
    ("truncate", "trunc"),
    ("std", "stddev_pop"),
    ("stddev", "stddev_pop"),
    ("variance", "var_pop"),
    ("any_value", "first_value"),
    ("ord", "ascii"),
    ("octet_length", "octet_length"),
    ("sha", "sha1"),
    ("rlike", "regexp_like"),
    ("mod", "mysql_modulo"),
    ("from_unixtime", "mysql_from_unixtime"),
    ("last_day", "mysql_last_day"),
    ("date_format", "mysql_date_format"),
    ("ceil", "mysql_ceil"),
    ("floor", "mysql_floor"),
];

/// Functions of MySQL that would mean something else, or nothing, here.
const REFUSED: [&str; 30] = [
    "str_to_date",
    "week",
    "weekofyear",
    "yearweek",
    "found_rows",
    "row_count",
    "last_insert_id",
    "get_lock",
    "release_lock",
    "sleep",
    "benchmark",
    "load_file",
    "format",
    "make_set",
    "export_set",
    "elt",
    "field",
    "conv",
    "inet_aton",
    "inet_ntoa",
    "json_extract",
    "json_object",
    "json_array",
    "soundex",
    "timediff",
    "addtime",
    "subtime",
    "period_add",
    "period_diff",
    "convert_tz",
];

/// Functions whose arguments are text whatever they are given.
const ON_TEXT: [&str; 15] = [
    "lower",
    "upper",
    "character_length",
    "character_length",
    "reverse",
    "repeat",
    "lpad",
    "rpad",
    "ltrim",
    "rtrim",
    "replace",
    "left",
    "right",
    "ascii",
    "md5",
];

/// Rewrites a call whose arguments are rewritten already.
pub(super) fn rewrite(expr: &mut Expr, values: &SessionValues) -> Result<(), Error> {
    let Expr::Function(function) = expr else {
        return Ok(());
    };
    if function.name.0.len() > 1 {
        return Err(Error::unsupported(format!(
            "no such function {}(): functions have no database",
            function.name
        )));
    }
    let name = function.name.to_string().replace('`', "").to_lowercase();
    if name.starts_with(crate::functions::PREFIX) {
        // Only functions that this rewrite put there have been visited with this prefix, and it does not visit them again.
        return Err(Error::new(
            crate::error::ErrorKind::NotFound,
            format!("no such function {name}()"),
        ));
    }
    if REFUSED.contains(&name.as_str()) {
        return Err(Error::unsupported(format!(
            "the function {}() is not supported",
            name.to_uppercase()
        )));
    }
    if function.over.is_none() && function.filter.is_none() {
        if name == "group_concat" {
            *expr = group_concat(function)?;
            return Ok(());
        }
        if let Some(mut args) = plain_args(function)
            && let Some(result) = scalar(&name, &mut args, values)?
        {
            *expr = result;
            return Ok(());
        }
    } else if name == "group_concat" {
        return Err(Error::unsupported(
            "GROUP_CONCAT() with OVER or FILTER is not supported",
        ));
    }
    if matches!(name.as_str(), "sum" | "avg") {
        each_arg(function, |arg| *arg = call("mysql_exact", vec![take(arg)]));
    }
    if name == "count" && plain_arg_count(function) > 1 {
        return Err(Error::unsupported(
            "COUNT(DISTINCT a, b) is not supported: count the rows of a SELECT DISTINCT",
        ));
    }
    let renamed = SAME
        .iter()
        .find(|(mysql, _)| *mysql == name)
        .map_or(name.as_str(), |(_, ours)| *ours);
    if ON_TEXT.contains(&renamed) {
        let first_only = matches!(renamed, "left" | "right" | "repeat" | "lpad" | "rpad");
        let mut index = 0;
        each_arg(function, |arg| {
            if !first_only || index == 0 {
                *arg = text(take(arg));
            }
            index += 1;
        });
    }
    function.name = ObjectName::from(vec![Ident::new(renamed)]);
    Ok(())
}

fn each_arg(function: &mut Function, mut change: impl FnMut(&mut Expr)) {
    if let FunctionArguments::List(list) = &mut function.args {
        for arg in &mut list.args {
            if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg {
                change(expr);
            }
        }
    }
}

fn plain_arg_count(function: &Function) -> usize {
    match &function.args {
        FunctionArguments::List(list) => list.args.len(),
        _ => 0,
    }
}

/// Copies of the arguments of an ordinary call: no DISTINCT, no `*`, no clauses.
fn plain_args(function: &Function) -> Option<Vec<Expr>> {
    match &function.args {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::List(list)
            if list.duplicate_treatment.is_none() && list.clauses.is_empty() =>
        {
            list.args
                .iter()
                .map(|arg| match arg {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
                    _ => None,
                })
                .collect()
        }
        _ => None,
    }
}

fn scalar(name: &str, args: &mut [Expr], values: &SessionValues) -> Result<Option<Expr>, Error> {
    let digits = match args {
        [Expr::Value(value)] => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    };
    if (args.is_empty() || digits.is_some())
        && let Some(value) = values.function(name, digits)
    {
        return Ok(Some(value));
    }
    Ok(Some(match (name, args) {
        ("if", [condition, yes, no]) => {
            make_condition(condition);
            case(take(condition), take(yes), Some(take(no)))
        }
        ("isnull", [value]) => Expr::Nested(Box::new(Expr::IsNull(Box::new(take(value))))),
        ("concat", args) if !args.is_empty() => call(
            "mysql_concat",
            args.iter_mut().map(|arg| text(take(arg))).collect(),
        ),
        ("concat_ws", args) => call(
            "concat_ws",
            args.iter_mut().map(|arg| text(take(arg))).collect(),
        ),
        ("length" | "octet_length", [value]) => call("octet_length", vec![text(take(value))]),
        ("substring" | "substr" | "mid", [value, rest @ ..]) => call(
            "mysql_substring",
            std::iter::once(text(take(value)))
                .chain(rest.iter_mut().map(take))
                .collect(),
        ),
        ("locate", [needle, hay, rest @ ..]) => {
            let start = rest.iter_mut().map(take);
            call(
                "mysql_locate",
                [text(take(needle)), text(take(hay))]
                    .into_iter()
                    .chain(start)
                    .collect(),
            )
        }
        ("instr", [hay, needle]) => call("mysql_locate", vec![text(take(needle)), text(take(hay))]),
        ("space", [count]) => call("repeat", vec![string(" "), take(count)]),
        ("strcmp", [left, right]) => compare(left, right),
        ("log", [value]) => call("ln", vec![take(value)]),
        ("rand", []) => call("random", Vec::new()),
        ("rand", _) => return Err(Error::unsupported("RAND() with a seed is not supported")),
        ("greatest" | "least", args) if args.len() > 1 => null_if_any_null(name, args),
        ("sha2", [value, Expr::Value(bits)]) => match &bits.value {
            Value::Number(bits, _)
                if matches!(bits.as_str(), "0" | "224" | "256" | "384" | "512") =>
            {
                let bits = if bits == "0" { "256" } else { bits };
                call(
                    "encode",
                    vec![
                        call(&format!("sha{bits}"), vec![text(take(value))]),
                        string("hex"),
                    ],
                )
            }
            _ => return Err(Error::invalid("SHA2() takes 224, 256, 384 or 512 bits")),
        },
        ("regexp_replace", [value, pattern, new]) => call(
            "regexp_replace",
            vec![take(value), take(pattern), take(new), string("g")],
        ),
        ("date_add" | "adddate", [value, interval]) => dated(name, value, interval, false)?,
        ("date_sub" | "subdate", [value, interval]) => dated(name, value, interval, true)?,
        ("year" | "month" | "hour" | "minute" | "second" | "quarter", [value]) => {
            date_part(name, take(value))
        }
        ("day" | "dayofmonth", [value]) => date_part("day", take(value)),
        ("dayofyear", [value]) => date_part("doy", take(value)),
        ("dayofweek", [value]) => binary(
            date_part("dow", take(value)),
            BinaryOperator::Plus,
            number(1),
        ),
        ("weekday", [value]) => binary(
            binary(
                date_part("dow", take(value)),
                BinaryOperator::Plus,
                number(6),
            ),
            BinaryOperator::Modulo,
            number(7),
        ),
        ("microsecond", [value]) => binary(
            date_part("microsecond", take(value)),
            BinaryOperator::Modulo,
            number(1_000_000),
        ),
        ("datediff", [to, from]) => call("mysql_days_between", vec![take(from), take(to)]),
        ("monthname", [value]) => call("mysql_date_format", vec![take(value), string("%M")]),
        ("dayname", [value]) => call("mysql_date_format", vec![take(value), string("%W")]),
        ("date", [value]) => cast(call("mysql_datetime", vec![take(value)]), DataType::Date),
        ("timestamp", [value]) => call("mysql_datetime", vec![take(value)]),
        ("unix_timestamp", []) => values.unix_seconds(),
        ("unix_timestamp", [value]) => binary(
            call("mysql_unix_timestamp", vec![take(value)]),
            BinaryOperator::Minus,
            number(values.zone_offset_seconds),
        ),
        ("from_unixtime", [seconds]) => in_zone(take(seconds), values),
        ("from_unixtime", [seconds, format]) => call(
            "mysql_date_format",
            vec![in_zone(take(seconds), values), take(format)],
        ),
        ("timestampdiff", [Expr::Identifier(unit), from, to]) => {
            difference(&unit.value, take(from), take(to))?
        }
        ("timestampadd", [Expr::Identifier(unit), count, value]) => {
            let interval = Interval {
                value: Box::new(take(count)),
                leading_field: Some(DateTimeField::Custom(unit.clone())),
                leading_precision: None,
                last_field: None,
                fractional_seconds_precision: None,
            };
            add_interval(take(value), interval, false)?
        }
        _ => return Ok(None),
    }))
}

fn compare(left: &mut Expr, right: &mut Expr) -> Expr {
    let (left, right) = (text(take(left)), text(take(right)));
    let when = |op, result| CaseWhen {
        condition: binary(left.clone(), op, right.clone()),
        result: number(result),
    };
    let mut result = case(null(), null(), None);
    if let Expr::Case { conditions, .. } = &mut result {
        *conditions = vec![
            when(BinaryOperator::Lt, -1),
            when(BinaryOperator::Eq, 0),
            when(BinaryOperator::Gt, 1),
        ];
    }
    result
}

/// DataFusion's GREATEST and LEAST pass over NULLs, MySQL's answer NULL.
fn null_if_any_null(name: &str, args: &mut [Expr]) -> Expr {
    let any_null = args
        .iter()
        .map(|arg| Expr::IsNull(Box::new(arg.clone())))
        .reduce(|left, right| binary(left, BinaryOperator::Or, right))
        .unwrap_or_else(null);
    case(
        not(any_null),
        call(name, args.iter_mut().map(take).collect()),
        None,
    )
}
