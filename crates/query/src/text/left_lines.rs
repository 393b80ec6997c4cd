//! All lines that were left out, kept on the disk until whoever asked for them has read them: there may be as many as
//! there are lines.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use serde_json::de::IoRead;
use serde_json::{Deserializer, StreamDeserializer};
use uuid::Uuid;

use crate::convert::types::arrow_field;
use crate::error::{Error, ErrorKind};
use crate::tables::{PageError, Pages, RowSource, Wanted};

/// Bytes that are written to the disk together.
const BUFFER_BYTES: usize = 256 << 10;
/// Rows, and bytes of their texts, of a page.
const PAGE_ROWS: usize = 1000;
const PAGE_BYTES: usize = 4 << 20;

/// The columns, with their SQL types.
const COLUMNS: [(&str, &str, bool); 5] = [
    ("file", "text", false),
    ("line", "bigint", false),
    ("column", "text", true),
    ("reason", "text", false),
    ("text", "longtext", false),
];

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let fields = COLUMNS.iter().filter_map(|(name, sql_type, nullable)| {
        let field: Option<Field> = arrow_field(name, sql_type, *nullable).ok();
        field
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
});

/// A line that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LeftLine {
    pub(super) file: String,
    pub(super) line: u64,
    /// Where one value of it was wrong.
    pub(super) column: Option<String>,
    pub(super) reason: String,
    pub(super) text: String,
}

/// The lines, in a file that has no name any more.
#[derive(Debug)]
pub(super) struct LeftLines {
    file: Arc<File>,
    bytes_max: u64,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    /// Bytes in the file.
    bytes: u64,
    /// What is still to be written.
    buffer: Vec<u8>,
}

impl LeftLines {
    pub(super) fn create(folder: &Path, bytes_max: u64) -> Result<Self, Error> {
        let path = folder.join(format!("left-out-{}", Uuid::new_v4().simple()));
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|error| failed("make", error))?;
        // The space is free as soon as nobody has it open, however this program ends.
        fs::remove_file(&path).map_err(|error| failed("make", error))?;
        Ok(Self {
            file: Arc::new(file),
            bytes_max,
            written: Mutex::default(),
        })
    }

    /// # Errors
    /// Io; ResourcesExhausted for more than may be spilled to the disk.
    pub(super) fn add(&self, line: &LeftLine) -> Result<(), Error> {
        let mut text = serde_json::to_vec(line)
            .map_err(|error| Error::internal(format!("a line cannot be kept: {error}")))?;
        text.push(b'\n');
        let mut written = self.lock();
        written.buffer.extend_from_slice(&text);
        if written.bytes + written.buffer.len() as u64 > self.bytes_max {
            return Err(Error::new(
                ErrorKind::ResourcesExhausted,
                format!(
                    "the lines that are left out have more than the {} bytes that may be kept on the disk",
                    self.bytes_max
                ),
            ));
        }
        match written.buffer.len() >= BUFFER_BYTES {
            true => self.flush(&mut written),
            false => Ok(()),
        }
    }

    fn flush(&self, written: &mut Written) -> Result<(), Error> {
        self.file
            .write_all_at(&written.buffer, written.bytes)
            .map_err(|error| failed("keep", error))?;
        written.bytes += written.buffer.len() as u64;
        written.buffer.clear();
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RowSource for LeftLines {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&SCHEMA)
    }

    fn read(&self, wanted: Wanted) -> Box<dyn Pages> {
        let flushed = self.flush(&mut self.lock());
        let reader = BufReader::new(Reader {
            file: Arc::clone(&self.file),
            at: 0,
        });
        Box::new(LinePages {
            flushed: Some(flushed),
            lines: Deserializer::from_reader(reader).into_iter(),
            wanted,
        })
    }
}

/// The file from its beginning, whoever else reads it.
struct Reader {
    file: Arc<File>,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(out, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

struct LinePages {
    /// What came of writing the last lines; taken by the first page.
    flushed: Option<Result<(), Error>>,
    lines: StreamDeserializer<'static, IoRead<BufReader<Reader>>, LeftLine>,
    wanted: Wanted,
}

impl Pages for LinePages {
    fn next_page(&mut self) -> Result<Option<RecordBatch>, PageError> {
        if let Some(flushed) = self.flushed.take() {
            flushed?;
        }
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while lines.len() < PAGE_ROWS && bytes < PAGE_BYTES {
            let Some(line) = self.lines.next().transpose()? else {
                break;
            };
            bytes += line.text.len() + line.reason.len();
            lines.push(line);
        }
        if lines.is_empty() {
            return Ok(None);
        }
        let columns = self.wanted.columns.iter();
        let columns = columns.map(|column| array(*column, &lines)).collect();
        let schema = Arc::new(SCHEMA.project(&self.wanted.columns)?);
        let rows = RecordBatchOptions::new().with_row_count(Some(lines.len()));
        Ok(Some(RecordBatch::try_new_with_options(
            schema, columns, &rows,
        )?))
    }
}

fn array(column: usize, lines: &[LeftLine]) -> ArrayRef {
    let texts = |of: fn(&LeftLine) -> Option<&str>| -> ArrayRef {
        Arc::new(lines.iter().map(of).collect::<StringArray>())
    };
    match column {
        0 => texts(|line| Some(line.file.as_str())),
        1 => Arc::new(Int64Array::from_iter_values(
            lines
                .iter()
                .map(|line| i64::try_from(line.line).unwrap_or(i64::MAX)),
        )),
        2 => texts(|line| line.column.as_deref()),
        3 => texts(|line| Some(line.reason.as_str())),
        _ => texts(|line| Some(line.text.as_str())),
    }
}

fn failed(what: &str, error: io::Error) -> Error {
    let text = format!("failed to {what} a file for the lines that are left out: {error}");
    Error::new(ErrorKind::Io, text).because(error)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn line(number: u64, text: &str) -> LeftLine {
        LeftLine {
            file: "a.csv".to_owned(),
            line: number,
            column: number.is_multiple_of(2).then(|| "c".to_owned()),
            reason: "wrong".to_owned(),
            text: text.to_owned(),
        }
    }

    fn rows(lines: &LeftLines, columns: &[usize]) -> Vec<RecordBatch> {
        let mut pages = lines.read(Wanted {
            columns: columns.to_vec(),
            ..Wanted::default()
        });
        std::iter::from_fn(|| pages.next_page().unwrap()).collect()
    }

    #[test]
    fn what_was_kept_is_read_as_often_as_one_likes() {
        let folder = tempfile::tempdir().unwrap();
        let lines = LeftLines::create(folder.path(), 1 << 30).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(rows(&lines, &[0]).is_empty());
        for number in 1..=2500 {
            lines.add(&line(number, "x\n\"y\"")).unwrap();
        }
        for _ in 0..2 {
            let pages = rows(&lines, &[1, 2, 4]);
            assert_eq!(pages.iter().map(RecordBatch::num_rows).sum::<usize>(), 2500);
            let text = format!("{:?}", pages[0].slice(1, 1));
            assert!(
                text.contains("2") && text.contains("c") && text.contains("y"),
                "{text}"
            );
        }
        assert_eq!(rows(&lines, &[])[0].num_rows(), 1000);
    }

    #[test]
    fn more_than_there_is_room_for_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let lines = LeftLines::create(folder.path(), 200).unwrap();
        lines.add(&line(1, "short")).unwrap();
        let error = lines.add(&line(2, &"x".repeat(200))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourcesExhausted);
    }
}
