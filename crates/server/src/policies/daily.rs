//! What the exports of a day (UTC) have written to the stages whose policy limits that. What is prepared or committed
//! is counted from the catalog, the first time a version of a stage is asked for; what runs has its bytes as it writes
//! them, and gives them back if it does not end well. A day is that of an export's admission. An export that began
//! before there was a limit is not held to it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use catalog::{Catalog, ExportState};

use super::Policies;
use crate::error::Result;

const DAY_US: u64 = 24 * 60 * 60 * 1_000_000;
/// How many exports are read at a time.
const PAGE: usize = 500;

/// An account, the id of a stage of it, and the number of a day.
type DayKey = (String, u64, u64);

/// The bytes of today, by stage.
#[derive(Debug, Default)]
pub(crate) struct DailyBytes {
    days: Mutex<HashMap<DayKey, Day>>,
    shares: AtomicU64,
}

#[derive(Debug, Default)]
struct Day {
    /// Of the stage for which it was counted last.
    version: u64,
    /// Of exports that were complete, by their ids.
    written: HashMap<String, u64>,
    /// Of those that run, by their shares.
    running: HashMap<u64, u64>,
    /// Of all.
    bytes: u64,
}

/// Bytes that one export has of a stage's day; given back when it is dropped, unless they are kept.
#[derive(Debug)]
pub(super) struct Share {
    daily: Arc<DailyBytes>,
    key: DayKey,
    number: u64,
    limit: u64,
    pub(super) stage: String,
}

impl DailyBytes {
    /// A share of each stage whose policy limits the day; `Err` names the stage and limit of one of which nothing is
    /// left. Blocking: it may read the exports of today.
    ///
    /// # Errors
    /// Those of reading the catalog.
    pub(super) fn shares(
        self: &Arc<Self>,
        catalog: &Catalog,
        policies: &Policies,
        now_us: u64,
    ) -> Result<std::result::Result<Vec<Share>, (String, u64)>> {
        let today = now_us / DAY_US;
        let mut shares = Vec::new();
        for of in &policies.0 {
            let Some(limit) = of.policy.daily_bytes else {
                continue;
            };
            let key = (of.account.clone(), of.id, today);
            let is_counted = |day: &Day| day.version == of.version;
            if !self.lock().get(&key).is_some_and(is_counted) {
                // Others go on meanwhile. What they complete is in both, under its id.
                let found = written_since(catalog, &of.account, of.id, today * DAY_US)?;
                let mut days = self.lock();
                days.retain(|(.., number), day| *number >= today || !day.running.is_empty());
                let day = days.entry(key.clone()).or_default();
                day.version = of.version;
                day.written.extend(found);
                day.bytes = day.written.values().chain(day.running.values()).sum();
            }
            let number = self.shares.fetch_add(1, Ordering::Relaxed);
            let mut days = self.lock();
            let day = days.entry(key.clone()).or_default();
            if day.bytes >= limit {
                return Ok(Err((of.stage.clone(), limit)));
            }
            day.running.insert(number, 0);
            drop(days);
            shares.push(Share {
                daily: Arc::clone(self),
                key,
                number,
                limit,
                stage: of.stage.clone(),
            });
        }
        Ok(Ok(shares))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<DayKey, Day>> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Takes more of the day; gives the limit where that would exceed it.
    pub(super) fn take(&self, bytes: u64) -> std::result::Result<(), u64> {
        let mut days = self.daily.lock();
        let day = days.entry(self.key.clone()).or_default();
        let after = day.bytes.saturating_add(bytes);
        if after > self.limit {
            return Err(self.limit);
        }
        day.bytes = after;
        *day.running.entry(self.number).or_default() += bytes;
        Ok(())
    }

    /// The day keeps what was taken, as the bytes of an export that is complete.
    pub(super) fn keep(&self, export: &str) {
        let mut days = self.daily.lock();
        let day = days.entry(self.key.clone()).or_default();
        let bytes = day.running.remove(&self.number).unwrap_or_default();
        // A count of the catalog may have found it already.
        if day.written.insert(export.to_owned(), bytes).is_some() {
            day.bytes = day.bytes.saturating_sub(bytes);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(day) = self.daily.lock().get_mut(&self.key)
            && let Some(bytes) = day.running.remove(&self.number)
        {
            day.bytes = day.bytes.saturating_sub(bytes);
        }
    }
}

/// The bytes of the complete exports that were admitted since and went to a stage, or through it to a sub-stage, by
/// their ids.
fn written_since(
    catalog: &Catalog,
    account: &str,
    stage_id: u64,
    since_us: u64,
) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    let mut before: Option<String> = None;
    loop {
        let page = catalog.exports_page(account, before.as_deref(), PAGE)?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        before = Some(last.id.clone());
        for export in page {
            if export.created_us < since_us {
                return Ok(found);
            }
            let goes_there = export.stage_id == Some(stage_id)
                || export.stage_parents.iter().any(|(id, _)| *id == stage_id);
            let is_complete = match export.state {
                ExportState::Prepared | ExportState::Committed => true,
                ExportState::Admitted
                | ExportState::Running
                | ExportState::Failed
                | ExportState::Cancelled => false,
            };
            if goes_there && is_complete {
                found.push((export.id, export.bytes));
            }
        }
    }
}
