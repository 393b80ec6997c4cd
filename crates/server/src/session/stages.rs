//! CREATE, ALTER, DROP, UNDROP, SHOW and DESCRIBE STAGE.
//! Order of checks as MatrixOne's: existence under IF [NOT] EXISTS before the other options' validity.

use catalog::{CreateOutcome, Expected, OnExists, StageChange, StageDefinition, StageRecord};
use parser::{AlterStage, AlterStageAction, CreateStage, DropStage, StageOptions, StageUrl};
use storage::Location;

use crate::error::{Error, Reason, Result};
use crate::settings::DefaultState;
use crate::time::timestamp_text;

use super::show::like_matches;
use super::{Outcome, Session};

impl Session {
    pub(super) async fn create_stage(&self, statement: CreateStage) -> Result<Outcome> {
        let name = statement.name.value.clone();
        let on_exists = match (statement.or_replace, statement.if_not_exists) {
            (true, true) => {
                return Err(Error::new(
                    Reason::SyntaxError,
                    1064,
                    "HY000",
                    "SQL parser error: OR REPLACE and IF NOT EXISTS exclude each other",
                ));
            }
            (true, false) => OnExists::Replace,
            (false, true) => OnExists::Keep,
            (false, false) => OnExists::Error,
        };
        let existing = self.instance.catalog.stage(self.account(), &name)?;
        match (&existing, on_exists) {
            (Some(_), OnExists::Keep) => {
                return Ok(Outcome::done_with_warnings(
                    "CREATE STAGE",
                    vec![format!("the stage {name} exists; nothing was changed")],
                ));
            }
            (Some(_), OnExists::Error) => return Err(stage_exists(&name)),
            _ => {}
        }
        if statement.temporary {
            return Err(Error::not_implemented("a TEMPORARY stage"));
        }
        let definition = self.definition(&statement.options)?;
        let created = self
            .blocking(move |instance, actor| {
                Ok(instance
                    .catalog
                    .create_stage(actor, &name, definition, on_exists)?)
            })
            .await?;
        tracing::info!(
            stage = created.record.name,
            version = created.record.version,
            "stage created"
        );
        let warnings = match created.outcome {
            CreateOutcome::Kept => vec![format!(
                "the stage {} exists; nothing was changed",
                created.record.name
            )],
            _ => Vec::new(),
        };
        Ok(Outcome::done_with_warnings("CREATE STAGE", warnings))
    }

    pub(super) async fn alter_stage(&self, statement: AlterStage) -> Result<Outcome> {
        let verb = "ALTER STAGE";
        if let AlterStageAction::Set(options) = &statement.action {
            match options.count() {
                1 => {}
                0 => {
                    return Err(Error::internal(
                        Reason::StageOptionCount,
                        "at least one option at a time",
                    ));
                }
                _ => {
                    return Err(Error::internal(
                        Reason::StageOptionCount,
                        "at most one option at a time",
                    ));
                }
            }
        }
        let name = statement.name.value.clone();
        if self
            .instance
            .catalog
            .stage(self.account(), &name)?
            .is_none()
        {
            return self.missing_stage(verb, &name, statement.if_exists);
        }
        match statement.action {
            AlterStageAction::Set(options) => {
                let change = self.change(options)?;
                self.blocking(move |instance, actor| {
                    Ok(instance
                        .catalog
                        .alter_stage(actor, &name, change, Expected::Any)?)
                })
                .await?;
            }
            AlterStageAction::Rename(new_name) => {
                let new_name = new_name.value;
                self.blocking(move |instance, actor| {
                    Ok(instance
                        .catalog
                        .rename_stage(actor, &name, &new_name, Expected::Any)?)
                })
                .await?;
            }
            AlterStageAction::Rollback(version) => {
                let version = version.value;
                self.blocking(move |instance, actor| {
                    Ok(instance
                        .catalog
                        .rollback_stage(actor, &name, version, Expected::Any)?)
                })
                .await?;
            }
            AlterStageAction::Refresh { .. } => {
                return Err(Error::not_implemented("ALTER STAGE … REFRESH"));
            }
        }
        Ok(Outcome::done(verb))
    }

    pub(super) async fn drop_stage(&self, statement: DropStage) -> Result<Outcome> {
        let name = statement.name.value;
        if self
            .instance
            .catalog
            .stage(self.account(), &name)?
            .is_none()
        {
            return self.missing_stage("DROP STAGE", &name, statement.if_exists);
        }
        self.blocking(move |instance, actor| {
            Ok(instance.catalog.drop_stage(actor, &name, Expected::Any)?)
        })
        .await?;
        Ok(Outcome::done("DROP STAGE"))
    }

    pub(super) async fn undrop_stage(&self, name: &str) -> Result<Outcome> {
        let name = name.to_owned();
        self.blocking(move |instance, actor| Ok(instance.catalog.undrop_stage(actor, &name)?))
            .await?;
        Ok(Outcome::done("UNDROP STAGE"))
    }

    pub(super) fn show_stages(&self, like: Option<&str>) -> Result<Outcome> {
        let stages = self.instance.catalog.stages(self.account())?;
        let rows = stages
            .into_iter()
            .filter(|stage| like.is_none_or(|pattern| like_matches(pattern, &stage.name)))
            .map(|stage| {
                vec![
                    Some(stage.name),
                    Some(stage.definition.url.unwrap_or_default()),
                    Some(status(stage.definition.enabled).to_owned()),
                    Some(stage.definition.comment),
                ]
            })
            .collect();
        Outcome::text_rows(
            "SHOW STAGES",
            &["STAGE_NAME", "URL", "STATUS", "COMMENT"],
            rows,
        )
    }

