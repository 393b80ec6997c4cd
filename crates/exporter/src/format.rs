//! The seam between formats and files. A format makes pieces of rows, on any number of threads, and files of pieces,
//! on one; where a file ends, and what is counted and digested, is the writer's.
//!
//! A text format is a [`RowEncoder`]: its rows stand behind one another in any file, so `text_files` cuts and
//! compresses them. A format whose file has a structure of its own is a [`Format`].

use std::fmt::Debug;

use arrow::array::RecordBatch;

use crate::error::{EncodeError, ExportError};
use crate::job::Job;

/// A text format: rows as bytes that may stand behind each other in any file.
pub(crate) trait RowEncoder: Debug + Send + Sync {
    /// About how many bytes of text a row has besides its values, such as keys.
    fn row_bytes(&self) -> u64;

    /// Appends what each file begins with.
    fn head(&self, out: &mut Vec<u8>);

    /// Appends a batch, and to `ends` where each row ends in `out`. `first_row` is the number of rows before it.
    ///
    /// # Errors
    /// A value that cannot be written; what `out` and `ends` then hold has no meaning.
    fn encode_rows(
        &self,
        batch: &RecordBatch,
        first_row: u64,
        out: &mut Vec<u8>,
        ends: Option<&mut Vec<usize>>,
    ) -> Result<(), EncodeError>;
}

/// A format, as the driver's threads use it.
pub(crate) trait Format: Send + Sync + 'static {
    /// Encoded rows, which go into one file or several.
    type Piece: Send + 'static;
    /// What a worker keeps from one job to the next.
    type Scratch: Default;
    /// A file while it is written.
    type File: Send;

    /// Encodes a job; called by the workers. `buffer` is empty, and has room.
    ///
    /// # Errors
    /// A value that cannot be written.
    fn encode(
        &self,
        job: Job,
        buffer: Vec<u8>,
        scratch: &mut Self::Scratch,
    ) -> Result<Self::Piece, EncodeError>;

    /// Begins a file: puts what stands before its first row.
    ///
    /// # Errors
    /// Those of the output.
    fn begin(&self, out: &mut dyn Output) -> Result<Self::File, ExportError>;

    /// Puts as many of a piece's rows as the file may hold; one at least if it has none. What is left begins the
    /// next file.
    ///
    /// # Errors
    /// Those of the output.
    fn append(
        &self,
        file: &mut Self::File,
        piece: Self::Piece,
        out: &mut dyn Output,
    ) -> Result<Appended<Self::Piece>, ExportError>;

    /// Ends a file.
    ///
    /// # Errors
    /// Those of the output.
    fn end(&self, file: Self::File, out: &mut dyn Output) -> Result<(), ExportError>;
}

/// What became of a piece.
pub(crate) struct Appended<P> {
    /// Rows that the file got.
    pub(crate) rows: u64,
    pub(crate) left: Left<P>,
}

pub(crate) enum Left<P> {
    /// The file is full, and this is still to be written.
    Piece(P),
    /// All is written, and the buffer is free.
    Buffer(Vec<u8>),
}

/// Where a file's bytes go.
pub(crate) trait Output {
    /// Puts all of `bytes`.
    ///
    /// # Errors
    /// The sink's.
    fn put(&mut self, bytes: &[u8]) -> Result<(), ExportError>;

    /// Bytes put so far: what becomes of them behind this, such as encryption, does not count.
    fn bytes(&self) -> u64;
}
