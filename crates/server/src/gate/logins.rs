//! Who is it? From a password or a token to a [`Principal`]: with the same work and the same answer for users
//! that exist and users that do not, slowed down after failures, and every login on record.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use catalog::{
    Actor, AuditEvent, AuditOutcome, NewToken, PasswordHash, TokenRecord, TokenState, UserRecord,
};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::principal::{SYS, access_denied};
use super::throttle::Throttle;
use super::{CallContext, Operation, Principal, passwords};
use crate::error::{Error, Reason, Result};
use crate::instance::Instance;
use crate::settings::AuthSettings;

/// How long a password that was right is taken without hashing it again, while the user's has not changed.
const KNOWN_FOR: Duration = Duration::from_secs(300);
const KNOWN_MAX: usize = 4096;
/// New passwords that are hashed at once, at 19 MiB each.
const NEW_HASHES_MAX: usize = 8;
/// What every token begins with, so that secret scanners know one.
const TOKEN_PREFIX: &str = "sdt_";

/// A login's name, `account:user[:role]`, or `user` of account `sys`. `#` separates as `:` does, for HTTP's Basic
/// scheme, whose user names hold no `:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoginName {
    pub(crate) account: String,
    pub(crate) user: String,
    pub(crate) role: Option<String>,
}

/// What a caller shows.
pub(crate) enum Credential {
    Password(LoginName, SecretString),
    Token(SecretString),
}

/// The state of logins that the catalog does not keep.
pub(crate) struct Logins {
    throttle: Throttle,
    known: Mutex<HashMap<(String, String), Known>>,
    /// Of this process alone: what `known` holds says nothing about a password without it.
    known_key: [u8; 32],
    /// Hashed where there is no user, so that the answer takes as long.
    nobody: PasswordHash,
    /// Hashing takes memory and a processor: not more at once than there are processors.
    pub(crate) hashing: Semaphore,
    /// The same for new passwords, which are hashed on threads that others wait for: beyond it a client is sent away.
    new_hashes: Semaphore,
    token_default: Duration,
    token_max: Duration,
}

struct Known {
    user_id: u64,
    password_epoch: u64,
    mac: [u8; 32],
    at: Instant,
}

impl LoginName {
    /// # Errors
    /// [`Reason::Unauthenticated`], when it has not one to three parts, none of them empty.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let parts: Vec<String> = text.split([':', '#']).map(str::to_lowercase).collect();
        let login = match parts.as_slice() {
            [user] => Self {
                account: SYS.to_owned(),
                user: user.clone(),
                role: None,
            },
            [account, user] => Self {
                account: account.clone(),
                user: user.clone(),
                role: None,
            },
            [account, user, role] => Self {
                account: account.clone(),
                user: user.clone(),
                role: Some(role.clone()),
            },
            _ => return Err(malformed()),
        };
        if parts.iter().any(String::is_empty) {
            return Err(malformed());
        }
        Ok(login)
    }

    fn full(&self) -> String {
        format!("{}:{}", self.account, self.user)
    }
}

fn malformed() -> Error {
    Error::new(
        Reason::Unauthenticated,
        1045,
        "28000",
        "Access denied: a login's name is account:user, account:user:role, or user for account sys",
    )
}

impl Logins {
    pub(crate) fn new(settings: &AuthSettings) -> Result<Self> {
        let mut known_key = [0; 32];
        let mut unguessable = [0; 16];
        fill_random(&mut known_key)?;
        fill_random(&mut unguessable)?;
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Ok(Self {
            throttle: Throttle::new(
                settings.login_failures_free,
                Duration::from_millis(settings.login_delay_ms_max),
            ),
            known: Mutex::default(),
            known_key,
            nobody: passwords::hash(&SecretString::from(hex(&unguessable)))?,
            hashing: Semaphore::new(processors),
            new_hashes: Semaphore::new(NEW_HASHES_MAX),
            token_default: Duration::from_secs(settings.token_s_default),
            token_max: Duration::from_secs(settings.token_s_max),
        })
    }

    /// The hash of a new password. Blocking.
    ///
    /// # Errors
    /// Those of [`passwords::hash`]; [`Reason::LimitExceeded`] when many are being made at once.
    pub(crate) fn hash(&self, password: &SecretString) -> Result<PasswordHash> {
        let _turn = self.new_hashes.try_acquire().map_err(|_| {
            Error::internal(
                Reason::LimitExceeded,
                format_args!("{NEW_HASHES_MAX} passwords are being hashed; try again"),
            )
            .retry_after(Duration::from_secs(1))
        })?;
        passwords::hash(password)
    }

