//! [`parse`]: finds out by its first words what a statement is, and sends it where it is read.

use crate::capture::capture;
use crate::change;
use crate::cursor::match_rule;
use crate::error::{ErrorKind, ParseError, one_of};
use crate::grammar::Rule;
use crate::insert;
use crate::lexer::{Lexer, Token};
use crate::limits::{Limits, unterminated};
use crate::lower;
use crate::passing;
use crate::plan::Plan;
use crate::span::Span;
use crate::view;

/// Reads exactly one statement within the default [`Limits`]. A `;` behind it and comments
/// anywhere are allowed.
///
/// # Errors
/// A [`ParseError`] that says what is wrong, where, and what would be right.
pub fn parse(sql: &str) -> Result<Plan, ParseError> {
    parse_with(sql, &Limits::default())
}

/// The same as [`parse`] within other limits.
///
/// # Errors
/// As [`parse`].
pub fn parse_with(sql: &str, limits: &Limits) -> Result<Plan, ParseError> {
    let mut plan = statement(sql, limits)?;
    plan.number_parameters();
    Ok(plan)
}

fn statement(sql: &str, limits: &Limits) -> Result<Plan, ParseError> {
    let extent = limits.check(sql)?;
    let Some(first) = extent.first else {
        return Err(syntax(sql, Span::new(0, 0), "the statement is empty"));
    };
    if let Some(next) = extent.next {
        return Err(syntax(
            sql,
            next.span,
            "one statement at a time; another one begins here",
        ));
    }
    let statement = Span::new(first.span.start, extent.end);
    let lexer = Lexer::at(sql, first.span.end);
    if first.is(b'(') || first.is_any(sql, QUERY_WORDS) {
        return query(sql, statement, statement);
    }
    if first.is_word(sql, "EXPLAIN") {
        return explain(sql, statement, lexer);
    }
    if first.is_any(sql, &insert::WORDS) {
        return insert::parse(sql, statement, lexer);
    }
    if let Some(plan) = change::parse(sql, statement, first)? {
        return Ok(plan);
    }
    if let Some(plan) = view::parse(sql, statement, first)? {
        return Ok(plan);
    }
    if let Some(plan) = passing::parse(sql, statement, first)? {
        return Ok(plan);
    }
    let known = FAMILIES.iter().find(|(word, _)| first.is_word(sql, word));
    let Some((_, rule)) = known else {
        return Err(unknown_statement(sql, first));
    };
    lower::statement(&match_rule(*rule, sql, statement)?)
}

/// What a query begins with, but for `(`.
pub(crate) const QUERY_WORDS: &[&str] = &["SELECT", "WITH", "VALUES", "TABLE"];

/// The first words of the statements that the grammar reads whole.
const FAMILIES: &[(&str, Rule)] = &[
    ("ALTER", Rule::alter_statement),
    ("CANCEL", Rule::cancel_statement),
    ("CREATE", Rule::create_statement),
    ("DESC", Rule::describe_statement),
    ("DESCRIBE", Rule::describe_statement),
    ("DROP", Rule::drop_statement),
    ("GET", Rule::get_statement),
    ("GRANT", Rule::grant_statement),
    ("INFER", Rule::infer_statement),
    ("KILL", Rule::kill_statement),
    ("LIST", Rule::list_statement),
    ("PRESIGN", Rule::presign_statement),
    ("PUT", Rule::put_statement),
    ("REMOVE", Rule::remove_statement),
    ("RESUME", Rule::resume_statement),
    ("REVOKE", Rule::revoke_statement),
    ("SET", Rule::set_statement),
    ("SHOW", Rule::show_statement),
    ("TRUNCATE", Rule::truncate_statement),
    ("UNDROP", Rule::undrop_statement),
    ("USE", Rule::use_statement),
    ("VALIDATE", Rule::validate_statement),
    ("VERIFY", Rule::verify_statement),
];

