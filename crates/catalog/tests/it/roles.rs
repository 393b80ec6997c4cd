//! Roles: made, given, taken and dropped.

use stagedoor_catalog::{
    CreateOutcome, ErrorKind, Expected, OnExists, Privilege, PrivilegeSet, Securable, UserChange,
};

use crate::fixture::{ann, create_role, create_user, new_role, refused, root, with_acme};

#[test]
fn a_role_is_created_once() {
    let (_dir, catalog) = with_acme();
    let create = |name: &str, on_exists| catalog.create_role(&ann(), new_role(name), on_exists);
    let role = create("analyst", OnExists::Error).unwrap().record;
    assert!(!role.built_in && !role.is_admin() && !role.is_public());
    refused(
        create("analyst", OnExists::Error),
        ErrorKind::AlreadyExists,
        "the role analyst exists",
    );
    let kept = create("analyst", OnExists::Keep).unwrap();
    assert_eq!((kept.outcome, kept.record), (CreateOutcome::Kept, role));
    let replaced = create("analyst", OnExists::Replace).unwrap_err();
    assert_eq!(replaced.kind(), ErrorKind::Invalid);
    // Also where the name is free: `moadmin` is not a role of this account.
    refused(
        create("moadmin", OnExists::Keep),
        ErrorKind::Invalid,
        "the name moadmin is kept for a built-in role, choose another",
    );
    refused(
        create("public", OnExists::Error),
        ErrorKind::AlreadyExists,
        "the role public exists",
    );
    for name in ["", "a:b", "#a", "a b"] {
        let error = create(name, OnExists::Error).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?}");
    }
    let names: Vec<_> = catalog
        .roles("acme")
        .unwrap()
        .into_iter()
        .map(|r| r.name)
        .collect();
    assert_eq!(names, ["accountadmin", "analyst", "public"]);
    assert_eq!(catalog.roles("sys").unwrap().len(), 2);
}

#[test]
fn giving_and_taking() {
    let (_dir, catalog) = with_acme();
    create_user(&catalog, &ann(), "bob");
    create_role(&catalog, &ann(), "r");
    let give = |role, user| catalog.grant_role(&ann(), role, user);
    let take = |role, user| catalog.revoke_role(&ann(), role, user);
    assert!(!take("r", "bob").unwrap());
    assert!(give("r", "bob").unwrap());
    let seq = catalog.last_seq();
    assert!(!give("r", "bob").unwrap());
    assert!(!give("public", "bob").unwrap());
    assert_eq!(catalog.last_seq(), seq);
    refused(
        give("x", "bob"),
        ErrorKind::NotFound,
        "the role x not exists",
    );
    refused(
        give("r", "eve"),
        ErrorKind::NotFound,
        "the user eve not exists",
    );
    refused(
        take("x", "bob"),
        ErrorKind::NotFound,
        "the role x not exists",
    );
    let public = take("public", "bob").unwrap_err();
    assert_eq!(public.kind(), ErrorKind::Invalid);
    let other = catalog.grant_role(&root(), "r", "bob");
    refused(other, ErrorKind::NotFound, "the role r not exists");

    let default = UserChange::DefaultRole(Some("r".into()));
    catalog
        .alter_user(&ann(), "bob", [default], Expected::Any)
        .unwrap();
    assert!(take("r", "bob").unwrap());
    let bob = catalog.user("acme", "bob").unwrap().unwrap();
    assert_eq!((bob.default_role, bob.version), (None, 3));
    assert_eq!(catalog.roles_of("acme", "bob").unwrap().len(), 1);
}

#[test]
fn dropping_a_role_takes_its_grants_and_members() {
    let (_dir, catalog) = with_acme();
    create_user(&catalog, &ann(), "bob");
    let role = create_role(&catalog, &ann(), "r");
    let other = create_role(&catalog, &ann(), "other");
    let select = PrivilegeSet::of(&[Privilege::Select]);
    for name in ["r", "other"] {
        catalog.grant_role(&ann(), name, "bob").unwrap();
        catalog
            .grant(&ann(), name, Securable::Tables, select)
            .unwrap();
    }
    let default = UserChange::DefaultRole(Some("r".into()));
    catalog
        .alter_user(&ann(), "bob", [default], Expected::Any)
        .unwrap();

    assert_eq!(
        catalog.drop_role(&ann(), "r", Expected::Any).unwrap(),
        Some(role)
    );
    let bob = catalog.user("acme", "bob").unwrap().unwrap();
    assert_eq!((bob.default_role, bob.version), (None, 3));
    let roles: Vec<_> = catalog
        .roles_of("acme", "bob")
        .unwrap()
        .into_iter()
        .map(|r| r.name)
        .collect();
    assert_eq!(roles, ["other", "public"]);
    let grants = catalog.grants_on("acme", Securable::Tables).unwrap();
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0].role_id, other.id);
    // A role made again under the name is another one.
    let again = create_role(&catalog, &ann(), "r");
    assert!(again.id > other.id);
    assert!(catalog.grants_of_role("acme", "r").unwrap().is_empty());

    refused(
        catalog.drop_role(&ann(), "public", Expected::Any),
        ErrorKind::Invalid,
        "the role public is built in and cannot be dropped",
    );
    refused(
        catalog.drop_role(&root(), "r", Expected::Any),
        ErrorKind::NotFound,
        "the role r not exists",
    );
}
