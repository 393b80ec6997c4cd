//! What the statement before had to say, which SHOW WARNINGS, SHOW ERRORS and `@@warning_count` tell: kept by a session
//! from one statement to the next, until another says something or uses a table.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use parser::{Plan, ShowDiagnostics, ShownDiagnostics};

use crate::error::{Error, Result};

use super::result::{Outcome, Rows};
use super::{Purpose, Session};

/// How many are kept of one statement.
const KEPT_MAX: usize = 1024;

/// Bytes of a message.
const MESSAGE_BYTES_MAX: usize = 8 << 10;

/// The number of what has none.
const UNKNOWN: u16 = 1105;

/// Numbers of what a statement did not do because it was so already: MySQL's IF EXISTS and IF NOT EXISTS. Stages have those
/// of procedures, for MySQL has no stages.
const NOTES: [u16; 8] = [1007, 1008, 1050, 1051, 1304, 1305, 3162, 3163];

/// How much a condition means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// It was so already.
    Note,
    /// It was done, and not as asked.
    Warning,
    /// It was not done.
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Note => "Note",
            Self::Warning => "Warning",
            Self::Error => "Error",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    level: Level,
    code: u16,
    message: String,
}

impl Condition {
    /// Of a warning as statements give it, `code: text` or a text alone.
    fn of_warning(warning: &str) -> Self {
        let numbered = warning
            .split_once(": ")
            .and_then(|(code, text)| Some((code.parse().ok()?, text)));
        let (code, text) = numbered.unwrap_or((UNKNOWN, warning));
        let level = match NOTES.contains(&code) {
            true => Level::Note,
            false => Level::Warning,
        };
        Self::new(level, code, text)
    }

    fn new(level: Level, code: u16, message: &str) -> Self {
        let end = message.floor_char_boundary(MESSAGE_BYTES_MAX);
        Self {
            level,
            code,
            message: message[..end].to_owned(),
        }
    }
}

#[derive(Debug, Default)]
struct Said {
    conditions: Vec<Condition>,
    request_id: String,
}

/// What a session's latest statement said. Clones of a session share it.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics(Mutex<Said>);

impl Diagnostics {
    /// It ended with these warnings, as statements give them.
    pub(crate) fn warned(&self, warnings: &[String]) {
        let kept = warnings.iter().take(KEPT_MAX);
        self.lock().conditions = kept.map(|text| Condition::of_warning(text)).collect();
    }

    /// Something worth knowing that no statement has said.
    pub(crate) fn noted(&self, text: &str) {
        self.lock().conditions = vec![Condition::new(Level::Note, UNKNOWN, text)];
    }

    /// It failed.
    pub(crate) fn failed(&self, error: &Error) {
        let text = error.told().unwrap_or(error.message());
        self.lock().conditions = vec![Condition::new(Level::Error, error.code(), text)];
    }

    /// It failed, and this is by what it is known.
    pub(crate) fn failed_as(&self, error: &Error, request_id: &str) {
        self.failed(error);
        request_id.clone_into(&mut self.lock().request_id);
    }

    /// How many conditions there are, and how many of them are errors.
    pub(super) fn counts(&self) -> (usize, usize) {
        let said = self.lock();
        let errors = said.conditions.iter();
        let errors = errors.filter(|condition| condition.level == Level::Error);
        (said.conditions.len(), errors.count())
    }

    /// By what the statement is known in the log and the audit; empty before the first.
    pub(crate) fn request_id(&self) -> String {
        self.lock().request_id.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a statement does to what the one before it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    /// Nothing: it shows it, or is looked at and not run.
    Never,
    /// It takes its place with what it says itself, if it says anything.
    IfAnything,
    /// It takes its place.
    Always,
}

impl Speaks {
    fn warned(self, diagnostics: &Diagnostics, warnings: &[String]) {
        let does = match self {
            Self::Never => false,
            Self::IfAnything => !warnings.is_empty(),
            Self::Always => true,
        };
        if does {
            diagnostics.warned(warnings);
        }
    }
}

impl Session {
    /// What the session's latest statement said.
    pub(crate) fn diagnostics(&self) -> Arc<Diagnostics> {
        Arc::clone(&self.diagnostics)
    }

