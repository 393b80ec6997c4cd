//! The options of `stagedoor login`, `logout` and `whoami`.
//! Their exit status is 0 when it was done, 1 when not, 2 for a wrong command line.

use clap::Args;

use super::{RemoteArgs, ServerArgs};

/// Logs in with a password and keeps the token that the server gives, which expires, in
/// $XDG_CONFIG_HOME/stagedoor/tokens.json (~/.config/…), for this user's eyes only. From then on
/// the commands that use this server need no --user.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,

    /// What the token is for, as the server's administrators see it
    #[arg(long, value_name = "TEXT", default_value = "stagedoor login")]
    pub(crate) label: String,
}

/// Revokes the token that `stagedoor login` keeps for the server, and forgets it. It is forgotten
/// even when the server is gone.
#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Says who the server takes the caller for, and in which role.
#[derive(Debug, Args)]
pub(crate) struct WhoamiArgs {
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,

    /// How to print the answer
    #[arg(short, long, value_enum, default_value_t = super::Answer::Text)]
    pub(crate) output: super::Answer,
}
