//! A small CSV reader of the documented rules, written without a look at the writer: the other side of
//! the round trip. `None` is NULL.

use stagedoor_exporter::csv::CsvOptions;

pub(crate) type Row = Vec<Option<Vec<u8>>>;

/// Reads rows, without a header.
pub(crate) fn read(mut text: &[u8], options: &CsvOptions) -> Vec<Row> {
    let mut rows = Vec::new();
    while !text.is_empty() {
        text = text
            .strip_prefix(options.lines_starting.as_bytes())
            .expect("a line starts as it should");
        let mut row = Vec::new();
        loop {
            let (value, rest) = field(text, options);
            row.push(value);
            if let Some(rest) = rest.strip_prefix(options.fields_terminated.as_bytes()) {
                text = rest;
            } else {
                text = rest
                    .strip_prefix(options.lines_terminated.as_bytes())
                    .expect("a field ends as it should");
                break;
            }
        }
        rows.push(row);
    }
    rows
}

fn field<'a>(text: &'a [u8], options: &CsvOptions) -> (Option<Vec<u8>>, &'a [u8]) {
    let escape = options
        .escaped
        .filter(|escape| Some(*escape) != options.enclosed);
    let mut value = Vec::new();
    if let Some(quote) = options.enclosed
        && text.first() == Some(&quote)
    {
        let mut at = 1;
        loop {
            let byte = text[at];
            if byte == quote && text.get(at + 1) != Some(&quote) {
                return (Some(value), &text[at + 1..]);
            }
            if byte == quote || Some(byte) == escape {
                at += 1;
            }
            value.push(text[at]);
            at += 1;
        }
    }
    let mut at = 0;
    while at < text.len()
        && !text[at..].starts_with(options.fields_terminated.as_bytes())
        && !text[at..].starts_with(options.lines_terminated.as_bytes())
    {
        if Some(text[at]) == escape {
            at += 1;
        }
        value.push(text[at]);
        at += 1;
    }
    let raw = &text[..at];
    let value = (raw != options.null.as_bytes()).then_some(value);
    (value, &text[at..])
}
