//! The model of one account's users, roles, grants and tokens.

use std::collections::{BTreeMap, BTreeSet};

use stagedoor_catalog::{
    Catalog, ErrorKind, OnExists, Privilege, PrivilegeSet, Securable, TokenState,
};

use super::acts::{Alteration, IdentityStep};

#[derive(Clone, Debug, Default, PartialEq)]
struct User {
    id: u64,
    version: u64,
    password: Option<&'static str>,
    epoch: u64,
    default_role: Option<u64>,
    locked: bool,
    roles: BTreeSet<u64>,
}

#[derive(Debug)]
struct Token {
    number: u8,
    user_id: u64,
    epoch: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Identity {
    admin_role: &'static str,
    users: BTreeMap<&'static str, User>,
    roles: BTreeMap<&'static str, u64>,
    grants: BTreeMap<(Securable, u64), PrivilegeSet>,
    tokens: Vec<Token>,
    /// The ids given out, which stay when the account is dropped.
    users_made: u64,
    roles_made: u64,
}

impl Identity {
    /// Begins anew with what an account begins with.
    pub(crate) fn begin(&mut self, admin_role: &'static str, admin: &'static str) {
        self.end();
        self.admin_role = admin_role;
        for name in [admin_role, "public"] {
            self.roles_made += 1;
            self.roles.insert(name, self.roles_made);
        }
        let role = self.roles[admin_role];
        self.put_user(admin, Some("given"), Some(role));
    }

    pub(crate) fn end(&mut self) {
        *self = Identity {
            users_made: self.users_made,
            roles_made: self.roles_made,
            ..Identity::default()
        };
    }

    fn put_user(&mut self, name: &'static str, password: Option<&'static str>, role: Option<u64>) {
        self.users_made += 1;
        let public = self.roles["public"];
        let user = User {
            id: self.users_made,
            version: 1,
            password,
            epoch: 1,
            default_role: role,
            locked: false,
            roles: role.into_iter().filter(|&role| role != public).collect(),
        };
        self.users.insert(name, user);
    }

    /// What comes with a new stage.
    pub(crate) fn stage_made(&mut self, id: u64) {
        let both = PrivilegeSet::of(&[Privilege::Read, Privilege::Write]);
        let public = self.roles["public"];
        self.grants.insert((Securable::Stage(id), public), both);
    }

    /// What comes with a new table.
    pub(crate) fn table_made(&mut self, id: u64, role: &str) {
        if let Some(&role_id) = self.roles.get(role).filter(|_| role != self.admin_role) {
            let ownership = PrivilegeSet::of(&[Privilege::Ownership]);
            self.grants
                .insert((Securable::Table(id), role_id), ownership);
        }
    }

    pub(crate) fn table_gone(&mut self, id: u64) {
        self.grants.retain(|(on, _), _| *on != Securable::Table(id));
    }

    fn role(&self, name: &str) -> Result<u64, ErrorKind> {
        self.roles.get(name).copied().ok_or(ErrorKind::NotFound)
    }

    fn user(&mut self, name: &str) -> Result<&mut User, ErrorKind> {
        self.users.get_mut(name).ok_or(ErrorKind::NotFound)
    }

    fn admins_but(&self, name: &str) -> usize {
        let admin = self.roles[self.admin_role];
        let can = |(n, u): &(&&str, &User)| **n != name && !u.locked && u.roles.contains(&admin);
        self.users.iter().filter(can).count()
    }

    /// Whether taking this user away would take the last admin.
    fn is_last_admin(&self, name: &str) -> bool {
        let user = &self.users[name];
        let admin = self.roles[self.admin_role];
        !user.locked && user.roles.contains(&admin) && self.admins_but(name) == 0
    }

