//! The engine: one memory pool and one spill folder for all queries,
//! and for each query a session of its own that sees just its tables and stores.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider,
};
use datafusion::config::ConfigOptions;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManager, DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::Statement;

use crate::error::{Error, ErrorKind, from_datafusion};
use crate::guard::{Guard, guard_functions, guard_plan, watch_joins};
use crate::memory::SharedPool;
use crate::mysql::{self, Parsed, STACK_BYTES, SessionValues};
use crate::planned::PlannedQuery;
use crate::settings::Settings;
use crate::stop::Stop;
use crate::tables::{
    self, CATALOG, FileFormat, FilesAtHand, Source, StoreList, Stores, TableDefinition,
};
use crate::workers::Workers;

/// Sorts that can run side by side; each reserves its part of the memory for merging.
const SORTS_AT_ONCE: usize = 8;
/// Bytes that the texts of a statement may take once they stand in every row of a batch.
const TEXTS_BYTES_MAX: usize = 64 << 20;

/// What a query may see.
#[derive(Debug, Clone)]
pub struct Context {
    /// Tables, usually those that [`crate::table_references`] named.
    pub tables: Vec<TableDefinition>,
    /// The stores their files are in.
    pub stores: StoreList,
    /// The session's values; `values.database` resolves names without a database.
    pub values: SessionValues,
    /// Longest time for the query, planning included (`max_execution_time`); the shorter of this
    /// and [`Settings::time_max`] holds, none of both is no limit.
    pub time_max: Option<Duration>,
}

/// Plans queries. Cheap to clone; all clones share memory and spill limits.
#[derive(Debug, Clone)]
pub struct QueryEngine {
    settings: Arc<Settings>,
    memory: Arc<dyn MemoryPool>,
    disk: Arc<DiskManager>,
    workers: Workers,
}

