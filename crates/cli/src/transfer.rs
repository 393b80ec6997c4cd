//! GET and PUT: files between a stage and this machine, for the shell's statements and for `stagedoor file`.
//! A file here appears whole under its name or not at all; its checksum is the server's, and the other way round.

mod get;
mod put;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use indicatif::{ProgressBar, ProgressStyle};
use parser::{Plan, Target};
use proto::v1::{FileTransfer, FileTransferDirection};

pub(crate) use get::get;
pub(crate) use put::{LocalFile, local_files, put};

use crate::client::{Files, StagePath};
use crate::failure::Failure;
use crate::render::{Format, Rows};

/// A file that was carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// Why a file was not carried.
#[derive(Debug)]
pub(crate) enum TransferError {
    /// The server refused it or could not finish it.
    Failed(Failure),
    /// What is wrong on this machine.
    Local(String),
}

impl From<Failure> for TransferError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl std::fmt::Display for TransferError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(failure) => failure.fmt(f),
            Self::Local(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for TransferError {}

/// Something with a path of this machine that did not work.
fn local(what: &str, path: &std::path::Path, error: &io::Error) -> TransferError {
    TransferError::Local(format!("cannot {what} {}: {error}", path.display()))
}

/// What is done with files that have the names, and whether progress is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) overwrite: bool,
    pub(crate) progress: bool,
}

impl Manner {
    /// Progress is for a terminal.
    pub(crate) fn new(overwrite: bool, no_progress: bool) -> Self {
        Self {
            overwrite,
            progress: !no_progress && io::stderr().is_terminal(),
        }
    }
}

/// What goes where.
#[derive(Debug, Clone)]
pub(crate) enum Transfer {
    /// From the stage to a folder here.
    Get { from: StagePath, folder: PathBuf },
    /// Files from here to a folder of the stage.
    Put {
        files: Vec<LocalFile>,
        to: StagePath,
    },
}

impl Transfer {
    /// Carries all of it, one file after another. What was carried before an error is in `carried`.
    ///
    /// # Errors
    /// The first file's that was not carried.
    pub(crate) async fn run(
        self,
        files: &mut Files,
        manner: Manner,
        carried: &mut Vec<Carried>,
    ) -> Result<(), TransferError> {
        match self {
            Self::Get { from, folder } => get(files, &from, &folder, manner, carried).await,
            Self::Put { files: local, to } => put(files, &local, &to, manner, carried).await,
        }
    }
}

/// What a statement asks this machine to carry, and whether it replaces files, if that is what the server has
/// understood, too: the statement is read here once more, for a server that means ill could name any file of this
/// machine, or any place for one.
///
/// # Errors
/// In words: what the server wants that the statement does not say.
pub(crate) fn of_statement(
    statement: &str,
    wanted: &FileTransfer,
) -> Result<(Transfer, bool), String> {
    let asked = asked(statement).filter(|asked| asked == wanted);
    let Some(asked) = asked else {
        return Err(format!(
            "the server asks to carry '{}' of this machine and '{}' of {}, which the statement does not say; nothing was carried",
            crate::output::printable(&wanted.local_path, &[]),
            crate::output::printable(&wanted.path, &[]),
            crate::output::printable(&wanted.parent, &[]),
        ));
    };
    let at = StagePath {
        parent: asked.parent,
        path: asked.path,
    };
    let transfer = match wanted.direction() {
        FileTransferDirection::Put => Transfer::Put {
            files: local_files(&asked.local_path).map_err(|error| error.to_string())?,
            to: at,
        },
        FileTransferDirection::Get | FileTransferDirection::Unspecified => Transfer::Get {
            from: at,
            folder: PathBuf::from(asked.local_path),
        },
    };
    Ok((transfer, asked.overwrite))
}

/// What GET or PUT asks for; `None` of any other statement.
fn asked(statement: &str) -> Option<FileTransfer> {
    let plan = parser::parse(statement).ok()?;
    let (direction, target, local_path, overwrite) = if let Plan::GetFiles(get) = plan {
        let direction = FileTransferDirection::Get;
        (direction, get.source, get.folder, get.overwrite)
    } else if let Plan::PutFiles(put) = plan {
        let direction = FileTransferDirection::Put;
        (direction, put.target, put.source, put.overwrite)
    } else {
        return None;
    };
    let Target::Stage { name, path } = target.value else {
        return None;
    };
    Some(FileTransfer {
        direction: direction.into(),
        parent: format!("stages/{name}"),
        path,
        local_path: local_path.value,
        overwrite: overwrite.is_some_and(|overwrite| overwrite.value),
    })
}

/// `stage://stage/path`, taken apart.
pub(crate) fn stage_path(text: &str) -> Option<StagePath> {
    let rest = text
        .get(.."stage://".len())
        .filter(|scheme| scheme.eq_ignore_ascii_case("stage://"))
        .and_then(|scheme| text.get(scheme.len()..))?;
    let (stage, path) = rest.split_once('/').unwrap_or((rest, ""));
    (!stage.is_empty()).then(|| StagePath {
        parent: format!("stages/{}", stage.to_lowercase()),
        path: path.to_owned(),
    })
}

/// `stage://stage/path`, as people write it.
fn shown(at: &StagePath) -> String {
    let stage = at.parent.strip_prefix("stages/").unwrap_or(&at.parent);
    format!("stage://{stage}/{}", at.path)
}

/// Prints what was carried.
///
/// # Errors
/// Those of `out`.
pub(crate) fn report(out: &mut dyn Write, format: Format, carried: &[Carried]) -> io::Result<()> {
    let texts = |of: fn(&Carried) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(carried.iter().map(of)))
    };
    let sizes = carried.iter().map(|file| file.bytes);
    let batch = RecordBatch::try_from_iter([
        ("source", texts(|file| &file.source)),
        ("target", texts(|file| &file.target)),
        (
            "size",
            Arc::new(UInt64Array::from_iter_values(sizes)) as ArrayRef,
        ),
        ("sha256", texts(|file| &file.sha256)),
    ])
    .map_err(io::Error::other)?;
    let mut rows = Rows::new(format, &batch.schema());
    rows.write(out, &batch)?;
    rows.finish(out)?;
    out.flush()
}

/// The bar of one file, on standard error. It removes itself when dropped.
#[derive(Debug)]
struct FileBar(Option<ProgressBar>);

impl FileBar {
    fn begin(name: &str, manner: Manner) -> Self {
        if !manner.progress {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner();
        let template = "{msg} [{bar:20}] {percent:>3}%  {bytes}  {bytes_per_sec}  ETA {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(crate::output::printable(name, &[]).into_owned());
        Self(Some(bar))
    }

    fn is(&self, position: u64, length: u64) {
        if let Some(bar) = &self.0 {
            bar.set_length(length);
            bar.set_position(position);
        }
    }
}

impl Drop for FileBar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests;
