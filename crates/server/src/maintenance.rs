//! What a running server does by itself: it reads the catalog through once, settles exports that could not be settled
//! at once, keeps what `[retention]` says, ends idle sessions, and removes the files of internal stages that nobody can
//! bring back.
//! Everything it removes or finds is said in the log; what it removes is audited by the catalog.

use std::sync::{Arc, Weak};
use std::time::Duration;

use catalog::Catalog;

use crate::gate::{SYS, system_actor};
use crate::instance::Instance;
use crate::settings::RetentionSettings;

/// How often old records are looked for.
const EVERY: Duration = Duration::from_secs(3600);

/// How often idle sessions are looked for: a quarter of how long they may be idle, within these.
const IDLE_LOOK_MIN: Duration = Duration::from_millis(500);
const IDLE_LOOK_MAX: Duration = Duration::from_secs(30);

const DAY_US: u64 = 24 * 3600 * 1_000_000;

/// When exports are looked for first that a stopped server left, or whose publication could not be settled, so far.
/// Each time it takes twice as long until the next one, so that a folder that is gone for good does not fill the log.
const RECOVERY_AFTER: Duration = Duration::from_secs(30);

/// Recovers what an earlier server left, until the server is gone, which it does not keep open.
pub(crate) async fn recover(instance: Weak<Instance>) {
    let mut after = RECOVERY_AFTER;
    loop {
        let Some(open) = instance.upgrade() else {
            return;
        };
        let unsettled = Arc::clone(&open.unsettled);
        drop(open);
        if tokio::time::timeout(after, unsettled.notified())
            .await
            .is_ok()
        {
            // A new one, which a short wait may help.
            after = RECOVERY_AFTER;
            tokio::time::sleep(after).await;
        }
        after = (after * 2).min(EVERY);
        let Some(open) = instance.upgrade() else {
            return;
        };
        if open.catalog.read_only_reason().is_none() {
            crate::exports::recover_left(&open).await;
            crate::uploads::recover_left(&open).await;
        }
    }
}

