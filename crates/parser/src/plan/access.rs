//! Plans of accounts, users, roles, tokens and sessions.
//! Names fold to lower case, however they were written; a user's host is read and not kept.

use crate::plan::credentials::CredentialValue;
use crate::plan::table::Literal;
use crate::span::{Name, Spanned};

/// `CREATE ACCOUNT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateAccount {
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The account's name.
    pub name: Name,
    /// Its first user, who administers it.
    pub admin: NewUser,
    /// `COMMENT 'text'`.
    pub comment: Option<Spanned<String>>,
}

/// A user's name and the password that is to be theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// The user's name.
    pub name: Name,
    /// `IDENTIFIED BY 'password'`.
    pub password: CredentialValue,
}

/// `ALTER ACCOUNT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterAccount {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The account's name.
    pub name: Name,
    /// What is done to it.
    pub action: AlterAccountAction,
}

/// What ALTER ACCOUNT does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterAccountAction {
    /// `ADMIN_NAME 'user' IDENTIFIED BY 'password'`.
    Admin(NewUser),
    /// `SUSPEND`: nobody logs in to it any more.
    Suspend,
    /// `OPEN`: the end of that.
    Open,
    /// `COMMENT 'text'`.
    Comment(Spanned<String>),
}

/// `DROP ACCOUNT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropAccount {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The account's name.
    pub name: Name,
}

/// `CREATE USER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateUser {
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The users, at least one, each named once.
    pub users: Vec<NewUser>,
    /// `DEFAULT ROLE role`, of all of them.
    pub default_role: Option<Name>,
    /// `COMMENT 'text'`, of all of them.
    pub comment: Option<Spanned<String>>,
}

/// `ALTER USER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterUser {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The user's name.
    pub name: Name,
    /// What is done to it.
    pub action: AlterUserAction,
}

/// What ALTER USER does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterUserAction {
    /// `IDENTIFIED BY 'password'`.
    Password(CredentialValue),
    /// `LOCK`: the user cannot log in any more.
    Lock,
    /// `UNLOCK`: the end of that.
    Unlock,
    /// `DEFAULT ROLE role`, or `None` for `DEFAULT ROLE NONE`.
    DefaultRole(Option<Name>),
    /// `COMMENT 'text'`.
    Comment(Spanned<String>),
}

/// `DROP USER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropUser {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The users, at least one.
    pub users: Vec<Name>,
}

/// `CREATE ROLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRole {
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The roles, at least one.
    pub roles: Vec<Name>,
    /// `COMMENT 'text'`, of each.
    pub comment: Option<Spanned<String>>,
}

/// `DROP ROLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropRole {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The roles, at least one.
    pub roles: Vec<Name>,
}

/// What SET ROLE makes the session's role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetRole {
    /// `SET ROLE role`.
    Role(Name),
    /// `SET ROLE NONE`.
    None,
    /// `SET ROLE DEFAULT`: the one the user logs in with.
    Default,
}

/// `CREATE TOKEN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateToken {
    /// `'label'`, for lists.
    pub label: Option<Spanned<String>>,
    /// `FOR USER user`; oneself where it is not given.
    pub user: Option<Name>,
    /// `EXPIRES IN n unit`, in seconds; at least 1.
    pub expires_in_seconds: Option<Spanned<u64>>,
}

/// `SET [SESSION] name = value, …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetVariable {
    /// The assignments, at least one, in the order given.
    pub assignments: Vec<Assignment>,
}

/// `name = value`. `SET NAMES utf8mb4` is one, too: of `names`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The variable of the session, without `@@session.`.
    pub name: Name,
    /// Its value, a bare word as a string; `None` for `DEFAULT`.
    pub value: Option<Spanned<Literal>>,
}

/// `KILL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kill {
    /// What of the session ends.
    pub scope: KillScope,
    /// The session's id as SHOW SESSIONS has it, a number as its digits; never empty.
    pub id: Spanned<String>,
}

/// What KILL ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KillScope {
    /// `KILL [CONNECTION]`: the whole session.
    Connection,
    /// `KILL QUERY`: the statement that it runs.
    Query,
}
