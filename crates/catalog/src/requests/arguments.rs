//! The fingerprint of a request: a SHA-256 over all that it asks for, of secrets only their own
//! fingerprints, so that nothing can be guessed by it.

use sha2::{Digest, Sha256};

use super::Operation;
use crate::options::{Expected, OnExists};
use crate::secrets::Comparable;
use crate::stages::StagePolicy;

/// Begins what is hashed, so that no other hash of this program can be taken for one.
const DOMAIN: &[u8] = b"stagedoor stage request 1\0";

/// What a request asks for, in a fixed order for each operation. Every part has a fixed length, or its
/// length before it.
pub(crate) struct Arguments(Vec<u8>);

impl Arguments {
    pub(crate) fn of(name: &str) -> Arguments {
        Arguments(Vec::new()).text(name)
    }

    pub(crate) fn text(self, text: &str) -> Arguments {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn number(mut self, number: u64) -> Arguments {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub(crate) fn flag(self, flag: bool) -> Arguments {
        self.number(u64::from(flag))
    }

    /// What may be left out.
    pub(crate) fn maybe<T>(
        self,
        value: Option<T>,
        put: impl FnOnce(Arguments, T) -> Arguments,
    ) -> Arguments {
        match value {
            None => self.flag(false),
            Some(value) => put(self.flag(true), value),
        }
    }

    pub(crate) fn expected(self, expected: Expected) -> Arguments {
        match expected {
            Expected::Any => self.flag(false),
            Expected::Version(version) => self.flag(true).number(version),
            Expected::Record { id, version } => self.number(2).number(id).number(version),
        }
    }

    pub(crate) fn on_exists(self, on_exists: OnExists) -> Arguments {
        self.number(match on_exists {
            OnExists::Error => 1,
            OnExists::Keep => 2,
            OnExists::Replace => 3,
        })
    }

    pub(crate) fn credentials(self, credentials: Vec<Comparable<'_>>) -> Arguments {
        let counted = self.number(credentials.len() as u64);
        credentials.iter().fold(counted, |arguments, one| {
            let Comparable { name, kind, value } = one;
            arguments.text(name).number(u64::from(*kind)).bytes(value)
        })
    }

    /// Nothing for one that permits everything, so that requests without one are known by what they were before there
    /// were any.
    pub(crate) fn policy(self, policy: &StagePolicy) -> Arguments {
        if policy.is_empty() {
            return self;
        }
        let StagePolicy {
            formats,
            max_bytes,
            max_rows,
            daily_bytes,
            require_manifest,
            formula_guard,
            expires_us,
            encrypt_to,
        } = policy;
        let counted = self.text("policy").number(formats.len() as u64);
        let arguments = formats
            .iter()
            .fold(counted, |arguments, one| arguments.text(one))
            .maybe(*max_bytes, Arguments::number)
            .maybe(*max_rows, Arguments::number)
            .maybe(*daily_bytes, Arguments::number)
            .flag(*require_manifest)
            .flag(*formula_guard)
            .maybe(*expires_us, Arguments::number);
        // As before there was this rule, where it is not given.
        if encrypt_to.is_empty() {
            return arguments;
        }
        let counted = arguments.text("encrypt to").number(encrypt_to.len() as u64);
        encrypt_to
            .iter()
            .fold(counted, |arguments, one| arguments.text(one))
    }

    /// The same for a change, where none is another thing than one that permits everything.
    pub(crate) fn changed_policy(self, policy: Option<&StagePolicy>) -> Arguments {
        match policy {
            Some(policy) => self.text("changed policy").policy(policy),
            None => self,
        }
    }

    pub(super) fn fingerprint(self, operation: Operation) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(DOMAIN);
        let name = operation.as_str();
        hasher.update((name.len() as u64).to_le_bytes());
        hasher.update(name);
        hasher.update(self.0);
        hasher.finalize().into()
    }

    fn bytes(self, bytes: &[u8]) -> Arguments {
        let mut arguments = self.number(bytes.len() as u64);
        arguments.0.extend_from_slice(bytes);
        arguments
    }
}
