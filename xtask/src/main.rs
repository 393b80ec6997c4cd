//! The project's own commands; `cargo xtask help` lists them.
//! Each command is one file, named after it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool"
)]

mod api;
mod apt;
mod bench;
mod ceph;
mod ci;
mod codegen;
mod crash;
mod databases;
mod deny;
mod fuzz;
mod node;
mod process;
mod protos;
mod standalone;
mod tally;
mod test;
mod tidy;
mod venv;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Stagedoor's own commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything that must hold before a merge: fmt, codegen, api, tidy, clippy, doc, deny, test
    Ci(ci::Arguments),
    /// The whole test suite; brings what it needs into target/
    Test(test::Arguments),
    /// The rules of the tree: crate edges, names, lengths, links, banned words
    Tidy,
    /// Generate the wire code from the proto files
    Codegen {
        /// Only check that the committed code is fresh
        #[arg(long)]
        check: bool,
        /// Keep the contract as it is: from then on nothing of it may be taken back
        #[arg(long, conflicts_with = "check")]
        freeze: bool,
    },
    /// Write what the crates that are used alone offer, public-api.txt
    Api(api::Arguments),
    /// Check that each inner crate builds alone
    Standalone(standalone::Arguments),
    /// Licences, banned crates and sources, by cargo-deny
    Deny(deny::Arguments),
    /// Fuzz parser, catalog formats and paths (needs a C++ compiler)
    Fuzz(fuzz::Arguments),
    /// Kill the real binary again and again, and look for lost or partial data
    Crash(crash::Arguments),
    /// Measure an export against Polars, ClickHouse, DuckDB and DataFusion
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let root = root()?;
    match Arguments::parse().command {
        Command::Ci(arguments) => ci::run(&root, &arguments),
        Command::Test(arguments) => test::run(&root, &arguments),
        Command::Tidy => tidy::run(&root),
        Command::Codegen { freeze: true, .. } => codegen::freeze(&root),
        Command::Codegen { check, .. } => codegen::run(&root, check),
        Command::Api(arguments) => api::run(&root, &arguments),
        Command::Standalone(arguments) => standalone::run(&root, &arguments),
        Command::Deny(arguments) => deny::run(&root, &arguments),
        Command::Fuzz(arguments) => fuzz::run(&root, &arguments),
        Command::Crash(arguments) => crash::run(&root, &arguments),
        Command::Bench(arguments) => bench::run(&root, &arguments),
    }
}

/// The workspace's root folder.
fn root() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .context("xtask has no parent folder")
}
