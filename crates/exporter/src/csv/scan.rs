//! Looks for bytes that need care, sixteen at a time. SSE2 is part of every x86-64; other machines
//! take the portable loop.

use super::quote::NEEDLES;

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

    /// One bit per byte that is in the set, the first byte in the lowest bit.
    #[inline(always)]
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn mask16(&self, bytes: &[u8; 16]) -> u32 {
        use std::arch::x86_64::{
            __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128,
            _mm_set1_epi8,
        };
        // SAFETY: SSE2 is in the x86-64 baseline; the load reads exactly the 16 bytes of the array.
        unsafe {
            let text = _mm_loadu_si128(bytes.as_ptr().cast::<__m128i>());
            let mut found = _mm_cmpeq_epi8(text, _mm_set1_epi8(self.needles[0] as i8));
            for needle in &self.needles[1..N] {
                found = _mm_or_si128(found, _mm_cmpeq_epi8(text, _mm_set1_epi8(*needle as i8)));
            }
            _mm_movemask_epi8(found) as u32
        }
    }

    /// One bit per byte that is in the set, the first byte in the lowest bit.
    #[inline(always)]
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn mask16(&self, bytes: &[u8; 16]) -> u32 {
        let set = &self.needles[..N];
        bytes
            .iter()
            .rev()
            .fold(0, |mask, byte| mask << 1 | u32::from(set.contains(byte)))
    }

    /// Whether no byte of a text is in the set.
    #[inline(always)]
    pub(crate) fn is_clean(&self, text: &[u8]) -> bool {
        let (chunks, rest) = text.as_chunks::<16>();
        let mut mask = 0;
        for chunk in chunks {
            mask |= self.mask16(chunk);
        }
        match text.last_chunk::<16>() {
            // The last chunk overlaps the one before.
            Some(last) => mask | self.mask16(last) == 0,
            None => !rest.iter().any(|byte| self.needles[..N].contains(byte)),
        }
    }
}
