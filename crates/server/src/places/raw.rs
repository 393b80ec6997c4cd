//! Buckets that a statement names itself, where no stage is enabled: opened with the statement's own credentials,
//! under the endpoint policy like any other, and again by recovery with those that its record has sealed.

use std::sync::Arc;

use catalog::ExportRecord;
use storage::{BucketCredentials, Location, ObjectPath, Store};

use crate::error::{Error, Reason, Result};
use crate::instance::Instance;

use super::credentials;

impl Instance {
    /// The bucket's folder of an export's target, `s3://bucket/path`, `oss://bucket/path` or `endpoint/bucket/path`,
    /// and the file's name in it.
    ///
    /// # Errors
    /// [`Reason::TargetInvalid`] for a target that names no file; the place's own.
    pub(crate) async fn open_raw(
        self: &Arc<Self>,
        account: &str,
        target: &str,
        credentials: &BucketCredentials,
    ) -> Result<(Store, ObjectPath)> {
        let location = match target.contains("://") {
            true => Location::parse(target)?,
            false => Location::parse_endpoint(target, credentials.provider_name())?,
        };
        let (place, name) = split(location, target)?;
        let store = self
            .open_place(account, &place, Some(credentials))
            .await
            .map_err(|error| error.within(format_args!("target '{target}'")))?;
        Ok((store.called(&format!("target '{target}'")), name))
    }

    /// The credentials of an unfinished export that goes to no stage; none for one that needs none. Blocking.
    ///
    /// # Errors
    /// The catalog's; those of a reference.
    pub(crate) fn credentials_of(
        &self,
        export: &ExportRecord,
    ) -> Result<Option<BucketCredentials>> {
        let opened = self.catalog.export_credentials(export)?;
        if opened.is_empty() {
            return Ok(None);
        }
        let opened = opened.into_iter().map(Ok);
        credentials::used(self, &export.account, opened).map(Some)
    }

    /// Credentials ready for use: references are resolved, where the operator permits them. Blocking.
    ///
    /// # Errors
    /// [`Reason::StageInvalid`](crate::Reason::StageInvalid) for those that make no bucket's credentials;
    /// [`Reason::PermissionDenied`](crate::Reason::PermissionDenied) for a reference that is not permitted.
    pub(crate) fn use_credentials(
        &self,
        account: &str,
        values: impl Iterator<Item = Result<(String, catalog::OpenValue)>>,
    ) -> Result<BucketCredentials> {
        credentials::used(self, account, values)
    }
}

/// The folder, and the file in it.
fn split(location: Location, target: &str) -> Result<(Location, ObjectPath)> {
    let no_file = || {
        Error::new(
            Reason::TargetInvalid,
            20411,
            "HY000",
            format!("invalid file path: '{target}' names no file in a bucket"),
        )
    };
    if target.ends_with('/') {
        return Err(no_file());
    }
    match location {
        Location::Bucket {
            provider,
            endpoint,
            bucket,
            prefix: Some(path),
        } => {
            let place = Location::Bucket {
                provider,
                endpoint,
                bucket,
                prefix: path.parent(),
            };
            Ok((place, ObjectPath::parse(path.file_name())?))
        }
        Location::Bucket { prefix: None, .. }
        | Location::Folder { .. }
        | Location::SubStage { .. }
        | Location::Memory(_) => Err(no_file()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_target_is_a_folder_and_a_file() {
        for (target, place, name) in [
            ("s3://b/k.csv", "s3://b", "k.csv"),
            ("oss://b/d/e/k.csv", "oss://b/d/e", "k.csv"),
        ] {
            let (found, file) = split(Location::parse(target).unwrap(), target).unwrap();
            assert_eq!((found.to_string(), file.as_str()), (place.to_owned(), name));
        }
        for target in ["s3://b", "s3://b/d/", "/tmp/a"] {
            let error = split(Location::parse(target).unwrap(), target).unwrap_err();
            assert_eq!(error.reason(), Reason::TargetInvalid, "{target}");
        }
    }
}
