//! Calls that are no statements: their time, and what is left of one whose caller has left.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::{Server, Settings};

/// A session for one call to a server whose statements may take a second.
async fn call(folder: &std::path::Path) -> Session {
    let mut settings = Settings::embedded(folder);
    settings.limits.statement_timeout_s = 1;
    let server = Server::open(settings).await.unwrap();
    let session = server.session().unwrap();
    let caller = Caller {
        principal: session.principal,
        context: session.context,
        login: session.login,
    };
    Session::new(session.instance, caller)
}

/// Work that holds a thread until the sender is dropped or sends.
fn blocking_work(until: mpsc::Receiver<()>) -> impl FnOnce(&Acting, &Permit) -> Result<()> {
    move |_, _| {
        let _ = until.recv();
        Ok(())
    }
}

#[tokio::test]
async fn a_call_has_the_time_of_a_statement() {
    let folder = tempfile::tempdir().unwrap();
    let session = call(folder.path()).await;
    let (release, released) = mpsc::channel();
    let work = blocking_work(released);
    let done = session.act(Operation::ShowStages, Object::Account, work);
    let done = tokio::time::timeout(Duration::from_secs(60), done).await;
    let error = done.expect("it ends").unwrap_err();
    assert_eq!(error.reason(), Reason::StatementTimeout);
    assert!(
        error.message().contains("limits.statement_timeout_s"),
        "{error}"
    );
    drop(release);
}

#[test]
fn what_has_not_begun_when_its_caller_leaves_is_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Opening a server takes both: what it does there waits for its storage's work.
        .max_blocking_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let session = call(folder.path()).await;
        let occupied = || {
            let (release, released) = mpsc::channel();
            let work = blocking_work(released);
            let work = session.act(Operation::ShowStages, Object::Account, work);
            (release, Box::pin(work))
        };
        let ((release, mut first), (release_second, mut second)) = (occupied(), occupied());
        assert!(futures::poll!(&mut first).is_pending());
        assert!(futures::poll!(&mut second).is_pending());
        let done = Arc::new(Mutex::new(Vec::new()));
        let note = |what: &'static str| {
            let done = Arc::clone(&done);
            session.act(Operation::ShowStages, Object::Account, move |_, _| {
                done.lock().unwrap().push(what);
                Ok(())
            })
        };
        // Behind them, as there is no third thread.
        let mut left = Box::pin(note("left"));
        assert!(futures::poll!(&mut left).is_pending());
        drop(left);
        drop((release, release_second));
        first.await.unwrap();
        second.await.unwrap();
        note("stayed").await.unwrap();
        assert_eq!(*done.lock().unwrap(), ["stayed"]);
    });
}

#[tokio::test]
async fn what_a_role_may_do_is_decided_on_the_stage_that_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = call(folder.path()).await;
    for statement in [
        "CREATE STAGE open_to_all",
        "CREATE STAGE kept",
        "REVOKE READ, WRITE ON STAGE kept FROM public",
        "CREATE ROLE analyst",
        "GRANT analyst TO root",
    ] {
        session.execute(statement).await.unwrap();
    }
    let id = |session: &Session, name: &str| {
        let stage = session.instance.catalog.stage("sys", name).unwrap();
        stage.unwrap().id
    };
    let (open_to_all, kept) = (id(&session, "open_to_all"), id(&session, "kept"));
    let decided = |session: &Session, id| {
        let object = Object::Stage("open_to_all".to_owned());
        session
            .acting()
            .allow_stage_found(Operation::ExportToStage, &object, id)
    };
    decided(&session, kept).expect("an administrator may");
    session.execute("SET ROLE analyst").await.unwrap();
    decided(&session, open_to_all).unwrap();
    // As if the name had come to stand for the other since the gate looked.
    let error = decided(&session, kept).unwrap_err();
    assert_eq!(error.reason(), Reason::PermissionDenied);
}

#[tokio::test]
async fn what_a_role_may_do_is_decided_on_the_table_that_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = call(folder.path()).await;
    for statement in [
        "CREATE TABLE a (x INT)",
        "CREATE TABLE b (x INT)",
        "CREATE ROLE analyst",
        "GRANT analyst TO root",
        "GRANT SELECT ON TABLE a TO analyst",
        "SET ROLE analyst",
        "SELECT * FROM a",
    ] {
        session.execute(statement).await.unwrap();
    }
    let database = session.database().to_owned();
    let id = |name: &str| {
        let table = session.instance.catalog.table("sys", &database, name);
        table.unwrap().unwrap().id
    };
    let decided = |operation, id| {
        let object = Object::Table {
            database: database.clone(),
            name: "a".to_owned(),
        };
        session.acting().allow_table_found(operation, &object, id)
    };
    decided(Operation::Select, id("a")).unwrap();
    // As if the table had been dropped and made anew since the gate looked.
    for (operation, id) in [
        (Operation::Select, id("b")),
        (Operation::DropTable, id("a")),
        (Operation::Insert, id("a")),
    ] {
        let error = decided(operation, id).unwrap_err();
        assert_eq!(error.reason(), Reason::PermissionDenied);
    }
}
