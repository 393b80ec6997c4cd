//! What the bytes of files are, told by their SHA-256: in the very version that a query of the same stores reads.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};

use super::FileRef;
use crate::error::{Error, ErrorKind, of_store};

/// Files that are read at a time.
const FILES_AT_ONCE: usize = 4;

/// The SHA-256 of each file as it is stored, in lower-case hexadecimal, in the files' order.
///
/// # Errors
/// NotFound, Io.
pub(crate) async fn sha256(
    store: &Arc<dyn ObjectStore>,
    files: &[FileRef],
) -> Result<Vec<String>, Error> {
    let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    let digests = futures::stream::iter(paths).map(|path| {
        let store = Arc::clone(store);
        async move {
            of_file(&store, &path)
                .await
                .map_err(|error| failed(&path, error))
        }
    });
    digests.buffered(FILES_AT_ONCE).try_collect().await
}

async fn of_file(store: &Arc<dyn ObjectStore>, path: &str) -> object_store::Result<String> {
    let mut bytes = store.get(&Path::from(path)).await?.into_stream();
    let mut digest = Sha256::new();
    while let Some(piece) = bytes.try_next().await? {
        digest.update(&piece);
    }
    let digest = digest.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn failed(path: &str, error: object_store::Error) -> Error {
    of_store(path, error).unwrap_or_else(|error| {
        Error::new(ErrorKind::Io, format!("failed to read the file '{path}'")).because(error)
    })
}
