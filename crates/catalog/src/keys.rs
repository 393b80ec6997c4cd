//! The keys of the catalog: `account/kind/…`, text, with numbers as 16 hexadecimal digits so that
//! they sort by value. docs/catalog-format.md lists them; they are part of the stored format.
//! Keys of the whole cluster begin with `#`, as no account does. Those of users and grants are in `keys/identity.rs`.

mod identity;
mod requests;

pub(crate) use identity::*;
pub(crate) use requests::*;

use crate::error::Error;
use crate::remains::Remains;

/// Begins the keys of the catalog as a whole; no account's name begins so.
pub(crate) const OWN: char = '#';
/// The last record of the audit.
pub(crate) const AUDIT_HEAD: &str = "#audit-head";
/// Where the audit begins since its oldest records were removed.
pub(crate) const AUDIT_ANCHOR: &str = "#audit-anchor";
/// The audit records of all accounts.
pub(crate) const ALL_AUDITS: &str = "#audit/";

/// A record of the audit.
pub(crate) fn audit(account: &str, number: u64) -> String {
    format!("#audit/{account}/{number:016x}")
}

pub(crate) fn audits(account: &str) -> String {
    format!("#audit/{account}/")
}

/// Files of internal stages that are to be removed.
pub(crate) const ALL_REMAINS: &str = "#remains/";

pub(crate) fn remains(of: Remains) -> String {
    match of {
        Remains::Stage {
            account_id,
            stage_id,
        } => format!("#remains/stage/{account_id:016x}/{stage_id:016x}"),
        Remains::Account { account_id } => format!("#remains/account/{account_id:016x}"),
    }
}

/// Whose remains a key of them means.
pub(crate) fn remains_of(key: &str) -> Result<Remains, Error> {
    let parts: Vec<&str> = key.split('/').collect();
    match parts[..] {
        [_, "stage", account, stage] => Ok(Remains::Stage {
            account_id: id(account)?,
            stage_id: id(stage)?,
        }),
        [_, "account", account] => Ok(Remains::Account {
            account_id: id(account)?,
        }),
        _ => Err(Error::corrupt(format!("the key {key} is of no remains"))),
    }
}

/// The manifest of an export, once.
pub(crate) fn manifest(account: &str, id: &str) -> String {
    format!("{account}/manifest/{id}")
}

pub(crate) fn manifests(account: &str) -> String {
    format!("{account}/manifest/")
}

/// A file in the publication plan of an unfinished export.
pub(crate) fn export_file(account: &str, id: &str, index: u32) -> String {
    format!("{account}/export-file/{id}/{index:08x}")
}

pub(crate) fn export_files(account: &str, id: &str) -> String {
    format!("{account}/export-file/{id}/")
}

/// Which export of a user has a key; the key may hold slashes.
pub(crate) fn export_key(account: &str, user: &str, key: &str) -> String {
    format!("{account}/export-key/{user}/{key}")
}

pub(crate) fn all_export_keys(account: &str) -> String {
    format!("{account}/export-key/")
}

pub(crate) fn all_export_files(account: &str) -> String {
    format!("{account}/export-file/")
}

/// Lists the `account/` part of each key kind below.
pub(crate) fn account_of(key: &str) -> &str {
    key.split('/').next().unwrap_or(key)
}

