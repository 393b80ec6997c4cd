//! What goes into the audit without a change of the catalog: refusals, logins, and what was done with files.

use catalog::AuditEvent;

use super::outcome_name;
use crate::instance::Instance;

/// Writes a record. It is also in the log, and there alone when the catalog takes no more: what was refused stays
/// refused, and what was done is done, so that the call goes on either way. Metric and log say that it is missing.
pub(super) fn record(instance: &Instance, event: AuditEvent) {
    tracing::info!(
        operation = event.operation,
        target = event.target,
        client = event.actor.request.client,
        outcome = outcome_name(event.outcome),
        reason = event.reason,
        "audited"
    );
    if let Err(error) = instance.catalog.record(event.clone()) {
        instance.metrics.audit_unwritten();
        tracing::error!(
            %error,
            principal = %event.actor,
            request_id = event.actor.request.id,
            client = event.actor.request.client,
            operation = event.operation,
            target = event.target,
            outcome = outcome_name(event.outcome),
            reason = event.reason,
            statement = event.actor.request.statement,
            "failed to write an audit record"
        );
    }
}
