//! Gets a channel to a server: a remote one by URL, or one in this process by data directory.
//! Either way everything after this speaks gRPC; an embedded server is reached through memory.

mod authorization;
mod tls;
mod url;

use std::time::Duration;

use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

pub(crate) use self::authorization::{Authorization, Wire};
pub(crate) use self::tls::TlsFiles;
pub(crate) use self::url::ServerUrl;
use crate::credentials::Credential;
use crate::failure::{Asker, Failure, Target};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Which server to use.
pub(crate) enum Place {
    /// A server of our own, with its data here.
    #[cfg(feature = "embedded")]
    DataDir(Box<server::Settings>),
    /// A running server, and who asks it.
    Server(ServerAddress, Credential),
}

/// Where a running server is, and how to get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerAddress {
    pub(crate) url: ServerUrl,
    pub(crate) tls: TlsFiles,
}

/// A reachable server.
pub(crate) struct Connection {
    channel: Channel,
    authorization: Authorization,
    target: Target,
    #[cfg(feature = "embedded")]
    server: Option<server::Server>,
}

impl Connection {
    /// Connects, or opens the embedded server.
    ///
    /// # Errors
    /// A [`Failure`] when a remote server cannot be reached; otherwise what is wrong with the TLS files or
    /// the data directory.
    pub(crate) async fn open(place: &Place) -> anyhow::Result<Self> {
        match place {
            Place::Server(address, credential) => Ok(Self {
                channel: connect(address).await?,
                authorization: Authorization::of(credential)?,
                target: Target::new(
                    address.url.as_str(),
                    match credential {
                        Credential::Nobody => Asker::Nobody,
                        Credential::Password { .. } => Asker::Password,
                        Credential::Token { .. } => Asker::Token,
                    },
                ),
                #[cfg(feature = "embedded")]
                server: None,
            }),
            #[cfg(feature = "embedded")]
            Place::DataDir(settings) => {
                use anyhow::Context;
                let dir = &settings.data_dir;
                std::fs::create_dir_all(dir)
                    .with_context(|| format!("cannot create {}", dir.display()))?;
                let server = server::Server::open((**settings).clone()).await?;
                server.tell_recovery();
                let channel = server.serve_duplex().await?;
                Ok(Self {
                    channel,
                    authorization: Authorization::none(),
                    target: Target::new(&dir.display().to_string(), Asker::Owner),
                    server: Some(server),
                })
            }
        }
    }

    /// The channel, whose every call says who asks.
    pub(crate) fn wire(&self) -> Wire {
        self.wire_as(self.authorization.clone())
    }

    /// The channel, on behalf of somebody else.
    pub(crate) fn wire_as(&self, authorization: Authorization) -> Wire {
        InterceptedService::new(self.channel.clone(), authorization)
    }

    /// How to name the server in errors.
    pub(crate) fn target(&self) -> &Target {
        &self.target
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

async fn connect(address: &ServerAddress) -> anyhow::Result<Channel> {
    let url = &address.url;
    let mut endpoint = Endpoint::from_shared(url.as_str().to_owned())?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_while_idle(true);
    if url.is_tls() {
        endpoint = tls::secured(endpoint, &address.tls)?;
    }
    let channel = endpoint.connect().await;
    channel.map_err(|error| Failure::from_transport(&error, url.as_str()).into())
}
