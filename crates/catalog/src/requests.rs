//! Requests that are given again: a change of a stage, an account, a user, a role, a grant or a token that was named
//! by a key is made once, and what was answered is remembered for a day with a fingerprint of the request.

mod answer;
mod arguments;
mod identities;
#[cfg(test)]
mod tests;

pub(crate) use answer::{Answer, Outcome};
pub(crate) use arguments::Arguments;
pub(crate) use identities::ToldOnce;

use std::borrow::Cow;

use crate::error::Error;
use crate::options::Actor;
use crate::store::{Draft, What};
use crate::{Catalog, Transaction, keys};

/// The longest idempotency key, in characters.
const KEY_CHARS_MAX: usize = 128;
/// How long a request is remembered, in microseconds: 24 hours.
const KEPT_US: u64 = 24 * 60 * 60 * 1_000_000;
/// How many that are past it one change forgets.
const FORGOTTEN_MAX: usize = 8;

/// What was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operation {
    CreateStage,
    AlterStage,
    RenameStage,
    RollbackStage,
    DropStage,
    UndropStage,
    CreateAccount,
    AlterAccount,
    DropAccount,
    CreateUser,
    AlterUser,
    DropUser,
    CreateRole,
    AlterRole,
    DropRole,
    GrantRole,
    RevokeRole,
    Grant,
    Revoke,
    RevokeToken,
    RevokeTokens,
}

/// Parts user and key: no key that a client gives has it.
const PART: char = '\u{1f}';
/// Parts a key and the number of a change in a transaction, as [`PART`] does.
const NUMBERED: char = '\u{1e}';

impl Operation {
    /// What a request is remembered by: of a stage its key, which is the account's, else user and key, for there every
    /// user has something to change, and must neither take another's keys nor learn by them.
    fn key_of(self, user: &str, key: &str) -> String {
        match self {
            Operation::CreateStage
            | Operation::AlterStage
            | Operation::RenameStage
            | Operation::RollbackStage
            | Operation::DropStage
            | Operation::UndropStage => key.to_owned(),
            Operation::CreateAccount
            | Operation::AlterAccount
            | Operation::DropAccount
            | Operation::CreateUser
            | Operation::AlterUser
            | Operation::DropUser
            | Operation::CreateRole
            | Operation::AlterRole
            | Operation::DropRole
            | Operation::GrantRole
            | Operation::RevokeRole
            | Operation::Grant
            | Operation::Revoke
            | Operation::RevokeToken
            | Operation::RevokeTokens => format!("{user}{PART}{key}"),
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Operation::CreateStage => "CREATE STAGE",
            Operation::AlterStage => "ALTER STAGE",
            Operation::RenameStage => "RENAME STAGE",
            Operation::RollbackStage => "ROLLBACK STAGE",
            Operation::DropStage => "DROP STAGE",
            Operation::UndropStage => "UNDROP STAGE",
            Operation::CreateAccount => "CREATE ACCOUNT",
            Operation::AlterAccount => "ALTER ACCOUNT",
            Operation::DropAccount => "DROP ACCOUNT",
            Operation::CreateUser => "CREATE USER",
            Operation::AlterUser => "ALTER USER",
            Operation::DropUser => "DROP USER",
            Operation::CreateRole => "CREATE ROLE",
            Operation::AlterRole => "ALTER ROLE",
            Operation::DropRole => "DROP ROLE",
            Operation::GrantRole => "GRANT ROLE",
            Operation::RevokeRole => "REVOKE ROLE",
            Operation::Grant => "GRANT",
            Operation::Revoke => "REVOKE",
            Operation::RevokeToken => "REVOKE TOKEN",
            Operation::RevokeTokens => "REVOKE TOKENS",
        }
    }
}

/// A request that was answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RequestRecord {
    pub(crate) operation: Operation,
    /// The fingerprint of all that was asked for.
    pub(crate) arguments: [u8; 32],
    /// Id and version of each record in the answer.
    pub(crate) records: Vec<(u64, u64)>,
    pub(crate) outcome: Outcome,
    /// How many things the answer counts; 0 where it counts none.
    pub(crate) count: u64,
    /// When, in microseconds since 1970 UTC.
    pub(crate) time_us: u64,
}

impl RequestRecord {
    fn is_past(&self, now_us: u64) -> bool {
        is_past(self.time_us, now_us)
    }
}

