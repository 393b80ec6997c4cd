//! Crypto-shredding: throwing away the keys and ciphertexts of secrets in the history of a stage, so
//! that the history keeps everything but them.

use super::CredentialValue;
use crate::error::Error;
use crate::options::Actor;
use crate::stages::{self, StageRecord};
use crate::store::What;
use crate::{Catalog, keys};

/// How many versions one mutation changes.
const BATCH_VERSIONS: usize = 256;

impl Catalog {
    /// Shreds the secrets of a stage in its versions up to `up_to_version`: they can never be opened
    /// again, only their fingerprints stay. Answers how many were shredded; those that later versions
    /// carry on can still be opened there. Done in steps, each durable; a crash leaves the rest to do.
    ///
    /// The journal holds the old bytes until it is compacted, and so does every older backup.
    /// Errors: `NotFound` for the id; `Invalid` when the current version of a live stage is among them.
    pub fn shred_credentials(
        &self,
        actor: &Actor,
        stage_id: u64,
        up_to_version: u64,
    ) -> Result<u64, Error> {
        let account = &actor.account;
        let mut shredded = 0;
        let mut after = keys::stage_versions(account, stage_id);
        loop {
            let (count, last) = self.store.write(
                actor,
                || {
                    What::change(
                        "SHRED CREDENTIALS",
                        format!("of stage {stage_id} up to version {up_to_version}"),
                    )
                },
                |draft| {
                    let view = draft.view();
                    check_range(
                        stages::last_version(view, account, stage_id)?,
                        stage_id,
                        up_to_version,
                    )?;
                    let page: Vec<StageRecord> = view.list_after(
                        &keys::stage_versions(account, stage_id),
                        &after,
                        BATCH_VERSIONS,
                    )?;
                    let mut count = 0;
                    let old = page.iter().take_while(|r| r.version <= up_to_version);
                    for record in old.clone() {
                        let here = record.definition.credentials.sealed().count() as u64;
                        if here > 0 {
                            let key = keys::stage_version(account, stage_id, record.version);
                            draft.put(key, &without_secrets(record)?);
                            count += here;
                        }
                    }
                    Ok((count, old.last().map(|record| record.version)))
                },
            )?;
            shredded += count;
            match last {
                Some(version) => after = keys::stage_version(account, stage_id, version),
                None => return Ok(shredded),
            }
        }
    }
}

fn check_range(last: Option<StageRecord>, id: u64, up_to: u64) -> Result<(), Error> {
    let last =
        last.ok_or_else(|| Error::not_found(format!("there is no stage with the id {id}")))?;
    if last.dropped || up_to < last.version {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "version {} of the stage {} is its current one, and its credentials are in use; shred up to version {}",
        last.version,
        last.name,
        last.version - 1
    )))
}

fn without_secrets(record: &StageRecord) -> Result<StageRecord, Error> {
    let mut record = record.clone();
    record.definition.credentials = record.definition.credentials.try_map(|credential| {
        Ok(match &credential.value {
            CredentialValue::Sealed(sealed) => CredentialValue::Shredded(sealed.fingerprint()),
            value @ (CredentialValue::Plain(_)
            | CredentialValue::Reference(_)
            | CredentialValue::Secret(_)
            | CredentialValue::Shredded(_)) => value.clone(),
        })
    })?;
    Ok(record)
}
