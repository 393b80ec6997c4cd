//! `Instance`: what all sessions of one server share, opened once over a data directory.
//! Opening also recovers: unfinished exports are rolled forward or back, orphaned files removed.

use std::fs;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use catalog::{Catalog, ErrorKind, KeyRing, OnExists};
use query::QueryEngine;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};
use crate::exports::ExportJobs;
use crate::gate::{Logins, SYS, system_actor};
use crate::internal::InternalStorage;
use crate::metrics::Metrics;
use crate::notify::Notifier;
use crate::places::OwnFiles;
use crate::policies::DailyBytes;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::table_changes::TableChanges;
use crate::traces::{Trace, Traces};
use crate::turns::Turns;
use crate::uploads::Uploads;

/// How long a request to a bucket, or a part of an upload, waits for room among the server's: those that run end
/// or are given up within it.
const BUCKETS_WAIT: Duration = Duration::from_secs(60);

/// What all sessions of one server share.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) settings: Settings,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) engine: QueryEngine,
    pub(crate) internal: InternalStorage,
    pub(crate) own: OwnFiles,
    pub(crate) jobs: ExportJobs,
    pub(crate) uploads: Uploads,
    /// What was exported today, where a policy limits it.
    pub(crate) daily_bytes: Arc<DailyBytes>,
    /// How download links begin, once there is a port for them; without a slash at the end.
    pub(crate) links_at: OnceLock<String>,
    pub(crate) logins: Logins,
    pub(crate) sessions: Sessions,
    pub(crate) turns: Turns,
    pub(crate) changes: TableChanges,
    pub(crate) endpoints: storage::EndpointPolicy,
    /// To the buckets of all stages, under that policy.
    pub(crate) transport: storage::Transport,
    /// Who is told of exports that have ended, if anybody is.
    pub(crate) notifier: Option<Notifier>,
    /// Wakes who settles exports that could not be settled at once.
    pub(crate) unsettled: Arc<Notify>,
    /// Wakes who removes the files of dropped internal stages, before the hour has come.
    pub(crate) remains: Arc<Notify>,
    /// Takes them, where an operator has named a collector.
    pub(crate) traces: Option<Traces>,
    pub(crate) started_us: u64,
}

impl Instance {
    /// Opens the data directory, creating it if need be, and recovers. Blocking.
    pub(crate) fn open(
        settings: Settings,
        keys: KeyRing,
    ) -> std::result::Result<Arc<Self>, OpenError> {
        let data = &settings.data_dir;
        let failed = |what: &str, e: std::io::Error| {
            OpenError::new(format!(
                "failed to {what} in data directory '{}': {e}",
                data.display()
            ))
        };
        create_private(data).map_err(|e| {
            OpenError::new(format!(
                "failed to create data directory '{}': {e}",
                data.display()
            ))
        })?;
        let options = catalog::Options {
            keys: Some(keys),
            compact_bytes_min: settings.retention.compact_bytes_min,
            compact_ratio_min: settings.retention.compact_ratio_min,
            ..catalog::Options::default()
        };
        let catalog = Catalog::open(&data.join("catalog"), options)
            .map_err(|e| OpenError::of_catalog(&e, data))?;
        let catalog = Arc::new(catalog);
        warn_of_remains(data);
        if catalog.read_only_reason().is_none() {
            bootstrap(&catalog, &settings)?;
        }

        // Whatever a killed server spilled there is of no use to anyone.
        let spill = data.join("spill");
        if spill.exists() {
            fs::remove_dir_all(&spill).map_err(|e| failed("empty the spill folder", e))?;
        }
        create_private(&spill).map_err(|e| failed("create the spill folder", e))?;
        let mut engine_settings = query::Settings::new(&spill);
        engine_settings.memory_bytes_max = settings.limits.query_memory_bytes_max;
        engine_settings.value_bytes_max = settings.limits.value_bytes_max as u64;
        let engine =
            QueryEngine::local(engine_settings).map_err(|e| OpenError::new(e.to_string()))?;

        let endpoints = endpoints(&settings)?;
        let transport = storage::Transport::new(endpoints.clone(), transport_options(&settings))
            .map_err(|e| OpenError::new(format!("buckets cannot be reached: {e}")))?;
        let opening = InternalStorage::open(data, &settings.internal, transport.clone(), &catalog);
        let internal = wait_for(opening).map_err(|e| OpenError::new(e.message().to_owned()))?;
        // What was given up with a newer index may be looked for there, rows and all.
        if catalog
            .has_index_aside()
            .map_err(|e| OpenError::of_catalog(&e, data))?
        {
            tracing::warn!(
                "table files that no table lists are kept, for catalog/index.ahead may list them; remove that when nobody needs it any more"
            );
        } else {
            let removed = internal
                .remove_orphans(&catalog)
                .map_err(|e| OpenError::new(e.message().to_owned()))?;
            if removed > 0 {
                tracing::info!(files = removed, "removed table files that no table lists");
            }
        }

        let traces = Traces::open(&settings.traces)?;
        let uploads = Uploads::open(data).map_err(|e| failed("open the records of uploads", e))?;
        let notifier = Notifier::open(&settings.notify, data).map_err(OpenError::new)?;
        let jobs = ExportJobs::default();
        let logins = Logins::new(&settings.auth, &settings.limits)
            .map_err(|e| OpenError::new(e.message().to_owned()))?;
        let metrics = Arc::new(Metrics::default());
        let turns = Turns::new(&settings.limits, Arc::clone(&metrics));
        let own = OwnFiles::new(&settings, internal.stages.folder());
        let instance = Arc::new(Self {
            own,
            started_us: (catalog::system_clock())(),
            turns,
            metrics,
            changes: TableChanges::default(),
            traces,
            daily_bytes: Arc::default(),
            notifier,
            endpoints,
            transport,
            sessions: Sessions::new(&settings.limits),
            settings,
            catalog,
            engine,
            internal,
            unsettled: Arc::new(Notify::new()),
            remains: Arc::new(Notify::new()),
            jobs,
            uploads,
            links_at: OnceLock::new(),
            logins,
        });
        wait_for(instance.internal.stages.remove_left_here());
        wait_for(crate::exports::recover(&instance));
        wait_for(crate::uploads::recover(&instance));
        Ok(instance)
    }

