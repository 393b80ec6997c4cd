//! The server of this build as a process, asked over the MySQL protocol, so that its memory is its own.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mysql_async::{Conn, OptsBuilder};

use crate::Result;

const PASSWORD: &str = "a password";

/// A server that may connect to this machine without transport security.
pub(crate) struct Stagedoor {
    child: Child,
    mysql: SocketAddr,
}

impl Drop for Stagedoor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stagedoor {
    /// Starts one whose data is in a folder that is not there yet.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (grpc, mysql) = (free()?, free()?);
        let (password, settings) = (folder.join("password"), folder.join("stagedoor.toml"));
        std::fs::write(&password, PASSWORD)?;
        std::fs::write(
            &settings,
            "[endpoints]\nhttp = true\nallow = ['127.0.0.1']\n",
        )?;
        let program = std::env::current_exe()?;
        // target/PROFILE/examples/buckets
        let program = program.ancestors().nth(2).ok_or("no folder")?;
        let child = Command::new(program.join("stagedoor"))
            .arg("serve")
            .arg("-c")
            .arg(&settings)
            .arg("--data-dir")
            .arg(folder.join("data"))
            .args(["--listen", &grpc.to_string()])
            .args(["--mysql-listen", &mysql.to_string()])
            .env("STAGEDOOR_AUTH_ROOT_PASSWORD_FILE", &password)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("log"))?)
            .spawn()?;
        let server = Self { child, mysql };
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(mysql).await.is_ok() {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(format!(
            "nothing listens on {mysql}: see {}",
            folder.join("log").display()
        )
        .into())
    }

    /// As root.
    pub(crate) async fn connect(&self) -> Result<Conn> {
        let options = OptsBuilder::default()
            .ip_or_hostname(self.mysql.ip().to_string())
            .tcp_port(self.mysql.port())
            .user(Some("root"))
            .pass(Some(PASSWORD))
            .prefer_socket(false)
            .tcp_nodelay(true);
        Ok(Conn::new(options).await?)
    }

    /// The most that the process has held at a time, in MiB.
    pub(crate) fn peak_mib(&self) -> Result<u64> {
        self.status_mib("VmHWM:")
    }

    /// What it holds now.
    pub(crate) fn resident_mib(&self) -> Result<u64> {
        self.status_mib("VmRSS:")
    }

    /// Forgets the most until now.
    pub(crate) fn reset_peak(&self) -> Result<()> {
        Ok(std::fs::write(
            format!("/proc/{}/clear_refs", self.child.id()),
            "5",
        )?)
    }

    fn status_mib(&self, name: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let text = line.ok_or("no such line")?.trim().trim_end_matches(" kB");
        Ok(text.parse::<u64>()? / 1024)
    }
}

fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
