//! What the random test does in and to accounts beside their data: users, roles, grants, tokens.

use proptest::prelude::*;
use proptest::sample::select;
use stagedoor_catalog::{
    Actor, Catalog, Error, ErrorKind, Expected, NewToken, NewUser, OnExists, PasswordHash,
    Privilege, PrivilegeSet, Request, Securable, UserChange, admin_role,
};

use super::tenants::World;
use super::{Step, step};
use crate::fixture::{new_account, new_role, root};

/// The accounts, which all use the same names in them.
pub(crate) const ACCOUNTS: [&str; 3] = ["acme", "acme2", "sys"];
pub(crate) const USERS: [&str; 3] = ["ann", "bob", "root"];
pub(crate) const ROLES: [&str; 5] = ["r", "q", "public", "accountadmin", "moadmin"];

#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// In the account, with the role.
    Data(&'static str, &'static str, Step),
    Identity(&'static str, IdentityStep),
    CreateAccount(&'static str, OnExists),
    DropAccount(&'static str),
}

#[derive(Clone, Debug)]
pub(crate) enum IdentityStep {
    CreateUser(&'static str, Option<&'static str>, OnExists),
    DropUser(&'static str),
    AlterUser(&'static str, Alteration),
    CreateRole(&'static str, OnExists),
    DropRole(&'static str),
    GrantRole(&'static str, &'static str),
    RevokeRole(&'static str, &'static str),
    Grant(&'static str, Securable, PrivilegeSet),
    Revoke(&'static str, Securable, PrivilegeSet),
    CreateToken(&'static str),
    RevokeTokens(&'static str),
}

#[derive(Clone, Debug)]
pub(crate) enum Alteration {
    Password(&'static str),
    Locked(bool),
    DefaultRole(Option<&'static str>),
}

fn identity_step() -> impl Strategy<Value = IdentityStep> {
    use IdentityStep::*;
    let user = || select(&USERS[..]);
    let some_role = || proptest::option::weighted(0.4, role());
    let alteration = prop_oneof![
        select(vec!["one", "two"]).prop_map(Alteration::Password),
        any::<bool>().prop_map(Alteration::Locked),
        some_role().prop_map(Alteration::DefaultRole),
    ];
    prop_oneof![
        4 => (user(), some_role(), on_exists()).prop_map(|(u, r, o)| CreateUser(u, r, o)),
        4 => user().prop_map(DropUser),
        8 => (user(), alteration).prop_map(|(u, a)| AlterUser(u, a)),
        6 => (role(), on_exists()).prop_map(|(r, o)| CreateRole(r, o)),
        2 => role().prop_map(DropRole),
        4 => (role(), user()).prop_map(|(r, u)| GrantRole(r, u)),
        2 => (role(), user()).prop_map(|(r, u)| RevokeRole(r, u)),
        12 => granting().prop_map(|(r, s, p)| Grant(r, s, p)),
        9 => granting().prop_map(|(r, s, p)| Revoke(r, s, p)),
        6 => user().prop_map(CreateToken),
        1 => user().prop_map(RevokeTokens),
    ]
}

/// Mostly those that can be dropped.
fn role() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => select(&ROLES[..2]), 2 => select(&ROLES[..])]
}

/// Mostly the one in which most then happens.
fn account() -> impl Strategy<Value = &'static str> {
    prop_oneof![2 => Just(ACCOUNTS[0]), 2 => select(&ACCOUNTS[..])]
}

fn on_exists() -> impl Strategy<Value = OnExists> {
    select(vec![OnExists::Error, OnExists::Keep, OnExists::Replace])
}

fn securable() -> impl Strategy<Value = Securable> {
    prop_oneof![
        select(vec![
            Securable::Account,
            Securable::Databases,
            Securable::Tables,
            Securable::Stages,
        ]),
        (1..3_u64).prop_map(Securable::Database),
        (1..3_u64).prop_map(Securable::TablesOf),
        (1..4_u64).prop_map(Securable::Table),
        (1..4_u64).prop_map(Securable::Stage),
    ]
}

/// Half of them fit and name what always exists.
fn granting() -> impl Strategy<Value = (&'static str, Securable, PrivilegeSet)> {
    let read = PrivilegeSet::of(&[Privilege::Read]);
    let rows = PrivilegeSet::of(&[Privilege::Select, Privilege::Insert]);
    let fitting = vec![(Securable::Stages, read), (Securable::Tables, rows)];
    let any = (securable(), privileges());
    (role(), prop_oneof![select(fitting), any]).prop_map(|(role, (on, set))| (role, on, set))
}

fn privileges() -> impl Strategy<Value = PrivilegeSet> {
    let sets: [&[Privilege]; 6] = [
        &[],
        &[Privilege::CreateUser],
        &[Privilege::Ownership],
        &[Privilege::Select, Privilege::Insert],
        &[Privilege::Read],
        &[Privilege::Read, Privilege::Write],
    ];
    select(sets.map(PrivilegeSet::of).to_vec())
}

pub(crate) fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (account(), role(), step()).prop_map(|(a, r, s)| Act::Data(a, r, s)),
        18 => (account(), identity_step()).prop_map(|(a, s)| Act::Identity(a, s)),
        1 => (account(), on_exists()).prop_map(|(a, o)| Act::CreateAccount(a, o)),
        1 => account().prop_map(Act::DropAccount),
    ]
}

/// What is there to begin with, so that most of the random acts find something.
pub(crate) fn first_acts() -> Vec<Act> {
    let steps = [
        IdentityStep::CreateRole("r", OnExists::Error),
        IdentityStep::CreateRole("q", OnExists::Error),
        IdentityStep::CreateUser("bob", Some("r"), OnExists::Error),
        IdentityStep::GrantRole("accountadmin", "bob"),
    ];
    let steps = steps.into_iter().map(|step| Act::Identity("acme", step));
    std::iter::once(Act::CreateAccount("acme", OnExists::Error))
        .chain(steps)
        .collect()
}

/// Does one act, in a request; the answer is only whether and how it failed.
pub(crate) fn run(
    catalog: &Catalog,
    world: &World,
    act: &Act,
    request: &Request,
) -> Result<(), ErrorKind> {
    let kind = |e: Error| e.kind();
    let root = root().with_request(request.clone());
    match act {
        Act::Data(account, role, step) => {
            let actor = Actor::new(*account, "op", *role).with_request(request.clone());
            super::run(catalog, &actor, world.exports(account), step)
        }
        Act::Identity(account, step) => {
            // Who may change administrators; that others may not is tested by itself.
            let role = admin_role(account);
            let actor = Actor::new(*account, "op", role).with_request(request.clone());
            run_identity(catalog, &actor, world, step).map_err(kind)
        }
        Act::CreateAccount(name, on_exists) => catalog
            .create_account(&root, new_account(name), *on_exists)
            .map(drop)
            .map_err(kind),
        Act::DropAccount(name) => catalog
            .drop_account(&root, name, Expected::Any)
            .map(drop)
            .map_err(kind),
    }
}

fn run_identity(
    catalog: &Catalog,
    actor: &Actor,
    world: &World,
    step: &IdentityStep,
) -> Result<(), Error> {
    match step.clone() {
        IdentityStep::CreateUser(name, role, on_exists) => {
            let new = NewUser {
                name: name.into(),
                password: None,
                default_role: role.map(str::to_owned),
                comment: String::new(),
            };
            catalog.create_user(actor, new, on_exists).map(drop)
        }
        IdentityStep::DropUser(name) => catalog.drop_user(actor, name, Expected::Any).map(drop),
        IdentityStep::AlterUser(name, alteration) => {
            let change = match alteration {
                Alteration::Password(text) => UserChange::Password(PasswordHash::new(text)),
                Alteration::Locked(locked) => UserChange::Locked(locked),
                Alteration::DefaultRole(role) => UserChange::DefaultRole(role.map(str::to_owned)),
            };
            catalog
                .alter_user(actor, name, [change], Expected::Any)
                .map(drop)
        }
        IdentityStep::CreateRole(name, on_exists) => catalog
            .create_role(actor, new_role(name), on_exists)
            .map(drop),
        IdentityStep::DropRole(name) => catalog.drop_role(actor, name, Expected::Any).map(drop),
        IdentityStep::GrantRole(role, user) => catalog.grant_role(actor, role, user).map(drop),
        IdentityStep::RevokeRole(role, user) => catalog.revoke_role(actor, role, user).map(drop),
        IdentityStep::Grant(role, on, privileges) => {
            catalog.grant(actor, role, on, privileges).map(drop)
        }
        IdentityStep::Revoke(role, on, privileges) => {
            catalog.revoke(actor, role, on, privileges).map(drop)
        }
        IdentityStep::CreateToken(name) => {
            let user = catalog.user(&actor.account, name)?;
            let number = world.tokens_made() + 1;
            let new = NewToken {
                id: format!("0192f0c1-2345-4abc-8def-{number:012x}"),
                hash: [number; 32],
                user: name.into(),
                user_id: user.as_ref().map_or(0, |user| user.id),
                password_epoch: user.map_or(0, |user| user.password_epoch),
                role: None,
                label: String::new(),
                expires_us: u64::MAX,
                user_tokens_max: usize::MAX,
            };
            catalog.create_token(actor, new).map(drop)
        }
        IdentityStep::RevokeTokens(name) => catalog.revoke_tokens_of(actor, name).map(drop),
    }
}
