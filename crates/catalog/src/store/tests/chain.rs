//! The chain of the audit with one record changed, moved or gone: each is named.

use super::{create, new};
use crate::audit::AuditRecord;
use crate::{Catalog, format, keys};

const ACCOUNT: &str = "sys";

fn put(catalog: &Catalog, number: u64, record: &AuditRecord) {
    let bytes = format::encode(record).into();
    let key = keys::audit(ACCOUNT, number);
    catalog.store.index.forge(vec![(key, Some(bytes))]);
}

fn bad(catalog: &Catalog) -> (u64, String) {
    let bad = catalog.verify_audit().unwrap().bad.unwrap();
    (bad.number, bad.why)
}

#[test]
fn every_kind_of_forgery_is_named() {
    let (_dir, _disk, catalog) = new();
    for number in 0..6 {
        create(&catalog, &format!("s{number}")).unwrap();
    }
    let all = catalog.audit_page(ACCOUNT, 0, 100).unwrap();
    let good = all[2].clone();

    let mut forged = good.clone();
    forged.user = "nobody".into();
    put(&catalog, 3, &forged);
    assert_eq!(
        bad(&catalog),
        (3, "its content is not what its hash was made of".into())
    );

    // With a hash that fits, it is the next one that does not follow.
    forged.hash = crate::audit::hash(&forged);
    put(&catalog, 3, &forged);
    let why = "it does not follow the record before it, which was changed or replaced";
    assert_eq!(bad(&catalog), (4, why.into()));

    let gone = vec![(keys::audit(ACCOUNT, 3), None)];
    catalog.store.index.forge(gone);
    assert_eq!(bad(&catalog), (3, "it is missing".into()));
    put(&catalog, 3, &good);
    assert_eq!(catalog.verify_audit().unwrap().bad, None);

    // The last ones taken away, and the last one forged with a hash that fits.
    let gone = vec![(keys::audit(ACCOUNT, 6), None)];
    catalog.store.index.forge(gone);
    assert_eq!(bad(&catalog), (6, "it is missing".into()));
    let mut forged = all[5].clone();
    forged.target = "other".into();
    forged.hash = crate::audit::hash(&forged);
    put(&catalog, 6, &forged);
    assert_eq!(bad(&catalog).0, 6);
}
