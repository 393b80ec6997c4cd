//! Download links: a file of a stage that is in no object storage, by a URL of this server's own HTTP port. A link says
//! who made it, for which file of which place, and until when; it is good for as long as its maker may have the file.

use std::ops::Range;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use catalog::AuditOutcome;
use futures::StreamExt;
use futures::stream::BoxStream;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use storage::{FileInfo, ObjectPath};

use crate::error::{Error, Reason, Result};
use crate::gate::{CallContext, Operation, Principal, hex};
use crate::instance::Instance;
use crate::places::OpenStage;
use crate::turns::{Turn, Work};

use super::files::found;
use super::pace::at_the_readers_pace;
use super::{Caller, Login, Session};

/// The format of a link. Links are handed out for days: a later version reads those of an earlier one.
const VERSION: u32 = 2;
const KEY_PURPOSE: &str = "download links";

/// What a link says. No secret, but of no use without its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Link {
    v: u32,
    account: String,
    user: String,
    user_id: u64,
    /// The epoch of its maker's password: another password ends it, as it ends tokens. From version 2 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_epoch: Option<u64>,
    role: String,
    stage_id: u64,
    /// Which place the stage had: another one has other files.
    place: String,
    path: String,
    /// In microseconds since 1970 UTC.
    expires_us: u64,
}

/// A file that somebody with a link may have.
pub(crate) struct LinkedFile {
    pub(crate) info: FileInfo,
    session: Session,
    stage: OpenStage,
    turn: Turn,
}

impl Session {
    /// A link to a file of a stage.
    ///
    /// # Errors
    /// [`Reason::NotSupported`] where the server has no port for links, naming the setting.
    pub(super) async fn link(
        &self,
        stage: &OpenStage,
        path: &ObjectPath,
        expires_us: u64,
    ) -> Result<SecretString> {
        if stage.temporary.is_some() {
            return Err(Error::not_supported(format_args!(
                "no URL leads to the files of '{}', a temporary stage of this session; use GET in the shell",
                stage.name
            )));
        }
        let Some(links_at) = self.instance.links_at.get() else {
            return Err(Error::not_supported(
                "no URL leads to the files of this stage, which are in no object storage, and the server has no port for links: the setting http.listen gives it one; or use GET in the shell, or `stagedoor file get`",
            ));
        };
        let link = Link {
            v: VERSION,
            account: self.principal.account().to_owned(),
            user: self.principal.user().to_owned(),
            user_id: self.principal.user_id(),
            password_epoch: None,
            role: self.principal.role().to_owned(),
            stage_id: stage.id,
            place: stage.place.clone(),
            path: path.to_string(),
            expires_us,
        };
        let signed = self
            .instance
            .blocking(move |instance| {
                let password_epoch = password_epoch(instance, &link.account, &link.user)?;
                let link = Link {
                    password_epoch,
                    ..link
                };
                link.signed(instance)
            })
            .await?;
        let name = percent_encoded(path.file_name());
        Ok(SecretString::from(format!(
            "{links_at}/files/{signed}/{name}"
        )))
    }

    /// The file that a link leads to, once it is known that its maker may still have it. Each download is on record.
    ///
    /// # Errors
    /// [`Reason::PermissionDenied`] for a link that is none of this server's, or is over; those of the gate and of
    /// opening the stage; [`Reason::FileNotFound`].
    pub(crate) async fn follow_link(
        instance: &Arc<Instance>,
        signed: String,
        context: CallContext,
    ) -> Result<LinkedFile> {
        let by = context.clone();
        let (link, principal, stage) = instance
            .blocking(move |instance| {
                Link::open(instance, &signed).map_err(|error| {
                    if !error.sends_away() {
                        return error;
                    }
                    let logins = &instance.logins;
                    logins.record_stranger(instance, "a download link", &by, &error);
                    error.audited()
                })
            })
            .await?;
        let caller = Caller {
            principal,
            context,
            login: Login::Itself,
        };
        let mut session = Session::for_statements(Arc::clone(instance), caller);
        let stage_name = stage;
        let operation = Operation::DownloadFile;
        session.open_for_files(&stage_name, operation).await?;
        let turn = session.take_turn(Work::Transfer).await?;
        let stage = session.open_for_files(&stage_name, operation).await?;
        let path = ObjectPath::parse(&link.path)?;
        let wanted = link.place;
        let place = instance
            .blocking({
                let place = stage.place.clone();
                move |instance| masked(instance, &place)
            })
            .await?;
        if place != wanted {
            return Err(is_over());
        }
        let info = stage.store.stat(&path).await.map_err(found(&path))?;
        Ok(LinkedFile {
            info,
            session,
            stage,
            turn,
        })
    }
}

impl LinkedFile {
    /// Reads bytes of the file; the stream ends with an error when it is no longer the same, or its maker may no
    /// longer have it.
    ///
    /// # Errors
    /// The place's.
    pub(crate) async fn read(self, range: Range<u64>) -> Result<BoxStream<'static, Result<Bytes>>> {
        let Self {
            info,
            session,
            stage,
            turn,
        } = self;
        let etag = info.etag.as_deref();
        let reading = stage.store.open_file(&info.path, range.start, etag).await?;
        let text = format!(
            "by a link, {} bytes from byte {} on",
            range.end - range.start,
            range.start
        );
        session
            .record_transfer(
                Operation::DownloadFile,
                &stage,
                &info.path,
                AuditOutcome::Done,
                text,
            )
            .await?;
        let sending = session.sending(stage, reading.bytes, turn);
        let reaches_the_end = range.end == info.bytes;
        let state = (sending, range.end - range.start);
        let bytes = futures::stream::try_unfold(state, move |(mut sending, left)| async move {
            if left == 0 {
                return Ok(None);
            }
            let Some(mut piece) = sending.next_piece().await? else {
                return Ok(None);
            };
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            let left = left - piece.len() as u64;
            if left == 0 && reaches_the_end {
                // At its end it is known whether the file was the same throughout: until then the client, which
                // counts the bytes, does not have them all.
                while sending.next_piece().await?.is_some() {}
            }
            Ok(Some((piece, (sending, left))))
        });
        Ok(at_the_readers_pace(bytes.boxed()))
    }
}

