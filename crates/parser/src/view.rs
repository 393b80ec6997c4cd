//! CREATE VIEW and ALTER VIEW: a head that the grammar reads, and behind it a query that is kept verbatim.

use crate::capture::capture;
use crate::change::{Placed, before, begins_query, tokens};
use crate::cursor::match_rule;
use crate::error::{ErrorKind, ParseError};
use crate::grammar::Rule;
use crate::lexer::{Lexer, Token};
use crate::limits::unterminated;
use crate::lower;
use crate::plan::Plan;
use crate::plan::view::{CreateView, ViewDefinition};
use crate::span::Span;
use crate::statement::QUERY_WORDS;

/// Words that stand between CREATE or ALTER and VIEW, and in no other statement's place.
const BEFORE_VIEW: &[&str] = &["VIEW", "ALGORITHM", "DEFINER", "SQL"];

const NO_DEFINER: &str = "a view reads with the rights of whoever reads it: SQL SECURITY INVOKER is the only kind, and there is no DEFINER";

/// The statement, if it is one of these.
pub(crate) fn parse(sql: &str, statement: Span, first: Token) -> Result<Option<Plan>, ParseError> {
    let is_create = first.is_word(sql, "CREATE");
    if !is_create && !first.is_word(sql, "ALTER") {
        return Ok(None);
    }
    if !names_view(sql, first, is_create)? {
        return Ok(None);
    }
    let tokens = tokens(sql, statement)?;
    let view = tokens.iter().position(|token| token.is_word(sql, "VIEW"));
    refuse_definer(sql, &tokens[..view.unwrap_or(tokens.len())])?;
    // At least one token is the view's name, which may be a word that a query begins with.
    let source =
        view.and_then(|view| (view + 2..tokens.len()).find(|at| begins_query(sql, &tokens, *at)));
    let head = Span::new(statement.start, before(&tokens, source, statement));
    let rule = match is_create {
        true => Rule::create_view_head,
        false => Rule::alter_view_head,
    };
    let head = match_rule(rule, sql, head)
        .map_err(|error| {
            if source.is_some() {
                error.with_end_as(QUERY_WORDS)
            } else {
                error
            }
        })
        .and_then(|node| lower::view_head(&node))?;
    let Some(source) = source else {
        let end = Span::new(statement.end, statement.end);
        let expected = QUERY_WORDS.iter().map(|word| (*word).to_owned()).collect();
        return Err(syntax(sql, end, "").expecting(expected));
    };
    refuse_check_option(sql, &tokens[source..])?;
    let source = Span::new(tokens[source].token.span.start, statement.end);
    let captured = capture(sql, source)?;
    if let Some(into) = captured.into {
        return Err(syntax(
            sql,
            into,
            "a view and INTO OUTFILE do not go together",
        ));
    }
    let definition = ViewDefinition {
        view: head.view,
        columns: head.columns,
        query: captured.query,
    };
    Ok(Some(match is_create {
        true => Plan::CreateView(CreateView {
            or_replace: head.or_replace,
            definition,
        }),
        false => Plan::AlterView(definition),
    }))
}

/// Whether the words behind CREATE [OR REPLACE] or ALTER are those of a view.
fn names_view(sql: &str, first: Token, is_create: bool) -> Result<bool, ParseError> {
    let mut lexer = Lexer::at(sql, first.span.end);
    let mut word = || lexer.next_token().map_err(|open| unterminated(sql, open));
    let mut next = word()?;
    if is_create && next.is_some_and(|next| next.is_word(sql, "OR")) {
        word()?;
        next = word()?;
    }
    Ok(next.is_some_and(|next| next.is_any(sql, BEFORE_VIEW)))
}

fn refuse_definer(sql: &str, head: &[Placed]) -> Result<(), ParseError> {
    let definer = head.iter().find(|token| token.is_word(sql, "DEFINER"));
    match definer {
        Some(found) => Err(unsupported(sql, found.token, NO_DEFINER)),
        None => Ok(()),
    }
}

/// `WITH [CASCADED | LOCAL] CHECK OPTION` checks what is written into a view.
fn refuse_check_option(sql: &str, query: &[Placed]) -> Result<(), ParseError> {
    let [.., check, option] = query else {
        return Ok(());
    };
    if check.is_word(sql, "CHECK") && option.is_word(sql, "OPTION") {
        let message = "WITH CHECK OPTION is not supported: nothing is written into a view";
        return Err(unsupported(sql, check.token, message));
    }
    Ok(())
}

fn unsupported(sql: &str, token: Token, message: &str) -> ParseError {
    ParseError::new(ErrorKind::Unsupported, sql, token.span.range(), message)
}

fn syntax(sql: &str, span: Span, message: &str) -> ParseError {
    ParseError::new(ErrorKind::Syntax, sql, span.range(), message)
}
