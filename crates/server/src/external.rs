//! What an external table or a staged file in FROM is: a stage path or glob, a format, and how to read it.
//! Kept in the catalog as pairs of text; turned into the engine's terms when a query names it.

use parser::{CreateExternalTable, Format, StagedFile, Target};

use crate::error::{Error, Reason, Result};

/// Where the files are and how they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExternalOptions {
    /// `stage://name/glob`, as written.
    pub(crate) location: String,
    pub(crate) format: Format,
    pub(crate) csv: CsvReading,
}

/// How CSV files are read. The defaults read what an export with its defaults wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CsvReading {
    pub(crate) fields_terminated: String,
    pub(crate) enclosed: Option<char>,
    pub(crate) escaped: Option<char>,
    pub(crate) lines_terminated: String,
    /// Lines at the beginning of each file that are no rows.
    pub(crate) ignore_lines: u64,
    /// The bare text that is NULL; unset is MySQL's rule (`\N`, and the bare word NULL).
    pub(crate) null: Option<String>,
}

impl Default for CsvReading {
    fn default() -> Self {
        Self {
            fields_terminated: ",".to_owned(),
            enclosed: Some('"'),
            escaped: Some('\\'),
            lines_terminated: "\n".to_owned(),
            ignore_lines: 0,
            null: None,
        }
    }
}

impl ExternalOptions {
    /// From CREATE EXTERNAL TABLE. Without columns, a CSV file's first line holds their names.
    pub(crate) fn from_statement(statement: &CreateExternalTable) -> Result<Self> {
        let files = &statement.files;
        let location = files.path.value.clone();
        check_location(&location)?;
        for (given, what) in [
            (files.json_data.is_some(), "'jsondata'"),
            (files.write_file_pattern.is_some(), "'write_file_pattern'"),
            (files.comment.is_some(), "'comment'"),
        ] {
            if given {
                return Err(Error::not_implemented(format_args!(
                    "external table option {what}"
                )));
            }
        }
        let compression = files
            .compression
            .as_ref()
            .map(|compression| compression.value);
        let format = checked_format(
            &location,
            files.format.as_ref().map(|format| format.value),
            compression,
        )?;
        let mut csv = CsvReading {
            ignore_lines: statement.ignore_lines,
            ..CsvReading::default()
        };
        if statement.columns.is_empty() && csv.ignore_lines == 0 {
            csv.ignore_lines = 1;
        }
        let (fields, lines) = (&statement.fields, &statement.lines);
        if let Some(terminated) = &fields.terminated_by {
            csv.fields_terminated.clone_from(&terminated.value);
        }
        if let Some(enclosed) = &fields.enclosed_by {
            csv.enclosed = enclosed.value;
        }
        if let Some(escaped) = &fields.escaped_by {
            csv.escaped = escaped.value;
        }
        if let Some(terminated) = &lines.terminated_by {
            csv.lines_terminated.clone_from(&terminated.value);
        }
        if lines
            .starting_by
            .as_ref()
            .is_some_and(|starting| !starting.value.is_empty())
        {
            return Err(Error::not_implemented("LINES STARTING BY for reading"));
        }
        Ok(Self {
            location,
            format,
            csv,
        })
    }

    /// From `FROM 'stage://…' (FORMAT 'csv', …)`. A CSV file has a header line unless HEADER 'false'.
    pub(crate) fn from_staged_file(file: &StagedFile) -> Result<Self> {
        check_location(&file.target)?;
        let mut csv = CsvReading {
            ignore_lines: 1,
            ..CsvReading::default()
        };
        let mut format = None;
        for (key, value) in &file.options {
            let one = || -> Result<Option<char>> {
                let mut letters = value.chars();
                match (letters.next(), letters.next()) {
                    (letter, None) => Ok(letter),
                    _ => Err(option_error(key, value, "at most one character")),
                }
            };
            match key.to_uppercase().as_str() {
                "FORMAT" => {
                    format = Some(
                        Format::from_word(value)
                            .ok_or_else(|| option_error(key, value, "csv or parquet"))?,
                    )
                }
                "HEADER" => {
                    csv.ignore_lines = match value.to_lowercase().as_str() {
                        "true" => 1,
                        "false" => 0,
                        _ => return Err(option_error(key, value, "true or false")),
                    };
                }
                "TERMINATED" | "DELIMITER" => csv.fields_terminated.clone_from(value),
                "ENCLOSED" | "QUOTE" => csv.enclosed = one()?,
                "ESCAPED" | "ESCAPE" => csv.escaped = one()?,
                "NULL" => csv.null = Some(value.clone()),
                _ => {
                    let text = format!(
                        "unknown option '{key}' of a staged file; known are FORMAT, HEADER, DELIMITER, QUOTE, ESCAPE, NULL"
                    );
                    return Err(Error::invalid_input(Reason::OptionInvalid, text));
                }
            }
        }
        let format = checked_format(&file.target, format, None)?;
        Ok(Self {
            location: file.target.clone(),
            format,
            csv,
        })
    }

