//! VALUES lists: literals go straight into columns, expressions are evaluated first.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::sql::sqlparser::ast::{Expr, SelectItem, SetExpr, UnaryOperator, Value, Values};
use futures::TryStreamExt;

use super::numbers::Numbering;
use super::target::{Fill, default};
use super::{Evaluated, InsertTarget};
use crate::convert::{Cell, ColumnWriter, number_of_bytes, numbers, shown, to_text};
use crate::engine::{Context, QueryEngine};
use crate::error::{Error, Violation, from_arrow, from_datafusion};
use crate::mysql::{self, Labels};

/// Rows of a batch.
const BATCH_ROWS: usize = 8192;
/// Expressions evaluated by one query.
const EXPRESSIONS_AT_ONCE: usize = 256;

pub(super) fn wrong_count(row: u64) -> Error {
    Error::violation_of(
        Violation::ColumnCount,
        format!("Column count doesn't match value count at row {row}"),
    )
}

/// A VALUES list as batches of the table's columns.
pub(super) async fn convert(
    engine: &QueryEngine,
    values: &Values,
    target: &InsertTarget,
    named: &[usize],
    context: &Context,
    numbering: &Numbering,
    memory: &mut Evaluated,
) -> Result<Vec<RecordBatch>, Error> {
    let wanted: Vec<Expr> = values
        .rows
        .iter()
        .flat_map(|row| &row.content)
        .filter(|expr| matches!(literal(expr), Form::Expression))
        .cloned()
        .collect();
    let mut evaluated = engine.evaluate(&wanted, context, memory).await?.into_iter();
    let mut defaults: Vec<Option<Fill>> = vec![None; target.columns.len()];
    let asks_default = |index: usize, position: Option<usize>| {
        values.rows.iter().any(|row| match position {
            _ if row.content.is_empty() => true,
            Some(position) => row
                .content
                .get(position)
                .is_some_and(|expr| matches!(literal(expr), Form::Default)),
            None => !named.contains(&index),
        })
    };
    for (index, slot) in defaults.iter_mut().enumerate() {
        if asks_default(index, named.iter().position(|named| *named == index)) {
            *slot = Some(default(engine, target, index, context, memory).await?);
        }
    }
    let mut writers = target
        .columns
        .iter()
        .map(|column| ColumnWriter::new(&column.field))
        .collect::<Result<Vec<_>, _>>()?;
    let schema = target.schema();
    let mut batches = Vec::new();
    for (index, row) in values.rows.iter().enumerate() {
        let number = index as u64 + 1;
        let cells = &row.content;
        if !cells.is_empty() && cells.len() != named.len() {
            return Err(wrong_count(number));
        }
        let mut given: Vec<Option<Form<'_>>> = (0..target.columns.len()).map(|_| None).collect();
        for (expr, column) in cells.iter().zip(named) {
            given[*column] = Some(match literal(expr) {
                Form::Expression => Form::Owned(
                    evaluated
                        .next()
                        .ok_or_else(|| Error::internal("an expression has no value"))?,
                ),
                form => form,
            });
        }
        for ((form, writer), (column, default)) in given
            .iter()
            .zip(&mut writers)
            .zip(target.columns.iter().zip(&defaults))
        {
            let cell = match form {
                Some(Form::Cell(cell)) => *cell,
                Some(Form::Owned(fill)) => fill.cell(),
                // Expressions have their values by now.
                Some(Form::Default | Form::Expression) | None => {
                    default.as_ref().map_or(Cell::Null, Fill::cell)
                }
            };
            if column.auto_increment.is_some() {
                let text = numbered(cell, numbering);
                writer.push(Cell::Text(&text), number)?;
            } else {
                writer.push(cell, number)?;
            }
        }
        if (number as usize).is_multiple_of(BATCH_ROWS) || number as usize == values.rows.len() {
            let columns = writers
                .iter_mut()
                .map(ColumnWriter::finish)
                .collect::<Result<Vec<_>, _>>()?;
            batches.push(RecordBatch::try_new(Arc::clone(&schema), columns).map_err(from_arrow)?);
        }
    }
    Ok(batches)
}

/// The value of an AUTO_INCREMENT column: the one given, or for NULL and 0 the next number.
pub(super) fn numbered(cell: Cell<'_>, numbering: &Numbering) -> String {
    let given = match cell {
        Cell::Null => String::new(),
        Cell::Number(text) | Cell::Text(text) => text.to_owned(),
        Cell::Double(number) => number.round_ties_even().to_string(),
        Cell::Bool(value) => u8::from(value).to_string(),
        // As in any column of numbers; more bytes than a number has are refused by the column.
        Cell::Bytes(bytes) => match number_of_bytes(bytes) {
            Some(number) => number.to_string(),
            None => shown(cell),
        },
    };
    if given.is_empty() && cell == Cell::Null || numbers::whole(&given) == Some(0) {
        return numbering.give().to_string();
    }
    if let Some(number) = numbers::whole(&given) {
        numbering.written(number);
    }
    given
}

