//! Handles that clients carry: tickets, and prepared statements. All that the server has to know of one is in it, so
//! that nothing is kept for a client that never comes back. What is in it is under this process's own key, bound to the
//! user it was made for, and good for a while.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use prost::Message;
use sha2::Sha256;
use uuid::Uuid;

use crate::error::{Error, Reason, Result};
use crate::gate::Principal;

/// How long a ticket is good; a client may have it renewed.
pub(super) const TICKET_FOR: Duration = Duration::from_secs(600);

/// How long a statement stays prepared.
const PREPARED_FOR: Duration = Duration::from_secs(12 * 3600);

/// Bytes of the code at a handle's beginning.
const MAC_BYTES: usize = 32;

/// The key that this process's handles are under.
pub(super) struct Key([u8; 32]);

/// What a handle is for. One does not pass for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Ticket,
    Prepared,
}

impl Use {
    fn byte(self) -> u8 {
        match self {
            Self::Ticket => 1,
            Self::Prepared => 2,
        }
    }

    fn life(self) -> Duration {
        match self {
            Self::Ticket => TICKET_FOR,
            Self::Prepared => PREPARED_FOR,
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Prepared => "prepared statement",
        }
    }
}

/// What is in a handle.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Handle {
    #[prost(string, tag = "1")]
    account: String,
    #[prost(string, tag = "2")]
    user: String,
    /// In microseconds since 1970 UTC.
    #[prost(uint64, tag = "3")]
    pub(super) expires_us: u64,
    /// By which what runs for a ticket is cancelled.
    #[prost(string, tag = "4")]
    pub(super) id: String,
    /// The session that it belongs to; empty for none.
    #[prost(string, tag = "5")]
    pub(super) session: String,
    #[prost(string, tag = "6")]
    pub(super) statement: String,
    /// The values of its parameters, an Arrow IPC stream of one row; empty for none.
    #[prost(bytes = "vec", tag = "7")]
    pub(super) parameters: Vec<u8>,
    /// What the statement gave, an Arrow IPC stream, where it is not run for the ticket.
    #[prost(bytes = "vec", tag = "8")]
    pub(super) outcome: Vec<u8>,
}

impl Handle {
    pub(super) fn new(of: &Principal, session: Option<&str>) -> Self {
        Self {
            account: of.account().to_owned(),
            user: of.user().to_owned(),
            id: Uuid::new_v4().to_string(),
            session: session.unwrap_or_default().to_owned(),
            ..Self::default()
        }
    }
}

impl Key {
    /// A new one, that no other process has.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub(super) fn random() -> Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)
            .map_err(|e| Error::defect(format_args!("the system gives no random bytes: {e}")))?;
        Ok(Self(key))
    }

    /// The handle as a client has it, good from now on.
    pub(super) fn seal(&self, mut handle: Handle, to: Use) -> (Vec<u8>, u64) {
        let life_us = u64::try_from(to.life().as_micros()).unwrap_or(u64::MAX);
        handle.expires_us = (catalog::system_clock())().saturating_add(life_us);
        let body = handle.encode_to_vec();
        let mut sealed = self.mac(to, &body).finalize().into_bytes().to_vec();
        sealed.extend_from_slice(&body);
        (sealed, handle.expires_us)
    }

    /// What is in a handle of this user.
    ///
    /// # Errors
    /// [`Reason::OptionInvalid`]: it is none of this process, another user's, or too old.
    pub(super) fn open(&self, sealed: &[u8], to: Use, by: &Principal) -> Result<Handle> {
        self.open_at(sealed, to, by, (catalog::system_clock())())
    }

    fn open_at(&self, sealed: &[u8], to: Use, by: &Principal, now_us: u64) -> Result<Handle> {
        let refused = |why: &str| {
            Error::invalid_input(
                Reason::OptionInvalid,
                format_args!("the {} {why}; ask for a new one", to.noun()),
            )
        };
        let foreign =
            || refused("is not one that this server has given to this user since it started");
        let (code, body) = sealed.split_at_checked(MAC_BYTES).ok_or_else(foreign)?;
        self.mac(to, body)
            .verify_slice(code)
            .map_err(|_| foreign())?;
        let handle = Handle::decode(body).map_err(|_| foreign())?;
        if handle.account != by.account() || handle.user != by.user() {
            return Err(foreign());
        }
        if handle.expires_us < now_us {
            return Err(refused("has expired"));
        }
        Ok(handle)
    }

    fn mac(&self, to: Use, body: &[u8]) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length");
        mac.update(&[to.byte()]);
        mac.update(body);
        mac
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::{Server, Settings};

    #[tokio::test]
    async fn a_handle_is_good_for_its_time_and_its_use() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::open(Settings::embedded(folder.path()))
            .await
            .unwrap();
        let session = server.session().unwrap();
        let by = session.principal();
        let key = Key::random().unwrap();
        for (to, told) in [
            (Use::Ticket, "the ticket has expired; ask for a new one"),
            (
                Use::Prepared,
                "the prepared statement has expired; ask for a new one",
            ),
        ] {
            let (sealed, expires_us) = key.seal(Handle::new(by, None), to);
            key.open_at(&sealed, to, by, expires_us).unwrap();
            let late = key.open_at(&sealed, to, by, expires_us + 1).unwrap_err();
            assert_eq!(late.reason(), Reason::OptionInvalid);
            assert!(late.message().contains(told), "{late}");
            // Each for its own use, and under the key of its own process.
            let other = match to {
                Use::Ticket => Use::Prepared,
                Use::Prepared => Use::Ticket,
            };
            for wrong in [
                key.open_at(&sealed, other, by, expires_us),
                Key::random().unwrap().open_at(&sealed, to, by, expires_us),
                key.open_at(&sealed[..sealed.len() - 1], to, by, expires_us),
                key.open_at(&[], to, by, expires_us),
            ] {
                let wrong = wrong.unwrap_err();
                assert!(
                    wrong.message().contains("is not one that this server"),
                    "{wrong}"
                );
            }
        }
    }
}
