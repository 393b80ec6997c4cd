//! The columns of a Parquet file as an external table declares them: found by name in any case, converted by INSERT's
//! rules where the file's type is another, and missed with an error where the file has none.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};

use crate::convert::column_of;
use crate::convert::types::{Declared, SQL_TYPE_KEY, is_binary, is_text};
use crate::error::Error;

/// Makes an adapter for each file.
#[derive(Debug)]
pub(super) struct DeclaredColumns;

impl PhysicalExprAdapterFactory for DeclaredColumns {
    fn create(
        &self,
        logical_file_schema: SchemaRef,
        physical_file_schema: SchemaRef,
    ) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let as_called = as_called(&logical_file_schema, &physical_file_schema);
        Ok(Arc::new(FileColumns {
            rest: DefaultPhysicalExprAdapterFactory
                .create(Arc::clone(&logical_file_schema), as_called)?,
            declared: logical_file_schema,
            found: physical_file_schema,
        }))
    }
}

/// A file's columns by the table's names, where those are the file's in another case.
fn as_called(table: &SchemaRef, file: &SchemaRef) -> SchemaRef {
    let field = |field: &FieldRef| {
        let is_wanted = |wanted: &&FieldRef| {
            wanted.name().to_lowercase() == field.name().to_lowercase()
                && file.index_of(wanted.name()).is_err()
        };
        match table.fields().iter().find(is_wanted) {
            Some(wanted) if table.index_of(field.name()).is_err() => {
                Arc::new(field.as_ref().clone().with_name(wanted.name()))
            }
            Some(_) | None => Arc::clone(field),
        }
    };
    let fields: Vec<FieldRef> = file.fields().iter().map(field).collect();
    Arc::new(Schema::new_with_metadata(fields, file.metadata().clone()))
}

#[derive(Debug)]
struct FileColumns {
    declared: SchemaRef,
    found: SchemaRef,
    /// For columns that nobody declared: those that were taken from the files.
    rest: Arc<dyn PhysicalExprAdapter>,
}

impl PhysicalExprAdapter for FileColumns {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let undeclared = !self
            .declared
            .fields()
            .iter()
            .any(|field| field.metadata().contains_key(SQL_TYPE_KEY));
        if undeclared {
            let expr = self.rest.rewrite(expr)?;
            return expr
                .transform(|expr| match expr.downcast_ref::<Column>() {
                    Some(column) => Ok(self.as_found(column)),
                    None => Ok(Transformed::no(expr)),
                })
                .data();
        }
        expr.transform(|expr| match expr.downcast_ref::<Column>() {
            Some(column) => self.column(column).map(Transformed::yes),
            None => Ok(Transformed::no(expr)),
        })
        .data()
    }
}

impl FileColumns {
    /// A column that is in its place of the file, by the file's own name.
    fn as_found(&self, column: &Column) -> Transformed<Arc<dyn PhysicalExpr>> {
        let index = column.index();
        let found = self.found.fields().get(index).map(|found| found.name());
        match found.filter(|name| name.to_lowercase() == column.name().to_lowercase()) {
            Some(name) => Transformed::yes(Arc::new(Column::new(name, index))),
            None => Transformed::no(Arc::new(column.clone())),
        }
    }

    fn column(&self, column: &Column) -> Result<Arc<dyn PhysicalExpr>> {
        let declared = self.declared.field_with_name(column.name())?;
        let index = self.place(column.name())?;
        let found = self.found.field(index);
        let here = Arc::new(Column::new(found.name(), index));
        let nulls = found.is_nullable() && !declared.is_nullable();
        if found.data_type() == declared.data_type() && !nulls && takes_all(declared) {
            return Ok(here);
        }
        Ok(Arc::new(Converted {
            column: here,
            declared: Arc::new(declared.clone()),
        }))
    }

    /// Where the file has a column: by the very name, else by the name in another case.
    fn place(&self, name: &str) -> Result<usize> {
        if let Ok(index) = self.found.index_of(name) {
            return Ok(index);
        }
        let mut alike = (0..self.found.fields().len())
            .filter(|index| self.found.field(*index).name().to_lowercase() == name.to_lowercase());
        match (alike.next(), alike.next()) {
            (Some(index), None) => Ok(index),
            (Some(_), Some(_)) => Err(fault(format!(
                "the declared column '{name}' stands in the file several times, in different cases"
            ))),
            (None, _) => {
                let names: Vec<&str> = self
                    .found
                    .fields()
                    .iter()
                    .map(|field| field.name().as_str())
                    .collect();
                Err(fault(format!(
                    "the declared column '{name}' is not in the file; its columns are {}",
                    names.join(", ")
                )))
            }
        }
    }
}

/// Whether every value of a column's Arrow type is one of its declared type.
pub(super) fn takes_all(field: &Field) -> bool {
    match field.data_type() {
        data_type if is_text(data_type) || is_binary(data_type) => matches!(
            field.metadata().get(SQL_TYPE_KEY).map(String::as_str),
            None | Some("longtext" | "longblob")
        ),
        DataType::Time32(_) | DataType::Time64(_) => false,
        DataType::Float32 | DataType::Float64 => Declared::of(field).float_digits().is_none(),
        _ => true,
    }
}

fn fault(text: String) -> DataFusionError {
    DataFusionError::External(Box::new(Error::invalid(text).of_a_file()))
}

/// A file's column converted to what the table declares.
#[derive(Debug)]
struct Converted {
    column: Arc<dyn PhysicalExpr>,
    /// In the type that is decoded to: text and bytes are views.
    declared: FieldRef,
}

impl PartialEq for Converted {
    fn eq(&self, other: &Self) -> bool {
        self.column.eq(&other.column) && self.declared == other.declared
    }
}

impl Eq for Converted {}

impl Hash for Converted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.column.hash(state);
        self.declared.hash(state);
    }
}

impl fmt::Display for Converted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "declared({})", self.column)
    }
}

impl PhysicalExpr for Converted {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(self.declared.data_type().clone())
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(self.declared.is_nullable())
    }

    fn return_field(&self, _: &Schema) -> Result<FieldRef> {
        Ok(Arc::clone(&self.declared))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let array = self.column.evaluate(batch)?.into_array(batch.num_rows())?;
        // Which rows of the file these are is not known here: row groups may have been left out.
        let converted = column_of(&array, &self.declared, None)
            .map_err(|error| DataFusionError::External(Box::new(error.of_a_file())))?;
        Ok(ColumnarValue::Array(converted))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.column]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self {
            column: children.pop().unwrap_or_else(|| Arc::clone(&self.column)),
            declared: Arc::clone(&self.declared),
        }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.column.fmt_sql(f)
    }
}
