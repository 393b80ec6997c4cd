//! Paths within stages, as statements and calls give them.

use std::fmt;

use parser::Target;
use storage::ObjectPath;

use crate::error::{Error, Reason, Result};

/// A path in a stage, as a client names it: of a file, of a folder, or a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StagePath {
    pub(crate) stage: String,
    /// Relative to the stage, not checked for anything.
    pub(crate) path: String,
}

impl StagePath {
    /// A path in a stage from what a statement names.
    ///
    /// # Errors
    /// [`Reason::TargetInvalid`] for anything else, in MatrixOne's words.
    pub(crate) fn of(target: Target) -> Result<Self> {
        match target {
            Target::Stage { name, path } => Ok(Self { stage: name, path }),
            Target::Url { .. } | Target::Raw(_) => Err(Error::invalid_configuration(
                Reason::TargetInvalid,
                "URL protocol only supports stage://",
            )),
        }
    }
}

impl fmt::Display for StagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stage://{}/{}", self.stage, self.path)
    }
}

/// The path within a stage that a stage path names; double slashes are forgiven, as MatrixOne does.
pub(crate) fn path_in_stage(path: &str) -> Result<ObjectPath> {
    Ok(ObjectPath::parse(&squeezed(path))?)
}

/// `a//b` → `a/b`, and no slash at the beginning.
pub(crate) fn squeezed(path: &str) -> String {
    let ends_in_folder = path.ends_with('/');
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let joined = parts.join("/");
    // `dir/` names a folder: keep that visible, so that it is refused as a file name.
    if ends_in_folder && !joined.is_empty() {
        joined + "/"
    } else {
        joined
    }
}
