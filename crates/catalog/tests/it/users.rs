//! Users: made, changed, dropped, and an account's last admin stays.

use stagedoor_catalog::{
    Actor, CreateOutcome, ErrorKind, Expected, NewUser, OnExists, PasswordHash, UserChange,
};

use crate::fixture::{ann, create_role, create_user, open, refused, root, with_acme};

fn new_user(name: &str, default_role: Option<&str>) -> NewUser {
    NewUser {
        name: name.into(),
        password: None,
        default_role: default_role.map(str::to_owned),
        comment: "c".into(),
    }
}

#[test]
fn a_user_is_created_once_in_each_account() {
    let (dir, catalog) = with_acme();
    let role = create_role(&catalog, &ann(), "analyst");
    let create = |new, on_exists| catalog.create_user(&ann(), new, on_exists);
    let made = create(new_user("bob", Some("analyst")), OnExists::Error).unwrap();
    let bob = made.record;
    assert_eq!(
        (bob.version, bob.password_epoch, bob.locked, &bob.password),
        (1, 1, false, &None)
    );
    assert_eq!(bob.default_role, Some(role.id));
    let roles: Vec<_> = catalog
        .roles_of("acme", "bob")
        .unwrap()
        .into_iter()
        .map(|r| r.name)
        .collect();
    assert_eq!(roles, ["analyst", "public"]);

    let again = create(new_user("bob", None), OnExists::Error);
    refused(again, ErrorKind::AlreadyExists, "the user bob exists");
    let kept = create(new_user("bob", Some("none")), OnExists::Keep).unwrap();
    assert_eq!((kept.outcome, &kept.record), (CreateOutcome::Kept, &bob));
    let no_role = create(new_user("eve", Some("none")), OnExists::Error);
    refused(no_role, ErrorKind::NotFound, "the role none not exists");
    for name in ["", "a:b", "a#", "a/b", "a b"] {
        let error = create(new_user(name, None), OnExists::Error).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?}");
    }
    assert_eq!(catalog.user("sys", "bob").unwrap(), None);
    create_user(&catalog, &root(), "bob");
    drop(catalog);
    let catalog = open(dir.path());
    assert_eq!(catalog.user("acme", "bob").unwrap(), Some(bob));
    let page = catalog.users_page("acme", Some("ann"), 5).unwrap();
    assert_eq!((page.len(), page[0].name.as_str()), (1, "bob"));
    assert_eq!(catalog.users("sys").unwrap().len(), 2);
}

#[test]
fn alter_changes_one_thing_and_ends_tokens_where_it_must() {
    let (_dir, catalog) = with_acme();
    create_user(&catalog, &ann(), "bob");
    let alter = |change, expected| catalog.alter_user(&ann(), "bob", [change], expected);
    let epoch = |change| alter(change, Expected::Any).unwrap().record.password_epoch;
    let password = |text: &str| UserChange::Password(PasswordHash::new(text));
    assert_eq!(epoch(password("2")), 2);
    assert_eq!(epoch(UserChange::Comment("c".into())), 2);
    assert_eq!(epoch(UserChange::Locked(true)), 3);
    assert_eq!(epoch(UserChange::Locked(false)), 3);
    let user = catalog.user("acme", "bob").unwrap().unwrap();
    assert_eq!((user.version, user.comment.as_str()), (5, "c"));

    let seq = catalog.last_seq();
    for same in [
        password("2"),
        UserChange::Locked(false),
        UserChange::DefaultRole(None),
        UserChange::Comment("c".into()),
    ] {
        let altered = alter(same, Expected::Version(5)).unwrap();
        assert_eq!((altered.changed, &altered.record), (false, &user));
    }
    assert_eq!(catalog.last_seq(), seq);
    refused(
        alter(password("3"), Expected::Version(4)),
        ErrorKind::Conflict,
        "the user bob is at version 5, not at the expected version 4",
    );
    refused(
        catalog.alter_user(&ann(), "eve", [password("3")], Expected::Any),
        ErrorKind::NotFound,
        "the user eve not exists",
    );

    let role = create_role(&catalog, &ann(), "analyst");
    let default = |name: &str| UserChange::DefaultRole(Some(name.into()));
    refused(
        alter(default("analyst"), Expected::Any),
        ErrorKind::Invalid,
        "the user bob does not have the role analyst; grant it first",
    );
    catalog.grant_role(&ann(), "analyst", "bob").unwrap();
    let altered = alter(default("analyst"), Expected::Any).unwrap();
    assert_eq!(altered.record.default_role, Some(role.id));
    assert!(alter(default("public"), Expected::Any).unwrap().changed);
}

#[test]
fn several_changes_are_one_version_or_none() {
    let (_dir, catalog) = with_acme();
    create_user(&catalog, &ann(), "bob");
    let comment = || UserChange::Comment("c".into());
    let alter =
        |changes: Vec<UserChange>| catalog.alter_user(&ann(), "bob", changes, Expected::Any);
    let before = catalog.user("acme", "bob").unwrap();
    let wrong = UserChange::DefaultRole(Some("nosuch".into()));
    alter(vec![comment(), wrong]).unwrap_err();
    assert_eq!(catalog.user("acme", "bob").unwrap(), before);
    let altered = alter(vec![comment(), UserChange::Locked(true)]).unwrap();
    let bob = altered.record;
    assert_eq!(
        (bob.version, bob.comment.as_str(), bob.locked),
        (2, "c", true)
    );
    assert!(!alter(Vec::new()).unwrap().changed);
}

