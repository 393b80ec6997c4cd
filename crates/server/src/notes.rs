//! Notes: small files in the data directory, each for something that has to be done, be it after a crash. JSON on the
//! first line, its checksum on the second.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::gate::hex;

/// The format that is written. A note says it as `v`; of format 1 it is the JSON alone.
pub(crate) const VERSION: u32 = 2;
/// The first format with a checksum.
const CHECKED: u32 = 2;
/// How much of a digest is kept.
const CHECKSUM_BYTES: usize = 8;

/// A note as it is stored.
///
/// # Errors
/// Those of serde, for what is no JSON.
pub(crate) fn to_bytes(note: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(note)?;
    let checksum = checksum(&bytes);
    bytes.extend_from_slice(format!("\n{checksum}\n").as_bytes());
    Ok(bytes)
}

/// The note in a file of any format so far.
///
/// # Errors
/// In words, what is wrong with the bytes: nothing of a damaged note is believed.
pub(crate) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| format!("it is damaged: {e}"))?;
    let (note, given) = match text.split_once('\n') {
        Some((note, rest)) => (note, Some(rest)),
        None => (text, None),
    };
    if let Some(given) = given
        && given != format!("{}\n", checksum(note.as_bytes()))
    {
        return Err("it is damaged: its checksum is another".to_owned());
    }
    let json: serde_json::Value =
        serde_json::from_str(note).map_err(|e| format!("it is damaged: {e}"))?;
    let version = json.get("v").and_then(serde_json::Value::as_u64);
    match version.map(u32::try_from) {
        Some(Ok(CHECKED..=VERSION)) if given.is_some() => {}
        Some(Ok(CHECKED..=VERSION)) => {
            return Err("it is damaged: its checksum is missing".to_owned());
        }
        Some(Ok(1)) if given.is_none() => {}
        Some(Ok(1)) | None => return Err("it is damaged: it has no version".to_owned()),
        Some(Ok(_) | Err(_)) => {
            return Err(format!(
                "it is of another version; this program reads versions 1 to {VERSION}"
            ));
        }
    }
    serde_json::from_value(json).map_err(|e| format!("it is damaged: {e}"))
}

fn checksum(note: &[u8]) -> String {
    let digest = Sha256::digest(note);
    format!("sha256:{}", hex(&digest[..CHECKSUM_BYTES]))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_bytes_are_frozen() {
        let note = json!({"a": "b", "v": 2});
        let frozen = b"{\"a\":\"b\",\"v\":2}\nsha256:043b4185e5b60ab7\n";
        assert_eq!(
            String::from_utf8(to_bytes(&note).unwrap()).unwrap(),
            String::from_utf8(frozen.to_vec()).unwrap()
        );
        assert_eq!(from_bytes::<Value>(frozen).unwrap(), note);
        // Before there were checksums.
        let old = from_bytes::<Value>(br#"{"v":1,"a":"b"}"#).unwrap();
        assert_eq!(old, json!({"v": 1, "a": "b"}));
    }

    #[test]
    fn no_damage_is_believed() {
        let bytes = to_bytes(&json!({"a": "b", "v": 2})).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert!(from_bytes::<Value>(&damaged).is_err(), "bit {bit} of {at}");
            }
        }
        for end in 0..bytes.len() {
            assert!(from_bytes::<Value>(&bytes[..end]).is_err(), "cut at {end}");
        }
        for (other, why) in [
            (&br#"{"v":3}"#[..], "of another version"),
            (br#"{"v":2}"#, "checksum is missing"),
            (br#"{"a":1}"#, "no version"),
            (b"", "damaged"),
        ] {
            let error = from_bytes::<Value>(other).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