fn token(lexer: &mut Lexer<'_>, sql: &str) -> Result<Option<Token>, ParseError> {
    lexer.next_token().map_err(|open| unterminated(sql, open))
}

fn syntax(sql: &str, span: Span, message: &str) -> ParseError {
    ParseError::new(ErrorKind::Syntax, sql, span.range(), message)
}

/// A query or an export, `body` being what is captured and `statement` all of it.
fn query(sql: &str, statement: Span, body: Span) -> Result<Plan, ParseError> {
    let captured = capture(sql, body)?;
    match captured.into {
        Some(_) if body.start != statement.start => {
            let at = Span::new(statement.start, body.start);
            Err(syntax(
                sql,
                at,
                "an export is explained with EXPLAIN EXPORT",
            ))
        }
        Some(tail) => Ok(Plan::Export(lower::export(sql, captured.query, tail)?)),
        None if body.start == statement.start => Ok(Plan::Query(captured.query)),
        // Once more with EXPLAIN, so that the offsets of staged files count from there.
        None => Ok(Plan::Query(capture(sql, statement)?.query)),
    }
}

/// Words between EXPLAIN and the query that the engine understands.
const EXPLAIN_WORDS: &[&str] = &[
    "ANALYZE", "VERBOSE", "FORMAT", "TREE", "INDENT", "PGJSON", "GRAPHVIZ",
];

fn explain(sql: &str, statement: Span, mut lexer: Lexer<'_>) -> Result<Plan, ParseError> {
    while let Some(token) = token(&mut lexer, sql)? {
        let rest = Span::new(token.span.start, statement.end);
        if token.is_word(sql, "EXPORT") {
            let body = Span::new(token.span.end, statement.end);
            let captured = capture(sql, body)?;
            let Some(tail) = captured.into else {
                let error = syntax(sql, Span::new(statement.end, statement.end), "");
                return Err(error.expecting(vec!["INTO OUTFILE 'target'".to_owned()]));
            };
            if captured.query.text.is_empty() {
                return Err(syntax(sql, tail, "EXPLAIN EXPORT is followed by a query"));
            }
            return Ok(Plan::ExplainExport(lower::export(
                sql,
                captured.query,
                tail,
            )?));
        }
        if token.is(b'(') || token.is_any(sql, QUERY_WORDS) {
            return query(sql, statement, rest);
        }
        if !token.is_any(sql, EXPLAIN_WORDS) {
            return Err(expecting_query(sql, rest));
        }
    }
    Err(expecting_query(
        sql,
        Span::new(statement.end, statement.end),
    ))
}

fn expecting_query(sql: &str, at: Span) -> ParseError {
    let expected = ["EXPORT", "ANALYZE", "a query"].map(str::to_owned).to_vec();
    syntax(sql, at, "").expecting(expected)
}

/// The closest known word first, then all of them.
fn unknown_statement(sql: &str, first: Token) -> ParseError {
    let word = first.text(sql).to_uppercase();
    let mut known: Vec<&str> = FAMILIES.iter().map(|(word, _)| *word).collect();
    known.extend(QUERY_WORDS);
    known.push("EXPLAIN");
    known.extend(insert::WORDS);
    known.extend(change::WORDS);
    known.extend(passing::WORDS);
    known.sort_unstable();
    let closest = known
        .iter()
        .map(|word_known| (distance(&word, word_known), *word_known))
        .min();
    let all = one_of(&known);
    let message = match closest {
        Some((1..=2, closest)) => {
            format!("did you mean {closest}? a statement begins with {all}")
        }
        _ => format!("a statement begins with {all}"),
    };
    let expected = known.into_iter().map(str::to_owned).collect();
    ParseError::new(ErrorKind::Unsupported, sql, first.span.range(), message).expecting(expected)
}

/// Letters to change, add or drop to make `a` of `b`; a large number for long texts.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 16 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != *y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}
