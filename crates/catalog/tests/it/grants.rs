//! Grants: given and taken by people, and those that come and go with what they are on.

use stagedoor_catalog::{
    Actor, Catalog, ErrorKind, Expected, OnExists, Privilege, PrivilegeSet, Securable,
};

use crate::fixture::{ann, at, create_role, open, refused, root, with_acme};
use crate::model::new_table;

fn set(privileges: &[Privilege]) -> PrivilegeSet {
    PrivilegeSet::of(privileges)
}

/// What each role has on something, by the roles' names.
fn on(catalog: &Catalog, account: &str, securable: Securable) -> Vec<(String, String)> {
    let roles = catalog.roles(account).unwrap();
    catalog
        .grants_on(account, securable)
        .unwrap()
        .into_iter()
        .map(|grant| {
            let role = roles.iter().find(|r| r.id == grant.role_id).unwrap();
            (role.name.clone(), grant.privileges.to_string())
        })
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |&(role, words): &(&str, &str)| (role.to_owned(), words.to_owned());
    expected.iter().map(pair).collect()
}

#[test]
fn granting_adds_and_revoking_takes() {
    let (dir, catalog) = with_acme();
    let role = create_role(&catalog, &ann(), "r");
    let stages = Securable::Stages;
    let read = set(&[Privilege::Read]);
    let both = set(&[Privilege::Read, Privilege::Write]);
    let granted = catalog.grant(&ann(), "r", stages, read).unwrap().unwrap();
    assert_eq!(
        (granted.grant.role_id, granted.grant.on, granted.added),
        (role.id, stages, read)
    );
    assert_eq!(granted.grant.granted_by, "acme:ann:accountadmin");
    let granted = catalog.grant(&ann(), "r", stages, both).unwrap().unwrap();
    assert_eq!(granted.added, set(&[Privilege::Write]));
    let seq = catalog.last_seq();
    let twice = catalog.grant(&ann(), "r", stages, read).unwrap().unwrap();
    assert_eq!(
        (twice.added, &twice.grant),
        (PrivilegeSet::EMPTY, &granted.grant)
    );
    let nothing = catalog
        .revoke(&ann(), "r", stages, set(&[Privilege::Remove]))
        .unwrap()
        .unwrap();
    assert_eq!((nothing.revoked, nothing.left), (PrivilegeSet::EMPTY, both));
    let none = catalog
        .revoke(&ann(), "r", Securable::Account, set(&[Privilege::DropRole]))
        .unwrap()
        .unwrap();
    assert!(none.revoked.is_empty() && none.left.is_empty());
    assert_eq!(catalog.last_seq(), seq);
    drop(catalog);

    let catalog = open(dir.path());
    let of_role = catalog.grants_of_role("acme", "r").unwrap();
    assert_eq!(of_role, [granted.grant]);
    let all = stages.all_privileges();
    let revoked = catalog.revoke(&ann(), "r", stages, read).unwrap().unwrap();
    assert_eq!(
        (revoked.revoked, revoked.left),
        (read, set(&[Privilege::Write]))
    );
    let revoked = catalog.revoke(&ann(), "r", stages, all).unwrap().unwrap();
    assert_eq!(
        (revoked.revoked, revoked.left),
        (set(&[Privilege::Write]), PrivilegeSet::EMPTY)
    );
    assert!(catalog.grants_on("acme", stages).unwrap().is_empty());
    assert!(catalog.grants_of_role("acme", "r").unwrap().is_empty());
}

