//! The manifest of an export as the demo reads it: shortened to be shown, and checked against
//! the file's own bytes.

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Elements of a long list that are shown.
const LIST_SHOWN: usize = 2;

/// A manifest's JSON, indented, with long lists cut.
pub(super) fn shortened(manifest: &str) -> anyhow::Result<String> {
    let mut value: Value = serde_json::from_str(manifest).context("the manifest is not JSON")?;
    shorten(&mut value);
    Ok(serde_json::to_string_pretty(&value)?)
}

fn shorten(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        Value::Array(items) => {
            let cut = items.len().saturating_sub(LIST_SHOWN);
            if cut > 1 {
                items.truncate(LIST_SHOWN);
                items.push(Value::String(format!("… {cut} more")));
            }
            items.iter_mut().for_each(shorten);
        }
        _ => {}
    }
}

/// The digest that a manifest of one file gives for it.
pub(super) fn sha256_of_only_file(manifest: &str) -> anyhow::Result<String> {
    let value: Value = serde_json::from_str(manifest).context("the manifest is not JSON")?;
    let files = value.get("files").and_then(Value::as_array);
    let files = files.context("the manifest lists no files")?;
    ensure!(
        files.len() == 1,
        "the manifest should list one file, not {}",
        files.len()
    );
    let digest = files[0].get("sha256").and_then(Value::as_str);
    Ok(digest.context("the manifest gives no SHA-256")?.to_owned())
}

/// The SHA-256 of a file's bytes, lower-case hexadecimal.
pub(super) fn sha256_of_file(path: &Path) -> anyhow::Result<String> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut hasher = Hashing(Sha256::new());
    io::copy(
        &mut io::BufReader::with_capacity(1 << 20, file),
        &mut hasher,
    )
    .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hasher
        .0
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// A digest to write to.
struct Hashing(Sha256);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn long_lists_are_cut_and_counted() {
        let text =
            shortened(r#"{"schema":[1,2,3,4],"files":[{"sha256":"ab"}],"three":[1,2,3]}"#).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["schema"], serde_json::json!([1, 2, "… 2 more"]));
        assert_eq!(value["three"], serde_json::json!([1, 2, 3]));
    }

    #[test]
    fn digests_are_found_and_computed() {
        assert_eq!(
            sha256_of_only_file(r#"{"files":[{"sha256":"ab"}]}"#).unwrap(),
            "ab"
        );
        assert!(sha256_of_only_file(r#"{"files":[]}"#).is_err());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        assert_eq!(
            sha256_of_file(file.path()).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
