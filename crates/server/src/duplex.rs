//! The same gRPC services over memory instead of a socket: for a shell with its own server, and for tests.

use hyper_util::rt::TokioIo;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::connections::{self, Connection};
use crate::grpc::Trust;
use crate::instance::OpenError;
use crate::server::Server;

const BUFFER_BYTES: usize = 1 << 20;

impl Server {
    /// Serves in memory and gives the client's end. The server runs until the channel and its clones are dropped.
    ///
    /// # Errors
    /// The transport's.
    pub async fn serve_duplex(&self) -> Result<Channel, OpenError> {
        let (client, server) = tokio::io::duplex(BUFFER_BYTES);
        self.say_serving();
        // Whoever has this server in its process has opened its data directory.
        let doorway = self.doorway(Trust::Owner);
        tokio::spawn(async move {
            let incoming =
                futures::stream::iter([Ok::<_, std::io::Error>(Connection::memory(server))]);
            if let Err(error) = connections::http2()
                .serve_with_incoming(doorway, incoming)
                .await
            {
                tracing::error!(%error, "the in-memory server failed");
            }
        });
        let mut client = Some(client);
        let connect = tower::service_fn(move |_: Uri| {
            let client = client.take();
            async move {
                client.map(TokioIo::new).ok_or_else(|| {
                    std::io::Error::other("the in-memory channel was connected already")
                })
            }
        });
        // The address is never looked up; the connector ignores it.
        let endpoint = Endpoint::from_static("http://in-memory");
        endpoint
            .connect_with_connector(connect)
            .await
            .map_err(|e| OpenError::new(format!("failed to connect in memory: {e}")))
    }
}
