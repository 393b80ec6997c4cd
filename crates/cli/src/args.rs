//! The command line, as clap sees it.
//! What each option means is said here once: `--help` and the README are made from it.

mod admin;
mod connect;
mod file;
mod login;
#[cfg(feature = "embedded")]
mod serve;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::admin::{AdminArgs, AdminCommand, OnlineArgs};
#[cfg(feature = "embedded")]
pub(crate) use self::admin::{DataArgs, RebuildArgs, RestoreArgs, RotateKeyArgs};
pub(crate) use self::connect::{LoginOptions, PlaceArgs, RemoteArgs, ServerArgs, TransportOptions};
pub(crate) use self::file::{FileArgs, FileCommand, FilePlaceArgs};
pub(crate) use self::login::{LoginArgs, LogoutArgs, WhoamiArgs};
#[cfg(feature = "embedded")]
pub(crate) use self::serve::ServeArgs;
use crate::render::Format;

/// The governed way out for data: SQL exports that go only where an administrator allows.
#[derive(Debug, Parser)]
#[command(
    name = "stagedoor",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    /// What to log, to standard error: a level or a filter such as `info,server=debug`
    #[arg(long, global = true, env = "RUST_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Takes the whole tour on a server of its own in a temporary directory
    #[cfg(feature = "embedded")]
    Demo(DemoArgs),
    /// Runs SQL: an interactive shell, or a script
    Sql(SqlArgs),
    /// Lists, fetches, sends and removes the files of stages
    File(FileArgs),
    /// Logs in to a running server, and keeps the login
    Login(LoginArgs),
    /// Gives up the login that is kept for a running server
    Logout(LogoutArgs),
    /// Says who a running server takes the caller for
    Whoami(WhoamiArgs),
    /// Administers a running server, or the data directory of one that does not run
    Admin(AdminArgs),
    /// Runs the server
    #[cfg(feature = "embedded")]
    Serve(ServeArgs),
}

/// How a command prints its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Answer {
    /// Sentences, for people.
    Text,
    /// JSON, for programs.
    Json,
}

#[cfg(feature = "embedded")]
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Work in this new or empty directory and keep it, instead of a temporary one
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,

    /// Size of the TPC-H data: 1 is six million rows
    #[arg(long, value_name = "FACTOR", default_value_t = 0.1, value_parser = parse_scale)]
    pub(crate) scale: f64,
}

/// What and where to run, and how to print it.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Exit status: 0 when every statement succeeded; 1 when one failed or the server cannot be reached;
2 for a wrong command line; 130 after Ctrl-C; 141 when standard output was closed.")]
pub(crate) struct SqlArgs {
    /// Run these statements and exit; may be given several times
    #[arg(short = 'e', long = "execute", value_name = "SQL")]
    pub(crate) execute: Vec<String>,

    /// Run the statements of this file and exit; `-` is standard input
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// How to print rows: `table` for people, `csv` by RFC 4180 (NULL is empty, '' is quoted),
    /// `json` with one object per line
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,

    /// The database to begin in
    #[arg(long, value_name = "DB", default_value = "")]
    pub(crate) database: String,

    /// Show no progress bar during exports
    #[arg(long)]
    pub(crate) no_progress: bool,

    /// Go on after a failed statement; the exit status is still 1
    #[arg(long)]
    pub(crate) force: bool,

    /// Also say how each statement ended, and where in a script one failed, when the output is
    /// not a terminal
    #[arg(short, long)]
    pub(crate) verbose: bool,

    // Last, for its help headings go on until the next.
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

#[cfg(feature = "embedded")]
fn parse_scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if (0.001..=100.0).contains(&scale) => Ok(scale),
        _ => Err("must be a number from 0.001 to 100".to_owned()),
    }
}
