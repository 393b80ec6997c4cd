//! What changes of accounts, users, roles, grants and tokens answer when they are given again. Of these records no
//! versions are kept: a create or an alter answers with the record as it is now, and what is gone with its being so.

use super::RequestRecord;
use super::answer::{Answer, Outcome};
use crate::accounts::AccountRecord;
use crate::answers::Altered;
use crate::error::Error;
use crate::grants::{Granted, Revoked};
use crate::keys;
use crate::options::{CreateOutcome, Created};
use crate::roles::RoleRecord;
use crate::store::View;
use crate::users::UserRecord;

/// A record that a create or an alter answers with.
pub(crate) trait Identity: Sized {
    /// What it is called in messages.
    const WHAT: &'static str;

    /// Its id and its version.
    fn at(&self) -> (u64, u64);

    /// All of the account, or for accounts of the catalog.
    fn all(view: View<'_>, account: &str) -> Result<Vec<Self>, Error>;
}

impl Identity for AccountRecord {
    const WHAT: &'static str = "account";

    fn at(&self) -> (u64, u64) {
        (self.id, self.version)
    }

    fn all(view: View<'_>, _account: &str) -> Result<Vec<Self>, Error> {
        view.list(&keys::accounts())
    }
}

impl Identity for UserRecord {
    const WHAT: &'static str = "user";

    fn at(&self) -> (u64, u64) {
        (self.id, self.version)
    }

    fn all(view: View<'_>, account: &str) -> Result<Vec<Self>, Error> {
        view.list(&keys::users(account))
    }
}

impl Identity for RoleRecord {
    const WHAT: &'static str = "role";

    fn at(&self) -> (u64, u64) {
        (self.id, self.version)
    }

    fn all(view: View<'_>, account: &str) -> Result<Vec<Self>, Error> {
        view.list(&keys::roles(account))
    }
}

/// The record that was answered, as it is now.
fn now<R: Identity>(
    view: View<'_>,
    account: &str,
    key: &str,
    before: &RequestRecord,
) -> Result<R, Error> {
    let what = R::WHAT;
    let &[(id, _)] = before.records.as_slice() else {
        let count = before.records.len();
        return Err(Error::corrupt(format!(
            "the request {key:?} names {count} records, it answered with one {what}"
        )));
    };
    let mut all = R::all(view, account)?.into_iter();
    all.find(|record| record.at().0 == id).ok_or_else(|| {
        Error::not_found(format!(
            "the request {key:?} was done, but the {what} that it answered with was dropped since"
        ))
    })
}

fn outcome(is_changed: bool) -> Outcome {
    match is_changed {
        true => Outcome::Changed,
        false => Outcome::Unchanged,
    }
}

impl<R: Identity> Answer for Created<R> {
    fn outcome(&self) -> Outcome {
        match self.outcome {
            CreateOutcome::Created => Outcome::Changed,
            CreateOutcome::Replaced => Outcome::Replaced,
            CreateOutcome::Kept => Outcome::Unchanged,
        }
    }

    fn records(&self) -> Vec<(u64, u64)> {
        vec![self.record.at()]
    }

    fn again(
        view: View<'_>,
        account: &str,
        key: &str,
        before: &RequestRecord,
    ) -> Result<Self, Error> {
        let record = now(view, account, key, before)?;
        match before.outcome {
            Outcome::Changed => Ok(Created::new(record)),
            Outcome::Unchanged => Ok(Created::kept(record)),
            Outcome::Replaced => Err(Error::corrupt(format!(
                "the request {key:?} has replaced one {}, which are never replaced",
                R::WHAT
            ))),
        }
    }
}

impl<R: Identity> Answer for Altered<R> {
    fn outcome(&self) -> Outcome {
        outcome(self.changed)
    }

    fn records(&self) -> Vec<(u64, u64)> {
        vec![self.record.at()]
    }

    fn again(
        view: View<'_>,
        account: &str,
        key: &str,
        before: &RequestRecord,
    ) -> Result<Self, Error> {
        // Changed it was by the first.
        now(view, account, key, before).map(Altered::unchanged)
    }
}

/// Whether anything was changed.
impl Answer for bool {
    fn outcome(&self) -> Outcome {
        outcome(*self)
    }

    fn records(&self) -> Vec<(u64, u64)> {
        Vec::new()
    }

    fn again(_: View<'_>, _: &str, _: &str, before: &RequestRecord) -> Result<Self, Error> {
        Ok(before.outcome != Outcome::Unchanged)
    }
}

/// How many were changed.
impl Answer for u64 {
    fn outcome(&self) -> Outcome {
        outcome(*self > 0)
    }

    fn records(&self) -> Vec<(u64, u64)> {
        Vec::new()
    }

    fn count(&self) -> u64 {
        *self
    }

    fn again(_: View<'_>, _: &str, _: &str, before: &RequestRecord) -> Result<Self, Error> {
        Ok(before.count)
    }
}

/// What is done once and not told again: a request that was done before gives `None`.
pub(crate) trait ToldOnce {
    fn is_change(&self) -> bool;
}

impl<T: ToldOnce> Answer for Option<T> {
    fn outcome(&self) -> Outcome {
        outcome(self.as_ref().is_some_and(T::is_change))
    }

    fn records(&self) -> Vec<(u64, u64)> {
        Vec::new()
    }

    fn again(_: View<'_>, _: &str, _: &str, _: &RequestRecord) -> Result<Self, Error> {
        Ok(None)
    }
}

/// A drop's.
impl<R: Identity> ToldOnce for R {
    fn is_change(&self) -> bool {
        true
    }
}

impl ToldOnce for Granted {
    fn is_change(&self) -> bool {
        !self.added.is_empty()
    }
}

impl ToldOnce for Revoked {
    fn is_change(&self) -> bool {
        !self.revoked.is_empty()
    }
}