impl Catalog {
    /// As [`Transaction::write_once`], of one change alone.
    pub(crate) fn write_once<T: Answer>(
        &self,
        actor: &Actor,
        target: impl FnOnce() -> String,
        arguments: impl FnOnce(&mut Draft<'_>) -> Result<Arguments, Error>,
        operation: Operation,
        decide: impl FnOnce(&mut Draft<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.transaction(actor, |all| {
            all.write_once(target, arguments, operation, decide)
        })
    }
}

impl Transaction<'_> {
    /// A change that is not made again when its request was answered already.
    ///
    /// Errors: those of `decide`; `Invalid` for an idempotency key of another form; `Conflict` when the
    /// key was given with another request.
    pub(crate) fn write_once<T: Answer>(
        &mut self,
        target: impl FnOnce() -> String,
        arguments: impl FnOnce(&mut Draft<'_>) -> Result<Arguments, Error>,
        operation: Operation,
        decide: impl FnOnce(&mut Draft<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.asked += 1;
        let (actor, number) = (self.actor, self.asked);
        self.steps.step(
            || What::change(operation.as_str(), target()),
            |draft| {
                let account = &actor.account;
                let Some(key) = &actor.request.idempotency_key else {
                    let answer = decide(draft)?;
                    if answer.outcome() != Outcome::Unchanged {
                        forget_past(draft, account)?;
                    }
                    return Ok(answer);
                };
                check_key(key)?;
                let kept_as = &operation.key_of(&actor.user, &numbered(key, number));
                let arguments = arguments(draft)?.fingerprint(operation);
                let before: Option<RequestRecord> =
                    draft.view().get(&keys::request(account, kept_as))?;
                if let Some(before) = before {
                    if !before.is_past(draft.now_us()) {
                        check_same(key, &before, operation, arguments)?;
                        return T::again(draft.view(), account, key, &before);
                    }
                    draft.delete(keys::request_time(account, before.time_us, kept_as));
                }
                let answer = decide(draft)?;
                forget_past(draft, account)?;
                let record = RequestRecord {
                    operation,
                    arguments,
                    records: answer.records(),
                    outcome: answer.outcome(),
                    count: answer.count(),
                    time_us: draft.now_us(),
                };
                draft.put(keys::request(account, kept_as), &record);
                draft.mark(keys::request_time(account, record.time_us, kept_as));
                if record.outcome == Outcome::Unchanged {
                    // No change, so nothing for the audit.
                    draft.tell(What::step(format!("remember request {key}")));
                }
                Ok(answer)
            },
        )
    }
}

/// The key of the change of this number, from 1, in a transaction.
fn numbered(key: &str, number: u64) -> Cow<'_, str> {
    match number {
        1 => Cow::Borrowed(key),
        _ => Cow::Owned(format!("{key}{NUMBERED}{number}")),
    }
}

fn check_key(key: &str) -> Result<(), Error> {
    let chars = key.chars().count();
    if chars == 0 || chars > KEY_CHARS_MAX {
        return Err(Error::invalid(format!(
            "the idempotency key has {chars} characters, it must have 1 to {KEY_CHARS_MAX}"
        )));
    }
    match key.chars().find(|c| c.is_control()) {
        None => Ok(()),
        Some(c) => Err(Error::invalid(format!(
            "the idempotency key holds the control character {c:?}, it must be printable"
        ))),
    }
}

fn check_same(
    key: &str,
    before: &RequestRecord,
    operation: Operation,
    arguments: [u8; 32],
) -> Result<(), Error> {
    let other = if before.operation != operation {
        "another operation"
    } else if before.arguments != arguments {
        "other arguments"
    } else {
        return Ok(());
    };
    Err(Error::conflict(format!(
        "the idempotency key {key:?} was given before with {other} ({}); give each request a key of its own",
        before.operation.as_str()
    )))
}

/// Deletes some of the requests that need no longer be remembered, the oldest first.
fn forget_past(draft: &mut Draft<'_>, account: &str) -> Result<(), Error> {
    let prefix = keys::request_times(account);
    for mark in draft.view().keys_after(&prefix, &prefix, FORGOTTEN_MAX)? {
        let (time_us, key) = keys::request_of_time(account, &mark)?;
        if !is_past(time_us, draft.now_us()) {
            break;
        }
        draft.delete(keys::request(account, key));
        draft.delete(mark);
    }
    Ok(())
}

fn is_past(time_us: u64, now_us: u64) -> bool {
    now_us.saturating_sub(time_us) >= KEPT_US
}
