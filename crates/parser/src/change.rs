//! LOAD DATA, UPDATE, DELETE and CREATE TABLE … AS: a head that the grammar reads, and behind it expressions and
//! queries that are kept verbatim for the engine.

use crate::capture::capture;
use crate::cursor::{Node, match_rule};
use crate::error::{ErrorKind, ParseError};
use crate::grammar::Rule;
use crate::lexer::{Lexer, Token, TokenKind};
use crate::limits::unterminated;
use crate::lower;
use crate::plan::Plan;
use crate::plan::query::QueryText;
use crate::plan::table::{ColumnAssignment, CreateTableAs, Delete, TableName, Update};
use crate::span::{Name, Span};
use crate::statement::QUERY_WORDS;
use crate::text::fold_name;

/// What these statements begin with, but for CREATE.
pub(crate) const WORDS: [&str; 3] = ["DELETE", "LOAD", "UPDATE"];

/// The statement, if it is one of these.
pub(crate) fn parse(sql: &str, statement: Span, first: Token) -> Result<Option<Plan>, ParseError> {
    let parse = if first.is_word(sql, "LOAD") {
        load
    } else if first.is_word(sql, "UPDATE") {
        update
    } else if first.is_word(sql, "DELETE") {
        delete
    } else if first.is_word(sql, "CREATE") {
        return create_table_as(sql, statement);
    } else {
        return Ok(None);
    };
    parse(sql, &tokens(sql, statement)?, statement).map(Some)
}

/// A token and how many parentheses it stands in.
#[derive(Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) token: Token,
    pub(crate) depth: usize,
}

impl Placed {
    /// Whether it is this word, outside parentheses.
    pub(crate) fn is_word(&self, sql: &str, word: &str) -> bool {
        self.depth == 0 && self.token.is_word(sql, word)
    }
}

/// The tokens of a statement.
pub(crate) fn tokens(sql: &str, statement: Span) -> Result<Vec<Placed>, ParseError> {
    let mut lexer = Lexer::at(sql, statement.start);
    let mut placed = Vec::new();
    let mut depth = 0usize;
    loop {
        let token = lexer.next_token().map_err(|open| unterminated(sql, open))?;
        let Some(token) = token.filter(|token| token.span.end <= statement.end) else {
            return Ok(placed);
        };
        if token.is(b')') {
            depth = depth.saturating_sub(1);
        }
        placed.push(Placed { token, depth });
        if token.is(b'(') {
            depth += 1;
        }
    }
}

fn load(sql: &str, tokens: &[Placed], statement: Span) -> Result<Plan, ParseError> {
    // CHARACTER SET is another SET.
    let set = (1..tokens.len())
        .find(|at| tokens[*at].is_word(sql, "SET") && !tokens[at - 1].is_word(sql, "CHARACTER"));
    let head = Span::new(statement.start, before(tokens, set, statement));
    let node = match_rule(Rule::load_data, sql, head).map_err(|error| {
        if set.is_some() {
            error.with_end_as(&["SET"])
        } else {
            error
        }
    })?;
    let mut plan = lower::load_data(&node)?;
    if let Some(set) = set {
        let (assignments, rest) = assignments(sql, &tokens[set + 1..], statement.end, None)?;
        if let Some(rest) = rest {
            return Err(unexpected(sql, rest.token));
        }
        plan.assignments = assignments;
    }
    Ok(Plan::LoadData(plan))
}

fn update(sql: &str, tokens: &[Placed], statement: Span) -> Result<Plan, ParseError> {
    let set = tokens.iter().position(|token| token.is_word(sql, "SET"));
    let head = Span::new(statement.start, before(tokens, set, statement));
    let (table, alias) = match_rule(Rule::update_head, sql, head)
        .and_then(|node| changed_table(&node))
        .map_err(|error| error.with_end_as(&["SET"]))?;
    let Some(set) = set else {
        return Err(expecting(sql, statement.end, "SET"));
    };
    let rest = &tokens[set + 1..];
    let (assignments, rest) = assignments(sql, rest, statement.end, Some("WHERE"))?;
    let condition = rest
        .map(|place| condition(sql, tokens, place, statement))
        .transpose()?;
    Ok(Plan::Update(Update {
        table,
        alias,
        assignments,
        condition,
    }))
}

fn delete(sql: &str, tokens: &[Placed], statement: Span) -> Result<Plan, ParseError> {
    let place = tokens.iter().position(|token| token.is_word(sql, "WHERE"));
    let head = Span::new(statement.start, before(tokens, place, statement));
    let (table, alias) = match_rule(Rule::delete_head, sql, head)
        .and_then(|node| changed_table(&node))
        .map_err(|error| error.with_end_as(&["WHERE"]))?;
    let condition = place
        .map(|place| condition(sql, tokens, tokens[place], statement))
        .transpose()?;
    Ok(Plan::Delete(Delete {
        table,
        alias,
        condition,
    }))
}

/// `t [[AS] alias]`.
fn changed_table(node: &Node<'_>) -> Result<(TableName, Option<Name>), ParseError> {
    let mut parts = node.children();
    let table = lower::table_name(&mut parts)?;
    let alias = match parts.next_if(Rule::table_alias) {
        Some(alias) => Some(alias.children().name()?),
        None => None,
    };
    Ok((table, alias))
}

