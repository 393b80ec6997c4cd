//! The exports of one user, found by marks, so that nobody's list costs the reading of everyone's.
//! Exports from before there were marks are looked at one by one; retention takes them away in time.

use crate::error::Error;
use crate::exports::ExportRecord;
use crate::store::{Draft, View};
use crate::{Catalog, keys};

/// How many exports without marks are read at a time.
const STEP: usize = 1_000;

impl Catalog {
    /// At most `limit` exports that this user of the account started, older than the one of
    /// `before_id`, or the newest without it; the newest first. The last one's id is the cursor of the
    /// next page.
    pub fn exports_of_page(
        &self,
        account: &str,
        user: &str,
        before_id: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ExportRecord>, Error> {
        self.store.read(|view| {
            let first_marked = first_marked(view, account)?;
            let marks = keys::exports_of(account, user);
            let end = before_id.map(|id| keys::export_of(account, user, id));
            let from = first_marked
                .as_ref()
                .map(|id| keys::export_of(account, user, id));
            let mut found = Vec::new();
            for mark in view.keys_back(&marks, from.as_deref(), end.as_deref(), limit)? {
                found.extend(view.get(&keys::export(account, keys::last_part(&mark)))?);
            }
            unmarked(
                view,
                account,
                user,
                first_marked.as_deref(),
                before_id,
                limit,
                &mut found,
            )?;
            Ok(found)
        })
    }
}

/// The oldest export from which on each has a mark; none where no export was made since.
fn first_marked(view: View<'_>, account: &str) -> Result<Option<String>, Error> {
    let key = view.last_key(&keys::exports_of_since(account))?;
    Ok(key.map(|key| keys::last_part(&key).to_owned()))
}

/// Adds what older programs left, up to `limit` in all.
fn unmarked(
    view: View<'_>,
    account: &str,
    user: &str,
    first_marked: Option<&str>,
    before_id: Option<&str>,
    limit: usize,
    found: &mut Vec<ExportRecord>,
) -> Result<(), Error> {
    let prefix = keys::exports(account);
    let mut before = match (first_marked, before_id) {
        (Some(first), Some(before)) => Some(first.min(before).to_owned()),
        (first, before) => first.or(before).map(str::to_owned),
    };
    while found.len() < limit {
        let page: Vec<ExportRecord> = match &before {
            Some(id) => view.list_before(&prefix, &keys::export(account, id), STEP)?,
            None => view.list_back(&prefix, STEP)?,
        };
        let is_last = page.len() < STEP;
        before = page.last().map(|export| export.id.clone());
        let room = limit - found.len();
        found.extend(
            page.into_iter()
                .filter(|export| export.user == user)
                .take(room),
        );
        if is_last {
            break;
        }
    }
    Ok(())
}

/// Marks a new export as this user's.
pub(super) fn mark(
    draft: &mut Draft<'_>,
    account: &str,
    export: &ExportRecord,
) -> Result<(), Error> {
    draft.mark(keys::export_of(account, &export.user, &export.id));
    if !draft.view().any(&keys::exports_of_since(account))? {
        draft.mark(keys::export_of_since(account, &export.id));
    }
    Ok(())
}

/// Removes the mark of an export that is removed.
pub(crate) fn unmark(draft: &mut Draft<'_>, account: &str, export: &ExportRecord) {
    draft.delete(keys::export_of(account, &export.user, &export.id));
}
