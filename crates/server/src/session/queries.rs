//! From a query's text to a planned query: the tables and staged files it names are looked up, and the
//! engine is given exactly those.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use catalog::{TableRecord, TableSource};
use futures::StreamExt;
use parser::{Format, QueryText, StageFunction, StageFunctionCall};
use query::{
    BatchStream, Compression, Context, CsvReadOptions, FileFormat, FileRef, JsonReadOptions,
    PathColumns, PlannedQuery, RowSource, SessionValues, Source, StoreList, TableDefinition,
    TableRef,
};
use storage::{FileInfo, Store};
use url::Url;

use crate::error::{Error, Reason, Result};
use crate::external::{CsvReading, ExternalOptions};
use crate::gate::{Acting, Object, Operation};
use crate::instance::Instance;
use crate::internal::{ReadPin, ReceivedFile};
use crate::live::{LiveOptions, password_of};
use crate::places::squeezed;
use crate::segments::file_ref;
use crate::system_tables;
use crate::table_changes;

use super::Session;
use super::origins::{Origin, TableColumns, origins};
use super::result::{Rows, Warnings};
use super::tables::{no_such_table, table_object};

/// The database whose tables stand for the staged files of one query; no user can name it, for `:` is
/// in no name.
pub(super) const STAGED_FILES: &str = "stage:files";

impl Session {
    /// Runs a bare query.
    pub(crate) async fn query(&self, query: QueryText) -> Result<Rows> {
        self.allow(Operation::Query, Object::Account).await?;
        let PlannedRead {
            planned,
            origins,
            pin,
        } = self.plan_query(&query).await?;
        let schema = as_written(&query, planned.schema());
        let executing = self.context.trace.part("execute");
        let stream = labelled(planned.stream()?, &schema);
        let batches = stream.map(move |batch| {
            let _kept = (&pin, &executing);
            batch.map_err(Error::from)
        });
        Ok(Rows {
            verb: "QUERY",
            schema,
            batches: Box::pin(batches),
            warnings: warnings_of(planned),
            origins,
        })
    }

    /// Plans a query.
    pub(super) async fn plan_query(&self, query: &QueryText) -> Result<PlannedRead> {
        let pin = self.instance.internal.pin();
        let mut sources = Sources::new(&self.instance)?;
        let _planning = self.context.trace.part("plan");
        let context = self.query_context_in(query, &mut sources, Vec::new());
        let (_, statement, context) = context.await?;
        let planned = self
            .instance
            .engine
            .plan_statement(statement, context)
            .await?;
        Ok(PlannedRead {
            origins: origins(planned.origins(), &sources.tables),
            planned,
            pin,
        })
    }

    /// The text with staged files replaced by names, the same parsed, and everything those and the other names mean.
    /// `tables` are parts of what the statement changes, under names of their own.
    pub(super) async fn query_context(
        &self,
        query: &QueryText,
        tables: Vec<TableDefinition>,
    ) -> Result<(String, query::Statement, Context)> {
        let mut sources = Sources::new(&self.instance)?;
        self.query_context_in(query, &mut sources, tables).await
    }

    /// [`Session::query_context`] with the stores that `tables` are in, which it takes.
    pub(super) async fn query_context_in(
        &self,
        query: &QueryText,
        sources: &mut Sources,
        tables: Vec<TableDefinition>,
    ) -> Result<(String, query::Statement, Context)> {
        let (text, statement, tables) = self.resolved(query, sources, tables).await?;
        let deadline = self.statement.deadline();
        Ok((
            text,
            statement,
            Context {
                tables,
                stores: std::mem::take(&mut sources.stores),
                values: self.values(),
                time_max: deadline.limit().time,
                time_spent: deadline.spent(),
                time_setting: deadline.limit().setting,
            },
        ))
    }

    /// A query's text with staged files replaced by names, the same parsed, and `tables` with all that it names.
    pub(super) async fn resolved(
        &self,
        query: &QueryText,
        sources: &mut Sources,
        mut tables: Vec<TableDefinition>,
    ) -> Result<(String, query::Statement, Vec<TableDefinition>)> {
        for (index, file) in query.staged_files.iter().enumerate() {
            let options = ExternalOptions::from_staged_file(file)?;
            let source = sources.files(self.acting(), &options).await?;
            let schema = self
                .instance
                .engine
                .infer_schema(&source, &sources.stores)
                .await
                .map_err(|e| Error::from(e).within(format_args!("'{}'", file.target)))?;
            tables.push(TableDefinition {
                database: STAGED_FILES.to_owned(),
                name: staged_name(index),
                schema: Some(schema),
                source,
            });
        }
        for (index, call) in query.stage_functions.iter().enumerate() {
            tables.push(self.stage_function(index, call).await?);
        }
        let text = replaced(query);
        let statement = query::Statement::parse(text.clone()).await?;
        for reference in statement.tables() {
            let database = reference
                .database
                .clone()
                .unwrap_or_else(|| self.database().to_owned());
            if database != STAGED_FILES && !table_changes::is_part(&database) {
                let definition = self.table_definition(&database, reference, sources);
                tables.push(definition.await?);
            }
        }
        Ok((text, statement, tables))
    }

