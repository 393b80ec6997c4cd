//! Views: a query in the place of a table. It is planned with names of its own, and then stands in the plan of the query
//! that reads it as a subquery would.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::ViewTable;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::Statement;
use futures::future::BoxFuture;

use super::{Context, QueryEngine, explain_names, read_only};
use crate::error::{Error, from_datafusion};
use crate::mysql::{self, SessionValues};
use crate::tables::{FilesAtHand, Source, Stores, TableDefinition, ViewQuery};

/// Nodes of a plan in which views stand: a view that is read twice is planned twice, and views of views of views grow.
const NODES_MAX: usize = 2_000;

impl QueryEngine {
    /// The table that a view is.
    pub(super) fn view<'a>(
        &'a self,
        table: &'a TableDefinition,
        view: &'a ViewQuery,
        outer: &'a Context,
        stores: &'a Stores,
        batch_rows: usize,
        files: &'a FilesAtHand,
    ) -> BoxFuture<'a, Result<Arc<dyn TableProvider>, Error>> {
        Box::pin(async move {
            let plan = self
                .view_plan(view, outer, stores, batch_rows, files)
                .await
                .map_err(|error| {
                    error.before(&format!("view '{}.{}': ", table.database, table.name))
                })?;
            Ok(Arc::new(ViewTable::new(plan, None)) as Arc<dyn TableProvider>)
        })
    }

    async fn view_plan(
        &self,
        view: &ViewQuery,
        outer: &Context,
        stores: &Stores,
        batch_rows: usize,
        files: &FilesAtHand,
    ) -> Result<LogicalPlan, Error> {
        let parsed = &view.statement.parsed;
        let mut query = parsed.query.clone();
        if parsed.file_paths {
            mysql::hide_file_paths(&mut query, &view.tables, Some(&view.database))?;
        }
        mysql::rewrite(&mut query, &outer.values)?;
        let context = Context {
            tables: view.tables.clone(),
            stores: Vec::new(),
            values: SessionValues {
                database: Some(view.database.clone()),
                ..outer.values.clone()
            },
            time_max: None,
            time_spent: std::time::Duration::ZERO,
            time_setting: "",
        };
        let file_paths = parsed.file_paths;
        let state = self
            .session(&context, stores, batch_rows, files, file_paths)
            .await?;
        let statement = DfStatement::Statement(Box::new(Statement::Query(query)));
        let plan = state
            .statement_to_plan(statement)
            .await
            .and_then(crate::meaning::planned)
            .map_err(|error| explain_names(error, &context))?;
        read_only().verify_plan(&plan).map_err(from_datafusion)?;
        check_size(&plan)?;
        let names: Vec<String> = plan
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let labels = parsed.labels.apply(&names);
        if labels != view.labels || labels.len() != view.columns.len() {
            return Err(Error::invalid(format!(
                "its query gives the columns {} where it gave {} when the view was made; ALTER VIEW makes it anew",
                labels.join(", "),
                view.labels.join(", "),
            )));
        }
        let columns = plan.schema().iter().zip(&view.columns);
        let columns: Vec<Expr> = columns
            .map(|((qualifier, field), name)| {
                Expr::Column((qualifier, field).into()).alias(name.clone())
            })
            .collect();
        LogicalPlanBuilder::from(plan)
            .project(columns)
            .and_then(LogicalPlanBuilder::build)
            .map_err(from_datafusion)
    }
}

/// Refuses a plan that views have made too large.
pub(super) fn check_size(plan: &LogicalPlan) -> Result<(), Error> {
    let mut nodes = 0;
    plan.apply_with_subqueries(|_| {
        nodes += 1;
        Ok(match nodes <= NODES_MAX {
            true => TreeNodeRecursion::Continue,
            false => TreeNodeRecursion::Stop,
        })
    })
    .map_err(from_datafusion)?;
    if nodes > NODES_MAX {
        return Err(Error::unsupported(format!(
            "views within views make a plan of more than {NODES_MAX} steps; keep a part of it as a table, with CREATE TABLE … AS"
        )));
    }
    Ok(())
}

/// Bytes of all string literals of the views among some tables.
pub(super) fn text_bytes(tables: &[TableDefinition]) -> usize {
    let of = |table: &TableDefinition| match &table.source {
        Source::View(view) => view.statement.parsed.text_bytes + text_bytes(&view.tables),
        Source::Segments { .. }
        | Source::Files { .. }
        | Source::Batches(_)
        | Source::Rows(_)
        | Source::Live(_) => 0,
    };
    tables.iter().map(of).sum()
}

/// Whether there is a view among some tables.
pub(super) fn has_views(tables: &[TableDefinition]) -> bool {
    tables
        .iter()
        .any(|table| matches!(table.source, Source::View(_)))
}
