//! `stagedoor serve`: the server in the foreground, until SIGTERM or Ctrl-C, then a graceful drain.
//! A second signal ends it at once; what was running is recovered at the next start.

mod overrides;

use std::future::Future;
use std::io::{self, Write};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use secrecy::{ExposeSecret, SecretString};
use server::{Port, Settings};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::ServeArgs;
use crate::batch::EXIT_FAILED;
use crate::interrupt::EXIT_INTERRUPTED;
use crate::logging::LogFormat;
use crate::output::complain;

/// How long after the server's own time to stop the process is ended from without.
const HARD_STOP_MARGIN: Duration = Duration::from_secs(2);

/// Descriptors for all but connections: the catalog, tables, exports, the runtime.
const OTHER_DESCRIPTORS: u64 = 256;

/// Runs the command and gives the exit status.
///
/// # Errors
/// Wrong settings, a data directory that cannot be opened, or an address that cannot be had; with JSON
/// log lines this is one of them, and the status says the rest.
pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<u8> {
    let format = args.log_format;
    match serve(args).await {
        Ok(()) => Ok(0),
        Err(error) => match format {
            LogFormat::Text => Err(error),
            LogFormat::Json => {
                tracing::error!("{error:#}");
                Ok(EXIT_FAILED)
            }
        },
    }
}

async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let mut settings = Settings::load(args.config.as_deref())?;
    let format = args.log_format;
    overrides::apply(args, &mut settings);
    settings
        .traces
        .or_standard_variables(|name| std::env::var(name).ok())?;
    settings.check()?;
    let stop_max = settings.limits.stop_max() + HARD_STOP_MARGIN;
    raise_descriptor_limit(settings.limits.connections_max);
    let stopped = stop_signal(format, stop_max)?;
    let port = Port::open(settings).await?;
    let address = port.local_addr();
    let mysql = port.mysql_addr();
    let serving = |first_password: Option<SecretString>| {
        if let Some(password) = first_password {
            show_first_password(&password);
        }
        let beside = mysql.map(|at| format!(" and, for clients of MySQL, on {at}"));
        let beside = beside.unwrap_or_default();
        announce(format, &format!("listening on {address}{beside}"));
    };
    port.serve(serving, stopped).await?;
    Ok(())
}

/// Shows the password that the first start made up, on standard output: standard error may be a log that is kept.
fn show_first_password(password: &SecretString) {
    let line = format!(
        "the password of sys:root, shown this once: {}\n",
        password.expose_secret()
    );
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(line.as_bytes()).and_then(|()| out.flush()) {
        tracing::error!(%error, "failed to show the first password of root; set one with `stagedoor sql --data-dir DIR -e \"ALTER USER root IDENTIFIED BY …\"`");
    }
}

/// Says something to whoever started the server: as a plain line, or as a log line where all lines are JSON.
fn announce(format: LogFormat, text: &str) {
    match format {
        LogFormat::Text => complain(text),
        LogFormat::Json => tracing::info!("{text}"),
    }
}

/// Resolves at the first signal to stop; then watches for the second, and for the time in which the server
/// has to have ended.
fn stop_signal(
    format: LogFormat,
    stop_max: Duration,
) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        either(&mut terminate, &mut interrupt).await;
        announce(
            format,
            "stopping: waiting for what runs; a second signal leaves at once",
        );
        end_after(format, stop_max);
        tokio::spawn(async move {
            either(&mut terminate, &mut interrupt).await;
            std::process::exit(i32::from(EXIT_INTERRUPTED));
        });
    })
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Ends the process after that time, on a thread that needs nothing of what may be stuck.
fn end_after(format: LogFormat, stop_max: Duration) {
    let ending = std::thread::Builder::new()
        .name("hard-stop".to_owned())
        .spawn(move || {
            std::thread::sleep(stop_max);
            announce(
                format,
                &format!(
                    "the server did not stop within {} s and is ended; the next start recovers what was running",
                    stop_max.as_secs()
                ),
            );
            std::process::exit(i32::from(EXIT_FAILED));
        });
    if let Err(error) = ending {
        tracing::warn!(%error, "nothing watches how long stopping takes");
    }
}

/// Permits this process as many descriptors as the system does: each connection takes one, and the usual
/// 1024 are fewer than connections and files together.
fn raise_descriptor_limit(connections_max: usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let now = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let needed = u64::try_from(connections_max)
        .unwrap_or(u64::MAX)
        .saturating_add(OTHER_DESCRIPTORS);
    if let Some(permitted) = now
        && permitted < needed
    {
        tracing::warn!(
            permitted,
            needed,
            "this process may open too few files for limits.connections_max: raise the limit (ulimit -n), or lower the setting"
        );
    }
}
