//! Whoever decides a mutation holds the queue, so that a call of the same catalog from within would wait
//! for itself for ever: it is refused instead.

use std::cell::Cell;
use std::ptr;

use super::Store;
use crate::error::Error;

thread_local! {
    /// The store whose mutation this thread decides; never read through.
    static DECIDING: Cell<*const Store> = const { Cell::new(ptr::null()) };
}

/// Until it is dropped, this thread decides a mutation.
pub(super) struct Within {
    before: *const Store,
}

/// Says that this thread decides a mutation of the store from now on.
pub(super) fn enter(store: &Store) -> Within {
    Within {
        before: DECIDING.replace(store),
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        DECIDING.set(self.before);
    }
}

/// Refuses who is within a mutation of this store. Errors: `Invalid`.
pub(super) fn refuse(store: &Store) -> Result<(), Error> {
    if ptr::eq(DECIDING.get(), store) {
        return Err(Error::invalid(
            "a transaction calls the catalog that it changes, which would wait for itself; use the transaction's own functions there, and read before it",
        ));
    }
    Ok(())
}
