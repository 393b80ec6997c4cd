//! Strings and binary: short clean texts go into their slots with two fixed-size copies, long clean
//! ones are borrowed from the batch, and only texts that need care are rewritten.

use arrow::array::{Array, AsArray, ByteView, GenericByteArray, GenericByteViewArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    BinaryViewType, ByteArrayType, ByteViewType, DataType, GenericBinaryType, GenericStringType,
    StringViewType,
};

use super::scan::{Chunk, Find};
use super::slot::{Ends, Lane, Slot, TEXT_MAX, Window};

/// A row of the block, and why its value cannot be written.
pub(crate) type CellError = (usize, String);

/// Whether the type's values are written by [`fill`].
pub(crate) fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_)
    )
}

/// How a format stands its texts in a line.
pub(crate) trait Rule {
    /// The bytes that need care anywhere in a text.
    type Find: Find;
    /// Whether a clean text gets the prefix of [`Rule::ends`].
    const PREFIXED: bool;

    fn find(&self) -> Self::Find;

    /// Whether a clean text with this first byte still needs a closer look.
    fn is_suspect(&self, first: Option<u8>) -> bool;

    /// What surrounds a clean text, if it is short enough for the fast paths.
    fn ends(&self) -> Option<Ends>;

    /// Appends any text with all that belongs to it, the tail included.
    ///
    /// # Errors
    /// The reason, when the text could not be told apart from another value.
    fn append(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), String>;
}

/// The longest clean text that fits a slot with its ends, whose suffix is written as four or eight bytes.
fn slot_text_max(ends: &Ends) -> usize {
    let prefix = usize::from(ends.prefix_len);
    if ends.suffix_len <= 4 {
        TEXT_MAX - 2 - 2 * prefix
    } else {
        22 - prefix
    }
}

/// Writes `lane.slots.len()` values of a text type, from row `at`, but not those that are NULL.
pub(crate) fn fill<'b, R: Rule>(
    rule: &R,
    array: &'b dyn Array,
    at: usize,
    lane: &mut Lane<'_, 'b>,
) -> Result<(), CellError> {
    Writer::new(rule, lane).fill(array, at)
}

struct Writer<'w, 'a, 'b, R: Rule> {
    rule: &'w R,
    scan: R::Find,
    /// `None` when the separator is too long for the fast paths.
    ends: Option<Ends>,
    slot_text_max: usize,
    lane: &'w mut Lane<'a, 'b>,
}

impl<'w, 'a, 'b, R: Rule> Writer<'w, 'a, 'b, R> {
    fn new(rule: &'w R, lane: &'w mut Lane<'a, 'b>) -> Self {
        let ends = rule.ends();
        Self {
            rule,
            scan: rule.find(),
            ends,
            slot_text_max: ends.as_ref().map_or(0, slot_text_max),
            lane,
        }
    }

    fn fill(mut self, array: &'b dyn Array, at: usize) -> Result<(), CellError> {
        match array.data_type() {
            DataType::Utf8 => self.fill_bytes::<GenericStringType<i32>>(array.as_string(), at),
            DataType::LargeUtf8 => self.fill_bytes::<GenericStringType<i64>>(array.as_string(), at),
            DataType::Binary => self.fill_bytes::<GenericBinaryType<i32>>(array.as_binary(), at),
            DataType::LargeBinary => {
                self.fill_bytes::<GenericBinaryType<i64>>(array.as_binary(), at)
            }
            DataType::Utf8View => self.fill_views::<StringViewType>(array.as_string_view(), at),
            DataType::BinaryView => self.fill_views::<BinaryViewType>(array.as_binary_view(), at),
            _ => {
                let array = array.as_fixed_size_binary();
                self.rows(array.nulls(), at, |writer, slot, row| {
                    writer.put(array.value(row), slot)
                })
            }
        }
    }

    #[inline(always)]
    fn rows(
        &mut self,
        nulls: Option<&NullBuffer>,
        at: usize,
        put: impl Fn(&mut Self, &mut Slot, usize) -> Result<(), String>,
    ) -> Result<(), CellError> {
        let slots = std::mem::take(&mut self.lane.slots);
        for (row, slot) in slots.iter_mut().enumerate() {
            if nulls.is_some_and(|nulls| nulls.is_null(at + row)) {
                continue;
            }
            put(self, slot, at + row).map_err(|reason| (row, reason))?;
        }
        self.lane.slots = slots;
        Ok(())
    }

    fn fill_bytes<T: ByteArrayType>(
        &mut self,
        array: &'b GenericByteArray<T>,
        at: usize,
    ) -> Result<(), CellError> {
        use arrow::datatypes::ArrowNativeType;
        let data = array.value_data();
        let offsets = array.value_offsets();
        self.rows(array.nulls(), at, |writer, slot, row| {
            let (start, end) = (offsets[row].as_usize(), offsets[row + 1].as_usize());
            writer.put_within(data, start, end - start, slot)
        })
    }

