//! Looks for bytes that need care, sixteen at a time. SSE2 is part of every x86-64; other machines
//! take the portable loop.

use super::slot::Window;

/// Number of bytes a set may have; shorter sets repeat a member.
pub(crate) const NEEDLES: usize = 6;

/// A set of bytes to look for.
pub(crate) trait Find: Copy {
    /// One bit per byte that is in the set, the first byte in the lowest bit.
    fn mask(&self, chunk: Chunk) -> u32;

    /// Whether a byte is in the set.
    fn holds(&self, byte: u8) -> bool;

    /// [`Self::mask`] of a whole window.
    #[inline(always)]
    fn mask_window(&self, window: &Window) -> u64 {
        let (chunks, _) = window.as_chunks::<16>();
        let masks = chunks.iter().rev();
        masks.fold(0, |mask, chunk| {
            mask << 16 | u64::from(self.mask(Chunk::load(chunk)))
        })
    }

    /// Whether no byte of a text is in the set.
    #[inline(always)]
    fn is_clean(&self, text: &[u8]) -> bool {
        let (chunks, rest) = text.as_chunks::<16>();
        let mut mask = 0;
        for chunk in chunks {
            mask |= self.mask(Chunk::load(chunk));
        }
        match text.last_chunk::<16>() {
            // The last chunk overlaps the one before.
            Some(last) => mask | self.mask(Chunk::load(last)) == 0,
            None => !rest.iter().any(|byte| self.holds(*byte)),
        }
    }
}

/// A set of bytes to look for: `N` of them, at most [`NEEDLES`].
#[derive(Clone, Copy)]
pub(crate) struct Scan<const N: usize> {
    needles: [u8; NEEDLES],
}

impl<const N: usize> Scan<N> {
    pub(crate) fn new(needles: &[u8; NEEDLES]) -> Self {
        const { assert!(N <= NEEDLES) };
        Self { needles: *needles }
    }
}

impl<const N: usize> Find for Scan<N> {
    #[inline(always)]
    #[cfg(target_arch = "x86_64")]
    fn mask(&self, chunk: Chunk) -> u32 {
        use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8};
        // SAFETY: SSE2 is in the x86-64 baseline.
        unsafe {
            let mut found = _mm_cmpeq_epi8(chunk.0, _mm_set1_epi8(self.needles[0] as i8));
            for needle in &self.needles[1..N] {
                let equal = _mm_cmpeq_epi8(chunk.0, _mm_set1_epi8(*needle as i8));
                found = _mm_or_si128(found, equal);
            }
            _mm_movemask_epi8(found) as u32
        }
    }

    #[inline(always)]
    #[cfg(not(target_arch = "x86_64"))]
    fn mask(&self, chunk: Chunk) -> u32 {
        portable_mask(self, chunk)
    }

    #[inline(always)]
    fn holds(&self, byte: u8) -> bool {
        self.needles[..N].contains(&byte)
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn portable_mask(find: &impl Find, chunk: Chunk) -> u32 {
    let bytes = chunk.0.iter().rev();
    bytes.fold(0, |mask, byte| mask << 1 | u32::from(find.holds(*byte)))
}

/// What a string in JSON escapes: the quote, the backslash, and the control characters.
#[derive(Clone, Copy)]
pub(crate) struct JsonScan;

impl Find for JsonScan {
    #[inline(always)]
    #[cfg(target_arch = "x86_64")]
    fn mask(&self, chunk: Chunk) -> u32 {
        use std::arch::x86_64::{
            _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
        };
        // SAFETY: SSE2 is in the x86-64 baseline.
        unsafe {
            let quote = _mm_cmpeq_epi8(chunk.0, _mm_set1_epi8(b'"' as i8));
            let escape = _mm_cmpeq_epi8(chunk.0, _mm_set1_epi8(b'\\' as i8));
            let control = _mm_cmpeq_epi8(_mm_min_epu8(chunk.0, _mm_set1_epi8(0x1f)), chunk.0);
            _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, escape))) as u32
        }
    }

    #[inline(always)]
    #[cfg(not(target_arch = "x86_64"))]
    fn mask(&self, chunk: Chunk) -> u32 {
        portable_mask(self, chunk)
    }

    #[inline(always)]
    fn holds(&self, byte: u8) -> bool {
        matches!(byte, b'"' | b'\\' | 0..0x20)
    }
}

/// Sixteen bytes of text, in a register where there is one.
#[derive(Clone, Copy)]
#[cfg(target_arch = "x86_64")]
pub(crate) struct Chunk(std::arch::x86_64::__m128i);

#[cfg(target_arch = "x86_64")]
impl Chunk {
    #[inline(always)]
    pub(crate) fn load(bytes: &[u8; 16]) -> Self {
        // SAFETY: the load reads exactly the array's 16 bytes; no alignment is needed.
        Self(unsafe { std::arch::x86_64::_mm_loadu_si128(bytes.as_ptr().cast()) })
    }

    /// The text inside a view of at most twelve bytes, and four zeros.
    #[inline(always)]
    pub(crate) fn of_short_view(view: &u128) -> Self {
        use std::arch::x86_64::{_mm_loadu_si128, _mm_srli_si128};
        // Not taken from the integer: two registers stored apart and loaded as one would stall.
        // SAFETY: the load reads exactly the view's 16 bytes; no alignment is needed.
        Self(unsafe { _mm_srli_si128::<4>(_mm_loadu_si128(std::ptr::from_ref(view).cast())) })
    }

    #[inline(always)]
    pub(crate) fn store(self, to: &mut [u8; 16]) {
        // SAFETY: the store writes exactly the array's 16 bytes; no alignment is needed.
        unsafe { std::arch::x86_64::_mm_storeu_si128(to.as_mut_ptr().cast(), self.0) }
    }
}

/// Sixteen bytes of text.
#[derive(Clone, Copy)]
#[cfg(not(target_arch = "x86_64"))]
pub(crate) struct Chunk([u8; 16]);

#[cfg(not(target_arch = "x86_64"))]
impl Chunk {
    #[inline(always)]
    pub(crate) fn load(bytes: &[u8; 16]) -> Self {
        Self(*bytes)
    }

    /// The text inside a view of at most twelve bytes, and four zeros.
    #[inline(always)]
    pub(crate) fn of_short_view(view: &u128) -> Self {
        Self((view >> 32).to_le_bytes())
    }

    #[inline(always)]
    pub(crate) fn store(self, to: &mut [u8; 16]) {
        *to = self.0;
    }
}
