//! A sealed secret opens where it belongs, and nowhere else, and not with one bit changed.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::secrets::cipher::random;

const OWNER: Owner<'_> = Owner::Stage {
    account: "sys",
    id: 7,
};

fn key(byte: u8) -> ServerKey {
    ServerKey::from_bytes(&[byte; 32])
}

fn seal(field: &str, value: &str) -> SealedSecret {
    let fingerprint = Fingerprint::of(&[6; 32], field, value);
    SealedSecret::seal(&random, &key(1), OWNER, 3, field, (value, fingerprint)).unwrap()
}

fn opens(sealed: &SealedSecret, key: &ServerKey, owner: Owner<'_>, field: &str) -> bool {
    sealed.open(key, owner, field).is_some()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_sealed_opens(field in "[a-z_]{1,20}", value in ".{0,300}") {
        let sealed = seal(&field, &value);
        let stored = SealedSecret::from_bytes(&sealed.to_bytes()).unwrap();
        prop_assert_eq!(stored.to_bytes(), sealed.to_bytes());
        let opened = stored.open(&key(1), OWNER, &field).unwrap();
        prop_assert_eq!(opened.as_slice(), value.as_bytes());
        let moved = stored.rewrap(&random, &key(1), &key(2), OWNER, &field).unwrap().unwrap();
        let opened = moved.open(&key(2), OWNER, &field).unwrap();
        prop_assert_eq!(opened.as_slice(), value.as_bytes());
    }

    #[test]
    fn damaged_bytes_never_open(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let opened = SealedSecret::from_bytes(&bytes).ok();
        let opened = opened.and_then(|sealed| sealed.open(&key(1), OWNER, "f"));
        prop_assert!(opened.is_none());
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let bytes = seal("secret_access_key", "a secret").to_bytes();
    let open = |bytes: &[u8]| {
        let sealed = SealedSecret::from_bytes(bytes).ok()?;
        sealed.open(&key(1), OWNER, "secret_access_key")
    };
    assert!(open(&bytes).is_some());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(open(&flipped).is_none(), "bit {bit} of byte {at}");
        }
        assert!(open(&bytes[..at]).is_none(), "cut to {at}");
    }
    assert!(open(&[bytes.as_slice(), &[0]].concat()).is_none());
}

#[test]
fn it_opens_nowhere_else() {
    let sealed = seal("secret_access_key", "a secret");
    let here = (key(1), OWNER, "secret_access_key");
    assert!(opens(&sealed, &here.0, here.1, here.2));
    assert!(!opens(&sealed, &key(2), here.1, here.2));
    assert!(!opens(&sealed, &here.0, here.1, "session_token"));
    let account = Owner::Stage {
        account: "acme",
        id: 7,
    };
    assert!(!opens(&sealed, &here.0, account, here.2));
    let stage = Owner::Stage {
        account: "sys",
        id: 8,
    };
    assert!(!opens(&sealed, &here.0, stage, here.2));
    let export = Owner::Export {
        account: "sys",
        id: "\u{7}\0\0\0\0\0\0\0",
    };
    assert!(!opens(&sealed, &here.0, export, here.2));
    let version = SealedSecret {
        version: 4,
        ..sealed.clone()
    };
    assert!(!opens(&version, &here.0, here.1, here.2));
    let fingerprint = SealedSecret {
        fingerprint: Fingerprint([0; 8]),
        ..sealed
    };
    assert!(!opens(&fingerprint, &here.0, here.1, here.2));
}

#[test]
fn parts_of_two_secrets_do_not_fit_together() {
    let (a, b) = (seal("f", "value a"), seal("f", "value b"));
    let open = |sealed: SealedSecret| sealed.open(&key(1), OWNER, "f");
    assert!(open(a.clone()).is_some());
    for mixed in [
        SealedSecret {
            data_key: b.data_key,
            ..a.clone()
        },
        SealedSecret {
            nonce: b.nonce,
            ..a.clone()
        },
        SealedSecret {
            ciphertext: b.ciphertext,
            ..a.clone()
        },
    ] {
        assert!(open(mixed).is_none());
    }
}

#[test]
fn equal_values_are_sealed_differently_with_one_fingerprint() {
    let (a, b) = (seal("f", "value"), seal("f", "value"));
    assert_ne!(a, b);
    assert_ne!(a.ciphertext, b.ciphertext);
    assert_ne!(a.data_key, b.data_key);
    assert_eq!(a.fingerprint(), b.fingerprint());
    assert_ne!(a.fingerprint(), seal("g", "value").fingerprint());
    assert_ne!(a.fingerprint(), seal("f", "valuf").fingerprint());
    let other_key = Fingerprint::of(&[7; 32], "f", "value");
    assert_ne!(a.fingerprint(), other_key);
    // Its length is all that a ciphertext tells of a value.
    assert_eq!(a.ciphertext.len(), "value".len() + TAG_BYTES);
}

#[test]
fn a_moved_one_equals_its_source_and_needs_the_new_key_alone() {
    let sealed = seal("f", "value");
    let move_to = |from: u8, to: u8| sealed.rewrap(&random, &key(from), &key(to), OWNER, "f");
    let moved = move_to(1, 2).unwrap().unwrap();
    assert_eq!(moved, sealed);
    assert_eq!(moved.key_id(), key(2).id());
    assert_eq!(moved.ciphertext, sealed.ciphertext);
    assert!(moved.open(&key(2), OWNER, "f").is_some());
    assert!(moved.open(&key(1), OWNER, "f").is_none());
    assert!(move_to(2, 1).unwrap().is_none());
}

#[test]
fn the_failure_of_the_random_source_is_an_error() {
    let none = |_: &mut [u8]| Err(Error::invalid("no random bytes"));
    let value = ("v", Fingerprint([0; 8]));
    let refused = SealedSecret::seal(&none, &key(1), OWNER, 1, "f", value).unwrap_err();
    assert_eq!(refused.message(), "no random bytes");
}
