//! What an export's files are: format, compression, most bytes. From the statement and the file's name, whose
//! contradictions are errors; the one place that translates them for the exporter.

use arrow::datatypes::SchemaRef;
use exporter::csv::{CsvOptions, Dialect, QuotePolicy};
use exporter::jsonline::JsonLineOptions;
use exporter::{
    ArrowCompression, DigestAlgorithm, ExportOptions, GZIP_LEVEL, ParquetCompression, Partitions,
    Recipients, ZSTD_LEVEL,
};
use parser::{Compression, Export, Format};

use super::sealing::{digest, plain_name, recipients};
use crate::error::{Error, Reason, Result};
use crate::exports::{ExportTarget, file_format};

/// The zone of every session: text says no instant without one.
const SESSION_TIME_ZONE: &str = "UTC";

/// What the files are, as far as the clauses tell.
#[derive(Debug)]
pub(super) struct FileForm {
    format: Format,
    /// `None`: the format's own.
    compression: Option<Compression>,
    level: Option<u8>,
    single_member: bool,
    file_bytes_max: Option<u64>,
    /// `None`: not said.
    digest: Option<DigestAlgorithm>,
    /// To whom the files are encrypted.
    recipients: Option<Recipients>,
}

/// How files are compressed, as a whole or inside.
enum Compressed {
    Text(exporter::Compression),
    Parquet(ParquetCompression),
    Arrow(ArrowCompression),
}

/// The same with the options of the format.
#[derive(Debug)]
pub(super) struct ReadForm {
    form: FileForm,
    csv: Option<CsvOptions>,
}

impl FileForm {
    /// What the rows are written as.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// What the files are digested by.
    pub(super) fn digest(&self) -> DigestAlgorithm {
        self.digest.unwrap_or_default()
    }

    /// # Errors
    /// Clauses that contradict each other, the file's name or the stage's policies; clauses of another format; what this version does not
    /// do.
    pub(super) fn of(statement: &Export, target: &ExportTarget) -> Result<Self> {
        let options = &statement.options;
        let recipients = recipients(statement, target)?;
        let name = plain_name(target, recipients.is_some())?;
        let (suffix_format, suffix_compression) = file_format(name);
        let format = options.format.as_ref().map(|format| format.value);
        if let (Some(format), Some(suffix)) = (format, suffix_format)
            && format != suffix
        {
            let shown = suffix_of_format(name, suffix_compression);
            return Err(invalid(format_args!(
                "format '{format}' does not match file suffix '.{shown}'"
            )));
        }
        let format = format.or(suffix_format).unwrap_or(Format::Csv);
        let compression = options.compression.as_ref().map(|given| given.value);
        if let Some(suffix) = suffix_compression {
            let shown = last_suffix(name);
            match format {
                Format::Csv | Format::JsonLine => {}
                Format::Parquet | Format::Arrow => {
                    return Err(invalid(format_args!(
                        "format '{format}' is compressed inside its file, so the file suffix '.{shown}' does not match it"
                    )));
                }
            }
            if let Some(compression) = compression.filter(|given| *given != suffix) {
                return Err(invalid(format_args!(
                    "compression '{compression}' does not match file suffix '.{shown}'"
                )));
            }
        }
        let form = Self {
            format,
            compression: compression.or(suffix_compression),
            level: level(statement)?,
            single_member: options
                .single_member
                .as_ref()
                .is_some_and(|single| single.value),
            file_bytes_max: file_bytes_max(statement)?,
            digest: digest(statement)?,
            recipients,
        };
        form.compressed()?;
        if format != Format::Csv {
            refuse_csv_clauses(statement, format)?;
        }
        if form.may_be_several() {
            // That there can be a second name at all.
            target.file(1)?;
        }
        Ok(form)
    }

    /// Whether there may be a second file.
    pub(super) fn may_be_several(&self) -> bool {
        self.file_bytes_max.is_some()
    }

