//! Files of a text format: chunks of rows, cut where a file is full, compressed or not.

use std::sync::Arc;

use crate::compression::{Compression, Packer, Trailer};
use crate::error::{EncodeError, ExportError};
use crate::format::{Appended, Format, Left, Output, RowEncoder};
use crate::job::Job;

/// A compressed member or frame has about so many bytes of text.
const MEMBER_BYTES: usize = 1 << 20;
/// A worker keeps room for this much text.
const TEXT_BYTES_KEPT: usize = 16 << 20;
/// Where files are limited, a member has at most this part of a file's bytes of text.
const MEMBERS_A_FILE: u64 = 8;

/// A text format, and how its files are written.
#[derive(Debug)]
pub(crate) struct TextFiles {
    encoder: Arc<dyn RowEncoder>,
    compression: Compression,
    file_bytes_max: Option<u64>,
    /// What each file begins with, compressed.
    head: Cut,
    head_bytes: Vec<u8>,
    member_bytes: usize,
}

/// Rows that may be the last of a file.
#[derive(Debug, Clone, Copy, Default)]
struct Cut {
    /// Where they end in the piece's bytes.
    end: usize,
    /// Rows from the piece's beginning to there.
    rows: u64,
    /// CRC-32 and length of the text that the cut adds, for a file that is one gzip member.
    crc32: u32,
    text_bytes: u64,
}

/// Encoded rows.
pub(crate) struct TextPiece {
    bytes: Vec<u8>,
    cuts: Vec<Cut>,
    /// The first cut that is still to be written.
    next: usize,
}

#[derive(Default)]
pub(crate) struct TextScratch {
    text: Vec<u8>,
    ends: Vec<usize>,
    packer: Option<Packer>,
}

/// A file while it is written.
pub(crate) struct TextFile {
    rows: u64,
    trailer: Option<Trailer>,
}

impl TextFiles {
    /// # Errors
    /// A level that the compression does not know, a limit below what each file begins with.
    pub(crate) fn new(
        encoder: Arc<dyn RowEncoder>,
        compression: Compression,
        file_bytes_max: Option<u64>,
    ) -> Result<Self, EncodeError> {
        let mut packer = Packer::new(compression)?;
        let (mut text, mut head_bytes) = (Vec::new(), compression.file_head().to_vec());
        encoder.head(&mut text);
        let mut head = Cut::default();
        if let Some(packer) = &mut packer {
            if !text.is_empty() {
                (head.crc32, head.text_bytes) = pack(packer, &text, &mut head_bytes)?;
            }
        } else {
            head_bytes = text;
        }
        let ends_bytes = head_bytes.len() + compression.file_tail_bytes();
        if let Some(max) = file_bytes_max
            && ends_bytes > 0
            && ends_bytes as u64 >= max
        {
            return Err(EncodeError::options(
                "the header line size is over the maxFileSize/splitSize".to_owned(),
            ));
        }
        let member_bytes = match file_bytes_max {
            Some(max) => member_bytes(max, ends_bytes as u64, compression),
            None => MEMBER_BYTES,
        };
        Ok(Self {
            encoder,
            compression,
            file_bytes_max,
            head,
            head_bytes,
            member_bytes,
        })
    }

    /// The rows' ends as cuts, one a row.
    fn cuts_of_rows(&self, bytes: usize, rows: u64, ends: &[usize]) -> Vec<Cut> {
        let cut = |end, rows| Cut {
            end,
            rows,
            ..Cut::default()
        };
        match self.file_bytes_max {
            Some(_) => (1..).zip(ends).map(|(rows, &end)| cut(end, rows)).collect(),
            None => vec![cut(bytes, rows)],
        }
    }

    /// Compresses the text in `scratch` into members of whole rows.
    fn pack_rows(
        &self,
        packer: &mut Packer,
        text: &[u8],
        ends: &[usize],
        out: &mut Vec<u8>,
    ) -> Result<Vec<Cut>, EncodeError> {
        let (mut cuts, mut rows, mut start) = (Vec::new(), 0, 0);
        while rows < ends.len() {
            let fitting = ends[rows..].partition_point(|&end| end - start <= self.member_bytes);
            rows += fitting.max(1);
            let end = ends[rows - 1];
            let (crc32, text_bytes) = pack(packer, &text[start..end], out)?;
            cuts.push(Cut {
                end: out.len(),
                rows: rows as u64,
                crc32,
                text_bytes,
            });
            start = end;
        }
        Ok(cuts)
    }
}

