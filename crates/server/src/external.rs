//! What an external table or a staged file in FROM is: a stage path or glob, a format, and how to read it.
//! Kept in the catalog as pairs of text; turned into the engine's terms when a query names it.

mod pattern;

use parser::{
    Compression, CreateExternalTable, Dialect, Fields, Format, Infile, Lines, LoadData, StagedFile,
    Target,
};

use crate::error::{Error, Reason, Result};
use crate::places::squeezed;

pub(crate) use pattern::WritePattern;

/// Where the files are and how they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExternalOptions {
    /// `stage://name/glob`, as written.
    pub(crate) location: String,
    pub(crate) format: Format,
    pub(crate) csv: CsvReading,
    /// Whether folders `key=value` are columns.
    pub(crate) hive: bool,
    /// Where INSERT writes new files, if it may.
    pub(crate) write: Option<WritePattern>,
}

/// How CSV files are read. The defaults read what an export with its defaults wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CsvReading {
    pub(crate) fields_terminated: String,
    pub(crate) enclosed: Option<char>,
    pub(crate) escaped: Option<char>,
    pub(crate) lines_starting: String,
    pub(crate) lines_terminated: String,
    /// Lines at the beginning of each file that are no rows.
    pub(crate) ignore_lines: u64,
    /// Whether the last of those lines names the columns, which are then found by their names.
    pub(crate) header: bool,
    /// The bare text that is NULL; unset is MySQL's rule (`\N`, and the bare word NULL).
    pub(crate) null: Option<String>,
    /// How the files must be compressed; unset takes them as they are.
    pub(crate) compression: Option<Compression>,
    /// What their bytes stand for; of LOAD DATA alone.
    pub(crate) charset: query::Charset,
    /// Whether the columns are those that were found in the files, of JSON lines too: none of them rounds a value.
    pub(crate) undeclared: bool,
}

impl Default for CsvReading {
    fn default() -> Self {
        Self {
            fields_terminated: ",".to_owned(),
            enclosed: Some('"'),
            escaped: Some('\\'),
            lines_starting: String::new(),
            lines_terminated: "\n".to_owned(),
            ignore_lines: 0,
            header: false,
            null: None,
            compression: None,
            charset: query::Charset::default(),
            undeclared: false,
        }
    }
}

impl CsvReading {
    /// What reads an export of a dialect. Byte order marks and `\r\n` are read in any case; the apostrophes of
    /// `excel`'s formula guard stay.
    fn of_dialect(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Mysql => Self::default(),
            Dialect::Rfc4180 | Dialect::Excel | Dialect::Postgres => Self {
                escaped: None,
                null: Some(String::new()),
                ..Self::default()
            },
        }
    }

    /// What LOAD DATA reads if nothing is said: MySQL's defaults, but for the enclosure, which is MatrixOne's.
    fn of_load() -> Self {
        Self {
            fields_terminated: "\t".to_owned(),
            ..Self::default()
        }
    }

    /// With what a statement's FIELDS, LINES and INFILE options say.
    fn with_clauses(mut self, files: &Infile, fields: &Fields, lines: &Lines) -> Self {
        if let Some(terminated) = &fields.terminated_by {
            self.fields_terminated.clone_from(&terminated.value);
        }
        if let Some(enclosed) = &fields.enclosed_by {
            self.enclosed = enclosed.value;
        }
        if let Some(escaped) = &fields.escaped_by {
            self.escaped = escaped.value;
        }
        if let Some(starting) = &lines.starting_by {
            self.lines_starting.clone_from(&starting.value);
        }
        if let Some(terminated) = &lines.terminated_by {
            self.lines_terminated.clone_from(&terminated.value);
        }
        if let Some(null) = &files.null {
            self.null = Some(null.value.clone());
        }
        if let Some(header) = &files.header {
            self.header = header.value;
            self.ignore_lines = self.ignore_lines.max(u64::from(header.value));
        }
        self
    }
}

impl ExternalOptions {
    /// From CREATE EXTERNAL TABLE. Without columns, a CSV file's first line holds their names.
    pub(crate) fn from_statement(statement: &CreateExternalTable) -> Result<Self> {
        let csv = match &statement.files.dialect {
            Some(dialect) => CsvReading::of_dialect(dialect.value),
            None => CsvReading::default(),
        };
        let mut csv = CsvReading {
            ignore_lines: statement.ignore_lines,
            ..csv
        };
        if statement.columns.is_empty() {
            csv.ignore_lines = csv.ignore_lines.max(1);
            csv.header = true;
            csv.undeclared = true;
        }
        let csv = csv.with_clauses(&statement.files, &statement.fields, &statement.lines);
        check_location(&statement.files.path.value)?;
        let options = Self::of_files(&statement.files, csv)?;
        let Some(pattern) = &statement.files.write_file_pattern else {
            return Ok(options);
        };
        let write = WritePattern::parse(&pattern.value)?;
        options.with_write(write)
    }

