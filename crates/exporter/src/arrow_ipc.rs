//! Arrow IPC files (`.arrow`, Feather 2): real types, compressed buffers. A job is a record batch, encoded by one
//! worker; the writer thread strings the batches together and writes the footer, which says where they are.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow_ipc::convert::IpcSchemaEncoder;
use arrow_ipc::writer::{
    DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions, write_message,
};
use arrow_ipc::{Block, CompressionType, FooterBuilder, MetadataVersion};
use flatbuffers::FlatBufferBuilder;

use crate::error::{EncodeError, ExportError};
use crate::format::{Appended, Format, Left, Output};
use crate::job::Job;
use crate::stored::{Lacks, stored_columns};

/// Bytes of text that the rows of a record batch would make.
pub(crate) const BATCH_BYTES: u64 = 4 << 20;
/// The magic, padded to the alignment of what follows.
const MAGIC: &[u8; 6] = b"ARROW1";
const ALIGNMENT: usize = 64;
/// A continuation marker, and no message.
const END_OF_STREAM: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
/// A batch's entry in the footer.
const BLOCK_BYTES: u64 = size_of::<Block>() as u64;

/// How the buffers of an Arrow file are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArrowCompression {
    /// Not at all.
    None,
    /// LZ4 frames.
    Lz4,
    /// Zstandard.
    Zstd {
        /// From 1, fast, to 22, small.
        level: u8,
    },
}

impl Default for ArrowCompression {
    fn default() -> Self {
        Self::Zstd { level: 1 }
    }
}

/// An Arrow file's format.
pub(crate) struct ArrowFiles {
    expected: SchemaRef,
    stored: SchemaRef,
    options: IpcWriteOptions,
    head: Vec<u8>,
    file_bytes_max: Option<u64>,
    /// Bytes of a footer without batches, and of what surrounds it.
    tail_bytes: u64,
}

/// A record batch as its message.
pub(crate) struct BatchMessage {
    bytes: Vec<u8>,
    head_bytes: usize,
    body_bytes: usize,
    rows: u64,
    /// The rows themselves, where the message may have to be made anew of fewer.
    source: Option<RecordBatch>,
}

/// A file while it is written.
#[derive(Default)]
pub(crate) struct ArrowFile {
    blocks: Vec<Block>,
    rows: u64,
}

impl ArrowFiles {
    /// # Errors
    /// A level that the compression does not know, a type that Arrow's files have not, a limit below an empty file's size.
    pub(crate) fn new(
        schema: &SchemaRef,
        compression: ArrowCompression,
        file_bytes_max: Option<u64>,
    ) -> Result<Self, EncodeError> {
        let lacks = Lacks {
            views: true,
            rarities: false,
        };
        let stored = lacks.stored_schema(schema);
        if let Some(field) = stored
            .fields()
            .iter()
            .find(|field| matches!(field.data_type(), DataType::Union(..)))
        {
            let reason = format!("type {} has no stored form", field.data_type());
            return Err(EncodeError::unsupported(field.name(), reason));
        }
        let (kind, level) = match compression {
            ArrowCompression::None => (None, None),
            ArrowCompression::Lz4 => (Some(CompressionType::LZ4_FRAME), None),
            ArrowCompression::Zstd { level } if (1..=22).contains(&level) => {
                (Some(CompressionType::ZSTD), Some(i32::from(level)))
            }
            ArrowCompression::Zstd { level } => {
                return Err(EncodeError::options(format!(
                    "zstd has the compression levels 1 to 22, not {level}"
                )));
            }
        };
        let refuse = |error: &ArrowError| {
            EncodeError::options(format!(
                "the columns have no form in Arrow's files: {error}"
            ))
        };
        let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)
            .and_then(|options| options.try_with_compression(kind))
            .and_then(|options| options.try_with_compression_level(level))
            .map_err(|error| refuse(&error))?;
        let mut files = Self {
            expected: Arc::clone(schema),
            stored,
            options,
            head: Vec::new(),
            file_bytes_max,
            tail_bytes: 0,
        };
        files.head = files.head().map_err(|error| refuse(&error))?;
        files.tail_bytes = files.tail(&[]).len() as u64;
        if let Some(max) = file_bytes_max
            && files.head.len() as u64 + files.tail_bytes >= max
        {
            return Err(EncodeError::options(
                "the header line size is over the maxFileSize/splitSize".to_owned(),
            ));
        }
        Ok(files)
    }

    /// The magic and the schema.
    fn head(&self) -> Result<Vec<u8>, ArrowError> {
        let mut head = MAGIC.to_vec();
        head.resize(ALIGNMENT, 0);
        let schema = IpcDataGenerator::default().schema_to_bytes_with_dictionary_tracker(
            &self.stored,
            &mut DictionaryTracker::new(true),
            &self.options,
        );
        write_message(&mut head, schema, &self.options)?;
        Ok(head)
    }

    /// The end of the batches, the footer, its length and the magic.
    fn tail(&self, blocks: &[Block]) -> Vec<u8> {
        let mut builder = FlatBufferBuilder::new();
        let no_dictionaries: [Block; 0] = [];
        let dictionaries = builder.create_vector(&no_dictionaries);
        let batches = builder.create_vector(blocks);
        let mut tracker = DictionaryTracker::new(true);
        let schema = IpcSchemaEncoder::new()
            .with_dictionary_tracker(&mut tracker)
            .schema_to_fb_offset(&mut builder, &self.stored);
        let mut footer = FooterBuilder::new(&mut builder);
        footer.add_version(MetadataVersion::V5);
        footer.add_schema(schema);
        footer.add_dictionaries(dictionaries);
        footer.add_recordBatches(batches);
        let footer = footer.finish();
        builder.finish(footer, None);
        let footer = builder.finished_data();
        let mut tail = END_OF_STREAM.to_vec();
        tail.extend_from_slice(footer);
        tail.extend_from_slice(&(footer.len() as u32).to_le_bytes());
        tail.extend_from_slice(MAGIC);
        tail
    }

    fn message(
        &self,
        batch: RecordBatch,
        context: &mut IpcWriteContext,
    ) -> Result<BatchMessage, EncodeError> {
        let refuse = |error: ArrowError| EncodeError::refused(format!("Arrow: {error}"));
        let (_, encoded) = IpcDataGenerator::default()
            .encode(
                &batch,
                &mut DictionaryTracker::new(true),
                &self.options,
                context,
            )
            .map_err(refuse)?;
        let mut bytes = Vec::with_capacity(encoded.arrow_data.len() + 4096);
        let (head_bytes, body_bytes) =
            write_message(&mut bytes, encoded, &self.options).map_err(refuse)?;
        Ok(BatchMessage {
            bytes,
            head_bytes,
            body_bytes,
            rows: batch.num_rows() as u64,
            source: self.file_bytes_max.map(|_| batch),
        })
    }

    /// Whether a file may have the message, if it may have at most `max` bytes.
    fn has_room(&self, file: &ArrowFile, message: &BatchMessage, written: u64, max: u64) -> bool {
        // The vector of blocks is padded to eight bytes.
        let blocks = (file.blocks.len() as u64 + 1) * BLOCK_BYTES + 8;
        written + message.bytes.len() as u64 + blocks + self.tail_bytes <= max
    }
}

