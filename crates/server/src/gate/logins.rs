//! Who is it? From a password or a token to a [`Principal`]: with the same work and the same answer for users
//! that exist and users that do not, slowed down after failures, and every login on record.

#[cfg(test)]
mod constant_work;
mod digests;
mod name;
mod network;
mod record;
mod repeats;
mod throttle;
mod tokens;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use catalog::{PasswordHash, TokenRecord};
use hmac::{Hmac, KeyInit, Mac};
pub(crate) use name::{Credential, LoginName};
use network::Network;
use record::Records;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use throttle::Throttle;
use tokio::sync::Semaphore;

use super::principal::access_denied;
use super::{CallContext, Principal, passwords};
use crate::error::{Error, Reason, Result};
use crate::instance::Instance;
use crate::settings::{AuthSettings, LimitSettings};

/// How long a password that was right is taken without hashing it again, while the user's has not changed.
const KNOWN_FOR: Duration = Duration::from_secs(300);
const KNOWN_MAX: usize = 4096;
/// When a client that found no room in the queue should try again.
const QUEUE_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The state of logins that the catalog does not keep.
pub(crate) struct Logins {
    throttle: Throttle,
    records: Records,
    known: Mutex<HashMap<(String, String), Known>>,
    /// Of this process alone: what `known` holds says nothing about a password without it.
    known_key: [u8; 32],
    /// Hashed where there is no user, so that the answer takes as long.
    nobody: PasswordHash,
    /// Hashing takes memory and a processor: not more at once than there are processors.
    hashing: Semaphore,
    /// Who waits for that; beyond it a client is sent away.
    queue: Semaphore,
    /// The same for new passwords, which are hashed on threads that others wait for.
    new_hashes: Semaphore,
    attempts_max: u32,
    attempts_window: Duration,
    queue_max: usize,
    new_passwords_max: usize,
    token_default: Duration,
    token_max: Duration,
    tokens_max: usize,
}

struct Known {
    user_id: u64,
    password_epoch: u64,
    mac: [u8; 32],
    /// Of the password, once a client of the MySQL protocol has given it.
    digest: Option<[u8; 32]>,
    at: Instant,
}

/// A password, whose it should be, and where it comes from.
struct Attempt {
    login: LoginName,
    /// `account:user`.
    full: String,
    password: SecretString,
    network: Network,
    context: CallContext,
}

impl Logins {
    pub(crate) fn new(auth: &AuthSettings, limits: &LimitSettings) -> Result<Self> {
        let mut known_key = [0; 32];
        let mut unguessable = [0; 16];
        fill_random(&mut known_key)?;
        fill_random(&mut unguessable)?;
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let attempts_window = Duration::from_secs(limits.login_attempts_window_s);
        Ok(Self {
            throttle: Throttle::new(
                limits.login_attempts_max,
                attempts_window,
                Duration::from_millis(auth.login_delay_ms_max),
            ),
            records: Records::default(),
            known: Mutex::default(),
            known_key,
            nobody: passwords::hash(&SecretString::from(hex(&unguessable)))?,
            hashing: Semaphore::new(processors),
            queue: Semaphore::new(limits.login_queue_max),
            new_hashes: Semaphore::new(limits.new_passwords_max),
            attempts_max: limits.login_attempts_max,
            attempts_window,
            queue_max: limits.login_queue_max,
            new_passwords_max: limits.new_passwords_max,
            token_default: Duration::from_secs(auth.token_s_default),
            token_max: Duration::from_secs(auth.token_s_max),
            tokens_max: limits.tokens_user_max,
        })
    }

    /// The hash of a new password, with a salt of its own or by what names the change, if it may be given again.
    /// Blocking.
    ///
    /// # Errors
    /// Those of [`passwords::hash`]; [`Reason::LimitExceeded`] when many are being made at once.
    pub(crate) fn hash(
        &self,
        password: &SecretString,
        salted_by: Option<[&str; 3]>,
    ) -> Result<PasswordHash> {
        let _turn = self.new_hashes.try_acquire().map_err(|_| {
            Error::internal(
                Reason::LimitExceeded,
                format_args!(
                    "{} new passwords are being hashed, as many as may (limits.new_passwords_max); try again",
                    self.new_passwords_max
                ),
            )
            .retry_after(QUEUE_RETRY_AFTER)
        })?;
        match salted_by {
            Some(named) => passwords::hash_salted_by(password, &named),
            None => passwords::hash(password),
        }
    }

