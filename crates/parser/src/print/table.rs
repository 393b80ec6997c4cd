//! Database and table statements as text.

use super::{Printer, truth};
use crate::plan::passing::{ShowDiagnostics, ShowFilter, ShowIndex, ShowServer, ShownDiagnostics};
use crate::plan::query::QueryText;
use crate::plan::table::{
    ColumnAssignment, ColumnDef, CreateExternalTable, CreateTable, CreateTableAs, Delete,
    Duplicates, Infile, Literal, LoadColumn, LoadData, OnError, ShowColumns, ShowTables, TableKey,
    Update,
};
use crate::span::{Name, Spanned};
use crate::text::{quote, quote_name};

impl Printer {
    pub(super) fn show_tables(&mut self, plan: &ShowTables) {
        let verb = match plan.full {
            true => "SHOW FULL TABLES",
            false => "SHOW TABLES",
        };
        self.show_in_database(verb, plan);
    }

    pub(super) fn show_table_status(&mut self, plan: &ShowTables) {
        self.show_in_database("SHOW TABLE STATUS", plan);
    }

    pub(super) fn show_index(&mut self, plan: &ShowIndex) {
        self.word("SHOW INDEX FROM");
        self.table(&plan.table);
        self.show_where(plan.condition.as_ref());
    }

    pub(super) fn show_server(&mut self, plan: &ShowServer) {
        self.word(plan.topic.verb());
        self.filter(plan.filter.as_ref());
    }

    pub(super) fn show_diagnostics(&mut self, plan: ShowDiagnostics) {
        let what = match plan.only_errors {
            false => "WARNINGS",
            true => "ERRORS",
        };
        self.word("SHOW");
        match plan.shown {
            ShownDiagnostics::Count => self.word(&format!("COUNT(*) {what}")),
            ShownDiagnostics::Rows { offset, rows } => {
                self.word(what);
                // There is no LIMIT with an offset alone.
                if offset > 0 || rows.is_some() {
                    let rows = rows.unwrap_or(u64::MAX);
                    self.word(&format!("LIMIT {offset}, {rows}"));
                }
            }
        }
    }

    pub(super) fn filter(&mut self, filter: Option<&ShowFilter>) {
        match filter {
            None => {}
            Some(ShowFilter::Like(pattern)) => self.clause("LIKE", Some(pattern)),
            Some(ShowFilter::Where(condition)) => self.show_where(Some(condition)),
        }
    }

    fn show_where(&mut self, condition: Option<&Spanned<String>>) {
        if let Some(condition) = condition {
            self.word("WHERE");
            self.word(condition);
        }
    }

    fn show_in_database(&mut self, verb: &str, plan: &ShowTables) {
        self.word(verb);
        if let Some(database) = &plan.database {
            self.word("FROM");
            self.name(database);
        }
        self.filter(plan.filter.as_ref());
    }

    pub(super) fn show_columns(&mut self, plan: &ShowColumns) {
        self.word("SHOW");
        self.word_if(plan.full, "FULL");
        self.word("COLUMNS FROM");
        self.table(&plan.table);
        self.filter(plan.filter.as_ref());
    }

    pub(super) fn create_table(&mut self, plan: &CreateTable) {
        self.word("CREATE TABLE");
        self.word_if(plan.if_not_exists, "IF NOT EXISTS");
        self.table(&plan.table);
        let mut items: Vec<String> = plan.columns.iter().map(column_text).collect();
        items.extend(plan.keys.iter().map(key_text));
        self.word(&format!("({})", items.join(", ")));
        for (name, value) in &plan.options {
            self.word(&format!("{name} = {}", option_value(value)));
        }
        self.clause("COMMENT =", plan.comment.as_ref().map(|text| text.as_str()));
    }

