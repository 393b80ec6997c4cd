//! INSERT and REPLACE: a head that the grammar reads, rows that are kept verbatim, and what happens to those whose keys
//! are there already.

use crate::capture::capture;
use crate::change::{assignments, tokens};
use crate::error::{ErrorKind, ParseError};
use crate::lexer::{Lexer, Token};
use crate::limits::unterminated;
use crate::lower::{self, InsertHead, new_row};
use crate::plan::Plan;
use crate::plan::insert::{Insert, NewRow, OnDuplicate};
use crate::plan::query::QueryText;
use crate::span::Span;
use crate::statement::QUERY_WORDS;

/// What these statements begin with.
pub(crate) const WORDS: [&str; 2] = ["INSERT", "REPLACE"];

/// The statement; `lexer` is behind its first word.
pub(crate) fn parse(sql: &str, statement: Span, mut lexer: Lexer<'_>) -> Result<Plan, ParseError> {
    if let Some(set) = set_clause(sql, statement, lexer.clone())? {
        return insert_set(sql, statement, set);
    }
    let source = insert_source(sql, statement, &mut lexer)?;
    let head = Span::new(statement.start, source.unwrap_or(statement.end));
    let rows = ["VALUES", "SELECT", "WITH", "TABLE", "SET"];
    let head = lower::insert_head(sql, head).map_err(|error| error.with_end_as(&rows))?;
    let Some(source) = source else {
        let expected = ["VALUES", "SELECT", "WITH", "TABLE", "SET", "'('"]
            .map(str::to_owned)
            .to_vec();
        return Err(syntax(sql, Span::new(statement.end, statement.end), "").expecting(expected));
    };
    let rows = Span::new(source, statement.end);
    let clause = Clause::find(sql, rows)?;
    let rows = Span::new(
        source,
        clause.as_ref().map_or(statement.end, Clause::begins),
    );
    let captured = capture(sql, rows)?;
    if let Some(into) = captured.into {
        return Err(syntax(
            sql,
            into,
            "INSERT and INTO OUTFILE do not go together",
        ));
    }
    Ok(Plan::Insert(Insert {
        on_duplicate: on_duplicate(sql, statement, &head, clause)?,
        table: head.table,
        columns: head.columns,
        source: captured.query,
    }))
}

/// What happens to rows whose keys are there already.
fn on_duplicate(
    sql: &str,
    statement: Span,
    head: &InsertHead,
    clause: Option<Clause>,
) -> Result<OnDuplicate, ParseError> {
    Ok(match (head.replace, head.ignore, clause) {
        (true, _, None) => OnDuplicate::Replace,
        (false, true, None) => OnDuplicate::Ignore,
        (false, false, None) => OnDuplicate::Refuse,
        (false, false, Some(clause)) => clause.read(sql, statement)?,
        (true, _, Some(clause)) => {
            let message = "REPLACE takes no ON DUPLICATE KEY UPDATE; INSERT does";
            return Err(syntax(sql, clause.on, message));
        }
        (false, true, Some(clause)) => {
            let message =
                "INSERT IGNORE with ON DUPLICATE KEY UPDATE is not supported; take one of them";
            let range = clause.on.range();
            return Err(ParseError::new(ErrorKind::Unsupported, sql, range, message));
        }
    })
}

/// The SET of `INSERT INTO t SET a = 1, …`, where that is what it is; `lexer` is behind the first word.
fn set_clause(
    sql: &str,
    statement: Span,
    mut lexer: Lexer<'_>,
) -> Result<Option<Token>, ParseError> {
    let mut last_is_into = false;
    loop {
        let token = lexer.next_token();
        let token = token.map_err(|open| unterminated(sql, open))?;
        let Some(token) = token.filter(|token| token.span.end <= statement.end) else {
            return Ok(None);
        };
        let table_word = last_is_into && token.is_word(sql, "TABLE");
        last_is_into = token.is_word(sql, "INTO");
        if token.is_word(sql, "SET") {
            return Ok(Some(token));
        }
        if token.is(b'(') || (token.is_any(sql, QUERY_WORDS) && !table_word) {
            return Ok(None);
        }
    }
}

