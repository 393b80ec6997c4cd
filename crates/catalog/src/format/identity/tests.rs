//! The frozen bytes of accounts, users, roles, grants and tokens, since format 3.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::accounts::AccountRecord;
use crate::error::ErrorKind;
use crate::format::tests::is_frozen_since;
use crate::format::{Stored, decode, encode};
use crate::grants::{Grant, Privilege, Securable};
use crate::roles::RoleRecord;
use crate::tokens::TokenRecord;
use crate::users::{PasswordHash, UserRecord};

fn user() -> UserRecord {
    UserRecord {
        id: 4,
        name: "größe".into(),
        version: 5,
        password: Some(PasswordHash::new("$argon2id$v=19$planted")),
        password_epoch: 2,
        default_role: Some(3),
        locked: true,
        comment: "u".into(),
        created_us: 1_795_000_000_000_000,
        changed_us: 1_795_000_000_000_001,
    }
}

fn grant(on: Securable) -> Grant {
    Grant {
        role_id: 3,
        on,
        privileges: on.all_privileges(),
        granted_by: "sys:root:moadmin".into(),
        granted_us: 1_795_000_000_000_002,
    }
}

fn token() -> TokenRecord {
    TokenRecord {
        id: "0192f0c1-2345-4abc-8def-0123456789ab".into(),
        hash: std::array::from_fn(|n| 200 + u8::try_from(n).unwrap()),
        account: "acme".into(),
        user_id: 4,
        user: "ann".into(),
        password_epoch: 2,
        role: Some("analyst".into()),
        label: "laptop".into(),
        created_us: 8,
        expires_us: 9,
    }
}

#[test]
fn accounts() {
    let record = AccountRecord {
        id: 2,
        name: "acme".into(),
        version: 3,
        admin_name: "ann".into(),
        suspended: true,
        comment: "c".into(),
        created_us: 6,
        changed_us: 7,
    };
    is_frozen_since(3, "account.hex", &record);
}

#[test]
fn users_and_roles() {
    is_frozen_since(3, "user.hex", &user());
    let bare = UserRecord {
        password: None,
        default_role: None,
        locked: false,
        ..user()
    };
    is_frozen_since(3, "user-bare.hex", &bare);
    let role = RoleRecord {
        id: 3,
        name: "analyst".into(),
        version: 1,
        built_in: true,
        comment: "r".into(),
        created_us: 5,
    };
    is_frozen_since(3, "role.hex", &role);
    let altered = RoleRecord { version: 2, ..role };
    is_frozen_since(9, "role-altered.hex", &altered);
}

#[test]
fn grants() {
    let securables = [
        Securable::Account,
        Securable::Databases,
        Securable::Database(300),
        Securable::Tables,
        Securable::TablesOf(300),
        Securable::Table(300),
        Securable::Stages,
        Securable::Stage(300),
    ];
    for (number, on) in (1..).zip(securables) {
        is_frozen_since(3, &format!("grant-{number}.hex"), &grant(on));
    }
    let all = Grant {
        privileges: Privilege::ALL.into_iter().collect(),
        ..grant(Securable::Stage(1))
    };
    is_frozen_since(3, "grant-all.hex", &all);
}

#[test]
fn tokens() {
    is_frozen_since(3, "token.hex", &token());
    let bare = TokenRecord {
        role: None,
        ..token()
    };
    is_frozen_since(3, "token-bare.hex", &bare);
}

#[test]
fn damage_is_found() {
    for bytes in [
        encode(&user()),
        encode(&grant(Securable::Stage(9))),
        encode(&token()),
    ] {
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            let kinds = [
                decode::<UserRecord>(&damaged).unwrap_err().kind(),
                decode::<Grant>(&damaged).unwrap_err().kind(),
                decode::<TokenRecord>(&damaged).unwrap_err().kind(),
            ];
            assert_eq!(kinds, [ErrorKind::Corrupt; 3], "byte {at}");
        }
    }
}

#[test]
fn unknown_numbers_are_refused() {
    let stored = |kind, privileges| {
        let mut message = grant(Securable::Stage(9)).to_message();
        message.set(kind, privileges);
        Grant::from_message(message)
    };
    assert!(stored(8, 1 << 19).is_ok());
    let cases = [
        (0, 1, "of the unknown kind 0"),
        (9, 1, "of the unknown kind 9"),
        (8, 1 << 20, "unknown privileges among 0x100000"),
    ];
    for (kind, privileges, why) in cases {
        let error = stored(kind, privileges).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains(why), "{error}");
    }
}

#[test]
fn the_hash_of_a_password_is_not_shown() {
    let user = user();
    let texts = [
        format!("{user:?}"),
        format!("{:#?}", user.to_message()),
        format!("{:?}", user.password),
    ];
    for text in texts {
        assert!(!text.contains("planted"), "{text}");
    }
    assert!(format!("{user:?}").contains("password: Some(***)"));
    let bytes = format!("{:?}", token().hash);
    assert!(!format!("{:?}", token()).contains(&bytes));
}
