//! Requests that are only validated, and requests that are given again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use stagedoor_catalog::{
    Actor, Catalog, CreateOutcome, Credential, Credentials, ErrorKind, Expected, KeyRing, NewToken,
    NewUser, OnExists, Options, PasswordHash, Privilege, PrivilegeSet, Request, Securable,
    StageDefinition, UserChange,
};

use crate::fixture::{
    at, bootstrapped, create, create_role, create_user, new, new_account, new_role, options,
    refused, root, set_comment, set_enabled, with_acme,
};
use crate::secrets::{create_secret, definition, key, new_with_key, opened, with_keys};

const DAY_US: u64 = 24 * 60 * 60 * 1_000_000;

fn validating() -> Actor {
    root().with_request(Request {
        validate_only: true,
        ..Request::default()
    })
}

fn with_key(key: &str) -> Actor {
    root().with_request(Request {
        idempotency_key: Some(key.to_owned()),
        ..Request::default()
    })
}

/// Does nothing but to answer.
#[track_caller]
fn writes_nothing<T>(catalog: &Catalog, act: impl FnOnce(&Actor) -> T) -> T {
    let before = (catalog.last_seq(), catalog.audit_last("sys", 1).unwrap());
    let answer = act(&validating());
    let after = (catalog.last_seq(), catalog.audit_last("sys", 1).unwrap());
    assert_eq!(after, before);
    answer
}

#[test]
fn stages_are_validated_and_not_changed() {
    let (_dir, catalog) = bootstrapped();
    let first = create(&catalog, "s", "/s");
    let answer = writes_nothing(&catalog, |actor| {
        catalog.create_stage(actor, "t", at("/t"), OnExists::Error, Expected::Any)
    });
    let created = answer.unwrap();
    assert_eq!(
        (created.outcome, created.record.id, created.record.version),
        (CreateOutcome::Created, 2, 1)
    );
    assert_eq!(catalog.stage("sys", "t").unwrap(), None);
    let altered = writes_nothing(&catalog, |actor| {
        catalog.alter_stage(actor, "s", set_enabled(false), Expected::Any)
    });
    let altered = altered.unwrap();
    assert!(altered.changed);
    assert_eq!(
        (altered.record.version, altered.record.definition.enabled),
        (2, false)
    );
    let renamed = writes_nothing(&catalog, |actor| {
        catalog.rename_stage(actor, "s", "u", Expected::Any)
    });
    assert_eq!(renamed.unwrap().name, "u");
    let dropped = writes_nothing(&catalog, |actor| {
        catalog.drop_stage(actor, "s", Expected::Any, true)
    });
    assert_eq!(dropped.unwrap().len(), 1);
    assert_eq!(catalog.stage("sys", "s").unwrap(), Some(first));
    // What would be refused is refused.
    let taken = writes_nothing(&catalog, |actor| {
        catalog.create_stage(actor, "s", at("/t"), OnExists::Error, Expected::Any)
    });
    refused(taken, ErrorKind::AlreadyExists, "the stage s exists");
    let late = writes_nothing(&catalog, |actor| {
        catalog.alter_stage(actor, "s", set_enabled(false), Expected::Version(9))
    });
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Conflict);
    // And it is still to be done.
    let created = catalog.create_stage(&root(), "t", at("/t"), OnExists::Error, Expected::Any);
    assert_eq!(created.unwrap().record.id, 2);
}

