//! The stored form of a token.

use prost::Message;

use crate::error::Error;
use crate::format::Stored;
use crate::tokens::TokenRecord;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TokenMessage {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(bytes = "vec", tag = "2")]
    hash: Vec<u8>,
    #[prost(string, tag = "3")]
    account: String,
    #[prost(uint64, tag = "4")]
    user_id: u64,
    #[prost(string, tag = "5")]
    user: String,
    #[prost(uint64, tag = "6")]
    password_epoch: u64,
    #[prost(string, optional, tag = "7")]
    role: Option<String>,
    #[prost(string, tag = "8")]
    label: String,
    #[prost(uint64, tag = "9")]
    created_us: u64,
    #[prost(uint64, tag = "10")]
    expires_us: u64,
}

impl Stored for TokenRecord {
    const KIND: u16 = 14;
    const WHAT: &'static str = "a token";
    type Message = TokenMessage;

    fn to_message(&self) -> TokenMessage {
        TokenMessage {
            id: self.id.clone(),
            hash: self.hash.to_vec(),
            account: self.account.clone(),
            user_id: self.user_id,
            user: self.user.clone(),
            password_epoch: self.password_epoch,
            role: self.role.clone(),
            label: self.label.clone(),
            created_us: self.created_us,
            expires_us: self.expires_us,
        }
    }

    fn from_message(message: TokenMessage) -> Result<TokenRecord, Error> {
        let hash = <[u8; 32]>::try_from(message.hash).map_err(|hash| {
            Error::corrupt(format!(
                "a token with a hash of {} bytes, it must have 32",
                hash.len()
            ))
        })?;
        Ok(TokenRecord {
            id: message.id,
            hash,
            account: message.account,
            user_id: message.user_id,
            user: message.user,
            password_epoch: message.password_epoch,
            role: message.role,
            label: message.label,
            created_us: message.created_us,
            expires_us: message.expires_us,
        })
    }
}
