//! A server for tests of the client: one user, one password, tokens that can be revoked.
//! It listens on a port of its own, with or without TLS, and notes what it was told.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use base64::Engine;
use proto::v1::account_service_server::{AccountService, AccountServiceServer};
use proto::v1::admin_service_server::{AdminService, AdminServiceServer};
use proto::v1::*;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::ServerTlsConfig;
use tonic::{Request, Response, Status};

/// The login that the stub knows, as `--user` takes it.
pub(crate) const LOGIN: &str = "acme:ann:analyst";
/// Its password; with a colon, which must not confuse anybody.
pub(crate) const PASSWORD: &str = "correct:horse";

/// The server.
#[derive(Clone)]
pub(crate) struct Stub {
    address: SocketAddr,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    /// How many tokens were given so far; the n-th is `token-n`.
    given: usize,
    live: Vec<String>,
    labels: Vec<String>,
    killed: Vec<String>,
}

/// The first record of the audit that the stub says was changed.
pub(crate) const BAD_RECORD: u64 = 4;

impl Stub {
    /// Starts it on 127.0.0.1.
    pub(crate) async fn start(tls: Option<ServerTlsConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub = Self {
            address: listener.local_addr().unwrap(),
            told: Arc::default(),
        };
        let mut builder = tonic::transport::Server::builder();
        if let Some(tls) = tls {
            builder = builder.tls_config(tls).unwrap();
        }
        let router = builder
            .add_service(AccountServiceServer::new(stub.clone()))
            .add_service(AdminServiceServer::new(stub.clone()));
        tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
        stub
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its URL without TLS.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The tokens that were given and not revoked.
    pub(crate) fn live_tokens(&self) -> Vec<String> {
        self.told.lock().unwrap().live.clone()
    }

    /// The labels of all logins.
    pub(crate) fn labels(&self) -> Vec<String> {
        self.told.lock().unwrap().labels.clone()
    }

    /// The sessions that were killed.
    pub(crate) fn killed(&self) -> Vec<String> {
        self.told.lock().unwrap().killed.clone()
    }

    /// Revokes every token, as an administrator would.
    pub(crate) fn revoke_all(&self) {
        self.told.lock().unwrap().live.clear();
    }

    fn token_of<T>(&self, request: &Request<T>) -> Result<String, Status> {
        let token = authorization(request).and_then(|value| value.strip_prefix("Bearer "));
        token
            .map(str::to_owned)
            .filter(|token| self.live_tokens().contains(token))
            .ok_or_else(|| Status::unauthenticated("access denied"))
    }
}

fn authorization<T>(request: &Request<T>) -> Option<&str> {
    request.metadata().get("authorization")?.to_str().ok()
}

fn has_password<T>(request: &Request<T>) -> bool {
    let basic = base64::engine::general_purpose::STANDARD
        .encode(format!("{}:{PASSWORD}", LOGIN.replace(':', "#")));
    authorization(request) == Some(&format!("Basic {basic}"))
}

fn caller() -> Option<Caller> {
    Some(Caller {
        account: "acme".to_owned(),
        user: "ann".to_owned(),
        role: "analyst".to_owned(),
        roles: vec!["analyst".to_owned(), "public".to_owned()],
    })
}

/// The calls that no test makes.
macro_rules! unimplemented_calls {
    ($($call:ident($request:ident) -> $response:ident;)*) => {$(
        // As `async_trait` would write it, which does not see into this macro.
        fn $call<'a, 'b>(
            &'a self,
            _: Request<$request>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<$response>, Status>> + Send + 'b>>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(async { Err(Status::unimplemented(stringify!($call))) })
        }
    )*};
}

#[tonic::async_trait]
impl AccountService for Stub {
    async fn login(
        &self,
        request: Request<LoginRequest>,
    ) -> Result<Response<LoginResponse>, Status> {
        if !has_password(&request) {
            return Err(Status::unauthenticated("access denied"));
        }
        let mut told = self.told.lock().unwrap();
        told.given += 1;
        let token = format!("token-{}", told.given);
        told.live.push(token.clone());
        told.labels.push(request.into_inner().label);
        Ok(Response::new(LoginResponse {
            name: format!("tokens/{}", told.given),
            token,
            // 2026-11-25 00:00:00 UTC.
            expire_time: Some(prost_types::Timestamp {
                seconds: 1_795_564_800,
                nanos: 0,
            }),
            caller: caller(),
        }))
    }

    async fn logout(
        &self,
        request: Request<LogoutRequest>,
    ) -> Result<Response<LogoutResponse>, Status> {
        let token = self.token_of(&request)?;
        self.told.lock().unwrap().live.retain(|live| *live != token);
        Ok(Response::new(LogoutResponse {}))
    }

    async fn get_caller(
        &self,
        request: Request<GetCallerRequest>,
    ) -> Result<Response<GetCallerResponse>, Status> {
        if !has_password(&request) {
            self.token_of(&request)?;
        }
        Ok(Response::new(GetCallerResponse { caller: caller() }))
    }

    unimplemented_calls! {
        create_account(CreateAccountRequest) -> CreateAccountResponse;
        get_account(GetAccountRequest) -> GetAccountResponse;
        list_accounts(ListAccountsRequest) -> ListAccountsResponse;
        update_account(UpdateAccountRequest) -> UpdateAccountResponse;
        delete_account(DeleteAccountRequest) -> DeleteAccountResponse;
        create_user(CreateUserRequest) -> CreateUserResponse;
        get_user(GetUserRequest) -> GetUserResponse;
        list_users(ListUsersRequest) -> ListUsersResponse;
        update_user(UpdateUserRequest) -> UpdateUserResponse;
        delete_user(DeleteUserRequest) -> DeleteUserResponse;
        create_role(CreateRoleRequest) -> CreateRoleResponse;
        get_role(GetRoleRequest) -> GetRoleResponse;
        list_roles(ListRolesRequest) -> ListRolesResponse;
        update_role(UpdateRoleRequest) -> UpdateRoleResponse;
        delete_role(DeleteRoleRequest) -> DeleteRoleResponse;
        grant_role(GrantRoleRequest) -> GrantRoleResponse;
        revoke_role(RevokeRoleRequest) -> RevokeRoleResponse;
        grant_privileges(GrantPrivilegesRequest) -> GrantPrivilegesResponse;
        revoke_privileges(RevokePrivilegesRequest) -> RevokePrivilegesResponse;
        list_grants(ListGrantsRequest) -> ListGrantsResponse;
        create_token(CreateTokenRequest) -> CreateTokenResponse;
        list_tokens(ListTokensRequest) -> ListTokensResponse;
        revoke_token(RevokeTokenRequest) -> RevokeTokenResponse;
    }
}

#[tonic::async_trait]
impl AdminService for Stub {
    async fn verify_audit(
        &self,
        _: Request<VerifyAuditRequest>,
    ) -> Result<Response<VerifyAuditResponse>, Status> {
        Ok(Response::new(VerifyAuditResponse {
            bad: BAD_RECORD,
            ..Default::default()
        }))
    }

    async fn kill_session(
        &self,
        request: Request<KillSessionRequest>,
    ) -> Result<Response<KillSessionResponse>, Status> {
        self.told
            .lock()
            .unwrap()
            .killed
            .push(request.into_inner().name);
        Ok(Response::new(KillSessionResponse {}))
    }

    async fn get_status(
        &self,
        _: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        Err(Status::permission_denied("only moadmin may"))
    }

    unimplemented_calls! {
        backup(BackupRequest) -> BackupResponse;
        list_sessions(ListSessionsRequest) -> ListSessionsResponse;
    }
}
