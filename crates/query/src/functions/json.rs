//! JSON functions on documents that are text, with paths, written as MySQL writes them
//! (MySQL 8.4 manual, "JSON Functions"). A document that is no JSON is an error.

mod change;
mod document;
mod path;

use std::any::type_name_of_val;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use serde_json::{Map, Value};

use self::document::{contains, depth, kind, merged, overlap, patched, sorted, unquoted, written};
use self::path::Path;
use super::text::to_text;
use super::{convert, is_text, plain_type};

/// Bytes of a document that is taken apart: its tree is some sixteen times as large.
const DOCUMENT_BYTES_MAX: usize = 8 << 20;

/// The function by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Op {
    Extract,
    /// Extract and unquote: `->>`.
    ExtractText,
    /// JSON_VALUE: as `->>`, but a null is NULL.
    Value,
    Unquote,
    Quote,
    Object,
    Array,
    Length,
    Depth,
    Valid,
    Contains,
    Type,
    Keys,
    Set,
    Insert,
    Replace,
    Remove,
    ArrayAppend,
    MergePatch,
    MergePreserve,
    ContainsPath,
    Overlaps,
    /// A value as JSON, NULL as null: what JSON_ARRAYAGG joins.
    Element,
    /// A key and a value: what JSON_OBJECTAGG joins.
    Member,
}

const OPS: [(&str, Op, usize, usize); 24] = [
    ("mysql_json_extract", Op::Extract, 2, usize::MAX),
    ("mysql_json_extract_text", Op::ExtractText, 2, 2),
    ("mysql_json_value", Op::Value, 2, 2),
    ("mysql_json_unquote", Op::Unquote, 1, 1),
    ("mysql_json_quote", Op::Quote, 1, 1),
    ("mysql_json_object", Op::Object, 0, usize::MAX),
    ("mysql_json_array", Op::Array, 0, usize::MAX),
    ("mysql_json_length", Op::Length, 1, 2),
    ("mysql_json_depth", Op::Depth, 1, 1),
    ("mysql_json_valid", Op::Valid, 1, 1),
    ("mysql_json_contains", Op::Contains, 2, 3),
    ("mysql_json_type", Op::Type, 1, 1),
    ("mysql_json_keys", Op::Keys, 1, 2),
    ("mysql_json_set", Op::Set, 3, usize::MAX),
    ("mysql_json_insert", Op::Insert, 3, usize::MAX),
    ("mysql_json_replace", Op::Replace, 3, usize::MAX),
    ("mysql_json_remove", Op::Remove, 2, usize::MAX),
    ("mysql_json_array_append", Op::ArrayAppend, 3, usize::MAX),
    ("mysql_json_merge_patch", Op::MergePatch, 2, usize::MAX),
    (
        "mysql_json_merge_preserve",
        Op::MergePreserve,
        2,
        usize::MAX,
    ),
    ("mysql_json_contains_path", Op::ContainsPath, 3, usize::MAX),
    ("mysql_json_overlaps", Op::Overlaps, 2, 2),
    ("mysql_json_element", Op::Element, 1, 1),
    ("mysql_json_member", Op::Member, 2, 2),
];

/// One function of JSON.
pub(super) struct JsonFunction {
    pub(super) name: &'static str,
    op: Op,
    least: usize,
    most: usize,
    signature: Signature,
}

pub(super) fn functions() -> Vec<JsonFunction> {
    OPS.iter()
        .map(|(name, op, least, most)| JsonFunction {
            name,
            op: *op,
            least: *least,
            most: *most,
            signature: if *least == 0 {
                Signature::one_of(
                    vec![
                        datafusion::logical_expr::TypeSignature::Nullary,
                        datafusion::logical_expr::TypeSignature::UserDefined,
                    ],
                    Volatility::Immutable,
                )
            } else {
                Signature::user_defined(Volatility::Immutable)
            },
        })
        .collect()
}

impl fmt::Debug for JsonFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", type_name_of_val(self), self.name)
    }
}

impl PartialEq for JsonFunction {
    fn eq(&self, other: &Self) -> bool {
        self.op == other.op
    }
}

