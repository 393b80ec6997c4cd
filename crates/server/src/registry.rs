//! The open sessions as others see them: who, from where, what runs, and the switches that end it.
//! The sessions themselves are in `sessions.rs`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::error::{Error, Reason};

/// Every open session of the server.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    open: Mutex<BTreeMap<String, Arc<OpenSession>>>,
}

/// One open session.
#[derive(Debug)]
pub(crate) struct OpenSession {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) user: String,
    pub(crate) client: String,
    pub(crate) opened_us: u64,
    now: Mutex<Now>,
    interrupt: watch::Sender<Interrupt>,
}

#[derive(Debug)]
struct Now {
    role: String,
    /// Masked; empty while it idles.
    statement: String,
    used: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interrupt {
    /// How many statements were killed.
    statements: u64,
    session: bool,
}

/// An open session as a row.
#[derive(Debug, Clone)]
pub(crate) struct SessionRow {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) user: String,
    pub(crate) role: String,
    pub(crate) client: String,
    pub(crate) opened_us: u64,
    pub(crate) statement: String,
    pub(crate) idle: Duration,
}

impl Registry {
    pub(crate) fn add(&self, session: Arc<OpenSession>) {
        self.lock().insert(session.id.clone(), session);
    }

    pub(crate) fn remove(&self, id: &str) {
        self.lock().remove(id);
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<OpenSession>> {
        self.lock().get(id).cloned()
    }

    pub(crate) fn rows(&self) -> Vec<SessionRow> {
        self.lock().values().map(|open| open.row()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<OpenSession>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenSession {
    pub(crate) fn new(id: String, account: &str, user: &str, role: &str, client: &str) -> Self {
        Self {
            id,
            account: account.to_owned(),
            user: user.to_owned(),
            client: client.to_owned(),
            opened_us: (catalog::system_clock())(),
            now: Mutex::new(Now {
                role: role.to_owned(),
                statement: String::new(),
                used: Instant::now(),
            }),
            interrupt: watch::Sender::new(Interrupt {
                statements: 0,
                session: false,
            }),
        }
    }

    /// A statement begins.
    pub(crate) fn runs(&self, role: &str, statement: &str) {
        let mut now = self.lock();
        role.clone_into(&mut now.role);
        statement.clone_into(&mut now.statement);
        now.used = Instant::now();
    }

    /// The statement, and whoever reads its results, has ended.
    pub(crate) fn ended(&self) {
        let mut now = self.lock();
        now.statement.clear();
        now.used = Instant::now();
    }

    /// Ends the statement that runs.
    pub(crate) fn kill_statement(&self) {
        self.interrupt.send_modify(|to| to.statements += 1);
    }

    /// Ends the session and what runs in it.
    pub(crate) fn kill(&self) {
        self.interrupt.send_modify(|to| {
            to.session = true;
            to.statements += 1;
        });
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.interrupt.borrow().session
    }

    /// Resolves when a statement that runs from now on is killed.
    pub(crate) fn killed(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut interrupts = self.interrupt.subscribe();
        let before = interrupts.borrow_and_update().statements;
        async move {
            // The sender lives as long as the session; when that is gone, so is the statement.
            let _ = interrupts
                .wait_for(|now| now.session || now.statements > before)
                .await;
        }
    }

    fn row(&self) -> SessionRow {
        let now = self.lock();
        SessionRow {
            id: self.id.clone(),
            account: self.account.clone(),
            user: self.user.clone(),
            role: now.role.clone(),
            client: self.client.clone(),
            opened_us: self.opened_us,
            statement: now.statement.clone(),
            idle: if now.statement.is_empty() {
                now.used.elapsed()
            } else {
                Duration::ZERO
            },
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
