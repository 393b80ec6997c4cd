//! The model of one account's data: the rules of the catalog in the plainest data structures, written
//! down a second time.

use std::collections::{BTreeMap, BTreeSet};

use stagedoor_catalog::{Catalog, ErrorKind, OnExists, StageChangeKind, StageDefinition};

use super::{NAMES, Step, export_id};

#[derive(Clone, Debug, PartialEq)]
struct Version {
    name: String,
    definition: StageDefinition,
    change: StageChangeKind,
    dropped: bool,
}

#[derive(Clone, Debug)]
struct Table {
    id: u64,
    version: u64,
    next: u64,
    segments: Vec<(u64, String)>,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    account: String,
    /// How many stages an earlier account of the name had; their ids are not used again.
    stages_before: u64,
    /// All versions of each stage; its id is the place, counted from 1 behind those.
    stages: Vec<Vec<Version>>,
    /// The stages in the order of their last drop.
    drops: Vec<usize>,
    tables: BTreeMap<String, Table>,
    tables_made: u64,
    /// The stage of each export, until it is finished.
    exports: Vec<Option<usize>>,
}

impl Model {
    pub(crate) fn of(account: &str) -> Model {
        Model {
            account: account.to_owned(),
            ..Model::default()
        }
    }

    /// The account is dropped.
    pub(crate) fn end(&mut self) {
        *self = Model {
            account: std::mem::take(&mut self.account),
            stages_before: self.stages_made(),
            tables_made: self.tables_made,
            ..Model::default()
        };
    }

    pub(crate) fn stages_made(&self) -> u64 {
        self.stages_before + self.stages.len() as u64
    }

    pub(crate) fn is_live_stage(&self, id: u64) -> bool {
        let place = id.checked_sub(self.stages_before + 1);
        place.is_some_and(|place| match self.stages.get(place as usize) {
            Some(versions) => !versions.last().unwrap().dropped,
            None => false,
        })
    }

    pub(crate) fn table_ids(&self) -> BTreeSet<u64> {
        self.tables.values().map(|table| table.id).collect()
    }

    pub(crate) fn has_open_exports(&self) -> bool {
        self.exports.iter().any(Option::is_some)
    }

    fn id_of(&self, stage: usize) -> u64 {
        self.stages_before + stage as u64 + 1
    }

    pub(crate) fn exports(&self) -> usize {
        self.exports.len()
    }

    fn live(&self, name: &str) -> Option<usize> {
        self.stages
            .iter()
            .position(|v| v.last().is_some_and(|v| v.name == name && !v.dropped))
    }

    fn last(&self, stage: usize) -> &Version {
        self.stages[stage].last().unwrap()
    }

    fn existing(&self, name: &str, version: Option<u64>) -> Result<usize, ErrorKind> {
        let stage = self.live(name).ok_or(ErrorKind::NotFound)?;
        match version {
            Some(version) if version != self.stages[stage].len() as u64 => Err(ErrorKind::Conflict),
            _ => Ok(stage),
        }
    }

    fn parent(url: Option<&String>) -> Option<String> {
        let rest = url?.strip_prefix("stage://")?;
        Some(rest.split('/').next().unwrap().to_owned())
    }

    fn check_url(&self, name: &str, url: Option<&String>) -> Result<(), ErrorKind> {
        let mut next = Model::parent(url);
        while let Some(parent) = next {
            if parent == name {
                return Err(ErrorKind::Invalid);
            }
            let stage = self.live(&parent).ok_or(ErrorKind::NotFound)?;
            next = Model::parent(self.last(stage).definition.url.as_ref());
        }
        Ok(())
    }

    fn no_children(&self, name: &str) -> Result<(), ErrorKind> {
        let is_child = |v: &Version| {
            !v.dropped && Model::parent(v.definition.url.as_ref()).as_deref() == Some(name)
        };
        if self.stages.iter().any(|v| v.last().is_some_and(is_child)) {
            return Err(ErrorKind::InUse);
        }
        Ok(())
    }

    /// The stages within one, at any depth; their order does not show, for their names differ.
    fn below(&self, name: &str) -> Vec<usize> {
        let mut all = Vec::new();
        for (stage, versions) in self.stages.iter().enumerate() {
            let v = versions.last().unwrap();
            if !v.dropped && Model::parent(v.definition.url.as_ref()).as_deref() == Some(name) {
                all.extend(self.below(&v.name));
                all.push(stage);
            }
        }
        all
    }

