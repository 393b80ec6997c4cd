//! Whether users, roles, grants, tokens and remembered requests refer to what exists.

use std::collections::BTreeSet;

use super::references::Check;
use crate::databases::DatabaseRecord;
use crate::error::Error;
use crate::format::{Mark, StoredTable};
use crate::grants::{Grant, Securable};
use crate::keys;
use crate::requests::RequestRecord;
use crate::roles::RoleRecord;
use crate::tokens::TokenRecord;
use crate::users::UserRecord;

impl Check<'_> {
    pub(super) fn identities(&self, found: &mut Vec<String>) -> Result<(), Error> {
        let account = self.account;
        let mut roles = BTreeSet::new();
        self.each(&keys::roles(account), |_, role: RoleRecord| {
            roles.insert(role.id);
            Ok(())
        })?;
        self.counted("role", roles.last().copied().unwrap_or(0), found)?;
        let mut users = BTreeSet::new();
        self.each(&keys::users(account), |key, user: UserRecord| {
            users.insert(user.id);
            if user.default_role.is_some_and(|id| !roles.contains(&id)) {
                found.push(format!("{key} has a default role that does not exist"));
            }
            Ok(())
        })?;
        self.counted("user", users.last().copied().unwrap_or(0), found)?;
        self.each_key(&keys::all_user_roles(account), |key| {
            let (user, role) = keys::user_role_of(key)?;
            if !users.contains(&user) || !roles.contains(&role) {
                found.push(format!("{key} is of a user or a role that does not exist"));
            }
            Ok(())
        })?;
        self.grants(&roles, found)?;
        self.each_key(&keys::all_user_tokens(account), |key| {
            let hash = keys::last_part(key);
            match self.view.get::<TokenRecord>(&keys::token(hash))? {
                Some(token) if token.account == account && users.contains(&token.user_id) => {}
                Some(_) => found.push(format!("{key} marks a token of another user")),
                None => found.push(format!("{key} marks a token that does not exist")),
            }
            Ok(())
        })?;
        self.requests(found)
    }

    fn grants(&self, roles: &BTreeSet<u64>, found: &mut Vec<String>) -> Result<(), Error> {
        let account = self.account;
        let mut databases = BTreeSet::new();
        self.each(&keys::databases(account), |_, database: DatabaseRecord| {
            databases.insert(database.id);
            Ok(())
        })?;
        let mut tables = BTreeSet::new();
        self.each(&keys::all_tables(account), |_, table: StoredTable| {
            tables.insert(table.id);
            Ok(())
        })?;
        self.each(&keys::all_grants(account), |key, grant: Grant| {
            let exists = match grant.on {
                Securable::Account
                | Securable::Databases
                | Securable::Tables
                | Securable::Stages => true,
                Securable::Database(id) | Securable::TablesOf(id) => databases.contains(&id),
                Securable::Table(id) => tables.contains(&id),
                // A dropped stage keeps its grants.
                Securable::Stage(id) => self.view.any(&keys::stage_versions(account, id))?,
            };
            if !exists {
                found.push(format!("{key} is on something that does not exist"));
            }
            if !roles.contains(&grant.role_id) {
                found.push(format!("{key} is of a role that does not exist"));
            }
            Ok(())
        })
    }

    fn requests(&self, found: &mut Vec<String>) -> Result<(), Error> {
        let account = self.account;
        let request = |key: &str| self.view.get::<RequestRecord>(&keys::request(account, key));
        self.each_key(&keys::request_times(account), |mark| {
            let (time_us, key) = keys::request_of_time(account, mark)?;
            if request(key)?.is_none_or(|request| request.time_us != time_us) {
                found.push(format!("{mark} marks a request that does not exist"));
            }
            Ok(())
        })?;
        let prefix = keys::requests(account);
        self.each(&prefix, |key, request: RequestRecord| {
            let id = &key[prefix.len()..];
            let mark = keys::request_time(account, request.time_us, id);
            if self.view.get::<Mark>(&mark)?.is_none() {
                found.push(format!("{key} has no mark of its time"));
            }
            Ok(())
        })
    }
}

/// Whether the tokens, which are of no account by their keys, have their marks.
pub(super) fn tokens(check: &Check<'_>, found: &mut Vec<String>) -> Result<(), Error> {
    check.each(&keys::tokens(), |key, token: TokenRecord| {
        let hash = keys::last_part(key);
        let mark = keys::user_token(&token.account, token.user_id, &token.id, hash);
        if check.view.get::<Mark>(&mark)?.is_none() {
            // A key is the hash of a token, which is no secret, and leads to its record.
            found.push(format!("{key} has no mark under its user"));
        }
        Ok(())
    })
}
