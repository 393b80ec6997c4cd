//! Sending files: their checksum goes ahead, so that the server stores what is here or nothing.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use futures::StreamExt;
use proto::v1::upload_file_request::Part;
use proto::v1::{UploadFileHeader, UploadFileRequest};
use sha2::Digest;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::get::{digested, hex};
use super::{Carried, FileBar, Manner, TransferError, local, shown};
use crate::client::{Files, StagePath};

const CHUNK_BYTES: usize = 256 << 10;
/// Chunks that wait for the connection.
const CHUNKS_WAITING_MAX: usize = 8;

/// The files of this machine that a path or a pattern names.
///
/// # Errors
/// A malformed pattern; nothing found.
pub(crate) fn local_files(pattern: &str) -> Result<Vec<PathBuf>, TransferError> {
    let wrong = |why: String| TransferError::Local(format!("{pattern}: {why}"));
    if Path::new(pattern).is_file() {
        return Ok(vec![PathBuf::from(pattern)]);
    }
    let mut files = Vec::new();
    for found in glob::glob(pattern).map_err(|e| wrong(e.to_string()))? {
        let path = found.map_err(|e| wrong(e.to_string()))?;
        if path.is_file() {
            files.push(path);
        }
    }
    match files.is_empty() {
        true => Err(wrong("no file is there".to_owned())),
        false => Ok(files),
    }
}

/// Sends files to a folder of a stage, under their own names.
///
/// # Errors
/// The first file's that was not sent.
pub(crate) async fn put(
    files: &mut Files,
    local_files: &[PathBuf],
    to: &StagePath,
    manner: Manner,
    carried: &mut Vec<Carried>,
) -> Result<(), TransferError> {
    for path in local_files {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| {
            TransferError::Local(format!("{} has no name in UTF-8", path.display()))
        })?;
        let folder = to.path.trim_end_matches('/');
        let at = StagePath {
            parent: to.parent.clone(),
            path: match folder {
                "" => name.to_owned(),
                folder => format!("{folder}/{name}"),
            },
        };
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