    /// Whether this password was right a moment ago, so that checking it costs nothing.
    pub(crate) fn is_known(
        &self,
        instance: &Instance,
        login: &LoginName,
        password: &SecretString,
    ) -> bool {
        let Ok(Some(user)) = instance.catalog.user(&login.account, &login.user) else {
            return false;
        };
        let known = self.lock();
        known
            .get(&(login.account.clone(), login.user.clone()))
            .is_some_and(|known| {
                known.user_id == user.id
                    && known.password_epoch == user.password_epoch
                    && known.at.elapsed() < KNOWN_FOR
                    && self.mac(password).verify_slice(&known.mac).is_ok()
            })
    }

    /// The principal that a password makes. Failures and first successes are audited. Blocking.
    ///
    /// # Errors
    /// [`Reason::Unauthenticated`], in one text for all causes; [`Reason::LoginThrottled`]; [`Reason::RoleNotGranted`]
    /// once the password was right.
    pub(crate) fn by_password(
        &self,
        instance: &Instance,
        login: &LoginName,
        password: &SecretString,
        context: &CallContext,
    ) -> Result<Principal> {
        if self.is_known(instance, login, password) {
            return Principal::resolve(
                &instance.catalog,
                &login.account,
                &login.user,
                login.role.as_deref(),
            );
        }
        let full = login.full();
        let address = address_of(&context.client);
        if let Some(wait) = self.throttle.wait(&full, address, Instant::now()) {
            let error = throttled(wait);
            self.audit(instance, login, context, Err(&error));
            return Err(error);
        }
        let user = instance.catalog.user(&login.account, &login.user)?;
        let hash = user.as_ref().and_then(|user| user.password.as_ref());
        let is_right = passwords::verify(password, hash.unwrap_or(&self.nobody)) && hash.is_some();
        let resolved = if is_right {
            Principal::resolve(
                &instance.catalog,
                &login.account,
                &login.user,
                login.role.as_deref(),
            )
        } else {
            Err(access_denied(&login.account, &login.user))
        };
        match &resolved {
            Ok(_) => {
                self.throttle.succeeded(&full);
                if let Some(user) = user {
                    self.remember(login, user.id, user.password_epoch, password);
                }
                self.audit(instance, login, context, Ok(()));
            }
            Err(error) => {
                if error.reason() == Reason::Unauthenticated {
                    self.throttle.failed(&full, address, Instant::now());
                }
                self.audit(instance, login, context, Err(error));
            }
        }
        resolved
    }

    /// The principal that a token stands for, and the token's record. Blocking, but only a look-up.
    ///
    /// # Errors
    /// [`Reason::Unauthenticated`], saying whether it has expired or was revoked, but for a token that never was.
    pub(crate) fn by_token(
        &self,
        instance: &Instance,
        token: &SecretString,
        context: &CallContext,
    ) -> Result<(Principal, TokenRecord)> {
        let denied = |why: &str| {
            Error::new(
                Reason::Unauthenticated,
                1045,
                "28000",
                format!("Access denied: the token {why}; log in again"),
            )
        };
        let address = address_of(&context.client);
        if let Some(wait) = self.throttle.wait("", address, Instant::now()) {
            return Err(throttled(wait));
        }
        let Some(record) = instance.catalog.token(&token_hash(token))? else {
            // A token is unguessable, but a client that tries is slowed down all the same.
            self.throttle.failed("", address, Instant::now());
            return Err(denied("is not valid"));
        };
        let now_us = (catalog::system_clock())();
        let why = match instance.catalog.token_state(&record, now_us)? {
            TokenState::Live => None,
            TokenState::Expired => Some("has expired"),
            TokenState::Revoked
            | TokenState::AccountGone
            | TokenState::AccountSuspended
            | TokenState::UserGone
            | TokenState::Locked
            | TokenState::PasswordChanged
            | TokenState::RoleGone => Some("is no longer valid"),
        };
        if let Some(why) = why {
            let login = LoginName {
                account: record.account.clone(),
                user: record.user.clone(),
                role: record.role.clone(),
            };
            let error = denied(why);
            self.audit(instance, &login, context, Err(&error));
            return Err(error);
        }
        let principal = Principal::resolve(
            &instance.catalog,
            &record.account,
            &record.user,
            record.role.as_deref(),
        )?;
        Ok((principal, record))
    }

