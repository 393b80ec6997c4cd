//! Any values of the common types through every text format, dialect, compression and limit: no access outside of a
//! buffer, no panic, and what is written is read back as it was by a reader of somebody else's.
#![no_main]

use std::sync::Arc;

use arbitrary::Arbitrary;
use arrow::array::*;
use arrow::datatypes::{DataType, Field, Schema};
use futures::executor::block_on;
use futures::stream;
use libfuzzer_sys::fuzz_target;
use stagedoor_exporter::csv::{CsvOptions, Dialect};
use stagedoor_exporter::jsonline::JsonLineOptions;
use stagedoor_exporter::{ExportErrorKind, ExportOptions, MemorySink, export};

#[derive(Arbitrary, Debug)]
struct Input {
    form: Form,
    threads: bool,
    chunk_bytes: u16,
    file_bytes_max: Option<u16>,
    header: bool,
    formula_guard: bool,
    rows: Vec<Row>,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Form {
    Mysql,
    Rfc4180,
    Postgres,
    Excel,
    Escaped,
    JsonLine,
}

#[derive(Arbitrary, Debug)]
struct Row {
    text: Option<String>,
    view: Option<String>,
    bytes: Option<Vec<u8>>,
    tiny: Option<i8>,
    long: Option<u64>,
    float: Option<f32>,
    double: Option<f64>,
    decimal: Option<i128>,
    day: Option<i32>,
    moment: Option<i64>,
    truth: Option<bool>,
}

/// What a decimal of 38 digits may be.
const DECIMAL_END: i128 = 10_i128.pow(38);

fn batch(rows: &[Row], form: Form) -> RecordBatch {
    let each = || rows.iter();
    let decimals = each().map(|row| row.decimal.map(|value| value % DECIMAL_END));
    let decimals: Decimal128Array = decimals.collect();
    // JSON has no NaN, which is an error of its own: met often enough, it would hide the rest.
    let finite = form == Form::JsonLine;
    let float = |value: f32| {
        if finite && !value.is_finite() {
            0.5
        } else {
            value
        }
    };
    let double = |value: f64| {
        if finite && !value.is_finite() {
            0.5
        } else {
            value
        }
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(
            each()
                .map(|row| row.text.as_deref())
                .collect::<StringArray>(),
        ),
        Arc::new(
            each()
                .map(|row| row.view.as_deref())
                .collect::<StringViewArray>(),
        ),
        Arc::new(
            each()
                .map(|row| row.bytes.as_deref())
                .collect::<BinaryArray>(),
        ),
        Arc::new(each().map(|row| row.tiny).collect::<Int8Array>()),
        Arc::new(each().map(|row| row.long).collect::<UInt64Array>()),
        Arc::new(
            each()
                .map(|row| row.float.map(float))
                .collect::<Float32Array>(),
        ),
        Arc::new(
            each()
                .map(|row| row.double.map(double))
                .collect::<Float64Array>(),
        ),
        Arc::new(decimals.with_precision_and_scale(38, 10).unwrap()),
        Arc::new(each().map(|row| row.day).collect::<Date32Array>()),
        Arc::new(
            each()
                .map(|row| row.moment)
                .collect::<TimestampMicrosecondArray>(),
        ),
        Arc::new(each().map(|row| row.truth).collect::<BooleanArray>()),
    ];
    let fields = columns.iter().enumerate().map(|(at, column)| {
        let data_type: DataType = column.data_type().clone();
        Field::new(format!("c{at}"), data_type, true)
    });
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns).unwrap()
}

fn options(input: &Input, batch: &RecordBatch) -> ExportOptions {
    let dialect = match input.form {
        Form::Mysql => Dialect::Mysql,
        Form::Rfc4180 => Dialect::Rfc4180,
        Form::Postgres => Dialect::Postgres,
        Form::Excel => Dialect::Excel,
        Form::Escaped => Dialect::Mysql,
        Form::JsonLine => {
            let options = ExportOptions::jsonline(batch.schema_ref(), &JsonLineOptions::default());
            return options.unwrap();
        }
    };
    let mut csv = CsvOptions::dialect(dialect);
    csv.header = input.header;
    // The guard needs an enclosure.
    match input.form {
        Form::Escaped => csv.enclosed = None,
        Form::Mysql | Form::Rfc4180 | Form::Postgres | Form::Excel | Form::JsonLine => {
            csv.formula_guard = input.formula_guard;
        }
    }
    ExportOptions::csv(batch.schema_ref(), csv).unwrap()
}

fuzz_target!(|input: Input| {
    let batch = batch(&input.rows, input.form);
    let mut options = options(&input, &batch)
        .threads(1 + usize::from(input.threads))
        .chunk_bytes(u64::from(input.chunk_bytes));
    if let Some(limit) = input.file_bytes_max {
        // Too low a limit is refused.
        match options.file_bytes_max(u64::from(limit)) {
            Ok(limited) => options = limited,
            Err(_) => return,
        }
    }
    let sink = MemorySink::default();
    let half = batch.num_rows() / 2;
    let batches = [
        batch.slice(0, half),
        batch.slice(half, batch.num_rows() - half),
    ];
    let source = stream::iter(batches.map(Ok::<_, std::io::Error>));
    let report = match block_on(export(source, sink.clone(), options)) {
        Ok(report) => report,
        // A value that the dialect cannot tell apart, and nothing else.
        Err(error) => {
            assert_eq!(error.kind(), ExportErrorKind::Encode, "{error}");
            return;
        }
    };
    assert_eq!(report.rows, batch.num_rows() as u64);
    let parts = sink.parts();
    assert_eq!(report.files.len(), parts.len());
    let mut texts = Vec::new();
    for (file, (_, bytes)) in report.files.iter().zip(&parts) {
        assert_eq!(file.bytes, bytes.len() as u64);
        match input.form {
            Form::JsonLine => {
                for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                    let row: serde_json::Value = serde_json::from_slice(line).unwrap();
                    texts.push(row["c0"].as_str().map(str::to_owned));
                }
            }
            Form::Rfc4180 if !input.formula_guard => {
                let mut reader = csv::ReaderBuilder::new()
                    .has_headers(input.header)
                    .from_reader(&bytes[..]);
                for row in reader.byte_records() {
                    let row = row.unwrap();
                    assert_eq!(row.len(), batch.num_columns());
                    let text = String::from_utf8(row[0].to_vec()).unwrap();
                    texts.push((!text.is_empty()).then_some(text));
                }
            }
            Form::Rfc4180 | Form::Mysql | Form::Postgres | Form::Excel | Form::Escaped => {}
        }
    }
    let read = input.form == Form::JsonLine || input.form == Form::Rfc4180 && !input.formula_guard;
    if read {
        let is_csv = input.form == Form::Rfc4180;
        let wanted = input.rows.iter().map(|row| row.text.clone());
        // CSV does not tell NULL from the empty text but by quotes, which that reader does not give.
        let wanted: Vec<_> = wanted
            .map(|text| text.filter(|text| !is_csv || !text.is_empty()))
            .collect();
        assert_eq!(texts, wanted);
    }
});
