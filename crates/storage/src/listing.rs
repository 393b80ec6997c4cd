//! What is in a place: listed as it comes, with size, time and etag from the listing itself; and by pattern.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::SystemTime;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use opendal::options::ListOptions;
use opendal::{EntryMode, Metadata};

use crate::error::{Error, ErrorKind, Result};
use crate::path::{ObjectPath, is_reserved};
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

/// How many objects were left out of a listing because their keys are no [`ObjectPath`]s: no statement can name
/// them. It grows while the listing is read.
#[derive(Debug, Clone, Default)]
pub struct Unnamed(Arc<AtomicU64>);

impl Unnamed {
    /// So many until now.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Files as a place lists them; an error is the last item.
pub struct Listing {
    files: BoxStream<'static, Result<FileInfo>>,
    unnamed: Unnamed,
}

impl Listing {
    fn of(files: impl IntoIterator<Item = FileInfo>) -> Self {
        let files: Vec<_> = files.into_iter().map(Ok).collect();
        Self {
            files: futures::stream::iter(files).boxed(),
            unnamed: Unnamed::default(),
        }
    }

    /// What it leaves out.
    pub fn unnamed(&self) -> Unnamed {
        self.unnamed.clone()
    }
}

impl Stream for Listing {
    type Item = Result<FileInfo>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.files.poll_next_unpin(context)
    }
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("unnamed", &self.unnamed)
            .finish_non_exhaustive()
    }
}

/// What of a place is asked for.
struct Asked {
    /// Relative to the place: a folder with its slash, `/` for the place itself; or where the place lists by prefix,
    /// what the paths begin with.
    from: String,
    /// Also what is in folders below.
    recursive: bool,
    /// Of those, what matches.
    pattern: Option<glob::Pattern>,
}

impl Asked {
    fn below(folder: Option<&ObjectPath>) -> Self {
        Self {
            from: folder.map_or_else(|| "/".to_owned(), |folder| format!("{folder}/")),
            recursive: true,
            pattern: None,
        }
    }

    /// What can match a pattern whose first wildcard is at `wildcard`: no more than that is asked for.
    fn matching(
        text: &str,
        wildcard: usize,
        pattern: glob::Pattern,
        by_prefix: bool,
    ) -> Result<Self> {
        let literal = text.get(..wildcard).unwrap_or_default();
        let folder = match literal.rsplit_once('/') {
            Some((folder, _)) => Some(ObjectPath::parse(folder)?),
            None => None,
        };
        let below = Self::below(folder.as_ref());
        let rest = text.get(wildcard..).unwrap_or_default();
        Ok(Self {
            from: match by_prefix && !literal.is_empty() {
                true => literal.to_owned(),
                false => below.from,
            },
            // A wildcard of a folder's name, or one of any number of them.
            recursive: rest.contains('/') || rest.contains("**"),
            pattern: Some(pattern),
        })
    }

    fn matches(&self, path: &str) -> bool {
        let pattern = self.pattern.as_ref();
        pattern.is_none_or(|pattern| pattern.matches_with(path, MATCHING))
    }
}

/// `*` stands for no slash.
const MATCHING: glob::MatchOptions = glob::MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

fn parsed(pattern: &str) -> Result<glob::Pattern> {
    glob::Pattern::new(pattern).map_err(|e| {
        Error::new(
            ErrorKind::Invalid,
            format!("pattern '{pattern}' is malformed at {}: {}", e.pos, e.msg),
        )
    })
}

/// Whether [`Store::glob`] with this pattern finds a file of this path.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a malformed pattern.
pub fn glob_finds(pattern: &str, path: &str) -> Result<bool> {
    Ok(parsed(pattern)?.matches_with(path, MATCHING))
}

impl Store {
    /// All files below `folder`, streamed: memory does not grow with their number. In the byte order of their
    /// paths for a folder and the stores that keep to S3's contract. Drafts, symbolic links and names that no
    /// [`ObjectPath`] can have are left out; of a bucket those are counted.
    ///
    /// # Errors
    /// The place's, as the last item.
    pub fn list(&self, folder: Option<&ObjectPath>) -> Listing {
        self.list_after(Asked::below(folder), None)
    }