    /// A trace that begins here, where traces are taken.
    pub(crate) fn new_trace(&self) -> Trace {
        self.traces
            .as_ref()
            .map_or_else(Trace::default, Traces::new_trace)
    }

    /// Runs blocking work (fsync, the catalog) off the asynchronous threads. Who stops waiting for work that has not
    /// begun takes it back; what has begun runs to its end.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let instance = Arc::clone(self);
        blocking(move || work(&instance)).await
    }
}

/// The same, of what needs no instance.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let mut task = AbortOnDrop(Handle::current().spawn_blocking(work));
    (&mut task.0)
        .await
        .map_err(|e| Error::defect("a task of the server failed").with_source(e))?
}

/// Waits for what is asynchronous (a place's work), on a thread that may block.
pub(crate) fn wait_for<T>(work: impl Future<Output = T>) -> T {
    Handle::current().block_on(work)
}

/// A task that, if it has not begun, does not begin once nobody waits for it.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What opening a catalog had to repair, a sentence each; none when all was well.
pub(crate) fn recovery_sentences(recovery: &catalog::Recovery) -> Vec<String> {
    let mut sentences = repairs(recovery);
    if recovery.replayed > 0 && recovery.rebuilt.is_none() {
        sentences.push(format!(
            "applied {} journal records that the index lacked",
            recovery.replayed
        ));
    }
    sentences
}

/// Those of them that are more than the index's usual lagging behind.
fn repairs(recovery: &catalog::Recovery) -> Vec<String> {
    let mut sentences = Vec::new();
    if recovery.torn_bytes > 0 {
        let bytes = recovery.torn_bytes;
        sentences.push(if recovery.ahead > 0 {
            format!("cut {bytes} bytes of a change that had been acknowledged from the journal's end")
        } else if recovery.rebuilt.is_some() || recovery.torn_by_damage {
            format!(
                "cut {bytes} bytes from the journal's end that are no whole change: one that had never been acknowledged, or, which nothing here can tell, the last one, damaged"
            )
        } else {
            format!(
                "cut {bytes} bytes from the journal's end that are no whole change: of one that was being written when the server ended, or, where something else cut the file, of one made in the last seconds before"
            )
        });
    }
    if let Some(why) = &recovery.rebuilt {
        sentences.push(format!("made the index anew from the journal: {why}"));
    }
    if recovery.ahead > 0 {
        sentences.push(format!(
            "the journal lacks {} changes that had been acknowledged; the index that has them is kept as index.ahead",
            recovery.ahead
        ));
    }
    sentences
}

/// Says what opening a catalog had to repair, and what keeps it from being changed, where whoever opened it has no
/// other way to tell: under a target of its own, which is shown where the log of a short command is else silent.
pub(crate) fn tell_recovery(catalog: &Catalog) {
    for sentence in repairs(catalog.recovery()) {
        tracing::warn!(target: RECOVERY_TARGET, "{sentence}");
    }
    if let Some(reason) = catalog.read_only_reason() {
        tracing::error!(target: RECOVERY_TARGET, "the catalog is read-only: {reason}");
    }
}

/// The target of log lines about what opening a data directory had to repair.
pub const RECOVERY_TARGET: &str = "stagedoor::recovery";

