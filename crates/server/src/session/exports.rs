//! `SELECT … INTO OUTFILE`: who may write where (the governance rule), and an export job for it.
//! Everything that can be refused is refused here, before a record is made or a byte written.

mod admission;
mod appended;
mod explain;
mod file_form;
mod resume;
mod sealing;
mod verify;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use catalog::{AuditOutcome, ExportKey, ExportRecord, ExportState};
use parser::{Export, Spanned, Target};
use query::BatchStream;
use storage::{ErrorKind, ObjectPath, OnExisting};

use crate::error::{About, Error, Reason, Result, Subject};
use crate::exports::{
    BesideWanted, CancelCause, ExportHandle, ExportPlan, ExportProgress, ExportTarget,
    ManifestInput, checksums_path, manifest_path, target_exists,
};
use crate::gate::{Acting, Object, Operation, Permit};
use crate::internal::ReadPin;
use crate::policies::Meter;
use crate::sql::export_state;
use crate::turns::Work;

pub(crate) use verify::{Verdict, VerifiedFile};

use super::Session;
use super::queries::{PlannedRead, as_written, labelled, warnings_of};
use super::result::Warnings;
use admission::admit;
use file_form::{FileForm, ReadForm, partition_columns};
use sealing::wants_checksums;

impl Session {
    /// Admits an export and starts it.
    ///
    /// # Errors
    /// [`Reason::StageRequired`] and the other refusals of the governance rule; [`Reason::TargetExists`];
    /// what planning the query gives.
    pub(crate) async fn export(&mut self, statement: Export) -> Result<ExportHandle> {
        let mut plan = match self.export_plan(&statement, Conflicts::Refused).await? {
            Asked::New(plan) => plan,
            Asked::Before(handle) => return Ok(handle),
        };
        // Last, when nothing can be refused any more: a queue of exports that will fail helps nobody.
        plan.turn = self.free_turn(Work::Export)?;
        if plan.turn.is_none() {
            // What was permitted and found before the wait may not be so behind it.
            drop(plan);
            let turn = self.take_turn(Work::Export).await?;
            plan = match self.export_plan(&statement, Conflicts::Refused).await? {
                Asked::New(plan) => plan,
                Asked::Before(handle) => return Ok(handle),
            };
            plan.turn = Some(turn);
        }
        let (instance, bounds) = (Arc::clone(&self.instance), self.statement.clone());
        let starting = tokio::spawn(async move {
            let handle = crate::exports::start(&instance, *plan).await?;
            // Then nobody takes the handle.
            if bounds.is_killed() {
                handle.cancel_for(CancelCause::Killed);
            }
            if bounds.deadline().limit().time.is_some() {
                handle.stop_when(bounds.late());
            }
            Ok(handle)
        });
        starting
            .await
            .map_err(|e| Error::defect("an export's start failed").with_source(e))?
    }

    /// Everything about an export that can be refused, and what it needs to start but for its turn.
    async fn export_plan(&self, statement: &Export, conflicts: Conflicts<'_>) -> Result<Asked> {
        let let_in = match self.let_in(statement, conflicts).await? {
            Entry::New(let_in) => let_in,
            Entry::Before(handle) => return Ok(Asked::Before(handle)),
        };
        let PlannedRead { planned, pin, .. } = self.plan_query(&statement.query).await?;
        let schema = as_written(&statement.query, planned.schema());
        let by = partition_columns(statement, &schema)?;
        let planned = match by.is_empty() {
            true => planned,
            false => planned.sorted_by(&by)?,
        };
        let rows = ExportRows {
            batches: labelled(planned.stream()?, &schema),
            rows_estimated: planned.row_estimate(),
            warnings: warnings_of(planned),
            schema,
            pin,
        };
        let plan = self.plan_of(statement, *let_in, rows, &by)?;
        Ok(Asked::New(Box::new(plan)))
    }

