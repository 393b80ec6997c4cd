//! `Location`: where a place is, from the URL forms of CREATE STAGE.
//! S3 and OSS locations are understood here already; the services behind them are not built in yet.

use std::fmt;
use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};
use crate::path::ObjectPath;

/// Whose object storage a bucket is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Amazon S3, or a server that speaks its protocol.
    S3,
    /// Aliyun OSS.
    Oss,
}

/// A parsed stage URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder of the server's file system. `prefix` is walked without following symbolic links.
    Folder {
        /// Absolute; its own symbolic links are the operator's, and are followed.
        root: PathBuf,
        /// A folder below `root`, for sub-stages.
        prefix: Option<ObjectPath>,
    },
    /// A bucket of an object storage.
    Bucket {
        /// Which protocol it speaks.
        provider: Provider,
        /// Host, when the URL names one, such as `oss-cn-hangzhou.aliyuncs.com`.
        endpoint: Option<String>,
        /// Bucket, when the URL names one.
        bucket: Option<String>,
        /// A folder in the bucket.
        prefix: Option<ObjectPath>,
    },
    /// A folder of another stage: `stage://parent/prefix`.
    SubStage {
        /// The parent stage's name, in lower case.
        parent: String,
        /// A folder of it.
        prefix: Option<ObjectPath>,
    },
    /// The memory of this process, by name; for tests. It has no URL form.
    Memory(String),
}

impl Location {
    /// Parses `'/folder'`, `'file:///folder'`, `'s3://bucket/prefix/'`, `'oss://bucket/prefix/'` or
    /// `'stage://parent/prefix/'`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]; for an unknown protocol with MatrixOne's text (code 20300 there).
    pub fn parse(url: &str) -> Result<Self> {
        if let Some((scheme, rest)) = url.split_once("://")
            && scheme != "stage"
            && has_user_info(rest)
        {
            return Err(user_info());
        }
        if let Some(path) = url.strip_prefix("file://") {
            return Self::folder(url, path);
        }
        if let Some(rest) = url.strip_prefix("s3://") {
            return Self::bucket(url, Provider::S3, rest);
        }
        if let Some(rest) = url.strip_prefix("oss://") {
            return Self::bucket(url, Provider::Oss, rest);
        }
        if let Some(rest) = url.strip_prefix("stage://") {
            let (parent, prefix) = split_prefix(url, rest)?;
            if parent.is_empty() {
                return Err(invalid(url, "it names no stage"));
            }
            return Ok(Self::SubStage {
                parent: parent.to_lowercase(),
                prefix,
            });
        }
        if url.starts_with('/') {
            return Self::folder(url, url);
        }
        Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "URL protocol only supports stage://, s3://, oss:// and file:/// (or an absolute path), not '{}'",
                shown(url)
            ),
        ))
    }

    /// The form `"endpoint" = 'host[/bucket[/prefix]]'` of the original CREATE STAGE document.
    /// `provider` is the credentials' `provider`, needed where the host's name does not tell.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when the host is empty, or tells nothing and `provider` does neither.
    pub fn parse_endpoint(text: &str, provider: Option<&str>) -> Result<Self> {
        if has_user_info(text.split_once("://").map_or(text, |(_, rest)| rest)) {
            return Err(user_info());
        }
        let (host, rest) = text.split_once('/').unwrap_or((text, ""));
        if host.is_empty() || host.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(invalid(text, "it begins with no host name"));
        }
        let provider = match provider.map(str::to_lowercase).as_deref() {
            Some("amazon" | "minio" | "cos") => Provider::S3,
            Some("aliyun") => Provider::Oss,
            Some(other) => {
                return Err(invalid(
                    text,
                    &format!(
                        "provider '{}' is not one of amazon, minio, aliyun, cos",
                        shown(other)
                    ),
                ));
            }
            None if host.starts_with("s3.") && host.contains("amazonaws.com") => Provider::S3,
            None if host.starts_with("oss-") && host.contains("aliyuncs.com") => Provider::Oss,
            None => {
                return Err(invalid(
                    text,
                    "the host does not tell the provider: set CREDENTIALS = {'provider' = 'amazon' | 'minio' | 'aliyun' | 'cos'}",
                ));
            }
        };
        let (bucket, prefix) = split_prefix(text, rest)?;
        let bucket = (!bucket.is_empty()).then(|| bucket.to_owned());
        Ok(Self::Bucket {
            provider,
            endpoint: Some(host.to_owned()),
            bucket,
            prefix,
        })
    }

    fn folder(url: &str, path: &str) -> Result<Self> {
        if !path.starts_with('/') {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "URL protocol only supports stage://, s3://, oss:// and file:///: '{}' does not begin with file:///",
                    shown(url)
                ),
            ));
        }
        let trimmed = path.trim_matches('/');
        if !trimmed.is_empty() {
            // The same rules as for a file within: what is refused there is refused here.
            let squeezed: Vec<&str> = trimmed.split('/').filter(|part| !part.is_empty()).collect();
            ObjectPath::parse(&squeezed.join("/"))?;
            return Ok(Self::Folder {
                root: PathBuf::from(format!("/{}", squeezed.join("/"))),
                prefix: None,
            });
        }
        Ok(Self::Folder {
            root: PathBuf::from("/"),
            prefix: None,
        })
    }

    fn bucket(url: &str, provider: Provider, rest: &str) -> Result<Self> {
        let (bucket, prefix) = split_prefix(url, rest)?;
        if bucket.is_empty() {
            return Err(invalid(url, "it names no bucket"));
        }
        Ok(Self::Bucket {
            provider,
            endpoint: None,
            bucket: Some(bucket.to_owned()),
            prefix,
        })
    }

    /// This place's folder `below`.
    #[must_use]
    pub fn join(&self, below: &ObjectPath) -> Self {
        let mut joined = self.clone();
        match &mut joined {
            Self::Folder { prefix, .. }
            | Self::Bucket { prefix, .. }
            | Self::SubStage { prefix, .. } => {
                *prefix = Some(match prefix.as_ref() {
                    Some(above) => above.join(below),
                    None => below.clone(),
                });
            }
            Self::Memory(name) => *name = format!("{name}/{below}"),
        }
        joined
    }
}

