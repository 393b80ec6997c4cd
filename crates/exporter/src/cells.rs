//! Cells: the text of every type, and the slots in which a block of rows is put together. What text formats share:
//! one file per family of types; `slot` holds the technique.

pub(crate) mod context;
pub(crate) mod decimal;
pub(crate) mod float;
pub(crate) mod input;
pub(crate) mod integer;
pub(crate) mod leaf;
pub(crate) mod nested;
pub(crate) mod packed;
pub(crate) mod scan;
pub(crate) mod slot;
pub(crate) mod temporal;
pub(crate) mod text;

#[cfg(test)]
mod tests;

use slot::Slot;

/// Bytes of the slots of one block: they stay in the second-level cache, half of what cores have.
const BLOCK_BYTES: usize = 256 << 10;
/// More rows per block gain nothing.
const BLOCK_ROWS_MAX: usize = 512;
/// Fewer rows per block, in tables of thousands of columns, lose the tight loops.
const BLOCK_ROWS_MIN: usize = 16;

/// Rows of a block of so many columns.
pub(crate) fn block_rows(columns: usize) -> usize {
    (BLOCK_BYTES / (columns * size_of::<Slot>())).clamp(BLOCK_ROWS_MIN, BLOCK_ROWS_MAX)
}