    /// The rows that a call of a function on stages stands for.
    async fn stage_function(
        &self,
        index: usize,
        call: &StageFunctionCall,
    ) -> Result<TableDefinition> {
        let rows = match call.function {
            StageFunction::List => self.stage_list(&call.argument).await?,
            StageFunction::Load => self.loaded_file(&call.argument).await?,
            StageFunction::Directory => self.directory(&call.argument).await?,
        };
        Ok(TableDefinition {
            database: STAGED_FILES.to_owned(),
            name: called_name(index),
            schema: Some(rows.schema()),
            source: Source::Rows(rows),
        })
    }

    async fn table_definition(
        &self,
        database: &str,
        reference: &TableRef,
        sources: &mut Sources,
    ) -> Result<TableDefinition> {
        let (database, name) = (database.to_owned(), reference.table.clone());
        let record = match self.readable_table(&database, &name).await? {
            Readable::System(rows) => {
                return Ok(TableDefinition {
                    database,
                    name,
                    schema: Some(rows.schema()),
                    source: Source::Rows(rows),
                });
            }
            Readable::Stored(record) => record,
        };
        sources.tables.push(TableColumns::of(&database, &record));
        let schema = Arc::new(Schema::new(fields(&record)?));
        let source = match &record.source {
            TableSource::Segments(segments) => {
                let files = segments.iter().map(file_ref).collect();
                Source::Segments {
                    store: sources.internal.clone(),
                    files,
                }
            }
            TableSource::External {
                location, options, ..
            } => match LiveOptions::from_record(location, options) {
                Some(live) => self.live_table(live?, &record, schema.clone()).await?,
                None => {
                    let options = ExternalOptions::from_pairs(location, options)?;
                    // It was made over a permanent stage, whatever the session has of that name.
                    sources
                        .files(self.acting().without_temporary_stages(), &options)
                        .await
                        .map_err(|error| error.within(format_args!("external table '{name}'")))?
                }
            },
            TableSource::View(view) => self.view_source(&record, view, sources).await?,
        };
        Ok(TableDefinition {
            database,
            name,
            schema: Some(schema),
            source,
        })
    }

    /// A table that another server has, with its password.
    async fn live_table(
        &self,
        options: LiveOptions,
        record: &TableRecord,
        schema: SchemaRef,
    ) -> Result<Source> {
        let (account, record) = (self.account().to_owned(), record.clone());
        let password = self
            .instance
            .blocking(move |instance| password_of(instance, &account, &record))
            .await?;
        let reader = options.reader(&self.instance, password, schema);
        Ok(Source::Live(reader))
    }

    /// A table's rows or record, once the principal may read it.
    async fn readable_table(&self, database: &str, name: &str) -> Result<Readable> {
        let (database, name) = (database.to_owned(), name.to_owned());
        if system_tables::is_system_database(&database) {
            let operation = system_tables::operation(&database, &name);
            let object = table_object(&database, &name);
            return self
                .act(operation, object, move |acting, permit| {
                    system_tables::rows(acting, permit, &database, &name)?
                        .map(Readable::System)
                        .ok_or_else(|| no_such_table(&database, &name))
                })
                .await;
        }
        let object = table_object(&database, &name);
        self.act(Operation::Select, object, move |acting, permit| {
            acting
                .existing_table(Operation::Select, permit, &database, &name)
                .map(|record| Readable::Stored(Box::new(record)))
        })
        .await
    }

    pub(super) fn values(&self) -> SessionValues {
        SessionValues {
            database: Some(self.database().to_owned()),
            user: format!("{}@localhost", self.principal.user()),
            version: format!("8.0.30-stagedoor-{}", env!("CARGO_PKG_VERSION")),
            version_comment: "Stagedoor".to_owned(),
            connection_id: self.open.as_ref().map_or(0, |(open, _)| open.number.into()),
            last_insert_id: self.variables.last_insert_id,
            now_us: self.statement.began_us(),
            zone_offset_seconds: 0,
            variables: self.own_variables(),
        }
    }
}

/// The warnings that a query collects as it runs.
pub(super) fn warnings_of(planned: PlannedQuery) -> Warnings {
    Arc::new(move || texts(planned.warnings()))
}

pub(super) fn texts(warnings: Vec<query::Warning>) -> Vec<String> {
    warnings
        .into_iter()
        .map(|warning| format!("{}: {}", warning.code, warning.message))
        .collect()
}

