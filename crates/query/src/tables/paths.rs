//! What the paths of a table's files say of their rows: Hive partitions (`…/dt=2026-01-01/region=eu/x.parquet`), and the
//! path itself, `__mo_filepath`. Filters of such columns alone choose the files, so that no other is read.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr_rewriter::unnormalize_col;

use super::{FileRef, with_views};
use crate::convert::ColumnWriter;
use crate::convert::types::arrow_field;
use crate::error::{Error, from_datafusion};
use crate::text;

/// The column that tells which file a row comes from. No `*` stands for it.
pub(crate) const FILE_PATH: &str = "__mo_filepath";
/// How Hive calls the folder of rows whose value is NULL.
const NULL_FOLDER: &str = "__HIVE_DEFAULT_PARTITION__";

/// Which columns of a table are in the paths of its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathColumns {
    /// Whether folders of the form `key=value` are columns: the files do not have them.
    pub hive: bool,
    /// Whether their types were found in the folders' names: then a value that its column does not keep exactly is an
    /// error, for nobody has asked for rounding.
    pub undeclared: bool,
    /// What stands before a file's path in `__mo_filepath`, such as `stage://name/`; without it there is no such column.
    pub place: Option<String>,
}

impl PathColumns {
    /// The files' columns, and behind them those of their folders.
    ///
    /// # Errors
    /// Invalid for folders that are not alike, and for a key that the files have, too.
    pub(crate) fn add_to(&self, schema: SchemaRef, files: &[FileRef]) -> Result<SchemaRef, Error> {
        if !self.hive {
            return Ok(schema);
        }
        let folders = Folders::of(files)?;
        let mut fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
        for (place, key) in folders.keys.iter().enumerate() {
            if named(&schema, key).is_some() {
                return Err(Error::invalid(format!(
                    "the column '{key}' is in the files and in the names of their folders, too; read the files without hive_partitioning, or declare the columns"
                )));
            }
            let values = folders.values.iter().filter_map(|of_file| {
                let value: &Option<String> = of_file.get(place)?;
                value.as_deref()
            });
            fields.push(Arc::new(arrow_field(key, &text::type_of(values), true)?));
        }
        let metadata = schema.metadata().clone();
        Ok(Arc::new(Schema::new_with_metadata(fields, metadata)))
    }
}

/// The columns of a table that come from its files' paths, with their values.
#[derive(Debug, Default)]
pub(crate) struct FromPaths {
    fields: Vec<FieldRef>,
    /// Of each file one for each field.
    values: Vec<Vec<ScalarValue>>,
}

impl FromPaths {
    /// Those of a table with these columns. `wants_path` adds [`FILE_PATH`].
    ///
    /// # Errors
    /// Invalid for folders that are not alike, a key that is no column, a value that does not fit.
    pub(super) fn of(
        schema: &Schema,
        files: &[FileRef],
        columns: &PathColumns,
        wants_path: bool,
    ) -> Result<Self, Error> {
        let mut found = Self {
            fields: Vec::new(),
            values: vec![Vec::new(); files.len()],
        };
        if columns.hive {
            let folders = Folders::of(files)?;
            for (place, key) in folders.keys.iter().enumerate() {
                let field = named(schema, key).ok_or_else(|| no_column(key, schema))?;
                let mut writer = ColumnWriter::new(field)?;
                for (file, values) in files.iter().zip(&folders.values) {
                    let value = values.get(place).and_then(Option::as_deref);
                    text::push_named(&mut writer, field, value, columns.undeclared).map_err(
                        |error| {
                            error.with_detail(&format!(" (folder of the file '{}')", file.path))
                        },
                    )?;
                }
                found.add(Arc::clone(field), &writer.finish()?)?;
            }
            if found.fields.len() == schema.fields().len() {
                return Err(Error::invalid(
                    "every column of the table is in the names of folders; the files must have one, too",
                ));
            }
        }
        if let Some(place) = &columns.place
            && wants_path
            && named(schema, FILE_PATH).is_none()
        {
            found
                .fields
                .push(Arc::new(arrow_field(FILE_PATH, "text", false)?));
            for (file, values) in files.iter().zip(&mut found.values) {
                values.push(ScalarValue::Utf8(Some(format!("{place}{}", file.path))));
            }
        }
        Ok(found)
    }

