//! What a mutation works with: a typed view of the records as they are, and a draft of the changes.
//! Reads within a mutation see the state before it.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::format::{self, Counter, Mark, Stored};
use crate::index::{Index, Operation};
use crate::keys;

/// Typed reading of the index.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    index: &'a Index,
}

impl<'a> View<'a> {
    pub(super) fn new(index: &'a Index) -> View<'a> {
        View { index }
    }

    /// The record at a key.
    pub(crate) fn get<R: Stored>(&self, key: &str) -> Result<Option<R>, Error> {
        self.index
            .get(key)?
            .map(|value| decode(key, &value))
            .transpose()
    }

    /// The records under a prefix, in the order of their keys.
    pub(crate) fn list<R: Stored>(&self, prefix: &str) -> Result<Vec<R>, Error> {
        self.index.scan(prefix).map(record).collect()
    }

    /// At most `limit` records behind the key `after`.
    pub(crate) fn list_after<R: Stored>(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<R>, Error> {
        self.index
            .scan_after(prefix, after)
            .take(limit)
            .map(record)
            .collect()
    }

    /// At most `limit` records, the last first.
    pub(crate) fn list_back<R: Stored>(&self, prefix: &str, limit: usize) -> Result<Vec<R>, Error> {
        self.index
            .scan(prefix)
            .rev()
            .take(limit)
            .map(record)
            .collect()
    }

    /// The keys under a prefix, in order.
    pub(crate) fn keys(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.index
            .scan(prefix)
            .map(|pair| pair.map(|(key, _)| key))
            .collect()
    }

    /// The last key under a prefix.
    pub(crate) fn last_key(&self, prefix: &str) -> Result<Option<String>, Error> {
        let pair = self.index.scan(prefix).next_back().transpose()?;
        Ok(pair.map(|(key, _)| key))
    }

    /// Whether any key begins with `prefix`.
    pub(crate) fn any(&self, prefix: &str) -> Result<bool, Error> {
        Ok(self.index.scan(prefix).next().transpose()?.is_some())
    }

    /// The accounts that have a record, found by one seek for each.
    pub(crate) fn accounts(&self) -> Result<Vec<String>, Error> {
        let mut accounts = Vec::new();
        let mut from = String::new();
        while let Some(key) = self.index.first_key_from(&from)? {
            let account = keys::account_of(&key).to_owned();
            // '0' is the character behind '/'.
            from = format!("{account}0");
            accounts.push(account);
        }
        Ok(accounts)
    }
}

fn record<R: Stored>(pair: Result<(String, Vec<u8>), Error>) -> Result<R, Error> {
    let (key, value) = pair?;
    decode(&key, &value)
}

fn decode<R: Stored>(key: &str, value: &[u8]) -> Result<R, Error> {
    format::decode(value).map_err(|e| e.at(format_args!("at the key {key}")))
}

/// One mutation in the making.
pub(crate) struct Draft<'a> {
    view: View<'a>,
    now_us: u64,
    operations: BTreeMap<String, Option<Vec<u8>>>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(view: View<'a>, now_us: u64) -> Draft<'a> {
        Draft {
            view,
            now_us,
            operations: BTreeMap::new(),
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
        self.operations.insert(key, Some(format::encode(record)));
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

    pub(super) fn into_operations(self) -> Vec<Operation> {
        self.operations.into_iter().collect()
    }
}
