//! `Signing`: puts a stage's signature on a request, with reqsign, for both providers alike.
//! The keys are the stage's own, or those of a role that its keys assume; a role's are renewed in time.

mod role;

use std::fmt;
use std::time::Duration;

use http::header;
use http::request::Parts;
use reqsign_core::{Context, ErrorKind, Signer};
use secrecy::ExposeSecret;

use role::RoleService;

use super::address::Address;
use super::error::{BucketError, BucketErrorKind, BucketResult};
use super::transport::Transport;
use crate::credentials::{BucketCredentials, OssSignature};
use crate::location::Provider;

/// The name under which a role's sessions are found in the provider's own audit.
const SESSION_NAME: &str = "stagedoor";

/// Signs requests. Cheap to clone; clones share a role's session.
#[derive(Clone)]
pub(super) struct Signing {
    signer: OneOf,
    roles: RoleService,
}

#[derive(Clone)]
enum OneOf {
    S3(Signer<reqsign_aws_v4::Credential>),
    Oss(Signer<reqsign_aliyun_oss::Credential>),
}

impl fmt::Debug for Signing {
    /// Not the signer: it has the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing").finish_non_exhaustive()
    }
}

impl Signing {
    /// A signature for this bucket's region.
    ///
    /// # Errors
    /// [`BucketErrorKind::Invalid`] when OSS' signature needs a region and none is known.
    pub(super) fn new(
        address: &Address,
        credentials: &BucketCredentials,
        transport: &Transport,
    ) -> BucketResult<Self> {
        // No environment, no files, no metadata service: only what is pushed below can be found.
        let roles = RoleService::new(transport.clone());
        let context = Context::new().with_http_send(roles.clone());
        let signer = match address.provider {
            Provider::S3 => OneOf::S3(s3(address, credentials, context)),
            Provider::Oss => OneOf::Oss(oss(address, credentials, context)?),
        };
        Ok(Self { signer, roles })
    }

    /// Signs a request's head.
    ///
    /// # Errors
    /// Those of assuming the role.
    pub(super) async fn sign(&self, parts: &mut Parts) -> BucketResult<()> {
        self.put_on(parts, None).await?;
        // The connection names the host itself.
        parts.headers.remove(header::HOST);
        Ok(())
    }

    /// Signs a URL that is good for whoever has it, for so long.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub(super) async fn sign_url(&self, parts: &mut Parts, good_for: Duration) -> BucketResult<()> {
        self.put_on(parts, Some(good_for)).await
    }

    async fn put_on(&self, parts: &mut Parts, good_for: Option<Duration>) -> BucketResult<()> {
        let signed = match &self.signer {
            OneOf::S3(signer) => signer.sign(parts, good_for).await,
            OneOf::Oss(signer) => signer.sign(parts, good_for).await,
        };
        signed.map_err(|error| match self.roles.take_failure() {
            Some(failure) => failure.unsent().during("assume the stage's role"),
            None => unsigned(&error),
        })
    }
}

/// Checks that requests to the address can be signed.
///
/// # Errors
/// As [`Signing::new`].
pub(super) fn check(address: &Address, credentials: &BucketCredentials) -> BucketResult<()> {
    match (address.provider, credentials.signature.unwrap_or_default()) {
        (Provider::Oss, OssSignature::V4) => region_to_sign(address).map(|_| ()),
        (Provider::Oss, OssSignature::V1) | (Provider::S3, _) => Ok(()),
    }
}

/// The region that OSS' signature V4 is bound to.
fn region_to_sign(address: &Address) -> BucketResult<&str> {
    address.region.as_deref().ok_or_else(|| {
        BucketError::new(
            BucketErrorKind::Invalid,
            "signature V4 needs the bucket's 'region' in CREDENTIALS, such as cn-hangzhou: the endpoint does not tell it",
        )
    })
}

