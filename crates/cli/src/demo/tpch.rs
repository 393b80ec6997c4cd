//! TPC-H's `lineitem` as a Parquet file: real data of a known size for the demo.
//! Rows come from `tpchgen`, the same as the benchmark's own `dbgen` gives; types are DataFusion's.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringViewArray,
};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use tpchgen::dates::TPCHDate;
use tpchgen::decimal::TPCHDecimal;
use tpchgen::generators::{LineItem, LineItemGenerator};

const BATCH_ROWS: usize = 8_192;
/// Small enough that every core has a row group to read.
const ROW_GROUP_ROWS: usize = 122_880;

/// `DECIMAL(15, 2)`, as the specification has money and quantities.
const DECIMAL_PRECISION: u8 = 15;
const DECIMAL_SCALE: i8 = 2;
const DECIMAL_UNITS: i64 = 100;

/// Writes `lineitem` at `scale` (1 is six million rows) to `path` and gives the rows written.
///
/// # Errors
/// Those of the file system and of the Parquet writer.
pub(super) fn write_lineitem(path: &Path, scale: f64) -> anyhow::Result<u64> {
    let mut rows = LineItemGenerator::new(scale, 1, 1).iter();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let mut writer: Option<ArrowWriter<File>> = None;
    let mut written = 0;
    loop {
        let chunk: Vec<_> = rows.by_ref().take(BATCH_ROWS).collect();
        if chunk.is_empty() && writer.is_some() {
            break;
        }
        let batch = batch(&chunk)?;
        let writer = match &mut writer {
            Some(writer) => writer,
            none => {
                let file = File::create_new(path)?;
                none.insert(ArrowWriter::try_new(
                    file,
                    batch.schema(),
                    Some(properties.clone()),
                )?)
            }
        };
        writer.write(&batch)?;
        written += chunk.len() as u64;
    }
    if let Some(writer) = writer {
        writer.close()?;
    }
    Ok(written)
}

fn batch(rows: &[LineItem<'_>]) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_from_iter_with_nullable(
        [
            ("l_orderkey", int64(rows, |row| row.l_orderkey)),
            ("l_partkey", int64(rows, |row| row.l_partkey)),
            ("l_suppkey", int64(rows, |row| row.l_suppkey)),
            ("l_linenumber", int32(rows, |row| row.l_linenumber)),
            (
                "l_quantity",
                decimal(rows, |row| TPCHDecimal(row.l_quantity * DECIMAL_UNITS))?,
            ),
            ("l_extendedprice", decimal(rows, |row| row.l_extendedprice)?),
            ("l_discount", decimal(rows, |row| row.l_discount)?),
            ("l_tax", decimal(rows, |row| row.l_tax)?),
            ("l_returnflag", text(rows, |row| row.l_returnflag)),
            ("l_linestatus", text(rows, |row| row.l_linestatus)),
            ("l_shipdate", date(rows, |row| row.l_shipdate)),
            ("l_commitdate", date(rows, |row| row.l_commitdate)),
            ("l_receiptdate", date(rows, |row| row.l_receiptdate)),
            ("l_shipinstruct", text(rows, |row| row.l_shipinstruct)),
            ("l_shipmode", text(rows, |row| row.l_shipmode)),
            ("l_comment", text(rows, |row| row.l_comment)),
        ]
        .map(|(name, column)| (name, column, false)),
    )
}

fn int64(rows: &[LineItem<'_>], value: impl Fn(&LineItem<'_>) -> i64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(rows.iter().map(value)))
}

fn int32(rows: &[LineItem<'_>], value: impl Fn(&LineItem<'_>) -> i32) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(rows.iter().map(value)))
}

fn date(rows: &[LineItem<'_>], value: impl Fn(&LineItem<'_>) -> TPCHDate) -> ArrayRef {
    Arc::new(Date32Array::from_iter_values(
        rows.iter().map(|row| value(row).to_unix_epoch()),
    ))
}

fn text<'a>(rows: &'a [LineItem<'a>], value: impl Fn(&'a LineItem<'a>) -> &'a str) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(rows.iter().map(value)))
}

fn decimal(
    rows: &[LineItem<'_>],
    value: impl Fn(&LineItem<'_>) -> TPCHDecimal,
) -> Result<ArrayRef, ArrowError> {
    let values = rows.iter().map(|row| i128::from(value(row).into_inner()));
    let array = Decimal128Array::from_iter_values(values);
    Ok(Arc::new(array.with_precision_and_scale(
        DECIMAL_PRECISION,
        DECIMAL_SCALE,
    )?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use arrow::array::RecordBatchReader;
    use arrow::datatypes::DataType;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    #[test]
    fn the_file_holds_the_benchmarks_first_row() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lineitem.parquet");
        let written = write_lineitem(&path, 0.001).unwrap();
        assert_eq!(written, 6_005, "the rows that dbgen gives at scale 0.001");

        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let mut batches = reader.build().unwrap();
        assert_eq!(
            batches.schema().field(4).data_type(),
            &DataType::Decimal128(15, 2)
        );
        let first = batches.next().unwrap().unwrap();
        let value = |column: usize| {
            arrow::util::display::array_value_to_string(first.column(column), 0).unwrap()
        };
        assert_eq!(
            (value(0).as_str(), value(4).as_str(), value(10).as_str()),
            ("1", "17.00", "1996-03-13")
        );
    }
}
