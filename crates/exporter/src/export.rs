//! The driver: a stream of batches is cut into jobs, encoded by worker threads, and written in order by
//! one thread. At most `threads + 2` chunks exist at any time; a chunk's buffer is used again.

use std::any::Any;
use std::collections::BTreeMap;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::channel::mpsc as wake;
use futures::future::{Either, select};
use futures::{Stream, StreamExt};

use crate::csv::{CsvEncoder, CsvOptions};
use crate::error::{EncodeError, ExportError};
use crate::job::{Job, JobCutter};
use crate::part::PartSink;
use crate::report::{ExportReport, Progress};
use crate::writer::Writer;

/// A buffer that one giant row has made larger than this is not kept.
const BUFFER_BYTES_KEPT: usize = 16 << 20;

/// What is written, and with how much of the machine.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    encoder: Arc<CsvEncoder>,
    threads: usize,
    chunk_bytes: u64,
}

impl ExportOptions {
    /// CSV of the given schema, encoded by one thread per core.
    ///
    /// # Errors
    /// Those of [`CsvEncoder::new`].
    pub fn csv(schema: &SchemaRef, options: CsvOptions) -> Result<Self, EncodeError> {
        let encoder = Arc::new(CsvEncoder::new(schema, options)?);
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            encoder,
            threads,
            chunk_bytes: 2 << 20,
        })
    }

    /// The number of threads that encode; at least one.
    pub fn threads(self, threads: usize) -> Self {
        Self {
            threads: threads.max(1),
            ..self
        }
    }

    /// About how many bytes of text one thread encodes at a time; two megabytes if not said.
    pub fn chunk_bytes(self, chunk_bytes: u64) -> Self {
        Self {
            chunk_bytes: chunk_bytes.max(1),
            ..self
        }
    }
}

/// A job's text on its way to the writer.
struct Chunk {
    number: u64,
    rows: u64,
    bytes: Result<Vec<u8>, ExportError>,
}

/// What the writer thread tells the driver.
enum Event {
    /// A buffer is free for the next job.
    Buffer(Vec<u8>),
    /// The export has ended, and its part with it.
    End(Result<ExportReport, ExportError>),
}

/// Writes every batch of a stream to the sink's parts, rows in the stream's order.
///
/// Encoding and writing happen on threads of the export's own; the future itself only polls the stream, and
/// needs no particular runtime. **Dropping the future cancels the export**: the threads notice within one
/// chunk, the open part is aborted, and they end. An empty stream gives one part with the header.
///
/// # Errors
/// The first error of the stream, an encoder or the sink, or a panic among the threads, by
/// [`ExportErrorKind`](crate::ExportErrorKind). The open part has been aborted, and all threads have ended.
pub async fn export<S, E, K>(
    batches: S,
    sink: K,
    options: ExportOptions,
    progress: Arc<Progress>,
) -> Result<ExportReport, ExportError>
where
    S: Stream<Item = Result<RecordBatch, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
    K: PartSink + 'static,
{
    let mut batches = pin!(batches);
    let mut crew = Crew::start(sink, &options, progress)?;
    let mut cutter = JobCutter::new(options.chunk_bytes);
    let mut buffers = Vec::new();
    loop {
        // A batch is only asked for when a buffer is there to take its text.
        if buffers.is_empty() {
            match crew.events.next().await {
                Some(Event::Buffer(buffer)) => buffers.push(buffer),
                Some(Event::End(result)) => return crew.join(result),
                None => return crew.join(Err(lost_writer())),
            }
        }
        let item = match select(batches.next(), crew.events.next()).await {
            Either::Left((item, _)) => item,
            Either::Right((Some(Event::Buffer(buffer)), _)) => {
                buffers.push(buffer);
                continue;
            }
            Either::Right((Some(Event::End(result)), _)) => return crew.join(result),
            Either::Right((None, _)) => return crew.join(Err(lost_writer())),
        };
        let mut batch = match item {
            Some(Ok(batch)) => batch,
            Some(Err(error)) => return crew.fail(ExportError::source(error.into())).await,
            None => break,
        };
        while let Some(job) = cutter.push(&mut batch) {
            if let Err(end) = crew.send(job, &mut buffers).await {
                return crew.join(end);
            }
        }
    }
    if let Some(job) = cutter.finish()
        && let Err(end) = crew.send(job, &mut buffers).await
    {
        return crew.join(end);
    }
    // No more jobs: the workers end, then the writer finishes the part.
    crew.jobs = None;
    let result = crew.end().await;
    crew.join(result)
}

