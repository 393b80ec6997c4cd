//! What changes answer beside the record: whether they changed anything at all.
//! (What creates answer is in `options.rs`.)

/// The answer of an alter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Altered<R> {
    /// What is there now.
    pub record: R,
    /// Whether anything differs from before. When not, there is no new version, and nothing was written.
    pub changed: bool,
}

impl<R> Altered<R> {
    pub(crate) fn new(record: R) -> Self {
        Altered {
            record,
            changed: true,
        }
    }

    pub(crate) fn unchanged(record: R) -> Self {
        Altered {
            record,
            changed: false,
        }
    }
}