    fn push(&mut self, stage: usize, change: StageChangeKind, edit: impl FnOnce(&mut Version)) {
        let mut version = Version {
            change,
            ..self.last(stage).clone()
        };
        edit(&mut version);
        self.stages[stage].push(version);
    }

    fn newest_dropped(&self, name: &str) -> Option<usize> {
        let is = |&&stage: &&usize| self.last(stage).dropped && self.last(stage).name == name;
        self.drops.iter().rev().find(is).copied()
    }

    pub(crate) fn run(&mut self, step: &Step) -> Result<(), ErrorKind> {
        match step.clone() {
            Step::Create(name, definition, on_exists) => match (self.live(name), on_exists) {
                (Some(_), OnExists::Error) => return Err(ErrorKind::AlreadyExists),
                (Some(_), OnExists::Keep) => {}
                (Some(stage), OnExists::Replace) => {
                    if self.last(stage).definition != definition {
                        self.check_url(name, definition.url.as_ref())?;
                        self.push(stage, StageChangeKind::Replaced, |v| {
                            v.definition = definition
                        });
                    }
                }
                (None, _) => {
                    self.check_url(name, definition.url.as_ref())?;
                    let change = StageChangeKind::Created;
                    self.stages.push(vec![Version {
                        name: name.into(),
                        definition,
                        change,
                        dropped: false,
                    }]);
                }
            },
            Step::Alter(name, changes, version) => {
                let stage = self.existing(name, version)?;
                let mut definition = self.last(stage).definition.clone();
                if let Some(url) = changes.url {
                    if url != definition.url {
                        self.check_url(name, url.as_ref())?;
                    }
                    definition.url = url;
                }
                definition.enabled = changes.enabled.unwrap_or(definition.enabled);
                definition.directory = changes.directory.unwrap_or(definition.directory);
                definition.comment = changes.comment.unwrap_or(definition.comment);
                definition.credentials = changes.credentials.unwrap_or(definition.credentials);
                if definition != self.last(stage).definition {
                    self.push(stage, StageChangeKind::Altered, |v| {
                        v.definition = definition
                    });
                }
            }
            Step::Rename(name, new) => {
                let stage = self.existing(name, None)?;
                if self.live(new).is_some() {
                    return Err(ErrorKind::AlreadyExists);
                }
                self.no_children(name)?;
                self.push(stage, StageChangeKind::Renamed, |v| v.name = new.into());
            }
            Step::Drop(name, version, cascade) => {
                let stage = self.existing(name, version)?;
                if !cascade {
                    self.no_children(name)?;
                }
                let mut stages = self.below(name);
                stages.push(stage);
                if stages.iter().any(|&s| self.exports.contains(&Some(s))) {
                    return Err(ErrorKind::InUse);
                }
                for stage in stages {
                    self.push(stage, StageChangeKind::Dropped, |v| v.dropped = true);
                    self.drops.push(stage);
                }
            }
            Step::Undrop(name) => {
                if self.live(name).is_some() {
                    return Err(ErrorKind::AlreadyExists);
                }
                let stage = self.newest_dropped(name).ok_or(ErrorKind::NotFound)?;
                self.check_url(name, self.last(stage).definition.url.as_ref())?;
                self.push(stage, StageChangeKind::Undropped, |v| v.dropped = false);
            }
            Step::Rollback(name, version) => {
                let stage = self.existing(name, None)?;
                let old = self.stages[stage]
                    .get(version as usize - 1)
                    .ok_or(ErrorKind::NotFound)?;
                let definition = old.definition.clone();
                self.check_url(name, definition.url.as_ref())?;
                self.push(stage, StageChangeKind::RolledBack, |v| {
                    v.definition = definition
                });
            }
            Step::StartExport(name) => {
                let stage = self.live(name).ok_or(ErrorKind::NotFound)?;
                self.exports.push(Some(stage));
            }
            Step::FinishExport(number) => {
                let export = self.exports.get_mut(number).ok_or(ErrorKind::NotFound)?;
                export.take().ok_or(ErrorKind::Conflict)?;
            }
            step => self.run_on_table(step)?,
        }
        Ok(())
    }

