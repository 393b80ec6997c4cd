//! Directory tables: what our own changes note, in which stages, and what a refresh brings in.

use stagedoor_catalog::{
    Catalog, DirectoryFile, ErrorKind, Expected, ExportState, FileChange, FileRole, NewExport,
    OnExists, PlannedFile, Refreshed, StageChanges, StageDefinition, StageFiles, StageRecord,
};

use crate::fixture::{bootstrapped, open, root, set_url};

fn stage(catalog: &Catalog, name: &str, url: &str) -> StageRecord {
    let definition = StageDefinition {
        url: Some(url.into()),
        directory: true,
        ..StageDefinition::default()
    };
    catalog
        .create_stage(&root(), name, definition, OnExists::Error, Expected::Any)
        .unwrap()
        .record
}

fn files_of(stage: &StageRecord, parents: &[&StageRecord]) -> StageFiles {
    StageFiles {
        id: stage.id,
        version: stage.version,
        parents: parents.iter().map(|s| (s.id, s.version)).collect(),
    }
}

fn file(path: &str, bytes: u64, etag: &str) -> DirectoryFile {
    DirectoryFile {
        path: path.into(),
        bytes,
        modified_us: Some(7),
        etag: Some(etag.into()),
        sha256: None,
        export_id: None,
        noted_us: 0,
    }
}

fn paths(catalog: &Catalog, stage: &StageRecord) -> Vec<String> {
    let page = catalog.directory_page("sys", stage.id, None, 1000).unwrap();
    page.unwrap().into_iter().map(|file| file.path).collect()
}

fn refresh(catalog: &Catalog, stage: &StageRecord, listed: &[DirectoryFile]) -> Refreshed {
    let mut refresh = catalog.begin_refresh(&root(), stage.id).unwrap();
    for some in listed.chunks(2) {
        catalog
            .refresh_files(&root(), &mut refresh, some.to_vec())
            .unwrap();
    }
    catalog.end_refresh(&root(), refresh, None).unwrap()
}

#[test]
fn an_export_is_noted_where_its_files_are() {
    let (dir, catalog) = bootstrapped();
    let outer = stage(&catalog, "outer", "/tmp");
    let middle = stage(&catalog, "middle", "stage://outer/a/b/");
    let sibling = stage(&catalog, "sibling", "stage://outer/a");
    let deep = stage(&catalog, "deep", "stage://middle/c//");
    let aside = stage(&catalog, "aside", "stage://outer/x");
    let number = "0192f0c1-2345-7abc-8def-000000000001";
    let new = NewExport {
        id: number.into(),
        database: None,
        statement: String::new(),
        stage: Some(("middle".into(), middle.version)),
        stage_parents: vec![(outer.id, outer.version)],
        target: "stage://middle/c/f.csv".into(),
        key: None,
    };
    catalog.create_export(&root(), new).unwrap();
    let step = |state, plan: &[PlannedFile]| {
        catalog
            .update_export(&root(), number, |export| {
                export.state = state;
                export.plan = plan.to_vec();
            })
            .unwrap();
    };
    let planned = |index, role, target: &str| PlannedFile {
        index,
        role,
        target: target.into(),
        replaces: false,
        rows: 1,
        bytes: 4,
        digest: "ab".repeat(32),
        token: vec![1],
    };
    let plan = [
        planned(0, FileRole::Data, "c/f.csv"),
        planned(1, FileRole::Manifest, "c/f.csv.manifest.json"),
    ];
    step(ExportState::Running, &[]);
    step(ExportState::Prepared, &plan);
    assert_eq!(paths(&catalog, &middle), [""; 0], "nothing is visible yet");
    // The manifest was not published.
    step(ExportState::Committed, &plan[..1]);
    for (stage, path) in [
        (&middle, "c/f.csv"),
        (&outer, "a/b/c/f.csv"),
        (&sibling, "b/c/f.csv"),
        (&deep, "f.csv"),
    ] {
        assert_eq!(paths(&catalog, stage), [path], "{}", stage.name);
    }
    assert_eq!(paths(&catalog, &aside), [""; 0]);
    drop(catalog);
    let catalog = open(dir.path());
    let known = catalog.directory_page("sys", deep.id, None, 9).unwrap();
    let known = known.unwrap().remove(0);
    assert_eq!((known.bytes, known.sha256), (4, Some("ab".repeat(32))));
    assert_eq!(known.export_id.as_deref(), Some(number));

    // Removed by way of another stage, it is gone everywhere.
    let gone = [removed("a/b/c/f.csv", u64::MAX)];
    catalog
        .note_files(&root(), &files_of(&outer, &[]), &gone)
        .unwrap();
    for stage in [&middle, &outer, &sibling, &deep] {
        assert_eq!(paths(&catalog, stage), [""; 0], "{}", stage.name);
    }
    let end = dir.path().to_owned();
    drop(catalog);
    assert_eq!(Catalog::check(&end).unwrap().problems, []);
}

