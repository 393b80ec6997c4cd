//! `FileService`: the files of stages, listed and removed, and their bytes on their way to and from clients.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use proto::v1;
use proto::v1::download_file_response::Part as Sent;
use proto::v1::file_service_server::FileService;
use proto::v1::upload_file_request::Part as Received;
use secrecy::ExposeSecret;
use storage::{FileInfo, ObjectPath, PresignedAccess};
use tonic::{Request, Response, Status, Streaming};

use crate::error::{Error, Reason, Result};
use crate::grpc::authentication::caller;
use crate::grpc::convert;
use crate::grpc::pages::{Paging, foreign_token};
use crate::instance::Instance;
use crate::places::StagePath;
use crate::session::{DownloadPart, Expected, Session};
use crate::stall::Stall;
use crate::time::{micros, proto_timestamp};

/// How long a message of a file's bytes is at most; what a place gives at once is longer.
const CHUNK_BYTES_MAX: usize = 256 << 10;

/// `stagedoor.v1.FileService`.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) instance: Arc<Instance>,
}

impl Files {
    /// For a call that is answered at once.
    fn session<T>(&self, request: &Request<T>) -> Result<Session> {
        Ok(Session::new(Arc::clone(&self.instance), caller(request)?))
    }

    /// The same beside an open session, if there is one.
    async fn session_beside<T: Sync>(&self, request: &Request<T>, id: &str) -> Result<Session> {
        self.session(request)?.beside(id).await
    }

    /// For a transfer, which takes as long as the client's connection makes it.
    fn lasting_session<T>(&self, request: &Request<T>) -> Result<Session> {
        Ok(Session::for_statements(
            Arc::clone(&self.instance),
            caller(request)?,
        ))
    }
}

fn stage_path(parent: &str, path: String) -> Result<StagePath> {
    Ok(StagePath {
        stage: convert::resource_id(parent, "stages")?.to_lowercase(),
        path,
    })
}

fn file(info: FileInfo) -> v1::File {
    v1::File {
        path: info.path.to_string(),
        size_bytes: info.bytes,
        modify_time: info.modified.and_then(micros).map(proto_timestamp),
        etag: info.etag.unwrap_or_default(),
    }
}

#[tonic::async_trait]
impl FileService for Files {
    async fn list_files(
        &self,
        request: Request<v1::ListFilesRequest>,
    ) -> std::result::Result<Response<v1::ListFilesResponse>, Status> {
        let session = self
            .session_beside(&request, &request.get_ref().session_id)
            .await?;
        let v1::ListFilesRequest {
            parent,
            path,
            page_size,
            page_token,
            session_id: _,
        } = request.into_inner();
        let list = ["ListFiles", parent.as_str(), path.as_str()];
        let paging = Paging::new(page_size, &page_token, &list)?;
        let after = paging
            .after()
            .map(|path| ObjectPath::parse(path).map_err(|_| foreign_token()))
            .transpose()?;
        let at = stage_path(&parent, path)?;
        let mut found = session.list_files(&at, after.as_ref()).await?.files;
        let mut files = Vec::new();
        while files.len() < paging.wanted() {
            match found.next().await.transpose()? {
                Some(info) => files.push(info),
                None => break,
            }
        }
        let (files, next_page_token) = paging.page(files, |info| info.path.to_string(), file);
        Ok(Response::new(v1::ListFilesResponse {
            files,
            next_page_token,
        }))
    }

    async fn remove_files(
        &self,
        request: Request<v1::RemoveFilesRequest>,
    ) -> std::result::Result<Response<v1::RemoveFilesResponse>, Status> {
        let session = self
            .session_beside(&request, &request.get_ref().session_id)
            .await?;
        let v1::RemoveFilesRequest {
            parent,
            path,
            allow_missing,
            session_id: _,
        } = request.into_inner();
        let removed = session
            .remove_files(stage_path(&parent, path)?, allow_missing)
            .await?;
        Ok(Response::new(v1::RemoveFilesResponse {
            removed_files: removed.files,
            removed_bytes: removed.bytes,
        }))
    }

    async fn presign_file(
        &self,
        request: Request<v1::PresignFileRequest>,
    ) -> std::result::Result<Response<v1::PresignFileResponse>, Status> {
        let session = self
            .session_beside(&request, &request.get_ref().session_id)
            .await?;
        let request = request.into_inner();
        let access = match request.access() {
            v1::PresignedAccess::Download => PresignedAccess::Read,
            v1::PresignedAccess::Upload => PresignedAccess::Write,
            v1::PresignedAccess::Unspecified => {
                return Err(Error::invalid_input(
                    Reason::OptionInvalid,
                    "access is required: PRESIGNED_ACCESS_DOWNLOAD or PRESIGNED_ACCESS_UPLOAD",
                )
                .into());
            }
        };
        let expire_s = (request.expire_seconds > 0).then_some(request.expire_seconds);
        let at = stage_path(&request.parent, request.path)?;
        let presigned = session.presign_file(&at, access, expire_s).await?;
        Ok(Response::new(v1::PresignFileResponse {
            method: presigned.method.to_owned(),
            url: presigned.url.expose_secret().to_owned(),
            headers: presigned.headers.into_iter().collect(),
            expire_time: Some(proto_timestamp(presigned.expires_us)),
        }))
    }

