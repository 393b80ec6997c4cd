//! The original document's example, through the shell, byte for byte.

use crate::harness::{files, sql, text};

const USER_CSV: &str =
    "id,user_name,sex\n1,\"weder\",\"man\"\n2,\"tom\",\"man\"\n3,\"wederTom\",\"man\"\n";

fn script(dir: &str, target: &str) -> String {
    format!(
        "CREATE TABLE `user` (`id` int(11) ,`user_name` varchar(255) ,`sex` varchar(255));\n\
         INSERT INTO user(id,user_name,sex) values('1', 'weder', 'man'), ('2', 'tom', 'man'), ('3', 'wederTom', 'man');\n\
         CREATE STAGE stage1 URL='{dir}' ENABLE = TRUE;\n\
         SELECT * FROM user INTO OUTFILE '{target}';\n\
         SELECT * FROM user INTO OUTFILE '~/tmp/csv2/user.txt';\n"
    )
}

#[test]
fn the_example_works_in_both_spellings() {
    for target in ["stage1:/user.csv", "stage://stage1/user.csv"] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        std::fs::create_dir(&out).unwrap();
        let example = folder.path().join("example.sql");
        std::fs::write(&example, script(out.to_str().unwrap(), target)).unwrap();
        let output = sql(
            &folder.path().join("data"),
            &["-f", example.to_str().unwrap()],
            "",
        );

        let stderr = text(&output.stderr);
        assert_eq!(
            stderr,
            "ERROR 20101 (HY000): internal error: stage exists, please try to check and use a stage instead\n"
        );
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(files(&out), ["user.csv"]);
        assert_eq!(
            std::fs::read_to_string(out.join("user.csv")).unwrap(),
            USER_CSV
        );
    }
}

#[test]
fn what_was_acknowledged_is_there_in_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let data = folder.path().join("data");
    let output = sql(
        &data,
        &[],
        &script(out.to_str().unwrap(), "stage1:/user.csv"),
    );
    assert_eq!(output.status.code(), Some(1));
    let output = sql(
        &data,
        &["--format", "csv"],
        "SHOW STAGES; SELECT count(*) AS n FROM user; SELECT state, `rows` FROM stagedoor.exports",
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let stdout = text(&output.stdout).replace("\r\n", "\n");
    assert!(
        stdout.contains(&format!("stage1,{},ENABLED,", out.display())),
        "{stdout}"
    );
    assert!(stdout.contains("n\n3\n"), "{stdout}");
    assert!(stdout.contains("COMMITTED,3\n"), "{stdout}");
}
