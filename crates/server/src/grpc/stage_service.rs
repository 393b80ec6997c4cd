//! `StageService`: stages as resources, after Google's API guide. The same operations as the SQL statements'.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use catalog::{OnExists, StageRecord};
use parser::{CredentialKey, PolicyKey, StageUrl};
use proto::v1;
use proto::v1::stage_service_server::StageService;
use secrecy::SecretString;
use tonic::{Request, Response, Status};

use crate::error::{Error, Reason, Result};
use crate::grpc::asked::Asked;
use crate::grpc::authentication::caller;
use crate::grpc::convert;
use crate::grpc::pages::{Paging, foreign_token};
use crate::grpc::stage_list::Wanted;
use crate::instance::Instance;
use crate::session::{ChangeMode, Etag, NewStage, Session, StageProperties, StageUpdate};

/// `stagedoor.v1.StageService`.
#[derive(Debug, Clone)]
pub(crate) struct Stages {
    pub(crate) instance: Arc<Instance>,
}

impl Stages {
    fn session<T>(&self, request: &Request<T>) -> Result<Session> {
        Ok(Session::new(Arc::clone(&self.instance), caller(request)?))
    }
}

fn missing(field: &str) -> Error {
    Error::invalid_input(Reason::OptionInvalid, format_args!("{field} is required"))
}

fn stage_name(name: &str) -> Result<String> {
    Ok(convert::resource_id(name, "stages")?.to_lowercase())
}

fn mode(validate_only: bool, request_id: String) -> ChangeMode {
    ChangeMode {
        validate_only,
        request_id: (!request_id.is_empty()).then_some(request_id),
    }
}

fn stage(session: &Session, record: StageRecord) -> v1::Stage {
    convert::stage(record, session.principal().is_admin())
}

/// An empty text means an internal stage.
fn url(text: String) -> Option<StageUrl> {
    (!text.is_empty()).then_some(StageUrl::Location(text))
}

fn credentials(
    given: std::collections::HashMap<String, String>,
) -> Result<Vec<(CredentialKey, SecretString)>> {
    let mut given: Vec<_> = given.into_iter().collect();
    given.sort();
    let mut keys = Vec::with_capacity(given.len());
    for (name, value) in given {
        let key = CredentialKey::from_name(&name).ok_or_else(|| {
            let known: Vec<&str> = CredentialKey::NAMES.iter().map(|(name, _)| *name).collect();
            Error::invalid_input(
                Reason::OptionInvalid,
                // Not quoted: who mixes name and value up has a secret in the name.
                format_args!(
                    "unknown key in credentials; a key is one of {}",
                    known.join(", ")
                ),
            )
        })?;
        keys.push((key, SecretString::from(value)));
    }
    Ok(keys)
}

fn policy(given: HashMap<String, String>) -> Result<Vec<(PolicyKey, String)>> {
    let mut rules = Vec::with_capacity(given.len());
    for (name, value) in given {
        let key = PolicyKey::from_name(&name).ok_or_else(|| {
            let known: Vec<&str> = PolicyKey::NAMES.iter().map(|(name, _)| *name).collect();
            Error::invalid_input(
                Reason::OptionInvalid,
                format_args!(
                    "unknown rule '{}' in policy; a rule is one of {}",
                    name.escape_default(),
                    known.join(", ")
                ),
            )
        })?;
        if rules.iter().any(|(known, _)| *known == key) {
            return Err(Error::invalid_input(
                Reason::OptionInvalid,
                format_args!("policy has '{}' twice", key.as_str()),
            ));
        }
        rules.push((key, value));
    }
    Ok(rules)
}

/// The properties that the paths name; `*` names all.
fn masked(stage: v1::Stage, paths: &[String]) -> Result<StageProperties> {
    const PATHS: [&str; 6] = [
        "url",
        "enabled",
        "directory",
        "comment",
        "credentials",
        "policy",
    ];
    for path in paths {
        if path != "*" && !PATHS.contains(&path.as_str()) {
            return Err(Error::invalid_input(
                Reason::OptionInvalid,
                format_args!(
                    "update_mask '{}' is not one of {}, *",
                    path.escape_default(),
                    PATHS.join(", ")
                ),
            ));
        }
    }
    let all = paths.iter().any(|path| path == "*");
    let named = |name: &str| all || paths.iter().any(|path| path == name);
    Ok(StageProperties {
        url: named("url").then(|| url(stage.url)),
        // They are input only: who sends a whole stage back as it was got does not have them.
        credentials: (paths.iter().any(|path| path == "credentials")
            || (all && !stage.credentials.is_empty()))
        .then(|| credentials(stage.credentials))
        .transpose()?,
        // A property that the mask names and the message lacks is reset, as AIP-134 has it.
        enabled: named("enabled").then(|| stage.enabled.unwrap_or_default()),
        directory: named("directory").then(|| stage.directory.unwrap_or_default()),
        comment: named("comment").then_some(stage.comment),
        policy: named("policy").then(|| policy(stage.policy)).transpose()?,
    })
}

