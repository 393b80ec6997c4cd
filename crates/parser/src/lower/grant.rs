//! GRANT, REVOKE and SHOW GRANTS. Privileges are matched with their object here, so that a
//! message can name those that fit.

use super::account::{role_names, user_name, user_names};
use super::database::table_name;
use super::given_twice;
use crate::cursor::{Cursor, Node};
use crate::error::{ErrorKind, ParseError, one_of};
use crate::grammar::Rule;
use crate::plan::Plan;
use crate::plan::grant::{
    Grant, GrantObject, Grantee, ObjectKind, Privilege, RoleGrant, ShowGrants,
};
use crate::span::Spanned;

pub(super) fn privileges(node: &Node<'_>) -> Result<Grant, ParseError> {
    let mut parts = node.children();
    let list = parts.next_node()?;
    let object = object(&parts.next_node()?)?;
    let privileges = privilege_list(&list, object.kind())?;
    let roles = role_names(&mut parts.next_node()?.children())?;
    refuse_option(&mut parts)?;
    Ok(Grant {
        privileges,
        object,
        roles,
    })
}

pub(super) fn roles(node: &Node<'_>) -> Result<RoleGrant, ParseError> {
    let mut parts = node.children();
    let roles = role_names(&mut parts.next_node()?.children())?;
    let users = user_names(&mut parts.next_node()?.children())?;
    refuse_option(&mut parts)?;
    Ok(RoleGrant { roles, users })
}

pub(super) fn show(node: &Node<'_>) -> Result<Plan, ParseError> {
    let of = match node.children().next_any() {
        None => None,
        Some(of) => {
            let name = of.children().next_node()?;
            Some(match of.rule() {
                Rule::grants_role => Grantee::Role(name.access_name()?),
                _ => Grantee::User(user_name(&name)?),
            })
        }
    };
    Ok(Plan::ShowGrants(ShowGrants { of }))
}

fn refuse_option(parts: &mut Cursor<'_>) -> Result<(), ParseError> {
    let Some(option) = parts.next_if(Rule::grant_option) else {
        return Ok(());
    };
    let message = "a grant is not supported WITH GRANT OPTION or WITH ADMIN OPTION; \
                   who has MANAGE GRANTS on the account grants";
    Err(option.error(ErrorKind::Unsupported, message))
}

fn object(node: &Node<'_>) -> Result<Spanned<GrantObject>, ParseError> {
    let on = node.children().next_node()?;
    let mut parts = on.children();
    let what = parts.next_node()?;
    let object = match (on.rule(), what.rule()) {
        (Rule::on_account, _) => GrantObject::Account,
        (Rule::on_database, Rule::star) => GrantObject::AllDatabases,
        (Rule::on_database, _) => GrantObject::Database(what.name()?),
        (Rule::on_stage, Rule::star) => GrantObject::AllStages,
        (Rule::on_stage, _) => GrantObject::Stage(what.name()?),
        (_, Rule::all_tables) => GrantObject::AllTables,
        (_, Rule::star) => GrantObject::TablesOf(None),
        (_, Rule::tables_of) => GrantObject::TablesOf(Some(what.children().name()?)),
        _ => GrantObject::Table(table_name(&mut on.children())?),
    };
    Ok(Spanned::new(object, node.span()))
}

fn privilege_list(
    list: &Node<'_>,
    kind: ObjectKind,
) -> Result<Vec<Spanned<Privilege>>, ParseError> {
    let mut parts = list.children();
    let mut privileges: Vec<Spanned<Privilege>> = Vec::new();
    while let Some(node) = parts.next_if(Rule::privilege) {
        let privilege = privilege(&node, kind)?;
        if privileges.contains(&privilege) {
            return Err(given_twice(&node, privilege.as_str()));
        }
        privileges.push(privilege);
    }
    let all = |privilege: &Spanned<Privilege>| privilege.value == Privilege::All;
    if privileges.len() > 1 && privileges.iter().any(all) {
        return Err(list.invalid("ALL stands alone: it is every privilege on the object"));
    }
    Ok(privileges)
}

fn privilege(node: &Node<'_>, kind: ObjectKind) -> Result<Spanned<Privilege>, ParseError> {
    let mut words = Vec::new();
    let mut parts = node.children();
    while let Some(word) = parts.next_any() {
        words.push(word.text());
    }
    let fitting: Vec<&str> = kind.privileges().iter().map(|one| one.as_str()).collect();
    let error = |message: String| {
        let expected = fitting.iter().map(|one| (*one).to_owned()).collect();
        let message = format!("{message}; a privilege on {kind} is {}", one_of(&fitting));
        node.invalid(message).expecting(expected)
    };
    let Some(privilege) = Privilege::from_words(&words.join(" ")) else {
        return Err(error("there is no such privilege".to_owned()));
    };
    if !kind.privileges().contains(&privilege) {
        let kinds: Vec<&str> = privilege.kinds().map(ObjectKind::as_str).collect();
        return Err(error(format!(
            "{privilege} is a privilege on {}, not on {kind}",
            one_of(&kinds)
        )));
    }
    Ok(Spanned::new(privilege, node.span()))
}
