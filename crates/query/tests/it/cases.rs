//! Every case of `tests/cases/*.sql`: a statement, then its labels and rows, or `! ` and its error.

use crate::support::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_answers_as_written() {
    let world = World::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let (mut count, mut wrong) = (0, Vec::new());
    for file in files {
        for case in std::fs::read_to_string(&file).unwrap().split("\n\n") {
            let case = case.trim_matches('\n');
            let Some((sql, wanted)) = case.split_once("\n----\n") else {
                assert!(
                    case.lines().all(|line| line.starts_with("-- ")),
                    "not a case: {case}"
                );
                continue;
            };
            let sql = sql
                .lines()
                .filter(|line| !line.starts_with("-- "))
                .collect::<Vec<_>>()
                .join("\n");
            let got = world
                .text(&sql)
                .await
                .unwrap_or_else(|error| format!("! {:?}: {error}", error.kind()));
            count += 1;
            if got != wanted {
                wrong.push(format!(
                    "{}\n{sql}\nwanted:\n{wanted}\ngot:\n{got}\n",
                    file.file_name().unwrap().display()
                ));
            }
        }
    }
    assert!(count > 80, "only {count} cases were found");
    assert!(
        wrong.is_empty(),
        "{} of {count} cases are wrong:\n\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
