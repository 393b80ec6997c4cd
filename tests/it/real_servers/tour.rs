//! README's tour: its commands as they stand there, but for ports that are free here, and passwords that somebody would
//! type.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::harness;

const README: &str = include_str!("../../../README.md");

/// The words of the command that begins so, without what is said of it. Quotes are as in a shell.
fn words(begins: &str) -> Vec<String> {
    let line = README
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .find(|line| line.starts_with(begins))
        .unwrap_or_else(|| panic!("README has no command `{begins} …`"));
    let command = line.split(" #").next().unwrap_or_default();
    let mut words = Vec::new();
    for (index, part) in command.split('\'').enumerate() {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// The lines of a block, from the one that begins so.
fn block(begins: &str) -> String {
    let lines = README
        .lines()
        .skip_while(|line| !line.trim().starts_with(begins));
    let lines = lines.map_while(|line| line.strip_prefix("    "));
    lines.collect::<Vec<_>>().join("\n")
}

/// Runs a command of `stagedoor` in a folder.
fn stagedoor(folder: &Path, words: &[String]) -> Command {
    assert_eq!(words[0], "stagedoor");
    let mut command = harness::command();
    command
        .args(&words[1..])
        .current_dir(folder)
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .env("XDG_STATE_HOME", folder.join("state"))
        .env("HOME", folder);
    command
}

/// The tour's server.
struct Toured {
    folder: TempDir,
    child: Child,
    grpc: String,
    mysql: String,
    password: String,
}

impl Drop for Toured {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Toured {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The first command: a shell with a server of its own.
        let mut shell = stagedoor(folder.path(), &words("stagedoor sql --data-dir"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let script = b"CREATE STAGE daily URL = '/tmp'; SHOW STAGES;\n";
        shell.stdin.take().unwrap().write_all(script).unwrap();
        let shown = shell.wait_with_output().unwrap();
        assert!(shown.status.success());
        assert!(String::from_utf8_lossy(&shown.stdout).contains("daily"));

        let serve = "stagedoor serve --data-dir ./data --mysql-listen";
        let mut serve = words(serve);
        let port = serve.iter_mut().find(|word| word.starts_with("127.0.0.1:"));
        *port.unwrap() = "127.0.0.1:0".to_owned();
        serve.extend(["--listen", "127.0.0.1:0"].map(str::to_owned));
        let mut child = stagedoor(folder.path(), &serve)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The first start prints root's password, once.
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = out.next().unwrap().unwrap();
        let password = line.rsplit(' ').next().unwrap().to_owned();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = loop {
            let line = log.next().expect("it listens").unwrap();
            if let Some((_, ports)) = line.split_once("listening on ") {
                break ports.to_owned();
            }
        };
        let (grpc, mysql) = line.split_once(" and, for clients of MySQL, on ").unwrap();
        // Nobody may wait for room in the log.
        std::thread::spawn(move || log.map_while(Result::ok).for_each(drop));
        Self {
            folder,
            child,
            grpc: grpc.to_owned(),
            mysql: mysql.trim().to_owned(),
            password,
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.grpc)
    }
}

#[test]
fn the_tours_commands_do_what_they_say() {
    let toured = Toured::start();
    let folder = toured.folder.path();
    let mut login = words("stagedoor login");
    login.extend(["--url".to_owned(), toured.url()]);
    let logged_in = stagedoor(folder, &login)
        .env("STAGEDOOR_PASSWORD", &toured.password)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&logged_in.stderr);
    assert!(logged_in.status.success(), "{said}");

    let mut sql = words("stagedoor sql --url");
    let url = sql.iter_mut().find(|word| word.starts_with("http://"));
    *url.unwrap() = toured.url();
    let shown = stagedoor(folder, &sql).output().unwrap();
    let said = String::from_utf8_lossy(&shown.stderr);
    assert!(shown.status.success(), "{said}");
    let row: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(row["STAGE_NAME"], "daily", "{row}");

    let python = std::env::var("STAGEDOOR_PYTHON").expect(
        "STAGEDOOR_PYTHON names a Python with adbc-driver-flightsql: run `cargo xtask test`",
    );
    let script = block("import adbc_driver_flightsql");
    let script = script.replace("127.0.0.1:7550", &toured.grpc);
    let script = script.replace('…', &toured.password);
    let ran = Command::new(python).args(["-c", &script]).output().unwrap();
    let (shown, said) = (
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
    );
    assert!(ran.status.success(), "{said}");
    assert!(shown.contains("daily"), "{shown}");
}

mod real_databases {
    //! With the client of MariaDB, which is installed with its server.

    use super::*;

    #[test]
    fn the_stock_client_of_the_tour_comes_in() {
        let toured = Toured::start();
        let (_, port) = toured.mysql.split_once(':').unwrap();
        let mut client = words("mariadb");
        let at = client.iter().position(|word| word == "-P").unwrap();
        client[at + 1] = port.to_owned();
        // It is typed.
        client.retain(|word| word != "-p");
        let ran = Command::new(&client[0])
            .args(["--no-defaults"])
            .args(&client[1..])
            .args(["-e", "SHOW STAGES"])
            .env("MYSQL_PWD", &toured.password)
            .output()
            .expect("the client of MariaDB");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{said}");
        assert!(String::from_utf8_lossy(&ran.stdout).contains("daily"));
    }
}
