//! A draft in a bucket: a multipart upload, which nobody sees before it is completed. Parts are sent while the
//! next one is being written.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;

use bytes::{Bytes, BytesMut};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::error::BucketResult;
use super::uploads::{PARTS_MAX, PartTag, UploadId, Uploads, part_bytes};
use crate::backend::DraftWriter;
use crate::draft::Interrupt;
use crate::error::{Error, ErrorKind, Result};
use crate::path::ObjectPath;
use crate::token::{Token, TokenKind, UploadedPart};

/// How much of a draft may be on its way at a time, over the part that is being written.
const ON_THE_WAY_BYTES_MAX: u64 = 32 << 20;

/// An upload that is being written.
pub(super) struct UploadDraft {
    uploads: Uploads,
    target: ObjectPath,
    id: UploadId,
    runtime: Handle,
    filling: BytesMut,
    on_the_way: VecDeque<JoinHandle<BucketResult<PartTag>>>,
    parts: Vec<PartTag>,
    /// The number of the part that is being filled, from 1.
    number: u32,
    interrupt: Option<Interrupt>,
    has_lost_sibling: bool,
    finished: bool,
}

impl fmt::Debug for UploadDraft {
    /// Not the bytes: they are users' data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadDraft")
            .field("target", &self.target)
            .field("id", &self.id)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl UploadDraft {
    pub(super) fn new(
        uploads: Uploads,
        target: ObjectPath,
        id: UploadId,
        has_lost_sibling: bool,
    ) -> Self {
        Self {
            has_lost_sibling,
            uploads,
            target,
            id,
            runtime: Handle::current(),
            filling: BytesMut::new(),
            on_the_way: VecDeque::new(),
            parts: Vec::new(),
            number: 1,
            interrupt: None,
            finished: false,
        }
    }

    /// Sends what is filled; waits for earlier parts while too much is on its way.
    fn send(&mut self) -> Result<()> {
        if self.number > PARTS_MAX {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("'{}' is longer than an object can be", self.target),
            ));
        }
        let body: Bytes = self.filling.split().freeze();
        let (uploads, id, number) = (self.uploads.clone(), self.id.clone(), self.number);
        let key = self.target.to_string();
        let room = self.wait(uploads.room(body.len() as u64))??;
        let sent = self.runtime.spawn(async move {
            let sent = uploads.put_part(&key, &id, number, body).await;
            drop(room);
            sent
        });
        self.on_the_way.push_back(sent);
        let at_once = (ON_THE_WAY_BYTES_MAX / part_bytes(self.number)).max(1);
        self.number += 1;
        while self.on_the_way.len() as u64 > at_once {
            self.wait_for_one()?;
        }
        Ok(())
    }

    fn wait_for_one(&mut self) -> Result<()> {
        let Some(mut sent) = self.on_the_way.pop_front() else {
            return Ok(());
        };
        let part = match self.wait(&mut sent) {
            Ok(part) => part,
            Err(interrupted) => {
                // It is ended with the others.
                self.on_the_way.push_front(sent);
                return Err(interrupted);
            }
        };
        let part = part.map_err(|e| {
            Error::new(
                ErrorKind::Io,
                format!("sending a part of '{}' ended early: {e}", self.target),
            )
        })?;
        self.parts.push(part?);
        Ok(())
    }

    /// Waits, unless nobody wants the draft any more.
    fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let Some(interrupt) = &self.interrupt else {
            return Ok(self.runtime.block_on(work));
        };
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = interrupt.come() => Err(Error::new(
                    ErrorKind::Io,
                    format!("writing '{}' was interrupted", self.target),
                )),
                done = work => Ok(done),
            }
        })
    }

    fn token_of(&self, parts: Vec<UploadedPart>) -> Token {
        Token(TokenKind::Upload {
            key: self.target.to_string(),
            upload_id: self.id.as_str().to_owned(),
            parts,
        })
    }
}

impl DraftWriter for UploadDraft {
    fn token(&self) -> Token {
        self.token_of(Vec::new())
    }

    fn has_lost_sibling(&self) -> bool {
        self.has_lost_sibling
    }

    fn interrupted_by(&mut self, interrupt: Interrupt) {
        self.interrupt = Some(interrupt);
    }

    fn finish(mut self: Box<Self>) -> Result<Token> {
        // An empty file is one empty part: an upload of none cannot be completed.
        if !self.filling.is_empty() || self.number == 1 {
            self.send()?;
        }
        while !self.on_the_way.is_empty() {
            self.wait_for_one()?;
        }
        self.finished = true;
        let parts = self.parts.iter().map(|part| UploadedPart {
            number: part.number,
            etag: part.etag.clone(),
            bytes: part.bytes,
            crc64: Some(part.crc),
        });
        Ok(self.token_of(parts.collect()))
    }
}

impl io::Write for UploadDraft {
    /// Takes bytes into memory; an error may be that of bytes taken before.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let whole = usize::try_from(part_bytes(self.number)).unwrap_or(usize::MAX);
        if self.filling.is_empty() {
            self.filling.reserve(whole);
        }
        let taken = bytes.len().min(whole - self.filling.len());
        self.filling.extend_from_slice(&bytes[..taken]);
        if self.filling.len() == whole {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for UploadDraft {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let on_the_way = std::mem::take(&mut self.on_the_way);
        let (uploads, key, id) = (
            self.uploads.clone(),
            self.target.to_string(),
            self.id.clone(),
        );
        // What this does not reach, because the process ends, the recorded token does later.
        self.runtime.spawn(async move {
            for part in &on_the_way {
                part.abort();
            }
            // A part that is on its way would outlive its upload.
            for part in on_the_way {
                let _ = part.await;
            }
            let _ = uploads.abort(&key, &id).await;
        });
    }
}
