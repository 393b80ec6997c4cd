//! Runs one statement: its rows to standard output, its progress and warnings to standard error.
//! Ctrl-C cancels an export on the server and waits for its end; a query is simply dropped.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use proto::v1::execute_response::Part;
use proto::v1::{Export, FileTransfer, StatementResult};

use crate::client::Client;
use crate::failure::Failure;
use crate::interrupt::{Interrupts, Listener};
use crate::output::{Stdout, complain, stdout};
use crate::progress::ExportBar;
use crate::render::{Format, Rows, export_report};
use crate::transfer::{self, Manner, TransferError};

/// How long after Ctrl-C an export that is just being admitted is waited for.
const ADMISSION_MAX: Duration = Duration::from_secs(2);

/// Runs statements in one session.
#[derive(Debug)]
pub(crate) struct Runner {
    client: Client,
    interrupts: Interrupts,
    out: Stdout,
    settings: Settings,
}

/// How results are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) format: Format,
    /// Say how each statement ended: `Query OK …`, `3 rows in set …`.
    pub(crate) chatty: bool,
    /// Draw a bar during exports.
    pub(crate) progress: bool,
}

impl Settings {
    /// Settings for the terminals at hand.
    pub(crate) fn new(format: Format, verbose: bool, no_progress: bool) -> Self {
        Self {
            format,
            chatty: matches!(format, Format::Table | Format::Vertical)
                && (verbose || io::stdout().is_terminal()),
            progress: !no_progress && io::stderr().is_terminal(),
        }
    }
}

/// Why a statement gave no result.
#[derive(Debug)]
pub(crate) enum RunError {
    /// The server refused it or could not finish it.
    Failed(Failure),
    /// The user stopped it.
    Interrupted(Failure),
    /// Standard output takes no more.
    Stdout(io::Error),
}

impl From<Failure> for RunError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Runner {
    /// A runner that prints to standard output.
    pub(crate) fn new(client: Client, interrupts: Interrupts, settings: Settings) -> Self {
        Self {
            client,
            interrupts,
            out: stdout(),
            settings,
        }
    }

    /// The session.
    pub(crate) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Ctrl-C.
    pub(crate) fn interrupts(&self) -> &Interrupts {
        &self.interrupts
    }

    /// Standard output, for text between results; to be flushed by the writer.
    pub(crate) fn out(&mut self) -> &mut Stdout {
        &mut self.out
    }

    /// Gives the session back.
    pub(crate) fn into_client(self) -> Client {
        self.client
    }

    /// The same as [`Runner::run`], with rows in another format.
    pub(crate) async fn run_as(
        &mut self,
        statement: &str,
        format: Format,
    ) -> Result<StatementResult, RunError> {
        let usual = std::mem::replace(&mut self.settings.format, format);
        let result = self.run(statement).await;
        self.settings.format = usual;
        result
    }

    /// Runs one statement to its end and prints what it gives, but not its error.
    ///
    /// # Errors
    /// See [`RunError`]. What was printed until then stays printed.
    pub(crate) async fn run(&mut self, statement: &str) -> Result<StatementResult, RunError> {
        let started = Instant::now();
        let mut listener = self.interrupts.listen();
        let (result, rows) = self.receive(statement, &mut listener).await?;
        if let Some(wanted) = &result.transfer {
            self.carry(statement, wanted, &mut listener).await?;
            return Ok(result);
        }
        let seconds = started.elapsed().as_secs_f64();
        self.report(&result, rows, seconds)
            .map_err(RunError::Stdout)?;
        for warning in &result.warnings {
            complain(format_args!("WARNING: {warning}"));
        }
        Ok(result)
    }

    /// Reads the answer's stream; rows are printed as they come.
    async fn receive(
        &mut self,
        statement: &str,
        listener: &mut Listener,
    ) -> Result<(StatementResult, Option<Rows>), RunError> {
        let mut pressed = false;
        let mut stream = {
            let execute = self.client.execute(statement);
            tokio::pin!(execute);
            tokio::select! {
                stream = &mut execute => stream?,
                () = listener.pressed() => {
                    // An export may be admitted at this moment, and would go on without us: it is
                    // waited for a little, to be cancelled. Anything else stops when it is dropped.
                    pressed = true;
                    match tokio::time::timeout(ADMISSION_MAX, execute).await {
                        Ok(stream) => stream?,
                        Err(_) => return Err(RunError::Interrupted(Failure::interrupted())),
                    }
                }
            }
        };
        let mut decoder = StreamDecoder::new();
        let mut rows = None;
        let mut export = None;
        let mut bar = None;
        let mut cancelled = false;
        loop {
            let message = tokio::select! {
                message = stream.message() => message,
                () = listener.pressed(), if !cancelled => {
                    let Some(name) = &export else {
                        return Err(RunError::Interrupted(Failure::interrupted()));
                    };
                    cancelled = true;
                    bar.iter().for_each(ExportBar::cancelling);
                    self.cancel(String::clone(name));
                    continue;
                }
            };
            let part = match message {
                Ok(Some(answer)) => answer.part,
                Ok(None) => return Err(Failure::malformed("it ended without a result").into()),
                Err(status) if cancelled => {
                    return Err(RunError::Interrupted(self.client.failure(&status)));
                }
                Err(status) => return Err(self.client.failure(&status).into()),
            };
            match part {
                Some(Part::ArrowIpc(_)) if pressed => {
                    return Err(RunError::Interrupted(Failure::interrupted()));
                }
                Some(Part::ArrowIpc(bytes)) => self.print_rows(&mut decoder, &mut rows, bytes)?,
                Some(Part::ExportStarted(started)) => {
                    bar = self.settings.progress.then(ExportBar::begin);
                    if pressed {
                        cancelled = true;
                        bar.iter().for_each(ExportBar::cancelling);
                        self.cancel(started.name.clone());
                    }
                    export = Some(started.name);
                }

                Some(Part::ExportProgress(progress)) if !cancelled => {
                    bar.iter().for_each(|bar| bar.update(&progress));
                }
                Some(Part::Result(result)) => return Ok((result, rows)),
                // A part that this version does not know, or that no longer matters.
                Some(Part::ExportProgress(_)) | None => {}
            }
        }
    }

