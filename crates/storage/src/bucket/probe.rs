//! VALIDATE STAGE on a bucket: one request that tells whether anything else makes sense, and then each thing that
//! exports and readers do, much of it at once, on keys below the reserved directory.

mod objects;

use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use http::HeaderMap;

use super::Bucket;
use super::address::Address;
use super::answer;
use super::dialect::text;
use super::error::{BucketError, BucketErrorKind, BucketResult};
use super::requests::Call;
use super::retry::{Again, Retry};
use super::uploads::Uploads;
use crate::credentials::Addressing;
use crate::endpoints::Scheme;
use crate::error::Result;
use crate::location::Provider;
use crate::validation::{Capability, Check, Probe, Validation};

use objects::Objects;

/// Whoever validates waits for the answer.
const QUICK: Retry = Retry {
    tries: 3,
    first_pause: Duration::from_millis(200),
    longest_pause: Duration::from_secs(2),
    budget: Duration::from_secs(10),
};
/// Stores refuse requests whose time is farther off.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(15 * 60);
const CLOCKS_APART_FINE: Duration = Duration::from_secs(60);

/// All that is tried, in the order in which it is told; all but the first once the store has answered.
const ALL: [Check; 17] = [
    Check::Connection,
    Check::Tls,
    Check::Clock,
    Check::Addressing,
    Check::Credentials,
    Check::Expiry,
    Check::Versioning,
    Check::Write,
    Check::Read,
    Check::List,
    Check::ConditionalWrite,
    Check::Multipart,
    Check::ConditionalCreate,
    Check::Overwrite,
    Check::Abort,
    Check::Delete,
    Check::Cleanup,
];

impl Bucket {
    pub(super) async fn try_all(&self, probe: &Probe) -> Result<Validation> {
        let mut found = Validation::default();
        let uploads = self.uploads.with_retry(QUICK);
        if let Err(why) = reach(&uploads, probe, &mut found).await {
            found.skip_rest(&ALL, why);
            found.in_order_of(&ALL);
            return Ok(found);
        }
        Objects {
            uploads,
            operator: self.operator.clone(),
            probe,
        }
        .try_all(&mut found)
        .await?;
        found.in_order_of(&ALL);
        Ok(found)
    }
}

/// Asks for an empty list: whatever the answer is, its head tells of connection, clock and keys.
///
/// # Errors
/// Why there is no sense in going on.
async fn reach(
    uploads: &Uploads,
    probe: &Probe,
    found: &mut Validation,
) -> std::result::Result<(), &'static str> {
    let address = uploads.address();
    let prefix = format!("{}{}/", address.prefix, probe.shown());
    let call = Call {
        query: vec![
            ("list-type", Some("2")),
            ("max-keys", Some("1")),
            ("prefix", Some(&prefix)),
        ],
        ..Call::default()
    };
    let begun = Instant::now();
    let requests = uploads.requests();
    let answer = requests
        .retry
        .run(Again::Whatever, || requests.answer(&call))
        .await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            found.failed(
                check_of(error.kind()),
                error.to_string(),
                advice(error.kind()),
            );
            return Err("the store could not be reached");
        }
    };
    found.ok(
        Check::Connection,
        format!(
            "{} answered in {} ms",
            address.authority(),
            begun.elapsed().as_millis()
        ),
    );
    tell_tls(address, found);
    tell_clock(answer.headers(), SystemTime::now(), found);
    tell_addressing(address, found);
    tell_expiry(uploads, found);
    match answer::check(answer.status(), answer.headers(), answer.body()) {
        Ok(()) => found.ok(Check::Credentials, "the store takes the keys"),
        // Of one right only; the others are tried.
        Err(error) if *error.kind() == BucketErrorKind::AccessDenied => found.ok(
            Check::Credentials,
            "the store takes the keys, though not for listing",
        ),
        Err(error) => {
            found.failed(Check::Credentials, error.to_string(), advice(error.kind()));
            return Err("the store does not take the keys, or has no such bucket");
        }
    }
    Ok(())
}

