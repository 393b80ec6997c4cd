//! The version of a stage that a caller last saw, by which a change refuses to undo another's.

use catalog::{Expected, StageRecord};

use crate::error::{Error, Reason, Result};
use crate::gate::Permit;

/// The version that a caller last saw: identity and version, so that a stage of the same name, dropped and made
/// anew, has another. Empty stands for any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Etag(pub(crate) String);

impl Etag {
    pub(crate) fn of(stage: &StageRecord) -> Self {
        Self(format!("{}-{}", stage.id, stage.version))
    }

    /// The version that the catalog is to expect.
    ///
    /// A request with an id may have been answered before, and the stage be newer by that: there the catalog
    /// compares the version, once it knows that the request is a new one.
    pub(super) fn expected(&self, current: &StageRecord, permit: &Permit) -> Result<Expected> {
        if self.0.is_empty() {
            return Ok(Expected::Any);
        }
        if let Some((id, version)) = self.parts()
            && id == current.id
            && permit.may_be_repeated()
        {
            return Ok(Expected::Version(version));
        }
        let now = Self::of(current);
        if *self == now {
            return Ok(Expected::Version(current.version));
        }
        Err(Error::internal(
            Reason::StageVersionConflict,
            format_args!(
                "stage {} is at etag {}, not at {}",
                current.name,
                now.0,
                self.0.escape_default()
            ),
        ))
    }

    /// The version that a drop has made, which the catalog compares.
    pub(super) fn expected_of_dropped(&self) -> Result<Expected> {
        if self.0.is_empty() {
            return Ok(Expected::Any);
        }
        let parts = self.parts();
        parts
            .map(|(id, version)| Expected::Record { id, version })
            .ok_or_else(|| {
                Error::internal(
                    Reason::StageVersionConflict,
                    format_args!("the etag {} is none of a stage", self.0.escape_default()),
                )
            })
    }

    /// Id and version, of one that this server has given.
    pub(super) fn parts(&self) -> Option<(u64, u64)> {
        let (id, version) = self.0.split_once('-')?;
        Some((id.parse().ok()?, version.parse().ok()?))
    }
}
