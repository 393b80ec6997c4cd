//! Sending files: their checksum goes ahead, so that the server stores what is here or nothing.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use futures::StreamExt;
use proto::v1::upload_file_request::Part;
use proto::v1::{UploadFileHeader, UploadFileRequest};
use sha2::Digest;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::get::{WILDCARDS, digested, hex};
use super::{Carried, FileBar, Manner, TransferError, local, shown};
use crate::client::{Files, StagePath};

const CHUNK_BYTES: usize = 256 << 10;
/// Chunks that wait for the connection.
const CHUNKS_WAITING_MAX: usize = 8;

/// A file of this machine that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalFile {
    /// Where it is.
    path: PathBuf,
    /// What it is called below the folder that it is sent to.
    name: PathBuf,
}

impl LocalFile {
    /// A file that keeps its name alone, wherever it is.
    pub(crate) fn named(path: PathBuf) -> Self {
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        Self { path, name }
    }

    /// A file that a pattern has found: called what is behind the part of the pattern that is none, as GET calls its
    /// files.
    fn found(path: PathBuf, pattern: &str) -> Self {
        let fixed = match pattern.find(WILDCARDS) {
            Some(wildcard) => pattern[..wildcard]
                .rsplit_once('/')
                .map_or("", |(above, _)| match above {
                    "" => "/",
                    above => above,
                }),
            None => return Self::named(path),
        };
        match plain(&path).strip_prefix(plain(Path::new(fixed))) {
            Ok(below) => Self {
                name: below.to_owned(),
                path,
            },
            Err(_) => Self::named(path),
        }
    }

    /// The name as a stage has it.
    fn name_there(&self) -> Result<String, TransferError> {
        let wrong = |why: &str| TransferError::Local(format!("{} {why}", self.path.display()));
        let mut parts = Vec::new();
        for part in self.name.components() {
            let Component::Normal(part) = part else {
                return Err(wrong("has no name below a stage's folder"));
            };
            parts.push(part.to_str().ok_or_else(|| wrong("has no name in UTF-8"))?);
        }
        match parts.is_empty() {
            true => Err(wrong("has no name")),
            false => Ok(parts.join("/")),
        }
    }
}

/// The path without what says nothing.
fn plain(path: &Path) -> PathBuf {
    let parts = path.components();
    parts.filter(|part| *part != Component::CurDir).collect()
}

/// The files of this machine that a path or a pattern names. Those of a pattern keep the folders that it found them
/// in.
///
/// # Errors
/// A malformed pattern; nothing found.
pub(crate) fn local_files(pattern: &str) -> Result<Vec<LocalFile>, TransferError> {
    let wrong = |why: String| TransferError::Local(format!("{pattern}: {why}"));
    if Path::new(pattern).is_file() {
        return Ok(vec![LocalFile::named(PathBuf::from(pattern))]);
    }
    let mut files = Vec::new();
    for found in glob::glob(pattern).map_err(|e| wrong(e.to_string()))? {
        let path = found.map_err(|e| wrong(e.to_string()))?;
        if path.is_file() {
            files.push(LocalFile::found(path, pattern));
        }
    }
    match files.is_empty() {
        true => Err(wrong("no file is there".to_owned())),
        false => Ok(files),
    }
}

/// What the files will be called in the stage, in their order.
///
/// # Errors
/// Two that would be one; a name that a stage cannot have.
fn targets(local_files: &[LocalFile], to: &StagePath) -> Result<Vec<StagePath>, TransferError> {
    let folder = to.path.trim_end_matches('/');
    let mut from: HashMap<String, &Path> = HashMap::new();
    let mut targets = Vec::with_capacity(local_files.len());
    for file in local_files {
        let name = file.name_there()?;
        let at = StagePath {
            parent: to.parent.clone(),
            path: match folder {
                "" => name,
                folder => format!("{folder}/{name}"),
            },
        };
        if let Some(other) = from.insert(at.path.clone(), &file.path) {
            return Err(TransferError::Local(format!(
                "{} and {} would both be {}; nothing was sent",
                other.display(),
                file.path.display(),
                shown(&at)
            )));
        }
        targets.push(at);
    }
    Ok(targets)
}

/// Sends files to a folder of a stage.
///
/// # Errors
/// Two files that would be one, of which none is sent; the first file's that was not sent.
pub(crate) async fn put(
    files: &mut Files,
    local_files: &[LocalFile],
    to: &StagePath,
    manner: Manner,
    carried: &mut Vec<Carried>,
) -> Result<(), TransferError> {
    let targets = targets(local_files, to)?;
    for (LocalFile { path, .. }, at) in local_files.iter().zip(targets) {
        let (bytes, sha256) = send(files, path, &at, manner).await?;
        carried.push(Carried {
            source: path.display().to_string(),
            target: shown(&at),
            bytes,
            sha256,
        });
    }
    Ok(())
}