    fn fill_views<T: ByteViewType + ?Sized>(
        &mut self,
        array: &'b GenericByteViewArray<T>,
        at: usize,
    ) -> Result<(), CellError> {
        let (views, buffers) = (array.views(), array.data_buffers());
        self.rows(array.nulls(), at, |writer, slot, row| {
            let view = &views[row];
            let len = *view as u32 as usize;
            if len > 12 {
                let view = ByteView::from(*view);
                let data = &buffers[view.buffer_index as usize];
                return writer.put_within(data, view.offset as usize, len, slot);
            }
            let text = Chunk::of_short_view(view);
            let first = (len > 0).then_some((view >> 32) as u8);
            if let Some(ends) = writer.ends
                && writer.scan.mask(text) & ((1 << len) - 1) == 0
                && !writer.rule.is_suspect(first)
            {
                if R::PREFIXED {
                    slot.set_byte::<0>(ends.prefix);
                    slot.put16::<1>(text);
                } else {
                    slot.put16::<0>(text);
                }
                Self::end(&ends, len, slot);
                return Ok(());
            }
            writer.put_careful(&(view >> 32).to_le_bytes()[..len], slot)
        })
    }

    /// Writes `data[start..start + len]`, with whole 16-byte loads where `data` is long enough.
    #[inline(always)]
    fn put_within(
        &mut self,
        data: &'b [u8],
        start: usize,
        len: usize,
        slot: &mut Slot,
    ) -> Result<(), String> {
        if len <= self.slot_text_max
            && let Some(ends) = self.ends
            && let Some(window) = data.get(start..).and_then(|data| data.first_chunk::<32>())
        {
            let (low, high) = (at::<0>(window), at::<16>(window));
            let mask = self.scan.mask(low) | self.scan.mask(high) << 16;
            let first = (len > 0).then_some(window[0]);
            if mask & ((1 << len) - 1) == 0 && !self.rule.is_suspect(first) {
                // The second copy ends before the slot's length byte.
                if R::PREFIXED {
                    slot.set_byte::<0>(ends.prefix);
                    slot.put16::<1>(low);
                    slot.put16::<15>(at::<14>(window));
                } else {
                    slot.put16::<0>(low);
                    slot.put16::<15>(at::<15>(window));
                }
                Self::end(&ends, len, slot);
                return Ok(());
            }
        } else if len <= size_of::<Window>()
            && let Some(ends) = self.ends
            && let Some(window) = data.get(start..).and_then(|data| data.first_chunk())
        {
            // Lengths of texts are hard to predict: no loop, the same work for each.
            let first = (len > 0).then_some(window[0]);
            let found = self.scan.mask_window(window) & (u64::MAX >> (64 - len.max(1)));
            if found == 0 && !self.rule.is_suspect(first) {
                slot.set_windowed(self.lane.borrowed.len(), len, &ends);
                self.lane.borrowed.push(window);
                return Ok(());
            }
        }
        self.put(&data[start..start + len], slot)
    }

    /// Writes the suffix behind a text of `len` bytes in its slot.
    #[inline(always)]
    fn end(ends: &Ends, len: usize, slot: &mut Slot) {
        let at = len + usize::from(R::PREFIXED);
        let suffix = u64::from_le_bytes(ends.suffix);
        if ends.suffix_len <= 4 {
            // SAFETY: `slot_text_max` allows `at <= 27` for a suffix of at most four bytes.
            unsafe { slot.put4(at, suffix as u32) };
        } else {
            // SAFETY: `slot_text_max` allows `at <= 22` for a suffix of at most eight bytes.
            unsafe { slot.put8(at, suffix) };
        }
        slot.set_len(at + usize::from(ends.suffix_len));
    }

    /// Writes any text: borrowed if clean and long, else through the rule.
    #[inline(always)]
    fn put(&mut self, text: &'b [u8], slot: &mut Slot) -> Result<(), String> {
        if let Some(ends) = self.ends
            && self.scan.is_clean(text)
            && !self.rule.is_suspect(text.first().copied())
        {
            slot.set_borrowed(self.lane.borrowed.len(), &ends);
            self.lane.borrowed.push(text);
            return Ok(());
        }
        self.put_careful(text, slot)
    }

    fn put_careful(&mut self, text: &[u8], slot: &mut Slot) -> Result<(), String> {
        put_ruled(self.rule, text, slot, self.lane.spill)
    }
}

/// Writes a text through its rule into the spill.
pub(crate) fn put_ruled(
    rule: &impl Rule,
    text: &[u8],
    slot: &mut Slot,
    spill: &mut Vec<u8>,
) -> Result<(), String> {
    let mark = spill.len();
    rule.append(text, spill)?;
    slot.set_spilled(mark, spill.len());
    Ok(())
}

/// Sixteen bytes of a window from `AT` on.
#[inline(always)]
fn at<const AT: usize>(window: &[u8; 32]) -> Chunk {
    const { assert!(AT + 16 <= 32) };
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&window[AT..AT + 16]);
    Chunk::load(&bytes)
}
