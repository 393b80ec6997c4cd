//! One connection's bytes: read into the protocol, written out of it, moved into TLS when the client asks for it.

use std::io;

use mysql::{Connection, Event};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::tls::{self, Tls};

/// What is read at once.
const READ_BYTES: usize = 8 << 10;
/// What a client may send ahead while its statement runs; the rest stays with it.
const AHEAD_BYTES_MAX: usize = 64 << 10;
/// What is collected before it is written.
pub(super) const OUTPUT_BYTES: usize = 64 << 10;

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// TLS was to begin, and did not.
    Gone,
}

/// The connection of a client.
pub(super) struct Wire {
    io: Io,
    pub(super) connection: Connection,
    /// Bytes that came while nobody waited for a command.
    ahead: usize,
    /// Before that no byte of TLS may be read with those before it.
    is_in: bool,
}

impl Wire {
    pub(super) fn new(socket: TcpStream, connection: Connection) -> Self {
        Self {
            io: Io::Plain(socket),
            connection,
            ahead: 0,
            is_in: false,
        }
    }

    /// From now on it may be read as much as comes.
    pub(super) fn entered(&mut self) {
        self.is_in = true;
    }

    /// What comes next; `None` when the client has left. May be dropped while it waits for the client.
    ///
    /// # Errors
    /// The connection's; `InvalidData` for what the protocol does not permit, which the client has been told.
    pub(super) async fn event(&mut self) -> io::Result<Option<Event>> {
        loop {
            match self.connection.next_event() {
                Ok(Some(event)) => {
                    self.ahead = 0;
                    return Ok(Some(event));
                }
                Ok(None) => {}
                Err(error) => {
                    self.connection.fail(error);
                    self.flush().await?;
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            }
            self.flush().await?;
            if !self.read().await? {
                return Ok(None);
            }
        }
    }

    /// Resolves when the client has left. What it sends meanwhile is kept, within bounds.
    pub(super) async fn left(&mut self) {
        while self.ahead < AHEAD_BYTES_MAX {
            match self.read().await {
                Ok(true) => {}
                Ok(false) | Err(_) => return,
            }
        }
        std::future::pending().await
    }

    /// Writes what there is.
    ///
    /// # Errors
    /// The connection's.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        if self.connection.output_len() == 0 {
            return Ok(());
        }
        let bytes = self.connection.take_output();
        match &mut self.io {
            Io::Plain(io) => io.write_all(&bytes).await,
            Io::Tls(io) => {
                io.write_all(&bytes).await?;
                io.flush().await
            }
            Io::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Begins TLS.
    ///
    /// # Errors
    /// The handshake's.
    pub(super) async fn start_tls(&mut self, tls: &Tls) -> io::Result<()> {
        let Io::Plain(socket) = std::mem::replace(&mut self.io, Io::Gone) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let stream = tls::handshake_within(tls, socket).await?;
        self.io = Io::Tls(Box::new(stream));
        self.connection.secured();
        Ok(())
    }

    /// Writes what there is and says that no more comes.
    pub(super) async fn close(&mut self) {
        // Who has left already hears nothing of it.
        let _ = self.flush().await;
        let _ = match &mut self.io {
            Io::Plain(io) => io.shutdown().await,
            Io::Tls(io) => io.shutdown().await,
            Io::Gone => Ok(()),
        };
    }

    /// Says whether anything came, and not the end.
    async fn read(&mut self) -> io::Result<bool> {
        let mut bytes = [0; READ_BYTES];
        let most = match self.is_in {
            true => READ_BYTES,
            false => self.connection.missing().min(READ_BYTES),
        };
        let room = bytes.get_mut(..most).unwrap_or_default();
        let read = match &mut self.io {
            Io::Plain(io) => io.read(room).await?,
            Io::Tls(io) => io.read(room).await?,
            Io::Gone => return Err(io::ErrorKind::NotConnected.into()),
        };
        self.ahead += read;
        self.connection
            .receive(room.get(..read).unwrap_or_default());
        Ok(read > 0)
    }
}