/// The threads of one export.
struct Crew {
    jobs: Option<mpsc::Sender<(Job, Vec<u8>)>>,
    events: wake::UnboundedReceiver<Event>,
    /// Set when nobody waits for the result any more: the writer then aborts instead of finishing.
    cancelled: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Crew {
    fn start<K: PartSink + 'static>(
        sink: K,
        options: &ExportOptions,
        progress: Arc<Progress>,
    ) -> Result<Self, ExportError> {
        let (jobs, job_queue) = mpsc::channel();
        let (chunks, chunk_queue) = mpsc::channel();
        let (events, event_queue) = wake::unbounded();
        let cancelled = Arc::new(AtomicBool::new(false));
        let mut crew = Self {
            jobs: Some(jobs),
            events: event_queue,
            cancelled: Arc::clone(&cancelled),
            threads: Vec::new(),
        };
        for _ in 0..options.threads + 2 {
            // The receiver is alive, so this cannot fail.
            let _ = events.unbounded_send(Event::Buffer(Vec::new()));
        }
        let job_queue = Arc::new(Mutex::new(job_queue));
        for _ in 0..options.threads {
            let (encoder, jobs, chunks) = (
                Arc::clone(&options.encoder),
                Arc::clone(&job_queue),
                chunks.clone(),
            );
            let cancelled = Arc::clone(&cancelled);
            crew.spawn("export-encode", move || {
                encode_jobs(&encoder, &jobs, &chunks, &cancelled)
            })?;
        }
        drop(chunks);
        let mut header = Vec::new();
        options.encoder.header(&mut header);
        crew.spawn("export-write", move || {
            // The events' sender outlives the writer: whoever sees the channel closed knows it is gone.
            let write = || {
                write_chunks(
                    Writer::new(sink, header, progress),
                    &chunk_queue,
                    &events,
                    &cancelled,
                )
            };
            let result = catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|panic| {
                Err(ExportError::internal(
                    "the sink panicked",
                    panic_text(panic.as_ref()),
                ))
            });
            // The workers stop as soon as one of their chunks finds nobody.
            cancelled.store(true, Ordering::Relaxed);
            drop(chunk_queue);
            // Nobody may be waiting: a cancelled export.
            let _ = events.unbounded_send(Event::End(result));
        })?;
        Ok(crew)
    }

    fn spawn(
        &mut self,
        name: &str,
        run: impl FnOnce() + Send + 'static,
    ) -> Result<(), ExportError> {
        let thread = Builder::new().name(name.to_owned()).spawn(run);
        let thread = thread
            .map_err(|error| ExportError::internal("cannot start a thread", error.to_string()))?;
        self.threads.push(thread);
        Ok(())
    }

    /// Gives a job to the workers when a buffer is free; the export's end, if it comes first.
    async fn send(
        &mut self,
        job: Job,
        buffers: &mut Vec<Vec<u8>>,
    ) -> Result<(), Result<ExportReport, ExportError>> {
        let buffer = loop {
            if let Some(buffer) = buffers.pop() {
                break buffer;
            }
            match self.events.next().await {
                Some(Event::Buffer(buffer)) => buffers.push(buffer),
                Some(Event::End(result)) => return Err(result),
                None => return Err(Err(lost_writer())),
            }
        };
        let sent = self
            .jobs
            .as_ref()
            .is_some_and(|jobs| jobs.send((job, buffer)).is_ok());
        // Without workers the writer has ended, or is about to, and says why.
        if sent { Ok(()) } else { Err(self.end().await) }
    }

    /// Waits for the writer's result.
    async fn end(&mut self) -> Result<ExportReport, ExportError> {
        loop {
            match self.events.next().await {
                Some(Event::End(result)) => return result,
                Some(Event::Buffer(_)) => {}
                None => return Err(lost_writer()),
            }
        }
    }

    /// Ends the export for an error from outside the threads.
    async fn fail(mut self, error: ExportError) -> Result<ExportReport, ExportError> {
        self.cancelled.store(true, Ordering::Relaxed);
        self.jobs = None;
        // The part is aborted before this returns; what the writer says about it has no meaning.
        let _ = self.end().await;
        self.join(Err(error))
    }

    /// Waits for the threads, which have nothing left to do: at most the job at hand.
    fn join(
        mut self,
        result: Result<ExportReport, ExportError>,
    ) -> Result<ExportReport, ExportError> {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // Both kinds of thread catch their panics.
            let _ = thread.join();
        }
        result
    }
}

