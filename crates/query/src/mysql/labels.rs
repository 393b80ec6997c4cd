//! Column labels as MySQL gives them: the alias or column as it was written,
//! an expression's own text, a string literal's content.

use datafusion::sql::sqlparser::ast::{
    Expr, Query, Select, SelectItem, SetExpr, TableFactor, TableWithJoins, Value,
};
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::is_word;

/// The labels of a query's result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    /// `None` stands for a `*`.
    items: Vec<Option<String>>,
    /// What a `*` stands for is in capitals: its tables are of `information_schema`, whose columns MySQL calls so.
    capitals: bool,
}

impl Labels {
    /// The labels of the first SELECT of the query.
    pub(super) fn of(query: &Query, sql: &str, tokens: &[TokenWithSpan]) -> Self {
        let Some(select) = first_select(&query.body) else {
            return Self::default();
        };
        let texts = item_texts(sql, tokens).filter(|texts| texts.len() == select.projection.len());
        let labels = select
            .projection
            .iter()
            .enumerate()
            .map(|(index, item)| match item {
                SelectItem::UnnamedExpr(expr) => {
                    let text = texts
                        .as_ref()
                        .map_or_else(|| expr.to_string(), |texts| texts[index].to_owned());
                    Some(label(expr, text))
                }
                SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
                _ => None,
            });
        Self {
            items: labels.collect(),
            capitals: !select.from.is_empty() && select.from.iter().all(is_of_information),
        }
    }

    /// A label for each column of the planned result, whose own names are `names`.
    pub(crate) fn apply(&self, names: &[String]) -> Vec<String> {
        let stars = self.items.iter().filter(|label| label.is_none()).count();
        let Some(before) = self.items.iter().position(Option::is_none) else {
            return if self.items.len() == names.len() {
                self.items.iter().flatten().cloned().collect()
            } else {
                names.to_vec()
            };
        };
        let mut labels: Vec<String> = match self.capitals {
            true => names.iter().map(|name| name.to_uppercase()).collect(),
            false => names.to_vec(),
        };
        let after = self.items.len() - before - 1;
        if stars > 1 || before + after > names.len() {
            return labels;
        }
        for (index, label) in self.items.iter().enumerate() {
            let at = if index < before {
                index
            } else {
                names.len() + index - self.items.len()
            };
            if let (Some(label), Some(slot)) = (label, labels.get_mut(at)) {
                slot.clone_from(label);
            }
        }
        labels
    }
}

fn is_of_information(from: &TableWithJoins) -> bool {
    let joined = from.joins.iter().map(|join| &join.relation);
    std::iter::once(&from.relation).chain(joined).all(|table| {
        let TableFactor::Table { name, .. } = table else {
            return false;
        };
        let database = name.0.first().and_then(|part| part.as_ident());
        name.0.len() > 1
            && database.is_some_and(|name| name.value.eq_ignore_ascii_case("information_schema"))
    })
}

fn label(expr: &Expr, text: String) -> String {
    match expr {
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::CompoundIdentifier(idents) if !text.starts_with('@') => idents
            .last()
            .map_or_else(|| text.clone(), |ident| ident.value.clone()),
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(string) | Value::DoubleQuotedString(string) => string.clone(),
            _ => text,
        },
        _ => text,
    }
}

fn first_select(body: &SetExpr) -> Option<&Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::Query(query) => first_select(&query.body),
        SetExpr::SetOperation { left, .. } => first_select(left),
        _ => None,
    }
}

/// A line of the statement: where it starts, and where its characters do unless each is a byte.
struct Line {
    start: usize,
    chars: Option<Vec<usize>>,
}

fn lines(sql: &str) -> Vec<Line> {
    let mut start = 0;
    sql.split_inclusive('\n')
        .chain([""])
        .map(|text| {
            let line = Line {
                start,
                chars: (!text.is_ascii()).then(|| {
                    text.char_indices()
                        .map(|(at, _)| at)
                        .chain([text.len()])
                        .collect()
                }),
            };
            start += text.len();
            line
        })
        .collect()
}

/// The source text of each item of the first SELECT outside brackets, if there is one.
fn item_texts<'a>(sql: &'a str, tokens: &[TokenWithSpan]) -> Option<Vec<&'a str>> {
    const ENDS: [&str; 13] = [
        "FROM",
        "WHERE",
        "GROUP",
        "HAVING",
        "ORDER",
        "LIMIT",
        "UNION",
        "EXCEPT",
        "INTERSECT",
        "INTO",
        "FOR",
        "WINDOW",
        "LOCK",
    ];
    let tokens: Vec<&TokenWithSpan> = tokens
        .iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_)))
        .collect();
    let mut depth = 0_usize;
    let start = tokens.iter().position(|token| {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => return depth == 0 && is_word(token, "SELECT"),
        }
        false
    })?;
    let mut rest = &tokens[start + 1..];
    while rest
        .first()
        .is_some_and(|token| is_word(token, "DISTINCT") || is_word(token, "ALL"))
    {
        rest = &rest[1..];
    }
    let lines = lines(sql);
    let offset = |place: Location| -> Option<usize> {
        let line = lines.get(usize::try_from(place.line).ok()?.checked_sub(1)?)?;
        let skip = usize::try_from(place.column).ok()?.checked_sub(1)?;
        match &line.chars {
            None => Some((line.start + skip).min(sql.len())),
            Some(chars) => Some(line.start + chars.get(skip)?),
        }
    };
    let (mut texts, mut depth, mut from) = (Vec::new(), 0_usize, 0);
    for index in 0..=rest.len() {
        let token = rest.get(index);
        let ends = token.is_none_or(|token| {
            depth == 0
                && (matches!(token.token, Token::EOF | Token::SemiColon)
                    || ENDS.iter().any(|word| is_word(token, word)))
        });
        if ends || depth == 0 && token.is_some_and(|token| token.token == Token::Comma) {
            let (first, last) = (rest.get(from)?, rest.get(index.checked_sub(1)?)?);
            texts.push(sql.get(offset(first.span.start)?..offset(last.span.end)?)?);
            from = index + 1;
        }
        match token.map(|token| &token.token) {
            _ if ends => break,
            Some(Token::LParen) => depth += 1,
            Some(Token::RParen) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Some(texts)
}