fn s3(
    address: &Address,
    credentials: &BucketCredentials,
    context: Context,
) -> Signer<reqsign_aws_v4::Credential> {
    use reqsign_aws_v4::{AssumeRoleCredentialProvider, RequestSigner, StaticCredentialProvider};

    let region = address.region.as_deref().unwrap_or("us-east-1");
    let mut own = StaticCredentialProvider::new(
        credentials.access_key_id.expose_secret(),
        credentials.secret_access_key.expose_secret(),
    );
    if let Some(token) = &credentials.session_token {
        own = own.with_session_token(token.expose_secret());
    }
    let signer = RequestSigner::new("s3", region);
    match &credentials.role {
        None => Signer::new(context, own, signer),
        Some(role) => {
            let sts = Signer::new(context.clone(), own, RequestSigner::new("sts", region));
            let mut assumed =
                AssumeRoleCredentialProvider::new(role.expose_secret().to_owned(), sts)
                    .with_role_session_name(SESSION_NAME.to_owned())
                    .with_region(region.to_owned())
                    .with_regional_sts_endpoint();
            if let Some(id) = &credentials.external_id {
                assumed = assumed.with_external_id(id.expose_secret().to_owned());
            }
            Signer::new(context, assumed, signer)
        }
    }
}

fn oss(
    address: &Address,
    credentials: &BucketCredentials,
    context: Context,
) -> BucketResult<Signer<reqsign_aliyun_oss::Credential>> {
    use reqsign_aliyun_oss::{
        AssumeRoleCredentialProvider, RequestSigner, SigningVersion, StaticCredentialProvider,
    };

    let signer = RequestSigner::new(&address.bucket);
    let signer = match credentials.signature.unwrap_or_default() {
        OssSignature::V1 => signer,
        OssSignature::V4 => {
            let region = region_to_sign(address)?;
            signer
                .with_signing_version(SigningVersion::V4)
                .with_region(region)
        }
    };
    let mut own = StaticCredentialProvider::new(
        credentials.access_key_id.expose_secret(),
        credentials.secret_access_key.expose_secret(),
    );
    if let Some(token) = &credentials.session_token {
        own = own.with_security_token(token.expose_secret());
    }
    Ok(match &credentials.role {
        None => Signer::new(context, own, signer),
        Some(role) => {
            let mut assumed = AssumeRoleCredentialProvider::new()
                .with_base_provider(own)
                .with_role_arn(role.expose_secret())
                .with_role_session_name(SESSION_NAME);
            if let Some(region) = &address.region {
                assumed = assumed.with_sts_endpoint(format!("https://sts.{region}.aliyuncs.com"));
            }
            if let Some(id) = &credentials.external_id {
                assumed = assumed.with_external_id(id.expose_secret());
            }
            Signer::new(context, assumed, signer)
        }
    })
}

/// The library's words are left out: they may quote what the role service answered.
fn unsigned(error: &reqsign_core::Error) -> BucketError {
    let refused = |kind, text| BucketError::new(kind, text).unsent();
    if error.is_retryable() && error.kind() == ErrorKind::Unexpected {
        return refused(
            BucketErrorKind::Server,
            "the role service failed; try later",
        );
    }
    match error.kind() {
        ErrorKind::RateLimited => refused(
            BucketErrorKind::SlowDown,
            "the role service has too much to do",
        ),
        ErrorKind::PermissionDenied => refused(
            BucketErrorKind::AccessDenied,
            "the stage's keys may not assume the role: check 'aws_role', 'external_id' and whom the role trusts",
        ),
        ErrorKind::CredentialInvalid => refused(
            BucketErrorKind::ExpiredToken,
            "the stage's keys are not valid or have expired; set new ones",
        ),
        ErrorKind::ConfigInvalid | ErrorKind::RequestInvalid | ErrorKind::Unexpected => refused(
            BucketErrorKind::Invalid,
            "the request could not be signed: check the stage's CREDENTIALS, above all 'aws_role', 'external_id' and 'region'",
        ),
    }
}