    pub(crate) fn run(
        &mut self,
        step: &IdentityStep,
        exists: &dyn Fn(Securable) -> bool,
        token_number: u8,
    ) -> Result<(), ErrorKind> {
        use ErrorKind::{AlreadyExists, InUse, Invalid, NotFound};
        match *step {
            IdentityStep::CreateUser(_, _, OnExists::Replace)
            | IdentityStep::CreateRole(_, OnExists::Replace) => return Err(Invalid),
            IdentityStep::CreateUser(..) | IdentityStep::CreateRole(..)
                if self.roles.is_empty() =>
            {
                return Err(NotFound);
            }
            IdentityStep::CreateUser(name, _, on_exists) if self.users.contains_key(name) => {
                return match on_exists {
                    OnExists::Keep => Ok(()),
                    OnExists::Error | OnExists::Replace => Err(AlreadyExists),
                };
            }
            IdentityStep::CreateUser(name, role, _) => {
                let role = role.map(|role| self.role(role)).transpose()?;
                self.put_user(name, None, role);
            }
            IdentityStep::DropUser(name) => {
                let id = self.user(name)?.id;
                if self.is_last_admin(name) {
                    return Err(InUse);
                }
                self.users.remove(name);
                self.tokens.retain(|token| token.user_id != id);
            }
            IdentityStep::AlterUser(name, ref alteration) => self.alter(name, alteration)?,
            IdentityStep::CreateRole(name, on_exists) => {
                if self.roles.contains_key(name) {
                    return match on_exists {
                        OnExists::Keep => Ok(()),
                        OnExists::Error | OnExists::Replace => Err(AlreadyExists),
                    };
                }
                if !["r", "q"].contains(&name) {
                    return Err(Invalid);
                }
                self.roles_made += 1;
                self.roles.insert(name, self.roles_made);
            }
            IdentityStep::DropRole(name) => {
                let id = self.role(name)?;
                if !["r", "q"].contains(&name) {
                    return Err(Invalid);
                }
                self.roles.remove(name);
                self.grants.retain(|&(_, role), _| role != id);
                for user in self.users.values_mut() {
                    user.take_role(id);
                }
            }
            IdentityStep::GrantRole(role, user) => {
                let id = self.role(role)?;
                let user = self.user(user)?;
                if role != "public" {
                    user.roles.insert(id);
                }
            }
            IdentityStep::RevokeRole(role, user) => {
                let id = self.role(role)?;
                self.user(user)?;
                if role == "public" {
                    return Err(Invalid);
                }
                if role == self.admin_role && self.is_last_admin(user) {
                    return Err(InUse);
                }
                let user = self.user(user)?;
                if user.roles.contains(&id) {
                    user.take_role(id);
                }
            }
            IdentityStep::Grant(role, on, privileges) => {
                let key = self.checked(role, on, privileges, exists)?;
                let had = self.grants.entry(key).or_default();
                *had = had.union(privileges);
            }
            IdentityStep::Revoke(role, on, privileges) => {
                let key = self.checked(role, on, privileges, exists)?;
                let left = self.grants.get(&key).copied().unwrap_or_default();
                let left = left.without(privileges);
                self.grants.insert(key, left);
                self.grants.retain(|_, privileges| !privileges.is_empty());
            }
            IdentityStep::CreateToken(name) => {
                let user = self.user(name)?;
                if user.locked {
                    return Err(ErrorKind::Conflict);
                }
                let (user_id, epoch) = (user.id, user.epoch);
                let number = token_number;
                self.tokens.push(Token {
                    number,
                    user_id,
                    epoch,
                });
            }
            IdentityStep::RevokeTokens(name) => {
                let id = self.user(name)?.id;
                self.tokens.retain(|token| token.user_id != id);
            }
        }
        Ok(())
    }

    fn alter(&mut self, name: &str, alteration: &Alteration) -> Result<(), ErrorKind> {
        let before = self.user(name)?.clone();
        let mut after = before.clone();
        match *alteration {
            Alteration::Password(text) if before.password != Some(text) => {
                after.password = Some(text);
                after.epoch += 1;
            }
            Alteration::Password(_) => {}
            Alteration::Locked(locked) => {
                if locked && self.is_last_admin(name) {
                    return Err(ErrorKind::InUse);
                }
                after.epoch += u64::from(locked && !before.locked);
                after.locked = locked;
            }
            Alteration::DefaultRole(None) => after.default_role = None,
            Alteration::DefaultRole(Some(role)) => {
                let id = self.role(role)?;
                if role != "public" && !before.roles.contains(&id) {
                    return Err(ErrorKind::Invalid);
                }
                after.default_role = Some(id);
            }
        }
        after.version += u64::from(after != before);
        *self.user(name)? = after;
        Ok(())
    }

