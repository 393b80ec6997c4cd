//! What an engine is told once, at start: how much memory and disk it may use,
//! and how wide it works.

use std::path::PathBuf;
use std::time::Duration;

/// Limits and widths of a [`crate::QueryEngine`], shared by all its queries.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Most bytes that sorts, aggregations, joins, results of functions and batches that wait
    /// for their readers hold together, of all running queries.
    pub memory_bytes_max: usize,
    /// Folder for what does not fit into memory. It must exist; its files are removed as queries end.
    pub spill_dir: PathBuf,
    /// Most bytes of spilled data on disk at a time.
    pub spill_bytes_max: u64,
    /// How many partitions an aggregation, sort or join works on side by side.
    pub target_partitions: usize,
    /// Rows of a record batch.
    pub batch_rows: usize,
    /// Batches that a stream decodes ahead of its reader.
    pub batches_ahead_max: usize,
    /// Longest value in bytes that a function may make, MySQL's `max_allowed_packet`; a longer one is NULL.
    pub value_bytes_max: u64,
    /// Longest time for a query from the start of its planning to its last row; none is no limit.
    /// [`crate::Context::time_max`] may shorten it.
    pub time_max: Option<Duration>,
}

impl Settings {
    /// The defaults, with spill files in `spill_dir`: 512 MiB of memory, 64 GiB of disk, one
    /// partition per processor, batches of 8,192 rows, 3 batches ahead, values of 64 MiB, no limit of time.
    #[must_use]
    pub fn new(spill_dir: impl Into<PathBuf>) -> Self {
        Self {
            memory_bytes_max: 512 << 20,
            spill_dir: spill_dir.into(),
            spill_bytes_max: 64 << 30,
            target_partitions: std::thread::available_parallelism().map_or(2, usize::from),
            batch_rows: 8192,
            batches_ahead_max: 3,
            value_bytes_max: 64 << 20,
            time_max: None,
        }
    }
}
