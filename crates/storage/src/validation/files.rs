//! Trying a place by its drafts and their publication, as exports use it: for folders and memory.

use std::io::Write;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::{Capability, Check, Probe, Validation, content};
use crate::backend::{Backend, PlannedFile, Published};
use crate::draft::OnExisting;
use crate::error::{Error, ErrorKind, Result};
use crate::folder::ended_early;
use crate::path::ObjectPath;
use crate::store::hex;

const BYTES: usize = 64 << 10;

const CHECKS: [Check; 6] = [
    Check::Write,
    Check::Read,
    Check::List,
    Check::ConditionalCreate,
    Check::Overwrite,
    Check::Delete,
];

/// A place whose reserved directory can be looked into; its users cannot.
#[async_trait]
pub(crate) trait Probed: Backend {
    /// A file's bytes.
    async fn read_probe(&self, path: &ObjectPath) -> Result<Vec<u8>>;

    /// The paths in a folder.
    async fn list_probe(&self, folder: &ObjectPath) -> Result<Vec<ObjectPath>>;
}

/// Writes, reads, lists, refuses, replaces and removes a file. What it leaves is the caller's to remove.
pub(crate) async fn try_files(place: &dyn Probed, probe: &Probe, found: &mut Validation) {
    if let Err(error) = tried(place, probe, found).await {
        found.failed(Check::Write, error.to_string(), advice(&error));
    }
    found.skip_rest(&CHECKS, "it needs a file that could not be written");
}

async fn tried(place: &dyn Probed, probe: &Probe, found: &mut Validation) -> Result<()> {
    let path = probe.file("probe")?;
    let (first, second) = (content(1, BYTES), content(2, BYTES));
    put(place, probe, 0, &path, &first, OnExisting::Refuse).await?;
    found.done(
        Check::Write,
        Capability::Write,
        format!("{BYTES} bytes were written out of sight and given their name"),
    );
    match place.read_probe(&path).await {
        Ok(bytes) if bytes == first => {
            found.done(Check::Read, Capability::Read, "the same bytes came back");
        }
        Ok(_) => found.failed(
            Check::Read,
            "other bytes came back than were written",
            "do not use this stage before its disk has been examined",
        ),
        Err(error) => found.failed(Check::Read, error.to_string(), advice(&error)),
    }
    match place.list_probe(&probe.folder()?).await {
        Ok(paths) if paths.contains(&path) => {
            found.can(Capability::ConsistentList, true);
            found.done(Check::List, Capability::List, "the file was listed at once");
        }
        Ok(_) => {
            found.can(Capability::ConsistentList, false);
            found.warning(
                Check::List,
                "the file is there, but a list does not have it",
                "what reads files by patterns may miss new ones",
            );
        }
        Err(error) => found.failed(Check::List, error.to_string(), advice(&error)),
    }
    match put(place, probe, 1, &path, &second, OnExisting::Refuse).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => found.done(
            Check::ConditionalCreate,
            Capability::ConditionalCreate,
            "a second file of the same name was refused",
        ),
        Ok(_) => {
            found.can(Capability::ConditionalCreate, false);
            found.warning(
                Check::ConditionalCreate,
                "a second file of the same name replaced the first",
                "exports look for the file just before they publish; two writers at the same moment may still replace each other",
            );
        }
        Err(error) => found.failed(Check::ConditionalCreate, error.to_string(), advice(&error)),
    }
    match overwritten(place, probe, &path, &second).await {
        Ok(true) => found.done(
            Check::Overwrite,
            Capability::Overwrite,
            "a file replaced the other in one step",
        ),
        Ok(false) => found.failed(
            Check::Overwrite,
            "after the file was replaced, others bytes than the new ones came back",
            "do not use OVERWRITE on this stage",
        ),
        Err(error) => found.failed(Check::Overwrite, error.to_string(), advice(&error)),
    }
    match removed(place, &path).await {
        Ok(true) => found.done(Check::Delete, Capability::Delete, "the file was removed"),
        Ok(false) => found.failed(
            Check::Delete,
            "the file is still there after it was removed",
            "remove it by hand",
        ),
        Err(error) => found.failed(Check::Delete, error.to_string(), advice(&error)),
    }
    Ok(())
}

/// Writes and publishes a file; its draft goes where it is not published.
async fn put(
    place: &dyn Probed,
    probe: &Probe,
    index: u32,
    target: &ObjectPath,
    bytes: &[u8],
    on_existing: OnExisting,
) -> Result<Published> {
    let mut writer = place.draft(probe.work(), index, target).await?;
    let body = bytes.to_vec();
    let token = tokio::task::spawn_blocking(move || {
        writer
            .write_all(&body)
            .map_err(|e| Error::io("write a draft", e))?;
        writer.finish()
    });
    let token = token
        .await
        .map_err(|e| ended_early("writing a draft", &e))??;
    let file = PlannedFile {
        token,
        target: target.clone(),
        on_existing,
        bytes: bytes.len() as u64,
        digest: hex(&Sha256::digest(bytes)),
    };
    let published = place.publish(&file).await;
    if published.is_err() {
        // What this leaves, the run's end removes.
        let _ = place.discard(&file.token).await;
    }
    published
}

async fn overwritten(
    place: &dyn Probed,
    probe: &Probe,
    path: &ObjectPath,
    bytes: &[u8],
) -> Result<bool> {
    put(place, probe, 2, path, bytes, OnExisting::Replace).await?;
    Ok(place.read_probe(path).await? == bytes)
}

async fn removed(place: &dyn Probed, path: &ObjectPath) -> Result<bool> {
    place.delete(path).await?;
    Ok(!place.exists(path).await?)
}

/// What to do about an error of a folder.
pub(crate) fn advice(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            "give the operating system's user that the server runs as the right to do this in the folder"
        }
        ErrorKind::NotFound => "make the folder, or set another URL",
        ErrorKind::NoSpace => "make room on the disk, or set another URL",
        ErrorKind::Invalid => "set another URL",
        ErrorKind::AlreadyExists
        | ErrorKind::Refused
        | ErrorKind::Changed
        | ErrorKind::Unsupported
        | ErrorKind::Io => "examine the file system that the folder is on",
    }
}
