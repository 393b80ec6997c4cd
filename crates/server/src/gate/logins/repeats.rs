//! What would be recorded again and again: the first of a window is, and the others as a number when it ends, so that
//! nobody fills the audit from outside. Bounded in memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use catalog::AuditEvent;

/// How many are counted at once; beyond it the oldest window ends early.
const COUNTED_MAX: usize = 10_000;

/// Open windows, by what is the same for all of one.
#[derive(Debug)]
pub(super) struct Repeats<K> {
    state: Mutex<State<K>>,
    window: Duration,
}

#[derive(Debug)]
struct State<K> {
    open: HashMap<K, Window>,
    /// No window ends before; so that nobody looks through all for nothing.
    due: Option<Instant>,
}

#[derive(Debug)]
struct Window {
    since: Instant,
    first: AuditEvent,
    more: u64,
}

impl<K: Clone + Eq + Hash> Repeats<K> {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            state: Mutex::new(State {
                open: HashMap::new(),
                due: None,
            }),
            window,
        }
    }

    /// Gives what is to be recorded now that this has happened: nothing within a window that is open.
    pub(super) fn happened(
        &self,
        key: K,
        now: Instant,
        event: impl FnOnce() -> AuditEvent,
    ) -> Vec<AuditEvent> {
        {
            let mut state = self.lock();
            if let Some(window) = state.open.get_mut(&key)
                && now.duration_since(window.since) < self.window
            {
                window.more = window.more.saturating_add(1);
                return Vec::new();
            }
        }
        self.begin(key, now, event())
    }

    /// The same for what is recorded in any case; a new window begins with it.
    pub(super) fn begin(&self, key: K, now: Instant, first: AuditEvent) -> Vec<AuditEvent> {
        let mut state = self.lock();
        let State { open, due } = &mut *state;
        due.get_or_insert(now + self.window);
        let mut ended = Vec::new();
        if open.len() >= COUNTED_MAX && !open.contains_key(&key) {
            let oldest = open.iter().min_by_key(|(_, window)| window.since);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                ended.extend(open.remove(&oldest).and_then(Window::count));
            }
        }
        let window = Window {
            since: now,
            first: first.clone(),
            more: 0,
        };
        ended.extend(open.insert(key, window).and_then(Window::count));
        ended.push(first);
        ended
    }

    /// Ends the windows that are over, or all; gives what is to be recorded of them.
    pub(super) fn ended(&self, now: Instant, all: bool) -> Vec<AuditEvent> {
        let mut state = self.lock();
        let State { open, due } = &mut *state;
        if !all && due.is_none_or(|due| now < due) {
            return Vec::new();
        }
        let counts = open
            .extract_if(|_, window| all || now.duration_since(window.since) >= self.window)
            .filter_map(|(_, window)| window.count())
            .collect();
        let oldest = open.values().map(|window| window.since).min();
        *due = oldest.map(|since| since + self.window);
        counts
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    /// The record of all but the first; `None` when there was no other.
    fn count(self) -> Option<AuditEvent> {
        if self.more == 0 {
            return None;
        }
        let mut event = self.first;
        // It stands for many requests, none of which is this one.
        event.actor.request.id = String::new();
        let separator = if event.reason.is_empty() { "" } else { "; " };
        event.reason = format!("{}{separator}{} more of these", event.reason, self.more);
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use catalog::{Actor, AuditOutcome};

    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    fn event(reason: &str) -> AuditEvent {
        AuditEvent {
            actor: Actor::new("t1", "u", ""),
            operation: "LOGIN".to_owned(),
            target: "t1:u".to_owned(),
            stage_version: None,
            outcome: AuditOutcome::Refused,
            reason: reason.to_owned(),
        }
    }

    fn reasons(events: Vec<AuditEvent>) -> Vec<String> {
        events.into_iter().map(|event| event.reason).collect()
    }

    #[test]
    fn the_first_of_a_window_is_recorded_and_then_the_number_of_the_others() {
        let repeats = Repeats::new(WINDOW);
        let began = Instant::now();
        assert_eq!(
            reasons(repeats.happened("a", began, || event("slow"))),
            ["slow"]
        );
        for _ in 0..1000 {
            let now = began + WINDOW / 2;
            assert!(repeats.happened("a", now, || event("slow")).is_empty());
        }
        assert!(repeats.ended(began + WINDOW / 2, false).is_empty());
        assert_eq!(
            reasons(repeats.happened("b", began, || event(""))),
            [""],
            "another is another"
        );
        assert_eq!(
            reasons(repeats.happened("a", began + WINDOW, || event("slow"))),
            ["slow; 1000 more of these", "slow"]
        );
        assert!(repeats.happened("b", began, || event("")).is_empty());
        assert_eq!(
            reasons(repeats.ended(began + WINDOW, false)),
            ["1 more of these"]
        );
        assert!(repeats.ended(began + WINDOW * 3, true).is_empty());
    }

    #[test]
    fn memory_is_bounded_and_what_it_forgets_is_recorded() {
        let repeats = Repeats::new(WINDOW);
        let began = Instant::now();
        repeats.happened(0, began, || event("first"));
        repeats.happened(0, began, || event("first"));
        let mut recorded = Vec::new();
        for n in 1..=COUNTED_MAX {
            let now = began + Duration::from_millis(1);
            recorded.extend(reasons(repeats.happened(n, now, || event("other"))));
        }
        assert_eq!(repeats.lock().open.len(), COUNTED_MAX);
        assert_eq!(recorded.len(), COUNTED_MAX + 1);
        assert!(recorded.contains(&"first; 1 more of these".to_owned()));
    }
}
