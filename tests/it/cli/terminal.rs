//! The shell on a terminal: a pseudo-terminal of util-linux's `script`, typed on as a user does.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::harness::{ROOT_PASSWORD, Serving, binary};

/// Longer than anything here takes on a machine under load.
const LONG: Duration = Duration::from_secs(120);

struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: Arc<Mutex<Vec<u8>>>,
    /// How much of the screen has been looked at.
    seen: usize,
}

impl Terminal {
    fn start(arguments: &str, home: &Path) -> Self {
        let run = format!("'{}' {arguments}", binary().display());
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &run, "/dev/null"])
            .env("HOME", home)
            .env("TERM", "dumb")
            .env_remove("XDG_STATE_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("STAGEDOOR_PASSWORD")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("util-linux's `script` cannot be started: {e}"));
        let keyboard = child.stdin.take().unwrap();
        let mut output = child.stdout.take().unwrap();
        let screen = Arc::default();
        let shared: Arc<Mutex<Vec<u8>>> = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let mut screen = shared.lock().unwrap_or_else(PoisonError::into_inner);
                screen.extend_from_slice(&bytes[..count]);
            }
        });
        Self {
            child,
            keyboard,
            screen,
            seen: 0,
        }
    }

    fn screen(&self) -> String {
        let screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&screen).into_owned()
    }

    /// Waits until `text` is on the screen, behind what was waited for before.
    fn wait_for(&mut self, text: &str) {
        let began = Instant::now();
        loop {
            let screen = self.screen();
            if let Some(at) = screen[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            assert!(
                began.elapsed() < LONG,
                "'{text}' does not come; the screen is\n{screen}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until the terminal shows nothing of what is typed: the prompt comes a moment before.
    fn wait_until_hidden(&self) {
        let began = Instant::now();
        while !self.is_hidden() {
            assert!(began.elapsed() < LONG, "what is typed is shown");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// As the terminal of what `script` runs says it.
    fn is_hidden(&self) -> bool {
        let mut programs = vec![self.child.id().to_string()];
        while let Some(id) = programs.pop() {
            let children = format!("/proc/{id}/task/{id}/children");
            let children = std::fs::read_to_string(children).unwrap_or_default();
            programs.extend(children.split_whitespace().map(str::to_owned));
            let Ok(terminal) = std::fs::read_link(format!("/proc/{id}/fd/0")) else {
                continue;
            };
            if terminal.starts_with("/dev/pts") && id != self.child.id().to_string() {
                let told = Command::new("stty")
                    .arg("-F")
                    .arg(terminal)
                    .arg("-a")
                    .output();
                return String::from_utf8_lossy(&told.unwrap().stdout).contains(" -echo ");
            }
        }
        false
    }

    fn type_line(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
    }

    fn end(mut self) -> (ExitStatus, String) {
        drop(self.keyboard);
        let status = self.child.wait().unwrap();
        let screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        (status, String::from_utf8_lossy(&screen).into_owned())
    }
}

#[test]
fn a_password_is_asked_for_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(&folder.path().join("data"));
    let arguments = format!("sql --url {} --user root", serving.url);
    let mut terminal = Terminal::start(&arguments, folder.path());
    terminal.wait_for("Password of sys:root: ");
    terminal.wait_until_hidden();
    terminal.type_line(ROOT_PASSWORD);
    terminal.wait_for("stagedoor> ");
    terminal.type_line("SELECT 40 + 2 AS answer,");
    terminal.wait_for("-> ");
    terminal.type_line("'two lines' AS typed;");
    terminal.wait_for("42 | two lines");
    terminal.type_line("SELEC 1;");
    terminal.wait_for("ERROR 1064");
    terminal.wait_for("stagedoor> ");
    terminal.type_line("exit");
    let (status, screen) = terminal.end();
    assert!(status.success(), "{screen}");
    assert!(!screen.contains(ROOT_PASSWORD), "{screen}");
}

#[test]
fn a_wrong_password_is_refused_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(&folder.path().join("data"));
    let arguments = format!("sql --url {} --user root", serving.url);
    let mut terminal = Terminal::start(&arguments, folder.path());
    terminal.wait_for("Password of sys:root: ");
    terminal.wait_until_hidden();
    terminal.type_line("Pl4nted-wrong");
    terminal.wait_for("ERROR 1045");
    let (status, screen) = terminal.end();
    assert_eq!(status.code(), Some(1), "{screen}");
    assert!(!screen.contains("Pl4nted"), "{screen}");
}
