//! The driver: a stream of batches is cut into jobs, encoded by worker threads, and written in order by
//! one thread. At most `threads + 2` chunks exist at any time; a chunk's buffer is used again.

use std::any::Any;
use std::collections::BTreeMap;
use std::error::Error;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle};

use arrow::array::RecordBatch;
use futures::channel::mpsc as wake;
use futures::future::{Either, select};
use futures::{Stream, StreamExt};

use crate::error::{EncodeError, ExportError};
use crate::format::Format;
use crate::job::{Job, JobCutter};
use crate::options::{ExportOptions, Files};
use crate::part::PartSink;
use crate::partition::Partitions;
use crate::report::ExportReport;
use crate::writer::Writer;

/// A buffer that one giant row has made larger than this is not kept.
const BUFFER_BYTES_KEPT: usize = 16 << 20;

/// An encoded job on its way to the writer.
struct Chunk<P> {
    number: u64,
    partition: Option<Arc<str>>,
    piece: Result<P, ExportError>,
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
/// needs no particular runtime. An empty stream gives one part, with what its format begins with.
///
/// **Dropping the future cancels the export**: the threads notice within one chunk, the open part is aborted, the sink is
/// dropped without [`PartSink::finish`], and they end. Dropping does not wait for that;
/// [`Progress::ended`](crate::Progress::ended) does. Where the sink had begun to publish, the export may be complete.
///
/// # Errors
/// The first error of the stream, an encoder or the sink, or a panic among the threads, by
/// [`ExportErrorKind`](crate::ExportErrorKind). The open part has been aborted, and all threads have ended; parts
/// that were finished before are the sink's to remove when it is dropped, as those of this crate do.
pub async fn export<S, E, K>(
    batches: S,
    sink: K,
    options: ExportOptions,
) -> Result<ExportReport, ExportError>
where
    S: Stream<Item = Result<RecordBatch, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
    K: PartSink + 'static,
{
    match options.files()? {
        Files::Text(format) => run(batches, sink, format, &options).await,
        Files::Parquet(format) => run(batches, sink, *format, &options).await,
        Files::Arrow(format) => run(batches, sink, format, &options).await,
    }
}

async fn run<S, E, K, F>(
    batches: S,
    sink: K,
    format: F,
    options: &ExportOptions,
) -> Result<ExportReport, ExportError>
where
    S: Stream<Item = Result<RecordBatch, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
    K: PartSink + 'static,
    F: Format,
{
    let mut batches = pin!(batches);
    let mut crew = Crew::start(sink, Arc::new(format), options)?;
    let mut cutter = JobCutter::new(options.chunk_bytes, options.row_bytes());
    let mut buffers = Vec::new();
    let mut rows = 0;
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
        let batch = match item {
            Some(Ok(batch)) => batch,
            Some(Err(error)) => return crew.fail(ExportError::source(error.into())).await,
            None => break,
        };
        let first_row = rows;
        rows += batch.num_rows() as u64;
        for run in runs(options.partitions.as_ref(), batch, first_row) {
            let (partition, mut batch) = match run {
                Ok(run) => run,
                Err(error) => return crew.fail(error.into()).await,
            };
            let mut next = partition.as_ref().and_then(|name| cutter.enter(name));
            loop {
                let job = match next.take() {
                    Some(job) => job,
                    None => match cutter.push(&mut batch) {
                        Some(job) => job,
                        None => break,
                    },
                };
                if let Err(end) = crew.send(job, &mut buffers).await {
                    return crew.join(end);
                }
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

/// Rows of one partition, or any where there are none.
type RowRun = (Option<Arc<str>>, RecordBatch);

/// A batch as what goes into one folder each, one after the other: there may be as many as rows.
fn runs<'a>(
    partitions: Option<&'a Partitions>,
    batch: RecordBatch,
    first_row: u64,
) -> Box<dyn Iterator<Item = Result<RowRun, EncodeError>> + Send + 'a> {
    match partitions {
        None => Box::new(iter::once(Ok((None, batch)))),
        Some(partitions) => match partitions.runs(batch, first_row) {
            Ok(runs) => Box::new(runs.map(|run| run.map(|(name, rows)| (Some(name), rows)))),
            Err(error) => Box::new(iter::once(Err(error))),
        },
    }
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
    fn start<K: PartSink + 'static, F: Format>(
        sink: K,
        format: Arc<F>,
        options: &ExportOptions,
    ) -> Result<Self, ExportError> {
        let threads = options.threads;
        let is_partitioned = options.partitions.is_some();
        let (outside, progress) = (options.outside.clone(), Arc::clone(&options.progress));
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
        for _ in 0..threads + 2 {
            // The receiver is alive, so this cannot fail.
            let _ = events.unbounded_send(Event::Buffer(Vec::new()));
        }
        let job_queue = Arc::new(Mutex::new(job_queue));
        for _ in 0..threads {
            let (format, jobs, chunks) =
                (Arc::clone(&format), Arc::clone(&job_queue), chunks.clone());
            let cancelled = Arc::clone(&cancelled);
            crew.spawn("export-encode", move || {
                encode_jobs(format.as_ref(), &jobs, &chunks, &cancelled)
            })?;
        }
        drop(chunks);
        let run = progress.begin();
        crew.spawn("export-write", move || {
            // The events' sender outlives the writer: whoever sees the channel closed knows it is gone.
            let write = || {
                write_chunks(
                    Writer::new(format, sink, outside, progress),
                    &chunk_queue,
                    &events,
                    &cancelled,
                    is_partitioned,
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
            // The sink is gone by now.
            drop(run);
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
fn encode_jobs<F: Format>(
    format: &F,
    jobs: &Mutex<mpsc::Receiver<(Job, Vec<u8>)>>,
    chunks: &mpsc::Sender<Chunk<F::Piece>>,
    cancelled: &AtomicBool,
) {
    let mut scratch = F::Scratch::default();
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((job, buffer)) = job else { return };
        if cancelled.load(Ordering::Relaxed) {
            return;
        }
        let (number, partition) = (job.number, job.partition.clone());
        let encode = || format.encode(job, buffer, &mut scratch);
        let piece = match catch_unwind(AssertUnwindSafe(encode)) {
            Ok(piece) => piece.map_err(Into::into),
            Err(panic) => Err(ExportError::internal(
                "an encoder panicked",
                panic_text(panic.as_ref()),
            )),
        };
        let chunk = Chunk {
            number,
            partition,
            piece,
        };
        if chunks.send(chunk).is_err() {
            return;
        }
    }
}

/// The writer: puts the chunks into their order and gives their buffers back.
fn write_chunks<F: Format, K: PartSink>(
    mut writer: Writer<F, K>,
    chunks: &mpsc::Receiver<Chunk<F::Piece>>,
    events: &wake::UnboundedSender<Event>,
    cancelled: &AtomicBool,
    is_partitioned: bool,
) -> Result<ExportReport, ExportError> {
    if !is_partitioned {
        writer.open()?;
    }
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    for chunk in chunks {
        waiting.insert(chunk.number, chunk);
        while let Some(chunk) = waiting.remove(&next) {
            if cancelled.load(Ordering::Relaxed) {
                return Err(cancelled_error());
            }
            let mut buffer = writer.write(chunk.piece?, chunk.partition)?;
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
