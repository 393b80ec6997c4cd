//! From the name of a temporary stage to its place. It is its session's own: nobody else has it, so there is nothing
//! to ask the gate about.

use std::sync::Arc;

use super::{At, Located};
use crate::gate::Acting;
use crate::policies::Policies;
use crate::temporary_stages::TemporaryStage;

impl Acting {
    /// The place of a temporary stage of the session. It hides a permanent stage of the same name.
    pub(super) fn locate_temporary(&self, name: &str) -> Option<Located> {
        let stage = self.temporary.get(name)?;
        Some(self.located_temporary(stage))
    }

    /// The same of one that is at hand.
    pub(crate) fn located_temporary(&self, stage: Arc<TemporaryStage>) -> Located {
        let record = &stage.record;
        Located {
            name: record.name.clone(),
            id: record.id,
            version: record.version,
            url: record.definition.url.clone(),
            parents: Vec::new(),
            policies: Policies::default(),
            account: self.principal.account().to_owned(),
            at: At::Temporary(Arc::clone(&stage)),
            known: None,
        }
    }
}
