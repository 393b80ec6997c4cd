//! From a stage's name to its place, state checked and sub-stages followed to where files really are, and on to
//! the open place.
//! The one spot where a name turns into something that can be written to or read, behind the gate.

mod credentials;
mod own;
mod path;
mod raw;
mod temporary;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use credentials::{Proposed, check_reference, resolve as resolve_reference};
pub(crate) use own::OwnFiles;
pub(crate) use path::{StagePath, path_in_stage, squeezed};

use catalog::{
    AccountRecord, Credential, Credentials, ExportRecord, StageCapabilities, StageRecord,
};
use parser::CredentialKey;
use storage::{BucketCredentials, Endpoint, Location, ObjectPath, Store};

use crate::error::{Error, Reason, Result};
use crate::gate::{Acting, Object, Operation, SYS};
use crate::instance::Instance;
use crate::policies::Policies;
use crate::session::known;
use crate::settings::PathSettings;
use crate::temporary_stages::TemporaryStage;

/// Deeper chains of sub-stages than this are refused; the catalog refuses cycles.
const SUB_STAGE_DEPTH_MAX: usize = 16;

/// Where a stage's files are: found and permitted at one version, not opened yet.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    name: String,
    id: u64,
    version: u64,
    url: Option<String>,
    parents: Vec<(u64, u64)>,
    policies: Policies,
    account: String,
    at: At,
    /// What a validation has found out about the place.
    known: Option<StageCapabilities>,
}

impl Located {
    /// Ids and versions of the stages that the URL goes through, nearest first.
    pub(crate) fn parents(&self) -> &[(u64, u64)] {
        &self.parents
    }
}

#[derive(Debug, Clone)]
enum At {
    /// Stagedoor's own storage; below a prefix for a sub-stage.
    Internal {
        account: AccountRecord,
        stage_id: u64,
        prefix: Option<ObjectPath>,
    },
    /// Stagedoor's own storage, for as long as the session lasts.
    Temporary(Arc<TemporaryStage>),
    /// A folder or a bucket; never a sub-stage, those have been followed.
    Place {
        location: Location,
        /// For a bucket.
        credentials: Option<Box<BucketCredentials>>,
    },
}

/// A stage, pinned to the version it was opened at.
#[derive(Debug, Clone)]
pub(crate) struct OpenStage {
    pub(crate) name: String,
    pub(crate) id: u64,
    pub(crate) version: u64,
    /// Without secrets; `None` for an internal stage.
    pub(crate) url: Option<String>,
    pub(crate) store: Store,
    /// Ids and versions of the stages that the URL goes through, nearest first.
    pub(crate) parents: Vec<(u64, u64)>,
    /// What may be exported to it.
    pub(crate) policies: Policies,
    /// Where its files really are, in words that are another for each place; not for clients.
    pub(crate) place: String,
    /// Where it is a temporary one: its files are there for as long as this is.
    pub(crate) temporary: Option<Arc<TemporaryStage>>,
}

/// A stage as it was at a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PinnedStage {
    pub(crate) name: String,
    /// Unknown of exports that format 1 recorded.
    pub(crate) id: Option<u64>,
    pub(crate) version: u64,
    /// Ids and versions of the stages that the URL goes through, nearest first.
    pub(crate) parents: Vec<(u64, u64)>,
}

impl OpenStage {
    /// As it was opened.
    pub(crate) fn pinned(&self) -> PinnedStage {
        PinnedStage {
            name: self.name.clone(),
            id: Some(self.id),
            version: self.version,
            parents: self.parents.clone(),
        }
    }

    /// That what a stage's name stands for now is this one still, altered perhaps: it may have been dropped, and
    /// another made, while a client took its time.
    ///
    /// # Errors
    /// [`Reason::StageNotFound`].
    pub(crate) fn check_still(&self, now: &Self) -> Result<()> {
        let is_same = self.id == now.id
            && match (&self.temporary, &now.temporary) {
                (Some(before), Some(now)) => Arc::ptr_eq(before, now),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
        match is_same {
            true => Ok(()),
            false => Err(Error::internal(
                Reason::StageNotFound,
                format_args!(
                    "stage '{}' is another one now: it was dropped, and one of its name made",
                    self.name
                ),
            )),
        }
    }
}

impl Located {
    /// The stage's id.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The stage's URL; `None` for an internal one.
    pub(crate) fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

impl Acting {
    /// Finds the place of the enabled stage `name`, at its current version, once the principal may do this with
    /// it. Blocking; [`Instance::open_stage`] opens it.
    ///
    /// # Errors
    /// The gate's refusal; the exact texts of a missing and of a disabled stage.
    pub(crate) fn locate_stage(&self, name: &str, operation: Operation) -> Result<Located> {
        if let Some(located) = self.locate_temporary(name) {
            return Ok(located);
        }
        let object = Object::Stage(name.to_owned());
        let permit = self.allow(operation, &object)?;
        let account = permit.account();
        let instance = &self.instance;
        let enabled = |name: &str| {
            instance.enabled_stage(account, name).map_err(|error| {
                if error.reason() == Reason::StageDisabled {
                    self.refused(operation, &object, error)
                } else {
                    error
                }
            })
        };
        let stage = enabled(name)?;
        self.allow_stage_found(operation, &object, stage.id)?;
        instance.locate(account, stage, &mut |name| enabled(name))
    }