/// What a query reads from a table.
enum Readable {
    /// The server's own rows, those that the principal may see.
    System(Arc<dyn RowSource>),
    Stored(Box<TableRecord>),
}

/// A query that is planned.
pub(super) struct PlannedRead {
    pub(super) planned: PlannedQuery,
    /// Of its columns.
    pub(super) origins: Vec<Option<Origin>>,
    /// Keeps its tables' files until it is dropped.
    pub(super) pin: ReadPin,
}

/// The stores that one query reads from.
pub(super) struct Sources {
    pub(super) stores: StoreList,
    internal: Url,
    /// The views that what is looked up stands in, by database and name, the innermost last.
    pub(super) views: Vec<(String, String)>,
    /// How many views were looked up.
    pub(super) views_read: usize,
    /// The stored tables that were looked up.
    tables: Vec<TableColumns>,
}

impl Sources {
    pub(super) fn new(instance: &Instance) -> Result<Self> {
        let internal = internal_store()?;
        Ok(Self {
            stores: vec![(internal.clone(), instance.internal.tables.object_store())],
            internal,
            views: Vec::new(),
            views_read: 0,
            tables: Vec::new(),
        })
    }

    /// The files of an external table or staged file, in order of their paths; at least one, but of a table that INSERT
    /// adds files to.
    pub(super) async fn files(
        &mut self,
        acting: Acting,
        options: &ExternalOptions,
    ) -> Result<Source> {
        let (stage, pattern) = options.stage_path()?;
        let instance = Arc::clone(&acting.instance);
        let located = instance
            .blocking(move |_| acting.locate_stage(&stage, Operation::ReadStage))
            .await?;
        let stage = instance.open_stage(located).await?;
        let found = stage.store.glob(&squeezed(&pattern)).await?;
        // A table that INSERT adds files to begins without any.
        if found.is_empty() && options.write.is_none() {
            return Err(Error::new(
                Reason::FileInvalid,
                20405,
                "HY000",
                format!("file {} is not found", options.location),
            ));
        }
        let files = found
            .iter()
            .map(|file| FileRef::new(file.path.to_string(), file.bytes))
            .collect();
        // Whatever becomes of them: the statement reads those that are here now, or none.
        let store = self.add(&stage.store, found)?;
        let format = file_format(options)?;
        let paths = PathColumns {
            hive: options.hive,
            undeclared: options.csv.undeclared,
            place: Some(format!("stage://{}/", stage.name)),
        };
        Ok(Source::Files {
            store,
            files,
            format,
            paths,
        })
    }

    /// A file that a client has sent beside the statement.
    pub(super) fn received(
        &mut self,
        instance: &Instance,
        file: &ReceivedFile,
        options: &ExternalOptions,
    ) -> Result<Source> {
        let store = self.add(&instance.internal.received.store, Vec::new())?;
        Ok(Source::Files {
            store,
            files: vec![FileRef::new(file.name(), file.bytes())],
            format: file_format(options)?,
            paths: PathColumns::default(),
        })
    }

    /// Adds a store of which these files are read, in the version that was listed.
    fn add(&mut self, store: &Store, listed: Vec<FileInfo>) -> Result<Url> {
        let url = store_url(&format!("stage{}", self.stores.len()))?;
        let objects = store.object_store_of(listed);
        self.stores.push((url.clone(), objects));
        Ok(url)
    }
}

/// How files are read.
fn file_format(options: &ExternalOptions) -> Result<FileFormat> {
    Ok(match options.format {
        Format::Parquet => FileFormat::Parquet,
        Format::Csv => FileFormat::Csv(csv_options(&options.csv)?),
        Format::JsonLine => FileFormat::JsonLine(JsonReadOptions {
            compression: compression(options.csv.compression)?,
            charset: options.csv.charset,
            left_out: None,
            undeclared: options.csv.undeclared,
        }),
        format @ Format::Arrow => {
            return Err(Error::not_implemented(format_args!(
                "reading format '{format}'"
            )));
        }
    })
}

/// Where the segments of tables are, as queries name it.
pub(crate) fn internal_store() -> Result<Url> {
    store_url("internal")
}

/// A name for a store within one query; nothing is ever looked up by it outside.
fn store_url(host: &str) -> Result<Url> {
    Url::parse(&format!("stagedoor://{host}/"))
        .map_err(|e| Error::defect("failed to name a store").with_source(e))
}

