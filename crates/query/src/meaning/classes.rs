//! Types by how MySQL compares them.

use arrow::datatypes::DataType;
use datafusion::common::{ExprSchema, Result};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator};

/// How values of a type compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Null,
    Truth,
    Number,
    /// Floating numbers: an exact one that meets them is a double, too.
    Double,
    Text,
    Bytes,
    Date,
    Moment,
    Clock,
    /// Lists, structs, maps, intervals: as DataFusion has them.
    Other,
}

impl Class {
    pub(super) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Truth,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Self::Bytes,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(..) => Self::Moment,
            DataType::Time32(_) | DataType::Time64(_) => Self::Clock,
            DataType::Dictionary(_, value) => Self::of(value),
            DataType::RunEndEncoded(_, value) => Self::of(value.data_type()),
            floating if floating.is_floating() => Self::Double,
            number if number.is_numeric() => Self::Number,
            _ => Self::Other,
        }
    }

    pub(super) fn of_expr(expr: &Expr, schema: &dyn ExprSchema) -> Result<Self> {
        if is_truth(expr) {
            return Ok(Self::Truth);
        }
        Ok(Self::of(&expr.get_type(schema)?))
    }

    /// Whether DataFusion compares two of these as MySQL does.
    pub(super) fn compares_with(self, other: Self) -> bool {
        match (self, other) {
            (Self::Null | Self::Other, _) | (_, Self::Null | Self::Other) => true,
            (Self::Date | Self::Moment, Self::Date | Self::Moment) => true,
            (left, right) => left == right,
        }
    }

    /// Whether values of the class are numbers.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Number | Self::Double)
    }
}

/// Whether an expression is a truth value by its form, whatever is in it.
pub(super) fn is_truth(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(binary) => matches!(
            binary.op,
            Operator::And
                | Operator::Or
                | Operator::Eq
                | Operator::NotEq
                | Operator::Lt
                | Operator::LtEq
                | Operator::Gt
                | Operator::GtEq
                | Operator::IsDistinctFrom
                | Operator::IsNotDistinctFrom
        ),
        Expr::Alias(alias) => is_truth(&alias.expr),
        Expr::Not(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_)
        | Expr::Exists(_)
        | Expr::InList(_)
        | Expr::InSubquery(_)
        | Expr::SetComparison(_)
        | Expr::Between(_)
        | Expr::Like(_)
        | Expr::SimilarTo(_) => true,
        _ => false,
    }
}
