//! A statement's way into the open session of its connection, and its outcome out of it.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use parser::Value;
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::error::Result;
use crate::instance::Instance;
use crate::internal::ReceivedFile;
use crate::session::{Bounds, Caller, Diagnostics, Outcome, Prepared};
use crate::sessions::{InUse, SessionInUse, Sessions};
use crate::sql::Secrets;
use crate::turns::Turn;

/// The open session of a connection.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) instance: Arc<Instance>,
    pub(super) caller: Caller,
    pub(super) id: String,
    /// What its latest statement said.
    pub(super) diagnostics: Arc<Diagnostics>,
}

/// What is to be run.
pub(super) enum Work {
    Text(String),
    /// With the file that the client has sent for it.
    WithFile(String, ReceivedFile),
    Prepared(Prepared, Vec<Value>),
}

/// What was run.
pub(super) struct Ran {
    pub(super) outcome: Outcome,
    pub(super) bounds: Bounds,
    /// The current database now.
    pub(super) database: String,
    /// Keeps the session from idling until its results are with the client.
    pub(super) _in_use: InUse,
}

/// A file that a client is to send.
pub(super) struct Wanted {
    pub(super) name: String,
    /// Among the files that are on their way.
    _turn: Turn,
    /// Keeps the session from idling while the file comes.
    _in_use: InUse,
}

impl Opened {
    /// A request of its own, by whose id it is in the log and the audit.
    pub(super) fn with_request_of_its_own(mut self) -> Self {
        let context = &mut self.caller.context;
        context.request_id = Uuid::now_v7().to_string();
        context.statement.clear();
        context.trace = self.instance.new_trace();
        self
    }

    fn span(&self) -> Span {
        tracing::info_span!("request", request_id = self.caller.context.request_id)
    }

    /// The session, for one statement.
    async fn enter(self) -> Result<SessionInUse> {
        Sessions::enter(&self.instance, &self.id, self.caller).await
    }

    /// Runs a statement. It stops where this is dropped; a change that has begun is made whole.
    pub(super) fn run(self, work: Work) -> BoxFuture<'static, Result<Ran>> {
        let span = self.span();
        self.run_it(work).instrument(span).boxed()
    }

    async fn run_it(self, work: Work) -> Result<Ran> {
        let mut session = self.enter().await?;
        let (outcome, bounds) = match work {
            Work::Text(text) => session.execute_with(&text, Secrets::default()).await?,
            Work::WithFile(text, file) => session.execute_with_file(&text, file).await?,
            Work::Prepared(prepared, values) => {
                session.execute_prepared(&prepared, &values).await?
            }
        };
        let database = session.database().to_owned();
        Ok(Ran {
            outcome,
            bounds,
            database,
            _in_use: session.release(),
        })
    }

    /// The file of the client's machine that a statement is to load; `None` where it loads none.
    pub(super) fn local_file(self, text: String) -> BoxFuture<'static, Result<Option<Wanted>>> {
        let span = self.span();
        async move {
            let mut session = self.enter().await?;
            let Some((name, turn)) = session.local_file(&text).await? else {
                return Ok(None);
            };
            Ok(Some(Wanted {
                name,
                _turn: turn,
                _in_use: session.release(),
            }))
        }
        .instrument(span)
        .boxed()
    }

    /// Looks at a statement.
    pub(super) fn prepare(self, text: String) -> BoxFuture<'static, Result<Prepared>> {
        let span = self.span();
        let preparing = async move { self.enter().await?.prepare(&text).await };
        preparing.instrument(span).boxed()
    }

    /// Makes a database the current one; gives its name.
    pub(super) async fn use_database(self, name: String) -> Result<String> {
        let span = self.span();
        let using = async move {
            let mut session = self.enter().await?;
            session.use_database(&name).await?;
            Ok(session.database().to_owned())
        };
        using.instrument(span).await
    }

    /// Ends the session of another connection, by its number.
    pub(super) async fn kill(self, number: u32) -> Result<()> {
        let span = self.span();
        let killing = async move {
            let session = self.enter().await?;
            session.kill_session(number.to_string()).await
        };
        killing.instrument(span).await
    }
}
