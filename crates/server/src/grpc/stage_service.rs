//! `StageService`: stages as resources, after Google's API guide. The same catalog calls as the SQL statements.

use std::sync::Arc;

use catalog::{Expected, OnExists, StageChange, StageDefinition, StageRecord};
use proto::v1;
use proto::v1::stage_service_server::StageService;
use storage::Location;
use tonic::{Request, Response, Status};

use crate::error::{Error, Reason, Result};
use crate::grpc::convert;
use crate::instance::{ACCOUNT, Instance};
use crate::session::{Session, stage_not_exists};

/// `stagedoor.v1.StageService`.
#[derive(Debug, Clone)]
pub(crate) struct Stages {
    pub(crate) instance: Arc<Instance>,
}

impl Stages {
    fn current(&self, name: &str) -> Result<StageRecord> {
        let id = convert::resource_id(name, "stages")?.to_lowercase();
        self.instance
            .catalog
            .stage(ACCOUNT, &id)?
            .ok_or_else(|| stage_not_exists(&id))
    }

    /// The URL in its canonical form; empty means internal.
    fn url(&self, url: &str) -> Result<Option<String>> {
        if url.is_empty() {
            return Ok(None);
        }
        let location = Location::parse(url)
            .map_err(|e| Error::invalid_configuration(Reason::StageInvalid, &e))?;
        Session::new(Arc::clone(&self.instance)).check_location(&location)?;
        Ok(Some(location.to_string()))
    }
}

fn missing(field: &str) -> Error {
    Error::invalid_input(Reason::OptionInvalid, format_args!("{field} is required"))
}

#[tonic::async_trait]
impl StageService for Stages {
    async fn create_stage(
        &self,
        request: Request<v1::CreateStageRequest>,
    ) -> std::result::Result<Response<v1::CreateStageResponse>, Status> {
        let v1::CreateStageRequest {
            stage_id, stage, ..
        } = request.into_inner();
        let stage = stage.ok_or_else(|| missing("stage"))?;
        let definition = StageDefinition {
            url: self.url(&stage.url)?,
            enabled: stage.enabled.unwrap_or(true),
            directory: stage.directory.unwrap_or_default(),
            comment: stage.comment,
        };
        let name = stage_id.to_lowercase();
        let actor = Session::new(Arc::clone(&self.instance)).actor();
        let created = self
            .instance
            .blocking(move |instance| {
                Ok(instance
                    .catalog
                    .create_stage(&actor, &name, definition, OnExists::Error)?)
            })
            .await?;
        Ok(Response::new(v1::CreateStageResponse {
            stage: Some(convert::stage(created.record)),
        }))
    }

    async fn get_stage(
        &self,
        request: Request<v1::GetStageRequest>,
    ) -> std::result::Result<Response<v1::GetStageResponse>, Status> {
        let v1::GetStageRequest { name, version } = request.into_inner();
        let stage = match version {
            0 => self.current(&name)?,
            _ => {
                let id = convert::resource_id(&name, "stages")?.to_lowercase();
                let found = self
                    .instance
                    .catalog
                    .stage_at(ACCOUNT, &id, version)
                    .map_err(Error::from)?;
                found.ok_or_else(|| {
                    Error::internal(
                        Reason::StageNotFound,
                        format_args!("the stage {id} has no version {version}"),
                    )
                })?
            }
        };
        Ok(Response::new(v1::GetStageResponse {
            stage: Some(convert::stage(stage)),
        }))
    }

    async fn list_stages(
        &self,
        request: Request<v1::ListStagesRequest>,
    ) -> std::result::Result<Response<v1::ListStagesResponse>, Status> {
        let v1::ListStagesRequest {
            page_size,
            page_token,
        } = request.into_inner();
        let size = convert::page_size(page_size)?;
        let after = (!page_token.is_empty()).then_some(page_token.as_str());
        let mut stages = self
            .instance
            .catalog
            .stages_page(ACCOUNT, after, size + 1)
            .map_err(Error::from)?;
        let more = stages.len() > size;
        stages.truncate(size);
        let next_page_token = if more {
            stages
                .last()
                .map(|stage| stage.name.clone())
                .unwrap_or_default()
        } else {
            String::new()
        };
        Ok(Response::new(v1::ListStagesResponse {
            stages: stages.into_iter().map(convert::stage).collect(),
            next_page_token,
        }))
    }

