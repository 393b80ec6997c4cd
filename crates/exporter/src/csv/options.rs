//! What a CSV file may look like: dialects, and the options that override them.
//! `CsvOptions::validate` refuses every combination in which two values could not be told apart.

use crate::error::EncodeError;

/// A named set of defaults (design: "CSV bytes").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Dialect {
    /// `,` `"` `\n`, escape `\`, strings always enclosed, NULL is `\N`.
    #[default]
    Mysql,
    /// RFC 4180: quotes where needed, `\r\n`, NULL empty and `''` as `""`.
    Rfc4180,
    /// RFC 4180 with a UTF-8 byte order mark and a guard against formula injection.
    Excel,
    /// PostgreSQL `COPY … CSV`: quotes where needed, `\n`, NULL empty, `timestamptz` with its offset.
    Postgres,
}

/// Which values are enclosed. A NULL never is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuotePolicy {
    /// Strings, binary, JSON and lists always; anything else only where its text needs it.
    Strings,
    /// A value only where its text needs it.
    Needed,
    /// Every value.
    All,
}

/// Everything that decides the bytes of a CSV file. Take those of a dialect, and set what is to be another way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CsvOptions {
    /// Text between two fields; at least one byte, any number of characters.
    pub fields_terminated: String,
    /// The enclosing byte (ASCII), or none.
    pub enclosed: Option<u8>,
    /// Which values are enclosed; without `enclosed` it has no meaning.
    pub quote: QuotePolicy,
    /// The escape byte (ASCII), or none. Inside an enclosure the enclosing byte is doubled, not escaped.
    pub escaped: Option<u8>,
    /// Text before each line, the header included; may be empty.
    pub lines_starting: String,
    /// Text after each line, the last one included; at least one byte.
    pub lines_terminated: String,
    /// Whether each file begins with the column labels.
    pub header: bool,
    /// The text that stands for NULL, always bare.
    pub null: String,
    /// Columns whose values are enclosed whatever their type; matched exactly, else without case.
    pub force_quote: Vec<String>,
    /// Whether each file begins with a UTF-8 byte order mark.
    pub bom: bool,
    /// Whether labels and string values that begin with `=`, `+`, `-`, `@`, TAB or CR get a leading apostrophe.
    pub formula_guard: bool,
    /// The zone (`Europe/Berlin`, `+02:00`, `UTC`) in which timestamps with a zone are written;
    /// without it each column's own zone.
    pub time_zone: Option<String>,
    /// Whether timestamps with a zone end in their UTC offset (`+02:00`).
    pub zone_offset: bool,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self::dialect(Dialect::Mysql)
    }
}

impl CsvOptions {
    /// The options a dialect stands for.
    pub fn dialect(dialect: Dialect) -> Self {
        let mysql = Self {
            fields_terminated: ",".to_owned(),
            enclosed: Some(b'"'),
            quote: QuotePolicy::Strings,
            escaped: Some(b'\\'),
            lines_starting: String::new(),
            lines_terminated: "\n".to_owned(),
            header: true,
            null: "\\N".to_owned(),
            force_quote: Vec::new(),
            bom: false,
            formula_guard: false,
            time_zone: None,
            zone_offset: false,
        };
        let rfc4180 = Self {
            quote: QuotePolicy::Needed,
            escaped: None,
            lines_terminated: "\r\n".to_owned(),
            null: String::new(),
            ..mysql.clone()
        };
        match dialect {
            Dialect::Mysql => mysql,
            Dialect::Rfc4180 => rfc4180,
            Dialect::Excel => Self {
                bom: true,
                formula_guard: true,
                ..rfc4180
            },
            Dialect::Postgres => Self {
                lines_terminated: "\n".to_owned(),
                zone_offset: true,
                ..rfc4180
            },
        }
    }