/// What a stage is made, or with paths what of it is changed; of credentials their keys only.
fn asked(name: &str, stage: &v1::Stage, paths: Option<&[String]>) -> Asked {
    let named = |field: &str, is_given: bool| match paths {
        Some(paths) => paths.iter().any(|path| path == field || path == "*"),
        None => is_given,
    };
    let mut asked = Asked::of(name);
    if named("url", !stage.url.is_empty()) {
        asked = asked.text("url", &stage.url);
    }
    if named("enabled", stage.enabled.is_some()) {
        asked = asked.with("enabled", stage.enabled.unwrap_or_default());
    }
    if named("directory", stage.directory.is_some()) {
        asked = asked.with("directory", stage.directory.unwrap_or_default());
    }
    if named("comment", !stage.comment.is_empty()) {
        asked = asked.text("comment", &stage.comment);
    }
    // Of all properties these alone stay when the mask is `*` and none are given.
    let is_kept = stage.credentials.is_empty()
        && paths.is_some_and(|paths| paths.iter().any(|path| path == "*"));
    if !is_kept && named("credentials", !stage.credentials.is_empty()) {
        let mut keys: Vec<_> = stage.credentials.keys().collect();
        keys.sort();
        asked = asked.with("credentials", keys.len());
        for key in keys {
            // As in a statement, whichever it is. One that is not known may be a secret itself, and is refused.
            if let Some(key) = CredentialKey::from_name(key) {
                asked = asked.secret(key.as_str());
            }
        }
    }
    if named("policy", !stage.policy.is_empty()) {
        let given: BTreeMap<_, _> = stage.policy.iter().collect();
        asked = asked.with("policy", given.len());
        for (rule, value) in given {
            asked = asked.text(&rule.escape_debug().to_string(), value);
        }
    }
    asked
}

/// The page of those that are wanted, out of all; and the token of the next one.
async fn some_stages(
    session: &Session,
    request: &v1::ListStagesRequest,
    wanted: &Wanted,
) -> Result<(Vec<v1::Stage>, String)> {
    let shown = if wanted.dropped { "dropped" } else { "" };
    let list = ["ListStages", &request.filter, &request.order_by, shown];
    let paging = Paging::new(request.page_size, &request.page_token, &list)?;
    let mut stages = wanted.of_all(session.every_stage(wanted.dropped).await?);
    if let Some(after) = paging.after() {
        stages.retain(|record| wanted.is_behind(&wanted.key(record), after));
    }
    stages.truncate(paging.wanted());
    Ok(paging.page(
        stages,
        |record| wanted.key(record),
        |record| stage(session, record),
    ))
}

