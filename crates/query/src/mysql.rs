//! MySQL's text to a statement that DataFusion plans with MySQL's meaning:
//! parse in MySQL's dialect, check its size, take the column labels, rewrite.

mod balance;
mod build;
mod calls;
mod date_calls;
mod dialect;
mod expressions;
mod group_concat;
mod items;
mod labels;
mod limits;
mod rewrite;
mod session;

use std::collections::BTreeSet;

use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{Query, Statement};
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

pub(crate) use labels::Labels;
pub use session::SessionValues;

use crate::error::{Error, ErrorKind, from_datafusion, from_parser};

/// Bytes of stack that parsing, rewriting and planning may take; see `on_big_stack`.
pub(crate) const STACK_BYTES: usize = 256 << 20;

/// A table that a statement names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableRef {
    /// The database, when the text names one.
    pub database: Option<String>,
    /// The table, in lower case.
    pub table: String,
}

/// A parsed query, not yet rewritten.
pub(crate) struct Parsed {
    pub(crate) query: Box<Query>,
    pub(crate) labels: Labels,
    /// Bytes of all its string literals.
    pub(crate) text_bytes: usize,
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
    match statements.pop() {
        Some(Statement::Query(query)) => {
            let labels = Labels::of(&query, sql, &tokens);
            Ok(Parsed {
                query,
                labels,
                text_bytes: limits::text_bytes(&tokens),
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

/// The tables that a query's text names, sorted, each once; names of its WITH clause are none of them.
///
/// # Errors
/// Syntax errors with their position; Unsupported for a statement that is no query.
pub fn table_references(sql: &str) -> Result<Vec<TableRef>, Error> {
    let text = sql.to_owned();
    on_big_stack(move || {
        let mut parsed = parse(&text)?;
        rewrite::fold_names(&mut parsed.query)?;
        let functions = rewrite::table_functions(&parsed.query);
        let statement = DfStatement::Statement(Box::new(Statement::Query(parsed.query)));
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
    })
}

/// Runs `work` on a thread of its own with a stack of 256 MiB (address space; only what is touched
/// becomes memory): sqlparser, DataFusion's planner and the drop of both's trees recurse as deep as the text nests.
pub(crate) fn on_big_stack<T: Send>(
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("query-planner".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(|error| {
                Error::new(
                    ErrorKind::ResourcesExhausted,
                    "no thread could be started to plan the query",
                )
                .because(error)
            })?;
        thread
            .join()
            .unwrap_or_else(|_| Err(Error::internal("the planner ended unexpectedly")))
    })
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
