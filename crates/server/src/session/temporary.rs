//! The operations on the session's own temporary stages. Making one needs what making any stage needs; what is there
//! then is the session's own.

use catalog::{
    AuditOutcome, CreateOutcome, OnExists, StageChangeKind, StageDefinition, StageRecord,
};
use parser::StageUrl;
use storage::{Location, ObjectPath};

use crate::error::{About, Error, Reason, Result, Subject};
use crate::gate::{Acting, Object, Operation, Permit};
use crate::temporary_stages::{TEMPORARY_STAGE_ID, TemporaryStage};

use super::Session;
use super::stages::{NewStage, StageProperties, stage_exists};

impl Session {
    /// CREATE TEMPORARY STAGE: an internal stage that only this session sees, or a part of such a one.
    ///
    /// # Errors
    /// [`Reason::NotSupported`] for a call that is in no session; [`Reason::StageExists`]; [`Reason::StageInvalid`] for
    /// what a temporary stage cannot have; [`Reason::LimitExceeded`].
    pub(crate) async fn create_temporary_stage(&self, new: NewStage) -> Result<CreateOutcome> {
        let object = Object::Stage(new.name.clone());
        self.act(
            Operation::CreateStage,
            object.clone(),
            move |acting, permit| {
                let there = acting.temporary.get(&new.name).is_some();
                if there {
                    match new.on_exists {
                        OnExists::Keep => return Ok(CreateOutcome::Kept),
                        OnExists::Error => return Err(stage_exists(&new.name)),
                        OnExists::Replace => {}
                    }
                }
                let stage = acting.temporary_stage(permit, new.name, new.properties)?;
                let replaces = new.on_exists == OnExists::Replace;
                acting.temporary.put(stage, replaces)?;
                let done = AuditOutcome::Done;
                acting.record(
                    Operation::CreateStage,
                    &object,
                    done,
                    "temporary, of its session",
                );
                Ok(match there {
                    true => CreateOutcome::Replaced,
                    false => CreateOutcome::Created,
                })
            },
        )
        .await
    }

    /// Drops a temporary stage of the session, with its files; `None` where it has none of this name.
    ///
    /// # Errors
    /// [`Reason::StageInUse`].
    pub(super) async fn drop_temporary_stage(
        &self,
        name: &str,
        cascade: bool,
    ) -> Result<Option<Vec<StageRecord>>> {
        if self.temporary.get(name).is_none() {
            return Ok(None);
        }
        let dropped = self.temporary.remove(name, cascade)?;
        // A server inside another program has nobody else who does it.
        self.instance.internal.stages.remove_ended().await;
        let (acting, object) = (self.acting(), Object::Stage(name.to_owned()));
        self.instance
            .blocking(move |_| {
                let done = AuditOutcome::Done;
                acting.record(
                    Operation::DropStage,
                    &object,
                    done,
                    "temporary, of its session",
                );
                Ok(())
            })
            .await?;
        Ok(Some(dropped))
    }

    /// That a name is not that of a temporary stage of this session, of which `what` cannot be done.
    ///
    /// # Errors
    /// [`Reason::NotSupported`].
    pub(super) fn refuse_temporary(&self, name: &str, what: &str) -> Result<()> {
        match self.temporary.get(name) {
            None => Ok(()),
            Some(_) => Err(Error::not_supported(format_args!(
                "stage '{name}' is a temporary one of this session, for which there is no {what}; DROP STAGE {name} removes it, and brings a permanent stage of that name back into sight"
            ))),
        }
    }
}

impl Acting {
    fn temporary_stage(
        &self,
        permit: &Permit,
        name: String,
        properties: StageProperties,
    ) -> Result<TemporaryStage> {
        catalog::check_stage_name(&name).about(Subject::Stage)?;
        let StageProperties {
            url,
            credentials,
            enabled,
            directory,
            comment,
            policy,
        } = properties;
        if credentials.is_some() {
            return Err(invalid(
                "a temporary stage takes no CREDENTIALS: its files are in the server's own storage",
            ));
        }
        if enabled == Some(false) {
            return Err(invalid(
                "a temporary stage is enabled for as long as it is there; ENABLE = FALSE makes none",
            ));
        }
        if directory == Some(true) {
            return Err(invalid(
                "a temporary stage has no directory table; LIST and stage_list() tell its files",
            ));
        }
        if policy.is_some() {
            return Err(invalid(
                "a temporary stage takes no POLICY: only its session exports to it",
            ));
        }
        let parent = match url.flatten() {
            Some(url) => Some(self.temporary_parent(&url)?),
            None => None,
        };
        let now_us = (catalog::system_clock())();
        let record = StageRecord {
            id: TEMPORARY_STAGE_ID,
            name,
            version: 1,
            definition: StageDefinition {
                url: parent.as_ref().map(|(parent, prefix)| {
                    let below = prefix.as_ref().map_or("", ObjectPath::as_str);
                    format!("stage://{}/{below}", parent.record.name)
                }),
                enabled: true,
                directory: false,
                comment: comment.unwrap_or_default(),
                ..StageDefinition::default()
            },
            created_us: now_us,
            changed_us: now_us,
            changed_by: permit.actor().to_string(),
            change: StageChangeKind::Created,
            dropped: false,
        };
        match parent {
            Some((parent, prefix)) => TemporaryStage::within(&parent, record, prefix),
            None => {
                let folders = &self.instance.internal.stages.temporary;
                Ok(TemporaryStage::new(record, folders.begin()))
            }
        }
    }

    /// The temporary stage, and the folder in it, that a URL names.
    fn temporary_parent(
        &self,
        url: &StageUrl,
    ) -> Result<(std::sync::Arc<TemporaryStage>, Option<ObjectPath>)> {
        const ONLY: &str = "a temporary stage takes no URL but that of a folder in another temporary stage of the session, 'stage://name/folder/': its files go with the session";
        let StageUrl::Location(text) = url else {
            return Err(invalid(ONLY));
        };
        let location = Location::parse(text)
            .map_err(|e| Error::invalid_configuration(Reason::StageInvalid, &e))?;
        match location {
            Location::SubStage { parent, prefix } => match self.temporary.get(&parent) {
                Some(stage) => Ok((stage, prefix)),
                None => Err(invalid(&format!(
                    "{ONLY}; the session has no temporary stage '{parent}'"
                ))),
            },
            Location::Folder { .. } | Location::Bucket { .. } | Location::Memory(_) => {
                Err(invalid(ONLY))
            }
        }
    }

    /// That a permanent stage does not lie in a temporary one.
    pub(super) fn refuse_temporary_parent(&self, parent: &str) -> Result<()> {
        match self.temporary.get(parent) {
            None => Ok(()),
            Some(_) => Err(invalid(&format!(
                "stage '{parent}' is a temporary one of this session, and goes with it: only a TEMPORARY stage can lie in it"
            ))),
        }
    }
}

fn invalid(why: &str) -> Error {
    Error::invalid_configuration(Reason::StageInvalid, why)
}
