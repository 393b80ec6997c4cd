//! What is in a place: listed as it comes, with size, time and etag from the listing itself; and by pattern.

use std::time::SystemTime;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use opendal::options::ListOptions;
use opendal::{EntryMode, Metadata};

use crate::error::{Error, ErrorKind, Result};
use crate::path::ObjectPath;
use crate::store::Store;

/// What listing or looking at a file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Path within the place.
    pub path: ObjectPath,
    /// Length of the file.
    pub bytes: u64,
    /// When it was last written, where the place knows.
    pub modified: Option<SystemTime>,
    /// Changes with the content: a store's ETag; for a folder made from inode, length and time.
    pub etag: Option<String>,
}

impl FileInfo {
    pub(crate) fn new(path: ObjectPath, metadata: &Metadata) -> Self {
        Self {
            path,
            bytes: metadata.content_length(),
            modified: metadata.last_modified().map(Into::into),
            etag: metadata.etag().map(str::to_owned),
        }
    }
}

impl Store {
    /// All files below `folder`, streamed: memory does not grow with their number. In the byte order of their
    /// paths for a folder and the stores that keep to S3's contract. Drafts, symbolic links and names that no
    /// [`ObjectPath`] can have are left out.
    ///
    /// # Errors
    /// The place's, as the last item.
    pub fn list(&self, folder: Option<&ObjectPath>) -> BoxStream<'static, Result<FileInfo>> {
        let operator = self.operator().clone();
        let folder = folder.map_or_else(|| "/".to_owned(), |folder| format!("{folder}/"));
        let options = ListOptions {
            recursive: true,
            ..Default::default()
        };
        let begin = async move {
            let failed = {
                let folder = folder.clone();
                move |e| Error::opendal(format_args!("list '{folder}'"), e)
            };
            let lister = operator
                .lister_options(&folder, options)
                .await
                .map_err(&failed)?;
            Ok::<_, Error>(lister.map_err(failed).try_filter_map(|entry| async move {
                if entry.metadata().mode() != EntryMode::FILE {
                    return Ok(None);
                }
                let path = ObjectPath::parse(entry.path()).ok();
                Ok(path.map(|path| FileInfo::new(path, entry.metadata())))
            }))
        };
        futures::stream::once(begin).try_flatten().boxed()
    }

    /// The files that match a pattern, streamed as [`Store::list`] gives them: `*` and `?` and `[…]` stay within
    /// a component, `**` crosses them. Without a wildcard, the file of that name, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a malformed pattern; the place's, as the last item.
    pub async fn matching(&self, pattern: &str) -> Result<BoxStream<'static, Result<FileInfo>>> {
        let matcher = glob::Pattern::new(pattern).map_err(|e| {
            Error::new(
                ErrorKind::Invalid,
                format!("pattern '{pattern}' is malformed at {}: {}", e.pos, e.msg),
            )
        })?;
        let Some(wildcard) = pattern.find(['*', '?', '[']) else {
            let found = match self.stat(&ObjectPath::parse(pattern)?).await {
                Ok(found) => Some(Ok(found)),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            return Ok(futures::stream::iter(found).boxed());
        };
        let folder = match pattern[..wildcard].rsplit_once('/') {
            Some((folder, _)) => Some(ObjectPath::parse(folder)?),
            None => None,
        };
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        let matches = move |file: &FileInfo| matcher.matches_with(file.path.as_str(), options);
        let matching = self
            .list(folder.as_ref())
            .try_filter(move |file| std::future::ready(matches(file)));
        Ok(matching.boxed())
    }

    /// The same, all at once and sorted by path.
    ///
    /// # Errors
    /// Those of [`Store::matching`].
    pub async fn glob(&self, pattern: &str) -> Result<Vec<FileInfo>> {
        let mut files: Vec<FileInfo> = self.matching(pattern).await?.try_collect().await?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}
