//! The options of `stagedoor login`, `logout` and `whoami`.
//! Their exit status is 0 when it was done, 1 when not, 2 for a wrong command line.

use clap::Args;

use super::{Answer, RemoteArgs, ServerArgs};

const EXIT_STATUS: &str =
    "Exit status: 0 when it was done; 1 when not; 2 for a wrong command line.";

/// Who logs in, where, and what for.
#[derive(Debug, Args)]
#[command(after_long_help = format!("\
The password is checked once; what is kept is a token that expires and can be revoked, in
$XDG_CONFIG_HOME/stagedoor/tokens.json (~/.config/…), which nobody else may read. From then on
the commands that use this server need no --user.

With --user account:user:role the token is bound to that role: no SET ROLE to another, no change of
the user's own password. With --user account:user it begins in the default role and may SET ROLE.
{EXIT_STATUS}"))]
pub(crate) struct LoginArgs {
    /// What the token is for, as the server's administrators see it
    #[arg(long, value_name = "TEXT", default_value = "stagedoor login")]
    pub(crate) label: String,

    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// Which login to give up.
#[derive(Debug, Args)]
#[command(after_long_help = format!("\
The server revokes the token. If it cannot be reached, the login is forgotten here nevertheless,
with a warning.
{EXIT_STATUS}"))]
pub(crate) struct LogoutArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Who asks, and how to print the answer.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_STATUS)]
pub(crate) struct WhoamiArgs {
    /// How to print the answer
    #[arg(short, long, value_enum, default_value_t = Answer::Text)]
    pub(crate) output: Answer,

    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}
