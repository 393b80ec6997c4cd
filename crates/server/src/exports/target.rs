//! Where an export goes, once the governance rule has let it pass, and what its file's name says.

use std::sync::Arc;

use catalog::Credentials;
use parser::{Compression, Format};
use storage::{ObjectPath, Store};

use crate::error::{Error, Reason, Result};
use crate::places::squeezed;
use crate::policies::Policies;
use crate::temporary_stages::TemporaryStage;

/// An admitted target.
#[derive(Debug, Clone)]
pub(crate) struct ExportTarget {
    pub(crate) store: Store,
    /// The first file within the store; a `%d` is replaced already.
    pub(crate) path: ObjectPath,
    pub(crate) names: FileNames,
    /// `None` for a local path, and for a bucket that the statement names itself.
    pub(crate) stage: Option<TargetStage>,
    /// Where the store is, in words that are another for each place; not for clients.
    pub(crate) at: String,
    /// As shown: `stage://name/path`, the local path, or the bucket's URL.
    pub(crate) shown: String,
    /// Of a bucket that is no stage: for the record, where they are sealed.
    pub(crate) credentials: Credentials,
}

/// How the files are called when there are several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileNames {
    /// `name`, `name.1`, …
    Behind,
    /// The path within the store, with its `%d` or `%05d`.
    Pattern(String),
    /// The number is in a folder, and the place is the folder of the first file.
    InFolder,
}

impl FileNames {
    /// The names of a target; `path` is its first file within the store, and `whole` whether the store has all of
    /// the target's folders.
    pub(crate) fn of(target: &str, path: &ObjectPath, whole: bool) -> Self {
        if !is_numbered(target) {
            return Self::Behind;
        }
        if whole {
            return Self::Pattern(squeezed(target));
        }
        let (name, folder) = (
            target.rsplit('/').next().unwrap_or(target),
            path.as_str().rsplit_once('/'),
        );
        match (is_numbered(name), folder) {
            (false, _) => Self::InFolder,
            (true, Some((folder, _))) => Self::Pattern(format!("{folder}/{name}")),
            (true, None) => Self::Pattern(name.to_owned()),
        }
    }
}

impl ExportTarget {
    /// The stage of the target, as the catalog knows it: a temporary one is none of its.
    pub(crate) fn permanent_stage(&self) -> Option<&TargetStage> {
        let stage = self.stage.as_ref();
        stage.filter(|stage| stage.temporary.is_none())
    }

    /// The temporary stage of the target.
    pub(crate) fn temporary_stage(&self) -> Option<&Arc<TemporaryStage>> {
        self.stage.as_ref()?.temporary.as_ref()
    }

    /// Where its first file is, the same for whatever name leads there.
    pub(crate) fn place(&self) -> String {
        place_of(&self.at, &self.path)
    }

    /// What may be exported there.
    pub(crate) fn policies(&self) -> Policies {
        let stage = self.stage.as_ref();
        stage.map_or_else(Policies::default, |stage| stage.policies.clone())
    }

    /// The name of data file number `number` of a partition, from 0 on: in the partition's folder, or beside the others.
    ///
    /// # Errors
    /// [`Reason::TargetInvalid`] for a name that becomes too long, or that no place takes, and for a number in a
    /// folder that cannot change.
    pub(crate) fn file_of(&self, partition: Option<&str>, number: u32) -> Result<ObjectPath> {
        let path = self.file(number)?;
        let Some(partition) = partition else {
            return Ok(path);
        };
        Ok(match path.as_str().rsplit_once('/') {
            Some((folder, name)) => ObjectPath::parse(&format!("{folder}/{partition}/{name}"))?,
            None => ObjectPath::parse(&format!("{partition}/{path}"))?,
        })
    }

    /// The same where there are no partitions.
    pub(crate) fn file(&self, number: u32) -> Result<ObjectPath> {
        match (&self.names, number) {
            (_, 0) => Ok(self.path.clone()),
            (FileNames::Behind, index) => Ok(ObjectPath::parse(&format!("{}.{index}", self.path))?),
            (FileNames::Pattern(pattern), index) => {
                Ok(ObjectPath::parse(&numbered(pattern, index)?)?)
            }
            (FileNames::InFolder, _) => Err(Error::new(
                Reason::TargetInvalid,
                20411,
                "HY000",
                "invalid file path: the number of several files goes into their name, not into a folder's, but on a stage",
            )),
        }
    }
}

/// A path in a place, in words that are the same whichever of the folders on the way the place is.
pub(crate) fn place_of(at: &str, path: &ObjectPath) -> String {
    format!("{}/{path}", at.trim_end_matches('/'))
}

/// What is told where a file has the name of one to be written.
pub(crate) fn target_exists(path: &ObjectPath) -> Error {
    Error::new(
        Reason::TargetExists,
        20406,
        "HY000",
        format!("file {} already exists", path.file_name()),
    )
}

