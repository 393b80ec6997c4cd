//! MySQL's text to a statement that DataFusion plans with MySQL's meaning:
//! parse in MySQL's dialect, check its size, take the column labels, rewrite.

mod balance;
mod build;
mod calls;
mod date_calls;
mod dialect;
mod expressions;
mod file_paths;
mod group_concat;
mod having;
mod ignoring_case;
mod intervals;
mod items;
mod joins;
mod labels;
mod limits;
pub(crate) mod planners;
mod recursive;
mod rewrite;
mod rows;
mod session;
mod values;
mod windows;

use std::collections::BTreeSet;

use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{Query, Statement as SqlStatement};
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

pub(crate) use file_paths::hide_file_paths;
pub(crate) use labels::Labels;
pub use session::SessionValues;
pub(crate) use values::ROWS;

use crate::error::{Error, ErrorKind, from_datafusion, from_parser};
use crate::tables::TableDefinition;

/// A table that a statement names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableRef {
    /// The database, when the text names one.
    pub database: Option<String>,
    /// The table, in lower case.
    pub table: String,
}

/// What is wanted of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Rows,
    /// EXPLAIN: the plan, without running it.
    Plan,
    /// EXPLAIN ANALYZE: the plan with what its run took.
    Run,
}

/// A parsed query, not yet rewritten.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) query: Box<Query>,
    pub(crate) labels: Labels,
    pub(crate) wanted: Wanted,
    /// Bytes of all its string literals.
    pub(crate) text_bytes: usize,
    /// Whether it names the column that tells a row's file.
    pub(crate) file_paths: bool,
}

impl Parsed {
    /// Takes the column that tells a row's file out of what each `*` stands for, where the query names it.
    ///
    /// # Errors
    /// Unsupported for a `*` of several tables that have it.
    pub(crate) fn hide_file_paths(
        &mut self,
        tables: &[TableDefinition],
        database: Option<&str>,
    ) -> Result<(), Error> {
        match self.file_paths {
            true => hide_file_paths(&mut self.query, tables, database),
            false => Ok(()),
        }
    }
}

/// Parses one query: SELECT, VALUES, a set operation, WITH.
pub(crate) fn parse(sql: &str) -> Result<Parsed, Error> {
    let dialect = dialect::Dialect;
    let tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|error| from_parser(&error.into()))?;
    limits::check(&tokens)?;
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(limits::DEPTH_MAX)
        .with_tokens_with_locations(tokens.clone());
    let mut statements = parser
        .parse_statements()
        .map_err(|error| from_parser(&error))?;
    if statements.len() > 1 {
        return Err(Error::invalid(
            "one statement at a time is wanted, these are several",
        ));
    }
    let (wanted, statement) = match statements.pop() {
        Some(SqlStatement::Explain {
            analyze, statement, ..
        }) if matches!(*statement, SqlStatement::Query(_)) => {
            let wanted = if analyze { Wanted::Run } else { Wanted::Plan };
            (wanted, Some(*statement))
        }
        other => (Wanted::Rows, other),
    };
    match statement {
        Some(SqlStatement::Query(mut query)) => {
            let labels = match wanted {
                Wanted::Rows => Labels::of(&query, sql, &tokens),
                Wanted::Plan | Wanted::Run => Labels::default(),
            };
            // As deep as it is long until then: whatever comes after recurses.
            rewrite::flatten(&mut query)?;
            Ok(Parsed {
                query,
                labels,
                wanted,
                text_bytes: limits::text_bytes(&tokens),
                file_paths: file_paths::are_named(&tokens),
            })
        }
        Some(other) => Err(Error::unsupported(format!(
            "{} is not a query",
            first_words(&other.to_string())
        ))),
        None => Err(Error::new(ErrorKind::Syntax, "the statement is empty")),
    }
}

/// Rewrites a parsed query to DataFusion's meaning of the same.
pub(crate) fn rewrite(query: &mut Query, values: &SessionValues) -> Result<(), Error> {
    rewrite::rewrite(query, values)
}

/// A statement that was parsed once, for its tables and for its plan.
#[derive(Debug)]
pub struct Statement {
    pub(crate) parsed: Parsed,
    tables: Vec<TableRef>,
}

impl Statement {
    /// Parses one query, or EXPLAIN of one, on a thread with a big stack.
    ///
    /// # Errors
    /// Syntax errors with their position; Unsupported for a statement that is no query.
    pub async fn parse(sql: String) -> Result<Self, Error> {
        let (send, receive) = tokio::sync::oneshot::channel();
        planners::start(move || {
            // A dropped receiver means that the caller has given up.
            let _ = send.send(Self::parse_here(&sql));
        })?;
        receive
            .await
            .unwrap_or_else(|_| Err(Error::internal("the planner ended unexpectedly")))
    }

    fn parse_here(sql: &str) -> Result<Self, Error> {
        let parsed = parse(sql)?;
        let tables = tables_of(&parsed.query)?;
        Ok(Self { parsed, tables })
    }

    /// The same query, in whose WHERE a column and a text compare without regard to letters' case. For queries whose
    /// columns are texts.
    #[must_use]
    pub fn ignoring_case(mut self) -> Self {
        ignoring_case::in_condition(&mut self.parsed.query);
        self
    }

    /// The tables that it names, sorted, each once; names of its WITH clause are none of them.
    #[must_use]
    pub fn tables(&self) -> &[TableRef] {
        &self.tables
    }
}

/// The tables that a query's text names, sorted, each once; names of its WITH clause are none of them.
///
/// # Errors
/// Syntax errors with their position; Unsupported for a statement that is no query.
pub fn table_references(sql: &str) -> Result<Vec<TableRef>, Error> {
    let text = sql.to_owned();
    planners::run(move || Statement::parse_here(&text)).map(|statement| statement.tables)
}

fn tables_of(query: &Query) -> Result<Vec<TableRef>, Error> {
    let mut query = Box::new(query.clone());
    rewrite::fold_names(&mut query)?;
    let functions = rewrite::table_functions(&query);
    let statement = DfStatement::Statement(Box::new(SqlStatement::Query(query)));
    let (tables, _) = resolve_table_references(&statement, true).map_err(from_datafusion)?;
    let found: BTreeSet<TableRef> = tables
        .into_iter()
        .map(|table| TableRef {
            database: table.schema().map(str::to_owned),
            table: table.table().to_owned(),
        })
        .filter(|table| {
            !(table.database.is_none()
                && (functions.contains(&table.table) || table.table == "dual"))
        })
        .collect();
    Ok(found.into_iter().collect())
}

fn first_words(text: &str) -> String {
    text.split_whitespace()
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether a token is the bare word.
fn is_word(token: &TokenWithSpan, word: &str) -> bool {
    matches!(&token.token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}
