//! Bounds on what functions compute within one query: values longer than `value_bytes_max` are NULL
//! with a warning, as in MySQL, and what a batch's results take is reserved before it is allocated.

mod growth;
mod held;
mod plan;
mod row;
mod sizes;
#[cfg(test)]
mod tests;
mod wait;
mod wrapped;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};

use crate::stop::Stop;

pub(crate) use plan::{guard_functions, guard_plan, watch_joins};

/// MySQL's ER_WARN_ALLOWED_PACKET_OVERFLOWED.
const PACKET_OVERFLOWED: u16 = 1301;
/// Distinct warnings kept; MySQL keeps `max_error_count`, 1024 of any.
const WARNINGS_MAX: usize = 64;
/// Results below this are not worth a reservation: a batch of numbers is as big.
pub(crate) const UNCOUNTED_BYTES: u64 = 1 << 20;
/// A constant longer than this is computed where it is used, not kept in the plan.
pub(crate) const CONSTANT_BYTES_MAX: u64 = 64 << 10;

/// A remark on a query that went well, as `SHOW WARNINGS` gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// MySQL's number.
    pub code: u16,
    /// What happened.
    pub message: String,
}

/// What the functions of one query share.
#[derive(Debug)]
pub(crate) struct Guard {
    memory: Arc<dyn MemoryPool>,
    value_bytes_max: u64,
    planning: AtomicBool,
    stop: Arc<Stop>,
    warnings: Mutex<Vec<Warning>>,
}

impl Guard {
    pub(crate) fn new(memory: Arc<dyn MemoryPool>, value_bytes_max: u64, stop: Arc<Stop>) -> Self {
        Self {
            memory,
            value_bytes_max,
            planning: AtomicBool::new(true),
            stop,
            warnings: Mutex::default(),
        }
    }

    pub(crate) fn stop(&self) -> &Arc<Stop> {
        &self.stop
    }

    /// Planning is over: constants of any size may be computed.
    pub(crate) fn planned(&self) {
        self.planning.store(false, Ordering::Release);
    }

    fn is_planning(&self) -> bool {
        self.planning.load(Ordering::Acquire)
    }

    /// The distinct warnings so far.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        self.warnings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A result of `function` was too long and is NULL.
    fn warn_too_long(&self, function: &str) {
        let warning = Warning {
            code: PACKET_OVERFLOWED,
            message: format!(
                "Result of {}() was larger than max_allowed_packet ({}) - truncated",
                user_name(function),
                self.value_bytes_max
            ),
        };
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if warnings.len() < WARNINGS_MAX && !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Memory for the results of a call, or the error that names the limit.
    fn reserve(&self, function: &str, bytes: u64) -> Result<MemoryReservation> {
        let reservation =
            MemoryConsumer::new(format!("{}()", user_name(function))).register(&self.memory);
        reservation.try_grow(usize::try_from(bytes).unwrap_or(usize::MAX))?;
        Ok(reservation)
    }

    /// Whether the query may go on.
    fn check(&self) -> Result<()> {
        self.stop
            .check()
            .map_err(|error| DataFusionError::External(Box::new(error)))
    }
}

/// A function's name as users write it.
fn user_name(function: &str) -> &str {
    function
        .strip_prefix(crate::functions::PREFIX)
        .unwrap_or(function)
}
