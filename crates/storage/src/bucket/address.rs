//! `Address`: the URL of a bucket and of each object in it, from a stage's location and credentials.

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::error::{BucketError, BucketErrorKind, BucketResult};
use crate::credentials::{Addressing, BucketCredentials};
use crate::endpoints::{Endpoint, Scheme};
use crate::location::{Location, Provider};

/// What both providers' signatures leave as it is in a key, the slash aside.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');
/// The same for a query's names and values.
const QUERY: &AsciiSet = &KEY.add(b'/');

/// Where a bucket is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(super) provider: Provider,
    pub(super) scheme: Scheme,
    /// The endpoint's host, without the bucket: a name, or an address, IPv6 in brackets.
    pub(super) host: String,
    /// None for the scheme's own.
    pub(super) port: Option<u16>,
    pub(super) bucket: String,
    pub(super) addressing: Addressing,
    /// A folder with its slash at the end, or nothing.
    pub(super) prefix: String,
    /// Of the signature; none until it has been found out.
    pub(super) region: Option<String>,
}

impl Address {
    /// Puts location and credentials together.
    ///
    /// # Errors
    /// [`BucketErrorKind::Invalid`], saying what is missing or contradicts what.
    pub(super) fn new(location: &Location, credentials: &BucketCredentials) -> BucketResult<Self> {
        let Location::Bucket {
            provider,
            endpoint,
            bucket,
            prefix,
        } = location
        else {
            return Err(invalid("the location is no bucket; s3:// and oss:// are"));
        };
        credentials.check_provider(*provider)?;
        let bucket =
            one(bucket.as_deref(), credentials.bucket.as_deref(), "bucket")?.ok_or_else(|| {
                invalid("no bucket is named: put it into the URL or into CREDENTIALS as 'bucket'")
            })?;
        let endpoint = one_endpoint(endpoint.as_deref(), credentials.endpoint.as_deref())?;
        let given = credentials.region.clone();
        let (scheme, host, port) = match &endpoint {
            Some(text) => {
                let Endpoint { scheme, host, port } = text.parse()?;
                (scheme, host, port)
            }
            None => (
                Scheme::Https,
                default_host(*provider, given.as_deref())?,
                None,
            ),
        };
        let told = region_of_host(*provider, &host);
        if let (Some(told), Some(given)) = (&told, &given)
            && told != given
        {
            return Err(invalid(&format!(
                "the endpoint '{host}' is in region '{told}', CREDENTIALS say region '{given}'; leave one of them out"
            )));
        }
        let addressing = match credentials.addressing {
            Some(addressing) => addressing,
            None => default_addressing(*provider, &host, bucket),
        };
        check_bucket(bucket, addressing, &host)?;
        Ok(Self {
            provider: *provider,
            scheme,
            port,
            bucket: bucket.to_owned(),
            addressing,
            prefix: prefix
                .as_ref()
                .map(|prefix| format!("{prefix}/"))
                .unwrap_or_default(),
            region: given.or(told),
            host,
        })
    }

    /// Whether the host is Amazon's, which tells the region of a bucket to everyone.
    pub(super) fn is_amazon(&self) -> bool {
        self.provider == Provider::S3 && is_amazon(&self.host)
    }

    /// Amazon's host of no region, which sends requests elsewhere, becomes the one of the known region.
    pub(super) fn settle(&mut self) {
        if self.host == "s3.amazonaws.com"
            && let Ok(host) = default_host(self.provider, self.region.as_deref())
        {
            self.host = host;
        }
    }

    /// `host[:port]` as requests name it: with the bucket before it, where that is how it is addressed.
    pub(super) fn authority(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        match self.addressing {
            Addressing::Virtual => format!("{}.{}{port}", self.bucket, self.host),
            Addressing::Path => format!("{}{port}", self.host),
        }
    }

    /// The endpoint's own URL, as OpenDAL wants it.
    pub(super) fn endpoint(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}", self.scheme.text(), self.host)
    }

    /// The URL of an object, the place's folder put before its key, or of the bucket.
    /// A query's name without a value stands alone.
    pub(super) fn url(&self, key: Option<&str>, query: &[(&str, Option<&str>)]) -> String {
        let path = match key {
            Some(key) => {
                percent_encode(format!("{}{key}", self.prefix).as_bytes(), KEY).to_string()
            }
            None => String::new(),
        };
        let bucket = match self.addressing {
            Addressing::Virtual => String::new(),
            Addressing::Path => format!("/{}", self.bucket),
        };
        let mut url = format!(
            "{}://{}{bucket}/{path}",
            self.scheme.text(),
            self.authority()
        );
        for (index, (name, value)) in query.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.push_str(&percent_encode(name.as_bytes(), QUERY).to_string());
            if let Some(value) = value {
                url.push('=');
                url.push_str(&percent_encode(value.as_bytes(), QUERY).to_string());
            }
        }
        url
    }
}

