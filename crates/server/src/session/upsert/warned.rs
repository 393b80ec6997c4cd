//! What INSERT IGNORE warns of.

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use catalog::TableRecord;
use query::TableDefinition;

use crate::error::{Error, Result};
use crate::session::Session;
use crate::session::keys::duplicate_entry;

use super::contention::numbers;
use super::queries::Texts;

/// Rows that are told of one by one, as `max_error_count` has it in MySQL.
const TOLD_MAX: usize = 64;

impl Session {
    /// A warning of each of the first rows that were left out, and one of the rest.
    pub(super) async fn warned(
        &self,
        table: &TableRecord,
        texts: &Texts<'_>,
        left_out: bool,
        tables: Vec<TableDefinition>,
        rows: u64,
    ) -> Result<Vec<String>> {
        let query = texts.told_of(left_out, TOLD_MAX);
        let mut warnings = Vec::new();
        for batch in self.few_rows(&query, tables).await? {
            let keys = numbers(&batch, 0)?;
            for (at, key) in keys.iter().enumerate() {
                let key = usize::try_from(key.unwrap_or_default()).unwrap_or_default();
                let (Some(column), Some(key)) = (batch.columns().get(key + 1), table.keys.get(key))
                else {
                    return Err(Error::defect("a row was left out for a key that is none"));
                };
                let texts = cast(column, &DataType::Utf8).map_err(|error| {
                    Error::defect("a key's values make no text").with_source(error)
                })?;
                let entry = texts.as_string::<i32>().value(at);
                warnings.push(format!("1062: {}", duplicate_entry(table, key, entry)));
            }
        }
        let told = warnings.len() as u64;
        if rows > told {
            warnings.push(format!(
                "1062: {} more rows have keys that are there already",
                rows - told
            ));
        }
        Ok(warnings)
    }
}
