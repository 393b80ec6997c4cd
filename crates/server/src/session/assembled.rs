//! Query texts put together from a statement's own parts, which keep the staged files that they read.

use parser::QueryText;

/// A text that grows.
#[derive(Default)]
pub(super) struct Assembled(QueryText);

impl Assembled {
    /// Adds text of the server's own.
    pub(super) fn text(mut self, text: &str) -> Self {
        self.0.text.push_str(text);
        self
    }

    /// Adds a column's or table's name.
    pub(super) fn name(self, name: &str) -> Self {
        let quoted = format!("`{}`", name.replace('`', "``"));
        self.text(&quoted)
    }

    /// Adds a part of the statement, in brackets; a line's end before the last one ends a comment in it.
    pub(super) fn part(mut self, part: &QueryText) -> Self {
        self.0.text.push('(');
        let moved = self.0.text.len();
        self.0.text.push_str(&part.text);
        for file in &part.staged_files {
            let mut file = file.clone();
            file.range = file.range.start + moved..file.range.end + moved;
            self.0.staged_files.push(file);
        }
        for call in &part.stage_functions {
            let mut call = call.clone();
            call.range = call.range.start + moved..call.range.end + moved;
            self.0.stage_functions.push(call);
        }
        self.0.text.push_str("\n)");
        self
    }

    pub(super) fn finish(self) -> QueryText {
        self.0
    }
}
