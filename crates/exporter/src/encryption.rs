//! Files that are encrypted while they are written: age, version 1 (C2SP's `age-encryption.org/v1`), to X25519
//! recipients. The layer stands outside compression, so that sizes and digests are those of the encrypted bytes.
//!
//! The primitives are ring's; what is here is how age puts them together (docs/decisions/0016-age-on-ring.md). That
//! others decrypt it is tested with age's own programs.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::error::Unspecified;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hkdf, hmac};
use zeroize::Zeroizing;

use crate::error::{EncodeError, ExportError};

/// How every file begins.
const INTRODUCTION: &str = "age-encryption.org/v1\n";
/// What a recipient's name begins with, before the `1`.
const NAME: &str = "age";
/// Plain bytes of one sealed chunk.
const CHUNK_BYTES: usize = 64 << 10;
/// What sealing adds.
const TAG_BYTES: usize = 16;
/// Stands behind the header.
const NONCE_BYTES: usize = 16;
/// The introduction, and `---` with the header's MAC and a line end.
const FRAME_BYTES: usize = INTRODUCTION.len() + 4 + 43 + 1;
/// A recipient's stanza: `-> X25519` with the ephemeral share, and the wrapped key, each in 43 characters.
const STANZA_BYTES: usize = 10 + 43 + 1 + 43 + 1;
/// More recipients than this are a mistake, and their stanzas would dwarf small files.
const RECIPIENTS_MAX: usize = 64;

/// Who can read the files: the public keys (`age1…`) of some identities, in the order in which they were given.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipients(Vec<[u8; 32]>);

impl Recipients {
    /// Of text: recipients separated by commas, each once.
    ///
    /// # Errors
    /// None at all, too many, one twice, one that is no X25519 recipient of age: the text says which.
    pub fn parse(text: &str) -> Result<Self, EncodeError> {
        let mut recipients = Vec::new();
        for name in text.split(',').map(str::trim) {
            let recipient = public_key(name).map_err(|why| {
                // A secret key may stand there by mistake: it must not be repeated.
                let shown = match name.get(..4) {
                    Some(begin) if begin.eq_ignore_ascii_case("age1") => name,
                    Some(_) | None => "what is given",
                };
                EncodeError::options(format!(
                    "{} is no recipient ({why}); one is the public key of age-keygen, as 'age1…', and several are separated by commas",
                    shown.escape_default()
                ))
            })?;
            if recipients.contains(&recipient) {
                return Err(EncodeError::options(format!(
                    "the recipient {} is given twice",
                    name_of(&recipient)
                )));
            }
            recipients.push(recipient);
        }
        if recipients.len() > RECIPIENTS_MAX {
            return Err(EncodeError::options(format!(
                "{} recipients are given; there may be {RECIPIENTS_MAX}",
                recipients.len()
            )));
        }
        let recipients = Self(recipients);
        // A key that nothing can be encrypted to is known at once.
        recipients.begin().map_err(|_| {
            EncodeError::options(
                "a recipient's key is one that nothing can be encrypted to".to_owned(),
            )
        })?;
        Ok(recipients)
    }

