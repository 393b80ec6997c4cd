//! The operations on roles, who has them, and what is granted to them. SQL and AccountService both end here.

use catalog::{
    Altered, Created, ErrorKind, Expected, Grant, Granted, NewRole, OnExists, PrivilegeSet,
    Revoked, RoleRecord, Securable, Transaction,
};
use parser::GrantObject;

use super::{ChangeMode, Session};
use crate::error::{About, Error, Reason, Result, Subject, about};
use crate::gate::{Acting, Object, Operation, Permit};

/// Whose grants are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GrantsOf {
    Caller,
    User(String),
    Role(String),
}

/// A grant with its names, for people.
#[derive(Debug, Clone)]
pub(crate) struct NamedGrant {
    pub(crate) role: String,
    pub(crate) grant: Grant,
    /// As GRANT writes it, such as `STAGE s`.
    pub(crate) on: String,
}

/// What giving a user a role, or taking it, has changed.
#[derive(Debug, Clone)]
pub(crate) struct Membership {
    pub(crate) role: String,
    pub(crate) user: String,
    pub(crate) changed: bool,
}

impl Session {
    pub(crate) async fn create_role(
        &self,
        name: String,
        comment: String,
        on_exists: OnExists,
        mode: ChangeMode,
    ) -> Result<Created<RoleRecord>> {
        let new = NewRole { name, comment };
        let mut created = self.create_roles(vec![new], on_exists, mode).await?;
        created
            .pop()
            .ok_or_else(|| Error::defect("a role was made without an answer"))
    }

    /// Makes roles, all of them or none; gives what there is of each, in their order.
    pub(crate) async fn create_roles(
        &self,
        roles: Vec<NewRole>,
        on_exists: OnExists,
        mode: ChangeMode,
    ) -> Result<Vec<Created<RoleRecord>>> {
        let object = |role: &NewRole| Object::Role(role.name.clone());
        let objects = roles.iter().map(object).collect();
        self.change_all(
            Operation::CreateRole,
            objects,
            mode,
            move |acting, permit| {
                let catalog = &acting.instance.catalog;
                let made = catalog.transaction(permit.actor(), |all| {
                    let made = roles.into_iter();
                    made.map(|new| all.create_role(new, on_exists)).collect()
                });
                made.about(Subject::Role)
            },
        )
        .await
    }

    /// A role of the account.
    ///
    /// # Errors
    /// [`Reason::RoleNotFound`].
    pub(crate) async fn role_record(&self, name: String) -> Result<RoleRecord> {
        let object = Object::Role(name.clone());
        self.act(Operation::ShowRoles, object, move |acting, permit| {
            acting.existing_role(permit, &name)
        })
        .await
    }

    /// Sets a role's comment.
    ///
    /// # Errors
    /// [`Reason::RoleNotFound`], [`Reason::IdentityVersionConflict`].
    pub(crate) async fn alter_role(
        &self,
        name: String,
        comment: String,
        expected: Expected,
        mode: ChangeMode,
    ) -> Result<Altered<RoleRecord>> {
        let object = Object::Role(name.clone());
        self.change(Operation::AlterRole, object, mode, move |acting, permit| {
            acting
                .instance
                .catalog
                .alter_role(permit.actor(), &name, comment, expected)
                .about(Subject::Role)
        })
        .await
    }

    pub(crate) async fn drop_role(
        &self,
        name: String,
        expected: Expected,
        mode: ChangeMode,
    ) -> Result<()> {
        self.drop_all_roles(vec![(name, expected)], false, mode)
            .await?;
        Ok(())
    }

    /// Drops roles, all of them or none. With `if_exists` those that do not exist are passed over, and are the answer.
    pub(crate) async fn drop_roles(
        &self,
        names: Vec<String>,
        if_exists: bool,
    ) -> Result<Vec<String>> {
        let roles = names.into_iter().map(|name| (name, Expected::Any));
        self.drop_all_roles(roles.collect(), if_exists, ChangeMode::default())
            .await
    }

