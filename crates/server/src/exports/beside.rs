//! What goes beside the data of an export: its manifest, its digests; and what the export before, to the same target,
//! has left that this one replaces.

use std::collections::HashSet;
use std::sync::Arc;

use catalog::{ExportRecord, ExportState, FileRole, PlannedFile};
use exporter::{Digest, DigestAlgorithm};
use storage::{ErrorKind, ObjectPath};

use crate::error::{Error, Reason, Result};
use crate::exports::ExportTarget;
use crate::exports::checksums::{ALGORITHMS, checksums_of_folder, checksums_path, lines};
use crate::exports::manifest::{FoundManifest, found_manifest, manifest_of_folder, manifest_path};
use crate::exports::recovery::same_path;
use crate::exports::target::target_exists;
use crate::instance::Instance;

/// What an export wants beside its data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BesideWanted {
    /// The manifest, where there is one file.
    pub(crate) manifest_of_one: bool,
    /// The manifest, where there are several.
    pub(crate) manifest_of_several: bool,
    /// Whether there may be several.
    pub(crate) may_be_several: bool,
    /// Without its manifest the export must not be.
    pub(crate) manifest_required: bool,
    /// The digests.
    pub(crate) checksums: bool,
    /// What the files are digested by.
    pub(crate) digest: DigestAlgorithm,
    /// Whether the files replace others, whose manifest would prove what is no longer there.
    pub(crate) replaces: bool,
}

/// A file beside the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BesideFile {
    pub(crate) path: ObjectPath,
    pub(crate) replaces: bool,
}

/// What is put beside the data, and what goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beside {
    pub(crate) manifest: Option<BesideFile>,
    pub(crate) checksums: Option<BesideFile>,
    /// Files and manifests of the export before, with their lengths and digests; their entries in the plan, but for
    /// the numbers.
    pub(crate) leaving: Vec<PlannedFile>,
    /// What could not be found out about the export before.
    pub(crate) warnings: Vec<String>,
}

impl BesideWanted {
    /// Looks at what is there, once the data is written. The manifest of one file goes beside it, that of several into
    /// the first one's folder as `_manifest.json`; where another export has its own there, beside the first file. The
    /// same for digests, as `SHA256SUMS` or `B3SUMS`.
    ///
    /// # Errors
    /// Those of looking; [`Reason::TargetInvalid`] where no name is left; [`Reason::TargetExists`] where a manifest
    /// that must be there finds its name taken.
    pub(crate) async fn look(
        self,
        instance: &Arc<Instance>,
        account: &str,
        target: &ExportTarget,
        files: &[PlannedFile],
    ) -> Result<Beside> {
        let taken: HashSet<&str> = files.iter().map(|file| file.target.as_str()).collect();
        // One file in a partition's folder may be one of several the next time.
        let is_several = match files {
            [file] => file.target != target.path.as_str(),
            _ => true,
        };
        let before = match self.replaces {
            true => Before::find(instance, account, target, &taken).await?,
            false => Before::default(),
        };
        let wanted = match is_several {
            true => self.manifest_of_several,
            false => self.manifest_of_one,
        };
        let mut beside = Beside::default();
        if self.replaces && before.manifests.is_empty() {
            beside.warnings.extend(left_of_longer(target, files).await?);
        }
        if wanted || !before.manifests.is_empty() {
            let folder = manifest_of_folder(&target.path)?;
            let only_in_folder =
                !wanted && before.manifests.iter().all(|(own, _)| own.path == folder);
            let place = Places {
                target,
                taken: &taken,
                in_folder: is_several || only_in_folder,
                folder,
                beside: manifest_path(&target.path),
            };
            let owned = before.manifests.iter().map(|(own, _)| &own.path);
            let file = place.choose(&owned.cloned().collect::<Vec<_>>()).await?;
            if self.manifest_required && !file.replaces && target.store.exists(&file.path).await? {
                return Err(target_exists(&file.path));
            }
            beside.manifest = Some(file);
        }
        if self.checksums || !before.checksums.is_empty() {
            let place = Places {
                target,
                taken: &taken,
                in_folder: is_several,
                folder: checksums_of_folder(&target.path, self.digest)?,
                beside: checksums_path(&target.path, self.digest),
            };
            let owned = before.checksums.iter().map(|(path, ..)| path.clone());
            beside.checksums = Some(place.choose(&owned.collect::<Vec<_>>()).await?);
        }
        beside.leaves(before, &taken);
        Ok(beside)
    }
}

