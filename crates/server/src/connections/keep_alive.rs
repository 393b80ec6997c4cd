//! That the system itself asks a silent client whether it is there: one that is gone without a word would else hold its
//! place, its session and what its statement holds for as long as nothing is sent to it.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Silence after which a client is asked.
const IDLE: Duration = Duration::from_secs(60);

/// How long an answer may take until the client is asked again.
const INTERVAL: Duration = Duration::from_secs(10);

/// How often it is asked until it is taken for gone.
const PROBES: u32 = 6;

/// Has the system ask.
///
/// # Errors
/// The system's, as when the client has left already.
pub(crate) fn keep_alive(socket: &TcpStream) -> io::Result<()> {
    let asked = TcpKeepalive::new()
        .with_time(IDLE)
        .with_interval(INTERVAL)
        .with_retries(PROBES);
    SockRef::from(socket).set_tcp_keepalive(&asked)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_silent_client_is_asked() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _client = TcpStream::connect(address).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        let system = SockRef::from(&socket);
        assert!(!system.keepalive().unwrap());
        keep_alive(&socket).unwrap();
        assert!(system.keepalive().unwrap());
        assert_eq!(system.tcp_keepalive_time().unwrap(), IDLE);
        assert_eq!(system.tcp_keepalive_interval().unwrap(), INTERVAL);
        assert_eq!(system.tcp_keepalive_retries().unwrap(), PROBES);
    }
}
