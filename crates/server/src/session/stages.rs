//! The operations on stages: CREATE, ALTER, RENAME, ROLLBACK, DROP, UNDROP, and reading them and their history.
//! SQL and StageService both end here. Order of checks as MatrixOne's, after the gate's.

use std::collections::BTreeSet;

use catalog::{
    Altered, Created, Credential, Credentials, Expected, OnExists, StageCapabilities, StageChanges,
    StageDefinition, StagePolicy, StageRecord,
};
use parser::{CredentialKey, PolicyKey, StageUrl};
use secrecy::{ExposeSecret, SecretString};
use storage::Location;

use crate::error::{About, Error, Reason, Result, Subject};
use crate::gate::{Acting, Object, Operation, Permit};
use crate::places::{Proposed, check_reference, location_of};
use crate::policies::policy_of;
use crate::settings::DefaultState;

use super::Session;
use super::etag::Etag;

/// What a caller says of a stage; each property is there when it was given.
#[derive(Debug, Clone, Default)]
pub(crate) struct StageProperties {
    /// `Some(None)` is an internal stage.
    pub(crate) url: Option<Option<StageUrl>>,
    /// The whole set, in the place of the one before.
    pub(crate) credentials: Option<Vec<(CredentialKey, SecretString)>>,
    pub(crate) enabled: Option<bool>,
    pub(crate) directory: Option<bool>,
    pub(crate) comment: Option<String>,
    /// The whole set, in the place of the one before.
    pub(crate) policy: Option<Vec<(PolicyKey, String)>>,
}

/// A stage to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewStage {
    pub(crate) name: String,
    pub(crate) properties: StageProperties,
    pub(crate) on_exists: OnExists,
}

/// A stage to be changed.
#[derive(Debug, Clone)]
pub(crate) struct StageUpdate {
    pub(crate) name: String,
    pub(crate) properties: StageProperties,
    pub(crate) etag: Etag,
}

/// How a change is to be made, whatever it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChangeMode {
    /// Check everything and change nothing.
    pub(crate) validate_only: bool,
    /// The same id again answers with the first result.
    pub(crate) request_id: Option<String>,
}

impl Session {
    /// # Errors
    /// [`Reason::StageExists`], [`Reason::StageInvalid`], [`Reason::SecretUnavailable`].
    pub(crate) async fn create_stage(
        &self,
        new: NewStage,
        mode: ChangeMode,
    ) -> Result<Created<StageRecord>> {
        let object = Object::Stage(new.name.clone());
        self.change(
            Operation::CreateStage,
            object,
            mode,
            move |acting, permit| {
                let catalog = &acting.instance.catalog;
                let NewStage {
                    name,
                    properties,
                    on_exists,
                } = new;
                // Whether it exists comes before whether its options are right, as in MatrixOne.
                // It may be this very request's, which the catalog remembers.
                if !permit.may_be_repeated()
                    && let Some(existing) = catalog.stage(permit.account(), &name)?
                {
                    match on_exists {
                        OnExists::Keep => return Ok(super::access::kept(existing)),
                        OnExists::Error => return Err(stage_exists(&name)),
                        OnExists::Replace => {}
                    }
                }
                let definition = acting.definition(properties)?;
                catalog
                    .create_stage(permit.actor(), &name, definition, on_exists, Expected::Any)
                    .about(Subject::Stage)
            },
        )
        .await
    }

    /// Sets properties, all of them in one version; values that are there already make none.
    ///
    /// # Errors
    /// [`Reason::StageOptionCount`] for none; [`Reason::StageNotFound`], [`Reason::StageVersionConflict`], those of a
    /// location.
    pub(crate) async fn alter_stage(
        &self,
        update: StageUpdate,
        mode: ChangeMode,
    ) -> Result<Altered<StageRecord>> {
        self.refuse_temporary(&update.name, "ALTER STAGE")?;
        let object = Object::Stage(update.name.clone());
        self.change(
            Operation::AlterStage,
            object,
            mode,
            move |acting, permit| {
                if update.properties.count() == 0 {
                    return Err(Error::internal(
                        Reason::StageOptionCount,
                        "at least one option at a time",
                    ));
                }
                let current = acting.existing_stage(permit, &update.name)?;
                let expected = update.etag.expected(&current, permit)?;
                let changes = acting.changes(update.properties, &current)?;
                acting
                    .instance
                    .catalog
                    .alter_stage(permit.actor(), &update.name, changes, expected)
                    .about(Subject::Stage)
            },
        )
        .await
    }

