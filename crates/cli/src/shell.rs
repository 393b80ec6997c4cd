//! The interactive shell: history, completion, statements over several lines.
//! The line editor blocks, so it works on a thread of its own while the server goes on.

mod caret;
mod completion;
mod history;

use std::io::{self, Write};

use anyhow::Context;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use self::completion::Completion;
use self::history::History;
use crate::batch::stdout_failed;
use crate::output::complain;
use crate::render::Format;
use crate::runner::{RunError, Runner};

const PROMPT: &str = "stagedoor> ";
const PROMPT_MORE: &str = "        -> ";

const HELP: &str = "\
End a statement with `;`. It may go over several lines.
  help        this text                     Tab        complete a word
  quit        leave; also exit, \\q, Ctrl-D   Ctrl-R     search the history
  \\c          forget what was typed         Ctrl-C     cancel the export or query that runs
  \\G          in the place of `;`: rows one below the other, a line for each column
Try:
  CREATE STAGE stage1 URL='/tmp/exports' ENABLE = TRUE;
  SELECT 1 AS one INTO OUTFILE 'stage://stage1/one.csv';
  SHOW STAGES;  SHOW EXPORTS;  SHOW TABLES;  DESCRIBE STAGE stage1;";

type LineEditor = Editor<Completion, FileHistory>;

/// What a line means before SQL is thought of.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    Quit,
    Help,
    Clear,
    Sql,
}

/// Asks and answers until the user leaves; gives the exit status.
///
/// # Errors
/// When the terminal or standard output fails.
pub(crate) async fn run(runner: &mut Runner) -> anyhow::Result<u8> {
    // While this lives, a Ctrl-C that comes late for its statement does not end the shell.
    let _guard = runner.interrupts().listen();
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .auto_add_history(false)
        .build();
    let mut editor = LineEditor::with_config(config).context("cannot set up the terminal")?;
    let history = History::open(crate::dirs::history_file(|name| std::env::var_os(name)));
    history.load(&mut editor);
    editor.set_helper(Some(Completion::new(
        completion::names(runner.client()).await,
    )));

    let client = runner.client();
    let greeting = format!(
        "stagedoor {}, server {} at {}. Type `help`, or `quit`.",
        env!("CARGO_PKG_VERSION"),
        client.server_version(),
        client.target()
    );
    if let Err(error) = say(runner, &greeting) {
        return stdout_failed(error);
    }

    let mut pending = String::new();
    loop {
        let prompt = if pending.is_empty() {
            PROMPT
        } else {
            PROMPT_MORE
        };
        let line;
        (editor, line) = read_line(editor, prompt).await?;
        let line = match line {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => {
                pending.clear();
                continue;
            }
            Err(ReadlineError::Eof) => return Ok(0),
            Err(error) => return Err(error).context("cannot read from the terminal"),
        };
        match word(&line, pending.is_empty()) {
            Word::Quit => return Ok(0),
            Word::Clear => pending.clear(),
            Word::Help => {
                if let Err(error) = say(runner, HELP) {
                    return stdout_failed(error);
                }
            }
            Word::Sql => {
                let (line, ending) = ending(&line);
                let before = pending.len();
                pending.push_str(line);
                pending.push_str(ending.as_sql());
                pending.push('\n');
                let split = match runner.client().split(pending.clone()).await {
                    // Within a string it ends nothing, and is what it is.
                    Ok(answer) if ending != Ending::None && !answer.rest.trim().is_empty() => {
                        pending.truncate(before + line.len());
                        pending.push_str(ending.as_typed());
                        pending.push('\n');
                        runner.client().split(pending.clone()).await
                    }
                    split => split,
                };
                let (statements, rest) = match split {
                    Ok(answer) => (answer.statements, answer.rest),
                    Err(failure) => {
                        // It is not remembered: what was typed may be the half with the secret, without
                        // the words that would tell.
                        complain(failure);
                        pending.clear();
                        continue;
                    }
                };
                let is_complete = rest.trim().is_empty();
                if is_complete {
                    history.add(&mut editor, pending.trim());
                }
                // Statements before an unfinished one run at once; only the unfinished one is kept.
                pending = if is_complete {
                    String::new()
                } else {
                    rest.trim_start().to_owned()
                };
                let mut renamed = false;
                let count = statements.len();
                for (index, statement) in statements.into_iter().enumerate() {
                    let statement = statement.statement;
                    let is_last = index + 1 == count;
                    let ran = match is_complete && is_last && ending == Ending::Vertical {
                        true => runner.run_as(&statement, Format::Vertical).await,
                        false => runner.run(&statement).await,
                    };
                    match ran {
                        Ok(result) => renamed |= completion::changes_names(&result.verb),
                        Err(RunError::Stdout(error)) => return stdout_failed(error),
                        Err(RunError::Failed(failure) | RunError::Interrupted(failure)) => {
                            let text = failure.to_string();
                            complain(&text);
                            if let Some(picture) = caret::picture(&statement, &text) {
                                complain(picture);
                            }
                            break;
                        }
                    }
                }
                if renamed {
                    editor.set_helper(Some(Completion::new(
                        completion::names(runner.client()).await,
                    )));
                }
            }
        }
    }
}

