//! Why an export ended without a file, in a client's terms.

use std::io;

use exporter::ExportErrorKind;

use crate::error::{Error, Reason};

/// What stopped the driver, in the words of the layer where it happened.
pub(super) fn export_error(error: exporter::ExportError) -> Error {
    let source = || std::error::Error::source(&error);
    match error.kind() {
        ExportErrorKind::Source => {
            let source = source();
            match source.and_then(|source| source.downcast_ref::<query::Error>()) {
                Some(query_error) => query_error.clone().into(),
                None => match source.and_then(|source| source.downcast_ref::<Error>()) {
                    Some(own) => own.clone(),
                    None => Error::defect(&error).with_source(error),
                },
            }
        }
        ExportErrorKind::Encode => Error::internal(Reason::ValueInvalid, &error).with_source(error),
        ExportErrorKind::Sink => sink_error(error),
        _ => Error::defect(&error).with_source(error),
    }
}

/// What the operating system said to a write, in a client's terms.
pub(crate) fn write_error(what: &str, error: &io::Error) -> Error {
    let is_store_refusal = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<storage::Error>())
        .is_some_and(|inner| inner.kind() == storage::ErrorKind::Refused);
    let (reason, code) = match error.kind() {
        _ if is_store_refusal => (Reason::StoreRefused, 1815),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            (Reason::StorageFull, 1021)
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (Reason::PermissionDenied, 1815)
        }
        _ => (Reason::StorageFailed, 1815),
    };
    Error::new(
        reason,
        code,
        "HY000",
        format!("failed to write {what}: {error}"),
    )
}

fn sink_error(error: exporter::ExportError) -> Error {
    let io =
        std::error::Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>());
    let own = io.and_then(io::Error::get_ref);
    if let Some(own) = own.and_then(|own| own.downcast_ref::<Error>()) {
        return own.clone();
    }
    match io {
        Some(io) => write_error("the export", io).with_source(error),
        None => {
            Error::new(Reason::StorageFailed, 1815, "HY000", error.to_string()).with_source(error)
        }
    }
}
