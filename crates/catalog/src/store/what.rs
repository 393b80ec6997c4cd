//! What a mutation is called: in the journal, and, when it is a change that somebody asked for, in
//! the audit.

use crate::audit::AuditOutcome;

/// The name of a mutation, and how it belongs into the audit.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// Recorded in the audit together with the change.
    Change(Change),
    /// Only a step on the way of something that is recorded elsewhere.
    Step(String),
}

/// A change as the audit tells it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) operation: &'static str,
    pub(crate) target: String,
    pub(crate) outcome: AuditOutcome,
    pub(crate) reason: String,
}

impl What {
    /// Done; as in `CREATE STAGE`, `daily`.
    pub(crate) fn change(operation: &'static str, target: impl Into<String>) -> What {
        What::ended(operation, target, AuditOutcome::Done, String::new())
    }

    /// As [`What::change`], of what can end otherwise, too.
    pub(crate) fn ended(
        operation: &'static str,
        target: impl Into<String>,
        outcome: AuditOutcome,
        reason: String,
    ) -> What {
        What::Change(Change {
            operation,
            target: target.into(),
            outcome,
            reason,
        })
    }

    pub(crate) fn step(text: impl Into<String>) -> What {
        What::Step(text.into())
    }

    /// The text in the journal.
    pub(crate) fn text(&self) -> String {
        match self {
            What::Change(change) => format!("{} {}", change.operation, change.target),
            What::Step(text) => text.clone(),
        }
    }
}
