//! CREATE TABLE … AS: a query's columns and rows as a new table, which is there with its rows or not at all.

use catalog::{Column, CreateOutcome, OnExists, TableSource};
use parser::{CreateTableAs, TableName};
use query::{InsertColumn, InsertTarget, PlannedInsert, PlannedQuery};
use uuid::Uuid;

use crate::error::{Error, Reason, Result};
use crate::gate::{Object, Operation};
use crate::internal::ReadPin;
use crate::segments::{self, Unlisted};
use crate::turns::Work;

use super::queries::{PlannedRead, texts};
use super::result::Done;
use super::tables::kept_if;
use super::{Outcome, Session};

const VERB: &str = "CREATE TABLE";

impl Session {
    pub(crate) async fn create_table_as(&mut self, statement: CreateTableAs) -> Result<Outcome> {
        let (database, name) = self.resolve(&statement.table);
        // The gate first, and the name before a query that may take long.
        let database_object = Object::Database(database.clone());
        let known = (database.clone(), name.clone());
        let exists = self
            .act(
                Operation::CreateTable,
                database_object,
                move |acting, permit| {
                    acting.existing_database(permit, &known.0)?;
                    let catalog = &acting.instance.catalog;
                    Ok(catalog
                        .table(permit.account(), &known.0, &known.1)?
                        .is_some())
                },
            )
            .await?;
        if exists {
            return self.table_exists(VERB, &name, statement.if_not_exists);
        }
        let _turn = self.take_turn(Work::Insert).await?;
        let PlannedRead { planned, pin, .. } = self.plan_query(&statement.source).await?;
        let on_exists = kept_if(statement.if_not_exists);
        let (created, done) = self
            .make_table_of(&statement.table, planned, pin, on_exists)
            .await?;
        match created {
            // Made by another meanwhile: ours is not listed, and goes at the next start.
            CreateOutcome::Kept => self.table_exists(VERB, &name, statement.if_not_exists),
            CreateOutcome::Created | CreateOutcome::Replaced => Ok(Outcome::Done(done)),
        }
    }

    /// Makes a table of what a query gives, all of it or nothing.
    pub(super) async fn make_table_of(
        &self,
        name: &TableName,
        planned: PlannedQuery,
        pin: ReadPin,
        on_exists: OnExists,
    ) -> Result<(CreateOutcome, Done)> {
        let columns = columns_of(&planned.schema())?;
        let target = InsertTarget {
            columns: columns
                .iter()
                .map(|column| {
                    Ok(InsertColumn {
                        field: query::arrow_field(
                            &column.name,
                            &column.data_type,
                            column.nullable,
                        )?,
                        default: None,
                        auto_increment: None,
                    })
                })
                .collect::<Result<_>>()?,
            named: None,
        };
        let rows = PlannedInsert::of_query(planned, &target)?;
        // The table has no id yet; any folder that is no other table's will do.
        let folder = Uuid::now_v7().to_string();
        let written = segments::write(&self.instance, &folder, rows.stream()?, rows.schema());
        let written = written.await?;
        drop(pin);
        let count = written.as_ref().map_or(0, Unlisted::rows);
        let warnings = texts(rows.warnings());
        let created = self
            .add_table(name, columns, String::new(), on_exists, || {
                let segment = written.and_then(Unlisted::into_segment);
                TableSource::Segments(segment.into_iter().collect())
            })
            .await?;
        let done = Done {
            verb: VERB,
            affected_rows: count,
            warnings,
            ..Done::default()
        };
        Ok((created, done))
    }
}

/// Columns that take what the query gives.
pub(super) fn columns_of(schema: &arrow::datatypes::Schema) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let name = field.name().to_lowercase();
        if columns.iter().any(|column| column.name == name) {
            return Err(Error::new(
                Reason::QueryInvalid,
                1060,
                "42S21",
                format!(
                    "Duplicate column name '{name}'; give the columns of the query different names with AS"
                ),
            ));
        }
        columns.push(Column {
            name,
            data_type: query::declared_type(field)?,
            nullable: field.is_nullable(),
            default: None,
            primary_key: false,
            auto_increment: false,
            comment: String::new(),
        });
    }
    Ok(columns)
}
