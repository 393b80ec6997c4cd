//! [`parse`]: finds out by its first words what a statement is, and sends it where it is read.

use crate::capture::capture;
use crate::change;
use crate::cursor::match_rule;
use crate::error::{ErrorKind, ParseError, one_of};
use crate::grammar::Rule;
use crate::lexer::{Lexer, Token};
use crate::limits::{Limits, unterminated};
use crate::lower;
use crate::passing;
use crate::plan::Plan;
use crate::plan::table::Insert;
use crate::span::Span;

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
    if first.is_word(sql, "INSERT") {
        return insert(sql, statement, lexer);
    }
    if let Some(plan) = change::parse(sql, statement, first)? {
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

fn insert(sql: &str, statement: Span, mut lexer: Lexer<'_>) -> Result<Plan, ParseError> {
    refuse_duplicates(sql, statement)?;
    let source = insert_source(sql, statement, &mut lexer)?;
    let head = Span::new(statement.start, source.unwrap_or(statement.end));
    let rows = ["VALUES", "SELECT", "WITH", "TABLE"];
    let (table, columns) =
        lower::insert_head(sql, head).map_err(|error| error.with_end_as(&rows))?;
    let Some(source) = source else {
        let expected = ["VALUES", "SELECT", "WITH", "TABLE", "'('"]
            .map(str::to_owned)
            .to_vec();
        return Err(syntax(sql, Span::new(statement.end, statement.end), "").expecting(expected));
    };
    let captured = capture(sql, Span::new(source, statement.end))?;
    if let Some(into) = captured.into {
        return Err(syntax(
            sql,
            into,
            "INSERT and INTO OUTFILE do not go together",
        ));
    }
    Ok(Plan::Insert(Insert {
        table,
        columns,
        source: captured.query,
    }))
}

/// Refuses what lets rows pass whose keys are there already.
fn refuse_duplicates(sql: &str, statement: Span) -> Result<(), ParseError> {
    const REMEDY: &str = "a row whose key is there already is an error; DELETE or UPDATE those rows, or leave them out by a condition";
    // Rows may be many megabytes, and hardly any has one of these words.
    let text = sql.as_bytes().get(statement.range()).unwrap_or_default();
    let has = |word: &[u8]| {
        let first = word.first().copied().unwrap_or_default();
        text.iter().enumerate().any(|(at, byte)| {
            byte.eq_ignore_ascii_case(&first)
                && text
                    .get(at..at + word.len())
                    .is_some_and(|found| found.eq_ignore_ascii_case(word))
        })
    };
    let is_ignoring = text.get(..64).unwrap_or(text).to_ascii_lowercase();
    let is_ignoring = is_ignoring.windows(6).any(|word| word == b"ignore");
    if !is_ignoring && !has(b"duplicate") {
        return Ok(());
    }
    let mut lexer = Lexer::at(sql, statement.start);
    let (mut at, mut depth, mut before) = (0, 0_usize, None::<Token>);
    // A literal without an end is told of elsewhere.
    while let Ok(Some(token)) = lexer.next_token() {
        if token.span.end > statement.end {
            break;
        }
        if token.is(b'(') {
            depth += 1;
        } else if token.is(b')') {
            depth = depth.saturating_sub(1);
        }
        let clause = if at == 1 && token.is_word(sql, "IGNORE") {
            Some("INSERT IGNORE")
        } else if depth == 0
            && token.is_word(sql, "DUPLICATE")
            && before.is_some_and(|before| before.is_word(sql, "ON"))
        {
            Some("ON DUPLICATE KEY UPDATE")
        } else {
            None
        };
        if let Some(clause) = clause {
            let message = format!("{clause} is not supported: {REMEDY}");
            let range = token.span.range();
            return Err(ParseError::new(ErrorKind::Unsupported, sql, range, message));
        }
        (at, before) = (at + 1, Some(token));
    }
    Ok(())
}

/// Where the rows of an INSERT begin: at VALUES, SELECT, WITH, TABLE, or at a `(` with a query
/// inside; another `(` is the list of columns.
fn insert_source(
    sql: &str,
    statement: Span,
    lexer: &mut Lexer<'_>,
) -> Result<Option<usize>, ParseError> {
    let mut depth = 0usize;
    let mut last_is_into = false;
    while let Some(found) = token(lexer, sql)?.filter(|token| token.span.end <= statement.end) {
        // INSERT INTO TABLE t: the word is no query here.
        let table_word = last_is_into && found.is_word(sql, "TABLE");
        last_is_into = found.is_word(sql, "INTO");
        if depth == 0 && found.is_any(sql, QUERY_WORDS) && !table_word {
            return Ok(Some(found.span.start));
        }
        if found.is(b'(') {
            let mut ahead = lexer.clone();
            let inner = token(&mut ahead, sql)?;
            let is_query = inner.is_some_and(|t| t.is(b'(') || t.is_any(sql, QUERY_WORDS));
            if depth == 0 && is_query {
                return Ok(Some(found.span.start));
            }
            depth += 1;
        } else if found.is(b')') {
            depth = depth.saturating_sub(1);
        }
    }
    Ok(None)
}

/// The closest known word first, then all of them.
fn unknown_statement(sql: &str, first: Token) -> ParseError {
    let word = first.text(sql).to_uppercase();
    let mut known: Vec<&str> = FAMILIES.iter().map(|(word, _)| *word).collect();
    known.extend(QUERY_WORDS);
    known.extend(["EXPLAIN", "INSERT"]);
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
