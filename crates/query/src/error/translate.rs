//! DataFusion's, Arrow's and sqlparser's errors in this crate's words:
//! without their prefixes and contexts, and with the names that would be right.

use std::sync::Arc;

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::parquet::errors::ParquetError;
use datafusion::sql::sqlparser::parser::ParserError;

use super::{Error, ErrorKind, Position};

/// Longest list of names in a message.
const NAMES_MAX: usize = 20;

pub(crate) fn from_parser(error: &ParserError) -> Error {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.as_str(),
        ParserError::RecursionLimitExceeded => {
            return Error::unsupported("statement is nested too deeply");
        }
    };
    let (text, position) = split_position(text);
    let text = text
        .replace(", found: EOF", ", found the end of the statement")
        .replace("found: ", "found ");
    let mut error = Error::new(ErrorKind::Syntax, lower_first(text.trim()));
    error.position = position;
    error
}

pub(crate) fn from_datafusion(error: DataFusionError) -> Error {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            from_datafusion(*inner)
        }
        DataFusionError::Collection(mut errors) if !errors.is_empty() => {
            from_datafusion(errors.swap_remove(0))
        }
        DataFusionError::Shared(inner) => from_shared(&inner),
        DataFusionError::External(inner) => match inner.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(other) => match other.downcast::<DataFusionError>() {
                Ok(nested) => from_datafusion(*nested),
                Err(other) => Error::internal(plain(&other.to_string())),
            },
        },
        DataFusionError::ArrowError(inner, _) => from_arrow(*inner),
        DataFusionError::ParquetError(inner) => from_parquet(*inner),
        DataFusionError::ObjectStore(inner) => from_object_store(*inner),
        DataFusionError::IoError(inner) => {
            Error::new(ErrorKind::Io, inner.to_string()).because(inner)
        }
        DataFusionError::SQL(inner, _) => from_parser(&inner),
        DataFusionError::SchemaError(inner, _) => from_schema(&inner),
        DataFusionError::ResourcesExhausted(text) => exhausted(&text),
        DataFusionError::Internal(text) => Error::internal(first_line(&plain(&text))),
        DataFusionError::NotImplemented(text) => Error::unsupported(lower_first(&plain(&text))),
        DataFusionError::ExecutionJoin(inner) => {
            Error::internal("a task of the query ended early").because(*inner)
        }
        other => from_text(&other.strip_backtrace()),
    }
}

/// A shared error cannot be taken apart by value; the kinds that matter are cloned.
fn from_shared(error: &DataFusionError) -> Error {
    match error {
        DataFusionError::Shared(inner) => from_shared(inner),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            from_shared(inner)
        }
        DataFusionError::External(inner) if let Some(ours) = inner.downcast_ref::<Error>() => {
            ours.clone()
        }
        DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
            arrow::error::ArrowError::ExternalError(inner)
                if let Some(ours) = inner.downcast_ref::<Error>() =>
            {
                ours.clone()
            }
            arrow::error::ArrowError::ExternalError(inner)
                if let Some(nested) = inner.downcast_ref::<DataFusionError>() =>
            {
                from_shared(nested)
            }
            other => from_text(&other.to_string()),
        },
        DataFusionError::ParquetError(inner) => match inner.as_ref() {
            ParquetError::External(inner) if let Some(ours) = inner.downcast_ref::<Error>() => {
                ours.clone()
            }
            other => Error::new(
                ErrorKind::Io,
                format!(
                    "failed to read a parquet file: {}",
                    plain(&other.to_string())
                ),
            )
            .of_a_file(),
        },
        DataFusionError::ResourcesExhausted(text) => exhausted(text),
        DataFusionError::ObjectStore(inner) => Error::new(
            ErrorKind::Io,
            format!("failed to read a file: {}", in_store_words(inner)),
        )
        .of_a_file(),
        DataFusionError::IoError(inner) => Error::new(ErrorKind::Io, inner.to_string()),
        DataFusionError::SchemaError(inner, _) => from_schema(inner),
        DataFusionError::Internal(text) => Error::internal(first_line(&plain(text))),
        other => from_text(&other.strip_backtrace()),
    }
}

