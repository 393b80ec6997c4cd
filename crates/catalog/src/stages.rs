//! Stages: what a stage record is, and reading stages, their history and their versions.
//! The changes are in `stages/create.rs`, `stages/change.rs` and `stages/drops.rs`, what they must not break in `stages/rules.rs`.

mod capabilities;
mod change;
mod create;
mod drops;
mod policy;
mod rules;

pub use capabilities::StageCapabilities;
pub use policy::StagePolicy;
pub(crate) use rules::parent as parent_of;

use crate::Catalog;
use crate::error::Error;
use crate::keys;
use crate::secrets::Credentials;
use crate::store::View;

/// What a user says of a stage.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StageDefinition {
    /// The location; `None` is an internal stage. A `stage://parent/…` location makes a sub-stage.
    pub url: Option<String>,
    /// Whether exports may go there and files may be read from there.
    pub enabled: bool,
    /// Whether it has a directory table.
    pub directory: bool,
    /// Free text.
    pub comment: String,
    /// What opening the location takes. Secrets among them are sealed when the stage is stored.
    pub credentials: Credentials,
    /// What may be exported to it.
    pub policy: StagePolicy,
}

impl Default for StageDefinition {
    /// An enabled internal stage.
    fn default() -> Self {
        StageDefinition {
            url: None,
            enabled: true,
            directory: false,
            comment: String::new(),
            credentials: Credentials::default(),
            policy: StagePolicy::default(),
        }
    }
}

/// How a version of a stage came to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StageChangeKind {
    /// The first version.
    Created,
    /// Properties were set.
    Altered,
    /// It got another name.
    Renamed,
    /// It got the definition of an earlier version.
    RolledBack,
    /// `CREATE OR REPLACE` gave it another definition.
    Replaced,
    /// It was dropped; the version keeps the last definition.
    Dropped,
    /// It was brought back.
    Undropped,
}

/// One version of a stage.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StageRecord {
    /// The same in all versions; never given to another stage of the account.
    pub id: u64,
    /// The name at this version.
    pub name: String,
    /// From 1, one more with each change.
    pub version: u64,
    /// What it was defined as.
    pub definition: StageDefinition,
    /// When the first version was made, in microseconds since 1970 UTC.
    pub created_us: u64,
    /// When this version was made, in microseconds since 1970 UTC.
    pub changed_us: u64,
    /// Who made this version, as `account:user` or `account:user:role`.
    pub changed_by: String,
    /// How this version was made.
    pub change: StageChangeKind,
    /// Whether the stage is dropped at this version.
    pub dropped: bool,
}

/// What `ALTER STAGE … SET` sets: the properties that are `Some`, all in one version.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StageChanges {
    /// The location; `Some(None)` makes the stage an internal one.
    pub url: Option<Option<String>>,
    /// The governance state.
    pub enabled: Option<bool>,
    /// The directory table.
    pub directory: Option<bool>,
    /// The free text.
    pub comment: Option<String>,
    /// All credentials, in the place of those before.
    pub credentials: Option<Credentials>,
    /// The whole policy, in the place of the one before.
    pub policy: Option<StagePolicy>,
}

impl StageChanges {
    /// The definition with these changes made; the credentials as given, not yet sealed.
    pub(crate) fn applied_to(self, before: &StageDefinition) -> StageDefinition {
        StageDefinition {
            url: self.url.unwrap_or_else(|| before.url.clone()),
            enabled: self.enabled.unwrap_or(before.enabled),
            directory: self.directory.unwrap_or(before.directory),
            comment: self.comment.unwrap_or_else(|| before.comment.clone()),
            credentials: self
                .credentials
                .unwrap_or_else(|| before.credentials.clone()),
            policy: self.policy.unwrap_or_else(|| before.policy.clone()),
        }
    }
}

impl Catalog {
    /// The current version of a live stage; `None` when there is none of that name.
    pub fn stage(&self, account: &str, name: &str) -> Result<Option<StageRecord>, Error> {
        self.store.read(|view| live(view, account, name))
    }