    /// How the files are compressed, or what is in them.
    ///
    /// # Errors
    /// What the format does not have; a level, or a single member, of a compression without.
    fn compressed(&self) -> Result<Compressed> {
        let level = |default| self.level.unwrap_or(default);
        let (compressed, has_level) = match (self.format, self.compression) {
            (Format::Csv | Format::JsonLine, None | Some(Compression::None)) => {
                (Compressed::Text(exporter::Compression::None), false)
            }
            (Format::Csv | Format::JsonLine, Some(Compression::Gzip)) => {
                let level = level(GZIP_LEVEL);
                let gzip = match self.single_member {
                    true => exporter::Compression::GzipSingle { level },
                    false => exporter::Compression::Gzip { level },
                };
                (Compressed::Text(gzip), true)
            }
            (Format::Csv | Format::JsonLine, Some(Compression::Zstd)) => {
                let level = level(ZSTD_LEVEL);
                let zstd = exporter::Compression::Zstd { level };
                (Compressed::Text(zstd), true)
            }
            (Format::Parquet, Some(Compression::None)) => {
                (Compressed::Parquet(ParquetCompression::None), false)
            }
            (Format::Parquet, Some(Compression::Snappy)) => {
                (Compressed::Parquet(ParquetCompression::Snappy), false)
            }
            (Format::Parquet, None | Some(Compression::Zstd)) => {
                let zstd = ParquetCompression::Zstd { level: level(1) };
                (Compressed::Parquet(zstd), true)
            }
            (Format::Arrow, Some(Compression::None)) => {
                (Compressed::Arrow(ArrowCompression::None), false)
            }
            (Format::Arrow, Some(Compression::Lz4)) => {
                (Compressed::Arrow(ArrowCompression::Lz4), false)
            }
            (Format::Arrow, None | Some(Compression::Zstd)) => {
                let zstd = ArrowCompression::Zstd { level: level(1) };
                (Compressed::Arrow(zstd), true)
            }
            (
                Format::Csv | Format::JsonLine,
                Some(
                    given @ (Compression::Snappy
                    | Compression::Lz4
                    | Compression::Bzip2
                    | Compression::Xz),
                ),
            ) => return Err(self.lacks(given, "'none', 'gzip', 'zstd'")),
            (
                Format::Parquet,
                Some(
                    given @ (Compression::Gzip
                    | Compression::Lz4
                    | Compression::Bzip2
                    | Compression::Xz),
                ),
            ) => return Err(self.lacks(given, "'none', 'snappy', 'zstd'")),
            (
                Format::Arrow,
                Some(
                    given @ (Compression::Gzip
                    | Compression::Snappy
                    | Compression::Bzip2
                    | Compression::Xz),
                ),
            ) => return Err(self.lacks(given, "'none', 'lz4', 'zstd'")),
        };
        if self.level.is_some() && !has_level {
            return Err(invalid(
                "COMPRESSION_LEVEL goes with COMPRESSION 'gzip' or 'zstd'",
            ));
        }
        if self.single_member && self.compression != Some(Compression::Gzip) {
            return Err(invalid("SINGLE_MEMBER goes with COMPRESSION 'gzip'"));
        }
        Ok(compressed)
    }

    fn lacks(&self, given: Compression, known: &str) -> Error {
        let format = self.format;
        invalid(format_args!(
            "format '{format}' has no compression '{given}', but {known}"
        ))
    }

    /// Reads the options of the format.
    ///
    /// # Errors
    /// Options under which values could not be told apart.
    pub(super) fn read(self, statement: &Export, guarded: bool) -> Result<ReadForm> {
        let csv = match self.format {
            Format::Csv => Some(csv_options(statement, guarded)?),
            Format::JsonLine | Format::Parquet | Format::Arrow => None,
        };
        Ok(ReadForm { form: self, csv })
    }
}

impl ReadForm {
    /// What drives the export of rows of a schema, partitioned by the columns of some places into folders of `path`.
    ///
    /// # Errors
    /// A column that the format cannot write, a level that the compression has not, a limit below the header.
    pub(super) fn driver(
        self,
        schema: &SchemaRef,
        by: &[usize],
        path: Option<&str>,
    ) -> Result<ExportOptions> {
        let refuse = |e| Error::internal(Reason::OptionInvalid, &e);
        if by.is_empty() {
            return self.unpartitioned(schema);
        }
        self.refuse_forced(schema, by)?;
        let mut partitions = Partitions::new(schema, by).map_err(refuse)?;
        if let Some(path) = path {
            partitions = partitions.in_folders(path).map_err(refuse)?;
        }
        let driver = self.unpartitioned(&partitions.file_schema())?;
        Ok(driver.partitioned(partitions))
    }

