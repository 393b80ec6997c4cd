//! Publishing a draft of a folder: one renaming, after the draft has proved to be the one that was finished.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, RenameFlags};
use rustix::io::Errno;

use super::super::DraftName;
use super::super::digest::digest_of;
use super::{Beneath, FOLDER_MODE, identity_at};
use crate::backend::{PlannedFile, Published};
use crate::draft::OnExisting;
use crate::error::{Error, ErrorKind, Result, already_exists};
use crate::path::ObjectPath;
use crate::token::Identity;

impl Beneath {
    /// Moves a finished draft to its name and makes that durable: the file's folder is fsynced, and so
    /// is every folder that had to be created. On failure the created folders are removed again.
    pub(crate) fn publish(&self, draft: &DraftName, file: &PlannedFile) -> Result<Published> {
        let target = self.target_of(&file.target)?;
        let Some(found) = self.draft_identity(draft)? else {
            // Renamed by an earlier call, if the file of that name is the very one.
            return match self.identity(&target)? {
                Some(there) if draft.identity == Some(there) => {
                    self.sync_folder_of(&target)?;
                    Ok(Published::Before)
                }
                Some(_) | None => Err(gone(draft)),
            };
        };
        self.refuse_changed(draft, found, file)?;
        let mut created = Vec::new();
        let result = self.publish_into(draft, found, &target, file.on_existing, &mut created);
        if result.is_err() {
            for (parent, component) in created.iter().rev() {
                // Not ours any more if someone has put a file there meanwhile: then it stays.
                let _ = rustix::fs::unlinkat(parent, component.as_str(), AtFlags::REMOVEDIR);
            }
        }
        result
    }

    /// Refuses a draft that is not the one that was finished: neither by its identity nor, where a file system
    /// gives files another identity with time, by its bytes.
    fn refuse_changed(&self, draft: &DraftName, found: Identity, file: &PlannedFile) -> Result<()> {
        if draft.identity == Some(found) {
            return Ok(());
        }
        let path = draft.path()?;
        let opened = self.open_below_root(&path)?;
        let (bytes, digest) = digest_of(opened, &file.digest, &path)?;
        if bytes == file.bytes && digest == file.digest {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Io,
            format!(
                "failed to publish '{}': its draft has been changed since it was finished ({} bytes then, {bytes} now)",
                file.target, file.bytes
            ),
        ))
    }

    fn publish_into(
        &self,
        draft: &DraftName,
        found: Identity,
        target: &ObjectPath,
        on_existing: OnExisting,
        created: &mut Vec<(OwnedFd, String)>,
    ) -> Result<Published> {
        let draft = draft.path()?;
        let from = self.walk(draft.parent().as_ref())?;
        let mut folder = self.open_root()?;
        let count = target.components().count();
        for component in target.components().take(count - 1) {
            match rustix::fs::mkdirat(&folder, component, FOLDER_MODE) {
                Ok(()) => {
                    self.sync(&folder, target)?;
                    let parent = folder
                        .try_clone()
                        .map_err(|e| Error::io("keep a folder open", e))?;
                    created.push((parent, component.to_owned()));
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(self.failed("create the folder of", target, errno)),
            }
            folder = self.descend(&folder, component, target)?;
        }
        let (old, new) = (draft.file_name(), target.file_name());
        let renamed = match on_existing {
            OnExisting::Refuse => rename_no_replace(&from, old, &folder, new),
            OnExisting::Replace => {
                self.refuse_other_kinds(&folder, target)?;
                rustix::fs::renameat(&from, old, &folder, new)
            }
        };
        match renamed {
            Ok(()) => {}
            // Ours, where a file system links and unlinks instead of renaming, and we stopped in between.
            Err(Errno::EXIST) if identity_at(&folder, new).ok().flatten() == Some(found) => {
                let _ = rustix::fs::unlinkat(&from, old, AtFlags::empty());
                self.sync(&folder, target)?;
                return Ok(Published::Before);
            }
            Err(Errno::EXIST) => return Err(already_exists(target)),
            Err(Errno::XDEV) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "failed to publish '{target}': its folder is on another file system than '{}'",
                        self.root.display()
                    ),
                ));
            }
            Err(errno) => return Err(self.failed("publish", target, errno)),
        }
        // Nothing of ours can be swapped in the reserved directory; whoever owns the disk might.
        match identity_at(&folder, new) {
            Ok(Some(there)) if there.inode == found.inode && there.bytes == found.bytes => {}
            Ok(_) | Err(_) => {
                return Err(Error::new(
                    ErrorKind::Io,
                    format!("'{target}' was changed by somebody else while it was published"),
                ));
            }
        }
        self.sync(&folder, target)?;
        Ok(Published::Now)
    }

    /// OVERWRITE replaces a file, nothing else: not a link, a pipe or a folder that happens to have the name.
    pub(super) fn refuse_other_kinds(&self, folder: &OwnedFd, target: &ObjectPath) -> Result<()> {
        match rustix::fs::statat(folder, target.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode).is_file() => Ok(()),
            Err(Errno::NOENT) => Ok(()),
            Ok(_) => Err(Error::new(
                ErrorKind::Invalid,
                format!("'{target}' is not a file, so it is not replaced"),
            )),
            Err(errno) => Err(self.failed("look at", target, errno)),
        }
    }

    /// Removes the file that this plan has published: the very one, by its identity.
    pub(crate) fn withdraw(&self, file: &PlannedFile) -> Result<()> {
        let draft = DraftName::of(&file.token)?;
        let target = self.target_of(&file.target)?;
        match self.identity(&target) {
            Ok(Some(there)) if draft.identity == Some(there) => self.remove(&target),
            Ok(Some(_) | None) => Ok(()),
            // No folder is on the way there but a file or a link: it was not published.
            Err(error) if error.kind() == ErrorKind::Invalid => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn gone(draft: &DraftName) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("draft {} of {} is gone", draft.name, draft.work),
    )
}

/// renameat2(RENAME_NOREPLACE); link and unlink where the file system does not know it.
fn rename_no_replace(
    from: &OwnedFd,
    old: &str,
    to: &OwnedFd,
    new: &str,
) -> std::result::Result<(), Errno> {
    match rustix::fs::renameat_with(from, old, to, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            rustix::fs::linkat(from, old, to, new, AtFlags::empty())?;
            // Published. The draft's own name goes with its folder, now or later.
            let _ = rustix::fs::unlinkat(from, old, AtFlags::empty());
            Ok(())
        }
        result => result,
    }
}
