//! Where the bytes go: a sink opens parts, a part takes bytes and is finished or aborted. Those that are ready are in
//! `sinks`.

use std::io;
use std::sync::Arc;

/// Opens the files of an export. Runs on the exporter's writer thread, so it may block.
///
/// An export ends well with [`finish`](Self::finish). A sink that is dropped without it was of one that failed or was
/// cancelled, and takes back what its finished parts have left.
pub trait PartSink: Send {
    /// One file.
    type Part: Part;

    /// Opens a file.
    ///
    /// # Errors
    /// Any; they end the export with [`ExportErrorKind::Sink`](crate::ExportErrorKind::Sink).
    fn open(&mut self, file: &NewFile) -> io::Result<Self::Part>;

    /// All files are finished, and there will be no other: the moment to give them their names. Does nothing if not said.
    ///
    /// # Errors
    /// Any; the export has failed then, and the sink is dropped.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file that is to be opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct NewFile {
    /// Its number among all files of the export, from 0.
    pub index: u32,
    /// The folder of its rows, where they are partitioned: `day=2026-01-02/shop=7`.
    pub partition: Option<Arc<str>>,
    /// Its number among those of its folder, from 0.
    pub number: u32,
}

/// One file while it is written. Either `finish` or `abort` is called, once, unless the part itself panics; it is dropped
/// without either then.
pub trait Part: Send {
    /// Takes all of `bytes`: the header, then about a chunk at a time. A part that wants larger or even writes
    /// puts them together itself.
    ///
    /// # Errors
    /// Any; the part is aborted then.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes the bytes durable. It does not publish them: that is for the sink, when all are there.
    ///
    /// # Errors
    /// Any; the part has to clean up after itself, `abort` is not called any more.
    fn finish(self) -> io::Result<()>;

    /// Removes what was written.
    fn abort(self);
}
