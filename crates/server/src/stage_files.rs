//! Files of a stage as rows: what LIST answers, and what `stage_list` gives a query while it reads.

use std::fmt;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, BinaryArray, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use futures::StreamExt;
use query::{PageError, Pages, RowSource, Wanted};
use storage::{FileInfo, ObjectPath, Store};
use tokio::runtime::Handle;

use crate::error::{Error, Reason, Result};
use crate::session::{FoundFiles, file_not_found};

/// How many rows a batch has at most.
const ROWS_MAX: usize = 1000;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let time = DataType::Timestamp(TimeUnit::Microsecond, None);
    Arc::new(Schema::new(vec![
        Field::new("file", DataType::Utf8, false),
        Field::new("size", DataType::Int64, false),
        Field::new("last_modified", time, true),
        Field::new("etag", DataType::Utf8, true),
    ]))
});

/// `file`, its path within the stage; `size` in bytes; `last_modified`, UTC; `etag`.
pub(crate) fn schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

/// These columns of these files.
fn batch(files: &[FileInfo], columns: &[usize]) -> Result<RecordBatch> {
    let array = |column: usize| -> ArrayRef {
        match column {
            0 => Arc::new(StringArray::from_iter_values(
                files.iter().map(|file| file.path.as_str()),
            )),
            1 => Arc::new(Int64Array::from_iter_values(
                files
                    .iter()
                    .map(|file| i64::try_from(file.bytes).unwrap_or(i64::MAX)),
            )),
            2 => Arc::new(TimestampMicrosecondArray::from_iter(files.iter().map(
                |file| crate::time::micros(file.modified?).and_then(|us| i64::try_from(us).ok()),
            ))),
            _ => Arc::new(StringArray::from_iter(
                files.iter().map(|file| file.etag.as_deref()),
            )),
        }
    };
    let failed = |e| Error::defect("failed to build a list of files").with_source(e);
    let schema = SCHEMA.project(columns).map_err(failed)?;
    let arrays = columns.iter().map(|column| array(*column)).collect();
    // Rows may count although no column of them is wanted.
    let rows = RecordBatchOptions::new().with_row_count(Some(files.len()));
    RecordBatch::try_new_with_options(Arc::new(schema), arrays, &rows).map_err(failed)
}

/// Batches of the files as they are found: the first does not wait for the last.
pub(crate) fn batches(
    files: FoundFiles,
) -> impl futures::Stream<Item = Result<RecordBatch>> + Send {
    let all: Vec<usize> = (0..SCHEMA.fields().len()).collect();
    files.ready_chunks(ROWS_MAX).map(move |found| {
        let files = found.into_iter().collect::<Result<Vec<_>>>()?;
        batch(&files, &all)
    })
}

/// The files that a path of an open stage finds, each time that a query reads them.
pub(crate) struct StageList {
    pub(crate) store: Store,
    /// As [`Store::find`] takes it.
    pub(crate) path: String,
    /// For errors.
    pub(crate) shown: String,
    /// Of the server, on which places work.
    pub(crate) runtime: Handle,
}

impl fmt::Debug for StageList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StageList({})", self.shown)
    }
}

impl RowSource for StageList {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn read(&self, wanted: Wanted) -> Box<dyn Pages> {
        let (store, path) = (self.store.clone(), self.path.clone());
        let found = futures::stream::once(async move { store.find(&path, None).await })
            .map(|found| match found {
                Ok(files) => files.boxed(),
                Err(error) => futures::stream::iter([Err(error)]).boxed(),
            })
            .flatten();
        Box::new(ListPages {
            files: found.boxed(),
            rows_left: wanted.rows_max.unwrap_or(usize::MAX),
            wanted,
            shown: self.shown.clone(),
            runtime: self.runtime.clone(),
        })
    }
}

struct ListPages {
    files: futures::stream::BoxStream<'static, storage::Result<FileInfo>>,
    wanted: Wanted,
    rows_left: usize,
    shown: String,
    runtime: Handle,
}

impl Pages for ListPages {
    fn next_page(&mut self) -> std::result::Result<Option<RecordBatch>, PageError> {
        let mut files = Vec::new();
        // What of a limit is not looked at here, the engine looks at; it comes without a number of rows then.
        while files.len() < ROWS_MAX.min(self.rows_left) {
            match self.runtime.block_on(self.files.next()) {
                Some(Ok(file)) => files.push(file),
                Some(Err(error)) => {
                    return Err(Error::from(error).within(&self.shown).into());
                }
                None => break,
            }
        }
        self.rows_left -= files.len();
        if files.is_empty() {
            return Ok(None);
        }
        Ok(Some(batch(&files, &self.wanted.columns)?))
    }
}