    /// A column that the files do not have cannot be quoted there.
    fn refuse_forced(&self, schema: &SchemaRef, by: &[usize]) -> Result<()> {
        let forced = self.csv.iter().flat_map(|csv| &csv.force_quote);
        for name in forced {
            let is_it = |&&at: &&usize| schema.field(at).name().eq_ignore_ascii_case(name);
            if by.iter().any(|at| is_it(&at)) {
                return Err(invalid(format_args!(
                    "FORCE_QUOTE names column '{name}', which PARTITION BY puts into the folders' names and not into the files"
                )));
            }
        }
        Ok(())
    }

    fn unpartitioned(self, schema: &SchemaRef) -> Result<ExportOptions> {
        let Self { form, csv } = self;
        let refuse = |e| Error::internal(Reason::OptionInvalid, &e);
        let driver = match (form.format, form.compressed()?) {
            (Format::Csv, Compressed::Text(compression)) => {
                ExportOptions::csv(schema, csv.unwrap_or_default())
                    .and_then(|driver| driver.compression(compression))
            }
            (Format::JsonLine, Compressed::Text(compression)) => {
                let mut options = JsonLineOptions::default();
                options.time_zone = Some(SESSION_TIME_ZONE.to_owned());
                ExportOptions::jsonline(schema, &options)
                    .and_then(|driver| driver.compression(compression))
            }
            (Format::Parquet, Compressed::Parquet(compression)) => {
                ExportOptions::parquet(schema, compression)
            }
            (Format::Arrow, Compressed::Arrow(compression)) => {
                ExportOptions::arrow(schema, compression)
            }
            (
                Format::Csv | Format::JsonLine | Format::Parquet | Format::Arrow,
                Compressed::Text(_) | Compressed::Parquet(_) | Compressed::Arrow(_),
            ) => return Err(Error::defect("a format has the compression of another")),
        };
        let mut driver = match form.file_bytes_max {
            Some(bytes) => driver.and_then(|driver| driver.file_bytes_max(bytes)),
            None => driver,
        }
        .map_err(refuse)?;
        if let Some(algorithm) = form.digest {
            driver = driver.digest(algorithm);
        }
        match form.recipients {
            Some(recipients) => driver.encrypted(recipients).map_err(refuse),
            None => Ok(driver),
        }
    }
}

/// The places of the columns that partition the rows; none where they are not.
///
/// # Errors
/// A name that the query does not give, or gives more than once.
pub(super) fn partition_columns(statement: &Export, schema: &SchemaRef) -> Result<Vec<usize>> {
    let fields = schema.fields();
    let names = || {
        let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        names.join(", ")
    };
    let place = |wanted: &parser::Name| {
        let wanted = wanted.value.as_str();
        let is_exact = fields.iter().any(|field| field.name() == wanted);
        let mut found = fields.iter().enumerate().filter(|(_, field)| {
            field.name() == wanted || !is_exact && field.name().eq_ignore_ascii_case(wanted)
        });
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at),
            (None, _) => Err(invalid(format_args!(
                "PARTITION BY names column '{wanted}', which the query does not give; its columns are {}",
                names()
            ))),
            (Some(_), Some(_)) => Err(invalid(format_args!(
                "PARTITION BY names column '{wanted}', which the query gives twice; its columns are {}",
                names()
            ))),
        }
    };
    statement.options.partition_by.iter().map(place).collect()
}

fn invalid(what: impl std::fmt::Display) -> Error {
    Error::internal(Reason::OptionInvalid, what)
}

fn last_suffix(name: &str) -> String {
    name.rsplit('.').next().unwrap_or_default().to_lowercase()
}

/// The suffix that tells the format; a `.gz` behind it is passed over.
fn suffix_of_format(name: &str, compression: Option<Compression>) -> String {
    match compression.and_then(|_| name.rsplit_once('.')) {
        Some((stem, _)) => last_suffix(stem),
        None => last_suffix(name),
    }
}

fn level(statement: &Export) -> Result<Option<u8>> {
    let Some(level) = &statement.options.compression_level else {
        return Ok(None);
    };
    match u8::try_from(level.value) {
        Ok(level) => Ok(Some(level)),
        Err(_) => Err(invalid(format_args!(
            "there is no COMPRESSION_LEVEL {}",
            level.value
        ))),
    }
}

/// SPLITSIZE, or else MAX_FILE_SIZE; 0 means no limit.
fn file_bytes_max(statement: &Export) -> Result<Option<u64>> {
    let options = &statement.options;
    let bytes = match (&options.split_size_bytes, &options.max_file_size_kib) {
        (Some(bytes), _) => bytes.value,
        (None, Some(kib)) => kib.value.checked_mul(1024).ok_or_else(|| {
            invalid(format_args!(
                "MAX_FILE_SIZE {} KiB is out of range",
                kib.value
            ))
        })?,
        (None, None) => 0,
    };
    Ok((bytes > 0).then_some(bytes))
}

