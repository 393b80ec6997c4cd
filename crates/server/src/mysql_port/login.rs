//! From a client's login to a caller that the gate knows: at once where the password is known of late, else by the
//! password itself, which comes inside TLS or encrypted with the server's key.

use std::io;
use std::net::IpAddr;

use mysql::{Event, Login as Asked};
use secrecy::SecretString;
use uuid::Uuid;

use super::Shared;
use super::wire::Wire;
use crate::error::{Error, Reason, Result};
use crate::gate::{CallContext, LoginName, Logins, Principal, access_denied};
use crate::session::{Caller, Login};
use crate::traces::Trace;

/// A client that is who it says.
pub(super) struct Entered {
    pub(super) caller: Caller,
    /// The database that it asks for.
    pub(super) database: Option<String>,
    /// Something worth knowing, for SHOW WARNINGS.
    pub(super) note: Option<String>,
}

/// Why a client is not in.
pub(super) enum NotIn {
    /// It has left, or has been told what it did wrong.
    Gone(io::Error),
    /// It is to be told.
    Refused(Error),
}

impl From<io::Error> for NotIn {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

impl From<Error> for NotIn {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// Audits a login that was refused before its name was looked at.
async fn stranger(shared: &Shared, context: CallContext, error: Error) -> Error {
    let recorded = shared
        .instance
        .blocking(move |instance| {
            let logins = &instance.logins;
            logins.record_stranger(instance, "a login of the MySQL protocol", &context, &error);
            Ok(error.audited())
        })
        .await;
    recorded.unwrap_or_else(|defect| defect)
}

/// Follows a login to its end; `first` is what has come of it already. The client still waits for the answer.
pub(super) async fn login(
    wire: &mut Wire,
    shared: &Shared,
    client: (IpAddr, &str),
    nonce: &[u8; mysql::NONCE_BYTES],
    first: Option<Event>,
) -> std::result::Result<Entered, NotIn> {
    let (address, client) = client;
    let context = CallContext {
        request_id: Uuid::now_v7().to_string(),
        client: client.to_owned(),
        statement: "a login of the MySQL protocol".to_owned(),
        until: None,
        trace: Trace::default(),
    };
    let mut next = first;
    let mut asked: Option<(Asked, LoginName, Option<[u8; 32]>)> = None;
    loop {
        let event = match next.take() {
            Some(event) => event,
            None => wire.event().await?.ok_or_else(left)?,
        };
        if let Event::Login(login) = event {
            let name = if !wire.connection.is_secure() && needs_tls(shared, address) {
                Err(transport_required())
            } else {
                LoginName::parse(&login.user)
            };
            let name = match name {
                Ok(name) => name,
                Err(error) => return Err(stranger(shared, context, error).await.into()),
            };
            let digest = Logins::digest(&shared.instance, &name).await?;
            next = wire.connection.check(digest.as_ref());
            asked = Some((login, name, digest));
            continue;
        }
        if let Event::StartTls = event {
            let tls = shared.tls.as_ref().ok_or_else(left)?;
            wire.start_tls(tls).await?;
            continue;
        }
        let (login, name, digest) = asked.take().ok_or_else(left)?;
        let principal = match event {
            Event::Known => {
                let digest = digest.ok_or_else(|| denied(&name))?;
                let shown =
                    Logins::authenticate_shown(&shared.instance, name.clone(), digest, &context);
                shown.await?.ok_or_else(|| denied(&name))?
            }
            Event::Password(password) => {
                by_password(shared, name, password.to_vec(), &context).await?
            }
            Event::PublicKeyAsked => {
                let key = shared.key().await?;
                wire.connection.public_key(key.public_pem());
                asked = Some((login, name, digest));
                continue;
            }
            Event::EncryptedPassword(encrypted) => {
                let (key, nonce) = (shared.key().await?, *nonce);
                let open =
                    move |_: &crate::instance::Instance| Ok(key.password(&encrypted, &nonce));
                let password = shared.instance.blocking(open).await?;
                let password = password.ok_or_else(|| denied(&name))?;
                by_password(shared, name, password.to_vec(), &context).await?
            }
            _ => return Err(left().into()),
        };
        return Ok(Entered {
            caller: Caller {
                principal,
                context,
                login: Login::Itself,
            },
            note: charset_note(&login),
            database: login.database,
        });
    }
}

/// What is to be known by a client that asks for another character set than the one there is. It is let in: many ask for
/// latin1 unasked, and send nothing that is not ASCII. What is not UTF-8 is refused where it comes.
fn charset_note(login: &Asked) -> Option<String> {
    if login.speaks_utf8() {
        return None;
    }
    tracing::info!(
        user = login.user,
        collation = login.collation,
        "a client of MySQL asks for a character set that is not utf8mb4, and gets utf8mb4"
    );
    Some(format!(
        "the connection's character set is utf8mb4, not the one of collation {} that was asked for: SET NAMES utf8mb4 says so",
        login.collation
    ))
}

async fn by_password(
    shared: &Shared,
    name: LoginName,
    password: Vec<u8>,
    context: &CallContext,
) -> Result<Principal> {
    // One that is no text is nobody's, and is checked as any other that is wrong.
    let password = String::from_utf8(password).unwrap_or_else(|bytes| {
        drop(zeroize::Zeroizing::new(bytes.into_bytes()));
        String::from("\0")
    });
    let password = SecretString::from(password);
    Logins::authenticate_to_be_shown(&shared.instance, name, password, context).await
}

/// Whether plain text would leave the machine without the operator's leave, or come without the certificate that every
/// client must present.
fn needs_tls(shared: &Shared, address: IpAddr) -> bool {
    let is_mutual = shared.tls.as_ref().is_some_and(|tls| tls.is_mutual());
    is_mutual || (!address.to_canonical().is_loopback() && !shared.instance.settings.insecure)
}

fn denied(name: &LoginName) -> Error {
    access_denied(&name.account, &name.user)
}

/// In MySQL's words.
fn transport_required() -> Error {
    Error::new(
        Reason::Unauthenticated,
        3159,
        "HY000",
        "Connections using insecure transport are prohibited: connect with TLS (--ssl, or --ssl-mode=REQUIRED)",
    )
}

fn left() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}
