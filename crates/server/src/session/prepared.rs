//! Prepared statements: a statement with a `?` for each value, looked at once and run with values as often as asked.
//! Nothing of it is held by the session: a run reads the text with its values as any other statement's.

use arrow::datatypes::SchemaRef;
use parser::{FillError, Limits, Plan, Template, Value};

use crate::error::{Error, Reason, Result};
use crate::gate::{Object, Operation};
use crate::sql::{self, Effect};

use super::bounds::Bounds;
use super::origins::Origin;
use super::queries::{PlannedRead, as_written};
use super::result::{Outcome, Rows};
use super::{Purpose, Session};

/// What a parameter takes of a prepared statement's memory, and a column of its result, about.
const PARAMETER_BYTES: usize = 32;
const COLUMN_BYTES: usize = 512;

/// A statement that is ready to be run with values.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    template: Template,
    /// The columns of its result, where it is a query and they do not depend on its values.
    columns: Option<SchemaRef>,
    /// Of these columns.
    origins: Vec<Option<Origin>>,
}

/// A statement that has its values, read and not run.
#[derive(Clone)]
pub(crate) struct Ready(Plan);

impl Ready {
    /// What running it leaves behind.
    pub(crate) fn effect(&self) -> Effect {
        sql::effect(&self.0)
    }
}

impl Prepared {
    /// How many values it takes.
    pub(crate) fn parameters(&self) -> usize {
        self.template.parameters()
    }

    /// The memory that it takes, about, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let columns = self.columns.as_ref();
        let columns = columns.map_or(0, |columns| columns.fields().len());
        let text = self.template.text().len();
        text + self.parameters() * PARAMETER_BYTES + columns * COLUMN_BYTES
    }

    /// The columns of its result, as far as they are known before it has run.
    pub(crate) fn columns(&self) -> Option<&SchemaRef> {
        self.columns.as_ref()
    }

    /// The table's column that each of them is, where it is one.
    pub(crate) fn origins(&self) -> &[Option<Origin>] {
        &self.origins
    }
}

impl Session {
    /// Looks at a statement without running it: its parameters and, where it is a query, its columns, found by
    /// planning it with NULL for each value.
    ///
    /// # Errors
    /// [`Reason::SyntaxError`]; what planning a query says of its tables and columns; nothing that may be otherwise
    /// once the values are known.
    pub(crate) async fn prepare(&mut self, text: &str) -> Result<Prepared> {
        let (template, plan) = self.template(text).await?;
        let columns = match plan {
            Some(plan @ Plan::Query(_)) => match self.run(plan, Purpose::Describe).await {
                Ok(Outcome::Rows(rows)) => Some((rows.schema, rows.origins)),
                Ok(Outcome::Done(_) | Outcome::Export(_) | Outcome::Transfer(_)) => None,
                Err(error) if template.parameters() > 0 && may_be_of_values(&error) => None,
                Err(error) => return Err(error),
            },
            Some(_) | None => None,
        };
        let (columns, origins) = columns.unzip();
        Ok(Prepared {
            template,
            columns,
            origins: origins.unwrap_or_default(),
        })
    }

    /// Runs a prepared statement with a value for each of its parameters. Gives its bounds, too, which hold until its
    /// results are with the client.
    ///
    /// # Errors
    /// [`Reason::OptionInvalid`] when there is not one value for each, or a value has no literal; those of
    /// [`Session::execute`].
    pub(crate) async fn execute_prepared(
        &mut self,
        prepared: &Prepared,
        values: &[Value],
    ) -> Result<(Outcome, Bounds)> {
        let plan = self.filled(&prepared.template, values).await?;
        self.execute_ready(Ready(plan)).await
    }

    /// Reads a statement with a value for each of its parameters.
    ///
    /// # Errors
    /// [`Reason::SyntaxError`]; those of [`Session::execute_prepared`] for the values.
    pub(crate) async fn ready(&mut self, text: &str, values: &[Value]) -> Result<Ready> {
        self.parse_with_values(text, values).await.map(Ready)
    }

    /// The columns of what a statement gives that leaves nothing behind: a query is planned, another is run.
    ///
    /// # Errors
    /// Those of [`Session::execute`]; a defect for a statement that gives no rows.
    pub(crate) async fn columns_of(&mut self, ready: Ready) -> Result<SchemaRef> {
        let purpose = match matches!(ready.0, Plan::Query(_)) {
            true => Purpose::Describe,
            false => Purpose::Execute,
        };
        match self.run(ready.0, purpose).await? {
            Outcome::Rows(rows) => Ok(rows.schema),
            Outcome::Done(_) | Outcome::Export(_) | Outcome::Transfer(_) => {
                Err(Error::defect("a statement without an effect gave no rows"))
            }
        }
    }

