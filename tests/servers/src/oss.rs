//! A double of Aliyun OSS that checks signatures, V1 and V4: `oss_double.py`, which Aliyun's own clients
//! prove first (`oss_sdk_check.py`).

use std::net::SocketAddr;

use crate::http::request;
use crate::process::{Process, free_ports};
use crate::{BUCKET, KEY, SECRET};

/// How a double is to behave.
#[derive(Debug, Clone)]
pub struct OssSettings {
    /// The signatures that are taken, of `v1` and `v4`.
    pub signatures: &'static str,
    /// How far its clock is ahead of the machine's, in seconds.
    pub clock_ahead: i64,
}

impl Default for OssSettings {
    fn default() -> Self {
        Self {
            signatures: "v1,v4",
            clock_ahead: 0,
        }
    }
}

/// A double with the bucket [`BUCKET`] in region [`Oss::REGION`].
pub struct Oss {
    port: u16,
    _process: Process,
}

impl Oss {
    /// The double's region.
    pub const REGION: &str = "cn-test";
    /// A host that the double takes for its own: a bucket stands before it.
    pub const HOST: &str = "oss-cn-test.aliyuncs.com";

    /// Starts a double; it takes a moment.
    pub fn start(settings: &OssSettings) -> Self {
        let [port] = free_ports();
        let mut process = Process::start("STAGEDOOR_PYTHON", |_| {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/oss_double.py");
            [
                script.to_owned(),
                format!("--port={port}"),
                format!("--bucket={BUCKET}"),
                format!("--key={KEY}"),
                format!("--secret={SECRET}"),
                format!("--region={}", Self::REGION),
                format!("--signatures={}", settings.signatures),
                format!("--clock-ahead={}", settings.clock_ahead),
            ]
            .to_vec()
        });
        process.wait("the OSS double", || {
            request(port, "GET", "/__double__/log", b"").is_some()
        });
        Self {
            port,
            _process: process,
        }
    }

    /// `http://127.0.0.1:port`, where a bucket is in the path.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `http://host:port`, where a bucket is before the host; the test resolves its name.
    pub fn virtual_endpoint(&self) -> String {
        format!("http://{}:{}", Self::HOST, self.port)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Breaks the next `times` requests of an operation such as `UploadPart`: answers them with `status`
    /// and `code`.
    pub fn fail(&self, operation: &str, status: u16, code: &str, times: u32) {
        let fault =
            serde_json::json!({ "op": operation, "status": status, "code": code, "n": times });
        self.control("fault", &fault);
    }

    /// Does the next `times` requests of an operation and answers nothing: the connection is closed.
    pub fn lose_answer(&self, operation: &str, times: u32) {
        let fault = serde_json::json!({ "op": operation, "lose_answer": true, "n": times });
        self.control("fault", &fault);
    }

    /// Completes the next upload to an object with other bytes, whose checksum it tells.
    pub fn corrupt(&self) {
        let fault = serde_json::json!({ "op": "CompleteMultipartUpload", "corrupt": true, "n": 1 });
        self.control("fault", &fault);
    }

    /// What has been asked so far: an array of objects with `op`, `method`, `path`, `signature`, `status`
    /// and `headers`.
    pub fn log(&self) -> Vec<serde_json::Value> {
        let (_, body) = request(self.port, "GET", "/__double__/log", b"").unwrap();
        serde_json::from_str(&body).unwrap()
    }

    fn control(&self, what: &str, body: &serde_json::Value) {
        let path = format!("/__double__/{what}");
        let body = body.to_string();
        let answer = request(self.port, "POST", &path, body.as_bytes());
        assert_eq!(answer.unwrap().0, 200);
    }
}
