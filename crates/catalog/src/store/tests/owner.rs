//! A user's exports are found by their marks: nobody else's are read, and what has no mark is found, too.

use super::new;
use crate::{Actor, Catalog, ExportState, NewExport, keys};

const ACCOUNT: &str = "sys";

fn id(number: u64) -> String {
    format!("0192f0c1-2345-7abc-8def-{number:012x}")
}

fn start(catalog: &Catalog, user: &str, number: u64) {
    let export = NewExport {
        id: id(number),
        database: None,
        statement: String::new(),
        stage: None,
        stage_parents: Vec::new(),
        target: String::new(),
        key: None,
    };
    let actor = Actor::new(ACCOUNT, user, "");
    catalog.create_export(&actor, export).unwrap();
}

/// All of them, by pages of so many.
fn all(catalog: &Catalog, user: &str, limit: usize) -> Vec<u64> {
    let mut found: Vec<String> = Vec::new();
    loop {
        let before = found.last().map(String::as_str);
        let page = catalog
            .exports_of_page(ACCOUNT, user, before, limit)
            .unwrap();
        assert!(page.iter().all(|export| export.user == user));
        let is_last = page.len() < limit;
        found.extend(page.into_iter().map(|export| export.id));
        if is_last {
            let number = |id: &String| u64::from_str_radix(&id[24..], 16).unwrap();
            return found.iter().map(number).collect();
        }
    }
}

#[test]
fn a_user_s_exports_cost_the_reading_of_nobody_else_s() {
    let (_dir, _disk, catalog) = new();
    for number in 0..30 {
        start(
            &catalog,
            ["ann", "bob", "annabel"][number as usize % 3],
            number,
        );
    }
    // Whoever reads any of these fails.
    let unreadable = (0..30).filter(|number| number % 3 != 1);
    let damage =
        unreadable.map(|number| (keys::export(ACCOUNT, &id(number)), Some("no record".into())));
    catalog.store.index.forge(damage.collect());
    catalog.exports_page(ACCOUNT, None, 5).unwrap_err();
    let expected: Vec<u64> = (0..30).rev().filter(|number| number % 3 == 1).collect();
    for limit in [1, 3, 100] {
        assert_eq!(all(&catalog, "bob", limit), expected);
    }
    assert!(all(&catalog, "nobody", 5).is_empty());
}

#[test]
fn what_older_programs_left_is_found_as_well() {
    let (_dir, _disk, catalog) = new();
    for number in 1..9 {
        start(&catalog, ["ann", "bob"][number as usize % 2], number);
    }
    // Such a program made no marks; the first with one is number 5, or none at all.
    let unmark = |numbers: std::ops::Range<u64>, since: Option<u64>| {
        let mut gone = vec![(keys::export_of_since(ACCOUNT, &id(1)), None)];
        for number in numbers {
            let user = ["ann", "bob"][number as usize % 2];
            gone.push((keys::export_of(ACCOUNT, user, &id(number)), None));
        }
        let mark = since.map(|since| {
            let mark = crate::format::encode(&crate::format::Mark);
            (
                keys::export_of_since(ACCOUNT, &id(since)),
                Some(mark.into()),
            )
        });
        gone.extend(mark);
        catalog.store.index.forge(gone);
    };
    unmark(1..5, Some(5));
    for limit in [1, 2, 100] {
        assert_eq!(all(&catalog, "ann", limit), [8, 6, 4, 2]);
        assert_eq!(all(&catalog, "bob", limit), [7, 5, 3, 1]);
    }
    let gone = vec![(keys::export_of_since(ACCOUNT, &id(5)), None)];
    catalog.store.index.forge(gone);
    unmark(5..9, None);
    assert_eq!(all(&catalog, "bob", 3), [7, 5, 3, 1]);
    // From the next one on there are marks again, one that comes late included.
    start(&catalog, "bob", 11);
    start(&catalog, "bob", 10);
    assert_eq!(all(&catalog, "bob", 2), [11, 10, 7, 5, 3, 1]);
}

#[test]
fn a_mark_goes_with_its_export() {
    let (_dir, _disk, catalog) = new();
    let actor = Actor::new(ACCOUNT, "ann", "");
    for number in 0..3 {
        start(&catalog, "ann", number);
        let failed = |export: &mut crate::ExportRecord| export.state = ExportState::Failed;
        catalog.update_export(&actor, &id(number), failed).unwrap();
    }
    catalog.prune_exports(&actor, 1, u64::MAX).unwrap();
    assert_eq!(all(&catalog, "ann", 9), [2]);
    let marks = catalog
        .store
        .read(|view| view.keys(&keys::exports_of(ACCOUNT, "ann")))
        .unwrap();
    assert_eq!(marks, [keys::export_of(ACCOUNT, "ann", &id(2))]);
}