/// The part of a file that a datalink names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FilePart {
    pub(crate) offset: u64,
    /// To the end of the file without.
    pub(crate) size: Option<u64>,
}

/// A datalink, taken apart: `stage://stage/file?offset=1&size=2`, with both numbers to be left out; a size of -1 is
/// all there is.
///
/// # Errors
/// [`Reason::OptionInvalid`], in MatrixOne's words where it has any.
pub(crate) fn datalink(text: &str) -> Result<(&str, FilePart)> {
    let mut part = FilePart {
        offset: 0,
        size: None,
    };
    let Some((target, query)) = text.split_once('?') else {
        return Ok((text, part));
    };
    let refused = |text: String| Err(Error::internal(Reason::OptionInvalid, text));
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Ok(number) = value.parse::<i64>() else {
            return refused(format!("{key} must be a whole number, not '{value}'"));
        };
        match key.to_lowercase().as_str() {
            "offset" => match u64::try_from(number) {
                Ok(offset) => part.offset = offset,
                Err(_) => return refused("offset cannot be negative".to_owned()),
            },
            "size" => match number {
                -1 => part.size = None,
                _ => match u64::try_from(number) {
                    Ok(size) => part.size = Some(size),
                    Err(_) => return refused("size cannot be less than -1".to_owned()),
                },
            },
            _ => return refused(format!("'{key}' is not one of offset, size")),
        }
    }
    Ok((target, part))
}

/// The content of one file: one row with one value, NULL where there are no bytes, or more than a value may have.
pub(crate) struct LoadedFile {
    pub(crate) store: Store,
    pub(crate) path: ObjectPath,
    pub(crate) part: FilePart,
    /// For errors: `stage 's'`.
    pub(crate) within: String,
    /// MySQL's `max_allowed_packet`.
    pub(crate) bytes_max: u64,
    pub(crate) runtime: Handle,
}

impl fmt::Debug for LoadedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoadedFile({})", self.path)
    }
}

impl RowSource for LoadedFile {
    fn schema(&self) -> SchemaRef {
        let content = Field::new("content", DataType::Binary, true);
        Arc::new(Schema::new(vec![content]))
    }

    fn read(&self, wanted: Wanted) -> Box<dyn Pages> {
        Box::new(LoadPages {
            store: self.store.clone(),
            path: self.path.clone(),
            part: self.part,
            within: self.within.clone(),
            bytes_max: self.bytes_max,
            runtime: self.runtime.clone(),
            schema: self.schema(),
            wanted,
            done: false,
        })
    }
}

struct LoadPages {
    store: Store,
    path: ObjectPath,
    part: FilePart,
    within: String,
    bytes_max: u64,
    runtime: Handle,
    schema: SchemaRef,
    wanted: Wanted,
    done: bool,
}

impl LoadPages {
    async fn content(&self) -> Result<Option<Vec<u8>>> {
        let missing = |error: storage::Error| match error.kind() {
            storage::ErrorKind::NotFound => file_not_found(self.path.file_name()),
            _ => Error::from(error).within(&self.within),
        };
        let file = self.store.stat(&self.path).await.map_err(missing)?;
        let FilePart { offset, size } = self.part;
        if size.is_none() && offset > file.bytes {
            return Err(Error::internal(
                Reason::OptionInvalid,
                "offset exceeds file size",
            ));
        }
        let left = file.bytes.saturating_sub(offset);
        let wanted = size.map_or(left, |size| size.min(left));
        if wanted == 0 {
            return Ok(None);
        }
        if wanted > self.bytes_max {
            return Err(Error::internal(
                Reason::LimitExceeded,
                format_args!(
                    "load_file: '{}' has {wanted} bytes, more than limits.value_bytes_max permits ({})",
                    self.path, self.bytes_max
                ),
            ));
        }
        let bytes = self
            .store
            .read_range(&self.path, offset..offset + wanted)
            .await
            .map_err(missing)?;
        Ok(Some(bytes.to_vec()))
    }
}

impl Pages for LoadPages {
    fn next_page(&mut self) -> std::result::Result<Option<RecordBatch>, PageError> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let content = self.runtime.block_on(self.content())?;
        let array: ArrayRef = Arc::new(BinaryArray::from_iter([content]));
        let columns = self.wanted.columns.iter().map(|_| Arc::clone(&array));
        let rows = RecordBatchOptions::new().with_row_count(Some(1));
        let schema = Arc::new(self.schema.project(&self.wanted.columns)?);
        Ok(Some(RecordBatch::try_new_with_options(
            schema,
            columns.collect(),
            &rows,
        )?))
    }
}