impl fmt::Display for Location {
    /// The canonical URL; holds no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { root, prefix: None } => write!(f, "file://{}", root.display()),
            Self::Folder {
                root,
                prefix: Some(prefix),
            } => write!(
                f,
                "file://{}/{prefix}",
                root.display().to_string().trim_end_matches('/')
            ),
            Self::Bucket {
                provider,
                endpoint,
                bucket,
                prefix,
            } => {
                let scheme = match provider {
                    Provider::S3 => "s3",
                    Provider::Oss => "oss",
                };
                write!(f, "{scheme}://")?;
                let parts = [
                    endpoint.as_deref(),
                    bucket.as_deref(),
                    prefix.as_ref().map(ObjectPath::as_str),
                ];
                let parts: Vec<&str> = parts.into_iter().flatten().collect();
                f.write_str(&parts.join("/"))
            }
            Self::SubStage {
                parent,
                prefix: None,
            } => write!(f, "stage://{parent}"),
            Self::SubStage {
                parent,
                prefix: Some(prefix),
            } => write!(f, "stage://{parent}/{prefix}"),
            Self::Memory(name) => write!(f, "memory://{name}"),
        }
    }
}

/// `host/prefix/` → host and the prefix, double and trailing slashes forgiven as MatrixOne does.
fn split_prefix<'a>(url: &str, rest: &'a str) -> Result<(&'a str, Option<ObjectPath>)> {
    if rest.contains(['?', '#']) {
        return Err(invalid(url, "it has a query or fragment"));
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Ok((host, None));
    }
    Ok((host, Some(ObjectPath::parse(&parts.join("/"))?)))
}

/// Whether what follows `scheme://` has a user or a password before its host: an `@` before the first `/`, or
/// a `:` there without a port behind it, as the secret may hold slashes.
fn has_user_info(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    // An IPv6 address is full of colons.
    let named = !host.starts_with('[');
    host.contains('@') || named && host.split(':').skip(1).any(|port| !is_port(port))
}

