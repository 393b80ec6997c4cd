//! A file's plain bytes: what it is by its first bytes, decompressed piece by piece, out of its archive, without a byte
//! order mark.

use std::sync::Arc;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::io::Write;
use zstd::stream::raw::{Decoder as ZstdDecoder, InBuffer, Operation, OutBuffer};

use super::Compression;
use super::charset::{Charset, Decoding};
use super::pulled::{Exchanged, Pulled, Unpacking};
use super::tar::{BLOCK, Tar};
use crate::error::{Error, ErrorKind, of_store};

/// Bytes that are looked at to tell what a file is.
const HEAD_BYTES: usize = 40;
/// Compressed bytes decoded at once: gzip makes at most a thousand times as many of them.
const PIECE_BYTES: usize = 8 << 10;
/// Plain bytes of one frame's piece.
const OUT_BYTES: usize = 256 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How files begin that are encrypted: by what age writes, and by the same as text.
const ENCRYPTED: [&[u8]; 2] = [
    b"age-encryption.org/v1\n",
    b"-----BEGIN AGE ENCRYPTED FILE-----",
];
/// What stands behind the first four bytes of bzip2: the mark of a block, or of the end.
const BZIP2: [&[u8]; 2] = [b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90"];

/// Files that are no text, by how they begin.
const NO_TEXT: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "a ZIP archive (or a spreadsheet)"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
];

/// Whether a file begins so, and not as a text does that begins with the same letters: `ORCID,name`.
fn is_no_text(head: &[u8], magic: &[u8]) -> bool {
    let is_letters = magic.iter().all(u8::is_ascii_alphanumeric);
    let has_control = || {
        let mut bytes = head.iter();
        bytes.any(|&byte| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c))
    };
    head.starts_with(magic) && (!is_letters || has_control())
}

/// One file being read.
pub(crate) struct Source {
    path: String,
    stored: BoxStream<'static, object_store::Result<Bytes>>,
    /// Bytes as stored that are not decoded yet.
    pending: Bytes,
    stored_ended: bool,
    decoder: Decoder,
    /// Nothing more comes from the decoder.
    decoded_ended: bool,
    archive: Archive,
    /// Plain bytes that may be the beginning of a byte order mark; `None` once that is decided.
    head: Option<Vec<u8>>,
    /// Where the bytes are not UTF-8; `None` at the end, too.
    decoding: Option<Decoding>,
}

/// Whether what is decoded is an archive.
enum Archive {
    /// That is known from so many bytes; these are the first.
    Unknown(Vec<u8>),
    No,
    Tar(Tar),
}

enum Decoder {
    Plain,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Zstd {
        decoder: ZstdDecoder<'static>,
        /// Whether the last frame has ended.
        whole: bool,
    },
    Pulled(Unpacking),
}

