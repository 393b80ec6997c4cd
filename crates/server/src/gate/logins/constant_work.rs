//! A login costs the same work whoever it names: counted by the hashings, never by the time.
#![expect(clippy::unwrap_used, reason = "tests")]

use catalog::{Actor, Expected, NewAccount, NewUser, OnExists, UserChange};
use secrecy::SecretString;

use super::passwords::{self, verified};
use super::{Attempt, LoginName};
use crate::error::Reason;
use crate::gate::CallContext;
use crate::gate::logins::network::Network;
use crate::{Server, Settings};

fn attempt(account: &str, user: &str, password: &str) -> Attempt {
    let login = LoginName {
        account: account.to_owned(),
        user: user.to_owned(),
        role: None,
    };
    Attempt {
        full: login.full(),
        login,
        password: SecretString::from(password),
        network: Network::of("192.0.2.1:1"),
        context: CallContext::default(),
    }
}

/// Account `acme` with its administrator `ann`, `bob`, `eve` who is locked, and `nopass`; account `gone` is suspended.
fn make_users(catalog: &catalog::Catalog) {
    let root = Actor::new("sys", "root", "moadmin");
    let hash = || passwords::hash(&SecretString::from("right")).unwrap();
    for account in ["acme", "gone"] {
        let new = NewAccount {
            name: account.to_owned(),
            admin_name: "ann".to_owned(),
            admin_password: hash(),
            comment: String::new(),
            default_database: None,
        };
        catalog.create_account(&root, new, OnExists::Error).unwrap();
    }
    let suspended = [catalog::AccountChange::Suspended(true)];
    catalog
        .alter_account(&root, "gone", suspended, Expected::Any)
        .unwrap();
    let ann = Actor::new("acme", "ann", "accountadmin");
    for (name, password) in [
        ("bob", Some(hash())),
        ("eve", Some(hash())),
        ("nopass", None),
    ] {
        let new = NewUser {
            name: name.to_owned(),
            password,
            default_role: None,
            comment: String::new(),
        };
        catalog.create_user(&ann, new, OnExists::Error).unwrap();
    }
    let locked = [UserChange::Locked(true)];
    catalog
        .alter_user(&ann, "eve", locked, Expected::Any)
        .unwrap();
}

#[tokio::test]
async fn an_unknown_user_costs_the_same_hashing() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::embedded(&folder.path().join("data"));
    settings.limits.login_attempts_max = 10_000;
    let server = Server::open(settings).await.unwrap();
    let instance = &server.instance;
    make_users(&instance.catalog);
    let logins = &instance.logins;
    verified();
    let right = attempt("acme", "bob", "right");
    logins.by_password(instance, &right).unwrap();
    let of_right = verified();
    assert_eq!(of_right.len(), 1);
    let mut texts = Vec::new();
    for (account, user, password) in [
        ("acme", "bob", "wrong"),
        ("acme", "bob", ""),
        ("acme", "nobody", "right"),
        ("nowhere", "bob", "right"),
        ("acme", "nopass", "right"),
        ("acme", "nopass", ""),
        ("acme", "eve", "right"),
        ("gone", "ann", "right"),
    ] {
        let by = attempt(account, user, password);
        let error = logins.by_password(instance, &by).unwrap_err();
        let who = format!("{account}:{user}");
        assert_eq!(error.reason(), Reason::Unauthenticated, "{who}");
        // As often, and by the same parameters.
        assert_eq!(verified(), of_right, "{who} with {password:?}");
        texts.push(error.message().replace(&who, "WHO"));
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
}