    /// The principal of a call, and the token that it came with. Everything that fails is audited.
    ///
    /// # Errors
    /// [`Reason::Unauthenticated`], in one text for all causes but of tokens; [`Reason::LoginThrottled`];
    /// [`Reason::RoleNotGranted`] once the password was right; [`Reason::LimitExceeded`] when too many wait.
    pub(crate) async fn authenticate(
        instance: &Arc<Instance>,
        credential: Credential,
        context: &CallContext,
    ) -> Result<(Principal, Option<TokenRecord>)> {
        let context = context.clone();
        let (login, password) = match credential {
            Credential::Token(token) => {
                return instance
                    .blocking(move |instance| {
                        let logins = &instance.logins;
                        let (principal, record) = logins.by_token(instance, &token, &context)?;
                        Ok((principal, Some(record)))
                    })
                    .await;
            }
            Credential::Password(login, password) => (login, password),
        };
        let attempt = Arc::new(Attempt {
            full: login.full(),
            network: Network::of(&context.client),
            login,
            password,
            context,
        });
        let tried = Arc::clone(&attempt);
        let known = instance
            .blocking(move |instance| instance.logins.by_known_password(instance, &tried))
            .await?;
        if let Some(principal) = known {
            return Ok((principal, None));
        }
        let _turn = match instance.logins.turn().await {
            Ok(turn) => turn,
            Err(error) => {
                return instance
                    .blocking(move |instance| {
                        let logins = &instance.logins;
                        logins.record_repeated(instance, &attempt, &error);
                        Err(error)
                    })
                    .await;
            }
        };
        let principal = instance
            .blocking(move |instance| instance.logins.by_password(instance, &attempt))
            .await?;
        Ok((principal, None))
    }

    /// A turn to hash a password, in the order of arrival.
    async fn turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>> {
        let closed = |e| Error::defect("logins are closed").with_source(e);
        if let Ok(turn) = self.hashing.try_acquire() {
            return Ok(turn);
        }
        let _place = self.queue.try_acquire().map_err(|_| {
            Error::internal(
                Reason::LimitExceeded,
                format_args!(
                    "{} logins are waiting to be checked, as many as may (limits.login_queue_max); try again",
                    self.queue_max
                ),
            )
            .retry_after(QUEUE_RETRY_AFTER)
        })?;
        self.hashing.acquire().await.map_err(closed)
    }

    /// The principal of a password that was right a moment ago, so that it is not hashed again; `None` when it has to
    /// be. Blocking.
    fn by_known_password(&self, instance: &Instance, by: &Attempt) -> Result<Option<Principal>> {
        self.not_throttled(instance, by)?;
        if !self.is_known(instance, by)? {
            return Ok(None);
        }
        self.taken_again(instance, by).map(Some)
    }

    /// The principal that a password makes. Blocking, for some 20 ms.
    fn by_password(&self, instance: &Instance, by: &Attempt) -> Result<Principal> {
        // Again: while it waited for its turn, others of its kind may have failed.
        self.not_throttled(instance, by)?;
        let user = instance.catalog.user(&by.login.account, &by.login.user)?;
        let hash = user.as_ref().and_then(|user| user.password.as_ref());
        let is_right =
            passwords::verify(&by.password, hash.unwrap_or(&self.nobody)) && hash.is_some();
        let resolved = if is_right {
            by.resolve(instance)
        } else {
            Err(access_denied(&by.login.account, &by.login.user))
        };
        let now = Instant::now();
        match &resolved {
            Ok(_) => {
                self.throttle.succeeded(&by.full, &by.network, now);
                if let Some(user) = user {
                    self.remember(by, user.id, user.password_epoch);
                }
                self.record_right(instance, by);
            }
            Err(error) => {
                if error.reason() == Reason::Unauthenticated {
                    self.throttle.failed(&by.full, &by.network, now);
                }
                self.record_failed(instance, by, error);
            }
        }
        resolved
    }

