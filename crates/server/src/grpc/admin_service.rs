//! `AdminService`: the server itself, for the cluster's administrator.

use std::path::PathBuf;
use std::sync::Arc;

use proto::v1;
use proto::v1::admin_service_server::AdminService;
use tonic::{Request, Response, Status};

use crate::error::Result;
use crate::gate::hex;
use crate::grpc::authentication::caller;
use crate::grpc::convert;
use crate::instance::Instance;
use crate::session::Session;
use crate::sessions::SessionState;
use crate::time::proto_timestamp;

type Answer<T> = std::result::Result<Response<T>, Status>;

/// `stagedoor.v1.AdminService`.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) instance: Arc<Instance>,
}

impl Admin {
    fn session<T>(&self, request: &Request<T>) -> Result<Session> {
        Ok(Session::new(Arc::clone(&self.instance), caller(request)?))
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn state(state: SessionState) -> v1::SessionState {
    match state {
        SessionState::Idle => v1::SessionState::Idle,
        SessionState::Waiting => v1::SessionState::Waiting,
        SessionState::Running => v1::SessionState::Running,
    }
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn get_status(
        &self,
        request: Request<v1::GetStatusRequest>,
    ) -> Answer<v1::GetStatusResponse> {
        let status = self.session(&request)?.server_status().await?;
        Ok(Response::new(v1::GetStatusResponse {
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            start_time: Some(proto_timestamp(status.started_us)),
            read_only_reason: status.read_only_reason.unwrap_or_default(),
            recovery: status.recovery,
            catalog_changes: status.catalog_changes,
            journal_bytes: status.journal_bytes,
            sessions: count(status.sessions),
            running_exports: count(status.running_exports),
        }))
    }

    async fn backup(&self, request: Request<v1::BackupRequest>) -> Answer<v1::BackupResponse> {
        let session = self.session(&request)?;
        let directory = PathBuf::from(request.into_inner().directory);
        let done = session.backup(directory).await?;
        Ok(Response::new(v1::BackupResponse {
            files: done.files,
            bytes: done.bytes,
            catalog_changes: done.catalog_changes,
            audit_head: hex(&done.audit_head),
        }))
    }

    async fn verify_audit(
        &self,
        request: Request<v1::VerifyAuditRequest>,
    ) -> Answer<v1::VerifyAuditResponse> {
        let check = self.session(&request)?.verify_audit().await?;
        let (bad, why) = check
            .bad
            .map_or((0, String::new()), |bad| (bad.number, bad.why));
        Ok(Response::new(v1::VerifyAuditResponse {
            first: check.first,
            last: check.last,
            head: hex(&check.head_hash),
            bad,
            why,
        }))
    }

    async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Answer<v1::ListSessionsResponse> {
        let rows = self.session(&request)?.open_sessions().await?;
        Ok(Response::new(v1::ListSessionsResponse {
            sessions: rows
                .into_iter()
                .map(|row| v1::ServerSession {
                    name: format!("sessions/{}", row.id),
                    account: row.account,
                    user: row.user,
                    role: row.role,
                    client: row.client,
                    open_time: Some(proto_timestamp(row.opened_us)),
                    statement: row.statement,
                    idle_ms: u64::try_from(row.idle.as_millis()).unwrap_or(u64::MAX),
                    state: state(row.state).into(),
                })
                .collect(),
        }))
    }

    async fn kill_session(
        &self,
        request: Request<v1::KillSessionRequest>,
    ) -> Answer<v1::KillSessionResponse> {
        let session = self.session(&request)?;
        let name = request.into_inner().name;
        let id = convert::resource_id(&name, "sessions")?.to_owned();
        session.kill_session(id).await?;
        Ok(Response::new(v1::KillSessionResponse {}))
    }
}
