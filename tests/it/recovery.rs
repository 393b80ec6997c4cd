//! What a start makes of exports that a stopped server left, state by state: records and drafts are laid
//! out as a crash would leave them, then a server opens the directory.

use std::io::Write;
use std::path::{Path, PathBuf};

use catalog::{Actor, Catalog, ExportFile, ExportState, NewExport, OnExists, StageDefinition};
use server::{Server, Settings};
use sha2::{Digest, Sha256};
use storage::{Location, Policy, Store};

const BODY: &[u8] = b"a\n1\n";

struct Left {
    folder: tempfile::TempDir,
    out: PathBuf,
}

impl Left {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        std::fs::create_dir(&out).unwrap();
        Self { folder, out }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Lays out one export: its record in `state`, and its draft if `draft`.
    fn export(&self, number: u32, state: ExportState, draft: bool, options: &str) -> String {
        let catalog_dir = self.data().join("catalog");
        std::fs::create_dir_all(&catalog_dir).unwrap();
        let catalog = Catalog::open(&catalog_dir, catalog::Options::default()).unwrap();
        let actor = Actor::new("sys", "root", "moadmin");
        let url = format!("file://{}", self.out.display());
        let definition = StageDefinition {
            url: Some(url),
            ..Default::default()
        };
        catalog
            .create_stage(&actor, "s", definition, OnExists::Keep)
            .unwrap();
        let id = format!("01900000-0000-7000-8000-{number:012}");
        let target = format!("stage://s/{number}.csv");
        let new = NewExport {
            id: id.clone(),
            statement: format!("SELECT 1 AS a INTO OUTFILE '{target}' {options}"),
            stage: Some(("s".to_owned(), 1)),
            stage_parents: Vec::new(),
            target,
            temp_files: vec!["0".to_owned()],
        };
        catalog.create_export(&actor, new).unwrap();
        for next in [ExportState::Running, ExportState::Prepared] {
            let sha256: String = Sha256::digest(BODY)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            catalog
                .update_export(&actor, &id, |record| {
                    record.state = next;
                    if next == ExportState::Prepared {
                        record.bytes = BODY.len() as u64;
                        record.rows = 1;
                        record.files = vec![ExportFile {
                            path: format!("{number}.csv"),
                            rows: 1,
                            bytes: BODY.len() as u64,
                            sha256,
                        }];
                    }
                })
                .unwrap();
            if next == state {
                break;
            }
        }
        if draft {
            let location = Location::parse(self.out.to_str().unwrap()).unwrap();
            let mut file = Store::open(&location, &Policy::default())
                .unwrap()
                .draft(&id, 0)
                .unwrap();
            file.write_all(BODY).unwrap();
            file.finish().unwrap();
        }
        id
    }

    /// Starts a server over it and gives each export's state and error.
    async fn recovered(&self, id: &str) -> (ExportState, Option<String>) {
        drop(Server::open(Settings::embedded(&self.data())).unwrap());
        let catalog =
            Catalog::open(&self.data().join("catalog"), catalog::Options::default()).unwrap();
        let record = catalog.export("sys", id).unwrap().unwrap();
        assert!(!self.out.join(".stagedoor").exists(), "drafts are left");
        (record.state, record.error)
    }

    fn file(&self, number: u32) -> Option<Vec<u8>> {
        read(&self.out.join(format!("{number}.csv")))
    }
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
    std::fs::write(left.out.join("3.csv"), b"b\n2\n").unwrap();
    let (state, error) = left.recovered(&id).await;
    assert_eq!(state, ExportState::Failed);
    assert!(error.unwrap().starts_with("not published: "));
    assert_eq!(left.file(3).unwrap(), b"b\n2\n");
    let id = left.export(4, ExportState::Prepared, false, "");
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
    std::fs::write(left.out.join("6.csv"), b"old").unwrap();
    assert_eq!(left.recovered(&id).await, (ExportState::Committed, None));
    assert_eq!(left.file(6).unwrap(), BODY);
    let id = left.export(7, ExportState::Prepared, true, "");
    std::fs::write(left.out.join("7.csv"), b"old").unwrap();
    assert_eq!(left.recovered(&id).await.0, ExportState::Failed);
    assert_eq!(left.file(7).unwrap(), b"old");
}
