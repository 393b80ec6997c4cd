//! The stored form of a grant.

use prost::Message;

use crate::error::Error;
use crate::format::Stored;
use crate::grants::{Grant, PrivilegeSet, Securable};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GrantMessage {
    #[prost(uint64, tag = "1")]
    role_id: u64,
    #[prost(uint32, tag = "2")]
    kind: u32,
    #[prost(uint64, tag = "3")]
    object_id: u64,
    /// One bit for each privilege, at its number.
    #[prost(uint64, tag = "4")]
    privileges: u64,
    #[prost(string, tag = "5")]
    granted_by: String,
    #[prost(uint64, tag = "6")]
    granted_us: u64,
}

impl Stored for Grant {
    const KIND: u16 = 13;
    const WHAT: &'static str = "a grant";
    type Message = GrantMessage;

    fn to_message(&self) -> GrantMessage {
        GrantMessage {
            role_id: self.role_id,
            kind: kind_number(self.on),
            object_id: self.on.id().unwrap_or_default(),
            privileges: self.privileges.bits(),
            granted_by: self.granted_by.clone(),
            granted_us: self.granted_us,
        }
    }

    fn from_message(message: GrantMessage) -> Result<Grant, Error> {
        let privileges = PrivilegeSet::from_bits(message.privileges).ok_or_else(|| {
            Error::corrupt(format!(
                "a grant with unknown privileges among {:#x}",
                message.privileges
            ))
        })?;
        Ok(Grant {
            role_id: message.role_id,
            on: securable(message.kind, message.object_id)?,
            privileges,
            granted_by: message.granted_by,
            granted_us: message.granted_us,
        })
    }
}

fn kind_number(on: Securable) -> u32 {
    match on {
        Securable::Account => 1,
        Securable::Databases => 2,
        Securable::Database(_) => 3,
        Securable::Tables => 4,
        Securable::TablesOf(_) => 5,
        Securable::Table(_) => 6,
        Securable::Stages => 7,
        Securable::Stage(_) => 8,
    }
}

fn securable(kind: u32, id: u64) -> Result<Securable, Error> {
    Ok(match kind {
        1 => Securable::Account,
        2 => Securable::Databases,
        3 => Securable::Database(id),
        4 => Securable::Tables,
        5 => Securable::TablesOf(id),
        6 => Securable::Table(id),
        7 => Securable::Stages,
        8 => Securable::Stage(id),
        _ => {
            return Err(Error::corrupt(format!(
                "a grant on something of the unknown kind {kind}"
            )));
        }
    })
}

#[cfg(test)]
impl GrantMessage {
    pub(super) fn set(&mut self, kind: u32, privileges: u64) {
        self.kind = kind;
        self.privileges = privileges;
    }
}