    /// Whether the operator says which folders the principal's account may use.
    pub(crate) fn paths_are_listed(&self) -> bool {
        allowed_paths(&self.instance.settings.paths, self.principal.account()).is_some()
    }
}

impl Instance {
    /// Opens a stage's place.
    ///
    /// # Errors
    /// The place's own, naming the stage.
    pub(crate) async fn open_stage(self: &Arc<Self>, located: Located) -> Result<OpenStage> {
        let place = match &located.at {
            At::Internal {
                account,
                stage_id,
                prefix,
            } => {
                let below = prefix.as_ref().map_or("", ObjectPath::as_str);
                format!("internal:{}/{stage_id}/{below}", account.id)
            }
            At::Temporary(stage) => stage.place(),
            At::Place { location, .. } => location.to_string(),
        };
        let opened = match &located.at {
            At::Internal {
                account,
                stage_id,
                prefix,
            } => {
                self.internal
                    .stages
                    .open(account, *stage_id, prefix.as_ref())
                    .await
            }
            At::Temporary(stage) => stage.open(&self.internal.stages).await,
            At::Place {
                location,
                credentials,
            } => self
                .open_place(&located.account, location, credentials.as_deref())
                .await
                .map_err(|error| error.within(format_args!("stage '{}'", located.name))),
        };
        let store = opened?;
        let store = match &located.known {
            Some(found) => store.knowing(known(found)),
            None => store,
        };
        let store = store.called(&format!("stage '{}'", located.name));
        let temporary = match located.at {
            At::Temporary(stage) => Some(stage),
            At::Internal { .. } | At::Place { .. } => None,
        };
        Ok(OpenStage {
            place,
            temporary,
            store,
            name: located.name,
            id: located.id,
            version: located.version,
            url: located.url,
            parents: located.parents,
            policies: located.policies,
        })
    }

    /// Finds an export's stage as it was when the export was admitted: for recovery. Blocking.
    pub(crate) fn locate_stage_of(&self, export: &ExportRecord) -> Result<Located> {
        let Some((name, version)) = &export.stage else {
            return Err(Error::defect("a local export's stage was asked for"));
        };
        self.locate_pinned(
            &export.account,
            &PinnedStage {
                name: name.clone(),
                id: export.stage_id,
                version: *version,
                parents: export.stage_parents.clone(),
            },
        )
    }

    /// Finds a stage as it was at a version, parents included, whatever its name and state now. Blocking.
    pub(crate) fn locate_pinned(&self, account: &str, pinned: &PinnedStage) -> Result<Located> {
        let (name, version) = (&pinned.name, pinned.version);
        let record = match pinned.id {
            Some(id) => self.stage_version(account, id, name, version)?,
            None => self
                .catalog
                .stage_at(account, name, version)?
                .ok_or_else(|| no_version(name, version))?,
        };
        let mut parents = pinned.parents.iter();
        self.locate(account, record, &mut |name| match parents.next() {
            Some((id, version)) => self.stage_version(account, *id, name, *version),
            // A record of format 1 has none.
            None => self.stage_in_any_state(account, name),
        })
    }

    fn stage_version(
        &self,
        account: &str,
        id: u64,
        name: &str,
        version: u64,
    ) -> Result<StageRecord> {
        self.catalog
            .stage_history_by_id(account, id)?
            .into_iter()
            .find(|record| record.version == version)
            .ok_or_else(|| no_version(name, version))
    }

    /// The folder of an absolute local path of an account's export, and the file's name in it.
    pub(crate) async fn open_local(
        self: &Arc<Self>,
        account: &str,
        path: &str,
    ) -> Result<(Store, ObjectPath)> {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        let name = ObjectPath::parse(name)?;
        let place = self.open_place(account, &folder_of(path), None).await?;
        Ok((place, name))
    }

