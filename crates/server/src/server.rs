//! `Server`: an opened data directory with its gRPC services, served on a [`Port`] or in memory.

mod data_dir;
mod doorway;
mod health;
mod port;
mod serving;

use std::sync::{Arc, Weak};
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use catalog::{Catalog, Recovery};
use proto::v1::account_service_server::AccountServiceServer;
use proto::v1::admin_service_server::AdminServiceServer;
use proto::v1::export_service_server::ExportServiceServer;
use proto::v1::file_service_server::FileServiceServer;
use proto::v1::sql_service_server::SqlServiceServer;
use proto::v1::stage_service_server::StageServiceServer;
use tokio::time::Instant;
use tonic::service::Routes;

pub(crate) use health::ServerHealth;
pub use port::Port;

use crate::error::Error;
use crate::exports::CancelCause;
use crate::flight::Flight;
use crate::gate::{CallContext, Principal};
use crate::grpc::{Accounts, Admin, Authentication, Exports, Files, Sql, Stages, Trust};
use crate::instance::{Instance, OpenError};
use crate::key;
use crate::session::{Caller, Login, Session};
use crate::settings::Settings;
use doorway::Doorway;

/// How long a cancelled export may take to stop before the server goes without it.
pub(crate) const CANCEL_MAX: Duration = Duration::from_secs(10);

/// How long removing the files of temporary stages may take at the end; the next start removes the rest.
const TEMPORARY_FILES_MAX: Duration = Duration::from_secs(3);

/// How long the rest of stopping may take: connections that are cut off, files that go with their sessions, and the
/// catalog's end.
pub(crate) const CLOSE_MAX: Duration = Duration::from_secs(11);

/// How often the catalog is asked whether it still takes changes.
const CATALOG_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// An opened server. Nothing listens; [`Port`] opens one behind an address.
#[derive(Debug)]
pub struct Server {
    pub(crate) instance: Arc<Instance>,
    health: ServerHealth,
    routes: Routes,
}

impl Server {
    /// Opens the data directory, recovers what a killed server left, and builds the services.
    ///
    /// # Errors
    /// Ready for an operator: another process has the directory, it is damaged, not writable, or open to
    /// all users; the server key is missing or malformed.
    pub async fn open(settings: Settings) -> Result<Self, OpenError> {
        let open = || Self::open_with(settings, ServerHealth::opening());
        match tokio::task::spawn_blocking(open).await {
            Ok(opened) => opened,
            // Its own text may quote what a panic quoted; the log says where that was.
            Err(error) => Err(OpenError::new(match error.is_panic() {
                true => "failed to open the server: a defect of this program",
                false => "failed to open the server: the program stops",
            })),
        }
    }

    /// The same, on a thread that may block.
    fn open_with(settings: Settings, health: ServerHealth) -> Result<Self, OpenError> {
        data_dir::prepare(&settings.data_dir)?;
        // Before the catalog is there: no directory must ever have the one without the other.
        let keys = key::ring(&settings)?;
        let instance = Instance::open(settings, keys)?;
        let message_bytes_max = instance.settings.limits.message_bytes_max;
        let sql = Sql {
            instance: Arc::clone(&instance),
        };
        let exports = Exports {
            instance: Arc::clone(&instance),
        };
        let stages = Stages {
            instance: Arc::clone(&instance),
        };
        let files = Files {
            instance: Arc::clone(&instance),
        };
        let accounts = Accounts {
            instance: Arc::clone(&instance),
        };
        let admin = Admin {
            instance: Arc::clone(&instance),
        };
        let flight = Flight::new(Arc::clone(&instance))?;
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(proto::v1::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let failed = |e: tonic_reflection::server::Error| {
            OpenError::new(format!("failed to build gRPC reflection: {e}"))
        };
        let routes =
            Routes::new(SqlServiceServer::new(sql).max_decoding_message_size(message_bytes_max))
                .add_service(
                    ExportServiceServer::new(exports).max_decoding_message_size(message_bytes_max),
                )
                .add_service(
                    StageServiceServer::new(stages).max_decoding_message_size(message_bytes_max),
                )
                // Its chunks keep to the usual limit of a message, 4 MiB.
                .add_service(FileServiceServer::new(files))
                .add_service(
                    AccountServiceServer::new(accounts)
                        .max_decoding_message_size(message_bytes_max),
                )
                .add_service(
                    AdminServiceServer::new(admin).max_decoding_message_size(message_bytes_max),
                )
                .add_service(
                    FlightServiceServer::new(flight).max_decoding_message_size(message_bytes_max),
                )
                .add_service(health.service())
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
            login: Login::Itself,
        };
        Ok(Session::for_statements(Arc::clone(&self.instance), caller).on_its_own())
    }

