//! The account's stages for lists: in pages by name, or all of them with those that were dropped.

use catalog::StageRecord;

use crate::error::Result;
use crate::gate::{Object, Operation};

use super::Session;

impl Session {
    /// At most `limit` of them, from behind the name `after`.
    pub(crate) async fn stages_page(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<StageRecord>> {
        self.act(
            Operation::ShowStages,
            Object::Account,
            move |acting, permit| {
                let catalog = &acting.instance.catalog;
                let mut visible = Vec::new();
                let mut after = after;
                // What may not be seen makes no page shorter.
                while visible.len() < limit {
                    let page = catalog.stages_page(permit.account(), after.as_deref(), limit)?;
                    let Some(last) = page.last() else { break };
                    after = Some(last.name.clone());
                    visible.extend(acting.visible_stages(page)?);
                }
                visible.truncate(limit);
                Ok(visible)
            },
        )
        .await
    }

    /// All of them, and those that can be brought back if `dropped`.
    pub(crate) async fn every_stage(&self, dropped: bool) -> Result<Vec<StageRecord>> {
        self.act(
            Operation::ShowStages,
            Object::Account,
            move |acting, permit| {
                let catalog = &acting.instance.catalog;
                let mut stages = catalog.stages_named(permit.account(), "", |_| true)?;
                if dropped {
                    stages.extend(catalog.dropped_stages(permit.account())?);
                }
                acting.visible_stages(stages)
            },
        )
        .await
    }
}
