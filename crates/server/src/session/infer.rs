//! Columns of files that nobody declared: for INFER SCHEMA, and for CREATE EXTERNAL TABLE without columns.

use std::sync::Arc;

use catalog::Column;
use parser::StagedFile;

use super::Session;
use super::queries::Sources;
use crate::error::Result;
use crate::external::ExternalOptions;
use crate::gate::{Object, Operation};

impl Session {
    /// The columns that files of a stage have, as a staged file in FROM has them.
    ///
    /// # Errors
    /// Those of the options, of opening the stage and of reading the files.
    pub(crate) async fn infer_schema(&self, file: &StagedFile) -> Result<Vec<Column>> {
        self.allow(Operation::Query, Object::Account).await?;
        let options = ExternalOptions::from_staged_file(file)?;
        let columns = self.inferred_columns(&options).await;
        columns.map_err(|error| error.within(format_args!("'{}'", file.target)))
    }

    /// The columns of files, as SQL types: for CREATE EXTERNAL TABLE without columns, and for INFER SCHEMA.
    pub(super) async fn inferred_columns(&self, options: &ExternalOptions) -> Result<Vec<Column>> {
        let mut sources = Sources::new(&self.instance)?;
        let source = sources.files(self.acting(), options).await?;
        let schema = self
            .instance
            .engine
            .infer_schema(&source, &sources.stores)
            .await?;
        let column = |field: &Arc<arrow::datatypes::Field>| {
            Ok(Column {
                name: field.name().to_lowercase(),
                data_type: query::declared_type(field)?,
                nullable: field.is_nullable(),
                default: None,
                primary_key: false,
                auto_increment: false,
                comment: String::new(),
            })
        };
        schema.fields().iter().map(column).collect()
    }
}
