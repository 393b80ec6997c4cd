//! Planted secrets are searched for in every file of the catalog and every text that it gives, in
//! every form that they could have.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::ExposeSecret;
use stagedoor_catalog::{
    Actor, Catalog, CredentialValue, Expected, KeyRing, OnExists, Request, ServerKey,
};

use super::{alter, create_secret, credentials, definition, key, opened, with_keys};
use crate::fixture::{root, set_credentials};

const PLANTED: [&str; 4] = [
    "PLANTED-one/+=&secret",
    "PLANTED-two/+=&secret",
    "PLANTED-three/+=&secret",
    "PLANTED-four/+=&secret",
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The forms of some bytes in which they could leak. Base64 of an unknown neighbourhood begins at any
/// of three places, so the inner characters at each of them are searched for.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.to_vec(), hex(secret).into_bytes()];
    forms.push(hex(secret).to_uppercase().into_bytes());
    let url: String = secret.iter().map(|b| format!("%{b:02X}")).collect();
    forms.push(url.into_bytes());
    let url: String = String::from_utf8_lossy(secret)
        .chars()
        .map(|c| match c {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '-' => c.to_string(),
            other => format!("%{:02X}", u32::from(other)),
        })
        .collect();
    forms.push(url.into_bytes());
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        for before in 0..3 {
            let shifted = [&b"xxx"[..before], secret].concat();
            let text = engine.encode(shifted);
            forms.push(text.as_bytes()[4..text.len() - 2].to_vec());
        }
    }
    forms.push(STANDARD.encode(secret).into_bytes());
    forms
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found
}

#[track_caller]
fn holds_none(place: &str, bytes: &[u8], secrets: &[Vec<u8>]) {
    for form in secrets.iter().flat_map(|secret| forms(secret)) {
        let is_there = bytes.windows(form.len()).any(|window| window == form);
        assert!(
            !is_there,
            "{place} holds {}",
            String::from_utf8_lossy(&form)
        );
    }
}

#[test]
fn the_search_finds_what_is_there() {
    for form in forms(b"PLANTED-one/+=&secret") {
        let text = [b"before ", form.as_slice(), b" after"].concat();
        let found = std::panic::catch_unwind(|| {
            holds_none("a text", &text, &[b"PLANTED-one/+=&secret".to_vec()]);
        });
        assert!(found.is_err(), "{}", String::from_utf8_lossy(&form));
    }
}

#[test]
fn no_secret_is_in_any_file_or_text() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (
        ServerKey::generate().unwrap(),
        ServerKey::generate().unwrap(),
    );
    let mut secrets: Vec<Vec<u8>> = PLANTED.iter().map(|s| s.as_bytes().to_vec()).collect();
    for key in [&old, &new] {
        let text = key.to_text();
        let text = text.expose_secret().strip_prefix("sdkey1:").unwrap();
        secrets.push(STANDARD.decode(text).unwrap());
    }
    let (old, new) = (std::sync::Arc::new(old), std::sync::Arc::new(new));
    let ring = KeyRing::new(old.clone());
    let options = with_keys(ring.clone());
    let mut texts = vec![format!("{options:?} {ring:?} {old:?} {:?}", old.to_text())];
    let catalog = Catalog::open(dir.path(), options).unwrap();
    let mut errors = Vec::new();

    let input = definition(PLANTED[0]);
    texts.push(format!("{input:?} {input:#?}"));
    let created = catalog
        .create_stage(&root(), "s", input, OnExists::Error, Expected::Any)
        .unwrap();
    texts.push(format!("{created:?}"));
    let change = set_credentials(credentials(PLANTED[1]));
    texts.push(format!("{change:?}"));
    texts.push(format!("{:?}", alter(&catalog, "s", change)));
    errors.extend(
        catalog
            .create_stage(
                &root(),
                "s",
                definition(PLANTED[2]),
                OnExists::Error,
                Expected::Any,
            )
            .err(),
    );
    let late = set_credentials(credentials(PLANTED[2]));
    errors.extend(
        catalog
            .alter_stage(&root(), "s", late, Expected::Version(9))
            .err(),
    );
    let acme = Actor::new("acme", "ann", "accountadmin");
    catalog
        .create_stage(
            &acme,
            "s",
            definition(PLANTED[3]),
            OnExists::Error,
            Expected::Any,
        )
        .unwrap();
    let record = catalog.stage("sys", "s").unwrap().unwrap();
    texts.push(format!(
        "{:?}",
        catalog.credentials("sys", &record).unwrap()
    ));
    errors.extend(catalog.credentials("acme", &record).err());
    catalog.rotate_key(&root(), new.clone(), |_, _| ()).unwrap();
    errors.extend(catalog.rotate_key(&root(), old.clone(), |_, _| ()).err());
    texts.push(format!("{catalog:?} {:?}", catalog.rotation_state()));
    texts.push(format!("{:?}", catalog.stage_history("sys", "s").unwrap()));
    // As a request that is remembered, and given again.
    let keyed = root().with_request(Request {
        idempotency_key: Some("k".into()),
        ..Request::default()
    });
    for (secret, is_same) in [(PLANTED[0], true), (PLANTED[0], true), (PLANTED[2], false)] {
        let made = catalog.create_stage(
            &keyed,
            "keyed",
            definition(secret),
            OnExists::Error,
            Expected::Any,
        );
        assert_eq!(made.is_ok(), is_same);
        errors.extend(made.err());
    }
    // The audit has no secret, not even as it is sealed.
    let mut sealed = Vec::new();
    for stage in catalog.stage_history("sys", "s").unwrap() {
        for credential in &stage.definition.credentials {
            if let CredentialValue::Sealed(secret) = &credential.value {
                sealed.push(format!("{secret:?}").into_bytes());
                sealed.push(secret.fingerprint().to_string().into_bytes());
            }
        }
    }
    assert!(sealed.len() >= 4);
    let mut audits = 0;
    for account in ["sys", "acme"] {
        for record in catalog.audit_last(account, 1000).unwrap() {
            let text = format!("{record:?} {record:#?}");
            holds_none("an audit record", text.as_bytes(), &sealed);
            texts.push(text);
            audits += 1;
        }
    }
    assert!(audits >= 5, "{audits}");
    drop(catalog);
    errors.extend(Catalog::open(dir.path(), with_keys(KeyRing::new(key(7)))).err());
    assert!(errors.len() >= 4, "{errors:?}");
    texts.extend(errors.iter().map(|e| format!("{e} {e:?} {e:#?}")));

    for (path, bytes) in files(dir.path()) {
        holds_none(&path, &bytes, &secrets);
    }
    for text in &texts {
        holds_none("a text", text.as_bytes(), &secrets);
    }
    // It was all there to be found.
    let catalog = Catalog::open(dir.path(), with_keys(KeyRing::new(old))).unwrap();
    let record = catalog.stage("sys", "s").unwrap().unwrap();
    assert_eq!(opened(&catalog, &record), PLANTED[1]);
    create_secret(&catalog, "t", "x");
}
