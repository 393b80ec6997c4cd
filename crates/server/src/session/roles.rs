//! The operations on roles, who has them, and what is granted to them. SQL and AccountService both end here.

use catalog::{
    Actor, Catalog, Created, Grant, Granted, NewRole, OnExists, PrivilegeSet, Revoked, RoleRecord,
    Securable,
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

impl Session {
    pub(crate) async fn create_role(
        &self,
        name: String,
        comment: String,
        on_exists: OnExists,
        mode: ChangeMode,
    ) -> Result<Created<RoleRecord>> {
        let object = Object::Role(name.clone());
        self.change(
            Operation::CreateRole,
            object,
            mode,
            move |acting, permit| {
                acting
                    .instance
                    .catalog
                    .create_role(permit.actor(), NewRole { name, comment }, on_exists)
                    .about(Subject::Role)
            },
        )
        .await
    }

    pub(crate) async fn drop_role(&self, name: String, mode: ChangeMode) -> Result<()> {
        let object = Object::Role(name.clone());
        self.change(Operation::DropRole, object, mode, move |acting, permit| {
            acting
                .instance
                .catalog
                .drop_role(permit.actor(), &name)
                .about(Subject::Role)?;
            Ok(())
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

    pub(crate) async fn grant_role(
        &self,
        role: String,
        user: String,
        mode: ChangeMode,
    ) -> Result<bool> {
        self.change_membership(Operation::Grant, role, user, mode, Catalog::grant_role)
            .await
    }

    pub(crate) async fn revoke_role(
        &self,
        role: String,
        user: String,
        mode: ChangeMode,
    ) -> Result<bool> {
        self.change_membership(Operation::Revoke, role, user, mode, Catalog::revoke_role)
            .await
    }

    async fn change_membership(
        &self,
        operation: Operation,
        role: String,
        user: String,
        mode: ChangeMode,
        change: fn(&Catalog, &Actor, &str, &str) -> std::result::Result<bool, catalog::Error>,
    ) -> Result<bool> {
        let object = Object::Role(role.clone());
        self.change(operation, object, mode, move |acting, permit| {
            acting.allow_membership(&role)?;
            if !permit.may_be_repeated() {
                acting.existing_role(permit, &role)?;
            }
            let catalog = &acting.instance.catalog;
            change(catalog, permit.actor(), &role, &user).map_err(|error| {
                let subject = match catalog.role(permit.account(), &role) {
                    Ok(None) => Subject::Role,
                    Ok(Some(_)) | Err(_) => Subject::User,
                };
                about(subject, error)
            })
        })
        .await
    }

    /// Grants to a role; `None` stands for every privilege on that kind of object. Gives `None` when the same request
    /// had done it before.
    pub(crate) async fn grant(
        &self,
        role: String,
        on: GrantObject,
        privileges: Option<PrivilegeSet>,
        mode: ChangeMode,
    ) -> Result<Option<Granted>> {
        self.change_grant(Operation::Grant, role, on, privileges, mode, Catalog::grant)
            .await
    }

    pub(crate) async fn revoke(
        &self,
        role: String,
        on: GrantObject,
        privileges: Option<PrivilegeSet>,
        mode: ChangeMode,
    ) -> Result<Option<Revoked>> {
        self.change_grant(
            Operation::Revoke,
            role,
            on,
            privileges,
            mode,
            Catalog::revoke,
        )
        .await
    }

    async fn change_grant<T: Send + 'static>(
        &self,
        operation: Operation,
        role: String,
        on: GrantObject,
        privileges: Option<PrivilegeSet>,
        mode: ChangeMode,
        change: fn(
            &Catalog,
            &Actor,
            &str,
            Securable,
            PrivilegeSet,
        ) -> std::result::Result<T, catalog::Error>,
    ) -> Result<T> {
        let database = self.database().to_owned();
        let object = Object::Role(role.clone());
        self.change(operation, object, mode, move |acting, permit| {
            let (on, all) = acting.securable(permit, &on, &database)?;
            let privileges = privileges.unwrap_or(all);
            let catalog = &acting.instance.catalog;
            change(catalog, permit.actor(), &role, on, privileges).about(Subject::Grant)
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
