//! Directory tables: read by `DIRECTORY('stage')`, refreshed by ALTER STAGE … REFRESH. Exports note their files with
//! their own end, in the catalog; uploads and removals do it from here.

use std::sync::Arc;

use catalog::{DirectoryFile, FileChange, RefreshId, Refreshed, StageFiles};
use futures::StreamExt;
use query::RowSource;
use storage::{FileInfo, ObjectPath};

use crate::error::{About, Error, Reason, Result, Subject};
use crate::gate::{Object, Operation, system_actor};
use crate::instance::Instance;
use crate::places::{OpenStage, squeezed};
use crate::system_tables::DirectoryRows;
use crate::time::micros;

use super::Session;

/// How many listed files are compared, and written, at a time.
const REFRESHED_AT_ONCE_MAX: usize = 2000;

impl Session {
    /// Makes a stage's directory table agree with what is there: all of it, or what is below a folder. Also gives how
    /// many objects are there that no statement can name.
    ///
    /// # Errors
    /// The gate's refusal; the exact texts of a missing and of a disabled stage; [`Reason::StageInvalid`] when its
    /// directory table is off; the place's. What was taken in until then stays.
    pub(crate) async fn refresh_directory(
        &self,
        name: &str,
        folder: Option<&str>,
    ) -> Result<(Refreshed, u64)> {
        self.refuse_temporary(name, "directory table")?;
        let stage = self
            .open_for_files(name, Operation::RefreshDirectory)
            .await?;
        let folder = match folder.map(|folder| squeezed(folder.trim_matches('/'))) {
            Some(folder) if !folder.is_empty() => Some(ObjectPath::parse(&folder)?),
            Some(_) | None => None,
        };
        let actor = {
            let object = Object::Stage(name.to_owned());
            let permit = self.allow(Operation::RefreshDirectory, object).await?;
            permit.actor().clone()
        };
        let begun = {
            let (actor, id) = (actor.clone(), stage.id);
            self.instance
                .blocking(move |instance| {
                    instance
                        .catalog
                        .begin_refresh(&actor, id)
                        .about(Subject::Stage)
                })
                .await
        };
        let mut refresh: RefreshId = begun?;
        let listed = stage.store.list(folder.as_ref());
        let unnamed = listed.unnamed();
        let mut listed = listed.chunks(REFRESHED_AT_ONCE_MAX);
        while let Some(some) = self.call.within(listed.next()).await? {
            let files = some
                .into_iter()
                .map(|file| file.map(entry))
                .collect::<storage::Result<Vec<_>>>()
                .map_err(|e| Error::from(e).within(format_args!("stage '{name}'")))?;
            let actor = actor.clone();
            refresh = self
                .instance
                .blocking(move |instance| {
                    instance
                        .catalog
                        .refresh_files(&actor, &mut refresh, files)
                        .about(Subject::Stage)?;
                    Ok(refresh)
                })
                .await?;
        }
        let refreshed = self
            .instance
            .blocking(move |instance| {
                instance
                    .catalog
                    .end_refresh(&actor, refresh, folder.as_ref().map(ObjectPath::as_str))
                    .about(Subject::Stage)
            })
            .await?;
        Ok((refreshed, unnamed.count()))
    }

    /// What `DIRECTORY('stage')` gives: a page at a time, as the query reads it.
    ///
    /// # Errors
    /// Those of opening the stage; [`Reason::StageInvalid`] when its directory table is off.
    pub(super) async fn directory(&self, name: &str) -> Result<Arc<dyn RowSource>> {
        let name = name.to_lowercase();
        self.refuse_temporary(&name, "directory table (stage_list() tells its files)")?;
        let acting = self.acting();
        let located = {
            let name = name.clone();
            self.instance
                .blocking(move |_| {
                    acting
                        .locate_stage(&name, Operation::ReadDirectory)
                        .map_err(|error| match error.is_unaudited_refusal() {
                            true => acting.audit_refusal(
                                Operation::ReadDirectory,
                                &Object::Stage(name.clone()),
                                error,
                            ),
                            false => error,
                        })
                })
                .await?
        };
        let account = self.principal.account().to_owned();
        let id = located.id();
        let is_on = {
            let account = account.clone();
            self.instance
                .blocking(move |instance| {
                    Ok(instance.catalog.directory_page(&account, id, None, 0)?)
                })
                .await?
                .is_some()
        };
        if !is_on {
            return Err(Error::internal(
                Reason::StageInvalid,
                format_args!(
                    "stage '{name}' has no directory table; ALTER STAGE {name} SET DIRECTORY = (ENABLE = TRUE) switches it on"
                ),
            ));
        }
        Ok(Arc::new(DirectoryRows {
            instance: Arc::clone(&self.instance),
            account,
            stage: id,
        }))
    }
}

impl Instance {
    /// Notes what was done to files of a stage in the directory tables that have them. What cannot be noted is logged:
    /// the files are what they are, and a refresh finds them.
    pub(crate) async fn note_files(
        self: &Arc<Self>,
        account: &str,
        stage: &OpenStage,
        changes: Vec<FileChange>,
    ) {
        if stage.temporary.is_some() {
            return;
        }
        let files = StageFiles {
            id: stage.id,
            version: stage.version,
            parents: stage.parents.clone(),
        };
        let actor = system_actor(account);
        let noted = self
            .blocking(move |instance| Ok(instance.catalog.note_files(&actor, &files, &changes)?))
            .await;
        if let Err(error) = noted {
            tracing::warn!(
                stage = stage.name,
                error = error.message(),
                "failed to note files in directory tables; ALTER STAGE … REFRESH finds them"
            );
        }
    }
}

/// A file that somebody has uploaded, as the directory table has it. Its publication began at `since_us`.
pub(super) fn uploaded(
    path: &ObjectPath,
    bytes: u64,
    sha256: &str,
    found: Option<&FileInfo>,
    since_us: u64,
) -> FileChange {
    let now_us = (catalog::system_clock())();
    let file = DirectoryFile {
        path: path.to_string(),
        bytes,
        modified_us: found
            .and_then(|found| found.modified)
            .and_then(micros)
            .or(Some(now_us)),
        etag: found.and_then(|found| found.etag.clone()),
        sha256: Some(sha256.to_owned()),
        export_id: None,
        noted_us: now_us,
    };
    FileChange::Written { file, since_us }
}

fn entry(file: FileInfo) -> DirectoryFile {
    DirectoryFile {
        path: file.path.to_string(),
        bytes: file.bytes,
        modified_us: file.modified.and_then(micros),
        etag: file.etag,
        sha256: None,
        export_id: None,
        // The catalog says when.
        noted_us: 0,
    }
}