#[test]
fn identities_are_validated_and_not_changed() {
    let (_dir, catalog) = with_acme();
    let bob = create_user(&catalog, &root(), "bob");
    let role = create_role(&catalog, &root(), "r");
    let read = PrivilegeSet::of(&[Privilege::Read]);
    writes_nothing(&catalog, |actor| {
        let new = NewUser {
            name: "carol".into(),
            password: None,
            default_role: None,
            comment: String::new(),
        };
        catalog.create_user(actor, new, OnExists::Error).unwrap();
        let change = UserChange::Password(PasswordHash::new("other"));
        let altered = catalog.alter_user(actor, "bob", [change], Expected::Any);
        assert_eq!(altered.unwrap().record.version, 2);
        catalog
            .create_role(actor, new_role("q"), OnExists::Error)
            .unwrap();
        assert!(catalog.grant_role(actor, "r", "bob").unwrap());
        let granted = catalog.grant(actor, "r", Securable::Stages, read).unwrap();
        assert_eq!(granted.unwrap().added, read);
        let token = NewToken {
            id: "0192f0c1-2345-4abc-8def-0123456789ab".into(),
            hash: [7; 32],
            user: "bob".into(),
            user_id: bob.id,
            password_epoch: bob.password_epoch,
            role: None,
            label: String::new(),
            expires_us: u64::MAX,
            user_tokens_max: usize::MAX,
        };
        catalog.create_token(actor, token).unwrap();
        let account = new_account("other");
        catalog
            .create_account(actor, account, OnExists::Error)
            .unwrap();
        catalog.drop_account(actor, "acme", Expected::Any).unwrap();
        catalog.drop_user(actor, "bob", Expected::Any).unwrap();
        catalog.drop_role(actor, "r", Expected::Any).unwrap();
        catalog
            .create_database(actor, "db", OnExists::Error)
            .unwrap();
    });
    assert_eq!(catalog.user("sys", "bob").unwrap(), Some(bob));
    assert_eq!(catalog.user("sys", "carol").unwrap(), None);
    assert_eq!(catalog.role("sys", "r").unwrap(), Some(role));
    assert!(catalog.grants_of_role("sys", "r").unwrap().is_empty());
    assert_eq!(catalog.token(&[7; 32]).unwrap(), None);
    assert_eq!(catalog.accounts().unwrap().len(), 2);
}

