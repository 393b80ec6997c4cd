//! Tokens: made for who proved who they are, and dead as soon as that is no longer so.

use stagedoor_catalog::{
    AccountChange, Catalog, ErrorKind, Expected, NewToken, PasswordHash, TokenState, UserChange,
};

use crate::fixture::{ann, create_role, create_user, new_account, open, refused, root, with_acme};

fn id(number: u8) -> String {
    format!("0192f0c1-2345-4abc-8def-0000000000{number:02x}")
}

/// A token for a user of `acme` as they are now; its hash is all `number`.
fn token(catalog: &Catalog, user: &str, number: u8) -> NewToken {
    let user = catalog.user("acme", user).unwrap().unwrap();
    NewToken {
        id: id(number),
        hash: [number; 32],
        user: user.name,
        user_id: user.id,
        password_epoch: user.password_epoch,
        role: None,
        label: "laptop".into(),
        expires_us: 5000,
        user_tokens_max: usize::MAX,
    }
}

fn create(catalog: &Catalog, user: &str, number: u8) {
    let new = token(catalog, user, number);
    catalog.create_token(&ann(), new).unwrap();
}

#[test]
fn a_token_is_found_by_its_hash() {
    let (dir, catalog) = with_acme();
    create_user(&catalog, &ann(), "bob");
    create(&catalog, "bob", 1);
    create(&catalog, "bob", 2);
    create(&catalog, "ann", 3);
    let found = catalog.token(&[1; 32]).unwrap().unwrap();
    assert_eq!(
        (found.id, found.user.as_str(), found.account.as_str()),
        (id(1), "bob", "acme")
    );
    assert_eq!(catalog.token(&[9; 32]).unwrap(), None);
    drop(catalog);
    let catalog = open(dir.path());
    let ids = |user| -> Vec<String> {
        let tokens = catalog.tokens("acme", user).unwrap();
        tokens.into_iter().map(|token| token.id).collect()
    };
    assert_eq!(ids("bob"), [id(1), id(2)]);
    assert_eq!(ids("ann"), [id(3)]);
    assert!(catalog.tokens("sys", "root").unwrap().is_empty());

    refused(
        catalog.revoke_token(&root(), &id(1), None),
        ErrorKind::NotFound,
        &format!("the token {} not exists", id(1)),
    );
    // Who is told whose it must be touches no other's.
    refused(
        catalog.revoke_token(&ann(), &id(1), Some("ann")),
        ErrorKind::NotFound,
        &format!("the token {} not exists", id(1)),
    );
    let revoked = catalog.revoke_token(&ann(), &id(1), Some("bob"));
    assert_eq!(revoked.unwrap(), 1);
    assert_eq!(ids("bob"), [id(2)]);
    assert_eq!(catalog.token(&[1; 32]).unwrap(), None);
    create(&catalog, "bob", 4);
    assert_eq!(catalog.revoke_tokens_of(&ann(), "bob").unwrap(), 2);
    assert_eq!(catalog.revoke_tokens_of(&ann(), "bob").unwrap(), 0);
    assert_eq!((ids("bob").len(), ids("ann").len()), (0, 1));
    assert_eq!(catalog.token(&[4; 32]).unwrap(), None);
}

#[test]
fn a_user_has_no_more_tokens_than_the_caller_permits() {
    let (_dir, catalog) = with_acme();
    create_user(&catalog, &ann(), "bob");
    create(&catalog, "ann", 9);
    let limited = |number| NewToken {
        user_tokens_max: 2,
        ..token(&catalog, "bob", number)
    };
    let expired = NewToken {
        expires_us: 1,
        ..limited(1)
    };
    catalog.create_token(&ann(), expired).unwrap();
    catalog.create_token(&ann(), limited(2)).unwrap();
    catalog.create_token(&ann(), limited(3)).unwrap();
    refused(
        catalog.create_token(&ann(), limited(4)),
        ErrorKind::LimitReached,
        "the user bob has 2 tokens that have not expired, and may have 2; revoke one first",
    );
    catalog.revoke_token(&ann(), &id(2), None).unwrap();
    catalog.create_token(&ann(), limited(4)).unwrap();
}

