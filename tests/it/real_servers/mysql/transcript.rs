//! The original document's transcript, typed into the stock client: all that it prints, character for character.

mod real_databases {
    use std::process::Command;

    use crate::harness::ROOT_PASSWORD;

    use super::super::MysqlServer;

    /// What the client prints, with `mysql> ` before each statement, as it stands in the document.
    const TRANSCRIPT: &str = include_str!("transcript.txt");

    /// Around each statement that the client shows before its answer.
    const LINE: &str = "--------------";

    /// What the client has printed, as one sees it who types: it shows a statement between lines, where he sees the prompt.
    fn as_typed(printed: &str) -> String {
        let mut typed = String::new();
        let mut last = None;
        let mut lines = printed.lines();
        while let Some(line) = lines.next() {
            if line != LINE {
                typed.push_str(&untimed(line));
                typed.push('\n');
                continue;
            }
            let statement: Vec<&str> = lines.by_ref().take_while(|line| *line != LINE).collect();
            let statement = statement.join("\n");
            // A blank one, which the typed one does not have.
            lines.next();
            // Some versions show a statement again before its error.
            if last.as_ref() != Some(&statement) {
                let end = match statement.ends_with(';') {
                    true => "",
                    false => ";",
                };
                typed.push_str(&format!("mysql> {statement}{end}\n"));
            }
            last = Some(statement);
        }
        typed
    }

    /// How long a statement took is another time another one.
    fn untimed(line: &str) -> String {
        match line.rsplit_once(" (") {
            Some((told, time)) if time.ends_with(" sec)") => format!("{told} (0.00 sec)"),
            Some(_) | None => line.to_owned(),
        }
    }

    /// What is typed: the transcript's own lines.
    fn statements(transcript: &str, dir: &str) -> String {
        let typed = transcript
            .lines()
            .filter_map(|line| line.strip_prefix("mysql> "));
        let typed: Vec<String> = typed
            .map(|line| line.replace("'/tmp'", &format!("'{dir}'")))
            .collect();
        typed.join("\n")
    }

    #[test]
    fn the_transcript_of_the_original_character_for_character() {
        let server = MysqlServer::start("");
        let dir = server.dir("tmp");
        let script = server.folder.path().join("transcript.sql");
        std::fs::write(&script, statements(TRANSCRIPT, &dir)).unwrap();
        // As on a terminal: errors in their place among the answers (stdbuf, -n) and without line numbers, tables (-t),
        // answers and times (-vvv), and on after an error (--force).
        let client = "exec stdbuf -oL mariadb --no-defaults -h 127.0.0.1 -u root -D main -t -vvv -n --disable-line-numbers --force \"$@\" 2>&1 <\"$0\"";
        let port = server.port.to_string();
        let output = Command::new("sh")
            .args(["-c", client])
            .arg(&script)
            .args(["-P", &port])
            .arg(format!("-p{ROOT_PASSWORD}"))
            .output()
            .expect("the client of MariaDB");
        let printed = String::from_utf8(output.stdout).unwrap();
        let typed = as_typed(&printed).replace(&dir, "/tmp");
        // The client takes its leave.
        let typed = typed.trim_end().trim_end_matches("Bye").trim_end();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            let file = concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/it/real_servers/mysql/transcript.txt"
            );
            std::fs::write(file, format!("{typed}\n")).unwrap();
        }
        assert_eq!(typed, TRANSCRIPT.trim_end(), "it printed:\n{printed}");
        let written = std::fs::read_to_string(format!("{dir}/user.csv")).unwrap();
        assert_eq!(
            written,
            "id,user_name,sex\n1,\"weder\",\"man\"\n2,\"tom\",\"man\"\n3,\"wederTom\",\"man\"\n"
        );
    }
}
