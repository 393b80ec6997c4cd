//! STR_TO_DATE: text by the codes of DATE_FORMAT, NULL where it does not fit
//! (MySQL 8.4 manual, "STR_TO_DATE").

use super::date_format::{DAYS, MONTHS};
use super::rowwise::{Args, Cell, Gives, Kind, RowFunction};
use crate::temporal::{Civil, SECOND_US, month_days};
use datafusion::common::Result;

pub(super) fn functions() -> Vec<RowFunction> {
    const TEXTS: &[Kind] = &[Kind::Text, Kind::Text];
    vec![
        RowFunction::new("mysql_str_to_datetime", TEXTS, Gives::Moment, |a, r| {
            parsed(a, r, |read| {
                read.civil().map(|civil| Cell::Moment(civil.micros()))
            })
        }),
        RowFunction::new("mysql_str_to_date", TEXTS, Gives::Date, |a, r| {
            parsed(a, r, |read| {
                read.civil()
                    .and_then(|civil| i32::try_from(civil.days()).ok())
                    .map(Cell::Date)
            })
        }),
        RowFunction::new("mysql_str_to_time", TEXTS, Gives::Clock, |a, r| {
            parsed(a, r, |read| read.time_us().map(Cell::Clock))
        }),
    ]
}

/// Which of the three a format asks for: has it a code of a date, and one of a time.
pub(crate) fn parts_of(format: &str) -> (bool, bool) {
    let mut chars = format.chars();
    let (mut date, mut time) = (false, false);
    while let Some(char) = chars.next() {
        if char != '%' {
            continue;
        }
        match chars.next() {
            Some('H' | 'k' | 'h' | 'I' | 'l' | 'i' | 's' | 'S' | 'f' | 'p' | 'T' | 'r') => {
                time = true;
            }
            Some(
                'Y' | 'y' | 'm' | 'c' | 'M' | 'b' | 'd' | 'e' | 'D' | 'j' | 'W' | 'a' | 'w' | 'U'
                | 'u' | 'V' | 'v' | 'X' | 'x',
            ) => date = true,
            _ => {}
        }
    }
    (date, time)
}

fn parsed(args: &Args, row: usize, give: fn(&Read) -> Option<Cell>) -> Result<Option<Cell>> {
    let (Some(text), Some(format)) = (args.text(0, row), args.text(1, row)) else {
        return Ok(None);
    };
    Ok(Read::by(text, format).and_then(|read| give(&read)))
}

/// What a text gave so far.
#[derive(Debug, Default, Clone, Copy)]
struct Read {
    year: Option<i64>,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    twelve: bool,
    afternoon: bool,
}

impl Read {
    /// Reads `text` by `format`; text that is left over is not looked at.
    fn by(text: &str, format: &str) -> Option<Self> {
        let mut read = Self::default();
        read.take(&mut text.trim_start(), format)?;
        Some(read)
    }

    fn take(&mut self, text: &mut &str, format: &str) -> Option<()> {
        let mut codes = format.chars();
        while let Some(code) = codes.next() {
            if code.is_whitespace() {
                *text = text.trim_start();
                continue;
            }
            // MySQL passes over blanks before every part.
            *text = text.trim_start();
            if text.is_empty() {
                // What is missing at the end stays zero.
                return Some(());
            }
            if code != '%' {
                *text = text.strip_prefix(code)?;
                continue;
            }
            match codes.next()? {
                'Y' => self.year = Some(full_year(text)?),
                'y' => {
                    let year = number(text, 2)?;
                    self.year = Some(if year < 70 { year + 2000 } else { year + 1900 });
                }
                'm' | 'c' => self.month = Some(number(text, 2)? as u32),
                'M' => self.month = Some(name(text, &MONTHS, usize::MAX)? as u32 + 1),
                'b' => self.month = Some(name(text, &MONTHS, 3)? as u32 + 1),
                'd' | 'e' => self.day = Some(number(text, 2)? as u32),
                'D' => {
                    self.day = Some(number(text, 2)? as u32);
                    *text = text.get(2..)?;
                }
                'j' => self.day_of_year = Some(number(text, 3)?),
                'W' => {
                    name(text, &DAYS, usize::MAX)?;
                }
                'a' => {
                    name(text, &DAYS, 3)?;
                }
                'w' => {
                    number(text, 1).filter(|day| *day < 7)?;
                }
                'H' | 'k' => self.hour = number(text, 2)?,
                'h' | 'I' | 'l' => {
                    self.hour = number(text, 2).filter(|hour| (1..=12).contains(hour))?;
                    self.twelve = true;
                }
                'i' => self.minute = number(text, 2)?,
                's' | 'S' => self.second = number(text, 2)?,
                'f' => {
                    let digits = text.bytes().take(6).take_while(u8::is_ascii_digit).count();
                    self.micros = format!("{:0<6}", text.get(..digits)?).parse().ok()?;
                    *text = &text[digits..];
                }
                'p' => {
                    let half = text.get(..2)?;
                    self.afternoon = half.eq_ignore_ascii_case("pm");
                    if !self.afternoon && !half.eq_ignore_ascii_case("am") {
                        return None;
                    }
                    *text = &text[2..];
                }
                'T' => self.take(text, "%H:%i:%s")?,
                'r' => self.take(text, "%h:%i:%s %p")?,
                '%' => *text = text.strip_prefix('%')?,
                '.' => *text = text.trim_start_matches(|char: char| char.is_ascii_punctuation()),
                '@' => *text = text.trim_start_matches(char::is_alphabetic),
                '#' => *text = text.trim_start_matches(|char: char| char.is_ascii_digit()),
                // Weeks alone give no day.
                _ => return None,
            }
        }
        Some(())
    }

