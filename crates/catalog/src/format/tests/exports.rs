//! Frozen bytes of exports, their plans and their files in directory tables.

use super::*;
use crate::directory::{DirectoryFile, DirectoryState};
use crate::exports::{ExportFile, ExportRecord, ExportState, FileRole, PlannedFile};

#[test]
fn exports() {
    let record = ExportRecord {
        id: "0192f0c1-2345-7abc-8def-0123456789ab".into(),
        account: "sys".into(),
        user: "root".into(),
        key: None,
        database: None,
        statement: "SELECT 1 INTO OUTFILE 'stage://daily/a.csv'".into(),
        stage: Some(("daily".into(), 3)),
        stage_id: Some(7),
        stage_parents: vec![(5, 2), (4, 1)],
        target: "stage://daily/a.csv".into(),
        state: ExportState::Committed,
        plan: Vec::new(),
        temp_files: vec!["t1".into(), "t2".into()],
        files: vec![ExportFile {
            path: "a.csv".into(),
            rows: 1,
            bytes: 4,
            digest: "cd".repeat(32),
        }],
        rows: 1,
        bytes: 4,
        error: Some("e".into()),
        credentials: Credentials::default(),
        manifest_json: Some("{}".into()),
        warnings: vec!["w".into()],
        created_us: 8,
        changed_us: 9,
        finished_us: Some(10),
    };
    // Formats 1 and 2 had the manifest in it; today it has its own record.
    reads_as(2, "export.hex", &record);
    let without = ExportRecord {
        manifest_json: None,
        ..record.clone()
    };
    is_frozen_since(3, "export.hex", &without);
    assert_eq!(hex(&encode(&record)), hex(&encode(&without)));
    is_frozen_since(3, "manifest.hex", &Manifest("{}".into()));
    for (name, role) in [("data", FileRole::Data), ("manifest", FileRole::Manifest)] {
        let file = PlannedFile {
            index: 3,
            role,
            target: "2026/a.csv".into(),
            replaces: true,
            rows: 1,
            bytes: 4,
            digest: "cd".repeat(32),
            token: vec![0, 255, 7],
        };
        is_frozen_since(4, &format!("planned-file-{name}.hex"), &file);
    }
    for (name, role) in [
        ("checksums", FileRole::Checksums),
        ("surplus", FileRole::Surplus),
        ("old-manifest", FileRole::OldManifest),
    ] {
        let file = PlannedFile {
            index: 4,
            role,
            target: "2026/SHA256SUMS".into(),
            replaces: false,
            rows: 0,
            bytes: 4,
            digest: "cd".repeat(32),
            token: Vec::new(),
        };
        is_frozen_since(6, &format!("planned-file-{name}.hex"), &file);
    }
    let keyed = ExportRecord {
        key: Some("nightly/2026-01-31".into()),
        ..without.clone()
    };
    is_frozen_since(6, "export-keyed.hex", &keyed);
    let within = ExportRecord {
        database: Some("sales".into()),
        ..keyed.clone()
    };
    is_frozen_since(7, "export-database.hex", &within);
    let digest = format!("blake3:{}", "cd".repeat(32));
    let mut otherwise = keyed.clone();
    otherwise.files[0].digest.clone_from(&digest);
    is_frozen_since(7, "export-blake3.hex", &otherwise);
    let planned = PlannedFile {
        index: 3,
        role: FileRole::Data,
        target: "2026/a.csv".into(),
        replaces: true,
        rows: 1,
        bytes: 4,
        digest,
        token: vec![0, 255, 7],
    };
    is_frozen_since(7, "planned-file-blake3.hex", &planned);
    let key = Keyed {
        id: keyed.id,
        scope: "main\n7 s3://b/".into(),
    };
    is_frozen_since(6, "export-key.hex", &key);
    let file = DirectoryFile {
        path: "2026/a.csv".into(),
        bytes: 4,
        modified_us: Some(5),
        etag: Some("\"e\"".into()),
        sha256: Some("cd".repeat(32)),
        export_id: Some("0192f0c1-2345-7abc-8def-000000000001".into()),
        noted_us: 6,
    };
    is_frozen_since(5, "directory-file.hex", &file);
    let bare = DirectoryFile {
        modified_us: None,
        etag: None,
        sha256: None,
        export_id: None,
        ..file
    };
    is_frozen_since(5, "directory-file-bare.hex", &bare);
    let state = DirectoryState {
        generation: 2,
        whereabouts: "7 s3://b/p/\n".into(),
        refreshed_us: Some(8),
        pruned_to: 1,
    };
    is_frozen_since(5, "directory-state.hex", &state);
    let record = ExportRecord {
        stage_parents: Vec::new(),
        warnings: Vec::new(),
        ..record
    };
    reads_as(1, "export.hex", &record);
    let states = [
        ExportState::Admitted,
        ExportState::Running,
        ExportState::Prepared,
        ExportState::Committed,
        ExportState::Failed,
        ExportState::Cancelled,
    ];
    for (number, state) in (1..).zip(states) {
        let record = ExportRecord {
            state,
            stage: None,
            stage_id: None,
            error: None,
            manifest_json: None,
            finished_us: None,
            ..record.clone()
        };
        is_frozen(&format!("export-state-{number}.hex"), &record);
    }
}
