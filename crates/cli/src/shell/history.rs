//! The shell's history file: readable by its owner only, and without secrets.
//! Trouble with it is worth a warning in the log, never a failed statement.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::LineEditor;

/// A statement with one of these in it may hold a secret. Hiding too much is right: a statement that is
/// not remembered is typed again, a secret that is remembered is found.
const SECRET_TEXTS: [&str; 6] = [
    "ACCESS_KEY",
    "CREDENTIAL",
    "IDENTIFIED",
    "PASSWORD",
    "SECRET",
    "TOKEN",
];

/// Words that may stand between CREATE and what is created.
const FILLERS: [&str; 5] = ["OR", "REPLACE", "IF", "NOT", "EXISTS"];

/// Where statements are remembered; nowhere, if the file cannot be had.
#[derive(Debug)]
pub(super) struct History {
    path: Option<PathBuf>,
}

impl History {
    /// Makes the file, mode 0600, and its directory, mode 0700, if they are missing.
    pub(super) fn open(path: Option<PathBuf>) -> Self {
        let path = path.filter(|path| match make_private(path) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "cannot keep a history");
                false
            }
        });
        Self { path }
    }

    /// Lets the editor recall what was typed in earlier sessions.
    pub(super) fn load(&self, editor: &mut LineEditor) {
        if let Some(path) = &self.path
            && let Err(error) = editor.load_history(path)
        {
            tracing::warn!(%error, path = %path.display(), "cannot read the history");
        }
    }

    /// Remembers a statement, unless it may hold a secret.
    pub(super) fn add(&self, editor: &mut LineEditor, statement: &str) {
        if statement.is_empty() || may_hold_secret(statement) {
            return;
        }
        let saved = editor
            .add_history_entry(statement)
            .and_then(|_| match &self.path {
                Some(path) => editor.append_history(path),
                None => Ok(()),
            });
        if let Err(error) = saved {
            tracing::warn!(%error, "cannot add to the history");
        }
    }
}

fn make_private(path: &Path) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
    }
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

/// What the server's grammar would say more exactly, this says in time: a misspelt statement may hold a
/// secret, too, so a whole kind of statement counts.
fn may_hold_secret(statement: &str) -> bool {
    let upper = statement.to_ascii_uppercase();
    SECRET_TEXTS.iter().any(|text| upper.contains(text)) || makes_a_login(&upper)
}

/// Whether it creates or alters a user or an account, wherever it begins.
fn makes_a_login(upper: &str) -> bool {
    let mut words = upper
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty() && !FILLERS.contains(word))
        .peekable();
    while let Some(word) = words.next() {
        let is_made = matches!(words.peek(), Some(&("USER" | "ACCOUNT")));
        if is_made && matches!(word, "CREATE" | "ALTER") {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn statements_that_may_hold_secrets_are_known() {
        for statement in [
            "CREATE USER u IDENTIFIED BY 'hush'",
            "/* for ann */ create user if not exists u identfied by 'hush'",
            "ALTER USER u\n  IDENTIFIED\n  BY 'hush'",
            "CREATE ACCOUNT a ADMIN_NAME 'x' IDENTIFID BY 'hush'",
            "SET PASSWORD FOR u = 'hush'",
            "CREATE STAGE s URL='s3://b' CREDENTIALS={'x'='hush'}",
            "ALTER STAGE s SET credentials = {'x'='hush'}",
            "CREATE STAGE s URL='s3://b' CREDENTAILS={'aws_secret_key'='hush'}",
            "CREATE EXTERNAL TABLE t(a int) URL s3option{'access_key_id'='hush'}",
            "CREATE EXTERNAL TABLE t FROM POSTGRES {'host'='h', 'password'='hush'}",
            "SELECT 1; CREATE USER u",
        ] {
            assert!(may_hold_secret(statement), "{statement}");
        }
        for statement in [
            "CREATE TABLE `user` (id int)",
            "SELECT * FROM user INTO OUTFILE 'stage://s/u.csv'",
            "DROP USER u",
            "GRANT READ ON STAGE s TO r",
            "SHOW ACCOUNTS",
        ] {
            assert!(!may_hold_secret(statement), "{statement}");
        }
    }

    #[test]
    fn secrets_are_not_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/history");
        let history = History::open(Some(path.clone()));
        let mut editor = LineEditor::new().unwrap();
        history.load(&mut editor);
        history.add(&mut editor, "SELECT 1;");
        history.add(
            &mut editor,
            "create stage s url='s3://b/' credentials = {'secret_access_key'='hush'};",
        );
        history.add(&mut editor, "CREATE USER u identified BY 'hush';");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("SELECT 1;"), "{text}");
        assert!(!text.contains("hush"), "{text}");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);

        let mut later = LineEditor::new().unwrap();
        history.load(&mut later);
        assert_eq!(rustyline::history::History::len(later.history()), 1);
    }
}
