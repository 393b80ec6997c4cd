//! Files that tables were loaded from, where whoever loaded them asked that none be loaded twice. Each is a record of its
//! own beside the table, made in the very change that lists its rows, and gone with the table or its rows.

use super::{RowChange, Segment};
use crate::error::{Error, ErrorKind};
use crate::options::Actor;
use crate::store::{Draft, What};
use crate::{Catalog, keys};

/// A file that a table was loaded from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LoadedFile {
    /// The table's id. The catalog gives it; in what is handed in, it is not looked at.
    pub table: u64,
    /// The SHA-256 of its bytes as they were stored, in hexadecimal: what tells it from others.
    pub sha256: String,
    /// Where it was.
    pub path: String,
    /// How many bytes it had.
    pub bytes: u64,
    /// When it was loaded, in microseconds since 1970 UTC; given by the catalog.
    pub loaded_us: u64,
}

impl Catalog {
    /// Those of some digests that a table was loaded from, in their order.
    pub fn loaded_files(
        &self,
        account: &str,
        table_id: u64,
        sha256: &[String],
    ) -> Result<Vec<LoadedFile>, Error> {
        self.store.read(|view| {
            let mut found = Vec::new();
            for digest in sha256 {
                found.extend(view.get(&keys::loaded_file(account, table_id, digest))?);
            }
            Ok(found)
        })
    }

    /// Adds segments to the table `(database, name)` with the files that they were loaded from, in one change; gives them
    /// with their ids. `next_number` is what AUTO_INCREMENT gives next, once these rows are in.
    ///
    /// Errors: as of [`Catalog::add_segments`], and `AlreadyExists` when the table was loaded from one of the files
    /// meanwhile.
    pub fn load_segments(
        &self,
        actor: &Actor,
        (database, name): (&str, &str),
        table_id: u64,
        add: Vec<Segment>,
        next_number: Option<u64>,
        loaded: Vec<LoadedFile>,
    ) -> Result<Vec<Segment>, Error> {
        let change = RowChange::Load;
        let what = || What::change(change.as_str(), format!("{database}.{name}"));
        self.store.write(actor, what, |draft| {
            let account = &actor.account;
            for file in loaded {
                let key = keys::loaded_file(account, table_id, &file.sha256);
                if draft.view().get::<LoadedFile>(&key)?.is_some() {
                    return Err(Error::new(
                        ErrorKind::AlreadyExists,
                        format!(
                            "the table {database}.{name} was loaded from the file {} meanwhile",
                            file.path
                        ),
                    ));
                }
                let record = LoadedFile {
                    table: table_id,
                    loaded_us: draft.now_us(),
                    ..file
                };
                draft.put(key, &record);
            }
            let names = (database, name);
            super::segments::exchange(draft, account, names, table_id, &[], add, next_number)
        })
    }
}

/// Forgets the files that a table was loaded from.
pub(super) fn forget(draft: &mut Draft<'_>, account: &str, table_id: u64) -> Result<(), Error> {
    let files: Vec<LoadedFile> = draft.view().list(&keys::loaded_files(account, table_id))?;
    for file in files {
        draft.delete(keys::loaded_file(account, table_id, &file.sha256));
    }
    Ok(())
}
