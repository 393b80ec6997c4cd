//! A writer as a sink: what takes bytes one after the other, such as a pipe, a socket or a compressor of one's own.

use std::io::{self, Write};

use crate::part::{NewFile, Part, PartSink};

/// Writes the one file of an export to a writer, and flushes it at the end. An export that needs a second file is an error.
///
/// What a writer has got cannot be taken back: of an export that fails or is cancelled it has a beginning. Whoever reads from it must hear of the export's end in another way; for files there is
/// [`FileSink`](crate::FileSink).
#[derive(Debug)]
pub struct WriteSink<W>(Option<W>);

impl<W: Write + Send> WriteSink<W> {
    /// Of a writer; it need not be buffered, for it gets large pieces.
    pub fn new(writer: W) -> Self {
        Self(Some(writer))
    }
}

impl<W: Write + Send> PartSink for WriteSink<W> {
    type Part = WritePart<W>;

    fn open(&mut self, _file: &NewFile) -> io::Result<WritePart<W>> {
        let writer = self.0.take().ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "a writer takes one file, and the export has a second one, as its options split or partition it",
            )
        })?;
        Ok(WritePart(writer))
    }
}

/// The file of a [`WriteSink`].
#[derive(Debug)]
pub struct WritePart<W>(W);

impl<W: Write + Send> Part for WritePart<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }

    fn abort(self) {}
}