    /// Every gRPC service, for a caller that brings its own transport. Each call must log in.
    pub fn routes(&self) -> Routes {
        self.routes_for(Trust::Logins)
    }

    fn routes_for(&self, trust: Trust) -> Routes {
        let check = Authentication {
            instance: Arc::clone(&self.instance),
            trust,
        };
        Routes::from(self.routes.clone().into_axum_router().layer(check))
    }

    /// Says NOT_SERVING from now on and lets running exports end; after the grace period they are cancelled.
    pub async fn shutdown(&self) {
        self.health.stop();
        self.end_exports(Instant::now() + self.instance.settings.limits.shutdown_grace())
            .await;
        self.end_temporary_stages().await;
        if let Some(traces) = &self.instance.traces {
            traces.close().await;
        }
    }

    /// Ends what goes with the sessions, and removes the files, as far as that is done in a short time; the next start
    /// does the rest.
    async fn end_temporary_stages(&self) {
        self.instance.sessions.end_temporary_stages();
        let stages = &self.instance.internal.stages;
        if tokio::time::timeout(TEMPORARY_FILES_MAX, stages.remove_ended())
            .await
            .is_err()
        {
            tracing::warn!(
                "the files of temporary stages are not all removed yet; the next start does it"
            );
        }
    }

    /// Starts no more exports; cancels at the deadline those that run.
    async fn end_exports(&self, deadline: Instant) {
        let jobs = self.instance.jobs.close();
        let all_ended = async || {
            for job in &jobs {
                let _ = job.ended().await;
            }
        };
        if tokio::time::timeout_at(deadline, all_ended()).await.is_ok() {
            return;
        }
        tracing::warn!("the grace period is over: exports that still run are cancelled");
        for job in &jobs {
            job.cancel(CancelCause::Shutdown);
        }
        if tokio::time::timeout(CANCEL_MAX, all_ended()).await.is_err() {
            tracing::warn!("an export did not stop in time; the next start settles it");
        }
    }

    /// Says SERVING for as long as the catalog takes changes. Inside a Tokio runtime.
    pub(crate) fn say_serving(&self) {
        self.health.serve();
        tokio::spawn(watch_catalog(
            Arc::downgrade(&self.instance.catalog),
            self.health.clone(),
        ));
    }

    /// The services as they are behind a port, for callers that are known in this way.
    pub(crate) fn doorway(&self, trust: Trust) -> Doorway {
        let doorway = Doorway::new(&self.health);
        doorway.open(self.routes_for(trust));
        doorway
    }

    /// Logs what opening the data directory had to repair, and what keeps it from being changed, under
    /// [`RECOVERY_TARGET`](crate::RECOVERY_TARGET): for who serves no port, which logs it by itself.
    pub fn tell_recovery(&self) {
        crate::instance::tell_recovery(&self.instance.catalog);
    }

    fn recovery(&self) -> &Recovery {
        self.instance.catalog.recovery()
    }
}

/// Tells health and the log, once, when the catalog has become read-only. Ends with the catalog, which it
/// does not keep open.
async fn watch_catalog(catalog: Weak<Catalog>, health: ServerHealth) {
    loop {
        tokio::time::sleep(CATALOG_LOOK_INTERVAL).await;
        let Some(catalog) = catalog.upgrade() else {
            return;
        };
        // It may wait for a change that is just being written.
        let asked = tokio::task::spawn_blocking(move || catalog.read_only_reason()).await;
        if let Ok(Some(reason)) = asked {
            health.say_read_only();
            tracing::error!(
                reason,
                "the catalog has become read-only: no change is taken and health says NOT_SERVING until the cause is repaired and the server started again"
            );
            return;
        }
    }
}
