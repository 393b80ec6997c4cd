//! The table of every function that a query may call: how long its results can be.
//! A function that is not in it is not offered; a test holds it against DataFusion's registry.

use super::row::{Integer, Row};

/// How the size of a function's result follows from its arguments.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Growth {
    /// Left as DataFusion has it: no text arguments to copy, or rewritten before it runs,
    /// or known to DataFusion by its Rust type. Its result is of a fixed size or shares its arguments' memory.
    Untouched,
    /// A result of a fixed size.
    Fixed,
    /// At most this many times what the arguments take.
    Arguments(u64),
    /// At most this many bytes in a row.
    AtMost(fn(&Row<'_>) -> u64),
    /// Just these bytes in a row, or what MySQL counts: more than the limit is NULL without computing it.
    Exact(fn(&Row<'_>) -> u64),
    /// A result of a fixed size after this many steps in a row.
    Steps(fn(&Row<'_>) -> u64),
    /// A result of a fixed size after a wait, which the guard does.
    Waits,
}

/// The growth of the function of this name (not an alias), if it is offered.
pub(crate) fn of(name: &str) -> Option<Growth> {
    TABLE
        .iter()
        .find(|(_, names)| names.contains(&name))
        .map(|(growth, _)| *growth)
}

/// Every name of the table.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().flat_map(|(_, names)| names.iter().copied())
}

use Growth::{Arguments, AtMost, Exact, Fixed, Steps, Untouched, Waits};

#[rustfmt::skip]
const TABLE: &[(Growth, &[&str])] = &[
    (Untouched, &[
        // Rewritten to CASE or CAST.
        "coalesce", "nvl", "nvl2", "arrow_cast", "arrow_try_cast", "cast_to_type", "try_cast_to_type",
        // Known to DataFusion by type, or sharing their arguments' memory.
        "get_field", "named_struct", "struct", "nullif", "power", "log", "union_extract", "union_tag",
        "with_metadata", "arrow_field", "arrow_metadata", "arrow_typeof",
        // Without arguments that can be long.
        "now", "current_date", "current_time", "pi", "random", "uuid", "version", "input_file_name", "file_row_index",
        "to_timestamp", "to_timestamp_seconds", "to_timestamp_millis", "to_timestamp_micros", "to_timestamp_nanos",
    ]),
    (Fixed, &[
        // Numbers.
        "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "cos", "cosh", "cot",
        "degrees", "exp", "factorial", "floor", "gcd", "isnan", "iszero", "lcm", "ln", "log10", "log2", "nanvl",
        "radians", "round", "signum", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
        // Dates and times.
        "date_bin", "date_part", "date_trunc", "from_unixtime", "make_date", "make_time", "to_date", "to_local_time",
        "to_time", "to_unixtime",
        // Numbers, truth values and digests of text.
        "ascii", "bit_length", "character_length", "chr", "contains", "digest", "ends_with", "find_in_set", "md5",
        "octet_length", "regexp_count", "regexp_instr", "regexp_like", "sha224", "sha256", "sha384", "sha512",
        "starts_with", "strpos", "to_hex",
        // Numbers and truth values of lists.
        "array_avg", "array_distance", "array_length", "array_ndims", "array_position", "array_product", "array_sum",
        "cardinality", "cosine_distance", "empty", "inner_product",
        // Ours.
        "mysql_add", "mysql_decimal", "mysql_cast_datetime", "mysql_cast_time", "mysql_place",
        "mysql_add_days", "mysql_add_micros", "mysql_add_months", "mysql_add_seconds",
        "mysql_datetime", "mysql_days_between", "mysql_div", "mysql_divide",
        "mysql_from_unixtime", "mysql_last_day", "mysql_locate", "mysql_modulo", "mysql_multiply",
        "mysql_months_between", "mysql_microseconds_between", "mysql_signed", "mysql_subtract",
        "mysql_truth", "mysql_watched", "mysql_unix_timestamp", "mysql_unsigned",
        "mysql_negate", "mysql_number", "mysql_round", "mysql_truncate", "mysql_column",
        "mysql_bit_and", "mysql_bit_or", "mysql_bit_xor", "mysql_bit_not", "mysql_bit_count", "mysql_shift_left",
        "mysql_shift_right", "mysql_bin", "mysql_oct", "mysql_conv", "mysql_crc32",
        "mysql_field", "mysql_find_in_set", "mysql_length", "mysql_ord", "mysql_ascii",
        "mysql_hour", "mysql_minute", "mysql_second", "mysql_microsecond", "mysql_time_to_sec", "mysql_time",
        "mysql_sec_to_time", "mysql_maketime", "mysql_addtime", "mysql_subtime",
        "mysql_timestamp", "mysql_timediff", "mysql_interval_count", "mysql_interval", "mysql_extract_moment", "mysql_extract_clock",
        "mysql_to_days", "mysql_to_seconds", "mysql_from_days", "mysql_makedate", "mysql_week",
        "mysql_yearweek", "mysql_period_add", "mysql_period_diff", "mysql_convert_tz", "mysql_regexp_like",
        "mysql_regexp_instr", "mysql_str_to_date", "mysql_str_to_datetime", "mysql_str_to_time", "mysql_json_length",
        "mysql_json_depth", "mysql_json_valid", "mysql_json_contains", "mysql_json_contains_path", "mysql_json_overlaps", "mysql_sign", "mysql_ln", "mysql_log", "mysql_log2", "mysql_log10", "mysql_sqrt",
        "mysql_acos", "mysql_asin", "mysql_exp", "mysql_pow",
    ]),
    (Waits, &[crate::functions::SLEEP]),
    // Digests as text.
    (AtMost(|_| 160), &["mysql_md5", "mysql_sha1", "mysql_sha2", "mysql_json_type"]),
    (AtMost(|row| texts(row).saturating_mul(2).saturating_add(16)), &[
        "mysql_hex", "mysql_to_base64", "mysql_quote", "mysql_soundex", "mysql_format", "mysql_like_pattern", "mysql_make_set",
    ]),
    (AtMost(|row| texts(row).saturating_mul(3).saturating_add(16)), &["mysql_upper", "mysql_lower"]),
    (AtMost(|row| texts(row).saturating_add(64)), &[
        "mysql_coalesce",
        "mysql_unhex", "mysql_from_base64", "mysql_elt", "mysql_insert", "mysql_left", "mysql_right",
        "mysql_regexp_substr", "mysql_char",
    ]),
    // Blanks behind commas and colons, and doubles in full.
    (AtMost(|row| texts(row).saturating_mul(8).saturating_add(64)), &[
        "mysql_json_extract", "mysql_json_extract_text", "mysql_json_value", "mysql_json_unquote", "mysql_json_quote", "mysql_json_object",
        "mysql_json_array", "mysql_json_keys", "mysql_json_set", "mysql_json_insert", "mysql_json_replace", "mysql_json_remove",
        "mysql_json_array_append", "mysql_json_merge_patch", "mysql_json_merge_preserve", "mysql_json_element", "mysql_json_member",
    ]),
    // A part of the arguments, or all of them.
    (Arguments(1), &[
        "array_any_value", "array_compact", "array_element", "array_max", "array_min", "array_pop_back",
        "array_pop_front", "array_remove", "array_remove_all", "array_remove_n", "array_reverse", "array_slice",
        "btrim", "decode", "flatten", "greatest", "least", "mysql_greatest", "mysql_least", "left", "ltrim", "reverse", "right", "rtrim", "split_part",
        "substr", "substr_index",
        "mysql_ceil", "mysql_floor", "mysql_only", "mysql_wide", "mysql_total", "mysql_nullable", "mysql_plain", "mysql_nullif", "mysql_substring",
    ]),
    // The case of a letter can be three times as long.
    (Arguments(3), &["initcap", "lower", "upper"]),
    // By way of rows to compare, or of offsets to each part.
    (Arguments(4), &[
        "array_distinct", "array_except", "array_intersect", "array_sort", "array_union", "encode", "make_array", "map",
        "map_entries", "map_extract", "map_keys", "map_values", "translate",
    ]),
    // Numbers of a byte become numbers of eight.
    (Arguments(8), &["array_add", "array_normalize", "array_positions", "array_scale", "array_subtract", "array_dims"]),
    // The longest of chrono's fields are some twenty characters for two.
    (Arguments(32), &["to_char", "mysql_date_format", "mysql_time_format", "string_to_array"]),
    // 64 texts, and what is between them.
    (AtMost(|row| texts(row).saturating_mul(64)), &["mysql_export_set"]),
    (Exact(repeat), &["repeat"]),
    (Exact(pad), &["lpad", "rpad", "mysql_lpad", "mysql_rpad"]),
    (Exact(sum), &["array_append", "array_concat", "array_prepend", "concat", "mysql_concat"]),
    (Exact(joined), &["concat_ws"]),
    (Exact(array_repeat), &["array_repeat"]),
    (Exact(array_resize), &["array_resize"]),
    (Exact(series), &["generate_series", "range"]),
    (AtMost(overlaid), &["overlay"]),
    (AtMost(text_of), &["mysql_text"]),
    (AtMost(replaced), &["replace"]),
    (AtMost(regex_replaced), &["regexp_replace", "mysql_regexp_replace"]),
    (AtMost(regex_groups), &["regexp_match"]),
    (AtMost(elements_replaced), &["array_replace", "array_replace_all", "array_replace_n"]),
    (AtMost(zipped), &["arrays_zip"]),
    (AtMost(elements_joined), &["array_to_string"]),
    (Steps(bytes_product), &["levenshtein"]),
    (Steps(elements_product), &["array_has", "array_has_all", "array_has_any"]),
];

fn repeat(row: &Row<'_>) -> u64 {
    row.bytes(0).saturating_mul(row.times(1))
}

/// MySQL counts the longest character that the character set has for each one asked for.
fn pad(row: &Row<'_>) -> u64 {
    row.times(1).saturating_mul(4)
}

fn sum(row: &Row<'_>) -> u64 {
    row.sum()
}

fn joined(row: &Row<'_>) -> u64 {
    let separators = row.count().saturating_sub(2) as u64;
    row.sum()
        .saturating_add(row.bytes(0).saturating_mul(separators))
}

/// The widest number, which a NULL of its type takes as well, and its place.
const ELEMENT_BYTES: u64 = 40;

fn array_repeat(row: &Row<'_>) -> u64 {
    row.bytes(0)
        .saturating_add(ELEMENT_BYTES)
        .saturating_mul(row.times(1))
}

fn array_resize(row: &Row<'_>) -> u64 {
    let filled = row
        .bytes(2)
        .saturating_add(ELEMENT_BYTES)
        .saturating_mul(row.times(1));
    row.bytes(0).saturating_add(filled)
}

/// From a start to an end by a step; of dates and times all are nanoseconds.
fn series(row: &Row<'_>) -> u64 {
    let at = |index| match row.integer(index) {
        Integer::Value(value) => Some(i128::from(value) * row.tick(index)),
        Integer::Null | Integer::Unknown => None,
    };
    let (start, end, step) = match row.count() {
        1 => (Some(0), at(0), Some(1)),
        2 => (at(0), at(1), Some(row.tick(0))),
        _ => (at(0), at(1), row.step(2)),
    };
    let (Some(start), Some(end), Some(step)) = (start, end, step) else {
        return 0;
    };
    let steps = (end - start).unsigned_abs() / step.unsigned_abs().max(1) + 1;
    u64::try_from(steps).unwrap_or(u64::MAX).saturating_mul(16)
}

fn overlaid(row: &Row<'_>) -> u64 {
    row.bytes(0).saturating_add(row.bytes(1))
}

/// Text stays as long; exact numbers are at most some eighty digits, floats are written without exponent.
fn text_of(row: &Row<'_>) -> u64 {
    text_at(row, 0)
}

fn text_at(row: &Row<'_>, index: usize) -> u64 {
    match row.text(index) {
        Some(text) => text.len() as u64,
        None => row
            .bytes(index)
            .saturating_mul(8)
            .saturating_add(if row.is_floating(index) { 400 } else { 80 }),
    }
}

/// All arguments as text.
fn texts(row: &Row<'_>) -> u64 {
    (0..row.count())
        .map(|index| text_at(row, index))
        .fold(0, u64::saturating_add)
}

fn replaced(row: &Row<'_>) -> u64 {
    let (Some(text), Some(from)) = (row.text(0), row.text(1)) else {
        return 0;
    };
    let found = if row.bytes(2) <= from.len() as u64 {
        return text.len() as u64;
    } else if from.is_empty() {
        text.len() as u64 + 1
    } else {
        text.matches(from).count() as u64
    };
    row.bytes(2)
        .saturating_mul(found)
        .saturating_add(text.len() as u64)
}

/// A pattern can match before every character; each `$1` or `\1` brings in at most its match.
fn regex_replaced(row: &Row<'_>) -> u64 {
    let (text, new) = (text_at(row, 0), text_at(row, 2));
    let groups = row
        .text(2)
        .map_or(0, |new| new.matches(['$', '\\']).count() as u64);
    text.saturating_add(1)
        .saturating_mul(new)
        .saturating_add(text.saturating_mul(groups.saturating_add(1)))
}

fn regex_groups(row: &Row<'_>) -> u64 {
    let groups = row
        .text(1)
        .map_or(0, |pattern| pattern.matches('(').count() as u64);
    row.bytes(0)
        .saturating_add(8)
        .saturating_mul(groups.saturating_add(1))
}

fn elements_replaced(row: &Row<'_>) -> u64 {
    row.elements(0)
        .saturating_mul(row.bytes(2))
        .saturating_add(row.bytes(0))
}

fn zipped(row: &Row<'_>) -> u64 {
    let longest = (0..row.count()).map(|index| row.elements(index)).max();
    longest
        .unwrap_or(0)
        .saturating_mul(16)
        .saturating_mul(row.count() as u64)
        .saturating_add(row.sum())
}

/// A number as text is at most some fifty characters.
fn elements_joined(row: &Row<'_>) -> u64 {
    let beside = row.bytes(1).saturating_add(row.bytes(2)).saturating_add(48);
    row.bytes(0)
        .saturating_mul(2)
        .saturating_add(row.elements(0).saturating_mul(beside))
}

fn bytes_product(row: &Row<'_>) -> u64 {
    row.bytes(0).saturating_mul(row.bytes(1))
}

fn elements_product(row: &Row<'_>) -> u64 {
    row.elements(0).saturating_mul(row.elements(1))
}