/// Clauses that only CSV has.
fn refuse_csv_clauses(statement: &Export, format: Format) -> Result<()> {
    let options = &statement.options;
    for (given, clause) in [
        (options.dialect.is_some(), "DIALECT"),
        (options.fields != parser::Fields::default(), "FIELDS"),
        (options.lines != parser::Lines::default(), "LINES"),
        (options.header.is_some(), "HEADER"),
        (options.null_as.is_some(), "NULL AS"),
        (!options.force_quote.is_empty(), "FORCE_QUOTE"),
    ] {
        if given {
            return Err(invalid(format_args!(
                "{clause} goes with format 'csv', not with '{format}'"
            )));
        }
    }
    Ok(())
}

/// The dialect's rules, with what the statement says explicitly on top.
fn csv_options(statement: &Export, guarded: bool) -> Result<CsvOptions> {
    let options = &statement.options;
    let dialect = match options.dialect.as_ref().map(|dialect| dialect.value) {
        None | Some(parser::Dialect::Mysql) => Dialect::Mysql,
        Some(parser::Dialect::Rfc4180) => Dialect::Rfc4180,
        Some(parser::Dialect::Excel) => Dialect::Excel,
        Some(parser::Dialect::Postgres) => Dialect::Postgres,
    };
    let mut csv = CsvOptions::dialect(dialect);
    csv.time_zone = Some(SESSION_TIME_ZONE.to_owned());
    let fields = &options.fields;
    if let Some(terminated) = &fields.terminated_by {
        csv.fields_terminated.clone_from(&terminated.value);
    }
    if let Some(enclosed) = &fields.enclosed_by {
        csv.enclosed = enclosed
            .value
            .map(|c| one_byte("FIELDS ENCLOSED BY", c))
            .transpose()?;
        csv.quote = match (dialect, fields.optionally_enclosed) {
            (Dialect::Mysql, _) => QuotePolicy::Strings,
            (_, true) => QuotePolicy::Needed,
            // MySQL's rule: ENCLOSED without OPTIONALLY encloses every value.
            (_, false) => QuotePolicy::All,
        };
    }
    if let Some(escaped) = &fields.escaped_by {
        csv.escaped = escaped
            .value
            .map(|c| one_byte("FIELDS ESCAPED BY", c))
            .transpose()?;
    }
    if let Some(starting) = &options.lines.starting_by {
        csv.lines_starting.clone_from(&starting.value);
    }
    if let Some(terminated) = &options.lines.terminated_by {
        csv.lines_terminated.clone_from(&terminated.value);
    }
    if let Some(header) = &options.header {
        csv.header = header.value;
    }
    match &options.null_as {
        Some(null) => csv.null.clone_from(&null.value),
        None if dialect == Dialect::Mysql => csv.null = null_of_mysql(csv.enclosed, csv.escaped),
        None => {}
    }
    csv.force_quote = options
        .force_quote
        .iter()
        .map(|name| name.value.clone())
        .collect();
    csv.formula_guard |= guarded;
    if csv.formula_guard {
        for (clause, text) in [
            ("NULL AS", &csv.null),
            ("LINES STARTING BY", &csv.lines_starting),
        ] {
            if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
                return Err(invalid(format_args!(
                    "with the formula guard, {clause} begins with none of = + - @, tab and carriage return"
                )));
            }
        }
    }
    csv.validate()
        .map_err(|e| Error::internal(Reason::OptionInvalid, &e))?;
    Ok(csv)
}

/// NULL as LOAD DATA with the same FIELDS reads it back: the escape and `N`, and the bare word where nothing escapes.
fn null_of_mysql(enclosed: Option<u8>, escaped: Option<u8>) -> String {
    match escaped {
        // Behind the character that opens a value `N` would be the value's.
        Some(escape) if escaped != enclosed => format!("{}N", char::from(escape)),
        Some(_) | None => "NULL".to_owned(),
    }
}

fn one_byte(clause: &str, character: char) -> Result<u8> {
    u8::try_from(character)
        .ok()
        .filter(u8::is_ascii)
        .ok_or_else(|| {
            Error::internal(
                Reason::OptionInvalid,
                format_args!("{clause} must be an ASCII character, not '{character}'"),
            )
        })
}
