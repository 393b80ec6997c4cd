//! The slow-down after failed logins, bounded in memory. Failures count
//! - for the user from its network, and for the network, so that neither many passwords for one user nor one
//!   password for many users can be tried fast: the delay doubles up to the setting's maximum;
//! - for the user, wherever they come from, so that many networks together cannot either: at most a second.
//!
//! Where a user has logged in rightly from a network of late, only its own failures from there count: nobody
//! elsewhere, and nobody else behind the same address, locks it out.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::network::Network;

/// How many users, networks and pairs are remembered, each; beyond it the one of longest ago is forgotten.
const REMEMBERED_MAX: usize = 10_000;
/// A network may fail this many times as often as a user from it, for many people may share one.
const NETWORK_FACTOR: u32 = 4;
/// And a user from everywhere this many times.
const USER_FACTOR: u32 = 8;
const USER_DELAY_MAX: Duration = Duration::from_secs(1);
const DELAY_FIRST: Duration = Duration::from_millis(200);
/// How long a right login tells a user's network from others.
const WELCOME_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// Failed logins of late.
#[derive(Debug)]
pub(super) struct Throttle {
    state: Mutex<State>,
    /// Failures that cost nothing.
    free: u32,
    /// Failures are forgotten when there were none for this long.
    window: Duration,
    delay_max: Duration,
}

/// A user, `account:user`, in a network.
type Pair = (String, Network);

#[derive(Debug, Default)]
struct State {
    pairs: Recent<Pair>,
    networks: Recent<Network>,
    users: Recent<String>,
    /// Where each user has logged in rightly.
    welcome: Recent<Pair>,
}

/// How often something happened, and when last.
#[derive(Debug)]
struct Recent<K>(HashMap<K, Seen>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    count: u32,
    last: Instant,
}

impl Throttle {
    pub(super) fn new(free: u32, window: Duration, delay_max: Duration) -> Self {
        Self {
            state: Mutex::default(),
            free,
            window,
            delay_max,
        }
    }

    /// How long this user, from this network, has yet to wait; `None` when an attempt may be made now.
    pub(super) fn wait(&self, user: &str, network: &Network, now: Instant) -> Option<Duration> {
        let state = self.lock();
        let pair = (user.to_owned(), network.clone());
        let is_welcome = state.welcome.count(&pair, WELCOME_FOR, now) > 0;
        let pair = self.left(state.pairs.seen(&pair), self.free, self.delay_max, now);
        if is_welcome {
            return pair;
        }
        let network = self.of_network(&state, network, now);
        let user = self.left(
            state.users.seen(user),
            self.free.saturating_mul(USER_FACTOR),
            self.delay_max.min(USER_DELAY_MAX),
            now,
        );
        pair.max(network).max(user)
    }

    /// How long anyone from this network has to wait who has never logged in from there.
    pub(super) fn wait_of_network(&self, network: &Network, now: Instant) -> Option<Duration> {
        self.of_network(&self.lock(), network, now)
    }

    /// A login of this user failed.
    pub(super) fn failed(&self, user: &str, network: &Network, now: Instant) {
        let mut state = self.lock();
        let pair = (user.to_owned(), network.clone());
        state.pairs.happened(pair, self.window, now);
        state.networks.happened(network.clone(), self.window, now);
        state.users.happened(user.to_owned(), self.window, now);
    }

    /// Somebody of this network failed, and said of no user to be it.
    pub(super) fn failed_unnamed(&self, network: &Network, now: Instant) {
        let mut state = self.lock();
        state.networks.happened(network.clone(), self.window, now);
    }

    /// A login succeeded: the user's failures from this network are forgotten, no others.
    pub(super) fn succeeded(&self, user: &str, network: &Network, now: Instant) {
        let mut state = self.lock();
        let pair = (user.to_owned(), network.clone());
        state.pairs.0.remove(&pair);
        state.welcome.happened(pair, WELCOME_FOR, now);
    }

    fn of_network(&self, state: &State, network: &Network, now: Instant) -> Option<Duration> {
        let free = self.free.saturating_mul(NETWORK_FACTOR);
        self.left(state.networks.seen(network), free, self.delay_max, now)
    }

