//! Databases, tables and their segments.

use stagedoor_catalog::{
    Catalog, Column, CreateOutcome, Credentials, ErrorKind, NewTable, OnExists, RowChange, Segment,
    TableRecord, TableSource,
};

use crate::fixture::{new, open, refused, root};

fn column(name: &str) -> Column {
    Column {
        name: name.into(),
        data_type: "INT".into(),
        nullable: true,
        default: None,
        primary_key: false,
        auto_increment: false,
        comment: String::new(),
    }
}

fn table(database: &str, name: &str) -> NewTable {
    NewTable {
        database: database.into(),
        name: name.into(),
        columns: vec![column("id"), column("v")],
        source: TableSource::Segments(Vec::new()),
        keys: Vec::new(),
        next_number: 1,
        comment: "c".into(),
    }
}

fn segment(file: &str) -> Segment {
    Segment {
        id: 0,
        file: file.into(),
        rows: 10,
        bytes: 100,
        sha256: "00".into(),
        checksums: stagedoor_catalog::Checksums::default(),
    }
}

fn shop() -> (tempfile::TempDir, Catalog, TableRecord) {
    let (dir, catalog) = new();
    catalog
        .create_database(&root(), "shop", OnExists::Error)
        .unwrap();
    let record = catalog
        .create_table(&root(), table("shop", "t"), OnExists::Error)
        .unwrap()
        .record;
    (dir, catalog, record)
}

fn files(record: &TableRecord) -> Vec<(u64, &str)> {
    record
        .segments()
        .iter()
        .map(|s| (s.id, s.file.as_str()))
        .collect()
}

#[test]
fn databases() {
    let (_dir, catalog) = new();
    let create = |name, on_exists| catalog.create_database(&root(), name, on_exists);
    assert_eq!(create("b", OnExists::Error).unwrap().record.id, 1);
    assert_eq!(
        create("a", OnExists::Keep).unwrap().outcome,
        CreateOutcome::Created
    );
    assert_eq!(
        create("a", OnExists::Keep).unwrap().outcome,
        CreateOutcome::Kept
    );
    refused(
        create("a", OnExists::Error),
        ErrorKind::AlreadyExists,
        "the database a exists",
    );
    assert_eq!(
        create("a", OnExists::Replace).unwrap_err().kind(),
        ErrorKind::Invalid
    );
    let names: Vec<_> = catalog
        .databases("sys")
        .unwrap()
        .into_iter()
        .map(|d| d.name)
        .collect();
    assert_eq!(names, ["a", "b"]);
    catalog.drop_database(&root(), "a").unwrap();
    assert_eq!(catalog.database("sys", "a").unwrap(), None);
    refused(
        catalog.drop_database(&root(), "a"),
        ErrorKind::NotFound,
        "the database a not exists",
    );
}

#[test]
fn tables() {
    let (dir, catalog, record) = shop();
    assert_eq!((record.id, record.version, record.next_segment), (1, 1, 1));
    let create = |table, on_exists| catalog.create_table(&root(), table, on_exists);
    refused(
        create(table("shop", "t"), OnExists::Error),
        ErrorKind::AlreadyExists,
        "the table shop.t exists",
    );
    refused(
        create(table("none", "t"), OnExists::Error),
        ErrorKind::NotFound,
        "the database none not exists",
    );
    assert_eq!(
        create(table("shop", "t"), OnExists::Keep).unwrap().record,
        record
    );
    let bare = NewTable {
        columns: Vec::new(),
        ..table("shop", "u")
    };
    assert_eq!(
        create(bare, OnExists::Error).unwrap_err().kind(),
        ErrorKind::Invalid
    );
    let twice = NewTable {
        columns: vec![column("a"), column("A")],
        ..table("shop", "u")
    };
    refused(
        create(twice, OnExists::Error),
        ErrorKind::Invalid,
        "the table shop.u has two columns called A",
    );

    let source = TableSource::External {
        location: "stage://s/*.csv".into(),
        options: vec![("z".into(), "1".into()), ("a".into(), "2".into())],
        credentials: Credentials::default(),
    };
    let external = create(
        NewTable {
            source,
            ..table("shop", "ext")
        },
        OnExists::Error,
    )
    .unwrap()
    .record;
    let added = catalog
        .add_segment(&root(), "shop", "ext", external.id, segment("f"))
        .unwrap_err();
    assert_eq!(added.kind(), ErrorKind::Invalid);
    assert_eq!(
        catalog
            .truncate_table(&root(), "shop", "ext", None)
            .unwrap_err()
            .kind(),
        ErrorKind::Invalid
    );
    drop(catalog);
    let catalog = open(dir.path());
    assert_eq!(
        catalog.tables("sys", "shop").unwrap(),
        [external.clone(), record]
    );
    assert_eq!(catalog.table("sys", "shop", "ext").unwrap(), Some(external));
    assert!(catalog.tables("sys", "sho").unwrap().is_empty());
}

