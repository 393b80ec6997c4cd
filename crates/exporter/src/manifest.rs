//! The manifest: the proof of an export, as JSON that outlives this program's versions.
//! Plain data; who fills it in, signs or stores it is elsewhere.

use std::collections::BTreeMap;

use arrow::datatypes::{Field, FieldRef, Schema};
use serde::{Deserialize, Serialize};

use crate::csv::{CsvOptions, QuotePolicy};
use crate::digest::{Digest, DigestAlgorithm};

/// The version of the manifest's form that this crate writes.
pub const MANIFEST_VERSION: u32 = 1;

/// What was exported, by whom, from what, to where, and how to check it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form's version, [`MANIFEST_VERSION`].
    pub manifest_version: u32,
    /// The export's id.
    pub export_id: String,
    /// SHA-256 of the statement's text, lower-case hexadecimal ([`statement_digest`]).
    pub statement_sha256: String,
    /// The user who exported.
    pub principal: String,
    /// The account of the user.
    pub account: String,
    /// The stage, as it was at admission; none for a raw path.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stage: Option<ManifestStage>,
    /// The target as the statement has it.
    pub target: String,
    /// The format: `csv`, `jsonline`, `parquet` or `arrow`.
    pub format: String,
    /// Every option in force, by the name of its clause in lower case ([`ExportOptions::in_force`](crate::ExportOptions::in_force)).
    pub options: BTreeMap<String, serde_json::Value>,
    /// The columns, in their order.
    pub schema: Vec<ManifestColumn>,
    /// The files, in their order.
    pub files: Vec<ManifestFile>,
    /// Rows in all files.
    pub rows: u64,
    /// Bytes in all files.
    pub bytes: u64,
    /// When the export was admitted: RFC 3339, UTC.
    pub started_at: String,
    /// When the last file was complete: RFC 3339, UTC.
    pub finished_at: String,
    /// `checked` where the store cannot refuse to replace a file, so that the names were only looked at just
    /// before publication; none where it refuses.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub publication: Option<String>,
    /// The version of Stagedoor that wrote it.
    pub stagedoor_version: String,
}

/// A stage at the version an export used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestStage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// Its URL, which holds no secrets.
    pub url: String,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestColumn {
    /// Its label.
    pub name: String,
    /// Its Arrow type, as arrow-rs prints it: `Decimal128(15, 2)`.
    pub arrow_type: String,
    /// Its type as `CREATE TABLE` takes it: `decimal(15,2)`.
    pub sql_type: String,
    /// Whether it may hold NULL.
    pub nullable: bool,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its path below the stage, or below the manifest's folder.
    pub path: String,
    /// Rows in it, the header not counted.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, lower-case hexadecimal; none where it was digested by another algorithm.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<String>,
    /// BLAKE3 of its bytes, lower-case hexadecimal, where it was digested by that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub blake3: Option<String>,
}

impl ManifestFile {
    /// A file with a digest as reports have it; one of an unknown algorithm is left out.
    pub fn new(path: String, rows: u64, bytes: u64, digest: &str) -> Self {
        let mut file = Self {
            path,
            rows,
            bytes,
            sha256: None,
            blake3: None,
        };
        match DigestAlgorithm::split(digest) {
            Some((DigestAlgorithm::Sha256, digits)) => file.sha256 = Some(digits.to_owned()),
            Some((DigestAlgorithm::Blake3, digits)) => file.blake3 = Some(digits.to_owned()),
            None => {}
        }
        file
    }

    /// Its digest as reports have it; `None` where the manifest has none.
    pub fn digest(&self) -> Option<String> {
        let of = |algorithm: DigestAlgorithm, digits: &Option<String>| {
            digits.as_ref().map(|digits| algorithm.text(digits))
        };
        of(DigestAlgorithm::Sha256, &self.sha256)
            .or_else(|| of(DigestAlgorithm::Blake3, &self.blake3))
    }
}

impl Manifest {
    /// The manifest's text: JSON of two spaces' indent, keys in the order of the fields, a line feed at the end.
    ///
    /// # Errors
    /// None that these fields can cause; serde's signature.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Reads a manifest; fields of later versions are passed over.
    ///
    /// # Errors
    /// JSON that is malformed or lacks a field.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }
}

/// SHA-256 of a statement's text, lower-case hexadecimal.
pub fn statement_digest(statement: &str) -> String {
    let mut digest = Digest::default();
    digest.update(statement.as_bytes());
    digest.finish()
}

/// A schema's columns; `sql_type` names the type of each as `CREATE TABLE` takes it, which whoever declares columns knows.
pub fn columns(schema: &Schema, sql_type: impl Fn(&Field) -> String) -> Vec<ManifestColumn> {
    let column = |field: &FieldRef| ManifestColumn {
        name: field.name().clone(),
        arrow_type: field.data_type().to_string(),
        sql_type: sql_type(field),
        nullable: field.is_nullable(),
    };
    schema.fields().iter().map(column).collect()
}

/// The CSV options in force.
pub fn csv_options(options: &CsvOptions) -> BTreeMap<String, serde_json::Value> {
    let byte = |byte: Option<u8>| byte.map_or(String::new(), |byte| char::from(byte).to_string());
    let quote = match options.quote {
        QuotePolicy::Strings => "strings",
        QuotePolicy::Needed => "needed",
        QuotePolicy::All => "all",
    };
    let entries: [(&str, serde_json::Value); 13] = [
        (
            "fields_terminated_by",
            options.fields_terminated.as_str().into(),
        ),
        ("enclosed_by", byte(options.enclosed).into()),
        ("quote", quote.into()),
        ("escaped_by", byte(options.escaped).into()),
        ("lines_starting_by", options.lines_starting.as_str().into()),
        (
            "lines_terminated_by",
            options.lines_terminated.as_str().into(),
        ),
        ("header", options.header.into()),
        ("null_as", options.null.as_str().into()),
        ("force_quote", options.force_quote.clone().into()),
        ("byte_order_mark", options.bom.into()),
        ("formula_guard", options.formula_guard.into()),
        ("time_zone", options.time_zone.clone().into()),
        ("zone_offset", options.zone_offset.into()),
    ];
    entries
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
