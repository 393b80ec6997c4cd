//! Scripts of every cut, with a splitter that knows quotes and line comments.
#![expect(clippy::unwrap_used, reason = "tests")]

use proto::v1::ScriptStatement;

use super::*;

/// A small stand-in for the server's splitter: `'…'` and `-- …` hide semicolons.
async fn split(script: String) -> Result<SplitScriptResponse, Failure> {
    let line_at = |at: usize| 1 + script[..at].matches('\n').count() as u32;
    let (mut statements, mut start, mut in_string, mut in_comment) = (Vec::new(), 0, false, false);
    for (at, c) in script.char_indices() {
        match c {
            '\n' => in_comment = false,
            _ if in_comment => {}
            '\'' => in_string = !in_string,
            '-' if !in_string && script[at..].starts_with("--") => in_comment = true,
            ';' if !in_string => {
                let text = &script[start..at];
                let bare: String = text
                    .lines()
                    .filter(|line| !line.trim().starts_with("--"))
                    .collect();
                if !bare.trim().is_empty() {
                    let begin = start + text.len() - text.trim_start().len();
                    statements.push(ScriptStatement {
                        statement: text.trim().to_owned(),
                        line: line_at(begin),
                    });
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    Ok(SplitScriptResponse {
        statements,
        rest: script[start..].to_owned(),
        rest_line: line_at(start),
    })
}

async fn all(reader: impl AsyncRead + Unpin) -> Result<Vec<(String, u64)>, ScriptError> {
    let mut script = Script::new(reader);
    let mut found = Vec::new();
    while let Some(located) = script.next(split).await? {
        found.push((located.statement, located.line));
    }
    Ok(found)
}

fn expect(list: &[(&str, u64)]) -> Vec<(String, u64)> {
    list.iter()
        .map(|(statement, line)| ((*statement).to_owned(), *line))
        .collect()
}

#[tokio::test]
async fn statements_know_their_lines() {
    let found = all(&b"SELECT 1;\n\nSELECT\n 2; SELECT ';';\nSELECT 4"[..])
        .await
        .unwrap();
    let expected = [
        ("SELECT 1", 1),
        ("SELECT\n 2", 3),
        ("SELECT ';'", 4),
        ("SELECT 4", 5),
    ];
    assert_eq!(found, expect(&expected));
}

#[tokio::test]
async fn a_script_that_arrives_byte_by_byte_gives_the_same() {
    let text = "\u{feff}SELECT 'żółw';\nSELECT '數;\n據';\n-- the end\n";
    let (mut writer, reader) = tokio::io::duplex(1);
    let feed = async {
        tokio::io::AsyncWriteExt::write_all(&mut writer, text.as_bytes())
            .await
            .unwrap();
        drop(writer);
    };
    let (found, ()) = tokio::join!(all(reader), feed);
    assert_eq!(
        found.unwrap(),
        expect(&[("SELECT 'żółw'", 1), ("SELECT '數;\n據'", 2)])
    );
}

#[tokio::test]
async fn comments_at_the_end_are_no_statement() {
    assert_eq!(
        all(&b"SELECT 1;\n-- done; really"[..]).await.unwrap(),
        expect(&[("SELECT 1", 1)])
    );
    assert_eq!(all(&b" \n\t"[..]).await.unwrap(), expect(&[]));
}

#[tokio::test]
async fn an_open_string_goes_to_the_server_as_it_is() {
    let found = all(&b"SELECT 1;\nSELECT 'oops;\n"[..]).await.unwrap();
    assert_eq!(found, expect(&[("SELECT 1", 1), ("\nSELECT 'oops;\n", 1)]));
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused_with_their_line() {
    let error = all(&b"SELECT 1;\nSELECT 2;\n\xff"[..]).await.unwrap_err();
    assert!(
        matches!(error, ScriptError::NotUtf8 { line: 3 }),
        "{error:?}"
    );
    let error = all(&b"SELECT 1;\n\xc3"[..]).await.unwrap_err();
    assert!(
        matches!(error, ScriptError::NotUtf8 { line: 2 }),
        "{error:?}"
    );
}

#[tokio::test]
async fn pieces_are_bounded() {
    let statement = format!("SELECT '{}';\n", "é".repeat(300_000));
    let text = statement.repeat(5);
    let mut script = Script::new(text.as_bytes());
    let mut longest = 0;
    let mut count = 0;
    while let Some(located) = script
        .next(async |text: String| {
            longest = longest.max(text.len());
            split(text).await
        })
        .await
        .unwrap()
    {
        assert_eq!(format!("{};\n", located.statement), statement);
        count += 1;
        assert_eq!(located.line, count);
    }
    assert_eq!(count, 5);
    assert!(
        longest <= PIECE_BYTES_MAX + 2 * statement.len(),
        "{longest}"
    );
}
