//! [`Plan`]: a statement as data, with spans. Nothing in it is evaluated.
//! `Display` gives canonical SQL with secrets masked, [`Plan::to_sql`] the whole of it.

pub(crate) mod access;
pub(crate) mod credentials;
pub(crate) mod data_type;
pub(crate) mod export;
pub(crate) mod file;
pub(crate) mod grant;
pub(crate) mod insert;
pub(crate) mod live;
pub(crate) mod parameter;
pub(crate) mod passing;
pub(crate) mod policy;
pub(crate) mod query;
pub(crate) mod stage;
pub(crate) mod table;
pub(crate) mod view;

use std::fmt;

use crate::plan::access::{
    AlterAccount, AlterUser, CreateAccount, CreateRole, CreateToken, CreateUser, DropAccount,
    DropRole, DropUser, Kill, SetRole, SetVariable,
};
use crate::plan::credentials::CredentialValue;
use crate::plan::export::Export;
use crate::plan::file::{GetFiles, InferSchema, Presign, PutFiles, RemoveFiles};
use crate::plan::grant::{Grant, RoleGrant, ShowGrants};
use crate::plan::insert::{Insert, OnDuplicate};
use crate::plan::live::CreateLiveTable;
use crate::plan::passing::{ShowDiagnostics, ShowFilter, ShowIndex, ShowServer, Transaction};
use crate::plan::query::QueryText;
use crate::plan::stage::{AlterStage, CreateStage, DropStage};
use crate::plan::table::{
    CreateDatabase, CreateExternalTable, CreateTable, CreateTableAs, Delete, DropDatabase,
    DropTable, LoadData, ShowColumns, ShowTables, TableName, Update,
};
use crate::plan::view::{CreateView, DropView, ViewDefinition};
use crate::print::{self, Secrets};
use crate::span::{Name, Spanned};
use crate::target::Target;

