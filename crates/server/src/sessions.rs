//! The open sessions of remote clients, by id; closed when they have been idle for too long.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use uuid::Uuid;

use crate::error::{Error, Reason, Result};
use crate::registry::{OpenSession, Registry};
use crate::session::{Session, session_not_found};

/// When a client that found no room should try again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The open sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Open>>,
    open_max: usize,
    account_max: usize,
    idle_max: Duration,
    registry: Arc<Registry>,
}

#[derive(Debug)]
struct Open {
    entry: Arc<OpenSession>,
    session: Arc<AsyncMutex<Session>>,
    used: Arc<Mutex<Instant>>,
}

/// A session while a statement runs in it.
pub(crate) struct SessionInUse {
    session: OwnedMutexGuard<Session>,
    in_use: InUse,
}

/// Keeps a session from being closed as idle, while its statement's rows or progress are still read. Its
/// idle time counts from when this is dropped.
pub(crate) struct InUse {
    entry: Arc<OpenSession>,
    used: Arc<Mutex<Instant>>,
    _session: Arc<AsyncMutex<Session>>,
}

impl Open {
    fn is_alive(&self, idle_max: Duration) -> bool {
        if self.entry.is_killed() {
            return false;
        }
        // In this order: who stops using it sets the time before it lets go.
        if Arc::strong_count(&self.session) > 1 {
            return true;
        }
        fence(Ordering::Acquire);
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.elapsed() < idle_max
    }
}

impl SessionInUse {
    /// Lets the next statement begin, while this one's results are still read.
    pub(crate) fn release(self) -> InUse {
        self.in_use
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

impl Drop for InUse {
    fn drop(&mut self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.entry.ended();
    }
}

impl Sessions {
    pub(crate) fn new(
        registry: Arc<Registry>,
        open_max: usize,
        account_max: usize,
        idle_max: Duration,
    ) -> Self {
        Self {
            open: Mutex::default(),
            open_max,
            account_max,
            idle_max,
            registry,
        }
    }

    /// Keeps a session; gives its id, a random one that cannot be guessed.
    pub(crate) fn insert(&self, session: Session) -> Result<String> {
        let mut session = session;
        let mut open = self.lock();
        open.retain(|id, open| {
            let is_alive = open.is_alive(self.idle_max);
            if !is_alive {
                self.registry.remove(id);
            }
            is_alive
        });
        let account = session.principal().account();
        let of_account = open
            .values()
            .filter(|open| open.entry.account == account)
            .count();
        for (count, max, name) in [
            (open.len(), self.open_max, "limits.sessions_max"),
            (of_account, self.account_max, "limits.sessions_account_max"),
        ] {
            if count >= max {
                let text = format!(
                    "{count} sessions are open, as many as {name} permits; close some, or end them with KILL"
                );
                return Err(
                    Error::new(Reason::LimitExceeded, 1040, "08004", text).retry_after(RETRY_AFTER)
                );
            }
        }
        let id = Uuid::new_v4().to_string();
        let entry = session.become_open(id.clone());
        self.registry.add(Arc::clone(&entry));
        open.insert(
            id.clone(),
            Open {
                entry,
                session: Arc::new(AsyncMutex::new(session)),
                used: Arc::new(Mutex::new(Instant::now())),
            },
        );
        Ok(id)
    }

    /// The session `id`, for one statement: the statements of a session run one after the other.
    pub(crate) async fn lock_session(&self, id: &str) -> Result<SessionInUse> {
        let (entry, session, used) = {
            let open = self.lock();
            let found = open.get(id).filter(|open| open.is_alive(self.idle_max));
            let found = found.ok_or_else(session_not_found)?;
            (
                Arc::clone(&found.entry),
                Arc::clone(&found.session),
                Arc::clone(&found.used),
            )
        };
        // Made first: a statement that waits for its turn uses the session, too.
        let in_use = InUse {
            entry,
            used,
            _session: Arc::clone(&session),
        };
        let session = session.lock_owned().await;
        Ok(SessionInUse { session, in_use })
    }

    /// Closes a session of this user; another's is left as it is.
    pub(crate) fn close(&self, id: &str, of: &crate::gate::Principal) {
        let mut open = self.lock();
        let is_theirs =
            |open: &Open| open.entry.account == of.account() && open.entry.user == of.user();
        if open.get(id).is_some_and(is_theirs)
            && let Some(closed) = open.remove(id)
        {
            closed.entry.kill();
            self.registry.remove(id);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::{Server, Settings};

    const IDLE: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn idle_time_counts_from_the_end_of_a_statements_results() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::open(Settings::embedded(folder.path()))
            .await
            .unwrap();
        let sessions = Sessions::new(Arc::default(), 1, 1, IDLE);
        let id = sessions.insert(server.session().unwrap()).unwrap();
        let in_use = sessions.lock_session(&id).await.unwrap().release();
        tokio::time::sleep(2 * IDLE).await;
        // In use: neither gone nor in the way of the next statement, and its place is taken.
        assert!(sessions.insert(server.session().unwrap()).is_err());
        drop(sessions.lock_session(&id).await.unwrap());
        drop(in_use);
        drop(sessions.lock_session(&id).await.unwrap());
        tokio::time::sleep(2 * IDLE).await;
        assert!(sessions.lock_session(&id).await.is_err());
        assert!(sessions.insert(server.session().unwrap()).is_ok());
    }
}