    /// A new token for a user, bound to the role: its text, which is shown this once, and what is kept.
    ///
    /// # Errors
    /// [`Reason::OptionInvalid`] for a life beyond `auth.token_s_max`.
    pub(crate) fn new_token(
        &self,
        user: &UserRecord,
        role: Option<&str>,
        label: &str,
        life: Option<Duration>,
    ) -> Result<(SecretString, NewToken)> {
        let life = life.unwrap_or(self.token_default);
        if life.is_zero() || life > self.token_max {
            return Err(Error::invalid_input(
                Reason::OptionInvalid,
                format_args!(
                    "a token lives 1 to {} seconds (auth.token_s_max), not {}",
                    self.token_max.as_secs(),
                    life.as_secs()
                ),
            ));
        }
        let mut bytes = [0; 32];
        fill_random(&mut bytes)?;
        let token = SecretString::from(format!("{TOKEN_PREFIX}{}", hex(&bytes)));
        let life_us = u64::try_from(life.as_micros()).unwrap_or(u64::MAX);
        let new = NewToken {
            id: Uuid::new_v4().to_string(),
            hash: token_hash(&token),
            user: user.name.clone(),
            user_id: user.id,
            password_epoch: user.password_epoch,
            role: role.map(str::to_owned),
            label: label.to_owned(),
            expires_us: (catalog::system_clock())().saturating_add(life_us),
        };
        Ok((token, new))
    }

    fn remember(&self, login: &LoginName, user_id: u64, epoch: u64, password: &SecretString) {
        let mut known = self.lock();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(
            (login.account.clone(), login.user.clone()),
            Known {
                user_id,
                password_epoch: epoch,
                mac: self.mac(password).finalize().into_bytes().into(),
                at: Instant::now(),
            },
        );
    }

    fn mac(&self, password: &SecretString) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.known_key).expect("any length");
        mac.update(password.expose_secret().as_bytes());
        mac
    }

    /// The account is the one that was asked for, so that its administrator sees who tries to get in. A name that
    /// no account has goes to `sys`.
    fn audit(
        &self,
        instance: &Instance,
        login: &LoginName,
        context: &CallContext,
        result: std::result::Result<(), &Error>,
    ) {
        let account = match instance.catalog.account(&login.account) {
            Ok(Some(account)) => account.name,
            _ => SYS.to_owned(),
        };
        let (outcome, reason) = match result {
            Ok(()) => (AuditOutcome::Done, String::new()),
            Err(error) => (AuditOutcome::Refused, error.message().to_owned()),
        };
        tracing::info!(
            login = login.full(),
            client = context.client,
            outcome = super::outcome_name(outcome),
            reason,
            "login"
        );
        let role = login.role.clone().unwrap_or_default();
        let event = AuditEvent {
            actor: Actor::new(account, login.user.clone(), role).with_request(catalog::Request {
                id: context.request_id.clone(),
                client: context.client.clone(),
                ..catalog::Request::default()
            }),
            operation: Operation::LOGIN.to_owned(),
            target: login.full(),
            stage_version: None,
            outcome,
            reason,
        };
        if let Err(error) = instance.catalog.record(event) {
            tracing::error!(%error, "failed to write an audit record");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Logins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logins").finish_non_exhaustive()
    }
}

fn throttled(wait: Duration) -> Error {
    Error::new(
        Reason::LoginThrottled,
        1040,
        "08004",
        format!(
            "too many failed logins; try again in {:.1} seconds",
            wait.as_secs_f64()
        ),
    )
    .retry_after(wait)
}

/// Without the port, which every connection has another of.
fn address_of(client: &str) -> &str {
    match client.parse::<std::net::SocketAddr>() {
        Ok(_) => client.rsplit_once(':').map_or(client, |(host, _)| host),
        Err(_) => client,
    }
}

fn token_hash(token: &SecretString) -> [u8; 32] {
    Sha256::digest(token.expose_secret().as_bytes()).into()
}

/// Fills from the operating system's generator.
pub(super) fn fill_random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes)
        .map_err(|e| Error::defect(format_args!("the system gives no random bytes: {e}")))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_forms_of_a_login() {
        let parse = |text| LoginName::parse(text).map(|l| (l.account, l.user, l.role));
        let three = ("acc".to_owned(), "u".to_owned(), Some("r".to_owned()));
        assert_eq!(parse("acc:u:r").unwrap(), three);
        assert_eq!(parse("Acc#U#R").unwrap(), three);
        assert_eq!(parse("root").unwrap(), ("sys".into(), "root".into(), None));
        for wrong in ["", ":u", "a:", "a::r", "a:u:r:x"] {
            assert_eq!(
                parse(wrong).unwrap_err().reason(),
                Reason::Unauthenticated,
                "{wrong}"
            );
        }
    }

    #[test]
    fn an_address_is_counted_without_its_port() {
        assert_eq!(address_of("10.0.0.1:5555"), "10.0.0.1");
        assert_eq!(address_of("[::1]:5555"), "[::1]");
        assert_eq!(address_of("embedded"), "embedded");
    }
}
