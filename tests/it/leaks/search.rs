//! Finding a secret in bytes: as it is, in lower case, in base64 at any offset, in hex, as an URL or a
//! debugger writes it.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

/// One secret and the forms in which it is looked for.
pub(crate) struct Planted {
    /// Where it was given to the server.
    pub(crate) what: String,
    pub(crate) text: String,
    forms: Vec<Form>,
}

struct Form {
    name: &'static str,
    bytes: Vec<u8>,
    /// Looked for in the lower case of what is searched.
    folded: bool,
}

impl Planted {
    pub(crate) fn new(what: &str, text: &str) -> Self {
        let folded = |name, text: String| Form {
            name,
            bytes: text.to_lowercase().into_bytes(),
            folded: true,
        };
        let bytes = text.as_bytes();
        let mut forms = vec![
            folded("as it is", text.to_owned()),
            folded("hex", bytes.iter().map(|b| format!("{b:02x}")).collect()),
            folded("percent-encoded", percent_encoded(text)),
            folded(
                "bytes in a list",
                bytes
                    .iter()
                    .map(u8::to_string)
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
        ];
        for (name, alphabet) in [
            ("base64", alphabet::STANDARD),
            ("base64url", alphabet::URL_SAFE),
        ] {
            forms.extend((0..3).map(|offset| Form {
                name,
                bytes: inner_base64(&GeneralPurpose::new(&alphabet, NO_PAD), bytes, offset),
                folded: false,
            }));
        }
        Self {
            what: what.to_owned(),
            text: text.to_owned(),
            forms,
        }
    }

    /// The forms in which it is there.
    pub(crate) fn found_in(&self, haystack: &Haystack) -> Vec<&'static str> {
        let found = |form: &&Form| {
            let bytes = if form.folded {
                &haystack.lower
            } else {
                &haystack.bytes
            };
            memchr::memmem::find(bytes, &form.bytes).is_some()
        };
        self.forms
            .iter()
            .filter(found)
            .map(|form| form.name)
            .collect()
    }
}

/// What is searched.
pub(crate) struct Haystack {
    pub(crate) place: String,
    bytes: Vec<u8>,
    lower: Vec<u8>,
}

impl Haystack {
    pub(crate) fn new(place: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self {
            place: place.into(),
            lower: bytes.to_ascii_lowercase(),
            bytes,
        }
    }
}

/// What of the base64 of any text with the secret at that offset (modulo 3) depends on the secret alone.
fn inner_base64(engine: &GeneralPurpose, secret: &[u8], offset: usize) -> Vec<u8> {
    let mut text = vec![0; offset];
    text.extend(secret);
    let encoded = engine.encode(&text).into_bytes();
    // Six bits a character: those that hold a bit of what is before, or of what may follow, go.
    let from = (offset * 8).div_ceil(6);
    let to = text.len() * 8 / 6;
    encoded[from..to].to_vec()
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[test]
fn every_form_is_found_and_nothing_else() {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    let planted = Planted::new("a test", "Pl4nt+00+Secret>?~");
    let found = |bytes: &[u8]| planted.found_in(&Haystack::new("a test", bytes));
    assert_eq!(found(b"xx pL4NT+00+secret>?~ xx"), ["as it is"]);
    assert_eq!(
        found(b"xx Pl4nt%2b00%2BSecret%3E%3F~ xx"),
        ["percent-encoded"]
    );
    assert_eq!(
        found(b"506C346E742B30302B5365637265743E3F7E"),
        ["hex"],
        "upper case, too"
    );
    assert_eq!(
        found(format!("{:?}", b"xxPl4nt+00+Secret>?~yy").as_bytes()),
        ["bytes in a list"]
    );
    for before in ["", "x", "xy", "root:", "account#user:"] {
        for after in ["", "z", "zz", "zzz"] {
            let text = format!("{before}Pl4nt+00+Secret>?~{after}");
            // The two alphabets often spell alike.
            let standard = found(STANDARD.encode(&text).as_bytes());
            assert!(standard.contains(&"base64"), "{text}");
            let url_safe = found(URL_SAFE.encode(&text).as_bytes());
            assert!(url_safe.contains(&"base64url"), "{text}");
        }
    }
    assert!(found(b"Pl4nt+01+Secret>?~ and Pl4nt+00+Secret").is_empty());
}