    pub(super) fn describe_stage(&self, name: &str) -> Result<Outcome> {
        let stage = self
            .instance
            .catalog
            .stage(self.account(), name)?
            .ok_or_else(|| stage_not_exists(name))?;
        let property = |name: &str, value: String| vec![Some(name.to_owned()), Some(value)];
        let rows = vec![
            property("name", stage.name.clone()),
            property("url", stage.definition.url.clone().unwrap_or_default()),
            property(
                "kind",
                if stage.definition.url.is_some() {
                    "external"
                } else {
                    "internal"
                }
                .to_owned(),
            ),
            property("status", status(stage.definition.enabled).to_owned()),
            property("directory", status(stage.definition.directory).to_owned()),
            property("comment", stage.definition.comment.clone()),
            property("version", stage.version.to_string()),
            property("created", timestamp_text(stage.created_us)),
            property("changed", timestamp_text(stage.changed_us)),
            property("changed_by", stage.changed_by.clone()),
        ];
        Outcome::text_rows("DESCRIBE STAGE", &["PROPERTY", "VALUE"], rows)
    }

    pub(super) fn show_stage_history(&self, name: &str) -> Result<Outcome> {
        let versions = self.instance.catalog.stage_history(self.account(), name)?;
        if versions.is_empty() {
            return Err(stage_not_exists(name));
        }
        let row = |version: StageRecord| {
            vec![
                Some(version.version.to_string()),
                Some(format!("{:?}", version.change).to_uppercase()),
                Some(version.name),
                Some(version.definition.url.unwrap_or_default()),
                Some(status(version.definition.enabled).to_owned()),
                Some(version.definition.comment),
                Some(timestamp_text(version.changed_us)),
                Some(version.changed_by),
            ]
        };
        let columns = [
            "VERSION",
            "CHANGE",
            "STAGE_NAME",
            "URL",
            "STATUS",
            "COMMENT",
            "CHANGED",
            "CHANGED_BY",
        ];
        Outcome::text_rows(
            "SHOW STAGE HISTORY",
            &columns,
            versions.into_iter().map(row).collect(),
        )
    }

    fn missing_stage(&self, verb: &'static str, name: &str, if_exists: bool) -> Result<Outcome> {
        if if_exists {
            Ok(Outcome::done_with_warnings(
                verb,
                vec![format!("the stage {name} not exists; nothing was changed")],
            ))
        } else {
            Err(stage_not_exists(name))
        }
    }

    fn definition(&self, options: &StageOptions) -> Result<StageDefinition> {
        if options
            .credentials
            .as_ref()
            .is_some_and(|credentials| !credentials.entries.is_empty())
        {
            return Err(credentials_not_kept());
        }
        let enabled = match &options.enable {
            Some(enable) => enable.value,
            None => self.instance.settings.stages.default_state == DefaultState::Enabled,
        };
        Ok(StageDefinition {
            url: options
                .url
                .as_ref()
                .map(|url| self.checked_url(url))
                .transpose()?,
            enabled,
            directory: options
                .directory
                .as_ref()
                .map_or(enabled, |directory| directory.value),
            comment: options
                .comment
                .as_ref()
                .map(|comment| comment.value.clone())
                .unwrap_or_default(),
        })
    }

    /// The one option that ALTER STAGE … SET was given.
    fn change(&self, options: StageOptions) -> Result<StageChange> {
        if let Some(url) = &options.url {
            return Ok(StageChange::Url(Some(self.checked_url(url)?)));
        }
        if let Some(enable) = options.enable {
            return Ok(StageChange::Enabled(enable.value));
        }
        if let Some(directory) = options.directory {
            return Ok(StageChange::Directory(directory.value));
        }
        if let Some(comment) = options.comment {
            return Ok(StageChange::Comment(comment.value));
        }
        Err(credentials_not_kept())
    }

    /// The URL in its canonical form, once it is one that this version can serve.
    fn checked_url(&self, url: &StageUrl) -> Result<String> {
        let location = match url {
            StageUrl::Location(text) => Location::parse(text),
            StageUrl::Endpoint(text) => Location::parse_endpoint(text, None),
        };
        let location =
            location.map_err(|e| Error::invalid_configuration(Reason::StageInvalid, &e))?;
        self.check_location(&location)?;
        Ok(location.to_string())
    }

    /// Refuses places that could never be opened. A folder that is only missing may still come.
    pub(crate) fn check_location(&self, location: &Location) -> Result<()> {
        match location {
            Location::Bucket { .. } => Err(Error::not_implemented(format_args!(
                "a stage on {location} (s3:// and oss://)"
            ))),
            Location::Folder { .. } => {
                match storage::Store::open(location, &self.instance.policy()) {
                    Err(error) if error.kind() == storage::ErrorKind::PermissionDenied => {
                        Err(error.into())
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

/// As SHOW STAGES prints it.
pub(crate) fn status(enabled: bool) -> &'static str {
    if enabled { "ENABLED" } else { "DISABLED" }
}

fn credentials_not_kept() -> Error {
    Error::not_implemented(
        "keeping CREDENTIALS (this version has no sealed storage for secrets, and keeps none in the clear)",
    )
}

fn stage_exists(name: &str) -> Error {
    Error::internal(Reason::StageExists, format_args!("the stage {name} exists"))
}

pub(crate) fn stage_not_exists(name: &str) -> Error {
    Error::internal(
        Reason::StageNotFound,
        format_args!("the stage {name} not exists"),
    )
}
