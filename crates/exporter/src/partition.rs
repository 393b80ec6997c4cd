//! Partitions: rows that have the same values in some columns go into files of their own, in folders that tell the
//! values, as Hive has them. The rows come sorted by these columns, so one file is open at a time, however many there are.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::partition;
use arrow::datatypes::{DataType, Schema, SchemaRef};

use crate::cells::context::{Context, Unsupported};
use crate::cells::nested::{self, Json, Style};
use crate::error::EncodeError;

/// The folder of a NULL.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";
/// Bytes that stand for themselves in a folder's name.
const PLAIN: &[u8] = b"-_.~ ,+@()";

/// Which columns partition the rows, and what their folders are called: `a=1/b=x` if not said.
#[derive(Debug, Clone)]
pub struct Partitions {
    columns: Vec<Column>,
    folder: Vec<Piece>,
    /// The folder as it was asked for.
    path: Option<String>,
    /// The columns that stay, by their places.
    kept: Vec<usize>,
    file_schema: SchemaRef,
}

#[derive(Debug, Clone)]
struct Column {
    at: usize,
    name: String,
    kind: Kind,
}

/// A folder, and the rows that go there.
pub(crate) type Run = (Arc<str>, RecordBatch);

/// A part of a folder's path.
#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    /// The value of one of the columns.
    Value(usize),
}

#[derive(Debug, Clone)]
enum Kind {
    Text,
    /// Its JSON, without quotes.
    Short(Json),
}

impl Partitions {
    /// By the columns of these places in the rows' schema.
    ///
    /// # Errors
    /// A column that is not there or given twice, of a type without a short text; no column that would be left.
    pub fn new(schema: &Schema, columns: &[usize]) -> Result<Self, EncodeError> {
        let mut by = Vec::new();
        for (index, &at) in columns.iter().enumerate() {
            let Some(field) = schema.fields().get(at) else {
                return Err(EncodeError::options(format!(
                    "there is no column number {at} to partition by"
                )));
            };
            if columns[..index].contains(&at) {
                return Err(EncodeError::options(format!(
                    "column '{}' is given twice to partition by",
                    field.name()
                )));
            }
            let refuse = || {
                let reason = format!("rows are not partitioned by type {}", field.data_type());
                EncodeError::unsupported(field.name(), reason)
            };
            let kind = match field.data_type() {
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
                data_type if data_type.is_nested() || data_type.is_floating() => {
                    return Err(refuse());
                }
                DataType::Binary
                | DataType::LargeBinary
                | DataType::BinaryView
                | DataType::FixedSizeBinary(_)
                | DataType::Dictionary(..)
                | DataType::RunEndEncoded(..) => return Err(refuse()),
                data_type => {
                    let json = Json::plan_column(field, &context(data_type));
                    Kind::Short(json.map_err(|Unsupported(_)| refuse())?)
                }
            };
            by.push(Column {
                at,
                name: field.name().clone(),
                kind,
            });
        }
        let folder = by.iter().enumerate().flat_map(|(index, column)| {
            let slash = if index == 0 { "" } else { "/" };
            let name = encoded(column.name.as_bytes());
            [Piece::Text(format!("{slash}{name}=")), Piece::Value(index)]
        });
        let folder = folder.collect();
        let kept: Vec<usize> = (0..schema.fields().len())
            .filter(|at| !columns.contains(at))
            .collect();
        if kept.is_empty() {
            return Err(EncodeError::options(
                "a column has to be left besides those that partition the rows".to_owned(),
            ));
        }
        let file_schema = schema
            .project(&kept)
            .map_err(|error| EncodeError::options(error.to_string()))?;
        Ok(Self {
            columns: by,
            folder,
            path: None,
            kept,
            file_schema: Arc::new(file_schema),
        })
    }