    /// The governance rule and all else that can be refused of an export before its rows are known.
    async fn let_in(&self, statement: &Export, conflicts: Conflicts<'_>) -> Result<Entry> {
        let credentials = match &statement.options.credentials {
            Some(given) => Some(crate::sql::given_credentials(given.value.clone())?),
            None => None,
        };
        let target = statement.target.value.clone();
        let (operation, object) = match &target {
            Target::Stage { name, .. } if self.temporary.get(name).is_some() => (
                Operation::ExportToTemporaryStage,
                Object::Stage(name.clone()),
            ),
            Target::Stage { name, .. } => (Operation::ExportToStage, Object::Stage(name.clone())),
            Target::Raw(path) => (Operation::ExportToPath, Object::Path(path.clone())),
            Target::Url { scheme, rest } => (
                Operation::ExportToPath,
                Object::Path(format!("{}://{rest}", scheme.as_str())),
            ),
        };
        let key = statement.options.export_id.as_ref();
        let key = key.map(|key| key.value.clone());
        if key.is_some()
            && matches!(&target, Target::Stage { name, .. } if self.temporary.get(name).is_some())
        {
            return Err(Error::not_supported(
                "EXPORT ID with a temporary stage: its files go with the session, and the id would outlive them",
            ));
        }
        // As it would be run, also where it is only explained.
        let text = parser::Plan::Export(statement.clone()).to_string();
        let (keyed, database) = (key.clone(), self.database().to_owned());
        let found = self
            .act(operation, object, move |acting, permit| {
                let admitted = admit(acting, permit, target, credentials)?;
                let key = keyed.map(|key| ExportKey {
                    key,
                    scope: format!("{database}\n{}", admitted.place()),
                });
                if let Some(key) = &key {
                    let actor = permit.actor();
                    let catalog = &acting.instance.catalog;
                    let before = catalog
                        .keyed_export(&actor.account, &actor.user, key, &text)
                        .about(Subject::Admission)?;
                    if let Some(before) = before {
                        return Ok(Err(before));
                    }
                }
                Ok(Ok((permit.clone(), admitted, key)))
            })
            .await?;
        let (permit, admitted, key) = match found {
            Ok(found) => found,
            Err(before) => {
                let (account, id) = (before.account, before.id);
                let handle = crate::exports::before(&self.instance, account, id).await?;
                return Ok(Entry::Before(handle));
            }
        };
        let target = admitted.open(&self.instance, self.account()).await?;
        let form = FileForm::of(statement, &target)?;
        let meter = self.policed(&target, &form).await?;
        let manifest_wanted = target.policies().manifest(
            statement
                .options
                .manifest
                .as_ref()
                .map(|manifest| manifest.value),
        )?;
        let on_existing = match is_true(statement.options.overwrite.as_ref()) {
            true => OnExisting::Replace,
            false => OnExisting::Refuse,
        };
        let beside = BesideWanted {
            manifest_of_one: manifest_wanted.unwrap_or(false),
            manifest_of_several: manifest_wanted.unwrap_or(true),
            may_be_several: form.may_be_several() || !statement.options.partition_by.is_empty(),
            manifest_required: target.policies().requires_manifest(),
            checksums: wants_checksums(statement),
            digest: form.digest(),
            replaces: on_existing == OnExisting::Replace,
        };
        refuse_existing(&target, &form, statement, beside, conflicts).await?;

        let form = form.read(statement, target.policies().guards_formulas())?;
        Ok(Entry::New(Box::new(LetIn {
            permit,
            key,
            target,
            form,
            meter,
            beside,
            on_existing,
        })))
    }

    /// The export of these rows, which are in the order of the columns `by` that partition them.
    fn plan_of(
        &self,
        statement: &Export,
        let_in: LetIn,
        rows: ExportRows,
        by: &[usize],
    ) -> Result<ExportPlan> {
        let path = statement.options.partition_path.as_ref();
        let path = path.map(|path| path.as_str());
        let driver = let_in.form.driver(&rows.schema, by, path)?;
        let settings = &self.instance.settings.export;
        let threads = match settings.threads {
            0 => std::thread::available_parallelism().map_or(2, usize::from),
            threads => threads,
        };
        let manifest = ManifestInput {
            statement: self.context.statement.clone(),
            principal: self.principal.to_string(),
            account: self.account().to_owned(),
            schema: rows.schema,
            format: driver.format(),
            options: driver.in_force().clone(),
        };
        Ok(ExportPlan {
            actor: let_in.permit.actor().clone(),
            database: self.database().to_owned(),
            key: let_in.key,
            meter: Arc::new(let_in.meter),
            beside: let_in.beside,
            turn: None,
            target: let_in.target,
            batches: Box::pin(rows.batches),
            warnings: rows.warnings,
            rows_estimated: rows.rows_estimated,
            options: driver.threads(threads),
            manifest,
            on_existing: let_in.on_existing,
            pin: rows.pin,
            trace: self.context.trace.clone(),
        })
    }

