//! Pages of lists, after AIP-158: how many items one has, by count and by bytes, and the tokens of the next ones. A token
//! says behind which item the next page begins, so it stays right when items come and go; to clients it is opaque.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::error::{Error, Reason, Result};

/// What a page holds at most: clients take 4 MiB unless they are told otherwise.
const PAGE_BYTES_MAX: usize = 1 << 20;
/// The first byte of a token.
const VERSION: u8 = 1;
/// Of the digest of what a list is of.
const LIST_BYTES: usize = 8;

/// The page that is asked for.
#[derive(Debug)]
pub(super) struct Paging {
    size: usize,
    list: [u8; LIST_BYTES],
    after: Option<String>,
}

impl Paging {
    /// `list` is the call and whatever else its items depend on: with another one, the token is refused.
    ///
    /// # Errors
    /// [`Reason::OptionInvalid`]: a negative size, or a token that this server has not given for this list.
    pub(super) fn new(page_size: i32, page_token: &str, list: &[&str]) -> Result<Self> {
        let size = match page_size {
            0 => 100,
            1.. => usize::try_from(page_size).unwrap_or(1000).min(1000),
            _ => {
                return Err(Error::invalid_input(
                    Reason::OptionInvalid,
                    "page_size must not be negative",
                ));
            }
        };
        let list = digest(list);
        let after = match page_token {
            "" => None,
            token => Some(behind(token, &list).ok_or_else(foreign_token)?),
        };
        Ok(Self { size, list, after })
    }

    /// The same for a list that had no pages once: a size of 0 is for as many as a page holds.
    ///
    /// # Errors
    /// Those of [`Paging::new`].
    pub(super) fn with_all(page_size: i32, page_token: &str, list: &[&str]) -> Result<Self> {
        let mut paging = Self::new(page_size, page_token, list)?;
        if page_size == 0 {
            paging.size = usize::MAX - 1;
        }
        Ok(paging)
    }

    /// The key of the item behind which the page begins.
    pub(super) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Leaves out the items of the pages before.
    pub(super) fn skip<T>(&self, items: &mut Vec<T>, key: impl Fn(&T) -> &str) {
        if let Some(after) = self.after() {
            items.retain(|item| key(item) > after);
        }
    }

    /// How many items have to be looked up: one more than the page may have, which says that there is a next one.
    pub(super) fn wanted(&self) -> usize {
        self.size + 1
    }

    /// The page of the items that were found, as messages, and the token of the next one.
    pub(super) fn page<T, M: Message>(
        &self,
        items: Vec<T>,
        key: impl Fn(&T) -> String,
        message: impl Fn(T) -> M,
    ) -> (Vec<M>, String) {
        let found = items.len();
        let (mut messages, mut bytes, mut last) = (Vec::new(), 0, String::new());
        for item in items.into_iter().take(self.size) {
            let item_key = key(&item);
            let message = message(item);
            bytes += message.encoded_len();
            // An item that is larger than a page has one to itself.
            if bytes > PAGE_BYTES_MAX && !messages.is_empty() {
                break;
            }
            last = item_key;
            messages.push(message);
        }
        let token = match messages.len() < found {
            true => self.token(&last),
            false => String::new(),
        };
        (messages, token)
    }

    fn token(&self, key: &str) -> String {
        let bytes = [&[VERSION], &self.list[..], key.as_bytes()].concat();
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// The key in a token for this list.
fn behind(token: &str, list: &[u8; LIST_BYTES]) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (version, rest) = bytes.split_first()?;
    let (of, key) = rest.split_at_checked(LIST_BYTES)?;
    if *version != VERSION || of != list {
        return None;
    }
    String::from_utf8(key.to_vec()).ok()
}

fn digest(list: &[&str]) -> [u8; LIST_BYTES] {
    let mut digest = Sha256::new();
    for part in list {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    let mut first = [0; LIST_BYTES];
    for (to, from) in first.iter_mut().zip(digest.finalize()) {
        *to = from;
    }
    first
}

/// For a page token that is not one of ours.
pub(super) fn foreign_token() -> Error {
    Error::invalid_input(
        Reason::OptionInvalid,
        "page_token is not one that this server gave for this list",
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn page(paging: &Paging, items: &[&str]) -> (Vec<String>, String) {
        let after = paging.after().unwrap_or_default();
        let rest = items.iter().filter(|item| **item > after);
        let found: Vec<String> = rest
            .take(paging.wanted())
            .map(|item| (*item).to_owned())
            .collect();
        paging.page(found, Clone::clone, |item| item)
    }

    #[test]
    fn a_token_leads_on_although_items_come_and_go() {
        let first = Paging::new(2, "", &["List"]).unwrap();
        let (got, token) = page(&first, &["a", "b", "c", "d"]);
        assert_eq!(got, ["a", "b"]);
        let next = Paging::new(2, &token, &["List"]).unwrap();
        // What was given out is gone, and something came before.
        let (got, token) = page(&next, &["aa", "c", "d"]);
        assert_eq!(
            (got, token.as_str()),
            (vec!["c".to_owned(), "d".to_owned()], "")
        );
    }

    #[test]
    fn a_page_ends_before_it_is_too_large_and_an_item_that_is_has_its_own() {
        let large = "x".repeat(PAGE_BYTES_MAX + 1);
        let items = ["a", "b", large.as_str(), "y"];
        let mut token = String::new();
        let mut pages = Vec::new();
        loop {
            let paging = Paging::new(0, &token, &["List"]).unwrap();
            let (got, next) = page(&paging, &items);
            pages.push(got.len());
            if next.is_empty() {
                break;
            }
            token = next;
        }
        assert_eq!(pages, [2, 1, 1]);
    }

    #[test]
    fn another_lists_token_is_refused() {
        let paging = Paging::new(1, "", &["ListFiles", "s", "a/"]).unwrap();
        let (_, token) = page(&paging, &["a", "b"]);
        assert!(Paging::new(1, &token, &["ListFiles", "s", "a/"]).is_ok());
        for list in [&["ListFiles", "s", "b/"][..], &["ListFiles", "sa/"], &[]] {
            assert!(Paging::new(1, &token, list).is_err());
        }
        for token in ["a", "AAAA", "not base64!", "AQ"] {
            assert!(Paging::new(1, token, &["List"]).is_err(), "{token}");
        }
        assert!(Paging::new(-1, "", &[]).is_err());
    }
}
