//! The operations on accounts and users. SQL and AccountService both end here.

use catalog::{
    AccountChange, AccountRecord, Altered, Created, ErrorKind, Expected, NewAccount, NewUser,
    OnExists, PasswordHash, RoleRecord, UserChange, UserRecord,
};
use secrecy::SecretString;

use crate::error::{About, Error, Reason, Result, Subject, about};
use crate::gate::{Acting, Object, Operation, Permit};

use super::{ChangeMode, Session};

/// Users that one statement makes, at most.
const USERS_AT_ONCE_MAX: usize = 1000;

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

impl Session {
    pub(crate) async fn create_account(
        &self,
        name: String,
        admin: (String, SecretString),
        comment: String,
        on_exists: OnExists,
        mode: ChangeMode,
    ) -> Result<Created<AccountRecord>> {
        let object = Object::OtherAccount(name.clone());
        self.change(
            Operation::CreateAccount,
            object,
            mode,
            move |acting, permit| {
                let catalog = &acting.instance.catalog;
                // Before the password is hashed, which takes its time.
                if !permit.may_be_repeated()
                    && let (Some(existing), OnExists::Keep) = (catalog.account(&name)?, on_exists)
                {
                    return Ok(kept(existing));
                }
                let (admin_name, password) = admin;
                let new = NewAccount {
                    name,
                    admin_password: acting.hash(permit, &admin_name, &password)?,
                    admin_name,
                    comment,
                    default_database: Some(acting.instance.settings.default_database.clone()),
                };
                catalog
                    .create_account(permit.actor(), new, on_exists)
                    .about(Subject::Account)
            },
        )
        .await
    }

    /// Sets properties of an account, all of them in one version.
    pub(crate) async fn alter_account(
        &self,
        name: String,
        properties: Vec<AccountProperty>,
        expected: Expected,
        mode: ChangeMode,
    ) -> Result<Altered<AccountRecord>> {
        let operation = Operation::AlterAccount;
        let object = Object::OtherAccount(name.clone());
        self.change(operation, object.clone(), mode, move |acting, permit| {
            if !permit.may_be_repeated() {
                // Before the password is hashed.
                acting.existing_account(&name)?;
            }
            let is_own = name == permit.account();
            let changes = properties
                .into_iter()
                .map(|property| {
                    Ok(match property {
                        AccountProperty::Admin { name, password } => {
                            if is_own {
                                acting.allow_changing_user(operation, &object, &name)?;
                            }
                            let password = acting.hash(permit, &name, &password)?;
                            AccountChange::Admin { name, password }
                        }
                        AccountProperty::Suspended(suspended) => {
                            AccountChange::Suspended(suspended)
                        }
                        AccountProperty::Comment(comment) => AccountChange::Comment(comment),
                    })
                })
                .collect::<Result<Vec<_>>>()?;
            acting
                .instance
                .catalog
                .alter_account(permit.actor(), &name, changes, expected)
                .about(Subject::Account)
        })
        .await
    }

    /// Drops an account and everything in it but the files of external stages.
    pub(crate) async fn drop_account(
        &self,
        name: String,
        expected: Expected,
        mode: ChangeMode,
    ) -> Result<()> {
        let object = Object::OtherAccount(name.clone());
        self.change(
            Operation::DropAccount,
            object,
            mode,
            move |acting, permit| {
                let dropped = acting
                    .instance
                    .catalog
                    .drop_account(permit.actor(), &name, expected)
                    .about(Subject::Account)?;
                let Some(dropped) = dropped.filter(|_| !permit.is_trial()) else {
                    return Ok(());
                };
                let segments = dropped
                    .tables
                    .iter()
                    .flat_map(|table| table.segments())
                    .map(|segment| segment.file.clone());
                acting.instance.internal.remove_segments(segments);
                acting.instance.remains.notify_one();
                Ok(())
            },
        )
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
        mode: ChangeMode,
    ) -> Result<Created<UserRecord>> {
        let mut created = self.create_users(vec![user], on_exists, mode).await?;
        created
            .pop()
            .ok_or_else(|| Error::defect("a user was made without an answer"))
    }

