//! The columns of a system table: what each is called, of which type it is, and how it comes from a
//! record. A batch has those that are wanted and no others.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, StringArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use query::{Limit, PageError, Value};

/// One column of a table whose rows come from records `R`.
pub(super) struct Column<R> {
    name: &'static str,
    of: Of<R>,
    /// Its SQL type, where that is not the first one of its kind of value.
    sql_type: Option<&'static str>,
}

/// How a column's value comes from a record.
enum Of<R> {
    Text(fn(&R) -> Option<String>),
    Number(fn(&R) -> Option<u64>),
    Flag(fn(&R) -> bool),
    /// Microseconds since 1970 UTC.
    Time(fn(&R) -> Option<u64>),
}

pub(super) fn text<R>(name: &'static str, of: fn(&R) -> Option<String>) -> Column<R> {
    Column {
        name,
        of: Of::Text(of),
        sql_type: None,
    }
}

pub(super) fn number<R>(name: &'static str, of: fn(&R) -> Option<u64>) -> Column<R> {
    Column {
        name,
        of: Of::Number(of),
        sql_type: None,
    }
}

pub(super) fn flag<R>(name: &'static str, of: fn(&R) -> bool) -> Column<R> {
    Column {
        name,
        of: Of::Flag(of),
        sql_type: None,
    }
}

pub(super) fn time<R>(name: &'static str, of: fn(&R) -> Option<u64>) -> Column<R> {
    Column {
        name,
        of: Of::Time(of),
        sql_type: None,
    }
}

/// The same column, declared as a type that its values fit.
pub(super) fn declared<R>(sql_type: &'static str, column: Column<R>) -> Column<R> {
    Column {
        sql_type: Some(sql_type),
        ..column
    }
}

impl<R> Column<R> {
    fn field(&self) -> Field {
        let declared = self
            .sql_type
            .and_then(|sql_type| query::arrow_field(self.name, sql_type, true).ok());
        if let Some(field) = declared {
            return field;
        }
        let data_type = match self.of {
            Of::Text(_) => DataType::Utf8,
            Of::Number(_) => DataType::UInt64,
            Of::Flag(_) => DataType::Boolean,
            Of::Time(_) => DataType::Timestamp(TimeUnit::Microsecond, None),
        };
        Field::new(self.name, data_type, true)
    }

    fn array(&self, records: &[R]) -> ArrayRef {
        match self.of {
            Of::Text(of) => Arc::new(StringArray::from_iter(records.iter().map(of))),
            Of::Number(of) => Arc::new(UInt64Array::from_iter(records.iter().map(of))),
            Of::Flag(of) => Arc::new(BooleanArray::from_iter(
                records.iter().map(|record| Some(of(record))),
            )),
            Of::Time(of) => Arc::new(TimestampMicrosecondArray::from_iter(
                records.iter().map(|record| micros(of(record))),
            )),
        }
    }

    /// Whether a record's value is within; a value of another kind than the column's decides nothing.
    fn is_within(&self, record: &R, least: Option<&Value>, most: Option<&Value>) -> bool {
        let value = match self.of {
            Of::Text(of) => of(record).map(Value::Text),
            Of::Number(of) => of(record).map(Value::Number),
            Of::Time(of) => micros(of(record)).map(Value::Micros),
            Of::Flag(_) => return true,
        };
        // NULL is within no limits.
        let Some(value) = value else { return false };
        let is_beyond = |limit: Option<&Value>, beyond: Ordering| {
            limit.is_some_and(|limit| value.compare(limit) == Some(beyond))
        };
        !is_beyond(least, Ordering::Less) && !is_beyond(most, Ordering::Greater)
    }
}

fn micros(time: Option<u64>) -> Option<i64> {
    time.and_then(|micros| i64::try_from(micros).ok())
}

/// The columns as they are told to a query.
pub(super) fn schema<R>(columns: &[Column<R>]) -> SchemaRef {
    let fields: Vec<Field> = columns.iter().map(Column::field).collect();
    Arc::new(Schema::new(fields))
}

/// Whether a record is within all limits.
pub(super) fn is_within<R>(columns: &[Column<R>], record: &R, limits: &[Limit]) -> bool {
    limits.iter().all(|limit| {
        columns.get(limit.column).is_none_or(|column| {
            column.is_within(record, limit.least.as_ref(), limit.most.as_ref())
        })
    })
}

/// The wanted columns of these records.
pub(super) fn batch<R>(
    columns: &[Column<R>],
    wanted: &[usize],
    records: &[R],
) -> Result<RecordBatch, PageError> {
    let columns: Vec<&Column<R>> = wanted.iter().filter_map(|&at| columns.get(at)).collect();
    let fields: Vec<Field> = columns.iter().map(|column| column.field()).collect();
    let arrays = columns.iter().zip(&fields).map(|(column, field)| {
        let array = column.array(records);
        match array.data_type() == field.data_type() {
            true => Ok(array),
            false => cast(&array, field.data_type()),
        }
    });
    let arrays = arrays.collect::<Result<_, _>>()?;
    // Rows may count although no column of them is wanted.
    let rows = RecordBatchOptions::new().with_row_count(Some(records.len()));
    Ok(RecordBatch::try_new_with_options(
        Arc::new(Schema::new(fields)),
        arrays,
        &rows,
    )?)
}