/// Text bytes of a member that fits into a file of at most `max` bytes, whatever they are; 0 where only a row alone
/// can be tried.
fn member_bytes(max: u64, ends_bytes: u64, compression: Compression) -> usize {
    let room = max - ends_bytes.min(max);
    let mut bytes = (max / MEMBERS_A_FILE).min(MEMBER_BYTES as u64);
    while bytes > 0 && compression.packed_bytes_max(bytes) > room {
        bytes /= 2;
    }
    bytes as usize
}

fn pack(packer: &mut Packer, text: &[u8], out: &mut Vec<u8>) -> Result<(u32, u64), EncodeError> {
    let crc32 = packer.pack(text, out).map_err(EncodeError::refused)?;
    Ok((crc32, text.len() as u64))
}

impl Format for TextFiles {
    type Piece = TextPiece;
    type Scratch = TextScratch;
    type File = TextFile;

    fn encode(
        &self,
        job: Job,
        mut buffer: Vec<u8>,
        scratch: &mut TextScratch,
    ) -> Result<TextPiece, EncodeError> {
        let TextScratch { text, ends, packer } = scratch;
        ends.clear();
        let is_packed = self.compression != Compression::None;
        let out = if is_packed { &mut *text } else { &mut buffer };
        out.clear();
        let mut row = job.first_row;
        for slice in &job.slices {
            let ends = (is_packed || self.file_bytes_max.is_some()).then_some(&mut *ends);
            self.encoder.encode_rows(slice, row, out, ends)?;
            row += slice.num_rows() as u64;
        }
        let rows = row - job.first_row;
        // The batches go before the piece is counted as done.
        drop(job);
        if !is_packed {
            let cuts = self.cuts_of_rows(buffer.len(), rows, ends);
            return Ok(TextPiece {
                bytes: buffer,
                cuts,
                next: 0,
            });
        }
        let packer = match packer {
            Some(packer) => packer,
            None => match Packer::new(self.compression)? {
                Some(new) => packer.insert(new),
                None => return Err(EncodeError::refused("nothing to compress with".to_owned())),
            },
        };
        let cuts = self.pack_rows(packer, text, ends, &mut buffer)?;
        // One row may have been far longer than the others.
        text.clear();
        text.shrink_to(TEXT_BYTES_KEPT);
        ends.clear();
        ends.shrink_to(TEXT_BYTES_KEPT / size_of::<usize>());
        Ok(TextPiece {
            bytes: buffer,
            cuts,
            next: 0,
        })
    }

    fn begin(&self, out: &mut dyn Output) -> Result<TextFile, ExportError> {
        out.put(&self.head_bytes)?;
        let mut trailer = self.compression.trailer();
        if let Some(trailer) = &mut trailer {
            trailer.add(self.head.crc32, self.head.text_bytes);
        }
        Ok(TextFile { rows: 0, trailer })
    }

    fn append(
        &self,
        file: &mut TextFile,
        mut piece: TextPiece,
        out: &mut dyn Output,
    ) -> Result<Appended<TextPiece>, ExportError> {
        let cuts = &piece.cuts[piece.next..];
        let (start, rows_before) = match piece.next.checked_sub(1) {
            Some(before) => (piece.cuts[before].end, piece.cuts[before].rows),
            None => (0, 0),
        };
        let mut taken = match self.file_bytes_max {
            None => cuts.len(),
            Some(max) => {
                let tail = self.compression.file_tail_bytes() as u64;
                let room = max.saturating_sub(out.bytes() + tail);
                cuts.partition_point(|cut| (cut.end - start) as u64 <= room)
            }
        };
        if file.rows == 0 {
            // A row that is longer than a file has a file of its own.
            taken = taken.max(1).min(cuts.len());
        }
        let mut rows = 0;
        if let Some(last) = taken.checked_sub(1).and_then(|last| cuts.get(last)) {
            out.put(&piece.bytes[start..last.end])?;
            rows = last.rows - rows_before;
        }
        if let Some(trailer) = &mut file.trailer {
            for cut in &cuts[..taken] {
                trailer.add(cut.crc32, cut.text_bytes);
            }
        }
        file.rows += rows;
        piece.next += taken;
        let left = if piece.next < piece.cuts.len() {
            Left::Piece(piece)
        } else {
            piece.bytes.clear();
            Left::Buffer(piece.bytes)
        };
        Ok(Appended { rows, left })
    }

    fn end(&self, file: TextFile, out: &mut dyn Output) -> Result<(), ExportError> {
        if let Some(trailer) = file.trailer {
            return out.put(&trailer.bytes());
        }
        if out.bytes() == 0 && self.compression != Compression::None {
            // An empty file is not a compressed one.
            let mut empty = Vec::new();
            if let Some(mut packer) = Packer::new(self.compression)? {
                pack(&mut packer, &[], &mut empty)?;
            }
            return out.put(&empty);
        }
        Ok(())
    }
}