    /// The same with folders of another form: text in which `{column}` stands for the value of a column, as in
    /// `{year}/{month}` or `y={year}/shop-{shop}`. Every column stands in it, so that no two partitions have one folder.
    ///
    /// # Errors
    /// A path that lacks a column, in which values could not be told apart, or that is none.
    pub fn in_folders(self, path: &str) -> Result<Self, EncodeError> {
        let names: Vec<&str> = self.columns.iter().map(|one| one.name.as_str()).collect();
        let folder = pieces(path, &names).map_err(|reason| {
            EncodeError::options(format!("the partitions' PATH '{path}' cannot be: {reason}"))
        })?;
        Ok(Self {
            folder,
            path: Some(path.to_owned()),
            ..self
        })
    }

    /// The folder as it was asked for.
    pub(crate) fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// The schema of the files: that of the rows without the columns that partition them.
    pub fn file_schema(&self) -> SchemaRef {
        Arc::clone(&self.file_schema)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let names = self.columns.iter().map(|column| column.name.clone());
        names.collect()
    }

    /// A batch as the runs of rows that go into one folder each, without the columns that say so.
    pub(crate) fn runs(
        &self,
        batch: RecordBatch,
        first_row: u64,
    ) -> Result<impl Iterator<Item = Result<Run, EncodeError>> + Send, EncodeError> {
        let mismatch = |error: arrow::error::ArrowError| EncodeError::mismatch(error.to_string());
        let keys: Vec<_> = self
            .columns
            .iter()
            .map(|column| batch.columns().get(column.at).cloned())
            .collect::<Option<_>>()
            .ok_or_else(|| EncodeError::mismatch("a batch has too few columns".to_owned()))?;
        let rest = batch.project(&self.kept).map_err(mismatch)?;
        let ranges = match batch.num_rows() {
            0 => Vec::new(),
            _ => partition(&keys).map_err(mismatch)?.ranges(),
        };
        Ok(ranges.into_iter().map(move |run| {
            let folder = self.folder(&batch, run.start, first_row)?;
            Ok((folder.into(), rest.slice(run.start, run.len())))
        }))
    }

    /// The folder of a row.
    fn folder(
        &self,
        batch: &RecordBatch,
        row: usize,
        first_row: u64,
    ) -> Result<String, EncodeError> {
        let mut folder = String::new();
        for piece in &self.folder {
            match piece {
                Piece::Text(text) => folder.push_str(text),
                Piece::Value(index) => {
                    folder.push_str(&self.value(&self.columns[*index], batch, row, first_row)?);
                }
            }
        }
        let is_none = |name: &str| matches!(name, "" | "." | "..");
        match folder.split('/').any(is_none) {
            true => {
                let reason = format!("'{folder}' would be its folder, and that is no path");
                let column = self.columns.first().map_or("", |column| &column.name);
                Err(EncodeError::value(first_row + row as u64, column, reason))
            }
            false => Ok(folder),
        }
    }

    /// A value of a row as part of its folder's name.
    fn value(
        &self,
        column: &Column,
        batch: &RecordBatch,
        row: usize,
        first_row: u64,
    ) -> Result<String, EncodeError> {
        let array = batch.column(column.at);
        if array.is_null(row) || *array.data_type() == DataType::Null {
            return Ok(NULL.to_owned());
        }
        let refuse = |reason| EncodeError::value(first_row + row as u64, &column.name, reason);
        let mut text = Vec::new();
        match &column.kind {
            Kind::Text => text.extend_from_slice(nested::bytes(array.as_ref(), row)),
            Kind::Short(json) => json
                .write(Style::Compact, array.as_ref(), row, &mut text)
                .map_err(refuse)?,
        }
        let bare: &[u8] = match (&column.kind, text.as_slice()) {
            (Kind::Short(_), [b'"', inner @ .., b'"']) => inner,
            (_, text) => text,
        };
        if bare == NULL.as_bytes() {
            return Err(refuse(format!(
                "in a folder's name, the text '{NULL}' would be read as NULL"
            )));
        }
        Ok(encoded(bare))
    }
}

