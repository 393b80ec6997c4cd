//! `stagedoor admin`: asks a running server for what only its administrator may, or works on the data
//! directory of one that does not run, and prints the answer.
//! The exit status tells damage that was found from a task that failed.

#[cfg(feature = "embedded")]
mod offline;
mod report;

use std::io::Write;
use std::path::Path;

use crate::args::{AdminArgs, AdminCommand, OnlineArgs};
use crate::client::Admin;
use crate::connect::Connection;
use crate::options::{self, Environment};
use crate::usage::Usage;

/// A check found damage.
const EXIT_DAMAGED: u8 = 3;

/// How a session's resource name begins.
const SESSIONS: &str = "sessions/";

/// Runs the command, writes its answer to `out`, and gives the exit status.
///
/// # Errors
/// Wrong options, a server that cannot be reached, or what it refused.
pub(crate) async fn run(
    args: AdminArgs,
    env: Environment<'_>,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let done = done(args, env, out).await;
    #[cfg(feature = "embedded")]
    if let Err(error) = &done
        && let Some(found) = error.downcast_ref::<server::OpenError>()
        && found.is_damage()
    {
        crate::output::complain(format_args!("error: {error:#}"));
        return Ok(EXIT_DAMAGED);
    }
    done
}

async fn done(args: AdminArgs, env: Environment<'_>, out: &mut dyn Write) -> anyhow::Result<u8> {
    match args.command {
        AdminCommand::Status(args) => {
            let status = admin(&args, env).await?.status().await?;
            report::status(out, args.output, &status)?;
        }
        AdminCommand::Backup(args) => {
            let directory = args.directory;
            #[cfg(feature = "embedded")]
            if let Some(data_dir) = &args.place.data_dir {
                return offline::backup(data_dir, &directory, args.place.online.output, out);
            }
            let online = args.place.online;
            if !Path::new(&directory).is_absolute() {
                return Err(Usage::new(format!(
                    "`{directory}` is not an absolute path, and the directory is on the server's machine, not here"
                ))
                .into());
            }
            let backup = admin(&online, env).await?.backup(directory.clone()).await?;
            report::backup(out, online.output, &directory, &backup)?;
        }
        AdminCommand::VerifyAudit(args) => {
            #[cfg(feature = "embedded")]
            if let Some(data_dir) = &args.place.data_dir {
                return offline::verify_audit(data_dir, args.place.online.output, out);
            }
            let online = args.place.online;
            let verified = admin(&online, env).await?.verify_audit().await?;
            report::audit(out, online.output, &verified)?;
            if verified.bad != 0 {
                return Ok(EXIT_DAMAGED);
            }
        }
        AdminCommand::Sessions(args) => {
            let sessions = admin(&args, env).await?.sessions().await?;
            report::sessions(out, args.output, &sessions)?;
        }
        AdminCommand::Kill(args) => {
            let id = args.session.strip_prefix(SESSIONS).unwrap_or(&args.session);
            let name = format!("{SESSIONS}{id}");
            admin(&args.online, env).await?.kill(name).await?;
            report::killed(out, args.online.output, id)?;
        }
        #[cfg(feature = "embedded")]
        AdminCommand::Restore(args) => return offline::restore(&args, out),
        #[cfg(feature = "embedded")]
        AdminCommand::Check(args) => return offline::check(&args, out),
        #[cfg(feature = "embedded")]
        AdminCommand::Rebuild(args) => return offline::rebuild(&args, out),
        #[cfg(feature = "embedded")]
        AdminCommand::RotateKey(args) => return offline::rotate_key(args, out),
    }
    Ok(0)
}

async fn admin(args: &OnlineArgs, env: Environment<'_>) -> anyhow::Result<Admin> {
    let connection = Connection::open(&options::remote(&args.remote, env)?).await?;
    Ok(Admin::new(&connection))
}

#[cfg(test)]
mod tests;
