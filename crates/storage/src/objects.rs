//! A place for engines that read through `object_store`: each file in the version that was listed and no other, and
//! what goes wrong in this crate's words, never in those of the libraries below.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use object_store_opendal::OpendalStore;
use opendal::options::ReaderOptions;
use opendal::raw::percent_decode_path;

use crate::error::{Error, ErrorKind};
use crate::listing::FileInfo;
use crate::store::Store;

/// Ranges of one file that are asked for at once.
const RANGES_AT_ONCE: usize = 8;

/// A view of a place that only reads.
pub(crate) struct Objects {
    store: Store,
    inner: OpendalStore,
    /// By path; a file that is not among them is read as it is.
    versions: HashMap<String, FileInfo>,
    /// Whether requests can say which version they want.
    is_conditional: bool,
}

impl Objects {
    pub(crate) fn new(store: &Store, listed: Vec<FileInfo>) -> Self {
        let capability = store.operator().info().capability();
        Self {
            store: store.clone(),
            inner: OpendalStore::new(store.operator().clone()),
            versions: listed
                .into_iter()
                .map(|file| (file.path.to_string(), file))
                .collect(),
            is_conditional: capability.read_with_if_match && capability.stat_with_if_match,
        }
    }

    /// The etag that requests for a file name.
    fn wanted(&self, path: &str) -> Option<String> {
        let etag = self.versions.get(path)?.etag.as_ref()?;
        self.is_conditional.then(|| etag.clone())
    }

    /// What a caller is told: the source says it all, and begins with the place's name.
    fn told(&self, path: &str, error: object_store::Error) -> object_store::Error {
        self.store.told(path, cause(error))
    }

    fn check(&self, path: &str, found: &ObjectMeta) -> object_store::Result<()> {
        match self.versions.get(path) {
            Some(listed) if !is_version(listed, found) => Err(self.store.told(path, changed())),
            Some(_) | None => Ok(()),
        }
    }
}

impl Store {
    fn told(&self, path: &str, error: Error) -> object_store::Error {
        let error = match self.name() {
            Some(name) => error.within(name),
            None => error,
        };
        let (kind, path) = (error.kind(), path.to_owned());
        let source = Box::new(error);
        match kind {
            ErrorKind::NotFound => object_store::Error::NotFound { path, source },
            ErrorKind::Changed => object_store::Error::Precondition { path, source },
            ErrorKind::Invalid
            | ErrorKind::AlreadyExists
            | ErrorKind::PermissionDenied
            | ErrorKind::Refused
            | ErrorKind::NoSpace
            | ErrorKind::Unsupported
            | ErrorKind::Io => object_store::Error::Generic {
                store: "a place",
                source,
            },
        }
    }
}

fn changed() -> Error {
    Error::new(
        ErrorKind::Changed,
        "it was changed while it was read, or is another file now; begin again",
    )
}

/// The cause alone: which file it is about, the reader says.
fn cause(error: object_store::Error) -> Error {
    use object_store::Error as Told;
    let text = error.to_string();
    let other = || Error::new(ErrorKind::Io, text);
    let source = match error {
        Told::Generic { source, .. }
        | Told::NotFound { source, .. }
        | Told::AlreadyExists { source, .. }
        | Told::Precondition { source, .. }
        | Told::NotModified { source, .. }
        | Told::NotSupported { source } => source,
        _ => return other(),
    };
    // Streams give it in the standard library's clothes.
    let source = match source.downcast::<io::Error>() {
        Ok(error) => match error.into_inner() {
            Some(inner) => inner,
            None => return other(),
        },
        Err(source) => source,
    };
    match source.downcast::<opendal::Error>() {
        Ok(error) => match error.kind() {
            // A range that is no longer there is one of a shorter version.
            opendal::ErrorKind::ConditionNotMatch | opendal::ErrorKind::RangeNotSatisfied => {
                changed()
            }
            _ => Error::cause_of(*error),
        },
        Err(_) => other(),
    }
}

/// Whether what is there now is what was listed. Stores write etags with quotes or without.
fn is_version(listed: &FileInfo, found: &ObjectMeta) -> bool {
    let bare = |etag: &str| etag.trim_start_matches("W/").trim_matches('"').to_owned();
    match (&listed.etag, &found.e_tag) {
        (Some(listed), Some(found)) => bare(listed) == bare(found),
        (Some(_) | None, _) => listed.bytes == found.size,
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects")
            .field("files", &self.versions.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.store.name().unwrap_or("a place"))
    }
}

fn read_only(what: &str) -> object_store::Error {
    object_store::Error::NotSupported {
        source: Box::new(Error::new(
            ErrorKind::Unsupported,
            format!("{what} is not done through this view of a place"),
        )),
    }
}