/// What a path is put together from; `names` are the columns.
fn pieces(path: &str, names: &[&str]) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut rest) = (Vec::new(), path);
    let mut found = vec![false; names.len()];
    // What stands before a value that tells it from the value before: values have neither of these.
    let parts = |text: &str| text.contains(['/', '=']);
    while !rest.is_empty() {
        let end = rest.find('{').unwrap_or(rest.len());
        let (text, more) = rest.split_at(end);
        if let Some(odd) = text.chars().find(|&c| !is_plain(c) && c != '/' && c != '=') {
            return Err(format!(
                "'{}' is not written in folders' names",
                odd.escape_default()
            ));
        }
        let after_value = matches!(pieces.last(), Some(Piece::Value(_)));
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        let Some(more) = more.strip_prefix('{') else {
            break;
        };
        if after_value && !parts(text) {
            return Err("between two values stands a '/' or a '='".to_owned());
        }
        let Some((name, more)) = more.split_once('}') else {
            return Err("a '{' has no '}' behind it".to_owned());
        };
        let exact = names.iter().position(|known| *known == name);
        let place = exact
            .or_else(|| {
                names
                    .iter()
                    .position(|known| known.eq_ignore_ascii_case(name))
            })
            .ok_or_else(|| {
                format!(
                    "'{{{name}}}' is none of the columns of PARTITION BY, {}",
                    names.join(", ")
                )
            })?;
        found[place] = true;
        pieces.push(Piece::Value(place));
        rest = more;
    }
    if let Some(lacks) = found.iter().position(|found| !found) {
        return Err(format!(
            "'{{{}}}' is not in it, so that several partitions would have one folder",
            names[lacks]
        ));
    }
    let is_none = |name: &str| matches!(name, "" | "." | "..");
    if path.split('/').any(is_none) {
        return Err(
            "each folder on the way has a name, and '/' stands between them only".to_owned(),
        );
    }
    Ok(pieces)
}

/// Two instants have two texts: where the clocks of a zone are set back, only with the offset.
fn context(data_type: &DataType) -> Context<'static> {
    let zone = match data_type {
        DataType::Timestamp(_, zone) => zone.as_deref(),
        _ => None,
    };
    let is_fixed = |zone: &str| zone.starts_with(['+', '-']) || zone.eq_ignore_ascii_case("utc");
    Context {
        zone_offset: zone.is_some_and(|zone| !is_fixed(zone)),
        ..Context::default()
    }
}

/// Percent-encoded as Hive and Spark do: letters, digits, what is harmless in a name, and characters beyond ASCII but
/// for controls stand for themselves.
fn encoded(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match is_plain(character) {
                true => out.push(character),
                false => escape(character.encode_utf8(&mut [0; 4]).as_bytes(), &mut out),
            }
        }
        escape(chunk.invalid(), &mut out);
    }
    out
}

/// Whether it stands for itself.
fn is_plain(character: char) -> bool {
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() => byte.is_ascii_alphanumeric() || PLAIN.contains(&byte),
        _ => !character.is_control(),
    }
}

