//! Statements on the files of a stage, as text.

use super::Printer;
use crate::plan::file::{GetFiles, InferSchema, Presign, PresignAccess, PutFiles, RemoveFiles};
use crate::text::quote;

impl Printer {
    pub(super) fn infer_schema(&mut self, plan: &InferSchema) {
        self.word("INFER SCHEMA");
        self.string(&plan.target);
        if !plan.options.is_empty() {
            let options = plan.options.iter();
            let options = options.map(|(name, value)| format!("{name} {}", quote(value)));
            self.word(&format!("({})", options.collect::<Vec<_>>().join(", ")));
        }
    }

    pub(super) fn remove_files(&mut self, plan: &RemoveFiles) {
        self.word("REMOVE FILES FROM STAGE");
        self.word_if(plan.if_exists, "IF EXISTS");
        self.string(&plan.target.to_string());
    }

    pub(super) fn presign(&mut self, plan: &Presign) {
        self.word("PRESIGN");
        self.word(match plan.access {
            PresignAccess::Download => "DOWNLOAD",
            PresignAccess::Upload => "UPLOAD",
        });
        self.string(&plan.target.to_string());
        if let Some(expire) = &plan.expire_s {
            self.word(&format!("EXPIRE = {}", expire.value));
        }
    }

    pub(super) fn get_files(&mut self, plan: &GetFiles) {
        self.word("GET");
        self.string(&plan.source.to_string());
        self.string(&format!("file://{}", plan.folder.value));
        self.switch("OVERWRITE", plan.overwrite.as_ref());
    }

    pub(super) fn put_files(&mut self, plan: &PutFiles) {
        self.word("PUT");
        self.string(&format!("file://{}", plan.source.value));
        self.string(&plan.target.to_string());
        self.switch("OVERWRITE", plan.overwrite.as_ref());
    }
}
