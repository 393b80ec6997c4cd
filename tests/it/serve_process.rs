//! `stagedoor serve` as a process whose log is read: started with any settings, waited for by what it says.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use crate::harness::{Login, ROOT_PASSWORD, Wire, command};

/// Longer than anything takes that a test waits for.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A server process; killed when dropped.
pub(crate) struct ServeProcess {
    child: Child,
    lines: Receiver<String>,
    /// All lines that were read, for the reader of a failed test.
    pub(crate) read: Vec<String>,
}

impl ServeProcess {
    /// `stagedoor serve -c FILE ARGS…` on a free port of this machine.
    pub(crate) fn start(settings: &str, folder: &Path, args: &[&str]) -> Self {
        Self::start_after("", settings, folder, args)
    }

    /// The same, after these shell commands (`ulimit …`).
    pub(crate) fn start_after(shell: &str, settings: &str, folder: &Path, args: &[&str]) -> Self {
        let file = folder.join("stagedoor.toml");
        std::fs::write(&file, settings).unwrap();
        let password = folder.join("root.password");
        std::fs::write(&password, ROOT_PASSWORD).unwrap();
        let stagedoor = command();
        let mut command = std::process::Command::new("sh");
        for (name, value) in stagedoor.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command
            .arg("-c")
            .arg(format!("{shell}\nexec \"$0\" \"$@\""))
            .arg(stagedoor.get_program())
            .args(["serve", "-c"])
            .arg(file)
            .arg("--data-dir")
            .arg(folder.join("data"))
            .args(args)
            // The arguments may say another one.
            .env("STAGEDOOR_LISTEN", "127.0.0.1:0")
            .env("STAGEDOOR_AUTH_ROOT_PASSWORD_FILE", password)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            lines,
            read: Vec::new(),
        }
    }

    /// Waits for a line that holds the text, and gives it.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + LONG;
        loop {
            match self.lines.recv_timeout(deadline - Instant::now()) {
                Ok(line) => {
                    self.read.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("no line with `{text}` in\n{}", self.read.join("\n"))
                }
            }
        }
    }

    /// Waits until it serves; gives `127.0.0.1:PORT`.
    pub(crate) fn address(&mut self) -> String {
        let line = self.wait_for("listening on ");
        let at = line.find("listening on ").unwrap() + "listening on ".len();
        let address: String = line[at..]
            .chars()
            .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':'))
            .collect();
        address
    }

    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        crate::harness::signal(&self.child, name);
    }

    /// Waits for the process to end, and reads the rest of its log.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let status = self.wait_only();
        while let Ok(line) = self.lines.recv_timeout(LONG) {
            self.read.push(line);
        }
        status
    }

    /// Waits for the process to end; a child of it may go on and hold the log open.
    pub(crate) fn wait_only(&mut self) -> ExitStatus {
        let deadline = Instant::now() + LONG;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "it does not end:\n{}",
                self.read.join("\n")
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for ServeProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The same channel, logged in as root.
pub(crate) fn as_root(channel: Channel) -> Wire {
    InterceptedService::new(channel, Login::password("root", ROOT_PASSWORD))
}

/// A plain-text client of that address.
pub(crate) async fn connect(address: &str) -> Channel {
    Channel::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
        .unwrap()
}