impl QueryEngine {
    /// An engine that runs queries in this process.
    ///
    /// # Errors
    /// Invalid if a limit is zero; Io if `spill_dir` cannot be used.
    pub fn local(settings: Settings) -> Result<Self, Error> {
        if settings.memory_bytes_max == 0
            || settings.batch_rows == 0
            || settings.target_partitions == 0
            || settings.batches_ahead_max == 0
            || settings.value_bytes_max == 0
        {
            return Err(Error::invalid(
                "memory_bytes_max, batch_rows, target_partitions, batches_ahead_max and value_bytes_max must be over 0",
            ));
        }
        if !settings.spill_dir.is_dir() {
            return Err(Error::new(
                ErrorKind::Io,
                format!("spill_dir '{}' is no folder", settings.spill_dir.display()),
            ));
        }
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![
                settings.spill_dir.clone(),
            ]))
            .with_max_temp_directory_size(settings.spill_bytes_max)
            .build()
            .map_err(from_datafusion)?;
        let memory: Arc<dyn MemoryPool> = Arc::new(SharedPool::new(settings.memory_bytes_max));
        let workers = Workers::start(settings.target_partitions)?;
        Ok(Self {
            settings: Arc::new(settings),
            memory,
            disk: Arc::new(disk),
            workers,
        })
    }

    pub(crate) fn memory(&self) -> &Arc<dyn MemoryPool> {
        &self.memory
    }

    /// Tasks of running queries.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.workers
            .handle()
            .map_or(0, |handle| handle.metrics().num_alive_tasks())
    }

    /// Bytes that running queries hold now.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.memory.reserved()
    }

    /// Plans one query. Nothing is read but what planning needs; it runs at [`PlannedQuery::stream`].
    ///
    /// # Errors
    /// Syntax, NotFound, Invalid, Unsupported, TimeLimit; see [`ErrorKind`].
    pub async fn plan(&self, sql: &str, context: Context) -> Result<PlannedQuery, Error> {
        let (engine, sql) = (self.clone(), sql.to_owned());
        let stop = self.stop(&context);
        self.on_planner_thread(Arc::clone(&stop), async move {
            let mut parsed = mysql::parse(&sql)?;
            mysql::rewrite(&mut parsed.query, &context.values)?;
            engine.plan_rewritten(parsed, &context, stop).await
        })
        .await
    }

    /// Starts the time of a query.
    pub(crate) fn stop(&self, context: &Context) -> Arc<Stop> {
        let limits = [context.time_max, self.settings.time_max];
        Arc::new(Stop::after(limits.into_iter().flatten().min()))
    }

    /// Plans a rewritten query; call it on a planner thread.
    pub(crate) async fn plan_rewritten(
        &self,
        parsed: Parsed,
        context: &Context,
        stop: Arc<Stop>,
    ) -> Result<PlannedQuery, Error> {
        let stores = Stores::new(&context.stores);
        let guard = Arc::new(Guard::new(
            Arc::clone(&self.memory),
            self.settings.value_bytes_max,
            stop,
        ));
        let rows = self.batch_rows(parsed.text_bytes);
        let files = FilesAtHand::default();
        let session = |partitions| self.session(context, &stores, partitions, rows, &guard, &files);
        let state = session(self.settings.target_partitions)?;
        let statement = DfStatement::Statement(Box::new(Statement::Query(parsed.query)));
        let logical = state
            .statement_to_plan(statement)
            .await
            .map_err(|error| explain_names(error, context))?;
        read_only().verify_plan(&logical).map_err(from_datafusion)?;
        let ordered = keeps_order(&logical);
        let state = if ordered { session(1)? } else { state };
        // The planner and the optimizer bring in functions of their own.
        let logical = guard_plan(logical, &guard)
            .and_then(|logical| state.optimize(&logical))
            .and_then(|logical| guard_plan(logical, &guard))
            .and_then(|logical| watch_joins(logical, &guard))
            .map_err(from_datafusion)?;
        let physical = state
            .query_planner()
            .create_physical_plan(&logical, &state)
            .await
            .map_err(from_datafusion)?;
        guard.stop().check()?;
        guard.planned();
        PlannedQuery::new(
            physical,
            state.task_ctx(),
            ordered,
            &parsed.labels,
            self.settings.batches_ahead_max,
            guard,
            files,
            self.workers.clone(),
        )
    }

    /// The columns of files without declared ones, or of batches.
    ///
    /// # Errors
    /// Io if a file cannot be read, Invalid if there are none or they disagree.
    pub async fn infer_schema(
        &self,
        source: &Source,
        stores: &StoreList,
    ) -> Result<SchemaRef, Error> {
        let (engine, source, stores) = (self.clone(), source.clone(), stores.clone());
        self.workers
            .handle()?
            .spawn(async move { engine.infer(&source, &stores).await })
            .await
            .unwrap_or_else(|error| Err(crate::panics::joined("reading the columns", error)))
    }

    async fn infer(&self, source: &Source, stores: &StoreList) -> Result<SchemaRef, Error> {
        let stores = Stores::new(stores);
        match source {
            Source::Batches(batches) => match batches.first() {
                Some(batch) => Ok(batch.schema()),
                None => Err(Error::invalid(
                    "there are no batches to take the columns from",
                )),
            },
            Source::Segments { files, .. } | Source::Files { files, .. } if files.is_empty() => {
                Err(Error::new(
                    ErrorKind::NotFound,
                    "there are no files to take the columns from",
                ))
            }
            Source::Segments { store, files }
            | Source::Files {
                store,
                files,
                format: FileFormat::Parquet,
            } => {
                let state = SessionStateBuilder::new()
                    .with_runtime_env(self.runtime(&stores)?)
                    .build();
                tables::infer_parquet(&state, &stores.get(store)?, files).await
            }
            Source::Files {
                store,
                files,
                format: FileFormat::Csv(options),
            } => crate::csv::infer(stores.get(store)?, files, options).await,
        }
    }

    fn runtime(&self, stores: &Stores) -> Result<Arc<RuntimeEnv>, Error> {
        let mut runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::clone(&self.memory))
            .with_object_store_registry(Arc::new(stores.clone()))
            .build()
            .map_err(from_datafusion)?;
        runtime.disk_manager = Arc::clone(&self.disk);
        Ok(Arc::new(runtime))
    }

    fn session(
        &self,
        context: &Context,
        stores: &Stores,
        partitions: usize,
        batch_rows: usize,
        guard: &Arc<Guard>,
        files: &FilesAtHand,
    ) -> Result<SessionState, Error> {
        let catalog = MemoryCatalogProvider::new();
        for table in &context.tables {
            let database = table.database.to_lowercase();
            let schema: Arc<dyn SchemaProvider> = match catalog.schema(&database) {
                Some(schema) => schema,
                None => {
                    let fresh: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
                    catalog
                        .register_schema(&database, Arc::clone(&fresh))
                        .map_err(from_datafusion)?;
                    fresh
                }
            };
            tables::register(schema.as_ref(), table, stores, files)?;
        }
        let mut builder = SessionStateBuilder::new()
            .with_config(self.config(context, partitions, batch_rows)?)
            .with_runtime_env(self.runtime(stores)?)
            .with_default_features();
        let functions = builder.scalar_functions().take().unwrap_or_default();
        let functions = functions
            .into_iter()
            .chain(crate::functions::all().into_iter().map(Arc::new));
        *builder.scalar_functions() = Some(guard_functions(functions, guard));
        // Functions of functions compute outside the guard; MySQL has none.
        *builder.higher_order_functions() = None;
        let state = builder.build();
        state
            .catalog_list()
            .register_catalog(CATALOG.to_owned(), Arc::new(catalog));
        Ok(state)
    }

    /// Rows of a batch for a statement with texts of so many bytes: a text can stand in every row.
    fn batch_rows(&self, text_bytes: usize) -> usize {
        let rows = TEXTS_BYTES_MAX / text_bytes.max(1);
        self.settings.batch_rows.min(rows.max(1))
    }

    fn config(
        &self,
        context: &Context,
        partitions: usize,
        batch_rows: usize,
    ) -> Result<SessionConfig, Error> {
        let mut options = ConfigOptions::default();
        options.catalog.create_default_catalog_and_schema = false;
        options.catalog.default_catalog = CATALOG.to_owned();
        options.catalog.default_schema = context
            .values
            .database
            .clone()
            .unwrap_or_default()
            .to_lowercase();
        options.catalog.information_schema = false;
        options.sql_parser.parse_float_as_decimal = true;
        options.sql_parser.enable_ident_normalization = true;
        // MySQL sorts NULLs as the least of values.
        options
            .set("datafusion.sql_parser.default_null_ordering", "nulls_min")
            .map_err(from_datafusion)?;
        options
            .set("datafusion.execution.time_zone", &context.values.zone())
            .map_err(from_datafusion)?;
        options
            .set("datafusion.execution.batch_size", &batch_rows.to_string())
            .map_err(from_datafusion)?;
        options.execution.target_partitions = partitions;
        options.execution.parquet.schema_force_view_types = true;
        // What a sort keeps free for merging: with less it fails when its memory is full,
        // with more fewer sorts run at once (so: eight).
        options.execution.sort_spill_reservation_bytes =
            self.settings.memory_bytes_max / SORTS_AT_ONCE / partitions.max(1);
        Ok(SessionConfig::from(options))
    }
}

