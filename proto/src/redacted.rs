//! `Debug` of the messages that carry passwords, tokens, keys or statements: what they are, never what they hold.
//! xtask's code generator leaves these out, so a message that is added to its list must be added here.

use std::fmt;

use crate::v1;

/// Prints the named fields, and that there are others.
macro_rules! redacted {
    ($($message:ident { $($field:ident),* })*) => {$(
        impl fmt::Debug for v1::$message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($message))
                    $(.field(stringify!($field), &self.$field))*
                    .finish_non_exhaustive()
            }
        }
    )*};
}

redacted! {
    CreateAccountRequest { account_id, account, validate_only }
    CreateTokenResponse { created }
    CreateUserRequest { user_id, user, validate_only }
    ExecuteRequest {}
    LoginResponse { name, expire_time, caller }
    PresignFileResponse { method, expire_time }
    SplitScriptRequest {}
    Stage { name, enabled, directory, version, etag, capabilities }
    StartExportRequest {}
    UpdateAccountRequest { account, update_mask, validate_only }
    UpdateUserRequest { user, update_mask, validate_only }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLANTED: &str = "planted-secret";

    #[test]
    fn secrets_do_not_show() {
        let stage = v1::Stage {
            name: "stages/s".to_owned(),
            url: format!("s3://{PLANTED}@bucket"),
            credentials: [("secret_access_key".to_owned(), PLANTED.to_owned())].into(),
            ..Default::default()
        };
        let request = v1::CreateStageRequest {
            stage: Some(stage),
            ..Default::default()
        };
        let execute = v1::ExecuteRequest {
            session_id: PLANTED.to_owned(),
            statement: format!("CREATE USER u IDENTIFIED BY '{PLANTED}'"),
            secrets: [("1".to_owned(), PLANTED.to_owned())].into(),
            ..Default::default()
        };
        let user = v1::CreateUserRequest {
            user_id: "u".to_owned(),
            password: PLANTED.to_owned(),
            ..Default::default()
        };
        let login = v1::LoginResponse {
            token: PLANTED.to_owned(),
            ..Default::default()
        };
        let presigned = v1::PresignFileResponse {
            url: PLANTED.to_owned(),
            ..Default::default()
        };
        let shown = format!("{request:?} {execute:?} {user:?} {login:?} {presigned:?}");
        assert!(shown.contains("stages/s"), "{shown}");
        assert!(!shown.contains(PLANTED), "{shown}");
    }
}
