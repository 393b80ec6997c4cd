//! From a stage's name to its open place: state checked, sub-stages followed to where files really are.
//! The one spot where a name turns into something that can be written to or read.

use catalog::StageRecord;
use storage::{Location, ObjectPath, Store};

use crate::error::{Error, Reason, Result};
use crate::instance::{ACCOUNT, Instance};

/// Deeper chains of sub-stages than this are refused; the catalog refuses cycles.
const SUB_STAGE_DEPTH_MAX: usize = 16;

/// A stage, pinned to the version it was opened at.
#[derive(Debug, Clone)]
pub(crate) struct OpenStage {
    pub(crate) name: String,
    pub(crate) version: u64,
    /// Without secrets; `None` for an internal stage.
    pub(crate) url: Option<String>,
    pub(crate) store: Store,
}

impl Instance {
    /// Opens the enabled stage `name`, at its current version. Blocking.
    ///
    /// # Errors
    /// The exact texts of a missing and of a disabled stage; the place's own.
    pub(crate) fn open_stage(&self, name: &str) -> Result<OpenStage> {
        self.open_place(self.enabled_stage(name)?, Self::enabled_stage)
    }

    /// Opens a stage as it was at an older version, whatever its name and state now: for recovery. A
    /// sub-stage's parents are taken as they are now, since only their names are in its record. Blocking.
    pub(crate) fn open_stage_at(
        &self,
        id: Option<u64>,
        name: &str,
        version: u64,
    ) -> Result<OpenStage> {
        let record = match id {
            Some(id) => {
                let versions = self.catalog.stage_history_by_id(ACCOUNT, id)?;
                versions
                    .into_iter()
                    .find(|record| record.version == version)
            }
            None => self.catalog.stage_at(ACCOUNT, name, version)?,
        };
        let record = record.ok_or_else(|| {
            Error::internal(
                Reason::StageNotFound,
                format_args!("stage '{name}' has no version {version}"),
            )
        })?;
        self.open_place(record, Self::stage_in_any_state)
    }

    /// The folder of an absolute local path, and the file's name in it. Blocking.
    pub(crate) fn open_local(&self, path: &str) -> Result<(Store, ObjectPath)> {
        let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
        let folder = if folder.is_empty() { "/" } else { folder };
        let name = ObjectPath::parse(name)?;
        let location = Location::Folder {
            root: folder.into(),
            prefix: None,
        };
        Ok((Store::open(&location, &self.policy())?, name))
    }

    /// Opens a stage's place; `parent` looks up the stages that its URL goes through.
    fn open_place(
        &self,
        record: StageRecord,
        parent: fn(&Self, &str) -> Result<StageRecord>,
    ) -> Result<OpenStage> {
        let store = match &record.definition.url {
            None => self.internal.stage(record.id)?,
            Some(url) => self
                .open_url(url, parent)
                .map_err(|error| match error.reason() {
                    // Of a parent stage, and exact already.
                    Reason::StageDisabled | Reason::StageNotFound => error,
                    _ => error.within(format_args!("stage '{}'", record.name)),
                })?,
        };
        Ok(OpenStage {
            name: record.name,
            version: record.version,
            url: record.definition.url,
            store,
        })
    }

    fn open_url(&self, url: &str, parent: fn(&Self, &str) -> Result<StageRecord>) -> Result<Store> {
        let mut location = Location::parse(url)?;
        for _ in 0..SUB_STAGE_DEPTH_MAX {
            let Location::SubStage {
                parent: name,
                prefix,
            } = &location
            else {
                return Ok(Store::open(&location, &self.policy())?);
            };
            let above = match &parent(self, name)?.definition.url {
                Some(url) => Location::parse(url)?,
                None => return Err(Error::not_implemented("a sub-stage of an internal stage")),
            };
            location = match prefix {
                Some(prefix) => above.join(prefix),
                None => above,
            };
        }
        Err(Error::internal(
            Reason::StageInvalid,
            format_args!("'{url}' goes through more than {SUB_STAGE_DEPTH_MAX} stages"),
        ))
    }

    fn stage_in_any_state(&self, name: &str) -> Result<StageRecord> {
        self.catalog.stage(ACCOUNT, name)?.ok_or_else(|| {
            Error::internal(
                Reason::StageNotFound,
                format_args!("stage '{name}' is not exists, please check"),
            )
        })
    }

    fn enabled_stage(&self, name: &str) -> Result<StageRecord> {
        let record = self.stage_in_any_state(name)?;
        if !record.definition.enabled {
            return Err(Error::internal(
                Reason::StageDisabled,
                format_args!("stage '{name}' is invalid, please check"),
            ));
        }
        Ok(record)
    }

    /// What places of users may touch on this machine.
    pub(crate) fn policy(&self) -> storage::Policy {
        self.internal.policy(self.settings.paths.allow.as_deref())
    }
}

/// The path within a stage that a stage path names; double slashes are forgiven, as MatrixOne does.
pub(crate) fn path_in_stage(path: &str) -> Result<ObjectPath> {
    Ok(ObjectPath::parse(&squeezed(path))?)
}

/// `a//b` → `a/b`, and no slash at the beginning.
pub(crate) fn squeezed(path: &str) -> String {
    let ends_in_folder = path.ends_with('/');
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let joined = parts.join("/");
    // `dir/` names a folder: keep that visible, so that it is refused as a file name.
    if ends_in_folder && !joined.is_empty() {
        joined + "/"
    } else {
        joined
    }
}
