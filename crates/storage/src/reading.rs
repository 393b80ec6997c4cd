//! Reading a file as one version of it: its bytes as they come, never those of two versions mixed.

use std::fmt;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use opendal::ErrorKind as OpendalKind;
use opendal::options::ReaderOptions;
use opendal::{Buffer, BufferStream};

use crate::error::{Error, ErrorKind, Result};
use crate::listing::FileInfo;
use crate::path::ObjectPath;
use crate::store::Store;

/// A file that is being read.
pub struct FileReading {
    /// The version that the bytes are of.
    pub info: FileInfo,
    /// Its bytes from where reading began, in pieces of a few MiB at most. When the last item is an error, the
    /// bytes are not all of that version's, and none of them count.
    pub bytes: BoxStream<'static, Result<Bytes>>,
}

impl fmt::Debug for FileReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileReading")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Reads a file from byte `from` on, streamed. With `etag`, the version of that etag and no other.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::Changed`] for another version, also when the file is replaced while
    /// it is read; [`ErrorKind::Invalid`] when `from` is behind its end; the place's.
    pub async fn open_file(
        &self,
        path: &ObjectPath,
        from: u64,
        etag: Option<&str>,
    ) -> Result<FileReading> {
        let info = self.stat(path).await?;
        if etag.is_some() && info.etag.as_deref() != etag {
            return Err(changed(path));
        }
        if from > info.bytes {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "'{path}' cannot be read from byte {from}: it has {} bytes",
                    info.bytes
                ),
            ));
        }
        if from == info.bytes {
            let bytes = futures::stream::empty().boxed();
            return Ok(FileReading { info, bytes });
        }
        // A folder's file is looked at once more at the end instead, so that one that was replaced counts as well.
        let capability = self.operator().info().capability();
        let is_conditional = capability.read_with_if_match && !self.keeps_to_versions();
        let options = ReaderOptions {
            if_match: info.etag.clone().filter(|_| is_conditional),
            ..ReaderOptions::default()
        };
        let stream = async {
            let reader = self.operator().reader_options(path.as_str(), options);
            reader.await?.into_stream(from..info.bytes).await
        };
        let reading = Reading {
            stream: self.named(stream.await.map_err(|e| failed(path, e)))?,
            piece: Buffer::new(),
            left: info.bytes - from,
            store: (!is_conditional).then(|| self.clone()),
            info: info.clone(),
        };
        let bytes = futures::stream::try_unfold(reading, |mut reading| async move {
            let next = reading.next().await?;
            Ok(next.map(|bytes| (bytes, reading)))
        });
        Ok(FileReading {
            info,
            bytes: bytes.boxed(),
        })
    }
}

struct Reading {
    stream: BufferStream,
    piece: Buffer,
    /// Bytes that are still due.
    left: u64,
    /// To look at the file once more at the end, where its requests do not say which version they want.
    store: Option<Store>,
    info: FileInfo,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let path = &self.info.path;
        loop {
            if let Some(bytes) = Iterator::next(&mut self.piece) {
                self.left = self
                    .left
                    .checked_sub(bytes.len() as u64)
                    .ok_or_else(|| changed(path))?;
                return Ok(Some(bytes));
            }
            match self.stream.try_next().await.map_err(|e| failed(path, e))? {
                Some(piece) => self.piece = piece,
                None => break,
            }
        }
        let Some(store) = self.store.take() else {
            return match self.left {
                0 => Ok(None),
                left => Err(Error::new(
                    ErrorKind::Io,
                    format!("reading '{path}' ended {left} bytes before its end"),
                )
                .temporary(true)),
            };
        };
        match store.stat(path).await {
            Ok(now) if self.left == 0 && now == self.info => Ok(None),
            Ok(_) => Err(changed(path)),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(changed(path)),
            Err(error) => Err(error),
        }
    }
}

fn failed(path: &ObjectPath, error: opendal::Error) -> Error {
    match error.kind() {
        // A range that is no longer there is one of a shorter version.
        OpendalKind::ConditionNotMatch | OpendalKind::RangeNotSatisfied => changed(path),
        _ => Error::opendal(format_args!("read '{path}'"), error),
    }
}

fn changed(path: &ObjectPath) -> Error {
    Error::new(
        ErrorKind::Changed,
        format!("'{path}' is not the file any more that it was; begin again"),
    )
}
