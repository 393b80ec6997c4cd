//! `stagedoor serve`: the server in the foreground, until SIGTERM or Ctrl-C, then a graceful drain.
//! A second signal ends it at once; what was running is recovered at the next start.

mod overrides;

use std::future::Future;
use std::io;

use server::{Server, Settings};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::ServeArgs;
use crate::interrupt::EXIT_INTERRUPTED;
use crate::output::complain;

/// Runs the command and gives the exit status.
///
/// # Errors
/// Wrong settings, a data directory that cannot be opened, or an address that cannot be had.
pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<u8> {
    let mut settings = Settings::load(args.config.as_deref())?;
    overrides::apply(args, &mut settings);
    let stopped = stop_signal()?;
    let server = Server::open(settings)?.bind().await?;
    complain(format_args!("listening on {}", server.local_addr()));
    server.serve(stopped).await?;
    Ok(0)
}

/// Resolves at the first signal to stop, and then watches for the second.
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        either(&mut terminate, &mut interrupt).await;
        complain("stopping: waiting for what runs; a second signal leaves at once");
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
