//! A place's behaviour, the same suite for a folder and for memory where both can do it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod any_text;
mod confinement;
mod publication;

use std::io::Write;
use std::path::Path;

use stagedoor_storage::{Finished, Location, ObjectPath, Policy, Store};

fn folder_store(root: &Path) -> Store {
    Store::open(
        &Location::parse(root.to_str().unwrap()).unwrap(),
        &Policy::default(),
    )
    .unwrap()
}

fn memory_store() -> Store {
    Store::open(&Location::Memory("test".to_owned()), &Policy::default()).unwrap()
}

fn path(text: &str) -> ObjectPath {
    ObjectPath::parse(text).unwrap()
}

fn finished(store: &Store, id: &str, body: &[u8]) -> Finished {
    let mut draft = store.draft(id, 0).unwrap();
    draft.write_all(body).unwrap();
    draft.finish().unwrap()
}

/// Every name below a folder, sorted.
fn names(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            found.push(
                entry
                    .path()
                    .strip_prefix(root)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned(),
            );
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            }
        }
    }
    found.sort();
    found
}
