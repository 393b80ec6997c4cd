//! The gRPC calls of the matrix.

use futures::FutureExt;
use proto::v1;

use super::Who::{Admin, Everyone, Granted, Root};
use super::{Act, ROLE, Row, STAGE, USER, check};

/// A row for one call; `o` and `dir` are the name and the folder.
macro_rules! call {
    ($client:ident.$method:ident, $who:expr, $before:expr, $elsewhere:expr, |$o:ident, $dir:ident| $message:expr) => {
        Row {
            what: stringify!($method),
            act: Act::Call(Box::new(|caller, $o: String, $dir: String| {
                async move {
                    let _ = (&$o, &$dir);
                    let message = $message;
                    let request = caller.request(message);
                    caller.$client().$method(request).await.map(drop)
                }
                .boxed()
            })),
            who: $who,
            before: $before,
            done: "ok",
            elsewhere: $elsewhere,
        }
    };
}

fn mask(path: &str) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask {
        paths: vec![path.to_owned()],
    })
}

fn named(o: &str) -> String {
    format!("stages/{o}")
}

fn of_stages_rows() -> Vec<Row> {
    let gone = "STAGE_NOT_FOUND";
    vec![
        call!(stages.create_stage, Admin, &[], "ok", |o, dir| {
            v1::CreateStageRequest {
                stage_id: o,
                stage: Some(v1::Stage {
                    url: format!("file://{dir}"),
                    ..Default::default()
                }),
                ..Default::default()
            }
        }),
        call!(stages.get_stage, Everyone, &[STAGE], gone, |o, dir| {
            v1::GetStageRequest {
                name: named(&o),
                version: 0,
            }
        }),
        call!(stages.get_stage, Admin, &[STAGE], gone, |o, dir| {
            v1::GetStageRequest {
                name: named(&o),
                version: 1,
            }
        }),
        call!(stages.validate_stage, Admin, &[STAGE], gone, |o, dir| {
            v1::ValidateStageRequest { name: named(&o) }
        }),
        call!(stages.list_stages, Everyone, &[], "ok", |o, dir| {
            v1::ListStagesRequest::default()
        }),
        call!(stages.update_stage, Admin, &[STAGE], gone, |o, dir| {
            v1::UpdateStageRequest {
                stage: Some(v1::Stage {
                    name: named(&o),
                    comment: "x".to_owned(),
                    ..Default::default()
                }),
                update_mask: mask("comment"),
                ..Default::default()
            }
        }),
        call!(stages.update_stage, Admin, &[STAGE], gone, |o, dir| {
            v1::UpdateStageRequest {
                stage: Some(v1::Stage {
                    name: named(&o),
                    ..Default::default()
                }),
                update_mask: mask("enabled"),
                validate_only: true,
                ..Default::default()
            }
        }),
        call!(stages.delete_stage, Admin, &[STAGE], gone, |o, dir| {
            v1::DeleteStageRequest {
                name: named(&o),
                ..Default::default()
            }
        }),
        call!(
            stages.undelete_stage,
            Admin,
            &[STAGE, "DROP STAGE {o}"],
            gone,
            |o, dir| v1::UndeleteStageRequest {
                name: named(&o),
                ..Default::default()
            }
        ),
        call!(
            stages.list_stage_versions,
            Admin,
            &[STAGE],
            gone,
            |o, dir| v1::ListStageVersionsRequest {
                name: named(&o),
                ..Default::default()
            }
        ),
        call!(stages.rename_stage, Admin, &[STAGE], gone, |o, dir| {
            v1::RenameStageRequest {
                name: named(&o),
                new_stage_id: format!("{o}2"),
                ..Default::default()
            }
        }),
        call!(
            stages.rollback_stage,
            Admin,
            &[STAGE, "ALTER STAGE {o} SET COMMENT = 'x'"],
            gone,
            |o, dir| v1::RollbackStageRequest {
                name: named(&o),
                version: 1,
                ..Default::default()
            }
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn of_stages() {
    check(of_stages_rows()).await;
}

fn of_exports_and_statements_rows() -> Vec<Row> {
    vec![
        call!(
            exports.start_export,
            Granted,
            &[STAGE, "REVOKE READ, WRITE ON STAGE {o} FROM public"],
            "STAGE_NOT_FOUND",
            |o, dir| v1::StartExportRequest {
                statement: format!("SELECT 1 AS a INTO OUTFILE 'stage://{o}/{o}.csv'"),
                ..Default::default()
            }
        ),
        call!(exports.list_exports, Everyone, &[], "ok", |o, dir| {
            v1::ListExportsRequest::default()
        }),
        call!(sql.open_session, Everyone, &[], "ok", |o, dir| {
            v1::OpenSessionRequest::default()
        }),
        call!(sql.close_session, Everyone, &[], "ok", |o, dir| {
            v1::CloseSessionRequest { session_id: o }
        }),
        call!(sql.split_script, Everyone, &[], "ok", |o, dir| {
            v1::SplitScriptRequest { script: o }
        }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn of_exports_and_statements() {
    check(of_exports_and_statements_rows()).await;
}

/// A row for an upload, which is a stream of messages.
fn upload_row(before: &'static [&'static str]) -> Row {
    use v1::upload_file_request::Part;
    Row {
        what: "upload_file",
        act: Act::Call(Box::new(|caller, o: String, _| {
            async move {
                let header = v1::UploadFileHeader {
                    parent: named(&o),
                    path: format!("{o}.bin"),
                    overwrite: true,
                    ..Default::default()
                };
                let parts = [Part::Header(header), Part::Chunk(b"x".to_vec())];
                let parts = parts.map(|part| v1::UploadFileRequest { part: Some(part) });
                let request = caller.request(futures::stream::iter(parts));
                caller.files().upload_file(request).await.map(drop)
            }
            .boxed()
        })),
        who: Granted,
        before,
        done: "ok",
        elsewhere: "STAGE_NOT_FOUND",
    }
}

fn of_files_rows() -> Vec<Row> {
    const REVOKED: &str = "REVOKE READ, WRITE ON STAGE {o} FROM public";
    const WRITTEN: &str = "SELECT 1 AS a INTO OUTFILE 'stage://{o}/{o}.csv'";
    let gone = "STAGE_NOT_FOUND";
    vec![
        call!(
            files.list_files,
            Granted,
            &[STAGE, REVOKED],
            gone,
            |o, dir| {
                v1::ListFilesRequest {
                    parent: named(&o),
                    ..Default::default()
                }
            }
        ),
        call!(
            files.download_file,
            Granted,
            &[STAGE, WRITTEN, REVOKED],
            gone,
            |o, dir| v1::DownloadFileRequest {
                parent: named(&o),
                path: format!("{o}.csv"),
                ..Default::default()
            }
        ),
        upload_row(&[STAGE, REVOKED]),
        call!(files.refresh_directory, Admin, &[STAGE], gone, |o, dir| {
            v1::RefreshDirectoryRequest {
                parent: named(&o),
                ..Default::default()
            }
        }),
        call!(
            files.presign_file,
            Granted,
            &[STAGE, WRITTEN, REVOKED],
            gone,
            |o, dir| v1::PresignFileRequest {
                parent: named(&o),
                path: format!("{o}.csv"),
                access: v1::PresignedAccess::Download.into(),
                ..Default::default()
            }
        ),
        Row {
            what: "presign_file for an upload",
            // No URL leads into a folder.
            done: "NOT_SUPPORTED",
            ..call!(
                files.presign_file,
                Granted,
                &[STAGE, REVOKED],
                gone,
                |o, dir| v1::PresignFileRequest {
                    parent: named(&o),
                    path: format!("{o}.up"),
                    access: v1::PresignedAccess::Upload.into(),
                    ..Default::default()
                }
            )
        },
        call!(
            files.remove_files,
            Granted,
            &[STAGE, WRITTEN],
            gone,
            |o, dir| {
                v1::RemoveFilesRequest {
                    parent: named(&o),
                    path: format!("{o}.csv"),
                    ..Default::default()
                }
            }
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn of_files() {
    check(of_files_rows()).await;
}

fn user(o: &str) -> String {
    format!("users/{o}")
}

fn role(o: &str) -> String {
    format!("roles/{o}")
}

fn account(o: &str) -> String {
    format!("accounts/{o}")
}

fn select_everywhere(o: &str) -> Option<v1::Grant> {
    Some(v1::Grant {
        role: role(o),
        on: Some(v1::Securable {
            object: Some(v1::securable::Object::Table("*.*".to_owned())),
        }),
        privileges: vec!["SELECT".to_owned()],
        ..Default::default()
    })
}

fn of_identities_rows() -> Vec<Row> {
    let (no_user, no_role) = ("USER_NOT_FOUND", "ROLE_NOT_FOUND");
    vec![
        call!(accounts.login, Everyone, &[], "ok", |o, dir| {
            v1::LoginRequest::default()
        }),
        call!(accounts.get_caller, Everyone, &[], "ok", |o, dir| {
            v1::GetCallerRequest {}
        }),
        call!(accounts.create_user, Granted, &[], "ok", |o, dir| {
            v1::CreateUserRequest {
                user_id: o,
                user: Some(v1::User::default()),
                password: "pw".to_owned(),
                ..Default::default()
            }
        }),
        call!(accounts.get_user, Granted, &[USER], no_user, |o, dir| {
            v1::GetUserRequest { name: user(&o) }
        }),
        call!(accounts.list_users, Granted, &[], "ok", |o, dir| {
            v1::ListUsersRequest::default()
        }),
        call!(accounts.update_user, Granted, &[USER], no_user, |o, dir| {
            v1::UpdateUserRequest {
                user: Some(v1::User {
                    name: user(&o),
                    comment: "x".to_owned(),
                    ..Default::default()
                }),
                update_mask: mask("comment"),
                ..Default::default()
            }
        }),
        call!(accounts.delete_user, Granted, &[USER], no_user, |o, dir| {
            v1::DeleteUserRequest {
                name: user(&o),
                ..Default::default()
            }
        }),
        call!(accounts.create_role, Granted, &[], "ok", |o, dir| {
            v1::CreateRoleRequest {
                role_id: o,
                ..Default::default()
            }
        }),
        call!(accounts.list_roles, Everyone, &[], "ok", |o, dir| {
            v1::ListRolesRequest::default()
        }),
        call!(accounts.get_role, Everyone, &[ROLE], no_role, |o, dir| {
            v1::GetRoleRequest { name: role(&o) }
        }),
        call!(accounts.update_role, Granted, &[ROLE], no_role, |o, dir| {
            v1::UpdateRoleRequest {
                role: Some(v1::Role {
                    name: role(&o),
                    comment: "x".to_owned(),
                    ..Default::default()
                }),
                update_mask: mask("comment"),
                ..Default::default()
            }
        }),
        call!(
            accounts.create_token,
            Granted,
            &[USER],
            no_user,
            |o, dir| v1::CreateTokenRequest {
                user: user(&o),
                ..Default::default()
            }
        ),
        call!(accounts.delete_role, Granted, &[ROLE], no_role, |o, dir| {
            v1::DeleteRoleRequest {
                name: role(&o),
                ..Default::default()
            }
        }),
        call!(accounts.grant_role, Granted, &[ROLE], no_role, |o, dir| {
            v1::GrantRoleRequest {
                role: role(&o),
                user: user("public_only"),
                ..Default::default()
            }
        }),
        call!(accounts.revoke_role, Granted, &[ROLE], no_role, |o, dir| {
            v1::RevokeRoleRequest {
                role: role(&o),
                user: user("public_only"),
                ..Default::default()
            }
        }),
        call!(
            accounts.grant_privileges,
            Granted,
            &[ROLE],
            no_role,
            |o, dir| {
                v1::GrantPrivilegesRequest {
                    grant: select_everywhere(&o),
                    ..Default::default()
                }
            }
        ),
        call!(
            accounts.revoke_privileges,
            Granted,
            &[ROLE],
            no_role,
            |o, dir| {
                v1::RevokePrivilegesRequest {
                    grant: select_everywhere(&o),
                    ..Default::default()
                }
            }
        ),
        call!(accounts.list_grants, Granted, &[ROLE], no_role, |o, dir| {
            v1::ListGrantsRequest {
                of: role(&o),
                ..Default::default()
            }
        }),
        call!(accounts.list_grants, Everyone, &[], "ok", |o, dir| {
            v1::ListGrantsRequest::default()
        }),
        call!(accounts.list_tokens, Everyone, &[], "ok", |o, dir| {
            v1::ListTokensRequest::default()
        }),
        call!(accounts.list_tokens, Granted, &[USER], no_user, |o, dir| {
            v1::ListTokensRequest {
                user: user(&o),
                ..Default::default()
            }
        }),
        call!(
            accounts.revoke_token,
            Granted,
            &[USER],
            no_user,
            |o, dir| {
                v1::RevokeTokenRequest {
                    name: "tokens/-".to_owned(),
                    user: user(&o),
                    ..Default::default()
                }
            }
        ),
        call!(accounts.create_user, Granted, &[], "ok", |o, dir| {
            v1::CreateUserRequest {
                user_id: format!("{o}_tried"),
                password: "pw".to_owned(),
                validate_only: true,
                ..Default::default()
            }
        }),
        call!(accounts.delete_user, Granted, &[USER], no_user, |o, dir| {
            v1::DeleteUserRequest {
                name: user(&o),
                validate_only: true,
                ..Default::default()
            }
        }),
        call!(
            administration.list_sessions,
            Everyone,
            &[],
            "ok",
            |o, dir| { v1::ListSessionsRequest {} }
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn of_identities() {
    check(of_identities_rows()).await;
}

fn of_accounts_and_the_server_rows() -> Vec<Row> {
    const ACCOUNT: &str = "CREATE ACCOUNT {o} ADMIN_NAME 'a' IDENTIFIED BY 'pw'";
    vec![
        call!(accounts.create_account, Root, &[], "", |o, dir| {
            v1::CreateAccountRequest {
                account_id: o,
                account: Some(v1::Account {
                    admin_name: "a".to_owned(),
                    ..Default::default()
                }),
                admin_password: "pw".to_owned(),
                ..Default::default()
            }
        }),
        call!(accounts.get_account, Root, &[ACCOUNT], "", |o, dir| {
            v1::GetAccountRequest { name: account(&o) }
        }),
        call!(accounts.list_accounts, Root, &[], "", |o, dir| {
            v1::ListAccountsRequest::default()
        }),
        call!(accounts.update_account, Root, &[ACCOUNT], "", |o, dir| {
            v1::UpdateAccountRequest {
                account: Some(v1::Account {
                    name: account(&o),
                    suspended: true,
                    ..Default::default()
                }),
                update_mask: mask("suspended"),
                ..Default::default()
            }
        }),
        call!(accounts.delete_account, Root, &[ACCOUNT], "", |o, dir| {
            v1::DeleteAccountRequest {
                name: account(&o),
                ..Default::default()
            }
        }),
        call!(administration.get_status, Root, &[], "", |o, dir| {
            v1::GetStatusRequest {}
        }),
        call!(administration.verify_audit, Root, &[], "", |o, dir| {
            v1::VerifyAuditRequest {}
        }),
        call!(administration.backup, Root, &[], "", |o, dir| {
            v1::BackupRequest {
                directory: format!("{dir}/backup-{o}"),
            }
        }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn of_accounts_and_the_server() {
    check(of_accounts_and_the_server_rows()).await;
}

/// The rows of all tests here.
pub(super) fn all() -> Vec<Row> {
    [
        of_stages_rows(),
        of_exports_and_statements_rows(),
        of_files_rows(),
        of_identities_rows(),
        of_accounts_and_the_server_rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
