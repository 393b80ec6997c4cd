//! Files that tables were loaded from: noted with the rows, refused a second time, gone with the table or its rows.

use stagedoor_catalog::{
    Catalog, Checksums, Column, ErrorKind, LoadedFile, NewTable, OnExists, Segment, TableRecord,
    TableSource,
};

use crate::fixture::{new, open, root};

fn segment(file: &str) -> Segment {
    Segment {
        id: 0,
        file: file.into(),
        rows: 10,
        bytes: 100,
        sha256: "00".into(),
        checksums: Checksums::default(),
    }
}

fn file(sha256: &str, path: &str) -> LoadedFile {
    LoadedFile {
        table: 0,
        sha256: sha256.into(),
        path: path.into(),
        bytes: 5,
        loaded_us: 0,
    }
}

fn make(catalog: &Catalog) -> TableRecord {
    let column = Column {
        name: "id".into(),
        data_type: "INT".into(),
        nullable: true,
        default: None,
        primary_key: false,
        auto_increment: false,
        comment: String::new(),
    };
    let table = NewTable {
        database: "shop".into(),
        name: "t".into(),
        columns: vec![column],
        source: TableSource::Segments(Vec::new()),
        keys: Vec::new(),
        next_number: 1,
        comment: String::new(),
    };
    let made = catalog.create_table(&root(), table, OnExists::Error);
    made.unwrap().record
}

/// Paths of the files with these digests that the table was loaded from.
fn known(catalog: &Catalog, table: u64, digests: &[&str]) -> Vec<String> {
    let digests: Vec<String> = digests.iter().map(|digest| (*digest).into()).collect();
    let found = catalog.loaded_files("sys", table, &digests).unwrap();
    assert!(
        found
            .iter()
            .all(|file| file.table == table && file.loaded_us > 0)
    );
    found.into_iter().map(|file| file.path).collect()
}

#[test]
fn a_file_is_noted_with_its_rows_and_once() {
    let (dir, catalog) = new();
    catalog
        .create_database(&root(), "shop", OnExists::Error)
        .unwrap();
    let table = make(&catalog);
    let load = |catalog: &Catalog, file: LoadedFile, name: &str| {
        let segments = vec![segment(name)];
        let names = ("shop", "t");
        catalog.load_segments(&root(), names, table.id, segments, None, vec![file])
    };
    load(&catalog, file("aa", "a.csv"), "1").unwrap();
    load(&catalog, file("bb", "b.csv"), "2").unwrap();
    assert_eq!(
        known(&catalog, table.id, &["bb", "cc", "aa"]),
        ["b.csv", "a.csv"]
    );
    let twice = load(&catalog, file("aa", "copy.csv"), "3").unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::AlreadyExists);
    let rows = |catalog: &Catalog| {
        let table = catalog.table("sys", "shop", "t").unwrap().unwrap();
        table.segments().len()
    };
    assert_eq!(rows(&catalog), 2);

    drop(catalog);
    let catalog = open(dir.path());
    assert_eq!(known(&catalog, table.id, &["aa"]), ["a.csv"]);
    catalog.truncate_table(&root(), "shop", "t", None).unwrap();
    assert_eq!(known(&catalog, table.id, &["aa", "bb"]), [""; 0]);
    load(&catalog, file("aa", "a.csv"), "4").unwrap();
    catalog.drop_table(&root(), "shop", "t", None).unwrap();
    assert_eq!(known(&catalog, table.id, &["aa"]), [""; 0]);
    let gone = load(&catalog, file("aa", "a.csv"), "5").unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Conflict);
    drop(catalog);
    let report = Catalog::check(dir.path()).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
}