#[test]
fn what_does_not_fit_or_exist_is_refused() {
    let (_dir, catalog) = with_acme();
    create_role(&catalog, &ann(), "r");
    let read = set(&[Privilege::Read]);
    let select = set(&[Privilege::Select]);
    let grant = |role, on, privileges| catalog.grant(&ann(), role, on, privileges);
    refused(
        grant(
            "r",
            Securable::Tables,
            set(&[Privilege::Read, Privilege::Select]),
        ),
        ErrorKind::Invalid,
        "READ cannot be granted on every table, only OWNERSHIP, SELECT, INSERT, UPDATE, DELETE, TRUNCATE can",
    );
    refused(
        grant("r", Securable::Stage(1), PrivilegeSet::EMPTY),
        ErrorKind::Invalid,
        "no privilege is named, the stage with id 1 takes READ, WRITE, REMOVE",
    );
    refused(
        grant("x", Securable::Stages, read),
        ErrorKind::NotFound,
        "the role x not exists",
    );
    let missing = [
        (Securable::Stage(9), read, "the stage with id 9 not exists"),
        (
            Securable::Table(9),
            select,
            "the table with id 9 not exists",
        ),
        (
            Securable::TablesOf(9),
            select,
            "every table of the database with id 9 not exists",
        ),
        (
            Securable::Database(9),
            set(&[Privilege::CreateTable]),
            "the database with id 9 not exists",
        ),
    ];
    for (on, privileges, message) in missing {
        refused(grant("r", on, privileges), ErrorKind::NotFound, message);
        let revoked = catalog.revoke(&ann(), "r", on, privileges);
        refused(revoked, ErrorKind::NotFound, message);
    }
    let message = "the role accountadmin has every privilege, none can be granted to it or revoked";
    refused(
        grant("accountadmin", Securable::Stages, read),
        ErrorKind::Invalid,
        message,
    );
    let revoked = catalog.revoke(&ann(), "accountadmin", Securable::Stages, read);
    refused(revoked, ErrorKind::Invalid, message);
    // A stage of another account with that id does not count.
    catalog
        .create_stage(&root(), "s", at("/s"), OnExists::Error, Expected::Any)
        .unwrap();
    let other = grant("r", Securable::Stage(1), read);
    refused(other, ErrorKind::NotFound, "the stage with id 1 not exists");
}

#[test]
fn a_new_stage_is_public_and_stays_as_it_was_narrowed() {
    let (_dir, catalog) = with_acme();
    let create = |url, on_exists| {
        catalog
            .create_stage(&ann(), "s", at(url), on_exists, Expected::Any)
            .unwrap()
            .record
    };
    let seq = catalog.last_seq();
    let stage = create("/s", OnExists::Error);
    assert_eq!(catalog.last_seq(), seq + 1, "one change");
    let securable = Securable::Stage(stage.id);
    assert_eq!(
        on(&catalog, "acme", securable),
        pairs(&[("public", "READ, WRITE")])
    );
    catalog
        .revoke(&ann(), "public", securable, set(&[Privilege::Write]))
        .unwrap();
    let narrowed = pairs(&[("public", "READ")]);
    create("/other", OnExists::Replace);
    assert_eq!(on(&catalog, "acme", securable), narrowed);
    catalog
        .rename_stage(&ann(), "s", "t", Expected::Any)
        .unwrap();
    catalog
        .drop_stage(&ann(), "t", Expected::Any, false)
        .unwrap();
    assert_eq!(on(&catalog, "acme", securable), narrowed);
    let dropped = catalog.grant(&ann(), "public", securable, set(&[Privilege::Write]));
    assert_eq!(dropped.unwrap_err().kind(), ErrorKind::NotFound);
    // A new stage of the name has its own grants, and the old one comes back with those it had.
    let new = create("/new", OnExists::Error);
    assert_eq!(
        on(&catalog, "acme", Securable::Stage(new.id)),
        pairs(&[("public", "READ, WRITE")])
    );
    catalog.undrop_stage(&ann(), "t", Expected::Any).unwrap();
    assert_eq!(on(&catalog, "acme", securable), narrowed);
}

