//! Streams of Arrow record batches to files of CSV, JSON lines, Parquet and Arrow, compressed, split and partitioned: typed
//! encoders, and the driver that runs them on every core and hands ordered, hashed bytes to a sink.
#![doc = include_str!("../README.md")]

mod arrow_ipc;
mod cells;
mod compression;
pub mod csv;
mod digest;
mod encryption;
mod error;
mod export;
mod format;
mod job;
pub mod jsonline;
pub mod manifest;
mod options;
mod parquet;
mod part;
mod partition;
mod report;
mod sinks;
mod stored;
mod text_files;
mod writer;

/// Arrow as this crate has it: batches of another version of it are other types.
pub use arrow;
pub use arrow_ipc::ArrowCompression;
pub use compression::{Compression, GZIP_LEVEL, ZSTD_LEVEL};
pub use digest::{Digest, DigestAlgorithm};
pub use encryption::Recipients;
pub use error::{EncodeError, EncodeErrorKind, ExportError, ExportErrorKind};
pub use export::export;
pub use options::ExportOptions;
pub use parquet::ParquetCompression;
pub use part::{NewFile, Part, PartSink};
pub use partition::Partitions;
pub use report::{ExportReport, FileReport, Progress};
pub use sinks::{FilePart, FileSink, MemoryPart, MemorySink, WritePart, WriteSink};
