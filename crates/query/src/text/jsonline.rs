//! JSON lines: an object in each line, its keys found among the columns, its values converted as INSERT converts them.
//! Numbers keep every digit: they are taken as they stand and not as floats.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Fields};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memchr;
use object_store::ObjectStore;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::scan::{Taken, push_cell, taken};
use super::source::Source;
use super::{JsonReadOptions, LeftOut, kinds};
use crate::convert::types::{SQL_TYPE_KEY, is_binary};
use crate::convert::{Cell, ColumnWriter};
use crate::error::Error;

/// Longest line.
const LINE_BYTES_MAX: usize = 64 << 20;

/// A file's lines as they come.
pub(super) struct Lines {
    source: Source,
    buffer: Vec<u8>,
    at: usize,
    line: u64,
    ended: bool,
}

impl Lines {
    pub(super) async fn open(
        store: &Arc<dyn ObjectStore>,
        path: &str,
        options: &JsonReadOptions,
    ) -> Result<Self, Error> {
        Ok(Self {
            source: Source::open(store, path, options.compression, options.charset).await?,
            buffer: Vec::new(),
            at: 0,
            line: 0,
            ended: false,
        })
    }

    /// The next line that is not blank, and its number; `None` at the end.
    pub(super) async fn next(&mut self, path: &str) -> Result<Option<(&[u8], u64)>, Error> {
        let mut searched = 0;
        let range = loop {
            let rest = &self.buffer[self.at..];
            let end = match memchr(b'\n', &rest[searched..]) {
                Some(offset) => searched + offset,
                None if self.ended && rest.is_empty() => return Ok(None),
                None if self.ended => rest.len(),
                None => {
                    searched = rest.len();
                    if searched > LINE_BYTES_MAX {
                        let text = format!("a line is longer than {LINE_BYTES_MAX} bytes");
                        return Err(Error::invalid(text).in_file(path, self.line + 1));
                    }
                    match self.source.next().await? {
                        Some(bytes) => {
                            self.buffer.drain(..self.at);
                            self.at = 0;
                            self.buffer.extend_from_slice(&bytes);
                        }
                        None => self.ended = true,
                    }
                    continue;
                }
            };
            let start = self.at;
            self.at = (start + end + 1).min(self.buffer.len());
            self.line += 1;
            searched = 0;
            if !self.buffer[start..start + end].trim_ascii().is_empty() {
                break start..start + end;
            }
        };
        Ok(Some((&self.buffer[range], self.line)))
    }
}

/// A file's rows.
pub(super) struct JsonLines {
    lines: Lines,
    /// Each key in lower case, and which of the wanted columns it is; `None` is one that the query does not need.
    places: HashMap<String, Option<usize>>,
    columns: Fields,
    /// In which row each column was last given.
    given: Vec<u64>,
    left_out: Option<LeftOut>,
    /// Whether the columns' types are those that were found in the files.
    undeclared: bool,
}

impl JsonLines {
    /// Opens a file; `wanted` are those of `all` columns that rows are made of.
    pub(super) async fn open(
        store: &Arc<dyn ObjectStore>,
        path: &str,
        options: &JsonReadOptions,
        wanted: &Fields,
        all: &Fields,
    ) -> Result<Self, Error> {
        let place = |field: &Arc<Field>| {
            let place = wanted
                .iter()
                .position(|wanted| wanted.name() == field.name());
            (field.name().to_lowercase(), place)
        };
        Ok(Self {
            lines: Lines::open(store, path, options).await?,
            places: all.iter().map(place).collect(),
            columns: wanted.clone(),
            given: vec![0; wanted.len()],
            left_out: options.left_out.clone(),
            undeclared: options.undeclared,
        })
    }

    /// Adds the next row and gives its bytes; `None` at the end. A key that is not there is NULL.
    pub(super) async fn next_into(
        &mut self,
        writers: &mut [ColumnWriter],
        row: u64,
        path: &str,
    ) -> Result<Option<Taken>, Error> {
        let Some((line, number)) = self.lines.next(path).await? else {
            return Ok(None);
        };
        let mut pushed = || {
            for (key, value) in members(utf8(line)?).map_err(Error::invalid)? {
                let place = self.places.get(&key.to_lowercase()).ok_or_else(|| {
                    Error::invalid(format!("the key '{key}' is no column of the table"))
                        .of_column(&key)
                })?;
                let Some(place) = *place else { continue };
                if self.given[place] == row {
                    let twice = Error::invalid(format!("the key '{key}' stands twice"));
                    return Err(twice.of_column(&key));
                }
                self.given[place] = row;
                let field = &self.columns[place];
                push_value(&mut writers[place], field, value, row, self.undeclared)?;
            }
            for (writer, given) in writers.iter_mut().zip(&self.given) {
                if *given != row {
                    push_cell(writer, Cell::Null, row)?;
                }
            }
            Ok(())
        };
        let pushed = pushed().map_err(|error| error.in_file(path, number));
        let written = || String::from_utf8_lossy(line).into_owned();
        taken(
            pushed,
            self.left_out.as_ref(),
            (path, number),
            line.len(),
            written,
        )
    }
}