#[async_trait]
impl ObjectStore for Objects {
    async fn get_opts(
        &self,
        location: &Path,
        mut options: GetOptions,
    ) -> object_store::Result<GetResult> {
        let path = percent_decode_path(location.as_ref());
        if options.if_match.is_none() {
            options.if_match = self.wanted(&path);
        }
        let got = self.inner.get_opts(location, options).await;
        let got = got.map_err(|error| self.told(&path, error))?;
        // A store may take no notice of what was wanted.
        self.check(&path, &got.meta)?;
        let (meta, range, attributes) =
            (got.meta.clone(), got.range.clone(), got.attributes.clone());
        let store = self.store.clone();
        let stream = got
            .into_stream()
            .map_err(move |error| store.told(&path, cause(error)));
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream.boxed()),
            meta,
            range,
            attributes,
        })
    }

    async fn get_ranges(
        &self,
        location: &Path,
        ranges: &[Range<u64>],
    ) -> object_store::Result<Vec<Bytes>> {
        let path = percent_decode_path(location.as_ref());
        let wanted = self.wanted(&path);
        if wanted.is_some() && !self.store.keeps_to_versions() {
            // So that each answer is looked at.
            let ranges = ranges.iter().cloned().map(|range| async move {
                let options = GetOptions {
                    range: Some(GetRange::Bounded(range)),
                    ..GetOptions::default()
                };
                self.get_opts(location, options).await?.bytes().await
            });
            let read = futures::stream::iter(ranges).buffered(RANGES_AT_ONCE);
            return read.try_collect().await;
        }
        let options = ReaderOptions {
            if_match: wanted,
            ..ReaderOptions::default()
        };
        let told = |error: opendal::Error| {
            let error = object_store_opendal_error(error);
            self.told(&path, error)
        };
        let reader = self.store.operator().reader_options(&path, options).await;
        let reader = reader.map_err(told)?;
        let reads = ranges.iter().cloned().map(|range| reader.read(range));
        futures::stream::iter(reads)
            .buffered(RANGES_AT_ONCE)
            .map_ok(|read| read.to_bytes())
            .map_err(told)
            .try_collect()
            .await
    }

    async fn put_opts(
        &self,
        _: &Path,
        _: PutPayload,
        _: PutOptions,
    ) -> object_store::Result<PutResult> {
        Err(read_only("writing"))
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        Err(read_only("writing"))
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        futures::stream::iter([Err(read_only("deleting"))]).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> object_store::Result<()> {
        Err(read_only("copying"))
    }
}

fn object_store_opendal_error(error: opendal::Error) -> object_store::Error {
    object_store::Error::Generic {
        store: "opendal",
        source: Box::new(error),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::fs;
    use std::io::Write;
    use std::sync::Arc;

    use object_store::ObjectStoreExt;

    use super::*;
    use crate::location::Location;
    use crate::policy::Policy;

    const BYTES: usize = 5_000_000;

    async fn opened(folder: &std::path::Path) -> (Store, Arc<dyn ObjectStore>) {
        fs::write(folder.join("a%20b.csv"), vec![b'1'; BYTES]).unwrap();
        let location = Location::parse(folder.to_str().unwrap()).unwrap();
        let store = Store::open(&location, None, &Policy::default())
            .await
            .unwrap();
        let store = store.called("stage 's'");
        let listed = store.glob("*.csv").await.unwrap();
        assert_eq!(listed.len(), 1);
        let objects = store.object_store_of(listed);
        (store, objects)
    }

    fn path() -> Path {
        Path::from("a%20b.csv")
    }

    fn is_changed<T: fmt::Debug>(read: object_store::Result<T>) -> bool {
        let error = read.unwrap_err();
        let text = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(
            text,
            "stage 's': it was changed while it was read, or is another file now; begin again"
        );
        matches!(error, object_store::Error::Precondition { .. })
    }

    #[tokio::test]
    async fn a_file_that_was_replaced_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let (store, objects) = opened(folder.path()).await;
        let ranges = [0..10, 4_000_000..4_000_010];
        let read = objects.get_ranges(&path(), &ranges).await.unwrap();
        assert_eq!(read[1][..], [b'1'; 10]);
        assert_eq!(
            objects
                .get(&path())
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap()
                .len(),
            BYTES
        );

        fs::write(folder.path().join("new"), vec![b'2'; BYTES]).unwrap();
        fs::rename(folder.path().join("new"), folder.path().join("a%20b.csv")).unwrap();
        assert!(is_changed(objects.get(&path()).await));
        assert!(is_changed(objects.get_range(&path(), 5..10).await));
        assert!(is_changed(objects.get_ranges(&path(), &ranges).await));
        assert!(is_changed(objects.head(&path()).await));
        // Who has listed nothing takes what is there.
        let read = store.object_store().get_range(&path(), 5..6).await.unwrap();
        assert_eq!(read[..], [b'2']);
    }

    #[tokio::test]
    async fn a_file_that_is_written_to_while_it_is_read_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let (_, objects) = opened(folder.path()).await;
        let mut stream = objects.get(&path()).await.unwrap().into_stream();
        stream.try_next().await.unwrap().unwrap();
        let mut file = fs::File::options()
            .append(true)
            .open(folder.path().join("a%20b.csv"))
            .unwrap();
        file.write_all(b"more").unwrap();
        assert!(is_changed(stream.try_collect::<Vec<_>>().await));
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_told_of_without_the_words_of_libraries() {
        let folder = tempfile::tempdir().unwrap();
        let (_, objects) = opened(folder.path()).await;
        fs::remove_file(folder.path().join("a%20b.csv")).unwrap();
        let error = objects.get(&path()).await.unwrap_err();
        let text = std::error::Error::source(&error).unwrap().to_string();
        assert!(
            matches!(error, object_store::Error::NotFound { .. }),
            "{error:?}"
        );
        assert!(
            text.starts_with("stage 's': ") && !text.contains("opendal"),
            "{text}"
        );
    }
}
