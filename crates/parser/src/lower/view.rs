//! The heads of CREATE and ALTER VIEW, and DROP VIEW.

use super::database::table_name;
use super::insert::names;
use super::table::table_names;
use crate::cursor::Node;
use crate::error::ParseError;
use crate::grammar::Rule;
use crate::plan::Plan;
use crate::plan::table::TableName;
use crate::plan::view::DropView;
use crate::span::Name;

/// What stands before the query of CREATE VIEW and ALTER VIEW.
pub(crate) struct ViewHead {
    pub(crate) or_replace: bool,
    pub(crate) view: TableName,
    pub(crate) columns: Vec<Name>,
}

pub(crate) fn view_head(node: &Node<'_>) -> Result<ViewHead, ParseError> {
    let mut parts = node.children();
    let or_replace = parts.take(Rule::or_replace);
    // How a view is worked off changes nothing of what it gives; that it reads by its reader's rights is so anyway.
    parts.take(Rule::view_algorithm);
    parts.take(Rule::view_security);
    let view = table_name(&mut parts)?;
    let columns = match parts.next_if(Rule::name_list) {
        Some(list) => names(&list)?,
        None => Vec::new(),
    };
    Ok(ViewHead {
        or_replace,
        view,
        columns,
    })
}

pub(super) fn drop_view(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    Ok(Plan::DropView(DropView {
        if_exists: parts.take(Rule::if_exists),
        views: table_names(&mut parts)?,
    }))
}