enum Form<'a> {
    Cell(Cell<'a>),
    Owned(Fill),
    Default,
    Expression,
}

fn literal(expr: &Expr) -> Form<'_> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => Form::Cell(number(text)),
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => {
                Form::Cell(Cell::Text(text))
            }
            Value::Null => Form::Cell(Cell::Null),
            Value::Boolean(value) => Form::Cell(Cell::Bool(*value)),
            Value::HexStringLiteral(hex) => {
                unhex(hex).map_or(Form::Expression, |bytes| Form::Owned(Fill::Bytes(bytes)))
            }
            _ => Form::Expression,
        },
        Expr::UnaryOp {
            op: op @ (UnaryOperator::Minus | UnaryOperator::Plus),
            expr,
        } => match expr.as_ref() {
            Expr::Value(value) => match &value.value {
                Value::Number(text, _) if *op == UnaryOperator::Minus => match number(text) {
                    Cell::Double(number) => Form::Cell(Cell::Double(-number)),
                    _ => Form::Owned(Fill::Number(format!("-{text}"))),
                },
                Value::Number(text, _) => Form::Cell(number(text)),
                _ => Form::Expression,
            },
            _ => Form::Expression,
        },
        Expr::TypedString(typed) => match &typed.value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => {
                Form::Cell(Cell::Text(text))
            }
            _ => Form::Expression,
        },
        Expr::Identifier(ident)
            if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default") =>
        {
            Form::Default
        }
        Expr::Nested(inner) => literal(inner),
        _ => Form::Expression,
    }
}

/// A literal with an exponent is a double; one that is too large for that is refused by its column.
fn number(text: &str) -> Cell<'_> {
    match text.parse::<f64>() {
        Ok(number) if text.contains(['e', 'E']) && number.is_finite() => Cell::Double(number),
        _ => Cell::Number(text),
    }
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let padded = if hex.len() % 2 == 1 {
        format!("0{hex}")
    } else {
        hex.to_owned()
    };
    (0..padded.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(padded.get(at..at + 2)?, 16).ok())
        .collect()
}

/// The values of expressions that stand alone.
pub(super) async fn evaluate(
    engine: &QueryEngine,
    expressions: &[Expr],
    context: &Context,
    evaluated: &mut Evaluated,
) -> Result<Vec<Fill>, Error> {
    let mut fills = Vec::with_capacity(expressions.len());
    for chunk in expressions.chunks(EXPRESSIONS_AT_ONCE) {
        let mut parsed = mysql::parse("SELECT 1")?;
        parsed.labels = Labels::default();
        if let SetExpr::Select(select) = parsed.query.body.as_mut() {
            select.projection = chunk.iter().cloned().map(SelectItem::UnnamedExpr).collect();
        }
        mysql::rewrite(&mut parsed.query, &context.values)?;
        let stop = engine.stop(context);
        let planned = Box::pin(engine.plan_rewritten(parsed, context, stop)).await?;
        let batches: Vec<RecordBatch> = planned.stream()?.try_collect().await?;
        let batch = batches
            .iter()
            .find(|batch| batch.num_rows() == 1)
            .ok_or_else(|| Error::internal("an expression has no value"))?;
        for warning in planned.warnings() {
            if !evaluated.warnings.contains(&warning) {
                evaluated.warnings.push(warning);
            }
        }
        evaluated
            .memory
            .try_grow(batch.get_array_memory_size())
            .map_err(from_datafusion)?;
        for column in batch.columns() {
            fills.push(fill(column)?);
        }
    }
    Ok(fills)
}

/// The one value of an array.
fn fill(array: &ArrayRef) -> Result<Fill, Error> {
    if array.is_null(0) || array.data_type() == &DataType::Null {
        return Ok(Fill::Null);
    }
    Ok(match array.data_type() {
        DataType::Boolean => Fill::Bool(array.as_boolean().value(0)),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            let bytes = cast(array, &DataType::Binary).map_err(from_arrow)?;
            Fill::Bytes(bytes.as_binary::<i32>().value(0).to_vec())
        }
        DataType::Float64 => Fill::Double(array.as_primitive::<Float64Type>().value(0)),
        data_type => {
            let text = to_text(array).map_err(from_datafusion)?;
            let text = text.as_string::<i32>().value(0).to_owned();
            if data_type.is_numeric() {
                Fill::Number(text)
            } else {
                Fill::Text(text)
            }
        }
    })
}
