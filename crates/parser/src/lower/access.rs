//! Tokens, sessions and their variables.

use super::account::user_name;
use super::given_twice;
use crate::cursor::Node;
use crate::error::{ErrorKind, ParseError};
use crate::grammar::Rule;
use crate::plan::Plan;
use crate::plan::access::{Assignment, CreateToken, Kill, KillScope, SetVariable};
use crate::plan::table::Literal;
use crate::span::{Name, Spanned};
use crate::text::unquote;

pub(super) fn create_token(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let label = parts.next_if(Rule::string).map(|label| label.string());
    let user = parts.next_if(Rule::token_user);
    let user = user.map(|user| user_name(&user.children().next_node()?));
    let expires = parts.next_if(Rule::token_expires);
    Ok(Plan::CreateToken(CreateToken {
        label,
        user: user.transpose()?,
        expires_in_seconds: expires.as_ref().map(seconds).transpose()?,
    }))
}

pub(super) fn show_tokens(node: &Node<'_>) -> Result<Plan, ParseError> {
    let of = node.children().next_if(Rule::tokens_of);
    let of = of.map(|of| user_name(&of.children().next_node()?));
    Ok(Plan::ShowTokens {
        of: of.transpose()?,
    })
}

/// `EXPIRES IN n unit`.
fn seconds(node: &Node<'_>) -> Result<Spanned<u64>, ParseError> {
    let mut parts = node.children();
    let number = parts.next_node()?;
    let unit = parts.next_node()?.text().to_ascii_lowercase();
    let unit_seconds = match unit.trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        _ => 86_400,
    };
    let count = number.number::<u64>("the time until a token expires")?;
    if count.value == 0 {
        return Err(number.invalid("the time until a token expires must be at least 1"));
    }
    match count.value.checked_mul(unit_seconds) {
        Some(seconds) => Ok(Spanned::new(seconds, count.span)),
        None => Err(number.invalid("the time until a token expires is out of range")),
    }
}

/// The id of a session or a token.
pub(super) fn id(node: &Node<'_>) -> Result<Spanned<String>, ParseError> {
    if node.rule() != Rule::string {
        return Ok(Spanned::new(node.text().to_owned(), node.span()));
    }
    let id = node.string();
    if id.is_empty() {
        return Err(node.invalid("the id must not be empty"));
    }
    Ok(id)
}

pub(super) fn kill(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let scope = if parts.take(Rule::kill_query) {
        KillScope::Query
    } else {
        KillScope::Connection
    };
    Ok(Plan::Kill(Kill {
        scope,
        id: id(&parts.next_node()?)?,
    }))
}

pub(super) fn set_variables(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut assignments: Vec<Assignment> = Vec::new();
    let mut parts = node.children();
    while let Some(part) = parts.next_any() {
        let assignment = match part.rule() {
            Rule::names_assignment => names(&part)?,
            Rule::assignment => assignment(&part)?,
            _ => continue,
        };
        if assignments
            .iter()
            .any(|known| known.name == assignment.name)
        {
            return Err(given_twice(&part, "a variable"));
        }
        assignments.push(assignment);
    }
    Ok(Plan::SetVariable(SetVariable { assignments }))
}

/// `NAMES charset [COLLATE collation]`; all text is UTF-8, so the collation is read and not kept.
fn names(node: &Node<'_>) -> Result<Assignment, ParseError> {
    let charset = node.children().next_node()?;
    Ok(Assignment {
        name: Name::new("names".to_owned(), node.span()),
        value: value(&charset),
    })
}

fn assignment(node: &Node<'_>) -> Result<Assignment, ParseError> {
    let mut parts = node.children();
    if let Some(scope) = parts.next_if(Rule::variable_scope) {
        let word = scope.children().next_any();
        let session = word.is_none_or(|word| {
            ["session", "local"].contains(&word.text().to_ascii_lowercase().as_str())
        });
        if !session {
            let message = "a statement sets variables of its session only: SET SESSION name = value; \
                           the server's are in its settings";
            return Err(scope.error(ErrorKind::Unsupported, message));
        }
    }
    let name = parts.next_node()?;
    if name.rule() == Rule::user_variable {
        let message = "variables of one's own are not supported; the session's are set with \
                       SET name = value";
        return Err(name.error(ErrorKind::Unsupported, message));
    }
    if name.name()?.as_str() == "password" {
        let message = "a password is no variable; it is set with SET PASSWORD = 'password'";
        return Err(name.invalid(message));
    }
    let name = name.name()?;
    Ok(Assignment {
        name,
        value: value(&parts.next_node()?),
    })
}

/// `None` for DEFAULT.
fn value(node: &Node<'_>) -> Option<Spanned<Literal>> {
    let text = node.text();
    let literal = match node.rule() {
        Rule::variable_default => return None,
        Rule::null_value => Literal::Null,
        Rule::true_false => Literal::Bool(text.eq_ignore_ascii_case("true")),
        Rule::number => Literal::Number(text.to_owned()),
        Rule::string => Literal::String(unquote(text)),
        // A word, such as ON or utf8mb4.
        _ => Literal::String(text.to_owned()),
    };
    Some(Spanned::new(literal, node.span()))
}
