//! Dropping an account with everything in it.

use std::collections::BTreeSet;

use super::{AccountRecord, SYS_ACCOUNT, change};
use crate::error::{Error, ErrorKind};
use crate::format::StoredTable;
use crate::options::{Actor, Expected};
use crate::requests::{Arguments, Operation, ToldOnce};
use crate::store::{Draft, View};
use crate::tables::{self, TableRecord};
use crate::{Catalog, keys, remains};

/// What a dropped account held; the files are the caller's to delete.
#[derive(Clone, Debug, PartialEq)]
pub struct DroppedAccount {
    /// The account.
    pub record: AccountRecord,
    /// Its tables of all databases, with their segments.
    pub tables: Vec<TableRecord>,
    /// The ids of its stages, also of those dropped before, which internal ones have their files under.
    pub stages: Vec<u64>,
}

impl ToldOnce for DroppedAccount {
    fn is_change(&self) -> bool {
        true
    }
}

impl Catalog {
    /// Drops an account: its users, roles, grants, tokens, stages with all their versions, databases,
    /// tables and finished exports. What stays are its counters, so that in an account made anew under
    /// the name no id means two things. `None` when this request had done it before.
    ///
    /// Errors: `NotFound`, `Conflict`; `Invalid` for `sys`; `InUse` while exports run in it.
    pub fn drop_account(
        &self,
        actor: &Actor,
        name: &str,
        expected: Expected,
    ) -> Result<Option<DroppedAccount>, Error> {
        self.write_once(
            actor,
            || name.to_owned(),
            |_| Ok(Arguments::of(name).expected(expected)),
            Operation::DropAccount,
            |draft| {
                let view = draft.view();
                let record = change::expected_account(view, name, expected)?;
                if name == SYS_ACCOUNT {
                    return Err(Error::invalid(format!(
                        "the account {SYS_ACCOUNT} cannot be dropped, for it administers the others"
                    )));
                }
                no_exports(view, name)?;
                let tables = tables(view, name)?;
                let stages = stage_ids(view, name)?.into_iter().collect();
                for mark in view.keys(&keys::all_user_tokens(name))? {
                    draft.delete(keys::token(keys::last_part(&mark)));
                }
                delete_all(draft, name)?;
                draft.delete(keys::account(name));
                remains::of_account(draft, record.id);
                Ok(Some(DroppedAccount {
                    record,
                    tables,
                    stages,
                }))
            },
        )
    }
}

fn no_exports(view: View<'_>, account: &str) -> Result<(), Error> {
    let open = view.keys(&keys::exports_open(account))?;
    if open.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = open.iter().map(|key| keys::last_part(key)).collect();
    Err(Error::new(
        ErrorKind::InUse,
        format!(
            "exports run in the account {account}, cancel them (CANCEL EXPORT) or wait for them: {}",
            ids.join(", ")
        ),
    ))
}

fn tables(view: View<'_>, account: &str) -> Result<Vec<TableRecord>, Error> {
    view.list::<StoredTable>(&keys::all_tables(account))?
        .into_iter()
        .map(|stored| tables::with_segments(view, account, stored))
        .collect()
}

/// The ids of all stages that an account has or had.
pub(super) fn stage_ids(view: View<'_>, account: &str) -> Result<BTreeSet<u64>, Error> {
    let versions = keys::all_stage_versions(account);
    view.keys(&versions)?
        .iter()
        .map(|key| {
            let id = key[versions.len()..].split('/').next().unwrap_or_default();
            keys::id(id).map_err(|e| e.at(format_args!("at the key {key}")))
        })
        .collect()
}

/// Deletes all keys of an account except its counters.
pub(super) fn delete_all(draft: &mut Draft<'_>, account: &str) -> Result<(), Error> {
    let counters = keys::counters(account);
    for key in draft.view().keys(&keys::all_of(account))? {
        if !key.starts_with(&counters) {
            draft.delete(key);
        }
    }
    Ok(())
}
