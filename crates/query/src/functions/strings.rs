//! Text functions whose edges differ from DataFusion's: CONCAT of a NULL, SUBSTRING with
//! a negative position, LOCATE from a position.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::Result;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::new(
            "mysql_concat",
            |t| {
                super::arguments("CONCAT", t, 1, usize::MAX)?;
                Ok(vec![DataType::Utf8; t.len()])
            },
            |_| Ok(DataType::Utf8),
            |a, _| concat(a),
        ),
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

/// NULL where any part is.
fn concat(args: &[ArrayRef]) -> Result<ArrayRef> {
    let parts: Vec<&StringArray> = args.iter().map(|part| part.as_string::<i32>()).collect();
    let rows = parts.first().map_or(0, |part| part.len());
    let bytes = parts.iter().map(|part| part.get_buffer_memory_size()).sum();
    let bytes: usize = bytes;
    let mut joined = StringBuilder::with_capacity(rows, bytes.min(i32::MAX as usize));
    for row in 0..rows {
        if parts.iter().any(|part| part.is_null(row)) {
            joined.append_null();
            continue;
        }
        for part in &parts {
            joined.write_str(part.value(row)).map_err(|_| {
                datafusion::common::exec_datafusion_err!("CONCAT could not write its result")
            })?;
        }
        joined.append_value("");
    }
    Ok(Arc::new(joined.finish()))
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
            _ if start.unsigned_abs() > chars.unsigned_abs() => return Some(String::new()),
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