async fn read_line(
    mut editor: LineEditor,
    prompt: &'static str,
) -> anyhow::Result<(LineEditor, Result<String, ReadlineError>)> {
    let asked = tokio::task::spawn_blocking(move || {
        let line = editor.readline(prompt);
        (editor, line)
    });
    asked.await.context("the line editor stopped")
}

/// How a line ends a statement, but for `;`, which the server finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// It does not.
    None,
    /// `\g`.
    Plain,
    /// `\G`.
    Vertical,
}

impl Ending {
    fn as_typed(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Plain => "\\g",
            Self::Vertical => "\\G",
        }
    }

    fn as_sql(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Plain | Self::Vertical => ";",
        }
    }
}

/// A line without what ends its statement as in MySQL's client, and what that is.
fn ending(line: &str) -> (&str, Ending) {
    let text = line.trim_end();
    for ending in [Ending::Plain, Ending::Vertical] {
        if let Some(rest) = text.strip_suffix(ending.as_typed()) {
            return (rest, ending);
        }
    }
    (line, Ending::None)
}

/// Words count only where a statement could begin; `\q` and `\c` count everywhere.
fn word(line: &str, at_start: bool) -> Word {
    let text = line.trim();
    let text = text
        .strip_suffix(';')
        .unwrap_or(text)
        .trim_end()
        .to_ascii_lowercase();
    match text.as_str() {
        "\\q" => Word::Quit,
        "\\c" => Word::Clear,
        "quit" | "exit" if at_start => Word::Quit,
        "clear" if at_start => Word::Clear,
        "help" | "\\h" | "?" if at_start => Word::Help,
        "" if at_start => Word::Clear,
        _ => Word::Sql,
    }
}

fn say(runner: &mut Runner, text: &str) -> io::Result<()> {
    let out = runner.out();
    writeln!(out, "{text}")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_words_only_where_a_statement_begins() {
        for line in ["quit", "EXIT;", " \\q "] {
            assert_eq!(word(line, true), Word::Quit, "{line}");
        }
        assert_eq!(word("quit", false), Word::Sql);
        assert_eq!(word("\\q", false), Word::Quit);
        assert_eq!(word("\\c", false), Word::Clear);
        assert_eq!(word("clear", true), Word::Clear);
        assert_eq!(word("clear", false), Word::Sql);
        assert_eq!(word("help;", true), Word::Help);
        assert_eq!(word("SELECT 1;", true), Word::Sql);
    }

    #[test]
    fn a_statement_ends_as_in_mysqls_client_too() {
        for (line, rest, expected) in [
            ("SHOW STAGES\\G", "SHOW STAGES", Ending::Vertical),
            ("SHOW STAGES \\G  ", "SHOW STAGES ", Ending::Vertical),
            ("SHOW STAGES\\g", "SHOW STAGES", Ending::Plain),
            ("\\G", "", Ending::Vertical),
            ("SHOW STAGES;", "SHOW STAGES;", Ending::None),
            ("SELECT '\\G'", "SELECT '\\G'", Ending::None),
        ] {
            assert_eq!(ending(line), (rest, expected), "{line}");
        }
    }
}
