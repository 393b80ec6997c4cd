//! Accounts: the first one, making, changing and dropping others with all that is in them.

use stagedoor_catalog::{
    AccountChange, Actor, CreateOutcome, ErrorKind, Expected, ExportState, NewExport, NewToken,
    OnExists, PUBLIC_ROLE, PasswordHash, Privilege, PrivilegeSet, Securable, UserChange,
    admin_role,
};

use crate::fixture::{
    ann, at, bootstrapped, create, create_role, create_user, new, new_account, new_role, open,
    refused, root, with_acme,
};
use crate::model::new_table;

fn names_of_roles(catalog: &stagedoor_catalog::Catalog, account: &str, user: &str) -> Vec<String> {
    let roles = catalog.roles_of(account, user).unwrap();
    roles.into_iter().map(|role| role.name).collect()
}

#[test]
fn bootstrapping_makes_sys_and_root_once() {
    let (dir, catalog) = new();
    // Stages from before there were accounts, one of them dropped.
    let old = create(&catalog, "old", "/old");
    let gone = create(&catalog, "gone", "/gone");
    catalog
        .drop_stage(&root(), "gone", Expected::Any, false)
        .unwrap();
    let seq = catalog.last_seq();
    assert_eq!(catalog.account("sys").unwrap(), None);
    let bootstrap = |text| {
        catalog
            .bootstrap(&root(), Some(PasswordHash::new(text)))
            .unwrap()
    };
    assert!(bootstrap("first"));
    assert_eq!(catalog.last_seq(), seq + 1, "one change");
    assert!(!bootstrap("second"));
    assert_eq!(catalog.last_seq(), seq + 1);

    let sys = catalog.account("sys").unwrap().unwrap();
    assert_eq!(
        (sys.id, sys.version, sys.admin_name.as_str(), sys.suspended),
        (1, 1, "root", false)
    );
    let user = catalog.user("sys", "root").unwrap().unwrap();
    assert_eq!(user.password, Some(PasswordHash::new("first")));
    assert_eq!(
        names_of_roles(&catalog, "sys", "root"),
        ["moadmin", "public"]
    );
    let admin = catalog.role("sys", "moadmin").unwrap().unwrap();
    assert_eq!(user.default_role, Some(admin.id));
    assert!(admin.built_in && admin.is_admin() && !admin.is_public());
    let both = PrivilegeSet::of(&[Privilege::Read, Privilege::Write]);
    let public = catalog.role("sys", PUBLIC_ROLE).unwrap().unwrap();
    for stage in [old, gone] {
        let grants = catalog
            .grants_on("sys", Securable::Stage(stage.id))
            .unwrap();
        let found: Vec<_> = grants.iter().map(|g| (g.role_id, g.privileges)).collect();
        assert_eq!(found, [(public.id, both)]);
    }
    drop(catalog);
    assert_eq!(open(dir.path()).account("sys").unwrap(), Some(sys));
}

#[test]
fn an_account_is_made_with_all_it_begins_with() {
    let (_dir, catalog) = bootstrapped();
    let seq = catalog.last_seq();
    let create = |new, on_exists| catalog.create_account(&root(), new, on_exists);
    let made = create(new_account("acme"), OnExists::Error).unwrap();
    assert_eq!(catalog.last_seq(), seq + 1, "one change");
    assert_eq!(made.outcome, CreateOutcome::Created);
    let record = made.record;
    assert_eq!(
        (record.id, record.name.as_str(), record.admin_name.as_str()),
        (2, "acme", "ann")
    );
    assert_eq!(admin_role("acme"), "accountadmin");
    assert_eq!(
        names_of_roles(&catalog, "acme", "ann"),
        ["accountadmin", "public"]
    );
    assert_eq!(catalog.role("acme", "moadmin").unwrap(), None);
    assert!(catalog.database("acme", "db").unwrap().is_some());

    let again = create(new_account("acme"), OnExists::Error);
    refused(again, ErrorKind::AlreadyExists, "the account acme exists");
    let kept = create(new_account("acme"), OnExists::Keep).unwrap();
    assert_eq!((kept.outcome, kept.record), (CreateOutcome::Kept, record));
    let replaced = create(new_account("acme"), OnExists::Replace).unwrap_err();
    assert_eq!(replaced.kind(), ErrorKind::Invalid);
    for name in ["", "a:b", "a#b", "#a", "a/b", "a b", "a'"] {
        let error = create(new_account(name), OnExists::Error).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?}");
        let mut bad_admin = new_account("b");
        bad_admin.admin_name = name.into();
        let error = create(bad_admin, OnExists::Error).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?}");
    }
    assert_eq!(catalog.last_seq(), seq + 1);
}

