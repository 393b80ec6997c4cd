//! Credentials of stages: stored sealed, carried on, opened with the right key alone, never shown.

mod leaks;
mod places;
mod rotation;
mod shredding;
mod tables;

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret;
use stagedoor_catalog::{
    Actor, Catalog, CreateOutcome, Credential, CredentialKind, CredentialValue, Credentials, Error,
    ErrorKind, Expected, KeyRing, OnExists, OpenValue, Options, ServerKey, StageChanges,
    StageDefinition, StageRecord,
};

use crate::fixture::{at, open, options, refused, root, set_comment, set_credentials};

pub(crate) fn key(byte: u8) -> Arc<ServerKey> {
    Arc::new(ServerKey::from_bytes(&[byte; 32]))
}

pub(crate) fn with_keys(keys: KeyRing) -> Options {
    Options {
        keys: Some(keys),
        ..options()
    }
}

pub(crate) fn open_with(dir: &Path, byte: u8) -> Catalog {
    Catalog::open(dir, with_keys(KeyRing::new(key(byte)))).unwrap()
}

pub(crate) fn new_with_key() -> (tempfile::TempDir, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open_with(dir.path(), 1);
    (dir, catalog)
}

/// A region, a reference, and a secret of this value.
pub(crate) fn credentials(secret: &str) -> Credentials {
    Credentials::new(vec![
        Credential::plain("region", "eu-central-1"),
        Credential::reference("access_key_id", "env:KEY_ID"),
        Credential::secret("secret_access_key", secret),
    ])
    .unwrap()
}

pub(crate) fn definition(secret: &str) -> StageDefinition {
    StageDefinition {
        credentials: credentials(secret),
        ..at("s3://bucket/")
    }
}

pub(crate) fn create_secret(catalog: &Catalog, name: &str, secret: &str) -> StageRecord {
    catalog
        .create_stage(
            &root(),
            name,
            definition(secret),
            OnExists::Error,
            Expected::Any,
        )
        .unwrap()
        .record
}

pub(crate) fn alter(catalog: &Catalog, name: &str, changes: StageChanges) -> StageRecord {
    catalog
        .alter_stage(&root(), name, changes, Expected::Any)
        .unwrap()
        .record
}

/// The secret of a record, opened in an account.
pub(crate) fn opened_in(
    catalog: &Catalog,
    account: &str,
    record: &StageRecord,
) -> Result<String, Error> {
    for (name, value) in catalog.credentials(account, record)? {
        if let ("secret_access_key", OpenValue::Secret(secret)) = (name.as_str(), value) {
            return Ok(secret.expose_secret().to_owned());
        }
    }
    panic!("no secret in {record:?}")
}

pub(crate) fn opened(catalog: &Catalog, record: &StageRecord) -> String {
    opened_in(catalog, "sys", record).unwrap()
}

fn secret_of(record: &StageRecord) -> &Credential {
    record
        .definition
        .credentials
        .get("secret_access_key")
        .unwrap()
}

#[test]
fn credentials_are_stored_sealed_and_open_again() {
    let (dir, catalog) = new_with_key();
    let record = create_secret(&catalog, "s", "größe/+=");
    let kinds = |record: &StageRecord| -> Vec<(String, CredentialKind)> {
        let credentials = record.definition.credentials.iter();
        credentials.map(|c| (c.name.clone(), c.kind())).collect()
    };
    let expected = [
        ("region".to_owned(), CredentialKind::Plain),
        ("access_key_id".to_owned(), CredentialKind::Reference),
        ("secret_access_key".to_owned(), CredentialKind::Sealed),
    ];
    assert_eq!(kinds(&record), expected);
    assert_eq!(
        record
            .definition
            .credentials
            .get("region")
            .unwrap()
            .plain_value(),
        Some("eu-central-1")
    );
    assert_eq!(secret_of(&record).plain_value(), None);
    drop(catalog);
    let catalog = open_with(dir.path(), 1);
    let stored = catalog.stage("sys", "s").unwrap().unwrap();
    assert_eq!(stored, record);
    let open = catalog.credentials("sys", &stored).unwrap();
    assert!(matches!(&open[0], (n, OpenValue::Plain(v)) if n == "region" && v == "eu-central-1"));
    assert!(
        matches!(&open[1], (n, OpenValue::Reference(v)) if n == "access_key_id" && v == "env:KEY_ID")
    );
    assert_eq!(opened(&catalog, &stored), "größe/+=");
    assert_eq!(open.len(), 3);
}

