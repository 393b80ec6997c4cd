//! Dates, times, timestamps and durations. The calendar is the proleptic Gregorian one.
//! Years 0 to 9999 take a path without branches; others are written in full, with a minus before 0.

use std::fmt::Write as _;

use arrow::array::timezone::Tz;
use arrow::datatypes::TimestampSecondType;
use arrow::temporal_conversions::as_datetime_with_timezone;

use super::integer::{text4, text8};
use super::slot::{LONG, Slot, TEXT_MAX};

const DAY_S: i64 = 86_400;
/// 0000-03-01 and the day after 9999-12-31, in days since 1970-01-01.
const DAYS_FAST: std::ops::Range<i64> = -719_468..2_932_897;

/// The zone a timestamp is written in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Zone {
    tz: Tz,
    /// The offset of a zone that never changes it, so that it need not be looked up for each value.
    fixed_s: Option<i64>,
    pub(crate) with_offset: bool,
}

impl Zone {
    pub(crate) fn new(tz: Tz, is_fixed: bool, with_offset: bool) -> Self {
        let fixed_s = is_fixed.then(|| lookup_offset_s(0, tz));
        Self {
            tz,
            fixed_s,
            with_offset,
        }
    }
}

/// The civil date of a day in [`DAYS_FAST`], after Neri and Schneider, "Euclidean affine functions".
#[inline(always)]
fn civil(days: i64) -> (u32, u32, u32) {
    debug_assert!(DAYS_FAST.contains(&days));
    let n1 = 4 * (days - DAYS_FAST.start) as u32 + 3;
    let century = n1 / 146_097;
    let n2 = 4 * (n1 % 146_097 / 4) + 3;
    let p2 = 2_939_745 * u64::from(n2);
    let day_of_year = (p2 as u32) / 2_939_745 / 4;
    let n3 = 2141 * day_of_year + 197_913;
    let late = u32::from(day_of_year >= 306);
    let year = 100 * century + (p2 >> 32) as u32 + late;
    (year, (n3 >> 16) - 12 * late, (n3 & 0xffff) / 2141 + 1)
}

/// The civil date of any day; slower.
fn civil_any(days: i64) -> (i64, u32, u32) {
    // The calendar repeats itself every 400 years, 146,097 days.
    let cycles = (days - DAYS_FAST.start).div_euclid(146_097);
    let (year, month, day) = civil(days - cycles * 146_097);
    (i64::from(year) + 400 * cycles, month, day)
}

#[inline(always)]
fn put_date(slot: &mut Slot, days: i64) {
    let (year, month, day) = civil(days);
    let (year, month_day) = (u64::from(text4(year)), text4(month * 100 + day));
    let dash = u64::from(b'-');
    let word = year | dash << 32 | u64::from(month_day & 0xffff) << 40 | dash << 56;
    // SAFETY: both places are constants below 24.
    unsafe {
        slot.put8(0, word);
        slot.put2(8, (month_day >> 16) as u16);
    }
}

/// `HH:MM:SS` of a second within a day.
#[inline(always)]
fn clock(second: u32) -> u64 {
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let digits = text8(hour * 10_000 + minute * 100 + second);
    let colon = u64::from(b':');
    digits >> 16 & 0xffff
        | colon << 16
        | (digits >> 32 & 0xffff) << 24
        | colon << 40
        | (digits >> 48) << 48
}

/// Writes `.` and the digits of a fraction at `at <= 19`; returns the end.
#[inline(always)]
fn put_fraction<const DIGITS: u32>(slot: &mut Slot, at: usize, fraction: u32) -> usize {
    debug_assert!(at <= 19);
    if DIGITS == 0 {
        return at;
    }
    // SAFETY: `at <= 19`, so the writes begin at 21 or before, below 24.
    unsafe {
        if DIGITS == 9 {
            let first = fraction / 100_000_000;
            slot.put2(
                at,
                u16::from(b'.') | ((first as u16) | u16::from(b'0')) << 8,
            );
            slot.put8(at + 2, text8(fraction % 100_000_000));
        } else {
            let digits = text8(fraction) >> (8 * (8 - DIGITS));
            slot.put8(at, u64::from(b'.') | digits << 8);
        }
    }
    at + 1 + DIGITS as usize
}

/// Cell writer for a date: `YYYY-MM-DD`.
#[inline(always)]
pub(crate) fn write_date(days: i64, slot: &mut Slot, spill: &mut Vec<u8>) -> usize {
    if DAYS_FAST.contains(&days) {
        put_date(slot, days);
        10
    } else {
        push(spill, &date_any(days))
    }
}

#[cold]
fn date_any(days: i64) -> String {
    let (year, month, day) = civil_any(days);
    let sign = if year < 0 { "-" } else { "" };
    format!("{sign}{:04}-{month:02}-{day:02}", year.unsigned_abs())
}

/// Takes off the last `undeclared` bytes of a text just written, if they say nothing: a value that an
/// expression gave more digits than its column declares keeps them.
#[inline(always)]
pub(crate) fn shorten(
    len: usize,
    undeclared: usize,
    slot: &mut Slot,
    spill: &mut Vec<u8>,
) -> usize {
    if undeclared == 0 {
        return len;
    }
    let empty = |tail: &[u8]| tail.iter().all(|byte| matches!(byte, b'0' | b'.'));
    if len == LONG {
        let kept = spill.len().saturating_sub(undeclared);
        if empty(&spill[kept..]) {
            spill.truncate(kept);
        }
        return LONG;
    }
    let kept = len.saturating_sub(undeclared);
    if empty(slot.bytes(kept..len)) {
        kept
    } else {
        len
    }
}