#[test]
fn before_bootstrapping_there_are_no_other_accounts() {
    let (_dir, catalog) = new();
    let error = catalog
        .create_account(&root(), new_account("acme"), OnExists::Error)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    refused(
        catalog.create_role(&root(), new_role("r"), OnExists::Error),
        ErrorKind::NotFound,
        "the account sys not exists",
    );
}

#[test]
fn accounts_are_listed_and_paged() {
    let (_dir, catalog) = bootstrapped();
    for name in ["b", "a", "zz"] {
        catalog
            .create_account(&root(), new_account(name), OnExists::Error)
            .unwrap();
    }
    let names = |records: Vec<stagedoor_catalog::AccountRecord>| -> Vec<String> {
        records.into_iter().map(|r| r.name).collect()
    };
    assert_eq!(names(catalog.accounts().unwrap()), ["a", "b", "sys", "zz"]);
    let page = |after| names(catalog.accounts_page(after, 2).unwrap());
    assert_eq!(page(None), ["a", "b"]);
    assert_eq!(page(Some("b")), ["sys", "zz"]);
    assert_eq!(page(Some("zz")), [""; 0]);
}

#[test]
fn an_account_is_altered() {
    let (_dir, catalog) = with_acme();
    let alter = |name, change, expected| catalog.alter_account(&root(), name, [change], expected);
    let suspended = alter("acme", AccountChange::Suspended(true), Expected::Version(1)).unwrap();
    assert!(suspended.changed && suspended.record.suspended);
    assert_eq!(suspended.record.version, 2);
    let same = alter("acme", AccountChange::Suspended(true), Expected::Any).unwrap();
    assert_eq!((same.changed, same.record.version), (false, 2));
    refused(
        alter(
            "acme",
            AccountChange::Comment("x".into()),
            Expected::Version(1),
        ),
        ErrorKind::Conflict,
        "the account acme is at version 2, not at the expected version 1",
    );
    refused(
        alter("none", AccountChange::Comment("x".into()), Expected::Any),
        ErrorKind::NotFound,
        "the account none not exists",
    );
    let sys = alter("sys", AccountChange::Suspended(true), Expected::Any).unwrap_err();
    assert_eq!(sys.kind(), ErrorKind::Invalid);

    // A new admin is made, an old one is given the password and let in again.
    let admin = |name: &str| AccountChange::Admin {
        name: name.into(),
        password: PasswordHash::new("new"),
    };
    alter("acme", admin("bob"), Expected::Any).unwrap();
    assert_eq!(
        names_of_roles(&catalog, "acme", "bob"),
        ["accountadmin", "public"]
    );
    catalog
        .alter_user(&ann(), "ann", [UserChange::Locked(true)], Expected::Any)
        .unwrap();
    let record = alter("acme", admin("ann"), Expected::Any).unwrap().record;
    assert_eq!((record.version, record.admin_name.as_str()), (4, "ann"));
    let user = catalog.user("acme", "ann").unwrap().unwrap();
    assert_eq!(
        (user.locked, user.password, user.password_epoch),
        (false, Some(PasswordHash::new("new")), 3)
    );
    let bad = alter("acme", admin("a:b"), Expected::Any).unwrap_err();
    assert_eq!(bad.kind(), ErrorKind::Invalid);
}

