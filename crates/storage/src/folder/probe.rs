//! VALIDATE STAGE on a folder: what the file system does, and then what exports do.

use async_trait::async_trait;
use std::io::Read;

use super::Folder;
use super::beneath::{Renaming, Space};
use crate::error::{Error, Result};
use crate::path::ObjectPath;
use crate::validation::{Check, Probe, Probed, Validation, advice, try_files};

const GIB: u64 = 1 << 30;
/// Less room than this is worth a warning.
const FREE_BYTES_MIN: u64 = GIB;
const FREE_FILES_MIN: u64 = 1000;

#[async_trait]
impl Probed for Folder {
    async fn read_probe(&self, path: &ObjectPath) -> Result<Vec<u8>> {
        let path = path.clone();
        self.blocking(move |beneath| {
            let mut bytes = Vec::new();
            beneath
                .open_file(&path)?
                .read_to_end(&mut bytes)
                .map_err(|e| Error::io(format_args!("read '{path}'"), e))?;
            Ok(bytes)
        })
        .await
    }

    async fn list_probe(&self, folder: &ObjectPath) -> Result<Vec<ObjectPath>> {
        let folder = folder.clone();
        self.blocking(move |beneath| {
            let entries = beneath.list(Some(&folder))?;
            Ok(entries.into_iter().map(|entry| entry.path).collect())
        })
        .await
    }
}

impl Folder {
    pub(super) async fn try_all(&self, probe: &Probe) -> Result<Validation> {
        let mut found = Validation::default();
        let missing = self
            .blocking(|beneath| Ok(beneath.missing_folders()))
            .await?;
        let space = self.blocking(|beneath| beneath.space()).await;
        tell_space(&mut found, space);
        try_files(self, probe, &mut found).await;
        let own = probe.clone();
        let unnamed = self.blocking(move |beneath| beneath.makes_unnamed_files(&own));
        tell_unnamed(&mut found, unnamed.await);
        let own = probe.clone();
        let renaming = self.blocking(move |beneath| beneath.renaming(&own)).await;
        tell_renaming(&mut found, renaming);
        let own = probe.clone();
        let removed = self.blocking(move |beneath| beneath.remove_probe(&own, missing));
        let removed = removed.await;
        found.cleaned(probe, removed);
        Ok(found)
    }
}

fn tell_space(found: &mut Validation, space: Result<Space>) {
    let space = match space {
        Ok(space) => space,
        Err(error) => {
            let advice = advice(&error);
            return found.failed(Check::FreeSpace, error.to_string(), advice);
        }
    };
    let gib = |bytes: u64| bytes as f64 / GIB as f64;
    let files = space
        .files
        .map_or_else(String::new, |files| format!(", room for {files} files"));
    let detail = format!(
        "{:.1} GiB free of {:.1} GiB{files}",
        gib(space.free),
        gib(space.total)
    );
    let is_low = space.free < FREE_BYTES_MIN || space.files.is_some_and(|n| n < FREE_FILES_MIN);
    match is_low {
        true => found.warning(
            Check::FreeSpace,
            detail,
            "make room: an export that finds none fails, and leaves nothing",
        ),
        false => found.ok(Check::FreeSpace, detail),
    }
}

fn tell_unnamed(found: &mut Validation, unnamed: Result<bool>) {
    match unnamed {
        Ok(true) => found.ok(
            Check::UnnamedFile,
            "the file system makes files without a name (O_TMPFILE)",
        ),
        // Nothing depends on it: drafts have names in the reserved directory.
        Ok(false) => found.ok(
            Check::UnnamedFile,
            "the file system makes no files without a name (O_TMPFILE); drafts do not need it",
        ),
        Err(error) => found.failed(Check::UnnamedFile, error.to_string(), advice(&error)),
    }
}

fn tell_renaming(found: &mut Validation, renaming: Result<Renaming>) {
    match renaming {
        Ok(Renaming::Native) => found.ok(
            Check::RenameNoReplace,
            "the file system renames without replacing, in one step (RENAME_NOREPLACE)",
        ),
        Ok(Renaming::Linking) => found.warning(
            Check::RenameNoReplace,
            "the file system does not know RENAME_NOREPLACE; files are linked to their names instead, which refuses to replace, too",
            "after a crash between the two steps a draft's second name is removed by recovery; nothing is to be done",
        ),
        Ok(Renaming::Replacing) => found.failed(
            Check::RenameNoReplace,
            "the file system replaces a file although it is told not to",
            "use another file system: an export could replace a file that appears at the same moment",
        ),
        Err(error) => found.failed(Check::RenameNoReplace, error.to_string(), advice(&error)),
    }
}