    /// All live stages, by name.
    pub fn stages(&self, account: &str) -> Result<Vec<StageRecord>, Error> {
        self.store.read(|view| view.list(&keys::stages(account)))
    }

    /// The live stages whose names begin with `prefix` and of which `is_wanted` says so, by name. No other is decoded.
    pub fn stages_named(
        &self,
        account: &str,
        prefix: &str,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<StageRecord>, Error> {
        let all = keys::stages(account);
        let is_wanted = |key: &str| key.strip_prefix(&all).is_some_and(&is_wanted);
        let some = keys::stage(account, prefix);
        self.store.read(|view| view.list_where(&some, is_wanted))
    }

    /// At most `limit` live stages by name, from behind `after_name` or from the first.
    pub fn stages_page(
        &self,
        account: &str,
        after_name: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StageRecord>, Error> {
        let after = keys::stage(account, after_name.unwrap_or_default());
        self.store
            .read(|view| view.list_after(&keys::stages(account), &after, limit))
    }

    /// All versions of the stage of that name, the first version first: of the live one, or else of
    /// the one that was dropped last under this name. Empty when there never was one.
    pub fn stage_history(&self, account: &str, name: &str) -> Result<Vec<StageRecord>, Error> {
        self.store
            .read(|view| match newest_id(view, account, name)? {
                Some(id) => view.list(&keys::stage_versions(account, id)),
                None => Ok(Vec::new()),
            })
    }

    /// All versions of the stage with this id, the first version first, also when it is dropped.
    pub fn stage_history_by_id(&self, account: &str, id: u64) -> Result<Vec<StageRecord>, Error> {
        self.store
            .read(|view| view.list(&keys::stage_versions(account, id)))
    }

    /// One version of the stage that [`Catalog::stage_history`] would tell of.
    pub fn stage_at(
        &self,
        account: &str,
        name: &str,
        version: u64,
    ) -> Result<Option<StageRecord>, Error> {
        self.store
            .read(|view| match newest_id(view, account, name)? {
                Some(id) => view.get(&keys::stage_version(account, id, version)),
                None => Ok(None),
            })
    }

    /// The last version of every dropped stage, by the name it had last, then in the order of the drops.
    pub fn dropped_stages(&self, account: &str) -> Result<Vec<StageRecord>, Error> {
        self.store.read(|view| {
            let mut records = Vec::new();
            for key in view.keys(&keys::stages_dropped(account))? {
                records.extend(last_version(view, account, id_in(&key)?)?);
            }
            Ok(records)
        })
    }

    /// Whether the account has an enabled stage, which is when exports must use one. One seek.
    pub fn any_stage_enabled(&self, account: &str) -> Result<bool, Error> {
        self.store
            .read(|view| view.any(&keys::stages_enabled(account)))
    }
}

pub(crate) fn live(
    view: View<'_>,
    account: &str,
    name: &str,
) -> Result<Option<StageRecord>, Error> {
    view.get(&keys::stage(account, name))
}

/// The stage dropped last under this name, and the key of its mark.
fn newest_dropped(
    view: View<'_>,
    account: &str,
    name: &str,
) -> Result<Option<(String, StageRecord)>, Error> {
    let Some(key) = view.last_key(&keys::stages_dropped_as(account, name))? else {
        return Ok(None);
    };
    let record = last_version(view, account, id_in(&key)?)?;
    Ok(record.map(|record| (key, record)))
}

fn newest_id(view: View<'_>, account: &str, name: &str) -> Result<Option<u64>, Error> {
    Ok(match live(view, account, name)? {
        Some(record) => Some(record.id),
        None => newest_dropped(view, account, name)?.map(|(_, record)| record.id),
    })
}

pub(crate) fn last_version(
    view: View<'_>,
    account: &str,
    id: u64,
) -> Result<Option<StageRecord>, Error> {
    Ok(view.list_back(&keys::stage_versions(account, id), 1)?.pop())
}

fn id_in(key: &str) -> Result<u64, Error> {
    keys::id(keys::last_part(key)).map_err(|e| e.at(format_args!("at the key {key}")))
}