impl Drop for Crew {
    /// Does not wait: a sink may need the very thread that drops the future.
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

fn lost_writer() -> ExportError {
    ExportError::internal(
        "the export stopped",
        "its writer thread ended without a result".to_owned(),
    )
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

/// A worker: encodes jobs until there are none, or nobody wants them.
fn encode_jobs(
    encoder: &CsvEncoder,
    jobs: &Mutex<mpsc::Receiver<(Job, Vec<u8>)>>,
    chunks: &mpsc::Sender<Chunk>,
    cancelled: &AtomicBool,
) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((job, mut buffer)) = job else { return };
        if cancelled.load(Ordering::Relaxed) {
            return;
        }
        let number = job.number;
        let rows = job.slices.iter().map(|slice| slice.num_rows() as u64).sum();
        let encode = || encode_job(encoder, &job, &mut buffer);
        let bytes = match catch_unwind(AssertUnwindSafe(encode)) {
            Ok(Ok(())) => Ok(buffer),
            Ok(Err(error)) => Err(error.into()),
            Err(panic) => Err(ExportError::internal(
                "an encoder panicked",
                panic_text(panic.as_ref()),
            )),
        };
        // The batch goes before the chunk is counted as done.
        drop(job);
        if chunks
            .send(Chunk {
                number,
                rows,
                bytes,
            })
            .is_err()
        {
            return;
        }
    }
}

fn encode_job(encoder: &CsvEncoder, job: &Job, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let mut first_row = job.first_row;
    for slice in &job.slices {
        encoder.encode(slice, first_row, out)?;
        first_row += slice.num_rows() as u64;
    }
    Ok(())
}

/// The writer: puts the chunks into their order and gives their buffers back.
fn write_chunks<K: PartSink>(
    mut writer: Writer<K>,
    chunks: &mpsc::Receiver<Chunk>,
    events: &wake::UnboundedSender<Event>,
    cancelled: &AtomicBool,
) -> Result<ExportReport, ExportError> {
    writer.open()?;
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    for chunk in chunks {
        waiting.insert(chunk.number, chunk);
        while let Some(chunk) = waiting.remove(&next) {
            if cancelled.load(Ordering::Relaxed) {
                return Err(cancelled_error());
            }
            let mut buffer = chunk.bytes?;
            writer.write(&buffer, chunk.rows)?;
            if buffer.capacity() > BUFFER_BYTES_KEPT {
                buffer = Vec::new();
            }
            buffer.clear();
            next += 1;
            // Nobody listens any more only when the future is gone: then `cancelled` says so.
            let _ = events.unbounded_send(Event::Buffer(buffer));
        }
    }
    if cancelled.load(Ordering::Relaxed) {
        return Err(cancelled_error());
    }
    writer.finish()
}

fn cancelled_error() -> ExportError {
    ExportError::internal("the export stopped", "it was cancelled".to_owned())
}
