//! SHOW and DESCRIBE of databases, tables and exports. (Stages' own are beside their DDL.)

use arrow::array::{Scalar, StringArray};
use catalog::{ExportRecord, TableRecord, TableSource};
use parser::{ShowColumns, ShowTables, TableName};

use crate::error::Result;
use crate::system_tables;
use crate::time::timestamp_text;

use super::{Outcome, Session};

/// SHOW EXPORTS lists this many, newest first; `stagedoor.exports` has them all.
const SHOWN_EXPORTS_MAX: usize = 1000;

impl Session {
    pub(super) fn show_databases(&self, like: Option<&str>) -> Result<Outcome> {
        let mut names: Vec<String> = self
            .instance
            .catalog
            .databases(self.account())?
            .into_iter()
            .map(|database| database.name)
            .collect();
        names.extend(
            system_tables::SYSTEM_DATABASES
                .iter()
                .map(|name| (*name).to_owned()),
        );
        names.sort();
        names_outcome("SHOW DATABASES", "Database", names, like)
    }

    pub(super) fn show_tables(&self, statement: &ShowTables) -> Result<Outcome> {
        let database = statement
            .database
            .as_ref()
            .map_or(self.database(), |name| name.value.as_str());
        self.existing_database(database)?;
        let names = match system_tables::table_names(database) {
            Some(names) => names.into_iter().map(str::to_owned).collect(),
            None => self
                .instance
                .catalog
                .tables(self.account(), database)?
                .into_iter()
                .map(|table| table.name)
                .collect(),
        };
        names_outcome(
            "SHOW TABLES",
            &format!("Tables_in_{database}"),
            names,
            statement.like.as_ref().map(|like| like.value.as_str()),
        )
    }

    pub(super) fn show_columns(&self, statement: &ShowColumns) -> Result<Outcome> {
        let like = statement.like.as_ref().map(|like| like.value.as_str());
        self.columns("SHOW COLUMNS", &statement.table, statement.full, like)
    }

    pub(super) fn describe_table(&self, name: &TableName) -> Result<Outcome> {
        self.columns("DESCRIBE TABLE", name, false, None)
    }

    fn columns(
        &self,
        verb: &'static str,
        name: &TableName,
        full: bool,
        like: Option<&str>,
    ) -> Result<Outcome> {
        let (database, table) = self.resolve(name)?;
        let rows: Vec<Vec<Option<String>>> =
            match system_tables::batch(&self.instance, &database, &table)? {
                Some(batch) => batch
                    .schema()
                    .fields()
                    .iter()
                    .map(|field| {
                        vec![
                            Some(field.name().clone()),
                            Some(query::sql_type(field.data_type())),
                            yes(field.is_nullable()),
                            Some(String::new()),
                            None,
                            Some(String::new()),
                            Some(String::new()),
                        ]
                    })
                    .collect(),
                None => {
                    let record = self.existing_table(&database, &table)?;
                    let row = |column: catalog::Column| {
                        let key = if column.primary_key { "PRI" } else { "" };
                        vec![
                            Some(column.name),
                            Some(column.data_type),
                            yes(column.nullable),
                            Some(key.to_owned()),
                            column.default,
                            Some(String::new()),
                            Some(column.comment),
                        ]
                    };
                    record.columns.into_iter().map(row).collect()
                }
            };
        let rows = rows.into_iter().filter(|row| {
            like.is_none_or(|pattern| {
                row[0]
                    .as_ref()
                    .is_some_and(|name| like_matches(pattern, name))
            })
        });
        let columns = [
            "Field", "Type", "Null", "Key", "Default", "Extra", "Comment",
        ];
        let width = if full { 7 } else { 6 };
        Outcome::text_rows(verb, &columns[..width], rows.collect())
    }

    pub(super) fn show_create_table(&self, name: &TableName) -> Result<Outcome> {
        let (database, table) = self.resolve(name)?;
        let record = self.existing_table(&database, &table)?;
        let row = vec![Some(record.name.clone()), Some(create_statement(&record))];
        Outcome::text_rows("SHOW CREATE TABLE", &["Table", "Create Table"], vec![row])
    }

