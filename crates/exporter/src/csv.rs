//! CSV: the options of a file and the encoder that writes it.
//! One file per family of types; `slot` holds the technique they share.

mod column;
pub(crate) use column::SQL_TYPE_KEY;
mod decimal;
mod encoder;
mod float;
mod integer;
mod leaf;
mod nested;
mod options;
mod packed;
mod quote;
mod scan;
mod slot;
mod temporal;
mod text;

#[cfg(test)]
mod tests;

pub use encoder::CsvEncoder;
pub use options::{CsvOptions, Dialect, QuotePolicy};
