//! Random mutations in several accounts against a plain model, with the catalog closed, its index deleted and its journal
//! compacted in between.

mod acts;
mod identity;
mod reference;
mod tenants;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use stagedoor_catalog::{
    Actor, Catalog, Column, Credential, Credentials, Error, ErrorKind, Expected, ExportState,
    NewExport, NewTable, OnExists, Options, PasswordHash, Request, Segment, StageChanges,
    StageDefinition, StagePolicy, TableSource,
};

use crate::fixture::{options, root};
use acts::{Act, act};
use tenants::World;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Clone, Debug)]
enum Step {
    Create(&'static str, StageDefinition, OnExists),
    Alter(&'static str, StageChanges, Option<u64>),
    Rename(&'static str, &'static str),
    Drop(&'static str, Option<u64>, bool),
    Undrop(&'static str),
    Rollback(&'static str, u64),
    CreateTable(&'static str, OnExists),
    DropTable(&'static str),
    AddSegments(&'static str, u64, usize),
    Truncate(&'static str),
    StartExport(&'static str),
    FinishExport(usize),
    Reopen,
    DeleteIndex,
    Compact,
}

fn url() -> impl Strategy<Value = Option<String>> {
    let urls = [
        None,
        Some("/tmp"),
        Some("s3://b/p/"),
        Some("stage://a/x"),
        Some("stage://b/"),
        Some("stage://c"),
    ];
    select(urls.to_vec()).prop_map(|url| url.map(str::to_owned))
}

fn definition() -> impl Strategy<Value = StageDefinition> {
    let properties = (url(), any::<bool>(), any::<bool>(), ".{0,3}", credentials());
    properties.prop_map(
        |(url, enabled, directory, comment, credentials)| StageDefinition {
            url,
            enabled,
            directory,
            comment,
            credentials,
            policy: StagePolicy::default(),
        },
    )
}

/// None or some that are not secret: the model cannot seal.
fn credentials() -> impl Strategy<Value = Credentials> {
    let region = |region| vec![Credential::plain("region", region)];
    let lists = vec![Vec::new(), region("eu"), region("us")];
    select(lists).prop_map(|list| Credentials::new(list).unwrap())
}

fn changes() -> impl Strategy<Value = StageChanges> {
    (
        proptest::option::weighted(0.4, url()),
        proptest::option::weighted(0.4, any::<bool>()),
        proptest::option::weighted(0.3, any::<bool>()),
        proptest::option::weighted(0.3, ".{0,3}"),
        proptest::option::weighted(0.3, credentials()),
    )
        .prop_map(
            |(url, enabled, directory, comment, credentials)| StageChanges {
                url,
                enabled,
                directory,
                comment,
                credentials,
                policy: None,
            },
        )
}

fn step() -> impl Strategy<Value = Step> {
    let name = || select(&NAMES[..]);
    let on_exists = || select(vec![OnExists::Error, OnExists::Keep, OnExists::Replace]);
    let expected = || prop_oneof![3 => Just(None), 1 => (1..5_u64).prop_map(Some)];
    prop_oneof![
        6 => (name(), definition(), on_exists()).prop_map(|(n, d, o)| Step::Create(n, d, o)),
        6 => (name(), changes(), expected()).prop_map(|(n, c, e)| Step::Alter(n, c, e)),
        3 => (name(), name()).prop_map(|(n, m)| Step::Rename(n, m)),
        4 => (name(), expected(), any::<bool>()).prop_map(|(n, e, c)| Step::Drop(n, e, c)),
        3 => name().prop_map(Step::Undrop),
        3 => (name(), 1..6_u64).prop_map(|(n, v)| Step::Rollback(n, v)),
        2 => (name(), on_exists()).prop_map(|(n, o)| Step::CreateTable(n, o)),
        1 => name().prop_map(Step::DropTable),
        4 => (name(), 1..4_u64, 0..3_usize).prop_map(|(n, i, c)| Step::AddSegments(n, i, c)),
        1 => name().prop_map(Step::Truncate),
        2 => name().prop_map(Step::StartExport),
        2 => (0..4_usize).prop_map(Step::FinishExport),
        1 => Just(Step::Reopen),
        1 => Just(Step::DeleteIndex),
        1 => Just(Step::Compact),
    ]
}

pub(crate) fn expected(version: Option<u64>) -> Expected {
    version.map_or(Expected::Any, Expected::Version)
}

pub(crate) fn new_table(name: &str) -> NewTable {
    let column = Column {
        name: "id".into(),
        data_type: "INT".into(),
        nullable: false,
        default: None,
        primary_key: true,
        auto_increment: false,
        comment: String::new(),
    };
    NewTable {
        database: "db".into(),
        name: name.into(),
        columns: vec![column],
        source: TableSource::Segments(Vec::new()),
        keys: Vec::new(),
        next_number: 1,
        comment: String::new(),
    }
}

pub(crate) fn export_id(number: usize) -> String {
    format!("0192f0c1-2345-7abc-8def-{number:012x}")
}

/// Runs one step on the catalog; the answer is only whether and how it failed.
fn run(catalog: &Catalog, actor: &Actor, exports: usize, step: &Step) -> Result<(), ErrorKind> {
    let kind = |e: Error| e.kind();
    match step.clone() {
        Step::Create(name, definition, on_exists) => catalog
            .create_stage(actor, name, definition, on_exists, Expected::Any)
            .map(drop),
        Step::Alter(name, change, version) => catalog
            .alter_stage(actor, name, change, expected(version))
            .map(drop),
        Step::Rename(name, new) => catalog
            .rename_stage(actor, name, new, Expected::Any)
            .map(drop),
        Step::Drop(name, version, cascade) => catalog
            .drop_stage(actor, name, expected(version), cascade)
            .map(drop),
        Step::Undrop(name) => catalog.undrop_stage(actor, name, Expected::Any).map(drop),
        Step::Rollback(name, version) => catalog
            .rollback_stage(actor, name, version, Expected::Any)
            .map(drop),
        Step::CreateTable(name, on_exists) => catalog
            .create_table(actor, new_table(name), on_exists)
            .map(drop),
        Step::DropTable(name) => catalog.drop_table(actor, "db", name, None).map(drop),
        Step::AddSegments(name, id, count) => {
            let segment = |n| Segment {
                id: 0,
                file: format!("{name}{n}"),
                rows: 1,
                bytes: 1,
                sha256: String::new(),
                checksums: stagedoor_catalog::Checksums::default(),
            };
            catalog
                .add_segments(actor, "db", name, id, (0..count).map(segment).collect())
                .map(drop)
        }
        Step::Truncate(name) => catalog.truncate_table(actor, "db", name, None).map(drop),
        Step::StartExport(name) => {
            let version = catalog
                .stage(&actor.account, name)
                .map_err(kind)?
                .map_or(1, |stage| stage.version);
            let export = NewExport {
                id: export_id(exports),
                database: None,
                statement: String::new(),
                stage: Some((name.to_owned(), version)),
                stage_parents: Vec::new(),
                target: String::new(),
                key: None,
            };
            catalog.create_export(actor, export).map(drop)
        }
        Step::FinishExport(number) => catalog
            .update_export(actor, &export_id(number), |export| {
                export.state = ExportState::Failed
            })
            .map(drop),
        Step::Reopen | Step::DeleteIndex | Step::Compact => Ok(()),
    }
    .map_err(kind)
}

/// Pages of a few records, which few changes fill: records move between memory and pages, and pages
/// are cut and emptied, all the time. Every other catalog has them as they are by default.
fn paged(small: bool) -> Options {
    match small {
        true => Options {
            index_page_bytes: 300,
            index_recent_bytes_max: 2_000,
            ..options()
        },
        false => options(),
    }
}

fn reopen(dir: &Path, options: Options, step: &Step, steps_before: u64) -> Catalog {
    if matches!(step, Step::DeleteIndex) {
        fs::remove_dir_all(dir.join("index")).unwrap();
    }
    let catalog = Catalog::open(dir, options).unwrap();
    let recovery = catalog.recovery();
    assert_eq!(
        recovery.rebuilt.is_some(),
        matches!(step, Step::DeleteIndex),
        "{recovery:?}"
    );
    assert_eq!((recovery.torn_bytes, recovery.ahead), (0, 0));
    assert_eq!(catalog.last_seq(), steps_before);
    catalog
}

fn reopening(act: &Act) -> Option<&Step> {
    match act {
        Act::Data(_, _, step @ (Step::Reopen | Step::DeleteIndex)) => Some(step),
        Act::Data(..) | Act::Identity(..) | Act::CreateAccount(..) | Act::DropAccount(_) => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_catalog_is_its_model(acts in proptest::collection::vec(act(), 20..160), small in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let mut catalog = Catalog::open(dir.path(), paged(small)).unwrap();
        catalog.bootstrap(&root(), Some(PasswordHash::new("given"))).unwrap();
        catalog.create_database(&root(), "db", OnExists::Error).unwrap();
        let mut world = World::bootstrapped();
        let first = acts::first_acts();
        let last = Act::Data("sys", "moadmin", Step::DeleteIndex);
        for act in first.iter().chain(&acts).chain([&last]) {
            if matches!(act, Act::Data(_, _, Step::Compact)) {
                catalog.compact().unwrap();
                let scrubbed = catalog.scrub().unwrap();
                prop_assert_eq!((scrubbed.journal_damage, scrubbed.index_damage), (None, None));
            } else if let Some(step) = reopening(act) {
                let seq = catalog.last_seq();
                drop(catalog);
                catalog = reopen(dir.path(), paged(small), step, seq);
            } else {
                // First only validated: the same answer, and nothing is written.
                let validating = Request { validate_only: true, ..Request::default() };
                let seq = catalog.last_seq();
                let validated = acts::run(&catalog, &world, act, &validating);
                prop_assert_eq!(catalog.last_seq(), seq);
                let answer = acts::run(&catalog, &world, act, &Request::default());
                prop_assert_eq!(validated, answer, "{:?}", act);
                prop_assert_eq!(answer, world.run(act), "{:?}", act);
            }
            world.compare(&catalog);
        }
        let audit = catalog.verify_audit().unwrap();
        prop_assert_eq!((audit.bad, audit.pruned), (None, 0));
        drop(catalog);
        prop_assert_eq!(Catalog::check(dir.path()).unwrap().problems, Vec::new());
    }
}