    type DownloadFileStream =
        Pin<Box<dyn Stream<Item = std::result::Result<v1::DownloadFileResponse, Status>> + Send>>;

    async fn download_file(
        &self,
        request: Request<v1::DownloadFileRequest>,
    ) -> std::result::Result<Response<Self::DownloadFileStream>, Status> {
        let session = self.lasting_session(&request)?;
        let v1::DownloadFileRequest {
            parent,
            path,
            offset,
            etag,
            session_id,
        } = request.into_inner();
        let session = session.beside(&session_id).await?;
        let at = stage_path(&parent, path)?;
        let etag = (!etag.is_empty()).then_some(etag);
        // What refuses it is the call's own status.
        let download = session.download_file(&at, offset, etag.as_deref()).await?;
        let part = |part| v1::DownloadFileResponse { part: Some(part) };
        let first = futures::stream::iter([Ok(part(Sent::File(file(download.info))))]);
        // Read as the client takes it: HTTP/2 waits for the client, and this for HTTP/2.
        let rest = download.parts.flat_map(move |next| {
            let parts = match next {
                Ok(DownloadPart::Bytes(bytes)) => {
                    let chunks = bytes.chunks(CHUNK_BYTES_MAX);
                    chunks
                        .map(|chunk| Ok(part(Sent::Chunk(chunk.to_vec()))))
                        .collect()
                }
                Ok(DownloadPart::Sha256(sha256)) => vec![Ok(part(Sent::Sha256(sha256)))],
                Err(error) => vec![Err(Status::from(error))],
            };
            futures::stream::iter(parts)
        });
        Ok(Response::new(Box::pin(first.chain(rest))))
    }

    async fn upload_file(
        &self,
        request: Request<Streaming<v1::UploadFileRequest>>,
    ) -> std::result::Result<Response<v1::UploadFileResponse>, Status> {
        let session = self.lasting_session(&request)?;
        // One that stands still keeps a turn and a draft: it ends.
        let stall = Stall::new(&self.instance.settings.limits);
        let mut parts = Box::pin(stall.ends(request.into_inner()));
        let first = parts.try_next().await?.and_then(|message| message.part);
        let Some(Received::Header(header)) = first else {
            return Err(out_of_order("the first message has the header").into());
        };
        let session = session.beside(&header.session_id).await?;
        let at = stage_path(&header.parent, header.path)?;
        let expected = Expected {
            bytes: header.size_bytes,
            sha256: (!header.sha256.is_empty()).then_some(header.sha256),
        };
        let mut upload = session.upload_file(&at, header.overwrite).await?;
        // A client that breaks off is an error here, and what was received goes with the upload.
        while let Some(message) = parts.try_next().await? {
            match message.part {
                Some(Received::Chunk(chunk)) => upload.write(Bytes::from(chunk)).await?,
                Some(Received::Header(_)) | None => {
                    return Err(out_of_order("every message but the first has a chunk").into());
                }
            }
        }
        let stored = upload.finish(expected).await?;
        Ok(Response::new(v1::UploadFileResponse {
            file: Some(v1::File {
                path: stored.path.to_string(),
                size_bytes: stored.bytes,
                modify_time: None,
                etag: stored.etag.unwrap_or_default(),
            }),
            sha256: stored.sha256,
        }))
    }

    async fn refresh_directory(
        &self,
        request: Request<v1::RefreshDirectoryRequest>,
    ) -> std::result::Result<Response<v1::RefreshDirectoryResponse>, Status> {
        // It takes as long as listing the stage does; a client that leaves ends it.
        let session = self.lasting_session(&request)?;
        let v1::RefreshDirectoryRequest { parent, path } = request.into_inner();
        let at = stage_path(&parent, path)?;
        let folder = (!at.path.is_empty()).then_some(at.path.as_str());
        let (found, _) = session.refresh_directory(&at.stage, folder).await?;
        Ok(Response::new(v1::RefreshDirectoryResponse {
            added_files: found.added,
            changed_files: found.changed,
            removed_files: found.removed,
            files: found.files,
        }))
    }
}

fn out_of_order(rule: &str) -> Error {
    Error::invalid_input(
        Reason::OptionInvalid,
        format_args!("a stream of an upload is out of order: {rule}"),
    )
}
