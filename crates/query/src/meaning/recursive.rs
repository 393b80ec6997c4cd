//! Columns of WITH RECURSIVE have the types of the first SELECT (MySQL 8.4 manual, "WITH (Common Table Expressions)");
//! what the recursive one gives is stored in them, as in a table's: numbers are rounded, what does not fit is an error.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Result, plan_err};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Projection, RecursiveQuery, TableType,
    cast, lit,
};
use datafusion::optimizer::analyzer::AnalyzerRule;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;

use super::classes::Class;
use crate::functions::call;

/// The analyzer's rule.
#[derive(Debug)]
pub(super) struct RecursiveTypes;

impl AnalyzerRule for RecursiveTypes {
    fn name(&self) -> &str {
        "mysql_recursive_types"
    }

    fn analyze(&self, plan: LogicalPlan, options: &ConfigOptions) -> Result<LogicalPlan> {
        let mut retyped = false;
        plan.transform_up_with_subqueries(|node| {
            let LogicalPlan::RecursiveQuery(query) = node else {
                return match retyped {
                    true => node.recompute_schema().map(Transformed::yes),
                    false => Ok(Transformed::no(node)),
                };
            };
            retyped = true;
            let types = settled(&query.static_term, options)?;
            recursion(read_as(query, &types)?, &types).map(Transformed::yes)
        })
        .map(|plan| plan.data)
    }
}

/// The types that the columns of the first part have in the end: those of a UNION and of quotients are told by later rules.
fn settled(first: &Arc<LogicalPlan>, options: &ConfigOptions) -> Result<Vec<DataType>> {
    let mut plan = first.as_ref().clone();
    let rules: [&dyn AnalyzerRule; 3] = [
        &super::analyzer::Comparisons,
        &super::columns::RoundColumns,
        &TypeCoercion::new(),
    ];
    for rule in rules {
        plan = rule.analyze(plan, options)?;
    }
    let fields = plan.schema().fields().iter();
    Ok(fields.map(|field| field.data_type().clone()).collect())
}

/// The recursion whose recursive part reads columns of these types.
fn read_as(query: RecursiveQuery, types: &[DataType]) -> Result<RecursiveQuery> {
    let planned = query.static_term.schema().fields();
    let mut fields = Vec::with_capacity(types.len());
    for (field, to) in planned.iter().zip(types) {
        let (from, kind) = (Class::of(field.data_type()), Class::of(to));
        if from != kind && !(from.is_number() && kind.is_number()) {
            return plan_err!(
                "the column '{}' of a recursive common table expression has values of several kinds in its first SELECTs: CAST them to one type",
                field.name()
            );
        }
        let field = Field::new(field.name(), to.clone(), true);
        fields.push(field);
    }
    let same = planned.iter().zip(types);
    if same.into_iter().all(|(field, to)| field.data_type() == to) {
        return Ok(query);
    }
    let table = CteWorkTable::new(&query.name, Arc::new(Schema::new(fields)));
    let source = provider_as_source(Arc::new(table));
    let term = query.recursive_term.as_ref().clone();
    let term = term.transform_up_with_subqueries(|node| {
        Ok(Transformed::yes(match node {
            LogicalPlan::TableScan(scan)
                if scan.source.table_type() == TableType::Temporary
                    && scan.table_name.table() == query.name =>
            {
                let scan = LogicalPlanBuilder::scan(
                    scan.table_name,
                    Arc::clone(&source),
                    scan.projection,
                )?;
                scan.build()?
            }
            other => other.recompute_schema()?,
        }))
    })?;
    RecursiveQuery::try_new(
        query.name,
        query.static_term,
        Arc::new(term.data),
        query.is_distinct,
    )
}

