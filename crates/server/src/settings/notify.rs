//! `[notify]`: whom the server tells of exports that have ended.

use std::path::PathBuf;

use serde::Deserialize;

/// `[notify]`. Off unless `url` is set.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotifySettings {
    /// Where a POST goes when an export has ended: `https://host/path`, or `http://` on a network one trusts. It may
    /// hold a token, so it is never shown.
    pub url: Option<String>,
    /// A file with the secret that signs each message.
    pub secret_file: Option<PathBuf>,
    /// For how long a message that is not taken is sent again.
    pub give_up_after_s: u64,
}

impl Default for NotifySettings {
    fn default() -> Self {
        Self {
            url: None,
            secret_file: None,
            give_up_after_s: 24 * 60 * 60,
        }
    }
}

impl std::fmt::Debug for NotifySettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NotifySettings")
            .field("url", &self.url.as_ref().map(|_| "set"))
            .field("secret_file", &self.secret_file)
            .field("give_up_after_s", &self.give_up_after_s)
            .finish()
    }
}
