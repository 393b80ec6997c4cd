//! What goes beside the data of an export: its manifest, its digests; and what the export before, to the same target,
//! has left that this one replaces.

use std::collections::HashSet;
use std::sync::Arc;

use catalog::{ExportFile, ExportState, FileRole, PlannedFile};
use exporter::Digest;
use storage::{ErrorKind, ObjectPath};

use crate::error::{Error, Reason, Result};
use crate::exports::ExportTarget;
use crate::exports::checksums::{checksums_of_folder, checksums_path, checksums_text};
use crate::exports::manifest::{OwnManifest, manifest_of_folder, manifest_path, own_manifest};
use crate::instance::Instance;

/// What an export wants beside its data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BesideWanted {
    /// The manifest, where there is one file.
    pub(crate) manifest_of_one: bool,
    /// The manifest, where there are several.
    pub(crate) manifest_of_several: bool,
    /// The digests.
    pub(crate) checksums: bool,
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
    /// Files of the export before, with their lengths and digests; their entries in the plan, but for the numbers.
    pub(crate) surplus: Vec<PlannedFile>,
    /// What could not be found out about the export before.
    pub(crate) warnings: Vec<String>,
}

impl BesideWanted {
    /// Looks at what is there, once the data is written. The manifest of one file goes beside it, that of several into
    /// the first one's folder as `_manifest.json`; where another export has its own there, beside the first file. The
    /// same for digests, as `SHA256SUMS`.
    ///
    /// # Errors
    /// Those of looking; [`Reason::TargetInvalid`] where no name is left.
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
        let folder = manifest_of_folder(&target.path)?;
        let own = match self.replaces {
            true => Own::find(target, &folder).await?,
            false => Own::default(),
        };
        let wanted = match is_several {
            true => self.manifest_of_several,
            false => self.manifest_of_one,
        };
        let in_folder = is_several || (own.in_folder.is_some() && own.beside.is_none() && !wanted);
        let manifest = match wanted || own.any() {
            false => None,
            true => {
                let beside = || manifest_path(&target.path);
                let owned = |path: &ObjectPath| own.has(path);
                Some(place(target, &taken, in_folder, folder, beside, owned).await?)
            }
        };
        let checksums = match self.checksums || has_checksums(target, &own).await? {
            false => None,
            true => {
                let folder = checksums_of_folder(&target.path)?;
                let beside = || checksums_path(&target.path);
                // They are this target's where its manifest is.
                let owned = |path: &ObjectPath| {
                    own.in_folder.is_some() || (self.replaces && *path != folder)
                };
                Some(place(target, &taken, is_several, folder.clone(), beside, owned).await?)
            }
        };
        let mut beside = Beside {
            manifest,
            checksums,
            ..Beside::default()
        };
        beside
            .find_surplus(instance, account, target, own, &taken)
            .await?;
        Ok(beside)
    }
}

/// The manifests of an export to the same target that are there.
#[derive(Debug, Default)]
struct Own {
    in_folder: Option<OwnManifest>,
    beside: Option<OwnManifest>,
}

impl Own {
    async fn find(target: &ExportTarget, folder: &ObjectPath) -> Result<Self> {
        Ok(Self {
            in_folder: own_manifest(target, folder).await?,
            beside: match manifest_path(&target.path) {
                Ok(beside) => own_manifest(target, &beside).await?,
                // There can be no file of that name.
                Err(_) => None,
            },
        })
    }

    fn any(&self) -> bool {
        self.in_folder.is_some() || self.beside.is_some()
    }

    fn each(self) -> impl Iterator<Item = OwnManifest> {
        self.in_folder.into_iter().chain(self.beside)
    }

    fn has(&self, path: &ObjectPath) -> bool {
        let found = [&self.in_folder, &self.beside];
        found.into_iter().flatten().any(|own| own.path == *path)
    }
}

/// Whether the export before has left digests, which would prove what is no longer there.
async fn has_checksums(target: &ExportTarget, own: &Own) -> Result<bool> {
    if own.in_folder.is_some()
        && target
            .store
            .exists(&checksums_of_folder(&target.path)?)
            .await?
    {
        return Ok(true);
    }
    Ok(own.beside.is_some() && target.store.exists(&checksums_path(&target.path)?).await?)
}