/// Runs until the server is gone, which it does not keep open.
pub(crate) async fn run(instance: Weak<Instance>) {
    let mut is_first = true;
    loop {
        let Some(open) = instance.upgrade() else {
            return;
        };
        let scrubs = std::mem::take(&mut is_first);
        let done = tokio::task::spawn_blocking(move || {
            if scrubs {
                scrub(&open.catalog);
            }
            open.own.look_again();
            if let Some(reason) = open.catalog.compaction_failure() {
                tracing::warn!(
                    reason,
                    journal_bytes = open.catalog.journal_bytes(),
                    "the catalog's journal could not be compacted and grows; it is tried again as it does"
                );
            }
            if open.catalog.read_only_reason().is_none() {
                retain(&open);
                open.logins.record_counts(&open, false);
            }
        });
        if let Err(error) = done.await {
            // Its text may quote what the panic quoted; the panic itself is logged without.
            tracing::error!(
                panicked = error.is_panic(),
                "maintenance failed; it is tried again in an hour"
            );
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Removes the files of internal stages that nobody can bring back: at the start, each hour, and when an account was
/// dropped. Runs until the server is gone, which it does not keep open.
pub(crate) async fn remove_remains(instance: Weak<Instance>) {
    loop {
        let Some(open) = instance.upgrade() else {
            return;
        };
        let dropped = Arc::clone(&open.remains);
        if open.catalog.read_only_reason().is_none() {
            let stages = &open.internal.stages;
            match stages.remove_remains(&open.catalog).await {
                Ok(0) => {}
                Ok(removed) => {
                    tracing::info!(removed, "removed the files of dropped internal stages")
                }
                Err(error) => tracing::warn!(
                    error = error.message(),
                    "failed to remove the files of dropped internal stages; it is tried again in an hour"
                ),
            }
        }
        drop(open);
        // Either is a reason to look again.
        let _ = tokio::time::timeout(EVERY, dropped.notified()).await;
    }
}

/// Removes the files of temporary stages: what an earlier server left, and then of each stage that has ended. Runs until
/// the server is gone, which it does not keep open.
pub(crate) async fn remove_temporary_files(instance: Weak<Instance>) {
    loop {
        let Some(open) = instance.upgrade() else {
            return;
        };
        let folders = Arc::clone(&open.internal.stages.temporary);
        if let Err(error) = open.internal.stages.remove_left().await {
            tracing::warn!(
                error = error.message(),
                "failed to remove the files of temporary stages that a stopped server left; it is tried again in an hour"
            );
        }
        open.internal.stages.remove_ended().await;
        drop(open);
        // Either is a reason to look again.
        let _ = tokio::time::timeout(EVERY, folders.something_ended()).await;
    }
}

/// Ends the sessions that have been idle for too long, so that what they have goes also where nobody opens another.
/// Runs until the server is gone, which it does not keep open.
pub(crate) async fn end_idle_sessions(instance: Weak<Instance>) {
    loop {
        let Some(open) = instance.upgrade() else {
            return;
        };
        open.sessions.end_idle();
        let pause = (open.sessions.idle_max() / 4).clamp(IDLE_LOOK_MIN, IDLE_LOOK_MAX);
        drop(open);
        tokio::time::sleep(pause).await;
    }
}

/// Opening reads no more than it must; this reads the rest.
fn scrub(catalog: &Catalog) {
    match catalog.scrub() {
        Ok(found) => match found.journal_damage.or(found.index_damage) {
            None => tracing::debug!("the catalog was read through and is whole"),
            Some(damage) => tracing::error!(
                damage,
                "the catalog is damaged, and read-only from now on; stop the server, then see `stagedoor admin check`"
            ),
        },
        Err(error) => tracing::error!(
            %error,
            "the catalog is damaged: stop the server, then see `stagedoor admin check` and `stagedoor admin rebuild`"
        ),
    }
}

fn retain(instance: &Arc<Instance>) {
    let RetentionSettings {
        exports_max,
        exports_days,
        stage_versions_max,
        dropped_stages_days,
        audit_days,
        compact_bytes_min: _,
        compact_ratio_min: _,
    } = &instance.settings.retention;
    let catalog = &instance.catalog;
    let now_us = (catalog::system_clock())();
    let before = |days: u32| now_us.saturating_sub(u64::from(days) * DAY_US);
    let said = |what: &str, result: Result<u64, catalog::Error>| match result {
        Ok(0) => {}
        Ok(removed) => tracing::info!(what, removed, "removed what retention does not keep"),
        Err(error) => tracing::warn!(what, %error, "failed to remove what retention does not keep"),
    };
    let accounts = match catalog.accounts() {
        Ok(accounts) => accounts,
        Err(error) => {
            tracing::warn!(%error, "failed to list accounts for retention");
            return;
        }
    };
    for account in accounts {
        let actor = system_actor(&account.name);
        let keep = usize::try_from(*exports_max).unwrap_or(usize::MAX);
        said(
            "exports beyond retention.exports_max",
            catalog
                .prune_exports(&actor, keep, u64::MAX)
                .map(|pruned| pruned.removed),
        );
        if let Some(days) = exports_days {
            said(
                "exports older than retention.exports_days",
                catalog
                    .prune_exports(&actor, 0, before(*days))
                    .map(|pruned| pruned.removed),
            );
        }
        let keep = usize::try_from(*stage_versions_max).unwrap_or(usize::MAX);
        said(
            "stage versions",
            catalog
                .prune_stage_versions(&actor, keep)
                .map(|pruned| pruned.removed),
        );
        said(
            "entries of directory tables that nobody reads any more",
            catalog.prune_directories(&actor),
        );
        let forgotten = catalog.forget_dropped_stages(&actor, before(*dropped_stages_days));
        if forgotten
            .as_ref()
            .is_ok_and(|forgotten| forgotten.removed > 0)
        {
            instance.remains.notify_one();
        }
        said(
            "stages dropped longer ago than retention.dropped_stages_days",
            forgotten.map(|forgotten| forgotten.removed),
        );
    }
    said(
        "expired tokens",
        catalog.remove_expired_tokens(&system_actor(SYS), now_us),
    );
    if let Some(days) = audit_days {
        let pruned = catalog.prune_audit(&system_actor(SYS), before(*days));
        if let Ok(catalog::AuditPruned {
            missing: Some(missing),
            ..
        }) = &pruned
        {
            tracing::error!(
                missing,
                "the audit lacks a record, and retention removes none behind it; see `stagedoor admin verify-audit`"
            );
        }
        said("audit records", pruned.map(|pruned| pruned.removed));
    }
}
