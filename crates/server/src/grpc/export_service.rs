//! `ExportService`: exports as long-running work that any client can find, follow and cancel.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use proto::v1;
use proto::v1::export_service_server::ExportService;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::error::Result;
use crate::exports::ExportProgress;
use crate::grpc::authentication::caller;
use crate::grpc::convert;
use crate::grpc::pages::Paging;
use crate::instance::Instance;
use crate::session::Session;
use crate::sessions::Sessions;

const WATCH_EVERY: Duration = Duration::from_millis(200);

/// `stagedoor.v1.ExportService`.
#[derive(Debug, Clone)]
pub(crate) struct Exports {
    pub(crate) instance: Arc<Instance>,
}

impl Exports {
    fn session<T>(&self, request: &Request<T>) -> Result<Session> {
        Ok(Session::new(Arc::clone(&self.instance), caller(request)?))
    }

    /// The export, with rows and bytes so far while it runs, and how far it came when it has ended.
    async fn current(
        &self,
        session: &Session,
        name: &str,
    ) -> Result<(v1::Export, Option<v1::ExportProgress>)> {
        let record = session
            .export_record(convert::resource_id(name, "exports")?)
            .await?;
        let progress = self.instance.jobs.get(&record.id).map(|job| job.progress());
        let at_end = record.finished_us.map(|finished_us| ExportProgress {
            rows: record.rows,
            bytes: record.bytes,
            rows_estimated: None,
            elapsed_ms: finished_us.saturating_sub(record.created_us) / 1000,
            files: record.files.len() as u64,
        });
        let mut export = convert::export(record);
        if let Some(progress) = progress {
            (export.rows, export.bytes) = (progress.rows, progress.bytes);
        }
        Ok((export, progress.or(at_end).map(convert::progress)))
    }
}

#[tonic::async_trait]
impl ExportService for Exports {
    async fn start_export(
        &self,
        request: Request<v1::StartExportRequest>,
    ) -> std::result::Result<Response<v1::StartExportResponse>, Status> {
        let caller = caller(&request)?;
        let v1::StartExportRequest {
            statement,
            session_id,
            secrets,
            request_id,
        } = request.into_inner();
        let secrets = convert::secrets(secrets);
        let handle = if session_id.is_empty() {
            Session::for_statements(Arc::clone(&self.instance), caller)
                .execute_export(&statement, secrets, request_id)
                .await?
        } else {
            let mut session = Sessions::enter(&self.instance, &session_id, caller).await?;
            session
                .execute_export(&statement, secrets, request_id)
                .await?
        };
        Ok(Response::new(v1::StartExportResponse {
            export: Some(convert::export(handle.admitted().clone())),
        }))
    }

    async fn get_export(
        &self,
        request: Request<v1::GetExportRequest>,
    ) -> std::result::Result<Response<v1::GetExportResponse>, Status> {
        let session = self.session(&request)?;
        let (export, _) = self.current(&session, &request.into_inner().name).await?;
        Ok(Response::new(v1::GetExportResponse {
            export: Some(export),
        }))
    }

    async fn list_exports(
        &self,
        request: Request<v1::ListExportsRequest>,
    ) -> std::result::Result<Response<v1::ListExportsResponse>, Status> {
        let session = self.session(&request)?;
        let v1::ListExportsRequest {
            page_size,
            page_token,
        } = request.into_inner();
        // Exports are listed by their ids, newest first.
        let paging = Paging::new(page_size, &page_token, &["ListExports"])?;
        let before = paging.after().map(str::to_owned);
        let records = session.exports_page(before, paging.wanted()).await?;
        let (exports, next_page_token) =
            paging.page(records, |record| record.id.clone(), convert::export);
        Ok(Response::new(v1::ListExportsResponse {
            exports,
            next_page_token,
        }))
    }

    type WatchExportStream =
        Pin<Box<dyn Stream<Item = std::result::Result<v1::WatchExportResponse, Status>> + Send>>;

    async fn watch_export(
        &self,
        request: Request<v1::WatchExportRequest>,
    ) -> std::result::Result<Response<Self::WatchExportStream>, Status> {
        // It lasts as long as the export does, and looks up its caller for each message.
        let mut session = Session::for_statements(Arc::clone(&self.instance), caller(&request)?);
        let name = request.into_inner().name;
        self.current(&session, &name).await?;
        let (parts, receiver) = mpsc::channel(4);
        let service = self.clone();
        tokio::spawn(async move {
            loop {
                // Before the record is read: an export that ends in between is seen ended.
                let job = name
                    .strip_prefix("exports/")
                    .and_then(|id| service.instance.jobs.get(id));
                let next = match session.look_again().await {
                    Ok(()) => service.current(&session, &name).await,
                    Err(error) => Err(error),
                };
                let next = next
                    .map(|(export, progress)| v1::WatchExportResponse {
                        export: Some(export),
                        progress,
                    })
                    .map_err(Status::from);
                let failed = next.is_err();
                if parts.send(next).await.is_err() || failed {
                    return;
                }
                let Some(job) = job else { return };
                tokio::select! {
                    _ = job.ended() => {}
                    () = tokio::time::sleep(WATCH_EVERY) => {}
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn cancel_export(
        &self,
        request: Request<v1::CancelExportRequest>,
    ) -> std::result::Result<Response<v1::CancelExportResponse>, Status> {
        let session = self.session(&request)?;
        let name = request.into_inner().name;
        session
            .cancel_export(convert::resource_id(&name, "exports")?)
            .await?;
        let (export, _) = self.current(&session, &name).await?;
        Ok(Response::new(v1::CancelExportResponse {
            export: Some(export),
        }))
    }

    async fn resume_export(
        &self,
        request: Request<v1::ResumeExportRequest>,
    ) -> std::result::Result<Response<v1::ResumeExportResponse>, Status> {
        let caller = caller(&request)?;
        let v1::ResumeExportRequest { name, session_id } = request.into_inner();
        let id = convert::resource_id(&name, "exports")?;
        let handle = if session_id.is_empty() {
            Session::for_statements(Arc::clone(&self.instance), caller)
                .execute_resume(id)
                .await?
        } else {
            let mut session = Sessions::enter(&self.instance, &session_id, caller).await?;
            session.execute_resume(id).await?
        };
        Ok(Response::new(v1::ResumeExportResponse {
            export: Some(convert::export(handle.admitted().clone())),
        }))
    }

    type VerifyExportStream =
        Pin<Box<dyn Stream<Item = std::result::Result<v1::VerifyExportResponse, Status>> + Send>>;

    async fn verify_export(
        &self,
        request: Request<v1::VerifyExportRequest>,
    ) -> std::result::Result<Response<Self::VerifyExportStream>, Status> {
        let mut session = self.session(&request)?;
        let name = request.into_inner().name;
        let files = session
            .verify_export(convert::resource_id(&name, "exports")?.to_owned())
            .await?;
        let files = files.map(|file| file.map(convert::verified).map_err(Status::from));
        Ok(Response::new(Box::pin(files)))
    }

    async fn get_manifest(
        &self,
        request: Request<v1::GetManifestRequest>,
    ) -> std::result::Result<Response<v1::GetManifestResponse>, Status> {
        let session = self.session(&request)?;
        let name = request.into_inner().name;
        let manifest_json = session
            .manifest(convert::resource_id(&name, "exports")?)
            .await?;
        Ok(Response::new(v1::GetManifestResponse { manifest_json }))
    }
}
