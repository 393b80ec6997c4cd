//! Reading the rows of system tables from the catalog, a page at a time, as a query asks for them.

use std::collections::{BTreeSet, VecDeque};

use arrow::array::RecordBatch;
use catalog::{AuditRecord, Catalog, ExportRecord, StageRecord};
use query::{Limit, PageError, Pages, Value, Wanted};

use super::columns::{self, Column};
use super::tables::{self, EXPORT_ID, Export, File, MANIFEST, NUMBER, SeenStage};
use crate::gate::Acting;

/// How many records are read at a time.
const PAGE: usize = 1_000;
/// How many stages' histories are read at a time.
const PAGE_HISTORIES: usize = 100;

/// Where the rows are read, and for whom; the gate has decided that these may be read.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) acting: Acting,
    pub(super) account: String,
    /// The one whose exports are seen; everyone's without.
    pub(super) only_of: Option<String>,
    /// Records of the audit from before this time, in microseconds since 1970 UTC, are an earlier
    /// account's of the same name.
    pub(super) audit_since_us: u64,
}

impl Reading {
    pub(super) fn catalog(&self) -> &Catalog {
        &self.acting.instance.catalog
    }

    /// At most a page of the exports that are seen, older than `before`, the newest first.
    fn exports(&self, before: Option<&str>) -> Result<Vec<ExportRecord>, PageError> {
        let catalog = self.catalog();
        let page = match &self.only_of {
            None => catalog.exports_page(&self.account, before, PAGE)?,
            Some(user) => catalog.exports_of_page(&self.account, user, before, PAGE)?,
        };
        let waiting = &self.acting.instance.jobs.waiting;
        Ok(page
            .into_iter()
            .map(|export| waiting.told(export))
            .collect())
    }

    /// The exports that are seen, the newest first; those outside of the limits of their ids are not read.
    fn exports_within(
        self,
        id: Range<String>,
    ) -> impl FnMut() -> Result<Option<Vec<ExportRecord>>, PageError> {
        // Behind the largest one, as the next page begins behind the last one of this.
        let mut before = id.most.map(|most| format!("{most}\0"));
        let mut is_last = false;
        move || {
            if is_last {
                return Ok(None);
            }
            let mut page = self.exports(before.as_deref())?;
            is_last = page.len() < PAGE;
            before = page.last().map(|export| export.id.clone());
            if let Some(least) = &id.least {
                let within = page.partition_point(|export| export.id >= *least);
                is_last |= within < page.len();
                page.truncate(within);
            }
            Ok(Some(page))
        }
    }
}

/// The least and the largest value of the column that a table is kept in the order of.
pub(super) struct Range<T> {
    pub(super) least: Option<T>,
    pub(super) most: Option<T>,
}

/// What the limits say of one column, as `of` takes it from a value.
pub(super) fn range<R, T: Ord>(
    columns: &[Column<R>],
    name: &str,
    limits: &[Limit],
    of: impl Fn(&Value) -> Option<T>,
) -> Range<T> {
    let schema = columns::schema(columns);
    let of_column = || {
        let at = schema.index_of(name).ok();
        limits.iter().filter(move |limit| Some(limit.column) == at)
    };
    Range {
        least: of_column()
            .filter_map(|limit| limit.least.as_ref().and_then(&of))
            .max(),
        most: of_column()
            .filter_map(|limit| limit.most.as_ref().and_then(&of))
            .min(),
    }
}

fn as_number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Text(_) | Value::Micros(_) => None,
    }
}

pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Number(_) | Value::Micros(_) => None,
    }
}

/// Batches of what `next` gives, page by page.
struct Batches<R, N> {
    columns: Vec<Column<R>>,
    wanted: Wanted,
    rows_left: usize,
    next: N,
}

impl<R, N> Pages for Batches<R, N>
where
    R: Send,
    N: FnMut() -> Result<Option<Vec<R>>, PageError> + Send,
{
    fn next_page(&mut self) -> Result<Option<RecordBatch>, PageError> {
        if self.rows_left == 0 {
            return Ok(None);
        }
        let Some(mut records) = (self.next)()? else {
            return Ok(None);
        };
        records.retain(|record| columns::is_within(&self.columns, record, &self.wanted.limits));
        records.truncate(self.rows_left);
        self.rows_left -= records.len();
        // Also a page of which nothing is wanted ends here, so that a statement that was stopped does.
        columns::batch(&self.columns, &self.wanted.columns, &records).map(Some)
    }
}

pub(super) fn pages<R: Send + 'static>(
    columns: Vec<Column<R>>,
    wanted: Wanted,
    next: impl FnMut() -> Result<Option<Vec<R>>, PageError> + Send + 'static,
) -> Box<dyn Pages> {
    Box::new(Batches {
        columns,
        rows_left: wanted.rows_max.unwrap_or(usize::MAX),
        wanted,
        next,
    })
}

