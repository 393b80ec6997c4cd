//! What a start makes of exports that a stopped server left, state by state: records and drafts are laid
//! out as a crash would leave them, then a server opens the directory.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use catalog::{
    Actor, Catalog, Expected, ExportFile, ExportState, FileRole, NewExport, OnExists, PlannedFile,
    StageChanges, StageDefinition,
};
use server::{Server, Settings};
use sha2::{Digest, Sha256};
use storage::{Location, ObjectPath, Policy, Store, Token};

const BODY: &[u8] = b"a\n1\n";
const MANIFEST: &str = "{}";

struct Left {
    folder: tempfile::TempDir,
    out: PathBuf,
}

impl Left {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        std::fs::create_dir(&out).unwrap();
        let left = Self { folder, out };
        // As the server did that was stopped: before its catalog there was its key.
        std::fs::create_dir(left.data()).unwrap();
        server::key::load_or_create(&Settings::embedded(&left.data())).unwrap();
        left
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn catalog(&self) -> Catalog {
        let catalog_dir = self.data().join("catalog");
        std::fs::create_dir_all(&catalog_dir).unwrap();
        Catalog::open(&catalog_dir, catalog::Options::default()).unwrap()
    }

    /// Lays out one export: its record in `state`, and its draft if `draft`.
    fn export(&self, number: u32, state: ExportState, draft: bool, options: &str) -> String {
        let catalog = self.catalog();
        let url = format!("file://{}", self.out.display());
        create_stage(&catalog, "s", url);
        let id = record(&catalog, number, state, "s", Vec::new(), options);
        if draft {
            write_draft(&self.out, &id, 0, BODY);
        }
        id
    }

    /// Starts a server over it and gives each export's state and error.
    async fn recovered(&self, id: &str) -> (ExportState, Option<String>) {
        drop(
            Server::open(Settings::embedded(&self.data()))
                .await
                .unwrap(),
        );
        let record = self.catalog().export("sys", id).unwrap().unwrap();
        assert!(!self.out.join(".stagedoor").exists(), "drafts are left");
        (record.state, record.error)
    }

    fn file(&self, number: u32) -> Option<Vec<u8>> {
        read(&self.out.join(format!("{number}.csv")))
    }
}

fn actor() -> Actor {
    Actor::new("sys", "root", "moadmin")
}

fn create_stage(catalog: &Catalog, name: &str, url: String) -> u64 {
    let definition = StageDefinition {
        url: Some(url),
        ..Default::default()
    };
    catalog
        .create_stage(&actor(), name, definition, OnExists::Keep, Expected::Any)
        .unwrap();
    catalog.stage("sys", name).unwrap().unwrap().id
}

/// The record of an export to version 1 of a stage.
fn record(
    catalog: &Catalog,
    number: u32,
    state: ExportState,
    stage: &str,
    stage_parents: Vec<(u64, u64)>,
    options: &str,
) -> String {
    let id = format!("01900000-0000-7000-8000-{number:012}");
    let target = format!("stage://{stage}/{number}.csv");
    let new = NewExport {
        database: None,
        id: id.clone(),
        statement: format!("SELECT 1 AS a INTO OUTFILE '{target}' {options}"),
        stage: Some((stage.to_owned(), 1)),
        stage_parents,
        target,
        key: None,
    };
    catalog.create_export(&actor(), new).unwrap();
    for next in [ExportState::Running, ExportState::Prepared] {
        let plan = plan(&id, number, options);
        catalog
            .update_export(&actor(), &id, |record| {
                record.state = next;
                if next == ExportState::Prepared {
                    record.bytes = BODY.len() as u64;
                    record.manifest_json = Some(MANIFEST.to_owned());
                    record.rows = 1;
                    record.files = vec![ExportFile {
                        path: format!("{number}.csv"),
                        rows: 1,
                        bytes: BODY.len() as u64,
                        digest: sha256(BODY),
                    }];
                    record.plan = plan;
                }
            })
            .unwrap();
        if next == state {
            break;
        }
    }
    id
}

