//! Proving the chain: every number is there, every record has its own hash and that of the one
//! before it, and the last one is the head.

use super::{Anchor, AuditRecord, Head, chain, merged};
use crate::error::{Error, ErrorKind};
use crate::store::Reader;
use crate::{Catalog, keys};

/// How many records are read at a time; changes go on in between.
const STEP: usize = 2_000;

/// What a verification found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditCheck {
    /// The first record that is kept; 0 when there is none.
    pub first: u64,
    /// The last record that was looked at; 0 when there is none.
    pub last: u64,
    /// The hash of the last record of the chain; zeros when there is none.
    pub head_hash: [u8; 32],
    /// How many records before the first were removed by a pruning.
    pub pruned: u64,
    /// The first record that is missing or not as it was written; `None` when the chain is whole.
    pub bad: Option<AuditDamage>,
}

/// A record that is missing or not as it was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditDamage {
    /// Its number.
    pub number: u64,
    /// What is wrong with it.
    pub why: String,
}

impl Catalog {
    /// Proves the chain from its anchor to its head. Reads all of it, some at a time.
    ///
    /// Errors: `Io`, or `Corrupt` where the index cannot be read at all; a bad record is no error.
    pub fn verify_audit(&self) -> Result<AuditCheck, Error> {
        self.store.settle_all()?;
        verify(&*self.store)
    }
}

/// Proves the chain that `reader` has.
pub(crate) fn verify(reader: &impl Reader) -> Result<AuditCheck, Error> {
    let (mut anchor, head) = reader.read(|view| {
        let anchor: Anchor = view.get(keys::AUDIT_ANCHOR)?.unwrap_or_default();
        let head: Head = view.get(keys::AUDIT_HEAD)?.unwrap_or_default();
        Ok((anchor, head))
    })?;
    let mut check = AuditCheck {
        first: 0,
        last: 0,
        head_hash: head.hash,
        pruned: anchor.removed,
        bad: None,
    };
    let mut last = anchor.head;
    while last.number < head.number {
        let number = last.number;
        let page = reader.read(|view| merged::records(view, number, STEP));
        let page = match page {
            Ok(page) => page,
            Err(e) if e.kind() == ErrorKind::Corrupt => {
                check.bad = Some(damage(number + 1, e.to_string()));
                return Ok(check);
            }
            Err(e) => return Err(e),
        };
        if page.is_empty() {
            check.bad = Some(missing(number + 1));
            return Ok(check);
        }
        for record in page {
            if let Some(bad) = wrong(last, &record) {
                // A pruning meanwhile takes the oldest away, and tells how far.
                let now: Anchor = reader
                    .read(|view| view.get(keys::AUDIT_ANCHOR))?
                    .unwrap_or_default();
                if now.head.number <= anchor.head.number || now.head.number < bad.number {
                    check.bad = Some(bad);
                    return Ok(check);
                }
                check.first = 0;
                check.pruned = now.removed;
                last = now.head;
                anchor = now;
                break;
            }
            if record.number > head.number {
                return Ok(check);
            }
            last = Head {
                number: record.number,
                hash: record.hash,
            };
            if check.first == 0 {
                check.first = record.number;
            }
            check.last = record.number;
        }
    }
    if last.number == head.number && last.hash != head.hash {
        let why = "it is not the record that the end of the chain was written for";
        check.bad = Some(damage(last.number, why.to_owned()));
    }
    Ok(check)
}

/// What is wrong with the record that should follow `last`.
fn wrong(last: Head, record: &AuditRecord) -> Option<AuditDamage> {
    if record.number != last.number + 1 {
        return Some(missing(last.number + 1));
    }
    if chain::hash(record) != record.hash {
        let why = "its content is not what its hash was made of";
        return Some(damage(record.number, why.to_owned()));
    }
    if record.previous != last.hash {
        let why = "it does not follow the record before it, which was changed or replaced";
        return Some(damage(record.number, why.to_owned()));
    }
    None
}

fn missing(number: u64) -> AuditDamage {
    damage(number, "it is missing".to_owned())
}

fn damage(number: u64, why: String) -> AuditDamage {
    AuditDamage { number, why }
}
