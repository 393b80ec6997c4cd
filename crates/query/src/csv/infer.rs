//! Columns of delimited files that were not declared: names from the last line before the data,
//! types that hold every value of the first rows.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use futures::StreamExt;
use object_store::ObjectStore;

use super::CsvReadOptions;
use super::records::{Record, Records, Step};
use super::scan::{failed, open};
use crate::error::{Error, ErrorKind};
use crate::insert::numbers::whole;
use crate::tables::FileRef;
use crate::temporal::parse_datetime;

/// Rows looked at.
const ROWS_MAX: usize = 1000;

/// The columns of the first file.
pub(crate) async fn infer(
    store: Arc<dyn ObjectStore>,
    files: &[FileRef],
    options: &CsvReadOptions,
) -> Result<SchemaRef, Error> {
    options.validate()?;
    let Some(file) = files.first() else {
        return Err(Error::new(
            ErrorKind::NotFound,
            "there are no files to take the columns from",
        ));
    };
    let header = options.ignore_lines;
    let mut records = Records::new(CsvReadOptions {
        ignore_lines: header.saturating_sub(1),
        ..options.clone()
    });
    let mut bytes = open(&store, &file.path).await?;
    let mut record = Record::default();
    let mut names: Option<Vec<String>> = None;
    let mut kinds: Vec<Option<Kind>> = Vec::new();
    for _ in 0..=ROWS_MAX {
        loop {
            match records.next(&mut record) {
                Step::More => match bytes.next().await {
                    Some(chunk) => records.feed(&chunk.map_err(|error| failed(&file.path, error))?),
                    None => records.end(),
                },
                Step::Record => break,
                Step::End => return schema(names, &kinds, &file.path),
            }
        }
        let fields = (0..record.len()).map(|index| {
            record
                .field(index)
                .map(|bytes| String::from_utf8_lossy(bytes))
        });
        if header > 0 && names.is_none() {
            names = Some(
                fields
                    .map(|field| field.unwrap_or_default().trim().to_lowercase())
                    .collect(),
            );
            continue;
        }
        kinds.resize(kinds.len().max(record.len()), None);
        for (kind, field) in kinds.iter_mut().zip(fields) {
            if let Some(text) = field {
                let found = Kind::of(&text);
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
        fields.push(crate::types::arrow_field(&name, kind.sql_type(), true)?);
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
            Self::Text => "longtext",
        }
    }
}
