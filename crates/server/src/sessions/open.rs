//! One open session: what it keeps between statements, what others see of it, and the switches that end it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch};

use crate::error::{Error, Reason};
use crate::gate::Principal;
use crate::session::Kept;
use crate::temporary_stages::TemporaryStages;

/// One open session.
#[derive(Debug)]
pub(crate) struct OpenSession {
    pub(crate) id: String,
    /// What MySQL's clients know it by.
    pub(crate) number: u32,
    pub(crate) account: String,
    pub(crate) user: String,
    owner: Principal,
    client: String,
    opened_us: u64,
    kept: Arc<AsyncMutex<Kept>>,
    temporary: Arc<TemporaryStages>,
    now: Mutex<Now>,
    interrupt: watch::Sender<Interrupt>,
}

#[derive(Debug)]
struct Now {
    role: String,
    database: String,
    /// Those that have begun and whose results are still read, the latest one last.
    statements: Vec<Statement>,
    /// How many calls use it; while there is one, it does not idle.
    uses: usize,
    /// When the last use ended.
    used: Instant,
    next_number: u64,
}

#[derive(Debug)]
struct Statement {
    number: u64,
    /// Masked.
    text: String,
    state: SessionState,
    began: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interrupt {
    /// How many times statements were killed.
    statements: u64,
    session: bool,
}

impl Interrupt {
    /// Whether it ends a statement that began after `before` kills.
    fn reaches(self, before: u64) -> bool {
        self.session || self.statements > before
    }
}

/// What an open session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionState {
    /// Nothing.
    Idle,
    /// Its statement waits for its turn.
    Waiting,
    /// Its statement runs, or its results are being read.
    Running,
}

/// An open session as a row.
#[derive(Debug, Clone)]
pub(crate) struct SessionRow {
    pub(crate) id: String,
    pub(crate) number: u32,
    pub(crate) account: String,
    pub(crate) user: String,
    pub(crate) role: String,
    pub(crate) client: String,
    pub(crate) opened_us: u64,
    pub(crate) state: SessionState,
    /// Masked; empty while it idles.
    pub(crate) statement: String,
    pub(crate) idle: Duration,
    /// The current database.
    pub(crate) database: String,
    /// For how long its statement has run, its wait included; `None` while it idles.
    pub(crate) running: Option<Duration>,
}

/// Keeps a session from being closed as idle. Its idle time counts from when the last of these is dropped.
#[derive(Debug)]
pub(crate) struct InUse(Arc<OpenSession>);

impl Drop for InUse {
    fn drop(&mut self) {
        let mut now = self.0.lock();
        now.uses -= 1;
        now.used = Instant::now();
    }
}

/// A statement as others see it, until this is dropped.
#[derive(Debug)]
pub(crate) struct Shown {
    session: Arc<OpenSession>,
    number: u64,
}

impl Shown {
    /// What it does from now on.
    pub(crate) fn is(&self, state: SessionState) {
        let mut now = self.session.lock();
        let mut statements = now.statements.iter_mut();
        if let Some(statement) = statements.find(|statement| statement.number == self.number) {
            statement.state = state;
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let mut now = self.session.lock();
        now.statements
            .retain(|statement| statement.number != self.number);
    }
}

/// Tells of every kill from when it was made.
#[derive(Debug, Clone)]
pub(crate) struct Killed {
    interrupts: watch::Receiver<Interrupt>,
    before: u64,
}

impl Killed {
    /// Whether the statement, or its session, was killed.
    pub(crate) fn has_come(&self) -> bool {
        self.interrupts.borrow().reaches(self.before)
    }

    /// Resolves once the statement, or its session, is killed.
    pub(crate) async fn wait(&mut self) {
        let before = self.before;
        // An error means that the session is gone, and with it the statement.
        let _ = self.interrupts.wait_for(|now| now.reaches(before)).await;
    }
}

impl OpenSession {
    pub(super) fn new(id: String, number: u32, client: &str, kept: Kept) -> Self {
        let owner = kept.principal.clone();
        Self {
            id,
            number,
            account: owner.account().to_owned(),
            user: owner.user().to_owned(),
            client: client.to_owned(),
            opened_us: (catalog::system_clock())(),
            now: Mutex::new(Now {
                role: owner.role().to_owned(),
                database: kept.database().to_owned(),
                statements: Vec::new(),
                uses: 0,
                used: Instant::now(),
                next_number: 0,
            }),
            interrupt: watch::Sender::new(Interrupt {
                statements: 0,
                session: false,
            }),
            temporary: kept.temporary_stages(),
            kept: Arc::new(AsyncMutex::new(kept)),
            owner,
        }
    }

    pub(super) fn is_of(&self, user: &Principal) -> bool {
        self.owner.is_same_user(user)
    }

    pub(super) fn is_alive(&self, idle_max: Duration) -> bool {
        if self.interrupt.borrow().session {
            return false;
        }
        let now = self.lock();
        now.uses > 0 || now.used.elapsed() < idle_max
    }

    pub(super) fn in_use(self: &Arc<Self>) -> InUse {
        self.lock().uses += 1;
        InUse(Arc::clone(self))
    }

    pub(super) async fn lock_kept(&self) -> OwnedMutexGuard<Kept> {
        Arc::clone(&self.kept).lock_owned().await
    }

    /// A statement begins.
    pub(crate) fn shows(self: &Arc<Self>, role: &str, statement: &str) -> Shown {
        let mut now = self.lock();
        role.clone_into(&mut now.role);
        let number = now.next_number;
        now.next_number += 1;
        now.statements.push(Statement {
            number,
            text: statement.to_owned(),
            state: SessionState::Running,
            began: Instant::now(),
        });
        Shown {
            session: Arc::clone(self),
            number,
        }
    }

    /// The role that a statement has left the session in.
    pub(super) fn is_in_role(&self, role: &str) {
        role.clone_into(&mut self.lock().role);
    }

    /// The current database is another one from now on.
    pub(crate) fn uses(&self, database: &str) {
        database.clone_into(&mut self.lock().database);
    }

    /// Ends the statements that run or wait.
    pub(crate) fn kill_statement(&self) {
        self.interrupt.send_modify(|to| to.statements += 1);
    }

    /// Ends the session and what runs in it.
    pub(crate) fn kill(&self) {
        self.interrupt.send_modify(|to| to.session = true);
        self.temporary.end();
    }

    pub(super) fn temporary_stages(&self) -> Arc<TemporaryStages> {
        Arc::clone(&self.temporary)
    }

    /// What tells of kills from now on.
    pub(crate) fn killed(&self) -> Killed {
        let interrupts = self.interrupt.subscribe();
        let before = interrupts.borrow().statements;
        Killed { interrupts, before }
    }

    pub(super) fn row(&self) -> SessionRow {
        let now = self.lock();
        let latest = now.statements.last();
        SessionRow {
            id: self.id.clone(),
            number: self.number,
            account: self.account.clone(),
            user: self.user.clone(),
            role: now.role.clone(),
            client: self.client.clone(),
            opened_us: self.opened_us,
            state: latest.map_or(SessionState::Idle, |statement| statement.state),
            statement: latest.map_or_else(String::new, |statement| statement.text.clone()),
            idle: if now.uses == 0 {
                now.used.elapsed()
            } else {
                Duration::ZERO
            },
            database: now.database.clone(),
            running: latest.map(|statement| statement.began.elapsed()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a killed statement answers, in MySQL's words.
pub(crate) fn killed() -> Error {
    Error::new(
        Reason::StatementKilled,
        1317,
        "70100",
        "Query execution was interrupted: the statement was killed",
    )
}
