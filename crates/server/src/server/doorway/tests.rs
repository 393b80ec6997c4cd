//! What a request learns on its way in, over each transport; and who gets in at all.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tonic::Request;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Uri};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::HealthServer;

use super::*;
use crate::connections::{self, ClientCertificate, Connection, Entry, PeerAddress};
use crate::settings::TlsSettings;
use crate::tls::Tls;

/// What one request knew.
type Known = (Option<PeerAddress>, Option<ClientCertificate>);

/// A doorway whose service keeps what each request knew.
fn listening_doorway() -> (Doorway, Arc<Mutex<Vec<Known>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let health = ServerHealth::opening();
    let keep = {
        let seen = Arc::clone(&seen);
        move |request: Request<()>| {
            let extensions = request.extensions();
            let known = (
                extensions.get::<PeerAddress>().copied(),
                extensions.get::<ClientCertificate>().cloned(),
            );
            seen.lock().unwrap().push(known);
            Ok(request)
        }
    };
    let doorway = Doorway::new(&health);
    doorway.open(Routes::new(HealthServer::with_interceptor(health, keep)));
    (doorway, seen)
}

async fn check(channel: Channel) -> Result<(), Status> {
    let request = HealthCheckRequest::default();
    HealthClient::new(channel).check(request).await.map(|_| ())
}

struct Listening {
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<Known>>>,
    /// Dropping it cuts connections off.
    _cut: futures::channel::oneshot::Sender<()>,
}

async fn listen(tls: Option<Arc<Tls>>, connections_max: usize, opening_max: Duration) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (cut, is_cut) = connections::cut();
    let entry = Entry {
        tls,
        connections_max,
        places: Arc::new(tokio::sync::Semaphore::new(connections_max)),
        opening_max,
        cut: is_cut,
    };
    let (doorway, seen) = listening_doorway();
    let incoming = connections::accept(listener, entry);
    tokio::spawn(connections::http2().serve_with_incoming(doorway, incoming));
    Listening {
        address,
        seen,
        _cut: cut,
    }
}

const LONG: Duration = Duration::from_secs(60);

fn endpoint(scheme: &str, listening: &Listening) -> Endpoint {
    Endpoint::from_shared(format!("{scheme}://localhost:{}", listening.address.port())).unwrap()
}

#[tokio::test]
async fn a_plain_request_knows_its_address() {
    let listening = listen(None, 9, LONG).await;
    check(endpoint("http", &listening).connect().await.unwrap())
        .await
        .unwrap();
    let seen = listening.seen.lock().unwrap();
    let (Some(PeerAddress(address)), None) = &seen[0] else {
        unreachable!("{seen:?}");
    };
    assert!(address.ip().is_loopback() && address.port() != listening.address.port());
}

#[tokio::test]
async fn a_request_through_memory_has_no_address() {
    let (client, server) = tokio::io::duplex(1 << 16);
    let (doorway, seen) = listening_doorway();
    let incoming = futures::stream::iter([Ok::<_, std::io::Error>(Connection::memory(server))]);
    tokio::spawn(connections::http2().serve_with_incoming(doorway, incoming));
    let mut client = Some(TokioIo::new(client));
    let connect = tower::service_fn(move |_: Uri| {
        let client = client.take().ok_or(std::io::ErrorKind::AddrInUse);
        async move { client.map_err(std::io::Error::from) }
    });
    let endpoint = Endpoint::from_static("http://in-memory");
    check(endpoint.connect_with_connector(connect).await.unwrap())
        .await
        .unwrap();
    assert_eq!(*seen.lock().unwrap(), [(None, None)]);
}

#[tokio::test]
async fn a_request_knows_the_subject_of_its_client_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let issue = |name: &str| {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Example, Ltd");
        let key = KeyPair::generate().unwrap();
        (
            params.signed_by(&key, &root).unwrap().pem(),
            key.serialize_pem(),
        )
    };
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Some(path)
    };
    let (cert, key) = issue("localhost");
    let settings = TlsSettings {
        cert: write("cert", &cert),
        key: write("key", &key),
        client_ca: write("ca", &root.pem()),
    };
    let listening = listen(Tls::open(&settings).unwrap(), 9, LONG).await;
    let (cert, key) = issue("loader");
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(root.pem()))
        .identity(Identity::from_pem(cert, key));
    let endpoint = endpoint("https", &listening).tls_config(tls).unwrap();
    check(endpoint.connect().await.unwrap()).await.unwrap();
    let seen = listening.seen.lock().unwrap();
    let (Some(PeerAddress(_)), Some(certificate)) = &seen[0] else {
        unreachable!("{seen:?}");
    };
    assert!(
        certificate.subject.contains("CN=loader")
            && certificate.subject.contains(r"O=Example\, Ltd"),
        "{certificate:?}"
    );
}

#[tokio::test]
async fn no_more_connections_than_the_limit() {
    let listening = listen(None, 1, LONG).await;
    let first = endpoint("http", &listening).connect().await.unwrap();
    check(first.clone()).await.unwrap();
    let mut second = TcpStream::connect(listening.address).await.unwrap();
    assert_eq!(second.read(&mut [0]).await.unwrap(), 0);
    // The first one is as it was; when it has gone, there is room.
    check(first.clone()).await.unwrap();
    drop(first);
    loop {
        let connected = endpoint("http", &listening).connect().await;
        if let Ok(channel) = connected
            && check(channel).await.is_ok()
        {
            break;
        }
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let listening = listen(None, 9, Duration::from_millis(50)).await;
    let mut silent = TcpStream::connect(listening.address).await.unwrap();
    // It ends; without the limit this would wait for ever.
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    assert!(listening.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_cut_ends_connections_that_are_in_use() {
    let listening = listen(None, 9, LONG).await;
    let channel = endpoint("http", &listening).connect().await.unwrap();
    let mut client = HealthClient::new(channel);
    let watched = client.watch(HealthCheckRequest::default()).await.unwrap();
    let mut watched = watched.into_inner();
    watched.message().await.unwrap().unwrap();
    drop(listening);
    assert!(watched.message().await.is_err());
}

#[tokio::test]
async fn before_the_services_are_there_only_health_answers() {
    let (client, server) = tokio::io::duplex(1 << 16);
    let doorway = Doorway::new(&ServerHealth::opening());
    let incoming = futures::stream::iter([Ok::<_, std::io::Error>(Connection::memory(server))]);
    tokio::spawn(connections::http2().serve_with_incoming(doorway, incoming));
    let mut client = Some(TokioIo::new(client));
    let connect = tower::service_fn(move |_: Uri| {
        let client = client.take().ok_or(std::io::ErrorKind::AddrInUse);
        async move { client.map_err(std::io::Error::from) }
    });
    let channel = Endpoint::from_static("http://in-memory")
        .connect_with_connector(connect)
        .await
        .unwrap();
    check(channel.clone()).await.unwrap();
    let mut sql = proto::v1::sql_service_client::SqlServiceClient::new(channel);
    let request = proto::v1::OpenSessionRequest::default();
    let status = sql.open_session(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(info.reason, "SERVER_STARTING");
    assert!(details.retry_info().is_some());
}
