//! Update masks: which properties an update names.

use crate::error::{Error, Reason, Result};

/// What an update names.
pub(super) struct Mask {
    paths: Vec<String>,
    is_all: bool,
}

impl Mask {
    /// # Errors
    /// [`Reason::OptionInvalid`] for none, and for one that is not known.
    pub(super) fn of(mask: Option<prost_types::FieldMask>, known: &[&str]) -> Result<Self> {
        let paths = mask.map(|mask| mask.paths).unwrap_or_default();
        if paths.is_empty() {
            return Err(Error::invalid_input(
                Reason::OptionInvalid,
                format_args!(
                    "update_mask is required: some of {}, or *",
                    known.join(", ")
                ),
            ));
        }
        let is_all = paths.iter().any(|path| path == "*");
        match paths
            .iter()
            .find(|path| *path != "*" && !known.contains(&path.as_str()))
        {
            None => Ok(Self { paths, is_all }),
            Some(unknown) => Err(Error::invalid_input(
                Reason::OptionInvalid,
                format_args!(
                    "update_mask '{}' is not one of {}, *",
                    unknown.escape_default(),
                    known.join(", ")
                ),
            )),
        }
    }

    pub(super) fn names(&self, path: &str) -> bool {
        self.is_all || self.names_itself(path)
    }

    /// The same for what cannot be read back, so that `*` means it only where it is given.
    pub(super) fn names_input(&self, path: &str, given: &str) -> bool {
        self.names_itself(path) || (self.is_all && !given.is_empty())
    }

    fn names_itself(&self, path: &str) -> bool {
        self.paths.iter().any(|named| named == path)
    }
}
