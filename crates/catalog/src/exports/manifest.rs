//! The manifest of an export: it has its own key and is put once, however often the record of the
//! export changes. Records of formats 1 and 2 have it in them, and stay readable.

use super::ExportRecord;
use crate::error::Error;
use crate::format::Manifest;
use crate::keys;
use crate::store::{Draft, View};

/// The record as callers know it.
pub(super) fn with_manifest(
    view: View<'_>,
    record: Option<ExportRecord>,
) -> Result<Option<ExportRecord>, Error> {
    let Some(mut record) = record else {
        return Ok(None);
    };
    if record.manifest_json.is_none() {
        let key = keys::manifest(&record.account, &record.id);
        record.manifest_json = view.get::<Manifest>(&key)?.map(|manifest| manifest.0);
    }
    Ok(Some(record))
}

pub(super) fn put_manifest(draft: &mut Draft<'_>, account: &str, record: &ExportRecord) {
    let key = keys::manifest(account, &record.id);
    match &record.manifest_json {
        Some(json) => draft.put(key, &Manifest(json.clone())),
        None => draft.delete(key),
    }
}