#[test]
fn makers_own_what_they_make_unless_they_are_admins() {
    let (_dir, catalog) = with_acme();
    create_role(&catalog, &ann(), "r");
    let bob = Actor::new("acme", "bob", "r");
    let database = |actor: &Actor, name: &str| {
        catalog
            .create_database(actor, name, OnExists::Error)
            .unwrap()
            .record
            .id
    };
    let owned = pairs(&[("r", "OWNERSHIP")]);
    let id = database(&bob, "mine");
    assert_eq!(on(&catalog, "acme", Securable::Database(id)), owned);
    for actor in [
        ann(),
        Actor::new("acme", "system", ""),
        Actor::new("acme", "eve", "none"),
    ] {
        let id = database(&actor, &format!("of_{}", actor.user));
        assert!(on(&catalog, "acme", Securable::Database(id)).is_empty());
    }

    let table = |actor: &Actor, on_exists| {
        catalog
            .create_table(actor, new_table("t"), on_exists)
            .unwrap()
            .record
            .id
    };
    let first = table(&bob, OnExists::Error);
    assert_eq!(on(&catalog, "acme", Securable::Table(first)), owned);
    let second = table(&ann(), OnExists::Replace);
    assert!(on(&catalog, "acme", Securable::Table(first)).is_empty());
    assert!(on(&catalog, "acme", Securable::Table(second)).is_empty());
}

#[test]
fn what_is_dropped_takes_its_grants_along() {
    let (_dir, catalog) = with_acme();
    create_role(&catalog, &ann(), "r");
    let database = catalog
        .create_database(&ann(), "d", OnExists::Error)
        .unwrap()
        .record
        .id;
    let table = |database: &str, name: &str| {
        let mut new = new_table(name);
        new.database = database.into();
        catalog
            .create_table(&ann(), new, OnExists::Error)
            .unwrap()
            .record
            .id
    };
    let (in_d, in_db, kept) = (table("d", "t"), table("db", "t"), table("db", "kept"));
    let all = [
        Securable::Database(database),
        Securable::TablesOf(database),
        Securable::Table(in_d),
        Securable::Table(in_db),
        Securable::Table(kept),
        Securable::Tables,
    ];
    for securable in all {
        catalog
            .grant(&ann(), "r", securable, securable.all_privileges())
            .unwrap();
    }
    let left = || -> Vec<Securable> {
        let grants = catalog.grants_of_role("acme", "r").unwrap();
        let mut left: Vec<_> = grants.into_iter().map(|grant| grant.on).collect();
        left.sort();
        left
    };
    assert_eq!(left().len(), all.len());
    catalog.truncate_table(&ann(), "db", "kept", None).unwrap();
    catalog.drop_table(&ann(), "db", "t", None).unwrap();
    catalog.drop_database(&ann(), "d").unwrap();
    assert_eq!(left(), [Securable::Tables, Securable::Table(kept)]);
}

#[test]
fn a_check_takes_all_roles_and_places_together() {
    let (_dir, catalog) = with_acme();
    let one = create_role(&catalog, &ann(), "one").id;
    let two = create_role(&catalog, &ann(), "two").id;
    let three = create_role(&catalog, &ann(), "three").id;
    let table = catalog
        .create_table(&ann(), new_table("t"), OnExists::Error)
        .unwrap()
        .record
        .id;
    let database = catalog.database("acme", "db").unwrap().unwrap().id;
    let grant = |role, on, privilege| catalog.grant(&ann(), role, on, set(&[privilege])).unwrap();
    grant("one", Securable::Table(table), Privilege::Select);
    grant("two", Securable::TablesOf(database), Privilege::Insert);
    grant("three", Securable::Tables, Privilege::Delete);
    let places = [
        Securable::Table(table),
        Securable::TablesOf(database),
        Securable::Tables,
    ];
    let found = |account: &str, roles: &[u64], places: &[Securable]| {
        let all = catalog.privileges_on(account, roles, places).unwrap();
        all.to_string()
    };
    assert_eq!(
        found("acme", &[one, two, three], &places),
        "SELECT, INSERT, DELETE"
    );
    assert_eq!(found("acme", &[one, two], &places[1..]), "INSERT");
    assert_eq!(found("acme", &[three], &places[..2]), "");
    assert_eq!(found("acme", &[], &places), "");
    assert_eq!(found("sys", &[one, two, three], &places), "");
}