/// One statement. Whoever executes plans matches all of them: a new one does not compile unseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// `CREATE STAGE`.
    CreateStage(CreateStage),
    /// `ALTER STAGE`.
    AlterStage(AlterStage),
    /// `DROP STAGE`.
    DropStage(DropStage),
    /// `UNDROP STAGE name`.
    UndropStage(Name),
    /// `SHOW STAGES [LIKE 'pattern']`.
    ShowStages {
        /// The pattern.
        like: Option<Spanned<String>>,
    },
    /// `DESCRIBE STAGE name`.
    DescribeStage(Name),
    /// `SHOW STAGE HISTORY name`.
    ShowStageHistory(Name),
    /// `VALIDATE STAGE name`.
    ValidateStage(Name),
    /// `query INTO OUTFILE 'target'`.
    Export(Export),
    /// `EXPLAIN EXPORT query INTO OUTFILE 'target'`.
    ExplainExport(Export),
    /// `SHOW EXPORTS`.
    ShowExports,
    /// `CANCEL EXPORT 'id'`.
    CancelExport(Spanned<String>),
    /// `RESUME EXPORT 'id'`.
    ResumeExport(Spanned<String>),
    /// `VERIFY EXPORT 'id'`.
    VerifyExport(Spanned<String>),
    /// `LIST 'stage://stage/path'`.
    ListFiles(Spanned<Target>),
    /// `INFER SCHEMA 'stage://stage/path'`.
    InferSchema(InferSchema),
    /// `REMOVE FILES FROM STAGE`.
    RemoveFiles(RemoveFiles),
    /// `PRESIGN`.
    Presign(Presign),
    /// `GET`, which the client carries out.
    GetFiles(GetFiles),
    /// `PUT`, which the client carries out.
    PutFiles(PutFiles),
    /// `CREATE DATABASE`.
    CreateDatabase(CreateDatabase),
    /// `DROP DATABASE`.
    DropDatabase(DropDatabase),
    /// `USE database`.
    Use(Name),
    /// `SHOW DATABASES [LIKE 'pattern' | WHERE condition]`.
    ShowDatabases {
        /// Which of them.
        filter: Option<ShowFilter>,
    },
    /// `SHOW TABLES`.
    ShowTables(ShowTables),
    /// `SHOW COLUMNS`.
    ShowColumns(ShowColumns),
    /// `SHOW CREATE TABLE`.
    ShowCreateTable(TableName),
    /// `DESCRIBE table`.
    DescribeTable(TableName),
    /// `CREATE TABLE`.
    CreateTable(CreateTable),
    /// `CREATE EXTERNAL TABLE`.
    CreateExternalTable(CreateExternalTable),
    /// `CREATE EXTERNAL TABLE … FROM`.
    CreateLiveTable(CreateLiveTable),
    /// `DROP TABLE`.
    DropTable(DropTable),
    /// `TRUNCATE TABLE`.
    Truncate(TableName),
    /// `CREATE TABLE … AS query`.
    CreateTableAs(CreateTableAs),
    /// `CREATE VIEW`.
    CreateView(CreateView),
    /// `ALTER VIEW`.
    AlterView(ViewDefinition),
    /// `DROP VIEW`.
    DropView(DropView),
    /// `SHOW CREATE VIEW`.
    ShowCreateView(TableName),
    /// `INSERT INTO`, `REPLACE INTO`.
    Insert(Insert),
    /// `LOAD DATA`.
    LoadData(LoadData),
    /// `UPDATE`.
    Update(Update),
    /// `DELETE FROM`.
    Delete(Delete),
    /// `CREATE ACCOUNT`.
    CreateAccount(CreateAccount),
    /// `ALTER ACCOUNT`.
    AlterAccount(AlterAccount),
    /// `DROP ACCOUNT`.
    DropAccount(DropAccount),
    /// `SHOW ACCOUNTS [LIKE 'pattern']`.
    ShowAccounts {
        /// The pattern.
        like: Option<Spanned<String>>,
    },
    /// `CREATE USER`.
    CreateUser(CreateUser),
    /// `ALTER USER`.
    AlterUser(AlterUser),
    /// `DROP USER`.
    DropUser(DropUser),
    /// `SHOW USERS [LIKE 'pattern']`.
    ShowUsers {
        /// The pattern.
        like: Option<Spanned<String>>,
    },
    /// `SET PASSWORD = 'password'`, one's own.
    SetPassword(CredentialValue),
    /// `CREATE ROLE`.
    CreateRole(CreateRole),
    /// `DROP ROLE`.
    DropRole(DropRole),
    /// `SHOW ROLES [LIKE 'pattern']`.
    ShowRoles {
        /// The pattern.
        like: Option<Spanned<String>>,
    },
    /// `SET ROLE`.
    SetRole(SetRole),
    /// `GRANT privileges ON object TO roles`.
    Grant(Grant),
    /// `REVOKE privileges ON object FROM roles`.
    Revoke(Grant),
    /// `GRANT roles TO users`.
    GrantRole(RoleGrant),
    /// `REVOKE roles FROM users`.
    RevokeRole(RoleGrant),
    /// `SHOW GRANTS`.
    ShowGrants(ShowGrants),
    /// `CREATE TOKEN`.
    CreateToken(CreateToken),
    /// `REVOKE TOKEN 'id'`; the id is no secret.
    RevokeToken(Spanned<String>),
    /// `SHOW TOKENS`.
    ShowTokens {
        /// `FOR [USER] user`; one's own where it is not given.
        of: Option<Name>,
    },
    /// `SET [SESSION] name = value, …`.
    SetVariable(SetVariable),
    /// `SHOW SESSIONS`.
    ShowSessions,
    /// `SHOW [FULL] PROCESSLIST`.
    ShowProcesses {
        /// With the whole of each statement.
        full: bool,
    },
    /// BEGIN, COMMIT, ROLLBACK and their like.
    Transaction(Transaction),
    /// `SHOW VARIABLES` and other questions about the server.
    ShowServer(ShowServer),
    /// `SHOW INDEX FROM t`.
    ShowIndex(ShowIndex),
    /// `SHOW TABLE STATUS`.
    ShowTableStatus(ShowTables),
    /// `SHOW WARNINGS`, `SHOW ERRORS`.
    ShowDiagnostics(ShowDiagnostics),
    /// `KILL`.
    Kill(Kill),
    /// A query, for the engine: `SELECT`, `WITH`, `VALUES`, `TABLE`, `(`, `EXPLAIN` of one.
    Query(QueryText),
}

