//! What the server counts of itself, for Prometheus: the names are listed in docs/operations.md, and none carries anything of
//! what is stored or asked.

use std::time::Duration;

use catalog::{ExportRecord, ExportState};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::error::{Error, Reason, Result};
use crate::instance::Instance;
use crate::sql::export_state;
use crate::status;
use crate::turns::Work;

type Label = (&'static str, &'static str);

/// What a statement's time is put into, in seconds.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0,
];

/// The server's own counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    statements: Family<[Label; 2], Counter>,
    statement_seconds: Family<[Label; 1], Histogram>,
    exports: Family<[Label; 1], Counter>,
    export_rows: Counter,
    export_bytes: Counter,
    logins_refused: Family<[Label; 1], Counter>,
    audit_unwritten: Counter,
    waiting: Family<[Label; 1], Gauge>,
    waits: Family<[Label; 2], Counter>,
    wait_seconds: Family<[Label; 1], Histogram>,
    // Those that somebody else keeps, and that are read when they are asked for.
    exports_running: Gauge,
    sessions: Gauge,
    connections: Family<[Label; 1], Gauge>,
    catalog_writable: Gauge,
    catalog_journal_bytes: Gauge,
    catalog_compaction_failed: Gauge,
    catalog_changes: Counter,
    catalog_flushes: Counter,
    storage_requests: Family<[(&'static str, String); 2], Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let seconds: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("stagedoor"),
            statements: Family::default(),
            statement_seconds: Family::new_with_constructor(seconds),
            exports: Family::default(),
            export_rows: Counter::default(),
            export_bytes: Counter::default(),
            logins_refused: Family::default(),
            audit_unwritten: Counter::default(),
            waiting: Family::default(),
            waits: Family::default(),
            wait_seconds: Family::new_with_constructor(seconds),
            exports_running: Gauge::default(),
            sessions: Gauge::default(),
            connections: Family::default(),
            catalog_writable: Gauge::default(),
            catalog_journal_bytes: Gauge::default(),
            catalog_compaction_failed: Gauge::default(),
            catalog_changes: Counter::default(),
            catalog_flushes: Counter::default(),
            storage_requests: Family::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let to = &mut self.registry;
        to.register(
            "statements",
            "Statements that ended, by verb and outcome (ok, or the error's reason)",
            self.statements.clone(),
        );
        to.register_with_unit(
            "statement_duration",
            "From a statement's beginning, waiting included, to its end or to its first rows",
            Unit::Seconds,
            self.statement_seconds.clone(),
        );
        to.register(
            "exports",
            "Exports that ended, by state",
            self.exports.clone(),
        );
        to.register(
            "export_rows",
            "Rows of committed exports",
            self.export_rows.clone(),
        );
        to.register_with_unit(
            "export",
            "Bytes of committed exports",
            Unit::Bytes,
            self.export_bytes.clone(),
        );
        to.register(
            "logins_refused",
            "Logins that were refused, by reason",
            self.logins_refused.clone(),
        );
        to.register(
            "audit_unwritten",
            "Records of refusals, logins and the like that the audit could not take",
            self.audit_unwritten.clone(),
        );
        to.register(
            "queue_length",
            "What waits for its turn now, by kind of work",
            self.waiting.clone(),
        );
        to.register(
            "queue_waits",
            "What had to wait for its turn, by kind of work and outcome (taken, refused, left)",
            self.waits.clone(),
        );
        to.register_with_unit(
            "queue_wait",
            "How long it waited",
            Unit::Seconds,
            self.wait_seconds.clone(),
        );
        to.register(
            "exports_running",
            "Exports that run now",
            self.exports_running.clone(),
        );
        to.register("sessions", "Sessions that are open", self.sessions.clone());
        to.register(
            "connections",
            "Connections that are open, by wire (grpc, which Flight SQL is a part of; mysql; http, for download links)",
            self.connections.clone(),
        );
        to.register(
            "catalog_changes",
            "Changes in the catalog's journal since it was made",
            self.catalog_changes.clone(),
        );
        to.register(
            "catalog_flushes",
            "Times that the journal was made durable since the server began; one flush is for many changes",
            self.catalog_flushes.clone(),
        );
        to.register(
            "catalog_writable",
            "1, or 0 once the catalog takes no change any more",
            self.catalog_writable.clone(),
        );
        to.register(
            "catalog_journal_bytes",
            "Bytes of the catalog's journal, which a compaction makes fewer",
            self.catalog_journal_bytes.clone(),
        );
        to.register(
            "catalog_compaction_failed",
            "1 when the last compaction of the journal came to nothing, else 0",
            self.catalog_compaction_failed.clone(),
        );
        to.register(
            "storage_requests",
            "Requests to object storages since the server began, by method and outcome (the answer's status, or failed)",
            self.storage_requests.clone(),
        );
    }

    /// A statement has ended, or its first rows are there.
    pub(crate) fn statement<T>(&self, verb: &'static str, took: Duration, end: &Result<T>) {
        let outcome = match end {
            Ok(_) => "ok",
            Err(error) => status::name(error.reason()),
        };
        let labels = [("verb", verb), ("outcome", outcome)];
        self.statements.get_or_create(&labels).inc();
        self.statement_seconds
            .get_or_create(&[("verb", verb)])
            .observe(took.as_secs_f64());
    }

    /// An export has ended.
    pub(crate) fn export(&self, end: &Result<ExportRecord>) {
        let state = match end {
            Ok(record) => record.state,
            Err(error) if error.reason() == Reason::ExportCancelled => ExportState::Cancelled,
            Err(_) => ExportState::Failed,
        };
        self.exports
            .get_or_create(&[("state", export_state(state))])
            .inc();
        if let (Ok(record), ExportState::Committed) = (end, state) {
            self.export_rows.inc_by(record.rows);
            self.export_bytes.inc_by(record.bytes);
        }
    }

    /// A connection of `wire` is open until what this gives is dropped.
    pub(crate) fn connected(&self, wire: &'static str) -> Connected {
        let open = self.connections.get_or_create(&[("wire", wire)]).clone();
        open.inc();
        Connected(open)
    }

    /// A login was refused.
    pub(crate) fn login_refused(&self, error: &Error) {
        let reason = status::name(error.reason());
        self.logins_refused
            .get_or_create(&[("reason", reason)])
            .inc();
    }

    /// A record of the audit could not be written.
    pub(crate) fn audit_unwritten(&self) {
        self.audit_unwritten.inc();
    }

    /// Somebody begins to wait for a turn.
    pub(crate) fn waits(&self, work: Work) -> Waiting<'_> {
        let work = work.name();
        self.waiting.get_or_create(&[("work", work)]).inc();
        Waiting {
            metrics: self,
            work,
            began: std::time::Instant::now(),
            outcome: "left",
        }
    }

    /// All of it as text.
    ///
    /// # Errors
    /// A defect.
    pub(crate) fn text(&self, instance: &Instance, connections: usize) -> Result<String> {
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let grpc = self.connections.get_or_create(&[("wire", "grpc")]);
        grpc.set(number(connections));
        drop(grpc);
        self.sessions.set(number(instance.sessions.len()));
        self.exports_running.set(number(instance.jobs.len()));
        let catalog = &instance.catalog;
        raise(&self.catalog_changes, catalog.last_seq());
        raise(&self.catalog_flushes, catalog.flushes());
        self.catalog_writable
            .set(i64::from(catalog.read_only_reason().is_none()));
        self.catalog_journal_bytes
            .set(i64::try_from(catalog.journal_bytes()).unwrap_or(i64::MAX));
        self.catalog_compaction_failed
            .set(i64::from(catalog.compaction_failure().is_some()));
        for (method, outcome, count) in instance.transport.requests() {
            let labels = [("method", method.to_owned()), ("outcome", outcome)];
            raise(&self.storage_requests.get_or_create(&labels), count);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)
            .map_err(|e| Error::defect("failed to write the metrics").with_source(e))?;
        Ok(text)
    }
}

/// A connection that is open, until this is dropped.
#[derive(Debug)]
pub(crate) struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A count that somebody else keeps.
fn raise(counter: &Counter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}

/// Somebody who waits for a turn, until this is dropped.
pub(crate) struct Waiting<'a> {
    metrics: &'a Metrics,
    work: &'static str,
    began: std::time::Instant,
    outcome: &'static str,
}

impl Waiting<'_> {
    /// The turn has come, or will not.
    pub(crate) fn ended<T>(mut self, end: &Result<T>) {
        self.outcome = match end {
            Ok(_) => "taken",
            Err(_) => "refused",
        };
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let (metrics, work) = (self.metrics, self.work);
        metrics.waiting.get_or_create(&[("work", work)]).dec();
        metrics
            .waits
            .get_or_create(&[("work", work), ("outcome", self.outcome)])
            .inc();
        metrics
            .wait_seconds
            .get_or_create(&[("work", work)])
            .observe(self.began.elapsed().as_secs_f64());
    }
}