pub(super) fn csv_options(csv: &CsvReading) -> Result<CsvReadOptions> {
    let byte = |clause: &str, letter: Option<char>| match letter {
        Some(letter) if !letter.is_ascii() => Err(Error::invalid_input(
            Reason::OptionInvalid,
            format_args!("{clause} must be an ASCII character, not '{letter}'"),
        )),
        letter => Ok(letter.map(|letter| letter as u8)),
    };
    let options = CsvReadOptions {
        fields_terminated: csv.fields_terminated.clone(),
        enclosed: byte("ENCLOSED BY", csv.enclosed)?,
        escaped: byte("ESCAPED BY", csv.escaped)?,
        lines_terminated: csv.lines_terminated.clone(),
        lines_starting: csv.lines_starting.clone(),
        ignore_lines: csv.ignore_lines,
        header: csv.header,
        null: csv.null.clone(),
        compression: compression(csv.compression)?,
        charset: csv.charset,
        left_out: None,
        undeclared: csv.undeclared,
    };
    options.validate()?;
    Ok(options)
}

/// What files must be compressed with.
fn compression(given: Option<parser::Compression>) -> Result<Option<Compression>> {
    use parser::Compression as Given;
    Ok(match given {
        None => None,
        Some(Given::None) => Some(Compression::None),
        Some(Given::Gzip) => Some(Compression::Gzip),
        Some(Given::Zstd) => Some(Compression::Zstd),
        Some(Given::Bzip2) => Some(Compression::Bzip2),
        Some(Given::Xz) => Some(Compression::Xz),
        Some(Given::Lz4) => Some(Compression::Lz4),
        Some(other @ Given::Snappy) => {
            return Err(Error::not_implemented(format_args!(
                "reading compression '{other}'"
            )));
        }
    })
}

/// A table's columns in the engine's types.
pub(crate) fn fields(record: &TableRecord) -> Result<Vec<arrow::datatypes::Field>> {
    record
        .columns
        .iter()
        .map(|column| {
            Ok(query::arrow_field(
                &column.name,
                &column.data_type,
                column.nullable,
            )?)
        })
        .collect()
}

fn staged_name(index: usize) -> String {
    format!("f{index}")
}

/// The columns of a query's result, in whose labels calls of `load_file` stand as the query has them.
pub(super) fn as_written(query: &QueryText, schema: SchemaRef) -> SchemaRef {
    let calls = query.stage_functions.iter().enumerate();
    let loads: Vec<(String, &str)> = calls
        .filter(|(_, call)| call.function == StageFunction::Load)
        .map(|(index, call)| {
            let text = query.text.get(call.range.clone()).unwrap_or_default();
            (loaded_text(index), text)
        })
        .collect();
    if loads.is_empty() {
        return schema;
    }
    let fields = schema.fields().iter().map(|field| {
        let label = loads
            .iter()
            .fold(field.name().clone(), |label, (ours, theirs)| {
                label.replace(ours, theirs)
            });
        field.as_ref().clone().with_name(label)
    });
    Arc::new(Schema::new_with_metadata(
        fields.collect::<Vec<_>>(),
        schema.metadata().clone(),
    ))
}

/// Batches with these columns' labels.
pub(super) fn labelled(batches: BatchStream, schema: &SchemaRef) -> BatchStream {
    let schema = Arc::clone(schema);
    let labelled = batches.map(move |batch| {
        let batch = batch?;
        if batch.schema_ref() == &schema || batch.num_columns() == 0 {
            return Ok(batch);
        }
        let columns = batch.columns().to_vec();
        // The types are the same: this does not fail.
        Ok(RecordBatch::try_new(Arc::clone(&schema), columns).unwrap_or(batch))
    });
    Box::pin(labelled)
}

/// What stands in a query for a call of `load_file`.
fn loaded_text(index: usize) -> String {
    format!("(SELECT * FROM `{STAGED_FILES}`.`{}`)", called_name(index))
}

/// The name of what a call of a function on stages gives.
fn called_name(index: usize) -> String {
    format!("c{index}")
}

/// The query with each staged file, and each call of a function on stages, replaced by a table's name, or by the one
/// value in it.
fn replaced(query: &QueryText) -> String {
    let files = query.staged_files.iter().enumerate();
    let files = files.map(|(index, file)| {
        let table = format!("`{STAGED_FILES}`.`{}`", staged_name(index));
        (&file.range, table)
    });
    let calls = query.stage_functions.iter().enumerate();
    let calls = calls.map(|(index, call)| {
        let text = match call.function {
            StageFunction::List | StageFunction::Directory => {
                format!("`{STAGED_FILES}`.`{}`", called_name(index))
            }
            StageFunction::Load => loaded_text(index),
        };
        (&call.range, text)
    });
    let mut parts: Vec<_> = files.chain(calls).collect();
    parts.sort_by_key(|(range, _)| range.start);
    let text = &query.text;
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (range, part) in parts {
        out.push_str(text.get(from..range.start).unwrap_or_default());
        out.push_str(&part);
        from = range.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}
