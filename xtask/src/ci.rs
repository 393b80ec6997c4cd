//! `cargo xtask ci`: all that must hold before a merge, in the order of the quickest answer.
//! Each step is printed with its time; the first failure ends the run.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::process::{self, cargo};
use crate::test::SELECTION;
use crate::{api, codegen, deny, tidy};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// All but the last step, `cargo xtask test`
    #[arg(long)]
    no_test: bool,
}

/// Runs the steps; the error names the step.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let started = Instant::now();
    step("fmt", || {
        process::run(cargo(root).args(["fmt", "--all", "--check"]))
    })?;
    step("codegen", || codegen::run(root, true))?;
    step("api", || api::run(root, &api::Arguments { check: true }))?;
    step("tidy", || tidy::run(root))?;
    step("clippy", || {
        process::run(
            cargo(root)
                .arg("clippy")
                .args(SELECTION)
                .args(["--", "-D", "warnings"]),
        )
    })?;
    step("doc", || {
        process::run(cargo(root).env("RUSTDOCFLAGS", "-D warnings").args([
            "doc",
            "--workspace",
            "--no-deps",
            "--locked",
        ]))
    })?;
    step("deny", || deny::run(root, &deny::Arguments::default()))?;
    if !arguments.no_test {
        step("test", || process::run(cargo(root).args(["xtask", "test"])))?;
    }
    println!("ci: passed in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("── {name}");
    let started = Instant::now();
    let outcome = work().with_context(|| format!("step {name}"));
    let word = if outcome.is_ok() { "ok" } else { "FAILED" };
    println!(
        "── {name}: {word} in {:.1} s",
        started.elapsed().as_secs_f64()
    );
    outcome
}