    /// As the table of files that INSERT adds to.
    ///
    /// # Errors
    /// What could be written and not be read again.
    fn with_write(self, write: WritePattern) -> Result<Self> {
        let refuse = |why: &str| {
            Err(Error::invalid_configuration(
                Reason::OptionInvalid,
                format_args!("WRITE_FILE_PATTERN: {why}"),
            ))
        };
        let (format, compression) = crate::exports::file_format(write.text());
        if format.is_some_and(|format| format != self.format) {
            return refuse(&format!(
                "the files are read in format '{}', and the pattern's suffix is of another",
                self.format
            ));
        }
        if self.hive {
            return refuse(
                "it does not go with hive_partitioning: the pattern names no folders of values",
            );
        }
        let written = compression.unwrap_or(Compression::None);
        if self.csv.compression.is_some_and(|read| read != written) {
            return refuse(
                "the pattern's suffix is of another compression than the option 'compression'",
            );
        }
        if self.format == Format::Csv && self.csv.ignore_lines > u64::from(self.csv.header) {
            return refuse("it does not go with IGNORE n LINES: no such lines are written");
        }
        Ok(Self {
            write: Some(write),
            ..self
        })
    }

    /// From LOAD DATA.
    pub(crate) fn from_load(statement: &LoadData) -> Result<Self> {
        if statement.files.write_file_pattern.is_some() {
            return Err(Error::invalid_configuration(
                Reason::OptionInvalid,
                "'write_file_pattern' is an option of CREATE EXTERNAL TABLE",
            ));
        }
        let csv = match &statement.files.dialect {
            Some(dialect) => CsvReading::of_dialect(dialect.value),
            None => CsvReading::of_load(),
        };
        let csv = CsvReading {
            ignore_lines: statement.ignore_lines,
            ..csv
        };
        let csv = csv.with_clauses(&statement.files, &statement.fields, &statement.lines);
        // A client's own file is where the client says.
        if !statement.local {
            check_location(&statement.files.path.value)?;
        }
        Self::of_files(&statement.files, csv)
    }

    fn of_files(files: &Infile, mut csv: CsvReading) -> Result<Self> {
        let location = files.path.value.clone();
        if files.comment.is_some() {
            return Err(Error::not_implemented("external table option 'comment'"));
        }
        let format = checked_format(&location, files.format.as_ref().map(|format| format.value))?;
        if let Some(kind) = &files.json_data
            && kind.value == "array"
        {
            return Err(Error::not_implemented("reading JSON lines that are arrays"));
        }
        let compression = files.compression.as_ref().map(|one| one.value);
        csv.compression = checked_compression(format, compression)?;
        let hive = files.hive_partitioning.as_ref();
        Ok(Self {
            location,
            format,
            csv,
            hive: hive.is_some_and(|hive| hive.value),
            write: None,
        })
    }

