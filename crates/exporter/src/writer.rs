//! The writer thread: takes encoded chunks in their order, hashes them, and hands them to the sink.
//! The one place that knows which part is open, and that ends it.

use std::io;
use std::sync::Arc;

use crate::digest::Digest;
use crate::error::ExportError;
use crate::part::{Part, PartSink};
use crate::report::{ExportReport, FileReport, Progress};

/// Writes the files of one export. Dropped before `finish`, it aborts the part that is open.
pub(crate) struct Writer<K: PartSink> {
    sink: K,
    open: Option<OpenPart<K::Part>>,
    header: Vec<u8>,
    progress: Arc<Progress>,
    files: Vec<FileReport>,
}

struct OpenPart<P> {
    part: P,
    index: u32,
    rows: u64,
    bytes: u64,
    digest: Digest,
}

impl<K: PartSink> Writer<K> {
    pub(crate) fn new(sink: K, header: Vec<u8>, progress: Arc<Progress>) -> Self {
        Self {
            sink,
            open: None,
            header,
            progress,
            files: Vec::new(),
        }
    }

    /// Opens the first part, so that a sink that refuses is known before any row is encoded.
    pub(crate) fn open(&mut self) -> Result<(), ExportError> {
        let index = self.files.len() as u32;
        let part = self
            .sink
            .open(index)
            .map_err(|error| ExportError::sink("cannot open the file", error))?;
        self.open = Some(OpenPart {
            part,
            index,
            rows: 0,
            bytes: 0,
            digest: Digest::default(),
        });
        let header = std::mem::take(&mut self.header);
        let result = self.write(&header, 0);
        self.header = header;
        result
    }

    /// Writes a chunk of whole rows.
    pub(crate) fn write(&mut self, chunk: &[u8], rows: u64) -> Result<(), ExportError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let result = open.write(chunk, rows, &self.progress);
        result.map_err(|error| ExportError::sink("cannot write the file", error))
    }

    /// Ends the part and gives the report.
    pub(crate) fn finish(mut self) -> Result<ExportReport, ExportError> {
        if let Some(open) = self.open.take() {
            open.part
                .finish()
                .map_err(|error| ExportError::sink("cannot finish the file", error))?;
            self.progress.add_file();
            self.files.push(FileReport {
                index: open.index,
                rows: open.rows,
                bytes: open.bytes,
                sha256: open.digest.finish(),
            });
        }
        let files = std::mem::take(&mut self.files);
        let (rows, bytes) = files
            .iter()
            .fold((0, 0), |sum, file| (sum.0 + file.rows, sum.1 + file.bytes));
        Ok(ExportReport { files, rows, bytes })
    }
}

impl<K: PartSink> Drop for Writer<K> {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            open.part.abort();
        }
    }
}

impl<P: Part> OpenPart<P> {
    fn write(&mut self, bytes: &[u8], rows: u64, progress: &Progress) -> io::Result<()> {
        self.digest.update(bytes);
        self.part.write(bytes)?;
        self.rows += rows;
        self.bytes += bytes.len() as u64;
        progress.add(rows, bytes.len() as u64);
        Ok(())
    }
}
