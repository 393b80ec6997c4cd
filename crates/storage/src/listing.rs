//! What is in a place: listed as it comes, with size, time and etag from the listing itself; and by pattern.

use std::time::SystemTime;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use opendal::options::ListOptions;
use opendal::{EntryMode, Metadata};

use crate::error::{Error, ErrorKind, Result};
use crate::path::ObjectPath;
use crate::store::Store;

/// What makes a path a pattern.
const WILDCARDS: [char; 3] = ['*', '?', '['];

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
        self.list_after(folder, None)
    }

    /// The same from behind a path on, in the place's order: what comes before it is not even asked for.
    fn list_after(
        &self,
        folder: Option<&ObjectPath>,
        after: Option<&ObjectPath>,
    ) -> BoxStream<'static, Result<FileInfo>> {
        let operator = self.operator().clone();
        let folder = folder.map_or_else(|| "/".to_owned(), |folder| format!("{folder}/"));
        let after = after.cloned();
        let skips = operator.info().capability().list_with_start_after;
        let options = ListOptions {
            recursive: true,
            start_after: after.as_ref().filter(|_| skips).map(ObjectPath::to_string),
            ..Default::default()
        };
        // A place in memory lists in this order, too, and has no start.
        let after = after.filter(|_| !skips);
        let begin = async move {
            let failed = {
                let folder = folder.clone();
                move |e| Error::opendal(format_args!("list '{folder}'"), e)
            };
            let lister = operator
                .lister_options(&folder, options)
                .await
                .map_err(&failed)?;
            let file = move |entry: opendal::Entry| {
                let path = ObjectPath::parse(entry.path()).ok().filter(|path| {
                    entry.metadata().mode() == EntryMode::FILE
                        && after.as_ref().is_none_or(|after| path > after)
                });
                path.map(|path| FileInfo::new(path, entry.metadata()))
            };
            let listed = lister.map_err(failed);
            Ok::<_, Error>(listed.try_filter_map(move |entry| std::future::ready(Ok(file(entry)))))
        };
        let place = self.clone();
        futures::stream::once(begin)
            .try_flatten()
            .map(move |found| place.named(found))
            .boxed()
    }

    /// The files that match a pattern, streamed as [`Store::list`] gives them: `*` and `?` and `[…]` stay within
    /// a component, `**` crosses them. Without a wildcard, the file of that name, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a malformed pattern; the place's, as the last item.
    pub async fn matching(&self, pattern: &str) -> Result<BoxStream<'static, Result<FileInfo>>> {
        self.matching_after(pattern, None).await
    }

    /// What a path means to who looks for files, streamed as [`Store::list`] gives them: the file of that name, or
    /// all that is below the folder of that name; or a pattern, as [`Store::matching`] has it. The empty path is the
    /// place itself. With `after`, from behind that path on.
    ///
    /// # Errors
    /// Those of [`Store::matching`]; nothing of that name is none.
    pub async fn find(
        &self,
        what: &str,
        after: Option<&ObjectPath>,
    ) -> Result<BoxStream<'static, Result<FileInfo>>> {
        if what.contains(WILDCARDS) {
            return self.matching_after(what, after).await;
        }
        let path = match what.trim_end_matches('/') {
            "" => return Ok(self.list_after(None, after)),
            path => ObjectPath::parse(path)?,
        };
        if !what.ends_with('/') {
            match self.stat(&path).await {
                Ok(file) if after.is_none_or(|after| file.path > *after) => {
                    return Ok(futures::stream::iter([Ok(file)]).boxed());
                }
                Ok(_) => return Ok(futures::stream::empty().boxed()),
                Err(error) => match error.kind() {
                    // A folder, which a bucket knows only by what is in it.
                    ErrorKind::Invalid | ErrorKind::NotFound => {}
                    _ => return Err(error),
                },
            }
        }
        Ok(self.list_after(Some(&path), after))
    }

    async fn matching_after(
        &self,
        pattern: &str,
        after: Option<&ObjectPath>,
    ) -> Result<BoxStream<'static, Result<FileInfo>>> {
        let matcher = glob::Pattern::new(pattern).map_err(|e| {
            Error::new(
                ErrorKind::Invalid,
                format!("pattern '{pattern}' is malformed at {}: {}", e.pos, e.msg),
            )
        })?;
        let Some(wildcard) = pattern.find(WILDCARDS) else {
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
            .list_after(folder.as_ref(), after)
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
