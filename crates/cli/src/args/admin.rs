//! The options of `stagedoor admin`: what can be asked of a running server by its administrator.
//! Each task has its own options, for not all of them need a server to run.

use clap::{Args, Subcommand};

use super::{Answer, RemoteArgs};

const HELP: &str = "\
The caller must be in role `moadmin` of account `sys`.
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
    VerifyAudit(OnlineArgs),
    /// Lists the open sessions of all accounts
    Sessions(OnlineArgs),
    /// Closes a session; what runs in it ends
    Kill(KillArgs),
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
    pub(crate) online: OnlineArgs,
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
