//! Differential test against arrow-csv's writer, where the two mean the same: quotes where needed,
//! no NULLs, floats within the range both write without an exponent.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{DataType, Field, Schema};
use proptest::prelude::*;
use stagedoor_exporter::csv::{CsvEncoder, CsvOptions, Dialect};

fn table(rows: &[(i64, i32, String, bool, i32)]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0))),
        Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| row.1))),
        Arc::new(StringViewArray::from_iter_values(
            rows.iter().map(|row| &row.2),
        )),
        Arc::new(LargeStringArray::from_iter_values(
            rows.iter().map(|row| &row.2),
        )),
        Arc::new(rows.iter().map(|row| Some(row.3)).collect::<BooleanArray>()),
        Arc::new(
            Decimal64Array::from_iter_values(rows.iter().map(|row| row.4.into()))
                .with_precision_and_scale(12, 3)
                .unwrap(),
        ),
    ];
    let fields = columns.iter().enumerate();
    let fields =
        fields.map(|(at, array)| Field::new(format!("c{at}"), array.data_type().clone(), false));
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn same_bytes_as_arrow_csv(
        rows in prop::collection::vec((any::<i64>(), -700_000..2_900_000_i32, "[a-z,\"\n =]{1,40}", any::<bool>(), any::<i32>()), 0..700),
    ) {
        let batch = table(&rows);
        let options = with!(CsvOptions::dialect(Dialect::Rfc4180), lines_terminated: "\n".into());
        let encoder = CsvEncoder::new(batch.schema_ref(), options).unwrap();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        encoder.header(&mut ours);
        encoder.encode(&batch, 0, &mut ours).unwrap();
        arrow_csv::WriterBuilder::new().with_header(true).build(&mut theirs).write(&batch).unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&theirs));
        prop_assert_eq!(batch.column(3).data_type(), &DataType::LargeUtf8);
    }
}
