//! The one table operation → what it needs. docs/privileges.md is printed from it by a test.
//! No wildcard: a new operation has to say who may do it.

use catalog::Privilege;

/// Every operation that a client can ask for, whatever protocol it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    CreateStage,
    AlterStage,
    RenameStage,
    RollbackStage,
    DropStage,
    UndropStage,
    ShowStages,
    DescribeStage,
    ShowStageHistory,
    ValidateStage,

    ExportToStage,
    ExportToTemporaryStage,
    ExportToPath,
    ReadStage,
    ListFiles,
    /// `DIRECTORY('stage')`.
    ReadDirectory,
    /// ALTER STAGE … REFRESH.
    RefreshDirectory,
    RemoveFiles,
    PresignDownload,
    PresignUpload,
    DownloadFile,
    UploadFile,
    ShowExports,
    GetExport,
    CancelExport,
    ResumeExport,
    VerifyExport,

    Query,
    Select,
    ReadSystemTable,
    ReadAudit,
    Insert,
    Update,
    Delete,
    Truncate,
    CreateTable,
    DropTable,
    CreateView,
    AlterView,
    DropView,
    DescribeTable,
    ShowTables,
    CreateDatabase,
    DropDatabase,
    UseDatabase,
    ShowDatabases,

    CreateAccount,
    AlterAccount,
    DropAccount,
    ShowAccounts,
    CreateUser,
    AlterUser,
    ChangeOwnPassword,
    DropUser,
    ShowUsers,
    CreateRole,
    AlterRole,
    DropRole,
    ShowRoles,
    SetRole,
    Grant,
    Revoke,
    GrantAdmin,
    ShowGrants,
    ShowOwnGrants,
    CreateToken,
    CreateTokenForUser,
    RevokeToken,
    RevokeTokenOfUser,
    ShowTokens,
    ShowTokensOfUser,

    SetVariable,
    ShowSessions,
    EnterSession,
    KillSession,

    ServerStatus,
    Backup,
    VerifyAudit,
}

/// What an operation needs of the principal's active role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// A login, whatever the role.
    Login,
    /// A login; it concerns only what is the user's own, unless the role is the account's admin role.
    Own,
    /// A login; it concerns only what is the user's own, whatever the role.
    OwnOnly,
    /// The account's admin role: `moadmin` in `sys`, `accountadmin` elsewhere. No grant replaces it.
    Admin,
    /// Role `moadmin` of account `sys`.
    ClusterAdmin,
    /// This privilege on the account.
    Account(Privilege),
    /// This privilege on the account, or OWNERSHIP of the database.
    AccountOrOwner(Privilege),
    /// This privilege on the database.
    Database(Privilege),
    /// This privilege on the table, on all tables of its database, or on all tables.
    Table(Privilege),
    /// Any privilege on the table or what holds it, so that its columns may be known.
    AnyOnTable,
    /// Any privilege on the stage or on all stages; without one there is no stage of that name.
    AnyOnStage,
    /// This privilege on the stage, or on all stages.
    Stage(Privilege),
}

impl Operation {
    /// What the audit calls a login, which needs nothing: it is where a principal comes from.
    pub(crate) const LOGIN: &str = "LOGIN";

