//! The calls of FileService: files of stages, listed, removed, and carried here and there.

use futures::Stream;
use proto::v1::file_service_client::FileServiceClient;
use proto::v1::{
    DownloadFileRequest, DownloadFileResponse, ListFilesRequest, ListFilesResponse,
    PresignFileRequest, PresignFileResponse, PresignedAccess, RefreshDirectoryRequest,
    RefreshDirectoryResponse, RemoveFilesRequest, RemoveFilesResponse, UploadFileRequest,
    UploadFileResponse,
};
use tonic::{Response, Status, Streaming};
use tonic_types::StatusExt;

use crate::connect::{Connection, Wire};
use crate::failure::{Failure, Target};

/// One server.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    calls: FileServiceClient<Wire>,
    target: Target,
    /// Whose temporary stages are seen; empty: nobody's.
    session_id: String,
}

/// A path in a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StagePath {
    /// `stages/{stage_id}`.
    pub(crate) parent: String,
    /// In the stage.
    pub(crate) path: String,
}

/// Why a download did not begin, or broke off.
#[derive(Debug)]
pub(crate) enum DownloadFailure {
    /// The file is another one than the one that was begun with.
    Changed(Failure),
    /// Anything else.
    Other(Failure),
}

impl Files {
    pub(crate) fn new(connection: &Connection) -> Self {
        Self {
            calls: FileServiceClient::new(connection.wire()),
            target: connection.target().clone(),
            session_id: String::new(),
        }
    }

    /// The same, seeing the temporary stages of a session.
    pub(crate) fn in_session(self, session_id: &str) -> Self {
        Self {
            session_id: session_id.to_owned(),
            ..self
        }
    }

    /// Whose temporary stages are seen.
    pub(crate) fn session_id(&self) -> &str {
        &self.session_id
    }

    /// A page of files; the token of the first is empty.
    pub(crate) async fn list(
        &mut self,
        at: &StagePath,
        page_token: String,
    ) -> Result<ListFilesResponse, Failure> {
        let request = ListFilesRequest {
            parent: at.parent.clone(),
            path: at.path.clone(),
            page_size: 1000,
            page_token,
            session_id: self.session_id.clone(),
        };
        let answer = self.calls.list_files(request).await;
        self.answered(answer)
    }

    /// Removes files.
    pub(crate) async fn remove(
        &mut self,
        at: &StagePath,
        allow_missing: bool,
    ) -> Result<RemoveFilesResponse, Failure> {
        let request = RemoveFilesRequest {
            parent: at.parent.clone(),
            path: at.path.clone(),
            allow_missing,
            session_id: self.session_id.clone(),
        };
        let answer = self.calls.remove_files(request).await;
        self.answered(answer)
    }

    /// Makes a URL for one file.
    pub(crate) async fn presign(
        &mut self,
        at: &StagePath,
        access: PresignedAccess,
        expire_seconds: u64,
    ) -> Result<PresignFileResponse, Failure> {
        let request = PresignFileRequest {
            parent: at.parent.clone(),
            path: at.path.clone(),
            access: access.into(),
            expire_seconds,
            session_id: self.session_id.clone(),
        };
        let answer = self.calls.presign_file(request).await;
        self.answered(answer)
    }

    /// Makes a stage's directory table agree with what is there, all of it or what is below the folder.
    pub(crate) async fn refresh(
        &mut self,
        at: &StagePath,
    ) -> Result<RefreshDirectoryResponse, Failure> {
        let request = RefreshDirectoryRequest {
            parent: at.parent.clone(),
            path: at.path.clone(),
        };
        let answer = self.calls.refresh_directory(request).await;
        self.answered(answer)
    }

    /// Begins to fetch a file from a byte on; with an etag, that version.
    pub(crate) async fn download(
        &mut self,
        at: &StagePath,
        offset: u64,
        etag: &str,
    ) -> Result<Streaming<DownloadFileResponse>, DownloadFailure> {
        let request = DownloadFileRequest {
            parent: at.parent.clone(),
            path: at.path.clone(),
            offset,
            etag: etag.to_owned(),
            session_id: self.session_id.clone(),
        };
        let answer = self.calls.download_file(request).await;
        answer
            .map(Response::into_inner)
            .map_err(|status| self.download_failure(&status))
    }

    /// What a status of a download means.
    pub(crate) fn download_failure(&self, status: &Status) -> DownloadFailure {
        let failure = Failure::from_status(status, &self.target);
        let info = status.get_details_error_info();
        match info.is_some_and(|info| info.reason == "FILE_CHANGED") {
            true => DownloadFailure::Changed(failure),
            false => DownloadFailure::Other(failure),
        }
    }

    /// Sends a file.
    pub(crate) async fn upload(
        &mut self,
        parts: impl Stream<Item = UploadFileRequest> + Send + 'static,
    ) -> Result<UploadFileResponse, Failure> {
        let answer = self.calls.upload_file(parts).await;
        self.answered(answer)
    }

    fn answered<T>(&self, answer: Result<Response<T>, Status>) -> Result<T, Failure> {
        answer
            .map(Response::into_inner)
            .map_err(|status| Failure::from_status(&status, &self.target))
    }
}
