//! Columns of text files that were not declared: names from the last line before the data or from JSON's keys,
//! types that hold every value of the first rows.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use object_store::ObjectStore;

use super::jsonline::{Lines, members, utf8};
use super::scan::FileRecords;
use super::{CsvReadOptions, JsonReadOptions, TextFormat, header};
use crate::convert::numbers::whole;
use crate::convert::temporal::parse_datetime;
use crate::convert::types::arrow_field;
use crate::error::{Error, ErrorKind};
use crate::tables::FileRef;

/// Rows looked at.
const ROWS_MAX: usize = 1000;

/// The columns of the first file.
pub(crate) async fn infer(
    store: Arc<dyn ObjectStore>,
    files: &[FileRef],
    format: &TextFormat,
) -> Result<SchemaRef, Error> {
    let Some(file) = files.first() else {
        return Err(Error::new(
            ErrorKind::NotFound,
            "there are no files to take the columns from",
        ));
    };
    match format {
        TextFormat::Csv(options) => delimited(&store, file, options).await,
        TextFormat::JsonLine(options) => json(&store, file, options).await,
    }
}

async fn json(
    store: &Arc<dyn ObjectStore>,
    file: &FileRef,
    options: &JsonReadOptions,
) -> Result<SchemaRef, Error> {
    let mut lines = Lines::open(store, &file.path, options).await?;
    let mut names: Vec<String> = Vec::new();
    let mut kinds: Vec<Option<Kind>> = Vec::new();
    for _ in 0..ROWS_MAX {
        let Some((line, number)) = lines.next(&file.path).await? else {
            break;
        };
        let members = utf8(line)
            .and_then(|line| members(line).map_err(Error::invalid))
            .map_err(|error| error.in_file(&file.path, number))?;
        for (key, value) in members {
            let key = key.to_lowercase();
            let place = names
                .iter()
                .position(|name| *name == key)
                .unwrap_or_else(|| {
                    names.push(key);
                    kinds.push(None);
                    names.len() - 1
                });
            if let Some(found) = Kind::of_json(value) {
                kinds[place] = Some(kinds[place].map_or(found, |kind| kind.with(found)));
            }
        }
    }
    schema(Some(names), &kinds, &file.path)
}

async fn delimited(
    store: &Arc<dyn ObjectStore>,
    file: &FileRef,
    options: &CsvReadOptions,
) -> Result<SchemaRef, Error> {
    options.validate()?;
    let named = options.ignore_lines > 0;
    let ignore = options.ignore_lines - u64::from(named);
    let mut records = FileRecords::open(store, &file.path, options, ignore).await?;
    let mut names: Option<Vec<String>> = None;
    if named && let Some(record) = records.next().await? {
        names = Some(header::names(record, &file.path)?);
    }
    let mut kinds: Vec<Option<Kind>> = Vec::new();
    for _ in 0..ROWS_MAX {
        let Some(record) = records.next().await? else {
            break;
        };
        // One empty field too many is a separator at the end of the line.
        let trailing = record.len() > 1 && record.field(record.len() - 1) == Some(b"");
        let fields = match &names {
            Some(names) => record.len().min(names.len()),
            None => record.len() - usize::from(trailing),
        };
        kinds.resize(kinds.len().max(fields), None);
        for (index, kind) in kinds.iter_mut().take(fields).enumerate() {
            // Of an empty field nothing is known: it is NULL wherever it is not text.
            if let Some(bytes) = record.field(index).filter(|bytes| !bytes.is_empty()) {
                let found = Kind::of(&String::from_utf8_lossy(bytes));
                *kind = Some(kind.map_or(found, |kind| kind.with(found)));
            }
        }
    }
    schema(names, &kinds, &file.path)
}

fn schema(
    names: Option<Vec<String>>,
    kinds: &[Option<Kind>],
    path: &str,
) -> Result<SchemaRef, Error> {
    let count = names.as_ref().map_or(kinds.len(), Vec::len);
    if count == 0 {
        return Err(Error::invalid(format!(
            "the file '{path}' is empty: its columns must be declared"
        )));
    }
    let mut fields = Vec::with_capacity(count);
    for index in 0..count {
        let name = names
            .as_ref()
            .map_or_else(|| format!("c{}", index + 1), |names| names[index].clone());
        let kind = kinds.get(index).copied().flatten().unwrap_or(Kind::Text);
        fields.push(arrow_field(&name, kind.sql_type(), true)?);
    }
    Ok(Arc::new(Schema::new(fields)))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Double,
    Boolean,
    Date,
    Datetime,
    Json,
    Text,
}

impl Kind {
    fn of(text: &str) -> Self {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let digits = unsigned.bytes().all(|byte| byte.is_ascii_digit());
        // 007 is a name, not a number.
        let leading_zero = unsigned.len() > 1 && digits && unsigned.starts_with('0');
        match text {
            "true" | "false" => Self::Boolean,
            _ if digits
                && !leading_zero
                && whole(text).is_some_and(|number| i64::try_from(number).is_ok()) =>
            {
                Self::Integer
            }
            _ if !digits
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
                && text.parse::<f64>().is_ok() =>
            {
                Self::Double
            }
            _ if !digits => match parse_datetime(text) {
                Some((_, true)) => Self::Datetime,
                Some((_, false)) => Self::Date,
                None => Self::Text,
            },
            _ => Self::Text,
        }
    }

    /// What a value of JSON is; of null nothing is known.
    fn of_json(value: &str) -> Option<Self> {
        match value.as_bytes().first()? {
            b'n' => None,
            b't' | b'f' => Some(Self::Boolean),
            b'{' | b'[' => Some(Self::Json),
            b'"' => match Self::of(value.trim_matches('"')) {
                found @ (Self::Date | Self::Datetime) => Some(found),
                Self::Integer | Self::Double | Self::Boolean | Self::Json | Self::Text => {
                    Some(Self::Text)
                }
            },
            _ => Some(match Self::of(value) {
                found @ (Self::Integer | Self::Double) => found,
                Self::Boolean | Self::Date | Self::Datetime | Self::Json | Self::Text => {
                    Self::Double
                }
            }),
        }
    }

    fn with(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Integer, Self::Double) | (Self::Double, Self::Integer) => Self::Double,
            (Self::Date, Self::Datetime) | (Self::Datetime, Self::Date) => Self::Datetime,
            _ => Self::Text,
        }
    }

    fn sql_type(self) -> &'static str {
        match self {
            Self::Integer => "bigint",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Datetime => "datetime(6)",
            Self::Json => "json",
            Self::Text => "longtext",
        }
    }
}
