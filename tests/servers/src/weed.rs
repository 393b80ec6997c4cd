//! SeaweedFS' S3 server: checks signatures, does multipart uploads and conditional writes, also on Complete.

use std::path::Path;
use std::sync::OnceLock;

use crate::http::request;
use crate::process::{Process, free_ports};
use crate::{BUCKET, KEY, SECRET};

/// A SeaweedFS with the bucket [`BUCKET`].
pub struct Weed {
    port: u16,
    _process: Process,
}

impl Weed {
    /// An access key that may read and list, no more.
    pub const READER_KEY: &str = "readerkey";
    /// Its secret.
    pub const READER_SECRET: &str = "readersecret123";

    /// The server that all tests of a process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Weed> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of one's own; it takes some seconds.
    pub fn start() -> Self {
        let [
            master,
            master_grpc,
            volume,
            volume_grpc,
            filer,
            filer_grpc,
            s3,
            s3_grpc,
        ] = free_ports();
        let mut process = Process::start("STAGEDOOR_WEED", |folder| {
            write_settings(folder);
            let mut arguments: Vec<String> = [
                "-logtostderr=true",
                "server",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                "-volume.max=100",
                "-volume.preStopSeconds=1",
                "-master.volumeSizeLimitMB=256",
                "-filer",
                "-s3",
                "-s3.autoCreateBucket=false",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
            ]
            .map(str::to_owned)
            .to_vec();
            arguments.extend([
                format!("-dir={}", folder.display()),
                format!("-master.port={master}"),
                format!("-master.port.grpc={master_grpc}"),
                format!("-volume.port={volume}"),
                format!("-volume.port.grpc={volume_grpc}"),
                format!("-filer.port={filer}"),
                format!("-filer.port.grpc={filer_grpc}"),
                format!("-s3.port={s3}"),
                format!("-s3.port.grpc={s3_grpc}"),
                format!("-s3.config={}", folder.join("s3.json").display()),
            ]);
            arguments
        });
        let path = format!("/buckets/{BUCKET}/");
        process.wait("SeaweedFS", || {
            // Unsigned is refused: it answers, and it checks.
            request(s3, "GET", "/", b"").is_some_and(|(status, _)| status == 403)
                && request(filer, "POST", &path, b"")
                    .is_some_and(|(status, _)| status < 300)
                // A file is taken once a volume is there for it.
                && request(filer, "PUT", "/ready", b"ready")
                    .is_some_and(|(status, _)| status < 300)
        });
        Self {
            port: s3,
            _process: process,
        }
    }

    /// `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port of the S3 protocol.
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn write_settings(folder: &Path) {
    let identity = |name, key, secret, actions: &[&str]| {
        serde_json::json!({
            "name": name,
            "credentials": [{ "accessKey": key, "secretKey": secret }],
            "actions": actions,
        })
    };
    let all = ["Admin", "Read", "Write", "List", "Tagging"];
    let settings = serde_json::json!({
        "identities": [
            identity("all", KEY, SECRET, &all),
            identity("reader", Weed::READER_KEY, Weed::READER_SECRET, &["Read", "List"]),
        ]
    });
    std::fs::write(folder.join("s3.json"), settings.to_string()).unwrap();
}
