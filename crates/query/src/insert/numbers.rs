//! The numbers that AUTO_INCREMENT gives to the rows of a statement.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is given next, and what was; 0 is none.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    next: AtomicU64,
    first_given: AtomicU64,
    last_written: AtomicU64,
}

/// What a statement put into the column with AUTO_INCREMENT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InsertId {
    /// The table has no such column, or no row came.
    #[default]
    None,
    /// Numbers were given, this one first.
    Given(u64),
    /// Every row brought its own, the last one this.
    Written(u64),
}

impl Numbering {
    pub(super) fn starting(next: u64) -> Self {
        Self {
            next: AtomicU64::new(next),
            ..Self::default()
        }
    }

    /// The number that is given next; 0 if no column has AUTO_INCREMENT.
    pub(super) fn next(&self) -> u64 {
        self.next.load(Ordering::SeqCst)
    }

    /// Gives one.
    pub(super) fn give(&self) -> u64 {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        // Another is there already, unless this is the first.
        let _ = self
            .first_given
            .compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst);
        number
    }

    /// A row has brought its own: those that are given come behind it.
    pub(super) fn written(&self, number: i128) {
        if let Ok(after) = u64::try_from(number + 1) {
            self.next.fetch_max(after, Ordering::SeqCst);
        }
        if let Ok(number) = u64::try_from(number) {
            self.last_written.store(number, Ordering::SeqCst);
        }
    }

    pub(super) fn insert_id(&self) -> InsertId {
        match (
            self.first_given.load(Ordering::SeqCst),
            self.last_written.load(Ordering::SeqCst),
        ) {
            (0, 0) => InsertId::None,
            (0, written) => InsertId::Written(written),
            (given, _) => InsertId::Given(given),
        }
    }
}
