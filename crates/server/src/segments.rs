//! The files that managed tables are made of: rows become one Parquet segment, durable before the catalog lists it.
//! A segment that is not listed in the end is removed, at the latest by the next start.

use std::io;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use catalog::{Checksums, Segment};
use exporter::Digest;
use futures::StreamExt;
use query::segment::{Checksummer, SegmentWriter};
use query::{BatchStream, BlockChecksums, FileRef};
use storage::{Draft, ObjectPath, OnExisting, PlannedFile};
use uuid::Uuid;

use crate::error::{Error, Reason, Result};
use crate::instance::{Instance, wait_for};

/// Batches between the query and the segment's writer.
const BATCHES_QUEUED_MAX: usize = 2;

/// A written segment that no table lists yet: dropping it removes its file.
#[derive(Debug)]
pub(crate) struct Unlisted {
    instance: Arc<Instance>,
    segment: Option<Segment>,
}

impl Unlisted {
    /// Rows in it.
    pub(crate) fn rows(&self) -> u64 {
        self.segment.as_ref().map_or(0, |segment| segment.rows)
    }

    /// The segment, whose file is there as long as this is.
    pub(crate) fn segment(&self) -> Option<&Segment> {
        self.segment.as_ref()
    }

    /// The segment, to be listed now. Its file stays where it is from here on: an error of the catalog does not always
    /// mean that the listing was not written.
    pub(crate) fn into_segment(mut self) -> Option<Segment> {
        self.segment.take()
    }
}

impl Drop for Unlisted {
    fn drop(&mut self) {
        if let Some(segment) = self.segment.take() {
            self.instance.internal.remove_segments([segment.file]);
        }
    }
}

/// What the engine reads a segment by.
pub(crate) fn file_ref(segment: &Segment) -> FileRef {
    let checksums = &segment.checksums;
    FileRef {
        path: segment.file.clone(),
        bytes: segment.bytes,
        rows: Some(segment.rows),
        // Segments from before there were checksums have none.
        checksums: (checksums.block_bytes > 0).then(|| BlockChecksums {
            block_bytes: checksums.block_bytes,
            crc32c: checksums.crc32c.as_slice().into(),
        }),
    }
}

/// Writes the batches as a new segment in `folder`. No rows: no segment.
pub(crate) async fn write(
    instance: &Arc<Instance>,
    folder: &str,
    mut batches: BatchStream,
    schema: SchemaRef,
) -> Result<Option<Unlisted>> {
    let id = Uuid::now_v7().to_string();
    let file = ObjectPath::parse(&format!("{folder}/{id}.parquet"))?;
    let (sender, mut receiver) = tokio::sync::mpsc::channel(BATCHES_QUEUED_MAX);
    let owner = Arc::clone(instance);
    let written = instance.blocking(move |instance| {
        let store = &instance.internal.tables;
        let draft = wait_for(store.draft(&id, 0, &file))?;
        let mut writer = SegmentWriter::new(Summing::new(draft), schema)?;
        // Leaving with an error drops the writer, which removes the draft. So does a client that
        // leaves: then the channel closes without the end having been said, and a part of the rows
        // must not pass for all of them.
        loop {
            match receiver.blocking_recv() {
                Some(Fed::Batch(batch)) => writer.write(&batch?)?,
                Some(Fed::End) => break,
                None => return Err(interrupted()),
            }
        }
        let rows = writer.rows();
        if rows == 0 {
            return Ok(None);
        }
        let (written, _) = writer.finish()?;
        let (draft, sha256, sums) = written.finish();
        let finished = draft.finish()?;
        let planned = PlannedFile {
            token: finished.token,
            target: file,
            on_existing: OnExisting::Refuse,
            bytes: finished.bytes,
            digest: sha256,
        };
        wait_for(async {
            store.publish(&planned).await?;
            store.sweep(&id).await
        })?;
        Ok(Some(Unlisted {
            instance: owner,
            segment: Some(Segment {
                id: 0,
                file: planned.target.to_string(),
                rows,
                bytes: planned.bytes,
                sha256: planned.digest,
                checksums: Checksums {
                    block_bytes: sums.block_bytes,
                    crc32c: sums.crc32c.to_vec(),
                },
            }),
        }))
    });
    let feed = async {
        while let Some(batch) = batches.next().await {
            if sender.send(Fed::Batch(batch)).await.is_err() {
                return;
            }
        }
        // A writer that has failed says so itself.
        let _ = sender.send(Fed::End).await;
    };
    let (written, ()) = tokio::join!(written, feed);
    written
}

/// A draft that is digested and summed as it is written.
struct Summing {
    draft: Draft,
    digest: Digest,
    sums: Checksummer,
}

impl Summing {
    fn new(draft: Draft) -> Self {
        Self {
            draft,
            digest: Digest::default(),
            sums: Checksummer::default(),
        }
    }

    /// The draft, the SHA-256 of what was written, and the checksums of its blocks.
    fn finish(self) -> (Draft, String, BlockChecksums) {
        (self.draft, self.digest.finish(), self.sums.finish())
    }
}

impl io::Write for Summing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.draft.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.sums.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the query's side sends to the writer's.
enum Fed {
    Batch(std::result::Result<RecordBatch, query::Error>),
    End,
}

fn interrupted() -> Error {
    Error::new(
        Reason::Internal,
        1317,
        "70100",
        "Query execution was interrupted: the client left, and nothing was changed",
    )
}