    /// Makes users, all of them or none; gives what there is of each, in their order.
    pub(crate) async fn create_users(
        &self,
        users: Vec<UserToMake>,
        on_exists: OnExists,
        mode: ChangeMode,
    ) -> Result<Vec<Created<UserRecord>>> {
        // Each password takes its time to hash, which nothing ends.
        if users.len() > USERS_AT_ONCE_MAX {
            return Err(Error::invalid_input(
                Reason::LimitExceeded,
                format_args!(
                    "{} users in one statement, of at most {USERS_AT_ONCE_MAX}; use several",
                    users.len()
                ),
            ));
        }
        let object = |user: &UserToMake| Object::User(user.name.clone());
        let objects = users.iter().map(object).collect();
        self.change_all(
            Operation::CreateUser,
            objects,
            mode,
            move |acting, permit| {
                let users = users
                    .into_iter()
                    .map(|user| acting.made_ready(permit, user, on_exists))
                    .collect::<Result<Vec<_>>>()?;
                acting
                    .instance
                    .catalog
                    .transaction(permit.actor(), |all| {
                        let made = users.into_iter().map(|user| match user {
                            ReadyUser::There(record) => Ok(kept(record)),
                            ReadyUser::New(new) => all.create_user(new, on_exists),
                        });
                        made.collect::<std::result::Result<Vec<_>, catalog::Error>>()
                    })
                    .about(Subject::User)
            },
        )
        .await
    }

    /// Sets properties of a user, all of them in one version. One's own password needs no privilege.
    ///
    /// # Errors
    /// [`Reason::UserNotFound`], [`Reason::IdentityVersionConflict`], [`Reason::IdentityInUse`].
    pub(crate) async fn alter_user(
        &self,
        name: String,
        properties: Vec<UserProperty>,
        expected: Expected,
        mode: ChangeMode,
    ) -> Result<Altered<UserRecord>> {
        let is_own_password = name == self.principal.user()
            && matches!(properties.as_slice(), [UserProperty::Password(_)]);
        let operation = if is_own_password {
            Operation::ChangeOwnPassword
        } else {
            Operation::AlterUser
        };
        self.change_user(operation, name, properties, expected, mode)
            .await
    }

    /// ALTER USER, which needs its privilege whoever the user is.
    ///
    /// # Errors
    /// Those of [`Session::alter_user`].
    pub(crate) async fn alter_user_by_statement(
        &self,
        name: String,
        property: UserProperty,
    ) -> Result<()> {
        let (operation, properties) = (Operation::AlterUser, vec![property]);
        self.change_user(
            operation,
            name,
            properties,
            Expected::Any,
            ChangeMode::default(),
        )
        .await?;
        Ok(())
    }

    /// Changes the caller's own password.
    pub(crate) async fn set_own_password(&self, password: SecretString) -> Result<()> {
        let name = self.principal.user().to_owned();
        let properties = vec![UserProperty::Password(password)];
        self.alter_user(name, properties, Expected::Any, ChangeMode::default())
            .await?;
        Ok(())
    }

    async fn change_user(
        &self,
        operation: Operation,
        name: String,
        properties: Vec<UserProperty>,
        expected: Expected,
        mode: ChangeMode,
    ) -> Result<Altered<UserRecord>> {
        let object = Object::User(name.clone());
        self.change(operation, object.clone(), mode, move |acting, permit| {
            acting.allow_changing_user(operation, &object, &name)?;
            if !permit.may_be_repeated() {
                // Before a password is hashed.
                acting.existing_user(permit, &name)?;
            }
            let changes = properties
                .into_iter()
                .map(|property| {
                    Ok(match property {
                        UserProperty::Password(password) => {
                            UserChange::Password(acting.hash(permit, &name, &password)?)
                        }
                        UserProperty::Locked(locked) => UserChange::Locked(locked),
                        UserProperty::DefaultRole(role) => UserChange::DefaultRole(role),
                        UserProperty::Comment(comment) => UserChange::Comment(comment),
                    })
                })
                .collect::<Result<Vec<_>>>()?;
            acting
                .instance
                .catalog
                .alter_user(permit.actor(), &name, changes, expected)
                .map_err(|error| acting.about_user(&name, Subject::User, error))
        })
        .await
    }

