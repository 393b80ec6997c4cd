//! The options of `stagedoor serve`. Each but `--config` overrides the setting of the same meaning.
//! A password itself is no option: other users of the machine can read command lines.

use std::path::PathBuf;

use clap::Args;

/// What `stagedoor serve` overrides.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Exit status: 0 after a stop that was asked for; 1 when the server cannot start or fails;
2 for a wrong command line; 130 after a second signal.")]
pub(crate) struct ServeArgs {
    /// Settings (TOML); STAGEDOOR_* environment variables override them
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The server's data; overrides the settings
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Where to listen, such as 127.0.0.1:7550; overrides the settings
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<std::net::SocketAddr>,

    /// Where to speak the MySQL protocol, such as 127.0.0.1:6001; overrides the settings
    #[arg(long, value_name = "ADDR")]
    pub(crate) mysql_listen: Option<std::net::SocketAddr>,

    /// Where to serve /metrics, /healthz and /readyz over HTTP, such as 127.0.0.1:9464, without a login;
    /// overrides the settings; off unless it is set
    #[arg(long, value_name = "ADDR", visible_alias = "http-listen")]
    pub(crate) metrics_listen: Option<std::net::SocketAddr>,

    /// Where OpenTelemetry's traces go, by OTLP over gRPC, such as http://127.0.0.1:4317; overrides the settings and
    /// OTEL_EXPORTER_OTLP_ENDPOINT; none are taken unless one of them is set
    #[arg(long, value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,

    /// The file with the password that `root` gets in a new data directory; without it, a random one
    /// is printed once; overrides the settings
    #[arg(long, value_name = "FILE")]
    pub(crate) root_password_file: Option<PathBuf>,

    /// The certificate (PEM) for https:// clients; overrides the settings
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The key (PEM) of the certificate; overrides the settings
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Ask every client for a certificate of an authority of this file (PEM); overrides the settings
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_client_ca: Option<PathBuf>,

    /// Listen beyond this machine without TLS: others on the way can read passwords and data
    #[arg(long)]
    pub(crate) insecure: bool,

    /// How to write log lines
    #[arg(long, value_enum, default_value_t = crate::logging::LogFormat::Text)]
    pub(crate) log_format: crate::logging::LogFormat,
}
