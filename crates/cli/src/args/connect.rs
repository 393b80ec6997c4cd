//! The options that say which server to use, who asks, and how the way there is kept private.
//! What they mean together with the environment is [`crate::options`]' to say.

use std::path::PathBuf;

use clap::Args;

/// The place of `stagedoor sql`: a server of its own, or a running one.
#[derive(Debug, Args)]
pub(crate) struct PlaceArgs {
    /// Run the server in this process, with its data here; whoever may open the directory owns it,
    /// so there is no login, and statements run as `sys:root`
    /// [env: STAGEDOOR_DATA_DIR] [default: $XDG_DATA_HOME/stagedoor, that is ~/.local/share/stagedoor]
    #[cfg(feature = "embedded")]
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Settings of the server in this process, as those of `stagedoor serve` (TOML); STAGEDOOR_* environment
    /// variables override them
    #[cfg(feature = "embedded")]
    #[arg(short = 'c', long, value_name = "FILE", requires = "data_dir")]
    pub(crate) config: Option<PathBuf>,

    /// Use a running server, such as `https://stagedoor.example.com:7550` [env: STAGEDOOR_URL]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,

    #[command(flatten)]
    pub(crate) login: LoginOptions,

    #[command(flatten)]
    pub(crate) transport: TransportOptions,
}

/// A running server, and who asks.
#[derive(Debug, Args)]
pub(crate) struct RemoteArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,

    #[command(flatten)]
    pub(crate) login: LoginOptions,
}

/// A running server.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The server [env: STAGEDOOR_URL] [default: http://127.0.0.1:7550]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,

    #[command(flatten)]
    pub(crate) transport: TransportOptions,
}

/// Who asks. Without these, the login kept by `stagedoor login` is used.
#[derive(Debug, Args)]
#[command(next_help_heading = "Login to a running server")]
pub(crate) struct LoginOptions {
    /// Who asks: `account:user`, `account:user:role`, or `user` of account `sys`; without it, the
    /// login that `stagedoor login` keeps for the server [env: STAGEDOOR_USER]
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,

    /// The file that holds the password; without it, STAGEDOOR_PASSWORD, or a prompt
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,

    /// Not to be used; there to say why.
    #[arg(long, hide = true, num_args = 0..=1, value_parser = forget)]
    pub(crate) password: Option<Option<Forgotten>>,
}

/// How the connection to a running server is kept private.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection to a running server")]
pub(crate) struct TransportOptions {
    /// Trust the certificate authorities of this file (PEM), instead of the machine's, for an
    /// https:// server [env: STAGEDOOR_CA_FILE]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// The certificate (PEM) to show to a server that asks for one [env: STAGEDOOR_CLIENT_CERT]
    #[arg(long, value_name = "FILE")]
    pub(crate) client_cert: Option<PathBuf>,

    /// The key (PEM) of the client certificate [env: STAGEDOOR_CLIENT_KEY]
    #[arg(long, value_name = "FILE")]
    pub(crate) client_key: Option<PathBuf>,

    /// Send a password or token in plain text, to an http:// server that is not on this machine
    #[arg(long)]
    pub(crate) insecure: bool,
}

/// A value that was given where none may be; nothing of it is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forgotten;

#[expect(
    clippy::unnecessary_wraps,
    reason = "clap's value parsers are fallible"
)]
fn forget(_: &str) -> Result<Forgotten, std::convert::Infallible> {
    Ok(Forgotten)
}

#[cfg(feature = "embedded")]
impl LoginOptions {
    /// The first option that was given.
    pub(crate) fn first_given(&self) -> Option<&'static str> {
        if self.user.is_some() {
            Some("--user")
        } else if self.password_file.is_some() {
            Some("--password-file")
        } else {
            None
        }
    }
}

impl TransportOptions {
    /// The first option that was given.
    pub(crate) fn first_given(&self) -> Option<&'static str> {
        if self.ca_file.is_some() {
            Some("--ca-file")
        } else if self.client_cert.is_some() {
            Some("--client-cert")
        } else if self.client_key.is_some() {
            Some("--client-key")
        } else if self.insecure {
            Some("--insecure")
        } else {
            None
        }
    }
}