    /// ALTER STAGE … SET, which takes exactly one option. Gives whether it changed anything.
    ///
    /// # Errors
    /// [`Reason::StageOptionCount`], after the gate and before anything else; those of [`Session::alter_stage`].
    pub(crate) async fn alter_stage_by_statement(&self, update: StageUpdate) -> Result<bool> {
        if update.properties.count() > 1 {
            let object = Object::Stage(update.name);
            self.allow(Operation::AlterStage, object).await?;
            return Err(Error::internal(
                Reason::StageOptionCount,
                "at most one option at a time",
            ));
        }
        let altered = self.alter_stage(update, ChangeMode::default()).await?;
        Ok(altered.changed)
    }

    pub(crate) async fn rename_stage(
        &self,
        name: String,
        new_name: String,
        etag: Etag,
        mode: ChangeMode,
    ) -> Result<StageRecord> {
        self.refuse_temporary(&name, "ALTER STAGE")?;
        self.change(
            Operation::RenameStage,
            Object::Stage(name.clone()),
            mode,
            move |acting, permit| {
                // Asked for again, it has its new name already, and the catalog its first answer.
                let expected = match acting.existing_stage(permit, &name) {
                    Ok(current) => etag.expected(&current, permit)?,
                    Err(_) if permit.may_be_repeated() => match etag.parts() {
                        Some((_, version)) => Expected::Version(version),
                        None => Expected::Any,
                    },
                    Err(error) => return Err(error),
                };
                acting
                    .instance
                    .catalog
                    .rename_stage(permit.actor(), &name, &new_name, expected)
                    .about(Subject::Stage)
            },
        )
        .await
    }

    pub(crate) async fn rollback_stage(
        &self,
        name: String,
        version: u64,
        etag: Etag,
        mode: ChangeMode,
    ) -> Result<StageRecord> {
        self.refuse_temporary(&name, "ALTER STAGE")?;
        self.change(
            Operation::RollbackStage,
            Object::Stage(name.clone()),
            mode,
            move |acting, permit| {
                let current = acting.existing_stage(permit, &name)?;
                let expected = etag.expected(&current, permit)?;
                acting
                    .instance
                    .catalog
                    .rollback_stage(permit.actor(), &name, version, expected)
                    .about(Subject::Stage)
            },
        )
        .await
    }

    /// Drops a stage, with `cascade` its sub-stages, too: a temporary one of the session before a permanent one of
    /// that name. Gives all that were dropped.
    pub(crate) async fn drop_stage(
        &self,
        name: String,
        etag: Etag,
        cascade: bool,
        mode: ChangeMode,
    ) -> Result<Vec<StageRecord>> {
        if let Some(dropped) = self.drop_temporary_stage(&name, cascade).await? {
            return Ok(dropped);
        }
        self.change(
            Operation::DropStage,
            Object::Stage(name.clone()),
            mode,
            move |acting, permit| {
                let expected = match acting.instance.catalog.stage(permit.account(), &name)? {
                    Some(current) => etag.expected(&current, permit)?,
                    // Perhaps by this very request, which the catalog remembers.
                    None if permit.may_be_repeated() => etag
                        .parts()
                        .map_or(Expected::Any, |(_, version)| Expected::Version(version)),
                    None => return Err(stage_not_exists(&name)),
                };
                acting
                    .instance
                    .catalog
                    .drop_stage(permit.actor(), &name, expected, cascade)
                    .about(Subject::Stage)
            },
        )
        .await
    }

    pub(crate) async fn undrop_stage(
        &self,
        name: String,
        etag: Etag,
        mode: ChangeMode,
    ) -> Result<StageRecord> {
        self.change(
            Operation::UndropStage,
            Object::Stage(name.clone()),
            mode,
            move |acting, permit| {
                let expected = etag.expected_of_dropped()?;
                acting
                    .instance
                    .catalog
                    .undrop_stage(permit.actor(), &name, expected)
                    .about(Subject::Stage)
            },
        )
        .await
    }

