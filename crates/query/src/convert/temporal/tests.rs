//! The calendar against itself over 400 years, and the text forms one by one.

use super::*;

#[test]
fn every_day_of_four_centuries_goes_there_and_back() {
    let mut previous = Civil::from_days(-150_000);
    for days in -149_999..=20_000 {
        let date = Civil::from_days(days);
        assert_eq!(date.days(), days);
        assert!((date.year, date.month, date.day) > (previous.year, previous.month, previous.day));
        assert!(date.day <= month_days(date.year, date.month));
        previous = date;
    }
    assert_eq!(Civil::from_days(0).date_text(), "1970-01-01");
    assert_eq!(Civil::from_days(11_016).date_text(), "2000-02-29");
    assert_eq!(Civil::from_days(0).weekday(), 4);
}

#[test]
fn text_forms() {
    let text = |text: &str| {
        parse_datetime(text).map(|(civil, time)| {
            if time {
                civil.datetime_text()
            } else {
                civil.date_text()
            }
        })
    };
    for (given, wanted) in [
        ("2024-02-29", Some("2024-02-29")),
        ("2024-2-9", Some("2024-02-09")),
        ("2024/02/29", Some("2024-02-29")),
        ("20240229", Some("2024-02-29")),
        ("20240229123456", Some("2024-02-29 12:34:56")),
        ("2024-02-29 12:34", Some("2024-02-29 12:34:00")),
        ("2024-02-29T12:34:56.5", Some("2024-02-29 12:34:56.500000")),
        ("2024-12-31 23:59:59.9999999", Some("2025-01-01 00:00:00")),
        ("2024-01-01 00:30:00+01:00", Some("2023-12-31 23:30:00")),
        ("2024-01-01 00:30:00Z", Some("2024-01-01 00:30:00")),
        ("20-1-1", Some("2020-01-01")),
        ("69-1-1", Some("2069-01-01")),
        ("70-1-1", Some("1970-01-01")),
        ("0020-01-01", Some("0020-01-01")),
        ("240229", Some("2024-02-29")),
        ("240229123456", Some("2024-02-29 12:34:56")),
        ("20240229123456.75", Some("2024-02-29 12:34:56.750000")),
        ("2024-02-29 12", Some("2024-02-29 12:00:00")),
        ("2024-02-29 12:34:56.", Some("2024-02-29 12:34:56")),
        ("2023-02-29", None),
        ("2024-13-01", None),
        ("2024-01-01 24:00:00", None),
        ("2024-01-01 x", None),
        ("", None),
        ("tomorrow", None),
    ] {
        assert_eq!(text(given).as_deref(), wanted, "{given}");
    }
    assert_eq!(parse_time("12:34:56.5"), Some(45_296_500_000));
    assert_eq!(parse_time("-838:59:59"), Some(-3_020_399 * SECOND_US));
    assert_eq!(parse_time("1234"), Some(754 * SECOND_US));
    assert_eq!(parse_time("12:60"), None);
    assert_eq!(parse_time("12:34"), Some(45_240 * SECOND_US));
    assert_eq!(parse_time("2 01:00:00"), Some(49 * 3600 * SECOND_US));
    assert_eq!(parse_time("123456.5"), Some(45_296_500_000));
    assert_eq!(parse_time("8385959"), Some(TIME_US_MAX));
    assert_eq!(parse_time("900:00:00"), Some(900 * 3600 * SECOND_US));
    assert_eq!(parse_time("2024-01-01 12:34:56"), Some(45_296 * SECOND_US));
    assert_eq!(parse_time("2024-01-01"), None);
    assert_eq!(parse_time("x"), None);
    assert_eq!(round_us(1_500_000, 0), Some(2_000_000));
    assert_eq!(round_us(-1_500_000, 0), Some(-1_000_000));
    assert_eq!(round_us(1_499_999, 0), Some(1_000_000));
    assert_eq!(round_us(1_499_950, 4), Some(1_500_000));
    assert_eq!(round_us(7, 6), Some(7));
}

#[test]
fn a_month_later_is_no_later_than_its_last_day() {
    let date = |text: &str| parse_datetime(text).map(|(civil, _)| civil);
    let later = |text: &str, months| {
        date(text)
            .and_then(|civil| civil.plus_months(months))
            .map(|civil| civil.date_text())
    };
    assert_eq!(later("2024-01-31", 1).as_deref(), Some("2024-02-29"));
    assert_eq!(later("2024-03-31", -13).as_deref(), Some("2023-02-28"));
    assert_eq!(
        date("2024-12-31").map(|civil| civil.day_of_year()),
        Some(366)
    );
}
