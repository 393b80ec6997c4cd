//! INSERT and REPLACE as text.

use super::Printer;
use crate::plan::insert::{Insert, OnDuplicate};

impl Printer {
    pub(super) fn insert(&mut self, plan: &Insert) {
        self.word(match &plan.on_duplicate {
            OnDuplicate::Refuse | OnDuplicate::Update { .. } => "INSERT INTO",
            OnDuplicate::Ignore => "INSERT IGNORE INTO",
            OnDuplicate::Replace => "REPLACE INTO",
        });
        self.table(&plan.table);
        if !plan.columns.is_empty() {
            self.names(plan.columns.iter().map(|name| name.as_str()));
        }
        self.word(&plan.source.text);
        let OnDuplicate::Update { new, assignments } = &plan.on_duplicate else {
            return;
        };
        if let Some(new) = new {
            self.word("AS");
            self.name(&new.name);
            if !new.columns.is_empty() {
                self.names(new.columns.iter().map(|name| name.as_str()));
            }
        }
        self.word("ON DUPLICATE KEY UPDATE");
        self.assignment_list(assignments);
    }
}
