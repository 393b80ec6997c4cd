//! INSERT: the rows become one Parquet segment, durable before the catalog lists it; the listing is the
//! moment at which they exist. A crash before it leaves a file that the next start removes.

use std::io;

use arrow::array::RecordBatch;
use catalog::{Segment, TableRecord, TableSource};
use exporter::Digest;
use futures::StreamExt;
use parser::Insert;
use query::segment::SegmentWriter;
use query::{BatchStream, InsertColumn, InsertTarget};
use storage::{Draft, ObjectPath, OnExisting, PlannedFile};
use uuid::Uuid;

use crate::error::{Error, Reason, Result};
use crate::gate::{Operation, Permit};
use crate::instance::wait_for;
use crate::system_tables;
use crate::turns::Work;

use super::queries::{fields, texts};
use super::result::Done;
use super::tables::{missing_table, table_object};
use super::{Outcome, Session};

/// Batches between the query and the segment's writer.
const BATCHES_QUEUED_MAX: usize = 2;

impl Session {
    pub(crate) async fn insert(&mut self, statement: Insert) -> Result<Outcome> {
        let (mut permit, mut table) = self.insertable(&statement).await?;
        let _turn = match self.free_turn(Work::Insert)? {
            Some(turn) => turn,
            None => {
                let turn = self.take_turn(Work::Insert).await?;
                // What was permitted and found before the wait may not be so behind it.
                (permit, table) = self.insertable(&statement).await?;
                turn
            }
        };
        let pin = self.instance.internal.pin();
        let target = insert_target(&table, &statement)?;
        let (source, context) = self.query_context(&statement.source).await?;
        let planned = self
            .instance
            .engine
            .plan_insert(&source, target, context)
            .await?;
        let schema = planned.schema();
        let rows = self
            .write_segment(permit, table, planned.stream()?, schema)
            .await?;
        drop(pin);
        Ok(Outcome::Done(Done {
            verb: "INSERT",
            affected_rows: rows,
            warnings: texts(planned.warnings()),
        }))
    }

    /// The table, once the principal may insert into it.
    async fn insertable(&self, statement: &Insert) -> Result<(Permit, TableRecord)> {
        let (database, name) = self.resolve(&statement.table);
        let object = table_object(&database, &name);
        self.act(Operation::Insert, object, move |acting, permit| {
            if system_tables::is_system_database(&database) {
                return Err(Error::new(
                    Reason::PermissionDenied,
                    1044,
                    "42000",
                    format!("database '{database}' is the server's own and read-only"),
                ));
            }
            let table = acting.existing_table(permit, &database, &name)?;
            match table.source {
                TableSource::Segments(_) => Ok((permit.clone(), table)),
                TableSource::External { .. } => Err(Error::invalid_input(
                    Reason::QueryInvalid,
                    "cannot insert/update/delete from external table",
                )),
            }
        })
        .await
    }

    /// Writes the batches as a new segment of the table, and lists it. No rows: no segment.
    async fn write_segment(
        &self,
        permit: Permit,
        table: TableRecord,
        mut batches: BatchStream,
        schema: arrow::datatypes::SchemaRef,
    ) -> Result<u64> {
        let id = Uuid::now_v7().to_string();
        let file = ObjectPath::parse(&format!("{}/{id}.parquet", table.id))?;
        let (sender, mut receiver) = tokio::sync::mpsc::channel(BATCHES_QUEUED_MAX);
        let written = self.instance.blocking(move |instance| {
            let store = &instance.internal.tables;
            let draft = wait_for(store.draft(&id, 0, &file))?;
            let mut writer = SegmentWriter::new(Digesting::new(draft), schema)?;
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
                return Ok(0);
            }
            let (written, _) = writer.finish()?;
            let (draft, sha256) = written.finish();
            let finished = draft.finish()?;
            let planned = PlannedFile {
                token: finished.token,
                target: file,
                on_existing: OnExisting::Refuse,
                bytes: finished.bytes,
                sha256,
            };
            wait_for(async {
                store.publish(&planned).await?;
                store.sweep(&id, None).await
            })?;
            let segment = Segment {
                id: 0,
                file: planned.target.to_string(),
                rows,
                bytes: planned.bytes,
                sha256: planned.sha256,
            };
            let listed = instance.catalog.add_segments(
                permit.actor(),
                &table.database,
                &table.name,
                table.id,
                vec![segment],
            );
            // The file stays where it is: an error does not always mean that the listing was not
            // written, and a file that no table lists is removed at the next start.
            match listed {
                Ok(_) => Ok(rows),
                Err(error) => Err(missing_table(error, &table.database, &table.name)),
            }
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
}

/// A draft that is digested as it is written.
struct Digesting {
    draft: Draft,
    digest: Digest,
}

impl Digesting {
    fn new(draft: Draft) -> Self {
        Self {
            draft,
            digest: Digest::default(),
        }
    }

    /// The draft, and the SHA-256 of what was written.
    fn finish(self) -> (Draft, String) {
        (self.draft, self.digest.finish())
    }
}

impl io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.draft.write(bytes)?;
        self.digest.update(&bytes[..written]);
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
        "Query execution was interrupted: the client left, and nothing was inserted",
    )
}

fn insert_target(table: &TableRecord, statement: &Insert) -> Result<InsertTarget> {
    let columns = fields(table)?
        .into_iter()
        .zip(&table.columns)
        .map(|(field, column)| InsertColumn {
            field,
            default: column.default.clone(),
            auto_increment: None,
        });
    let named = (!statement.columns.is_empty()).then(|| {
        statement
            .columns
            .iter()
            .map(|name| name.value.clone())
            .collect()
    });
    Ok(InsertTarget {
        columns: columns.collect(),
        named,
    })
}
