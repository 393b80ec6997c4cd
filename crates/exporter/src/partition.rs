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

/// Which columns partition the rows.
#[derive(Debug, Clone)]
pub struct Partitions {
    columns: Vec<Column>,
    /// The columns that stay, by their places.
    kept: Vec<usize>,
    file_schema: SchemaRef,
}

#[derive(Debug, Clone)]
struct Column {
    at: usize,
    name: String,
    /// `name=`, encoded.
    prefix: String,
    kind: Kind,
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
                prefix: format!("{}=", encoded(field.name().as_bytes())),
                kind,
            });
        }
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
            kept,
            file_schema: Arc::new(file_schema),
        })
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
    pub(crate) fn split(
        &self,
        batch: &RecordBatch,
        first_row: u64,
    ) -> Result<Vec<(Arc<str>, RecordBatch)>, EncodeError> {
        let mismatch = |error: arrow::error::ArrowError| EncodeError::mismatch(error.to_string());
        if batch.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = self
            .columns
            .iter()
            .map(|column| batch.columns().get(column.at).cloned())
            .collect::<Option<_>>()
            .ok_or_else(|| EncodeError::mismatch("a batch has too few columns".to_owned()))?;
        let rest = batch.project(&self.kept).map_err(mismatch)?;
        let runs = partition(&keys).map_err(mismatch)?.ranges();
        runs.into_iter()
            .map(|run| {
                let folder = self.folder(batch, run.start, first_row)?;
                Ok((folder.into(), rest.slice(run.start, run.len())))
            })
            .collect()
    }

    /// `a=1/b=x` of a row.
    fn folder(
        &self,
        batch: &RecordBatch,
        row: usize,
        first_row: u64,
    ) -> Result<String, EncodeError> {
        let mut folder = String::new();
        for column in &self.columns {
            if !folder.is_empty() {
                folder.push('/');
            }
            folder.push_str(&column.prefix);
            let array = batch.column(column.at);
            if array.is_null(row) || *array.data_type() == DataType::Null {
                folder.push_str(NULL);
                continue;
            }
            let mut text = Vec::new();
            match &column.kind {
                Kind::Text => text.extend_from_slice(nested::bytes(array.as_ref(), row)),
                Kind::Short(json) => json
                    .write(Style::Compact, array.as_ref(), row, &mut text)
                    .map_err(|reason| {
                        EncodeError::value(first_row + row as u64, &column.name, reason)
                    })?,
            }
            let bare: &[u8] = match (&column.kind, text.as_slice()) {
                (Kind::Short(_), [b'"', inner @ .., b'"']) => inner,
                (_, text) => text,
            };
            if bare == NULL.as_bytes() {
                let reason = format!("in a folder's name, the text '{NULL}' would be read as NULL");
                return Err(EncodeError::value(
                    first_row + row as u64,
                    &column.name,
                    reason,
                ));
            }
            folder.push_str(&encoded(bare));
        }
        Ok(folder)
    }
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
            let is_plain = match u8::try_from(character) {
                Ok(byte) if byte.is_ascii() => {
                    byte.is_ascii_alphanumeric() || PLAIN.contains(&byte)
                }
                _ => !character.is_control(),
            };
            match is_plain {
                true => out.push(character),
                false => escape(character.encode_utf8(&mut [0; 4]).as_bytes(), &mut out),
            }
        }
        escape(chunk.invalid(), &mut out);
    }
    out
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
