//! Messages about exports that have ended, to a URL of the operator's: signed, and sent again until they are taken.
//!
//! A small file in the data directory stands for each message from the export's admission on until it is delivered, so
//! that a server that was killed at any moment sends it when it runs again. A message may so be delivered twice, never
//! less than once; its export's id tells.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use catalog::ExportRecord;
use exporter::DigestAlgorithm;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::Sha256;
use storage::{EndpointPolicy, EndpointRule, Transport, TransportOptions};
use tokio::sync::Notify;

use crate::durable;
use crate::error::{Error, Reason, Result};
use crate::gate::hex;
use crate::instance::Instance;
use crate::notes;
use crate::settings::NotifySettings;
use crate::sql::export_state;
use crate::time::rfc3339;

/// The format of the messages.
const MESSAGE_VERSION: u32 = 1;
/// How long the receiver may be silent.
const STILL_MAX: Duration = Duration::from_secs(10);
/// The pause behind the first failed attempt; each is twice as long as the one before, up to the last.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(600);

/// Where messages go, and what signs them.
pub(crate) struct Notifier {
    url: String,
    host: String,
    secret: SecretString,
    transport: Transport,
    folder: PathBuf,
    give_up_after_us: u64,
    wake: Arc<Notify>,
}

impl std::fmt::Debug for Notifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notifier").finish_non_exhaustive()
    }
}

/// A message that is to be sent. Its bytes are a persisted format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    v: u32,
    account: String,
    export: String,
}

impl Notifier {
    /// What `[notify]` says; nothing where there is no URL. Blocking.
    ///
    /// # Errors
    /// What is wrong with the settings or the data directory, in words for the operator.
    pub(crate) fn open(
        settings: &NotifySettings,
        data_dir: &Path,
    ) -> std::result::Result<Option<Self>, String> {
        let Some(url) = &settings.url else {
            return Ok(None);
        };
        // The URL may hold a token: what is wrong is said without it.
        let uri: http::Uri = url
            .parse()
            .map_err(|_| "the setting notify.url is no URL".to_owned())?;
        let scheme = uri.scheme_str().unwrap_or_default();
        let (host, port) = match (uri.host(), scheme) {
            (Some(host), "https") => (host, uri.port_u16().unwrap_or(443)),
            (Some(host), "http") => (host, uri.port_u16().unwrap_or(80)),
            _ => return Err("the setting notify.url is no http:// or https:// URL".to_owned()),
        };
        let Some(file) = &settings.secret_file else {
            return Err(
                "the setting notify.secret_file is not set: each message is signed".to_owned(),
            );
        };
        let secret = fs::read_to_string(file)
            .map_err(|e| format!("the file of notify.secret_file, '{}': {e}", file.display()))?;
        let secret = secret.trim();
        if secret.is_empty() {
            return Err(format!(
                "the file of notify.secret_file, '{}', is empty",
                file.display()
            ));
        }
        // The operator names this one host, wherever it is; nobody else can.
        let rule: EndpointRule = format!("{host}:{port}")
            .parse()
            .map_err(|e| format!("the setting notify.url: {e}"))?;
        let policy = EndpointPolicy::default()
            .allow_only(vec![rule])
            .allow_http(scheme == "http");
        let options = TransportOptions {
            still_max: STILL_MAX,
            ..TransportOptions::default()
        };
        let transport = Transport::new(policy, options)
            .map_err(|e| format!("the setting notify.url cannot be reached: {e}"))?;
        let folder = data_dir.join("notify");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|e| format!("failed to make the folder '{}': {e}", folder.display()))?;
        Ok(Some(Self {
            host: host.to_owned(),
            url: url.clone(),
            secret: SecretString::from(secret.to_owned()),
            transport,
            folder,
            give_up_after_us: settings.give_up_after_s.saturating_mul(1_000_000),
            wake: Arc::new(Notify::new()),
        }))
    }

    /// Keeps in mind that an export will be told of, before it is admitted. Blocking.
    ///
    /// # Errors
    /// Those of the data directory's disk.
    pub(crate) fn expect(&self, account: &str, export: &str) -> Result<()> {
        let pending = Pending {
            v: notes::VERSION,
            account: account.to_owned(),
            export: export.to_owned(),
        };
        let write = || -> io::Result<()> {
            let bytes = notes::to_bytes(&pending)?;
            durable::create(&self.file(export), &bytes)
        };
        write().map_err(|e| {
            self.forget(export);
            Error::internal(
                Reason::StorageFailed,
                format_args!("failed to note that the export is to be told of: {e}"),
            )
        })
    }

    /// There is nothing to tell of it.
    pub(crate) fn forget(&self, export: &str) {
        match fs::remove_file(self.file(export)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(export, %error, "the note of a message could not be removed");
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// An export has ended.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    fn file(&self, export: &str) -> PathBuf {
        self.folder.join(format!("{export}.json"))
    }

    /// The messages that are on record. What does not read is left, and said.
    fn pending(&self) -> Vec<Pending> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::error!(%error, "messages that are to be sent cannot be listed");
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let read = fs::read(&path).map_err(|e| e.to_string());
            match read.and_then(|bytes| notes::from_bytes::<Pending>(&bytes)) {
                Ok(pending) => found.push(pending),
                Err(error) => {
                    tracing::error!(file = %path.display(), error, "a message does not read, and is left: its export is not told of");
                }
            }
        }
        found.sort_by(|one, other| one.export.cmp(&other.export));
        found
    }

    /// # Errors
    /// Why it was not taken, without the URL.
    async fn send(&self, export: &ExportRecord) -> std::result::Result<(), String> {
        let body = message(export).to_string();
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("stagedoor-export", export.id.clone()),
            ("stagedoor-signature", self.signature(&body)),
        ];
        let sent = self.transport.post(&self.url, &headers, Bytes::from(body));
        match sent.await {
            Ok(200..=299) => Ok(()),
            Ok(status) => Err(format!("'{}' answered with status {status}", self.host)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// `t=SECONDS,v1=HEX`: the HMAC-SHA256 of `SECONDS.BODY`, so that an old message cannot be sent again as new.
    fn signature(&self, body: &str) -> String {
        let now_s = (catalog::system_clock())() / 1_000_000;
        sign(self.secret.expose_secret(), now_s, body)
    }
}

fn sign(secret: &str, now_s: u64, body: &str) -> String {
    match Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        Ok(mut mac) => {
            mac.update(format!("{now_s}.{body}").as_bytes());
            format!("t={now_s},v1={}", hex(&mac.finalize().into_bytes()))
        }
        // HMAC takes keys of any length.
        Err(_) => format!("t={now_s}"),
    }
}

