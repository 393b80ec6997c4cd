//! A query's session with DataFusion: its tables, its stores, the functions under its guard,
//! the options that give it MySQL's meaning.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, SchemaProvider,
};
use datafusion::config::ConfigOptions;
use datafusion::execution::TaskContext;
use datafusion::execution::disk_manager::DiskManager;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;

use super::{Context, QueryEngine};
use crate::error::{Error, from_datafusion};
use crate::guard::{Guard, guard_functions};
use crate::settings::Settings;
use crate::stop::Stop;
use crate::tables::{self, CATALOG, FilesAtHand, Source, Stores};

/// Sorts that can run side by side; each reserves its part of the memory for merging.
const SORTS_AT_ONCE: usize = 8;
/// Bytes that the texts of a statement may take once they stand in every row of a batch.
const TEXTS_BYTES_MAX: usize = 64 << 20;

impl QueryEngine {
    /// What a query runs in, with its stores.
    pub(super) fn runtime(&self, stores: &Stores) -> Result<Arc<RuntimeEnv>, Error> {
        if stores.is_empty() {
            return Ok(Arc::clone(self.shared().runtime_env()));
        }
        let mut runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::clone(&self.memory))
            .with_object_store_registry(Arc::new(stores.clone()))
            .build()
            .map_err(from_datafusion)?;
        runtime.disk_manager = Arc::clone(&self.disk);
        Ok(Arc::new(runtime))
    }

    /// What every query's session has in common: functions, rules, planners. It is made once.
    ///
    /// # Errors
    /// What building its runtime gives.
    pub(super) fn shared_state(
        memory: &Arc<dyn MemoryPool>,
        disk: &Arc<DiskManager>,
        settings: &Settings,
    ) -> Result<SessionState, Error> {
        let mut runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::clone(memory))
            .with_object_store_registry(Arc::new(Stores::default()))
            .build()
            .map_err(from_datafusion)?;
        runtime.disk_manager = Arc::clone(disk);
        let mut builder = SessionStateBuilder::new().with_default_features();
        // A guard of no query: each query puts its plan under its own.
        let guard = Arc::new(Guard::new(
            Arc::clone(memory),
            settings.value_bytes_max,
            Arc::new(Stop::never()),
        ));
        let functions = builder.scalar_functions().take().unwrap_or_default();
        let functions = functions.into_iter().chain(crate::functions::all());
        *builder.scalar_functions() = Some(guard_functions(functions, &guard));
        // Functions of functions compute outside the guard; MySQL has none.
        *builder.higher_order_functions() = None;
        let planners = builder.expr_planners().take().unwrap_or_default();
        *builder.expr_planners() = Some(
            std::iter::once(crate::meaning::planner())
                .chain(planners)
                .collect(),
        );
        let aggregates = builder.aggregate_functions().take().unwrap_or_default();
        *builder.aggregate_functions() = Some(
            aggregates
                .into_iter()
                .chain(crate::meaning::aggregates())
                .collect(),
        );
        Ok(builder
            .with_analyzer_rules(crate::meaning::analyzer_rules())
            .with_relation_planners(vec![crate::meaning::relation_planner()])
            .with_runtime_env(Arc::new(runtime))
            .with_config(common_config()?)
            .build())
    }

    pub(super) async fn session(
        &self,
        context: &Context,
        stores: &Stores,
        batch_rows: usize,
        files: &FilesAtHand,
        file_paths: bool,
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
            if let Source::View(view) = &table.source {
                let view = self.view(table, view, context, stores, batch_rows, files);
                tables::register_view(schema.as_ref(), table, view.await?)?;
            } else {
                tables::register(schema.as_ref(), table, stores, files, file_paths)?;
            }
        }
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
        let config = self.config(context, self.settings().target_partitions, batch_rows)?;
        Ok(session_of(self.shared(), config, Arc::new(catalogs)))
    }

    /// The session of a plan whose rows come in order: in one partition.
    pub(super) fn in_one_partition(
        &self,
        mut state: SessionState,
        context: &Context,
        batch_rows: usize,
    ) -> Result<SessionState, Error> {
        *state.config_mut() = self.config(context, 1, batch_rows)?;
        Ok(state)
    }

    /// Rows of a batch for a statement with texts of so many bytes: a text can stand in every row.
    pub(super) fn batch_rows(&self, text_bytes: usize) -> usize {
        let rows = TEXTS_BYTES_MAX / text_bytes.max(1);
        self.settings.batch_rows.min(rows.max(1))
    }

    fn config(
        &self,
        context: &Context,
        partitions: usize,
        batch_rows: usize,
    ) -> Result<SessionConfig, Error> {
        let mut config = self.shared().config().clone().with_batch_size(batch_rows);
        let options = config.options_mut();
        let database = context.values.database.as_deref();
        options.catalog.default_schema = database.unwrap_or_default().to_lowercase();
        options
            .set("datafusion.execution.time_zone", &context.values.zone())
            .map_err(from_datafusion)?;
        options.execution.target_partitions = partitions;
        // What a sort keeps free for merging: with less it fails when its memory is full,
        // with more fewer sorts run at once (so: eight).
        options.execution.sort_spill_reservation_bytes =
            self.settings.memory_bytes_max / SORTS_AT_ONCE / partitions.max(1);
        Ok(config)
    }
}

/// What every query's options have in common.
fn common_config() -> Result<SessionConfig, Error> {
    let mut options = ConfigOptions::default();
    options.catalog.create_default_catalog_and_schema = false;
    options.catalog.default_catalog = CATALOG.to_owned();
    options.catalog.information_schema = false;
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.enable_ident_normalization = true;
    // MySQL sorts NULLs as the least of values.
    options
        .set("datafusion.sql_parser.default_null_ordering", "nulls_min")
        .map_err(from_datafusion)?;
    // Rows that come in the wanted order are not sorted again, so that a query ends with the last that it wants.
    options.optimizer.prefer_existing_sort = true;
    options.execution.parquet.schema_force_view_types = true;
    Ok(SessionConfig::from(options))
}

/// A session with the functions and rules of another. They are copied and not registered once more, which took most of
/// the time of planning a short query.
pub(super) fn session_of(
    shared: &SessionState,
    config: SessionConfig,
    catalogs: Arc<dyn CatalogProviderList>,
) -> SessionState {
    let mut state = shared.clone();
    *state.config_mut() = config;
    state.register_catalog_list(catalogs);
    state
}

/// What a plan of a session runs in. It names no functions: a plan has those that it calls.
pub(super) fn task_context(state: &SessionState, runtime: Arc<RuntimeEnv>) -> Arc<TaskContext> {
    Arc::new(TaskContext::new(
        None,
        state.session_id().to_owned(),
        state.config().clone(),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        runtime,
    ))
}