    /// All of them, as docs/privileges.md lists them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 78] = [
        Self::CreateStage,
        Self::AlterStage,
        Self::RenameStage,
        Self::RollbackStage,
        Self::DropStage,
        Self::UndropStage,
        Self::ShowStages,
        Self::DescribeStage,
        Self::ShowStageHistory,
        Self::ValidateStage,
        Self::ExportToStage,
        Self::ExportToTemporaryStage,
        Self::ExportToPath,
        Self::ReadStage,
        Self::ListFiles,
        Self::ReadDirectory,
        Self::RefreshDirectory,
        Self::RemoveFiles,
        Self::PresignDownload,
        Self::PresignUpload,
        Self::DownloadFile,
        Self::UploadFile,
        Self::ShowExports,
        Self::GetExport,
        Self::CancelExport,
        Self::ResumeExport,
        Self::VerifyExport,
        Self::Query,
        Self::Select,
        Self::ReadSystemTable,
        Self::ReadAudit,
        Self::Insert,
        Self::Update,
        Self::Delete,
        Self::Truncate,
        Self::CreateTable,
        Self::DropTable,
        Self::CreateView,
        Self::AlterView,
        Self::DropView,
        Self::DescribeTable,
        Self::ShowTables,
        Self::CreateDatabase,
        Self::DropDatabase,
        Self::UseDatabase,
        Self::ShowDatabases,
        Self::CreateAccount,
        Self::AlterAccount,
        Self::DropAccount,
        Self::ShowAccounts,
        Self::CreateUser,
        Self::AlterUser,
        Self::ChangeOwnPassword,
        Self::DropUser,
        Self::ShowUsers,
        Self::CreateRole,
        Self::AlterRole,
        Self::DropRole,
        Self::ShowRoles,
        Self::SetRole,
        Self::Grant,
        Self::Revoke,
        Self::GrantAdmin,
        Self::ShowGrants,
        Self::ShowOwnGrants,
        Self::CreateToken,
        Self::CreateTokenForUser,
        Self::RevokeToken,
        Self::RevokeTokenOfUser,
        Self::ShowTokens,
        Self::ShowTokensOfUser,
        Self::SetVariable,
        Self::ShowSessions,
        Self::EnterSession,
        Self::KillSession,
        Self::ServerStatus,
        Self::Backup,
        Self::VerifyAudit,
    ];

    /// What it needs.
    pub(crate) fn need(self) -> Need {
        match self {
            // Stages decide where data may go: administrators only, as in the original.
            Self::CreateStage
            | Self::AlterStage
            | Self::RenameStage
            | Self::RollbackStage
            | Self::DropStage
            | Self::UndropStage
            | Self::ShowStageHistory
            | Self::ValidateStage
            | Self::RefreshDirectory
            // To make an administrator, or to change one.
            | Self::GrantAdmin
            | Self::ReadAudit => Need::Admin,
            Self::ShowStages
            | Self::Query
            | Self::UseDatabase
            | Self::ShowDatabases
            | Self::ShowRoles
            | Self::SetRole
            | Self::ShowOwnGrants
            | Self::ChangeOwnPassword
            | Self::SetVariable
            // The governance rule decides, which no role is exempt from.
            | Self::ExportToPath => Need::Login,
            Self::ShowExports
            | Self::GetExport
            | Self::CancelExport
            // And then what its statement needs.
            | Self::ResumeExport
            | Self::VerifyExport
            | Self::ReadSystemTable
            | Self::ShowSessions
            | Self::KillSession => Need::Own,
            Self::CreateToken
            | Self::RevokeToken
            | Self::ShowTokens
            | Self::EnterSession
            // It is the session's own; no other has it.
            | Self::ExportToTemporaryStage => Need::OwnOnly,
            Self::ExportToStage | Self::UploadFile | Self::PresignUpload => {
                Need::Stage(Privilege::Write)
            }
            Self::ReadStage
            | Self::ListFiles
            | Self::ReadDirectory
            | Self::DownloadFile
            | Self::PresignDownload => {
                Need::Stage(Privilege::Read)
            }
            // Apart from WRITE, and granted to nobody by itself: who exports need not be able to take away.
            Self::RemoveFiles => Need::Stage(Privilege::Remove),
            Self::Select => Need::Table(Privilege::Select),
            Self::Insert => Need::Table(Privilege::Insert),
            Self::Update => Need::Table(Privilege::Update),
            Self::Delete => Need::Table(Privilege::Delete),
            Self::Truncate => Need::Table(Privilege::Truncate),
            Self::DescribeTable => Need::AnyOnTable,
            Self::DescribeStage => Need::AnyOnStage,
            Self::CreateTable | Self::CreateView => Need::Database(Privilege::CreateTable),
            // What a view was is gone when it is altered.
            Self::DropTable | Self::AlterView | Self::DropView => {
                Need::Database(Privilege::DropTable)
            }
            Self::ShowTables => Need::Database(Privilege::ShowTables),
            Self::CreateDatabase => Need::Account(Privilege::CreateDatabase),
            Self::DropDatabase => Need::AccountOrOwner(Privilege::DropDatabase),
            Self::CreateUser => Need::Account(Privilege::CreateUser),
            Self::AlterUser
            | Self::CreateTokenForUser
            | Self::RevokeTokenOfUser
            | Self::ShowTokensOfUser => Need::Account(Privilege::AlterUser),
            Self::DropUser => Need::Account(Privilege::DropUser),
            Self::ShowUsers => Need::Account(Privilege::ManageGrants),
            // There is nothing of a role to alter but what it says of itself.
            Self::CreateRole | Self::AlterRole => Need::Account(Privilege::CreateRole),
            Self::DropRole => Need::Account(Privilege::DropRole),
            Self::Grant | Self::Revoke | Self::ShowGrants => Need::Account(Privilege::ManageGrants),
            Self::CreateAccount
            | Self::AlterAccount
            | Self::DropAccount
            | Self::ShowAccounts
            | Self::ServerStatus
            | Self::Backup
            | Self::VerifyAudit => Need::ClusterAdmin,
        }
    }

    /// As audit, log and refusals name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CreateStage => "CREATE STAGE",
            Self::AlterStage => "ALTER STAGE",
            Self::RenameStage => "RENAME STAGE",
            Self::RollbackStage => "ROLLBACK STAGE",
            Self::DropStage => "DROP STAGE",
            Self::UndropStage => "UNDROP STAGE",
            Self::ShowStages => "SHOW STAGES",
            Self::DescribeStage => "DESCRIBE STAGE",
            Self::ShowStageHistory => "SHOW STAGE HISTORY",
            Self::ValidateStage => "VALIDATE STAGE",
            Self::ExportToStage => "EXPORT TO STAGE",
            Self::ExportToTemporaryStage => "EXPORT TO TEMPORARY STAGE",
            Self::ExportToPath => "EXPORT TO PATH",
            Self::ReadStage => "READ STAGE",
            Self::ListFiles => "LIST FILES",
            Self::ReadDirectory => "READ DIRECTORY",
            Self::RefreshDirectory => "REFRESH STAGE",
            Self::RemoveFiles => "REMOVE FILES",
            Self::PresignDownload => "PRESIGN DOWNLOAD",
            Self::PresignUpload => "PRESIGN UPLOAD",
            Self::DownloadFile => "DOWNLOAD FILE",
            Self::UploadFile => "UPLOAD FILE",
            Self::ShowExports => "SHOW EXPORTS",
            Self::GetExport => "GET EXPORT",
            Self::CancelExport => "CANCEL EXPORT",
            Self::ResumeExport => "RESUME EXPORT",
            Self::VerifyExport => "VERIFY EXPORT",
            Self::Query => "QUERY",
            Self::Select => "SELECT",
            Self::ReadSystemTable => "READ SYSTEM TABLE",
            Self::ReadAudit => "READ AUDIT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Truncate => "TRUNCATE TABLE",
            Self::CreateTable => "CREATE TABLE",
            Self::DropTable => "DROP TABLE",
            Self::CreateView => "CREATE VIEW",
            Self::AlterView => "ALTER VIEW",
            Self::DropView => "DROP VIEW",
            Self::DescribeTable => "DESCRIBE TABLE",
            Self::ShowTables => "SHOW TABLES",
            Self::CreateDatabase => "CREATE DATABASE",
            Self::DropDatabase => "DROP DATABASE",
            Self::UseDatabase => "USE",
            Self::ShowDatabases => "SHOW DATABASES",
            Self::CreateAccount => "CREATE ACCOUNT",
            Self::AlterAccount => "ALTER ACCOUNT",
            Self::DropAccount => "DROP ACCOUNT",
            Self::ShowAccounts => "SHOW ACCOUNTS",
            Self::CreateUser => "CREATE USER",
            Self::AlterUser => "ALTER USER",
            Self::ChangeOwnPassword => "SET PASSWORD",
            Self::DropUser => "DROP USER",
            Self::ShowUsers => "SHOW USERS",
            Self::CreateRole => "CREATE ROLE",
            Self::AlterRole => "ALTER ROLE",
            Self::DropRole => "DROP ROLE",
            Self::ShowRoles => "SHOW ROLES",
            Self::SetRole => "SET ROLE",
            Self::Grant => "GRANT",
            Self::Revoke => "REVOKE",
            Self::GrantAdmin => "CHANGE ADMINISTRATOR",
            Self::ShowGrants => "SHOW GRANTS",
            Self::ShowOwnGrants => "SHOW OWN GRANTS",
            Self::CreateToken => "CREATE TOKEN",
            Self::CreateTokenForUser => "CREATE TOKEN FOR USER",
            Self::RevokeToken => "REVOKE TOKEN",
            Self::RevokeTokenOfUser => "REVOKE TOKEN OF USER",
            Self::ShowTokens => "SHOW TOKENS",
            Self::ShowTokensOfUser => "SHOW TOKENS FOR USER",
            Self::SetVariable => "SET",
            Self::ShowSessions => "SHOW SESSIONS",
            Self::EnterSession => "ENTER SESSION",
            Self::KillSession => "KILL",
            Self::ServerStatus => "SERVER STATUS",
            Self::Backup => "BACKUP",
            Self::VerifyAudit => "VERIFY AUDIT",
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeSet;
    use std::fmt::Write;
    use std::path::Path;

    use super::*;

    const HEAD: &str = "\
# Who may do what

