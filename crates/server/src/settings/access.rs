//! The sections on who gets in and what may be reached: transport security, logins, the server key,
//! paths and endpoints.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

/// `[tls]`: PEM files, read again when they change. Without `cert` and `key` the port is plain text.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// The server's certificate, and after it those between it and its root.
    pub cert: Option<PathBuf>,
    /// The certificate's private key; refused when all users of the machine can read it.
    pub key: Option<PathBuf>,
    /// Roots of client certificates. Set: every client must present one.
    pub client_ca: Option<PathBuf>,
}

/// `[auth]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSettings {
    /// Holds the password that `root` gets in a new data directory; unset: a random one is printed once.
    pub root_password_file: Option<PathBuf>,
    /// How long a token of a login is valid that asks for no time, in seconds.
    pub token_s_default: u64,
    /// The longest that a token can be valid, in seconds.
    pub token_s_max: u64,
    /// The longest delay of a login after failed ones, in milliseconds.
    pub login_delay_ms_max: u64,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            root_password_file: None,
            token_s_default: 12 * 3600,
            token_s_max: 30 * 24 * 3600,
            login_delay_ms_max: 30_000,
        }
    }
}

/// `[secrets]`: where the server key comes from (one of three places), and which credentials stages may
/// take from the server's surroundings.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecretSettings {
    /// The file with the server key; unset: `server.key` in the data directory, made on first start.
    pub key_file: Option<PathBuf>,
    /// The environment variable that holds the server key.
    pub key_env: Option<String>,
    /// A program and its arguments, run without a shell, whose output is the server key.
    pub key_command: Option<Vec<String>>,
    /// What stages' credentials may refer to: `env:NAME`, `env:PREFIX*`, `file:/path`, `file:/folder/`.
    /// None by default.
    pub references: Vec<String>,
}

/// `[paths]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PathSettings {
    /// The only folders that `file://` stages and local paths may use, in every account. Unset: every
    /// folder but the server's own, `/proc`, `/sys` and `/dev`.
    pub allow: Option<Vec<PathBuf>>,
    /// The folders of each account. One that is not listed has none; `sys` then has all that `allow` permits.
    pub accounts: BTreeMap<String, Vec<PathBuf>>,
}

/// `[internal]`: where the files of internal stages are. Tables stay in the data directory.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InternalSettings {
    /// `file:///absolute/path`, `s3://bucket/prefix` or `oss://bucket/prefix`. Unset: below the data directory.
    pub stages: Option<String>,
    /// For a bucket, with the keys of CREATE STAGE's CREDENTIALS; secrets by reference, `env:NAME` or `file:/path`.
    pub credentials: BTreeMap<String, String>,
}

/// `[endpoints]`: where stages may connect to. Without a list, any public host by https.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointSettings {
    /// Hosts (`minio`, `minio:9000`), addresses and networks (`10.0.0.0/8`): with any, they are all that there is.
    /// Private, link-local and metadata addresses and the server's own are refused unless they are listed.
    pub allow: Vec<String>,
    /// Permits http, which anyone on the way can read.
    pub http: bool,
    /// Addresses of host names that the system's resolver is not asked for. `allow` holds for them as for any
    /// other.
    pub hosts: BTreeMap<String, Vec<IpAddr>>,
}

/// `[mysql]`: the port that speaks the MySQL protocol. Off unless `listen` is set.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MysqlSettings {
    /// Its address, 127.0.0.1:6001 by custom; port 0 takes a free one. With `[tls]` clients may ask for TLS, with the
    /// same files, and must where they come from another machine, unless `insecure` is set.
    pub listen: Option<SocketAddr>,
    /// The longest packet of a client, in bytes: MySQL's `max_allowed_packet`.
    pub packet_bytes_max: usize,
    /// Prepared statements of one connection.
    pub statements_max: usize,
    /// Bytes of the prepared statements of one connection: of their texts, parameters and columns, together.
    pub statements_bytes_max: usize,
    /// The longest file of LOAD DATA LOCAL, in bytes; 0 takes none.
    pub local_file_bytes_max: u64,
    /// How long a client of LOAD DATA LOCAL may send nothing of its file; then its connection ends.
    pub local_file_stall_s: u64,
}

impl Default for MysqlSettings {
    fn default() -> Self {
        Self {
            listen: None,
            packet_bytes_max: 64 << 20,
            statements_max: 1024,
            statements_bytes_max: 64 << 20,
            local_file_bytes_max: 1 << 30,
            local_file_stall_s: 60,
        }
    }
}

/// `[http]`: the port that serves download links. Off unless `listen` is set.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    /// Its address; port 0 takes a free one. With `[tls]` it speaks TLS, with the same files.
    pub listen: Option<SocketAddr>,
    /// How links begin, such as `https://files.example.com`, where clients reach the port by another name.
    pub public_url: Option<String>,
}

/// `[metrics]`: the port for Prometheus and health over HTTP. Off unless `listen` is set.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsSettings {
    /// Its address; port 0 takes a free one. It speaks plain text and asks for no login, so without `insecure` it has to
    /// be a loopback address.
    pub listen: Option<SocketAddr>,
}