    fn left(
        &self,
        seen: Option<Seen>,
        free: u32,
        delay_max: Duration,
        now: Instant,
    ) -> Option<Duration> {
        let seen = seen?;
        let over = seen.count.checked_sub(free).filter(|over| *over > 0)?;
        let delay = DELAY_FIRST
            .saturating_mul(1_u32.checked_shl(over - 1).unwrap_or(u32::MAX))
            .min(delay_max);
        (seen.last + delay)
            .checked_duration_since(now)
            .filter(|wait| !wait.is_zero())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Clone + Eq + Hash> Recent<K> {
    fn seen<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<Seen>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.get(key).copied()
    }

    fn count(&self, key: &K, kept: Duration, now: Instant) -> u32 {
        self.seen(key)
            .filter(|seen| now.duration_since(seen.last) < kept)
            .map_or(0, |seen| seen.count)
    }

    fn happened(&mut self, key: K, kept: Duration, now: Instant) {
        if self.0.len() >= REMEMBERED_MAX && !self.0.contains_key(&key) {
            self.0
                .retain(|_, seen| now.duration_since(seen.last) < kept);
            if self.0.len() >= REMEMBERED_MAX {
                let oldest = self.0.iter().min_by_key(|(_, seen)| seen.last);
                if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                    self.0.remove(&oldest);
                }
            }
        }
        let seen = self.0.entry(key).or_insert(Seen {
            count: 0,
            last: now,
        });
        if now.duration_since(seen.last) >= kept {
            seen.count = 0;
        }
        seen.count = seen.count.saturating_add(1);
        seen.last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(900);
    const MAX: Duration = Duration::from_secs(30);

    fn throttle() -> Throttle {
        Throttle::new(3, WINDOW, MAX)
    }

    fn network(name: &str) -> Network {
        Network::Other(name.to_owned())
    }

    #[test]
    fn failures_of_a_user_slow_it_down_there_and_a_success_ends_that() {
        let throttle = throttle();
        let (here, there) = (network("here"), network("there"));
        let now = Instant::now();
        for _ in 0..3 {
            assert_eq!(throttle.wait("sys:root", &here, now), None);
            throttle.failed("sys:root", &here, now);
        }
        assert_eq!(throttle.wait("sys:root", &here, now), None);
        throttle.failed("sys:root", &here, now);
        assert_eq!(throttle.wait("sys:root", &here, now), Some(DELAY_FIRST));
        throttle.failed("sys:root", &here, now);
        let wait = throttle.wait("sys:root", &here, now);
        assert_eq!(wait, Some(DELAY_FIRST * 2));
        assert_eq!(
            throttle.wait("sys:root", &here, now + DELAY_FIRST * 2),
            None
        );
        assert_eq!(throttle.wait("sys:other", &here, now), None);
        assert_eq!(throttle.wait("sys:root", &there, now), None);
        for _ in 0..5 {
            throttle.failed("sys:root", &here, now);
        }
        throttle.succeeded("sys:root", &here, now);
        assert_eq!(throttle.wait("sys:root", &here, now), None);
        for _ in 0..50 {
            throttle.failed("sys:root", &here, now);
        }
        assert_eq!(throttle.wait("sys:root", &here, now), Some(MAX));
        assert_eq!(throttle.wait("sys:root", &here, now + WINDOW), None);
    }

    #[test]
    fn one_network_cannot_try_many_users_fast() {
        let throttle = throttle();
        let (here, there) = (network("here"), network("there"));
        let now = Instant::now();
        throttle.succeeded("sys:regular", &here, now);
        for user in 0..13 {
            throttle.failed(&format!("sys:u{user}"), &here, now);
        }
        assert_eq!(throttle.wait("sys:fresh", &here, now), Some(DELAY_FIRST));
        assert_eq!(throttle.wait_of_network(&here, now), Some(DELAY_FIRST));
        assert_eq!(throttle.wait("sys:fresh", &there, now), None);
        // Who is known there is not locked out by its neighbours.
        assert_eq!(throttle.wait("sys:regular", &here, now), None);
        assert_eq!(throttle.wait("sys:fresh", &here, now + WINDOW), None);
    }

    #[test]
    fn many_networks_slow_a_user_down_a_little_and_not_where_it_is_known() {
        let throttle = throttle();
        let (home, fresh) = (network("home"), network("fresh"));
        let now = Instant::now();
        throttle.succeeded("sys:root", &home, now);
        for n in 0..1000 {
            throttle.failed("sys:root", &network(&n.to_string()), now);
        }
        let wait = throttle.wait("sys:root", &fresh, now);
        assert_eq!(wait, Some(USER_DELAY_MAX));
        assert_eq!(
            throttle.wait("sys:root", &fresh, now + USER_DELAY_MAX),
            None
        );
        assert_eq!(throttle.wait("sys:root", &home, now), None);
        assert_eq!(throttle.wait("sys:other", &fresh, now), None);
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = throttle();
        let now = Instant::now();
        for n in 0..REMEMBERED_MAX as u64 + 100 {
            let (user, network) = (format!("sys:u{n}"), network(&n.to_string()));
            let now = now + Duration::from_nanos(n);
            throttle.failed(&user, &network, now);
            throttle.succeeded(&user, &network, now);
            throttle.failed(&user, &network, now);
        }
        let state = throttle.lock();
        assert_eq!(state.pairs.0.len(), REMEMBERED_MAX);
        assert_eq!(state.networks.0.len(), REMEMBERED_MAX);
        assert_eq!(state.users.0.len(), REMEMBERED_MAX);
        assert_eq!(state.welcome.0.len(), REMEMBERED_MAX);
    }
}
