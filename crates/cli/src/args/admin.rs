//! The options of `stagedoor admin`: what can be asked of a running server by its administrator, and what
//! is done with a data directory while none runs.

#[cfg(feature = "embedded")]
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Answer, RemoteArgs};

const HELP: &str = "\
A running server must be asked by role `moadmin` of account `sys`. With --data-dir no server may run, and
whoever may open the directory may do it.
Exit status: 0 when all is well; 1 when the task failed or the server cannot be reached;
2 for a wrong command line; 3 when a check found damage.";

/// One task.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct AdminArgs {
    #[command(subcommand)]
    pub(crate) command: AdminCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Says how the server is, and what it repaired when it started
    Status(OnlineArgs),
    /// Backs up everything but external files to a directory of the server's machine, while it runs
    Backup(BackupArgs),
    /// Checks that no audit record was changed or taken out; exit status 3 if one was
    VerifyAudit(VerifyAuditArgs),
    /// Lists the open sessions of all accounts
    Sessions(OnlineArgs),
    /// Closes a session; what runs in it ends
    Kill(KillArgs),
    /// Makes a data directory of a backup, which is verified first; no server is asked
    #[cfg(feature = "embedded")]
    Restore(RestoreArgs),
    /// Checks a data directory that no server has open, and repairs nothing; exit status 3 on damage
    #[cfg(feature = "embedded")]
    Check(DataArgs),
    /// Makes the catalog's index anew from its journal, while no server runs
    #[cfg(feature = "embedded")]
    Rebuild(RebuildArgs),
    /// Moves the credentials of stages to a new server key, while no server runs; run again, it finishes
    /// an interrupted rotation
    #[cfg(feature = "embedded")]
    RotateKey(RotateKeyArgs),
}

/// The running server, and how to print its answer.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct OnlineArgs {
    /// How to print the answer: sentences, or JSON with one object per line
    #[arg(short, long, value_enum, default_value_t = Answer::Text)]
    pub(crate) output: Answer,

    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct BackupArgs {
    /// An absolute path on the server's machine; it must not exist, or be empty
    #[arg(value_name = "DIR")]
    pub(crate) directory: String,

    #[command(flatten)]
    pub(crate) place: AdminPlaceArgs,
}

#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct VerifyAuditArgs {
    #[command(flatten)]
    pub(crate) place: AdminPlaceArgs,
}

/// A running server, or a data directory that no server has open.
#[derive(Debug, Args)]
pub(crate) struct AdminPlaceArgs {
    /// Do it here with this data directory, while no server runs
    #[cfg(feature = "embedded")]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["url", "user", "password_file"])]
    pub(crate) data_dir: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) online: OnlineArgs,
}

#[cfg(feature = "embedded")]
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct RestoreArgs {
    /// The backup's directory
    #[arg(value_name = "FROM")]
    pub(crate) from: PathBuf,

    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// A data directory that no server has open, and how to print the answer.
#[cfg(feature = "embedded")]
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct DataArgs {
    /// The server's data directory
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: PathBuf,

    /// How to print the answer: sentences, or JSON with one object per line
    #[arg(short, long, value_enum, default_value_t = Answer::Text)]
    pub(crate) output: Answer,
}

#[cfg(feature = "embedded")]
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct RebuildArgs {
    /// Go on where the journal lacks changes that were acknowledged: they are lost, and the index that
    /// has them is kept beside as `index.ahead`
    #[arg(long)]
    pub(crate) accept_lost_changes: bool,

    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[cfg(feature = "embedded")]
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct RotateKeyArgs {
    /// The server's settings, which say where its data and its key are
    #[arg(
        short = 'c',
        long = "config",
        value_name = "FILE",
        required_unless_present = "data_dir"
    )]
    pub(crate) config: Option<PathBuf>,

    /// The server's data directory; overrides the settings
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// The file with the new key; without it, a random one is made
    #[arg(long, value_name = "FILE")]
    pub(crate) new_key_file: Option<PathBuf>,

    /// How to print the answer: sentences, or JSON with one object per line
    #[arg(short, long, value_enum, default_value_t = Answer::Text)]
    pub(crate) output: Answer,
}

#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct KillArgs {
    /// The session, as `stagedoor admin sessions` names it
    #[arg(value_name = "ID")]
    pub(crate) session: String,

    #[command(flatten)]
    pub(crate) online: OnlineArgs,
}