    fn add(&mut self, field: FieldRef, values: &ArrayRef) -> Result<(), Error> {
        self.fields.push(field);
        for (row, of_file) in self.values.iter_mut().enumerate() {
            of_file.push(ScalarValue::try_from_array(values, row).map_err(from_datafusion)?);
        }
        Ok(())
    }

    /// The columns of a table that are in the files themselves.
    pub(super) fn left_to_files(&self, schema: &SchemaRef) -> SchemaRef {
        if self.fields.is_empty() {
            return Arc::clone(schema);
        }
        let own = |field: &&FieldRef| !self.fields.iter().any(|ours| ours.name() == field.name());
        let fields: Vec<FieldRef> = schema.fields().iter().filter(own).cloned().collect();
        Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
    }

    /// Some columns, and behind them these.
    pub(crate) fn behind(&self, schema: &SchemaRef) -> SchemaRef {
        if self.fields.is_empty() {
            return Arc::clone(schema);
        }
        let fields: Vec<FieldRef> = schema
            .fields()
            .iter()
            .chain(&self.fields)
            .cloned()
            .collect();
        Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
    }

    /// The same with texts and bytes as views, as Parquet is decoded.
    pub(super) fn into_views(mut self) -> Result<Self, Error> {
        let schema = with_views(&Schema::new(self.fields));
        self.fields = schema.fields().iter().cloned().collect();
        for value in self.values.iter_mut() {
            for (value, field) in value.iter_mut().zip(&self.fields) {
                *value = value.cast_to(field.data_type()).map_err(from_datafusion)?;
            }
        }
        Ok(self)
    }

    pub(super) fn fields(&self) -> &[FieldRef] {
        &self.fields
    }

    /// The values of one file.
    pub(super) fn values(&self, file: usize) -> &[ScalarValue] {
        self.values.get(file).map_or(&[], Vec::as_slice)
    }

    /// The value of one column in one file, once for each of its rows.
    pub(crate) fn column(
        &self,
        file: usize,
        column: usize,
        rows: usize,
    ) -> Result<ArrayRef, Error> {
        let value = self.values(file).get(column);
        let value = value.ok_or_else(|| Error::internal("a file has no value for its folder"))?;
        value.to_array_of_size(rows).map_err(from_datafusion)
    }

    /// Whether a filter is of these columns alone, and gives the same whenever it is asked.
    pub(crate) fn decide(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        let is_ours = |name: &str| {
            self.fields
                .iter()
                .any(|field| field.name().as_str() == name)
        };
        !columns.is_empty()
            && columns.iter().all(|column| is_ours(&column.name))
            && !filter.is_volatile()
    }

    /// The places of the files that may have rows for all of these filters.
    pub(crate) fn kept(&self, filters: &[Expr], state: &dyn Session) -> Vec<usize> {
        let mut kept = vec![true; self.values.len()];
        for filter in filters.iter().filter(|filter| self.decide(filter)) {
            // What cannot be said before the query runs is said as it runs.
            let Some(fits) = self.fits(filter, state) else {
                continue;
            };
            for (kept, fits) in kept.iter_mut().zip(fits.iter()) {
                *kept &= fits == Some(true);
            }
        }
        let places = kept.iter().enumerate();
        places
            .filter_map(|(place, kept)| kept.then_some(place))
            .collect()
    }

    fn fits(&self, filter: &Expr, state: &dyn Session) -> Option<BooleanArray> {
        let schema = Arc::new(Schema::new(self.fields.clone()));
        let columns = (0..self.fields.len()).map(|column| {
            let values = self.values.iter().map(|of_file| of_file[column].clone());
            ScalarValue::iter_to_array(values).ok()
        });
        let columns: Option<Vec<ArrayRef>> = columns.collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns?).ok()?;
        let schema = DFSchema::try_from(schema).ok()?;
        let evaluated = crate::panics::caught("choosing files by their folders", || {
            let filter = unnormalize_col(filter.clone());
            let filter = state.create_physical_expr(filter, &schema);
            filter
                .and_then(|filter| filter.evaluate(&batch))
                .and_then(|fits| fits.into_array(batch.num_rows()))
                .map_err(from_datafusion)
        });
        let fits = evaluated.ok()?.ok()?;
        fits.as_boolean_opt().cloned()
    }
}

/// The folders of the form `key=value` that some files are in.
#[derive(Debug, Default, PartialEq, Eq)]
struct Folders {
    /// In lower case, the outermost first.
    keys: Vec<String>,
    /// Of each file one for each key.
    values: Vec<Vec<Option<String>>>,
}

