//! What the exports of a day (UTC) have written to the stages whose policy limits that. What ended well before is
//! counted from the catalog, the first time a version of a stage is asked for; what runs has its bytes as it writes
//! them, and gives them back if it does not end well. An export that began before there was a limit has none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use catalog::{Catalog, ExportState};

use super::Policies;
use crate::error::Result;

const DAY_US: u64 = 24 * 60 * 60 * 1_000_000;
/// How many exports are read at a time.
const PAGE: usize = 500;

/// An account and the id of a stage of it.
type StageKey = (String, u64);

/// The bytes of today, by stage.
#[derive(Debug, Default)]
pub(crate) struct DailyBytes {
    of: Mutex<HashMap<StageKey, Day>>,
}

#[derive(Debug, Clone, Copy)]
struct Day {
    number: u64,
    /// Of the stage for which it was counted.
    version: u64,
    /// Of exports that ended well.
    written: u64,
    /// Of those that run.
    running: u64,
}

/// Bytes that one export has of a stage's day; given back when it is dropped, unless they are kept.
#[derive(Debug)]
pub(super) struct Share {
    daily: Arc<DailyBytes>,
    key: StageKey,
    day: u64,
    limit: u64,
    bytes: Mutex<u64>,
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
        let number = now_us / DAY_US;
        let mut shares = Vec::new();
        for of in &policies.0 {
            let Some(limit) = of.policy.daily_bytes else {
                continue;
            };
            let key = (of.account.clone(), of.id);
            let mut days = self.lock();
            let known = days.get(&key).filter(|day| day.number == number).copied();
            let day = match known {
                Some(day) if day.version == of.version => day,
                Some(_) | None => Day {
                    number,
                    version: of.version,
                    // Under the lock, so that what ends meanwhile is counted by one of the two.
                    written: written_since(catalog, &of.account, of.id, number * DAY_US)?,
                    running: known.map_or(0, |day| day.running),
                },
            };
            days.insert(key.clone(), day);
            drop(days);
            if day.written.saturating_add(day.running) >= limit {
                return Ok(Err((of.stage.clone(), limit)));
            }
            shares.push(Share {
                daily: Arc::clone(self),
                key,
                day: number,
                limit,
                bytes: Mutex::new(0),
                stage: of.stage.clone(),
            });
        }
        Ok(Ok(shares))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<StageKey, Day>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Takes more of the day; gives the limit where that would exceed it. A day that has ended meanwhile is over: who
    /// began in it goes on.
    pub(super) fn take(&self, bytes: u64) -> std::result::Result<(), u64> {
        let mut taken = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        self.in_day(|day| {
            let after = day
                .written
                .saturating_add(day.running)
                .saturating_add(bytes);
            if after > self.limit {
                return Err(self.limit);
            }
            day.running = day.running.saturating_add(bytes);
            *taken += bytes;
            Ok(())
        })
        .unwrap_or(Ok(()))
    }

    /// The day keeps what was taken.
    pub(super) fn keep(&self) {
        let mut taken = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = std::mem::take(&mut *taken);
        self.in_day(|day| {
            day.running = day.running.saturating_sub(bytes);
            day.written = day.written.saturating_add(bytes);
        });
    }

    fn in_day<T>(&self, change: impl FnOnce(&mut Day) -> T) -> Option<T> {
        let mut days = self.daily.lock();
        let day = days.get_mut(&self.key);
        day.filter(|day| day.number == self.day).map(change)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let bytes = *self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        self.in_day(|day| day.running = day.running.saturating_sub(bytes));
    }
}

/// The bytes of the committed exports that were admitted since and went to a stage, or through it to a sub-stage.
fn written_since(catalog: &Catalog, account: &str, stage_id: u64, since_us: u64) -> Result<u64> {
    let mut bytes = 0_u64;
    let mut before: Option<String> = None;
    loop {
        let page = catalog.exports_page(account, before.as_deref(), PAGE)?;
        let Some(last) = page.last() else {
            return Ok(bytes);
        };
        before = Some(last.id.clone());
        for export in page {
            if export.created_us < since_us {
                return Ok(bytes);
            }
            let goes_there = export.stage_id == Some(stage_id)
                || export.stage_parents.iter().any(|(id, _)| *id == stage_id);
            if goes_there && export.state == ExportState::Committed {
                bytes = bytes.saturating_add(export.bytes);
            }
        }
    }
}
