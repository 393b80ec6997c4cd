//! The calls of AccountService that the program makes: log in, log out, and who the caller is.
//! Each ends within seconds, also when the server hangs.

use std::time::Duration;

use proto::v1::account_service_client::AccountServiceClient;
use proto::v1::{Caller, GetCallerRequest, LoginRequest, LoginResponse, LogoutRequest};
use tonic::Request;

use crate::connect::{Authorization, Connection, Wire};
use crate::failure::{Failure, Target};

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Who may do what, on one server.
#[derive(Debug)]
pub(crate) struct Accounts {
    calls: AccountServiceClient<Wire>,
    target: Target,
}

impl Accounts {
    /// On behalf of whoever the connection is for.
    pub(crate) fn new(connection: &Connection) -> Self {
        Self::over(connection.wire(), connection.target())
    }

    /// On behalf of somebody else.
    pub(crate) fn acting_as(connection: &Connection, authorization: Authorization) -> Self {
        Self::over(connection.wire_as(authorization), connection.target())
    }

    fn over(wire: Wire, target: &Target) -> Self {
        Self {
            calls: AccountServiceClient::new(wire),
            target: target.clone(),
        }
    }

    /// Gets a token for the caller; `label` says what for.
    pub(crate) async fn login(&mut self, label: String) -> Result<LoginResponse, Failure> {
        let request = timed(LoginRequest {
            label,
            ..Default::default()
        });
        let answer = self.calls.login(request).await;
        answer
            .map(tonic::Response::into_inner)
            .map_err(|status| Failure::from_status(&status, &self.target))
    }

    /// Revokes the token that the calls carry.
    pub(crate) async fn logout(&mut self) -> Result<(), Failure> {
        let answer = self.calls.logout(timed(LogoutRequest {})).await;
        answer
            .map(drop)
            .map_err(|status| Failure::from_status(&status, &self.target))
    }

    /// Who the caller is.
    pub(crate) async fn caller(&mut self) -> Result<Caller, Failure> {
        let answer = self.calls.get_caller(timed(GetCallerRequest {})).await;
        answer
            .map_err(|status| Failure::from_status(&status, &self.target))?
            .into_inner()
            .caller
            .ok_or_else(|| Failure::malformed("it names no caller"))
    }
}

fn timed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(TIMEOUT);
    request
}