    fn time_us(&self) -> Option<i64> {
        let hour = if self.twelve {
            self.hour % 12 + if self.afternoon { 12 } else { 0 }
        } else {
            self.hour
        };
        (hour < 24 && self.minute < 60 && self.second < 60)
            .then_some((hour * 3600 + self.minute * 60 + self.second) * SECOND_US + self.micros)
    }

    /// NULL for a date without year, month or day: zero dates are not held here.
    fn civil(&self) -> Option<Civil> {
        let time_us = self.time_us()?;
        let year = self.year?;
        if let (Some(day), None, None) = (self.day_of_year, self.month, self.day) {
            let first = Civil {
                year,
                month: 1,
                day: 1,
                time_us: 0,
            };
            let date = Civil::from_days(first.days() + day - 1);
            return (day >= 1 && date.year == year).then_some(Civil { time_us, ..date });
        }
        let (month, day) = (self.month?, self.day?);
        ((1..=12).contains(&month) && (1..=month_days(year, month)).contains(&day)).then_some(
            Civil {
                year,
                month,
                day,
                time_us,
            },
        )
    }
}

fn full_year(text: &mut &str) -> Option<i64> {
    let before = text.len();
    let year = number(text, 4)?;
    Some(match (before - text.len(), year) {
        (1 | 2, 0..=69) => year + 2000,
        (1 | 2, _) => year + 1900,
        _ => year,
    })
}

fn number(text: &mut &str, most: usize) -> Option<i64> {
    let digits = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    let (number, rest) = text.split_at(digits);
    *text = rest;
    number.parse().ok()
}

/// The place of the name that the text begins with, in any case, cut to some letters.
fn name(text: &mut &str, names: &[&str], letters: usize) -> Option<usize> {
    names.iter().position(|name| {
        let name = &name[..letters.min(name.len())];
        let found = text
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name));
        if found {
            *text = &text[name.len()..];
        }
        found
    })
}

#[cfg(test)]
mod tests {
    use super::{Read, parts_of};

    #[test]
    fn texts_by_codes() {
        for (text, format, wanted) in [
            ("01,5,2013", "%d,%m,%Y", Some("2013-05-01 00:00:00")),
            ("May 1, 2013", "%M %d,%Y", Some("2013-05-01 00:00:00")),
            (
                "2024-02-29 01:02:03 PM",
                "%Y-%m-%d %r",
                Some("2024-02-29 13:02:03"),
            ),
            (
                "29/Feb/24 12:00:00.5 am",
                "%d/%b/%y %h:%i:%s.%f %p",
                Some("2024-02-29 00:00:00.500000"),
            ),
            ("2023-02-29", "%Y-%m-%d", None),
            ("2024 60", "%Y %j", Some("2024-02-29 00:00:00")),
            ("a09:30", "%h:%i", None),
            ("abc", "abc", None),
            ("9", "%m", None),
            ("15:35:00", "%H:%i:%s", None),
        ] {
            let got = Read::by(text, format).and_then(|read| read.civil());
            assert_eq!(
                got.map(|civil| civil.datetime_text()).as_deref(),
                wanted,
                "{text} {format}"
            );
        }
        assert_eq!(parts_of("%Y-%m-%d %H"), (true, true));
        assert_eq!(parts_of("%d%%H"), (true, false));
        assert_eq!(parts_of("%T"), (false, true));
    }
}
