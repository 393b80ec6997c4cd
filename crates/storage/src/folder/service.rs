//! A folder as an OpenDAL service that only reads. Files are opened beneath the root and then read by their
//! descriptor, so that nothing can be swapped between a check and an opening; listing opens folders the same way.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use opendal::raw::{
    OpCopier, OpCopy, OpCreateDir, OpList, OpPresign, OpRead, OpRename, OpStat, OpWrite,
    RpCreateDir, RpPresign, RpRename, RpStat, Service, ServiceInfo, Timestamp, oio,
};
use opendal::{
    Buffer, Builder, Capability, EntryMode, Error, ErrorKind, Metadata, OperationContext, Result,
};

use crate::path::ObjectPath;
use crate::token::Identity;

use super::beneath::{Beneath, Entry, EntryKind, identity_of_file};
use super::blocking;

/// Builds the service of an open folder.
#[derive(Debug, Default)]
pub(crate) struct FolderBuilder(Option<Arc<Beneath>>);

impl FolderBuilder {
    pub(crate) fn new(beneath: Arc<Beneath>) -> Self {
        Self(Some(beneath))
    }
}

impl Builder for FolderBuilder {
    type Config = ();

    fn build(self) -> Result<impl Service> {
        let beneath = self
            .0
            .ok_or_else(|| Error::new(ErrorKind::ConfigInvalid, "the folder is not open"))?;
        Ok(FolderService { beneath })
    }
}

#[derive(Debug)]
struct FolderService {
    beneath: Arc<Beneath>,
}

/// OpenDAL's `""`, `/` and `folder/` are `None`, `None` and `folder`.
fn object_path(path: &str) -> Result<Option<ObjectPath>> {
    match path.trim_matches('/') {
        "" => Ok(None),
        trimmed => Ok(Some(ObjectPath::parse(trimmed).map_err(opendal_error)?)),
    }
}

/// Keeps the text; the kind is what the retry and the caller go by.
fn opendal_error(error: crate::Error) -> Error {
    let kind = match error.kind() {
        crate::ErrorKind::NotFound => ErrorKind::NotFound,
        crate::ErrorKind::PermissionDenied
        | crate::ErrorKind::Refused
        | crate::ErrorKind::Invalid => ErrorKind::PermissionDenied,
        crate::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
        crate::ErrorKind::Unsupported => ErrorKind::Unsupported,
        crate::ErrorKind::Changed => ErrorKind::ConditionNotMatch,
        crate::ErrorKind::NoSpace | crate::ErrorKind::Io => ErrorKind::Unexpected,
    };
    let temporary = error.is_temporary();
    let converted = Error::new(kind, error.to_string()).set_source(error);
    if temporary {
        converted.set_temporary()
    } else {
        converted
    }
}

fn etag(identity: &Identity) -> String {
    format!(
        "\"{:x}-{:x}-{:x}\"",
        identity.inode, identity.bytes, identity.modified_ns
    )
}

/// The error for a file that has another etag than was asked for.
fn another_version() -> Error {
    Error::new(
        ErrorKind::ConditionNotMatch,
        "the file is not the one that was asked for",
    )
}

fn metadata(entry: &Entry) -> Result<Metadata> {
    let mode = match entry.kind {
        EntryKind::File => EntryMode::FILE,
        EntryKind::Folder => EntryMode::DIR,
        EntryKind::Other => EntryMode::Unknown,
    };
    let mut metadata = Metadata::new(mode)
        .with_content_length(entry.identity.bytes)
        .with_etag(etag(&entry.identity));
    if let Ok(modified) = Timestamp::try_from(entry.modified()) {
        metadata = metadata.with_last_modified(modified);
    }
    Ok(metadata)
}

fn read_only(what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("{what} is not done through this view of a folder"),
    )
}

impl Service for FolderService {
    type Reader = oio::PositionReader<FolderReader>;
    type Writer = oio::Writer;
    type Lister = FolderLister;
    type Deleter = oio::Deleter;
    type Copier = oio::Copier;

