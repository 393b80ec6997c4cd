//! Tab: the words of the SQL dialect, and the names of stages and tables.
//! Names are asked of the server when a statement has changed them, not at each key.

use arrow::array::{Array, RecordBatch};
use arrow::buffer::Buffer;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::ipc::reader::StreamDecoder;
use proto::v1::execute_response::Part;
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use crate::client::Client;

const KEYWORDS: &str = "\
ACCOUNT ACCOUNTS ADMIN_NAME ALL ALTER AND AS ASC BETWEEN BY CANCEL CASE COLUMNS COMMENT COMPRESSION COUNT \
CREATE CREDENTIALS DATABASE DATABASES DESC DESCRIBE DIALECT DIRECTORY DISTINCT DROP ELSE ENABLE ENCLOSED \
END ESCAPED EXISTS EXPLAIN EXPORT EXPORTS EXTERNAL FALSE FIELDS FORCE_QUOTE FORMAT FROM GRANT GRANTS \
GROUP HAVING HEADER HISTORY IDENTIFIED IF IN INFILE INSERT INTO IS JOIN LEFT LIKE LIMIT LINES MANIFEST \
MAX_FILE_SIZE NOT NULL ON OPEN OPTIONALLY OR ORDER OUTFILE OVERWRITE PARTITION READ REMOVE RENAME REPLACE \
REVOKE ROLE ROLES ROLLBACK SELECT SET SHOW SPLITSIZE STAGE STAGES STARTING SUSPEND TABLE TABLES TEMPORARY \
TERMINATED THEN TO TRUE TRUNCATE UNDROP UNION URL USE USER USERS VALIDATE VALUES VERSION WHEN WHERE WITH \
WRITE";

/// What Tab offers.
#[derive(Debug)]
pub(super) struct Completion {
    names: Vec<String>,
}

impl Completion {
    pub(super) fn new(names: Vec<String>) -> Self {
        Self { names }
    }

    /// The words that go on from `prefix`, in the letter case that it has.
    fn matching(&self, prefix: &str) -> Vec<String> {
        if prefix.is_empty() {
            return Vec::new();
        }
        let is_lower = !prefix.chars().any(char::is_uppercase);
        let starts = |word: &str| {
            word.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let keywords = KEYWORDS.split(' ').filter(|word| starts(word));
        let keywords = keywords.map(|word| {
            if is_lower {
                word.to_ascii_lowercase()
            } else {
                word.to_owned()
            }
        });
        let mut words: Vec<_> = self
            .names
            .iter()
            .filter(|name| starts(name))
            .cloned()
            .chain(keywords)
            .collect();
        words.sort_unstable();
        words.dedup();
        words
    }
}

impl Completer for Completion {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..pos).unwrap_or(line);
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let start = before.len()
            - before
                .chars()
                .rev()
                .take_while(|c| is_word(*c))
                .map(char::len_utf8)
                .sum::<usize>();
        Ok((start, self.matching(&before[start..])))
    }
}

impl Hinter for Completion {
    type Hint = String;
}

impl Highlighter for Completion {}
impl Validator for Completion {}
impl Helper for Completion {}

/// Whether a statement may have made [`names`] out of date.
pub(super) fn changes_names(verb: &str) -> bool {
    ["CREATE", "DROP", "UNDROP", "ALTER", "USE", "ROLLBACK"]
        .iter()
        .any(|word| {
            verb.split(' ')
                .next()
                .is_some_and(|first| first.eq_ignore_ascii_case(word))
        })
}

/// The stages, and the tables of the current database. Completion is a convenience: what the
/// server refuses to tell is left out.
pub(super) async fn names(client: &mut Client) -> Vec<String> {
    let mut names = Vec::new();
    for statement in ["SHOW STAGES", "SHOW TABLES"] {
        let _ = first_column(client, statement, &mut names).await;
    }
    names
}

async fn first_column(
    client: &mut Client,
    statement: &str,
    names: &mut Vec<String>,
) -> anyhow::Result<()> {
    let mut stream = client.execute(statement).await?;
    let mut decoder = StreamDecoder::new();
    while let Some(answer) = stream.message().await? {
        if let Some(Part::ArrowIpc(bytes)) = answer.part {
            let mut buffer = Buffer::from_vec(bytes);
            while let Some(batch) = decoder.decode(&mut buffer)? {
                push_names(&batch, names)?;
            }
        }
    }
    Ok(())
}

fn push_names(batch: &RecordBatch, names: &mut Vec<String>) -> anyhow::Result<()> {
    let Some(column) = batch.columns().first() else {
        return Ok(());
    };
    let text = cast(column, &DataType::Utf8)?;
    if let Some(text) = text.as_any().downcast_ref::<arrow::array::StringArray>() {
        names.extend(text.iter().flatten().map(str::to_owned));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_follow_the_case_of_what_was_typed() {
        let completion = Completion::new(vec!["stage1".to_owned(), "sales".to_owned()]);
        assert_eq!(
            completion.matching("sta"),
            ["stage", "stage1", "stages", "starting"]
        );
        assert_eq!(completion.matching("OUT"), ["OUTFILE"]);
        assert_eq!(completion.matching("é"), Vec::<String>::new());
        assert_eq!(completion.matching(""), Vec::<String>::new());
    }

    #[test]
    fn the_word_before_the_cursor_is_completed() {
        let completion = Completion::new(vec!["daily".to_owned()]);
        let history = rustyline::history::DefaultHistory::new();
        let context = Context::new(&history);
        let found = completion.complete("SELECT 1 INTO OUTFILE 'stage://dai", 34, &context);
        assert!(matches!(found, Ok((31, words)) if words == ["daily"]));
    }

    #[test]
    fn only_changing_statements_refresh_names() {
        assert!(changes_names("CREATE STAGE"));
        assert!(!changes_names("SELECT"));
    }
}