/// The records of the account, the newest first.
pub(super) fn audit(reading: Reading, wanted: Wanted) -> Box<dyn Pages> {
    let columns = tables::audit();
    let number = range(&columns, NUMBER, &wanted.limits, as_number);
    let since_us = reading.audit_since_us;
    let mut before: Option<u64> = None;
    let mut is_last = false;
    let next = move || -> Result<Option<Vec<AuditRecord>>, PageError> {
        if is_last {
            return Ok(None);
        }
        let catalog = reading.catalog();
        let before_number = match before {
            Some(number) => number,
            None => {
                // What was recorded until now is made durable first; what follows is not among the rows.
                let newest = catalog.audit_last(&reading.account, 1)?;
                let end = newest.first().map_or(0, |record| record.number + 1);
                end.min(number.most.map_or(u64::MAX, |most| most.saturating_add(1)))
            }
        };
        let mut page = catalog.audit_before(&reading.account, before_number, PAGE)?;
        is_last = page.len() < PAGE;
        before = page.last().map(|record| record.number);
        if let Some(least) = number.least {
            let within = page.partition_point(|record| record.number >= least);
            is_last |= within < page.len();
            page.truncate(within);
        }
        page.retain(|record| record.time_us >= since_us);
        Ok(Some(page))
    };
    pages(columns, wanted, next)
}

pub(super) fn exports(reading: Reading, wanted: Wanted) -> Box<dyn Pages> {
    let columns = tables::exports();
    let id = range(&columns, EXPORT_ID, &wanted.limits, as_text);
    let manifest = columns::schema(&columns).index_of(MANIFEST).ok();
    let limits_it = wanted
        .limits
        .iter()
        .any(|limit| Some(limit.column) == manifest);
    let wants_it = manifest.is_some_and(|at| wanted.columns.contains(&at)) || limits_it;
    let manifests = reading.clone();
    let mut records = reading.exports_within(id);
    let next = move || {
        let Some(page) = records()? else {
            return Ok(None);
        };
        let row = |record: ExportRecord| {
            let manifest = match wants_it {
                true => manifests.catalog().manifest(&record.account, &record.id)?,
                false => None,
            };
            Ok(Export { record, manifest })
        };
        page.into_iter()
            .map(row)
            .collect::<Result<_, PageError>>()
            .map(Some)
    };
    pages(columns, wanted, next)
}

pub(super) fn export_files(reading: Reading, wanted: Wanted) -> Box<dyn Pages> {
    let columns = tables::export_files();
    let id = range(&columns, EXPORT_ID, &wanted.limits, as_text);
    let mut records = reading.exports_within(id);
    let next = move || {
        let Some(page) = records()? else {
            return Ok(None);
        };
        let files = page.into_iter().flat_map(|export| {
            let ExportRecord { id, files, .. } = export;
            files.into_iter().map(move |file| File {
                export_id: id.clone(),
                file,
            })
        });
        Ok(Some(files.collect()))
    };
    pages(columns, wanted, next)
}

/// The live stages that the principal sees, by name, page by page.
fn live(reading: Reading) -> impl FnMut() -> Result<Option<Vec<StageRecord>>, PageError> {
    let mut after: Option<String> = None;
    let mut is_last = false;
    move || {
        if is_last {
            return Ok(None);
        }
        let catalog = reading.catalog();
        let page = catalog.stages_page(&reading.account, after.as_deref(), PAGE)?;
        is_last = page.len() < PAGE;
        after = page.last().map(|stage| stage.name.clone());
        Ok(Some(reading.acting.visible_stages(page)?))
    }
}

/// For an administrator with what their credentials are called, and fingerprints of the secrets.
pub(super) fn stages(reading: Reading, wanted: Wanted) -> Box<dyn Pages> {
    pages(tables::stages(), wanted, seen(reading))
}

/// As [`stages`], with MatrixOne's columns.
pub(super) fn mo_stages(reading: Reading, wanted: Wanted) -> Box<dyn Pages> {
    pages(tables::mo_stages(), wanted, seen(reading))
}

fn seen(reading: Reading) -> impl FnMut() -> Result<Option<Vec<SeenStage>>, PageError> {
    let for_admin = reading.only_of.is_none();
    let mut records = live(reading);
    move || {
        let row = |stage| SeenStage { stage, for_admin };
        Ok(records()?.map(|page| page.into_iter().map(row).collect()))
    }
}

/// All versions of all stages, live and dropped, by the name that the stage has or had last, and by version.
pub(super) fn stage_versions(reading: Reading, wanted: Wanted) -> Box<dyn Pages> {
    let mut left: Option<VecDeque<u64>> = None;
    let next = move || {
        let left = match &mut left {
            Some(left) => left,
            None => left.insert(all_stages(&reading)?),
        };
        if left.is_empty() {
            return Ok(None);
        }
        let count = PAGE_HISTORIES.min(left.len());
        let mut versions = Vec::new();
        let for_admin = reading.only_of.is_none();
        for id in left.drain(..count) {
            let catalog = reading.catalog();
            let history = catalog.stage_history_by_id(&reading.account, id)?;
            let row = |stage| SeenStage { stage, for_admin };
            versions.extend(history.into_iter().map(row));
        }
        Ok(Some(versions))
    };
    pages(tables::stages(), wanted, next)
}

/// The ids of all stages, live and dropped, by name.
fn all_stages(reading: &Reading) -> Result<VecDeque<u64>, PageError> {
    let mut stages = BTreeSet::new();
    let mut records = live(reading.clone());
    while let Some(page) = records()? {
        stages.extend(page.into_iter().map(|stage| (stage.name, stage.id)));
    }
    let dropped = reading.catalog().dropped_stages(&reading.account)?;
    stages.extend(dropped.into_iter().map(|stage| (stage.name, stage.id)));
    Ok(stages.into_iter().map(|(_, id)| id).collect())
}
