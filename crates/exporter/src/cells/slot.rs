//! The cell slots of a block: each column writes its cells there in a tight loop of its own type,
//! then `interleave` copies them row by row into the output, one fixed-size copy per short cell.

use super::scan::Chunk;

/// Bytes of a slot; the last one holds the length, so that a cell is one cache line's half.
const SLOT_BYTES: usize = 32;
const LEN_AT: usize = SLOT_BYTES - 1;
/// The cell's bytes are in the block's spill.
const SPILLED: u8 = 0xff;
/// The cell's text is still in the batch, and found in the block's list of borrowed texts.
const BORROWED: u8 = 0xfe;
/// As `BORROWED`, but the list has a whole [`Window`], of which the text is the beginning.
const WINDOWED: u8 = 0xfd;
/// The cell is NULL, and its key says so.
const NULLED: u8 = 0xfc;
/// Bytes that can be read from a text's beginning on, whatever its length: copied without a loop.
pub(crate) type Window = [u8; 64];
/// What a cell writer returns when it has put the text at the end of the spill instead of the slot.
pub(crate) const LONG: usize = usize::MAX;
/// The longest text a cell writer may leave in a slot.
pub(crate) const TEXT_MAX: usize = 29;
/// Longest suffix (closing quote, separator) of a borrowed text.
pub(crate) const SUFFIX_MAX: usize = 8;

/// One cell of a block.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(crate) struct Slot([u8; SLOT_BYTES]);

impl Slot {
    pub(crate) const EMPTY: Self = Self([0; SLOT_BYTES]);

    /// Bytes of the text written so far; a range beyond the slot is empty.
    #[inline(always)]
    pub(crate) fn bytes(&self, range: std::ops::Range<usize>) -> &[u8] {
        self.0.get(range).unwrap_or_default()
    }

    /// Writes eight bytes.
    ///
    /// # Safety
    /// `at` is at most 24.
    #[inline(always)]
    pub(crate) unsafe fn put8(&mut self, at: usize, bytes: u64) {
        debug_assert!(at + 8 <= SLOT_BYTES);
        // SAFETY: `at + 8 <= 32` by the caller's promise, so the write stays within the slot.
        unsafe {
            self.0
                .as_mut_ptr()
                .add(at)
                .cast::<u64>()
                .write_unaligned(bytes.to_le())
        }
    }

    /// Writes four bytes.
    ///
    /// # Safety
    /// `at` is at most 28.
    #[inline(always)]
    pub(crate) unsafe fn put4(&mut self, at: usize, bytes: u32) {
        debug_assert!(at + 4 <= SLOT_BYTES);
        // SAFETY: `at + 4 <= 32` by the caller's promise.
        unsafe {
            self.0
                .as_mut_ptr()
                .add(at)
                .cast::<u32>()
                .write_unaligned(bytes.to_le())
        }
    }

    /// Writes two bytes.
    ///
    /// # Safety
    /// `at` is at most 30.
    #[inline(always)]
    pub(crate) unsafe fn put2(&mut self, at: usize, bytes: u16) {
        debug_assert!(at + 2 <= SLOT_BYTES);
        // SAFETY: `at + 2 <= 32` by the caller's promise.
        unsafe {
            self.0
                .as_mut_ptr()
                .add(at)
                .cast::<u16>()
                .write_unaligned(bytes.to_le())
        }
    }

    /// Writes sixteen bytes at a place known to fit.
    #[inline(always)]
    pub(crate) fn put16<const AT: usize>(&mut self, chunk: Chunk) {
        const { assert!(AT + 16 <= SLOT_BYTES) };
        if let Some(to) = self.0[AT..].first_chunk_mut() {
            chunk.store(to);
        }
    }

    /// Copies a text of at most [`TEXT_MAX`] bytes to the slot's beginning.
    #[inline(always)]
    pub(crate) fn put_text(&mut self, text: &[u8]) -> usize {
        self.0[..text.len()].copy_from_slice(text);
        text.len()
    }

    #[inline(always)]
    pub(crate) fn set_byte<const AT: usize>(&mut self, byte: u8) {
        self.0[AT] = byte;
    }

    /// Marks the slot as holding the whole cell.
    #[inline(always)]
    pub(crate) fn set_len(&mut self, len: usize) {
        debug_assert!(len <= LEN_AT);
        self.0[LEN_AT] = len as u8;
    }

    /// Marks the cell as `spill[start..end]`.
    #[inline]
    pub(crate) fn set_spilled(&mut self, start: usize, end: usize) {
        self.0[..8].copy_from_slice(&(start as u64).to_le_bytes());
        self.0[8..16].copy_from_slice(&(end as u64).to_le_bytes());
        self.0[LEN_AT] = SPILLED;
    }

