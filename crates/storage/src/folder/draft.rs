//! A draft in a folder's reserved directory.

use std::io::{self, Write};
use std::sync::Arc;

use crate::backend::DraftWriter;
use crate::error::{Error, Result};
use crate::token::{Token, TokenKind};

use super::DraftName;
use super::beneath::Beneath;
use super::write_behind::WriteBehind;

#[derive(Debug)]
pub(crate) struct FileDraft {
    beneath: Arc<Beneath>,
    draft: DraftName,
    file: WriteBehind,
    finished: bool,
}

impl FileDraft {
    /// Blocking.
    pub(crate) fn begin(beneath: Arc<Beneath>, work: String, name: String) -> Result<Self> {
        let draft = DraftName {
            work,
            name,
            identity: None,
        };
        let file = beneath.create_draft(&draft)?;
        Ok(Self {
            beneath,
            draft,
            file: WriteBehind::new(file),
            finished: false,
        })
    }
}

impl DraftWriter for FileDraft {
    fn token(&self) -> Token {
        Token(TokenKind::File {
            work: self.draft.work.clone(),
            name: self.draft.name.clone(),
            identity: self.draft.identity,
        })
    }

    fn finish(mut self: Box<Self>) -> Result<Token> {
        self.file
            .finish()
            .map_err(|error| Error::io("write a draft to disk", error))?;
        self.draft.identity = Some(
            self.file
                .identity()
                .map_err(|error| Error::io("look at a draft", error))?,
        );
        self.beneath.sync_drafts(&self.draft.work)?;
        self.finished = true;
        Ok(self.token())
    }
}

impl Write for FileDraft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for FileDraft {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing to tell it to: what stays behind is removed by the sweep of its work.
            let _ = self.beneath.discard(&self.draft);
        }
    }
}
