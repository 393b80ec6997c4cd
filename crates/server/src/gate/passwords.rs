//! Passwords: argon2id hashes in the PHC string form, with argon2's defaults (19 MiB, two passes, one
//! lane), which are what OWASP's password storage cheat sheet advises.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use catalog::PasswordHash;
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Reason, Result};

/// A longer password is refused, so that hashing one costs about the same for all.
const PASSWORD_BYTES_MAX: usize = 1024;

/// The hash of a new password. Takes some 20 ms and 19 MiB on purpose. Blocking.
///
/// # Errors
/// [`Reason::OptionInvalid`] for an empty or too long password.
pub(crate) fn hash(password: &SecretString) -> Result<PasswordHash> {
    let text = password.expose_secret();
    if text.is_empty() || text.len() > PASSWORD_BYTES_MAX {
        return Err(Error::invalid_input(
            Reason::OptionInvalid,
            format_args!("a password has 1 to {PASSWORD_BYTES_MAX} bytes"),
        ));
    }
    let hashed = Argon2::default()
        .hash_password(text.as_bytes())
        .map_err(|e| Error::defect(format_args!("failed to hash a password: {e}")))?;
    Ok(PasswordHash::new(hashed.to_string()))
}

/// Whether the password has this hash. Blocking.
pub(crate) fn verify(password: &SecretString, hash: &PasswordHash) -> bool {
    let text = password.expose_secret();
    text.len() <= PASSWORD_BYTES_MAX
        && Argon2::default()
            .verify_password(text.as_bytes(), hash.expose())
            .is_ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_hash_is_argon2id_salted_and_verifies_its_password_alone() {
        let password = SecretString::from("correct horse");
        let (one, two) = (hash(&password).unwrap(), hash(&password).unwrap());
        assert!(one.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(one.expose(), two.expose());
        assert!(verify(&password, &one));
        assert!(!verify(&SecretString::from("correct horsE"), &one));
        assert!(!verify(&password, &PasswordHash::new("not a hash")));
    }

    #[test]
    fn empty_and_endless_passwords_are_refused() {
        assert!(hash(&SecretString::from("")).is_err());
        assert!(hash(&SecretString::from("x".repeat(1025))).is_err());
    }
}