fn push(spill: &mut Vec<u8>, text: &str) -> usize {
    spill.extend_from_slice(text.as_bytes());
    LONG
}

/// Cell writer for a timestamp of `DIGITS` fractional digits: `YYYY-MM-DD HH:MM:SS[.f…]`.
#[inline(always)]
pub(crate) fn write_timestamp<const DIGITS: u32>(
    value: i64,
    zone: Option<Zone>,
    slot: &mut Slot,
    spill: &mut Vec<u8>,
) -> usize {
    let (unit, per_day) = const { (10_i64.pow(DIGITS), 10_i64.pow(DIGITS) * DAY_S) };
    let (days, rest) = (value.div_euclid(per_day), value.rem_euclid(per_day));
    if zone.is_some() || !DAYS_FAST.contains(&days) {
        return push(spill, &timestamp_any(value, DIGITS, zone));
    }
    put_date(slot, days);
    // SAFETY: the places are constants, at most 24.
    unsafe {
        slot.put2(10, u16::from(b' '));
        slot.put8(11, clock((rest / unit) as u32));
    }
    put_fraction::<DIGITS>(slot, 19, (rest % unit) as u32)
}

/// As `write_timestamp`, in a zone; the text with an offset may be longer than a slot.
#[inline(never)]
pub(crate) fn write_zoned<const DIGITS: u32>(
    value: i64,
    zone: Zone,
    slot: &mut Slot,
    spill: &mut Vec<u8>,
) -> usize {
    let unit = const { 10_i64.pow(DIGITS) };
    let shift = offset_s(value.div_euclid(unit), zone);
    match shift
        .checked_mul(unit)
        .and_then(|shift| value.checked_add(shift))
    {
        Some(local) if !zone.with_offset => write_timestamp::<DIGITS>(local, None, slot, spill),
        _ => {
            let text = timestamp_any(value, DIGITS, Some(zone));
            if text.len() <= TEXT_MAX {
                slot.put_text(text.as_bytes())
            } else {
                push(spill, &text)
            }
        }
    }
}

/// Seconds to add to UTC; outside the zone library's range of years the offset is taken as zero.
fn offset_s(second: i64, zone: Zone) -> i64 {
    zone.fixed_s
        .unwrap_or_else(|| lookup_offset_s(second, zone.tz))
}

fn lookup_offset_s(second: i64, tz: Tz) -> i64 {
    as_datetime_with_timezone::<TimestampSecondType>(second, tz)
        .map_or(0, |at| at.naive_local().and_utc().timestamp() - second)
}

fn timestamp_any(value: i64, digits: u32, zone: Option<Zone>) -> String {
    let unit = 10_i64.pow(digits);
    let (utc, fraction) = (value.div_euclid(unit), value.rem_euclid(unit));
    let shift = zone.map_or(0, |zone| offset_s(utc, zone));
    let local = i128::from(utc) + i128::from(shift);
    let (days, second) = (
        local.div_euclid(DAY_S.into()) as i64,
        local.rem_euclid(DAY_S.into()),
    );
    let mut text = date_any(days);
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        " {:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    if digits > 0 {
        let _ = write!(text, ".{fraction:0width$}", width = digits as usize);
    }
    if zone.is_some_and(|zone| zone.with_offset) {
        let (sign, shift) = (if shift < 0 { '-' } else { '+' }, shift.unsigned_abs());
        let _ = write!(text, "{sign}{:02}:{:02}", shift / 3600, shift / 60 % 60);
        if shift % 60 != 0 {
            let _ = write!(text, ":{:02}", shift % 60);
        }
    }
    text
}

/// Cell writer for a time of day or a duration: `[-]HH:MM:SS[.f…]`, with more hours where needed.
#[inline(always)]
pub(crate) fn write_time<const DIGITS: u32>(
    value: i64,
    slot: &mut Slot,
    spill: &mut Vec<u8>,
) -> usize {
    let (unit, per_day) = const { (10_i64.pow(DIGITS), 10_i64.pow(DIGITS) * DAY_S) };
    if (0..per_day).contains(&value) {
        // SAFETY: the place is 0.
        unsafe { slot.put8(0, clock((value / unit) as u32)) };
        return put_fraction::<DIGITS>(slot, 8, (value % unit) as u32);
    }
    push(spill, &time_any(value, DIGITS))
}

#[cold]
fn time_any(value: i64, digits: u32) -> String {
    let (sign, value) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    let unit = 10_u64.pow(digits);
    let (second, fraction) = (value / unit, value % unit);
    let mut text = format!(
        "{sign}{:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    if digits > 0 {
        let _ = write!(text, ".{fraction:0width$}", width = digits as usize);
    }
    text
}

/// Cell writer for an interval: ISO 8601, each part with its own sign (`P14M-3DT4.000000005S`), `PT0S` for none.
pub(crate) fn write_interval(
    months: i32,
    days: i32,
    nanoseconds: i64,
    spill: &mut Vec<u8>,
) -> usize {
    let mut text = "P".to_owned();
    for (part, letter) in [(months, 'M'), (days, 'D')] {
        if part != 0 {
            let _ = write!(text, "{part}{letter}");
        }
    }
    if nanoseconds != 0 || text.len() == 1 {
        let (sign, rest) = (
            if nanoseconds < 0 { "-" } else { "" },
            nanoseconds.unsigned_abs(),
        );
        let _ = write!(text, "T{sign}{}", rest / 1_000_000_000);
        let fraction = format!("{:09}", rest % 1_000_000_000);
        let fraction = fraction.trim_end_matches('0');
        if !fraction.is_empty() {
            let _ = write!(text, ".{fraction}");
        }
        text.push('S');
    }
    push(spill, &text)
}
