//! The steps of a rotation: which versions have secrets under another key, and moving some of them
//! in one mutation.

use super::super::{CredentialValue, Credentials, KeyId, Owner, ServerKey, cipher};
use crate::error::Error;
use crate::options::Actor;
use crate::stages::{self, StageRecord};
use crate::store::{Draft, View, What};
use crate::{Catalog, exports, format, keys, tables};

/// How many versions are read at once.
const PAGE_VERSIONS: usize = 128;
/// About how many bytes of records one mutation may hold.
const BATCH_BYTES: usize = 1 << 20;

impl Catalog {
    /// Moves the secrets of some versions in one mutation. Answers how many, and the place of the first
    /// that does not open.
    pub(super) fn rewrap(
        &self,
        actor: &Actor,
        new: &ServerKey,
        account: &str,
        versions: &[(u64, u64)],
    ) -> Result<(u64, Option<String>), Error> {
        self.store.write(
            actor,
            || {
                What::step(format!(
                    "rotate server key to {}, {} versions",
                    new.id(),
                    versions.len()
                ))
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
        let owner = Owner::Stage {
            account,
            id: record.id,
        };
        let whose = format!(
            "the stage {} (id {}) at version {} in the account {account}",
            record.name, record.id, record.version
        );
        let given = &record.definition.credentials;
        let (moved, damaged) = self.rewrap_credentials(new, owner, &whose, given, count)?;
        record.definition.credentials = moved;
        Ok(damaged)
    }

    /// Moves the secrets of the unfinished exports that have any, an account a mutation. Answers how many, and the
    /// place of the first that does not open.
    pub(super) fn rewrap_exports(
        &self,
        actor: &Actor,
        new: &ServerKey,
    ) -> Result<(u64, Option<String>), Error> {
        let (mut count, mut damaged) = (0, None);
        for account in self.store.read(|view| view.accounts())? {
            if self
                .store
                .read(|view| stale_exports(view, &account, new.id()))?
                == 0
            {
                continue;
            }
            let what = || What::step(format!("rotate server key to {}, exports", new.id()));
            let (moved, bad) = self.store.write(actor, what, |draft| {
                let (mut count, mut damaged) = (0, None);
                for mut record in exports::open_with_credentials(draft.view(), &account)? {
                    let whose = format!("the export {} in the account {account}", record.id);
                    let owner = Owner::Export {
                        account: &account,
                        id: &record.id,
                    };
                    let before = count;
                    let (moved, bad) = self.rewrap_credentials(
                        new,
                        owner,
                        &whose,
                        &record.credentials,
                        &mut count,
                    )?;
                    damaged = damaged.or(bad);
                    if count > before {
                        record.credentials = moved;
                        draft.put(keys::export(&account, &record.id), &record);
                    }
                }
                Ok((count, damaged))
            })?;
            count += moved;
            damaged = damaged.or(bad);
        }
        Ok((count, damaged))
    }

    /// Moves the secrets of the external tables that have any, an account a mutation. Answers as for exports.
    pub(super) fn rewrap_tables(
        &self,
        actor: &Actor,
        new: &ServerKey,
    ) -> Result<(u64, Option<String>), Error> {
        let (mut count, mut damaged) = (0, None);
        for account in self.store.read(|view| view.accounts())? {
            let stale = |view: View<'_>| stale_tables(view, &account, new.id());
            if self.store.read(stale)? == 0 {
                continue;
            }
            let what = || What::step(format!("rotate server key to {}, tables", new.id()));
            let (moved, bad) = self.store.write(actor, what, |draft| {
                let (mut count, mut damaged) = (0, None);
                for mut record in tables::credentials_of_account(draft.view(), &account)? {
                    let id = record.table;
                    let whose = format!("the table with the id {id} in the account {account}");
                    let owner = Owner::Table {
                        account: &account,
                        id,
                    };
                    let before = count;
                    let (moved, bad) = self.rewrap_credentials(
                        new,
                        owner,
                        &whose,
                        &record.credentials,
                        &mut count,
                    )?;
                    damaged = damaged.or(bad);
                    if count > before {
                        record.credentials = moved;
                        draft.put(keys::table_credentials(&account, id), &record);
                    }
                }
                Ok((count, damaged))
            })?;
            count += moved;
            damaged = damaged.or(bad);
        }
        Ok((count, damaged))
    }

    fn rewrap_credentials(
        &self,
        new: &ServerKey,
        owner: Owner<'_>,
        whose: &str,
        given: &Credentials,
        count: &mut u64,
    ) -> Result<(Credentials, Option<String>), Error> {
        let mut damaged = None;
        let credentials = given.try_map(|credential| {
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
                    damaged = Some(format!("the credential {} of {whose}", credential.name));
                    credential.value.clone()
                }
            })
        })?;
        Ok((credentials, damaged))
    }

    pub(super) fn count_left(&self, to: KeyId) -> Result<u64, Error> {
        let mut left = 0;
        self.each_page(|_, page| {
            left += page.iter().map(|record| stale(record, to)).sum::<u64>();
            Ok(())
        })?;
        for account in self.store.read(|view| view.accounts())? {
            left += self.store.read(|view| stale_exports(view, &account, to))?;
            left += self.store.read(|view| stale_tables(view, &account, to))?;
        }
        Ok(left)
    }

    /// Gives `visit` all versions of all stages, an account and a page at a time.
    pub(super) fn each_page(
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
pub(in crate::secrets) fn left(view: View<'_>, to: KeyId) -> Result<u64, Error> {
    let mut left = 0;
    for account in view.accounts()? {
        let mut after = String::new();
        loop {
            let page = page(view, &account, &after)?;
            let Some(last) = page.last() else { break };
            after = keys::stage_version(&account, last.id, last.version);
            left += page.iter().map(|record| stale(record, to)).sum::<u64>();
        }
        left += stale_exports(view, &account, to)?;
        left += stale_tables(view, &account, to)?;
    }
    Ok(left)
}

/// How many secrets of an account's unfinished exports are sealed by another key than `to`.
fn stale_exports(view: View<'_>, account: &str, to: KeyId) -> Result<u64, Error> {
    let open = exports::open_with_credentials(view, account)?;
    let stale = open
        .iter()
        .map(|record| stale_among(&record.credentials, to));
    Ok(stale.sum())
}

/// How many secrets of an account's external tables are sealed by another key than `to`.
fn stale_tables(view: View<'_>, account: &str, to: KeyId) -> Result<u64, Error> {
    let all = tables::credentials_of_account(view, account)?;
    let stale = all
        .iter()
        .map(|record| stale_among(&record.credentials, to));
    Ok(stale.sum())
}

fn page(view: View<'_>, account: &str, after: &str) -> Result<Vec<StageRecord>, Error> {
    let prefix = keys::all_stage_versions(account);
    let after = if after.is_empty() { &prefix } else { after };
    view.list_after(&prefix, after, PAGE_VERSIONS)
}

/// How many secrets of a version are sealed by another key than `to`.
fn stale(record: &StageRecord, to: KeyId) -> u64 {
    stale_among(&record.definition.credentials, to)
}

fn stale_among(credentials: &Credentials, to: KeyId) -> u64 {
    let sealed = credentials.sealed();
    sealed.filter(|(_, sealed)| sealed.key_id() != to).count() as u64
}

/// The versions with something to move, as id and version, cut into mutations of bounded size.
pub(super) fn batches(page: &[StageRecord], to: KeyId) -> Vec<Vec<(u64, u64)>> {
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
