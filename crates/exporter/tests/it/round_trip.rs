//! Whatever the values and the options are: either the encoder refuses them, or the reader of the
//! documented rules gets the same values back, NULL, `''` and the marker as text distinct.

use arrow::array::*;
use arrow::datatypes::Int16Type;
use proptest::prelude::*;
use stagedoor_exporter::EncodeErrorKind;
use stagedoor_exporter::csv::{CsvEncoder, CsvOptions, Dialect, QuotePolicy};

use crate::reader;
use crate::tables::{column, table};

/// Texts made of the characters that matter, and a few longer ones.
fn text() -> impl Strategy<Value = String> {
    let character = prop::sample::select(vec![
        'a', 'N', '\\', '"', '\'', ',', ';', '|', '\n', '\r', '-', '=', '0', 'é', ' ', '\t', '.',
    ]);
    let short = prop::collection::vec(character.clone(), 0..6);
    let long = prop::collection::vec(character, 20..70);
    prop_oneof![
        6 => short.prop_map(String::from_iter),
        2 => long.prop_map(String::from_iter),
        1 => prop::sample::select(vec!["", "\\N", "NULL", "0", "\\.", "plain text of thirty bytes or so.."]).prop_map(str::to_owned),
    ]
}

fn options() -> impl Strategy<Value = CsvOptions> {
    let dialects = [Dialect::Mysql, Dialect::Rfc4180, Dialect::Postgres]
        .map(CsvOptions::dialect)
        .to_vec();
    let some =
        |values: Vec<&'static str>| prop::option::weighted(0.3, prop::sample::select(values));
    (
        prop::sample::select(dialects),
        some(vec![
            ",",
            ";",
            "|",
            "||",
            "\t",
            "-",
            ".",
            "0",
            "<separator>",
        ]),
        some(vec!["\n", "\r\n", "|", ";\n", "end of line\n"]),
        some(vec!["", "NULL", "\\N", "0", "-", "NaN"]),
        prop::option::weighted(
            0.4,
            prop::sample::select(vec![None, Some(b'"'), Some(b'\''), Some(b'-')]),
        ),
        prop::option::weighted(
            0.4,
            prop::sample::select(vec![None, Some(b'\\'), Some(b'"'), Some(b'$'), Some(b'.')]),
        ),
        prop::option::weighted(
            0.3,
            prop::sample::select(vec![
                QuotePolicy::All,
                QuotePolicy::Needed,
                QuotePolicy::Strings,
            ]),
        ),
        some(vec!["> "]),
        any::<bool>(),
    )
        .prop_map(
            |(base, fields, lines, null, enclosed, escaped, quote, start, force)| {
                let own =
                    |text: Option<&str>, base: &String| text.map_or(base.clone(), str::to_owned);
                with!(
                    base.clone(),
                    fields_terminated: own(fields, &base.fields_terminated),
                    lines_terminated: own(lines, &base.lines_terminated),
                    null: own(null, &base.null),
                    enclosed: enclosed.unwrap_or(base.enclosed),
                    escaped: escaped.unwrap_or(base.escaped),
                    quote: quote.unwrap_or(base.quote),
                    lines_starting: own(start, &base.lines_starting),
                    header: false,
                    force_quote: match force {
                        true => vec!["int".to_owned(), "dict".to_owned()],
                        false => Vec::new(),
                    },
                )
            },
        )
}

type Values = (Option<String>, Option<i64>, Option<f64>, Option<i64>);

fn batch(rows: &[Values]) -> RecordBatch {
    let texts = || rows.iter().map(|row| row.0.as_deref());
    let decimals = Decimal128Array::from_iter(rows.iter().map(|row| row.1.map(i128::from)));
    table(vec![
        column("view", texts().collect::<StringViewArray>()),
        column("int", rows.iter().map(|row| row.1).collect::<Int64Array>()),
        column("text", texts().collect::<StringArray>()),
        column(
            "float",
            rows.iter().map(|row| row.2).collect::<Float64Array>(),
        ),
        column("dict", texts().collect::<DictionaryArray<Int16Type>>()),
        column(
            "time",
            rows.iter()
                .map(|row| row.3)
                .collect::<TimestampMicrosecondArray>(),
        ),
        column("decimal", decimals.with_precision_and_scale(38, 2).unwrap()),
        column(
            "binary",
            BinaryArray::from_iter(rows.iter().map(|row| row.0.as_deref().map(str::as_bytes))),
        ),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn values_come_back_or_are_refused(
        rows in prop::collection::vec((prop::option::weighted(0.8, text()), any::<Option<i64>>(), any::<Option<f64>>(), any::<Option<i64>>()), 0..20),
        options in options(),
        skip in 0_usize..3,
    ) {
        // A slice, so that offsets and NULL bits do not begin at their buffers' beginnings.
        let whole = batch(&rows);
        let skip = skip.min(rows.len());
        let batch = whole.slice(skip, rows.len() - skip);
        let rows = &rows[skip..];
        let encoder = match CsvEncoder::new(batch.schema_ref(), options.clone()) {
            Ok(encoder) => encoder,
            Err(error) => {
                prop_assert_eq!(error.kind(), EncodeErrorKind::InvalidOptions);
                return Ok(());
            }
        };
        let mut out = b"before".to_vec();
        if let Err(error) = encoder.encode(&batch, 0, &mut out) {
            // Only without an enclosure may a value be refused.
            prop_assert!(options.enclosed.is_none(), "{}", error);
            prop_assert_eq!(error.kind(), EncodeErrorKind::Value);
            prop_assert_eq!(out, b"before");
            return Ok(());
        }
        let read = reader::read(&out[6..], &options);
        prop_assert_eq!(read.len(), rows.len());
        for (found, (text, int, float, _)) in read.iter().zip(rows) {
            let text = text.as_ref().map(|text| text.as_bytes().to_vec());
            for at in [0, 2, 4, 7] {
                prop_assert_eq!(&found[at], &text, "column {}", at);
            }
            let string = |at: usize| found[at].as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            prop_assert_eq!(string(1).map(|text| text.parse::<i64>().unwrap()), *int);
            prop_assert_eq!(string(3).map(|text| text.parse::<f64>().unwrap().to_bits()), float.map(f64::to_bits));
            let cents = string(6).map(|text| text.replace('.', "").parse::<i64>().unwrap());
            prop_assert_eq!(cents, *int);
        }
        let times = read.iter().map(|row| row[5].is_some()).collect::<Vec<_>>();
        prop_assert_eq!(times, rows.iter().map(|row| row.3.is_some()).collect::<Vec<_>>());
    }
}