    fn run_on_table(&mut self, step: Step) -> Result<(), ErrorKind> {
        match step {
            Step::CreateTable(name, on_exists) => {
                if self.tables.contains_key(name) && on_exists != OnExists::Replace {
                    return if on_exists == OnExists::Keep {
                        Ok(())
                    } else {
                        Err(ErrorKind::AlreadyExists)
                    };
                }
                self.tables_made += 1;
                let table = Table {
                    id: self.tables_made,
                    version: 1,
                    next: 1,
                    segments: Vec::new(),
                };
                self.tables.insert(name.to_owned(), table);
            }
            Step::DropTable(name) => {
                self.tables.remove(name).ok_or(ErrorKind::NotFound)?;
            }
            Step::AddSegments(name, id, count) => {
                let table = self
                    .tables
                    .get_mut(name)
                    .filter(|t| t.id == id)
                    .ok_or(ErrorKind::Conflict)?;
                for number in 0..count {
                    table.segments.push((table.next, format!("{name}{number}")));
                    table.next += 1;
                }
                table.version += u64::from(count > 0);
            }
            Step::Truncate(name) => {
                let table = self.tables.get_mut(name).ok_or(ErrorKind::NotFound)?;
                table.version += u64::from(!table.segments.is_empty());
                table.segments.clear();
            }
            step => panic!("not a step on tables: {step:?}"),
        }
        Ok(())
    }

    /// Asserts that the catalog answers every read as the model would.
    pub(crate) fn compare(&self, catalog: &Catalog) {
        let live: Vec<_> = catalog
            .stages(&self.account)
            .unwrap()
            .into_iter()
            .map(|r| (r.name, r.id))
            .collect();
        let expected: Vec<_> = NAMES
            .iter()
            .filter_map(|name| {
                self.live(name)
                    .map(|stage| ((*name).to_owned(), self.id_of(stage)))
            })
            .collect();
        assert_eq!(live, expected);
        for name in NAMES {
            let stage = self.live(name).or_else(|| self.newest_dropped(name));
            let id = catalog
                .stage_history(&self.account, name)
                .unwrap()
                .first()
                .map(|r| r.id);
            assert_eq!(id, stage.map(|stage| self.id_of(stage)), "{name}");
        }
        for (number, versions) in self.stages.iter().enumerate() {
            self.compare_history(catalog, self.id_of(number), versions);
        }
        let enabled = self
            .stages
            .iter()
            .any(|v| v.last().is_some_and(|v| !v.dropped && v.definition.enabled));
        assert_eq!(catalog.any_stage_enabled(&self.account).unwrap(), enabled);
        let dropped = self
            .stages
            .iter()
            .filter(|v| v.last().is_some_and(|v| v.dropped))
            .count();
        assert_eq!(
            catalog.dropped_stages(&self.account).unwrap().len(),
            dropped
        );

        let unfinished: Vec<_> = catalog
            .unfinished_exports()
            .unwrap()
            .into_iter()
            .filter(|e| e.account == self.account)
            .map(|e| e.id)
            .collect();
        let open = self
            .exports
            .iter()
            .enumerate()
            .filter(|(_, stage)| stage.is_some());
        assert_eq!(
            unfinished,
            open.map(|(number, _)| export_id(number))
                .collect::<Vec<_>>()
        );
        assert_eq!(
            catalog.exports(&self.account, usize::MAX).unwrap().len(),
            self.exports.len()
        );

        let tables: Vec<_> = catalog
            .tables(&self.account, "db")
            .unwrap()
            .into_iter()
            .map(|t| {
                let segments: Vec<_> = t
                    .segments()
                    .iter()
                    .map(|s| (s.id, s.file.clone()))
                    .collect();
                (t.name, t.id, t.version, t.next_segment, segments)
            })
            .collect();
        let expected: Vec<_> = self
            .tables
            .iter()
            .map(|(name, t)| (name.clone(), t.id, t.version, t.next, t.segments.clone()))
            .collect();
        assert_eq!(tables, expected);
    }

    fn compare_history(&self, catalog: &Catalog, id: u64, versions: &[Version]) {
        let history = catalog.stage_history_by_id(&self.account, id).unwrap();
        let found: Vec<_> = history
            .iter()
            .map(|r| Version {
                name: r.name.clone(),
                definition: r.definition.clone(),
                change: r.change,
                dropped: r.dropped,
            })
            .collect();
        assert_eq!(found, versions);
        for (number, record) in (1..).zip(&history) {
            assert_eq!(
                (record.id, record.version, record.created_us),
                (id, number, history[0].created_us)
            );
        }
        let last = history.last().unwrap();
        if !last.dropped {
            assert_eq!(
                catalog.stage(&self.account, &last.name).unwrap().as_ref(),
                Some(last)
            );
            assert_eq!(
                catalog
                    .stage_at(&self.account, &last.name, 1)
                    .unwrap()
                    .as_ref(),
                history.first()
            );
        }
    }
}
