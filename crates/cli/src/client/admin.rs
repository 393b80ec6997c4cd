//! The calls of AdminService: the server itself, for its administrator.
//! A backup or a check takes as long as it takes, so none of them has a deadline.

use proto::v1::admin_service_client::AdminServiceClient;
use proto::v1::{
    BackupRequest, BackupResponse, GetStatusRequest, GetStatusResponse, KillSessionRequest,
    ListSessionsRequest, ServerSession, VerifyAuditRequest, VerifyAuditResponse,
};
use tonic::{Response, Status};

use super::MESSAGE_BYTES_MAX;
use crate::connect::{Connection, Wire};
use crate::failure::{Failure, Target};

/// One server.
#[derive(Debug)]
pub(crate) struct Admin {
    calls: AdminServiceClient<Wire>,
    target: Target,
}

impl Admin {
    pub(crate) fn new(connection: &Connection) -> Self {
        Self {
            calls: AdminServiceClient::new(connection.wire())
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
            target: connection.target().clone(),
        }
    }

    /// How the server is.
    pub(crate) async fn status(&mut self) -> Result<GetStatusResponse, Failure> {
        let answer = self.calls.get_status(GetStatusRequest {}).await;
        self.answered(answer)
    }

    /// Backs up to an absolute path on the server's machine.
    pub(crate) async fn backup(&mut self, directory: String) -> Result<BackupResponse, Failure> {
        let answer = self.calls.backup(BackupRequest { directory }).await;
        self.answered(answer)
    }

    /// Checks the audit's chain.
    pub(crate) async fn verify_audit(&mut self) -> Result<VerifyAuditResponse, Failure> {
        let answer = self.calls.verify_audit(VerifyAuditRequest {}).await;
        self.answered(answer)
    }

    /// The open sessions.
    pub(crate) async fn sessions(&mut self) -> Result<Vec<ServerSession>, Failure> {
        let answer = self.calls.list_sessions(ListSessionsRequest {}).await;
        self.answered(answer).map(|answer| answer.sessions)
    }

    /// Closes the session `sessions/{id}`.
    pub(crate) async fn kill(&mut self, name: String) -> Result<(), Failure> {
        let answer = self.calls.kill_session(KillSessionRequest { name }).await;
        self.answered(answer).map(drop)
    }

    fn answered<T>(&self, answer: Result<Response<T>, Status>) -> Result<T, Failure> {
        answer
            .map(Response::into_inner)
            .map_err(|status| Failure::from_status(&status, &self.target))
    }
}
