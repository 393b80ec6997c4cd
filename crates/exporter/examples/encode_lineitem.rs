//! Measures `CsvEncoder` against arrow-csv on one thread, from memory: TPC-H lineitem and four tables
//! of other shapes. `cargo run --release --example encode_lineitem [rows]`

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring program"
)]

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringViewArray, TimestampMicrosecondArray,
};
use stagedoor_exporter::csv::{CsvEncoder, CsvOptions, Dialect};
use tpchgen::generators::LineItemGenerator;

const BATCH_ROWS: usize = 8192;

fn main() {
    let rows = std::env::args()
        .nth(1)
        .and_then(|rows| rows.parse().ok())
        .unwrap_or(2_000_000);
    measure("lineitem", &lineitem(rows));
    measure("strings", &strings(rows / 4));
    measure("numbers", &numbers(rows / 4, 10, |_| false));
    measure("wide", &numbers(rows / 60, 200, |_| false));
    measure("nulls", &numbers(rows / 4, 10, |row| row * 7919 % 10 < 7));
}

/// Prints the best run of each writer, and checks that they agree where they mean the same.
fn measure(name: &str, batches: &[RecordBatch]) {
    if std::env::args().nth(2).is_some_and(|only| only != name) {
        return;
    }
    let arrow_csv = |batch: &RecordBatch, out: &mut Vec<u8>| {
        let mut writer = arrow_csv::WriterBuilder::new()
            .with_header(false)
            .build(out);
        writer.write(batch).unwrap();
    };
    let (arrow_s, arrow_mb) = best_of(3, batches, arrow_csv);
    for dialect in [Dialect::Mysql, Dialect::Rfc4180] {
        let mut options = CsvOptions::dialect(dialect);
        options.header = false;
        let encoder = CsvEncoder::new(batches[0].schema_ref(), options).unwrap();
        let (s, mb) = best_of(7, batches, |batch, out| {
            encoder.encode(batch, 0, out).unwrap()
        });
        println!(
            "{name:9} {dialect:?}: {mb:.0} MB in {s:.3} s = {:.0} MB/s; arrow-csv {arrow_mb:.0} MB in {arrow_s:.3} s = {:.0} MB/s; {:.1} x",
            mb / s,
            arrow_mb / arrow_s,
            arrow_s / s
        );
    }
    if matches!(name, "lineitem" | "strings") {
        let mut options = CsvOptions::dialect(Dialect::Rfc4180);
        options.header = false;
        options.lines_terminated = "\n".into();
        let encoder = CsvEncoder::new(batches[0].schema_ref(), options).unwrap();
        for batch in batches {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            encoder.encode(batch, 0, &mut ours).unwrap();
            arrow_csv(batch, &mut theirs);
            assert!(ours == theirs, "{name}: the contents differ");
        }
    }
}

/// CPU seconds of the best run, and its megabytes. The buffer is used again for each batch, as an export does.
fn best_of(
    runs: usize,
    batches: &[RecordBatch],
    mut run: impl FnMut(&RecordBatch, &mut Vec<u8>),
) -> (f64, f64) {
    let mut out = Vec::new();
    let (mut best, mut bytes) = (f64::INFINITY, 0);
    for _ in 0..runs {
        bytes = 0;
        let start = cpu_s();
        for batch in batches {
            out.clear();
            run(batch, &mut out);
            bytes += out.len();
        }
        best = best.min(cpu_s() - start);
    }
    (best, bytes as f64 / 1e6)
}

/// CPU seconds of this thread, which other programs disturb less than the clock on the wall; that one elsewhere than on Linux.
fn cpu_s() -> f64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let on_cpu = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let on_cpu = on_cpu.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    on_cpu.map_or_else(
        || START.elapsed().as_secs_f64(),
        |nanoseconds| nanoseconds / 1e9,
    )
}

