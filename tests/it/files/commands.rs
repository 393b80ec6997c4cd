//! `stagedoor file` and the shell's GET and PUT, as the real binary.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use crate::harness::{ROOT_PASSWORD, Serving, command, files, sql, text};

/// A data directory with stage `s` over a folder, and a folder of one's own.
struct Here {
    folder: tempfile::TempDir,
}

impl Here {
    fn new() -> Self {
        let here = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["s", "mine"] {
            std::fs::create_dir(here.path(name)).unwrap();
        }
        let create = format!("CREATE STAGE s URL = '{}'", here.path("s").display());
        assert!(here.sql(&create).status.success());
        here
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> std::path::PathBuf {
        self.path("data")
    }

    fn sql(&self, statement: &str) -> Output {
        sql(&self.data(), &["-e", statement], "")
    }

    fn file(&self, args: &[&str]) -> Output {
        let mut file = command();
        file.arg("file").args(args);
        file.arg("--data-dir").arg(self.data());
        file.current_dir(self.path("mine"));
        file.output().unwrap()
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.file(args);
        assert!(
            output.status.success(),
            "{args:?}\n{}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    fn error(&self, args: &[&str]) -> String {
        let output = self.file(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        text(&output.stderr)
    }
}

fn write(path: &Path, body: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, body).unwrap();
}

#[test]
fn files_go_there_and_back() {
    let here = Here::new();
    let body = super::bytes(1_000_003);
    write(&here.path("mine/a.bin"), &body);
    write(&here.path("mine/b.csv"), b"b");
    let put = here.ok(&["put", "a.bin", "b.csv", "stage://s/in", "-o", "json"]);
    assert_eq!(put.lines().count(), 2, "{put}");
    assert!(put.contains(&super::sha256(&body)), "{put}");
    assert_eq!(files(&here.path("s")), ["in/a.bin", "in/b.csv"]);
    let again = here.error(&["put", "b.csv", "stage://s/in"]);
    assert!(again.contains("file b.csv already exists"), "{again}");
    here.ok(&["put", "--overwrite", "b.csv", "stage://s/in"]);

    let list = here.ok(&["list", "stage://s/**", "-o", "csv"]);
    assert!(
        list.starts_with("file,size,last_modified,etag\r\nin/a.bin,1000003,"),
        "{list}"
    );

    // What others put there is known after a refresh.
    write(&here.path("s/in/others.csv"), b"o");
    let refreshed = here.ok(&["refresh", "stage://s/in", "-o", "csv"]);
    assert_eq!(
        refreshed,
        "added_files,changed_files,removed_files,files\r\n1,0,0,3\r\n"
    );
    std::fs::remove_file(here.path("s/in/others.csv")).unwrap();

    here.ok(&["get", "stage://s/in", "back"]);
    assert_eq!(files(&here.path("mine/back")), ["a.bin", "b.csv"]);
    assert!(std::fs::read(here.path("mine/back/a.bin")).unwrap() == body);
    let again = here.error(&["get", "stage://s/in/b.csv", "back"]);
    assert!(again.contains("exists already"), "{again}");
    here.ok(&["get", "--overwrite", "stage://s/in/b.csv", "back"]);
    let nothing = here.error(&["get", "stage://s/in/*.none"]);
    assert!(nothing.contains("nothing was fetched"), "{nothing}");

    let removed = here.ok(&["remove", "stage://s/in/*", "-o", "csv"]);
    assert_eq!(removed, "removed_files,removed_bytes\r\n2,1000004\r\n");
    let gone = here.error(&["remove", "stage://s/in/*"]);
    assert!(
        gone.contains("ERROR 20405 (HY000): file in/* is not found"),
        "{gone}"
    );
    here.ok(&["remove", "--allow-missing", "stage://s/in/*"]);
    let usage = here.file(&["list", "s/in"]);
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn a_download_goes_on_where_it_stopped() {
    let here = Here::new();
    let body = super::bytes(2_000_000);
    write(&here.path("s/a.bin"), &body);
    let listed = here.ok(&["list", "stage://s/a.bin", "-o", "json"]);
    let etag = listed.split("\"etag\":").nth(1).unwrap().trim();
    let etag = etag.trim_end_matches('}');
    let source =
        format!(r#"{{"v":1,"stage":"stages/s","path":"a.bin","etag":{etag},"bytes":2000000}}"#);
    let part = |body: &[u8]| {
        write(&here.path("mine/.a.bin.stagedoor-part"), body);
        write(
            &here.path("mine/.a.bin.stagedoor-part.json"),
            source.as_bytes(),
        );
    };
    // Also one that is whole, one that was damaged here, and one that is too long to be of this file.
    let (damaged, longer) = (vec![0; 1_000_000], vec![0; 3_000_000]);
    for begun in [&body[..1_234_567], &body[..], &damaged, &longer, &[]] {
        part(begun);
        here.ok(&["get", "stage://s/a.bin"]);
        assert!(std::fs::read(here.path("mine/a.bin")).unwrap() == body);
        assert_eq!(files(&here.path("mine")), ["a.bin"]);
        std::fs::remove_file(here.path("mine/a.bin")).unwrap();
    }
    // It has changed since.
    part(&body[..1000]);
    write(&here.path("s/a.bin"), b"another one");
    here.ok(&["get", "stage://s/a.bin"]);
    assert_eq!(
        std::fs::read(here.path("mine/a.bin")).unwrap(),
        b"another one"
    );
}

#[test]
fn the_shell_gets_and_puts() {
    let here = Here::new();
    let mine = here.path("mine");
    write(&mine.join("a.csv"), b"a");
    write(&mine.join("b.csv"), b"b");
    write(&mine.join("c.txt"), b"c");
    let put = here.sql(&format!(
        "PUT 'file://{}/*.csv' 'stage://s/in'",
        mine.display()
    ));
    assert!(put.status.success(), "{}", text(&put.stderr));
    assert!(
        text(&put.stdout).contains("stage://s/in/b.csv"),
        "{}",
        text(&put.stdout)
    );
    assert_eq!(files(&here.path("s")), ["in/a.csv", "in/b.csv"]);
    let get = here.sql(&format!(
        "GET 'stage://s/**/*.csv' 'file://{}/back'",
        mine.display()
    ));
    assert!(get.status.success(), "{}", text(&get.stderr));
    assert_eq!(files(&mine.join("back")), ["in/a.csv", "in/b.csv"]);
    for (statement, error) in [
        (
            format!("PUT 'file://{}/none*' 'stage://s/in'", mine.display()),
            "no file is there",
        ),
        (
            format!("PUT 'file://{}/a.csv' 'stage://s/in'", mine.display()),
            "file a.csv already exists",
        ),
        (
            format!("GET 'stage://s/none' 'file://{}'", mine.display()),
            "nothing was fetched",
        ),
        (
            format!("GET 'stage://none/a' 'file://{}'", mine.display()),
            "stage 'none' is not exists",
        ),
    ] {
        let output = here.sql(&statement);
        assert_eq!(output.status.code(), Some(1), "{statement}");
        let found = text(&output.stderr);
        assert!(found.contains(error), "{statement}: {found}");
    }
}

/// The shell is one session, and what it carries goes beside it.
#[test]
fn the_shell_carries_files_of_its_temporary_stages() {
    let here = Here::new();
    let body = super::bytes(100_000);
    write(&here.path("mine/a.bin"), &body);
    let (mine, back) = (here.path("mine"), here.path("back"));
    let script = format!(
        "CREATE TEMPORARY STAGE t;\nPUT 'file://{}/a.bin' 'stage://t/in';\nLIST 'stage://t/';\nGET 'stage://t/in' 'file://{}';\n",
        mine.display(),
        back.display()
    );
    let output = sql(&here.data(), &[], &script);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("in/a.bin"));
    assert_eq!(std::fs::read(back.join("a.bin")).unwrap(), body);
    assert_eq!(files(&here.data().join("stages")), Vec::<String>::new());
}

/// The client is killed in the middle: its connection breaks, and the server notices.
#[test]
fn a_client_that_is_killed_leaves_nothing() {
    let here = Here::new();
    let long = std::fs::File::create(here.path("mine/long.bin")).unwrap();
    long.set_len(400 << 20).unwrap();
    let serving = Serving::start(&here.data());
    let mut put = command()
        .args([
            "file",
            "put",
            "--url",
            &serving.url,
            "long.bin",
            "stage://s/",
        ])
        .env("STAGEDOOR_USER", "root")
        .env("STAGEDOOR_PASSWORD", ROOT_PASSWORD)
        .current_dir(here.path("mine"))
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let until = |what: &str, holds: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    until("nothing arrives", &|| !files(&here.path("s")).is_empty());
    put.kill().unwrap();
    put.wait().unwrap();
    until("the draft stays", &|| files(&here.path("s")).is_empty());
    until("the record stays", &|| {
        files(&here.data().join("uploads")).is_empty()
    });
}
