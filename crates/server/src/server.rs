//! `Server`: an opened data directory with its gRPC services, served on a port or in memory.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use proto::v1::account_service_server::AccountServiceServer;
use proto::v1::admin_service_server::AdminServiceServer;
use proto::v1::export_service_server::ExportServiceServer;
use proto::v1::sql_service_server::SqlServiceServer;
use proto::v1::stage_service_server::StageServiceServer;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::error::Error;
use crate::gate::{CallContext, Principal, ensure_root_password};
use crate::grpc::{Accounts, Admin, Authentication, Exports, Sql, Stages, Trust};
use crate::instance::{Instance, OpenError};
use crate::session::{Caller, Session};
use crate::sessions::Sessions;
use crate::settings::Settings;

/// Above the longest statement, so that its own limit answers with a statement's error.
const MESSAGE_BYTES_OVERHEAD: usize = 64 << 10;

/// How long a script may be that SplitScript takes; a statement in it has the statement's limit.
const SCRIPT_BYTES_MAX: usize = 64 << 20;

/// What the health service knows; `""` is the server as a whole.
const SERVICES: [&str; 6] = [
    "",
    "stagedoor.v1.AccountService",
    "stagedoor.v1.AdminService",
    "stagedoor.v1.SqlService",
    "stagedoor.v1.ExportService",
    "stagedoor.v1.StageService",
];

/// How long a cancelled export may take to stop before the server goes without it.
const CANCEL_MAX: Duration = Duration::from_secs(10);

/// An opened server. Nothing listens until [`Server::bind`].
#[derive(Debug)]
pub struct Server {
    instance: Arc<Instance>,
    health: HealthReporter,
    routes: Routes,
}

/// A server with its port open.
#[derive(Debug)]
pub struct BoundServer {
    server: Server,
    listener: TcpListener,
    local_addr: SocketAddr,
    first_password: Option<SecretString>,
}

impl Server {
    /// Opens the data directory, recovers what a killed server left, and builds the services.
    /// Blocking; inside a Tokio runtime.
    ///
    /// # Errors
    /// Ready for an operator: another process has the directory, it is damaged, not writable.
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        let instance = Instance::open(settings)?;
        let limits = &instance.settings.limits;
        let sessions = Arc::new(Sessions::new(
            Arc::clone(&instance.registry),
            limits.sessions_max,
            limits.sessions_account_max,
            Duration::from_secs(limits.session_idle_s),
        ));
        let message_bytes_max =
            (limits.statement_bytes_max + MESSAGE_BYTES_OVERHEAD).max(SCRIPT_BYTES_MAX);

        let (health, health_service) = tonic_health::server::health_reporter();
        let sql = Sql {
            instance: Arc::clone(&instance),
            sessions: Arc::clone(&sessions),
        };
        let exports = Exports {
            instance: Arc::clone(&instance),
            sessions: Arc::clone(&sessions),
        };
        let stages = Stages {
            instance: Arc::clone(&instance),
        };
        let accounts = Accounts {
            instance: Arc::clone(&instance),
        };
        let admin = Admin {
            instance: Arc::clone(&instance),
        };
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(proto::v1::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let failed = |e: tonic_reflection::server::Error| {
            OpenError(format!("failed to build gRPC reflection: {e}"))
        };
        let routes =
            Routes::new(SqlServiceServer::new(sql).max_decoding_message_size(message_bytes_max))
                .add_service(
                    ExportServiceServer::new(exports).max_decoding_message_size(message_bytes_max),
                )
                .add_service(StageServiceServer::new(stages))
                .add_service(AccountServiceServer::new(accounts))
                .add_service(AdminServiceServer::new(admin))
                .add_service(health_service)
                .add_service(reflection().build_v1().map_err(failed)?)
                // Older grpcurl and Postman ask for this one.
                .add_service(reflection().build_v1alpha().map_err(failed)?);
        Ok(Self {
            instance,
            health,
            routes,
        })
    }

