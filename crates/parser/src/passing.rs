//! What clients of MySQL say in passing: transactions, and SHOW of what the server is. Their words are too common to be
//! the grammar's keywords, and they are short: they are read token by token.

use crate::cursor::match_rule;
use crate::error::{END, ErrorKind, ParseError};
use crate::grammar::Rule;
use crate::lexer::{Lexer, Token, TokenKind};
use crate::limits::unterminated;
use crate::plan::Plan;
use crate::plan::passing::{
    ShowDiagnostics, ShowFilter, ShowIndex, ShowServer, ShownDiagnostics, Topic, Transaction,
};
use crate::plan::table::{ShowTables, TableName};
use crate::span::{Name, Span, Spanned};
use crate::text::unquote;

/// What these statements begin with, but for SET and SHOW.
pub(crate) const WORDS: [&str; 4] = ["BEGIN", "COMMIT", "ROLLBACK", "START"];

/// The statement, if it is one of these.
pub(crate) fn parse(sql: &str, statement: Span, first: Token) -> Result<Option<Plan>, ParseError> {
    let (is_set, is_show) = (first.is_word(sql, "SET"), first.is_word(sql, "SHOW"));
    if !is_set && !is_show && !first.is_any(sql, &WORDS) {
        return Ok(None);
    }
    let mut words = Words {
        sql,
        lexer: Lexer::at(sql, first.span.end),
        end: statement.end,
    };
    if is_show {
        return show(&mut words);
    }
    if is_set {
        words.skip_any(&["SESSION", "GLOBAL", "LOCAL"])?;
        let is_transaction = words.skip("TRANSACTION")?;
        return Ok(is_transaction.then_some(Plan::Transaction(Transaction::Characteristics)));
    }
    let transaction = if first.is_word(sql, "BEGIN") {
        words.skip("WORK")?;
        Transaction::Begin
    } else if first.is_word(sql, "START") {
        if !words.skip("TRANSACTION")? {
            return Err(words.expected(&["TRANSACTION"])?);
        }
        start_options(&mut words)?;
        Transaction::Begin
    } else {
        words.skip("WORK")?;
        if words.skip("TO")? {
            return Err(words.unsupported("there are no savepoints")?);
        }
        end_options(&mut words)?;
        match first.is_word(sql, "COMMIT") {
            true => Transaction::Commit,
            false => Transaction::Rollback,
        }
    };
    words.end()?;
    Ok(Some(Plan::Transaction(transaction)))
}

/// `[READ ONLY | READ WRITE | WITH CONSISTENT SNAPSHOT], …`
fn start_options(words: &mut Words<'_>) -> Result<(), ParseError> {
    loop {
        if words.skip("READ")? {
            if !words.skip_any(&["ONLY", "WRITE"])? {
                return Err(words.expected(&["ONLY", "WRITE"])?);
            }
        } else if words.skip("WITH")? {
            if !words.skip("CONSISTENT")? || !words.skip("SNAPSHOT")? {
                return Err(words.expected(&["CONSISTENT SNAPSHOT"])?);
            }
        } else {
            return Ok(());
        }
        if !words.skip_punct(b',')? {
            return Ok(());
        }
    }
}

/// `[AND [NO] CHAIN] [[NO] RELEASE]`, of which only what changes nothing is taken.
fn end_options(words: &mut Words<'_>) -> Result<(), ParseError> {
    if words.skip("AND")? {
        words.skip("NO")?;
        if !words.skip("CHAIN")? {
            return Err(words.expected(&["CHAIN"])?);
        }
    }
    if words.skip("NO")? && !words.skip("RELEASE")? {
        return Err(words.expected(&["RELEASE"])?);
    }
    Ok(())
}