    /// Marks the cell as the borrowed text number `index` between a prefix and a suffix.
    #[inline(always)]
    pub(crate) fn set_borrowed(&mut self, index: usize, ends: &Ends) {
        self.0[..8].copy_from_slice(&(index as u64).to_le_bytes());
        self.0[8..16].copy_from_slice(&ends.suffix);
        self.0[16] = ends.prefix;
        self.0[17] = ends.prefix_len;
        self.0[18] = ends.suffix_len;
        self.0[LEN_AT] = BORROWED;
    }

    /// Marks the cell as the first `len` bytes of the borrowed window number `index`.
    #[inline(always)]
    pub(crate) fn set_windowed(&mut self, index: usize, len: usize, ends: &Ends) {
        self.set_borrowed(index, ends);
        self.0[19] = len as u8;
        self.0[LEN_AT] = WINDOWED;
    }

    /// Marks the cell as NULL, in a format with keys.
    #[inline(always)]
    pub(crate) fn set_null(&mut self) {
        self.0[LEN_AT] = NULLED;
    }

    #[inline(always)]
    fn word(&self, at: usize) -> usize {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[at..at + 8]);
        u64::from_le_bytes(bytes) as usize
    }

    /// The text of a cell that was written without a tail.
    pub(crate) fn text<'a>(&'a self, spill: &'a [u8]) -> &'a [u8] {
        match self.0[LEN_AT] {
            SPILLED => &spill[self.word(0)..self.word(8)],
            len => &self.0[..usize::from(len)],
        }
    }
}

/// What stands before and behind a borrowed text: an opening quote, or nothing; a closing quote and the tail.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ends {
    pub(crate) prefix: u8,
    pub(crate) prefix_len: u8,
    pub(crate) suffix: [u8; SUFFIX_MAX],
    pub(crate) suffix_len: u8,
}

/// What follows each value of a column: the field separator, or the line end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail {
    word: u16,
    bytes: Vec<u8>,
}

impl Tail {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let byte = |at: usize| u16::from(bytes.get(at).copied().unwrap_or(0));
        Self {
            word: byte(0) | byte(1) << 8,
            bytes,
        }
    }
}

/// One column's slots of a block, and where its long cells go.
pub(crate) struct Lane<'a, 'b> {
    pub(crate) slots: &'a mut [Slot],
    pub(crate) spill: &'a mut Vec<u8>,
    pub(crate) borrowed: &'a mut Vec<&'b [u8]>,
    pub(crate) tail: &'a Tail,
}

impl Lane<'_, '_> {
    /// Writes one cell per value. `write` leaves a text of at most [`TEXT_MAX`] bytes in the slot and
    /// returns its length, or appends the text to the spill and returns [`LONG`].
    #[inline(always)]
    pub(crate) fn fill<T>(
        &mut self,
        values: impl Iterator<Item = T>,
        write: impl Fn(T, &mut Slot, &mut Vec<u8>) -> usize,
    ) {
        let short = self.tail.bytes.len() <= 2;
        let (word, tail_len) = (self.tail.word, self.tail.bytes.len());
        for (slot, value) in self.slots.iter_mut().zip(values) {
            let mark = self.spill.len();
            let len = write(value, slot, self.spill);
            if len <= TEXT_MAX && short {
                // SAFETY: `len` is at most 29, so `len <= 30`.
                unsafe { slot.put2(len, word) };
                slot.set_len(len + tail_len);
            } else {
                finish_long(slot, len, mark, self.spill, self.tail);
            }
        }
    }
}

/// Ends a cell that does not fit its slot, or whose tail is long.
#[cold]
fn finish_long(slot: &mut Slot, len: usize, mark: usize, spill: &mut Vec<u8>, tail: &Tail) {
    if len != LONG {
        debug_assert!(len <= TEXT_MAX);
        spill.extend_from_slice(&slot.0[..len]);
    }
    spill.extend_from_slice(&tail.bytes);
    slot.set_spilled(mark, spill.len());
}

/// What stands before the cells of each column, in a format with keys, and behind the last one.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    columns: Vec<Key>,
    line_end: Vec<u8>,
    /// The longest a row's keys and end can be.
    row_bytes: usize,
}

#[derive(Debug, Clone)]
struct Key {
    value: Piece,
    null: Piece,
}

