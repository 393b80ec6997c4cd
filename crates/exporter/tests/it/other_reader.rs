//! Text files as others read them: any values, in any dialect with options of its own, compressed or not, split or not,
//! through somebody else's decompressor and somebody else's reader (the crate `csv`), compared by value.

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int16Type};
use csv::{ReaderBuilder, StringRecord, Terminator};
use proptest::prelude::*;
use stagedoor_exporter::csv::{CsvOptions, Dialect, QuotePolicy};
use stagedoor_exporter::{Compression, ExportOptions};

use crate::files::{COMPRESSIONS, unpacked, written};
use crate::tables::{column, table};

/// What is written how.
#[derive(Debug, Clone)]
struct Form {
    csv: CsvOptions,
    compression: Compression,
    file_bytes_max: Option<u64>,
    threads: usize,
    chunk_bytes: u64,
    /// Rows of a batch.
    step: usize,
}

/// No combination is refused: whatever the test finds was written.
fn form() -> impl Strategy<Value = Form> {
    let csv = (
        prop::sample::select(vec![
            Dialect::Mysql,
            Dialect::Rfc4180,
            Dialect::Excel,
            Dialect::Postgres,
        ]),
        prop::sample::select(vec![",", ";", "|", "\t"]),
        prop::sample::select(vec!["\n", "\r\n", "~"]),
        prop::option::of(prop::sample::select(vec!["", "NULL", "\\N", "n/a"])),
        prop::sample::select(vec![b'"', b'\'']),
        prop::option::of(prop::sample::select(vec![
            QuotePolicy::All,
            QuotePolicy::Needed,
            QuotePolicy::Strings,
        ])),
        prop::option::of(prop::sample::select(vec![None, Some(b'\\')])),
        any::<bool>(),
    )
        .prop_map(
            |(dialect, fields, lines, null, enclosed, quote, escaped, header)| {
                let base = CsvOptions::dialect(dialect);
                with!(
                    base.clone(),
                    fields_terminated: fields.to_owned(),
                    lines_terminated: lines.to_owned(),
                    null: null.map_or(base.null, str::to_owned),
                    enclosed: Some(enclosed),
                    quote: quote.unwrap_or(base.quote),
                    escaped: escaped.unwrap_or(base.escaped),
                    header: header,
                )
            },
        );
    (
        csv,
        prop::sample::select(COMPRESSIONS.to_vec()),
        prop::option::of(400_u64..3000),
        1_usize..4,
        100_u64..5000,
        1_usize..30,
    )
        .prop_map(
            |(csv, compression, file_bytes_max, threads, chunk_bytes, step)| Form {
                csv,
                compression,
                file_bytes_max,
                threads,
                chunk_bytes,
                step,
            },
        )
}

type Row = (
    Option<String>,
    Option<i64>,
    Option<f64>,
    Option<i64>,
    Option<i32>,
    Option<bool>,
);

fn row() -> impl Strategy<Value = Row> {
    let character = prop::sample::select(vec![
        'a', 'N', '\\', '"', '\'', ',', ';', '|', '~', '\n', '\r', '\t', '-', '=', '@', '0', 'é',
        ' ',
    ]);
    let text = prop_oneof![
        5 => prop::collection::vec(character.clone(), 0..8).prop_map(String::from_iter),
        2 => prop::collection::vec(character, 20..90).prop_map(String::from_iter),
        1 => prop::sample::select(vec!["", "\\N", "NULL", "n/a", "\\.", "=1+1"]).prop_map(str::to_owned),
    ];
    (
        prop::option::weighted(0.85, text),
        any::<Option<i64>>(),
        any::<Option<f64>>(),
        any::<Option<i64>>(),
        // Years that arrow's own text has in four digits.
        prop::option::of(-719_162_i32..2_932_896),
        any::<Option<bool>>(),
    )
}

fn batch(rows: &[Row]) -> RecordBatch {
    let texts = || rows.iter().map(|row| row.0.as_deref());
    let decimals = Decimal128Array::from_iter(rows.iter().map(|row| row.3.map(i128::from)));
    let moments = rows
        .iter()
        .map(|row| row.4.map(|day| i64::from(day) * 86_400 + 3_661));
    table(vec![
        column("id", Int64Array::from_iter_values(0..rows.len() as i64)),
        column("view", texts().collect::<StringViewArray>()),
        column("a,text", texts().collect::<StringArray>()),
        column("dict", texts().collect::<DictionaryArray<Int16Type>>()),
        column("int", rows.iter().map(|row| row.1).collect::<Int64Array>()),
        column(
            "float",
            rows.iter().map(|row| row.2).collect::<Float64Array>(),
        ),
        column("decimal", decimals.with_precision_and_scale(38, 3).unwrap()),
        column("day", rows.iter().map(|row| row.4).collect::<Date32Array>()),
        column("moment", moments.collect::<TimestampSecondArray>()),
        column(
            "truth",
            rows.iter().map(|row| row.5).collect::<BooleanArray>(),
        ),
    ])
}

