//! Strategies for accounts, users, roles, grants, tokens and sessions.

use proptest::prelude::*;
use stagedoor_parser::*;

use super::{credential_value, maybe_text, name, spanned_text, table_name, text};

/// Each name once: as often as the parser takes it.
fn names() -> impl Strategy<Value = Vec<Name>> {
    prop::collection::vec(name(), 1..4)
        .prop_map(|names| {
            let mut once: Vec<Name> = Vec::new();
            for name in names {
                if !once.contains(&name) {
                    once.push(name);
                }
            }
            once
        })
        .boxed()
}

/// Role names, the word that means no role among them.
fn role() -> impl Strategy<Value = Name> {
    let words = prop::sample::select(vec!["none", "default", "role", "user", "all"]);
    prop_oneof![3 => name(), 1 => words.prop_map(|word| word.to_owned().into())].boxed()
}

fn new_user(secret: &'static str) -> impl Strategy<Value = NewUser> {
    (name(), credential_value(secret)).prop_map(|(name, password)| NewUser { name, password })
}

fn not_empty(text: impl Strategy<Value = String>) -> impl Strategy<Value = Spanned<String>> {
    text.prop_filter("not empty", |text| !text.is_empty())
        .prop_map(Spanned::from)
}

/// A plan with at least one secret or parameter.
pub(super) fn access_with_secret(secret: &'static str) -> impl Strategy<Value = Plan> {
    let account = (any::<bool>(), name(), new_user(secret), maybe_text());
    let users = (
        prop::collection::vec(new_user(secret), 1..4),
        any::<bool>(),
        prop::option::of(role()),
        maybe_text(),
    );
    prop_oneof![
        account.prop_map(|(if_not_exists, name, admin, comment)| {
            Plan::CreateAccount(CreateAccount {
                if_not_exists,
                name,
                admin,
                comment,
            })
        }),
        (any::<bool>(), name(), new_user(secret)).prop_map(|(if_exists, name, admin)| {
            Plan::AlterAccount(AlterAccount {
                if_exists,
                name,
                action: AlterAccountAction::Admin(admin),
            })
        }),
        users.prop_map(|(mut users, if_not_exists, default_role, comment)| {
            users.dedup_by(|a, b| a.name == b.name);
            let mut seen: Vec<Name> = Vec::new();
            users.retain(|user| {
                let first = !seen.contains(&user.name);
                seen.push(user.name.clone());
                first
            });
            Plan::CreateUser(CreateUser {
                if_not_exists,
                users,
                default_role,
                comment,
            })
        }),
        (any::<bool>(), name(), credential_value(secret)).prop_map(
            |(if_exists, name, password)| {
                Plan::AlterUser(AlterUser {
                    if_exists,
                    name,
                    action: AlterUserAction::Password(password),
                })
            }
        ),
        credential_value(secret).prop_map(Plan::SetPassword),
    ]
    .boxed()
}

fn object() -> impl Strategy<Value = GrantObject> {
    let stage = prop::sample::select(vec!["stage", "table", "account", "to", "from"]);
    prop_oneof![
        Just(GrantObject::Account),
        Just(GrantObject::AllDatabases),
        name().prop_map(GrantObject::Database),
        Just(GrantObject::AllTables),
        prop::option::of(name()).prop_map(GrantObject::TablesOf),
        table_name().prop_map(GrantObject::Table),
        Just(GrantObject::AllStages),
        prop_oneof![name(), stage.prop_map(|word| word.to_owned().into())]
            .prop_map(GrantObject::Stage),
    ]
    .boxed()
}

fn grant() -> impl Strategy<Value = Grant> {
    let privileges = object().prop_flat_map(|object| {
        let known = object.kind().privileges();
        let some = known.iter().copied().skip(1).collect::<Vec<_>>();
        let some = prop::sample::subsequence(some.clone(), 1..=some.len());
        (prop_oneof![some, Just(vec![Privilege::All])], Just(object))
    });
    (privileges, prop::collection::vec(role(), 1..3))
        .prop_map(|((privileges, object), mut roles)| {
            roles.dedup();
            Grant {
                privileges: privileges.into_iter().map(Spanned::from).collect(),
                object: object.into(),
                roles,
            }
        })
        .boxed()
}

fn role_grant() -> impl Strategy<Value = RoleGrant> {
    (names(), names())
        .prop_map(|(roles, users)| RoleGrant { roles, users })
        .boxed()
}

