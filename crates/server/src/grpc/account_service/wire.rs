//! Accounts, users, roles and tokens as messages of the wire, with their etags.

use std::time::Duration;

use catalog::{AccountRecord, Expected, RoleRecord, TokenRecord, UserRecord};
use proto::v1;

use crate::error::{Error, Reason, Result};
use crate::grpc::asked::Asked;
use crate::grpc::grants::on_wire;
use crate::session::NamedGrant;
use crate::time::proto_timestamp;

/// An identity's etag is its id and version.
fn etag(id: u64, version: u64) -> String {
    format!("{id}-{version}")
}

/// The version that an etag stands for; empty is any.
///
/// # Errors
/// [`Reason::IdentityVersionConflict`] for what was never one.
pub(super) fn expected(etag: &str) -> Result<Expected> {
    if etag.is_empty() {
        return Ok(Expected::Any);
    }
    let parts = etag.split_once('-');
    parts
        .and_then(|(id, version)| {
            Some(Expected::Record {
                id: id.parse().ok()?,
                version: version.parse().ok()?,
            })
        })
        .ok_or_else(|| {
            Error::internal(
                Reason::IdentityVersionConflict,
                format_args!(
                    "the etag {} is none that an account, a user or a role has had",
                    etag.escape_default()
                ),
            )
        })
}

pub(super) fn account(record: AccountRecord) -> v1::Account {
    v1::Account {
        name: format!("accounts/{}", record.name),
        admin_name: record.admin_name,
        suspended: record.suspended,
        comment: record.comment,
        etag: etag(record.id, record.version),
        create_time: Some(proto_timestamp(record.created_us)),
        update_time: Some(proto_timestamp(record.changed_us)),
    }
}

pub(super) fn user(record: UserRecord, roles: Vec<RoleRecord>) -> v1::User {
    let default_role = roles
        .iter()
        .find(|role| Some(role.id) == record.default_role)
        .map(|role| role.name.clone())
        .unwrap_or_default();
    v1::User {
        name: format!("users/{}", record.name),
        default_role,
        locked: record.locked,
        comment: record.comment,
        etag: etag(record.id, record.version),
        create_time: Some(proto_timestamp(record.created_us)),
        update_time: Some(proto_timestamp(record.changed_us)),
        roles: roles.into_iter().map(|role| role.name).collect(),
    }
}

pub(super) fn role(record: RoleRecord) -> v1::Role {
    v1::Role {
        name: format!("roles/{}", record.name),
        comment: record.comment,
        built_in: record.built_in,
        create_time: Some(proto_timestamp(record.created_us)),
        etag: etag(record.id, record.version),
    }
}

/// What a grant is listed by: its role, and what it is on.
pub(super) fn grant_key(named: &NamedGrant) -> String {
    format!("{}\u{1f}{}", named.role, named.on)
}

pub(super) fn grant(named: NamedGrant) -> v1::Grant {
    let privileges = named.grant.privileges.iter();
    v1::Grant {
        role: format!("roles/{}", named.role),
        on: Some(on_wire(&named)),
        privileges: privileges
            .map(|privilege| privilege.as_str().to_owned())
            .collect(),
        granted_by: named.grant.granted_by,
        grant_time: Some(proto_timestamp(named.grant.granted_us)),
    }
}

/// What is to be granted or revoked.
pub(super) fn asked_grant(grant: &v1::Grant) -> Asked {
    use v1::securable::Object;
    let asked = Asked::of(&grant.role).text("privileges", &grant.privileges.join(", "));
    match grant.on.as_ref().and_then(|on| on.object.as_ref()) {
        Some(Object::Account(_)) => asked.with("on", "account"),
        Some(Object::Database(name)) => asked.text("on database", name),
        Some(Object::Table(name)) => asked.text("on table", name),
        Some(Object::Stage(name)) => asked.text("on stage", name),
        None => asked,
    }
}

/// How long a token is to live.
///
/// # Errors
/// [`Reason::OptionInvalid`].
pub(super) fn life(given: Option<prost_types::Duration>) -> Result<Option<Duration>> {
    given
        .map(|life| {
            Duration::try_from(life).map_err(|_| {
                Error::invalid_input(Reason::OptionInvalid, "lifetime must be positive")
            })
        })
        .transpose()
}

pub(super) fn token(record: TokenRecord) -> v1::Token {
    v1::Token {
        name: format!("tokens/{}", record.id),
        user: format!("users/{}", record.user),
        role: record.role.unwrap_or_default(),
        label: record.label,
        create_time: Some(proto_timestamp(record.created_us)),
        expire_time: Some(proto_timestamp(record.expires_us)),
    }
}
