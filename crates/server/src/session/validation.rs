//! VALIDATE STAGE: tries what exports and readers need of a stage's place, tells it as a table, and keeps what
//! publication chooses by. SQL and StageService both end here.

use std::sync::Arc;

use catalog::{StageCapabilities, StageRecord};
use storage::{Capability, Check, Finding, Outcome as How, Probe, Validation};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::gate::{Acting, Object, Operation, Permit};
use crate::instance::Instance;
use crate::places::Located;

use super::Session;
use super::stages::stage_not_exists;

/// What a validation has found.
#[derive(Debug, Clone)]
pub(crate) struct StageValidation {
    /// In the order in which it was tried. No secret is in it.
    pub(crate) findings: Vec<Finding>,
    /// What was kept; nothing where the place could not be reached, as that says nothing against what was known.
    pub(crate) capabilities: Option<StageCapabilities>,
}

/// A stage to be tried, as far as its place can be found.
struct Target {
    permit: Permit,
    record: StageRecord,
    located: std::result::Result<Located, Error>,
    /// What does not hinder trying.
    noticed: Vec<Finding>,
}

impl Session {
    /// Tries a stage, enabled or not, at its current version. What does not work is a finding and no error.
    ///
    /// # Errors
    /// [`Reason::StageNotFound`](crate::Reason::StageNotFound); the gate's; the catalog's.
    pub(crate) async fn validate_stage(&self, name: String) -> Result<StageValidation> {
        self.refuse_temporary(&name, "VALIDATE STAGE")?;
        let object = Object::Stage(name.clone());
        let target = self
            .act(Operation::ValidateStage, object, move |acting, permit| {
                acting.to_be_tried(permit, &name)
            })
            .await?;
        let instance = Arc::clone(&self.instance);
        // A caller that leaves must leave nothing behind: what has begun is brought to its end.
        let trying = tokio::spawn(async move { tried(&instance, target).await });
        self.call
            .within(trying)
            .await?
            .map_err(|e| Error::defect("a validation failed").with_source(e))?
    }
}

impl Acting {
    fn to_be_tried(&self, permit: &Permit, name: &str) -> Result<Target> {
        let catalog = &self.instance.catalog;
        let record = catalog
            .stage(permit.account(), name)?
            .ok_or_else(|| stage_not_exists(name))?;
        let mut noticed = Vec::new();
        if !record.definition.enabled {
            noticed.push(disabled(name));
        }
        let located = self.instance.locate_in_any_state(
            permit.account(),
            record.clone(),
            &mut |parent: &StageRecord| {
                if !parent.definition.enabled {
                    noticed.push(disabled(&parent.name));
                }
            },
        );
        Ok(Target {
            permit: permit.clone(),
            record,
            located,
            noticed,
        })
    }
}

async fn tried(instance: &Arc<Instance>, target: Target) -> Result<StageValidation> {
    let Target {
        permit,
        record,
        located,
        noticed,
    } = target;
    let mut findings = noticed;
    let mut parents = Vec::new();
    let opened = match located {
        Ok(located) => {
            parents = located.parents().to_vec();
            instance.open_stage(located).await
        }
        Err(error) => Err(error),
    };
    let found = match opened {
        Ok(stage) => {
            let probe = Probe::new(&Uuid::now_v7().simple().to_string())?;
            stage.store.validate(&probe).await?
        }
        Err(error) => {
            findings.push(not_opened(&error));
            Validation::default()
        }
    };
    if findings.is_empty() {
        findings.push(Finding {
            check: Check::Open,
            outcome: How::Ok,
            detail: "the stage is enabled, and its place can be opened".to_owned(),
            advice: String::new(),
        });
    }
    findings.extend(found.findings);
    let facts: Vec<(String, bool)> = found
        .capabilities
        .iter()
        .map(|(capability, there)| (capability.name().to_owned(), there))
        .collect();
    let summary = summary(&findings);
    let capabilities = StageCapabilities {
        stage_id: record.id,
        version: record.version,
        parents,
        facts,
        checked_us: 0,
        checked_by: String::new(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let kept = instance
        .blocking(move |instance| {
            Ok(instance.catalog.put_stage_capabilities(
                permit.actor(),
                &record.name,
                capabilities,
                summary,
            )?)
        })
        .await?;
    Ok(StageValidation {
        findings,
        capabilities: kept,
    })
}

fn disabled(name: &str) -> Finding {
    Finding {
        check: Check::Open,
        outcome: How::Warning,
        detail: format!("stage '{name}' is disabled: it takes no export and gives no file"),
        advice: format!("ALTER STAGE {name} SET ENABLE = TRUE"),
    }
}

fn not_opened(error: &Error) -> Finding {
    Finding {
        check: Check::Open,
        outcome: How::Failed,
        detail: error.message().to_owned(),
        advice: "set another URL or other CREDENTIALS: ALTER STAGE … SET …".to_owned(),
    }
}

/// For the audit: how many of each outcome, and what failed.
fn summary(findings: &[Finding]) -> String {
    let of = |outcome| {
        findings
            .iter()
            .filter(move |finding| finding.outcome == outcome)
    };
    let failed: Vec<&str> = of(How::Failed)
        .map(|finding| finding.check.name())
        .collect();
    let mut text = format!(
        "{} ok, {} warnings, {} failed, {} skipped",
        of(How::Ok).count(),
        of(How::Warning).count(),
        failed.len(),
        of(How::Skipped).count()
    );
    if !failed.is_empty() {
        text = format!("{text}: {}", failed.join(", "));
    }
    text
}

/// What is known of a stage, for a line of text: `conditional_create no, delete yes, …`.
pub(crate) fn facts_in_words(facts: &[(String, bool)]) -> String {
    let words: Vec<String> = facts
        .iter()
        .map(|(name, there)| format!("{name} {}", if *there { "yes" } else { "no" }))
        .collect();
    words.join(", ")
}

/// The facts as storage knows them.
pub(crate) fn known(capabilities: &StageCapabilities) -> storage::Capabilities {
    let facts = capabilities.facts.iter();
    storage::Capabilities::from_names(facts.map(|(name, there)| (name.as_str(), *there)))
}

/// What an export says of a place that cannot refuse to replace a file.
pub(crate) fn looked_at_before(target: &str) -> String {
    format!(
        "the store of '{target}' cannot refuse to replace a file ({} no, by VALIDATE STAGE): the name was looked at just before publication, and a file that appeared in that moment was replaced",
        Capability::ConditionalCreate.name()
    )
}
