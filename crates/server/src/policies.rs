//! Policies of stages: what may be exported to them. Their text is in `policies/text.rs`, what a running export has
//! used of them in `policies/meter.rs`, and what all exports of a day have in `policies/daily.rs`.
//!
//! A policy is part of a stage's version. An export to a sub-stage is under the policies of all stages that its URL
//! goes through: a sub-stage is no way around them.

mod daily;
mod meter;
mod text;

use catalog::{StagePolicy, StageRecord};
use exporter::Recipients;
use parser::Format;

pub(crate) use daily::DailyBytes;
pub(crate) use meter::Meter;
pub(crate) use text::{policy_of, rules_of};

use crate::error::{Error, Reason, Result};
use crate::time::timestamp_text;

/// The policies that an export to a stage is under: the stage's own, and those of the stages it lies in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Policies(Vec<OfStage>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct OfStage {
    account: String,
    stage: String,
    id: u64,
    version: u64,
    policy: StagePolicy,
}

impl Policies {
    /// Of a stage and those that it lies in.
    pub(crate) fn of(account: &str, stages: &[&StageRecord]) -> Self {
        let with_rules = stages
            .iter()
            .filter(|stage| !stage.definition.policy.is_empty());
        Self(
            with_rules
                .map(|stage| OfStage {
                    account: account.to_owned(),
                    stage: stage.name.clone(),
                    id: stage.id,
                    version: stage.version,
                    policy: stage.definition.policy.clone(),
                })
                .collect(),
        )
    }

    /// That files of this format may go there now.
    ///
    /// # Errors
    /// [`Reason::PolicyDenied`].
    pub(crate) fn admit(&self, format: Format, now_us: u64) -> Result<()> {
        for of in &self.0 {
            of.not_expired(now_us)?;
            of.takes(Some(format))?;
        }
        Ok(())
    }

    /// That a client may send a file of its own of this format, as its name tells it.
    ///
    /// # Errors
    /// [`Reason::PolicyDenied`], also where the policy has a rule that only exports can keep.
    pub(crate) fn admit_upload(&self, format: Option<Format>, now_us: u64) -> Result<()> {
        for of in &self.0 {
            of.not_expired(now_us)?;
            of.takes(format)?;
            let for_exports = [
                (of.policy.require_manifest, "require_manifest"),
                (of.policy.formula_guard, "formula_guard"),
                (of.policy.daily_bytes.is_some(), "daily_bytes"),
                // Nobody counts the rows of a file that comes as it is.
                (of.policy.max_rows.is_some(), "max_rows"),
                (!of.policy.encrypt_to.is_empty(), "encrypt_to"),
            ];
            if let Some((_, rule)) = for_exports.iter().find(|(given, _)| *given) {
                return Err(of.denied(format_args!(
                    "files come there by INTO OUTFILE alone (policy {rule})"
                )));
            }
        }
        Ok(())
    }

    /// That INSERT may add files to a table that reads them again.
    ///
    /// # Errors
    /// [`Reason::PolicyDenied`] where files of the stage are not what the rows are.
    pub(crate) fn admit_table_file(&self) -> Result<()> {
        for of in &self.0 {
            let changed = [
                (
                    !of.policy.encrypt_to.is_empty(),
                    "its files are encrypted (policy encrypt_to), and the table could not read them",
                ),
                (
                    of.policy.formula_guard,
                    "texts get an apostrophe (policy formula_guard), and the table would read that",
                ),
                (
                    of.policy.require_manifest,
                    "a manifest lies beside each file (policy require_manifest), and the table might read that",
                ),
            ];
            if let Some((_, why)) = changed.iter().find(|(given, _)| *given) {
                return Err(of.denied(why));
            }
        }
        Ok(())
    }

    /// That a client may be given a URL by which it sends a file itself, until an instant: what such a URL cannot keep
    /// refuses it.
    ///
    /// # Errors
    /// [`Reason::PolicyDenied`].
    pub(crate) fn admit_presigned_upload(
        &self,
        format: Option<Format>,
        now_us: u64,
        until_us: u64,
    ) -> Result<()> {
        self.admit_upload(format, now_us)?;
        for of in &self.0 {
            if of.policy.max_bytes.is_some() {
                return Err(of.denied(
                    "by a URL any number of bytes can be sent (policy max_bytes); send the file through the server",
                ));
            }
            of.not_expired(until_us)?;
        }
        Ok(())
    }

