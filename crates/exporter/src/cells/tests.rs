//! Unit tests of the digit arithmetic, against plain formatting and a calendar counted day by day.

use super::slot::{Slot, TEXT_MAX};
use super::{decimal, float, integer, temporal};

fn text(write: impl FnOnce(&mut Slot, &mut Vec<u8>) -> usize) -> String {
    let (mut slot, mut spill) = (Slot::EMPTY, Vec::new());
    let len = write(&mut slot, &mut spill);
    let bytes = if len == super::slot::LONG {
        spill
    } else {
        assert!(len <= TEXT_MAX && spill.is_empty());
        slot.set_len(len);
        slot.text(&[]).to_vec()
    };
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn all_groups_of_eight_digits() {
    let mut expected = *b"00000000";
    for value in 0..100_000_000 {
        let digits = integer::text8(value).to_le_bytes();
        assert_eq!(digits, expected, "{value}");
        for digit in expected.iter_mut().rev() {
            *digit += 1;
            if *digit <= b'9' {
                break;
            }
            *digit = b'0';
        }
    }
}

/// Powers of ten and of two with their neighbours, of both signs.
fn edges() -> impl Iterator<Item = i128> {
    let powers = (0..38)
        .map(|at| 10_i128.pow(at))
        .chain((0..127).map(|at| 1 << at));
    powers.flat_map(|power| [power - 1, power, power + 1, -power, 1 - power, -1 - power])
}

#[test]
fn integers_at_every_edge() {
    for value in edges() {
        if let Ok(value) = i64::try_from(value) {
            assert_eq!(
                text(|slot, _| integer::write_i64(value, slot)),
                value.to_string()
            );
        }
        if let Ok(value) = u64::try_from(value) {
            assert_eq!(
                text(|slot, _| integer::write_u64(value, slot)),
                value.to_string()
            );
        }
    }
    assert_eq!(
        text(|slot, _| integer::write_i64(i64::MIN, slot)),
        i64::MIN.to_string()
    );
    assert_eq!(
        text(|slot, _| integer::write_u64(u64::MAX, slot)),
        u64::MAX.to_string()
    );
}

#[test]
fn decimals_at_every_edge_and_scale() {
    for value in edges().chain([0, 5, -5, 12_345_678, 99_999_999]) {
        for scale in -3_i8..=38 {
            let digits = value.unsigned_abs().to_string();
            let mut expected = if scale > 0 {
                let scale = scale as usize;
                let padded = format!("{digits:0>width$}", width = scale + 1);
                let (whole, fraction) = padded.split_at(padded.len() - scale);
                format!("{whole}.{fraction}")
            } else if value == 0 {
                "0".to_owned()
            } else {
                digits + &"0".repeat(usize::from(scale.unsigned_abs()))
            };
            if value < 0 {
                expected.insert(0, '-');
            }
            let found = text(|slot, spill| decimal::write_i128(value, scale, slot, spill));
            assert_eq!(found, expected, "{value} scale {scale}");
        }
    }
}

#[test]
fn floats_have_no_exponent_and_read_back() {
    let cases = [
        (1e20, "100000000000000000000"),
        (-0.0, "-0"),
        (0.0, "0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1.5e-7, "0.00000015"),
        (123_456_789.125, "123456789.125"),
        (1e16, "10000000000000000"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
    ];
    for (value, expected) in cases {
        assert_eq!(
            text(|slot, spill| float::write_f64(value, slot, spill)),
            expected
        );
    }
    let mut bits = 0x0123_4567_89ab_cdef_u64;
    for _ in 0..200_000 {
        bits = bits
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (wide, narrow) = (f64::from_bits(bits), f32::from_bits((bits >> 32) as u32));
        if wide.is_finite() {
            let found = text(|slot, spill| float::write_f64(wide, slot, spill));
            assert_eq!(
                found.parse::<f64>().map(f64::to_bits),
                Ok(wide.to_bits()),
                "{found}"
            );
            // As short as the standard library's; of two equally near texts either may be taken.
            assert_eq!(found.len(), wide.to_string().len());
        }
        if narrow.is_finite() {
            let found = text(|slot, spill| float::write_f32(narrow, slot, spill));
            assert_eq!(
                found.parse::<f32>().map(f32::to_bits),
                Ok(narrow.to_bits()),
                "{found}"
            );
            assert_eq!(found.len(), narrow.to_string().len());
        }
    }
}

#[test]
fn every_day_of_ten_thousand_years() {
    let (mut year, mut month, mut day) = (0, 1, 1);
    for days in -719_528..=2_932_896_i64 {
        let found = text(|slot, spill| temporal::write_date(days, slot, spill));
        assert_eq!(found, format!("{year:04}-{month:02}-{day:02}"), "{days}");
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 => 28 + i32::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        day += 1;
        if day > last {
            (day, month) = (1, month + 1);
        }
        if month > 12 {
            (month, year) = (1, year + 1);
        }
    }
    assert_eq!(
        text(|slot, spill| temporal::write_date(2_932_897, slot, spill)),
        "10000-01-01"
    );
    assert_eq!(
        text(|slot, spill| temporal::write_date(-719_529, slot, spill)),
        "-0001-12-31"
    );
}

#[test]
fn every_second_of_a_day() {
    for second in 0..86_400 {
        let expected = format!(
            "{:02}:{:02}:{:02}",
            second / 3600,
            second / 60 % 60,
            second % 60
        );
        assert_eq!(
            text(|slot, spill| temporal::write_time::<0>(second, slot, spill)),
            expected
        );
    }
    assert_eq!(
        text(|slot, spill| temporal::write_time::<3>(-1, slot, spill)),
        "-00:00:00.001"
    );
    assert_eq!(
        text(|slot, spill| temporal::write_time::<0>(360_001, slot, spill)),
        "100:00:01"
    );
}

#[test]
fn timestamps_at_the_ends_of_their_range() {
    let nanos = |v| text(|slot, spill| temporal::write_timestamp::<9>(v, None, slot, spill));
    assert_eq!(nanos(-1), "1969-12-31 23:59:59.999999999");
    assert_eq!(nanos(i64::MAX), "2262-04-11 23:47:16.854775807");
    assert_eq!(nanos(i64::MIN), "1677-09-21 00:12:43.145224192");
    let seconds = |v| text(|slot, spill| temporal::write_timestamp::<0>(v, None, slot, spill));
    assert_eq!(seconds(253_402_300_799), "9999-12-31 23:59:59");
    assert_eq!(seconds(253_402_300_800), "10000-01-01 00:00:00");
    // Only that the largest values neither overflow nor panic.
    assert!(seconds(i64::MAX).len() > 19 && seconds(i64::MIN).starts_with('-'));
}

#[test]
fn a_column_declares_its_fractional_digits() -> Result<(), Box<dyn std::error::Error>> {
    use arrow::array::{ArrayRef, RecordBatch, Time64MicrosecondArray, TimestampMillisecondArray};
    use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
    use std::collections::HashMap;
    use std::sync::Arc;

    let declared = |name: &str, data_type: DataType, sql: &str| {
        let metadata = HashMap::from([("stagedoor:sql_type".to_owned(), sql.to_owned())]);
        Field::new(name, data_type, true).with_metadata(metadata)
    };
    let time = DataType::Time64(TimeUnit::Microsecond);
    let schema = Arc::new(Schema::new(vec![
        declared("a", time.clone(), "time"),
        declared("b", time.clone(), "time(2)"),
        declared(
            "c",
            DataType::Timestamp(TimeUnit::Millisecond, None),
            "datetime(1)",
        ),
        Field::new("d", time, true),
    ]));
    let times = Arc::new(Time64MicrosecondArray::from(vec![1_500_000, 2_000_000, -1])) as ArrayRef;
    let stamps = Arc::new(TimestampMillisecondArray::from(vec![
        100,
        0,
        253_402_300_800_000,
    ])) as ArrayRef;
    let columns = vec![times.clone(), times.clone(), stamps, times];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    let mut out = Vec::new();
    let encoder = crate::csv::CsvEncoder::new(&schema, crate::csv::CsvOptions::default())?;
    encoder.encode(&batch, 0, &mut out)?;
    // A value with more digits than declared keeps them: nothing is cut but zeros.
    assert_eq!(
        String::from_utf8(out)?,
        "00:00:01.500000,00:00:01.50,1970-01-01 00:00:00.1,00:00:01.500000\n\
         00:00:02,00:00:02.00,1970-01-01 00:00:00.0,00:00:02.000000\n\
         -00:00:00.000001,-00:00:00.000001,10000-01-01 00:00:00.0,-00:00:00.000001\n"
    );
    Ok(())
}

#[test]
fn intervals() {
    let interval = |m, d, n| text(|_, spill| temporal::write_interval(m, d, n, spill));
    assert_eq!(interval(0, 0, 0), "PT0S");
    assert_eq!(interval(14, -3, 4_000_000_005), "P14M-3DT4.000000005S");
    assert_eq!(interval(0, 0, i64::MIN), "PT-9223372036.854775808S");
}
