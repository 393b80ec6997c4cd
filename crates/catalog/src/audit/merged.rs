//! Reading the chain: the records of all accounts, which lie under one key each, in the order of
//! their numbers.

use super::AuditRecord;
use crate::error::Error;
use crate::keys;
use crate::store::View;

/// At most `limit` records behind the number `after`, of all accounts, by number.
pub(super) fn records(view: View<'_>, after: u64, limit: usize) -> Result<Vec<AuditRecord>, Error> {
    // Each account could have all of them. Only what lies before the last of the first `limit`
    // found so far is worth keeping.
    let mut found: Vec<AuditRecord> = Vec::new();
    for account in view.audited_accounts()? {
        let behind = keys::audit(&account, after);
        let mut more: Vec<AuditRecord> =
            view.list_after(&keys::audits(&account), &behind, limit)?;
        found.append(&mut more);
        found.sort_unstable_by_key(|record| record.number);
        found.truncate(limit);
    }
    Ok(found)
}
