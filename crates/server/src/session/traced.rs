//! What a trace has of a statement.

use futures::StreamExt;

use crate::error::Result;
use crate::traces::{CLIENT, EXPORT_ID, PRINCIPAL, REQUEST_ID, Span, Trace};

use super::Session;
use super::result::{Outcome, Rows};

/// The span of a statement that runs, and what stands above it.
pub(super) struct Traced {
    span: Span,
    above: Trace,
}

impl Session {
    /// Begins the span of the statement that the context has, below which all that the session does is from now on.
    pub(super) fn begin_trace(&mut self, verb: &'static str) -> Traced {
        let mut span = self.context.trace.statement(verb);
        if span.is_seen() {
            span.set("db.system", "stagedoor");
            span.set("db.operation", verb);
            span.set_text("db.namespace", &self.database);
            // An export's text is as it was given, which may hold a URL with a password.
            let text = crate::error::masked_urls(self.context.statement.clone());
            span.set_text("db.statement", &text);
            span.set_text(REQUEST_ID, &self.context.request_id);
            span.set_text(CLIENT, &self.context.client);
            span.set(PRINCIPAL, self.principal.to_string());
        }
        let below = span.below();
        let above = std::mem::replace(&mut self.context.trace, below);
        Traced { span, above }
    }

    /// The statement has ended, but for the rows that it may give. Gives its span, which ends with them.
    pub(super) fn end_trace<T>(&mut self, traced: Traced, result: &Result<T>) -> Span {
        let Traced { mut span, above } = traced;
        self.context.trace = above;
        span.ended(result);
        span
    }
}

impl Outcome {
    /// The same outcome of a statement with that span, which ends here, or with the last row.
    pub(super) fn traced(self, mut span: Span) -> Self {
        if span.is_none() {
            return self;
        }
        match self {
            Self::Rows(rows) => {
                let batches = rows.batches.inspect(move |batch| span.ended(batch));
                Self::Rows(Rows {
                    batches: Box::pin(batches),
                    ..rows
                })
            }
            Self::Export(handle) => {
                span.set_text(EXPORT_ID, handle.id());
                Self::Export(handle)
            }
            outcome @ (Self::Done(_) | Self::Transfer(_)) => outcome,
        }
    }
}
