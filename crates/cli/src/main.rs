//! The one binary, `stagedoor`: the tour, the SQL shell and the server.
//! It talks gRPC to any server, also to the one that it embeds; no SQL is understood here.
#![doc = ""]
#![doc = include_str!("../README.md")]

mod args;
mod batch;
mod client;
mod connect;
#[cfg(feature = "embedded")]
mod demo;
mod dirs;
mod failure;
mod interrupt;
mod logging;
mod output;
mod progress;
mod render;
mod runner;
mod script;
#[cfg(feature = "embedded")]
mod serve;
mod shell;
mod sql;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::logging::LogFormat;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(cli) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            match error.downcast_ref::<Failure>() {
                Some(failure) => output::complain(failure),
                None => output::complain(format_args!("error: {error:#}")),
            }
            ExitCode::from(batch::EXIT_FAILED)
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<u8> {
    let log = cli.log.as_deref();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let status = match cli.command {
        #[cfg(feature = "embedded")]
        Command::Demo(args) => {
            logging::install(log, "error", LogFormat::Text)?;
            runtime.block_on(demo::run(args))
        }
        Command::Sql(args) => {
            logging::install(log, "error", LogFormat::Text)?;
            runtime.block_on(sql::run(args))
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