    /// That the policies of the target's stage permit the export, as far as is known before it runs.
    async fn policed(&self, target: &ExportTarget, form: &FileForm) -> Result<Meter> {
        let now_us = (catalog::system_clock())();
        let policies = target.policies();
        policies.admit(form.format(), now_us)?;
        self.instance
            .blocking(move |instance| Meter::begin(instance, policies, now_us))
            .await
    }

    /// One export: of an administrator's account, or one's own.
    ///
    /// # Errors
    /// [`Reason::ExportNotFound`], also for another's.
    pub(crate) async fn export_record(&self, id: &str) -> Result<ExportRecord> {
        let id = id.to_owned();
        self.act(
            Operation::GetExport,
            Object::Export(id.clone()),
            move |acting, permit| acting.visible_export(permit, &id),
        )
        .await
    }

    /// How far an export is that runs; `None` for any other.
    pub(crate) fn export_progress(&self, id: &str) -> Option<ExportProgress> {
        self.instance.jobs.get(id).map(|job| job.progress())
    }

    /// At most `limit` exports that the principal may see, the newest first, from behind `before`.
    pub(crate) async fn exports_page(
        &self,
        before: Option<String>,
        limit: usize,
    ) -> Result<Vec<ExportRecord>> {
        self.act(
            Operation::ShowExports,
            Object::Account,
            move |acting, permit| {
                let catalog = &acting.instance.catalog;
                let (account, before) = (permit.account(), before.as_deref());
                let page = match permit.sees_all() {
                    true => catalog.exports_page(account, before, limit)?,
                    false => {
                        let user = acting.principal.user();
                        catalog.exports_of_page(account, user, before, limit)?
                    }
                };
                let waiting = &acting.instance.jobs.waiting;
                Ok(page
                    .into_iter()
                    .map(|export| waiting.told(export))
                    .collect())
            },
        )
        .await
    }

    /// The manifest of a committed export.
    ///
    /// # Errors
    /// [`Reason::ExportNotFound`]; [`Reason::ExportState`] for one that is not committed.
    pub(crate) async fn manifest(&self, id: &str) -> Result<String> {
        let id = id.to_owned();
        self.act(
            Operation::GetExport,
            Object::Export(id.clone()),
            move |acting, permit| {
                let record = acting.visible_export(permit, &id)?;
                let manifest = acting.instance.catalog.manifest(permit.account(), &id)?;
                match (record.state, manifest) {
                    (ExportState::Committed, Some(manifest)) => Ok(manifest),
                    (state, _) => Err(Error::internal(
                        Reason::ExportState,
                        format_args!(
                            "export '{id}' is {}: only a committed one has a manifest",
                            export_state(state)
                        ),
                    )),
                }
            },
        )
        .await
    }

    /// Stops a running export and waits until it has stopped. The cluster's administrator may stop those of other
    /// accounts, which else could not be dropped.
    ///
    /// # Errors
    /// [`Reason::ExportNotFound`]; [`Reason::ExportState`] when it has ended, or ended well meanwhile.
    pub(crate) async fn cancel_export(&self, id: &str) -> Result<()> {
        let ended = |state: ExportState| {
            Error::internal(
                Reason::ExportState,
                format_args!("export '{id}' is {}, not running", export_state(state)),
            )
        };
        let record = self
            .act(Operation::CancelExport, Object::Export(id.to_owned()), {
                let id = id.to_owned();
                move |acting, permit| {
                    let record = match acting.export_of_others(&id)? {
                        Some(record) => record,
                        None => acting.visible_export(permit, &id)?,
                    };
                    if !record.state.is_final() {
                        // The export's own end is recorded as its owner's; this says who asked for it.
                        let object = Object::Export(id);
                        acting.record(Operation::CancelExport, &object, AuditOutcome::Done, "");
                        acting.record_in_account(&record.account, Operation::CancelExport, &object);
                    }
                    Ok(record)
                }
            })
            .await?;
        let Some(job) = self.instance.jobs.get(id) else {
            if record.state.is_final() {
                return Err(ended(record.state));
            }
            // Left by a stopped server, and not recoverable so far.
            let end = crate::exports::give_up(&self.instance, &record).await?;
            return match end {
                ExportState::Committed => Err(ended(end)),
                ExportState::Admitted
                | ExportState::Running
                | ExportState::Prepared
                | ExportState::Failed
                | ExportState::Cancelled => Ok(()),
            };
        };
        job.cancel(CancelCause::Asked);
        match self.call.within(job.ended()).await? {
            Ok(_) => Err(ended(ExportState::Committed)),
            Err(error) if error.reason() == Reason::ExportCancelled => Ok(()),
            Err(error) => Err(error.within(format_args!("export '{id}' had ended"))),
        }
    }
}

