//! Ceph's gateway for S3 (RGW), on a cluster of its own in memory: one monitor, one object store, the gateway. It is strict
//! where SeaweedFS is lax: it compares a body with its SHA-256, lists in the order of bytes, takes any key. And it
//! completes an upload whatever the condition.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::databases::done;
use crate::http::request;
use crate::process::{Process, free_ports};
use crate::{BUCKET, KEY, SECRET};

/// A gateway with the bucket [`BUCKET`].
pub struct Ceph {
    port: u16,
    // In the order in which they end.
    _gateway: Process,
    _store: Process,
    _monitor: Process,
}

/// Longer than a step of its start takes on a machine under load.
const STEP_MAX: Duration = Duration::from_secs(120);

impl Ceph {
    /// The gateway that all tests of a process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Ceph> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A cluster of one's own; it takes some seconds. `STAGEDOOR_CEPH` names the folder of the programs.
    pub fn start() -> Self {
        let [messages, old_messages, port] = free_ports();
        let programs = std::env::var_os("STAGEDOOR_CEPH").unwrap_or_else(|| {
            panic!("STAGEDOOR_CEPH names no folder: run the tests with `cargo xtask test`")
        });
        // The monitor's, which ends last and takes it away.
        let folder = TempDir::with_prefix("stagedoor-server-").unwrap().keep();
        let cluster = Cluster {
            programs: PathBuf::from(programs),
            settings: folder.join("ceph.conf"),
        };
        let id = uuid();
        let monitors = format!("[v2:127.0.0.1:{messages},v1:127.0.0.1:{old_messages}]");
        std::fs::create_dir(folder.join("run")).unwrap();
        std::fs::create_dir(folder.join("osd")).unwrap();
        std::fs::write(&cluster.settings, settings(&folder, &id, &monitors, port)).unwrap();

        let map = folder.join("monmap");
        let mut make_map = Command::new(cluster.program("monmaptool"));
        make_map.args([
            "--create",
            "--clobber",
            "--fsid",
            &id,
            "--addv",
            "a",
            &monitors,
        ]);
        done(make_map.arg(&map));
        done(
            cluster
                .run("ceph-mon", &["-i", "a", "--mkfs", "--monmap"])
                .arg(&map),
        );
        let monitor = cluster.serve("ceph-mon", &["-f", "-i", "a"], folder.clone());
        let disk = uuid();
        cluster.until_done("ceph", &["osd", "new", &disk]);
        done(&mut cluster.run("ceph-osd", &["-i", "0", "--mkfs", "--osd-uuid", &disk]));
        let store = cluster.serve("ceph-osd", &["-f", "-i", "0"], own_folder());
        let user = [
            "user",
            "create",
            "--uid=tests",
            "--display-name=tests",
            &format!("--access-key={KEY}"),
            &format!("--secret-key={SECRET}"),
        ];
        cluster.until_done("radosgw-admin", &user);
        let mut gateway = cluster.serve("radosgw", &["-f", "-n", "client.rgw"], own_folder());
        gateway.wait("Ceph's gateway", || {
            request(port, "GET", "/", b"").is_some_and(|(status, _)| status == 200)
        });
        let ceph = Self {
            port,
            _gateway: gateway,
            _store: store,
            _monitor: monitor,
        };
        ceph.make_bucket();
        ceph
    }

    /// `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port of the S3 protocol.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// By boto3: nobody may make one without a signature.
    fn make_bucket(&self) {
        const SCRIPT: &str = "
import boto3, sys
endpoint, key, secret, bucket = sys.argv[1:]
client = boto3.client('s3', endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret, region_name='us-east-1')
client.create_bucket(Bucket=bucket)
";
        let python = std::env::var_os("STAGEDOOR_PYTHON")
            .unwrap_or_else(|| panic!("STAGEDOOR_PYTHON names no Python: run `cargo xtask test`"));
        let mut make = Command::new(python);
        make.args(["-c", SCRIPT, &self.endpoint(), KEY, SECRET, BUCKET])
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1");
        done(&mut make);
    }
}

fn own_folder() -> PathBuf {
    TempDir::with_prefix("stagedoor-server-").unwrap().keep()
}

/// The programs, and what they are told.
struct Cluster {
    programs: PathBuf,
    settings: PathBuf,
}

impl Cluster {
    fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program(program));
        command.arg("-c").arg(&self.settings).args(arguments);
        command
    }

    /// In front, so that it ends by its id; `folder` is its log's.
    fn serve(&self, program: &str, arguments: &[&str], folder: PathBuf) -> Process {
        let mut all = vec!["-c".to_owned(), self.settings.display().to_string()];
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        Process::start_in(folder, self.program(program).as_os_str(), all)
    }

    /// Runs a command that talks to the cluster, again while that is not up; one that hangs is ended.
    fn until_done(&self, program: &str, arguments: &[&str]) {
        let begun = Instant::now();
        loop {
            let mut command = self.run(program, arguments);
            let mut child = command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap_or_else(|e| panic!("{command:?}: {e}"));
            let status = loop {
                if let Some(status) = child.try_wait().unwrap() {
                    break status;
                }
                if begun.elapsed() > STEP_MAX {
                    child.kill().unwrap();
                    break child.wait().unwrap();
                }
                std::thread::sleep(Duration::from_millis(20));
            };
            if status.success() {
                return;
            }
            assert!(begun.elapsed() < STEP_MAX, "{command:?}: {status}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn uuid() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap();
    text.trim().to_owned()
}

/// Without authentication inside the cluster, which is on this machine alone; the monitor is quick to agree with itself.
/// The gateway has to be told the mode of its connection to the monitor, or it waits for ever.
fn settings(folder: &Path, id: &str, monitors: &str, port: u16) -> String {
    let folder = folder.display();
    format!(
        "[global]
fsid = {id}
mon initial members = a
mon host = {monitors}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
mon data avail warn = 1
paxos propose interval = 0.05
paxos min wait = 0.01
mon tick interval = 1
run dir = {folder}/run
admin socket = {folder}/run/$name.asok
log to file = false
log to stderr = true
mon cluster log to file = false
crash dir = {folder}/run
keyring = /dev/null
[mon]
mon data = {folder}/mon
[osd]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{port}
ms mon client mode = crc
rgw enable usage log = false
rgw multipart min part size = 5242880
"
    )
}
