//! Exports that their users have named by a key: the same key again is the same export, unless that one failed.

use super::{ExportRecord, ExportState, find};
use crate::error::{Error, ErrorKind};
use crate::format::Keyed;
use crate::store::{Draft, View};
use crate::{Catalog, keys};

/// The longest key, in characters.
const KEY_CHARS_MAX: usize = 128;

/// What a user calls an export.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExportKey {
    /// The key, each user's own.
    pub key: String,
    /// What the statement's text means beyond itself: with another scope it is another statement.
    pub scope: String,
}

/// How an export came in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Admission {
    /// It was recorded.
    New(ExportRecord),
    /// Its key is that of an export which the same statement asked for: nothing was recorded.
    Before(ExportRecord),
}

impl Catalog {
    /// The export that a user has named by this key, unless it failed or was cancelled: then the key is free again.
    ///
    /// Errors: `Invalid` for a key of another form, `AlreadyExists` when the export was asked for by another statement.
    pub fn keyed_export(
        &self,
        account: &str,
        user: &str,
        key: &ExportKey,
        statement: &str,
    ) -> Result<Option<ExportRecord>, Error> {
        self.store
            .read(|view| before(view, account, user, key, statement))
    }
}

pub(super) fn before(
    view: View<'_>,
    account: &str,
    user: &str,
    key: &ExportKey,
    statement: &str,
) -> Result<Option<ExportRecord>, Error> {
    let ExportKey { key, scope } = key;
    check(key)?;
    let Some(keyed): Option<Keyed> = view.get(&keys::export_key(account, user, key))? else {
        return Ok(None);
    };
    let Some(record) = find(view, account, &keyed.id)? else {
        return Ok(None);
    };
    match record.state {
        ExportState::Failed | ExportState::Cancelled => return Ok(None),
        ExportState::Admitted
        | ExportState::Running
        | ExportState::Prepared
        | ExportState::Committed => {}
    }
    let id = &record.id;
    if record.statement != statement || keyed.scope != *scope {
        return Err(Error::new(
            ErrorKind::AlreadyExists,
            format!(
                "the EXPORT ID {key:?} is that of export {id}, which another statement asked for, or the same one in another database or place; give each export an id of its own"
            ),
        ));
    }
    Ok(Some(record))
}

/// Names a new export by its key.
pub(super) fn name(
    draft: &mut Draft<'_>,
    account: &str,
    record: &ExportRecord,
    key: Option<ExportKey>,
) {
    if let Some(ExportKey { key, scope }) = key {
        let keyed = Keyed {
            id: record.id.clone(),
            scope,
        };
        draft.put(keys::export_key(account, &record.user, &key), &keyed);
    }
}

/// Forgets the key of an export that is removed, unless it is another's by now.
pub(crate) fn forget(
    draft: &mut Draft<'_>,
    account: &str,
    record: &ExportRecord,
) -> Result<(), Error> {
    let Some(key) = &record.key else {
        return Ok(());
    };
    let key = keys::export_key(account, &record.user, key);
    let keyed: Option<Keyed> = draft.view().get(&key)?;
    if keyed.is_some_and(|keyed| keyed.id == record.id) {
        draft.delete(key);
    }
    Ok(())
}

fn check(key: &str) -> Result<(), Error> {
    let chars = key.chars().count();
    if chars == 0 || chars > KEY_CHARS_MAX {
        return Err(Error::invalid(format!(
            "the EXPORT ID has {chars} characters, it must have 1 to {KEY_CHARS_MAX}"
        )));
    }
    match key.chars().find(|c| c.is_control()) {
        None => Ok(()),
        Some(c) => Err(Error::invalid(format!(
            "the EXPORT ID holds the control character {c:?}, it must be printable"
        ))),
    }
}