/// A recursion whose parts have the same columns: of those that were declared differently the declaration is left out.
fn recursion(query: RecursiveQuery, types: &[DataType]) -> Result<LogicalPlan> {
    let (first, term) = (&query.static_term, &query.recursive_term);
    let (declared, own) = (first.schema().fields(), term.schema().fields());
    let differ: Vec<bool> = declared
        .iter()
        .zip(own)
        .map(|(first, own)| first.metadata() != own.metadata())
        .collect();
    let (exprs, input) = match term.as_ref() {
        LogicalPlan::Projection(projection) => {
            (projection.expr.clone(), Arc::clone(&projection.input))
        }
        other => (columns(other), Arc::clone(term)),
    };
    let exprs = exprs
        .into_iter()
        .zip(declared.iter().zip(types))
        .zip(&differ)
        .map(|((expr, (field, to)), differs)| {
            undeclared(stored(expr, to, field.name(), &input)?, *differs)
        })
        .collect::<Result<Vec<_>>>()?;
    let term = Arc::new(LogicalPlan::Projection(Projection::try_new(exprs, input)?));
    let first = if differ.contains(&true) {
        let exprs = columns(first)
            .into_iter()
            .zip(&differ)
            .map(|(expr, differs)| undeclared(expr, *differs))
            .collect::<Result<Vec<_>>>()?;
        let first = Projection::try_new(exprs, Arc::clone(first))?;
        Arc::new(LogicalPlan::Projection(first))
    } else {
        query.static_term
    };
    RecursiveQuery::try_new(query.name, first, term, query.is_distinct)
        .map(LogicalPlan::RecursiveQuery)
}

fn columns(plan: &LogicalPlan) -> Vec<Expr> {
    plan.schema()
        .columns()
        .into_iter()
        .map(Expr::Column)
        .collect()
}

/// The expression without what its column was declared as.
fn undeclared(expr: Expr, differs: bool) -> Result<Expr> {
    if !differs {
        return Ok(expr);
    }
    let (relation, name) = expr.qualified_name();
    let plain = call("mysql_plain", vec![expr.unalias()])?;
    Ok(plain.alias_qualified(relation, name))
}

/// What DataFusion casts to a column's type as MySQL stores it in the column.
fn stored(expr: Expr, to: &DataType, column: &str, input: &LogicalPlan) -> Result<Expr> {
    match expr {
        Expr::Alias(alias) => {
            let expr = stored(*alias.expr, to, column, input)?;
            Ok(expr.alias_qualified(alias.relation, alias.name))
        }
        Expr::Cast(Cast { expr, .. }) => {
            let name = expr.schema_name().to_string();
            assigned(*expr, to, column, input).map(|expr| expr.alias(name))
        }
        other if other.get_type(input.schema())? == *to => Ok(other),
        other => {
            let (relation, name) = other.qualified_name();
            let expr = assigned(other, to, column, input)?;
            Ok(expr.alias_qualified(relation, name))
        }
    }
}

fn assigned(expr: Expr, to: &DataType, column: &str, input: &LogicalPlan) -> Result<Expr> {
    let from = expr.get_type(input.schema())?;
    let class = Class::of(&from);
    if class == Class::Null {
        return Ok(cast(expr, to.clone()));
    }
    let stored = match Class::of(to) {
        Class::Null => {
            return plan_err!(
                "the column '{column}' of a recursive common table expression is NULL in its first SELECT, which gives it no type: write CAST(NULL AS …) there"
            );
        }
        Class::Truth if class != Class::Truth => {
            return plan_err!(
                "the column '{column}' of a recursive common table expression is a truth value in its first SELECT and another value in the recursive one: write it as a number there, … + 0"
            );
        }
        Class::Text if class != Class::Text => call("mysql_text", vec![expr])?,
        Class::Number if to.is_unsigned_integer() => call("mysql_unsigned", vec![expr])?,
        Class::Number if to.is_integer() => call("mysql_signed", vec![expr])?,
        Class::Moment => call("mysql_cast_datetime", vec![expr, lit(digits(to))])?,
        Class::Clock => call("mysql_cast_time", vec![expr, lit(digits(to))])?,
        Class::Truth
        | Class::Text
        | Class::Number
        | Class::Double
        | Class::Bytes
        | Class::Date
        | Class::Other => expr,
    };
    Ok(cast(stored, to.clone()))
}

/// Digits of a second that a type has.
fn digits(data_type: &DataType) -> i64 {
    match data_type {
        DataType::Timestamp(TimeUnit::Second, _) | DataType::Time32(TimeUnit::Second) => 0,
        DataType::Timestamp(TimeUnit::Millisecond, _) | DataType::Time32(TimeUnit::Millisecond) => {
            3
        }
        _ => 6,
    }
}