fn show(words: &mut Words<'_>) -> Result<Option<Plan>, ParseError> {
    if let Some(plan) = diagnostics(words)? {
        return Ok(Some(Plan::ShowDiagnostics(plan)));
    }
    words.skip_any(&["SESSION", "GLOBAL", "LOCAL"])?;
    if words.skip_any(&["INDEX", "INDEXES", "KEYS"])? {
        return index(words).map(Some);
    }
    if words.skip("TABLE")? {
        if !words.skip("STATUS")? {
            return Err(words.expected(&["STATUS"])?);
        }
        let database = match words.skip_any(&["FROM", "IN"])? {
            true => Some(words.name()?),
            false => None,
        };
        let filter = words.filter()?;
        words.end()?;
        let plan = ShowTables {
            full: false,
            database,
            filter,
        };
        return Ok(Some(Plan::ShowTableStatus(plan)));
    }
    let topic = if words.skip("VARIABLES")? {
        Topic::Variables
    } else if words.skip("STATUS")? {
        Topic::Status
    } else if words.skip("PLUGINS")? {
        Topic::Plugins
    } else if words.skip("COLLATION")? {
        Topic::Collation
    } else if words.skip("CHARSET")? {
        Topic::CharacterSet
    } else if words.skip("CHARACTER")? {
        if !words.skip("SET")? {
            return Err(words.expected(&["SET"])?);
        }
        Topic::CharacterSet
    } else {
        words.skip("STORAGE")?;
        if !words.skip("ENGINES")? {
            return Ok(None);
        }
        Topic::Engines
    };
    let filter = words.filter()?;
    words.end()?;
    Ok(Some(Plan::ShowServer(ShowServer { topic, filter })))
}

/// `[COUNT(*)] WARNINGS | ERRORS [LIMIT [offset,] rows]`, if it is that.
fn diagnostics(words: &mut Words<'_>) -> Result<Option<ShowDiagnostics>, ParseError> {
    let is_count = words.skip("COUNT")?;
    if is_count
        && !(words.skip_punct(b'(')? && words.skip_punct(b'*')? && words.skip_punct(b')')?)
    {
        return Err(words.expected(&["(*)"])?);
    }
    let only_errors = if words.skip("WARNINGS")? {
        false
    } else if words.skip("ERRORS")? {
        true
    } else if is_count {
        return Err(words.expected(&["WARNINGS", "ERRORS"])?);
    } else {
        return Ok(None);
    };
    let shown = match is_count {
        true => ShownDiagnostics::Count,
        false => limit(words)?,
    };
    words.end()?;
    Ok(Some(ShowDiagnostics { only_errors, shown }))
}

fn limit(words: &mut Words<'_>) -> Result<ShownDiagnostics, ParseError> {
    if !words.skip("LIMIT")? {
        return Ok(ShownDiagnostics::Rows {
            offset: 0,
            rows: None,
        });
    }
    let first = words.whole_number()?;
    let (offset, rows) = if words.skip_punct(b',')? {
        (first, words.whole_number()?)
    } else if words.skip("OFFSET")? {
        (words.whole_number()?, first)
    } else {
        (0, first)
    };
    Ok(ShownDiagnostics::Rows {
        offset,
        rows: Some(rows),
    })
}

/// What stands behind WHERE in `span`, whose brackets must match, so that it stays one expression wherever it is put.
pub(crate) fn condition(sql: &str, span: Span) -> Result<Spanned<String>, ParseError> {
    let mut lexer = Lexer::at(sql, span.start);
    let mut open = Vec::new();
    let wrong =
        |at: Span, message: &str| Err(ParseError::new(ErrorKind::Syntax, sql, at.range(), message));
    while let Some(token) = lexer.next_token().map_err(|open| unterminated(sql, open))? {
        if token.span.end > span.end {
            break;
        }
        match token.kind {
            TokenKind::Punct(punct @ (b'(' | b'[' | b'{')) => open.push((punct, token.span)),
            TokenKind::Punct(punct @ (b')' | b']' | b'}')) => {
                let opening = match punct {
                    b')' => b'(',
                    b']' => b'[',
                    _ => b'{',
                };
                if open.pop().is_none_or(|(known, _)| known != opening) {
                    return wrong(token.span, "nothing was opened that this closes");
                }
            }
            _ => {}
        }
    }
    if let Some((_, at)) = open.pop() {
        return wrong(at, "the bracket that begins here is never closed");
    }
    let text = sql.get(span.range()).unwrap_or_default();
    Ok(Spanned::new(text.to_owned(), span))
}

fn index(words: &mut Words<'_>) -> Result<Plan, ParseError> {
    if !words.skip_any(&["FROM", "IN"])? {
        return Err(words.expected(&["FROM", "IN"])?);
    }
    let first = words.name()?;
    let (database, table) = match words.skip_punct(b'.')? {
        true => (Some(first), words.name()?),
        false => (None, first),
    };
    let database = match database.is_none() && words.skip_any(&["FROM", "IN"])? {
        true => Some(words.name()?),
        false => database,
    };
    let condition = words.condition()?;
    words.end()?;
    let table = TableName { database, table };
    Ok(Plan::ShowIndex(ShowIndex { table, condition }))
}