    /// A session that needs no transport. It acts as `sys:root`, administrator of the cluster, as whoever may open
    /// the data directory does.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn session(&self) -> Result<Session, Error> {
        let caller = Caller {
            principal: Principal::owner(&self.instance.catalog)?,
            context: CallContext {
                client: "embedded".to_owned(),
                ..CallContext::default()
            },
        };
        Ok(Session::new(Arc::clone(&self.instance), caller))
    }

    /// Every gRPC service, for a caller that brings its own transport. Each call must log in.
    pub fn routes(&self) -> Routes {
        self.routes_for(Trust::Logins)
    }

    pub(crate) fn routes_for(&self, trust: Trust) -> Routes {
        let check = Authentication {
            instance: Arc::clone(&self.instance),
            trust,
        };
        Routes::from(self.routes.clone().into_axum_router().layer(check))
    }

    /// Opens the port of the settings.
    ///
    /// # Errors
    /// The address is taken; or it is not a loopback address and the settings do not say `insecure`.
    pub async fn bind(self) -> Result<BoundServer, OpenError> {
        let settings = &self.instance.settings;
        if !settings.listen.ip().is_loopback() && !settings.insecure {
            return Err(OpenError(format!(
                "refusing to listen on {} in plain text, which shows passwords to the network: listen on 127.0.0.1, or set insecure = true",
                settings.listen
            )));
        }
        let first_password = ensure_root_password(&self.instance)?;
        let failed =
            |e: std::io::Error| OpenError(format!("failed to listen on {}: {e}", settings.listen));
        let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        Ok(BoundServer {
            server: self,
            listener,
            local_addr,
            first_password,
        })
    }

    /// Says NOT_SERVING from now on and lets running exports end; after the grace period they are cancelled.
    pub async fn shutdown(&self) {
        for service in SERVICES {
            self.health
                .set_service_status(service, ServingStatus::NotServing)
                .await;
        }
        let grace = Duration::from_secs(self.instance.settings.limits.shutdown_grace_s);
        let jobs = self.instance.jobs.close();
        let all_ended = async {
            for job in &jobs {
                let _ = job.ended().await;
            }
        };
        if tokio::time::timeout(grace, all_ended).await.is_err() {
            for job in &jobs {
                job.cancel();
            }
            let cancelled = async {
                for job in &jobs {
                    let _ = job.ended().await;
                }
            };
            if tokio::time::timeout(CANCEL_MAX, cancelled).await.is_err() {
                tracing::warn!("an export did not stop in time; the next start settles it");
            }
        }
    }

    pub(crate) async fn say_serving(&self) {
        for service in SERVICES {
            self.health
                .set_service_status(service, ServingStatus::Serving)
                .await;
        }
    }
}

impl BoundServer {
    /// The address, with the port that was taken for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Root's password, if this start had to make one up; it is kept nowhere and can be taken this once.
    pub fn take_first_password(&mut self) -> Option<SecretString> {
        self.first_password.take()
    }

    /// Serves until `shutdown` resolves; then takes no new calls, lets running ones end within the grace
    /// period, and returns.
    ///
    /// # Errors
    /// The transport's.
    pub async fn serve(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), OpenError> {
        let Self {
            server, listener, ..
        } = self;
        server.say_serving().await;
        let grace = Duration::from_secs(server.instance.settings.limits.shutdown_grace_s);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tonic::transport::Server::builder()
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .http2_keepalive_timeout(Some(Duration::from_secs(20)))
            .add_routes(server.routes())
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), async {
                // An error means that the sender is gone: stop, too.
                let _ = stopped.await;
            });
        let serving = tokio::spawn(serving);
        shutdown.await;
        tracing::info!("stopping: no new calls are taken");
        let _ = stop.send(());
        server.shutdown().await;
        match tokio::time::timeout(grace, serving).await {
            Ok(Ok(served)) => served.map_err(|e| OpenError(format!("failed to serve: {e}"))),
            Ok(Err(error)) => Err(OpenError(format!("failed to serve: {error}"))),
            // Some client keeps its call open beyond the grace period: it is cut off.
            Err(_) => Ok(()),
        }
    }
}