impl Acting {
    /// A running export of another account, for the cluster's administrator.
    fn export_of_others(&self, id: &str) -> Result<Option<ExportRecord>> {
        if !self.principal.is_cluster_admin() {
            return Ok(None);
        }
        let catalog = &self.instance.catalog;
        for account in catalog.accounts()? {
            if account.name != self.principal.account()
                && let Some(record) = catalog.export(&account.name, id)?
                && !record.state.is_final()
            {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    fn visible_export(&self, permit: &Permit, id: &str) -> Result<ExportRecord> {
        self.instance
            .catalog
            .export(permit.account(), id)?
            .filter(|export| permit.sees(&export.user))
            .map(|export| self.instance.jobs.waiting.told(export))
            .ok_or_else(|| {
                Error::internal(
                    Reason::ExportNotFound,
                    format_args!("there is no export '{id}'"),
                )
            })
    }
}

/// An export that has been let in, and how it is written: all of it but its rows.
struct LetIn {
    permit: Permit,
    key: Option<ExportKey>,
    target: ExportTarget,
    form: ReadForm,
    meter: Meter,
    beside: BesideWanted,
    on_existing: OnExisting,
}

/// What comes of asking to be let in.
enum Entry {
    New(Box<LetIn>),
    /// As [`Asked::Before`].
    Before(ExportHandle),
}

/// The rows of an export.
pub(super) struct ExportRows {
    pub(super) schema: SchemaRef,
    pub(super) batches: BatchStream,
    /// What there is to say, once the batches have been read.
    pub(super) warnings: Warnings,
    pub(super) rows_estimated: Option<u64>,
    /// Keeps the tables' files while they are read.
    pub(super) pin: ReadPin,
}

/// What a statement asks for.
enum Asked {
    New(Box<ExportPlan>),
    /// Its EXPORT ID is that of an export which the same statement asked for before.
    Before(ExportHandle),
}

/// What is done about files that are in an export's way.
enum Conflicts<'a> {
    /// The first one refuses it.
    Refused,
    /// All are told.
    Told(&'a mut Vec<String>),
}

impl Conflicts<'_> {
    /// That what has the name, if anything has, is a file, which another can replace.
    async fn replaceable(&mut self, target: &ExportTarget, name: &ObjectPath) -> Result<()> {
        match target.store.stat(name).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Invalid | ErrorKind::PermissionDenied
                ) =>
            {
                self.found(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn found(&mut self, error: Error) -> Result<()> {
        match self {
            Self::Refused => Err(error),
            Self::Told(told) => {
                told.push(error.message().to_owned());
                Ok(())
            }
        }
    }
}

fn is_true(option: Option<&Spanned<bool>>) -> bool {
    option.is_some_and(|option| option.value)
}

/// That no file is in the way, as far as names are known before the query runs, and that there can be those names.
async fn refuse_existing(
    target: &ExportTarget,
    form: &FileForm,
    statement: &Export,
    beside: BesideWanted,
    mut conflicts: Conflicts<'_>,
) -> Result<()> {
    let mut names = Vec::new();
    // In a partition's folder it has another name.
    if statement.options.partition_by.is_empty() {
        names.push(target.path.clone());
        if form.may_be_several() {
            names.push(target.file(1)?);
        }
    }
    if beside.replaces {
        for name in &names {
            conflicts.replaceable(target, name).await?;
        }
    }
    let several = beside.may_be_several;
    if beside.manifest_of_one || (several && beside.manifest_of_several) {
        let path = manifest_path(&target.path)?;
        // One of several has another place, and this one only where that is taken.
        if beside.manifest_of_one {
            names.push(path);
        }
    }
    // That of several has another place, and this one only where that is taken.
    if beside.checksums && !several {
        names.push(checksums_path(&target.path, beside.digest)?);
    }
    if beside.replaces {
        return Ok(());
    }
    for name in names {
        if target.store.exists(&name).await? {
            conflicts.found(target_exists(&name))?;
        }
    }
    Ok(())
}