#[test]
fn changes_of_identities_given_again_are_made_once() {
    let (dir, catalog) = with_acme();
    let (root_key, other) = (with_key, PasswordHash::new("other"));
    let new = |password: &PasswordHash| NewUser {
        name: "bob".into(),
        password: Some(password.clone()),
        default_role: None,
        comment: String::new(),
    };
    let (first, read) = (
        PasswordHash::new("one"),
        PrivilegeSet::of(&[Privilege::Read]),
    );
    let create = |catalog: &Catalog, password| {
        catalog.create_user(&root_key("u1"), new(password), OnExists::Error)
    };
    let rename = |catalog: &Catalog| {
        let changes = [
            UserChange::Comment("now".into()),
            UserChange::Password(other.clone()),
        ];
        let id = catalog.user("sys", "bob").unwrap().unwrap().id;
        let expected = Expected::Record { id, version: 1 };
        catalog.alter_user(&root_key("u2"), "bob", changes, expected)
    };
    let account = |catalog: &Catalog| {
        catalog.create_account(&root_key("a1"), new_account("two"), OnExists::Error)
    };
    let role =
        |catalog: &Catalog| catalog.create_role(&root_key("r1"), new_role("r"), OnExists::Error);
    let give = |catalog: &Catalog| catalog.grant_role(&root_key("r2"), "r", "bob");
    let grant = |catalog: &Catalog| catalog.grant(&root_key("g1"), "r", Securable::Stages, read);

    create(&catalog, &first).unwrap();
    let renamed = rename(&catalog).unwrap();
    account(&catalog).unwrap();
    role(&catalog).unwrap();
    assert!(give(&catalog).unwrap());
    assert_eq!(grant(&catalog).unwrap().unwrap().added, read);
    let seq = catalog.last_seq();
    let check = |catalog: &Catalog| {
        // The record as it is now.
        let created = create(catalog, &first).unwrap();
        assert_eq!(created.outcome, CreateOutcome::Created);
        assert_eq!(created.record, renamed.record);
        let again = rename(catalog).unwrap();
        assert_eq!(
            (again.record, again.changed),
            (renamed.record.clone(), false)
        );
        assert_eq!(account(catalog).unwrap().record.name, "two");
        assert_eq!(role(catalog).unwrap().record.name, "r");
        assert!(give(catalog).unwrap());
        assert_eq!(grant(catalog).unwrap(), None);
        assert_eq!(catalog.last_seq(), seq);
    };
    check(&catalog);
    drop(catalog);
    let catalog = Catalog::open(dir.path(), options()).unwrap();
    check(&catalog);

    // Another password is another request.
    let error = create(&catalog, &other).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("other arguments"), "{error}");
    let error = catalog
        .drop_role(&root_key("r1"), "r", Expected::Any)
        .unwrap_err();
    assert!(error.to_string().contains("another operation"), "{error}");
    // A key is its user's: it tells another nothing, and is not taken from them.
    let other_actor = Actor::new("sys", "bob", "public").with_request(root_key("u1").request);
    let error = catalog
        .create_user(&other_actor, new(&first), OnExists::Error)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);

    // What takes away, too; and of what is gone there is nothing to answer with.
    let take = || catalog.revoke(&root_key("g2"), "r", Securable::Stages, read);
    assert_eq!(take().unwrap().unwrap().revoked, read);
    assert_eq!(take().unwrap(), None);
    assert!(catalog.grants_of_role("sys", "r").unwrap().is_empty());
    let take = || catalog.revoke_role(&root_key("r3"), "r", "bob").unwrap();
    assert!(take() && take());
    let bob = catalog.user("sys", "bob").unwrap().unwrap();
    for n in 1..=3 {
        let token = NewToken {
            id: format!("0192f0c1-2345-4abc-8def-0123456789a{n}"),
            hash: [n; 32],
            user: "bob".into(),
            user_id: bob.id,
            password_epoch: bob.password_epoch,
            role: None,
            label: String::new(),
            expires_us: u64::MAX,
            user_tokens_max: usize::MAX,
        };
        catalog.create_token(&root(), token).unwrap();
    }
    let one = "0192f0c1-2345-4abc-8def-0123456789a1";
    let revoke = || catalog.revoke_token(&root_key("t1"), one, None).unwrap();
    assert_eq!((revoke(), revoke()), (1, 1));
    let revoke = || catalog.revoke_tokens_of(&root_key("t2"), "bob").unwrap();
    assert_eq!((revoke(), revoke()), (2, 2));
    let drop_user = || {
        catalog
            .drop_user(&root_key("u3"), "bob", Expected::Any)
            .unwrap()
    };
    assert_eq!(drop_user().map(|user| user.id), Some(bob.id));
    assert_eq!(drop_user(), None);
    refused(
        create(&catalog, &first),
        ErrorKind::NotFound,
        "the request \"u1\" was done, but the user that it answered with was dropped since",
    );
    let drop_role = || {
        catalog
            .drop_role(&root_key("r4"), "r", Expected::Any)
            .unwrap()
    };
    assert!(drop_role().is_some() && drop_role().is_none());
    let drop_account = || {
        catalog
            .drop_account(&root_key("a2"), "two", Expected::Any)
            .unwrap()
    };
    assert!(drop_account().is_some() && drop_account().is_none());
}

/// An etag is of one record, not of the next with its name.
#[test]
fn a_version_is_expected_of_one_record() {
    let (_dir, catalog) = with_acme();
    let first = create_user(&catalog, &root(), "bob");
    catalog.drop_user(&root(), "bob", Expected::Any).unwrap();
    let second = create_user(&catalog, &root(), "bob");
    assert_eq!(first.version, second.version);
    let at = |user: &stagedoor_catalog::UserRecord| Expected::Record {
        id: user.id,
        version: user.version,
    };
    let (old, new) = (first.id, second.id);
    refused(
        catalog.drop_user(&root(), "bob", at(&first)),
        ErrorKind::Conflict,
        &format!("the user bob is at {new}-1 (id and version), not at the expected {old}-1"),
    );
    catalog.drop_user(&root(), "bob", at(&second)).unwrap();
}