    /// Opens a place for an account. A folder that it may not use is refused in one way, whether it is there or
    /// not, so that nobody learns what the server's machine holds.
    async fn open_place(
        self: &Arc<Self>,
        account: &str,
        location: &Location,
        credentials: Option<&BucketCredentials>,
    ) -> Result<Store> {
        self.check_folder(account, location).await?;
        Ok(Store::open(location, credentials, &self.policy(account)).await?)
    }

    /// That the account may use this folder, be it there or not; other places pass.
    pub(crate) async fn check_folder(
        self: &Arc<Self>,
        account: &str,
        location: &Location,
    ) -> Result<()> {
        let (location, account) = (location.clone(), account.to_owned());
        self.blocking(move |instance| instance.check_folder_blocking(&account, &location))
            .await
    }

    /// The same, for a thread that may block.
    pub(crate) fn check_folder_blocking(&self, account: &str, location: &Location) -> Result<()> {
        let root = match location {
            Location::Folder { root, .. } => root,
            Location::Bucket { .. } | Location::SubStage { .. } | Location::Memory(_) => {
                return Ok(());
            }
        };
        let listed = allowed_paths(&self.settings.paths, account);
        self.policy(account).check_location(location).map_err(|error| {
            let outside = listed.is_some_and(|allowed| {
                !allowed.iter().any(|own| Path::new(root).starts_with(own))
            });
            if outside {
                return Error::internal(
                    Reason::PermissionDenied,
                    format_args!(
                        "path '{}' is not permitted: the settings paths.allow and paths.accounts do not list it for account {account}",
                        Path::new(root).display()
                    ),
                );
            }
            error.into()
        })
    }

    /// Finds a stage's place; `parent` looks up the stages that its URL goes through.
    fn locate(
        &self,
        account: &str,
        record: StageRecord,
        parent: &mut dyn FnMut(&str) -> Result<StageRecord>,
    ) -> Result<Located> {
        let mut above = Vec::new();
        let mut parent = |name: &str| {
            let record = parent(name)?;
            above.push(record.clone());
            Ok(record)
        };
        let (at, parents) = self
            .follow(account, &record, &mut parent)
            .map_err(|error| {
                // Of a parent stage, and exact already.
                let is_exact = [Reason::StageDisabled, Reason::StageNotFound];
                match is_exact.contains(&error.reason()) {
                    true => error,
                    false => error.within(format_args!("stage '{}'", record.name)),
                }
            })?;
        let known = self.known_of(account, &record, &above, &parents)?;
        let stages: Vec<&StageRecord> = std::iter::once(&record).chain(&above).collect();
        Ok(Located {
            policies: Policies::of(account, &stages),
            known,
            name: record.name,
            id: record.id,
            version: record.version,
            url: record.definition.url,
            parents,
            account: account.to_owned(),
            at,
        })
    }

