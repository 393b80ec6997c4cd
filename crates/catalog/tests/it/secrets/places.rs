//! A sealed secret put anywhere but where it was sealed does not open, and is not taken as input.

use stagedoor_catalog::{
    Actor, Catalog, Credential, CredentialValue, Credentials, ErrorKind, Expected, OnExists,
    StageDefinition, StageRecord,
};

use super::{alter, create_secret, credentials, new_with_key, opened, opened_in, secret_of};
use crate::fixture::{at, refused, root, set_credentials};

fn sealed_as(name: &str, value: &CredentialValue) -> Credentials {
    let value = value.clone();
    let name = name.to_owned();
    Credentials::new(vec![Credential { name, value }]).unwrap()
}

/// What would be read if the bytes of one place were put at another.
fn swapped(into: &StageRecord, from: &StageRecord) -> StageRecord {
    let mut record = into.clone();
    record.definition.credentials = sealed_as("secret_access_key", &secret_of(from).value);
    record
}

#[track_caller]
fn does_not_open(catalog: &Catalog, account: &str, record: &StageRecord) {
    let error = catalog.credentials(account, record).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("does not open"), "{error}");
    // The catalog itself is well.
    assert_eq!(catalog.read_only_reason(), None);
}

#[test]
fn bytes_swapped_in_the_store_do_not_open() {
    let (_dir, catalog) = new_with_key();
    let a = create_secret(&catalog, "a", "of a");
    let b = create_secret(&catalog, "b", "of b");
    does_not_open(&catalog, "sys", &swapped(&a, &b));
    does_not_open(&catalog, "sys", &swapped(&b, &a));
    does_not_open(&catalog, "acme", &a);
    // Under another name.
    let mut renamed = a.clone();
    renamed.definition.credentials = sealed_as("session_token", &secret_of(&a).value);
    does_not_open(&catalog, "sys", &renamed);
    // A secret of an older version opens as such a one: that is what a rollback is.
    let newer = alter(&catalog, "a", set_credentials(credentials("newer")));
    assert_eq!(opened(&catalog, &swapped(&newer, &a)), "of a");
}

#[test]
fn sealed_input_is_taken_only_where_it_came_from() {
    let (_dir, catalog) = new_with_key();
    let a = create_secret(&catalog, "a", "of a");
    let b = create_secret(&catalog, "b", "of b");
    let of_a = &secret_of(&a).value;
    let elsewhere = |name: &str| {
        format!("the credential {name} is sealed for another place; give its value anew")
    };
    let change = set_credentials(sealed_as("secret_access_key", of_a));
    refused(
        catalog.alter_stage(&root(), "b", change, Expected::Any),
        ErrorKind::Invalid,
        &elsewhere("secret_access_key"),
    );
    let change = set_credentials(sealed_as("session_token", of_a));
    refused(
        catalog.alter_stage(&root(), "a", change, Expected::Any),
        ErrorKind::Invalid,
        &elsewhere("session_token"),
    );
    let definition = StageDefinition {
        credentials: sealed_as("secret_access_key", of_a),
        ..at("/c")
    };
    let actor = Actor::new("acme", "ann", "accountadmin");
    for actor in [&root(), &actor] {
        refused(
            catalog.create_stage(
                actor,
                "c",
                definition.clone(),
                OnExists::Error,
                Expected::Any,
            ),
            ErrorKind::Invalid,
            &elsewhere("secret_access_key"),
        );
    }
    // Where it came from it is kept, beside new ones.
    let mut list = vec![Credential::secret("session_token", "t")];
    list.extend(sealed_as("secret_access_key", of_a).iter().cloned());
    let change = set_credentials(Credentials::new(list).unwrap());
    let altered = alter(&catalog, "a", change);
    assert_eq!(opened_in(&catalog, "sys", &altered).unwrap(), "of a");
    assert_eq!(altered.definition.credentials.len(), 2);
    assert_eq!(opened(&catalog, &b), "of b");
}
