//! Retention of the audit: the oldest records go, and an anchor stays that says how many, up to
//! which hash, when and by whom. The pruning is itself recorded.

use super::{Anchor, AuditOutcome, Head, merged};
use crate::error::Error;
use crate::options::Actor;
use crate::store::What;
use crate::{Catalog, keys};

/// How many records one change removes; the others wait no longer than for that.
const STEP: usize = 1_000;

/// What a pruning removed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct AuditPruned {
    /// How many records.
    pub removed: u64,
    /// The number of the last one that was ever removed; 0 when none was.
    pub last: u64,
    /// The number of a record that is not there, though later ones are: none behind it was removed.
    pub missing: Option<u64>,
}

impl Catalog {
    /// Removes the oldest records of all accounts, up to the first that is not older than
    /// `keep_from_us` (microseconds since 1970 UTC). What was removed can be archived first with
    /// [`Catalog::audit_page`]; the rest stays provable.
    pub fn prune_audit(&self, actor: &Actor, keep_from_us: u64) -> Result<AuditPruned, Error> {
        let mut pruned = AuditPruned::default();
        loop {
            let (removed, last, missing) = self.store.write(
                actor,
                || What::change("PRUNE AUDIT", ""),
                |draft| {
                    let mut anchor: Anchor =
                        draft.view().get(keys::AUDIT_ANCHOR)?.unwrap_or_default();
                    // Behind the anchor, where the steps before were only validated.
                    anchor.head.number = anchor.head.number.max(pruned.last);
                    let page = merged::records(draft.view(), anchor.head.number, STEP)?;
                    let (mut removed, mut missing) = (0, None);
                    for record in page {
                        if record.time_us >= keep_from_us {
                            break;
                        }
                        let next = anchor.head.number + 1;
                        if record.number != next {
                            missing = Some(next);
                            break;
                        }
                        draft.delete(keys::audit(&record.account, record.number));
                        anchor.head = Head {
                            number: record.number,
                            hash: record.hash,
                        };
                        removed += 1;
                    }
                    let last = anchor.head.number;
                    if removed > 0 {
                        anchor.removed += removed;
                        anchor.time_us = draft.now_us();
                        anchor.by = actor.to_string();
                        draft.put(keys::AUDIT_ANCHOR.to_owned(), &anchor);
                        let reason = format!("{removed} records removed, up to record {last}");
                        let done = AuditOutcome::Done;
                        draft.tell(What::ended("PRUNE AUDIT", "", done, reason));
                    }
                    Ok((removed, last, missing))
                },
            )?;
            pruned.removed += removed;
            pruned.last = last;
            pruned.missing = missing;
            if removed < STEP as u64 {
                return Ok(pruned);
            }
        }
    }
}