impl Source {
    /// Opens a file.
    ///
    /// # Errors
    /// NotFound, Io; Invalid for a file that is no text, or not compressed as `wanted` says.
    pub(crate) async fn open(
        store: &Arc<dyn ObjectStore>,
        path: &str,
        wanted: Option<Compression>,
        charset: Charset,
    ) -> Result<Self, Error> {
        let got = store
            .get(&Path::from(path))
            .await
            .map_err(|error| failed(path, error))?;
        let mut source = Self {
            path: path.to_owned(),
            stored: got.into_stream(),
            pending: Bytes::new(),
            stored_ended: false,
            decoder: Decoder::Plain,
            decoded_ended: false,
            archive: Archive::Unknown(Vec::new()),
            head: Some(Vec::new()),
            decoding: charset.decoding(),
        };
        while source.pending.len() < HEAD_BYTES && !source.stored_ended {
            let more = source.receive().await?;
            let head = [&source.pending[..], &more[..]].concat();
            source.pending = head.into();
        }
        let is = match &source.pending[..] {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..]
                if BZIP2.iter().any(|mark| rest.starts_with(mark)) =>
            {
                Compression::Bzip2
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
            [0x04, 0x22, 0x4d, 0x18, ..] => Compression::Lz4,
            head if ENCRYPTED.iter().any(|mark| head.starts_with(mark)) => {
                return Err(Error::invalid(format!(
                    "the file '{path}' is encrypted with age; whoever has the key decrypts it first (age -d)"
                )));
            }
            head => match NO_TEXT.iter().find(|(magic, _)| is_no_text(head, magic)) {
                Some((_, what)) => {
                    return Err(Error::invalid(format!(
                        "the file '{path}' is {what}, which is not read as text"
                    )));
                }
                None => Compression::None,
            },
        };
        if let Some(wanted) = wanted
            && wanted != is
        {
            return Err(Error::invalid(format!(
                "the file '{path}' is {}, not {} as the statement says",
                named(is),
                named(wanted)
            )));
        }
        source.decoder = match is {
            Compression::None => Decoder::Plain,
            Compression::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Compression::Zstd => Decoder::Zstd {
                decoder: ZstdDecoder::new().map_err(|error| source.broken(error))?,
                whole: true,
            },
            Compression::Bzip2 => source.pulled(Pulled::Bzip2)?,
            Compression::Xz => source.pulled(Pulled::Xz)?,
            Compression::Lz4 => source.pulled(Pulled::Lz4)?,
        };
        Ok(source)
    }

    /// More plain bytes, in bounded pieces, of UTF-8 if the file is text; `None` at the end.
    ///
    /// # Errors
    /// Io if the file cannot be read; Invalid if its compressed bytes are damaged or cut off, or are none of its
    /// character set.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let plain = self.plain().await?;
            let Some(decoding) = &mut self.decoding else {
                return Ok(plain);
            };
            let is_last = plain.is_none();
            let decoded = decoding.decode(&plain.unwrap_or_default(), is_last);
            let decoded = decoded.map_err(|malformed| {
                Error::invalid(malformed.to_string()).in_file(&self.path, malformed.line)
            })?;
            if is_last {
                self.decoding = None;
            }
            if is_last || !decoded.is_empty() {
                return Ok((!decoded.is_empty()).then(|| decoded.into()));
            }
        }
    }

    /// More plain bytes; `None` at the end.
    async fn plain(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Some(plain) = self.content().await? else {
                return Ok(self
                    .head
                    .take()
                    .filter(|head| !head.is_empty())
                    .map(Into::into));
            };
            let Some(head) = &mut self.head else {
                return Ok(Some(plain));
            };
            head.extend_from_slice(&plain);
            if head.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(head) {
                continue;
            }
            let mut whole = Bytes::from(std::mem::take(head));
            self.head = None;
            if whole.starts_with(BYTE_ORDER_MARK) {
                whole = whole.slice(BYTE_ORDER_MARK.len()..);
            }
            return Ok(Some(whole));
        }
    }

    /// What is decoded, or the file that is in it if it is an archive.
    async fn content(&mut self) -> Result<Option<Bytes>, Error> {
        while !self.decoded_ended {
            let plain = self.decoded().await?;
            self.decoded_ended = plain.is_none();
            let content = match (&mut self.archive, plain) {
                (Archive::No, plain) => return Ok(plain),
                (Archive::Unknown(head), plain) => {
                    head.extend_from_slice(&plain.unwrap_or_default());
                    if head.len() < BLOCK && !self.decoded_ended {
                        continue;
                    }
                    let head = std::mem::take(head);
                    if Tar::is_one(&head) {
                        let mut tar = Tar::default();
                        let taken = tar.take(&head);
                        self.archive = Archive::Tar(tar);
                        taken
                    } else {
                        self.archive = Archive::No;
                        Ok(head)
                    }
                }
                (Archive::Tar(tar), Some(plain)) => tar.take(&plain),
                (Archive::Tar(tar), None) => tar.end().map(|()| Vec::new()),
            };
            let content = content.map_err(|reason| {
                Error::invalid(format!("the archive '{}' {reason}", self.path))
            })?;
            if !content.is_empty() {
                return Ok(Some(content.into()));
            }
        }
        Ok(None)
    }

    fn pulled(&self, packed: Pulled) -> Result<Decoder, Error> {
        let unpacking = Unpacking::begin(packed).map_err(|error| self.broken(error))?;
        Ok(Decoder::Pulled(unpacking))
    }

    async fn decoded(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if self.pending.is_empty() && !self.stored_ended {
                self.pending = self.receive().await?;
            }
            if let Decoder::Pulled(unpacking) = &mut self.decoder {
                if self.pending.is_empty() && self.stored_ended {
                    unpacking.end();
                }
                let exchanged = unpacking.exchange(&mut self.pending).await;
                match exchanged.map_err(|error| self.broken(error))? {
                    Exchanged::Taken => continue,
                    Exchanged::Plain(plain) => return Ok(Some(plain)),
                    Exchanged::End => return Ok(None),
                }
            }
            let piece = match self.decoder {
                Decoder::Plain | Decoder::Pulled(_) => self.pending.len(),
                Decoder::Gzip(_) | Decoder::Zstd { .. } => self.pending.len().min(PIECE_BYTES),
            };
            let ended = self.pending.is_empty() && self.stored_ended;
            let outcome = match &mut self.decoder {
                Decoder::Plain | Decoder::Pulled(_) => Ok((self.pending.clone(), piece)),
                Decoder::Gzip(decoder) => unzipped(decoder, &self.pending[..piece], ended),
                Decoder::Zstd { decoder, whole } => {
                    unpacked(decoder, whole, &self.pending[..piece], ended)
                }
            };
            let (plain, read) = outcome.map_err(|error| self.broken(error))?;
            self.pending = self.pending.slice(read..);
            if !plain.is_empty() {
                return Ok(Some(plain));
            }
            if ended {
                return Ok(None);
            }
        }
    }

    /// The next stored bytes; none at the end.
    async fn receive(&mut self) -> Result<Bytes, Error> {
        match self.stored.next().await {
            Some(chunk) => chunk.map_err(|error| failed(&self.path, error)),
            None => {
                self.stored_ended = true;
                Ok(Bytes::new())
            }
        }
    }

    fn broken(&self, error: std::io::Error) -> Error {
        let text = format!(
            "the compressed file '{}' is damaged or cut off: {error}",
            self.path
        );
        Error::invalid(text).because(error)
    }
}

