//! Views: tables whose rows are what a query gives.

use stagedoor_catalog::{
    Column, CreateOutcome, ErrorKind, NewTable, OnExists, Segment, TableSource, ViewQuery,
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

fn query(text: &str) -> ViewQuery {
    ViewQuery {
        query: text.into(),
        database: "shop".into(),
        labels: vec!["a".into()],
        names_columns: false,
    }
}

fn table(name: &str, source: TableSource) -> NewTable {
    NewTable {
        database: "shop".into(),
        name: name.into(),
        columns: vec![column("a")],
        source,
        keys: Vec::new(),
        next_number: 1,
        comment: String::new(),
    }
}

#[test]
fn a_view_is_made_altered_and_dropped() {
    let (dir, catalog) = new();
    catalog
        .create_database(&root(), "shop", OnExists::Error)
        .unwrap();
    let create = |new, on_exists| catalog.create_table(&root(), new, on_exists);
    let view = |text| table("v", TableSource::View(query(text)));
    let base = table("t", TableSource::Segments(Vec::new()));
    let made = create(view("SELECT 1 AS a"), OnExists::Error)
        .unwrap()
        .record;
    assert_eq!(made.view(), Some(&query("SELECT 1 AS a")));
    assert!(made.segments().is_empty());
    create(base.clone(), OnExists::Error).unwrap();
    refused(
        create(view("SELECT 2 AS a"), OnExists::Error),
        ErrorKind::AlreadyExists,
        "the table shop.v exists",
    );
    // Neither takes the other's place.
    for (name, source) in [
        ("t", TableSource::View(query("SELECT 1 AS a"))),
        ("v", TableSource::Segments(Vec::new())),
    ] {
        let other = create(table(name, source), OnExists::Replace).unwrap_err();
        assert_eq!(other.kind(), ErrorKind::AlreadyExists);
    }
    assert_eq!(
        create(view("SELECT 2 AS a"), OnExists::Keep)
            .unwrap()
            .outcome,
        CreateOutcome::Kept
    );

    let alter = |name, id, text| {
        let columns = vec![column("b")];
        catalog.alter_view(&root(), ("shop", name), id, columns, query(text))
    };
    let altered = alter("v", made.id, "SELECT 3 AS a").unwrap();
    assert_eq!((altered.id, altered.version), (made.id, 2));
    assert_eq!(altered.columns, [column("b")]);
    let id_of_table = catalog.table("sys", "shop", "t").unwrap().unwrap().id;
    assert_eq!(
        alter("t", id_of_table, "SELECT 1").unwrap_err().kind(),
        ErrorKind::Invalid
    );
    assert_eq!(
        alter("v", made.id + 9, "SELECT 1").unwrap_err().kind(),
        ErrorKind::NotFound
    );
    // It has no rows of its own.
    let segment = Segment {
        id: 0,
        file: "f".into(),
        rows: 1,
        bytes: 1,
        sha256: "00".into(),
        checksums: stagedoor_catalog::Checksums::default(),
    };
    refused(
        catalog.add_segment(&root(), "shop", "v", made.id, segment),
        ErrorKind::Invalid,
        "the table shop.v is a view, its rows cannot be changed here",
    );
    drop(catalog);

    let catalog = open(dir.path());
    assert_eq!(catalog.table("sys", "shop", "v").unwrap(), Some(altered));
    refused(
        catalog.drop_view(&root(), ("shop", "t"), id_of_table),
        ErrorKind::Invalid,
        "shop.t is a table and not a view",
    );
    catalog.drop_view(&root(), ("shop", "v"), made.id).unwrap();
    assert_eq!(catalog.table("sys", "shop", "v").unwrap(), None);
}
