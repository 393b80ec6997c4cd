//! A rotation in a catalog with a secret that does not open: everything else is moved, and there is a
//! way out.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use super::*;
use crate::error::ErrorKind;
use crate::options::{Expected, OnExists, Options};
use crate::secrets::{Credential, Credentials, KeyRing, check_sealed};
use crate::stages::{StageChanges, StageDefinition, StageRecord};

fn key(byte: u8) -> Arc<ServerKey> {
    Arc::new(ServerKey::from_bytes(&[byte; 32]))
}

fn open(dir: &std::path::Path, byte: u8) -> Result<Catalog, Error> {
    let options = Options {
        keys: Some(KeyRing::new(key(byte))),
        ..Options::default()
    };
    Catalog::open(dir, options)
}

fn credentials(value: &str) -> Credentials {
    Credentials::new(vec![Credential::secret("token", value)]).unwrap()
}

fn create(catalog: &Catalog, actor: &Actor, name: &str, value: &str) -> StageRecord {
    let definition = StageDefinition {
        credentials: credentials(value),
        ..StageDefinition::default()
    };
    let created = catalog.create_stage(actor, name, definition, OnExists::Error, Expected::Any);
    created.unwrap().record
}

#[test]
fn one_damaged_secret_stops_only_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(dir.path(), 1).unwrap();
    let root = Actor::new("sys", "root", "moadmin");
    let a = create(&catalog, &root, "a", "of a");
    let mut b = create(&catalog, &root, "b", "of b");
    // As somebody with access to the files would do it.
    b.definition.credentials = a.definition.credentials.clone();
    catalog
        .store
        .write(
            &root,
            || What::step("tamper"),
            |draft| {
                draft.put(keys::stage("sys", "b"), &b);
                draft.put(keys::stage_version("sys", b.id, b.version), &b);
                Ok(())
            },
        )
        .unwrap();
    for _ in 0..2 {
        let error = catalog.rotate_key(&root, key(2), |_, _| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert_eq!(
            error.message(),
            format!(
                "the credential token of the stage b (id 2) at version 1 in the account sys does not open under its server key, so the rotation to {} cannot end; give that stage new credentials, shred the old ones, then rotate again",
                key(2).id()
            )
        );
        let state = catalog.rotation_state().unwrap().unwrap();
        assert_eq!((state.started, state.left), (true, 1));
        assert_eq!(catalog.read_only_reason(), None);
    }
    let change = StageChanges {
        credentials: Some(credentials("new")),
        ..StageChanges::default()
    };
    catalog
        .alter_stage(&root, "b", change, Expected::Any)
        .unwrap();
    assert_eq!(catalog.shred_credentials(&root, b.id, 1).unwrap(), 1);
    let report = catalog.rotate_key(&root, key(2), |_, _| ()).unwrap();
    assert_eq!((report.from, report.secrets), (Some(key(1).id()), 0));
    drop(catalog);
    let catalog = open(dir.path(), 2).unwrap();
    for name in ["a", "b"] {
        let record = catalog.stage("sys", name).unwrap().unwrap();
        assert_eq!(catalog.credentials("sys", &record).unwrap().len(), 1);
    }
}

#[test]
fn a_changed_check_value_is_refused_at_open() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(dir.path(), 1).unwrap();
    let root = Actor::new("sys", "root", "moadmin");
    create(&catalog, &root, "a", "of a");
    let mut state = catalog.store.read(stored).unwrap().unwrap();
    // The name of another key over the constant of this one: what only the constant can show.
    state.current.key_id = key(2).id();
    let put = |draft: &mut crate::store::Draft<'_>| {
        draft.put(keys::server_keys(), &state);
        Ok(())
    };
    catalog
        .store
        .write(&root, || What::step("tamper"), put)
        .unwrap();
    drop(catalog);
    let error = open(dir.path(), 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(
        error
            .message()
            .starts_with("the check value of the server key"),
        "{error}"
    );
}

#[test]
fn what_is_not_sealed_is_not_stored() {
    let error = check_sealed(&credentials("planted")).unwrap_err();
    assert_eq!(
        error.message(),
        "the credential token is not sealed, and is not stored like this"
    );
    let mut record = StageRecord {
        id: 1,
        name: "s".into(),
        version: 1,
        definition: StageDefinition::default(),
        created_us: 0,
        changed_us: 0,
        changed_by: String::new(),
        change: crate::stages::StageChangeKind::Created,
        dropped: false,
    };
    record.definition.credentials = credentials("planted");
    let bytes = crate::format::encode(&record);
    assert!(!bytes.windows(7).any(|window| window == b"planted"));
}