    /// From `FROM 'stage://…' (FORMAT 'csv', …)`. A CSV file has a header line unless HEADER 'false'.
    pub(crate) fn from_staged_file(file: &StagedFile) -> Result<Self> {
        check_location(&file.target)?;
        let mut csv = CsvReading::default();
        let upper = |key: &str| key.to_uppercase();
        // The dialect is what the other options change, wherever it stands.
        if let Some((key, value)) = file.options.iter().find(|(key, _)| upper(key) == "DIALECT") {
            let dialect = Dialect::from_word(value)
                .ok_or_else(|| option_error(key, value, "mysql, rfc4180, excel or postgres"))?;
            csv = CsvReading::of_dialect(dialect);
        }
        csv.ignore_lines = 1;
        csv.header = true;
        csv.undeclared = true;
        let (mut format, mut compression, mut hive) = (None, None, false);
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
                            .ok_or_else(|| option_error(key, value, "csv, jsonline or parquet"))?,
                    )
                }
                "DIALECT" => {}
                "COMPRESSION" => {
                    let known = Compression::from_word(value).ok_or_else(|| {
                        option_error(key, value, "none, gzip, zstd, bzip2, xz or lz4")
                    })?;
                    compression = Some(known);
                }
                "HIVE_PARTITIONING" => hive = truth(key, value)?,
                "HEADER" => {
                    csv.header = truth(key, value)?;
                    csv.ignore_lines = u64::from(csv.header);
                }
                "TERMINATED" | "DELIMITER" => csv.fields_terminated.clone_from(value),
                "ENCLOSED" | "QUOTE" => csv.enclosed = one()?,
                "ESCAPED" | "ESCAPE" => csv.escaped = one()?,
                "NULL" => csv.null = Some(value.clone()),
                _ => {
                    let text = format!(
                        "unknown option '{key}' of a staged file; known are FORMAT, DIALECT, HEADER, DELIMITER, QUOTE, ESCAPE, NULL, COMPRESSION, HIVE_PARTITIONING"
                    );
                    return Err(Error::invalid_input(Reason::OptionInvalid, text));
                }
            }
        }
        let format = checked_format(&file.target, format)?;
        csv.compression = checked_compression(format, compression)?;
        Ok(Self {
            location: file.target.clone(),
            format,
            csv,
            hive,
            write: None,
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
            if !self.csv.lines_starting.is_empty() {
                pairs.push(("lines_starting", self.csv.lines_starting.clone()));
            }
            if self.csv.header {
                pairs.push(("header", "true".to_owned()));
            }
        }
        if self.csv.undeclared && (self.format != Format::Parquet || self.hive) {
            pairs.push(("undeclared", "true".to_owned()));
        }
        let compression = self.csv.compression;
        pairs.extend(compression.map(|one| ("compression", one.as_str().to_owned())));
        if self.hive {
            pairs.push(("hive_partitioning", "true".to_owned()));
        }
        let write = self.write.as_ref();
        pairs.extend(write.map(|write| ("write_file_pattern", write.text().to_owned())));
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
                // Records from before these were there have none of them.
                lines_starting: get("lines_starting").unwrap_or_default().to_owned(),
                header: get("header") == Some("true"),
                ..CsvReading::default()
            };
        }
        csv.undeclared = get("undeclared") == Some("true");
        csv.compression = get("compression")
            .map(|word| Compression::from_word(word).ok_or_else(|| broken("compression")))
            .transpose()?;
        Ok(Self {
            location: location.to_owned(),
            format,
            csv,
            hive: get("hive_partitioning") == Some("true"),
            write: get("write_file_pattern")
                .map(WritePattern::parse)
                .transpose()?,
        })
    }

    /// What is to be said of a table that does not read the files that INSERT adds to it: as far as their names can tell,
    /// within one stage.
    ///
    /// # Errors
    /// Those of [`Self::stage_path`]; a malformed pattern of files.
    pub(crate) fn unread_files(&self) -> Result<Option<String>> {
        let Some(write) = &self.write else {
            return Ok(None);
        };
        let (stage, read) = self.stage_path()?;
        // One name for all that it makes: directives make neither a slash nor a dot.
        let name = write.name(0);
        let Target::Stage { name: other, path } = Target::parse(&name) else {
            return Err(not_a_stage(write.text()));
        };
        let is_read = stage != other || storage::glob_finds(&squeezed(&read), &squeezed(&path))?;
        Ok((!is_read).then(|| {
            format!(
                "files of write_file_pattern, such as '{name}', are not among those of filepath, '{}': rows that INSERT adds will not be seen in this table",
                self.location
            )
        }))
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

fn checked_format(location: &str, given: Option<Format>) -> Result<Format> {
    let (suffix, _) = crate::exports::file_format(location);
    match given.or(suffix).unwrap_or(Format::Csv) {
        format @ (Format::Csv | Format::JsonLine | Format::Parquet) => Ok(format),
        format @ Format::Arrow => Err(Error::not_implemented(format_args!(
            "reading format '{format}'"
        ))),
    }
}

/// What is said of the compression; a file's first bytes say the rest.
fn checked_compression(format: Format, given: Option<Compression>) -> Result<Option<Compression>> {
    match (given, format) {
        (None | Some(Compression::None), Format::Parquet | Format::Arrow) => Ok(None),
        (None, _) => Ok(None),
        (
            Some(
                known @ (Compression::None
                | Compression::Gzip
                | Compression::Zstd
                | Compression::Bzip2
                | Compression::Xz
                | Compression::Lz4),
            ),
            Format::Csv | Format::JsonLine,
        ) => Ok(Some(known)),
        (Some(other), _) => Err(Error::not_implemented(format_args!(
            "reading compression '{other}' of format '{format}'"
        ))),
    }
}

fn truth(key: &str, value: &str) -> Result<bool> {
    match value.to_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(option_error(key, value, "true or false")),
    }
}

fn option_error(key: &str, value: &str, wanted: &str) -> Error {
    Error::invalid_input(
        Reason::OptionInvalid,
        format_args!("option {key} '{}' must be {wanted}", value.escape_default()),
    )
}
