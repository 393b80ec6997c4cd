//! Columns of text files that were not declared: names from the last line before the data or from JSON's keys,
//! types that keep every value of the first rows of each file exactly.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;

use super::delimited::FileRecords;
use super::jsonline::{Lines, members, utf8};
use super::kinds::Kind;
use super::{CsvReadOptions, JsonReadOptions, TextFormat, header};
use crate::convert::types::arrow_field;
use crate::error::{Error, ErrorKind};
use crate::tables::FileRef;

/// Rows looked at in each file.
const ROWS_MAX: usize = 1000;
/// Files looked at: of more some, evenly from the first to the last ones.
const FILES_MAX: usize = 100;
/// Files that are read at a time.
const FILES_AT_ONCE: usize = 4;

/// The columns of the files.
pub(crate) async fn infer(
    store: Arc<dyn ObjectStore>,
    files: &[FileRef],
    format: &TextFormat,
) -> Result<SchemaRef, Error> {
    let Some(first) = files.first() else {
        return Err(Error::new(
            ErrorKind::NotFound,
            "there are no files to take the columns from",
        ));
    };
    let step = files.len().div_ceil(FILES_MAX);
    let paths: Vec<String> = files
        .iter()
        .step_by(step)
        .map(|file| file.path.clone())
        .collect();
    let looking = futures::stream::iter(paths).map(|path| {
        let (store, format) = (Arc::clone(&store), format.clone());
        async move {
            match &format {
                TextFormat::Csv(options) => delimited(&store, &path, options).await,
                TextFormat::JsonLine(options) => json(&store, &path, options).await,
            }
        }
    });
    let mut found = Found::default();
    let mut looked = looking.buffered(FILES_AT_ONCE).boxed();
    while let Some(other) = looked.try_next().await? {
        // A line of JSON may lack a key; delimited text that has other columns is an error once it is read.
        let takes_more = match format {
            TextFormat::Csv(_) => found.columns.is_empty(),
            TextFormat::JsonLine(_) => true,
        };
        found.add(other, takes_more);
    }
    found.schema(&first.path)
}

/// Names and what was seen of their values.
#[derive(Debug, Default)]
struct Found {
    columns: Vec<(String, Option<Kind>)>,
}

impl Found {
    /// The place of a column, which may be new.
    fn place(&mut self, name: String) -> usize {
        let known = self.columns.iter().position(|(known, _)| *known == name);
        known.unwrap_or_else(|| {
            self.columns.push((name, None));
            self.columns.len() - 1
        })
    }

    fn see(&mut self, place: usize, kind: Kind) {
        let seen = &mut self.columns[place].1;
        *seen = Some(seen.map_or(kind, |seen| seen.with(kind)));
    }

    /// What another file has; columns that are not known yet only where it `takes_more`.
    fn add(&mut self, other: Self, takes_more: bool) {
        for (name, kind) in other.columns {
            let is_known = self.columns.iter().any(|(known, _)| *known == name);
            if !is_known && !takes_more {
                continue;
            }
            let place = self.place(name);
            if let Some(kind) = kind {
                self.see(place, kind);
            }
        }
    }

    fn schema(self, first: &str) -> Result<SchemaRef, Error> {
        if self.columns.is_empty() {
            return Err(Error::invalid(format!(
                "the file '{first}' is empty: its columns must be declared"
            )));
        }
        let fields = self.columns.iter().map(|(name, kind)| {
            // Of a column without a value nothing is known; text takes whatever comes later.
            arrow_field(name, &kind.unwrap_or(Kind::Text).sql_type(), true)
        });
        Ok(Arc::new(Schema::new(
            fields.collect::<Result<Vec<_>, _>>()?,
        )))
    }
}

async fn json(
    store: &Arc<dyn ObjectStore>,
    path: &str,
    options: &JsonReadOptions,
) -> Result<Found, Error> {
    let mut lines = Lines::open(store, path, options).await?;
    let mut found = Found::default();
    for _ in 0..ROWS_MAX {
        let Some((line, number)) = lines.next(path).await? else {
            break;
        };
        let members = utf8(line)
            .and_then(|line| members(line).map_err(Error::invalid))
            .map_err(|error| error.in_file(path, number))?;
        for (key, value) in members {
            let place = found.place(key.to_lowercase());
            if let Some(kind) = Kind::of_json(value) {
                found.see(place, kind);
            }
        }
    }
    Ok(found)
}

async fn delimited(
    store: &Arc<dyn ObjectStore>,
    path: &str,
    options: &CsvReadOptions,
) -> Result<Found, Error> {
    options.validate()?;
    let named = options.ignore_lines > 0;
    let ignore = options.ignore_lines - u64::from(named);
    let mut records = FileRecords::open(store, path, options, ignore).await?;
    let mut found = Found::default();
    let mut has_names = false;
    if named && let Some(record) = records.next().await? {
        for name in header::names(&record, path)? {
            found.columns.push((name, None));
        }
        has_names = true;
    }
    for _ in 0..ROWS_MAX {
        let Some(record) = records.next().await? else {
            break;
        };
        // One empty field too many is a separator at the end of the line.
        let trailing = record.len() > 1 && record.field(record.len() - 1) == Some(b"");
        let fields = match has_names {
            true => record.len().min(found.columns.len()),
            false => record.len() - usize::from(trailing),
        };
        while found.columns.len() < fields {
            let name = format!("c{}", found.columns.len() + 1);
            found.columns.push((name, None));
        }
        for index in 0..fields {
            // Of an empty field nothing is known: it is NULL wherever it is not text.
            if let Some(bytes) = record.field(index).filter(|bytes| !bytes.is_empty()) {
                found.see(index, Kind::of(&String::from_utf8_lossy(bytes)));
            }
        }
    }
    Ok(found)
}
