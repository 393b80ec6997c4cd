//! SKIP_LOADED of LOAD DATA: files that a table has been loaded from are known by the SHA-256 of their bytes, whatever
//! they are called, and left out.

use catalog::{LoadedFile, TableRecord};
use query::{Source, StoreList};

use super::Session;
use crate::error::{Error, Result};
use crate::time::timestamp_text;

/// Files that are told of; of all others only the count is.
const TOLD_MAX: usize = 20;

/// Files that a table has not been loaded from.
pub(super) struct Unloaded {
    /// As they are to be noted with the rows.
    pub(super) files: Vec<LoadedFile>,
    /// What is said of those that were left out.
    pub(super) warnings: Vec<String>,
}

impl Session {
    /// Leaves out of a source the files that a table was loaded from with SKIP_LOADED, and all but the first of those
    /// with the same bytes. `local` is what the client calls its file.
    ///
    /// # Errors
    /// Those of reading the files.
    pub(super) async fn leave_out_loaded(
        &self,
        table: &TableRecord,
        source: &mut Source,
        stores: &StoreList,
        local: Option<&str>,
    ) -> Result<Unloaded> {
        let engine = &self.instance.engine;
        let digests = engine.file_digests(source, stores).await?;
        let (account, id, asked) = (self.account().to_owned(), table.id, digests.clone());
        let known = self
            .instance
            .blocking(move |instance| Ok(instance.catalog.loaded_files(&account, id, &asked)?));
        let known = known.await?;
        let Source::Files { files, .. } = source else {
            return Err(Error::defect("LOAD DATA reads what is in no files"));
        };
        let mut new: Vec<LoadedFile> = Vec::new();
        let mut left_out: Vec<String> = Vec::new();
        for (file, sha256) in std::mem::take(files).into_iter().zip(digests) {
            let path = local.unwrap_or(&file.path).to_owned();
            let is_it = |known: &&LoadedFile| known.sha256 == sha256;
            if let Some(known) = known.iter().find(is_it) {
                let when = timestamp_text(known.loaded_us);
                left_out.push(format!(
                    "'{path}' was loaded at {when} UTC as '{}'",
                    known.path
                ));
            } else if let Some(twin) = new.iter().find(is_it) {
                left_out.push(format!("'{path}' has the same bytes as '{}'", twin.path));
            } else {
                new.push(LoadedFile {
                    table: id,
                    sha256,
                    path,
                    bytes: file.bytes,
                    loaded_us: 0,
                });
                files.push(file);
            }
        }
        Ok(Unloaded {
            files: new,
            warnings: told(left_out),
        })
    }
}

fn told(mut left_out: Vec<String>) -> Vec<String> {
    let count = left_out.len();
    if count == 0 {
        return left_out;
    }
    left_out.truncate(TOLD_MAX);
    let (files, were) = match count {
        1 => ("file", "was"),
        _ => ("files", "were"),
    };
    left_out.insert(0, format!("{count} {files} {were} left out (SKIP_LOADED)"));
    left_out
}
