//! What a mutation works with: a typed view of the records as they are, and a draft of the changes.
//! Reads within a mutation see the state before it; in one of several steps, that before the step.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::overlay::Overlay;
use super::steps::Decided;
use super::what::What;
use crate::error::Error;
use crate::format::{self, Counter, Mark, Stored};
use crate::index::{self, Index, Pair};
use crate::keys;

/// Typed reading of the index, and in a decision of what is ahead of it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    index: &'a Index,
    ahead: &'a Overlay,
    /// What the steps before have put, in a mutation of several.
    earlier: &'a Overlay,
}

impl<'a> View<'a> {
    pub(super) fn new(index: &'a Index, ahead: &'a Overlay, earlier: &'a Overlay) -> View<'a> {
        View {
            index,
            ahead,
            earlier,
        }
    }

    fn bytes(&self, key: &str) -> Result<Option<Bytes>, Error> {
        match self.earlier.get(key).or_else(|| self.ahead.get(key)) {
            Some(value) => Ok(value),
            None => self.index.get(key),
        }
    }

    /// The pairs from the key `from` to before `to`.
    fn range(
        &self,
        from: Vec<u8>,
        to: Option<Vec<u8>>,
    ) -> impl DoubleEndedIterator<Item = Result<Pair, Error>> + use<'a> {
        let indexed = self.index.range(from.clone(), to.clone());
        let ahead = self.ahead.over(indexed, from.clone(), to.clone());
        self.earlier.over(ahead, from, to)
    }