    /// Carries the files of GET or PUT, if they are those that the statement names: a server must not get others.
    async fn carry(
        &mut self,
        statement: &str,
        wanted: &FileTransfer,
        listener: &mut Listener,
    ) -> Result<(), RunError> {
        let (transfer, overwrite) =
            transfer::of_statement(statement, wanted).map_err(Failure::local)?;
        let manner = Manner {
            overwrite,
            progress: self.settings.progress,
        };
        let mut files = self.client.files();
        let mut carried = Vec::new();
        let result = tokio::select! {
            result = transfer.run(&mut files, manner, &mut carried) => result,
            () = listener.pressed() => return Err(RunError::Interrupted(Failure::interrupted())),
        };
        if !carried.is_empty() {
            transfer::report(&mut self.out, self.settings.format, &carried)
                .map_err(RunError::Stdout)?;
        }
        result.map_err(|error| match error {
            TransferError::Failed(failure) => RunError::Failed(failure),
            TransferError::Local(text) => RunError::Failed(Failure::local(text)),
        })
    }

    fn print_rows(
        &mut self,
        decoder: &mut StreamDecoder,
        rows: &mut Option<Rows>,
        bytes: Vec<u8>,
    ) -> Result<(), RunError> {
        let mut buffer = Buffer::from_vec(bytes);
        loop {
            let batch = decoder.decode(&mut buffer).map_err(Failure::malformed)?;
            if let (None, Some(schema)) = (&rows, decoder.schema()) {
                *rows = Some(Rows::new(self.settings.format, &schema));
            }
            match (batch, rows.as_mut()) {
                (Some(batch), Some(rows)) => {
                    rows.write(&mut self.out, &batch)
                        .map_err(RunError::Stdout)?;
                    self.out.flush().map_err(RunError::Stdout)?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Cancels an export while its stream goes on being read: the stream tells the outcome.
    fn cancel(&self, name: String) {
        let mut client = self.client.clone();
        tokio::spawn(async move {
            if let Err(failure) = client.cancel_export(name).await {
                tracing::warn!(%failure, "cannot cancel the export");
            }
        });
    }

    fn report(
        &mut self,
        result: &StatementResult,
        rows: Option<Rows>,
        seconds: f64,
    ) -> io::Result<()> {
        let out = &mut self.out;
        if let Some(rows) = rows {
            rows.finish(out)?;
            if self.settings.chatty {
                match result.returned_rows {
                    0 => writeln!(out, "Empty set ({seconds:.2} sec)")?,
                    n => writeln!(out, "{} in set ({seconds:.2} sec)", counted_rows(n))?,
                }
            }
        } else if let Some(export) = &result.export {
            export_report(
                out,
                self.settings.format,
                export,
                export_seconds(export).unwrap_or(seconds),
            )?;
        } else if self.settings.chatty {
            writeln!(
                out,
                "Query OK, {} affected ({seconds:.2} sec)",
                counted_rows(result.affected_rows)
            )?;
        }
        out.flush()
    }
}

fn counted_rows(n: u64) -> String {
    format!("{n} row{}", if n == 1 { "" } else { "s" })
}

/// How long an export took, by the server's clock.
pub(crate) fn export_seconds(export: &Export) -> Option<f64> {
    let (start, end) = (export.create_time.as_ref()?, export.end_time.as_ref()?);
    Some(seconds_between(
        (start.seconds, start.nanos),
        (end.seconds, end.nanos),
    ))
}

/// Both times are seconds and nanoseconds since the epoch.
fn seconds_between(start: (i64, i32), end: (i64, i32)) -> f64 {
    (end.0 - start.0) as f64 + f64::from(end.1 - start.1) / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_well() {
        assert_eq!(counted_rows(0), "0 rows");
        assert_eq!(counted_rows(1), "1 row");
    }

    #[test]
    fn an_exports_time_is_the_servers() {
        assert_eq!(export_seconds(&Export::default()), None);
        let seconds = seconds_between((10, 900_000_000), (12, 400_000_000));
        assert!((seconds - 1.5).abs() < 1e-9, "{seconds}");
    }
}
