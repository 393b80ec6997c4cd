//! A place's behaviour, the same suite for a folder and for memory where both can do it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod any_text;
mod confinement;
mod files;
mod publication;
mod validation;

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest, Sha256};
use stagedoor_storage::{
    ErrorKind, Location, ObjectPath, OnExisting, PlannedFile, Policy, Published, Result, Store,
};

async fn folder_store(root: &Path) -> Store {
    open(root, &Policy::default()).await.unwrap()
}

async fn open(root: &Path, policy: &Policy) -> Result<Store> {
    Store::open(
        &Location::parse(root.to_str().unwrap()).unwrap(),
        None,
        policy,
    )
    .await
}

/// A place of its own: tests run side by side.
async fn memory_store() -> Store {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    memory_of(&format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed))).await
}

async fn memory_of(name: &str) -> Store {
    Store::open(&Location::Memory(name.to_owned()), None, &Policy::default())
        .await
        .unwrap()
}

fn path(text: &str) -> ObjectPath {
    ObjectPath::parse(text).unwrap()
}

/// A finished draft of the work `id`, planned under a name.
async fn planned(store: &Store, id: &str, body: &[u8], target: &str) -> PlannedFile {
    let mut draft = store.draft(id, 0, &path(target)).await.unwrap();
    draft.write_all(body).unwrap();
    let finished = draft.finish().unwrap();
    let digest = Sha256::digest(body);
    PlannedFile {
        token: finished.token,
        target: path(target),
        on_existing: OnExisting::Refuse,
        bytes: finished.bytes,
        digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn renamed(file: &PlannedFile, target: &str) -> PlannedFile {
    PlannedFile {
        target: path(target),
        ..file.clone()
    }
}

fn replacing(file: &PlannedFile) -> PlannedFile {
    PlannedFile {
        on_existing: OnExisting::Replace,
        ..file.clone()
    }
}

async fn sweep(store: &Store, id: &str) {
    store.sweep(id).await.unwrap();
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