    /// Refuses options under which a reader could not tell values apart.
    ///
    /// # Errors
    /// [`EncodeErrorKind::InvalidOptions`](crate::EncodeErrorKind::InvalidOptions), naming the clauses that clash.
    pub fn validate(&self) -> Result<(), EncodeError> {
        let refuse = |reason: String| Err(EncodeError::options(reason));
        if self.fields_terminated.is_empty() {
            return refuse("FIELDS TERMINATED BY must not be empty".to_owned());
        }
        if self.lines_terminated.is_empty() {
            return refuse("LINES TERMINATED BY must not be empty".to_owned());
        }
        for (clause, byte) in [("ENCLOSED BY", self.enclosed), ("ESCAPED BY", self.escaped)] {
            let Some(byte) = byte else { continue };
            if !byte.is_ascii() || byte == 0 || byte.is_ascii_alphanumeric() {
                return refuse(format!(
                    "{clause} must be one ASCII character that is neither a letter, a digit nor NUL, not byte 0x{byte:02x}"
                ));
            }
        }
        for (clause, text) in [
            ("FIELDS TERMINATED BY", &self.fields_terminated),
            ("LINES TERMINATED BY", &self.lines_terminated),
            ("NULL AS", &self.null),
            ("LINES STARTING BY", &self.lines_starting),
        ] {
            if let Some(enclosed) = self.enclosed
                && text.as_bytes().contains(&enclosed)
            {
                return refuse(format!(
                    "{clause} must not contain the ENCLOSED BY character"
                ));
            }
        }
        let (fields, lines) = (
            self.fields_terminated.as_bytes(),
            self.lines_terminated.as_bytes(),
        );
        if fields.starts_with(lines) || lines.starts_with(fields) {
            return refuse(
                "FIELDS TERMINATED BY and LINES TERMINATED BY must not begin alike".to_owned(),
            );
        }
        if let Some(escape) = self.escaped {
            for (clause, text) in [
                ("FIELDS TERMINATED BY", &self.fields_terminated),
                ("LINES TERMINATED BY", &self.lines_terminated),
                ("LINES STARTING BY", &self.lines_starting),
            ] {
                if text.as_bytes().contains(&escape) {
                    return refuse(format!(
                        "{clause} must not contain the ESCAPED BY character"
                    ));
                }
            }
        }
        // A reader takes a backslash before these letters for a control character, so that a
        // separator that begins with one could not be escaped.
        if self.enclosed.is_none() && self.escaped.is_some() {
            for (clause, text) in [
                ("FIELDS TERMINATED BY", &self.fields_terminated),
                ("LINES TERMINATED BY", &self.lines_terminated),
            ] {
                if text
                    .as_bytes()
                    .first()
                    .is_some_and(|byte| ESCAPE_LETTERS.contains(byte))
                {
                    return refuse(format!(
                        "{clause} must not begin with one of 0 b n r t N Z when fields are escaped and not enclosed"
                    ));
                }
            }
        }
        self.validate_null()?;
        if self.formula_guard && self.enclosed.is_none() {
            return refuse("the formula guard needs an ENCLOSED BY character".to_owned());
        }
        Ok(())
    }

    fn validate_null(&self) -> Result<(), EncodeError> {
        let refuse = |reason: &str| Err(EncodeError::options(reason.to_owned()));
        let null = self.null.as_bytes();
        for (clause, text) in [
            ("FIELDS TERMINATED BY", self.fields_terminated.as_bytes()),
            ("LINES TERMINATED BY", self.lines_terminated.as_bytes()),
        ] {
            // Also a marker that ends in the first bytes of a separator would shift it.
            if null.contains(&text[0]) {
                return refuse(&format!(
                    "NULL AS must not contain the first character of {clause}"
                ));
            }
        }
        if null.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            return refuse("NULL AS must not contain a line break");
        }
        if let Some(escape) = self.escaped
            && let Some(at) = null.iter().position(|byte| *byte == escape)
        {
            // `\N` is such a marker: no escaped value ever begins like that.
            let tail = &null[at + 1..];
            if at != 0 || tail.is_empty() || tail.contains(&escape) {
                return refuse(
                    "NULL AS may hold the ESCAPED BY character only once, first, and before another character",
                );
            }
        }
        Ok(())
    }
}

/// Letters that change their meaning behind an escape, in MySQL's and MatrixOne's readers.
pub(crate) const ESCAPE_LETTERS: &[u8] = b"0bnrtNZ";
