//! The manifest of one export: filled in from its plan and report, named after its file.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use catalog::{ExportRecord, PlannedFile};
use exporter::Digest;
use exporter::manifest::{
    MANIFEST_VERSION, Manifest, ManifestFile, ManifestStage, columns, statement_digest,
};
use parser::Target;
use storage::{ErrorKind, ObjectPath};

use crate::error::{Error, Result};
use crate::exports::ExportTarget;
use crate::exports::checksums::seen_from;
use crate::time::rfc3339;

/// The name of a manifest's draft in the record of an export of a version before plans; `0` is the data's.
pub(crate) const MANIFEST_DRAFT: &str = "1";

/// A larger file is looked into by nobody.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// What a manifest says besides the report.
#[derive(Debug, Clone)]
pub(crate) struct ManifestInput {
    /// The masked statement; only its digest is written.
    pub(crate) statement: String,
    pub(crate) principal: String,
    pub(crate) account: String,
    pub(crate) schema: SchemaRef,
    pub(crate) format: &'static str,
    /// Every option that decided the file's bytes.
    pub(crate) options: BTreeMap<String, serde_json::Value>,
}

impl ManifestInput {
    /// The manifest's text.
    pub(crate) fn json(
        &self,
        export: &ExportRecord,
        target: &ExportTarget,
        files: &[PlannedFile],
        finished_us: u64,
    ) -> Result<String> {
        let file = |file: &PlannedFile| {
            ManifestFile::new(file.target.clone(), file.rows, file.bytes, &file.digest)
        };
        let manifest = Manifest {
            manifest_version: MANIFEST_VERSION,
            export_id: export.id.clone(),
            statement_sha256: statement_digest(&self.statement),
            principal: self.principal.clone(),
            account: self.account.clone(),
            stage: target.stage.as_ref().map(|stage| ManifestStage {
                name: stage.name.clone(),
                version: stage.version,
                url: stage.url.clone().unwrap_or_default(),
            }),
            target: target.shown.clone(),
            format: self.format.to_owned(),
            options: self.options.clone(),
            // The names of types that SHOW and DESCRIBE have.
            schema: columns(&self.schema, query::field_sql_type),
            files: files.iter().map(file).collect(),
            rows: files.iter().map(|file| file.rows).sum(),
            bytes: files.iter().map(|file| file.bytes).sum(),
            started_at: rfc3339(export.created_us),
            finished_at: rfc3339(finished_us),
            publication: (!target.store.refuses_to_replace()).then(|| "checked".to_owned()),
            stagedoor_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        manifest
            .to_json()
            .map_err(|e| Error::defect("failed to write a manifest").with_source(e))
    }
}

/// `user.csv` → `user.csv.manifest.json`, beside it.
pub(crate) fn manifest_path(path: &ObjectPath) -> Result<ObjectPath> {
    Ok(ObjectPath::parse(&format!("{path}.manifest.json"))?)
}

pub(crate) fn manifest_of_folder(path: &ObjectPath) -> Result<ObjectPath> {
    Ok(match path.as_str().rsplit_once('/') {
        Some((folder, _)) => ObjectPath::parse(&format!("{folder}/_manifest.json"))?,
        None => ObjectPath::parse("_manifest.json")?,
    })
}

/// A manifest that is there.
#[derive(Debug, Clone)]
pub(crate) struct FoundManifest {
    pub(crate) path: ObjectPath,
    /// What it says it is of. Anybody may have written it.
    pub(crate) export_id: String,
    pub(crate) target: String,
    /// Its files as seen from its folder, each with its digest.
    pub(crate) files: Vec<(String, String)>,
    pub(crate) bytes: u64,
    pub(crate) digest: String,
}

/// The file at `path`, where it is a manifest.
pub(crate) async fn found_manifest(
    target: &ExportTarget,
    path: &ObjectPath,
) -> Result<Option<FoundManifest>> {
    match target.store.stat(path).await {
        Ok(found) if found.bytes <= MANIFEST_BYTES_MAX => {}
        Ok(_) => return Ok(None),
        // No file, or a folder.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid) => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    }
    let bytes = target.store.read(path).await?;
    let manifest = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| Manifest::from_json(text).ok());
    Ok(manifest.map(|manifest| {
        let mut digest = Digest::default();
        digest.update(&bytes);
        FoundManifest {
            path: path.clone(),
            export_id: manifest.export_id,
            files: manifest
                .files
                .iter()
                .filter_map(|file| {
                    let name = seen_from(&within(&manifest.target), &file.path);
                    Some((name, file.digest()?))
                })
                .collect(),
            target: manifest.target,
            bytes: bytes.len() as u64,
            digest: digest.finish(),
        }
    }))
}

/// A target's path in its place.
fn within(target: &str) -> String {
    match Target::parse(target) {
        Target::Stage { path, .. } => path,
        // There the place is the folder.
        Target::Url { .. } | Target::Raw(_) => {
            target.rsplit('/').next().unwrap_or_default().to_owned()
        }
    }
}

/// That there is no manifest beside the data, and why.
pub(crate) fn manifest_warning(target: &str, reason: &str) -> String {
    format!(
        "the manifest was not written to '{target}' (what has that name, if anything, is not of this export): {reason}; \
         GetManifest and stagedoor.exports have it"
    )
}
