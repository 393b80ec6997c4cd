//! The keys of accounts, users, roles, grants and tokens.

/// The account part of the keys that belong to no account.
pub(crate) const CLUSTER: &str = "#";

pub(crate) fn account(name: &str) -> String {
    format!("#account/{name}")
}

pub(crate) fn accounts() -> String {
    "#account/".to_owned()
}

pub(crate) fn user(account: &str, name: &str) -> String {
    format!("{account}/user/{name}")
}

pub(crate) fn users(account: &str) -> String {
    format!("{account}/user/")
}

pub(crate) fn role(account: &str, name: &str) -> String {
    format!("{account}/role/{name}")
}

pub(crate) fn roles(account: &str) -> String {
    format!("{account}/role/")
}

/// A mark for each role that a user was given.
pub(crate) fn user_role(account: &str, user_id: u64, role_id: u64) -> String {
    format!("{account}/user-role/{user_id:016x}/{role_id:016x}")
}

pub(crate) fn user_roles(account: &str, user_id: u64) -> String {
    format!("{account}/user-role/{user_id:016x}/")
}

pub(crate) fn all_user_roles(account: &str) -> String {
    format!("{account}/user-role/")
}

/// The object comes first: dropping it takes its grants away by their prefix, and a check gets one
/// key for each role.
pub(crate) fn grant(account: &str, kind: &str, object_id: u64, role_id: u64) -> String {
    format!("{account}/grant/{kind}/{object_id:016x}/{role_id:016x}")
}

pub(crate) fn grants_on(account: &str, kind: &str, object_id: u64) -> String {
    format!("{account}/grant/{kind}/{object_id:016x}/")
}

pub(crate) fn all_grants(account: &str) -> String {
    format!("{account}/grant/")
}

/// Tokens are found by their hash alone: whoever shows one has not said yet who they are.
pub(crate) fn token(hash: &str) -> String {
    format!("#token/{hash}")
}

pub(crate) fn tokens() -> String {
    "#token/".to_owned()
}

/// A mark for each token, under its user and id; it ends with the hash, which leads to the record.
pub(crate) fn user_token(account: &str, user_id: u64, token_id: &str, hash: &str) -> String {
    format!("{account}/token/{user_id:016x}/{token_id}/{hash}")
}

pub(crate) fn user_tokens(account: &str, user_id: u64) -> String {
    format!("{account}/token/{user_id:016x}/")
}

pub(crate) fn all_user_tokens(account: &str) -> String {
    format!("{account}/token/")
}