    fn scan(&self, prefix: &str) -> impl DoubleEndedIterator<Item = Result<Pair, Error>> + use<'a> {
        self.range(prefix.into(), index::end_of(prefix))
    }

    /// The record at a key.
    pub(crate) fn get<R: Stored>(&self, key: &str) -> Result<Option<R>, Error> {
        self.bytes(key)?
            .map(|value| decode(key, &value))
            .transpose()
    }

    /// The records under a prefix, in the order of their keys.
    pub(crate) fn list<R: Stored>(&self, prefix: &str) -> Result<Vec<R>, Error> {
        self.scan(prefix).map(record).collect()
    }

    /// The records under a prefix whose keys `is_wanted` takes, in the order of the keys.
    pub(crate) fn list_where<R: Stored>(
        &self,
        prefix: &str,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<R>, Error> {
        self.scan(prefix)
            .filter(|pair| pair.as_ref().map_or(true, |(key, _)| is_wanted(key)))
            .map(record)
            .collect()
    }

    /// At most `limit` records behind the key `after`.
    pub(crate) fn list_after<R: Stored>(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<R>, Error> {
        // The prefix itself is no key, so an `after` before it begins with its first.
        let from = format!("{after}\0").into_bytes().max(prefix.into());
        self.range(from, index::end_of(prefix))
            .take(limit)
            .map(record)
            .collect()
    }

    /// At most `limit` records, the last first.
    pub(crate) fn list_back<R: Stored>(&self, prefix: &str, limit: usize) -> Result<Vec<R>, Error> {
        self.scan(prefix).rev().take(limit).map(record).collect()
    }

    /// At most `limit` records before the key `before`, the last first.
    pub(crate) fn list_before<R: Stored>(
        &self,
        prefix: &str,
        before: &str,
        limit: usize,
    ) -> Result<Vec<R>, Error> {
        self.range(prefix.into(), Some(before.into()))
            .rev()
            .take(limit)
            .map(record)
            .collect()
    }

    /// At most `limit` keys behind the key `after`.
    pub(crate) fn keys_after(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        let from = format!("{after}\0").into_bytes().max(prefix.into());
        self.range(from, index::end_of(prefix))
            .take(limit)
            .map(|pair| pair.map(|(key, _)| key))
            .collect()
    }

    /// At most `limit` keys under a prefix from the key `from` to before the key `to`, where these are
    /// given, the last first.
    pub(crate) fn keys_back(
        &self,
        prefix: &str,
        from: Option<&str>,
        to: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        let to = to.map_or_else(|| index::end_of(prefix), |to| Some(to.into()));
        self.range(from.unwrap_or(prefix).into(), to)
            .rev()
            .take(limit)
            .map(|pair| pair.map(|(key, _)| key))
            .collect()
    }

    /// The keys under a prefix, in order.
    pub(crate) fn keys(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.scan(prefix)
            .map(|pair| pair.map(|(key, _)| key))
            .collect()
    }

    /// The last key under a prefix.
    pub(crate) fn last_key(&self, prefix: &str) -> Result<Option<String>, Error> {
        let pair = self.scan(prefix).next_back().transpose()?;
        Ok(pair.map(|(key, _)| key))
    }

    /// Whether any key begins with `prefix`.
    pub(crate) fn any(&self, prefix: &str) -> Result<bool, Error> {
        Ok(self.scan(prefix).next().transpose()?.is_some())
    }

    /// The accounts that have a record, found by one seek for each.
    pub(crate) fn accounts(&self) -> Result<Vec<String>, Error> {
        let mut accounts = Vec::new();
        // An empty bound would find the index's own key.
        let mut from = "\x01".to_owned();
        while let Some(key) = self.first_key_from(&from)? {
            if key.starts_with(keys::OWN) {
                // Behind all the catalog's own keys.
                from = char::from_u32(u32::from(keys::OWN) + 1)
                    .unwrap_or(keys::OWN)
                    .to_string();
                continue;
            }
            let account = keys::account_of(&key).to_owned();
            // '0' is the character behind '/'.
            from = format!("{account}0");
            accounts.push(account);
        }
        Ok(accounts)
    }

    /// The accounts that have a record in the audit, found by one seek for each.
    pub(crate) fn audited_accounts(&self) -> Result<Vec<String>, Error> {
        let mut accounts = Vec::new();
        let mut from = keys::ALL_AUDITS.to_owned();
        while let Some(key) = self.first_key_from(&from)? {
            let Some(rest) = key.strip_prefix(keys::ALL_AUDITS) else {
                break;
            };
            let account = keys::account_of(rest).to_owned();
            from = format!("{}{account}0", keys::ALL_AUDITS);
            accounts.push(account);
        }
        Ok(accounts)
    }

    fn first_key_from(&self, from: &str) -> Result<Option<String>, Error> {
        let first = self.range(from.into(), None).next().transpose()?;
        Ok(first.map(|(key, _)| key))
    }
}

fn record<R: Stored>(pair: Result<Pair, Error>) -> Result<R, Error> {
    let (key, value) = pair?;
    decode(&key, &value)
}

fn decode<R: Stored>(key: &str, value: &[u8]) -> Result<R, Error> {
    format::decode(value).map_err(|e| e.at(format_args!("at the key {key}")))
}

/// One mutation in the making, or one step of it.
pub(crate) struct Draft<'a> {
    view: View<'a>,
    now_us: u64,
    operations: BTreeMap<String, Option<Bytes>>,
    what: Option<What>,
    stage_version: Option<u64>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(view: View<'a>, now_us: u64) -> Draft<'a> {
        Draft {
            view,
            now_us,
            operations: BTreeMap::new(),
            what: None,
            stage_version: None,
        }
    }

    /// The records before this mutation.
    pub(crate) fn view(&self) -> View<'a> {
        self.view
    }

    /// The time of this mutation.
    pub(crate) fn now_us(&self) -> u64 {
        self.now_us
    }

    pub(crate) fn put<R: Stored>(&mut self, key: String, record: &R) {
        self.operations
            .insert(key, Some(format::encode(record).into()));
    }

    #[cfg(test)]
    pub(crate) fn put_bytes(&mut self, key: String, bytes: Bytes) {
        self.operations.insert(key, Some(bytes));
    }

    /// What this mutation itself puts at a key.
    pub(crate) fn own<R: Stored>(&self, key: &str) -> Result<Option<R>, Error> {
        let value = self.operations.get(key).and_then(Option::as_ref);
        value.map(|value| decode(key, value)).transpose()
    }

    pub(crate) fn mark(&mut self, key: String) {
        self.put(key, &Mark);
    }

    pub(crate) fn delete(&mut self, key: String) {
        self.operations.insert(key, None);
    }

    /// A new id, from 1 up; once for each counter in a mutation.
    pub(crate) fn next_id(&mut self, account: &str, of: &str) -> Result<u64, Error> {
        let key = keys::counter(account, of);
        let id = self.view.get::<Counter>(&key)?.map_or(1, |last| last.0 + 1);
        self.put(key, &Counter(id));
        Ok(id)
    }

    /// Says which version a stage has after this mutation, for the audit.
    pub(crate) fn stage_version(&mut self, version: u64) {
        self.stage_version = Some(version);
    }

    /// Names the mutation by what was decided, instead of by what was asked for.
    pub(crate) fn tell(&mut self, what: What) {
        self.what = Some(what);
    }

    /// What was decided, called `what` unless the draft says otherwise; `None` when it changes nothing.
    pub(super) fn decided(self, what: impl FnOnce() -> What) -> Option<Decided> {
        if self.operations.is_empty() {
            return None;
        }
        Some(Decided {
            operations: self.operations.into_iter().collect(),
            what: self.what.unwrap_or_else(what),
            stage_version: self.stage_version,
        })
    }
}
