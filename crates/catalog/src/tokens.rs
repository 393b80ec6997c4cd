//! Tokens: what somebody shows instead of a password. The catalog keeps their hashes; whether one
//! still counts is said in `tokens/state.rs`.

mod state;

pub use state::TokenState;

use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::options::Actor;
use crate::requests::{Arguments, Operation};
use crate::store::{Draft, View, What};
use crate::{Catalog, accounts, keys, names, roles, users};

/// A token.
#[derive(Clone, Eq, PartialEq)]
pub struct TokenRecord {
    /// A UUID, as text in its usual form.
    pub id: String,
    /// The SHA-256 of the token.
    pub hash: [u8; 32],
    /// The account of its user.
    pub account: String,
    /// The id of its user.
    pub user_id: u64,
    /// The name of its user.
    pub user: String,
    /// The epoch of the user's password when it was made.
    pub password_epoch: u64,
    /// The role that it logs in with; `None` is the user's default role.
    pub role: Option<String>,
    /// Free text, by which its user knows it.
    pub label: String,
    /// When it was made, in microseconds since 1970 UTC.
    pub created_us: u64,
    /// From when on it no longer counts, in microseconds since 1970 UTC.
    pub expires_us: u64,
}

/// Without the hash.
impl fmt::Debug for TokenRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRecord")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("user_id", &self.user_id)
            .field("user", &self.user)
            .field("password_epoch", &self.password_epoch)
            .field("role", &self.role)
            .field("label", &self.label)
            .field("created_us", &self.created_us)
            .field("expires_us", &self.expires_us)
            .finish_non_exhaustive()
    }
}

/// A token to be made, for a user of the actor's account as they were when they proved who they are.
#[derive(Clone, Eq, PartialEq)]
pub struct NewToken {
    /// A UUID, as text: hyphenated, lower case.
    pub id: String,
    /// The SHA-256 of the token.
    pub hash: [u8; 32],
    /// The user's name.
    pub user: String,
    /// The user's id.
    pub user_id: u64,
    /// The user's password epoch.
    pub password_epoch: u64,
    /// The role that it logs in with; `None` is the user's default role.
    pub role: Option<String>,
    /// Free text.
    pub label: String,
    /// From when on it no longer counts, in microseconds since 1970 UTC.
    pub expires_us: u64,
    /// How many tokens that have not expired the user may have, this one among them.
    pub user_tokens_max: usize,
}

/// Without the hash.
impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken")
            .field("id", &self.id)
            .field("user", &self.user)
            .field("role", &self.role)
            .field("label", &self.label)
            .field("expires_us", &self.expires_us)
            .finish_non_exhaustive()
    }
}

impl Catalog {
    /// Makes a token.
    ///
    /// Errors: `Conflict` when the user is no longer the one of that id and password epoch, or is
    /// locked; `Forbidden` for a user with the admin role and an actor in another; `NotFound` for the user and the account; `Invalid` for an id of another form and for a
    /// role that the user does not have; `AlreadyExists` for the id or the hash; `LimitReached` when the
    /// user has as many as they may.
    pub fn create_token(&self, actor: &Actor, new: NewToken) -> Result<TokenRecord, Error> {
        check_id(&new.id)?;
        let what = What::change("CREATE TOKEN", format!("{} of user {}", new.id, new.user));
        self.store.write(
            actor,
            || what,
            |draft| {
                let account = &actor.account;
                check_user(draft.view(), actor, &new)?;
                let hash = hex(&new.hash);
                let is_taken = find(draft.view(), &hash)?.is_some()
                    || !marks_of(draft.view(), account, &new.id)?.is_empty();
                if is_taken {
                    let message = format!("the token {} exists", new.id);
                    return Err(Error::new(ErrorKind::AlreadyExists, message));
                }
                check_number(draft, account, &new)?;
                let record = TokenRecord {
                    id: new.id,
                    hash: new.hash,
                    account: account.clone(),
                    user_id: new.user_id,
                    user: new.user,
                    password_epoch: new.password_epoch,
                    role: new.role,
                    label: new.label,
                    created_us: draft.now_us(),
                    expires_us: new.expires_us,
                };
                draft.mark(keys::user_token(account, record.user_id, &record.id, &hash));
                draft.put(keys::token(&hash), &record);
                Ok(record)
            },
        )
    }

    /// The token with this SHA-256, also when it no longer counts: see [`Catalog::token_state`].
    pub fn token(&self, hash: &[u8; 32]) -> Result<Option<TokenRecord>, Error> {
        self.store.read(|view| find(view, &hex(hash)))
    }

    /// The tokens of a user, by id, also those that no longer count and are not removed yet.
    pub fn tokens(&self, account: &str, user: &str) -> Result<Vec<TokenRecord>, Error> {
        self.store.read(|view| {
            let Some(user) = users::find(view, account, user)? else {
                return Ok(Vec::new());
            };
            let mut tokens = Vec::new();
            for mark in view.keys(&keys::user_tokens(account, user.id))? {
                tokens.extend(find(view, keys::last_part(&mark))?);
            }
            Ok(tokens)
        })
    }

