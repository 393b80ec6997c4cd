//! Rows as a box: `+----+`, headers, numbers to the right, NULL as `NULL`.
//! The widths come from the first rows, which are held back; later rows that are wider stick out.

use std::io::{self, Write};

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::Schema;
use unicode_width::UnicodeWidthStr;

use crate::output::printable;

/// Rows held back to find the widths, unless their text reaches `HELD_BYTES_MAX` before.
pub(super) const HELD_ROWS_MAX: usize = 10_000;
const HELD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A column is drawn no wider than this; padding every row to one huge value helps nobody.
const WIDTH_MAX: usize = 1_000;

/// Draws a box.
#[derive(Debug)]
pub(crate) struct TableRows {
    names: Vec<String>,
    right: Vec<bool>,
    state: State,
}

#[derive(Debug)]
enum State {
    Holding {
        rows: Vec<Vec<String>>,
        bytes: usize,
    },
    Drawing {
        widths: Vec<usize>,
    },
}

impl TableRows {
    pub(super) fn new(schema: &Schema) -> Self {
        let fields = schema.fields();
        Self {
            names: fields
                .iter()
                .map(|field| printable(field.name(), &[]).into_owned())
                .collect(),
            right: fields
                .iter()
                .map(|field| field.data_type().is_numeric())
                .collect(),
            state: State::Holding {
                rows: Vec::new(),
                bytes: 0,
            },
        }
    }

    pub(super) fn write(&mut self, out: &mut dyn Write, batch: &RecordBatch) -> io::Result<()> {
        let formatters = super::formatters(batch)?;
        let nulls: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| column.logical_nulls())
            .collect();
        for row in 0..batch.num_rows() {
            let mut cells = Vec::with_capacity(formatters.len());
            for (formatter, nulls) in formatters.iter().zip(&nulls) {
                cells.push(if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    "NULL".to_owned()
                } else {
                    let value = formatter
                        .value(row)
                        .try_to_string()
                        .map_err(super::invalid)?;
                    printable(&value, &['\n']).into_owned()
                });
            }
            self.push(out, cells)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self, out: &mut dyn Write) -> io::Result<()> {
        if matches!(&self.state, State::Holding { rows, .. } if rows.is_empty()) {
            return Ok(());
        }
        let widths = self.settle(out)?;
        draw_border(out, &widths)
    }

    fn push(&mut self, out: &mut dyn Write, cells: Vec<String>) -> io::Result<()> {
        match &mut self.state {
            State::Drawing { widths } => draw_row(out, &cells, widths, &self.right),
            State::Holding { rows, bytes } => {
                *bytes += cells
                    .iter()
                    .map(|cell| cell.len() + size_of::<String>())
                    .sum::<usize>();
                rows.push(cells);
                if rows.len() >= HELD_ROWS_MAX || *bytes >= HELD_BYTES_MAX {
                    self.settle(out)?;
                }
                Ok(())
            }
        }
    }

    /// Fixes the widths and draws the header and the rows held back.
    fn settle(&mut self, out: &mut dyn Write) -> io::Result<Vec<usize>> {
        let rows = match &mut self.state {
            State::Drawing { widths } => return Ok(widths.clone()),
            State::Holding { rows, .. } => std::mem::take(rows),
        };
        let mut widths: Vec<usize> = self.names.iter().map(|name| name.width()).collect();
        for cells in &rows {
            for (width, cell) in widths.iter_mut().zip(cells) {
                let cell_width = cell
                    .split('\n')
                    .map(UnicodeWidthStr::width)
                    .max()
                    .unwrap_or(0);
                *width = (*width).max(cell_width).min(WIDTH_MAX);
            }
        }
        draw_border(out, &widths)?;
        draw_row(out, &self.names, &widths, &vec![false; widths.len()])?;
        draw_border(out, &widths)?;
        for cells in &rows {
            draw_row(out, cells, &widths, &self.right)?;
        }
        self.state = State::Drawing {
            widths: widths.clone(),
        };
        Ok(widths)
    }
}

fn draw_border(out: &mut dyn Write, widths: &[usize]) -> io::Result<()> {
    let mut line = String::new();
    for width in widths {
        line.push('+');
        line.extend(std::iter::repeat_n('-', width + 2));
    }
    writeln!(out, "{line}+")
}

/// Draws one row, on as many lines as its tallest cell has.
fn draw_row(
    out: &mut dyn Write,
    cells: &[String],
    widths: &[usize],
    right: &[bool],
) -> io::Result<()> {
    let mut parts: Vec<_> = cells
        .iter()
        .map(|cell| cell.split('\n').peekable())
        .collect();
    loop {
        let mut line = String::new();
        for ((part, width), right) in parts.iter_mut().zip(widths).zip(right) {
            let text = part.next().unwrap_or_default();
            let padding = std::iter::repeat_n(' ', width.saturating_sub(text.width()));
            line.push_str("| ");
            if *right {
                line.extend(padding);
                line.push_str(text);
            } else {
                line.push_str(text);
                line.extend(padding);
            }
            line.push(' ');
        }
        writeln!(out, "{line}|")?;
        if parts.iter_mut().all(|part| part.peek().is_none()) {
            return Ok(());
        }
    }
}
