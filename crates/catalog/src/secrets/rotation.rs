//! Rotating the server key: every data key is wrapped anew, in steps that are each durable, so that a
//! rotation interrupted anywhere goes on where it was. Values are never encrypted again.

mod moving;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError};

pub(super) use moving::left;

use super::{KeyId, KeyRing, ServerKey, cipher, state, stored};
use crate::error::Error;
use crate::options::Actor;
use crate::store::What;
use crate::{Catalog, keys};

/// What a rotation did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RotationReport {
    /// The key that is no longer needed; `None` when nothing was sealed by another key than the new one.
    pub from: Option<KeyId>,
    /// The key in force.
    pub to: KeyId,
    /// How many secrets of versions this run moved; those that an interrupted run moved are not counted.
    pub secrets: u64,
}

/// A rotation that is not finished.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RotationState {
    /// The key in force before, still needed.
    pub from: KeyId,
    /// The key that is to be in force.
    pub to: KeyId,
    /// Whether it is under way. If not, the catalog was just opened with a newer key than the one that
    /// its secrets are sealed by.
    pub started: bool,
    /// How many secrets of versions are still sealed by another key than `to`.
    pub left: u64,
}

/// What the first mutation of a rotation found.
enum Begun {
    /// Nothing is sealed by another key; with the key in force before, if there was any.
    AlreadyRotated,
    /// Data keys are to be moved from this key.
    From(KeyId),
}

impl Catalog {
    /// Moves all secrets, of all accounts and versions, from the server key in force to `new`.
    ///
    /// The caller has stored the new key already, and keeps the old one until this has answered. After
    /// an interruption, open with both keys and call it again with the same one. Secrets can be read
    /// and set meanwhile; what is new is sealed by the new key. At the end the journal is compacted, for what it had
    /// before opens by the old key; so does what the index's files may still hold until they are made anew
    /// ([`Catalog::rebuild`]). `progress` is told, after every step,
    /// how many secrets of versions were moved and how many there were at the start.
    /// Where the request is only validated, the answer says how many there are to move.
    ///
    /// Errors: `Conflict` while a rotation to another key is unfinished; `KeyMissing` when the catalog
    /// was opened without the key in force; `Corrupt` when a secret does not open under the old key (all
    /// others are moved; set or shred that one, then call again); those of every mutation.
    pub fn rotate_key(
        &self,
        actor: &Actor,
        new: Arc<ServerKey>,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<RotationReport, Error> {
        let to = new.id();
        let report = |from, secrets| RotationReport { from, to, secrets };
        let from = match self.begin_rotation(actor, &new)? {
            Begun::AlreadyRotated => {
                if !actor.request.validate_only {
                    // A run that was killed may have come to its end but for this.
                    self.compact()?;
                }
                return Ok(report(None, 0));
            }
            Begun::From(key) => key,
        };
        let total = self.count_left(to)?;
        if actor.request.validate_only {
            return Ok(report(Some(from), total));
        }
        let mut moved = 0;
        // A version made meanwhile may carry on a secret that was not moved yet, so one round that finds
        // nothing must follow. None can appear behind that one: there is no source left.
        loop {
            let before = moved;
            let mut damaged = None;
            self.each_page(|account, page| {
                for batch in moving::batches(page, to) {
                    let (count, bad) = self.rewrap(actor, &new, account, &batch)?;
                    damaged = damaged.take().or(bad);
                    moved += count;
                    progress(moved, total.max(moved));
                }
                Ok(())
            })?;
            let (count, bad) = self.rewrap_exports(actor, &new)?;
            damaged = damaged.or(bad);
            let (of_tables, bad) = self.rewrap_tables(actor, &new)?;
            damaged = damaged.or(bad);
            let count = count + of_tables;
            if count > 0 {
                moved += count;
                progress(moved, total.max(moved));
            }
            if let Some(place) = damaged {
                return Err(Error::corrupt(format!(
                    "{place} does not open under its server key, so the rotation to {to} cannot end; give that stage new credentials, shred the old ones, then rotate again"
                )));
            }
            if moved == before {
                break;
            }
        }
        self.end_rotation(actor, &new)?;
        // Its records before the rotation are sealed by the old key still.
        self.compact()?;
        Ok(report(Some(from), moved))
    }

    /// The rotation that is to be finished, or to be begun; `None` when no older key is needed, or
    /// nothing is sealed. Reads every version of every stage when there is one.
    pub fn rotation_state(&self) -> Result<Option<RotationState>, Error> {
        let Some(state) = self.store.read(stored)? else {
            return Ok(None);
        };
        let newest = {
            let ring = self.secrets.ring.read();
            let ring = ring.unwrap_or_else(PoisonError::into_inner);
            ring.as_ref().map(|ring| ring.current().id())
        };
        let from = state.current.key_id;
        let next = state.next.map(|next| next.key_id);
        match next.or(newest).filter(|&to| to != from) {
            None => Ok(None),
            Some(to) => Ok(Some(RotationState {
                from,
                to,
                started: next.is_some(),
                left: self.count_left(to)?,
            })),
        }
    }

    fn begin_rotation(&self, actor: &Actor, new: &Arc<ServerKey>) -> Result<Begun, Error> {
        let to = new.id();
        self.store.write(
            actor,
            || What::change("ROTATE SERVER KEY", format!("to {to}")),
            |draft| {
                let Some(stored) = stored(draft.view())? else {
                    self.renew(actor, new);
                    return Ok(Begun::AlreadyRotated);
                };
                let from = stored.current.key_id;
                match &stored.next {
                    None if from == to => {
                        state::check(&stored.current, new)?;
                        self.renew(actor, new);
                        Ok(Begun::AlreadyRotated)
                    }
                    None => {
                        state::check(&stored.current, &*self.secrets.key(from)?)?;
                        self.renew(actor, new);
                        draft.put(keys::server_keys(), &stored.rotating(&cipher::random, new)?);
                        Ok(Begun::From(from))
                    }
                    Some(next) if next.key_id == to => {
                        self.secrets.key(from)?;
                        state::check(next, new)?;
                        self.renew(actor, new);
                        Ok(Begun::From(from))
                    }
                    Some(next) => Err(Error::conflict(format!(
                        "a rotation from the server key {from} to {} is not finished; finish it before one to {to}",
                        next.key_id
                    ))),
                }
            },
        )
    }

    fn end_rotation(&self, actor: &Actor, new: &Arc<ServerKey>) -> Result<(), Error> {
        self.store.write(
            actor,
            || What::change("END ROTATION OF SERVER KEY", format!("to {}", new.id())),
            |draft| match stored(draft.view())? {
                Some(stored) if stored.next.is_some() => {
                    let from = self.secrets.key(stored.fingerprint_key.key_id)?;
                    let rotated = stored.rotated(&cipher::random, &from, new)?;
                    draft.put(keys::server_keys(), &rotated);
                    Ok(())
                }
                // Another caller rotated to the same key, and was first.
                Some(_) | None => Ok(()),
            },
        )
    }

    fn renew(&self, actor: &Actor, new: &Arc<ServerKey>) {
        if actor.request.validate_only {
            return;
        }
        let ring = self.secrets.ring.write();
        let mut ring = ring.unwrap_or_else(PoisonError::into_inner);
        match &mut *ring {
            Some(ring) => ring.renew(Arc::clone(new)),
            None => *ring = Some(KeyRing::new(Arc::clone(new))),
        }
    }
}
