//! MariaDB: a server of its own, which asks for passwords, with or without TLS.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::databases::{PASSWORD, done, folder, is_root, program};
use crate::process::{Process, free_ports};

/// A MariaDB server with the user [`MariaDb::USER`] and the database [`MariaDb::DATABASE`].
pub struct MariaDb {
    port: u16,
    process: Process,
}

impl MariaDb {
    /// Who logs in.
    pub const USER: &str = "reader";
    /// With what.
    pub const PASSWORD: &str = PASSWORD;
    /// Where.
    pub const DATABASE: &str = "shop";

    /// The server that all tests of a process share; it offers no TLS.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<MariaDb> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(None))
    }

    /// A server of one's own; with a certificate and its key, as PEM, it offers TLS.
    pub fn start(tls: Option<(&str, &str)>) -> Self {
        let folder = folder(None);
        let server = program("STAGEDOOR_MARIADB", &places("mariadbd"));
        let data = folder.join("data");
        let mut install = Command::new("mariadb-install-db");
        install
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()))
            .args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        if is_root() {
            install.arg("--user=root");
        }
        done(&mut install);
        let [port] = free_ports();
        let socket = folder.join("m.sock");
        let mut arguments = vec![
            "--no-defaults".to_owned(),
            format!("--datadir={}", data.display()),
            format!("--socket={}", socket.display()),
            format!("--pid-file={}", folder.join("m.pid").display()),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--port={port}"),
            "--character-set-server=utf8mb4".to_owned(),
            "--innodb-buffer-pool-size=64M".to_owned(),
            "--innodb-flush-log-at-trx-commit=2".to_owned(),
            "--default-time-zone=+03:00".to_owned(),
            "--general-log=1".to_owned(),
            format!("--general-log-file={}", folder.join("statements").display()),
        ];
        if is_root() {
            arguments.push("--user=root".to_owned());
        }
        if let Some((certificate, key)) = tls {
            for (name, text) in [("server.crt", certificate), ("server.key", key)] {
                std::fs::write(folder.join(name), text).unwrap();
            }
            arguments.push(format!("--ssl-cert={}/server.crt", folder.display()));
            arguments.push(format!("--ssl-key={}/server.key", folder.display()));
        }
        let mut process = Process::start_in(folder, server.as_os_str(), arguments);
        process.wait("MariaDB", || {
            let ready = client(&socket).args(["-e", "SELECT 1"]).output();
            ready.is_ok_and(|output| output.status.success())
        });
        let server = Self { port, process };
        server.run(&format!(
            "CREATE DATABASE {database}; CREATE USER '{user}'@'127.0.0.1' IDENTIFIED BY '{}'; GRANT SELECT ON {database}.* TO '{user}'@'127.0.0.1'",
            PASSWORD.replace('\'', "''"),
            database = Self::DATABASE,
            user = Self::USER,
        ));
        server
    }

    /// The port, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs statements as root, and gives what they print: a line a row, fields apart by tabs.
    pub fn run(&self, statements: &str) -> String {
        let mut child = client(&self.process.folder().join("m.sock"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(statements.as_bytes()).unwrap();
        drop(input);
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{statements}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// The file that every statement stands in.
    pub fn statements(&self) -> PathBuf {
        self.process.folder().join("statements")
    }

    /// Ends the server's process at once, as a crash does, and every connection with it.
    pub fn crash(self) {
        drop(self.process);
    }
}

fn client(socket: &Path) -> Command {
    let mut command = Command::new("mariadb");
    command
        .args([
            "--no-defaults",
            "-N",
            "-B",
            "-uroot",
            "--default-character-set=utf8mb4",
        ])
        .arg("-S")
        .arg(socket);
    command
}

/// Where packages put a program of the server.
fn places(name: &str) -> Vec<PathBuf> {
    ["/usr/sbin", "/usr/local/sbin", "/usr/bin"]
        .map(|folder| Path::new(folder).join(name))
        .into()
}
