//! Streams of Arrow record batches to CSV files: a typed columnar encoder, and the driver that runs it
//! on every core and hands ordered, hashed bytes to a sink.
#![doc = include_str!("../README.md")]

pub mod csv;
mod digest;
mod error;
mod export;
mod job;
pub mod manifest;
mod part;
mod report;
mod writer;

pub use digest::Digest;
pub use error::{EncodeError, EncodeErrorKind, ExportError, ExportErrorKind};
pub use export::{ExportOptions, export};
pub use part::{MemoryPart, MemorySink, Part, PartSink};
pub use report::{ExportReport, FileReport, Progress};
