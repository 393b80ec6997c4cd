//! The columns of CREATE TABLE as the catalog keeps them: types and defaults checked before anything is made.

use catalog::Column;
use parser::{ColumnDef, CreateTable, Literal, TableKey};
use query::DefaultValue;

use crate::error::{Error, Reason, Result};

/// The catalog's columns, types checked by the engine that will have to store them.
pub(super) fn columns_of(definitions: &[ColumnDef]) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::with_capacity(definitions.len());
    for definition in definitions {
        let name = definition.name.value.clone();
        if columns.iter().any(|column| column.name == name) {
            return Err(Error::new(
                Reason::QueryInvalid,
                1060,
                "42S21",
                format!("Duplicate column name '{name}'"),
            ));
        }
        let nullable = definition.nullable.unwrap_or(true)
            && !definition.primary_key
            && !definition.auto_increment;
        let data_type = definition.data_type.value.to_string();
        let field = query::arrow_field(&name, &data_type, nullable)?;
        if let Some(default) = &definition.default {
            query::check_default(&field, default_value(&default.value))?;
        }
        columns.push(Column {
            name,
            data_type,
            nullable,
            default: definition
                .default
                .as_ref()
                .map(|default| default_text(&default.value)),
            primary_key: definition.primary_key,
            auto_increment: definition.auto_increment,
            comment: definition
                .comment
                .as_ref()
                .map(|comment| comment.value.clone())
                .unwrap_or_default(),
        });
    }
    Ok(columns)
}

/// That AUTO_INCREMENT stands at one column at most, one of whole numbers, without a default, which is a key.
pub(super) fn check_numbered(columns: &[Column], statement: &CreateTable) -> Result<()> {
    let mut numbered = columns.iter().filter(|column| column.auto_increment);
    let Some(column) = numbered.next() else {
        return Ok(());
    };
    let name = &column.name;
    let is_key = column.primary_key
        || statement
            .columns
            .iter()
            .any(|definition| definition.unique && definition.name.value == *name)
        || statement.keys.iter().any(|key| match key {
            TableKey::Primary(names)
            | TableKey::Unique { columns: names, .. }
            | TableKey::Index { columns: names, .. } => {
                names.first().is_some_and(|first| first.value == *name)
            }
        });
    if numbered.next().is_some() || !is_key {
        return Err(Error::new(
            Reason::QueryInvalid,
            1075,
            "42000",
            "Incorrect table definition; there can be only one auto column and it must be defined as a key",
        ));
    }
    let field = query::arrow_field(name, &column.data_type, false)?;
    if !field.data_type().is_integer() || column.default.is_some() {
        return Err(Error::new(
            Reason::QueryInvalid,
            1063,
            "42000",
            format!(
                "Incorrect column specifier for column '{name}': AUTO_INCREMENT is for whole numbers without a DEFAULT"
            ),
        ));
    }
    Ok(())
}

/// A default as the engine checks it.
fn default_value(default: &Literal) -> DefaultValue<'_> {
    match default {
        Literal::Null => DefaultValue::Null,
        Literal::Bool(value) => DefaultValue::Bool(*value),
        Literal::Number(text) => DefaultValue::Number(text),
        Literal::String(text) => DefaultValue::Text(text),
        Literal::CurrentTimestamp(_) => DefaultValue::Now,
    }
}

/// A default as SQL text, so that it can be evaluated where it is needed.
fn default_text(default: &Literal) -> String {
    match default {
        Literal::Null => "NULL".to_owned(),
        Literal::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        Literal::Number(text) => text.clone(),
        Literal::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
        Literal::CurrentTimestamp(_) => "CURRENT_TIMESTAMP".to_owned(),
    }
}