    /// The live stages of the account that the principal may see, and the temporary ones of the session, by name: those
    /// whose names begin with `prefix`, and of which `is_wanted` says so.
    pub(crate) async fn stages(
        &self,
        prefix: String,
        is_wanted: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Vec<StageRecord>> {
        // One that is hidden by a temporary one is not shown.
        let mut own = self.temporary.records();
        let hidden: BTreeSet<String> = own.iter().map(|own| own.name.clone()).collect();
        own.retain(|own| own.name.starts_with(&prefix) && is_wanted(&own.name));
        let mut stages = self
            .act(
                Operation::ShowStages,
                Object::Account,
                move |acting, permit| {
                    let is_shown = |name: &str| is_wanted(name) && !hidden.contains(name);
                    let catalog = &acting.instance.catalog;
                    acting.visible_stages(catalog.stages_named(
                        permit.account(),
                        &prefix,
                        is_shown,
                    )?)
                },
            )
            .await?;
        stages.extend(own);
        stages.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(stages)
    }

    /// A live stage, and what is known of its place.
    pub(crate) async fn described_stage(
        &self,
        name: String,
    ) -> Result<(StageRecord, Option<StageCapabilities>)> {
        if let Some(stage) = self.temporary.get(&name) {
            return Ok((stage.record.clone(), None));
        }
        self.act(
            Operation::DescribeStage,
            Object::Stage(name.clone()),
            move |acting, permit| {
                let stage = acting.existing_stage(permit, &name)?;
                let catalog = &acting.instance.catalog;
                let known = catalog.stage_capabilities(permit.account(), &stage)?;
                Ok((stage, known))
            },
        )
        .await
    }

    /// One version of a stage.
    pub(crate) async fn stage_at(&self, name: String, version: u64) -> Result<StageRecord> {
        self.act(
            Operation::ShowStageHistory,
            Object::Stage(name.clone()),
            move |acting, permit| {
                let found = acting
                    .instance
                    .catalog
                    .stage_at(permit.account(), &name, version)?;
                found.ok_or_else(|| {
                    Error::internal(
                        Reason::StageNotFound,
                        format_args!("the stage {name} has no version {version}"),
                    )
                })
            },
        )
        .await
    }

    /// All versions of a stage, the first one first.
    pub(crate) async fn stage_history(&self, name: String) -> Result<Vec<StageRecord>> {
        self.refuse_temporary(&name, "history")?;
        self.act(
            Operation::ShowStageHistory,
            Object::Stage(name.clone()),
            move |acting, permit| {
                let versions = acting
                    .instance
                    .catalog
                    .stage_history(permit.account(), &name)?;
                if versions.is_empty() {
                    return Err(stage_not_exists(&name));
                }
                Ok(versions)
            },
        )
        .await
    }
}

impl StageProperties {
    /// How many were given.
    pub(crate) fn count(&self) -> usize {
        usize::from(self.url.is_some())
            + usize::from(self.credentials.is_some())
            + usize::from(self.enabled.is_some())
            + usize::from(self.directory.is_some())
            + usize::from(self.comment.is_some())
            + usize::from(self.policy.is_some())
    }
}

impl Acting {
    fn existing_stage(&self, permit: &Permit, name: &str) -> Result<StageRecord> {
        self.instance
            .catalog
            .stage(permit.account(), name)?
            .ok_or_else(|| stage_not_exists(name))
    }

    fn definition(&self, properties: StageProperties) -> Result<StageDefinition> {
        let enabled = properties
            .enabled
            .unwrap_or(self.instance.settings.stages.default_state == DefaultState::Enabled);
        let given = properties.credentials.unwrap_or_default();
        let credentials = self.credentials(given.clone())?;
        let proposed = Proposed::given(&given);
        let url = match properties.url.flatten() {
            Some(url) => {
                let kept = self.checked_url(&url, &credentials)?;
                proposed.check_for(&location_of(&kept, &credentials)?, &self.instance)?;
                Some(kept)
            }
            None => None,
        };
        Ok(StageDefinition {
            url,
            enabled,
            directory: properties.directory.unwrap_or(enabled),
            comment: properties.comment.unwrap_or_default(),
            credentials,
            policy: policy(&properties.policy.unwrap_or_default())?,
        })
    }

    fn changes(&self, properties: StageProperties, current: &StageRecord) -> Result<StageChanges> {
        let mut proposed = None;
        let credentials = match properties.credentials {
            Some(given) => {
                let kept = self.credentials(given.clone())?;
                proposed = Some(Proposed::given(&given));
                Some(kept)
            }
            None => None,
        };
        let in_force = credentials
            .as_ref()
            .unwrap_or(&current.definition.credentials);
        let url = match properties.url {
            Some(Some(url)) => Some(Some(self.checked_url(&url, in_force)?)),
            Some(None) => Some(None),
            None => None,
        };
        // New credentials may name another endpoint for the URL that stays.
        if let (None, Some(kept), true) = (&url, &current.definition.url, credentials.is_some()) {
            self.check_location(&location_of(kept, in_force)?, in_force)?;
        }
        let url_after = match &url {
            Some(url) => url.as_deref(),
            None => current.definition.url.as_deref(),
        };
        if let (true, Some(url)) = (url.is_some() || proposed.is_some(), url_after) {
            let proposed = match proposed {
                Some(proposed) => proposed,
                None => Proposed::of_stage(&self.instance, self.principal.account(), current)?,
            };
            proposed.check_for(&location_of(url, in_force)?, &self.instance)?;
        }
        Ok(StageChanges {
            url,
            enabled: properties.enabled,
            directory: properties.directory,
            comment: properties.comment,
            credentials,
            policy: properties.policy.as_deref().map(policy).transpose()?,
        })
    }