/// What is told. No secret is in it: the statement is not, and errors have none.
fn message(export: &ExportRecord) -> serde_json::Value {
    let files: Vec<_> = export
        .files
        .iter()
        .map(|file| {
            let mut told = json!({"path": file.path, "rows": file.rows, "bytes": file.bytes});
            if let Some((algorithm, digits)) = DigestAlgorithm::split(&file.digest) {
                told[algorithm.name()] = digits.into();
            }
            told
        })
        .collect();
    json!({
        "version": MESSAGE_VERSION,
        "event": "export.ended",
        "export": export.id,
        "export_id": export.key,
        "account": export.account,
        "user": export.user,
        "state": export_state(export.state),
        "target": export.target,
        "stage": export.stage.as_ref().map(|(name, version)| json!({ "name": name, "version": version })),
        "rows": export.rows,
        "bytes": export.bytes,
        "files": files,
        "error": export.error,
        "warnings": export.warnings,
        "started_at": rfc3339(export.created_us),
        "finished_at": export.finished_us.map(rfc3339),
    })
}

/// Between two rounds, whatever is due.
const PAUSE_LEAST: Duration = Duration::from_millis(50);

/// Sends what is to be sent, until the server is gone, which it does not keep open.
pub(crate) async fn run(instance: Weak<Instance>) {
    let mut failed: HashMap<String, (Duration, Instant)> = HashMap::new();
    loop {
        let Some(open) = instance.upgrade() else {
            return;
        };
        let Some(notifier) = &open.notifier else {
            return;
        };
        let wake = Arc::clone(&notifier.wake);
        deliver(&open, &mut failed).await;
        drop(open);
        let now = Instant::now();
        let next = failed
            .values()
            .map(|(_, at)| at.saturating_duration_since(now));
        // What could not be read is due already.
        let next = next.min().unwrap_or(PAUSE_MAX).max(PAUSE_LEAST);
        let _ = tokio::time::timeout(next, wake.notified()).await;
    }
}

