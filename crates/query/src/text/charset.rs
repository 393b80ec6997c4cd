//! Character sets of files, as MySQL calls them. What is read is UTF-8 from here on.

use encoding_rs::{
    BIG5_INIT, DecoderResult, EUC_JP_INIT, EUC_KR_INIT, Encoding, GB18030_INIT, GBK_INIT,
    IBM866_INIT, ISO_8859_2_INIT, ISO_8859_7_INIT, ISO_8859_8_INIT, ISO_8859_13_INIT, KOI8_R_INIT,
    KOI8_U_INIT, MACINTOSH_INIT, SHIFT_JIS_INIT, WINDOWS_874_INIT, WINDOWS_1250_INIT,
    WINDOWS_1251_INIT, WINDOWS_1252_INIT, WINDOWS_1254_INIT, WINDOWS_1256_INIT, WINDOWS_1257_INIT,
};

/// Names of UTF-8, of which ASCII is a part.
const UTF8: &[&str] = &[
    "utf8mb4", "utf8", "utf8mb3", "utf_8", "utf-8", "ascii", "binary",
];

/// The others. MySQL's latin1 is what others call Windows-1252.
static OTHERS: &[(&str, &Encoding)] = &[
    ("big5", &BIG5_INIT),
    ("cp1250", &WINDOWS_1250_INIT),
    ("cp1251", &WINDOWS_1251_INIT),
    ("cp1256", &WINDOWS_1256_INIT),
    ("cp1257", &WINDOWS_1257_INIT),
    ("cp866", &IBM866_INIT),
    ("cp932", &SHIFT_JIS_INIT),
    ("eucjpms", &EUC_JP_INIT),
    ("euckr", &EUC_KR_INIT),
    ("gb18030", &GB18030_INIT),
    ("gb2312", &GBK_INIT),
    ("gbk", &GBK_INIT),
    ("greek", &ISO_8859_7_INIT),
    ("hebrew", &ISO_8859_8_INIT),
    ("koi8r", &KOI8_R_INIT),
    ("koi8u", &KOI8_U_INIT),
    ("latin1", &WINDOWS_1252_INIT),
    ("latin2", &ISO_8859_2_INIT),
    ("latin5", &WINDOWS_1254_INIT),
    ("latin7", &ISO_8859_13_INIT),
    ("macroman", &MACINTOSH_INIT),
    ("sjis", &SHIFT_JIS_INIT),
    ("tis620", &WINDOWS_874_INIT),
    ("ujis", &EUC_JP_INIT),
];

/// A character set; the default is UTF-8.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Charset(Option<(&'static str, &'static Encoding)>);

impl Charset {
    /// The character set of a name of MySQL's, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        if UTF8.contains(&name.as_str()) {
            return Some(Self::default());
        }
        let found = OTHERS.iter().find(|(known, _)| *known == name);
        found.map(|(name, encoding)| Self(Some((name, encoding))))
    }

    /// The names that are known.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let others = OTHERS.iter().map(|(name, _)| *name);
        UTF8[..1].iter().copied().chain(others).collect()
    }

    /// Whether bytes of it are read as they are.
    #[must_use]
    pub fn is_utf8(self) -> bool {
        self.0.is_none()
    }

    /// A file of it, from its beginning.
    pub(super) fn decoding(self) -> Option<Decoding> {
        let (name, encoding) = self.0?;
        Some(Decoding {
            name,
            decoder: encoding.new_decoder_without_bom_handling(),
            line: 1,
        })
    }
}

/// A file that is turned into UTF-8 piece by piece.
pub(super) struct Decoding {
    name: &'static str,
    decoder: encoding_rs::Decoder,
    /// The line that comes next.
    line: u64,
}

/// Bytes that are none of the character set.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) name: &'static str,
    pub(super) line: u64,
}

impl Decoding {
    /// The next bytes as UTF-8, as far as they are whole characters; `last` says that no more come.
    pub(super) fn decode(&mut self, bytes: &[u8], last: bool) -> Result<Vec<u8>, Malformed> {
        let mut out = Vec::new();
        let mut rest = bytes;
        loop {
            let room = self
                .decoder
                .max_utf8_buffer_length_without_replacement(rest.len())
                .unwrap_or(rest.len());
            let before = out.len();
            out.resize(before + room.max(16), 0);
            let (result, read, written) =
                self.decoder
                    .decode_to_utf8_without_replacement(rest, &mut out[before..], last);
            out.truncate(before + written);
            self.line += memchr::memchr_iter(b'\n', &out[before..]).count() as u64;
            rest = &rest[read..];
            match result {
                DecoderResult::InputEmpty => return Ok(out),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    return Err(Malformed {
                        name: self.name,
                        line: self.line,
                    });
                }
            }
        }
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "there are bytes that are no characters of {}", self.name)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Charset, Malformed};

    /// In pieces of one byte, so that characters are cut anywhere.
    fn decoded(name: &str, bytes: &[u8]) -> Result<String, Malformed> {
        let mut decoding = Charset::named(name).unwrap().decoding().unwrap();
        let mut out = Vec::new();
        for byte in bytes {
            out.extend(decoding.decode(&[*byte], false)?);
        }
        out.extend(decoding.decode(&[], true)?);
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn names_of_mysql_are_known() {
        assert_eq!(Charset::named("UTF8MB4"), Some(Charset::default()));
        assert!(Charset::named("Latin1").is_some_and(|charset| !charset.is_utf8()));
        assert_eq!(Charset::named("utf16"), None);
        assert!(Charset::named("gbk").unwrap().decoding().is_some());
        assert!(Charset::default().decoding().is_none());
        let names = Charset::names();
        assert!(names.contains(&"utf8mb4") && names.contains(&"gbk"));
    }

    #[test]
    fn characters_become_utf8_wherever_they_are_cut() {
        assert_eq!(decoded("latin1", b"gr\xf6\xdfe \x80").unwrap(), "größe €");
        assert_eq!(decoded("gbk", b"\xc4\xe3\xba\xc3,1\n").unwrap(), "你好,1\n");
        assert_eq!(decoded("sjis", b"\x93\xfa\x96{").unwrap(), "日本");
        assert_eq!(decoded("cp1251", b"\xef\xf0\xe8").unwrap(), "при");
    }

    #[test]
    fn what_is_no_character_is_told_with_its_line() {
        let error = decoded("gbk", b"a\nb\n\xff\xff").unwrap_err();
        assert_eq!((error.name, error.line), ("gbk", 3));
        let cut = decoded("euckr", b"a\n\xb0").unwrap_err();
        assert_eq!(cut.line, 2);
    }
}