#[test]
fn dropping_an_account_takes_everything_in_it() {
    let (dir, catalog) = with_acme();
    let stage = catalog
        .create_stage(&ann(), "s", at("/s"), OnExists::Error, Expected::Any)
        .unwrap()
        .record;
    create(&catalog, "s", "/sys");
    catalog
        .drop_stage(&ann(), "s", Expected::Any, false)
        .unwrap();
    let table = catalog
        .create_table(&ann(), new_table("t"), OnExists::Error)
        .unwrap()
        .record;
    create_user(&catalog, &ann(), "bob");
    create_user(&catalog, &root(), "bob");
    create_role(&catalog, &ann(), "r");
    let user = catalog.user("acme", "ann").unwrap().unwrap();
    let token = NewToken {
        id: "0192f0c1-2345-4abc-8def-0123456789ab".into(),
        hash: [7; 32],
        user: user.name,
        user_id: user.id,
        password_epoch: user.password_epoch,
        role: None,
        label: String::new(),
        expires_us: u64::MAX,
        user_tokens_max: usize::MAX,
    };
    catalog.create_token(&ann(), token).unwrap();
    let export = NewExport {
        id: "0192f0c1-2345-7abc-8def-0123456789ab".into(),
        database: None,
        statement: String::new(),
        stage: None,
        stage_parents: Vec::new(),
        target: String::new(),
        key: None,
    };
    let export = catalog.create_export(&ann(), export).unwrap();
    let drop_account = |name, expected| catalog.drop_account(&root(), name, expected);
    refused(
        drop_account("acme", Expected::Any),
        ErrorKind::InUse,
        &format!(
            "exports run in the account acme, cancel them (CANCEL EXPORT) or wait for them: {}",
            export.id
        ),
    );
    catalog
        .update_export(&ann(), &export.id, |e| e.state = ExportState::Failed)
        .unwrap();
    let stale = drop_account("acme", Expected::Version(2)).unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::Conflict);
    assert_eq!(
        drop_account("sys", Expected::Any).unwrap_err().kind(),
        ErrorKind::Invalid
    );

    let dropped = drop_account("acme", Expected::Version(1)).unwrap().unwrap();
    assert_eq!(
        (dropped.record.id, dropped.tables, dropped.stages),
        (2, vec![table.clone()], vec![stage.id])
    );
    let check_empty = |catalog: &stagedoor_catalog::Catalog| {
        assert_eq!(catalog.account("acme").unwrap(), None);
        assert!(catalog.users("acme").unwrap().is_empty());
        assert!(catalog.roles("acme").unwrap().is_empty());
        assert!(catalog.databases("acme").unwrap().is_empty());
        assert!(catalog.tables("acme", "db").unwrap().is_empty());
        assert!(catalog.dropped_stages("acme").unwrap().is_empty());
        assert!(catalog.exports("acme", 9).unwrap().is_empty());
        let grants = catalog.grants_on("acme", Securable::Stage(stage.id));
        assert!(grants.unwrap().is_empty());
        assert_eq!(catalog.token(&[7; 32]).unwrap(), None);
        assert_eq!(catalog.stages("sys").unwrap().len(), 1);
        assert!(catalog.user("sys", "bob").unwrap().is_some());
    };
    check_empty(&catalog);
    refused(
        drop_account("acme", Expected::Any),
        ErrorKind::NotFound,
        "the account acme not exists",
    );
    drop(catalog);
    let catalog = open(dir.path());
    check_empty(&catalog);

    // Whoever is still acting in it makes nothing there any more.
    let late = catalog.create_stage(&ann(), "s", at("/s"), OnExists::Error, Expected::Any);
    refused(late, ErrorKind::NotFound, "the account acme not exists");
    let late = catalog.create_database(&ann(), "d", OnExists::Error);
    refused(late, ErrorKind::NotFound, "the account acme not exists");
    let late = catalog.create_role(&ann(), new_role("r"), OnExists::Error);
    refused(late, ErrorKind::NotFound, "the account acme not exists");

    // The next account of the name shares no id with it.
    let again = catalog
        .create_account(&root(), new_account("acme"), OnExists::Error)
        .unwrap();
    assert_eq!(again.record.id, 3);
    assert!(catalog.user("acme", "ann").unwrap().unwrap().id > user.id);
    let new = catalog
        .create_table(&ann(), new_table("t"), OnExists::Error)
        .unwrap();
    assert!(new.record.id > table.id);
    assert!(catalog.exports("acme", 9).unwrap().is_empty());
}

#[test]
fn what_is_left_of_a_dropped_account_is_not_seen_in_the_next_one() {
    let (_dir, catalog) = with_acme();
    catalog
        .drop_account(&root(), "acme", Expected::Any)
        .unwrap();
    let export = NewExport {
        id: "0192f0c1-2345-7abc-8def-0123456789ab".into(),
        database: None,
        statement: "a statement of the account that is gone".into(),
        stage: None,
        stage_parents: Vec::new(),
        target: String::new(),
        key: None,
    };
    // An export without a stage depends on nothing that the drop took away.
    let _ = catalog.create_export(&ann(), export);
    catalog
        .create_account(&root(), new_account("acme"), OnExists::Error)
        .unwrap();
    assert!(catalog.exports("acme", 9).unwrap().is_empty());
    assert!(catalog.unfinished_exports().unwrap().is_empty());
}

#[test]
fn an_account_whose_name_begins_like_another_is_another() {
    let (_dir, catalog) = with_acme();
    catalog
        .create_account(&root(), new_account("acme2"), OnExists::Error)
        .unwrap();
    let two = Actor::new("acme2", "ann", "accountadmin");
    create_user(&catalog, &two, "bob");
    catalog
        .drop_account(&root(), "acme", Expected::Any)
        .unwrap();
    assert_eq!(catalog.users("acme2").unwrap().len(), 2);
    assert!(catalog.account("acme2").unwrap().is_some());
}

#[test]
fn root_can_begin_without_a_password() {
    let (_dir, catalog) = new();
    assert!(catalog.bootstrap(&root(), None).unwrap());
    let user = catalog.user("sys", "root").unwrap().unwrap();
    assert_eq!((user.password, user.password_epoch), (None, 1));
    let change = UserChange::Password(PasswordHash::new("set later"));
    let altered = catalog
        .alter_user(&root(), "root", [change], Expected::Any)
        .unwrap()
        .record;
    assert_eq!(altered.password, Some(PasswordHash::new("set later")));
    assert_eq!(altered.password_epoch, 2);
}
