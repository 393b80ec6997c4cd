//! Result sets as one Arrow IPC stream, in chunks small enough for every client's message limit.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;

use crate::error::{Error, Result};

/// gRPC clients take 4 MiB a message by default; a batch is sliced to stay well below.
const CHUNK_BYTES_TARGET: usize = 1 << 20;
const CHUNK_BYTES_MAX: usize = 3 << 20;

/// Turns batches into chunks that, joined together, are one IPC stream.
pub(crate) struct IpcChunks {
    writer: StreamWriter<Vec<u8>>,
}

impl IpcChunks {
    pub(crate) fn new(schema: &SchemaRef) -> Result<Self> {
        Ok(Self {
            writer: StreamWriter::try_new(Vec::new(), schema).map_err(failed)?,
        })
    }

    /// The chunks of one batch; the first batch's begin with the schema.
    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<Vec<u8>>> {
        let bytes = batch.get_array_memory_size().max(1);
        let rows_each =
            (batch.num_rows() * CHUNK_BYTES_TARGET / bytes).clamp(1, batch.num_rows().max(1));
        let mut chunks = Vec::new();
        let mut from = 0;
        while from < batch.num_rows() {
            let rows = rows_each.min(batch.num_rows() - from);
            self.writer
                .write(&batch.slice(from, rows))
                .map_err(failed)?;
            chunks.extend(self.take());
            from += rows;
        }
        Ok(chunks)
    }

    /// The end-of-stream mark; with no batch before it, the schema too.
    pub(crate) fn finish(&mut self) -> Result<Vec<Vec<u8>>> {
        self.writer.finish().map_err(failed)?;
        Ok(self.take())
    }

    /// What has been written since the last call, cut where a message would be too long.
    fn take(&mut self) -> Vec<Vec<u8>> {
        let written = std::mem::take(self.writer.get_mut());
        written
            .chunks(CHUNK_BYTES_MAX)
            .map(<[u8]>::to_vec)
            .collect()
    }
}

fn failed(error: arrow::error::ArrowError) -> Error {
    Error::defect("failed to encode a result").with_source(error)
}
