//! Exports: the record of each, from its admission to its final state. The states are in
//! `exports/state.rs`, the publication plan in `exports/plan.rs`.

mod keyed;
mod manifest;
mod owner;
mod plan;
mod state;

pub use keyed::{Admission, ExportKey};
pub use plan::{FileRole, PlannedFile};
pub use state::ExportState;

pub(crate) use keyed::forget as forget_key;
use manifest::{put_manifest, with_manifest};
pub(crate) use owner::unmark;
use plan::{put_plan, with_plan};

use crate::audit::AuditOutcome;
use crate::error::{Error, ErrorKind};
use crate::options::Actor;
use crate::secrets::{self, Credentials, Owner};
use crate::stages::StageRecord;
use crate::store::{Draft, View, What};
use crate::{Catalog, directory, keys};

/// A file that an export made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExportFile {
    /// Its path in the stage, or the whole path when there is no stage.
    pub path: String,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// The digest of its bytes: 64 hexadecimal digits of SHA-256, or another algorithm's name and a colon before its
    /// own: `blake3:…`.
    pub digest: String,
}

/// One export.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExportRecord {
    /// A UUID of version 7, as text in its usual form.
    pub id: String,
    /// The account it runs in.
    pub account: String,
    /// Who started it.
    pub user: String,
    /// What the user calls it: `EXPORT ID`.
    pub key: Option<String>,
    /// The database that was current; `None` in a record of a format before 7.
    pub database: Option<String>,
    /// The statement, with its secrets masked by the caller.
    pub statement: String,
    /// The name and version of the stage it writes to, as they were when it was admitted.
    pub stage: Option<(String, u64)>,
    /// The id of that stage, which a renaming does not change.
    pub stage_id: Option<u64>,
    /// Ids and versions of the stages that its stage's URL goes through, nearest first.
    pub stage_parents: Vec<(u64, u64)>,
    /// Where it writes, as the statement named it.
    pub target: String,
    /// How far it is.
    pub state: ExportState,
    /// The publication plan: one entry a file, from the moment at which its draft was begun until the export has
    /// ended. There for one export ([`Catalog::export`]) and for unfinished ones; listings are without it.
    pub plan: Vec<PlannedFile>,
    /// The drafts of an unfinished export as versions before the plan recorded them, by their numbers. Nothing
    /// writes them any more.
    pub temp_files: Vec<String>,
    /// What it made.
    pub files: Vec<ExportFile>,
    /// How many rows it wrote so far.
    pub rows: u64,
    /// How many bytes it wrote so far.
    pub bytes: u64,
    /// Why it failed or was cancelled.
    pub error: Option<String>,
    /// What opening its target takes, where that is a bucket and no stage: sealed, and gone when the export has
    /// ended.
    pub credentials: Credentials,
    /// Its manifest: there for one export ([`Catalog::export`]) and for unfinished ones; listings are
    /// without it, except where an older version of this program has put it into the record.
    pub manifest_json: Option<String>,
    /// What did not go as asked, though the data was exported.
    pub warnings: Vec<String>,
    /// When it was admitted, in microseconds since 1970 UTC.
    pub created_us: u64,
    /// When the record was changed last, in microseconds since 1970 UTC.
    pub changed_us: u64,
    /// When it reached its final state, in microseconds since 1970 UTC.
    pub finished_us: Option<u64>,
}

/// An export to be admitted; account and user are those of the actor.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewExport {
    /// A UUID of version 7, as text: hyphenated, lower case.
    pub id: String,
    /// The database that is current.
    pub database: Option<String>,
    /// The statement, with its secrets masked.
    pub statement: String,
    /// The stage it writes to, by name and current version.
    pub stage: Option<(String, u64)>,
    /// Ids and versions of the stages that its stage's URL goes through, nearest first.
    pub stage_parents: Vec<(u64, u64)>,
    /// Where it writes, as the statement named it.
    pub target: String,
    /// What the user calls it: asked for again by the same statement, it is the same export, unless that one failed.
    pub key: Option<ExportKey>,
}

impl Catalog {
    /// Records an export as admitted. Until it is finished, its stage cannot be dropped.
    ///
    /// Errors: `AlreadyExists` for the id, `NotFound` for the stage, `Conflict` when the stage is no
    /// longer at that version, `Invalid` for an id of another form.
    pub fn create_export(&self, actor: &Actor, export: NewExport) -> Result<ExportRecord, Error> {
        match self.create_export_with(actor, export, Credentials::default())? {
            Admission::New(record) | Admission::Before(record) => Ok(record),
        }
    }