#[test]
fn a_token_is_made_only_for_the_user_who_logged_in() {
    let (_dir, catalog) = with_acme();
    create_user(&catalog, &ann(), "bob");
    create_role(&catalog, &ann(), "r");
    let before = token(&catalog, "bob", 1);
    let with_role = NewToken {
        role: Some("r".into()),
        ..token(&catalog, "bob", 1)
    };
    refused(
        catalog.create_token(&ann(), with_role.clone()),
        ErrorKind::Invalid,
        "the user bob does not have the role r",
    );
    catalog.grant_role(&ann(), "r", "bob").unwrap();
    catalog.create_token(&ann(), with_role).unwrap();
    let same_id = NewToken {
        hash: [2; 32],
        ..before.clone()
    };
    let same_hash = NewToken {
        id: id(2),
        ..before.clone()
    };
    for (taken, id) in [(same_id, id(1)), (same_hash, id(2))] {
        let error = catalog.create_token(&ann(), taken);
        let message = format!("the token {id} exists");
        refused(error, ErrorKind::AlreadyExists, &message);
    }
    let bad = NewToken {
        id: "1".into(),
        ..before.clone()
    };
    let error = catalog.create_token(&ann(), bad).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let elsewhere = catalog.create_token(&root(), before.clone());
    refused(elsewhere, ErrorKind::NotFound, "the user bob not exists");

    // The password that was proved is no longer the password.
    let change = UserChange::Password(PasswordHash::new("new"));
    catalog
        .alter_user(&ann(), "bob", [change], Expected::Any)
        .unwrap();
    let stale = NewToken {
        id: id(5),
        hash: [5; 32],
        ..before
    };
    refused(
        catalog.create_token(&ann(), stale),
        ErrorKind::Conflict,
        "the user bob was changed meanwhile, log in again",
    );
}

#[test]
fn a_token_says_why_it_no_longer_counts() {
    let (_dir, catalog) = with_acme();
    create_user(&catalog, &ann(), "bob");
    create_role(&catalog, &ann(), "r");
    catalog.grant_role(&ann(), "r", "bob").unwrap();
    let made = |number| {
        let new = NewToken {
            role: Some("r".into()),
            ..token(&catalog, "bob", number)
        };
        catalog.create_token(&ann(), new).unwrap()
    };
    let state = |token| catalog.token_state(token, 4999).unwrap();
    let alter = |change| {
        catalog
            .alter_user(&ann(), "bob", [change], Expected::Any)
            .unwrap()
    };
    let suspend = |suspended| {
        let change = AccountChange::Suspended(suspended);
        catalog
            .alter_account(&root(), "acme", [change], Expected::Any)
            .unwrap()
    };
    let first = made(1);
    assert_eq!(state(&first), TokenState::Live);
    assert_eq!(
        catalog.token_state(&first, 5000).unwrap(),
        TokenState::Expired
    );
    suspend(true);
    assert_eq!(state(&first), TokenState::AccountSuspended);
    suspend(false);
    assert_eq!(state(&first), TokenState::Live);
    catalog.revoke_role(&ann(), "r", "bob").unwrap();
    assert_eq!(state(&first), TokenState::RoleGone);
    catalog.grant_role(&ann(), "r", "bob").unwrap();
    alter(UserChange::Locked(true));
    assert_eq!(state(&first), TokenState::Locked);
    alter(UserChange::Locked(false));
    assert_eq!(state(&first), TokenState::PasswordChanged);

    let second = made(2);
    assert_eq!(state(&second), TokenState::Live);
    alter(UserChange::Password(PasswordHash::new("new")));
    assert_eq!(state(&second), TokenState::PasswordChanged);

    let third = made(3);
    catalog.revoke_token(&ann(), &third.id, None).unwrap();
    assert_eq!(state(&third), TokenState::Revoked);
    let fourth = made(4);
    catalog.drop_user(&ann(), "bob", Expected::Any).unwrap();
    assert_eq!(catalog.token(&[4; 32]).unwrap(), None);
    assert_eq!(state(&fourth), TokenState::UserGone);
    // Another user of the name is not who the token was for.
    create_user(&catalog, &ann(), "bob");
    assert_eq!(state(&fourth), TokenState::UserGone);
    let fifth = catalog
        .create_token(&ann(), token(&catalog, "ann", 5))
        .unwrap();
    catalog
        .drop_account(&root(), "acme", Expected::Any)
        .unwrap();
    assert_eq!(state(&fifth), TokenState::AccountGone);
    catalog
        .create_account(
            &root(),
            new_account("acme"),
            stagedoor_catalog::OnExists::Error,
        )
        .unwrap();
    assert_eq!(state(&fifth), TokenState::UserGone);
}

#[test]
fn expired_tokens_are_removed() {
    let (_dir, catalog) = with_acme();
    create(&catalog, "ann", 1);
    let later = NewToken {
        expires_us: 6000,
        ..token(&catalog, "ann", 2)
    };
    catalog.create_token(&ann(), later).unwrap();
    let remove = |now| catalog.remove_expired_tokens(&root(), now).unwrap();
    let seq = catalog.last_seq();
    assert_eq!(remove(4999), 0);
    assert_eq!(catalog.last_seq(), seq);
    assert_eq!(remove(5000), 1);
    let ids: Vec<_> = catalog.tokens("acme", "ann").unwrap();
    assert_eq!((ids.len(), ids[0].id.clone()), (1, id(2)));
    assert_eq!(catalog.token(&[1; 32]).unwrap(), None);
    assert_eq!(remove(u64::MAX), 1);
    assert!(catalog.tokens("acme", "ann").unwrap().is_empty());
}