    /// Removes the token of the actor's account with this id, or only if it is `of` this user; gives how many that were,
    /// which is one. Errors: `NotFound`; `Forbidden` for one of a user with the admin role and an actor in another.
    pub fn revoke_token(&self, actor: &Actor, id: &str, of: Option<&str>) -> Result<u64, Error> {
        self.write_once(
            actor,
            || id.to_owned(),
            |_| Ok(Arguments::of(id).maybe(of, Arguments::text)),
            Operation::RevokeToken,
            |draft| {
                let not_exists = || Error::not_found(format!("the token {id} not exists"));
                let marks = marks_of(draft.view(), &actor.account, id)?;
                if marks.is_empty() {
                    return Err(not_exists());
                }
                for mark in &marks {
                    let Some(token) = find(draft.view(), keys::last_part(mark))? else {
                        continue;
                    };
                    if of.is_some_and(|user| user != token.user) {
                        return Err(not_exists());
                    }
                    if let Some(user) = users::find(draft.view(), &actor.account, &token.user)? {
                        users::admins::allow_touching(draft.view(), actor, &user)?;
                    }
                }
                Ok(delete_marked(draft, marks))
            },
        )
    }

    /// Removes all tokens of a user of the actor's account; gives how many. Errors: `NotFound`; `Forbidden` for a user
    /// with the admin role and an actor in another.
    pub fn revoke_tokens_of(&self, actor: &Actor, user: &str) -> Result<u64, Error> {
        self.write_once(
            actor,
            || format!("of user {user}"),
            |_| Ok(Arguments::of(user)),
            Operation::RevokeTokens,
            |draft| {
                let user = users::existing(draft.view(), &actor.account, user)?;
                users::admins::allow_touching(draft.view(), actor, &user)?;
                delete_of_user(draft, &actor.account, user.id)
            },
        )
    }

    /// Removes the tokens of all accounts that have expired by `now_us`; gives how many.
    pub fn remove_expired_tokens(&self, actor: &Actor, now_us: u64) -> Result<u64, Error> {
        self.store.write(
            actor,
            || What::change("REMOVE EXPIRED TOKENS", ""),
            |draft| {
                let mut count = 0;
                for token in draft.view().list::<TokenRecord>(&keys::tokens())? {
                    if token.expires_us <= now_us {
                        delete(draft, &token);
                        count += 1;
                    }
                }
                Ok(count)
            },
        )
    }
}

fn find(view: View<'_>, hash: &str) -> Result<Option<TokenRecord>, Error> {
    view.get(&keys::token(hash))
}

fn check_user(view: View<'_>, actor: &Actor, new: &NewToken) -> Result<(), Error> {
    let account = &actor.account;
    accounts::existing(view, account)?;
    let user = users::existing(view, account, &new.user)?;
    users::admins::allow_touching(view, actor, &user)?;
    if user.id != new.user_id || user.password_epoch != new.password_epoch || user.locked {
        return Err(Error::conflict(format!(
            "the user {} was changed meanwhile, log in again",
            user.name
        )));
    }
    let Some(role) = &new.role else { return Ok(()) };
    names::check_login("a role", role)?;
    if roles::has(view, account, user.id, role)? {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the user {} does not have the role {role}",
        user.name
    )))
}

fn check_number(draft: &Draft<'_>, account: &str, new: &NewToken) -> Result<(), Error> {
    let mut live = 0_usize;
    for mark in draft
        .view()
        .keys(&keys::user_tokens(account, new.user_id))?
    {
        let token = find(draft.view(), keys::last_part(&mark))?;
        live += usize::from(token.is_some_and(|token| token.expires_us > draft.now_us()));
    }
    if live < new.user_tokens_max {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::LimitReached,
        format!(
            "the user {} has {live} tokens that have not expired, and may have {}; revoke one first",
            new.user, new.user_tokens_max
        ),
    ))
}

fn check_id(id: &str) -> Result<(), Error> {
    let is_uuid = uuid::Uuid::try_parse(id).is_ok_and(|uuid| uuid.hyphenated().to_string() == id);
    if is_uuid {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the token id {id:?} is not a UUID in lower case with hyphens"
    )))
}

/// The marks of the token with this id: one, or none.
fn marks_of(view: View<'_>, account: &str, id: &str) -> Result<Vec<String>, Error> {
    let mut marks = view.keys(&keys::all_user_tokens(account))?;
    marks.retain(|mark| mark.rsplit('/').nth(1) == Some(id));
    Ok(marks)
}

/// Deletes all tokens of a user; gives how many.
pub(crate) fn delete_of_user(
    draft: &mut Draft<'_>,
    account: &str,
    user_id: u64,
) -> Result<u64, Error> {
    let marks = draft.view().keys(&keys::user_tokens(account, user_id))?;
    Ok(delete_marked(draft, marks))
}

/// Deletes tokens with their marks; gives how many.
fn delete_marked(draft: &mut Draft<'_>, marks: Vec<String>) -> u64 {
    let mut count = 0;
    for mark in marks {
        draft.delete(keys::token(keys::last_part(&mark)));
        draft.delete(mark);
        count += 1;
    }
    count
}

fn delete(draft: &mut Draft<'_>, token: &TokenRecord) {
    let hash = hex(&token.hash);
    draft.delete(keys::user_token(
        &token.account,
        token.user_id,
        &token.id,
        &hash,
    ));
    draft.delete(keys::token(&hash));
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
