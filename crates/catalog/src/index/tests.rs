//! The index against a plain map, with pages of a few records; and an index as former programs left it.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::{DIRECTORY, Index, Keep, STATE_KEY, State};
use crate::journal::Place;
use crate::options::Options;
use prost::Message;

/// The changes of one record.
type Changes = BTreeMap<String, Option<Vec<u8>>>;

#[derive(Clone, Debug)]
enum Step {
    Apply(Changes),
    Load(Changes),
    Store,
    Reopen,
}

fn changes() -> impl Strategy<Value = Changes> {
    // Few keys that share much, some of which are the beginning of others; some values of several pages.
    let value = prop_oneof![
        4 => vec(any::<u8>(), 0..30),
        1 => vec(any::<u8>(), 100..300),
    ];
    btree_map(
        "[ab]{1,3}/[0-9]{0,2}",
        proptest::option::weighted(0.7, value),
        1..12,
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => changes().prop_map(Step::Apply),
        2 => changes().prop_map(Step::Load),
        1 => Just(Step::Store),
        1 => Just(Step::Reopen),
    ]
}

fn options() -> Options {
    Options {
        index_page_bytes: 64,
        index_recent_bytes_max: 1_000,
        ..Options::default()
    }
}

fn borrowed(changes: &BTreeMap<String, Option<Bytes>>) -> BTreeMap<&str, Option<&Bytes>> {
    changes
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_ref()))
        .collect()
}

fn sum(model: &BTreeMap<String, Bytes>) -> State {
    let mut state = State::at(Place::default());
    for (key, value) in model {
        state.add(key.as_bytes(), value);
    }
    state
}

/// What the index gives between two keys, taken from the front and from the back by turns.
fn read(index: &Index, from: &str, to: Option<&str>, turns: &[bool]) -> Vec<(String, Bytes)> {
    let mut range = index.range(from.into(), to.map(Into::into));
    let (mut front, mut back) = (Vec::new(), Vec::new());
    let mut turns = turns.iter().cycle();
    loop {
        let pair = match turns.next() {
            Some(true) => range.next_back().map(|pair| back.push(pair.unwrap())),
            _ => range.next().map(|pair| front.push(pair.unwrap())),
        };
        if pair.is_none() {
            assert!(range.next().is_none() && range.next_back().is_none());
            front.extend(back.into_iter().rev());
            return front;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_is_a_map(steps in vec(step(), 1..30), turns in vec(any::<bool>(), 1..9), bounds in ("[ab]{0,2}", "[ab]{0,2}[0-9/]?")) {
        let dir = tempfile::tempdir().unwrap();
        let mut index = Index::open(dir.path(), &options()).unwrap();
        let mut model: BTreeMap<String, Bytes> = BTreeMap::new();
        let mut state = State::at(Place::default());
        for (seq, step) in (1..).zip(&steps) {
            let place = Place { seq, offset: 0, checksum: 0 };
            match step {
                Step::Apply(changes) | Step::Load(changes) => {
                    let changes: BTreeMap<String, Option<Bytes>> = changes
                        .iter()
                        .map(|(key, value)| (key.clone(), value.clone().map(Bytes::from)))
                        .collect();
                    let before = model.clone();
                    for (key, value) in &changes {
                        match value {
                            Some(value) => model.insert(key.clone(), value.clone()),
                            None => model.remove(key),
                        };
                    }
                    state = match step {
                        Step::Apply(_) => index.apply(&state, place, &borrowed(&changes), |key, old| {
                            assert_eq!(before.get(key).map(|old| &**old), old, "{key}");
                        }).unwrap(),
                        Step::Load(_) | Step::Store | Step::Reopen => {
                            // What is in memory is newer than the pages, and so is what is loaded.
                            index.store(&state).unwrap();
                            index.load(&state, place, &borrowed(&changes), Keep::WithState).unwrap()
                        }
                    };
                }
                Step::Store => index.store(&state).unwrap(),
                Step::Reopen => {
                    index.store(&state).unwrap();
                    drop(index);
                    index = Index::open(dir.path(), &options()).unwrap();
                    prop_assert_eq!(index.state().unwrap(), Some(state));
                }
            }
            prop_assert!(state.holds_as(&sum(&model)));
            let all: Vec<_> = model.clone().into_iter().collect();
            prop_assert_eq!(read(&index, "\x01", None, &turns), all);
            for (key, value) in &model {
                prop_assert_eq!(index.get(key).unwrap(), Some(value.clone()));
            }
            prop_assert_eq!(index.get("b/none").unwrap(), None);
            let (from, to) = &bounds;
            let some: Vec<_> = model
                .iter()
                .filter(|(key, _)| *key >= from && *key < to)
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            if !from.is_empty() {
                prop_assert_eq!(read(&index, from, Some(to), &turns), some);
            }
        }
        // Made anew by one step, it holds the same.
        let anew = tempfile::tempdir().unwrap();
        let anew = Index::open(anew.path(), &options()).unwrap();
        let all: BTreeMap<&str, Option<&Bytes>> = model.iter().map(|(key, value)| (key.as_str(), Some(value))).collect();
        let made = anew.load(&State::at(Place::default()), state.place(), &all, Keep::Unfinished).unwrap();
        prop_assert!(made.holds_as(&state));
        prop_assert_eq!(anew.state().unwrap(), None);
        prop_assert_eq!(read(&anew, "\x01", None, &turns), read(&index, "\x01", None, &[false]));
    }
}

#[test]
fn what_is_appended_fills_its_pages() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        index_page_bytes: 1_000,
        index_recent_bytes_max: 0,
        ..Options::default()
    };
    let index = Index::open(dir.path(), &options).unwrap();
    let mut state = State::at(Place::default());
    // Other keys follow, as an account's do.
    for (seq, number) in (1_u64..).zip((0..1_000).rev().chain(1_000..2_000)) {
        let key = match number {
            0..1_000 => format!("b/{number:04}"),
            _ => format!("a/{number:04}"),
        };
        let value = Some(Bytes::from(vec![7; 40]));
        let place = Place {
            seq,
            offset: 0,
            checksum: 0,
        };
        let changes = BTreeMap::from([(key.as_str(), value.as_ref())]);
        state = index.apply(&state, place, &changes, |_, _| {}).unwrap();
    }
    let used = 1_000 * (40 + 1 + 4);
    let pages = index.pages.count_in("a/", "b/");
    assert!(pages * 1_000 < used * 3 / 2, "{pages} pages");
}

/// Leaves the index in `dir` as programs before the pages did: each record under its own key.
pub(crate) fn as_layout_1(dir: &Path) {
    let index = Index::open(dir, &Options::default()).unwrap();
    let state = index.state().unwrap().unwrap();
    let all: Vec<_> = index.all_after("").map(Result::unwrap).collect();
    drop(index);
    std::fs::remove_dir_all(dir.join(DIRECTORY)).unwrap();
    let db = sled::open(dir.join(DIRECTORY)).unwrap();
    for (key, value) in all {
        db.insert(key, &*value).unwrap();
    }
    let state = State { layout: 1, ..state };
    db.insert(STATE_KEY, state.encode_to_vec()).unwrap();
    db.flush().unwrap();
}

/// What such an index says of itself.
pub(crate) fn former_index(dir: &Path) -> State {
    let index = Index::open(dir, &Options::default()).unwrap();
    let state = index.state().unwrap().unwrap();
    assert_eq!(state.layout, 1);
    state
}
