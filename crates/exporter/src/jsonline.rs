//! JSON lines: one object a row, its keys the labels in the query's order. On the cells that text formats share: a
//! key stands before each cell.

mod column;
mod encoder;
mod text;

pub use encoder::{JsonLineEncoder, JsonLineOptions};