impl Plan {
    /// The statement's name for logs and metrics, such as `CREATE STAGE`.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::CreateStage(_) => "CREATE STAGE",
            Self::AlterStage(_) => "ALTER STAGE",
            Self::DropStage(_) => "DROP STAGE",
            Self::UndropStage(_) => "UNDROP STAGE",
            Self::ShowStages { .. } => "SHOW STAGES",
            Self::DescribeStage(_) => "DESCRIBE STAGE",
            Self::ShowStageHistory(_) => "SHOW STAGE HISTORY",
            Self::ValidateStage(_) => "VALIDATE STAGE",
            Self::Export(_) => "EXPORT",
            Self::ExplainExport(_) => "EXPLAIN EXPORT",
            Self::ShowExports => "SHOW EXPORTS",
            Self::CancelExport(_) => "CANCEL EXPORT",
            Self::ResumeExport(_) => "RESUME EXPORT",
            Self::VerifyExport(_) => "VERIFY EXPORT",
            Self::ListFiles(_) => "LIST",
            Self::InferSchema(_) => "INFER SCHEMA",
            Self::RemoveFiles(_) => "REMOVE FILES",
            Self::Presign(_) => "PRESIGN",
            Self::GetFiles(_) => "GET",
            Self::PutFiles(_) => "PUT",
            Self::CreateDatabase(_) => "CREATE DATABASE",
            Self::DropDatabase(_) => "DROP DATABASE",
            Self::Use(_) => "USE",
            Self::ShowDatabases { .. } => "SHOW DATABASES",
            Self::ShowTables(_) => "SHOW TABLES",
            Self::ShowColumns(_) => "SHOW COLUMNS",
            Self::ShowCreateTable(_) => "SHOW CREATE TABLE",
            Self::DescribeTable(_) => "DESCRIBE TABLE",
            Self::CreateTable(_) => "CREATE TABLE",
            Self::CreateExternalTable(_) => "CREATE EXTERNAL TABLE",
            Self::CreateLiveTable(_) => "CREATE EXTERNAL TABLE",
            Self::DropTable(_) => "DROP TABLE",
            Self::Truncate(_) => "TRUNCATE TABLE",
            Self::CreateTableAs(_) => "CREATE TABLE AS",
            Self::CreateView(_) => "CREATE VIEW",
            Self::AlterView(_) => "ALTER VIEW",
            Self::DropView(_) => "DROP VIEW",
            Self::ShowCreateView(_) => "SHOW CREATE VIEW",
            Self::Insert(plan) => match plan.on_duplicate {
                OnDuplicate::Replace => "REPLACE",
                OnDuplicate::Refuse | OnDuplicate::Ignore | OnDuplicate::Update { .. } => "INSERT",
            },
            Self::LoadData(_) => "LOAD DATA",
            Self::Update(_) => "UPDATE",
            Self::Delete(_) => "DELETE",
            Self::CreateAccount(_) => "CREATE ACCOUNT",
            Self::AlterAccount(_) => "ALTER ACCOUNT",
            Self::DropAccount(_) => "DROP ACCOUNT",
            Self::ShowAccounts { .. } => "SHOW ACCOUNTS",
            Self::CreateUser(_) => "CREATE USER",
            Self::AlterUser(_) => "ALTER USER",
            Self::DropUser(_) => "DROP USER",
            Self::ShowUsers { .. } => "SHOW USERS",
            Self::SetPassword(_) => "SET PASSWORD",
            Self::CreateRole(_) => "CREATE ROLE",
            Self::DropRole(_) => "DROP ROLE",
            Self::ShowRoles { .. } => "SHOW ROLES",
            Self::SetRole(_) => "SET ROLE",
            Self::Grant(_) => "GRANT",
            Self::Revoke(_) => "REVOKE",
            Self::GrantRole(_) => "GRANT ROLE",
            Self::RevokeRole(_) => "REVOKE ROLE",
            Self::ShowGrants(_) => "SHOW GRANTS",
            Self::CreateToken(_) => "CREATE TOKEN",
            Self::RevokeToken(_) => "REVOKE TOKEN",
            Self::ShowTokens { .. } => "SHOW TOKENS",
            Self::SetVariable(_) => "SET",
            Self::ShowSessions => "SHOW SESSIONS",
            Self::ShowProcesses { .. } => "SHOW PROCESSLIST",
            Self::Transaction(transaction) => transaction.verb(),
            Self::ShowServer(plan) => plan.topic.verb(),
            Self::ShowIndex(_) => "SHOW INDEX",
            Self::ShowTableStatus(_) => "SHOW TABLE STATUS",
            Self::ShowDiagnostics(plan) => plan.verb(),
            Self::Kill(_) => "KILL",
            Self::Query(_) => "QUERY",
        }
    }

    /// The canonical text with its secrets, which [`parse`](crate::parse) reads back to an equal
    /// plan. For storage that is encrypted, never for logs: those take `Display`.
    pub fn to_sql(&self) -> String {
        print::plan(self, Secrets::Shown)
    }
}

/// The canonical text with every password and credential's value as `'******'`.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::plan(self, Secrets::Masked))
    }
}
