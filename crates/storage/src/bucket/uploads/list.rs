//! Listing uploads that are neither completed nor aborted: what a crash left behind.

use std::collections::VecDeque;
use std::time::SystemTime;

use futures::Stream;
use serde::Deserialize;

use super::{UploadId, Uploads, document};
use crate::bucket::error::BucketResult;
use crate::bucket::requests::Call;
use crate::bucket::retry::Again;

/// An upload that is under way, or was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenUpload {
    /// Of the object it would make, relative to the place.
    pub key: String,
    /// Its id.
    pub id: UploadId,
    /// When it was begun, by the store's clock, if it says so.
    pub initiated: Option<SystemTime>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Page {
    #[serde(rename = "Upload")]
    uploads: Vec<Entry>,
    is_truncated: bool,
    next_key_marker: String,
    next_upload_id_marker: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    key: String,
    upload_id: String,
    initiated: Option<String>,
}

/// Where a list goes on.
struct Cursor {
    key_marker: String,
    id_marker: String,
    entries: VecDeque<OpenUpload>,
    done: bool,
}

impl Uploads {
    /// The open uploads of keys that begin with `prefix` (relative to the place), a request a page.
    /// Ends after an error, which is the store's.
    pub fn list(
        &self,
        prefix: &str,
    ) -> impl Stream<Item = BucketResult<OpenUpload>> + Send + 'static {
        let prefix = format!("{}{prefix}", self.requests.address.prefix);
        let begin = Cursor {
            key_marker: String::new(),
            id_marker: String::new(),
            entries: VecDeque::new(),
            done: false,
        };
        let uploads = self.clone();
        futures::stream::try_unfold(begin, move |mut cursor| {
            let (uploads, prefix) = (uploads.clone(), prefix.clone());
            async move {
                loop {
                    if let Some(entry) = cursor.entries.pop_front() {
                        return Ok(Some((entry, cursor)));
                    }
                    if cursor.done {
                        return Ok(None);
                    }
                    uploads.page(&prefix, &mut cursor).await?;
                }
            }
        })
    }

    /// Keys come as they are: stores differ in what the encoding that can be asked for makes of a plus sign,
    /// and no key of ours has what XML cannot hold.
    async fn page(&self, prefix: &str, cursor: &mut Cursor) -> BucketResult<()> {
        let mut query = vec![
            ("uploads", None),
            ("prefix", Some(prefix)),
            ("max-uploads", Some("1000")),
        ];
        if !cursor.key_marker.is_empty() {
            query.push(("key-marker", Some(cursor.key_marker.as_str())));
            query.push(("upload-id-marker", Some(cursor.id_marker.as_str())));
        }
        let call = Call {
            query,
            ..Call::default()
        };
        let answer = self
            .requests
            .retry
            .run(Again::Whatever, || self.requests.once(&call))
            .await
            .map_err(|error| error.during("list the open uploads"))?;
        let page: Page = document(answer.body())?;
        let own = self.requests.address.prefix.as_str();
        for entry in page.uploads {
            let key = entry.key;
            // A store that knows no prefixes here lists all of the bucket's; the others' are not ours.
            if !key.starts_with(prefix) {
                continue;
            }
            let Some(key) = key.strip_prefix(own) else {
                continue;
            };
            cursor.entries.push_back(OpenUpload {
                key: key.to_owned(),
                id: UploadId(entry.upload_id),
                initiated: entry.initiated.as_deref().and_then(time),
            });
        }
        let next = page.next_key_marker;
        // A page that leads nowhere new would be asked for ever.
        let stands = next.is_empty()
            || (next == cursor.key_marker && page.next_upload_id_marker == cursor.id_marker);
        cursor.done = !page.is_truncated || stands;
        cursor.key_marker = next;
        cursor.id_marker = page.next_upload_id_marker;
        Ok(())
    }
}

fn time(text: &str) -> Option<SystemTime> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.into())
}