#[tonic::async_trait]
impl StageService for Stages {
    async fn create_stage(
        &self,
        request: Request<v1::CreateStageRequest>,
    ) -> std::result::Result<Response<v1::CreateStageResponse>, Status> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let new = request.stage.ok_or_else(|| missing("stage"))?;
        let session = asked(&request.stage_id, &new, None).in_session(session);
        let new = NewStage {
            name: request.stage_id.to_lowercase(),
            properties: StageProperties {
                url: Some(url(new.url)),
                credentials: Some(credentials(new.credentials)?),
                enabled: new.enabled,
                directory: new.directory,
                comment: Some(new.comment),
                policy: Some(policy(new.policy)?),
            },
            on_exists: OnExists::Error,
        };
        let created = session
            .create_stage(new, mode(request.validate_only, request.request_id))
            .await?;
        Ok(Response::new(v1::CreateStageResponse {
            stage: Some(stage(&session, created.record)),
        }))
    }

    async fn get_stage(
        &self,
        request: Request<v1::GetStageRequest>,
    ) -> std::result::Result<Response<v1::GetStageResponse>, Status> {
        let session = self.session(&request)?;
        let v1::GetStageRequest { name, version } = request.into_inner();
        let name = stage_name(&name)?;
        let (record, known) = match version {
            0 => session.described_stage(name).await?,
            _ => (session.stage_at(name, version).await?, None),
        };
        let stage = v1::Stage {
            capabilities: known.map(convert::capabilities),
            ..stage(&session, record)
        };
        Ok(Response::new(v1::GetStageResponse { stage: Some(stage) }))
    }

    async fn list_stages(
        &self,
        request: Request<v1::ListStagesRequest>,
    ) -> std::result::Result<Response<v1::ListStagesResponse>, Status> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        if let Some(wanted) = Wanted::of(&request)? {
            let (stages, next_page_token) = some_stages(&session, &request, &wanted).await?;
            return Ok(Response::new(v1::ListStagesResponse {
                stages,
                next_page_token,
            }));
        }
        let paging = Paging::new(request.page_size, &request.page_token, &["ListStages"])?;
        let after = paging.after().map(str::to_owned);
        let stages = session.stages_page(after, paging.wanted()).await?;
        let (stages, next_page_token) = paging.page(
            stages,
            |record| record.name.clone(),
            |record| stage(&session, record),
        );
        Ok(Response::new(v1::ListStagesResponse {
            stages,
            next_page_token,
        }))
    }

    async fn update_stage(
        &self,
        request: Request<v1::UpdateStageRequest>,
    ) -> std::result::Result<Response<v1::UpdateStageResponse>, Status> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let new = request.stage.ok_or_else(|| missing("stage"))?;
        let paths = request
            .update_mask
            .map(|mask| mask.paths)
            .unwrap_or_default();
        let session = asked(&new.name, &new, Some(&paths)).in_session(session);
        let update = StageUpdate {
            name: stage_name(&new.name)?,
            etag: Etag(new.etag.clone()),
            properties: masked(new, &paths)?,
        };
        let altered = session
            .alter_stage(update, mode(request.validate_only, request.request_id))
            .await?;
        Ok(Response::new(v1::UpdateStageResponse {
            stage: Some(stage(&session, altered.record)),
        }))
    }

    async fn delete_stage(
        &self,
        request: Request<v1::DeleteStageRequest>,
    ) -> std::result::Result<Response<v1::DeleteStageResponse>, Status> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let session = Asked::of(&request.name)
            .with("cascade", request.cascade)
            .in_session(session);
        session
            .drop_stage(
                stage_name(&request.name)?,
                Etag(request.etag),
                request.cascade,
                mode(request.validate_only, request.request_id),
            )
            .await?;
        Ok(Response::new(v1::DeleteStageResponse {}))
    }

    async fn undelete_stage(
        &self,
        request: Request<v1::UndeleteStageRequest>,
    ) -> std::result::Result<Response<v1::UndeleteStageResponse>, Status> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let session = Asked::of(&request.name).in_session(session);
        let record = session
            .undrop_stage(
                stage_name(&request.name)?,
                Etag(request.etag),
                mode(request.validate_only, request.request_id),
            )
            .await?;
        Ok(Response::new(v1::UndeleteStageResponse {
            stage: Some(stage(&session, record)),
        }))
    }

    async fn list_stage_versions(
        &self,
        request: Request<v1::ListStageVersionsRequest>,
    ) -> std::result::Result<Response<v1::ListStageVersionsResponse>, Status> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let name = stage_name(&request.name)?;
        let list = ["ListStageVersions", name.as_str()];
        let paging = Paging::new(request.page_size, &request.page_token, &list)?;
        let before = paging
            .after()
            .map(|version| version.parse::<u64>().map_err(|_| foreign_token()))
            .transpose()?;
        let mut versions = session.stage_history(name).await?;
        versions.reverse();
        versions.retain(|version| before.is_none_or(|before| version.version < before));
        versions.truncate(paging.wanted());
        let (versions, next_page_token) = paging.page(
            versions,
            |record| record.version.to_string(),
            |record| stage(&session, record),
        );
        Ok(Response::new(v1::ListStageVersionsResponse {
            versions,
            next_page_token,
        }))
    }

    async fn rename_stage(
        &self,
        request: Request<v1::RenameStageRequest>,
    ) -> std::result::Result<Response<v1::RenameStageResponse>, Status> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        if request.new_stage_id.is_empty() {
            return Err(missing("new_stage_id").into());
        }
        let session = Asked::of(&request.name)
            .text("new_stage_id", &request.new_stage_id)
            .in_session(session);
        let record = session
            .rename_stage(
                stage_name(&request.name)?,
                request.new_stage_id.to_lowercase(),
                Etag(request.etag),
                mode(request.validate_only, request.request_id),
            )
            .await?;
        Ok(Response::new(v1::RenameStageResponse {
            stage: Some(stage(&session, record)),
        }))
    }

    async fn rollback_stage(
        &self,
        request: Request<v1::RollbackStageRequest>,
    ) -> std::result::Result<Response<v1::RollbackStageResponse>, Status> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let session = Asked::of(&request.name)
            .with("version", request.version)
            .in_session(session);
        let record = session
            .rollback_stage(
                stage_name(&request.name)?,
                request.version,
                Etag(request.etag),
                mode(request.validate_only, request.request_id),
            )
            .await?;
        Ok(Response::new(v1::RollbackStageResponse {
            stage: Some(stage(&session, record)),
        }))
    }

    async fn validate_stage(
        &self,
        request: Request<v1::ValidateStageRequest>,
    ) -> std::result::Result<Response<v1::ValidateStageResponse>, Status> {
        let session = self.session(&request)?;
        let name = stage_name(&request.into_inner().name)?;
        let found = session.validate_stage(name).await?;
        Ok(Response::new(v1::ValidateStageResponse {
            findings: found.findings.into_iter().map(convert::finding).collect(),
            capabilities: found.capabilities.map(convert::capabilities),
        }))
    }
}