/// Decided within the change: whoever becomes an administrator meanwhile is one already.
#[test]
fn administrators_are_changed_in_the_admin_role_only() {
    let (_dir, catalog) = with_acme();
    create_user(&catalog, &ann(), "bob");
    create_role(&catalog, &ann(), "hr");
    let hr = Actor::new("acme", "carol", "hr");
    let alter = |actor: &Actor, name: &str| {
        let change = UserChange::Comment("c".into());
        catalog
            .alter_user(actor, name, [change], Expected::Any)
            .map(drop)
    };
    let message = |user: &str| {
        format!("the user {user} has the role accountadmin, and is changed in that role only")
    };
    alter(&hr, "bob").unwrap();
    refused(alter(&hr, "ann"), ErrorKind::Forbidden, &message("ann"));
    catalog.grant_role(&ann(), "accountadmin", "bob").unwrap();
    refused(alter(&hr, "bob"), ErrorKind::Forbidden, &message("bob"));
    refused(
        catalog.drop_user(&hr, "bob", Expected::Any).map(drop),
        ErrorKind::Forbidden,
        &message("bob"),
    );
    refused(
        catalog.revoke_tokens_of(&hr, "bob").map(drop),
        ErrorKind::Forbidden,
        &message("bob"),
    );
    // One's own, in whatever role.
    alter(&Actor::new("acme", "bob", "hr"), "bob").unwrap();
    catalog.revoke_role(&ann(), "accountadmin", "bob").unwrap();
    alter(&hr, "bob").unwrap();
}

#[test]
fn the_last_admin_stays() {
    let (_dir, catalog) = with_acme();
    let bob = Actor::new("acme", "bob", "accountadmin");
    create_user(&catalog, &ann(), "bob");
    let drop_ann = || catalog.drop_user(&bob, "ann", Expected::Any).map(drop);
    let lock = |name: &str, locked| {
        catalog
            .alter_user(&bob, name, [UserChange::Locked(locked)], Expected::Any)
            .map(drop)
    };
    let revoke = || catalog.revoke_role(&bob, "accountadmin", "ann").map(drop);
    let message = |doing| {
        format!(
            "the user ann is the last unlocked one with the role accountadmin and cannot be {doing}; grant the role to another user first"
        )
    };
    let refused_all = || {
        refused(drop_ann(), ErrorKind::InUse, &message("dropped"));
        refused(lock("ann", true), ErrorKind::InUse, &message("locked"));
        let without = message("without the role accountadmin");
        refused(revoke(), ErrorKind::InUse, &without);
    };
    refused_all();
    // Another admin who is locked does not count, nor does one of another account.
    catalog.grant_role(&bob, "accountadmin", "bob").unwrap();
    lock("bob", true).unwrap();
    refused_all();
    lock("bob", false).unwrap();
    lock("ann", true).unwrap();
    // Ann is locked already, so she may go.
    revoke().unwrap();
    drop_ann().unwrap();
    assert_eq!(catalog.users("acme").unwrap().len(), 1);
    let last = catalog.revoke_role(&ann(), "accountadmin", "bob");
    assert_eq!(last.unwrap_err().kind(), ErrorKind::InUse);
}

#[test]
fn dropping_a_user() {
    let (_dir, catalog) = with_acme();
    let bob = create_user(&catalog, &ann(), "bob");
    create_role(&catalog, &ann(), "r");
    catalog.grant_role(&ann(), "r", "bob").unwrap();
    refused(
        catalog.drop_user(&Actor::new("acme", "bob", ""), "bob", Expected::Any),
        ErrorKind::Invalid,
        "you are logged in as the user bob and cannot drop it; another user with the role accountadmin can",
    );
    refused(
        catalog.drop_user(&root(), "bob", Expected::Any),
        ErrorKind::NotFound,
        "the user bob not exists",
    );
    let stale = catalog.drop_user(&ann(), "bob", Expected::Version(2));
    assert_eq!(stale.unwrap_err().kind(), ErrorKind::Conflict);
    let dropped = catalog
        .drop_user(&ann(), "bob", Expected::Version(1))
        .unwrap();
    assert_eq!(dropped, Some(bob.clone()));
    assert!(catalog.roles_of("acme", "bob").unwrap().is_empty());
    let again = create_user(&catalog, &ann(), "bob");
    assert!(again.id > bob.id);
    assert_eq!(catalog.roles_of("acme", "bob").unwrap().len(), 1);
}

#[test]
fn no_password_hash_is_shown() {
    let (_dir, catalog) = with_acme();
    let change = UserChange::Password(PasswordHash::new("planted"));
    let shown = format!("{change:?}");
    let altered = catalog
        .alter_user(&ann(), "ann", [change], Expected::Any)
        .unwrap();
    for text in [shown, format!("{altered:?}"), format!("{catalog:?}")] {
        assert!(!text.contains("planted"), "{text}");
    }
    assert_eq!(altered.record.password.unwrap().expose(), "planted");
}
