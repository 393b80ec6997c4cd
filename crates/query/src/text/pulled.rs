//! bzip2, xz and lz4: their decoders pull from a reader, so each has a thread of its own, which is fed what is stored
//! piece by piece, and gives what is plain piece by piece. Both wait for each other: a file never lies in memory.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use bzip2::read::MultiBzDecoder;
use lz4_flex::frame::FrameDecoder;
use lzma_rust2::XzReader;
use tokio::sync::mpsc;

/// Plain bytes of a piece.
const OUT_BYTES: usize = 256 << 10;
/// Pieces that wait on either side.
const PIECES_WAITING: usize = 2;
/// The most memory, in KiB, that decoding one xz file takes. What the highest level of xz writes takes 65 MiB.
const XZ_KIB_MAX: u32 = 96 << 10;

/// What has a decoder that pulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pulled {
    /// bzip2, also of several streams.
    Bzip2,
    /// xz, also of several streams.
    Xz,
    /// lz4 frames.
    Lz4,
}

/// A file that is being decoded.
pub(super) struct Unpacking {
    /// `None` once all that is stored was given.
    stored: Option<mpsc::Sender<Bytes>>,
    plain: mpsc::Receiver<Decoded>,
}

enum Decoded {
    Piece(Bytes),
    /// All was decoded.
    End,
    Failed(io::Error),
}

/// What became of an exchange with the thread.
pub(super) enum Exchanged {
    /// It took what was pending.
    Taken,
    Plain(Bytes),
    /// There is no more.
    End,
}

impl Unpacking {
    /// Starts the thread, which ends by itself when this is dropped.
    ///
    /// # Errors
    /// Those of starting it.
    pub(super) fn begin(packed: Pulled) -> io::Result<Self> {
        let (stored, feed) = mpsc::channel(PIECES_WAITING);
        let (out, plain) = mpsc::channel(PIECES_WAITING);
        let feed = Feed {
            pieces: feed,
            piece: Bytes::new(),
            has_ended: false,
        };
        let run = move || {
            let decoded = match packed {
                Pulled::Bzip2 => decode(MultiBzDecoder::new(feed), &out),
                Pulled::Xz => decode(XzReader::new_mem_limit(feed, true, XZ_KIB_MAX), &out),
                Pulled::Lz4 => decode(Lz4Frames::new(feed), &out),
            };
            let last = match decoded {
                Ok(()) => Decoded::End,
                Err(error) => Decoded::Failed(error),
            };
            // Nobody may be there to hear it.
            let _ = out.blocking_send(last);
        };
        std::thread::Builder::new()
            .name("unpack".to_owned())
            .spawn(run)?;
        Ok(Self {
            stored: Some(stored),
            plain,
        })
    }

    /// Says that all that is stored was given.
    pub(super) fn end(&mut self) {
        self.stored = None;
    }

    /// Gives the thread what is `pending`, or takes from it what is plain, whichever can be done first.
    ///
    /// # Errors
    /// The decoder's.
    pub(super) async fn exchange(&mut self, pending: &mut Bytes) -> io::Result<Exchanged> {
        let plain = &mut self.plain;
        let decoded = match &self.stored {
            Some(stored) if !pending.is_empty() => tokio::select! {
                biased;
                decoded = plain.recv() => decoded,
                place = stored.reserve() => match place {
                    Ok(place) => {
                        place.send(std::mem::take(pending));
                        return Ok(Exchanged::Taken);
                    }
                    // It takes no more: it says why.
                    Err(_) => plain.recv().await,
                },
            },
            Some(_) | None => plain.recv().await,
        };
        match decoded {
            Some(Decoded::Piece(piece)) => Ok(Exchanged::Plain(piece)),
            Some(Decoded::End) => Ok(Exchanged::End),
            Some(Decoded::Failed(error)) => Err(error),
            None => Err(io::Error::other("its decoder stopped")),
        }
    }
}

fn decode(mut packed: impl Read, out: &mpsc::Sender<Decoded>) -> io::Result<()> {
    loop {
        let mut piece = vec![0; OUT_BYTES];
        let read = match packed.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        piece.truncate(read);
        if out.blocking_send(Decoded::Piece(piece.into())).is_err() {
            return Ok(());
        }
    }
}

/// What is stored, as a reader that fills what it is given, but at the end.
struct Feed {
    pieces: mpsc::Receiver<Bytes>,
    piece: Bytes,
    has_ended: bool,
}

impl Read for Feed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < out.len() && !self.has_ended {
            if self.piece.is_empty() {
                match self.pieces.blocking_recv() {
                    Some(piece) => self.piece = piece,
                    None => self.has_ended = true,
                }
                continue;
            }
            let more = self.piece.len().min(out.len() - filled);
            self.piece.copy_to_slice(&mut out[filled..filled + more]);
            filled += more;
        }
        Ok(filled)
    }
}

/// lz4 frames, one behind the other. The decoder of one takes an end of the file within it for its own end, so that
/// is looked at here.
struct Lz4Frames {
    decoder: FrameDecoder<Watched>,
    /// Bytes before the frame.
    began: u64,
}

struct Watched {
    feed: Feed,
    bytes: u64,
    /// More was asked for than there was.
    fell_short: bool,
}

impl Lz4Frames {
    fn new(feed: Feed) -> Self {
        let watched = Watched {
            feed,
            bytes: 0,
            fell_short: false,
        };
        Self {
            decoder: FrameDecoder::new(watched),
            began: 0,
        }
    }
}

impl Read for Lz4Frames {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.decoder.read(out)?;
            if read > 0 {
                return Ok(read);
            }
            let watched = self.decoder.get_ref();
            match (watched.fell_short, watched.bytes == self.began) {
                // The frame has ended, and another may follow.
                (false, _) => self.began = watched.bytes,
                (true, true) => return Ok(0),
                (true, false) => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}

impl Read for Watched {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.feed.read(out)?;
        self.bytes += read as u64;
        self.fell_short |= read < out.len();
        Ok(read)
    }
}
