//! Which value goes into which column: named columns, defaults, AUTO_INCREMENT.

use std::collections::HashSet;

use datafusion::sql::sqlparser::ast::{Expr, Query, SelectItem, SetExpr};

use super::{Evaluated, InsertTarget};
use crate::convert::Cell;
use crate::engine::{Context, QueryEngine};
use crate::error::{Error, Violation};
use crate::mysql;

/// A value that is the same for all rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fill {
    Null,
    Number(String),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    Bool(bool),
}

impl Fill {
    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Number(text) => Cell::Number(text),
            Self::Double(number) => Cell::Double(*number),
            Self::Text(text) => Cell::Text(text),
            Self::Bytes(bytes) => Cell::Bytes(bytes),
            Self::Bool(value) => Cell::Bool(*value),
        }
    }
}

/// Where each column's values come from, in the table's order.
#[derive(Debug, Clone)]
pub(super) struct Slots(pub(super) Vec<Slot>);

#[derive(Debug, Clone)]
pub(super) struct Slot {
    /// The column of the source.
    pub(super) source: Option<usize>,
    /// The value if the source has none.
    pub(super) fill: Option<Fill>,
    /// Whether the column has AUTO_INCREMENT.
    pub(super) numbered: bool,
}

impl Slots {
    pub(super) fn new(target: &InsertTarget, named: &[usize], fills: Vec<Option<Fill>>) -> Self {
        let slots = target
            .columns
            .iter()
            .zip(fills)
            .enumerate()
            .map(|(index, (column, fill))| Slot {
                source: named.iter().position(|named| *named == index),
                fill,
                numbered: column.auto_increment.is_some(),
            });
        Self(slots.collect())
    }
}

/// The table's column for each value of a row.
pub(super) fn named_indices(target: &InsertTarget) -> Result<Vec<usize>, Error> {
    let Some(names) = &target.named else {
        return Ok((0..target.columns.len()).collect());
    };
    let mut seen = HashSet::new();
    names
        .iter()
        .map(|name| {
            let lower = name.to_lowercase();
            let index = target
                .columns
                .iter()
                .position(|column| column.field.name().to_lowercase() == lower);
            let index = index.ok_or_else(|| {
                Error::violation_of(
                    Violation::UnknownColumn,
                    format!("Unknown column '{name}' in 'field list'"),
                )
            })?;
            if !seen.insert(index) {
                return Err(Error::violation_of(
                    Violation::ColumnTwice,
                    format!("Column '{name}' specified twice"),
                ));
            }
            Ok(index)
        })
        .collect()
}

/// The default of each column that is not named; an error if it must have a value and has none.
pub(super) async fn fills(
    engine: &QueryEngine,
    target: &InsertTarget,
    named: &[usize],
    context: &Context,
    evaluated: &mut Evaluated,
) -> Result<Vec<Option<Fill>>, Error> {
    let mut fills = Vec::with_capacity(target.columns.len());
    for index in 0..target.columns.len() {
        fills.push(if named.contains(&index) {
            None
        } else {
            Some(default(engine, target, index, context, evaluated).await?)
        });
    }
    Ok(fills)
}

/// One column's default.
pub(super) async fn default(
    engine: &QueryEngine,
    target: &InsertTarget,
    index: usize,
    context: &Context,
    evaluated: &mut Evaluated,
) -> Result<Fill, Error> {
    let column = &target.columns[index];
    match &column.default {
        Some(text) => {
            let parsed = mysql::parse(&format!("SELECT {text}"))?;
            let expr = single_expression(&parsed.query).ok_or_else(|| {
                Error::invalid(format!(
                    "the default of column '{}' is no expression",
                    column.field.name()
                ))
            })?;
            let mut values = engine.evaluate(&[expr], context, evaluated).await?;
            values
                .pop()
                .ok_or_else(|| Error::internal("a default has no value"))
        }
        None if column.field.is_nullable() || column.auto_increment.is_some() => Ok(Fill::Null),
        None => Err(Error::violation_of(
            Violation::NoDefault,
            format!(
                "Field '{}' doesn't have a default value",
                column.field.name()
            ),
        )),
    }
}

fn single_expression(query: &Query) -> Option<Expr> {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return None;
    };
    match select.projection.as_slice() {
        [SelectItem::UnnamedExpr(expr)] => Some(expr.clone()),
        _ => None,
    }
}