/// Those that take several changes end, and have no other effect either.
#[test]
fn changes_in_steps_are_validated() {
    let (dir, catalog) = new_with_key();
    let record = create_secret(&catalog, "s", "one");
    for n in 0..1200 {
        let comment = set_comment(n.to_string());
        catalog
            .alter_stage(&root(), "s", comment, Expected::Any)
            .unwrap();
    }
    let rotated = writes_nothing(&catalog, |actor| {
        catalog.rotate_key(actor, key(2), |_, _| ()).unwrap()
    });
    assert_eq!((rotated.from, rotated.secrets), (Some(key(1).id()), 1201));
    assert_eq!(catalog.rotation_state().unwrap(), None);
    let shredded = writes_nothing(&catalog, |actor| {
        catalog.shred_credentials(actor, record.id, 1000).unwrap()
    });
    assert_eq!(shredded, 1000);
    let pruned = writes_nothing(&catalog, |actor| {
        catalog.prune_stage_versions(actor, 1).unwrap()
    });
    assert_eq!(pruned.removed, 1200);
    let pruned = writes_nothing(&catalog, |actor| {
        catalog.prune_audit(actor, u64::MAX).unwrap()
    });
    assert_eq!(pruned.removed, 1201);
    assert_eq!(catalog.stage_history("sys", "s").unwrap().len(), 1201);
    assert_eq!(catalog.verify_audit().unwrap().first, 1);
    // What is sealed now is sealed by the key that the catalog was opened with.
    create_secret(&catalog, "t", "two");
    drop(catalog);
    let ring = with_keys(KeyRing::new(key(1)));
    let catalog = Catalog::open(dir.path(), ring).unwrap();
    let stage = catalog.stage("sys", "t").unwrap().unwrap();
    assert_eq!(opened(&catalog, &stage), "two");
}

#[test]
fn a_request_given_again_gets_its_first_answer() {
    let (dir, catalog) = bootstrapped();
    let create = |catalog: &Catalog| {
        catalog
            .create_stage(
                &with_key("k1"),
                "s",
                at("/s"),
                OnExists::Error,
                Expected::Any,
            )
            .unwrap()
    };
    let created = create(&catalog);
    let replace = |catalog: &Catalog| {
        let expected = Expected::Version(1);
        catalog
            .create_stage(&with_key("k2"), "s", at("/t"), OnExists::Replace, expected)
            .unwrap()
    };
    let replaced = replace(&catalog);
    assert_eq!(replaced.outcome, CreateOutcome::Replaced);
    let alter = |catalog: &Catalog| {
        catalog
            .alter_stage(
                &with_key("k3"),
                "s",
                set_enabled(false),
                Expected::Version(2),
            )
            .unwrap()
    };
    let altered = alter(&catalog);
    let rename = |catalog: &Catalog| {
        catalog
            .rename_stage(&with_key("k4"), "s", "r", Expected::Version(3))
            .unwrap()
    };
    let renamed = rename(&catalog);
    let rollback = |catalog: &Catalog| {
        catalog
            .rollback_stage(&with_key("k5"), "r", 1, Expected::Version(4))
            .unwrap()
    };
    let rolled = rollback(&catalog);
    catalog
        .create_stage(
            &root(),
            "sub",
            at("stage://r/x"),
            OnExists::Error,
            Expected::Any,
        )
        .unwrap();
    let drop_both = |catalog: &Catalog| {
        catalog
            .drop_stage(&with_key("a/b c"), "r", Expected::Version(5), true)
            .unwrap()
    };
    let dropped = drop_both(&catalog);
    assert_eq!(dropped.len(), 2);
    let undrop = |catalog: &Catalog| {
        catalog
            .undrop_stage(&with_key("größe"), "r", Expected::Any)
            .unwrap()
    };
    let undropped = undrop(&catalog);
    let seq = catalog.last_seq();
    let audit = catalog.audit_last("sys", 1).unwrap();
    let all_again = |catalog: &Catalog| {
        assert_eq!(create(catalog), created);
        assert_eq!(replace(catalog), replaced);
        assert_eq!(alter(catalog), altered);
        assert_eq!(rename(catalog), renamed);
        assert_eq!(rollback(catalog), rolled);
        assert_eq!(drop_both(catalog), dropped);
        assert_eq!(undrop(catalog), undropped);
        assert_eq!(catalog.last_seq(), seq);
        assert_eq!(catalog.audit_last("sys", 1).unwrap(), audit);
    };
    all_again(&catalog);
    drop(catalog);
    let catalog = Catalog::open(dir.path(), options()).unwrap();
    all_again(&catalog);
    // Another account has its own keys.
    let mut other = with_key("k1");
    other.account = "acme".into();
    catalog
        .create_account(&root(), new_account("acme"), OnExists::Error)
        .unwrap();
    let made = catalog
        .create_stage(&other, "z", at("/z"), OnExists::Error, Expected::Any)
        .unwrap();
    assert_eq!(made.record.name, "z");
}

