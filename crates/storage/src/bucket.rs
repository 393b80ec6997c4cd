//! `Bucket`: a place in an object storage, opened with a stage's own credentials.
//! Reading, listing and deleting go through [`Bucket::operator`], writing through [`Bucket::uploads`].

mod address;
mod answer;
mod dialect;
mod draft;
mod error;
mod operator;
mod place;
mod probe;
mod region;
mod removal;
mod requests;
mod retry;
mod signing;
mod transport;
mod uploads;

use std::sync::Arc;

use opendal::Operator;

pub use error::{BucketError, BucketErrorKind, BucketResult};
pub use retry::Retry;
pub use transport::{Transport, TransportLimits, TransportOptions};
pub use uploads::{
    Completed, Head, ObjectOptions, OpenUpload, PARTS_MAX, PartTag, UploadId, Uploads, part_bytes,
};

use address::Address;
use requests::Requests;
use signing::Signing;

use crate::credentials::BucketCredentials;
use crate::location::{Location, Provider};

/// A bucket's folder, or all of a bucket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bucket {
    uploads: Uploads,
    operator: Operator,
}

impl Bucket {
    /// Opens a place. Nothing is asked of the store but, where nobody says, an Amazon bucket's region.
    ///
    /// # Errors
    /// [`BucketErrorKind::Invalid`] for what location and credentials do not say or contradict each other
    /// in; [`BucketErrorKind::NotPermitted`] for an endpoint that the policy refuses (also later, when it
    /// resolves to a refused address); those of finding the region.
    pub async fn open(
        location: &Location,
        credentials: &BucketCredentials,
        transport: &Transport,
        retry: Retry,
    ) -> BucketResult<Self> {
        let mut address = Address::new(location, credentials)?;
        transport.check(&address.url(None, &[]))?;
        if address.region.is_none() && address.is_amazon() {
            address.region = Some(region::find(&address, transport, &retry).await?);
        }
        address.settle();
        let requests = Requests {
            signing: Signing::new(&address, credentials, transport)?,
            transport: transport.clone(),
            address: Arc::new(address),
            retry,
            assumes_role: credentials.role.is_some(),
            has_session_token: credentials.session_token.is_some(),
            encryption: credentials.encryption.clone(),
            storage_class: credentials.storage_class.clone(),
        };
        Ok(Self {
            operator: operator::operator(&requests)?,
            uploads: Uploads::new(requests),
        })
    }

    /// Checks what is known of a place before it is opened, without asking anyone.
    ///
    /// # Errors
    /// [`BucketErrorKind::Invalid`] for what location and credentials do not say or contradict each other in;
    /// [`BucketErrorKind::NotPermitted`] for an endpoint that the policy refuses, be it the provider's own.
    pub fn check(
        location: &Location,
        credentials: &BucketCredentials,
        transport: &Transport,
    ) -> BucketResult<()> {
        let address = Address::new(location, credentials)?;
        transport.check(&address.url(None, &[]))?;
        signing::check(&address, credentials)
    }

    /// Whose protocol the store speaks.
    pub fn provider(&self) -> Provider {
        self.uploads.address().provider
    }

    /// The region that requests are signed for, if it is known.
    pub fn region(&self) -> Option<&str> {
        self.uploads.address().region.as_deref()
    }

    /// The place for listing, reading and deleting; its paths are relative to the place.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// The place for writing.
    pub fn uploads(&self) -> &Uploads {
        &self.uploads
    }
}