    /// Each as text, `age1…`.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(name_of).collect()
    }

    /// Whether these are the same recipients, in whatever order.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().all(|one| other.0.contains(one))
    }

    /// The most plain bytes of a file that has at most `bytes` encrypted; 0 where none fit.
    pub(crate) fn plain_bytes_max(&self, bytes: u64) -> u64 {
        let head = FRAME_BYTES + STANZA_BYTES * self.0.len() + NONCE_BYTES;
        let room = bytes.saturating_sub(head as u64);
        let sealed = (CHUNK_BYTES + TAG_BYTES) as u64;
        let last = (room % sealed).saturating_sub(TAG_BYTES as u64);
        room / sealed * CHUNK_BYTES as u64 + last
    }

    /// Begins a file.
    ///
    /// # Errors
    /// A recipient's key that is none; a machine without random numbers.
    pub(crate) fn begin(&self) -> Result<Encryption, ExportError> {
        self.try_begin().map_err(|_| {
            ExportError::internal(
                "cannot encrypt the file",
                "its header could not be made".to_owned(),
            )
        })
    }

    fn try_begin(&self) -> Result<Encryption, Unspecified> {
        let random = SystemRandom::new();
        let mut file_key = Zeroizing::new([0; 16]);
        random.fill(&mut *file_key)?;
        let mut header = INTRODUCTION.to_owned();
        for recipient in &self.0 {
            let (share, wrapped) = wrapped(&random, &file_key, recipient)?;
            header += &format!(
                "-> X25519 {}\n{}\n",
                STANDARD_NO_PAD.encode(share),
                STANDARD_NO_PAD.encode(wrapped)
            );
        }
        header += "---";
        let mac_key = derived(b"", &*file_key, b"header")?;
        let mac = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, &*mac_key),
            header.as_bytes(),
        );
        header += &format!(" {}\n", STANDARD_NO_PAD.encode(mac));
        let mut nonce = [0; NONCE_BYTES];
        random.fill(&mut nonce)?;
        let key = derived(&nonce, &*file_key, b"payload")?;
        let mut sealed = header.into_bytes();
        sealed.extend_from_slice(&nonce);
        Ok(Encryption {
            key: LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &*key)?),
            chunks: 0,
            chunk: Zeroizing::new(Vec::with_capacity(CHUNK_BYTES)),
            sealed,
        })
    }
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// The key that a recipient's name is of, or why it is none.
fn public_key(name: &str) -> Result<[u8; 32], String> {
    let (begin, bytes) =
        bech32::decode(name).map_err(|e| format!("it is not written as one: {e}"))?;
    if !begin.as_str().eq_ignore_ascii_case(NAME) {
        return Err("it does not begin with 'age1'".to_owned());
    }
    // Bech32m, which that takes, too, is not age's.
    if bech32::primitives::decode::CheckedHrpstring::new::<bech32::Bech32>(name).is_err() {
        return Err("its check characters are wrong".to_owned());
    }
    <[u8; 32]>::try_from(bytes).map_err(|bytes| format!("it has {} bytes, not 32", bytes.len()))
}

fn name_of(key: &[u8; 32]) -> String {
    let begin = bech32::Hrp::parse_unchecked(NAME);
    // It fails for longer texts only.
    bech32::encode::<bech32::Bech32>(begin, key).unwrap_or_default()
}

/// The file's key for one recipient: the share that it takes, and the key under what both agree on.
fn wrapped(
    random: &SystemRandom,
    file_key: &[u8; 16],
    recipient: &[u8; 32],
) -> Result<([u8; 32], Vec<u8>), Unspecified> {
    let own = EphemeralPrivateKey::generate(&X25519, random)?;
    let public = own.compute_public_key()?;
    let share = <[u8; 32]>::try_from(public.as_ref()).map_err(|_| Unspecified)?;
    let salt = [share, *recipient].concat();
    let theirs = UnparsedPublicKey::new(&X25519, recipient);
    let key = agree_ephemeral(own, &theirs, |shared| {
        derived(&salt, shared, b"age-encryption.org/v1/X25519")
    })??;
    let mut body = file_key.to_vec();
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &*key)?);
    // The key is of this one message.
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut body)?;
    Ok((share, body))
}

/// 32 bytes of HKDF-SHA-256.
fn derived(salt: &[u8], secret: &[u8], info: &[u8]) -> Result<Zeroizing<[u8; 32]>, Unspecified> {
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let mut key = Zeroizing::new([0; 32]);
    extracted
        .expand(&[info], hkdf::HKDF_SHA256)?
        .fill(&mut *key)?;
    Ok(key)
}

/// A file that is being encrypted.
pub(crate) struct Encryption {
    key: LessSafeKey,
    /// Sealed so far.
    chunks: u64,
    /// Plain bytes that are not sealed yet. A full chunk waits, for it may be the last, which is marked.
    chunk: Zeroizing<Vec<u8>>,
    /// What is to be put next: at first the header.
    sealed: Vec<u8>,
}

