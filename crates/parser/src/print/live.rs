//! Statements on tables of other servers as text.

use super::Printer;
use super::table::column_text;
use crate::plan::live::{CreateLiveTable, LiveSource};

impl Printer {
    pub(super) fn create_live_table(&mut self, plan: &CreateLiveTable) {
        self.word("CREATE EXTERNAL TABLE");
        self.word_if(plan.if_not_exists, "IF NOT EXISTS");
        self.table(&plan.table);
        if !plan.columns.is_empty() {
            let columns: Vec<String> = plan.columns.iter().map(column_text).collect();
            self.word(&format!("({})", columns.join(", ")));
        }
        self.word("FROM");
        self.live_source(&plan.source);
    }

    fn live_source(&mut self, source: &LiveSource) {
        let options: Vec<String> = source
            .options
            .iter()
            .map(|option| {
                let key = option.key.value;
                let value = if key.is_secret() {
                    self.secret_text(&option.value)
                } else {
                    Self::plain_text(&option.value)
                };
                format!("'{}' = {value}", key.as_str())
            })
            .collect();
        self.word(&format!(
            "{} {{{}}}",
            source.server.as_str(),
            options.join(", ")
        ));
    }
}