/// Nothing but queries.
fn read_only() -> SQLOptions {
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
}

/// Whether rows come in the order of the files: such plans run in one partition.
fn keeps_order(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::TableScan(_) | LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => true,
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Union(_) => plan.inputs().into_iter().all(keeps_order),
        _ => false,
    }
}

/// A missing table is named as the user would: with its database, and with the tables there are.
fn explain_names(error: datafusion::error::DataFusionError, context: &Context) -> Error {
    let error = from_datafusion(error);
    let text = error.to_string();
    let Some(name) = text.strip_prefix("no such table ") else {
        return error;
    };
    let (database, table) = name.split_once('.').unwrap_or(("", name));
    if database.is_empty() {
        return Error::invalid(format!(
            "no database is selected; write the table as database.{table}"
        ));
    }
    let names: Vec<&str> = context
        .tables
        .iter()
        .filter(|known| known.database == database)
        .map(|known| known.name.as_str())
        .collect();
    Error::new(
        ErrorKind::NotFound,
        match crate::error::list(&names) {
            Some(names) => {
                format!("no such table {name}; the statement's known tables are {names}")
            }
            None => format!("no such table {name}"),
        },
    )
}

impl QueryEngine {
    /// Runs a future on a thread with a big stack: planning recurses as deep as the statement nests.
    /// The caller waits for it no longer than the query may take; the thread ends as soon as it looks.
    pub(crate) async fn on_planner_thread<T: Send + 'static>(
        &self,
        stop: Arc<Stop>,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let runtime = self.workers.handle()?.clone();
        let (send, receive) = tokio::sync::oneshot::channel();
        let within = Arc::clone(&stop);
        std::thread::Builder::new()
            .name("query-planner".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                // A dropped receiver means that the caller has given up.
                let work = crate::panics::caught_async("planning the query", work);
                let planned = runtime.block_on(within.within(work));
                let _ = send.send(planned.and_then(|planned| planned));
            })
            .map_err(|error| {
                Error::new(
                    ErrorKind::ResourcesExhausted,
                    "no thread could be started to plan the query",
                )
                .because(error)
            })?;
        stop.within(receive)
            .await?
            .unwrap_or_else(|_| Err(Error::internal("the planner ended unexpectedly")))
    }
}
