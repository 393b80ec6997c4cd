//! The writer thread's files: takes pieces in their order, begins and ends files, digests what goes into them and
//! hands it to the sink. The one place that knows which part is open, and that ends it.

use std::collections::HashSet;
use std::sync::Arc;

use crate::digest::{Digest, DigestAlgorithm};
use crate::encryption::{Encryption, Recipients};
use crate::error::ExportError;
use crate::format::{Appended, Format, Left, Output};
use crate::part::{NewFile, Part, PartSink};
use crate::report::{ExportReport, FileReport, Progress};

/// More files than this are a mistake of whoever said how large they may be.
const FILES_MAX: usize = 1_000_000;

/// What is done with the bytes of every file on their way to the sink.
#[derive(Debug, Clone)]
pub(crate) struct Outside {
    /// What they are digested by, if they are.
    pub(crate) digest: Option<DigestAlgorithm>,
    /// To whom they are encrypted first.
    pub(crate) recipients: Option<Recipients>,
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            digest: Some(DigestAlgorithm::default()),
            recipients: None,
        }
    }
}

/// Writes the files of one export. Dropped before `finish`, it aborts the part that is open.
pub(crate) struct Writer<F: Format, K: PartSink> {
    format: Arc<F>,
    sink: K,
    outside: Outside,
    open: Option<Open<F::File, K::Part>>,
    progress: Arc<Progress>,
    files: Vec<FileReport>,
    /// The partitions so far: the last one is that of the open file.
    partition: Option<Arc<str>>,
    partitions: HashSet<Arc<str>>,
    /// The number of the next file among those of its partition.
    number: u32,
}

/// The file that is being written.
struct Open<T, P> {
    /// `None` once the format has ended it.
    file: Option<T>,
    out: PartOutput<P>,
}

struct PartOutput<P> {
    part: P,
    new: NewFile,
    rows: u64,
    /// Put by the format.
    plain_bytes: u64,
    encryption: Option<Encryption>,
    /// Written to the part.
    bytes: u64,
    digest: Option<Digest>,
    progress: Arc<Progress>,
}

impl<F: Format, K: PartSink> Writer<F, K> {
    pub(crate) fn new(format: Arc<F>, sink: K, outside: Outside, progress: Arc<Progress>) -> Self {
        Self {
            format,
            sink,
            outside,
            open: None,
            progress,
            files: Vec::new(),
            partition: None,
            partitions: HashSet::new(),
            number: 0,
        }
    }

    /// Begins the next file. The first is begun before any row is encoded, so that a sink that refuses is known.
    pub(crate) fn open(&mut self) -> Result<(), ExportError> {
        if self.files.len() >= FILES_MAX {
            return Err(ExportError::too_many_files(FILES_MAX));
        }
        let new = NewFile {
            index: self.files.len() as u32,
            partition: self.partition.clone(),
            number: self.number,
        };
        let recipients = self.outside.recipients.as_ref();
        let encryption = recipients.map(Recipients::begin).transpose()?;
        let part = self
            .sink
            .open(&new)
            .map_err(|error| ExportError::sink("cannot open the file", error))?;
        let open = self.open.insert(Open {
            file: None,
            out: PartOutput {
                part,
                new,
                rows: 0,
                plain_bytes: 0,
                encryption,
                bytes: 0,
                digest: self.outside.digest.map(Digest::new),
                progress: Arc::clone(&self.progress),
            },
        });
        open.file = Some(self.format.begin(&mut open.out)?);
        self.number += 1;
        Ok(())
    }

    /// Goes on to the files of a partition.
    fn enter(&mut self, partition: Option<Arc<str>>) -> Result<(), ExportError> {
        if partition == self.partition {
            return Ok(());
        }
        if let Some(partition) = &partition
            && !self.partitions.insert(Arc::clone(partition))
        {
            return Err(ExportError::internal(
                "the export stopped",
                format!("the rows of '{partition}' are not together"),
            ));
        }
        if self.open.is_some() {
            self.close()?;
        }
        self.partition = partition;
        self.number = 0;
        self.open()
    }

    /// Writes a piece of a partition, into as many files as it takes, and gives its buffer back.
    pub(crate) fn write(
        &mut self,
        mut piece: F::Piece,
        partition: Option<Arc<str>>,
    ) -> Result<Vec<u8>, ExportError> {
        self.enter(partition)?;
        loop {
            let Some(Open {
                file: Some(file),
                out,
            }) = &mut self.open
            else {
                return Err(no_file());
            };
            let Appended { rows, left } = self.format.append(file, piece, out)?;
            out.rows += rows;
            self.progress.add_rows(rows);
            match left {
                Left::Buffer(buffer) => return Ok(buffer),
                Left::Piece(left) => piece = left,
            }
            self.close()?;
            self.open()?;
        }
    }

    /// Ends the last file, lets the sink publish them all, and gives the report.
    pub(crate) fn finish(mut self) -> Result<ExportReport, ExportError> {
        if self.open.is_none() {
            // Rows are partitioned, and there are none.
            self.open()?;
        }
        self.close()?;
        self.sink
            .finish()
            .map_err(|error| ExportError::sink("cannot publish the files", error))?;
        let files = std::mem::take(&mut self.files);
        let (rows, bytes) = files
            .iter()
            .fold((0, 0), |sum, file| (sum.0 + file.rows, sum.1 + file.bytes));
        Ok(ExportReport { files, rows, bytes })
    }

    fn close(&mut self) -> Result<(), ExportError> {
        let Some(open) = &mut self.open else {
            return Err(no_file());
        };
        if let Some(file) = open.file.take() {
            self.format.end(file, &mut open.out)?;
            open.out.seal()?;
        }
        // From here on the part cleans up after itself.
        let Some(Open { out, .. }) = self.open.take() else {
            return Err(no_file());
        };
        out.part
            .finish()
            .map_err(|error| ExportError::sink("cannot finish the file", error))?;
        self.progress.add_file();
        self.files.push(FileReport {
            index: out.new.index,
            partition: out.new.partition.as_deref().map(str::to_owned),
            rows: out.rows,
            bytes: out.bytes,
            digest: out.digest.map(Digest::finish),
        });
        Ok(())
    }
}

impl<F: Format, K: PartSink> Drop for Writer<F, K> {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            open.out.part.abort();
        }
    }
}

impl<P: Part> PartOutput<P> {
    /// Writes bytes as the file has them.
    fn write(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
        self.part
            .write(bytes)
            .map_err(|error| ExportError::sink("cannot write the file", error))?;
        self.bytes += bytes.len() as u64;
        self.progress.add_bytes(bytes.len() as u64);
        Ok(())
    }

    /// Ends the encryption of a file that the format has ended.
    fn seal(&mut self) -> Result<(), ExportError> {
        match self.encryption.take() {
            Some(encryption) => encryption.finish(|sealed| self.write(sealed)),
            None => Ok(()),
        }
    }
}

impl<P: Part> Output for PartOutput<P> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        self.plain_bytes += bytes.len() as u64;
        let Some(mut encryption) = self.encryption.take() else {
            return self.write(bytes);
        };
        let written = encryption.write(bytes, |sealed| self.write(sealed));
        self.encryption = Some(encryption);
        written
    }

    #[expect(
        clippy::misnamed_getters,
        reason = "a format counts what it has put, whatever encryption makes of it"
    )]
    fn bytes(&self) -> u64 {
        self.plain_bytes
    }
}

fn no_file() -> ExportError {
    ExportError::internal("the export stopped", "no file is open".to_owned())
}
