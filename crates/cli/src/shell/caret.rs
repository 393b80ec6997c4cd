//! Where in a statement an error is, as a picture: the line, and a caret below the place. The server says the line and the
//! column in the error's text.

/// A line longer than this is shown from near the place on.
const WIDTH_MAX: usize = 100;

/// The picture of an error whose text says where it is; `None` for another, and where the line may hold a secret.
pub(super) fn picture(statement: &str, message: &str) -> Option<String> {
    let (line, column) = place(message)?;
    // Columns count characters, and a secret that is masked has another length.
    if parser::mask_secrets(statement) != statement {
        return None;
    }
    let text = statement.lines().nth(line.checked_sub(1)?)?;
    let before = column.checked_sub(1)?;
    if before > text.chars().count() {
        return None;
    }
    // Enough of what stands before it to know it by.
    let cut = before.saturating_sub(WIDTH_MAX / 2);
    let shown: String = text.chars().skip(cut).take(WIDTH_MAX).collect();
    let indent = text.chars().skip(cut).take(before - cut);
    let indent: String = indent
        .map(|letter| if letter == '\t' { '\t' } else { ' ' })
        .collect();
    Some(format!("  {shown}\n  {indent}^"))
}

/// `… at line 2 column 8 near "…"`.
fn place(message: &str) -> Option<(usize, usize)> {
    let (_, rest) = message.rsplit_once(" at line ")?;
    let (line, rest) = rest.split_once(" column ")?;
    let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
    Some((line.parse().ok()?, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(statement: &str) -> Option<String> {
        let error = parser::parse(statement).err()?;
        picture(statement, &error.to_string())
    }

    #[test]
    fn the_caret_is_below_the_place() {
        for (statement, expected) in [
            ("SHOW STAGE", "  SHOW STAGE\n            ^"),
            ("CREATE STAGE s\n\tURL = 1", "  \tURL = 1\n  \t      ^"),
            ("SHOW TABLES é", "  SHOW TABLES é\n              ^"),
        ] {
            assert_eq!(shown(statement).as_deref(), Some(expected), "{statement}");
        }
        let long = format!("SHOW TABLES {} x", "/* far */ ".repeat(50));
        let picture = shown(&long).unwrap_or_default();
        let mut lines = picture.lines();
        let (text, caret) = (
            lines.next().unwrap_or_default(),
            lines.next().unwrap_or_default(),
        );
        assert_eq!(caret.find('^'), text.rfind('x'), "{picture}");
    }

    #[test]
    fn what_has_no_place_has_no_picture() {
        assert_eq!(picture("SELECT 1", "no such table t"), None);
        assert_eq!(picture("SELECT 1", "wrong at line 7 column 1 near"), None);
        assert_eq!(picture("SELECT 1", "wrong at line 1 column 99 near"), None);
        assert_eq!(picture("SELECT 1", "wrong at line 0 column 0"), None);
        let secret = "CREATE USER u IDENTIFIED BY 'planted' NOW";
        assert_eq!(shown(secret), None);
    }
}