/// The words of a statement behind its first.
struct Words<'a> {
    sql: &'a str,
    lexer: Lexer<'a>,
    end: usize,
}

impl Words<'_> {
    fn next(&mut self) -> Result<Option<Token>, ParseError> {
        let token = self.lexer.next_token();
        let token = token.map_err(|open| unterminated(self.sql, open))?;
        Ok(token.filter(|token| token.span.end <= self.end))
    }

    fn skip_if(&mut self, is: impl Fn(&Token) -> bool) -> Result<Option<Token>, ParseError> {
        let before = self.lexer.clone();
        let token = self.next()?.filter(is);
        if token.is_none() {
            self.lexer = before;
        }
        Ok(token)
    }

    fn skip(&mut self, word: &str) -> Result<bool, ParseError> {
        self.skip_any(&[word])
    }

    fn skip_any(&mut self, words: &[&str]) -> Result<bool, ParseError> {
        let sql = self.sql;
        let found = self.skip_if(|token| token.is_any(sql, words))?;
        Ok(found.is_some())
    }

    fn skip_punct(&mut self, punct: u8) -> Result<bool, ParseError> {
        Ok(self.skip_if(|token| token.is(punct))?.is_some())
    }

    fn name(&mut self) -> Result<Name, ParseError> {
        let is_name = |token: &Token| matches!(token.kind, TokenKind::Word | TokenKind::Quoted);
        let Some(token) = self.skip_if(is_name)? else {
            return Err(self.expected(&["a name"])?);
        };
        let node = match_rule(Rule::name, self.sql, token.span)?;
        node.name()
    }

    /// `WHERE condition`, which goes on to the end.
    fn condition(&mut self) -> Result<Option<Spanned<String>>, ParseError> {
        if !self.skip("WHERE")? {
            return Ok(None);
        }
        let Some(next) = self.clone_next()? else {
            return Err(self.expected(&["a condition"])?);
        };
        let span = Span::new(next.span.start, self.end);
        self.lexer = Lexer::at(self.sql, self.end);
        condition(self.sql, span).map(Some)
    }

    fn whole_number(&mut self) -> Result<u64, ParseError> {
        let sql = self.sql;
        let is_whole = |token: &Token| token.text(sql).parse::<u64>().is_ok();
        let Some(token) = self.skip_if(is_whole)? else {
            return Err(self.expected(&["a whole number"])?);
        };
        // It was one a moment ago.
        Ok(token.text(sql).parse().unwrap_or_default())
    }

    /// `LIKE 'pattern'` or `WHERE condition`.
    fn filter(&mut self) -> Result<Option<ShowFilter>, ParseError> {
        if let Some(condition) = self.condition()? {
            return Ok(Some(ShowFilter::Where(condition)));
        }
        if !self.skip("LIKE")? {
            return Ok(None);
        }
        let Some(token) = self.skip_if(|token| token.kind == TokenKind::Str)? else {
            return Err(self.expected(&["a string"])?);
        };
        let pattern = unquote(token.text(self.sql));
        Ok(Some(ShowFilter::Like(Spanned::new(pattern, token.span))))
    }

    fn end(&mut self) -> Result<(), ParseError> {
        match self.clone_next()? {
            None => Ok(()),
            Some(_) => Err(self.expected(&[END])?),
        }
    }

    fn clone_next(&mut self) -> Result<Option<Token>, ParseError> {
        let before = self.lexer.clone();
        let token = self.next();
        self.lexer = before;
        token
    }

    /// Where the next word is.
    fn here(&mut self) -> Result<Span, ParseError> {
        let next = self.clone_next()?;
        Ok(next.map_or(Span::new(self.end, self.end), |token| token.span))
    }

    fn expected(&mut self, what: &[&str]) -> Result<ParseError, ParseError> {
        let at = self.here()?.range();
        let what = what.iter().map(|what| (*what).to_owned()).collect();
        Ok(ParseError::new(ErrorKind::Syntax, self.sql, at, "").expecting(what))
    }

    fn unsupported(&mut self, message: &str) -> Result<ParseError, ParseError> {
        let at = self.here()?.range();
        Ok(ParseError::new(
            ErrorKind::Unsupported,
            self.sql,
            at,
            message,
        ))
    }
}