impl Format for ArrowFiles {
    type Piece = BatchMessage;
    type Scratch = IpcWriteContext;
    type File = ArrowFile;

    fn encode(
        &self,
        job: Job,
        _buffer: Vec<u8>,
        context: &mut IpcWriteContext,
    ) -> Result<BatchMessage, EncodeError> {
        let mut row = job.first_row;
        let stored = |batch: &RecordBatch| {
            let columns = stored_columns(batch, &self.expected, &self.stored, row)?;
            row += batch.num_rows() as u64;
            RecordBatch::try_new(Arc::clone(&self.stored), columns)
                .map_err(|error| EncodeError::mismatch(error.to_string()))
        };
        let batches: Vec<RecordBatch> = job.slices.iter().map(stored).collect::<Result<_, _>>()?;
        drop(job);
        let batch = match <[RecordBatch; 1]>::try_from(batches) {
            Ok([batch]) => batch,
            Err(batches) => concat_batches(&self.stored, &batches)
                .map_err(|error| EncodeError::refused(format!("Arrow: {error}")))?,
        };
        self.message(batch, context)
    }

    fn begin(&self, out: &mut dyn Output) -> Result<ArrowFile, ExportError> {
        out.put(&self.head)?;
        Ok(ArrowFile::default())
    }

    fn append(
        &self,
        file: &mut ArrowFile,
        mut piece: BatchMessage,
        out: &mut dyn Output,
    ) -> Result<Appended<BatchMessage>, ExportError> {
        let mut rest = None;
        if let (Some(max), Some(whole)) = (self.file_bytes_max, piece.source.take()) {
            if file.rows > 0 && !self.has_room(file, &piece, out.bytes(), max) {
                piece.source = Some(whole);
                return Ok(Appended {
                    rows: 0,
                    left: Left::Piece(piece),
                });
            }
            // In a file of its own, and still too large: fewer rows.
            let mut rows = whole.num_rows();
            while rows > 1 && !self.has_room(file, &piece, out.bytes(), max) {
                rows /= 2;
                piece = self.message(whole.slice(0, rows), &mut IpcWriteContext::default())?;
            }
            if rows < whole.num_rows() {
                let left = whole.slice(rows, whole.num_rows() - rows);
                rest = Some(self.message(left, &mut IpcWriteContext::default())?);
            }
        }
        file.blocks.push(Block::new(
            i64::try_from(out.bytes()).unwrap_or(i64::MAX),
            i32::try_from(piece.head_bytes).unwrap_or(i32::MAX),
            i64::try_from(piece.body_bytes).unwrap_or(i64::MAX),
        ));
        file.rows += piece.rows;
        out.put(&piece.bytes)?;
        Ok(Appended {
            rows: piece.rows,
            left: rest.map_or_else(
                || {
                    piece.bytes.clear();
                    Left::Buffer(piece.bytes)
                },
                Left::Piece,
            ),
        })
    }

    fn end(&self, file: ArrowFile, out: &mut dyn Output) -> Result<(), ExportError> {
        out.put(&self.tail(&file.blocks))
    }
}
