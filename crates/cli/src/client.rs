//! One session on a server: the calls of `stagedoor.v1` that the program makes.
//! Every gRPC status becomes a [`Failure`] here, so that no other file sees one but in a stream.

mod accounts;
mod admin;
mod files;

use proto::v1::export_service_client::ExportServiceClient;
use proto::v1::sql_service_client::SqlServiceClient;
use proto::v1::{
    CancelExportRequest, CloseSessionRequest, ExecuteRequest, ExecuteResponse, GetManifestRequest,
    OpenSessionRequest, SplitScriptRequest, SplitScriptResponse,
};
use tonic::{Status, Streaming};

pub(crate) use self::accounts::Accounts;
pub(crate) use self::admin::Admin;
pub(crate) use self::files::{DownloadFailure, Files, StagePath};
use crate::connect::{Connection, Wire};
use crate::failure::{Failure, Target};

/// The largest message taken from a server: a record batch of wide rows can pass tonic's 4 MiB.
const MESSAGE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A session.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    sql: SqlServiceClient<Wire>,
    exports: ExportServiceClient<Wire>,
    files: Files,
    session_id: String,
    server_version: String,
    target: Target,
}

impl Client {
    /// Opens a session in `database` (empty: the server's default).
    pub(crate) async fn open(connection: &Connection, database: &str) -> Result<Self, Failure> {
        let target = connection.target();
        let mut sql =
            SqlServiceClient::new(connection.wire()).max_decoding_message_size(MESSAGE_BYTES_MAX);
        let opened = sql
            .open_session(OpenSessionRequest {
                database: database.to_owned(),
            })
            .await
            .map_err(|status| Failure::from_status(&status, target))?
            .into_inner();
        Ok(Self {
            sql,
            exports: ExportServiceClient::new(connection.wire())
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
            files: Files::new(connection),
            session_id: opened.session_id,
            server_version: opened.server_version,
            target: target.clone(),
        })
    }

    /// The server's version, such as `0.1.0`.
    pub(crate) fn server_version(&self) -> &str {
        &self.server_version
    }

    /// How the user named the server.
    pub(crate) fn target(&self) -> &str {
        self.target.name()
    }

    /// The files of stages, for what GET and PUT carry: those of the session's temporary stages, too.
    pub(crate) fn files(&self) -> Files {
        self.files.clone().in_session(&self.session_id)
    }

    /// What a status of a stream means.
    pub(crate) fn failure(&self, status: &Status) -> Failure {
        Failure::from_status(status, &self.target)
    }

    /// Splits a script as the server's grammar sees it.
    pub(crate) async fn split(&mut self, script: String) -> Result<SplitScriptResponse, Failure> {
        let answer = self.sql.split_script(SplitScriptRequest { script }).await;
        answer
            .map(tonic::Response::into_inner)
            .map_err(|status| self.failure(&status))
    }

    /// Starts one statement; its parts arrive on the stream.
    pub(crate) async fn execute(
        &mut self,
        statement: &str,
    ) -> Result<Streaming<ExecuteResponse>, Failure> {
        let request = ExecuteRequest {
            session_id: self.session_id.clone(),
            statement: statement.to_owned(),
            carries_files: true,
            ..Default::default()
        };
        let answer = self.sql.execute(request).await;
        answer
            .map(tonic::Response::into_inner)
            .map_err(|status| self.failure(&status))
    }

    /// Cancels the export `exports/{id}`; answers when it has stopped.
    pub(crate) async fn cancel_export(&mut self, name: String) -> Result<(), Failure> {
        let answer = self
            .exports
            .cancel_export(CancelExportRequest { name })
            .await;
        answer.map(drop).map_err(|status| self.failure(&status))
    }

    /// The manifest of the committed export `exports/{id}`, JSON.
    #[cfg_attr(
        not(feature = "embedded"),
        expect(dead_code, reason = "only the demo reads manifests")
    )]
    pub(crate) async fn manifest(&mut self, name: String) -> Result<String, Failure> {
        let answer = self.exports.get_manifest(GetManifestRequest { name }).await;
        answer
            .map(|answer| answer.into_inner().manifest_json)
            .map_err(|status| self.failure(&status))
    }

    /// Closes the session. A server that is gone has closed it already, so errors do not matter.
    pub(crate) async fn close(mut self) {
        let _ = self
            .sql
            .close_session(CloseSessionRequest {
                session_id: self.session_id,
            })
            .await;
    }
}