#[test]
fn a_refresh_says_what_it_found() {
    let (_dir, catalog) = bootstrapped();
    let s = stage(&catalog, "s", "/tmp");
    let listed = [file("b/1", 1, "x"), file("a", 2, "y"), file("b/2", 3, "z")];
    assert_eq!(catalog.directory_refreshed_us("sys", s.id).unwrap(), None);
    let all = Refreshed {
        added: 3,
        files: 3,
        ..Refreshed::default()
    };
    assert_eq!(refresh(&catalog, &s, &listed), all);
    assert!(
        catalog
            .directory_refreshed_us("sys", s.id)
            .unwrap()
            .is_some()
    );
    assert_eq!(paths(&catalog, &s), ["a", "b/1", "b/2"]);
    let page = catalog.directory_page("sys", s.id, Some("a"), 1).unwrap();
    assert_eq!(page.unwrap()[0].path, "b/1");

    // Ours, with a digest; the place's etag is added, and that is no change.
    let ours = DirectoryFile {
        sha256: Some("cd".repeat(32)),
        etag: None,
        ..file("c", 5, "")
    };
    let notes = [written(ours, u64::MAX)];
    catalog
        .note_files(&root(), &files_of(&s, &[]), &notes)
        .unwrap();
    let listed = [
        file("c", 5, "e"),
        file("a", 2, "other"),
        file("b/1", 1, "x"),
    ];
    let found = Refreshed {
        added: 0,
        changed: 1,
        removed: 1,
        files: 3,
    };
    assert_eq!(refresh(&catalog, &s, &listed), found);
    let known = catalog.directory_page("sys", s.id, Some("b/1"), 9).unwrap();
    let known = known.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].etag.as_deref(), Some("e"));
    assert_eq!(known[0].sha256, Some("cd".repeat(32)));
    // What somebody else has put in its place is not ours.
    refresh(&catalog, &s, &[file("c", 5, "f")]);
    let known = catalog.directory_page("sys", s.id, None, 9).unwrap();
    assert_eq!(known.unwrap()[0].sha256, None);

    // So is what was put there before anybody looked, if it is as long: it is younger than what was noted.
    let ours = DirectoryFile {
        sha256: Some("cd".repeat(32)),
        etag: None,
        ..file("d", 5, "")
    };
    let notes = [written(ours, u64::MAX)];
    catalog
        .note_files(&root(), &files_of(&s, &[]), &notes)
        .unwrap();
    let younger = DirectoryFile {
        modified_us: Some(u64::MAX / 2),
        ..file("d", 5, "e")
    };
    refresh(&catalog, &s, &[younger]);
    let known = catalog.directory_page("sys", s.id, None, 9).unwrap();
    let known = known.unwrap();
    assert_eq!((known.len(), known[0].sha256.as_deref()), (1, None));

    // Of one folder: what is beside it stays.
    refresh(
        &catalog,
        &s,
        &[file("b/1", 1, "x"), file("bb", 1, "x"), file("b", 1, "x")],
    );
    let part = catalog.begin_refresh(&root(), s.id).unwrap();
    let part = catalog.end_refresh(&root(), part, Some("b")).unwrap();
    assert_eq!(part.removed, 1);
    assert_eq!(paths(&catalog, &s), ["b", "bb"]);
}

#[test]
fn what_is_noted_during_a_refresh_is_newer_than_it() {
    let (_dir, catalog) = bootstrapped();
    let s = stage(&catalog, "s", "/tmp");
    refresh(&catalog, &s, &[file("old", 1, "x"), file("gone", 1, "x")]);
    let mut running = catalog.begin_refresh(&root(), s.id).unwrap();
    let new = DirectoryFile {
        noted_us: u64::MAX,
        ..file("new", 9, "n")
    };
    let now = written(new, u64::MAX);
    catalog
        .note_files(&root(), &files_of(&s, &[]), &[now])
        .unwrap();
    catalog
        .refresh_files(&root(), &mut running, vec![file("old", 1, "x")])
        .unwrap();
    let found = catalog.end_refresh(&root(), running, None).unwrap();
    assert_eq!((found.added, found.changed, found.removed), (0, 0, 1));
    assert_eq!(paths(&catalog, &s), ["new", "old"]);
}

