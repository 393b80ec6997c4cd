//! Who acts: an account's user in a role, as the catalog knows them at the moment of the call.
//! Only this file makes one, from records; so whoever holds a [`Principal`] has been looked up.

use catalog::{Actor, Catalog, PUBLIC_ROLE as PUBLIC, ROOT_USER, admin_role};

use tokio::time::Instant;

use crate::error::{Error, Reason, Result};
use crate::traces::Trace;

pub(crate) use catalog::SYS_ACCOUNT as SYS;

/// Who acts, in which role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    account: String,
    user: String,
    role: String,
    user_id: u64,
    /// Of the active role and of `public`.
    role_ids: Vec<u64>,
    is_admin: bool,
    /// Whether the login, or SET ROLE, named the role; else it is the user's default role.
    is_role_named: bool,
    /// What the token of this call is bound to; a password binds nothing.
    binding: Option<Binding>,
    /// Acts by right of owning the data directory, not by a login.
    is_owner: bool,
}

/// A token that was made for one role: whoever shows it has that role, and no way to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The token's id.
    pub(crate) token: String,
    /// What else is made by it may not outlive it; in microseconds since 1970 UTC.
    pub(crate) expires_us: u64,
}

/// What is known of a call besides who makes it; it goes into audit and log.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallContext {
    /// The client's, or else the server's own; answered in metadata `x-request-id`.
    pub(crate) request_id: String,
    /// The client's address; `embedded` for a program that has the server in itself.
    pub(crate) client: String,
    /// The statement or call, secrets masked.
    pub(crate) statement: String,
    /// When the client waits no longer for what it has asked, as far as it has said so.
    pub(crate) until: Option<Instant>,
    /// Where it stands in its trace.
    pub(crate) trace: Trace,
}

impl Principal {
    /// Whoever may open the data directory owns it, and acts as `sys:root`, administrator of the cluster.
    pub(crate) fn owner(catalog: &Catalog) -> Result<Self> {
        let user = catalog.user(SYS, ROOT_USER)?;
        Ok(Self {
            role_ids: role_ids(catalog, SYS, &[admin_role(SYS), PUBLIC])?,
            account: SYS.to_owned(),
            user: ROOT_USER.to_owned(),
            role: admin_role(SYS).to_owned(),
            user_id: user.map_or(0, |user| user.id),
            is_admin: true,
            is_role_named: false,
            binding: None,
            is_owner: true,
        })
    }

    /// The user in that role, or without one in the default role, if all of it exists and is not locked.
    ///
    /// # Errors
    /// [`Reason::Unauthenticated`] when there is no such user to act; [`Reason::RoleNotGranted`].
    pub(crate) fn resolve(
        catalog: &Catalog,
        account: &str,
        user: &str,
        role: Option<&str>,
    ) -> Result<Self> {
        let gone = || access_denied(account, user);
        let record = catalog.user(account, user)?.ok_or_else(gone)?;
        let tenant = catalog.account(account)?.ok_or_else(gone)?;
        if tenant.suspended || record.locked {
            return Err(gone());
        }
        let granted = catalog.roles_of(account, user)?;
        let is_role_named = role.is_some();
        let role = match role {
            Some(role) => role.to_owned(),
            None => granted
                .iter()
                .find(|role| Some(role.id) == record.default_role)
                .map_or(PUBLIC, |role| role.name.as_str())
                .to_owned(),
        };
        if role != PUBLIC && !granted.iter().any(|granted| granted.name == role) {
            return Err(Error::new(
                Reason::RoleNotGranted,
                3530,
                "HY000",
                format!("role '{role}' is not granted to user '{account}:{user}'"),
            ));
        }
        let names: &[&str] = if role == PUBLIC {
            &[PUBLIC]
        } else {
            &[&role, PUBLIC]
        };
        Ok(Self {
            role_ids: role_ids(catalog, account, names)?,
            is_admin: role == admin_role(account),
            account: account.to_owned(),
            user: user.to_owned(),
            role,
            user_id: record.id,
            is_role_named,
            binding: None,
            is_owner: false,
        })
    }

    /// The same by a token that was made for its role.
    pub(super) fn bound(self, binding: Binding) -> Self {
        Self {
            binding: Some(binding),
            ..self
        }
    }

    /// The same user in the same role, as it is now.
    ///
    /// # Errors
    /// Those of [`Principal::resolve`]; a user that was dropped and made anew is another one.
    pub(crate) fn refreshed(&self, catalog: &Catalog) -> Result<Self> {
        if self.is_owner {
            return Ok(self.clone());
        }
        let now = Self::resolve(catalog, &self.account, &self.user, Some(&self.role))?;
        if now.user_id != self.user_id {
            return Err(access_denied(&self.account, &self.user));
        }
        Ok(Self {
            is_role_named: self.is_role_named,
            binding: self.binding.clone(),
            ..now
        })
    }

