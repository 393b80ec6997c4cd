//! MySQL's functions by name: which are another of DataFusion's, which are rewritten,
//! which are literals of the session, which are refused.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, DataType, DateTimeField, DuplicateTreatment, Expr, Function,
    FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Interval, ObjectName, Value,
};

use super::build::{binary, call, case, cast, not, null, number, string, take};
use super::date_calls::{date_part, dated, difference, in_zone};
use super::expressions::{make_condition, text};
use super::group_concat::{group_concat, json_aggregate};
use super::intervals::add_interval;
use super::session::SessionValues;
use crate::error::Error;

/// Functions of MySQL by the name of ours that takes the same arguments, or of DataFusion's that means the same.
const SAME: &[(&str, &str)] = &[
    // Texts.
    ("ascii", "mysql_ascii"),
    ("bin", "mysql_bin"),
    ("bit_count", "mysql_bit_count"),
    ("char", "mysql_char"),
    ("char_length", "character_length"),
    ("conv", "mysql_conv"),
    ("crc32", "mysql_crc32"),
    ("elt", "mysql_elt"),
    ("export_set", "mysql_export_set"),
    ("field", "mysql_field"),
    ("find_in_set", "mysql_find_in_set"),
    ("format", "mysql_format"),
    ("from_base64", "mysql_from_base64"),
    ("hex", "mysql_hex"),
    ("insert", "mysql_insert"),
    ("lcase", "mysql_lower"),
    ("left", "mysql_left"),
    ("length", "mysql_length"),
    ("lower", "mysql_lower"),
    ("lpad", "mysql_lpad"),
    ("make_set", "mysql_make_set"),
    ("md5", "mysql_md5"),
    ("oct", "mysql_oct"),
    ("octet_length", "mysql_length"),
    ("ord", "mysql_ord"),
    ("quote", "mysql_quote"),
    ("regexp_instr", "mysql_regexp_instr"),
    ("regexp_like", "mysql_regexp_like"),
    ("regexp_replace", "mysql_regexp_replace"),
    ("regexp_substr", "mysql_regexp_substr"),
    ("right", "mysql_right"),
    ("rpad", "mysql_rpad"),
    ("rlike", "mysql_regexp_like"),
    ("sha", "mysql_sha1"),
    ("sha1", "mysql_sha1"),
    ("sha2", "mysql_sha2"),
    ("soundex", "mysql_soundex"),
    ("to_base64", "mysql_to_base64"),
    ("ucase", "mysql_upper"),
    ("unhex", "mysql_unhex"),
    ("upper", "mysql_upper"),
    // Values of any type.
    ("any_value", "first_value"),
    ("coalesce", "mysql_coalesce"),
    ("ifnull", "mysql_coalesce"),
    ("nullif", "mysql_nullif"),
    ("nvl", "mysql_coalesce"),
    ("sleep", "mysql_sleep"),
    // Numbers.
    ("interval", "mysql_interval"),
    ("acos", "mysql_acos"),
    ("asin", "mysql_asin"),
    ("ceil", "mysql_ceil"),
    ("ceiling", "mysql_ceil"),
    ("exp", "mysql_exp"),
    ("floor", "mysql_floor"),
    ("ln", "mysql_ln"),
    ("log10", "mysql_log10"),
    ("log2", "mysql_log2"),
    ("mod", "mysql_modulo"),
    ("pow", "mysql_pow"),
    ("power", "mysql_pow"),
    ("round", "mysql_round"),
    ("sign", "mysql_sign"),
    ("sqrt", "mysql_sqrt"),
    ("truncate", "mysql_truncate"),
    // Aggregates.
    ("std", "stddev_pop"),
    ("stddev", "stddev_pop"),
    ("variance", "var_pop"),
    // Dates and times.
    ("convert_tz", "mysql_convert_tz"),
    ("date_format", "mysql_date_format"),
    ("from_days", "mysql_from_days"),
    ("from_unixtime", "mysql_from_unixtime"),
    ("hour", "mysql_hour"),
    ("last_day", "mysql_last_day"),
    ("makedate", "mysql_makedate"),
    ("maketime", "mysql_maketime"),
    ("microsecond", "mysql_microsecond"),
    ("minute", "mysql_minute"),
    ("period_add", "mysql_period_add"),
    ("period_diff", "mysql_period_diff"),
    ("sec_to_time", "mysql_sec_to_time"),
    ("second", "mysql_second"),
    ("time", "mysql_time"),
    ("time_format", "mysql_time_format"),
    ("time_to_sec", "mysql_time_to_sec"),
    ("timediff", "mysql_timediff"),
    ("to_days", "mysql_to_days"),
    ("to_seconds", "mysql_to_seconds"),
    ("week", "mysql_week"),
    ("yearweek", "mysql_yearweek"),
    // JSON.
    ("json_array", "mysql_json_array"),
    ("json_array_append", "mysql_json_array_append"),
    ("json_contains", "mysql_json_contains"),
    ("json_contains_path", "mysql_json_contains_path"),
    ("json_depth", "mysql_json_depth"),
    ("json_extract", "mysql_json_extract"),
    ("json_insert", "mysql_json_insert"),
    ("json_keys", "mysql_json_keys"),
    ("json_length", "mysql_json_length"),
    ("json_merge", "mysql_json_merge_preserve"),
    ("json_merge_patch", "mysql_json_merge_patch"),
    ("json_merge_preserve", "mysql_json_merge_preserve"),
    ("json_object", "mysql_json_object"),
    ("json_overlaps", "mysql_json_overlaps"),
    ("json_quote", "mysql_json_quote"),
    ("json_remove", "mysql_json_remove"),
    ("json_replace", "mysql_json_replace"),
    ("json_set", "mysql_json_set"),
    ("json_type", "mysql_json_type"),
    ("json_unquote", "mysql_json_unquote"),
    ("json_valid", "mysql_json_valid"),
    ("json_value", "mysql_json_value"),
];

