//! CREATE, ALTER, DROP, UNDROP, SHOW and DESCRIBE STAGE as statements: options to properties, records to rows.

use std::sync::Arc;

use catalog::{
    CreateOutcome, Credential, CredentialKind, Credentials, OnExists, Refreshed, StageRecord,
};
use parser::{
    AlterStage, AlterStageAction, CreateStage, CredentialKey, Credentials as GivenCredentials,
    DropStage, StageOptions,
};
use secrecy::SecretString;

use super::access::secret;
use super::like::Like;
use super::show::stage_change;
use crate::error::{Error, Reason, Result};
use crate::policies::rules_of;
use crate::session::{
    ChangeMode, Etag, NewStage, Outcome, Session, StageProperties, StageUpdate, facts_in_words,
    unnamed_warning,
};
use crate::temporary_stages::is_temporary;
use crate::time::timestamp_text;

pub(super) async fn create(session: &Session, statement: CreateStage) -> Result<Outcome> {
    let name = statement.name.value;
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
    let new = NewStage {
        name: name.clone(),
        properties: properties(statement.options)?,
        on_exists,
    };
    let outcome = match statement.temporary {
        true => session.create_temporary_stage(new).await?,
        false => {
            let created = session.create_stage(new, ChangeMode::default()).await?;
            created.outcome
        }
    };
    let warnings = match outcome {
        CreateOutcome::Kept => vec![format!(
            "1304: the stage {name} exists; nothing was changed"
        )],
        CreateOutcome::Created | CreateOutcome::Replaced => Vec::new(),
    };
    Ok(Outcome::done_with_warnings("CREATE STAGE", warnings))
}

pub(super) async fn alter(session: &Session, statement: AlterStage) -> Result<Outcome> {
    let verb = "ALTER STAGE";
    let name = statement.name.value;
    let altered = match statement.action {
        AlterStageAction::Set(options) => {
            session
                .alter_stage_by_statement(StageUpdate {
                    name: name.clone(),
                    properties: properties(options)?,
                    etag: Etag::default(),
                })
                .await
        }
        AlterStageAction::Rename(new_name) => session
            .rename_stage(
                name.clone(),
                new_name.value,
                Etag::default(),
                ChangeMode::default(),
            )
            .await
            .map(|_| true),
        AlterStageAction::Rollback(version) => session
            .rollback_stage(
                name.clone(),
                version.value,
                Etag::default(),
                ChangeMode::default(),
            )
            .await
            .map(|_| true),
        AlterStageAction::Refresh { subpath } => {
            let refreshed = session
                .refresh_directory(&name, subpath.as_ref().map(|path| path.value.as_str()))
                .await;
            return match refreshed {
                Ok((found, unnamed)) => refreshed_rows(found, unnamed),
                Err(error) => unless_missing(error, verb, &name, statement.if_exists),
            };
        }
    };
    match altered {
        Ok(true) => Ok(Outcome::done(verb)),
        Ok(false) => Ok(Outcome::done_with_warnings(
            verb,
            vec![format!(
                "the stage {name} is so already; no version was made"
            )],
        )),
        Err(error) => unless_missing(error, verb, &name, statement.if_exists),
    }
}

/// What a refresh has found, as numbers.
fn refreshed_rows(found: Refreshed, unnamed: u64) -> Result<Outcome> {
    let mut outcome = Outcome::numbers(
        "ALTER STAGE",
        &[
            ("ADDED", found.added),
            ("CHANGED", found.changed),
            ("REMOVED", found.removed),
            ("FILES", found.files),
        ],
    )?;
    if let Outcome::Rows(rows) = &mut outcome {
        rows.warnings = Arc::new(move || unnamed_warning(unnamed).into_iter().collect());
    }
    Ok(outcome)
}

pub(super) async fn drop(session: &Session, statement: DropStage) -> Result<Outcome> {
    let verb = "DROP STAGE";
    let name = statement.name.value;
    let mode = ChangeMode::default();
    match session
        .drop_stage(name.clone(), Etag::default(), statement.cascade, mode)
        .await
    {
        Ok(dropped) => {
            let others: Vec<&str> = dropped
                .iter()
                .map(|stage| stage.name.as_str())
                .filter(|dropped| *dropped != name)
                .collect();
            let warnings = match others.as_slice() {
                [] => Vec::new(),
                others => vec![format!("also dropped: {}", others.join(", "))],
            };
            Ok(Outcome::done_with_warnings(verb, warnings))
        }
        Err(error) => unless_missing(error, verb, &name, statement.if_exists),
    }
}

pub(super) async fn undrop(session: &Session, name: String) -> Result<Outcome> {
    session
        .undrop_stage(name, Etag::default(), ChangeMode::default())
        .await?;
    Ok(Outcome::done("UNDROP STAGE"))
}

