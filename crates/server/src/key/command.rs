//! A program whose output is the server key, run without a shell and within a time.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::SOURCE_BYTES_MAX;

/// How long it may take.
const TIME_MAX: Duration = Duration::from_secs(30);

/// How often its end is looked for once its output is complete.
const EXIT_POLL: Duration = Duration::from_millis(5);

/// What of its complaint goes into an error.
const COMPLAINT_CHARS_MAX: usize = 500;

/// The standard output of the program and its arguments.
pub(super) fn output(command: &[String]) -> Result<Zeroizing<String>, String> {
    output_within(command, TIME_MAX)
}

pub(super) fn output_within(
    command: &[String],
    time_max: Duration,
) -> Result<Zeroizing<String>, String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("secrets.key_command is empty".to_owned());
    };
    let failed = |why: String| format!("secrets.key_command '{program}' {why}");
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| failed(format!("cannot be started: {e}")))?;
    let deadline = Instant::now() + time_max;
    let output = read_apart(child.stdout.take());
    let complaint = read_apart(child.stderr.take());
    let ended = receive(&output, deadline).and_then(|output| {
        let status = wait(&mut child, deadline)?;
        Some((output, status))
    });
    let Some((output, status)) = ended else {
        // Both may fail only because it has ended by itself.
        let _ = child.kill();
        let _ = child.wait();
        return Err(failed(format!(
            "did not end within {} s",
            time_max.as_secs()
        )));
    };
    let output = output.map_err(|e| failed(format!("gave no readable output: {e}")))?;
    let status = status.map_err(|e| failed(format!("cannot be waited for: {e}")))?;
    if !status.success() {
        let complaint = receive(&complaint, deadline)
            .and_then(Result::ok)
            .map(|text| printable(&text))
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| "it said nothing".to_owned());
        return Err(failed(format!("failed ({status}): {complaint}")));
    }
    Ok(output)
}

type Text = io::Result<Zeroizing<String>>;

/// Reads to the end on a thread of its own, which is left behind if that never comes.
fn read_apart(from: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Text> {
    let (sender, text) = mpsc::channel();
    thread::spawn(move || {
        // As long as it gets, so that no growth leaves a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(SOURCE_BYTES_MAX as usize + 1));
        let read = match from {
            Some(from) => from.take(SOURCE_BYTES_MAX).read_to_string(&mut text),
            None => Ok(0),
        };
        // Nobody listens when the program was too slow.
        let _ = sender.send(read.map(|_| text));
    });
    text
}

fn receive(text: &mpsc::Receiver<Text>, deadline: Instant) -> Option<Text> {
    text.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        .ok()
}

fn wait(child: &mut Child, deadline: Instant) -> Option<io::Result<ExitStatus>> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(Ok(status)),
            Ok(None) if Instant::now() >= deadline => return None,
            Ok(None) => thread::sleep(EXIT_POLL),
            Err(error) => return Some(Err(error)),
        }
    }
}

/// One line without control characters, cut to a length.
fn printable(text: &str) -> String {
    let line = text
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c });
    line.take(COMPLAINT_CHARS_MAX).collect()
}