    pub(super) fn create_external_table(&mut self, plan: &CreateExternalTable) {
        self.word("CREATE EXTERNAL TABLE");
        self.word_if(plan.if_not_exists, "IF NOT EXISTS");
        self.table(&plan.table);
        if !plan.columns.is_empty() {
            let columns: Vec<String> = plan.columns.iter().map(column_text).collect();
            self.word(&format!("({})", columns.join(", ")));
        }
        self.infile(&plan.files);
        self.fields(&plan.fields);
        self.lines(&plan.lines);
        if plan.ignore_lines > 0 {
            self.word(&format!("IGNORE {} LINES", plan.ignore_lines));
        }
    }

    fn infile(&mut self, files: &Infile) {
        let mut options = vec![("filepath", files.path.as_str())];
        options.extend(files.format.as_ref().map(|word| ("format", word.as_str())));
        options.extend(
            files
                .compression
                .as_ref()
                .map(|word| ("compression", word.as_str())),
        );
        options.extend(
            files
                .json_data
                .as_ref()
                .map(|text| ("jsondata", text.as_str())),
        );
        let pattern = files.write_file_pattern.as_ref();
        options.extend(pattern.map(|text| ("write_file_pattern", text.as_str())));
        options.extend(
            files
                .comment
                .as_ref()
                .map(|text| ("comment", text.as_str())),
        );
        let dialect = files.dialect.as_ref();
        options.extend(dialect.map(|word| ("dialect", word.as_str())));
        options.extend(files.header.as_ref().map(|header| {
            let word = if header.value { "true" } else { "false" };
            ("header", word)
        }));
        options.extend(files.null.as_ref().map(|text| ("null", text.as_str())));
        options.extend(files.hive_partitioning.as_ref().map(|hive| {
            let word = if hive.value { "true" } else { "false" };
            ("hive_partitioning", word)
        }));
        if let [(_, path)] = options[..] {
            self.clause("INFILE", Some(path));
            return;
        }
        let options: Vec<String> = options
            .iter()
            .map(|(key, value)| format!("'{key}' = {}", quote(value)))
            .collect();
        self.word(&format!("INFILE {{{}}}", options.join(", ")));
    }

    pub(super) fn load_data(&mut self, plan: &LoadData) {
        self.word("LOAD DATA");
        self.word_if(plan.local, "LOCAL");
        self.infile(&plan.files);
        match plan.duplicates.as_ref().map(|duplicates| duplicates.value) {
            Some(Duplicates::Ignore) => self.word("IGNORE"),
            Some(Duplicates::Replace) => self.word("REPLACE"),
            None => {}
        }
        self.word("INTO TABLE");
        self.table(&plan.table);
        let charset = plan.character_set.as_ref();
        self.clause("CHARACTER SET", charset.map(|name| name.as_str()));
        self.fields(&plan.fields);
        self.lines(&plan.lines);
        if plan.ignore_lines > 0 {
            self.word(&format!("IGNORE {} LINES", plan.ignore_lines));
        }
        if !plan.columns.is_empty() {
            let columns: Vec<String> = plan
                .columns
                .iter()
                .map(|column| match column {
                    LoadColumn::Column(name) => quote_name(name),
                    LoadColumn::Variable(name) => format!("@{}", quote_name(name)),
                })
                .collect();
            self.word(&format!("({})", columns.join(", ")));
        }
        match plan.on_error.as_ref().map(|on_error| &on_error.value) {
            Some(OnError::Abort) => self.word("ON_ERROR 'abort'"),
            Some(OnError::Skip { most, report }) => {
                self.word("ON_ERROR 'skip'");
                if let Some(most) = most {
                    self.word(&format!("MAX {most}"));
                }
                self.clause("REPORT", report.as_ref().map(|report| report.as_str()));
            }
            None => {}
        }
        if let Some(skip) = &plan.skip_loaded {
            self.word(&format!("SKIP_LOADED = {}", truth(skip.value)));
        }
        if !plan.assignments.is_empty() {
            self.assignments(&plan.assignments);
        }
    }

