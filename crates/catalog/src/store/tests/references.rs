//! A check of a closed catalog with a record that refers to nothing: each is named.

use super::{create, new};
use crate::format::{self, Counter, Mark};
use crate::index::Operation;
use crate::{Catalog, ProblemPlace};

fn found(operations: Vec<Operation>) -> Vec<String> {
    let (dir, _disk, catalog) = new();
    create(&catalog, "s").unwrap();
    // Through the journal, so that nothing else is wrong.
    catalog
        .store
        .write(
            &super::root(),
            || crate::store::What::step("forge"),
            |draft| {
                for (key, value) in &operations {
                    match value {
                        Some(value) => draft.put_bytes(key.clone(), value.clone()),
                        None => draft.delete(key.clone()),
                    }
                }
                Ok(())
            },
        )
        .unwrap();
    drop(catalog);
    let report = Catalog::check(dir.path()).unwrap();
    assert!(
        report
            .problems
            .iter()
            .all(|p| p.place == ProblemPlace::References)
    );
    report.problems.into_iter().map(|p| p.what).collect()
}

fn mark(key: &str) -> Operation {
    (key.to_owned(), Some(format::encode(&Mark).into()))
}

#[test]
fn every_dangling_reference_is_named() {
    assert_eq!(found(Vec::new()), Vec::<String>::new());
    assert_eq!(
        found(vec![mark("sys/stage-enabled/other")]),
        ["sys/stage-enabled/other marks sys/stage/other, which does not exist"]
    );
    assert_eq!(
        found(vec![("sys/stage-enabled/s".to_owned(), None)]),
        ["sys/stage/s and sys/stage-enabled/s do not agree"]
    );
    let counter = format::encode(&Counter(0)).into();
    assert_eq!(
        found(vec![("sys/counter/stage".to_owned(), Some(counter))]),
        ["sys/counter/stage is at 0 where the id 1 exists"]
    );
    let version = "sys/stage-version/0000000000000001/0000000000000001";
    assert_eq!(
        found(vec![(version.to_owned(), None)]),
        [format!("sys/stage/s is not the version {version}")]
    );
    assert_eq!(
        found(vec![mark("sys/segment/0000000000000009/0000000000000001")]),
        ["sys/segment/0000000000000009/0000000000000001 is of a table that does not exist"]
    );
    assert_eq!(
        found(vec![mark("sys/export-open/e"), mark("sys/export-pin/1/e")]),
        [
            "sys/export-open/e marks an export that does not exist",
            "sys/export-pin/1/e is of an export that does not exist"
        ]
    );
}