/// Quotes nothing: what it would quote is a secret.
fn user_info() -> Error {
    Error::new(
        ErrorKind::Invalid,
        "a stage URL holds no user and no password; they belong in CREDENTIALS",
    )
}

fn invalid(url: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("stage URL '{}' is not valid: {why}", shown(url)),
    )
}

fn shown(text: &str) -> String {
    text.chars()
        .take(200)
        .flat_map(char::escape_default)
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_user_or_password_is_refused_and_not_quoted() {
        for url in [
            "s3://KEY:planted@bucket/p/",
            "s3://planted@bucket",
            "s3://KEY:pl/planted+x=@bucket/p/",
            "oss://KEY:planted@bucket",
            "https://KEY:planted@host/b",
            "file://KEY:planted@/folder",
        ] {
            let error = Location::parse(url).unwrap_err();
            assert!(error.to_string().contains("CREDENTIALS"), "{url}: {error}");
            assert!(!error.to_string().contains("planted"), "{url}: {error}");
        }
        for text in ["KEY:planted@s3.amazonaws.com/b", "https://KEY:planted@h/b"] {
            let error = Location::parse_endpoint(text, Some("minio")).unwrap_err();
            assert!(!error.to_string().contains("planted"), "{text}: {error}");
        }
        assert!(Location::parse_endpoint("minio:9000/b", Some("minio")).is_ok());
    }

    #[test]
    fn parses_and_prints_every_form() {
        for (url, canonical) in [
            ("/tmp", "file:///tmp"),
            ("/", "file:///"),
            ("/tmp//a/", "file:///tmp/a"),
            ("file:///tmp/a b", "file:///tmp/a b"),
            ("s3://bucket/pre/fix/", "s3://bucket/pre/fix"),
            ("oss://bucket", "oss://bucket"),
            ("stage://Parent//sub/", "stage://parent/sub"),
        ] {
            let location = Location::parse(url).unwrap();
            assert_eq!(location.to_string(), canonical);
            assert_eq!(Location::parse(canonical).unwrap(), location);
        }
    }

    #[test]
    fn refuses_what_is_no_place() {
        for url in [
            "",
            "tmp",
            "./tmp",
            "file://tmp",
            "http://x/y",
            "s3://",
            "s3:///x",
            "stage://",
            "stage:///x",
            "/a/../b",
            "/a/%2e%2e",
            "s3://b/../c",
            "s3://b/p?x=1",
            "S3://b",
        ] {
            assert_eq!(
                Location::parse(url).unwrap_err().kind(),
                ErrorKind::Invalid,
                "{url}"
            );
        }
    }

    #[test]
    fn endpoints_tell_their_provider_or_are_told() {
        let parse = |text, provider| {
            Location::parse_endpoint(text, provider).map(|location| location.to_string())
        };
        assert_eq!(
            parse("s3.us-west-2.amazonaws.com/b/p", None).unwrap(),
            "s3://s3.us-west-2.amazonaws.com/b/p"
        );
        assert_eq!(
            parse("oss-cn-hangzhou.aliyuncs.com", None).unwrap(),
            "oss://oss-cn-hangzhou.aliyuncs.com"
        );
        assert_eq!(
            parse("minio.example.com/b", Some("MinIO")).unwrap(),
            "s3://minio.example.com/b"
        );
        assert!(parse("minio.example.com/b", None).is_err());
        assert!(parse("minio.example.com/b", Some("azure")).is_err());
        assert!(parse("", Some("minio")).is_err());
        assert!(parse("user@host/b", Some("minio")).is_err());
    }

    #[test]
    fn joins_below() {
        let sub = ObjectPath::parse("x/y").unwrap();
        assert_eq!(
            Location::parse("/tmp").unwrap().join(&sub).to_string(),
            "file:///tmp/x/y"
        );
        assert_eq!(
            Location::parse("s3://b/p").unwrap().join(&sub).to_string(),
            "s3://b/p/x/y"
        );
    }
}
