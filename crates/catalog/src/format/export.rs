//! The stored form of an export.

use prost::Message;

use super::Stored;
use super::secret::{self, CredentialMessage};
use crate::error::Error;
use crate::exports::{ExportFile, ExportRecord, ExportState, FileRole, PlannedFile};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExportMessage {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    account: String,
    #[prost(string, tag = "3")]
    user: String,
    #[prost(string, tag = "4")]
    statement: String,
    #[prost(message, optional, tag = "5")]
    stage: Option<StageVersionMessage>,
    #[prost(string, tag = "6")]
    target: String,
    #[prost(uint32, tag = "7")]
    state: u32,
    #[prost(string, repeated, tag = "8")]
    temp_files: Vec<String>,
    #[prost(message, repeated, tag = "9")]
    files: Vec<ExportFileMessage>,
    #[prost(uint64, tag = "10")]
    rows: u64,
    #[prost(uint64, tag = "11")]
    bytes: u64,
    #[prost(string, optional, tag = "12")]
    error: Option<String>,
    #[prost(string, optional, tag = "13")]
    manifest_json: Option<String>,
    #[prost(uint64, tag = "14")]
    created_us: u64,
    #[prost(uint64, tag = "15")]
    changed_us: u64,
    #[prost(uint64, optional, tag = "16")]
    finished_us: Option<u64>,
    #[prost(uint64, optional, tag = "17")]
    stage_id: Option<u64>,
    #[prost(message, repeated, tag = "18")]
    stage_parents: Vec<StageParentMessage>,
    #[prost(string, repeated, tag = "19")]
    warnings: Vec<String>,
    #[prost(message, repeated, tag = "20")]
    credentials: Vec<CredentialMessage>,
    #[prost(string, optional, tag = "21")]
    key: Option<String>,
    #[prost(string, optional, tag = "22")]
    database: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StageVersionMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(uint64, tag = "2")]
    version: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StageParentMessage {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    version: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExportFileMessage {
    #[prost(string, tag = "1")]
    path: String,
    #[prost(uint64, tag = "2")]
    rows: u64,
    #[prost(uint64, tag = "3")]
    bytes: u64,
    /// Of SHA-256 without its name, as all were before format 7.
    #[prost(string, tag = "4")]
    digest: String,
}

impl Stored for ExportRecord {
    const KIND: u16 = 7;
    const WHAT: &'static str = "an export";
    type Message = ExportMessage;

    fn to_message(&self) -> ExportMessage {
        ExportMessage {
            id: self.id.clone(),
            account: self.account.clone(),
            user: self.user.clone(),
            statement: self.statement.clone(),
            stage: self
                .stage
                .as_ref()
                .map(|(name, version)| StageVersionMessage {
                    name: name.clone(),
                    version: *version,
                }),
            target: self.target.clone(),
            state: state_number(self.state),
            temp_files: self.temp_files.clone(),
            files: self.files.iter().map(file_message).collect(),
            rows: self.rows,
            bytes: self.bytes,
            error: self.error.clone(),
            // Since format 3 it has its own record.
            manifest_json: None,
            created_us: self.created_us,
            changed_us: self.changed_us,
            finished_us: self.finished_us,
            stage_id: self.stage_id,
            stage_parents: self
                .stage_parents
                .iter()
                .map(|&(id, version)| StageParentMessage { id, version })
                .collect(),
            warnings: self.warnings.clone(),
            credentials: secret::messages(&self.credentials),
            key: self.key.clone(),
            database: self.database.clone(),
        }
    }

    fn from_message(message: ExportMessage) -> Result<ExportRecord, Error> {
        Ok(ExportRecord {
            id: message.id,
            account: message.account,
            user: message.user,
            statement: message.statement,
            stage: message.stage.map(|stage| (stage.name, stage.version)),
            stage_id: message.stage_id,
            stage_parents: message
                .stage_parents
                .into_iter()
                .map(|parent| (parent.id, parent.version))
                .collect(),
            warnings: message.warnings,
            credentials: secret::credentials(message.credentials)?,
            key: message.key,
            database: message.database,
            target: message.target,
            state: state_of(message.state)?,
            // Since format 4 its files have their own records.
            plan: Vec::new(),
            temp_files: message.temp_files,
            files: message.files.into_iter().map(file).collect(),
            rows: message.rows,
            bytes: message.bytes,
            error: message.error,
            manifest_json: message.manifest_json,
            created_us: message.created_us,
            changed_us: message.changed_us,
            finished_us: message.finished_us,
        })
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PlannedFileMessage {
    #[prost(uint32, tag = "1")]
    index: u32,
    #[prost(uint32, tag = "2")]
    role: u32,
    #[prost(string, tag = "3")]
    target: String,
    #[prost(bool, tag = "4")]
    replaces: bool,
    #[prost(uint64, tag = "5")]
    rows: u64,
    #[prost(uint64, tag = "6")]
    bytes: u64,
    #[prost(string, tag = "7")]
    digest: String,
    #[prost(bytes = "vec", tag = "8")]
    token: Vec<u8>,
}

impl Stored for PlannedFile {
    const KIND: u16 = 37;
    const WHAT: &'static str = "a planned file";
    type Message = PlannedFileMessage;

    fn to_message(&self) -> PlannedFileMessage {
        PlannedFileMessage {
            index: self.index,
            role: match self.role {
                FileRole::Data => 1,
                FileRole::Manifest => 2,
                FileRole::Checksums => 3,
                FileRole::Surplus => 4,
                FileRole::OldManifest => 5,
            },
            target: self.target.clone(),
            replaces: self.replaces,
            rows: self.rows,
            bytes: self.bytes,
            digest: self.digest.clone(),
            token: self.token.clone(),
        }
    }

    fn from_message(message: PlannedFileMessage) -> Result<PlannedFile, Error> {
        let role = match message.role {
            1 => FileRole::Data,
            2 => FileRole::Manifest,
            3 => FileRole::Checksums,
            4 => FileRole::Surplus,
            5 => FileRole::OldManifest,
            other => {
                return Err(Error::corrupt(format!(
                    "a planned file of the unknown role {other}"
                )));
            }
        };
        Ok(PlannedFile {
            index: message.index,
            role,
            target: message.target,
            replaces: message.replaces,
            rows: message.rows,
            bytes: message.bytes,
            digest: message.digest,
            token: message.token,
        })
    }
}

/// The export that has a key of its user's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Keyed {
    pub(crate) id: String,
    /// What its statement's text means beyond itself.
    pub(crate) scope: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyedMessage {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    scope: String,
}

impl Stored for Keyed {
    const KIND: u16 = 52;
    const WHAT: &'static str = "the export of a key";
    type Message = KeyedMessage;

    fn to_message(&self) -> KeyedMessage {
        KeyedMessage {
            id: self.id.clone(),
            scope: self.scope.clone(),
        }
    }

    fn from_message(message: KeyedMessage) -> Result<Keyed, Error> {
        Ok(Keyed {
            id: message.id,
            scope: message.scope,
        })
    }
}

/// The manifest of an export, put once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Manifest(pub(crate) String);

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ManifestMessage {
    #[prost(string, tag = "1")]
    json: String,
}

impl Stored for Manifest {
    const KIND: u16 = 35;
    const WHAT: &'static str = "a manifest";
    type Message = ManifestMessage;

    fn to_message(&self) -> ManifestMessage {
        ManifestMessage {
            json: self.0.clone(),
        }
    }

    fn from_message(message: ManifestMessage) -> Result<Manifest, Error> {
        Ok(Manifest(message.json))
    }
}

fn file_message(file: &ExportFile) -> ExportFileMessage {
    ExportFileMessage {
        path: file.path.clone(),
        rows: file.rows,
        bytes: file.bytes,
        digest: file.digest.clone(),
    }
}

fn file(message: ExportFileMessage) -> ExportFile {
    ExportFile {
        path: message.path,
        rows: message.rows,
        bytes: message.bytes,
        digest: message.digest,
    }
}

fn state_number(state: ExportState) -> u32 {
    match state {
        ExportState::Admitted => 1,
        ExportState::Running => 2,
        ExportState::Prepared => 3,
        ExportState::Committed => 4,
        ExportState::Failed => 5,
        ExportState::Cancelled => 6,
    }
}

fn state_of(number: u32) -> Result<ExportState, Error> {
    Ok(match number {
        1 => ExportState::Admitted,
        2 => ExportState::Running,
        3 => ExportState::Prepared,
        4 => ExportState::Committed,
        5 => ExportState::Failed,
        6 => ExportState::Cancelled,
        _ => {
            return Err(Error::corrupt(format!(
                "an export in the unknown state {number}"
            )));
        }
    })
}