/// Where a file beside the data goes: into the folder, or beside the first file where the folder has another's.
async fn place(
    target: &ExportTarget,
    taken: &HashSet<&str>,
    in_folder: bool,
    folder: ObjectPath,
    beside: impl Fn() -> Result<ObjectPath>,
    owned: impl Fn(&ObjectPath) -> bool,
) -> Result<BesideFile> {
    if in_folder && !taken.contains(folder.as_str()) {
        if !target.store.exists(&folder).await? {
            return Ok(BesideFile {
                path: folder,
                replaces: false,
            });
        }
        if owned(&folder) {
            return Ok(BesideFile {
                path: folder,
                replaces: true,
            });
        }
    }
    let path = beside()?;
    if taken.contains(path.as_str()) {
        return Err(Error::new(
            Reason::TargetInvalid,
            20411,
            "HY000",
            format!(
                "invalid file path: '{path}' would be a file of rows and one that tells of them; choose another name"
            ),
        ));
    }
    let replaces = owned(&path);
    Ok(BesideFile { path, replaces })
}

impl Beside {
    /// The files that the manifests of the export before name, as the catalog knows them, and that this one does not
    /// write; and a manifest that this one does not renew.
    async fn find_surplus(
        &mut self,
        instance: &Arc<Instance>,
        account: &str,
        target: &ExportTarget,
        own: Own,
        taken: &HashSet<&str>,
    ) -> Result<()> {
        let mut names: HashSet<String> = taken.iter().map(|name| (*name).to_owned()).collect();
        for kept in [&self.manifest, &self.checksums].into_iter().flatten() {
            names.insert(kept.path.to_string());
        }
        for manifest in own.each() {
            let (account, id) = (account.to_owned(), manifest.export_id.clone());
            let record = instance
                .blocking(move |instance| Ok(instance.catalog.export(&account, &id)?))
                .await?;
            // What a file says may be anybody's word; which files an export has written, the catalog knows.
            let known = record.filter(|record| {
                record.state == ExportState::Committed
                    && record.target == target.shown
                    && record.stage.as_ref().map(|(name, _)| name)
                        == target.stage.as_ref().map(|stage| &stage.name)
            });
            match known {
                Some(record) => {
                    self.add_digests(target, &mut names, &record.files).await?;
                    for file in record.files {
                        self.add(&mut names, file.path, file.bytes, file.sha256);
                    }
                }
                None => self.warnings.push(format!(
                    "files of export '{}', of which '{}' tells, may be left: there is no record of it any more",
                    manifest.export_id, manifest.path
                )),
            }
            self.add(
                &mut names,
                manifest.path.to_string(),
                manifest.bytes,
                manifest.sha256,
            );
        }
        Ok(())
    }

    /// The digests of these files, where they are just what is there.
    async fn add_digests(
        &mut self,
        target: &ExportTarget,
        names: &mut HashSet<String>,
        files: &[ExportFile],
    ) -> Result<()> {
        for path in [
            checksums_of_folder(&target.path),
            checksums_path(&target.path),
        ] {
            let Ok(path) = path else { continue };
            if names.contains(path.as_str()) {
                continue;
            }
            let text = checksums_text(&path, files.iter().map(|file| (&*file.path, &*file.sha256)));
            let mut digest = Digest::default();
            digest.update(text.as_bytes());
            let sha256 = digest.finish();
            match target.store.stat(&path).await {
                Ok(found) if found.bytes == text.len() as u64 => {}
                Ok(_) => continue,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            }
            if target.store.sha256(&path).await? == sha256 {
                self.add(names, path.to_string(), text.len() as u64, sha256);
            }
        }
        Ok(())
    }

    fn add(&mut self, names: &mut HashSet<String>, target: String, bytes: u64, sha256: String) {
        if names.insert(target.clone()) {
            self.surplus.push(PlannedFile {
                index: 0,
                role: FileRole::Surplus,
                target,
                replaces: false,
                rows: 0,
                bytes,
                sha256,
                token: Vec::new(),
            });
        }
    }
}