    /// The same for a target that is a bucket and no stage: its credentials are sealed for this export alone, and
    /// go when it has ended.
    ///
    /// Errors: those of [`Catalog::create_export`]; `KeyMissing` without a server key; `AlreadyExists` for a key that
    /// another statement has.
    pub fn create_export_with(
        &self,
        actor: &Actor,
        export: NewExport,
        credentials: Credentials,
    ) -> Result<Admission, Error> {
        check_id(&export.id)?;
        let admitted = format!("export {} of {}", export.id, actor.user);
        let what = What::ended("ADMIT EXPORT", &export.target, AuditOutcome::Done, admitted);
        self.store.write(
            actor,
            || what,
            |draft| {
                let account = &actor.account;
                if let Some(key) = &export.key
                    && let Some(record) =
                        keyed::before(draft.view(), account, &actor.user, key, &export.statement)?
                {
                    return Ok(Admission::Before(record));
                }
                if find(draft.view(), account, &export.id)?.is_some() {
                    return Err(Error::new(
                        ErrorKind::AlreadyExists,
                        format!("the export {} exists", export.id),
                    ));
                }
                let stage_id = match &export.stage {
                    Some((name, version)) => Some(pinned(draft.view(), account, name, *version)?),
                    None => None,
                };
                let owner = Owner::Export {
                    account,
                    id: &export.id,
                };
                let none = Credentials::default();
                let credentials = self.secrets.settle(draft, owner, 0, &none, &credentials)?;
                secrets::check_sealed(&credentials)?;
                let record = ExportRecord {
                    credentials,
                    id: export.id,
                    account: account.clone(),
                    user: actor.user.clone(),
                    key: export.key.as_ref().map(|key| key.key.clone()),
                    database: export.database,
                    statement: export.statement,
                    stage: export.stage,
                    stage_id,
                    stage_parents: export.stage_parents,
                    target: export.target,
                    state: ExportState::Admitted,
                    plan: Vec::new(),
                    temp_files: Vec::new(),
                    files: Vec::new(),
                    rows: 0,
                    bytes: 0,
                    error: None,
                    manifest_json: None,
                    warnings: Vec::new(),
                    created_us: draft.now_us(),
                    changed_us: draft.now_us(),
                    finished_us: None,
                };
                put(draft, account, &record);
                tell_stage_version(draft, &record);
                owner::mark(draft, account, &record)?;
                keyed::name(draft, account, &record, export.key);
                Ok(Admission::New(record))
            },
        )
    }

    /// Changes the record of an unfinished export in place. The catalog itself sets the times. What is left of the plan
    /// of an export that `change` commits was published, and goes into the directory tables of its stages.
    ///
    /// Errors: `NotFound`; `Conflict` for a step between states that is not allowed, also for any
    /// change of a finished export; `Invalid` when `change` touches what identifies the export.
    /// `change` runs while other writers wait, and must not call the catalog.
    pub fn update_export(
        &self,
        actor: &Actor,
        id: &str,
        change: impl FnOnce(&mut ExportRecord),
    ) -> Result<ExportRecord, Error> {
        self.store.write(
            actor,
            || What::step(format!("update export {id}")),
            |draft| {
                let account = &actor.account;
                let stored = find(draft.view(), account, id)?;
                let has_inline = stored
                    .as_ref()
                    .is_some_and(|record| record.manifest_json.is_some());
                let before = whole(draft.view(), stored)?
                    .ok_or_else(|| Error::not_found(format!("the export {id} not exists")))?;
                let mut after = before.clone();
                change(&mut after);
                check_identity(&before, &after)?;
                state::check(&before, &after)?;
                after.changed_us = draft.now_us();
                after.finished_us = after.state.is_final().then(|| draft.now_us());
                if has_inline || after.manifest_json != before.manifest_json {
                    put_manifest(draft, account, &after);
                }
                if after.state == ExportState::Committed {
                    directory::note_export(draft, &after, &after.plan)?;
                }
                if after.state.is_final() {
                    after.plan.clear();
                    after.temp_files.clear();
                    after.credentials = Credentials::default();
                }
                put_plan(draft, account, id, &before.plan, &after.plan);
                put(draft, account, &after);
                tell(draft, &after);
                Ok(after)
            },
        )
    }

    /// Adds a file to the plan of a running export: its draft has been begun, or, without a token, is about to be; then
    /// the same with its token takes its place. One write, however long the plan is.
    ///
    /// Errors: `NotFound`; `Conflict` for an export that is not running; `AlreadyExists` for the file's number.
    pub fn begin_export_file(
        &self,
        actor: &Actor,
        id: &str,
        file: PlannedFile,
    ) -> Result<(), Error> {
        self.store.write(
            actor,
            || What::step(format!("begin file {} of export {id}", file.index)),
            |draft| plan::begin(draft, &actor.account, id, &file),
        )
    }

    /// An export; `None` when there is none of that id.
    pub fn export(&self, account: &str, id: &str) -> Result<Option<ExportRecord>, Error> {
        self.store
            .read(|view| whole(view, find(view, account, id)?))
    }

    /// The manifest of an export; `None` when it has none, or there is no export of that id.
    pub fn manifest(&self, account: &str, id: &str) -> Result<Option<String>, Error> {
        let record = self.export(account, id)?;
        Ok(record.and_then(|record| record.manifest_json))
    }

    /// At most `limit` exports of the account, the newest first (by their ids, which grow with time).
    pub fn exports(&self, account: &str, limit: usize) -> Result<Vec<ExportRecord>, Error> {
        self.store
            .read(|view| view.list_back(&keys::exports(account), limit))
    }

