//! `Port`: a listening address, and the whole life of the server behind it: opened while health already
//! answers, served, drained and ended within a known time.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::channel::oneshot::Sender as CutSender;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::doorway::Doorway;
use super::health::ServerHealth;
use super::{Server, serving};
use crate::connections::{self, Entry};
use crate::gate::ensure_root_password;
use crate::http_port::HttpPort;
use crate::instance::{OpenError, recovery_sentences};
use crate::maintenance;
use crate::monitor_port::{MonitorPort, Watched};
use crate::mysql_port::MysqlPort;
use crate::notify;
use crate::settings::Settings;
use crate::tls::Tls;

/// How long connections have for their last answers once nothing runs any more or the time is up.
const LAST_WORDS_MAX: Duration = Duration::from_secs(1);

/// How long connections that were cut off may take to notice.
const CUT_MAX: Duration = Duration::from_secs(1);

/// How long the catalog may take to close; on a full disk it may never.
const CATALOG_CLOSE_MAX: Duration = Duration::from_secs(5);

/// An address that is listened on, with its transport security read.
#[derive(Debug)]
pub struct Port {
    settings: Settings,
    listener: TcpListener,
    local_addr: SocketAddr,
    tls: Option<Arc<Tls>>,
    http: Option<HttpPort>,
    mysql: Option<MysqlPort>,
    monitor: Option<MonitorPort>,
}

impl Port {
    /// Takes the address of the settings, and reads the files of `[tls]`.
    ///
    /// # Errors
    /// The address is taken; it is not a loopback address and the settings have neither TLS nor
    /// `insecure`; a file of `[tls]` cannot be used.
    pub async fn open(settings: Settings) -> Result<Self, OpenError> {
        let tls = Tls::open(&settings.tls)?;
        if tls.is_none() && !settings.listen.ip().is_loopback() && !settings.insecure {
            return Err(OpenError::new(format!(
                "refusing to listen on {} in plain text, which anyone on the way can read: set tls.cert and tls.key, listen on 127.0.0.1, or set insecure = true",
                settings.listen
            )));
        }
        let failed = |e: std::io::Error| {
            OpenError::new(format!("failed to listen on {}: {e}", settings.listen))
        };
        let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        let http = HttpPort::open(&settings, tls.as_ref()).await?;
        let mysql = MysqlPort::open(&settings, tls.as_ref()).await?;
        let monitor = MonitorPort::open(&settings).await?;
        Ok(Self {
            settings,
            listener,
            local_addr,
            tls,
            http,
            mysql,
            monitor,
        })
    }

    /// The address, with the port that was taken for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The address for clients of MySQL, if there is one, with the port that was taken for port 0.
    pub fn mysql_addr(&self) -> Option<SocketAddr> {
        self.mysql.as_ref().map(|mysql| mysql.address)
    }

    /// Opens the server and serves until `shutdown` resolves. While the data directory is opened, health
    /// says NOT_SERVING and every other call UNAVAILABLE; then `serving` is called, with root's password
    /// if this start had to make one up (it is kept nowhere). After `shutdown`
    /// health says NOT_SERVING, no new connection is taken after `limits.drain_s`, what runs may go on
    /// for `limits.shutdown_grace_s`, and all is over within [`stop_max`](crate::settings::LimitSettings::stop_max).
    ///
    /// # Errors
    /// What [`Server::open`] says; the transport's.
    pub async fn serve(
        self,
        serving: impl FnOnce(Option<SecretString>),
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), OpenError> {
        let Self {
            settings,
            listener,
            local_addr,
            tls,
            http,
            mysql,
            monitor,
        } = self;
        let health = ServerHealth::opening();
        let doorway = Doorway::new(&health);
        let (cut, is_cut) = connections::cut();
        let connections_max = settings.limits.connections_max;
        let places = Arc::new(Semaphore::new(connections_max));
        let entry = Entry {
            tls: tls.clone(),
            connections_max,
            places: Arc::clone(&places),
            opening_max: connections::OPENING_MAX,
            cut: is_cut,
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let transport = tokio::spawn(serving::serve(
            doorway.clone(),
            settings.limits.clone(),
            connections::accept(listener, entry),
            async {
                // An error means that the sender is gone: stop, too.
                let _ = stopped.await;
            },
        ));
        let transport = Transport {
            task: transport,
            stop,
            cut,
        };
        // Ends with this function.
        let mut background = JoinSet::new();
        let tls_in_words = match &tls {
            None => "off",
            Some(tls) if tls.is_mutual() => "with client certificates",
            Some(_) => "on",
        };
        if let Some(tls) = tls {
            background.spawn(tls.watch());
        }
        let opened_instance = Arc::new(OnceLock::new());
        if let Some(monitor) = monitor {
            tracing::info!(address = %monitor.local_addr, "serving metrics and health over HTTP");
            background.spawn(monitor.serve(Watched {
                health: health.clone(),
                instance: Arc::clone(&opened_instance),
                places: (places, connections_max),
            }));
        }

        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            address = %local_addr,
            tls = tls_in_words,
            data_dir = %settings.data_dir.display(),
            settings = settings.origin(),
            "opening the data directory; until it is open, health says NOT_SERVING"
        );
        let began = Instant::now();
        let limits = settings.limits.clone();
        let opening = {
            let health = health.clone();
            tokio::task::spawn_blocking(move || {
                let server = Server::open_with(settings, health)?;
                let first_password = ensure_root_password(&server.instance)?;
                Ok((server, first_password))
            })
        };
        tokio::pin!(shutdown);
        let opened = tokio::select! {
            opened = opening => match opened {
                Ok(opened) => Some(opened),
                // The error's own text may quote what a panic quoted; the log says where it was.
                Err(_) => Some(Err(OpenError::new(
                    "failed to open the server: a defect of this program, which the log tells of"
                        .to_owned(),
                ))),
            },
            () = &mut shutdown => None,
        };
        let (server, first_password) = match opened {
            Some(Ok(opened)) => opened,
            Some(Err(error)) => {
                health.end();
                transport.end(Instant::now()).await?;
                return Err(error);
            }
            None => {
                tracing::info!("stopping before the data directory was open");
                health.end();
                return transport.end(Instant::now()).await;
            }
        };
        log_opened(&server, began.elapsed());
        doorway.open(server.routes());
        // Nobody else sets it.
        let _ = opened_instance.set(Arc::downgrade(&server.instance));
        if let Some(http) = http {
            tracing::info!(at = http.links_at, "serving download links");
            // A server has one port for links.
            let _ = server.instance.links_at.set(http.links_at.clone());
            background.spawn(http.serve(Arc::clone(&server.instance)));
        }
        if let Some(at) = &server.instance.settings.traces.otlp_endpoint {
            tracing::info!(at, "sending traces");
        }
        let (stop_mysql, mysql_stopped) = watch::channel(false);
        let mut clients = JoinSet::new();
        if let Some(mysql) = mysql {
            tracing::info!(address = %mysql.address, "serving clients of MySQL");
            clients.spawn(mysql.serve(Arc::clone(&server.instance), mysql_stopped));
        }
        server.say_serving();
        background.spawn(maintenance::run(Arc::downgrade(&server.instance)));
        background.spawn(maintenance::recover(Arc::downgrade(&server.instance)));
        background.spawn(notify::run(Arc::downgrade(&server.instance)));
        background.spawn(maintenance::remove_remains(Arc::downgrade(
            &server.instance,
        )));
        background.spawn(maintenance::remove_temporary_files(Arc::downgrade(
            &server.instance,
        )));
        background.spawn(maintenance::end_idle_sessions(Arc::downgrade(
            &server.instance,
        )));
        serving(first_password);

        shutdown.await;
        tracing::info!("stopping: health says NOT_SERVING");
        health.stop();
        tokio::time::sleep(Duration::from_secs(limits.drain_s)).await;
        let deadline = Instant::now() + limits.shutdown_grace();
        let transport = transport.stop_accepting();
        health.end();
        stop_mysql.send_replace(true);
        server.end_exports(deadline).await;
        let ended = transport.end(deadline).await;
        let last_words = deadline.max(Instant::now() + LAST_WORDS_MAX);
        let _ = tokio::time::timeout_at(last_words, clients.join_next()).await;
        clients.shutdown().await;
        // What it is at holds the instance open.
        background.shutdown().await;
        server.end_temporary_stages().await;
        let traces = server.instance.traces.clone();
        let flush = async {
            if let Some(traces) = traces {
                traces.close().await;
            }
        };
        tokio::join!(close(server, doorway), flush);
        tracing::info!("stopped");
        ended
    }
}

