//! Text and values, in both directions, by a column's declared type: the one home of MySQL's conversions.
//! INSERT, LOAD, files, casts and the names of types all come here.
//!
//! `types` says which declared type is stored as what, `writer` fills a column of one with values of any form,
//! `text` gives values back as text. The rest reads single forms: `numbers`, `temporal`, `words`.

mod array;
mod column;
mod default;
mod json;
pub(crate) mod numbers;
pub(crate) mod temporal;
mod text;
pub(crate) mod types;
mod words;
mod writer;

pub(crate) use array::column as column_of;
pub use default::{DefaultValue, check_default};
pub use text::column_texts;
pub(crate) use text::{to_text, to_text_of};
pub(crate) use words::Members;
pub(crate) use writer::{Cell, ColumnWriter, number_of_bytes, shown};
