//! `Validation`: what a place can do, found out by trying it in the reserved directory, where nobody looks.
//! A right that is missing is a finding and no error; whatever was written is taken away again.

mod files;
mod finding;

use std::collections::BTreeMap;

pub(crate) use files::{Probed, advice, try_files};
pub use finding::{Check, Finding, Outcome};

use crate::error::Result;
use crate::path::{ObjectPath, RESERVED_DIRECTORY};

/// What a place was found to do or not to do, for whoever chooses by it later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Files can be written.
    Write,
    /// Files can be read.
    Read,
    /// Files can be listed.
    List,
    /// A list has what was written just before.
    ConsistentList,
    /// Files can be removed.
    Delete,
    /// A file can replace another one.
    Overwrite,
    /// Publishing refuses, in one step, to replace another file.
    ConditionalCreate,
    /// Writing in one request refuses to replace another file; of buckets.
    ConditionalWrite,
    /// A file can be sent in parts and stays out of sight until it is whole; of buckets.
    Multipart,
    /// The place keeps the versions of a file; of buckets.
    Versioned,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Write,
        Self::Read,
        Self::List,
        Self::ConsistentList,
        Self::Delete,
        Self::Overwrite,
        Self::ConditionalCreate,
        Self::ConditionalWrite,
        Self::Multipart,
        Self::Versioned,
    ];

    /// As it is kept and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
            Self::List => "list",
            Self::ConsistentList => "consistent_list",
            Self::Delete => "delete",
            Self::Overwrite => "overwrite",
            Self::ConditionalCreate => "conditional_create",
            Self::ConditionalWrite => "conditional_write",
            Self::Multipart => "multipart",
            Self::Versioned => "versioned",
        }
    }

    /// The one of this name; a later version may know more.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// What is known of a place; of what was not tried nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities(BTreeMap<Capability, bool>);

impl Capabilities {
    /// Whether the place can do it; `None`: not known.
    pub fn get(&self, capability: Capability) -> Option<bool> {
        self.0.get(&capability).copied()
    }

    /// Keeps a fact.
    pub fn set(&mut self, capability: Capability, is_there: bool) {
        self.0.insert(capability, is_there);
    }

    /// All that is known.
    pub fn iter(&self) -> impl Iterator<Item = (Capability, bool)> + '_ {
        self.0
            .iter()
            .map(|(capability, there)| (*capability, *there))
    }

    /// Those of these names; unknown names are passed over.
    pub fn from_names<'a>(names: impl IntoIterator<Item = (&'a str, bool)>) -> Self {
        let known = names
            .into_iter()
            .filter_map(|(name, there)| Some((Capability::from_name(name)?, there)));
        Self(known.collect())
    }
}

/// What trying a place has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validation {
    /// In the order in which they are told.
    pub findings: Vec<Finding>,
    /// What follows from them.
    pub capabilities: Capabilities,
}

impl Validation {
    pub(crate) fn ok(&mut self, check: Check, detail: impl Into<String>) {
        self.push(check, Outcome::Ok, detail, "");
    }

    pub(crate) fn warning(
        &mut self,
        check: Check,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.push(check, Outcome::Warning, detail, advice);
    }

    pub(crate) fn failed(
        &mut self,
        check: Check,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.push(check, Outcome::Failed, detail, advice);
    }

    pub(crate) fn skipped(&mut self, check: Check, why: impl Into<String>) {
        self.push(check, Outcome::Skipped, why, "");
    }

    pub(crate) fn can(&mut self, capability: Capability, is_there: bool) {
        self.capabilities.set(capability, is_there);
    }

    /// The same, with a finding that is fine if it is there.
    pub(crate) fn done(&mut self, check: Check, capability: Capability, detail: impl Into<String>) {
        self.can(capability, true);
        self.ok(check, detail);
    }

    fn push(
        &mut self,
        check: Check,
        outcome: Outcome,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.findings.push(Finding {
            check,
            outcome,
            detail: detail.into(),
            advice: advice.into(),
        });
    }

    /// Adds what was tried beside it.
    pub(crate) fn join(&mut self, beside: Self) {
        self.findings.extend(beside.findings);
        for (capability, is_there) in beside.capabilities.iter() {
            self.can(capability, is_there);
        }
    }

    /// Tells the findings in this order, whichever was there first.
    pub(crate) fn in_order_of(&mut self, checks: &[Check]) {
        self.findings
            .sort_by_key(|finding| checks.iter().position(|check| *check == finding.check));
    }

    /// Says whether something is left.
    pub(crate) fn cleaned(&mut self, probe: &Probe, removed: Result<()>) {
        match removed {
            Ok(()) => self.ok(Check::Cleanup, "nothing is left of this validation"),
            Err(error) => self.failed(
                Check::Cleanup,
                format!("something may be left in '{}': {error}", probe.shown()),
                "remove it by hand",
            ),
        }
    }

    /// Says of each check that has no finding yet that it was not tried.
    pub(crate) fn skip_rest(&mut self, checks: &[Check], why: &str) {
        for check in checks {
            if !self.findings.iter().any(|finding| finding.check == *check) {
                self.skipped(*check, why);
            }
        }
    }
}

/// One run of trying: its name tells it from every other, and from everything that is not one.
#[derive(Debug, Clone)]
pub struct Probe {
    work: String,
}

impl Probe {
    /// A run of this id, such as a UUID.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an id that cannot stand in a path.
    pub fn new(id: &str) -> Result<Self> {
        let probe = Self {
            work: format!("validate-{id}"),
        };
        probe.folder()?;
        Ok(probe)
    }

    /// What its drafts belong to.
    pub(crate) fn work(&self) -> &str {
        &self.work
    }

    /// Where to look for it.
    pub(crate) fn shown(&self) -> String {
        format!("{RESERVED_DIRECTORY}/{}", self.work)
    }

    /// The folder that everything of the run is in.
    pub(crate) fn folder(&self) -> Result<ObjectPath> {
        ObjectPath::reserved(&self.work)
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str) -> Result<ObjectPath> {
        ObjectPath::reserved(&format!("{}/{name}", self.work))
    }
}

/// What is written: `length` bytes that tell one writing from another.
pub(crate) fn content(seed: u8, length: usize) -> Vec<u8> {
    let line = format!("written by VALIDATE STAGE, number {seed}; may be removed\n");
    line.bytes().cycle().take(length).collect()
}