impl Eq for JsonFunction {}

impl Hash for JsonFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.op.hash(state);
    }
}

impl ScalarUDFImpl for JsonFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        super::arguments(
            &super::user_name(self.name),
            arg_types,
            self.least,
            self.most,
        )?;
        if self.op == Op::Object && arg_types.len() % 2 == 1 {
            return plan_err!(
                "JSON_OBJECT() takes a key and a value in turn, the last one is alone"
            );
        }
        let in_pairs = matches!(
            self.op,
            Op::Set | Op::Insert | Op::Replace | Op::ArrayAppend
        );
        if in_pairs && arg_types.len() % 2 == 0 {
            return plan_err!(
                "{}() takes a document, then a path and a value in turn; the last path is alone",
                super::user_name(self.name)
            );
        }
        Ok(arg_types.iter().map(convert::plainest).collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.op {
            Op::Length | Op::Depth => DataType::Int64,
            Op::Valid | Op::Contains | Op::ContainsPath | Op::Overlaps => DataType::Boolean,
            Op::Extract
            | Op::ExtractText
            | Op::Value
            | Op::Unquote
            | Op::Quote
            | Op::Object
            | Op::Array
            | Op::Type
            | Op::Keys
            | Op::Set
            | Op::Insert
            | Op::Replace
            | Op::Remove
            | Op::ArrayAppend
            | Op::MergePatch
            | Op::MergePreserve
            | Op::Element
            | Op::Member => DataType::Utf8,
        })
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args
            .arg_fields
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        let field = Field::new(self.name, self.return_type(&types)?, true);
        let field = match self.op {
            // What is JSON is known as such, so that it is put into other documents as it is.
            Op::Extract
            | Op::Object
            | Op::Array
            | Op::Keys
            | Op::Set
            | Op::Insert
            | Op::Replace
            | Op::Remove
            | Op::ArrayAppend
            | Op::MergePatch
            | Op::MergePreserve => field.with_metadata(HashMap::from([(
                crate::types::SQL_TYPE_KEY.to_owned(),
                "json".to_owned(),
            )])),
            Op::ContainsPath
            | Op::Overlaps
            | Op::Element
            | Op::Member
            | Op::ExtractText
            | Op::Value
            | Op::Unquote
            | Op::Quote
            | Op::Length
            | Op::Depth
            | Op::Valid
            | Op::Contains
            | Op::Type => field,
        };
        Ok(Arc::new(field))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let columns = args
            .args
            .into_iter()
            .zip(&args.arg_fields)
            .map(|(arg, field)| {
                let constant = matches!(arg, ColumnarValue::Scalar(_));
                let array = arg.into_array(1)?;
                Column::new(array, field, constant)
            })
            .collect::<Result<Vec<_>>>()?;
        let mut call = Call {
            name: self.name,
            columns,
            path: None,
        };
        let result: ArrayRef = match self.op {
            Op::Length | Op::Depth => {
                let values: Int64Array = (0..rows)
                    .map(|row| call.count(self.op, row))
                    .collect::<Result<_>>()?;
                Arc::new(values)
            }
            Op::Valid | Op::Contains | Op::ContainsPath | Op::Overlaps => {
                let values: BooleanArray = (0..rows)
                    .map(|row| call.truth(self.op, row))
                    .collect::<Result<_>>()?;
                Arc::new(values)
            }
            Op::Extract
            | Op::ExtractText
            | Op::Value
            | Op::Unquote
            | Op::Quote
            | Op::Object
            | Op::Array
            | Op::Type
            | Op::Keys
            | Op::Set
            | Op::Insert
            | Op::Replace
            | Op::Remove
            | Op::ArrayAppend
            | Op::MergePatch
            | Op::MergePreserve
            | Op::Element
            | Op::Member => {
                let values: StringArray = (0..rows)
                    .map(|row| call.text(self.op, row))
                    .collect::<Result<_>>()?;
                Arc::new(values)
            }
        };
        Ok(if scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}

/// How a value stands in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Text,
    Number,
    Truth,
}

/// An argument as text, and what it was.
struct Column {
    values: ArrayRef,
    form: Form,
    constant: bool,
}