/// Constant text, copied at once if it is no longer than a slot.
#[derive(Debug, Clone)]
struct Piece {
    short: [u8; SLOT_BYTES],
    bytes: Vec<u8>,
}

impl Piece {
    fn new(text: &str) -> Self {
        let mut short = [0; SLOT_BYTES];
        for (to, from) in short.iter_mut().zip(text.as_bytes()) {
            *to = *from;
        }
        Self {
            short,
            bytes: text.as_bytes().to_vec(),
        }
    }

    /// Copies it to `to`, and returns the place behind it.
    ///
    /// # Safety
    /// There is room at `to` for it, and for a slot at least.
    #[inline(always)]
    unsafe fn put(&self, to: *mut u8) -> *mut u8 {
        if self.bytes.len() <= SLOT_BYTES {
            // SAFETY: the caller's promise.
            unsafe {
                to.cast::<[u8; SLOT_BYTES]>().write_unaligned(self.short);
                to.add(self.bytes.len())
            }
        } else {
            // SAFETY: the caller's promise.
            unsafe { append(to, &self.bytes) }
        }
    }
}

impl Keys {
    /// For each column what stands before a value, and what stands for a NULL.
    pub(crate) fn new(columns: impl Iterator<Item = (String, String)>, line_end: &str) -> Self {
        let columns: Vec<Key> = columns
            .map(|(value, null)| Key {
                value: Piece::new(&value),
                null: Piece::new(&null),
            })
            .collect();
        let longest = |key: &Key| key.value.bytes.len().max(key.null.bytes.len());
        Self {
            row_bytes: columns.iter().map(longest).sum::<usize>() + line_end.len(),
            line_end: line_end.as_bytes().to_vec(),
            columns,
        }
    }
}

/// A filled block.
pub(crate) struct Block<'a, 'b> {
    /// Column after column, `stride` slots each.
    pub(crate) slots: &'a [Slot],
    pub(crate) stride: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) spill: &'a [u8],
    pub(crate) borrowed: &'a [&'b [u8]],
    /// Written before each row.
    pub(crate) line_start: &'a [u8],
}

impl Block<'_, '_> {
    /// Bytes the block can take at most, with room for the last fixed-size copy.
    fn bytes_max(&self) -> usize {
        let borrowed: usize = self
            .borrowed
            .iter()
            .map(|text| text.len() + 2 + SUFFIX_MAX)
            .sum();
        self.rows * (self.columns * SLOT_BYTES + self.line_start.len())
            + self.spill.len()
            + borrowed
            + 2 * SLOT_BYTES
    }

    /// Appends the block's rows, and to `ends` where each of them ends in `out`.
    pub(crate) fn interleave(&self, out: &mut Vec<u8>, mut ends: Option<&mut Vec<usize>>) {
        assert!(self.rows <= self.stride && self.slots.len() >= self.stride * self.columns);
        let bytes_max = self.bytes_max();
        out.reserve(bytes_max);
        let begin = out.len();
        // SAFETY: `begin` is the vector's length, so within its allocation.
        let mut to = unsafe { out.as_mut_ptr().add(begin) };
        for row in 0..self.rows {
            if !self.line_start.is_empty() {
                // SAFETY: `bytes_max` counts `line_start` once per row.
                to = unsafe { append(to, self.line_start) };
            }
            for column in 0..self.columns {
                // SAFETY: `column * stride + row < columns * stride <= slots.len()`, asserted above.
                let slot = unsafe { self.slots.get_unchecked(column * self.stride + row) };
                let len = slot.0[LEN_AT];
                if len < SLOT_BYTES as u8 {
                    // SAFETY: `reserve` made room for 32 bytes for each cell of the block and a spare
                    // slot. The cells before this one took at most what `bytes_max` counts for them, so
                    // 32 bytes from `to` are inside the allocation; `len <= 31` of them are kept.
                    unsafe {
                        to.cast::<[u8; SLOT_BYTES]>().write_unaligned(slot.0);
                        to = to.add(usize::from(len));
                    }
                } else {
                    // SAFETY: as above; spilled and borrowed cells are counted in `bytes_max` by
                    // their own length, each of them referred to by one slot.
                    to = unsafe { self.append_long(to, slot) };
                }
            }
            if let Some(ends) = &mut ends {
                // SAFETY: both pointers are in the same allocation, and `to` is not before its beginning.
                ends.push(unsafe { to.offset_from_unsigned(out.as_ptr()) });
            }
        }
        // SAFETY: both pointers are in the same allocation, and `to` is not before `begin`.
        let len = unsafe { to.offset_from_unsigned(out.as_ptr()) };
        debug_assert!(len - begin <= bytes_max);
        // SAFETY: all bytes up to `to` were written above, and `to` is inside the allocation.
        unsafe { out.set_len(len) };
    }

