//! Remains: the files of internal stages that nobody can bring back. The catalog says whose they are, and keeps
//! saying it until whoever keeps the files says that they are gone.

use crate::error::Error;
use crate::options::Actor;
use crate::store::{Draft, View, What};
use crate::{Catalog, accounts, keys};

/// Whose files are left. By ids: a later account or stage of the same name has others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Remains {
    /// An internal stage's that was forgotten.
    Stage {
        /// The account's id.
        account_id: u64,
        /// The stage's id.
        stage_id: u64,
    },
    /// All internal stages' of an account that was dropped.
    Account {
        /// The account's id.
        account_id: u64,
    },
}

impl Catalog {
    /// What is left, at most so many.
    pub fn remains(&self, limit: usize) -> Result<Vec<Remains>, Error> {
        self.store.read(|view| {
            view.keys_after(keys::ALL_REMAINS, keys::ALL_REMAINS, limit)?
                .iter()
                .map(|key| keys::remains_of(key))
                .collect()
        })
    }

    /// The files are gone. Those that are not on record (any more) are fine.
    pub fn remains_removed(&self, actor: &Actor, gone: &[Remains]) -> Result<(), Error> {
        self.store.write(
            actor,
            || What::step(format!("REMAINS of {} removed", gone.len())),
            |draft| {
                for remains in gone {
                    draft.delete(keys::remains(*remains));
                }
                Ok(())
            },
        )
    }
}

/// Puts a forgotten stage's files on record.
pub(crate) fn of_stage(draft: &mut Draft<'_>, account: &str, stage_id: u64) -> Result<(), Error> {
    if let Some(account_id) = account_id(draft.view(), account)? {
        draft.mark(keys::remains(Remains::Stage {
            account_id,
            stage_id,
        }));
    }
    Ok(())
}

/// Puts all files of a dropped account on record.
pub(crate) fn of_account(draft: &mut Draft<'_>, account_id: u64) {
    draft.mark(keys::remains(Remains::Account { account_id }));
}

/// A catalog that was never bootstrapped has no accounts.
fn account_id(view: View<'_>, account: &str) -> Result<Option<u64>, Error> {
    Ok(accounts::find(view, account)?.map(|record| record.id))
}
