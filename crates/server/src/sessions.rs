//! The open sessions of remote clients, by id; closed when they have been idle for too long.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use uuid::Uuid;

use crate::error::{Error, Reason, Result};
use crate::session::Session;

/// The open sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Open>>,
    open_max: usize,
    idle_max: Duration,
}

#[derive(Debug)]
struct Open {
    session: Arc<AsyncMutex<Session>>,
    used: Arc<Mutex<Instant>>,
}

/// A session while a statement uses it. Its idle time counts from when this is dropped.
pub(crate) struct SessionInUse {
    session: OwnedMutexGuard<Session>,
    used: Arc<Mutex<Instant>>,
}

impl Open {
    fn is_alive(&self, idle_max: Duration) -> bool {
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.elapsed() < idle_max || Arc::strong_count(&self.session) > 1
    }
}

impl Deref for SessionInUse {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for SessionInUse {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

impl Drop for SessionInUse {
    fn drop(&mut self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl Sessions {
    pub(crate) fn new(open_max: usize, idle_max: Duration) -> Self {
        Self {
            open: Mutex::default(),
            open_max,
            idle_max,
        }
    }

    /// Keeps a session; gives its id, a random one that cannot be guessed.
    pub(crate) fn insert(&self, session: Session) -> Result<String> {
        let mut open = self.lock();
        open.retain(|_, open| open.is_alive(self.idle_max));
        if open.len() >= self.open_max {
            let text = format!(
                "{} sessions are open, as many as limits.sessions_max permits",
                open.len()
            );
            return Err(Error::new(Reason::LimitExceeded, 1040, "08004", text).retryable(true));
        }
        let id = Uuid::new_v4().to_string();
        open.insert(
            id.clone(),
            Open {
                session: Arc::new(AsyncMutex::new(session)),
                used: Arc::new(Mutex::new(Instant::now())),
            },
        );
        Ok(id)
    }

    /// The session `id`, for one statement: the statements of a session run one after the other.
    pub(crate) async fn lock_session(&self, id: &str) -> Result<SessionInUse> {
        let (session, used) = {
            let open = self.lock();
            let found = open.get(id).filter(|open| open.is_alive(self.idle_max));
            let found = found.ok_or_else(|| {
                Error::internal(
                    Reason::SessionNotFound,
                    "there is no such session; it may have been idle for too long",
                )
            })?;
            (Arc::clone(&found.session), Arc::clone(&found.used))
        };
        let session = session.lock_owned().await;
        Ok(SessionInUse { session, used })
    }

    pub(crate) fn remove(&self, id: &str) {
        self.lock().remove(id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