#[test]
fn a_key_given_with_another_request_is_a_conflict() {
    let (_dir, catalog) = new();
    let create = |name, definition, on_exists, expected| {
        catalog.create_stage(&with_key("k"), name, definition, on_exists, expected)
    };
    create("s", at("/s"), OnExists::Error, Expected::Any).unwrap();
    let seq = catalog.last_seq();
    let region = vec![Credential::plain("region", "eu")];
    let others = [
        create("t", at("/s"), OnExists::Error, Expected::Any),
        create("s", at("/t"), OnExists::Error, Expected::Any),
        create("s", at("/s"), OnExists::Replace, Expected::Any),
        create("s", at("/s"), OnExists::Error, Expected::Version(1)),
        create(
            "s",
            StageDefinition {
                credentials: Credentials::new(region).unwrap(),
                ..at("/s")
            },
            OnExists::Error,
            Expected::Any,
        ),
    ];
    for other in others {
        refused(
            other,
            ErrorKind::Conflict,
            "the idempotency key \"k\" was given before with other arguments (CREATE STAGE); give each request a key of its own",
        );
    }
    refused(
        catalog.alter_stage(&with_key("k"), "s", set_enabled(false), Expected::Any),
        ErrorKind::Conflict,
        "the idempotency key \"k\" was given before with another operation (CREATE STAGE); give each request a key of its own",
    );
    assert_eq!(catalog.last_seq(), seq);
    for key in ["", "a\nb", &"x".repeat(129)] {
        let made = catalog.create_stage(
            &with_key(key),
            "u",
            at("/u"),
            OnExists::Error,
            Expected::Any,
        );
        assert_eq!(made.unwrap_err().kind(), ErrorKind::Invalid, "{key:?}");
    }
    // A request that failed is not remembered.
    let early = catalog.alter_stage(&with_key("k2"), "u", set_enabled(false), Expected::Any);
    assert_eq!(early.unwrap_err().kind(), ErrorKind::NotFound);
    crate::fixture::create(&catalog, "u", "/u");
    let later = catalog.alter_stage(&with_key("k2"), "u", set_enabled(false), Expected::Any);
    assert!(later.unwrap().changed);
}

#[test]
fn what_changed_nothing_is_remembered_and_not_audited() {
    let (_dir, catalog) = new();
    create(&catalog, "s", "/s");
    let audit = catalog.audit_last("sys", 1).unwrap();
    let alter = || catalog.alter_stage(&with_key("k"), "s", set_enabled(true), Expected::Any);
    let keep =
        || catalog.create_stage(&with_key("l"), "s", at("/s"), OnExists::Keep, Expected::Any);
    assert!(!alter().unwrap().changed);
    assert_eq!(keep().unwrap().outcome, CreateOutcome::Kept);
    assert_eq!(catalog.audit_last("sys", 1).unwrap(), audit);
    catalog
        .alter_stage(&root(), "s", set_enabled(false), Expected::Any)
        .unwrap();
    let seq = catalog.last_seq();
    let again = alter().unwrap();
    assert_eq!((again.changed, again.record.version), (false, 1));
    let again = keep().unwrap();
    assert_eq!(
        (again.outcome, again.record.version),
        (CreateOutcome::Kept, 1)
    );
    assert_eq!(catalog.last_seq(), seq);
}

