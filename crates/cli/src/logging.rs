//! The one place that installs a log subscriber.
//! Logs go to standard error; standard output belongs to results.

use std::io;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    #[cfg(feature = "embedded")]
    Json,
}

/// Installs the subscriber. `filter` is what the user asked for, else `default` is in force.
///
/// # Errors
/// When the filter cannot be read.
pub(crate) fn install(
    filter: Option<&str>,
    default: &str,
    format: LogFormat,
) -> anyhow::Result<()> {
    let text = filter.filter(|text| !text.is_empty()).unwrap_or(default);
    let filter = EnvFilter::try_new(text)
        .with_context(|| format!("cannot read the log filter `{text}` (--log or RUST_LOG)"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let installed = match format {
        LogFormat::Text => builder
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
            .try_init(),
        #[cfg(feature = "embedded")]
        LogFormat::Json => builder.json().try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}
