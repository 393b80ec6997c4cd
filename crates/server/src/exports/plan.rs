//! The durable publication plan, between the catalog that keeps it and the place that carries it out.

use catalog::{ExportRecord, FileRole, PlannedFile};
use exporter::Digest;
use storage::{ObjectPath, OnExisting, Token};

use crate::error::{Error, Reason, Result};
use crate::exports::manifest::{MANIFEST_DRAFT, manifest_path};

/// An entry as the place takes it.
///
/// # Errors
/// [`Reason::DataLoss`] for one that does not read.
pub(crate) fn planned(file: &PlannedFile) -> Result<storage::PlannedFile> {
    Ok(storage::PlannedFile {
        token: token(file)?,
        target: ObjectPath::parse(&file.target)?,
        on_existing: match file.replaces {
            true => OnExisting::Replace,
            false => OnExisting::Refuse,
        },
        bytes: file.bytes,
        digest: file.digest.clone(),
    })
}

/// An entry's draft.
///
/// # Errors
/// [`Reason::DataLoss`] for one that does not read.
pub(crate) fn token(file: &PlannedFile) -> Result<Token> {
    Token::from_bytes(&file.token).map_err(|e| Error::internal(Reason::DataLoss, &e).with_source(e))
}

/// The same of one that is being written; none if it was not begun yet, as far as is known.
///
/// # Errors
/// [`Reason::DataLoss`] for one that does not read.
pub(crate) fn begun_token(file: &PlannedFile) -> Result<Option<Token>> {
    match file.role.has_draft() && !file.token.is_empty() {
        true => token(file).map(Some),
        false => Ok(None),
    }
}

/// The plan of a prepared export; `path` is where its first file goes. One that was prepared by a version before
/// plans has one data file, and perhaps a manifest, whose drafts are known by their numbers; such a version did
/// not record OVERWRITE, so nothing is replaced.
pub(crate) fn plan_of(export: &ExportRecord, path: &ObjectPath) -> Result<Vec<PlannedFile>> {
    if !export.plan.is_empty() {
        return Ok(export.plan.clone());
    }
    let by_number = |index, role, target: &ObjectPath| PlannedFile {
        index,
        role,
        target: target.to_string(),
        replaces: false,
        rows: 0,
        bytes: 0,
        digest: String::new(),
        token: Token::of_file(&export.id, index).to_bytes(),
    };
    let mut plan = Vec::new();
    if let Some(data) = export.files.first() {
        plan.push(PlannedFile {
            rows: data.rows,
            bytes: data.bytes,
            digest: data.digest.clone(),
            ..by_number(0, FileRole::Data, path)
        });
    }
    if let Some(json) = &export.manifest_json
        && export.temp_files.iter().any(|name| name == MANIFEST_DRAFT)
    {
        let mut digest = Digest::default();
        digest.update(json.as_bytes());
        plan.push(PlannedFile {
            bytes: json.len() as u64,
            digest: digest.finish(),
            ..by_number(1, FileRole::Manifest, &manifest_path(path)?)
        });
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use catalog::{ExportFile, ExportState};

    use super::*;

    #[test]
    fn an_export_of_an_older_version_is_published_by_number_and_replaces_nothing() {
        let export = ExportRecord {
            id: "e".into(),
            account: "sys".into(),
            user: "root".into(),
            key: None,
            database: None,
            statement: "SELECT 1 INTO OUTFILE 'stage://s/d/a.csv' OVERWRITE 'true'".into(),
            stage: Some(("s".into(), 1)),
            stage_id: Some(1),
            stage_parents: Vec::new(),
            target: "stage://s/d/a.csv".into(),
            state: ExportState::Prepared,
            plan: Vec::new(),
            temp_files: vec!["0".into(), "1".into()],
            files: vec![ExportFile {
                path: "d/a.csv".into(),
                rows: 1,
                bytes: 4,
                digest: "ab".into(),
            }],
            rows: 1,
            bytes: 4,
            error: None,
            credentials: catalog::Credentials::default(),
            manifest_json: Some("{}".into()),
            warnings: Vec::new(),
            created_us: 1,
            changed_us: 1,
            finished_us: None,
        };
        let path = ObjectPath::parse("d/a.csv").unwrap();
        let plan = plan_of(&export, &path).unwrap();
        let told: Vec<_> = plan
            .iter()
            .map(|file| (file.index, file.role, file.target.as_str(), file.bytes))
            .collect();
        assert_eq!(
            told,
            [
                (0, FileRole::Data, "d/a.csv", 4),
                (1, FileRole::Manifest, "d/a.csv.manifest.json", 2)
            ]
        );
        for file in &plan {
            let planned = planned(file).unwrap();
            assert_eq!(planned.on_existing, OnExisting::Refuse);
            assert_eq!(planned.token, Token::of_file("e", file.index));
        }
        // SHA-256 of "{}".
        assert_eq!(
            plan[1].digest,
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        let without = ExportRecord {
            temp_files: vec!["0".into()],
            ..export
        };
        assert_eq!(plan_of(&without, &path).unwrap().len(), 1);
    }
}