    fn checked(
        &self,
        role: &str,
        on: Securable,
        privileges: PrivilegeSet,
        exists: &dyn Fn(Securable) -> bool,
    ) -> Result<(Securable, u64), ErrorKind> {
        let words = privileges.to_string();
        let fits = match on {
            Securable::Account => words == "CREATE USER",
            Securable::Databases | Securable::Database(_) => words == "OWNERSHIP",
            Securable::Tables | Securable::TablesOf(_) | Securable::Table(_) => {
                words == "OWNERSHIP" || words == "SELECT, INSERT"
            }
            Securable::Stages | Securable::Stage(_) => words.starts_with("READ"),
        };
        if !fits {
            return Err(ErrorKind::Invalid);
        }
        let id = self.role(role)?;
        if role == self.admin_role {
            return Err(ErrorKind::Invalid);
        }
        if exists(on) {
            Ok((on, id))
        } else {
            Err(ErrorKind::NotFound)
        }
    }

    pub(crate) fn has_token(&self, number: u8) -> bool {
        self.tokens.iter().any(|token| token.number == number)
    }

    /// Asserts that the catalog answers every read as the model would.
    pub(crate) fn compare(&self, catalog: &Catalog, account: &str) {
        let users = catalog.users(account).unwrap();
        assert_eq!(users.len(), self.users.len(), "{account}");
        for found in users {
            let expected = &self.users[found.name.as_str()];
            let roles = catalog.roles_of(account, &found.name).unwrap();
            let is_public = |id| Some(&id) == self.roles.get("public");
            let all: BTreeSet<u64> = roles.iter().map(|role| role.id).collect();
            assert!(all.contains(&self.roles["public"]));
            let user = User {
                id: found.id,
                version: found.version,
                password: expected.password,
                epoch: found.password_epoch,
                default_role: found.default_role,
                locked: found.locked,
                roles: all.into_iter().filter(|&id| !is_public(id)).collect(),
            };
            assert_eq!(&user, expected, "{account}:{}", found.name);
            self.compare_tokens(catalog, account, &found.name, &user);
        }
        let roles = catalog.roles(account).unwrap();
        let found: BTreeMap<&str, u64> = roles.iter().map(|r| (&*r.name, r.id)).collect();
        assert_eq!(found, self.roles, "{account}");
        let mut grants = BTreeMap::new();
        for role in &roles {
            for grant in catalog.grants_of_role(account, &role.name).unwrap() {
                grants.insert((grant.on, grant.role_id), grant.privileges);
            }
        }
        assert_eq!(grants, self.grants, "{account}");
        let ids: Vec<u64> = roles.iter().map(|role| role.id).collect();
        // Also where nothing is granted now: what is gone has left nothing behind.
        for on in everything() {
            let all = catalog.privileges_on(account, &ids, &[on]).unwrap();
            let expected = self.grants.iter().filter(|((o, _), _)| *o == on);
            assert_eq!(all, expected.flat_map(|(_, set)| set.iter()).collect());
            let count = grants.keys().filter(|(o, _)| *o == on).count();
            assert_eq!(catalog.grants_on(account, on).unwrap().len(), count);
        }
    }

    fn compare_tokens(&self, catalog: &Catalog, account: &str, name: &str, user: &User) {
        let tokens = catalog.tokens(account, name).unwrap();
        let found: Vec<u8> = tokens.iter().map(|token| token.hash[0]).collect();
        let mine: Vec<&Token> = self
            .tokens
            .iter()
            .filter(|t| t.user_id == user.id)
            .collect();
        assert_eq!(found, mine.iter().map(|t| t.number).collect::<Vec<_>>());
        for (token, expected) in tokens.iter().zip(mine) {
            let state = catalog.token_state(token, 0).unwrap();
            let is_live = !user.locked && user.epoch == expected.epoch;
            assert_eq!(state == TokenState::Live, is_live, "{account}:{name}");
            assert_eq!(catalog.token(&token.hash).unwrap().as_ref(), Some(token));
        }
    }
}

fn everything() -> Vec<Securable> {
    let mut all = vec![
        Securable::Account,
        Securable::Databases,
        Securable::Tables,
        Securable::Stages,
    ];
    for id in 1..8 {
        all.extend([
            Securable::Database(id),
            Securable::TablesOf(id),
            Securable::Table(id),
            Securable::Stage(id),
        ]);
    }
    all
}

impl User {
    fn take_role(&mut self, id: u64) {
        self.roles.remove(&id);
        if self.default_role == Some(id) {
            self.default_role = None;
            self.version += 1;
        }
    }
}
