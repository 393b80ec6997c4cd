//! `__mo_filepath`: the column of tables of files that tells which file a row comes from. No `*` stands for it, so it is
//! taken out of each `*` of a query that names it; in all others tables do not have it.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Ident, JoinConstraint, JoinOperator, ObjectName, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, TableFactor, TableWithJoins, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::Error;
use crate::tables::{FILE_PATH, Source, TableDefinition};

/// Whether a query names the column.
pub(super) fn are_named(tokens: &[TokenWithSpan]) -> bool {
    tokens.iter().any(|token| {
        matches!(&token.token, Token::Word(word) if word.value.eq_ignore_ascii_case(FILE_PATH))
    })
}

/// Takes the column out of what each `*` stands for. `database` is where names without one are looked up.
///
/// # Errors
/// Unsupported for a `*` of several tables that have it, and for NATURAL JOIN of one.
pub(crate) fn hide_file_paths(
    query: &mut Query,
    tables: &[TableDefinition],
    database: Option<&str>,
) -> Result<(), Error> {
    let mut stars = Stars {
        tables,
        database,
        around: Vec::new(),
    };
    match query.visit(&mut stars) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Stars<'a> {
    tables: &'a [TableDefinition],
    database: Option<&'a str>,
    /// The queries around what is looked at, from the outside in.
    around: Vec<Around>,
}

/// A query, with the names that its WITH gives, each of which hides a table.
struct Around {
    /// In lower case, in their order.
    names: Vec<String>,
    /// How many of them are known: those behind are not seen by the one before, nor by itself.
    known: usize,
}

impl Around {
    fn new(query: &Query) -> Self {
        let mut names = Vec::new();
        let mut is_recursive = false;
        if let Some(with) = &query.with {
            is_recursive = with.recursive;
            let tables = with.cte_tables.iter();
            names.extend(tables.map(|cte| cte.alias.name.value.to_lowercase()));
        }
        let known = if is_recursive { names.len() } else { 0 };
        Self { names, known }
    }

    fn hides(&self, table: &str) -> bool {
        let known = self.names.iter().take(self.known);
        known.into_iter().any(|name| name == table)
    }
}

impl Stars<'_> {
    /// What the query calls its tables of files.
    fn of_files(&self, from: &[TableWithJoins]) -> Vec<String> {
        let mut found = Vec::new();
        for table in from {
            self.add(&table.relation, &mut found);
            for join in &table.joins {
                self.add(&join.relation, &mut found);
            }
        }
        found
    }

    fn add(&self, factor: &TableFactor, found: &mut Vec<String>) {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } if self.is_of_files(name) => {
                let called = alias.as_ref().map(|alias| alias.name.value.to_lowercase());
                found.extend(called.or_else(|| parts(name).pop()));
            }
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => found.extend(self.of_files(std::slice::from_ref(table_with_joins))),
            // Others have the columns that they select.
            _ => {}
        }
    }

    fn is_of_files(&self, name: &ObjectName) -> bool {
        let mut parts = parts(name);
        let Some(table) = parts.pop() else {
            return false;
        };
        let database = parts.pop();
        if database.is_none() && self.around.iter().any(|query| query.hides(&table)) {
            return false;
        }
        let database = database.as_deref().or(self.database);
        self.tables.iter().any(|known| {
            known.name == table
                && Some(known.database.as_str()) == database
                && matches!(&known.source, Source::Files { paths, .. } if paths.place.is_some())
        })
    }
}

/// Whether a part of FROM joins by all columns that have the same name.
fn joins_by_name(from: &TableWithJoins) -> bool {
    let is_nested = |factor: &TableFactor| match factor {
        TableFactor::NestedJoin {
            table_with_joins, ..
        } => joins_by_name(table_with_joins),
        _ => false,
    };
    is_nested(&from.relation)
        || from
            .joins
            .iter()
            .any(|join| is_natural(&join.join_operator) || is_nested(&join.relation))
}

fn is_natural(operator: &JoinOperator) -> bool {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint)
        | JoinOperator::StraightJoin(constraint) => matches!(constraint, JoinConstraint::Natural),
        _ => false,
    }
}

fn parts(name: &ObjectName) -> Vec<String> {
    let idents = name.0.iter().filter_map(|part| part.as_ident());
    idents.map(|ident| ident.value.to_lowercase()).collect()
}

impl VisitorMut for Stars<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        self.around.push(Around::new(query));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        self.around.pop();
        // The queries of WITH come first: behind each of them one more name is known.
        if let Some(around) = self.around.last_mut()
            && around.known < around.names.len()
        {
            around.known += 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        let of_files = self.of_files(&select.from);
        if of_files.is_empty() {
            return ControlFlow::Continue(());
        }
        // It would be one of the columns by which they are joined.
        if select.from.iter().any(joins_by_name) {
            return ControlFlow::Break(Error::unsupported(format!(
                "NATURAL JOIN of a table of files in a query that names {FILE_PATH}; write JOIN … USING with the columns"
            )));
        }
        for item in &mut select.projection {
            let options = match item {
                SelectItem::Wildcard(_) if of_files.len() > 1 => {
                    return ControlFlow::Break(Error::unsupported(format!(
                        "* of several tables of files in a query that names {FILE_PATH}; write {}.* and so on",
                        of_files[0]
                    )));
                }
                SelectItem::Wildcard(options) => options,
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    options,
                ) if parts(name)
                    .pop()
                    .is_some_and(|name| of_files.contains(&name)) =>
                {
                    options
                }
                _ => continue,
            };
            let hidden = ObjectName::from(vec![Ident::new(FILE_PATH)]);
            options.opt_exclude = Some(ExcludeSelectItem::Single(hidden));
        }
        ControlFlow::Continue(())
    }
}
