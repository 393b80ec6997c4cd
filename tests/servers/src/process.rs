//! A server's process: ports that are free, a folder of its own, and its end with ours, however we end.

use std::ffi::OsStr;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longer than any start takes on a machine under load.
const START_MAX: Duration = Duration::from_secs(120);

/// Starts a program and waits for the end of our input, which comes with our own end, killed or not: then
/// it ends the program and removes its folder.
const WATCH: &str = r#"folder=$1; shift; "$@" </dev/null & child=$!; read _; kill -9 $child; wait $child; rm -rf "$folder""#;

/// A running server. It ends when this is dropped, and with this process.
pub(crate) struct Process {
    child: Child,
    /// Dropping it is the signal to end.
    input: Option<ChildStdin>,
    folder: PathBuf,
}

impl Process {
    /// Starts `program`, named by the variable `variable`, in a new folder; both outputs go to `log` there.
    pub(crate) fn start(variable: &str, arguments: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let program = std::env::var_os(variable).unwrap_or_else(|| {
            panic!("{variable} names no program: run the tests with `cargo xtask test`")
        });
        let folder = TempDir::with_prefix("stagedoor-server-").unwrap().keep();
        let arguments = arguments(&folder);
        Self::start_in(folder, &program, arguments)
    }

    /// Starts `program` in a folder, which goes when it ends.
    pub(crate) fn start_in(folder: PathBuf, program: &OsStr, arguments: Vec<String>) -> Self {
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let mut child = Command::new("sh")
            .args(["-c", WATCH, "sh"])
            .arg(&folder)
            .arg(program)
            .args(arguments)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("sh starts");
        Self {
            input: child.stdin.take(),
            child,
            folder,
        }
    }

    /// The server's folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until `ready` says so; quotes the server's log when it never does.
    pub(crate) fn wait(&mut self, what: &str, mut ready: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !ready() {
            if begun.elapsed() > START_MAX {
                panic!("{what} did not start:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        let mut text = String::new();
        if let Ok(mut file) = std::fs::File::open(self.folder.join("log")) {
            let _ = file.read_to_string(&mut text);
        }
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.input.take();
        let _ = self.child.wait();
    }
}

/// Ports that nobody listens on. They are all open at once, so that they differ.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
