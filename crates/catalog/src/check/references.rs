//! Whether records refer to what exists: tables to databases, segments to tables, marks to what they
//! mark, counters to the ids that were given out. (Those of users and roles are in `check/identities.rs`.)

use std::collections::BTreeSet;

use super::identities;
use crate::databases::DatabaseRecord;
use crate::error::Error;
use crate::exports::ExportRecord;
use crate::format::{Counter, Keyed, Mark, Stored, StoredTable};
use crate::keys;
use crate::stages::StageRecord;
use crate::store::View;

/// How many records are read at a time.
const STEP: usize = 1_000;

/// What refers to nothing, or is not what is said of it.
pub(super) fn dangling(view: View<'_>) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for account in view.accounts()? {
        let check = Check {
            view,
            account: &account,
        };
        check.stages(&mut found)?;
        check.tables(&mut found)?;
        check.exports(&mut found)?;
        check.identities(&mut found)?;
    }
    let cluster = Check {
        view,
        account: keys::CLUSTER,
    };
    identities::tokens(&cluster, &mut found)?;
    Ok(found)
}

/// The records of one account.
pub(super) struct Check<'a> {
    pub(super) view: View<'a>,
    pub(super) account: &'a str,
}

impl Check<'_> {
    fn stages(&self, found: &mut Vec<String>) -> Result<(), Error> {
        let account = self.account;
        let mut last_id = 0;
        self.each_key(&keys::all_stage_versions(account), |key| {
            last_id = last_id.max(keys::stage_version_of(key)?.0);
            Ok(())
        })?;
        self.counted("stage", last_id, found)?;
        self.each(&keys::stages(account), |key, stage: StageRecord| {
            let version = keys::stage_version(account, stage.id, stage.version);
            if self.view.get(&version)?.as_ref() != Some(&stage) {
                found.push(format!("{key} is not the version {version}"));
            }
            let mark = keys::stage_enabled(account, &stage.name);
            if stage.definition.enabled != self.view.get::<Mark>(&mark)?.is_some() {
                found.push(format!("{key} and {mark} do not agree"));
            }
            Ok(())
        })?;
        self.each_key(&keys::all_stage_capabilities(account), |key| {
            let (id, version) = keys::stage_version_of(key)?;
            let of = keys::stage_version(account, id, version);
            if self.view.get::<StageRecord>(&of)?.is_none() {
                found.push(format!("{key} is of {of}, which does not exist"));
            }
            Ok(())
        })?;
        self.each_key(&keys::stages_enabled(account), |key| {
            let stage = keys::stage(account, keys::last_part(key));
            if self.view.get::<StageRecord>(&stage)?.is_none() {
                found.push(format!("{key} marks {stage}, which does not exist"));
            }
            Ok(())
        })
    }

    fn tables(&self, found: &mut Vec<String>) -> Result<(), Error> {
        let account = self.account;
        let mut last_database = 0;
        self.each(&keys::databases(account), |_, record: DatabaseRecord| {
            last_database = last_database.max(record.id);
            Ok(())
        })?;
        self.counted("database", last_database, found)?;
        let mut ids = BTreeSet::new();
        self.each(&keys::all_tables(account), |key, table: StoredTable| {
            let database = keys::database(account, &table.database);
            if self.view.get::<DatabaseRecord>(&database)?.is_none() {
                found.push(format!("{key} is in {database}, which does not exist"));
            }
            ids.insert(table.id);
            Ok(())
        })?;
        self.counted("table", ids.last().copied().unwrap_or(0), found)?;
        for beside in [
            keys::all_table_credentials(account),
            keys::all_table_keys(account),
        ] {
            self.each_key(&beside, |key| {
                let table = u64::from_str_radix(keys::last_part(key), 16).unwrap_or(0);
                if !ids.contains(&table) {
                    found.push(format!("{key} is of a table that does not exist"));
                }
                Ok(())
            })?;
        }
        self.each_key(&keys::all_loaded_files(account), |key| {
            // …/{table}/{digest}
            let table = key.rsplit('/').nth(1).unwrap_or_default();
            if !ids.contains(&keys::id(table)?) {
                found.push(format!("{key} is of a table that does not exist"));
            }
            Ok(())
        })?;
        self.each_key(&keys::all_segments(account), |key| {
            let (table, _) = keys::segment_of(key)?;
            if !ids.contains(&table) {
                found.push(format!("{key} is of a table that does not exist"));
            }
            Ok(())
        })
    }

    fn exports(&self, found: &mut Vec<String>) -> Result<(), Error> {
        let account = self.account;
        let export = |id: &str| self.view.get::<ExportRecord>(&keys::export(account, id));
        let mut open = BTreeSet::new();
        self.each_key(&keys::exports_open(account), |key| {
            let id = keys::last_part(key);
            open.insert(id.to_owned());
            match export(id)? {
                Some(record) if !record.state.is_final() => {}
                Some(_) => found.push(format!("{key} marks an export that is finished")),
                None => found.push(format!("{key} marks an export that does not exist")),
            }
            Ok(())
        })?;
        self.each(&keys::exports(account), |key, record: ExportRecord| {
            if !record.state.is_final() && !open.contains(&record.id) {
                found.push(format!("{key} is not finished and has no mark"));
            }
            Ok(())
        })?;
        self.each_key(&keys::all_export_files(account), |key| {
            // …/{id}/{index}
            let id = key.rsplit('/').nth(1).unwrap_or(key);
            if !open.contains(id) {
                found.push(format!("{key} is of an export that is not running"));
            }
            Ok(())
        })?;
        self.each(&keys::all_export_keys(account), |key, keyed: Keyed| {
            if export(&keyed.id)?.is_none() {
                found.push(format!("{key} is of an export that does not exist"));
            }
            Ok(())
        })?;
        for prefix in [
            keys::all_export_pins(account),
            keys::all_exports_of(account),
            keys::manifests(account),
        ] {
            self.each_key(&prefix, |key| {
                if export(keys::last_part(key))?.is_none() {
                    found.push(format!("{key} is of an export that does not exist"));
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Every id that was given out is counted.
    pub(super) fn counted(
        &self,
        of: &str,
        last: u64,
        found: &mut Vec<String>,
    ) -> Result<(), Error> {
        let key = keys::counter(self.account, of);
        let counter = self
            .view
            .get::<Counter>(&key)?
            .map_or(0, |counter| counter.0);
        if counter < last {
            found.push(format!("{key} is at {counter} where the id {last} exists"));
        }
        Ok(())
    }

    pub(super) fn each<R: Stored>(
        &self,
        prefix: &str,
        mut visit: impl FnMut(&str, R) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.each_key(prefix, |key| match self.view.get(key)? {
            Some(record) => visit(key, record),
            None => Ok(()),
        })
    }

    pub(super) fn each_key(
        &self,
        prefix: &str,
        mut visit: impl FnMut(&str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut after = prefix.to_owned();
        loop {
            let page = self.view.keys_after(prefix, &after, STEP)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after.clone_from(last);
            for key in &page {
                visit(key)?;
            }
        }
    }
}
