//! Which part of a file a request asks for: RFC 9110's single byte range.

use std::ops::Range;

use http::HeaderMap;
use http::header::{IF_RANGE, RANGE};

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    Whole,
    /// Not empty, and within the file.
    Part(Range<u64>),
    /// A part behind the end.
    Nothing,
}

/// What the headers ask of a file so long. Several ranges, and what is no range, are answered by all of it, as the
/// RFC permits; so is a range of another version than the one that there is.
pub(super) fn wanted(headers: &HeaderMap, bytes: u64, etag: Option<&str>) -> Wanted {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(RANGE) else {
        return Wanted::Whole;
    };
    if text(IF_RANGE).is_some_and(|only| Some(only) != etag) {
        return Wanted::Whole;
    }
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Wanted::Whole;
    };
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(bytes),
        (Some(first), None) if last.is_empty() => first..bytes,
        // The last so many.
        (None, Some(count)) if first.is_empty() => bytes.saturating_sub(count)..bytes,
        _ => return Wanted::Whole,
    };
    match range.is_empty() {
        true => Wanted::Nothing,
        false => Wanted::Part(range),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn of(range: &str, only: Option<&str>) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, range.parse().unwrap());
        if let Some(only) = only {
            headers.insert(IF_RANGE, only.parse().unwrap());
        }
        wanted(&headers, 10, Some("\"e\""))
    }

    #[test]
    fn one_range_is_a_part_and_all_else_the_whole() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-4", 2..5),
            ("bytes=2-", 2..10),
            ("bytes=9-99999999999999999999", 9..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
        ] {
            assert_eq!(of(range, None), Wanted::Part(part), "{range}");
        }
        for range in ["bytes=10-", "bytes=-0", "bytes=11-12"] {
            assert_eq!(of(range, None), Wanted::Nothing, "{range}");
        }
        for range in [
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=4-2",
            "bytes=a-b",
            "bytes=-",
            "bytes=+1-2",
        ] {
            assert_eq!(of(range, None), Wanted::Whole, "{range}");
        }
        assert_eq!(of("bytes=2-4", Some("\"e\"")), Wanted::Part(2..5));
        assert_eq!(of("bytes=2-4", Some("\"other\"")), Wanted::Whole);
        assert_eq!(wanted(&HeaderMap::new(), 10, None), Wanted::Whole);
    }
}