fn set_variable() -> impl Strategy<Value = Plan> {
    let literal = prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        "-?[0-9]{1,4}(\\.[0-9]{1,3})?".prop_map(Literal::Number),
        text().prop_map(Literal::String),
    ];
    let words = prop::sample::select(vec!["names", "role", "kill", "session", "global"]);
    let variable = prop_oneof![name(), words.prop_map(|word| word.to_owned().into())];
    let value = prop::option::of(literal.prop_map(Spanned::from));
    prop::collection::vec((variable, value), 1..4)
        .prop_map(|pairs| {
            let mut assignments: Vec<Assignment> = Vec::new();
            for (name, value) in pairs {
                if assignments.iter().all(|known| known.name != name) {
                    assignments.push(Assignment { name, value });
                }
            }
            Plan::SetVariable(SetVariable { assignments })
        })
        .boxed()
}

fn alterations() -> impl Strategy<Value = Plan> {
    let account = prop_oneof![
        Just(AlterAccountAction::Suspend),
        Just(AlterAccountAction::Open),
        spanned_text().prop_map(AlterAccountAction::Comment),
    ];
    let user = prop_oneof![
        Just(AlterUserAction::Lock),
        Just(AlterUserAction::Unlock),
        prop::option::of(role()).prop_map(AlterUserAction::DefaultRole),
        spanned_text().prop_map(AlterUserAction::Comment),
    ];
    prop_oneof![
        (any::<bool>(), name(), account).prop_map(|(if_exists, name, action)| {
            Plan::AlterAccount(AlterAccount {
                if_exists,
                name,
                action,
            })
        }),
        (any::<bool>(), name(), user).prop_map(|(if_exists, name, action)| {
            Plan::AlterUser(AlterUser {
                if_exists,
                name,
                action,
            })
        }),
    ]
    .boxed()
}

/// A plan without a secret.
pub(super) fn access() -> impl Strategy<Value = Plan> {
    let token = (
        maybe_text(),
        prop::option::of(name()),
        prop::option::of((1u64.., any::<bool>())),
    );
    let kill = (any::<bool>(), not_empty(text()));
    prop_oneof![
        alterations(),
        grant().prop_map(Plan::Grant),
        grant().prop_map(Plan::Revoke),
        role_grant().prop_map(Plan::GrantRole),
        role_grant().prop_map(Plan::RevokeRole),
        set_variable(),
        (any::<bool>(), name())
            .prop_map(|(if_exists, name)| Plan::DropAccount(DropAccount { if_exists, name })),
        maybe_text().prop_map(|like| Plan::ShowAccounts { like }),
        (any::<bool>(), names())
            .prop_map(|(if_exists, users)| Plan::DropUser(DropUser { if_exists, users })),
        maybe_text().prop_map(|like| Plan::ShowUsers { like }),
        (any::<bool>(), names(), prop::option::of(spanned_text())).prop_map(
            |(if_not_exists, roles, comment)| {
                Plan::CreateRole(CreateRole {
                    if_not_exists,
                    roles,
                    comment,
                })
            }
        ),
        (any::<bool>(), names())
            .prop_map(|(if_exists, roles)| Plan::DropRole(DropRole { if_exists, roles })),
        maybe_text().prop_map(|like| Plan::ShowRoles { like }),
        role().prop_map(|role| Plan::SetRole(SetRole::Role(role))),
        Just(Plan::SetRole(SetRole::None)),
        Just(Plan::SetRole(SetRole::Default)),
        Just(Plan::ShowGrants(ShowGrants { of: None })),
        role().prop_map(|role| Plan::ShowGrants(ShowGrants {
            of: Some(Grantee::Role(role))
        })),
        role().prop_map(|user| Plan::ShowGrants(ShowGrants {
            of: Some(Grantee::User(user))
        })),
        token.prop_map(|(label, user, expires)| {
            let seconds =
                expires.map(|(n, days)| if days { n % 1000 * 86_400 + 86_400 } else { n });
            Plan::CreateToken(CreateToken {
                label,
                user,
                expires_in_seconds: seconds.map(Spanned::from),
            })
        }),
        not_empty(text()).prop_map(Plan::RevokeToken),
        proptest::option::of(role()).prop_map(|of| Plan::ShowTokens { of }),
        Just(Plan::ShowSessions),
        any::<bool>().prop_map(|full| Plan::ShowProcesses { full }),
        kill.prop_map(|(query, id)| {
            let scope = if query {
                KillScope::Query
            } else {
                KillScope::Connection
            };
            Plan::Kill(Kill { scope, id })
        }),
    ]
    .boxed()
}