/// A warning where a file has the name that the next one would have had: one that an export of more files has left, of
/// which no manifest tells.
async fn left_of_longer(target: &ExportTarget, files: &[PlannedFile]) -> Result<Option<String>> {
    let is_numbered = |(number, file): (u32, &PlannedFile)| {
        target
            .file(number)
            .is_ok_and(|path| path.as_str() == file.target)
    };
    let count = u32::try_from(files.len()).unwrap_or(u32::MAX);
    if !(0..count).zip(files).all(is_numbered) {
        return Ok(None);
    }
    // There may be no such name.
    let Ok(next) = target.file(count) else {
        return Ok(None);
    };
    // The export does not depend on it.
    Ok(match target.store.exists(&next).await {
        Ok(true) => Some(format!(
            "'{next}' stays, for no manifest tells whose it is: it may be of the export before, with others behind it"
        )),
        Ok(false) => None,
        Err(error) => Some(format!(
            "whether '{next}' is left of the export before is not known: {error}"
        )),
    })
}

/// Where a file beside the data may go.
struct Places<'a> {
    target: &'a ExportTarget,
    /// Names of the data.
    taken: &'a HashSet<&'a str>,
    in_folder: bool,
    folder: ObjectPath,
    /// An error where there can be no such name.
    beside: Result<ObjectPath>,
}

