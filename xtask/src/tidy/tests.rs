//! Each rule passes good input and finds the bad, with its line.
//! Banned words are put together from pieces here too.

use std::fs;
use std::path::Path;

use super::edges::{Package, check_edges, check_heavy, check_lints};
use super::{Finding, check_file, links, list, names, source, words};

fn package(name: &str, dependencies: &[&str]) -> Package {
    let lines: Vec<String> = dependencies
        .iter()
        .map(|name| format!("{name}.workspace = true\n"))
        .collect();
    Package {
        name: name.to_owned(),
        manifest: format!("{name}/Cargo.toml").into(),
        manifest_text: format!(
            "[lints]\nworkspace = true\n\n[dependencies]\n{}",
            lines.concat()
        ),
        dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn lines(findings: &[Finding]) -> Vec<usize> {
    findings.iter().map(|finding| finding.line).collect()
}

#[test]
fn an_edge_outside_the_table_is_found() {
    let parser = package("stagedoor-parser", &["thiserror"]);
    let catalog = package("stagedoor-catalog", &["stagedoor-parser"]);
    let server = package("stagedoor-server", &["stagedoor-parser"]);
    let tests = package("stagedoor-tests", &["stagedoor-parser", "stagedoor-server"]);
    let stranger = package("stagedoor-extras", &[]);
    assert_eq!(
        check_edges(&[parser.clone(), server.clone(), tests.clone()]),
        []
    );
    let findings = check_edges(&[parser, catalog, server, tests, stranger]);
    assert_eq!(lines(&findings), [5, 1]);
    assert!(
        findings[0]
            .what
            .contains("stagedoor-catalog must not depend on stagedoor-parser")
    );
    assert!(findings[1].what.contains("not in tidy's table"));
}

#[test]
fn an_edge_by_its_alias_is_found_with_its_line() {
    let mut cli = package("stagedoor-cli", &["anyhow", "stagedoor-catalog"]);
    cli.manifest_text =
        "[dependencies]\nanyhow.workspace = true\ncatalog.workspace = true\n".into();
    let findings = check_edges(&[cli, package("stagedoor-catalog", &[])]);
    assert_eq!(lines(&findings), [3]);
}

#[test]
fn a_heavy_dependency_in_a_second_manifest_is_found() {
    let owner = package("stagedoor-catalog", &["sled"]);
    let other = package("stagedoor-server", &["thiserror", "sled"]);
    assert_eq!(check_heavy(std::slice::from_ref(&owner)), []);
    let findings = check_heavy(&[owner, other]);
    assert_eq!(lines(&findings), [6]);
    assert_eq!(
        findings[0].what,
        "sled belongs to stagedoor-catalog alone, not to stagedoor-server"
    );
}

#[test]
fn a_manifest_without_the_lints_is_found() {
    let good = package("stagedoor-parser", &[]);
    let mut bad = good.clone();
    bad.manifest_text = "[lints]\n\n[package.metadata]\nworkspace = true\n".into();
    assert_eq!(check_lints(std::slice::from_ref(&good)), []);
    assert_eq!(check_lints(&[good, bad]).len(), 1);
}

#[test]
fn a_file_that_does_not_say_what_it_is_for_is_found() {
    let file = Path::new("crates/a/src/lib.rs");
    assert_eq!(source::check_first_line(file, "//! A crate.\n"), []);
    assert_eq!(
        lines(&source::check_first_line(file, "use std::fs;\n")),
        [1]
    );
    assert_eq!(lines(&source::check_first_line(file, "")), [1]);
}

#[test]
fn stray_blanks_are_found() {
    let file = Path::new("a.rs");
    assert_eq!(source::check_blanks(file, "a\n\nb\n"), []);
    let findings = source::check_blanks(file, "a \n\tb\nc\r\nd\n\n");
    assert_eq!(lines(&findings), [1, 2, 3, 5]);
}

#[test]
fn a_long_file_is_found() {
    let text = "x\n".repeat(601);
    assert_eq!(
        source::check_length(Path::new("src/a.rs"), &"x\n".repeat(600)),
        []
    );
    assert_eq!(
        lines(&source::check_length(Path::new("src/a.rs"), &text)),
        [601]
    );
    assert_eq!(source::check_length(Path::new("src/a/tests.rs"), &text), []);
    assert_eq!(source::check_length(Path::new("tests/it/a.rs"), &text), []);
    let text = "x\n".repeat(901);
    assert_eq!(
        lines(&source::check_length(Path::new("tests/it/a.rs"), &text)),
        [901]
    );
}

#[test]
fn names_that_say_nothing_are_found() {
    assert_eq!(names::check_path(Path::new("src/commonmark.rs")), []);
    for path in ["src/mod.rs", "src/utils.rs", "helpers/a.rs", "src/manager"] {
        assert_eq!(names::check_path(Path::new(path)).len(), 1, "{path}");
    }
    let file = Path::new("a.rs");
    let text = "mod parser;\npub mod util;\npub(crate) mod common {\nmod helper;\n// mod utils;\n";
    assert_eq!(lines(&names::check_modules(file, text)), [2, 3, 4]);
}

#[test]
fn unfinished_work_is_found() {
    let file = Path::new("a.rs");
    let mark = ["TO", "DO"].concat();
    let call = ["db", "g!"].concat();
    let text = format!("// {mark}: later\nlet MAS{mark}S = 1;\n{call}(x);\n");
    assert_eq!(lines(&words::check_marks(file, &text)), [1, 3]);
}

#[test]
fn paths_of_machines_and_hosts_of_registries_are_found() {
    let file = Path::new("a.md");
    let path = ["/wo", "rk/"].concat();
    let home = ["/ro", "ot/"].concat();
    let host = ["index.", "crates.io"].concat();
    let text = format!("net{path}a\n`{path}b`\ncd {home}\nfile://{path}\nhttps://{host}/\n");
    assert_eq!(lines(&words::check_paths_and_hosts(file, &text)), [2, 3, 5]);
}

#[test]
fn links_to_nowhere_are_found() -> Result<(), std::io::Error> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    fs::create_dir_all(root.join("docs"))?;
    fs::write(root.join("docs/a.md"), "")?;
    fs::write(root.join("LICENSE"), "")?;
    let text = "[a](a.md) [b](b.md)\n[c](../LICENSE#x) [d](https://x.org/y) [e](#here)\n\
                [f](crate::Item) [g](Item)\n```\n[h](h.md)\n```\n[i]: ../i.md\n";
    let findings = links::check_links(root, Path::new("docs/c.md"), text);
    assert_eq!(lines(&findings), [1, 7]);
    Ok(())
}

#[test]
fn paths_to_nowhere_are_found() -> Result<(), std::io::Error> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    fs::create_dir_all(root.join("crates/parser/tests/it"))?;
    fs::write(root.join("crates/parser/tests/it/main.rs"), "")?;
    let text = "`crates/parser` and `crates/lexer/`\n`crates/parser/tests/*.rs` `crates/x/*.rs`\n\
                `tests/it/main.rs` `crates/parser/tests/it/main.rs:12` `proto/a b` `cargo test`\n\
                `docs/{a,b}.md`\n";
    let findings = links::check_backquoted(root, Path::new("crates/parser/README.md"), text);
    assert_eq!(lines(&findings), [1, 2, 4]);
    Ok(())
}

#[test]
fn a_tree_is_walked_without_what_was_built() -> Result<(), anyhow::Error> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    for path in ["src/a.rs", "target/b.rs", "src/generated/c.rs"] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap_or(root))?;
        fs::write(path, "let a = 1;\n")?;
    }
    let mut files = Vec::new();
    list(root, Path::new(""), &mut files)?;
    assert_eq!(
        files,
        [Path::new("src/a.rs"), Path::new("src/generated/c.rs")]
    );
    assert_eq!(check_file(root, &files[0])?.len(), 1);
    assert_eq!(check_file(root, &files[1])?.len(), 0);
    Ok(())
}
