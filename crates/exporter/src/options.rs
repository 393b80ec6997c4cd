//! What an export writes, and with how much of the machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use crate::arrow_ipc::{ArrowCompression, ArrowFiles, BATCH_BYTES};
use crate::compression::Compression;
use crate::csv::{CsvEncoder, CsvOptions};
use crate::digest::DigestAlgorithm;
use crate::encryption::Recipients;
use crate::error::EncodeError;
use crate::format::RowEncoder;
use crate::jsonline::{JsonLineEncoder, JsonLineOptions};
use crate::manifest;
use crate::parquet::{ParquetCompression, ParquetFiles, ROW_GROUP_BYTES};
use crate::partition::Partitions;
use crate::report::Progress;
use crate::text_files::TextFiles;
use crate::writer::Outside;

/// About how many bytes of text a job is.
const TEXT_CHUNK_BYTES: u64 = 2 << 20;

/// What is written, and with how much of the machine; each method sets one thing and gives the options back.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    pub(crate) rows: Rows,
    pub(crate) threads: usize,
    pub(crate) chunk_bytes: u64,
    file_bytes_max: Option<u64>,
    pub(crate) partitions: Option<Partitions>,
    pub(crate) outside: Outside,
    pub(crate) progress: Arc<Progress>,
    format: &'static str,
    in_force: BTreeMap<String, serde_json::Value>,
}

/// The format of the rows.
#[derive(Debug, Clone)]
pub(crate) enum Rows {
    Text(Arc<dyn RowEncoder>, Compression),
    Parquet(SchemaRef, ParquetCompression),
    Arrow(SchemaRef, ArrowCompression),
}

/// The format of the files.
pub(crate) enum Files {
    Text(TextFiles),
    Parquet(Box<ParquetFiles>),
    Arrow(ArrowFiles),
}

impl ExportOptions {
    /// CSV of the given schema, encoded by one thread per core.
    ///
    /// # Errors
    /// Those of [`CsvEncoder::new`].
    pub fn csv(schema: &SchemaRef, options: CsvOptions) -> Result<Self, EncodeError> {
        let in_force = manifest::csv_options(&options);
        let encoder = Arc::new(CsvEncoder::new(schema, options)?);
        Ok(Self::text("csv", encoder, in_force))
    }

    /// JSON lines: one object a row.
    ///
    /// # Errors
    /// Those of [`JsonLineEncoder::new`].
    pub fn jsonline(schema: &SchemaRef, options: &JsonLineOptions) -> Result<Self, EncodeError> {
        let in_force = [("time_zone".to_owned(), options.time_zone.clone().into())].into();
        let encoder = Arc::new(JsonLineEncoder::new(schema, options)?);
        Ok(Self::text("jsonline", encoder, in_force))
    }

    /// Parquet, in row groups of about sixteen megabytes of text.
    ///
    /// # Errors
    /// A level that the compression does not know, a type that Parquet has not.
    pub fn parquet(
        schema: &SchemaRef,
        compression: ParquetCompression,
    ) -> Result<Self, EncodeError> {
        let (name, level) = match compression {
            ParquetCompression::None => ("none", None),
            ParquetCompression::Snappy => ("snappy", None),
            ParquetCompression::Zstd { level } => ("zstd", Some(level)),
        };
        let rows = Rows::Parquet(Arc::clone(schema), compression);
        Self::new("parquet", rows, ROW_GROUP_BYTES, BTreeMap::new())
            .compressed(name, level)
            .checked()
    }

    /// Arrow IPC files, in batches of about four megabytes of text.
    ///
    /// # Errors
    /// A level that the compression does not know, a type that Arrow's files have not.
    pub fn arrow(schema: &SchemaRef, compression: ArrowCompression) -> Result<Self, EncodeError> {
        let (name, level) = match compression {
            ArrowCompression::None => ("none", None),
            ArrowCompression::Lz4 => ("lz4", None),
            ArrowCompression::Zstd { level } => ("zstd", Some(level)),
        };
        let rows = Rows::Arrow(Arc::clone(schema), compression);
        Self::new("arrow", rows, BATCH_BYTES, BTreeMap::new())
            .compressed(name, level)
            .checked()
    }

    fn text(
        format: &'static str,
        encoder: Arc<dyn RowEncoder>,
        in_force: BTreeMap<String, serde_json::Value>,
    ) -> Self {
        let rows = Rows::Text(encoder, Compression::None);
        Self::new(format, rows, TEXT_CHUNK_BYTES, in_force)
    }

    fn new(
        format: &'static str,
        rows: Rows,
        chunk_bytes: u64,
        in_force: BTreeMap<String, serde_json::Value>,
    ) -> Self {
        Self {
            rows,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            chunk_bytes,
            file_bytes_max: None,
            partitions: None,
            outside: Outside::default(),
            progress: Arc::default(),
            format,
            in_force,
        }
    }

