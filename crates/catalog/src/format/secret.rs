//! The stored form of credentials within a stage version, and of the catalog's key state.

use prost::Message;

use super::Stored;
use crate::error::Error;
use crate::secrets::{
    Credential, CredentialValue, Credentials, Fingerprint, KeyId, KeyState, SealedSecret, Wrapped,
};

/// Exactly one of the values is there.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CredentialMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, optional, tag = "2")]
    plain: Option<String>,
    #[prost(string, optional, tag = "3")]
    reference: Option<String>,
    #[prost(bytes = "vec", optional, tag = "4")]
    sealed: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "5")]
    shredded: Option<Vec<u8>>,
}

pub(super) fn messages(credentials: &Credentials) -> Vec<CredentialMessage> {
    credentials.iter().map(message).collect()
}

fn message(credential: &Credential) -> CredentialMessage {
    let mut message = CredentialMessage {
        name: credential.name.clone(),
        ..CredentialMessage::default()
    };
    match &credential.value {
        CredentialValue::Plain(text) => message.plain = Some(text.clone()),
        CredentialValue::Reference(text) => message.reference = Some(text.clone()),
        CredentialValue::Sealed(sealed) => message.sealed = Some(sealed.to_bytes()),
        CredentialValue::Shredded(fingerprint) => message.shredded = Some(fingerprint.0.to_vec()),
        // Storing a version refuses an unsealed one before; it never becomes bytes.
        CredentialValue::Secret(_) => {}
    }
    message
}

pub(super) fn credentials(messages: Vec<CredentialMessage>) -> Result<Credentials, Error> {
    let list = messages.into_iter().map(credential);
    Credentials::new(list.collect::<Result<_, _>>()?)
        .map_err(|e| Error::corrupt(format!("stored credentials that were never valid: {e}")))
}

fn credential(message: CredentialMessage) -> Result<Credential, Error> {
    let name = message.name;
    let value = match (
        message.plain,
        message.reference,
        message.sealed,
        message.shredded,
    ) {
        (Some(text), None, None, None) => CredentialValue::Plain(text),
        (None, Some(text), None, None) => CredentialValue::Reference(text),
        (None, None, Some(bytes), None) => {
            CredentialValue::Sealed(SealedSecret::from_bytes(&bytes)?)
        }
        (None, None, None, Some(bytes)) => {
            CredentialValue::Shredded(Fingerprint(exactly(&bytes, "a fingerprint")?))
        }
        _ => {
            return Err(Error::corrupt(format!(
                "the stored credential {name} has not exactly one value"
            )));
        }
    };
    Ok(Credential { name, value })
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyStateMessage {
    #[prost(message, optional, tag = "1")]
    current: Option<WrappedMessage>,
    #[prost(message, optional, tag = "2")]
    next: Option<WrappedMessage>,
    #[prost(message, optional, tag = "3")]
    fingerprint_key: Option<WrappedMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WrappedMessage {
    #[prost(bytes = "vec", tag = "1")]
    key_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    nonce: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    bytes: Vec<u8>,
}

impl Stored for KeyState {
    const KIND: u16 = 30;
    const WHAT: &'static str = "the state of the server keys";
    type Message = KeyStateMessage;

    fn to_message(&self) -> KeyStateMessage {
        KeyStateMessage {
            current: Some(wrapped_message(&self.current)),
            next: self.next.as_ref().map(wrapped_message),
            fingerprint_key: Some(wrapped_message(&self.fingerprint_key)),
        }
    }

    fn from_message(message: KeyStateMessage) -> Result<KeyState, Error> {
        let missing = || Error::corrupt("a state of the server keys that lacks a key");
        Ok(KeyState {
            current: wrapped(message.current.ok_or_else(missing)?)?,
            next: message.next.map(wrapped).transpose()?,
            fingerprint_key: wrapped(message.fingerprint_key.ok_or_else(missing)?)?,
        })
    }
}

fn wrapped_message(wrapped: &Wrapped) -> WrappedMessage {
    WrappedMessage {
        key_id: wrapped.key_id.0.to_vec(),
        nonce: wrapped.nonce.to_vec(),
        bytes: wrapped.bytes.to_vec(),
    }
}

fn wrapped(message: WrappedMessage) -> Result<Wrapped, Error> {
    Ok(Wrapped {
        key_id: KeyId(exactly(&message.key_id, "a key id")?),
        nonce: exactly(&message.nonce, "a nonce")?,
        bytes: exactly(&message.bytes, "a wrapped key")?,
    })
}

fn exactly<const N: usize>(bytes: &[u8], what: &str) -> Result<[u8; N], Error> {
    bytes
        .try_into()
        .map_err(|_| Error::corrupt(format!("{what} of {} bytes, it has {N}", bytes.len())))
}
