//! CSV: the options of a file and the encoder that writes it, on the cells that text formats share.

mod column;
mod encoder;
mod options;
mod quote;

pub use encoder::CsvEncoder;
pub use options::{CsvOptions, Dialect, QuotePolicy};
