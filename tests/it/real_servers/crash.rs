//! Exports of one file to buckets, of every form, killed in the middle of parts and of publication. What is there then, and that
//! no upload is open, boto3 and oss2 say (`outside.py`).

use std::process::Command;

use test_servers::{BUCKET, KEY, Oss, SECRET};

use super::{Place, endpoints};
use crate::crash::shapes::{self, Seen};

on_both!(a_kill_leaves_an_export_whole_or_nothing, killed);

pub(super) async fn killed(place: Place, folder: &str) {
    shapes::killed(&InBucket { place, folder }).await;
}

struct InBucket<'a> {
    place: Place,
    folder: &'a str,
}

impl shapes::Place for InBucket<'_> {
    fn settings(&self) -> String {
        endpoints()
    }

    fn create(&self) -> String {
        self.place.create("s", self.folder)
    }

    fn seen(&self) -> Seen {
        self.place.seen_outside(self.folder)
    }
}

impl Place {
    /// What the store's own maker's client sees of a folder: paths are relative to it.
    pub(crate) fn seen_outside(&self, folder: &str) -> Seen {
        let python = std::env::var_os("STAGEDOOR_PYTHON")
            .unwrap_or_else(|| panic!("STAGEDOOR_PYTHON names no Python: run `cargo xtask test`"));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/it/real_servers/outside.py");
        let endpoint = format!("http://{}", self.upstream());
        let output = Command::new(python)
            .arg(script)
            .args([self.scheme, &endpoint, KEY, SECRET, BUCKET, Oss::REGION])
            .arg(format!("{folder}/"))
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1")
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let texts = |name: &str| {
            let pairs = told[name].as_object().unwrap().iter();
            pairs
                .map(|(path, text)| (path.clone(), text.as_str().unwrap().to_owned()))
                .collect()
        };
        let left = told["left"].as_array().unwrap().iter();
        Seen {
            sha256: texts("sha256"),
            manifests: texts("manifests"),
            left: left.map(|key| key.as_str().unwrap().to_owned()).collect(),
        }
    }
}
