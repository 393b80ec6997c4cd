//! `Scripted`: a server that answers what a test wrote, with or without transport security, and keeps what
//! it was asked.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Answers requests by a script. Its threads end with the process.
pub struct Scripted {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    certificate: Option<String>,
}

/// A whole answer, from a request's head and body.
type Script = dyn Fn(&str, &[u8]) -> String + Send + Sync;

impl Scripted {
    /// A server without transport security. `script` makes a whole answer from a request's head.
    pub fn plain(script: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::start(None, move |head: &str, _: &[u8]| script(head))
    }

    /// The same for a script that wants the request's body, too.
    pub fn with_bodies(script: impl Fn(&str, &[u8]) -> String + Send + Sync + 'static) -> Self {
        Self::start(None, script)
    }

    /// A server for these names, under a certificate that nobody trusts yet.
    pub fn tls(names: &[&str], script: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certified = generate_simple_self_signed(names).unwrap();
        Self::start(Some(certified), move |head: &str, _: &[u8]| script(head))
    }

    fn start(
        certified: Option<CertifiedKey<rcgen::KeyPair>>,
        script: impl Fn(&str, &[u8]) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            heads: Arc::default(),
            certificate: certified.as_ref().map(|certified| certified.cert.pem()),
        };
        let tls = certified.map(|certified| Arc::new(config(&certified)));
        let (heads, script) = (Arc::clone(&server.heads), Arc::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (heads, script, tls) = (Arc::clone(&heads), Arc::clone(&script), tls.clone());
                std::thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
                    match tls {
                        None => serve(stream, &heads, &*script),
                        Some(tls) => {
                            let connection = ServerConnection::new(tls).unwrap();
                            serve(StreamOwned::new(connection, stream), &heads, &*script);
                        }
                    }
                });
            }
        });
        server
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate to trust, as PEM.
    pub fn certificate(&self) -> String {
        self.certificate
            .clone()
            .expect("the server has a certificate")
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn config(certified: &CertifiedKey<rcgen::KeyPair>) -> ServerConfig {
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap()
}

/// One request a connection; the answers say so.
fn serve(mut stream: impl Read + Write, heads: &Mutex<Vec<String>>, script: &Script) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    let end = loop {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(length) => request.extend_from_slice(&piece[..length]),
        }
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
    };
    let head = String::from_utf8_lossy(&request[..end]).into_owned();
    heads.lock().unwrap().push(head.clone());
    let length = header(&head, "content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let mut body = request.split_off(end + 4);
    while body.len() < length {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(length) => body.extend_from_slice(&piece[..length]),
        }
    }
    let _ = stream.write_all(script(&head, &body).as_bytes());
    let _ = stream.flush();
}

/// The value of a request's header, by its name in lower case.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// An answer with a status such as `200 OK`, headers each with its line's end, and a body.
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}
