//! Syncs of a folder's files and names. Nothing else of the folder syncs, so that tests see every one.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use rustix::io::Errno;

/// Makes a file's bytes durable.
pub(super) fn sync_bytes(file: &File) -> io::Result<()> {
    file.sync_all()?;
    note(file.as_fd());
    Ok(())
}

/// Makes the names in a folder durable.
pub(super) fn sync_names(folder: impl AsFd) -> Result<(), Errno> {
    rustix::fs::fsync(&folder)?;
    note(folder.as_fd());
    Ok(())
}

#[cfg(not(test))]
fn note(_: std::os::fd::BorrowedFd<'_>) {}

#[cfg(test)]
use syncs::note;

/// The syncs of a thread, with the names that were in a synced folder then.
#[cfg(test)]
mod syncs {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::cell::RefCell;
    use std::fs;
    use std::os::fd::{AsRawFd, BorrowedFd};

    thread_local! {
        static SYNCS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn note(fd: BorrowedFd<'_>) {
        let path = fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let line = match path.is_dir() {
            true => {
                let entries = fs::read_dir(&path).unwrap();
                let mut names: Vec<String> = entries
                    .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
                    .collect();
                names.sort();
                format!("{name}: {}", names.join(", "))
            }
            false => format!("{name}, {} bytes", fs::metadata(&path).unwrap().len()),
        };
        SYNCS.with_borrow_mut(|syncs| syncs.push(line));
    }

    /// Those since this was asked last: `name, n bytes` for a file, `folder: name, name` for a folder.
    pub(super) fn taken() -> Vec<String> {
        SYNCS.take()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::io::Write;
    use std::path::Path;
    use std::sync::Arc;

    use sha2::{Digest, Sha256};

    use super::super::DraftName;
    use super::super::beneath::Beneath;
    use super::super::draft::FileDraft;
    use super::syncs::taken;
    use crate::backend::{DraftWriter, PlannedFile, Published};
    use crate::draft::OnExisting;
    use crate::path::ObjectPath;
    use crate::policy::Policy;

    const BYTES: &[u8] = b"1,2\n";

    fn place(root: &Path) -> Arc<Beneath> {
        Arc::new(Beneath::open(root, None, Policy::default()).unwrap())
    }

    fn finished(place: &Arc<Beneath>, work: &str, target: &str) -> PlannedFile {
        let mut draft = FileDraft::begin(Arc::clone(place), work.into(), "0".into()).unwrap();
        draft.write_all(BYTES).unwrap();
        let token = Box::new(draft).finish().unwrap();
        let digest = Sha256::digest(BYTES);
        PlannedFile {
            token,
            target: ObjectPath::parse(target).unwrap(),
            on_existing: OnExisting::Refuse,
            bytes: BYTES.len() as u64,
            digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    fn publish(place: &Beneath, file: &PlannedFile) -> Published {
        let draft = DraftName::of(&file.token).unwrap();
        place.publish(&draft, file).unwrap()
    }

    /// Before an export is PREPARED its drafts are durable, bytes and every name on the way to them; before it is
    /// COMMITTED the names are, from the folders that were made to the file's own. Without one of these, a power cut
    /// leaves an export on record that is not there.
    #[test]
    fn what_is_acknowledged_is_durable() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir(&root).unwrap();
        let place = place(&root);
        taken();

        let file = finished(&place, "w", "a/b/c.csv");
        assert_eq!(
            taken(),
            ["0, 4 bytes", "w: 0", ".stagedoor: w", "root: .stagedoor"]
        );
        assert_eq!(publish(&place, &file), Published::Now);
        assert_eq!(taken(), ["root: .stagedoor, a", "a: b", "b: c.csv"]);

        // Who was killed before the folder was synced publishes once more.
        assert_eq!(publish(&place, &file), Published::Before);
        assert_eq!(taken(), ["b: c.csv"]);

        place.withdraw(&file).unwrap();
        assert_eq!(taken(), ["b: "]);
    }

    #[test]
    fn a_file_that_is_removed_stays_removed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir(&root).unwrap();
        let place = place(&root);
        let file = finished(&place, "w", "c.csv");
        publish(&place, &file);
        place.discard(&DraftName::of(&file.token).unwrap()).unwrap();
        taken();
        place.delete(&file.target).unwrap();
        assert_eq!(taken(), ["root: "]);
    }
}
