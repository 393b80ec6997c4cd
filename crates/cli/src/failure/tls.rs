//! Why no TLS connection came about: each of rustls' errors becomes a sentence that says what to do.
//! The sentence goes on from `no TLS connection to URL: `.

use std::error::Error;
use std::io;

use tokio_rustls::rustls;
use tokio_rustls::rustls::{AlertDescription, CertificateError};

use super::innermost;

/// Why no TLS connection came about, in a sentence; `None` when TLS was not the reason.
pub(super) fn trouble(error: &(dyn Error + 'static)) -> Option<String> {
    let Some(found) = rustls_error(error) else {
        return late_alert(error).map(alert_trouble);
    };
    let reason = match found {
        rustls::Error::InvalidCertificate(reason) => certificate_trouble(reason),
        rustls::Error::AlertReceived(alert) => alert_trouble(*alert),
        rustls::Error::InvalidMessage(_) => {
            "it does not speak TLS: is it an http:// server?".to_owned()
        }
        other => other.to_string(),
    };
    Some(reason)
}

fn certificate_trouble(reason: &CertificateError) -> String {
    match reason {
        // A bad signature is that of an authority which only has the name of a trusted one.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate comes from an authority that is not trusted here: name that authority's certificate by --ca-file FILE".to_owned()
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => format!(
            "its certificate is not for {} but for {}: use a name that it is for",
            expected.to_str(),
            presented.join(", ")
        ),
        CertificateError::NotValidForName => {
            "its certificate is for another name than the URL's".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired: the server needs a new one".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet: do the clocks agree?".to_owned()
        }
        CertificateError::Revoked => "its certificate was revoked".to_owned(),
        other => format!("its certificate is not accepted: {other}"),
    }
}

/// Alerts about the client's certificate. With TLS 1.3 they come after the handshake.
const CLIENT_ALERTS: [AlertDescription; 9] = [
    AlertDescription::AccessDenied,
    AlertDescription::BadCertificate,
    AlertDescription::CertificateExpired,
    AlertDescription::CertificateRequired,
    AlertDescription::CertificateRevoked,
    AlertDescription::CertificateUnknown,
    AlertDescription::DecryptError,
    AlertDescription::UnknownCA,
    AlertDescription::UnsupportedCertificate,
];

fn alert_trouble(alert: AlertDescription) -> String {
    if alert == AlertDescription::CertificateRequired {
        "it asks for a client certificate: give --client-cert FILE and --client-key FILE".to_owned()
    } else if CLIENT_ALERTS.contains(&alert) {
        format!(
            "it does not accept the client certificate ({alert:?}): --client-cert must be one that it trusts"
        )
    } else {
        format!("it refused the handshake ({alert:?})")
    }
}

/// The alert that ended an established connection. HTTP/2 keeps only the text of an I/O error, so the
/// text that rustls gives such an alert is looked for.
fn late_alert(error: &(dyn Error + 'static)) -> Option<AlertDescription> {
    let text = innermost(error);
    CLIENT_ALERTS
        .into_iter()
        .find(|alert| text == rustls::Error::AlertReceived(*alert).to_string())
}

/// rustls' error in a chain of sources. An `io::Error` hides the error that it wraps from the chain.
fn rustls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(|error| error.get_ref());
        next = match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}