    /// For the catalog.
    pub(crate) fn to_pairs(&self) -> Vec<(String, String)> {
        let letter = |letter: Option<char>| letter.map(String::from).unwrap_or_default();
        let mut pairs = vec![("format", self.format.to_string())];
        if self.format == Format::Csv {
            pairs.extend([
                ("fields_terminated", self.csv.fields_terminated.clone()),
                ("enclosed", letter(self.csv.enclosed)),
                ("escaped", letter(self.csv.escaped)),
                ("lines_terminated", self.csv.lines_terminated.clone()),
                ("ignore_lines", self.csv.ignore_lines.to_string()),
            ]);
            pairs.extend(self.csv.null.clone().map(|null| ("null", null)));
        }
        pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    }

    /// Back from the catalog.
    pub(crate) fn from_pairs(location: &str, pairs: &[(String, String)]) -> Result<Self> {
        let get = |key: &str| {
            pairs
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value.as_str())
        };
        let broken = |key: &str| {
            Error::internal(
                Reason::DataLoss,
                format_args!("an external table's record has no valid '{key}'"),
            )
        };
        let format = get("format")
            .and_then(Format::from_word)
            .ok_or_else(|| broken("format"))?;
        let mut csv = CsvReading::default();
        if format == Format::Csv {
            let text = |key: &str| get(key).map(str::to_owned).ok_or_else(|| broken(key));
            csv = CsvReading {
                fields_terminated: text("fields_terminated")?,
                enclosed: text("enclosed")?.chars().next(),
                escaped: text("escaped")?.chars().next(),
                lines_terminated: text("lines_terminated")?,
                ignore_lines: text("ignore_lines")?
                    .parse()
                    .map_err(|_| broken("ignore_lines"))?,
                null: get("null").map(str::to_owned),
            };
        }
        Ok(Self {
            location: location.to_owned(),
            format,
            csv,
        })
    }

    /// Stage and path (or glob) of the location.
    pub(crate) fn stage_path(&self) -> Result<(String, String)> {
        match Target::parse(&self.location) {
            Target::Stage { name, path } => Ok((name, path)),
            _ => Err(not_a_stage(&self.location)),
        }
    }
}

fn check_location(location: &str) -> Result<()> {
    match Target::parse(location) {
        Target::Stage { path, .. } if path.trim_matches('/').is_empty() => {
            Err(Error::invalid_input(
                Reason::OptionInvalid,
                format_args!("'{location}' names no file"),
            ))
        }
        Target::Stage { .. } => Ok(()),
        _ => Err(not_a_stage(location)),
    }
}

/// Files are read from stages only: what governs writing governs reading.
fn not_a_stage(location: &str) -> Error {
    Error::invalid_configuration(
        Reason::OptionInvalid,
        format_args!(
            "URL protocol only supports stage://, not '{}'",
            location.escape_default()
        ),
    )
}

fn checked_format(
    location: &str,
    given: Option<Format>,
    compression: Option<parser::Compression>,
) -> Result<Format> {
    let (suffix, suffix_compression) = crate::exports::file_format(location);
    let format = given.or(suffix).unwrap_or(Format::Csv);
    if !matches!(format, Format::Csv | Format::Parquet) {
        return Err(Error::not_implemented(format_args!(
            "reading format '{format}'"
        )));
    }
    match compression.or(suffix_compression) {
        None | Some(parser::Compression::None) => Ok(format),
        Some(compression) => Err(Error::not_implemented(format_args!(
            "reading compression '{compression}'"
        ))),
    }
}

fn option_error(key: &str, value: &str, wanted: &str) -> Error {
    Error::invalid_input(
        Reason::OptionInvalid,
        format_args!("option {key} '{}' must be {wanted}", value.escape_default()),
    )
}
