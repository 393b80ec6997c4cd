//! Open sessions: how they end, what is shown of them, and that no kill is missed.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use futures::StreamExt;

use super::*;
use crate::session::{Login, Outcome};
use crate::{Server, Settings};

/// A server whose sessions idle for ever, or not at all.
struct World {
    _folder: tempfile::TempDir,
    server: Server,
}

impl World {
    async fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::embedded(folder.path());
        change(&mut settings);
        let server = Server::open(settings).await.unwrap();
        Self {
            _folder: folder,
            server,
        }
    }

    fn instance(&self) -> &Arc<Instance> {
        &self.server.instance
    }

    fn sessions(&self) -> &Sessions {
        &self.instance().sessions
    }

    fn open(&self) -> Result<String> {
        self.sessions().insert(&self.server.session().unwrap())
    }

    fn caller(&self) -> Caller {
        Caller {
            principal: self.server.session().unwrap().principal().clone(),
            context: Default::default(),
            login: Login::Itself,
        }
    }

    async fn enter(&self, id: &str) -> Result<SessionInUse> {
        Sessions::enter(self.instance(), id, self.caller()).await
    }

    fn shown(&self) -> Vec<String> {
        let rows = self.sessions().rows();
        rows.into_iter().map(|row| row.id).collect()
    }
}

#[tokio::test]
async fn a_session_does_not_idle_while_results_are_read() {
    let world = World::new(|settings| {
        settings.limits.session_idle_s = 0;
        settings.limits.sessions_max = 1;
    })
    .await;
    let id = world.open().unwrap();
    // Idle from the start: gone from everything at once, and its place is free.
    assert_eq!(world.shown(), [""; 0]);
    assert_eq!(world.sessions().len(), 0);
    assert!(world.sessions().get(&id).is_none());
    let gone = world.enter(&id).await.err().unwrap();
    assert_eq!(gone.reason(), Reason::SessionNotFound);

    let session = world.server.session().unwrap();
    let id = Uuid::new_v4().to_string();
    let open = Arc::new(OpenSession::new(id.clone(), 1, "", session.kept()));
    let reading = open.in_use();
    world.sessions().lock().insert(id.clone(), open);
    // In use: neither gone nor in the way of the next statement, and its place is taken.
    let full = world.open().unwrap_err();
    assert!(full.message().contains("limits.sessions_max"), "{full}");
    drop(world.enter(&id).await.unwrap());
    assert_eq!(world.shown(), [id.as_str()]);
    drop(reading);
    assert!(world.enter(&id).await.is_err());
    assert!(world.open().is_ok());
}

#[tokio::test]
async fn a_killed_session_is_gone_at_once_with_what_waits_in_it() {
    let world = World::new(|_| {}).await;
    let id = world.open().unwrap();
    let mut first = world.enter(&id).await.unwrap();
    let waiting = world.enter(&id);
    tokio::pin!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    world.sessions().get(&id).unwrap().kill();
    assert_eq!(world.shown(), [""; 0]);
    assert_eq!(world.sessions().len(), 0);
    let killed = waiting.await.err().unwrap();
    assert_eq!(killed.reason(), Reason::StatementKilled);
    let killed = first.execute("SELECT 1").await.err().unwrap();
    assert_eq!(killed.reason(), Reason::StatementKilled);
    let gone = world.enter(&id).await.err().unwrap();
    assert_eq!(gone.reason(), Reason::SessionNotFound);
}

#[tokio::test]
async fn a_kill_between_the_outcome_and_the_first_row_counts() {
    let world = World::new(|_| {}).await;
    let id = world.open().unwrap();
    let mut session = world.enter(&id).await.unwrap();
    let Outcome::Rows(mut rows) = session.execute("SELECT 1").await.unwrap() else {
        panic!("no rows");
    };
    world.sessions().get(&id).unwrap().kill_statement();
    let killed = rows.batches.next().await.unwrap().err().unwrap();
    assert_eq!(killed.reason(), Reason::StatementKilled);
    assert!(rows.batches.next().await.is_none());
    drop((rows, session));
    // The next statement began after it.
    let mut session = world.enter(&id).await.unwrap();
    let Outcome::Rows(mut rows) = session.execute("SELECT 1").await.unwrap() else {
        panic!("no rows");
    };
    assert!(rows.batches.next().await.unwrap().is_ok());
}

#[tokio::test]
async fn what_is_shown_is_the_latest_statement_until_its_rows_are_read() {
    let world = World::new(|_| {}).await;
    let id = world.open().unwrap();
    let state = || {
        let row = world.sessions().rows().pop().unwrap();
        (row.state, row.statement)
    };
    assert_eq!(state(), (SessionState::Idle, String::new()));
    let read = async |statement: &'static str| {
        let mut session = world.enter(&id).await.unwrap();
        let (outcome, bounds) = session
            .execute_with(statement, Default::default())
            .await
            .unwrap();
        (outcome, bounds, session.release())
    };
    let first = read("SELECT 1").await;
    let second = read("SELECT 2").await;
    assert_eq!(state(), (SessionState::Running, "SELECT 2".to_owned()));
    drop(second);
    assert_eq!(state(), (SessionState::Running, "SELECT 1".to_owned()));
    drop(first);
    assert_eq!(state(), (SessionState::Idle, String::new()));
}

#[tokio::test]
async fn what_a_statement_sets_is_there_for_the_next_one() {
    let world = World::new(|_| {}).await;
    let id = world.open().unwrap();
    let mut session = world.enter(&id).await.unwrap();
    session.execute("CREATE DATABASE d").await.unwrap();
    session.execute("USE d").await.unwrap();
    drop(session);
    assert_eq!(world.enter(&id).await.unwrap().database(), "d");
}
