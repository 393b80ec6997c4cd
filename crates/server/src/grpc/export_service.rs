//! `ExportService`: exports as long-running work that any client can find, follow and cancel.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use catalog::ExportRecord;
use futures::Stream;
use proto::v1;
use proto::v1::export_service_server::ExportService;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::error::{Error, Reason, Result};
use crate::grpc::convert;
use crate::instance::{ACCOUNT, Instance};
use crate::session::Session;
use crate::sessions::Sessions;

const WATCH_EVERY: Duration = Duration::from_millis(200);

/// `stagedoor.v1.ExportService`.
#[derive(Debug, Clone)]
pub(crate) struct Exports {
    pub(crate) instance: Arc<Instance>,
    pub(crate) sessions: Arc<Sessions>,
}

impl Exports {
    fn record(&self, name: &str) -> Result<ExportRecord> {
        let id = convert::resource_id(name, "exports")?;
        let record = self.instance.catalog.export(ACCOUNT, id)?;
        record.ok_or_else(|| {
            Error::internal(
                Reason::ExportNotFound,
                format_args!("there is no export '{id}'"),
            )
        })
    }

    /// The record, with rows and bytes so far while it runs.
    fn current(&self, name: &str) -> Result<(v1::Export, Option<v1::ExportProgress>)> {
        let record = self.record(name)?;
        let progress = self.instance.jobs.get(&record.id).map(|job| job.progress());
        let mut export = convert::export(record);
        if let Some(progress) = progress {
            (export.rows, export.bytes) = (progress.rows, progress.bytes);
        }
        Ok((export, progress.map(convert::progress)))
    }
}

#[tonic::async_trait]
impl ExportService for Exports {
    async fn start_export(
        &self,
        request: Request<v1::StartExportRequest>,
    ) -> std::result::Result<Response<v1::StartExportResponse>, Status> {
        let v1::StartExportRequest {
            statement,
            session_id,
            ..
        } = request.into_inner();
        let handle = if session_id.is_empty() {
            Session::new(Arc::clone(&self.instance))
                .execute_export(&statement)
                .await?
        } else {
            self.sessions
                .lock_session(&session_id)
                .await?
                .execute_export(&statement)
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
        let (export, _) = self.current(&request.into_inner().name)?;
        Ok(Response::new(v1::GetExportResponse {
            export: Some(export),
        }))
    }

    async fn list_exports(
        &self,
        request: Request<v1::ListExportsRequest>,
    ) -> std::result::Result<Response<v1::ListExportsResponse>, Status> {
        let v1::ListExportsRequest {
            page_size,
            page_token,
        } = request.into_inner();
        let size = convert::page_size(page_size)?;
        // The token is how many were given out: exports are listed newest first and never deleted, so a
        // page can at worst repeat some when new ones were started in between.
        let skip: usize = match page_token.as_str() {
            "" => 0,
            token => token.parse().map_err(|_| {
                Error::invalid_input(
                    Reason::OptionInvalid,
                    "page_token is not one of this server's",
                )
            })?,
        };
        let records = self
            .instance
            .catalog
            .exports(ACCOUNT, skip.saturating_add(size).saturating_add(1))
            .map_err(Error::from)?;
        let more = records.len() > skip.saturating_add(size);
        let exports = records
            .into_iter()
            .skip(skip)
            .take(size)
            .map(convert::export)
            .collect();
        let next_page_token = if more {
            skip.saturating_add(size).to_string()
        } else {
            String::new()
        };
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
        let name = request.into_inner().name;
        self.record(&name)?;
        let (parts, receiver) = mpsc::channel(4);
        let service = self.clone();
        tokio::spawn(async move {
            loop {
                // Before the record is read: an export that ends in between is seen ended.
                let job = name
                    .strip_prefix("exports/")
                    .and_then(|id| service.instance.jobs.get(id));
                let next = service
                    .current(&name)
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
        let name = request.into_inner().name;
        let id = convert::resource_id(&name, "exports")?;
        Session::new(Arc::clone(&self.instance)).cancel(id).await?;
        Ok(Response::new(v1::CancelExportResponse {
            export: Some(convert::export(self.record(&name)?)),
        }))
    }

    async fn get_manifest(
        &self,
        request: Request<v1::GetManifestRequest>,
    ) -> std::result::Result<Response<v1::GetManifestResponse>, Status> {
        let record = self.record(&request.into_inner().name)?;
        match (record.state, record.manifest_json) {
            (catalog::ExportState::Committed, Some(manifest_json)) => {
                Ok(Response::new(v1::GetManifestResponse { manifest_json }))
            }
            (state, _) => Err(Error::internal(
                Reason::ExportState,
                format_args!(
                    "export '{}' is {}: only a committed one has a manifest",
                    record.id,
                    format!("{state:?}").to_uppercase()
                ),
            )
            .into()),
        }
    }
}