    /// Whether an export has its manifest beside its files. `wanted` is what the statement says.
    ///
    /// # Errors
    /// [`Reason::PolicyDenied`] for one that says no.
    pub(crate) fn manifest(&self, wanted: Option<bool>) -> Result<Option<bool>> {
        let Some(of) = self.0.iter().find(|of| of.policy.require_manifest) else {
            return Ok(wanted);
        };
        match wanted {
            Some(false) => Err(of.denied(
                "an export has its manifest beside its files, so MANIFEST 'false' cannot be (policy require_manifest)",
            )),
            Some(true) | None => Ok(Some(true)),
        }
    }

    /// To whom files are encrypted. `wanted` is what the statement says.
    ///
    /// # Errors
    /// [`Reason::PolicyDenied`] for a statement that names others, and for policies that contradict each other.
    pub(crate) fn recipients(&self, wanted: Option<Recipients>) -> Result<Option<Recipients>> {
        let mut by = wanted.map(|wanted| (wanted, "the statement".to_owned()));
        for of in &self.0 {
            if of.policy.encrypt_to.is_empty() {
                continue;
            }
            let own = Recipients::parse(&of.policy.encrypt_to.join(","))
                .map_err(|e| Error::defect("a policy's recipients do not read").with_source(e))?;
            match &by {
                Some((others, whose)) if !others.same_as(&own) => {
                    return Err(of.denied(format_args!(
                        "its files are encrypted to {}, and {whose} names {} (policy encrypt_to)",
                        own.names().join(", "),
                        others.names().join(", ")
                    )));
                }
                Some(_) => {}
                None => by = Some((own, format!("the policy of stage '{}'", of.stage))),
            }
        }
        Ok(by.map(|(recipients, _)| recipients))
    }

    /// The refusal of partitions where files are to be encrypted: their names would tell the values.
    pub(crate) fn denies_partitions(&self) -> Error {
        let of = self.0.iter().find(|of| !of.policy.encrypt_to.is_empty());
        of.map_or_else(
            || Error::defect("no policy encrypts"),
            |of| {
                of.denied(
                    "its files are encrypted, and PARTITION BY would write values of the columns into their names (policy encrypt_to)",
                )
            },
        )
    }

    /// Each rule, with the stage whose it is.
    pub(crate) fn told(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|of| {
            let rules = rules_of(&of.policy).into_iter();
            rules.map(|(key, value)| format!("{}: {} = {value}", of.stage, key.as_str()))
        })
    }

    /// Whether there must be no export without its manifest beside it.
    pub(crate) fn requires_manifest(&self) -> bool {
        self.0.iter().any(|of| of.policy.require_manifest)
    }

    /// Whether text in CSV is to be guarded from being taken for formulas.
    pub(crate) fn guards_formulas(&self) -> bool {
        self.0.iter().any(|of| of.policy.formula_guard)
    }
}

impl OfStage {
    fn not_expired(&self, now_us: u64) -> Result<()> {
        match self.policy.expires_us {
            Some(expires_us) if now_us >= expires_us => Err(self.denied(format_args!(
                "nothing is exported there since {} UTC (policy expires)",
                timestamp_text(expires_us)
            ))),
            Some(_) | None => Ok(()),
        }
    }

    fn takes(&self, format: Option<Format>) -> Result<()> {
        let formats = &self.policy.formats;
        if formats.is_empty() {
            return Ok(());
        }
        let name = format.map(|format| format.to_string());
        match &name {
            Some(name) if formats.contains(name) => Ok(()),
            _ => Err(self.denied(format_args!(
                "its files are {}, not {} (policy formats)",
                formats.join(" or "),
                name.as_deref().unwrap_or("of another kind")
            ))),
        }
    }

    fn denied(&self, why: impl std::fmt::Display) -> Error {
        Error::internal(
            Reason::PolicyDenied,
            format_args!("stage '{}' does not permit it: {why}", self.stage),
        )
    }
}
