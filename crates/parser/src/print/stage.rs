//! Stage statements as text.

use super::{Printer, truth};
use crate::plan::stage::{AlterStage, AlterStageAction, CreateStage, StageOptions, StageUrl};
use crate::text::quote;

impl Printer {
    pub(super) fn create_stage(&mut self, plan: &CreateStage) {
        self.word("CREATE");
        self.word_if(plan.or_replace, "OR REPLACE");
        self.word_if(plan.temporary, "TEMPORARY");
        self.word("STAGE");
        self.word_if(plan.if_not_exists, "IF NOT EXISTS");
        self.name(&plan.name);
        self.stage_options(&plan.options);
    }

    pub(super) fn alter_stage(&mut self, plan: &AlterStage) {
        self.word("ALTER STAGE");
        self.word_if(plan.if_exists, "IF EXISTS");
        self.name(&plan.name);
        match &plan.action {
            AlterStageAction::Set(options) => {
                self.word("SET");
                self.stage_options(options);
            }
            AlterStageAction::Rename(name) => {
                self.word("RENAME TO");
                self.name(name);
            }
            AlterStageAction::Rollback(version) => {
                self.word(&format!("ROLLBACK TO VERSION {}", version.value));
            }
            AlterStageAction::Refresh { subpath } => {
                self.word("REFRESH");
                self.clause("SUBPATH =", subpath.as_ref().map(|path| path.as_str()));
            }
        }
    }

    fn stage_options(&mut self, options: &StageOptions) {
        match options.url.as_ref().map(|url| &url.value) {
            Some(StageUrl::Location(location)) => self.clause("URL =", Some(location)),
            Some(StageUrl::Endpoint(host)) => {
                self.word(&format!("URL = \"endpoint\" = {}", quote(host)));
            }
            None => {}
        }
        if let Some(credentials) = &options.credentials {
            self.credentials(credentials);
        }
        if let Some(enable) = &options.enable {
            self.word(&format!("ENABLE = {}", truth(enable.value)));
        }
        if let Some(directory) = &options.directory {
            self.word(&format!(
                "DIRECTORY = (ENABLE = {})",
                truth(directory.value)
            ));
        }
        if let Some(policy) = &options.policy {
            let rules: Vec<String> = policy
                .iter()
                .map(|rule| {
                    let (key, value) = (rule.key.value.as_str(), quote(&rule.value.value));
                    format!("'{key}' = {value}")
                })
                .collect();
            self.word(&format!("POLICY = {{{}}}", rules.join(", ")));
        }
        self.clause(
            "COMMENT =",
            options.comment.as_ref().map(|text| text.as_str()),
        );
    }
}
