//! Rotating the server key: every data key is wrapped anew, in steps that are each durable, so that a
//! rotation interrupted anywhere goes on where it was. Values are never encrypted again.

use std::sync::{Arc, PoisonError};

use super::{CredentialValue, KeyId, KeyRing, Owner, ServerKey, cipher, state, stored};
use crate::error::Error;
use crate::options::Actor;
use crate::stages::{self, StageRecord};
use crate::store::{Draft, View};
use crate::{Catalog, format, keys};

/// How many versions are read at once.
const PAGE_VERSIONS: usize = 128;
/// About how many bytes of records one mutation may hold.
const BATCH_BYTES: usize = 1 << 20;

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
    /// and set meanwhile; what is new is sealed by the new key. `progress` is told, after every step,
    /// how many secrets of versions were moved and how many there were at the start.
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
            Begun::AlreadyRotated => return Ok(report(None, 0)),
            Begun::From(key) => key,
        };
        let total = self.count_left(to)?;
        let mut moved = 0;
        // A version made meanwhile may carry on a secret that was not moved yet, so one round that finds
        // nothing must follow. None can appear behind that one: there is no source left.
        loop {
            let before = moved;
            let mut damaged = None;
            self.each_page(|account, page| {
                for batch in batches(page, to) {
                    let (count, bad) = self.rewrap(actor, &new, account, &batch)?;
                    damaged = damaged.take().or(bad);
                    moved += count;
                    progress(moved, total.max(moved));
                }
                Ok(())
            })?;
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
            || format!("rotate server key to {to}"),
            |draft| {
                let Some(stored) = stored(draft.view())? else {
                    self.renew(new);
                    return Ok(Begun::AlreadyRotated);
                };
                let from = stored.current.key_id;
                match &stored.next {
                    None if from == to => {
                        state::check(&stored.current, new)?;
                        self.renew(new);
                        Ok(Begun::AlreadyRotated)
                    }
                    None => {
                        state::check(&stored.current, &*self.secrets.key(from)?)?;
                        self.renew(new);
                        draft.put(keys::server_keys(), &stored.rotating(&cipher::random, new)?);
                        Ok(Begun::From(from))
                    }
                    Some(next) if next.key_id == to => {
                        self.secrets.key(from)?;
                        state::check(next, new)?;
                        self.renew(new);
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
            || format!("rotated server key to {}", new.id()),
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

    fn renew(&self, new: &Arc<ServerKey>) {
        let ring = self.secrets.ring.write();
        let mut ring = ring.unwrap_or_else(PoisonError::into_inner);
        match &mut *ring {
            Some(ring) => ring.renew(Arc::clone(new)),
            None => *ring = Some(KeyRing::new(Arc::clone(new))),
        }
    }

    /// Moves the secrets of some versions in one mutation. Answers how many, and the place of the first
    /// that does not open.
    fn rewrap(
        &self,
        actor: &Actor,
        new: &ServerKey,
        account: &str,
        versions: &[(u64, u64)],
    ) -> Result<(u64, Option<String>), Error> {
        self.store.write(
            actor,
            || {
                format!(
                    "rotate server key to {}, {} versions",
                    new.id(),
                    versions.len()
                )
            },
            |draft| {
                let mut count = 0;
                let mut damaged = None;
                for &(id, version) in versions {
                    let key = keys::stage_version(account, id, version);
                    // Read again: it may have been shredded meanwhile.
                    let Some(mut record) = draft.view().get::<StageRecord>(&key)? else {
                        continue;
                    };
                    let before = count;
                    let bad = self.rewrap_record(new, account, &mut record, &mut count)?;
                    damaged = damaged.or(bad);
                    if count > before {
                        put(draft, account, key, &record)?;
                    }
                }
                Ok((count, damaged))
            },
        )
    }

    fn rewrap_record(
        &self,
        new: &ServerKey,
        account: &str,
        record: &mut StageRecord,
        count: &mut u64,
    ) -> Result<Option<String>, Error> {
        let owner = Owner {
            account,
            stage_id: record.id,
        };
        let mut damaged = None;
        let credentials = record.definition.credentials.try_map(|credential| {
            let CredentialValue::Sealed(sealed) = &credential.value else {
                return Ok(credential.value.clone());
            };
            if sealed.key_id() == new.id() {
                return Ok(credential.value.clone());
            }
            let old = self.secrets.key(sealed.key_id())?;
            let moved = sealed.rewrap(&cipher::random, &old, new, owner, &credential.name)?;
            Ok(match moved {
                Some(moved) => {
                    *count += 1;
                    CredentialValue::Sealed(moved)
                }
                None => {
                    damaged = Some(format!(
                        "the credential {} of the stage {} (id {}) at version {} in the account {account}",
                        credential.name, record.name, record.id, record.version
                    ));
                    credential.value.clone()
                }
            })
        })?;
        record.definition.credentials = credentials;
        Ok(damaged)
    }

    fn count_left(&self, to: KeyId) -> Result<u64, Error> {
        let mut left = 0;
        self.each_page(|_, page| {
            left += page.iter().map(|record| stale(record, to)).sum::<u64>();
            Ok(())
        })?;
        Ok(left)
    }

    /// Gives `visit` all versions of all stages, an account and a page at a time.
    fn each_page(
        &self,
        mut visit: impl FnMut(&str, &[StageRecord]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for account in self.store.read(|view| view.accounts())? {
            let mut after = String::new();
            loop {
                let page = self.store.read(|view| page(view, &account, &after))?;
                let Some(last) = page.last() else { break };
                after = keys::stage_version(&account, last.id, last.version);
                visit(&account, &page)?;
            }
        }
        Ok(())
    }
}

/// How many secrets are sealed by another key than `to`, in one view.
pub(super) fn left(view: View<'_>, to: KeyId) -> Result<u64, Error> {
    let mut left = 0;
    for account in view.accounts()? {
        let mut after = String::new();
        loop {
            let page = page(view, &account, &after)?;
            let Some(last) = page.last() else { break };
            after = keys::stage_version(&account, last.id, last.version);
            left += page.iter().map(|record| stale(record, to)).sum::<u64>();
        }
    }
    Ok(left)
}

fn page(view: View<'_>, account: &str, after: &str) -> Result<Vec<StageRecord>, Error> {
    let prefix = keys::all_stage_versions(account);
    let after = if after.is_empty() { &prefix } else { after };
    view.list_after(&prefix, after, PAGE_VERSIONS)
}

/// How many secrets of a version are sealed by another key than `to`.
fn stale(record: &StageRecord, to: KeyId) -> u64 {
    let sealed = record.definition.credentials.sealed();
    sealed.filter(|(_, sealed)| sealed.key_id() != to).count() as u64
}

/// The versions with something to move, as id and version, cut into mutations of bounded size.
fn batches(page: &[StageRecord], to: KeyId) -> Vec<Vec<(u64, u64)>> {
    let mut batches = Vec::new();
    let mut batch = Vec::new();
    let mut bytes = 0;
    for record in page.iter().filter(|record| stale(record, to) > 0) {
        bytes += format::encode(record).len();
        batch.push((record.id, record.version));
        if bytes >= BATCH_BYTES {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

/// Puts a version, and where it is the current one of a live stage also what stands under the name.
fn put(
    draft: &mut Draft<'_>,
    account: &str,
    key: String,
    record: &StageRecord,
) -> Result<(), Error> {
    let live = stages::live(draft.view(), account, &record.name)?;
    if live.is_some_and(|live| (live.id, live.version) == (record.id, record.version)) {
        draft.put(keys::stage(account, &record.name), record);
    }
    draft.put(key, record);
    Ok(())
}
