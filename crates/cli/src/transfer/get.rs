//! Fetching files: into a part beside the name, which a later try goes on with if the file is still the same,
//! and renamed when its checksum is right.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use proto::v1;
use proto::v1::download_file_response::Part;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Carried, FileBar, Manner, TransferError, local, shown};
use crate::client::{DownloadFailure, Files, StagePath};
use crate::failure::Failure;

/// The version of what is kept beside a part.
const VERSION: u32 = 1;
/// How often a file is begun with that changes while it is fetched.
const BEGUN_TIMES_MAX: usize = 3;

/// What makes a path a pattern.
pub(super) const WILDCARDS: [char; 3] = ['*', '?', '['];

/// Fetches what a path finds to `folder`.
///
/// # Errors
/// The first file's that was not fetched; nothing found.
pub(crate) async fn get(
    files: &mut Files,
    from: &StagePath,
    folder: &Path,
    manner: Manner,
    carried: &mut Vec<Carried>,
) -> Result<(), TransferError> {
    let mut page_token = String::new();
    let mut found_any = false;
    loop {
        let page = files.list(from, page_token).await?;
        for file in &page.files {
            found_any = true;
            let at = StagePath {
                parent: from.parent.clone(),
                path: file.path.clone(),
            };
            let target = folder.join(name_here(&from.path, &file.path)?);
            let (bytes, sha256) = fetch(files, &at, &target, manner).await?;
            carried.push(Carried {
                source: shown(&at),
                target: target.display().to_string(),
                bytes,
                sha256,
            });
        }
        if page.next_page_token.is_empty() {
            break;
        }
        page_token = page.next_page_token;
    }
    if found_any {
        return Ok(());
    }
    Err(TransferError::Local(format!(
        "nothing was fetched: no file is at {}",
        shown(from)
    )))
}

/// The name of a file below the folder that it is fetched to: what is behind the part of the path that is no pattern.
/// A server is not trusted to name any other place.
fn name_here(asked: &str, found: &str) -> Result<PathBuf, TransferError> {
    let asked = asked.trim_matches('/');
    let above = match asked.find(WILDCARDS) {
        Some(wildcard) => asked[..wildcard]
            .rsplit_once('/')
            .map_or("", |(above, _)| above),
        None => asked,
    };
    let below = match above {
        "" => found,
        above => found
            .strip_prefix(above)
            .and_then(|below| below.strip_prefix('/'))
            // The file itself was asked for.
            .unwrap_or_else(|| found.rsplit('/').next().unwrap_or(found)),
    };
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    if below.split('/').all(is_plain) {
        return Ok(PathBuf::from(below));
    }
    Err(TransferError::Local(format!(
        "the server names a file '{}', which is no name for a file here",
        found.escape_default()
    )))
}

/// Which file a part is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    v: u32,
    stage: String,
    path: String,
    etag: String,
    /// Of the whole file.
    bytes: u64,
}

/// A part of a file, and beside it what it is of.
struct PartFile {
    path: PathBuf,
    source_path: PathBuf,
}

impl PartFile {
    fn of(target: &Path) -> Self {
        let with = |suffix: &str| {
            let mut name = std::ffi::OsString::from(".");
            name.push(target.file_name().unwrap_or_default());
            name.push(suffix);
            target.with_file_name(name)
        };
        // Names that nobody else gives: an old part is removed without asking.
        Self {
            path: with(".stagedoor-part"),
            source_path: with(".stagedoor-part.json"),
        }
    }

    /// The etag that the part is of, if it is one of this file.
    fn etag(&self, at: &StagePath) -> Option<String> {
        let source: Source = serde_json::from_slice(&fs::read(&self.source_path).ok()?).ok()?;
        let is_same = source.v == VERSION && source.stage == at.parent && source.path == at.path;
        // A longer one is none of this file.
        let is_part = fs::metadata(&self.path).is_ok_and(|part| part.len() <= source.bytes);
        (is_same && is_part && !source.etag.is_empty()).then_some(source.etag)
    }