/// The last part of a key.
pub(crate) fn last_part(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// The number that a part of a key is.
pub(crate) fn id(part: &str) -> Result<u64, Error> {
    u64::from_str_radix(part, 16).map_err(|source| {
        Error::corrupt(format!("the part {part} of a key is not an id")).with_source(source)
    })
}

/// The state of the server keys, which are of the catalog and of no account.
pub(crate) fn server_keys() -> String {
    "#key/server".to_owned()
}

pub(crate) fn counter(account: &str, of: &str) -> String {
    format!("{account}/counter/{of}")
}

/// The current version of a live stage.
pub(crate) fn stage(account: &str, name: &str) -> String {
    format!("{account}/stage/{name}")
}

pub(crate) fn stages(account: &str) -> String {
    format!("{account}/stage/")
}

/// Every version of a stage, also of a dropped one.
pub(crate) fn stage_version(account: &str, id: u64, version: u64) -> String {
    format!("{account}/stage-version/{id:016x}/{version:016x}")
}

pub(crate) fn stage_versions(account: &str, id: u64) -> String {
    format!("{account}/stage-version/{id:016x}/")
}

/// What is known of the place of a stage's version.
pub(crate) fn stage_capabilities(account: &str, id: u64, version: u64) -> String {
    format!("{account}/stage-capabilities/{id:016x}/{version:016x}")
}

pub(crate) fn all_capabilities_of(account: &str, id: u64) -> String {
    format!("{account}/stage-capabilities/{id:016x}/")
}

pub(crate) fn all_stage_capabilities(account: &str) -> String {
    format!("{account}/stage-capabilities/")
}

/// The versions of all stages.
pub(crate) fn all_stage_versions(account: &str) -> String {
    format!("{account}/stage-version/")
}

/// The id and version in the key of a stage's version.
pub(crate) fn stage_version_of(key: &str) -> Result<(u64, u64), Error> {
    two_numbers(key)
}

/// The ids of user and role in the key of a mark.
pub(crate) fn user_role_of(key: &str) -> Result<(u64, u64), Error> {
    two_numbers(key)
}

/// The ids of table and segment in the key of a segment.
pub(crate) fn segment_of(key: &str) -> Result<(u64, u64), Error> {
    two_numbers(key)
}

fn two_numbers(key: &str) -> Result<(u64, u64), Error> {
    let mut parts = key.rsplit('/');
    let mut number = || {
        let part = parts.next().unwrap_or_default();
        u64::from_str_radix(part, 16).map_err(|source| {
            Error::corrupt(format!("the key {key} does not end with two numbers"))
                .with_source(source)
        })
    };
    let last = number()?;
    Ok((number()?, last))
}

/// A mark for each dropped incarnation, under the name it had last. Drops are numbered, for a clock
/// that was set back would not tell which came last.
pub(crate) fn stage_dropped(account: &str, name: &str, drop: u64, id: u64) -> String {
    format!("{account}/stage-dropped/{name}/{drop:016x}/{id:016x}")
}

pub(crate) fn stages_dropped_as(account: &str, name: &str) -> String {
    format!("{account}/stage-dropped/{name}/")
}

pub(crate) fn stages_dropped(account: &str) -> String {
    format!("{account}/stage-dropped/")
}

/// A mark for each enabled live stage: "is any enabled" is one seek.
pub(crate) fn stage_enabled(account: &str, name: &str) -> String {
    format!("{account}/stage-enabled/{name}")
}

pub(crate) fn stages_enabled(account: &str) -> String {
    format!("{account}/stage-enabled/")
}

/// A mark for each live sub-stage under its parent.
pub(crate) fn stage_child(account: &str, parent: &str, child: &str) -> String {
    format!("{account}/stage-child/{parent}/{child}")
}

pub(crate) fn stage_children(account: &str, parent: &str) -> String {
    format!("{account}/stage-child/{parent}/")
}

/// A file of a stage's directory table; the path may hold slashes.
pub(crate) fn directory_file(account: &str, stage: u64, generation: u64, path: &str) -> String {
    format!("{account}/directory/{stage:016x}/{generation:016x}/{path}")
}

pub(crate) fn directory_files(account: &str, stage: u64, generation: u64) -> String {
    format!("{account}/directory/{stage:016x}/{generation:016x}/")
}

/// How far a stage's directory table is.
pub(crate) fn directory_state(account: &str, stage: u64) -> String {
    format!("{account}/directory-state/{stage:016x}")
}

pub(crate) fn directory_states(account: &str) -> String {
    format!("{account}/directory-state/")
}

/// The credentials of a table that another server has.
pub(crate) fn table_credentials(account: &str, table: u64) -> String {
    format!("{account}/table-credentials/{table:016x}")
}

pub(crate) fn all_table_credentials(account: &str) -> String {
    format!("{account}/table-credentials/")
}

/// The keys of a table that has any.
pub(crate) fn table_keys(account: &str, table: u64) -> String {
    format!("{account}/table-keys/{table:016x}")
}

pub(crate) fn all_table_keys(account: &str) -> String {
    format!("{account}/table-keys/")
}

/// A file that a table was loaded from, by the digest of its bytes.
pub(crate) fn loaded_file(account: &str, table: u64, sha256: &str) -> String {
    format!("{account}/loaded-file/{table:016x}/{sha256}")
}

pub(crate) fn loaded_files(account: &str, table: u64) -> String {
    format!("{account}/loaded-file/{table:016x}/")
}

pub(crate) fn all_loaded_files(account: &str) -> String {
    format!("{account}/loaded-file/")
}

pub(crate) fn database(account: &str, name: &str) -> String {
    format!("{account}/database/{name}")
}

pub(crate) fn databases(account: &str) -> String {
    format!("{account}/database/")
}

pub(crate) fn table(account: &str, database: &str, name: &str) -> String {
    format!("{account}/table/{database}/{name}")
}

pub(crate) fn tables(account: &str, database: &str) -> String {
    format!("{account}/table/{database}/")
}

pub(crate) fn all_tables(account: &str) -> String {
    format!("{account}/table/")
}

/// Each segment has its own key, so that adding one does not rewrite the others.
pub(crate) fn segment(account: &str, table_id: u64, segment_id: u64) -> String {
    format!("{account}/segment/{table_id:016x}/{segment_id:016x}")
}

pub(crate) fn segments(account: &str, table_id: u64) -> String {
    format!("{account}/segment/{table_id:016x}/")
}

pub(crate) fn all_segments(account: &str) -> String {
    format!("{account}/segment/")
}

pub(crate) fn export(account: &str, id: &str) -> String {
    format!("{account}/export/{id}")
}

pub(crate) fn exports(account: &str) -> String {
    format!("{account}/export/")
}

/// A mark for each export that has not reached a final state.
pub(crate) fn export_open(account: &str, id: &str) -> String {
    format!("{account}/export-open/{id}")
}

pub(crate) fn exports_open(account: &str) -> String {
    format!("{account}/export-open/")
}

/// A mark for each export under the user who started it.
pub(crate) fn export_of(account: &str, user: &str, id: &str) -> String {
    format!("{account}/export-of/{user}/{id}")
}

pub(crate) fn exports_of(account: &str, user: &str) -> String {
    format!("{account}/export-of/{user}/")
}

pub(crate) fn all_exports_of(account: &str) -> String {
    format!("{account}/export-of/")
}

/// A mark for the export from which on each has one under its user.
pub(crate) fn export_of_since(account: &str, id: &str) -> String {
    format!("{account}/export-of-since/{id}")
}

pub(crate) fn exports_of_since(account: &str) -> String {
    format!("{account}/export-of-since/")
}

/// A mark for each unfinished export under the id of the stage that it writes to (the id, because a
/// stage may be renamed meanwhile).
pub(crate) fn export_pin(account: &str, stage_id: u64, export_id: &str) -> String {
    format!("{account}/export-pin/{stage_id:016x}/{export_id}")
}

pub(crate) fn all_export_pins(account: &str) -> String {
    format!("{account}/export-pin/")
}

pub(crate) fn export_pins(account: &str, stage_id: u64) -> String {
    format!("{account}/export-pin/{stage_id:016x}/")
}

/// Everything that belongs to an account.
pub(crate) fn all_of(account: &str) -> String {
    format!("{account}/")
}

pub(crate) fn counters(account: &str) -> String {
    format!("{account}/counter/")
}
