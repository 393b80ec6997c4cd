//! Gets a channel to a server: a remote one by URL, or one in this process by data directory.
//! Either way everything after this speaks gRPC; an embedded server is reached through memory.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use crate::failure::{Failure, innermost};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Which server to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A server of our own, with its data here.
    #[cfg(feature = "embedded")]
    DataDir(std::path::PathBuf),
    /// A running server.
    Url(String),
}

/// A reachable server.
pub(crate) struct Connection {
    pub(crate) channel: Channel,
    /// How to name the server in errors.
    pub(crate) target: String,
    #[cfg(feature = "embedded")]
    server: Option<server::Server>,
}

impl Connection {
    /// Connects, or opens the embedded server.
    ///
    /// # Errors
    /// A [`Failure`] when a remote server cannot be reached; otherwise what is wrong with the URL or the
    /// data directory.
    pub(crate) async fn open(place: &Place) -> anyhow::Result<Self> {
        match place {
            Place::Url(url) => Ok(Self {
                channel: connect(url).await?,
                target: url.clone(),
                #[cfg(feature = "embedded")]
                server: None,
            }),
            #[cfg(feature = "embedded")]
            Place::DataDir(dir) => {
                use anyhow::Context;
                std::fs::create_dir_all(dir)
                    .with_context(|| format!("cannot create {}", dir.display()))?;
                let server = server::Server::open(server::Settings::embedded(dir))?;
                let channel = server.serve_duplex().await?;
                Ok(Self {
                    channel,
                    target: dir.display().to_string(),
                    server: Some(server),
                })
            }
        }
    }

    /// Lets an embedded server finish what runs.
    pub(crate) async fn close(self) {
        drop(self.channel);
        #[cfg(feature = "embedded")]
        if let Some(server) = self.server {
            server.shutdown().await;
        }
    }
}

async fn connect(url: &str) -> anyhow::Result<Channel> {
    let endpoint = endpoint(url)?;
    let channel = endpoint.connect().await;
    channel.map_err(|error| Failure::unreachable(url, &innermost(&error)).into())
}

fn endpoint(url: &str) -> anyhow::Result<Endpoint> {
    let lower = url.to_ascii_lowercase();
    if lower.starts_with("https:") {
        anyhow::bail!("cannot use {url}: TLS is not supported yet; use http://host:port");
    }
    let wrong =
        || format!("`{url}` is not a server's URL; it must read like http://127.0.0.1:7550");
    anyhow::ensure!(lower.starts_with("http://"), wrong());
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| anyhow::anyhow!(wrong()))?;
    let uri = endpoint.uri();
    let is_bare = uri.path_and_query().is_none_or(|rest| rest.as_str() == "/");
    anyhow::ensure!(
        uri.host().is_some() && is_bare && !url.contains('@'),
        wrong()
    );
    Ok(endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_while_idle(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        endpoint(url)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn plain_http_is_taken() {
        for url in ["http://127.0.0.1:7550", "HTTP://host", "http://[::1]:7550/"] {
            assert_eq!(refusal(url), "", "{url}");
        }
    }

    #[test]
    fn tls_is_refused_in_words() {
        assert!(refusal("https://host:7550").contains("TLS is not supported yet"));
    }

    #[test]
    fn other_texts_are_told_what_a_url_is() {
        for url in [
            "127.0.0.1:7550",
            "ftp://h",
            "http://",
            "http://h/path",
            "http://u:p@h",
            "",
        ] {
            assert!(
                refusal(url).contains("must read like http://127.0.0.1:7550"),
                "{url}"
            );
        }
    }
}