    fn keep_source(&self, at: &StagePath, file: &v1::File) -> io::Result<()> {
        let source = Source {
            v: VERSION,
            stage: at.parent.clone(),
            path: at.path.clone(),
            etag: file.etag.clone(),
            bytes: file.size_bytes,
        };
        fs::write(&self.source_path, serde_json::to_vec(&source)?)
    }

    /// Nothing to go on with.
    fn forget_if_empty(&self) {
        if fs::metadata(&self.path).is_ok_and(|part| part.len() == 0) {
            self.forget();
        }
    }

    fn forget(&self) {
        for path in [&self.path, &self.source_path] {
            // What stays is begun anew with the next time.
            let _ = fs::remove_file(path);
        }
    }
}

/// Fetches one file; gives its length and SHA-256.
async fn fetch(
    files: &mut Files,
    at: &StagePath,
    target: &Path,
    manner: Manner,
) -> Result<(u64, String), TransferError> {
    if !manner.overwrite && target.symlink_metadata().is_ok() {
        return Err(TransferError::Local(format!(
            "{} exists already; OVERWRITE (--overwrite) replaces it",
            target.display()
        )));
    }
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(|e| local("create", folder, &e))?;
    }
    let part = PartFile::of(target);
    let fetched = fetch_into(files, at, &part, target, manner).await;
    if fetched.is_err() {
        part.forget_if_empty();
    }
    fetched
}

/// The same, by way of a part, which an error leaves.
async fn fetch_into(
    files: &mut Files,
    at: &StagePath,
    part: &PartFile,
    target: &Path,
    manner: Manner,
) -> Result<(u64, String), TransferError> {
    let bar = FileBar::begin(&at.path, manner);
    for tries_left in (0..BEGUN_TIMES_MAX).rev() {
        match fetch_part(files, at, part, &bar).await {
            Ok((bytes, sha256)) => {
                publish(&part.path, target, manner.overwrite)
                    .map_err(|e| local("create", target, &e))?;
                part.forget();
                return Ok((bytes, sha256));
            }
            // Of another version than the part: from its beginning.
            Err(PartError::Changed(failure)) if tries_left == 0 => return Err(failure),
            Err(PartError::Changed(_)) => part.forget(),
            Err(PartError::Other(error)) => return Err(error),
        }
    }
    Err(TransferError::Local(format!(
        "{} changes faster than it can be fetched",
        shown(at)
    )))
}

enum PartError {
    Changed(TransferError),
    Other(TransferError),
}

impl From<DownloadFailure> for PartError {
    fn from(failure: DownloadFailure) -> Self {
        match failure {
            DownloadFailure::Changed(failure) => Self::Changed(failure.into()),
            DownloadFailure::Other(failure) => Self::Other(failure.into()),
        }
    }
}

/// Completes a part, or makes one.
async fn fetch_part(
    files: &mut Files,
    at: &StagePath,
    part: &PartFile,
    bar: &FileBar,
) -> Result<(u64, String), PartError> {
    let failed =
        |what: &'static str| move |e: io::Error| PartError::Other(local(what, &part.path, &e));
    let etag = part.etag(at).unwrap_or_default();
    let (mut file, mut digest, mut position) = match etag.is_empty() {
        true => {
            part.forget();
            let file = File::create(&part.path).map_err(failed("create"))?;
            (file, Sha256::new(), 0)
        }
        false => reopened(&part.path).map_err(failed("read"))?,
    };
    let offset = position;
    let mut stream = files.download(at, offset, &etag).await?;
    let mut length = 0;
    loop {
        let message = stream.message().await;
        let message = message.map_err(|status| PartError::from(files.download_failure(&status)))?;
        let Some(message) = message else {
            let broken = Failure::malformed("a file ended without its checksum");
            return Err(PartError::Other(broken.into()));
        };
        match message.part {
            Some(Part::File(info)) => {
                length = info.size_bytes;
                bar.is(position, length);
                part.keep_source(at, &info)
                    .map_err(failed("write beside"))?;
            }
            Some(Part::Chunk(bytes)) => {
                file.write_all(&bytes).map_err(failed("write"))?;
                digest.update(&bytes);
                position += bytes.len() as u64;
                bar.is(position, length);
            }
            Some(Part::Sha256(expected)) => {
                file.sync_all().map_err(failed("write"))?;
                let found = hex(&digest.finalize());
                if found == expected && position == length {
                    return Ok((position, found));
                }
                part.forget();
                let text = format!(
                    "{} did not arrive as it is: {position} of {length} bytes, SHA-256 {found} and not {expected}",
                    shown(at)
                );
                // What was there before may have been damaged here.
                return Err(match offset {
                    0 => PartError::Other(TransferError::Local(text)),
                    _ => PartError::Changed(TransferError::Local(text)),
                });
            }
            // A part that this version does not know.
            None => {}
        }
    }
}

