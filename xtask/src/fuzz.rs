//! `cargo xtask fuzz`: cargo-fuzz over the targets of the crates that have some, for so many seconds each, with the
//! workspace's own toolchain. A cargo-fuzz on the PATH is used; else one is built, once, into `target/tools`.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::process::{self, cargo};

/// The version that is built where there is none.
const VERSION: &str = "0.13.2";

/// The packages of targets; no two targets have the same name.
const FOLDERS: [&str; 4] = [
    "crates/catalog/fuzz",
    "crates/mysql/fuzz",
    "crates/parser/fuzz",
    "crates/storage/fuzz",
];

/// The same, where what they stand on takes minutes to build: those are fuzzed by name.
const HEAVY_FOLDERS: [&str; 1] = ["crates/exporter/fuzz"];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One target, as `encoder`; by default all but that one, which takes minutes to build
    target: Option<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many targets at once
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Where the fuzzer's random numbers begin, to try the same again; another each time by default
    #[arg(long)]
    seed: Option<u32>,
}

/// A target, and the folder of its package.
type Target = (&'static str, String);

/// Fuzzes; a crash, or a missing tool, is an error.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    if !process::works(Command::new("c++").arg("--version")) {
        bail!("fuzzing needs a C++ compiler, for libFuzzer: `apt-get install g++`");
    }
    bring(root)?;
    let mut targets: Vec<Target> = Vec::new();
    let heavy = arguments.target.iter().flat_map(|_| HEAVY_FOLDERS);
    for folder in FOLDERS.into_iter().chain(heavy) {
        let listed = process::output(cargo_fuzz(root)?.args(["list", "--fuzz-dir", folder]))?;
        if listed.trim().is_empty() {
            bail!("{folder} has no targets");
        }
        let all = listed.lines().map(|target| (folder, target.to_owned()));
        targets.extend(all.filter(|(_, target)| {
            let wanted = arguments.target.as_ref();
            wanted.is_none_or(|wanted| wanted == target)
        }));
    }
    if let (true, Some(wanted)) = (targets.is_empty(), &arguments.target) {
        bail!("no package of {FOLDERS:?} and {HEAVY_FOLDERS:?} has a target {wanted}");
    }
    // Builds take all cores, runs one each.
    for (folder, target) in &targets {
        println!("fuzz: building {target} of {folder}");
        process::run(cargo_fuzz(root)?.args(["build", "--fuzz-dir", folder, target]))?;
    }
    let left = Mutex::new(targets.into_iter());
    thread::scope(|scope| {
        let works: Vec<_> = (0..arguments.jobs.max(1))
            .map(|_| scope.spawn(|| fuzz_each(root, arguments, &left)))
            .collect();
        for work in works {
            work.join()
                .map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        }
        Ok(())
    })
}

/// Fuzzes one target after another, until none is left.
fn fuzz_each(
    root: &Path,
    arguments: &Arguments,
    left: &Mutex<std::vec::IntoIter<Target>>,
) -> Result<()> {
    let next = || left.lock().unwrap_or_else(|e| e.into_inner()).next();
    while let Some((folder, target)) = next() {
        println!("fuzz: {target} of {folder} for {} s", arguments.seconds);
        let mut command = cargo_fuzz(root)?;
        command
            .args(["run", "--fuzz-dir", folder, &target, "--"])
            .args(["-verbosity=0", "-print_final_stats=1"])
            .arg(format!("-max_total_time={}", arguments.seconds));
        if let Some(seed) = arguments.seed {
            command.arg(format!("-seed={seed}"));
        }
        process::run(&mut command).with_context(|| {
            format!("fuzzing {target}; what it failed on is in {folder}/artifacts/{target}")
        })?;
        println!("fuzz: {target} found nothing");
    }
    Ok(())
}

/// Builds cargo-fuzz, where there is none.
fn bring(root: &Path) -> Result<()> {
    if process::works(cargo_fuzz(root)?.arg("--version")) {
        return Ok(());
    }
    println!("fuzz: building cargo-fuzz {VERSION} into target/tools, once");
    let folder = process::target_directory(root)?.join("tools");
    process::run(
        cargo(root)
            .args(["install", "--quiet", "--locked", "--root"])
            .arg(&folder)
            .args(["--version", VERSION, "cargo-fuzz"]),
    )
    .context("failed to bring cargo-fuzz")
}

/// The sanitizer is an unstable option of the compiler; the pinned one takes it when it is told that it may.
fn cargo_fuzz(root: &Path) -> Result<Command> {
    let target = process::target_directory(root)?;
    let own = target.join("tools/bin");
    let others = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(own).chain(std::env::split_paths(&others));
    let mut command = cargo(root);
    command
        .arg("fuzz")
        .env("PATH", std::env::join_paths(paths)?)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", target.join("fuzz"));
    Ok(command)
}
