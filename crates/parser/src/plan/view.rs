//! Plans of the statements on views.

use crate::plan::query::QueryText;
use crate::plan::table::TableName;
use crate::span::Name;

/// What a view is: a name for a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewDefinition {
    /// The view's name.
    pub view: TableName,
    /// Names of its columns; empty for those that the query gives.
    pub columns: Vec<Name>,
    /// The query, verbatim.
    pub query: QueryText,
}

/// `CREATE [OR REPLACE] VIEW v [(columns)] AS query`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateView {
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// What it is.
    pub definition: ViewDefinition,
}

/// `DROP VIEW`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropView {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The views, at least one.
    pub views: Vec<TableName>,
}