/// `INSERT INTO t SET a = 1, b = 2`, which is `INSERT INTO t (a, b) VALUES (1, 2)`.
fn insert_set(sql: &str, statement: Span, set: Token) -> Result<Plan, ParseError> {
    let head = Span::new(statement.start, set.span.start);
    let head = lower::insert_head(sql, head).map_err(|error| error.with_end_as(&["SET"]))?;
    let clause = Clause::find(sql, Span::new(set.span.start, statement.end))?;
    let end = clause.as_ref().map_or(statement.end, Clause::begins);
    let given = tokens(sql, Span::new(set.span.end, end))?;
    let (given, rest) = assignments(sql, &given, end, None)?;
    if let Some(rest) = rest {
        let word = rest.token.text(sql).to_uppercase();
        let message = format!("{word} is not supported here");
        let range = rest.token.span.range();
        return Err(ParseError::new(
            ErrorKind::Unsupported,
            sql,
            range,
            &message,
        ));
    }
    let on_duplicate = on_duplicate(sql, statement, &head, clause)?;
    let mut columns = Vec::with_capacity(given.len());
    let mut values = Vec::with_capacity(given.len());
    for assignment in given {
        columns.push(assignment.column);
        values.push(assignment.value);
    }
    Ok(Plan::Insert(Insert {
        table: head.table,
        columns,
        source: QueryText::values(Span::new(set.span.start, end), &values),
        on_duplicate,
    }))
}

/// `[AS new [(columns)]] ON DUPLICATE KEY UPDATE …`, found and not read.
struct Clause {
    /// From AS to ON.
    new: Option<Span>,
    /// From ON to UPDATE.
    on: Span,
}

impl Clause {
    /// Looks for it behind the rows.
    fn find(sql: &str, rows: Span) -> Result<Option<Self>, ParseError> {
        if !has_word(sql, rows, b"duplicate") {
            return Ok(None);
        }
        let mut lexer = Lexer::at(sql, rows.start);
        let mut next = || {
            let token = lexer.next_token();
            token.map_err(|open| unterminated(sql, open))
        };
        let (mut depth, mut new): (usize, Option<Span>) = (0, None);
        let mut before: [Option<Token>; 3] = [None; 3];
        let mut of_values = None;
        while let Some(token) = next()?.filter(|token| token.span.end <= rows.end) {
            let is_values = *of_values.get_or_insert_with(|| token.is_any(sql, &["VALUES", "SET"]));
            if token.is(b'(') {
                depth += 1;
            } else if token.is(b')') {
                depth = depth.saturating_sub(1);
            }
            if depth > 0 {
                before = [None; 3];
                continue;
            }
            // Of a query AS is another, within it.
            if is_values && token.is_word(sql, "AS") {
                new = Some(token.span);
            }
            let words = ["ON", "DUPLICATE", "KEY"];
            let is_clause = token.is_word(sql, "UPDATE")
                && before
                    .iter()
                    .zip(words)
                    .all(|(token, word)| token.is_some_and(|token| token.is_word(sql, word)));
            if let (true, Some(on)) = (is_clause, before[0]) {
                return Ok(Some(Self {
                    new: new.map(|new| Span::new(new.start, on.span.start)),
                    on: Span::new(on.span.start, token.span.end),
                }));
            }
            before = [before[1], before[2], Some(token)];
        }
        Ok(None)
    }

    fn begins(&self) -> usize {
        self.new.unwrap_or(self.on).start
    }

    fn read(self, sql: &str, statement: Span) -> Result<OnDuplicate, ParseError> {
        let new: Option<NewRow> = self.new.map(|new| new_row(sql, new)).transpose()?;
        let behind = tokens(sql, Span::new(self.on.end, statement.end))?;
        let (assignments, _) = assignments(sql, &behind, statement.end, None)?;
        Ok(OnDuplicate::Update { new, assignments })
    }
}

/// Whether the letters of a word stand in a part of a text. Rows may be many megabytes, and hardly any has it.
fn has_word(sql: &str, part: Span, word: &[u8]) -> bool {
    let text = sql.as_bytes().get(part.range()).unwrap_or_default();
    let first = word.first().copied().unwrap_or_default();
    text.iter().enumerate().any(|(at, byte)| {
        byte.eq_ignore_ascii_case(&first)
            && text
                .get(at..at + word.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(word))
    })
}

/// Where the rows of an INSERT begin: at VALUES, SELECT, WITH, TABLE, or at a `(` with a query
/// inside; another `(` is the list of columns.
fn insert_source(
    sql: &str,
    statement: Span,
    lexer: &mut Lexer<'_>,
) -> Result<Option<usize>, ParseError> {
    let token = |lexer: &mut Lexer<'_>| {
        let token = lexer.next_token();
        token.map_err(|open| unterminated(sql, open))
    };
    let mut depth = 0usize;
    let mut last_is_into = false;
    while let Some(found) = token(lexer)?.filter(|token| token.span.end <= statement.end) {
        // INSERT INTO TABLE t: the word is no query here.
        let table_word = last_is_into && found.is_word(sql, "TABLE");
        last_is_into = found.is_word(sql, "INTO");
        if depth == 0 && found.is_any(sql, QUERY_WORDS) && !table_word {
            return Ok(Some(found.span.start));
        }
        if found.is(b'(') {
            let mut ahead = lexer.clone();
            let inner = token(&mut ahead)?;
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

fn syntax(sql: &str, span: Span, message: &str) -> ParseError {
    ParseError::new(ErrorKind::Syntax, sql, span.range(), message)
}