impl Folders {
    fn of(files: &[FileRef]) -> Result<Self, Error> {
        let mut found = Self::default();
        for file in files {
            let (keys, values) = folders(&file.path)?;
            match files.first() {
                Some(first) if !found.values.is_empty() && found.keys != keys => {
                    return Err(Error::invalid(format!(
                        "the files are not in folders of the same keys: '{}' is in folders by {}, '{}' by {}",
                        first.path,
                        listed(&found.keys),
                        file.path,
                        listed(&keys),
                    )));
                }
                Some(_) | None => found.keys = keys,
            }
            found.values.push(values);
        }
        if let Some(file) = files.first()
            && found.keys.is_empty()
        {
            return Err(Error::invalid(format!(
                "hive_partitioning: the file '{}' is in no folder of the form key=value",
                file.path
            )));
        }
        Ok(found)
    }
}

/// Keys and values of the folders of a file.
type KeysAndValues = (Vec<String>, Vec<Option<String>>);

fn folders(path: &str) -> Result<KeysAndValues, Error> {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    let (mut keys, mut values): KeysAndValues = (Vec::new(), Vec::new());
    for folder in folders.split('/') {
        let Some((key, value)) = folder.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            continue;
        };
        let key = decoded(key, path)?.to_lowercase();
        if keys.contains(&key) {
            return Err(Error::invalid(format!(
                "the file '{path}' is in two folders by '{key}'"
            )));
        }
        keys.push(key);
        values.push(match value {
            NULL_FOLDER => None,
            value => Some(decoded(value, path)?),
        });
    }
    Ok((keys, values))
}

/// A text of a URL as it was: `%41` is `A`. A `%` without two digits behind it stands for itself.
fn decoded(text: &str, path: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let code = match (byte, behind) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match code {
            Some((high, low)) => {
                bytes.push((high << 4) | low);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*byte);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| {
        Error::invalid(format!(
            "the folder '{text}' of the file '{path}' is not UTF-8 once it is decoded"
        ))
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// The column of a name, in any case.
fn named<'a>(schema: &'a Schema, name: &str) -> Option<&'a FieldRef> {
    let is_named = |field: &&FieldRef| field.name().to_lowercase() == name;
    schema.fields().iter().find(is_named)
}

fn no_column(key: &str, schema: &Schema) -> Error {
    let names = schema
        .fields()
        .iter()
        .map(|field: &Arc<Field>| field.name().as_str());
    Error::invalid(format!(
        "the files are in folders by '{key}', which is no column of the table; its columns are {}",
        names.collect::<Vec<_>>().join(", ")
    ))
}

fn listed(keys: &[String]) -> String {
    match keys {
        [] => "nothing".to_owned(),
        keys => format!("'{}'", keys.join("', '")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn files(paths: &[&str]) -> Vec<FileRef> {
        paths.iter().map(|path| FileRef::new(*path, 1)).collect()
    }

    #[test]
    fn keys_and_values_are_decoded_and_null_is_told_from_text() {
        let found = Folders::of(&files(&[
            "sales/Dt=2026-01-01/region=a%2Cb/x.csv",
            "sales/dt=__HIVE_DEFAULT_PARTITION__/region=50%/y=1.csv",
        ]))
        .unwrap();
        assert_eq!(found.keys, ["dt", "region"]);
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(found.values[0], [text("2026-01-01"), text("a,b")]);
        assert_eq!(found.values[1], [None, text("50%")]);
    }

    #[test]
    fn folders_that_are_not_alike_are_an_error_with_both_files() {
        let of = |paths: &[&str]| Folders::of(&files(paths)).unwrap_err().to_string();
        let mixed = of(&["a=1/b=2/x", "a=1/y"]);
        assert_eq!(
            mixed,
            "the files are not in folders of the same keys: 'a=1/b=2/x' is in folders by 'a', 'b', 'a=1/y' by 'a'"
        );
        assert!(of(&["a=1/x", "y"]).contains("'y' by nothing"));
        assert!(of(&["x.csv"]).contains("in no folder of the form key=value"));
        assert!(of(&["a=1/A=2/x"]).contains("two folders by 'a'"));
        assert!(of(&["a=%ff/x"]).contains("not UTF-8"));
    }
}
