//! FIELDS and LINES, which exports and external tables share, and words out of closed sets.

use super::set_once;
use crate::cursor::Node;
use crate::error::ParseError;
use crate::grammar::Rule;
use crate::plan::export::{Compression, Dialect, DigestAlgorithm, Fields, Format, Lines};
use crate::span::Spanned;
use crate::text::{quote, unquote};

pub(super) fn fields(node: &Node<'_>) -> Result<Fields, ParseError> {
    let mut fields = Fields::default();
    let mut parts = node.children();
    while let Some(part) = parts.next_any() {
        let mut inner = part.children();
        match part.rule() {
            Rule::terminated_by => {
                set_once(
                    &mut fields.terminated_by,
                    inner.string()?,
                    &part,
                    "TERMINATED BY",
                )?;
            }
            Rule::enclosed_by => {
                fields.optionally_enclosed = inner.take(Rule::optionally);
                let enclosure = one_character(&inner.next_node()?, "ENCLOSED BY")?;
                set_once(&mut fields.enclosed_by, enclosure, &part, "ENCLOSED BY")?;
            }
            _ => {
                let escape = one_character(&inner.next_node()?, "ESCAPED BY")?;
                set_once(&mut fields.escaped_by, escape, &part, "ESCAPED BY")?;
            }
        }
    }
    Ok(fields)
}

pub(super) fn lines(node: &Node<'_>) -> Result<Lines, ParseError> {
    let mut lines = Lines::default();
    let mut parts = node.children();
    while let Some(part) = parts.next_any() {
        let text = part.children().string()?;
        if part.rule() == Rule::starting_by {
            set_once(&mut lines.starting_by, text, &part, "STARTING BY")?;
        } else {
            set_once(&mut lines.terminated_by, text, &part, "TERMINATED BY")?;
        }
    }
    Ok(lines)
}

fn one_character(node: &Node<'_>, what: &str) -> Result<Spanned<Option<char>>, ParseError> {
    let text = node.string();
    let mut chars = text.value.chars();
    let first = chars.next();
    if chars.next().is_some() {
        return Err(node.invalid(format!("{what} takes at most one character")));
    }
    Ok(Spanned::new(first, text.span))
}

pub(super) fn format(node: &Node<'_>, what: &str) -> Result<Spanned<Format>, ParseError> {
    word(
        node,
        what,
        Format::from_word,
        Format::ALL.iter().map(|word| word.as_str()),
    )
}

pub(super) fn dialect(node: &Node<'_>) -> Result<Spanned<Dialect>, ParseError> {
    word(
        node,
        "DIALECT",
        Dialect::from_word,
        Dialect::ALL.iter().map(|word| word.as_str()),
    )
}

pub(super) fn digest(node: &Node<'_>) -> Result<Spanned<DigestAlgorithm>, ParseError> {
    let all = DigestAlgorithm::ALL.iter().map(|word| word.as_str());
    word(node, "DIGEST", DigestAlgorithm::from_word, all)
}

pub(super) fn compression(node: &Node<'_>, what: &str) -> Result<Spanned<Compression>, ParseError> {
    let all = Compression::ALL.iter().map(|word| word.as_str());
    word(node, what, Compression::from_word, all)
}

fn word<T>(
    node: &Node<'_>,
    what: &str,
    from_word: fn(&str) -> Option<T>,
    all: impl Iterator<Item = &'static str>,
) -> Result<Spanned<T>, ParseError> {
    match from_word(&unquote(node.text())) {
        Some(value) => Ok(Spanned::new(value, node.span())),
        None => Err(node.out_of_set(what, &all.map(quote).collect::<Vec<_>>())),
    }
}
