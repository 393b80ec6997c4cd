//! Keeps a query verbatim: finds where it ends, whether and where it goes INTO OUTFILE, and which
//! staged files it reads. One linear pass over tokens; the query's grammar is the engine's.

use crate::error::{ErrorKind, ParseError};
use crate::lexer::{Lexer, Token, TokenKind};
use crate::limits::unterminated;
use crate::lower::staged_options;
use crate::plan::query::{QueryText, StageFunction, StageFunctionCall, StagedFile};
use crate::span::Span;
use crate::target::is_stage_url;
use crate::text::unquote;

/// A query and the tail behind it.
pub(crate) struct Capture {
    pub(crate) query: QueryText,
    /// From INTO to the end of the statement, where the query is an export.
    pub(crate) into: Option<Span>,
}

const BELONGS: &str = "INTO OUTFILE belongs once at the end of the whole statement, \
                       behind WHERE, GROUP BY, ORDER BY and LIMIT";

/// Captures the query that `body` holds, `body` being a whole statement or the end of one.
pub(crate) fn capture(sql: &str, body: Span) -> Result<Capture, ParseError> {
    let mut scan = Scan {
        sql,
        query: Span::new(body.start, body.start),
        body_start: None,
        frames: vec![Frame {
            has_select: true,
            ..Frame::default()
        }],
        before: [None, None],
        staged_files: Vec::new(),
        stage_functions: Vec::new(),
    };
    let mut lexer = Lexer::at(sql, body.start);
    let mut into = None;
    while let Some(token) = next(&mut lexer, sql, body.end)? {
        if token.is_word(sql, "INTO") && !scan.follows(b'.') {
            into = Some(token);
            break;
        }
        scan.take(token, &mut lexer, body.end)?;
    }
    if let Some(into) = into {
        scan.check_into(into, &mut lexer, body.end)?;
    } else if let Some(frame) = scan.frames.get(1..).and_then(<[_]>::last) {
        let message = "the '(' here is never closed";
        return Err(syntax(sql, frame.opened, message));
    }
    let start = scan.body_start.unwrap_or(body.start);
    let span = Span::new(start, scan.query.end.max(start));
    let text = sql.get(span.range()).unwrap_or_default().to_owned();
    if text.ends_with("--") {
        // Whatever is put behind it would be a comment.
        let dashes = Span::new(span.end - 2, span.end);
        return Err(syntax(sql, dashes, "a query cannot end with '--'"));
    }
    let mut staged_files = scan.staged_files;
    for file in &mut staged_files {
        file.range = file.range.start - start..file.range.end - start;
    }
    let mut stage_functions = scan.stage_functions;
    for call in &mut stage_functions {
        call.range = call.range.start - start..call.range.end - start;
    }
    let into = into.map(|into| Span::new(into.span.start, body.end));
    Ok(Capture {
        query: QueryText {
            text,
            span,
            staged_files,
            stage_functions,
        },
        into,
    })
}

fn next(lexer: &mut Lexer<'_>, sql: &str, end: usize) -> Result<Option<Token>, ParseError> {
    let token = lexer.next_token().map_err(|open| unterminated(sql, open))?;
    Ok(token.filter(|token| token.span.start < end))
}

fn syntax(sql: &str, span: Span, message: &str) -> ParseError {
    ParseError::new(ErrorKind::Syntax, sql, span.range(), message)
}

/// What is known of one level of parentheses.
#[derive(Clone, Copy, Default)]
struct Frame {
    /// The parenthesis that opened it.
    opened: Span,
    /// A SELECT stands in it, so that a FROM in it begins a list of tables.
    has_select: bool,
    /// The scan is in a list of tables.
    in_tables: bool,
}

struct Scan<'a> {
    sql: &'a str,
    query: Span,
    body_start: Option<usize>,
    frames: Vec<Frame>,
    /// The last token and the one before it.
    before: [Option<Token>; 2],
    staged_files: Vec<StagedFile>,
    stage_functions: Vec<StageFunctionCall>,
}

/// Words that end a list of tables.
const ENDS_TABLES: &[&str] = &[
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "LIMIT",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "WINDOW",
    "QUALIFY",
    "SELECT",
    "SET",
    "VALUES",
    "OFFSET",
    "FETCH",
    "FOR",
];

