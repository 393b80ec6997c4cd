//! The operations on the server itself: how it is, its backup, the proof of its audit.

use std::path::PathBuf;

use catalog::{AuditCheck, AuditOutcome};

use crate::backup::BackedUp;
use crate::error::{Error, Reason, Result};
use crate::gate::{Object, Operation};

use super::Session;

/// How the server is.
#[derive(Debug, Clone)]
pub(crate) struct ServerStatus {
    pub(crate) started_us: u64,
    pub(crate) read_only_reason: Option<String>,
    /// What opening had to repair, a sentence each.
    pub(crate) recovery: Vec<String>,
    pub(crate) catalog_changes: u64,
    pub(crate) journal_bytes: u64,
    pub(crate) sessions: usize,
    pub(crate) running_exports: usize,
}

impl Session {
    pub(crate) async fn server_status(&self) -> Result<ServerStatus> {
        self.act(Operation::ServerStatus, Object::Account, |acting, _| {
            let instance = &acting.instance;
            Ok(ServerStatus {
                started_us: instance.started_us,
                read_only_reason: instance.catalog.read_only_reason(),
                recovery: crate::instance::recovery_sentences(instance.catalog.recovery()),
                catalog_changes: instance.catalog.last_seq(),
                journal_bytes: instance.catalog.journal_bytes(),
                sessions: instance.sessions.len(),
                running_exports: instance.jobs.len(),
            })
        })
        .await
    }

    /// Backs everything up but external files, to a new or empty directory of this machine.
    pub(crate) async fn backup(&self, directory: PathBuf) -> Result<BackedUp> {
        let object = Object::Path(directory.display().to_string());
        self.act(Operation::Backup, object.clone(), move |acting, _| {
            if !directory.is_absolute() {
                return Err(Error::invalid_input(
                    Reason::OptionInvalid,
                    "a backup's directory is an absolute path on the server's machine",
                ));
            }
            let done = crate::backup::write(&acting.instance, &directory).inspect_err(|error| {
                if !error.is_unaudited_refusal() {
                    acting.record(
                        Operation::Backup,
                        &object,
                        AuditOutcome::Failed,
                        error.message(),
                    );
                }
            })?;
            acting.record(Operation::Backup, &object, AuditOutcome::Done, "");
            Ok(done)
        })
        .await
    }

    pub(crate) async fn verify_audit(&self) -> Result<AuditCheck> {
        self.act(Operation::VerifyAudit, Object::Account, |acting, _| {
            Ok(acting.instance.catalog.verify_audit()?)
        })
        .await
    }
}