    fn info(&self) -> ServiceInfo {
        ServiceInfo::new("folder", self.beneath.top().to_string_lossy(), "")
    }

    fn capability(&self) -> Capability {
        Capability {
            stat: true,
            stat_with_if_match: true,
            read: true,
            read_with_if_match: true,
            list: true,
            list_with_recursive: true,
            list_with_start_after: true,
            shared: true,
            ..Default::default()
        }
    }

    async fn create_dir(
        &self,
        _: &OperationContext,
        _: &str,
        _: OpCreateDir,
    ) -> Result<RpCreateDir> {
        Err(read_only("creating a folder"))
    }

    async fn stat(&self, _: &OperationContext, path: &str, args: OpStat) -> Result<RpStat> {
        let (beneath, path) = (Arc::clone(&self.beneath), object_path(path)?);
        let entry = blocking(move || beneath.stat(path.as_ref()))
            .await
            .map_err(opendal_error)?;
        if args
            .if_match()
            .is_some_and(|wanted| wanted != etag(&entry.identity))
        {
            return Err(another_version());
        }
        Ok(RpStat::new(metadata(&entry)?))
    }

    fn read(&self, _: &OperationContext, path: &str, args: OpRead) -> Result<Self::Reader> {
        let path = object_path(path)?
            .ok_or_else(|| Error::new(ErrorKind::IsADirectory, "a folder is not a file"))?;
        Ok(oio::PositionReader::new(FolderReader {
            beneath: Arc::clone(&self.beneath),
            path,
            wanted: args.if_match().map(str::to_owned),
        }))
    }

    fn write(&self, _: &OperationContext, _: &str, _: OpWrite) -> Result<Self::Writer> {
        Err(read_only("writing"))
    }

    fn delete(&self, _: &OperationContext) -> Result<Self::Deleter> {
        Err(read_only("deleting"))
    }

    fn list(&self, _: &OperationContext, path: &str, args: OpList) -> Result<Self::Lister> {
        Ok(FolderLister {
            beneath: Arc::clone(&self.beneath),
            recursive: args.recursive(),
            after: args.start_after().map(str::to_owned),
            begin: Some(object_path(path)?),
            open: Vec::new(),
        })
    }

    fn copy(
        &self,
        _: &OperationContext,
        _: &str,
        _: &str,
        _: OpCopy,
        _: OpCopier,
    ) -> Result<Self::Copier> {
        Err(read_only("copying"))
    }

    async fn rename(
        &self,
        _: &OperationContext,
        _: &str,
        _: &str,
        _: OpRename,
    ) -> Result<RpRename> {
        Err(read_only("renaming"))
    }

    async fn presign(&self, _: &OperationContext, _: &str, _: OpPresign) -> Result<RpPresign> {
        Err(read_only("presigning"))
    }
}

/// Opens a file once, and reads it by its descriptor.
pub(crate) struct FolderReader {
    beneath: Arc<Beneath>,
    path: ObjectPath,
    /// The etag of the version that is wanted, if any other is none.
    wanted: Option<String>,
}

/// A file that is open, and the etag that it must keep.
pub(crate) struct Opened {
    file: File,
    wanted: Option<String>,
}

impl Opened {
    /// Looks at the open file, which may have been replaced before it was opened, or be written to since.
    fn check(&self) -> crate::Result<()> {
        let Some(wanted) = &self.wanted else {
            return Ok(());
        };
        let identity =
            identity_of_file(&self.file).map_err(|e| crate::Error::io("look at a file", e))?;
        match etag(&identity) == *wanted {
            true => Ok(()),
            false => Err(crate::Error::new(
                crate::ErrorKind::Changed,
                "the file is not the one that was asked for",
            )),
        }
    }
}

impl oio::PositionRead for FolderReader {
    type Handle = Arc<Opened>;

