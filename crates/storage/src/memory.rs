//! A place in the memory of this process, by name: for tests, and for trying things out.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use opendal::Operator;
use opendal::services::Memory;
use tokio::sync::Mutex as AsyncMutex;

use crate::backend::{
    Backend, BegunUpload, BegunUploads, DraftWriter, PlannedFile, Published, Withdrawn,
};
use crate::draft::OnExisting;
use crate::error::{Error, ErrorKind, Result, already_exists};
use crate::layers;
use crate::path::ObjectPath;
use crate::presigned::{PresignedAccess, PresignedRequest, not_presigned};
use crate::token::{Token, TokenKind};
use crate::validation::{Probe, Probed, Validation, try_files};

/// The places that are open, so that two openings of one name are one place.
static OPEN: Mutex<Option<HashMap<String, Weak<MemoryPlace>>>> = Mutex::new(None);

/// Drafts of a place in memory, until they are published to its operator.
#[derive(Debug)]
pub(crate) struct MemoryPlace {
    operator: Operator,
    drafts: Arc<Drafts>,
    /// Which draft the file of a name was; held from the look at a name to the writing of it.
    publishing: AsyncMutex<HashMap<ObjectPath, (String, String)>>,
}

#[derive(Default)]
struct Drafts(Mutex<HashMap<(String, String), Vec<u8>>>);

impl std::fmt::Debug for Drafts {
    /// Not the bytes: they are users' data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} drafts", self.lock().len())
    }
}

impl Drafts {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryPlace {
    pub(crate) fn open(name: &str) -> Result<Arc<Self>> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.get_or_insert_default();
        open.retain(|_, place| place.strong_count() > 0);
        if let Some(place) = open.get(name).and_then(Weak::upgrade) {
            return Ok(place);
        }
        let operator =
            Operator::new(Memory::default()).map_err(|e| Error::opendal("open memory", e))?;
        let place = Arc::new(Self {
            operator: layers::memory(operator),
            drafts: Arc::default(),
            publishing: AsyncMutex::default(),
        });
        open.insert(name.to_owned(), Arc::downgrade(&place));
        Ok(place)
    }

    async fn has(&self, path: &ObjectPath) -> Result<bool> {
        self.operator
            .exists(path.as_str())
            .await
            .map_err(|e| Error::opendal(format_args!("look at '{path}'"), e))
    }
}

#[async_trait]
impl Backend for MemoryPlace {
    fn operator(&self) -> &Operator {
        &self.operator
    }

    async fn draft(
        &self,
        work: &str,
        index: u32,
        _target: &ObjectPath,
    ) -> Result<Box<dyn DraftWriter>> {
        let key = (work.to_owned(), index.to_string());
        self.drafts.lock().insert(key.clone(), Vec::new());
        Ok(Box::new(MemoryDraft {
            drafts: Arc::clone(&self.drafts),
            key,
            bytes: Vec::new(),
            finished: false,
        }))
    }

    fn sweeps_by_work(&self) -> bool {
        true
    }

