//! A wrong command line that clap cannot see: options that do not go together, or with the environment.
//! The program prints the sentence and ends with exit status 2, as after clap's own errors.

use std::fmt;

/// The exit status for a wrong command line; clap's own.
pub(crate) const EXIT_USAGE: u8 = 2;

/// What is wrong with the command line, and what would be right. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Usage(String);

impl Usage {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
