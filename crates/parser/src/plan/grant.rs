//! Plans of GRANT, REVOKE and SHOW GRANTS, and the closed sets of privileges and objects.

use std::fmt;

use crate::plan::table::TableName;
use crate::span::{Name, Spanned};

/// `GRANT privileges ON object TO roles`, or the same of REVOKE … FROM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The privileges: at least one, each once, each of them one of the object's kind.
    /// [`Privilege::All`] stands alone.
    pub privileges: Vec<Spanned<Privilege>>,
    /// On what.
    pub object: Spanned<GrantObject>,
    /// The roles, at least one.
    pub roles: Vec<Name>,
}

/// `GRANT roles TO users`, or the same of REVOKE … FROM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleGrant {
    /// The roles, at least one.
    pub roles: Vec<Name>,
    /// The users, at least one.
    pub users: Vec<Name>,
}

/// `SHOW GRANTS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowGrants {
    /// Whose; one's own where it is not given.
    pub of: Option<Grantee>,
}

/// Who has grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grantee {
    /// `FOR USER user` or `FOR user`.
    User(Name),
    /// `FOR ROLE role`.
    Role(Name),
}

/// What a privilege is granted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantObject {
    /// `ACCOUNT *`: the account of who grants.
    Account,
    /// `DATABASE *`.
    AllDatabases,
    /// `DATABASE d`.
    Database(Name),
    /// `TABLE *.*`.
    AllTables,
    /// `TABLE d.*`, or `TABLE *` for the session's database.
    TablesOf(Option<Name>),
    /// `TABLE [d.]t`.
    Table(TableName),
    /// `STAGE *`.
    AllStages,
    /// `STAGE s`.
    Stage(Name),
}

impl GrantObject {
    /// What kind of object it is.
    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::Account => ObjectKind::Account,
            Self::AllDatabases | Self::Database(_) => ObjectKind::Database,
            Self::AllTables | Self::TablesOf(_) | Self::Table(_) => ObjectKind::Table,
            Self::AllStages | Self::Stage(_) => ObjectKind::Stage,
        }
    }
}

/// A kind of object, which says what privileges there are on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// An account as a whole.
    Account,
    /// A database.
    Database,
    /// A table.
    Table,
    /// A stage.
    Stage,
}

impl ObjectKind {
    /// Every kind.
    pub const ALL: &[ObjectKind] = &[Self::Account, Self::Database, Self::Table, Self::Stage];

    /// The keyword, such as `STAGE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "ACCOUNT",
            Self::Database => "DATABASE",
            Self::Table => "TABLE",
            Self::Stage => "STAGE",
        }
    }

    /// The privileges on it, in the order in which messages list them; ALL is each but itself.
    pub fn privileges(self) -> &'static [Privilege] {
        match self {
            Self::Account => &[
                Privilege::All,
                Privilege::CreateUser,
                Privilege::AlterUser,
                Privilege::DropUser,
                Privilege::CreateRole,
                Privilege::DropRole,
                Privilege::ManageGrants,
                Privilege::CreateDatabase,
                Privilege::DropDatabase,
            ],
            Self::Database => &[
                Privilege::All,
                Privilege::CreateTable,
                Privilege::DropTable,
                Privilege::ShowTables,
                Privilege::Ownership,
            ],
            Self::Table => &[
                Privilege::All,
                Privilege::Select,
                Privilege::Insert,
                Privilege::Update,
                Privilege::Delete,
                Privilege::Truncate,
                Privilege::Ownership,
            ],
            Self::Stage => &[
                Privilege::All,
                Privilege::Read,
                Privilege::Write,
                Privilege::Remove,
            ],
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A privilege.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Privilege {
    /// `ALL [PRIVILEGES]`: each that the object's kind has.
    All,
    /// `CREATE USER`.
    CreateUser,
    /// `ALTER USER`.
    AlterUser,
    /// `DROP USER`.
    DropUser,
    /// `CREATE ROLE`.
    CreateRole,
    /// `DROP ROLE`.
    DropRole,
    /// `MANAGE GRANTS`.
    ManageGrants,
    /// `CREATE DATABASE`.
    CreateDatabase,
    /// `DROP DATABASE`.
    DropDatabase,
    /// `CREATE TABLE`.
    CreateTable,
    /// `DROP TABLE`.
    DropTable,
    /// `SHOW TABLES`.
    ShowTables,
    /// `OWNERSHIP`, of a database or a table.
    Ownership,
    /// `SELECT`.
    Select,
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
    /// `TRUNCATE`.
    Truncate,
    /// `READ` files of a stage.
    Read,
    /// `WRITE` files to a stage.
    Write,
    /// `REMOVE` files from a stage.
    Remove,
}

impl Privilege {
    /// Every privilege.
    pub const ALL: &[Privilege] = &[
        Self::All,
        Self::CreateUser,
        Self::AlterUser,
        Self::DropUser,
        Self::CreateRole,
        Self::DropRole,
        Self::ManageGrants,
        Self::CreateDatabase,
        Self::DropDatabase,
        Self::CreateTable,
        Self::DropTable,
        Self::ShowTables,
        Self::Ownership,
        Self::Select,
        Self::Insert,
        Self::Update,
        Self::Delete,
        Self::Truncate,
        Self::Read,
        Self::Write,
        Self::Remove,
    ];

    /// Its words, in upper case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::CreateUser => "CREATE USER",
            Self::AlterUser => "ALTER USER",
            Self::DropUser => "DROP USER",
            Self::CreateRole => "CREATE ROLE",
            Self::DropRole => "DROP ROLE",
            Self::ManageGrants => "MANAGE GRANTS",
            Self::CreateDatabase => "CREATE DATABASE",
            Self::DropDatabase => "DROP DATABASE",
            Self::CreateTable => "CREATE TABLE",
            Self::DropTable => "DROP TABLE",
            Self::ShowTables => "SHOW TABLES",
            Self::Ownership => "OWNERSHIP",
            Self::Select => "SELECT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Truncate => "TRUNCATE",
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::Remove => "REMOVE",
        }
    }

    /// The privilege of these words, in any case, with one blank between them.
    pub fn from_words(words: &str) -> Option<Self> {
        if words.eq_ignore_ascii_case("ALL PRIVILEGES") {
            return Some(Self::All);
        }
        let mut all = Self::ALL.iter().copied();
        all.find(|known| known.as_str().eq_ignore_ascii_case(words))
    }

    /// The kinds of objects that it is granted on.
    pub fn kinds(self) -> impl Iterator<Item = ObjectKind> {
        let kinds = ObjectKind::ALL.iter().copied();
        kinds.filter(move |kind| kind.privileges().contains(&self))
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
