//! What an administrator does while no server runs: check, rebuild, back up, restore, rotate the server
//! key, prove the audit. Whoever may open the data directory owns it, so nobody logs in.

mod check;
mod rotate;

use std::io;
use std::path::{Path, PathBuf};

use catalog::{
    Actor, AuditEvent, AuditOutcome, Catalog, ErrorKind, KeyRing, Options, ROOT_USER, Request,
    admin_role,
};

pub use self::check::{Checked, Damage, KeyFound, TornEnd, check};
pub use self::rotate::{Rotated, rotate_key};
pub use crate::backup::restore;

use crate::backup::{self, BackedUp};
use crate::gate::{SYS, hex};
use crate::instance::{OpenError, recovery_sentences, tell_recovery};

const CATALOG: &str = "catalog";

/// What the proof of the audit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditProof {
    /// The first record that is kept; 0 when there is none.
    pub first: u64,
    /// The last record that was looked at; 0 when there is none.
    pub last: u64,
    /// The hash of the last record, in hexadecimal.
    pub head: String,
    /// The number of the first record that is missing or not as it was written, and why.
    pub bad: Option<(u64, String)>,
}

impl AuditProof {
    fn of(check: catalog::AuditCheck) -> Self {
        Self {
            first: check.first,
            last: check.last,
            head: hex(&check.head_hash),
            bad: check.bad.map(|bad| (bad.number, bad.why)),
        }
    }
}

/// Writes a backup to an empty or new directory. Blocking.
///
/// # Errors
/// Ready for an operator: a server runs, no data directory, a directory that is not empty or within.
pub fn backup(data_dir: &Path, to: &Path) -> Result<BackedUp, OpenError> {
    let absolute = |path: &Path| {
        std::path::absolute(path)
            .map_err(|e| OpenError::new(format!("'{}' is no path: {e}", path.display())))
    };
    let catalog = open(data_dir, None, false)?;
    backup::copy(&catalog, &absolute(data_dir)?, &absolute(to)?, |_| {})
        .map_err(|e| OpenError::new(e.message().to_owned()))
}

/// Proves the audit. Blocking.
///
/// # Errors
/// Ready for an operator: a server runs, no data directory, one that cannot be opened. A record that was
/// changed is no error: it is in the answer.
pub fn verify_audit(data_dir: &Path) -> Result<AuditProof, OpenError> {
    let failed = |e: catalog::Error| OpenError::of_catalog(&e, data_dir);
    let catalog = open(data_dir, None, false)?;
    // The chain is read from the index; what the journal has of it must be the same.
    if let Some(damage) = catalog.scrub().map_err(failed)?.journal_damage {
        return Err(OpenError::damaged(format!(
            "the audit proves nothing while its journal is damaged: {damage}"
        )));
    }
    Ok(AuditProof::of(catalog.verify_audit().map_err(failed)?))
}

/// Makes the catalog's index anew from its journal; gives what was repaired, a sentence each. With
/// `accept_cut` also where the journal lacks changes that were acknowledged: these are given up, the
/// audit says so, and the index that has them is kept as `index.ahead`. Blocking.
///
/// # Errors
/// Ready for an operator: a server runs, no data directory, a damaged or (unless accepted) a cut journal.
pub fn rebuild(data_dir: &Path, accept_cut: bool) -> Result<Vec<String>, OpenError> {
    // Opening judges whether the journal is cut, and sets aside an index that has more.
    let opened = open_silently(data_dir, None, accept_cut)?;
    let mut recovery = opened.recovery().clone();
    drop(opened);
    if recovery.rebuilt.is_none() {
        let options = Options {
            accept_cut,
            ..Options::default()
        };
        let anew = Catalog::rebuild(&data_dir.join(CATALOG), options)
            .map_err(|e| OpenError::of_catalog(&e, data_dir))?;
        // The first opening has cut the end already, and told by how much.
        let (torn_bytes, torn_by_damage) = (recovery.torn_bytes, recovery.torn_by_damage);
        recovery = anew;
        recovery.torn_bytes += torn_bytes;
        recovery.torn_by_damage |= torn_by_damage;
    }
    let event = AuditEvent {
        actor: owner(),
        operation: "REBUILD CATALOG".to_owned(),
        target: "catalog".to_owned(),
        stage_version: None,
        outcome: AuditOutcome::Done,
        reason: match recovery.ahead {
            0 => String::new(),
            lost => format!("{lost} acknowledged changes that the journal lacked were given up"),
        },
    };
    open(data_dir, None, false)?
        .record(event)
        .map_err(|e| OpenError::of_catalog(&e, data_dir))?;
    Ok(recovery_sentences(&recovery))
}

/// Opens the catalog of a data directory that must have one, and says what that repaired.
fn open(data_dir: &Path, keys: Option<KeyRing>, accept_cut: bool) -> Result<Catalog, OpenError> {
    let catalog = open_silently(data_dir, keys, accept_cut)?;
    tell_recovery(&catalog);
    Ok(catalog)
}

/// The same for who tells what it repaired with the answer.
fn open_silently(
    data_dir: &Path,
    keys: Option<KeyRing>,
    accept_cut: bool,
) -> Result<Catalog, OpenError> {
    let dir = catalog_in(data_dir)?;
    let options = Options {
        keys,
        accept_cut,
        ..Options::default()
    };
    Catalog::open(&dir, options).map_err(|e| match e.kind() {
        ErrorKind::Locked => in_use(&e),
        _ => OpenError::of_catalog(&e, data_dir),
    })
}

/// The folder of a catalog, which must be there and open to this user.
fn catalog_in(data_dir: &Path) -> Result<PathBuf, OpenError> {
    let dir = data_dir.join(CATALOG);
    let shown = data_dir.display();
    match dir.read_dir() {
        Ok(_) => Ok(dir),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(OpenError::new(format!(
            "'{shown}' is no data directory: it has no folder {CATALOG}"
        ))),
        Err(e) => Err(OpenError::new(format!(
            "failed to open the folder {CATALOG} of the data directory '{shown}': {e}; run this as the user that owns it"
        ))),
    }
}

fn in_use(error: &catalog::Error) -> OpenError {
    OpenError::new(format!(
        "{error}; stop the server first, this is done while none runs"
    ))
}

/// Who acts here.
fn owner() -> Actor {
    let request = Request {
        client: "offline".to_owned(),
        ..Request::default()
    };
    Actor::new(SYS, ROOT_USER, admin_role(SYS)).with_request(request)
}
