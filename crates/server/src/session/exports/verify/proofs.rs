//! What an export has put beside its files to prove them: its manifest, of which the catalog keeps the text, and its
//! list of digests, whose text is made anew from the record.

use catalog::{ExportFile, ExportRecord};
use exporter::manifest::Manifest;
use exporter::{Digest, DigestAlgorithm};
use parser::{Limits, Plan, Target};
use storage::{ObjectPath, Store};

use super::{Verdict, VerifiedFile};
use crate::error::Result;
use crate::exports::{
    checksums_of_folder, checksums_path, checksums_text, manifest_of_folder, manifest_path,
};

/// The proofs of an export, as far as its statement asked for them or they are there.
///
/// # Errors
/// The place's.
pub(super) async fn verified(
    store: &Store,
    record: &ExportRecord,
    asked: Asked,
) -> Result<Vec<VerifiedFile>> {
    let Some(path) = path_of(record)? else {
        return Ok(Vec::new());
    };
    // As it was decided when it was written: one file in a partition's folder is one of several, too.
    let is_several = !matches!(&*record.files, [file] if file.path == path.as_str());
    let mut found = Vec::new();
    if let Some(json) = &record.manifest_json {
        let proof = Proof {
            places: in_order(
                is_several,
                manifest_of_folder(&path)?,
                manifest_path(&path).ok(),
            ),
            is_asked: match is_several {
                true => asked.manifest_of_several,
                false => asked.manifest_of_one,
            },
            export: Some(&record.id),
        };
        found.extend(proof.verified(store, |_| json.clone()).await?);
    }
    let algorithm = record.files.first().and_then(|file| {
        let (algorithm, _) = DigestAlgorithm::split(&file.digest)?;
        Some(algorithm)
    });
    if let Some(algorithm) = algorithm {
        let proof = Proof {
            places: in_order(
                is_several,
                checksums_of_folder(&path, algorithm)?,
                checksums_path(&path, algorithm).ok(),
            ),
            is_asked: asked.checksums,
            export: None,
        };
        let files = || record.files.iter();
        let text =
            |at: &ObjectPath| checksums_text(at, files().map(|file| (&*file.path, &*file.digest)));
        found.extend(proof.verified(store, text).await?);
    }
    Ok(found)
}

/// The path of an export's first file in its place; `None` for a place that cannot be opened again.
fn path_of(record: &ExportRecord) -> Result<Option<ObjectPath>> {
    let path = match Target::parse(&record.target) {
        Target::Stage { path, .. } => path,
        // There the place is the folder.
        Target::Raw(path) => path.rsplit('/').next().unwrap_or_default().to_owned(),
        Target::Url { .. } => return Ok(None),
    };
    Ok(Some(ObjectPath::parse(&path)?))
}

/// Where a proof is looked for, the likelier place first.
fn in_order(is_several: bool, folder: ObjectPath, beside: Option<ObjectPath>) -> Vec<ObjectPath> {
    let mut places: Vec<ObjectPath> = beside.into_iter().collect();
    match is_several {
        true => places.insert(0, folder),
        false => places.push(folder),
    }
    places
}

/// What must be there.
pub(super) struct Asked {
    manifest_of_one: bool,
    manifest_of_several: bool,
    checksums: bool,
}

impl Asked {
    /// By the statement on record, and where a policy requires the manifest; what a warning on record says was not
    /// written is not. Of a statement that does not read only what is there is looked at.
    pub(super) fn by(record: &ExportRecord, is_required: bool, limits: &Limits) -> Self {
        let was_written = |what: &str| {
            let not = format!("the {what} not written to ");
            !record.warnings.iter().any(|told| told.starts_with(&not))
        };
        let (manifest_option, checksums) = match parser::parse_with(&record.statement, limits) {
            Ok(Plan::Export(export)) => {
                let options = export.options;
                let lists = [options.sha256sums, options.b3sums];
                (
                    options.manifest.map(|manifest| manifest.value),
                    lists.into_iter().flatten().any(|list| list.value),
                )
            }
            Ok(_) | Err(_) => (Some(false), false),
        };
        let manifest = |wanted: bool| (wanted || is_required) && was_written("manifest was");
        Self {
            manifest_of_one: manifest(manifest_option.unwrap_or(false)),
            manifest_of_several: manifest(manifest_option.unwrap_or(true)),
            checksums: checksums && was_written("digests were"),
        }
    }
}

/// A file that proves others.
struct Proof<'a> {
    /// Where it may be. In the first place nobody else's is expected, in the others somebody's may be.
    places: Vec<ObjectPath>,
    is_asked: bool,
    /// The id that it names, where it names one.
    export: Option<&'a str>,
}

/// What is in a place where the proof is not.
enum Other {
    /// A proof of this export that was changed.
    Own,
    /// One of another export.
    Foreign,
    Unknown,
}

impl Proof<'_> {
    /// The proof where it is as it was written; else what was found in its place. `text` is what it has in a place.
    async fn verified(
        &self,
        store: &Store,
        text: impl Fn(&ObjectPath) -> String,
    ) -> Result<Option<VerifiedFile>> {
        let mut bad: Option<VerifiedFile> = None;
        for (number, place) in self.places.iter().enumerate() {
            let text = text(place);
            let mut digest = Digest::default();
            digest.update(text.as_bytes());
            let file = ExportFile {
                path: place.to_string(),
                rows: 0,
                bytes: text.len() as u64,
                digest: digest.finish(),
            };
            let found = super::verified(store, file).await?;
            match found.verdict {
                Verdict::Same => return Ok(Some(found)),
                Verdict::Missing if self.is_asked => {
                    bad.get_or_insert(found);
                }
                Verdict::Missing => {}
                Verdict::Changed => match self.what_is(store, place).await? {
                    Other::Own => bad = Some(found),
                    Other::Unknown if number == 0 && self.is_asked => bad = Some(found),
                    Other::Foreign | Other::Unknown => {}
                },
            }
        }
        let gone = || {
            let path = self.places.first()?.to_string();
            Some(VerifiedFile {
                file: ExportFile {
                    path,
                    rows: 0,
                    bytes: 0,
                    digest: String::new(),
                },
                verdict: Verdict::Missing,
                detail: "what has the name is of another export".to_owned(),
            })
        };
        Ok(match (bad, self.is_asked) {
            (Some(bad), _) => Some(bad),
            (None, true) => gone(),
            (None, false) => None,
        })
    }

    async fn what_is(&self, store: &Store, place: &ObjectPath) -> Result<Other> {
        let Some(export) = self.export else {
            return Ok(Other::Unknown);
        };
        // A manifest that has grown far beyond what one of so many files has is none.
        if store.stat(place).await?.bytes > MANIFEST_BYTES_MAX {
            return Ok(Other::Unknown);
        }
        let bytes = store.read(place).await?;
        let manifest = std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| Manifest::from_json(text).ok());
        Ok(match manifest {
            Some(manifest) if manifest.export_id == export => Other::Own,
            Some(_) => Other::Foreign,
            None => Other::Unknown,
        })
    }
}

/// A larger file is looked into by nobody.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;
