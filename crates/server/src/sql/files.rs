//! LIST, INFER SCHEMA, REMOVE FILES, PRESIGN, GET and PUT.

use std::sync::Arc;

use parser::{
    GetFiles, InferSchema, Presign, PresignAccess, PutFiles, RemoveFiles, StagedFile, Target,
};
use secrecy::ExposeSecret;
use storage::PresignedAccess;

use super::show::backquoted;
use crate::error::Result;
use crate::places::StagePath;
use crate::session::{Done, Found, Outcome, Rows, Session, Transfer, unnamed_warning};
use crate::stage_files;
use crate::time::timestamp_text;

pub(super) async fn list(session: &Session, target: Target) -> Result<Outcome> {
    let Found { files, unnamed } = session.list_files(&StagePath::of(target)?, None).await?;
    Ok(Outcome::Rows(Rows {
        verb: "LIST",
        schema: stage_files::schema(),
        batches: Box::pin(stage_files::batches(files)),
        warnings: Arc::new(move || unnamed_warning(unnamed.count()).into_iter().collect()),
        origins: Vec::new(),
    }))
}

/// A column a row, with its type as CREATE EXTERNAL TABLE takes it.
pub(super) async fn infer_schema(session: &Session, statement: InferSchema) -> Result<Outcome> {
    let file = StagedFile {
        range: 0..0,
        target: statement.target.value,
        options: statement.options,
    };
    let columns = session.infer_schema(&file).await?;
    let row = |column: catalog::Column| {
        let (null, nullable) = match column.nullable {
            true => ("", "YES"),
            false => (" NOT NULL", "NO"),
        };
        let definition = format!("{} {}{null}", backquoted(&column.name), column.data_type);
        vec![
            Some(column.name),
            Some(column.data_type),
            Some(nullable.to_owned()),
            Some(definition),
        ]
    };
    Outcome::text_rows(
        "INFER SCHEMA",
        &["COLUMN_NAME", "TYPE", "NULLABLE", "DEFINITION"],
        columns.into_iter().map(row).collect(),
    )
}

pub(super) async fn remove(session: &Session, statement: RemoveFiles) -> Result<Outcome> {
    let at = StagePath::of(statement.target.value)?;
    let shown = at.to_string();
    let removed = session.remove_files(at, statement.if_exists).await?;
    let mut warnings = Vec::new();
    if removed.files == 0 && removed.unnamed == 0 {
        warnings.push(format!("file {shown} is not found; nothing was removed"));
    }
    warnings.extend(unnamed_warning(removed.unnamed));
    Ok(Outcome::Done(Done {
        verb: "REMOVE FILES",
        affected_rows: removed.files,
        warnings,
        ..Done::default()
    }))
}

pub(super) async fn presign(session: &Session, statement: Presign) -> Result<Outcome> {
    let access = match statement.access {
        PresignAccess::Download => PresignedAccess::Read,
        PresignAccess::Upload => PresignedAccess::Write,
    };
    let at = StagePath::of(statement.target.value)?;
    let expire_s = statement.expire_s.map(|expire| expire.value);
    let presigned = session.presign_file(&at, access, expire_s).await?;
    let headers: serde_json::Map<String, serde_json::Value> = presigned
        .headers
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let row = vec![
        Some(presigned.method.to_owned()),
        Some(presigned.url.expose_secret().to_owned()),
        Some(serde_json::Value::Object(headers).to_string()),
        Some(timestamp_text(presigned.expires_us)),
    ];
    Outcome::text_rows(
        "PRESIGN",
        &["METHOD", "URL", "HEADERS", "EXPIRES"],
        vec![row],
    )
}

pub(super) async fn get(session: &Session, statement: GetFiles) -> Result<Outcome> {
    let at = StagePath::of(statement.source.value)?;
    let overwrite = statement.overwrite.is_some_and(|overwrite| overwrite.value);
    session
        .transfer(Transfer::Get, at, statement.folder.value, overwrite)
        .await
        .map(Outcome::Transfer)
}

pub(super) async fn put(session: &Session, statement: PutFiles) -> Result<Outcome> {
    let at = StagePath::of(statement.target.value)?;
    let overwrite = statement.overwrite.is_some_and(|overwrite| overwrite.value);
    session
        .transfer(Transfer::Put, at, statement.source.value, overwrite)
        .await
        .map(Outcome::Transfer)
}
