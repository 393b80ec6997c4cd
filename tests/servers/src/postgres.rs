//! PostgreSQL: a cluster of its own, which asks for passwords, with or without TLS.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::databases::{PASSWORD, as_user, done, folder, is_root, program};
use crate::process::{Process, free_ports};

/// A PostgreSQL server with the user [`Postgres::USER`] and the database [`Postgres::DATABASE`].
pub struct Postgres {
    port: u16,
    process: Process,
}

impl Postgres {
    /// Who logs in.
    pub const USER: &str = "postgres";
    /// With what.
    pub const PASSWORD: &str = PASSWORD;
    /// Where.
    pub const DATABASE: &str = "postgres";

    /// The server that all tests of a process share; it offers no TLS.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(None))
    }

    /// A server of one's own; with a certificate and its key, as PEM, it offers TLS.
    pub fn start(tls: Option<(&str, &str)>) -> Self {
        let user = is_root().then_some("postgres");
        let folder = folder(user);
        let password = folder.join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        let run = |name: &str, arguments: &[String]| {
            let (program, mut words) = as_user(user, &bin(name));
            words.extend_from_slice(arguments);
            done(Command::new(program).args(words).current_dir(&folder));
        };
        readable(&password, user);
        let data = folder.join("data").display().to_string();
        run(
            "initdb",
            &[
                format!("--pgdata={data}"),
                format!("--username={}", Self::USER),
                format!("--pwfile={}", password.display()),
                "--auth=scram-sha-256".to_owned(),
                "--encoding=UTF8".to_owned(),
                "--locale=C.UTF-8".to_owned(),
                "--no-sync".to_owned(),
            ],
        );
        let [port] = free_ports();
        let mut settings = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            format!("unix_socket_directories={}", folder.display()),
            "fsync=off".to_owned(),
            "log_statement=all".to_owned(),
            "max_connections=60".to_owned(),
        ];
        if let Some((certificate, key)) = tls {
            for (name, text) in [("server.crt", certificate), ("server.key", key)] {
                let path = folder.join(name);
                std::fs::write(&path, text).unwrap();
                readable(&path, user);
            }
            settings.push("ssl=on".to_owned());
            settings.push(format!("ssl_cert_file={}/server.crt", folder.display()));
            settings.push(format!("ssl_key_file={}/server.key", folder.display()));
        }
        let (program, mut arguments) = as_user(user, &bin("postgres"));
        arguments.extend(["-D".to_owned(), data]);
        for setting in settings {
            arguments.extend(["-c".to_owned(), setting]);
        }
        let mut process = Process::start_in(folder, &program, arguments);
        process.wait("PostgreSQL", || {
            let ready = client(port).args(["-c", "SELECT 1"]).output();
            ready.is_ok_and(|output| output.status.success())
        });
        Self { port, process }
    }

    /// The port, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs statements, and gives what they print: a line a row, fields apart by `|`.
    pub fn run(&self, statements: &str) -> String {
        let mut child = client(self.port)
            .args(["-v", "ON_ERROR_STOP=1", "-f", "-"])
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

    /// Ends the server's process at once, as a crash does, and every connection with it.
    pub fn crash(self) {
        drop(self.process);
    }

    /// Its folder, with every statement in the file `log`.
    pub fn folder(&self) -> &Path {
        self.process.folder()
    }
}

/// A file that its reader alone may read.
fn readable(path: &Path, user: Option<&str>) {
    done(Command::new("chmod").arg("600").arg(path));
    if let Some(user) = user {
        done(Command::new("chown").arg(user).arg(path));
    }
}

fn client(port: u16) -> Command {
    let mut command = Command::new(bin("psql"));
    command
        .args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-h",
            "127.0.0.1",
            "-U",
            Postgres::USER,
        ])
        .args(["-p", &port.to_string(), "-d", Postgres::DATABASE])
        .env("PGPASSWORD", PASSWORD)
        .env("PGSSLMODE", "disable")
        .env("PGCONNECT_TIMEOUT", "10");
    command
}

/// A program of the newest PostgreSQL that is installed.
fn bin(name: &str) -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| {
            entries
                .flatten()
                .map(|entry| entry.path().join("bin"))
                .collect()
        })
        .unwrap_or_default();
    versions.sort_by_key(|path| {
        let version = path.parent().and_then(Path::file_name)?;
        version.to_str()?.parse::<u32>().ok()
    });
    versions.reverse();
    program("STAGEDOOR_POSTGRES", &versions).join(name)
}