fn create_table_as(sql: &str, statement: Span) -> Result<Option<Plan>, ParseError> {
    let mut lexer = Lexer::at(sql, statement.start);
    let mut word = || lexer.next_token().map_err(|open| unterminated(sql, open));
    word()?;
    if !word()?.is_some_and(|second| second.is_word(sql, "TABLE")) {
        return Ok(None);
    }
    let tokens = tokens(sql, statement)?;
    // At least one token is the table's name.
    let Some(at) = (3..tokens.len()).find(|at| begins_query(sql, &tokens, *at)) else {
        return Ok(None);
    };
    let source = Span::new(tokens[at].token.span.start, statement.end);
    let head = Span::new(statement.start, source.start);
    let node = match_rule(Rule::create_table_as, sql, head)?;
    let mut parts = node.children();
    let if_not_exists = parts.take(Rule::if_not_exists);
    let table = lower::table_name(&mut parts)?;
    let captured = capture(sql, source)?;
    if let Some(into) = captured.into {
        let message = "CREATE TABLE … AS and INTO OUTFILE do not go together";
        return Err(syntax(sql, into, message));
    }
    Ok(Some(Plan::CreateTableAs(CreateTableAs {
        if_not_exists,
        table,
        source: captured.query,
    })))
}

/// Whether a query begins at this token: with a word of its own, or with a parenthesis around one.
pub(crate) fn begins_query(sql: &str, tokens: &[Placed], at: usize) -> bool {
    let here = tokens[at];
    let inner = tokens.get(at + 1);
    here.depth == 0
        && (here.token.is_any(sql, QUERY_WORDS)
            || here.token.is(b'(')
                && inner.is_some_and(|inner| inner.token.is_any(sql, QUERY_WORDS)))
}

/// Where the head ends.
pub(crate) fn before(tokens: &[Placed], end: Option<usize>, statement: Span) -> usize {
    end.map_or(statement.end, |end| tokens[end].token.span.start)
}

/// `column = expression, …` up to the end or the word `until`; gives what is left from there on.
pub(crate) fn assignments(
    sql: &str,
    tokens: &[Placed],
    end: usize,
    until: Option<&str>,
) -> Result<(Vec<ColumnAssignment>, Option<Placed>), ParseError> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let column = column(sql, tokens, &mut at, end)?;
        match tokens.get(at) {
            Some(equals) if equals.token.is(b'=') => at += 1,
            Some(other) => return Err(expecting_at(sql, other.token.span, "'='")),
            None => return Err(expecting(sql, end, "'='")),
        }
        let first = at;
        while let Some(next) = tokens.get(at) {
            let ends = next.depth == 0
                && (next.token.is(b',')
                    || until.is_some_and(|word| next.token.is_word(sql, word))
                    || next.token.is_any(sql, REFUSED));
            if ends {
                break;
            }
            at += 1;
        }
        if first == at {
            return Err(expecting(
                sql,
                tokens.get(at).map_or(end, |token| token.token.span.start),
                "an expression",
            ));
        }
        let span = Span::new(
            tokens[first].token.span.start,
            tokens[at - 1].token.span.end,
        );
        found.push(ColumnAssignment {
            column,
            value: expression(sql, span)?,
        });
        match tokens.get(at) {
            Some(comma) if comma.token.is(b',') => at += 1,
            Some(refused) if refused.token.is_any(sql, REFUSED) => {
                return Err(unexpected(sql, refused.token));
            }
            rest => return Ok((found, rest.copied())),
        }
    }
}

/// Clauses that stand behind conditions in MySQL and not here.
const REFUSED: &[&str] = &["ORDER", "LIMIT", "PARALLEL", "STRICT"];

/// `[table.]column`.
fn column(sql: &str, tokens: &[Placed], at: &mut usize, end: usize) -> Result<Name, ParseError> {
    loop {
        let Some(token) = tokens.get(*at).map(|placed| placed.token) else {
            return Err(expecting(sql, end, "a column"));
        };
        if !matches!(token.kind, TokenKind::Word | TokenKind::Quoted) {
            return Err(expecting_at(sql, token.span, "a column"));
        }
        *at += 1;
        match tokens.get(*at) {
            Some(dot) if dot.token.is(b'.') => *at += 1,
            _ => return Ok(Name::new(fold_name(token.text(sql)), token.span)),
        }
    }
}

/// What stands behind WHERE.
fn condition(
    sql: &str,
    tokens: &[Placed],
    place: Placed,
    statement: Span,
) -> Result<QueryText, ParseError> {
    let behind = place.token.span.end;
    let refused = tokens.iter().find(|token| {
        token.token.span.start >= behind && token.depth == 0 && token.token.is_any(sql, REFUSED)
    });
    if let Some(refused) = refused {
        return Err(unexpected(sql, refused.token));
    }
    let condition = expression(sql, Span::new(behind, statement.end))?;
    if condition.text.is_empty() {
        return Err(expecting(sql, statement.end, "a condition"));
    }
    Ok(condition)
}

fn expression(sql: &str, span: Span) -> Result<QueryText, ParseError> {
    let captured = capture(sql, span)?;
    match captured.into {
        Some(into) => Err(syntax(sql, into, "INTO does not stand in an expression")),
        None => Ok(captured.query),
    }
}

fn unexpected(sql: &str, token: Token) -> ParseError {
    let word = token.text(sql).to_uppercase();
    let message = format!("{word} is not supported here");
    ParseError::new(ErrorKind::Unsupported, sql, token.span.range(), &message)
}

fn expecting(sql: &str, at: usize, what: &str) -> ParseError {
    expecting_at(sql, Span::new(at, at), what)
}

fn expecting_at(sql: &str, at: Span, what: &str) -> ParseError {
    syntax(sql, at, "").expecting(vec![what.to_owned()])
}

fn syntax(sql: &str, span: Span, message: &str) -> ParseError {
    ParseError::new(ErrorKind::Syntax, sql, span.range(), message)
}