    /// This one, in an open session, for a call that `caller` makes: a binding is the call's, not the session's.
    ///
    /// # Errors
    /// [`Reason::PermissionDenied`] when the caller is bound to another role than the session has.
    pub(crate) fn entered_by(&self, caller: &Self) -> Result<Self> {
        caller.may_enter(&self.role)?;
        Ok(Self {
            binding: caller.binding.clone(),
            ..self.clone()
        })
    }

    /// That it may use a session of its user that is in this role.
    ///
    /// # Errors
    /// [`Reason::PermissionDenied`] for another role than a token is bound to.
    pub(crate) fn may_enter(&self, role: &str) -> Result<()> {
        if self.binding.is_some() && role != self.role {
            return Err(self.bound_elsewhere(role));
        }
        Ok(())
    }

    /// The same user in another role; `None` is the default role.
    ///
    /// # Errors
    /// Those of [`Principal::resolve`]; [`Reason::PermissionDenied`] for another role than a token is bound to.
    pub(crate) fn in_role(&self, catalog: &Catalog, role: Option<&str>) -> Result<Self> {
        let other = Self::resolve(catalog, &self.account, &self.user, role)?;
        if self.binding.is_some() && other.role != self.role {
            return Err(self.bound_elsewhere(&other.role));
        }
        Ok(Self {
            is_owner: self.is_owner && other.is_admin,
            binding: self.binding.clone(),
            ..other
        })
    }

    /// The role that a token is bound to which the principal makes for itself: the present one, if the login, SET ROLE
    /// or a token named it.
    pub(crate) fn role_of_new_token(&self) -> Option<&str> {
        let is_bound = self.is_role_named || self.binding.is_some();
        is_bound.then_some(self.role.as_str())
    }

    /// What tells the user from an earlier or later one of the same name.
    pub(crate) fn user_id(&self) -> u64 {
        self.user_id
    }

    /// What the token of this call is bound to.
    pub(crate) fn binding(&self) -> Option<&Binding> {
        self.binding.as_ref()
    }

    /// Why a bound token does not get another role.
    fn bound_elsewhere(&self, wanted: &str) -> Error {
        let token = self.binding.as_ref().map_or("", |bound| &bound.token);
        Error::internal(
            Reason::PermissionDenied,
            format_args!(
                "the token {token} is bound to role '{}', not to '{wanted}'; a login that names no role may change roles",
                self.role
            ),
        )
    }

    /// Why a bound token does not change who its user is.
    pub(super) fn bound_user(&self, what: &str) -> Option<Error> {
        let bound = self.binding.as_ref()?;
        Some(Error::internal(
            Reason::PermissionDenied,
            format_args!(
                "{what} of one's own user is not for the token {}, which is bound to role '{}'; log in without a role",
                bound.token, self.role
            ),
        ))
    }

    /// The account, in which every name is looked up.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The user's name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The active role.
    pub fn role(&self) -> &str {
        &self.role
    }

    pub(crate) fn role_ids(&self) -> &[u64] {
        &self.role_ids
    }

    /// Whether the active role is the account's admin role.
    pub(crate) fn is_admin(&self) -> bool {
        self.is_admin
    }

    /// Whether the active role administers the cluster.
    pub(crate) fn is_cluster_admin(&self) -> bool {
        self.is_admin && self.account == SYS
    }

    /// Whether both are the same user, whatever the roles.
    pub(crate) fn is_same_user(&self, other: &Self) -> bool {
        self.account == other.account && self.user == other.user && self.user_id == other.user_id
    }

    pub(super) fn actor(&self, context: &CallContext) -> Actor {
        Actor::new(&self.account, &self.user, &self.role).with_request(catalog::Request {
            id: context.request_id.clone(),
            client: context.client.clone(),
            statement: context.statement.clone(),
            ..catalog::Request::default()
        })
    }
}

/// `account:user`.
impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.account, self.user)
    }
}

/// The one text for every login that fails, so that it tells nothing about what exists.
pub(crate) fn access_denied(account: &str, user: &str) -> Error {
    Error::new(
        Reason::Unauthenticated,
        1045,
        "28000",
        format!("Access denied for user '{account}:{user}'"),
    )
}

/// Who acts when the server itself does, in an account.
pub(crate) fn system_actor(account: &str) -> Actor {
    Actor::new(account, "system", admin_role(account))
}

fn role_ids(catalog: &Catalog, account: &str, names: &[&str]) -> Result<Vec<u64>> {
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        ids.extend(catalog.role(account, name)?.map(|role| role.id));
    }
    Ok(ids)
}