impl Column {
    fn new(array: ArrayRef, field: &Field, constant: bool) -> Result<Self> {
        let is_json = field
            .metadata()
            .get(crate::types::SQL_TYPE_KEY)
            .is_some_and(|name| name == "json");
        let form = match plain_type(array.data_type()) {
            text if is_text(text) && is_json => Form::Json,
            DataType::Boolean => Form::Truth,
            number if number.is_numeric() => Form::Number,
            _ => Form::Text,
        };
        let values = if array.data_type() == &DataType::Float64 {
            // Doubles keep a point, so that they stay doubles.
            let texts: StringArray = array
                .as_primitive::<Float64Type>()
                .iter()
                .map(|number| number.map(|number| Value::from(number).to_string()))
                .collect();
            Arc::new(texts)
        } else {
            to_text(&array)?
        };
        Ok(Self {
            values,
            form,
            constant,
        })
    }
}

/// One batch's call.
struct Call {
    name: &'static str,
    columns: Vec<Column>,
    /// The path parsed last.
    path: Option<(String, Arc<Path>)>,
}

impl Call {
    fn at(&self, index: usize, row: usize) -> Option<&str> {
        let column = self.columns.get(index)?;
        let row = if column.constant { 0 } else { row };
        let texts = column.values.as_string::<i32>();
        (!texts.is_null(row)).then(|| texts.value(row))
    }

    fn document(&self, index: usize, row: usize) -> Result<Option<Value>> {
        let Some(text) = self.at(index, row) else {
            return Ok(None);
        };
        if text.len() > DOCUMENT_BYTES_MAX {
            return exec_err!(
                "the JSON document in argument {} of {}() is {} bytes long, {DOCUMENT_BYTES_MAX} are allowed",
                index + 1,
                super::user_name(self.name),
                text.len()
            );
        }
        match serde_json::from_str(text) {
            Ok(value) => Ok(Some(value)),
            Err(error) => exec_err!(
                "the text in argument {} of {}() is no JSON: {error}",
                index + 1,
                super::user_name(self.name)
            ),
        }
    }

    fn path(&mut self, index: usize, row: usize) -> Result<Option<Arc<Path>>> {
        let Some(text) = self.at(index, row) else {
            return Ok(None);
        };
        if let Some((known, path)) = &self.path
            && known == text
        {
            return Ok(Some(Arc::clone(path)));
        }
        match Path::parse(text) {
            Ok(path) => {
                let (text, path) = (text.to_owned(), Arc::new(path));
                self.path = Some((text, Arc::clone(&path)));
                Ok(Some(path))
            }
            Err(reason) => exec_err!("{reason}"),
        }
    }

    /// The argument as a value within a document.
    fn value(&self, index: usize, row: usize) -> Result<Value> {
        let Some(text) = self.at(index, row) else {
            return Ok(Value::Null);
        };
        let form = self
            .columns
            .get(index)
            .map_or(Form::Text, |column| column.form);
        Ok(match form {
            Form::Text => Value::from(text),
            Form::Truth => Value::from(text == "1"),
            Form::Json | Form::Number => match serde_json::from_str(text) {
                Ok(value) => value,
                Err(error) => return exec_err!("'{text}' is no JSON: {error}"),
            },
        })
    }