    async fn publish(&self, file: &PlannedFile) -> Result<Published> {
        let key = key_of(&file.token)?;
        let mut published = self.publishing.lock().await;
        let body = self.drafts.lock().get(&key).cloned().ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!("draft {} of {} is gone", key.1, key.0),
            )
        })?;
        if file.on_existing == OnExisting::Refuse && self.has(&file.target).await? {
            return Err(already_exists(&file.target));
        }
        self.operator
            .write(file.target.as_str(), body)
            .await
            .map_err(|e| Error::opendal(format_args!("publish '{}'", file.target), e))?;
        self.drafts.lock().remove(&key);
        published.insert(file.target.clone(), key);
        Ok(Published::Now)
    }

    async fn withdraw(&self, file: &PlannedFile) -> Result<Withdrawn> {
        let mut published = self.publishing.lock().await;
        if published.get(&file.target) == Some(&key_of(&file.token)?) {
            self.delete(&file.target).await?;
            published.remove(&file.target);
        }
        Ok(Withdrawn::Done)
    }

    async fn has_draft(&self, token: &Token) -> Result<bool> {
        Ok(self.drafts.lock().contains_key(&key_of(token)?))
    }

    async fn is_place_of(&self, _token: &Token) -> Result<bool> {
        Ok(true)
    }

    async fn discard(&self, token: &Token) -> Result<()> {
        self.drafts.lock().remove(&key_of(token)?);
        Ok(())
    }

    async fn sweep(&self, work: &str) -> Result<()> {
        self.drafts.lock().retain(|(of, _), _| of != work);
        Ok(())
    }

    async fn begun(&self, _wanted: &BegunUploads) -> Result<Vec<BegunUpload>> {
        Ok(Vec::new())
    }

    async fn sweep_all(&self) -> Result<()> {
        self.drafts.lock().clear();
        Ok(())
    }

    async fn delete(&self, path: &ObjectPath) -> Result<()> {
        self.operator
            .delete(path.as_str())
            .await
            .map_err(|e| Error::opendal(format_args!("remove '{path}'"), e))
    }

    async fn presign(
        &self,
        _access: PresignedAccess,
        path: &ObjectPath,
        _good_for: Duration,
    ) -> Result<PresignedRequest> {
        Err(not_presigned(path))
    }

    async fn exists(&self, path: &ObjectPath) -> Result<bool> {
        self.has(path).await
    }

    async fn validate(&self, probe: &Probe) -> Result<Validation> {
        let mut found = Validation::default();
        try_files(self, probe, &mut found).await;
        let removed = match self.delete(&probe.file("probe")?).await {
            Ok(()) => self.sweep(probe.work()).await,
            Err(error) => Err(error),
        };
        found.cleaned(probe, removed);
        Ok(found)
    }
}

#[async_trait]
impl Probed for MemoryPlace {
    async fn read_probe(&self, path: &ObjectPath) -> Result<Vec<u8>> {
        let read = self.operator.read(path.as_str()).await;
        Ok(read
            .map_err(|e| Error::opendal(format_args!("read '{path}'"), e))?
            .to_vec())
    }

    async fn list_probe(&self, folder: &ObjectPath) -> Result<Vec<ObjectPath>> {
        let listed = self.operator.list(&format!("{folder}/")).await;
        let listed = listed.map_err(|e| Error::opendal(format_args!("list '{folder}'"), e))?;
        let names = listed
            .iter()
            .filter_map(|entry| ObjectPath::parse(entry.name()).ok());
        Ok(names.map(|name| folder.join(&name)).collect())
    }
}

fn key_of(token: &Token) -> Result<(String, String)> {
    match &token.0 {
        TokenKind::File { work, name, .. } => Ok((work.clone(), name.clone())),
        TokenKind::Upload { .. } => Err(token.of_another_place()),
    }
}

struct MemoryDraft {
    drafts: Arc<Drafts>,
    key: (String, String),
    bytes: Vec<u8>,
    finished: bool,
}

impl std::fmt::Debug for MemoryDraft {
    /// Not the bytes: they are users' data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryDraft({} bytes)", self.bytes.len())
    }
}

impl DraftWriter for MemoryDraft {
    fn token(&self) -> Token {
        Token(TokenKind::File {
            work: self.key.0.clone(),
            name: self.key.1.clone(),
            identity: None,
        })
    }

    fn finish(mut self: Box<Self>) -> Result<Token> {
        let bytes = std::mem::take(&mut self.bytes);
        self.drafts.lock().insert(self.key.clone(), bytes);
        self.finished = true;
        Ok(self.token())
    }
}

impl io::Write for MemoryDraft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for MemoryDraft {
    fn drop(&mut self) {
        if !self.finished {
            self.drafts.lock().remove(&self.key);
        }
    }
}
