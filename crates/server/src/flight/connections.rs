//! Which session a call belongs to, so that USE and the like stick within one client's connection: the one that was
//! opened with the token of its Handshake, or the one whose id it carries as a cookie. A call with neither is on its
//! own.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderValue;
use http::header::{COOKIE, SET_COOKIE};
use secrecy::{ExposeSecret, SecretString};
use tonic::Request;
use tonic::metadata::MetadataMap;

use crate::error::{Error, Reason, Result};
use crate::grpc::{TokenId, caller};
use crate::instance::Instance;
use crate::session::{Caller, ChangeMode, Login, Session};
use crate::sessions::{InUse, SessionInUse, Sessions};

/// The cookie that has a session's id.
const SESSION_COOKIE: &str = "stagedoor_session";

/// What the tokens of Handshakes are called in SHOW TOKENS.
const TOKEN_LABEL: &str = "Arrow Flight SQL";

/// The sessions that were opened with tokens, by the tokens' hashes.
#[derive(Debug, Default)]
pub(super) struct Connections(Mutex<HashMap<[u8; 32], OfToken>>);

/// The session that was opened with a token. It is remembered as long as the token is good, also when it has ended: a
/// statement must not go on in another one unasked.
#[derive(Debug, Clone)]
struct OfToken {
    session: String,
    /// In microseconds since 1970 UTC.
    expires_us: u64,
}

/// Who calls, and in which session.
#[derive(Debug, Clone)]
pub(super) struct Called {
    pub(super) caller: Caller,
    token: Option<String>,
    /// An open session's id.
    pub(super) session: Option<String>,
}

/// A session for one call.
pub(super) enum Entered {
    /// It stays open.
    Open(Box<SessionInUse>),
    /// It ends with the call.
    Alone(Box<Session>),
}

impl Entered {
    /// Lets the next statement of the session begin; keeps it from being closed as idle.
    pub(super) fn release(self) -> Option<InUse> {
        match self {
            Self::Open(session) => Some(session.release()),
            Self::Alone(_) => None,
        }
    }

    /// That what a statement leaves in its session has one to be left in.
    ///
    /// # Errors
    /// [`Reason::NotSupported`].
    pub(super) fn must_stay_open(&self) -> Result<()> {
        match self {
            Self::Open(_) => Ok(()),
            Self::Alone(_) => Err(Error::not_supported(
                "this statement changes its session, and this call has none that the next one would find: log in by Handshake, or set session options and send back the cookie",
            )),
        }
    }
}

impl Deref for Entered {
    type Target = Session;

    fn deref(&self) -> &Session {
        match self {
            Self::Open(session) => session,
            Self::Alone(session) => session,
        }
    }
}

impl DerefMut for Entered {
    fn deref_mut(&mut self) -> &mut Session {
        match self {
            Self::Open(session) => session,
            Self::Alone(session) => session,
        }
    }
}

impl Connections {
    /// Who calls, and in which session.
    ///
    /// # Errors
    /// [`Reason::Unauthenticated`].
    pub(super) fn called<T>(&self, request: &Request<T>) -> Result<Called> {
        let caller = caller(request)?;
        let token = request.extensions().get::<TokenId>();
        let session = match caller.login {
            Login::Token(hash) => self.lock().get(&hash).map(|of| of.session.clone()),
            Login::Itself => None,
        };
        Ok(Called {
            caller,
            token: token.map(|token| token.0.clone()),
            session: cookie(request.metadata()).or(session),
        })
    }

    /// A token for who has just logged in by password, with a session of its own; nothing for who came with a token.
    ///
    /// # Errors
    /// [`Reason::LimitExceeded`] for too many tokens or sessions.
    pub(super) async fn log_in(
        &self,
        instance: &Arc<Instance>,
        called: Called,
    ) -> Result<Option<SecretString>> {
        if called.token.is_some() {
            return Ok(None);
        }
        let session = Session::new(Arc::clone(instance), called.caller);
        // First what is refused when there are too many.
        let id = instance.sessions.insert(&session)?;
        let made = match session
            .create_token(None, TOKEN_LABEL.to_owned(), None, ChangeMode::default())
            .await
        {
            Ok(made) => made,
            Err(error) => {
                instance.sessions.close(&id, session.principal());
                return Err(error);
            }
        };
        let mut connections = self.lock();
        let now_us = (catalog::system_clock())();
        connections.retain(|_, of| of.expires_us > now_us);
        let of = OfToken {
            session: id,
            expires_us: made.record.expires_us,
        };
        connections.insert(made.record.hash, of);
        Ok(Some(made.token))
    }

