//! The slow-down after failed logins: per user and per address, so that neither many passwords for one user
//! nor one password for many users can be tried fast. Bounded in memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many users and addresses are remembered; beyond it the one that failed longest ago is forgotten.
const REMEMBERED_MAX: usize = 10_000;
/// Failures are forgotten when there were none for this long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);
/// An address may fail this many times as often as a user, for many people may share one.
const ADDRESS_FACTOR: u32 = 4;
const DELAY_FIRST: Duration = Duration::from_millis(200);

/// Failed logins of late.
#[derive(Debug)]
pub(crate) struct Throttle {
    failures: Mutex<HashMap<Key, Failures>>,
    /// Failures that cost nothing.
    free: u32,
    delay_max: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    User(String),
    Address(String),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Throttle {
    pub(crate) fn new(free: u32, delay_max: Duration) -> Self {
        Self {
            failures: Mutex::default(),
            free,
            delay_max,
        }
    }

    /// How long this user, from this address, has yet to wait; `None` when an attempt may be made now.
    pub(crate) fn wait(&self, user: &str, address: &str, now: Instant) -> Option<Duration> {
        let failures = self.lock();
        keys(user, address)
            .iter()
            .filter_map(|key| {
                let found = failures.get(key)?;
                let until = found.last + self.delay(key, found.count);
                until
                    .checked_duration_since(now)
                    .filter(|wait| !wait.is_zero())
            })
            .max()
    }

    /// A login failed.
    pub(crate) fn failed(&self, user: &str, address: &str, now: Instant) {
        let mut failures = self.lock();
        if failures.len() + 2 > REMEMBERED_MAX {
            failures.retain(|_, found| now.duration_since(found.last) < FORGOTTEN_AFTER);
        }
        for key in keys(user, address) {
            if failures.len() >= REMEMBERED_MAX && !failures.contains_key(&key) {
                let oldest = failures
                    .iter()
                    .min_by_key(|(_, found)| found.last)
                    .map(|(key, _)| key.clone());
                if let Some(oldest) = oldest {
                    failures.remove(&oldest);
                }
            }
            let found = failures.entry(key).or_insert(Failures {
                count: 0,
                last: now,
            });
            if now.duration_since(found.last) >= FORGOTTEN_AFTER {
                found.count = 0;
            }
            found.count = found.count.saturating_add(1);
            found.last = now;
        }
    }

    /// A login succeeded: its user's failures are forgotten, the address's are not.
    pub(crate) fn succeeded(&self, user: &str) {
        self.lock().remove(&Key::User(user.to_owned()));
    }

    fn delay(&self, key: &Key, count: u32) -> Duration {
        let free = match key {
            Key::User(_) => self.free,
            Key::Address(_) => self.free.saturating_mul(ADDRESS_FACTOR),
        };
        match count.saturating_sub(free) {
            0 => Duration::ZERO,
            over => DELAY_FIRST
                .saturating_mul(1_u32.checked_shl(over - 1).unwrap_or(u32::MAX))
                .min(self.delay_max),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keys(user: &str, address: &str) -> [Key; 2] {
    [Key::User(user.to_owned()), Key::Address(address.to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_secs(30);

    #[test]
    fn failures_of_a_user_slow_it_down_and_a_success_ends_that() {
        let throttle = Throttle::new(3, MAX);
        let now = Instant::now();
        for _ in 0..3 {
            assert_eq!(throttle.wait("sys:root", "a", now), None);
            throttle.failed("sys:root", "a", now);
        }
        assert_eq!(throttle.wait("sys:root", "a", now), None);
        throttle.failed("sys:root", "a", now);
        assert_eq!(throttle.wait("sys:root", "b", now), Some(DELAY_FIRST));
        throttle.failed("sys:root", "a", now);
        assert_eq!(throttle.wait("sys:root", "b", now), Some(DELAY_FIRST * 2));
        assert_eq!(throttle.wait("sys:root", "b", now + DELAY_FIRST * 2), None);
        assert_eq!(throttle.wait("sys:other", "a", now), None);
        for _ in 0..50 {
            throttle.failed("sys:root", "a", now);
        }
        assert_eq!(throttle.wait("sys:root", "b", now), Some(MAX));
        throttle.succeeded("sys:root");
        assert_eq!(throttle.wait("sys:root", "b", now), None);
    }

    #[test]
    fn one_address_cannot_try_many_users_fast() {
        let throttle = Throttle::new(3, MAX);
        let now = Instant::now();
        for user in 0..13 {
            throttle.failed(&format!("sys:u{user}"), "a", now);
        }
        assert_eq!(throttle.wait("sys:fresh", "a", now), Some(DELAY_FIRST));
        assert_eq!(throttle.wait("sys:fresh", "b", now), None);
        assert_eq!(throttle.wait("sys:fresh", "a", now + FORGOTTEN_AFTER), None);
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::new(3, MAX);
        let now = Instant::now();
        for n in 0..REMEMBERED_MAX as u64 + 100 {
            throttle.failed(&format!("sys:u{n}"), "a", now + Duration::from_nanos(n));
        }
        assert!(throttle.lock().len() <= REMEMBERED_MAX);
    }
}
