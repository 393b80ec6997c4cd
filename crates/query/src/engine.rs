//! The engine: one memory pool and one spill folder for all queries,
//! and for each query a session of its own that sees just its tables and stores.

mod explain;
mod fallback;
mod rounds;
mod session;
mod views;

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManager, DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::Statement;
use url::Url;

pub(crate) use fallback::Fallback;

use crate::error::{Error, ErrorKind, from_datafusion};
use crate::guard::{Guard, guard_plan, watch_joins};
use crate::memory::SharedPool;
use crate::mysql::{self, Parsed, SessionValues, Wanted};
use crate::origins::origins;
use crate::planned::{PlannedQuery, Run};
use crate::settings::Settings;
use crate::stop::Stop;
use crate::tables::{
    self, FileFormat, FileRef, FilesAtHand, Source, StoreList, Stores, TableDefinition,
};
use crate::text::{LeftOut, TextFormat};
use crate::unions::mixed_columns;
use crate::workers::Workers;

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
    /// How much of `time_max` was over already, as when the query waited for its turn.
    pub time_spent: Duration,
    /// What set `time_max`, as the error that it is over says it.
    pub time_setting: &'static str,
}

/// Plans queries. Cheap to clone; all clones share memory and spill limits.
#[derive(Debug, Clone)]
pub struct QueryEngine {
    settings: Arc<Settings>,
    memory: Arc<dyn MemoryPool>,
    disk: Arc<DiskManager>,
    workers: Workers,
    /// The functions and rules of every query.
    shared: Arc<SessionState>,
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
        let disk = Arc::new(disk);
        let shared = Self::shared_state(&memory, &disk, &settings)?;
        Ok(Self {
            settings: Arc::new(settings),
            memory,
            disk,
            workers,
            shared: Arc::new(shared),
        })
    }

    fn shared(&self) -> &SessionState {
        &self.shared
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.workers
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
        self.workers
            .plan(Arc::clone(&stop), async move {
                let parsed = mysql::parse(&sql)?;
                engine.plan_parsed(parsed, &context, stop).await
            })
            .await
    }

    /// [`Self::plan`] of a statement that has been parsed, as for its tables' names.
    ///
    /// # Errors
    /// As [`Self::plan`], but for syntax.
    pub async fn plan_statement(
        &self,
        statement: crate::Statement,
        context: Context,
    ) -> Result<PlannedQuery, Error> {
        let engine = self.clone();
        let stop = self.stop(&context);
        self.workers
            .plan(Arc::clone(&stop), async move {
                engine.plan_parsed(statement.parsed, &context, stop).await
            })
            .await
    }

    async fn plan_parsed(
        &self,
        mut parsed: Parsed,
        context: &Context,
        stop: Arc<Stop>,
    ) -> Result<PlannedQuery, Error> {
        parsed.hide_file_paths(&context.tables, context.values.database.as_deref())?;
        mysql::rewrite(&mut parsed.query, &context.values)?;
        self.plan_rewritten(parsed, context, stop).await
    }

    /// Starts the time of a query.
    pub(crate) fn stop(&self, context: &Context) -> Arc<Stop> {
        let limits = [
            (context.time_max, context.time_spent, context.time_setting),
            (
                self.settings.time_max,
                Duration::ZERO,
                "the engine's settings",
            ),
        ];
        let limit = limits
            .into_iter()
            .filter_map(|(time_max, spent, setting)| Some((time_max?, spent, setting)))
            .min_by_key(|(time_max, spent, _)| time_max.saturating_sub(*spent));
        Arc::new(match limit {
            Some((time_max, spent, setting)) => Stop::after(time_max, spent, setting),
            None => Stop::never(),
        })
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
        let texts = parsed.text_bytes + views::text_bytes(&context.tables);
        let rows = self.batch_rows(texts);
        let files = FilesAtHand::default();
        let file_paths = parsed.file_paths;
        let state = self
            .session(context, &stores, rows, &files, file_paths)
            .await?;
        let statement = DfStatement::Statement(Box::new(Statement::Query(parsed.query)));
        let logical = state
            .statement_to_plan(statement)
            .await
            .and_then(crate::meaning::planned)
            .map_err(|error| explain_names(error, context))?;
        read_only().verify_plan(&logical).map_err(from_datafusion)?;
        if views::has_views(&context.tables) {
            views::check_size(&logical)?;
        }
        let ordered = keeps_order(&logical);
        let mixed = mixed_columns(&logical);
        let origins = origins(&logical, context);
        let state = if ordered {
            self.in_one_partition(state, context, rows)?
        } else {
            state
        };
        // The planner and the optimizer bring in functions of their own.
        let logical = guard_plan(logical, &guard)
            .and_then(|logical| state.optimize(&logical))
            .and_then(|logical| guard_plan(logical, &guard))
            .and_then(|logical| watch_joins(logical, &guard))
            .map_err(from_datafusion)?;
        let rounds_max = rounds::most(&context.values);
        let physical = state
            .query_planner()
            .create_physical_plan(&logical, &state)
            .await
            .and_then(|plan| rounds::limited(plan, rounds_max))
            .map_err(from_datafusion)?;
        let runtime = self.runtime(&stores)?;
        let fallback = match parsed.wanted {
            Wanted::Rows => Fallback::of(
                &physical,
                &logical,
                &state,
                &runtime,
                rounds_max,
                self.settings.memory_bytes_max,
            ),
            Wanted::Plan | Wanted::Run => None,
        };
        let physical = explain::wanted(physical, parsed.wanted)?;
        guard.stop().check()?;
        guard.planned();
        let run = Run {
            plan: physical,
            context: session::task_context(&state, runtime),
            guard,
            files,
            workers: self.workers.clone(),
            fallback,
        };
        PlannedQuery::new(
            run,
            ordered,
            &parsed.labels,
            &mixed,
            origins,
            self.settings.batches_ahead_max,
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

    /// The SHA-256 of each file of [`Source::Files`] as it is stored, in lower-case hexadecimal, in the files' order.
    ///
    /// # Errors
    /// NotFound, Io; Invalid for rows that are in no such files.
    pub async fn file_digests(
        &self,
        source: &Source,
        stores: &StoreList,
    ) -> Result<Vec<String>, Error> {
        let Source::Files { store, files, .. } = source else {
            return Err(Error::invalid("only files have digests"));
        };
        let (store, files) = (Stores::new(stores).get(store)?, files.clone());
        self.workers
            .handle()?
            .spawn(async move { tables::sha256(&store, &files).await })
            .await
            .unwrap_or_else(|error| Err(crate::panics::joined("reading files", error)))
    }

    /// Asks for lines to be left out, and for each to be kept, on the disk as what queries spill.
    ///
    /// # Errors
    /// Io if the spill folder takes no file.
    pub fn keep_left_out(&self, most: Option<u64>) -> Result<LeftOut, Error> {
        let settings = &self.settings;
        LeftOut::kept_in(&settings.spill_dir, settings.spill_bytes_max, most)
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
            Source::Rows(rows) => Ok(rows.schema()),
            Source::Live(_) => Err(Error::invalid(
                "the columns of a table that another server has are asked of that server",
            )),
            Source::View(_) => Err(Error::invalid(
                "the columns of a view are those of its query's plan",
            )),
            Source::Segments { files, .. } | Source::Files { files, .. } if files.is_empty() => {
                Err(Error::new(
                    ErrorKind::NotFound,
                    "there are no files to take the columns from",
                ))
            }
            Source::Segments { store, files } => self.infer_parquet(store, files, &stores).await,
            Source::Files {
                store,
                files,
                format,
                paths,
            } => {
                let text = match format {
                    FileFormat::Parquet => None,
                    FileFormat::Csv(options) => Some(TextFormat::Csv(options.clone())),
                    FileFormat::JsonLine(options) => Some(TextFormat::JsonLine(options.clone())),
                };
                let schema = match text {
                    None => self.infer_parquet(store, files, &stores).await?,
                    Some(format) => crate::text::infer(stores.get(store)?, files, &format).await?,
                };
                paths.add_to(schema, files)
            }
        }
    }

    async fn infer_parquet(
        &self,
        store: &Url,
        files: &[FileRef],
        stores: &Stores,
    ) -> Result<SchemaRef, Error> {
        let state = SessionStateBuilder::new()
            .with_runtime_env(self.runtime(stores)?)
            .build();
        tables::infer_parquet(&state, &stores.get(store)?, files).await
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
