//! The temporary stages of a session: known to it alone, in memory alone, and gone with it. The catalog has none of
//! them; their files are in `internal/temporary.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use catalog::StageRecord;
use storage::{ObjectPath, Store};
use tokio::sync::watch;

use crate::error::{Error, Reason, Result};
use crate::internal::{InternalStages, TemporaryFolder};

/// How many a session may have.
pub(crate) const TEMPORARY_STAGES_MAX: usize = 100;

/// The id of each temporary stage: the catalog gives it to no stage, and looks none up by it.
pub(crate) const TEMPORARY_STAGE_ID: u64 = u64::MAX;

/// The temporary stages of one session.
#[derive(Debug)]
pub(crate) struct TemporaryStages(Mutex<State>);

#[derive(Debug)]
enum State {
    /// The session is for one call only, and makes none.
    None,
    Some(BTreeMap<String, Arc<TemporaryStage>>),
    Ended,
}

/// One temporary stage, with its place. Its files are there for as long as somebody has it.
#[derive(Debug)]
pub(crate) struct TemporaryStage {
    pub(crate) record: StageRecord,
    /// The stage it lies in, another temporary one.
    parent: Option<String>,
    folder: Arc<TemporaryFolder>,
    prefix: Option<ObjectPath>,
    /// The ids of the exports into it that run.
    exports: Mutex<BTreeSet<String>>,
    is_gone: watch::Sender<bool>,
}

/// An export into a temporary stage, while it runs.
#[derive(Debug)]
pub(crate) struct ExportInto {
    stage: Arc<TemporaryStage>,
    id: String,
}

impl Drop for ExportInto {
    fn drop(&mut self) {
        self.stage.exports().remove(&self.id);
    }
}

impl TemporaryStage {
    /// A stage with a folder of its own.
    pub(crate) fn new(record: StageRecord, folder: TemporaryFolder) -> Self {
        Self {
            record,
            parent: None,
            folder: Arc::new(folder),
            prefix: None,
            exports: Mutex::default(),
            is_gone: watch::Sender::new(false),
        }
    }

    /// A stage that lies in another one, whose files it shares.
    pub(crate) fn within(
        parent: &Self,
        record: StageRecord,
        prefix: Option<ObjectPath>,
    ) -> Result<Self> {
        let prefix = match (&parent.prefix, prefix) {
            (Some(above), Some(below)) => Some(ObjectPath::parse(&format!("{above}/{below}"))?),
            (above, below) => below.or_else(|| above.clone()),
        };
        Ok(Self {
            record,
            parent: Some(parent.record.name.clone()),
            folder: Arc::clone(&parent.folder),
            prefix,
            exports: Mutex::default(),
            is_gone: watch::Sender::new(false),
        })
    }

    /// Opens its place.
    ///
    /// # Errors
    /// The place's.
    pub(crate) async fn open(&self, stages: &InternalStages) -> Result<Store> {
        stages
            .open_temporary(&self.folder, self.prefix.as_ref())
            .await
    }

    /// Where its files are, in words that are another for each place; not for clients.
    pub(crate) fn place(&self) -> String {
        let below = self.prefix.as_ref().map_or("", ObjectPath::as_str);
        format!("temporary:{}/{below}", self.folder.name())
    }

    /// Notes an export into it, which keeps it from being dropped.
    pub(crate) fn exporting(self: &Arc<Self>, id: &str) -> ExportInto {
        self.exports().insert(id.to_owned());
        ExportInto {
            stage: Arc::clone(self),
            id: id.to_owned(),
        }
    }

    /// Resolves once it was dropped, or its session has ended. Who waits does not keep its files.
    pub(crate) fn gone(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut is_gone = self.is_gone.subscribe();
        async move {
            // The sender goes when nobody has the stage any more: an error says the same.
            let _ = is_gone.wait_for(|gone| *gone).await;
        }
    }

    /// That it is still there.
    ///
    /// # Errors
    /// [`Reason::StageNotFound`].
    pub(crate) fn check_there(&self) -> Result<()> {
        match *self.is_gone.borrow() {
            false => Ok(()),
            true => Err(Error::internal(
                Reason::StageNotFound,
                format_args!(
                    "the temporary stage '{}' went with its session",
                    self.record.name
                ),
            )),
        }
    }

