//! Exports as jobs: owned by the server, not by the request that started them.
//! `run` carries one through its states, `publish` carries out its `plan`, `recovery` finishes what a stopped server
//! left.

mod beside;
mod checksums;
mod handle;
mod manifest;
mod plan;
mod publish;
mod recovery;
mod run;
mod target;
mod waiting;

pub(crate) use beside::BesideWanted;
pub(crate) use checksums::{checksums_of_folder, checksums_path, checksums_text, digest_told};
pub(crate) use handle::{CancelCause, ExportJobs, Job};
pub use handle::{ExportHandle, ExportProgress};
pub(crate) use manifest::{ManifestInput, manifest_of_folder, manifest_path};
pub(crate) use plan::begun_token;
pub(crate) use recovery::{give_up, place, recover, recover_left};
pub(crate) use run::{ExportPlan, before, start, write_error};
pub(crate) use target::{
    ExportTarget, FileNames, TargetStage, file_format, numbered, target_exists,
};
