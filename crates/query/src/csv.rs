//! Delimited text by MySQL's LOAD DATA rules, read by a reader of our own: arrow-csv has no escape with
//! doubled quotes, no `\N` beside a quoted "\N", and no line terminators of several bytes.

mod infer;
mod records;
mod scan;

pub(crate) use infer::infer;
pub(crate) use scan::CsvScan;

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
    /// LINES TERMINATED BY; not empty.
    pub lines_terminated: String,
    /// IGNORE n LINES, in each file.
    pub ignore_lines: u64,
    /// The unenclosed text that stands for NULL. None is MySQL's rule: escape and `N` (`\N`),
    /// and the bare word NULL where fields can be enclosed.
    pub null: Option<String>,
    /// Whether lines that end in `\r\n` also end where `\n` is the terminator.
    pub strip_carriage_return: bool,
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
            null: None,
            strip_carriage_return: true,
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