    pub(super) fn speaks(&self, plan: &Plan, purpose: Purpose) -> Speaks {
        if purpose == Purpose::Describe || matches!(plan, Plan::ShowDiagnostics(_)) {
            return Speaks::Never;
        }
        let is_of_no_table = if let Plan::Query(query) = plan {
            // Its tables matter only to what there is to be kept.
            self.diagnostics.counts().0 > 0
                && query.staged_files.is_empty()
                && query.stage_functions.is_empty()
                && query::table_references(&query.text).is_ok_and(|tables| tables.is_empty())
        } else {
            matches!(plan, Plan::SetVariable(_))
        };
        match is_of_no_table {
            true => Speaks::IfAnything,
            false => Speaks::Always,
        }
    }

    /// Keeps what a statement says; of rows, once they have been read.
    pub(super) fn said(&self, speaks: Speaks, result: Result<Outcome>) -> Result<Outcome> {
        let diagnostics = self.diagnostics();
        let request_id = &self.context.request_id;
        if speaks != Speaks::Never {
            diagnostics.lock().request_id.clone_from(request_id);
        }
        match result {
            Err(error) => {
                diagnostics.failed_as(&error, request_id);
                Err(error)
            }
            Ok(Outcome::Rows(rows)) if speaks != Speaks::Never => {
                Ok(Outcome::Rows(rows.speaking(speaks, diagnostics)))
            }
            Ok(Outcome::Done(done)) => {
                speaks.warned(&diagnostics, &done.warnings);
                Ok(Outcome::Done(done))
            }
            // What an export has to say is known when it has ended.
            Ok(outcome @ (Outcome::Rows(_) | Outcome::Export(_) | Outcome::Transfer(_))) => {
                speaks.warned(&diagnostics, &[]);
                Ok(outcome)
            }
        }
    }