fn table(columns: Vec<(String, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn decimal(values: impl Iterator<Item = i128>) -> ArrayRef {
    Arc::new(
        Decimal128Array::from_iter_values(values)
            .with_precision_and_scale(15, 2)
            .unwrap(),
    )
}

/// Lineitem as DataFusion reads it from the Parquet files of tpchgen.
fn lineitem(rows: usize) -> Vec<RecordBatch> {
    let items: Vec<_> = LineItemGenerator::new(1.0, 1, 1)
        .iter()
        .take(rows)
        .collect();
    let batches = items.chunks(BATCH_ROWS).map(|rows| {
        macro_rules! column {
            ($array:ty, $field:ident $(. $method:ident ())?) => {
                Arc::new(<$array>::from_iter_values(rows.iter().map(|row| row.$field $(.$method())?))) as ArrayRef
            };
        }
        let columns: [(&str, ArrayRef); 16] = [
            ("l_orderkey", column!(Int64Array, l_orderkey)),
            ("l_partkey", column!(Int64Array, l_partkey)),
            ("l_suppkey", column!(Int64Array, l_suppkey)),
            ("l_linenumber", column!(Int32Array, l_linenumber)),
            ("l_quantity", decimal(rows.iter().map(|row| i128::from(row.l_quantity) * 100))),
            ("l_extendedprice", decimal(rows.iter().map(|row| row.l_extendedprice.into_inner().into()))),
            ("l_discount", decimal(rows.iter().map(|row| row.l_discount.into_inner().into()))),
            ("l_tax", decimal(rows.iter().map(|row| row.l_tax.into_inner().into()))),
            ("l_returnflag", column!(StringViewArray, l_returnflag)),
            ("l_linestatus", column!(StringViewArray, l_linestatus)),
            ("l_shipdate", column!(Date32Array, l_shipdate.to_unix_epoch())),
            ("l_commitdate", column!(Date32Array, l_commitdate.to_unix_epoch())),
            ("l_receiptdate", column!(Date32Array, l_receiptdate.to_unix_epoch())),
            ("l_shipinstruct", column!(StringViewArray, l_shipinstruct)),
            ("l_shipmode", column!(StringViewArray, l_shipmode)),
            ("l_comment", column!(StringViewArray, l_comment)),
        ];
        table(columns.map(|(name, array)| (name.to_owned(), array)).into())
    });
    batches.collect()
}

/// Eight columns of texts of 5 to 150 bytes, one in twenty with a quote.
fn strings(rows: usize) -> Vec<RecordBatch> {
    let words = [
        "alpha",
        "be\"ta",
        "gamma gamma",
        "delta, epsilon",
        "zeta eta theta iota kappa",
    ];
    let text = |row: usize, column: usize| {
        let mut seed = row * 31 + column * 17;
        let mut text = String::new();
        for _ in 0..1 + seed % 6 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let word = seed >> 40;
            text.push_str(
                words[if word.is_multiple_of(60) {
                    1
                } else {
                    [0, 2, 4][word % 3]
                }],
            );
        }
        text
    };
    let batch = |start: usize| {
        let columns = (0..8).map(|column| {
            let values = (start..rows.min(start + BATCH_ROWS)).map(|row| text(row, column));
            (
                format!("s{column}"),
                Arc::new(StringViewArray::from_iter_values(values)) as ArrayRef,
            )
        });
        table(columns.collect())
    };
    (0..rows).step_by(BATCH_ROWS).map(batch).collect()
}

/// Integers, floats, decimals and timestamps in turn.
fn numbers(rows: usize, columns: usize, is_null: impl Fn(usize) -> bool) -> Vec<RecordBatch> {
    let batch = |start: usize| {
        let column = |column: usize| {
            let rows = start..rows.min(start + BATCH_ROWS);
            let value = |row: usize| {
                let mix = (row * 37 + column + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) as i64;
                (!is_null(row + column)).then_some(mix >> (8 + mix as u64 % 48))
            };
            let values = rows.map(value);
            let array: ArrayRef = match column % 5 {
                0 => Arc::new(values.collect::<Int64Array>()),
                1 => Arc::new(
                    values
                        .map(|v| Some(v? as f64 / 1024.0))
                        .collect::<Float64Array>(),
                ),
                2 => Arc::new(
                    values
                        .map(|v| Some(i128::from(v? % 10_i64.pow(15))))
                        .collect::<Decimal128Array>()
                        .with_precision_and_scale(18, 4)
                        .unwrap(),
                ),
                3 => Arc::new(
                    values
                        .map(|v| Some((v? % 4_000_000_000_000_000).abs()))
                        .collect::<TimestampMicrosecondArray>(),
                ),
                _ => Arc::new(values.map(|v| Some(v? as i32)).collect::<Int32Array>()),
            };
            (format!("n{column}"), array)
        };
        table((0..columns).map(column).collect())
    };
    (0..rows).step_by(BATCH_ROWS).map(batch).collect()
}
