//! `AccountService`: logins, accounts, users, roles, grants and tokens. The same operations as the SQL statements'.

mod mask;
mod updates;
mod wire;

use std::sync::Arc;

use catalog::OnExists;
use mask::Mask;
use proto::v1;
use proto::v1::account_service_server::AccountService;
use secrecy::{ExposeSecret, SecretString};
use tonic::{Request, Response, Status};
use wire::{account, asked_grant, expected, grant, grant_key, life, role, token, user};

use crate::error::{Error, Reason, Result};
use crate::gate::Operation;
use crate::grpc::asked::Asked;
use crate::grpc::authentication::{TokenId, caller};
use crate::grpc::convert::resource_id;
use crate::grpc::grants::{grant_object, privileges};
use crate::grpc::pages::Paging;
use crate::instance::Instance;
use crate::session::{ChangeMode, GrantsOf, Session, UserToMake};
use crate::time::proto_timestamp;

/// What an update of a role may name.
const ROLE_PATHS: [&str; 1] = ["comment"];
/// The name that stands for each token of a user.
const ALL_TOKENS: &str = "tokens/-";

type Answer<T> = std::result::Result<Response<T>, Status>;

/// `stagedoor.v1.AccountService`.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    pub(crate) instance: Arc<Instance>,
}

impl Accounts {
    fn session<T>(&self, request: &Request<T>) -> Result<Session> {
        Ok(Session::new(Arc::clone(&self.instance), caller(request)?))
    }
}

fn invalid(text: impl std::fmt::Display) -> Error {
    Error::invalid_input(Reason::OptionInvalid, text)
}

fn lower(name: &str, collection: &str) -> Result<String> {
    Ok(resource_id(name, collection)?.to_lowercase())
}

/// A user, or the caller.
fn whose(user: &str) -> Result<Option<String>> {
    match user {
        "" => Ok(None),
        user => Ok(Some(lower(user, "users")?)),
    }
}

fn mode(validate_only: bool, request_id: String) -> ChangeMode {
    ChangeMode {
        validate_only,
        request_id: (!request_id.is_empty()).then_some(request_id),
    }
}

async fn wire_caller(session: &Session) -> Result<v1::Caller> {
    let roles = session.own_roles().await?;
    let principal = session.principal();
    Ok(v1::Caller {
        account: principal.account().to_owned(),
        user: principal.user().to_owned(),
        role: principal.role().to_owned(),
        roles,
    })
}

#[tonic::async_trait]
impl AccountService for Accounts {
    async fn login(&self, request: Request<v1::LoginRequest>) -> Answer<v1::LoginResponse> {
        if request.extensions().get::<TokenId>().is_some() {
            return Err(invalid("Login takes a password (Basic), not a token").into());
        }
        let session = self.session(&request)?;
        let v1::LoginRequest { label, lifetime } = request.into_inner();
        let made = session
            .create_token(None, label, life(lifetime)?, ChangeMode::default())
            .await?;
        Ok(Response::new(v1::LoginResponse {
            token: made.token.expose_secret().to_owned(),
            name: format!("tokens/{}", made.record.id),
            expire_time: Some(proto_timestamp(made.record.expires_us)),
            caller: Some(wire_caller(&session).await?),
        }))
    }

    async fn logout(&self, request: Request<v1::LogoutRequest>) -> Answer<v1::LogoutResponse> {
        let session = self.session(&request)?;
        let TokenId(id) = request
            .extensions()
            .get::<TokenId>()
            .cloned()
            .ok_or_else(|| invalid("this call carries no token to revoke"))?;
        session.revoke_token(id, ChangeMode::default()).await?;
        Ok(Response::new(v1::LogoutResponse {}))
    }

    async fn get_caller(
        &self,
        request: Request<v1::GetCallerRequest>,
    ) -> Answer<v1::GetCallerResponse> {
        let session = self.session(&request)?;
        Ok(Response::new(v1::GetCallerResponse {
            caller: Some(wire_caller(&session).await?),
        }))
    }