    /// SHOW WARNINGS and SHOW ERRORS.
    ///
    /// # Errors
    /// Those of the gate.
    pub(crate) async fn show_diagnostics(&self, statement: ShowDiagnostics) -> Result<Outcome> {
        self.pass().await?;
        let verb = statement.verb();
        let ShowDiagnostics { only_errors, shown } = statement;
        let (offset, rows) = match shown {
            ShownDiagnostics::Count => {
                let (all, errors) = self.diagnostics.counts();
                let (name, count) = match only_errors {
                    false => ("@@session.warning_count", all),
                    true => ("@@session.error_count", errors),
                };
                return Outcome::numbers(verb, &[(name, count as u64)]);
            }
            ShownDiagnostics::Rows { offset, rows } => (offset, rows),
        };
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let said = self.diagnostics.lock();
        let conditions = said
            .conditions
            .iter()
            .filter(|condition| !only_errors || condition.level == Level::Error)
            .skip(number(offset))
            .take(rows.map_or(usize::MAX, number));
        let rows = conditions.map(|condition| {
            vec![
                Some(condition.level.name().to_owned()),
                Some(condition.code.to_string()),
                Some(condition.message.clone()),
            ]
        });
        Outcome::text_rows(verb, &["Level", "Code", "Message"], rows.collect())
    }
}

impl Rows {
    /// The same rows, at whose end what the statement says is known.
    fn speaking(self, speaks: Speaks, diagnostics: Arc<Diagnostics>) -> Self {
        let warnings = Arc::clone(&self.warnings);
        let state = Some((self.batches, diagnostics, warnings));
        let batches = futures::stream::unfold(state, move |state| async move {
            let (mut batches, diagnostics, warnings) = state?;
            match batches.next().await {
                Some(Ok(batch)) => Some((Ok(batch), Some((batches, diagnostics, warnings)))),
                Some(Err(error)) => {
                    diagnostics.failed(&error);
                    Some((Err(error), None))
                }
                None => {
                    speaks.warned(&diagnostics, &warnings());
                    None
                }
            }
        });
        Self {
            batches: Box::pin(batches),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use arrow::array::AsArray;
    use futures::TryStreamExt;

    use super::*;
    use crate::{Server, Settings};

    async fn shown(session: &mut Session, statement: &str) -> Vec<[String; 2]> {
        let Outcome::Rows(rows) = session.execute(statement).await.unwrap() else {
            panic!("{statement}: no rows");
        };
        let batches: Vec<_> = rows.batches.try_collect().await.unwrap();
        let rows = batches.iter().flat_map(|batch| {
            let cell = |column: usize, row: usize| {
                let array = batch.column(column).as_string::<i32>();
                array.value(row).to_owned()
            };
            (0..batch.num_rows()).map(move |row| [cell(0, row), cell(1, row)])
        });
        rows.collect()
    }

    async fn count(session: &mut Session, statement: &str) -> u64 {
        let Outcome::Rows(rows) = session.execute(statement).await.unwrap() else {
            panic!("{statement}: no rows");
        };
        let batches: Vec<_> = rows.batches.try_collect().await.unwrap();
        let column = batches[0].column(0);
        let text = arrow::util::display::array_value_to_string(column, 0).unwrap();
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn what_a_statement_said_stays_until_another_says_something_or_uses_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::open(Settings::embedded(folder.path()))
            .await
            .unwrap();
        let mut session = server.session().unwrap();
        let warnings = "SHOW WARNINGS";
        assert!(shown(&mut session, warnings).await.is_empty());

        session
            .execute("DROP TABLE IF EXISTS main.a, main.b")
            .await
            .unwrap();
        let note = ["Note".to_owned(), "1051".to_owned()];
        for statement in [warnings, "/* again */ show warnings limit 5 ; -- all"] {
            let said = shown(&mut session, statement).await;
            assert_eq!(said, [note.clone(), note.clone()], "{statement}");
        }
        assert_eq!(
            shown(&mut session, "SHOW WARNINGS LIMIT 1, 5").await.len(),
            1
        );
        assert_eq!(shown(&mut session, "SHOW WARNINGS LIMIT 0").await.len(), 0);
        assert!(shown(&mut session, "SHOW ERRORS").await.is_empty());
        for (statement, expected) in [
            ("SHOW COUNT(*) WARNINGS", 2),
            ("SELECT @@warning_count", 2),
            ("SHOW COUNT(*) ERRORS", 0),
            ("SELECT @@error_count", 0),
        ] {
            assert_eq!(
                count(&mut session, statement).await,
                expected,
                "{statement}"
            );
        }
        for (statement, number) in [
            ("DROP STAGE IF EXISTS nothing", "1305"),
            ("ALTER STAGE IF EXISTS nothing SET COMMENT = 'x'", "1305"),
            ("DROP USER IF EXISTS nobody", "3162"),
            ("DROP ROLE IF EXISTS nobody", "3162"),
            ("DROP ACCOUNT IF EXISTS nobody", "3162"),
            ("CREATE USER IF NOT EXISTS root IDENTIFIED BY 'x'", "3163"),
            ("DROP DATABASE IF EXISTS nothing", "1008"),
            ("DROP TABLE IF EXISTS main.a, main.b", "1051"),
        ] {
            session.execute(statement).await.unwrap();
            let said = shown(&mut session, warnings).await;
            let expected = ["Note".to_owned(), number.to_owned()];
            assert_eq!(said.first(), Some(&expected), "{statement}");
        }
        session.execute("SET NAMES utf8mb4").await.unwrap();
        assert_eq!(count(&mut session, "SHOW COUNT(*) WARNINGS").await, 2);

        session.execute("ROLLBACK").await.unwrap();
        let said = shown(&mut session, warnings).await;
        assert_eq!(said, [["Warning".to_owned(), "1196".to_owned()]]);

        let error = session.execute("SELECT * FROM main.nothing").await;
        assert!(error.is_err());
        let error = ["Error".to_owned(), "1146".to_owned()];
        assert_eq!(
            shown(&mut session, warnings).await,
            std::slice::from_ref(&error)
        );
        assert_eq!(shown(&mut session, "SHOW ERRORS").await, [error]);
        assert_eq!(count(&mut session, "SELECT @@error_count").await, 1);
        assert!(session.execute("SELEC 1").await.is_err());
        let said = shown(&mut session, warnings).await;
        assert_eq!(said, [["Error".to_owned(), "1064".to_owned()]]);

        session
            .execute("CREATE TABLE main.t (a INT)")
            .await
            .unwrap();
        assert!(shown(&mut session, warnings).await.is_empty());
    }

    #[tokio::test]
    async fn warnings_of_rows_are_there_once_the_rows_were_read() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::open(Settings::embedded(folder.path()))
            .await
            .unwrap();
        let mut session = server.session().unwrap();
        let Outcome::Rows(rows) = session
            .execute("SELECT REPEAT('x', 1000000000)")
            .await
            .unwrap()
        else {
            panic!("no rows");
        };
        let _: Vec<_> = rows.batches.try_collect().await.unwrap();
        let said = shown(&mut session, "SHOW WARNINGS").await;
        assert_eq!(said, [["Warning".to_owned(), "1301".to_owned()]]);
    }
}
