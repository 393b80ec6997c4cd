//! The memory of all queries: shared fairly by what can spill, as DataFusion's `FairSpillPool` does,
//! but never all of it: sorts that had filled that pool left nothing to merge their own output with.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use datafusion::common::{Result, resources_datafusion_err};
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, human_readable_size,
};

/// The part of the pool, in quarters, that spilling consumers may hold together.
const SPILLING_QUARTERS: usize = 3;

/// A bounded pool with a part kept free for merges, joins and other work that cannot spill.
#[derive(Debug)]
pub(crate) struct SharedPool {
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    spillers: usize,
    spillable_bytes: usize,
    other_bytes: usize,
}

impl SharedPool {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            state: Mutex::default(),
        }
    }

    /// Counters are whole after every line that changes them, so a panic elsewhere spoils nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(
        &self,
        reservation: &MemoryReservation,
        additional: usize,
        left: usize,
    ) -> Result<()> {
        Err(resources_datafusion_err!(
            "{} asked for {} beside its {}, {} of {} are left",
            reservation.consumer().name(),
            human_readable_size(additional),
            human_readable_size(reservation.size()),
            human_readable_size(left),
            human_readable_size(self.bytes_max)
        ))
    }
}

impl MemoryPool for SharedPool {
    fn name(&self) -> &str {
        "shared"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            self.state().spillers += 1;
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            let mut state = self.state();
            state.spillers = state.spillers.saturating_sub(1);
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        let mut state = self.state();
        if reservation.consumer().can_spill() {
            state.spillable_bytes += additional;
        } else {
            state.other_bytes += additional;
        }
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut state = self.state();
        if reservation.consumer().can_spill() {
            state.spillable_bytes = state.spillable_bytes.saturating_sub(shrink);
        } else {
            state.other_bytes = state.other_bytes.saturating_sub(shrink);
        }
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut state = self.state();
        if reservation.consumer().can_spill() {
            let all = (self.bytes_max / 4 * SPILLING_QUARTERS)
                .min(self.bytes_max.saturating_sub(state.other_bytes));
            let share = all / state.spillers.max(1);
            if reservation.size() + additional > share {
                return self.refuse(
                    reservation,
                    additional,
                    share.saturating_sub(reservation.size()),
                );
            }
            state.spillable_bytes += additional;
        } else {
            let left = self
                .bytes_max
                .saturating_sub(state.spillable_bytes + state.other_bytes);
            if additional > left {
                return self.refuse(reservation, additional, left);
            }
            state.other_bytes += additional;
        }
        Ok(())
    }

    fn reserved(&self) -> usize {
        let state = self.state();
        state.spillable_bytes + state.other_bytes
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes_max)
    }
}

impl fmt::Display for SharedPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shared({})", human_readable_size(self.bytes_max))
    }
}