#[test]
fn segments() {
    let (_dir, catalog, record) = shop();
    let first = catalog
        .add_segment(&root(), "shop", "t", record.id, segment("a"))
        .unwrap();
    assert_eq!((first.version, files(&first)), (2, vec![(1, "a")]));
    let ids: Vec<_> = catalog
        .add_segments(
            &root(),
            "shop",
            "t",
            record.id,
            vec![segment("b"), segment("c")],
        )
        .unwrap()
        .into_iter()
        .map(|s| s.id)
        .collect();
    assert_eq!(ids, [2, 3]);
    catalog
        .replace_segments(
            &root(),
            RowChange::Update,
            ("shop", "t"),
            record.id,
            &[2],
            vec![segment("d")],
            None,
        )
        .unwrap();
    let now = catalog.table("sys", "shop", "t").unwrap().unwrap();
    assert_eq!(
        (now.version, files(&now)),
        (4, vec![(1, "a"), (3, "c"), (4, "d")])
    );
    let gone = catalog.replace_segments(
        &root(),
        RowChange::Update,
        ("shop", "t"),
        record.id,
        &[1, 2],
        vec![segment("e")],
        None,
    );
    refused(
        gone,
        ErrorKind::Conflict,
        "the table shop.t has no segment 2 any more",
    );
    assert_eq!(catalog.table("sys", "shop", "t").unwrap().unwrap(), now);
    assert_eq!(
        catalog
            .all_segment_files("sys")
            .unwrap()
            .into_iter()
            .collect::<Vec<_>>(),
        ["a", "c", "d"]
    );

    let removed = catalog.truncate_table(&root(), "shop", "t", None).unwrap();
    assert_eq!(removed, now.segments());
    assert!(
        catalog
            .truncate_table(&root(), "shop", "t", None)
            .unwrap()
            .is_empty()
    );
    // Ids are not used again.
    assert_eq!(
        files(
            &catalog
                .add_segment(&root(), "shop", "t", record.id, segment("f"))
                .unwrap()
        ),
        [(5, "f")]
    );
}

#[test]
fn a_table_made_again_takes_no_old_segments() {
    let (_dir, catalog, record) = shop();
    catalog
        .add_segment(&root(), "shop", "t", record.id, segment("a"))
        .unwrap();
    let new = NewTable {
        source: TableSource::Segments(vec![segment("n")]),
        ..table("shop", "t")
    };
    let replaced = catalog
        .create_table(&root(), new, OnExists::Replace)
        .unwrap();
    assert_eq!(replaced.outcome, CreateOutcome::Replaced);
    assert_eq!(files(replaced.replaced.as_ref().unwrap()), [(1, "a")]);
    assert_eq!(
        (replaced.record.id, files(&replaced.record)),
        (2, vec![(1, "n")])
    );
    assert_eq!(
        catalog.table("sys", "shop", "t").unwrap().unwrap(),
        replaced.record
    );
    let message = "the table shop.t with id 1 was dropped or replaced meanwhile";
    refused(
        catalog.add_segment(&root(), "shop", "t", 1, segment("b")),
        ErrorKind::Conflict,
        message,
    );

    let other = catalog.table("sys", "shop", "t").unwrap().unwrap().id + 1;
    for error in [
        catalog
            .drop_table(&root(), "shop", "t", Some(other))
            .unwrap_err(),
        catalog
            .truncate_table(&root(), "shop", "t", Some(other))
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    let dropped = catalog.drop_table(&root(), "shop", "t", None).unwrap();
    assert_eq!(files(&dropped), [(1, "n")]);
    assert!(catalog.all_segment_files("sys").unwrap().is_empty());
    assert_eq!(
        catalog
            .add_segment(&root(), "shop", "t", 2, segment("b"))
            .unwrap_err()
            .kind(),
        ErrorKind::Conflict
    );
    refused(
        catalog.drop_table(&root(), "shop", "t", None),
        ErrorKind::NotFound,
        "the table shop.t not exists",
    );
}

#[test]
fn dropping_a_database_gives_its_tables() {
    let (_dir, catalog, record) = shop();
    catalog
        .create_database(&root(), "shop2", OnExists::Error)
        .unwrap();
    catalog
        .create_table(&root(), table("shop2", "t"), OnExists::Error)
        .unwrap();
    catalog
        .create_table(&root(), table("shop", "u"), OnExists::Error)
        .unwrap();
    catalog
        .add_segment(&root(), "shop", "t", record.id, segment("a"))
        .unwrap();
    let dropped = catalog.drop_database(&root(), "shop").unwrap();
    let tables: Vec<_> = dropped
        .tables
        .iter()
        .map(|t| (t.name.as_str(), files(t)))
        .collect();
    assert_eq!(tables, [("t", vec![(1, "a")]), ("u", vec![])]);
    assert_eq!(catalog.tables("sys", "shop").unwrap(), []);
    assert_eq!(catalog.tables("sys", "shop2").unwrap().len(), 1);
    assert!(catalog.all_segment_files("sys").unwrap().is_empty());
}

#[test]
fn a_segment_costs_the_same_bytes_however_many_there_are() {
    let (_dir, catalog, record) = shop();
    let mut costs = Vec::new();
    for number in 0..200 {
        let before = catalog.journal_bytes();
        let segment = segment(&format!("{number:08}"));
        catalog
            .add_segments(&root(), "shop", "t", record.id, vec![segment])
            .unwrap();
        costs.push(catalog.journal_bytes() - before);
    }
    // Only the variable-length numbers grow.
    assert!(
        costs[199] <= costs[0] + 8,
        "{} then {}",
        costs[0],
        costs[199]
    );
}