    fn not_throttled(&self, instance: &Instance, by: &Attempt) -> Result<()> {
        match self.throttle.wait(&by.full, &by.network, Instant::now()) {
            None => Ok(()),
            Some(wait) => {
                let error = self.throttled(wait);
                self.record_repeated(instance, by, &error);
                Err(error)
            }
        }
    }

    fn throttled(&self, wait: Duration) -> Error {
        Error::new(
            Reason::LoginThrottled,
            1040,
            "08004",
            format!(
                "too many failed logins (limits.login_attempts_max is {}, limits.login_attempts_window_s {}); try again in {:.1} seconds",
                self.attempts_max,
                self.attempts_window.as_secs(),
                wait.as_secs_f64()
            ),
        )
        .retry_after(wait)
    }

    /// Whether this password was right a moment ago.
    fn is_known(&self, instance: &Instance, by: &Attempt) -> Result<bool> {
        let LoginName { account, user, .. } = &by.login;
        let Some(record) = instance.catalog.user(account, user)? else {
            return Ok(false);
        };
        Ok(self
            .lock()
            .get(&(account.clone(), user.clone()))
            .is_some_and(|known| {
                known.user_id == record.id
                    && known.password_epoch == record.password_epoch
                    && known.at.elapsed() < KNOWN_FOR
                    && self.mac(&by.password).verify_slice(&known.mac).is_ok()
            }))
    }

    fn remember(&self, by: &Attempt, user_id: u64, epoch: u64) {
        let mut known = self.lock();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        let who = (by.login.account.clone(), by.login.user.clone());
        // Another client may be about to show that very password by its digest.
        let digest = known
            .get(&who)
            .filter(|known| {
                known.user_id == user_id
                    && known.password_epoch == epoch
                    && self.mac(&by.password).verify_slice(&known.mac).is_ok()
            })
            .and_then(|known| known.digest);
        let now = Known {
            user_id,
            password_epoch: epoch,
            mac: self.mac(&by.password).finalize().into_bytes().into(),
            digest,
            at: Instant::now(),
        };
        known.insert(who, now);
    }

    fn mac(&self, password: &SecretString) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.known_key).expect("any length");
        mac.update(password.expose_secret().as_bytes());
        mac
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    fn resolve(&self, instance: &Instance) -> Result<Principal> {
        let LoginName {
            account,
            user,
            role,
        } = &self.login;
        Principal::resolve(&instance.catalog, account, user, role.as_deref())
    }
}

impl std::fmt::Debug for Logins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logins").finish_non_exhaustive()
    }
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

    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_new_password_beyond_those_being_hashed_is_refused_and_the_setting_is_named() {
        let limits = LimitSettings {
            new_passwords_max: 1,
            ..LimitSettings::default()
        };
        let logins = Logins::new(&AuthSettings::default(), &limits).unwrap();
        let password = SecretString::from("correct horse");
        let turn = logins.new_hashes.try_acquire().unwrap();
        let error = logins.hash(&password, None).unwrap_err();
        assert_eq!(error.reason(), Reason::LimitExceeded);
        assert!(
            error.message().contains("limits.new_passwords_max"),
            "{error}"
        );
        drop(turn);
        logins.hash(&password, None).unwrap();
    }

    #[test]
    fn beyond_the_queue_a_login_is_refused_and_the_setting_is_named() {
        let limits = LimitSettings {
            login_queue_max: 1,
            ..LimitSettings::default()
        };
        let logins = Logins::new(&AuthSettings::default(), &limits).unwrap();
        let turns: Vec<_> = std::iter::from_fn(|| logins.turn().now_or_never()).collect();
        let turns: Vec<_> = turns.into_iter().map(Result::unwrap).collect();
        assert!(!turns.is_empty());
        // The future that found no turn at once is gone, and its place is free again.
        let mut waits = Box::pin(logins.turn());
        assert!((&mut waits).now_or_never().is_none());
        let error = logins.turn().now_or_never().unwrap().unwrap_err();
        assert_eq!(error.reason(), Reason::LimitExceeded);
        assert!(
            error.message().contains("limits.login_queue_max"),
            "{error}"
        );
        assert_eq!(error.retry_after_hint(), Some(QUEUE_RETRY_AFTER));
        drop(turns);
        assert!(waits.now_or_never().unwrap().is_ok());
    }
}
