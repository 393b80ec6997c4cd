//! What an export's files are digested by and encrypted to, from the statement, the file's name and the stage's
//! policies; contradictions are errors.

use exporter::{DigestAlgorithm, Recipients};
use parser::Export;

use super::is_true;
use crate::error::{Error, Reason, Result};
use crate::exports::ExportTarget;

/// DIGEST; `None` where it is not said.
///
/// # Errors
/// A list of digests that another program than the digest's would read.
pub(super) fn digest(statement: &Export) -> Result<Option<DigestAlgorithm>> {
    let options = &statement.options;
    let given = options.digest.as_ref().map(|digest| match digest.value {
        parser::DigestAlgorithm::Sha256 => DigestAlgorithm::Sha256,
        parser::DigestAlgorithm::Blake3 => DigestAlgorithm::Blake3,
    });
    let (sha256sums, b3sums) = (
        is_true(options.sha256sums.as_ref()),
        is_true(options.b3sums.as_ref()),
    );
    match given.unwrap_or_default() {
        DigestAlgorithm::Sha256 if b3sums => Err(invalid(
            "B3SUMS 'true' goes with DIGEST 'blake3'; for DIGEST 'sha256' it is SHA256SUMS 'true'",
        )),
        DigestAlgorithm::Blake3 if sha256sums => Err(invalid(
            "SHA256SUMS 'true' goes with DIGEST 'sha256'; for DIGEST 'blake3' it is B3SUMS 'true'",
        )),
        DigestAlgorithm::Sha256 | DigestAlgorithm::Blake3 => Ok(given),
    }
}

/// Whether the digests go beside the data.
pub(super) fn wants_checksums(statement: &Export) -> bool {
    let options = &statement.options;
    is_true(options.sha256sums.as_ref()) || is_true(options.b3sums.as_ref())
}

/// To whom the files are encrypted: by ENCRYPT TO, or by the policies of the target's stage.
///
/// # Errors
/// What is no recipient; [`Reason::PolicyDenied`] for others than the policies name.
pub(super) fn recipients(statement: &Export, target: &ExportTarget) -> Result<Option<Recipients>> {
    let wanted = match &statement.options.encrypt_to {
        Some(text) => Some(
            Recipients::parse(&text.value).map_err(|e| invalid(format_args!("ENCRYPT TO: {e}")))?,
        ),
        None => None,
    };
    let by_policy = target.policies().recipients(None)?.is_some();
    if by_policy && !statement.options.partition_by.is_empty() {
        return Err(target.policies().denies_partitions());
    }
    target.policies().recipients(wanted)
}

/// The name of the target's first file without `.age`, which tells of the rest what is in it.
///
/// # Errors
/// A name that promises encrypted files where they are not.
pub(super) fn plain_name(target: &ExportTarget, is_encrypted: bool) -> Result<&str> {
    let name = target.path.file_name();
    let Some((stem, suffix)) = name.rsplit_once('.') else {
        return Ok(name);
    };
    match (suffix.eq_ignore_ascii_case("age"), is_encrypted) {
        (true, true) => Ok(stem),
        (true, false) => Err(invalid(
            "the file suffix '.age' is that of encrypted files, and nobody is named who could read them: add ENCRYPT TO 'age1…', or choose another name",
        )),
        (false, true | false) => Ok(name),
    }
}

fn invalid(what: impl std::fmt::Display) -> Error {
    Error::internal(Reason::OptionInvalid, what)
}
