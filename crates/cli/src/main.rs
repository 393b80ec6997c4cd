//! The one binary, `stagedoor`: the tour, the SQL shell and the server.
//! It talks gRPC to any server, also to the one that it embeds; no SQL is understood here.
#![doc = ""]
#![doc = include_str!("../README.md")]

mod admin;
mod args;
mod batch;
mod client;
mod connect;
mod credentials;
#[cfg(feature = "embedded")]
mod demo;
mod dirs;
mod failure;
mod file;
mod interrupt;
mod logging;
mod login;
mod options;
mod output;
mod progress;
mod render;
mod runner;
mod script;
#[cfg(feature = "embedded")]
mod serve;
mod shell;
mod sql;
#[cfg(test)]
mod stub;
mod tokens;
mod transfer;
mod usage;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::logging::LogFormat;
use crate::options::Environment;
use crate::usage::Usage;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(cli) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            match error.downcast_ref::<Failure>() {
                Some(failure) => output::complain(failure),
                None => output::complain(format_args!("error: {error:#}")),
            }
            ExitCode::from(match error.downcast_ref::<Usage>() {
                Some(_) => usage::EXIT_USAGE,
                None => batch::EXIT_FAILED,
            })
        }
    }
}

/// What is logged where nothing else was asked for: errors, and what opening a data directory had to repair.
const DEFAULT_FILTER: &str = "error,stagedoor::recovery=warn";

fn start(cli: Cli) -> anyhow::Result<u8> {
    let log = cli.log.as_deref();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let status = match cli.command {
        #[cfg(feature = "embedded")]
        Command::Demo(args) => {
            logging::install(log, DEFAULT_FILTER, LogFormat::Text)?;
            runtime.block_on(demo::run(args))
        }
        Command::Sql(args) => {
            logging::install(log, DEFAULT_FILTER, LogFormat::Text)?;
            runtime.block_on(sql::run(args))
        }
        Command::File(args) => {
            logging::install(log, DEFAULT_FILTER, LogFormat::Text)?;
            runtime.block_on(printed(async |env, out| file::run(args, env, out).await))
        }
        Command::Login(args) => {
            logging::install(log, DEFAULT_FILTER, LogFormat::Text)?;
            runtime.block_on(printed(async |env, out| {
                login::login(&args, env, out).await.map(|()| 0)
            }))
        }
        Command::Logout(args) => {
            logging::install(log, DEFAULT_FILTER, LogFormat::Text)?;
            runtime.block_on(printed(async |env, out| {
                login::logout(&args, env, out).await.map(|()| 0)
            }))
        }
        Command::Whoami(args) => {
            logging::install(log, DEFAULT_FILTER, LogFormat::Text)?;
            runtime.block_on(printed(async |env, out| {
                login::whoami(&args, env, out).await.map(|()| 0)
            }))
        }
        Command::Admin(args) => {
            logging::install(log, DEFAULT_FILTER, LogFormat::Text)?;
            runtime.block_on(printed(async |env, out| admin::run(args, env, out).await))
        }
        #[cfg(feature = "embedded")]
        Command::Serve(args) => {
            logging::install(log, "info", args.log_format)?;
            runtime.block_on(serve::run(args))
        }
    };
    // A thread may still wait for standard input; nothing of value is left to wait for.
    runtime.shutdown_background();
    status
}

/// Runs a command that only prints an answer; gives its exit status.
async fn printed(
    command: impl AsyncFnOnce(Environment<'_>, &mut output::Stdout) -> anyhow::Result<u8>,
) -> anyhow::Result<u8> {
    let mut out = output::stdout();
    let status = command(Environment::new(&options::variable), &mut out).await?;
    match out.flush() {
        Ok(()) => Ok(status),
        Err(error) => batch::stdout_failed(error),
    }
}