    /// What is known of a stage's place: what was found out about the stage itself, or else about the nearest
    /// stage that it lies in, as long as what that one lies in is what it was.
    fn known_of(
        &self,
        account: &str,
        record: &StageRecord,
        above: &[StageRecord],
        parents: &[(u64, u64)],
    ) -> Result<Option<StageCapabilities>> {
        for (depth, stage) in std::iter::once(record).chain(above).enumerate() {
            if let Some(found) = self.catalog.stage_capabilities(account, stage)?
                && parents.get(depth..) == Some(&found.parents[..])
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Finds the place of a stage, whatever its state and that of the stages it lies in, of which each is shown to
    /// `passing`. Blocking.
    pub(crate) fn locate_in_any_state(
        &self,
        account: &str,
        record: StageRecord,
        passing: &mut dyn FnMut(&StageRecord),
    ) -> Result<Located> {
        self.locate(account, record, &mut |name| {
            let parent = self.stage_in_any_state(account, name)?;
            passing(&parent);
            Ok(parent)
        })
    }

    /// The place that a stage leads to, and the ids and versions of the stages on the way. A bucket is opened with
    /// the keys of the nearest stage that has any, where the stage with its URL says that it is.
    fn follow(
        &self,
        account: &str,
        stage: &StageRecord,
        parent: &mut dyn FnMut(&str) -> Result<StageRecord>,
    ) -> Result<(At, Vec<(u64, u64)>)> {
        let mut record = stage.clone();
        let mut below: Option<ObjectPath> = None;
        let mut keys_of: Option<StageRecord> = None;
        let mut parents = Vec::new();
        loop {
            let Some(location) = location_of_stage(&record)? else {
                let at = At::Internal {
                    account: self.account(account)?,
                    stage_id: record.id,
                    prefix: below,
                };
                return Ok((at, parents));
            };
            if keys_of.is_none() && !record.definition.credentials.is_empty() {
                keys_of = Some(record.clone());
            }
            let location = match &below {
                Some(below) => location.join(below),
                None => location,
            };
            match location {
                Location::SubStage {
                    parent: name,
                    prefix,
                } => {
                    if parents.len() == SUB_STAGE_DEPTH_MAX {
                        return Err(Error::internal(
                            Reason::StageInvalid,
                            format_args!(
                                "stage '{}' goes through more than {SUB_STAGE_DEPTH_MAX} stages",
                                stage.name
                            ),
                        ));
                    }
                    record = parent(&name)?;
                    parents.push((record.id, record.version));
                    below = prefix;
                }
                Location::Folder { .. } | Location::Bucket { .. } | Location::Memory(_) => {
                    let credentials = match &keys_of {
                        Some(stage) if stage.id == record.id => {
                            credentials::open(self, account, stage)?
                        }
                        Some(stage) => {
                            Some(credentials::open_within(self, account, stage, &record)?)
                        }
                        None => None,
                    };
                    let at = At::Place {
                        location,
                        credentials: credentials.map(Box::new),
                    };
                    return Ok((at, parents));
                }
            }
        }
    }

    fn account(&self, account: &str) -> Result<AccountRecord> {
        self.catalog
            .account(account)?
            .ok_or_else(|| Error::defect(format_args!("account '{account}' is gone")))
    }

    fn stage_in_any_state(&self, account: &str, name: &str) -> Result<StageRecord> {
        self.catalog.stage(account, name)?.ok_or_else(|| {
            Error::internal(
                Reason::StageNotFound,
                format_args!("stage '{name}' is not exists, please check"),
            )
        })
    }

    fn enabled_stage(&self, account: &str, name: &str) -> Result<StageRecord> {
        let record = self.stage_in_any_state(account, name)?;
        if !record.definition.enabled {
            return Err(Error::internal(
                Reason::StageDisabled,
                format_args!("stage '{name}' is invalid, please check"),
            ));
        }
        Ok(record)
    }

    /// That the operator lets buckets be at this endpoint: a host with a scheme and a port, or without.
    pub(crate) fn check_endpoint(&self, endpoint: &str) -> Result<()> {
        let endpoint: Endpoint = endpoint
            .parse()
            .map_err(|e| Error::invalid_configuration(Reason::StageInvalid, &e))?;
        self.endpoints
            .check(&endpoint.host, endpoint.port(), endpoint.scheme)
            .map(|_| ())
            .map_err(|e| Error::internal(Reason::PermissionDenied, &e).with_source(e))
    }

    /// What an account's places may touch on this machine.
    pub(crate) fn policy(&self, account: &str) -> storage::Policy {
        self.own
            .policy(allowed_paths(&self.settings.paths, account))
            .buckets(self.transport.clone())
    }
}

/// The folders that an account may use; `None` is any but the server's own. Tenants have those only that the
/// operator lists for them.
fn allowed_paths<'a>(paths: &'a PathSettings, account: &str) -> Option<&'a [PathBuf]> {
    match paths.accounts.get(account) {
        Some(own) => Some(own),
        None if account == SYS => paths.allow.as_deref(),
        None => Some(paths.allow.as_deref().unwrap_or_default()),
    }
}

fn no_version(name: &str, version: u64) -> Error {
    Error::internal(
        Reason::StageNotFound,
        format_args!("stage '{name}' has no version {version}"),
    )
}

/// The folder of an absolute local path.
pub(crate) fn folder_of(path: &str) -> Location {
    let (folder, _) = path.rsplit_once('/').unwrap_or((".", path));
    let folder = if folder.is_empty() { "/" } else { folder };
    Location::Folder {
        root: folder.into(),
        prefix: None,
    }
}

/// The location of a stage's URL; `None` for an internal stage.
fn location_of_stage(stage: &StageRecord) -> Result<Option<Location>> {
    stage
        .definition
        .url
        .as_ref()
        .map(|url| location_of(url, &stage.definition.credentials))
        .transpose()
}

/// The location that a stage's URL means; the original's form, an endpoint without a scheme, is kept as it was given.
pub(crate) fn location_of(url: &str, credentials: &Credentials) -> Result<Location> {
    if url.contains("://") || url.starts_with('/') {
        return Ok(Location::parse(url)?);
    }
    let provider = credentials
        .get(CredentialKey::Provider.as_str())
        .and_then(Credential::plain_value);
    Ok(Location::parse_endpoint(url, provider)?)
}