    /// The format's name, as manifests have it: `csv`, `jsonline`, `parquet`, `arrow`.
    pub fn format(&self) -> &'static str {
        self.format
    }

    /// Every option that decides the files' bytes, by its name in manifests.
    pub fn in_force(&self) -> &BTreeMap<String, serde_json::Value> {
        &self.in_force
    }

    fn compressed(mut self, name: &str, level: Option<u8>) -> Self {
        self.in_force.insert("compression".to_owned(), name.into());
        if let Some(level) = level {
            self.in_force
                .insert("compression_level".to_owned(), level.into());
        }
        self
    }

    /// The number of threads that encode; at least one.
    pub fn threads(self, threads: usize) -> Self {
        Self {
            threads: threads.max(1),
            ..self
        }
    }

    /// About how many bytes of text one thread encodes at a time; for text formats two megabytes if not said.
    pub fn chunk_bytes(self, chunk_bytes: u64) -> Self {
        Self {
            chunk_bytes: chunk_bytes.max(1),
            ..self
        }
    }

    /// How the files of a text format are compressed. The others are compressed inside, as they were made.
    ///
    /// # Errors
    /// A level that there is not; a format that is no text.
    pub fn compression(self, compression: Compression) -> Result<Self, EncodeError> {
        let rows = match self.rows {
            Rows::Text(encoder, _) => Rows::Text(encoder, compression),
            Rows::Parquet(..) | Rows::Arrow(..) => {
                return Err(EncodeError::options(
                    "only text files are compressed as a whole".to_owned(),
                ));
            }
        };
        let mut options = Self { rows, ..self };
        options = match compression {
            Compression::None => options.compressed("none", None),
            Compression::Gzip { level } => options.compressed("gzip", Some(level)),
            Compression::GzipSingle { level } => {
                options
                    .in_force
                    .insert("single_member".to_owned(), true.into());
                options.compressed("gzip", Some(level))
            }
            Compression::Zstd { level } => options.compressed("zstd", Some(level)),
        };
        options.checked()
    }

    /// The most bytes a file may have, compressed or not: no file has more, unless one row alone has. What each file
    /// begins with is in every one.
    ///
    /// # Errors
    /// A limit that leaves no room for a row behind what each file begins with.
    pub fn file_bytes_max(mut self, bytes: u64) -> Result<Self, EncodeError> {
        self.in_force
            .insert("file_bytes_max".to_owned(), bytes.into());
        Self {
            file_bytes_max: Some(bytes.max(1)),
            // Rows that are encoded together need not be cut much.
            chunk_bytes: self.chunk_bytes.min(bytes.max(1)),
            ..self
        }
        .checked()
    }

    /// What the files are digested by; SHA-256 if not said.
    pub fn digest(mut self, algorithm: DigestAlgorithm) -> Self {
        self.in_force
            .insert("digest".to_owned(), algorithm.name().into());
        self.outside.digest = Some(algorithm);
        self
    }

    /// The files are not digested, which saves that time where nobody will compare them with a report.
    pub fn without_digest(mut self) -> Self {
        self.in_force.insert("digest".to_owned(), "none".into());
        self.outside.digest = None;
        self
    }

    /// What counts rows, bytes and files while the export runs, for others to read; a clone of the options counts there, too.
    pub fn progress(self, progress: Arc<Progress>) -> Self {
        Self { progress, ..self }
    }

    /// The files are encrypted as they are written, so that these alone can read them. Sizes, digests and the most
    /// bytes of a file are those of the encrypted bytes.
    ///
    /// # Errors
    /// A limit of a file's bytes that leaves no room for rows.
    pub fn encrypted(mut self, recipients: Recipients) -> Result<Self, EncodeError> {
        self.in_force
            .insert("encrypt_to".to_owned(), recipients.names().into());
        self.outside.recipients = Some(recipients);
        self.checked()
    }

    /// Rows go into folders by the values of some columns. The options were made for the schema without these
    /// ([`Partitions::file_schema`]), and the rows come sorted by them.
    pub fn partitioned(mut self, partitions: Partitions) -> Self {
        self.in_force
            .insert("partition_by".to_owned(), partitions.names().into());
        if let Some(path) = partitions.path() {
            self.in_force
                .insert("partition_path".to_owned(), path.into());
        }
        self.partitions = Some(partitions);
        self
    }

    fn checked(self) -> Result<Self, EncodeError> {
        self.files().map(|_| self)
    }

    /// Text that every row has besides its values.
    pub(crate) fn row_bytes(&self) -> u64 {
        match &self.rows {
            Rows::Text(encoder, _) => encoder.row_bytes(),
            Rows::Parquet(..) | Rows::Arrow(..) => 0,
        }
    }

    /// The files' format.
    pub(crate) fn files(&self) -> Result<Files, EncodeError> {
        let max = match (self.file_bytes_max, &self.outside.recipients) {
            (Some(max), Some(recipients)) => match recipients.plain_bytes_max(max) {
                0 => {
                    return Err(EncodeError::options(format!(
                        "files of at most {max} bytes have no room for rows beside what encryption adds"
                    )));
                }
                plain => Some(plain),
            },
            (max, _) => max,
        };
        Ok(match &self.rows {
            Rows::Text(encoder, compression) => {
                Files::Text(TextFiles::new(Arc::clone(encoder), *compression, max)?)
            }
            Rows::Parquet(schema, compression) => {
                Files::Parquet(Box::new(ParquetFiles::new(schema, *compression, max)?))
            }
            Rows::Arrow(schema, compression) => {
                Files::Arrow(ArrowFiles::new(schema, *compression, max)?)
            }
        })
    }
}