    pub(crate) async fn drop_user(
        &self,
        name: String,
        expected: Expected,
        mode: ChangeMode,
    ) -> Result<()> {
        self.drop_all_users(vec![(name, expected)], false, mode)
            .await?;
        Ok(())
    }

    /// Drops users, all of them or none. With `if_exists` those that do not exist are passed over, and are the answer.
    pub(crate) async fn drop_users(
        &self,
        names: Vec<String>,
        if_exists: bool,
    ) -> Result<Vec<String>> {
        let users = names.into_iter().map(|name| (name, Expected::Any));
        self.drop_all_users(users.collect(), if_exists, ChangeMode::default())
            .await
    }

    async fn drop_all_users(
        &self,
        users: Vec<(String, Expected)>,
        if_exists: bool,
        mode: ChangeMode,
    ) -> Result<Vec<String>> {
        let objects = users.iter().map(|(name, _)| Object::User(name.clone()));
        let objects = objects.collect();
        self.change_all(Operation::DropUser, objects, mode, move |acting, permit| {
            let catalog = &acting.instance.catalog;
            let mut at = "";
            let dropped = catalog.transaction(permit.actor(), |all| {
                let mut missing = Vec::new();
                for (name, expected) in &users {
                    at = name;
                    match all.drop_user(name, *expected) {
                        Ok(_) => {}
                        Err(error) if if_exists && error.kind() == ErrorKind::NotFound => {
                            missing.push(name.clone());
                        }
                        Err(error) => return Err(error),
                    }
                }
                Ok(missing)
            });
            dropped.map_err(|error| acting.about_user(at, Subject::User, error))
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
}

/// A user that is to be made, as far as the catalog need not decide about it.
enum ReadyUser {
    /// They are there, and IF NOT EXISTS was said.
    There(UserRecord),
    New(NewUser),
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
    /// A user that may be made, with the password hashed.
    fn made_ready(
        &self,
        permit: &Permit,
        user: UserToMake,
        on_exists: OnExists,
    ) -> Result<ReadyUser> {
        // It may have been made by this very request, which the catalog remembers.
        if !permit.may_be_repeated()
            && let Some(existing) = self.instance.catalog.user(permit.account(), &user.name)?
        {
            match on_exists {
                OnExists::Keep => return Ok(ReadyUser::There(existing)),
                OnExists::Error => {
                    return Err(Error::internal(
                        Reason::UserExists,
                        format_args!("the user {} exists", user.name),
                    ));
                }
                OnExists::Replace => {}
            }
        }
        if let Some(role) = &user.default_role {
            // It makes the user a member: who may only make users may not give out roles by that.
            self.allow(Operation::Grant, &Object::Role(role.clone()))?;
            self.allow_membership(role)?;
        }
        Ok(ReadyUser::New(NewUser {
            password: Some(self.hash(permit, &user.name, &user.password)?),
            name: user.name,
            default_role: user.default_role,
            comment: user.comment,
        }))
    }

    /// The hash of a new password of a user; in a change that may be given again the same one each time.
    fn hash(&self, permit: &Permit, user: &str, password: &SecretString) -> Result<PasswordHash> {
        let salted_by = permit.request_id().map(|id| [permit.account(), user, id]);
        self.instance.logins.hash(password, salted_by)
    }

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

    /// What the catalog says of a change of a user. That an administrator's password, lock and life are changed by
    /// administrators only it decides within the change, so that nobody becomes one meanwhile.
    pub(super) fn about_user(&self, user: &str, subject: Subject, error: catalog::Error) -> Error {
        if error.kind() == ErrorKind::Forbidden {
            return self.denied(Operation::GrantAdmin, &Object::User(user.to_owned()));
        }
        about(subject, error)
    }
}