/// A line as text.
pub(super) fn utf8(line: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(line).map_err(|_| Error::invalid("the line is not UTF-8"))
}

fn push_value(
    writer: &mut ColumnWriter,
    field: &Field,
    value: &str,
    row: u64,
    undeclared: bool,
) -> Result<(), Error> {
    let json = field.metadata().get(SQL_TYPE_KEY).map(String::as_str) == Some("json");
    let text: String;
    let bytes: Vec<u8>;
    let cell = match value.as_bytes().first() {
        Some(b'n') => Cell::Null,
        _ if json => Cell::Text(value),
        Some(b't') => Cell::Bool(true),
        Some(b'f') => Cell::Bool(false),
        Some(b'"') => {
            text =
                serde_json::from_str(value).map_err(|error| Error::invalid(error.to_string()))?;
            if is_binary(field.data_type()) {
                bytes = STANDARD.decode(&text).map_err(|error| {
                    Error::invalid(format!(
                        "column '{}' at row {row} is not base64: {error}",
                        field.name()
                    ))
                    .of_column(field.name())
                })?;
                Cell::Bytes(&bytes)
            } else {
                Cell::Text(&text)
            }
        }
        Some(b'{' | b'[') => {
            return Err(Error::invalid(format!(
                "an object or array for column '{}' at row {row}, which is not declared as json",
                field.name()
            ))
            .of_column(field.name()));
        }
        Some(_) | None => Cell::Number(value),
    };
    match undeclared {
        true => kinds::push_exactly(writer, field, cell, row),
        false => push_cell(writer, cell, row),
    }
}

/// The members of the one object in a line: keys, and values as they stand.
///
/// # Errors
/// What was wrong and where.
pub(super) fn members(line: &str) -> Result<Vec<(String, &str)>, String> {
    let at = |rest: &str| line.len() - rest.len() + 1;
    let wanted = |what: &str, rest: &str| {
        let found: String = rest.chars().take(20).collect();
        Err(format!(
            "expected {what} at column {}, found '{found}'",
            at(rest)
        ))
    };
    let Some(mut rest) = line.trim_ascii_start().strip_prefix('{') else {
        return wanted("an object", line.trim_ascii_start());
    };
    let mut members = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        if members.is_empty() && rest.starts_with('}') {
            break;
        }
        let (key, length) = token::<String>(rest)
            .map_err(|error| format!("the key at column {} is no string: {error}", at(rest)))?;
        rest = rest[length..].trim_ascii_start();
        let Some(value) = rest.strip_prefix(':') else {
            return wanted("':'", rest);
        };
        rest = value.trim_ascii_start();
        let (_, length) = token::<IgnoredAny>(rest)
            .map_err(|error| format!("the value at column {} is no JSON: {error}", at(rest)))?;
        members.push((key, &rest[..length]));
        rest = rest[length..].trim_ascii_start();
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None if rest.starts_with('}') => break,
            None => return wanted("',' or '}'", rest),
        }
    }
    match rest[1..].trim_ascii() {
        "" => Ok(members),
        _ => wanted("the end of the line", &rest[1..]),
    }
}

/// The value at the beginning of a text, and how long it is.
fn token<T: DeserializeOwned>(text: &str) -> Result<(T, usize), String> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<T>();
    match values.next() {
        Some(Ok(value)) => Ok((value, values.byte_offset())),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("the line ends".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn members_as_they_stand() {
        let line = r#" {"a": 1.50, "b" : "x\"}", "c":[1, {"d": null}] ,"é":true} "#;
        let found = members(line).unwrap();
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(key, value)| (key.as_str(), *value))
            .collect();
        assert_eq!(
            found,
            [
                ("a", "1.50"),
                ("b", r#""x\"}""#),
                ("c", r#"[1, {"d": null}]"#),
                ("é", "true")
            ]
        );
        assert_eq!(members("{}").unwrap(), []);
    }

    #[test]
    fn what_is_no_object_is_told_with_its_place() {
        for (line, part) in [
            ("[1]", "expected an object at column 1"),
            ("{\"a\" 1}", "expected ':' at column 6"),
            ("{\"a\": 1 2}", "expected ',' or '}' at column 9"),
            ("{\"a\": 1,}", "the key at column 9"),
            ("{a: 1}", "the key at column 2"),
            ("{\"a\": tru}", "the value at column 7"),
            ("{\"a\": 1} x", "expected the end of the line"),
            ("{\"a\": 1", "expected ',' or '}'"),
        ] {
            let error = members(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
