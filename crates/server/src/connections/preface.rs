//! The first bytes of an HTTP/2 connection: who does not send them is no client of this server, and is
//! told apart from one that is only slow.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// RFC 9113, section 3.4.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The first byte of a TLS handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// Reads the preface to its end, and not beyond.
///
/// # Errors
/// The connection's; `InvalidData` as soon as a byte differs, in words for the log.
pub(super) async fn read(io: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut received = [0; PREFACE.len()];
    let mut end = 0;
    while end < PREFACE.len() {
        let read = io.read(&mut received[end..]).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        end += read;
        if received[..end] != PREFACE[..end] {
            let what = match received[0] {
                TLS_HANDSHAKE => "it speaks TLS, and this port does not",
                _ => "it does not speak HTTP/2",
            };
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn reads_the_preface_in_pieces_and_no_more() {
        let (mut client, mut server) = tokio::io::duplex(64);
        let reading = tokio::spawn(async move {
            read(&mut server).await.unwrap();
            let mut rest = [0; 4];
            server.read_exact(&mut rest).await.unwrap();
            rest
        });
        client.write_all(&PREFACE[..5]).await.unwrap();
        client.write_all(&PREFACE[5..]).await.unwrap();
        client.write_all(b"next").await.unwrap();
        assert_eq!(&reading.await.unwrap(), b"next");
    }

    #[tokio::test]
    async fn says_what_came_instead() {
        for (bytes, expected) in [
            (&b"GET /"[..], "it does not speak HTTP/2"),
            (b"PRI * HTTP/1", "it does not speak HTTP/2"),
            (b"\x16\x03\x01", "it speaks TLS, and this port does not"),
            (b"PRI", "unexpected end of file"),
        ] {
            let (mut client, mut server) = tokio::io::duplex(64);
            client.write_all(bytes).await.unwrap();
            drop(client);
            let error = read(&mut server).await.unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