    async fn create_account(
        &self,
        request: Request<v1::CreateAccountRequest>,
    ) -> Answer<v1::CreateAccountResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let mode = mode(request.validate_only, request.request_id);
        let new = request.account.unwrap_or_default();
        let session = Asked::of(&request.account_id)
            .text("admin_name", &new.admin_name)
            .given("comment", &new.comment)
            .secret("admin_password")
            .in_session(session);
        let admin = (
            new.admin_name.to_lowercase(),
            SecretString::from(request.admin_password),
        );
        let created = session
            .create_account(
                request.account_id.to_lowercase(),
                admin,
                new.comment,
                OnExists::Error,
                mode,
            )
            .await?;
        Ok(Response::new(v1::CreateAccountResponse {
            account: Some(account(created.record)),
        }))
    }

    async fn get_account(
        &self,
        request: Request<v1::GetAccountRequest>,
    ) -> Answer<v1::GetAccountResponse> {
        let session = self.session(&request)?;
        let name = lower(&request.into_inner().name, "accounts")?;
        Ok(Response::new(v1::GetAccountResponse {
            account: Some(account(session.account_record(name).await?)),
        }))
    }

    async fn list_accounts(
        &self,
        request: Request<v1::ListAccountsRequest>,
    ) -> Answer<v1::ListAccountsResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let paging = Paging::new(request.page_size, &request.page_token, &["ListAccounts"])?;
        let mut accounts = session.accounts().await?;
        paging.skip(&mut accounts, |account| &account.name);
        let (accounts, next_page_token) =
            paging.page(accounts, |account| account.name.clone(), account);
        Ok(Response::new(v1::ListAccountsResponse {
            accounts,
            next_page_token,
        }))
    }

    async fn update_account(
        &self,
        request: Request<v1::UpdateAccountRequest>,
    ) -> Answer<v1::UpdateAccountResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let mode = mode(request.validate_only, request.request_id);
        let new = request.account.unwrap_or_default();
        let name = lower(&new.name, "accounts")?;
        let expected = expected(&new.etag)?;
        let (properties, asked) =
            updates::of_account(new, request.update_mask, request.admin_password)?;
        let altered = asked
            .in_session(session)
            .alter_account(name, properties, expected, mode)
            .await?;
        Ok(Response::new(v1::UpdateAccountResponse {
            account: Some(account(altered.record)),
        }))
    }

    async fn delete_account(
        &self,
        request: Request<v1::DeleteAccountRequest>,
    ) -> Answer<v1::DeleteAccountResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let session = Asked::of(&request.name).in_session(session);
        let name = lower(&request.name, "accounts")?;
        let expected = expected(&request.etag)?;
        session
            .drop_account(
                name,
                expected,
                mode(request.validate_only, request.request_id),
            )
            .await?;
        Ok(Response::new(v1::DeleteAccountResponse {}))
    }

    async fn create_user(
        &self,
        request: Request<v1::CreateUserRequest>,
    ) -> Answer<v1::CreateUserResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let mode = mode(request.validate_only, request.request_id);
        let new = request.user.unwrap_or_default();
        let session = Asked::of(&request.user_id)
            .given("default_role", &new.default_role)
            .given("comment", &new.comment)
            .secret("password")
            .in_session(session);
        let made = UserToMake {
            name: request.user_id.to_lowercase(),
            password: SecretString::from(request.password),
            default_role: (!new.default_role.is_empty()).then(|| new.default_role.to_lowercase()),
            comment: new.comment,
        };
        let record = session
            .create_user(made, OnExists::Error, mode)
            .await?
            .record;
        // It has the role that it begins with, and no other.
        let mut roles = session.roles().await?;
        roles.retain(|role| Some(role.id) == record.default_role && !role.is_public());
        Ok(Response::new(v1::CreateUserResponse {
            user: Some(user(record, roles)),
        }))
    }

    async fn get_user(&self, request: Request<v1::GetUserRequest>) -> Answer<v1::GetUserResponse> {
        let session = self.session(&request)?;
        let name = lower(&request.into_inner().name, "users")?;
        Ok(Response::new(v1::GetUserResponse {
            user: Some(find_user(&session, &name, Operation::ShowUsers).await?),
        }))
    }

    async fn list_users(
        &self,
        request: Request<v1::ListUsersRequest>,
    ) -> Answer<v1::ListUsersResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let paging = Paging::new(request.page_size, &request.page_token, &["ListUsers"])?;
        let mut users = session.users().await?;
        paging.skip(&mut users, |(user, _)| &user.name);
        let (users, next_page_token) = paging.page(
            users,
            |(user, _)| user.name.clone(),
            |(record, roles)| user(record, roles),
        );
        Ok(Response::new(v1::ListUsersResponse {
            users,
            next_page_token,
        }))
    }

    async fn update_user(
        &self,
        request: Request<v1::UpdateUserRequest>,
    ) -> Answer<v1::UpdateUserResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let mode = mode(request.validate_only, request.request_id);
        let new = request.user.unwrap_or_default();
        let name = lower(&new.name, "users")?;
        let expected = expected(&new.etag)?;
        let (properties, asked) = updates::of_user(new, request.update_mask, request.password)?;
        let session = asked.in_session(session);
        let altered = session
            .alter_user(name.clone(), properties, expected, mode)
            .await?;
        let (_, roles) = session.user_record(name, Operation::AlterUser).await?;
        Ok(Response::new(v1::UpdateUserResponse {
            user: Some(user(altered.record, roles)),
        }))
    }

    async fn delete_user(
        &self,
        request: Request<v1::DeleteUserRequest>,
    ) -> Answer<v1::DeleteUserResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let session = Asked::of(&request.name).in_session(session);
        let name = lower(&request.name, "users")?;
        let expected = expected(&request.etag)?;
        session
            .drop_user(
                name,
                expected,
                mode(request.validate_only, request.request_id),
            )
            .await?;
        Ok(Response::new(v1::DeleteUserResponse {}))
    }

    async fn create_role(
        &self,
        request: Request<v1::CreateRoleRequest>,
    ) -> Answer<v1::CreateRoleResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let comment = request.role.unwrap_or_default().comment;
        let session = Asked::of(&request.role_id)
            .given("comment", &comment)
            .in_session(session);
        let created = session
            .create_role(
                request.role_id.to_lowercase(),
                comment,
                OnExists::Error,
                mode(request.validate_only, request.request_id),
            )
            .await?;
        Ok(Response::new(v1::CreateRoleResponse {
            role: Some(role(created.record)),
        }))
    }

    async fn get_role(&self, request: Request<v1::GetRoleRequest>) -> Answer<v1::GetRoleResponse> {
        let session = self.session(&request)?;
        let name = lower(&request.into_inner().name, "roles")?;
        Ok(Response::new(v1::GetRoleResponse {
            role: Some(role(session.role_record(name).await?)),
        }))
    }

    async fn update_role(
        &self,
        request: Request<v1::UpdateRoleRequest>,
    ) -> Answer<v1::UpdateRoleResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let mode = mode(request.validate_only, request.request_id);
        let new = request.role.unwrap_or_default();
        let name = lower(&new.name, "roles")?;
        // There is nothing else that it could name.
        Mask::of(request.update_mask, &ROLE_PATHS)?;
        let asked = Asked::of(&new.name).text("comment", &new.comment);
        let altered = asked
            .in_session(session)
            .alter_role(name, new.comment, expected(&new.etag)?, mode)
            .await?;
        Ok(Response::new(v1::UpdateRoleResponse {
            role: Some(role(altered.record)),
        }))
    }

    async fn list_roles(
        &self,
        request: Request<v1::ListRolesRequest>,
    ) -> Answer<v1::ListRolesResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let paging = Paging::new(request.page_size, &request.page_token, &["ListRoles"])?;
        let mut roles = session.roles().await?;
        paging.skip(&mut roles, |role| &role.name);
        let (roles, next_page_token) = paging.page(roles, |role| role.name.clone(), role);
        Ok(Response::new(v1::ListRolesResponse {
            roles,
            next_page_token,
        }))
    }

    async fn delete_role(
        &self,
        request: Request<v1::DeleteRoleRequest>,
    ) -> Answer<v1::DeleteRoleResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let session = Asked::of(&request.name).in_session(session);
        let name = lower(&request.name, "roles")?;
        let expected = expected(&request.etag)?;
        session
            .drop_role(
                name,
                expected,
                mode(request.validate_only, request.request_id),
            )
            .await?;
        Ok(Response::new(v1::DeleteRoleResponse {}))
    }

    async fn grant_role(
        &self,
        request: Request<v1::GrantRoleRequest>,
    ) -> Answer<v1::GrantRoleResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let asked = Asked::of(&request.role).text("user", &request.user);
        asked
            .in_session(session)
            .grant_roles(
                vec![lower(&request.role, "roles")?],
                vec![lower(&request.user, "users")?],
                mode(request.validate_only, request.request_id),
            )
            .await?;
        Ok(Response::new(v1::GrantRoleResponse {}))
    }

    async fn revoke_role(
        &self,
        request: Request<v1::RevokeRoleRequest>,
    ) -> Answer<v1::RevokeRoleResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let asked = Asked::of(&request.role).text("user", &request.user);
        asked
            .in_session(session)
            .revoke_roles(
                vec![lower(&request.role, "roles")?],
                vec![lower(&request.user, "users")?],
                mode(request.validate_only, request.request_id),
            )
            .await?;
        Ok(Response::new(v1::RevokeRoleResponse {}))
    }

    async fn grant_privileges(
        &self,
        request: Request<v1::GrantPrivilegesRequest>,
    ) -> Answer<v1::GrantPrivilegesResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let mode = mode(request.validate_only, request.request_id);
        let grant = request.grant.unwrap_or_default();
        let session = asked_grant(&grant).in_session(session);
        session
            .grant(
                vec![lower(&grant.role, "roles")?],
                grant_object(grant.on)?,
                privileges(&grant.privileges)?,
                mode,
            )
            .await?;
        Ok(Response::new(v1::GrantPrivilegesResponse {}))
    }

    async fn revoke_privileges(
        &self,
        request: Request<v1::RevokePrivilegesRequest>,
    ) -> Answer<v1::RevokePrivilegesResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let mode = mode(request.validate_only, request.request_id);
        let grant = request.grant.unwrap_or_default();
        let session = asked_grant(&grant).in_session(session);
        session
            .revoke(
                vec![lower(&grant.role, "roles")?],
                grant_object(grant.on)?,
                privileges(&grant.privileges)?,
                mode,
            )
            .await?;
        Ok(Response::new(v1::RevokePrivilegesResponse {}))
    }

    async fn list_grants(
        &self,
        request: Request<v1::ListGrantsRequest>,
    ) -> Answer<v1::ListGrantsResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let list = ["ListGrants", request.of.as_str()];
        let paging = Paging::with_all(request.page_size, &request.page_token, &list)?;
        let of = match request.of.as_str() {
            "" => GrantsOf::Caller,
            of => match lower(of, "users") {
                Ok(name) => GrantsOf::User(name),
                Err(_) => GrantsOf::Role(lower(of, "roles")?),
            },
        };
        let mut grants = session.grants(of).await?;
        grants.sort_by_cached_key(grant_key);
        grants.retain(|grant| {
            paging
                .after()
                .is_none_or(|after| grant_key(grant).as_str() > after)
        });
        let (grants, next_page_token) = paging.page(grants, grant_key, grant);
        Ok(Response::new(v1::ListGrantsResponse {
            grants,
            next_page_token,
        }))
    }

    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Answer<v1::CreateTokenResponse> {
        let session = self.session(&request)?;
        let v1::CreateTokenRequest {
            user,
            label,
            lifetime,
            validate_only,
        } = request.into_inner();
        let mut asked = Asked::of(&user).given("label", &label);
        if let Some(lifetime) = &lifetime {
            asked = asked.with("lifetime_s", lifetime.seconds);
        }
        let of = whose(&user)?;
        let made = asked
            .in_session(session)
            .create_token(
                of,
                label,
                life(lifetime)?,
                mode(validate_only, String::new()),
            )
            .await?;
        Ok(Response::new(match validate_only {
            // There is none.
            true => v1::CreateTokenResponse::default(),
            false => v1::CreateTokenResponse {
                token: made.token.expose_secret().to_owned(),
                created: Some(token(made.record)),
            },
        }))
    }

    async fn list_tokens(
        &self,
        request: Request<v1::ListTokensRequest>,
    ) -> Answer<v1::ListTokensResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let list = ["ListTokens", request.user.as_str()];
        let paging = Paging::with_all(request.page_size, &request.page_token, &list)?;
        let mut tokens = session.tokens(whose(&request.user)?).await?;
        tokens.sort_by(|a, b| a.id.cmp(&b.id));
        paging.skip(&mut tokens, |token| &token.id);
        let (tokens, next_page_token) = paging.page(tokens, |token| token.id.clone(), token);
        Ok(Response::new(v1::ListTokensResponse {
            tokens,
            next_page_token,
        }))
    }

    async fn revoke_token(
        &self,
        request: Request<v1::RevokeTokenRequest>,
    ) -> Answer<v1::RevokeTokenResponse> {
        let session = self.session(&request)?;
        let request = request.into_inner();
        let session = Asked::of(&request.name)
            .given("user", &request.user)
            .in_session(session);
        let mode = mode(request.validate_only, request.request_id);
        let revoked = match (request.name.as_str(), request.user.as_str()) {
            (ALL_TOKENS, "") => {
                return Err(invalid(format_args!(
                    "{ALL_TOKENS} needs user: whose tokens are to be revoked"
                ))
                .into());
            }
            (ALL_TOKENS, of) => session.revoke_tokens_of(lower(of, "users")?, mode).await?,
            (name, "") => session.revoke_token(lower(name, "tokens")?, mode).await?,
            (_, _) => {
                return Err(invalid(format_args!(
                    "user goes with the name {ALL_TOKENS} only, for a token has one user"
                ))
                .into());
            }
        };
        Ok(Response::new(v1::RevokeTokenResponse {
            revoked: i32::try_from(revoked).unwrap_or(i32::MAX),
        }))
    }
}

async fn find_user(session: &Session, name: &str, operation: Operation) -> Result<v1::User> {
    let (record, roles) = session.user_record(name.to_owned(), operation).await?;
    Ok(user(record, roles))
}
