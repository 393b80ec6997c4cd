//! The password of a table that another server has: sealed beside the table, gone with it, moved by a rotation.

use secrecy::ExposeSecret;
use stagedoor_catalog::{
    Catalog, Column, Credential, CredentialKind, Credentials, KeyRing, NewTable, OnExists,
    OpenValue, TableRecord, TableSource,
};

use super::{key, new_with_key, open_with};
use crate::fixture::root;

fn create(catalog: &Catalog, name: &str, password: &str) -> TableRecord {
    let column = Column {
        name: "a".into(),
        data_type: "int".into(),
        nullable: true,
        default: None,
        primary_key: false,
        auto_increment: false,
        comment: String::new(),
    };
    let table = NewTable {
        database: "default".into(),
        name: name.into(),
        columns: vec![column],
        source: TableSource::External {
            location: "postgres://h:5432/d/s.t".into(),
            options: vec![("user".into(), "reader".into())],
            credentials: Credentials::new(vec![Credential::secret("password", password)]).unwrap(),
        },
        keys: Vec::new(),
        next_number: 1,
        comment: String::new(),
    };
    catalog
        .create_table(&root(), table, OnExists::Replace)
        .unwrap()
        .record
}

fn opened(catalog: &Catalog, table: &TableRecord) -> String {
    let opened = catalog.table_credentials("sys", table).unwrap();
    match &opened[..] {
        [(name, OpenValue::Secret(secret))] if name == "password" => {
            secret.expose_secret().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

fn stored(catalog: &Catalog, name: &str) -> TableRecord {
    catalog.table("sys", "default", name).unwrap().unwrap()
}

#[test]
fn a_password_is_sealed_for_its_table_alone() {
    let (dir, catalog) = new_with_key();
    catalog
        .create_database(&root(), "default", OnExists::Keep)
        .unwrap();
    let made = create(&catalog, "t", "planted password");
    assert_eq!(stored(&catalog, "t"), made);
    let TableSource::External { credentials, .. } = &made.source else {
        panic!("{made:?}")
    };
    let kinds: Vec<CredentialKind> = credentials.iter().map(Credential::kind).collect();
    assert_eq!(kinds, [CredentialKind::Sealed]);
    assert!(!format!("{made:?}").contains("planted"));
    drop(catalog);

    let catalog = open_with(dir.path(), 1);
    assert_eq!(opened(&catalog, &stored(&catalog, "t")), "planted password");
    // One that takes its place has its own.
    let replaced = create(&catalog, "t", "another");
    assert_eq!(opened(&catalog, &replaced), "another");
    assert_eq!(catalog.table_credentials("sys", &made).unwrap().len(), 0);
    catalog.drop_table(&root(), "default", "t", None).unwrap();
    assert_eq!(
        catalog.table_credentials("sys", &replaced).unwrap().len(),
        0
    );
    drop(catalog);
    assert_eq!(Catalog::check(dir.path()).unwrap().problems, []);
}

#[test]
fn a_rotation_moves_the_passwords_of_tables() {
    let (dir, catalog) = new_with_key();
    catalog
        .create_database(&root(), "default", OnExists::Keep)
        .unwrap();
    create(&catalog, "t", "first");
    create(&catalog, "u", "second");
    let report = catalog.rotate_key(&root(), key(2), |_, _| {}).unwrap();
    assert_eq!(report.secrets, 2);
    drop(catalog);
    let ring = KeyRing::new(key(2));
    let catalog = Catalog::open(dir.path(), super::with_keys(ring)).unwrap();
    assert_eq!(opened(&catalog, &stored(&catalog, "t")), "first");
    assert_eq!(opened(&catalog, &stored(&catalog, "u")), "second");
}
