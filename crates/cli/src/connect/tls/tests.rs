//! Handshakes with a server of our own: what works, and what each failure says.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use proto::v1::GetCallerRequest;
use proto::v1::account_service_client::AccountServiceClient;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use tempfile::TempDir;
use tonic::transport::ServerTlsConfig;

use super::*;
use crate::connect::{Connection, Place, ServerAddress, ServerUrl};
use crate::credentials::{Credential, LoginName};
use crate::failure::Failure;
use crate::stub::{LOGIN, PASSWORD, Stub};

/// An authority, and a directory for its files.
struct Authority {
    dir: TempDir,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        Self::named("the authority")
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            dir: tempfile::tempdir().unwrap(),
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate and its key.
    fn issue(&self, mut params: CertificateParams) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn issue_for(&self, name: &str) -> (String, String) {
        self.issue(CertificateParams::new([name.to_owned()]).unwrap())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn ca_file(&self) -> PathBuf {
        self.file("ca.pem", &self.pem)
    }

    fn client_files(&self, name: &str) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.issue_for(name);
        (
            self.file("client.pem", &certificate),
            self.file("client.key", &key),
        )
    }

    fn trusted(&self) -> TlsFiles {
        TlsFiles {
            ca: Some(self.ca_file()),
            client: None,
        }
    }
}

/// A server with this certificate and key; `clients` issues the certificates that it asks for.
async fn serve(identity: (String, String), clients: Option<&Authority>) -> Stub {
    let mut tls = ServerTlsConfig::new().identity(Identity::from_pem(identity.0, identity.1));
    if let Some(clients) = clients {
        tls = tls.client_ca_root(Certificate::from_pem(&clients.pem));
    }
    Stub::start(Some(tls)).await
}

/// The user that the server takes us for, or what went wrong.
async fn caller(url: &str, tls: TlsFiles) -> Result<String, String> {
    let address = ServerAddress {
        url: ServerUrl::parse(url).unwrap(),
        tls,
    };
    let credential = Credential::Password {
        login: LoginName::parse(LOGIN).unwrap(),
        password: PASSWORD.into(),
    };
    let place = Place::Server(address, credential);
    let connection = match Connection::open(&place).await {
        Ok(connection) => connection,
        Err(error) => return Err(format!("{error:#}")),
    };
    let mut client = AccountServiceClient::new(connection.wire());
    match client.get_caller(GetCallerRequest {}).await {
        Ok(answer) => Ok(answer.into_inner().caller.unwrap().user),
        Err(status) => Err(Failure::from_status(&status, connection.target()).to_string()),
    }
}

async fn caller_at(server: &Stub, tls: TlsFiles) -> Result<String, String> {
    caller(&format!("https://localhost:{}", server.port()), tls).await
}

#[tokio::test]
async fn a_server_of_a_trusted_authority_is_used() {
    let authority = Authority::new();
    let server = serve(authority.issue_for("localhost"), None).await;
    assert_eq!(
        caller_at(&server, authority.trusted()).await,
        Ok("ann".to_owned())
    );
}

#[tokio::test]
async fn an_unknown_authority_is_told_of() {
    let authority = Authority::new();
    let server = serve(authority.issue_for("localhost"), None).await;
    // The second has the right name, but not the right key.
    for other in [Authority::named("another"), Authority::new()] {
        let error = caller_at(&server, other.trusted()).await.unwrap_err();
        assert!(
            error.starts_with("ERROR 2026 (HY000): no TLS connection to https://localhost:"),
            "{error}"
        );
        assert!(error.contains("not trusted here"), "{error}");
        assert!(error.contains("--ca-file"), "{error}");
    }
}

#[tokio::test]
async fn another_name_is_told_of() {
    let authority = Authority::new();
    let server = serve(authority.issue_for("other.example"), None).await;
    let error = caller_at(&server, authority.trusted()).await.unwrap_err();
    assert!(error.contains("is not for localhost but for"), "{error}");
    assert!(error.contains("other.example"), "{error}");
}

#[tokio::test]
async fn a_certificate_of_another_time_is_told_of() {
    let authority = Authority::new();
    for (from, to, words) in [(2001, 2002, "has expired"), (4000, 4001, "not valid yet")] {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let server = serve(authority.issue(params), None).await;
        let error = caller_at(&server, authority.trusted()).await.unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_who_asks() {
    let authority = Authority::new();
    let server = serve(authority.issue_for("localhost"), Some(&authority)).await;
    let files = TlsFiles {
        client: Some(authority.client_files("ann")),
        ..authority.trusted()
    };
    assert_eq!(caller_at(&server, files).await, Ok("ann".to_owned()));

    let error = caller_at(&server, authority.trusted()).await.unwrap_err();
    assert!(
        error.contains("asks for a client certificate: give --client-cert"),
        "{error}"
    );

    let stranger = Authority::new();
    let files = TlsFiles {
        client: Some(stranger.client_files("ann")),
        ..authority.trusted()
    };
    let error = caller_at(&server, files).await.unwrap_err();
    assert!(
        error.contains("does not accept the client certificate"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_without_tls_is_told_of() {
    let authority = Authority::new();
    let server = Stub::start(None).await;
    let error = caller_at(&server, authority.trusted()).await.unwrap_err();
    assert!(error.contains("does not speak TLS"), "{error}");
}

#[tokio::test]
async fn files_that_hold_something_else_are_named() {
    let authority = Authority::new();
    let (certificate, key) = authority.client_files("ann");
    let other_key = authority.file("other.key", &KeyPair::generate().unwrap().serialize_pem());
    let error = |tls| caller("https://localhost:1", tls);
    let wrong = error(TlsFiles {
        ca: Some(key.clone()),
        client: None,
    });
    assert!(
        wrong
            .await
            .unwrap_err()
            .contains("client.key holds no certificate")
    );
    let wrong = error(TlsFiles {
        client: Some((certificate.clone(), certificate.clone())),
        ..authority.trusted()
    });
    assert!(
        wrong
            .await
            .unwrap_err()
            .contains("client.pem holds no private key")
    );
    let wrong = error(TlsFiles {
        client: Some((certificate, other_key)),
        ..authority.trusted()
    });
    let text = wrong.await.unwrap_err();
    assert!(text.contains("cannot use the client certificate"), "{text}");
    let missing = error(TlsFiles {
        ca: Some("/nowhere/ca.pem".into()),
        client: None,
    });
    assert!(
        missing
            .await
            .unwrap_err()
            .contains("cannot read /nowhere/ca.pem")
    );
}