    /// The same for a format with keys.
    pub(crate) fn interleave_keyed(
        &self,
        keys: &Keys,
        out: &mut Vec<u8>,
        mut ends: Option<&mut Vec<usize>>,
    ) {
        assert!(self.rows <= self.stride && self.slots.len() >= self.stride * self.columns);
        let bytes_max = self.bytes_max() + self.rows * keys.row_bytes;
        out.reserve(bytes_max);
        let begin = out.len();
        // SAFETY: `begin` is the vector's length, so within its allocation.
        let mut to = unsafe { out.as_mut_ptr().add(begin) };
        for row in 0..self.rows {
            for (column, key) in keys.columns.iter().enumerate().take(self.columns) {
                let slot = &self.slots[column * self.stride + row];
                let len = slot.0[LEN_AT];
                // SAFETY: as in `interleave`: `bytes_max` counts each cell of the block and the longest keys of each
                // row, and two slots more, so a slot's worth of bytes fits behind whatever has been written.
                unsafe {
                    if len == NULLED {
                        to = key.null.put(to);
                        continue;
                    }
                    to = key.value.put(to);
                    if len < SLOT_BYTES as u8 {
                        to.cast::<[u8; SLOT_BYTES]>().write_unaligned(slot.0);
                        to = to.add(usize::from(len));
                    } else {
                        to = self.append_long(to, slot);
                    }
                }
            }
            // SAFETY: `row_bytes` counts it once a row.
            to = unsafe { append(to, &keys.line_end) };
            if let Some(ends) = &mut ends {
                // SAFETY: both pointers are in the same allocation, and `to` is not before its beginning.
                ends.push(unsafe { to.offset_from_unsigned(out.as_ptr()) });
            }
        }
        // SAFETY: both pointers are in the same allocation, and `to` is not before `begin`.
        let len = unsafe { to.offset_from_unsigned(out.as_ptr()) };
        debug_assert!(len - begin <= bytes_max);
        // SAFETY: all bytes up to `to` were written above, and `to` is inside the allocation.
        unsafe { out.set_len(len) };
    }

    /// Writes a spilled or borrowed cell.
    ///
    /// # Safety
    /// There is room at `to` for the cell and a slot's worth of bytes more.
    #[inline(always)]
    unsafe fn append_long(&self, to: *mut u8, slot: &Slot) -> *mut u8 {
        if slot.0[LEN_AT] == SPILLED {
            // SAFETY: the caller's promise.
            return unsafe { append(to, &self.spill[slot.word(0)..slot.word(8)]) };
        }
        let text = self.borrowed[slot.word(0)];
        // SAFETY: `bytes_max` counts two bytes of prefix, the text or the whole window, and eight of suffix
        // for each borrowed cell. The prefix and suffix lengths are at most 1 and 8, and a windowed text
        // is no longer than its window.
        unsafe {
            to.write(slot.0[16]);
            let to = to.add(usize::from(slot.0[17]));
            let to = match text.first_chunk::<{ size_of::<Window>() }>() {
                Some(window) if slot.0[LEN_AT] == WINDOWED => {
                    to.cast::<Window>().write_unaligned(*window);
                    to.add(usize::from(slot.0[19]))
                }
                _ => append(to, text),
            };
            to.cast::<u64>()
                .write_unaligned((slot.word(8) as u64).to_le());
            to.add(usize::from(slot.0[18]))
        }
    }
}

/// Copies `text` to `to` and returns the place behind it.
///
/// # Safety
/// There is room for `text.len()` bytes at `to`.
#[inline(always)]
unsafe fn append(to: *mut u8, text: &[u8]) -> *mut u8 {
    let (from, len) = (text.as_ptr(), text.len());
    // SAFETY: for 16 <= len <= 128 every 16-byte copy begins at or before `len - 16`, so it stays in
    // both `text` and the room promised by the caller; otherwise exactly `len` bytes are copied. The
    // output is uniquely borrowed, so it does not overlap the text.
    unsafe {
        if (16..=128).contains(&len) {
            let mut at = 0;
            while at + 16 < len {
                std::ptr::copy_nonoverlapping(from.add(at), to.add(at), 16);
                at += 16;
            }
            std::ptr::copy_nonoverlapping(from.add(len - 16), to.add(len - 16), 16);
        } else {
            std::ptr::copy_nonoverlapping(from, to, len);
        }
        to.add(len)
    }
}