/// The stage of a target, pinned.
#[derive(Debug, Clone)]
pub(crate) struct TargetStage {
    pub(crate) name: String,
    pub(crate) id: u64,
    pub(crate) version: u64,
    /// Without secrets; `None` for an internal stage.
    pub(crate) url: Option<String>,
    /// Ids and versions of the stages that the URL goes through, nearest first.
    pub(crate) parents: Vec<(u64, u64)>,
    /// Where it is a temporary one: its files are there for as long as this is.
    pub(crate) temporary: Option<Arc<TemporaryStage>>,
    /// What may be exported to it.
    pub(crate) policies: Policies,
}

/// What a file's suffix says about its content (case does not matter), as in MatrixOne.
pub(crate) fn file_format(path: &str) -> (Option<Format>, Option<Compression>) {
    let lower = path.to_lowercase();
    let (stem, compression) = match lower.rsplit_once('.') {
        Some((stem, "gz")) => (stem, Some(Compression::Gzip)),
        Some((stem, "zst")) => (stem, Some(Compression::Zstd)),
        // What text is not written in: the name would promise what the file is not.
        Some((stem, "bz2")) => (stem, Some(Compression::Bzip2)),
        Some((stem, "xz")) => (stem, Some(Compression::Xz)),
        Some((stem, "lz4")) => (stem, Some(Compression::Lz4)),
        _ => (lower.as_str(), None),
    };
    let format = match stem.rsplit_once('.').map(|(_, suffix)| suffix) {
        Some("csv") => Some(Format::Csv),
        Some("jsonl" | "jsonline" | "ndjson") => Some(Format::JsonLine),
        Some("parquet") => Some(Format::Parquet),
        Some("arrow") => Some(Format::Arrow),
        _ => None,
    };
    (format, compression)
}

/// Whether a name has a `%d`, or would have one were it not wrong.
fn is_numbered(name: &str) -> bool {
    numbered(name, 0).map_or(true, |first| first != name)
}

/// A name with its `%d` or `%05d` replaced by the number of a file. Other text is kept as it is.
///
/// # Errors
/// [`Reason::TargetInvalid`] for a second `%d`, or a width above 20.
pub(crate) fn numbered(name: &str, number: u32) -> Result<String> {
    let mut out = String::with_capacity(name.len() + 8);
    let mut replaced = false;
    let mut rest = name;
    while let Some(at) = rest.find('%') {
        let digits = rest[at + 1..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        let end = at + 1 + digits;
        if rest[end..].starts_with('d') {
            let spec = &rest[at + 1..end];
            let width: usize = if spec.is_empty() {
                0
            } else {
                spec.parse().unwrap_or(usize::MAX)
            };
            if replaced || width > 20 {
                return Err(Error::new(
                    Reason::TargetInvalid,
                    20411,
                    "HY000",
                    format!(
                        "invalid file path: '{name}' may hold one %d or %0Nd (N up to 20) for the file's number"
                    ),
                ));
            }
            out.push_str(&rest[..at]);
            out.push_str(&if spec.starts_with('0') {
                format!("{number:0width$}")
            } else {
                format!("{number:width$}")
            });
            replaced = true;
            rest = &rest[end + 1..];
        } else {
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn suffixes_tell_format_and_compression() {
        assert_eq!(file_format("a/B.CSV"), (Some(Format::Csv), None));
        assert_eq!(
            file_format("a.csv.gz"),
            (Some(Format::Csv), Some(Compression::Gzip))
        );
        assert_eq!(
            file_format("a.csv.xz"),
            (Some(Format::Csv), Some(Compression::Xz))
        );
        assert_eq!(file_format("a.ndjson"), (Some(Format::JsonLine), None));
        assert_eq!(file_format("a.txt"), (None, None));
        assert_eq!(file_format("parquet"), (None, None));
    }

    #[test]
    fn several_files_have_names_of_their_own() {
        let names = |target: &str, path: &str, whole| {
            FileNames::of(target, &ObjectPath::parse(path).unwrap(), whole)
        };
        assert_eq!(names("a/100%.csv", "a/100%.csv", true), FileNames::Behind);
        assert_eq!(
            names("//a//%d/x.csv", "a/0/x.csv", true),
            FileNames::Pattern("a/%d/x.csv".into())
        );
        assert_eq!(
            names("/out/x%02d.csv", "x00.csv", false),
            FileNames::Pattern("x%02d.csv".into())
        );
        assert_eq!(
            names("s3://b/k/x%d.csv", "k/x0.csv", false),
            FileNames::Pattern("k/x%d.csv".into())
        );
        assert_eq!(names("/out/%d/x.csv", "x.csv", false), FileNames::InFolder);
    }

    #[test]
    fn numbers_are_put_in_as_printf_does() {
        assert_eq!(numbered("part_%d.csv", 7).unwrap(), "part_7.csv");
        assert_eq!(numbered("part_%05d.csv", 7).unwrap(), "part_00007.csv");
        assert_eq!(numbered("100%.csv", 7).unwrap(), "100%.csv");
        assert_eq!(numbered("100%5.csv", 7).unwrap(), "100%5.csv");
        assert!(numbered("%d_%d", 7).is_err());
        assert!(numbered("%0999d", 7).is_err());
    }
}
