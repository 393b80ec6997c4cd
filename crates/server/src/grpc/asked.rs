//! What a call asks for, in words, as the audit keeps it behind the call's name: which resource, which fields, and
//! what they are set to, but for what is secret.

use std::fmt;

use crate::session::Session;

/// What stands for a secret, as in a statement.
const MASK: &str = "'******'";

/// What a call asks for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    of: String,
    fields: Vec<String>,
}

impl Asked {
    /// `of` is the resource, as it was given.
    pub(super) fn of(of: &str) -> Self {
        Self {
            of: of.escape_debug().to_string(),
            fields: Vec::new(),
        }
    }

    /// A field with a value that is no text, or a name.
    pub(super) fn with(mut self, field: &str, value: impl fmt::Display) -> Self {
        self.fields.push(format!("{field} = {value}"));
        self
    }

    /// A field with a text.
    pub(super) fn text(self, field: &str, text: &str) -> Self {
        let quoted = format!("'{}'", text.replace('\'', "''"));
        self.with(field, quoted)
    }

    /// The same where it is given: an empty text is none.
    pub(super) fn given(self, field: &str, text: &str) -> Self {
        if text.is_empty() {
            return self;
        }
        self.text(field, text)
    }

    /// A field whose value nobody may read.
    pub(super) fn secret(self, field: &str) -> Self {
        self.with(field, MASK)
    }

    /// The session, which says so in the audit of what it does.
    pub(super) fn in_session(&self, session: Session) -> Session {
        session.asked(self)
    }
}

/// As in `users/ann: locked = true, password = '******'`.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.of)?;
        if self.fields.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.fields.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_and_secrets_are_not() {
        let asked = Asked::of("users/a\nb")
            .with("locked", true)
            .text("comment", "it's")
            .given("default_role", "")
            .secret("password");
        assert_eq!(
            asked.to_string(),
            r"users/a\nb: locked = true, comment = 'it''s', password = '******'"
        );
        assert_eq!(Asked::of("roles/r").to_string(), "roles/r");
    }
}