#[test]
fn a_fingerprint_shows_that_a_secret_changed() {
    let (_dir, catalog) = new_with_key();
    let a = create_secret(&catalog, "a", "one");
    let b = create_secret(&catalog, "b", "one");
    let fingerprint = |record: &StageRecord| secret_of(record).fingerprint().unwrap();
    assert_eq!(fingerprint(&a), fingerprint(&b));
    let text = fingerprint(&a).to_string();
    assert!(
        text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit()),
        "{text}"
    );
    let changed = alter(&catalog, "a", set_credentials(credentials("two")));
    assert_ne!(fingerprint(&a), fingerprint(&changed));
    // Another catalog has another fingerprint key, though it has the same server key.
    let (_other_dir, other) = new_with_key();
    assert_ne!(
        fingerprint(&a),
        fingerprint(&create_secret(&other, "a", "one"))
    );
}

#[test]
fn a_replace_by_equal_secrets_makes_no_version() {
    let (_dir, catalog) = new_with_key();
    let before = create_secret(&catalog, "s", "one");
    let replace = |definition: StageDefinition| {
        catalog
            .create_stage(&root(), "s", definition, OnExists::Replace, Expected::Any)
            .unwrap()
    };
    let same = replace(definition("one"));
    assert_eq!((same.outcome, &same.record), (CreateOutcome::Kept, &before));
    // In another order, and as it was read.
    let mut reversed: Vec<Credential> = credentials("one").iter().cloned().collect();
    reversed.reverse();
    let reversed = StageDefinition {
        credentials: Credentials::new(reversed).unwrap(),
        ..at("s3://bucket/")
    };
    assert_eq!(replace(reversed).outcome, CreateOutcome::Kept);
    assert_eq!(
        replace(before.definition.clone()).outcome,
        CreateOutcome::Kept
    );
    assert_eq!(catalog.last_seq(), 1);
    let other = replace(definition("two"));
    assert_eq!(other.outcome, CreateOutcome::Replaced);
    assert_eq!(opened(&catalog, &other.record), "two");
    // The same secret with another region, or without one of the others.
    let mut less: Vec<Credential> = credentials("two").iter().cloned().collect();
    less.remove(0);
    let less = StageDefinition {
        credentials: Credentials::new(less).unwrap(),
        ..at("s3://bucket/")
    };
    let less = replace(less);
    assert_eq!(
        (less.outcome, less.record.version),
        (CreateOutcome::Replaced, 3)
    );
    assert_eq!(opened(&catalog, &less.record), "two");
}

#[test]
fn an_alter_replaces_the_whole_set() {
    let (_dir, catalog) = new_with_key();
    create_secret(&catalog, "s", "one");
    let token = vec![Credential::secret("session_token", "t")];
    let token = set_credentials(Credentials::new(token).unwrap());
    let record = alter(&catalog, "s", token);
    let names: Vec<&str> = record
        .definition
        .credentials
        .iter()
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(names, ["session_token"]);
    let none = alter(&catalog, "s", set_credentials(Credentials::default()));
    assert!(none.definition.credentials.is_empty());
    assert!(catalog.credentials("sys", &none).unwrap().is_empty());
}

#[test]
fn unchanged_secrets_are_carried_through_every_change() {
    let (dir, catalog) = new_with_key();
    let root = root();
    let first = create_secret(&catalog, "s", "one");
    let mut records = vec![
        alter(&catalog, "s", set_comment("c")),
        catalog
            .rename_stage(&root, "s", "t", Expected::Any)
            .unwrap(),
        catalog
            .drop_stage(&root, "t", Expected::Any, false)
            .unwrap()
            .remove(0),
        catalog.undrop_stage(&root, "t", Expected::Any).unwrap(),
    ];
    for record in &records {
        assert_eq!(secret_of(record), secret_of(&first));
    }
    let changed = alter(&catalog, "t", set_credentials(credentials("two")));
    assert_eq!(opened(&catalog, &changed), "two");
    records.push(
        catalog
            .rollback_stage(&root, "t", 1, Expected::Any)
            .unwrap(),
    );
    records.push(first);
    drop(catalog);
    let catalog = open_with(dir.path(), 1);
    for record in &records {
        assert_eq!(opened(&catalog, record), "one");
    }
    for (record, secret) in catalog
        .stage_history("sys", "t")
        .unwrap()
        .iter()
        .zip(["one", "one", "one", "one", "one", "two", "one"])
    {
        assert_eq!(opened(&catalog, record), secret, "{}", record.version);
    }
}