fn check_of(kind: &BucketErrorKind) -> Check {
    match kind {
        BucketErrorKind::Tls => Check::Tls,
        BucketErrorKind::NotPermitted
        | BucketErrorKind::Dns
        | BucketErrorKind::Connect
        | BucketErrorKind::TimedOut
        | BucketErrorKind::Interrupted
        | BucketErrorKind::SlowDown
        | BucketErrorKind::Server
        | BucketErrorKind::Redirected => Check::Connection,
        BucketErrorKind::Invalid
        | BucketErrorKind::AlreadyExists
        | BucketErrorKind::Conflict
        | BucketErrorKind::NoSuchUpload
        | BucketErrorKind::NotFound
        | BucketErrorKind::NoSuchBucket
        | BucketErrorKind::AccessDenied
        | BucketErrorKind::UnknownKey
        | BucketErrorKind::WrongSignature
        | BucketErrorKind::ExpiredToken
        | BucketErrorKind::ClockSkew
        | BucketErrorKind::WrongRegion(_)
        | BucketErrorKind::Archived
        | BucketErrorKind::EncryptionKey
        | BucketErrorKind::StorageClass
        | BucketErrorKind::Full
        | BucketErrorKind::Corrupted
        | BucketErrorKind::Unsupported
        | BucketErrorKind::Ambiguous => Check::Credentials,
    }
}

/// What to do; the error's own text says what to change in the stage where that is it.
fn advice(kind: &BucketErrorKind) -> &'static str {
    match kind {
        BucketErrorKind::NotPermitted => {
            "name a public endpoint over https, or have the operator add this one to endpoints.allow"
        }
        BucketErrorKind::Dns => "check the endpoint's name, and this machine's resolver",
        BucketErrorKind::Connect
        | BucketErrorKind::TimedOut
        | BucketErrorKind::Interrupted
        | BucketErrorKind::Redirected => {
            "check the endpoint, its port, and what is between this machine and it"
        }
        BucketErrorKind::Tls => {
            "name the endpoint as its certificate does, and have this machine trust who signed it"
        }
        BucketErrorKind::ClockSkew => "set this machine's clock right (NTP)",
        BucketErrorKind::SlowDown | BucketErrorKind::Server => {
            "validate again later; if it stays so, ask whoever runs the store"
        }
        BucketErrorKind::NoSuchBucket => "make the bucket, or set the right one in the stage's URL",
        BucketErrorKind::AccessDenied => "give the access key the right to do it",
        BucketErrorKind::WrongRegion(_) => "set 'region' in the stage's CREDENTIALS",
        BucketErrorKind::UnknownKey
        | BucketErrorKind::WrongSignature
        | BucketErrorKind::ExpiredToken => {
            "set new CREDENTIALS: ALTER STAGE … SET CREDENTIALS = {…}"
        }
        BucketErrorKind::Unsupported => "this store has no such operation; nothing is to be done",
        BucketErrorKind::Archived | BucketErrorKind::StorageClass => "set another 'storage_class'",
        BucketErrorKind::EncryptionKey => "set another 'kms_key_id', or let the access key use it",
        BucketErrorKind::Full => "make room in the store, or raise the bucket's quota",
        BucketErrorKind::Corrupted => {
            "do not use this stage before it is known where the bytes are changed"
        }
        BucketErrorKind::Invalid
        | BucketErrorKind::AlreadyExists
        | BucketErrorKind::Conflict
        | BucketErrorKind::NoSuchUpload
        | BucketErrorKind::NotFound
        | BucketErrorKind::Ambiguous => {
            "check the endpoint and 'provider' in the stage's CREDENTIALS"
        }
    }
}

fn tell_tls(address: &Address, found: &mut Validation) {
    match address.scheme {
        Scheme::Https => found.ok(Check::Tls, "the endpoint's certificate is trusted"),
        Scheme::Http => found.warning(
            Check::Tls,
            "the endpoint is plain http: data can be read and changed on the way",
            "use an https endpoint",
        ),
    }
}

fn tell_clock(headers: &HeaderMap, now: SystemTime, found: &mut Validation) {
    let date = text(headers, "date").and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let Some(date) = date else {
        return found.skipped(Check::Clock, "the store does not say what time it has");
    };
    let apart = (DateTime::<Utc>::from(now) - date.to_utc())
        .abs()
        .to_std()
        .unwrap_or_default();
    let detail = format!(
        "the store's clock and this machine's are {} s apart",
        apart.as_secs()
    );
    let advice = "set this machine's clock right (NTP)";
    if apart > CLOCKS_APART_MAX {
        found.failed(Check::Clock, detail, advice);
    } else if apart > CLOCKS_APART_FINE {
        found.warning(Check::Clock, detail, advice);
    } else {
        found.ok(Check::Clock, detail);
    }
}

