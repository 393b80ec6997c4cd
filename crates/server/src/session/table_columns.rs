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

/// The keys that are enforced. A primary key's columns become NOT NULL.
pub(super) fn keys_of(
    columns: &mut [Column],
    statement: &CreateTable,
) -> Result<Vec<catalog::TableKey>> {
    let mut primary: Vec<Vec<String>> = Vec::new();
    let mut unique: Vec<(Option<String>, Vec<String>)> = Vec::new();
    for definition in &statement.columns {
        let name = definition.name.value.clone();
        if definition.primary_key {
            primary.push(vec![name.clone()]);
        }
        if definition.unique {
            unique.push((None, vec![name]));
        }
    }
    let names = |names: &[parser::Name]| names.iter().map(|name| name.value.clone()).collect();
    for key in &statement.keys {
        match key {
            TableKey::Primary(columns) => primary.push(names(columns)),
            TableKey::Unique { name, columns } => {
                let name = name.as_ref().map(|name| name.value.clone());
                unique.push((name, names(columns)));
            }
            // It makes reading no faster here, and says nothing of the rows.
            TableKey::Index { .. } => {}
        }
    }
    if primary.len() > 1 {
        return Err(invalid_key(1068, "42000", "Multiple primary key defined"));
    }
    let mut keys: Vec<catalog::TableKey> = Vec::new();
    if let Some(columns) = primary.pop() {
        let name = catalog::PRIMARY.to_owned();
        keys.push(catalog::TableKey { name, columns });
    }
    for (name, columns) in unique {
        let name = match name {
            Some(name) => name,
            None => free_name(&keys, columns.first().map_or("", String::as_str)),
        };
        keys.push(catalog::TableKey { name, columns });
    }
    for (at, key) in keys.iter().enumerate() {
        let taken = |other: &catalog::TableKey| other.name.eq_ignore_ascii_case(&key.name);
        if keys.iter().take(at).any(taken) {
            let text = format!("Duplicate key name '{}'", key.name);
            return Err(invalid_key(1061, "42000", text));
        }
        for (at, name) in key.columns.iter().enumerate() {
            let Some(column) = columns.iter_mut().find(|column| column.name == *name) else {
                return Err(Error::new(
                    Reason::ColumnNotFound,
                    1072,
                    "42000",
                    format!("Key column '{name}' doesn't exist in table"),
                ));
            };
            if key.columns.iter().take(at).any(|other| other == name) {
                let text = format!("Duplicate column name '{name}'");
                return Err(invalid_key(1060, "42S21", text));
            }
            if column.data_type.eq_ignore_ascii_case("json") {
                let text = format!("JSON column '{name}' cannot be in a key");
                return Err(invalid_key(3152, "42000", text));
            }
            if key.name == catalog::PRIMARY {
                column.primary_key = true;
                column.nullable = false;
            }
        }
    }
    Ok(keys)
}

fn invalid_key(code: u16, state: &'static str, text: impl Into<String>) -> Error {
    Error::new(Reason::QueryInvalid, code, state, text.into())
}

/// The name of a key that is given none: its first column's, with a number where that is taken.
fn free_name(keys: &[catalog::TableKey], column: &str) -> String {
    let is_free = |name: &String| !keys.iter().any(|key| key.name.eq_ignore_ascii_case(name));
    std::iter::once(column.to_owned())
        .chain((2..).map(|number| format!("{column}_{number}")))
        .find(is_free)
        .unwrap_or_default()
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
