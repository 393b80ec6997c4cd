//! What one export, or one upload, has used of what its policies permit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::daily::Share;
use super::{DailyBytes, OfStage, Policies};
use crate::error::{Error, Result};
use crate::instance::Instance;

/// Counts rows and bytes against the limits of policies.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    policies: Policies,
    shares: Vec<Share>,
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Meter {
    /// One that has counted nothing. Blocking.
    ///
    /// # Errors
    /// [`PolicyDenied`](crate::error::Reason::PolicyDenied) when nothing is left of the day; those of reading the catalog.
    pub(crate) fn begin(instance: &Instance, policies: Policies, now_us: u64) -> Result<Self> {
        let daily: &Arc<DailyBytes> = &instance.daily_bytes;
        match daily.shares(&instance.catalog, &policies, now_us)? {
            Ok(shares) => Ok(Self {
                policies,
                shares,
                ..Self::default()
            }),
            Err((stage, limit)) => Err(over_day(&policies, &stage, limit)),
        }
    }

    /// # Errors
    /// [`PolicyDenied`](crate::error::Reason::PolicyDenied) for more than a policy permits.
    pub(crate) fn rows(&self, more: u64) -> Result<()> {
        let rows = self.rows.fetch_add(more, Ordering::Relaxed) + more;
        self.within(rows, "rows", "max_rows", |of| of.policy.max_rows)
    }

    /// # Errors
    /// [`PolicyDenied`](crate::error::Reason::PolicyDenied) for more than a policy permits, of this or of the day.
    pub(crate) fn bytes(&self, more: u64) -> Result<()> {
        let bytes = self.bytes.fetch_add(more, Ordering::Relaxed) + more;
        self.within(bytes, "bytes", "max_bytes", |of| of.policy.max_bytes)?;
        for share in &self.shares {
            share
                .take(more)
                .map_err(|limit| over_day(&self.policies, &share.stage, limit))?;
        }
        Ok(())
    }

    /// What was counted stays counted for its day. Otherwise it is given back when this is dropped.
    pub(crate) fn keep(&self, export: &str) {
        for share in &self.shares {
            share.keep(export);
        }
    }

    fn within(
        &self,
        now: u64,
        what: &str,
        rule: &str,
        limit: impl Fn(&OfStage) -> Option<u64>,
    ) -> Result<()> {
        for of in &self.policies.0 {
            if let Some(limit) = limit(of).filter(|limit| now > *limit) {
                return Err(of.denied(format_args!(
                    "an export has at most {limit} {what} (policy {rule})"
                )));
            }
        }
        Ok(())
    }
}

fn over_day(policies: &Policies, stage: &str, limit: u64) -> Error {
    let why =
        format!("its exports of one day (UTC) have at most {limit} bytes (policy daily_bytes)");
    match policies.0.iter().find(|of| of.stage == stage) {
        Some(of) => of.denied(why),
        None => Error::defect(why),
    }
}
