//! JSON_SET and its like: documents with what their paths name changed, and what is asked of paths.

use datafusion::common::{Result, exec_err};
use serde_json::Value;

use super::Call;
use super::path::Path;

impl Call {
    /// JSON_SET, JSON_INSERT, JSON_REPLACE: puts values where there is one, where there is none, or both.
    pub(super) fn put(&mut self, row: usize, there: bool, missing: bool) -> Result<Option<Value>> {
        self.changed(row, 2, |call, index, path, document| {
            path.put(document, call.value(index + 1, row)?, there, missing);
            Ok(())
        })
    }

    /// JSON_ARRAY_APPEND.
    pub(super) fn appended(&mut self, row: usize) -> Result<Option<Value>> {
        self.changed(row, 2, |call, index, path, document| {
            path.append(document, call.value(index + 1, row)?);
            Ok(())
        })
    }

    /// JSON_REMOVE.
    pub(super) fn removed(&mut self, row: usize) -> Result<Option<Value>> {
        self.changed(row, 1, |_, _, path, document| {
            if path.is_root() {
                return exec_err!("JSON_REMOVE() cannot remove the whole document, $");
            }
            path.remove(document);
            Ok(())
        })
    }

    /// The document changed by each path in turn, of which one stands in every `step`-th argument.
    fn changed(
        &mut self,
        row: usize,
        step: usize,
        change: impl Fn(&Self, usize, &Path, &mut Value) -> Result<()>,
    ) -> Result<Option<Value>> {
        let Some(mut document) = self.document(0, row)? else {
            return Ok(None);
        };
        for index in (1..self.columns.len()).step_by(step) {
            let Some(path) = self.path(index, row)? else {
                return Ok(None);
            };
            if path.is_many() {
                return exec_err!(
                    "a path of {}() names one place: it may not have *, ** or ranges",
                    crate::functions::user_name(self.name)
                );
            }
            change(self, index, &path, &mut document)?;
        }
        Ok(Some(document))
    }

    /// All documents made one, from left to right.
    pub(super) fn folded(
        &self,
        row: usize,
        with: fn(Value, Value) -> Value,
    ) -> Result<Option<Value>> {
        let mut whole: Option<Value> = None;
        for index in 0..self.columns.len() {
            let Some(next) = self.document(index, row)? else {
                return Ok(None);
            };
            whole = Some(match whole {
                Some(whole) => with(whole, next),
                None => next,
            });
        }
        Ok(whole)
    }

    /// Whether the document has one of the paths, or all.
    pub(super) fn has_paths(&mut self, row: usize) -> Result<Option<bool>> {
        let Some(document) = self.document(0, row)? else {
            return Ok(None);
        };
        let all = match self.at(1, row).map(str::to_lowercase).as_deref() {
            None => return Ok(None),
            Some("one") => false,
            Some("all") => true,
            Some(other) => {
                return exec_err!("JSON_CONTAINS_PATH() takes 'one' or 'all', not '{other}'");
            }
        };
        let mut found = all;
        for index in 2..self.columns.len() {
            let Some(path) = self.path(index, row)? else {
                return Ok(None);
            };
            let has = !path.find(&document).is_empty();
            found = if all { found && has } else { found || has };
        }
        Ok(Some(found))
    }
}