/// Functions of MySQL that would mean something else, or nothing, here.
const REFUSED: [&str; 10] = [
    "benchmark",
    "found_rows",
    "get_format",
    "get_lock",
    "inet_aton",
    "inet_ntoa",
    "json_search",
    "load_file",
    "release_lock",
    "row_count",
];

/// Functions of DataFusion whose arguments are text whatever they are given.
const ON_TEXT: [&str; 6] = [
    "character_length",
    "reverse",
    "repeat",
    "ltrim",
    "rtrim",
    "replace",
];

/// Functions of DataFusion whose arguments are numbers whatever they are given.
const ON_NUMBER: [&str; 9] = [
    "abs", "atan", "atan2", "cos", "cot", "degrees", "radians", "sin", "tan",
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
    if name == "save_file" {
        return Err(Error::unsupported(
            "save_file() is not there, as a query only reads: SELECT … INTO OUTFILE writes its result to a file of a stage, and PUT sends one",
        ));
    }
    if REFUSED.contains(&name.as_str()) {
        return Err(Error::unsupported(format!(
            "the function {}() is not supported",
            name.to_uppercase()
        )));
    }
    if name == "last_insert_id" && plain_arg_count(function) > 0 {
        return Err(Error::unsupported(
            "LAST_INSERT_ID() with an argument is not supported: it would change what the session's last number is",
        ));
    }
    if function.over.is_some() {
        super::windows::rewrite(&name, expr)?;
    }
    let Expr::Function(function) = expr else {
        return Ok(());
    };
    if function.over.is_none() && function.filter.is_none() {
        if name == "group_concat" {
            *expr = group_concat(function)?;
            return Ok(());
        }
        if matches!(name.as_str(), "json_arrayagg" | "json_objectagg") {
            *expr = json_aggregate(&name, function)?;
            return Ok(());
        }
        if let Some(mut args) = plain_args(function)
            && let Some(result) = scalar(&name, &mut args, values)?
        {
            *expr = result;
            return Ok(());
        }
    } else if matches!(
        name.as_str(),
        "group_concat" | "json_arrayagg" | "json_objectagg"
    ) {
        return Err(Error::unsupported(format!(
            "{}() with OVER or FILTER is not supported",
            name.to_uppercase()
        )));
    }
    // Truth values, texts and dates count as numbers there, too.
    if matches!(name.as_str(), "sum" | "avg") || ON_NUMBER.contains(&name.as_str()) {
        each_arg(function, |arg| *arg = call("mysql_number", vec![take(arg)]));
    }
    // The absolute value of the least number of a type needs a wider one.
    if name == "abs" {
        each_arg(function, |arg| *arg = call("mysql_wide", vec![take(arg)]));
    }
    if name == "count" && plain_arg_count(function) > 1 {
        count_of_rows(function)?;
    }
    let renamed = SAME
        .iter()
        .find(|(mysql, _)| *mysql == name)
        .map_or(name.as_str(), |(_, ours)| *ours);
    if ON_TEXT.contains(&renamed) {
        let mut first = true;
        each_arg(function, |arg| {
            let is_count = renamed == "repeat" && !first;
            *arg = match is_count {
                true => call("mysql_signed", vec![take(arg)]),
                false => text(take(arg)),
            };
            first = false;
        });
    }
    if matches!(renamed, "mysql_lpad" | "mysql_rpad") {
        let mut index = 0;
        each_arg(function, |arg| {
            if index == 1 {
                *arg = call("mysql_signed", vec![take(arg)]);
            }
            index += 1;
        });
    }
    if let Some(none) = bits_of_none(renamed) {
        let zero = || vec![number(0), number(0)];
        each_arg(function, |arg| {
            *arg = call("mysql_bit_or", vec![take(arg), number(0)]);
        });
        function.name = ObjectName::from(vec![Ident::new(renamed)]);
        let bits = Expr::Function(function.clone());
        let none = if none {
            call("mysql_bit_not", vec![number(0)])
        } else {
            call("mysql_bit_or", zero())
        };
        *expr = call("mysql_coalesce", vec![bits, none]);
        return Ok(());
    }
    function.name = ObjectName::from(vec![Ident::new(renamed)]);
    Ok(())
}

