//! The open sessions as clients of MySQL know them: processes, which KILL takes by their numbers.

use crate::error::Result;
use crate::gate::{Acting, Object, Operation};
use crate::sessions::{SessionRow, SessionState};

use super::Session;

/// An open session, as whoever asks may see it.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) id: u64,
    /// With its account before it where that is another than the one of who asks.
    pub(crate) user: String,
    pub(crate) host: String,
    pub(crate) database: String,
    pub(crate) command: &'static str,
    /// For how long it has run its statement, or has idled.
    pub(crate) seconds: u64,
    pub(crate) state: &'static str,
    /// Masked. None while it idles, and of another account's, whose data may stand in it.
    pub(crate) statement: Option<String>,
}

impl Process {
    fn of(row: SessionRow, account: &str) -> Self {
        let is_own = row.account == account;
        let (command, state) = match row.state {
            SessionState::Idle => ("Sleep", ""),
            SessionState::Waiting => ("Query", "waiting for its turn"),
            SessionState::Running => ("Query", "executing"),
        };
        Self {
            id: row.number.into(),
            user: match is_own {
                true => row.user,
                false => format!("{}:{}", row.account, row.user),
            },
            host: row.client,
            database: row.database,
            command,
            seconds: row.running.unwrap_or(row.idle).as_secs(),
            state,
            statement: Some(row.statement).filter(|text| is_own && !text.is_empty()),
        }
    }
}

impl Session {
    /// The sessions that the principal may see.
    ///
    /// # Errors
    /// Those of the gate.
    pub(crate) async fn processes(&self) -> Result<Vec<Process>> {
        self.act(
            Operation::ShowSessions,
            Object::Account,
            |acting, permit| {
                let only_of = (!permit.sees_all()).then(|| acting.principal.user());
                Ok(acting.processes(permit.account(), only_of))
            },
        )
        .await
    }
}

impl Acting {
    /// The open sessions of an account, of one user of it where that is given; for the cluster's administrator those of
    /// every account.
    pub(crate) fn processes(&self, account: &str, only_of: Option<&str>) -> Vec<Process> {
        let is_seen = |row: &SessionRow| {
            self.principal.is_cluster_admin()
                || (row.account == account && only_of.is_none_or(|user| user == row.user))
        };
        let mut rows = self.instance.sessions.rows();
        rows.retain(is_seen);
        rows.sort_by_key(|row| row.number);
        rows.into_iter()
            .map(|row| Process::of(row, account))
            .collect()
    }
}