    async fn open(&self) -> Result<Self::Handle> {
        let (beneath, path) = (Arc::clone(&self.beneath), self.path.clone());
        let wanted = self.wanted.clone();
        let opened = blocking(move || {
            let file = beneath.open_file(&path)?;
            let opened = Opened { file, wanted };
            opened.check()?;
            Ok(opened)
        });
        Ok(Arc::new(opened.await.map_err(opendal_error)?))
    }

    async fn read_at(handle: &Self::Handle, offset: u64, size: usize) -> Result<Buffer> {
        let opened = Arc::clone(handle);
        let read = blocking(move || {
            let mut buffer = vec![0; size];
            let read = opened
                .file
                .read_at(&mut buffer, offset)
                .map_err(|e| crate::Error::io("read a file", e))?;
            // Behind reading: what was written before or meanwhile is seen.
            opened.check()?;
            buffer.truncate(read);
            Ok(buffer)
        });
        Ok(Buffer::from(read.await.map_err(opendal_error)?))
    }
}

/// Lists depth first, in the byte order of whole paths; holds one folder's names a level.
pub(crate) struct FolderLister {
    beneath: Arc<Beneath>,
    recursive: bool,
    /// Only what comes behind this path in the order is listed.
    after: Option<String>,
    begin: Option<Option<ObjectPath>>,
    open: Vec<VecDeque<Entry>>,
}

/// The folder that repairs of a file system put things in, at the top of each that is mounted.
const LOST_AND_FOUND: &str = "lost+found";

impl FolderLister {
    async fn enter(&mut self, folder: Option<ObjectPath>) -> Result<()> {
        let is_top = folder.is_none();
        let is_lost_and_found = folder
            .as_ref()
            .is_some_and(|folder| folder.file_name() == LOST_AND_FOUND);
        let beneath = Arc::clone(&self.beneath);
        let listed = blocking(move || beneath.list(folder.as_ref())).await;
        match listed {
            Ok(entries) => self.open.push(entries),
            // Removed meanwhile, or never there: then there is nothing in it. Not so the place itself: a disk that is
            // not mounted is no empty place. What the system does not let be read is no empty folder either; what the
            // server keeps to itself is not among the names.
            Err(error)
                if !is_top
                    && matches!(
                        error.kind(),
                        crate::ErrorKind::NotFound | crate::ErrorKind::Invalid
                    ) => {}
            // Of the file system itself, and its administrator's alone.
            Err(error)
                if is_lost_and_found && error.kind() == crate::ErrorKind::PermissionDenied => {}
            Err(error) => return Err(opendal_error(error)),
        }
        Ok(())
    }
}

impl oio::List for FolderLister {
    async fn next(&mut self) -> Result<Option<oio::Entry>> {
        if let Some(begin) = self.begin.take() {
            self.enter(begin).await?;
        }
        while let Some(folder) = self.open.last_mut() {
            let Some(entry) = folder.pop_front() else {
                self.open.pop();
                continue;
            };
            let name = match entry.kind {
                EntryKind::Folder => format!("{}/", entry.path),
                EntryKind::File | EntryKind::Other => entry.path.to_string(),
            };
            if let Some(after) = &self.after
                && name <= *after
            {
                // A folder on the way to the path has what comes behind it.
                if entry.kind == EntryKind::Folder && self.recursive && after.starts_with(&name) {
                    self.enter(Some(entry.path)).await?;
                }
                continue;
            }
            match entry.kind {
                EntryKind::File => {
                    return Ok(Some(oio::Entry::new(
                        entry.path.as_str(),
                        metadata(&entry)?,
                    )));
                }
                EntryKind::Folder => {
                    let shown = oio::Entry::new(&name, metadata(&entry)?);
                    if self.recursive {
                        self.enter(Some(entry.path)).await?;
                    }
                    return Ok(Some(shown));
                }
                EntryKind::Other => {}
            }
        }
        Ok(None)
    }
}