impl Link {
    /// `base64url(link).base64url(HMAC-SHA256)`. Blocking.
    fn signed(mut self, instance: &Instance) -> Result<String> {
        self.place = masked(instance, &self.place)?;
        let text = serde_json::to_vec(&self)
            .map_err(|e| Error::defect("failed to write a link").with_source(e))?;
        let mac = mac(instance, &text)?.finalize().into_bytes();
        Ok(format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(&text),
            URL_SAFE_NO_PAD.encode(mac)
        ))
    }

    /// What a link says, who made it, and the name of its stage. Blocking.
    fn open(instance: &Instance, signed: &str) -> Result<(Self, Principal, String)> {
        let link = Self::read(instance, signed)?;
        let principal = link.principal(instance)?;
        let history = instance
            .catalog
            .stage_history_by_id(&link.account, link.stage_id)?;
        let stage = history.into_iter().next_back();
        let stage = stage.filter(|stage| !stage.dropped).ok_or_else(is_over)?;
        Ok((link, principal, stage.name))
    }

    /// A link that this server has signed and that is not over. Blocking.
    fn read(instance: &Instance, signed: &str) -> Result<Self> {
        let (text, given) = signed.split_once('.').ok_or_else(is_none_of_ours)?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| is_none_of_ours());
        let (text, given) = (decoded(text)?, decoded(given)?);
        mac(instance, &text)?
            .verify_slice(&given)
            .map_err(|_| is_none_of_ours())?;
        let link: Self = serde_json::from_slice(&text).map_err(|_| is_none_of_ours())?;
        if !(1..=VERSION).contains(&link.v) {
            return Err(is_none_of_ours());
        }
        if link.expires_us <= (catalog::system_clock())() {
            return Err(is_over());
        }
        Ok(link)
    }

    /// Its maker, as it is now. Blocking.
    fn principal(&self, instance: &Instance) -> Result<Principal> {
        let principal = Principal::resolve(
            &instance.catalog,
            &self.account,
            &self.user,
            Some(&self.role),
        )?;
        let epoch = password_epoch(instance, &self.account, &self.user)?;
        let is_same = self.password_epoch.is_none() || self.password_epoch == epoch;
        match principal.user_id() == self.user_id && is_same {
            true => Ok(principal),
            false => Err(is_over()),
        }
    }
}

fn mac(instance: &Instance, text: &[u8]) -> Result<Hmac<Sha256>> {
    let key = instance.catalog.derived_key(KEY_PURPOSE)?;
    let mac = Hmac::<Sha256>::new_from_slice(key.expose_secret())
        .map_err(|e| Error::defect("failed to sign a link").with_source(e))?;
    Ok(mac.chain_update(text))
}

/// A place in a link, which tells nothing of where on the server it is. Blocking.
fn masked(instance: &Instance, place: &str) -> Result<String> {
    let mac = mac(instance, format!("place {place}").as_bytes())?;
    let bytes = mac.finalize().into_bytes();
    Ok(hex(bytes.get(..12).unwrap_or_default()))
}

/// Which of a user's passwords is the present one. Blocking.
fn password_epoch(instance: &Instance, account: &str, user: &str) -> Result<Option<u64>> {
    let user = instance.catalog.user(account, user)?;
    Ok(user.map(|user| user.password_epoch))
}

fn is_none_of_ours() -> Error {
    Error::internal(
        Reason::PermissionDenied,
        "this is no link of this server's, or it was changed",
    )
}

fn is_over() -> Error {
    Error::internal(
        Reason::PermissionDenied,
        "the link has expired, or what it led to is no longer there",
    )
}

/// A file's name as the last part of a URL, and as headers have it.
pub(crate) fn percent_encoded(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            // Into a String: this cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// What was signed once is read until it is over.
    #[test]
    fn the_bytes_are_frozen() {
        let link = Link {
            v: VERSION,
            account: "acme".to_owned(),
            user: "ann".to_owned(),
            user_id: 3,
            password_epoch: Some(2),
            role: "analyst".to_owned(),
            stage_id: 7,
            place: "00ff".to_owned(),
            path: "a/b.csv".to_owned(),
            expires_us: 1_700_000_000_000_000,
        };
        let frozen = r#"{"v":2,"account":"acme","user":"ann","user_id":3,"password_epoch":2,"role":"analyst","stage_id":7,"place":"00ff","path":"a/b.csv","expires_us":1700000000000000}"#;
        assert_eq!(serde_json::to_string(&link).unwrap(), frozen);
        assert_eq!(serde_json::from_str::<Link>(frozen).unwrap(), link);
        let first = frozen
            .replace("\"v\":2", "\"v\":1")
            .replace("\"password_epoch\":2,", "");
        let expected = Link {
            v: 1,
            password_epoch: None,
            ..link
        };
        assert_eq!(serde_json::from_str::<Link>(&first).unwrap(), expected);
    }

    #[test]
    fn names_are_safe_in_a_url() {
        assert_eq!(percent_encoded("a b/\u{e9}?.csv"), "a%20b%2F%C3%A9%3F.csv");
    }
}