/// The records of a file, without its labels.
fn read(file: &[u8], csv: &CsvOptions, labels: &[String]) -> Vec<StringRecord> {
    let terminator = match csv.lines_terminated.as_bytes() {
        [byte] if *byte != b'\n' => Terminator::Any(*byte),
        _ => Terminator::CRLF,
    };
    let mut reader = ReaderBuilder::new()
        .delimiter(csv.fields_terminated.as_bytes()[0])
        .quote(csv.enclosed.unwrap())
        .escape(csv.escaped)
        .terminator(terminator)
        .has_headers(csv.header)
        .from_reader(file);
    if csv.header {
        assert_eq!(reader.headers().unwrap(), labels);
    }
    reader.records().map(Result::unwrap).collect()
}

/// What a text is read as: the guard is not undone.
fn guarded(text: &str, csv: &CsvOptions) -> String {
    match csv.formula_guard && text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn values_come_back(rows in prop::collection::vec(row(), 0..50), form in form()) {
        let batch = batch(&rows);
        let csv = &form.csv;
        let mut options = ExportOptions::csv(batch.schema_ref(), csv.clone())
            .unwrap()
            .compression(form.compression)
            .unwrap()
            .threads(form.threads)
            .chunk_bytes(form.chunk_bytes);
        if let Some(bytes) = form.file_bytes_max {
            options = options.file_bytes_max(bytes).unwrap();
        }
        let steps = (0..rows.len()).step_by(form.step);
        let batches = steps.map(|at| batch.slice(at, form.step.min(rows.len() - at))).collect();
        let (report, files) = written(options, batches);
        prop_assert_eq!(report.rows, rows.len() as u64);
        let labels: Vec<String> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        let records: Vec<StringRecord> = files
            .iter()
            .flat_map(|file| read(&unpacked(form.compression, file), csv, &labels))
            .collect();
        prop_assert_eq!(records.len(), rows.len());
        let texts_of = |name: &str| {
            let column = cast(batch.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
            column.as_string::<i32>().clone()
        };
        let (days, moments) = (texts_of("day"), texts_of("moment"));
        for (at, (record, (text, int, float, decimal, _, truth))) in records.iter().zip(&rows).enumerate() {
            // That reader does not tell a NULL from its marker as a text; tests/it/round_trip.rs does.
            let or_null = |value: Option<String>| value.unwrap_or_else(|| csv.null.clone());
            prop_assert_eq!(&record[0], at.to_string());
            let text = or_null(text.as_ref().map(|text| guarded(text, csv)));
            for column in 1..4 {
                prop_assert_eq!(&record[column], text.as_str(), "column {}", column);
            }
            prop_assert_eq!(&record[4], or_null(int.map(|int| int.to_string())));
            match float {
                Some(float) if float.is_nan() => prop_assert_eq!(&record[5], "NaN"),
                Some(float) if float.is_infinite() => prop_assert_eq!(
                    &record[5],
                    if *float > 0.0 { "Infinity" } else { "-Infinity" }
                ),
                Some(float) => prop_assert_eq!(record[5].parse::<f64>().unwrap().to_bits(), float.to_bits()),
                None => prop_assert_eq!(&record[5], csv.null.as_str()),
            }
            match decimal {
                Some(decimal) => {
                    prop_assert_eq!(record[6].rsplit('.').next().unwrap().len(), 3);
                    prop_assert_eq!(record[6].replace('.', "").parse::<i64>().unwrap(), *decimal);
                }
                None => prop_assert_eq!(&record[6], csv.null.as_str()),
            }
            let told = |texts: &StringArray| or_null(texts.is_valid(at).then(|| texts.value(at).replace('T', " ")));
            prop_assert_eq!(&record[7], told(&days));
            prop_assert_eq!(&record[8], told(&moments));
            prop_assert_eq!(&record[9], or_null(truth.map(|truth| truth.to_string())));
        }
    }
}
