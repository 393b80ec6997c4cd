//! Compression of text files: gzip in many members or one, zstd in many frames, each packed alone on the threads
//! that encode.

use flate2::{Compress, FlushCompress};
use libdeflater::{CompressionLvl, Compressor};

use crate::error::EncodeError;

/// How a text file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip (RFC 1952), in members of about a megabyte of text, which decompressors read as one file.
    Gzip {
        /// From 1, fast, to 12, small.
        level: u8,
    },
    /// gzip in one member, for readers that stop behind the first.
    GzipSingle {
        /// From 1, fast, to 9, small.
        level: u8,
    },
    /// Zstandard (RFC 8878), in frames of about a megabyte of text, which decompressors read as one file.
    Zstd {
        /// From 1, fast, to 22, small.
        level: u8,
    },
}

/// The level of gzip if none is said: of libdeflate's twelve, the one that packs about as well as gzip's default 6.
pub const GZIP_LEVEL: u8 = 6;
/// The level of zstd if none is said, as that of the `zstd` tool.
pub const ZSTD_LEVEL: u8 = 3;

/// Magic, deflate, no flags, no time, unknown system.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// An empty last block, the CRC-32 and the length of the text.
const GZIP_TAIL_BYTES: usize = 2 + 4 + 4;

impl Compression {
    /// What a file begins with, before anything that is packed.
    pub(crate) fn file_head(self) -> &'static [u8] {
        match self {
            Self::GzipSingle { .. } => &GZIP_HEAD,
            Self::None | Self::Gzip { .. } | Self::Zstd { .. } => &[],
        }
    }

    /// Bytes behind the last row.
    pub(crate) fn file_tail_bytes(self) -> usize {
        match self {
            Self::GzipSingle { .. } => GZIP_TAIL_BYTES,
            Self::None | Self::Gzip { .. } | Self::Zstd { .. } => 0,
        }
    }

    pub(crate) fn trailer(self) -> Option<Trailer> {
        match self {
            Self::GzipSingle { .. } => Some(Trailer::default()),
            Self::None | Self::Gzip { .. } | Self::Zstd { .. } => None,
        }
    }

    /// The most bytes that so many bytes of text can become.
    pub(crate) fn packed_bytes_max(self, text_bytes: u64) -> u64 {
        match self {
            Self::None => text_bytes,
            // Stored blocks of at most 64 KiB, at worst of 5,000 bytes, with 5 bytes each; header and trailer.
            Self::Gzip { .. } | Self::GzipSingle { .. } => text_bytes + text_bytes / 1000 + 64,
            Self::Zstd { .. } => zstd::zstd_safe::compress_bound(text_bytes as usize) as u64,
        }
    }
}

/// Packs text, each call alone.
pub(crate) enum Packer {
    Gzip(Compressor),
    Deflate(Compress),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Packer {
    /// `None` for no compression.
    ///
    /// # Errors
    /// A level that there is not.
    pub(crate) fn new(compression: Compression) -> Result<Option<Self>, EncodeError> {
        let refuse = |name: &str, level: u8, most: u8| {
            EncodeError::options(format!(
                "{name} has the compression levels 1 to {most}, not {level}"
            ))
        };
        Ok(match compression {
            Compression::None => None,
            Compression::Gzip { level } => {
                let known = CompressionLvl::new(i32::from(level))
                    .ok()
                    .filter(|_| level > 0)
                    .ok_or_else(|| refuse("gzip", level, 12))?;
                Some(Self::Gzip(Compressor::new(known)))
            }
            Compression::GzipSingle { level } => {
                if !(1..=9).contains(&level) {
                    return Err(refuse("gzip of a single member", level, 9));
                }
                let level = flate2::Compression::new(u32::from(level));
                Some(Self::Deflate(Compress::new(level, false)))
            }
            Compression::Zstd { level } => {
                if !(1..=22).contains(&level) {
                    return Err(refuse("zstd", level, 22));
                }
                let packer = zstd::bulk::Compressor::new(i32::from(level))
                    .map_err(|error| EncodeError::options(format!("zstd: {error}")))?;
                Some(Self::Zstd(packer))
            }
        })
    }

    /// Appends the text packed; gives its CRC-32 where the file's trailer needs it, else 0.
    ///
    /// # Errors
    /// The library's, which none of these inputs should cause.
    pub(crate) fn pack(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<u32, String> {
        match self {
            Self::Gzip(packer) => {
                let begin = out.len();
                out.resize(begin + packer.gzip_compress_bound(text.len()), 0);
                let bytes = packer
                    .gzip_compress(text, &mut out[begin..])
                    .map_err(|error| format!("gzip: {error}"))?;
                out.truncate(begin + bytes);
                Ok(0)
            }
            Self::Deflate(packer) => {
                deflate(packer, text, out)?;
                Ok(crc32fast::hash(text))
            }
            Self::Zstd(packer) => {
                let begin = out.len();
                out.resize(begin + zstd::zstd_safe::compress_bound(text.len()), 0);
                let bytes = packer
                    .compress_to_buffer(text, &mut out[begin..])
                    .map_err(|error| format!("zstd: {error}"))?;
                out.truncate(begin + bytes);
                Ok(0)
            }
        }
    }
}

/// Appends deflate blocks that end on a whole byte, and do not look back beyond `text`: others may stand behind them.
fn deflate(packer: &mut Compress, text: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    packer.reset();
    let mut rest = text;
    loop {
        out.reserve(rest.len() / 2 + 4096);
        let before = packer.total_in();
        packer
            .compress_vec(rest, out, FlushCompress::Sync)
            .map_err(|error| format!("deflate: {error}"))?;
        rest = &rest[(packer.total_in() - before) as usize..];
        // With room left, all is flushed.
        if rest.is_empty() && out.len() < out.capacity() {
            return Ok(());
        }
    }
}

/// What ends a file of one gzip member.
#[derive(Debug, Default)]
pub(crate) struct Trailer {
    crc32: crc32fast::Hasher,
    text_bytes: u64,
}

impl Trailer {
    pub(crate) fn add(&mut self, crc32: u32, text_bytes: u64) {
        let other = crc32fast::Hasher::new_with_initial_len(crc32, text_bytes);
        self.crc32.combine(&other);
        self.text_bytes += text_bytes;
    }

    pub(crate) fn bytes(self) -> [u8; GZIP_TAIL_BYTES] {
        let mut bytes = [0; GZIP_TAIL_BYTES];
        // The empty last block.
        bytes[0] = 3;
        bytes[2..6].copy_from_slice(&self.crc32.finalize().to_le_bytes());
        // RFC 1952: modulo 2^32.
        bytes[6..].copy_from_slice(&(self.text_bytes as u32).to_le_bytes());
        bytes
    }
}
