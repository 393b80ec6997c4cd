//! Exports, and the FIELDS and LINES they share with external tables, as text.

use super::Printer;
use crate::plan::export::{Export, ExportOptions, Fields, Lines};
use crate::span::{Name, Spanned};

impl Printer {
    pub(super) fn export(&mut self, plan: &Export) {
        self.word(&plan.query.text);
        self.word("INTO OUTFILE");
        self.string(&plan.target.to_string());
        self.export_options(&plan.options);
    }

    fn export_options(&mut self, options: &ExportOptions) {
        if let Some(credentials) = &options.credentials {
            self.credentials(credentials);
        }
        self.clause("FORMAT", options.format.as_ref().map(|word| word.as_str()));
        self.clause(
            "DIALECT",
            options.dialect.as_ref().map(|word| word.as_str()),
        );
        self.fields(&options.fields);
        self.lines(&options.lines);
        self.switch("HEADER", options.header.as_ref());
        self.clause(
            "NULL AS",
            options.null_as.as_ref().map(|text| text.as_str()),
        );
        self.columns("FORCE_QUOTE", &options.force_quote);
        self.clause(
            "COMPRESSION",
            options.compression.as_ref().map(|word| word.as_str()),
        );
        if let Some(level) = &options.compression_level {
            self.word(&format!("COMPRESSION_LEVEL {}", level.value));
        }
        self.switch("SINGLE_MEMBER", options.single_member.as_ref());
        let size = options
            .split_size_bytes
            .as_ref()
            .map(|bytes| size_text(bytes.value));
        self.clause("SPLITSIZE", size.as_deref());
        if let Some(size) = &options.max_file_size_kib {
            self.word(&format!("MAX_FILE_SIZE {}", size.value));
        }
        self.columns("PARTITION BY", &options.partition_by);
        if let Some(path) = &options.partition_path {
            self.clause("PATH", Some(path));
        }
        self.switch("OVERWRITE", options.overwrite.as_ref());
        self.switch("MANIFEST", options.manifest.as_ref());
        self.clause("DIGEST", options.digest.as_ref().map(|word| word.as_str()));
        self.switch("SHA256SUMS", options.sha256sums.as_ref());
        self.switch("B3SUMS", options.b3sums.as_ref());
        self.clause(
            "ENCRYPT TO",
            options.encrypt_to.as_ref().map(|to| to.as_str()),
        );
        self.clause(
            "EXPORT ID",
            options.export_id.as_ref().map(|id| id.as_str()),
        );
    }

    pub(super) fn switch(&mut self, word: &str, value: Option<&Spanned<bool>>) {
        self.clause(
            word,
            value.map(|value| if value.value { "true" } else { "false" }),
        );
    }

    fn columns(&mut self, word: &str, columns: &[Name]) {
        if !columns.is_empty() {
            self.word(word);
            self.names(columns.iter().map(|name| name.as_str()));
        }
    }

    pub(super) fn fields(&mut self, fields: &Fields) {
        if *fields == Fields::default() {
            return;
        }
        self.word("FIELDS");
        self.clause(
            "TERMINATED BY",
            fields.terminated_by.as_ref().map(|text| text.as_str()),
        );
        if let Some(enclosure) = &fields.enclosed_by {
            self.word_if(fields.optionally_enclosed, "OPTIONALLY");
            self.clause("ENCLOSED BY", Some(&one_character(enclosure.value)));
        }
        if let Some(escape) = &fields.escaped_by {
            self.clause("ESCAPED BY", Some(&one_character(escape.value)));
        }
    }

    pub(super) fn lines(&mut self, lines: &Lines) {
        if *lines == Lines::default() {
            return;
        }
        self.word("LINES");
        self.clause(
            "STARTING BY",
            lines.starting_by.as_ref().map(|text| text.as_str()),
        );
        self.clause(
            "TERMINATED BY",
            lines.terminated_by.as_ref().map(|text| text.as_str()),
        );
    }
}

fn one_character(value: Option<char>) -> String {
    value.map(String::from).unwrap_or_default()
}

/// The shortest text with a unit that is exact.
fn size_text(bytes: u64) -> String {
    for (shift, unit) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")] {
        if bytes > 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}
