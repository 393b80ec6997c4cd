//! Several changes as one: one record of the journal, all of them or none.

use std::fmt;

use crate::Catalog;
use crate::error::Error;
use crate::options::Actor;
use crate::store::Steps;

/// Changes that are made together, in [`Catalog::transaction`].
pub struct Transaction<'t> {
    pub(crate) catalog: &'t Catalog,
    pub(crate) actor: &'t Actor,
    pub(crate) steps: Steps<'t>,
    /// How many changes were asked for, those that failed included.
    pub(crate) asked: u64,
}

impl Catalog {
    /// Makes the changes that `change` asks for as one: when it gives an error, or the power goes, none of them is
    /// made. Each is decided on what those before it in the transaction did, and has its own record in the audit. A
    /// change that fails leaves nothing behind; the others are made all the same when `change` goes on and gives no
    /// error. They may not be more than fits one record of the journal, 256 MiB.
    ///
    /// Other changes wait while `change` runs, so it should do nothing else; asked to read or change anything within it, the
    /// catalog itself answers `Invalid`, as it would wait for itself, which its snapshots and compaction would do.
    ///
    /// With an [idempotency key](crate::Request::idempotency_key) each change is remembered by the key and by its place
    /// among the others, so that the same transaction given again changes nothing and answers the same.
    ///
    /// Errors: those of `change`; `ReadOnly`; `Invalid` for too much at once; `Io`.
    ///
    /// ```
    /// # use stagedoor_catalog::{Actor, Catalog, Error, Expected, OnExists, Options, StageChanges, StageDefinition};
    /// # let temporary = tempfile::tempdir()?;
    /// # let catalog = Catalog::open(temporary.path(), Options::default())?;
    /// # let root = Actor::new("sys", "root", "moadmin");
    /// # for name in ["in", "out"] {
    /// #     let definition = StageDefinition { enabled: true, ..StageDefinition::default() };
    /// #     catalog.create_stage(&root, name, definition, OnExists::Error, Expected::Any)?;
    /// # }
    /// let off = StageChanges { enabled: Some(false), ..StageChanges::default() };
    /// catalog.transaction(&root, |all| {
    ///     all.alter_stage("in", off.clone(), Expected::Any)?;
    ///     all.alter_stage("out", off, Expected::Any)
    /// })?;
    /// assert!(!catalog.any_stage_enabled("sys")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transaction<T, E: From<Error>>(
        &self,
        actor: &Actor,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.store.write_steps(actor, |steps| {
            change(&mut Transaction {
                catalog: self,
                actor,
                steps,
                asked: 0,
            })
        })
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}