    async fn update_stage(
        &self,
        request: Request<v1::UpdateStageRequest>,
    ) -> std::result::Result<Response<v1::UpdateStageResponse>, Status> {
        let v1::UpdateStageRequest {
            stage, update_mask, ..
        } = request.into_inner();
        let stage = stage.ok_or_else(|| missing("stage"))?;
        let current = self.current(&stage.name)?;
        let expected = convert::expected_version(&stage.etag, &current)?;
        let paths = update_mask.map(|mask| mask.paths).unwrap_or_default();
        let change = match paths
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .as_slice()
        {
            ["url"] => StageChange::Url(self.url(&stage.url)?),
            ["enabled"] => StageChange::Enabled(stage.enabled.unwrap_or_default()),
            ["directory"] => StageChange::Directory(stage.directory.unwrap_or_default()),
            ["comment"] => StageChange::Comment(stage.comment),
            [] => {
                return Err(Error::internal(
                    Reason::StageOptionCount,
                    "at least one option at a time",
                )
                .into());
            }
            [other] => {
                return Err(Error::invalid_input(
                    Reason::OptionInvalid,
                    format_args!(
                        "update_mask '{other}' is not one of url, enabled, directory, comment"
                    ),
                )
                .into());
            }
            _ => {
                return Err(Error::internal(
                    Reason::StageOptionCount,
                    "at most one option at a time",
                )
                .into());
            }
        };
        let actor = Session::new(Arc::clone(&self.instance)).actor();
        let changed = self
            .instance
            .blocking(move |instance| {
                Ok(instance
                    .catalog
                    .alter_stage(&actor, &current.name, change, expected)?)
            })
            .await?;
        Ok(Response::new(v1::UpdateStageResponse {
            stage: Some(convert::stage(changed)),
        }))
    }

    async fn delete_stage(
        &self,
        request: Request<v1::DeleteStageRequest>,
    ) -> std::result::Result<Response<v1::DeleteStageResponse>, Status> {
        let v1::DeleteStageRequest { name, etag, .. } = request.into_inner();
        let current = self.current(&name)?;
        let expected = convert::expected_version(&etag, &current)?;
        let actor = Session::new(Arc::clone(&self.instance)).actor();
        self.instance
            .blocking(move |instance| {
                Ok(instance
                    .catalog
                    .drop_stage(&actor, &current.name, expected)?)
            })
            .await?;
        Ok(Response::new(v1::DeleteStageResponse {}))
    }

    async fn undelete_stage(
        &self,
        request: Request<v1::UndeleteStageRequest>,
    ) -> std::result::Result<Response<v1::UndeleteStageResponse>, Status> {
        let name = convert::resource_id(&request.into_inner().name, "stages")?.to_lowercase();
        let actor = Session::new(Arc::clone(&self.instance)).actor();
        let stage = self
            .instance
            .blocking(move |instance| Ok(instance.catalog.undrop_stage(&actor, &name)?))
            .await?;
        Ok(Response::new(v1::UndeleteStageResponse {
            stage: Some(convert::stage(stage)),
        }))
    }

    async fn list_stage_versions(
        &self,
        request: Request<v1::ListStageVersionsRequest>,
    ) -> std::result::Result<Response<v1::ListStageVersionsResponse>, Status> {
        let name = request.into_inner().name;
        let id = convert::resource_id(&name, "stages")?.to_lowercase();
        let mut versions = self
            .instance
            .catalog
            .stage_history(ACCOUNT, &id)
            .map_err(Error::from)?;
        if versions.is_empty() {
            return Err(stage_not_exists(&id).into());
        }
        versions.sort_by_key(|version| std::cmp::Reverse(version.version));
        Ok(Response::new(v1::ListStageVersionsResponse {
            versions: versions.into_iter().map(convert::stage).collect(),
            next_page_token: String::new(),
        }))
    }

    async fn rollback_stage(
        &self,
        request: Request<v1::RollbackStageRequest>,
    ) -> std::result::Result<Response<v1::RollbackStageResponse>, Status> {
        let v1::RollbackStageRequest {
            name,
            version,
            etag,
            ..
        } = request.into_inner();
        let current = self.current(&name)?;
        let expected: Expected = convert::expected_version(&etag, &current)?;
        let actor = Session::new(Arc::clone(&self.instance)).actor();
        let stage = self
            .instance
            .blocking(move |instance| {
                Ok(instance
                    .catalog
                    .rollback_stage(&actor, &current.name, version, expected)?)
            })
            .await?;
        Ok(Response::new(v1::RollbackStageResponse {
            stage: Some(convert::stage(stage)),
        }))
    }
}
