//! The one place that says to a server who asks: the `authorization` metadata of every call.
//! An embedded server is sent none; whoever may open its directory owns it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use zeroize::Zeroizing;

use crate::credentials::{Credential, LoginName};

/// A channel whose every call carries its [`Authorization`].
pub(crate) type Wire = InterceptedService<Channel, Authorization>;

/// What every call carries. `Debug` shows nothing of it.
#[derive(Clone)]
pub(crate) struct Authorization {
    value: Option<MetadataValue<Ascii>>,
}

impl Authorization {
    /// Nothing is sent.
    pub(crate) fn none() -> Self {
        Self { value: None }
    }

    /// What `credential` is sent as.
    ///
    /// # Errors
    /// A token holds characters that no header can carry.
    pub(crate) fn of(credential: &Credential) -> anyhow::Result<Self> {
        let text = match credential {
            Credential::Nobody => return Ok(Self::none()),
            Credential::Password { login, password } => basic(login, password),
            Credential::Token { token, .. } => {
                Zeroizing::new(format!("Bearer {}", token.expose_secret()))
            }
        };
        // The parser's error would say where it stopped, which nobody needs to know of a secret.
        let mut value = MetadataValue::try_from(text.as_str())
            .map_err(|_| anyhow::anyhow!("the token holds characters that no header can carry"))?;
        value.set_sensitive(true);
        Ok(Self { value: Some(value) })
    }
}

/// `Basic base64(account#user[#role]:password)`: in the Basic scheme (RFC 7617) the first colon begins the password,
/// so `#` separates the login's parts.
fn basic(login: &LoginName, password: &SecretString) -> Zeroizing<String> {
    let password = password.expose_secret();
    let (account, user) = (login.account(), login.user());
    let plain = Zeroizing::new(match login.role() {
        Some(role) => format!("{account}#{user}#{role}:{password}"),
        None => format!("{account}#{user}:{password}"),
    });
    let encoded = Zeroizing::new(STANDARD.encode(plain.as_bytes()));
    Zeroizing::new(format!("Basic {}", *encoded))
}

impl Interceptor for Authorization {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.value {
            request
                .metadata_mut()
                .insert("authorization", value.clone());
        }
        Ok(request)
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn sent(credential: &Credential) -> Option<String> {
        let mut authorization = Authorization::of(credential).unwrap();
        let request = authorization.call(Request::new(())).unwrap();
        let value = request.metadata().get("authorization")?;
        assert!(!format!("{request:?}").contains(value.to_str().unwrap()));
        assert!(!format!("{authorization:?}").contains(value.to_str().unwrap()));
        Some(value.to_str().unwrap().to_owned())
    }

    fn sent_password(login: &str, password: &str) -> String {
        let value = sent(&Credential::Password {
            login: LoginName::parse(login).unwrap(),
            password: password.into(),
        })
        .unwrap();
        let plain = STANDARD
            .decode(value.strip_prefix("Basic ").unwrap())
            .unwrap();
        String::from_utf8(plain).unwrap()
    }

    #[test]
    fn a_password_is_sent_by_basic() {
        assert_eq!(sent_password("root", "pä ss"), "sys#root:pä ss");
        assert_eq!(sent_password("acme:ann", "a:b"), "acme#ann:a:b");
        assert_eq!(sent_password("acme:ann:r", ":"), "acme#ann#r::");
    }

    #[test]
    fn a_token_is_sent_as_it_is_and_without_credentials_nothing() {
        let token = |text: &str| Credential::Token {
            login: "sys:root".to_owned(),
            token: text.into(),
        };
        assert_eq!(sent(&token("abc")).as_deref(), Some("Bearer abc"));
        assert_eq!(sent(&Credential::Nobody), None);
        let refusal = Authorization::of(&token("ab\ncd")).unwrap_err().to_string();
        assert!(!refusal.contains("cd"), "{refusal}");
    }
}
