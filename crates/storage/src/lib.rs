//! A stage's place: paths that cannot escape it, and files published all or nothing.
//! Start at [`Store`]; [`Location`] says where, [`ObjectPath`] names a file within.
#![doc = include_str!("../README.md")]

mod backend;
mod bucket;
mod credentials;
mod digest;
mod draft;
mod endpoints;
mod error;
mod folder;
mod layers;
mod listing;
mod location;
mod memory;
#[cfg(feature = "object-store")]
mod objects;
mod path;
mod policy;
mod presigned;
mod reading;
mod store;
mod token;
mod validation;

pub use backend::{
    Backend, BegunUpload, BegunUploads, DraftWriter, NotRemoved, PlannedFile, Published,
};
pub use bucket::{
    Bucket, BucketError, BucketErrorKind, BucketResult, Completed, Head, ObjectOptions, OpenUpload,
    PARTS_MAX, PartTag, Retry, Transport, TransportLimits, TransportOptions, UploadId, Uploads,
    part_bytes,
};
pub use credentials::{Addressing, BucketCredentials, Encryption, OssSignature};
pub use draft::{Draft, Finished, Interrupt, OnExisting};
pub use endpoints::{CheckedEndpoint, Endpoint, EndpointPolicy, EndpointRule, Scheme};
pub use error::{Error, ErrorKind, Result};
pub use listing::{FileInfo, Listing, Unnamed, glob_finds};
pub use location::{Location, Provider};
pub use path::{ObjectPath, RESERVED_DIRECTORY};
pub use policy::Policy;
pub use presigned::{PRESIGNED_TIME_MAX, PresignedAccess, PresignedRequest};
pub use reading::FileReading;
pub use store::Store;
pub use token::Token;
pub use validation::{Capabilities, Capability, Check, Finding, Outcome, Probe, Validation};
