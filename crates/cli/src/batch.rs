//! Scripts without a person: `-e`, `-f` and standard input. The first error stops, unless told otherwise.
//! The exit status says how it went; see [`crate::args::SqlArgs`].

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::io::AsyncRead;

use crate::interrupt::EXIT_INTERRUPTED;
use crate::output::complain;
use crate::runner::{RunError, Runner};
use crate::script::{Script, ScriptError};

/// A statement failed, or the server cannot be reached.
pub(crate) const EXIT_FAILED: u8 = 1;

/// The exit status of a program that SIGPIPE ended, as shells report it: the reader of our
/// standard output went away, so statements may not have run.
const EXIT_STDOUT_CLOSED: u8 = 141;

/// Where a script comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// `-e`.
    Text(String),
    /// `-f FILE`.
    File(PathBuf),
    /// `-f -`, or no terminal to ask.
    Stdin,
}

/// How a batch behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Behaviour {
    /// Go on after a failed statement.
    pub(crate) force: bool,
    /// Say where in the script a statement failed.
    pub(crate) locate: bool,
}

impl Behaviour {
    /// The behaviour that the options and the terminal ask for.
    pub(crate) fn new(force: bool, verbose: bool) -> Self {
        Self {
            force,
            locate: verbose || io::stderr().is_terminal(),
        }
    }
}

/// Runs the scripts one after the other and gives the exit status.
///
/// # Errors
/// When a file cannot be opened or read.
pub(crate) async fn run(
    runner: &mut Runner,
    sources: &[Source],
    behaviour: Behaviour,
) -> anyhow::Result<u8> {
    let mut failed = false;
    for source in sources {
        let status = match source {
            Source::Text(text) => run_script(runner, text.as_bytes(), None, behaviour).await?,
            Source::File(path) => {
                let file = tokio::fs::File::open(path).await;
                let file = file.with_context(|| format!("cannot open {}", path.display()))?;
                run_script(runner, file, Some(path), behaviour).await?
            }
            Source::Stdin => {
                let stdin = io::stdin()
                    .as_fd()
                    .try_clone_to_owned()
                    .context("cannot read standard input")?;
                let stdin = tokio::fs::File::from_std(stdin.into());
                run_script(runner, stdin, Some(Path::new("standard input")), behaviour).await?
            }
        };
        match status {
            0 => {}
            EXIT_FAILED if behaviour.force => failed = true,
            status => return Ok(status),
        }
    }
    Ok(if failed { EXIT_FAILED } else { 0 })
}

async fn run_script(
    runner: &mut Runner,
    reader: impl AsyncRead + Unpin,
    origin: Option<&Path>,
    behaviour: Behaviour,
) -> anyhow::Result<u8> {
    let named = || origin.unwrap_or(Path::new("-e")).display();
    let mut script = Script::new(reader);
    let mut failed = false;
    loop {
        let client = runner.client();
        let located = match script.next(async |text| client.split(text).await).await {
            Ok(Some(located)) => located,
            Ok(None) => return Ok(if failed { EXIT_FAILED } else { 0 }),
            Err(ScriptError::Split(failure)) => {
                complain(failure);
                return Ok(EXIT_FAILED);
            }
            Err(ScriptError::Read(error)) => {
                return Err(error).with_context(|| format!("cannot read {}", named()));
            }
            Err(ScriptError::NotUtf8 { line }) => {
                anyhow::bail!("{}:{line}: the text is not UTF-8", named());
            }
        };
        match runner.run(&located.statement).await {
            Ok(_) => {}
            Err(RunError::Stdout(error)) => return stdout_failed(error),
            Err(RunError::Interrupted(failure)) => {
                complain(failure);
                return Ok(EXIT_INTERRUPTED);
            }
            Err(RunError::Failed(failure)) => {
                complain(failure);
                if let (true, Some(_)) = (behaviour.locate, origin) {
                    complain(format_args!("  at {}:{}", named(), located.line));
                }
                if !behaviour.force {
                    return Ok(EXIT_FAILED);
                }
                failed = true;
            }
        }
    }
}

/// A closed standard output ends quietly; any other trouble with it is an error.
pub(crate) fn stdout_failed(error: io::Error) -> anyhow::Result<u8> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(EXIT_STDOUT_CLOSED);
    }
    Err(error).context("cannot write the result")
}