fn tell_addressing(address: &Address, found: &mut Validation) {
    let in_path = format!("the bucket stands in the path, on {}", address.authority());
    let is_public = address.is_amazon() || address.host.ends_with(".aliyuncs.com");
    match address.addressing {
        Addressing::Virtual => found.ok(
            Check::Addressing,
            format!(
                "the bucket stands before the host, as {}",
                address.authority()
            ),
        ),
        Addressing::Path if is_public && !address.bucket.contains('.') => found.warning(
            Check::Addressing,
            in_path,
            "set 'addressing_style' = 'virtual': the provider gives path style up",
        ),
        Addressing::Path => found.ok(Check::Addressing, in_path),
    }
}

fn tell_expiry(uploads: &Uploads, found: &mut Validation) {
    let requests = uploads.requests();
    match (requests.assumes_role, requests.has_session_token) {
        (true, _) => found.ok(
            Check::Expiry,
            "the role's session is renewed as long as the stage's keys may assume it",
        ),
        (false, true) => found.warning(
            Check::Expiry,
            "the keys are temporary ('aws_token'); when they end, nobody renews them, and exports that run fail",
            "use 'aws_role', or keys that do not end",
        ),
        (false, false) => found.ok(
            Check::Expiry,
            "the keys are good until somebody takes them back",
        ),
    }
}

/// Whether the bucket is known to keep versions.
async fn versioning(uploads: &Uploads, found: &mut Validation) -> bool {
    let provider = uploads.address().provider;
    match uploads.is_versioned().await {
        Ok(true) => {
            found.can(Capability::Versioned, true);
            match provider {
                Provider::S3 => found.ok(
                    Check::Versioning,
                    "the bucket keeps versions: what is removed or replaced stays as an old one",
                ),
                Provider::Oss => found.warning(
                    Check::Versioning,
                    "the bucket keeps versions; OSS then replaces files although it is told not to (x-oss-forbid-overwrite has no effect)",
                    "give exports a bucket without versions, or one writer a name",
                ),
            }
            true
        }
        Ok(false) => {
            found.can(Capability::Versioned, false);
            found.ok(Check::Versioning, "the bucket keeps no versions");
            false
        }
        Err(error) => {
            let right = match provider {
                Provider::S3 => "s3:GetBucketVersioning",
                Provider::Oss => "oss:GetBucketVersioning",
            };
            found.skipped(
                Check::Versioning,
                format!("it cannot be read ({right}): {error}"),
            );
            false
        }
    }
}

/// What a right is called, for advice.
fn right(provider: Provider, s3: &str, oss: &str) -> String {
    match provider {
        Provider::S3 => format!("give the access key {s3} on the stage's prefix"),
        Provider::Oss => format!("give the access key {oss} on the stage's prefix"),
    }
}

fn failed(
    found: &mut Validation,
    check: Check,
    error: &BucketError,
    right: impl FnOnce() -> String,
) {
    let advice = match error.kind() {
        BucketErrorKind::AccessDenied => right(),
        kind => advice(kind).to_owned(),
    };
    found.failed(check, error.to_string(), advice);
}

/// Whether an operation is refused because something of the name is there.
fn is_refused<T>(done: &BucketResult<T>) -> bool {
    done.as_ref().is_err_and(|error| {
        matches!(
            error.kind(),
            BucketErrorKind::AlreadyExists | BucketErrorKind::Conflict
        )
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::validation::Outcome;

    fn clock(date: Option<&'static str>, now_s: u64) -> Outcome {
        let mut headers = HeaderMap::new();
        if let Some(date) = date {
            headers.insert("date", date.parse().unwrap());
        }
        let mut found = Validation::default();
        tell_clock(
            &headers,
            SystemTime::UNIX_EPOCH + Duration::from_secs(now_s),
            &mut found,
        );
        found.findings[0].outcome
    }

    #[test]
    fn clocks_may_be_a_little_apart() {
        // 784111777 in seconds since 1970.
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(clock(date, 784_111_777), Outcome::Ok);
        assert_eq!(clock(date, 784_111_777 - 59), Outcome::Ok);
        assert_eq!(clock(date, 784_111_777 + 90), Outcome::Warning);
        assert_eq!(clock(date, 784_111_777 - 1000), Outcome::Failed);
        assert_eq!(clock(None, 0), Outcome::Skipped);
        assert_eq!(clock(Some("yesterday"), 0), Outcome::Skipped);
    }
}
