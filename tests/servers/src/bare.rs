//! `Bare`: a store that speaks S3 as far as exports need it, and that ignores every condition: `If-None-Match` has no
//! effect. It checks no signature, and keeps objects, texts only, in memory.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use crate::scripted::{Scripted, answer, header};

/// A store without conditions.
pub struct Bare {
    server: Scripted,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, String>,
    /// Key and parts of each open upload, by its id.
    uploads: BTreeMap<String, (String, BTreeMap<u32, String>)>,
    begun: u64,
}

impl Bare {
    /// Starts one; it ends with the tests.
    pub fn start() -> Self {
        Self::start_behind(|_| {})
    }

    /// The same, behind a gate: it is told each request's head before that is answered, and may wait.
    pub fn start_behind(gate: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let own = Arc::clone(&state);
        let server = Scripted::with_bodies(move |head, body| {
            gate(head);
            own.lock().unwrap().answer(head, body)
        });
        Self { server, state }
    }

    /// `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Every object by its key, of whatever bucket: `bucket/key`.
    pub fn objects(&self) -> BTreeMap<String, String> {
        self.state.lock().unwrap().objects.clone()
    }

    /// Keys of open uploads.
    pub fn open_uploads(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.uploads.values().map(|(key, _)| key.clone()).collect()
    }

    /// Puts an object down, as somebody else would.
    pub fn put(&self, key: &str, body: &str) {
        let mut state = self.state.lock().unwrap();
        state.objects.insert(key.to_owned(), body.to_owned());
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.server.heads()
    }
}

impl State {
    fn answer(&mut self, head: &str, body: &[u8]) -> String {
        let mut words = head.split_whitespace();
        let method = words.next().unwrap_or_default();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = path.trim_start_matches('/').to_owned();
        let query: BTreeMap<&str, String> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (name, value.replace("%2F", "/"))
            })
            .collect();
        let is_bucket = !key.trim_end_matches('/').contains('/');
        let text = String::from_utf8_lossy(body).into_owned();
        let upload = query.get("uploadId").cloned();
        let checksum = header(head, "x-amz-checksum-crc64nvme").map_or_else(String::new, |crc| {
            format!("x-amz-checksum-crc64nvme: {crc}\r\n")
        });
        let etag = format!("ETag: \"{}-{}\"\r\n", text.len(), self.begun);
        match (method, upload) {
            ("GET", None) if query.contains_key("uploads") => self.list_uploads(&query),
            ("GET", None) if query.contains_key("versioning") => {
                answer("200 OK", "", "<VersioningConfiguration/>")
            }
            ("GET", None) if is_bucket => self.list(&key, &query),
            ("GET" | "HEAD", None) => self.read(method, &key, header(head, "range")),
            ("POST", None) if query.contains_key("uploads") => {
                self.begun += 1;
                let id = format!("u{}", self.begun);
                self.uploads.insert(id.clone(), (key, BTreeMap::new()));
                let body = format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                );
                answer("200 OK", "", &body)
            }
            ("PUT", Some(id)) => {
                let number = query.get("partNumber").and_then(|text| text.parse().ok());
                match (self.uploads.get_mut(&id), number) {
                    (Some((_, parts)), Some(number)) => {
                        parts.insert(number, text);
                        answer("200 OK", &format!("{etag}{checksum}"), "")
                    }
                    _ => no_upload(),
                }
            }
            ("POST", Some(id)) => match self.uploads.remove(&id) {
                Some((key, parts)) => {
                    let whole = parts.into_values().collect();
                    self.objects.insert(key, whole);
                    let body = "<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>";
                    answer("200 OK", "", body)
                }
                None => no_upload(),
            },
            ("DELETE", Some(id)) => match self.uploads.remove(&id) {
                Some(_) => answer("204 No Content", "", ""),
                None => no_upload(),
            },
            ("PUT", None) => {
                self.objects.insert(key, text);
                answer("200 OK", &format!("{etag}{checksum}"), "")
            }
            ("DELETE", None) => {
                self.objects.remove(&key);
                answer("204 No Content", "", "")
            }
            _ => answer(
                "501 Not Implemented",
                "",
                "<Error><Code>NotImplemented</Code></Error>",
            ),
        }
    }

    fn read(&self, method: &str, key: &str, range: Option<&str>) -> String {
        let Some(object) = self.objects.get(key) else {
            let body = match method {
                "HEAD" => "",
                _ => "<Error><Code>NoSuchKey</Code></Error>",
            };
            return answer("404 Not Found", "", body);
        };
        if method == "HEAD" {
            return format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\nETag: \"e\"\r\n\r\n",
                object.len()
            );
        }
        let bounds = range
            .and_then(|range| range.strip_prefix("bytes="))
            .and_then(|range| range.split_once('-'));
        match bounds {
            None => answer("200 OK", "ETag: \"e\"\r\n", object),
            Some((from, to)) => {
                let from: usize = from.parse().unwrap();
                let last = to.parse().unwrap_or(usize::MAX).min(object.len() - 1);
                let headers = format!("Content-Range: bytes {from}-{last}/{}\r\n", object.len());
                answer("206 Partial Content", &headers, &object[from..=last])
            }
        }
    }

    /// Within `bucket`, whatever the delimiter.
    fn list(&self, bucket: &str, query: &BTreeMap<&str, String>) -> String {
        let bucket = bucket.trim_end_matches('/');
        let prefix = query.get("prefix").cloned().unwrap_or_default();
        let mut body = String::from("<ListBucketResult><IsTruncated>false</IsTruncated>");
        for (key, object) in &self.objects {
            let Some(key) = key.strip_prefix(&format!("{bucket}/")) else {
                continue;
            };
            if key.starts_with(&prefix) {
                write!(
                    body,
                    "<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"e\"</ETag><Size>{}</Size></Contents>",
                    object.len()
                )
                .unwrap();
            }
        }
        body.push_str("</ListBucketResult>");
        answer("200 OK", "", &body)
    }

    fn list_uploads(&self, query: &BTreeMap<&str, String>) -> String {
        let prefix = query.get("prefix").cloned().unwrap_or_default();
        let mut body = String::from("<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>");
        for (id, (key, _)) in &self.uploads {
            let key = key.split_once('/').map_or(key.as_str(), |(_, key)| key);
            if key.starts_with(&prefix) {
                write!(
                    body,
                    "<Upload><Key>{key}</Key><UploadId>{id}</UploadId></Upload>"
                )
                .unwrap();
            }
        }
        body.push_str("</ListMultipartUploadsResult>");
        answer("200 OK", "", &body)
    }
}

fn no_upload() -> String {
    answer(
        "404 Not Found",
        "",
        "<Error><Code>NoSuchUpload</Code></Error>",
    )
}
