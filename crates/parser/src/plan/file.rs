//! Plans of the statements on the files of a stage.

use crate::span::Spanned;
use crate::target::Target;

/// `INFER SCHEMA 'stage://stage/pattern' (FORMAT 'csv', …)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferSchema {
    /// A file, or a pattern of files, `stage://name/path`.
    pub target: Spanned<String>,
    /// As those of a staged file in FROM, names in upper case.
    pub options: Vec<(String, String)>,
}

/// `REMOVE FILES FROM STAGE [IF EXISTS] 'stage://stage/pattern'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoveFiles {
    /// `IF EXISTS`: no file that matches is fine.
    pub if_exists: bool,
    /// A file, or a pattern of files.
    pub target: Spanned<Target>,
}

/// `PRESIGN [DOWNLOAD | UPLOAD] 'stage://stage/file' [EXPIRE = seconds]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presign {
    /// What the URL is for.
    pub access: PresignAccess,
    /// The file.
    pub target: Spanned<Target>,
    /// How long the URL is good for, in seconds.
    pub expire_s: Option<Spanned<u64>>,
}

/// What a presigned URL is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PresignAccess {
    /// `DOWNLOAD`, also without a word.
    #[default]
    Download,
    /// `UPLOAD`.
    Upload,
}

/// `GET 'stage://stage/pattern' 'file:///folder' [OVERWRITE 'true']`: files of a stage to a folder of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetFiles {
    /// A file, a pattern of files, or a folder of the stage.
    pub source: Spanned<Target>,
    /// The client's folder: an absolute path, without `file://`.
    pub folder: Spanned<String>,
    /// `OVERWRITE`: whether files of the client that have the names are replaced.
    pub overwrite: Option<Spanned<bool>>,
}

/// `PUT 'file:///pattern' 'stage://stage/folder' [OVERWRITE 'true']`: files of the client to a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutFiles {
    /// The client's file, or a pattern of them: an absolute path, without `file://`.
    pub source: Spanned<String>,
    /// The stage's folder.
    pub target: Spanned<Target>,
    /// `OVERWRITE`: whether files of the stage that have the names are replaced.
    pub overwrite: Option<Spanned<bool>>,
}
