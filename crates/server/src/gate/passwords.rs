//! Passwords: argon2id hashes in the PHC string form, with argon2's defaults (19 MiB, two passes, one
//! lane), which are what OWASP's password storage cheat sheet advises.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use catalog::PasswordHash;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::error::{Error, Reason, Result};

/// A longer password is refused, so that hashing one costs about the same for all.
const PASSWORD_BYTES_MAX: usize = 1024;
/// What RFC 9106 recommends.
const SALT_BYTES: usize = 16;

/// The hash of a new password. Takes some 20 ms and 19 MiB on purpose. Blocking.
///
/// # Errors
/// [`Reason::OptionInvalid`] for an empty or too long password.
pub(crate) fn hash(password: &SecretString) -> Result<PasswordHash> {
    check(password)?;
    let hashed = Argon2::default()
        .hash_password(password.expose_secret().as_bytes())
        .map_err(|e| Error::defect(format_args!("failed to hash a password: {e}")))?;
    Ok(PasswordHash::new(hashed.to_string()))
}

/// The same with a salt that `named` stands for, so that the hash of the same password is the same: for a change that
/// may be given again, and is compared with the first. Whoever names changes alike makes equal passwords visible as such.
///
/// # Errors
/// Those of [`hash`].
pub(crate) fn hash_salted_by(password: &SecretString, named: &[&str]) -> Result<PasswordHash> {
    check(password)?;
    let mut salt = Sha256::new_with_prefix(b"stagedoor password salt 1\0");
    for part in named {
        salt.update((part.len() as u64).to_le_bytes());
        salt.update(part);
    }
    let hashed = Argon2::default()
        .hash_password_with_salt(
            password.expose_secret().as_bytes(),
            &salt.finalize()[..SALT_BYTES],
        )
        .map_err(|e| Error::defect(format_args!("failed to hash a password: {e}")))?;
    Ok(PasswordHash::new(hashed.to_string()))
}

fn check(password: &SecretString) -> Result<()> {
    let bytes = password.expose_secret().len();
    if bytes == 0 || bytes > PASSWORD_BYTES_MAX {
        return Err(Error::invalid_input(
            Reason::OptionInvalid,
            format_args!("a password has 1 to {PASSWORD_BYTES_MAX} bytes"),
        ));
    }
    Ok(())
}

/// Whether the password has this hash. Blocking.
pub(crate) fn verify(password: &SecretString, hash: &PasswordHash) -> bool {
    #[cfg(test)]
    VERIFIED.with_borrow_mut(|all| all.push(parameters(hash)));
    let text = password.expose_secret();
    text.len() <= PASSWORD_BYTES_MAX
        && Argon2::default()
            .verify_password(text.as_bytes(), hash.expose())
            .is_ok()
}

#[cfg(test)]
thread_local! {
    /// By what parameters this thread has hashed to verify.
    static VERIFIED: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Each hashing of this thread since the last time, by its algorithm and parameters.
#[cfg(test)]
pub(super) fn verified() -> Vec<String> {
    VERIFIED.take()
}

#[cfg(test)]
fn parameters(hash: &PasswordHash) -> String {
    let parts: Vec<&str> = hash.expose().split('$').take(4).collect();
    parts.join("$")
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
    fn a_salt_by_name_makes_equal_hashes_of_equal_passwords_alone() {
        let password = SecretString::from("correct horse");
        let hash =
            |password: &SecretString, named: &[&str]| hash_salted_by(password, named).unwrap();
        let one = hash(&password, &["acme", "bob"]);
        assert!(verify(&password, &one));
        assert_eq!(one, hash(&password, &["acme", "bob"]));
        let other = SecretString::from("other");
        assert_ne!(one, hash(&other, &["acme", "bob"]));
        assert_ne!(one, hash(&password, &["acmeb", "ob"]));
        assert!(hash_salted_by(&SecretString::from(""), &["a"]).is_err());
    }

    #[test]
    fn empty_and_endless_passwords_are_refused() {
        assert!(hash(&SecretString::from("")).is_err());
        assert!(hash(&SecretString::from("x".repeat(1025))).is_err());
    }
}