async fn send(
    files: &mut Files,
    path: &Path,
    at: &StagePath,
    manner: Manner,
) -> Result<(u64, String), TransferError> {
    let (bytes, sha256) = digest(path).map_err(|e| local("read", path, &e))?;
    let header = UploadFileRequest {
        part: Some(Part::Header(UploadFileHeader {
            parent: at.parent.clone(),
            path: at.path.clone(),
            overwrite: manner.overwrite,
            size_bytes: Some(bytes),
            sha256: sha256.clone(),
            session_id: files.session_id().to_owned(),
        })),
    };
    let file = File::open(path).map_err(|e| local("read", path, &e))?;
    let (chunks, waiting) = mpsc::channel(CHUNKS_WAITING_MAX);
    let reading = tokio::task::spawn_blocking(move || read(file, bytes, &chunks));
    let bar = FileBar::begin(&path.display().to_string(), manner);
    let mut sent = 0;
    let chunks = ReceiverStream::new(waiting).map(move |chunk: Vec<u8>| {
        sent += chunk.len() as u64;
        bar.is(sent, bytes);
        UploadFileRequest {
            part: Some(Part::Chunk(chunk)),
        }
    });
    let parts = futures::stream::iter([header]).chain(chunks);
    let stored = files.upload(parts).await;
    // A server that refuses takes no more chunks, and the reader ends; what it could not read, the server lacks.
    if let Ok(Err(error)) = reading.await {
        return Err(local("read", path, &error));
    }
    let stored = stored?;
    if stored.sha256 != sha256 {
        return Err(TransferError::Local(format!(
            "{} is not what was sent: the server has SHA-256 {}, and {} has {sha256}",
            shown(at),
            stored.sha256,
            path.display()
        )));
    }
    Ok((bytes, sha256))
}

/// Reads so many bytes, until nobody takes them.
fn read(mut file: File, bytes: u64, chunks: &mpsc::Sender<Vec<u8>>) -> io::Result<()> {
    let mut left = bytes;
    while left > 0 {
        let mut chunk = vec![0; CHUNK_BYTES.min(usize::try_from(left).unwrap_or(CHUNK_BYTES))];
        file.read_exact(&mut chunk)?;
        left -= chunk.len() as u64;
        if chunks.blocking_send(chunk).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The length and the SHA-256 of a file.
fn digest(path: &Path) -> io::Result<(u64, String)> {
    let (_, digest, bytes) = digested(File::open(path)?)?;
    Ok((bytes, hex(&digest.finalize())))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn to(path: &str) -> StagePath {
        StagePath {
            parent: "stages/s".to_owned(),
            path: path.to_owned(),
        }
    }

    fn called(pattern: &str, found: &str) -> String {
        let file = LocalFile::found(PathBuf::from(found), pattern);
        file.name_there().unwrap()
    }

    #[test]
    fn a_file_of_a_pattern_is_called_what_is_behind_its_fixed_part() {
        for (pattern, found, name) in [
            ("/loc/**/*.txt", "/loc/dir/h.txt", "dir/h.txt"),
            ("/loc/**/*.txt", "/loc/h.txt", "h.txt"),
            ("/loc/*/h.txt", "/loc/dir/h.txt", "dir/h.txt"),
            ("/loc/a/*.txt", "/loc/a/h.txt", "h.txt"),
            ("/loc/d*/h.txt", "/loc/dir/h.txt", "dir/h.txt"),
            ("*.txt", "h.txt", "h.txt"),
            ("./**/*.txt", "dir/h.txt", "dir/h.txt"),
            ("./a/**/*.txt", "./a/b/h.txt", "b/h.txt"),
            ("/*/h.txt", "/loc/h.txt", "loc/h.txt"),
        ] {
            assert_eq!(called(pattern, found), name, "{pattern}");
        }
        let up = LocalFile::found(PathBuf::from("/loc/a/../h.txt"), "/loc/*/../h.txt");
        assert!(up.name_there().is_err());
    }

    #[test]
    fn files_of_one_name_from_two_folders_both_arrive() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("dir")).unwrap();
        for name in ["h.txt", "dir/h.txt"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let pattern = format!("{}/**/*.txt", folder.path().display());
        let files = local_files(&pattern).unwrap();
        let targets = targets(&files, &to("flat/")).unwrap();
        let mut paths: Vec<_> = targets.iter().map(|at| at.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["flat/dir/h.txt", "flat/h.txt"]);
    }

    #[test]
    fn two_files_that_would_be_one_are_refused_before_anything_is_sent() {
        let files = ["/a/h.txt", "/b/i.txt", "/b/h.txt"].map(|path| LocalFile::named(path.into()));
        let error = targets(&files, &to("")).unwrap_err().to_string();
        assert_eq!(
            error,
            "/a/h.txt and /b/h.txt would both be stage://s/h.txt; nothing was sent"
        );
    }
}
