//! Threads with a big stack: sqlparser, DataFusion's planner and the drop of both's trees recurse as deep as the text
//! nests. They are kept for the next statement.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, ErrorKind};

/// Bytes of a stack: address space; only what is touched becomes memory.
const STACK_BYTES: usize = 256 << 20;
/// Threads that wait for work at most.
const IDLE_MAX: usize = 4;
/// Statements after which a thread ends, and what its stack has touched is given back.
const JOBS_MAX: usize = 256;

type Job = Box<dyn FnOnce() + Send>;

/// Those that wait.
static IDLE: Mutex<Vec<Sender<Job>>> = Mutex::new(Vec::new());

/// Does `job` on a thread with a big stack, without waiting for it.
pub(crate) fn start(job: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let mut job: Job = Box::new(job);
    loop {
        let waiting = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(sender) = waiting else { break };
        match sender.send(job) {
            Ok(()) => return Ok(()),
            // It has ended.
            Err(unsent) => job = unsent.0,
        }
    }
    let (sender, receiver) = channel::<Job>();
    let thread = std::thread::Builder::new()
        .name("query-planner".to_owned())
        .stack_size(STACK_BYTES);
    let own = sender.clone();
    thread
        .spawn(move || work(&own, &receiver))
        .map_err(|error| {
            Error::new(
                ErrorKind::ResourcesExhausted,
                "no thread could be started to plan the query",
            )
            .because(error)
        })?;
    sender
        .send(job)
        .map_err(|_| Error::internal("the planner ended unexpectedly"))
}

fn work(own: &Sender<Job>, jobs: &Receiver<Job>) {
    for done in 1..=JOBS_MAX {
        let Ok(job) = jobs.recv() else { return };
        // The one who waits sees that there is no result.
        let _ = catch_unwind(AssertUnwindSafe(job));
        if done == JOBS_MAX {
            // Nobody may find it waiting: a job sent now would be lost with it.
            return;
        }
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= IDLE_MAX {
            return;
        }
        idle.push(own.clone());
    }
}

/// Does `job` on such a thread and waits for its result.
pub(crate) fn run<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (send, receive) = channel();
    start(move || {
        // A receiver that is gone waits no more.
        let _ = send.send(job());
    })?;
    receive
        .recv()
        .unwrap_or_else(|_| Err(Error::internal("the planner ended unexpectedly")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn no_job_is_lost_where_threads_end() {
        let clients: Vec<_> = (0..8)
            .map(|client| {
                std::thread::spawn(move || {
                    for number in 0..2 * JOBS_MAX {
                        assert_eq!(run(move || Ok(number)).unwrap(), number, "client {client}");
                    }
                })
            })
            .collect();
        for client in clients {
            client.join().unwrap();
        }
    }

    #[test]
    fn a_job_that_panics_is_an_error_and_the_next_one_runs() {
        let error = run::<()>(|| panic!("on purpose")).unwrap_err();
        assert!(error.to_string().contains("ended unexpectedly"), "{error}");
        for number in 0..300 {
            assert_eq!(run(move || Ok(number)).unwrap(), number);
        }
        assert!(IDLE.lock().unwrap().len() <= IDLE_MAX);
    }
}