#[test]
fn secrets_are_part_of_a_request_by_fingerprint() {
    let (_dir, catalog) = new_with_key();
    let create = |secret| {
        catalog.create_stage(
            &with_key("k"),
            "s",
            definition(secret),
            OnExists::Error,
            Expected::Any,
        )
    };
    // The first secret of the catalog: the keys are made in the same change, once.
    let first = create("one").unwrap();
    assert_eq!(opened(&catalog, &first.record), "one");
    let seq = catalog.last_seq();
    assert_eq!(create("one").unwrap(), first);
    assert_eq!(create("two").unwrap_err().kind(), ErrorKind::Conflict);
    // Also under another server key.
    catalog.rotate_key(&root(), key(2), |_, _| ()).unwrap();
    assert!(catalog.last_seq() > seq);
    let again = create("one").unwrap();
    assert_eq!(again.record.version, first.record.version);
    assert_eq!(opened(&catalog, &again.record), "one");
}

#[test]
fn a_key_is_free_again_after_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicU64::new(DAY_US));
    let clock = Arc::clone(&now);
    let options = Options {
        clock: Arc::new(move || clock.load(Ordering::Relaxed)),
        ..Options::default()
    };
    let catalog = Catalog::open(dir.path(), options).unwrap();
    let alter = |key: &str, comment: &str| {
        catalog.alter_stage(&with_key(key), "s", set_comment(comment), Expected::Any)
    };
    create(&catalog, "s", "/s");
    for n in 0..30 {
        alter(&format!("k{n}"), &n.to_string()).unwrap();
    }
    now.store(2 * DAY_US - 1, Ordering::Relaxed);
    assert_eq!(alter("k3", "new").unwrap_err().kind(), ErrorKind::Conflict);
    now.store(2 * DAY_US, Ordering::Relaxed);
    let altered = alter("k3", "new").unwrap();
    assert_eq!(altered.record.version, 32);
    // The one that took the key anew is remembered for its own day, through all that forgets.
    let remembered = |catalog: &Catalog| {
        let seq = catalog.last_seq();
        let again = catalog.alter_stage(&with_key("k3"), "s", set_comment("new"), Expected::Any);
        assert_eq!(again.unwrap(), altered);
        assert_eq!(catalog.last_seq(), seq);
    };
    for n in 0..8 {
        remembered(&catalog);
        let comment = set_comment(format!("later {n}"));
        catalog
            .alter_stage(&root(), "s", comment, Expected::Any)
            .unwrap();
    }
    remembered(&catalog);
}

#[test]
fn of_many_at_once_one_makes_the_change() {
    let (_dir, catalog) = new();
    let answers: Vec<_> = thread::scope(|scope| {
        let create = || {
            let actor = with_key("k");
            catalog.create_stage(&actor, "s", at("/s"), OnExists::Error, Expected::Any)
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
        let answers = threads.into_iter().map(|thread| thread.join().unwrap());
        answers.map(Result::unwrap).collect()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(catalog.last_seq(), 1);
}

#[test]
fn an_answer_that_is_no_longer_kept_is_said_to_be_gone() {
    let (_dir, catalog) = new();
    let create = || {
        catalog.create_stage(
            &with_key("k"),
            "s",
            at("/s"),
            OnExists::Error,
            Expected::Any,
        )
    };
    create().unwrap();
    catalog
        .alter_stage(&root(), "s", set_enabled(false), Expected::Any)
        .unwrap();
    catalog.prune_stage_versions(&root(), 1).unwrap();
    refused(
        create(),
        ErrorKind::NotFound,
        "the request \"k\" was done, but version 1 of the stage that it answered is no longer kept",
    );
}
