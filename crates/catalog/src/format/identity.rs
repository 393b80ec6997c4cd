//! The stored forms of accounts, users and roles; those of grants and tokens are in
//! `identity/grant.rs` and `identity/token.rs`.

mod grant;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;

use prost::Message;

use super::Stored;
use crate::accounts::AccountRecord;
use crate::error::Error;
use crate::roles::RoleRecord;
use crate::users::{PasswordHash, UserRecord};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AccountMessage {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(uint64, tag = "3")]
    version: u64,
    #[prost(string, tag = "4")]
    admin_name: String,
    #[prost(bool, tag = "5")]
    suspended: bool,
    #[prost(string, tag = "6")]
    comment: String,
    #[prost(uint64, tag = "7")]
    created_us: u64,
    #[prost(uint64, tag = "8")]
    changed_us: u64,
}

impl Stored for AccountRecord {
    const KIND: u16 = 10;
    const WHAT: &'static str = "an account";
    type Message = AccountMessage;

    fn to_message(&self) -> AccountMessage {
        AccountMessage {
            id: self.id,
            name: self.name.clone(),
            version: self.version,
            admin_name: self.admin_name.clone(),
            suspended: self.suspended,
            comment: self.comment.clone(),
            created_us: self.created_us,
            changed_us: self.changed_us,
        }
    }

    fn from_message(message: AccountMessage) -> Result<AccountRecord, Error> {
        Ok(AccountRecord {
            id: message.id,
            name: message.name,
            version: message.version,
            admin_name: message.admin_name,
            suspended: message.suspended,
            comment: message.comment,
            created_us: message.created_us,
            changed_us: message.changed_us,
        })
    }
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct UserMessage {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(uint64, tag = "3")]
    version: u64,
    #[prost(string, optional, tag = "4")]
    password: Option<String>,
    #[prost(uint64, tag = "5")]
    password_epoch: u64,
    #[prost(uint64, optional, tag = "6")]
    default_role: Option<u64>,
    #[prost(bool, tag = "7")]
    locked: bool,
    #[prost(string, tag = "8")]
    comment: String,
    #[prost(uint64, tag = "9")]
    created_us: u64,
    #[prost(uint64, tag = "10")]
    changed_us: u64,
}

/// Without the password's hash.
impl fmt::Debug for UserMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserMessage")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Stored for UserRecord {
    const KIND: u16 = 11;
    const WHAT: &'static str = "a user";
    type Message = UserMessage;

    fn to_message(&self) -> UserMessage {
        UserMessage {
            id: self.id,
            name: self.name.clone(),
            version: self.version,
            password: self.password.as_ref().map(|hash| hash.expose().to_owned()),
            password_epoch: self.password_epoch,
            default_role: self.default_role,
            locked: self.locked,
            comment: self.comment.clone(),
            created_us: self.created_us,
            changed_us: self.changed_us,
        }
    }

    fn from_message(message: UserMessage) -> Result<UserRecord, Error> {
        Ok(UserRecord {
            id: message.id,
            name: message.name,
            version: message.version,
            password: message.password.map(PasswordHash::new),
            password_epoch: message.password_epoch,
            default_role: message.default_role,
            locked: message.locked,
            comment: message.comment,
            created_us: message.created_us,
            changed_us: message.changed_us,
        })
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RoleMessage {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(bool, tag = "3")]
    built_in: bool,
    #[prost(string, tag = "4")]
    comment: String,
    #[prost(uint64, tag = "5")]
    created_us: u64,
    /// None for the first, as before there were any.
    #[prost(uint64, optional, tag = "6")]
    version: Option<u64>,
}

impl Stored for RoleRecord {
    const KIND: u16 = 12;
    const WHAT: &'static str = "a role";
    type Message = RoleMessage;

    fn to_message(&self) -> RoleMessage {
        RoleMessage {
            id: self.id,
            name: self.name.clone(),
            built_in: self.built_in,
            comment: self.comment.clone(),
            created_us: self.created_us,
            version: (self.version > 1).then_some(self.version),
        }
    }

    fn from_message(message: RoleMessage) -> Result<RoleRecord, Error> {
        Ok(RoleRecord {
            id: message.id,
            name: message.name,
            built_in: message.built_in,
            comment: message.comment,
            created_us: message.created_us,
            version: message.version.unwrap_or(1),
        })
    }
}
