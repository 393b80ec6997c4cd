//! Removing many objects in one request, and what the store says of each that it did not remove. OpenDAL has the
//! call, and gives of its answer one error, in the store's own words.

use std::collections::HashSet;
use std::fmt::Write as _;

use base64::Engine;
use bytes::Bytes;
use http::Method;
use md5::{Digest, Md5};
use serde::Deserialize;

use super::answer;
use super::error::{BucketError, BucketErrorKind, BucketResult};
use super::requests::{Call, Requests};
use super::retry::Again;

/// Objects of one request, by the contract of both providers.
pub(super) const REMOVED_AT_ONCE_MAX: usize = 1000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Removed {
    #[serde(rename = "Deleted")]
    deleted: Vec<Deleted>,
    #[serde(rename = "Error")]
    errors: Vec<Failed>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Deleted {
    key: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    key: String,
    #[serde(default)]
    code: String,
}

/// Removes objects, [`REMOVED_AT_ONCE_MAX`] at most, whose keys are relative to the place; gives those that are not
/// removed, in their order, and why. One that is not there is removed.
///
/// # Errors
/// The store's, when it says nothing of any single one.
pub(super) async fn delete_all(
    requests: &Requests,
    keys: &[&str],
) -> BucketResult<Vec<(String, BucketError)>> {
    let prefix = &requests.address.prefix;
    let body = document(prefix, keys);
    let digest = base64::engine::general_purpose::STANDARD.encode(Md5::digest(body.as_bytes()));
    let mut call = Call {
        method: Method::POST,
        query: vec![("delete", None)],
        body: Bytes::from(body),
        ..Call::default()
    };
    call.header("content-type", "application/xml")?;
    call.header("content-md5", &digest)?;
    let what = format!("remove {} files", keys.len());
    let answer = requests
        .retry
        .run(Again::Whatever, || requests.once(&call))
        .await
        .map_err(|error| error.during(&what))?;
    let text = String::from_utf8_lossy(answer.body());
    let removed: Removed = quick_xml::de::from_str(text.trim_start()).map_err(|_| {
        let text = "the store's answer is not the document that was due";
        BucketError::new(BucketErrorKind::Invalid, text).during(&what)
    })?;
    Ok(left(prefix, keys, &removed))
}

/// What the answer does not call removed. OSS says nothing of those, S3 says why.
fn left(prefix: &str, keys: &[&str], removed: &Removed) -> Vec<(String, BucketError)> {
    let deleted: HashSet<&str> = removed
        .deleted
        .iter()
        .map(|object| object.key.as_str())
        .collect();
    let mut left = Vec::new();
    for key in keys {
        let whole = format!("{prefix}{key}");
        let failed = removed.errors.iter().find(|failed| failed.key == whole);
        let error = match failed {
            Some(failed) => answer::of_one(&failed.code),
            None if deleted.contains(whole.as_str()) => continue,
            None => BucketError::new(
                BucketErrorKind::Server,
                "the store did not remove it, and does not say why; check the key's rights",
            ),
        };
        left.push(((*key).to_owned(), error));
    }
    left
}

/// The request's document: every object of it is answered for.
fn document(prefix: &str, keys: &[&str]) -> String {
    let mut text = String::from("<Delete><Quiet>false</Quiet>");
    for key in keys {
        let key = format!("{prefix}{key}");
        let key = quick_xml::escape::escape(key.as_str());
        // Into a String: this cannot fail.
        let _ = write!(text, "<Object><Key>{key}</Key></Object>");
    }
    text.push_str("</Delete>");
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn left_of(answer: &str) -> Vec<(String, String)> {
        let removed: Removed = quick_xml::de::from_str(answer).unwrap();
        let left = left("p/", &["a&b.csv", "c.csv", "d.csv"], &removed);
        left.into_iter()
            .map(|(key, error)| (key, error.to_string()))
            .collect()
    }

    #[test]
    fn the_document_names_whole_keys() {
        assert_eq!(
            document("p/", &["a&b.csv"]),
            "<Delete><Quiet>false</Quiet><Object><Key>p/a&amp;b.csv</Key></Object></Delete>"
        );
    }

    #[test]
    fn what_is_not_called_removed_is_left() {
        let all = "<DeleteResult><Deleted><Key>p/c.csv</Key></Deleted><Deleted><Key>p/a&amp;b.csv</Key></Deleted>\
                   <Deleted><Key>p/d.csv</Key><VersionId>1</VersionId></Deleted></DeleteResult>";
        assert_eq!(left_of(all), []);

        let some = "<DeleteResult><Deleted><Key>p/a&amp;b.csv</Key></Deleted>\
                    <Error><Key>p/c.csv</Key><Code>AccessDenied</Code><Message>no</Message></Error>\
                    <Deleted><Key>p/x.csv</Key></Deleted></DeleteResult>";
        let left = left_of(some);
        assert_eq!(left.len(), 2);
        assert_eq!(left[0].0, "c.csv");
        assert!(
            left[0].1.starts_with("the access key may not do that"),
            "{left:?}"
        );
        assert!(!left[0].1.contains("status"), "{left:?}");
        assert_eq!(left[1].0, "d.csv");
        assert!(left[1].1.contains("does not say why"), "{left:?}");

        assert_eq!(left_of("<DeleteResult/>").len(), 3);
    }
}