fn written(file: DirectoryFile, since_us: u64) -> FileChange {
    FileChange::Written { file, since_us }
}

fn removed(path: &str, since_us: u64) -> FileChange {
    let path = path.to_owned();
    FileChange::Removed { path, since_us }
}

#[test]
fn what_is_removed_during_a_refresh_does_not_come_back() {
    let (_dir, catalog) = bootstrapped();
    let s = stage(&catalog, "s", "/tmp");
    let mut running = catalog.begin_refresh(&root(), s.id).unwrap();
    let gone = [removed("listed and gone", u64::MAX)];
    catalog
        .note_files(&root(), &files_of(&s, &[]), &gone)
        .unwrap();
    let listed = vec![file("listed and gone", 1, "x"), file("there", 1, "x")];
    catalog
        .refresh_files(&root(), &mut running, listed)
        .unwrap();
    let found = catalog.end_refresh(&root(), running, None).unwrap();
    assert_eq!((found.added, found.removed), (1, 0));
    assert_eq!(paths(&catalog, &s), ["there"]);
    // Whoever writes it again is found by the next one.
    refresh(&catalog, &s, &[file("listed and gone", 1, "x")]);
    assert_eq!(paths(&catalog, &s), ["listed and gone"]);
}

#[test]
fn a_note_that_comes_late_does_not_undo_a_newer_one() {
    let (_dir, catalog) = bootstrapped();
    let s = stage(&catalog, "s", "/tmp");
    let note = |change| {
        let changes = [change];
        let files = files_of(&s, &[]);
        catalog.note_files(&root(), &files, &changes).unwrap();
    };
    let at = |noted_us, bytes| DirectoryFile {
        noted_us,
        ..file("f", bytes, "x")
    };
    let known = || {
        let page = catalog.directory_page("sys", s.id, None, 9).unwrap();
        let known = page.unwrap();
        known.iter().map(|file| file.bytes).collect::<Vec<_>>()
    };
    note(written(at(100, 1), 90));
    note(removed("f", 99));
    assert_eq!(known(), [1]);
    note(written(at(110, 2), 99));
    assert_eq!(known(), [1]);
    note(written(at(110, 2), 101));
    assert_eq!(known(), [2]);
    note(removed("f", 111));
    assert!(known().is_empty());
}

#[test]
fn another_place_has_other_files() {
    let (_dir, catalog) = bootstrapped();
    let s = stage(&catalog, "s", "/tmp");
    let sub = stage(&catalog, "sub", "stage://s/x");
    refresh(&catalog, &s, &[file("a", 1, "x")]);
    refresh(&catalog, &sub, &[file("b", 1, "x")]);
    let alter = |changes| {
        let altered = catalog.alter_stage(&root(), "s", changes, Expected::Any);
        altered.unwrap().record
    };
    let moved = alter(set_url(Some("/elsewhere".into())));
    assert_eq!(paths(&catalog, &s), [""; 0]);
    assert_eq!(
        paths(&catalog, &sub),
        [""; 0],
        "it is elsewhere with its parent"
    );
    // An export that goes where the stage was is not in it any more.
    let notes = [written(file("late", 1, "x"), u64::MAX)];
    catalog
        .note_files(&root(), &files_of(&s, &[]), &notes)
        .unwrap();
    assert_eq!(paths(&catalog, &s), [""; 0]);
    catalog
        .note_files(&root(), &files_of(&moved, &[]), &notes)
        .unwrap();
    assert_eq!(paths(&catalog, &s), ["late"]);

    let switch = |on| {
        alter(StageChanges {
            directory: Some(on),
            ..StageChanges::default()
        })
    };
    switch(false);
    let off = catalog.directory_page("sys", s.id, None, 9).unwrap();
    assert_eq!(off, None);
    let refused = catalog.begin_refresh(&root(), s.id).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    switch(true);
    assert_eq!(
        paths(&catalog, &s),
        [""; 0],
        "what happened meanwhile is not known"
    );
    // `a` and `late` of the generations before; `b` goes when its stage is looked at anew.
    assert_eq!(catalog.prune_directories(&root()).unwrap(), 2);
    assert_eq!(catalog.prune_directories(&root()).unwrap(), 0);
    refresh(&catalog, &sub, &[]);
    assert_eq!(catalog.prune_directories(&root()).unwrap(), 1);
    catalog
        .drop_stage(&root(), "s", Expected::Any, true)
        .unwrap();
    catalog.forget_dropped_stages(&root(), u64::MAX).unwrap();
    catalog.prune_directories(&root()).unwrap();
}
