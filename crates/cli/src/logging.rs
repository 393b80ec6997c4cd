//! The one place that installs a log subscriber, and what a panic leaves in the log.
//! Logs go to standard error; standard output belongs to results.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io;
use std::panic::PanicHookInfo;

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    #[cfg(feature = "embedded")]
    Json,
}

/// Installs the subscriber, and the panic hook. `filter` is what the user asked for, else `default` is in force.
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
    let colours = io::IsTerminal::is_terminal(&io::stderr());
    tracing::subscriber::set_global_default(subscriber(filter, format, io::stderr, colours))
        .map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Lines with the fields of the event and of every span around it: whose request it is.
fn subscriber(
    filter: EnvFilter,
    format: LogFormat,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
    colours: bool,
) -> Box<dyn tracing::Subscriber + Send + Sync> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    match format {
        LogFormat::Text => Box::new(builder.with_ansi(colours).finish()),
        #[cfg(feature = "embedded")]
        LogFormat::Json => Box::new(
            builder
                .json()
                .flatten_event(true)
                // The list has it, too.
                .with_current_span(false)
                .with_span_list(true)
                .finish(),
        ),
    }
}

/// Says where a panic was. Of what it says only texts that stand in the program are logged: one that was
/// put together may quote a value, and that a secret.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let location = panic.location().map(ToString::to_string);
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
    tracing::error!(
        thread = thread.name().unwrap_or("unnamed"),
        location = location.as_deref().unwrap_or("unknown"),
        what = fixed_text(panic.payload()),
        backtrace = backtrace.map(tracing::field::display),
        "a defect of this program: a thread panicked"
    );
}

fn fixed_text(payload: &(dyn std::any::Any + Send)) -> &'static str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("not logged, as it may quote data")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `log` gives rise to.
    fn logged(format: LogFormat, log: impl FnOnce()) -> Vec<String> {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = subscriber(
            EnvFilter::new("info"),
            format,
            move || writer.clone(),
            false,
        );
        tracing::subscriber::with_default(subscriber, log);
        let bytes = written.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn log_a_request() {
        let request = tracing::info_span!("request", request_id = "r-1", account = "t1");
        request.in_scope(|| {
            tracing::info_span!("statement", session = "s-1").in_scope(|| {
                tracing::info!(rows = 3, "two\nlines");
            });
        });
    }

    #[test]
    #[cfg(feature = "embedded")]
    fn json_lines_hold_the_fields_of_every_span() {
        let lines = logged(LogFormat::Json, log_a_request);
        assert_eq!(lines.len(), 1);
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["message"], "two\nlines");
        assert_eq!((&line["rows"], &line["level"]), (&3.into(), &"INFO".into()));
        assert_eq!(line["spans"][0]["request_id"], "r-1");
        assert_eq!(line["spans"][0]["account"], "t1");
        assert_eq!(line["spans"][1]["session"], "s-1");
    }

    #[test]
    fn text_lines_hold_the_fields_of_every_span() {
        let text = logged(LogFormat::Text, log_a_request).concat();
        assert!(
            text.contains(r#"request{request_id="r-1" account="t1"}:statement{session="s-1"}:"#),
            "{text}"
        );
    }

    #[test]
    fn a_panic_is_logged_without_what_it_quotes() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(log_panic));
        let text = logged(LogFormat::Text, || {
            let secret = "planted-secret";
            let _ = std::panic::catch_unwind(|| panic!("no such key: {secret}"));
            let _ = std::panic::catch_unwind(|| panic!("this stands in the program"));
        })
        .join("\n");
        std::panic::set_hook(hook);
        assert!(!text.contains("planted-secret"), "{text}");
        assert!(text.contains("may quote data"), "{text}");
        assert!(text.contains("this stands in the program"), "{text}");
        assert!(text.contains("logging.rs:"), "{text}");
    }
}