pub(super) async fn show(session: &Session, like: Option<String>) -> Result<Outcome> {
    let stages = match like.as_deref().map(Like::new).transpose()? {
        None => session.stages(String::new(), |_| true).await?,
        Some(like) => {
            let prefix = like.prefix().to_owned();
            session
                .stages(prefix, move |name| like.matches(name))
                .await?
        }
    };
    let rows = stages
        .into_iter()
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

pub(super) async fn describe(session: &Session, name: String) -> Result<Outcome> {
    let (stage, known) = session.described_stage(name).await?;
    let property = |name: &str, value: String| vec![Some(name.to_owned()), Some(value)];
    let kind = match &stage.definition.url {
        _ if is_temporary(&stage) => "temporary",
        Some(_) => "external",
        None => "internal",
    };
    let mut rows = vec![
        property("name", stage.name.clone()),
        property("url", stage.definition.url.clone().unwrap_or_default()),
        property("kind", kind.to_owned()),
        property("status", status(stage.definition.enabled).to_owned()),
        property("directory", status(stage.definition.directory).to_owned()),
        property("comment", stage.definition.comment.clone()),
        property("version", stage.version.to_string()),
        property("created", timestamp_text(stage.created_us)),
        property("changed", timestamp_text(stage.changed_us)),
        property("changed_by", stage.changed_by.clone()),
    ];
    rows.extend(
        rules_of(&stage.definition.policy)
            .into_iter()
            .map(|(key, value)| property(&format!("policy {}", key.as_str()), value)),
    );
    if let Some(known) = known {
        rows.extend([
            property("validated", timestamp_text(known.checked_us)),
            property("validated_by", known.checked_by),
            property("validated_version", known.version.to_string()),
            property("validated_with", format!("stagedoor {}", known.program)),
            property("capabilities", facts_in_words(&known.facts)),
        ]);
    }
    if session.principal().is_admin() {
        rows.extend(stage.definition.credentials.iter().map(|credential| {
            property(
                &format!("credential {}", credential.name),
                shown_credential(credential),
            )
        }));
    }
    Outcome::text_rows("DESCRIBE STAGE", &["PROPERTY", "VALUE"], rows)
}

pub(super) async fn validate(session: &Session, name: String) -> Result<Outcome> {
    let found = session.validate_stage(name).await?;
    let rows = found.findings.into_iter().map(|finding| {
        vec![
            Some(finding.check.name().to_owned()),
            Some(finding.outcome.name().to_owned()),
            Some(finding.detail),
            Some(finding.advice),
        ]
    });
    let columns = ["CHECK", "RESULT", "DETAIL", "ADVICE"];
    Outcome::text_rows("VALIDATE STAGE", &columns, rows.collect())
}

pub(super) async fn history(session: &Session, name: String) -> Result<Outcome> {
    let versions = session.stage_history(name).await?;
    let row = |version: StageRecord| {
        vec![
            Some(version.version.to_string()),
            Some(stage_change(version.change).to_owned()),
            Some(version.name),
            Some(version.definition.url.unwrap_or_default()),
            Some(status(version.definition.enabled).to_owned()),
            Some(version.definition.comment),
            Some(timestamp_text(version.changed_us)),
            Some(version.changed_by),
            Some(shown_credentials(&version.definition.credentials)),
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
        "CREDENTIALS",
    ];
    Outcome::text_rows(
        "SHOW STAGE HISTORY",
        &columns,
        versions.into_iter().map(row).collect(),
    )
}

/// All credentials of a stage as an administrator may see them, in one text.
pub(crate) fn shown_credentials(credentials: &Credentials) -> String {
    let shown: Vec<String> = credentials
        .iter()
        .map(|credential| format!("{}={}", credential.name, shown_credential(credential)))
        .collect();
    shown.join(",")
}

/// A credential as it may be shown: a secret only as a keyed fingerprint, enough to see that it changed.
pub(crate) fn shown_credential(credential: &Credential) -> String {
    match credential.kind() {
        CredentialKind::Plain | CredentialKind::Reference => {
            credential.plain_value().unwrap_or_default().to_owned()
        }
        CredentialKind::Secret | CredentialKind::Sealed => credential.fingerprint().map_or_else(
            || "***".to_owned(),
            |print| format!("*** (fingerprint {print})"),
        ),
        CredentialKind::Shredded => "destroyed".to_owned(),
    }
}

/// As SHOW STAGES prints it.
pub(crate) fn status(enabled: bool) -> &'static str {
    if enabled { "ENABLED" } else { "DISABLED" }
}

/// CREDENTIALS as a statement has them, its parameters bound.
pub(crate) fn given_credentials(
    given: GivenCredentials,
) -> Result<Vec<(CredentialKey, SecretString)>> {
    let entries = given.entries.into_iter();
    entries
        .map(|entry| {
            let key = CredentialKey::from_name(&entry.key.value)
                .ok_or_else(|| Error::defect("an unknown credential was parsed"))?;
            Ok((key, secret(entry.value)?))
        })
        .collect()
}

fn properties(options: StageOptions) -> Result<StageProperties> {
    let credentials = options
        .credentials
        .map(|credentials| given_credentials(credentials.value))
        .transpose()?;
    Ok(StageProperties {
        url: options.url.map(|url| Some(url.value)),
        credentials,
        enabled: options.enable.map(|enable| enable.value),
        directory: options.directory.map(|directory| directory.value),
        comment: options.comment.map(|comment| comment.value),
        policy: options.policy.map(|rules| {
            let rules = rules.into_iter();
            rules
                .map(|rule| (rule.key.value, rule.value.value))
                .collect()
        }),
    })
}

fn unless_missing(
    error: Error,
    verb: &'static str,
    name: &str,
    if_exists: bool,
) -> Result<Outcome> {
    if if_exists && error.reason() == Reason::StageNotFound {
        return Ok(Outcome::done_with_warnings(
            verb,
            vec![format!(
                "1305: the stage {name} not exists; nothing was changed"
            )],
        ));
    }
    Err(error)
}