    fn text(&mut self, op: Op, row: usize) -> Result<Option<String>> {
        Ok(match op {
            Op::Extract => self.extract(row)?.map(|value| written(&value)),
            Op::Value => self
                .extract(row)?
                .filter(|value| !value.is_null())
                .map(|value| unquoted(&value)),
            Op::ExtractText => self.extract(row)?.map(|value| unquoted(&value)),
            Op::Unquote => match self.at(0, row) {
                None => None,
                Some(text) if text.len() > 1 && text.starts_with('"') && text.ends_with('"') => {
                    self.document(0, row)?.map(|value| unquoted(&value))
                }
                Some(text) => Some(text.to_owned()),
            },
            Op::Quote => self.at(0, row).map(|text| written(&Value::from(text))),
            Op::Object => {
                let mut members = Map::new();
                for index in (0..self.columns.len()).step_by(2) {
                    let Some(key) = self.at(index, row).map(str::to_owned) else {
                        return exec_err!("a key of JSON_OBJECT() may not be NULL");
                    };
                    members.insert(key, self.value(index + 1, row)?);
                }
                Some(written(&Value::Object(members)))
            }
            Op::Array => {
                let elements = (0..self.columns.len())
                    .map(|index| self.value(index, row))
                    .collect::<Result<_>>()?;
                Some(written(&Value::Array(elements)))
            }
            Op::Type => self.document(0, row)?.map(|value| kind(&value).to_owned()),
            Op::Keys => match self.part(row, 1)? {
                Some(Value::Object(members)) => {
                    let keys = sorted(&members).into_iter();
                    let keys = keys.map(|(key, _)| Value::from(key.as_str())).collect();
                    Some(written(&Value::Array(keys)))
                }
                _ => None,
            },
            Op::Set => self.put(row, true, true)?.map(|value| written(&value)),
            Op::Insert => self.put(row, false, true)?.map(|value| written(&value)),
            Op::Replace => self.put(row, true, false)?.map(|value| written(&value)),
            Op::Remove => self.removed(row)?.map(|value| written(&value)),
            Op::ArrayAppend => self.appended(row)?.map(|value| written(&value)),
            Op::MergePatch => self.folded(row, patched)?.map(|value| written(&value)),
            Op::MergePreserve => self.folded(row, merged)?.map(|value| written(&value)),
            Op::Element => Some(written(&self.value(0, row)?)),
            Op::Member => {
                let Some(key) = self.at(0, row) else {
                    return exec_err!("a key of JSON_OBJECTAGG() may not be NULL");
                };
                Some(format!(
                    "{}: {}",
                    Value::from(key),
                    written(&self.value(1, row)?)
                ))
            }
            Op::Length | Op::Depth | Op::Valid | Op::Contains | Op::ContainsPath | Op::Overlaps => {
                None
            }
        })
    }

    fn count(&mut self, op: Op, row: usize) -> Result<Option<i64>> {
        if op == Op::Depth {
            return Ok(self.document(0, row)?.as_ref().map(depth));
        }
        Ok(self.part(row, 1)?.map(|value| match &value {
            Value::Array(elements) => elements.len() as i64,
            Value::Object(members) => members.len() as i64,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
        }))
    }

    fn truth(&mut self, op: Op, row: usize) -> Result<Option<bool>> {
        if op == Op::Valid {
            return Ok(self
                .at(0, row)
                .map(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()));
        }
        if op == Op::ContainsPath {
            return self.has_paths(row);
        }
        if op == Op::Overlaps {
            let both = self.document(0, row)?.zip(self.document(1, row)?);
            return Ok(both.map(|(left, right)| overlap(&left, &right)));
        }
        let (target, candidate) = (self.part(row, 2)?, self.document(1, row)?);
        Ok(target
            .zip(candidate)
            .map(|(target, candidate)| contains(&target, &candidate)))
    }

    /// The document, or what its path finds if one is given.
    fn part(&mut self, row: usize, path: usize) -> Result<Option<Value>> {
        let Some(document) = self.document(0, row)? else {
            return Ok(None);
        };
        if self.columns.len() <= path {
            return Ok(Some(document));
        }
        let Some(path) = self.path(path, row)? else {
            return Ok(None);
        };
        Ok(path.find(&document).first().map(|value| (*value).clone()))
    }

    /// What the paths find: one value, or an array when there can be more.
    fn extract(&mut self, row: usize) -> Result<Option<Value>> {
        let Some(document) = self.document(0, row)? else {
            return Ok(None);
        };
        let mut many = self.columns.len() > 2;
        let mut found = Vec::new();
        for index in 1..self.columns.len() {
            let Some(path) = self.path(index, row)? else {
                return Ok(None);
            };
            many |= path.is_many();
            found.extend(path.find(&document).into_iter().cloned());
        }
        Ok(match (found.is_empty(), many) {
            (true, _) => None,
            (false, true) => Some(Value::Array(found)),
            (false, false) => found.pop(),
        })
    }
}
