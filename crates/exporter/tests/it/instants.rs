//! Instants: what the options say about zones is what is written, alike for every column and format, and on record.

use arrow::array::*;
use futures::executor::block_on;
use futures::stream;
use stagedoor_exporter::csv::{CsvOptions, Dialect};
use stagedoor_exporter::jsonline::JsonLineOptions;
use stagedoor_exporter::{ExportOptions, MemorySink, export};

use crate::tables::{column, table};

/// Two instants an hour apart: in Berlin the clocks are set back between them, and both show half past two.
const TWICE: [i64; 2] = [1_792_888_200, 1_792_888_200 + 3600];

/// The same instants in columns of three zones, and the same digits without one.
fn batch() -> RecordBatch {
    let zoned = |name: &str, zone: &str| {
        let instants = TimestampSecondArray::from_iter_values(TWICE);
        column(name, instants.with_timezone(zone))
    };
    table(vec![
        zoned("berlin", "Europe/Berlin"),
        zoned("tokyo", "Asia/Tokyo"),
        zoned("utc", "+00:00"),
        column("local", TimestampSecondArray::from_iter_values(TWICE)),
    ])
}

fn text(options: ExportOptions) -> String {
    let sink = MemorySink::default();
    let source = stream::iter([Ok::<_, std::io::Error>(batch())]);
    block_on(export(source, sink.clone(), options)).unwrap();
    String::from_utf8(sink.parts().remove(0).1).unwrap()
}

fn csv(options: CsvOptions) -> ExportOptions {
    let options = with!(options, header: false);
    ExportOptions::csv(batch().schema_ref(), options).unwrap()
}

fn mysql(zone: Option<&str>, zone_offset: bool) -> CsvOptions {
    with!(CsvOptions::default(), time_zone: zone.map(str::to_owned), zone_offset: zone_offset)
}

#[test]
fn one_zone_holds_for_all_columns() {
    let (first, second) = ("2026-10-25 00:30:00", "2026-10-25 01:30:00");
    let row = |instant: &str| format!("{instant},{instant},{instant},{instant}\n");
    assert_eq!(
        text(csv(mysql(Some("UTC"), false))),
        row(first) + &row(second)
    );
    let mut json = JsonLineOptions::default();
    json.time_zone = Some("UTC".to_owned());
    let json = ExportOptions::jsonline(batch().schema_ref(), &json).unwrap();
    assert_eq!(json.in_force()["time_zone"], "UTC");
    let object = |instant: &str| {
        format!(
            "{{\"berlin\":\"{instant}\",\"tokyo\":\"{instant}\",\"utc\":\"{instant}\",\"local\":\"{instant}\"}}\n"
        )
    };
    assert_eq!(text(json), object(first) + &object(second));
}

/// What has no zone is no instant: the zone of the session does not move it.
#[test]
fn local_times_are_left_alone() {
    let local = |zone| {
        let text = text(csv(mysql(zone, false)));
        let cells = text
            .lines()
            .map(|line| line.rsplit(',').next().unwrap().to_owned());
        cells.collect::<Vec<_>>()
    };
    assert_eq!(local(Some("Asia/Tokyo")), local(Some("UTC")));
    assert_eq!(local(None), local(Some("UTC")));
}

#[test]
fn an_hour_that_comes_twice_is_told_apart_by_its_offset() {
    let berlin = |offset| {
        let text = text(csv(mysql(Some("Europe/Berlin"), offset)));
        let cells = text
            .lines()
            .map(|line| line.split(',').next().unwrap().to_owned());
        cells.collect::<Vec<_>>()
    };
    let bare = berlin(false);
    assert_eq!(bare[0], bare[1]);
    let told = berlin(true);
    assert_eq!(told[0], format!("{}+02:00", bare[0]));
    assert_eq!(told[1], format!("{}+01:00", bare[1]));
}

#[test]
fn the_zone_is_on_record() {
    let postgres = CsvOptions::dialect(Dialect::Postgres);
    let options = csv(with!(postgres, time_zone: Some("Asia/Tokyo".to_owned())));
    assert_eq!(options.in_force()["time_zone"], "Asia/Tokyo");
    assert_eq!(options.in_force()["zone_offset"], true);
    let text = text(options);
    let cells: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    assert!(
        cells[..3].iter().all(|cell| cell.ends_with("+09:00")),
        "{text}"
    );
    assert_eq!(cells[3], "2026-10-25 00:30:00");
}
