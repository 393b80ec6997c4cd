//! The files of stages: listed, removed, and carried to and from clients, through the wire.

mod carried;
mod commands;
mod listed;

use futures::StreamExt;
use proto::v1;
use proto::v1::download_file_response::Part as Sent;
use proto::v1::file_service_client::FileServiceClient;
use proto::v1::upload_file_request::Part;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tonic::Status;

use crate::harness::Wire;

pub(crate) fn client(wire: &Wire) -> FileServiceClient<Wire> {
    FileServiceClient::new(wire.clone())
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Bytes that differ from each other.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    let mut state = 7u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

pub(crate) fn header(stage: &str, path: &str) -> v1::UploadFileHeader {
    v1::UploadFileHeader {
        parent: format!("stages/{stage}"),
        path: path.to_owned(),
        ..Default::default()
    }
}

fn part(part: Part) -> v1::UploadFileRequest {
    v1::UploadFileRequest { part: Some(part) }
}

pub(crate) async fn upload(
    wire: &Wire,
    header: v1::UploadFileHeader,
    body: &[u8],
) -> Result<v1::UploadFileResponse, Status> {
    let chunks = body
        .chunks(100_000)
        .map(|chunk| part(Part::Chunk(chunk.to_vec())));
    let parts: Vec<_> = std::iter::once(part(Part::Header(header)))
        .chain(chunks)
        .collect();
    let answer = client(wire)
        .upload_file(futures::stream::iter(parts))
        .await?;
    Ok(answer.into_inner())
}

/// Sends some of a file, and then nothing more; its stream ends, before the file does, when what this gives is dropped.
pub(crate) async fn begin_upload(
    wire: &Wire,
    header: v1::UploadFileHeader,
    body: Vec<u8>,
) -> oneshot::Sender<()> {
    let header = v1::UploadFileHeader {
        size_bytes: Some(body.len() as u64 + 1),
        ..header
    };
    let chunks: Vec<_> = body
        .chunks(100_000)
        .map(|chunk| part(Part::Chunk(chunk.to_vec())))
        .collect();
    let first = futures::stream::iter([part(Part::Header(header))]);
    let (stays, gone) = oneshot::channel();
    let end = futures::stream::once(gone).filter_map(|_| async { None });
    let parts = first.chain(futures::stream::iter(chunks)).chain(end);
    let mut client = client(wire);
    tokio::spawn(async move {
        let _ = client.upload_file(parts).await;
    });
    stays
}

/// What came of a download.
#[derive(Debug, Default)]
pub(crate) struct Downloaded {
    pub(crate) file: v1::File,
    pub(crate) bytes: Vec<u8>,
    pub(crate) sha256: String,
}

pub(crate) async fn download(
    wire: &Wire,
    stage: &str,
    path: &str,
    offset: u64,
    etag: &str,
) -> Result<Downloaded, Status> {
    let request = v1::DownloadFileRequest {
        parent: format!("stages/{stage}"),
        path: path.to_owned(),
        offset,
        etag: etag.to_owned(),
        ..Default::default()
    };
    let mut stream = client(wire).download_file(request).await?.into_inner();
    let mut downloaded = Downloaded::default();
    while let Some(message) = stream.message().await? {
        assert!(downloaded.sha256.is_empty(), "a part after the checksum");
        match message.part.expect("a part") {
            Sent::File(file) => downloaded.file = file,
            Sent::Chunk(chunk) => downloaded.bytes.extend(chunk),
            Sent::Sha256(sha256) => downloaded.sha256 = sha256,
        }
    }
    assert!(!downloaded.sha256.is_empty(), "no checksum at the end");
    Ok(downloaded)
}

pub(crate) fn presign(
    stage: &str,
    path: &str,
    access: v1::PresignedAccess,
) -> v1::PresignFileRequest {
    v1::PresignFileRequest {
        parent: format!("stages/{stage}"),
        path: path.to_owned(),
        access: access.into(),
        expire_seconds: 60,
        ..Default::default()
    }
}
