//! The writer thread: takes encoded chunks in their order, hashes them, and hands them to the sink
//! in large writes. The one place that knows which part is open, and that ends it.

use std::io;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::error::ExportError;
use crate::part::{Part, PartSink};
use crate::report::{ExportReport, FileReport, Progress};

/// Smaller chunks are put together before they are written.
const WRITE_BYTES_MIN: usize = 1 << 20;

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
    digest: Sha256,
    /// What is not yet written.
    pending: Vec<u8>,
    pending_rows: u64,
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
        let digest = Sha256::new();
        let open = OpenPart {
            part,
            index,
            rows: 0,
            bytes: 0,
            digest,
            pending: self.header.clone(),
            pending_rows: 0,
        };
        self.open = Some(open);
        Ok(())
    }

    /// Writes a chunk of whole rows.
    pub(crate) fn write(&mut self, chunk: &[u8], rows: u64) -> Result<(), ExportError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let result = open.push(chunk, rows, &self.progress);
        result.map_err(|error| ExportError::sink("cannot write the file", error))
    }

    /// Ends the part and gives the report.
    pub(crate) fn finish(mut self) -> Result<ExportReport, ExportError> {
        if let Some(mut open) = self.open.take() {
            if let Err(error) = open.flush(&self.progress) {
                open.part.abort();
                return Err(ExportError::sink("cannot write the file", error));
            }
            open.part
                .finish()
                .map_err(|error| ExportError::sink("cannot finish the file", error))?;
            self.progress.add_file();
            let sha256 = open
                .digest
                .finalize()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            self.files.push(FileReport {
                index: open.index,
                rows: open.rows,
                bytes: open.bytes,
                sha256,
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
    fn push(&mut self, chunk: &[u8], rows: u64, progress: &Progress) -> io::Result<()> {
        if chunk.len() < WRITE_BYTES_MIN {
            self.pending.extend_from_slice(chunk);
            self.pending_rows += rows;
            return if self.pending.len() < WRITE_BYTES_MIN {
                Ok(())
            } else {
                self.flush(progress)
            };
        }
        self.flush(progress)?;
        self.write(chunk, rows, progress)
    }

    fn flush(&mut self, progress: &Progress) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let (mut pending, rows) = (
            std::mem::take(&mut self.pending),
            std::mem::take(&mut self.pending_rows),
        );
        self.write(&pending, rows, progress)?;
        pending.clear();
        self.pending = pending;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8], rows: u64, progress: &Progress) -> io::Result<()> {
        self.digest.update(bytes);
        self.part.write(bytes)?;
        self.rows += rows;
        self.bytes += bytes.len() as u64;
        progress.add(rows, bytes.len() as u64);
        Ok(())
    }
}