fn unzipped(
    decoder: &mut MultiGzDecoder<Vec<u8>>,
    piece: &[u8],
    ended: bool,
) -> std::io::Result<(Bytes, usize)> {
    if ended {
        decoder.try_finish()?;
    } else {
        decoder.write_all(piece)?;
        decoder.flush()?;
    }
    Ok((std::mem::take(decoder.get_mut()).into(), piece.len()))
}

fn unpacked(
    decoder: &mut ZstdDecoder<'static>,
    whole: &mut bool,
    piece: &[u8],
    ended: bool,
) -> std::io::Result<(Bytes, usize)> {
    let mut plain = vec![0; OUT_BYTES];
    let mut input = InBuffer::around(piece);
    let mut output = OutBuffer::around(&mut plain[..]);
    let wanted = decoder.run(&mut input, &mut output)?;
    let (read, written) = (input.pos(), output.pos());
    // What was held back by a full buffer comes without more input.
    if read > 0 || written > 0 {
        *whole = wanted == 0;
    }
    if ended && written == 0 && !*whole {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    plain.truncate(written);
    Ok((plain.into(), read))
}

fn named(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "not compressed",
        Compression::Gzip => "compressed with gzip",
        Compression::Zstd => "compressed with zstd",
        Compression::Bzip2 => "compressed with bzip2",
        Compression::Xz => "compressed with xz",
        Compression::Lz4 => "compressed with lz4",
    }
}

fn failed(path: &str, error: object_store::Error) -> Error {
    of_store(path, error).unwrap_or_else(|error| {
        Error::new(ErrorKind::Io, format!("failed to read the file '{path}'")).because(error)
    })
}
