//! What an export did, in one line, one JSON object, or one CSV record per file.
//! An export is a statement whose result is elsewhere: this is all that standard output gets.

use std::io::{self, Write};

use proto::v1::{Export, ExportFile};
use serde_json::json;

use super::Format;
use super::csv::push_field;

/// The id in `exports/{id}`, as `CANCEL EXPORT` takes it.
fn export_id(export: &Export) -> &str {
    export.name.strip_prefix("exports/").unwrap_or(&export.name)
}

/// Writes the report of a committed export. `seconds` is how long it took.
pub(crate) fn export_report(
    out: &mut dyn Write,
    format: Format,
    export: &Export,
    seconds: f64,
) -> io::Result<()> {
    match format {
        Format::Table | Format::Vertical => writeln!(out, "{}", line(export)),
        Format::Csv => out.write_all(csv(export).as_bytes()),
        Format::Json => writeln!(out, "{}", object(export, seconds)),
    }
}

fn line(export: &Export) -> String {
    let count = |n: u64, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let proof = match export.files.as_slice() {
        [file] => {
            let (algorithm, digits) = digest(file);
            format!("{algorithm} {digits}")
        }
        files => count(files.len() as u64, "file"),
    };
    format!(
        "exported {}, {} to {} (id {}, {proof})",
        count(export.rows, "row"),
        count(export.bytes, "byte"),
        export.target,
        export_id(export),
    )
}

/// A file's digest, and what it is called: one export's are all of one kind.
fn digest(file: &ExportFile) -> (&'static str, &str) {
    match file.blake3.as_str() {
        "" => ("sha256", &file.sha256),
        digits => ("blake3", digits),
    }
}

fn object(export: &Export, seconds: f64) -> serde_json::Value {
    let files: Vec<_> = export
        .files
        .iter()
        .map(|file| {
            let mut told = json!({"path": file.path, "rows": file.rows, "bytes": file.bytes});
            let (algorithm, digits) = digest(file);
            told[algorithm] = digits.into();
            told
        })
        .collect();
    json!({
        "id": export_id(export),
        "target": export.target,
        "stage": export.stage,
        "stage_version": export.stage_version,
        "rows": export.rows,
        "bytes": export.bytes,
        "seconds": seconds,
        "files": files,
    })
}

fn csv(export: &Export) -> String {
    let algorithm = export.files.first().map_or("sha256", |file| digest(file).0);
    let mut text = format!("export_id,path,rows,bytes,{algorithm}\r\n");
    for file in &export.files {
        push_field(&mut text, export_id(export));
        text.push(',');
        push_field(&mut text, &file.path);
        text += &format!(",{},{},{}\r\n", file.rows, file.bytes, digest(file).1);
    }
    text
}