/// Whether the bits of an aggregate of no values are all set; none for what is no such aggregate
/// (MySQL 8.4 manual, "Aggregate Function Descriptions").
fn bits_of_none(name: &str) -> Option<bool> {
    match name {
        "bit_and" => Some(true),
        "bit_or" | "bit_xor" => Some(false),
        _ => None,
    }
}

/// `COUNT(DISTINCT a, b)` counts rows of which no part is NULL.
fn count_of_rows(function: &mut Function) -> Result<(), Error> {
    let FunctionArguments::List(list) = &mut function.args else {
        return Ok(());
    };
    let mut parts = Vec::new();
    for arg in list.args.drain(..) {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => parts.push(expr),
            _ => return Err(Error::invalid("COUNT(DISTINCT …) takes expressions")),
        }
    }
    if list.duplicate_treatment != Some(DuplicateTreatment::Distinct) {
        return Err(Error::invalid(
            "COUNT() takes one expression, or several with DISTINCT",
        ));
    }
    let whole = parts
        .iter()
        .map(|part| Expr::IsNotNull(Box::new(part.clone())))
        .reduce(|left, right| binary(left, BinaryOperator::And, right))
        .unwrap_or_else(null);
    let row = case(whole, call("struct", parts), None);
    list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(row))];
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
        ("space", [count]) => call(
            "repeat",
            vec![string(" "), call("mysql_signed", vec![take(count)])],
        ),
        ("strcmp", [left, right]) => compare(left, right),
        ("log", [value]) => call("mysql_ln", vec![take(value)]),
        ("log", [base, value]) => call("mysql_log", vec![take(base), take(value)]),
        ("rand", []) => call("random", Vec::new()),
        ("rand", _) => return Err(Error::unsupported("RAND() with a seed is not supported")),
        ("greatest" | "least", args) if args.len() > 1 => null_if_any_null(name, args),
        ("date_add" | "adddate", [value, interval]) => dated(name, value, interval, false)?,
        ("date_sub" | "subdate", [value, interval]) => dated(name, value, interval, true)?,
        ("year" | "month" | "quarter", [value]) => date_part(name, take(value)),
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
        ("weekofyear", [value]) => call("mysql_week", vec![take(value), number(3)]),
        ("str_to_date", [value, format]) => str_to_date(take(value), take(format)),
        ("addtime" | "subtime", [value, span]) => {
            // Of other values their types decide.
            let value = match is_clock(value) {
                true => call("mysql_time", vec![take(value)]),
                false => take(value),
            };
            call(
                &format!("{}{name}", crate::functions::PREFIX),
                vec![value, take(span)],
            )
        }
        ("datediff", [to, from]) => call("mysql_days_between", vec![take(from), take(to)]),
        ("monthname", [value]) => call("mysql_date_format", vec![take(value), string("%M")]),
        ("dayname", [value]) => call("mysql_date_format", vec![take(value), string("%W")]),
        ("date", [value]) => cast(call("mysql_datetime", vec![take(value)]), DataType::Date),
        ("timestamp", [value]) => call("mysql_timestamp", vec![take(value)]),
        ("timestamp", [value, span]) => call(
            "mysql_addtime",
            vec![call("mysql_timestamp", vec![take(value)]), take(span)],
        ),
        ("atan", [y, x]) => call(
            "atan2",
            vec![
                call("mysql_number", vec![take(y)]),
                call("mysql_number", vec![take(x)]),
            ],
        ),
        ("unix_timestamp", []) => values.unix_seconds(),
        ("unix_timestamp", [value]) => {
            let digits = fraction_digits(value);
            call(
                "mysql_unix_timestamp",
                vec![
                    take(value),
                    number(values.zone_offset_seconds),
                    number(digits),
                ],
            )
        }
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

/// The digits of a second of a date and time that is written; -1 for those of any other value.
fn fraction_digits(value: &Expr) -> i64 {
    let text = match value {
        Expr::Value(written) => match &written.value {
            Value::SingleQuotedString(text)
            | Value::DoubleQuotedString(text)
            | Value::Number(text, _) => text,
            _ => return -1,
        },
        _ => return -1,
    };
    match text.split_once('.') {
        Some((_, fraction)) => fraction
            .bytes()
            .take_while(u8::is_ascii_digit)
            .take(6)
            .count() as i64,
        None => 0,
    }
}

/// STR_TO_DATE gives a date, a time or both, as its format has codes of them.
fn str_to_date(value: Expr, format: Expr) -> Expr {
    let parts = match &format {
        Expr::Value(written) => match &written.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => {
                crate::functions::parts_of(text)
            }
            _ => (true, true),
        },
        _ => (true, true),
    };
    let name = match parts {
        (true, false) => "mysql_str_to_date",
        (false, true) => "mysql_str_to_time",
        (true, true) | (false, false) => "mysql_str_to_datetime",
    };
    call(name, vec![value, format])
}

/// Whether ADDTIME's first argument is a text that is a time without a date.
fn is_clock(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => {
                crate::temporal::parse_datetime(text).is_none()
            }
            _ => false,
        },
        _ => false,
    }
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
        call(
            &format!("{}{name}", crate::functions::PREFIX),
            args.iter_mut().map(take).collect(),
        ),
        None,
    )
}
