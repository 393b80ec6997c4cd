//! Transport security of the real server: whom it lets in, whom clients believe, and certificates that
//! change while it runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proto::v1;
use proto::v1::sql_service_client::SqlServiceClient;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::harness::execute;
use crate::serve_process::{ServeProcess, as_root};

/// A root, and certificates by it.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate of that name, and its key, as PEM.
    fn issue(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// Trusts this authority.
    fn client(&self) -> ClientTlsConfig {
        ClientTlsConfig::new().ca_certificate(Certificate::from_pem(self.0.pem()))
    }

    /// Is known to this authority.
    fn identity(&self, name: &str) -> Identity {
        let (certificate, key) = self.issue(name);
        Identity::from_pem(certificate, key)
    }
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    // As those do who replace certificates.
    let new = folder.join(format!("{name}.new"));
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(new, &path).unwrap();
    path
}

/// Puts a certificate for localhost in place; gives the `[tls]` section.
fn install(folder: &Path, authority: &Authority) -> String {
    let (certificate, key) = authority.issue("localhost");
    let key = write(folder, "tls.key", &key);
    let certificate = write(folder, "tls.crt", &certificate);
    format!(
        "[tls]\ncert = '{}'\nkey = '{}'\n",
        certificate.display(),
        key.display()
    )
}

fn endpoint(scheme: &str, address: &str) -> Endpoint {
    let (_, port) = address.rsplit_once(':').unwrap();
    Endpoint::from_shared(format!("{scheme}://localhost:{port}")).unwrap()
}

/// Connects and asks for 1.
async fn select(address: &str, tls: ClientTlsConfig) -> Result<Channel, String> {
    let endpoint = endpoint("https", address).tls_config(tls).unwrap();
    let channel = endpoint.connect().await.map_err(|e| format!("{e:?}"))?;
    select_over(&channel).await?;
    Ok(channel)
}

async fn select_over(channel: &Channel) -> Result<(), String> {
    let request = v1::ExecuteRequest {
        statement: "SELECT 1".to_owned(),
        ..Default::default()
    };
    let mut client = SqlServiceClient::new(as_root(channel.clone()));
    let answer = execute(&mut client, request).await;
    assert_eq!(answer.map_err(|e| format!("{e:?}"))?.cell(), "1");
    Ok(())
}