    /// Runs a statement. Gives its bounds, too, which hold until its results are with the client.
    ///
    /// # Errors
    /// Those of [`Session::execute`].
    pub(crate) async fn execute_ready(&mut self, ready: Ready) -> Result<(Outcome, Bounds)> {
        let outcome = self.run(ready.0, Purpose::Execute).await?;
        Ok((outcome, self.statement.clone()))
    }

    /// A query's columns, and no row.
    pub(super) async fn describe(&self, plan: Plan) -> Result<Outcome> {
        let Plan::Query(query) = plan else {
            return Ok(Outcome::done(plan.verb()));
        };
        self.allow(Operation::Query, Object::Account).await?;
        let PlannedRead {
            planned, origins, ..
        } = self.plan_query(&query).await?;
        Ok(Outcome::Rows(Rows {
            verb: "PREPARE",
            schema: as_written(&query, planned.schema()),
            batches: Box::pin(futures::stream::empty()),
            warnings: std::sync::Arc::new(Vec::new),
            origins,
        }))
    }

    pub(super) fn parser_limits(&self) -> Limits {
        let limits = &self.instance.settings.limits;
        Limits {
            statement_bytes_max: limits.statement_bytes_max,
            nesting_max: limits.nesting_max,
        }
    }
}

/// Whether a query that cannot be planned with NULLs may be one that can with other values.
fn may_be_of_values(error: &Error) -> bool {
    matches!(
        error.reason(),
        Reason::QueryInvalid | Reason::ValueInvalid | Reason::NotSupported | Reason::NotImplemented
    )
}

impl From<FillError> for Error {
    fn from(error: FillError) -> Self {
        let (code, sqlstate) = match &error {
            FillError::Count { .. } => (1210, "HY000"),
            FillError::Invalid { .. } => (1366, "HY000"),
        };
        let text = format!("Incorrect arguments to EXECUTE: {error}");
        Self::new(Reason::OptionInvalid, code, sqlstate, text)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use futures::TryStreamExt;

    use super::*;
    use crate::{Server, Settings};

    #[tokio::test]
    async fn a_prepared_statement_tells_its_columns_and_runs_with_values() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::open(Settings::embedded(folder.path()))
            .await
            .unwrap();
        let mut session = server.session().unwrap();
        for statement in [
            "CREATE DATABASE d",
            "USE d",
            "CREATE TABLE t (a INT, b VARCHAR(20))",
        ] {
            session.execute(statement).await.unwrap();
        }
        let insert = session
            .prepare("INSERT INTO t VALUES (?, ?)")
            .await
            .unwrap();
        assert_eq!((insert.parameters(), insert.columns()), (2, None));
        for (a, b) in [(1, "it's"), (2, "a ? \\")] {
            let values = [Value::Int(a), Value::Text(b.to_owned())];
            session.execute_prepared(&insert, &values).await.unwrap();
        }
        let query = "SELECT a, b FROM t WHERE a >= ? ORDER BY a LIMIT ?";
        let query = session.prepare(query).await.unwrap();
        let names: Vec<String> = query
            .columns()
            .unwrap()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        assert_eq!(names, ["a", "b"]);
        let values = [Value::Int(2), Value::Int(10)];
        let (outcome, _) = session.execute_prepared(&query, &values).await.unwrap();
        let Outcome::Rows(rows) = outcome else {
            panic!("no rows");
        };
        let batches: Vec<_> = rows.batches.try_collect().await.unwrap();
        assert_eq!(
            batches.iter().map(|batch| batch.num_rows()).sum::<usize>(),
            1
        );

        let error = session.execute_prepared(&query, &values[..1]).await;
        let error = error.err().unwrap();
        assert_eq!(
            (error.reason(), error.code()),
            (Reason::OptionInvalid, 1210)
        );
        for (text, reason) in [
            ("SELECT ? FROM nothing", Reason::TableNotFound),
            ("SELECT c FROM t WHERE a = ?", Reason::ColumnNotFound),
            ("SELEC ?", Reason::SyntaxError),
            ("SELECT '", Reason::SyntaxError),
        ] {
            let error = session.prepare(text).await.err().unwrap();
            assert_eq!(error.reason(), reason, "{text}: {error}");
        }
    }
}
