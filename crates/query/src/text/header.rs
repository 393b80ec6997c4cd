//! Which field of a file is which column, by the names in the file's header line.

use crate::error::Error;

use super::records::Record;

/// The names in a header line, in lower case.
///
/// # Errors
/// Invalid, naming the file, for a name that is not UTF-8 or stands twice.
pub(super) fn names(record: &Record<'_>, path: &str) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::with_capacity(record.len());
    for index in 0..record.len() {
        let bytes = record.field(index).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| {
            Error::invalid(format!("the name of column {} is not UTF-8", index + 1))
                .in_file(path, record.line)
        })?;
        let name = match text.trim() {
            "" => format!("c{}", index + 1),
            name => name.to_lowercase(),
        };
        if names.contains(&name) {
            return Err(Error::invalid(format!(
                "the header names the column '{name}' twice; read the file without its header, or declare the columns"
            ))
            .in_file(path, record.line));
        }
        names.push(name);
    }
    // A separator at the end of each line is no column.
    if record.len() > 1 && record.field(record.len() - 1) == Some(b"") {
        names.pop();
    }
    Ok(names)
}

/// The field of each wanted column.
///
/// # Errors
/// Invalid, naming the file, if it lacks a column or has one that the table has not.
pub(super) fn places(
    found: &[String],
    columns: &[String],
    path: &str,
    line: u64,
) -> Result<Vec<usize>, Error> {
    if let Some(other) = found
        .iter()
        .find(|name| !columns.iter().any(|column| column == *name))
    {
        return Err(Error::invalid(format!(
            "the header has a column '{other}', which the table has not; its columns are {}",
            columns.join(", ")
        ))
        .in_file(path, line));
    }
    columns
        .iter()
        .map(|column| {
            found.iter().position(|name| name == column).ok_or_else(|| {
                Error::invalid(format!(
                    "the header lacks the column '{column}'; it has {}",
                    found.join(", ")
                ))
                .in_file(path, line)
            })
        })
        .collect()
}