impl Encryption {
    /// Seals `bytes`, and hands what is ready to `put`: whole chunks.
    ///
    /// # Errors
    /// Those of `put`.
    pub(crate) fn write(
        &mut self,
        mut bytes: &[u8],
        mut put: impl FnMut(&[u8]) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        while !bytes.is_empty() {
            if self.chunk.len() == CHUNK_BYTES {
                self.seal(false)?;
                put(&self.sealed)?;
                self.sealed.clear();
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Seals the last chunk, and hands it to `put`.
    ///
    /// # Errors
    /// Those of `put`.
    pub(crate) fn finish(
        mut self,
        put: impl FnOnce(&[u8]) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        self.seal(true)?;
        put(&self.sealed)
    }

    fn seal(&mut self, is_last: bool) -> Result<(), ExportError> {
        // A counter of eleven bytes, and the mark of the last chunk.
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.chunks.to_be_bytes());
        nonce[11] = u8::from(is_last);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::empty(), &mut self.chunk)
            .map_err(|_| {
                ExportError::internal(
                    "cannot encrypt the file",
                    "a chunk could not be sealed".to_owned(),
                )
            })?;
        self.sealed.extend_from_slice(&self.chunk);
        self.sealed.extend_from_slice(tag.as_ref());
        self.chunk.clear();
        self.chunks += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use futures::executor::block_on;
    use futures::stream;

    use super::*;
    use crate::csv::CsvOptions;
    use crate::{Compression, ExportOptions, MemorySink, export};

    /// Of age's own documentation.
    const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    fn identity() -> (EphemeralPrivateKey, String) {
        let own = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).unwrap();
        let public = own.compute_public_key().unwrap();
        let name = name_of(&<[u8; 32]>::try_from(public.as_ref()).unwrap());
        (own, name)
    }

    fn encrypted(recipients: &Recipients, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encryption = recipients.begin().unwrap();
        for piece in plain.chunks(50_000) {
            let put = |bytes: &[u8]| {
                out.extend_from_slice(bytes);
                Ok(())
            };
            encryption.write(piece, put).unwrap();
        }
        let put = |bytes: &[u8]| {
            out.extend_from_slice(bytes);
            Ok(())
        };
        encryption.finish(put).unwrap();
        out
    }

    /// What a recipient does first, by the format's own words; `number` is that of its stanza.
    fn file_key(sealed: &[u8], own: EphemeralPrivateKey, name: &str, number: usize) -> Vec<u8> {
        let end = sealed.windows(4).position(|four| four == b"\n---").unwrap();
        let header = std::str::from_utf8(&sealed[..end + 4]).unwrap();
        let lines: Vec<&str> = header.lines().collect();
        assert_eq!(lines[0], "age-encryption.org/v1");
        let share = lines[1 + 2 * number].strip_prefix("-> X25519 ").unwrap();
        let share = STANDARD_NO_PAD.decode(share).unwrap();
        let mut body = STANDARD_NO_PAD.decode(lines[2 + 2 * number]).unwrap();
        let salt = [&share[..], &public_key(name).unwrap()].concat();
        let theirs = UnparsedPublicKey::new(&X25519, &share);
        let wrap = agree_ephemeral(own, &theirs, |shared| {
            derived(&salt, shared, b"age-encryption.org/v1/X25519").unwrap()
        });
        opened(&wrap.unwrap(), [0; 12], &mut body).unwrap()
    }

    fn opened(key: &[u8; 32], nonce: [u8; 12], bytes: &mut [u8]) -> Option<Vec<u8>> {
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).unwrap());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = key.open_in_place(nonce, Aad::empty(), bytes).ok()?;
        Some(plain.to_vec())
    }

    /// What a recipient does then; `None` where it refuses the file.
    fn payload(sealed: &[u8], file_key: &[u8]) -> Option<Vec<u8>> {
        let end = sealed.windows(4).position(|four| four == b"\n---")?;
        let (header, rest) = sealed.split_at(end + 4);
        let (mac, rest) = rest.strip_prefix(b" ")?.split_at_checked(43)?;
        let mac = STANDARD_NO_PAD.decode(mac).ok()?;
        let key = derived(b"", file_key, b"header").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*key);
        hmac::verify(&key, header, &mac).ok()?;
        let (nonce, payload) = rest.strip_prefix(b"\n")?.split_at_checked(NONCE_BYTES)?;
        let key = derived(nonce, file_key, b"payload").unwrap();
        let mut plain = Vec::new();
        let chunks = payload.chunks(CHUNK_BYTES + TAG_BYTES);
        // Also a file of nothing has a last chunk.
        let last = chunks.len().checked_sub(1)?;
        for (number, chunk) in chunks.enumerate() {
            let mut nonce = [0; 12];
            nonce[3..11].copy_from_slice(&(number as u64).to_be_bytes());
            nonce[11] = u8::from(number == last);
            plain.extend(opened(&key, nonce, &mut chunk.to_vec())?);
        }
        Some(plain)
    }

    fn decrypted(sealed: &[u8], own: EphemeralPrivateKey, name: &str, number: usize) -> Vec<u8> {
        payload(sealed, &file_key(sealed, own, name, number)).unwrap()
    }

    /// Wherever a file of a split, compressed export is cut, nobody takes what is left for a file, not even between two
    /// chunks.
    #[test]
    fn a_cut_file_is_refused() {
        // Each identity opens one file: ring's are for one use.
        let identities: Vec<_> = (0..6).map(|_| identity()).collect();
        let names: Vec<&str> = identities.iter().map(|one| one.1.as_str()).collect();
        let recipients = Recipients::parse(&names.join(",")).unwrap();
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..250));
        let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
        let options = ExportOptions::csv(&batch.schema(), CsvOptions::default())
            .unwrap()
            .compression(Compression::Gzip { level: 6 })
            .unwrap()
            .encrypted(recipients.clone())
            .unwrap()
            .file_bytes_max(1100)
            .unwrap();
        let sink = MemorySink::default();
        let source = stream::iter([Ok::<_, std::io::Error>(batch)]);
        block_on(export(source, sink.clone(), options)).unwrap();
        let mut files: Vec<Vec<u8>> = sink.parts().into_iter().map(|part| part.1).collect();
        assert!((2..6).contains(&files.len()), "{} files", files.len());
        files.truncate(identities.len() - 1);
        // And one of several chunks.
        files.push(encrypted(&recipients, &vec![7; 2 * CHUNK_BYTES + 100]));
        for (number, (sealed, (own, name))) in files.iter().zip(identities).enumerate() {
            let key = file_key(sealed, own, &name, number);
            assert!(payload(sealed, &key).is_some());
            let head = FRAME_BYTES + STANZA_BYTES * 6 + NONCE_BYTES;
            let is_near = |at: usize| {
                let in_chunk = at.saturating_sub(head) % (CHUNK_BYTES + TAG_BYTES);
                at < 2000 || !(20..=CHUNK_BYTES).contains(&in_chunk)
            };
            let cuts = (0..sealed.len()).filter(|at| is_near(*at) || at % 4001 == 0);
            for at in cuts {
                assert_eq!(payload(&sealed[..at], &key), None, "{at} bytes");
            }
        }
    }

    #[test]
    fn each_recipient_reads_what_was_written_and_limits_are_kept_to_the_byte() {
        for bytes in [
            600,
            65_536 + 334,
            65_536 + 335,
            65_536 + 350,
            65_536 + 351,
            200_000,
        ] {
            for number in 0..2 {
                let (first, second) = (identity(), identity());
                let recipients = Recipients::parse(&format!("{}, {}", first.1, second.1)).unwrap();
                let max = recipients.plain_bytes_max(bytes);
                let plain: Vec<u8> = (0..max).map(|at| (at % 251) as u8).collect();
                let sealed = encrypted(&recipients, &plain);
                assert!(sealed.len() as u64 <= bytes, "{} of {bytes}", sealed.len());
                // One more byte, and the chunk that it may need, is too much.
                let more = encrypted(&recipients, &vec![0; plain.len() + 1]);
                assert!(more.len() as u64 > bytes, "{} of {bytes}", more.len());
                let (own, name) = match number {
                    0 => first,
                    _ => second,
                };
                assert!(decrypted(&sealed, own, &name, number) == plain);
            }
        }
        let (own, name) = identity();
        let recipients = Recipients::parse(&name).unwrap();
        assert_eq!(recipients.plain_bytes_max(100), 0);
        assert_eq!(decrypted(&encrypted(&recipients, b""), own, &name, 0), b"");
    }

    #[test]
    fn what_is_no_recipient_is_named_unless_it_may_be_a_secret() {
        assert_eq!(Recipients::parse(RECIPIENT).unwrap().names(), [RECIPIENT]);
        let upper = RECIPIENT.to_uppercase();
        assert_eq!(Recipients::parse(&upper).unwrap().names(), [RECIPIENT]);
        let told = |text: &str| Recipients::parse(text).unwrap_err().to_string();
        let error = told("age1nonsense");
        assert!(error.contains("age1nonsense is no recipient"), "{error}");
        let mistyped = RECIPIENT.replace("cac8p", "cac8q");
        assert!(told(&mistyped).contains(&mistyped));
        let error = told("AGE-SECRET-KEY-1QQQQ");
        assert!(!error.contains("QQQQ"), "{error}");
        told("");
        told("age1");
        let error = told(&format!("{RECIPIENT},{RECIPIENT}"));
        assert!(error.contains("given twice"), "{error}");
        // A key of small order: what would be agreed on is zero, and known to everybody.
        let error = told(&name_of(&[0; 32]));
        assert!(error.contains("nothing can be encrypted to"), "{error}");
    }
}