    fn exports(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.exports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TemporaryStages {
    /// Those of a session, none so far.
    pub(crate) fn of_session() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::Some(BTreeMap::new()))))
    }

    /// Those of a call that is in no session.
    pub(crate) fn none() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::None)))
    }

    /// A stage by its name.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<TemporaryStage>> {
        match &*self.lock() {
            State::Some(stages) => stages.get(name).cloned(),
            State::None | State::Ended => None,
        }
    }

    /// All of them, by name.
    pub(crate) fn records(&self) -> Vec<StageRecord> {
        match &*self.lock() {
            State::Some(stages) => stages.values().map(|stage| stage.record.clone()).collect(),
            State::None | State::Ended => Vec::new(),
        }
    }

    /// Adds one, with `replaces` in the place of the one of its name, of which those that lie in it must be none.
    ///
    /// # Errors
    /// [`Reason::NotSupported`] without a session, [`Reason::SessionNotFound`] after its end; [`Reason::StageExists`],
    /// [`Reason::StageInUse`], [`Reason::LimitExceeded`].
    pub(crate) fn put(&self, stage: TemporaryStage, replaces: bool) -> Result<()> {
        let mut state = self.lock();
        let stages = match &mut *state {
            State::Some(stages) => stages,
            State::None => {
                return Err(Error::not_supported(
                    "a temporary stage belongs to a session, and this call is in none: open a session and create the stage there",
                ));
            }
            State::Ended => return Err(crate::session::session_not_found()),
        };
        let name = stage.record.name.clone();
        if let Some(before) = stages.get(&name) {
            if !replaces {
                return Err(crate::session::stage_exists(&name));
            }
            in_use(&name, "has sub-stages", &within(stages, &name))?;
            no_exports(before)?;
        } else if stages.len() >= TEMPORARY_STAGES_MAX {
            return Err(Error::internal(
                Reason::LimitExceeded,
                format_args!(
                    "the session has {TEMPORARY_STAGES_MAX} temporary stages, as many as one may have; drop some"
                ),
            ));
        }
        // The parent may have been dropped since it was looked up.
        if let Some(parent) = &stage.parent
            && stages
                .get(parent)
                .is_none_or(|found| !Arc::ptr_eq(&found.folder, &stage.folder))
        {
            return Err(crate::session::stage_not_exists(parent));
        }
        if let Some(before) = stages.insert(name, Arc::new(stage)) {
            before.is_gone.send_replace(true);
        }
        Ok(())
    }

    /// Drops one, with `cascade` those that lie in it, too. Gives them, the first the one that was named.
    ///
    /// # Errors
    /// [`Reason::StageNotFound`]; [`Reason::StageInUse`] for sub-stages without `cascade`, and for exports.
    pub(crate) fn remove(&self, name: &str, cascade: bool) -> Result<Vec<StageRecord>> {
        let mut state = self.lock();
        let stages = match &mut *state {
            State::Some(stages) if stages.contains_key(name) => stages,
            State::Some(_) | State::None | State::Ended => {
                return Err(crate::session::stage_not_exists(name));
            }
        };
        let mut names = vec![name.to_owned()];
        let mut at = 0;
        while let Some(next) = names.get(at) {
            let below = within(stages, next);
            if !cascade {
                in_use(name, "has sub-stages", &below)?;
            }
            names.extend(below);
            at += 1;
        }
        for name in &names {
            stages.get(name).map_or(Ok(()), |stage| no_exports(stage))?;
        }
        let gone = names.iter().filter_map(|name| stages.remove(name));
        Ok(gone
            .map(|stage| {
                stage.is_gone.send_replace(true);
                stage.record.clone()
            })
            .collect())
    }

    /// Ends them all, with their session: exports into them are cancelled, and files go with the last who uses them.
    pub(crate) fn end(&self) {
        let before = std::mem::replace(&mut *self.lock(), State::Ended);
        if let State::Some(stages) = before {
            for stage in stages.values() {
                stage.is_gone.send_replace(true);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TemporaryStages {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether it is a temporary stage's.
pub(crate) fn is_temporary(record: &StageRecord) -> bool {
    record.id == TEMPORARY_STAGE_ID
}

fn within(stages: &BTreeMap<String, Arc<TemporaryStage>>, parent: &str) -> Vec<String> {
    stages
        .values()
        .filter(|stage| stage.parent.as_deref() == Some(parent))
        .map(|stage| stage.record.name.clone())
        .collect()
}

fn no_exports(stage: &TemporaryStage) -> Result<()> {
    let exports: Vec<String> = stage.exports().iter().cloned().collect();
    in_use(&stage.record.name, "is written to by exports", &exports)
}

/// In the catalog's words.
fn in_use(name: &str, why: &str, by: &[String]) -> Result<()> {
    match by.is_empty() {
        true => Ok(()),
        false => Err(Error::internal(
            Reason::StageInUse,
            format_args!("the stage {name} {why}: {}", by.join(", ")),
        )),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use catalog::{StageChangeKind, StageDefinition};

    use super::*;
    use crate::internal::TemporaryFolders;

    fn record(name: &str) -> StageRecord {
        StageRecord {
            id: TEMPORARY_STAGE_ID,
            name: name.to_owned(),
            version: 1,
            definition: StageDefinition::default(),
            created_us: 0,
            changed_us: 0,
            changed_by: String::new(),
            change: StageChangeKind::Created,
            dropped: false,
        }
    }

    fn stage(name: &str) -> TemporaryStage {
        TemporaryStage::new(record(name), Arc::new(TemporaryFolders::default()).begin())
    }

    fn below(parent: &TemporaryStage, name: &str, prefix: &str) -> TemporaryStage {
        let prefix = Some(ObjectPath::parse(prefix).unwrap());
        TemporaryStage::within(parent, record(name), prefix).unwrap()
    }

    #[test]
    fn a_call_without_a_session_has_none() {
        let none = TemporaryStages::none();
        let refused = none.put(stage("s"), false).unwrap_err();
        assert_eq!(refused.reason(), Reason::NotSupported);
        assert!(none.get("s").is_none());
    }

    #[test]
    fn the_end_of_the_session_is_theirs() {
        let stages = TemporaryStages::of_session();
        stages.put(stage("s"), false).unwrap();
        let held = stages.get("s").unwrap();
        held.check_there().unwrap();
        stages.end();
        assert_eq!(
            held.check_there().unwrap_err().reason(),
            Reason::StageNotFound
        );
        assert!(stages.get("s").is_none());
        let late = stages.put(stage("t"), false).unwrap_err();
        assert_eq!(late.reason(), Reason::SessionNotFound);
    }

    #[test]
    fn what_is_in_use_stays() {
        let stages = TemporaryStages::of_session();
        stages.put(stage("s"), false).unwrap();
        let parent = stages.get("s").unwrap();
        stages.put(below(&parent, "t", "a"), false).unwrap();
        let child = stages.get("t").unwrap();
        stages.put(below(&child, "u", "b"), false).unwrap();
        assert!(stages.get("u").unwrap().place().ends_with("/a/b"));
        for refused in [
            stages.remove("s", false).unwrap_err(),
            stages.put(stage("s"), true).unwrap_err(),
        ] {
            assert_eq!(
                refused.message(),
                "internal error: the stage s has sub-stages: t"
            );
        }
        let export = child.exporting("e1");
        let refused = stages.remove("s", true).unwrap_err();
        assert_eq!(
            refused.message(),
            "internal error: the stage t is written to by exports: e1"
        );
        drop(export);
        let names: Vec<String> = stages
            .remove("s", true)
            .unwrap()
            .into_iter()
            .map(|record| record.name)
            .collect();
        assert_eq!(names, ["s", "t", "u"]);
        assert!(stages.records().is_empty());
    }

    #[test]
    fn a_name_is_taken_once_unless_it_is_replaced() {
        let stages = TemporaryStages::of_session();
        stages.put(stage("s"), false).unwrap();
        let first = stages.get("s").unwrap();
        let taken = stages.put(stage("s"), false).unwrap_err();
        assert_eq!(taken.reason(), Reason::StageExists);
        stages.put(stage("s"), true).unwrap();
        first.check_there().unwrap_err();
        // It lies in what is there no longer.
        let orphan = stages.put(below(&first, "t", "a"), false).unwrap_err();
        assert_eq!(orphan.reason(), Reason::StageNotFound);
        for number in 1..TEMPORARY_STAGES_MAX {
            stages.put(stage(&format!("n{number}")), false).unwrap();
        }
        let full = stages.put(stage("one_more"), false).unwrap_err();
        assert_eq!(full.reason(), Reason::LimitExceeded);
    }
}
