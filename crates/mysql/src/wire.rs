//! The protocol's numbers and strings: read without trust, written by its rules.

use bytes::BufMut;

/// Bytes that are not what they should be, and in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Reads a payload from its front.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'p> {
    rest: &'p [u8],
}

type Read<T> = Result<T, Malformed>;

impl<'p> Reader<'p> {
    pub(crate) fn new(payload: &'p [u8]) -> Self {
        Self { rest: payload }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn rest(&mut self) -> &'p [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Read<&'p [u8]> {
        let (now, later) = self
            .rest
            .split_at_checked(count)
            .ok_or(Malformed("it ends too early"))?;
        self.rest = later;
        Ok(now)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    pub(crate) fn u8(&mut self) -> Read<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Read<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Read<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Read<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number with its length before it.
    pub(crate) fn lenenc(&mut self) -> Read<u64> {
        Ok(match self.u8()? {
            small @ 0..=0xfa => u64::from(small),
            0xfc => u64::from(self.u16()?),
            0xfd => {
                let [a, b, c] = self.array()?;
                u64::from(u32::from_le_bytes([a, b, c, 0]))
            }
            0xfe => self.u64()?,
            0xfb | 0xff => return Err(Malformed("a length has no such first byte")),
        })
    }

    /// Bytes with their length before them.
    pub(crate) fn lenenc_bytes(&mut self) -> Read<&'p [u8]> {
        let length = self.lenenc()?;
        let length = usize::try_from(length).map_err(|_| Malformed("a length is too great"))?;
        self.bytes(length)
    }

    /// Bytes up to a 0, which is read, too.
    pub(crate) fn until_zero(&mut self) -> Read<&'p [u8]> {
        let end = self.rest.iter().position(|byte| *byte == 0);
        let found = self.bytes(end.ok_or(Malformed("a string has no end"))?)?;
        self.bytes(1)?;
        Ok(found)
    }
}

/// Writes a number with its length before it.
pub(crate) fn put_lenenc(out: &mut impl BufMut, number: u64) {
    match number {
        0..=0xfa => out.put_uint_le(number, 1),
        0xfb..=0xffff => {
            out.put_u8(0xfc);
            out.put_uint_le(number, 2);
        }
        0x1_0000..=0xff_ffff => {
            out.put_u8(0xfd);
            out.put_uint_le(number, 3);
        }
        _ => {
            out.put_u8(0xfe);
            out.put_u64_le(number);
        }
    }
}

/// Writes bytes with their length before them.
pub(crate) fn put_bytes(out: &mut impl BufMut, bytes: &[u8]) {
    put_lenenc(out, bytes.len() as u64);
    out.put_slice(bytes);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn lengths_are_read_as_they_are_written() {
        for number in [
            0,
            0xfa,
            0xfb,
            0xffff,
            0x1_0000,
            0xff_ffff,
            0x100_0000,
            u64::MAX,
        ] {
            let mut out = Vec::new();
            put_lenenc(&mut out, number);
            assert_eq!(Reader::new(&out).lenenc().unwrap(), number);
        }
        for wrong in [&[][..], &[0xfb], &[0xff], &[0xfc, 1], &[0xfe, 1, 2]] {
            assert!(Reader::new(wrong).lenenc().is_err(), "{wrong:?}");
        }
        assert!(
            Reader::new(&[0xfe, 255, 255, 255, 255, 255, 255, 255, 255])
                .lenenc_bytes()
                .is_err()
        );
    }
}
