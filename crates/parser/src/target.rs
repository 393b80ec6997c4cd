//! [`Target`]: what the literal after INTO OUTFILE means.
//! Both spellings of a stage path are known: `stage://name/path` and the older `name:/path`.

use std::fmt;

use crate::lexer::{is_word_part, is_word_start};

/// Where an export goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A path in a stage.
    Stage {
        /// The stage's name, in lower case; never empty.
        name: String,
        /// The path in it, without its first `/`; not checked for anything.
        path: String,
    },
    /// A URL of a scheme that stages know, too.
    Url {
        /// The scheme.
        scheme: Scheme,
        /// What stands behind `://`.
        rest: String,
    },
    /// Anything else: a path of the server, or nonsense.
    Raw(String),
}

/// The scheme of a [`Target::Url`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `file://`.
    File,
    /// `s3://`.
    S3,
    /// `oss://`.
    Oss,
}

impl Scheme {
    const ALL: &[Scheme] = &[Scheme::File, Scheme::S3, Scheme::Oss];

    /// The scheme's name, without `://`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::S3 => "s3",
            Self::Oss => "oss",
        }
    }
}

/// Words before a `:` that no stage path of the older form begins with: somebody means a URL.
const SCHEMES: &[&str] = &[
    "stage", "file", "s3", "s3a", "s3n", "oss", "http", "https", "ftp", "hdfs", "minio", "cos",
    "gs", "gcs", "az", "azure", "abfs",
];

impl Target {
    /// Takes `text`, a literal's value, apart. What is neither a stage path nor a known URL is
    /// [`Target::Raw`], also `stage://` without a name.
    pub fn parse(text: &str) -> Self {
        if let Some(rest) = strip_scheme(text, "stage") {
            let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
            return Self::stage(name, path).unwrap_or_else(|| Self::Raw(text.to_owned()));
        }
        for scheme in Scheme::ALL {
            if let Some(rest) = strip_scheme(text, scheme.as_str()) {
                return Self::Url {
                    scheme: *scheme,
                    rest: rest.to_owned(),
                };
            }
        }
        let Some((name, path)) = text.split_once(':') else {
            return Self::Raw(text.to_owned());
        };
        let is_name = name.bytes().all(is_word_part) && name.bytes().any(is_word_start);
        let is_scheme = SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(name));
        if !is_name || is_scheme || path.starts_with("//") {
            return Self::Raw(text.to_owned());
        }
        Self::stage(name, path.strip_prefix('/').unwrap_or(path))
            .unwrap_or_else(|| Self::Raw(text.to_owned()))
    }

    fn stage(name: &str, path: &str) -> Option<Self> {
        (!name.is_empty()).then(|| Self::Stage {
            name: name.to_lowercase(),
            path: path.to_owned(),
        })
    }
}

/// The canonical text, which [`Target::parse`] reads back.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage { name, path } => write!(f, "stage://{name}/{path}"),
            Self::Url { scheme, rest } => write!(f, "{}://{rest}", scheme.as_str()),
            Self::Raw(text) => f.write_str(text),
        }
    }
}

/// Whether `text` begins with `stage://`, in any case.
pub(crate) fn is_stage_url(text: &str) -> bool {
    strip_scheme(text, "stage").is_some()
}

/// Whether `text` is a URL, `scheme://…`, with a user or a password before its host. A stage's
/// name is no host.
pub(crate) fn has_user_info_after_scheme(text: &str) -> bool {
    let rest = text.split_once("://").map(|(_, rest)| rest);
    !is_stage_url(text) && rest.is_some_and(has_user_info)
}

/// The same of an endpoint, whose scheme may be left out.
pub(crate) fn endpoint_has_user_info(text: &str) -> bool {
    has_user_info(text.split_once("://").map_or(text, |(_, rest)| rest))
}

/// Whether `text`, from a host on, has a user or a password before that: an `@` before the first
/// `/`, or a `:` there without a port behind it. The `@` may come later, as secrets hold slashes,
/// or may have been forgotten.
pub(crate) fn has_user_info(text: &str) -> bool {
    let host = text.split(['/', '?', '#']).next().unwrap_or(text);
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    // An IPv6 address is full of colons.
    let named = !host.starts_with('[');
    host.contains('@') || named && host.split(':').skip(1).any(|port| !is_port(port))
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (found, rest) = text.split_once("://")?;
    found.eq_ignore_ascii_case(scheme).then_some(rest)
}