/// What a server writes down when all files are finished. The tokens are those of drafts that a test may or may
/// not have laid out, so they say nothing of inodes.
fn plan(id: &str, number: u32, options: &str) -> Vec<PlannedFile> {
    let file = |index, role, target, body: &[u8]| PlannedFile {
        index,
        role,
        target,
        replaces: options.contains("OVERWRITE 'true'"),
        rows: 0,
        bytes: body.len() as u64,
        digest: sha256(body),
        token: Token::of_file(id, index).to_bytes(),
    };
    let mut plan = vec![file(0, FileRole::Data, format!("{number}.csv"), BODY)];
    if options.contains("MANIFEST 'true'") {
        let beside = format!("{number}.csv.manifest.json");
        plan.push(file(1, FileRole::Manifest, beside, MANIFEST.as_bytes()));
    }
    plan
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write_draft(folder: &Path, id: &str, index: u32, body: &[u8]) {
    let drafts = folder.join(".stagedoor").join(id);
    std::fs::create_dir_all(&drafts).unwrap();
    std::fs::write(drafts.join(index.to_string()), body).unwrap();
}

fn read(path: &Path) -> Option<Vec<u8>> {
    std::fs::read(path).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_export_is_published() {
    let left = Left::new();
    let id = left.export(1, ExportState::Prepared, true, "");
    assert_eq!(left.recovered(&id).await, (ExportState::Committed, None));
    assert_eq!(left.file(1).unwrap(), BODY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_one_that_missed_its_record_is_committed() {
    let left = Left::new();
    let id = left.export(2, ExportState::Prepared, false, "");
    std::fs::write(left.out.join("2.csv"), BODY).unwrap();
    assert_eq!(left.recovered(&id).await, (ExportState::Committed, None));
    assert_eq!(left.file(2).unwrap(), BODY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_the_prepared_one_commits_nothing() {
    let left = Left::new();
    let id = left.export(3, ExportState::Prepared, false, "");
    std::fs::create_dir_all(left.out.join(".stagedoor").join(&id)).unwrap();
    std::fs::write(left.out.join("3.csv"), b"b\n2\n").unwrap();
    let (state, error) = left.recovered(&id).await;
    assert_eq!(state, ExportState::Failed);
    assert!(error.unwrap().starts_with("not published: "));
    assert_eq!(left.file(3).unwrap(), b"b\n2\n");
    let id = left.export(4, ExportState::Prepared, false, "");
    std::fs::create_dir_all(left.out.join(".stagedoor").join(&id)).unwrap();
    assert_eq!(left.recovered(&id).await.0, ExportState::Failed);
    assert_eq!(left.file(4), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_was_still_running_has_failed_without_a_file() {
    let left = Left::new();
    let id = left.export(5, ExportState::Running, true, "");
    let (state, error) = left.recovered(&id).await;
    assert_eq!(state, ExportState::Failed);
    assert_eq!(
        error.unwrap(),
        "the server stopped before the export was complete"
    );
    assert_eq!(left.file(5), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_is_replaced_only_if_the_statement_said_so() {
    let left = Left::new();
    let id = left.export(6, ExportState::Prepared, true, "OVERWRITE 'true'");
    let old = left.out.join("6.csv");
    std::fs::write(&old, b"old").unwrap();
    // It was there before the export.
    let before = std::time::SystemTime::now() - Duration::from_secs(3600);
    let file = std::fs::File::options().write(true).open(&old).unwrap();
    file.set_modified(before).unwrap();
    assert_eq!(left.recovered(&id).await, (ExportState::Committed, None));
    assert_eq!(left.file(6).unwrap(), BODY);
    let id = left.export(7, ExportState::Prepared, true, "");
    std::fs::write(left.out.join("7.csv"), b"old").unwrap();
    assert_eq!(left.recovered(&id).await.0, ExportState::Failed);
    assert_eq!(left.file(7).unwrap(), b"old");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_stage_is_recovered_where_its_parent_was_when_the_export_began() {
    let left = Left::new();
    let (sub, elsewhere) = (
        left.out.join("sub"),
        left.folder.path().join("elsewhere/sub"),
    );
    std::fs::create_dir(&sub).unwrap();
    std::fs::create_dir_all(&elsewhere).unwrap();
    let catalog = left.catalog();
    let parent = create_stage(&catalog, "parent", format!("file://{}", left.out.display()));
    let between = create_stage(&catalog, "between", "stage://parent".to_owned());
    create_stage(&catalog, "child", "stage://between/sub/".to_owned());
    let (prepared, parents) = (ExportState::Prepared, vec![(between, 1), (parent, 1)]);
    let id = record(&catalog, 9, prepared, "child", parents, "");
    // A sub-stage's drafts lie in the folder that the stages above name.
    write_draft(&left.out, &id, 0, BODY);
    let elsewhere = format!("file://{}", elsewhere.parent().unwrap().display());
    let moved = StageChanges {
        url: Some(Some(elsewhere)),
        ..StageChanges::default()
    };
    catalog
        .alter_stage(&actor(), "parent", moved, Expected::Any)
        .unwrap();
    drop(catalog);

    assert_eq!(left.recovered(&id).await, (ExportState::Committed, None));
    assert_eq!(read(&sub.join("9.csv")).unwrap(), BODY);
}

/// What is beside the data in the end, and what was warned of, for a prepared export with a manifest.
async fn recovered_manifest(draft: bool, beside: Option<&str>) -> (Option<String>, Vec<String>) {
    let left = Left::new();
    let id = left.export(10, ExportState::Prepared, true, "MANIFEST 'true'");
    if draft {
        write_draft(&left.out, &id, 1, MANIFEST.as_bytes());
    }
    let path = left.out.join("10.csv.manifest.json");
    if let Some(text) = beside {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(left.recovered(&id).await, (ExportState::Committed, None));
    assert_eq!(left.file(10).unwrap(), BODY);
    let record = left.catalog().export("sys", &id).unwrap().unwrap();
    (std::fs::read_to_string(&path).ok(), record.warnings)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_is_published_or_missed_by_a_warning() {
    let whole = (Some(MANIFEST.to_owned()), Vec::new());
    assert_eq!(recovered_manifest(true, None).await, whole);
    // Published before the server stopped.
    assert_eq!(recovered_manifest(false, Some(MANIFEST)).await, whole);
    for (draft, beside, why) in [
        (true, Some("mine"), "exists"),
        (false, Some("mine"), "is gone"),
        (false, None, "is gone"),
    ] {
        let (text, warnings) = recovered_manifest(draft, beside).await;
        assert_eq!(text.as_deref(), beside);
        let [warning] = &warnings[..] else {
            panic!("{warnings:?}");
        };
        assert!(
            warning.starts_with("the manifest was not written to '10.csv.manifest.json'")
                && warning.contains(why),
            "{warning}"
        );
    }
}

/// The export's stage is disabled when the server comes back: that stops it at the last moment, as it would have
/// if the server had not stopped. One that has its name already keeps it.
#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_stage_stops_a_prepared_export() {
    let left = Left::new();
    let id = left.export(12, ExportState::Prepared, true, "");
    let disable = |enabled| {
        let changes = StageChanges {
            enabled: Some(enabled),
            ..StageChanges::default()
        };
        left.catalog()
            .alter_stage(&actor(), "s", changes, Expected::Any)
            .unwrap();
    };
    disable(false);
    let (state, error) = left.recovered(&id).await;
    assert_eq!(state, ExportState::Failed);
    let error = error.unwrap();
    assert!(error.starts_with("not published: "), "{error}");
    assert!(error.contains("stage 's' is invalid"), "{error}");
    assert_eq!(left.file(12), None);
}

/// A prepared export of forty files, finished in a real place, of which a crash left three with their names.
async fn forty_files(left: &Left, number: u32) -> (String, Vec<Vec<u8>>) {
    let catalog = left.catalog();
    create_stage(&catalog, "s", format!("file://{}", left.out.display()));
    let id = record(&catalog, number, ExportState::Running, "s", Vec::new(), "");
    let bodies: Vec<Vec<u8>> = (0..40).map(|n| format!("a\n{n}\n").into_bytes()).collect();
    let location = Location::parse(left.out.to_str().unwrap()).unwrap();
    let store = Store::open(&location, None, &Policy::default())
        .await
        .unwrap();
    let mut files = Vec::new();
    for (index, body) in (0u32..).zip(&bodies) {
        let target = format!("{number}/{index}.csv");
        let path = ObjectPath::parse(&target).unwrap();
        let mut draft = store.draft(&id, index, &path).await.unwrap();
        draft.write_all(body).unwrap();
        files.push(PlannedFile {
            index,
            target,
            bytes: body.len() as u64,
            digest: sha256(body),
            token: draft.finish().unwrap().token.to_bytes(),
            ..plan(&id, number, "").remove(0)
        });
    }
    // One goes into a folder of its own.
    files[20].target = format!("{number}/deep/20.csv");
    catalog
        .update_export(&actor(), &id, move |record| {
            record.state = ExportState::Prepared;
            record.plan = files;
        })
        .unwrap();
    let drafts = left.out.join(".stagedoor").join(&id);
    let folder = left.out.join(number.to_string());
    std::fs::create_dir(&folder).unwrap();
    for index in [0, 7, 39] {
        let name = folder.join(format!("{index}.csv"));
        std::fs::rename(drafts.join(index.to_string()), name).unwrap();
    }
    (id, bodies)
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files_are_published_all_or_none() {
    let left = Left::new();
    let (id, bodies) = forty_files(&left, 13).await;
    assert_eq!(left.recovered(&id).await, (ExportState::Committed, None));
    for (index, body) in bodies.iter().enumerate() {
        let name = match index {
            20 => "13/deep/20.csv".to_owned(),
            index => format!("13/{index}.csv"),
        };
        assert_eq!(&read(&left.out.join(name)).unwrap(), body);
    }

    // A name that is taken keeps all of them from being there.
    let (id, _) = forty_files(&left, 14).await;
    std::fs::create_dir(left.out.join("14/deep")).unwrap();
    std::fs::write(left.out.join("14/deep/20.csv"), b"mine").unwrap();
    let (state, error) = left.recovered(&id).await;
    assert_eq!(state, ExportState::Failed, "{error:?}");
    assert!(error.unwrap().contains("20.csv already exists"));
    assert_eq!(crate::harness::files(&left.out.join("14")), ["deep/20.csv"]);
    assert_eq!(read(&left.out.join("14/deep/20.csv")).unwrap(), b"mine");
}

/// What may pass takes nothing away: the files that have their names keep them, and the next start goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_published_now_is_published_later() {
    let left = Left::new();
    let (id, _) = forty_files(&left, 15).await;
    // No folder can be made where a file is.
    std::fs::write(left.out.join("15/deep"), b"in the way").unwrap();
    drop(
        Server::open(Settings::embedded(&left.data()))
            .await
            .unwrap(),
    );
    let state = left.catalog().export("sys", &id).unwrap().unwrap().state;
    assert_eq!(state, ExportState::Prepared);
    assert_eq!(crate::harness::files(&left.out.join("15")).len(), 40);
    std::fs::remove_file(left.out.join("15/deep")).unwrap();
    assert_eq!(left.recovered(&id).await, (ExportState::Committed, None));
    assert_eq!(crate::harness::files(&left.out.join("15")).len(), 40);
}

/// The folder that a disk is mounted on is there without the disk, too: empty, it says nothing of an export.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_not_mounted_loses_no_export() {
    for draft in [true, false] {
        let left = Left::new();
        let id = left.export(17, ExportState::Prepared, draft, "");
        if !draft {
            std::fs::write(left.out.join("17.csv"), BODY).unwrap();
        }
        let disk = left.folder.path().join("disk");
        std::fs::rename(&left.out, &disk).unwrap();
        std::fs::create_dir(&left.out).unwrap();
        let (state, error) = left.recovered(&id).await;
        assert_eq!((state, error), (ExportState::Prepared, None));
        std::fs::remove_dir(&left.out).unwrap();
        std::fs::rename(&disk, &left.out).unwrap();
        assert_eq!(left.recovered(&id).await, (ExportState::Committed, None));
        assert_eq!(left.file(17).unwrap(), BODY);
    }
}

/// An export that waits for its recovery does not replace what a later one has committed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn older_data_never_replaces_newer() {
    let left = Left::new();
    let id = left.export(18, ExportState::Prepared, true, "OVERWRITE 'true'");
    let away = left.folder.path().join("away");
    std::fs::rename(&left.out, &away).unwrap();
    let server = Server::open(Settings::embedded(&left.data()))
        .await
        .unwrap();
    std::fs::rename(&away, &left.out).unwrap();
    let outcome = server
        .session()
        .unwrap()
        .execute("SELECT 'newer' AS a INTO OUTFILE 'stage://s/18.csv' OVERWRITE 'true'")
        .await
        .unwrap();
    let server::Outcome::Export(newer) = outcome else {
        panic!("no export");
    };
    newer.wait().await.unwrap();
    drop((newer, server));
    // The export's task may hold it a moment longer.
    let catalog_dir = left.data().join("catalog");
    let began = Instant::now();
    while let Err(error) = Catalog::open(&catalog_dir, catalog::Options::default()) {
        assert!(began.elapsed() < Duration::from_secs(120), "{error}");
        tokio::task::yield_now().await;
    }
    let newer = left.file(18).unwrap();
    let (state, error) = left.recovered(&id).await;
    assert_eq!(state, ExportState::Failed);
    let error = error.unwrap();
    assert!(
        error.contains("which is later, has replaced the file"),
        "{error}"
    );
    assert_eq!(left.file(18).unwrap(), newer);
}

/// Nor what anybody has written into the file's place.
#[tokio::test(flavor = "multi_thread")]
async fn older_data_does_not_replace_a_file_written_since() {
    let left = Left::new();
    let id = left.export(19, ExportState::Prepared, true, "OVERWRITE 'true'");
    // The times of files come from a clock that is some milliseconds late: until it has passed the record's.
    let (complete, file) = (SystemTime::now(), left.out.join("19.csv"));
    let is_newer = || file.metadata().unwrap().modified().unwrap() > complete;
    std::fs::write(&file, b"newer").unwrap();
    while !is_newer() {
        tokio::task::yield_now().await;
        std::fs::write(&file, b"newer").unwrap();
    }
    let (state, error) = left.recovered(&id).await;
    assert_eq!(state, ExportState::Failed);
    let error = error.unwrap();
    assert!(
        error.contains("file '19.csv' was written after the export was complete"),
        "{error}"
    );
    assert_eq!(left.file(19).unwrap(), b"newer");
}

/// What was published is on record as that, also where a later export had been committed to the file before.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_visible_is_committed() {
    let left = Left::new();
    let id = left.export(20, ExportState::Prepared, false, "OVERWRITE 'true'");
    let catalog = left.catalog();
    let later = "01900000-0000-7000-8000-000000000099".to_owned();
    let new = NewExport {
        database: None,
        id: later.clone(),
        statement: String::new(),
        stage: Some(("s".to_owned(), 1)),
        stage_parents: Vec::new(),
        target: "stage://s/20.csv".to_owned(),
        key: None,
    };
    catalog.create_export(&actor(), new).unwrap();
    for next in [
        ExportState::Running,
        ExportState::Prepared,
        ExportState::Committed,
    ] {
        let set = |record: &mut catalog::ExportRecord| record.state = next;
        catalog.update_export(&actor(), &later, set).unwrap();
    }
    drop(catalog);
    std::fs::write(left.out.join("20.csv"), BODY).unwrap();
    // A place where an export was being published.
    std::fs::create_dir_all(left.out.join(".stagedoor").join(&id)).unwrap();
    assert_eq!(left.recovered(&id).await, (ExportState::Committed, None));
    assert_eq!(left.file(20).unwrap(), BODY);
}

/// Given up halfway, nothing of it stays visible.
#[tokio::test(flavor = "multi_thread")]
async fn giving_up_several_files_takes_back_those_that_had_their_names() {
    let left = Left::new();
    let (id, _) = forty_files(&left, 16).await;
    std::fs::write(left.out.join("16/deep"), b"in the way").unwrap();
    let server = Server::open(Settings::embedded(&left.data()))
        .await
        .unwrap();
    server
        .session()
        .unwrap()
        .execute(&format!("CANCEL EXPORT '{id}'"))
        .await
        .unwrap();
    drop(server);
    let record = left.catalog().export("sys", &id).unwrap().unwrap();
    assert_eq!(record.state, ExportState::Failed);
    assert_eq!(crate::harness::files(&left.out.join("16")), ["deep"]);
}

/// CANCEL EXPORT of a prepared export whose folder was not there at the start: what it says, and the state.
async fn given_up(published: bool) -> (String, ExportState, Option<String>) {
    let left = Left::new();
    let id = left.export(11, ExportState::Prepared, !published, "");
    if published {
        std::fs::write(left.out.join("11.csv"), BODY).unwrap();
    }
    let away = left.folder.path().join("away");
    std::fs::rename(&left.out, &away).unwrap();
    let server = Server::open(Settings::embedded(&left.data()))
        .await
        .unwrap();
    std::fs::rename(&away, &left.out).unwrap();
    let cancelled = server
        .session()
        .unwrap()
        .execute(&format!("CANCEL EXPORT '{id}'"))
        .await;
    let said = match cancelled {
        Ok(_) => "done".to_owned(),
        Err(error) => error.message().to_owned(),
    };
    drop(server);
    let record = left.catalog().export("sys", &id).unwrap().unwrap();
    assert!(!left.out.join(".stagedoor").exists(), "drafts are left");
    assert_eq!(left.file(11).is_some(), published);
    (said, record.state, record.error)
}

#[tokio::test(flavor = "multi_thread")]
async fn giving_up_an_export_never_denies_a_published_file() {
    let (said, state, error) = given_up(false).await;
    assert_eq!((said.as_str(), state), ("done", ExportState::Failed));
    assert_eq!(
        error.as_deref(),
        Some("not published: given up by CANCEL EXPORT")
    );
    let (said, state, error) = given_up(true).await;
    assert_eq!((state, error), (ExportState::Committed, None));
    assert!(said.ends_with("is COMMITTED, not running"), "{said}");
}
