//! INSERT and LOAD DATA into an external table with `write_file_pattern`: the rows become one new file on its stage,
//! written as the table's files are read, by an export as any other: with its record, its rules and its publication.

use std::sync::Arc;

use catalog::{TableRecord, TableSource};
use futures::StreamExt;
use parser::{Export, ExportOptions, Fields, Format, Lines, QueryText, Target};
use query::PlannedInsert;

use super::Session;
use super::exports::ExportRows;
use crate::error::{Error, Result};
use crate::external::ExternalOptions;

impl Session {
    /// That a file may be added to the table: asked before any row is made or received.
    ///
    /// # Errors
    /// Those of an export to the stage of its `write_file_pattern`, and what its policies say of files of tables.
    pub(super) async fn may_append_file(&self, table: &TableRecord) -> Result<()> {
        self.may_add_file(&self.new_file(table)?).await
    }

    /// Writes rows as a new file of the table, and gives how many there were. No rows: no file.
    ///
    /// # Errors
    /// Those of an export to the stage of its `write_file_pattern`; those of the rows.
    pub(super) async fn append_file(
        &self,
        table: &TableRecord,
        rows: &PlannedInsert,
    ) -> Result<u64> {
        let pin = self.instance.internal.pin();
        let mut batches = rows.stream()?;
        let first = loop {
            match batches.next().await {
                Some(Ok(batch)) if batch.num_rows() == 0 => {}
                Some(batch) => break batch?,
                None => return Ok(0),
            }
        };
        let statement = self.new_file(table)?;
        let batches = futures::stream::iter([Ok(first)]).chain(batches);
        let rows = ExportRows {
            schema: rows.schema(),
            batches: batches.boxed(),
            // The statement tells them itself.
            warnings: Arc::new(Vec::new),
            rows_estimated: rows.row_estimate(),
            pin,
        };
        Ok(self.export_rows(&statement, rows).await?.rows)
    }

    /// The export that makes a new file of the table.
    fn new_file(&self, table: &TableRecord) -> Result<Export> {
        let broken = || Error::defect("an external table that takes no files was written to");
        let TableSource::External {
            location, options, ..
        } = &table.source
        else {
            return Err(broken());
        };
        let options = ExternalOptions::from_pairs(location, options)?;
        let name = options.write.as_ref().ok_or_else(broken)?;
        let target = Target::parse(&name.name(self.statement.began_us()));
        if let Target::Stage { name, .. } = &target
            && self.temporary.get(name).is_some()
        {
            return Err(Error::not_supported(format_args!(
                "INSERT into external table '{}' while a temporary stage has the name of its stage, '{name}'",
                table.name
            )));
        }
        Ok(Export {
            query: QueryText::default(),
            target: target.into(),
            options: written(&options),
        })
    }
}

/// How files are written that are read so.
fn written(options: &ExternalOptions) -> ExportOptions {
    let csv = &options.csv;
    let mut written = ExportOptions {
        format: Some(options.format.into()),
        ..ExportOptions::default()
    };
    match options.format {
        Format::Csv => {}
        Format::JsonLine | Format::Parquet | Format::Arrow => return written,
    }
    written.fields = Fields {
        terminated_by: Some(csv.fields_terminated.clone().into()),
        enclosed_by: Some(csv.enclosed.into()),
        optionally_enclosed: false,
        escaped_by: Some(csv.escaped.into()),
    };
    let starting = Some(csv.lines_starting.clone()).filter(|starting| !starting.is_empty());
    written.lines = Lines {
        starting_by: starting.map(Into::into),
        terminated_by: Some(csv.lines_terminated.clone().into()),
    };
    written.header = Some(csv.header.into());
    written.null_as = csv.null.clone().map(Into::into);
    written
}

/// Whether a table's rows are in files of a stage, or elsewhere than here.
pub(super) fn is_of_files(table: &TableRecord) -> bool {
    match &table.source {
        TableSource::External { .. } => true,
        TableSource::Segments(_) | TableSource::View(_) => false,
    }
}

/// Whether a table is one to which INSERT adds files.
pub(super) fn takes_files(table: &TableRecord) -> bool {
    match &table.source {
        TableSource::External { options, .. } => {
            options.iter().any(|(key, _)| key == "write_file_pattern")
        }
        TableSource::Segments(_) | TableSource::View(_) => false,
    }
}
