//! Columns of UNION whose parts are of different kinds: doubles among numbers, numbers among truth values, texts among
//! all (MySQL 8.4 manual, "UNION Clause"). DataFusion would make decimals of doubles, which cuts them.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Union, cast};

use super::classes::Class;
use super::comparison::{double, truth_number};
use crate::functions::call;

/// What the parts of a column become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Common {
    /// As DataFusion has it.
    Left,
    Doubles,
    /// Truth values count as 0 and 1.
    Numbers,
    Texts,
}

/// The plan with its unions' parts alike, and whether columns have other types by that.
pub(super) fn alike(plan: LogicalPlan) -> Result<(LogicalPlan, bool)> {
    let mut mixed = false;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Union(union) = node {
            mixed |= common(union).iter().any(|common| *common != Common::Left);
        }
        Ok(if mixed {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    })?;
    if !mixed {
        return Ok((plan, false));
    }
    let plan = plan.transform_up_with_subqueries(|node| {
        Ok(Transformed::yes(match node {
            LogicalPlan::Union(union) => LogicalPlan::Union(with_common(union)?),
            other => other.recompute_schema()?,
        }))
    })?;
    Ok((plan.data, true))
}

/// What each column's parts become.
fn common(union: &Union) -> Vec<Common> {
    let class = |input: &Arc<LogicalPlan>, at: usize| {
        let field = input.schema().fields().get(at);
        field.map_or(Class::Null, |field| Class::of(field.data_type()))
    };
    (0..union.schema.fields().len())
        .map(|at| {
            let classes: Vec<Class> = union.inputs.iter().map(|input| class(input, at)).collect();
            let any = |wanted| classes.contains(&wanted);
            let others = [
                Class::Truth,
                Class::Number,
                Class::Double,
                Class::Date,
                Class::Moment,
                Class::Clock,
            ];
            if any(Class::Text) && !any(Class::Other) && others.into_iter().any(any) {
                Common::Texts
            } else if any(Class::Double) && (any(Class::Number) || any(Class::Truth)) {
                Common::Doubles
            } else if any(Class::Truth) && any(Class::Number) {
                Common::Numbers
            } else {
                Common::Left
            }
        })
        .collect()
}

fn with_common(union: Union) -> Result<Union> {
    let common = common(&union);
    let inputs = union
        .inputs
        .into_iter()
        .map(|input| {
            let mut changed = false;
            let exprs = input
                .schema()
                .iter()
                .zip(&common)
                .map(|((relation, field), common)| {
                    let column = Expr::Column(Column::from((relation, field)));
                    let (expr, other) = part(column, field.data_type(), *common)?;
                    changed |= other;
                    Ok(if other {
                        expr.alias_qualified(relation.cloned(), field.name())
                    } else {
                        expr
                    })
                })
                .collect::<Result<Vec<_>>>()?;
            if !changed {
                return Ok(input);
            }
            Projection::try_new(exprs, input)
                .map(|projection| Arc::new(LogicalPlan::Projection(projection)))
        })
        .collect::<Result<Vec<_>>>()?;
    Union::try_new_with_loose_types(inputs)
}

/// A part's column as what all become, and whether that is another type.
fn part(column: Expr, data_type: &DataType, common: Common) -> Result<(Expr, bool)> {
    let class = Class::of(data_type);
    Ok(match common {
        Common::Doubles if class == Class::Truth => {
            (cast(truth_number(column)?, DataType::Float64), true)
        }
        Common::Doubles if class.is_number() && data_type != &DataType::Float64 => {
            (double(column, data_type)?, true)
        }
        Common::Numbers if class == Class::Truth => (truth_number(column)?, true),
        Common::Texts if !matches!(class, Class::Text | Class::Null | Class::Bytes) => {
            (call("mysql_text", vec![column])?, true)
        }
        Common::Left | Common::Doubles | Common::Numbers | Common::Texts => (column, false),
    })
}