/// A part that is there, its digest so far, and its length.
fn reopened(path: &Path) -> io::Result<(File, Sha256, u64)> {
    digested(File::options().read(true).append(true).open(path)?)
}

/// A file that has been read to its end, its digest, and its length.
pub(super) fn digested(mut file: File) -> io::Result<(File, Sha256, u64)> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut position = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((file, digest, position)),
            read => {
                digest.update(&buffer[..read]);
                position += read as u64;
            }
        }
    }
}

/// Gives a whole file its name, in one step; without `overwrite`, not over another.
fn publish(part: &Path, target: &Path, overwrite: bool) -> io::Result<()> {
    if overwrite {
        return fs::rename(part, target);
    }
    match fs::hard_link(part, target) {
        Ok(()) => fs::remove_file(part),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // A file system without links: what is left is to look before.
        Err(_) if target.symlink_metadata().is_err() => fs::rename(part, target),
        Err(_) => Err(io::ErrorKind::AlreadyExists.into()),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Into a String: this cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_file_is_named_below_what_was_asked_for() {
        for (asked, found, here) in [
            ("a/b.csv", "a/b.csv", "b.csv"),
            ("b.csv", "b.csv", "b.csv"),
            ("", "a/b.csv", "a/b.csv"),
            ("a", "a/b/c.csv", "b/c.csv"),
            ("a/", "a/b/c.csv", "b/c.csv"),
            ("a/*.csv", "a/b.csv", "b.csv"),
            ("a*/x.csv", "ab/x.csv", "ab/x.csv"),
            ("**/x.csv", "a/b/x.csv", "a/b/x.csv"),
        ] {
            assert_eq!(name_here(asked, found).unwrap(), Path::new(here), "{asked}");
        }
    }

    #[test]
    fn a_part_has_a_name_of_its_own_beside_its_file() {
        let part = PartFile::of(Path::new("/d/a.csv"));
        assert_eq!(part.path, Path::new("/d/.a.csv.stagedoor-part"));
        assert_eq!(part.source_path, Path::new("/d/.a.csv.stagedoor-part.json"));
    }

    #[test]
    fn a_part_of_which_nothing_came_does_not_stay() {
        let folder = tempfile::tempdir().unwrap();
        let part = PartFile::of(&folder.path().join("a.csv"));
        let write = |bytes: &str| {
            fs::write(&part.path, bytes).unwrap();
            fs::write(&part.source_path, "{}").unwrap();
        };
        let names = || fs::read_dir(folder.path()).unwrap().count();
        write("");
        part.forget_if_empty();
        assert_eq!(names(), 0);
        write("1");
        part.forget_if_empty();
        assert_eq!(names(), 2);
    }

    #[test]
    fn a_server_names_no_place_but_the_folder() {
        for found in [
            "../x",
            "a/../../x",
            "/etc/passwd",
            "a//b",
            "a/./b",
            "",
            "x\0",
        ] {
            assert!(name_here("", found).is_err(), "{found}");
        }
    }
}
