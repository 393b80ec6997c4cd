//! What runs for tickets, so that it can be cancelled by them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::error::{Error, Reason};

/// What runs, by the tickets' ids. A ticket may be read more than once.
#[derive(Debug, Default)]
pub(super) struct RunningTickets(Mutex<HashMap<String, Vec<Arc<watch::Sender<bool>>>>>);

/// One reading of a ticket, on the list until this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    tickets: Arc<RunningTickets>,
    id: String,
    cancel: Arc<watch::Sender<bool>>,
    is_cancelled: watch::Receiver<bool>,
}

impl RunningTickets {
    /// A ticket's reading begins.
    pub(super) fn begin(self: &Arc<Self>, id: &str) -> Running {
        let (cancel, is_cancelled) = watch::channel(false);
        let cancel = Arc::new(cancel);
        let mut tickets = self.lock();
        let of_ticket = tickets.entry(id.to_owned()).or_default();
        of_ticket.push(Arc::clone(&cancel));
        Running {
            tickets: Arc::clone(self),
            id: id.to_owned(),
            cancel,
            is_cancelled,
        }
    }

    /// Ends what runs for a ticket; whether anything did.
    pub(super) fn cancel(&self, id: &str) -> bool {
        let tickets = self.lock();
        let running = tickets.get(id);
        for cancel in running.into_iter().flatten() {
            cancel.send_replace(true);
        }
        running.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Arc<watch::Sender<bool>>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Resolves once it is cancelled.
    pub(super) async fn cancelled(&mut self) {
        // The sender is in `self`: there is no other end.
        let _ = self.is_cancelled.wait_for(|is| *is).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut tickets = self.tickets.lock();
        if let Some(of_ticket) = tickets.get_mut(&self.id) {
            of_ticket.retain(|other| !Arc::ptr_eq(other, &self.cancel));
            if of_ticket.is_empty() {
                tickets.remove(&self.id);
            }
        }
    }
}

/// What a cancelled statement answers.
pub(super) fn cancelled() -> Error {
    Error::new(
        Reason::StatementKilled,
        1317,
        "70100",
        "Query execution was interrupted: the client cancelled it",
    )
}
