//! The files of internal stages: below the data directory, or where the operator places them. A stage's files are
//! known by ids, its account's and its own, which no later one of the same name has.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::{AccountRecord, Catalog, Remains};
use futures::TryStreamExt;
use parser::CredentialKey;
use secrecy::SecretString;
use storage::{BucketCredentials, Location, ObjectPath, Policy, Store, Transport};

use super::temporary::TemporaryFolders;
use crate::error::{Error, Result};
use crate::gate::{SYS, system_actor};
use crate::instance::blocking;
use crate::places::resolve_reference;
use crate::settings::InternalSettings;

/// How many of a bucket's files are removed at a time.
const REMOVALS: usize = 8;

/// How many remains are looked up, and struck off, at a time.
const REMAINS_PAGE: usize = 100;

/// Where internal stages have their files.
#[derive(Debug)]
pub(crate) struct InternalStages {
    top: Location,
    credentials: Option<BucketCredentials>,
    policy: Policy,
    /// The id of account `sys`, whose stages were at the top before there were other accounts.
    sys_id: u64,
    pub(crate) temporary: Arc<TemporaryFolders>,
}

impl InternalStages {
    /// Reads where they are; opens nothing, so that a store that is away for a while keeps no server from starting.
    ///
    /// # Errors
    /// Settings that make no place, and references to credentials that cannot be read.
    pub(crate) fn new(
        settings: &InternalSettings,
        data_dir: &Path,
        transport: Transport,
        catalog: &Catalog,
    ) -> Result<Self> {
        let own = data_dir.join("stages");
        let top = match &settings.stages {
            Some(url) => Location::parse(url)?,
            None => Location::Folder {
                root: own.clone(),
                prefix: None,
            },
        };
        if settings.stages.is_some() && own.is_dir() {
            tracing::warn!(
                folder = %own.display(),
                "the setting internal.stages names another place, but there are files of internal stages in the data directory: they are not seen; move what is below this folder there"
            );
        }
        let sys = catalog.account(SYS)?;
        Ok(Self {
            top,
            credentials: credentials(settings)?,
            policy: Policy::default().buckets(transport),
            sys_id: sys.map_or(0, |account| account.id),
            temporary: Arc::default(),
        })
    }

    /// The folder that no other stage may reach, if it is one of this machine.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        folder_of(&self.top)
    }

    /// Opens the place of a stage's files, or a folder in it.
    ///
    /// # Errors
    /// The place's.
    pub(crate) async fn open(
        &self,
        account: &AccountRecord,
        stage_id: u64,
        prefix: Option<&ObjectPath>,
    ) -> Result<Store> {
        let place = self.place(&Remains::Stage {
            account_id: account.id,
            stage_id,
        })?;
        self.open_below(&place, prefix).await
    }

    /// Opens a stage's place, making its folder, or a folder in it.
    pub(super) async fn open_below(
        &self,
        place: &Location,
        prefix: Option<&ObjectPath>,
    ) -> Result<Store> {
        if let Some(folder) = folder_of(place) {
            tokio::fs::create_dir_all(&folder).await.map_err(|e| {
                Error::defect(format_args!("failed to create '{}': {e}", folder.display()))
            })?;
        }
        match prefix {
            Some(prefix) => self.store(&place.join(prefix)).await,
            None => self.store(place).await,
        }
    }

    /// Removes the files that the catalog says nobody can bring back, and strikes them off. What cannot be removed
    /// now stays on record and is tried again the next time. Gives of how many stages and accounts it was.
    ///
    /// # Errors
    /// The catalog's. Those of places are logged.
    pub(crate) async fn remove_remains(&self, catalog: &Arc<Catalog>) -> Result<usize> {
        let mut removed = 0;
        loop {
            let page = {
                let catalog = Arc::clone(catalog);
                blocking(move || Ok(catalog.remains(REMAINS_PAGE)?)).await?
            };
            let is_last = page.len() < REMAINS_PAGE;
            let mut gone = Vec::new();
            for remains in page {
                match self.remove(&remains).await {
                    Ok(()) => gone.push(remains),
                    Err(error) => tracing::warn!(
                        ?remains,
                        error = error.message(),
                        "failed to remove the files of a dropped internal stage; it is tried again later"
                    ),
                }
            }
            let none_went = gone.is_empty();
            removed += gone.len();
            if !none_went {
                let catalog = Arc::clone(catalog);
                blocking(move || Ok(catalog.remains_removed(&system_actor(SYS), &gone)?)).await?;
            }
            if is_last || none_went {
                return Ok(removed);
            }
        }
    }

    async fn remove(&self, remains: &Remains) -> Result<()> {
        self.remove_place(&self.place(remains)?).await
    }

    /// Removes all that is in a place, which nobody uses any more. Idempotent.
    pub(super) async fn remove_place(&self, place: &Location) -> Result<()> {
        if let Some(folder) = folder_of(place) {
            return match tokio::fs::remove_dir_all(&folder).await {
                Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::defect(format_args!(
                    "failed to remove '{}': {e}",
                    folder.display()
                ))),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        let store = self.store(place).await?;
        store.sweep_all().await?;
        store
            .list(None)
            .try_for_each_concurrent(REMOVALS, |file| {
                let store = store.clone();
                async move { store.delete(&file.path).await }
            })
            .await?;
        Ok(())
    }

    /// `STAGE` for account `sys`, `account-ACCOUNT/STAGE` for others.
    fn place(&self, of: &Remains) -> Result<Location> {
        let path = match of {
            Remains::Stage {
                account_id,
                stage_id,
            } if *account_id == self.sys_id => stage_id.to_string(),
            Remains::Stage {
                account_id,
                stage_id,
            } => format!("account-{account_id}/{stage_id}"),
            Remains::Account { account_id } => format!("account-{account_id}"),
        };
        self.below(&path)
    }

    /// A place below that of them all.
    pub(super) fn below(&self, path: &str) -> Result<Location> {
        Ok(match folder_of(&self.top) {
            // A stage's drafts lie beside its files, in a folder of its own.
            Some(top) => Location::Folder {
                root: top.join(path),
                prefix: None,
            },
            None => self.top.join(&ObjectPath::parse(path)?),
        })
    }

    async fn store(&self, place: &Location) -> Result<Store> {
        Ok(Store::open(place, self.credentials.as_ref(), &self.policy).await?)
    }
}

/// The folder that a place is, if it is one of this machine.
pub(super) fn folder_of(place: &Location) -> Option<PathBuf> {
    match place {
        Location::Folder { root, prefix } => Some(match prefix {
            Some(prefix) => root.join(prefix.as_str()),
            None => root.clone(),
        }),
        Location::Bucket { .. } | Location::SubStage { .. } | Location::Memory(_) => None,
    }
}

/// The credentials of the settings, references resolved.
fn credentials(settings: &InternalSettings) -> Result<Option<BucketCredentials>> {
    if settings.credentials.is_empty() {
        return Ok(None);
    }
    let pairs = settings
        .credentials
        .iter()
        .map(|(name, value)| {
            // Settings are checked; an unknown name gets storage's own words.
            let key = match CredentialKey::from_name(name) {
                Some(key) => key.as_str(),
                None => name.as_str(),
            };
            let value = if value.starts_with("env:") || value.starts_with("file:") {
                resolve_reference(key, value)?
            } else {
                SecretString::from(value.clone())
            };
            Ok((key, value))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Some(BucketCredentials::from_pairs(pairs)?))
}
