//! Text functions whose edges differ from DataFusion's: SUBSTRING with a negative position,
//! LOCATE from a position.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Int64Type};

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::new(
            "mysql_substring",
            |t| {
                super::arguments("SUBSTRING", t, 2, 3)?;
                Ok([DataType::Utf8, DataType::Int64, DataType::Int64][..t.len()].to_vec())
            },
            |_| Ok(DataType::Utf8),
            |a, _| Ok(substring(a)),
        ),
        Function::new(
            "mysql_locate",
            |t| {
                super::arguments("LOCATE", t, 2, 3)?;
                Ok([DataType::Utf8, DataType::Utf8, DataType::Int64][..t.len()].to_vec())
            },
            |_| Ok(DataType::Int64),
            |a, _| Ok(locate(a)),
        ),
    ]
}

fn substring(args: &[ArrayRef]) -> ArrayRef {
    let (texts, starts) = (
        args[0].as_string::<i32>(),
        args[1].as_primitive::<Int64Type>(),
    );
    let lengths = args
        .get(2)
        .map(|lengths| lengths.as_primitive::<Int64Type>());
    let part = |row: usize, text: &str, start: i64| -> Option<String> {
        let length = match lengths {
            None => i64::MAX,
            Some(lengths) if lengths.is_null(row) => return None,
            Some(lengths) => lengths.value(row),
        };
        let chars = text.chars().count() as i64;
        let skip = match start {
            0 => return Some(String::new()),
            1.. => start - 1,
            _ if -start > chars => return Some(String::new()),
            _ => chars + start,
        };
        Some(
            text.chars()
                .skip(usize::try_from(skip).unwrap_or(usize::MAX))
                .take(usize::try_from(length).unwrap_or(0))
                .collect(),
        )
    };
    let values: StringArray = texts
        .iter()
        .zip(starts)
        .enumerate()
        .map(|(row, pair)| {
            pair.0
                .zip(pair.1)
                .and_then(|(text, start)| part(row, text, start))
        })
        .collect();
    Arc::new(values)
}

fn locate(args: &[ArrayRef]) -> ArrayRef {
    let (needles, texts) = (args[0].as_string::<i32>(), args[1].as_string::<i32>());
    let starts = args.get(2).map(|starts| starts.as_primitive::<Int64Type>());
    let find = |row: usize, needle: &str, text: &str| -> Option<i64> {
        let start = match starts {
            None => 1,
            Some(starts) if starts.is_null(row) => return None,
            Some(starts) => starts.value(row),
        };
        let Some(skip) = start
            .checked_sub(1)
            .and_then(|skip| usize::try_from(skip).ok())
        else {
            return Some(0);
        };
        let Some((from, _)) = text.char_indices().chain([(text.len(), ' ')]).nth(skip) else {
            return Some(0);
        };
        Some(
            text[from..]
                .find(needle)
                .map_or(0, |at| text[..from + at].chars().count() as i64 + 1),
        )
    };
    let values: Int64Array = needles
        .iter()
        .zip(texts)
        .enumerate()
        .map(|(row, pair)| {
            pair.0
                .zip(pair.1)
                .and_then(|(needle, text)| find(row, needle, text))
        })
        .collect();
    Arc::new(values)
}