    /// At most `limit` exports of the account that are older than the one of `before_id`, or the newest
    /// without it; the newest first. The last one's id is the cursor of the next page.
    pub fn exports_page(
        &self,
        account: &str,
        before_id: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ExportRecord>, Error> {
        let prefix = keys::exports(account);
        self.store.read(|view| match before_id {
            Some(id) => view.list_before(&prefix, &keys::export(account, id), limit),
            None => view.list_back(&prefix, limit),
        })
    }

    /// The exports of all accounts that have not reached a final state, the oldest of an account first.
    pub fn unfinished_exports(&self) -> Result<Vec<ExportRecord>, Error> {
        self.store.read(|view| {
            let mut records = Vec::new();
            for account in view.accounts()? {
                for key in view.keys(&keys::exports_open(&account))? {
                    let record = find(view, &account, keys::last_part(&key))?;
                    records.extend(whole(view, record)?);
                }
            }
            Ok(records)
        })
    }
}

/// The record as callers know it.
fn whole(view: View<'_>, record: Option<ExportRecord>) -> Result<Option<ExportRecord>, Error> {
    with_manifest(view, record)?
        .map(|record| with_plan(view, record))
        .transpose()
}

/// The account's unfinished exports that have credentials of their own.
pub(crate) fn open_with_credentials(
    view: View<'_>,
    account: &str,
) -> Result<Vec<ExportRecord>, Error> {
    let mut found = Vec::new();
    for key in view.keys(&keys::exports_open(account))? {
        let record = find(view, account, keys::last_part(&key))?;
        found.extend(record.filter(|record| !record.credentials.is_empty()));
    }
    Ok(found)
}

fn find(view: View<'_>, account: &str, id: &str) -> Result<Option<ExportRecord>, Error> {
    view.get(&keys::export(account, id))
}

/// The id of a stage that is at this version.
fn pinned(view: View<'_>, account: &str, name: &str, version: u64) -> Result<u64, Error> {
    let stage: StageRecord = view
        .get(&keys::stage(account, name))?
        .ok_or_else(|| Error::not_found(format!("the stage {name} not exists")))?;
    crate::Expected::Version(version).check(
        &format!("the stage {name}"),
        stage.id,
        stage.version,
    )?;
    Ok(stage.id)
}

fn put(draft: &mut Draft<'_>, account: &str, record: &ExportRecord) {
    let open = keys::export_open(account, &record.id);
    let pin = record
        .stage_id
        .map(|stage_id| keys::export_pin(account, stage_id, &record.id));
    for key in std::iter::once(open).chain(pin) {
        if record.state.is_final() {
            draft.delete(key);
        } else {
            draft.mark(key);
        }
    }
    draft.put(keys::export(account, &record.id), record);
}

/// Names a change after the final state that it brings. The export's owner is named with it, for the one who
/// ends it may be another: an administrator, or the server after a crash.
fn tell(draft: &mut Draft<'_>, record: &ExportRecord) {
    let (operation, outcome) = match record.state {
        ExportState::Admitted | ExportState::Running | ExportState::Prepared => return,
        ExportState::Committed => ("COMMIT EXPORT", AuditOutcome::Done),
        // Who asked for it has a record of CANCEL EXPORT; nobody need have: the error says why it ended.
        ExportState::Failed | ExportState::Cancelled => ("EXPORT", AuditOutcome::Failed),
    };
    let (id, user, rows, bytes) = (&record.id, &record.user, record.rows, record.bytes);
    let mut reason = format!("export {id} of {user}: {rows} rows, {bytes} bytes");
    if let Some(error) = &record.error {
        reason = format!("{reason}: {error}");
    }
    draft.tell(What::ended(operation, &record.target, outcome, reason));
    tell_stage_version(draft, record);
}

/// The stage is at the version to which the export is pinned, whatever it is at by now.
fn tell_stage_version(draft: &mut Draft<'_>, record: &ExportRecord) {
    if let Some((_, version)) = &record.stage {
        draft.stage_version(*version);
    }
}

fn check_id(id: &str) -> Result<(), Error> {
    let is_v7 = uuid::Uuid::try_parse(id)
        .is_ok_and(|uuid| uuid.get_version_num() == 7 && uuid.hyphenated().to_string() == id);
    if is_v7 {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the export id {id:?} is not a UUID of version 7 in lower case with hyphens"
    )))
}

fn check_identity(before: &ExportRecord, after: &ExportRecord) -> Result<(), Error> {
    let same = before.id == after.id
        && before.account == after.account
        && before.user == after.user
        && before.key == after.key
        && before.database == after.database
        && before.statement == after.statement
        && before.stage == after.stage
        && before.stage_id == after.stage_id
        && before.stage_parents == after.stage_parents
        && before.target == after.target
        && before.credentials == after.credentials
        && before.created_us == after.created_us;
    if same {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "id, account, user, key, statement, stage, target, credentials and creation time of the export {} cannot change",
        before.id
    )))
}
