//! The operations on accounts, users, roles and grants. SQL and AccountService both end here.

use catalog::{
    AccountChange, AccountRecord, Altered, Created, Expected, Grant, Granted, NewAccount, NewRole,
    NewUser, OnExists, PrivilegeSet, Revoked, RoleRecord, UserChange, UserRecord,
};
use parser::GrantObject;
use secrecy::SecretString;

use crate::error::{About, Error, Reason, Result, Subject};
use crate::gate::{Acting, Object, Operation, Permit};

use super::Session;

/// A user to be made, with its password.
#[derive(Debug, Clone)]
pub(crate) struct UserToMake {
    pub(crate) name: String,
    pub(crate) password: SecretString,
    pub(crate) default_role: Option<String>,
    pub(crate) comment: String,
}

/// What is changed of a user.
#[derive(Debug, Clone)]
pub(crate) enum UserProperty {
    Password(SecretString),
    Locked(bool),
    DefaultRole(Option<String>),
    Comment(String),
}

/// What is changed of an account.
#[derive(Debug, Clone)]
pub(crate) enum AccountProperty {
    Admin {
        name: String,
        password: SecretString,
    },
    Suspended(bool),
    Comment(String),
}

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
    pub(crate) async fn create_account(
        &self,
        name: String,
        admin: (String, SecretString),
        comment: String,
        on_exists: OnExists,
    ) -> Result<Created<AccountRecord>> {
        let object = Object::OtherAccount(name.clone());
        self.act(Operation::CreateAccount, object, move |acting, permit| {
            let catalog = &acting.instance.catalog;
            // Before the password is hashed, which takes its time.
            if let (Some(existing), OnExists::Keep) = (catalog.account(&name)?, on_exists) {
                return Ok(kept(existing));
            }
            let (admin_name, password) = admin;
            let new = NewAccount {
                name,
                admin_name,
                admin_password: acting.instance.logins.hash(&password)?,
                comment,
                default_database: Some(acting.instance.settings.default_database.clone()),
            };
            catalog
                .create_account(permit.actor(), new, on_exists)
                .about(Subject::Account)
        })
        .await
    }

    pub(crate) async fn alter_account(
        &self,
        name: String,
        property: AccountProperty,
        expected: Expected,
    ) -> Result<Altered<AccountRecord>> {
        let object = Object::OtherAccount(name.clone());
        self.act(
            Operation::AlterAccount,
            object.clone(),
            move |acting, permit| {
                let catalog = &acting.instance.catalog;
                acting.existing_account(&name)?;
                if let AccountProperty::Admin { name: user, .. } = &property
                    && name == permit.account()
                {
                    acting.allow_changing_user(Operation::AlterAccount, &object, user)?;
                }
                let change = match property {
                    AccountProperty::Admin { name, password } => AccountChange::Admin {
                        name,
                        password: acting.instance.logins.hash(&password)?,
                    },
                    AccountProperty::Suspended(suspended) => AccountChange::Suspended(suspended),
                    AccountProperty::Comment(comment) => AccountChange::Comment(comment),
                };
                catalog
                    .alter_account(permit.actor(), &name, change, expected)
                    .about(Subject::Account)
            },
        )
        .await
    }

    /// Drops an account and everything in it but the files of external stages.
    pub(crate) async fn drop_account(&self, name: String, expected: Expected) -> Result<()> {
        let object = Object::OtherAccount(name.clone());
        self.act(Operation::DropAccount, object, move |acting, permit| {
            let dropped = acting
                .instance
                .catalog
                .drop_account(permit.actor(), &name, expected)
                .about(Subject::Account)?;
            let segments = dropped
                .tables
                .iter()
                .flat_map(|table| table.segments())
                .map(|segment| segment.file.clone());
            acting.instance.internal.remove_segments(segments);
            acting.instance.internal.remove_stages_of(&dropped.record);
            Ok(())
        })
        .await
    }

    pub(crate) async fn accounts(&self) -> Result<Vec<AccountRecord>> {
        self.act(Operation::ShowAccounts, Object::Account, |acting, _| {
            Ok(acting.instance.catalog.accounts()?)
        })
        .await
    }

    pub(crate) async fn account_record(&self, name: String) -> Result<AccountRecord> {
        let object = Object::OtherAccount(name.clone());
        self.act(Operation::ShowAccounts, object, move |acting, _| {
            acting.existing_account(&name)
        })
        .await
    }

    pub(crate) async fn create_user(
        &self,
        user: UserToMake,
        on_exists: OnExists,
    ) -> Result<Created<UserRecord>> {
        let object = Object::User(user.name.clone());
        self.act(Operation::CreateUser, object, move |acting, permit| {
            let catalog = &acting.instance.catalog;
            match (catalog.user(permit.account(), &user.name)?, on_exists) {
                (Some(existing), OnExists::Keep) => return Ok(kept(existing)),
                (Some(_), OnExists::Error) => {
                    return Err(Error::internal(
                        Reason::UserExists,
                        format_args!("the user {} exists", user.name),
                    ));
                }
                (Some(_), OnExists::Replace) | (None, _) => {}
            }
            if let Some(role) = &user.default_role {
                // It makes the user a member: who may only make users may not give out roles by that.
                acting.allow(Operation::Grant, &Object::Role(role.clone()))?;
                acting.allow_membership(role)?;
            }
            let new = NewUser {
                name: user.name,
                password: Some(acting.instance.logins.hash(&user.password)?),
                default_role: user.default_role,
                comment: user.comment,
            };
            catalog
                .create_user(permit.actor(), new, on_exists)
                .about(Subject::User)
        })
        .await
    }

    pub(crate) async fn alter_user(
        &self,
        name: String,
        property: UserProperty,
        expected: Expected,
    ) -> Result<Altered<UserRecord>> {
        let object = Object::User(name.clone());
        self.act(
            Operation::AlterUser,
            object.clone(),
            move |acting, permit| {
                acting.allow_changing_user(Operation::AlterUser, &object, &name)?;
                acting.existing_user(permit, &name)?;
                acting.allow_touching_admin(permit, &name)?;
                acting.set_user_property(permit, &name, property, expected)
            },
        )
        .await
    }

    /// Changes the caller's own password.
    pub(crate) async fn set_own_password(&self, password: SecretString) -> Result<()> {
        let name = self.principal.user().to_owned();
        let object = Object::User(name.clone());
        self.act(
            Operation::ChangeOwnPassword,
            object.clone(),
            move |acting, permit| {
                acting.allow_changing_user(Operation::ChangeOwnPassword, &object, &name)?;
                let property = UserProperty::Password(password);
                acting.set_user_property(permit, &name, property, Expected::Any)?;
                Ok(())
            },
        )
        .await
    }

    pub(crate) async fn drop_user(&self, name: String, expected: Expected) -> Result<UserRecord> {
        let object = Object::User(name.clone());
        self.act(Operation::DropUser, object, move |acting, permit| {
            acting.existing_user(permit, &name)?;
            acting.allow_touching_admin(permit, &name)?;
            acting
                .instance
                .catalog
                .drop_user(permit.actor(), &name, expected)
                .about(Subject::User)
        })
        .await
    }

    /// The account's users, each with the names of its roles.
    pub(crate) async fn users(&self) -> Result<Vec<(UserRecord, Vec<RoleRecord>)>> {
        self.act(Operation::ShowUsers, Object::Account, |acting, permit| {
            let catalog = &acting.instance.catalog;
            catalog
                .users(permit.account())?
                .into_iter()
                .map(|user| {
                    let roles = catalog.roles_of(permit.account(), &user.name)?;
                    Ok((user, roles))
                })
                .collect()
        })
        .await
    }

    /// A user with its roles: one's own, or for who may do this with users, anyone's.
    pub(crate) async fn user_record(
        &self,
        name: String,
        operation: Operation,
    ) -> Result<(UserRecord, Vec<RoleRecord>)> {
        let operation = if name == self.principal.user() {
            Operation::ShowOwnGrants
        } else {
            operation
        };
        self.act(
            operation,
            Object::User(name.clone()),
            move |acting, permit| {
                let user = acting.existing_user(permit, &name)?;
                let roles = acting.instance.catalog.roles_of(permit.account(), &name)?;
                Ok((user, roles))
            },
        )
        .await
    }

    /// The version that an etag, `id-version`, stands for; empty is any.
    ///
    /// # Errors
    /// [`Reason::IdentityVersionConflict`].
    pub(crate) async fn expected_user(
        &self,
        name: String,
        etag: &str,
        operation: Operation,
    ) -> Result<Expected> {
        if etag.is_empty() {
            return Ok(Expected::Any);
        }
        let (user, _) = self.user_record(name, operation).await?;
        let now = format!("{}-{}", user.id, user.version);
        if etag == now {
            return Ok(Expected::Version(user.version));
        }
        Err(Error::internal(
            Reason::IdentityVersionConflict,
            format_args!(
                "the user {} is at etag {now}, not at {}",
                user.name,
                etag.escape_default()
            ),
        ))
    }

    pub(crate) async fn create_role(
        &self,
        name: String,
        comment: String,
        on_exists: OnExists,
    ) -> Result<Created<RoleRecord>> {
        let object = Object::Role(name.clone());
        self.act(Operation::CreateRole, object, move |acting, permit| {
            acting
                .instance
                .catalog
                .create_role(permit.actor(), NewRole { name, comment }, on_exists)
                .about(Subject::Role)
        })
        .await
    }

    pub(crate) async fn drop_role(&self, name: String) -> Result<RoleRecord> {
        let object = Object::Role(name.clone());
        self.act(Operation::DropRole, object, move |acting, permit| {
            acting
                .instance
                .catalog
                .drop_role(permit.actor(), &name)
                .about(Subject::Role)
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

    pub(crate) async fn grant_role(&self, role: String, user: String) -> Result<bool> {
        self.act(
            Operation::Grant,
            Object::Role(role.clone()),
            move |acting, permit| {
                acting.allow_membership(&role)?;
                acting.existing_role(permit, &role)?;
                acting
                    .instance
                    .catalog
                    .grant_role(permit.actor(), &role, &user)
                    .about(Subject::User)
            },
        )
        .await
    }

    pub(crate) async fn revoke_role(&self, role: String, user: String) -> Result<bool> {
        self.act(
            Operation::Revoke,
            Object::Role(role.clone()),
            move |acting, permit| {
                acting.allow_membership(&role)?;
                acting.existing_role(permit, &role)?;
                acting
                    .instance
                    .catalog
                    .revoke_role(permit.actor(), &role, &user)
                    .about(Subject::User)
            },
        )
        .await
    }

    /// Grants to a role; `None` stands for every privilege on that kind of object.
    pub(crate) async fn grant(
        &self,
        role: String,
        on: GrantObject,
        privileges: Option<PrivilegeSet>,
    ) -> Result<Granted> {
        let database = self.database().to_owned();
        self.act(
            Operation::Grant,
            Object::Role(role.clone()),
            move |acting, permit| {
                let (on, all) = acting.securable(permit, &on, &database)?;
                acting
                    .instance
                    .catalog
                    .grant(permit.actor(), &role, on, privileges.unwrap_or(all))
                    .about(Subject::Grant)
            },
        )
        .await
    }

    pub(crate) async fn revoke(
        &self,
        role: String,
        on: GrantObject,
        privileges: Option<PrivilegeSet>,
    ) -> Result<Revoked> {
        let database = self.database().to_owned();
        self.act(
            Operation::Revoke,
            Object::Role(role.clone()),
            move |acting, permit| {
                let (on, all) = acting.securable(permit, &on, &database)?;
                acting
                    .instance
                    .catalog
                    .revoke(permit.actor(), &role, on, privileges.unwrap_or(all))
                    .about(Subject::Grant)
            },
        )
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

/// What IF NOT EXISTS answers.
pub(super) fn kept<R>(record: R) -> Created<R> {
    Created {
        record,
        outcome: catalog::CreateOutcome::Kept,
        replaced: None,
    }
}

impl Acting {
    fn existing_account(&self, name: &str) -> Result<AccountRecord> {
        self.instance.catalog.account(name)?.ok_or_else(|| {
            Error::internal(
                Reason::AccountNotFound,
                format_args!("the account {name} not exists"),
            )
        })
    }

    pub(super) fn existing_user(&self, permit: &Permit, name: &str) -> Result<UserRecord> {
        self.instance
            .catalog
            .user(permit.account(), name)?
            .ok_or_else(|| {
                Error::internal(
                    Reason::UserNotFound,
                    format_args!("the user {name} not exists"),
                )
            })
    }

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
    fn allow_membership(&self, role: &str) -> Result<()> {
        let admin_role = catalog::admin_role(self.principal.account());
        if role == admin_role {
            self.allow(Operation::GrantAdmin, &Object::Role(role.to_owned()))?;
        }
        Ok(())
    }

    /// An administrator's password, lock and life are changed by administrators only: ALTER USER must not become
    /// a way to act as one.
    pub(super) fn allow_touching_admin(&self, permit: &Permit, user: &str) -> Result<()> {
        let admin_role = catalog::admin_role(permit.account());
        let roles = self.instance.catalog.roles_of(permit.account(), user)?;
        if roles.iter().any(|role| role.name == admin_role) {
            self.allow(Operation::GrantAdmin, &Object::User(user.to_owned()))?;
        }
        Ok(())
    }

    fn set_user_property(
        &self,
        permit: &Permit,
        name: &str,
        property: UserProperty,
        expected: Expected,
    ) -> Result<Altered<UserRecord>> {
        let change = match property {
            UserProperty::Password(password) => {
                UserChange::Password(self.instance.logins.hash(&password)?)
            }
            UserProperty::Locked(locked) => UserChange::Locked(locked),
            UserProperty::DefaultRole(role) => UserChange::DefaultRole(role),
            UserProperty::Comment(comment) => UserChange::Comment(comment),
        };
        self.instance
            .catalog
            .alter_user(permit.actor(), name, change, expected)
            .about(Subject::User)
    }
}