/// Says what an operator has still to decide about an earlier repair.
fn warn_of_remains(data: &Path) {
    let ahead = data.join("catalog").join("index.ahead");
    if ahead.exists() {
        tracing::warn!(
            "'{}' has acknowledged changes that a cut journal lost, and that were given up; the audit says how many (`REBUILD CATALOG`). Remove it when they are no longer needed",
            ahead.display()
        );
    }
}

/// Makes account `sys`, its administrator, and the default database, where they are not there yet.
fn bootstrap(catalog: &Catalog, settings: &Settings) -> std::result::Result<(), OpenError> {
    let actor = system_actor(SYS);
    // Without a password nobody can log in as root; the first `bind` of a port sets one.
    catalog
        .bootstrap(&actor, None)
        .map_err(|e| OpenError::new(e.to_string()))?;
    catalog
        .create_database(&actor, &settings.default_database, OnExists::Keep)
        .map_err(|e| OpenError::new(format!("default_database: {e}")))?;
    Ok(())
}

/// Where buckets may be.
fn endpoints(settings: &Settings) -> std::result::Result<storage::EndpointPolicy, OpenError> {
    let mut policy = storage::EndpointPolicy::default()
        .allow_http(settings.endpoints.http)
        .own_addresses(own_addresses(settings));
    if !settings.endpoints.allow.is_empty() {
        let rules = settings
            .endpoints
            .allow
            .iter()
            .map(|rule| rule.parse())
            .collect::<std::result::Result<Vec<storage::EndpointRule>, _>>()
            .map_err(|e| OpenError::new(format!("the setting endpoints.allow: {e}")))?;
        policy = policy.allow_only(rules);
    }
    Ok(policy)
}

/// Every address that this server listens on, whatever for.
fn own_addresses(settings: &Settings) -> Vec<SocketAddr> {
    let Settings {
        listen,
        http,
        mysql,
        metrics,
        ..
    } = settings;
    let own: Vec<SocketAddr> = [Some(*listen), http.listen, mysql.listen, metrics.listen]
        .into_iter()
        .flatten()
        .collect();
    let everywhere = own.iter().filter(|own| own.ip().is_unspecified());
    let everywhere: Vec<u16> = everywhere.map(SocketAddr::port).collect();
    if everywhere.is_empty() {
        return own;
    }
    // A port of all addresses is one of the machine's public ones, too.
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(
            %error,
            "failed to list the machine's addresses: a stage could name one of its public ones as its endpoint"
        );
        Vec::new()
    });
    let of_machine = interfaces.iter().flat_map(|interface| {
        let ports = everywhere.iter();
        ports.map(|port| SocketAddr::new(interface.ip(), *port))
    });
    own.iter().copied().chain(of_machine).collect()
}

fn transport_options(settings: &Settings) -> storage::TransportOptions {
    storage::TransportOptions {
        // Port 0 is the endpoint's own.
        hosts: settings
            .endpoints
            .hosts
            .iter()
            .map(|(name, addresses)| {
                let with_port = |address: &IpAddr| SocketAddr::new(*address, 0);
                (
                    name.to_lowercase(),
                    addresses.iter().map(with_port).collect(),
                )
            })
            .collect(),
        limits: storage::TransportLimits {
            requests_max: settings.limits.concurrent_bucket_requests_max,
            upload_bytes_max: settings.limits.bucket_upload_bytes_max as u64,
            wait_max: BUCKETS_WAIT,
            requests_setting: "limits.concurrent_bucket_requests_max",
            upload_bytes_setting: "limits.bucket_upload_bytes_max",
        },
        ..storage::TransportOptions::default()
    }
}

/// Creates a folder that only the server's own user can enter.
fn create_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Why a server could not be opened, ready for an operator.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct OpenError {
    text: String,
    is_damage: bool,
}

impl OpenError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_damage: false,
        }
    }

    /// Something that was stored is not as it was written.
    pub(crate) fn damaged(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_damage: true,
        }
    }

    /// Whether something that was stored is not as it was written: for the exit status.
    pub fn is_damage(&self) -> bool {
        self.is_damage
    }

    /// The catalog's own words, and the command that is the way out.
    pub(crate) fn of_catalog(error: &catalog::Error, data_dir: &Path) -> Self {
        let dir = data_dir.display();
        let way_out = match error.kind() {
            ErrorKind::Behind => format!(
                "; the way out without the right journal: `stagedoor admin rebuild --data-dir '{dir}' --accept-lost-changes`"
            ),
            ErrorKind::Corrupt => {
                format!("; `stagedoor admin check --data-dir '{dir}'` says what else is damaged")
            }
            ErrorKind::KeyMissing => {
                "; after an interrupted rotation, put both keys where they were and run `stagedoor admin rotate-key` again".to_owned()
            }
            // The other kinds say it themselves, and others may come.
            _ => String::new(),
        };
        Self {
            text: format!("{error}{way_out}"),
            is_damage: matches!(error.kind(), ErrorKind::Behind | ErrorKind::Corrupt),
        }
    }
}