    async fn drop_all_roles(
        &self,
        roles: Vec<(String, Expected)>,
        if_exists: bool,
        mode: ChangeMode,
    ) -> Result<Vec<String>> {
        let objects = roles.iter().map(|(name, _)| Object::Role(name.clone()));
        let objects = objects.collect();
        self.change_all(Operation::DropRole, objects, mode, move |acting, permit| {
            let catalog = &acting.instance.catalog;
            let dropped = catalog.transaction(permit.actor(), |all| {
                let mut missing = Vec::new();
                for (name, expected) in roles {
                    match all.drop_role(&name, expected) {
                        Ok(_) => {}
                        Err(error) if if_exists && error.kind() == ErrorKind::NotFound => {
                            missing.push(name);
                        }
                        Err(error) => return Err(error),
                    }
                }
                Ok(missing)
            });
            dropped.about(Subject::Role)
        })
        .await
    }

    pub(crate) async fn roles(&self) -> Result<Vec<RoleRecord>> {
        self.act(Operation::ShowRoles, Object::Account, |acting, permit| {
            Ok(acting.instance.catalog.roles(permit.account())?)
        })
        .await
    }

    /// The names of the roles that the caller may act in; with a token that is bound to one, of this one.
    pub(crate) async fn own_roles(&self) -> Result<Vec<String>> {
        let user = self.principal.user().to_owned();
        self.act(
            Operation::ShowOwnGrants,
            Object::Account,
            move |acting, permit| match acting.principal.binding() {
                Some(_) => Ok(vec![acting.principal.role().to_owned()]),
                None => acting.roles_with_public(permit, &user),
            },
        )
        .await
    }

    /// Acts in another of the user's roles from now on; `None` is the default one.
    pub(crate) async fn set_role(&mut self, role: Option<String>) -> Result<()> {
        let object = Object::Role(role.clone().unwrap_or_default());
        let principal = self
            .act(Operation::SetRole, object.clone(), move |acting, _| {
                acting
                    .principal
                    .in_role(&acting.instance.catalog, role.as_deref())
                    .map_err(|error| acting.refused(Operation::SetRole, &object, error))
            })
            .await?;
        self.principal = principal;
        Ok(())
    }

    /// Gives users roles, each of them each, all or none; gives what each of these changed, in the order of the roles
    /// and then of the users.
    pub(crate) async fn grant_roles(
        &self,
        roles: Vec<String>,
        users: Vec<String>,
        mode: ChangeMode,
    ) -> Result<Vec<Membership>> {
        self.change_memberships(Operation::Grant, roles, users, mode, |all, role, user| {
            all.grant_role(role, user)
        })
        .await
    }

    /// As [`Session::grant_roles`], for taking them.
    pub(crate) async fn revoke_roles(
        &self,
        roles: Vec<String>,
        users: Vec<String>,
        mode: ChangeMode,
    ) -> Result<Vec<Membership>> {
        self.change_memberships(Operation::Revoke, roles, users, mode, |all, role, user| {
            all.revoke_role(role, user)
        })
        .await
    }

    async fn change_memberships(
        &self,
        operation: Operation,
        roles: Vec<String>,
        users: Vec<String>,
        mode: ChangeMode,
        change: fn(&mut Transaction<'_>, &str, &str) -> std::result::Result<bool, catalog::Error>,
    ) -> Result<Vec<Membership>> {
        let objects = roles.iter().cloned().map(Object::Role).collect();
        self.change_all(operation, objects, mode, move |acting, permit| {
            for role in &roles {
                acting.allow_membership(role)?;
                if !permit.may_be_repeated() {
                    acting.existing_role(permit, role)?;
                }
            }
            let catalog = &acting.instance.catalog;
            let mut at = "";
            let changed = catalog.transaction(permit.actor(), |all| {
                let mut memberships = Vec::new();
                for role in &roles {
                    at = role;
                    for user in &users {
                        memberships.push(Membership {
                            role: role.clone(),
                            user: user.clone(),
                            changed: change(all, role, user)?,
                        });
                    }
                }
                Ok(memberships)
            });
            changed.map_err(|error| {
                let subject = match catalog.role(permit.account(), at) {
                    Ok(None) => Subject::Role,
                    Ok(Some(_)) | Err(_) => Subject::User,
                };
                about(subject, error)
            })
        })
        .await
    }

    /// Grants to roles, all of them or none; `None` stands for every privilege on that kind of object. Gives for each
    /// role `None` when the same request had done it before.
    pub(crate) async fn grant(
        &self,
        roles: Vec<String>,
        on: GrantObject,
        privileges: Option<PrivilegeSet>,
        mode: ChangeMode,
    ) -> Result<Vec<Option<Granted>>> {
        self.change_grants(
            Operation::Grant,
            roles,
            on,
            privileges,
            mode,
            |all, role, on, privileges| all.grant(role, on, privileges),
        )
        .await
    }

    /// As [`Session::grant`], for taking them.
    pub(crate) async fn revoke(
        &self,
        roles: Vec<String>,
        on: GrantObject,
        privileges: Option<PrivilegeSet>,
        mode: ChangeMode,
    ) -> Result<Vec<Option<Revoked>>> {
        self.change_grants(
            Operation::Revoke,
            roles,
            on,
            privileges,
            mode,
            |all, role, on, privileges| all.revoke(role, on, privileges),
        )
        .await
    }

    async fn change_grants<T: Send + 'static>(
        &self,
        operation: Operation,
        roles: Vec<String>,
        on: GrantObject,
        privileges: Option<PrivilegeSet>,
        mode: ChangeMode,
        change: fn(
            &mut Transaction<'_>,
            &str,
            Securable,
            PrivilegeSet,
        ) -> std::result::Result<T, catalog::Error>,
    ) -> Result<Vec<T>> {
        let database = self.database().to_owned();
        let objects = roles.iter().cloned().map(Object::Role).collect();
        self.change_all(operation, objects, mode, move |acting, permit| {
            let (on, all) = acting.securable(permit, &on, &database)?;
            let privileges = privileges.unwrap_or(all);
            let catalog = &acting.instance.catalog;
            let changed = catalog.transaction(permit.actor(), |all| {
                let changed = roles.iter();
                changed
                    .map(|role| change(all, role, on, privileges))
                    .collect()
            });
            changed.about(Subject::Grant)
        })
        .await
    }