fn escape(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        out.push_str(&format!("%{byte:02X}"));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use arrow::array::{
        ArrayRef, Date32Array, Int64Array, NullArray, StringArray, StringViewArray,
        TimestampSecondArray,
    };

    use super::*;

    impl Partitions {
        fn split(&self, batch: &RecordBatch, first_row: u64) -> Result<Vec<Run>, EncodeError> {
            self.runs(batch.clone(), first_row)?.collect()
        }
    }

    fn batch() -> RecordBatch {
        let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(0), Some(0), Some(1), None]));
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![
            Some("é=1"),
            Some("b"),
            Some("b"),
            None,
        ]));
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
        RecordBatch::try_from_iter_with_nullable([
            ("day", days, true),
            ("t", texts, true),
            ("id", ids, false),
        ])
        .unwrap()
    }

    #[test]
    fn folders_have_the_form_that_is_asked_for() {
        let batch = batch();
        let partitions = || Partitions::new(&batch.schema(), &[0, 1]).unwrap();
        let folders = |path: &str| {
            let split = partitions().in_folders(path).unwrap().split(&batch, 0);
            split.map(|runs| {
                runs.into_iter()
                    .map(|run| run.0.to_string())
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(
            folders("by text/{T}/d={day}").unwrap(),
            [
                "by text/é%3D1/d=1970-01-01",
                "by text/b/d=1970-01-01",
                "by text/b/d=1970-01-02",
                "by text/__HIVE_DEFAULT_PARTITION__/d=__HIVE_DEFAULT_PARTITION__",
            ]
        );
        for (path, reason) in [
            ("{day}", "'{t}' is not in it"),
            ("", "'{day}' is not in it"),
            ("{day}-{t}", "stands a '/' or a '='"),
            ("{day}{t}", "stands a '/' or a '='"),
            ("{day}/{x}", "'{x}' is none of the columns"),
            ("{day}/{t", "has no '}'"),
            ("/{day}/{t}", "has a name"),
            ("{day}//{t}", "has a name"),
            ("../{day}/{t}", "has a name"),
            ("{day}/{t}/", "has a name"),
            ("{day}:/{t}", "':' is not written"),
        ] {
            let error = partitions().in_folders(path).unwrap_err().to_string();
            assert!(error.contains(reason), "{path}: {error}");
        }
        // A value that makes no path.
        let texts: ArrayRef = Arc::new(StringArray::from(vec![".."]));
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let odd = RecordBatch::try_from_iter([("t", texts), ("id", ids)]).unwrap();
        let bare = Partitions::new(&odd.schema(), &[0]).unwrap();
        let error = bare.in_folders("{t}").unwrap().split(&odd, 6).unwrap_err();
        assert!(error.to_string().contains("row 7 of column 't'"), "{error}");
    }

    #[test]
    fn runs_of_rows_are_told_by_their_values() {
        let batch = batch();
        let partitions = Partitions::new(&batch.schema(), &[0, 1]).unwrap();
        let split = partitions.split(&batch, 0).unwrap();
        let told: Vec<(&str, usize)> = split
            .iter()
            .map(|(folder, rows)| (folder.as_ref(), rows.num_rows()))
            .collect();
        assert_eq!(
            told,
            [
                ("day=1970-01-01/t=é%3D1", 1),
                ("day=1970-01-01/t=b", 1),
                ("day=1970-01-02/t=b", 1),
                (
                    "day=__HIVE_DEFAULT_PARTITION__/t=__HIVE_DEFAULT_PARTITION__",
                    1
                ),
            ]
        );
        assert_eq!(split[3].1.schema().fields().len(), 1);
        let by_day = Partitions::new(&batch.schema(), &[0]).unwrap();
        assert_eq!(by_day.split(&batch, 0).unwrap().len(), 3);
        // What no folder could be told apart by.
        let nulls: ArrayRef = Arc::new(NullArray::new(1));
        let text: ArrayRef = Arc::new(StringArray::from(vec![NULL]));
        let odd = RecordBatch::try_from_iter([("n", nulls), ("t", text)]).unwrap();
        let by_null = Partitions::new(&odd.schema(), &[0]).unwrap();
        assert_eq!(
            &*by_null.split(&odd, 0).unwrap()[0].0,
            "n=__HIVE_DEFAULT_PARTITION__"
        );
        let by_text = Partitions::new(&odd.schema(), &[1]).unwrap();
        let error = by_text.split(&odd, 6).unwrap_err().to_string();
        assert!(error.contains("row 7 of column 't'"), "{error}");
        // An hour that comes twice.
        let hours = TimestampSecondArray::from(vec![1_793_059_200, 1_793_062_800]);
        let hours: ArrayRef = Arc::new(hours.with_timezone("Europe/Berlin"));
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let hours = RecordBatch::try_from_iter([("h", hours), ("id", ids)]).unwrap();
        let by_hour = Partitions::new(&hours.schema(), &[0]).unwrap();
        let told: Vec<_> = by_hour.split(&hours, 0).unwrap().into_iter().collect();
        assert_ne!(told[0].0, told[1].0);
        assert!(Partitions::new(&batch.schema(), &[0, 0]).is_err());
        assert!(Partitions::new(&batch.schema(), &[0, 1, 2]).is_err());
        assert!(Partitions::new(&batch.schema(), &[7]).is_err());
    }
}
