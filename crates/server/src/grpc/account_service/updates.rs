//! Updates of accounts and users: from a message and its mask to the properties that are set, and to what the audit
//! says was asked for.

use proto::v1;
use secrecy::SecretString;

use super::mask::Mask;
use crate::error::Result;
use crate::grpc::asked::Asked;
use crate::session::{AccountProperty, UserProperty};

/// What an update of an account may name.
const ACCOUNT_PATHS: [&str; 3] = ["suspended", "comment", "admin_name"];
/// What an update of a user may name.
const USER_PATHS: [&str; 4] = ["locked", "comment", "default_role", "password"];

/// # Errors
/// Those of [`Mask::of`].
pub(super) fn of_account(
    new: v1::Account,
    mask: Option<prost_types::FieldMask>,
    admin_password: String,
) -> Result<(Vec<AccountProperty>, Asked)> {
    let mask = Mask::of(mask, &ACCOUNT_PATHS)?;
    let (mut properties, mut asked) = (Vec::new(), Asked::of(&new.name));
    if mask.names("suspended") {
        asked = asked.with("suspended", new.suspended);
        properties.push(AccountProperty::Suspended(new.suspended));
    }
    if mask.names("comment") {
        asked = asked.text("comment", &new.comment);
        properties.push(AccountProperty::Comment(new.comment));
    }
    if mask.names_input("admin_name", &admin_password) {
        asked = asked
            .text("admin_name", &new.admin_name)
            .secret("admin_password");
        properties.push(AccountProperty::Admin {
            name: new.admin_name.to_lowercase(),
            password: SecretString::from(admin_password),
        });
    }
    Ok((properties, asked))
}

/// # Errors
/// Those of [`Mask::of`].
pub(super) fn of_user(
    new: v1::User,
    mask: Option<prost_types::FieldMask>,
    password: String,
) -> Result<(Vec<UserProperty>, Asked)> {
    let mask = Mask::of(mask, &USER_PATHS)?;
    let (mut properties, mut asked) = (Vec::new(), Asked::of(&new.name));
    if mask.names("locked") {
        asked = asked.with("locked", new.locked);
        properties.push(UserProperty::Locked(new.locked));
    }
    if mask.names("comment") {
        asked = asked.text("comment", &new.comment);
        properties.push(UserProperty::Comment(new.comment));
    }
    if mask.names("default_role") {
        asked = asked.text("default_role", &new.default_role);
        let role = (!new.default_role.is_empty()).then(|| new.default_role.to_lowercase());
        properties.push(UserProperty::DefaultRole(role));
    }
    if mask.names_input("password", &password) {
        asked = asked.secret("password");
        properties.push(UserProperty::Password(SecretString::from(password)));
    }
    Ok((properties, asked))
}
