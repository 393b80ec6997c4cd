//! Numbers for several new records of one kind in one mutation, which a draft's own `next_id`,
//! being blind to what the draft already holds, cannot give.

use crate::error::Error;
use crate::format::Counter;
use crate::keys;
use crate::store::Draft;

/// Takes `count` numbers (at least one) from a counter and gives the first. Once for each counter in a mutation.
pub(crate) fn reserve(
    draft: &mut Draft<'_>,
    account: &str,
    of: &str,
    count: u64,
) -> Result<u64, Error> {
    let first = draft.next_id(account, of)?;
    let last = first + count.saturating_sub(1);
    draft.put(keys::counter(account, of), &Counter(last));
    Ok(first)
}
