//! What a store's answer means: its error document, status and headers as one [`BucketError`].
//! Of the answer's body only the error's code is used, and the region it names; never its text.

#[cfg(test)]
mod tests;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::error::{BucketError, BucketErrorKind, BucketResult};

/// The document that S3 and OSS both answer errors with.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ErrorDocument {
    code: String,
    region: Option<String>,
    endpoint: Option<String>,
    /// In Amazon's role service the document is within another.
    error: Option<Box<ErrorDocument>>,
}

/// An answer's error, if it is one.
///
/// # Errors
/// The error that the answer tells.
pub(super) fn check(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> BucketResult<()> {
    if status.is_success() {
        return Ok(());
    }
    Err(error(status, headers, body))
}

/// Whether a body that came with a success is an error nevertheless: S3's answer to Complete, which begins
/// before the work is done.
pub(super) fn hidden_error(headers: &HeaderMap, body: &[u8]) -> Option<BucketError> {
    let text = std::str::from_utf8(body).ok()?.trim_start();
    let document: ErrorDocument = quick_xml::de::from_str(text).ok()?;
    (!document.code.is_empty())
        .then(|| of_code(&document, StatusCode::INTERNAL_SERVER_ERROR, headers))
}

/// The error that an answer tells.
pub(super) fn error(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> BucketError {
    let document = std::str::from_utf8(body)
        .ok()
        .and_then(|text| quick_xml::de::from_str::<ErrorDocument>(text).ok())
        .unwrap_or_default();
    let document = match document.error {
        Some(inner) => *inner,
        None => document,
    };
    of_code(&document, status, headers)
}

/// The error of one object among many, of which the answer tells a code and no status.
pub(super) fn of_one(code: &str) -> BucketError {
    let kind = kind_of_code(code, None).unwrap_or(BucketErrorKind::Server);
    let is_word = (1..=64).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    let advice = advice(&kind);
    match is_word {
        true => BucketError::new(kind, format!("{advice} ({code})")),
        false => BucketError::new(kind, advice),
    }
}

fn of_code(document: &ErrorDocument, status: StatusCode, headers: &HeaderMap) -> BucketError {
    let region = region(document, headers);
    let kind = kind_of_code(&document.code, region.clone())
        .unwrap_or_else(|| kind_of_status(status, region.clone()));
    // A code is a word; what is none was not written by an object storage.
    let code = &document.code;
    let is_word = (1..=64).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    // To a HEAD, which has no body, for one.
    let says_no_more = kind == BucketErrorKind::AccessDenied && !is_word;
    let advice = match says_no_more {
        true => "the store refuses the stage's keys, or what they may do, and does not say which; check 'access_key_id', 'secret_access_key' and 'aws_token' in the stage's CREDENTIALS, and the key's rights".to_owned(),
        false => advice(&kind),
    };
    let code = if is_word {
        format!("{code}, status {}", status.as_u16())
    } else {
        format!("status {}", status.as_u16())
    };
    BucketError::new(kind, format!("{advice} ({code})")).with_status(status.as_u16())
}

fn kind_of_code(code: &str, region: Option<String>) -> Option<BucketErrorKind> {
    Some(match code {
        // The role service's names.
        "InvalidClientTokenId" => BucketErrorKind::UnknownKey,
        "ExpiredTokenException" => BucketErrorKind::ExpiredToken,
        "PreconditionFailed" | "FileAlreadyExists" | "ObjectAlreadyExists" => {
            BucketErrorKind::AlreadyExists
        }
        "ConditionalRequestConflict" | "OperationAborted" => BucketErrorKind::Conflict,
        "NoSuchUpload" => BucketErrorKind::NoSuchUpload,
        "NoSuchKey" => BucketErrorKind::NotFound,
        "NoSuchBucket" => BucketErrorKind::NoSuchBucket,
        "AccessDenied" | "AllAccessDisabled" | "UserDisable" => BucketErrorKind::AccessDenied,
        "InvalidAccessKeyId" | "InactiveAccessKeyId" => BucketErrorKind::UnknownKey,
        "SignatureDoesNotMatch" => BucketErrorKind::WrongSignature,
        "ExpiredToken"
        | "InvalidToken"
        | "InvalidSecurityToken"
        | "SecurityTokenExpired"
        | "TokenRefreshRequired" => BucketErrorKind::ExpiredToken,
        "RequestTimeTooSkewed" | "RequestExpired" => BucketErrorKind::ClockSkew,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => BucketErrorKind::WrongRegion(region),
        "InvalidObjectState" => BucketErrorKind::Archived,
        "InvalidStorageClass" => BucketErrorKind::StorageClass,
        "QuotaExceeded"
        | "InsufficientStorage"
        | "XMinioStorageFull"
        | "XMinioAdminBucketQuotaExceeded" => BucketErrorKind::Full,
        // KMS.NotFoundException, KMS.DisabledException and others at S3; KmsServiceNotEnabled and others at OSS.
        code if code.starts_with("KMS.") || code.starts_with("Kms") => {
            BucketErrorKind::EncryptionKey
        }
        "BadDigest" | "InvalidDigest" | "XAmzContentSHA256Mismatch" | "IncompleteBody" => {
            BucketErrorKind::Corrupted
        }
        "NotImplemented" | "MethodNotAllowed" => BucketErrorKind::Unsupported,
        "SlowDown"
        | "ServiceUnavailable"
        | "Throttling"
        | "QpsLimitExceeded"
        | "TooManyRequests"
        | "RequestLimitExceeded" => BucketErrorKind::SlowDown,
        "InternalError" => BucketErrorKind::Server,
        "RequestTimeout" => BucketErrorKind::TimedOut,
        // OSS says so of a signature made for another region, and names the right one.
        "InvalidArgument" if region.is_some() => BucketErrorKind::WrongRegion(region),
        _ => return None,
    })
}

fn kind_of_status(status: StatusCode, region: Option<String>) -> BucketErrorKind {
    match status {
        StatusCode::PRECONDITION_FAILED => BucketErrorKind::AlreadyExists,
        StatusCode::CONFLICT => BucketErrorKind::Conflict,
        StatusCode::NOT_FOUND => BucketErrorKind::NotFound,
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => BucketErrorKind::AccessDenied,
        StatusCode::NOT_IMPLEMENTED | StatusCode::METHOD_NOT_ALLOWED => {
            BucketErrorKind::Unsupported
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            BucketErrorKind::SlowDown
        }
        StatusCode::REQUEST_TIMEOUT => BucketErrorKind::TimedOut,
        StatusCode::INSUFFICIENT_STORAGE => BucketErrorKind::Full,
        _ if (status.is_redirection() || status == StatusCode::BAD_REQUEST) && region.is_some() => {
            BucketErrorKind::WrongRegion(region)
        }
        _ if status.is_redirection() => BucketErrorKind::Redirected,
        _ if status.is_server_error() => BucketErrorKind::Server,
        _ => BucketErrorKind::Invalid,
    }
}

/// The region that would be right, where the answer tells it.
fn region(document: &ErrorDocument, headers: &HeaderMap) -> Option<String> {
    let header = headers
        .get("x-amz-bucket-region")
        .and_then(|value| value.to_str().ok());
    let of_endpoint = document.endpoint.as_deref().and_then(|endpoint| {
        let host = endpoint.strip_suffix(".amazonaws.com")?;
        host.rsplit(['.']).next().filter(|word| word.contains('-'))
    });
    header
        .or(document.region.as_deref())
        .or(of_endpoint)
        .filter(|region| {
            (1..=32).contains(&region.len())
                && region
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
        .map(str::to_owned)
}

/// What happened and what to change.
fn advice(kind: &BucketErrorKind) -> String {
    match kind {
        BucketErrorKind::Invalid => "the store does not understand the request; check the endpoint and 'provider'",
        BucketErrorKind::NotPermitted => "the endpoint is not permitted",
        BucketErrorKind::AlreadyExists => "an object of that name exists and was not to be replaced",
        BucketErrorKind::Conflict => "another write of the same object is on its way; do the whole upload again",
        BucketErrorKind::NoSuchUpload => "there is no such upload any more: it was completed or aborted",
        BucketErrorKind::NotFound => "there is no such object",
        BucketErrorKind::NoSuchBucket => "there is no such bucket; check its name, the endpoint and the region",
        BucketErrorKind::AccessDenied => "the access key may not do that; give it the right to, or set another in the stage's CREDENTIALS",
        BucketErrorKind::UnknownKey => "the store does not know the access key; check 'access_key_id' in the stage's CREDENTIALS",
        BucketErrorKind::WrongSignature => "the secret does not fit the access key; check 'secret_access_key' in the stage's CREDENTIALS",
        BucketErrorKind::ExpiredToken => "the session token is wrong or has expired; set a new 'aws_token' in the stage's CREDENTIALS",
        BucketErrorKind::ClockSkew => "this server's clock and the store's are too far apart; set the clock right",
        BucketErrorKind::WrongRegion(Some(region)) => {
            return format!(
                "the bucket is in region '{region}'; set 'region' = '{region}' in the stage's CREDENTIALS, and an endpoint of that region"
            );
        }
        BucketErrorKind::WrongRegion(None) => "the bucket is in another region; set 'region' in the stage's CREDENTIALS, and an endpoint of that region",
        BucketErrorKind::Redirected => "the endpoint sends elsewhere, which is not followed; name the bucket's own endpoint",
        BucketErrorKind::Archived => "the object is in an archive storage class; restore it first, then read it",
        BucketErrorKind::EncryptionKey => "the store cannot use the key that the object is encrypted with; check 'kms_key_id' in the stage's CREDENTIALS, that the key is enabled, and that the access key may use it",
        BucketErrorKind::StorageClass => "the store has no such storage class; check 'storage_class' in the stage's CREDENTIALS",
        BucketErrorKind::Full => "the store is full, or the bucket's quota is used up; make room, or raise the quota",
        BucketErrorKind::Corrupted => "the store did not get the bytes that were sent",
        BucketErrorKind::Unsupported => "the store has no such operation",
        BucketErrorKind::Dns => "the endpoint's name does not resolve",
        BucketErrorKind::Connect => "no connection to the endpoint",
        BucketErrorKind::Tls => "no trusted connection to the endpoint",
        BucketErrorKind::TimedOut => "the store waited too long for the request",
        BucketErrorKind::Interrupted => "the connection ended too early",
        BucketErrorKind::SlowDown => "the store has too much to do; try later",
        BucketErrorKind::Server => "the store failed; try later",
        BucketErrorKind::Ambiguous => "whether it was done is not known",
    }
    .to_owned()
}