/// What a client that trusts the authority gets from the port of a link.
async fn followed(url: &str, authority: &Authority) -> std::io::Result<String> {
    let (address, path) = url
        .strip_prefix("https://")
        .and_then(|rest| rest.split_once('/'))
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.0.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let socket = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await?;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_as_secure_as_the_port() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let settings = install(folder.path(), &authority);
    let settings = format!("{settings}[http]\nlisten = '127.0.0.1:0'\n");
    let mut server = ServeProcess::start(&settings, folder.path(), &[]);
    let channel = select(&server.address(), authority.client()).await.unwrap();
    let mut client = SqlServiceClient::new(as_root(channel));
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    fs::write(files.join("a.txt"), "linked").unwrap();
    let mut url = String::new();
    for statement in [
        format!("CREATE STAGE s URL = '{}'", files.display()),
        "PRESIGN 'stage://s/a.txt'".to_owned(),
    ] {
        let request = v1::ExecuteRequest {
            statement,
            ..Default::default()
        };
        let rows = execute(&mut client, request).await.unwrap().rows();
        url = rows.first().map_or(url, |row| row[1].clone());
    }
    let answer = followed(&url, &authority).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nlinked"), "{answer}");
    let unknown = followed(&url, &other).await.unwrap_err();
    assert!(unknown.to_string().contains("UnknownIssuer"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_who_know_its_root_talk_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let settings = install(folder.path(), &authority);
    // With TLS any address will do.
    let args = ["--listen", "0.0.0.0:0"];
    let mut server = ServeProcess::start(&settings, folder.path(), &args);
    let address = server.address();
    select(&address, authority.client()).await.unwrap();
    let unknown = select(&address, other.client()).await.unwrap_err();
    assert!(unknown.contains("UnknownIssuer"), "{unknown}");
    let named = authority.client().domain_name("elsewhere");
    let misnamed = select(&address, named).await.unwrap_err();
    assert!(misnamed.contains("NotValidForName"), "{misnamed}");
    let plain = endpoint("http", &address).connect().await;
    assert!(match plain {
        Ok(channel) => select_over(&channel).await.is_err(),
        Err(_) => true,
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn client_certificates_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, clients) = (Authority::new("one"), Authority::new("other"));
    let mut settings = install(folder.path(), &authority);
    let roots = write(folder.path(), "clients.crt", &clients.0.pem());
    settings += &format!("client_ca = '{}'\n", roots.display());
    let mut server = ServeProcess::start(&settings, folder.path(), &[]);
    let address = server.address();
    let known = authority.client().identity(clients.identity("loader"));
    select(&address, known).await.unwrap();
    select(&address, authority.client()).await.unwrap_err();
    let unknown = authority.client().identity(authority.identity("loader"));
    select(&address, unknown).await.unwrap_err();
    server.wait_for("closed a connection that did not open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_certificate_is_used_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = (Authority::new("one"), Authority::new("other"));
    let settings = install(folder.path(), &before);
    let mut server = ServeProcess::start(&settings, folder.path(), &[]);
    let address = server.address();
    let connected = select(&address, before.client()).await.unwrap();

    install(folder.path(), &after);
    server.wait_for("read the changed TLS files");
    select(&address, after.client()).await.unwrap();
    select(&address, before.client()).await.unwrap_err();
    // Who is connected stays so.
    select_over(&connected).await.unwrap();

    // The key of another certificate, as between two copies.
    let (_, other_key) = before.issue("localhost");
    let key = write(folder.path(), "tls.key", &other_key);
    let line = server.wait_for("the certificate before stays in use");
    assert!(line.contains("cannot be used together"), "{line}");
    select(&address, after.client()).await.unwrap();

    fs::write(&key, "no key").unwrap();
    let line = server.wait_for("the certificate before stays in use");
    assert!(
        line.contains("must be a private key in PEM form: it holds none"),
        "{line}"
    );
    select(&address, after.client()).await.unwrap();
}

#[test]
fn files_that_cannot_be_used_keep_it_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let settings = install(folder.path(), &Authority::new("one"));
    let refusal = |settings: &str| {
        let mut server = ServeProcess::start(settings, folder.path(), &[]);
        assert_eq!(server.wait().code(), Some(1), "{:?}", server.read);
        server.read.join("\n")
    };
    let key = folder.path().join("tls.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let said = refusal(&settings);
    let expected = format!(
        "can be read by every user of this machine: chmod 600 '{}'",
        key.display()
    );
    assert!(said.contains(&expected), "{said}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let planted = "-----BEGIN PRIVATE KEY-----\nplanted/secret?\n-----END PRIVATE KEY-----\n";
    fs::write(&key, planted).unwrap();
    let said = refusal(&settings);
    assert!(
        said.contains("must be a private key in PEM form: it is malformed"),
        "{said}"
    );
    assert!(!said.contains("planted"), "{said}");
    let cert = folder.path().join("tls.crt");
    fs::write(&cert, "").unwrap();
    let said = refusal(&settings);
    assert!(
        said.contains("must be certificates in PEM form: it holds none"),
        "{said}"
    );
    let without_key = settings.lines().take(2).collect::<Vec<_>>().join("\n");
    assert!(refusal(&without_key).contains("but tls.key is not set: TLS needs both"));
}

#[test]
fn plain_text_to_other_machines_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--listen", "0.0.0.0:0"];
    let mut server = ServeProcess::start("", folder.path(), &args);
    assert_eq!(server.wait().code(), Some(1));
    let said = server.read.join("\n");
    assert!(
        said.contains("set tls.cert and tls.key, listen on 127.0.0.1, or set insecure = true"),
        "{said}"
    );
    assert!(!folder.path().join("data").exists());
    let mut server = ServeProcess::start("insecure = true\n", folder.path(), &args);
    server.address();
}
