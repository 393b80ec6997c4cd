//! [`Secret`]: text that cannot be printed by accident.
//! It has no `Display`, its `Debug` is `***`, and its memory is overwritten when it is dropped.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

/// A password or the value of a credential: a [`SecretString`] that can be compared.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps `text`, of which no other copy is left.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        // Not `into_boxed_str`: where it has to move the text it leaves the old place as it was.
        let copy: Box<str> = text.as_str().into();
        text.zeroize();
        Self(SecretString::new(copy))
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The same secret as the type that crates beyond this one take.
    pub fn into_secret_string(self) -> SecretString {
        self.0
    }
}

impl From<SecretString> for Secret {
    fn from(secret: SecretString) -> Self {
        Self(secret)
    }
}

/// In a time that depends on the length alone.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (this, other) = (self.expose().as_bytes(), other.expose().as_bytes());
        this.ct_eq(other).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