    /// Closes the session of a call, and revokes the token that was made with it. Whether there was one.
    ///
    /// # Errors
    /// The catalog takes no change.
    pub(super) async fn close(&self, instance: &Arc<Instance>, called: Called) -> Result<bool> {
        let Some(id) = called.session else {
            return Ok(false);
        };
        instance.sessions.close(&id, &called.caller.principal);
        if let (Login::Token(hash), Some(token)) = (called.caller.login, called.token) {
            let is_ours = self.lock().remove(&hash).is_some();
            if is_ours {
                Session::new(Arc::clone(instance), called.caller)
                    .revoke_token(token, ChangeMode::default())
                    .await?;
            }
        }
        // What went with it is gone when this answers, also of a server that does nothing by itself.
        instance.internal.stages.remove_ended().await;
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], OfToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Called {
    /// Its session, for one statement.
    ///
    /// # Errors
    /// [`Reason::SessionNotFound`].
    pub(super) async fn enter(&self, instance: &Arc<Instance>) -> Result<Entered> {
        let caller = self.caller.clone();
        Ok(match &self.session {
            Some(id) => Entered::Open(Box::new(Sessions::enter(instance, id, caller).await?)),
            None => Entered::Alone(Box::new(Session::for_statements(
                Arc::clone(instance),
                caller,
            ))),
        })
    }

    /// The same in a session that a handle names.
    pub(super) fn in_session_of(self, handle: &super::handle::Handle) -> Self {
        let session = match handle.session.is_empty() {
            true => self.session,
            false => Some(handle.session.clone()),
        };
        Self { session, ..self }
    }

    /// The same in an open session: its own, or a new one, which the answer then has to tell of.
    ///
    /// # Errors
    /// [`Reason::LimitExceeded`] for too many sessions.
    pub(super) fn opened(self, instance: &Arc<Instance>) -> Result<(Self, Option<HeaderValue>)> {
        if self.session.is_some() {
            return Ok((self, None));
        }
        let session = Session::new(Arc::clone(instance), self.caller.clone());
        let id = instance.sessions.insert(&session)?;
        let cookie = HeaderValue::from_str(&format!("{SESSION_COOKIE}={id}; Path=/; HttpOnly"))
            .map_err(|e| Error::defect("a session's id makes no cookie").with_source(e))?;
        let session = Some(id);
        Ok((Self { session, ..self }, Some(cookie)))
    }
}

/// Puts a session's cookie into an answer's headers.
pub(super) fn set_cookie(metadata: &mut MetadataMap, cookie: HeaderValue) {
    let mut headers = std::mem::take(metadata).into_headers();
    headers.append(SET_COOKIE, cookie);
    *metadata = MetadataMap::from_headers(headers);
}

/// Puts a token into an answer's headers, where clients of Flight find it.
///
/// # Errors
/// None: every token makes a header.
pub(super) fn set_bearer(metadata: &mut MetadataMap, token: &SecretString) -> Result<()> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| Error::internal(Reason::Internal, "a token makes no header"))?;
    bearer.set_sensitive(true);
    let mut headers = std::mem::take(metadata).into_headers();
    headers.insert(http::header::AUTHORIZATION, bearer);
    *metadata = MetadataMap::from_headers(headers);
    Ok(())
}

fn cookie(metadata: &MetadataMap) -> Option<String> {
    let cookies = metadata.get_all(COOKIE.as_str());
    cookies
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, id)| id.trim_matches('"').to_owned())
        .filter(|id| !id.is_empty())
}