    pub(super) fn create_table_as(&mut self, plan: &CreateTableAs) {
        self.word("CREATE TABLE");
        self.word_if(plan.if_not_exists, "IF NOT EXISTS");
        self.table(&plan.table);
        self.word("AS");
        self.word(&plan.source.text);
    }

    pub(super) fn update(&mut self, plan: &Update) {
        self.word("UPDATE");
        self.table(&plan.table);
        self.alias(plan.alias.as_ref());
        self.assignments(&plan.assignments);
        self.condition(plan.condition.as_ref());
    }

    pub(super) fn delete(&mut self, plan: &Delete) {
        self.word("DELETE FROM");
        self.table(&plan.table);
        self.alias(plan.alias.as_ref());
        self.condition(plan.condition.as_ref());
    }

    fn alias(&mut self, alias: Option<&Name>) {
        if let Some(alias) = alias {
            self.word("AS");
            self.name(alias);
        }
    }

    fn assignments(&mut self, assignments: &[ColumnAssignment]) {
        self.word("SET");
        self.assignment_list(assignments);
    }

    pub(super) fn assignment_list(&mut self, assignments: &[ColumnAssignment]) {
        let texts: Vec<String> = assignments
            .iter()
            .map(|one| format!("{} = {}", quote_name(&one.column), one.value.text))
            .collect();
        self.word(&texts.join(", "));
    }

    fn condition(&mut self, condition: Option<&QueryText>) {
        if let Some(condition) = condition {
            self.word("WHERE");
            self.word(&condition.text);
        }
    }
}

pub(super) fn column_text(column: &ColumnDef) -> String {
    let mut text = format!("{} {}", quote_name(&column.name), column.data_type.value);
    match column.nullable {
        Some(true) => text.push_str(" NULL"),
        Some(false) => text.push_str(" NOT NULL"),
        None => {}
    }
    if let Some(literal) = &column.default {
        text.push_str(" DEFAULT ");
        text.push_str(&literal_text(literal));
    }
    if column.auto_increment {
        text.push_str(" AUTO_INCREMENT");
    }
    if column.unique {
        text.push_str(" UNIQUE");
    }
    if column.primary_key {
        text.push_str(" PRIMARY KEY");
    }
    if let Some(comment) = &column.comment {
        text.push_str(" COMMENT ");
        text.push_str(&quote(comment));
    }
    text
}

pub(super) fn literal_text(literal: &Literal) -> String {
    match literal {
        Literal::Null => "NULL".to_owned(),
        Literal::Bool(value) => truth(*value).to_owned(),
        Literal::Number(number) => number.clone(),
        Literal::String(value) => quote(value),
        Literal::CurrentTimestamp(None) => "CURRENT_TIMESTAMP".to_owned(),
        Literal::CurrentTimestamp(Some(digits)) => format!("CURRENT_TIMESTAMP({digits})"),
    }
}

fn key_text(key: &TableKey) -> String {
    let (word, name, columns) = match key {
        TableKey::Primary(columns) => ("PRIMARY KEY", None, columns),
        TableKey::Unique { name, columns } => ("UNIQUE KEY", name.as_ref(), columns),
        TableKey::Index { name, columns } => ("KEY", name.as_ref(), columns),
    };
    let name = name
        .map(|name| format!("{} ", quote_name(name)))
        .unwrap_or_default();
    let columns: Vec<String> = columns.iter().map(|name: &Name| quote_name(name)).collect();
    format!("{word} {name}({})", columns.join(", "))
}

/// Words and numbers stay bare; anything else was a string.
fn option_value(value: &str) -> String {
    let bare = !value.is_empty()
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let is_word = value
        .bytes()
        .next()
        .is_some_and(crate::lexer::is_word_start);
    if bare && (is_word || value.bytes().all(|b| b.is_ascii_digit())) {
        value.to_owned()
    } else {
        quote(value)
    }
}
