//! Shredding: old versions lose their secrets for good and keep all else.

use stagedoor_catalog::{CredentialKind, ErrorKind, Expected, KeyRing};

use super::{
    alter, create_secret, credentials, key, new_with_key, open_with, opened, secret_of, with_keys,
};
use crate::fixture::{refused, root, set_comment, set_credentials};

#[test]
fn old_versions_lose_their_secrets_and_nothing_else() {
    let (dir, catalog) = new_with_key();
    let first = create_secret(&catalog, "s", "one");
    alter(&catalog, "s", set_comment("c"));
    alter(&catalog, "s", set_credentials(credentials("two")));
    let last = alter(&catalog, "s", set_comment("d"));
    let before = catalog.stage_history("sys", "s").unwrap();
    // Version 3 carries what version 4 still uses.
    assert_eq!(catalog.shred_credentials(&root(), first.id, 3).unwrap(), 3);
    let seq = catalog.last_seq();
    assert_eq!(catalog.shred_credentials(&root(), first.id, 3).unwrap(), 0);
    assert_eq!(catalog.last_seq(), seq);
    drop(catalog);
    let catalog = open_with(dir.path(), 1);
    let after = catalog.stage_history("sys", "s").unwrap();
    assert_eq!(after.len(), 4);
    for (before, after) in before.iter().zip(&after).take(3) {
        assert_eq!(secret_of(after).kind(), CredentialKind::Shredded);
        assert_eq!(
            secret_of(after).fingerprint(),
            secret_of(before).fingerprint()
        );
        let mut restored = after.clone();
        restored.definition.credentials = before.definition.credentials.clone();
        assert_eq!(&restored, before);
        refused(
            catalog.credentials("sys", after),
            ErrorKind::NotFound,
            &format!(
                "the credential secret_access_key of the stage s at version {} was shredded; give new credentials",
                after.version
            ),
        );
    }
    assert_eq!(after[3], last);
    assert_eq!(opened(&catalog, &after[3]), "two");
    refused(
        catalog.rollback_stage(&root(), "s", 1, Expected::Any),
        ErrorKind::Invalid,
        "the credential secret_access_key of the stage s at version 1 was shredded, so that version cannot come back; alter the stage instead",
    );
}

#[test]
fn the_current_version_is_not_shredded_but_that_of_a_dropped_stage_is() {
    let (_dir, catalog) = new_with_key();
    let id = create_secret(&catalog, "s", "one").id;
    alter(&catalog, "s", set_comment("c"));
    refused(
        catalog.shred_credentials(&root(), id, 2),
        ErrorKind::Invalid,
        "version 2 of the stage s is its current one, and its credentials are in use; shred up to version 1",
    );
    refused(
        catalog.shred_credentials(&root(), id + 1, 1),
        ErrorKind::NotFound,
        "there is no stage with the id 2",
    );
    catalog
        .drop_stage(&root(), "s", Expected::Any, false)
        .unwrap();
    assert_eq!(catalog.shred_credentials(&root(), id, 3).unwrap(), 3);
    // It can come back, without its secret, and be given another.
    let back = catalog.undrop_stage(&root(), "s", Expected::Any).unwrap();
    assert_eq!(
        catalog.credentials("sys", &back).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let altered = alter(&catalog, "s", set_credentials(credentials("one")));
    assert_eq!(opened(&catalog, &altered), "one");
    assert_eq!(secret_of(&altered).kind(), CredentialKind::Sealed);
}

#[test]
fn many_versions_are_shredded_in_steps() {
    let (dir, catalog) = new_with_key();
    let id = create_secret(&catalog, "s", "one").id;
    for n in 0..300 {
        alter(&catalog, "s", set_comment(n.to_string()));
    }
    let seq = catalog.last_seq();
    assert_eq!(catalog.shred_credentials(&root(), id, 290).unwrap(), 290);
    assert_eq!(catalog.last_seq(), seq + 2);
    // A rotation has only the rest to move.
    let report = catalog.rotate_key(&root(), key(2), |_, _| ()).unwrap();
    assert_eq!(report.secrets, 11);
    drop(catalog);
    let catalog =
        stagedoor_catalog::Catalog::open(dir.path(), with_keys(KeyRing::new(key(2)))).unwrap();
    let history = catalog.stage_history("sys", "s").unwrap();
    let kinds: Vec<CredentialKind> = history.iter().map(|r| secret_of(r).kind()).collect();
    assert!(
        kinds[..290]
            .iter()
            .all(|&kind| kind == CredentialKind::Shredded)
    );
    assert!(
        history[290..]
            .iter()
            .all(|record| opened(&catalog, record) == "one")
    );
}
