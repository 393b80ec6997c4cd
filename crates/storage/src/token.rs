//! `Token`: how a place names a draft, in bytes that a caller keeps and does not look into.
//! The bytes are a persisted format: they carry a version, and older ones stay readable.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

const VERSION: u32 = 1;

/// Names a draft of a place; from [`Draft::token_to_record`](crate::Draft::token_to_record) on, and after
/// [`Draft::finish`](crate::Draft::finish) with all that publishing it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(pub(crate) TokenKind);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TokenKind {
    /// `.stagedoor/{work}/{name}` in a folder, or in memory.
    File {
        work: String,
        name: String,
        /// What was finished; none for a draft that is being written, or was recorded by an older version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        identity: Option<Identity>,
    },
    /// A multipart upload of a bucket.
    Upload {
        /// The object's key, relative to the place.
        key: String,
        upload_id: String,
        /// The parts of a finished draft, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parts: Vec<UploadedPart>,
    },
}

/// Tells a file of a file system from any other that may get its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) inode: u64,
    pub(crate) bytes: u64,
    /// Nanoseconds since 1970.
    pub(crate) modified_ns: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UploadedPart {
    pub(crate) number: u32,
    pub(crate) etag: String,
    pub(crate) bytes: u64,
    /// The part's CRC-64, where the store has one: NVME's polynomial at S3, ECMA's at OSS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) crc64: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    v: u32,
    draft: T,
}

impl Token {
    /// The bytes to keep. They hold no secret.
    pub fn to_bytes(&self) -> Vec<u8> {
        let versioned = Versioned {
            v: VERSION,
            draft: &self.0,
        };
        // Strings and numbers only: this cannot fail.
        serde_json::to_vec(&versioned).unwrap_or_default()
    }

    /// Whether both name the same draft, whatever else they know of it, and whatever stage each goes by: an upload's
    /// id is its bucket's.
    pub fn is_same_draft(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (TokenKind::Upload { upload_id: id, .. }, TokenKind::Upload { upload_id, .. }) => {
                id == upload_id
            }
            (
                TokenKind::File { work, name, .. },
                TokenKind::File {
                    work: of,
                    name: called,
                    ..
                },
            ) => work == of && name == called,
            (TokenKind::Upload { .. } | TokenKind::File { .. }, _) => false,
        }
    }

    /// What [`Token::to_bytes`] gave, of this or an older version.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let refused = |why: String| {
            Error::new(
                ErrorKind::Invalid,
                format!("a draft's token cannot be read: {why}"),
            )
        };
        let versioned: Versioned<TokenKind> =
            serde_json::from_slice(bytes).map_err(|e| refused(e.to_string()))?;
        match versioned.v {
            VERSION => Ok(Self(versioned.draft)),
            other => Err(refused(format!(
                "it is of version {other}; this program reads version {VERSION}"
            ))),
        }
    }

    /// The error for a token that a place of another kind gave.
    pub(crate) fn of_another_place(&self) -> Error {
        Error::new(
            ErrorKind::Invalid,
            "the draft is of another kind of place than this one",
        )
    }

    /// File number `index` of `work` in a folder, as versions before tokens recorded it.
    pub fn of_file(work: &str, index: u32) -> Self {
        Self(TokenKind::File {
            work: work.to_owned(),
            name: index.to_string(),
            identity: None,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// What was written once is read for ever.
    #[test]
    fn the_bytes_are_frozen() {
        let file = |identity| {
            Token(TokenKind::File {
                work: "w".to_owned(),
                name: "0".to_owned(),
                identity,
            })
        };
        let identity = Identity {
            inode: 1,
            bytes: 2,
            modified_ns: -3,
        };
        let upload = |parts| {
            Token(TokenKind::Upload {
                key: "p/a.csv".to_owned(),
                upload_id: "u".to_owned(),
                parts,
            })
        };
        let parts = vec![
            UploadedPart {
                number: 1,
                etag: "\"e\"".to_owned(),
                bytes: 8,
                crc64: Some(u64::MAX),
            },
            UploadedPart {
                number: 2,
                etag: "f".to_owned(),
                bytes: 0,
                crc64: None,
            },
        ];
        for (token, frozen) in [
            (
                file(None),
                r#"{"v":1,"draft":{"file":{"work":"w","name":"0"}}}"#,
            ),
            (
                file(Some(identity)),
                r#"{"v":1,"draft":{"file":{"work":"w","name":"0","identity":{"inode":1,"bytes":2,"modified_ns":-3}}}}"#,
            ),
            (
                upload(Vec::new()),
                r#"{"v":1,"draft":{"upload":{"key":"p/a.csv","upload_id":"u"}}}"#,
            ),
            (
                upload(parts),
                r#"{"v":1,"draft":{"upload":{"key":"p/a.csv","upload_id":"u","parts":[{"number":1,"etag":"\"e\"","bytes":8,"crc64":18446744073709551615},{"number":2,"etag":"f","bytes":0}]}}}"#,
            ),
        ] {
            assert_eq!(String::from_utf8(token.to_bytes()).unwrap(), frozen);
            assert_eq!(Token::from_bytes(frozen.as_bytes()).unwrap(), token);
        }
        assert_eq!(Token::of_file("w", 0), file(None));
    }

    #[test]
    fn other_bytes_are_refused() {
        for bytes in [
            "",
            "{}",
            r#"{"v":2,"draft":{"file":{"work":"w","name":"0"}}}"#,
        ] {
            let error = Token::from_bytes(bytes.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{bytes}");
        }
    }
}