impl Scan<'_> {
    fn follows(&self, punct: u8) -> bool {
        self.before[0].is_some_and(|token| token.is(punct))
    }

    fn frame(&mut self) -> Option<&mut Frame> {
        self.frames.last_mut()
    }

    fn take(&mut self, token: Token, lexer: &mut Lexer<'_>, end: usize) -> Result<(), ParseError> {
        self.body_start.get_or_insert(token.span.start);
        let mut last = token;
        match token.kind {
            TokenKind::Punct(b'(') => {
                let in_tables = self.at_table();
                self.frames.push(Frame {
                    opened: token.span,
                    has_select: false,
                    in_tables,
                });
            }
            TokenKind::Punct(b')') => {
                self.frames.pop();
                if self.frames.is_empty() {
                    return Err(syntax(self.sql, token.span, "this ')' closes nothing"));
                }
            }
            TokenKind::Word => match self.stage_function(token) {
                Some(function) => {
                    let end = self.take_stage_function(function, token, lexer, end)?;
                    last = end.unwrap_or(token);
                }
                None => self.take_word(token),
            },
            TokenKind::Str if self.at_table() => {
                let target = unquote(token.text(self.sql));
                if is_stage_url(&target) {
                    last = self.take_staged_file(token, target, lexer, end)?;
                }
            }
            _ => {}
        }
        self.before = [Some(last), self.before[0]];
        self.query.end = last.span.end;
        Ok(())
    }

    fn take_word(&mut self, token: Token) {
        if self.follows(b'.') {
            return;
        }
        let sql = self.sql;
        let distinct = self.before[0].is_some_and(|last| last.is_word(sql, "DISTINCT"));
        let Some(frame) = self.frame() else { return };
        if token.is_word(sql, "SELECT") {
            frame.has_select = true;
            frame.in_tables = false;
        } else if token.is_word(sql, "FROM") {
            // Not in EXTRACT(… FROM …), TRIM(… FROM …), IS DISTINCT FROM.
            frame.in_tables = frame.has_select && !distinct;
        } else if token.is_any(sql, ENDS_TABLES) {
            frame.in_tables = false;
        }
    }

    /// Whether a table may come next.
    fn at_table(&self) -> bool {
        let Some(frame) = self.frames.last().filter(|frame| frame.in_tables) else {
            return false;
        };
        let Some(last) = self.before[0] else {
            return false;
        };
        let member = self.before[1].is_some_and(|token| token.is(b'.'));
        match last.kind {
            TokenKind::Word => !member && last.is_any(self.sql, &["FROM", "JOIN", "STRAIGHT_JOIN"]),
            TokenKind::Punct(b',') => true,
            TokenKind::Punct(b'(') => last.span == frame.opened,
            _ => false,
        }
    }

    /// The function on stages that a word may call here. A member of that name calls nothing.
    fn stage_function(&self, word: Token) -> Option<StageFunction> {
        for table in [StageFunction::List, StageFunction::Directory] {
            if word.is_word(self.sql, table.as_str()) && self.at_table() {
                return Some(table);
            }
        }
        let is_load = word.is_word(self.sql, StageFunction::Load.as_str());
        (is_load && !self.follows(b'.')).then_some(StageFunction::Load)
    }

    /// Takes `('literal')` behind the function's name, if that is what follows, and gives the last token of it.
    /// Anything else is the engine's to refuse.
    fn take_stage_function(
        &mut self,
        function: StageFunction,
        name: Token,
        lexer: &mut Lexer<'_>,
        end: usize,
    ) -> Result<Option<Token>, ParseError> {
        let mut ahead = lexer.clone();
        let mut following = || next(&mut ahead, self.sql, end);
        let (open, literal, close) = (following()?, following()?, following()?);
        let (Some(open), Some(literal), Some(close)) = (open, literal, close) else {
            return Ok(None);
        };
        if !open.is(b'(') || literal.kind != TokenKind::Str || !close.is(b')') {
            return Ok(None);
        }
        *lexer = ahead;
        self.stage_functions.push(StageFunctionCall {
            range: name.span.start..close.span.end,
            function,
            argument: unquote(literal.text(self.sql)),
        });
        Ok(Some(close))
    }

    /// Takes the option list behind the literal, if there is one, and gives the last token of it.
    fn take_staged_file(
        &mut self,
        literal: Token,
        target: String,
        lexer: &mut Lexer<'_>,
        end: usize,
    ) -> Result<Token, ParseError> {
        let mut options = Vec::new();
        let mut last = literal;
        let mut ahead = lexer.clone();
        if let Some(open) = next(&mut ahead, self.sql, end)?.filter(|token| token.is(b'(')) {
            let mut depth = 1;
            while depth > 0 {
                let Some(token) = next(&mut ahead, self.sql, end)? else {
                    return Err(syntax(self.sql, open.span, "the '(' here is never closed"));
                };
                match token.kind {
                    TokenKind::Punct(b'(') => depth += 1,
                    TokenKind::Punct(b')') => depth -= 1,
                    _ => {}
                }
                last = token;
            }
            options = staged_options(self.sql, Span::new(open.span.start, last.span.end))?;
            *lexer = ahead;
        }
        let range = literal.span.start..last.span.end;
        self.staged_files.push(StagedFile {
            range,
            target,
            options,
        });
        Ok(last)
    }

    /// Refuses an INTO that is none of an export's, or stands in a wrong place.
    fn check_into(
        &mut self,
        into: Token,
        lexer: &mut Lexer<'_>,
        end: usize,
    ) -> Result<(), ParseError> {
        let sql = self.sql;
        let what = next(lexer, sql, end)?;
        if what.is_some_and(|token| token.is_word(sql, "DUMPFILE")) {
            let message = "INTO DUMPFILE is not supported; INTO OUTFILE 'stage://name/file' is";
            return Err(ParseError::new(
                ErrorKind::Unsupported,
                sql,
                into.span.range(),
                message,
            ));
        }
        if !what.is_some_and(|token| token.is_word(sql, "OUTFILE")) {
            let at = what.map_or(Span::new(end, end), |token| token.span);
            let error = syntax(sql, at, "INTO is followed by OUTFILE 'target'");
            return Err(error.expecting(vec!["OUTFILE".to_owned()]));
        }
        if self.frames.len() > 1 {
            let message = format!("INTO OUTFILE stands inside parentheses; {BELONGS}");
            return Err(syntax(sql, into.span, &message));
        }
        let mut depth = 0usize;
        while let Some(token) = next(lexer, sql, end)? {
            match token.kind {
                TokenKind::Punct(b'(' | b'{') => depth += 1,
                TokenKind::Punct(b')' | b'}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > 0 || token.kind != TokenKind::Word {
                continue;
            }
            if token.is_word(sql, "INTO") {
                let message = format!("INTO OUTFILE is given twice; {BELONGS}");
                return Err(syntax(sql, token.span, &message));
            }
            if token.is_word(sql, "FROM") || token.is_any(sql, ENDS_TABLES) {
                let word = token.text(sql).to_uppercase();
                let message = format!("INTO OUTFILE stands before {word}; {BELONGS}");
                return Err(syntax(sql, into.span, &message));
            }
        }
        Ok(())
    }
}
