//! How the demo shows a step: a heading, the statement as if typed, its answer, and whether that
//! is the answer that was promised.

use std::fmt::Display;
use std::io::{self, Write};

use anyhow::{Context, bail, ensure};
use proto::v1::StatementResult;

use crate::runner::{RunError, Runner};

/// Runs and shows the demo's statements.
pub(super) struct Tour {
    runner: Runner,
    step: u32,
}

impl Tour {
    pub(super) fn new(runner: Runner) -> Self {
        Self { runner, step: 0 }
    }

    /// Gives the session back.
    pub(super) fn into_runner(self) -> Runner {
        self.runner
    }

    /// The session, for calls that are not SQL.
    pub(super) fn runner(&mut self) -> &mut Runner {
        &mut self.runner
    }

    /// Begins a step of the tour.
    pub(super) fn heading(&mut self, text: &str) -> anyhow::Result<()> {
        self.step += 1;
        let title = format!("{}. {text}", self.step);
        self.say(format_args!(
            "\n{title}\n{}",
            "=".repeat(title.chars().count())
        ))
    }

    /// Says something.
    pub(super) fn say(&mut self, text: impl Display) -> anyhow::Result<()> {
        let out = self.runner.out();
        writeln!(out, "{text}")
            .and_then(|()| out.flush())
            .context(StdoutClosed)
    }

    /// Shows text that is quoted from a file, indented.
    pub(super) fn quote(&mut self, text: &str) -> anyhow::Result<()> {
        text.lines()
            .try_for_each(|line| self.say(format_args!("    {line}")))
    }

    /// Runs a statement that must succeed.
    pub(super) async fn run(&mut self, statement: &str) -> anyhow::Result<StatementResult> {
        self.show(statement)?;
        match self.runner.run(statement).await {
            Ok(result) => Ok(result),
            Err(RunError::Stdout(error)) => Err(error).context(StdoutClosed),
            Err(RunError::Failed(failure) | RunError::Interrupted(failure)) => Err(failure.into()),
        }
    }

    /// Runs a statement that must be refused with exactly this line.
    pub(super) async fn refused(&mut self, statement: &str, line: &str) -> anyhow::Result<()> {
        self.show(statement)?;
        match self.runner.run(statement).await {
            Ok(_) => bail!("this statement should have been refused"),
            Err(RunError::Stdout(error)) => Err(error).context(StdoutClosed),
            Err(RunError::Interrupted(failure)) => Err(failure.into()),
            Err(RunError::Failed(failure)) => {
                self.say(&failure)?;
                ensure!(
                    failure.to_string() == line,
                    "the refusal should have read `{line}`"
                );
                Ok(())
            }
        }
    }

    fn show(&mut self, statement: &str) -> anyhow::Result<()> {
        self.say(format_args!(
            "stagedoor> {};",
            statement.replace('\n', "\n        -> ")
        ))
    }
}

/// Marks errors of standard output.
#[derive(Debug, Clone, Copy)]
struct StdoutClosed;

impl Display for StdoutClosed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cannot write to standard output")
    }
}

/// The error of standard output in `error`, if that is what it is.
pub(super) fn stdout_error(error: anyhow::Error) -> anyhow::Result<io::Error> {
    if error.downcast_ref::<StdoutClosed>().is_some() {
        error.downcast::<io::Error>()
    } else {
        Err(error)
    }
}

/// A string literal of SQL.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_hold_any_path() {
        assert_eq!(literal(r"/tmp/it's a \dir"), r"'/tmp/it''s a \\dir'");
    }

    #[test]
    fn errors_of_standard_output_are_told_apart() {
        let closed =
            anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context(StdoutClosed);
        assert!(stdout_error(closed).is_ok_and(|error| error.kind() == io::ErrorKind::BrokenPipe));
        assert!(stdout_error(anyhow::anyhow!("other")).is_err());
    }
}