async fn deliver(instance: &Arc<Instance>, failed: &mut HashMap<String, (Duration, Instant)>) {
    let ended = instance.blocking(|instance| {
        let Some(notifier) = &instance.notifier else {
            return Ok(Vec::new());
        };
        let mut ended = Vec::new();
        for pending in notifier.pending() {
            match instance.catalog.export(&pending.account, &pending.export)? {
                Some(record) if record.state.is_final() => ended.push(record),
                Some(_) => {}
                // Never admitted, or forgotten since.
                None if instance.jobs.get(&pending.export).is_none() => {
                    tracing::warn!(
                        export = pending.export,
                        "an export that was to be told of is not in the catalog: nobody is told of it"
                    );
                    notifier.forget(&pending.export);
                }
                None => {}
            }
        }
        Ok(ended)
    });
    let ended = match ended.await {
        Ok(ended) => ended,
        Err(error) => {
            tracing::error!(
                error = error.message(),
                "exports to be told of cannot be read"
            );
            return;
        }
    };
    let Some(notifier) = &instance.notifier else {
        return;
    };
    // Those that are gone are waited for no longer.
    failed.retain(|id, _| ended.iter().any(|record| record.id == *id));
    for record in ended {
        if failed
            .get(&record.id)
            .is_some_and(|(_, at)| *at > Instant::now())
        {
            continue;
        }
        match notifier.send(&record).await {
            Ok(()) => {
                failed.remove(&record.id);
                notifier.forget(&record.id);
            }
            Err(error) => {
                let now_us = (catalog::system_clock())();
                let since_us = now_us.saturating_sub(record.finished_us.unwrap_or(now_us));
                if since_us >= notifier.give_up_after_us {
                    tracing::error!(
                        export = record.id,
                        error,
                        "the message about an export was given up after notify.give_up_after_s"
                    );
                    failed.remove(&record.id);
                    notifier.forget(&record.id);
                    continue;
                }
                let (pause, _) = failed
                    .get(&record.id)
                    .copied()
                    .unwrap_or((PAUSE_FIRST / 2, Instant::now()));
                let pause = (pause * 2).min(PAUSE_MAX);
                tracing::warn!(
                    export = record.id,
                    error,
                    again_in_s = pause.as_secs(),
                    "the message about an export was not taken; it is sent again"
                );
                failed.insert(record.id, (pause, Instant::now() + pause));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Checked with `printf '1.{}' | openssl dgst -sha256 -hmac key`.
    #[test]
    fn a_signature_is_what_openssl_makes() {
        assert_eq!(
            sign("key", 1, "{}"),
            "t=1,v1=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224"
        );
    }

    /// The bytes of a note on the disk; older ones stay readable.
    #[test]
    fn a_note_is_frozen() {
        let pending = Pending {
            v: 2,
            account: "sys".to_owned(),
            export: "0192f0c1-2345-7abc-8def-0123456789ab".to_owned(),
        };
        let frozen = concat!(
            r#"{"v":2,"account":"sys","export":"0192f0c1-2345-7abc-8def-0123456789ab"}"#,
            "\nsha256:029b18a8408b8b8c\n"
        );
        let written = notes::to_bytes(&pending).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), frozen);
        assert_eq!(notes::from_bytes::<Pending>(frozen.as_bytes()), Ok(pending));
        let old = br#"{"v":1,"account":"sys","export":"0192f0c1-2345-7abc-8def-0123456789ab"}"#;
        let old = notes::from_bytes::<Pending>(old).unwrap();
        assert_eq!((old.v, old.account.as_str()), (1, "sys"));
    }

    #[test]
    fn a_damaged_note_costs_its_own_message_only() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, "s3cret").unwrap();
        let settings = NotifySettings {
            url: Some("https://hooks.example.com/".to_owned()),
            secret_file: Some(secret),
            ..NotifySettings::default()
        };
        let notifier = Notifier::open(&settings, folder.path()).unwrap().unwrap();
        durable::syncs::taken();
        for export in ["a", "b", "c"] {
            notifier.expect("sys", export).unwrap();
            // A power cut right after this does not forget that somebody is to be told.
            let syncs = durable::syncs::taken();
            assert_eq!(syncs.len(), 2, "{syncs:?}");
            assert!(syncs[1].contains(&format!("{export}.json")), "{syncs:?}");
        }
        let path = notifier.file("b");
        let mut bytes = fs::read(&path).unwrap();
        bytes[12] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let pending = notifier.pending();
        let left: Vec<_> = pending.iter().map(|one| one.export.as_str()).collect();
        assert_eq!(left, ["a", "c"]);
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn settings_are_checked_and_the_url_is_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        let open = |url: &str, file: Option<&Path>| {
            let settings = NotifySettings {
                url: Some(url.to_owned()),
                secret_file: file.map(Path::to_path_buf),
                ..NotifySettings::default()
            };
            assert!(!format!("{settings:?}").contains("token"));
            Notifier::open(&settings, folder.path()).map(|found| found.is_some())
        };
        let url = "https://hooks.example.com/token";
        assert!(open(url, None).unwrap_err().contains("notify.secret_file"));
        assert!(
            open(url, Some(&secret))
                .unwrap_err()
                .contains("notify.secret_file")
        );
        fs::write(&secret, "\n").unwrap();
        assert!(open(url, Some(&secret)).unwrap_err().contains("is empty"));
        fs::write(&secret, "s3cret\n").unwrap();
        assert_eq!(open(url, Some(&secret)), Ok(true));
        for bad in ["ftp://h/token", "token", "https:///token"] {
            let error = open(bad, Some(&secret)).unwrap_err();
            assert!(!error.contains("token"), "{error}");
        }
        let none = Notifier::open(&NotifySettings::default(), folder.path());
        assert!(none.unwrap().is_none());
    }
}