impl Scheme {
    fn text(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

/// What the URL or the credentials say; both must say the same.
fn one<'a>(
    url: Option<&'a str>,
    credentials: Option<&'a str>,
    what: &str,
) -> BucketResult<Option<&'a str>> {
    match (url, credentials) {
        (Some(url), Some(credentials)) if url != credentials => Err(invalid(&format!(
            "the URL names the {what} '{url}', CREDENTIALS name another; leave one of them out"
        ))),
        (url, credentials) => Ok(url.or(credentials)),
    }
}

/// The endpoint of both; the one with a scheme says more than the one without.
fn one_endpoint(url: Option<&str>, credentials: Option<&str>) -> BucketResult<Option<String>> {
    let host = |text: &str| {
        text.split_once("://")
            .map_or(text, |(_, rest)| rest)
            .trim_end_matches('/')
            .to_lowercase()
    };
    if let (Some(url), Some(credentials)) = (url, credentials) {
        if host(url) != host(credentials) {
            return Err(invalid(
                "the stage's endpoint and the 'endpoint' of CREDENTIALS differ; leave one of them out",
            ));
        }
        return Ok(Some(
            if credentials.contains("://") {
                credentials
            } else {
                url
            }
            .to_owned(),
        ));
    }
    Ok(url.or(credentials).map(str::to_owned))
}

fn default_host(provider: Provider, region: Option<&str>) -> BucketResult<String> {
    match (provider, region) {
        (Provider::S3, Some(region)) if region.starts_with("cn-") => {
            Ok(format!("s3.{region}.amazonaws.com.cn"))
        }
        (Provider::S3, Some(region)) => Ok(format!("s3.{region}.amazonaws.com")),
        (Provider::S3, None) => Ok("s3.amazonaws.com".to_owned()),
        (Provider::Oss, Some(region)) => Ok(format!("oss-{region}.aliyuncs.com")),
        (Provider::Oss, None) => Err(invalid(
            "an OSS bucket needs its 'region' (cn-hangzhou) or 'endpoint' (oss-cn-hangzhou.aliyuncs.com) in CREDENTIALS",
        )),
    }
}

fn is_amazon(host: &str) -> bool {
    [".amazonaws.com", ".amazonaws.com.cn"]
        .iter()
        .any(|domain| host.ends_with(domain))
}

/// The region that a provider's own host names.
fn region_of_host(provider: Provider, host: &str) -> Option<String> {
    let region = match provider {
        Provider::S3 => {
            let name = host
                .strip_suffix(".amazonaws.com")
                .or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
            name.strip_prefix("s3.dualstack.")
                .or_else(|| name.strip_prefix("s3."))?
        }
        Provider::Oss => {
            let name = host.strip_suffix(".aliyuncs.com")?.strip_prefix("oss-")?;
            name.strip_suffix("-internal").unwrap_or(name)
        }
    };
    // `oss-accelerate` and its like are in no region.
    let plain = region.contains('-') && !region.contains('.') && !region.starts_with("accelerate");
    plain.then(|| region.to_owned())
}

fn default_addressing(provider: Provider, host: &str, bucket: &str) -> Addressing {
    let named = host.trim_matches(['[', ']']).parse::<IpAddr>().is_err();
    match provider {
        // A certificate for *.host does not cover a bucket with dots.
        Provider::S3 if is_amazon(host) && !bucket.contains('.') => Addressing::Virtual,
        Provider::S3 => Addressing::Path,
        Provider::Oss if named => Addressing::Virtual,
        Provider::Oss => Addressing::Path,
    }
}

fn check_bucket(bucket: &str, addressing: Addressing, host: &str) -> BucketResult<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let length = 1..=255;
    if !length.contains(&bucket.len())
        || !bucket.bytes().all(plain)
        || bucket.starts_with('.')
        || bucket.contains("..")
    {
        return Err(invalid(
            "the bucket's name has other characters than letters, digits, '-', '.' and '_'",
        ));
    }
    let of_a_host = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
    };
    match addressing {
        Addressing::Path => Ok(()),
        Addressing::Virtual if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() => {
            Err(invalid(&format!(
                "the endpoint '{host}' is an address, before which no bucket's name can stand; set 'addressing_style' = 'path'"
            )))
        }
        Addressing::Virtual
            if bucket.len() > 63
                || !bucket.bytes().all(of_a_host)
                || bucket.starts_with('-')
                || bucket.ends_with(['-', '.']) =>
        {
            Err(invalid(&format!(
                "the bucket's name '{bucket}' cannot stand in a host's name; set 'addressing_style' = 'path'"
            )))
        }
        Addressing::Virtual => Ok(()),
    }
}

fn invalid(why: &str) -> BucketError {
    BucketError::new(BucketErrorKind::Invalid, why)
}