    /// What is asked for from behind a path on, in the place's order: what comes before it is not even asked for.
    fn list_after(&self, asked: Asked, after: Option<&ObjectPath>) -> Listing {
        let operator = self.operator().clone();
        let folder = asked.from.clone();
        let after = after.cloned();
        let skips = operator.info().capability().list_with_start_after;
        let options = ListOptions {
            recursive: asked.recursive,
            start_after: after.as_ref().filter(|_| skips).map(ObjectPath::to_string),
            ..Default::default()
        };
        // A place in memory lists in this order, too, and has no start.
        let after = after.filter(|_| !skips);
        let unnamed = Unnamed::default();
        let noting = unnamed.clone();
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
                if entry.metadata().mode() != EntryMode::FILE || !asked.matches(entry.path()) {
                    return None;
                }
                let Ok(path) = ObjectPath::parse(entry.path()) else {
                    if !entry.path().split('/').any(is_reserved) {
                        noting.note();
                    }
                    return None;
                };
                let wanted = after.as_ref().is_none_or(|after| path > *after);
                wanted.then(|| FileInfo::new(path, entry.metadata()))
            };
            let listed = lister.map_err(failed);
            Ok::<_, Error>(listed.try_filter_map(move |entry| std::future::ready(Ok(file(entry)))))
        };
        let place = self.clone();
        let files = futures::stream::once(begin)
            .try_flatten()
            .map(move |found| place.named(found));
        Listing {
            files: files.boxed(),
            unnamed,
        }
    }

    /// The files that match a pattern, streamed as [`Store::list`] gives them: `*` and `?` and `[…]` stay within
    /// a component, `**` crosses them. Without a wildcard, the file of that name, if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a malformed pattern; the place's, as the last item.
    pub async fn matching(&self, pattern: &str) -> Result<Listing> {
        self.matching_after(pattern, None).await
    }

    /// What a path means to who looks for files, streamed as [`Store::list`] gives them: the file of that name, or
    /// all that is below the folder of that name; or a pattern, as [`Store::matching`] has it. The empty path is the
    /// place itself. With `after`, from behind that path on.
    ///
    /// # Errors
    /// Those of [`Store::matching`]; nothing of that name is none.
    pub async fn find(&self, what: &str, after: Option<&ObjectPath>) -> Result<Listing> {
        if what.contains(WILDCARDS) {
            return self.matching_after(what, after).await;
        }
        let path = match what.trim_end_matches('/') {
            "" => return Ok(self.list_after(Asked::below(None), after)),
            path => ObjectPath::parse(path)?,
        };
        if !what.ends_with('/') {
            match self.stat(&path).await {
                Ok(file) => {
                    let wanted = after.is_none_or(|after| file.path > *after);
                    return Ok(Listing::of(wanted.then_some(file)));
                }
                Err(error) => match error.kind() {
                    // A folder, which a bucket knows only by what is in it.
                    ErrorKind::Invalid | ErrorKind::NotFound => {}
                    _ => return Err(error),
                },
            }
        }
        Ok(self.list_after(Asked::below(Some(&path)), after))
    }

    async fn matching_after(&self, pattern: &str, after: Option<&ObjectPath>) -> Result<Listing> {
        let matcher = parsed(pattern)?;
        let Some(wildcard) = pattern.find(WILDCARDS) else {
            let path = ObjectPath::parse(pattern)?;
            return match self.stat(&path).await {
                Ok(found) => Ok(Listing::of([found])),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.check_there(&path).await?;
                    Ok(Listing::of([]))
                }
                Err(error) => Err(error),
            };
        };
        let by_prefix = self.backend().lists_by_prefix();
        let asked = Asked::matching(pattern, wildcard, matcher, by_prefix)?;
        Ok(self.list_after(asked, after))
    }

    /// Whether the place is there at all, in which a file is not: a bucket's answer about one object does not say,
    /// that to listing does.
    async fn check_there(&self, path: &ObjectPath) -> Result<()> {
        match self.list(Some(path)).try_next().await {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
            // Who may not list was told of the file, and that is all that was asked.
            Ok(_) | Err(_) => Ok(()),
        }
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