Printed from `crates/server/src/gate/privileges.rs`, where every operation that a client can ask for says what it needs;
the test `docs_privileges_is_this_table` fails when this page is another. (`UPDATE_DOCS=1 cargo test` writes it.)

The account's admin role, `moadmin` in account `sys` and `accountadmin` in every other, has every privilege in its account.
No grant makes another role do what needs the admin role. A session's active role and `public` count, no other.

| operation | needs |
|---|---|
";

    fn in_words(need: Need) -> String {
        match need {
            Need::Login => "a login".to_owned(),
            Need::Own => {
                "a login: for what is one's own; the admin role: for the whole account".to_owned()
            }
            Need::OwnOnly => "a login, for what is one's own, whatever the role".to_owned(),
            Need::Admin => "the account's admin role".to_owned(),
            Need::ClusterAdmin => "role `moadmin` of account `sys`".to_owned(),
            Need::Account(privilege) => format!("{} on the account", privilege.as_str()),
            Need::AccountOrOwner(privilege) => format!(
                "{} on the account, or OWNERSHIP of the database",
                privilege.as_str()
            ),
            Need::Database(privilege) => format!(
                "{} on the database, or OWNERSHIP of it or of the table",
                privilege.as_str()
            ),
            Need::Table(privilege) => format!(
                "{} on the table, on its database's tables or on all tables, or OWNERSHIP",
                privilege.as_str()
            ),
            Need::AnyOnTable => {
                "any privilege on the table, on its database or on all of them".to_owned()
            }
            Need::AnyOnStage => {
                "any privilege on the stage or on all stages; without one it \"not exists\""
                    .to_owned()
            }
            Need::Stage(privilege) => {
                format!("{} on the stage or on all stages", privilege.as_str())
            }
        }
    }

    #[test]
    fn docs_privileges_is_this_table() {
        let mut page = HEAD.to_owned();
        for operation in Operation::ALL {
            writeln!(
                page,
                "| {} | {} |",
                operation.name(),
                in_words(operation.need())
            )
            .unwrap();
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/privileges.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), page);
    }

    #[test]
    fn every_operation_is_listed_once() {
        let names: BTreeSet<_> = Operation::ALL
            .iter()
            .map(|operation| operation.name())
            .collect();
        assert_eq!(names.len(), Operation::ALL.len());
        // The list is in the order of the variants and without a gap.
        for (at, operation) in Operation::ALL.iter().enumerate() {
            assert_eq!(*operation as usize, at, "{}", operation.name());
        }
    }
}