    /// The credentials as they are kept: what is secret to be sealed, what the operator lets be a reference as one.
    pub(super) fn credentials(
        &self,
        given: Vec<(CredentialKey, SecretString)>,
    ) -> Result<Credentials> {
        let list = given
            .into_iter()
            .map(|(key, value)| {
                let text = value.expose_secret();
                if text.starts_with("env:") || text.starts_with("file:") {
                    // Of what is no secret, errors may tell the value.
                    if !key.is_secret() {
                        return Err(Error::invalid_configuration(
                            Reason::StageInvalid,
                            format_args!(
                                "'{}' cannot be a reference (env:… or file:…): only keys, tokens and roles can",
                                key.as_str()
                            ),
                        ));
                    }
                    let reference = text.to_owned();
                    check_reference(
                        &self.instance.settings,
                        self.principal.account(),
                        &reference,
                    )?;
                    return Ok(Credential::reference(key.as_str(), reference));
                }
                Ok(if key.is_secret() {
                    Credential::secret(key.as_str(), value)
                } else {
                    Credential::plain(key.as_str(), text)
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Credentials::new(list).about(Subject::Stage)
    }

    /// The URL as it is kept, once it is one that could be opened as far as is known without opening it.
    fn checked_url(&self, url: &StageUrl, credentials: &Credentials) -> Result<String> {
        let provider = credentials
            .get(CredentialKey::Provider.as_str())
            .and_then(Credential::plain_value);
        let invalid = |e| Error::invalid_configuration(Reason::StageInvalid, &e);
        let (location, kept) = match url {
            StageUrl::Location(text) => {
                let location = Location::parse(text).map_err(invalid)?;
                let kept = as_given(text, &location);
                (location, kept)
            }
            StageUrl::Endpoint(text) => (
                Location::parse_endpoint(text, provider).map_err(invalid)?,
                text.clone(),
            ),
        };
        self.check_location(&location, credentials)?;
        Ok(kept)
    }

    /// Refuses places that could never be opened. A folder that is only missing may still come.
    fn check_location(&self, location: &Location, credentials: &Credentials) -> Result<()> {
        let account = self.principal.account();
        match location {
            Location::Bucket { endpoint, .. } => {
                let endpoint = endpoint.as_deref().or_else(|| {
                    credentials
                        .get(CredentialKey::Endpoint.as_str())
                        .and_then(Credential::plain_value)
                });
                match endpoint {
                    Some(endpoint) => self.instance.check_endpoint(endpoint),
                    None => Ok(()),
                }
            }
            Location::Folder { .. } => self.instance.check_folder_blocking(account, location),
            Location::SubStage { parent, .. } => self.refuse_temporary_parent(parent),
            Location::Memory(_) => Ok(()),
        }
    }
}

fn policy(rules: &[(PolicyKey, String)]) -> Result<StagePolicy> {
    policy_of(rules.iter().map(|(key, value)| (*key, value.as_str())))
}

/// A URL is kept as it was given; only a sub-stage's parent is folded, as every stage's name is.
fn as_given(text: &str, location: &Location) -> String {
    match location {
        Location::SubStage { parent, .. } => {
            let (scheme, rest) = text.split_once("://").unwrap_or(("stage", text));
            let below = rest.find('/').map_or("", |at| &rest[at..]);
            format!("{scheme}://{parent}{below}")
        }
        Location::Folder { .. } | Location::Bucket { .. } | Location::Memory(_) => text.to_owned(),
    }
}

pub(crate) fn stage_exists(name: &str) -> Error {
    Error::internal(Reason::StageExists, format_args!("the stage {name} exists"))
}

pub(crate) fn stage_not_exists(name: &str) -> Error {
    Error::internal(
        Reason::StageNotFound,
        format_args!("the stage {name} not exists"),
    )
}
