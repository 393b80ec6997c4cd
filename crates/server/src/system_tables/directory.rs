//! `DIRECTORY('stage')`: the entries of a stage's directory table as rows.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use catalog::DirectoryFile;
use query::{PageError, Pages, RowSource, Wanted};

use super::columns::{self, Column, number, text, time};
use super::reading::{as_text, pages, range};
use crate::instance::Instance;

/// How many entries are read at a time.
const PAGE: usize = 1_000;

/// In the order of which the entries are kept.
const PATH: &str = "relative_path";

/// The directory table of one stage.
#[derive(Debug)]
pub(crate) struct DirectoryRows {
    pub(crate) instance: Arc<Instance>,
    pub(crate) account: String,
    pub(crate) stage: u64,
}

fn table() -> Vec<Column<DirectoryFile>> {
    vec![
        text(PATH, |r| Some(r.path.clone())),
        number("size", |r| Some(r.bytes)),
        time("last_modified", |r| r.modified_us),
        text("etag", |r| r.etag.clone()),
        text("sha256", |r| r.sha256.clone()),
        text("export_id", |r| r.export_id.clone()),
    ]
}

impl RowSource for DirectoryRows {
    fn schema(&self) -> SchemaRef {
        columns::schema(&table())
    }

    fn ordered_by(&self) -> Option<usize> {
        self.schema().index_of(PATH).ok()
    }

    fn read(&self, wanted: Wanted) -> Box<dyn Pages> {
        let columns = table();
        let path = range(&columns, PATH, &wanted.limits, as_text);
        let (instance, account, stage) =
            (Arc::clone(&self.instance), self.account.clone(), self.stage);
        // A page begins behind a path: the least one itself is read apart.
        let mut first = path.least.clone();
        let mut after = path.least;
        let mut is_last = false;
        let next = move || -> Result<Option<Vec<DirectoryFile>>, PageError> {
            if is_last {
                return Ok(None);
            }
            let catalog = &instance.catalog;
            let mut page = Vec::new();
            if let Some(first) = first.take() {
                page.extend(catalog.directory_file(&account, stage, &first)?);
            }
            let behind = catalog.directory_page(&account, stage, after.as_deref(), PAGE)?;
            let behind = behind.unwrap_or_default();
            is_last = behind.len() < PAGE;
            page.extend(behind);
            if let Some(last) = page.last() {
                after = Some(last.path.clone());
            }
            if let Some(most) = &path.most {
                let within = page.partition_point(|file| file.path <= *most);
                is_last |= within < page.len();
                page.truncate(within);
            }
            Ok(Some(page))
        };
        pages(columns, wanted, next)
    }
}