pub(crate) fn from_arrow(error: arrow::error::ArrowError) -> Error {
    use arrow::error::ArrowError;
    if is_spill_limit(&error.to_string()) {
        return exhausted("disk");
    }
    match error {
        ArrowError::ExternalError(inner) => match inner.downcast::<DataFusionError>() {
            Ok(nested) => from_datafusion(*nested),
            Err(other) => match other.downcast::<Error>() {
                Ok(ours) => *ours,
                Err(other) => from_text(&other.to_string()),
            },
        },
        ArrowError::ArithmeticOverflow(text) => Error::invalid(format!(
            "arithmetic result is out of range: {}",
            lower_first(&text)
        )),
        ArrowError::ParquetError(text) => Error::new(
            ErrorKind::Io,
            format!("failed to read a parquet file: {}", plain(&text)),
        )
        .of_a_file(),
        ArrowError::DivideByZero => Error::invalid("division by zero"),
        ArrowError::IoError(text, inner) => Error::new(ErrorKind::Io, text).because(inner),
        other => from_text(&other.to_string()),
    }
}

pub(crate) fn from_parquet(error: ParquetError) -> Error {
    let error = match error {
        ParquetError::External(inner) => match inner.downcast::<Error>() {
            Ok(ours) => return *ours,
            Err(other) => ParquetError::External(other),
        },
        other => other,
    };
    Error::new(
        ErrorKind::Io,
        format!(
            "failed to read a parquet file: {}",
            plain(&error.to_string())
        ),
    )
    .because(error)
    .of_a_file()
}

fn from_object_store(error: object_store::Error) -> Error {
    let text = format!("failed to read a file: {}", in_store_words(&error));
    Error::new(ErrorKind::Io, text).because(error).of_a_file()
}

/// A store says what went wrong in the source of its error; what `object_store` puts around that is for programmers.
fn in_store_words(error: &object_store::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => plain(&error.to_string()),
    }
}

/// The error itself, or the first of its causes, that is a `T`.
pub(super) fn cause<'e, T: std::error::Error + 'static>(
    error: &'e (dyn std::error::Error + 'static),
) -> Option<&'e T> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|cause| {
        // Our own error shares its cause, and gives the sharing for the cause.
        let shared = cause.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>();
        let shared = shared.and_then(|shared| shared.downcast_ref::<T>());
        cause.downcast_ref::<T>().or(shared)
    })
}

/// What a store did not do with a file, if that is why something failed.
pub(crate) fn of_store<E>(path: &str, error: E) -> std::result::Result<Error, E>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let words = cause::<object_store::Error>(&error).map(in_store_words);
    match words {
        Some(words) => {
            let text = format!("failed to read the file '{path}': {words}");
            Ok(Error::new(ErrorKind::Io, text).because(error))
        }
        None => Err(error),
    }
}

fn from_schema(error: &SchemaError) -> Error {
    match error {
        // The rows of a subquery that stands as a value; see `mysql::values`.
        SchemaError::FieldNotFound { field, .. }
            if field
                .relation
                .as_ref()
                .is_some_and(|relation| relation.table() == crate::mysql::ROWS) =>
        {
            Error::unsupported(
                "IN and EXISTS with a subquery that asks for columns of the outer query are not supported as values \
                 unless it compares them by = and they are written as table.column",
            )
        }
        SchemaError::FieldNotFound {
            field,
            valid_fields,
        } => unknown_column(field, valid_fields),
        SchemaError::AmbiguousReference { field } => Error::invalid(format!(
            "column '{}' is ambiguous: write it as table.column",
            field.name
        )),
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => Error::invalid(format!(
            "duplicate column name '{name}': give one of them an alias"
        )),
    }
}

fn unknown_column(field: &Column, valid: &[Column]) -> Error {
    let table = field
        .relation
        .as_ref()
        .map(|relation| relation.table().to_owned());
    let mut names: Vec<&str> = valid
        .iter()
        .filter(|column| match (&table, &column.relation) {
            (Some(wanted), Some(has)) => has.table() == wanted,
            _ => true,
        })
        .map(|column| column.name.as_str())
        .collect();
    if names.is_empty() {
        names = valid.iter().map(|column| column.name.as_str()).collect();
    }
    names.dedup();
    let name = table.map_or_else(
        || field.name.clone(),
        |table| format!("{table}.{}", field.name),
    );
    Error::new(
        ErrorKind::NotFound,
        match list(&names) {
            Some(names) => format!("unknown column '{name}'; columns are {names}"),
            None => format!("unknown column '{name}'"),
        },
    )
}

/// `a, b, c and 4 more`, or nothing for no names.
pub(crate) fn list(names: &[&str]) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let shown = names
        .iter()
        .take(NAMES_MAX)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    Some(match names.len().saturating_sub(NAMES_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    })
}

fn exhausted(text: &str) -> Error {
    let what = if text == "disk" || is_spill_limit(text) {
        "the query needs more disk space for spilled rows than spill_bytes_max allows".to_owned()
    } else {
        let consumer = first_line(&plain(text));
        format!(
            "the query needs more memory than limits.query_memory_bytes_max allows: {}",
            consumer
        )
    };
    Error::new(ErrorKind::ResourcesExhausted, what)
}

