//! Accounts, users, their passwords, and roles.

use super::given_twice;
use crate::cursor::{Cursor, Node};
use crate::error::{ErrorKind, ParseError};
use crate::grammar::Rule;
use crate::plan::Plan;
use crate::plan::access::{
    AlterAccount, AlterAccountAction, AlterUser, AlterUserAction, CreateAccount, CreateRole,
    CreateUser, DropAccount, DropRole, DropUser, NewUser, SetRole,
};
use crate::plan::credentials::CredentialValue;
use crate::span::{Name, Spanned};

pub(super) fn create(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    Ok(Plan::CreateAccount(CreateAccount {
        if_not_exists: parts.take(Rule::if_not_exists),
        name: parts.next_node()?.access_name()?,
        admin: new_user(&parts.next_node()?)?,
        comment: comment(&mut parts)?,
    }))
}

pub(super) fn alter(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let if_exists = parts.take(Rule::if_exists);
    let name = parts.next_node()?.access_name()?;
    let action = parts.next_node()?;
    let action = match action.rule() {
        Rule::account_admin => AlterAccountAction::Admin(new_user(&action)?),
        Rule::account_suspend => AlterAccountAction::Suspend,
        Rule::account_open => AlterAccountAction::Open,
        _ => AlterAccountAction::Comment(action.children().string()?),
    };
    Ok(Plan::AlterAccount(AlterAccount {
        if_exists,
        name,
        action,
    }))
}

pub(super) fn drop_account(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    Ok(Plan::DropAccount(DropAccount {
        if_exists: parts.take(Rule::if_exists),
        name: parts.next_node()?.access_name()?,
    }))
}

pub(super) fn create_user(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let if_not_exists = parts.take(Rule::if_not_exists);
    let mut users: Vec<NewUser> = Vec::new();
    while let Some(part) = parts.next_if(Rule::new_user) {
        let user = new_user(&part)?;
        if users.iter().any(|known| known.name == user.name) {
            return Err(given_twice(&part, "a user"));
        }
        users.push(user);
    }
    let default_role = parts.next_if(Rule::default_role);
    let default_role = default_role.map(|role| role.children().next_node()?.access_name());
    Ok(Plan::CreateUser(CreateUser {
        if_not_exists,
        users,
        default_role: default_role.transpose()?,
        comment: comment(&mut parts)?,
    }))
}

pub(super) fn alter_user(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let if_exists = parts.take(Rule::if_exists);
    let name = user_name(&parts.next_node()?)?;
    let action = parts.next_node()?;
    let mut inner = action.children();
    let action = match action.rule() {
        Rule::identified => AlterUserAction::Password(password(&inner.next_node()?)?),
        Rule::user_lock => AlterUserAction::Lock,
        Rule::user_unlock => AlterUserAction::Unlock,
        Rule::default_role_none => AlterUserAction::DefaultRole(None),
        Rule::default_role => AlterUserAction::DefaultRole(Some(inner.next_node()?.access_name()?)),
        _ => AlterUserAction::Comment(inner.string()?),
    };
    Ok(Plan::AlterUser(AlterUser {
        if_exists,
        name,
        action,
    }))
}

pub(super) fn drop_user(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    Ok(Plan::DropUser(DropUser {
        if_exists: parts.take(Rule::if_exists),
        users: user_names(&mut parts)?,
    }))
}

pub(super) fn set_password(node: &Node<'_>) -> Result<Plan, ParseError> {
    let value = node.children().next_node()?;
    if value.rule() == Rule::password_for {
        let message = "SET PASSWORD sets one's own; another's is set with \
                       ALTER USER name IDENTIFIED BY 'password'";
        return Err(value.error(ErrorKind::Unsupported, message));
    }
    Ok(Plan::SetPassword(password(&value)?))
}

pub(super) fn create_role(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    Ok(Plan::CreateRole(CreateRole {
        if_not_exists: parts.take(Rule::if_not_exists),
        roles: role_names(&mut parts)?,
        comment: comment(&mut parts)?,
    }))
}

pub(super) fn drop_role(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    Ok(Plan::DropRole(DropRole {
        if_exists: parts.take(Rule::if_exists),
        roles: role_names(&mut parts)?,
    }))
}

pub(super) fn set_role(node: &Node<'_>) -> Result<Plan, ParseError> {
    let role = node.children().next_node()?;
    Ok(Plan::SetRole(match role.rule() {
        Rule::role_none => SetRole::None,
        Rule::role_default => SetRole::Default,
        _ => SetRole::Role(role.access_name()?),
    }))
}

/// The roles that follow, each once.
pub(super) fn role_names(parts: &mut Cursor<'_>) -> Result<Vec<Name>, ParseError> {
    let mut roles = Vec::new();
    while let Some(node) = parts.next_if(Rule::access_name) {
        add_once(&mut roles, node.access_name()?, &node, "a role")?;
    }
    Ok(roles)
}

/// The users that follow, each once.
pub(super) fn user_names(parts: &mut Cursor<'_>) -> Result<Vec<Name>, ParseError> {
    let mut users = Vec::new();
    while let Some(node) = parts.next_if(Rule::user_name) {
        add_once(&mut users, user_name(&node)?, &node, "a user")?;
    }
    Ok(users)
}

fn add_once(
    names: &mut Vec<Name>,
    name: Name,
    node: &Node<'_>,
    what: &str,
) -> Result<(), ParseError> {
    if names.contains(&name) {
        return Err(given_twice(node, what));
    }
    names.push(name);
    Ok(())
}

/// A user's name. A host behind it says nothing where it does not narrow down who logs in.
pub(super) fn user_name(node: &Node<'_>) -> Result<Name, ParseError> {
    let mut parts = node.children();
    let name = parts.next_node()?.access_name()?;
    if let Some(host) = parts.next_if(Rule::user_host) {
        let text = host.access_name()?;
        if !["%", "localhost"].contains(&text.as_str()) {
            let message = "a user has no host here; it is named without one, or with '%' \
                           or 'localhost'";
            return Err(host.error(ErrorKind::Unsupported, message));
        }
    }
    Ok(name)
}

/// `name IDENTIFIED BY 'password'`.
fn new_user(node: &Node<'_>) -> Result<NewUser, ParseError> {
    let mut parts = node.children();
    let name = user_name(&parts.next_node()?)?;
    let identified = parts.next_node()?;
    Ok(NewUser {
        name,
        password: password(&identified.children().next_node()?)?,
    })
}

fn password(node: &Node<'_>) -> Result<CredentialValue, ParseError> {
    let value = node.secret();
    if value
        .secret()
        .is_some_and(|secret| secret.expose().is_empty())
    {
        return Err(node.invalid("a password must not be empty"));
    }
    Ok(value)
}

fn comment(parts: &mut Cursor<'_>) -> Result<Option<Spanned<String>>, ParseError> {
    let clause = parts.next_if(Rule::comment_clause);
    clause.map(|clause| clause.children().string()).transpose()
}
