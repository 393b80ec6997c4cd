//! What a caller shows: a login's name with a password, or a token.

use secrecy::SecretString;

use super::super::principal::SYS;
use crate::error::{Error, Reason, Result};

/// A login's name, `account:user[:role]`, or `user` of account `sys`. `#` separates as `:` does, for HTTP's Basic
/// scheme, whose user names hold no `:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoginName {
    pub(crate) account: String,
    pub(crate) user: String,
    pub(crate) role: Option<String>,
}

/// What a caller shows.
pub(crate) enum Credential {
    Password(LoginName, SecretString),
    Token(SecretString),
}

impl LoginName {
    /// # Errors
    /// [`Reason::Unauthenticated`], when it has not one to three parts, none of them empty.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let parts: Vec<String> = text.split([':', '#']).map(str::to_lowercase).collect();
        let login = match parts.as_slice() {
            [user] => Self {
                account: SYS.to_owned(),
                user: user.clone(),
                role: None,
            },
            [account, user] => Self {
                account: account.clone(),
                user: user.clone(),
                role: None,
            },
            [account, user, role] => Self {
                account: account.clone(),
                user: user.clone(),
                role: Some(role.clone()),
            },
            _ => return Err(malformed()),
        };
        if parts.iter().any(String::is_empty) {
            return Err(malformed());
        }
        Ok(login)
    }

    /// `account:user`.
    pub(super) fn full(&self) -> String {
        format!("{}:{}", self.account, self.user)
    }
}

fn malformed() -> Error {
    Error::new(
        Reason::Unauthenticated,
        1045,
        "28000",
        "Access denied: a login's name is account:user, account:user:role, or user for account sys",
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_forms_of_a_login() {
        let parse = |text| LoginName::parse(text).map(|l| (l.account, l.user, l.role));
        let three = ("acc".to_owned(), "u".to_owned(), Some("r".to_owned()));
        assert_eq!(parse("acc:u:r").unwrap(), three);
        assert_eq!(parse("Acc#U#R").unwrap(), three);
        assert_eq!(parse("root").unwrap(), ("sys".into(), "root".into(), None));
        for wrong in ["", ":u", "a:", "a::r", "a:u:r:x"] {
            assert_eq!(
                parse(wrong).unwrap_err().reason(),
                Reason::Unauthenticated,
                "{wrong}"
            );
        }
    }
}
