//! The open sessions of remote clients, by id: found and locked for a statement, shown and ended by others, and
//! closed when they have been idle for too long. One map under one lock; what is in it is in `sessions/open.rs`.

mod open;

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use crate::error::{Error, Reason, Result};
use crate::gate::{Acting, Object, Operation, Principal};
use crate::instance::Instance;
use crate::session::{Caller, Kept, Session, session_not_found};
use crate::settings::LimitSettings;
use crate::temporary_stages::TemporaryStages;

pub(crate) use open::{InUse, Killed, OpenSession, SessionRow, SessionState, Shown, killed};

/// When a client that found no room should try again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The open sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    open: Mutex<BTreeMap<String, Arc<OpenSession>>>,
    next_number: AtomicU32,
    open_max: usize,
    account_max: usize,
    idle_max: Duration,
}

/// An open session while a statement runs in it.
pub(crate) struct SessionInUse {
    // In this order: what the statement leaves is kept before others may see the session idle.
    active: Active,
    in_use: InUse,
}

/// Writes back what the next statement begins with.
struct Active {
    session: Session,
    kept: OwnedMutexGuard<Kept>,
    open: Arc<OpenSession>,
}

impl Drop for Active {
    fn drop(&mut self) {
        *self.kept = self.session.kept();
        self.open.is_in_role(self.session.principal().role());
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
        &self.active.session
    }
}

impl DerefMut for SessionInUse {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.active.session
    }
}

impl Sessions {
    pub(crate) fn new(limits: &LimitSettings) -> Self {
        Self {
            open: Mutex::default(),
            next_number: AtomicU32::new(1),
            open_max: limits.sessions_max,
            account_max: limits.sessions_account_max,
            idle_max: Duration::from_secs(limits.session_idle_s),
        }
    }

    /// A number for a session, which is shorter than its id and no secret.
    pub(crate) fn next_number(&self) -> u32 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// Keeps a session; gives its id, a random one that cannot be guessed.
    ///
    /// # Errors
    /// [`Reason::LimitExceeded`], naming the limit.
    pub(crate) fn insert(&self, session: &Session) -> Result<String> {
        self.insert_as(session, self.next_number())
    }

    /// The same for one that has its number already.
    ///
    /// # Errors
    /// [`Reason::LimitExceeded`], naming the limit.
    pub(crate) fn insert_as(&self, session: &Session, number: u32) -> Result<String> {
        let mut open = self.live();
        let account = session.principal().account();
        let of_account = open.values().filter(|open| open.account == account).count();
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
        let kept = session.kept().with_temporary_stages();
        let opened = OpenSession::new(id.clone(), number, session.client(), kept);
        open.insert(id.clone(), Arc::new(opened));
        Ok(id)
    }

    /// The session `id` of this caller, for one statement: the statements of a session run one after the other. Its
    /// user must still be what it was.
    ///
    /// # Errors
    /// [`Reason::SessionNotFound`], also for another user's; [`Reason::StatementKilled`] while it waits for the
    /// statement before it; [`Reason::Unauthenticated`], [`Reason::RoleNotGranted`].
    pub(crate) async fn enter(
        instance: &Arc<Instance>,
        id: &str,
        caller: Caller,
    ) -> Result<SessionInUse> {
        let taken = instance.sessions.take_up(id, &caller.principal);
        let (open, in_use) = match taken {
            Ok(taken) => taken,
            Err(error) => return Err(refused(instance, id, &caller, error).await),
        };
        // From here on nothing that ends this statement is missed.
        let mut killed_by_others = open.killed();
        let kept = tokio::select! {
            biased;
            () = killed_by_others.wait() => return Err(killed()),
            kept = open.lock_kept() => kept,
        };
        let principal = match kept.principal.entered_by(&caller.principal) {
            Ok(principal) => principal,
            Err(error) => return Err(refused(instance, id, &caller, error).await),
        };
        let mut entered = kept.clone();
        entered.principal = principal;
        let mut session = Session::resumed(
            Arc::clone(instance),
            entered,
            caller,
            Arc::clone(&open),
            killed_by_others,
        );
        session.look_again().await?;
        Ok(SessionInUse {
            active: Active {
                session,
                kept,
                open,
            },
            in_use,
        })
    }

    /// Closes a session of this user; another's is left as it is.
    pub(crate) fn close(&self, id: &str, of: &Principal) {
        let mut open = self.lock();
        if open.get(id).is_some_and(|open| open.is_of(of))
            && let Some(closed) = open.remove(id)
        {
            closed.kill();
        }
    }

    /// An open session, by its id or its number, for whoever may see it.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<OpenSession>> {
        let sessions = self.lock();
        let numbered = || {
            let number: u32 = id.parse().ok()?;
            sessions.values().find(|open| open.number == number)
        };
        sessions
            .get(id)
            .or_else(numbered)
            .filter(|open| open.is_alive(self.idle_max))
            .cloned()
    }

    /// All of them as others see them.
    pub(crate) fn rows(&self) -> Vec<SessionRow> {
        self.live().values().map(|open| open.row()).collect()
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.live().len()
    }

    /// Closes those that have been idle for too long, which otherwise waits for somebody to look.
    pub(crate) fn end_idle(&self) {
        drop(self.live());
    }

    /// How long a session may be idle.
    pub(crate) fn idle_max(&self) -> Duration {
        self.idle_max
    }

    /// Ends the temporary stages of all of them: the server stops.
    pub(crate) fn end_temporary_stages(&self) {
        for open in self.lock().values() {
            open.temporary_stages().end();
        }
    }

    /// The temporary stages of a session of this user, for a call that is no statement of it; and what keeps the
    /// session open meanwhile.
    ///
    /// # Errors
    /// [`Reason::SessionNotFound`]; [`Reason::PermissionDenied`] for a token that is bound to another role than the
    /// session is in.
    pub(crate) fn temporary_stages(
        &self,
        id: &str,
        of: &Principal,
    ) -> Result<(Arc<TemporaryStages>, Arc<InUse>)> {
        let (open, in_use) = self.take_up(id, of)?;
        of.may_enter(&open.row().role)?;
        Ok((open.temporary_stages(), Arc::new(in_use)))
    }

    /// Finds a session of this user and marks it as used, so that it does not end meanwhile.
    fn take_up(&self, id: &str, of: &Principal) -> Result<(Arc<OpenSession>, InUse)> {
        let open = self.lock();
        let found = open
            .get(id)
            .filter(|open| open.is_of(of) && open.is_alive(self.idle_max))
            .ok_or_else(session_not_found)?;
        Ok((Arc::clone(found), found.in_use()))
    }

    /// The sessions, once those that were killed or have been idle for too long are out.
    fn live(&self) -> MutexGuard<'_, BTreeMap<String, Arc<OpenSession>>> {
        let mut open = self.lock();
        open.retain(|_, open| {
            let is_alive = open.is_alive(self.idle_max);
            if !is_alive {
                // What it has is gone with it, whoever still holds it.
                open.kill();
            }
            is_alive
        });
        open
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<OpenSession>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Audits that a session was not entered.
async fn refused(instance: &Arc<Instance>, id: &str, caller: &Caller, error: Error) -> Error {
    let acting = Acting {
        instance: Arc::clone(instance),
        principal: caller.principal.clone(),
        context: caller.context.clone(),
        temporary: TemporaryStages::none(),
    };
    let object = Object::Session(id.to_owned());
    let recorded = instance
        .blocking(move |_| Ok(acting.refused(Operation::EnterSession, &object, error)))
        .await;
    recorded.unwrap_or_else(|defect| defect)
}

#[cfg(test)]
mod tests;
