//! A bucket as an OpenDAL operator: for listing, reading and deleting. OpenDAL never sees a key: requests
//! leave it unsigned and are signed on their way out, for both providers alike.

use futures::StreamExt;
use http::{Request, Response, StatusCode, Uri};
use opendal::{
    Buffer, HttpBody, HttpTransport, HttpTransporter, OperationContext, Operator, services,
};

use super::address::Address;
use super::answer;
use super::error::{BucketError, BucketErrorKind, BucketResult};
use super::requests::Requests;
use crate::credentials::{Addressing, Encryption};
use crate::layers;
use crate::location::Provider;

/// The operator of a place, its root the place's folder.
///
/// # Errors
/// [`BucketErrorKind::Invalid`] when OpenDAL does not take the settings.
pub(super) fn operator(requests: &Requests) -> BucketResult<Operator> {
    let built = match requests.address.provider {
        Provider::S3 => Operator::new(s3(requests)),
        Provider::Oss => Operator::new(oss(requests)),
    };
    let operator = built.map_err(|error| {
        BucketError::new(
            BucketErrorKind::Invalid,
            format!("the bucket cannot be opened: {}", error.message()),
        )
    })?;
    let transport = HttpTransporter::new(Signed {
        requests: requests.clone(),
    });
    let operator = operator.with_context(OperationContext::new().with_http_transport(transport));
    Ok(layers::bucket(operator))
}

fn s3(requests: &Requests) -> services::S3 {
    let address: &Address = &requests.address;
    // Neither the environment nor a file or service of the machine's own: what is not given is an error.
    let mut builder = services::S3::default()
        .skip_signature()
        .disable_config_load()
        .disable_ec2_metadata()
        .bucket(&address.bucket)
        .root(&root(address))
        .endpoint(&address.endpoint())
        .region(address.region.as_deref().unwrap_or("us-east-1"));
    if address.addressing == Addressing::Virtual {
        builder = builder.enable_virtual_host_style();
    }
    if let Some(class) = &requests.storage_class {
        builder = builder.default_storage_class(class);
    }
    match &requests.encryption {
        None => builder,
        Some(Encryption::Aes256) => builder.server_side_encryption_with_s3_key(),
        Some(Encryption::Kms(None)) => builder.server_side_encryption_with_aws_managed_kms_key(),
        Some(Encryption::Kms(Some(key))) => {
            builder.server_side_encryption_with_customer_managed_kms_key(key)
        }
    }
}

fn oss(requests: &Requests) -> services::Oss {
    let address: &Address = &requests.address;
    let builder = services::Oss::default()
        .skip_signature()
        .bucket(&address.bucket)
        .root(&root(address))
        .endpoint(&address.endpoint())
        .addressing_style(match address.addressing {
            Addressing::Virtual => "virtual",
            Addressing::Path => "path",
        });
    match &requests.encryption {
        None => builder,
        Some(Encryption::Aes256) => builder.server_side_encryption("AES256"),
        Some(Encryption::Kms(key)) => {
            let builder = builder.server_side_encryption("KMS");
            match key {
                Some(key) => builder.server_side_encryption_key_id(key),
                None => builder,
            }
        }
    }
}

fn root(address: &Address) -> String {
    format!("/{}", address.prefix)
}

/// Signs what OpenDAL sends, and gives failures our own words.
struct Signed {
    requests: Requests,
}

