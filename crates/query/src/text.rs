//! Files of text: delimited by MySQL's LOAD DATA rules, and JSON lines.
//!
//! Delimited bytes are found with `memchr`; what they mean is decided here, for no library can: csv-core and arrow-csv
//! do not tell an enclosed field from a bare one (so no NULL beside an empty text, no `\N` beside a quoted "\N"), know
//! escapes only within quotes, and separators of one byte. Tokens of JSON are `serde_json`'s.
//!
//! `source` gives a file's plain bytes (`pulled` decodes some of them) in UTF-8 (`charset`); `records`, `header` and `scan` read delimited ones, `jsonline` the others; `table`
//! is what a query sees of both, `infer` finds undeclared columns, whose types and bounds are in `kinds`.

mod charset;
mod delimited;
mod header;
mod infer;
mod jsonline;
mod kinds;
mod left_lines;
mod left_out;
mod pulled;
mod records;
mod scan;
mod source;
mod table;
mod tar;

pub use charset::Charset;
pub(crate) use infer::infer;
pub(crate) use kinds::{push_named, type_of};
pub use left_out::LeftOut;
pub(crate) use table::TextTable;

use crate::error::Error;

/// How the text is delimited. The default is what an export writes without options, but for its header line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvReadOptions {
    /// FIELDS TERMINATED BY; not empty.
    pub fields_terminated: String,
    /// FIELDS ENCLOSED BY.
    pub enclosed: Option<u8>,
    /// FIELDS ESCAPED BY.
    pub escaped: Option<u8>,
    /// LINES STARTING BY: text up to it is dropped, lines without it are skipped.
    pub lines_starting: String,
    /// LINES TERMINATED BY; not empty. `\n` and `\r\n` each also read the other.
    pub lines_terminated: String,
    /// IGNORE n LINES, in each file.
    pub ignore_lines: u64,
    /// Whether the last of the ignored lines names the columns: then they are found by their names, in each file
    /// in its own order, and a file that lacks one or has one more is an error.
    pub header: bool,
    /// The unenclosed text that stands for NULL. None is MySQL's rule: escape and `N` (`\N`),
    /// and the bare word NULL where fields can be enclosed, or nothing escapes.
    pub null: Option<String>,
    /// How the files must be compressed; None takes them as their first bytes say.
    pub compression: Option<Compression>,
    /// What the bytes stand for.
    pub charset: Charset,
    /// Where given, lines that are no rows of the table are left out and told of there.
    pub left_out: Option<LeftOut>,
    /// Whether the columns are those that were found in the files: then a value that its column does not keep
    /// exactly is an error, for nobody has asked for rounding.
    pub undeclared: bool,
}

/// How files of JSON lines are read: an object in each line, its keys the columns' names in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JsonReadOptions {
    /// How the files must be compressed; None takes them as their first bytes say.
    pub compression: Option<Compression>,
    /// What the bytes stand for.
    pub charset: Charset,
    /// Where given, lines that are no rows of the table are left out and told of there.
    pub left_out: Option<LeftOut>,
    /// As [`CsvReadOptions::undeclared`].
    pub undeclared: bool,
}

/// The format of a file of text.
#[derive(Debug, Clone)]
pub(crate) enum TextFormat {
    Csv(CsvReadOptions),
    JsonLine(JsonReadOptions),
}

/// How a file of text is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, also of several members.
    Gzip,
    /// Zstandard, also of several frames.
    Zstd,
    /// bzip2, also of several streams.
    Bzip2,
    /// xz, also of several streams.
    Xz,
    /// lz4 frames.
    Lz4,
}

impl Default for CsvReadOptions {
    fn default() -> Self {
        Self {
            fields_terminated: ",".to_owned(),
            enclosed: Some(b'"'),
            escaped: Some(b'\\'),
            lines_starting: String::new(),
            lines_terminated: "\n".to_owned(),
            ignore_lines: 0,
            header: false,
            null: None,
            compression: None,
            charset: Charset::default(),
            left_out: None,
            undeclared: false,
        }
    }
}

impl CsvReadOptions {
    /// Refuses options under which text could be read in two ways; call it at CREATE.
    ///
    /// # Errors
    /// Invalid, naming the options.
    pub fn validate(&self) -> Result<(), Error> {
        let refuse = |text: &str| Err(Error::invalid(text));
        if self.fields_terminated.is_empty() || self.lines_terminated.is_empty() {
            return refuse("FIELDS TERMINATED BY and LINES TERMINATED BY must not be empty");
        }
        if self.fields_terminated == self.lines_terminated {
            return refuse("FIELDS TERMINATED BY and LINES TERMINATED BY must differ");
        }
        if self.header && self.ignore_lines == 0 {
            return refuse("a header is one of the ignored lines; there must be at least one");
        }
        let begins = |byte: Option<u8>| {
            byte.is_some_and(|byte| {
                [&self.fields_terminated, &self.lines_terminated]
                    .iter()
                    .any(|terminator| terminator.as_bytes().first() == Some(&byte))
            })
        };
        if begins(self.enclosed) {
            return refuse("ENCLOSED BY must not be how a terminator begins");
        }
        if begins(self.escaped) {
            return refuse("ESCAPED BY must not be how a terminator begins");
        }
        Ok(())
    }
}