    pub(super) fn show_exports(&self) -> Result<Outcome> {
        let exports = self
            .instance
            .catalog
            .exports(self.account(), SHOWN_EXPORTS_MAX)?;
        let row = |export: ExportRecord| {
            let stage = export
                .stage
                .map(|(name, version)| format!("{name} (version {version})"));
            vec![
                Some(export.id),
                Some(format!("{:?}", export.state).to_uppercase()),
                Some(export.target),
                stage,
                Some(export.rows.to_string()),
                Some(export.bytes.to_string()),
                Some(timestamp_text(export.created_us)),
                export.finished_us.map(timestamp_text),
                Some(export.user),
                export.error,
            ]
        };
        let columns = [
            "EXPORT_ID",
            "STATE",
            "TARGET",
            "STAGE",
            "ROWS",
            "BYTES",
            "STARTED",
            "FINISHED",
            "USER",
            "ERROR",
        ];
        Outcome::text_rows(
            "SHOW EXPORTS",
            &columns,
            exports.into_iter().map(row).collect(),
        )
    }
}

/// SQL's LIKE, without regard to case: names are folded.
pub(super) fn like_matches(pattern: &str, name: &str) -> bool {
    let (name, pattern) = (
        StringArray::from(vec![name]),
        Scalar::new(StringArray::from(vec![pattern])),
    );
    arrow::compute::ilike(&name, &pattern).is_ok_and(|matches| matches.value(0))
}

fn names_outcome(
    verb: &'static str,
    column: &str,
    names: Vec<String>,
    like: Option<&str>,
) -> Result<Outcome> {
    let rows = names
        .into_iter()
        .filter(|name| like.is_none_or(|pattern| like_matches(pattern, name)))
        .map(|name| vec![Some(name)]);
    Outcome::text_rows(verb, &[column], rows.collect())
}

fn yes(nullable: bool) -> Option<String> {
    Some(if nullable { "YES" } else { "NO" }.to_owned())
}

fn create_statement(table: &TableRecord) -> String {
    let mut lines: Vec<String> = table.columns.iter().map(column_line).collect();
    let keys: Vec<String> = table
        .columns
        .iter()
        .filter(|column| column.primary_key)
        .map(|column| backquoted(&column.name))
        .collect();
    if !keys.is_empty() {
        lines.push(format!("  PRIMARY KEY ({})", keys.join(",")));
    }
    let body = lines.join(",\n");
    match &table.source {
        TableSource::External { location, options } => {
            let mut pairs = vec![("FILEPATH", location.as_str())];
            pairs.extend(
                options
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_str())),
            );
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(key, value)| format!("'{}'={}", key.to_uppercase(), quoted(value)))
                .collect();
            format!(
                "CREATE EXTERNAL TABLE {} (\n{body}\n) INFILE{{{}}}",
                backquoted(&table.name),
                pairs.join(",")
            )
        }
        _ => format!("CREATE TABLE {} (\n{body}\n)", backquoted(&table.name)),
    }
}

fn column_line(column: &catalog::Column) -> String {
    let null = if column.nullable { "" } else { " NOT NULL" };
    let default = match &column.default {
        Some(default) => format!(" DEFAULT {default}"),
        None if column.nullable => " DEFAULT NULL".to_owned(),
        None => String::new(),
    };
    let comment = if column.comment.is_empty() {
        String::new()
    } else {
        format!(" COMMENT {}", quoted(&column.comment))
    };
    format!(
        "  {} {}{null}{default}{comment}",
        backquoted(&column.name),
        column.data_type
    )
}

fn backquoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_its_wildcards() {
        assert!(like_matches("stage%", "stage1"));
        assert!(like_matches("STAGE_", "stage1"));
        assert!(!like_matches("stage", "stage1"));
    }
}
