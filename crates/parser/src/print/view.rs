//! Statements on views as text.

use super::{Printer, table_text};
use crate::plan::view::{CreateView, DropView, ViewDefinition};

impl Printer {
    pub(super) fn create_view(&mut self, plan: &CreateView) {
        self.word("CREATE");
        self.word_if(plan.or_replace, "OR REPLACE");
        self.view_definition(&plan.definition);
    }

    pub(super) fn alter_view(&mut self, plan: &ViewDefinition) {
        self.word("ALTER");
        self.view_definition(plan);
    }

    pub(super) fn drop_view(&mut self, plan: &DropView) {
        self.word("DROP VIEW");
        self.word_if(plan.if_exists, "IF EXISTS");
        let views: Vec<String> = plan.views.iter().map(table_text).collect();
        self.word(&views.join(", "));
    }

    fn view_definition(&mut self, plan: &ViewDefinition) {
        self.word("VIEW");
        self.table(&plan.view);
        if !plan.columns.is_empty() {
            self.names(plan.columns.iter().map(|name| name.as_str()));
        }
        self.word("AS");
        self.word(&plan.query.text);
    }
}