    /// What roles were granted: everyone may see the own ones.
    pub(crate) async fn grants(&self, of: GrantsOf) -> Result<Vec<NamedGrant>> {
        let (operation, object) = match &of {
            GrantsOf::Caller => (Operation::ShowOwnGrants, Object::Account),
            GrantsOf::User(user) if user == self.principal.user() => {
                (Operation::ShowOwnGrants, Object::User(user.clone()))
            }
            GrantsOf::User(user) => (Operation::ShowGrants, Object::User(user.clone())),
            GrantsOf::Role(role) if role == self.principal.role() => {
                (Operation::ShowOwnGrants, Object::Role(role.clone()))
            }
            GrantsOf::Role(role) => (Operation::ShowGrants, Object::Role(role.clone())),
        };
        let caller = self.principal.user().to_owned();
        self.act(operation, object, move |acting, permit| {
            let catalog = &acting.instance.catalog;
            let roles = match of {
                GrantsOf::Role(role) => {
                    acting.existing_role(permit, &role)?;
                    vec![role]
                }
                GrantsOf::Caller => acting.roles_with_public(permit, &caller)?,
                GrantsOf::User(user) => {
                    acting.existing_user(permit, &user)?;
                    acting.roles_with_public(permit, &user)?
                }
            };
            let mut named = Vec::new();
            for role in roles {
                for grant in catalog
                    .grants_of_role(permit.account(), &role)
                    .about(Subject::Role)?
                {
                    let on = acting.securable_name(permit, grant.on)?;
                    named.push(NamedGrant {
                        role: role.clone(),
                        grant,
                        on,
                    });
                }
            }
            Ok(named)
        })
        .await
    }
}

impl Acting {
    fn existing_role(&self, permit: &Permit, name: &str) -> Result<RoleRecord> {
        self.instance
            .catalog
            .role(permit.account(), name)?
            .ok_or_else(|| {
                Error::internal(
                    Reason::RoleNotFound,
                    format_args!("the role {name} not exists"),
                )
            })
    }

    fn roles_with_public(&self, permit: &Permit, user: &str) -> Result<Vec<String>> {
        let roles = self.instance.catalog.roles_of(permit.account(), user)?;
        let mut names: Vec<String> = roles.into_iter().map(|role| role.name).collect();
        if !names.iter().any(|name| name == catalog::PUBLIC_ROLE) {
            names.push(catalog::PUBLIC_ROLE.to_owned());
        }
        Ok(names)
    }

    /// The admin role is given and taken by who has it only: MANAGE GRANTS must not make administrators.
    pub(super) fn allow_membership(&self, role: &str) -> Result<()> {
        let admin_role = catalog::admin_role(self.principal.account());
        if role == admin_role {
            self.allow(Operation::GrantAdmin, &Object::Role(role.to_owned()))?;
        }
        Ok(())
    }
}