/// DataFusion tells of a full spill folder in several kinds of errors, the same in words.
fn is_spill_limit(text: &str) -> bool {
    text.contains("during the spilling process has exceeded the allowable limit")
}

/// Errors that DataFusion gives as text alone, sorted by what they begin with.
fn from_text(text: &str) -> Error {
    if is_spill_limit(text) {
        return exhausted("disk");
    }
    let text = plain(text);
    if let Some(name) = between(&text, "Invalid function '", "'") {
        return Error::new(
            ErrorKind::NotFound,
            format!("no such function {}()", name.to_ascii_lowercase()),
        );
    }
    if let Some(name) = between(&text, "table '", "' not found") {
        let name = name
            .strip_prefix(crate::tables::CATALOG_DOT)
            .unwrap_or(name);
        return Error::new(ErrorKind::NotFound, format!("no such table {name}"));
    }
    // A function of ours says what it takes; DataFusion adds what its planner tried.
    if let Some(reason) = between(
        &text,
        "coercion failed with: Error during planning: ",
        ". No function matches",
    ) {
        return Error::invalid(reason);
    }
    if text.starts_with("In/Exist/SetComparison subquery can only be used in") {
        return Error::unsupported(
            "IN, EXISTS, ANY and ALL with a subquery are not supported in ORDER BY: select them under a name and sort by that",
        );
    }
    if text.contains("must appear in the GROUP BY clause")
        && let Some(column) = between(&text, "olumn \"", "\"")
    {
        return Error::invalid(format!(
            "column '{column}' must be in GROUP BY or within an aggregate"
        ));
    }
    if text.contains("logical expression ScalarSubquery") {
        return Error::unsupported(
            "a subquery that refers to the outer query in such a way is not supported: write it as a join with GROUP BY",
        );
    }
    if text.starts_with("Physical plan does not support")
        || text.starts_with("Unsupported")
        || text.contains("not implemented")
    {
        return Error::unsupported(lower_first(&first_line(&text)));
    }
    let text = text
        .split("\n\nDid you mean")
        .next()
        .unwrap_or_default()
        .replace('\n', " ");
    Error::invalid(lower_first(text.trim()))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(&rest[..rest.find(after)?])
}

/// The text without the layers' prefixes and the hint to report a bug.
fn plain(text: &str) -> String {
    const PREFIXES: [&str; 18] = [
        "Error during planning: ",
        "Execution error: ",
        "External error: ",
        "Arrow error: ",
        "Schema error: ",
        "SQL error: ",
        "Optimizer rule ",
        "This feature is not implemented: ",
        "Invalid or Unsupported Configuration: ",
        "Resources exhausted: ",
        "Parquet error: ",
        "Object Store error: ",
        "Cast error: ",
        "Invalid argument error: ",
        "Compute error: ",
        "Parser error: ",
        "Internal error: ",
        "Arithmetic overflow: ",
    ];
    let mut text = text.split("\n\nbacktrace: ").next().unwrap_or_default();
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    let text = text
        .split(".\nThis issue was likely caused by a bug")
        .next()
        .unwrap_or_default();
    text.trim_end_matches('.').to_owned()
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// Error texts begin in lower case, but an acronym or a type name keeps its form.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

/// sqlparser ends its texts with ` at Line: 1, Column: 7`.
fn split_position(text: &str) -> (&str, Option<Position>) {
    let Some((message, place)) = text.rsplit_once(" at Line: ") else {
        return (text, None);
    };
    let Some((line, column)) = place.split_once(", Column: ") else {
        return (message, None);
    };
    let digits: String = column.chars().take_while(char::is_ascii_digit).collect();
    match (line.trim().parse(), digits.parse()) {
        (Ok(line), Ok(column)) => (message, Some(Position { line, column })),
        _ => (message, None),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// By it a full disk is told from other failures, and a place's own words are found.
    #[test]
    fn a_cause_is_found_behind_the_sharing_of_causes() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let spilled = from_datafusion(DataFusionError::IoError(full));
        let named = Error::new(ErrorKind::Io, "failed to read a file").because(spilled.clone());
        for error in [spilled, named] {
            let kind = error.cause::<io::Error>().map(io::Error::kind);
            assert_eq!(kind, Some(io::ErrorKind::StorageFull));
        }
        let alone = Error::new(ErrorKind::Io, "failed to read a file");
        assert!(alone.cause::<io::Error>().is_none());
    }
}
