//! `stagedoor sql`: opens a session, then hands over to the shell or to a batch.

use std::io::{self, IsTerminal};
use std::path::Path;

use crate::args::SqlArgs;
use crate::batch::{self, Behaviour, Source};
use crate::client::Client;
use crate::connect::{Connection, Place};
use crate::credentials::Credential;
use crate::interrupt::Interrupts;
use crate::options::{self, Environment};
use crate::output::complain;
use crate::runner::{Runner, Settings};
use crate::shell;

/// Runs the command and gives the exit status.
///
/// # Errors
/// What keeps it from starting, as a [`crate::failure::Failure`] or in plain words.
pub(crate) async fn run(args: SqlArgs) -> anyhow::Result<u8> {
    // A password may be asked for, where Ctrl-C is to end the program as if nothing took it over.
    let place = options::place(&args.place, Environment::new(&options::variable))?;
    if let Place::Server(address, Credential::Token { login, .. }) = &place
        && io::stderr().is_terminal()
    {
        complain(format_args!("logged in to {} as {login}", address.url));
    }
    let interrupts = Interrupts::install()?;
    let connection = Connection::open(&place).await?;
    let status = run_session(args, &connection, interrupts).await;
    connection.close().await;
    status
}

async fn run_session(
    args: SqlArgs,
    connection: &Connection,
    interrupts: Interrupts,
) -> anyhow::Result<u8> {
    let client = Client::open(connection, &args.database).await?;
    let settings = Settings::new(args.format, args.verbose, args.no_progress);
    let mut runner = Runner::new(client, interrupts, settings);
    let sources = sources(
        args.execute,
        args.file.as_deref(),
        io::stdin().is_terminal(),
    );
    let status = if sources.is_empty() {
        shell::run(&mut runner).await
    } else {
        batch::run(
            &mut runner,
            &sources,
            Behaviour::new(args.force, args.verbose),
        )
        .await
    };
    runner.into_client().close().await;
    status
}

/// What to run; nothing means that a person will type.
fn sources(execute: Vec<String>, file: Option<&Path>, at_terminal: bool) -> Vec<Source> {
    let mut sources: Vec<_> = execute.into_iter().map(Source::Text).collect();
    match file {
        Some(path) if path == Path::new("-") => sources.push(Source::Stdin),
        Some(path) => sources.push(Source::File(path.to_owned())),
        None if sources.is_empty() && !at_terminal => sources.push(Source::Stdin),
        None => {}
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_before_standard_input() {
        let text = || vec!["SELECT 1".to_owned()];
        assert_eq!(
            sources(text(), None, false),
            [Source::Text("SELECT 1".to_owned())]
        );
        assert_eq!(
            sources(text(), Some(Path::new("a.sql")), false),
            [
                Source::Text("SELECT 1".to_owned()),
                Source::File("a.sql".into())
            ]
        );
        assert_eq!(
            sources(Vec::new(), Some(Path::new("-")), true),
            [Source::Stdin]
        );
        assert_eq!(sources(Vec::new(), None, false), [Source::Stdin]);
        assert_eq!(sources(Vec::new(), None, true), []);
    }
}
