//! Rows of a SHOW for which an expression is true: a query over them, like any other.

use std::sync::Arc;

use arrow::datatypes::Schema;
use futures::StreamExt;
use parser::QueryText;
use query::{Source, TableDefinition};

use crate::error::{Error, Result};
use crate::gate::{Object, Operation};

use super::Session;
use super::queries::{STAGED_FILES, Sources, labelled, warnings_of};
use super::result::{Outcome, Rows, text_batch};

/// What the rows are called within their query.
const SHOWN: &str = "shown";

impl Session {
    /// The rows of a SHOW for which `condition`, an expression over its columns whose brackets match, is true.
    ///
    /// # Errors
    /// Those of a query.
    pub(crate) async fn rows_where(
        &self,
        verb: &'static str,
        columns: &[&str],
        rows: Vec<Vec<Option<String>>>,
        condition: &str,
    ) -> Result<Outcome> {
        self.allow(Operation::Query, Object::Account).await?;
        let batch = text_batch(columns, rows)?;
        let table = TableDefinition {
            database: STAGED_FILES.to_owned(),
            name: SHOWN.to_owned(),
            schema: Some(batch.schema()),
            source: Source::Batches(vec![batch]),
        };
        // In brackets, so that it is nothing but an expression.
        let query = QueryText {
            text: format!("SELECT * FROM `{STAGED_FILES}`.`{SHOWN}` WHERE ({condition})"),
            ..QueryText::default()
        };
        let pin = self.instance.internal.pin();
        let mut sources = Sources::new(&self.instance)?;
        let within = |error: Error| error.within(format_args!("the WHERE of {verb}"));
        let context = self.query_context_in(&query, &mut sources, vec![table]);
        let (_, statement, context) = context.await.map_err(within)?;
        // As MySQL compares names.
        let statement = statement.ignoring_case();
        let planned = self.instance.engine.plan_statement(statement, context);
        let planned = planned.await.map_err(Error::from).map_err(within)?;
        // As the SHOW writes them: within a query names are folded.
        let fields = planned.schema();
        let fields = fields.fields().iter().zip(columns);
        let fields: Vec<_> = fields
            .map(|(field, name)| field.as_ref().clone().with_name(*name))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let batches = labelled(planned.stream()?, &schema).map(move |batch| {
            let _pinned = &pin;
            batch.map_err(Error::from)
        });
        Ok(Outcome::Rows(Rows {
            verb,
            schema,
            batches: Box::pin(batches),
            warnings: warnings_of(planned),
            origins: Vec::new(),
        }))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use futures::TryStreamExt;

    use super::*;
    use crate::error::Reason;
    use crate::{Server, Settings};

    async fn first_column(session: &mut Session, statement: &str) -> Result<Vec<String>> {
        let Outcome::Rows(rows) = session.execute(statement).await? else {
            panic!("{statement}: no rows");
        };
        let batches: Vec<_> = rows.batches.try_collect().await?;
        let mut cells = Vec::new();
        for batch in batches {
            for row in 0..batch.num_rows() {
                let column = batch.column(0);
                cells.push(arrow::util::display::array_value_to_string(column, row).unwrap());
            }
        }
        Ok(cells)
    }

    #[tokio::test]
    async fn show_takes_where_over_its_columns() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::open(Settings::embedded(folder.path()))
            .await
            .unwrap();
        let mut session = server.session().unwrap();
        for statement in [
            "CREATE DATABASE d",
            "USE d",
            "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b INT)",
            "CREATE TABLE u (a INT)",
            "CREATE VIEW v AS SELECT a FROM u",
            "INSERT INTO u VALUES (1)",
        ] {
            session.execute(statement).await.unwrap();
        }
        for (statement, expected) in [
            (
                "SHOW VARIABLES WHERE Variable_name = 'autocommit' OR `variable_name` LIKE 'max\\_conn%'",
                vec!["autocommit", "max_connections"],
            ),
            (
                "SHOW STATUS WHERE Variable_name = 'Uptime' AND Value >= 0",
                vec!["Uptime"],
            ),
            ("SHOW TABLES WHERE Tables_in_d IN ('t', 'x')", vec!["t"]),
            (
                "SHOW FULL TABLES WHERE Table_type != 'VIEW'",
                vec!["t", "u"],
            ),
            (
                "SHOW FULL TABLES FROM d WHERE table_type = 'VIEW'",
                vec!["v"],
            ),
            (
                "SHOW COLUMNS FROM t WHERE `Key` = 'PRI' OR Type = 'int'",
                vec!["id", "b"],
            ),
            ("SHOW DATABASES WHERE `Database` = 'd'", vec!["d"]),
            (
                "SHOW COLLATION WHERE `Default` = 'Yes'",
                vec!["utf8mb4_bin"],
            ),
            ("SHOW CHARACTER SET WHERE Maxlen > 3", vec!["utf8mb4"]),
            ("SHOW TABLE STATUS WHERE Comment = 'VIEW'", vec!["v"]),
            ("SHOW INDEX FROM t WHERE Key_name = 'PRIMARY'", vec!["t"]),
            (
                "SHOW TABLES WHERE Tables_in_d IN (SELECT 'u' FROM u)",
                vec!["u"],
            ),
            ("SHOW TABLES WHERE FALSE", vec![]),
            (
                "SHOW VARIABLES WHERE Variable_name = 'AutoCommit' OR 'UPTIME' = Variable_name",
                vec!["autocommit"],
            ),
            ("SHOW TABLES WHERE Tables_in_d IN ('T', 'X')", vec!["t"]),
            ("SHOW TABLES WHERE Tables_in_d LIKE 'U%'", vec!["u"]),
            ("SHOW FULL TABLES WHERE Table_type = 'view'", vec!["v"]),
            (
                "SHOW TABLES WHERE Tables_in_d COLLATE utf8mb4_bin = 'T'",
                vec![],
            ),
        ] {
            let cells = first_column(&mut session, statement).await;
            assert_eq!(cells.unwrap(), expected, "{statement}");
        }
        let Outcome::Rows(rows) = session
            .execute("SHOW FULL TABLES WHERE FALSE")
            .await
            .unwrap()
        else {
            panic!("no rows");
        };
        let fields = rows.schema.fields().iter();
        let labels: Vec<&str> = fields.map(|field| field.name().as_str()).collect();
        assert_eq!(labels, ["Tables_in_d", "Table_type"]);

        for (statement, reason) in [
            ("SHOW TABLES WHERE nothing = 1", Reason::ColumnNotFound),
            ("SHOW TABLES WHERE TRUE) OR (TRUE", Reason::SyntaxError),
            ("SHOW TABLES WHERE TRUE UNION SELECT 1", Reason::SyntaxError),
            ("SHOW TABLES WHERE TRUE LIMIT 1", Reason::SyntaxError),
            (
                "SHOW TABLES WHERE (SELECT a FROM d.missing)",
                Reason::TableNotFound,
            ),
        ] {
            let error = first_column(&mut session, statement).await.unwrap_err();
            assert_eq!(error.reason(), reason, "{statement}: {error}");
        }
    }
}