/// The running HTTP/2 server.
struct Transport<Stop = oneshot::Sender<()>> {
    task: JoinHandle<()>,
    stop: Stop,
    cut: CutSender<()>,
}

impl Transport {
    /// Closes the listener, and every connection once nothing runs in it.
    fn stop_accepting(self) -> Transport<()> {
        // An error means that it has ended already.
        let _ = self.stop.send(());
        Transport {
            task: self.task,
            stop: (),
            cut: self.cut,
        }
    }

    async fn end(self, deadline: Instant) -> Result<(), OpenError> {
        self.stop_accepting().end(deadline).await
    }
}

impl Transport<()> {
    /// Waits until connections have ended; at the deadline those that have not are cut off.
    async fn end(mut self, deadline: Instant) -> Result<(), OpenError> {
        let deadline = deadline.max(Instant::now() + LAST_WORDS_MAX);
        let ended = match tokio::time::timeout_at(deadline, &mut self.task).await {
            Ok(ended) => Some(ended),
            Err(_) => {
                tracing::warn!(
                    "the grace period is over: connections that are still in use are cut off"
                );
                drop(self.cut);
                tokio::time::timeout(CUT_MAX, &mut self.task).await.ok()
            }
        };
        match ended {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(OpenError::new(format!("failed to serve: {error}"))),
            None => {
                self.task.abort();
                Ok(())
            }
        }
    }
}

/// Says what opening found. What was lost or repaired is a warning: nobody else will say it.
fn log_opened(server: &Server, took: Duration) {
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        took_ms,
        changes = server.instance.catalog.last_seq(),
        "opened the data directory"
    );
    for sentence in recovery_sentences(server.recovery()) {
        tracing::warn!(found = sentence, "recovered the catalog");
    }
    if let Some(reason) = server.instance.catalog.read_only_reason() {
        tracing::error!(reason, "the catalog is read-only");
    }
}

/// Closes the catalog on a thread of its own, for a bounded time.
async fn close(server: Server, doorway: Doorway) {
    let (closed, is_closed) = oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    let closing = std::thread::Builder::new()
        .name("close".to_owned())
        .spawn(move || {
            let _context = runtime.enter();
            let instance = &server.instance;
            instance.logins.record_counts(instance, true);
            drop((server, doorway));
            // Nobody waits any more.
            let _ = closed.send(());
        });
    let in_time = match closing {
        Ok(_) => tokio::time::timeout(CATALOG_CLOSE_MAX, is_closed)
            .await
            .is_ok(),
        // Then it was dropped with the closure.
        Err(_) => true,
    };
    if !in_time {
        tracing::error!(
            "the catalog did not close within {} s (is the disk full?): the server ends without it; what was acknowledged is safe, and the next start repairs the rest",
            CATALOG_CLOSE_MAX.as_secs()
        );
    }
}