#[test]
fn without_a_key_all_but_secrets_works() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(dir.path());
    let no_key =
        "no server key was given, so no secret can be stored; open the catalog with a server key";
    let create = catalog.create_stage(
        &root(),
        "s",
        definition("one"),
        OnExists::Error,
        Expected::Any,
    );
    refused(create, ErrorKind::KeyMissing, no_key);
    assert_eq!(catalog.last_seq(), 0);
    let plain = vec![
        Credential::plain("region", "eu"),
        Credential::reference("access_key_id", "file:/k"),
    ];
    let definition = StageDefinition {
        credentials: Credentials::new(plain).unwrap(),
        ..at("s3://bucket/")
    };
    let record = catalog
        .create_stage(&root(), "s", definition, OnExists::Error, Expected::Any)
        .unwrap()
        .record;
    assert_eq!(catalog.credentials("sys", &record).unwrap().len(), 2);
    let change = set_credentials(credentials("one"));
    let alter = catalog.alter_stage(&root(), "s", change, Expected::Any);
    refused(alter, ErrorKind::KeyMissing, no_key);
    drop(catalog);

    create_secret(&open_with(dir.path(), 1), "t", "one");
    let catalog = open(dir.path());
    let record = catalog.stage("sys", "t").unwrap().unwrap();
    let id = key(1).id();
    refused(
        catalog.credentials("sys", &record),
        ErrorKind::KeyMissing,
        &format!(
            "no server key was given, and the secret is sealed by the server key {id}; open the catalog with that key"
        ),
    );
    // It is still carried on, for that takes no key, and nothing has stopped writing.
    let renamed = catalog
        .rename_stage(&root(), "t", "u", Expected::Any)
        .unwrap();
    assert_eq!(catalog.read_only_reason(), None);
    drop(catalog);
    assert_eq!(opened(&open_with(dir.path(), 1), &renamed), "one");
}

#[test]
fn another_key_is_refused_at_open() {
    let dir = tempfile::tempdir().unwrap();
    // Before there is a secret any key does.
    drop(open_with(dir.path(), 9));
    create_secret(&open_with(dir.path(), 1), "s", "one");
    let (right, wrong) = (key(1).id(), key(2).id());
    refused(
        Catalog::open(dir.path(), with_keys(KeyRing::new(key(2)))),
        ErrorKind::KeyMissing,
        &format!(
            "the secrets of this catalog are sealed by the server key {right}, and the key given is {wrong}; open it with the key {right}"
        ),
    );
    let catalog = open_with(dir.path(), 1);
    let record = catalog.stage("sys", "s").unwrap().unwrap();
    assert_eq!(opened(&catalog, &record), "one");
}

#[test]
fn lists_that_are_no_credentials_are_refused_without_their_values() {
    let planted = "PLANTED+value";
    let lists = [
        vec![
            Credential::secret("a", planted),
            Credential::secret("a", planted),
        ],
        vec![Credential::secret(planted, planted)],
        vec![Credential::secret("", planted)],
        vec![Credential::secret("x".repeat(65), planted)],
        vec![Credential::reference("a", planted)],
        vec![Credential::reference("a", "env:")],
        vec![Credential::secret("a", planted.repeat(2000))],
        (0..65)
            .map(|n| Credential::secret(format!("a{n}"), planted))
            .collect(),
    ];
    for list in lists {
        let shown = format!("{list:?}");
        let error = Credentials::new(list).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{shown}");
        assert!(!error.to_string().contains(planted), "{error}");
    }
}

#[test]
fn secrets_are_compared_by_value() {
    let secret = |text: &str| CredentialValue::Secret(text.into());
    assert_eq!(secret("a"), secret("a"));
    assert_ne!(secret("a"), secret("b"));
    assert_ne!(secret("a"), secret("aa"));
    assert_ne!(secret("a"), CredentialValue::Plain("a".into()));
}

#[test]
fn accounts_have_their_own_secrets() {
    let (_dir, catalog) = new_with_key();
    let acme = Actor::new("acme", "ann", "accountadmin");
    let sys = create_secret(&catalog, "s", "one");
    let other = catalog
        .create_stage(
            &acme,
            "s",
            definition("two"),
            OnExists::Error,
            Expected::Any,
        )
        .unwrap()
        .record;
    assert_eq!((sys.id, other.id), (1, 1));
    assert_eq!(opened(&catalog, &sys), "one");
    assert_eq!(opened_in(&catalog, "acme", &other).unwrap(), "two");
    for (account, record) in [("acme", &sys), ("sys", &other)] {
        let error = opened_in(&catalog, account, record).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}

/// A key for one purpose is the same as long as the server key is, and says nothing of another purpose's.
#[test]
fn a_derived_key_is_of_its_purpose_and_of_the_server_key() {
    let (dir, catalog) = new_with_key();
    let derived =
        |catalog: &Catalog, purpose: &str| *catalog.derived_key(purpose).unwrap().expose_secret();
    let first = derived(&catalog, "links");
    assert_ne!(derived(&catalog, "other"), first);
    // The catalog's first secret settles which server key is its own.
    create_secret(&catalog, "s", "secret");
    assert_eq!(derived(&catalog, "links"), first);
    drop(catalog);
    assert_eq!(derived(&open_with(dir.path(), 1), "links"), first);
    let other = tempfile::tempdir().unwrap();
    assert_ne!(derived(&open_with(other.path(), 2), "links"), first);
    let bare = tempfile::tempdir().unwrap();
    let without = open(bare.path()).derived_key("links").unwrap_err();
    assert_eq!(without.kind(), ErrorKind::KeyMissing);
}
