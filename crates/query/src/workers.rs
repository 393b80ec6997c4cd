//! The threads that queries compute on: a runtime of their own, so that an operator that does not yield
//! starves neither the server's connections nor its timers.

use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, ErrorKind};
use crate::stop::Stop;

/// Bytes of a worker's stack, as DataFusion's expressions recurse.
const STACK_BYTES: usize = 8 << 20;

/// Shared worker threads; they end with the last clone, without waiting for what they do.
#[derive(Debug, Clone)]
pub(crate) struct Workers(Arc<Owned>);

#[derive(Debug)]
struct Owned(Option<Runtime>);

impl Drop for Owned {
    /// A runtime may not be dropped within another one, but it may be told to end.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Workers {
    pub(crate) fn start(threads: usize) -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread()
            .thread_name("query-worker")
            .worker_threads(threads)
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .map_err(|error| {
                Error::new(
                    ErrorKind::ResourcesExhausted,
                    "no threads could be started to run queries",
                )
                .because(error)
            })?;
        Ok(Self(Arc::new(Owned(Some(runtime)))))
    }

    /// Where tasks of queries are started.
    pub(crate) fn handle(&self) -> Result<&Handle, Error> {
        self.0
            .0
            .as_ref()
            .map(Runtime::handle)
            .ok_or_else(|| Error::internal("the engine has ended"))
    }

    /// Runs a future on a thread with a big stack: planning recurses as deep as the statement nests.
    /// The caller waits for it no longer than the query may take; the thread ends as soon as it looks.
    pub(crate) async fn plan<T: Send + 'static>(
        &self,
        stop: Arc<Stop>,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let runtime = self.handle()?.clone();
        let (send, receive) = tokio::sync::oneshot::channel();
        let within = Arc::clone(&stop);
        crate::mysql::planners::start(move || {
            // A dropped receiver means that the caller has given up.
            let work = crate::panics::caught_async("planning the query", work);
            let planned = runtime.block_on(within.within(work));
            let _ = send.send(planned.and_then(|planned| planned));
        })?;
        stop.within(receive)
            .await?
            .unwrap_or_else(|_| Err(Error::internal("the planner ended unexpectedly")))
    }
}
