//! The options of `stagedoor file`: the files of stages, from a script.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::PlaceArgs;
use crate::render::Format;

const HELP: &str = "\
A path in a stage is written stage://STAGE/PATH. In a pattern, * and ? stay within a folder and ** crosses them;
quote it, so that the shell leaves it alone.
Exit status: 0 when all is well; 1 when it failed or the server cannot be reached; 2 for a wrong command line.";

/// One task.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct FileArgs {
    #[command(subcommand)]
    pub(crate) command: FileCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FileCommand {
    /// Lists a file, a folder with all below it, or what matches a pattern
    List(FileListArgs),
    /// Removes a file, or what matches a pattern; folders stay
    Remove(FileRemoveArgs),
    /// Fetches files to a folder here; a download that broke off goes on where it stopped
    Get(FileGetArgs),
    /// Sends files from here to a folder of a stage; each is there whole or not at all
    Put(FilePutArgs),
    /// Makes a URL by which whoever has it may read or write one file until it expires
    Presign(FilePresignArgs),
    /// Makes the directory table of a stage agree with what is there
    Refresh(FileListArgs),
}

/// How to print rows, and the server.
#[derive(Debug, Args)]
pub(crate) struct FilePlaceArgs {
    /// How to print the answer: `table` for people, `csv` by RFC 4180, `json` with one object per line
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,

    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct FileListArgs {
    /// stage://STAGE/PATH
    #[arg(value_name = "STAGE_PATH")]
    pub(crate) path: String,

    #[command(flatten)]
    pub(crate) place: FilePlaceArgs,
}

#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct FileRemoveArgs {
    /// stage://STAGE/PATH
    #[arg(value_name = "STAGE_PATH")]
    pub(crate) path: String,

    /// That nothing is there to remove is fine
    #[arg(long)]
    pub(crate) allow_missing: bool,

    #[command(flatten)]
    pub(crate) place: FilePlaceArgs,
}

#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct FileGetArgs {
    /// stage://STAGE/PATH of a file, of a folder, or a pattern
    #[arg(value_name = "STAGE_PATH")]
    pub(crate) path: String,

    /// The folder they go to; it is made if need be
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,

    /// Replace files that have the names
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// Show no progress bar
    #[arg(long)]
    pub(crate) no_progress: bool,

    #[command(flatten)]
    pub(crate) place: FilePlaceArgs,
}

#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct FilePutArgs {
    /// Files here
    #[arg(value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) files: Vec<PathBuf>,

    /// stage://STAGE/FOLDER that they go to, under their own names
    #[arg(value_name = "STAGE_PATH")]
    pub(crate) path: String,

    /// Replace files that have the names
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// Show no progress bar
    #[arg(long)]
    pub(crate) no_progress: bool,

    #[command(flatten)]
    pub(crate) place: FilePlaceArgs,
}

#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct FilePresignArgs {
    /// stage://STAGE/PATH of a file
    #[arg(value_name = "STAGE_PATH")]
    pub(crate) path: String,

    /// For writing the file, instead of reading it
    #[arg(long)]
    pub(crate) upload: bool,

    /// How long the URL is good for, at most seven days
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub(crate) expire: u64,

    #[command(flatten)]
    pub(crate) place: FilePlaceArgs,
}
