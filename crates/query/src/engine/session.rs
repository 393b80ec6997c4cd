//! A query's session with DataFusion: its tables, its stores, the functions under its guard,
//! the options that give it MySQL's meaning.

use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, SchemaProvider,
};
use datafusion::config::ConfigOptions;
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
    pub(super) fn runtime(&self, stores: &Stores) -> Result<Arc<RuntimeEnv>, Error> {
        let mut runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::clone(&self.memory))
            .with_object_store_registry(Arc::new(stores.clone()))
            .build()
            .map_err(from_datafusion)?;
        runtime.disk_manager = Arc::clone(&self.disk);
        Ok(Arc::new(runtime))
    }

    /// What every query's session has in common: functions, rules, planners. It is made once.
    pub(super) fn shared_state(memory: &Arc<dyn MemoryPool>, settings: &Settings) -> SessionState {
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
        builder
            .with_analyzer_rules(crate::meaning::analyzer_rules())
            .build()
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
        Ok(
            SessionStateBuilder::new_from_existing(self.shared().clone())
                .with_config(config)
                .with_runtime_env(self.runtime(stores)?)
                .with_catalog_list(Arc::new(catalogs))
                .build(),
        )
    }

    /// The session of a plan whose rows come in order: in one partition.
    pub(super) fn in_one_partition(
        &self,
        state: SessionState,
        context: &Context,
        batch_rows: usize,
    ) -> Result<SessionState, Error> {
        Ok(SessionStateBuilder::new_from_existing(state)
            .with_config(self.config(context, 1, batch_rows)?)
            .build())
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
        // Rows that come in the wanted order are not sorted again, so that a query ends with the last that it wants.
        options.optimizer.prefer_existing_sort = true;
        options.execution.parquet.schema_force_view_types = true;
        // What a sort keeps free for merging: with less it fails when its memory is full,
        // with more fewer sorts run at once (so: eight).
        options.execution.sort_spill_reservation_bytes =
            self.settings.memory_bytes_max / SORTS_AT_ONCE / partitions.max(1);
        Ok(SessionConfig::from(options))
    }
}