impl Places<'_> {
    /// Into the folder, or beside the first file where the folder has another's. `owned` are files of the export before,
    /// which are replaced.
    async fn choose(self, owned: &[ObjectPath]) -> Result<BesideFile> {
        // Also by a folder of data: a file cannot have the name of one.
        let is_taken = |path: &ObjectPath| {
            let mut taken = self.taken.iter();
            taken.any(|taken| {
                let rest = taken.strip_prefix(path.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let (folder, replaces) = (self.folder, |path: &ObjectPath| owned.contains(path));
        if self.in_folder
            && !is_taken(&folder)
            && (replaces(&folder) || !self.target.store.exists(&folder).await?)
        {
            return Ok(BesideFile {
                replaces: replaces(&folder),
                path: folder,
            });
        }
        let path = self.beside?;
        if is_taken(&path) {
            return Err(Error::new(
                Reason::TargetInvalid,
                20411,
                "HY000",
                format!(
                    "invalid file path: '{path}' would be a file of rows and one that tells of them; choose another name"
                ),
            ));
        }
        Ok(BesideFile {
            replaces: replaces(&path),
            path,
        })
    }
}

/// What an export to the same target has left.
#[derive(Debug, Default)]
struct Before {
    /// Each with the record of its export, where there still is one.
    manifests: Vec<(FoundManifest, Option<ExportRecord>)>,
    /// Lists of just the files that such an export has written: path, length, digest.
    checksums: Vec<(ObjectPath, u64, String)>,
}

impl Before {
    async fn find(
        instance: &Arc<Instance>,
        account: &str,
        target: &ExportTarget,
        taken: &HashSet<&str>,
    ) -> Result<Self> {
        let folder = manifest_of_folder(&target.path)?;
        // There may be no such name.
        let beside = manifest_path(&target.path).ok();
        let mut before = Self::default();
        for (path, is_beside) in [(Some(folder), false), (beside, true)] {
            let Some(path) = path else { continue };
            let Some(found) = found_manifest(target, &path).await? else {
                continue;
            };
            let (account, id) = (account.to_owned(), found.export_id.clone());
            let record = instance
                .blocking(move |instance| Ok(instance.catalog.export(&account, &id)?))
                .await?;
            // What a file says may be anybody's word; which files an export has written, the catalog knows.
            let record = record.filter(|record| {
                let own = target.permanent_stage().map(|stage| stage.id);
                record.state == ExportState::Committed
                    && record.stage_id == own
                    && same_path(&record.target, &target.shown)
            });
            // What has the name of a file's manifest is that file's, and what proves a file that is replaced is to
            // go, whatever the stage was called when it was written.
            let proves_replaced = || {
                let names = found.files.iter().map(|(name, _)| beside_of(&path, name));
                names.into_iter().any(|name| taken.contains(name.as_str()))
            };
            if is_beside || record.is_some() || found.target == target.shown || proves_replaced() {
                before.manifests.push((found, record));
            }
        }
        let lists_of = |algorithm| {
            [
                checksums_of_folder(&target.path, algorithm),
                checksums_path(&target.path, algorithm),
            ]
        };
        let may_be = ALGORITHMS.map(lists_of);
        for path in may_be.into_iter().flatten() {
            let Ok(path) = path else { continue };
            for (manifest, _) in &before.manifests {
                if let Some((bytes, digest)) = lists(target, &path, manifest).await? {
                    before.checksums.push((path.clone(), bytes, digest));
                    break;
                }
            }
        }
        Ok(before)
    }
}

/// A name as seen from the folder of a file.
fn beside_of(file: &ObjectPath, name: &str) -> String {
    match file.as_str().rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name.to_owned(),
    }
}

/// Whether the file at `path`, in the folder of a manifest, lists just the files of that: its length and digest.
async fn lists(
    target: &ExportTarget,
    path: &ObjectPath,
    manifest: &FoundManifest,
) -> Result<Option<(u64, String)>> {
    let files = manifest.files.iter();
    let text = lines(files.map(|(name, digest)| (name.clone(), &**digest)));
    let bytes = text.len() as u64;
    match target.store.stat(path).await {
        Ok(found) if found.bytes == bytes => {}
        Ok(_) => return Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid) => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    }
    let mut digest = Digest::default();
    digest.update(text.as_bytes());
    let digest = digest.finish();
    let is_it = target.store.digest_like(&digest, path).await? == digest;
    Ok(is_it.then_some((bytes, digest)))
}

impl Beside {
    /// What of the export before is not renewed goes: its manifest first, then, once the new files have their names,
    /// its files.
    fn leaves(&mut self, before: Before, taken: &HashSet<&str>) {
        let mut names: HashSet<String> = taken.iter().map(|name| (*name).to_owned()).collect();
        for kept in [&self.manifest, &self.checksums].into_iter().flatten() {
            names.insert(kept.path.to_string());
        }
        let mut add = |role, target: String, bytes, digest| {
            if names.insert(target.clone()) {
                self.leaving.push(PlannedFile {
                    index: 0,
                    role,
                    target,
                    replaces: false,
                    rows: 0,
                    bytes,
                    digest,
                    token: Vec::new(),
                });
            }
        };
        for (path, bytes, digest) in before.checksums {
            add(FileRole::Surplus, path.to_string(), bytes, digest);
        }
        for (manifest, record) in before.manifests {
            match record {
                Some(record) => {
                    for file in record.files {
                        add(FileRole::Surplus, file.path, file.bytes, file.digest);
                    }
                }
                None => self.warnings.push(format!(
                    "files of export '{}', of which '{}' told, may be left: there is no record of it",
                    manifest.export_id, manifest.path
                )),
            }
            let path = manifest.path.to_string();
            add(FileRole::OldManifest, path, manifest.bytes, manifest.digest);
        }
    }
}