impl HttpTransport for Signed {
    async fn fetch(&self, request: Request<Buffer>) -> opendal::Result<Response<HttpBody>> {
        let (mut parts, body) = request.into_parts();
        parts.uri = addressed(&self.requests.address, &parts.uri).map_err(told)?;
        let uri = parts.uri.clone();
        self.requests.signing.sign(&mut parts).await.map_err(told)?;
        let request = Request::from_parts(parts, body.to_bytes());
        let answer = self.requests.transport.fetch(request).await.map_err(told)?;
        let (mut parts, streamed) = answer.into_parts();
        parts.extensions.insert(uri);
        if is_opendals(parts.status) {
            let size = streamed.size();
            let stream =
                Box::pin(streamed.into_stream()).map(|piece| piece.map(Buffer::from).map_err(told));
            return Ok(Response::from_parts(parts, HttpBody::new(stream, size)));
        }
        let mut body = Vec::new();
        let mut streamed = streamed;
        // An error document is short; what is longer is none.
        while let Some(Ok(piece)) = streamed.next().await {
            body.extend_from_slice(&piece);
            if body.len() > 64 << 10 {
                body.clear();
                break;
            }
        }
        let error = answer::error(parts.status, &parts.headers, &body);
        self.requests.learn(&error);
        // OpenDAL takes some 404s for a success, of a deletion for one; it needs no body for that.
        if *error.kind() == BucketErrorKind::NotFound {
            let empty = futures::stream::empty();
            return Ok(Response::from_parts(parts, HttpBody::new(empty, Some(0))));
        }
        Err(told(error))
    }
}

/// Answers that OpenDAL understands by their status alone.
fn is_opendals(status: StatusCode) -> bool {
    status.is_success()
        || status == StatusCode::NOT_MODIFIED
        || status == StatusCode::RANGE_NOT_SATISFIABLE
}

/// OpenDAL takes a host that begins with the bucket's name for one that holds the bucket, and changes it:
/// the authority is ours, whatever it made of it. And a bucket in the path is signed with its slash, which
/// OpenDAL leaves out.
fn addressed(address: &Address, uri: &Uri) -> BucketResult<Uri> {
    let mut parts = uri.clone().into_parts();
    let malformed = |_| BucketError::new(BucketErrorKind::Invalid, "bucket and key make no URL");
    parts.authority = Some(address.authority().parse().map_err(malformed)?);
    let bare = format!("/{}", address.bucket);
    if address.addressing == Addressing::Path && uri.path() == bare {
        let query = uri.query().map(|query| format!("?{query}"));
        let path = format!("{bare}/{}", query.unwrap_or_default());
        parts.path_and_query = Some(path.parse().map_err(malformed)?);
    }
    Uri::from_parts(parts)
        .map_err(|_| BucketError::new(BucketErrorKind::Invalid, "bucket and key make no URL"))
}

/// Our error in OpenDAL's clothes.
fn told(error: BucketError) -> opendal::Error {
    let kind = match error.kind() {
        BucketErrorKind::NotFound | BucketErrorKind::NoSuchBucket => opendal::ErrorKind::NotFound,
        BucketErrorKind::AlreadyExists | BucketErrorKind::Conflict => {
            opendal::ErrorKind::ConditionNotMatch
        }
        BucketErrorKind::NotPermitted
        | BucketErrorKind::AccessDenied
        | BucketErrorKind::UnknownKey
        | BucketErrorKind::WrongSignature
        | BucketErrorKind::ExpiredToken
        | BucketErrorKind::ClockSkew => opendal::ErrorKind::PermissionDenied,
        BucketErrorKind::SlowDown => opendal::ErrorKind::RateLimited,
        BucketErrorKind::Unsupported => opendal::ErrorKind::Unsupported,
        BucketErrorKind::Invalid
        | BucketErrorKind::NoSuchUpload
        | BucketErrorKind::WrongRegion(_)
        | BucketErrorKind::Redirected
        | BucketErrorKind::Archived
        | BucketErrorKind::EncryptionKey
        | BucketErrorKind::StorageClass
        | BucketErrorKind::Full
        | BucketErrorKind::Corrupted
        | BucketErrorKind::Dns
        | BucketErrorKind::Connect
        | BucketErrorKind::Tls
        | BucketErrorKind::TimedOut
        | BucketErrorKind::Interrupted
        | BucketErrorKind::Server
        | BucketErrorKind::Ambiguous => opendal::ErrorKind::Unexpected,
    };
    let told = opendal::Error::new(kind, error.to_string());
    let told = if error.is_temporary() {
        told.set_temporary()
    } else {
        told
    };
    told.set_source(error)
}
